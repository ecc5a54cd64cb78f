//! Fixed slots in a ring: one worker writes, anybody reads, and neither waits.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

/// The room of a slot, in words of eight bytes, and in bytes.
const WORDS: usize = 63;
pub(super) const BYTES: usize = WORDS * 8;

/// Slots that are allocated together, when the first of them is needed.
const TOGETHER: usize = 256;

/// A sequence lock and what it guards, in eight lines of the cache.
#[repr(align(64))]
struct Slot {
    /// Odd while it is written; twice the number of the answer, counted from one, when it is there. 0: nothing is.
    turn: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What one worker answered last.
pub(crate) struct Ring {
    slots: Box<[OnceLock<Box<[Slot]>>]>,
    /// How many answers there were.
    count: AtomicU64,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot { turn: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }
}

impl Ring {
    /// Room for so many answers, or a few more.
    pub(crate) fn new(answers: usize) -> Ring {
        let groups = answers.div_ceil(TOGETHER).max(1);
        Ring { slots: (0..groups).map(|_| OnceLock::new()).collect(), count: AtomicU64::new(0) }
    }

    /// How many answers are kept at most.
    fn capacity(&self) -> u64 {
        (self.slots.len() * TOGETHER) as u64
    }

    /// Writes the answer of this number, counted from 0. For its worker alone.
    #[inline]
    pub(super) fn write(&self, number: u64, bytes: &[u8; BYTES], length: usize) {
        let place = (number % self.capacity()) as usize;
        let group = self.slots[place / TOGETHER].get_or_init(|| (0..TOGETHER).map(|_| Slot::default()).collect());
        let slot = &group[place % TOGETHER];
        slot.turn.store(2 * number + 1, Relaxed);
        // Whoever sees one of the words below sees that it is being written.
        fence(Release);
        let words = length.div_ceil(8).min(WORDS);
        for (word, bytes) in slot.words[..words].iter().zip(bytes.chunks_exact(8)) {
            word.store(
                u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]),
                Relaxed,
            );
        }
        slot.turn.store(2 * number + 2, Release);
        self.count.store(number + 1, Release);
    }

    /// The numbers of the answers that are kept, the oldest first.
    pub(crate) fn numbers(&self) -> std::ops::Range<u64> {
        let count = self.count.load(Acquire);
        count.saturating_sub(self.capacity())..count
    }

    /// The answer of this number; `None`: it is there no longer, or not yet.
    pub(super) fn read(&self, number: u64) -> Option<[u8; BYTES]> {
        let place = (number % self.capacity()) as usize;
        let slot = &self.slots[place / TOGETHER].get()?[place % TOGETHER];
        let there = 2 * number + 2;
        if slot.turn.load(Acquire) != there {
            return None;
        }
        let mut bytes = [0; BYTES];
        for (word, bytes) in slot.words.iter().zip(bytes.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        // What was read above was read before the look below.
        fence(Acquire);
        (slot.turn.load(Relaxed) == there).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    #[test]
    fn the_oldest_makes_room() {
        let ring = Ring::new(300);
        assert_eq!((ring.capacity(), ring.numbers()), (512, 0..0));
        for number in 0..1000_u64 {
            ring.write(number, &[(number % 251) as u8; BYTES], BYTES);
        }
        assert_eq!(ring.numbers(), 488..1000);
        assert_eq!((ring.read(487), ring.read(1000)), (None, None));
        for number in ring.numbers() {
            assert_eq!(ring.read(number), Some([(number % 251) as u8; BYTES]), "{number}");
        }
    }

    #[test]
    fn what_is_read_is_whole_while_it_is_written_over() {
        let ring = Arc::new(Ring::new(TOGETHER));
        let over = Arc::new(AtomicBool::new(false));
        let reading = thread::spawn({
            let (ring, over) = (ring.clone(), over.clone());
            move || {
                let mut whole = 0;
                while !over.load(Relaxed) || whole == 0 {
                    // Those that are written over next are the likeliest to be torn.
                    for number in ring.numbers().take(8) {
                        if let Some(bytes) = ring.read(number) {
                            assert!(bytes.iter().all(|byte| *byte == (number % 251) as u8), "{number}: {bytes:?}");
                            whole += 1;
                        }
                    }
                }
            }
        });
        for number in 0..200_000_u64 {
            ring.write(number, &[(number % 251) as u8; BYTES], BYTES);
        }
        over.store(true, Relaxed);
        reading.join().unwrap();
    }
}
