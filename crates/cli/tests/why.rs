//! What the server keeps of its answers: `verdict why` and `verdict tail`.

mod running;

use running::{Lines, PATIENCE, Running, signal};
use serde_json::Value;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

const CONFIG: &str = r#"
listen = ["http://127.0.0.1:0"]
state = "./state"
log = "off"
[auth.staff]
tokens = "tokens.txt"
[limits]
target = "1KiB"
[route."/{path...}"]
files = "./public"
[route."/notes/{id}"]
documents = { schema = "note.schema.json", unique = ["/name"], if-match = "required" }
[route."/old"]
redirect = { to = "/new", status = 308 }
[route."/fixed"]
respond = { status = 410, body = "gone" }
[route."/app/{path...}"]
proxy = ["http://127.0.0.1:9"]
[route."/desk"]
respond = { status = 200 }
auth = "staff"
allow = { read = ["*"], write = ["scope:write"] }
[route."/secret/{path...}"]
files = "./public"
auth = "staff"
allow = ["bob"]
hide = true
[route."/limited"]
respond = { status = 200 }
rate = "1/h per client"
[route."/closed"]
respond = { status = 200 }
maintenance = { until = 2100-01-01T00:00:00Z }
[route."/api"]
respond = { status = 200 }
cors = { origins = ["https://a.example"] }
limits = { body = "4B" }
"#;

const TOKEN: &str = "a-token-that-nobody-may-see";
const SCHEMA: &str = r#"{ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } }"#;

