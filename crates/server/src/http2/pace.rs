//! How fast a client takes what is sent, told by ticks: some of it in each pause, and in the long run at the minimum rate.
//! Only time in which something waits for the client is its own.

use crate::config::Limits;
use crate::deadline::{NEVER, ticks};
use std::time::Duration;

/// What a client owes.
#[derive(Clone, Copy)]
pub(super) struct Owed {
    /// How long it may take nothing.
    pub(super) pause: Duration,
    /// Bytes a second that it must take besides; 0: any.
    pub(super) least: u64,
}

impl Owed {
    pub(super) fn by(limits: &Limits) -> Owed {
        Owed { pause: limits.send_idle, least: limits.min_rate }
    }
}

/// How one client, or one of its streams, gets on.
#[derive(Default)]
pub(super) struct Pace {
    /// The tick since which something waits for it.
    waits: Option<u32>,
    /// The tick at which something last went on, while something waits.
    moved: u32,
    /// Ticks that it had something to take before that.
    before: u32,
    /// Bytes that it took in all that time.
    taken: u64,
}

impl Pace {
    /// Something waits for the client from here on, unless something did before.
    pub(super) fn wait(&mut self, now: u32) {
        if self.waits.is_none() {
            self.waits = Some(now);
            self.moved = now;
        }
    }

    /// It took so many bytes.
    pub(super) fn take(&mut self, bytes: usize, now: u32) {
        self.taken += bytes as u64;
        self.moved = now;
    }

    /// Nothing waits for it any longer.
    pub(super) fn rest(&mut self, now: u32) {
        if let Some(since) = self.waits.take() {
            self.before = self.before.saturating_add(now.saturating_sub(since));
        }
    }

    /// Whether nothing waits for it.
    pub(super) fn rests(&self) -> bool {
        self.waits.is_none()
    }

    /// What it did so far counts no more, for or against it.
    pub(super) fn forget(&mut self) {
        *self = Pace { waits: self.waits, moved: self.moved, ..Pace::default() };
    }

    /// The tick by which it must take more; none while nothing waits. `siblings` share the rate: it is the connection's.
    pub(super) fn due(&self, owed: Owed, siblings: u64) -> u32 {
        let Some(since) = self.waits else { return NEVER };
        let due = self.moved.saturating_add(ticks(owed.pause));
        match self.taken.saturating_mul(siblings.max(1)).checked_div(owed.least) {
            Some(earned) => {
                let allowed = ticks(owed.pause.saturating_add(Duration::from_secs(earned)));
                due.min(since.saturating_add(allowed.saturating_sub(self.before)))
            }
            None => due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::TICK;

    const SECOND: u32 = 1000 / TICK.as_millis() as u32;
    const OWED: Owed = Owed { pause: Duration::from_secs(30), least: 500 };
    /// One more, as the first is partly over.
    const PAUSE: u32 = 30 * SECOND + 1;

    #[test]
    fn nothing_is_due_while_nothing_waits() {
        let mut pace = Pace::default();
        assert_eq!(pace.due(OWED, 1), NEVER);
        pace.wait(7);
        assert_eq!(pace.due(OWED, 1), 7 + PAUSE);
        pace.rest(9);
        assert_eq!(pace.due(OWED, 1), NEVER);
    }

    #[test]
    fn who_takes_a_byte_each_second_is_late_after_a_pause() {
        for (least, siblings, late) in
            [(500, 1, Some(30)), (500, 100, Some(37)), (2, 1, Some(59)), (1, 1, None), (0, 1, None)]
        {
            let mut pace = Pace::default();
            pace.wait(0);
            let second = (1..1000).find(|second| {
                let now = second * SECOND;
                let is_late = pace.due(Owed { least, ..OWED }, siblings) < now;
                pace.take(1, now);
                is_late
            });
            assert_eq!(second.map(|second| second - 1), late, "{least} {siblings}");
        }
    }

    #[test]
    fn time_in_which_nothing_waits_is_not_counted_and_time_in_which_something_does_adds_up() {
        let mut pace = Pace::default();
        for round in 0..29 {
            let now = round * 1000 * SECOND;
            pace.wait(now);
            assert_eq!(pace.due(OWED, 1), now + PAUSE - round * SECOND, "{round}");
            pace.take(10, now + SECOND);
            pace.rest(now + SECOND);
        }
        pace.wait(100_000 * SECOND);
        assert_eq!(pace.due(OWED, 1), 100_000 * SECOND + SECOND + 1);
        pace.forget();
        assert_eq!(pace.due(OWED, 1), 100_000 * SECOND + PAUSE);
    }
}
