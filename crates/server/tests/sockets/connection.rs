//! Connections: how long they stay, when they end, and that nothing is lost on the way.

use crate::client::{Broken, Client};
use crate::site::{Plan, Site};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use verdict_server::Server;
use verdict_server::config::Config;

pub(crate) const PAGE: &str = "GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn plan() -> Plan {
    Plan::new()
        .files([("page.txt", "page"), ("empty.txt", "")])
        .file("medium.bin", vec![b'm'; 40_000])
        .file("large.bin", vec![b'l'; 300_000])
        .route("/{path...}", "files = \"public\"")
        .route(
            "/hinted/{path...}",
            "files = \"public\"\nhints = [\"</a.css>; rel=preload; as=style\", \"</b.js>; rel=preload; as=script\"]",
        )
        .route(
            "/hinted-all/{path...}",
            "files = \"public\"\nhints = [\"</a.css>; rel=preload; as=style\"]\nhints-to = \"all\"",
        )
        .route("/moved/{path...}", "redirect = \"/{path}\"")
        .route("/fixed", "respond = { status = 200, body = \"fixed\" }")
}

fn site() -> Site {
    plan().start()
}

/// Twenty requests of every kind, and the status and content that each has.
fn twenty() -> Vec<(String, u16, usize)> {
    let one =
        |line: &str, rest: &str, status, length| (format!("{line} HTTP/1.1\r\nHost: a\r\n{rest}"), status, length);
    let kinds = [
        one("GET /page.txt", "\r\n", 200, 4),
        one("HEAD /page.txt", "\r\n", 200, 0),
        one("GET /large.bin", "\r\n", 200, 300_000),
        one("POST /page.txt", "Content-Length: 5\r\n\r\nhello", 405, usize::MAX),
        one("GET /nothing", "\r\n", 404, usize::MAX),
        one("GET /page.txt", "Range: bytes=1-2\r\n\r\n", 206, 2),
        one("OPTIONS /page.txt", "\r\n", 204, 0),
        one("GET /page.txt", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, 4),
        one("GET /page.txt", "If-None-Match: *\r\n\r\n", 304, 0),
        one("GET /medium.bin", "\r\n", 200, 40_000),
        one("GET /moved/x", "\r\n", 307, usize::MAX),
        one("PUT /fixed", "Content-Length: 3\r\n\r\nabc", 200, 5),
        one("GET /empty.txt", "\r\n", 200, 0),
    ];
    kinds.iter().cloned().cycle().take(20).collect()
}

#[test]
fn requests_in_a_row_are_answered_in_their_order_however_they_are_split() {
    let site = site();
    let requests = twenty();
    let bytes: String = requests.iter().map(|(request, ..)| request.as_str()).collect();
    for size in [bytes.len(), 1000, 100, 7, 1] {
        let mut client = site.client();
        client.send_in_pieces(&bytes, size);
        for (request, status, length) in &requests {
            let answer = client.answer(request.split(' ').next().expect("a method"));
            assert_eq!(answer.status(), *status, "{request} in pieces of {size}");
            assert!(*length == usize::MAX || answer.content.len() == *length, "{request} in pieces of {size}");
            assert!(!answer.closes(), "{request}");
        }
        assert!(client.goes_on());
    }
}

#[test]
fn a_client_that_sends_without_reading_is_answered_all_the_same() {
    let site = site();
    // Far more answers than anybody keeps: the server has to wait for the client, and goes on when it reads.
    let mut client = Client::with_small_buffer(site.address, 8 << 10);
    let mut writer = client.stream.try_clone().expect("another handle");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..2000 {
                std::io::Write::write_all(&mut writer, b"GET /medium.bin HTTP/1.1\r\nHost: a\r\n\r\n")
                    .expect("it is read in time");
            }
        });
        for _ in 0..2000 {
            assert_eq!(client.answer("GET").content.len(), 40_000);
        }
    });
    assert!(client.goes_on());
}

