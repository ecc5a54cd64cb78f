//! HTTP/2 frame by frame: what no library would send, and what it is answered with.

use crate::client::Client;
use crate::http2::{PREFACE, plan};
use crate::site::{Plan, Site};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

// RFC 9113 §6.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

// RFC 9113 §7.
pub(crate) const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// HEADERS with END_HEADERS, and with END_STREAM as well.
const OPEN: u8 = 4;
pub(crate) const WHOLE: u8 = 5;

/// Requests of one client at the same time.
pub(crate) const STREAMS: u32 = 128;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let mut frame = (content.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(content);
    frame
}

/// One setting (RFC 9113 §6.5.1).
pub(crate) fn setting(id: u8, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, id], &value.to_be_bytes()[..]].concat())
}

/// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2).
pub(crate) const WINDOW: u8 = 4;

/// The stream of a client's request with that number, from 0.
pub(crate) fn nth(i: u32) -> u32 {
    2 * i + 1
}

/// GET of `/` on `http://a`, by the static table (RFC 7541 §A).
const BLOCK: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

/// The same of another path, and with more fields.
pub(crate) fn get(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    head(&[0x82, 0x86], &[&[(":path", path), (":authority", "a")], fields].concat())
}

/// Fields of the static table, and literals that are in none (RFC 7541 §6.2.2).
fn head(indexed: &[u8], fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = indexed.to_vec();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend(text.bytes());
        }
    }
    block
}

/// A client that has said hello: what it sends is in the test's hands, frame by frame.
pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
}

impl Raw {
    pub(crate) fn to(site: &Site) -> Raw {
        let mut raw = Raw::over(TcpStream::connect(site.address).expect("the server accepts"));
        raw.send(frame(SETTINGS, 0, 0, &[]));
        raw
    }

    /// One that has sent its preface alone.
    pub(crate) fn over(socket: TcpStream) -> Raw {
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        socket.set_write_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let mut raw = Raw { socket };
        raw.send(PREFACE);
        raw
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// The kind, flags, stream and content of the next frame; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut header = [0; 9];
        self.socket.read_exact(&mut header).ok()?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut content = vec![0; length as usize];
        self.socket.read_exact(&mut content).ok()?;
        Some((header[3], header[4], u32::from_be_bytes(header[5..].try_into().expect("four bytes")), content))
    }

    /// Sends the same until the server is tired of it, and says how it ended: the code of GOAWAY.
    fn flood(mut self, mut frames: impl FnMut(u32) -> Vec<u8>, most: u32) -> u32 {
        let mut sender = self.socket.try_clone().expect("the same socket");
        let bytes: Vec<u8> = (0..most).flat_map(&mut frames).collect();
        let sends = std::thread::spawn(move || {
            let _ = sender.write_all(&bytes);
        });
        let code = loop {
            match self.next() {
                Some((GOAWAY, _, _, content)) => break code(&content[4..]),
                Some(_) => {}
                None => panic!("the connection ended without a word"),
            }
        };
        drop(self);
        sends.join().expect("no panic");
        code
    }
}

/// An error code (RFC 9113 §7).
pub(crate) fn code(content: &[u8]) -> u32 {
    u32::from_be_bytes(content[..4].try_into().expect("a code"))
}

