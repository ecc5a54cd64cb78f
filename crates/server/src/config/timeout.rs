//! `timeout`: how long who is asked over HTTP may take.

use super::Kind;
use super::place::Place;
use super::read::{Entry, Reader, Zero};
use std::sync::Arc;
use std::time::Duration;

/// `timeout`: how long an upstream, or the target of jobs, may take, step by step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout {
    /// `connect`: looking its name up and connecting, and then TLS once more; 5 seconds unless set.
    pub connect: Duration,
    /// `first-byte`: from then to the first byte of its answer; a minute unless set, and as long as `total` for jobs.
    pub first_byte: Duration,
    /// `idle`: the longest pause within the answer, or within a tunnel; 5 minutes unless set, and as long as `total` for jobs.
    pub idle: Duration,
    /// `total`: all of it; no end unless set ([`Duration::MAX`]), and 10 minutes for jobs.
    pub total: Duration,
}

impl Timeout {
    /// Of a `jobs` route that says nothing else.
    pub const OF_JOBS: Timeout = {
        let total = Duration::from_secs(600);
        Timeout { connect: Duration::from_secs(5), first_byte: total, idle: total, total }
    };

    /// Of a `proxy` route that says nothing else.
    pub const OF_PROXY: Timeout = Timeout {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(60),
        idle: Duration::from_secs(300),
        total: Duration::MAX,
    };
}

const EXAMPLE: &str = "{ connect = \"5s\", total = \"10m\" }";

/// Reads it for the route whose `kind` it stands beside.
pub(super) fn beside(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, kind: Option<&mut Kind>) {
    match kind {
        Some(Kind::Jobs(jobs, _)) => {
            let jobs = Arc::make_mut(jobs);
            jobs.timeout = read(reader, entry, jobs.timeout).unwrap_or(jobs.timeout);
        }
        Some(Kind::Proxy(proxy)) => {
            let proxy = Arc::make_mut(proxy);
            proxy.timeout = read(reader, entry, proxy.timeout).unwrap_or(proxy.timeout);
        }
        None => drop(read(reader, entry, Timeout::OF_PROXY)),
        Some(other) => {
            let message = format!("`timeout` on a `{}` route", other.name());
            let error = reader.findings.error(entry.key_span.clone(), message);
            error.label("nobody is asked").help("it is for `proxy` and `jobs`: remove it");
        }
    }
}

/// What is not set is as in `default`, and nothing takes longer than all of it.
fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, default: Timeout) -> Option<Timeout> {
    let mut table = reader.table(entry, Place::Timeout, EXAMPLE)?;
    let mut time = |key| table.take(key).and_then(|entry| reader.duration(&entry, Zero::Refused));
    let (connect, first_byte, idle, total) = (time("connect"), time("first-byte"), time("idle"), time("total"));
    table.finish(reader);
    let total = total.unwrap_or(default.total);
    // Where a step has no end of its own but the whole, it goes with that.
    let within = |step: Option<Duration>, default_step: Duration| match step {
        Some(step) => step.min(total),
        None if default_step == default.total => total,
        None => default_step.min(total),
    };
    Some(Timeout {
        connect: within(connect, default.connect),
        first_byte: within(first_byte, default.first_byte),
        idle: within(idle, default.idle),
        total,
    })
}
