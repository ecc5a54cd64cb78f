//! `trusted-proxies`: the networks of those whose word about a request counts.

use super::read::{Entry, Reader};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits (RFC 4632 §3.1, RFC 4291 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    /// How many bits.
    prefix: u8,
}

impl Network {
    /// Whether the address is in it. An IPv4 address is itself, however the socket shows it (RFC 4291 §2.5.5.2).
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing_from = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u32::from(ours) ^ u32::from(theirs)).leading_zeros(),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (u128::from(ours) ^ u128::from(theirs)).leading_zeros(),
            _ => return false,
        };
        differing_from >= u32::from(self.prefix)
    }
}

/// Takes `10.0.0.0/8`, `2001:db8::/32`, and an address alone.
impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr =
            address.parse().map_err(|_| format!("`{}` is not an IP address", address.escape_debug()))?;
        // `::ffff:10.0.0.1` is an IPv4 address that somebody copied from a log; a network of such is nobody's.
        let address = if prefix.is_none() { address.to_canonical() } else { address };
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) => match digits.parse() {
                Ok(prefix) if prefix <= bits && digits.bytes().all(|b| b.is_ascii_digit()) => prefix,
                _ => return Err(format!("a network of {address} has from 0 to {bits} bits before its members differ")),
            },
        };
        let host_bits = match address {
            IpAddr::V4(address) => u32::from(address).checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
            IpAddr::V6(address) => u128::from(address).checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
        };
        if host_bits {
            return Err(format!(
                "`{text}` is an address within a network, not the network: it has bits set beyond the first {prefix}"
            ));
        }
        Ok(Network { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Reads the list.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<Network> {
    const EXAMPLE: &str = "10.0.0.0/8";
    let mut networks = Vec::new();
    for (text, span) in reader.strings(entry, "a network", EXAMPLE) {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(message) => {
                let error = reader.findings.error(span, message);
                error.help(format!("write it as in `trusted-proxies = [\"{EXAMPLE}\", \"::1\"]`"));
            }
        }
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::a00:1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("::1", "::1", true),
            ("::ffff:192.0.2.7", "192.0.2.7", true),
        ];
        for (network, address, contained) in cases {
            let network: Network = network.parse().unwrap_or_else(|error| panic!("{network}: {error}"));
            assert_eq!(network.contains(address.parse().expect("an address")), contained, "{network} {address}");
        }
    }

    #[test]
    fn anything_else_is_not_a_network() {
        for text in
            ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.1/8", "::1/64", "10/8"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
