//! The head that an upstream gets: written anew from what was decided about, field by field.

use crate::config::{HostPolicy, Proxy};
use crate::id::Random;
use crate::request::Request;
use crate::site::Site;
use std::io::Write;
use std::net::IpAddr;
use std::sync::OnceLock;
use verdict_core::field::list::elements;
use verdict_wire::{FieldLine, Form, Framing, Name, Refused, RequestWriter, Sent, Version};

/// The name of this process in `Via` (RFC 9110 §7.6.3): nobody else has it, so that who reads it has come back.
fn pseudonym() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("verdict-{:08x}", Random::unforeseen() as u32))
}

/// The line of `Via` that is added to a request that came in this version.
fn via(version: Version) -> Option<&'static FieldLine> {
    static VIA: [OnceLock<Option<FieldLine>>; 3] = [const { OnceLock::new() }; 3];
    let (at, version) = match version {
        Version::Http10 => (0, "1.0"),
        Version::Http11 => (1, "1.1"),
        Version::Http2 => (2, "2"),
    };
    VIA[at].get_or_init(|| FieldLine::new("Via", format!("{version} {}", pseudonym()).as_bytes()).ok()).as_ref()
}

/// The line that says by what the client came.
fn proto(secure: bool) -> Option<&'static FieldLine> {
    static PROTO: [OnceLock<Option<FieldLine>>; 2] = [const { OnceLock::new() }; 2];
    PROTO[usize::from(secure)].get_or_init(|| FieldLine::new("X-Forwarded-Proto", scheme(secure)).ok()).as_ref()
}

fn scheme(secure: bool) -> &'static [u8] {
    if secure { b"https" } else { b"http" }
}

/// Whether the request has been here before.
pub(super) fn is_looped(request: &Request<'_>) -> bool {
    request.head.has(Name::Via)
        && elements(request.lines(Name::Via)).any(|via| {
            let mut words = via.split(|byte| *byte == b' ');
            words.nth(1) == Some(pseudonym().as_bytes())
        })
}

/// Whether the client takes what is said behind the content (RFC 9110 §6.5.1): an upstream is told, and what it says then is.
pub(super) fn takes_trailers(request: &Request<'_>) -> bool {
    request.head.has(Name::Te)
        && request.head.version != Version::Http10
        && elements(request.lines(Name::Te)).any(|word| word.eq_ignore_ascii_case(b"trailers"))
}

/// The protocols that an upstream is offered in the place of HTTP, as one list; `None`: none. Only the one that the route speaks, if
/// it is said which; and never HTTP/2, in which a client would ask for what no rule here has seen (RFC 9110 §7.8).
pub(super) fn offered(proxy: &Proxy, request: &Request<'_>) -> Option<Vec<u8>> {
    let head = request.head;
    if !head.upgrade || head.framing != Framing::None {
        return None;
    }
    let all = elements(request.lines(Name::Upgrade));
    let wanted = all.filter(|offered| match &proxy.upgrade {
        Some(protocol) => offered.eq_ignore_ascii_case(protocol.as_bytes()),
        None => !offered.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"h2c")) && !is_http(offered),
    });
    // Several lines of it are one list (RFC 9110 §5.3).
    let wanted: Vec<_> = wanted.collect();
    (!wanted.is_empty()).then(|| wanted.join(&b", "[..]))
}

