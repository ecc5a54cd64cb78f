//! Whom to ask: a URL of `http` or `https`, or a socket of this machine.

use super::Roots;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use verdict_wire::RequestWriter;

/// An origin and a path there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    secure: bool,
    host: Host,
    port: u16,
    /// `uri-host [ ":" port ]`, the port only where it is not the scheme's own.
    authority: Box<str>,
    /// Path and query.
    path: Box<str>,
    roots: Option<Roots>,
}

/// What is to be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Host {
    /// A name, to be looked up.
    Name(Box<str>),
    /// An address.
    Address(IpAddr),
    /// A socket of this machine, by its absolute path.
    Socket(Box<Path>),
}

/// The most bytes that the path of a socket can have: one less than the system has room for.
const LONGEST_SOCKET: usize = 107;

impl Target {
    /// The target that a URL names (RFC 9110 §4.2). Errors: what is wrong with it, in words for whoever wrote it.
    pub(crate) fn parse(url: &str) -> Result<Target, String> {
        let (scheme, rest) = url.split_once("://").ok_or("a URL begins with `http://` or `https://`")?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return Err(format!("`{}` is neither `http` nor `https`", scheme.escape_debug())),
        };
        if rest.contains('#') {
            return Err("a fragment is not sent to a server".to_owned());
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // RFC 9110 §4.2.4: a sender must not generate userinfo.
        if authority.contains('@') {
            return Err("a user and a password do not belong into a URL".to_owned());
        }
        let (host, port) = host_and_port(authority)?;
        let default = if secure { 443 } else { 80 };
        let port = match port {
            "" => default,
            digits => port_number(digits)?,
        };
        let authority = match (&host, port == default) {
            (Host::Name(name), true) => name.to_string(),
            (Host::Name(name), false) => format!("{name}:{port}"),
            (Host::Address(IpAddr::V6(address)), true) => format!("[{address}]"),
            (Host::Address(IpAddr::V6(address)), false) => format!("[{address}]:{port}"),
            (Host::Address(address), true) => address.to_string(),
            (Host::Address(address), false) => format!("{address}:{port}"),
            (Host::Socket(_), _) => "localhost".to_owned(),
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        if let Err(refused) = RequestWriter::new(&mut Vec::new(), "GET", &path, &authority) {
            return Err(format!("it cannot be asked for: {refused}"));
        }
        Ok(Target { secure, host, port, authority: authority.into(), path: path.into(), roots: None })
    }

    /// What listens on a socket of this machine, spoken to without TLS. Errors: what is wrong with its path, in words for
    /// whoever wrote it.
    pub(crate) fn socket(path: &str) -> Result<Target, String> {
        if !path.starts_with('/') || path.starts_with("//") {
            return Err("a socket is named by its absolute path, as in `unix:/run/app.sock`".to_owned());
        }
        if path.contains('\0') {
            return Err("a path has no NUL in it".to_owned());
        }
        if path.ends_with('/') {
            return Err("a path that ends in a slash is a folder's".to_owned());
        }
        if path.len() > LONGEST_SOCKET {
            return Err(format!("the path of a socket has at most {LONGEST_SOCKET} bytes"));
        }
        let host = Host::Socket(PathBuf::from(path).into());
        // What is reached has no name of its own, and `Host` is not to be empty: many would refuse that.
        Ok(Target { secure: false, host, port: 0, authority: "localhost".into(), path: "/".into(), roots: None })
    }

    /// The same server, asked for another path, and as this host if one is given. `None` where it cannot be asked so.
    pub(crate) fn at(&self, path: &str, authority: Option<&str>) -> Option<Target> {
        let authority = authority.unwrap_or(&self.authority);
        RequestWriter::new(&mut Vec::new(), "GET", path, authority).ok()?;
        Some(Target { path: path.into(), authority: authority.into(), ..self.clone() })
    }

    /// Whether the other one is the same server, reached the same way.
    pub(crate) fn is_origin_of(&self, other: &Target) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// The same, whose certificate is to be signed by one of these authorities, and not by one of the system's.
    pub(crate) fn trusting(self, roots: &Roots) -> Target {
        Target { roots: Some(roots.clone()), ..self }
    }

    /// Whether over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// What is to be reached.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 0 of a socket of this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What is said in `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whom to believe; `None` is whom the system does.
    pub(crate) fn roots(&self) -> Option<&Roots> {
        self.roots.as_ref()
    }
}

/// As in a config: without a path where all of it is asked for.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Host::Socket(path) = &self.host {
            return write!(f, "unix:{}", path.display());
        }
        let scheme = if self.secure { "https" } else { "http" };
        let path = if *self.path == *"/" { "" } else { &self.path };
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

/// The two halves of an authority; the port's digits are empty where it has none.
fn host_and_port(authority: &str) -> Result<(Host, &str), String> {
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, rest) = literal.split_once(']').ok_or("`[` without `]`")?;
        let address: Ipv6Addr =
            address.parse().map_err(|_| format!("`{}` is not an IPv6 address", address.escape_debug()))?;
        let port = match rest {
            "" => "",
            _ => rest.strip_prefix(':').ok_or("only a port may follow `]`")?,
        };
        return Ok((Host::Address(address.into()), port));
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if port.contains(':') {
        return Err("an IPv6 address stands in brackets: `http://[::1]:8080/`".to_owned());
    }
    if let Ok(address) = host.parse() {
        return Ok((Host::Address(IpAddr::V4(address)), port));
    }
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if !host.is_ascii() {
        return Err("a host is written in ASCII: `xn--...` where the name has other letters".to_owned());
    }
    if host.len() > 253 || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err(format!("`{}` is no name of a host", host.escape_debug()));
    }
    Ok((Host::Name(host.to_ascii_lowercase().into()), port))
}

