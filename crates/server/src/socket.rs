//! A client's socket, every wait on which has an end.

use crate::buffers::Buffers;
use crate::config::Limits;
use crate::deadline::{Deadline, TICK, ticks};
use crate::reactor::Way;
use crate::stream::Stream;
use crate::timer::Timer;
use crate::worker::Worker;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use verdict_wire::Close;

pub(crate) struct Socket {
    pub(crate) stream: Stream,
    pub(crate) deadline: Deadline,
    /// Bytes that the kernel, or TLS, has taken, of what is being sent.
    pub(crate) sent: Cell<u64>,
    /// The tick at which sending it began.
    begun: Cell<u32>,
    /// Bytes a second that the client must take of it in the long run; 0: any.
    least: Cell<u64>,
}

/// What came of waiting for bytes.
pub(crate) enum Came {
    /// Some are there.
    Bytes,
    /// The client will send no more.
    End,
    /// Nothing came in time.
    Nothing,
    /// The connection is broken.
    Broken,
}

/// What came of waiting for a request.
pub(crate) enum Next {
    /// Some of one is there.
    Bytes(Box<Buffers>),
    /// Nothing came in time.
    Rest,
    /// The connection is over.
    End,
}

/// How much is discarded of what a client still sends after its answer: enough for one who sends a large file to its end
/// before it looks whether it is wanted.
const LINGER_BYTES: u64 = 1 << 30;
/// For how long: at most so long between two bytes, and so long in all, to which the bytes that come add at this rate.
const LINGER_PAUSE: Duration = Duration::from_secs(5);
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_MOST: Duration = Duration::from_secs(600);
const LINGER_BYTES_PER_SECOND: u64 = 64 << 10;

impl Socket {
    pub(crate) fn new(stream: Stream, deadline: Deadline) -> Socket {
        Socket { stream, deadline, sent: Cell::new(0), begun: Cell::new(0), least: Cell::new(0) }
    }

    /// Something else is sent from here on. Besides taking some of it every now and then, the client must take it at the
    /// minimum rate: who takes a byte at a time would hold what is sent, and its place, for as long as it likes.
    pub(crate) fn begin(&self, limits: &Limits) {
        self.sent.set(0);
        self.begun.set(self.deadline.after(Duration::ZERO));
        self.least.set(limits.min_rate);
    }

    /// Bytes of another protocol are sent from here on, as seldom as they come.
    pub(crate) fn begin_tunnel(&self) {
        self.sent.set(0);
        self.least.set(0);
    }

    /// The tick by which the client must take more: in a pause, and no later than the rate allows.
    fn due(&self, pause: Duration) -> u32 {
        let due = self.deadline.after(pause);
        match self.sent.get().checked_div(self.least.get()) {
            Some(earned) => due.min(self.begun.get().saturating_add(ticks(pause + Duration::from_secs(earned)))),
            None => due,
        }
    }

    /// Waits until something comes, and reads it into buffers of the worker, which are held only then.
    pub(crate) async fn next(&self, due: u32, worker: &Worker) -> Next {
        let next = poll_fn(|context| {
            let mut buffers = worker.take_buffers();
            match self.stream.poll_read(context, &mut buffers.input) {
                Poll::Ready(Ok(1..)) => Poll::Ready(Next::Bytes(buffers)),
                other => {
                    worker.give_back(buffers);
                    other.map(|_| Next::End)
                }
            }
        });
        self.deadline.until(due, next).await.unwrap_or(Next::Rest)
    }

    /// Appends what has come. There is room for it.
    pub(crate) async fn read(&self, buffer: &mut Vec<u8>, due: u32) -> Came {
        let read = poll_fn(|context| self.stream.poll_read(context, buffer));
        match self.deadline.until(due, read).await {
            Some(Ok(0)) => Came::End,
            Some(Ok(_)) => Came::Bytes,
            Some(Err(_)) => Came::Broken,
            None => Came::Nothing,
        }
    }

    /// Writes all of it, and what TLS still has; the client must take some of it every `pause`.
    pub(crate) async fn write(&self, bytes: &[u8], pause: Duration) -> Result<(), Close> {
        self.write_rest(bytes, SendFlags::NOSIGNAL, pause).await?;
        if self.stream.is_secure() {
            return self.polled(pause, |context| self.stream.poll_flush(context)).await;
        }
        Ok(())
    }

    /// Writes all of it, and tells the kernel, or TLS, that more follows, so that head and content share a segment.
    pub(crate) async fn write_more(&self, bytes: &[u8], pause: Duration) -> Result<(), Close> {
        self.write_rest(bytes, SendFlags::NOSIGNAL | SendFlags::MORE, pause).await
    }

    async fn write_rest(&self, mut bytes: &[u8], flags: SendFlags, pause: Duration) -> Result<(), Close> {
        while !bytes.is_empty() {
            let n = self.polled(pause, |context| self.stream.poll_write(context, bytes, flags)).await?;
            self.sent.set(self.sent.get() + n as u64);
            bytes = &bytes[n..];
        }
        Ok(())
    }

