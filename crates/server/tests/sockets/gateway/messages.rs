//! What an upstream gets of a request, and a client of an answer: tables, and for any message at all that the upstream sees the
//! one that was decided about, or nothing.

use crate::http2;
use crate::others::{is_there, reqwest_client};
use crate::site::{Plan, Site};
use crate::upstream::{Asked, Upstream, hear, ok};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use verdict_wire::{Body, Head, Limits, Piece, Progress};

/// An upstream that notes what it is asked, and says how often it has been.
fn noting() -> (Upstream, Arc<Mutex<Vec<Asked>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let upstream = Upstream::start(move |mut stream| {
        let mut input = Vec::new();
        while let Some(asked) = hear(&mut stream, &mut input) {
            let count = {
                let mut notes = notes.lock().unwrap();
                notes.push(asked);
                notes.len()
            };
            let head = asked_with_head(&notes);
            let content = if head { String::new() } else { count.to_string() };
            let answer =
                format!("HTTP/1.1 200 OK\r\nX-Count: {count}\r\nContent-Length: {}\r\n\r\n{content}", content.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    (upstream, asked)
}

fn asked_with_head(notes: &Mutex<Vec<Asked>>) -> bool {
    notes.lock().unwrap().last().is_some_and(|asked| asked.method() == "HEAD")
}

fn gateway(upstream: &Upstream, options: &str, top: &str) -> Site {
    let route = format!("proxy = {{ to = [{:?}]{options} }}", upstream.url());
    Plan::new().top(&format!("explain = \"header\"\n{top}")).route("/{path...}", &route).start()
}

#[test]
fn what_is_sent_is_written_anew() {
    let (upstream, asked) = noting();
    let site = gateway(&upstream, "", "");
    let trusting = gateway(&upstream, "", "trusted-proxies = [\"127.0.0.1\"]");
    let route = format!("proxy = {{ to = [{:?}], strip = \"/app\" }}", upstream.url());
    let stripping =
        Plan::new().top("explain = \"header\"").route("/app", &route).route("/app/{path...}", &route).start();
    let for_member = gateway(&upstream, ", host = \"member\"", "");
    let for_another = gateway(&upstream, ", host = \"app.example\"", "");
    let member = upstream.address.to_string();
    // The request, and lines that are there, or are not where they have no value.
    type Row<'a> = (&'a Site, &'a str, &'a [(&'a str, &'a [&'a str])]);
    let rows: &[Row<'_>] = &[
        (
            &site,
            "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\nx-a: C\r\n\r\n",
            &[
                ("", &["GET /a?b=c HTTP/1.1"]),
                ("Host", &["a.example"]),
                ("X-A", &["b", "C"]),
                ("Forwarded", &["for=127.0.0.1;proto=http;host=\"a.example\""]),
                ("X-Forwarded-For", &["127.0.0.1"]),
                ("X-Forwarded-Proto", &["http"]),
                ("X-Forwarded-Host", &["a.example"]),
                ("Connection", &[]),
                ("Content-Length", &[]),
                ("Transfer-Encoding", &[]),
            ],
        ),
        // What is of one connection alone (RFC 9110 §7.6.1).
        (
            &site,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-secret, Keep-Alive\r\nX-Secret: a\r\nX-Kept: b\r\nKeep-Alive: timeout=5\r\n\
             Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nTE: gzip\r\nTrailer: x\r\n\r\n",
            &[
                ("X-Kept", &["b"]),
                ("X-Secret", &[]),
                ("Connection", &[]),
                ("Keep-Alive", &[]),
                ("Proxy-Connection", &[]),
                ("Proxy-Authorization", &[]),
                ("TE", &[]),
                ("Trailer", &[]),
            ],
        ),
        // Credentials and cookies are for the application.
        (
            &site,
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
            &[("Authorization", &["Basic eA=="]), ("Cookie", &["a=b", "c=d"])],
        ),
        // Who is not trusted is not believed.
        (
            &site,
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: evil\r\nRequest-Id: forged\r\n\r\n",
            &[
                ("Forwarded", &["for=127.0.0.1;proto=http;host=\"a\""]),
                ("X-Forwarded-For", &["127.0.0.1"]),
                ("X-Forwarded-Proto", &["http"]),
                ("X-Forwarded-Host", &["a"]),
            ],
        ),
        (
            &trusting,
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.2.3.4;proto=https\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: b\r\nRequest-Id: 01a207c3-d852-7748-98c2-e7c19beec1ff\r\n\r\n",
            &[
                ("Forwarded", &["for=1.2.3.4;proto=https", "for=127.0.0.1;proto=http;host=\"a\""]),
                ("X-Forwarded-For", &["1.2.3.4", "127.0.0.1"]),
                ("X-Forwarded-Proto", &["https"]),
                ("X-Forwarded-Host", &["b"]),
                ("Request-Id", &["01a207c3-d852-7748-98c2-e7c19beec1ff"]),
            ],
        ),
        // The two do not disagree, where only one was told.
        (
            &trusting,
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
            &[
                ("Forwarded", &["for=1.2.3.4, for=127.0.0.1;proto=http;host=\"a\""]),
                ("X-Forwarded-For", &["1.2.3.4", "127.0.0.1"]),
            ],
        ),
        (
            &trusting,
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=\"[2001:db8::1]\"\r\n\r\n",
            &[
                ("Forwarded", &["for=\"[2001:db8::1]\"", "for=127.0.0.1;proto=http;host=\"a\""]),
                ("X-Forwarded-For", &["2001:db8::1, 127.0.0.1"]),
            ],
        ),
        // What disagrees counts for nothing, here and there.
        (
            &trusting,
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-For: 5.5.5.5\r\n\r\n",
            &[("Forwarded", &["for=127.0.0.1;proto=http;host=\"a\""]), ("X-Forwarded-For", &["127.0.0.1"])],
        ),
        // The target as it was, or without its first segments.
        (&site, "GET /a%2Fb/%7e?%41 HTTP/1.1\r\nHost: a\r\n\r\n", &[("", &["GET /a%2Fb/%7e?%41 HTTP/1.1"])]),
        (
            &site,
            "GET http://b.example/c?d HTTP/1.1\r\nHost: b.example\r\n\r\n",
            &[("", &["GET /c?d HTTP/1.1"]), ("Host", &["b.example"])],
        ),
        (&stripping, "GET /app/a%2Fb?c HTTP/1.1\r\nHost: a\r\n\r\n", &[("", &["GET /a%2Fb?c HTTP/1.1"])]),
        (&stripping, "GET /app HTTP/1.1\r\nHost: a\r\n\r\n", &[("", &["GET / HTTP/1.1"])]),
        (&for_member, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[("Host", &[&member]), ("X-Forwarded-Host", &["a"])]),
        (
            &for_another,
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            &[("Host", &["app.example"]), ("X-Forwarded-Host", &["a"])],
        ),
        // HTTP/1.0 needs no host.
        (
            &site,
            "GET / HTTP/1.0\r\n\r\n",
            &[("", &["GET / HTTP/1.1"]), ("Host", &[&member]), ("X-Forwarded-Host", &[])],
        ),
        // Methods that are not known here.
        (
            &site,
            "PROPFIND / HTTP/1.1\r\nHost: a\r\nDepth: 1\r\n\r\n",
            &[("", &["PROPFIND / HTTP/1.1"]), ("Depth", &["1"])],
        ),
        (
            &site,
            "QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            &[("", &["QUERY / HTTP/1.1"]), ("Content-Length", &["2"])],
        ),
        (&site, "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", &[("", &["OPTIONS /a HTTP/1.1"])]),
        // How often it may be passed on (RFC 9110 §7.6.2).
        (&site, "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n\r\n", &[("Max-Forwards", &["9"])]),
        (&site, "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n\r\n", &[("Max-Forwards", &["x"])]),
        (&site, "GET /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", &[("Max-Forwards", &["0"])]),
        // Content is framed anew.
        (&site, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nhi", &[("Content-Length", &["2"])]),
        (&site, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", &[("Content-Length", &["0"])]),
        (
            &site,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\nh\r\n1\r\ni\r\n0\r\nX: y\r\n\r\n",
            &[("Transfer-Encoding", &["chunked"]), ("Content-Length", &[]), ("X", &[])],
        ),
        // A change of protocol that nobody asks for in full.
        (&site, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n", &[("Upgrade", &[]), ("Connection", &[])]),
    ];
    for (site, request, lines) in rows {
        asked.lock().unwrap().clear();
        let answer = site.ask(request);
        assert_eq!((answer.status(), &answer.reason()[..]), (200, "upstream-answered"), "{request}");
        let found = asked.lock().unwrap().clone();
        let [found] = &found[..] else { panic!("{request} was sent {} times", found.len()) };
        let head = &found.head;
        for (name, values) in *lines {
            match name.is_empty() {
                true => assert_eq!(head.lines().next(), values.first().copied(), "{request}"),
                false => assert_eq!(found.all(name), *values, "{name} of {request}\n{head}"),
            }
        }
        // Whom it came by, what it is called, and nothing twice that says where it ends.
        let via = found.all("via");
        assert!(
            via.last().is_some_and(|via| via[..].starts_with("1.1 verdict-") || via.starts_with("1.0 verdict-")),
            "{head}"
        );
        assert_eq!(found.all("request-id").len(), 1, "{head}");
        assert_eq!(found.all("host").len(), 1, "{head}");
        assert!(found.all("content-length").len() + found.all("transfer-encoding").len() <= 1, "{head}");
        if request.ends_with("hi") || request.contains("Chunked") {
            assert_eq!(found.content, b"hi", "{request}");
        }
    }
    asked.lock().unwrap().clear();
    for request in ["TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"] {
        assert_eq!(site.ask(request).status(), 405, "{request}");
    }
    let last = site.ask("OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
    assert_eq!((last.status(), &last.reason()[..]), (204, "options-answered"), "{last:?}");
    assert!(last.get("allow").is_some_and(|allow| allow.contains("PATCH")), "{last:?}");
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn what_is_answered_is_passed_on_without_what_was_between_the_two() {
    let members: Vec<_> =
        ANSWERS.iter().map(|(_, answer, ..)| Upstream::answering(|_| answer.as_bytes().to_vec())).collect();
    let mut plan = Plan::new().top("explain = \"header\"");
    for (i, member) in members.iter().enumerate() {
        let intercept = if i % 2 == 0 { "" } else { ", intercept = [599]" };
        plan = plan
            .route(&format!("/{i}"), &format!("proxy = {{ to = [{:?}]{intercept} }}", member.url()))
            .route(&format!("/strip/{i}"), &format!("proxy = {{ to = [{:?}], strip = \"/strip\" }}", member.url()));
    }
    let site = plan.start();
    for (i, (request, answer, lines, content)) in ANSWERS.iter().enumerate() {
        let method = request.split(' ').next().unwrap_or_default();
        let member = members[i].address.to_string();
        let mut client = site.client();
        client.send(request.replace("/N", &format!("/{i}")));
        let found = client.answer(method);
        let name = format!("{request:?} -> {answer:?}");
        assert_eq!(found.text(), *content, "{name}");
        assert_eq!(found.reason(), "upstream-answered", "{name}");
        for (field, values) in *lines {
            let values: Vec<_> = values.iter().map(|value| value.replace("MEMBER", &member)).collect();
            assert_eq!(found.head.all(field).collect::<Vec<_>>(), values, "{field} of {name}: {found:?}");
        }
        assert_eq!(found.head.all("date").count(), 1, "{name}");
        assert_eq!(found.head.all("request-id").count(), 1, "{name}");
    }
}

type AnswerRow = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str])], &'static str);

const ANSWERS: &[AnswerRow] = &[
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: x-secret\r\nX-Secret: a\r\nKeep-Alive: timeout=5\r\nProxy-Connection: a\r\nX-Kept: b\r\n\
         Set-Cookie: c=d\r\nSet-Cookie: e=f\r\nTrailer: x\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi",
        &[
            ("connection", &[]),
            ("x-secret", &[]),
            ("keep-alive", &[]),
            ("proxy-connection", &[]),
            ("trailer", &[]),
            ("upgrade", &[]),
            ("x-kept", &["b"]),
            ("set-cookie", &["c=d", "e=f"]),
            ("content-length", &["2"]),
        ],
        "hi",
    ),
    // Its own date, and its errors, are left as they are.
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nDate: Wed, 01 Jan 2020 00:00:00 GMT\r\nRequest-Id: theirs\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops",
        &[("date", &["Wed, 01 Jan 2020 00:00:00 GMT"]), ("content-type", &["text/plain"])],
        "oops",
    ),
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        &[("www-authenticate", &["Basic realm=\"x\""])],
        "",
    ),
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nhi",
        &[("content-length", &["2"])],
        "hi",
    ),
    // What ends where.
    (
        "HEAD /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
        &[("content-length", &["1234"])],
        "",
    ),
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n",
        &[("etag", &["\"a\""]), ("content-length", &[]), ("transfer-encoding", &[])],
        "",
    ),
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
        &[("x", &["y"]), ("content-length", &[]), ("transfer-encoding", &[])],
        "",
    ),
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        &[("transfer-encoding", &["chunked"]), ("content-length", &[])],
        "hi",
    ),
    (
        "GET /N HTTP/1.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        &[("transfer-encoding", &[]), ("content-length", &[]), ("connection", &["close"])],
        "hi",
    ),
    // Where something is, as the client reaches it.
    (
        "GET /N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["/elsewhere"])],
        "",
    ),
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere?a#b\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["/strip/elsewhere?a#b"])],
        "",
    ),
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 201 Created\r\nLocation: http://a/new\r\nContent-Location: /new\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["http://a/strip/new"]), ("content-location", &["/strip/new"])],
        "",
    ),
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 303 See Other\r\nLocation: https://other.example/x\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["https://other.example/x"])],
        "",
    ),
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: //other.example/x\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["//other.example/x"])],
        "",
    ),
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: relative/x\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["relative/x"])],
        "",
    ),
    // Another status says nothing about where to go.
    (
        "GET /strip/N HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        &[("location", &["/x"])],
        "",
    ),
];

