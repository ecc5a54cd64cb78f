//! What `h2` reads and writes. What it writes is gathered until its connection has nothing more to do, and goes out in one
//! call: a frame in a call of its own would cost more than the request.

use super::frames::Frames;
use super::pace::{Owed, Pace};
use super::{First, PREFACE, Upgraded};
use crate::admission::Admission;
use crate::buffers::Buffers;
use crate::client::Client;
use crate::deadline::{NEVER, TICK};
use crate::socket::{Socket, broken};
use crate::worker::Worker;
use rustix::net::SendFlags;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use verdict_core::interim::Interim;
use verdict_wire::Close;

/// Bytes that are gathered before they are sent.
const GATHERED: usize = 64 << 10;

/// Bytes of content that `h2` holds for the streams of one connection: enough for what a socket takes at a time, and no more
/// for a hundred streams than for four. It is no less than a piece.
const UNSENT: usize = 256 << 10;

/// One connection, as its tasks see it.
pub(super) struct Wire {
    pub(super) socket: Socket,
    pub(super) worker: Rc<Worker>,
    admission: Admission,
    /// Why stream 1 was not asked for in HTTP/2.
    pub(super) interim: Option<Interim>,
    /// Requests that have a task.
    pub(super) open: Cell<usize>,
    /// The tick since which nothing was asked and nothing answered.
    pub(super) quiet: Cell<u32>,
    /// Room for content that `h2` is to hold.
    pub(super) unsent: Arc<Semaphore>,
    /// There is no room for it beyond what it was told.
    told_to_end: Cell<bool>,
    state: RefCell<State>,
}

struct State {
    /// What has come and what is to be sent, held only while there is either.
    buffers: Option<Box<Buffers>>,
    /// Bytes of `out` that the kernel has.
    sent: usize,
    /// What is to be read behind the client's first frame.
    injected: Option<Vec<u8>>,
    frames: Frames,
    /// How fast the kernel takes what there is for it.
    pace: Pace,
    /// The tick up to which the client's frames were paid for by time.
    aged: u32,
}

/// The end of it that `h2` has.
pub(super) struct Handle(pub(super) Rc<Wire>);

impl Wire {
    pub(super) fn new(socket: Socket, admission: Admission, worker: Rc<Worker>, first: First) -> Wire {
        let First { input, upgraded } = first;
        let (injected, interim) = match upgraded {
            Some(Upgraded { frames, interim }) => (Some(frames), Some(interim)),
            None => (None, None),
        };
        let now = worker.deadlines.now();
        let buffers = (!input.is_empty()).then(|| {
            let mut buffers = worker.take_buffers();
            buffers.input.extend_from_slice(&input);
            buffers
        });
        let frames = Frames::behind(PREFACE.len());
        let state = State { buffers, sent: 0, injected, frames, pace: Pace::default(), aged: now };
        Wire {
            socket,
            worker,
            admission,
            interim,
            open: Cell::new(0),
            quiet: Cell::new(now),
            unsent: Arc::new(Semaphore::new(UNSENT)),
            told_to_end: Cell::new(false),
            state: RefCell::new(state),
        }
    }

