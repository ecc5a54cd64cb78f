//! `verdict explain` and `verdict routes`.

use crate::command::{Ran, command, folder, ran};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;
use tempfile::TempDir;

const CONFIG: &str = "\
[route.\"/{path...}\"]
files = \"./public\"
[route.\"/closed/{path...}\"]
respond = { status = 410 }
limits = { body = \"4B\" }
";

fn site() -> TempDir {
    let folder = folder(CONFIG);
    std::fs::write(folder.path().join("public/page.txt"), "0123456789").expect("a file");
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Ran {
    ran(command(arguments).current_dir(folder).output().expect("the command starts"))
}

fn json(folder: &TempDir, arguments: &[&str]) -> Value {
    let ran = run(folder, &[arguments, &["--json"]].concat());
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn a_refusal_is_explained_with_its_remedy_its_way_and_its_fields() {
    let site = site();
    let ran = run(&site, &["explain", "GET", "/page.txt", "-H", "If-Match: \"v9\""]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for part in [
        "412 Precondition Failed  if-match-failed  RFC 9110 §13.1.1\n",
        "→ Fetch the current version",
        "does If-Match hold? If-Match: \"v9\" against current",
        "route /{path...} (files, verdict.toml:1)\n",
        "`page.txt` is not `closed`",
        "ETag",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\x1b') && ran.stdout.lines().count() < 45, "{}", ran.stdout);
    let all = run(&site, &["explain", "GET", "/page.txt", "--all"]);
    assert!(all.stdout.contains("is it safe even if it was replayed?"), "{}", all.stdout);
}

#[test]
fn a_program_gets_all_of_it() {
    let site = site();
    let told = json(&site, &["explain", "POST", "/closed/x", "-d", "12345"]);
    assert_eq!((&told["status"], &told["reason"]), (&413.into(), &"content-too-large".into()));
    let last = told["steps"].as_array().and_then(|steps| steps.last()).expect("steps");
    assert_eq!((&last["stage"], &last["holds"]), (&"negotiate".into(), &false.into()));
    assert_eq!(last["evidence"], "5 of 4 bytes");
    assert_eq!(last["key"], serde_json::json!({"name": "limits.body", "place": {"file": "verdict.toml", "line": 5}}));
    assert_eq!(told["lost"][0]["route"]["pattern"], "/{path...}");
    assert!(told["fields"].as_array().is_some_and(|fields| fields.iter().any(|field| field[0] == "Date")));
}

#[test]
fn a_message_is_explained_byte_by_byte() {
    let site = site();
    let mut arguments = command(&["explain", "--raw", "-", "--json"]);
    let arguments = arguments.current_dir(&site).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = arguments.spawn().expect("the command starts");
    let stdin = child.stdin.take();
    stdin.expect("a pipe").write_all(b"GET / HTTP/1.1\r\nHost: a\r\nFoo : x\r\n\r\n").expect("it reads");
    let ran = ran(child.wait_with_output().expect("it ends"));
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&told["status"], &told["reason"]), (&400.into(), &"space-before-colon".into()));
    assert_eq!(told["at"], 28);
}

#[test]
fn content_is_taken_from_a_file_or_from_standard_input() {
    let site = site();
    std::fs::write(site.path().join("content"), "a\r\nb\n").expect("a file");
    let told = json(&site, &["explain", "POST", "/closed/x", "-d", "@content"]);
    assert_eq!(told["steps"].as_array().and_then(|steps| steps.last()).expect("steps")["evidence"], "5 of 4 bytes");
    let mut arguments = command(&["explain", "POST", "/closed/x", "-d", "@-", "--json"]);
    let arguments = arguments.current_dir(&site).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = arguments.spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(b"123").expect("it reads");
    let ran = ran(child.wait_with_output().expect("it ends"));
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&told["reason"], ran.exit), (&"configured-answer".into(), 0));
}

#[test]
fn content_that_has_no_end_is_refused() {
    let ran = run(&site(), &["explain", "POST", "/", "-d", "@/dev/zero"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("`/dev/zero` has more than 64 MiB"), "{}", ran.stderr);
}

#[test]
fn what_was_ignored_what_is_a_default_and_which_page_was_sent_is_said() {
    let site = folder("[route.\"/{path...}\"]\nfiles = \"./public\"\npages = { 404 = \"lost.html\" }\n");
    std::fs::write(site.path().join("lost.html"), "<p>lost").expect("a page");
    std::fs::write(site.path().join("public/.env"), "").expect("a file");
    std::fs::write(site.path().join("public/page.txt"), "0123456789").expect("a file");
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["GET", "/page.txt", "-H", "If-Modified-Since: yesterday", "-H", "Range: items=1"],
            &["–    does If-Modified-Since hold?", "not an HTTP-date (RFC 9110 §13.1.3", "RFC 9110 §14.2"],
        ),
        (&["GET", "/.env"], &["(default of files.dotfiles)"]),
        (&["GET", "/none", "-H", "Accept: text/html"], &["the content is ", "lost.html (pages.404, verdict.toml:3)\n"]),
        (&["OPTIONS", "*"], &["`*` is the server itself"]),
    ];
    for (arguments, parts) in cases {
        let ran = run(&site, &[&["explain"], *arguments].concat());
        let shown = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in *parts {
            let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains(&part), "{part}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("not set"), "{}", ran.stdout);
    }
    let told = json(&site, &["explain", "GET", "/page.txt", "-H", "If-Modified-Since: yesterday"]);
    let step = told["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["holds"].is_null()));
    assert_eq!(step.map(|step| &step["question"]), Some(&"does If-Modified-Since hold?".into()));
    let told = json(&site, &["explain", "GET", "/none", "--dir", "public"]);
    assert_eq!(told["page"], Value::Null);
    let shown = run(&site, &["explain", "GET", "/none", "--dir", "public"]).stdout;
    assert!(!shown.contains("default of files)"), "{shown}");
}

#[test]
fn a_folder_is_explained_as_serve_would_serve_it() {
    let site = site();
    let told = json(&site, &["explain", "GET", "/", "--dir", "public"]);
    assert_eq!((&told["reason"], &told["route"]["place"]), (&"folder-listed".into(), &Value::Null));
}

#[test]
fn what_cannot_be_explained_is_said_so() {
    let empty = tempfile::tempdir().expect("a folder");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["explain"], 2, "METHOD"),
        (&["explain", "GET"], 2, "TARGET"),
        (&["explain", "GET", "/", "--raw", "-"], 2, "--raw"),
        (&["explain", "GET", "/", "--from", "nobody"], 2, "--from"),
        (&["explain", "GET", "/"], 1, "`--dir .`"),
        (&["explain", "GET", "/", "-c", "other.toml"], 1, "`other.toml`"),
        (&["explain", "PUT", "/", "-d", "@none", "--dir", "."], 1, "`none` cannot be read"),
        (&["explain", "GET", "/", "--dir", "none"], 1, "none"),
        (&["routes"], 1, "`--dir .`"),
    ];
    for (arguments, exit, said) in cases {
        let ran = run(&empty, arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (*exit, ""), "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn each_route_is_listed_with_what_it_can_answer() {
    let site = site();
    let ran = run(&site, &["routes"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for part in ["/{path...}  files, verdict.toml:1", "tag-unchanged, date-unchanged", "where no route matches"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let told = json(&site, &["routes"]);
    let closed = &told["routes"][0];
    assert_eq!((&closed["pattern"], &closed["line"]), (&"/closed/{path...}".into(), &3.into()));
    let answers = closed["methods"][0]["answers"].as_array().expect("answers");
    let statuses: Vec<_> = answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
    assert!(statuses.contains(&410) && statuses.contains(&413) && !statuses.contains(&404), "{statuses:?}");
}
