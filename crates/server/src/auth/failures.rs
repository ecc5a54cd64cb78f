//! How often each client has sent a wrong password of late: guessing has to be slow, and every guess costs us a hash.
//!
//! A client is an IPv4 address or an IPv6 network of 64 bits, which one customer has to themselves (RFC 6177 §2). Each failure is
//! six seconds of debt, which time pays off (GCRA). Debt beyond a minute, and no more passwords of that client are hashed: right
//! ones that are remembered still pass, so that a neighbour behind the same address cannot lock out who is at work. Beyond three
//! minutes those do not pass either, since they too can be guessed at.
//!
//! Whoever has more addresses than there is room for can have failures forgotten, and gains ten guesses for each address by
//! that: what they had anyway.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The debt of one failure, in seconds.
const EACH: i64 = 6;

/// Beyond this debt no password is hashed: ten failures at once.
const TOO_MUCH: i64 = 9 * EACH;

/// Beyond this debt not even what is remembered passes.
const FAR_TOO_MUCH: i64 = 3 * 60 - EACH;

/// Locks, so that workers seldom wait for each other.
const SHARDS: usize = 16;

/// Clients in one shard: 65,536 in all, 2 MiB.
const LARGEST: usize = 4096;

/// Of so many of a full shard the one with the least debt is forgotten.
const SAMPLE: usize = 8;

/// Where a client stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Its passwords are verified.
    Good,
    /// None is hashed; one that is remembered passes.
    Suspect,
    /// None passes.
    Barred,
}

/// The clients that failed.
pub(crate) struct Failures {
    hash: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// The second since 1970 in which each client's debt is paid.
    paid: HashMap<Client, i64>,
    /// When those without debt were last removed.
    swept: i64,
}

/// An IPv4 address, or the first half of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4(u32),
    V6(u64),
}

impl Client {
    fn of(address: IpAddr) -> Client {
        match address.to_canonical() {
            IpAddr::V4(address) => Client::V4(address.into()),
            IpAddr::V6(address) => Client::V6((u128::from(address) >> 64) as u64),
        }
    }
}

impl Failures {
    pub(crate) fn new() -> Failures {
        Failures { hash: RandomState::new(), shards: Default::default() }
    }

    /// Where a client stands at this second since 1970.
    pub(crate) fn standing(&self, address: IpAddr, now: i64) -> Standing {
        let debt = self.debt(address, now);
        if debt > FAR_TOO_MUCH {
            Standing::Barred
        } else if debt > TOO_MUCH {
            Standing::Suspect
        } else {
            Standing::Good
        }
    }

    /// Counts one failure.
    pub(crate) fn note(&self, address: IpAddr, now: i64) {
        let client = Client::of(address);
        let mut shard = self.shard(client);
        if !shard.paid.contains_key(&client) {
            shard.make_room(now);
        }
        let paid = shard.paid.entry(client).or_insert(now);
        // Never more than it takes to be barred: who goes on failing is not kept out for longer than who stopped.
        *paid = (*paid).clamp(now, now + FAR_TOO_MUCH) + EACH;
    }

    /// In how many seconds a password of this client would be verified again; at least one.
    pub(crate) fn retry_after(&self, address: IpAddr, now: i64) -> u64 {
        (self.debt(address, now) - TOO_MUCH).max(1).unsigned_abs()
    }

    /// In seconds.
    fn debt(&self, address: IpAddr, now: i64) -> i64 {
        let client = Client::of(address);
        let paid = self.shard(client).paid.get(&client).copied().unwrap_or(now);
        // A clock that is set back does not make it larger.
        paid.saturating_sub(now).clamp(0, FAR_TOO_MUCH + EACH)
    }

    fn shard(&self, client: Client) -> MutexGuard<'_, Shard> {
        let at = self.hash.hash_one(client) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn make_room(&mut self, now: i64) {
        if self.paid.len() >= LARGEST && self.swept != now {
            self.swept = now;
            self.paid.retain(|_, paid| *paid > now);
        }
        if self.paid.len() >= LARGEST
            && let Some(least) = self.paid.iter().take(SAMPLE).min_by_key(|(_, paid)| **paid).map(|(client, _)| *client)
        {
            self.paid.remove(&least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_failures_in_a_minute_are_too_many_and_time_pays_them_off() {
        let failures = Failures::new();
        let client = address("192.0.2.1");
        for failed in 0..10 {
            assert_eq!(failures.standing(client, NOW), Standing::Good, "after {failed}");
            failures.note(client, NOW);
        }
        assert_eq!((failures.standing(client, NOW), failures.retry_after(client, NOW)), (Standing::Suspect, 6));
        assert_eq!(failures.standing(client, NOW + 5), Standing::Suspect);
        assert_eq!(failures.standing(client, NOW + 6), Standing::Good);
        failures.note(client, NOW + 6);
        assert_eq!(failures.standing(client, NOW + 6), Standing::Suspect);
        assert_eq!(failures.standing(client, NOW + 60), Standing::Good);
        assert_eq!(failures.standing(address("192.0.2.2"), NOW), Standing::Good);
    }

    #[test]
    fn who_goes_on_is_barred_for_a_bounded_time() {
        let failures = Failures::new();
        let client = address("192.0.2.1");
        for _ in 0..10_000 {
            failures.note(client, NOW);
        }
        assert_eq!((failures.standing(client, NOW), failures.retry_after(client, NOW)), (Standing::Barred, 126));
        assert_eq!(failures.standing(client, NOW + 6), Standing::Suspect);
        assert_eq!(failures.standing(client, NOW + 126), Standing::Good);
        assert_eq!(failures.standing(client, NOW - 86400), Standing::Barred, "the clock was set back");
        assert_eq!(failures.retry_after(client, NOW - 86400), 126);
    }

    #[test]
    fn a_network_of_64_bits_and_an_ipv4_address_are_one_client_each() {
        for (one, other, same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let failures = Failures::new();
            (0..10).for_each(|_| failures.note(address(one), NOW));
            assert_eq!(failures.standing(address(other), NOW) == Standing::Suspect, same, "{one} {other}");
        }
    }

    #[test]
    fn their_number_is_bounded_and_the_worst_are_kept() {
        let failures = Failures::new();
        let worst = address("192.0.2.1");
        (0..20).for_each(|_| failures.note(worst, NOW));
        let most = SHARDS * LARGEST;
        for i in 0..3 * most as u64 {
            failures.note(IpAddr::from((u128::from(i) << 64).to_be_bytes()), NOW);
        }
        let count: usize = failures.shards.iter().map(|shard| shard.lock().unwrap().paid.len()).sum();
        assert!(count <= most, "{count}");
        assert_eq!(failures.standing(worst, NOW), Standing::Suspect);
        // Those whose debt is paid make room for others.
        failures.shards.iter().for_each(|shard| shard.lock().unwrap().make_room(NOW + 600));
        let count: usize = failures.shards.iter().map(|shard| shard.lock().unwrap().paid.len()).sum();
        assert!(count < most / 2, "{count}");
    }
}
