//! A client's connection as a task has it: a socket, or TLS over it.

use crate::reactor::{Reactor, Source, Way};
use crate::tls::{Names, Session};
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::future::poll_fn;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// What carries the bytes of HTTP.
pub(crate) enum Layer {
    /// The socket itself.
    Plain,
    /// TLS, of which nothing has been said yet.
    Greeting,
    /// TLS, with its handshake done.
    Session(Box<Session>),
}

/// Something that takes bytes at once, as far as it does.
pub(crate) trait AtOnce {
    /// Writes what the kernel takes, and takes it out of `bytes`; whether that was all.
    fn write_at_once(&self, bytes: &mut Vec<u8>) -> bool;
}

impl AtOnce for TcpStream {
    #[inline]
    fn write_at_once(&self, bytes: &mut Vec<u8>) -> bool {
        match send(self, bytes, SendFlags::NOSIGNAL) {
            Ok(n) if n == bytes.len() => {
                bytes.clear();
                true
            }
            Ok(n) => {
                bytes.drain(..n);
                false
            }
            // Writing again will tell what is wrong.
            Err(_) => false,
        }
    }
}

/// A connection.
pub(crate) struct Stream {
    socket: Source<TcpStream>,
    session: Option<Box<Session>>,
}

impl Stream {
    pub(crate) fn plain(socket: Source<TcpStream>) -> Stream {
        Stream { socket, session: None }
    }

    /// Waits until the other side has ended, or is gone.
    pub(crate) async fn over(&self) {
        poll_fn(|context| self.poll_over(context)).await;
    }

    /// The same, for who is polled.
    pub(crate) fn poll_over(&self, context: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_over(context)
    }

    /// Over TLS whose handshake is done.
    pub(crate) fn within(socket: Source<TcpStream>, session: Box<Session>) -> Stream {
        Stream { socket, session: Some(session) }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.socket.get()
    }

    pub(crate) fn reactor(&self) -> &Rc<Reactor> {
        self.socket.reactor()
    }

    /// Whether it is TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.session.is_some()
    }

    /// Whom its certificate speaks for, where it is TLS.
    pub(crate) fn names(&self) -> Option<&Names> {
        self.session.as_ref().map(|session| session.names())
    }

    /// The last call that wrote took less than it was given.
    pub(crate) fn is_full(&self) {
        self.socket.is_full();
    }

    /// Makes it a connection on which nothing is asked, which has this place.
    pub(crate) fn rest(self, at: u32) -> io::Result<(TcpStream, Layer)> {
        Ok((self.socket.rest(at)?, self.session.map_or(Layer::Plain, Layer::Session)))
    }

    /// Waits for the socket itself, whatever is over it.
    pub(crate) async fn io<R>(&self, way: Way, call: impl FnMut(&TcpStream) -> io::Result<R>) -> io::Result<R> {
        self.socket.io(way, call).await
    }

    /// Appends some of what has come, for which there is room; 0 bytes are the end.
    pub(crate) fn poll_read(&self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        match &self.session {
            None => {
                let read = ready!(self.socket.poll_io(context, Way::Read, |socket| {
                    let (n, _) = recv(socket, spare_capacity(buffer), RecvFlags::empty())?;
                    Ok(n)
                }));
                if matches!(read, Ok(1..)) && buffer.capacity() > buffer.len() {
                    self.socket.is_drained();
                }
                Poll::Ready(read)
            }
            Some(session) => session.poll_read(&self.socket, context, buffer),
        }
    }

    /// Takes some bytes, and says how many. What TLS has taken goes out with [`Stream::poll_flush`].
    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        flags: SendFlags,
    ) -> Poll<io::Result<usize>> {
        let Some(session) = &self.session else {
            return self.socket.poll_io(context, Way::Write, |socket| Ok(send(socket, bytes, flags)?));
        };
        loop {
            match session.encrypt(bytes)? {
                0 => ready!(session.poll_write_some(&self.socket, context))?,
                n => return Poll::Ready(Ok(n)),
            }
        }
    }

    /// Sends what TLS has taken and the kernel has not.
    pub(crate) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(session) = &self.session {
            while session.wants_write() {
                ready!(session.poll_write_some(&self.socket, context))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the client that nothing more comes, as far as TLS has a word for it; TCP's is the caller's to say.
    pub(crate) fn say_goodbye(&self) {
        if let Some(session) = &self.session {
            session.say_goodbye(self.socket.get());
        }
    }
}

impl AtOnce for Stream {
    fn write_at_once(&self, bytes: &mut Vec<u8>) -> bool {
        match &self.session {
            None => self.socket.get().write_at_once(bytes),
            Some(session) => session.write_at_once(self.socket.get(), bytes),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
