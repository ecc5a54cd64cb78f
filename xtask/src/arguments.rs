//! The command line: flags, and flags with a value, as `--flag value` or `--flag=value`.

use crate::failure::Failure;
use std::collections::VecDeque;
use std::str::FromStr;

/// What is left of the command line.
pub(crate) struct Arguments(VecDeque<String>);

impl Arguments {
    /// The ones that this process was started with; what is not UTF-8 is replaced and so known to nobody.
    pub(crate) fn of_process() -> Arguments {
        Arguments::from_texts(std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()))
    }

    /// Splits `--flag=value` in two.
    fn from_texts(texts: impl Iterator<Item = String>) -> Arguments {
        let split = |text: String| match text.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => vec![flag.to_owned(), value.to_owned()],
            _ => vec![text],
        };
        Arguments(texts.flat_map(split).collect())
    }

    /// The next word.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.0.pop_front()
    }

    /// The value of the flag that was just read.
    pub(crate) fn value<T: FromStr>(&mut self, flag: &str, form: &str) -> Result<T, Failure> {
        let text = self.next().ok_or_else(|| Failure::Usage(format!("`{flag}` wants {form}")))?;
        text.parse().map_err(|_| Failure::Usage(format!("`{flag}` wants {form}, not `{text}`")))
    }

    /// The failure of a word that no command knows.
    pub(crate) fn unknown(word: &str) -> Failure {
        Failure::Usage(format!("`{word}` is not known here; `--help` tells what is"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::from_texts(words.iter().map(ToString::to_string))
    }

    #[test]
    fn a_value_stands_after_a_space_or_an_equals_sign() {
        for words in [&["--rounds", "3"][..], &["--rounds=3"]] {
            let mut arguments = arguments(words);
            assert_eq!(arguments.next().as_deref(), Some("--rounds"), "{words:?}");
            assert_eq!(arguments.value::<u32>("--rounds", "a number").ok(), Some(3), "{words:?}");
        }
    }

    #[test]
    fn a_value_that_is_missing_or_of_another_form_is_a_usage_failure() {
        for words in [&[][..], &["three"], &["-1"]] {
            let value = arguments(words).value::<u32>("--rounds", "a number");
            assert!(matches!(value, Err(Failure::Usage(_))), "{words:?}");
        }
    }
}
