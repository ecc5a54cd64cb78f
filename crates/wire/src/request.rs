//! The head of a request, written anew from its parts by a client or a gateway.
//!
//! Nothing is copied from another message's bytes: what delimits a request on its connection is written here and nowhere
//! else, and what is no method, target, host, field name or field value never reaches the wire.

use verdict_core::method::Method;

use crate::byte;
use crate::fields::{Line, is_hop_by_hop};
use crate::head::{Head, Span};
use crate::host;
use crate::name::Name;
use crate::scan::MAX_METHOD;
use crate::target::{Form, Target};
use crate::write::{FieldLine, Refused, is_field_value, put_all, put_decimal, put_line, put_named};

/// How a request's content is delimited (RFC 9112 §6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sent {
    /// There is none.
    Nothing,
    /// So many bytes follow the head.
    Length(u64),
    /// Chunks follow the head: [`crate::put_chunk`], and then [`crate::LAST_CHUNK`].
    Chunked,
}

/// Writes one head to the end of a buffer. Dropped before [`RequestWriter::finish`], it takes back what it wrote.
///
/// ```
/// use verdict_wire::{RequestWriter, Sent};
///
/// let mut out = Vec::new();
/// let mut head = RequestWriter::new(&mut out, "POST", "/notes?draft", "a.example").unwrap();
/// head.field("Accept", b"*/*").unwrap();
/// assert!(head.field("Transfer-Encoding", b"chunked").is_err());
/// head.finish(Sent::Length(2), true);
/// assert_eq!(out, b"POST /notes?draft HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nContent-Length: 2\r\n\r\n");
/// ```
#[derive(Debug)]
pub struct RequestWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    method: Method,
    upgrade: bool,
    trailers: bool,
    finished: bool,
}

