//! What a worker waits for in the kernel: one epoll(7), and who is told when something comes.
//!
//! Idle connections are told of by their place in `idle.rs` and cost nothing more; whatever a task waits on is a [`Source`].

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Events that are taken at a time.
const TURN: usize = 128;

/// Calls on one source that may succeed in a row before others have a turn.
const IN_A_ROW: u32 = 32;

/// How long tasks with much to do may keep a worker from everybody else.
const SHARE: Duration = Duration::from_millis(5);

/// The datum of an event is a number, with this bit for a [`Source`] and without it for an idle connection.
const SOURCE: u64 = 1 << 32;

/// The datum of the event that another thread makes to end the wait.
const WOKEN: u64 = u64::MAX;

/// Everything that may come on a connection, each time that it comes: what is there already is told as well.
const EACH: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::ET);

/// The same, for a connection on which nothing is to be written.
const EACH_READ: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ET);

/// The client has ended its side, or the connection is broken.
const OVER: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);

/// What one worker waits for.
pub(crate) struct Reactor {
    epoll: OwnedFd,
    sources: RefCell<Vec<State>>,
    free: RefCell<Vec<u32>>,
    wakeful: Arc<Wakeful>,
    /// When the tasks of this turn began.
    began: Cell<Instant>,
    /// Tasks that go on in the next turn.
    deferred: RefCell<Vec<Waker>>,
}

/// What is known of a source, and who waits for it.
#[derive(Default)]
struct State {
    readable: bool,
    writable: bool,
    /// The other side has ended, or is gone.
    over: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Who waits for its end.
    mourner: Option<Waker>,
    /// Something has come since somebody asked.
    stirred: bool,
}

/// Which of the two a call needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Read,
    Write,
}

