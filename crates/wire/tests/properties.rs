//! The properties over messages that are right, and over those made from them by breaking something.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use verdict_core::method::Method;
use verdict_wire::{Body, Framing, Head, LAST_CHUNK, Limits, Piece, Progress, Requested, Response, put_chunk};

mod property;

const HEADS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a/b.html?c=d HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\nAccept: text/html\r\n\r\n",
    "HEAD /%41%2Fb/caf%C3%A9 HTTP/1.0\r\nConnection: keep-alive\r\nUser-Agent:\t x \r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    "PUT /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nX-Empty:\r\n\r\n0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "GET http://b.example/p?q HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
];

const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 \r\nContent-Length: 5, 05\r\nConnection: x-a, keep-alive\r\nX-A: b\r\nKeep-Alive: x\r\n\r\nhello",
    "HTTP/1.1 404 Not\tFound \r\nTransfer-Encoding: Chunked\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nServer:\t x \r\n\r\nuntil the close",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
    "HTTP/1.2 999 \r\n\r\n",
];

const TARGETS: &[&str] = &[
    "/",
    "/a/b.html?c=d&e=%zz",
    "/.well-known/x/..y",
    "/%41%2fb/%e2%82%ac",
    "/a//b/",
    "http://a:80/b?c",
    "*",
    "a:443",
];

const BODIES: &[&str] = &[
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "a\r\n0123456789\r\n1;x=y\r\nz\r\n0\r\nA: b\r\n\r\nGET",
    "003 ; q = \"a\\\"b\" ;r\r\nabc\r\nB\r\nhello world\r\n00\r\n\r\n",
];

/// Bytes and words on which readers have disagreed.
const PARTS: &[&str] = &[
    "\r",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "=",
    "\"",
    "%",
    "%2e",
    "%2F",
    "%00",
    "%c3%a9",
    "%ff",
    ".",
    "..",
    "/../",
    "/",
    "?",
    "#",
    "@",
    "\\",
    "\u{7f}",
    "\u{e9}",
    "\u{1}",
    "0",
    "5",
    "f",
    "+",
    "-",
    "*",
    "Host: b\r\n",
    "Content-Length: 6\r\n",
    "Content-Length: 5, 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Connection: host\r\n",
    "Expect: tea\r\n",
    "Accept: x\r\n",
    " folded\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "HTTP/1.2",
    "HTTP/2.0",
    " 204 ",
    " 101 ",
    " 099 ",
    "Connection: close, accept\r\n",
    "http://b",
    "CONNECT",
    "OPTIONS",
    "\r\n\r\n",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
    Truncate(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let part = || {
        prop_oneof![
            4 => proptest::sample::select(PARTS).prop_map(|part| part.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ]
    };
    prop_oneof![
        4 => (any::<usize>(), part()).prop_map(|(at, part)| Edit::Insert(at, part)),
        4 => (any::<usize>(), part()).prop_map(|(at, part)| Edit::Replace(at, part)),
        2 => (any::<usize>(), 1..6usize).prop_map(|(at, len)| Edit::Remove(at, len)),
        1 => (any::<usize>(), 1..40usize).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => any::<usize>().prop_map(Edit::Truncate),
    ]
}

/// One of the messages, with up to four edits.
fn edited(messages: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (proptest::sample::select(messages), proptest::collection::vec(edit(), 0..=4)).prop_map(|(message, edits)| {
        let mut bytes = message.as_bytes().to_vec();
        for edit in edits {
            apply(&mut bytes, edit);
        }
        bytes
    })
}

fn apply(bytes: &mut Vec<u8>, edit: Edit) {
    let len = bytes.len();
    let range = |at: usize, count: usize| at % (len + 1)..(at % (len + 1) + count).min(len);
    match edit {
        Edit::Insert(at, part) => drop(bytes.splice(range(at, 0), part)),
        Edit::Replace(at, part) => drop(bytes.splice(range(at, part.len()), part)),
        Edit::Remove(at, count) => drop(bytes.drain(range(at, count))),
        Edit::Repeat(at, count) => {
            let copy = bytes[range(at, count)].to_vec();
            drop(bytes.splice(range(at, 0), copy));
        }
        Edit::Truncate(at) => bytes.truncate(at % (len + 1)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_way_the_scanner_and_every_split_agree(message in edited(HEADS)) {
        property::head(&message);
    }

    #[test]
    fn a_response_means_what_the_plainest_reading_says(message in edited(RESPONSES)) {
        property::response(&message);
    }

    #[test]
    fn they_agree_on_bytes_that_are_no_message(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        property::head(&bytes);
        property::response(&bytes);
        property::body(&bytes);
    }

    #[test]
    fn a_target_means_what_the_plainest_reading_says(target in edited(TARGETS)) {
        property::target(&target);
    }

    #[test]
    fn content_does_not_depend_on_how_it_is_split(content in edited(BODIES)) {
        property::body(&content);
    }

    #[test]
    fn what_is_written_in_chunks_is_read_again(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
        part in 1..64usize,
    ) {
        let mut wire = Vec::new();
        pieces.iter().for_each(|piece| put_chunk(&mut wire, piece));
        wire.extend_from_slice(LAST_CHUNK);
        property::body(&wire);

        let (mut body, mut read, mut at) = (Body::new(Framing::Chunked), Vec::new(), 0);
        loop {
            match body.decode(&wire[at..(at + part).min(wire.len())]).unwrap() {
                Piece::Data { skip, len } => {
                    read.extend_from_slice(&wire[at + skip..at + skip + len]);
                    at += skip + len;
                }
                Piece::More { consumed } => at += consumed,
                Piece::End { consumed } => {
                    at += consumed;
                    break;
                }
            }
        }
        prop_assert_eq!(at, wire.len());
        prop_assert_eq!(read, pieces.concat());
    }
}

/// Properties over messages that are all refused, or all taken, would say little.
#[test]
fn both_right_and_broken_messages_are_common() {
    let share = |messages, taken: fn(&[u8]) -> bool| {
        let mut runner = TestRunner::deterministic();
        let inputs = (0..2000).map(|_| edited(messages).new_tree(&mut runner).unwrap().current());
        inputs.filter(|input| taken(input)).count() as f64 / 2000.0
    };
    let heads = share(HEADS, |input| Head::new().parse(input, &Limits::default()) == Ok(Progress::Complete));
    let targets = share(TARGETS, |input| {
        let message = [b"GET ", input, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        Head::new().parse(&message, &Limits::default()) == Ok(Progress::Complete)
    });
    let bodies = share(BODIES, |input| {
        let (mut body, mut at) = (Body::new(Framing::Chunked), 0);
        while let Ok(Piece::Data { skip, len }) = body.decode(&input[at..]) {
            at += skip + len;
        }
        body.is_done()
    });
    let responses = share(RESPONSES, |input| {
        let requested = Requested { method: Method::Get, upgrade: true };
        Response::new().parse(input, &Limits::default(), requested) == Ok(Progress::Complete)
    });
    for (name, share) in [("heads", heads), ("targets", targets), ("bodies", bodies), ("responses", responses)] {
        assert!((0.2..0.8).contains(&share), "{share} of the {name} are right");
    }
}
