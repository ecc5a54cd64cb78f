//! The head of a request: parsed into offsets, its known fields indexed, its framing decided.
//!
//! Two ways lead to a [`Head`]. `fast.rs` takes what is complete and clean; whatever it does not take goes to `scan.rs`,
//! which is the specification and names the rule that was broken, and the byte. Both end in `framing.rs`.

use verdict_core::cause::Malformed;
use verdict_core::method::Method;

use crate::fields::{Fields, Line};
use crate::name::Name;
use crate::scan::Resume;
use crate::target::{Form, Target};
use crate::write::Asked;
use crate::{fast, framing, scan};

/// A range of the message's bytes, counted from its first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` to before `end`. Offsets in a head are bounded by [`Limits`], far below 4 GiB.
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// The bytes, of the message that was parsed.
    #[inline]
    pub fn of(self, message: &[u8]) -> &[u8] {
        &message[self.start as usize..self.end as usize]
    }

    /// How many bytes.
    #[inline]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The version that a request was sent in. A higher minor version is taken as 1.1 (RFC 9110 §2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
    /// HTTP/2. No head that is parsed here says so: it is said of one that was made of a stream's fields (RFC 9113 §8.3.1).
    Http2,
}

/// How large a head may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the request target; beyond them: 414. More than 1 GiB is taken as 1 GiB.
    pub target: usize,
    /// Bytes of the header section: all that follows the request line, the empty line included; beyond them: 431. More than
    /// 1 GiB is taken as 1 GiB.
    pub fields: usize,
    /// Field lines; beyond them: 431. More than [`Limits::MAX_LINES`] is taken as that.
    pub lines: usize,
}

impl Limits {
    /// The most field lines that any limit allows.
    pub const MAX_LINES: usize = 128;

    /// The limits that are applied: none so large that an offset would not fit a [`Span`].
    #[inline]
    pub(crate) fn applied(&self) -> Limits {
        const GIB: usize = 1 << 30;
        Limits { target: self.target.min(GIB), fields: self.fields.min(GIB), lines: self.lines.min(Limits::MAX_LINES) }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { target: 8 << 10, fields: 64 << 10, lines: 100 }
    }
}

/// What is wrong with a message, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The rule that was broken.
    pub cause: Malformed,
    /// The byte that broke it, counted from the first byte of the message (of the content, if a [`crate::Body`] says it).
    pub at: usize,
}

/// How far a head has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More bytes are needed.
    Partial,
    /// The head is whole and right; content begins at [`Head::len`].
    Complete,
}

/// How a request's content is delimited (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Framing {
    /// There is none.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// A request's head. Made once for a connection and used for each message in turn; after the first it allocates nothing.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Its token, which says more where the method is `Other`.
    pub method_token: Span,
    /// The target as it was sent.
    pub target: Span,
    /// The target's parts.
    pub parts: Target,
    /// The version.
    pub version: Version,
    /// How many bytes the head has, with the empty lines before it and the one that ends it.
    pub len: usize,
    /// How its content is delimited.
    pub framing: Framing,
    /// Whether the client lets the connection be used again (RFC 9112 §9.3).
    pub persistent: bool,
    /// Whether it waits for 100 before it sends content (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// Whether it offers to change the protocol: `Upgrade` is there and `Connection` names it (RFC 9110 §7.8). Never in 1.0.
    pub upgrade: bool,
    pub(crate) fields: Fields,
    pub(crate) resume: Resume,
}

impl Default for Head {
    fn default() -> Head {
        Head::new()
    }
}

impl Head {
    /// An empty one.
    pub fn new() -> Head {
        Head {
            method: Method::Other,
            method_token: Span::default(),
            target: Span::default(),
            parts: Target::default(),
            version: Version::Http11,
            len: 0,
            framing: Framing::None,
            persistent: false,
            expects_continue: false,
            upgrade: false,
            fields: Fields::new(),
            resume: Resume::default(),
        }
    }

    /// Parses the head that `input` begins with. After `Partial`, call it again with the same bytes and more; after
    /// `Complete` or a fault, the next call begins a new message. Bytes already seen are not looked at again until a line or
    /// a limit is complete, so that a head sent byte by byte costs little more than one sent whole.
    ///
    /// A fault is final, and the first one in the message: its cause and offset do not depend on how the bytes were split.
    pub fn parse(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        let limits = limits.applied();
        if self.resume.worth_the_fast_way(input) {
            self.clear();
            if fast::parse(self, input, &limits) {
                return Ok(Progress::Complete);
            }
            self.clear();
        }
        self.advance(input, &limits)
    }

