//! HTTP/2 by clients of others: what is said on each stream, and over what HTTP/2 is spoken at all.

use crate::certificates::{connect, issue, trusting};
use crate::others::is_there;
use crate::site::{Plan, Site};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::pin::Pin;
use std::process::Command;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) fn plan() -> Plan {
    Plan::new()
        .file("page.txt", "page")
        .file("large.bin", vec![b'l'; 3 << 20])
        .route("/{path...}", "files = \"public\"")
        .route("/hinted/{path...}", "files = \"public\"\nhints = [\"</a.css>; rel=preload; as=style\"]")
        .route("/fixed", "respond = { status = 200, body = \"fixed\" }")
        .route("/upgrade", "respond = { status = 426, headers = { Upgrade = \"websocket\" } }")
}

/// An answer on a stream.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) interim: Vec<StatusCode>,
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) content: Bytes,
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(crate) type Sender = h2::client::SendRequest<Bytes>;

/// The `h2` crate's client, over plaintext with prior knowledge.
pub(crate) async fn client(site: &Site) -> Sender {
    let socket = tokio::net::TcpStream::connect(site.address).await.expect("the server accepts");
    let (sender, connection) = h2::client::handshake(socket).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

pub(crate) async fn ask(sender: &Sender, request: Request<()>, content: &[u8]) -> Result<Answer, h2::Error> {
    let mut sender = sender.clone().ready().await?;
    let (mut answer, mut stream) = sender.send_request(request, content.is_empty())?;
    if !content.is_empty() {
        stream.send_data(Bytes::copy_from_slice(content), true)?;
    }
    let mut interim = Vec::new();
    let head = poll_fn(|context| {
        while let Poll::Ready(Some(head)) = answer.poll_informational(context)? {
            interim.push(head.status());
        }
        Pin::new(&mut answer).poll(context)
    });
    let head = tokio::time::timeout(Duration::from_secs(20), head).await.expect("an answer in time");
    let (head, mut body) = head?.into_parts();
    let mut content = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        content.extend_from_slice(&piece);
    }
    Ok(Answer { interim, status: head.status, fields: head.headers, content: content.into() })
}

pub(crate) fn get(target: &str) -> Request<()> {
    Request::get(format!("http://site.test{target}")).body(()).expect("a request")
}

#[test]
fn every_kind_of_answer_comes_on_its_stream() {
    let site = plan().start();
    runtime().block_on(async {
        let sender = client(&site).await;
        for (method, target, status, length) in [
            ("GET", "/page.txt", 200, Some(4)),
            ("HEAD", "/page.txt", 200, Some(0)),
            ("GET", "/large.bin", 200, Some(3 << 20)),
            ("HEAD", "/large.bin", 200, Some(0)),
            ("GET", "/fixed", 200, Some(5)),
            ("OPTIONS", "/page.txt", 204, Some(0)),
            ("GET", "/nothing", 404, None),
            ("POST", "/page.txt", 405, None),
            ("get", "/page.txt", 501, None),
            ("GET", "/a/../b", 400, None),
            ("GET", "/upgrade", 426, None),
        ] {
            let request = Request::builder().method(method).uri(format!("http://site.test{target}"));
            let answer = ask(&sender, request.body(()).expect("a request"), b"").await.expect(target);
            assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
            assert!(length.is_none_or(|length| answer.content.len() == length), "{method} {target}: {answer:?}");
            for name in ["date", "request-id", "verdict-reason"] {
                assert!(answer.fields.contains_key(name), "{name}: {method} {target}: {answer:?}");
            }
            // RFC 9113 §8.2.2
            for name in ["connection", "keep-alive", "transfer-encoding", "upgrade"] {
                assert!(!answer.fields.contains_key(name), "{name}: {method} {target}: {answer:?}");
            }
        }
    });
}

