//! How often: the generic cell rate algorithm (ITU-T I.371, Annex A), which is a bucket of tokens kept as one number, for each
//! client, user or value of a field that a route counts by.
//!
//! Rule: a decision is one word of memory read, and written if the request is let in; see `table.rs`. Workers share it, and
//! none ever waits for another.
//!
//! Time is counted in parts of a request, [`REQUEST`] to the time in which the rate lets one more in: what is added for a
//! request is a whole number whatever the rate, so that no error adds up.

mod table;

use crate::answer::Fields;
use crate::client_address::network;
use crate::config;
use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use table::{TIME, Table};

/// What all limiters of a server take together when they are flooded with keys, in bytes: a million keys. With more, a decision
/// in a flood waits longer for memory: on a busy machine 145 ns of the processor's time for 8 MiB, 200 for 16, 220 for 32 and
/// 260 for 48. Without a flood it is 25 to 35 for any.
const MEMORY: usize = 8 << 20;

/// Units of time in which one more request is let in. The time of a request is rounded to one of them.
const REQUEST: u64 = 256;

/// The rate of one route.
///
/// # When there are more keys than there is memory for
///
/// The key that has to wait least is forgotten for a new one. Whoever floods the server with keys that are used once makes it
/// forget others that were: it takes as many requests of other keys to have one forgotten that is at its limit as that one has
/// sent, and several times over, since nobody can tell whose place a key takes. Those who are forgotten are let in, not
/// refused. Each route has its own table, so that a flood of one changes nothing for another.
///
/// Two keys are taken for one with a probability of 8 in 16 million when the table is full, which nobody can bring about for a
/// key of another, and less before.
pub(crate) struct Limiter {
    table: Table,
    /// Of keys: with bits from the system, so that nobody can choose keys that meet.
    hash: RandomState,
    /// How far ahead of time a key can be, in units.
    most: u64,
    /// How far ahead it can seem to be: a second more, by which the clocks of two workers may differ.
    most_seen: u64,
    /// Units in a nanosecond, times 2^64.
    units: u64,
    /// Seconds in `count` requests: the rate is `count` a `window`.
    window: u64,
    count: u64,
    /// The value of `RateLimit-Policy`.
    policy: String,
}

/// Whose requests are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key<'a> {
    /// Those of a client: one IPv4 address, or an IPv6 network of 64 bits. A request without the field that is counted by
    /// belongs here.
    Client(IpAddr),
    /// Those of a user, by name.
    User(&'a str),
    /// Those with this value of the field that is counted by.
    Field(&'a [u8]),
}

/// Whether a request is let in, and what is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// How many requests may come at once.
    pub(crate) limit: u64,
    /// How many more may come at once now.
    pub(crate) remaining: u64,
    /// Seconds until that is `limit` again, rounded up.
    pub(crate) reset_seconds: u64,
    /// Seconds until one more is let in, rounded up: 0 if it was, and at least 1 if not.
    pub(crate) retry_after_seconds: u64,
}

impl Limiter {
    /// `among`: how many limiters the server has, which share the memory that there is for them.
    pub(crate) fn new(rate: &config::Rate, among: usize) -> Limiter {
        Limiter::of_size(rate, MEMORY / among.max(1))
    }

    fn of_size(rate: &config::Rate, bytes: usize) -> Limiter {
        let (count, window, burst) = (u64::from(rate.count), rate.window.as_secs().max(1), u64::from(rate.burst));
        let nanoseconds = u128::from(window) * 1_000_000_000;
        // Rounded up, so that whoever waits as long as they are told has waited long enough.
        let units = (u128::from(count * REQUEST) << 64).div_ceil(nanoseconds);
        let refilled_in = (burst * window).div_ceil(count);
        Limiter {
            table: Table::new(bytes),
            hash: RandomState::new(),
            most: burst * REQUEST,
            most_seen: burst * REQUEST + (count * REQUEST).div_ceil(window),
            // Less than 2^64: a rate is at most a million in a second.
            units: u64::try_from(units).unwrap_or(u64::MAX),
            window,
            count,
            // What is announced is what is kept to: `burst` at once, and as many again when they have been made up for.
            policy: format!("\"default\";q={burst};w={refilled_in}"),
        }
    }

    /// Counts a request, and decides on it. Hot.
    ///
    /// `now`: nanoseconds of any clock that all who ask share, within a second of each other. Time that goes back further
    /// forgets who was ahead.
    pub(crate) fn ask(&self, key: Key<'_>, now: u64) -> Decision {
        let (hash, now) = (self.hash(key), self.units(now));
        let ahead = |time| self.ahead(time, now);
        self.table.update(hash, &ahead, |before| {
            let decision = self.decide(before);
            (decision.allowed.then(|| (now + before + REQUEST) & TIME), decision)
        })
    }

    /// What [`Limiter::ask`] would decide, without counting the request.
    pub(crate) fn peek(&self, key: Key<'_>, now: u64) -> Decision {
        let now = self.units(now);
        self.decide(self.table.find(self.hash(key)).map_or(0, |time| self.ahead(time, now)))
    }

    /// Adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After` to a refusal
    /// (RFC 6585 §4).
    pub(crate) fn add_fields<'a>(&'a self, decision: &Decision, fields: &mut Fields<'a>) {
        let Decision { remaining, reset_seconds, .. } = decision;
        fields.push(("RateLimit", Cow::Owned(format!("\"default\";r={remaining};t={reset_seconds}"))));
        fields.push(("RateLimit-Policy", Cow::Borrowed(&self.policy)));
        if !decision.allowed {
            fields.push(("Retry-After", Cow::Owned(decision.retry_after_seconds.to_string())));
        }
    }

    /// Decides on a request of a key that is so far ahead of time.
    fn decide(&self, ahead: u64) -> Decision {
        let allowed = ahead + REQUEST <= self.most;
        let after = if allowed { ahead + REQUEST } else { ahead };
        Decision {
            allowed,
            limit: self.most / REQUEST,
            remaining: (self.most - after) / REQUEST,
            reset_seconds: self.seconds(after),
            retry_after_seconds: if allowed { 0 } else { self.seconds(ahead + REQUEST - self.most).max(1) },
        }
    }

    /// How far ahead of now a time of the table is: nothing if it is past.
    ///
    /// Times are kept without their highest bits, so that a long past one can seem to come: only so soon as a key can seem to
    /// be ahead is believed.
    fn ahead(&self, time: u64, now: u64) -> u64 {
        let ahead = time.wrapping_sub(now) & TIME;
        if ahead <= self.most_seen { ahead.min(self.most) } else { 0 }
    }

    fn units(&self, nanoseconds: u64) -> u64 {
        ((u128::from(nanoseconds) * u128::from(self.units)) >> 64) as u64 & TIME
    }

    /// Rounded up.
    fn seconds(&self, units: u64) -> u64 {
        (units * self.window).div_ceil(self.count * REQUEST)
    }

    fn hash(&self, key: Key<'_>) -> u64 {
        match key {
            Key::Client(address) => match network(address) {
                IpAddr::V4(v4) => self.hash.hash_one((0u8, u32::from(v4))),
                IpAddr::V6(v6) => self.hash.hash_one((1u8, u128::from(v6) >> 64)),
            },
            Key::User(name) => self.hash.hash_one((2u8, name)),
            Key::Field(value) => self.hash.hash_one((3u8, value)),
        }
    }
}

#[cfg(test)]
mod tests;
