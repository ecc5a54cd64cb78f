//! The head that the client gets: the upstream's, without what was between it and us, and with what is ours.

use super::Proxy;
use super::relay::{Framed, Relay};
use crate::answer::Writing;
use crate::request::Request;
use verdict_core::cause::Upstream;
use verdict_core::method::Method;
use verdict_wire::{Delimiter, Delivery, Extent, HeadWriter, Line, Name, delivery};

/// How the rest of an answer is sent.
pub(crate) enum Passed {
    /// It stands behind the head already, so many bytes.
    Whole(u64),
    /// Content follows.
    Content(Framed),
    /// Another protocol does.
    Tunnel,
}

impl Relay {
    /// Writes the head, and content that is there; how the rest goes, and whether the connection may go on behind it.
    /// `owned`: whether the route writes a field of that name itself.
    pub(crate) fn put_head(
        &mut self,
        writing: &Writing<'_, '_>,
        request: &Request<'_>,
        owned: impl Fn(&[u8]) -> bool,
        out: &mut Vec<u8>,
    ) -> (Passed, bool) {
        let proxy = self.proxy.clone();
        let member = self.journey.member.map_or("", |member| proxy.pool.target(member).authority());
        let receiver = &self.connection().receiver;
        let (response, message) = (&receiver.response, receiver.message());
        let status = writing.status;
        let size = match response.extent {
            Extent::Length(length) => Some(length),
            // What GET would have is what HEAD tells.
            Extent::Head if request.head.method == Method::Head => response
                .value(Name::ContentLength, message)
                .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok()),
            Extent::Head | Extent::Chunked | Extent::Close | Extent::Tunnel => None,
        };
        let mut head = HeadWriter::new(out, status);
        let put = |head: &mut HeadWriter<'_>, name: &str, value: &[u8]| {
            let written = head.field(name, value);
            debug_assert!(written.is_ok(), "{name} cannot be written: {written:?}");
        };
        let mut dated = false;
        let stamped = head.put("Request-Id", writing.stamp.id);
        debug_assert!(stamped.is_ok(), "an id cannot be written");
        for line in response.end_to_end(message) {
            let name = line.name.of(message);
            if is_ours(line) || owned(name) {
                continue;
            }
            dated |= name.eq_ignore_ascii_case(b"date");
            if relocates(status.code())
                && let Some((name, location)) = location(name, line.value.of(message))
                && let Some(location) = relocated(location, member, &proxy, request)
            {
                put(&mut head, name, location.as_bytes());
                continue;
            }
            let passed = head.pass(line, message);
            debug_assert!(passed.is_ok(), "{} cannot be passed on: {passed:?}", name.escape_ascii());
        }
        // RFC 9110 §6.6.1: whoever has a clock adds it.
        if !dated {
            put(&mut head, "Date", writing.stamp.date);
        }
        for (name, value) in &writing.common.headers {
            put(&mut head, name, value.as_bytes());
        }
        for (name, value) in &writing.more {
            put(&mut head, name, value.as_bytes());
        }
        // It is of one connection, and of no use without: 101 and 426 say what is spoken instead (RFC 9110 §15.5.22).
        let upgrades = response.extent == Extent::Tunnel || status.code() == 426;
        if let (true, Some(protocol)) = (upgrades, response.value(Name::Upgrade, message)) {
            put(&mut head, "Upgrade", protocol);
        }
        head.finish(writing.asked, size);
        let tunnel = response.extent == Extent::Tunnel;
        let headed = self.connection().receiver.response.extent == Extent::Head;
        let Delivery { delimiter, closes, content, .. } = delivery(status, writing.asked, size);
        if tunnel {
            self.has_worked();
            return (Passed::Tunnel, false);
        }
        if !content && !headed && size != Some(0) {
            // Its status has none (RFC 9110 §15.3.6): what comes behind the head is not the client's, and may be said to look like
            // an answer.
            self.drop_content();
            return (Passed::Whole(0), !closes);
        }
        let framed = if delimiter == Delimiter::Chunked { Framed::Chunked } else { Framed::AsItIs };
        match self.take_whole(out) {
            true => (Passed::Whole(self.bytes), !closes),
            false => (Passed::Content(framed), !closes),
        }
    }
}

