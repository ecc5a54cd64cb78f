//! The specification of a head: a scanner that walks the bytes by the grammar of RFC 9112, one after the other, and says
//! which rule the first bad one breaks.
//!
//! It is slow, and literal on purpose. What it says depends on the bytes up to the fault alone, so it says the same however
//! a message was split. At any byte the limits come first, then the rules that hold everywhere (NUL, LF, CR), then those
//! of the place. What can only be known of a whole line comes at its end; what can only be known of the whole head,
//! in `framing.rs`.

use memchr::{memchr, memmem};
use verdict_core::cause::Malformed;
use verdict_core::method::Method;

use crate::byte;
use crate::fields::Fields;
use crate::head::{Fault, Head, Limits, Progress, Span, Version};
use crate::name::Name;
use crate::target::Target;

/// Longer than any registered method (the longest has 17 letters); a longer token is no request line.
pub(crate) const MAX_METHOD: usize = 64;

/// How many empty lines may stand before a request line. RFC 9112 §2.2 asks for one.
pub(crate) const MAX_EMPTY_LINES: usize = 4;

/// Where a head that has not come in completely is taken up again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Resume {
    /// Where the first line begins that has not been accepted.
    pub(crate) line: usize,
    /// So many bytes are known to hold no line end after `line`.
    seen: usize,
    /// Where the header section begins, once there is a request line.
    pub(crate) fields: Option<usize>,
    /// How many empty lines came before the request line.
    empty_lines: usize,
    /// A line is looked at before it has ended when there are more bytes than this.
    pub(crate) patience: usize,
}

impl Resume {
    /// Whether a head is half parsed.
    #[inline]
    pub(crate) fn begun(&self) -> bool {
        self.seen > 0
    }

    /// Whether the fast way might succeed now: on a head's first bytes, and again when an empty line has come in.
    #[inline]
    pub(crate) fn worth_the_fast_way(&self, input: &[u8]) -> bool {
        !self.begun() || memmem::find(input.get(self.seen.saturating_sub(3)..).unwrap_or(&[]), b"\r\n\r\n").is_some()
    }
}

/// A head that is read line by line.
pub(crate) trait Lines {
    /// A rule that it may break.
    type Cause;

    /// Where it is taken up again.
    fn resume(&mut self) -> &mut Resume;

    /// Takes the next line, which begins at `resume().line`; the start line if there is none yet. The start line sets
    /// `resume().fields`.
    fn take_line(&mut self, input: &[u8], limits: &Limits) -> Result<Taken, Stop<Self::Cause>>;

    /// How many bytes after the beginning of a line that is no field line are waited for without another look.
    fn patience(limits: &Limits) -> usize;
}

/// Takes every line that is complete now. A line that is not is looked at on the first call, and when a limit is passed.
/// A fault is the cause, and where it is.
pub(crate) fn advance<L: Lines>(head: &mut L, input: &[u8], limits: &Limits) -> Result<Progress, (L::Cause, usize)> {
    loop {
        let Resume { line, seen, patience, .. } = *head.resume();
        let unseen = input.get(seen.max(line)..).unwrap_or(&[]);
        let ended = memchr(b'\n', unseen).is_some();
        if !ended {
            head.resume().seen = input.len();
            if seen > 0 && input.len() <= patience {
                return Ok(Progress::Partial);
            }
        }
        match head.take_line(input, limits) {
            Ok(Taken::Head) => return Ok(Progress::Complete),
            Ok(Taken::Line(end)) => {
                let resume = head.resume();
                resume.line = end;
                resume.seen = resume.seen.max(end);
                resume.patience = match resume.fields {
                    Some(fields) => fields + limits.fields,
                    None => end + L::patience(limits),
                };
            }
            Err(Stop::Fault(cause, at)) => return Err((cause, at)),
            Err(Stop::Partial) => {
                head.resume().seen = input.len();
                return Ok(Progress::Partial);
            }
        }
    }
}

