//! A route's slots: how many of its requests are worked on at once, and how many wait for one of them to end.

use crate::config;
use crate::deadline::Deadline;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use verdict_core::cause::Busy;

/// The slots of a route, which its workers share.
pub(crate) struct Slots {
    /// Who waits for it is served in order, and nobody who comes later is served before.
    free: Arc<Semaphore>,
    waiting: AtomicU32,
    /// How many may wait.
    queue: u32,
    /// For how long.
    wait: Duration,
}

/// One of them; given back when it is dropped, which is when the answer has been sent.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// A place among those who wait.
struct Waiting<'a>(&'a AtomicU32);

impl Slots {
    pub(crate) fn new(config: &config::Concurrency) -> Slots {
        Slots {
            free: Arc::new(Semaphore::new(config.max as usize)),
            waiting: AtomicU32::new(0),
            queue: config.queue,
            wait: config.wait,
        }
    }

    /// A slot that is free. `None`: there is none, or others wait for it.
    pub(crate) fn free(&self) -> Option<Slot> {
        self.free.clone().try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
    }

    /// Whether one is free now, without taking it: for a dry run.
    pub(crate) fn are_free(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// A slot: a free one, or the next one after those who wait already. Whoever stops to ask gives their place up.
    ///
    /// It waits for as long as the route lets it, and a tick of the deadlines more at most.
    pub(crate) async fn take(&self, deadline: &Deadline) -> Result<Slot, Busy> {
        if let Some(slot) = self.free() {
            return Ok(slot);
        }
        let _waiting = self.queue().ok_or(Busy::Queue)?;
        let next = deadline.until(deadline.after(self.wait), self.free.clone().acquire_owned()).await;
        // Nobody ever closes the semaphore.
        next.and_then(Result::ok).map(|permit| Slot { _permit: permit }).ok_or(Busy::Wait)
    }

    /// A place among those who wait. `None`: all are taken.
    fn queue(&self) -> Option<Waiting<'_>> {
        let one_more = |waiting: u32| (waiting < self.queue).then_some(waiting + 1);
        self.waiting.fetch_update(Relaxed, Relaxed, one_more).ok().map(|_| Waiting(&self.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::{Deadlines, TICK};
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Poll, Wake, Waker};

    fn slots(max: u32, queue: u32, wait: Duration) -> Slots {
        Slots::new(&config::Concurrency { max, queue, wait })
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn as_many_are_let_in_as_the_route_says_and_the_next_when_one_ends() {
        let (slots, deadlines) = (slots(2, 0, LONG), Deadlines::new());
        let deadline = deadlines.enroll();
        let take = || match poll(pin!(slots.take(&deadline))) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("nobody waits without a queue"),
        };
        let first = take().unwrap();
        assert!(slots.are_free());
        let _second = take().unwrap();
        assert_eq!((take().unwrap_err(), slots.are_free()), (Busy::Queue, false));
        drop(first);
        assert!(slots.are_free() && take().is_ok());
    }

    #[test]
    fn who_waits_is_served_in_order_and_nobody_before() {
        let (slots, deadlines) = (slots(1, 2, LONG), Deadlines::new());
        let (one, two, three) = (deadlines.enroll(), deadlines.enroll(), deadlines.enroll());
        let slot = slots.free().unwrap();
        let (mut one, mut two) = (pin!(slots.take(&one)), pin!(slots.take(&two)));
        assert!(poll(one.as_mut()).is_pending() && poll(two.as_mut()).is_pending());
        assert!(matches!(poll(pin!(slots.take(&three))), Poll::Ready(Err(Busy::Queue))));
        drop(slot);
        assert!(slots.free().is_none(), "it is for the first who waits");
        assert!(poll(two.as_mut()).is_pending());
        let Poll::Ready(Ok(slot)) = poll(one.as_mut()) else { panic!("the first waits") };
        drop(slot);
        assert!(matches!(poll(two.as_mut()), Poll::Ready(Ok(_))));
        assert_eq!(slots.waiting.load(Relaxed), 0);
    }

    #[test]
    fn who_leaves_gives_up_their_place() {
        let (slots, deadlines) = (slots(1, 1, LONG), Deadlines::new());
        let (one, two) = (deadlines.enroll(), deadlines.enroll());
        let slot = slots.free().unwrap();
        {
            let mut gone = pin!(slots.take(&one));
            assert!(poll(gone.as_mut()).is_pending());
        }
        let mut stays = pin!(slots.take(&two));
        assert!(poll(stays.as_mut()).is_pending(), "there is a place in the queue again");
        drop(slot);
        assert!(matches!(poll(stays.as_mut()), Poll::Ready(Ok(_))), "the slot is not for who is gone");
    }

    #[test]
    fn who_is_served_and_leaves_before_noticing_gives_the_slot_to_the_next() {
        let (slots, deadlines) = (slots(1, 2, LONG), Deadlines::new());
        let (one, two) = (deadlines.enroll(), deadlines.enroll());
        let slot = slots.free().unwrap();
        let mut stays = pin!(slots.take(&two));
        {
            let mut gone = pin!(slots.take(&one));
            assert!(poll(gone.as_mut()).is_pending() && poll(stays.as_mut()).is_pending());
            drop(slot);
        }
        assert!(matches!(poll(stays.as_mut()), Poll::Ready(Ok(_))));
    }

    #[test]
    fn a_wait_ends_when_it_is_over_and_the_queue_has_room_again() {
        let (slots, deadlines) = (slots(1, 1, TICK / 10), Deadlines::new());
        let deadline = deadlines.enroll();
        let _slot = slots.free().unwrap();
        let mut waits = pin!(slots.take(&deadline));
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        while woken.0.load(Relaxed) == 0 {
            std::thread::sleep(TICK / 4);
            deadlines.sweep();
        }
        assert!(matches!(poll(waits.as_mut()), Poll::Ready(Err(Busy::Wait))));
        assert_eq!(slots.waiting.load(Relaxed), 0);
    }

    /// Workers are threads: a slot that is given back on one wakes who waits on another.
    #[test]
    fn no_more_are_let_in_by_many_workers_than_by_one() {
        const MAX: usize = 3;
        let slots = slots(MAX as u32, 1000, LONG);
        let (inside, most, served) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let deadlines = Deadlines::new();
                    let deadline = deadlines.enroll();
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(async {
                        for _ in 0..200 {
                            let slot = slots.take(&deadline).await.unwrap();
                            most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Relaxed);
                            drop(slot);
                            served.fetch_add(1, Relaxed);
                        }
                    });
                });
            }
        });
        assert!(most.load(Relaxed) <= MAX);
        assert_eq!((served.load(Relaxed), slots.waiting.load(Relaxed)), (1600, 0));
        assert_eq!(slots.free.available_permits(), MAX);
    }
}
