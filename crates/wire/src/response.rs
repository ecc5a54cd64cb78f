//! The head of a response, as a client reads it: parsed into offsets, and what it says about where its content ends.
//!
//! It is read by the scanner that reads requests (`scan.rs`), line for line and as strictly; only the start line and what the
//! fields mean are different. There is no fast way: a gateway waits longer for an upstream than a scan takes.

use verdict_core::cause::Malformed;
use verdict_core::method::Method;
use verdict_core::status::{Class, Status};

use crate::body::Body;
use crate::byte;
use crate::fields::{Fields, Line};
use crate::framing;
use crate::head::{Framing, Limits, Progress, Span, Version};
use crate::name::Name;
use crate::scan::{self, Cursor, FieldLine, Lines, Resume, Stop, Taken};

/// `HTTP/1.1 200 `: what stands before the reason phrase.
const BEFORE_REASON: usize = 13;

/// A rule that a response breaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Broken {
    /// It does not begin with `HTTP-version SP status-code SP`: it is no response of HTTP/1 (RFC 9112 §4). The space after
    /// the code is there even where the reason phrase is not.
    StatusLine,
    /// The status code is not three digits, of which the first is at least 1 (RFC 9110 §15).
    StatusCode,
    /// A byte that a reason phrase cannot have (RFC 9112 §4).
    ReasonPhrase,
    /// A rule that holds for requests too: of the version, of lines, of fields, of framing, and the limits.
    Message(Malformed),
    /// 101, and nobody asked for another protocol (RFC 9110 §15.2.2: the client has to have named it in `Upgrade`).
    SwitchUnasked,
    /// Bytes after a response that has no content: an answer that nobody asked for (RFC 9112 §6.3).
    Unasked,
}

/// What is wrong with a response, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseFault {
    /// The rule that was broken.
    pub cause: Broken,
    /// The byte that broke it, counted from the first byte of the response.
    pub at: usize,
}

/// What of a request decides what its response may be, and where that ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requested {
    /// The method.
    pub method: Method,
    /// Whether it offered to change the protocol (RFC 9110 §7.8).
    pub upgrade: bool,
}

/// Where a response ends (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Extent {
    /// With its head: the response to HEAD, 1xx, 204, 304. Another response follows an interim one.
    #[default]
    Head,
    /// It does not: what follows is a tunnel (2xx to CONNECT) or another protocol (101).
    Tunnel,
    /// After so many bytes of content.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// A response's head. Made once for a connection and used for each response in turn; after the first it allocates nothing.
///
/// ```
/// use verdict_core::method::Method;
/// use verdict_wire::{Extent, Limits, Piece, Progress, Requested, Response};
///
/// let input = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
/// let mut response = Response::new();
/// let requested = Requested { method: Method::Get, upgrade: false };
/// assert_eq!(response.parse(input, &Limits::default(), requested), Ok(Progress::Complete));
/// assert_eq!((response.status.code(), response.extent), (200, Extent::Length(2)));
///
/// let mut body = response.body();
/// assert_eq!(body.decode(&input[response.len..]), Ok(Piece::Data { skip: 0, len: 2 }));
/// assert!(body.is_done() && response.may_be_reused(&body, b""));
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    /// The version.
    pub version: Version,
    /// The status code.
    pub status: Status,
    /// The reason phrase, which means nothing (RFC 9112 §4: "A client SHOULD ignore").
    pub reason: Span,
    /// How many bytes the head has, with the empty line that ends it.
    pub len: usize,
    /// Where it ends.
    pub extent: Extent,
    /// Whether the server lets the connection be used again, as far as the head can say (RFC 9112 §9.3).
    pub persistent: bool,
    fields: Fields,
    requested: Requested,
    resume: Resume,
}

impl Default for Response {
    fn default() -> Response {
        Response::new()
    }
}

impl Response {
    /// An empty one.
    pub fn new() -> Response {
        Response {
            version: Version::Http11,
            status: Status::OK,
            reason: Span::default(),
            len: 0,
            extent: Extent::Head,
            persistent: false,
            fields: Fields::new(),
            requested: Requested { method: Method::Get, upgrade: false },
            resume: Resume::default(),
        }
    }

    /// Parses the head that `input` begins with, of a response to that request. After `Partial`, call it again with the same
    /// bytes and more; after `Complete` or a fault, the next call begins a new response: the one that follows an interim
    /// response begins at [`Response::len`]. How many interim responses are too many is the caller's to say.
    ///
    /// Of the limits, `target` bounds the reason phrase, and is `HeadTooLarge` too. A fault is final, and the first one in
    /// the message: its cause and offset do not depend on how the bytes were split.
    pub fn parse(&mut self, input: &[u8], limits: &Limits, requested: Requested) -> Result<Progress, ResponseFault> {
        if !self.resume.begun() {
            self.clear();
        }
        self.requested = requested;
        let progress = scan::advance(self, input, &limits.applied());
        if progress != Ok(Progress::Partial) {
            self.resume = Resume::default();
        }
        progress.map_err(|(cause, at)| ResponseFault { cause, at })
    }

