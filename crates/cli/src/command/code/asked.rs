//! What can be asked for: a code, a class, a range, or one of this server's reasons.

use std::str::FromStr;
use verdict_core::reason::CATALOGUE;
use verdict_core::reference::entry;
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

/// Why this names no reason, and what may have been meant: a code by its name, a reason or a code that is spelt like it, or
/// those that have it in their names; of codes also what is said of them.
fn unknown(text: &str) -> String {
    let wanted = slug(text);
    let names: Vec<(String, Status)> = REGISTRY
        .iter()
        .map(|line| (slug(line.status.reason_phrase()), line.status))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    if let Some((_, status)) = names.iter().find(|(name, _)| *name == wanted) {
        return format!("did you mean {}?", shown(*status));
    }
    let ids = CATALOGUE.iter().map(|entry| entry.id);
    if let Some(near) = suggest(&wanted, ids.clone().chain(names.iter().map(|(name, _)| name.as_str()))) {
        let status = names.iter().find(|(name, _)| name == near).map(|(_, status)| *status);
        return match status {
            Some(status) => format!("did you mean {}?", shown(status)),
            None => format!("no reason has this id; did you mean {near}?"),
        };
    }
    // A word of two letters is in everything.
    let is_worth = wanted.len() > 2;
    let having: Vec<&str> = ids.filter(|id| is_worth && id.contains(&wanted)).collect();
    let mut codes: Vec<Status> =
        names.iter().filter(|(name, _)| is_worth && name.contains(&wanted)).map(|(_, status)| *status).collect();
    if having.is_empty() && codes.is_empty() {
        codes.extend(REGISTRY.iter().map(|line| line.status).filter(|status| is_worth && speaks_of(*status, &wanted)));
    }
    let named: Vec<String> = codes.iter().map(|status| shown(*status)).collect();
    match (having.len(), named.len()) {
        (0, 1) => format!("did you mean {}?", named[0]),
        (0, 2..=NAMED) => format!("did you mean one of {}?", named.join(", ")),
        (1..=NAMED, 0..=NAMED) => {
            let having: Vec<String> = having.into_iter().map(str::to_owned).chain(named).collect();
            format!("no reason has this id; these have it in their names: {}", having.join(", "))
        }
        _ => "no reason has this id; `verdict code` lists the codes, and `verdict code 409` the reasons of 409"
            .to_owned(),
    }
}

/// A name as ids are written: `not-found`.
fn slug(text: &str) -> String {
    text.to_ascii_lowercase().replace([' ', '_'], "-").replace('\'', "")
}

/// `404 Not Found`.
fn shown(status: Status) -> String {
    format!("{status} {}", status.phrase())
}

/// Whether what is said of a code has a word of this.
fn speaks_of(status: Status, wanted: &str) -> bool {
    let words: Vec<&str> = wanted.split('-').filter(|word| word.len() > 3).collect();
    let meaning = entry(status).map_or_else(String::new, |entry| entry.meaning.to_ascii_lowercase());
    let has = |word: &&str| meaning.split(|c: char| !c.is_alphanumeric()).any(|part| part == *word);
    !words.is_empty() && words.iter().all(has)
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
        const NOTHING: &str =
            "no reason has this id; `verdict code` lists the codes, and `verdict code 409` the reasons of 409";
        let cases = [
            ("if-match-fail", "no reason has this id; did you mean if-match-failed?"),
            ("IF_MATCH_FAILED", "no reason has this id; did you mean if-match-failed?"),
            ("not-found", "did you mean 404 Not Found?"),
            ("Conflict", "did you mean 409 Conflict?"),
            ("dotfile", "no reason has this id; these have it in their names: dotfile-hidden"),
            ("conflcit", "did you mean 409 Conflict?"),
            (
                "timeout",
                "no reason has this id; these have it in their names: head-timeout, 408 Request Timeout, 504 Gateway Timeout",
            ),
            ("gateway", "did you mean one of 502 Bad Gateway, 504 Gateway Timeout?"),
            ("teapot", "did you mean 418 (Unused)?"),
            ("I'm a teapot", "did you mean 418 (Unused)?"),
            ("banana", NOTHING),
            ("a", NOTHING),
        ];
        for (text, guess) in cases {
            assert_eq!(text.parse::<Asked>(), Err(guess.to_owned()), "{text}");
        }
    }
}
