//! Request ids: UUIDs of version 7 (RFC 9562 §5.7), so that they sort by time. They are for finding an answer again, and
//! are no secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A request's id as text: `0190163d-8694-739b-aea5-966c26f8ad91`.
#[derive(Clone, Copy)]
pub(crate) struct Id(pub(crate) [u8; 36]);

impl Id {
    /// Of every UUID as text.
    pub(crate) const LENGTH: usize = 36;

    pub(crate) fn as_str(&self) -> &str {
        // Only hexadecimal digits and hyphens are ever written.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

/// Random bits of one worker, seeded by the system: xorshift64* (Vigna, 2016). Not for secrets.
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) fn new() -> Random {
        // `RandomState` has its keys from the system's generator; zero is the one seed that xorshift cannot leave.
        Random(Cell::new(RandomState::new().build_hasher().finish() | 1))
    }

    #[inline]
    pub(crate) fn next(&self) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Bits that nobody can foresee: hashes under keys from the system's generator. Dear, and for where it matters.
    pub(crate) fn unforeseen() -> u128 {
        let half = || u128::from(RandomState::new().build_hasher().finish());
        half() << 64 | half()
    }

    /// A new id, for a request that arrived so many milliseconds after 1970.
    #[inline]
    pub(crate) fn id(&self, milliseconds: u64) -> Id {
        let (a, b) = (self.next(), self.next());
        let high = milliseconds << 16 | 0x7000 | a & 0xfff;
        let low = 0x8000_0000_0000_0000 | b >> 2;
        let mut digits = [0; 32];
        hexadecimal(high, &mut digits[..16]);
        hexadecimal(low, &mut digits[16..]);
        let mut text = [b'-'; 36];
        text[..8].copy_from_slice(&digits[..8]);
        text[9..13].copy_from_slice(&digits[8..12]);
        text[14..18].copy_from_slice(&digits[12..16]);
        text[19..23].copy_from_slice(&digits[16..20]);
        text[24..].copy_from_slice(&digits[20..]);
        Id(text)
    }
}

/// Two digits for each byte, by a table: no branches.
#[inline]
fn hexadecimal(number: u64, digits: &mut [u8]) {
    const PAIRS: [[u8; 2]; 256] = {
        let mut pairs = [[0; 2]; 256];
        let mut i = 0;
        while i < 256 {
            pairs[i] = [b"0123456789abcdef"[i >> 4], b"0123456789abcdef"[i & 15]];
            i += 1;
        }
        pairs
    };
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&PAIRS[byte as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_the_time_in_front() {
        let id = Random::new().id(0x0190_163d_8694);
        let text = id.as_str();
        assert!(text.starts_with("0190163d-8694-7"), "{text}");
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let random = Random::new();
        let mut ids: Vec<_> = (0..10_000).map(|_| random.id(1).0).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 10_000);
    }
}