/// Something came.
pub(crate) enum Event {
    /// On an idle connection. `over`: and nothing more will.
    Idle { at: u32, over: bool },
    /// On a source; who waited for it has been woken.
    Source,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Rc<Reactor>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let woken = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &woken, EventData::new_u64(WOKEN), EventFlags::IN | EventFlags::ET)?;
        let wakeful = Arc::new(Wakeful { woken: AtomicBool::new(true), home: thread::current().id(), eventfd: woken });
        let began = Cell::new(Instant::now());
        Ok(Rc::new(Reactor {
            epoll,
            sources: RefCell::default(),
            free: RefCell::default(),
            wakeful,
            began,
            deferred: RefCell::default(),
        }))
    }

    /// Wakes the worker, from any thread.
    pub(crate) fn waker(&self) -> Waker {
        self.wakeful.clone().into()
    }

    /// Whether the worker has been woken since this was last asked. Tasks that were have their turn now.
    pub(crate) fn was_woken(&self) -> bool {
        let woken = self.wakeful.woken.swap(false, Ordering::AcqRel);
        if woken {
            self.began.set(Instant::now());
        }
        woken
    }

    /// Lets others have a turn if the tasks of this one have taken long enough: to be asked between two pieces of work that
    /// may be large. What a client makes of a call that sends is not known before: with a tiny window it takes milliseconds.
    pub(crate) async fn share(&self) {
        while self.began.get().elapsed() > SHARE {
            self.next_turn().await;
        }
    }

    /// Goes on when everybody else, idle connections too, has had a turn.
    pub(crate) async fn next_turn(&self) {
        let mut deferred = false;
        poll_fn(|context| {
            if std::mem::replace(&mut deferred, true) {
                return Poll::Ready(());
            }
            self.defer(context.waker());
            Poll::Pending
        })
        .await;
    }

    fn defer(&self, waker: &Waker) {
        self.deferred.borrow_mut().push(waker.clone());
    }

    /// Watches an idle connection, which has this place.
    pub(crate) fn watch(&self, connection: impl AsFd, at: u32) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, connection, EventData::new_u64(at.into()), EACH_READ)?)
    }

    /// Waits until something comes or the worker is woken, and tells what has come.
    pub(crate) fn wait(&self, events: &mut Vec<epoll::Event>) -> io::Result<()> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        events.clear();
        events.reserve(TURN);
        let busy = self.wakeful.woken.load(Ordering::Acquire) || !self.deferred.borrow().is_empty();
        match epoll::wait(&self.epoll, spare_capacity(events), busy.then_some(&AT_ONCE)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.deferred.borrow_mut().drain(..).for_each(Waker::wake);
        Ok(())
    }

    /// Says what an event is, and wakes who waits for it.
    #[inline]
    pub(crate) fn tell(&self, event: epoll::Event) -> Event {
        let epoll::Event { flags, data } = event;
        let datum = data.u64();
        if datum < SOURCE {
            return Event::Idle { at: datum as u32, over: flags.intersects(OVER) };
        }
        if datum == WOKEN {
            // What it counts is of no interest.
            let _ = rustix::io::read(&self.wakeful.eventfd, &mut [0; 8]);
            return Event::Source;
        }
        let wakers: [Option<Waker>; 3] = match self.sources.borrow_mut().get_mut(datum as u32 as usize) {
            Some(state) => {
                state.over |= flags.intersects(OVER);
                state.stirred |= flags.intersects(EventFlags::IN | OVER);
                state.readable |= flags.intersects(EventFlags::IN | OVER);
                state.writable |= flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR);
                let reader = state.reader.take_if(|_| state.readable);
                let writer = state.writer.take_if(|_| state.writable);
                [reader, writer, state.mourner.take_if(|_| state.over)]
            }
            None => Default::default(),
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
        Event::Source
    }

    /// A place for a source, of which it is not known yet whether it would block.
    fn enroll(&self) -> u32 {
        let unknown = State { readable: true, writable: true, ..State::default() };
        let mut sources = self.sources.borrow_mut();
        match self.free.borrow_mut().pop() {
            Some(at) => {
                sources[at as usize] = unknown;
                at
            }
            None => {
                sources.push(unknown);
                sources.len() as u32 - 1
            }
        }
    }

    fn strike_off(&self, at: u32) {
        self.sources.borrow_mut()[at as usize] = State::default();
        self.free.borrow_mut().push(at);
    }
}

/// Something that a task reads or writes without blocking.
pub(crate) struct Source<T: AsFd> {
    /// `None` only while it is taken apart.
    inner: Option<T>,
    at: u32,
    reactor: Rc<Reactor>,
    /// How many more calls may succeed in a row.
    left: Cell<u32>,
}

impl<T: AsFd> Source<T> {
    /// Of a descriptor that does not block and is not watched yet.
    pub(crate) fn new(inner: T, reactor: &Rc<Reactor>) -> io::Result<Source<T>> {
        Source::register(inner, reactor, |epoll, inner, data| epoll::add(epoll, inner, data, EACH))
    }

    /// Of an idle connection, whose place is no longer told of.
    pub(crate) fn of_watched(inner: T, reactor: &Rc<Reactor>) -> io::Result<Source<T>> {
        Source::register(inner, reactor, |epoll, inner, data| epoll::modify(epoll, inner, data, EACH))
    }

