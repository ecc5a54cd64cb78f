//! `proxy`: a request is asked of one of several upstreams, and its answer passed on.

mod possible;

pub(crate) use possible::may_do;

use crate::config;
use std::sync::Arc;
use verdict_core::method::{Method, MethodSet};

/// One route's upstreams, of one worker.
pub(crate) struct Proxy {
    pub(crate) config: Arc<config::Proxy>,
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
