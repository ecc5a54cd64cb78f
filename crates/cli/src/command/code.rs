//! `verdict code`: the reference. All codes, one of them, several side by side, or one of this server's reasons.

mod asked;
mod data;
mod given;
mod text;

use super::Failure;
use crate::screen::{self, Screen};
use asked::{Asked, Codes};
use std::collections::BTreeSet;
use std::fmt::Write;
use verdict_core::reference::{class_name, nearest};
use verdict_core::status::REGISTRY;
use verdict_core::{Reason, Status};

/// What a status code means, and when this server gives it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Codes, classes or ranges: 409, 4xx, 500-504; or the ids of reasons. None for all codes
    #[arg(value_name = "CODE")]
    asked: Vec<Asked>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  verdict code                    all of them
  verdict code 409                one: when it is right, when not, and this server's reasons for it
  verdict code 301 302 307 308    several, and what tells them apart
  verdict code if-match-failed    a reason, as the log and problem documents name it; or several
  verdict code 5xx --json         a class, for a program";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let screen = Screen::stdout();
    let reasons = reasons(&args.asked)?;
    match (reasons.as_slice(), args.json) {
        ([], _) => {}
        ([one], true) => return screen::say(&data::reason(*one)),
        (several, true) => return screen::say(&data::reasons_of(several)),
        (several, false) => return screen::say(&text::reasons(several, &screen)),
    }
    let statuses = statuses(&args.asked)?;
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

/// The reasons that were asked for, each once, in the order in which they were; none where codes were.
fn reasons(asked: &[Asked]) -> Result<Vec<Reason>, Failure> {
    let mut reasons = Vec::new();
    for asked in asked {
        match asked {
            Asked::Reason(reason) if !reasons.contains(reason) => reasons.push(*reason),
            Asked::Reason(_) | Asked::Codes(_) => {}
        }
    }
    let codes = asked.iter().any(|asked| matches!(asked, Asked::Codes(_)));
    match codes && !reasons.is_empty() {
        true => Err(Failure::Usage("codes and reasons have nothing in common: ask for either".to_owned())),
        false => Ok(reasons),
    }
}

/// The registered codes that were asked for, each once, in the order in which they were.
fn statuses(asked: &[Asked]) -> Result<Vec<Status>, Failure> {
    let mut statuses = Vec::new();
    let mut seen = BTreeSet::new();
    for asked in asked {
        let Asked::Codes(codes) = asked else { continue };
        let mut found = REGISTRY.iter().map(|line| line.status).filter(|status| codes.contain(*status)).peekable();
        if found.peek().is_none() {
            return Err(Failure::Usage(unregistered(codes)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_once_and_in_the_order_that_was_asked_for() {
        let asked: Vec<Asked> = ["503", "500-503", "429", "503"].iter().filter_map(|text| text.parse().ok()).collect();
        let told: Vec<u16> = statuses(&asked).unwrap_or_default().iter().map(|status| status.code()).collect();
        assert_eq!(told, [503, 500, 501, 502, 429]);
    }
}
