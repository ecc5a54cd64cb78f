//! Who the client is: the other end of the connection, or whom a proxy that is trusted speaks for.
//!
//! Rule: each proxy adds at the right the address that it was spoken to from, so the list is believed from the right for as
//! long as those are trusted proxies whose word it is. What stands further left, anybody can have written.

use crate::config::Network;
use crate::log;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use verdict_core::field::forwarded::{self, NodeName};
use verdict_core::field::list::{Lines, elements};

/// Whether whoever runs the server has been told, once, of each thing that they should know.
static UNTRUSTED_TOLD: AtomicBool = AtomicBool::new(false);
static DISAGREEMENT_TOLD: AtomicBool = AtomicBool::new(false);

/// The client's address. `peer` is the other end of the connection; `forwarded` and `x_forwarded_for` are the lines of the
/// request's fields.
///
/// A member that cannot be read, is `unknown` or hidden (RFC 7239 §6) ends the way at the last address that is known. A
/// proxy that writes one of the two fields often passes the other on as it came: where both are there and say different
/// things, neither is believed.
pub(crate) fn client_address<'a>(
    peer: IpAddr,
    trusted: &[Network],
    forwarded: impl Lines<'a>,
    x_forwarded_for: impl Lines<'a>,
) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut forwarded = forwarded.into_iter().peekable();
    let mut x_forwarded_for = x_forwarded_for.into_iter().peekable();
    let (is_forwarded, is_x) = (forwarded.peek().is_some(), x_forwarded_for.peek().is_some());
    if !is_forwarded && !is_x {
        return peer;
    }
    if !is_trusted(peer) {
        if !UNTRUSTED_TOLD.swap(true, Relaxed) {
            let name = if is_forwarded { "Forwarded" } else { "X-Forwarded-For" };
            log::operation(format_args!(
                "a request from {peer} has {name}, which does not count: {peer} is not in `trusted-proxies`"
            ));
        }
        return peer;
    }
    let standard = is_forwarded.then(|| walk(peer, is_trusted, forwarded::elements(forwarded).map(hop)));
    let other = is_x.then(|| walk(peer, is_trusted, elements(x_forwarded_for).map(address_and_port)));
    match (standard, other) {
        (Some(one), Some(other)) if one != other => {
            if !DISAGREEMENT_TOLD.swap(true, Relaxed) {
                log::operation(format_args!(
                    "a request from {peer} has Forwarded and X-Forwarded-For that differ, and neither counts: let the proxy \
                     remove the one that it does not write"
                ));
            }
            peer
        }
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// Where the way ends that goes from the peer, which is trusted, to the left. `hops` come from the left, each the address that
/// one proxy was spoken to from, `None` where it does not say.
fn walk(peer: IpAddr, is_trusted: impl Fn(IpAddr) -> bool, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    // Where the way would end if it began right of the hop that was looked at last: so no list is kept of hops, of which a
    // client can send thousands.
    let end = hops.fold(None, |end: Option<IpAddr>, hop| match hop?.to_canonical() {
        // It is a proxy of ours: go on to the left of it, if there is a way.
        proxy if is_trusted(proxy) => end.or(Some(proxy)),
        client => Some(client),
    });
    end.unwrap_or(peer)
}

fn hop(element: Result<forwarded::Element<'_>, forwarded::ForwardedError>) -> Option<IpAddr> {
    match element.ok()?.sender?.name {
        NodeName::Address(address) => Some(address),
        NodeName::Unknown | NodeName::Hidden => None,
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`: whatever is found in `X-Forwarded-For`,
/// which has no definition.
fn address_and_port(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?;
    if let Ok(address) = IpAddr::from_str(text) {
        return Some(address);
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_once(':').map(|(host, _)| (host, &text[host.len()..]))?,
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    let address = IpAddr::from_str(host).ok()?;
    (address.is_ipv6() == text.starts_with('[')).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn ours() -> Vec<Network> {
        ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|text| text.parse().unwrap()).into()
    }

    fn client(peer: &str, forwarded: &[&str], x_forwarded_for: &[&str]) -> String {
        let lines = |lines: &[&'static str]| lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>();
        let own = |texts: &[&str]| -> Vec<&'static str> {
            texts.iter().map(|text| &*Box::leak(text.to_string().into_boxed_str())).collect()
        };
        let (forwarded, x) = (lines(&own(forwarded)), lines(&own(x_forwarded_for)));
        client_address(ip(peer), &ours(), forwarded, x).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        let cases: [(&str, &[&str], &str); 24] = [
            // The peer, the lines of `Forwarded`, the client.
            ("192.0.2.9", &["for=192.0.2.1"], "192.0.2.9"),
            ("::ffff:192.0.2.9", &["for=192.0.2.1"], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["for=192.0.2.1"], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["for=192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["for=\"192.0.2.1:4711\";proto=https;by=10.0.0.1"], "192.0.2.1"),
            ("10.0.0.1", &["for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            ("10.0.0.1", &["for=\"[::ffff:192.0.2.1]\""], "192.0.2.1"),
            // What the client wrote stands further left.
            ("10.0.0.1", &["for=203.0.113.7, for=192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["for=203.0.113.7", "for=192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["for=\"", "for=192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["for=10.0.0.9, for=192.0.2.1"], "192.0.2.1"),
            // Several proxies of ours.
            ("10.0.0.1", &["for=192.0.2.1, for=10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["for=203.0.113.7, for=192.0.2.1, for=10.0.0.3, for=\"[2001:db8:ffff::2]\""], "192.0.2.1"),
            ("10.0.0.1", &["for=10.0.0.3, for=10.0.0.2"], "10.0.0.3"),
            // The way ends where nobody says who is next.
            ("10.0.0.1", &["for=unknown"], "10.0.0.1"),
            ("10.0.0.1", &["for=_hidden"], "10.0.0.1"),
            ("10.0.0.1", &["proto=https"], "10.0.0.1"),
            ("10.0.0.1", &["for=192.0.2.1, for=unknown"], "10.0.0.1"),
            ("10.0.0.1", &["for=192.0.2.1, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["for=192.0.2.1, for=x, for=10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["for=192.0.2.1;for=192.0.2.2, for=10.0.0.2"], "10.0.0.2"),
            // A quotation that never ends takes what follows with it: nothing is believed.
            ("10.0.0.1", &["for=\", for=192.0.2.1"], "10.0.0.1"),
        ];
        for (peer, lines, want) in cases {
            assert_eq!(client(peer, lines, &[]), want, "{peer} {lines:?}");
        }
    }

    #[test]
    fn x_forwarded_for_is_read_as_it_is_written_in_practice() {
        let cases: [(&[&str], &str); 14] = [
            (&["192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.7, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            (&["203.0.113.7", "192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["192.0.2.1, unknown"], "10.0.0.1"),
            (&["192.0.2.1:x"], "10.0.0.1"),
            (&["192.0.2.1:99999"], "10.0.0.1"),
            (&["[192.0.2.1]"], "10.0.0.1"),
            (&["[2001:db8::1]4711"], "10.0.0.1"),
            (&["[2001:db8::1"], "10.0.0.1"),
            (&["\u{e9}"], "10.0.0.1"),
        ];
        for (lines, want) in cases {
            assert_eq!(client("10.0.0.1", &[], lines), want, "{lines:?}");
        }
        assert_eq!(client("192.0.2.9", &[], &["192.0.2.1"]), "192.0.2.9");
    }

    #[test]
    fn two_fields_that_differ_are_not_believed() {
        let cases: [(&[&str], &[&str], &str); 3] = [
            (&["for=192.0.2.1"], &["192.0.2.1"], "192.0.2.1"),
            (&["for=203.0.113.7"], &["192.0.2.1"], "10.0.0.1"),
            (&["for=unknown"], &["192.0.2.1"], "10.0.0.1"),
        ];
        for (forwarded, x, want) in cases {
            assert_eq!(client("10.0.0.1", forwarded, x), want, "{forwarded:?} {x:?}");
        }
    }

    #[test]
    fn one_client_is_an_address_or_a_network_of_64_bits() {
        let cases = [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ];
        for (address, want) in cases {
            assert_eq!(network(ip(address)), ip(want), "{address}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        /// As the rule has it: a list of hops, walked from its right end.
        #[test]
        fn the_way_is_that_of_a_walk_from_the_right(hops in proptest::collection::vec(0..4u8, 0..8)) {
            let hops: Vec<Option<IpAddr>> = hops.iter().enumerate().map(|(i, kind)| match kind {
                0 => None,
                1 => Some(ip(&format!("192.0.2.{i}"))),
                _ => Some(ip(&format!("10.0.0.{i}"))),
            }).collect();
            let is_trusted = |address: IpAddr| ours().iter().any(|network| network.contains(address));
            let mut at = ip("10.0.0.99");
            for hop in hops.iter().rev() {
                match hop {
                    Some(next) if is_trusted(at) => at = *next,
                    _ => break,
                }
            }
            proptest::prop_assert_eq!(walk(ip("10.0.0.99"), is_trusted, hops.iter().copied()), at);
        }
    }
}
