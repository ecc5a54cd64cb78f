//! What the fields of a whole head say about the message: whom it is for, where its content ends, whether the connection
//! stays. What two readers could read differently is refused, never repaired.

use verdict_core::cause::Malformed;
use verdict_core::field::list;

use crate::byte;
use crate::fields::{Fields, Line};
use crate::head::{Fault, Framing, Head, Span, Version};
use crate::host;
use crate::name::Name;
use crate::target::Form;

/// Most requests have none of these, and are done when `Host` is.
const TELLING: u64 = Name::ContentLength.bit()
    | Name::TransferEncoding.bit()
    | Name::Connection.bit()
    | Name::Expect.bit()
    | Name::Upgrade.bit();

/// Decides the head's framing facts, in the order in which they stand here.
#[inline]
pub(crate) fn conclude(head: &mut Head, input: &[u8]) -> Result<(), Fault> {
    head.framing = Framing::None;
    head.persistent = head.version == Version::Http11;
    head.expects_continue = false;
    head.upgrade = false;
    host(head, input)?;
    if head.fields.has_any(TELLING) {
        head.framing = framing(&head.fields, head.version, head.len, input)?;
        connection(head, input)?;
        head.expects_continue = expectation(head, input)?;
    }
    Ok(())
}

fn fault<T>(cause: Malformed, at: usize) -> Result<T, Fault> {
    Err(Fault { cause, at })
}

/// RFC 9112 §3.2: exactly one in HTTP/1.1, at most one before it, and valid.
#[inline]
fn host(head: &Head, input: &[u8]) -> Result<(), Fault> {
    let Some(value) = head.first(Name::Host) else {
        return match head.version {
            Version::Http10 => Ok(()),
            Version::Http11 | Version::Http2 => fault(Malformed::HostMissing, head.len - 2),
        };
    };
    if head.repeated(Name::Host) {
        return fault(Malformed::HostRepeated, second(&head.fields, Name::Host));
    }
    // The authority of absolute form takes the place of `Host`, which may then be empty (RFC 9112 §3.2.2).
    if value.is_empty() && head.parts.form == Form::Absolute {
        return Ok(());
    }
    match host::check(value.of(input)) {
        Ok(_) => Ok(()),
        Err(at) => fault(Malformed::HostInvalid, value.start as usize + at),
    }
}

/// Where the second line of that name begins.
fn second(fields: &Fields, name: Name) -> usize {
    fields.lines_of(name).nth(1).map_or(0, |line| line.name.start as usize)
}

/// How the fields of a message say that its content is framed (RFC 9112 §6.3), its head being `len` bytes long.
pub(crate) fn framing(fields: &Fields, version: Version, len: usize, input: &[u8]) -> Result<Framing, Fault> {
    let mut codings = fields.lines_of(Name::TransferEncoding);
    let Some(coding) = codings.next() else { return length(fields, input) };
    if version == Version::Http10 {
        // RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header
        // field MUST treat the message as if the framing is faulty".
        return fault(Malformed::TransferEncodingInHttp10, coding.name.start as usize);
    }
    if let Some(length) = fields.lines_of(Name::ContentLength).next() {
        // RFC 9112 §6.1 lets a server reject it; the later of the two is what makes it wrong.
        return fault(Malformed::BothLengths, coding.name.start.max(length.name.start) as usize);
    }
    transfer_coding(fields, len, input)
}

/// `Content-Length` as one number, though it may be written more than once if it is the same number (RFC 9110 §8.6).
fn length(fields: &Fields, input: &[u8]) -> Result<Framing, Fault> {
    let Some(first) = fields.first(Name::ContentLength) else { return Ok(Framing::None) };
    // Nearly always it is written once, and is no list.
    if let (false, Some(length)) = (fields.repeated(Name::ContentLength), decimal(first.of(input))) {
        return Ok(Framing::Length(length));
    }
    let mut found = None;
    for line in fields.lines_of(Name::ContentLength) {
        for element in elements(line, input) {
            let at = element.start as usize;
            let Some(length) = decimal(element.of(input)) else { return fault(Malformed::ContentLengthInvalid, at) };
            if found.is_some_and(|before| before != length) {
                return fault(Malformed::ContentLengthDiffers, at);
            }
            found = Some(length);
        }
    }
    Ok(found.map_or(Framing::None, Framing::Length))
}

