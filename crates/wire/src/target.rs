//! The request target (RFC 9112 §3.2): which of the four forms it has, and its parts, found once.
//!
//! Two readers of one target must read the same thing. So dot segments, `%00`, broken percent-encodings and text that is
//! not UTF-8 are refused rather than resolved, and an encoded slash is never a separator.

use verdict_core::cause::Malformed;
use verdict_core::method::Method;

use crate::byte;
use crate::head::{Fault, Span};
use crate::host;

/// Which of the four forms (RFC 9112 §3.2) a target has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Form {
    /// `/path?query`.
    #[default]
    Origin,
    /// `http://authority/path?query`.
    Absolute,
    /// `host:port`, of CONNECT.
    Authority,
    /// `*`, of OPTIONS.
    Asterisk,
}

/// A request target's parts, as spans of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// Its form.
    pub form: Form,
    /// `host[:port]`, in absolute and authority form. It has no userinfo and has been checked.
    pub authority: Option<Span>,
    /// The path as it was sent. Empty in authority form, and in absolute form where none was written; `*` in asterisk form.
    pub path: Span,
    /// What follows the first `?`, as it was sent.
    pub query: Option<Span>,
    /// Whether the path has no percent-encoding: what it says and what was sent are the same.
    pub plain: bool,
    /// Whether the path has a `%2F`.
    pub encoded_slash: bool,
}

impl Target {
    /// The short way, for an origin-form target whose path needs no second look: nothing encoded and no segment that begins
    /// with a dot. The target begins at `start`, and is over at the SP whose offset is given. `None` says only that the
    /// long way must be taken.
    #[inline]
    pub(crate) fn plain(input: &[u8], start: usize) -> Option<(usize, Target)> {
        if input.get(start) != Some(&b'/') {
            return None;
        }
        let mut end = start + 1;
        loop {
            let b = *input.get(end)?;
            // A dot may stand inside a name.
            if !byte::is_plain(b) && (b != b'.' || input[end - 1] == b'/') {
                break;
            }
            end += 1;
        }
        let path = Span::new(start, end);
        let mut query = None;
        if input[end] == b'?' {
            let question = end;
            end += input[question..].iter().position(|b| !is_query(*b))?;
            query = Some(Span::new(question + 1, end));
        }
        let target = Target { form: Form::Origin, authority: None, path, query, plain: true, encoded_slash: false };
        (input[end] == b' ').then_some((end, target))
    }

    /// The long way, for any target: the form that the method takes, then each byte. A fault's offset counts from the start
    /// of `input`.
    pub(crate) fn walk(input: &[u8], target: Span, method: Method) -> Result<Target, Fault> {
        let (start, end) = (target.start as usize, target.end as usize);
        let form = |at: usize| Fault { cause: Malformed::TargetForm, at };
        let bytes = target.of(input);
        if method == Method::Connect {
            // RFC 9112 §3.2.3, and RFC 9110 §9.3.6: "reject a CONNECT request that targets an empty or invalid port number".
            return match host::check(bytes) {
                Ok(Some(colon)) if colon + 1 < bytes.len() => Ok(Target {
                    form: Form::Authority,
                    authority: Some(target),
                    path: Span::new(end, end),
                    plain: true,
                    ..Target::default()
                }),
                Ok(_) => Err(form(end)),
                Err(at) => Err(form(start + at)),
            };
        }
        if bytes == b"*" {
            // RFC 9112 §3.2.4.
            return match method {
                Method::Options => Ok(Target { form: Form::Asterisk, path: target, plain: true, ..Target::default() }),
                _ => Err(form(start)),
            };
        }
        if bytes.first() == Some(&b'/') {
            return path_and_query(input, Form::Origin, None, start, end);
        }
        // RFC 9112 §3.2.2, of RFC 9110 §4.2's two schemes.
        let after_scheme = [&b"http://"[..], b"https://"]
            .iter()
            .find(|scheme| bytes.get(..scheme.len()).is_some_and(|found| found.eq_ignore_ascii_case(scheme)))
            .map(|scheme| start + scheme.len())
            .ok_or(form(start))?;
        let length = input[after_scheme..end].iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
        let path_start = length.map_or(end, |n| after_scheme + n);
        // RFC 9110 §4.2.4: userinfo is an error; its `@` is no byte of a host.
        host::check(&input[after_scheme..path_start]).map_err(|at| form(after_scheme + at))?;
        path_and_query(input, Form::Absolute, Some(Span::new(after_scheme, path_start)), path_start, end)
    }
}

