//! Lists and tokens: the `#element` rule (RFC 9110 §5.6.1), `token` (§5.6.2) and `OWS` (§5.6.3).

use super::cursor::Cursor;

/// The lines of a list field, in order: `Some(value)`, `[one, two]`, or an iterator that can be cloned. None at all is a
/// field that the message does not have. Several mean the same as one with commas between them (RFC 9110 §5.3).
pub trait Lines<'a>: IntoIterator<Item = &'a [u8], IntoIter: Clone> {}

impl<'a, T: IntoIterator<Item = &'a [u8], IntoIter: Clone>> Lines<'a> for T {}

/// The members of a list, without the white space around them and without the empty ones.
///
/// A comma inside a quoted string does not end a member; a quoted string that is never closed ends with its line, and is
/// left to the member's own grammar to refuse.
pub fn elements<'a, L: Lines<'a>>(lines: L) -> Elements<'a, L::IntoIter> {
    Elements { lines: lines.into_iter(), rest: &[] }
}

/// See [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a, I> {
    lines: I,
    rest: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Elements<'a, I> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            // RFC 9110 §5.6.1.2: empty members are ignored. One costs a comparison, and the limit on the header section
            // bounds how many there are; stopping early would hide the members behind them (`Connection: ,,,,close`).
            let Some(start) = self.rest.iter().position(|b| !matches!(b, b',' | b' ' | b'\t')) else {
                self.rest = self.lines.next()?;
                continue;
            };
            let (element, rest) = self.rest[start..].split_at(element_length(&self.rest[start..]));
            self.rest = rest;
            return Some(trim(element));
        }
    }
}

/// How far it is to the comma that ends the member, or to the end.
fn element_length(text: &[u8]) -> usize {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.take_while(|b| b != b',' && b != b'"');
        match cursor.peek() {
            Some(b'"') if cursor.quoted().is_some() => {}
            Some(b'"') => return text.len(),
            _ => return cursor.offset(),
        }
    }
}

/// Whether a list of tokens has this one, ignoring case: `Connection`, `Upgrade`, `TE`, `Vary`.
pub fn contains_token<'a>(lines: impl Lines<'a>, token: &str) -> bool {
    elements(lines).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The text without the SP and HTAB at its ends.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Whether the text is a `token`: one or more [`is_tchar`].
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| is_tchar(b))
}

/// `tchar` (RFC 9110 §5.6.2).
pub const fn is_tchar(byte: u8) -> bool {
    TCHAR[byte as usize]
}

const TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
            || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn members<'a>(lines: impl Lines<'a>) -> Vec<&'a str> {
        elements(lines).map(|e| std::str::from_utf8(e).unwrap()).collect()
    }

    #[test]
    fn empty_members_and_space_do_not_count() {
        // The first four are RFC 9110 §5.6.1.2's own.
        for (value, want) in [
            ("foo,bar", vec!["foo", "bar"]),
            ("foo ,bar,", vec!["foo", "bar"]),
            ("foo , ,bar,charlie", vec!["foo", "bar", "charlie"]),
            (",   ,", vec![]),
            ("", vec![]),
            ("\t a\t,\tb \t", vec!["a", "b"]),
            ("a b, c", vec!["a b", "c"]),
        ] {
            assert_eq!(members(Some(value.as_bytes())), want, "{value:?}");
        }
    }

    #[test]
    fn a_comma_inside_quotes_ends_nothing() {
        for (value, want) in [
            (r#"a="x, y", b"#, vec![r#"a="x, y""#, "b"]),
            (r#"a="x\", y", b"#, vec![r#"a="x\", y""#, "b"]),
            (r#"a="", b"#, vec![r#"a="""#, "b"]),
            (r#"a, "never, closed"#, vec!["a", r#""never, closed"#]),
            (r#"a, "x\"#, vec!["a", r#""x\"#]),
        ] {
            assert_eq!(members(Some(value.as_bytes())), want, "{value:?}");
        }
    }

    #[test]
    fn lines_read_like_one_line() {
        let lines: [&[u8]; 4] = [b"a", b"", b", b,", b"\"c\", d"];
        assert_eq!(members(lines), ["a", "b", "\"c\"", "d"]);
        assert_eq!(members(None), Vec::<&str>::new());
    }

    #[test]
    fn a_token_is_found_whole_and_in_any_case() {
        for (value, token, want) in [
            ("keep-alive, Upgrade", "upgrade", true),
            ("close", "close", true),
            ("closed", "close", false),
            ("not close", "close", false),
            (r#""a, close""#, "close", false),
            ("", "close", false),
        ] {
            assert_eq!(contains_token(Some(value.as_bytes()), token), want, "{value:?} {token}");
        }
    }

    #[test]
    fn a_tchar_is_a_visible_byte_that_is_no_delimiter() {
        for byte in 0..=255u8 {
            let want = byte.is_ascii_graphic() && !br#""(),/:;<=>?@[\]{}"#.contains(&byte);
            assert_eq!(is_tchar(byte), want, "{byte:#x}");
        }
        assert!(!is_token(b"") && !is_token(b"a b") && is_token(b"a"));
    }
}
