//! An answer that was written as HTTP/1.1 writes it, as a stream's fields.

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Response};
use memchr::memmem;

/// The parts of an answer.
pub(super) struct Translated {
    /// What is told before.
    pub(super) interim: Vec<Response<()>>,
    pub(super) head: Response<()>,
    /// What stood behind the head already.
    pub(super) content: Bytes,
}

/// Takes an answer apart: heads of 1xx, the head, and content. `None` for what is no answer.
pub(super) fn translate(mut answer: Bytes) -> Option<Translated> {
    let mut interim = Vec::new();
    loop {
        let end = memmem::find(&answer, b"\r\n\r\n")? + 4;
        let head = head(&answer.split_to(end))?;
        if !head.status().is_informational() {
            return Some(Translated { interim, head, content: answer });
        }
        interim.push(head);
    }
}

/// Names and values are pieces of the same bytes: nothing is copied.
fn head(bytes: &Bytes) -> Option<Response<()>> {
    const STATUS: std::ops::Range<usize> = 9..12;
    let status = http::StatusCode::from_bytes(bytes.get(STATUS)?).ok()?;
    let mut at = memmem::find(bytes, b"\r\n")? + 2;
    let mut fields = HeaderMap::with_capacity(16);
    while at < bytes.len() - 2 {
        let end = at + memchr::memchr(b'\r', &bytes[at..])?;
        let colon = at + memchr::memchr(b':', &bytes[at..end])?;
        let name = HeaderName::from_bytes(&bytes[at..colon]).ok()?;
        if !is_of_connection(&name) {
            fields.append(name, HeaderValue::from_maybe_shared(bytes.slice(colon + 2..end)).ok()?);
        }
        at = end + 2;
    }
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    Some(response)
}

/// Fields that speak of the connection: a stream has none of them (RFC 9113 §8.2.2).
fn is_of_connection(name: &HeaderName) -> bool {
    *name == CONNECTION
        || *name == TRANSFER_ENCODING
        || *name == UPGRADE
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nLink: <b>\r\n\r\n\
                      HTTP/1.1 200 OK\r\nETag: \"a:b\"\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\n\
                      Keep-Alive: x\r\nX-Empty: \r\nContent-Length: 2\r\n\r\nh\r\n\r\n";
        let Translated { interim, head, content } = translate(Bytes::from_static(answer.as_bytes())).unwrap();
        let fields = |head: &Response<()>| {
            let fields = head.headers().iter();
            fields.map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!((interim.len(), interim[0].status().as_u16()), (1, 103));
        assert_eq!(fields(&interim[0]), ["link=<a>", "link=<b>"]);
        assert_eq!(head.status().as_u16(), 200);
        assert_eq!(fields(&head), ["etag=\"a:b\"", "x-empty=", "content-length=2"]);
        assert_eq!(&content[..], b"h\r\n\r\n");
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for bytes in
            ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 x\r\n\r\n", "HTTP/1.1 2\r\n\r\n", "HTTP/1.1 200 OK\r\nx\r\n\r\n"]
        {
            assert!(translate(Bytes::from_static(bytes.as_bytes())).is_none(), "{bytes:?}");
        }
    }
}
