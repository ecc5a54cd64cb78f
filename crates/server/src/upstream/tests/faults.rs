//! A table of what upstreams do, and what comes of it.

use super::*;
use Step::*;

type Row = (&'static str, &'static [Step], Result<(u16, &'static [u8]), Upstream>);

/// The most content that is taken.
const MOST: u64 = 100;

const HEARD: Step = Hear;
const SHORT: Duration = Duration::from_millis(300);
/// Longer than any wait in the table.
const LONG: Duration = Duration::from_secs(3);

const ROWS: &[Row] = &[
    // Answers, however they end.
    ("a length", &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), Hold], Ok((200, b"hi"))),
    (
        "chunks",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), Hold],
        Ok((200, b"hi")),
    ),
    ("until the close", &[HEARD, Say(b"HTTP/1.1 200 OK\r\n\r\nhi"), End], Ok((200, b"hi"))),
    ("until the close in 1.0", &[HEARD, Say(b"HTTP/1.0 200 OK\r\n\r\n"), End], Ok((200, b""))),
    ("no content", &[HEARD, Say(b"HTTP/1.1 204 No Content\r\n\r\n"), Hold], Ok((204, b""))),
    ("304 with a length", &[HEARD, Say(b"HTTP/1.1 304 \r\nContent-Length: 99\r\n\r\n"), Hold], Ok((304, b""))),
    ("an error of its own", &[HEARD, Say(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), Hold], Ok((500, b""))),
    (
        "a number that is not registered",
        &[HEARD, Say(b"HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n"), Hold],
        Ok((999, b"")),
    ),
    (
        "interim answers",
        &[
            HEARD,
            Say(b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nLink: <a>\r\n\r\n"),
            Say(b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx"),
            Hold,
        ],
        Ok((200, b"x")),
    ),
    (
        "sixteen of them",
        &[HEARD, Repeat(b"HTTP/1.1 102 \r\n\r\n", 16), Say(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), Hold],
        Ok((200, b"")),
    ),
    (
        "byte by byte",
        &[
            HEARD,
            Say(b"H"),
            Pause(Duration::from_millis(5)),
            Say(b"TTP/1.1 200 \r"),
            Pause(Duration::from_millis(5)),
            Say(b"\nContent-Length: 1\r\n\r"),
            Pause(Duration::from_millis(5)),
            Say(b"\nx"),
            Hold,
        ],
        Ok((200, b"x")),
    ),
    (
        "just what is taken",
        &[HEARD, Say(b"HTTP/1.1 200 \r\n\r\n"), Repeat(b"0123456789", 10), End],
        Ok((
            200,
            b"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
        )),
    ),
    // The connection goes before the head is whole.
    ("a close at once", &[], Err(Upstream::Reset)),
    ("a close after the request", &[HEARD, End], Err(Upstream::Reset)),
    ("a reset before the head", &[HEARD, Reset], Err(Upstream::Reset)),
    ("a reset in the head", &[HEARD, Say(b"HTTP/1.1 200 OK\r\nA"), Pause(SHORT), Reset], Err(Upstream::Reset)),
    ("a close in the head", &[HEARD, Say(b"HTTP/1.1 200 OK\r\nA: b\r\n"), End], Err(Upstream::Reset)),
    ("a close after an interim answer", &[HEARD, Say(b"HTTP/1.1 100 \r\n\r\n"), End], Err(Upstream::Reset)),
    // Or in its content.
    (
        "a reset in the content",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), Pause(SHORT), Reset],
        Err(Upstream::CutShort),
    ),
    (
        "a reset in content until the close",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\n\r\nhe"), Pause(SHORT), Reset],
        Err(Upstream::CutShort),
    ),
    (
        "a close in content of a length",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), End],
        Err(Upstream::CutShort),
    ),
    (
        "a close before content of a length",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), End],
        Err(Upstream::CutShort),
    ),
    (
        "a close in a chunk",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), End],
        Err(Upstream::CutShort),
    ),
    (
        "a close between chunks",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"), End],
        Err(Upstream::CutShort),
    ),
    (
        "a close before the trailers' end",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), End],
        Err(Upstream::CutShort),
    ),
    // No HTTP.
    ("another protocol", &[Say(b"SSH-2.0-OpenSSH_9.9\r\n"), Hold], Err(Upstream::NotHttp)),
    ("HTTP/2", &[Say(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"), Hold], Err(Upstream::NotHttp)),
    ("TLS", &[Say(b"\x15\x03\x03\0\x02\x02\x50"), Hold], Err(Upstream::NotHttp)),
    ("HTTP/0.9", &[HEARD, Say(b"<html>"), End], Err(Upstream::NotHttp)),
    ("another version", &[HEARD, Say(b"HTTP/2.0 200 OK\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("no code", &[HEARD, Say(b"HTTP/1.1 OK\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("no space after the code", &[HEARD, Say(b"HTTP/1.1 200\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("a code of four digits", &[HEARD, Say(b"HTTP/1.1 2000 OK\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("a code below 100", &[HEARD, Say(b"HTTP/1.1 099 OK\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("lines that end in LF", &[HEARD, Say(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"), Hold], Err(Upstream::NotHttp)),
    ("a NUL", &[HEARD, Say(b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("a folded line", &[HEARD, Say(b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    ("an empty line first", &[HEARD, Say(b"\r\nHTTP/1.1 200 OK\r\n\r\n"), Hold], Err(Upstream::NotHttp)),
    // More than is taken.
    (
        "an endless head",
        &[
            HEARD,
            Say(b"HTTP/1.1 200 OK\r\n"),
            Repeat(b"X: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n", 1 << 20),
        ],
        Err(Upstream::HeadTooLarge),
    ),
    (
        "an endless line",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nX: "), Repeat(&[b'x'; 4096], 1 << 16)],
        Err(Upstream::HeadTooLarge),
    ),
    ("an endless reason", &[HEARD, Say(b"HTTP/1.1 200 "), Repeat(&[b'x'; 4096], 1 << 16)], Err(Upstream::HeadTooLarge)),
    (
        "many lines",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\n"), Repeat(b"X:\r\n", 101), Say(b"\r\n"), Hold],
        Err(Upstream::HeadTooLarge),
    ),
    ("a flood of interim answers", &[HEARD, Repeat(b"HTTP/1.1 102 \r\n\r\n", 1 << 20)], Err(Upstream::HeadTooLarge)),
    (
        "a length beyond what is taken",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"), Hold],
        Err(Upstream::ContentTooLarge),
    ),
    (
        "chunks beyond what is taken",
        &[
            HEARD,
            Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Repeat(b"a\r\n0123456789\r\n", 1 << 20),
        ],
        Err(Upstream::ContentTooLarge),
    ),
    (
        "endless content until the close",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\n\r\n"), Repeat(&[b'x'; 4096], 1 << 16)],
        Err(Upstream::ContentTooLarge),
    ),
    // Two readings.
    (
        "two lengths",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a length of no digits",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a length beyond 2^63",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nh"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a length and chunks",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "chunks in HTTP/1.0",
        &[HEARD, Say(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a coding that nobody knows",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a coding until the close",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), End],
        Err(Upstream::Framing),
    ),
    (
        "a chunk of 2^64 bytes",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a chunk of no size",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "a chunk that does not end",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n"), Hold],
        Err(Upstream::Framing),
    ),
    (
        "endless trailers",
        &[HEARD, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), Repeat(b"A: b\r\n", 1 << 20)],
        Err(Upstream::Framing),
    ),
    ("content on 204", &[HEARD, Say(b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi"), Hold], Err(Upstream::Framing)),
    ("content on 304", &[HEARD, Say(b"HTTP/1.1 304 No\r\n\r\nhi"), Hold], Err(Upstream::Framing)),
    (
        "a switch that nobody asked for",
        &[HEARD, Say(b"HTTP/1.1 101 OK\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Hold],
        Err(Upstream::Framing),
    ),
];

#[test]
fn every_fault_has_its_cause() {
    for (name, steps, expected) in ROWS {
        let (address, _) = upstream(steps);
        let found = asked(&target(address, "/"), GET, &PATIENT, MOST);
        let found = found.as_ref().map(content).map_err(|cause| *cause);
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn the_answer_to_head_has_no_content_and_what_follows_it_is_a_fault() {
    let request = Asked { method: "HEAD", ..GET };
    for (says, expected) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"[..], Ok(200)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Ok(200)),
        (b"HTTP/1.1 200 OK\r\n\r\n", Ok(200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Err(Upstream::Framing)),
    ] {
        let (address, _) = serve(move |mut socket| {
            hear(&mut socket);
            socket.write_all(says).unwrap();
            hear(&mut socket);
        });
        let found = asked(&target(address, "/"), request, &PATIENT, 10).map(|answer| answer.status);
        assert_eq!(found, expected, "{}", says.escape_ascii());
    }
}

#[test]
fn what_is_slow_is_called_by_what_was_waited_for() {
    let first_byte = Times { first_byte: SHORT, ..PATIENT };
    let total = Times { total: SHORT, ..PATIENT };
    let rows: [(&str, &'static [Step], Times, Upstream); 5] = [
        ("the first byte", &[HEARD, Hold], first_byte, Upstream::FirstByteSlow),
        ("nothing that is read", &[Hold], first_byte, Upstream::FirstByteSlow),
        ("the head", &[HEARD, Say(b"HTTP/1.1 200 OK\r\n"), Hold], total, Upstream::TotalSlow),
        ("the answer after an interim one", &[HEARD, Say(b"HTTP/1.1 100 \r\n\r\n"), Hold], total, Upstream::TotalSlow),
        (
            "the content",
            &[HEARD, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"), Hold],
            total,
            Upstream::TotalSlow,
        ),
    ];
    for (name, steps, times, expected) in rows {
        let (address, _) = upstream(steps);
        let began = std::time::Instant::now();
        assert_eq!(asked(&target(address, "/"), GET, &times, MOST), Err(expected), "{name}");
        assert!((SHORT..LONG).contains(&began.elapsed()), "{name}: {:?}", began.elapsed());
    }
}

#[test]
fn a_connection_that_does_not_come_about_says_why() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, expected) in [
        (format!("http://{unused}/"), Upstream::Refused),
        (format!("https://{unused}/"), Upstream::Refused),
        (format!("http://localhost:{}/", unused.port()), Upstream::Refused),
        ("http://nobody.invalid/".to_owned(), Upstream::NameUnknown),
        ("https://nobody.invalid.:8443/".to_owned(), Upstream::NameUnknown),
        ("http://255.255.255.255:9/".to_owned(), Upstream::Unreachable),
    ] {
        assert_eq!(asked(&Target::parse(&url).unwrap(), GET, &PATIENT, MOST), Err(expected), "{url}");
    }
}

#[test]
fn a_connection_that_nobody_takes_is_slow() {
    // A queue of one, which is full; what comes then is not answered.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let waiting: Vec<_> = (0..4).map(|_| TcpStream::connect_timeout(&address, SHORT)).collect();
    assert!(waiting.iter().any(Result::is_err), "the queue takes more than it should");
    let times = Times { connect: SHORT, ..PATIENT };
    assert_eq!(asked(&target(address, "/"), GET, &times, MOST), Err(Upstream::ConnectSlow));
}
