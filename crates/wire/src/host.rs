//! `uri-host [ ":" port ]`: the value of `Host` and the authority of a target (RFC 9110 §7.2, RFC 3986 §3.2.2).

use crate::byte;

/// Checks an authority without userinfo. Gives the offset of the colon before the port, if there is one, or the offset of
/// the first byte that is wrong. An empty host is wrong (RFC 9110 §4.2.1), an empty port is not (RFC 3986 §3.2.3).
#[inline]
pub(crate) fn check(authority: &[u8]) -> Result<Option<usize>, usize> {
    let mut at = 0;
    loop {
        while at < authority.len() && byte::is_host(authority[at]) {
            at += 1;
        }
        match authority.get(at) {
            None if at > 0 => return Ok(None),
            Some(b'%') if byte::percent(&authority[at..]).is_some() => at += 3,
            Some(b':') if at > 0 => return port(authority, at),
            Some(b'[') if at == 0 => return literal(authority),
            _ => return Err(at),
        }
    }
}

/// `"[" IPv6address "]" [ ":" port ]`. IPvFuture names no address that anybody listens on, and is refused.
#[cold]
fn literal(authority: &[u8]) -> Result<Option<usize>, usize> {
    let close = authority.iter().position(|b| *b == b']').ok_or(0usize)?;
    let address = std::str::from_utf8(&authority[1..close]).map_err(|_| 1usize)?;
    address.parse::<std::net::Ipv6Addr>().map_err(|_| 1usize)?;
    match authority.get(close + 1) {
        None => Ok(None),
        Some(b':') => port(authority, close + 1),
        Some(_) => Err(close + 1),
    }
}

fn port(authority: &[u8], colon: usize) -> Result<Option<usize>, usize> {
    let mut number = 0u32;
    for (i, b) in authority[colon + 1..].iter().enumerate() {
        number = number * 10 + u32::from(b.wrapping_sub(b'0'));
        if !b.is_ascii_digit() || number > 65535 {
            return Err(colon + 1 + i);
        }
    }
    Ok(Some(colon))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (authority, expected) in [
            ("example.org", Ok(None)),
            ("example.org:80", Ok(Some(11))),
            ("example.org:", Ok(Some(11))),
            ("127.0.0.1:8080", Ok(Some(9))),
            ("[::1]", Ok(None)),
            ("[::1]:443", Ok(Some(5))),
            ("[::ffff:127.0.0.1]", Ok(None)),
            ("a_b~c!$&'()*+,;=", Ok(None)),
            ("%c3%a9.example", Ok(None)),
            ("a:65535", Ok(Some(1))),
            ("a:00000000080", Ok(Some(1))),
            ("", Err(0)),
            (":80", Err(0)),
            ("a:65536", Err(6)),
            ("a:8o", Err(3)),
            ("a:-1", Err(2)),
            ("a:80:80", Err(4)),
            ("a b", Err(1)),
            ("a/b", Err(1)),
            ("user@a", Err(4)),
            ("user:pw@a", Err(5)),
            ("a?b", Err(1)),
            ("a#b", Err(1)),
            ("a\\b", Err(1)),
            ("%zz", Err(0)),
            ("a%2", Err(1)),
            ("caf\u{e9}", Err(3)),
            ("[::1", Err(0)),
            ("[::g]", Err(1)),
            ("[]", Err(1)),
            ("[127.0.0.1]", Err(1)),
            ("[v1.a]", Err(1)),
            ("[fe80::1%25eth0]", Err(1)),
            ("[::1]x", Err(5)),
            ("[::1]:x", Err(6)),
            ("a[::1]", Err(1)),
            ("\"a\"", Err(0)),
        ] {
            assert_eq!(super::check(authority.as_bytes()), expected, "{authority}");
        }
    }
}
