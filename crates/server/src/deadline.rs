//! Deadlines of one worker's connections, swept ten times a second: setting one is a store, so that a request pays
//! nothing for the times that bound it.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How often deadlines are looked at, and how exact they are.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// No deadline.
pub(crate) const NEVER: u32 = u32::MAX;

/// So much time in ticks; one more, since the current one is partly over.
#[inline]
pub(crate) fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / TICK.as_millis() + 1).unwrap_or(NEVER)
}

/// The table of one worker.
pub(crate) struct Deadlines {
    start: Instant,
    /// Ticks since the start.
    now: Cell<u32>,
    /// Nothing is waited for any longer.
    over: Cell<bool>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u32>>,
}

struct Slot {
    due: u32,
    waker: Option<Waker>,
}

/// One connection's place in the table.
pub(crate) struct Deadline {
    table: Rc<Deadlines>,
    slot: u32,
}

impl Deadlines {
    pub(crate) fn new() -> Rc<Deadlines> {
        Rc::new(Deadlines {
            start: Instant::now(),
            now: Cell::new(0),
            over: Cell::new(false),
            slots: RefCell::default(),
            free: RefCell::default(),
        })
    }

    /// A place for one connection.
    pub(crate) fn enroll(self: &Rc<Self>) -> Deadline {
        let mut slots = self.slots.borrow_mut();
        let empty = Slot { due: NEVER, waker: None };
        let slot = match self.free.borrow_mut().pop() {
            Some(slot) => {
                slots[slot as usize] = empty;
                slot
            }
            None => {
                slots.push(empty);
                slots.len() as u32 - 1
            }
        };
        Deadline { table: self.clone(), slot }
    }

    /// Moves time on and wakes whoever is late.
    pub(crate) fn sweep(&self) {
        let now = (self.start.elapsed().as_millis() / TICK.as_millis()) as u32;
        self.now.set(now);
        for slot in self.slots.borrow_mut().iter_mut() {
            if slot.due <= now
                && let Some(waker) = slot.waker.take()
            {
                waker.wake();
            }
        }
    }

    /// Ends every wait, now and from now on.
    pub(crate) fn end(&self) {
        self.over.set(true);
        for slot in self.slots.borrow_mut().iter_mut() {
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }

    /// The tick that it is.
    pub(crate) fn now(&self) -> u32 {
        self.now.get()
    }

    /// The tick by which so much time will have passed.
    #[inline]
    pub(crate) fn after(&self, time: Duration) -> u32 {
        self.now.get().saturating_add(ticks(time)).min(NEVER - 1)
    }
}

impl Deadline {
    /// Whether nothing is waited for any longer.
    pub(crate) fn is_over(&self) -> bool {
        self.table.over.get()
    }

    /// The tick that it is.
    pub(crate) fn now(&self) -> u32 {
        self.table.now()
    }

    /// The tick by which so much time will have passed.
    #[inline]
    pub(crate) fn after(&self, time: Duration) -> u32 {
        self.table.after(time)
    }

    /// The future's output, or `None` if the tick comes first.
    pub(crate) async fn until<F: Future>(&self, due: u32, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if due <= self.table.now.get() || self.table.over.get() {
                return Poll::Ready(None);
            }
            let slot = &mut self.table.slots.borrow_mut()[self.slot as usize];
            slot.due = due;
            if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                slot.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.table.slots.borrow_mut()[self.slot as usize] = Slot { due: NEVER, waker: None };
        self.table.free.borrow_mut().push(self.slot);
    }
}
