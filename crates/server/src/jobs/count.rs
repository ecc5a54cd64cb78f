//! How attempts at jobs have ended, by queue.

use crate::store::Attempted;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Came {
    /// The target has answered, whatever it said.
    Done,
    /// It failed, and is tried again.
    Again,
    /// It failed, and is not.
    Failed,
    /// Nobody wanted it any more.
    Cancelled,
}

impl Came {
    pub(crate) const ALL: [Came; 4] = [Came::Done, Came::Again, Came::Failed, Came::Cancelled];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Came::Done => "done",
            Came::Again => "again",
            Came::Failed => "failed",
            Came::Cancelled => "cancelled",
        }
    }

    pub(super) const fn of(attempted: &Attempted) -> Came {
        match attempted {
            Attempted::Done { .. } => Came::Done,
            Attempted::Again { .. } | Attempted::Running { .. } => Came::Again,
            Attempted::Failed { .. } => Came::Failed,
        }
    }
}

/// The counts of all queues; what is counted is far between.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<String, [u64; Came::ALL.len()]>>);

impl Counts {
    pub(super) fn note(&self, queue: &str, came: Came) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(queue) {
            Some(count) => count[came as usize] += 1,
            None => counts.entry(queue.to_owned()).or_default()[came as usize] += 1,
        }
    }

    /// So many of a queue ended so.
    pub(crate) fn of(&self, queue: &str, came: Came) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(queue).map_or(0, |count| count[came as usize])
    }
}
