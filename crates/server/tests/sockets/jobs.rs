//! `jobs`: each is done at least once by its target, and whoever queued it is told how it is with it, and nobody else.

use crate::certificates::issue;
use crate::others::reqwest_of;
use crate::site::{Plan, Site};
use reqwest::blocking::{Client, Response};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a target was asked.
#[derive(Clone, Debug)]
struct Seen {
    fields: Vec<(String, String)>,
    content: Vec<u8>,
}

impl Seen {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// A target that answers as its script says: each job's content is the script of its answers, one for each attempt, such as
/// `503 200:text/plain:done`. `hold` holds it until it is let go.
struct Target {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Target {
    fn start() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (seen, gate) = (Arc::new(Mutex::new(Vec::new())), Arc::new((Mutex::new(false), Condvar::new())));
        let target = Target { address, seen: seen.clone(), gate: gate.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, gate) = (seen.clone(), gate.clone());
                thread::spawn(move || answer(stream, &seen, &gate));
            }
        });
        target
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    /// Lets go what is held, and whatever comes.
    fn let_go(&self) {
        *self.gate.0.lock().expect("no panic") = true;
        self.gate.1.notify_all();
    }
}

fn answer(stream: TcpStream, seen: &Mutex<Vec<Seen>>, (held, gate): &(Mutex<bool>, Condvar)) {
    let mut reader = BufReader::new(stream);
    let (mut fields, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => fields.push((name.to_owned(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut asked = Seen { fields, content: Vec::new() };
    asked.content.resize(asked.field("Content-Length").parse().unwrap_or(0), 0);
    if reader.read_exact(&mut asked.content).is_err() {
        return;
    }
    let attempt = {
        let mut seen = seen.lock().expect("no panic");
        seen.push(asked.clone());
        seen.iter().filter(|seen| seen.field("Idempotency-Key") == asked.field("Idempotency-Key")).count()
    };
    let script = String::from_utf8_lossy(&asked.content).into_owned();
    let steps: Vec<_> = script.split(' ').collect();
    let step = steps.get(attempt - 1).or(steps.last()).copied().unwrap_or_default();
    let mut parts = step.splitn(3, ':');
    let (mut status, media_type, content) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or("text/plain"), parts.next().unwrap_or("done"));
    if status == "hold" {
        let mut open = held.lock().expect("no panic");
        while !*open {
            open = gate.wait(open).expect("no panic");
        }
        status = "200";
    }
    let retry = if status == "429" { "Retry-After: 2\r\n" } else { "" };
    let length = content.len();
    // A status that is none ends the connection.
    if status.parse::<u16>().is_ok() {
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\n{retry}Content-Length: {length}\r\n\r\n");
        let _ = reader.get_mut().write_all(format!("{head}{content}").as_bytes());
    }
}

fn plan(target: &Target, options: &str) -> Plan {
    let to = format!("http://{}/do", target.address);
    Plan::new()
        .top("state = \"state\"")
        .limits("body = \"4KiB\"")
        .route("/render", &format!("jobs = {{ to = \"{to}\", workers = 1, queue = 2{options} }}"))
        .route("/sync", &format!("jobs = {{ to = \"{to}\", mode = \"preferred\", retries = 0 }}"))
        .route("/nobody", "jobs = { to = \"http://127.0.0.1:1/\", retries = 0 }")
}

/// A client of one protocol, and the site that it asks.
struct Asking {
    client: Client,
    site: Site,
    scheme: &'static str,
}

impl Asking {
    fn plain(plan: Plan) -> Asking {
        Asking { client: reqwest_of(|client| client.http1_only()), site: plan.start(), scheme: "http" }
    }

    /// One for each protocol.
    fn all(plan: impl Fn() -> Plan) -> [Asking; 3] {
        let issued = issue(&["127.0.0.1"]);
        let insecure = |client: reqwest::blocking::ClientBuilder| client.danger_accept_invalid_certs(true);
        [
            Asking::plain(plan()),
            Asking {
                client: reqwest_of(|client| client.http2_prior_knowledge()),
                site: plan().start(),
                scheme: "http",
            },
            Asking { client: reqwest_of(insecure), site: plan().secure(&[issued]).start(), scheme: "https" },
        ]
    }

    fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)], content: &str) -> Response {
        let url = format!("{}://{}{target}", self.scheme, self.site.address);
        let mut request = self.client.request(method.parse().expect("a method"), url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if !content.is_empty() {
            request = request.body(content.to_owned());
        }
        request.send().expect("an answer")
    }

    /// Queues a job; where its monitor is.
    fn queue(&self, target: &str, script: &str) -> String {
        let answer = self.ask("POST", target, &[], script);
        assert_eq!((answer.status().as_u16(), reason(&answer)), (202, "job-queued"));
        field(&answer, "location").to_owned()
    }

    /// What the monitor says when it says something else than that the job is waiting or at work.
    fn ended(&self, monitor: &str) -> Response {
        let answer = self.ask("GET", monitor, &[("Prefer", "wait=15")], "");
        assert_ne!(reason(&answer), "job-reported", "it does not end");
        answer
    }

    /// Waits until a job is at work.
    fn running(&self, monitor: &str) {
        let begun = Instant::now();
        while json(self.ask("GET", monitor, &[], ""))["state"] != "running" {
            assert!(begun.elapsed() < Duration::from_secs(10), "it is not begun");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn field<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn json(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().expect("its content")).expect("JSON")
}

fn reason(answer: &Response) -> &str {
    field(answer, "verdict-reason").split(';').next().unwrap_or_default()
}

#[test]
fn a_job_is_queued_watched_done_and_fetched() {
    let target = Target::start();
    for asking in Asking::all(|| plan(&target, "")) {
        let answer = asking.ask("POST", "/render", &[("Content-Type", "text/x-script")], "201:image/png:picture");
        assert_eq!((answer.status().as_u16(), reason(&answer)), (202, "job-queued"));
        let monitor = field(&answer, "location").to_owned();
        assert!(monitor.starts_with("/render/"), "{monitor}");
        assert!(field(&answer, "retry-after").parse::<u64>().is_ok());
        assert_eq!(json(answer)["job"], monitor["/render/".len()..]);

        let done = asking.ended(&monitor);
        assert_eq!((done.status().as_u16(), reason(&done)), (303, "job-done"));
        assert_eq!(field(&done, "location"), format!("{monitor}/result"));
        assert_eq!(field(&done, "cache-control"), "");
        for method in ["GET", "HEAD"] {
            let result = asking.ask(method, &format!("{monitor}/result"), &[], "");
            assert_eq!((result.status().as_u16(), reason(&result)), (201, "upstream-answered"), "{method}");
            assert_eq!((field(&result, "content-type"), field(&result, "content-length")), ("image/png", "7"));
            let content = result.text().expect("its content");
            assert_eq!(content, if method == "HEAD" { "" } else { "picture" });
        }
        let cancelled = asking.ask("DELETE", &monitor, &[], "");
        assert_eq!((cancelled.status().as_u16(), reason(&cancelled)), (409, "job-finished"));
        let seen = target.seen().pop().expect("it was asked");
        assert_eq!(seen.field("Idempotency-Key"), &monitor["/render/".len()..]);
        assert_eq!(seen.field("Content-Type"), "text/x-script");
    }
    assert_eq!(target.seen().len(), 3, "each once");
}

#[test]
fn who_waits_is_answered_as_soon_as_it_is_done() {
    let target = Target::start();
    for asking in Asking::all(|| plan(&target, "")) {
        for (path, prefer, script, status, why) in [
            ("/render", "wait=10", "200:text/plain:x", 200, "job-finished-in-time"),
            ("/render", "respond-async, wait=10", "404:text/plain:x", 404, "upstream-answered"),
            ("/render", "respond-async, wait=10", "204:text/plain:", 204, "upstream-answered"),
            ("/sync", "", "200:text/plain:x", 200, "job-finished-in-time"),
            ("/sync", "", "500", 500, "upstream-answered"),
            ("/sync", "", "gone", 502, "upstream-reset"),
            ("/sync", "respond-async", "200", 202, "job-queued"),
            ("/nobody", "wait=10", "200", 502, "upstream-refused"),
        ] {
            let begun = Instant::now();
            let answer = asking.ask("POST", path, &[("Prefer", prefer)], script);
            assert_eq!((answer.status().as_u16(), reason(&answer)), (status, why), "{path} {prefer} {script}");
            assert!(begun.elapsed() < Duration::from_secs(5), "{path} {prefer} {script}: {:?}", begun.elapsed());
            if status == 202 {
                assert_eq!(field(&answer, "preference-applied"), "respond-async");
            }
            if status == 200 {
                assert!(field(&answer, "content-location").ends_with("/result"));
                assert_eq!(answer.text().expect("its content"), "x");
            }
        }
    }
}

#[test]
fn a_wait_that_is_over_leaves_the_job_where_it_is() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let begun = Instant::now();
    let answer = asking.ask("POST", "/render", &[("Prefer", "wait=1")], "hold");
    assert_eq!(answer.status().as_u16(), 202);
    assert!(begun.elapsed() >= Duration::from_millis(900));
    let monitor = field(&answer, "location").to_owned();
    let state = asking.ask("GET", &monitor, &[], "");
    assert_eq!((reason(&state), field(&state, "cache-control")), ("job-reported", "no-store"));
    assert_eq!(json(state)["state"], "running");
    let early = asking.ask("GET", &format!("{monitor}/result"), &[], "");
    assert_eq!((early.status().as_u16(), reason(&early)), (404, "nothing-there"));
    target.let_go();
    assert_eq!(asking.ended(&monitor).status().as_u16(), 303);
}

#[test]
fn a_full_queue_refuses_before_the_content_and_a_place_in_it_is_told() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let first = asking.queue("/render", "hold");
    asking.running(&first);
    let known = [("Idempotency-Key", "known")];
    let with_key = || asking.ask("POST", "/render", &known, "200");
    let waiting = [field(&with_key(), "location").to_owned(), asking.queue("/render", "200")];
    for (i, monitor) in waiting.iter().enumerate() {
        let report = json(asking.ask("GET", monitor, &[], ""));
        assert_eq!((&report["state"], &report["position"]), (&"waiting".into(), &(i + 1).into()));
    }
    // Without any content at all: it is not waited for.
    let refused = asking.site.ask("POST /render HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    assert_eq!(refused.head.status, 503);
    assert!(refused.head.get("verdict-reason").is_some_and(|reason| reason.starts_with("job-queue-full")));
    assert!(refused.head.get("retry-after").is_some());
    // What was queued needs no room to be told of again.
    let again = with_key();
    assert_eq!((again.status().as_u16(), field(&again, "location")), (202, &waiting[0][..]));
    let fresh = asking.ask("POST", "/render", &[("Idempotency-Key", "another")], "200");
    assert_eq!((fresh.status().as_u16(), reason(&fresh)), (503, "job-queue-full"));
    // What is cancelled makes room, and is told of.
    let cancelled = asking.ask("DELETE", &waiting[0], &[], "");
    assert_eq!((cancelled.status().as_u16(), reason(&cancelled)), (204, "deleted"));
    let gone = asking.ask("GET", &waiting[0], &[], "");
    assert_eq!((gone.status().as_u16(), reason(&gone)), (410, "result-expired"));
    let again = with_key();
    assert_eq!((again.status().as_u16(), &json(again)["state"]), (202, &"gone".into()));
    asking.queue("/render", "200");
    target.let_go();
    assert_eq!(asking.ended(&waiting[1]).status().as_u16(), 303);
    let cancelled = waiting[0].rsplit('/').next().expect("an id");
    assert!(target.seen().iter().all(|seen| seen.field("Idempotency-Key") != cancelled), "it was cancelled");
}

#[test]
fn a_queue_that_others_fill_while_the_content_comes_is_told_as_that() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let first = asking.queue("/render", "hold");
    asking.running(&first);
    let mut stream = TcpStream::connect(asking.site.address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let head =
        "POST /render HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    assert!(line.starts_with("HTTP/1.1 100"), "there was room: {line}");
    for _ in 0..2 {
        asking.queue("/render", "200");
    }
    stream.write_all(b"200").expect("it reads");
    let mut answer = String::new();
    reader.read_to_string(&mut answer).expect("an answer");
    let told = answer.contains("Verdict-Reason: job-queue-filled;") && answer.contains("Retry-After: ");
    assert!(answer.contains("HTTP/1.1 503 ") && told, "{answer}");
    target.let_go();
}

#[test]
fn a_job_at_work_that_is_cancelled_makes_room_at_once() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let first = asking.queue("/render", "hold");
    asking.running(&first);
    assert_eq!(asking.ask("DELETE", &first, &[], "").status().as_u16(), 204);
    // There is one worker, and the target holds the first still.
    let next = asking.ask("POST", "/render", &[("Prefer", "wait=5")], "200");
    assert_eq!(reason(&next), "job-finished-in-time");
    target.let_go();
}

#[test]
fn what_fails_is_tried_again_and_then_told() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ", retries = 2"));
    let begun = Instant::now();
    let monitor = asking.queue("/render", "503 429 200:text/plain:x");
    assert_eq!(asking.ended(&monitor).status().as_u16(), 303);
    // Half a second at least for the first, and what the target asked for.
    assert!(begun.elapsed() >= Duration::from_millis(2_500), "{:?}", begun.elapsed());
    assert_eq!(target.seen().len(), 3);
    let keys: Vec<_> = target.seen().iter().map(|seen| seen.field("Idempotency-Key").to_owned()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");

    let monitor = asking.queue("/nobody", "200");
    let failed = asking.ask("GET", &monitor, &[("Prefer", "wait=5"), ("Accept", "application/json")], "");
    assert_eq!((failed.status().as_u16(), reason(&failed)), (502, "upstream-refused"));
    assert_eq!(field(&failed, "proxy-status"), "verdict; error=connection_refused");
    let problem = json(failed);
    assert_eq!((&problem["state"], &problem["attempts"]), (&"failed".into(), &1.into()));
    assert_eq!(asking.ask("GET", &format!("{monitor}/result"), &[], "").status().as_u16(), 404);
    assert_eq!(asking.ask("DELETE", &monitor, &[], "").status().as_u16(), 409);
}

