//! Trailer fields: what is said behind chunked content (RFC 9110 §6.5, RFC 9112 §7.1.2).

use crate::byte;
use crate::name::Name;

/// The fields of a trailer section which a decoder has taken, that may be passed on: not those that a message has to be read, or
/// sent on its way, with (RFC 9110 §6.5.1). `section` is what [`crate::Body::trailers`] counts.
///
/// ```
/// let fields: Vec<_> = verdict_wire::trailers(b"Digest: x \r\nContent-Length: 5\r\n\r\n").collect();
/// assert_eq!(fields, [("Digest", &b"x"[..])]);
/// ```
pub fn trailers(section: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    section.split(|b| *b == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = line.iter().position(|b| *b == b':')?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        let may_follow = !name.is_empty() && name.bytes().all(byte::is_token) && !is_of_the_head(name);
        may_follow.then(|| (name, byte::trim_ows_at(line, colon + 1).of(line)))
    })
}

/// Ends chunked content with these fields; each was taken from a message by [`trailers`].
pub fn put_last_chunk<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = (&'a str, &'a [u8])>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in fields {
        crate::write::put_all(out, [name.as_bytes(), b": ", value, b"\r\n"]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Fields that mean something before the content alone: framing, routing, what controls a request or a response, credentials,
/// and what the content is (RFC 9110 §6.5.1).
fn is_of_the_head(name: &str) -> bool {
    const OTHERS: [&str; 21] = [
        "age",
        "allow",
        "alt-svc",
        "content-disposition",
        "content-language",
        "content-location",
        "date",
        "expires",
        "location",
        "proxy-authenticate",
        "proxy-authentication-info",
        "public-key-pins",
        "retry-after",
        "set-cookie",
        "strict-transport-security",
        "vary",
        "warning",
        "www-authenticate",
        "x-content-type-options",
        "x-frame-options",
        "content-security-policy",
    ];
    // Whatever this server knows it knows of heads.
    Name::of(name.as_bytes()).is_some() || OTHERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_before_the_content_is_left_out() {
        let section =
            b"A: b\r\nContent-Length: 1\r\ntransfer-encoding: chunked\r\nHost: x\r\nSet-Cookie: c=d\r\nIf-Match: *\r\n\
                        DIGEST:\t e f\t\r\nempty:\r\n\r\n";
        let fields: Vec<_> = trailers(section).collect();
        assert_eq!(fields, [("A", &b"b"[..]), ("DIGEST", b"e f"), ("empty", b"")]);
        let mut out = Vec::new();
        put_last_chunk(&mut out, trailers(section));
        assert_eq!(out, b"0\r\nA: b\r\nDIGEST: e f\r\nempty: \r\n\r\n");
        out.clear();
        put_last_chunk(&mut out, trailers(b"\r\n"));
        assert_eq!(out, crate::LAST_CHUNK);
    }
}
