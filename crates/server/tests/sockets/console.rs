//! The console: who may ask it what, by its socket and by an address, as bytes and with curl.

use crate::client::{Answer, Client};
use crate::site::{Plan, Site};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const TOKEN: &str = "correct-horse-battery";

/// A site with a console, and where that listens.
fn site() -> (Site, SocketAddr) {
    site_with("")
}

fn site_with(limits: &str) -> (Site, SocketAddr) {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let console = format!("console = {{ listen = \"{address}\", token = \"{TOKEN}\" }}");
    let site = Plan::new()
        .top(&console)
        .limits(limits)
        .route("/a\\\"b", "respond = { status = 200, body = \"four\" }")
        .route("/gone", "respond = { status = 410 }")
        .start();
    (site, address)
}

fn socket(site: &Site) -> PathBuf {
    site.path("../state/console.sock")
}

/// The answer to a request with that line and those field lines, each ending in CRLF, at the console's address.
fn ask(address: SocketAddr, line: &str, fields: &str, content: &str) -> Answer {
    let length = if content.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", content.len()) };
    let request = format!("{line} HTTP/1.1\r\nAccept: application/json\r\n{fields}{length}\r\n{content}");
    let mut client = Client::to(address);
    let answer = client.ask(request);
    client.end();
    assert!(answer.closes() && answer.get("cache-control") == Some("no-store"), "{line}: {answer:?}");
    assert_eq!(answer.get("x-content-type-options"), Some("nosniff"), "{line}");
    answer
}

const HOST: &str = "Host: 127.0.0.1:8081\r\n";
const KNOWN: &str = "Host: 127.0.0.1:8081\r\nAuthorization: Bearer correct-horse-battery\r\n";

#[test]
fn what_it_says_of_another_host_and_of_another_page_is_about_those() {
    let (_site, address) = site();
    let told = |fields: &str, status: u16, detail: &str, remedy: &str| {
        let answer = ask(address, "GET /healthz", fields, "");
        let problem = answer.problem().expect("a problem");
        assert_eq!(answer.status(), status);
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(detail)), "{problem}");
        assert!(problem["remedy"].as_str().is_some_and(|text| text.starts_with(remedy)), "{problem}");
    };
    told(
        "Host: evil.example\r\n",
        421,
        "`Host` is neither an address nor `localhost`",
        "Send it to the console's address",
    );
    let elsewhere = format!("{HOST}Origin: http://evil.example\r\n");
    told(
        &elsewhere,
        403,
        "a page of another address, as its `Origin` says",
        "Send it from a program, without `Origin`",
    );
}

