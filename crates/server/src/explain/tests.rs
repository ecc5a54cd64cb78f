//! What is told of a decision.

mod outcomes;

use super::*;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

const CONFIG: &str = r#"
[limits]
body = "1KiB"
[route."/{path...}"]
files = { root = "public", dotfiles = false }
pages = { 404 = "404.html" }
[route."/closed/{id}"]
respond = { status = 410 }
limits = { body = "4B" }
[route."/old/{path...}"]
redirect = { to = "/{path}", status = 308 }
[route."a.example/{path...}"]
files = "public"
[route."*.b.example/{path...}"]
files = "public"
[route."/panicking"]
respond = { status = 200 }
"#;

struct Folder {
    _folder: TempDir,
    site: DryRun,
}

fn folder() -> Folder {
    let folder = tempfile::tempdir().expect("a folder");
    let public = folder.path().join("public");
    fs::create_dir_all(public.join("folder")).expect("folders");
    fs::write(folder.path().join("404.html"), "<p>lost").expect("a page");
    for name in ["page.txt", ".hidden"] {
        fs::write(public.join(name), "0123456789").expect("a file");
        let file = File::options().write(true).open(public.join(name)).expect("a file");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_577_836_800)).expect("its time");
    }
    let config = Config::parse(CONFIG, "test.toml", folder.path()).unwrap_or_else(|report| panic!("{report}"));
    let site = DryRun::new(config, "test.toml", CONFIG.to_owned()).expect("a site");
    Folder { _folder: folder, site }
}