#[test]
fn a_connection_stays_as_long_as_both_sides_want() {
    let site = site();
    for (version, field, stays) in [
        ("1.1", "", true),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: Close, x\r\n", false),
        ("1.1", "Connection: x\r\nConnection: close\r\n", false),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: close\r\n", false),
    ] {
        for target in ["/page.txt", "/large.bin", "/nothing", "/moved/x", "/fixed"] {
            for method in ["GET", "HEAD", "DELETE"] {
                let mut client = site.client();
                let answer = client.ask(format!("{method} {target} HTTP/{version}\r\nHost: a\r\n{field}\r\n"));
                let told = match (stays, version) {
                    (false, _) => Some("close"),
                    (true, "1.0") => Some("keep-alive"),
                    (true, _) => None,
                };
                assert_eq!(answer.get("connection"), told, "{method} {target} {version} {field}");
                if stays {
                    assert!(client.goes_on(), "{method} {target} {version} {field}");
                } else {
                    client.end();
                }
            }
        }
    }
}

#[test]
fn what_follows_a_request_that_closes_is_not_answered() {
    let site = site();
    let mut client = site.client();
    client.send(format!("GET /page.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{PAGE}"));
    assert_eq!(client.answer("GET").status(), 200);
    client.end();
}

#[test]
fn a_few_empty_lines_before_a_request_are_passed_over() {
    let site = site();
    let mut client = site.client();
    // RFC 9112 §2.2: at least one.
    for count in [1, 2, 4, 0] {
        assert_eq!(client.ask(format!("{}{PAGE}", "\r\n".repeat(count))).status(), 200, "{count}");
    }
    // Old clients sent one after content, which belonged to nothing.
    client.send(format!("POST /page.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\n{PAGE}"));
    assert_eq!(client.answer("POST").status(), 405);
    assert_eq!(client.answer("GET").status(), 200);
}

#[test]
fn a_client_that_ends_its_side_reads_every_answer() {
    let site = site();
    let mut client = site.client();
    client.send(PAGE.repeat(3));
    client.finish();
    for _ in 0..3 {
        assert_eq!(client.answer("GET").text(), "page");
    }
    client.end();
    // Who ends in the middle of a head can read still, and is told.
    for part in ["GET /page.txt HT", "GET /page.txt HTTP/1.1\r\nHost: a\r\n"] {
        let mut client = site.client();
        client.send(part);
        client.finish();
        let answer = client.answer("GET");
        assert_eq!((answer.status(), answer.reason().as_str()), (400, "head-cut-short"), "{part:?}");
        client.end();
    }
    // Who has begun nothing is owed nothing.
    for part in ["\r\n", ""] {
        let mut client = site.client();
        client.send(part);
        client.finish();
        assert_eq!(client.try_answer("GET").unwrap_err(), Broken::Silent, "{part:?}");
    }
}

/// Waits until the server ends a connection: the status of what it said before, if anything, and the time it took.
fn ending(client: &mut Client, began: Instant) -> (Option<u16>, Duration) {
    let answer = client.try_answer("GET").ok();
    if let Some(answer) = &answer {
        assert!(answer.closes());
        client.end();
    }
    (answer.map(|answer| answer.status()), began.elapsed())
}