#[test]
fn who_comes_by_an_address_is_refused_for_the_first_thing_that_is_wrong() {
    let (site, address) = site();
    let json = format!("{KNOWN}Content-Type: application/json\r\n");
    let form = format!("{KNOWN}Content-Type: application/x-www-form-urlencoded\r\n");
    let bearer = |token: &str| format!("{HOST}Authorization: Bearer {token}\r\n");
    // Request line, field lines, content, status, reason.
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        ("GET /healthz", HOST, "", 200, ""),
        ("GET /readyz", HOST, "", 200, ""),
        ("HEAD /readyz", HOST, "", 200, ""),
        ("GET /metrics", KNOWN, "", 200, ""),
        ("GET /maintenance", KNOWN, "", 200, ""),
        ("GET /metrics", "Host: localhost:1\r\nAuthorization: bearer correct-horse-battery\r\n", "", 200, ""),
        ("GET /metrics", "Host: [::1]\r\nAuthorization: Bearer correct-horse-battery\r\n", "", 200, ""),
        // A name that somebody else may have led here.
        ("GET /healthz", "Host: evil.example\r\n", "", 421, "not-this-authority"),
        ("GET /metrics", "Host: localhost.evil.example\r\nAuthorization: Bearer x\r\n", "", 421, "not-this-authority"),
        ("GET http://evil.example/healthz", HOST, "", 421, "not-this-authority"),
        ("GET /healthz", "", "", 400, "host-missing"),
        ("GET /health\u{7f}", HOST, "", 400, "target-byte-invalid"),
        ("GET /metrics", HOST, "", 401, "credentials-missing"),
        ("GET /nothing", HOST, "", 401, "credentials-missing"),
        ("GET /metrics", &bearer("correct-horse-batterx"), "", 401, "token-unknown"),
        ("GET /metrics", &bearer("correct horse"), "", 401, "credentials-malformed"),
        ("GET /metrics", &format!("{KNOWN}Authorization: Bearer x\r\n"), "", 401, "credentials-malformed"),
        ("GET /metrics", &format!("{HOST}Authorization: Basic Y29ycmVjdA==\r\n"), "", 401, "scheme-not-taken"),
        ("POST /maintenance", HOST, "{}", 401, "credentials-missing"),
        ("GET /metrics", &format!("{KNOWN}Origin: http://127.0.0.1:8081\r\n"), "", 200, ""),
        ("GET /metrics", &format!("{KNOWN}Origin: http://127.0.0.1:8082\r\n"), "", 403, "cross-site-form"),
        ("GET /metrics", &format!("{KNOWN}Origin: null\r\n"), "", 403, "cross-site-form"),
        ("GET /healthz", &format!("{HOST}Origin: http://evil.example\r\n"), "", 403, "cross-site-form"),
        (
            "POST /maintenance",
            &format!("{json}Origin: http://evil.example\r\n"),
            "{\"on\":true}",
            403,
            "cross-site-form",
        ),
        ("BREW /metrics", KNOWN, "", 501, "method-unknown"),
        ("GET /nothing", KNOWN, "", 404, "no-route"),
        ("GET /healthz/", KNOWN, "", 404, "no-route"),
        // A server that was not started from a file.
        ("POST /reload", &json, "", 404, "no-route"),
        ("DELETE /maintenance", KNOWN, "", 405, "method-not-taken"),
        ("POST /metrics", &json, "{}", 405, "method-not-taken"),
        ("POST /maintenance", &form, "on=true", 415, "media-type-not-taken"),
        ("POST /maintenance", KNOWN, "{\"on\":true}", 415, "media-type-not-taken"),
        ("POST /maintenance", &format!("{json}Content-Encoding: gzip\r\n"), "{\"on\":true}", 415, "coding-not-taken"),
        ("POST /maintenance", &format!("{json}Transfer-Encoding: chunked\r\n"), "", 411, "length-missing"),
        ("POST /maintenance", &format!("{json}Content-Length: 65537\r\n"), "", 413, "content-too-large"),
        ("POST /maintenance", &json, "{\"on\":tru}", 400, "json-malformed"),
        ("POST /maintenance", &json, "", 400, "json-malformed"),
        ("POST /maintenance", &json, "{\"on\":1}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"off\":true}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"on\":true,\"on\":false}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"on\":true,\"route\":\"/b\"}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"on\":true,\"until\":\"14:00\"}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"on\":true,\"until\":\"2020-01-01T00:00:00Z\"}", 422, "schema-violated"),
        ("POST /maintenance", &json, "{\"on\":false,\"until\":\"2100-01-01T00:00:00Z\"}", 422, "schema-violated"),
    ];
    for (line, fields, content, status, reason) in cases {
        let answer = ask(address, line, fields, content);
        assert_eq!((answer.status(), answer.reason().as_str()), (*status, *reason), "{line} {fields:?} {content}");
        let told = format!("{:?} {}", answer.head, answer.text());
        assert!(!told.contains(TOKEN), "{told}");
    }
    let empty = ask(address, "GET /maintenance", KNOWN, "");
    assert_eq!(empty.text(), "{\"orders\":[]}\n", "nothing that was refused was done");
    drop(site);
}

