//! `verdict tour`: every status by its real circumstance, on this machine, and nothing left of it.

mod running;

use running::{Lines, PATIENCE, signal};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The command, whose folders are made in this one.
fn tour(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.arg("tour").args(arguments).env("TMPDIR", folder).stdin(Stdio::null());
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    tour(folder, arguments).output().expect("the command starts")
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().expect("a folder").next().is_none()
}

#[test]
fn every_status_is_met_by_its_circumstance_in_less_than_a_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    // Two at once do not meet.
    let other = tour(folder.path(), &["--check", "--json"]).stdout(Stdio::piped()).spawn().expect("the command starts");
    let checked = output(folder.path(), &["--check"]);
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    let other = other.wait_with_output().expect("it ends");
    assert!(other.status.success());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let told: Value = serde_json::from_slice(&other.stdout).expect("JSON");
    let stops = told["stops"].as_array().expect("a list");
    assert!(stops.len() >= 45 && told["missed"] == 0, "{told:#}");
    for stop in stops {
        assert!(stop["code"] == stop["came"] && stop["misses"] == serde_json::json!([]), "{stop:#}");
        let line = format!("✓ {}  {}", stop["code"], stop["reason"].as_str().expect("a reason"));
        assert!(text.contains(&line), "{line}: {text}");
    }
    let duties = told["duties"].as_array().expect("a list");
    assert!(duties.len() == 7 && duties.iter().all(|duty| duty["misses"] == serde_json::json!([])), "{told:#}");
    assert!(is_empty(folder.path()), "something is left of it");
}

#[test]
fn one_of_them_is_shown_with_the_way_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = output(folder.path(), &["--code", "412", "--code", "502"]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{text}{}", String::from_utf8_lossy(&shown.stderr));
    for words in [
        "412 Precondition Failed\n",
        "> PUT /notes/",
        "> If-Match: \"v7\"",
        "< HTTP/1.1 412 Precondition Failed",
        "and why\n412 Precondition Failed  if-match-failed  RFC 9110 §13.1.1",
        "precondition  no   does If-Match hold? If-Match: \"v7\" against current \"",
        "route /notes/{id} (documents, tour.toml:",
        "502 Bad Gateway\n",
        "process    no   did the upstream answer? 127.0.0.1:",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let none = output(folder.path(), &["--code", "299"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("the tour does not give 299; it gives 100 101 103 200"));
    assert!(is_empty(folder.path()), "something is left of it");
}

/// The lines of the guide for a shell, by code.
fn lines(said: &Lines) -> BTreeMap<u16, String> {
    let mut lines = BTreeMap::new();
    let mut code = None;
    while let Some(line) = said.next() {
        if line.starts_with("Ctrl-C") {
            break;
        }
        match (line.strip_prefix("    "), code.take()) {
            (Some(command), Some(code)) => {
                lines.insert(code, command.to_owned());
            }
            _ => code = line.get(..3).and_then(|code| code.parse::<u16>().ok()),
        }
    }
    lines
}

#[test]
fn each_line_for_a_shell_makes_its_status_happen() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: needs curl (apt-get install curl)");
        return;
    }
    for word in ["TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = tour(folder.path(), &[]).stderr(Stdio::piped()).spawn().expect("the command starts");
        let said = Lines::of(child.stderr.take().expect("it is piped"));
        let lines = lines(&said);
        assert!(lines.len() >= 45, "{lines:?}");
        for (code, line) in lines.iter().filter(|_| word == "TERM") {
            let ran = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).output().expect("a shell");
            let told = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
            assert!(told.contains(&format!("HTTP/1.1 {code} ")), "{code}: {line}\n{told}");
        }
        // A key is in it, and a token.
        let made: Vec<_> = folder.path().read_dir().expect("a folder").flatten().collect();
        assert_eq!(made.len(), 1);
        for (path, mode) in [(made[0].path(), 0o700), (made[0].path().join("key.pem"), 0o600)] {
            assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, mode, "{path:?}");
        }
        signal(child.id(), word);
        let began = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_empty(folder.path()), "something is left of it after SIG{word}");
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let folder = tempfile::tempdir().expect("a folder");
    // As nohup(1) starts it.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" tour", env!("CARGO_BIN_EXE_verdict")]).env("TMPDIR", folder.path());
    let mut child = shell.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a shell");
    let said = Lines::of(child.stderr.take().expect("it is piped"));
    assert!(lines(&said).len() >= 45);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("what it ignores");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
    signal(child.id(), "TERM");
    child.wait().expect("a child");
    assert_eq!(ignored & 1, 1, "SIGHUP is signal 1");
}

#[test]
fn what_is_no_code_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    for (code, said) in [("abc", "three digits, such as 412"), ("42", "three digits"), ("299", "does not give 299")] {
        let ended = output(folder.path(), &["--code", code]);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(2) && told.contains(said), "{code}: {told}");
    }
}

#[test]
fn a_check_that_is_interrupted_leaves_nothing() {
    for word in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut check = tour(folder.path(), &["--check"]);
        let mut child = check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
        let began = Instant::now();
        // The store is there once the server runs.
        let runs = || {
            let made = folder.path().read_dir().expect("a folder").flatten();
            made.into_iter().any(|made| made.path().join("state/console.sock").exists())
        };
        while !runs() {
            assert!(began.elapsed() < PATIENCE, "it does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(child.id(), word);
        let ended = child.wait().expect("a child");
        assert_eq!(ended.code(), Some(130), "SIG{word}");
        assert!(is_empty(folder.path()), "something is left of it after SIG{word}");
    }
}
