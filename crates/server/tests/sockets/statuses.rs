//! Each status that files, redirects, fixed answers and the wire can give, by its real circumstance: with the fields that it
//! must carry, and its reason.

use crate::certificates::issue;
use crate::client::{Answer, Client};
use crate::others::{self, Request};
use crate::site::{LAST_MODIFIED, Plan, Site};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use verdict_core::status::REGISTRY;

/// What brings an answer about.
enum By {
    /// A request that any client can send: method, target, field lines, bytes of content.
    Asking(&'static str, &'static str, &'static str, usize),
    /// GET of that target, for the second time by a client that a field tells from the others.
    Again(&'static str),
    /// One that is sent as it stands.
    Bytes(&'static str),
    /// More than one request.
    Events(fn(&Site) -> Answer),
}

use By::{Again, Asking, Bytes, Events};

impl By {
    /// How often, and what, any client asks who has that name; `None` for what not every client can send.
    fn asked(&self, who: &str) -> Option<(usize, Asked<'_>)> {
        match *self {
            Asking(method, target, fields, content) => Some((1, (method, target, fields.to_owned(), content))),
            Again(target) => Some((2, ("GET", target, format!("X-Key: {who}\r\n"), 0))),
            Bytes(_) | Events(_) => None,
        }
    }
}

/// Method, target, field lines, bytes of content.
type Asked<'a> = (&'a str, &'a str, String, usize);

/// A status, its reason, its circumstance, and fields that it carries beside those that its status requires: their value,
/// or nothing where any value will do.
type Row = (u16, &'static str, By, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (103, "served", Asking("GET", "/hinted/page.txt", "Sec-Fetch-Mode: navigate\r\n", 0), &[]),

    (200, "served", Asking("GET", "/page.txt", "", 0),
        &[("ETag", ""), ("Last-Modified", LAST_MODIFIED), ("Content-Type", "text/plain; charset=utf-8"), ("Accept-Ranges", "bytes")]),
    (200, "served", Asking("HEAD", "/page.txt", "", 0), &[("ETag", ""), ("Content-Length", "26")]),
    (200, "served", Asking("GET", "/page.txt", "Range: lines=1-2\r\n", 0), &[("Content-Length", "26")]),
    (200, "fallback-served", Asking("GET", "/app/any/where", "", 0), &[("ETag", ""), ("Content-Type", "text/html; charset=utf-8")]),
    (200, "folder-listed", Asking("GET", "/list/", "", 0), &[("ETag", ""), ("Vary", "Accept")]),
    (200, "configured-answer", Asking("GET", "/fixed", "", 0), &[("Content-Type", "text/plain; charset=utf-8")]),
    (204, "options-answered", Asking("OPTIONS", "/page.txt", "", 0), &[("Allow", "GET, HEAD, OPTIONS")]),
    (204, "options-answered", Bytes("OPTIONS * HTTP/1.1\r\nHost: site.test\r\n\r\n"), &[("Allow", "")]),
    (204, "preflight-answered", Asking("OPTIONS", "/shared", "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n", 0),
        &[("Access-Control-Allow-Origin", "https://a.example"), ("Access-Control-Allow-Methods", ""), ("Vary", "Origin")]),
    (206, "part-served", Asking("GET", "/page.txt", "Range: bytes=2-4\r\n", 0), &[("Content-Range", "bytes 2-4/26"), ("Content-Length", "3"), ("ETag", "")]),
    (206, "part-served", Asking("GET", "/page.txt", "Range: bytes=-5\r\n", 0), &[("Content-Range", "bytes 21-25/26")]),
    (206, "parts-served", Asking("GET", "/long.txt", "Range: bytes=0-1,500-501\r\n", 0), &[("Content-Type", ""), ("ETag", "")]),

    (301, "moved-permanently", Asking("GET", "/301/x", "", 0), &[("Location", "/new/x"), ("Cache-Control", "max-age=3600")]),
    (302, "found-elsewhere", Asking("GET", "/302/x", "", 0), &[("Location", "/new/x")]),
    (303, "see-other", Asking("POST", "/303/x", "", 4), &[("Location", "/new/x")]),
    (304, "tag-unchanged", Asking("GET", "/page.txt", "If-None-Match: *\r\n", 0), &[("ETag", ""), ("Cache-Control", "max-age=60")]),
    (304, "tag-unchanged", Events(has_current_tag), &[("ETag", "")]),
    (304, "date-unchanged", Asking("GET", "/page.txt", "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n", 0), &[("ETag", "")]),
    (307, "redirected-for-now", Asking("PUT", "/307/x", "", 4), &[("Location", "/new/x")]),
    (308, "redirected-for-good", Asking("DELETE", "/308/x", "", 0), &[("Location", "/new/x"), ("Cache-Control", "max-age=3600")]),
    (308, "slash-missing", Asking("GET", "/folder?q", "", 0), &[("Location", "/folder/?q")]),
    (308, "slash-missing", Asking("GET", "/list", "", 0), &[("Location", "/list/")]),

    (400, "host-missing", Bytes("GET / HTTP/1.1\r\n\r\n"), &[("Connection", "close")]),
    (400, "ambiguous-target", Bytes("GET /a/../b HTTP/1.1\r\nHost: site.test\r\n\r\n"), &[("Connection", "close")]),
    (400, "both-lengths", Bytes("POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), &[("Connection", "close")]),
    (401, "credentials-missing", Asking("GET", "/guarded/page.txt", "", 0), &[("WWW-Authenticate", "Bearer realm=\"staff\"")]),
    (401, "token-unknown", Asking("PUT", "/guarded/page.txt", "Authorization: Bearer another\r\n", 4), &[("WWW-Authenticate", "")]),
    (401, "scheme-not-taken", Asking("GET", "/guarded/page.txt", "Authorization: Basic YTpi\r\n", 0), &[("WWW-Authenticate", "")]),
    (403, "user-not-allowed", Asking("POST", "/guarded/page.txt", "Authorization: Bearer a-token-of-the-tests\r\n", 4), &[]),
    (403, "file-unreadable", Asking("GET", "/unreadable.txt", "", 0), &[]),
    (403, "file-unreadable", Asking("GET", "/closed/page.txt", "", 0), &[]),
    (404, "no-route", Asking("GET", "/nowhere", "Host: other.test\r\n", 0), &[]),
    (404, "nothing-there", Asking("GET", "/nothing.txt", "", 0), &[]),
    (404, "nothing-there", Asking("GET", "/page.txt/", "", 0), &[]),
    (404, "nothing-there", Asking("GET", "/nothing.txt", "If-Match: *\r\n", 0), &[]),
    (404, "folder-without-index", Asking("GET", "/folder/", "", 0), &[]),
    (404, "dotfile-hidden", Asking("GET", "/.hidden", "", 0), &[]),
    (404, "encoded-slash", Asking("GET", "/folder%2Fpage.txt", "", 0), &[]),
    // That something is there, and why it is not given, is for the log alone.
    (404, "nothing-there", Asking("GET", "/link-out", "", 0), &[]),
    (404, "nothing-there", Asking("GET", "/pipe", "", 0), &[]),
    (404, "nothing-there", Asking("GET", "/404.html", "", 0), &[]),
    (404, "nothing-there", Asking("GET", "/secret/page.txt", "", 0), &[]),
    (404, "nothing-there", Asking("DELETE", "/secret/page.txt", "", 0), &[]),
    (405, "method-not-taken", Asking("POST", "/page.txt", "", 4), &[("Allow", "GET, HEAD, OPTIONS")]),
    (405, "method-not-taken", Asking("PUT", "/nothing.txt", "", 4), &[("Allow", "GET, HEAD, OPTIONS")]),
    (405, "method-not-taken", Asking("PATCH", "/page.txt", "", 4), &[("Allow", "GET, HEAD, OPTIONS")]),
    (405, "method-not-taken", Asking("DELETE", "/page.txt", "", 0), &[("Allow", "GET, HEAD, OPTIONS")]),
    (405, "method-not-taken", Asking("TRACE", "/page.txt", "", 0), &[("Allow", "GET, HEAD, OPTIONS")]),
    (405, "method-not-taken", Asking("TRACE", "/fixed", "", 0), &[("Allow", "")]),
    (405, "method-not-taken", Bytes("CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"), &[("Allow", "")]),
    (408, "head-timeout", Bytes("GET /page.txt HTTP/1.1\r\nHost: site.te"), &[("Connection", "close")]),
    (410, "configured-answer", Asking("GET", "/closed-for-good", "", 0), &[]),
    (411, "length-missing", Bytes("GET /sized/page.txt HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), &[]),
    (412, "if-match-failed", Asking("GET", "/page.txt", "If-Match: \"other\"\r\n", 0), &[("ETag", "")]),
    (412, "if-match-failed", Asking("HEAD", "/page.txt", "If-Match: W/\"weak\"\r\n", 0), &[("ETag", "")]),
    (412, "if-unmodified-since-failed", Asking("GET", "/page.txt", "If-Unmodified-Since: Tue, 31 Dec 2019 23:59:59 GMT\r\n", 0), &[("ETag", "")]),
    (413, "content-too-large", Asking("GET", "/page.txt", "", 1025), &[]),
    (413, "content-too-large", Asking("GET", "/fixed", "", 70_000), &[("Connection", "close")]),
    (414, "target-too-long", Asking("GET", concat!("/", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), "Host: short.test\r\n", 0), &[]),
    (414, "target-too-long", Events(long_target), &[("Connection", "close")]),
    (415, "media-type-not-taken", Asking("POST", "/shared", "Content-Type: text/plain\r\n", 4), &[("Accept-Post", "application/json")]),
    (415, "coding-not-taken", Asking("PUT", "/shared", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 4), &[("Accept-Encoding", "identity")]),
    (416, "range-beyond-end", Asking("GET", "/page.txt", "Range: bytes=26-\r\n", 0), &[("Content-Range", "bytes */26")]),
    (416, "range-beyond-end", Asking("GET", "/page.txt", "Range: bytes=-0\r\n", 0), &[("Content-Range", "bytes */26")]),
    (417, "expectation-unknown", Asking("GET", "/page.txt", "Expect: a-miracle\r\n", 0), &[("Connection", "close")]),
    (431, "head-too-large", Events(large_head), &[("Connection", "close")]),
    (431, "head-too-large", Events(large_head_for_its_route), &[]),
    (431, "too-many-fields", Events(many_fields), &[("Connection", "close")]),

    (500, "look-up-failed", Asking("GET", "/sys/speed", "", 0), &[]),
    (501, "method-unknown", Asking("BREW", "/page.txt", "", 0), &[]),
    (501, "method-unknown", Asking("get", "/page.txt", "", 0), &[]),
    (501, "transfer-coding-unknown", Bytes("POST / HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), &[("Connection", "close")]),
    (429, "field-over-rate", Again("/rated"), &[("Retry-After", ""), ("RateLimit", ""), ("RateLimit-Policy", "")]),
    (503, "maintenance", Asking("POST", "/in-maintenance", "", 4), &[("Retry-After", "")]),
    (503, "too-many-connections", Events(one_connection_too_many), &[("Retry-After", ""), ("Connection", "close")]),
    (503, "too-many-connections-of-client", Events(one_too_many_of_one_client), &[("Retry-After", ""), ("Connection", "close")]),
    (505, "version-not-supported", Bytes("GET / HTTP/2.0\r\nHost: site.test\r\n\r\n"), &[("Connection", "close")]),
    (505, "version-not-supported", Bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"), &[("Connection", "close")]),
];

/// What must be among [`ROWS`].
const GIVEN: [u16; 30] = [
    103, 200, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 410, 411, 412, 413, 414, 415, 416,
    417, 429, 431, 500, 501, 503, 505,
];

fn site() -> Site {
    plan().start()
}

fn plan() -> Plan {
    let mut plan = Plan::new()
        .files([("page.txt", "abcdefghijklmnopqrstuvwxyz"), ("index.html", "<p>home"), ("404.html", "<p>lost")])
        .files([
            ("folder/page.txt", "in a folder"),
            ("list/one.txt", "1"),
            ("unreadable.txt", "secret"),
            (".hidden", "dot"),
        ])
        .file("closed/page.txt", "in a closed folder")
        .file("long.txt", [b'l'; 1000])
        .limits("head = \"1s\"\nbody = \"1KiB\"\ntarget = \"1KiB\"\nfields = \"4KiB\"")
        .route(
            "site.test/{path...}",
            "files = { root = \"public\", cache = \"60s\" }\npages = { 404 = \"public/404.html\" }",
        )
        .route("short.test/{path...}", "files = \"public\"\nlimits = { target = \"64B\", fields = \"300B\" }")
        .route("site.test/hinted/{path...}", "files = \"public\"\nhints = [\"</a.css>; rel=preload; as=style\"]")
        .route("site.test/app/{path...}", "files = { root = \"public\", fallback = \"/index.html\" }")
        .route("site.test/list/{path...}", "files = { root = \"public/list\", listing = true }")
        .route("site.test/sized/{path...}", "files = \"public\"\nlimits = { length = \"required\" }")
        // Files whose length is a lie, and which cannot be read: as near to a failing disk as any machine has.
        .route("site.test/sys/{path...}", "files = \"/sys/class/net/lo\"")
        .route(
            "site.test/guarded/{path...}",
            "files = \"public\"\nauth = \"staff\"\nallow = { read = [\"*\"], write = [\"editor\"] }",
        )
        .route(
            "site.test/secret/{path...}",
            "files = \"public\"\nauth = \"staff\"\nhide = true\npages = { 404 = \"public/404.html\" }",
        )
        .route(
            "site.test/shared",
            "respond = { status = 200, body = \"shared\" }\ncors = { origins = [\"https://a.example\"] }\n\
             limits = { types = [\"application/json\"] }",
        )
        .route("site.test/rated", "respond = { status = 200 }\nrate = \"1/day per field:X-Key\"")
        .route(
            "site.test/in-maintenance",
            "respond = { status = 200 }\nmaintenance = true\n[auth.staff]\ntokens = \"tokens.txt\"",
        )
        .route("site.test/fixed", "respond = { status = 200, body = \"fixed\" }")
        .route("site.test/closed-for-good", "respond = { status = 410, body = \"closed for good\" }");
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!("redirect = {{ to = \"/new/{{path}}\", status = {status} }}");
        plan = plan.route(&format!("site.test/{status}/{{path...}}"), &redirect);
    }
    let public = plan.public();
    // The SHA-256 of `a-token-of-the-tests`, and one of which nobody knows what it is of.
    let tokens = "ci:c7355b9788d3036817b4b9118e71116224521da29885b160eb8451377c47b377\neditor:0000000000000000000000000000000000000000000000000000000000000000\n";
    fs::write(public.join("../tokens.txt"), tokens).expect("a file");
    symlink("/etc/passwd", public.join("link-out")).expect("a link");
    rustix::fs::mkfifoat(rustix::fs::CWD, public.join("pipe"), rustix::fs::Mode::from_raw_mode(0o444)).expect("a pipe");
    for closed in ["unreadable.txt", "closed"] {
        fs::set_permissions(public.join(closed), Permissions::from_mode(0o000)).expect("its permissions");
    }
    // The superuser may read everything.
    if rustix::process::geteuid().is_root() {
        plan = plan.top("user = \"nobody\"");
    }
    plan
}

#[test]
fn each_status_is_given_by_its_circumstance_with_what_it_must_carry() {
    let site = site();
    for (status, reason, by, carries) in ROWS {
        let answer = match by {
            Asking(method, target, fields, content) => site.ask(written(method, target, fields, *content)),
            Again(target) => {
                assert_eq!(site.get_with(target, "X-Key: ours\r\n").status(), 200, "{target}");
                site.get_with(target, "X-Key: ours\r\n")
            }
            Bytes(bytes) => site.ask(bytes),
            Events(events) => events(&site),
        };
        let told = format!("{status} {reason}: {:?}", answer.head);
        if *status < 200 {
            assert_eq!(answer.interim.iter().map(|head| head.status).collect::<Vec<_>>(), [*status], "{told}");
            assert_eq!(answer.interim[0].fields, [("Link".into(), "</a.css>; rel=preload; as=style".into())], "{told}");
        } else {
            assert_eq!(answer.status(), *status, "{told}");
            assert!(answer.interim.is_empty(), "{told}");
        }
        assert_eq!(answer.reason(), *reason, "{told}");
        for (name, value) in *carries {
            let carried = answer.get(name).unwrap_or_else(|| panic!("no {name}: {told}"));
            assert!(value.is_empty() || carried == *value, "{name}: {told}");
        }
    }
    let given: BTreeSet<u16> = ROWS.iter().map(|row| row.0).collect();
    assert_eq!(given, GIVEN.into());
}

/// The request as a program sees its answer: the problem names the same reason, and what it is about.
#[test]
fn each_refusal_is_a_problem_for_programs_a_page_for_browsers_and_text_for_people() {
    let site = site();
    for (status, reason, by, _) in ROWS {
        let Asking(method, target, fields, content) = by else { continue };
        if *status < 400 || *reason == "configured-answer" || *method == "HEAD" {
            continue;
        }
        let forms = [
            ("application/problem+json", "application/problem+json"),
            ("application/json", "application/problem+json"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
            ("*/*", "text/plain; charset=utf-8"),
            ("image/png", "text/plain; charset=utf-8"),
        ];
        for (accept, media_type) in forms {
            let fields = format!("{fields}Accept: {accept}\r\n");
            let answer = site.ask(written(method, target, &fields, *content));
            assert_eq!((answer.status(), answer.get("content-type")), (*status, Some(media_type)), "{target} {accept}");
            assert_eq!(answer.get("vary"), Some("Accept"), "{target} {accept}");
            match (media_type, answer.problem()) {
                ("application/problem+json", problem) => {
                    let problem = problem.expect("a problem");
                    assert_eq!(problem["type"], format!("urn:verdict:reason:{reason}"), "{problem}");
                }
                ("text/html; charset=utf-8", _) if *status == 404 && !target.starts_with("/nowhere") => {
                    assert_eq!(answer.text(), "<p>lost", "{target}");
                }
                _ => assert!(answer.text().contains(reason) && answer.text().contains(&status.to_string()), "{target}"),
            }
        }
    }
}

#[test]
fn other_clients_read_the_same() {
    let site = site();
    let client = others::reqwest_client();
    let has_curl = others::is_there("curl", "curl");
    let mut seen = BTreeSet::new();
    for (status, reason, by, _) in ROWS {
        let expected = as_shown(*status, reason);
        let mut readers = vec!["reqwest"];
        readers.extend(has_curl.then_some("curl"));
        for reader in readers {
            let Some((times, (method, target, fields, content))) = by.asked(reader) else { continue };
            let fields = if fields.contains("Host: ") { fields } else { format!("Host: site.test\r\n{fields}") };
            let request = Request { method, url: &site.url(target), fields: &fields, content };
            let read = last_of(times, || match reader {
                "curl" => others::curl(request),
                _ => others::reqwest(&client, request),
            });
            assert_eq!(read.as_ref(), Ok(&expected), "{reader}: {method} {target} {fields}");
            seen.insert(expected.0);
        }
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

/// A status and its reason as clients show them: the final ones.
fn as_shown(status: u16, reason: &str) -> others::Read {
    let (status, reason) = if status < 200 { (200, "served") } else { (status, reason) };
    (status, reason.to_owned())
}

/// What is read the last time, after 200.
fn last_of(times: usize, mut ask: impl FnMut() -> Result<others::Read, String>) -> Result<others::Read, String> {
    for _ in 1..times {
        assert_eq!(ask().map(|(status, _)| status), Ok(200));
    }
    ask()
}

/// What a client can send is answered alike over each protocol, as far as it exists there: by a name, since with HTTP/2 and TLS
/// the name that is asked for is the one that is connected to.
#[test]
fn other_clients_read_the_same_over_each_protocol() {
    let has_curl = others::is_there("curl", "curl");
    let issued = issue(&["site.test", "other.test", "short.test"]);
    let plain = plan().top("h2c-upgrade = true").start();
    let secure = plan().secure(std::slice::from_ref(&issued)).start();
    for (site, http1, options) in [
        (&plain, false, &["--http2-prior-knowledge"][..]),
        (&plain, true, &["--http2"]),
        (&secure, true, &["--insecure", "--http1.1"]),
        (&secure, false, &["--insecure", "--http2"]),
    ] {
        let (address, is_plain) = (site.address, std::ptr::eq(site, &raw const plain));
        let client = others::reqwest_of(|mut client| {
            for host in ["site.test", "other.test", "short.test"] {
                client = client.resolve(host, address);
            }
            match (is_plain, http1) {
                (_, true) => client.http1_only(),
                (true, false) => client.http2_prior_knowledge(),
                (false, false) => client,
            }
            .tls_danger_accept_invalid_certs(true)
        });
        let resolves =
            ["site.test", "other.test", "short.test"].map(|host| format!("{host}:{}:{}", address.port(), address.ip()));
        let mut options = options.to_vec();
        resolves.iter().for_each(|resolve| options.extend(["--resolve", resolve]));
        for (status, reason, by, _) in ROWS {
            let expected = as_shown(*status, reason);
            let mut readers = vec!["reqwest"];
            readers.extend(has_curl.then_some("curl"));
            for reader in readers {
                let who = format!("{reader} {}", options.join(" "));
                let Some((times, (method, target, fields, content))) = by.asked(&who) else { continue };
                let (host, fields) = match fields.strip_prefix("Host: ").and_then(|rest| rest.split_once("\r\n")) {
                    Some((host, fields)) => (host, fields),
                    None => ("site.test", &*fields),
                };
                let scheme = if is_plain { "http" } else { "https" };
                let url = format!("{scheme}://{host}:{}{target}", address.port());
                let request = Request { method, url: &url, fields, content };
                let read = last_of(times, || match reader {
                    "curl" => others::curl_with(&options, request),
                    _ => others::reqwest(&client, request),
                });
                assert_eq!(read.as_ref(), Ok(&expected), "{who}: {method} {url} {fields}");
            }
        }
    }
}

#[test]
fn every_registered_status_can_be_the_answer_of_a_route() {
    let finals = || REGISTRY.iter().filter(|entry| entry.status.code() >= 200);
    let plan = finals().fold(Plan::new(), |plan, entry| {
        let status = entry.status;
        let required = entry.required.iter().map(|field| format!("{} = \"x\"", field.name()));
        let headers = required.collect::<Vec<_>>().join(", ");
        let body = if matches!(status.code(), 204 | 205 | 304) { "" } else { "body = \"as configured\", " };
        plan.route(
            &format!("/{status}"),
            &format!("respond = {{ status = {status}, {body}headers = {{ {headers} }} }}"),
        )
        .route(&format!("/{status}/bare"), &format!("respond = {{ status = {status}, headers = {{ {headers} }} }}"))
    });
    let site = plan.start();
    for entry in finals() {
        let code = entry.status.code();
        let forbidden = matches!(code, 204 | 205 | 304);
        for (path, content) in [("", if forbidden { "" } else { "as configured" }), ("/bare", "")] {
            // RFC 9110 §15.5.9: 408 ends its connection, so each request has one of its own.
            let get = site.ask(format!("GET /{code}{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!((get.status(), get.reason().as_str()), (code, "configured-answer"), "{path}");
            // Where no content is configured, a refusal tells what it is.
            if path.is_empty() || code < 400 {
                assert_eq!(get.text(), content, "{code}{path}");
            } else {
                assert!(get.text().starts_with(&format!("{code} ")), "{code}: {}", get.text());
            }
            assert_eq!(get.closes(), code == 408, "{code}{path}");
            let head = site.ask(format!("HEAD /{code}{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!((head.status(), head.lasting_fields()), (code, get.lasting_fields()), "{path}");
            let post = site.ask(format!("POST /{code}{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"));
            assert_eq!((post.status(), post.lasting_fields()), (code, get.lasting_fields()), "{path}");
        }
    }
}

#[test]
fn a_reason_is_told_as_far_as_the_config_says() {
    for (explain, field, words) in [("off", false, false), ("problem", false, true), ("header", true, true)] {
        let site =
            Plan::new().top(&format!("explain = \"{explain}\"")).route("/fixed", "respond = { status = 200 }").start();
        let text = site.get("/nothing");
        assert_eq!(text.get("verdict-reason").is_some(), field, "{explain}");
        assert_eq!(text.text().contains("no-route"), words, "{explain}: {}", text.text());
        let problem = site.get_with("/nothing", "Accept: application/json\r\n");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&problem.content).expect("JSON")["status"],
            404,
            "{explain}"
        );
        assert_eq!(problem.text().contains("no-route"), words, "{explain}: {}", problem.text());
        assert_eq!(site.get("/fixed").get("verdict-reason").is_some(), field, "{explain}");
        let malformed = site.ask("GET / HTTP/1.1\r\n\r\n");
        assert_eq!(malformed.get("verdict-reason").is_some(), field, "{explain}");
    }
}

/// A request in HTTP/1.1. Content that is declared is sent.
fn written(method: &str, target: &str, fields: &str, content: usize) -> String {
    let host = if fields.contains("Host: ") { "" } else { "Host: site.test\r\n" };
    let length = if content > 0 { format!("Content-Length: {content}\r\n") } else { String::new() };
    format!("{method} {target} HTTP/1.1\r\n{host}{fields}{length}\r\n{}", "x".repeat(content))
}

fn has_current_tag(site: &Site) -> Answer {
    let tag = site.get("/page.txt").get("etag").expect("a tag").to_owned();
    assert!(!tag.starts_with("W/"), "{tag}");
    site.get_with("/page.txt", &format!("If-None-Match: \"other\", {tag}\r\n"))
}

fn long_target(site: &Site) -> Answer {
    let longest = format!("/{}", "a".repeat(1023));
    assert_eq!(site.get(&longest).status(), 404);
    site.get(&format!("{longest}a"))
}

fn large_head(site: &Site) -> Answer {
    assert_eq!(site.get_with("/page.txt", &format!("Cookie: {}\r\n", "c".repeat(4000))).status(), 200);
    site.get_with("/page.txt", &format!("Cookie: {}\r\n", "c".repeat(4096)))
}

fn large_head_for_its_route(site: &Site) -> Answer {
    let cookie = format!("Cookie: {}\r\n", "c".repeat(300));
    assert_eq!(site.get_with("/page.txt", &cookie).status(), 200);
    site.ask(format!("GET /page.txt HTTP/1.1\r\nHost: short.test\r\n{cookie}\r\n"))
}

fn many_fields(site: &Site) -> Answer {
    assert_eq!(site.get_with("/page.txt", &"A: b\r\n".repeat(99)).status(), 200);
    site.get_with("/page.txt", &"A: b\r\n".repeat(100))
}

fn one_connection_too_many(_: &Site) -> Answer {
    crowded("connections = 1")
}

fn one_too_many_of_one_client(_: &Site) -> Answer {
    crowded("per-client = 1")
}

/// The answer to a second client where there is room for one; the first is not touched, and its place is free when it goes.
fn crowded(limit: &str) -> Answer {
    const REQUEST: &str = "GET /fixed HTTP/1.1\r\nHost: site.test\r\n\r\n";
    let site = Plan::new().limits(limit).route("/fixed", "respond = { status = 200 }").start();
    let mut first = site.client();
    assert_eq!(first.ask(REQUEST).status(), 200);
    let mut second = site.client();
    let refused = second.ask(REQUEST);
    second.end();
    assert_eq!(first.ask(REQUEST).status(), 200);
    drop((first, second));
    // Whether the server has seen it is shown only by a third.
    let served = || Client::to(site.address).ask(REQUEST).status() == 200;
    assert!((0..200).any(|_| served() || {
        std::thread::sleep(std::time::Duration::from_millis(10));
        false
    }));
    refused
}

#[test]
fn an_unreadable_file_that_is_opened_up_is_served() {
    let site = site();
    assert_eq!(site.get("/unreadable.txt").status(), 403);
    fs::set_permissions(site.path("unreadable.txt"), Permissions::from_mode(0o644)).expect("its permissions");
    assert_eq!(site.get("/unreadable.txt").text(), "secret");
}