#[test]
fn what_the_route_says_wins() {
    let secret = "HTTP/1.1 503 No\r\nX-Frame-Options: ALLOW\r\nServer: old\r\nAccess-Control-Allow-Origin: *\r\nVary: Cookie\r\n\
                  Retry-After: 7\r\nContent-Length: 6\r\n\r\nsecret";
    let member = Upstream::answering(|_| secret.as_bytes().to_vec());
    let route = |options: &str, lines: &str| format!("proxy = {{ to = [{:?}]{options} }}\n{lines}", member.url());
    let site = Plan::new()
        .top("explain = \"header\"")
        .route("/headers", &route("", "headers = { X-Frame-Options = \"DENY\", Server = \"new\" }"))
        .route("/cors", &route("", "cors = { origins = [\"https://a.example\"] }"))
        .route("/replaced", &route(", intercept = [502, 503]", ""))
        .start();
    let answer = site.get("/headers");
    for (name, value) in [("x-frame-options", "DENY"), ("server", "new"), ("retry-after", "7")] {
        assert_eq!(answer.head.all(name).collect::<Vec<_>>(), [value], "{answer:?}");
    }
    let answer = site.get_with("/cors", "Origin: https://a.example\r\n");
    assert_eq!(answer.head.all("access-control-allow-origin").collect::<Vec<_>>(), ["https://a.example"], "{answer:?}");
    let vary: Vec<_> = answer.head.all("vary").collect();
    assert!(vary.contains(&"Cookie") && vary.iter().any(|vary| vary.contains("Origin")), "{answer:?}");
    // Its content is not for clients, and when to come again is.
    let answer = site.get_with("/replaced", "Accept: application/json\r\n");
    assert_eq!((answer.status(), answer.get("retry-after")), (503, Some("7")), "{answer:?}");
    assert!(!answer.text().contains("secret") && answer.problem().is_some(), "{answer:?}");
    assert_eq!(answer.get("server"), None, "{answer:?}");
}

