//! `Retry-After` (RFC 9110 §10.2.3).

use super::date::HttpDate;
use super::digits;
use std::fmt;

/// When to come again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    /// So many seconds after the answer was received.
    Seconds(u64),
    /// At that time.
    At(HttpDate),
}

impl RetryAfter {
    /// A field value; a delay beyond 2^64 seconds is as good as that. `None`: neither a number nor a date.
    pub fn parse(value: &[u8], now: HttpDate) -> Option<RetryAfter> {
        match digits::saturating(value.iter().copied()) {
            Some(seconds) => Some(RetryAfter::Seconds(seconds)),
            None => HttpDate::parse(value, now).map(RetryAfter::At),
        }
    }

    /// How many seconds that is from now: 0 for a time that has passed.
    pub fn seconds(self, now: HttpDate) -> u64 {
        match self {
            RetryAfter::Seconds(seconds) => seconds,
            RetryAfter::At(date) => u64::try_from(date.unix() - now.unix()).unwrap_or(0),
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetryAfter::Seconds(seconds) => seconds.fmt(f),
            RetryAfter::At(date) => date.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_delay_or_a_date() {
        let new_year = HttpDate::from_unix(946_684_799);
        let now = HttpDate::from_unix(new_year.unix() - 60);
        for (value, want, seconds) in [
            ("120", Some(RetryAfter::Seconds(120)), 120),
            ("0", Some(RetryAfter::Seconds(0)), 0),
            ("99999999999999999999", Some(RetryAfter::Seconds(u64::MAX)), u64::MAX),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(RetryAfter::At(new_year)), 60),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(RetryAfter::At(HttpDate::from_unix(0))), 0),
            ("", None, 0),
            ("-1", None, 0),
            ("1.5", None, 0),
            ("120s", None, 0),
            ("soon", None, 0),
        ] {
            let read = RetryAfter::parse(value.as_bytes(), now);
            assert_eq!((read, read.map_or(0, |r| r.seconds(now))), (want, seconds), "{value:?}");
        }
        assert_eq!(RetryAfter::Seconds(7).to_string(), "7");
        assert_eq!(RetryAfter::At(new_year).to_string(), "Fri, 31 Dec 1999 23:59:59 GMT");
    }
}
