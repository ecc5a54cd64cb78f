//! `verdict code`: the reference. All codes, one of them, or several side by side.

mod data;
mod text;

use super::Failure;
use crate::screen::{self, Screen};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::str::FromStr;
use verdict_core::Status;
use verdict_core::reference::{class_name, nearest};
use verdict_core::status::REGISTRY;

/// What a status code means, and when this server gives it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Codes, classes or ranges: 409, 4xx, 500-504. None for all codes
    #[arg(value_name = "CODE")]
    codes: Vec<Codes>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  verdict code                    all of them
  verdict code 409                one: when it is right, when not, and this server's reasons for it
  verdict code 301 302 307 308    several, and what tells them apart
  verdict code 5xx --json         a class, for a program";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let statuses = statuses(&args.codes)?;
    let screen = Screen::stdout();
    let text = match (statuses.as_slice(), args.json) {
        ([], false) => text::all(&screen),
        ([], true) => data::all(),
        ([one], false) => text::one(*one, &screen),
        ([one], true) => data::one(*one),
        (several, false) => text::several(several, &screen),
        (several, true) => data::several(several),
    };
    screen::say(&text)
}

/// The registered codes that were asked for, each once, in the order in which they were.
fn statuses(asked: &[Codes]) -> Result<Vec<Status>, Failure> {
    let mut statuses = Vec::new();
    let mut seen = BTreeSet::new();
    for codes in asked {
        let mut found = REGISTRY.iter().map(|line| line.status).filter(|status| codes.contain(*status)).peekable();
        if found.peek().is_none() {
            return Err(Failure::Wrong(unregistered(codes)));
        }
        statuses.extend(found.filter(|status| seen.insert(*status)));
    }
    Ok(statuses)
}

fn unregistered(codes: &Codes) -> String {
    let mut sentence = if codes.first == codes.last {
        format!("{} is not a registered status code", codes.first)
    } else {
        format!("no status code from {} to {} is registered", codes.first, codes.last)
    };
    let near: Vec<String> = nearest(codes.first).map(|status| format!("{status} {}", status.phrase())).collect();
    let _ = write!(sentence, "; the nearest are {}.", near.join(" and "));
    // RFC 9110 §15
    if let Some(status) = Status::from_wire(codes.first) {
        let class = status.class();
        let _ = match codes.first {
            600.. => write!(sentence, " A client treats any above 599 as a {}.", class_name(class)),
            code => write!(sentence, " A client that does not know it treats it as {}.", code / 100 * 100),
        };
    }
    sentence
}

/// One code or an inclusive range of them, within 100 to 999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Codes {
    first: u16,
    last: u16,
}

impl Codes {
    fn contain(&self, status: Status) -> bool {
        (self.first..=self.last).contains(&status.code())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_a_class_and_a_range_are_codes() {
        let cases = [("409", 409, 409), ("4xx", 400, 499), ("5XX", 500, 599), ("500-504", 500, 504), ("999", 999, 999)];
        for (text, first, last) in cases {
            assert_eq!(text.parse(), Ok(Codes { first, last }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in
            ["", "x", "4", "40", "099", "1000", "4x", "xxx", "44xx", "-404", "404-", "504-500", "+40", "404 ", "４04"]
        {
            assert!(text.parse::<Codes>().is_err(), "{text}");
        }
    }

    #[test]
    fn codes_are_told_once_and_in_the_order_that_was_asked_for() {
        let asked: Vec<Codes> = ["503", "500-503", "429", "503"].iter().filter_map(|text| text.parse().ok()).collect();
        let told: Vec<u16> = statuses(&asked).unwrap_or_default().iter().map(|status| status.code()).collect();
        assert_eq!(told, [503, 500, 501, 502, 429]);
    }
}
