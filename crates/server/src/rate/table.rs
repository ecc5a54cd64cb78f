//! Times by key: a word for each, eight to a bucket, which is one line of the processor's cache.
//!
//! A word has a part of the key's hash and the key's time, and is replaced as a whole, so nothing is ever locked. What a table
//! takes is fixed when it is made, and comes from the system only as it is used.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The bits of a word that are its key's time; above them is its tag.
pub(super) const TIME: u64 = (1 << TIME_BITS) - 1;
const TIME_BITS: u32 = 40;

/// Words of a bucket.
const WORDS: usize = 8;

/// Bytes of a bucket, and of a line of the cache.
const BUCKET: usize = WORDS * size_of::<AtomicU64>();

pub(super) struct Table {
    /// 0 is a word that nobody has: no tag is 0.
    words: Box<[AtomicU64]>,
    /// The first word that is at the beginning of a line.
    start: usize,
    buckets: u64,
}

impl Table {
    /// A table of so many bytes.
    pub(super) fn new(bytes: usize) -> Table {
        let buckets = (bytes / BUCKET).max(2) - 1;
        // Zeroed pages that the system gives when they are first written to.
        let words: Box<[AtomicU64]> = bytemuck::zeroed_slice_box((buckets + 1) * WORDS);
        // The allocator aligns to two words. One bucket more than there are has room for the difference.
        let start = words.as_ptr().align_offset(BUCKET).min(WORDS);
        Table { words, start, buckets: buckets as u64 }
    }

    /// The time of a key. `None`: it has none.
    pub(super) fn find(&self, hash: u64) -> Option<u64> {
        let words = self.bucket(hash).iter().map(|word| word.load(Relaxed));
        words.into_iter().find(|word| word >> TIME_BITS == tag(hash)).map(|word| word & TIME)
    }

    /// Gives a key the time that `decide` makes of how far ahead the key is; `None` leaves it as it is. What else it makes is
    /// returned. `ahead` says how far ahead a time is; if there is no room, the key that is least so is forgotten.
    ///
    /// Two workers that give a key its first time at the same moment while a third changes its bucket may do so in two places:
    /// one request is not counted.
    pub(super) fn update<T>(
        &self,
        hash: u64,
        ahead: &impl Fn(u64) -> u64,
        decide: impl Fn(u64) -> (Option<u64>, T),
    ) -> T {
        let (bucket, tag) = (self.bucket(hash), tag(hash));
        // It is begun anew only if somebody else has replaced the word, so somebody always gets on.
        loop {
            let words: [u64; WORDS] = std::array::from_fn(|i| bucket[i].load(Relaxed));
            let own = words.iter().position(|word| word >> TIME_BITS == tag);
            let ahead_of = |word: u64| if word == 0 { 0 } else { ahead(word & TIME) };
            let place = own.unwrap_or_else(|| least(words.map(ahead_of)));
            let held = words[place];
            let before = own.map_or(0, |_| ahead_of(held));
            let (time, result) = decide(before);
            let Some(time) = time else { return result };
            if bucket[place].compare_exchange(held, tag << TIME_BITS | time, Relaxed, Relaxed).is_ok() {
                return result;
            }
        }
    }

    /// In bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.words)
    }

    fn bucket(&self, hash: u64) -> &[AtomicU64] {
        // Of the hash's highest bits; its tag is of the lowest.
        let bucket = ((u128::from(hash) * u128::from(self.buckets)) >> 64) as usize;
        let first = self.start + bucket * WORDS;
        &self.words[first..first + WORDS]
    }
}

/// The place of the least, the first of several. In a flood nobody foresees which it is, so it is found without branches.
fn least(times: [u64; WORDS]) -> usize {
    // Each with its place in bits that a time does not have.
    let least = times.iter().enumerate().map(|(place, time)| time * WORDS as u64 + place as u64).min();
    (least.unwrap_or(0) % WORDS as u64) as usize
}

/// What tells the keys of a bucket apart; never 0.
fn tag(hash: u64) -> u64 {
    (hash & (u64::MAX >> TIME_BITS)).max(1)
}