fn path_and_query(
    input: &[u8],
    form: Form,
    authority: Option<Span>,
    start: usize,
    end: usize,
) -> Result<Target, Fault> {
    let question = input[start..end].iter().position(|b| *b == b'?').map(|n| start + n);
    let path_end = question.unwrap_or(end);
    let walked = walk_path(&input[start..path_end], |_| ()).map_err(|(cause, at)| Fault { cause, at: start + at })?;
    let query = question.map(|q| Span::new(q + 1, end));
    if let Some(query) = query
        && let Some(n) = query.of(input).iter().position(|b| !is_query(*b))
    {
        return Err(Fault { cause: Malformed::TargetByte, at: query.start as usize + n });
    }
    Ok(Target {
        form,
        authority,
        path: Span::new(start, path_end),
        query,
        plain: walked.plain,
        encoded_slash: walked.encoded_slash,
    })
}

/// Visible ASCII but `#`. Wider than RFC 3986 §3.4, because browsers are; a broken percent-encoding passes as it is.
#[inline]
fn is_query(b: u8) -> bool {
    byte::is_visible(b) && b != b'#'
}

struct Walked {
    plain: bool,
    encoded_slash: bool,
}

/// Walks a raw path byte by byte, segment by segment, giving each decoded character to `put`.
fn walk_path(raw: &[u8], mut put: impl FnMut(char)) -> Result<Walked, (Malformed, usize)> {
    let ambiguous = |at| (Malformed::AmbiguousTarget, at);
    let mut walked = Walked { plain: true, encoded_slash: false };
    let mut segment = 0; // where this one begins
    let (mut characters, mut dots) = (0usize, 0usize); // of this one, decoded
    let mut at = 0;
    loop {
        if at == raw.len() || raw[at] == b'/' {
            // `.` and `..` however they were written: to us a name, to somebody else the folder above.
            if characters == dots && (dots == 1 || dots == 2) {
                return Err(ambiguous(segment));
            }
            if at == raw.len() {
                return Ok(walked);
            }
            put('/');
            at += 1;
            (segment, characters, dots) = (at, 0, 0);
            continue;
        }
        let (character, length) = match raw[at] {
            b'%' => {
                walked.plain = false;
                decode_character(&raw[at..]).ok_or(ambiguous(at))?
            }
            b if byte::is_path(b) => (char::from(b), 1),
            _ => return Err((Malformed::TargetByte, at)),
        };
        if length > 1 && character == '/' {
            walked.encoded_slash = true;
            "%2F".chars().for_each(&mut put);
        } else {
            put(character);
        }
        characters += 1;
        dots += usize::from(character == '.');
        at += length;
    }
}

