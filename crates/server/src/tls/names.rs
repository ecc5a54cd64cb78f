//! Whom a certificate speaks for: its subject's alternative names (RFC 9525 §6).

use std::net::IpAddr;

/// The names in a certificate.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Names {
    /// In lower case, without a dot at the end; `*.` stands for one label.
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Names {
    /// Of DNS names as the certificate has them, and addresses.
    pub(crate) fn new<'a>(hosts: impl Iterator<Item = &'a str>, addresses: Vec<IpAddr>) -> Names {
        Names { hosts: hosts.map(normal).collect(), addresses }
    }

    /// Of a certificate that names nobody.
    pub(crate) const fn of_nobody() -> Names {
        Names { hosts: Vec::new(), addresses: Vec::new() }
    }

    /// Whether it names nobody, as certificates do that are older than the rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.addresses.is_empty()
    }

    /// Whether the certificate speaks for a host: a name in any case, or an address, an IPv6 one in brackets. One that names
    /// nobody may be for anybody.
    pub(crate) fn serve(&self, host: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = literal.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        self.hosts.iter().any(|known| match known.strip_prefix("*.") {
            // RFC 9525 §6.3: it stands for exactly one label, the leftmost.
            Some(below) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && below.eq_ignore_ascii_case(rest))
            }
            None => known.eq_ignore_ascii_case(host),
        })
    }
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_speaks_for_its_names_and_no_others() {
        let names = Names::new(
            ["A.example", "*.b.example", "xn--bcher-kva.example."].into_iter(),
            vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        );
        for host in [
            "a.example",
            "A.EXAMPLE",
            "a.example.",
            "x.b.example",
            "X.B.example",
            "xn--bcher-kva.example",
            "127.0.0.1",
            "[::1]",
        ] {
            assert!(names.serve(host), "{host}");
        }
        for host in [
            "",
            "example",
            "b.example",
            ".b.example",
            "x.y.b.example",
            "xb.example",
            "a.example.evil",
            "127.0.0.2",
            "[::2]",
            "*.b",
        ] {
            assert!(!names.serve(host), "{host}");
        }
        assert!(Names::default().serve("anybody"));
    }

    #[test]
    fn a_wildcard_without_anything_below_it_is_nobody() {
        let names = Names::new(["*.", "*", "*x.example"].into_iter(), Vec::new());
        for host in ["a", "a.", "a.b", "x.example", "ax.example"] {
            assert!(!names.serve(host), "{host}");
        }
    }
}
