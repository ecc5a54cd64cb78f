//! `Expect` (RFC 9110 §10.1.1).

use super::list::{Lines, elements};

/// What a client expects of the server before it sends content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// `100-continue`, and nothing else.
    Continue,
    /// Something that the server does not know: 417.
    Unknown,
}

/// What the field expects; `None` if it is absent or has no member.
pub fn expectation<'a>(lines: impl Lines<'a>) -> Option<Expectation> {
    let mut expected = None;
    for member in elements(lines) {
        // §10.1.1: the value is case-insensitive, and 100-continue has no parameters.
        if !member.eq_ignore_ascii_case(b"100-continue") {
            return Some(Expectation::Unknown);
        }
        expected = Some(Expectation::Continue);
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_100_continue_is_known() {
        for (value, want) in [
            ("100-continue", Some(Expectation::Continue)),
            ("100-Continue", Some(Expectation::Continue)),
            ("100-continue, 100-continue,", Some(Expectation::Continue)),
            ("", None),
            (",", None),
            ("100-continue, fast", Some(Expectation::Unknown)),
            ("fast, 100-continue", Some(Expectation::Unknown)),
            ("100-continue;now", Some(Expectation::Unknown)),
            ("100-continue=yes", Some(Expectation::Unknown)),
            ("100", Some(Expectation::Unknown)),
        ] {
            assert_eq!(expectation(Some(value.as_bytes())), want, "{value:?}");
        }
        assert_eq!(expectation(None), None);
    }
}
