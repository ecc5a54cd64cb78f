//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header §2.1): a structured item that is a string (RFC 9651 §3.3.3).
//!
//! Many clients send the key as it is, without quotation marks: that is taken too, and is the same key.

use super::parameters::Parameters;

/// The key, as it stands between its quotation marks. `None`: it is empty, it is no string to its end, or it has bytes that are
/// not visible.
pub fn parse(value: &[u8]) -> Option<&[u8]> {
    let key = match value.strip_prefix(b"\"") {
        Some(rest) => quoted(rest)?,
        // RFC 9651 §3.3.3: what has a quotation mark or a backslash is one that was meant to be quoted.
        None => value.iter().all(|byte| byte.is_ascii_graphic() && !b"\"\\,;".contains(byte)).then_some(value)?,
    };
    (!key.is_empty()).then_some(key)
}

/// What stands before the quotation mark at the end, behind which are parameters at most.
fn quoted(rest: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match rest.get(at)? {
            b'"' => break,
            // RFC 9651 §3.3.3: of these two alone.
            b'\\' if matches!(rest.get(at + 1), Some(b'"' | b'\\')) => at += 2,
            b'\\' => return None,
            b' '..=b'~' => at += 1,
            _ => return None,
        }
    }
    Parameters::parse(&rest[at + 1..]).map(|_| &rest[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_string_or_stands_as_it_is() {
        for (value, key) in [
            ("\"k\"", Some("k")),
            ("k", Some("k")),
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("a/b+c==", Some("a/b+c==")),
            ("\"a b\"", Some("a b")),
            ("\"a\\\"b\\\\\"", Some("a\\\"b\\\\")),
            ("\"k\";a=1", Some("k")),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"k", None),
            ("k\"", None),
            ("\"k\"x", None),
            ("\"k\", \"l\"", None),
            ("k, l", None),
            ("a b", None),
            ("\"a\\b\"", None),
            ("k\u{e9}", None),
            ("\"k\u{e9}\"", None),
        ] {
            assert_eq!(parse(value.as_bytes()), key.map(str::as_bytes), "{value}");
        }
    }
}