#[test]
fn floods_end_the_connection_with_a_word() {
    let site = plan().start();
    let reset = |i| [frame(HEADERS, WHOLE, nth(i), BLOCK), frame(RST_STREAM, 0, nth(i), &[0, 0, 0, 8])].concat();
    assert_eq!(Raw::to(&site).flood(reset, 20_000), ENHANCE_YOUR_CALM, "rapid reset");
    assert_eq!(Raw::to(&site).flood(|_| frame(PING, 0, 0, &[0; 8]), 50_000), ENHANCE_YOUR_CALM, "PING");
    assert_eq!(Raw::to(&site).flood(|_| frame(SETTINGS, 0, 0, &[]), 50_000), ENHANCE_YOUR_CALM, "SETTINGS");
    assert_eq!(Raw::to(&site).flood(|_| frame(0xbe, 0, 0, &[]), 50_000), ENHANCE_YOUR_CALM, "unknown");
    let continued = |i| match i {
        0 => frame(HEADERS, 0, 1, BLOCK),
        _ => frame(CONTINUATION, 0, 1, &[]),
    };
    assert_eq!(Raw::to(&site).flood(continued, 50_000), ENHANCE_YOUR_CALM, "CONTINUATION");
    let window = |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    assert_eq!(Raw::to(&site).flood(window, 50_000), ENHANCE_YOUR_CALM, "WINDOW_UPDATE");
    // No request leaves its place to another.
    let mut raw = Raw::to(&site);
    raw.send(setting(WINDOW, 0));
    let beyond = |i| frame(HEADERS, WHOLE, nth(i), &get("/page.txt", &[]));
    assert_eq!(raw.flood(beyond, 20_000), ENHANCE_YOUR_CALM, "streams beyond the limit");
    let malformed = |i| frame(HEADERS, WHOLE, nth(i), &head(&[0x82, 0x84], &[]));
    assert_eq!(Raw::to(&site).flood(malformed, 20_000), ENHANCE_YOUR_CALM, "requests without a scheme");
    assert_eq!(site.get("/fixed").status(), 200);
}

/// Before our settings are known, nobody knows how many are too many.
#[test]
fn of_a_first_flight_as_many_as_there_is_room_for_are_answered_and_the_rest_refused() {
    const FLIGHT: u32 = 300;
    let site = plan().start();
    let mut raw = Raw::over(TcpStream::connect(site.address).expect("the server accepts"));
    // Without room for their content, none is answered to its end.
    let mut flight = setting(WINDOW, 0);
    (0..FLIGHT).for_each(|i| flight.extend(frame(HEADERS, WHOLE, nth(i), &get("/page.txt", &[]))));
    raw.send(flight);
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    while answered.len() + refused.len() < FLIGHT as usize {
        match raw.next().expect("a frame") {
            (HEADERS, _, stream, _) => answered.push(stream),
            (RST_STREAM, _, stream, content) => {
                // RFC 9113 §8.7: it may be sent again.
                assert_eq!(code(&content), REFUSED_STREAM, "{stream}");
                refused.push(stream);
            }
            (kind, _, stream, content) => {
                assert!(!matches!(kind, DATA | GOAWAY), "{kind} on {stream}: {}", content.escape_ascii());
            }
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..STREAMS).map(nth).collect::<Vec<_>>());
    assert_eq!(refused, (STREAMS..FLIGHT).map(nth).collect::<Vec<_>>());
    raw.send(setting(WINDOW, 1 << 16));
    let mut ended = 0;
    while ended < STREAMS {
        let (kind, flags, stream, content) = raw.next().expect("a frame");
        assert!(!matches!(kind, RST_STREAM | GOAWAY), "{kind} on {stream}");
        if kind == DATA {
            assert!(content == b"page" || content.is_empty(), "{}", content.escape_ascii());
            ended += u32::from(flags & 1);
        }
    }
    raw.send(frame(HEADERS, WHOLE, nth(FLIGHT), BLOCK));
    while raw.next().expect("a frame").2 != nth(FLIGHT) {}
}

/// Requests that are answered at once are never side by side, however many come in one flight.
#[test]
fn of_a_first_flight_that_is_answered_at_once_none_is_refused() {
    const FLIGHT: u32 = 2000;
    let site = plan().start();
    let mut raw = Raw::over(TcpStream::connect(site.address).expect("the server accepts"));
    let mut flight = frame(SETTINGS, 0, 0, &[]);
    (0..FLIGHT).for_each(|i| flight.extend(frame(HEADERS, WHOLE, nth(i), &get("/fixed", &[]))));
    let mut sender = raw.socket.try_clone().expect("the same socket");
    let sends = std::thread::spawn(move || sender.write_all(&flight));
    let mut ended = 0;
    while ended < FLIGHT {
        let (kind, flags, stream, content) = raw.next().expect("a frame");
        assert!(!matches!(kind, RST_STREAM | GOAWAY), "{kind} on {stream}: {}", content.escape_ascii());
        if kind == DATA {
            assert_eq!((stream, &content[..], flags & 1), (nth(ended), &b"fixed"[..], 1));
            ended += 1;
            // The window of the connection (RFC 9113 §6.9.1).
            raw.send(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 5]));
        }
    }
    sends.join().expect("no panic").expect("the server reads");
}