    /// Forgets what was parsed, a half of a head too.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.resume = Resume::default();
    }

    /// Whether another response to the same request follows: 1xx, but for 101 (RFC 9110 §15.2).
    pub fn is_interim(&self) -> bool {
        self.status.class() == Class::Informational && self.status != Status::SWITCHING_PROTOCOLS
    }

    /// The decoder of its content. What follows a tunnel's head is not content, and the decoder is done at once.
    pub fn body(&self) -> Body {
        match self.extent {
            Extent::Head | Extent::Tunnel => Body::new(Framing::None),
            Extent::Length(length) => Body::new(Framing::Length(length)),
            Extent::Chunked => Body::new(Framing::Chunked),
            Extent::Close => Body::until_close(),
        }
    }

    /// Whether the connection may take another request: the server lets it, the content was read to its end, and nothing
    /// came after it. What did would be read as the next response (RFC 9112 §6.3: it must not be).
    pub fn may_be_reused(&self, body: &Body, left_over: &[u8]) -> bool {
        self.persistent && !self.is_interim() && body.is_done() && left_over.is_empty()
    }

    /// Whether nothing came after the head of a response without content. What did is an answer that nobody asked for, or
    /// content where there must be none. `left_over` is what follows [`Response::len`].
    pub fn nothing_follows(&self, left_over: &[u8]) -> Result<(), ResponseFault> {
        match self.extent {
            Extent::Head if !self.is_interim() && !left_over.is_empty() => {
                Err(ResponseFault { cause: Broken::Unasked, at: self.len })
            }
            _ => Ok(()),
        }
    }

    /// The field lines in the order in which they came.
    pub fn lines(&self) -> &[Line] {
        self.fields.lines()
    }

    /// Whether there is a line of that name.
    pub fn has(&self, name: Name) -> bool {
        self.fields.has(name)
    }

    /// The value of the first line of that name, in the message that was parsed.
    pub fn value<'a>(&self, name: Name, message: &'a [u8]) -> Option<&'a [u8]> {
        self.fields.first(name).map(|span| span.of(message))
    }

    /// The values of all lines of that name, in order.
    pub fn all(&self, name: Name) -> impl Iterator<Item = Span> + Clone {
        self.fields.all(name)
    }

    /// The lines that are not of the connection alone, and may be passed on: all but those that are hop-by-hop and those that
    /// `Connection` names (RFC 9110 §7.6.1).
    pub fn end_to_end<'a>(&'a self, message: &'a [u8]) -> impl Iterator<Item = &'a Line> {
        self.lines().iter().filter(move |line| {
            let name = line.name.of(message);
            !line.known.is_some_and(is_hop_by_hop)
                && !framing::options(&self.fields, message).any(|(option, _)| option.eq_ignore_ascii_case(name))
        })
    }

    /// Ends the head at `len` and decides what its fields say about the message.
    fn conclude(&mut self, input: &[u8], len: usize) -> Result<(), Stop<Broken>> {
        self.len = len;
        self.extent = self.extent(input)?;
        self.persistent = self.persists(input);
        Ok(())
    }

    /// RFC 9112 §6.3, rule by rule.
    fn extent(&self, input: &[u8]) -> Result<Extent, Stop> {
        let switched = self.status == Status::SWITCHING_PROTOCOLS;
        let connected = self.requested.method == Method::Connect && self.status.class() == Class::Successful;
        // Rule 1 and RFC 9110 §15.2.2 (whether the switch was asked for is known since the status line). Rule 2: "A client
        // MUST ignore any Content-Length or Transfer-Encoding header fields received in such a message".
        if switched || connected {
            return Ok(Extent::Tunnel);
        }
        if self.requested.method == Method::Head || self.status.ends_with_head() {
            return Ok(Extent::Head);
        }
        // Rules 3 to 6. A coding that is not chunked is one that nobody asked for, as no `TE` is ever sent: rule 4 would
        // have it read until the close and decoded, and nothing here could.
        match framing::framing(&self.fields, self.version, self.len, input)? {
            Framing::Length(length) => Ok(Extent::Length(length)),
            Framing::Chunked => Ok(Extent::Chunked),
            // Rule 8.
            Framing::None => Ok(Extent::Close),
        }
    }

    /// RFC 9112 §9.3: `close` wins, 1.1 stays without a word, 1.0 stays with `keep-alive`. What ends with the connection, or
    /// becomes something else, takes it with it.
    fn persists(&self, input: &[u8]) -> bool {
        let says =
            |word: &[u8]| framing::options(&self.fields, input).any(|(found, _)| found.eq_ignore_ascii_case(word));
        !matches!(self.extent, Extent::Close | Extent::Tunnel)
            && !says(b"close")
            && (self.version == Version::Http11 || says(b"keep-alive"))
    }
}