const METHODS: [&str; 10] = ["GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"];
const TARGETS: [&str; 12] = [
    "/",
    "/a",
    "/a/b?c=d",
    "/%2e%2e/x",
    "/a%2Fb",
    "/a//b",
    "/../x",
    "/a b",
    "http://h.test/x",
    "*",
    "/%00",
    "/a?b?c#d",
];
const FIELDS: [&str; 34] = [
    "Host: h.test",
    "Host: other.test",
    "Host:h.test",
    "Content-Length: 5",
    "Content-Length: 0",
    "Content-Length: 5, 5",
    "Content-Length: +5",
    "Content-Length: 5 ",
    "Content-Length : 5",
    "Content-Length: 18446744073709551621",
    "Content-Length:\t5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked ",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "transfer-encoding: CHUNKED",
    "TE: trailers, chunked",
    "Connection: close",
    "Connection: content-length",
    "Connection: transfer-encoding, host",
    "Connection: keep-alive",
    "Upgrade: x",
    "Expect: 100-continue",
    "Expect: nothing",
    "X-A: b\r\n c",
    "X-A: \x01",
    "X-A: caf\u{e9}",
    "X A: b",
    ": x",
    "Trailer: content-length",
];
const CONTENTS: [&str; 10] = [
    "",
    "hello",
    "hello",
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=\"b\"\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h.test\r\n\r\n",
    "helloGET /smuggled HTTP/1.1\r\nHost: h.test\r\n\r\n",
    "ffffffffffffffff\r\nhello",
    "5 \r\nhello\r\n0\r\n\r\n",
];

