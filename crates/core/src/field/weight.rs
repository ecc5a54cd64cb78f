//! Quality values (RFC 9110 §12.4.2), in thousandths: 0 is "not acceptable", 1000 is the most preferred.

/// What a member without `q` weighs.
pub const DEFAULT: u16 = 1000;

/// A `qvalue`: `0` or `1` and at most three decimals, not more than 1. `None`: it is not one.
///
/// One departure: the leading zero may be missing. `HttpURLConnection` of Java 8 sends
/// `text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2` by default, and without that wildcard each such program would
/// get 406. RFC 9110 §2.4 lets a recipient recover a usable element from an invalid construct.
pub fn parse(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [b'0'] => return Some(0),
        [b'1'] => return Some(1000),
        [b'0', b'.', decimals @ ..] => (0, decimals),
        [b'1', b'.', decimals @ ..] => (1000, decimals),
        [b'.', decimals @ ..] if !decimals.is_empty() => (0, decimals),
        _ => return None,
    };
    if decimals.len() > 3 {
        return None;
    }
    let mut thousandths = whole;
    for (&digit, worth) in decimals.iter().zip([100, 10, 1]) {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += u16::from(digit - b'0') * worth;
    }
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_kept() {
        for (text, want) in [
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("0.001", Some(1)),
            ("0.999", Some(999)),
            ("1", Some(1000)),
            ("1.", Some(1000)),
            ("1.000", Some(1000)),
            (".2", Some(200)),
            (".", None),
            ("", None),
            ("1.001", None),
            ("0.0001", None),
            ("1.0000", None),
            ("2", None),
            ("00", None),
            ("-0", None),
            ("0,5", None),
            ("0.5x", None),
            ("0.x", None),
            ("\"0.5\"", None),
        ] {
            assert_eq!(parse(text.as_bytes()), want, "{text:?}");
        }
    }
}