    pub(super) fn client(&self) -> Client<'_> {
        Client {
            worker: &self.worker,
            address: self.admission.address,
            crowded: self.admission.crowded,
            served: self.socket.stream.names(),
            // HTTP/2 has a word for it.
            stream: None,
        }
    }

    /// The client has been told that there is no room.
    pub(super) fn tell_to_end(&self) {
        self.told_to_end.set(true);
    }

    pub(super) fn is_told_to_end(&self) -> bool {
        self.told_to_end.get()
    }

    /// The tick by which the client must take some of what waits to be sent; none where nothing waits.
    pub(super) fn due(&self) -> u32 {
        let pace = &self.state.borrow().pace;
        if pace.rests() { NEVER } else { pace.due(Owed::by(self.worker.site().limits(None)), 1) }
    }

    /// Lets `h2` read on, if it was kept from it while there were requests to be answered.
    pub(super) fn read_on(&self) -> bool {
        self.state.borrow_mut().frames.read_on()
    }

    /// Whether the client sends more than anybody needs to.
    pub(super) fn flood(&self) -> Option<Close> {
        self.state.borrow().frames.flood()
    }

    /// Why the connection is over.
    pub(super) fn why(&self, error: &h2::Error) -> Close {
        match (error.get_io(), error.reason()) {
            (Some(error), _) if error.kind() == ErrorKind::UnexpectedEof => Close::PeerClosed,
            (Some(error), _) => broken(error),
            (None, Some(h2::Reason::ENHANCE_YOUR_CALM)) if error.is_library() => self.state.borrow().frames.kind(),
            _ => Close::Http2,
        }
    }

    /// Sends all that was gathered; it has as long as a client may take that does not read.
    pub(super) async fn flush(&self) -> Result<(), Close> {
        let deadline = &self.socket.deadline;
        let due = deadline.after(self.worker.site().limits(None).send_idle);
        match deadline.until(due, poll_fn(|context| self.poll_drain(context))).await {
            Some(flushed) => flushed.map_err(|error| broken(&error)),
            None => Err(self.socket.why_not_sent()),
        }
    }

    /// The same, for who is polled.
    pub(super) fn poll_drain(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.state.borrow_mut();
        let now = self.worker.deadlines.now();
        if let Some(buffers) = &mut state.buffers {
            while state.sent < buffers.out.len() {
                let rest = &buffers.out[state.sent..];
                let n = ready!(self.socket.stream.poll_write(context, rest, SendFlags::NOSIGNAL))?;
                state.sent += n;
                state.frames.sent(n);
                state.pace.take(n, now);
            }
            ready!(self.socket.stream.poll_flush(context))?;
            state.sent = 0;
            buffers.out.clear();
            state.pace.rest(now);
            // Between two pieces of an answer there may be nothing unsent for a moment.
            if self.open.get() == 0 && self.unsent.available_permits() == UNSENT {
                state.pace.forget();
            }
        }
        if let Some(buffers) = state.buffers.take_if(|buffers| buffers.unused().is_empty()) {
            self.worker.give_back(buffers);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&self, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.state.borrow_mut();
        loop {
            if state.frames.are_enough() {
                // The connection's task goes on by itself.
                return Poll::Pending;
            }
            if let Some(buffers) = &mut state.buffers {
                if let Some(injected) = state.injected.take_if(|_| behind_first_frame(buffers.unused()).is_some()) {
                    let at = buffers.start + behind_first_frame(buffers.unused()).unwrap_or_default();
                    buffers.input.splice(at..at, injected);
                }
                if state.injected.is_none() && !buffers.unused().is_empty() {
                    let n = buffers.unused().len().min(to.remaining());
                    let n = state.frames.see(&buffers.unused()[..n]);
                    to.put_slice(&buffers.unused()[..n]);
                    buffers.consume(n);
                    return Poll::Ready(Ok(()));
                }
            }
            let buffers = state.buffers.get_or_insert_with(|| self.worker.take_buffers());
            buffers.make_room();
            let read = self.socket.stream.poll_read(context, &mut buffers.input);
            if matches!(read, Poll::Ready(Ok(1..))) {
                let ticks = self.worker.deadlines.now() - state.aged;
                let seconds = ticks / TICKS_A_SECOND;
                state.aged += seconds * TICKS_A_SECOND;
                state.frames.aged(seconds);
                continue;
            }
            if let Some(buffers) =
                state.buffers.take_if(|buffers| buffers.unused().is_empty() && buffers.out.is_empty())
            {
                self.worker.give_back(buffers);
            }
            if ready!(read)? == 0 {
                // What there is of a preface is `h2`'s to refuse.
                match state.injected.take() {
                    Some(_) => continue,
                    None => return Poll::Ready(Ok(())),
                }
            }
        }
    }

    fn poll_write(&self, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.state.borrow().buffers.as_ref().is_some_and(|buffers| buffers.out.len() > GATHERED) {
            ready!(self.poll_drain(context))?;
        }
        let state = &mut *self.state.borrow_mut();
        let out = &mut state.buffers.get_or_insert_with(|| self.worker.take_buffers()).out;
        if out.is_empty() {
            state.pace.wait(self.worker.deadlines.now());
        }
        let before = out.len();
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
        Poll::Ready(Ok(out.len() - before))
    }
}

const TICKS_A_SECOND: u32 = 1000 / TICK.as_millis() as u32;

/// Where the client's first frame ends, which is behind its preface, once that has come.
fn behind_first_frame(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(PREFACE.len()..PREFACE.len() + 9)?;
    let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
    // RFC 9113 §4.2: no frame is larger before we allow it; one that is, is `h2`'s to refuse.
    let end = PREFACE.len() + 9 + length.min(16 << 10);
    (bytes.len() >= end).then_some(end)
}

impl AsyncRead for Handle {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(context, to)
    }
}

impl AsyncWrite for Handle {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The connection's task does it, when everything is there.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The socket is ended by the connection's task too.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What is left in them is nobody's.
impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(mut buffers) = self.state.get_mut().buffers.take() {
            buffers.clear();
            self.worker.give_back(buffers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_ends_where_its_length_says() {
        let mut bytes = PREFACE.to_vec();
        bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]);
        let whole = bytes.len();
        bytes.extend([0, 0, 0, 4, 1]);
        for end in 0..=bytes.len() {
            assert_eq!(behind_first_frame(&bytes[..end]), (end >= whole).then_some(whole), "{end}");
        }
    }
}
