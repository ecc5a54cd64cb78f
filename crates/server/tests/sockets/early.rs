//! Early answers arrive: a client that sends 64 MiB to a target that refuses it reads why, each time.
//!
//! How often each client tries is 20 times, or 200 with `VERDICT_LONG=1` in the environment.

use crate::certificates::issue;
use crate::others::{self, Request, is_there};
use crate::site::{Plan, Site};
use reqwest::blocking::ClientBuilder;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

const CONTENT: usize = 64 << 20;

/// The method, the target, and what it is refused with.
const REFUSED: [(&str, &str, u16); 8] = [
    ("POST", "/page.txt", 405),
    ("PUT", "/nothing", 405),
    ("GET", "/page.txt", 413),
    ("POST", "/gone", 413),
    ("PUT", "/guarded/page.txt", 401),
    ("POST", "/typed", 415),
    ("POST", "/rated", 429),
    ("POST", "/closed", 503),
];

/// A way to speak, and how each client is told to.
struct Protocol {
    name: &'static str,
    secure: bool,
    /// What curl is told, and what it shows.
    option: &'static str,
    version: &'static str,
    settings: fn(ClientBuilder) -> ClientBuilder,
    /// Content that a client may send before anybody has asked for it, if it does not wait.
    unasked: u64,
}

const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        name: "HTTP/1.1",
        secure: false,
        option: "--http1.1",
        version: "1.1",
        settings: ClientBuilder::http1_only,
        unasked: 0,
    },
    Protocol {
        name: "HTTP/2",
        secure: false,
        option: "--http2-prior-knowledge",
        version: "2",
        settings: ClientBuilder::http2_prior_knowledge,
        unasked: 65_535,
    },
    Protocol {
        name: "HTTP/2 and TLS",
        secure: true,
        option: "--http2",
        version: "2",
        settings: |client| client,
        unasked: 65_535,
    },
];

fn times() -> usize {
    if std::env::var_os("VERDICT_LONG").is_some_and(|long| long == "1") { 200 } else { 20 }
}

fn site(secure: bool) -> Site {
    let plan = if secure { Plan::new().secure(&[issue(&["127.0.0.1"])]) } else { Plan::new() };
    let plan = plan.file("page.txt", "page");
    // Nobody has this token.
    std::fs::write(plan.public().join("../tokens.txt"), format!("ci:{:064x}\n", 1)).expect("a file");
    let large = "limits = { body = \"100MiB\" }";
    let site = plan
        .route("/guarded/{path...}", "files = \"public\"\nauth = \"staff\"\n[auth.staff]\ntokens = \"tokens.txt\"")
        .route("/typed", "respond = { status = 200 }\nlimits = { body = \"100MiB\", types = [\"text/none\"] }")
        .route("/rated", &format!("respond = {{ status = 200 }}\nrate = \"1/day\"\n{large}"))
        .route("/closed", &format!("respond = {{ status = 200 }}\nmaintenance = true\n{large}"))
        .route("/{path...}", "files = \"public\"")
        .route("/gone", "respond = { status = 410 }")
        .start();
    let client = others::reqwest_of(|client| client.tls_danger_accept_invalid_certs(true));
    let first = Request { method: "GET", url: &url(&site, secure, "/rated"), fields: "", content: 0 };
    assert_eq!(others::reqwest(&client, first).map(|(status, _)| status), Ok(200));
    site
}

fn url(site: &Site, secure: bool, target: &str) -> String {
    if secure { format!("https://{}{target}", site.address) } else { site.url(target) }
}

/// Says how long it took, past the capture of libtest.
fn note(client: &str, read: usize, began: Instant) {
    let each = began.elapsed() / read.max(1) as u32;
    let _ =
        writeln!(std::io::stderr(), "early answers: {client} read {read} of {read} through 64 MiB, {each:.1?} each");
}

/// What is to be sent, as a file: curl would read standard input to its end before it sends a byte.
fn content(size: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let content = folder.path().join("content");
    File::create(&content).and_then(|file| file.set_len(size)).expect("a file");
    (folder, content)
}

