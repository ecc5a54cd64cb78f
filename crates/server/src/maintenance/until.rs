//! When maintenance ends, and how people write it.

use crate::config;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::time::SystemTime;

/// When something that is closed opens again. What comes later is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Until {
    /// At this second since 1970.
    Unix(i64),
    /// When somebody opens it.
    Reopened,
}

/// Why a text does not say when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UntilError {
    /// It is none of the forms.
    Form,
    /// It is not to come.
    Past,
}

impl Until {
    /// Reads what follows `--until`: a time of day, `14:00`, here and today, or tomorrow if it is past; a date and time of
    /// RFC 3339, `2026-12-01T14:00:00Z`; or how long from now, `30m`.
    pub fn parse(text: &str, now: SystemTime) -> Result<Until, UntilError> {
        let now = Timestamp::try_from(now).map_err(|_| UntilError::Past)?;
        Until::parse_in(text, now, TimeZone::system())
    }

    fn parse_in(text: &str, now: Timestamp, zone: TimeZone) -> Result<Until, UntilError> {
        let until = if let Some(time) = time_of_day(text) {
            next(time, now, zone)
        } else if let Some(time) = config::duration(text) {
            now.checked_add(SignedDuration::try_from(time).map_err(|_| UntilError::Form)?).ok()
        } else {
            text.parse().ok()
        };
        let until: Timestamp = until.ok_or(UntilError::Form)?;
        // A part of a second is still closed.
        let second = until.as_second() + i64::from(until.subsec_nanosecond() > 0);
        if second > now.as_second() { Ok(Until::Unix(second)) } else { Err(UntilError::Past) }
    }

    /// Whether it has come, at this second since 1970.
    pub fn is_over(self, now: i64) -> bool {
        matches!(self, Until::Unix(second) if second <= now)
    }

    /// Seconds from now to then, for `Retry-After` (RFC 9110 §10.2.3); none where nobody knows.
    pub fn seconds_left(self, now: i64) -> Option<u64> {
        match self {
            Until::Unix(second) => Some(u64::try_from(second.saturating_sub(now)).unwrap_or(0)),
            Until::Reopened => None,
        }
    }
}

/// `14:00` or `14:00:30`, and nothing that looks less like it.
fn time_of_day(text: &str) -> Option<Time> {
    let is_form = |form: &[u8]| {
        text.len() == form.len()
            && text.bytes().zip(form).all(|(b, f)| if *f == b'0' { b.is_ascii_digit() } else { b == *f })
    };
    (is_form(b"00:00") || is_form(b"00:00:00")).then(|| text.parse().ok())?
}

/// When it is next that time. One that a day skips comes as much later as is skipped, one that it has twice is the first.
fn next(time: Time, now: Timestamp, zone: TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let at = |date: jiff::civil::Date| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
    match at(today)? {
        today if today > now => Some(today),
        _ => at(today.tomorrow().ok()?),
    }
}

/// The second as RFC 3339 writes it, or in words.
impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Unix(second) => match Timestamp::from_second(*second) {
                Ok(time) => write!(f, "{time}"),
                // Beyond the year 9999.
                Err(_) => write!(f, "{second}"),
            },
            Until::Reopened => f.write_str("it is opened"),
        }
    }
}

impl fmt::Display for UntilError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UntilError::Form => "it is no time: write one as in `14:00`, `2026-12-01T14:00:00Z` or `30m`",
            UntilError::Past => "it is past: give a time to come",
        })
    }
}

impl std::error::Error for UntilError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_read_in_each_form() {
        // It is 13:30 in Berlin, where summer time ends that night.
        let (now, zone) =
            (timestamp("2026-10-24T11:30:00.25Z"), TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        let cases = [
            ("14:00", Ok("2026-10-24T12:00:00Z")),
            ("13:31", Ok("2026-10-24T11:31:00Z")),
            ("13:30:01", Ok("2026-10-24T11:30:01Z")),
            // Tomorrow, when an hour is one less ahead of UTC.
            ("13:30", Ok("2026-10-25T12:30:00Z")),
            ("09:00", Ok("2026-10-25T08:00:00Z")),
            ("00:00", Ok("2026-10-24T22:00:00Z")),
            ("02:30", Ok("2026-10-25T00:30:00Z")),
            ("2026-12-01T14:00:00Z", Ok("2026-12-01T14:00:00Z")),
            ("2026-12-01T14:00:00+01:00", Ok("2026-12-01T13:00:00Z")),
            ("2026-10-24T11:30:00.5Z", Ok("2026-10-24T11:30:01Z")),
            ("30m", Ok("2026-10-24T12:00:01Z")),
            ("36h", Ok("2026-10-25T23:30:01Z")),
            ("2026-10-24T11:30:00Z", Err(UntilError::Past)),
            ("2020-01-01T00:00:00Z", Err(UntilError::Past)),
            ("24:00", Err(UntilError::Form)),
            ("14:60", Err(UntilError::Form)),
            ("14", Err(UntilError::Form)),
            ("1400", Err(UntilError::Form)),
            ("T14:00", Err(UntilError::Form)),
            ("2:00", Err(UntilError::Form)),
            ("2 pm", Err(UntilError::Form)),
            ("30 m", Err(UntilError::Form)),
            ("99999999999999999d", Err(UntilError::Form)),
            ("2026-12-01T14:00:00", Err(UntilError::Form)),
            ("2026-12-01", Err(UntilError::Form)),
            ("", Err(UntilError::Form)),
        ];
        for (text, want) in cases {
            let want = want.map(|time| Until::Unix(timestamp(time).as_second()));
            assert_eq!(Until::parse_in(text, now, zone.clone()), want, "{text:?}");
        }
        assert_eq!(Until::parse_in("0s", timestamp("2026-10-24T11:30:00Z"), zone), Err(UntilError::Past));
    }

    #[test]
    fn a_time_that_a_day_skips_comes_as_much_later() {
        let (now, zone) = (timestamp("2026-03-29T00:30:00Z"), TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        let want = Until::Unix(timestamp("2026-03-29T01:30:00Z").as_second());
        assert_eq!(Until::parse_in("02:30", now, zone), Ok(want));
    }

    #[test]
    fn the_seconds_left_are_exact_and_unknown_without_an_end() {
        assert_eq!(Until::Unix(1090).seconds_left(1000), Some(90));
        assert_eq!(Until::Unix(1000).seconds_left(1090), Some(0));
        assert_eq!(Until::Reopened.seconds_left(1000), None);
        assert!(
            Until::Unix(1000).is_over(1000) && !Until::Unix(1001).is_over(1000) && !Until::Reopened.is_over(i64::MAX)
        );
        assert!(Until::Unix(i64::MAX) < Until::Reopened && Until::Unix(1) < Until::Unix(2));
    }
}
