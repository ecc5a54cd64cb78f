//! What can come of work that is not done to explain it.

use super::*;
use crate::explain::shown::Shown;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

const CONFIG: &str = r#"
state = "state"
[route."/up/{path...}"]
files = "public"
upload = { quota = "1KiB" }
[route."/notes/{id}"]
documents = { unique = ["/name"], quota = "1MiB" }
[route."/render"]
jobs = { to = "http://127.0.0.1:9/" }
"#;

fn site() -> Folder {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("public")).expect("a folder");
    fs::write(folder.path().join("public/there.txt"), "there").expect("a file");
    let config = Config::parse(CONFIG, "test.toml", folder.path()).unwrap_or_else(|report| panic!("{report}"));
    let site = DryRun::new(config, "test.toml", CONFIG.to_owned()).expect("a site");
    Folder { _folder: folder, site }
}

fn explained(site: &Folder, line: &str, fields: &str, content: &str) -> Explanation {
    let length = content.len();
    site.explain(&format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{fields}\r\n{content}"))
}

fn ids(explanation: &Explanation) -> BTreeSet<&'static str> {
    explanation.outcomes.iter().map(|reason| reason.id()).collect()
}

#[test]
fn what_can_come_of_work_is_listed_with_what_is_expected_of_it() {
    let site = site();
    let json = "Content-Type: application/json\r\n";
    for (line, fields, content, expected, others, never) in [
        (
            "PUT /up/new.txt",
            "",
            "x",
            "created",
            &["replaced", "quota-burst", "disk-full", "disk-failed", "content-stalled", "write-conflict"][..],
            &["matched-too-late", "content-grew-too-large", "chunk-size-malformed"][..],
        ),
        (
            "PUT /up/there.txt",
            "If-Match: *\r\n",
            "x",
            "replaced",
            &["created", "matched-too-late"],
            &["if-match-failed"],
        ),
        ("DELETE /up/there.txt", "", "", "deleted", &["disk-failed"], &["quota-burst", "content-stalled"]),
        (
            "PUT /notes/7",
            json,
            "{}",
            "created",
            &["updated", "unique-member-taken", "store-busy"],
            &["json-malformed", "matched-too-late"],
        ),
        ("POST /notes", json, "{}", "created", &["unique-member-taken"], &["form-taken", "idempotency-key-in-flight"]),
        (
            "POST /notes",
            "Content-Type: application/json\r\nIdempotency-Key: \"k\"\r\n",
            "{}",
            "created",
            &["idempotency-key-in-flight", "idempotency-key-reused"],
            &[],
        ),
        ("POST /render", "", "x", "job-queued", &["store-busy"], &["job-finished-in-time", "upstream-answered"]),
        (
            "POST /render",
            "Prefer: wait=5\r\n",
            "x",
            "job-queued",
            &["job-finished-in-time", "upstream-answered", "upstream-refused"],
            &[],
        ),
    ] {
        let told = explained(&site, line, fields, content);
        let ids = ids(&told);
        assert_eq!(told.verdict.reason.id(), expected, "{line}");
        assert_eq!(told.tried, line.contains("/notes"), "{line}");
        assert!(ids.contains(expected), "{line}: {ids:?}");
        assert!(others.iter().all(|other| ids.contains(other)), "{line}: {ids:?}");
        assert!(!never.iter().any(|never| ids.contains(never)), "{line}: {ids:?}");
        // The way ends where it is open.
        let open = told.steps.iter().filter(|step| step.question >= Question::StateAgrees).count();
        assert_eq!(open, 0, "{line}: {:?}", told.steps);
        let shown = Shown::of(&told);
        assert_eq!((shown.status, &shown.reason, shown.stage.as_str()), (None, &None, "process"), "{line}");
        let of_expected: Vec<_> = shown.outcomes.iter().filter(|outcome| outcome.expected).collect();
        assert!(matches!(of_expected[..], [one] if one.reason == expected), "{line}: {of_expected:?}");
    }
}

#[test]
fn what_is_refused_without_doing_it_has_one_outcome() {
    let site = site();
    let json = "Content-Type: application/json\r\n";
    let large = "x".repeat(2048);
    for (line, fields, content, refused) in [
        ("PUT /up/new.txt", "", large.as_str(), "quota-would-burst"),
        ("PUT /up/none/new.txt", "", "x", "parent-missing"),
        ("PUT /up/there.txt", "If-None-Match: *\r\n", "x", "if-none-match-failed"),
        ("DELETE /up/new.txt", "", "", "nothing-there"),
        ("PUT /notes/7", json, "{", "json-malformed"),
        ("PUT /notes/7", "", "{}", "media-type-not-taken"),
        ("GET /notes/7", "", "", "nothing-there"),
        ("GET /up/there.txt", "", "", "served"),
    ] {
        let told = explained(&site, line, fields, content);
        assert_eq!((told.verdict.reason.id(), ids(&told).len()), (refused, 0), "{line}");
        assert_eq!(Shown::of(&told).status, Some(told.verdict.status().code()), "{line}");
    }
}

#[test]
fn what_is_told_of_one_process_is_read_by_another() {
    let site = site();
    for told in [explained(&site, "POST /render", "Prefer: wait=5\r\n", "x"), site.get("/nowhere", "If-Match: *\r\n")] {
        let shown = Shown::of(&told);
        let read: Shown = serde_json::from_str(&shown.json().to_string()).expect("what is written can be read");
        assert_eq!(read, shown);
    }
}

#[test]
fn where_no_member_works_it_is_known_what_comes_of_it() {
    const CONFIG: &str = "[route.\"/app/{path...}\"]\n\
                          proxy = { to = [\"http://127.0.0.1:9\", \"http://127.0.0.1:10\"], health = \"/\" }\n";
    let config = Config::parse(CONFIG, "test.toml", "/".as_ref()).unwrap_or_else(|report| panic!("{report}"));
    let site = DryRun::new(config, "test.toml", CONFIG.to_owned()).expect("a site");
    let explained = || site.explain(b"GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n", IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(!explained().outcomes.is_empty(), "nobody knows what comes of it while one may answer");
    let members = site.site.opened.members(0).expect("members").all();
    members[0].works.store(false, Relaxed);
    assert!(!explained().outcomes.is_empty());
    members[1].works.store(false, Relaxed);
    let told = explained();
    assert_eq!((told.verdict.reason.id(), told.outcomes.len()), ("no-member", 0));
}