/// A message put together from parts that matter to somebody; two requests, one behind the other.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let one = (
        select(&METHODS[..]),
        select(&TARGETS[..]),
        select(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0"][..]),
        prop::bool::weighted(0.9),
        subsequence(&FIELDS[..], 0..4),
        select(&CONTENTS[..]),
        select(&["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n"][..]),
    )
        .prop_map(|(method, target, version, host, fields, content, end)| {
            let host = if host { format!("Host: h.test{end}") } else { String::new() };
            let fields: String = fields.iter().map(|field| format!("{field}{end}")).collect();
            format!("{method} {target} {version}{end}{host}{fields}{end}{content}").into_bytes()
        });
    (one.clone(), one).prop_map(|(first, second)| [first, second].concat())
}

/// What is done to a byte somewhere.
fn change() -> impl Strategy<Value = Option<(prop::sample::Index, u8, u8)>> {
    let bytes = select(&b"\r\n\0\t :,;%/0159aZ\x7f\x80\xff\x0b"[..]);
    prop::option::weighted(0.6, (any::<prop::sample::Index>(), bytes, 0..3u8))
}

fn changed(mut message: Vec<u8>, change: Option<(prop::sample::Index, u8, u8)>) -> Vec<u8> {
    if let Some((at, byte, how)) = change {
        let at = at.index(message.len());
        match how {
            0 => message[at] = byte,
            1 => message.insert(at, byte),
            _ => drop(message.remove(at)),
        }
    }
    message
}

