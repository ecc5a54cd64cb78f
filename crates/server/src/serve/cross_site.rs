//! Whether a request that changes something is the doing of a page of another site, in the name of the user whose browser it is.
//!
//! Rule: what a browser says of where a request comes from is believed, since pages cannot forge it, and what says nothing is
//! not from a browser. `Sec-Fetch-Site` is `same-origin`, or `none` where the user asked by hand; without it, an `Origin` is
//! that of the authority which is asked for. Any other origin is let in by the route's `cors` alone. It is asked of every
//! method that changes something, not of forms alone: which requests a browser sends without asking first has changed before.
//!
//! The scheme is not compared where only `Origin` tells: a proxy in front of the server may be who speaks TLS. Another host of
//! the same site is another origin: a page that somebody else wrote may be there.

use super::Exchange;
use crate::handler::Handler;
use verdict_core::cause::Denied;
use verdict_core::decide::Authorize;
use verdict_core::field::media_type::MediaType;
use verdict_core::method::Method;
use verdict_wire::Name;

/// The media types that a page may send without that its browser asks first (Fetch, "CORS-safelisted request-header").
const UNASKED: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Whether a request to such a route may be refused for the site that it comes from.
pub(super) fn may_be_forged(handler: &Handler, method: Method) -> bool {
    matches!(handler, Handler::Document(_) | Handler::Collection(_) | Handler::Jobs(..))
        && matches!(method, Method::Put | Method::Post | Method::Patch | Method::Delete)
}

impl Exchange<'_, '_> {
    /// Of a route without gates. Hot.
    #[inline]
    pub(super) fn authorization_of_anybody(&mut self) -> Authorize {
        if !self.is_forged() {
            return Authorize::default();
        }
        let denied = Some(Denied::CrossSite);
        self.passed.get_or_insert_default().denied = denied;
        Authorize { denied, ..Authorize::default() }
    }

    /// Whether that is what it was refused for.
    pub(super) fn is_denied_for_its_site(&self) -> bool {
        self.passed.as_ref().is_some_and(|passed| passed.denied == Some(Denied::CrossSite))
    }

    #[inline]
    pub(super) fn is_forged(&self) -> bool {
        let method = self.request.head.method;
        // Most requests change nothing.
        if method.reads() {
            return false;
        }
        let handler = self.route.map(|i| &self.site.routes[i].handler);
        handler.is_some_and(|handler| may_be_forged(handler, method)) && !self.is_from_here() && !self.is_let_in()
    }

    fn is_from_here(&self) -> bool {
        let request = self.request;
        if request.head.has(Name::SecFetchSite) {
            return matches!(request.value(Name::SecFetchSite), Some(b"same-origin" | b"none"));
        }
        if !request.head.has(Name::Origin) {
            return true;
        }
        let own = request.head.authority(request.bytes).unwrap_or_default();
        request.value(Name::Origin).is_some_and(|origin| is_of(origin, own))
    }

    fn is_let_in(&self) -> bool {
        let request = self.request;
        let cors = self.gates().and_then(|gates| gates.cors.as_ref());
        cors.zip(request.value(Name::Origin))
            .is_some_and(|(cors, origin)| cors.lets_change(origin, self.is_asked_about()))
    }

    /// Whether a browser asks before it sends this for a page of another origin (Fetch, "CORS-preflight fetch").
    fn is_asked_about(&self) -> bool {
        let request = self.request;
        let content_type = request.value(Name::ContentType).and_then(MediaType::parse);
        request.head.method != Method::Post
            || content_type.is_some_and(|found| !UNASKED.iter().any(|unasked| found.matches(unasked)))
    }
}

/// Whether a serialised origin (RFC 6454 §6.2) is one of this authority.
fn is_of(origin: &[u8], authority: &[u8]) -> bool {
    let host = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    host.is_some_and(|host| !host.is_empty() && host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        for (origin, authority, same) in [
            ("http://a.example", "a.example", true),
            ("https://a.example", "A.example", true),
            ("https://a.example:8443", "a.example:8443", true),
            ("https://a.example:8443", "a.example", false),
            ("https://a.example.evil", "a.example", false),
            ("https://evil-a.example", "a.example", false),
            ("ftp://a.example", "a.example", false),
            ("a.example", "a.example", false),
            ("null", "null", false),
            ("http://", "", false),
        ] {
            assert_eq!(is_of(origin.as_bytes(), authority.as_bytes()), same, "{origin} {authority}");
        }
    }
}