/// What was read to its end.
pub(crate) enum Taken {
    /// A line, whose successor begins here.
    Line(usize),
    /// The empty line that ends the head.
    Head,
}

/// Why reading stopped.
pub(crate) enum Stop<C = Malformed> {
    Partial,
    /// A rule is broken, and where.
    Fault(C, usize),
}

fn stop(cause: Malformed, at: usize) -> Stop {
    Stop::Fault(cause, at)
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault.cause, fault.at)
    }
}

impl Lines for Head {
    type Cause = Malformed;

    fn resume(&mut self) -> &mut Resume {
        &mut self.resume
    }

    fn take_line(&mut self, input: &[u8], limits: &Limits) -> Result<Taken, Stop> {
        let Some(fields) = self.resume.fields else { return start_line(self, input, limits) };
        let line = field_line(&mut self.fields, Cursor::fields(input, self.resume.line, fields, limits), limits)?;
        match line {
            FieldLine::Line(end) => Ok(Taken::Line(end)),
            FieldLine::End(end) => {
                self.complete(input, end)?;
                Ok(Taken::Head)
            }
        }
    }

    fn patience(limits: &Limits) -> usize {
        limits.target
    }
}

/// A place in the message, and the place that it may not reach.
pub(crate) struct Cursor<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) at: usize,
    /// The first offset that is too far, and what that is called.
    pub(crate) bound: Option<(usize, Malformed)>,
}

