//! Times of answers, and whether the load that measured them had its core to itself.

use crate::stalls::{LATE, Stall, stall};
use std::time::{Duration, Instant};

/// A turn of a load that takes longer than this was not its own doing: something else had the core.
pub(crate) const TURN: Duration = Duration::from_micros(500);

/// Times, in microseconds, the shortest first.
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn of(mut microseconds: Vec<f64>) -> Times {
        microseconds.sort_by(f64::total_cmp);
        Times(microseconds)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time within which this part of the answers came; NaN where there was none.
    pub(crate) fn within(&self, part: f64) -> f64 {
        let rank = (self.0.len() as f64 * part).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

/// The turns of a load that keeps its core busy: in each it asks what is due and looks at what has come, without waiting.
pub(crate) struct Turns {
    begun: Instant,
    last: Duration,
    kept_off: Duration,
    stalls: Vec<Stall>,
}

impl Turns {
    pub(crate) fn begin() -> Turns {
        Turns { begun: Instant::now(), last: Duration::ZERO, kept_off: Duration::ZERO, stalls: Vec::new() }
    }

    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Begins the next turn: when it is, and how long the last one took.
    pub(crate) fn next(&mut self) -> (Duration, Duration) {
        let now = self.now();
        let took = now - self.last;
        if took > TURN {
            self.kept_off += took;
        }
        if took > LATE {
            self.stalls.push(stall(self.last, now));
        }
        self.last = now;
        (now, took)
    }

    /// The turns in which the load was without its core for long.
    pub(crate) fn stalls(&self) -> &[Stall] {
        &self.stalls
    }

    /// The part of the time in which the load did not have its core, and what came then could not be seen.
    pub(crate) fn kept_off(&self) -> f64 {
        self.kept_off.as_secs_f64() / self.last.as_secs_f64()
    }
}

/// Whether something else ran so often on the load's core that the times are its doing. Says so, too.
pub(crate) fn warn(of: &str, kept_off: f64) -> bool {
    let disturbed = kept_off > 0.001;
    if disturbed {
        let part = kept_off * 100.0;
        eprintln!("  {of}: for {part:.1} % of the time something else had the load's core, so these times say little");
    }
    disturbed
}

/// What a title says of times of which some may be the doing of something else.
pub(crate) fn caution(disturbed: bool) -> &'static str {
    if disturbed { " (the load's core was not its own)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_answers_came_within_its_time() {
        let times = Times::of((1..=1000).rev().map(f64::from).collect());
        for (part, within) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
            assert_eq!(times.within(part), within, "{part}");
        }
        assert!(Times::of(Vec::new()).within(0.99).is_nan());
    }

    #[test]
    fn a_turn_that_is_too_long_counts_as_one_without_the_core() {
        let mut turns = Turns::begin();
        std::thread::sleep(TURN * 4);
        assert!(turns.next().1 >= TURN * 4);
        assert_eq!(turns.kept_off(), 1.0);
    }
}
