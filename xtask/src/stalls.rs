//! When a core was taken away from all that runs on it: by the machine below a virtual one, which tells nobody.
//!
//! A thread that runs before everything else on the core (`SCHED_FIFO`, sched(7)) is woken again and again. Where it is late by
//! more than [`LATE`], nothing else ran either: what had the core would have had to yield it.

use rustix::thread::gettid;
use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How late a watch is woken when its core was taken away.
pub(crate) const LATE: Duration = Duration::from_millis(1);
/// How often it is woken.
const EVERY: Duration = Duration::from_micros(500);
/// Above every thread of the rest, below the kernel's own.
const PRIORITY: &str = "50";

/// From when to when, since the beginning of the watch: as long again as the core was away, in which what came meanwhile is done.
pub(crate) type Stall = (Duration, Duration);

/// Does some work while the core is watched; the times since `begun` at which the core was not there. Where this process may
/// not run anything before the rest nobody can tell, and there are none.
pub(crate) fn watch<T>(
    core: usize,
    begun: Instant,
    work: impl FnOnce() -> io::Result<T>,
) -> io::Result<(T, Vec<Stall>)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| watched(core, begun, &over));
        let done = work();
        over.store(true, Relaxed);
        let stalls = watching.join().unwrap_or_default();
        Ok((done?, stalls))
    })
}

fn watched(core: usize, begun: Instant, over: &AtomicBool) -> Vec<Stall> {
    let thread = gettid().as_raw_nonzero().to_string();
    let first = Command::new("chrt").args(["--fifo", "--pid", PRIORITY, &thread]).stderr(Stdio::null()).status();
    let pinned = crate::process::pin(&[core]);
    if pinned.is_err() || !first.is_ok_and(|status| status.success()) {
        eprintln!(
            "  core {core} is not watched: chrt(1) of Debian's util-linux, as root, lets a thread run before others"
        );
        return Vec::new();
    }
    let mut stalls = Vec::new();
    let mut last = begun.elapsed();
    while !over.load(Relaxed) {
        thread::sleep(EVERY);
        let now = begun.elapsed();
        if now.saturating_sub(last + EVERY) > LATE {
            stalls.push(stall(last, now));
        }
        last = now;
    }
    stalls
}

/// A core that was away between two looks at it.
pub(crate) fn stall(last: Duration, now: Duration) -> Stall {
    (last, now + (now - last))
}

/// Whether a time falls together with one of these, which are in the order of their beginnings.
pub(crate) fn overlaps(stalls: &[Stall], from: Duration, until: Duration) -> bool {
    let begun = stalls.partition_point(|(begin, _)| *begin <= until);
    // One that ends after a later one has begun is not followed by more than a few.
    stalls[..begun].iter().rev().take(8).any(|(_, end)| *end >= from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_held_against_the_stalls_around_it() {
        let ms = Duration::from_millis;
        let stalls = [(ms(10), ms(20)), (ms(40), ms(50))];
        let cases = [((0, 9), false), ((0, 10), true), ((12, 13), true), ((20, 30), true), ((21, 39), false)];
        let more = [((30, 60), true), ((51, 99), false)];
        for ((from, until), expected) in cases.into_iter().chain(more) {
            assert_eq!(overlaps(&stalls, ms(from), ms(until)), expected, "{from}–{until}");
        }
        assert!(!overlaps(&[], ms(0), ms(99)));
    }

    /// What keeps the core busy is no stall: the watch goes before it.
    #[test]
    fn a_thread_that_keeps_the_core_busy_does_not_make_a_watch_late() {
        let core = crate::process::cores().expect("the cores")[0];
        let begun = Instant::now();
        let busy = || {
            crate::process::on_cores(&[core], || {
                while begun.elapsed() < Duration::from_millis(300) {}
                Ok(())
            })
        };
        let ((), stalls) = watch(core, begun, busy).expect("it is watched");
        let taken: Duration = stalls.iter().map(|(from, until)| *until - *from).sum();
        assert!(taken < Duration::from_millis(200), "{stalls:?}");
    }
}
