//! Whatever is asked, the dry run says what is answered, and the list of what is possible has it.
//!
//! Requests are made of parts that matter to somebody, put together at random, and sometimes with a byte changed. Most are
//! explained and looked for in the list; some are sent as well. `VERDICT_LONG=1` tries 100,000.

use crate::cases::{Both, with_both};
use crate::site::put;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};

const METHODS: [&str; 14] = [
    "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get",
];

const TARGETS: [&str; 32] = [
    "/",
    "/page.txt",
    "/page.txt",
    "/long.txt",
    "/long.txt?q",
    "/folder",
    "/folder/",
    "/folder/page.txt",
    "/nothing",
    "/page.txt/",
    "/.hidden",
    "/folder%2Fpage.txt",
    "/%70age.txt",
    "//",
    "/a/../b",
    "/%zz",
    "/list",
    "/list/",
    "/app/x",
    "/sized/page.txt",
    "/short/page.txt",
    "/hinted/page.txt",
    "/old/x?y",
    "/for/now",
    "/fixed",
    "/made",
    "/closed",
    "/closed/x",
    "*",
    "http://other.test/page.txt",
    "a.test:443",
    "page.txt",
];

const FIELDS: [&str; 45] = [
    "Early-Data: 1",
    "If-Match: *",
    "If-Match: \"x\"",
    "If-Match: x",
    "If-None-Match: *",
    "If-None-Match: W/\"x\", \"y\"",
    "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
    "If-Modified-Since: Tue, 31 Dec 2019 00:00:00 GMT",
    "If-Modified-Since: yesterday",
    "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
    "If-Unmodified-Since: Tue, 31 Dec 2019 00:00:00 GMT",
    "If-Range: \"x\"",
    "If-Range: Wed, 01 Jan 2020 00:00:00 GMT",
    "Range: bytes=0-1",
    "Range: bytes=-5",
    "Range: bytes=0-1,10-11",
    "Range: bytes=5000-",
    "Range: bytes=-0",
    "Range: lines=1-2",
    "Range: bytes=9-1",
    "Accept: text/html",
    "Accept: application/json",
    "Accept: */*",
    "Accept: image/png",
    "Accept-Encoding: br, gzip",
    "Accept-Encoding: identity;q=0",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: host",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 5",
    "Content-Length: 5000",
    "Content-Length: x",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Expect: 100-continue",
    "Expect: more",
    "Host: again",
    "Sec-Fetch-Mode: navigate",
    "Request-Id: abc",
    "A : b",
    "A b",
    " folded: x",
    "Cookie: a-cookie-that-is-longer-than-what-the-short-route-takes-of-all-fields-together-0123456789-0123456789",
];

const CONTENTS: [&str; 5] = ["", "", "12345", "5\r\nabcde\r\n0\r\n\r\n", "z\r\n"];

const SITE: &str = r#"
[limits]
target = "256B"
body = "1KiB"
[route."/{path...}"]
files = { root = "public", cache = "1h" }
[route."/list/{path...}"]
files = { root = "public/folder", listing = true }
[route."/app/{path...}"]
files = { root = "public", fallback = "/page.txt" }
[route."/sized/{path...}"]
files = "public"
limits = { length = "required" }
[route."/short/{path...}"]
files = "public"
limits = { target = "32B", fields = "96B", body = "4B" }
[route."/hinted/{path...}"]
files = "public"
hints = ["</a.css>; rel=preload; as=style"]
hints-to = "all"
[route."/old/{path...}"]
redirect = { to = "/{path}", status = 308 }
[route."/for/now"]
redirect = "/page.txt"
[route."/fixed"]
respond = { status = 200, body = "fixed" }
[route."/made"]
respond = { status = 201, body = "made", headers = { Location = "/made/1" } }
[route."/closed"]
respond = { status = 410 }
[route."a.test/closed/{x}"]
respond = { status = 503, headers = { Retry-After = "60" } }
"#;

/// A message.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let host = select(vec!["Host: a.test", "Host: b.test:80", "Host: a.test", ""]);
    let version = select(vec!["1.1", "1.1", "1.1", "1.1", "1.0", "2.0"]);
    // Mostly few, so that one does not always hide the others.
    let fields = prop_oneof![
        4 => subsequence(FIELDS.to_vec(), 0..=3),
        1 => subsequence(FIELDS.to_vec(), 0..=12),
    ];
    let parts = (select(METHODS.to_vec()), select(TARGETS.to_vec()), version, host, fields, select(CONTENTS.to_vec()));
    let whole = parts.prop_map(|(method, target, version, host, fields, content)| {
        let lines: String = [host]
            .into_iter()
            .chain(fields)
            .filter(|line| !line.is_empty())
            .fold(String::new(), |lines, line| lines + line + "\r\n");
        format!("{method} {target} HTTP/{version}\r\n{lines}\r\n{content}").into_bytes()
    });
    // At times a byte is another one.
    (whole, proptest::option::weighted(0.15, (any::<prop::sample::Index>(), any::<u8>()))).prop_map(
        |(mut bytes, change)| {
            if let Some((at, byte)) = change {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

/// Tries so many messages.
fn each(cases: u32, judge: impl Fn(&Both, &[u8]) + Sync) {
    let folder = tempfile::tempdir().expect("a folder");
    let public = folder.path().join("public");
    for (name, content) in [("page.txt", "abcdefghij"), (".hidden", "dot"), ("folder/page.txt", "in a folder")] {
        put(&public.join(name), content.as_bytes());
    }
    put(&public.join("long.txt"), &[b'l'; 1000]);
    with_both(folder.path(), SITE, |both| {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let tried = runner.run(&message(), |message| {
            // RFC 9112 §2.2: empty lines alone ask for nothing.
            if message.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                judge(both, &message);
            }
            Ok(())
        });
        tried.unwrap_or_else(|error| panic!("{error}"));
    });
}

fn is_long() -> bool {
    std::env::var_os("VERDICT_LONG").is_some_and(|value| value == "1")
}

#[test]
fn every_explanation_is_in_the_list() {
    each(if is_long() { 90_000 } else { 9_000 }, |both, message| {
        let told = both.explain(message);
        assert!(both.lists(message, &told), "{}\n{told:#?}", message.escape_ascii());
        // The way ends where the decision fell; what is told of ignored fields was not asked.
        let last = told.steps.iter().rfind(|step| step.holds.is_some()).map(|step| step.question);
        assert_eq!(last, told.verdict.path.last());
        assert_eq!(told.remedy.is_empty(), told.verdict.reason.entry().remedy.is_empty());
    });
}

#[test]
fn every_answer_is_as_it_is_explained() {
    each(if is_long() { 10_000 } else { 1_500 }, |both, message| {
        both.agree(message);
    });
}
