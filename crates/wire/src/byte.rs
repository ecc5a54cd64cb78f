//! What each byte may be: the grammars' character sets, as one table.

use crate::head::Span;

/// `tchar` (RFC 9110 §5.6.2).
const TOKEN: u8 = 1 << 0;
/// What a field value may hold: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5).
const VALUE: u8 = 1 << 1;
/// What a request target may hold before anybody looks at its form: VCHAR.
const VISIBLE: u8 = 1 << 2;
/// What a path may hold: VCHAR but `" < > \ ^ ` { } # ?`. Wider than `pchar` (RFC 3986 §3.3) by `[ ] |`, which browsers send.
const PATH: u8 = 1 << 3;
/// What a path holds without needing a second look: `PATH` but `%` and `.`.
const PLAIN: u8 = 1 << 4;
/// `unreserved` and `sub-delims`: what a registered name holds apart from `%` (RFC 3986 §3.2.2).
const HOST: u8 = 1 << 5;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = class(i as u8);
        i += 1;
    }
    table
};

const fn class(b: u8) -> u8 {
    let mut bits = 0;
    if b.is_ascii_alphanumeric() || among(b, b"!#$%&'*+-.^_`|~") {
        bits |= TOKEN;
    }
    if b == b'\t' || (b >= b' ' && b != 0x7f) {
        bits |= VALUE;
    }
    if b.is_ascii_graphic() {
        bits |= VISIBLE;
        if !among(b, b"\"<>\\^`{}#?") {
            bits |= PATH;
            if !among(b, b"%.") {
                bits |= PLAIN;
            }
        }
    }
    if b.is_ascii_alphanumeric() || among(b, b"-._~!$&'()*+,;=") {
        bits |= HOST;
    }
    bits
}

const fn among(b: u8, set: &[u8]) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == b {
            return true;
        }
        i += 1;
    }
    false
}

#[inline]
pub(crate) fn is_token(b: u8) -> bool {
    CLASS[b as usize] & TOKEN != 0
}

#[inline]
pub(crate) fn is_value(b: u8) -> bool {
    CLASS[b as usize] & VALUE != 0
}

#[inline]
pub(crate) fn is_visible(b: u8) -> bool {
    CLASS[b as usize] & VISIBLE != 0
}

#[inline]
pub(crate) fn is_path(b: u8) -> bool {
    CLASS[b as usize] & PATH != 0
}

#[inline]
pub(crate) fn is_plain(b: u8) -> bool {
    CLASS[b as usize] & PLAIN != 0
}

#[inline]
pub(crate) fn is_host(b: u8) -> bool {
    CLASS[b as usize] & HOST != 0
}

/// OWS: SP or HTAB (RFC 9110 §5.6.3).
#[inline]
pub(crate) fn is_ows(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

/// The value of a HEXDIG (RFC 5234 appendix B.1), in either case.
#[inline]
pub(crate) fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

/// The byte that a percent-encoding at the start of `triplet` stands for (RFC 3986 §2.1).
#[inline]
pub(crate) fn percent(triplet: &[u8]) -> Option<u8> {
    match triplet {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// What stands in `bytes` from `start` on, without OWS at either end.
#[inline]
pub(crate) fn trim_ows_at(bytes: &[u8], start: usize) -> Span {
    // Nearly always there is one space, before it.
    if let [b' ', first, .., last] = &bytes[start..]
        && !is_ows(*first)
        && !is_ows(*last)
    {
        return Span::new(start + 1, bytes.len());
    }
    let mut rest = &bytes[start..];
    while let [ows, more @ ..] = rest
        && is_ows(*ows)
    {
        rest = more;
    }
    let start = bytes.len() - rest.len();
    while let [more @ .., ows] = rest
        && is_ows(*ows)
    {
        rest = more;
    }
    Span::new(start, start + rest.len())
}

/// The bytes without OWS at either end.
pub(crate) fn trim_ows(bytes: &[u8]) -> &[u8] {
    trim_ows_at(bytes, 0).of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_of_the_grammars() {
        // name, predicate, every ASCII byte that it has, whether it has obs-text
        type Row = (&'static str, fn(u8) -> bool, &'static str, bool);
        let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let rows: [Row; 7] = [
            ("token", is_token, "!#$%&'*+-.^_`|~", false),
            ("visible", is_visible, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", false),
            ("value", is_value, "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true),
            ("path", is_path, "!$%&'()*+,-./:;=@[]_|~", false),
            ("plain", is_plain, "!$&'()*+,-/:;=@[]_|~", false),
            ("host", is_host, "-._~!$&'()*+,;=", false),
            ("ows", is_ows, " \t", false),
        ];
        for (name, has, symbols, obs_text) in rows {
            for b in 0..=255u8 {
                let letters = name != "ows" && alphanumeric.as_bytes().contains(&b);
                let expected = letters || symbols.as_bytes().contains(&b) || (obs_text && b >= 0x80);
                assert_eq!(has(b), expected, "{name} {b:#04x}");
            }
        }
        for b in 0..=255u8 {
            assert_eq!(hex(b).map(u32::from), char::from(b).to_digit(16), "{b:#04x}");
        }
    }

    #[test]
    fn a_triplet_is_read_in_either_case_or_not_at_all() {
        for (triplet, byte) in [
            (&b"%2f"[..], Some(0x2f)),
            (b"%2F", Some(0x2f)),
            (b"%FFx", Some(0xff)),
            (b"%", None),
            (b"%2", None),
            (b"%2g", None),
            (b"%g2", None),
            (b"2f", None),
        ] {
            assert_eq!(percent(triplet), byte, "{triplet:?}");
        }
    }
}