#[test]
fn a_head_that_does_not_finish_is_a_408_in_its_time() {
    let site = plan().limits("head = \"1s\"\nidle = \"60s\"").start();
    let starts =
        ["G", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\nG", "GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n"];
    // On a new connection, and on one that has had an answer; all at once, since each takes its time.
    let clients = starts.iter().flat_map(|start| ["", PAGE].map(|before| (start, before))).map(|(start, before)| {
        let mut client = site.client();
        if !before.is_empty() {
            assert_eq!(client.ask(before).status(), 200);
        }
        client.send(start);
        (client, Instant::now(), start)
    });
    for (mut client, began, start) in clients.collect::<Vec<_>>() {
        let (status, time) = ending(&mut client, began);
        assert_eq!(status, Some(408), "{start:?}");
        assert!((0.9..3.0).contains(&time.as_secs_f32()), "{start:?}: {time:?}");
    }
}

#[test]
fn a_head_that_drips_has_no_more_time_than_one_that_stalls() {
    let site = plan().limits("head = \"1s\"").start();
    let mut client = site.client();
    let writer = client.stream.try_clone().expect("another handle");
    let began = Instant::now();
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut writer = writer;
            while std::io::Write::write_all(&mut writer, b"a").is_ok() && began.elapsed() < Duration::from_secs(4) {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let answer = client.answer("GET");
        assert!((0.9..3.0).contains(&began.elapsed().as_secs_f32()), "{:?}", began.elapsed());
        client.end_in_any_way();
        answer
    });
    assert_eq!((answer.status(), answer.closes()), (408, true));
}

#[test]
fn an_idle_connection_ends_in_its_time_without_a_word() {
    let site = plan().limits("head = \"1s\"\nidle = \"1s\"").start();
    // One that never said a thing, one that said only what may be passed over, one that has had its answer.
    let clients = ["", "\r\n", "\r\n\r\n", PAGE].map(|start| {
        let mut client = site.client();
        if start == PAGE {
            assert_eq!(client.ask(PAGE).status(), 200);
        } else {
            client.send(start);
        }
        (client, Instant::now(), start)
    });
    for (mut client, began, start) in clients {
        let (status, time) = ending(&mut client, began);
        assert_eq!(status, None, "{start:?}");
        assert!((0.9..6.0).contains(&time.as_secs_f32()), "{start:?}: {time:?}");
    }
}

#[test]
fn an_idle_connection_lives_longer_than_a_head_may_take() {
    let site = plan().limits("head = \"1s\"\nidle = \"30s\"").start();
    let mut client = site.client();
    for pause in [0, 1500, 2500] {
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(client.ask(PAGE).status(), 200, "after {pause} ms");
    }
}