/// The character that percent-encodings at the start of `raw` stand for, and how many bytes they take. `None` for what is
/// no triplet, a control character, or not UTF-8.
fn decode_character(raw: &[u8]) -> Option<(char, usize)> {
    let mut bytes = [byte::percent(raw)?, 0, 0, 0];
    let n = match bytes[0] {
        0x20..=0x7e => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    for (i, byte) in bytes.iter_mut().enumerate().take(n).skip(1) {
        *byte = byte::percent(raw.get(3 * i..)?)?;
    }
    let character = std::str::from_utf8(&bytes[..n]).ok()?.chars().next()?;
    Some((character, 3 * n))
}

/// Appends what a raw path says to `out`, decoded once and segment by segment. An encoded slash stays `%2F` and makes the
/// answer `true`. A path that a [`Target`] names always decodes; of any other, the error is the offset of the first segment,
/// triplet or byte that cannot stand in a path, and `out` holds what came before.
pub fn decode_path(raw: &[u8], out: &mut String) -> Result<bool, usize> {
    match walk_path(raw, |c| out.push(c)) {
        Ok(walked) => Ok(walked.encoded_slash),
        Err((_, at)) => Err(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(target: &str, method: Method) -> Result<Target, (Malformed, usize)> {
        let walked = Target::walk(target.as_bytes(), Span::new(0, target.len()), method);
        walked.map_err(|fault| (fault.cause, fault.at))
    }

    #[test]
    fn each_form_has_its_parts_and_its_methods() {
        // target, method, form, authority, path, query
        for (target, method, form, authority, path, query) in [
            ("/", Method::Get, Form::Origin, None, "/", None),
            ("//", Method::Get, Form::Origin, None, "//", None),
            ("//a.example/x", Method::Get, Form::Origin, None, "//a.example/x", None),
            ("/a?b?c", Method::Post, Form::Origin, None, "/a", Some("b?c")),
            ("/?", Method::Get, Form::Origin, None, "/", Some("")),
            ("/a?%zz%00/../\"<>\\^`{}", Method::Get, Form::Origin, None, "/a", Some("%zz%00/../\"<>\\^`{}")),
            ("http://a.example", Method::Get, Form::Absolute, Some("a.example"), "", None),
            ("HTTPS://a.example:8443/x?y", Method::Other, Form::Absolute, Some("a.example:8443"), "/x", Some("y")),
            ("http://[::1]?y", Method::Get, Form::Absolute, Some("[::1]"), "", Some("y")),
            ("http://a", Method::Options, Form::Absolute, Some("a"), "", None),
            ("*", Method::Options, Form::Asterisk, None, "*", None),
            ("/*", Method::Options, Form::Origin, None, "/*", None),
            ("a.example:443", Method::Connect, Form::Authority, Some("a.example:443"), "", None),
            ("[::1]:1", Method::Connect, Form::Authority, Some("[::1]:1"), "", None),
        ] {
            let found = walk(target, method).unwrap_or_else(|fault| panic!("{target}: {fault:?}"));
            let text = |span: Span| std::str::from_utf8(span.of(target.as_bytes())).unwrap();
            assert_eq!(found.form, form, "{target}");
            assert_eq!(found.authority.map(text), authority, "{target}");
            assert_eq!(text(found.path), path, "{target}");
            assert_eq!(found.query.map(text), query, "{target}");
        }
    }

    #[test]
    fn a_form_that_the_method_does_not_take_is_refused_where_it_goes_wrong() {
        for (target, method, at) in [
            ("*", Method::Get, 0),
            ("*", Method::Other, 0),
            ("*a", Method::Options, 0),
            ("a.example:443", Method::Get, 0),
            ("/", Method::Connect, 0),
            ("http://a:1/", Method::Connect, 5),
            ("a.example", Method::Connect, 9),
            ("a.example:", Method::Connect, 10),
            ("a.example:x", Method::Connect, 10),
            ("u@a.example:1", Method::Connect, 1),
            ("index.html", Method::Get, 0),
            ("?a", Method::Get, 0),
            ("#", Method::Get, 0),
            ("http:/a/b", Method::Get, 0),
            ("http:a", Method::Get, 0),
            ("ftp://a/b", Method::Get, 0),
            ("javascript:alert(1)", Method::Get, 0),
            ("http://", Method::Get, 7),
            ("http:///x", Method::Get, 7),
            ("http://u@a/", Method::Get, 8),
            ("http://u:p@a/", Method::Get, 9),
            ("http://a:b/", Method::Get, 9),
            ("http://a\\b/", Method::Get, 8),
            ("https://[::1/", Method::Get, 8),
        ] {
            assert_eq!(walk(target, method), Err((Malformed::TargetForm, at)), "{target}");
        }
    }

    #[test]
    fn a_byte_that_no_target_has_is_named_by_its_offset() {
        for (target, at) in [
            ("/a#b", 2),
            ("/a?b#c", 4),
            ("/a\"b", 2),
            ("/<", 1),
            ("/>", 1),
            ("/a\\..\\b", 2),
            ("/^", 1),
            ("/`", 1),
            ("/{id}", 1),
            ("/}", 1),
            ("http://a/#", 9),
            ("http://a#b", 8),
        ] {
            assert_eq!(walk(target, Method::Get), Err((Malformed::TargetByte, at)), "{target}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_ambiguous() {
        for (target, at) in [
            ("/.", 1),
            ("/..", 1),
            ("/./a", 1),
            ("/a/../b", 3),
            ("/a/..", 3),
            ("/a/..?b", 3),
            ("/%2e", 1),
            ("/%2E%2e/a", 1),
            ("/.%2e/a", 1),
            ("/%2E./a", 1),
            ("//../a", 2),
            ("/a%00b", 2),
            ("/%0d%0aSet-Cookie:x", 1),
            ("/%1f", 1),
            ("/%7F", 1),
            ("/%", 1),
            ("/%2", 1),
            ("/a%zz", 2),
            ("/%u0041", 1),
            ("/%80", 1),
            ("/%c0%af", 1),
            ("/%c0%ae%c0%ae/", 1),
            ("/%e0%80%af", 1),
            ("/a%c3", 2),
            ("/%c3/", 1),
            ("/%c3%28", 1),
            ("/%c3a", 1),
            ("/%ed%a0%80", 1),
            ("/%f5%80%80%80", 1),
            ("/%f4%90%80%80", 1),
            ("/%ff", 1),
            ("http://a/b/../c", 11),
        ] {
            assert_eq!(walk(target, Method::Get), Err((Malformed::AmbiguousTarget, at)), "{target}");
        }
    }

    #[test]
    fn a_path_is_decoded_once_and_an_encoded_slash_is_no_separator() {
        // raw, decoded, plain, has an encoded slash
        for (raw, decoded, plain, slash) in [
            ("/", "/", true, false),
            ("/a/b.c/...", "/a/b.c/...", true, false),
            ("/.well-known/x", "/.well-known/x", true, false),
            ("/a%20b", "/a b", false, false),
            ("/a%2fb", "/a%2Fb", false, true),
            ("/a%2F..%2Fb", "/a%2F..%2Fb", false, true),
            ("/%2F", "/%2F", false, true),
            ("/%252F", "/%2F", false, false),
            ("/%252e%252e", "/%2e%2e", false, false),
            ("/a%5Cb", "/a\\b", false, false),
            ("/%3F%23", "/?#", false, false),
            ("/caf%C3%A9/%e2%82%ac/%F0%9F%98%80", "/café/€/😀", false, false),
            ("/%2e%2e%2e", "/...", false, false),
            ("/a%2e", "/a.", false, false),
            ("/..;/a", "/..;/a", true, false),
        ] {
            let target = walk(raw, Method::Get).unwrap_or_else(|fault| panic!("{raw}: {fault:?}"));
            assert_eq!((target.plain, target.encoded_slash), (plain, slash), "{raw}");
            let mut out = String::from("before ");
            assert_eq!(decode_path(raw.as_bytes(), &mut out), Ok(slash), "{raw}");
            assert_eq!(out, format!("before {decoded}"), "{raw}");
        }
        assert_eq!(decode_path(b"/a\xff", &mut String::new()), Err(2));
        assert_eq!(decode_path(b"/a/%00", &mut String::new()), Err(3));
    }

    #[test]
    fn the_short_way_takes_ordinary_paths_and_agrees_with_the_long_way() {
        for (target, short) in [
            ("/", true),
            ("/1k.html", true),
            ("/a/b.c/d..e?x=%zz", true),
            ("/a?b", true),
            ("/...", false),
            ("/.well-known", false),
            ("/%41", false),
            ("/a#", false),
            ("/a?b#", false),
            ("*", false),
            ("http://a/", false),
        ] {
            let line = format!("{target} HTTP/1.1");
            let found = Target::plain(line.as_bytes(), 0);
            assert_eq!(found.is_some(), short, "{target}");
            if let Some((end, found)) = found {
                assert_eq!((end, walk(target, Method::Get)), (target.len(), Ok(found)), "{target}");
            }
            assert_eq!(Target::plain(target.as_bytes(), 0), None, "{target} may go on");
        }
    }
}
