//! Time, as a worker sees it: read once a turn, from the kernel's coarse clock, which costs a few nanoseconds.

use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::time::Duration;
use verdict_core::field::date::HttpDate;

/// A moment, for telling how long something took: nanoseconds of the monotonic clock. How far two of `Instant` are apart takes 40
/// instructions to say, and it is said of each answer.
#[derive(Clone, Copy)]
pub(crate) struct Reading(u64);

impl Reading {
    #[inline]
    pub(crate) fn now() -> Reading {
        let now = clock_gettime(ClockId::Monotonic);
        // It begins with the machine, and is never negative.
        Reading(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
    }

    #[inline]
    pub(crate) fn since(self, earlier: Reading) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The wall clock of one worker, with the field value of `Date` kept for as long as its second lasts.
pub(crate) struct Clock {
    nanoseconds: Cell<i64>,
    second: Cell<i64>,
    date: Cell<[u8; 29]>,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        let clock = Clock { nanoseconds: Cell::new(0), second: Cell::new(i64::MIN), date: Cell::new([b' '; 29]) };
        clock.tick();
        clock
    }

    /// Reads the time.
    #[inline]
    pub(crate) fn tick(&self) {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        self.nanoseconds.set(now.tv_sec * 1_000_000_000 + now.tv_nsec);
        if now.tv_sec != self.second.get() {
            self.second.set(now.tv_sec);
            self.date.set(HttpDate::from_unix(now.tv_sec).to_imf_fixdate());
        }
    }

    /// Nanoseconds since 1970, as of the last tick.
    #[inline]
    pub(crate) fn nanoseconds(&self) -> i64 {
        self.nanoseconds.get()
    }

    /// Milliseconds since 1970, as of the last tick.
    #[inline]
    pub(crate) fn milliseconds(&self) -> u64 {
        (self.nanoseconds.get() / 1_000_000) as u64
    }

    /// The time as a field value has it, as of the last tick.
    pub(crate) fn http_date(&self) -> HttpDate {
        HttpDate::from_unix(self.second.get())
    }

    /// The field value of `Date`.
    #[inline]
    pub(crate) fn date(&self) -> [u8; 29] {
        self.date.get()
    }
}
