//! What can be asked for: a code, a class, a range, or one of this server's reasons.

use std::str::FromStr;
use verdict_core::reason::CATALOGUE;
use verdict_core::status::REGISTRY;
use verdict_core::{Reason, Status};
use verdict_server::config::suggest;

/// One argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Codes(Codes),
    Reason(Reason),
}

/// One code or an inclusive range of them, within 100 to 999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Codes {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Codes {
    pub(super) fn contain(&self, status: Status) -> bool {
        (self.first..=self.last).contains(&status.code())
    }
}

/// Takes what [`Codes`] takes, `if-match-failed`, and that as the type of a problem document has it.
impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        // An id begins with a letter.
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.eq_ignore_ascii_case("xxx") {
            return text.parse().map(Asked::Codes).map_err(str::to_owned);
        }
        let id = text.strip_prefix("urn:verdict:reason:").unwrap_or(text);
        let entry = CATALOGUE.iter().find(|entry| entry.id == id);
        entry.map(|entry| Asked::Reason(entry.reason)).ok_or_else(|| unknown(id))
    }
}

/// Takes `409`, `4xx` and `500-504`.
impl FromStr for Codes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Codes, &'static str> {
        const FORM: &str = "a status code has three digits, as in 409, 4xx or 500-504";
        let number = |text: &str| match text.parse() {
            Ok(code @ 100..=999) if text.len() == 3 => Ok(code),
            _ => Err(FORM),
        };
        let class = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX"));
        if let Some(digit) = class {
            let first = number(&format!("{digit}00"))?;
            return Ok(Codes { first, last: first + 99 });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let codes = Codes { first: number(first)?, last: number(last)? };
        if codes.first > codes.last { Err("the first code of a range is the lower one") } else { Ok(codes) }
    }
}

/// Beyond this many ids that have a word in common, naming them helps nobody.
const NAMED: usize = 5;

/// Why this names no reason, and what may have been meant: a code by its name, a reason that is spelt like it, or those whose
/// ids have it in them.
fn unknown(text: &str) -> String {
    let named = |status: Status| status.reason_phrase().to_ascii_lowercase().replace(' ', "-");
    let wanted = text.to_ascii_lowercase().replace([' ', '_'], "-");
    if let Some(line) = REGISTRY.iter().find(|line| named(line.status) == wanted) {
        return format!("did you mean {} {}?", line.status, line.phrase);
    }
    let ids = CATALOGUE.iter().map(|entry| entry.id);
    if let Some(near) = suggest(&wanted, ids.clone()) {
        return format!("no reason has this id; did you mean {near}?");
    }
    let having: Vec<&str> = ids.filter(|id| wanted.len() > 2 && id.contains(&wanted)).take(NAMED + 1).collect();
    match having.len() {
        1..=NAMED => format!("no reason has this id; these have it in theirs: {}", having.join(", ")),
        _ => "no reason has this id; `verdict code 409` lists those of 409".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_a_class_and_a_range_are_codes() {
        let cases = [("409", 409, 409), ("4xx", 400, 499), ("5XX", 500, 599), ("500-504", 500, 504), ("999", 999, 999)];
        for (text, first, last) in cases {
            assert_eq!(text.parse(), Ok(Asked::Codes(Codes { first, last })), "{text}");
        }
    }

    #[test]
    fn every_reason_is_known_by_its_id_and_by_the_type_of_its_problem() {
        for entry in CATALOGUE {
            for text in [entry.id.to_owned(), format!("urn:verdict:reason:{}", entry.id)] {
                assert_eq!(text.parse(), Ok(Asked::Reason(entry.reason)), "{text}");
            }
        }
    }

    #[test]
    fn anything_else_is_neither() {
        for text in
            ["", "x", "4", "40", "099", "1000", "4x", "xxx", "44xx", "-404", "404-", "504-500", "+40", "404 ", "４04"]
        {
            assert!(text.parse::<Asked>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_guessed() {
        let cases = [
            ("if-match-fail", "no reason has this id; did you mean if-match-failed?"),
            ("IF_MATCH_FAILED", "no reason has this id; did you mean if-match-failed?"),
            ("not-found", "did you mean 404 Not Found?"),
            ("Conflict", "did you mean 409 Conflict?"),
            ("dotfile", "no reason has this id; these have it in theirs: dotfile-hidden"),
            ("banana", "no reason has this id; `verdict code 409` lists those of 409"),
            ("a", "no reason has this id; `verdict code 409` lists those of 409"),
        ];
        for (text, guess) in cases {
            assert_eq!(text.parse::<Asked>(), Err(guess.to_owned()), "{text}");
        }
    }
}
