//! `timeout`: how long a target that is asked over HTTP may take.

use super::later::Place;
use super::read::{Entry, Reader, Zero};
use std::time::Duration;

/// `timeout`: how long a target may take, step by step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout {
    /// `connect`: looking its name up and connecting, and then TLS once more; 5 seconds unless set.
    pub connect: Duration,
    /// `first-byte`: from then to the first byte of its answer; as long as `total` unless set.
    pub first_byte: Duration,
    /// `total`: all of it; 10 minutes unless set.
    pub total: Duration,
}

impl Default for Timeout {
    fn default() -> Timeout {
        let total = Duration::from_secs(600);
        Timeout { connect: Duration::from_secs(5), first_byte: total, total }
    }
}

const EXAMPLE: &str = "{ connect = \"5s\", total = \"10m\" }";

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Timeout> {
    let default = Timeout::default();
    let mut table = reader.table(entry, Place::Timeout, EXAMPLE)?;
    let mut time = |key| table.take(key).and_then(|entry| reader.duration(&entry, Zero::Refused));
    let (connect, first_byte, total) = (time("connect"), time("first-byte"), time("total"));
    table.finish(reader);
    let total = total.unwrap_or(default.total);
    Some(Timeout {
        connect: connect.unwrap_or(default.connect).min(total),
        first_byte: first_byte.unwrap_or(total).min(total),
        total,
    })
}
