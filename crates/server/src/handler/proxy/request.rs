//! The head that an upstream gets: written anew from what was decided about, field by field.

use crate::config::{HostPolicy, Proxy};
use crate::id::Random;
use crate::request::Request;
use crate::site::Site;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::OnceLock;
use verdict_core::field::list::elements;
use verdict_wire::{Framing, Name, Refused, RequestWriter, Sent, Version};

/// The name of this process in `Via` (RFC 9110 §7.6.3): nobody else has it, so that who reads it has come back.
fn pseudonym() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("verdict-{:08x}", Random::unforeseen() as u32))
}

/// What is added to `Via` of a request that came in this version.
fn via(version: Version) -> &'static str {
    static VIA: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
    let (at, version) = match version {
        Version::Http10 => (0, "1.0"),
        Version::Http11 => (1, "1.1"),
        Version::Http2 => (2, "2"),
    };
    VIA[at].get_or_init(|| format!("{version} {}", pseudonym()))
}

/// Whether the request has been here before.
pub(super) fn is_looped(request: &Request<'_>) -> bool {
    request.head.has(Name::Via)
        && elements(request.lines(Name::Via)).any(|via| {
            let mut words = via.split(|byte| *byte == b' ');
            words.nth(1) == Some(pseudonym().as_bytes())
        })
}

/// How the content is delimited on its way there.
pub(super) fn sent(request: &Request<'_>) -> Sent {
    match request.head.framing {
        Framing::None => Sent::Nothing,
        Framing::Length(length) => Sent::Length(length),
        Framing::Chunked => Sent::Chunked,
    }
}

/// Writes the head for a member with this authority. Errors: what the writer does not take, which the wire should not have
/// taken either.
pub(super) fn write(
    site: &Site,
    proxy: &Proxy,
    request: &Request<'_>,
    member: &str,
    expects: bool,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let (head, bytes) = (request.head, request.bytes);
    let method = std::str::from_utf8(head.method_token.of(bytes)).map_err(|_| Refused::Method)?;
    let asked_for =
        head.authority(bytes).and_then(|host| std::str::from_utf8(host).ok()).filter(|host| !host.is_empty());
    let host = match &proxy.host {
        HostPolicy::Client => asked_for.unwrap_or(member),
        HostPolicy::Member => member,
        HostPolicy::Own(host) => host,
    };
    let plain = proxy.strip == 0 && request.query().is_none();
    let path = stripped(request.raw_path, proxy.strip);
    let target;
    let target = match plain {
        true => path,
        false => {
            target = match request.query() {
                Some(query) => format!("{path}?{query}"),
                None => path.to_owned(),
            };
            &target
        }
    };
    let mut writer = RequestWriter::new(out, method, target, host)?;
    let trusted = site.opened.config.trusts(request.peer);
    for line in head.end_to_end(bytes) {
        if line.known.is_some_and(|name| is_ours(name, trusted)) {
            continue;
        }
        writer.pass(line, bytes)?;
    }
    let mut text = String::with_capacity(128);
    let mut put = |writer: &mut RequestWriter<'_>, name, write: &dyn Fn(&mut String)| {
        text.clear();
        write(&mut text);
        writer.put(name, text.as_bytes())
    };
    writer.put("Via", via(head.version).as_bytes())?;
    let scheme = if request.served.is_some() { "https" } else { "http" };
    let peer = request.peer.to_canonical();
    let before = trusted && head.has(Name::Forwarded);
    let before_x = trusted && head.has(Name::XForwardedFor);
    // Who says only one of the two is repeated in the other, so that they do not disagree.
    let spoken_for = request.client.to_canonical();
    put(&mut writer, "Forwarded", &|text| {
        if before_x && !before && spoken_for != peer {
            push_node(text, spoken_for);
            text.push_str(", ");
        }
        push_node(text, peer);
        text.push_str(";proto=");
        text.push_str(scheme);
        if let Some(host) = asked_for {
            // An authority has neither quotes nor backslashes.
            text.push_str(";host=\"");
            text.push_str(host);
            text.push('"');
        }
    })?;
    put(&mut writer, "X-Forwarded-For", &|text| {
        if before && !before_x && spoken_for != peer {
            push_address(text, spoken_for);
            text.push_str(", ");
        }
        push_address(text, peer);
    })?;
    if !(trusted && head.has(Name::XForwardedProto)) {
        writer.put("X-Forwarded-Proto", scheme.as_bytes())?;
    }
    if let (Some(host), false) = (asked_for, trusted && head.has(Name::XForwardedHost)) {
        writer.put("X-Forwarded-Host", host.as_bytes())?;
    }
    writer.put("Request-Id", request.id_told(site))?;
    if expects {
        writer.expect_continue();
    }
    if head.upgrade && head.framing == Framing::None {
        // Several lines of it are one list (RFC 9110 §5.3).
        let offered: Vec<_> = request.lines(Name::Upgrade).collect();
        writer.upgrade(&offered.join(&b", "[..]))?;
    }
    writer.finish(sent(request), true);
    Ok(())
}

