//! The fast way through a head: each line is read once, by eights.
//!
//! It only ever says yes. Whatever it does not take is the scanner's to judge, so it may be stricter than the scanner, and
//! must never be laxer: where it says yes, the scanner would have made the same [`Head`]. `httparse` stood here; it costs
//! 270 instructions for each field line of a browser's, and what it takes for granted (LF for CRLF) has to be asked again.

use verdict_core::method::Method;

use crate::byte;
use crate::head::{Head, Limits, Span, Version};
use crate::name::Name;
use crate::scan::{MAX_EMPTY_LINES, MAX_METHOD};
use crate::target::Target;

/// Whether `input` begins with a complete head without fault, which `head` then is. If not, `head` holds nothing of use.
#[inline]
pub(crate) fn parse(head: &mut Head, input: &[u8], limits: &Limits) -> bool {
    // No head that is within its limits is longer.
    let longest = 2 * MAX_EMPTY_LINES + MAX_METHOD + 1 + limits.target + HTTP11.len() + limits.fields;
    let input = &input[..input.len().min(longest)];
    match start_line(head, input, limits) {
        Some(fields) => field_lines(head, input, fields, limits).is_some(),
        None => false,
    }
}

const HTTP11: &[u8; 11] = b" HTTP/1.1\r\n";
const HTTP10: &[u8; 11] = b" HTTP/1.0\r\n";

/// Takes the request line, with empty lines before it, and says where the header section begins.
#[inline]
fn start_line(head: &mut Head, input: &[u8], limits: &Limits) -> Option<usize> {
    let mut start = 0;
    while input[start..].starts_with(b"\r\n") {
        start += 2;
        if start > 2 * MAX_EMPTY_LINES {
            return None;
        }
    }

    let (method, end) = match input[start..] {
        [b'G', b'E', b'T', b' ', ..] => (Method::Get, start + 3),
        _ => {
            let length = input[start..].iter().take(MAX_METHOD + 1).position(|b| !byte::is_token(*b))?;
            (Method::from_token(&input[start..start + length]), start + length)
        }
    };
    if end == start || input[end] != b' ' {
        return None;
    }
    head.method = method;
    head.method_token = Span::new(start, end);

    let start = end + 1;
    let (end, parts) = match Target::plain(input, start) {
        Some(plain) if method != Method::Connect => plain,
        _ => {
            let end = start + input[start..].iter().position(|b| !byte::is_visible(*b))?;
            (end, Target::walk(input, Span::new(start, end), method).ok()?)
        }
    };
    if end - start > limits.target {
        return None;
    }
    head.target = Span::new(start, end);
    head.parts = parts;

    let version = input[end..].first_chunk::<11>()?;
    head.version = match version {
        HTTP11 => Version::Http11,
        HTTP10 => Version::Http10,
        _ => return None,
    };
    Some(end + version.len())
}

/// Takes the field lines that begin at `fields`, and the empty line after them.
#[inline]
fn field_lines(head: &mut Head, input: &[u8], fields: usize, limits: &Limits) -> Option<()> {
    let mut at = fields;
    loop {
        if *input.get(at)? == b'\r' {
            break;
        }
        if head.lines().len() == limits.lines {
            return None;
        }
        let colon = find(input, at, |word| controls(word) | zeros(word ^ COLONS));
        if *input.get(colon)? != b':' {
            return None;
        }
        // A name that is known is a token.
        let name = &input[at..colon];
        let known = Name::of(name);
        if known.is_none() && (name.is_empty() || !name.iter().all(|b| byte::is_token(*b))) {
            return None;
        }
        let mut start = colon + 1;
        while byte::is_ows(*input.get(start)?) {
            start += 1;
        }
        let mut end = find(input, start, controls);
        while *input.get(end)? == b'\t' {
            end = find(input, end + 1, controls);
        }
        let next = end + 2;
        if input.get(end..next)? != b"\r\n" {
            return None;
        }
        while end > start && byte::is_ows(input[end - 1]) {
            end -= 1;
        }
        head.push(Span::new(at, colon), Span::new(start, end), known);
        at = next;
    }
    let len = at + 2;
    if input.get(at..len)? != b"\r\n" || len - fields > limits.fields {
        return None;
    }
    head.complete(input, len).ok()
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;
const COLONS: u64 = ONES * b':' as u64;

/// A mark in each byte that is zero. Marks above the lowest may be wrong.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// A mark in each control byte: below SP, and DEL. Marks above the lowest may be wrong.
#[inline]
const fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * b' ' as u64) & !word & HIGHS | zeros(word ^ (ONES * 0x7f))
}

/// The first byte from `at` on that `marks` marks, or the end of the input.
#[inline]
fn find(input: &[u8], mut at: usize, marks: impl Fn(u64) -> u64) -> usize {
    while let Some(eight) = input.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marked = marks(u64::from_le_bytes(*eight));
        if marked != 0 {
            return at + marked.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let left = input.len().saturating_sub(at);
    match input.last_chunk::<8>() {
        // The last eight once more, without those that were seen; the zeros that take their place are beyond the end.
        Some(eight) if left > 0 => {
            let marked = marks(u64::from_le_bytes(*eight) >> (8 * (8 - left)));
            at + left.min(marked.trailing_zeros() as usize / 8)
        }
        _ => at + input[input.len() - left..].iter().position(|b| marks(u64::from(*b)) & 0xff != 0).unwrap_or(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_head_goes_the_fast_way() {
        for (message, fast) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("GET / HTTP/1.0\r\n\r\n", true),
            ("POST /%41/.a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nEmpty:\r\n\r\nhello", true),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\nX: caf\u{e9}\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", true),
            // The scanner's to accept.
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", false),
            // What others take.
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", false),
            ("GET / HTTP/1.1\r\nA: b\nHost: a\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nA:\nHost: a\r\n\r\n", false),
            ("GET / HTTP/1.0\n\n", false),
            ("GET / HTTP/1.0\n\r\n", false),
            ("GET / HTTP/1.0\r\n\n", false),
            ("\nGET / HTTP/1.0\r\n\r\n", false),
            ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", false),
            ("GET /\u{e9} HTTP/1.0\r\n\r\n", false),
            ("GET /?\u{e9} HTTP/1.0\r\n\r\n", false),
            ("GET /# HTTP/1.0\r\n\r\n", false),
            ("GET x HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.1\r\n\r\n", false),
            ("", false),
            ("GET / HTTP/1.1\r\nHost: a\r\n", false),
        ] {
            assert_eq!(parse(&mut Head::new(), message.as_bytes(), &Limits::default()), fast, "{message:?}");
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_stands_among_any_others() {
        for b in 0..=255u8 {
            for (i, len) in (0..20).flat_map(|i| (i + 1..21).map(move |len| (i, len))) {
                for filler in [b'a', b' ', b'!', 0x80, 0xff, 0x7e] {
                    let mut input = vec![filler; len];
                    input[i] = b;
                    let control = b.is_ascii_control();
                    assert_eq!(find(&input, 0, controls), if control { i } else { len }, "{b:#04x} at {i} of {len}");
                    let colon = find(&input, 0, |word| controls(word) | zeros(word ^ COLONS));
                    assert_eq!(colon, if control || b == b':' { i } else { len }, "{b:#04x} at {i} of {len}");
                }
            }
        }
    }
}
