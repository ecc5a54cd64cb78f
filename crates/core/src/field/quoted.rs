//! A value that may be written as a token or as a quoted string, which mean the same (RFC 9110 §5.6.4, §5.6.6).

/// The value of a parameter. A quoted string compares as what it says, each `\x` being `x`.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    inner: &'a [u8],
    is_quoted: bool,
}

impl<'a> Value<'a> {
    /// The value that a token is.
    pub(crate) const fn token(token: &'a [u8]) -> Value<'a> {
        Value { inner: token, is_quoted: false }
    }

    /// The value that a quoted string holds, given what stands between its quotes.
    pub(crate) const fn quoted(inner: &'a [u8]) -> Value<'a> {
        Value { inner, is_quoted: true }
    }

    /// The token, or what stands between the quotes, still with its backslashes.
    pub const fn raw(self) -> &'a [u8] {
        self.inner
    }

    /// Whether it was written as a token.
    pub const fn is_token(self) -> bool {
        !self.is_quoted
    }

    /// What it says, byte by byte.
    pub fn bytes(self) -> impl Iterator<Item = u8> + Clone + 'a {
        let mut rest = self.inner.iter();
        std::iter::from_fn(move || match rest.next() {
            // RFC 9110 §5.6.4: a quoted-pair is handled as if it were the octet after the backslash.
            Some(b'\\') if self.is_quoted => rest.next().copied(),
            byte => byte.copied(),
        })
    }

    /// Whether it says exactly this.
    pub fn is(self, text: &str) -> bool {
        self.bytes().eq(text.bytes())
    }

    /// Whether it says this, ignoring ASCII case.
    pub fn is_ignoring_case(self, text: &str) -> bool {
        self.same_ignoring_case(Value::token(text.as_bytes()))
    }

    /// Whether the two say the same, ignoring ASCII case.
    pub fn same_ignoring_case(self, other: Value<'_>) -> bool {
        self.bytes().map(|b| b.to_ascii_lowercase()).eq(other.bytes().map(|b| b.to_ascii_lowercase()))
    }
}

/// Equal are values that say the same, however they are written.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Value<'_>) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Value<'_> {}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.inner.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::super::cursor::Cursor;
    use super::*;

    fn read(text: &str) -> Option<Value<'_>> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.value().filter(|_| cursor.is_done())
    }

    #[test]
    fn a_token_and_its_quoted_form_are_equal() {
        assert_eq!(read("utf-8"), read(r#""utf-8""#));
        assert_eq!(read("utf-8"), read(r#""u\tf\-8""#));
        assert_ne!(read("utf-8"), read(r#""utf-9""#));
        assert_eq!(read(r#""""#).map(|v| v.raw()), Some(&b""[..]));
    }

    #[test]
    fn quoting_is_read_as_it_is_defined() {
        for (text, want) in [
            (r#""a b""#, Some("a b")),
            (r#""a\"b""#, Some("a\"b")),
            (r#""a\\""#, Some("a\\")),
            ("\"tab\there\"", Some("tab\there")),
            ("\"\u{e9}\"", Some("\u{e9}")),
            (r#""open"#, None),
            (r#""open\""#, None),
            (r#""x"y"#, None),
            ("\"nul\0\"", None),
            ("\"\\\n\"", None),
            ("a b", None),
            ("", None),
        ] {
            let said = read(text).map(|v| String::from_utf8(v.bytes().collect()).unwrap());
            assert_eq!(said.as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn case_is_ignored_only_where_asked() {
        let value = read(r#""UTF-8""#).unwrap();
        assert!(value.is_ignoring_case("utf-8") && !value.is("utf-8") && value.is("UTF-8"));
        assert!(read(r#""a\\b""#).unwrap().is_ignoring_case(r"A\b"));
        assert!(!value.is_ignoring_case("utf-80") && !value.is_ignoring_case("utf-"));
    }
}
