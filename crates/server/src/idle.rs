//! Connections on which nothing is asked, without a task for each.
//!
//! Nearly every request is answered by the call that reads it, here. A connection becomes a task only while something has to
//! be waited for, see `connection.rs`, and comes back when it has been quiet for a while. So an idle connection is a few words
//! in a table, and a request pays for no waker, no queue and no second look at its socket.

use crate::admission::Admission;
use crate::buffers::Buffers;
use crate::client::{Client, Went};
use crate::connection::{Begun, QUIET, connection};
use crate::deadline::TICK;
use crate::greeting::greet;
use crate::reactor::{Reactor, Source};
use crate::stream::{Layer, Stream};
use crate::wheel::Wheel;
use crate::worker::Worker;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use tokio::task::spawn_local;

/// How often one connection is read before others have their turn.
const ROUNDS: usize = 4;

/// The idle connections of one worker.
pub(crate) struct Idle {
    reactor: Rc<Reactor>,
    places: RefCell<Vec<Option<Place>>>,
    free: RefCell<Vec<u32>>,
    /// When each place is looked at, which is never after its `due`, but where a reload has made the time shorter.
    wheel: RefCell<Wheel>,
}

struct Place {
    stream: TcpStream,
    layer: Layer,
    admission: Admission,
    /// The tick since which nothing has come.
    quiet: Cell<u32>,
    /// The tick at which nobody waits for it any longer.
    due: Cell<u32>,
}

/// What an idle connection costs here: its place, its links in the wheel, and room for its number among the free ones.
const _: () = assert!(size_of::<Option<Place>>() + 3 * size_of::<u32>() < 128);

/// What is to become of a connection.
enum Next {
    /// It rests here.
    Rest,
    /// It is over, and nobody is owed a word.
    End,
    /// Something has to be waited for.
    Wait(Begun),
    /// Its TLS is a task's to read.
    Decrypt,
}

impl Idle {
    pub(crate) fn new(reactor: Rc<Reactor>) -> Idle {
        Idle { reactor, places: RefCell::default(), free: RefCell::default(), wheel: RefCell::new(Wheel::new()) }
    }

    /// Takes in a connection, on which something must come before the tick `due`. `watch` has the kernel tell of it by its
    /// place.
    pub(crate) fn rest(
        &self,
        watch: impl FnOnce(u32) -> io::Result<(TcpStream, Layer)>,
        admission: Admission,
        now: u32,
        due: u32,
    ) -> io::Result<()> {
        let mut places = self.places.borrow_mut();
        let mut free = self.free.borrow_mut();
        let at = free.last().copied().unwrap_or(places.len() as u32);
        let (stream, layer) = watch(at)?;
        let place = Some(Place { stream, layer, admission, quiet: Cell::new(now), due: Cell::new(due) });
        match free.pop() {
            Some(at) => places[at as usize] = place,
            None => places.push(place),
        }
        self.wheel.borrow_mut().put(at, due);
        Ok(())
    }

    /// Ends those for which the time has come.
    pub(crate) fn sweep(&self, now: u32) {
        let looked_at = self.wheel.borrow_mut().turn(now);
        for at in looked_at {
            let due = self.places.borrow()[at as usize].as_ref().map(|place| place.due.get());
            match due {
                Some(due) if due > now => self.wheel.borrow_mut().put(at, due),
                _ => self.end(at),
            }
        }
    }

    /// Ends those that have been quiet, and leaves the others a moment: a client that asks again and again may have asked
    /// already, and is told to go elsewhere with its answer. What has come is answered first.
    pub(crate) fn drain(&self, worker: &Rc<Worker>) {
        let now = worker.deadlines.now();
        let all = self.places.borrow().len() as u32;
        for at in 0..all {
            self.came(worker, at, true);
            let quiet = self.places.borrow()[at as usize].as_ref().is_some_and(|place| {
                place.due.set(place.due.get().min(worker.deadlines.after(QUIET)));
                self.wheel.borrow_mut().put(at, place.due.get());
                u128::from(now - place.quiet.get()) * TICK.as_millis() >= QUIET.as_millis()
            });
            if quiet {
                self.end(at);
            }
        }
    }

