//! `proxy`: a request is asked of one of several upstreams, and its answer passed on.
//!
//! The way: `forward.rs` chooses a member and asks it, again where that is safe; `request.rs` writes the head that it gets;
//! `answer.rs` writes the head that the client gets; `relay.rs` has the connection from then on, and what still comes on it;
//! `tunnel.rs`, once it speaks another protocol.

mod answer;
mod forward;
mod possible;
mod relay;
mod request;
mod tunnel;

pub(crate) use answer::{Passed, proxy_status};
pub(crate) use forward::{Forward, Unforwarded};
pub(crate) use possible::may_do;
pub(crate) use relay::{Framed, Journey, Relay, Unsent};

use crate::config;
use crate::request::Request;
use crate::upstream::{Members, Pool};
use std::rc::Rc;
use std::sync::Arc;
use verdict_core::field::list::elements;
use verdict_core::method::{Method, MethodSet};
use verdict_wire::Name;

/// One route's upstreams, of one worker.
pub(crate) struct Proxy {
    pub(crate) config: Arc<config::Proxy>,
    pub(crate) pool: Rc<Pool>,
}

impl Proxy {
    pub(crate) fn new(config: Arc<config::Proxy>, members: &Members) -> Proxy {
        let pool = Rc::new(Pool::new(members));
        Proxy { config, pool }
    }
}

impl Proxy {
    /// Whether the request asks to change to the protocol that is spoken here, if there is one that is and nothing else
    /// (RFC 9110 §7.8).
    pub(crate) fn is_asked_for_its_protocol(&self, request: &Request<'_>) -> bool {
        let Some(protocol) = &self.config.upgrade else { return true };
        let mut offered = elements(request.lines(Name::Upgrade));
        request.head.upgrade && offered.any(|offered| offered.eq_ignore_ascii_case(protocol.as_bytes()))
    }
}

/// Every method that is passed on, and every one that has no name here as well: all but CONNECT, which is for proxies of
/// another kind, and TRACE, which would show what was added on the way.
pub(crate) const ALLOW: MethodSet = MethodSet::of(&[
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Options,
    Method::Patch,
    Method::Other,
]);