/// What takes more than a field to bring about.
#[test]
fn limits_and_malformed_requests_have_the_same_reasons_as_in_http_1() {
    let plan = plan().limits("target = \"1KiB\"\nfields = \"4KiB\"\nbody = \"1KiB\"");
    let site = plan.route("/sized/{path...}", "files = \"public\"\nlimits = { length = \"required\" }").start();
    let request =
        |method: &str, target: &str| Request::builder().method(method).uri(format!("http://site.test{target}"));
    runtime().block_on(async {
        let sender = client(&site).await;
        let many = (0..120).fold(request("GET", "/"), |request, i| request.header(format!("x-{i}"), "y"));
        for (request, content, status, reason) in [
            (request("GET", &format!("/{}", "a".repeat(1024))), &b""[..], 414, "target-too-long"),
            (request("GET", "/").header("x-large", "y".repeat(4096)), b"", 431, "head-too-large"),
            (many, b"", 431, "too-many-fields"),
            (request("GET", "/%2e./b"), b"", 400, "ambiguous-target"),
            (request("GET", "/%zz"), b"", 400, "ambiguous-target"),
            (request("GET", "/").header("expect", "a-miracle"), b"", 417, "expectation-unknown"),
            (request("GET", "/sized/page.txt"), b"hello", 411, "length-missing"),
            (request("GET", "/page.txt").header("content-length", "2000"), &[b'x'; 2000], 413, "content-too-large"),
            (request("GET", "/page.txt").header("content-length", "5"), b"hello", 200, "served"),
        ] {
            let request = request.body(()).expect("a request");
            let answer = ask(&sender, request, content).await.expect(reason);
            let told = answer.fields["verdict-reason"].to_str().expect("text");
            assert_eq!((answer.status.as_u16(), told.split(';').next()), (status, Some(reason)), "{answer:?}");
        }
        // What breaks the protocol ends the stream, or less than that; never the others.
        let short = request("POST", "/fixed").header("content-length", "10").body(()).expect("a request");
        let outcome = ask(&sender, short, b"hello").await;
        assert!(outcome.as_ref().is_ok_and(|answer| answer.status == 200) || outcome.is_err(), "{outcome:?}");
        assert_eq!(ask(&sender, get("/fixed"), b"").await.expect("an answer").status, 200);
    });
}

/// Who is told that there is no room is told to go.
#[test]
fn a_crowded_connection_is_answered_once() {
    let site = plan().limits("per-client = 1").start();
    let mut first = site.client();
    assert_eq!(first.ask("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n").status(), 200);
    runtime().block_on(async {
        let socket = tokio::net::TcpStream::connect(site.address).await.expect("the server accepts");
        let (sender, connection) = h2::client::handshake(socket).await.expect("a handshake");
        let ended = tokio::spawn(connection);
        let answer = ask(&sender, get("/fixed"), b"").await.expect("an answer");
        assert_eq!(answer.status, 503);
        assert!(answer.fields.contains_key("retry-after"), "{answer:?}");
        drop(sender);
        ended.await.expect("no panic").expect("GOAWAY without an error");
    });
}

#[test]
fn hints_come_before_the_answer_whoever_asks() {
    let site = plan().start();
    runtime().block_on(async {
        let sender = client(&site).await;
        let answer = ask(&sender, get("/hinted/page.txt"), b"").await.expect("an answer");
        assert_eq!((&answer.interim[..], answer.status), (&[StatusCode::EARLY_HINTS][..], StatusCode::OK));
    });
}

#[test]
fn a_host_that_is_not_the_authority_is_refused() {
    let site = plan().start();
    runtime().block_on(async {
        let sender = client(&site).await;
        for (host, status) in [("site.test", 200), ("SITE.TEST", 200), ("other.test", 400)] {
            let request = Request::get("http://site.test/fixed").header("host", host).body(()).expect("a request");
            let answer = ask(&sender, request, b"").await.expect("an answer");
            assert_eq!(answer.status, status, "{host}");
            let differs = answer.fields["verdict-reason"].to_str().expect("text").starts_with("authority-differs;");
            assert_eq!(differs, status == 400, "{answer:?}");
        }
    });
}

#[test]
fn many_streams_are_answered_side_by_side() {
    let site = plan().start();
    runtime().block_on(async {
        let sender = client(&site).await;
        let asked = (0..30).map(|i| {
            let (sender, target) = (sender.clone(), ["/page.txt", "/large.bin", "/fixed"][i % 3]);
            tokio::spawn(async move { ask(&sender, get(target), b"").await.expect("an answer").content.len() })
        });
        let mut length = 0;
        for asked in asked.collect::<Vec<_>>() {
            length += asked.await.expect("no panic");
        }
        assert_eq!(length, 10 * (4 + (3 << 20) + 5));
    });
}