fn port_number(digits: &str) -> Result<u16, String> {
    match digits.parse() {
        Ok(port) if port > 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(format!("`{}` is no port: 1 to 65535", digits.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_whom_to_ask_and_for_what() {
        // URL, secure, host, port, `Host`, path
        for (url, secure, host, port, authority, path) in [
            ("http://a.example", false, "a.example", 80, "a.example", "/"),
            ("HTTP://A.Example:80/x?y=%20", false, "a.example", 80, "a.example", "/x?y=%20"),
            ("https://a", true, "a", 443, "a", "/"),
            ("https://a:80/", true, "a", 80, "a:80", "/"),
            ("http://a:443/", false, "a", 443, "a:443", "/"),
            ("http://a:/", false, "a", 80, "a", "/"),
            ("http://a?b", false, "a", 80, "a", "/?b"),
            ("http://127.0.0.1:8080/p", false, "127.0.0.1", 8080, "127.0.0.1:8080", "/p"),
            ("http://[::1]:8080/p", false, "::1", 8080, "[::1]:8080", "/p"),
            ("https://[2001:DB8::1]", true, "2001:db8::1", 443, "[2001:db8::1]", "/"),
            ("http://_x.a-b/", false, "_x.a-b", 80, "_x.a-b", "/"),
        ] {
            let target = Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let found = match target.host() {
                Host::Name(name) => name.to_string(),
                Host::Address(address) => address.to_string(),
                Host::Socket(path) => path.display().to_string(),
            };
            assert_eq!((target.is_secure(), &found[..], target.port()), (secure, host, port), "{url}");
            assert_eq!((target.authority(), target.path()), (authority, path), "{url}");
            assert_eq!(Target::parse(&target.to_string()).as_ref(), Ok(&target), "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_asked_is_refused_in_words() {
        for (url, word) in [
            ("", "begins with"),
            ("a.example/x", "begins with"),
            ("//a/", "begins with"),
            ("ftp://a/", "`ftp`"),
            ("http:///x", "host is missing"),
            ("http://", "host is missing"),
            ("http://:80/", "host is missing"),
            ("http://u@a/", "user"),
            ("http://u:p@a/", "user"),
            ("http://a/#f", "fragment"),
            ("http://a#f", "fragment"),
            ("http://::1/", "brackets"),
            ("http://[::1/", "`[` without `]`"),
            ("http://[::g]/", "IPv6"),
            ("http://[fe80::1%25eth0]/", "IPv6"),
            ("http://[::1]x/", "follow"),
            ("http://a:0/", "port"),
            ("http://a:65536/", "port"),
            ("http://a:+1/", "port"),
            ("http://a:8o/", "port"),
            ("http://a b/", "no name"),
            ("http://a\r\nb/", "no name"),
            ("http://b\u{fc}cher.example/", "ASCII"),
            ("http://a%41/", "no name"),
            ("http://a/b c", "cannot be asked"),
            ("http://a/\r\nX: y", "cannot be asked"),
            ("http://a/../b", "cannot be asked"),
            ("http://a/%zz", "cannot be asked"),
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(error.contains(word), "{url:?}: {error}");
        }
    }

    #[test]
    fn a_socket_is_named_by_its_absolute_path() {
        let target = Target::socket("/run/app.sock").unwrap();
        assert_eq!((target.to_string(), target.authority()), ("unix:/run/app.sock".to_owned(), "localhost"));
        assert!(!target.is_secure() && *target.host() == Host::Socket(Path::new("/run/app.sock").into()));
        let longest = format!("/{}", "x".repeat(LONGEST_SOCKET - 1));
        assert!(Target::socket(&longest).is_ok());
        for (path, word) in [
            ("", "absolute"),
            ("run/app.sock", "absolute"),
            ("//run/app.sock", "absolute"),
            ("/run/app\0", "NUL"),
            ("/run/", "folder"),
            (&*format!("{longest}x"), "107 bytes"),
        ] {
            let error = Target::socket(path).expect_err(path);
            assert!(error.contains(word), "{path:?}: {error}");
        }
    }

    #[test]
    fn the_same_server_is_asked_for_another_path_as_another_host() {
        let target = Target::parse("http://a.example:81/x").unwrap();
        let health = target.at("/health?deep", None).unwrap();
        assert_eq!((health.authority(), health.path()), ("a.example:81", "/health?deep"));
        assert!(target.is_origin_of(&health) && health != target);
        let health = target.at("/", Some("b.example")).unwrap();
        assert_eq!((health.authority(), health.port()), ("b.example", 81));
        assert!(target.is_origin_of(&health) && !target.is_origin_of(&Target::parse("http://a.example/x").unwrap()));
        assert!(target.at("health", None).is_none() && target.at("/a b", None).is_none());
        assert!(target.at("/", Some("a b")).is_none());
    }
}
