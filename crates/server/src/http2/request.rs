//! A stream's fields as a head of HTTP/1.1 (RFC 9113 §8.3.1): what is parsed then has passed every rule that holds for one.

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::request::Parts;
use verdict_core::cause::Malformed;
use verdict_wire::Fault;

/// Appends the head. Content whose length is not declared is said to come in chunks, which is how HTTP/1.1 would send it.
///
/// What `h2` hands over has lost two things that make a request malformed, or ambiguous: a fragment behind `:path`, which the
/// `http` crate cuts off, and pseudo-fields that it could not read, for which it resets the stream or ends the connection.
///
/// Errors: two hosts that differ, and white space around a value; the head is there all the same, for the log.
pub(super) fn put(parts: &Parts, has_content: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
    let uri = &parts.uri;
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    let target = match uri.path_and_query() {
        Some(target) => target.as_str().as_bytes(),
        // CONNECT (RFC 9113 §8.5).
        None => authority.unwrap_or_default(),
    };
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let mut checked = Ok(());
    if let Some(authority) = authority {
        line(b"host", authority, out);
        // RFC 9113 §8.3.1: a Host field that names another entity makes the request malformed.
        if parts.headers.get_all(HOST).iter().any(|host| !host.as_bytes().eq_ignore_ascii_case(authority)) {
            checked = Err(Fault { cause: Malformed::AuthorityDiffers, at: out.len() });
        }
    }
    for (name, value) in &parts.headers {
        // RFC 9113 §8.2.1: such a value makes the request malformed. In HTTP/1.1 it would be no part of it.
        if is_padded(value.as_bytes()) && checked.is_ok() {
            checked = Err(Fault { cause: Malformed::FieldValue, at: out.len() });
        }
        if *name == HOST && authority.is_some() || *name == COOKIE {
            continue;
        }
        line(name.as_str().as_bytes(), value.as_bytes(), out);
    }
    // RFC 9113 §8.2.3: crumbs become one field again.
    let mut crumbs = parts.headers.get_all(COOKIE).iter();
    if let Some(first) = crumbs.next() {
        out.extend_from_slice(b"cookie: ");
        out.extend_from_slice(first.as_bytes());
        for crumb in crumbs {
            out.extend_from_slice(b"; ");
            out.extend_from_slice(crumb.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
    if has_content && !parts.headers.contains_key(CONTENT_LENGTH) {
        line(b"transfer-encoding", b"chunked", out);
    }
    out.extend_from_slice(b"\r\n");
    checked
}

fn is_padded(value: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(value.first()) || is_space(value.last())
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn put_of(method: &str, uri: &str, fields: &[(&str, &str)], has_content: bool) -> (String, Option<Malformed>) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut out = Vec::new();
        let fault = put(&request.body(()).unwrap().into_parts().0, has_content, &mut out).err();
        (String::from_utf8(out).unwrap(), fault.map(|fault| fault.cause))
    }

    #[test]
    fn fields_become_a_head() {
        let cases: [(_, &[(&str, &str)], _, _); 7] = [
            (("GET", "http://a/b?c"), &[], false, "GET /b?c HTTP/1.1\r\nhost: a\r\n\r\n"),
            (("GET", "/b"), &[("host", "a")], false, "GET /b HTTP/1.1\r\nhost: a\r\n\r\n"),
            (("GET", "http://a/"), &[("host", "A")], false, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
            (("CONNECT", "a:443"), &[], false, "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"),
            (("OPTIONS", "*"), &[("host", "a")], false, "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
            (
                ("POST", "http://a/"),
                &[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")],
                true,
                "POST / HTTP/1.1\r\nhost: a\r\nx: y\r\ncookie: a=1; b=2\r\ntransfer-encoding: chunked\r\n\r\n",
            ),
            (
                ("POST", "http://a/"),
                &[("content-length", "5")],
                true,
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n",
            ),
        ];
        for ((method, uri), fields, has_content, expected) in cases {
            assert_eq!(put_of(method, uri, fields, has_content), (expected.to_owned(), None), "{method} {uri}");
        }
    }

    #[test]
    fn white_space_around_a_value_is_a_fault() {
        for (name, value, faulty) in [
            ("x", " y", true),
            ("x", "y\t", true),
            ("x", " ", true),
            ("host", "a ", true),
            ("cookie", "\ta=1", true),
            ("x", "", false),
            ("x", "y z", false),
        ] {
            let fault = put_of("GET", "/", &[(name, value)], false).1;
            assert_eq!(fault, faulty.then_some(Malformed::FieldValue), "{name}: {value:?}");
        }
    }

    #[test]
    fn a_host_that_is_not_the_authority_is_a_fault() {
        for hosts in [&[("host", "b")][..], &[("host", "a"), ("host", "b")], &[("host", "a:80")]] {
            assert_eq!(put_of("GET", "http://a/", hosts, false).1, Some(Malformed::AuthorityDiffers), "{hosts:?}");
        }
    }
}
