//! `rate`: how often, by whom.

use super::place::Place;
use super::read::{Entry, Reader};
use super::suggest::suggest;
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;
use verdict_core::field::list::is_token;

/// The most requests that a rate or a burst can have.
const MOST: u64 = 1_000_000;

const EXAMPLE: &str = "100/min per client";

/// What a rate can be in, and its seconds.
const UNITS: &[(&str, u64)] = &[("s", 1), ("min", 60), ("h", 3600), ("day", 86_400)];

/// `rate`: at most so many requests in a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Requests, from 1 to 1,000,000.
    pub count: u32,
    /// In how long: a second, a minute, an hour or a day.
    pub window: Duration,
    /// Whose requests are counted.
    pub per: Per,
    /// How many may come at once, from 1 to 1,000,000; `count` unless set.
    pub burst: u32,
}

/// Whose requests a rate counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Per {
    /// Those of a client's address, the default.
    Client,
    /// Those of an identified user.
    User,
    /// Those with the same value of this field; without it, those of a client's address.
    Field(String),
}

/// What is written in the text of a rate.
struct Written {
    count: u32,
    window: Duration,
    per: Option<Per>,
}

/// A rate, and where it says that it counts by user if it does: that needs [`with_users`].
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<(Rate, Range<usize>)> {
    if let DeValue::String(_) = entry.value.get_ref() {
        let Written { count, window, per } = rate(reader, entry)?;
        return Some((Rate { count, window, per: per.unwrap_or(Per::Client), burst: count }, entry.span()));
    }
    let DeValue::Table(_) = entry.value.get_ref() else {
        return reader.other_type(entry, "a rate or a table", &format!("\"{EXAMPLE}\""));
    };
    let mut table = reader.table(entry, Place::Rate, "")?;
    let written = match table.take("rate") {
        Some(entry) => rate(reader, &entry),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`rate` needs `rate`");
            error.help("write it as in `rate = { rate = \"100/min\", per = \"client\", burst = 20 }`");
            None
        }
    };
    let mut span = entry.span();
    let mut per = Some(Per::Client);
    if let Some(entry) = table.take("per") {
        let text = reader.string(&entry, "what requests are counted by", "client");
        per = text.and_then(|text| self::per(reader, entry.span(), text, 0..text.len()));
        if written.as_ref().is_some_and(|written| written.per.is_some()) {
            let error = reader.findings.error(entry.key_span.clone(), "what is counted by is said twice");
            error.label("and in `rate`").help("keep one of the two");
        }
        span = entry.span();
    }
    let burst = match table.take("burst") {
        Some(entry) => reader.integer(&entry, 1..MOST, "20").map(|burst| burst as u32),
        None => written.as_ref().map(|written| written.count),
    };
    table.finish(reader);
    let Written { count, window, per: in_rate } = written?;
    Some((Rate { count, window, per: in_rate.or(per)?, burst: burst? }, span))
}

/// A rate that counts by user needs to know who asks, and one by a field that whoever sets it is known: anybody can send another
/// value with each request. `rate` stands at `span`.
pub(super) fn with_users(reader: &mut Reader<'_>, rate: &Rate, span: Range<usize>, guarded: bool) {
    const HELP: &str = "add `auth = \"NAME\"`, or count `per client`";
    match &rate.per {
        Per::User if !guarded => {
            let error = reader.findings.error(span, "a rate per user without `auth`");
            error.label("nobody is identified here").help(HELP);
        }
        Per::Field(name) if !guarded => {
            let warning = reader.findings.warning(span, format!("anybody may send another `{name}` with each request"));
            warning.label("a rate per field without `auth` limits nobody who does").help(HELP);
        }
        Per::Client | Per::User | Per::Field(_) => {}
    }
}

/// `100/min`, and perhaps ` per client`.
fn rate(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Written> {
    let text = reader.string(entry, "a rate", EXAMPLE)?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let units = UNITS.iter().map(|(unit, _)| format!("`{unit}`")).collect::<Vec<_>>().join(", ");
    let Some(unit_and_more) = rest.strip_prefix('/').filter(|_| digits > 0) else {
        let at = reader.within(entry.span(), text, 0..text.len());
        let error = reader.findings.error(at, format!("`{}` is not a rate", text.escape_debug()));
        error.help(format!("write requests and a unit of time, as in `\"{EXAMPLE}\"`; the units are {units}"));
        return None;
    };
    let count = number.parse().ok().filter(|count| (0..=MOST).contains(count));
    let Some(count) = count else {
        let at = reader.within(entry.span(), text, 0..digits);
        let error = reader.findings.error(at, format!("`{number}` is too large"));
        error.help(format!("the most is {MOST} requests: write the rate in a shorter time"));
        return None;
    };
    if count == 0 {
        let at = reader.within(entry.span(), text, 0..digits);
        let error = reader.findings.error(at, "a rate of 0 would let nobody in");
        error.help("close the route with `maintenance = true`, or remove `rate`");
        return None;
    }
    let (unit, per) = unit_and_more.split_once(' ').map_or((unit_and_more, None), |(unit, per)| (unit, Some(per)));
    let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let at = reader.within(entry.span(), text, digits + 1..digits + 1 + unit.len());
        let help = match meant(unit) {
            Some(meant) => format!("did you mean `\"{number}/{meant}\"`?"),
            None => format!("the units are {units}"),
        };
        reader.findings.error(at, format!("`{}` is not a unit of a rate", unit.escape_debug())).help(help);
        return None;
    };
    let per = match per {
        None => None,
        Some(words) => {
            let by = words.strip_prefix("per ").unwrap_or("");
            let at = text.len() - if by.is_empty() { words.len() } else { by.len() };
            Some(self::per(reader, entry.span(), text, at..text.len())?)
        }
    };
    Some(Written { count: count as u32, window: Duration::from_secs(*seconds), per })
}

/// The unit that was meant by another word for it.
fn meant(unit: &str) -> Option<&'static str> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "day",
        _ => return None,
    })
}

/// `client`, `user` or `field:NAME`, which is at `at` of a text at `span`.
fn per(reader: &mut Reader<'_>, span: Range<usize>, text: &str, at: Range<usize>) -> Option<Per> {
    let by = &text[at.clone()];
    match by.split_once(':') {
        None if by == "client" => return Some(Per::Client),
        None if by == "user" => return Some(Per::User),
        Some(("field", name)) if is_token(name.as_bytes()) => return Some(Per::Field(name.to_owned())),
        _ => {}
    }
    let at = reader.within(span, text, at);
    let error = reader.findings.error(at, format!("requests are not counted by `{}`", by.escape_debug()));
    error.help(match suggest(by, ["client", "user"]) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "count them `per client`, `per user` or `per field:NAME`".to_owned(),
    });
    None
}