#[test]
fn curl_reads_its_answer_each_time_over_each_protocol() {
    if !is_there("curl", "curl") {
        return;
    }
    let (_folder, content) = content(CONTENT as u64);
    for Protocol { name, secure, option, version, .. } in PROTOCOLS {
        let site = site(secure);
        let began = Instant::now();
        for i in 0..times() {
            let (method, target, status) = REFUSED[i % REFUSED.len()];
            let mut command = Command::new("curl");
            command.args(["--silent", "--show-error", "--insecure", option, "--max-time", "60", "--noproxy", "*"]);
            command.args(["--header", "Expect:", "--output", "-", "--write-out", "\n%{http_code} %{http_version}"]);
            command.args(["--request", method, "--upload-file"]).arg(&content);
            let output = command.arg(url(&site, secure, target)).output().expect("curl starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let shown = String::from_utf8_lossy(&output.stderr);
            let is_read = told.starts_with(&status.to_string()) && told.ends_with(&format!("\n{status} {version}"));
            assert!(is_read, "{name} {i}: {told} {shown}");
        }
        note(&format!("curl over {name}"), times(), began);
    }
}

#[test]
fn reqwest_reads_its_answer_each_time_over_each_protocol() {
    for Protocol { name, secure, settings, .. } in PROTOCOLS {
        let site = site(secure);
        let client = others::reqwest_of(|client| settings(client.tls_danger_accept_invalid_certs(true)));
        let began = Instant::now();
        for i in 0..times() {
            let (method, target, status) = REFUSED[i % REFUSED.len()];
            let request = Request { method, url: &url(&site, secure, target), fields: "", content: CONTENT };
            let read = others::reqwest(&client, request);
            assert_eq!(read.map(|(status, _)| status), Ok(status), "{name} {i}");
        }
        note(&format!("reqwest over {name}"), times(), began);
    }
}

/// Who asks first keeps its content. HTTP/2 has a window that is there unasked, of 65,535 bytes (RFC 9113 §6.9.2), and a client
/// that fills it without waiting for 100 has sent that much and no more.
#[test]
fn who_expects_100_sends_none_of_its_content_to_be_refused() {
    if !is_there("curl", "curl") {
        return;
    }
    let (_folder, content) = content(100 << 20);
    for Protocol { name, secure, option, version, unasked, .. } in PROTOCOLS {
        let site = site(secure);
        for i in 0..times() / 4 {
            let mut command = Command::new("curl");
            command.args(["--silent", "--show-error", "--insecure", option, "--max-time", "60", "--noproxy", "*"]);
            // It would wait for a second by itself.
            command.args(["--expect100-timeout", "30", "--header", "Expect: 100-continue", "--output", "/dev/null"]);
            command.args(["--header", "Authorization: Bearer wrong", "--upload-file"]).arg(&content);
            command.args(["--write-out", "%{http_code} %{http_version} %{size_upload}"]);
            let output = command.arg(url(&site, secure, "/guarded/page.txt")).output().expect("curl starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let shown = String::from_utf8_lossy(&output.stderr);
            let sent = told.strip_prefix(&format!("401 {version} ")).and_then(|sent| sent.parse::<u64>().ok());
            assert!(sent.is_some_and(|sent| sent <= unasked), "{name} {i}: {told} {shown}");
        }
    }
}

/// Sends all of its content before it looks for an answer, as most programs do, and reads through a small buffer.
const PYTHON: &str = "
import http.client, socket, sys
host, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
refused = [line.split() for line in sys.argv[4:]]
content = bytes(64 << 20)
for i in range(times):
    method, target, status = refused[i % len(refused)]
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sock.settimeout(60)
    connection.sock.connect((host, port))
    connection.request(method, target, body=content)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == int(status) and text.startswith(status.encode()), (i, answer.status, text)
    connection.close()
print(times)
";

#[test]
fn python_reads_its_answer_each_time() {
    if !is_there("python3", "python3") {
        return;
    }
    let site = site(false);
    let began = Instant::now();
    let mut command = Command::new("python3");
    command.args([
        "-c",
        PYTHON,
        &site.address.ip().to_string(),
        &site.address.port().to_string(),
        &times().to_string(),
    ]);
    command.args(REFUSED.map(|(method, target, status)| format!("{method} {target} {status}")));
    let output = command.stdin(Stdio::null()).output().expect("python3 starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told.trim(), times().to_string(), "{}", String::from_utf8_lossy(&output.stderr));
    note("http.client", times(), began);
}