    /// Something that ends once the client takes some, which it must within `pause`.
    async fn polled<T>(
        &self,
        pause: Duration,
        poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Result<T, Close> {
        match self.deadline.until(self.due(pause), poll_fn(poll)).await {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(self.why_not_sent()),
        }
    }

    /// One call that writes, made when the socket takes something; it must within `pause`.
    pub(crate) async fn writing(
        &self,
        pause: Duration,
        mut call: impl FnMut() -> io::Result<usize>,
    ) -> Result<usize, Close> {
        let mut call = std::pin::pin!(self.stream.io(Way::Write, |_| call()));
        let n = self.polled(pause, |context| call.as_mut().poll(context)).await?;
        self.sent.set(self.sent.get() + n as u64);
        Ok(n)
    }

    pub(crate) fn why_not_sent(&self) -> Close {
        if self.deadline.is_over() { Close::DrainOver } else { Close::SendIdle }
    }

    /// Waits until the client has acknowledged everything; it must acknowledge some of it every `pause`. So many bytes were
    /// sent since `begun`.
    pub(crate) async fn drained(&self, pause: Duration, sent: u64, begun: Instant) -> Result<(), Close> {
        const LEAST: Duration = Duration::from_micros(200);
        let failed = |error: io::Error| broken(&error);
        let mut left = unacknowledged(self.stream.socket()).map_err(failed)?;
        let mut due = self.due(pause);
        let mut least = LEAST;
        while left > 0 {
            if self.deadline.after(Duration::ZERO) > due || self.deadline.is_over() {
                return Err(self.why_not_sent());
            }
            // Nobody tells when the last byte is acknowledged. It is looked for when it is due at the speed that there was so
            // far, but no later than that can be wrong by much; and ever more seldom while nothing is.
            let (elapsed, acknowledged) = (begun.elapsed(), sent.saturating_sub(left.into()).max(1));
            let expected = elapsed.mul_f64((f64::from(left) / acknowledged as f64).min(0.25));
            let wait = expected.max(least).min(TICK);
            match Timer::every(wait, self.stream.reactor()) {
                Ok(timer) if wait < TICK => timer.tick().await.map_err(failed)?,
                // The table is exact enough for what takes long, and there where the process has no descriptor left.
                _ => drop(self.deadline.until(self.deadline.after(TICK), pending::<()>()).await),
            }
            let now = unacknowledged(self.stream.socket()).map_err(failed)?;
            if now < left {
                (left, due, least) = (now, self.due(pause), LEAST);
            } else {
                least = 2 * least;
            }
        }
        Ok(())
    }

    /// Ends our side, so that the client reads to the end of its answer, and discards what it still sends. A socket that is
    /// closed while there are bytes unread resets the connection, and the answer may be lost with it (RFC 9112 §9.6).
    pub(crate) async fn linger(&self) {
        self.finish();
        let begun = Instant::now();
        let mut nothing = vec![0; 64 << 10];
        let mut discarded = 0;
        while discarded < LINGER_BYTES {
            let earned = Duration::from_secs(discarded / LINGER_BYTES_PER_SECOND);
            let left = (LINGER_TIME + earned).min(LINGER_MOST).saturating_sub(begun.elapsed());
            let due = self.deadline.after(LINGER_PAUSE.min(left));
            let call = self.stream.io(Way::Read, |stream| discard(stream, &mut nothing));
            match self.deadline.until(due, call).await {
                Some(Ok(n)) if n > 0 && !left.is_zero() => discarded += n as u64,
                _ => return,
            }
        }
    }

    /// Ends our side.
    pub(crate) fn finish(&self) {
        self.stream.say_goodbye();
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
    }

    /// Ends the connection so that nobody takes what was sent for the whole.
    pub(crate) fn abort(&self) {
        let _ = socket2::SockRef::from(self.stream.socket()).set_linger(Some(Duration::ZERO));
    }
}

/// Throws away some of what has come: with MSG_TRUNC, TCP does so without copying (tcp(7)).
fn discard(stream: &TcpStream, nothing: &mut [u8]) -> io::Result<usize> {
    let (_, n) = recv(stream, nothing, RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
    Ok(n)
}

/// Bytes that the client has not acknowledged: sent or not.
fn unacknowledged(stream: &TcpStream) -> io::Result<u32> {
    let mut left: libc::c_int = 0;
    // SAFETY: SIOCOUTQ, which has this other name too, writes one int (tcp(7)).
    match unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &mut left) } {
        0 => Ok(left.max(0) as u32),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(crate) fn broken(error: &io::Error) -> Close {
    match error.kind() {
        ErrorKind::InvalidData => Close::Tls,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Close::PeerReset,
        _ => Close::Io,
    }
}
