//! The head of a response, as a client reads it: parsed into offsets, and what it says about where its content ends.
//!
//! It is read by the scanner that reads requests (`scan.rs`), line for line and as strictly; only the start line and what the
//! fields mean are different. What is complete and clean goes a fast way, as requests do (`fast.rs`).

use verdict_core::cause::Malformed;
use verdict_core::method::Method;
use verdict_core::status::{Class, Status};

use crate::body::Body;
use crate::byte;
use crate::fast;
use crate::fields::{Fields, Line};
use crate::framing;
use crate::head::{Framing, Limits, Progress, Span, Version};
use crate::name::Name;
use crate::scan::{self, Cursor, FieldLine, Lines, Resume, Stop, Taken};

/// `HTTP/1.1 200 `: what stands before the reason phrase.
pub(crate) const BEFORE_REASON: usize = 13;

/// The status of a response that has not been read.
const UNREAD: Status = match Status::from_wire(100) {
    Some(status) => status,
    None => unreachable!(),
};

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
            status: UNREAD,
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
        self.requested = requested;
        let limits = limits.applied();
        // It is where nothing has begun.
        if self.resume.worth_the_fast_way(input) {
            self.clear();
            if let Some(len) = fast::parse_response(self, input, &limits, requested.upgrade)
                && self.conclude(input, len).is_ok()
            {
                return Ok(Progress::Complete);
            }
            self.clear();
        }
        let progress = scan::advance(self, input, &limits);
        if progress != Ok(Progress::Partial) {
            self.resume = Resume::default();
        }
        progress.map_err(|(cause, at)| ResponseFault { cause, at })
    }

    pub(crate) fn fields_mut(&mut self) -> &mut Fields {
        &mut self.fields
    }

    /// Forgets what was parsed, a half of a head too.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.resume = Resume::default();
    }

    /// Whether another response to the same request follows: 1xx, but for 101 (RFC 9110 §15.2).
    pub fn is_interim(&self) -> bool {
        self.status.class() == Class::Informational && !self.status.switches_protocol()
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
        self.fields.end_to_end(message)
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
        let switched = self.status.switches_protocol();
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
        let says = |word: &[u8]| {
            self.has(Name::Connection)
                && framing::options(&self.fields, input).any(|(found, _)| found.eq_ignore_ascii_case(word))
        };
        !matches!(self.extent, Extent::Close | Extent::Tunnel)
            && !says(b"close")
            && (self.version == Version::Http11 || says(b"keep-alive"))
    }
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
    if status.switches_protocol() && !response.requested.upgrade {
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

#[cfg(test)]
mod tests {
    use Broken::*;

    use super::*;

    const GET: Requested = Requested { method: Method::Get, upgrade: false };

    fn parse(input: &str, requested: Requested) -> Result<(Response, Progress), (Broken, usize)> {
        let mut response = Response::new();
        let parsed = response.parse(input.as_bytes(), &Limits::default(), requested);
        parsed.map(|progress| (response, progress)).map_err(|fault| (fault.cause, fault.at))
    }

    fn whole(input: &str, requested: Requested) -> Response {
        match parse(input, requested) {
            Ok((response, Progress::Complete)) => response,
            other => panic!("{input:?}: {other:?}"),
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let message = "HTTP/1.1 404 Not  Found \r\nA:\t b \r\nserver: x\r\n\r\nhello";
        let response = whole(message, GET);
        assert_eq!(
            (response.version, response.status, response.reason.len()),
            (Version::Http11, Status::NOT_FOUND, 11)
        );
        assert_eq!(response.reason.of(message.as_bytes()), b"Not  Found ");
        assert_eq!(&message[response.len..], "hello");
        let lines: Vec<_> = response.lines().iter().map(|line| (line.name, line.value)).collect();
        let bytes = |(name, value): (Span, Span)| (name.of(message.as_bytes()), value.of(message.as_bytes()));
        assert_eq!(lines.into_iter().map(bytes).collect::<Vec<_>>(), [(&b"A"[..], &b"b"[..]), (b"server", b"x")]);
    }

    #[test]
    fn a_broken_status_line_is_named_with_its_offset() {
        for (line, cause, at) in [
            ("SSH-2.0-x\r\n", StatusLine, 0),
            ("\r\nHTTP/1.1 200 OK\r\n", StatusLine, 0),
            (" HTTP/1.1 200 OK\r\n", StatusLine, 0),
            ("http/1.1 200 OK\r\n", StatusLine, 0),
            ("HTTPS/1.1 200 OK\r\n", StatusLine, 4),
            ("HTTP/x.1 200 OK\r\n", StatusLine, 5),
            ("HTTP/11 200 OK\r\n", StatusLine, 6),
            ("HTTP/1.10 200 OK\r\n", StatusLine, 8),
            ("HTTP/1.1\t200 OK\r\n", StatusLine, 8),
            ("HTTP/1.1\r\n", StatusLine, 8),
            ("HTTP/2.0 200 OK\r\n", Message(Malformed::VersionNotSupported), 5),
            ("HTTP/0.9 200 OK\r\n", Message(Malformed::VersionNotSupported), 5),
            ("HTTP/1.1  200 OK\r\n", StatusCode, 9),
            ("HTTP/1.1 OK\r\n", StatusCode, 9),
            ("HTTP/1.1 20 OK\r\n", StatusCode, 11),
            ("HTTP/1.1 20\r\n", StatusCode, 11),
            ("HTTP/1.1 2000 OK\r\n", StatusCode, 12),
            ("HTTP/1.1 099 OK\r\n", StatusCode, 9),
            ("HTTP/1.1 +20 OK\r\n", StatusCode, 9),
            ("HTTP/1.1 200\r\n", StatusLine, 12),
            ("HTTP/1.1 200\tOK\r\n", StatusLine, 12),
            ("HTTP/1.1 200OK\r\n", StatusLine, 12),
            ("HTTP/1.1 200 O\u{1}K\r\n", ReasonPhrase, 14),
            ("HTTP/1.1 200 O\u{7f}K\r\n", ReasonPhrase, 14),
            ("HTTP/1.1 200 O\0K\r\n", Message(Malformed::NulByte), 14),
            ("HTTP/1.1 200 OK\n", Message(Malformed::BareLf), 15),
            ("HTTP/1.1 200\n", Message(Malformed::BareLf), 12),
            ("HTTP/1.1 200 OK\r\r\n", Message(Malformed::BareCr), 15),
            ("HTTP/1.1 101 \r\n", SwitchUnasked, 9),
            ("HTTP/1.1 200 OK\r\n A: b\r\n", Message(Malformed::ObsFold), 17),
            ("HTTP/1.1 200 OK\r\nA : b\r\n", Message(Malformed::SpaceBeforeColon), 18),
            ("HTTP/1.1 200 OK\r\nA\r\n", Message(Malformed::ColonMissing), 17),
            ("HTTP/1.1 200 OK\r\nA: \u{1}\r\n", Message(Malformed::FieldValue), 20),
        ] {
            let whole = format!("{line}\r\n");
            assert_eq!(parse(&whole, GET).map(|_| ()), Err((cause, at)), "{}", whole.escape_debug());
        }
        for line in ["HTTP/1.1 200 ", "HTTP/1.9 999 caf\u{e9}", "HTTP/1.0 100 \t \t"] {
            whole(&format!("{line}\r\n\r\n"), GET);
        }
    }

    #[test]
    fn a_limit_is_named_as_soon_as_it_is_passed() {
        let limits = Limits { target: 4, fields: 12, lines: 2 };
        let large = |at| Err(ResponseFault { cause: Message(Malformed::HeadTooLarge), at });
        for (message, expected) in [
            ("HTTP/1.1 200 abcd\r\n", Ok(Progress::Partial)),
            ("HTTP/1.1 200 abcd\r\nA: 4567\r\n\r\n", Ok(Progress::Complete)),
            ("HTTP/1.1 200 abcde", large(17)),
            ("HTTP/1.1 200 abcd\r\nA: 4567890", Ok(Progress::Partial)),
            ("HTTP/1.1 200 abcd\r\nA: 45678901", Ok(Progress::Partial)),
            ("HTTP/1.1 200 abcd\r\nA: 456789012", Ok(Progress::Partial)),
            ("HTTP/1.1 200 abcd\r\nA: 4567890123", large(31)),
            (
                "HTTP/1.1 200 \r\nA:\r\nB:\r\nC:\r\n",
                Err(ResponseFault { cause: Message(Malformed::TooManyFields), at: 23 }),
            ),
        ] {
            let found = Response::new().parse(message.as_bytes(), &limits, GET);
            assert_eq!(found, expected, "{}", message.escape_debug());
        }
    }

    #[test]
    fn a_response_ends_where_rfc_9112_section_6_3_says() {
        let head = Requested { method: Method::Head, upgrade: false };
        let connect = Requested { method: Method::Connect, upgrade: false };
        let upgrade = Requested { method: Method::Get, upgrade: true };
        // request, what follows `HTTP/`, extent, whether the connection stays
        for (requested, rest, extent, persistent) in [
            (GET, "1.1 200 \r\nContent-Length: 5", Extent::Length(5), true),
            (GET, "1.1 200 \r\nContent-Length: 5\r\nContent-Length: 05, 5", Extent::Length(5), true),
            (GET, "1.1 200 \r\nContent-Length: 5\r\nConnection: x, CLOSE", Extent::Length(5), false),
            (GET, "1.0 200 \r\nContent-Length: 5", Extent::Length(5), false),
            (GET, "1.0 200 \r\nContent-Length: 5\r\nConnection: Keep-Alive", Extent::Length(5), true),
            (GET, "1.0 200 \r\nContent-Length: 5\r\nConnection: keep-alive, close", Extent::Length(5), false),
            (GET, "1.1 500 \r\nTransfer-Encoding: CHUNKED", Extent::Chunked, true),
            (GET, "1.1 200 \r\nA: b", Extent::Close, false),
            (GET, "1.1 205 \r\nContent-Length: 0", Extent::Length(0), true),
            (GET, "1.1 100 \r\nContent-Length: 5", Extent::Head, true),
            (GET, "1.1 204 \r\nContent-Length: 5", Extent::Head, true),
            (GET, "1.1 204 \r\nTransfer-Encoding: gzip", Extent::Head, true),
            (GET, "1.1 304 \r\nContent-Length: 5\r\nContent-Length: 6", Extent::Head, true),
            (head, "1.1 200 \r\nContent-Length: 5", Extent::Head, true),
            (head, "1.1 200 \r\nTransfer-Encoding: chunked", Extent::Head, true),
            (head, "1.1 404 \r\nA: b", Extent::Head, true),
            (connect, "1.1 200 \r\nContent-Length: 5\r\nTransfer-Encoding: x", Extent::Tunnel, false),
            (connect, "1.1 407 \r\nContent-Length: 5", Extent::Length(5), true),
            (upgrade, "1.1 101 \r\nContent-Length: 5", Extent::Tunnel, false),
        ] {
            let response = whole(&format!("HTTP/{rest}\r\n\r\n"), requested);
            assert_eq!((response.extent, response.persistent), (extent, persistent), "{requested:?}: {rest}");
        }
    }

    #[test]
    fn framing_that_two_readers_could_read_differently_is_refused_at_what_makes_it_so() {
        use Malformed::*;
        for (rest, cause, at) in [
            ("1.1 200 \r\nContent-Length: 5\r\nContent-Length: 6", ContentLengthDiffers, "6"),
            ("1.1 200 \r\nContent-Length: 5, 6", ContentLengthDiffers, "6"),
            ("1.1 200 \r\nContent-Length: ", ContentLengthInvalid, "\r\n\r\n"),
            ("1.1 200 \r\nContent-Length: -1", ContentLengthInvalid, "-1"),
            ("1.1 200 \r\nContent-Length: 9223372036854775808", ContentLengthInvalid, "92233"),
            ("1.1 200 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked", BothLengths, "Transfer"),
            ("1.0 200 \r\nTransfer-Encoding: chunked", TransferEncodingInHttp10, "Transfer"),
            ("1.1 200 \r\nTransfer-Encoding: gzip, chunked", TransferCodingUnknown, "gzip"),
            ("1.1 200 \r\nTransfer-Encoding: gzip", ChunkedNotLast, "gzip"),
            ("1.1 200 \r\nTransfer-Encoding: chunked, gzip", ChunkedNotLast, "gzip"),
            ("1.1 200 \r\nTransfer-Encoding: chunked, chunked", ChunkedRepeated, "chunked\r\n\r\n"),
            ("1.1 200 \r\nTransfer-Encoding: ,chunked", TransferEncodingInvalid, ",chunked"),
        ] {
            let message = format!("HTTP/{rest}\r\n\r\n");
            let (found, offset) = parse(&message, GET).expect_err(rest);
            assert_eq!(found, Message(cause), "{rest}");
            assert!(message[offset..].starts_with(at), "{rest}: at {:?}", &message[offset..]);
        }
    }

    #[test]
    fn interim_responses_come_before_the_final_one() {
        let message = "HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nLink: a\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n";
        let (mut response, mut rest, mut codes) = (Response::new(), message.as_bytes(), Vec::new());
        while !rest.is_empty() {
            assert_eq!(response.parse(rest, &Limits::default(), GET), Ok(Progress::Complete));
            codes.push((response.status.code(), response.is_interim(), response.lines().len()));
            rest = &rest[response.len..];
            // What follows an interim response is no surprise.
            assert!(response.nothing_follows(rest).is_ok());
            assert_eq!(response.may_be_reused(&response.body(), rest), rest.is_empty());
        }
        assert_eq!(codes, [(100, true, 0), (103, true, 1), (200, false, 1)]);
    }

    #[test]
    fn bytes_after_a_response_are_never_the_next_one() {
        let length = whole("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n", GET);
        let mut body = length.body();
        assert!(!length.may_be_reused(&body, b""), "content is missing");
        body.decode(b"hi").unwrap();
        assert!(length.may_be_reused(&body, b""));
        assert!(!length.may_be_reused(&body, b"!"));
        assert_eq!(length.nothing_follows(b"!"), Ok(()), "the content is what it said");

        let none = whole("HTTP/1.1 204 \r\n\r\n", GET);
        assert!(none.may_be_reused(&none.body(), b"") && !none.may_be_reused(&none.body(), b"x"));
        assert_eq!(none.nothing_follows(b""), Ok(()));
        assert_eq!(none.nothing_follows(b"x"), Err(ResponseFault { cause: Unasked, at: none.len }));

        let close = whole("HTTP/1.1 200 \r\n\r\n", GET);
        let mut body = close.body();
        body.decode(b"all").unwrap();
        assert!(body.is_whole_at_the_end() && !close.may_be_reused(&body, b""));
    }

    #[test]
    fn fields_of_the_connection_are_not_passed_on() {
        let message = "HTTP/1.1 200 \r\nConnection: x-a, close\r\nKeep-Alive: a\r\nX-A: b\r\nX-B: c\r\nUpgrade: d\r\nTrailer: e\r\n\
                       Transfer-Encoding: chunked\r\nProxy-Connection: f\r\nSet-Cookie: g\r\nSet-Cookie: h\r\n\r\n";
        let response = whole(message, GET);
        let names: Vec<_> =
            response.end_to_end(message.as_bytes()).map(|line| line.name.of(message.as_bytes())).collect();
        assert_eq!(names, [&b"X-B"[..], b"Set-Cookie", b"Set-Cookie"]);
    }
}
