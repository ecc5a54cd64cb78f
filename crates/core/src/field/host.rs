//! `Host` (RFC 9110 §7.2), and the authority of a request target or of `:authority`: `uri-host [ ":" port ]`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host and perhaps a port. There is no user information: a recipient treats that as an error (RFC 9110 §4.2.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Authority<'a> {
    /// The host as it is written, in ASCII; an IPv6 address has its brackets. It is not empty.
    pub host: &'a str,
    /// The port. An empty one (`example.org:`) counts as none (RFC 3986 §6.2.3).
    pub port: Option<u16>,
}

/// Why a value is no authority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostError {
    /// There is no host. A URI of scheme http or https without one is invalid (RFC 9110 §4.2.1).
    Empty,
    /// A byte that a host cannot have, or a `%` without two hexadecimal digits.
    Byte {
        /// Where it is, from 0.
        offset: usize,
    },
    /// What stands between the brackets is neither an IPv6 address nor closed.
    Ipv6,
    /// What follows the host is not a colon and a number up to 65535.
    Port,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Empty => f.write_str("the host is empty"),
            HostError::Byte { offset } => write!(f, "byte {offset} cannot be part of a host"),
            HostError::Ipv6 => f.write_str("the brackets do not hold an IPv6 address"),
            HostError::Port => f.write_str("the port is not a number from 0 to 65535"),
        }
    }
}

impl<'a> Authority<'a> {
    /// The value of `Host`, of `:authority`, or the authority of an absolute or authority-form target.
    pub fn parse(value: &'a [u8]) -> Result<Authority<'a>, HostError> {
        let (host, port) = if value.first() == Some(&b'[') { ip_literal(value)? } else { reg_name(value)? };
        // Only ASCII has been let through.
        let host = std::str::from_utf8(host).map_err(|_| HostError::Byte { offset: 0 })?;
        if host.is_empty() {
            return Err(HostError::Empty);
        }
        Ok(Authority { host, port: parse_port(port)? })
    }

    /// Whether this is the host, ignoring case (RFC 9110 §4.2.3). Addresses are compared as they are written.
    pub fn host_is(self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }

    /// Whether the host is an IPv4 or IPv6 address rather than a name.
    pub fn is_ip(self) -> bool {
        self.host.starts_with('[') || self.host.parse::<Ipv4Addr>().is_ok()
    }

    /// The same without its port if that is the scheme's default, which is equivalent (RFC 9110 §4.2.3): 80 or 443.
    pub fn without_default_port(self, default: u16) -> Authority<'a> {
        Authority { port: self.port.filter(|&port| port != default), ..self }
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// `reg-name / IPv4address` (RFC 3986 §3.2.2: every IPv4 address is also a reg-name), and what follows it.
fn reg_name(value: &[u8]) -> Result<(&[u8], &[u8]), HostError> {
    let mut i = 0;
    while let Some(&byte) = value.get(i) {
        i += match byte {
            b':' => break,
            b'%' if value.len() > i + 2 && value[i + 1..i + 3].iter().all(u8::is_ascii_hexdigit) => 3,
            _ if is_host_byte(byte) => 1,
            _ => return Err(HostError::Byte { offset: i }),
        };
    }
    Ok(value.split_at(i))
}

/// `"[" IPv6address "]"` (RFC 3986 §3.2.2), and what follows it. No version of IPvFuture has ever been assigned, and zones
/// mean nothing beyond the machine that they are of.
fn ip_literal(value: &[u8]) -> Result<(&[u8], &[u8]), HostError> {
    let end = value.iter().position(|&b| b == b']').ok_or(HostError::Ipv6)?;
    let address = std::str::from_utf8(&value[1..end]).ok().and_then(|text| text.parse::<Ipv6Addr>().ok());
    address.map(|_| value.split_at(end + 1)).ok_or(HostError::Ipv6)
}

/// `[ ":" port ]`, where port is `*DIGIT` (RFC 3986 §3.2.3).
fn parse_port(text: &[u8]) -> Result<Option<u16>, HostError> {
    let digits = match text {
        [] | [b':'] => return Ok(None),
        [b':', digits @ ..] => digits,
        _ => return Err(HostError::Port),
    };
    let mut port = 0u16;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0')).ok_or(HostError::Port)?;
        port = port.checked_mul(10).and_then(|p| p.checked_add(digit)).ok_or(HostError::Port)?;
    }
    Ok(Some(port))
}

/// `unreserved / sub-delims` (RFC 3986 §2.2, §2.3).
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<(&str, Option<u16>), HostError> {
        Authority::parse(value.as_bytes()).map(|a| (a.host, a.port))
    }

    #[test]
    fn a_host_may_have_a_port() {
        for (value, want) in [
            ("example.org", ("example.org", None)),
            ("Example.ORG:8080", ("Example.ORG", Some(8080))),
            ("example.org:", ("example.org", None)),
            ("example.org:0080", ("example.org", Some(80))),
            ("127.0.0.1:65535", ("127.0.0.1", Some(65535))),
            ("[::1]", ("[::1]", None)),
            ("[2001:db8::1]:443", ("[2001:db8::1]", Some(443))),
            ("[::ffff:192.0.2.1]:1", ("[::ffff:192.0.2.1]", Some(1))),
            ("a_b~c!$&'()*+,;=", ("a_b~c!$&'()*+,;=", None)),
            ("b%C3%BCcher.example", ("b%C3%BCcher.example", None)),
        ] {
            assert_eq!(parse(value), Ok(want), "{value}");
        }
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        use HostError::*;
        for (value, want) in [
            ("", Empty),
            (":80", Empty),
            ("user@example.org", Byte { offset: 4 }),
            ("example.org/path", Byte { offset: 11 }),
            ("example.org?q", Byte { offset: 11 }),
            ("example.org#f", Byte { offset: 11 }),
            ("a b", Byte { offset: 1 }),
            ("a\tb", Byte { offset: 1 }),
            ("a\\b", Byte { offset: 1 }),
            ("a\"b", Byte { offset: 1 }),
            ("a%zz", Byte { offset: 1 }),
            ("a%4", Byte { offset: 1 }),
            ("b\u{fc}cher.example", Byte { offset: 1 }),
            ("a[::1]", Byte { offset: 1 }),
            ("example.org:80:80", Port),
            ("example.org:65536", Port),
            ("example.org:99999999999999999999", Port),
            ("example.org:+80", Port),
            ("example.org: 80", Port),
            ("::1", Empty),
            ("2001:db8::1", Port),
            ("[::1", Ipv6),
            ("[]", Ipv6),
            ("[::1%25eth0]", Ipv6),
            ("[v1.x]", Ipv6),
            ("[127.0.0.1]", Ipv6),
            ("[::1]80", Port),
            ("[::1]]", Port),
        ] {
            assert_eq!(parse(value), Err(want), "{value:?}");
        }
    }

    #[test]
    fn case_and_the_default_port_make_no_difference() {
        let authority = Authority::parse(b"Example.org:443").unwrap();
        assert!(authority.host_is("EXAMPLE.ORG") && !authority.host_is("example.org."));
        assert_eq!(authority.without_default_port(443).to_string(), "Example.org");
        assert_eq!(authority.without_default_port(80).to_string(), "Example.org:443");
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        for (value, want) in [
            ("127.0.0.1", true),
            ("[::1]:80", true),
            ("localhost", false),
            ("127.1", false),
            ("1.2.3.4.example", false),
        ] {
            assert_eq!(Authority::parse(value.as_bytes()).unwrap().is_ip(), want, "{value}");
        }
    }
}
