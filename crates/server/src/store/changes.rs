//! Whether a document may have changed since it was copied, without asking the database: a counter for each of many groups
//! of documents, shared by all threads of the process.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// Two documents that are in one group only make each other's copies be read again.
const GROUPS: usize = 4096;

/// The counters; an odd one is of a group that is being changed.
pub(super) struct Changes(Box<[AtomicU64]>);

/// The state of a group when a copy was made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(u64);

impl Changes {
    pub(super) fn new() -> Changes {
        Changes((0..GROUPS).map(|_| AtomicU64::new(0)).collect())
    }

    /// What a copy that is made from now on is as new as; nothing while the group is being changed.
    #[inline]
    pub(super) fn seen(&self, hash: u64) -> Option<Seen> {
        let count = self.of(hash).load(Acquire);
        count.is_multiple_of(2).then_some(Seen(count))
    }

    /// Before a change of these can be seen. Only the writer's thread calls it, and [`Changes::end`] after it.
    pub(super) fn begin(&self, hashes: &[u64]) {
        for hash in hashes {
            let group = self.of(*hash);
            // Several of one group: the first has made it odd. Others add two at a time.
            if group.load(Relaxed).is_multiple_of(2) {
                group.fetch_add(1, SeqCst);
            }
        }
    }

    /// After it can be seen, or has failed.
    pub(super) fn end(&self, hashes: &[u64]) {
        for hash in hashes {
            let group = self.of(*hash);
            if !group.load(Relaxed).is_multiple_of(2) {
                group.fetch_add(1, SeqCst);
            }
        }
    }

    /// No copy that has been made is used again.
    pub(super) fn all(&self) {
        for group in &self.0 {
            group.fetch_add(2, SeqCst);
        }
    }

    #[inline]
    fn of(&self, hash: u64) -> &AtomicU64 {
        &self.0[(hash >> 32) as usize % GROUPS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_as_new_as_it_was_until_its_group_changes() {
        let changes = Changes::new();
        let (one, other) = (1 << 32, 2 << 32);
        let before = changes.seen(one).unwrap();
        let beside = changes.seen(other).unwrap();
        changes.begin(&[one, one]);
        assert!(changes.seen(one).is_none(), "not known while it changes");
        changes.end(&[one, one]);
        assert!(changes.seen(one).unwrap() != before);
        assert!(changes.seen(other).unwrap() == beside);
        changes.all();
        assert!(changes.seen(other).unwrap() != beside);
    }
}