#[test]
fn a_result_is_kept_as_long_as_the_route_says() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ", keep = \"1s\""));
    let monitor = asking.queue("/render", "200");
    assert_eq!(asking.ended(&monitor).status().as_u16(), 303);
    thread::sleep(Duration::from_millis(1_300));
    for target in [monitor.clone(), format!("{monitor}/result")] {
        let gone = asking.ask("GET", &target, &[], "");
        assert_eq!((gone.status().as_u16(), reason(&gone)), (410, "result-expired"), "{target}");
    }
}

#[test]
fn a_repeated_key_is_the_same_job() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let post = |script| asking.ask("POST", "/render", &[("Idempotency-Key", "one")], script);
    let (first, again) = (post("200"), post("200"));
    assert_eq!(field(&first, "location"), field(&again, "location"));
    let other = post("404");
    assert_eq!((other.status().as_u16(), reason(&other)), (422, "idempotency-key-reused"));
    let monitor = field(&first, "location").to_owned();
    asking.ended(&monitor);
    assert_eq!(target.seen().len(), 1);
}

#[test]
fn methods_that_are_not_taken_and_jobs_that_never_were() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let none = "/render/0190163d-8694-7000-8000-000000000000";
    for (method, path, status, why, allow) in [
        ("GET", "/render", 405, "method-not-taken", "POST, OPTIONS"),
        ("OPTIONS", "/render", 204, "options-answered", "POST, OPTIONS"),
        ("GET", none, 404, "nothing-there", ""),
        ("DELETE", none, 404, "nothing-there", ""),
        ("PUT", none, 405, "method-not-taken", "GET, HEAD, DELETE, OPTIONS"),
        ("DELETE", "/render/x/result", 405, "method-not-taken", "GET, HEAD, OPTIONS"),
        ("GET", "/render/x/other", 404, "no-route", ""),
    ] {
        let answer = asking.ask(method, path, &[], "");
        assert_eq!((answer.status().as_u16(), reason(&answer)), (status, why), "{method} {path}");
        assert_eq!(field(&answer, "allow"), allow, "{method} {path}");
    }
    let foreign = [("Origin", "https://evil.example")];
    assert_eq!(asking.ask("POST", "/render", &foreign, "200").status().as_u16(), 403);
    assert_eq!(asking.ask("POST", "/render", &[("Content-Encoding", "gzip")], "200").status().as_u16(), 415);
    assert!(target.seen().is_empty());
}

