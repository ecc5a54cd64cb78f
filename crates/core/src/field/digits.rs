//! `1*DIGIT`, where a number that is too large is as good as the largest.

/// The number that the bytes are in decimal, or `u64::MAX` if it is more. `None`: they are not all digits, or none.
pub(crate) fn saturating(digits: impl IntoIterator<Item = u8>) -> Option<u64> {
    let mut number = None;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number = Some(number.unwrap_or(0u64).saturating_mul(10).saturating_add(digit));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_nothing_else_is() {
        for (text, want) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551614", Some(u64::MAX - 1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("99999999999999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1 ", None),
            ("1e3", None),
            ("\u{661}", None),
        ] {
            assert_eq!(saturating(text.bytes()), want, "{text:?}");
        }
    }
}
