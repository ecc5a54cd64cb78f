//! `listen`: a scheme and an address, written as a URL.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// One place to listen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Listen {
    /// Whether connections begin with TLS.
    pub scheme: Scheme,
    /// The address and port; port 0 is one that is free.
    pub address: SocketAddr,
}

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Takes `http://127.0.0.1:8080`, `http://[::]:80`, `http://localhost`; the scheme's port where none is given. The error
/// is a sentence.
impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        let (scheme, authority) = if let Some(authority) = text.strip_prefix("http://") {
            (Scheme::Http, authority)
        } else if let Some(authority) = text.strip_prefix("https://") {
            (Scheme::Https, authority)
        } else {
            return Err("an address begins with `http://` or `https://`".to_owned());
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#']) {
            return Err("an address has no path: routes have patterns".to_owned());
        }
        let (host, port) = match authority.rsplit_once(':') {
            // A colon within the brackets is not before a port.
            Some((host, port)) if !port.ends_with(']') => {
                // `u16::from_str` alone would take a sign.
                let number = if port.starts_with('+') { None } else { port.parse().ok() };
                (host, number.ok_or_else(|| format!("`{}` is not a port", port.escape_debug()))?)
            }
            _ => (authority, scheme.default_port()),
        };
        let address = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(literal) => literal.parse().ok().map(IpAddr::V6),
            None if host == "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            None => host.parse().ok().map(IpAddr::V4),
        };
        let address =
            address.ok_or_else(|| format!("`{}` is neither an IP address nor localhost", host.escape_debug()))?;
        Ok(Listen { scheme, address: SocketAddr::new(address, port) })
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written() {
        let cases = [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://[::]:80", "http://[::]:80"),
            ("http://[::1]", "http://[::1]:80"),
            ("http://localhost:8080", "http://127.0.0.1:8080"),
            ("http://0.0.0.0:0", "http://0.0.0.0:0"),
            ("https://0.0.0.0", "https://0.0.0.0:443"),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_an_address() {
        let cases = [
            ("127.0.0.1:8080", "an address begins with `http://` or `https://`"),
            ("ftp://127.0.0.1", "an address begins with `http://` or `https://`"),
            ("http://127.0.0.1:8080/x", "an address has no path: routes have patterns"),
            ("http://127.0.0.1:http", "`http` is not a port"),
            ("http://127.0.0.1:65536", "`65536` is not a port"),
            ("http://127.0.0.1:+80", "`+80` is not a port"),
            ("http://127.0.0.1:", "`` is not a port"),
            ("http://::1:80", "`::1` is neither an IP address nor localhost"),
            ("http://example.com", "`example.com` is neither an IP address nor localhost"),
            ("http://", "`` is neither an IP address nor localhost"),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<Listen>(), Err(message.to_owned()), "{text}");
        }
    }
}
