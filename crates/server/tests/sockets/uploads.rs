//! `upload`: each status by its circumstance, a file is whole or is not there, and nothing of what was refused remains.

use crate::certificates::issue;
use crate::others::reqwest_of;
use crate::site::{Plan, Site};
use reqwest::blocking::{Client, Response};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn plan() -> Plan {
    let mut plan = Plan::new()
        .top("state = \"state\"")
        .limits("body = \"4MiB\"")
        .route(
            "/up/{path...}",
            "files = { root = \"public\", listing = true, dotfiles = true }\nupload = { quota = \"2MiB\" }",
        )
        .route("/read/{path...}", "files = \"public\"");
    for (name, options, more) in [
        ("images", "types = [\"image/*\"], delete = false", "limits = { length = \"required\" }"),
        ("deep", "create-folders = true, keep-deleted = \"0s\"", ""),
        ("small", "quota = \"8KiB\"", ""),
    ] {
        fs::create_dir(plan.public().join("..").join(name)).expect("a folder");
        let lines = format!("files = \"{name}\"\nupload = {{ {options} }}\n{more}");
        plan = plan.route(&format!("/{name}/{{path...}}"), &lines);
    }
    plan
}

/// A client of one protocol, and the site that it asks.
struct Asking {
    client: Client,
    site: Site,
    scheme: &'static str,
}

impl Asking {
    /// One for each protocol.
    fn all() -> [Asking; 3] {
        let issued = issue(&["127.0.0.1"]);
        let insecure = |client: reqwest::blocking::ClientBuilder| client.danger_accept_invalid_certs(true);
        let start = |plan: Plan| {
            let public = plan.public();
            fs::create_dir(public.join("folder")).expect("a folder");
            fs::write(public.join("folder/inside"), "inside").expect("a file");
            symlink("folder/inside", public.join("link")).expect("a link");
            symlink("folder", public.join("linked")).expect("a link");
            rustix::fs::mkfifoat(rustix::fs::CWD, public.join("pipe"), rustix::fs::Mode::RUSR).expect("a pipe");
            plan.start()
        };
        [
            Asking { client: reqwest_of(|client| client.http1_only()), site: start(plan()), scheme: "http" },
            Asking { client: reqwest_of(|client| client.http2_prior_knowledge()), site: start(plan()), scheme: "http" },
            Asking { client: reqwest_of(insecure), site: start(plan().secure(&[issued])), scheme: "https" },
        ]
    }

    fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)], content: &[u8]) -> Response {
        let url = format!("{}://{}{target}", self.scheme, self.site.address);
        let mut request = self.client.request(method.parse().expect("a method"), url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if method == "PUT" {
            request = request.body(content.to_owned());
        }
        request.send().expect("an answer")
    }
}

fn field<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn reason(answer: &Response) -> &str {
    field(answer, "verdict-reason").split(';').next().unwrap_or_default()
}

/// The names in a folder and below it, and of those that are hidden only ours.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if entry.file_type().expect("its type").is_dir() {
            names.extend(self::names(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
        }
        names.push(name);
    }
    names.sort();
    names
}

