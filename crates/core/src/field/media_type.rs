//! Media types (RFC 9110 §8.3.1): `Content-Type`, and what `Accept` is asked about.

use super::cursor::Cursor;
use super::parameters::Parameters;
use super::quoted::Value;

/// `type "/" subtype parameters`.
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a> {
    /// The type, as it is written: a token.
    pub kind: &'a [u8],
    /// The subtype, as it is written: a token.
    pub subtype: &'a [u8],
    /// What follows.
    pub parameters: Parameters<'a>,
}

impl<'a> MediaType<'a> {
    /// A field value that is one media type. `None`: it is not.
    ///
    /// `*` is a token, so that `image/*` is read as a type here; it is one only to [`MediaType::matches`] and in `Accept`.
    pub fn parse(value: &'a [u8]) -> Option<MediaType<'a>> {
        let mut cursor = Cursor::new(value);
        let kind = cursor.token()?;
        let subtype = cursor.eat(b'/').then(|| cursor.token())??;
        Some(MediaType { kind, subtype, parameters: Parameters::parse(cursor.rest())? })
    }

    /// Whether it is this type, such as `application/json`, whatever its parameters. Both parts ignore case.
    pub fn is(self, essence: &str) -> bool {
        split(essence).is_some_and(|(kind, subtype)| {
            self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
        })
    }

    /// Whether it is in this range: `image/png`, `image/*`, `*/*`. Parameters do not count.
    pub fn matches(self, range: &str) -> bool {
        split(range).is_some_and(|(kind, subtype)| match (kind, subtype) {
            (b"*", b"*") => true,
            (kind, b"*") => self.kind.eq_ignore_ascii_case(kind),
            _ => self.is(range),
        })
    }

    /// The parameter `charset`; charsets ignore case (RFC 9110 §8.3.2).
    pub fn charset(self) -> Option<Value<'a>> {
        self.parameters.get("charset")
    }
}

fn split(essence: &str) -> Option<(&[u8], &[u8])> {
    essence.split_once('/').map(|(kind, subtype)| (kind.as_bytes(), subtype.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<MediaType<'_>> {
        MediaType::parse(text.as_bytes())
    }

    /// The examples of RFC 9110 §8.3.1.
    #[test]
    fn equivalent_spellings_are_one_type() {
        for text in [
            "text/html;charset=utf-8",
            "Text/HTML;Charset=\"utf-8\"",
            "text/html; charset=\"utf-8\"",
            "text/html;charset=UTF-8",
            "text/html ; x=1; charset=utf-8;",
        ] {
            let media_type = parse(text).unwrap();
            assert!(media_type.is("text/html") && media_type.is("TEXT/html"), "{text}");
            assert!(media_type.charset().unwrap().is_ignoring_case("utf-8"), "{text}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for text in [
            "",
            "text",
            "text/",
            "/html",
            "text/html/x",
            "text /html",
            "text/ html",
            "text/html charset=utf-8",
            "text/html;charset",
            "text/html;charset=",
            "text/html; charset = utf-8",
            "text/html, text/plain",
            "text/html;a=\"b",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_range_takes_what_is_in_it() {
        for (text, range, want) in [
            ("image/png", "image/*", true),
            ("image/png", "IMAGE/*", true),
            ("image/png", "*/*", true),
            ("image/png", "image/png", true),
            ("image/png;x=1", "image/png", true),
            ("image/png", "image/jpeg", false),
            ("image/png", "text/*", false),
            ("image/png", "*/png", false),
            ("image/png", "*", false),
            ("image/png", "image", false),
            ("image/svg+xml", "image/svg", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(range), want, "{text} {range}");
        }
    }
}
