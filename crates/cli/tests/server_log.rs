//! The access log of a running server: a line for each answer, with its reason, its stage and its times, that nothing in a
//! request can forge.

mod running;

use running::{Lines, Running, signal};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::time::Duration;
use tempfile::TempDir;

/// A server at work, whose log is read.
struct Server(Running);

impl Deref for Server {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.0
    }
}

/// A folder with a config that has that `log`.
fn folder(log: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("public")).expect("a folder");
    std::fs::write(folder.path().join("public/page.txt"), "page").expect("a file");
    let config = format!(
        "listen = [\"http://127.0.0.1:0\"]\nworkers = 1\nlog = \"{log}\"\ndrain = \"1s\"\n[limits]\nhead = \"1s\"\n\
             [route.\"/{{path...}}\"]\nfiles = \"public\"\n[route.\"/gone\"]\nrespond = {{ status = 410 }}\n"
    );
    std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
    folder
}

impl Server {
    fn start(log: &str) -> Server {
        Server(Running::start(folder(log), "run"))
    }

    /// Sends bytes and reads until the server ends the connection.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(bytes).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it ends");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Has it end as a service manager does.
    fn stop(&mut self) {
        signal(self.child.id(), "TERM");
        self.ends();
    }

    /// The next line, waited for.
    fn line(&mut self) -> String {
        self.log.next().expect("a line")
    }

    fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

/// A request whose connection ends with its answer.
fn request(line: &str, fields: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: log.test\r\nConnection: close\r\n{fields}\r\n").into_bytes()
}

/// The value of a field of an answer.
fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|line| line.starts_with(name) && line[name.len()..].starts_with(": "));
    &line.unwrap_or_else(|| panic!("no {name}: {answer}"))[name.len() + 2..]
}

