//! `maintenance`: a route that is closed.

use super::place::Place;
use super::read::{Entry, Reader};
use super::units;
use crate::maintenance::Until;
use std::time::Duration;
use toml::de::DeValue;

const EXAMPLE: &str = "{ until = 2026-12-01T14:00:00Z }";

/// Until when the route is closed; `None` if it is open.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Until> {
    if let DeValue::Boolean(closed) = entry.value.get_ref() {
        return closed.then_some(Until::Reopened);
    }
    let DeValue::Table(_) = entry.value.get_ref() else {
        return reader.other_type(entry, "a boolean or a table", "true");
    };
    let mut table = reader.table(entry, Place::Maintenance, EXAMPLE)?;
    let until = match table.take("until") {
        Some(entry) => until(reader, &entry),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`maintenance` needs `until`");
            error.help(format!("write `maintenance = true`, or `maintenance = {EXAMPLE}`"));
            None
        }
    };
    table.finish(reader);
    until
}

fn until(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Until> {
    let DeValue::Datetime(time) = entry.value.get_ref() else {
        return reader.other_type(entry, "a date and time", "2026-12-01T14:00:00Z");
    };
    if time.offset.is_none() {
        let error = reader.findings.error(entry.span(), "`until` does not say which zone's time it is");
        error.help("write it with `Z` for UTC, or with an offset, as in `until = 2026-12-01T14:00:00+01:00`");
        return None;
    }
    let Ok(time) = time.to_string().parse::<jiff::Timestamp>() else {
        let error = reader.findings.error(entry.span(), "`until` takes a date and a time");
        error.help("write it as in `until = 2026-12-01T14:00:00Z`");
        return None;
    };
    if time < jiff::Timestamp::now() {
        let warning = reader.findings.warning(entry.span(), "`until` is past");
        warning.label("the route is open").help("remove `maintenance`, or give a time to come");
    }
    Some(Until::Unix(time.as_second()))
}

/// A time as a config writes it, such as `30m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let time = Duration::from_millis(units::DURATION.parse(text).ok()?);
    (time <= units::LONGEST).then_some(time)
}