/// One message as it was decided about.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Decided {
    method: String,
    target: String,
    content: Vec<u8>,
}

/// The messages that bytes begin with, as the wire reads them, up to the first that is none or is not whole.
fn decided(mut bytes: &[u8]) -> Vec<Decided> {
    let mut all = Vec::new();
    let mut head = Head::new();
    while let Ok(Progress::Complete) = head.parse(bytes, &Limits::default()) {
        let mut body = Body::new(head.framing);
        let mut content = Vec::new();
        let mut at = head.len;
        loop {
            match body.decode(&bytes[at..]) {
                Ok(Piece::Data { skip, len }) => {
                    content.extend_from_slice(&bytes[at + skip..at + skip + len]);
                    at += skip + len;
                }
                Ok(Piece::End { consumed }) => {
                    at += consumed;
                    break;
                }
                Ok(Piece::More { .. }) | Err(_) => return all,
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let target = head.target.of(bytes);
        // In origin form, whatever form it came in (RFC 9112 §3.2.1).
        let target = match target.first() {
            Some(b'/') | None => text(target),
            _ => {
                let path = text(head.path(bytes));
                head.query(bytes).map_or(path.clone(), |query| format!("{path}?{}", text(query)))
            }
        };
        all.push(Decided { method: text(head.method_token.of(bytes)), target, content });
        bytes = &bytes[at..];
        head.clear();
    }
    all
}

/// What an upstream saw. It is read again by other rules than ours: strict ones, byte by byte.
fn seen(asked: &Asked) -> Decided {
    let mut lines = asked.head.strip_suffix("\r\n\r\n").expect("a head that ends").split("\r\n");
    let words: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = words[..] else { panic!("{:?}", asked.head) };
    let is_token = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    assert!(
        is_token(method) && target.starts_with('/') && target.bytes().all(|b| b.is_ascii_graphic()),
        "{:?}",
        asked.head
    );
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{:?}", asked.head));
        assert!(is_token(name), "{:?}", asked.head);
        assert!(!value.bytes().any(|b| b < b' ' && b != b'\t' || b == 0x7f), "{:?}", asked.head);
        assert_eq!(value, value.trim_matches([' ', '\t']), "{:?}", asked.head);
        for unwanted in ["trailer", "keep-alive", "proxy-connection"] {
            assert!(!name.eq_ignore_ascii_case(unwanted), "{:?}", asked.head);
        }
    }
    // What is said of trailers is said to the next hop (RFC 9110 §10.1.4).
    let takes_trailers = !asked.all("te").is_empty();
    if takes_trailers {
        assert_eq!(asked.all("te"), ["trailers"], "{:?}", asked.head);
    }
    let said: Vec<_> = asked.all("connection").iter().flat_map(|said| said.split(", ")).collect();
    assert_eq!(said.contains(&"TE"), takes_trailers, "{:?}", asked.head);
    let (lengths, codings) = (asked.all("content-length"), asked.all("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "{:?}", asked.head);
    assert!(lengths.iter().all(|length| length.bytes().all(|b| b.is_ascii_digit())), "{:?}", asked.head);
    assert!(codings.iter().all(|coding| *coding == "chunked"), "{:?}", asked.head);
    assert_eq!(asked.all("host").len(), 1, "{:?}", asked.head);
    Decided { method: method.into(), target: target.into(), content: asked.content.clone() }
}

fn cases(usual: u32) -> Config {
    let cases = if std::env::var_os("VERDICT_LONG").is_some() { 20 * usual } else { usual };
    Config { cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn an_upstream_sees_the_message_that_was_decided_about_or_nothing() {
    let (upstream, asked) = noting();
    let site = gateway(&upstream, "", "");
    let forwarded = std::cell::Cell::new(0);
    TestRunner::new(cases(1000))
        .run(&(message(), change()), |(message, change)| {
            let message = changed(message, change);
            asked.lock().unwrap().clear();
            let expected = decided(&message);
            let mut client = site.client();
            client.send_in_pieces(&message, message.len().max(1));
            let mut answered = Vec::new();
            loop {
                // Who ends its side before it has its answer has left.
                if answered.len() == expected.len() {
                    let _ = client.stream.shutdown(std::net::Shutdown::Write);
                }
                let method = expected.get(answered.len()).map_or("GET", |decided| &decided.method);
                match client.try_answer(method) {
                    Ok(answer) => answered.push(answer),
                    Err(_) => break,
                }
            }
            let seen: Vec<_> = asked.lock().unwrap().iter().map(seen).collect();
            let passed: Vec<_> = answered.iter().map(|answer| answer.reason() == "upstream-answered").collect();
            let due: Vec<_> = expected
                .iter()
                .zip(&passed)
                .filter(|(_, passed)| **passed)
                .map(|(message, _)| message.clone())
                .collect();
            let of = String::from_utf8_lossy(&message);
            prop_assert!(passed.iter().skip(expected.len()).all(|passed| !passed), "{of:?}: {answered:?}");
            prop_assert_eq!(&seen, &due, "{:?}: {:?}", of, answered);
            // Each answer is the one to its own request.
            let counts: Vec<_> = answered.iter().filter_map(|answer| answer.get("x-count")).collect();
            prop_assert_eq!(counts, (1..=due.len()).map(|count| count.to_string()).collect::<Vec<_>>(), "{:?}", of);
            forwarded.set(forwarded.get() + due.len());
            Ok(())
        })
        .unwrap();
    assert!(forwarded.get() > 100, "hardly anything was passed on: {}", forwarded.get());
}

#[test]
fn an_upstream_sees_what_http2_was_decided_about() {
    let (upstream, asked) = noting();
    let site = gateway(&upstream, "", "");
    let requests = (
        select(&["GET", "HEAD", "POST", "PUT", "DELETE", "QUERY"][..]),
        select(&["/", "/a?b", "/a%2Fb", "/a//b", "/%7E"][..]),
        subsequence(
            &[("x-a", "b"), ("te", "trailers"), ("cookie", "a=b"), ("cookie", "c=d"), ("x-e", "caf\u{e9}")][..],
            0..5,
        ),
        select(&[0, 1, 5, 70_000][..]),
        any::<bool>(),
    );
    let runtime = http2::runtime();
    let sender = runtime.block_on(http2::client(&site));
    TestRunner::new(cases(200))
        .run(&requests, |(method, target, fields, length, declared)| {
            asked.lock().unwrap().clear();
            let content = Bytes::from(vec![b'x'; length]);
            let mut request = http::Request::builder().method(method).uri(format!("http://h.test{target}"));
            for (name, value) in &fields {
                request = request.header(*name, value.as_bytes());
            }
            if declared {
                request = request.header("content-length", length);
            }
            let answer = runtime.block_on(http2::ask(&sender, request.body(()).unwrap(), &content));
            let answer = answer.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(answer.status.as_u16(), 200);
            let found = asked.lock().unwrap().clone();
            prop_assert_eq!(found.len(), 1);
            let Decided { method: sent, target: path, content: came } = seen(&found[0]);
            prop_assert_eq!((&sent[..], &path[..], came.len()), (method, target, length));
            // RFC 9113 §8.2.3: pieces of a cookie are one line to those who speak HTTP/1.1.
            let crumbs: Vec<_> = fields.iter().filter(|(name, _)| *name == "cookie").map(|(_, value)| *value).collect();
            let cookies = if crumbs.is_empty() { Vec::new() } else { vec![crumbs.join("; ")] };
            prop_assert_eq!(found[0].all("cookie"), cookies);
            Ok(())
        })
        .unwrap();
}

#[test]
fn who_does_not_ask_for_the_only_protocol_is_told_which_it_is() {
    let (upstream, asked) = noting();
    let site = gateway(&upstream, ", upgrade = \"websocket\"", "");
    for fields in ["", "Upgrade: websocket\r\n", "Connection: upgrade\r\nUpgrade: h2c, x\r\n"] {
        let answer = site.ask(format!("GET /a HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!((answer.status(), &answer.reason()[..]), (426, "upgrade-missing"), "{fields}");
        assert_eq!(
            (answer.get("upgrade"), answer.get("connection")),
            (Some("websocket"), Some("upgrade")),
            "{answer:?}"
        );
    }
    assert!(asked.lock().unwrap().is_empty());
    // It has the last word, whatever it is.
    let fields = "Connection: upgrade\r\nUpgrade: x, WebSocket\r\n";
    assert_eq!(site.ask(format!("GET /a HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).status(), 200);
    assert_eq!(asked.lock().unwrap()[0].all("upgrade"), ["WebSocket"]);
    // HTTP/2 has no such field (RFC 9113 §8.2.2).
    let answer = http2::runtime().block_on(async {
        let sender = http2::client(&site).await;
        http2::ask(&sender, http2::get("/a"), b"").await
    });
    let answer = answer.unwrap();
    assert_eq!((answer.status.as_u16(), answer.fields.get("upgrade")), (426, None));
}

#[test]
fn what_is_said_behind_content_is_for_who_takes_it() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nChecksum: abc\r\nContent-Length: 9\r\n\
                  checksum:  def \r\n\r\n";
    let pieces: Vec<_> = answer.as_bytes().chunks(7).map(<[u8]>::to_vec).collect();
    let upstream = Upstream::start(move |mut stream| {
        let mut input = Vec::new();
        // In pieces, so that nothing depends on where it is cut.
        while let Some(asked) = hear(&mut stream, &mut input) {
            assert!(asked.all("te").len() <= 1, "{}", asked.head);
            for piece in &pieces {
                std::thread::sleep(std::time::Duration::from_millis(1));
                if stream.write_all(piece).is_err() {
                    return;
                }
            }
        }
    });
    let site = gateway(&upstream, "", "");
    for (version, fields, end) in [
        ("1.1", "TE: trailers\r\nConnection: TE", "0\r\nChecksum: abc\r\nchecksum: def\r\n\r\n"),
        ("1.1", "TE: gzip, trailers;q=0.5\r\nConnection: TE", "0\r\n\r\n"),
        ("1.1", "X: y", "0\r\n\r\n"),
        ("1.0", "TE: trailers\r\nConnection: TE", "hi"),
    ] {
        let mut client = site.client();
        client.send(format!("GET /a HTTP/{version}\r\nHost: a\r\n{fields}\r\n\r\n"));
        let mut came = Vec::new();
        let mut byte = [0];
        while !came.ends_with(end.as_bytes()) {
            client
                .stream
                .read_exact(&mut byte)
                .unwrap_or_else(|error| panic!("{fields}: {error}: {}", came.escape_ascii()));
            came.push(byte[0]);
        }
        let checksum = came.windows(8).any(|eight| eight.eq_ignore_ascii_case(b"checksum"));
        assert_eq!(checksum, end.contains("Checksum"), "{}", came.escape_ascii());
    }
    let trailers = http2::runtime().block_on(async {
        let sender = http2::client(&site).await;
        let request = http::Request::get("http://a/b").header("te", "trailers").body(()).unwrap();
        let (answer, _) = sender.ready().await.unwrap().send_request(request, true).unwrap();
        let mut content = answer.await.unwrap().into_body();
        while let Some(piece) = content.data().await {
            content.flow_control().release_capacity(piece.unwrap().len()).unwrap();
        }
        content.trailers().await.unwrap()
    });
    let trailers = trailers.expect("they follow");
    assert_eq!(trailers.get_all("checksum").iter().collect::<Vec<_>>(), ["abc", "def"]);
    assert_eq!(trailers.len(), 2);
}

#[test]
fn others_are_clients() {
    let echo = Upstream::answering(|asked| ok(format!("{} {}", asked.method(), asked.content.len())));
    let route = format!("proxy = [{:?}]", echo.url());
    let site = Plan::new().limits("body = \"4MiB\"").route("/{path...}", &route).start();
    let content = vec![b'x'; 2 << 20];
    let client = reqwest_client();
    assert_eq!(client.get(site.url("/a")).send().and_then(|answer| answer.text()).unwrap(), "GET 0");
    let answer = client.post(site.url("/a")).body(content.clone()).send();
    assert_eq!(answer.and_then(|answer| answer.text()).unwrap(), "POST 2097152");
    if !is_there("curl", "curl") {
        return;
    }
    let file = site.path("content");
    std::fs::write(&file, &content).unwrap();
    // Of so much it waits for an invitation, which the upstream does not give.
    for version in ["--http1.1", "--http1.0", "--http2-prior-knowledge"] {
        let ran = Command::new("curl")
            .args(["-sS", "--fail", version, "-T"])
            .args([file.as_os_str(), site.url("/a").as_ref()])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "PUT 2097152", "{version} {ran:?}");
    }
}

#[test]
fn what_may_be_replayed_is_for_the_origin_to_judge() {
    let (upstream, asked) = noting();
    let route = format!("proxy = [{:?}]", upstream.url());
    let plan = Plan::new().top("explain = \"header\"").route("/app", &route);
    let site = plan.route("/here", "respond = { status = 200, body = \"hi\" }").start();
    // RFC 8470 §5.1: a gateway leaves the field where it is; who cannot process it safely says 425, whatever its value.
    assert_eq!(site.ask("POST /app HTTP/1.1\r\nHost: a\r\nEarly-Data: 1\r\nContent-Length: 0\r\n\r\n").status(), 200);
    assert_eq!(asked.lock().unwrap()[0].all("early-data"), ["1"]);
    for (method, value, status) in [("GET", "1", 200), ("POST", "1", 425), ("POST", "x", 425), ("PUT", "1, 1", 425)] {
        let answer =
            site.ask(format!("{method} /here HTTP/1.1\r\nHost: a\r\nEarly-Data: {value}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(answer.status(), status, "{method} {value}");
    }
}

#[test]
fn an_answer_does_not_overtake_the_one_before_it() {
    let member = Upstream::answering(|asked| ok(asked.method()));
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let first = client.answer("GET");
    assert_eq!(
        (first.text(), first.interim.len()),
        ("GET", 0),
        "an invitation stands before the answer to another request"
    );
    client.send("hello");
    assert_eq!(client.answer("POST").text(), "POST");
}