/// A line of a file of tokens.
fn hashed(name: &str, scope: &str, token: &str) -> String {
    let mut hash = Command::new(env!("CARGO_BIN_EXE_verdict"));
    let hash =
        hash.args(["hash-token", name, "--scope", scope, "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hash = hash.spawn().expect("the command starts");
    hash.stdin.take().expect("it is piped").write_all(token.as_bytes()).expect("it reads");
    String::from_utf8(hash.wait_with_output().expect("it ends").stdout).expect("UTF-8")
}

fn server(config: &str) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write(
        "tokens.txt",
        &format!("{}{}", hashed("ann", "read", TOKEN), hashed("bob", "write", "another-token-of-theirs")),
    );
    write("verdict.toml", config);
    write("note.schema.json", SCHEMA);
    fs::create_dir(folder.path().join("public")).expect("a folder");
    write("public/a.txt", "0123456789");
    // A file that is younger than a tick of the clock has a weak tag, for a while.
    let file = fs::File::options().write(true).open(folder.path().join("public/a.txt")).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("it is set");
    Running::start(folder, "run")
}

fn verdict(running: &Running, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(arguments).current_dir(running.folder.path()).output().expect("the command starts")
}

fn json(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// Sends a message, and reads the answer to the end of the connection: status and id.
fn send(running: &Running, message: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(message.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let id = answer.lines().find_map(|line| line.strip_prefix("Request-Id: "));
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{answer}")), id.unwrap_or_else(|| panic!("{answer}")).trim().to_owned())
}

/// A request on a connection of its own.
fn request(line: &str, fields: &[&str], content: &str) -> String {
    let mut message = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for field in fields {
        message += &format!("{field}\r\n");
    }
    if !content.is_empty() {
        message += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", content.len());
    }
    message + "\r\n" + content
}

/// The answer's why.
fn why(running: &Running, id: &str) -> Value {
    json(&verdict(running, &["why", id, "--json"]))
}

#[test]
fn what_is_told_of_an_answer_is_what_a_dry_run_tells_of_its_request() {
    let running = server(CONFIG);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let put = request("PUT /notes/1", &["If-None-Match: *"], r#"{"name":"x"}"#);
    assert_eq!(send(&running, &put).0, 201);
    let long = format!("GET /{}", "a".repeat(2000));
    let cases = [
        (200, request("GET /a.txt", &[], "")),
        (200, request("HEAD /a.txt", &["Range: bytes=0-1"], "")),
        (200, request("GET /a.txt", &["Range: bytes=2-4", "If-Range: \"x\", \"y\"", "Accept: text/plain"], "")),
        (206, request("GET /a.txt", &["Range: bytes=2-4"], "")),
        (416, request("GET /a.txt", &["Range: bytes=10-"], "")),
        (412, request("GET /a.txt", &["If-Match: \"other\""], "")),
        (304, request("GET /a.txt", &["If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"], "")),
        (304, request("GET /a.txt", &["If-None-Match: *"], "")),
        (204, request("OPTIONS /a.txt", &[], "")),
        (204, request("OPTIONS *", &[], "")),
        (404, request("GET /none", &[], "")),
        (404, request("GET /.hidden", &[], "")),
        (405, request("DELETE /a.txt", &[], "")),
        (501, request("BREW /a.txt", &[], "")),
        (414, request(&long, &[], "")),
        (417, request("GET /a.txt", &["Expect: tea"], "")),
        (308, request("GET /old?a=b", &[], "")),
        (410, request("GET /fixed", &[], "")),
        (401, request("GET /desk", &[], "")),
        (401, request("GET /desk", &["Authorization: Basic eDp5"], "")),
        (200, request("GET /desk", &[&bearer], "")),
        (403, request("PUT /desk", &[&bearer], "")),
        (404, request("GET /secret/a.txt", &[], "")),
        (404, request("GET /secret/a.txt", &[&bearer], "")),
        (503, request("GET /closed", &[], "")),
        (204, request("OPTIONS /api", &["Origin: https://a.example", "Access-Control-Request-Method: GET"], "")),
        (413, request("PUT /api", &[], "12345")),
        (400, request("GET /a.txt", &["Bad : x"], "")),
        (400, request("GET /../a", &[], "")),
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_owned()),
        (501, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned()),
        (200, request("GET /notes/1", &["Accept: application/json"], "")),
        (404, request("GET /notes/2", &[], "")),
        (406, request("GET /notes/1", &["Accept: image/png"], "")),
        (428, request("PUT /notes/1", &[], "{}")),
        (412, request("PUT /notes/1", &["If-Match: \"1\""], "{}")),
        (415, request("POST /notes", &["Content-Encoding: gzip"], "{}")),
        (400, request("POST /notes", &[], "{\"name\"")),
        (422, request("POST /notes", &[], "{}")),
        (409, request("POST /notes", &[], r#"{"name":"x"}"#)),
        (400, request("GET /notes?sort=none", &[], "")),
        (425, request("POST /notes", &["Early-Data: 1"], "{}")),
    ];
    let file = running.folder.path().join("message");
    let explained = |message: &str| {
        fs::write(&file, message).expect("a file");
        json(&verdict(&running, &["explain", "--raw", "message", "--json"]))
    };
    // A file that was changed within the clock's last tick has a weak entity tag, until that is over.
    while explained(&cases[0].1).to_string().contains(r#"W/\""#) {}
    for (status, message) in &cases {
        let before = explained(message);
        let (answered, id) = send(&running, message);
        assert_eq!(answered, *status, "{message}");
        let kept = why(&running, &id);
        let (answer, after) = (&kept["answer"], &kept["explanation"]);
        assert_eq!(answer["status"], *status, "{message}");
        assert_eq!(kept["reloaded"], false);
        for member in ["reason", "told", "stage", "section", "sentence", "remedy", "at", "route", "bytes"] {
            // Of what was done a dry run tells the way, and not how the words end that only the moment knew.
            assert_eq!(after[member], before[member], "{member} of {message}\n{kept:#}");
        }
        let (told, dry) = (after["steps"].as_array().expect("steps"), before["steps"].as_array().expect("steps"));
        assert_eq!(told.len(), dry.len(), "{message}");
        for (told, dry) in told.iter().zip(dry) {
            // Of a head that could not be read the bytes around what is wrong are not kept: there may be a password among them.
            match after["at"].is_null() {
                true => assert_eq!(told, dry, "{message}"),
                false => {
                    assert_eq!((&told["question"], &told["holds"]), (&dry["question"], &dry["holds"]), "{message}")
                }
            }
        }
        assert!(!kept.to_string().contains(TOKEN) && !kept.to_string().contains("eDp5"), "{kept:#}");
    }
}

#[test]
fn only_the_moment_knows_it_and_it_is_told_all_the_same() {
    let running = server(CONFIG);
    let (status, id) = send(&running, &request("GET /app/x", &[], ""));
    assert_eq!(status, 502);
    let kept = why(&running, &id);
    assert_eq!(
        (&kept["answer"]["member"], &kept["answer"]["cause"]),
        (&"127.0.0.1:9".into(), &"upstream-refused".into())
    );
    assert!(kept["answer"]["decision_us"].as_u64().is_some_and(|time| time > 0), "{kept:#}");
    assert!(kept.to_string().contains("127.0.0.1:9: upstream-refused"), "{kept:#}");
    for (expected, left) in [(200, 0), (429, 0)] {
        let (status, id) = send(&running, &request("GET /limited", &[], ""));
        assert_eq!(status, expected);
        assert!(why(&running, &id).to_string().contains(&format!("{left} of 1 are left at once")));
    }
    // A long target has no room; what there is of it is told, and that it is not all.
    let (_, id) = send(&running, &request(&format!("GET /{}", "b".repeat(900)), &[], ""));
    let kept = why(&running, &id);
    assert_eq!(kept["answer"]["cut"], true);
    assert!(kept["answer"]["target"].as_str().is_some_and(|target| target.starts_with("/bbbb")), "{kept:#}");
    // As a problem document writes the id, too; and as text.
    let told = verdict(&running, &["why", &format!("urn:uuid:{id}")]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.starts_with("GET /bbb") && told.contains("\n404 Not Found  nothing-there"), "{told}");
    assert!(told.contains("only a part was kept"), "{told}");
    let none = verdict(&running, &["why", "0190163d-8694-739b-aea5-966c26f8ad91"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no answer with this id is kept"));
}

#[test]
fn an_answer_of_a_config_that_was_replaced_is_told_as_far_as_it_can_be() {
    let mut running = server(CONFIG);
    let (_, id) = send(&running, &request("GET /notes/9", &["If-Match: \"x\""], ""));
    fs::write(running.folder.path().join("verdict.toml"), CONFIG.replace("/notes/", "/papers/")).expect("a file");
    signal(running.child.id(), "HUP");
    running.said.until("taken");
    let kept = why(&running, &id);
    assert_eq!((&kept["reloaded"], &kept["answer"]["route"]), (&true.into(), &"/notes/{id}".into()));
    assert_eq!(
        (&kept["explanation"]["reason"], &kept["explanation"]["route"]),
        (&"nothing-there".into(), &Value::Null)
    );
    assert!(kept["explanation"]["steps"].as_array().is_some_and(|steps| steps.len() > 10));
    let told = verdict(&running, &["why", &id]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("goes by another config by now"));
    signal(running.child.id(), "TERM");
    running.ends();
}

#[test]
fn the_last_answers_are_told_by_what_is_asked_for_and_those_that_follow() {
    // Of several workers the answers of one moment have no order.
    let running = server(&CONFIG.replace("log = \"off\"", "log = \"off\"\nworkers = 1"));
    for _ in 0..3 {
        send(&running, &request("GET /a.txt", &[], ""));
        send(&running, &request("GET /none", &[], ""));
    }
    send(&running, &request("GET /fixed", &[], ""));
    let told = |arguments: &[&str]| -> Vec<(u64, String)> {
        let told = verdict(&running, &[&["tail", "--once", "--json"], arguments].concat());
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let lines = String::from_utf8(told.stdout).expect("UTF-8");
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).expect("an object");
            (line["status"].as_u64().expect("a status"), line["target"].as_str().expect("a target").to_owned())
        };
        lines.lines().map(line).collect()
    };
    assert_eq!(told(&[]).len(), 7);
    let missing = (404, "/none".to_owned());
    assert_eq!(told(&["--status", "404"]), vec![missing.clone(); 3]);
    assert_eq!(told(&["--status", "4xx", "-n", "2"]), [missing.clone(), (410, "/fixed".to_owned())]);
    assert_eq!(told(&["--reason", "nothing-there"]).len(), 3);
    assert_eq!(told(&["--route", "/fixed"]).len(), 1);
    assert_eq!((told(&["--client", "127.0.0.1"]).len(), told(&["--client", "::1"]).len()), (7, 0));
    assert_eq!(told(&["-n", "0"]), []);
    for (wrong, words) in
        [(["--status", "9xxx"], "a status is as `404` or `4xx`"), (["--reason", "no-such"], "there is no such reason")]
    {
        let told = verdict(&running, &[&["tail", "--once"], &wrong[..]].concat());
        assert_eq!(told.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&told.stderr).contains(words), "{told:?}");
    }
    // Who follows is told of each, whichever worker gave it.
    let running = server(CONFIG);
    send(&running, &request("GET /fixed", &[], ""));
    let mut tail = Command::new(env!("CARGO_BIN_EXE_verdict"));
    tail.args(["tail", "-n", "1", "--status", "4xx"]).current_dir(running.folder.path());
    let mut tail = tail.stdout(Stdio::piped()).spawn().expect("the command starts");
    let lines = Lines::of(BufReader::new(tail.stdout.take().expect("it is piped")));
    lines.until("/fixed");
    for number in 0..20 {
        send(&running, &request("GET /a.txt", &[], ""));
        send(&running, &request(&format!("GET /none/{number}"), &[], ""));
        let line = lines.next().expect("a line");
        assert!(line.contains("404 nothing-there") && line.contains(&format!("/none/{number}  ")), "{line}");
    }
    tail.kill().expect("it runs");
    let _ = tail.wait();
}

#[test]
fn who_wants_nothing_kept_has_nothing_kept() {
    let running = server(&CONFIG.replace("log = \"off\"", "log = \"off\"\nconsole = { answers = 0 }"));
    let (_, id) = send(&running, &request("GET /a.txt", &[], ""));
    assert_eq!(verdict(&running, &["why", &id]).status.code(), Some(1));
    assert_eq!(verdict(&running, &["tail", "--once"]).stdout, b"");
}
