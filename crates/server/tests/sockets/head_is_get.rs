//! HEAD has GET's status and GET's fields, and no content (RFC 9110 §9.3.2): on every kind of route, for every target,
//! whatever the request's fields say.

use crate::client::{Answer, Client};
use crate::site::{LAST_MODIFIED, Plan, Site};
use proptest::prelude::*;
use std::cell::RefCell;
use std::os::unix::fs::symlink;

fn site() -> Site {
    let plan = Plan::new()
        .files([("index.html", "<p>home"), ("page.txt", "abcdefghijklmnopqrstuvwxyz"), ("empty.txt", ""), (".dot", "dot")])
        .files([("app.js", "plain"), ("app.js.br", "br"), ("app.js.gz", "gzip"), ("list/a.txt", "a"), ("404.html", "<p>lost")])
        .file("large.bin", vec![b'l'; 100_000])
        .limits("body = \"1KiB\"\ntarget = \"1KiB\"\nfields = \"4KiB\"")
        .route("/{path...}", "files = { root = \"public\", cache = \"60s\" }\npages = { 404 = \"public/404.html\" }")
        .route("/hinted/{path...}", "files = \"public\"\nhints = [\"</a.css>; rel=preload\"]\nhints-to = \"all\"")
        .route("/app/{path...}", "files = { root = \"public\", fallback = \"/index.html\" }\nheaders = { X-Route = \"app\", Vary = \"Origin\" }")
        .route("/list/{path...}", "files = { root = \"public\", listing = true }")
        .route("/short/{path...}", "files = \"public\"\nlimits = { target = \"20B\", body = \"0B\", length = \"required\" }")
        .route("/sys/{path...}", "files = \"/sys/class/net/lo\"")
        .route("/moved/{path...}", "redirect = { to = \"/{path}\", status = 301 }")
        .route("/for-now/{path...}", "redirect = \"https://new.test/{path}?was={path}\"")
        .route("/fixed", "respond = { status = 200, body = \"fixed\", headers = { ETag = \"\\\"fixed\\\"\" } }")
        .route("/empty", "respond = { status = 204 }")
        .route("/gone", "respond = { status = 410 }")
        .route("/teapot", "respond = { status = 503, body = \"later\", headers = { Retry-After = \"7\" } }");
    symlink("/etc/passwd", plan.public().join("link-out")).expect("a link");
    plan.start()
}

const TARGETS: [&str; 31] = [
    "/",
    "/page.txt",
    "/empty.txt",
    "/large.bin",
    "/app.js",
    "/.dot",
    "/nothing",
    "/nothing/",
    "/list",
    "/404.html",
    "/link-out",
    "/page%2Etxt",
    "/a%2Fb",
    "/hinted/page.txt",
    "/hinted/nothing",
    "/app/",
    "/app/any",
    "/app/page.txt",
    "/list/",
    "/list/list/",
    "/list/list",
    "/list/nothing",
    "/short/page.txt",
    "/short/a-longer-target",
    "/moved/x?y=z",
    "/for-now/x%20y",
    "/fixed",
    "/empty",
    "/gone",
    "/teapot",
    "http://absolute.test/page.txt",
];

/// Field lines, among them such as no client sends.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let values = |name: &'static str, values: &'static [&'static str]| {
        prop::sample::select(values).prop_map(move |value| format!("{name}: {value}\r\n"))
    };
    let dates: &[&str] = &[
        LAST_MODIFIED,
        "Tue, 31 Dec 2019 23:59:59 GMT",
        "Thu, 02 Jan 2020 00:00:00 GMT",
        "Wednesday, 01-Jan-20 00:00:00 GMT",
        "soon",
        "0",
    ];
    let tags: &[&str] =
        &["*", "\"other\"", "W/\"other\"", "{tag}", "W/{tag}", "\"other\", {tag}", "not-a-tag", "\"fixed\"", ","];
    let line = prop_oneof![
        values("If-Match", tags),
        values("If-None-Match", tags),
        values("If-Modified-Since", dates),
        values("If-Unmodified-Since", dates),
        values("If-Range", &["{tag}", "W/{tag}", "\"other\"", LAST_MODIFIED, "soon"]),
        values(
            "Range",
            &[
                "bytes=0-0",
                "bytes=1-",
                "bytes=-1",
                "bytes=0-1,9000-9001",
                "bytes=99999999-",
                "bytes=-0",
                "bytes=x",
                "lines=1-2"
            ]
        ),
        values(
            "Accept",
            &[
                "*/*",
                "text/html",
                "application/json",
                "application/problem+json;q=0.1, text/plain;q=0",
                "image/png",
                "text/*;q=0.5, */*;q=0.1",
                "nonsense"
            ]
        ),
        values(
            "Accept-Encoding",
            &["gzip", "br, gzip", "identity;q=0", "*;q=0", "zstd", "gzip;q=1.0, identity; q=0.5, *;q=0", ""]
        ),
        values("Connection", &["keep-alive", "x, y"]),
        values("Sec-Fetch-Mode", &["navigate", "cors"]),
        values("Expect", &["100-continue"]),
        values("Origin", &["https://other.test"]),
        values("Cookie", &["a=b; c=d"]),
        "[a-zA-Z-]{1,12}".prop_map(|name| format!("X-{name}: v\r\n")),
    ];
    prop::collection::vec(line, 0..6)
}