/// How the server ends what a request began.
#[derive(Debug, PartialEq)]
enum End {
    /// The index of `:status` in the static table (RFC 7541 §A).
    Status(u8),
    Stream(u32),
    Connection(u32),
}

const OK: End = End::Status(0x88);
const BAD_REQUEST: End = End::Status(0x8c);

/// RFC 9113 §8.1.1: by 400, by the end of the stream, or by that of the connection.
#[test]
fn a_malformed_request_ends_as_one() {
    let site = plan().start();
    let fixed = (":path", "/fixed");
    let a = (":authority", "a");
    for (indexed, fields, end) in [
        (&[0x82, 0x86][..], &[fixed, a][..], OK),
        (&[0x82, 0x86], &[fixed, ("host", "a")], OK),
        (&[0x82, 0x86], &[fixed, a, ("x", "")], OK),
        (&[0x82, 0x86], &[fixed, a, ("te", "trailers")], OK),
        // §8.2.1
        (&[0x82, 0x86], &[fixed, a, ("x", " y")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, a, ("x", "y ")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, a, ("x", "\ty")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, a, ("x", " ")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, a, ("cookie", "a=1 ")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, ("host", " a")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, a, ("x", "y\n")], End::Connection(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, ("X", "y")], End::Connection(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, ("x y", "z")], End::Connection(PROTOCOL_ERROR)),
        // §8.2.2
        (&[0x82, 0x86], &[fixed, a, ("connection", "close")], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, ("transfer-encoding", "chunked")], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, ("te", "gzip")], End::Stream(PROTOCOL_ERROR)),
        // §8.3
        (&[0x82, 0x86], &[a, ("x", "y"), fixed], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, fixed, a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, (":status", "200")], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, (":other", "x")], End::Connection(PROTOCOL_ERROR)),
        // §8.3.1
        (&[0x82], &[fixed, a], End::Stream(PROTOCOL_ERROR)),
        (&[0x86], &[fixed, a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed], BAD_REQUEST),
        (&[0x82, 0x86], &[(":path", ""), a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[(":path", "fixed"), a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[(":path", "*"), a], BAD_REQUEST),
        (&[0x82, 0x86], &[(":path", "?fixed"), a], BAD_REQUEST),
        (&[0x82, 0x86], &[(":path", "/fixed "), a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[(":path", "/fi xed"), a], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, (":authority", "u@a")], BAD_REQUEST),
        (&[0x82, 0x86], &[fixed, (":authority", "a ")], End::Stream(PROTOCOL_ERROR)),
        (&[0x82, 0x86], &[fixed, a, ("host", "b")], BAD_REQUEST),
        // §8.1.1
        (&[0x82, 0x86], &[fixed, a, ("content-length", "5")], End::Stream(PROTOCOL_ERROR)),
        // What the `http` crate cuts off is not to be seen.
        (&[0x82, 0x86], &[(":path", "/fixed#fragment"), a], OK),
    ] {
        let mut raw = Raw::to(&site);
        raw.send(frame(HEADERS, WHOLE, 1, &head(indexed, fields)));
        let ended = loop {
            match raw.next().expect("an answer") {
                (HEADERS, _, 1, content) => break End::Status(content[0]),
                (RST_STREAM, _, 1, content) => break End::Stream(code(&content)),
                (GOAWAY, _, _, content) => break End::Connection(code(&content[4..])),
                _ => {}
            }
        };
        assert_eq!(ended, end, "{fields:?}");
    }
}

