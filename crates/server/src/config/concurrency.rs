//! `concurrency`: how many requests of a route at once.

use super::place::Place;
use super::read::{Entry, Reader, Zero};
use std::time::Duration;

/// The most that can be let in or wait.
const MOST: u64 = 1_000_000;

const EXAMPLE: &str = "{ max = 64, queue = 128, wait = \"5s\" }";

/// `concurrency`: how many requests of a route are worked on at once, and how many wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Concurrency {
    /// `max`: requests at once, from 1 to 1,000,000.
    pub max: u32,
    /// `queue`: requests that wait for one of them to end; 0 unless set.
    pub queue: u32,
    /// `wait`: for how long; 5 seconds unless set.
    pub wait: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Concurrency> {
    let mut table = reader.table(entry, Place::Concurrency, EXAMPLE)?;
    let max = match table.take("max") {
        Some(entry) => reader.integer(&entry, 1..MOST, "64"),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`concurrency` needs `max`");
            error.help(format!("write it as in `concurrency = {EXAMPLE}`"));
            None
        }
    };
    let queue_entry = table.take("queue");
    let queue = match &queue_entry {
        Some(entry) => reader.integer(entry, 0..MOST, "128"),
        None => Some(0),
    };
    let wait_entry = table.take("wait");
    let wait = match &wait_entry {
        Some(entry) => reader.duration(entry, Zero::Refused),
        None => Some(Duration::from_secs(5)),
    };
    if let (Some(entry), None) = (&wait_entry, &queue_entry) {
        let error = reader.findings.error(entry.key_span.clone(), "`wait` without a `queue`");
        error.label("nobody waits").help("add `queue = 128`, or remove it");
    }
    table.finish(reader);
    Some(Concurrency { max: max? as u32, queue: queue? as u32, wait: wait? })
}
