//! Messages that two readers have been known to read differently, after the attacks by which they became known: which bytes
//! of a connection are one message is decided here in one way, or the connection ends.

use verdict_core::cause::Malformed::{self, *};
use verdict_wire::{Body, Framing, Head, Limits, Piece, Progress};

fn refused(message: &[u8]) -> Option<(Malformed, usize)> {
    let mut head = Head::new();
    match head.parse(message, &Limits::default()) {
        Err(fault) => Some((fault.cause, fault.at)),
        Ok(Progress::Partial) => panic!("{} is not decided", message.escape_ascii()),
        Ok(Progress::Complete) => None,
    }
}

/// `POST / HTTP/1.1`, `Host`, these lines, and the beginning of another request as content.
fn post(lines: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nX: ").into_bytes()
}

#[test]
fn two_lengths_never_compete() {
    for (lines, cause) in [
        // CL.TE and TE.CL.
        ("Content-Length: 6\r\nTransfer-Encoding: chunked", BothLengths),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", BothLengths),
        ("transfer-encoding: chunked\r\ncontent-length: 4", BothLengths),
        // CL.CL.
        ("Content-Length: 8\r\nContent-Length: 7", ContentLengthDiffers),
        ("Content-Length: 8\r\nX: y\r\ncontent-length: 7", ContentLengthDiffers),
        ("Content-Length: 8, 7", ContentLengthDiffers),
        ("Content-Length: 0\r\nContent-Length: 44", ContentLengthDiffers),
        // Numbers that some readers make of what is none.
        ("Content-Length: +44", ContentLengthInvalid),
        ("Content-Length: -0", ContentLengthInvalid),
        ("Content-Length: 0x2c", ContentLengthInvalid),
        ("Content-Length: 4_4", ContentLengthInvalid),
        ("Content-Length: 4 4", ContentLengthInvalid),
        ("Content-Length: 44\u{b}", FieldValue),
        ("Content-Length: 44abc", ContentLengthInvalid),
        ("Content-Length: 44;", ContentLengthInvalid),
        ("Content-Length: 4.4e1", ContentLengthInvalid),
        ("Content-Length: \u{664}\u{664}", ContentLengthInvalid),
        ("Content-Length: 18446744073709551660", ContentLengthInvalid),
        ("Content-Length: ", ContentLengthInvalid),
    ] {
        let found = refused(&post(lines)).map(|(cause, _)| cause);
        assert_eq!(found, Some(cause), "{lines:?}");
    }
}

