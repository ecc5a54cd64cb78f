//! A connection to an upstream: a socket, or TLS over it. Who reads and who writes are independent of each other.

use super::socket::Socket;
use crate::reactor::Way;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use rustls::ClientConnection;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

/// How much is read at once.
pub(super) const PIECE: usize = 16 << 10;

/// What carries the bytes of HTTP.
pub(crate) struct Stream {
    socket: Socket,
    session: Option<Box<RefCell<ClientConnection>>>,
}

impl Stream {
    pub(super) fn plain(socket: Socket) -> Stream {
        Stream { socket, session: None }
    }

    /// TLS over a socket, with its handshake done. Errors: the socket's, and `InvalidData` around what TLS says.
    pub(super) async fn secured(socket: Socket, client: ClientConnection) -> io::Result<Stream> {
        let stream = Stream { socket, session: Some(Box::new(RefCell::new(client))) };
        poll_fn(|context| {
            loop {
                ready!(stream.poll_flush(context))?;
                let session = stream.session();
                if !session.borrow().is_handshaking() {
                    return Poll::Ready(io::Result::Ok(()));
                }
                if ready!(stream.poll_receive(session, context))? == 0 {
                    return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
                }
            }
        })
        .await?;
        Ok(stream)
    }

    fn session(&self) -> &RefCell<ClientConnection> {
        match &self.session {
            Some(session) => session,
            None => unreachable!("it is asked of TLS alone"),
        }
    }

    /// Appends some of what has come; 0 bytes are the end. Errors: the socket's; `UnexpectedEof` where TLS ended without a
    /// word, so that it may not be the end (RFC 9112 §9.8); `InvalidData` where it is broken.
    pub(super) fn poll_read(&self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let Some(session) = &self.session else {
            let read = ready!(self.socket.poll_io(context, Way::Read, |socket| {
                make_room(buffer);
                let (n, _) = recv(socket, spare_capacity(buffer), RecvFlags::empty())?;
                Ok(n)
            }));
            if let Ok(1..) = read
                && buffer.capacity() > buffer.len()
            {
                self.socket.is_drained();
            }
            return Poll::Ready(read);
        };
        loop {
            make_room(buffer);
            match take(&mut session.borrow_mut(), buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.poll_receive(session, context))?;
            // Answers of TLS itself; what the kernel does not take now goes with what is written next.
            if let Poll::Ready(Err(error)) = self.poll_flush(context) {
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Takes some bytes, and says how many. What TLS has taken goes out with [`Stream::poll_flush`].
    pub(super) fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(session) = &self.session else {
            let call = |socket: &OwnedFd| Ok(send(socket, bytes, SendFlags::NOSIGNAL)?);
            return self.socket.poll_io(context, Way::Write, call);
        };
        loop {
            let taken = session.borrow_mut().writer().write(bytes)?;
            match taken {
                0 if !bytes.is_empty() => ready!(self.poll_send(session, context))?,
                n => return Poll::Ready(Ok(n)),
            }
        }
    }

    /// Sends what TLS has taken and the kernel has not.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(session) = &self.session {
            while session.borrow().wants_write() {
                ready!(self.poll_send(session, context))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether anything has come, or it has ended, since this was asked last.
    pub(super) fn has_stirred(&self) -> bool {
        self.socket.has_stirred()
    }

    /// Whether the other side has ended, as far as the kernel has told.
    pub(super) fn is_over(&self) -> bool {
        self.socket.is_over()
    }

    /// Whether nothing waits to be read. The kernel is asked only if it may have told of something since it was read dry.
    pub(super) fn is_quiet(&self) -> bool {
        if let Some(session) = &self.session {
            let mut session = session.borrow_mut();
            if !matches!(session.reader().fill_buf(), Err(error) if error.kind() == ErrorKind::WouldBlock) {
                return false;
            }
        }
        !self.socket.may_have_something() || !self.has_something()
    }

    /// Whether something waits to be read, or the other side has ended: the kernel is asked.
    pub(super) fn has_something(&self) -> bool {
        let peeked = recv(self.socket.get(), &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        !matches!(peeked, Err(rustix::io::Errno::AGAIN))
    }

    /// Ends our side; what comes can still be read.
    pub(crate) fn finish(&self) {
        if let Some(session) = &self.session {
            let mut session = session.borrow_mut();
            session.send_close_notify();
            while session.wants_write() && session.write_tls(&mut Now(self.socket.get())).is_ok_and(|n| n > 0) {}
        }
        // If it is gone already there is no side to end.
        let _ = shutdown(self.socket.get(), Shutdown::Write);
    }

    /// Takes in what has come from the socket; 0 bytes are its end. What is wrong with it is told to the upstream.
    fn poll_receive(&self, session: &RefCell<ClientConnection>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut session = session.borrow_mut();
        let read = ready!(self.socket.poll_io(context, Way::Read, |socket| session.read_tls(&mut Now(socket))))?;
        if let Err(error) = session.process_new_packets() {
            // It is closed next, whether or not it hears of it.
            let _ = session.write_tls(&mut Now(self.socket.get()));
            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(read))
    }

    /// Sends some of what is encrypted.
    fn poll_send(&self, session: &RefCell<ClientConnection>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = session.borrow_mut();
        self.socket.poll_io(context, Way::Write, |socket| session.write_tls(&mut Now(socket)).map(|_| ()))
    }
}

fn make_room(buffer: &mut Vec<u8>) {
    if buffer.capacity() - buffer.len() < PIECE / 4 {
        buffer.reserve(PIECE);
    }
}

/// Appends what TLS has decrypted, as far as there is room.
fn take(session: &mut ClientConnection, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut reader = session.reader();
    let chunk = reader.fill_buf()?;
    let taken = chunk.len().min(buffer.capacity() - buffer.len());
    buffer.extend_from_slice(&chunk[..taken]);
    reader.consume(taken);
    Ok(taken)
}

/// A socket as it is now: what cannot be done at once would block.
struct Now<'a>(&'a OwnedFd);

impl Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0, buffer, RecvFlags::empty())?.0)
    }
}

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
