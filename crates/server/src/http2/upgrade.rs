//! `Upgrade: h2c`: a request of HTTP/1.1 that becomes the first stream of HTTP/2 (RFC 9110 §7.8; RFC 7540 §3.2, which
//! RFC 9113 only takes notice of).

use super::{First, Upgraded};
use crate::buffers::Buffers;
use crate::site::Site;
use verdict_core::interim;
use verdict_wire::{Framing, Head, Name, Version, put_interim};

/// RFC 9113 §4.2.
const LARGEST_FRAME: usize = 16 << 10;

/// Writes the 101 for a request that asks for it where the config takes it; `None` for any other request, which is answered
/// as it is (RFC 9110 §7.8: a server may ignore `Upgrade`).
pub(crate) fn accept(site: &Site, buffers: &mut Buffers) -> Option<First> {
    let head = &buffers.head;
    let input = &buffers.input[buffers.start..];
    let asked = site.opened.config.h2c_upgrade && head.upgrade && names_h2c(head, input) && has_settings(head, input);
    let content = head.framing != Framing::None;
    let interim = interim::http2(head.version == Version::Http11, asked, content)?;
    let frames = frames(&block(head, input));
    put_interim(&mut buffers.out, Version::Http11, interim, &[("Upgrade", b"h2c")]).ok()?;
    Some(First { input: input[head.len..].to_vec(), upgraded: Some(Upgraded { frames, interim }) })
}

fn names_h2c(head: &Head, input: &[u8]) -> bool {
    let mut protocols = head.all(Name::Upgrade).flat_map(|value| value.of(input).split(|byte| *byte == b','));
    protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"h2c"))
}

/// RFC 7540 §3.2.1: exactly one, base64url of settings of six bytes each, named in `Connection`. What it says comes again in
/// the client's first frame, and is taken from there.
fn has_settings(head: &Head, input: &[u8]) -> bool {
    let Some(value) = head.value(Name::Http2Settings, input) else { return false };
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !head.repeated(Name::Http2Settings)
        && head.connection_names(input, b"http2-settings")
        && value.len() % 8 == 0
        && value.iter().all(legal)
}

/// The request's fields as HPACK has them without a table: literals that are not indexed (RFC 7541 §6.2.2).
fn block(head: &Head, input: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(head.len + 32);
    let mut path = head.path(input).to_vec();
    if let Some(query) = head.query(input) {
        path.push(b'?');
        path.extend_from_slice(query);
    }
    field(b":method", head.method_token.of(input), &mut block);
    field(b":scheme", b"http", &mut block);
    field(b":authority", head.authority(input).unwrap_or_default(), &mut block);
    field(b":path", &path, &mut block);
    for line in head.lines() {
        let name = line.name.of(input).to_ascii_lowercase();
        let value = line.value.of(input);
        let of_connection = matches!(
            line.known,
            Some(
                Name::Connection
                    | Name::Host
                    | Name::Http2Settings
                    | Name::KeepAlive
                    | Name::ProxyConnection
                    | Name::Te
                    | Name::TransferEncoding
                    | Name::Upgrade
            )
        );
        // RFC 9110 §7.6.1: what `Connection` names was for this hop.
        if !of_connection && !head.connection_names(input, &name) {
            field(&name, value, &mut block);
        }
    }
    block
}

fn field(name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    block.push(0);
    text(name, block);
    text(value, block);
}

/// A string as it stands (RFC 7541 §5.2).
fn text(text: &[u8], block: &mut Vec<u8>) {
    const LARGEST: usize = 0x7f;
    if text.len() < LARGEST {
        block.push(text.len() as u8);
    } else {
        // RFC 7541 §5.1
        block.push(LARGEST as u8);
        let mut rest = text.len() - LARGEST;
        while rest >= 0x80 {
            block.push((rest & 0x7f | 0x80) as u8);
            rest >>= 7;
        }
        block.push(rest as u8);
    }
    block.extend_from_slice(text);
}

/// HEADERS of stream 1 that end it, and what of them takes CONTINUATION (RFC 9113 §6.2, §6.10).
fn frames(block: &[u8]) -> Vec<u8> {
    const HEADERS: u8 = 1;
    const CONTINUATION: u8 = 9;
    const END_STREAM: u8 = 1;
    const END_HEADERS: u8 = 4;
    let mut out = Vec::with_capacity(block.len() + 9);
    let pieces = block.chunks(LARGEST_FRAME);
    let last = pieces.len() - 1;
    for (i, piece) in pieces.enumerate() {
        let (kind, flags) = if i == 0 { (HEADERS, END_STREAM) } else { (CONTINUATION, 0) };
        let flags = if i == last { flags | END_HEADERS } else { flags };
        out.extend_from_slice(&(piece.len() as u32).to_be_bytes()[1..]);
        out.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
        out.extend_from_slice(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_wire::{Limits, Progress};

    #[test]
    fn long_texts_and_blocks_are_written_as_their_rfcs_say() {
        for (length, prefix) in [
            (0, &[0][..]),
            (126, &[126]),
            (127, &[127, 0]),
            (254, &[127, 127]),
            (255, &[127, 128, 1]),
            (1337 + 96, &[127, 154, 10]),
        ] {
            let mut out = Vec::new();
            text(&vec![b'x'; length], &mut out);
            assert_eq!(&out[..out.len() - length], prefix, "{length}");
        }
        let long = frames(&vec![7; LARGEST_FRAME + 5]);
        assert_eq!(&long[..9], [0, 0x40, 0, 1, 1, 0, 0, 0, 1]);
        assert_eq!(&long[9 + LARGEST_FRAME..], [0, 0, 5, 9, 4, 0, 0, 0, 1, 7, 7, 7, 7, 7]);
        assert_eq!(frames(&[7])[..9], [0, 0, 1, 1, 5, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_of_the_connection_stays_behind() {
        let input =
            b"GET http://b/p?q HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, HTTP2-Settings, X-Hop\r\nUpgrade: h2c\r\n\
                      HTTP2-Settings: AAMAAABk\r\nX-Hop: 1\r\nTE: gzip\r\nAccept: */*\r\n\r\n";
        let mut head = Head::new();
        assert_eq!(head.parse(input, &Limits::default()), Ok(Progress::Complete));
        assert!(names_h2c(&head, input) && has_settings(&head, input));
        let mut expected = Vec::new();
        for (name, value) in
            [(":method", "GET"), (":scheme", "http"), (":authority", "b"), (":path", "/p?q"), ("accept", "*/*")]
        {
            field(name.as_bytes(), value.as_bytes(), &mut expected);
        }
        assert_eq!(block(&head, input), expected);
    }

    #[test]
    fn settings_that_are_missing_repeated_malformed_or_unnamed_are_not_taken() {
        for fields in [
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAAB\r\n",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAAB=\r\n",
            "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        ] {
            let input = format!("GET / HTTP/1.1\r\nHost: b\r\n{fields}\r\n");
            let mut head = Head::new();
            assert_eq!(head.parse(input.as_bytes(), &Limits::default()), Ok(Progress::Complete));
            assert!(!has_settings(&head, input.as_bytes()), "{fields}");
        }
    }
}