#[test]
fn no_disguise_hides_or_feigns_chunked() {
    for (lines, cause) in [
        // TE.TE.
        ("Transfer-Encoding: xchunked", ChunkedNotLast),
        ("Transfer-Encoding : chunked", SpaceBeforeColon),
        ("Transfer-Encoding\t: chunked", SpaceBeforeColon),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", ChunkedNotLast),
        ("Transfer-Encoding: x\r\nTransfer-Encoding: chunked", TransferCodingUnknown),
        ("Transfer-Encoding: identity, chunked", TransferCodingUnknown),
        ("Transfer-Encoding: chunked, identity", ChunkedNotLast),
        ("Transfer-Encoding: cow", ChunkedNotLast),
        ("Transfer-Encoding: chunked, chunked", ChunkedRepeated),
        ("Transfer-Encoding: chunked\r\nTransfer-encoding: chunked", ChunkedRepeated),
        (" Transfer-Encoding: chunked", ObsFold),
        ("X: X\nTransfer-Encoding: chunked", BareLf),
        ("X: X\rTransfer-Encoding: chunked", BareCr),
        ("X: X\r\n\rTransfer-Encoding: chunked", BareCr),
        ("Transfer-Encoding\r\n: chunked", ColonMissing),
        ("Transfer-Encoding:\r\n chunked", ObsFold),
        ("Transfer-Encoding:\n chunked", BareLf),
        ("Transfer-Encoding: chunked\u{b}", FieldValue),
        ("Transfer-Encoding:\u{b}chunked", FieldValue),
        ("Transfer-Encoding: \u{c}chunked", FieldValue),
        ("Transfer-Encoding: \0chunked", NulByte),
        ("Transfer-Encoding: chunked\0", NulByte),
        ("Transfer-Encoding\0: chunked", NulByte),
        ("Transfer-Encoding: \"chunked\"", TransferEncodingInvalid),
        ("Transfer-Encoding: 'chunked'", ChunkedNotLast),
        ("Transfer-Encoding: chunked;", TransferEncodingInvalid),
        ("Transfer-Encoding: chunked;q=1", TransferEncodingInvalid),
        ("Transfer-Encoding: ,chunked", TransferEncodingInvalid),
        ("Transfer-Encoding: chunked ,", TransferEncodingInvalid),
        ("Transfer-Encoding: chunked foo", TransferEncodingInvalid),
        ("Transfer-Encoding: chun\u{212a}ed", TransferEncodingInvalid),
        ("Transfer-Encoding: \u{a0}chunked", TransferEncodingInvalid),
        ("Transfer_Encoding: chunked\r\nTransfer-Encoding: ", TransferEncodingInvalid),
        ("\u{feff}Transfer-Encoding: chunked", FieldName),
        ("(Transfer-Encoding): chunked", FieldName),
        ("\"Transfer-Encoding\": chunked", FieldName),
        ("Transfer Encoding: chunked", FieldName),
        (": chunked", FieldName),
    ] {
        let found = refused(&post(lines)).map(|(cause, _)| cause);
        assert_eq!(found, Some(cause), "{lines:?}");
    }
    // White space that the grammar allows, and cases, make no difference.
    for lines in ["Transfer-Encoding:chunked", "TRANSFER-ENCODING:\t chunkeD \t", "transfer-encoding:  Chunked"] {
        let message = post(lines);
        let mut head = Head::new();
        assert_eq!(head.parse(&message, &Limits::default()), Ok(Progress::Complete), "{lines:?}");
        assert_eq!(head.framing, Framing::Chunked, "{lines:?}");
        let mut body = Body::new(head.framing);
        assert_eq!(body.decode(&message[head.len..]), Ok(Piece::End { consumed: 5 }), "{lines:?}");
    }
    // What only looks like the field is another one, and frames nothing.
    for lines in ["Transfer_Encoding: chunked", "Transfer-Encodin: chunked", "X-Transfer-Encoding: chunked"] {
        let mut head = Head::new();
        assert_eq!(head.parse(&post(lines), &Limits::default()), Ok(Progress::Complete), "{lines:?}");
        assert_eq!(head.framing, Framing::None, "{lines:?}");
    }
}

#[test]
fn old_versions_have_no_chunks() {
    for (message, cause) in [
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncodingInHttp10),
        ("POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncodingInHttp10),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: identity\r\n\r\n", TransferEncodingInHttp10),
        ("GET /\r\n\r\n", RequestLine),
        ("GET / HTTP/0.9\r\n\r\n", VersionNotSupported),
        ("GET / HTTP/1.1 HTTP/1.0\r\nHost: a\r\n\r\n", RequestLine),
    ] {
        assert_eq!(refused(message.as_bytes()).map(|(cause, _)| cause), Some(cause), "{message:?}");
    }
}

#[test]
fn a_request_is_for_one_host() {
    for (message, cause) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HostRepeated),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", HostRepeated),
        ("GET / HTTP/1.1\r\n Host: b\r\nHost: a\r\n\r\n", ObsFold),
        ("GET / HTTP/1.1\r\nHost : b\r\nHost: a\r\n\r\n", SpaceBeforeColon),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a#@b\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a:80@b\r\n\r\n", HostInvalid),
        ("GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n", HostInvalid),
        ("GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n", TargetForm),
        ("GET http://a\\@b/ HTTP/1.1\r\nHost: a\r\n\r\n", TargetForm),
        ("GET @b/ HTTP/1.1\r\nHost: a\r\n\r\n", TargetForm),
        ("GET b/ HTTP/1.1\r\nHost: a\r\n\r\n", TargetForm),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Host\r\n\r\n", ConnectionNamesProtectedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For\r\n\r\n", ConnectionNamesProtectedField),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\n",
            ConnectionNamesProtectedField,
        ),
    ] {
        assert_eq!(refused(message.as_bytes()).map(|(cause, _)| cause), Some(cause), "{message:?}");
    }
}