/// 1*DIGIT up to 2^63 - 1: what others hold in signed 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for b in digits {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    (number <= i64::MAX as u64).then_some(number)
}

/// The codings of all lines as one list, judged in this order: whether it is a list of codings at all, whether `chunked` is
/// in it twice, whether it is the last, and only then whether we know the others. For RFC 9112 §6.3 says that the server
/// MUST answer 400 and close when `chunked` is not the last, since nobody knows where such content ends; that it SHOULD
/// answer 501 to a coding that it does not understand (§6.1) comes after. So `gzip`, `identity` and `xchunked` alone are
/// `ChunkedNotLast`, and `gzip, chunked` and `xchunked, chunked` are `TransferCodingUnknown`: known to the RFC or not, no
/// coding but chunked is decoded here. A list's empty elements, which RFC 9110 §5.6.1 would pass over, are refused, because
/// `,chunked` is not read alike by everybody.
fn transfer_coding(fields: &Fields, len: usize, input: &[u8]) -> Result<Framing, Fault> {
    let all = || fields.lines_of(Name::TransferEncoding).flat_map(|line| elements(line, input));
    let (mut chunked, mut repeated, mut after, mut unknown) = (None, None, None, None);
    for element in all() {
        let at = element.start as usize;
        let coding = element.of(input);
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        if !is_chunked && !is_coding(coding) {
            return fault(Malformed::TransferEncodingInvalid, at);
        }
        match (is_chunked, chunked) {
            (true, None) => chunked = Some(at),
            (true, Some(_)) => repeated = repeated.or(Some(at)),
            (false, None) => unknown = unknown.or(Some(at)),
            (false, Some(_)) => after = after.or(Some(at)),
        }
    }
    match (repeated, after, chunked, unknown) {
        (Some(at), ..) => fault(Malformed::ChunkedRepeated, at),
        (_, Some(at), ..) => fault(Malformed::ChunkedNotLast, at),
        (_, _, None, at) => fault(Malformed::ChunkedNotLast, at.unwrap_or(len)),
        (_, _, _, Some(at)) => fault(Malformed::TransferCodingUnknown, at),
        (_, _, Some(_), None) => Ok(Framing::Chunked),
    }
}

/// `transfer-coding = token *( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) )` (RFC 9112 §7), without its quoted
/// strings: no coding that is known has a parameter, and `chunked` must have none (§7.1).
fn is_coding(coding: &[u8]) -> bool {
    let mut parts = coding.split(|b| *b == b';').map(byte::trim_ows);
    let is_token = |part: &[u8]| !part.is_empty() && part.iter().all(|b| byte::is_token(*b));
    let named = parts.next().is_some_and(|name| is_token(name) && !name.eq_ignore_ascii_case(b"chunked"));
    named
        && parts.all(|parameter| {
            let mut sides = parameter.splitn(2, |b| *b == b'=').map(byte::trim_ows);
            sides.next().is_some_and(is_token) && sides.next().is_some_and(is_token)
        })
}

/// RFC 9112 §9.3: 1.1 stays unless `close` is named, 1.0 goes unless `keep-alive` is; `close` wins.
fn connection(head: &mut Head, input: &[u8]) -> Result<(), Fault> {
    let (mut close, mut keep_alive, mut upgrade) = (false, false, false);
    // What browsers send, and no list.
    if !head.repeated(Name::Connection) {
        let value = head.first(Name::Connection).map_or(&[][..], |value| value.of(input));
        if value.is_empty() || value.eq_ignore_ascii_case(b"keep-alive") {
            head.persistent |= !value.is_empty();
            return Ok(());
        }
    }
    for (option, at) in options(&head.fields, input) {
        if option.eq_ignore_ascii_case(b"close") {
            close = true;
        } else if option.eq_ignore_ascii_case(b"keep-alive") {
            keep_alive = true;
        } else if option.eq_ignore_ascii_case(b"upgrade") {
            upgrade = true;
        } else if is_protected(option) {
            return fault(Malformed::ConnectionNamesProtectedField, at);
        }
    }
    let http11 = head.version == Version::Http11;
    head.persistent = !close && (http11 || keep_alive);
    // RFC 9110 §7.8: "A server that receives an Upgrade header field in an HTTP/1.0 request MUST ignore that".
    // And one that names no protocol offers none.
    head.upgrade =
        http11 && upgrade && list::elements(head.all(Name::Upgrade).map(|line| line.of(input))).next().is_some();
    Ok(())
}