/// A client that waits for 100 (RFC 9110 §10.1.1) is told to go instead, and its content, which it keeps, is not asked for. One
/// that does not wait may send what the stream's first window allows, here the 65,535 bytes that every stream has (RFC 9113
/// §6.9.2): it is never given room for more.
#[test]
fn who_waits_to_send_is_refused_without_100_and_without_more_room() {
    let plan = Plan::new().file("page.txt", "page").limits("body = \"1GiB\"");
    // `ann` with `secret`, who says `hunter2`: it takes a while to see that.
    let users = "ann:$2b$04$Er/o8ejexPShdrUmej8g2eNnV5H.Zk6XX/xYOrByUr.GKeK4txVGq\n";
    std::fs::write(plan.public().join("../users.htpasswd"), users).expect("a file");
    let guarded = "files = \"public\"\nauth = \"staff\"\n[auth.staff]\nbasic = \"users.htpasswd\"";
    let site = plan.route("/{path...}", guarded).start();
    for waits in [true, false] {
        let mut raw = Raw::to(&site);
        let fields =
            [("content-length", "104857600"), ("authorization", "Basic YW5uOmh1bnRlcjI="), ("expect", "100-continue")];
        let fields =
            [&[(":method", "PUT"), (":path", "/page.txt"), (":authority", "a")], &fields[..2 + usize::from(waits)]];
        raw.send(frame(HEADERS, OPEN, 1, &head(&[0x86], &fields.concat())));
        if !waits {
            let content = vec![b'x'; 65_535];
            content.chunks(1 << 14).for_each(|piece| raw.send(frame(DATA, 0, 1, piece)));
        }
        let began = Instant::now();
        let mut heads = Vec::new();
        let ended = loop {
            match raw.next().expect("a frame") {
                (HEADERS, _, 1, content) => heads.push(content),
                (RST_STREAM, _, 1, content) => break code(&content),
                (kind @ (WINDOW_UPDATE | GOAWAY), _, stream, _) => {
                    assert!(kind != GOAWAY && stream == 0, "{kind} {stream}")
                }
                _ => {}
            }
        };
        // 401 is in no table: it is a literal, of which `:status` is the name.
        assert_eq!(heads.len(), 1, "{heads:?}");
        assert!(heads[0].starts_with(&[0x48]), "{:x?}", heads[0]);
        // RFC 9113 §8.1
        assert_eq!(ended, NO_ERROR);
        // At once, there are clients that see it before they have looked at the answer.
        let lingers = Duration::from_secs(1)..Duration::from_secs(10);
        assert!(lingers.contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

/// A preface that does not come is a head that does not.
#[test]
fn half_of_a_preface_is_waited_for_as_long_as_a_head() {
    let site = plan().limits("head = \"1s\"\nidle = \"1s\"").start();
    let mut client = site.client();
    client.send(&PREFACE[..10]);
    let answer = client.answer("GET");
    assert_eq!((answer.status(), answer.reason().as_str()), (408, "head-timeout"));
    let mut client = site.client();
    client.send(PREFACE);
    client.end_in_any_way();
}

#[test]
fn requests_by_upgrade_have_the_fields_that_they_were_sent_with() {
    let site = plan().top("h2c-upgrade = true").start();
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    // Content, or a protocol that is not spoken: no change.
    for (request, status) in [
        (format!("POST /page.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n{upgrade}\r\nhi"), 405),
        (format!("GET /page.txt HTTP/1.1\r\nHost: a\r\n{}\r\n", upgrade.replace("h2c", "h3c")), 200),
        (format!("GET /page.txt HTTP/1.1\r\nHost: a\r\n{}\r\n", upgrade.replace("AAMAAABk", "!")), 200),
    ] {
        let mut client = site.client();
        let answer = client.ask(&request);
        assert_eq!((answer.status(), answer.interim.len()), (status, 0), "{request}");
    }
    let mut client = Client::to(site.address);
    client.send(format!("GET /page.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n{upgrade}\r\n"));
    let head = client.head().expect("a head");
    assert_eq!((head.status, head.get("upgrade"), head.get("connection")), (101, Some("h2c"), Some("upgrade")));
    let mut raw = Raw { socket: client.stream.try_clone().expect("the same socket") };
    raw.socket.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).expect("the server reads");
    let block = loop {
        let (kind, flags, stream, content) = raw.next().expect("an answer");
        if kind == HEADERS {
            assert_eq!((stream, flags & 1), (1, 1));
            break content;
        }
    };
    // `:status: 304` of the static table (RFC 7541 §A).
    assert_eq!(block[0], 0x8b, "{block:?}");
}