#[test]
fn a_chunk_ends_where_it_says_and_nowhere_else() {
    for (content, cause) in [
        // A size that wraps around, or that readers cut short.
        ("10000000000000000\r\nx", ChunkSize),
        ("FFFFFFFFFFFFFFFE\r\nx", ChunkSize),
        ("0x1\r\nx\r\n0\r\n\r\n", ChunkSize),
        ("1_\r\nx\r\n0\r\n\r\n", ChunkSize),
        ("+1\r\nx\r\n0\r\n\r\n", ChunkSize),
        ("-1\r\nx\r\n0\r\n\r\n", ChunkSize),
        (" 1\r\nx\r\n0\r\n\r\n", ChunkSize),
        ("\r\n1\r\nx\r\n0\r\n\r\n", ChunkSize),
        ("1 \r\nx\r\n0\r\n\r\n", ChunkExtension),
        // A line end that one reader sees in an extension, and another does not.
        ("2;\nxx\r\n0\r\n\r\n", BareLf),
        ("2;a\nxx\r\n0\r\n\r\n", BareLf),
        ("2;a=\"\n\"\r\nxx\r\n0\r\n\r\n", BareLf),
        ("2;a=\"\r\n\"\r\nxx\r\n0\r\n\r\n", ChunkExtension),
        ("2;a\rb\r\nxx\r\n0\r\n\r\n", BareCr),
        ("2\rxx\r\n0\r\n\r\n", BareCr),
        ("2\nxx\n0\n\n", BareLf),
        ("0\n\r\n", BareLf),
        // Data that is followed by anything but CRLF.
        ("1\r\nxx\r\n0\r\n\r\n", ChunkEnd),
        ("1\r\nx\n0\r\n\r\n", ChunkEnd),
        ("1\r\nx0\r\n\r\n", ChunkEnd),
        ("1\r\nx\r0\r\n\r\n", ChunkEnd),
        // The next request, taken for trailers.
        ("0\r\nGET /admin HTTP/1.1\r\n", Trailer),
        ("0\r\n\nGET /", Trailer),
        ("0\r\n X: y\r\n\r\n", Trailer),
        ("0\r\nX : y\r\n\r\n", Trailer),
        ("0\r\nX: y\n\r\n", Trailer),
    ] {
        let (mut body, mut at) = (Body::new(Framing::Chunked), 0);
        let fault = loop {
            match body.decode(&content.as_bytes()[at..]) {
                Ok(Piece::Data { skip, len }) => at += skip + len,
                Ok(other) => panic!("{content:?}: {other:?}"),
                Err(fault) => break fault,
            }
        };
        assert_eq!(fault.cause, cause, "{content:?}");
    }
}

#[test]
fn requests_in_one_read_are_told_apart() {
    let input = b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                  POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n\
                  \r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut head, mut at, mut seen) = (Head::new(), 0, Vec::new());
    while at < input.len() {
        let message = &input[at..];
        assert_eq!(head.parse(message, &Limits::default()), Ok(Progress::Complete));
        let (mut body, mut content) = (Body::new(head.framing), Vec::new());
        at += head.len;
        loop {
            match body.decode(&input[at..]).unwrap() {
                Piece::Data { skip, len } => {
                    content.extend_from_slice(&input[at + skip..at + skip + len]);
                    at += skip + len;
                }
                Piece::More { .. } => panic!("the content is whole"),
                Piece::End { consumed } => {
                    at += consumed;
                    break;
                }
            }
        }
        seen.push((head.path(message).to_vec(), content));
    }
    let expected: [(&[u8], &[u8]); 3] = [(b"/1", b"abc"), (b"/2", b"def"), (b"/3", b"")];
    assert_eq!(seen, expected.map(|(path, content)| (path.to_vec(), content.to_vec())));
}
