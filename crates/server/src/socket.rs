//! A client's socket, every wait on which has an end.

use crate::deadline::Deadline;
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::TcpStream;
use verdict_wire::Close;

pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    pub(crate) deadline: Deadline,
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

/// How much is discarded of what a client still sends after its answer, and for how long: enough for one who sends a
/// large file to find out that it is not wanted, however slowly it reads.
const LINGER_BYTES: u64 = 1 << 30;
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_PAUSE: Duration = Duration::from_secs(5);

impl Socket {
    /// Waits until there is something to read, or `stop` says that it need not be waited for, holding no buffer meanwhile.
    pub(crate) async fn readable(&self, due: u32, stop: impl Fn() -> bool) -> Came {
        let ready = poll_fn(|context| match self.stream.poll_read_ready(context) {
            Poll::Pending if stop() => Poll::Ready(Ok(false)),
            ready => ready.map_ok(|()| true),
        });
        match self.deadline.until(due, ready).await {
            Some(Ok(true)) => Came::Bytes,
            Some(Ok(false)) | None => Came::Nothing,
            Some(Err(_)) => Came::Broken,
        }
    }

    /// Appends what has come.
    pub(crate) async fn read(&mut self, buffer: &mut Vec<u8>, due: u32) -> Came {
        match self.deadline.until(due, self.stream.read_buf(buffer)).await {
            Some(Ok(0)) => Came::End,
            Some(Ok(_)) => Came::Bytes,
            Some(Err(_)) => Came::Broken,
            None => Came::Nothing,
        }
    }

    /// Writes all of it; the client must take some of it every `pause`.
    #[inline]
    pub(crate) async fn write(&self, bytes: &[u8], pause: Duration) -> Result<(), Close> {
        // Nearly always the kernel takes it all at once.
        match self.stream.try_write(bytes) {
            Ok(n) if n == bytes.len() => Ok(()),
            Ok(n) => self.write_rest(&bytes[n..], SendFlags::NOSIGNAL, pause).await,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.write_rest(bytes, SendFlags::NOSIGNAL, pause).await
            }
            Err(error) => Err(broken(&error)),
        }
    }

    /// Writes all of it, and tells the kernel that more follows, so that head and content share a segment.
    pub(crate) async fn write_more(&self, bytes: &[u8], pause: Duration) -> Result<(), Close> {
        self.write_rest(bytes, SendFlags::NOSIGNAL | SendFlags::MORE, pause).await
    }

    async fn write_rest(&self, mut bytes: &[u8], flags: SendFlags, pause: Duration) -> Result<(), Close> {
        while !bytes.is_empty() {
            let n = self.writing(pause, || Ok(rustix::net::send(&self.stream, bytes, flags)?)).await?;
            bytes = &bytes[n..];
        }
        Ok(())
    }

    /// One call that writes, made when the socket takes something; it must within `pause`.
    pub(crate) async fn writing(
        &self,
        pause: Duration,
        call: impl FnMut() -> io::Result<usize>,
    ) -> Result<usize, Close> {
        let due = self.deadline.after(pause);
        match self.deadline.until(due, self.stream.async_io(Interest::WRITABLE, call)).await {
            Some(Ok(n)) => Ok(n),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(Close::SendIdle),
        }
    }

    /// Ends our side, so that the client reads to the end of its answer, and discards what it still sends. A socket that is
    /// closed while there are bytes unread resets the connection, and the answer may be lost with it (RFC 9112 §9.6).
    pub(crate) async fn linger(&self) {
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
        let end = self.deadline.after(LINGER_TIME);
        let mut left = LINGER_BYTES;
        while left > 0 {
            let due = self.deadline.after(LINGER_PAUSE).min(end);
            let call = self.stream.async_io(Interest::READABLE, || discard(&self.stream));
            match self.deadline.until(due, call).await {
                Some(Ok(n)) if n > 0 => left = left.saturating_sub(n as u64),
                _ => return,
            }
        }
    }

    /// Ends our side.
    pub(crate) fn finish(&self) {
        let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
    }

    /// Ends the connection so that nobody takes what was sent for the whole.
    pub(crate) fn abort(&self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

/// Throws away some of what has come: with MSG_TRUNC, TCP does so without copying (tcp(7)).
fn discard(stream: &TcpStream) -> io::Result<usize> {
    let mut nothing = [0; 64 << 10];
    let (_, n) = rustix::net::recv(stream, &mut nothing[..], RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
    Ok(n)
}

fn broken(error: &io::Error) -> Close {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Close::PeerReset,
        _ => Close::Io,
    }
}