#[test]
fn each_answer_has_a_line_with_its_reason_stage_and_times() {
    let mut server = Server::start("json");
    // What is asked, its status, reason and stage, its route, and the bytes of its content where they are known.
    type Row = (Vec<u8>, u16, &'static str, &'static str, Option<&'static str>, u64);
    let rows: [Row; 7] = [
        (
            request("GET /page.txt?q=1", "User-Agent: agent/1\r\nReferer: http://from.test/\r\n"),
            200,
            "served",
            "process",
            Some("/{path...}"),
            4,
        ),
        (request("HEAD /page.txt", ""), 200, "served", "process", Some("/{path...}"), 0),
        (request("GET /page.txt", "Range: bytes=1-2\r\n"), 206, "part-served", "range", Some("/{path...}"), 2),
        (request("GET /page.txt", "If-None-Match: *\r\n"), 304, "tag-unchanged", "precondition", Some("/{path...}"), 0),
        (
            request("POST /page.txt", "Content-Length: 0\r\n"),
            405,
            "method-not-taken",
            "find",
            Some("/{path...}"),
            u64::MAX,
        ),
        (request("GET /gone", ""), 410, "configured-answer", "process", Some("/gone"), u64::MAX),
        (request("BREW /page.txt", ""), 501, "method-unknown", "find", Some("/{path...}"), u64::MAX),
    ];
    for (request, status, reason, stage, route, bytes) in &rows {
        let answer = server.ask(request);
        let line = server.json();
        let shown = format!("{}: {line}", request.escape_ascii());
        assert_eq!(
            (&line["status"], &line["reason"], &line["stage"]),
            (&(*status).into(), &(*reason).into(), &(*stage).into()),
            "{shown}"
        );
        assert_eq!(line["route"].as_str(), *route, "{shown}");
        assert_eq!(line["id"], field(&answer, "Request-Id"), "{shown}");
        let start = std::str::from_utf8(request).expect("ASCII").split(' ').collect::<Vec<_>>();
        assert_eq!((line["method"].as_str(), line["target"].as_str()), (Some(start[0]), Some(start[1])), "{shown}");
        assert_eq!(
            (&line["client"], &line["host"], &line["version"]),
            (&"127.0.0.1".into(), &"log.test".into(), &"1.1".into())
        );
        assert_eq!(line["close"], "client-asked", "{shown}");
        let (_, content) = answer.split_once("\r\n\r\n").expect("a head");
        assert_eq!(line["bytes"], if *bytes == u64::MAX { content.len() as u64 } else { *bytes }, "{shown}");
        for time in ["head_us", "decision_us", "sending_us"] {
            assert!(line[time].as_u64().is_some_and(|time| time < 20_000_000), "{time}: {shown}");
        }
        let time = line["time"].as_str().expect("a time");
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{shown}");
        assert!(line.get("at_byte").is_none(), "{shown}");
    }
}

#[test]
fn a_line_has_what_the_client_said_of_itself() {
    let mut server = Server::start("json");
    server.ask(&request("GET /page.txt", "User-Agent: agent/1\r\nReferer: http://from.test/\r\n"));
    let line = server.json();
    assert_eq!((&line["agent"], &line["referer"]), (&"agent/1".into(), &"http://from.test/".into()));
    server.ask(b"GET /page.txt HTTP/1.0\r\n\r\n");
    let line = server.json();
    assert_eq!((&line["version"], &line["close"]), (&"1.0".into(), &"http10".into()));
    assert!(line.get("host").is_none() && line.get("agent").is_none());
}

#[test]
fn a_malformed_message_has_a_line_with_its_byte() {
    let mut server = Server::start("json");
    for (message, reason) in [
        ("GET / HTTP/1.1\r\nAccept: application/json\r\nHost: a\r\nA : b\r\n\r\n", "space-before-colon"),
        ("GET / HTTP/1.1\r\nAccept: application/json\r\n\r\n", "host-missing"),
        ("GET /../x HTTP/1.1\r\nAccept: application/json\r\n\r\n", "ambiguous-target"),
        ("GE(T / HTTP/1.1\r\nAccept: application/json\r\n\r\n", "method-malformed"),
        (
            "GET / HTTP/1.1\r\nAccept: application/json\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            "content-length-invalid",
        ),
        ("GET / HTTP/1.1\r\nAccept: application/json\r\nHost: a\r\nA: \u{1b}[2J\r\n\r\n", "field-value-invalid"),
        ("GET / HTTP/3.0\r\nAccept: application/json\r\n\r\n", "version-not-supported"),
    ] {
        let answer = server.ask(message.as_bytes());
        let (_, content) = answer.split_once("\r\n\r\n").expect("a head");
        let problem: Value = serde_json::from_str(content).expect("a problem");
        let line = server.json();
        assert_eq!(
            (&line["reason"], &line["stage"], &line["close"]),
            (&reason.into(), &"arrive".into(), &"malformed-head".into())
        );
        assert_eq!(line["at_byte"], problem["position"], "{message:?}");
        assert!(line["at_byte"].is_u64(), "{line}");
        assert_eq!(problem["type"], format!("urn:verdict:reason:{reason}"));
        assert_eq!(
            format!("urn:uuid:{}", line["id"].as_str().expect("an id")),
            problem["instance"].as_str().expect("a URN")
        );
    }
    // A head that stops: where it stopped, and how long it was waited for.
    let part = "GET /page.txt HTTP/1.1\r\nHo";
    assert!(server.ask(part.as_bytes()).starts_with("HTTP/1.1 408 "));
    let line = server.json();
    assert_eq!(
        (&line["reason"], &line["close"], &line["at_byte"]),
        (&"head-timeout".into(), &"head-timeout".into(), &part.len().into())
    );
    assert!(line["head_us"].as_u64().is_some_and(|time| time > 800_000), "{line}");
}

#[test]
fn what_the_client_is_not_told_is_in_the_log() {
    let mut server = Server::start("json");
    std::os::unix::fs::symlink("/etc/passwd", server.folder.path().join("public/out")).expect("a link");
    std::os::unix::fs::symlink("/etc", server.folder.path().join("public/dir")).expect("a link");
    for (target, reason) in [("/out", "outside-root"), ("/dir/passwd", "outside-root"), ("/page.txt/", "nothing-there")]
    {
        let answer = server.ask(&request(&format!("GET {target}"), ""));
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("nothing-there"), "{answer}");
        let line = server.json();
        assert_eq!((&line["status"], &line["reason"]), (&404.into(), &reason.into()), "{target}");
    }
}

