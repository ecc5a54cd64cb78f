//! Credentials that were found to be right, for a minute: hashing a password takes tens of milliseconds, and a browser sends it
//! with every request.
//!
//! What is kept is not the credentials but their HMAC-SHA256 under a key that is made anew with each version of the file that
//! they were verified against. So whoever reads this memory has nothing to try passwords on, nobody can choose what collides,
//! and what a file no longer says is forgotten with it.

use super::Identity;
use ring::{hmac, rand::SystemRandom};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// For how many seconds credentials are remembered at most.
pub(crate) const SECONDS: i64 = 60;

/// Locks, so that workers seldom wait for each other.
const SHARDS: usize = 16;

/// Credentials in one shard: 16,384 in all, at about 100 bytes each.
const LARGEST: usize = 1024;

/// Credentials that were right.
pub(crate) struct Remembered {
    key: hmac::Key,
    shards: [Mutex<Shard>; SHARDS],
}

/// What stands for credentials here and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark([u8; 32]);

#[derive(Default)]
struct Shard {
    /// A mark cannot be foreseen, so it needs no hash of its own against floods of chosen keys.
    entries: FxHashMap<Mark, Entry>,
    /// When those that are over were last removed, in seconds since 1970.
    swept: i64,
}

struct Entry {
    identity: Arc<Identity>,
    /// The first second in which it is forgotten.
    until: i64,
}

impl Remembered {
    /// Nothing yet. `None`: the system gives no random numbers.
    pub(crate) fn new() -> Option<Remembered> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Remembered { key, shards: Default::default() })
    }

    /// The mark of some credentials.
    pub(crate) fn mark(&self, credentials: &[u8]) -> Mark {
        let mut mark = [0; 32];
        mark.copy_from_slice(hmac::sign(&self.key, credentials).as_ref());
        Mark(mark)
    }

    /// Whose credentials they are, if they were right in the last minute.
    pub(crate) fn find(&self, mark: &Mark, now: i64) -> Option<Arc<Identity>> {
        let shard = self.shard(mark);
        let entry = shard.entries.get(mark)?;
        entry.is_valid(now).then(|| entry.identity.clone())
    }

    /// Keeps them for a minute, or until `until` where that is sooner. Where there is no room they are verified again.
    pub(crate) fn keep(&self, mark: Mark, identity: Arc<Identity>, until: i64, now: i64) {
        let mut shard = self.shard(&mark);
        if shard.entries.len() >= LARGEST && shard.swept != now {
            shard.swept = now;
            shard.entries.retain(|_, entry| entry.is_valid(now));
        }
        if shard.entries.len() < LARGEST {
            shard.entries.insert(mark, Entry { identity, until: until.min(now.saturating_add(SECONDS)) });
        }
    }

    fn shard(&self, mark: &Mark) -> MutexGuard<'_, Shard> {
        self.shards[usize::from(mark.0[31]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// A clock that is set back does not make it last longer.
    fn is_valid(&self, now: i64) -> bool {
        (now.saturating_add(1)..=now.saturating_add(SECONDS)).contains(&self.until)
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered { .. }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str) -> Arc<Identity> {
        Arc::new(Identity::of_user(name, Vec::new()))
    }

    #[test]
    fn credentials_are_remembered_for_a_minute_at_most() {
        let remembered = Remembered::new().unwrap();
        let mark = remembered.mark(b"ann:secret");
        remembered.keep(mark, identity("ann"), i64::MAX, 1000);
        let other = remembered.mark(b"bob:secret");
        remembered.keep(other, identity("bob"), 1010, 1000);
        let known = |mark, now| remembered.find(mark, now).map(|identity| identity.name.to_string());
        for (now, ann, bob) in [
            (1000, Some("ann"), Some("bob")),
            (1009, Some("ann"), Some("bob")),
            (1010, Some("ann"), None),
            (1059, Some("ann"), None),
            (1060, None, None),
            (999, None, Some("bob")),
            (0, None, None),
        ] {
            assert_eq!((known(&mark, now).as_deref(), known(&other, now).as_deref()), (ann, bob), "{now}");
        }
        assert!(remembered.find(&remembered.mark(b"ann:secrets"), 1000).is_none());
    }

    #[test]
    fn a_mark_means_nothing_elsewhere() {
        let (one, other) = (Remembered::new().unwrap(), Remembered::new().unwrap());
        assert!(one.mark(b"ann:secret") == one.mark(b"ann:secret"));
        assert!(one.mark(b"ann:secret") != other.mark(b"ann:secret"));
    }

    #[test]
    fn their_number_is_bounded_and_there_is_room_again_when_some_are_over() {
        let remembered = Remembered::new().unwrap();
        let ann = identity("ann");
        let count = || remembered.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum::<usize>();
        for i in 0..3 * (SHARDS * LARGEST) as u32 {
            remembered.keep(remembered.mark(&i.to_be_bytes()), ann.clone(), i64::MAX, 1000);
        }
        assert_eq!(count(), SHARDS * LARGEST);
        let late = remembered.mark(b"late");
        remembered.keep(late, ann.clone(), i64::MAX, 1001);
        assert!(remembered.find(&late, 1001).is_none());
        remembered.keep(late, ann, i64::MAX, 1070);
        assert!(remembered.find(&late, 1070).is_some());
    }
}
