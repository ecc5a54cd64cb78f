//! The head of an answer, and the framing of its content.
//!
//! Where an answer ends is decided here and nowhere else, in [`delivery`]; the fields that say so are written here and
//! nowhere else, so that no answer can contradict itself. What is no field name or no field value never reaches the wire.

use verdict_core::interim::Interim;
use verdict_core::method::Method;
use verdict_core::status::{Class, Status};

use crate::byte;
use crate::fields::Line;
use crate::head::Version;
use crate::name::Name;
use crate::request::RequestWriter;

/// What of a request decides how its answer is delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The version.
    pub version: Version,
    /// Whether client and server would both keep the connection.
    pub persist: bool,
}

/// How a client finds the end of an answer (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delimiter {
    /// It is the end of the head, and no field speaks of a length.
    None,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
    /// The end of its stream (RFC 9113 §8.1).
    Stream,
}

/// How an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// How the client finds its end.
    pub delimiter: Delimiter,
    /// Whether content is sent. If not, nothing may follow the head, whatever the delimiter says.
    pub content: bool,
    /// Whether the connection closes after it.
    pub closes: bool,
}

/// Whether this answer has content, and how it is framed. `size` is the content's length in bytes, if it is known; of an
/// answer to HEAD, the length that GET's would have.
pub fn delivery(status: Status, asked: Asked, size: Option<u64>) -> Delivery {
    let empty = |delimiter, closes| Delivery { delimiter, content: false, closes };
    // RFC 9113 §8.2.2: a stream says nothing of its connection.
    let closes = !asked.persist && asked.version != Version::Http2;
    match (status, asked.method) {
        // RFC 9110 §15.2: "terminated by the end of the header section"; the final answer is still to come.
        (s, _) if s.class() == Class::Informational => empty(Delimiter::None, false),
        // RFC 9110 §8.6 forbids 204 a length; 304 might say that of the 200, and does not (§15.4.5).
        (s, _) if s.ends_with_head() => empty(Delimiter::None, closes),
        // RFC 9110 §15.3.6: 205 has three ways to say that there is none; this is one.
        (s, _) if s.forbids_content() => empty(Delimiter::Length(0), closes),
        // RFC 9110 §9.3.6: a tunnel begins; neither length may be sent.
        (s, Method::Connect) if s.class() == Class::Successful => empty(Delimiter::None, closes),
        (_, method) => {
            let delimiter = match (size, asked.version) {
                (Some(size), _) => Delimiter::Length(size),
                (None, Version::Http11) => Delimiter::Chunked,
                // RFC 9112 §6.1: no transfer coding to a client that did not say HTTP/1.1.
                (None, Version::Http10) => Delimiter::UntilClose,
                (None, Version::Http2) => Delimiter::Stream,
            };
            // RFC 9110 §9.3.2: the fields of GET, without its content.
            let content = method != Method::Head;
            Delivery { delimiter, content, closes: closes || delimiter == Delimiter::UntilClose }
        }
    }
}

/// Why a field, or what stands before the fields, was not written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refused {
    /// Its name is not a token.
    Name,
    /// Its value has a control byte: CR, LF or NUL could begin another field, or another answer (RFC 9110 §5.5).
    Value,
    /// The field belongs to the writer: it says where the answer ends, or whether the connection stays.
    Framing,
    /// The values given to a template are not as many and as long as its places.
    Slot,
    /// A request's method is no token, or longer than any.
    Method,
    /// A request's target is in no form that its method takes, or ambiguous.
    Target,
    /// A request's host is not `uri-host [ ":" port ]`.
    Host,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refused::Name => "the field name is not a token",
            Refused::Value => "the field value has a control byte",
            Refused::Framing => "the field is the writer's own",
            Refused::Slot => "the values do not fit the template",
            Refused::Method => "the method is not a token",
            Refused::Target => "the target is not one that may be sent",
            Refused::Host => "the host is not a name or an address, and perhaps a port",
        })
    }
}

impl std::error::Error for Refused {}

/// A field line that was checked once, and may be written any number of times.
///
/// ```
/// use verdict_wire::{FieldLine, Refused};
///
/// assert!(FieldLine::new("Via", b"1.1 a.example").is_ok());
/// assert_eq!(FieldLine::new("Via", b"1.1 a\r\nHost: b").err(), Some(Refused::Value));
/// assert_eq!(FieldLine::new("Content-Length", b"1").err(), Some(Refused::Framing));
/// ```
#[derive(Clone, Debug)]
pub struct FieldLine {
    pub(crate) bytes: Box<[u8]>,
}

