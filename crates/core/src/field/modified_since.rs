//! `If-Modified-Since` and `If-Unmodified-Since` (RFC 9110 §13.1.3, §13.1.4).
//!
//! Both are ignored where the target has no modification date, and where `If-None-Match` or `If-Match` is present: that
//! is for the caller to see (§13.2.2).

use super::date::HttpDate;

/// Whether `If-Modified-Since` holds; if not, the answer to GET or HEAD is 304. `None`: it is no date, and ignored.
pub fn if_modified_since(value: &[u8], last_modified: HttpDate, now: HttpDate) -> Option<bool> {
    // RFC 9110 §13.1.3: false if the last modification is earlier than or equal to the date.
    HttpDate::parse(value, now).map(|date| last_modified > date)
}

/// Whether `If-Unmodified-Since` holds; if not, the answer is 412. `None`: it is no date, and ignored.
pub fn if_unmodified_since(value: &[u8], last_modified: HttpDate, now: HttpDate) -> Option<bool> {
    // RFC 9110 §13.1.4: true if the last modification is earlier than or equal to the date.
    HttpDate::parse(value, now).map(|date| last_modified <= date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_opposite_of_the_other() {
        let now = HttpDate::from_unix(1_750_000_000);
        let noon = HttpDate::from_unix(1_700_000_000);
        for (since, is_modified) in [
            (noon.unix() - 1, Some(true)),
            (noon.unix(), Some(false)),
            (noon.unix() + 1, Some(false)),
            // A date in the future is a date like any other.
            (now.unix() + 1_000_000, Some(false)),
        ] {
            let value = HttpDate::from_unix(since).to_imf_fixdate();
            assert_eq!(if_modified_since(&value, noon, now), is_modified);
            assert_eq!(if_unmodified_since(&value, noon, now), is_modified.map(|m| !m));
        }
    }

    #[test]
    fn what_is_no_date_is_ignored() {
        let now = HttpDate::from_unix(0);
        let two_dates = b"Thu, 01 Jan 1970 00:00:00 GMT, Thu, 01 Jan 1970 00:00:00 GMT";
        for value in [&b"yesterday"[..], b"", b"\"tag\"", two_dates] {
            assert_eq!(if_modified_since(value, now, now), None);
            assert_eq!(if_unmodified_since(value, now, now), None);
        }
    }
}