/// Fields of one connection, which are not passed on (RFC 9110 §7.6.1), whatever `Connection` names. `Trailer` is among them
/// because trailers are dropped here.
pub(crate) fn is_hop_by_hop(name: Name) -> bool {
    matches!(
        name,
        Name::Connection
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::Te
            | Name::Trailer
            | Name::TransferEncoding
            | Name::Upgrade
    )
}

impl From<Stop> for Stop<Broken> {
    fn from(stop: Stop) -> Stop<Broken> {
        match stop {
            Stop::Partial => Stop::Partial,
            Stop::Fault(cause, at) => Stop::Fault(Broken::Message(cause), at),
        }
    }
}

impl Lines for Response {
    type Cause = Broken;

    fn resume(&mut self) -> &mut Resume {
        &mut self.resume
    }

    fn take_line(&mut self, input: &[u8], limits: &Limits) -> Result<Taken, Stop<Broken>> {
        let Some(fields) = self.resume.fields else { return status_line(self, input, limits) };
        let cursor = Cursor::fields(input, self.resume.line, fields, limits);
        match scan::field_line(&mut self.fields, cursor, limits)? {
            FieldLine::Line(end) => Ok(Taken::Line(end)),
            FieldLine::End(end) => {
                self.conclude(input, end)?;
                Ok(Taken::Head)
            }
        }
    }

    fn patience(limits: &Limits) -> usize {
        limits.target
    }
}

/// `HTTP-version SP status-code SP [ reason-phrase ] CRLF` (RFC 9112 §4). No empty line may stand before it: §2.2 lets only
/// servers pass over one.
fn status_line(response: &mut Response, input: &[u8], limits: &Limits) -> Result<Taken, Stop<Broken>> {
    let bound = BEFORE_REASON + limits.target;
    let mut cursor = Cursor { input, at: 0, bound: None };
    let version = version(&mut cursor)?;
    let status = status(&mut cursor)?;
    if status == Status::SWITCHING_PROTOCOLS && !response.requested.upgrade {
        return Err(Stop::Fault(Broken::SwitchUnasked, BEFORE_REASON - 4));
    }
    // From here the line is looked at again only when it is too long, or over.
    response.resume.patience = bound;
    let start = cursor.at;
    loop {
        match cursor.peek()? {
            b'\r' => break,
            // The CR after a phrase of just the greatest length is not part of it.
            _ if cursor.at == bound => return Err(Stop::Fault(Broken::Message(Malformed::HeadTooLarge), bound)),
            b if byte::is_value(b) => cursor.at += 1,
            _ => return Err(Stop::Fault(Broken::ReasonPhrase, cursor.at)),
        }
    }
    response.version = version;
    response.status = status;
    response.reason = Span::new(start, cursor.at);
    let end = cursor.end_line();
    response.resume.fields = Some(end);
    Ok(Taken::Line(end))
}

/// `"HTTP" "/" DIGIT "." DIGIT SP` (RFC 9112 §2.3). What does not begin so is no HTTP, whatever else it is.
fn version(cursor: &mut Cursor<'_>) -> Result<Version, Stop<Broken>> {
    let mut digits = [0; 2];
    for expected in *b"HTTP/0.0 " {
        let found = match cursor.input.get(cursor.at) {
            Some(found) => *found,
            None => return Err(Stop::Partial),
        };
        if expected == b'0' && found.is_ascii_digit() {
            digits[usize::from(cursor.at > 5)] = found;
        } else if found != expected {
            return Err(Stop::Fault(Broken::StatusLine, cursor.at));
        }
        cursor.at += 1;
    }
    match digits {
        [b'1', b'0'] => Ok(Version::Http10),
        // RFC 9110 §2.5: a minor version that we do not know is processed as the highest that we do.
        [b'1', _] => Ok(Version::Http11),
        _ => Err(Stop::Fault(Broken::Message(Malformed::VersionNotSupported), 5)),
    }
}

/// `3DIGIT SP` (RFC 9112 §4).
fn status(cursor: &mut Cursor<'_>) -> Result<Status, Stop<Broken>> {
    let start = cursor.at;
    let mut code = 0;
    while cursor.at < start + 3 {
        match cursor.peek()? {
            b @ b'0'..=b'9' => code = code * 10 + u16::from(b - b'0'),
            _ => return Err(Stop::Fault(Broken::StatusCode, cursor.at)),
        }
        cursor.at += 1;
    }
    match cursor.peek()? {
        b' ' => cursor.at += 1,
        b'0'..=b'9' => return Err(Stop::Fault(Broken::StatusCode, cursor.at)),
        _ => return Err(Stop::Fault(Broken::StatusLine, cursor.at)),
    }
    // RFC 9110 §15: "Values outside the range 100..599 are invalid"; 600 to 999 are taken as 5xx, as it advises.
    Status::from_wire(code).ok_or(Stop::Fault(Broken::StatusCode, start))
}