/// Waits until a folder has these names and no others.
fn comes_to(folder: &Path, expected: &[&str]) {
    let since = Instant::now();
    while names(folder) != expected {
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}, not {expected:?}", names(folder));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What is done, one after the other: method, target, fields, content; and the status, its reason, and fields of the answer. A
/// field whose value is empty is not looked at but has to be there.
type Step = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    u16,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const READING: &[(&str, &str)] = &[("Allow", "GET, HEAD, OPTIONS")];

#[rustfmt::skip]
const STEPS: &[Step] = &[
    ("GET", "/up/a", &[], "", 404, "nothing-there", &[]),
    ("DELETE", "/up/a", &[], "", 404, "nothing-there", &[]),
    ("OPTIONS", "/up/a", &[], "", 204, "options-answered", &[("Allow", "GET, HEAD, PUT, DELETE, OPTIONS")]),
    ("PUT", "/up/a", &[("If-Match", "*")], "one", 412, "if-match-failed", &[]),
    ("PUT", "/up/a", &[("If-None-Match", "*")], "one", 201, "created", &[("Location", "/up/a"), ("ETag", "")]),
    ("GET", "/up/a", &[], "", 200, "served", &[("ETag", ""), ("Content-Length", "3")]),
    ("PUT", "/up/a", &[("If-None-Match", "*")], "two", 412, "if-none-match-failed", &[("ETag", "")]),
    ("PUT", "/up/a", &[("If-Match", "\"0\"")], "two", 412, "if-match-failed", &[("ETag", "")]),
    ("PUT", "/up/a", &[("If-Unmodified-Since", "Wed, 01 Jan 2020 00:00:00 GMT")], "two", 412, "if-unmodified-since-failed", &[("ETag", "")]),
    ("PUT", "/up/a", &[("If-Match", "*")], "four", 204, "replaced", &[("ETag", "")]),
    ("GET", "/up/a", &[], "", 200, "served", &[("Content-Length", "4")]),
    ("GET", "/read/a", &[], "", 200, "served", &[("Content-Length", "4")]),
    ("PUT", "/read/a", &[], "", 405, "method-not-taken", READING),
    ("PUT", "/up/a", &[("Content-Range", "bytes 0-2/4")], "two", 400, "content-range-on-put", &[]),
    ("PUT", "/up/a", &[("Content-Encoding", "gzip")], "two", 415, "coding-not-taken", &[("Accept-Encoding", "identity")]),
    ("PATCH", "/up/a", &[], "", 405, "method-not-taken", &[("Allow", "GET, HEAD, PUT, DELETE, OPTIONS")]),
    ("POST", "/up/a", &[], "", 405, "method-not-taken", &[]),
    ("PUT", "/up/none/a", &[], "a", 409, "parent-missing", &[]),
    ("PUT", "/up/a/b", &[], "a", 409, "parent-missing", &[]),
    ("PUT", "/up/", &[], "a", 405, "method-not-taken", READING),
    ("PUT", "/up/folder", &[], "a", 405, "method-not-taken", READING),
    ("PUT", "/up/folder/", &[], "a", 405, "method-not-taken", READING),
    ("DELETE", "/up/folder/", &[], "", 405, "method-not-taken", READING),
    ("DELETE", "/up/folder", &[], "", 405, "method-not-taken", READING),
    ("OPTIONS", "/up/folder/", &[], "", 204, "options-answered", READING),
    ("PUT", "/up/link", &[], "a", 405, "method-not-taken", READING),
    ("DELETE", "/up/link", &[], "", 405, "method-not-taken", READING),
    ("PUT", "/up/linked/a", &[], "a", 405, "method-not-taken", READING),
    ("PUT", "/up/pipe", &[], "a", 404, "nothing-there", &[]),
    ("PUT", "/up/a%2Fb", &[], "a", 404, "encoded-slash", &[]),
    ("PUT", "/up//b", &[], "a", 404, "nothing-there", &[]),
    ("PUT", "/up/.dot", &[], "a", 201, "created", &[]),
    ("PUT", "/up/.verdict-upload-x", &[], "a", 404, "nothing-there", &[]),
    ("PUT", "/small/.dot", &[], "a", 404, "dotfile-hidden", &[]),
    ("PUT", "/up/folder/x%20y", &[], "", 201, "created", &[("Location", "/up/folder/x%20y")]),
    ("DELETE", "/up/a", &[("If-Match", "\"0\"")], "", 412, "if-match-failed", &[("ETag", "")]),
    ("DELETE", "/up/a", &[], "", 204, "deleted", &[]),
    ("GET", "/up/a", &[], "", 410, "file-deleted", &[]),
    ("HEAD", "/up/a", &[], "", 410, "file-deleted", &[]),
    ("DELETE", "/up/a", &[], "", 410, "file-deleted", &[]),
    ("GET", "/read/a", &[], "", 404, "nothing-there", &[]),
    ("PUT", "/up/a", &[], "again", 201, "created", &[("Location", "/up/a")]),
    ("GET", "/up/a", &[], "", 200, "served", &[("Content-Length", "5")]),
    ("PUT", "/images/a.png", &[("Content-Type", "image/png")], "png", 201, "created", &[]),
    ("PUT", "/images/a.png", &[("Content-Type", "text/html")], "png", 415, "media-type-not-taken", &[("Accept", "image/*")]),
    ("PUT", "/images/a.html", &[("Content-Type", "image/png")], "png", 415, "media-type-not-taken", &[("Accept", "image/*")]),
    ("DELETE", "/images/a.png", &[], "", 405, "method-not-taken", &[("Allow", "GET, HEAD, PUT, OPTIONS")]),
    ("PUT", "/deep/a/b/c", &[], "c", 201, "created", &[("Location", "/deep/a/b/c")]),
    ("GET", "/deep/a/b/c", &[], "", 200, "served", &[]),
    ("PUT", "/deep/a/b/c/d", &[], "d", 409, "parent-missing", &[]),
    ("DELETE", "/deep/a/b/c", &[], "", 204, "deleted", &[]),
    ("GET", "/deep/a/b/c", &[], "", 404, "nothing-there", &[]),
];

#[test]
fn each_status_has_its_circumstance_its_reason_and_its_fields() {
    for asking in Asking::all() {
        for (method, target, fields, content, status, id, carries) in STEPS {
            let answer = asking.ask(method, target, fields, content.as_bytes());
            let asked = format!("{method} {target} {fields:?} over {}", asking.scheme);
            assert_eq!((answer.status().as_u16(), reason(&answer)), (*status, *id), "{asked}: {answer:?}");
            for (name, value) in *carries {
                let found = answer.headers().get(*name).map(|found| found.to_str().expect("text"));
                assert!(found.is_some_and(|found| value.is_empty() || found == *value), "{asked}: {name} {found:?}");
            }
            if answer.status().is_client_error() && *method != "HEAD" {
                let text = answer.text().expect("its content");
                assert!(!text.is_empty(), "{asked}");
            }
        }
        let public = asking.site.path("");
        assert_eq!(names(&public), [".dot", "a", "folder", "folder/inside", "folder/x y", "link", "linked", "pipe"]);
        let mode = fs::metadata(public.join("a")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o133, 0, "{mode:o}");
    }
}

#[test]
fn the_tag_of_a_put_is_the_one_that_get_gives_and_holds() {
    for asking in Asking::all() {
        let mut tag = String::new();
        for (i, status) in [(1, 201), (2, 204), (3, 204)] {
            let fields = [("If-Match", &*tag)];
            let content = vec![b'x'; 100_000 * i];
            let put = asking.ask("PUT", "/up/tagged", if i == 1 { &[] } else { &fields }, &content);
            assert_eq!(put.status().as_u16(), status);
            let got = asking.ask("GET", "/up/tagged", &[], b"");
            assert_eq!((field(&got, "etag"), field(&put, "etag").is_empty()), (field(&put, "etag"), false));
            tag = field(&got, "etag").to_owned();
            assert!(got.bytes().expect("its content") == content);
        }
    }
}

#[test]
fn what_is_over_the_quota_is_refused_before_it_is_read_and_nothing_remains() {
    for asking in Asking::all() {
        let folder = asking.site.folder().join("small");
        let put = |target: &str, size: usize| {
            let answer = asking.ask("PUT", target, &[], &vec![b'x'; size]);
            let id = reason(&answer).to_owned();
            (answer.status().as_u16(), id, answer.text().expect("text"))
        };
        let short = |(status, id, _): (u16, String, String)| (status, id);
        let created = (201, "created".to_owned());
        assert_eq!(short(put("/small/a", 8192)), created, "to the last byte");
        let (status, id, text) = put("/small/b", 1);
        assert_eq!((status, &*id), (507, "quota-would-burst"));
        assert!(text.contains("8192"), "it tells what is used, and of how much: {text}");
        assert_eq!(put("/small/a", 8193).0, 507);
        assert_eq!(short(put("/small/a", 8191)), (204, "replaced".to_owned()), "what is replaced does not count");
        assert_eq!(short(put("/small/b", 1)), created);
        // Of unknown length: noticed while it is read.
        let url = format!("{}://{}/small/c", asking.scheme, asking.site.address);
        let body = reqwest::blocking::Body::new(std::io::Cursor::new(vec![b'x'; 2000]));
        let answer = asking.client.put(&url).body(body).send().expect("an answer");
        assert_eq!((answer.status().as_u16(), reason(&answer)), (507, "quota-burst"));
        assert_eq!(asking.ask("DELETE", "/small/a", &[], b"").status(), 204);
        let body = reqwest::blocking::Body::new(std::io::Cursor::new(vec![b'x'; 8191]));
        let answer = asking.client.put(&url).body(body).send().expect("an answer");
        assert_eq!((answer.status().as_u16(), reason(&answer)), (201, "created"));
        assert_eq!(names(&folder), ["b", "c"]);
    }
}

#[test]
fn an_upload_that_is_cut_short_leaves_nothing_and_gives_its_place_back() {
    let site = plan().limits("body-idle = \"1s\"\nmin-rate = \"1000B/s\"").start();
    let folder = site.folder().join("small");
    // Cut. The file goes before its reservation, so that what follows at once has room beside it.
    for _ in 0..3 {
        let mut client = site.client();
        client.send("PUT /small/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\nhalf of it");
        comes_to_one_temporary(&folder);
        drop(client);
        comes_to(&folder, &[]);
    }
    // It stops, or drips.
    let mut client = site.client();
    client.send("PUT /small/a HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\nhalf of it");
    let answer = client.answer("PUT");
    assert_eq!((answer.status(), &*answer.reason()), (408, "content-too-slow"));
    comes_to(&folder, &[]);
    // Malformed in the middle.
    let answer = site.ask("PUT /small/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n");
    assert_eq!((answer.status(), &*answer.reason()), (400, "chunk-size-invalid"));
    comes_to(&folder, &[]);
    // And all of the quota is there again.
    let content = "x".repeat(8192);
    let whole = site.ask(format!("PUT /small/a HTTP/1.1\r\nHost: a\r\nContent-Length: 8192\r\n\r\n{content}"));
    assert_eq!(whole.status(), 201);
}

fn comes_to_one_temporary(folder: &Path) {
    let since = Instant::now();
    loop {
        let names = names(folder);
        if names.len() == 1 && names[0].starts_with(".verdict-upload-") {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{names:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_not_whole_is_not_seen() {
    let site = plan().start();
    let mut client = site.client();
    client.send("PUT /up/a HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\nhalf of it");
    comes_to_one_temporary(&site.path(""));
    let name = names(&site.path("")).remove(0);
    assert_eq!(site.get(&format!("/up/{name}")).status(), 404);
    assert_eq!(site.get(&format!("/read/{name}")).status(), 404);
    assert_eq!(site.get("/up/a").status(), 404);
    let listing = site.get("/up/");
    assert!(listing.status() == 200 && !listing.text().contains("verdict-upload"), "{}", listing.text());
}

#[test]
fn who_waits_for_100_is_invited_once_there_is_room() {
    let site = plan().start();
    let mut client = site.client();
    client.send("PUT /small/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9000\r\n\r\n");
    let answer = client.answer("PUT");
    assert_eq!((answer.status(), answer.interim.len()), (507, 0));
    let mut client = site.client();
    client.send("PUT /small/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    let head = client.head().expect("100");
    assert_eq!(head.status, 100);
    client.send("done");
    assert_eq!(client.answer("PUT").status(), 201);
}

#[test]
fn readers_see_the_old_file_or_the_new_one() {
    let site = plan().top("workers = 2").start();
    let client = reqwest_of(|client| client.http1_only());
    let url = site.url("/up/mixed");
    let put = |byte: u8, size: usize| {
        let answer = client.put(&url).body(vec![byte; size]).send().expect("an answer");
        assert!(matches!(answer.status().as_u16(), 201 | 204), "{answer:?}");
    };
    put(b'a', 300_000);
    let over = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let answer = client.get(&url).send().expect("an answer");
                    assert_eq!(answer.status(), 200);
                    // A file that is replaced while it is sent ends in the middle at worst, which the client knows of.
                    let Ok(content) = answer.bytes() else { continue };
                    let first = content[0];
                    assert!(content.iter().all(|byte| *byte == first), "a mix");
                    assert_eq!(content.len(), if first == b'a' { 300_000 } else { 20_000 });
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for i in 0..30 {
            if i % 2 == 0 { put(b'b', 20_000) } else { put(b'a', 300_000) }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) > 10);
}

#[test]
fn who_has_written_reads_it_on_every_worker() {
    let site = plan().top("workers = 2").start();
    let ask = |request: String| site.ask(request);
    for i in 0..20 {
        let content = format!("version {i}");
        let put = ask(format!("PUT /up/own HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{content}", content.len()));
        assert!(matches!(put.status(), 201 | 204));
        // Each is a connection of its own, to either worker.
        for _ in 0..8 {
            assert_eq!(site.get("/up/own").text(), content);
            assert_eq!(site.get("/read/own").text(), content);
        }
    }
}

#[test]
fn of_sixty_four_that_create_one_wins() {
    let site = plan().top("workers = 2").start();
    let client = reqwest_of(|client| client.http1_only());
    for round in 0..3 {
        let url = site.url(&format!("/up/round-{round}"));
        let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (client, url, won, lost) = (&client, &url, &won, &lost);
        std::thread::scope(|scope| {
            for i in 0..64 {
                scope.spawn(move || {
                    let request = client.put(url).header("If-None-Match", "*").body(format!("by {i}"));
                    let answer = request.send().expect("an answer");
                    match (answer.status().as_u16(), reason(&answer)) {
                        (201, "created") => won.fetch_add(1, Ordering::Relaxed),
                        (412, "if-none-match-failed" | "matched-too-late") => lost.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}"),
                    };
                });
            }
        });
        assert_eq!((won.load(Ordering::Relaxed), lost.load(Ordering::Relaxed)), (1, 63));
    }
    assert_eq!(names(&site.path("")), ["round-0", "round-1", "round-2"]);
}

#[test]
fn a_coding_that_is_older_than_its_file_is_not_served() {
    let site = plan().start();
    let put = |name: &str, content: &str| {
        let length = content.len();
        let answer =
            site.ask(format!("PUT /up/{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}"));
        assert!(matches!(answer.status(), 201 | 204));
    };
    let coding =
        || site.get_with("/up/app.css", "Accept-Encoding: gzip\r\n").get("content-encoding").map(str::to_owned);
    put("app.css", "a{}");
    put("app.css.gz", "as if it was gzip");
    assert_eq!(coding().as_deref(), Some("gzip"));
    put("app.css", "b{}");
    assert_eq!(coding(), None);
    put("app.css.gz", "as if it was gzip again");
    assert_eq!(coding().as_deref(), Some("gzip"));
}

#[test]
fn state_and_what_the_config_names_are_never_written() {
    let plan = Plan::new().top("state = \"public/state\"").route(
        "/{path...}",
        "files = { root = \"public\", dotfiles = true }\nupload = { create-folders = true }\npages = { 404 = \"public/404.html\" }",
    );
    let site = plan.file("404.html", "not here").start();
    for target in ["/404.html", "/state/new", "/state/a/b", "/state/console.sock"] {
        let answer = site.ask(format!("PUT {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"));
        assert_eq!((answer.status(), &*answer.reason()), (404, "nothing-there"), "{target}");
        let answer = site.ask(format!("DELETE {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), 404, "{target}");
    }
    assert_eq!(fs::read(site.path("404.html")).expect("a page"), b"not here");
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart_and_counts() {
    let mut site = plan().start();
    let put = |site: &Site, name: &str, size: usize| {
        let content = "x".repeat(size);
        site.ask(format!("PUT /small/{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{content}")).status()
    };
    assert_eq!(put(&site, "a", 8000), 201);
    assert_eq!(site.ask("DELETE /up/none HTTP/1.1\r\nHost: a\r\n\r\n").status(), 404);
    site.restart();
    assert_eq!((site.get("/small/a").content.len(), put(&site, "b", 193)), (8000, 507));
    assert_eq!(put(&site, "b", 192), 201);
    assert_eq!(site.ask("DELETE /small/b HTTP/1.1\r\nHost: a\r\n\r\n").status(), 204);
    site.restart();
    assert_eq!(site.get("/small/b").status(), 410);
}

#[test]
fn a_full_disk_is_told_and_nothing_remains() {
    let plan = plan();
    let folder = plan.public().join("../deep");
    let mounted = rustix::process::geteuid().is_root()
        && std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&folder)
            .status()
            .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: only root can mount a small file system");
        return;
    }
    let done = std::panic::catch_unwind(|| {
        let site = plan.start();
        let content = "x".repeat(3 << 20);
        let put = |size: usize| {
            let content = &content[..size];
            site.ask(format!("PUT /deep/new/a HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{content}"))
        };
        let answer = put(3 << 20);
        assert_eq!((answer.status(), &*answer.reason()), (507, "disk-full"));
        assert_eq!(names(&site.folder().join("deep")), Vec::<String>::new());
        assert_eq!(put(500_000).status(), 201);
        site
    });
    let _ = std::process::Command::new("umount").arg("-l").arg(&folder).status();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