#[test]
fn content_that_was_not_asked_for_is_read_away_up_to_a_limit() {
    let site = plan().limits("body = \"10MiB\"").start();
    for (method, status) in [("GET", 200), ("POST", 405), ("BREW", 501)] {
        for length in [0usize, 1, 1000, 64 << 10] {
            let mut client = site.client();
            client.send(format!("{method} /page.txt HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
            client.send(vec![b'x'; length]);
            let answer = client.answer(method);
            assert_eq!((answer.status(), answer.closes()), (status, false), "{method} {length}");
            assert!(client.goes_on(), "{method} {length}");
        }
        for length in [(64 << 10) + 5000, 5 << 20] {
            let mut client = site.client();
            client.send(format!("{method} /page.txt HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
            client.send(vec![b'x'; length]);
            let answer = client.answer(method);
            assert_eq!((answer.status(), answer.closes()), (status, true), "{method} {length}");
            client.end();
        }
        // Whose length nobody knows beforehand: the answer promises that the connection goes on, and it does up to the limit.
        for (chunks, stays) in [(1, true), (70, true), (11 << 10, false)] {
            let mut client = site.client();
            client.send(format!("{method} /page.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
            let content = format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(chunks);
            client.send(format!("{content}0\r\n\r\n"));
            assert_eq!(client.answer(method).status(), status, "{method} {chunks}");
            if stays {
                assert!(client.goes_on(), "{method} {chunks}");
            } else {
                client.end();
            }
        }
    }
}

#[test]
fn an_answer_does_not_wait_for_the_content() {
    let site = plan().limits("body-idle = \"60s\"").start();
    for head in ["Content-Length: 10\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "Content-Length: 1000000\r\n\r\n"]
    {
        for begun in ["", "5"] {
            let mut client = site.client();
            let began = Instant::now();
            client.send(format!("POST /page.txt HTTP/1.1\r\nHost: a\r\n{head}{begun}"));
            assert_eq!(client.answer("POST").status(), 405, "{head} {begun}");
            assert!(began.elapsed() < Duration::from_secs(2), "{head} {begun}: {:?}", began.elapsed());
        }
    }
    // The answer before it is not kept back either.
    let mut client = site.client();
    client.send(format!("{PAGE}GET /page.txt HTTP/1.1\r\nHo"));
    assert_eq!(client.answer("GET").status(), 200);
    client.send("st: a\r\n\r\n");
    assert_eq!(client.answer("GET").status(), 200);
}

#[test]
fn content_that_never_comes_ends_the_connection_in_its_time() {
    let site = plan().limits("body-idle = \"1s\"").start();
    let heads =
        ["Content-Length: 10\r\n\r\nabc", "Content-Length: 10\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"];
    let clients = heads.map(|head| {
        let mut client = site.client();
        client.send(format!("POST /page.txt HTTP/1.1\r\nHost: a\r\n{head}"));
        assert_eq!(client.answer("POST").status(), 405, "{head}");
        (client, Instant::now(), head)
    });
    for (mut client, began, head) in clients {
        client.end();
        assert!((0.5..4.0).contains(&began.elapsed().as_secs_f32()), "{head}: {:?}", began.elapsed());
    }
}

#[test]
fn a_client_that_waits_for_100_hears_the_final_answer_instead() {
    let site = plan().limits("body = \"1KiB\"").start();
    for (method, target, length, status) in [
        ("POST", "/page.txt", 5, 405),
        ("PUT", "/nothing", 5, 405),
        ("GET", "/nothing", 5, 404),
        ("POST", "/page.txt", 100_000, 405),
        ("GET", "/page.txt", 5000, 413),
        ("POST", "/moved/x", 5, 307),
        // These have no use for content, and do not invite it.
        ("GET", "/page.txt", 5, 200),
        ("POST", "/fixed", 5, 200),
    ] {
        let mut client = site.client();
        client.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-Continue\r\n\r\n"
        ));
        let answer = client.answer(method);
        assert_eq!((answer.status(), answer.interim.len()), (status, 0), "{method} {target}");
        // Whether the content comes after all is unknown, so nothing can follow.
        assert!(answer.closes(), "{method} {target}");
        client.end();
        // One that does not wait, and sends its content at once, may go on.
        if length < 100 {
            let mut client = site.client();
            let content = "x".repeat(length);
            client.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n{content}"));
            let answer = client.answer(method);
            assert_eq!((answer.status(), answer.interim.len()), (status, 0), "{method} {target}");
            if !answer.closes() {
                assert!(client.goes_on(), "{method} {target}");
            }
        }
    }
}

#[test]
fn hints_go_to_those_who_know_them() {
    let site = site();
    let tag = site.get("/page.txt").get("etag").expect("a tag").to_owned();
    let unchanged = format!("Sec-Fetch-Mode: navigate\r\nIf-None-Match: {tag}\r\n");
    for (method, target, version, fields, hints, status) in [
        ("GET", "/hinted/page.txt", "1.1", "Sec-Fetch-Mode: navigate\r\n", 2, 200),
        ("GET", "/hinted/large.bin", "1.1", "Sec-Fetch-Mode: navigate\r\n", 2, 200),
        ("GET", "/hinted/page.txt", "1.1", "", 0, 200),
        ("GET", "/hinted/page.txt", "1.1", "Sec-Fetch-Mode: cors\r\n", 0, 200),
        ("GET", "/hinted/page.txt", "1.0", "Sec-Fetch-Mode: navigate\r\n", 0, 200),
        ("GET", "/hinted-all/page.txt", "1.1", "", 1, 200),
        ("GET", "/hinted-all/page.txt", "1.0", "", 0, 200),
        ("GET", "/hinted/nothing", "1.1", "Sec-Fetch-Mode: navigate\r\n", 0, 404),
        ("GET", "/hinted/page.txt", "1.1", &unchanged, 0, 304),
        ("HEAD", "/hinted-all/page.txt", "1.1", "", 0, 200),
        ("POST", "/hinted-all/page.txt", "1.1", "", 0, 405),
        ("OPTIONS", "/hinted-all/page.txt", "1.1", "", 0, 204),
        ("GET", "/page.txt", "1.1", "Sec-Fetch-Mode: navigate\r\n", 0, 200),
    ] {
        let answer = site.ask(format!("{method} {target} HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(answer.status(), status, "{method} {target} {fields}");
        let told: Vec<_> = answer.interim.iter().map(|head| (head.status, head.fields.len())).collect();
        let expected = if hints > 0 { vec![(103, hints)] } else { vec![] };
        assert_eq!(told, expected, "{method} {target} {version} {fields}");
        for (name, value) in answer.interim.iter().flat_map(|head| &head.fields) {
            assert!(name == "Link" && value.contains("rel=preload"), "{name}: {value}");
        }
    }
    // In a row, each before its own answer.
    let mut client = site.client();
    client.send("GET /hinted-all/page.txt HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    for _ in 0..3 {
        let answer = client.answer("GET");
        assert_eq!((answer.interim.len(), answer.text()), (1, "page"));
    }
}

#[test]
fn a_client_that_does_not_read_is_let_go_in_its_time() {
    let site = plan().file("huge.bin", vec![b'h'; 32 << 20]).limits("send-idle = \"1s\"").start();
    let clients = ["", "Range: bytes=0-20000000,21000000-\r\n"].map(|range| {
        let mut client = Client::with_small_buffer(site.address, 8 << 10);
        client.send(format!("GET /huge.bin HTTP/1.1\r\nHost: a\r\n{range}\r\n"));
        assert!(matches!(client.head().expect("a head").status, 200 | 206));
        client
    });
    let began = Instant::now();
    for mut client in clients {
        // Only a server that has closed it breaks the pipe; nothing is read meanwhile.
        while std::io::Write::write_all(&mut client.stream, b"\r\n").is_ok() {
            assert!(began.elapsed() < Duration::from_secs(15), "still there after {:?}", began.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
        assert!(client.take(32 << 20).is_err(), "it was not whole");
    }
}

/// A byte every now and then is reading, and would hold an answer, and the place that it has, for years.
#[test]
fn a_client_that_reads_below_the_minimum_rate_is_let_go() {
    let limits = "send-idle = \"1s\"\nmin-rate = \"4MiB/s\"";
    let site = plan().file("huge.bin", vec![b'h'; 32 << 20]).limits(limits).start();
    for range in ["", "Range: bytes=0-20000000,21000000-\r\n"] {
        let mut client = Client::with_small_buffer(site.address, 8 << 10);
        client.send(format!("GET /huge.bin HTTP/1.1\r\nHost: a\r\n{range}\r\n"));
        assert!(matches!(client.head().expect("a head").status, 200 | 206));
        let began = Instant::now();
        while client.take(16 << 10).is_ok() {
            assert!(began.elapsed() < Duration::from_secs(15), "still there after {:?}", began.elapsed());
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(began.elapsed() > Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[test]
fn answers_that_take_their_time_are_counted_and_those_in_one_piece_are_not() {
    let site = plan().file("huge.bin", vec![b'h'; 32 << 20]).limits("requests = 1").start();
    let mut holder = Client::with_small_buffer(site.address, 8 << 10);
    holder.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(holder.head().expect("a head").status, 200);
    let refused = site.get("/huge.bin");
    assert_eq!((refused.status(), &*refused.reason()), (503, "too-many-requests"));
    assert!(refused.get("retry-after").is_some());
    assert_eq!(site.get("/fixed").status(), 200);
    drop(holder);
    let began = Instant::now();
    while site.get("/huge.bin").status() != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "the place is never given back");
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_reads_slowly_but_steadily_gets_it_all() {
    let site = plan().file("huge.bin", vec![b'h'; 8 << 20]).limits("send-idle = \"1s\"").start();
    let mut client = Client::with_small_buffer(site.address, 64 << 10);
    client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head().expect("a head");
    // Three times as long as it may pause.
    for _ in 0..32 {
        assert_eq!(client.take(256 << 10).expect("more of it").len(), 256 << 10);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(client.goes_on());
}

#[test]
fn a_thousand_connections_come_and_go() {
    let site = plan().limits("per-client = 2000").start();
    let mut clients: Vec<Client> = (0..1000).map(|_| site.client()).collect();
    for client in &mut clients {
        client.send(PAGE);
    }
    for client in &mut clients {
        assert_eq!(client.answer("GET").text(), "page");
    }
    // Half of them go without a word; the others go on.
    clients.truncate(500);
    for client in &mut clients {
        assert_eq!(client.ask(PAGE).text(), "page");
    }
}

#[test]
fn every_address_is_served_by_every_worker() {
    let mut addresses = vec!["127.0.0.1:0", "127.0.0.2:0"];
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        addresses.push("[::1]:0");
    }
    let listen = addresses.iter().map(|address| format!("\"http://{address}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "listen = [{listen}]\nworkers = 3\nlog = \"off\"\n[route.\"/fixed\"]\nrespond = {{ status = 200, body = \"fixed\" }}\n"
    );
    let config = Config::parse(&text, "test.toml", ".".as_ref()).unwrap_or_else(|report| panic!("{report}"));
    let server = Server::start(config).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(server.addresses().len(), addresses.len());
    for (address, asked) in server.addresses().iter().zip(&addresses) {
        assert_eq!(format!("{}:0", address.to_string().rsplit_once(':').expect("a port").0), **asked);
        // More connections than workers: the kernel spreads them over all.
        let mut clients: Vec<Client> = (0..30).map(|_| Client::to(*address)).collect();
        for client in &mut clients {
            assert_eq!(client.ask("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n").text(), "fixed");
        }
    }
    let addresses = server.addresses().to_vec();
    server.stop().expect("they end");
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}

#[test]
fn a_client_that_breaks_off_harms_nobody() {
    let site = plan().file("huge.bin", vec![b'h'; 8 << 20]).start();
    let mut sibling = site.client();
    for i in 0..100 {
        let mut client = Client::with_small_buffer(site.address, 8 << 10);
        client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
        if i % 2 == 0 {
            assert_eq!(client.head().expect("a head").status, 200);
        }
        // With what it has not read, this resets the connection.
        drop(client);
        assert_eq!(sibling.ask(PAGE).text(), "page");
    }
    let content = site.get("/huge.bin").content;
    assert!(content.len() == 8 << 20 && content.iter().all(|byte| *byte == b'h'));
}

/// A client that always has asked already when it is answered is one client: neither others nor the server's end wait for it,
/// whatever the sizes of its pieces have to do with those of our buffers.
#[test]
fn a_client_that_never_pauses_keeps_nobody_waiting() {
    for size in [100usize, 1024, 2000, 4096] {
        let mut site = plan().start();
        let mut request = b"GET /fixed HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
        request.resize(size - 4, b'x');
        request.extend_from_slice(b"\r\n\r\n");
        let pieces = request.repeat(16);
        let greedy = TcpStream::connect(site.address).expect("it accepts");
        std::thread::scope(|scope| {
            scope.spawn(|| while (&greedy).write_all(&pieces).is_ok() {});
            scope.spawn(|| {
                let mut nothing = [0; 1 << 16];
                while (&greedy).read(&mut nothing).is_ok_and(|n| n > 0) {}
            });
            let mut client = site.client();
            for _ in 0..50 {
                let begun = Instant::now();
                assert_eq!(client.ask("GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n").status(), 200);
                assert!(begun.elapsed() < Duration::from_secs(2), "{size}: {:?}", begun.elapsed());
            }
            let begun = Instant::now();
            site.stop();
            assert!(begun.elapsed() < Duration::from_secs(5), "{size}: it ended after {:?}", begun.elapsed());
        });
    }
}