impl<'a> Cursor<'a> {
    /// At the field line that begins at `line`, of a header section that begins at `fields`.
    pub(crate) fn fields(input: &'a [u8], line: usize, fields: usize, limits: &Limits) -> Cursor<'a> {
        Cursor { input, at: line, bound: Some((fields + limits.fields, Malformed::HeadTooLarge)) }
    }

    /// The byte here. A CR is one that LF follows; [`Cursor::end_line`] takes both.
    pub(crate) fn peek(&self) -> Result<u8, Stop> {
        match self.byte(self.at)? {
            0 => Err(stop(Malformed::NulByte, self.at)),
            // RFC 9112 §2.2 lets a recipient take a lone LF as the end of a line. Another may not: refuse.
            b'\n' => Err(stop(Malformed::BareLf, self.at)),
            b'\r' if self.byte(self.at + 1)? != b'\n' => Err(stop(Malformed::BareCr, self.at)),
            b => Ok(b),
        }
    }

    fn byte(&self, at: usize) -> Result<u8, Stop> {
        match (self.input.get(at), self.bound) {
            (None, _) => Err(Stop::Partial),
            (Some(_), Some((bound, cause))) if at >= bound => Err(stop(cause, bound)),
            (Some(b), _) => Ok(*b),
        }
    }

    pub(crate) fn end_line(&mut self) -> usize {
        self.at += 2;
        self.at
    }
}

/// `*CRLF method SP request-target SP HTTP-version CRLF` (RFC 9112 §3).
fn start_line(head: &mut Head, input: &[u8], limits: &Limits) -> Result<Taken, Stop> {
    let mut cursor = Cursor { input, at: head.resume.line, bound: None };
    if cursor.peek()? == b'\r' {
        if head.resume.empty_lines == MAX_EMPTY_LINES {
            return Err(stop(Malformed::RequestLine, cursor.at));
        }
        head.resume.empty_lines += 1;
        return Ok(Taken::Line(cursor.end_line()));
    }

    head.method_token = method(&mut cursor)?;
    head.method = Method::from_token(head.method_token.of(input));

    // From here the line is looked at again only when the target is too long, or over.
    head.resume.patience = cursor.at + limits.target;
    cursor.bound = Some((cursor.at + limits.target, Malformed::TargetTooLong));
    head.target = target(&mut cursor)?;
    cursor.bound = None;

    let version = version(&mut cursor)?;
    head.version = parse_version(version.of(input)).map_err(|cause| stop(cause, version.start as usize))?;
    head.parts = Target::walk(input, head.target, head.method)?;
    let end = cursor.end_line();
    head.resume.fields = Some(end);
    Ok(Taken::Line(end))
}

/// A token and the SP after it.
fn method(cursor: &mut Cursor<'_>) -> Result<Span, Stop> {
    let start = cursor.at;
    loop {
        let b = cursor.peek()?;
        if cursor.at - start >= MAX_METHOD && b != b' ' {
            return Err(stop(Malformed::RequestLine, cursor.at));
        }
        match b {
            b' ' if cursor.at > start => break,
            b'\r' => return Err(stop(Malformed::RequestLine, cursor.at)),
            b if byte::is_token(b) => cursor.at += 1,
            _ => return Err(stop(Malformed::Method, cursor.at)),
        }
    }
    let token = Span::new(start, cursor.at);
    cursor.at += 1;
    Ok(token)
}

/// Visible bytes and the SP after them.
fn target(cursor: &mut Cursor<'_>) -> Result<Span, Stop> {
    let start = cursor.at;
    loop {
        // The SP that ends a target of just the greatest length is not part of it.
        if let Some((bound, _)) = cursor.bound
            && cursor.at == bound
            && cursor.input.get(bound) == Some(&b' ')
            && cursor.at > start
        {
            break;
        }
        match cursor.peek()? {
            b' ' if cursor.at > start => break,
            b' ' | b'\r' => return Err(stop(Malformed::RequestLine, cursor.at)),
            b if byte::is_visible(b) => cursor.at += 1,
            _ => return Err(stop(Malformed::TargetByte, cursor.at)),
        }
    }
    let target = Span::new(start, cursor.at);
    cursor.at += 1;
    Ok(target)
}

/// What stands between the second SP and the CRLF. White space in it means that the line has more than three parts.
fn version(cursor: &mut Cursor<'_>) -> Result<Span, Stop> {
    let start = cursor.at;
    loop {
        match cursor.peek()? {
            b'\r' => return Ok(Span::new(start, cursor.at)),
            b' ' | b'\t' => return Err(stop(Malformed::RequestLine, cursor.at)),
            _ if cursor.at - start == "HTTP/1.1".len() => return Err(stop(Malformed::Version, start)),
            _ => cursor.at += 1,
        }
    }
}

/// `"HTTP" "/" DIGIT "." DIGIT` (RFC 9112 §2.3).
fn parse_version(bytes: &[u8]) -> Result<Version, Malformed> {
    match bytes {
        b"HTTP/1.0" => Ok(Version::Http10),
        // RFC 9110 §2.5: a minor version that we do not know is processed as the highest that we do.
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Malformed::VersionNotSupported),
        _ => Err(Malformed::Version),
    }
}

/// What a line of the header section was.
pub(crate) enum FieldLine {
    /// A field, and where the next line begins.
    Line(usize),
    /// The empty line, and where the head ends.
    End(usize),
}

/// `field-name ":" OWS field-value OWS CRLF` (RFC 9112 §5), or the CRLF that ends the head.
pub(crate) fn field_line(fields: &mut Fields, mut cursor: Cursor<'_>, limits: &Limits) -> Result<FieldLine, Stop> {
    let line = cursor.at;
    match cursor.peek()? {
        b'\r' => return Ok(FieldLine::End(cursor.end_line())),
        // RFC 9112 §5.2 for a line after another, §2.2 for the first one.
        b' ' | b'\t' => return Err(stop(Malformed::ObsFold, line)),
        _ if fields.lines().len() == limits.lines => return Err(stop(Malformed::TooManyFields, line)),
        _ => {}
    }
    let name = field_name(&mut cursor)?;
    let value = field_value(&mut cursor)?;
    fields.push(name, value, Name::of(name.of(cursor.input)));
    Ok(FieldLine::Line(cursor.end_line()))
}

