//! `verdict get`, over sockets: against this server, and against one that follows a script and misbehaves.

mod running;

use running::{Lines, PATIENCE, Running, signal, wait_for};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// A server with an answer for each connection, in order. It keeps what it was sent.
struct Script {
    address: SocketAddr,
    asked: JoinHandle<Vec<String>>,
}

impl Script {
    /// `{here}` in an answer is where it listens. An answer ends with its connection.
    fn new(answers: &[&str]) -> Script {
        Script::of(answers.iter().map(|answer| answer.as_bytes().to_vec()).collect())
    }

    fn of(answers: Vec<Vec<u8>>) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let asked = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                asked.push(request(&mut stream));
                // Who has seen enough of an answer may be gone.
                let _ = stream.write_all(&answer);
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read(&mut [0; 1]);
            }
            asked
        });
        Script { address, asked }
    }

    /// All requests, once all answers were given.
    fn asked(self) -> Vec<String> {
        self.asked.join().expect("the script ends")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A request with its content.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, content)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if content.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return text;
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).expect("a request") {
            0 => return text,
            n => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

fn get(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    let ran = command.arg("get").args(arguments).current_dir(folder).output().expect("it runs");
    Ran {
        exit: ran.status.code().expect("it ends by itself"),
        stdout: String::from_utf8_lossy(&ran.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ran.stderr).into_owned(),
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn a_redirect_keeps_or_changes_the_request_as_its_status_says() {
    for (status, method, kept) in [
        ("301 Moved", "GET", false),
        ("302 Found", "GET", false),
        ("303 See Other", "GET", false),
        ("307 Temporary Redirect", "POST", true),
        ("308 Permanent Redirect", "POST", true),
    ] {
        let script = Script::new(&[&format!("HTTP/1.1 {status}\r\nLocation: /b?c\r\nContent-Length: 0\r\n\r\n"), OK]);
        let ran = get(
            folder().path(),
            &["-v", "-d", "x=1", "-H", "Content-Type: text/plain", "-H", "Authorization: t", &script.url("/a")],
        );
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hi"), "{status}: {}", ran.stderr);
        let asked = script.asked();
        assert!(asked[0].starts_with("POST /a HTTP/1.1\r\n") && asked[0].ends_with("\r\n\r\nx=1"), "{}", asked[0]);
        assert!(asked[1].starts_with(&format!("{method} /b?c HTTP/1.1\r\n")), "{status}: {}", asked[1]);
        assert_eq!(asked[1].ends_with("\r\n\r\nx=1"), kept, "{status}: {}", asked[1]);
        assert_eq!(asked[1].contains("Content-Type: text/plain"), kept, "{status}: {}", asked[1]);
        // The origin is the same one.
        assert!(asked[1].contains("Authorization: t"), "{status}: {}", asked[1]);
        assert!(ran.stderr.contains("* follow by ") && ran.stderr.contains("RFC 9110 §15.4"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("> Authorization: …") && !ran.stderr.contains("Authorization: t"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn another_origin_gets_no_credentials() {
    let other = Script::new(&[OK]);
    let answer = format!("HTTP/1.1 307 Elsewhere\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", other.url("/"));
    let script = Script::new(&[&answer]);
    let ran = get(
        folder().path(),
        &["-H", "authorization: Bearer t", "-H", "Cookie: a=b", "-H", "X-Other: c", &script.url("/")],
    );
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hi"), "{}", ran.stderr);
    assert!(script.asked()[0].contains("Bearer t"));
    let asked = other.asked().remove(0);
    assert!(!asked.contains("Bearer") && !asked.contains("a=b") && asked.contains("X-Other: c"), "{asked}");
}

#[test]
fn redirects_end() {
    let moved = |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let script = Script::new(&[&moved("/b"), &moved("/a")]);
    let ran = get(folder().path(), &[&script.url("/a")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("circle"), "{}", ran.stderr);
    assert_eq!(script.asked().len(), 2);

    let script = Script::new(&[&moved("/1"), &moved("/2")]);
    let ran = get(folder().path(), &["--max-redirects", "1", &script.url("/a")]);
    assert!(ran.exit == 1 && ran.stderr.contains("more redirects"), "{}", ran.stderr);

    for to in ["ftp://a/", "http://u:secret@a/", "/a b"] {
        let script = Script::new(&[&moved(to)]);
        let ran = get(folder().path(), &[&script.url("/a")]);
        assert!(ran.exit == 1 && ran.stderr.contains("no `Location` that can be followed"), "{to}: {}", ran.stderr);
    }
}

#[test]
fn who_is_told_when_to_come_again_comes_then() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let later = format!("HTTP/1.1 {status}\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
        let script = Script::new(&[&later, OK]);
        let ran = get(folder().path(), &["-X", "POST", "-d", "x", &script.url("/")]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hi"), "{}", ran.stderr);
        assert!(ran.stderr.contains("asked again in 1 s"), "{}", ran.stderr);
        assert!(script.asked()[1].ends_with("\r\n\r\nx"));

        let script = Script::new(&[&later.replace(": 1\r", ": 301\r")]);
        let ran = get(folder().path(), &[&script.url("/")]);
        assert!(ran.exit == 1 && ran.stderr.contains("later than this client waits"), "{}", ran.stderr);
        let script = Script::new(&[&later]);
        let ran = get(folder().path(), &["--retries", "0", &script.url("/")]);
        assert!(ran.exit == 1 && ran.stderr.contains("as often as this client asks"), "{}", ran.stderr);
    }
    // What may have been done is not done twice.
    let script = Script::new(&["HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]);
    let ran = get(folder().path(), &["-d", "x", &script.url("/")]);
    assert!(ran.exit == 1 && ran.stderr.contains("may do it twice"), "{}", ran.stderr);
}

const BROKEN: &str = "HTTP/1.1 200 OK\r\nETag: \"v7\"\r\nContent-Length: 10\r\n\r\n01234";

#[test]
fn a_download_that_breaks_off_is_continued() {
    let folder = folder();
    let rest =
        "HTTP/1.1 206 Partial Content\r\nETag: \"v7\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789";
    let script = Script::new(&[BROKEN, rest, "HTTP/1.1 304 Not Modified\r\nETag: \"v7\"\r\n\r\n"]);
    let url = script.url("/f");
    let ran = get(folder.path(), &[&url, "-o", "f"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.stderr.contains("5 B of it are kept") && ran.stderr.contains("--resume"), "{}", ran.stderr);
    assert_eq!(names(folder.path()), ["f.part", "f.part.origin"]);

    let ran = get(folder.path(), &["-v", &url, "-o", "f", "--resume"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("part-fits") && ran.stderr.contains("RFC 9110 §15.3.7.3"), "{}", ran.stderr);
    assert_eq!(fs::read(folder.path().join("f")).expect("it is there"), b"0123456789");
    assert_eq!(names(folder.path()), ["f", "f.origin"]);

    let ran = get(folder.path(), &[&url, "-o", "f", "--resume"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, "f is unchanged\n"));
    assert_eq!(names(folder.path()), ["f", "f.origin"]);
    let asked = script.asked();
    assert!(asked[1].contains("Range: bytes=5-\r\n") && asked[1].contains("If-Range: \"v7\"\r\n"), "{}", asked[1]);
    assert!(asked[2].contains("If-None-Match: \"v7\"\r\n") && !asked[2].contains("Range"), "{}", asked[2]);
}

#[test]
fn two_versions_are_never_mixed() {
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nETag: \"v8\"\r\nContent-Length: 3\r\n\r\nnew";
    let part = |tag: &str, range: &str| {
        format!("HTTP/1.1 206 Part\r\n{tag}Content-Range: {range}\r\nContent-Length: 5\r\n\r\n56789")
    };
    let beyond = |length| format!("HTTP/1.1 416 No\r\nContent-Range: bytes */{length}\r\nContent-Length: 0\r\n\r\n");
    for (name, answers) in [
        ("it changed", vec![BROKEN.to_owned(), WHOLE.to_owned()]),
        ("a part of another", vec![BROKEN.to_owned(), part("ETag: \"v8\"\r\n", "bytes 5-9/10"), WHOLE.to_owned()]),
        ("a part of nobody knows what", vec![BROKEN.to_owned(), part("", "bytes 5-9/10"), WHOLE.to_owned()]),
        ("another part", vec![BROKEN.to_owned(), part("ETag: \"v7\"\r\n", "bytes 4-8/10"), WHOLE.to_owned()]),
        ("of another length", vec![BROKEN.to_owned(), part("ETag: \"v7\"\r\n", "bytes 5-9/11"), WHOLE.to_owned()]),
        ("it is shorter", vec![BROKEN.to_owned(), beyond(4), WHOLE.to_owned()]),
        ("no validator", vec![BROKEN.replace("ETag: \"v7\"\r\n", ""), WHOLE.to_owned()]),
        ("a weak one", vec![BROKEN.replace("\"v7\"", "W/\"v7\""), WHOLE.to_owned()]),
    ] {
        let folder = folder();
        let script = Script::of(answers.into_iter().map(String::into_bytes).collect());
        assert_eq!(get(folder.path(), &[&script.url("/f"), "-o", "f"]).exit, 1, "{name}");
        let ran = get(folder.path(), &[&script.url("/f"), "-o", "f", "--resume"]);
        assert_eq!(ran.exit, 0, "{name}: {}", ran.stderr);
        assert_eq!(fs::read(folder.path().join("f")).expect("it is there"), b"new", "{name}");
        script.asked();
    }
    // A part of another URL is nobody's.
    let folder = folder();
    let script = Script::new(&[BROKEN, WHOLE]);
    assert_eq!(get(folder.path(), &[&script.url("/f"), "-o", "f"]).exit, 1);
    assert_eq!(get(folder.path(), &[&script.url("/g"), "-o", "f", "--resume"]).exit, 0);
    assert!(!script.asked()[1].contains("Range"));
}

#[test]
fn what_is_whole_already_is_not_fetched_again() {
    let folder = folder();
    let script = Script::new(&["HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n"]);
    fs::write(folder.path().join("f.part"), "01234").expect("a part");
    fs::write(folder.path().join("f.part.origin"), format!("url {}\netag \"v7\"\n", script.url("/f"))).expect("a note");
    let ran = get(folder.path(), &["-v", &script.url("/f"), "-o", "f", "--resume"]);
    assert!(ran.exit == 0 && ran.stderr.contains("nothing-left"), "{}", ran.stderr);
    assert_eq!(fs::read(folder.path().join("f")).expect("it is there"), b"01234");
}

#[test]
fn a_part_that_does_not_say_how_long_the_whole_is_is_not_taken_for_the_end() {
    let part = |range: &str, content: &str| {
        format!("HTTP/1.1 206 Part\r\nETag: \"v7\"\r\nContent-Range: bytes {range}/*\r\n\r\n{content}")
    };
    let broken = "HTTP/1.1 200 OK\r\nETag: \"v7\"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n";
    let end = "HTTP/1.1 416 No\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n";
    let folder = folder();
    let script = Script::new(&[broken, &part("5-6", "56"), &part("7-8", "78"), end]);
    assert_eq!(get(folder.path(), &[&script.url("/f"), "-o", "f"]).exit, 1);
    let ran = get(folder.path(), &[&script.url("/f"), "-o", "f", "--resume"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(fs::read(folder.path().join("f")).expect("it is there"), b"012345678");
    assert!(script.asked()[2].contains("Range: bytes=7-\r\n"));
}

#[test]
fn an_interim_answer_is_shown_and_read_past() {
    let script = Script::new(&[&format!("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n{OK}")]);
    let ran = get(folder().path(), &["-v", &script.url("/")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hi"));
    assert!(ran.stderr.contains("< Link: </a>; rel=preload\n* read on (interim)"), "{}", ran.stderr);
}

#[test]
fn a_file_of_which_only_the_time_is_known_is_asked_about_by_that() {
    let folder = folder();
    fs::write(folder.path().join("f"), "old").expect("a file");
    let script =
        Script::new(&["HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"]);
    let ran = get(folder.path(), &[&script.url("/f"), "-o", "f", "--resume"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, "f is unchanged\n"));
    // What is there stays when there is nothing to take its place.
    assert_eq!(get(folder.path(), &[&script.url("/f"), "-o", "f"]).exit, 1);
    assert_eq!(names(folder.path()), ["f"]);
    assert!(script.asked()[0].contains("\r\nIf-Modified-Since: "));
}

#[test]
fn an_answer_that_is_cut_or_malformed_is_a_failure() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100 << 10));
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20);
    for (answer, words) in [
        (format!("{chunked}5\r\n012"), "ended before the answer did"),
        (format!("{chunked}5\r\n01234\r\n"), "ended before the answer did"),
        (format!("{chunked}g\r\n"), "its content, at byte 0"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n012".to_owned(), "ended before the answer did"),
        ("HTTP/1.1 200 OK\r\nContent-Le".to_owned(), "ended before the answer did"),
        (String::new(), "ended before the answer did"),
        (endless, "its head is too large"),
        (interim, "more than 16 interim answers"),
        ("SSH-2.0-x\r\n".to_owned(), "does not begin as HTTP/1.1 does"),
        ("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(), "nobody offered"),
    ] {
        let folder = folder();
        fs::write(folder.path().join("f"), "old").expect("a file");
        let script = Script::of(vec![answer.clone().into_bytes()]);
        let ran = get(folder.path(), &[&script.url("/"), "-o", "f"]);
        assert_eq!(ran.exit, 1, "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        assert_eq!(fs::read(folder.path().join("f")).expect("it is there"), b"old", "{words}");
    }
}

#[test]
fn a_silent_server_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let ran = get(folder().path(), &["--timeout", "1", &url]);
    assert!(ran.exit == 1 && ran.stderr.contains("silent for 1 s"), "{}", ran.stderr);
    drop(listener);
    let ran = get(folder().path(), &[&url]);
    assert!(ran.exit == 1 && ran.stderr.contains("cannot be reached"), "{}", ran.stderr);
}

#[test]
fn a_wait_can_be_interrupted() {
    let script = Script::new(&["HTTP/1.1 503 Later\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    let mut child = command.args(["get", &script.url("/")]).stderr(Stdio::piped()).spawn().expect("it starts");
    Lines::of(child.stderr.take().expect("it is piped")).until("asked again in 120 s");
    signal(child.id(), "INT");
    wait_for("it ends", || child.try_wait().expect("its state").is_some());
}

#[test]
fn control_bytes_of_a_server_stay_off_the_terminal() {
    let problem = r#"{"detail":"\u001b[31mred","remedy":"do\u0007 it"}"#;
    let answer = format!(
        "HTTP/1.1 422 No\r\nContent-Type: application/problem+json\r\nX-A: \u{85}b\r\nContent-Length: {}\r\n\r\n{problem}",
        problem.len()
    );
    let script = Script::new(&[&answer]);
    let ran = get(folder().path(), &["-v", &script.url("/")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("422 Unprocessable Content: \\u{1b}[31mred\ndo\\u{7} it"), "{}", ran.stderr);
    assert!(ran.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", ran.stderr);
}

#[test]
fn what_is_asked_wrongly_is_a_matter_of_usage() {
    for arguments in [
        &["ftp://a/"][..],
        &["a.example"],
        &["http://user:secret@a.example/"],
        &["http://a/", "--resume"],
        &["http://a/", "-o", "f", "--resume", "-d", "x"],
        &["http://a/", "-H", "no colon"],
        &["http://a/", "-H", "Content-Length: 3"],
        &["http://a/", "--timeout", "0"],
    ] {
        let ran = get(folder().path(), arguments);
        assert_eq!(ran.exit, 2, "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
    let ran = get(folder().path(), &["http://127.0.0.1:1/", "-X", "A B"]);
    assert!(ran.exit == 1 && ran.stderr.contains("cannot be sent"), "{}", ran.stderr);
}

/// This server over a folder with a file.
fn server(config: &str) -> Running {
    let folder = folder();
    fs::create_dir(folder.path().join("site")).expect("a folder");
    fs::write(folder.path().join("site/a.txt"), "hello").expect("a file");
    fs::write(folder.path().join("verdict.toml"), config).expect("a config");
    Running::start(folder, "run")
}

#[test]
fn this_server_is_understood() {
    let server = server(
        "listen = [\"http://127.0.0.1:0\"]\n[route.\"/{path...}\"]\nfiles = \"site\"\n\
         [route.\"/old/{path...}\"]\nredirect = { to = \"/{path}\", status = 308 }\n",
    );
    let url = |path: &str| format!("http://{}{path}", server.address);
    let folder = folder();
    let ran = get(folder.path(), &["-v", &url("/old/a.txt")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hello"), "{}", ran.stderr);
    assert!(ran.stderr.contains("for good") && ran.stderr.contains("* from now on it is at"), "{}", ran.stderr);

    let ran = get(folder.path(), &[&url("/a.txt"), "-o", "a", "--resume"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, "a: 5 B\n"));
    let ran = get(folder.path(), &[&url("/a.txt"), "-o", "a", "--resume"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, "a is unchanged\n"));

    let ran = get(folder.path(), &["-I", &url("/a.txt")]);
    assert!(ran.exit == 0 && ran.stdout.starts_with("HTTP/1.1 200 OK\n"), "{}", ran.stdout);
    // What was written just now could change within the same tick of the clock: until that is over its tag is weak.
    let mut tag = String::new();
    wait_for("its tag is strong", || {
        let head = get(folder.path(), &["-I", &url("/a.txt")]).stdout;
        tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag").to_owned();
        !tag.starts_with("W/")
    });
    let tag = tag.as_str();
    for (tag, start, why) in
        [(tag, "he", "part-fits"), (tag, "hello", "nothing-left"), ("\"x\"", "HE", "whole-instead")]
    {
        fs::write(folder.path().join("b.part"), start).expect("a part");
        fs::write(folder.path().join("b.part.origin"), format!("url {}\netag {tag}\n", url("/a.txt"))).expect("a note");
        let ran = get(folder.path(), &["-v", &url("/a.txt"), "-o", "b", "--resume"]);
        assert!(ran.exit == 0 && ran.stderr.contains(why), "{why}: {}", ran.stderr);
        assert_eq!(fs::read(folder.path().join("b")).expect("it is there"), b"hello", "{why}");
    }
    let ran = get(folder.path(), &[&url("/missing")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("error: 404 Not Found: "), "{}", ran.stderr);
    let ran = get(folder.path(), &["-X", "DELETE", &url("/a.txt")]);
    assert!(ran.exit == 1 && ran.stderr.starts_with("error: 405 Method Not Allowed: "), "{}", ran.stderr);
}

/// A server with no other address than one of https.
struct Secure(Child);

impl Secure {
    fn start(folder: &Path) -> Secure {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Secure(command.spawn().expect("it starts"))
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_certificate_has_to_be_believed() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let pem = |name: &str| examples.join(name).display().to_string();
    let config = format!(
        "listen = [\"https://0.0.0.0:0\"]\n[tls]\ncertificate = {:?}\nkey = {:?}\n[route.\"/\"]\n\
         respond = {{ status = 200, body = \"hello\" }}\n",
        pem("localhost.pem"),
        pem("localhost.key"),
    );
    let folder = folder();
    fs::write(folder.path().join("verdict.toml"), config).expect("a config");
    let mut server = Secure::start(folder.path());
    let line = Lines::of(server.0.stderr.take().expect("it is piped")).until("https://");
    let port = line.rsplit_once(':').map(|(_, port)| port.trim()).expect("a port");
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/");
        let ran = get(folder.path(), &["--cacert", &pem("localhost.pem"), &url]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "hello"), "{}", ran.stderr);
        let ran = get(folder.path(), &[&url]);
        assert!(ran.exit == 1 && ran.stderr.contains("there is no TLS"), "{}", ran.stderr);
    }
    // The certificate is for 127.0.0.1, and not for its neighbour.
    let url = format!("https://127.0.0.2:{port}/");
    let ran = get(folder.path(), &["--cacert", &pem("localhost.pem"), &url]);
    assert!(ran.exit == 1 && ran.stderr.contains("there is no TLS"), "{}", ran.stderr);
    let ran = get(folder.path(), &["--cacert", "missing.pem", "https://localhost/"]);
    assert!(ran.exit == 1 && ran.stderr.contains("missing.pem"), "{}", ran.stderr);
}