#[test]
fn whoever_leaves_leaves_the_job() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    let mut client = asking.site.client();
    client.send("POST /render HTTP/1.1\r\nHost: a\r\nPrefer: wait=30\r\nContent-Length: 4\r\n\r\nhold");
    let begun = Instant::now();
    while target.seen().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is not begun");
        thread::sleep(Duration::from_millis(20));
    }
    drop(client);
    let id = target.seen()[0].field("Idempotency-Key").to_owned();
    target.let_go();
    assert_eq!(asking.ended(&format!("/render/{id}")).status().as_u16(), 303);
}

const ANN: (&str, &str) = ("Authorization", "Bearer abc");
const BOB: (&str, &str) = ("Authorization", "Bearer def");

#[test]
fn a_job_of_somebody_else_is_not_there() {
    let target = Target::start();
    // SHA-256 of `abc` and of `def`.
    let tokens = "ann:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\
                  bob:cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34\n";
    let to = target.address;
    let plan = Plan::new().top("state = \"state\"").route(
        "/render",
        &format!("jobs = {{ to = \"http://{to}/\" }}\nauth = \"staff\"\n[auth.staff]\ntokens = \"tokens.txt\""),
    );
    std::fs::write(plan.public().join("../tokens.txt"), tokens).expect("tokens");
    let asking = Asking::plain(plan);
    let answer = asking.ask("POST", "/render", &[ANN], "200");
    let monitor = field(&answer, "location").to_owned();
    for (method, path) in [("GET", monitor.clone()), ("DELETE", monitor.clone()), ("GET", format!("{monitor}/result"))]
    {
        let answer = asking.ask(method, &path, &[BOB, ("Prefer", "wait=1")], "");
        assert_eq!((answer.status().as_u16(), reason(&answer)), (404, "nothing-there"), "{method} {path}");
        assert_eq!(asking.ask(method, &path, &[], "").status().as_u16(), 401);
    }
    let own = asking.ask("GET", &monitor, &[ANN, ("Prefer", "wait=5")], "");
    assert_eq!(own.status().as_u16(), 303);
}