    fn register(
        inner: T,
        reactor: &Rc<Reactor>,
        call: impl FnOnce(&OwnedFd, BorrowedFd<'_>, EventData) -> rustix::io::Result<()>,
    ) -> io::Result<Source<T>> {
        let at = reactor.enroll();
        // From here on its place is given back whatever happens.
        let source = Source { inner: Some(inner), at, reactor: reactor.clone(), left: Cell::new(IN_A_ROW) };
        call(&reactor.epoll, source.get().as_fd(), EventData::new_u64(SOURCE | u64::from(at)))?;
        Ok(source)
    }

    pub(crate) fn get(&self) -> &T {
        match &self.inner {
            Some(inner) => inner,
            None => unreachable!("it is taken apart only by what consumes it"),
        }
    }

    /// What watches it.
    pub(crate) fn reactor(&self) -> &Rc<Reactor> {
        &self.reactor
    }

    /// Makes it an idle connection, which has this place.
    pub(crate) fn rest(mut self, at: u32) -> io::Result<T> {
        epoll::modify(&self.reactor.epoll, self.get(), EventData::new_u64(at.into()), EACH_READ)?;
        match self.inner.take() {
            Some(inner) => Ok(inner),
            None => unreachable!("it is taken apart once"),
        }
    }

    /// The last call took less than it was given, so the next would block: it is not made before the kernel says that there is
    /// room again (epoll(7), on streams).
    pub(crate) fn is_full(&self) {
        self.reactor.sources.borrow_mut()[self.at as usize].writable = false;
    }

    /// Whether anything to read has come since this was asked last, or the other side has ended, as far as the kernel has told.
    pub(crate) fn has_stirred(&self) -> bool {
        let state = &mut self.reactor.sources.borrow_mut()[self.at as usize];
        std::mem::take(&mut state.stirred) || state.over
    }

    /// Whether something may wait to be read, as far as the kernel has told.
    pub(crate) fn is_readable(&self) -> bool {
        self.reactor.sources.borrow()[self.at as usize].readable
    }

    /// Whether the other side has ended, or is gone, as far as the kernel has told.
    pub(crate) fn is_over(&self) -> bool {
        self.reactor.sources.borrow()[self.at as usize].over
    }

    /// The last call that read got less than there was room for, so that the next would block: it is not made before the kernel
    /// says that more has come (epoll(7), on streams).
    pub(crate) fn is_drained(&self) {
        let state = &mut self.reactor.sources.borrow_mut()[self.at as usize];
        // The end is told of once.
        state.readable = state.over;
    }

    /// Ready once the other side has ended, or is gone.
    pub(crate) fn poll_over(&self, context: &mut Context<'_>) -> Poll<()> {
        let state = &mut self.reactor.sources.borrow_mut()[self.at as usize];
        if state.over {
            return Poll::Ready(());
        }
        if !state.mourner.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.mourner = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Makes a call until it does not block.
    pub(crate) async fn io<R>(&self, way: Way, mut call: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        poll_fn(|context| self.poll_io(context, way, &mut call)).await
    }

    /// The same, for who is polled.
    pub(crate) fn poll_io<R>(
        &self,
        context: &mut Context<'_>,
        way: Way,
        mut call: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        // A peer that is always ready is not the only one.
        if self.left.get() == 0 {
            self.left.set(IN_A_ROW);
            self.reactor.defer(context.waker());
            return Poll::Pending;
        }
        loop {
            {
                let state = &mut self.reactor.sources.borrow_mut()[self.at as usize];
                let (ready, waiting) = match way {
                    Way::Read => (state.readable, &mut state.reader),
                    Way::Write => (state.writable, &mut state.writer),
                };
                if !ready {
                    if !waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                        *waiting = Some(context.waker().clone());
                    }
                    self.left.set(IN_A_ROW);
                    return Poll::Pending;
                }
            }
            match call(self.get()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let state = &mut self.reactor.sources.borrow_mut()[self.at as usize];
                    match way {
                        Way::Read => state.readable = false,
                        Way::Write => state.writable = false,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => {
                    self.left.set(self.left.get() - 1);
                    return Poll::Ready(outcome);
                }
            }
        }
    }
}

impl<T: AsFd> AsFd for Source<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get().as_fd()
    }
}

/// Closing what is inside ends the watch over it.
impl<T: AsFd> Drop for Source<T> {
    fn drop(&mut self) {
        self.reactor.strike_off(self.at);
    }
}

/// Ends the wait of a worker.
struct Wakeful {
    woken: AtomicBool,
    home: ThreadId,
    eventfd: OwnedFd,
}