#[test]
fn a_refusal_says_what_to_do_about_it() {
    let (_site, address) = site();
    let json = format!("{KNOWN}Content-Type: application/json\r\n");
    assert_eq!(ask(address, "GET /metrics", HOST, "").get("www-authenticate"), Some("Bearer realm=\"console\""));
    let wrong = ask(address, "GET /metrics", &format!("{HOST}Authorization: Bearer abc\r\n"), "");
    assert_eq!(wrong.get("www-authenticate"), Some("Bearer realm=\"console\", error=\"invalid_token\""));
    assert_eq!(ask(address, "PUT /maintenance", KNOWN, "").get("allow"), Some("GET, HEAD, POST"));
    assert_eq!(ask(address, "POST /maintenance", KNOWN, "{}").get("accept-post"), Some("application/json"));
    let malformed = ask(address, "POST /maintenance", &json, "{\n \"on\": tru }").problem().expect("a problem");
    assert_eq!(malformed["position"], 12, "{malformed}");
    let report =
        ask(address, "POST /maintenance", &json, "{\"on\":true,\"route\":\"/b\"}").problem().expect("a problem");
    assert_eq!(report["report"], "`route`: the config has no route `/b`");
}

#[test]
fn maintenance_is_ordered_told_and_taken_back() {
    let (site, address) = site();
    let json = format!("{KNOWN}Content-Type: application/json; charset=utf-8\r\n");
    let order = |content: &str| ask(address, "POST /maintenance", &json, content).text().to_owned();
    assert_eq!(site.get("/gone").status(), 410);
    let one = "{\"route\":\"/gone\",\"until\":\"2100-01-01T00:00:00Z\"}";
    assert_eq!(
        order("{\"route\":\"/gone\",\"on\":true,\"until\":\"2100-01-01T01:00:00+01:00\"}"),
        format!("{{\"changed\":true,\"orders\":[{one}]}}\n")
    );
    assert_eq!((site.get("/gone").status(), site.get("/nothing").status()), (503, 404));
    let all = "{\"route\":null,\"until\":null}";
    assert_eq!(order("{\"on\":true}"), format!("{{\"changed\":true,\"orders\":[{all},{one}]}}\n"));
    assert_eq!(site.get("/nothing").reason(), "maintenance");
    assert_eq!(ask(address, "GET /healthz", HOST, "").text(), "alive\n");
    assert_eq!(order("{\"on\":false,\"route\":null}"), "{\"changed\":true,\"orders\":[]}\n");
    assert_eq!(order("{\"on\":false}"), "{\"changed\":false,\"orders\":[]}\n");
    assert_eq!(site.get("/gone").status(), 410);
}

#[test]
fn what_is_answered_is_counted_by_route_status_and_reason() {
    let (site, address) = site();
    for _ in 0..3 {
        assert_eq!(site.get("/a%22b").status(), 200);
    }
    let mut pipelined = site.client();
    pipelined.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5));
    for _ in 0..5 {
        assert_eq!(pipelined.answer("GET").status(), 410);
    }
    site.get("/nothing");
    assert_eq!(site.ask("GET / HTTP/1.1\r\n\r\n").status(), 400);
    // An answer that had to be waited for is counted when it has been sent, by which time its client may have read it.
    let begun = Instant::now();
    let metrics = loop {
        let metrics = ask(address, "GET /metrics", KNOWN, "");
        if metrics.text().contains("host-missing") || begun.elapsed() > Duration::from_secs(20) {
            break metrics;
        }
    };
    assert_eq!(metrics.get("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        // A label is what the config has, escaped.
        "verdict_answers_total{route=\"/a\\\"b\",status=\"200\",reason=\"configured-answer\"} 3",
        "verdict_answers_total{route=\"/gone\",status=\"410\",reason=\"configured-answer\"} 5",
        "verdict_answers_total{route=\"\",status=\"404\",reason=\"no-route\"} 1",
        "verdict_answers_total{route=\"\",status=\"400\",reason=\"host-missing\"} 1",
        "verdict_content_bytes_total{route=\"/a\\\"b\"} 12",
        "verdict_connections_total 6",
    ] {
        assert!(metrics.text().lines().any(|l| l == line), "{line}\n{}", metrics.text());
    }
    assert!(!metrics.text().contains(TOKEN) && !metrics.text().contains("/nothing"));
    // As a Prometheus asks.
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3\r\n";
    let request = format!("GET /metrics HTTP/1.1\r\n{KNOWN}{accept}\r\n");
    let open = Client::to(address).ask(request);
    assert_eq!(open.get("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE verdict_answers counter\n"));
}