/// Fields that every hop needs, or that say who asks: whoever could have one dropped on the way by naming it in
/// `Connection` would change what the request means (RFC 9110 §7.6.1).
fn is_protected(option: &[u8]) -> bool {
    if !option.iter().all(|b| byte::is_token(*b)) {
        return false;
    }
    let known = Name::of(option);
    matches!(
        known,
        Some(
            Name::Host
                | Name::ContentLength
                | Name::TransferEncoding
                | Name::Forwarded
                | Name::Authorization
                | Name::Cookie
                | Name::Via
        )
    ) || option.get(..12).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"x-forwarded-"))
}

/// The options that `Connection` names, and where; empty elements are passed over (RFC 9110 §5.6.1).
pub(crate) fn options<'a>(fields: &'a Fields, input: &'a [u8]) -> impl Iterator<Item = (&'a [u8], usize)> {
    fields
        .lines_of(Name::Connection)
        .flat_map(move |line| elements(line, input))
        .filter(|element| !element.is_empty())
        .map(move |element| (element.of(input), element.start as usize))
}

/// RFC 9110 §10.1.1: any expectation but `100-continue` may be refused, and HTTP/1.0 has none.
fn expectation(head: &Head, input: &[u8]) -> Result<bool, Fault> {
    if head.version == Version::Http10 {
        return Ok(false);
    }
    for line in head.fields.lines_of(Name::Expect) {
        if !line.value.of(input).eq_ignore_ascii_case(b"100-continue") {
            return fault(Malformed::ExpectationUnknown, line.value.start as usize);
        }
    }
    Ok(head.has(Name::Expect))
}

/// The elements of a list (RFC 9110 §5.6.1), empty ones too, without the OWS around them. A comma in a quoted string is
/// taken for a separator: none of the lists read here has any use for one, and its halves are no tokens.
fn elements<'a>(line: &Line, input: &'a [u8]) -> impl Iterator<Item = Span> + use<'a> {
    let start = line.value.start as usize;
    let mut rest = Some((line.value.of(input), start));
    std::iter::from_fn(move || {
        let (bytes, at) = rest?;
        let (element, next) = match bytes.iter().position(|b| *b == b',') {
            Some(comma) => (&bytes[..comma], Some((&bytes[comma + 1..], at + comma + 1))),
            None => (bytes, None),
        };
        rest = next;
        let leading = element.iter().take_while(|b| byte::is_ows(**b)).count();
        Some(Span::new(at + leading, at + leading + byte::trim_ows(element).len()))
    })
}

#[cfg(test)]
mod tests {
    use Malformed::*;
    use verdict_core::cause::Malformed;

    use crate::{Framing, Head, Limits, Progress};

    /// Parses a head with these field lines; `HTTP/1.1` and `Host` are there unless the lines begin with a version.
    fn head(lines: &str) -> Result<Head, (Malformed, String)> {
        let message = match lines.strip_prefix("HTTP/1.0 ") {
            Some(lines) => format!("POST / HTTP/1.0\r\n{lines}\r\n\r\n"),
            None => format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"),
        };
        let mut head = Head::new();
        match head.parse(message.as_bytes(), &Limits::default()) {
            Ok(Progress::Complete) => Ok(head),
            Ok(Progress::Partial) => panic!("{lines} is not complete"),
            Err(fault) => Err((fault.cause, message[fault.at..].to_owned())),
        }
    }

