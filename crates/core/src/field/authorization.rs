//! `Authorization` and `Proxy-Authorization` (RFC 9110 §11.4): which scheme, and what it was given.
//!
//! What it was given is secret. It is never shown: `Debug` names the scheme and the form, and nothing here is an error
//! with a value in it.

use super::cursor::Cursor;
use super::list::elements;
use super::quoted::Value;
use std::fmt;

/// `auth-scheme [ 1*SP ( token68 / #auth-param ) ]`.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    scheme: &'a [u8],
    given: Given<'a>,
}

#[derive(Clone, Copy)]
enum Given<'a> {
    Nothing,
    Token68(&'a [u8]),
    /// A list in which each member is known to be an auth-param.
    Parameters(&'a [u8]),
}

impl<'a> Credentials<'a> {
    /// A field value. `None`: it is no credentials.
    pub fn parse(value: &'a [u8]) -> Option<Credentials<'a>> {
        let mut cursor = Cursor::new(value);
        let scheme = cursor.token()?;
        let spaces = cursor.take_while(|b| b == b' ');
        let rest = cursor.rest();
        let given = match rest {
            [] => Given::Nothing,
            _ if spaces.is_empty() => return None,
            // `a=` could be a parameter without its value; only as token68 it is well-formed.
            _ if is_token68(rest) => Given::Token68(rest),
            _ if elements(Some(rest)).all(|element| auth_param(element).is_some()) => Given::Parameters(rest),
            _ => return None,
        };
        Some(Credentials { scheme, given })
    }

    /// The scheme, as it is written.
    pub const fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// Whether that is the scheme; schemes ignore case (RFC 9110 §11.1).
    pub fn scheme_is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme.as_bytes())
    }

    /// What `Basic` and `Bearer` are given: base64 or the like, not decoded.
    pub const fn token68(&self) -> Option<&'a [u8]> {
        match self.given {
            Given::Token68(token) => Some(token),
            _ => None,
        }
    }

    /// The value of the parameter of that name; names ignore case. `None` also if it is there twice: each name must occur
    /// only once (RFC 9110 §11.2), and two readers could read two values.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let Given::Parameters(list) = self.given else { return None };
        let mut values = elements(Some(list))
            .filter_map(auth_param)
            .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = match self.given {
            Given::Nothing => "",
            Given::Token68(_) => " (token)",
            Given::Parameters(_) => " (parameters)",
        };
        write!(f, "{}{given}", self.scheme.escape_ascii())
    }
}

/// `token68` (RFC 9110 §11.2).
fn is_token68(text: &[u8]) -> bool {
    let mut cursor = Cursor::new(text);
    let body = cursor.take_while(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    cursor.take_while(|b| b == b'=');
    !body.is_empty() && cursor.is_done()
}

/// `token BWS "=" BWS ( token / quoted-string )` (RFC 9110 §11.2).
fn auth_param(element: &[u8]) -> Option<(&[u8], Value<'_>)> {
    let mut cursor = Cursor::new(element);
    let name = cursor.token()?;
    cursor.skip_space();
    if !cursor.eat(b'=') {
        return None;
    }
    cursor.skip_space();
    let value = cursor.value()?;
    cursor.is_done().then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Option<Credentials<'_>> {
        Credentials::parse(value.as_bytes())
    }

    #[test]
    fn a_scheme_has_a_token_or_parameters_or_nothing() {
        for (value, scheme, token) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "basic", Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ("bearer   mF_9.B5f-4.1JqM", "Bearer", Some("mF_9.B5f-4.1JqM")),
            ("Bearer abc=", "Bearer", Some("abc=")),
            ("Negotiate", "negotiate", None),
            ("Digest username=\"Mufasa\", uri=\"/dir\", qop = auth, x=\"a, b\"", "Digest", None),
        ] {
            let credentials = parse(value).unwrap();
            assert!(credentials.scheme_is(scheme), "{value}");
            assert_eq!(credentials.token68(), token.map(str::as_bytes), "{value}");
        }
        let digest = parse("Digest username=\"Mufasa\", QOP = auth, x=\"a, b\", nc=1, nc=2").unwrap();
        assert!(digest.get("Username").unwrap().is("Mufasa"));
        assert!(digest.get("qop").unwrap().is("auth") && digest.get("x").unwrap().is("a, b"));
        assert!(digest.get("nc").is_none() && digest.get("realm").is_none());
        assert!(parse("Bearer abc").unwrap().get("abc").is_none());
    }

    #[test]
    fn what_is_no_credentials_is_refused() {
        for value in [
            "",
            "Basic\tabc",
            "Basic abc def",
            "Basic a=b c=d",
            "Basic a=b=c",
            "Basic =",
            "Basic \"abc\"",
            "Basic a=\"b",
            "Basic a=b, c",
            "Basic: abc",
            "Basic abc, Bearer def",
            "Bearer a\u{e9}",
        ] {
            assert!(parse(value).is_none(), "{value:?}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        for (value, want) in [("Basic c2VjcmV0", "Basic (token)"), ("X key=secret", "X (parameters)"), ("X", "X")] {
            assert_eq!(format!("{:?}", parse(value).unwrap()), want);
        }
    }
}
