//! Where text goes: standard output for what was asked for, standard error for everything else. Colours are for terminals.

use crate::command::Failure;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

/// Beyond this many columns a line of text is hard to read, however wide the terminal is.
const WIDEST: usize = 100;
/// Below this many nothing is laid out: the terminal wraps it.
const NARROWEST: usize = 40;

/// Standard output: how wide it is, and whether it shows colours.
pub(crate) struct Screen {
    pub(crate) width: usize,
    colour: bool,
}

/// How a piece of text looks on a terminal, as the parameters of SGR (ECMA-48 §8.3.117).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Strong,
    Faint,
    Blue,
    Green,
    Cyan,
    Yellow,
    Red,
}

impl Screen {
    pub(crate) fn stdout() -> Screen {
        let stdout = std::io::stdout();
        let columns = rustix::termios::tcgetwinsize(stdout.as_fd()).map_or(0, |size| usize::from(size.ws_col));
        // Some terminals do not know how wide they are, and say 0.
        let width = if columns == 0 { WIDEST } else { columns.clamp(NARROWEST, WIDEST) };
        Screen { width, colour: is_coloured(&stdout) }
    }

    /// A screen of this width that shows no colours.
    #[cfg(test)]
    pub(crate) fn paper(width: usize) -> Screen {
        Screen { width, colour: false }
    }

    /// The text in a style, on a terminal that shows it.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let parameter = match style {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Blue => "1;34",
            Style::Green => "1;32",
            Style::Cyan => "1;36",
            Style::Yellow => "1;33",
            Style::Red => "1;31",
        };
        format!("\x1b[{parameter}m{text}\x1b[0m")
    }
}

/// Writes to standard output what was asked for.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Writes a line, or several, to standard error. Where nobody can be told of that, nobody is.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes to standard error what somebody is asked, and leaves the line open.
pub(crate) fn ask(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Whether standard error shows colours.
pub(crate) fn stderr_is_coloured() -> bool {
    is_coloured(&std::io::stderr())
}

/// A terminal, unless `NO_COLOR` (no-color.org) or `TERM=dumb` says otherwise.
fn is_coloured(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !refused && !dumb
}

/// The text in lines of at most `width` characters, broken at spaces; a longer word is a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let letters = word.chars().count();
        if used > 0 && used + 1 + letters > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { break };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += letters;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_at_spaces_and_never_within_a_word() {
        let cases: &[(&str, usize, &[&str])] = &[
            ("", 10, &[""]),
            ("one two", 7, &["one two"]),
            ("one two", 6, &["one", "two"]),
            ("a incomprehensible b", 5, &["a", "incomprehensible", "b"]),
            ("§§§ §§§", 7, &["§§§ §§§"]),
        ];
        for (text, width, lines) in cases {
            assert_eq!(wrap(text, *width), *lines, "{text:?} in {width}");
        }
    }

    #[test]
    fn only_a_terminal_is_painted() {
        let terminal = Screen { colour: true, ..Screen::paper(80) };
        assert_eq!(Screen::paper(80).paint(Style::Red, "no"), "no");
        assert_eq!(terminal.paint(Style::Red, "no"), "\x1b[1;31mno\x1b[0m");
    }
}