/// What a connection was asked, on the connection before if that goes on.
fn ask(site: &Site, connection: &RefCell<Option<Client>>, request: &str) -> Answer {
    let mut client = connection.borrow_mut().take().unwrap_or_else(|| site.client());
    let answer = client.ask(request);
    if !answer.closes() {
        *connection.borrow_mut() = Some(client);
    }
    answer
}

#[test]
fn head_has_the_status_and_the_fields_of_get_and_no_content() {
    let site = site();
    let connection = RefCell::new(None);
    let config = ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() };
    let case = (prop::sample::select(&TARGETS[..]), lines(), 0..5usize);
    proptest!(config, |((target, lines, content) in case)| {
        let tag = site.get(target).get("etag").unwrap_or("\"none\"").to_owned();
        let fields = lines.concat().replace("{tag}", &tag).replace("W/W/", "W/");
        // A server ignores Range with any method but GET (RFC 9110 §14.2).
        let without_range: String = lines.iter().filter(|line| !line.starts_with("Range")).cloned().collect();
        let without_range = without_range.replace("{tag}", &tag).replace("W/W/", "W/");
        let (length, bytes) = match content {
            0 => ("Content-Length: 3\r\n", "abc"),
            1 => ("Content-Length: 2000\r\n", &"x".repeat(2000)[..]),
            2 => ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
            _ => ("", ""),
        };
        let written = |method, fields: &str| format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}{length}\r\n{bytes}");
        let get = ask(&site, &connection, &written("GET", &without_range));
        let head = ask(&site, &connection, &written("HEAD", &fields));
        prop_assert_eq!(head.status(), get.status(), "{} {}", target, fields);
        prop_assert_eq!(head.lasting_fields(), get.lasting_fields(), "{} {}", target, fields);
        prop_assert!(head.interim.is_empty(), "{} {}", target, fields);
        let length = get.get("content-length").map(|length| length.parse::<usize>().expect("a length"));
        prop_assert_eq!(length.unwrap_or(0), get.content.len());
    });
    // What would have been content is not on the wire: the connection is where it should be.
    if let Some(mut client) = connection.take() {
        assert!(client.goes_on());
    }
}

#[test]
fn head_has_the_fields_of_get_in_http_1_0_too() {
    let site = site();
    for target in TARGETS.into_iter().chain(["/sys/speed"]) {
        for connection in ["", "Connection: keep-alive\r\n"] {
            let get = site.ask(format!("GET {target} HTTP/1.0\r\n{connection}\r\n"));
            let head = site.ask(format!("HEAD {target} HTTP/1.0\r\n{connection}\r\n"));
            assert_eq!((head.status(), head.lasting_fields()), (get.status(), get.lasting_fields()), "{target}");
            assert!(get.interim.is_empty() && head.interim.is_empty(), "{target}");
            // After a head that was too large the connection does not go on.
            let ends = connection.is_empty() || get.status() == 414;
            assert_eq!(get.get("connection"), Some(if ends { "close" } else { "keep-alive" }), "{target}");
        }
    }
}

#[test]
fn a_malformed_head_request_is_answered_without_content() {
    let site = site();
    let long = format!("HEAD / HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n\r\n", "c".repeat(5000));
    for request in [
        "HEAD / HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
        "HEAD /../ HTTP/1.1\r\nHost: a\r\n\r\n",
        &long,
    ] {
        let mut client = site.client();
        client.send(request);
        let head = client.answer("HEAD");
        client.end();
        let get = site.ask(request.replacen("HEAD", "GET", 1));
        assert_eq!(head.status(), get.status(), "{request}");
        let names = |answer: &Answer| answer.head.fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&head), names(&get), "{request}");
    }
}
