//! A connection to an upstream: a socket, or TLS over it. It is read and written by one task, each as far as it goes.

use rustls::ClientConnection;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;

/// How much is read at once.
const PIECE: usize = 16 << 10;

/// What carries the bytes of HTTP.
pub(super) struct Stream(Layer);

enum Layer {
    Plain(TcpStream),
    Secure(Box<Session>),
}

/// TLS with one upstream.
pub(super) struct Session {
    socket: TcpStream,
    client: ClientConnection,
}

impl Stream {
    pub(super) fn plain(socket: TcpStream) -> Stream {
        Stream(Layer::Plain(socket))
    }

    /// Over TLS whose handshake is done.
    pub(super) fn within(session: Session) -> Stream {
        Stream(Layer::Secure(Box::new(session)))
    }

    /// Appends some of what has come; 0 bytes are the end. Errors: the socket's; `UnexpectedEof` where TLS ended without a
    /// word, so that it may not be the end (RFC 9112 §9.8); `InvalidData` where it is broken.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let before = buffer.len();
        buffer.resize(before + PIECE, 0);
        let read = match &mut self.0 {
            Layer::Plain(socket) => poll_read_socket(socket, context, &mut buffer[before..]),
            Layer::Secure(session) => session.poll_read(context, &mut buffer[before..]),
        };
        buffer.truncate(before + if let Poll::Ready(Ok(n)) = read { n } else { 0 });
        read
    }

    /// Takes some bytes, and says how many. What TLS has taken goes out with [`Stream::poll_flush`].
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Layer::Plain(socket) => poll_write_socket(socket, context, bytes),
            Layer::Secure(session) => loop {
                match session.client.writer().write(bytes)? {
                    0 if !bytes.is_empty() => ready!(session.poll_send(context))?,
                    n => return Poll::Ready(Ok(n)),
                }
            },
        }
    }

    /// Sends what TLS has taken and the kernel has not.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Layer::Plain(_) => Poll::Ready(Ok(())),
            Layer::Secure(session) => session.poll_flush(context),
        }
    }
}

impl Session {
    pub(super) fn new(socket: TcpStream, client: ClientConnection) -> Session {
        Session { socket, client }
    }

    /// The handshake, to its end. Errors: the socket's, and `InvalidData` around what TLS says.
    pub(super) async fn greet(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            loop {
                ready!(self.poll_flush(context))?;
                if !self.client.is_handshaking() {
                    return Poll::Ready(Ok(()));
                }
                if ready!(self.poll_receive(context))? == 0 {
                    return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
                }
            }
        })
        .await
    }

    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.client.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.poll_receive(context))?;
            // Answers of TLS itself; what the kernel does not take now goes with what is written next.
            if let Poll::Ready(Err(error)) = self.poll_flush(context) {
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Takes in what has come from the socket; 0 bytes are its end. What is wrong with it is told to the upstream.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Session { socket, client } = self;
        let read = loop {
            ready!(socket.poll_read_ready(context))?;
            match client.read_tls(&mut Now(socket)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => break read?,
            }
        };
        if let Err(error) = client.process_new_packets() {
            // It is closed next, whether or not it hears of it.
            let _ = client.write_tls(&mut Now(socket));
            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(read))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.client.wants_write() {
            ready!(self.poll_send(context))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends some of what is encrypted.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Session { socket, client } = self;
        loop {
            ready!(socket.poll_write_ready(context))?;
            match client.write_tls(&mut Now(socket)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent.map(|_| ())),
            }
        }
    }
}

fn poll_read_socket(socket: &TcpStream, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_read_ready(context))?;
        match socket.try_read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read),
        }
    }
}

fn poll_write_socket(socket: &TcpStream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_write_ready(context))?;
        match socket.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}

/// A socket as it is now: what cannot be done at once would block.
struct Now<'a>(&'a TcpStream);

impl Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
