//! The URL that is asked, and the one that a `Location` names from there (RFC 3986 §5.2, for `http` and `https`).

use crate::field::host::Authority;
use std::fmt;

/// The most bytes that a URL has here.
const LONGEST: usize = 8 << 10;

/// A URL of `http` or `https`: an origin, a path and a query. A fragment is not part of it, since no server is told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Url {
    origin: Origin,
    /// Path and query; it begins with a slash.
    target: String,
}

/// Scheme, host and port (RFC 9110 §4.3.1): who is asked, and whose the credentials are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// Whether the scheme is `https`.
    pub secure: bool,
    /// The host in lower case; an IPv6 address in its brackets.
    pub host: String,
    /// The port, that of the scheme where none was given.
    pub port: u16,
}

/// Why a text is no URL that can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UrlError {
    /// It has no scheme, or another one than `http` and `https`.
    Scheme,
    /// A user or a password stands in it (RFC 9110 §4.2.4).
    User,
    /// It has no host, or one that is none; or a port that is none.
    Authority,
    /// A byte that a URL cannot have, or a bad percent-encoding (RFC 3986 §2).
    Byte,
    /// It has more than 8 KiB.
    TooLong,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlError::Scheme => "a URL begins with `http://` or `https://`",
            UrlError::User => "a user and a password do not belong into a URL",
            UrlError::Authority => "the host or the port is missing or wrong",
            UrlError::Byte => "a byte in it has to be percent-encoded",
            UrlError::TooLong => "it is longer than 8 KiB",
        })
    }
}

impl std::error::Error for UrlError {}

impl Url {
    /// The URL that a text is, in whole.
    ///
    /// Errors: what is wrong with it; nothing is repaired but dot segments, which are taken out (RFC 3986 §5.2.4), and letters of
    /// scheme and host, which are made small.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        if text.len() > LONGEST {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return Err(UrlError::Scheme),
        };
        let rest = without_fragment(rest);
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        Url::of(origin(secure, authority)?, target)
    }

    /// The URL that a `Location` names, seen from this one (RFC 9110 §10.2.2, RFC 3986 §5.2.2). Errors: as for [`Url::parse`].
    pub fn join(&self, reference: &str) -> Result<Url, UrlError> {
        if reference.len() > LONGEST {
            return Err(UrlError::TooLong);
        }
        let reference = without_fragment(reference);
        if let Some(rest) = reference.strip_prefix("//") {
            return Url::parse(&format!("{}://{rest}", self.origin.scheme()));
        }
        if has_scheme(reference) {
            return Url::parse(reference);
        }
        let path = self.target.split('?').next().unwrap_or("/");
        let target = match reference.as_bytes().first() {
            None => self.target.clone(),
            Some(b'/') => reference.to_owned(),
            Some(b'?') => format!("{path}{reference}"),
            Some(_) => format!("{}{reference}", &path[..path.rfind('/').map_or(0, |slash| slash + 1)]),
        };
        Url::of(self.origin.clone(), &target)
    }

    fn of(origin: Origin, target: &str) -> Result<Url, UrlError> {
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        if !target.bytes().all(|b| b.is_ascii_graphic()) || !encodings_are_right(target) {
            return Err(UrlError::Byte);
        }
        let target = format!("{}{query}", without_dots(path));
        if target.len() > LONGEST { Err(UrlError::TooLong) } else { Ok(Url { origin, target }) }
    }

    /// Whom to ask.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What to ask for: path and query.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.origin.scheme(), self.origin.authority(), self.target)
    }
}

impl Origin {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// What is said in `Host`: the port only where it is not the scheme's own.
    pub fn authority(&self) -> String {
        match (self.secure, self.port) {
            (false, 80) | (true, 443) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

fn origin(secure: bool, authority: &str) -> Result<Origin, UrlError> {
    if authority.contains('@') {
        return Err(UrlError::User);
    }
    let authority = Authority::parse(authority.as_bytes()).map_err(|_| UrlError::Authority)?;
    match authority.port.unwrap_or(if secure { 443 } else { 80 }) {
        0 => Err(UrlError::Authority),
        port => Ok(Origin { secure, host: authority.host.to_ascii_lowercase(), port }),
    }
}

fn without_fragment(text: &str) -> &str {
    text.split('#').next().unwrap_or(text)
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"` (RFC 3986 §3.1).
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn encodings_are_right(text: &str) -> bool {
    let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(i, b)| *b != b'%' || hex(bytes.get(i + 1)) && hex(bytes.get(i + 2)))
}

/// RFC 3986 §5.2.4. The path begins with a slash afterwards, whatever it was.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        ends_in_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len() + 1);
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if ends_in_folder || out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_as_the_standard_does() {
        // RFC 3986 §5.4, without the parameters that no path has any more, and without fragments.
        let base = Url::parse("http://a/b/c/d;p?q").unwrap();
        for (reference, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("HTTPS://B.example:443/x", "https://b.example/x"),
            ("https://a", "https://a/"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
        ] {
            assert_eq!(base.join(reference).map(|url| url.to_string()).as_deref(), Ok(url), "{reference:?}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let base = Url::parse("http://a/").unwrap();
        for (reference, error) in [
            ("ftp://a/", UrlError::Scheme),
            ("javascript:alert(1)", UrlError::Scheme),
            ("http:g", UrlError::Scheme),
            ("http://u:p@a/", UrlError::User),
            ("http:///x", UrlError::Authority),
            ("http://a:0/", UrlError::Authority),
            ("http://a:65536/", UrlError::Authority),
            ("/a b", UrlError::Byte),
            ("/a\r\nX: y", UrlError::Byte),
            ("/%zz", UrlError::Byte),
            ("/\u{fc}", UrlError::Byte),
        ] {
            assert_eq!(base.join(reference), Err(error), "{reference:?}");
        }
        assert_eq!(base.join(&"x".repeat(LONGEST + 1)), Err(UrlError::TooLong));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |text| Url::parse(text).unwrap().origin().clone();
        assert_eq!(origin("http://A.example/x"), origin("http://a.example:80"));
        assert_ne!(origin("http://a.example/"), origin("https://a.example/"));
        assert_ne!(origin("http://a.example/"), origin("http://a.example:81/"));
        assert_eq!(origin("https://a.example:444").authority(), "a.example:444");
    }
}
