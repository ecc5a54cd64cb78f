//! A request as handlers see it: the head where it lies in the connection's buffer, and what is known beside it.

use crate::client_address::client_address;
use crate::config::Network;
use crate::id::Id;
use crate::site::Site;
use crate::tls::Names;
use std::borrow::Cow;
use std::net::IpAddr;
use verdict_core::cause::Crowded;
use verdict_core::field::date::HttpDate;
use verdict_core::method::Method;
use verdict_wire::{Head, Name, decode_path};

/// One request whose head is whole and right.
pub(crate) struct Request<'a> {
    pub(crate) head: &'a Head,
    /// The bytes that the head's spans point into.
    pub(crate) bytes: &'a [u8],
    /// The path, decoded once: `%2F` stays as it is. Every later look-up uses this and nothing else.
    pub(crate) path: Cow<'a, str>,
    /// The path as it was sent.
    pub(crate) raw_path: &'a str,
    /// Whether the connection may go on after the answer, if nothing of the content is left then.
    pub(crate) persists: bool,
    /// Whether what is left of the content may be read away.
    pub(crate) drainable: bool,
    /// Who asks: the other end of the connection, or whom a trusted proxy there speaks for.
    pub(crate) client: IpAddr,
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    pub(crate) id: Id,
    pub(crate) now: HttpDate,
    /// Why there is no room for the connection.
    pub(crate) crowded: Option<Crowded>,
    /// Whom the connection's certificate speaks for; `None` without TLS.
    pub(crate) served: Option<&'a Names>,
    /// There is no room for one more request that has to wait.
    pub(crate) full: bool,
}

impl<'a> Request<'a> {
    /// The path of a head, decoded; borrowed from the bytes when nothing in it is encoded.
    pub(crate) fn decoded(head: &Head, raw: &'a str) -> Cow<'a, str> {
        if head.parts.plain {
            return Cow::Borrowed(raw);
        }
        let mut path = String::with_capacity(raw.len());
        // The wire has checked it: what it could not decode never comes here.
        let _ = decode_path(raw.as_bytes(), &mut path);
        Cow::Owned(path)
    }

    /// A field that has one value. Several lines of it are `None`: it cannot be read.
    pub(crate) fn value(&self, name: Name) -> Option<&'a [u8]> {
        let span = self.head.first(name)?;
        (!self.head.repeated(name)).then(|| span.of(self.bytes))
    }

    /// A field that is a list, line by line.
    pub(crate) fn lines(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + Clone {
        let bytes = self.bytes;
        let head = self.head;
        head.all(name).map(move |span| span.of(bytes))
    }

    /// The value of a field by its name, in whatever case; several lines of it are one value each, and the first counts.
    pub(crate) fn by_name(&self, name: &str) -> Option<&'a [u8]> {
        let is = |line: &&verdict_wire::Line| line.name.of(self.bytes).eq_ignore_ascii_case(name.as_bytes());
        self.head.lines().iter().find(is).map(|line| line.value.of(self.bytes))
    }

    /// The query as it was sent.
    pub(crate) fn query(&self) -> Option<&'a str> {
        self.head.query(self.bytes).and_then(|query| std::str::from_utf8(query).ok())
    }

    /// The host that is asked for, without its port; empty if none is named.
    pub(crate) fn host(&self) -> &'a str {
        let authority = self.head.authority(self.bytes).unwrap_or(b"");
        let authority = std::str::from_utf8(authority).unwrap_or("");
        match authority.rfind(':') {
            // A colon within brackets is an IPv6 address's own.
            Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
            _ => authority,
        }
    }

    /// Whether it is for an authority that the connection's certificate does not speak for (RFC 9110 §7.4). No authority at
    /// all is no other one.
    pub(crate) fn is_misdirected(&self) -> bool {
        self.served.is_some_and(|names| {
            let host = self.host();
            !host.is_empty() && !names.serve(host)
        })
    }

    /// How often a request about the way itself may still be passed on (RFC 9110 §7.6.2); `None`: as often as it takes.
    pub(crate) fn forwards_left(&self) -> Option<u64> {
        let value = (self.head.method == Method::Options).then(|| self.value(Name::MaxForwards))??;
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        // What is too large to count is not counted down to the end here.
        is_number.then(|| std::str::from_utf8(value).ok()?.parse().ok().or(Some(u64::MAX)))?
    }

    /// Whether it is a browser that goes to a page (Fetch Metadata).
    pub(crate) fn navigates(&self) -> bool {
        self.value(Name::SecFetchMode) == Some(b"navigate")
    }

    /// The id that the answer tells: what a trusted proxy gave the request, or ours.
    #[inline]
    pub(crate) fn id_told(&self, site: &Site) -> &[u8] {
        let trusted = &site.opened.config.trusted_proxies;
        match trusted.is_empty() {
            true => &self.id.0,
            false => given_id(trusted, self.peer, self.head, self.bytes).map_or(&self.id.0, str::as_bytes),
        }
    }
}

/// Who asks, by the word of proxies that are trusted.
#[inline(always)]
pub(crate) fn client_of(trusted: &[Network], peer: IpAddr, head: &Head, bytes: &[u8]) -> IpAddr {
    if head.has(Name::Forwarded) || head.has(Name::XForwardedFor) {
        return spoken_for(trusted, peer, head, bytes);
    }
    peer
}

#[cold]
fn spoken_for(trusted: &[Network], peer: IpAddr, head: &Head, bytes: &[u8]) -> IpAddr {
    let lines = |name| head.all(name).map(|span| span.of(bytes));
    client_address(peer, trusted, lines(Name::Forwarded), lines(Name::XForwardedFor))
}

/// The longest id that is taken over.
const LONGEST_ID: usize = 128;

/// The id that a trusted proxy gave a request, so that one request has one id in all logs on its way: a UUID or another token
/// of visible ASCII. Anything else is as if it was not there.
pub(crate) fn given_id<'a>(trusted: &[Network], client: IpAddr, head: &Head, bytes: &'a [u8]) -> Option<&'a str> {
    if head.repeated(Name::RequestId) || !trusted.iter().any(|network| network.contains(client)) {
        return None;
    }
    let value = head.value(Name::RequestId, bytes)?;
    let fits = (1..=LONGEST_ID).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(value).ok().filter(|_| fits)
}