/// Fields that are written here and not passed on. What a proxy that is trusted says of those before it is added to.
fn is_ours(name: Name, trusted: bool) -> bool {
    match name {
        Name::Host
        | Name::ContentLength
        | Name::Expect
        | Name::RequestId
        // It is for this server, if for any (RFC 9110 §11.7.2), and for a change to HTTP/2 here.
        | Name::ProxyAuthorization
        | Name::Http2Settings => true,
        Name::Forwarded | Name::XForwardedFor | Name::XForwardedHost | Name::XForwardedProto => !trusted,
        _ => false,
    }
}

/// The path without its first segments, as it was sent otherwise.
fn stripped(path: &str, segments: usize) -> &str {
    let mut rest = path;
    for _ in 0..segments {
        let Some(behind) = rest.strip_prefix('/') else { return "/" };
        rest = behind.find('/').map_or("/", |at| &behind[at..]);
    }
    rest
}

/// `for=` an address, as RFC 7239 §6 writes it.
fn push_node(text: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(_) => {
            text.push_str("for=");
            push_address(text, address);
        }
        IpAddr::V6(address) => {
            let _ = write!(text, "for=\"[{address}]\"");
        }
    }
}

/// An address. It is written for each request, and formatting one takes 900 instructions.
fn push_address(text: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        let _ = write!(text, "{address}");
        return;
    };
    for (i, octet) in address.octets().into_iter().enumerate() {
        if i > 0 {
            text.push('.');
        }
        for (unit, digits) in [(100, 3), (10, 2), (1, 1)] {
            if digits == 1 || octet >= unit {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_ever() {
        for address in ["0.0.0.0", "1.20.103.255", "100.99.10.9", "2001:db8::1"] {
            let mut text = String::new();
            push_address(&mut text, address.parse().unwrap());
            assert_eq!(text, address);
        }
        for octet in 0..=255 {
            let mut text = String::new();
            push_address(&mut text, IpAddr::from([octet, 0, octet, 1]));
            assert_eq!(text, format!("{octet}.0.{octet}.1"));
        }
        let mut text = String::new();
        push_node(&mut text, "::1".parse().unwrap());
        assert_eq!(text, "for=\"[::1]\"");
    }

    #[test]
    fn segments_are_stripped_as_they_were_sent() {
        for (path, segments, rest) in [
            ("/a/b/c", 0, "/a/b/c"),
            ("/a/b/c", 1, "/b/c"),
            ("/a/b/c", 2, "/c"),
            ("/a/b/c", 3, "/"),
            ("/a", 1, "/"),
            ("/a/", 1, "/"),
            ("/%61/b%2Fc/", 1, "/b%2Fc/"),
            ("/a//b", 1, "//b"),
        ] {
            assert_eq!(stripped(path, segments), rest, "{path} {segments}");
        }
    }
}
