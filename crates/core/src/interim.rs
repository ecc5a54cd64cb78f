//! Interim answers: 100, 101 and 103, each with a reason of its own, given before the final one.

use crate::reason::Reason;
use crate::status::{Class, Status};

/// An answer before the answer (RFC 9110 §15.2). Never to HTTP/1.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interim(Reason);

impl Interim {
    /// That of a reason; `None`: it is the reason of a final answer.
    pub fn of(reason: Reason) -> Option<Interim> {
        (reason.status().class() == Class::Informational).then_some(Interim(reason))
    }

    /// Why.
    pub const fn reason(self) -> Reason {
        self.0
    }

    /// 100, 101 or 103.
    pub const fn status(self) -> Status {
        self.0.status()
    }
}

/// 100, when a handler begins to read content that the client waits to send (RFC 9110 §10.1.1): it asked for it, speaks
/// a version that knows interim answers, and has not begun to send anyway.
pub fn invite(knows_interim: bool, expects_continue: bool, content_began: bool) -> Option<Interim> {
    (knows_interim && expects_continue && !content_began).then_some(Interim(Reason::ContentInvited))
}

/// 103, when a route has hints for a request that is going to be answered with a representation (RFC 8297 §2).
///
/// Old clients take a 103 for the final answer, so over HTTP/1.1 only navigations of browsers get one unless the route
/// says `hints-to = "all"`.
pub fn hint(knows_interim: bool, navigates: bool, to_all: bool) -> Option<Interim> {
    (knows_interim && (navigates || to_all)).then_some(Interim(Reason::Hinted))
}

/// 101, when an upstream accepted the change of protocol that the client asked for (RFC 9110 §7.8).
pub fn tunnel(knows_interim: bool, asked: bool) -> Option<Interim> {
    (knows_interim && asked).then_some(Interim(Reason::TunnelAccepted))
}

/// 101, when a listener takes the change to HTTP/2 that a request without content asks for.
pub fn http2(knows_interim: bool, asked: bool, content: bool) -> Option<Interim> {
    (knows_interim && asked && !content).then_some(Interim(Reason::Http2Accepted))
}

/// 103, when an upstream sent one and the route lets it through.
pub fn pass_hint(knows_interim: bool, navigates: bool, to_all: bool) -> Option<Interim> {
    (knows_interim && (navigates || to_all)).then_some(Interim(Reason::UpstreamHinted))
}