#[test]
fn nothing_in_a_request_can_forge_a_line() {
    const EVIL: &str = "/%0d%0aforged?\"\\\u{5c}{}<>'";
    for log in ["json", "text"] {
        let mut server = Server::start(log);
        let mut message = format!("GET {EVIL} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n").into_bytes();
        message
            .extend_from_slice(b"User-Agent: \"},{\\\"a\x80\xff\xc3\xa9\t\r\nReferer: \xe2\x80\xae\xc2\x9b2J\r\n\r\n");
        server.ask(&message);
        server.ask(&request("GET /last", "User-Agent: \"},\\\r\n"));
        let (first, last) = (server.line(), server.line());
        for line in [&first, &last] {
            assert!(!line.chars().any(|c| c.is_control()), "{line:?}");
        }
        assert!(last.contains("/last"), "{last}");
        if log == "json" {
            for line in [first, last] {
                let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(value["status"].is_u64());
            }
        }
    }
}

#[test]
fn a_line_of_text_has_the_same_in_its_order() {
    let mut server = Server::start("text");
    let answer = server.ask(&request("GET /nothing", ""));
    let line = server.line();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(
        words[1..8],
        ["127.0.0.1", "GET", "/nothing", "404", "nothing-there", "find", "route=/{path...}"],
        "{line}"
    );
    assert_eq!(words.last(), Some(&field(&answer, "Request-Id")), "{line}");
}

#[test]
fn what_was_answered_before_the_server_stops_is_in_the_log() {
    let mut server = Server::start("json");
    for i in 0..100 {
        server.ask(&request(&format!("GET /{i}"), ""));
    }
    server.stop();
    for i in 0..100 {
        assert_eq!(server.json()["target"], format!("/{i}"));
    }
    assert_eq!(server.log.next(), None);
}

/// What is noted of an answer that does not come to its end is what was sent of it.
#[test]
fn an_answer_that_is_cut_is_in_the_log_with_what_was_sent_of_it() {
    const LARGE: u64 = 64 << 20;
    for by_server in [true, false] {
        let mut server = Server::start("json");
        std::fs::write(server.folder.path().join("public/large.bin"), vec![0; LARGE as usize]).expect("a file");
        let mut stream = TcpStream::connect(server.address).expect("it accepts");
        stream.write_all(&request("GET /large.bin", "")).expect("it reads");
        stream.read_exact(&mut [0; 100_000]).expect("its beginning");
        if by_server {
            server.stop();
        } else {
            drop(stream);
        }
        let line = server.json();
        assert_eq!((&line["status"], &line["reason"]), (&200.into(), &"served".into()));
        assert_eq!(line["close"], if by_server { "drain-over" } else { "peer-reset" });
        let sent = line["bytes"].as_u64().expect("a number");
        assert!((90_000..LARGE).contains(&sent), "{sent}");
    }
}

/// Who leaves while an upstream works has got no status, and that is no error of the server.
#[test]
fn a_client_that_leaves_is_in_the_log_as_that() {
    for form in ["json", "text"] {
        let upstream = TcpListener::bind("127.0.0.1:0").expect("it listens");
        let folder = folder(form);
        let config = folder.path().join("verdict.toml");
        let route = format!("[route.\"/slow\"]\nproxy = \"http://{}\"\n", upstream.local_addr().expect("its address"));
        let config_file = std::fs::OpenOptions::new().append(true).open(config);
        config_file.and_then(|mut file| file.write_all(route.as_bytes())).expect("a route");
        let mut server = Server(Running::start(folder, "run"));
        let mut stream = TcpStream::connect(server.address).expect("it accepts");
        stream.write_all(&request("GET /slow", "")).expect("it reads");
        let (mut asked, _) = upstream.accept().expect("it is asked");
        asked.read_exact(&mut [0; 16]).expect("a request");
        drop(stream);
        // What it held open for the client it closes.
        asked.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        asked.read_to_end(&mut Vec::new()).expect("it ends");
        match form {
            "json" => {
                let line = server.json();
                assert_eq!((&line["status"], &line["close"]), (&Value::Null, &"client-left".into()), "{line}");
                assert_eq!(line["upstream"]["attempts"], 1, "{line}");
            }
            _ => {
                let line = server.line();
                assert!(line.contains(" GET /slow - - - ") && line.contains(" close=client-left "), "{line}");
            }
        }
    }
}

