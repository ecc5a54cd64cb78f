//! One request and its answer over a connection of its own: bounded in the size of its head, and in the time of each step.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use verdict_core::Method;
use verdict_core::client::{Origin, Url};
use verdict_server::outgoing::{Secured, Trust};
use verdict_wire::{Body, Broken, Limits, Piece, Progress, RequestWriter, Requested, Response, Sent};

/// Interim answers that are read before the final one. RFC 9110 §15.2 has no end to them.
const MOST_INTERIM: usize = 16;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: Url,
    /// Names and values, none of those that belong to a connection.
    pub(super) fields: Vec<(String, String)>,
    pub(super) content: Option<Vec<u8>>,
}

/// Why there is no answer, or not all of it.
#[derive(Debug)]
pub(super) enum Lost {
    /// The name cannot be looked up, or none of its addresses can be reached.
    Unreachable(io::Error),
    /// No TLS, or not with whom it should be.
    Tls(io::Error),
    /// The connection broke.
    Broke(io::Error),
    /// Nothing came for as long as is waited.
    Slow(Duration),
    /// The connection ended before the answer did.
    Cut,
    /// What came is no HTTP, or breaks one of its rules.
    Malformed(String),
    /// The request cannot be written.
    Unwritable(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Unreachable(error) => write!(f, "the server cannot be reached: {error}"),
            Lost::Tls(error) => write!(f, "there is no TLS with the server: {error}"),
            Lost::Broke(error) => write!(f, "the connection broke: {error}"),
            Lost::Slow(time) => write!(f, "the server was silent for {} s", time.as_secs()),
            Lost::Cut => f.write_str("the connection ended before the answer did"),
            Lost::Malformed(what) => write!(f, "the answer is malformed: {what}"),
            Lost::Unwritable(what) => write!(f, "the request cannot be sent: {what}"),
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<Secured>),
}

/// An answer, of which the head has been read.
pub(super) struct Exchange {
    stream: Stream,
    /// The same socket, for its timeouts.
    socket: TcpStream,
    patience: Duration,
    /// The head, and what came behind it.
    buffer: Vec<u8>,
    /// Up to where it has been looked at.
    at: usize,
    pub(super) response: Response,
    body: Body,
}

/// What came before the content.
pub(super) enum Came<'a> {
    /// What is going to be sent.
    Request(&'a [u8]),
    /// A head, interim or final.
    Head(&'a Response, &'a [u8]),
}

impl Exchange {
    /// Sends the request and reads the head of its answer. `tell` hears of everything that is sent and comes until then.
    pub(super) fn begin(
        request: &Request,
        trust: &dyn Fn() -> Result<Trust, String>,
        patience: Duration,
        mut tell: impl FnMut(Came<'_>),
    ) -> Result<Exchange, Lost> {
        let head = head(request)?;
        let socket = dial(request.url.origin(), patience)?;
        let timeouts = socket.set_read_timeout(Some(patience)).and_then(|()| socket.set_write_timeout(Some(patience)));
        let kept = timeouts.and_then(|()| socket.try_clone()).map_err(Lost::Broke)?;
        // A request is written at once; without this it is only slower.
        let _ = socket.set_nodelay(true);
        let stream = match request.url.origin().secure {
            false => Stream::Plain(socket),
            true => {
                let trust = trust().map_err(|why| Lost::Tls(io::Error::other(why)))?;
                let secured = trust.secure(socket, &request.url.origin().host);
                Stream::Secure(Box::new(secured.map_err(|error| lost(error, patience, Lost::Tls))?))
            }
        };
        tell(Came::Request(&head));
        let body = Body::until_close();
        let mut exchange =
            Exchange { stream, socket: kept, patience, buffer: Vec::new(), at: 0, response: Response::new(), body };
        let sent = exchange.send(&head, request.content.as_deref().unwrap_or_default());
        let requested = Requested { method: Method::from_token(request.method.as_bytes()), upgrade: false };
        // RFC 9112 §9.5: who is refused early may not have been able to send all of it, and reads the refusal.
        match (exchange.read_head(requested, &mut tell), sent) {
            (Ok(()), _) => Ok(exchange),
            (Err(Lost::Cut | Lost::Broke(_)), Err(error)) => Err(lost(error, patience, Lost::Broke)),
            (Err(lost), _) => Err(lost),
        }
    }

    fn send(&mut self, head: &[u8], content: &[u8]) -> io::Result<()> {
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Secure(stream) => stream,
        };
        stream.write_all(head)?;
        stream.write_all(content)?;
        stream.flush()
    }