/// A token and the colon after it.
fn field_name(cursor: &mut Cursor<'_>) -> Result<Span, Stop> {
    let start = cursor.at;
    loop {
        match cursor.peek()? {
            b':' if cursor.at > start => break,
            b'\r' => return Err(stop(Malformed::ColonMissing, start)),
            b' ' | b'\t' => return Err(space_in_name(cursor, start)?),
            b if byte::is_token(b) => cursor.at += 1,
            _ => return Err(stop(Malformed::FieldName, cursor.at)),
        }
    }
    let name = Span::new(start, cursor.at);
    cursor.at += 1;
    Ok(name)
}

/// What white space in a field name means depends on what follows it. The first `Stop` is the answer.
fn space_in_name(cursor: &mut Cursor<'_>, line: usize) -> Result<Stop, Stop> {
    let space = cursor.at;
    while byte::is_ows(cursor.peek()?) {
        cursor.at += 1;
    }
    Ok(match cursor.peek()? {
        // RFC 9112 §5.1: "A server MUST reject".
        b':' => stop(Malformed::SpaceBeforeColon, space),
        b'\r' => stop(Malformed::ColonMissing, line),
        _ => stop(Malformed::FieldName, space),
    })
}

/// The value up to the CRLF, which is left to be taken; without the OWS around it.
fn field_value(cursor: &mut Cursor<'_>) -> Result<Span, Stop> {
    while byte::is_ows(cursor.peek()?) {
        cursor.at += 1;
    }
    let start = cursor.at;
    let mut end = start;
    loop {
        match cursor.peek()? {
            b'\r' => return Ok(Span::new(start, end)),
            b if !byte::is_value(b) => return Err(stop(Malformed::FieldValue, cursor.at)),
            b => {
                cursor.at += 1;
                if !byte::is_ows(b) {
                    end = cursor.at;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use Malformed::*;

    use super::*;

    fn parse(input: &[u8], limits: Limits) -> Result<Progress, (Malformed, usize)> {
        let mut head = Head::new();
        let parsed = head.parse(input, &limits).map_err(|fault| (fault.cause, fault.at));
        let scanned = Head::new().scan(input, &limits).map_err(|fault| (fault.cause, fault.at));
        assert_eq!(parsed, scanned, "{}", input.escape_ascii());
        parsed
    }

    #[test]
    fn a_broken_start_line_is_named_with_its_offset() {
        let method = "M".repeat(MAX_METHOD);
        let (longest, too_long) = (format!("{method} / HTTP/1.1\r\n"), format!("{method}M / HTTP/1.1\r\n"));
        for (line, cause, at) in [
            (" GET / HTTP/1.1\r\n", Method, 0),
            (" / HTTP/1.1\r\n", Method, 0),
            ("\r\n GET / HTTP/1.1\r\n", Method, 2),
            ("\tGET / HTTP/1.1\r\n", Method, 0),
            ("GE(T / HTTP/1.1\r\n", Method, 2),
            ("GET\t/ HTTP/1.1\r\n", Method, 3),
            ("GET: / HTTP/1.1\r\n", Method, 3),
            ("\u{16}\u{3}\u{1}\u{2}", Method, 0),
            ("G\u{c9}T / HTTP/1.1\r\n", Method, 1),
            ("GET\r\n", RequestLine, 3),
            ("GET \r\n", RequestLine, 4),
            ("GET  / HTTP/1.1\r\n", RequestLine, 4),
            ("GET /\r\n", RequestLine, 5),
            ("GET /  HTTP/1.1\r\n", RequestLine, 6),
            ("GET / HTTP/1.1 \r\n", RequestLine, 14),
            ("GET /\tHTTP/1.1\r\n", TargetByte, 5),
            ("GET /a b HTTP/1.1\r\n", RequestLine, 8),
            (&too_long, RequestLine, MAX_METHOD),
            ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", RequestLine, 8),
            ("GET /\u{e9} HTTP/1.1\r\n", TargetByte, 5),
            ("GET /\u{7f} HTTP/1.1\r\n", TargetByte, 5),
            ("GET /\u{1} HTTP/1.1\r\n", TargetByte, 5),
            ("GET /?\u{1} HTTP/1.1\r\n", TargetByte, 6),
            ("GET /# HTTP/1.1\r\n", TargetByte, 5),
            ("GET /%2e%2e/ HTTP/1.1\r\n", AmbiguousTarget, 5),
            ("GET * HTTP/1.1\r\n", TargetForm, 4),
            ("CONNECT / HTTP/1.1\r\n", TargetForm, 8),
            ("GET / \r\n", Version, 6),
            ("GET / http/1.1\r\n", Version, 6),
            ("GET / HTTP/1.1x\r\n", Version, 6),
            ("GET / HTTP/1.10\r\n", Version, 6),
            ("GET / HTTP/11\r\n", Version, 6),
            ("GET / HTTP/1,1\r\n", Version, 6),
            ("GET / HTTP/1\r\n", Version, 6),
            ("GET / HTTP/x.1\r\n", Version, 6),
            ("GET / HTTPS/1.1\r\n", Version, 6),
            ("GET / HTTP/2.0\r\n", VersionNotSupported, 6),
            ("GET / HTTP/0.9\r\n", VersionNotSupported, 6),
            ("GET / HTTP/9.9\r\n", VersionNotSupported, 6),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VersionNotSupported, 6),
            ("GET / HTTP/1.1\n", BareLf, 14),
            ("\nGET / HTTP/1.1\r\n", BareLf, 0),
            ("GET\n", BareLf, 3),
            ("GET / HTTP/1.1\rX", BareCr, 14),
            ("GET / HTTP/1.1\r\r\n", BareCr, 14),
            ("GE\rT / HTTP/1.1\r\n", BareCr, 2),
            ("GET /\0 HTTP/1.1\r\n", NulByte, 5),
            ("\0", NulByte, 0),
        ] {
            assert_eq!(parse(line.as_bytes(), Limits::default()), Err((cause, at)), "{}", line.escape_debug());
            let whole = format!("{line}Host: a\r\n\r\n");
            assert_eq!(parse(whole.as_bytes(), Limits::default()), Err((cause, at)), "{}", whole.escape_debug());
        }
        let whole = format!("{longest}Host: a\r\n\r\n");
        assert_eq!(parse(whole.as_bytes(), Limits::default()), Ok(Progress::Complete));
    }

    #[test]
    fn a_broken_field_line_is_named_with_its_offset() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (line, cause, at) in [
            (" folded\r\n", ObsFold, 0),
            ("\tfolded\r\n", ObsFold, 0),
            (" \r\n", ObsFold, 0),
            ("A: b\r\n c\r\n", ObsFold, 6),
            ("A : b\r\n", SpaceBeforeColon, 1),
            ("A\t: b\r\n", SpaceBeforeColon, 1),
            ("A \t : b\r\n", SpaceBeforeColon, 1),
            ("A B: c\r\n", FieldName, 1),
            ("A\r\n", ColonMissing, 0),
            ("A b c\r\n", FieldName, 1),
            ("A \r\n", ColonMissing, 0),
            (": b\r\n", FieldName, 0),
            ("A@: b\r\n", FieldName, 1),
            ("\u{e9}: b\r\n", FieldName, 0),
            ("A\u{1}: b\r\n", FieldName, 1),
            ("A: \u{1}\r\n", FieldValue, 3),
            ("A: b\u{7f}\r\n", FieldValue, 4),
            ("A: b\u{b}c\r\n", FieldValue, 4),
            ("A: \0\r\n", NulByte, 3),
            ("A\0: b\r\n", NulByte, 1),
            ("A: b\n", BareLf, 4),
            ("A:\n", BareLf, 2),
            ("A\n", BareLf, 1),
            ("A: b\n\r\n", BareLf, 4),
            ("A: b\rc\r\n", BareCr, 4),
            ("A: b\r\r\n", BareCr, 4),
            ("A:\r \r\n", BareCr, 2),
            ("A: b\r\n\n", BareLf, 6),
            ("A: b\r\n\rX", BareCr, 6),
        ] {
            let message = format!("{start}{line}\r\n");
            let expected = Err((cause, start.len() + at));
            assert_eq!(parse(message.as_bytes(), Limits::default()), expected, "{}", line.escape_debug());
        }
        // A folded line is one even where the first field should be.
        assert_eq!(parse(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Limits::default()), Err((ObsFold, 16)));
    }

    #[test]
    fn a_limit_is_named_at_the_first_byte_beyond_it_as_soon_as_that_has_come() {
        let limits = Limits { target: 4, fields: 24, lines: 2 };
        for (message, expected) in [
            ("GET /abc HTTP/1.1\r\nHost: a\r\nB: 34567890\r\n\r\n", Ok(Progress::Complete)),
            ("GET /abcd HTTP/1.1\r\nHost: a\r\n\r\n", Err((TargetTooLong, 8))),
            ("GET /abcd", Err((TargetTooLong, 8))),
            ("GET /abc", Ok(Progress::Partial)),
            ("GET /abc ", Ok(Progress::Partial)),
            // Too long comes first, however large the whole is.
            (
                "GET /abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                Err((TargetTooLong, 8)),
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\nB: 345678901\r\n\r\n", Err((HeadTooLarge, 16 + 24))),
            ("GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaa", Ok(Progress::Partial)),
            ("GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaa", Err((HeadTooLarge, 16 + 24))),
            ("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n", Err((TooManyFields, 24))),
            ("GET / HTTP/1.1\r\nHost:a\r\nB:\r\n\r\n", Ok(Progress::Complete)),
            // An earlier fault comes before a limit that is passed later.
            ("GET / HTTP/1.1\r\nA : aaaaaaaaaaaaaaaaaaaaaaaaaaa", Err((SpaceBeforeColon, 17))),
        ] {
            assert_eq!(parse(message.as_bytes(), limits), expected, "{}", message.escape_debug());
        }
        let many: String = (0..Limits::MAX_LINES).map(|i| format!("X{i}:\r\n")).collect();
        let limits = Limits { lines: usize::MAX, ..Limits::default() };
        let message = |more: &str| format!("GET / HTTP/1.0\r\n{many}{more}\r\n").into_bytes();
        assert_eq!(parse(&message(""), limits), Ok(Progress::Complete));
        assert_eq!(parse(&message("Y:\r\n"), limits), Err((TooManyFields, 16 + many.len())));
    }

    #[test]
    fn the_fast_way_is_tried_at_first_and_when_an_empty_line_has_come() {
        let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for (seen, worth) in [(0, true), (1, true), (23, true), (26, true), (27, false)] {
            let resume = Resume { seen, ..Resume::default() };
            assert_eq!(resume.worth_the_fast_way(input), worth, "{seen}");
        }
        assert!(!Resume { seen: 1, ..Resume::default() }.worth_the_fast_way(&input[..26]));
    }

    #[test]
    fn a_head_sent_byte_by_byte_is_searched_once() {
        let long = "a".repeat(60_000);
        let message = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {long}\r\n\r\n");
        let mut head = Head::new();
        for end in 1..message.len() {
            assert_eq!(head.parse(&message.as_bytes()[..end], &Limits::default()), Ok(Progress::Partial));
            // What is left to be searched is the last byte; what is left to be read is the last line.
            assert_eq!(head.resume.seen, end);
            let line = message[..end].rfind('\n').map_or(0, |lf| lf + 1);
            assert_eq!(head.resume.line, line);
        }
        assert_eq!(head.parse(message.as_bytes(), &Limits::default()), Ok(Progress::Complete));
        assert_eq!(head.len, message.len());
    }
}