/// The first words of a head that is malformed, whatever they are, as one line.
#[test]
fn a_malformed_head_is_in_the_log_as_far_as_it_can_be_read() {
    let mut server = Server::start("text");
    server.ask(b"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(server.line().contains(" GET /../etc/passwd 400 ambiguous-target "));
    server.ask(b"\x16\x03\x01\x02\n\r\n");
    assert!(server.line().contains(" \\x16\\x03\\x01\\x02 - 400 "));
}

#[test]
fn with_the_log_off_nothing_is_written() {
    let mut server = Server::start("off");
    server.ask(&request("GET /page.txt", ""));
    server.stop();
    assert_eq!(server.log.next(), None);
}

#[test]
fn no_credentials_are_in_the_log() {
    for log in ["json", "text"] {
        let mut server = Server::start(log);
        let sent =
            "Authorization: Basic YW5uOnNlY3JldA==\r\nProxy-Authorization: Bearer secret\r\nCookie: a=secret\r\n";
        for target in
            ["/page.txt", "http://ann:secret@localhost/x", "//ann:secret@localhost/", "ann:secret@localhost:80"]
        {
            server.ask(&request(&format!("GET {target}"), sent));
            let line = server.line();
            let in_target = target.starts_with("//");
            assert!(in_target || !line.contains("secret"), "{line}");
            assert!(!line.contains("YW5u"), "{line}");
        }
        server.ask(&request("GET http://ann:secret@localhost/x", ""));
        let line = server.line();
        assert!(line.contains("http://(hidden)@localhost/x"), "{line}");
    }
}

/// What a client still sends after its answer is no time of the answer.
#[test]
fn the_time_of_sending_ends_with_the_last_byte_of_the_answer() {
    let mut server = Server::start("json");
    let mut stream = TcpStream::connect(server.address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(b"GET /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n").expect("it reads");
    stream.read_exact(&mut [0; 12]).expect("the answer comes at once");
    std::thread::sleep(Duration::from_millis(500));
    stream.write_all(b"x").expect("it reads");
    let line = server.json();
    assert!(line["sending_us"].as_u64().is_some_and(|time| time < 400_000), "{line}");
}

#[test]
fn a_reader_that_is_too_slow_loses_lines_and_is_told_how_many_and_no_request_waits() {
    // Whatever waits to be written is far less than this: a pipe's 64 KiB and what the server keeps.
    const REQUESTS: usize = 200;
    let (server, output) = Running::unread(folder("json"));
    let mut server = Server(server);
    let agent = "x".repeat(60_000);
    let ask = |line: &str| {
        let answer = server.ask(&request(line, &format!("User-Agent: {agent}\r\n")));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    };
    (0..REQUESTS).for_each(|_| ask("GET /page.txt"));
    // Now it is read, and the server has something to write again.
    let log = Lines::of(output);
    let first = log.next().expect("a line");
    assert!(serde_json::from_str::<Value>(&first).is_ok_and(|line| line["reason"] == "served"), "{first}");
    ask("GET /page.txt");
    server.stop();
    let written = 1 + std::iter::from_fn(|| log.next()).count();
    let told = std::iter::from_fn(|| server.said.next()).filter_map(|line| {
        let rest = line.strip_prefix("verdict: ")?;
        rest.strip_suffix(" lines of the log were dropped: its reader was too slow")?.parse::<usize>().ok()
    });
    let dropped: usize = told.sum();
    assert!(dropped > 0);
    assert_eq!(written + dropped, REQUESTS + 1);
}