    fn read_head(&mut self, requested: Requested, tell: &mut impl FnMut(Came<'_>)) -> Result<(), Lost> {
        let begun = Instant::now();
        for _ in 0..=MOST_INTERIM {
            while self.response.parse(&self.buffer, &Limits::default(), requested).map_err(malformed)?
                == Progress::Partial
            {
                // A head that drips is as slow as one that does not come.
                let left = self.patience.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
                let left = left.ok_or(Lost::Slow(self.patience))?;
                self.socket.set_read_timeout(Some(left)).map_err(Lost::Broke)?;
                if self.fill()? == 0 {
                    return Err(Lost::Cut);
                }
            }
            tell(Came::Head(&self.response, &self.buffer));
            if !self.response.is_interim() {
                self.at = self.response.len;
                self.body = self.response.body();
                return self.socket.set_read_timeout(Some(self.patience)).map_err(Lost::Broke);
            }
            self.buffer.drain(..self.response.len);
            self.response.clear();
        }
        Err(Lost::Malformed(format!("more than {MOST_INTERIM} interim answers")))
    }

    /// Reads some more bytes behind those that are there; 0 are the end.
    fn fill(&mut self) -> Result<usize, Lost> {
        let from = self.buffer.len();
        self.buffer.resize(from + PIECE, 0);
        let room = &mut self.buffer[from..];
        let read = loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(room),
                Stream::Secure(stream) => stream.read(room),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(from + read.as_ref().map_or(0, |n| *n));
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Lost::Cut,
            _ => lost(error, self.patience, Lost::Broke),
        })
    }

    /// The bytes of the head.
    pub(super) fn head(&self) -> &[u8] {
        &self.buffer[..self.response.len]
    }

    /// The value of the only line of that name; none where there are several, which for a field that is no list is malformed
    /// (RFC 9110 §5.3).
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        let head = self.head();
        let mut lines =
            self.response.lines().iter().filter(|line| line.name.of(head).eq_ignore_ascii_case(name.as_bytes()));
        let value = lines.next()?.value.of(head);
        lines.next().is_none().then_some(value)
    }

    /// Bytes of content that are still to come, where it is said.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.body.remaining()
    }

    /// Hands over the content piece by piece, to its end. The inner error is who takes it's.
    pub(super) fn content<E>(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<Result<(), E>, Lost> {
        // The head is not needed from here on; its fields have been read.
        loop {
            let malformed = |fault: verdict_wire::Fault| Lost::Malformed(format!("its content, at byte {}", fault.at));
            match self.body.decode(&self.buffer[self.at..]).map_err(malformed)? {
                Piece::End { .. } => return Ok(Ok(())),
                Piece::Data { skip, len } => {
                    let start = self.at + skip;
                    self.at = start + len;
                    if let Err(error) = take(&self.buffer[start..self.at]) {
                        return Ok(Err(error));
                    }
                }
                Piece::More { .. } => {
                    // Lines of the head stay readable; what was content is dropped.
                    self.buffer.truncate(self.response.len);
                    self.at = self.buffer.len();
                    if self.fill()? == 0 {
                        // RFC 9112 §8: what ends before it should is incomplete.
                        return if self.body.is_whole_at_the_end() { Ok(Ok(())) } else { Err(Lost::Cut) };
                    }
                }
            }
        }
    }
}

/// The head of the request. Its connection is for it alone (RFC 9112 §9.6).
fn head(request: &Request) -> Result<Vec<u8>, Lost> {
    let unwritable = |why: verdict_wire::Refused| Lost::Unwritable(why.to_string());
    let mut head = Vec::new();
    let authority = request.url.origin().authority();
    let mut writer =
        RequestWriter::new(&mut head, &request.method, request.url.target(), &authority).map_err(unwritable)?;
    for (name, value) in &request.fields {
        writer.field(name, value.as_bytes()).map_err(unwritable)?;
    }
    writer.finish(request.content.as_ref().map_or(Sent::Nothing, |content| Sent::Length(content.len() as u64)), false);
    Ok(head)
}

/// A connection to one of the addresses, in the order in which the system prefers them.
fn dial(origin: &Origin, patience: Duration) -> Result<TcpStream, Lost> {
    let host = origin.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&origin.host);
    let begun = Instant::now();
    let addresses: Vec<_> = (host, origin.port).to_socket_addrs().map_err(Lost::Unreachable)?.collect();
    let mut last = io::Error::other("the name has no address");
    for (i, address) in addresses.iter().enumerate() {
        // What one does not use is for those after it.
        let left = patience.saturating_sub(begun.elapsed()) / (addresses.len() - i) as u32;
        match TcpStream::connect_timeout(address, left.max(Duration::from_millis(1))) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(Lost::Unreachable(last))
}

/// A timeout has two names.
fn lost(error: io::Error, patience: Duration, otherwise: impl FnOnce(io::Error) -> Lost) -> Lost {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Lost::Slow(patience),
        _ => otherwise(error),
    }
}

fn malformed(fault: verdict_wire::ResponseFault) -> Lost {
    let what = match fault.cause {
        Broken::StatusLine => "it does not begin as HTTP/1.1 does",
        Broken::StatusCode => "its status is not three digits",
        Broken::ReasonPhrase => "a control byte in its status line",
        Broken::SwitchUnasked => "it changes to a protocol that nobody offered",
        Broken::Unasked => "content where there is none",
        Broken::Message(verdict_core::cause::Malformed::HeadTooLarge) => "its head is too large",
        Broken::Message(_) => "its head breaks a rule of HTTP/1.1",
    };
    Lost::Malformed(format!("{what} (byte {})", fault.at))
}