impl Wake for Wakeful {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The worker itself looks before it waits.
        if !self.woken.swap(true, Ordering::AcqRel) && thread::current().id() != self.home {
            let _ = rustix::io::write(&self.eventfd, &1u64.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::pin::pin;

    fn pair() -> (UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, theirs)
    }

    fn wait(reactor: &Reactor) -> Vec<Event> {
        let mut events = Vec::new();
        reactor.was_woken();
        reactor.wait(&mut events).unwrap();
        events.into_iter().map(|event| reactor.tell(event)).collect()
    }

    #[test]
    fn a_source_is_read_when_something_has_come_and_only_then() {
        let reactor = Reactor::new().unwrap();
        let (ours, mut theirs) = pair();
        let source = Source::new(ours, &reactor).unwrap();
        let waker = reactor.waker();
        let mut context = Context::from_waker(&waker);
        for word in ["one", "two"] {
            let mut buffer = [0; 8];
            let mut read = pin!(source.io(Way::Read, |mut stream| stream.read(&mut buffer)));
            assert!(read.as_mut().poll(&mut context).is_pending());
            reactor.was_woken();
            theirs.write_all(word.as_bytes()).unwrap();
            while !reactor.was_woken() {
                wait(&reactor);
            }
            assert!(matches!(read.as_mut().poll(&mut context), Poll::Ready(Ok(3))));
        }
        drop(theirs);
        let mut read = pin!(source.io(Way::Read, |mut stream| stream.read(&mut [0; 8])));
        while read.as_mut().poll(&mut context).is_pending() {
            wait(&reactor);
        }
    }

    #[test]
    fn a_full_socket_is_written_when_there_is_room_again() {
        let reactor = Reactor::new().unwrap();
        let (ours, mut theirs) = pair();
        let source = Source::new(ours, &reactor).unwrap();
        let waker = reactor.waker();
        let mut context = Context::from_waker(&waker);
        let chunk = vec![0; 1 << 20];
        let mut sent = 0;
        let mut received = 0;
        while sent < 8 << 20 {
            let mut write = pin!(source.io(Way::Write, |mut stream| stream.write(&chunk)));
            match write.as_mut().poll(&mut context) {
                Poll::Ready(n) => sent += n.unwrap(),
                Poll::Pending => {
                    received += theirs.read(&mut vec![0; 1 << 20]).unwrap();
                    wait(&reactor);
                }
            }
        }
        drop(source);
        while let Ok(n @ 1..) = theirs.read(&mut vec![0; 1 << 20]) {
            received += n;
        }
        assert_eq!(received, sent);
    }

    #[test]
    fn an_idle_connection_is_told_of_by_its_place_and_becomes_a_source_and_idle_again() {
        let reactor = Reactor::new().unwrap();
        let (ours, mut theirs) = pair();
        reactor.watch(&ours, 7).unwrap();
        theirs.write_all(b"x").unwrap();
        assert!(matches!(wait(&reactor)[..], [Event::Idle { at: 7, over: false }]));
        let source = Source::of_watched(ours, &reactor).unwrap();
        let ours = source.rest(9).unwrap();
        theirs.write_all(b"y").unwrap();
        assert!(wait(&reactor).iter().any(|event| matches!(event, Event::Idle { at: 9, over: false })));
        drop(theirs);
        assert!(wait(&reactor).iter().any(|event| matches!(event, Event::Idle { at: 9, over: true })));
        drop(ours);
    }

    #[test]
    fn another_thread_ends_the_wait() {
        let reactor = Reactor::new().unwrap();
        reactor.was_woken();
        let waker = reactor.waker();
        let begun = Instant::now();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            waker.wake();
        });
        reactor.wait(&mut Vec::new()).unwrap();
        assert!(reactor.was_woken() && begun.elapsed() >= Duration::from_millis(50));
        other.join().unwrap();
    }
}