impl FieldLine {
    /// `Refused::Framing`: the field is always a writer's own, in a request or in an answer.
    pub fn new(name: &str, value: &[u8]) -> Result<FieldLine, Refused> {
        let mut out = Vec::new();
        // What a request refuses an answer does too, but for a few that it does not have.
        RequestWriter::check_name(name)?;
        put_named(&mut out, name, [value])?;
        Ok(FieldLine { bytes: out.into_boxed_slice() })
    }
}

/// A place of fixed length in a head.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Where it begins, counted from the head's first byte.
    at: usize,
    len: usize,
}

/// Writes one head to the end of a buffer. Dropped before [`HeadWriter::finish`], it takes back what it wrote.
#[derive(Debug)]
pub struct HeadWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    status: Status,
    upgrade: bool,
    finished: bool,
    slots: Vec<Slot>,
}

impl<'a> HeadWriter<'a> {
    /// Begins with the status line. It says HTTP/1.1 to an HTTP/1.0 client too: the highest version that the server
    /// conforms to (RFC 9110 §6.2).
    pub fn new(out: &'a mut Vec<u8>, status: Status) -> HeadWriter<'a> {
        let start = out.len();
        let code = status.code();
        let digit = |of: u16| b'0' + (code / of % 10) as u8;
        let phrase = status.reason_phrase().as_bytes();
        put_all(out, [b"HTTP/1.1 ", &[digit(100), digit(10), digit(1), b' '], phrase, b"\r\n"]);
        HeadWriter { out, start, status, upgrade: false, finished: false, slots: Vec::new() }
    }

    /// Adds a field line. A line that is refused is not there, and those before it are.
    pub fn field(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        self.check_name(name)?;
        if !is_field_value(value) {
            return Err(Refused::Value);
        }
        put_all(self.out, [name.as_bytes(), b": ", value, b"\r\n"]);
        Ok(())
    }

    /// Adds a field line whose name is written in a program, which answers for it: it is a token, and none of those that
    /// [`HeadWriter::field`] refuses, nor `Upgrade`. A value that is refused is not there.
    #[inline]
    pub fn put(&mut self, name: &'static str, value: &[u8]) -> Result<(), Refused> {
        debug_assert!(self.check_name(name).is_ok() && !name.eq_ignore_ascii_case("upgrade"));
        put_named(self.out, name, [value])
    }

    /// Adds a line of a message that was parsed here, and so has a name and a value that may stand in one; `message` is that
    /// message. `Refused::Framing` as for [`HeadWriter::field`].
    #[inline]
    pub fn pass(&mut self, line: &Line, message: &[u8]) -> Result<(), Refused> {
        self.check_known(line.known)?;
        put_line(self.out, line, message);
        Ok(())
    }

    /// Adds a field line with a place for a value of `len` bytes, which [`Template::write`] fills in.
    pub fn slot(&mut self, name: &str, len: usize) -> Result<(), Refused> {
        self.check_name(name)?;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.slots.push(Slot { at: self.out.len() - self.start, len });
        self.out.resize(self.out.len() + len, b' ');
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn check_name(&mut self, name: &str) -> Result<(), Refused> {
        if name.is_empty() || !name.bytes().all(byte::is_token) {
            return Err(Refused::Name);
        }
        self.check_known(Name::of(name.as_bytes()))
    }

    #[inline]
    fn check_known(&mut self, name: Option<Name>) -> Result<(), Refused> {
        match name {
            Some(
                Name::ContentLength
                | Name::TransferEncoding
                | Name::Connection
                | Name::KeepAlive
                | Name::ProxyConnection,
            ) => return Err(Refused::Framing),
            // RFC 9110 §7.8: a sender of `Upgrade` names it in `Connection`.
            Some(Name::Upgrade) => self.upgrade = true,
            _ => {}
        }
        Ok(())
    }

    /// Ends the head with the fields that say where the answer ends and whether the connection stays, and says how to send
    /// what follows. To an HTTP/1.0 client an interim answer is taken back: it would be read as the final one
    /// (RFC 9110 §15.2).
    pub fn finish(mut self, asked: Asked, size: Option<u64>) -> Delivery {
        let delivery = delivery(self.status, asked, size);
        let interim = self.status.class() == Class::Informational;
        if interim && asked.version == Version::Http10 {
            return delivery;
        }
        match delivery.delimiter {
            Delimiter::Length(length) => {
                self.out.extend_from_slice(b"Content-Length: ");
                put_decimal(self.out, length);
                self.out.extend_from_slice(b"\r\n");
            }
            Delimiter::Chunked => self.out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Delimiter::None | Delimiter::UntilClose | Delimiter::Stream => {}
        }
        if asked.version == Version::Http2 {
            self.out.extend_from_slice(b"\r\n");
            self.finished = true;
            return delivery;
        }
        let stays_in_http10 = !interim && !delivery.closes && asked.version == Version::Http10;
        self.out.extend_from_slice(match (delivery.closes, self.upgrade, stays_in_http10) {
            (true, false, _) => b"Connection: close\r\n\r\n",
            (true, true, _) => b"Connection: upgrade, close\r\n\r\n",
            (false, true, false) => b"Connection: upgrade\r\n\r\n",
            (false, true, true) => b"Connection: upgrade, keep-alive\r\n\r\n",
            // RFC 9112 §9.3: an HTTP/1.0 client that asked is told.
            (false, false, true) => b"Connection: keep-alive\r\n\r\n",
            (false, false, false) => b"\r\n",
        });
        self.finished = true;
        delivery
    }
}

impl Drop for HeadWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

/// A head serialised once, with places for what changes from answer to answer: the date, a request's id.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Box<[u8]>,
    slots: Box<[Slot]>,
    delivery: Delivery,
}

impl Template {
    /// Serialises the head that `fields` adds its lines to; [`HeadWriter::slot`] marks the places.
    pub fn build(
        status: Status,
        asked: Asked,
        size: Option<u64>,
        fields: impl FnOnce(&mut HeadWriter<'_>) -> Result<(), Refused>,
    ) -> Result<Template, Refused> {
        let mut bytes = Vec::new();
        let mut head = HeadWriter::new(&mut bytes, status);
        fields(&mut head)?;
        let slots = std::mem::take(&mut head.slots).into_boxed_slice();
        let delivery = head.finish(asked, size);
        Ok(Template { bytes: bytes.into_boxed_slice(), slots, delivery })
    }

    /// Appends the head with `values` in its places, in the order in which they were marked. Each must be a field value of
    /// the length that was announced; if one is not, nothing is written.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>, values: &[&[u8]]) -> Result<(), Refused> {
        if values.len() != self.slots.len() {
            return Err(Refused::Slot);
        }
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        for (slot, value) in self.slots.iter().zip(values) {
            let refused = match out.get_mut(start + slot.at..start + slot.at + slot.len) {
                Some(place) if value.len() == slot.len && is_field_value(value) => {
                    place.copy_from_slice(value);
                    None
                }
                Some(_) if value.len() == slot.len => Some(Refused::Value),
                // A template for HTTP/1.0 that has no bytes, or a value of another length.
                _ => Some(Refused::Slot),
            };
            if let Some(refused) = refused {
                out.truncate(start);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// How an answer with this head is sent.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

/// Appends a line of a message that was parsed.
#[inline]
pub(crate) fn put_line(out: &mut Vec<u8>, line: &Line, message: &[u8]) {
    let (name, value) = (line.name.of(message), line.value.of(message));
    debug_assert!(!name.is_empty() && name.iter().all(|b| byte::is_token(*b)) && is_field_value(value));
    let (start, colon, value_start, end) =
        (line.name.start as usize, line.name.end as usize, line.value.start as usize, line.value.end as usize);
    // Nearly always it is written there as it is here.
    if message.get(colon..value_start) == Some(b": ") && message.get(end..end + 2) == Some(b"\r\n") {
        out.extend_from_slice(&message[start..end + 2]);
    } else {
        put_all(out, [name, b": ", value, b"\r\n"]);
    }
}

/// Appends a line whose name is a token, and its value in parts; nothing, if a part may not stand in one.
#[inline]
pub(crate) fn put_named<const N: usize>(out: &mut Vec<u8>, name: &str, value: [&[u8]; N]) -> Result<(), Refused> {
    let start = out.len();
    put_all(out, [name.as_bytes(), b": "]);
    put_all(out, value);
    // With the name it is long enough to be asked sixteen bytes at a time.
    if !is_field_value(&out[start..]) {
        out.truncate(start);
        return Err(Refused::Value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends one after the other.
#[inline]
pub(crate) fn put_all<const N: usize>(out: &mut Vec<u8>, parts: [&[u8]; N]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Whether a value may stand in a field line. Sixteen bytes are asked at a time, the last sixteen perhaps once more.
#[inline]
pub(crate) fn is_field_value(value: &[u8]) -> bool {
    let all = |block: &[u8; 16]| block.iter().fold(true, |all, b| all & ((*b >= b' ') & (*b != 0x7f) | (*b == b'\t')));
    match value.last_chunk() {
        Some(last) => value.as_chunks().0.iter().all(all) && all(last),
        None => value.iter().all(|b| byte::is_value(*b)),
    }
}

/// Writes an interim answer (RFC 9110 §15.2): 103 with its lines of `Link`, 101 with the `Upgrade` that the client offered,
/// 100 with nothing. Nothing is written to a client that spoke HTTP/1.0.
pub fn put_interim(
    out: &mut Vec<u8>,
    version: Version,
    interim: Interim,
    fields: &[(&str, &[u8])],
) -> Result<(), Refused> {
    let mut head = HeadWriter::new(out, interim.status());
    for (name, value) in fields {
        head.field(name, value)?;
    }
    head.finish(Asked { method: Method::Get, version, persist: true }, None);
    Ok(())
}

/// What follows a chunk's data (RFC 9112 §7.1).
pub const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes the first line of a chunk whose `len` bytes of data and [`CHUNK_END`] the caller sends. A chunk of no bytes would
/// be the last one, so nothing is written for it and nothing must follow.
pub fn put_chunk_size(out: &mut Vec<u8>, len: usize) {
    if len == 0 {
        return;
    }
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[len >> (4 * place) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a whole chunk; nothing, if there is no data.
pub fn put_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        put_chunk_size(out, data.len());
        out.extend_from_slice(data);
        out.extend_from_slice(CHUNK_END);
    }
}

pub(crate) fn put_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_core::interim;

    const fn asked(method: Method, version: Version, persist: bool) -> Asked {
        Asked { method, version, persist }
    }
    const GET: Asked = asked(Method::Get, Version::Http11, true);

    fn head(status: Status, asked: Asked, size: Option<u64>, fields: &[(&str, &str)]) -> String {
        let mut out = Vec::new();
        let mut head = HeadWriter::new(&mut out, status);
        for (name, value) in fields {
            head.field(name, value.as_bytes()).unwrap();
        }
        head.finish(asked, size);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_answer_ends_where_the_rfc_says() {
        use Delimiter::Stream;
        use Delimiter::{Chunked, Length, None as Nothing, UntilClose};
        use Method as M;
        use Version::{Http2, Http10, Http11};
        // status, method, version, keep, size; delimiter, content, closes
        #[rustfmt::skip]
        let table = [
            (Status::OK,                  M::Get,     Http11, true,  Some(5), Length(5),  true,  false),
            (Status::OK,                  M::Get,     Http11, true,  Some(0), Length(0),  true,  false),
            (Status::OK,                  M::Get,     Http11, false, Some(5), Length(5),  true,  true),
            (Status::OK,                  M::Get,     Http11, true,  None,    Chunked,    true,  false),
            (Status::OK,                  M::Get,     Http11, false, None,    Chunked,    true,  true),
            (Status::OK,                  M::Get,     Http10, true,  Some(5), Length(5),  true,  false),
            (Status::OK,                  M::Get,     Http10, false, Some(5), Length(5),  true,  true),
            (Status::OK,                  M::Get,     Http10, true,  None,    UntilClose, true,  true),
            (Status::OK,                  M::Get,     Http10, false, None,    UntilClose, true,  true),
            (Status::OK,                  M::Head,    Http11, true,  Some(5), Length(5),  false, false),
            (Status::OK,                  M::Head,    Http11, true,  None,    Chunked,    false, false),
            (Status::OK,                  M::Head,    Http10, true,  None,    UntilClose, false, true),
            (Status::NOT_FOUND,           M::Head,    Http11, true,  Some(5), Length(5),  false, false),
            (Status::CONTINUE,            M::Post,    Http11, true,  Some(5), Nothing,    false, false),
            (Status::SWITCHING_PROTOCOLS, M::Get,     Http11, false, None,    Nothing,    false, false),
            (Status::EARLY_HINTS,         M::Get,     Http11, false, Some(5), Nothing,    false, false),
            (Status::NO_CONTENT,          M::Delete,  Http11, true,  Some(5), Nothing,    false, false),
            (Status::NO_CONTENT,          M::Delete,  Http11, false, None,    Nothing,    false, true),
            (Status::NO_CONTENT,          M::Options, Http10, true,  None,    Nothing,    false, false),
            (Status::RESET_CONTENT,       M::Post,    Http11, true,  Some(5), Length(0),  false, false),
            (Status::RESET_CONTENT,       M::Post,    Http10, true,  None,    Length(0),  false, false),
            (Status::NOT_MODIFIED,        M::Get,     Http11, true,  Some(5), Nothing,    false, false),
            (Status::NOT_MODIFIED,        M::Head,    Http11, false, None,    Nothing,    false, true),
            (Status::PARTIAL_CONTENT,     M::Get,     Http11, true,  Some(5), Length(5),  true,  false),
            (Status::OK,                  M::Connect, Http11, true,  Some(5), Nothing,    false, false),
            (Status::NO_CONTENT,          M::Connect, Http11, true,  None,    Nothing,    false, false),
            (Status::METHOD_NOT_ALLOWED,  M::Connect, Http11, true,  Some(5), Length(5),  true,  false),
            (Status::FOUND,               M::Get,     Http11, true,  Some(0), Length(0),  true,  false),
            (Status::BAD_GATEWAY,         M::Other,   Http11, true,  None,    Chunked,    true,  false),
            (Status::OK,                  M::Get,     Http2,  true,  Some(5), Length(5),  true,  false),
            (Status::OK,                  M::Get,     Http2,  false, None,    Stream,     true,  false),
            (Status::NO_CONTENT,          M::Delete,  Http2,  false, None,    Nothing,    false, false),
        ];
        for (status, method, version, persist, size, delimiter, content, closes) in table {
            let found = delivery(status, asked(method, version, persist), size);
            let row = format!("{status:?} to {method:?} {version:?} persist {persist} size {size:?}");
            assert_eq!(found, Delivery { delimiter, content, closes }, "{row}");

            let text = head(status, asked(method, version, persist), size, &[]);
            let says = |field: &str| text.contains(&format!("\r\n{field}\r\n"));
            let sized = matches!(delimiter, Length(_));
            assert_eq!(text.contains("Content-Length"), sized, "{row}");
            assert!(!sized || matches!(delimiter, Length(n) if says(&format!("Content-Length: {n}"))), "{row}");
            assert_eq!(says("Transfer-Encoding: chunked"), delimiter == Chunked, "{row}");
            assert_eq!(says("Connection: close"), closes, "{row}");
            let told = version == Http10 && !closes;
            assert_eq!(says("Connection: keep-alive"), told, "{row}");
        }
    }

    #[test]
    fn a_head_is_written_as_it_is_read() {
        for (text, expected) in [
            (
                head(Status::OK, GET, Some(12), &[("ETag", "\"v1\""), ("X-Empty", ""), ("Vary", "a,\tb")]),
                "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nX-Empty: \r\nVary: a,\tb\r\nContent-Length: 12\r\n\r\n",
            ),
            (
                head(Status::UPGRADE_REQUIRED, GET, Some(0), &[("upgrade", "websocket")]),
                "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nContent-Length: 0\r\nConnection: upgrade\r\n\r\n",
            ),
            (
                head(
                    Status::UPGRADE_REQUIRED,
                    asked(Method::Get, Version::Http11, false),
                    Some(0),
                    &[("Upgrade", "websocket")],
                ),
                "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\nConnection: upgrade, close\r\n\r\n",
            ),
            (
                head(Status::from_wire(499).unwrap(), GET, Some(u64::MAX), &[]),
                "HTTP/1.1 499 \r\nContent-Length: 18446744073709551615\r\n\r\n",
            ),
            (head(Status::EARLY_HINTS, asked(Method::Get, Version::Http10, true), None, &[("Link", "<a>")]), ""),
        ] {
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn what_would_break_the_framing_is_refused_and_leaves_no_trace() {
        let mut out = b"before".to_vec();
        let mut writer = HeadWriter::new(&mut out, Status::OK);
        for (name, value, refused) in [
            ("", &b"x"[..], Refused::Name),
            ("A B", b"x", Refused::Name),
            ("A:", b"x", Refused::Name),
            ("A\r\nB", b"x", Refused::Name),
            ("\u{e9}", b"x", Refused::Name),
            ("A", b"x\r\nSet-Cookie: y", Refused::Value),
            ("A", b"x\n", Refused::Value),
            ("A", b"\r", Refused::Value),
            ("A", b"\0", Refused::Value),
            ("A", b"\x1b[0m", Refused::Value),
            ("A", b"\x7f", Refused::Value),
            ("A", b"0123456789abcdef\n", Refused::Value),
            ("A", b"0123456\r89abcdef012345", Refused::Value),
            ("A", b"0123456789abcdef\0ghijklmnopqrstuv", Refused::Value),
            ("Content-Length", b"5", Refused::Framing),
            ("content-length", b"5", Refused::Framing),
            ("Transfer-Encoding", b"chunked", Refused::Framing),
            ("CONNECTION", b"close", Refused::Framing),
            ("Keep-Alive", b"timeout=5", Refused::Framing),
            ("Proxy-Connection", b"close", Refused::Framing),
        ] {
            assert_eq!(writer.field(name, value), Err(refused), "{name}: {}", value.escape_ascii());
        }
        assert_eq!(writer.slot("Connection", 5), Err(Refused::Framing));
        assert_eq!(writer.slot("a b", 5), Err(Refused::Name));
        writer.field("A", b"caf\xe9").unwrap();
        writer.finish(GET, Some(0));
        assert_eq!(out, b"beforeHTTP/1.1 200 OK\r\nA: caf\xe9\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn a_head_that_is_not_finished_is_taken_back() {
        let mut out = b"before".to_vec();
        let mut writer = HeadWriter::new(&mut out, Status::OK);
        writer.field("A", b"b").unwrap();
        drop(writer);
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_template_gives_the_same_head_with_its_places_filled() {
        let date = b"Sun, 06 Nov 1994 08:49:37 GMT";
        let template = Template::build(Status::OK, GET, Some(3), |head| {
            head.slot("Date", 29)?;
            head.field("ETag", b"\"v1\"")?;
            head.slot("Request-Id", 2)
        })
        .unwrap();
        let mut out = b"before".to_vec();
        assert_eq!(template.write(&mut out, &[date, b"42"]), Ok(()));
        let expected = head(
            Status::OK,
            GET,
            Some(3),
            &[("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("ETag", "\"v1\""), ("Request-Id", "42")],
        );
        assert_eq!(out, [b"before", expected.as_bytes()].concat());
        assert_eq!(template.delivery(), delivery(Status::OK, GET, Some(3)));

        for (values, refused) in [
            (&[&date[..]][..], Refused::Slot),
            (&[date, b"42", b"x"], Refused::Slot),
            (&[date, b"421"], Refused::Slot),
            (&[date, b""], Refused::Slot),
            (&[date, b"\r\n"], Refused::Value),
        ] {
            let mut out = b"before".to_vec();
            assert_eq!(template.write(&mut out, values), Err(refused));
            assert_eq!(out, b"before");
        }
        let built = Template::build(Status::OK, GET, None, |head| head.field("A", b"\n"));
        assert!(matches!(built, Err(Refused::Value)));
    }

    #[test]
    fn an_interim_answer_has_its_fields_and_nothing_else() {
        let (invite, hint) = (interim::invite(true, true, false).unwrap(), interim::hint(true, true, false).unwrap());
        let upgrade = interim::http2(true, true, false).unwrap();
        type Fields = &'static [(&'static str, &'static [u8])];
        let links: Fields = &[("Link", b"<a>"), ("Link", b"<b>")];
        let cases: [(Interim, Fields, &str); 3] = [
            (invite, &[], "HTTP/1.1 100 Continue\r\n\r\n"),
            (hint, links, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nLink: <b>\r\n\r\n"),
            (
                upgrade,
                &[("Upgrade", b"h2c")],
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
            ),
        ];
        for (interim, fields, expected) in cases {
            for (version, expected) in [(Version::Http11, expected), (Version::Http10, "")] {
                let mut out = Vec::new();
                put_interim(&mut out, version, interim, fields).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
        let mut out = Vec::new();
        assert!(put_interim(&mut out, Version::Http11, hint, &[("Link", b"<a>"), ("Link", b"\n")]).is_err());
        assert_eq!(out, b"", "half an answer");
    }

    #[test]
    fn a_chunk_is_its_size_and_its_data_and_an_empty_one_is_nothing() {
        let mut out = Vec::new();
        put_chunk(&mut out, b"hello");
        put_chunk(&mut out, b"");
        put_chunk_size(&mut out, 0);
        put_chunk_size(&mut out, 0x10);
        put_chunk_size(&mut out, 0xfff);
        put_chunk_size(&mut out, usize::MAX);
        assert_eq!(out, b"5\r\nhello\r\n10\r\nfff\r\nffffffffffffffff\r\n");
    }
}