#[test]
fn jobs_wait_for_the_next_start_and_for_their_route_to_come_back() {
    let target = Target::start();
    let mut asking = Asking::plain(plan(&target, ""));
    let (first, second) = (asking.queue("/render", "hold"), asking.queue("/render", "200"));
    asking.running(&first);
    // It is held for longer than `drain`, and so given back.
    let begun = Instant::now();
    asking.site.restart();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    target.let_go();
    for monitor in [first, second] {
        assert_eq!(asking.ended(&monitor).status().as_u16(), 303);
    }
    assert_eq!(target.seen().len(), 3, "the first twice");

    // A reload gives the queue another target.
    let other = Target::start();
    let (from, to) = (target.address.to_string(), other.address.to_string());
    asking.site.reload(|text| text.replace(&from, &to));
    let third = asking.queue("/render", "200");
    assert_eq!(asking.ended(&third).status().as_u16(), 303);
    assert_eq!((target.seen().len(), other.seen().len()), (3, 1));
}

#[test]
fn a_result_is_no_page_of_this_origin() {
    let target = Target::start();
    let asking = Asking::plain(plan(&target, ""));
    for (script, media_type) in [
        ("200:text/html:<script>alert(1)</script>", "text/html"),
        ("200::<script>", "application/octet-stream"),
        ("200:nonsense:<script>", "application/octet-stream"),
    ] {
        let waited = asking.ask("POST", "/render", &[("Prefer", "wait=10")], script);
        let fetched = asking.ask("GET", field(&waited, "content-location"), &[], "");
        for answer in [waited, fetched] {
            assert_eq!((answer.status().as_u16(), field(&answer, "content-type")), (200, media_type), "{script}");
            assert_eq!(field(&answer, "x-content-type-options"), "nosniff");
            assert_eq!(field(&answer, "content-security-policy"), "sandbox; default-src 'none'");
            assert_eq!(field(&answer, "cache-control"), "private, no-store");
        }
    }
}