    #[test]
    fn content_is_framed_in_one_way_or_not_at_all() {
        for (lines, expected) in [
            ("A: b", Framing::None),
            ("Content-Length: 0", Framing::Length(0)),
            ("Content-Length: 5", Framing::Length(5)),
            ("content-length:\t005\t", Framing::Length(5)),
            ("Content-Length: 5, 5", Framing::Length(5)),
            ("Content-Length: 5\r\nContent-Length: 5", Framing::Length(5)),
            ("Content-Length: 9223372036854775807", Framing::Length(i64::MAX as u64)),
            ("HTTP/1.0 Content-Length: 5", Framing::Length(5)),
            ("Transfer-Encoding: chunked", Framing::Chunked),
            ("transfer-encoding:CHUNKED ", Framing::Chunked),
        ] {
            assert_eq!(head(lines).map(|head| head.framing), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn framing_that_two_readers_could_read_differently_is_refused_at_what_makes_it_so() {
        // lines, cause, what stands where the fault is
        for (lines, cause, at) in [
            ("Content-Length:", ContentLengthInvalid, "\r\n\r\n"),
            ("Content-Length: +5", ContentLengthInvalid, "+5"),
            ("Content-Length: -1", ContentLengthInvalid, "-1"),
            ("Content-Length: 0x5", ContentLengthInvalid, "0x5"),
            ("Content-Length: 5 5", ContentLengthInvalid, "5 5"),
            ("Content-Length: 5;a=b", ContentLengthInvalid, "5;a=b"),
            ("Content-Length: \"5\"", ContentLengthInvalid, "\"5\""),
            ("Content-Length: 5.0", ContentLengthInvalid, "5.0"),
            ("Content-Length: 5,", ContentLengthInvalid, "\r\n\r\n"),
            ("Content-Length: ,5", ContentLengthInvalid, ",5"),
            ("Content-Length: 9223372036854775808", ContentLengthInvalid, "9223372036854775808"),
            ("Content-Length: 99999999999999999999999", ContentLengthInvalid, "99999999999999999999999"),
            ("Content-Length: 5, 6", ContentLengthDiffers, "6"),
            ("Content-Length: 5\r\nContent-Length: 6", ContentLengthDiffers, "6"),
            ("Content-Length: 5\r\nContent-Length: x", ContentLengthInvalid, "x"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", BothLengths, "Content-Length"),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", BothLengths, "Transfer-Encoding"),
            ("Content-Length: x\r\nTransfer-Encoding: y", BothLengths, "Transfer-Encoding"),
            ("HTTP/1.0 Transfer-Encoding: chunked", TransferEncodingInHttp10, "Transfer-Encoding"),
            ("HTTP/1.0 Content-Length: 5\r\nTransfer-Encoding: x", TransferEncodingInHttp10, "Transfer-Encoding"),
            ("Transfer-Encoding:", TransferEncodingInvalid, "\r\n\r\n"),
            ("Transfer-Encoding: ,chunked", TransferEncodingInvalid, ",chunked"),
            ("Transfer-Encoding: chunked,", TransferEncodingInvalid, "\r\n\r\n"),
            ("Transfer-Encoding: chunked;a=b", TransferEncodingInvalid, "chunked;a=b"),
            ("Transfer-Encoding: \"chunked\"", TransferEncodingInvalid, "\"chunked\""),
            ("Transfer-Encoding: chunked foo", TransferEncodingInvalid, "chunked foo"),
            ("Transfer-Encoding: chunk\u{e9}d", TransferEncodingInvalid, "chunk"),
            ("Transfer-Encoding: gzip;, chunked", TransferEncodingInvalid, "gzip;"),
            ("Transfer-Encoding: gzip", ChunkedNotLast, "gzip"),
            ("Transfer-Encoding: identity", ChunkedNotLast, "identity"),
            ("Transfer-Encoding: xchunked", ChunkedNotLast, "xchunked"),
            ("Transfer-Encoding: chunked, gzip", ChunkedNotLast, "gzip"),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", ChunkedNotLast, "identity"),
            ("Transfer-Encoding: chunked, chunked", ChunkedRepeated, "chunked\r\n\r\n"),
            ("Transfer-Encoding: chunked, gzip, chunked", ChunkedRepeated, "chunked\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked", ChunkedRepeated, "Chunked"),
            ("Transfer-Encoding: gzip, chunked", TransferCodingUnknown, "gzip"),
            ("Transfer-Encoding: foo;a=b ; c = d, chunked", TransferCodingUnknown, "foo"),
            ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", TransferCodingUnknown, "identity"),
        ] {
            match head(lines) {
                Ok(head) => panic!("{lines}: {:?}", head.framing),
                Err((found, text)) => {
                    assert_eq!(found, cause, "{lines}");
                    assert!(text.starts_with(at), "{lines}: at {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_request_says_whom_it_is_for_once() {
        for (message, cause, at) in [
            ("GET / HTTP/1.1\r\n\r\n", HostMissing, 16),
            ("GET / HTTP/1.1\r\nA: b\r\n\r\n", HostMissing, 22),
            ("GET http://a/ HTTP/1.1\r\n\r\n", HostMissing, 24),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated, 25),
            ("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", HostRepeated, 25),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", HostInvalid, 21),
            ("GET / HTTP/1.0\r\nHost: \r\n\r\n", HostInvalid, 22),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HostInvalid, 23),
            ("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", HostInvalid, 27),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", HostInvalid, 23),
            ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", HostInvalid, 24),
            ("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", HostInvalid, 24),
            ("GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n", HostInvalid, 31),
        ] {
            let fault = Head::new().parse(message.as_bytes(), &Limits::default()).expect_err(message);
            assert_eq!((fault.cause, fault.at), (cause, at), "{message}");
        }
        for message in [
            "GET / HTTP/1.0\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        ] {
            assert_eq!(Head::new().parse(message.as_bytes(), &Limits::default()), Ok(Progress::Complete), "{message}");
        }
    }

    #[test]
    fn a_connection_stays_unless_one_side_says_no() {
        // lines, stays, upgrades
        for (lines, persistent, upgrade) in [
            ("A: b", true, false),
            ("Connection: keep-alive", true, false),
            ("Connection: close", false, false),
            ("Connection: CLOSE", false, false),
            ("Connection: keep-alive, close", false, false),
            ("Connection: keep-alive\r\nConnection: ,x , close", false, false),
            ("Connection: closed", true, false),
            ("Connection: te, trailer", true, false),
            ("Connection: Upgrade\r\nUpgrade: websocket", true, true),
            ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA", true, true),
            ("Connection: Upgrade", true, false),
            ("Connection: Upgrade\r\nUpgrade:", true, false),
            ("Connection: Upgrade\r\nUpgrade: , ,", true, false),
            ("Connection: Upgrade\r\nUpgrade:\r\nUpgrade: a", true, true),
            ("Upgrade: websocket", true, false),
            ("Connection:", true, false),
            ("HTTP/1.0 A: b", false, false),
            ("HTTP/1.0 Connection: keep-alive", true, false),
            ("HTTP/1.0 Connection: Keep-Alive, close", false, false),
            ("HTTP/1.0 Connection: keep-alive, upgrade\r\nUpgrade: websocket", true, false),
        ] {
            let found = head(lines).map(|head| (head.persistent, head.upgrade));
            assert_eq!(found, Ok((persistent, upgrade)), "{lines}");
        }
    }

    #[test]
    fn connection_cannot_have_a_field_dropped_that_the_request_lives_by() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Forwarded",
            "AUTHORIZATION",
            "Cookie",
            "Via",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "x-forwarded-anything",
        ] {
            let found = head(&format!("Connection: close, {name}")).map(|head| head.persistent);
            assert_eq!(found, Err((ConnectionNamesProtectedField, format!("{name}\r\n\r\n"))));
        }
        for name in ["X-Forwarded", "Hos", "Accept", "\u{e9}\u{e9}\u{e9}\u{e9}"] {
            assert!(head(&format!("Connection: {name}")).is_ok(), "{name}");
        }
    }

    #[test]
    fn only_one_expectation_is_met_and_only_in_http11() {
        for (lines, expected) in [
            ("A: b", Ok(false)),
            ("Expect: 100-continue", Ok(true)),
            ("Expect: 100-Continue", Ok(true)),
            ("HTTP/1.0 Expect: 100-continue", Ok(false)),
            ("HTTP/1.0 Expect: tea", Ok(false)),
            ("Expect: tea", Err((ExpectationUnknown, "tea\r\n\r\n".to_owned()))),
            ("Expect:", Err((ExpectationUnknown, "\r\n\r\n".to_owned()))),
            ("Expect: 100-continue, tea", Err((ExpectationUnknown, "100-continue, tea\r\n\r\n".to_owned()))),
            ("Expect: 100-continue\r\nExpect: tea", Err((ExpectationUnknown, "tea\r\n\r\n".to_owned()))),
        ] {
            assert_eq!(head(lines).map(|head| head.expects_continue), expected, "{lines}");
        }
    }
}