    /// The same by the literal scanner alone: what [`Head::parse`] is measured against.
    pub fn scan(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        if !self.resume.begun() {
            self.clear();
        }
        self.advance(input, &limits.applied())
    }

    #[cold]
    fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        let progress = scan::advance(self, input, limits).map_err(|(cause, at)| Fault { cause, at });
        if progress != Ok(Progress::Partial) {
            self.resume = Resume::default();
        }
        progress
    }

    /// Forgets what was parsed, a half of a head too.
    #[inline]
    pub fn clear(&mut self) {
        self.fields.clear();
        self.resume = Resume::default();
    }

    /// Whether `input` holds the beginning of a request, and not only the empty lines that may stand before one
    /// (RFC 9112 §2.2): from here on its client is slow, not idle.
    pub fn begun(input: &[u8]) -> bool {
        input.iter().any(|b| !matches!(b, b'\r' | b'\n'))
    }

    /// The field lines in the order in which they came.
    #[inline]
    pub fn lines(&self) -> &[Line] {
        self.fields.lines()
    }

    /// Whether there is a line of that name.
    #[inline]
    pub fn has(&self, name: Name) -> bool {
        self.fields.has(name)
    }

    /// Whether there are several lines of that name.
    #[inline]
    pub fn repeated(&self, name: Name) -> bool {
        self.fields.repeated(name)
    }

    /// The value of the first line of that name.
    #[inline]
    pub fn first(&self, name: Name) -> Option<Span> {
        self.fields.first(name)
    }

    /// The value of the first line of that name, in the message that was parsed.
    #[inline]
    pub fn value<'a>(&self, name: Name, message: &'a [u8]) -> Option<&'a [u8]> {
        self.first(name).map(|span| span.of(message))
    }

    /// The values of all lines of that name, in order.
    #[inline]
    pub fn all(&self, name: Name) -> impl Iterator<Item = Span> + Clone {
        self.fields.all(name)
    }

    /// The lines that are not of the connection alone, and may be passed on: all but those that are hop-by-hop and those that
    /// `Connection` names (RFC 9110 §7.6.1).
    pub fn end_to_end<'a>(&'a self, message: &'a [u8]) -> impl Iterator<Item = &'a Line> {
        self.fields.end_to_end(message)
    }

    /// Ends the head at `len` and decides what its fields say about the message.
    #[inline]
    pub(crate) fn complete(&mut self, input: &[u8], len: usize) -> Result<(), Fault> {
        self.len = len;
        framing::conclude(self, input)
    }

    /// The path as it was sent. Where absolute form has none, it is `/` (RFC 9110 §4.2.3), or `*` for OPTIONS if there is no
    /// query either (RFC 9112 §3.2.4). Empty in authority form.
    #[inline]
    pub fn path<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        match self.parts.form {
            Form::Absolute if self.parts.path.is_empty() => {
                if self.method == Method::Options && self.parts.query.is_none() { b"*" } else { b"/" }
            }
            _ => self.parts.path.of(message),
        }
    }

    /// What follows the first `?` of the target, as it was sent.
    #[inline]
    pub fn query<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        self.parts.query.map(|span| span.of(message))
    }

    /// Whom the request is for: the target's authority where it has one (RFC 9112 §3.2.2), or else `Host`. `None` only in
    /// HTTP/1.0.
    #[inline]
    pub fn authority<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        self.parts.authority.or_else(|| self.first(Name::Host)).map(|span| span.of(message))
    }

    /// Whether `Connection` names an option, given in lower case.
    pub fn connection_names(&self, message: &[u8], option: &[u8]) -> bool {
        framing::options(&self.fields, message).any(|(found, _)| found.eq_ignore_ascii_case(option))
    }

    /// What of it decides how its answer is delimited. `persist` is whether the server would keep the connection; it is kept
    /// only if the client lets it.
    #[inline]
    pub fn asked(&self, persist: bool) -> Asked {
        Asked { method: self.method, version: self.version, persist: persist && self.persistent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(message: &[u8]) -> Head {
        let mut head = Head::new();
        assert_eq!(head.parse(message, &Limits::default()), Ok(Progress::Complete), "{}", message.escape_ascii());
        head
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let message =
            b"\r\n\r\nPOST /a/%2Fb?c=d HTTP/1.1\r\nHost: a:80\r\nACCEPT:\r\nx-other: \t \r\naccept: \tb, c\t \r\n\
                        Content-Length: 2\r\n\r\nhi";
        let head = parsed(message);
        assert_eq!((head.method, head.method_token.of(message)), (Method::Post, &b"POST"[..]));
        assert_eq!(head.target.of(message), b"/a/%2Fb?c=d");
        assert_eq!((head.path(message), head.query(message)), (&b"/a/%2Fb"[..], Some(&b"c=d"[..])));
        assert!(head.parts.encoded_slash && !head.parts.plain);
        assert_eq!(head.version, Version::Http11);
        assert_eq!(&message[head.len..], b"hi");
        assert_eq!(head.framing, Framing::Length(2));
        let lines: Vec<_> = head.lines().iter().map(|l| (l.name.of(message), l.value.of(message), l.known)).collect();
        let expected: [(&[u8], &[u8], _); 5] = [
            (b"Host", b"a:80", Some(Name::Host)),
            (b"ACCEPT", b"", Some(Name::Accept)),
            (b"x-other", b"", None),
            (b"accept", b"b, c", Some(Name::Accept)),
            (b"Content-Length", b"2", Some(Name::ContentLength)),
        ];
        assert_eq!(lines, expected);
        assert_eq!(head.value(Name::Accept, message), Some(&b""[..]));
        assert_eq!(head.all(Name::Accept).map(|v| v.of(message)).collect::<Vec<_>>(), [&b""[..], b"b, c"]);
        assert_eq!((head.repeated(Name::Accept), head.repeated(Name::Host)), (true, false));
        assert_eq!((head.first(Name::Te), head.all(Name::Te).count()), (None, 0));
        assert_eq!(head.all(Name::Host).count(), 1);
    }

    #[test]
    fn one_head_serves_one_message_after_another() {
        let mut head = Head::new();
        let first = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: a\r\nAccept: b\r\n\r\n";
        assert_eq!(head.parse(first, &Limits::default()), Ok(Progress::Complete));
        assert!(!head.persistent && head.repeated(Name::Accept));
        let second = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: c\r\n\r\n";
        assert_eq!(head.parse(second, &Limits::default()), Ok(Progress::Complete));
        assert!(head.persistent && !head.repeated(Name::Accept) && !head.has(Name::Connection));
        assert_eq!(head.lines().len(), 2);

        assert!(head.parse(b"GET / HTTP/1.1\r\nA\r\n", &Limits::default()).is_err());
        assert_eq!(head.parse(b"GET / HTTP/1.1\r\nHost: a\r\n", &Limits::default()), Ok(Progress::Partial));
        head.clear();
        assert_eq!(head.parse(second, &Limits::default()), Ok(Progress::Complete));
        assert_eq!((head.lines().len(), head.len), (2, second.len()));
    }

    #[test]
    fn the_target_says_more_than_host() {
        for (message, authority, path) in [
            ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", Some("a"), "/x"),
            ("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", Some("b"), "/"),
            ("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", Some("b"), "/"),
            ("GET http://b:1/y HTTP/1.1\r\nHost:\r\n\r\n", Some("b:1"), "/y"),
            ("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n", Some("b"), "*"),
            ("OPTIONS http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", Some("b"), "/"),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Some("a"), "*"),
            ("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n", Some("b:1"), ""),
            ("GET /x HTTP/1.0\r\n\r\n", None, "/x"),
        ] {
            let head = parsed(message.as_bytes());
            assert_eq!(head.authority(message.as_bytes()), authority.map(str::as_bytes), "{message}");
            assert_eq!(head.path(message.as_bytes()), path.as_bytes(), "{message}");
        }
    }

    #[test]
    fn a_higher_minor_version_is_taken_as_http11_and_a_method_is_case_sensitive() {
        let head = parsed(b"get / HTTP/1.7\r\nHost: a\r\n\r\n");
        assert_eq!((head.version, head.method), (Version::Http11, Method::Other));
    }

    #[test]
    fn a_connection_option_is_found_in_any_line_and_case() {
        let message = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: upgrade , HTTP2-Settings\r\n\r\n";
        let head = parsed(message);
        for (option, named) in [("x", true), ("upgrade", true), ("http2-settings", true), ("http2", false), ("", false)]
        {
            assert_eq!(head.connection_names(message, option.as_bytes()), named, "{option}");
        }
    }

    #[test]
    fn an_answer_keeps_the_connection_only_if_both_sides_do() {
        for (message, server, persist) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], true, true),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, false),
            (b"GET / HTTP/1.0\r\n\r\n", true, false),
        ] {
            assert_eq!(parsed(message).asked(server).persist, persist);
        }
    }

    #[test]
    fn empty_lines_begin_nothing() {
        for (input, begun) in [("", false), ("\r\n", false), ("\r\n\r", false), ("\r\nG", true), (" ", true)] {
            assert_eq!(Head::begun(input.as_bytes()), begun, "{input:?}");
        }
    }
}
