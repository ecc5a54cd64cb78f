//! `redirect`: the target is elsewhere, for every method.

use crate::config;
use crate::request::Request;
use crate::route::{Match, Template};
use verdict_core::cause::Elsewhere;

/// How long a permanent redirect is kept by caches where the config does not say: an hour, because a mistake in one that
/// has no end cannot be taken back.
pub(crate) const PERMANENT: u64 = 3600;

pub(crate) struct Redirect {
    to: Template,
    pub(crate) elsewhere: Elsewhere,
    /// `max-age`, in seconds.
    pub(crate) cache: Option<u64>,
}

impl Redirect {
    pub(crate) fn new(config: &config::Redirect) -> Redirect {
        let unless_said = config.elsewhere.is_permanent().then_some(PERMANENT);
        let cache = config.cache.map(|time| time.as_secs()).or(unless_said);
        Redirect { to: config.to.clone(), elsewhere: config.elsewhere, cache }
    }

    /// Whether the request has what its target is made of: a host, where that stays the same.
    pub(crate) fn has_place_for(&self, request: &Request<'_>) -> bool {
        !self.to.keeps_host() || !request.host().is_empty()
    }

    /// Where the request is sent: an absolute URL or a path. What it takes from the request is as it was sent, encoded.
    pub(crate) fn location(&self, request: &Request<'_>, matched: &Match) -> String {
        let mut location = String::new();
        let part = |i| matched.raw_capture(i, &request.path, request.raw_path);
        self.to.expand(request.host(), part, request.query(), &mut location);
        location
    }
}
