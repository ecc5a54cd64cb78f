//! Copies of current documents, of one worker: what is asked for again and again is neither looked up nor copied.
//!
//! Rule: a copy is used only while its group of documents has not changed since before it was read, see `changes.rs`.

use super::changes::Seen;
use super::documents::Current;
use rustc_hash::FxBuildHasher;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::mem;

/// A larger document is read each time: it costs little beside sending it.
const LARGEST: usize = 64 << 10;

/// About what a copy costs beside its content and its id.
const OVERHEAD: usize = 160;

/// The hash that stands for a document in [`Cache`] and in `changes.rs`.
#[inline]
pub(super) fn hash(collection: i64, id: &str) -> u64 {
    FxBuildHasher.hash_one((collection, id))
}

/// Two generations: what is not asked for while the young one fills up goes with the old one.
pub(super) struct Cache {
    young: RefCell<Copies>,
    old: RefCell<Copies>,
    bytes: Cell<usize>,
    /// Of one generation.
    limit: usize,
}

/// By hash. Two documents of one hash displace each other, so nobody gains from finding such.
type Copies = HashMap<u64, Copy, BuildHasherDefault<AsItIs>>;

struct Copy {
    collection: i64,
    id: Box<str>,
    seen: Seen,
    document: Current,
}

impl Cache {
    /// A cache of at most so many bytes.
    pub(super) fn new(bytes: usize) -> Cache {
        Cache { young: RefCell::default(), old: RefCell::default(), bytes: Cell::new(0), limit: bytes / 2 }
    }

    /// The copy of a document, if there is one that is as new as `seen`. Hot: it allocates nothing.
    #[inline]
    pub(super) fn get(&self, hash: u64, collection: i64, id: &str, seen: Seen) -> Option<Current> {
        let fits = |copy: &Copy| copy.seen == seen && copy.collection == collection && *copy.id == *id;
        if let Some(copy) = self.young.borrow().get(&hash) {
            return fits(copy).then(|| copy.document.clone());
        }
        let copy = self.old.borrow_mut().remove(&hash)?;
        if !fits(&copy) {
            return None;
        }
        let document = copy.document.clone();
        self.keep(hash, copy);
        Some(document)
    }

    /// Keeps a copy of what was read after `seen`.
    pub(super) fn put(&self, hash: u64, collection: i64, id: &str, seen: Seen, document: &Current) {
        if document.content.len() <= LARGEST.min(self.limit / 8) {
            self.keep(hash, Copy { collection, id: id.into(), seen, document: document.clone() });
        }
    }

    fn keep(&self, hash: u64, copy: Copy) {
        let size = |copy: &Copy| copy.document.content.len() + copy.id.len() + OVERHEAD;
        let more = size(&copy);
        if self.bytes.get() + more > self.limit {
            let mut young = self.young.borrow_mut();
            self.old.replace(mem::take(&mut young));
            self.bytes.set(0);
        }
        let less = self.young.borrow_mut().insert(hash, copy).map_or(0, |copy| size(&copy));
        self.bytes.set(self.bytes.get() + more - less);
    }
}

/// The key is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::changes::Changes;
    use super::*;
    use bytes::Bytes;

    fn document(bytes: usize) -> Current {
        Current { revision: 1, modified: 1, content: Bytes::from(vec![b'x'; bytes]) }
    }

    #[test]
    fn a_copy_is_found_by_its_name_and_its_time_only() {
        let (changes, cache) = (Changes::new(), Cache::new(1 << 20));
        let hash = hash(1, "a");
        let seen = changes.seen(hash).unwrap();
        cache.put(hash, 1, "a", seen, &document(10));
        assert_eq!(cache.get(hash, 1, "a", seen), Some(document(10)));
        assert_eq!(cache.get(hash, 1, "b", seen), None, "another document of the same hash");
        assert_eq!(cache.get(hash, 2, "a", seen), None, "another collection");
        changes.begin(&[hash]);
        changes.end(&[hash]);
        assert_eq!(cache.get(hash, 1, "a", changes.seen(hash).unwrap()), None, "it was changed");
    }

    #[test]
    fn it_stays_within_its_bytes_and_keeps_what_is_asked_for() {
        let (changes, cache) = (Changes::new(), Cache::new(100_000));
        let name = |n: usize| n.to_string();
        let read = |n: usize| {
            let hash = hash(1, &name(n));
            let seen = changes.seen(hash).unwrap();
            let found = cache.get(hash, 1, &name(n), seen).is_some();
            if !found {
                cache.put(hash, 1, &name(n), seen, &document(1000));
            }
            found
        };
        read(0);
        for n in 1..1000 {
            read(n);
            assert!(read(0), "asked for all the time, and gone after {n}");
        }
        let copies = cache.young.borrow().len() + cache.old.borrow().len();
        assert!((20..=100).contains(&copies), "{copies} copies of 1,000 bytes");
        assert!(!read(1), "it was not asked for again");
    }
}
