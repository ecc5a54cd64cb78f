//! One connection's TLS, over a socket that does not block: rustls without IO of its own.

use super::{HTTP2, Names, Secure};
use crate::reactor::{Source, Way};
use rustls::ServerConnection;
use std::cell::RefCell;
use std::io::{self, BufRead, ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// TLS with one client.
pub(crate) struct Session {
    connection: RefCell<ServerConnection>,
    certificate: Arc<super::Certificate>,
}

/// Whether a connection's first byte begins a request and not a handshake, which begins with the type of its record: 22
/// (RFC 8446 §5.1). A method is a token, before which empty lines may stand (RFC 9112 §2.2).
pub(crate) fn looks_plain(first: u8) -> bool {
    first.is_ascii_graphic() || matches!(first, b'\r' | b'\n')
}

impl Session {
    /// Greets a client. The caller sees to it that the handshake ends in time. Errors: the socket's, and `InvalidData` where
    /// the two cannot agree, of which the client has been told.
    pub(crate) async fn greet(secure: &Secure, socket: &Source<TcpStream>) -> io::Result<Box<Session>> {
        let mut connection = ServerConnection::new(secure.config.clone()).map_err(io::Error::other)?;
        loop {
            while connection.wants_write() {
                socket.io(Way::Write, |mut socket| connection.write_tls(&mut socket)).await?;
            }
            if !connection.is_handshaking() {
                break;
            }
            if socket.io(Way::Read, |mut socket| connection.read_tls(&mut socket)).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            process(&mut connection, socket.get())?;
        }
        let certificate = secure.certificates.of(connection.server_name()).cloned();
        let Some(certificate) = certificate else { unreachable!("a handshake needs a certificate") };
        Ok(Box::new(Session { connection: RefCell::new(connection), certificate }))
    }

    /// Whether the client chose HTTP/2 (RFC 9113 §3.2).
    pub(crate) fn is_http2(&self) -> bool {
        self.connection.borrow().alpn_protocol() == Some(HTTP2)
    }

    /// Whom the certificate speaks for that the client was shown.
    pub(crate) fn names(&self) -> &Names {
        &self.certificate.names
    }

    /// Appends some of what has come, as far as there is room; 0 bytes are the end.
    pub(super) fn take(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let mut connection = self.connection.borrow_mut();
        let mut reader = connection.reader();
        let chunk = reader.fill_buf()?;
        let taken = chunk.len().min(buffer.capacity() - buffer.len());
        buffer.extend_from_slice(&chunk[..taken]);
        reader.consume(taken);
        Ok(taken)
    }

    pub(crate) fn poll_read(
        &self,
        socket: &Source<TcpStream>,
        context: &mut Context<'_>,
        buffer: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.take(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // RFC 8446 §6.1 asks for a word before the end. A request says by itself where it ends, so that nothing can
                // be taken for more than it is without one.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(Ok(0)),
                taken => return Poll::Ready(taken),
            }
            let mut connection = self.connection.borrow_mut();
            ready!(socket.poll_io(context, Way::Read, |mut socket| connection.read_tls(&mut socket)))?;
            process(&mut connection, socket.get())?;
        }
    }

    /// Encrypts some bytes, to be sent; 0 where enough waits to be sent already.
    pub(crate) fn encrypt(&self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.borrow_mut().writer().write(bytes)
    }

    pub(crate) fn wants_write(&self) -> bool {
        self.connection.borrow().wants_write()
    }

    /// Sends some of what is encrypted.
    pub(crate) fn write_some(&self, mut socket: &TcpStream) -> io::Result<usize> {
        self.connection.borrow_mut().write_tls(&mut socket)
    }

    pub(crate) fn poll_write_some(
        &self,
        socket: &Source<TcpStream>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        socket.poll_io(context, Way::Write, |socket| self.write_some(socket).map(|_| ()))
    }

    /// Encrypts and sends what it can, and takes it out of `bytes`; whether that was all, down to the kernel.
    pub(crate) fn write_at_once(&self, socket: &TcpStream, bytes: &mut Vec<u8>) -> bool {
        let taken = self.encrypt(bytes).unwrap_or(0);
        bytes.drain(..taken);
        while self.wants_write() {
            // Writing again will tell what is wrong.
            if self.write_some(socket).is_err() {
                return false;
            }
        }
        bytes.is_empty()
    }

    /// Tells the client that nothing more comes (RFC 8446 §6.1), as far as the kernel takes it at once.
    pub(crate) fn say_goodbye(&self, mut socket: &TcpStream) {
        let mut connection = self.connection.borrow_mut();
        connection.send_close_notify();
        while connection.wants_write() && connection.write_tls(&mut socket).is_ok_and(|n| n > 0) {}
    }
}

/// Takes in what was read. What is wrong with it is told to the client, in an alert.
fn process(connection: &mut ServerConnection, mut socket: &TcpStream) -> io::Result<()> {
    let processed = connection.process_new_packets();
    if processed.is_err() {
        // It is closed next, whether or not it hears of it.
        let _ = connection.write_tls(&mut socket);
    }
    processed.map(|_| ()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_from_a_handshake_by_its_first_byte() {
        for (first, plain) in
            [(22, false), (0x80, false), (0, false), (b'G', true), (b'P', true), (b'\r', true), (b'!', true)]
        {
            assert_eq!(looks_plain(first), plain, "{first}");
        }
    }
}