/// `HTTP/2.0`, as some spell it.
fn is_http(protocol: &[u8]) -> bool {
    protocol.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"http/"))
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
    offered: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let (head, bytes) = (request.head, request.bytes);
    let asked_for = head.authority(bytes).filter(|host| !host.is_empty());
    let mut writer = match &proxy.host {
        // Nearly always it is asked for what it was asked for.
        HostPolicy::Client if proxy.strip == 0 && head.parts.form == Form::Origin && asked_for.is_some() => {
            RequestWriter::again(out, head, bytes)?
        }
        _ => {
            let method = std::str::from_utf8(head.method_token.of(bytes)).map_err(|_| Refused::Method)?;
            let own = || asked_for.and_then(|host| std::str::from_utf8(host).ok());
            let host = match &proxy.host {
                HostPolicy::Client => own().unwrap_or(member),
                HostPolicy::Member => member,
                HostPolicy::Own(host) => host,
            };
            let path = stripped(request.raw_path, proxy.strip);
            match request.query() {
                Some(query) => RequestWriter::new(out, method, &format!("{path}?{query}"), host)?,
                None => RequestWriter::new(out, method, path, host)?,
            }
        }
    };
    let trusted = site.opened.config.trusts(request.peer);
    let left = request.forwards_left();
    let (peer, client) = (request.peer.to_canonical(), request.client.to_canonical());
    // What a trusted proxy says in two ways that do not agree counts for nothing here, and is nobody's to believe further on.
    let both = head.has(Name::Forwarded) && head.has(Name::XForwardedFor);
    let contradicts = trusted && both && client == peer;
    for line in head.end_to_end(bytes) {
        let dropped = match line.known {
            Some(name @ (Name::Forwarded | Name::XForwardedFor)) => contradicts || is_ours(name, trusted),
            Some(name) => is_ours(name, trusted) || name == Name::MaxForwards && left.is_some(),
            None => poses(line.name.of(bytes), trusted),
        };
        if dropped {
            continue;
        }
        writer.pass(line, bytes)?;
    }
    writer.line(via(head.version).ok_or(Refused::Value)?);
    let secure = request.served.is_some();
    let node = Node::of(peer);
    let told = trusted && !contradicts && head.has(Name::Forwarded);
    let told_x = trusted && !contradicts && head.has(Name::XForwardedFor);
    // Who says only one of the two is repeated in the other, so that they do not disagree.
    let (mut said, mut said_x) = (Vec::new(), Vec::new());
    if told != told_x && client != peer {
        let client = Node::of(client);
        let (open, close) = client.quotes();
        match told {
            true => said_x = [client.text(), b", "].concat(),
            false => said = [open, client.text(), close, b", "].concat(),
        }
    }
    let (open, close) = node.quotes();
    // An authority has neither quotes nor backslashes.
    let (key, host, end) = asked_for.map_or((&b""[..], &b""[..], &b""[..]), |host| (b";host=\"", host, b"\""));
    let scheme = scheme(secure);
    writer.put("Forwarded", [&said, open, node.text(), close, b";proto=", scheme, key, host, end])?;
    writer.put("X-Forwarded-For", [&said_x, node.text()])?;
    if !(trusted && head.has(Name::XForwardedProto)) {
        writer.line(proto(secure).ok_or(Refused::Value)?);
    }
    if asked_for.is_some() && !(trusted && head.has(Name::XForwardedHost)) {
        writer.put("X-Forwarded-Host", [host])?;
    }
    writer.put("Request-Id", [request.id_told(site)])?;
    if let Some(left) = left {
        writer.put("Max-Forwards", [left.saturating_sub(1).to_string().as_bytes()])?;
    }
    if expects {
        writer.expect_continue();
    }
    if takes_trailers(request) {
        writer.takes_trailers();
    }
    if let Some(offered) = offered {
        writer.upgrade(offered)?;
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

/// Whether a field that is not known here may be taken for one that is, or for the word of a proxy. Many applications see fields as
/// variables, in whose names `_` and `-` are the same (RFC 3875 §4.1.18).
fn poses(name: &[u8], trusted: bool) -> bool {
    if memchr::memchr(b'_', name).is_some() {
        let folded: Vec<u8> = name.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect();
        return Name::of(&folded).is_some() || is_of_proxies(&folded);
    }
    !trusted && is_of_proxies(name)
}

/// What proxies say of a client, beside what is written here.
fn is_of_proxies(name: &[u8]) -> bool {
    const START: &[u8] = b"x-forwarded-";
    matches!(name.first(), Some(b'x' | b'X'))
        && (name.get(..START.len()).is_some_and(|start| start.eq_ignore_ascii_case(START))
            || name.eq_ignore_ascii_case(b"x-real-ip"))
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

/// An address as text. It is written for each request, and formatting one takes 900 instructions.
struct Node {
    text: [u8; Node::LONGEST],
    len: usize,
    v6: bool,
}

impl Node {
    /// An IPv6 address that ends in an IPv4 address.
    const LONGEST: usize = 45;

    fn of(address: IpAddr) -> Node {
        let mut node = Node { text: [0; Node::LONGEST], len: 0, v6: address.is_ipv6() };
        match address {
            IpAddr::V4(address) => {
                for (i, octet) in address.octets().into_iter().enumerate() {
                    if i > 0 {
                        node.push(b'.');
                    }
                    if octet >= 100 {
                        node.push(b'0' + octet / 100);
                    }
                    if octet >= 10 {
                        node.push(b'0' + octet / 10 % 10);
                    }
                    node.push(b'0' + octet % 10);
                }
            }
            IpAddr::V6(address) => {
                let mut rest = &mut node.text[..];
                let _ = write!(rest, "{address}");
                node.len = Node::LONGEST - rest.len();
            }
        }
        node
    }

    fn push(&mut self, byte: u8) {
        self.text[self.len] = byte;
        self.len += 1;
    }

    fn text(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// What stands around it in `Forwarded` (RFC 7239 §6).
    fn quotes(&self) -> (&'static [u8], &'static [u8]) {
        if self.v6 { (b"for=\"[", b"]\"") } else { (b"for=", b"") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_ever() {
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        for address in ["0.0.0.0", "1.20.103.255", "100.99.10.9", "255.255.255.255", "2001:db8::1", longest] {
            assert_eq!(Node::of(address.parse().unwrap()).text(), address.as_bytes());
        }
        for octet in 0..=255 {
            let address = IpAddr::from([octet, 0, octet, 1]);
            assert_eq!(Node::of(address).text(), format!("{octet}.0.{octet}.1").as_bytes());
        }
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