/// What is short is read away, what is long is stopped without an error, and the connection goes on.
#[test]
fn an_answer_that_needs_no_content_does_not_wait_for_it() {
    let site = plan().start();
    runtime().block_on(async {
        let sender = client(&site).await;
        for _ in 0..20 {
            for length in [5, 60_000, 1 << 20] {
                let request = Request::post("http://site.test/page.txt").body(()).expect("a request");
                let answer = ask(&sender, request, &vec![b'x'; length]).await.expect("an answer");
                assert_eq!(answer.status, 405, "{length}");
            }
        }
        assert_eq!(ask(&sender, get("/fixed"), b"").await.expect("an answer").status, 200);
    });
}

#[test]
fn curl_changes_to_http2_by_prior_knowledge_by_upgrade_and_by_tls() {
    if !is_there("curl", "curl") {
        return;
    }
    let issued = issue(&["127.0.0.1"]);
    let secure = plan().secure(std::slice::from_ref(&issued)).start();
    let plain = plan().top("h2c-upgrade = true").start();
    let refuses = plan().start();
    for (site, option, scheme, version) in [
        (&plain, "--http2-prior-knowledge", "http", "2"),
        (&plain, "--http2", "http", "2"),
        (&refuses, "--http2", "http", "1.1"),
        (&secure, "--http2", "https", "2"),
        (&secure, "--http1.1", "https", "1.1"),
    ] {
        for (target, length) in [("/page.txt", 4), ("/large.bin", 3 << 20), ("/fixed", 5)] {
            let mut curl = Command::new("curl");
            curl.args(["-sSk", option, "--noproxy", "*", "--max-time", "20", "-o", "/dev/null"]);
            curl.args(["-w", "%{http_code} %{http_version} %{size_download}"]);
            let output = curl.arg(format!("{scheme}://{}{target}", site.address)).output().expect("curl starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let shown = String::from_utf8_lossy(&output.stderr);
            assert_eq!(told, format!("200 {version} {length}"), "{option} {scheme} {target}: {shown}");
        }
    }
}

#[test]
fn a_server_that_stops_says_so_and_finishes_what_it_began() {
    let mut site = plan().top("drain = \"10s\"").start();
    let address = site.address;
    let asks = std::thread::spawn(move || {
        runtime().block_on(async {
            let socket = tokio::net::TcpStream::connect(address).await.expect("the server accepts");
            let (sender, connection) = h2::client::handshake(socket).await.expect("a handshake");
            let ended = tokio::spawn(connection);
            let mut sender = sender.ready().await.expect("a connection");
            let (answer, _) = sender.send_request(get("/large.bin"), true).expect("a request");
            let mut body = answer.await.expect("an answer").into_body();
            // Nothing is read until the server has long been told to stop.
            tokio::time::sleep(Duration::from_millis(700)).await;
            let mut length = 0;
            while let Some(piece) = body.data().await {
                let piece = piece.expect("content");
                length += piece.len();
                body.flow_control().release_capacity(piece.len()).expect("a stream");
            }
            drop((body, sender));
            (length, ended.await.expect("no panic"))
        })
    });
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    site.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let (length, ended) = asks.join().expect("no panic");
    assert_eq!(length, 3 << 20);
    ended.expect("GOAWAY without an error");
}

#[test]
fn tls_without_the_word_for_it_is_not_http2() {
    let issued = issue(&["a.test"]);
    let site = plan().secure(std::slice::from_ref(&issued)).start();
    let mut connection = connect(&trusting(&[&issued], &[]), site.address, "a.test").expect("a handshake");
    connection.write_all(PREFACE).expect("the server reads");
    let mut answer = String::new();
    let _ = connection.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
    assert!(connect(&trusting(&[&issued], &["h3"]), site.address, "a.test").is_err(), "no protocol in common");
    let connection = connect(&trusting(&[&issued], &["http/1.1", "h2"]), site.address, "a.test");
    assert_eq!(connection.expect("a handshake").conn.alpn_protocol(), Some(&b"h2"[..]));
}
