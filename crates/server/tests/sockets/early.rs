//! Early answers arrive: a client that sends 64 MiB to a target that refuses it reads why, each time.
//!
//! How often each client tries is 20 times, or 200 with `VERDICT_LONG=1` in the environment.

use crate::others::{self, Request, is_there};
use crate::site::{Plan, Site};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

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

fn times() -> usize {
    if std::env::var_os("VERDICT_LONG").is_some_and(|long| long == "1") { 200 } else { 20 }
}

fn site() -> Site {
    let plan = Plan::new().file("page.txt", "page");
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
    assert_eq!(site.get("/rated").status(), 200);
    site
}

/// Says how long it took, past the capture of libtest.
fn note(client: &str, read: usize, began: Instant) {
    let each = began.elapsed() / read.max(1) as u32;
    let _ =
        writeln!(std::io::stderr(), "early answers: {client} read {read} of {read} through 64 MiB, {each:.1?} each");
}

#[test]
fn curl_reads_its_answer_each_time() {
    if !is_there("curl", "curl") {
        return;
    }
    let site = site();
    // From a file: curl would read standard input to its end before it sends a byte.
    let folder = tempfile::tempdir().expect("a folder");
    let content = folder.path().join("content");
    std::fs::File::create(&content).and_then(|file| file.set_len(CONTENT as u64)).expect("a file");
    let began = Instant::now();
    for i in 0..times() {
        let (method, target, status) = REFUSED[i % REFUSED.len()];
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--http1.1",
            "--max-time",
            "60",
            "--noproxy",
            "*",
            "--header",
            "Expect:",
        ]);
        command.args(["--output", "-", "--write-out", "\n%{http_code}", "--request", method, "--upload-file"]);
        let output = command.arg(&content).arg(site.url(target)).output().expect("curl starts");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.ends_with(&format!("\n{status}")) && told.starts_with(&status.to_string()), "{i}: {told}");
    }
    note("curl", times(), began);
}

#[test]
fn reqwest_reads_its_answer_each_time() {
    let site = site();
    let client = others::reqwest_client();
    let began = Instant::now();
    for i in 0..times() {
        let (method, target, status) = REFUSED[i % REFUSED.len()];
        let request = Request { method, url: &site.url(target), fields: "", content: CONTENT };
        let read = others::reqwest(&client, request);
        assert_eq!(read.map(|(status, _)| status), Ok(status), "{i}");
    }
    note("reqwest", times(), began);
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
    let site = site();
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
