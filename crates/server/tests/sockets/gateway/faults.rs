//! A table of what upstreams do wrong, and what each client is told of it.

use super::Step::{self, *};
use super::{PAUSE, scripted};
use crate::certificates::issue;
use crate::client::Broken;
use crate::http2;
use crate::site::{Plan, Site};
use crate::upstream::{Upstream, hear, ok};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// What the clients see.
#[derive(Clone, Copy)]
enum Told {
    /// An answer of the gateway's own: its status, its reason, and the type of error (RFC 9209 §2.3).
    Failed(u16, &'static str, &'static str),
    /// The head of an answer, and that it breaks off.
    Broken,
    /// An answer with that status and content.
    Answered(u16, &'static str),
}

use Told::{Answered, Broken as BreaksOff, Failed};

const NOT_HTTP: Told = Failed(502, "upstream-not-http", "http_protocol_error");
const FRAMING: Told = Failed(502, "upstream-framing", "http_protocol_error");
const RESET: Told = Failed(502, "upstream-reset", "connection_terminated");
const CUT_SHORT: Told = Failed(502, "upstream-cut-short", "http_response_incomplete");
const HEAD_SIZE: Told = Failed(502, "upstream-head-too-large", "http_response_header_section_size");
const FIRST_BYTE: Told = Failed(504, "upstream-first-byte-slow", "http_response_timeout");
const TOTAL: Told = Failed(504, "upstream-total-slow", "http_response_timeout");

const IN_CHUNKS: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
/// More than is gathered before an answer is begun.
const LONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello";

const ROWS: &[(&str, &[Step], Told)] = &[
    // The connection goes before the head is whole.
    ("a close at once", &[], RESET),
    ("a reset at once", &[Reset], RESET),
    ("a close after the request", &[Hear, Step::Pause], RESET),
    ("a reset before the head", &[Hear, Reset], RESET),
    ("half a head and a close", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: b\r\n")], RESET),
    ("half a head and a reset", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: b"), Step::Pause, Reset], RESET),
    ("half a status line", &[Hear, Say(b"HTTP/1.")], RESET),
    ("an interim answer alone", &[Hear, Say(b"HTTP/1.1 103 Early Hints\r\n\r\n")], RESET),
    // It takes too long.
    ("silence", &[Hear, Hold], FIRST_BYTE),
    ("nothing that is heard", &[Hold], FIRST_BYTE),
    ("silence after an interim answer", &[Hear, Say(b"HTTP/1.1 102 Processing\r\n\r\n"), Hold], FIRST_BYTE),
    ("half a head and silence", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: b"), Hold], FIRST_BYTE),
    // No HTTP.
    ("SSH", &[Say(b"SSH-2.0-OpenSSH_9.9\r\n"), Hold], NOT_HTTP),
    ("a mail server", &[Say(b"220 mail.example ESMTP\r\n"), Hold], NOT_HTTP),
    ("a page without a head", &[Hear, Say(b"<!doctype html>\n<title>Hello</title>\n")], NOT_HTTP),
    ("HTTP/0.9", &[Hear, Say(b"hello\r\n")], NOT_HTTP),
    ("HTTP/2", &[Say(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64"), Hold], NOT_HTTP),
    ("HTTP/2 with a status line", &[Hear, Say(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    ("HTTP/3.1", &[Hear, Say(b"HTTP/3.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    ("TLS", &[Hear, Say(b"\x15\x03\x03\0\x02\x02\x50"), Hold], NOT_HTTP),
    ("zeros", &[Hear, Repeat(&[0; 4096], 1000), Hold], NOT_HTTP),
    ("a request", &[Hear, Say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Hold], NOT_HTTP),
    // Codes that are none (RFC 9110 §15).
    ("99", &[Hear, Say(b"HTTP/1.1 99 Low\r\n\r\n"), Hold], NOT_HTTP),
    ("099", &[Hear, Say(b"HTTP/1.1 099 Low\r\n\r\n"), Hold], NOT_HTTP),
    ("20", &[Hear, Say(b"HTTP/1.1 20 OK\r\n\r\n"), Hold], NOT_HTTP),
    ("2000", &[Hear, Say(b"HTTP/1.1 2000 OK\r\n\r\n"), Hold], NOT_HTTP),
    ("-20", &[Hear, Say(b"HTTP/1.1 -20 OK\r\n\r\n"), Hold], NOT_HTTP),
    // Lines that are none (RFC 9112 §2.2, §5).
    ("lines that end in LF", &[Hear, Say(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"), Hold], NOT_HTTP),
    ("a bare CR", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"), Hold], NOT_HTTP),
    ("a folded line", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    ("a NUL", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    (
        "a space before the colon",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\nContent-Length: 0\r\n\r\n"), Hold],
        NOT_HTTP,
    ),
    ("no colon", &[Hear, Say(b"HTTP/1.1 200 OK\r\nA\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    ("no name", &[Hear, Say(b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    ("a NUL in the phrase", &[Hear, Say(b"HTTP/1.1 200 \0\r\nContent-Length: 0\r\n\r\n"), Hold], NOT_HTTP),
    // More than is taken.
    ("an endless head", &[Hear, Say(b"HTTP/1.1 200 OK\r\n"), Repeat(&[b'x'; 4096], 1 << 16)], HEAD_SIZE),
    ("many fields", &[Hear, Say(b"HTTP/1.1 200 OK\r\n"), Repeat(b"X: y\r\n", 200), Say(b"\r\n"), Hold], HEAD_SIZE),
    (
        "large fields",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nX: "), Repeat(&[b'x'; 1024], 80), Say(b"\r\n\r\n"), Hold],
        HEAD_SIZE,
    ),
    ("an endless phrase", &[Hear, Say(b"HTTP/1.1 200 "), Repeat(&[b'x'; 4096], 1 << 16)], HEAD_SIZE),
    ("a flood of interim answers", &[Hear, Repeat(b"HTTP/1.1 102 Processing\r\n\r\n", 1 << 20)], HEAD_SIZE),
    // Two readings of where it ends (RFC 9112 §6.3).
    (
        "two lengths",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"), Hold],
        FRAMING,
    ),
    ("a list of two lengths", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi!"), Hold], FRAMING),
    ("a length with a sign", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"), Hold], FRAMING),
    ("a length in hexadecimal", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi"), Hold], FRAMING),
    (
        "a length beyond 2^64",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nhi"), Hold],
        FRAMING,
    ),
    (
        "a length and chunks",
        &[
            Hear,
            Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
            Hold,
        ],
        FRAMING,
    ),
    ("gzip", &[Hear, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi")], FRAMING),
    (
        "gzip in chunks",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), Hold],
        FRAMING,
    ),
    (
        "chunks in chunks",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), Hold],
        FRAMING,
    ),
    (
        "chunked on two lines",
        &[
            Hear,
            Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            Hold,
        ],
        FRAMING,
    ),
    (
        "chunks in HTTP/1.0",
        &[Hear, Say(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Hold],
        FRAMING,
    ),
    (
        "a switch that nobody asked for",
        &[Hear, Say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Hold],
        FRAMING,
    ),
    ("content after 204", &[Hear, Say(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi"), Hold], FRAMING),
    ("content after 304", &[Hear, Say(b"HTTP/1.1 304 Not Modified\r\n\r\nhi"), Hold], FRAMING),
    // Content that is waited for because there is little.
    ("a length and a close", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")], CUT_SHORT),
    (
        "a length and a reset",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), Step::Pause, Reset],
        CUT_SHORT,
    ),
    ("a length and silence", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), Hold], TOTAL),
    // Content that is on its way already.
    ("much less than its length", &[Hear, Say(LONG)], BreaksOff),
    ("a reset in much content", &[Hear, Say(LONG), Step::Pause, Reset], BreaksOff),
    ("silence in much content", &[Hear, Say(LONG), Hold], BreaksOff),
    ("a close in a chunk", &[Hear, Say(IN_CHUNKS), Say(b"5\r\nhe")], BreaksOff),
    ("a close between chunks", &[Hear, Say(IN_CHUNKS)], BreaksOff),
    ("a reset between chunks", &[Hear, Say(IN_CHUNKS), Step::Pause, Reset], BreaksOff),
    ("silence between chunks", &[Hear, Say(IN_CHUNKS), Hold], BreaksOff),
    ("a close in the last chunk", &[Hear, Say(IN_CHUNKS), Say(b"0\r\n")], BreaksOff),
    ("a chunk of 2^64", &[Hear, Say(IN_CHUNKS), Say(b"10000000000000000\r\n"), Hold], BreaksOff),
    ("a chunk of 2^64 at first", &[Hear, Say(CHUNKED), Say(b"10000000000000000\r\n"), Hold], BreaksOff),
    ("a chunk of no size", &[Hear, Say(IN_CHUNKS), Say(b"five\r\nhello\r\n"), Hold], BreaksOff),
    ("a chunk of less than none", &[Hear, Say(IN_CHUNKS), Say(b"-1\r\nhello\r\n"), Hold], BreaksOff),
    ("a chunk that does not end", &[Hear, Say(IN_CHUNKS), Say(b"2\r\nhello\r\n"), Hold], BreaksOff),
    ("a chunk's line that ends in LF", &[Hear, Say(IN_CHUNKS), Say(b"5\nhello\n0\n\n"), Hold], BreaksOff),
    (
        "a chunk extension without an end",
        &[Hear, Say(IN_CHUNKS), Say(b"5;"), Repeat(&[b'x'; 4096], 1 << 16)],
        BreaksOff,
    ),
    ("trailers without an end", &[Hear, Say(IN_CHUNKS), Say(b"0\r\n"), Repeat(b"A: b\r\n", 1 << 20)], BreaksOff),
    ("a trailer that is none", &[Hear, Say(IN_CHUNKS), Say(b"0\r\nA\0\r\n\r\n"), Hold], BreaksOff),
    ("a reset before the close", &[Hear, Say(b"HTTP/1.1 200 OK\r\n\r\nhello"), Step::Pause, Reset], BreaksOff),
    // Unusual, and right.
    ("until the close", &[Hear, Say(b"HTTP/1.1 200 OK\r\n\r\nhello")], Answered(200, "hello")),
    ("until the close in HTTP/1.0", &[Hear, Say(b"HTTP/1.0 200 OK\r\n\r\nhello")], Answered(200, "hello")),
    ("its own error", &[Hear, Say(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")], Answered(503, "no")),
    (
        "the same length twice",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi")],
        Answered(200, "hi"),
    ),
    (
        "chunks with extensions and trailers",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=\"b\"\r\nhi\r\n0\r\nA: b\r\n\r\n")],
        Answered(200, "hi"),
    ),
    (
        "an invitation that nobody waits for",
        &[Hear, Say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")],
        Answered(200, "hi"),
    ),
    (
        "byte by byte",
        &[
            Hear,
            Say(b"HTTP/1.1 2"),
            Step::Pause,
            Say(b"00 OK\r"),
            Step::Pause,
            Say(b"\nContent-Length: 2\r\n\r\nh"),
            Say(b"i"),
        ],
        Answered(200, "hi"),
    ),
    (
        "more than its length",
        &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!"), Hold],
        Answered(200, "hi"),
    ),
];

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const TIMES: &str = "timeout = { connect = \"300ms\", first-byte = \"300ms\", idle = \"300ms\" }";

/// A gateway with a route for each member: `/0`, `/1` and so on.
fn gateway(members: impl IntoIterator<Item = String>) -> Site {
    let plan = Plan::new().top("explain = \"header\"");
    let routes = members.into_iter().enumerate();
    routes.fold(plan, |plan, (i, member)| plan.route(&format!("/{i}"), &format!("proxy = {member}\n{TIMES}"))).start()
}

/// Asks over each version, and compares.
fn each_client_is_told(site: &Site, row: usize, name: &str, told: Told) {
    for version in ["1.1", "1.0"] {
        let mut client = site.client();
        client.send(format!("GET /{row} HTTP/{version}\r\nHost: a\r\n\r\n"));
        let found = client.try_answer("GET");
        let name = format!("{name}, HTTP/{version}");
        match told {
            Failed(status, reason, error) => {
                let answer = found.unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
                assert_eq!((answer.status(), &answer.reason()[..]), (status, reason), "{name}");
                assert_eq!(answer.get("proxy-status"), Some(&format!("verdict; error={error}")[..]), "{name}");
            }
            BreaksOff => {
                let broken = found.map(|answer| format!("{answer:?}"));
                assert!(matches!(broken, Err(Broken::Short | Broken::Reset)), "{name}: {broken:?}");
            }
            Answered(status, content) => {
                let answer = found.unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
                assert_eq!((answer.status(), answer.text()), (status, content), "{name}");
                assert_eq!(answer.reason(), "upstream-answered", "{name}");
            }
        }
    }
    http2::runtime().block_on(async {
        let sender = http2::client(site).await;
        let found = http2::ask(&sender, http2::get(&format!("/{row}")), b"").await;
        match told {
            Failed(status, reason, error) => {
                let answer = found.unwrap_or_else(|error| panic!("{name}, HTTP/2: {error}"));
                let field = |name| answer.fields[name].to_str().expect("text");
                let given = field("verdict-reason").split(';').next();
                assert_eq!((answer.status.as_u16(), given), (status, Some(reason)), "{name}, HTTP/2");
                assert_eq!(field("proxy-status"), format!("verdict; error={error}"), "{name}, HTTP/2");
            }
            BreaksOff => {
                let error = found.expect_err(name);
                assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR), "{name}, HTTP/2: {error:?}");
                assert!(error.is_reset() && error.is_remote(), "{name}, HTTP/2: {error:?}");
                // The others on the connection are none the worse for it.
                let other = http2::ask(&sender, http2::get("/none"), b"").await;
                assert_eq!(other.expect(name).status, 404, "{name}, HTTP/2");
            }
            Answered(status, content) => {
                let answer = found.unwrap_or_else(|error| panic!("{name}, HTTP/2: {error}"));
                assert_eq!(
                    (answer.status.as_u16(), &answer.content[..]),
                    (status, content.as_bytes()),
                    "{name}, HTTP/2"
                );
            }
        }
    });
}

#[test]
fn every_fault_is_called_by_its_name() {
    let members: Vec<_> = ROWS.iter().map(|(_, steps, _)| scripted(steps)).collect();
    let site = gateway(members.iter().map(|member| format!("[{:?}]", member.url())));
    for (i, (name, _, told)) in ROWS.iter().enumerate() {
        each_client_is_told(&site, i, name, *told);
    }
}

#[test]
fn a_connection_that_does_not_come_about_says_why() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_full, full) = full_queue();
    let wrong = secure(&["other.example"]);
    let own = secure(&["localhost", "127.0.0.1"]);
    let plain = scripted(&[Say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Hold]);
    let another = scripted(&[Say(b"SSH-2.0-OpenSSH_9.9\r\n"), Hold]);
    let silent = scripted(&[Hold]);
    let closing = scripted(&[]);
    let over_tls = |address: SocketAddr| format!("https://127.0.0.1:{}", address.port());
    const CERTIFICATE: Told = Failed(502, "upstream-certificate", "tls_certificate_error");
    const TLS: Told = Failed(502, "upstream-tls", "tls_protocol_error");
    const REFUSED: Told = Failed(502, "upstream-refused", "connection_refused");
    let rows = [
        ("a name of nobody", "http://nobody.invalid".to_owned(), Failed(502, "upstream-name-unknown", "dns_error")),
        ("nobody listens", format!("http://{unused}"), REFUSED),
        ("nobody listens, TLS", format!("https://{unused}"), REFUSED),
        ("nobody listens, by name", format!("http://localhost:{}", unused.port()), REFUSED),
        ("a socket that is not there", "unix:/nowhere/app.sock".to_owned(), Failed(502, UNREACHABLE.0, UNREACHABLE.1)),
        ("no way there", "http://255.255.255.255:9".to_owned(), Failed(502, UNREACHABLE.0, UNREACHABLE.1)),
        ("nobody accepts", format!("http://{full}"), Failed(504, "upstream-connect-slow", "connection_timeout")),
        ("TLS of another name", over_tls(wrong.address), CERTIFICATE),
        ("TLS signed by itself", over_tls(own.address), CERTIFICATE),
        ("no TLS but HTTP", over_tls(plain.address), TLS),
        ("no TLS but SSH", over_tls(another.address), TLS),
        ("no TLS but silence", over_tls(silent.address), Failed(504, "upstream-tls-slow", "connection_timeout")),
        ("no TLS but a close", over_tls(closing.address), RESET),
    ];
    let site = gateway(rows.iter().map(|(_, url, _)| format!("[{url:?}]")));
    for (i, (name, _, told)) in rows.iter().enumerate() {
        each_client_is_told(&site, i, name, *told);
    }
}

const UNREACHABLE: (&str, &str) = ("upstream-unreachable", "destination_ip_unroutable");

/// A member whose queue of connections is full, for as long as the sockets are held.
fn full_queue() -> (Vec<std::io::Result<TcpStream>>, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut held: Vec<_> = (0..4).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
    assert!(held.iter().any(Result::is_err), "the queue takes more than it should");
    held.push(Ok(listener.into()));
    (held, address)
}

/// A member over TLS with a certificate of its own for those names.
fn secure(names: &[&str]) -> Upstream {
    let issued = issue(names);
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(vec![issued.der], key).unwrap());
    Upstream::start(move |socket| {
        let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), socket);
        if hear(&mut stream, &mut Vec::new()).is_some() {
            let _ = stream.write_all(&ok("hi"));
        }
    })
}

#[test]
fn all_of_it_may_take_too_long() {
    // What it does, and what is told where all of it has to be over in 300 ms.
    let rows: [(&str, &'static [Step], Told); 5] = [
        ("silence", &[Hear, Hold], TOTAL),
        ("half a head", &[Hear, Say(b"HTTP/1.1 200 OK\r\n"), Hold], TOTAL),
        ("an interim answer", &[Hear, Say(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Hold], TOTAL),
        ("little content", &[Hear, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), Hold], TOTAL),
        ("content without an end", &[Hear, Say(CHUNKED), Repeat(b"5\r\nhello\r\n", 1 << 30)], BreaksOff),
    ];
    let members: Vec<_> = rows.iter().map(|(_, steps, _)| scripted(steps)).collect();
    let plan = Plan::new().top("explain = \"header\"");
    let plan = members.iter().enumerate().fold(plan, |plan, (i, member)| {
        let route = format!("proxy = [{:?}]\ntimeout = {{ total = \"300ms\" }}", member.url());
        plan.route(&format!("/{i}"), &route)
    });
    let site = plan.start();
    for (i, (name, _, told)) in rows.iter().enumerate() {
        each_client_is_told(&site, i, name, *told);
    }
}

#[test]
fn who_is_its_own_member_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plan = Plan::new().top("explain = \"header\"").listening(&format!("\"http://{free}\""));
    let site = plan.route("/{path...}", &format!("proxy = [\"http://{free}\"]")).start();
    for version in ["1.1", "1.0"] {
        let answer = site.ask(format!("GET /a HTTP/{version}\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), 508, "{answer:?}");
        // The second time around it is noticed, and the first passes that on.
        assert_eq!(answer.get("proxy-status"), Some("verdict; error=proxy_loop_detected"), "{answer:?}");
        assert!(answer.text().contains("upstream-loop"), "{}", answer.text());
        assert_eq!(answer.reason(), "upstream-answered");
    }
}

/// What the clients get one after the other, and how many connections that takes.
fn each_gets_its_own(serve: impl Fn(u64, &mut TcpStream) + Send + Sync + 'static) -> u64 {
    const CLIENTS: u64 = 10;
    let count = AtomicU64::new(0);
    let member = Upstream::start(move |mut stream| {
        let mut input = Vec::new();
        while hear(&mut stream, &mut input).is_some() {
            serve(count.fetch_add(1, SeqCst), &mut stream);
        }
    });
    let site = gateway([format!("[{:?}]", member.url())]);
    for i in 0..CLIENTS {
        let answer = site.get("/0");
        assert_eq!((answer.status(), answer.text()), (200, &i.to_string()[..]), "{answer:?}");
        thread::sleep(PAUSE / 2);
    }
    member.connections()
}

#[test]
fn an_answer_that_nobody_asked_for_is_nobodys() {
    const EVIL: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    // Each connection serves once: what is on it after the answer makes it unfit.
    let at_once = |i: u64, stream: &mut TcpStream| {
        let _ = stream.write_all(&[&ok(i.to_string())[..], EVIL].concat());
    };
    assert_eq!(each_gets_its_own(at_once), 10);
    let later = |i: u64, stream: &mut TcpStream| {
        let _ = stream.write_all(&ok(i.to_string()));
        thread::sleep(PAUSE / 10);
        let _ = stream.write_all(EVIL);
    };
    assert_eq!(each_gets_its_own(later), 10);
    let bytes = |i: u64, stream: &mut TcpStream| {
        let _ = stream.write_all(&ok(i.to_string()));
        thread::sleep(PAUSE / 10);
        let _ = stream.write_all(b"\r\n");
    };
    assert_eq!(each_gets_its_own(bytes), 10);
    let in_chunks = |i: u64, stream: &mut TcpStream| {
        let _ = stream.write_all(CHUNKED);
        let _ = stream.write_all(&[format!("1\r\n{i}\r\n0\r\n\r\n").as_bytes(), EVIL].concat());
    };
    assert_eq!(each_gets_its_own(in_chunks), 10);
    // Where there is nothing of the kind, there is one.
    let well = |i: u64, stream: &mut TcpStream| drop(stream.write_all(&ok(i.to_string())));
    assert_eq!(each_gets_its_own(well), 1);
}

#[test]
fn the_content_of_an_answer_to_head_is_nobodys() {
    // It takes HEAD for GET.
    let member = Upstream::answering(|_| ok("hello"));
    let site = gateway([format!("[{:?}]", member.url())]);
    for _ in 0..5 {
        let mut client = site.client();
        client.send("HEAD /0 HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer("HEAD");
        assert!(matches!((answer.status(), &answer.reason()[..]), (502, "upstream-framing")), "{answer:?}");
        thread::sleep(PAUSE / 10);
        assert_eq!(client.ask("GET /0 HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello");
    }
}