    /// Takes a connection out; closing its socket is what ends the watch over it.
    fn take(&self, at: u32) -> Option<Place> {
        let place = self.places.borrow_mut().get_mut(at as usize)?.take();
        if place.is_some() {
            self.wheel.borrow_mut().remove(at);
            self.free.borrow_mut().push(at);
        }
        place
    }

    /// Ends a connection, with a word where TLS has one.
    fn end(&self, at: u32) {
        if let Some(Place { stream, layer: Layer::Session(session), .. }) = self.take(at) {
            session.say_goodbye(&stream);
        }
    }

    /// Something came on a connection. `over`: and nothing more will.
    pub(crate) fn came(&self, worker: &Rc<Worker>, at: u32, over: bool) {
        // A bug in what one connection needs is no reason to end the others. Its message and place are on standard error.
        let next = catch_unwind(AssertUnwindSafe(|| self.read(worker, at, over)));
        match next.unwrap_or(Next::End) {
            Next::Rest => {}
            Next::End => drop(self.take(at)),
            Next::Wait(begun) => self.wait(worker, at, Some(begun)),
            Next::Decrypt => self.wait(worker, at, None),
        }
    }

    /// Makes a connection a task.
    fn wait(&self, worker: &Rc<Worker>, at: u32, begun: Option<Begun>) {
        let Some(Place { stream, layer, admission, .. }) = self.take(at) else { return };
        // If the kernel has no room to watch it otherwise, it is closed.
        let Ok(source) = Source::of_watched(stream, &self.reactor) else { return };
        let worker = worker.clone();
        let begun = begun.unwrap_or_else(|| Begun { buffers: worker.take_buffers(), went: Went::Done });
        match layer {
            Layer::Plain => drop(spawn_local(connection(Stream::plain(source), admission, worker, begun))),
            Layer::Session(session) => {
                drop(spawn_local(connection(Stream::within(source, session), admission, worker, begun)));
            }
            Layer::Greeting => {
                worker.give_back(begun.buffers);
                drop(spawn_local(greet(source, admission, worker)));
            }
        }
    }

    /// Reads what came on a connection and answers it, as far as nothing has to be waited for.
    fn read(&self, worker: &Worker, at: u32, over: bool) -> Next {
        let places = self.places.borrow();
        let Some(Some(place)) = places.get(at as usize) else { return Next::Rest };
        if !matches!(place.layer, Layer::Plain) {
            return place.encrypted(over);
        }
        let mut buffers = worker.take_buffers();
        let next = place.answer(worker, &mut buffers, over);
        match next {
            Ok(Went::Done) => {
                place.quiet.set(worker.deadlines.now());
                place.due.set(worker.deadlines.after(worker.idle_time()));
                worker.give_back(buffers);
                Next::Rest
            }
            Ok(went) => Next::Wait(Begun { buffers, went }),
            Err(ended) => {
                worker.give_back(buffers);
                ended
            }
        }
    }
}

impl Place {
    /// What is within TLS is for a task; one that has nothing to read would come back.
    #[cold]
    fn encrypted(&self, over: bool) -> Next {
        match over.then(|| recv(&self.stream, &mut [0], RecvFlags::PEEK)) {
            None | Some(Ok((_, 1..)) | Err(Errno::INTR)) => Next::Decrypt,
            Some(Err(Errno::AGAIN)) => Next::Rest,
            Some(_) => Next::End,
        }
    }

    /// `over`: the client will send no more than what has come.
    fn answer(&self, worker: &Worker, buffers: &mut Buffers, over: bool) -> Result<Went, Next> {
        let Admission { address, crowded, .. } = self.admission;
        let client = Client { worker, address, crowded, served: None, stream: None };
        for _ in 0..ROUNDS {
            let room = buffers.input.capacity();
            match recv(&self.stream, spare_capacity(&mut buffers.input), RecvFlags::empty()) {
                Ok((0, _)) => return Err(Next::End),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Err(Next::Rest),
                Err(_) => return Err(Next::End),
            }
            let all = buffers.input.len() < room;
            match client.at_once(&self.stream, buffers) {
                Went::Done if all && !over => return Ok(Went::Done),
                // There may be more, or its end.
                Went::Done => {}
                Went::Over if all => return Err(Next::End),
                // Closing a socket with something unread would reset it.
                went => return Ok(went),
            }
        }
        Ok(Went::Turn)
    }
}