impl<'a> RequestWriter<'a> {
    /// Begins with the request line and `Host`, which comes first (RFC 9110 §7.2). `target` is in one of the forms that the
    /// method takes (RFC 9112 §3.2), and as unambiguous as the targets that are taken from clients. `host` is
    /// `uri-host [ ":" port ]` without userinfo.
    pub fn new(out: &'a mut Vec<u8>, method: &str, target: &str, host: &str) -> Result<RequestWriter<'a>, Refused> {
        let token = method.as_bytes();
        if token.is_empty() || token.len() > MAX_METHOD || !token.iter().all(|b| byte::is_token(*b)) {
            return Err(Refused::Method);
        }
        let method = Method::from_token(token);
        let visible = !target.is_empty() && target.bytes().all(byte::is_visible);
        if !visible || Target::walk(target.as_bytes(), Span::new(0, target.len()), method).is_err() {
            return Err(Refused::Target);
        }
        host::check(host.as_bytes()).map_err(|_| Refused::Host)?;
        Ok(RequestWriter::begin(out, method, token, target.as_bytes(), host.as_bytes()))
    }

    /// Begins with what a head that was parsed begins with: its method, its target and whom it is for. `message` is what it was
    /// parsed from. `Refused::Target`: the target is not in origin form; `Refused::Host`: it is for nobody.
    #[inline]
    pub fn again(out: &'a mut Vec<u8>, head: &Head, message: &[u8]) -> Result<RequestWriter<'a>, Refused> {
        if head.parts.form != Form::Origin {
            return Err(Refused::Target);
        }
        let host = head.authority(message).filter(|host| !host.is_empty()).ok_or(Refused::Host)?;
        let (token, target) = (head.method_token.of(message), head.target.of(message));
        Ok(RequestWriter::begin(out, head.method, token, target, host))
    }

    #[inline]
    fn begin(out: &'a mut Vec<u8>, method: Method, token: &[u8], target: &[u8], host: &[u8]) -> RequestWriter<'a> {
        let start = out.len();
        put_all(out, [token, b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n"]);
        RequestWriter { out, start, method, upgrade: false, trailers: false, finished: false }
    }

    /// Adds a field line. A line that is refused is not there, and those before it are.
    ///
    /// `Refused::Framing`: the fields of one connection (RFC 9110 §7.6.1), `Content-Length`, `Host` and `Expect` are the writer's
    /// own.
    pub fn field(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        RequestWriter::check_name(name)?;
        if !is_field_value(value) {
            return Err(Refused::Value);
        }
        put_all(self.out, [name.as_bytes(), b": ", value, b"\r\n"]);
        Ok(())
    }

    /// Adds a field line whose name is written in a program, which answers for it: it is a token, and none of those that
    /// [`RequestWriter::field`] refuses. The value is what its parts are one after the other; one that is refused is not there.
    #[inline]
    pub fn put<const N: usize>(&mut self, name: &'static str, value: [&[u8]; N]) -> Result<(), Refused> {
        debug_assert!(RequestWriter::check_name(name).is_ok());
        put_named(self.out, name, value)
    }

    /// Adds a line that was checked when it was made.
    #[inline]
    pub fn line(&mut self, line: &FieldLine) {
        self.out.extend_from_slice(&line.bytes);
    }

    pub(crate) fn check_name(name: &str) -> Result<(), Refused> {
        if name.is_empty() || !name.bytes().all(byte::is_token) {
            return Err(Refused::Name);
        }
        check_known(Name::of(name.as_bytes()))
    }

    /// Adds a line of a message that was parsed here, and so has a name and a value that may stand in one; `message` is that
    /// message. `Refused::Framing` as for [`RequestWriter::field`].
    #[inline]
    pub fn pass(&mut self, line: &Line, message: &[u8]) -> Result<(), Refused> {
        check_known(line.known)?;
        put_line(self.out, line, message);
        Ok(())
    }

    /// Says that content is sent once 100 has come, or after a while without (RFC 9110 §10.1.1): the caller sees to that.
    pub fn expect_continue(&mut self) {
        self.out.extend_from_slice(b"Expect: 100-continue\r\n");
    }

    /// Offers to change the protocol to one of these (RFC 9110 §7.8), which the connection is then for. A value that is
    /// refused is not there.
    pub fn upgrade(&mut self, protocols: &[u8]) -> Result<(), Refused> {
        if protocols.is_empty() || !is_field_value(protocols) {
            return Err(Refused::Value);
        }
        put_all(self.out, [b"Upgrade: ", protocols, b"\r\n"]);
        self.upgrade = true;
        Ok(())
    }

    /// Says that whoever this is sent for takes trailers (RFC 9110 §10.1.4).
    pub fn takes_trailers(&mut self) {
        self.out.extend_from_slice(b"TE: trailers\r\n");
        self.trailers = true;
    }

    /// Ends the head with the fields that delimit the content and say whether the connection may stay.
    pub fn finish(mut self, sent: Sent, persist: bool) {
        // RFC 9110 §8.6: a method that anticipates content says so when there is none.
        let anticipated = matches!(self.method, Method::Post | Method::Put | Method::Patch);
        match sent {
            Sent::Length(length) => self.length(length),
            Sent::Nothing if anticipated => self.length(0),
            Sent::Nothing => {}
            Sent::Chunked => self.out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        self.out.extend_from_slice(match (self.upgrade, persist, self.trailers) {
            (true, _, false) => b"Connection: upgrade\r\n\r\n",
            (false, true, false) => b"\r\n",
            (false, false, false) => b"Connection: close\r\n\r\n",
            // RFC 9110 §10.1.4: it is for the next hop alone.
            (true, _, true) => b"Connection: upgrade, TE\r\n\r\n",
            (false, true, true) => b"Connection: TE\r\n\r\n",
            (false, false, true) => b"Connection: close, TE\r\n\r\n",
        });
        self.finished = true;
    }

    fn length(&mut self, length: u64) {
        self.out.extend_from_slice(b"Content-Length: ");
        put_decimal(self.out, length);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Whether the field is not the writer's own.
#[inline]
fn check_known(name: Option<Name>) -> Result<(), Refused> {
    match name {
        Some(Name::ContentLength | Name::Host | Name::Expect) => Err(Refused::Framing),
        Some(known) if is_hop_by_hop(known) => Err(Refused::Framing),
        _ => Ok(()),
    }
}

impl Drop for RequestWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Limits, Progress};

    fn written(method: &str, target: &str, sent: Sent, persist: bool) -> String {
        let mut out = Vec::new();
        let mut head = RequestWriter::new(&mut out, method, target, "a").unwrap();
        head.field("A", b"b").unwrap();
        head.finish(sent, persist);
        // What is written here is what is taken there.
        let mut read = Head::new();
        assert_eq!(read.parse(&out, &Limits::default()), Ok(Progress::Complete));
        assert_eq!((read.len, read.persistent), (out.len(), persist));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_says_where_its_content_ends() {
        for (method, target, sent, persist, expected) in [
            ("GET", "/", Sent::Nothing, true, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"),
            ("GET", "/", Sent::Nothing, false, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nConnection: close\r\n\r\n"),
            ("POST", "/", Sent::Nothing, true, "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 0\r\n\r\n"),
            ("PUT", "/", Sent::Length(0), true, "PUT / HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 0\r\n\r\n"),
            ("DELETE", "/", Sent::Nothing, true, "DELETE / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"),
            (
                "PATCH",
                "/a?b",
                Sent::Length(1 << 40),
                true,
                "PATCH /a?b HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 1099511627776\r\n\r\n",
            ),
            (
                "QUERY",
                "/",
                Sent::Chunked,
                true,
                "QUERY / HTTP/1.1\r\nHost: a\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            ("OPTIONS", "*", Sent::Nothing, true, "OPTIONS * HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"),
            ("CONNECT", "a:1", Sent::Nothing, true, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"),
        ] {
            assert_eq!(written(method, target, sent, persist), expected);
        }
    }

    #[test]
    fn who_takes_trailers_says_so_to_the_next_hop() {
        for (upgrade, persist, connection) in
            [(false, true, "TE"), (false, false, "close, TE"), (true, true, "upgrade, TE")]
        {
            let mut out = Vec::new();
            let mut head = RequestWriter::new(&mut out, "GET", "/", "a").unwrap();
            head.takes_trailers();
            if upgrade {
                head.upgrade(b"x").unwrap();
            }
            head.finish(Sent::Nothing, persist);
            let head = String::from_utf8(out).unwrap();
            assert!(head.contains("\r\nTE: trailers\r\n"), "{head}");
            assert!(head.ends_with(&format!("\r\nConnection: {connection}\r\n\r\n")), "{head}");
        }
    }

    #[test]
    fn what_could_be_read_as_something_else_is_refused_and_leaves_no_trace() {
        let long = "M".repeat(MAX_METHOD + 1);
        let mut out = b"before".to_vec();
        for (method, target, host, refused) in [
            ("", "/", "a", Refused::Method),
            ("G T", "/", "a", Refused::Method),
            ("GET\r\n", "/", "a", Refused::Method),
            ("G\0", "/", "a", Refused::Method),
            (&long, "/", "a", Refused::Method),
            ("GET", "", "a", Refused::Target),
            ("GET", "/a b", "a", Refused::Target),
            ("GET", "/ HTTP/1.1\r\nX: y\r\n", "a", Refused::Target),
            ("GET", "/\0", "a", Refused::Target),
            ("GET", "/\u{e9}", "a", Refused::Target),
            ("GET", "/a#b", "a", Refused::Target),
            ("GET", "/a/../b", "a", Refused::Target),
            ("GET", "/%00", "a", Refused::Target),
            ("GET", "a", "a", Refused::Target),
            ("GET", "*", "a", Refused::Target),
            ("CONNECT", "/", "a", Refused::Target),
            ("GET", "/", "", Refused::Host),
            ("GET", "/", "a\r\nX: y", Refused::Host),
            ("GET", "/", "u@a", Refused::Host),
            ("GET", "/", "a/b", Refused::Host),
            ("GET", "/", "a:x", Refused::Host),
            ("GET", "/", "[::1", Refused::Host),
        ] {
            let found = RequestWriter::new(&mut out, method, target, host).map(|_| ());
            assert_eq!(found, Err(refused), "{method:?} {target:?} {host:?}");
        }
        let mut head = RequestWriter::new(&mut out, "GET", "/", "[::1]:80").unwrap();
        for (name, value, refused) in [
            ("", &b"x"[..], Refused::Name),
            ("A B", b"x", Refused::Name),
            ("A:", b"x", Refused::Name),
            ("A\r\nB", b"x", Refused::Name),
            ("A", b"x\r\nB: y", Refused::Value),
            ("A", b"\n", Refused::Value),
            ("A", b"\r", Refused::Value),
            ("A", b"\0", Refused::Value),
            ("A", b"0123456789abcdef\0ghijklmnopqrstuv", Refused::Value),
            ("host", b"b", Refused::Framing),
            ("Content-Length", b"5", Refused::Framing),
            ("transfer-encoding", b"chunked", Refused::Framing),
            ("Connection", b"close", Refused::Framing),
            ("Keep-Alive", b"x", Refused::Framing),
            ("Proxy-Connection", b"x", Refused::Framing),
            ("TE", b"trailers", Refused::Framing),
            ("Trailer", b"x", Refused::Framing),
            ("Upgrade", b"h2c", Refused::Framing),
            ("Expect", b"100-continue", Refused::Framing),
        ] {
            assert_eq!(head.field(name, value), Err(refused), "{name:?}: {}", value.escape_ascii());
        }
        head.field("A", b"caf\xe9").unwrap();
        drop(head);
        assert_eq!(out, b"before", "what is not finished is taken back");
    }
}