/// Fields of an upstream's answer that are this server's to write.
fn is_ours(line: &Line) -> bool {
    matches!(line.known, Some(Name::ContentLength | Name::RequestId))
}

/// Statuses whose `Location` says where something is that the client is to find through us.
const fn relocates(code: u16) -> bool {
    matches!(code, 201 | 202 | 300..=399)
}

/// A field that names a place, and which.
fn location<'a>(name: &'a [u8], value: &'a [u8]) -> Option<(&'a str, &'a str)> {
    let locates = name.eq_ignore_ascii_case(b"location") || name.eq_ignore_ascii_case(b"content-location");
    Some((std::str::from_utf8(name).ok().filter(|_| locates)?, std::str::from_utf8(value).ok()?))
}

/// Where something is as the client reaches it, which the upstream has named as it is reached there. `None`: it is right as it
/// is, or leads elsewhere.
fn relocated(location: &str, member: &str, proxy: &Proxy, request: &Request<'_>) -> Option<String> {
    let asked_for = request.head.authority(request.bytes).unwrap_or_default();
    let (path, absolute) = match location.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let is_member = authority.eq_ignore_ascii_case(member);
            let is_own = authority.as_bytes().eq_ignore_ascii_case(asked_for);
            if is_member {
                (path, false)
            } else if is_own && proxy.config.strip > 0 {
                (path, true)
            } else {
                return None;
            }
        }
        Some(_) => return None,
        None if location.starts_with('/') && !location.starts_with("//") && proxy.config.strip > 0 => (location, false),
        None => return None,
    };
    let mut whole = String::new();
    if absolute {
        whole.push_str(&location[..location.len() - path.len()]);
    }
    whole.push_str(before(request.raw_path, proxy.config.strip));
    if !path.starts_with('/') {
        whole.push('/');
    }
    whole.push_str(path);
    Some(whole)
}

/// The first segments of a path, which the upstream did not see.
fn before(path: &str, segments: usize) -> &str {
    let mut end = 0;
    for _ in 0..segments {
        end = path[end + 1..].find('/').map_or(path.len(), |at| end + 1 + at);
        if end == path.len() {
            break;
        }
    }
    &path[..end]
}

/// `Proxy-Status` (RFC 9209 §2) of a request that failed.
pub(crate) fn proxy_status(cause: Upstream, member: Option<&str>) -> String {
    let mut value = format!("verdict; error={}", error_type(cause));
    if let Some(member) = member {
        // A member's name is a token or an authority: as a string it needs no escapes.
        value.push_str(&format!("; next-hop=\"{member}\""));
    }
    value
}

/// RFC 9209 §2.3: the types of errors.
const fn error_type(cause: Upstream) -> &'static str {
    match cause {
        Upstream::NameUnknown | Upstream::LookUp => "dns_error",
        Upstream::Refused => "connection_refused",
        Upstream::Unreachable => "destination_ip_unroutable",
        Upstream::Reset => "connection_terminated",
        Upstream::CutShort => "http_response_incomplete",
        Upstream::Certificate => "tls_certificate_error",
        Upstream::Tls => "tls_protocol_error",
        Upstream::NotHttp | Upstream::Framing => "http_protocol_error",
        Upstream::HeadTooLarge => "http_response_header_section_size",
        Upstream::ContentTooLarge => "http_response_body_size",
        Upstream::Loop => "proxy_loop_detected",
        Upstream::NoMember => "destination_unavailable",
        Upstream::PoolBusy => "connection_limit_reached",
        Upstream::ConnectSlow | Upstream::TlsSlow => "connection_timeout",
        Upstream::FirstByteSlow | Upstream::TotalSlow => "http_response_timeout",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_the_rest_is_what_was_stripped() {
        for (path, segments, stripped) in [
            ("/a/b/c", 0, ""),
            ("/a/b/c", 1, "/a"),
            ("/a/b/c", 2, "/a/b"),
            ("/a/b/c", 3, "/a/b/c"),
            ("/a/b/c", 9, "/a/b/c"),
            ("/%61/b", 1, "/%61"),
        ] {
            assert_eq!(before(path, segments), stripped, "{path} {segments}");
        }
    }
}
