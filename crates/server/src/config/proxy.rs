//! `proxy`: upstream applications, one of which is asked for each request.

use super::Timeout;
use super::later::Place;
use super::read::{Entry, Reader};
use crate::route::Pattern;
use crate::upstream::Target;
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;
use verdict_core::status::Status;

/// `proxy`: who is asked, and how.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `to`: the members; at least one, none twice.
    pub(crate) to: Vec<Target>,
    /// `balance`: which of them is asked.
    pub balance: Balance,
    /// `health`: how it is found out whether a member works before anybody needs it.
    pub health: Option<Health>,
    /// `host`: what the upstream is told that was asked for.
    pub host: HostPolicy,
    /// `strip`: how many segments of the path are not passed on.
    pub strip: usize,
    /// `intercept`: statuses of upstreams whose content is replaced by what this server says of such a status.
    pub intercept: Vec<Status>,
    /// `show-upstream`: whether clients are told which member was asked.
    pub show_upstream: bool,
    /// `timeout`, which stands beside `proxy`.
    pub timeout: Timeout,
}

/// `balance`: which member is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Balance {
    /// `least`: of two that are drawn, the one with fewer requests under way; the default.
    #[default]
    Least,
    /// `hash:FIELD`: always the same for the same value of a field, as far as it works; without the field, of the client's
    /// address.
    Hash(String),
}

/// `health`: a request that is made of each member every now and then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// `path`: what is asked for, with GET.
    pub path: String,
    /// `every`: how often; 5 seconds unless set.
    pub every: Duration,
    /// `status`: what a member that works answers; 200 unless set.
    pub status: Status,
}

/// `host`: what the upstream is told that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum HostPolicy {
    /// `client`: what the client said; the default.
    #[default]
    Client,
    /// `member`: the member's own.
    Member,
    /// Any other: this.
    Own(String),
}

/// `proxy`. `pattern` is the route's, if it is one, with its place.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    pattern: Option<(&Pattern, Range<usize>)>,
) -> Option<Proxy> {
    let _ = (pattern, Place::Route);
    let DeValue::Array(_) = entry.value.get_ref() else { return None };
    let texts = reader.strings(entry, "a URL", "http://127.0.0.1:3000");
    let to = texts.iter().filter_map(|(text, _)| Target::parse(text).ok()).collect();
    Some(Proxy {
        to,
        balance: Balance::default(),
        health: None,
        host: HostPolicy::default(),
        strip: 0,
        intercept: Vec::new(),
        show_upstream: false,
        timeout: Timeout::OF_PROXY,
    })
}