#[test]
fn curl_needs_no_token_by_the_socket() {
    let (mut site, _) = site();
    let path = socket(&site);
    assert_eq!(std::fs::metadata(&path).expect("a socket").permissions().mode() & 0o777, 0o600);
    let curl = |arguments: &[&str]| {
        let ran = Command::new("curl")
            .args(["--silent", "--max-time", "20", "--write-out", "%{http_code}", "--unix-socket"])
            .arg(&path)
            .args(arguments)
            .output();
        String::from_utf8(ran.expect("curl is installed").stdout).expect("UTF-8")
    };
    let json = ["--header", "Content-Type: application/json", "--data", "{\"on\":true}"];
    assert_eq!(curl(&["http://localhost/readyz"]), "ready\n200");
    assert!(curl(&["http://localhost/metrics"]).ends_with("\n200"));
    assert!(curl(&["http://evil.example/metrics"]).ends_with("421"));
    assert!(curl(&["--data", "on", "http://localhost/maintenance"]).ends_with("415"));
    assert!(curl(&[&json[..], &["http://localhost/maintenance"]].concat()).ends_with("]}\n200"));
    let waits = ["--header", "Expect: 100-continue"];
    assert!(curl(&[&waits[..], &json[..], &["http://localhost/maintenance"]].concat()).ends_with("]}\n200"));
    site.stop();
    assert!(!path.exists());
}

#[test]
fn a_server_that_drains_is_alive_and_not_ready() {
    let (mut site, address) = site();
    // A connection that has begun to ask is waited for.
    let mut slow = site.client();
    slow.send("GET /gone HTTP/1.1\r\n");
    thread::sleep(Duration::from_millis(200));
    let stopping = thread::spawn(move || site.stop());
    while ask(address, "GET /readyz", HOST, "").status() == 200 {
        thread::sleep(Duration::from_millis(5));
    }
    let ready = ask(address, "GET /readyz", HOST, "");
    assert_eq!((ready.status(), ready.reason().as_str(), ready.get("retry-after")), (503, "draining", Some("1")));
    assert_eq!(ask(address, "GET /healthz", HOST, "").status(), 200);
    slow.send("Host: a\r\n\r\n");
    assert_eq!(slow.answer("GET").status(), 410);
    stopping.join().expect("it stops");
}

#[test]
fn a_client_that_dawdles_is_not_waited_for() {
    let (_site, address) = site_with("head = \"300ms\"\nbody-idle = \"300ms\"");
    let cases = [
        (format!("GET /metrics HTTP/1.1\r\n{KNOWN}Accept: application/json\r\n"), 408, "head-timeout"),
        (
            format!(
                "POST /maintenance HTTP/1.1\r\n{KNOWN}Accept: application/json\r\nContent-Type: application/json\r\n\
                 Content-Length: 11\r\n\r\n{{\"on\""
            ),
            408,
            "content-stalled",
        ),
    ];
    for (request, status, reason) in cases {
        let mut client = Client::to(address);
        let answer = client.ask(request);
        // A head that never was whole has no `Accept`.
        let told = if answer.reason().is_empty() { answer.text().to_owned() } else { answer.reason() };
        assert!(answer.status() == status && told.contains(reason), "{told}");
        client.end();
    }
    // More connections than it speaks with at once: the others are answered after them.
    let idle: Vec<_> = (0..20).map(|_| Client::to(address)).collect();
    assert_eq!(ask(address, "GET /healthz", HOST, "").status(), 200);
    drop(idle);
}