impl Folder {
    fn explain(&self, message: &str) -> Explanation {
        self.site.explain(message.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    fn get(&self, target: &str, fields: &str) -> Explanation {
        self.explain(&format!("GET {target} HTTP/1.1\r\nHost: c\r\n{fields}\r\n"))
    }
}

/// The evidence of a question, and the line of its key: 0 where its default holds, or where it has none.
fn told(explanation: &Explanation, question: Question) -> (String, usize) {
    let step = explanation.steps.iter().find(|step| step.question == question);
    let step = step.unwrap_or_else(|| panic!("{question:?} was not asked: {:?}", explanation.steps));
    let place = step.key.as_ref().and_then(|key| key.place.as_ref());
    (step.evidence.clone(), place.map_or(0, |place| place.line))
}

#[test]
fn each_answer_is_told_with_what_it_was_held_against_and_the_line_that_says_so() {
    let folder = folder();
    let dates = "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT";
    let cases = [
        ("GET", "/page.txt", "", Question::MethodKnown, "GET", 0),
        ("GET", "/page.txt", "", Question::RouteFound, "/{path...}", 4),
        ("GET", "/page.txt", "", Question::TargetFits, "9 of 8192 bytes", 0),
        ("POST", "/page.txt", "", Question::MethodTaken, "Allow: GET, HEAD, OPTIONS", 0),
        ("GET", "/old/x?y", "", Question::StaysHere, "it is at /x?y", 11),
        ("GET", "/folder", "", Question::StaysHere, "it is at /folder/", 0),
        ("PUT", "/closed/1", "Content-Length: 5", Question::ContentFits, "5 of 4 bytes", 9),
        ("GET", "/page.txt", "Content-Length: 5", Question::ContentFits, "5 of 1024 bytes", 3),
        ("GET", "/closed/1", "", Question::Worked, "410 Gone", 8),
        ("GET", "/page.txt", "Range: bytes=10-", Question::WholeWanted, "Range: bytes=10-", 0),
        ("GET", "/page.txt", "Range: bytes=10-", Question::RangeWithin, "Range: bytes=10- of 10 bytes", 0),
        (
            "GET",
            "/page.txt",
            dates,
            Question::IfModifiedSince,
            "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT against Wed, 01 Jan 2020 00:00:00 GMT",
            0,
        ),
    ];
    for (method, target, field, question, evidence, line) in cases {
        let line_of_field = if field.is_empty() { String::new() } else { format!("{field}\r\n") };
        let told_of = folder.explain(&format!("{method} {target} HTTP/1.1\r\nHost: c\r\n{line_of_field}\r\n"));
        assert_eq!(told(&told_of, question), (evidence.to_owned(), line), "{method} {target} {field}");
    }
}

#[test]
fn a_tag_is_held_against_the_current_one() {
    let folder = folder();
    let explanation = folder.get("/page.txt", "If-Match: \"v9\"\r\n");
    let tag = explanation.fields.iter().find(|(name, _)| name == "ETag").map(|(_, value)| value).expect("a tag");
    assert_eq!(told(&explanation, Question::IfMatch).0, format!("If-Match: \"v9\" against current {tag}"));
    assert_eq!(explanation.sentence, format!("`If-Match` names \"v9\", and the current one is {tag}."));
    assert!(explanation.remedy.contains(&format!("If-Match: {tag}")), "{}", explanation.remedy);
}

#[test]
fn the_file_that_is_missing_is_named_and_so_is_the_key_that_hides_one() {
    let folder = folder();
    let (evidence, line) = told(&folder.get("/nothing.txt", ""), Question::Exists);
    assert!(evidence.ends_with("public/nothing.txt"), "{evidence}");
    assert_eq!(line, 5);
    assert_eq!(told(&folder.get("/.hidden", ""), Question::Exists).1, 5);
}

#[test]
fn a_field_that_is_ignored_is_told_with_the_rule_that_says_so() {
    const DATE: &str = "Wed, 01 Jan 2020 00:00:00 GMT";
    let folder = folder();
    let since = format!("If-Modified-Since: {DATE}\r\n");
    let unmodified = format!("If-Unmodified-Since: {DATE}\r\n");
    let cases = [
        ("GET /page.txt", "If-Modified-Since: yesterday\r\n", Question::IfModifiedSince, "not an HTTP-date", "§13.1.3"),
        ("GET /page.txt", "If-Unmodified-Since: 2020\r\n", Question::IfUnmodifiedSince, "not an HTTP-date", "§13.1.4"),
        ("GET /page.txt", &since.repeat(2), Question::IfModifiedSince, "more than once", "§13.1.3"),
        (
            "GET /page.txt",
            &format!("If-None-Match: \"x\"\r\n{since}"),
            Question::IfModifiedSince,
            "`If-None-Match`",
            "§13.1.3",
        ),
        (
            "GET /page.txt",
            &format!("If-Match: *\r\n{unmodified}"),
            Question::IfUnmodifiedSince,
            "`If-Match`",
            "§13.1.4",
        ),
        // The one that counts decides, and the other is ignored all the same.
        (
            "GET /page.txt",
            &format!("If-Match: \"x\"\r\n{unmodified}"),
            Question::IfUnmodifiedSince,
            "`If-Match`",
            "§13.1.4",
        ),
        ("OPTIONS /page.txt", "If-Match: \"x\"\r\n", Question::IfMatch, "OPTIONS takes no conditions", "§13.2.1"),
        ("GET /closed/1", "If-Match: \"x\"\r\n", Question::IfMatch, "410 all the same", "§13.2.1"),
        ("GET /page.txt", "Range: items=1-2\r\n", Question::WholeWanted, "not `bytes`", "§14.2"),
        ("GET /page.txt", "Range: 1-2\r\n", Question::WholeWanted, "no unit", "§14.1.1"),
        ("GET /page.txt", "Range: bytes=2-1\r\n", Question::WholeWanted, "not a list of ranges", "§14.1.1"),
        ("GET /page.txt", "Range: bytes=0-\r\nRange: bytes=1-\r\n", Question::WholeWanted, "more than once", "§14.2"),
        ("HEAD /page.txt", "Range: bytes=1-2\r\n", Question::WholeWanted, "GET alone", "§14.2"),
        ("GET /closed/1", "Range: bytes=1-2\r\n", Question::WholeWanted, "whole or not at all", "§14.2"),
        ("GET /page.txt", "If-Range: \"x\"\r\n", Question::RangeHolds, "no `Range`", "§13.1.5"),
        ("GET /page.txt", "Range: x=1\r\nIf-Range: \"x\"\r\n", Question::RangeHolds, "ignored anyway", "§13.1.5"),
        (
            "GET /page.txt",
            "Range: bytes=1-\r\nIf-Range: \"x\"\r\n",
            Question::RangeHolds,
            "`Range` is ignored",
            "§13.1.5",
        ),
        // These count, and what they say is nonsense.
        ("GET /page.txt", "If-Match: x\r\n", Question::IfMatch, "no list of quoted tags", "§13.1.1"),
        ("GET /page.txt", "If-None-Match: x\r\n", Question::IfNoneMatch, "no list of quoted tags", "§13.1.2"),
    ];
    for (line, fields, question, why, section) in cases {
        let explanation = folder.explain(&format!("{line} HTTP/1.1\r\nHost: c\r\n{fields}\r\n"));
        let evidence = told(&explanation, question).0;
        assert!(evidence.contains(why) && evidence.contains(section), "{line} {fields}: {evidence}");
        assert!(explanation.steps.is_sorted_by_key(|step| step.question), "{line} {fields}");
    }
}

#[test]
fn a_field_whose_turn_never_came_is_not_called_ignored() {
    let folder = folder();
    let cases = [
        // The decision fell before conditions, and before the second condition.
        ("GET /nothing", "If-Modified-Since: yesterday\r\nRange: x\r\n"),
        ("GET /page.txt", "If-Match: \"x\"\r\nIf-None-Match: \"y\"\r\nRange: x\r\n"),
        ("GET /page.txt", "Range: bytes=1-2\r\n"),
    ];
    for (line, fields) in cases {
        let explanation = folder.explain(&format!("{line} HTTP/1.1\r\nHost: c\r\n{fields}\r\n"));
        assert!(explanation.steps.iter().all(|step| step.holds.is_some()), "{line} {fields}: {:?}", explanation.steps);
    }
}

#[test]
fn a_target_that_is_no_path_is_asked_of_no_route() {
    let folder = folder();
    let cases = [("OPTIONS *", 204, "the server itself"), ("CONNECT a:443", 405, "no route opens one")];
    for (line, status, why) in cases {
        let explanation = folder.explain(&format!("{line} HTTP/1.1\r\nHost: a:443\r\n\r\n"));
        assert_eq!(explanation.verdict.status().code(), status, "{line}");
        let evidence = told(&explanation, Question::RouteFound).0;
        assert!(evidence.contains(why), "{line}: {evidence}");
        assert!(explanation.lost.is_empty() && explanation.route.is_none(), "{line}: {:?}", explanation.lost);
    }
}

#[test]
fn a_page_of_the_config_is_named_where_it_is_the_content() {
    let folder = folder();
    let page = |target: &str, fields: &str| folder.get(target, fields).page;
    let told = page("/nothing", "Accept: text/html\r\n").expect("a browser gets the page");
    assert!(told.file.ends_with("/404.html"), "{}", told.file);
    assert_eq!((told.key.name.as_str(), told.key.place.map(|place| place.line)), ("pages.404", Some(6)));
    // A program gets a problem, another status has no page, and neither has what goes well.
    for (target, fields) in [
        ("/nothing", "Accept: application/json\r\n"),
        ("/page.txt", "Accept: text/html\r\nIf-Match: \"x\"\r\n"),
        ("/page.txt", "Accept: text/html\r\n"),
    ] {
        assert!(page(target, fields).is_none(), "{target} {fields}");
    }
}

#[test]
fn each_route_that_does_not_answer_failed_by_something() {
    let folder = folder();
    let why = |target: &str, pattern: &str| {
        let explanation = folder.get(target, "");
        let lost = explanation.lost.iter().find(|lost| lost.route.pattern == pattern);
        lost.map(|lost| lost.why.clone()).unwrap_or_default()
    };
    let cases = [
        ("/closed/1", "/{path...}", "it matches too, and `/closed/{id}` is more specific than `/{path...}`"),
        ("/x", "/closed/{id}", "`x` is not `closed`"),
        ("/", "/closed/{id}", "`closed` is missing"),
        ("/closed", "/closed/{id}", "the path ends before `/{id}`"),
        ("/closed/", "/closed/{id}", "nothing stands for `{id}`"),
        ("/closed/1/2", "/closed/{id}", "the path goes on with `/2`"),
        ("/x", "a.example/{path...}", "the host is not a.example"),
        ("/x", "*.b.example/{path...}", "the host is not below b.example"),
        ("/x", "/{path...}", ""),
    ];
    for (target, pattern, expected) in cases {
        assert_eq!(why(target, pattern), expected, "{target} {pattern}");
    }
    // The nearest first.
    let near = folder.get("/closed/1/2", "");
    assert_eq!(near.lost[0].route.pattern, "/closed/{id}");
}

#[test]
fn a_malformed_message_is_shown_at_its_byte() {
    let folder = folder();
    let cases = [
        ("GET / HTTP/1.1\r\nFoo : x\r\n\r\n", 19, "byte 19: Foo⟶ : x\\r\\n"),
        ("GET / HTTP/1.1\nHost: c\r\n\r\n", 14, "byte 14: GET / HTTP/1.1⟶\\nHost: c\\r\\n"),
        ("GET / HTTP/1.1\r\nHo", 18, "byte 18: Ho⟶"),
        ("GET /\u{1} HTTP/1.1\r\n", 5, "byte 5: GET /⟶\\u{1} HTTP/1.1\\r\\n"),
    ];
    for (message, at, evidence) in cases {
        let explanation = folder.explain(message);
        assert_eq!(explanation.at, Some(at), "{message:?}");
        assert_eq!(told(&explanation, Question::MessageSound).0, evidence, "{message:?}");
        assert!(!explanation.keeps && explanation.route.is_none() && explanation.lost.is_empty());
    }
}

#[test]
fn a_bug_in_a_handler_is_a_500_in_a_dry_run_too() {
    let explanation = folder().get("/panicking", "");
    assert_eq!(explanation.verdict.reason.id(), "handler-panicked");
    assert_eq!(explanation.route.map(|route| route.pattern), Some("/panicking".to_owned()));
}

#[test]
fn the_way_ends_where_the_decision_fell_and_nothing_after_it_was_asked() {
    let explanation = folder().get("/page.txt", "If-Match: \"v9\"\r\nRange: bytes=0-1\r\n");
    assert_eq!(
        explanation.steps.last().map(|step| (step.question, step.holds)),
        Some((Question::IfMatch, Some(false)))
    );
    assert!(explanation.steps[..explanation.steps.len() - 1].iter().all(|step| step.holds == Some(true)));
}

/// What `serve` answers to a message that is right.
fn served(site: &DryRun, message: &[u8]) -> (Verdict, Vec<(String, String)>) {
    let mut head = verdict_wire::Head::new();
    assert_eq!(head.parse(message, &site.site.wire), Ok(Progress::Complete), "{}", message.escape_ascii());
    let raw_path = std::str::from_utf8(head.path(message)).expect("ASCII");
    let request = Request {
        head: &head,
        bytes: message,
        path: Request::decoded(&head, raw_path),
        raw_path,
        persists: head.persistent,
        drainable: true,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        id: site.random.id(site.clock.milliseconds()),
        now: site.clock.http_date(),
        crowded: None,
        served: None,
        full: false,
    };
    let mut out = Vec::new();
    let serving = serve::serve(&site.site, &request, site.moment(), crate::disk::Wait::Yes, None, &mut out);
    let answer = site.runtime.block_on(serving);
    (answer.verdict, fields(&out, answer.interim.is_some()))
}

#[test]
fn what_serve_answers_is_what_is_explained() {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "BREW"];
    const TARGETS: [&str; 8] =
        ["/page.txt", "/nothing", "/.hidden", "/folder", "/folder/", "/closed/1", "/old/x", "/a%2Fb"];
    const CONDITIONS: [&str; 6] = [
        "",
        "If-Match: \"x\"\r\n",
        "If-None-Match: *\r\n",
        "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n",
        "If-Unmodified-Since: Tue, 31 Dec 2019 00:00:00 GMT\r\n",
        "Content-Length: 2000\r\n",
    ];
    const RANGES: [&str; 4] =
        ["", "Range: bytes=1-2\r\n", "Range: bytes=10-\r\n", "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n"];
    let folder = folder();
    let lasting = |mut fields: Vec<(String, String)>| {
        fields.retain(|(name, _)| !matches!(name.as_str(), "Date" | "Request-Id" | "Retry-After"));
        // Promised only where the content that was declared comes as well; and the tag of a file that was just written turns
        // from weak to strong.
        fields.retain(|(name, _)| !matches!(name.as_str(), "Connection" | "ETag" | "Content-Length"));
        fields
    };
    let mut reasons = std::collections::BTreeSet::new();
    for method in METHODS {
        for target in TARGETS {
            for condition in CONDITIONS {
                for range in RANGES {
                    let message = format!("{method} {target} HTTP/1.1\r\nHost: c\r\n{condition}{range}\r\n");
                    let (verdict, fields) = served(&folder.site, message.as_bytes());
                    let explanation = folder.explain(&message);
                    assert_eq!(explanation.verdict, verdict, "{message}");
                    assert_eq!(lasting(explanation.fields), lasting(fields), "{message}");
                    reasons.insert(verdict.reason);
                }
            }
        }
    }
    assert!(reasons.len() > 14, "{reasons:?}");
}

/// Of a route that owns something, the key that a change is refused for.
#[test]
fn what_a_change_is_refused_for_is_told_with_the_line_that_says_so() {
    const OWNING: &str = r#"state = "state"
[route."/notes/{id}"]
documents = { schema = "note.json", index = ["/a"], if-match = "required",
              quota = "20B" }
[route."/up/{path...}"]
files = "public"
upload = { types = ["text/plain"],
           create-folders = false }
"#;
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("public")).expect("a folder");
    fs::write(folder.path().join("note.json"), "{\"required\":[\"a\"]}").expect("a schema");
    let config = Config::parse(OWNING, "test.toml", folder.path()).unwrap_or_else(|report| panic!("{report}"));
    let site = DryRun::new(config, "test.toml", OWNING.to_owned()).expect("a site");
    let json = "Content-Type: application/json\r\n";
    let any = format!("{json}If-Match: *\r\n");
    let long = "v".repeat(30);
    for (line, fields, content, reason, key) in [
        ("POST /notes", json, "{}", "schema-violated", Some(("documents.schema", 3))),
        ("POST /notes", json, &*long, "quota-would-burst", Some(("documents.quota", 4))),
        ("GET /notes?b=1", "", "", "filter-not-indexed", Some(("documents.index", 3))),
        ("PUT /notes/one", json, "{}", "condition-missing", Some(("documents.if-match", 3))),
        ("POST /notes", "", "{}", "media-type-not-taken", Some(("documents", 3))),
        ("PUT /notes/one", &*any, "{}", "if-match-failed", None),
        ("PUT /up/one.txt", json, "{}", "media-type-not-taken", Some(("upload.types", 7))),
        (
            "PUT /up/in/one.txt",
            "Content-Type: text/plain\r\n",
            "1",
            "parent-missing",
            Some(("upload.create-folders", 8)),
        ),
    ] {
        let length = content.len();
        let message = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n{content}");
        let told = site.explain(message.as_bytes(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let refused = told.steps.iter().find(|step| step.holds == Some(false)).expect("it is refused");
        let found = refused.key.as_ref().map(|key| (&*key.name, key.place.as_ref().map_or(0, |place| place.line)));
        assert_eq!((told.verdict.reason.id(), found), (reason, key), "{line}: {:?}", refused.question);
    }
}
