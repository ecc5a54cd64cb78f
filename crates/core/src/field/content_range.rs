//! `Content-Range` (RFC 9110 §14.4), of unit `bytes`.

use super::range::ByteRange;
use std::fmt;

/// Which part of a representation a content is, or how long the representation is of which no part could be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentRange {
    /// `bytes 0-499/1234`; `bytes 0-499/*` if the complete length is not known.
    Part {
        /// The part.
        range: ByteRange,
        /// The length of the whole, more than the last offset.
        complete: Option<u64>,
    },
    /// `bytes */1234`.
    Unsatisfied {
        /// The length of the whole.
        complete: u64,
    },
}

impl ContentRange {
    /// A field value of unit `bytes`. `None`: another unit, invalid, or with a number beyond 2^64 - 1.
    pub fn parse(value: &[u8]) -> Option<ContentRange> {
        let (unit, rest) = value.split_at_checked("bytes ".len())?;
        // RFC 9110 §14.1: range units are case-insensitive.
        if !unit.eq_ignore_ascii_case(b"bytes ") {
            return None;
        }
        let (range, complete) = split(rest, b'/')?;
        if range == b"*" {
            return Some(ContentRange::Unsatisfied { complete: number(complete)? });
        }
        let complete = if complete == b"*" { None } else { Some(number(complete)?) };
        let (first, last) = split(range, b'-')?;
        let range = ByteRange { first: number(first)?, last: number(last)? };
        // RFC 9110 §14.4: invalid if last-pos is less than first-pos, or complete-length not more than last-pos. The last
        // offset of all cannot be that of a byte whose size still counts.
        let is_valid = range.first <= range.last && range.last < complete.unwrap_or(u64::MAX);
        is_valid.then_some(ContentRange::Part { range, complete })
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentRange::Part { range, complete: Some(complete) } => {
                write!(f, "bytes {}-{}/{complete}", range.first, range.last)
            }
            ContentRange::Part { range, complete: None } => write!(f, "bytes {}-{}/*", range.first, range.last),
            ContentRange::Unsatisfied { complete } => write!(f, "bytes */{complete}"),
        }
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let i = text.iter().position(|&b| b == at)?;
    Some((&text[..i], &text[i + 1..]))
}

/// `1*DIGIT`, exactly.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(first: u64, last: u64, complete: Option<u64>) -> ContentRange {
        ContentRange::Part { range: ByteRange { first, last }, complete }
    }

    #[test]
    fn what_is_written_is_read() {
        for (value, text) in [
            (part(42, 1233, Some(1234)), "bytes 42-1233/1234"),
            (part(42, 1233, None), "bytes 42-1233/*"),
            (part(0, 0, Some(1)), "bytes 0-0/1"),
            (ContentRange::Unsatisfied { complete: 1234 }, "bytes */1234"),
            (ContentRange::Unsatisfied { complete: 0 }, "bytes */0"),
            (part(0, u64::MAX - 1, Some(u64::MAX)), "bytes 0-18446744073709551614/18446744073709551615"),
        ] {
            assert_eq!(value.to_string(), text);
            assert_eq!(ContentRange::parse(text.as_bytes()), Some(value), "{text}");
        }
        assert_eq!(ContentRange::parse(b"BYTES 1-2/3"), Some(part(1, 2, Some(3))));
    }

    #[test]
    fn what_is_invalid_is_refused() {
        for text in [
            "",
            "bytes",
            "bytes ",
            "bytes=0-1/2",
            "bytes  0-1/2",
            "bytes 0-1",
            "bytes 0-1/",
            "bytes 1-0/2",
            "bytes 0-2/2",
            "bytes -1/2",
            "bytes 0-/2",
            "bytes */*",
            "bytes *",
            "bytes 0 - 1/2",
            "bytes 0-1/2 ",
            "bytes 0-1/2/3",
            "items 0-1/2",
            "bytes 0-1/18446744073709551616",
            "bytes 0-18446744073709551615/*",
        ] {
            assert_eq!(ContentRange::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