#[test]
fn who_waits_leaves_room_for_others() {
    const MANY: usize = 300;
    let target = Target::start();
    let asking = Asking::plain(plan(&target, "").limits("per-client = 2000\nrequests = 290"));
    let monitor = asking.queue("/render", "hold");
    let mut waiting: Vec<_> =
        (0..MANY).map(|_| TcpStream::connect(asking.site.addresses()[0]).expect("room")).collect();
    for stream in &mut waiting {
        let request = format!("GET {monitor} HTTP/1.1\r\nHost: a\r\nPrefer: wait=60\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
    }
    // Some are told at once that it is not done; the others still wait, and are no more than there is room for.
    let mut told = 0;
    let begun = Instant::now();
    while told < MANY - 256 && begun.elapsed() < Duration::from_secs(10) {
        told = 0;
        for stream in &waiting {
            stream.set_nonblocking(true).expect("a socket");
            told += usize::from(stream.peek(&mut [0; 1]).is_ok_and(|n| n > 0));
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert!(told >= MANY - 256, "{told}");
    assert_eq!(asking.ask("GET", &monitor, &[], "").status().as_u16(), 200, "there is room");
    target.let_go();
    for mut stream in waiting {
        stream.set_nonblocking(false).expect("a socket");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 303 ") || answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
