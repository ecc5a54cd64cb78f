//! The console of a server that runs: its socket over reloads and hand-overs, and the command that speaks to it.

mod running;

use running::{PATIENCE, Running, ends, lives, signal, wait_for};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CONFIG: &str = "listen = [\"http://127.0.0.1:0\"]\nstate = \"./state\"\n\
    [route.\"/a\"]\nrespond = { status = 200, body = \"a\" }\n[route.\"/b\"]\nrespond = { status = 200, body = \"b\" }\n";

fn server(config: &str) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("verdict.toml"), config).expect("a file");
    Running::start(folder, "run")
}

fn socket(running: &Running) -> PathBuf {
    running.folder.path().join("state/console.sock")
}

/// Status and content of the answer to a request by the socket.
fn ask(socket: &Path, request: &str) -> Option<(u16, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, content) = answer.split_once("\r\n\r\n")?;
    Some((head.get(9..12)?.parse().ok()?, content.to_owned()))
}

fn get(socket: &Path, target: &str) -> Option<(u16, String)> {
    ask(socket, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

fn reload(socket: &Path) -> (u16, String) {
    let request =
        "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    ask(socket, request).expect("an answer")
}

/// The head of the answer to a request at the server itself.
fn head(running: &Running, target: &str) -> String {
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
        .write_all(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split("\r\n\r\n").next().unwrap_or_default().to_owned()
}

fn maintenance(running: &Running, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.arg("maintenance").args(arguments).current_dir(running.folder.path());
    command.output().expect("the command starts")
}

#[test]
fn whoever_looks_after_it_is_told_whether_it_takes_requests() {
    let mut running = server(CONFIG);
    let folder = running.folder.path().to_owned();
    let ready = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        let ran = command.arg("ready").args(arguments).current_dir(&folder).output();
        let ran = ran.expect("the command starts");
        (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).expect("UTF-8"))
    };
    assert_eq!(ready(&[]), (Some(0), "ready\n".to_owned()));
    assert_eq!(ready(&["--state", "state"]), (Some(0), "ready\n".to_owned()));
    // What has begun holds it up, while it takes nothing new.
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    stream.write_all(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").expect("it reads");
    signal(running.child.id(), "TERM");
    wait_for("it is about to stop", || ready(&[]).0 == Some(1));
    let _ = stream.write_all(b"12345");
    drop(stream);
    let (exit, said) = ready(&[]);
    assert!(exit == Some(1) && said.starts_with("error: "), "{said}");
    running.ends();
    let (exit, said) = ready(&[]);
    assert!(exit == Some(1) && said.contains("no server answers on"), "{said}");
}

#[test]
fn maintenance_closes_and_opens_what_it_is_told() {
    let mut running = server(CONFIG);
    let said = |arguments: &[&str]| {
        let ran = maintenance(&running, arguments);
        let text = if ran.status.success() { ran.stdout } else { ran.stderr };
        (ran.status.code(), String::from_utf8(text).expect("UTF-8"))
    };
    assert_eq!(said(&["off"]), (Some(0), "all routes: nothing was closed by `verdict maintenance`\n".to_owned()));
    let (exit, text) = said(&["on", "/a", "--until", "30m"]);
    assert!(exit == Some(0) && text.starts_with("`/a` is closed until 20"), "{text}");
    let closed = head(&running, "/a");
    assert!(closed.starts_with("HTTP/1.1 503 "), "{closed}");
    let left = closed.lines().find_map(|line| line.strip_prefix("Retry-After: ")).expect("the time left");
    assert!((1700..=1801).contains(&left.parse().unwrap_or(0)), "{left}");
    assert!(head(&running, "/b").starts_with("HTTP/1.1 200 "));
    let (exit, text) = said(&["on", "/nowhere"]);
    assert!(exit == Some(1) && text.contains("the config has no route `/nowhere`"), "{text}");
    assert_eq!(said(&["on"]).1, "all routes are closed until `verdict maintenance off`\n");
    assert!(head(&running, "/b").starts_with("HTTP/1.1 503 "));
    assert_eq!(said(&["off"]), (Some(0), "all routes are open again\n".to_owned()));
    assert!(head(&running, "/a").starts_with("HTTP/1.1 200 "));
    running.said.until("/a is closed for maintenance until");
    running.said.until("every route is open again");
    let socket = socket(&running);
    signal(running.child.id(), "TERM");
    running.ends();
    assert!(!socket.exists(), "the socket goes with its server");
}

/// What `verdict explain` says, on standard output and on standard error.
fn explain(running: &Running, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    let ran = command.arg("explain").args(arguments).current_dir(running.folder.path()).output();
    let ran = ran.expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    assert!(ran.status.success(), "{}", text(ran.stderr));
    (text(ran.stdout), text(ran.stderr))
}

#[test]
fn the_server_that_runs_explains_what_it_would_answer_now_and_changes_nothing() {
    let limited = "[route.\"/limited\"]\nrespond = { status = 200 }\nrate = \"2/h per client\"\n";
    let notes = "[route.\"/notes/{id}\"]\ndocuments = { unique = [\"/name\"] }\n";
    let mut running = server(&format!("{CONFIG}{limited}{notes}"));
    assert_eq!(maintenance(&running, &["on", "/a"]).status.code(), Some(0));
    let (told, said) = explain(&running, &["GET", "/a"]);
    assert!(told.starts_with("503 Service Unavailable  maintenance"), "{told}");
    assert!(told.ends_with("told by the server that runs, as it is now\n") && said.is_empty(), "{told}{said}");
    let (told, _) = explain(&running, &["GET", "/a", "--offline"]);
    assert!(told.starts_with("200 OK"), "what was ordered of the server is not in its config: {told}");
    // It takes no rate.
    for _ in 0..5 {
        assert!(explain(&running, &["GET", "/limited"]).0.starts_with("200 OK"));
    }
    assert!(
        head(&running, "/limited").starts_with("HTTP/1.1 200")
            && head(&running, "/limited").starts_with("HTTP/1.1 200")
    );
    assert!(explain(&running, &["GET", "/limited"]).0.starts_with("429 Too Many Requests"));
    // Nothing is written, and what was written is seen.
    let put = |id: &str| {
        let target = format!("/notes/{id}");
        explain(&running, &["PUT", &target, "-H", "Content-Type: application/json", "-d", "{\"name\":\"x\"}"]).0
    };
    for _ in 0..2 {
        let told = put("one");
        assert!(told.starts_with("Nothing stands in its way\n") && told.contains("as it was tried"), "{told}");
        assert!(head(&running, "/notes/one").starts_with("HTTP/1.1 404"));
    }
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    let request = "PUT /notes/one HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
                   Content-Length: 12\r\n\r\n{\"name\":\"x\"}";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(put("two").starts_with("409 Conflict  unique-member-taken"), "{}", put("two"));
    // Who changes the file is told that the server does not go by it yet.
    let config = running.folder.path().join("verdict.toml");
    fs::write(&config, CONFIG).expect("a file");
    let (told, said) = explain(&running, &["GET", "/limited"]);
    assert!(told.starts_with("429") && said.contains("verdict.toml is not what the server goes by"), "{told}{said}");
    assert!(explain(&running, &["GET", "/limited", "--offline"]).0.starts_with("404"));
    signal(running.child.id(), "TERM");
    running.ends();
    let (told, _) = explain(&running, &["GET", "/a"]);
    assert!(told.starts_with("200 OK") && told.contains("no server answers: told by the config"), "{told}");
}

#[test]
fn what_cannot_be_explained_is_refused_by_the_console() {
    let running = server(CONFIG);
    let socket = socket(&running);
    let order = |content: &str| {
        let request = format!(
            "POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}",
            content.len()
        );
        ask(&socket, &request).expect("an answer")
    };
    for (content, status, reason) in [
        ("{", 400, "json-malformed"),
        ("{}", 422, "schema-violated"),
        (r#"{"message":"!","from":"127.0.0.1"}"#, 422, "schema-violated"),
        (r#"{"message":"","from":"127.0.0.1"}"#, 422, "schema-violated"),
        (r#"{"message":"R0VUIC8","from":"nobody"}"#, 422, "schema-violated"),
    ] {
        let (answered, told) = order(content);
        assert!(answered == status && told.contains(reason), "{content}: {answered} {told}");
    }
    // `GET /a HTTP/1.1`, cut short: a malformed message is explained as any other.
    let (status, told) = order(r#"{"message":"R0VUIC9hIEhUVFAvMS4x","from":"127.0.0.1"}"#);
    assert!(status == 200 && told.contains("\"reason\":\"head-cut-short\""), "{told}");
    assert_eq!(get(&socket, "/explain").map(|(status, _)| status), Some(405));
}

#[test]
fn a_failed_attempt_at_a_job_is_told_and_counted() {
    let jobs = "[route.\"/render\"]\njobs = { to = \"http://127.0.0.1:9/\", retries = 1 }\n";
    let running = server(&format!("{CONFIG}{jobs}"));
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = "POST /render HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let id = answer.lines().find_map(|line| line.strip_prefix("Location: /render/")).expect("a monitor").to_owned();
    let first = running.said.until(&format!("job {id} of `/render`: attempt 1 of 2: upstream-refused; next at "));
    assert!(first.ends_with(" GMT"), "{first}");
    running.said.until(&format!("job {id} of `/render`: attempt 2 of 2: upstream-refused; it has failed"));
    let (status, metrics) = get(&socket(&running), "/metrics").expect("an answer");
    assert_eq!(status, 200);
    for line in [
        "verdict_jobs{route=\"/render\",state=\"waiting\"} 0",
        "verdict_job_attempts_total{route=\"/render\",outcome=\"again\"} 1",
        "verdict_job_attempts_total{route=\"/render\",outcome=\"failed\"} 1",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}: {metrics}");
    }
}

#[test]
fn a_config_is_taken_anew_or_its_faults_are_told() {
    let running = server(CONFIG);
    let socket = socket(&running);
    let config = running.folder.path().join("verdict.toml");
    fs::write(&config, format!("{CONFIG}[route.\"/c\"]\nrespond = {{ status = 200 }}\n")).expect("a file");
    let (status, content) = reload(&socket);
    assert_eq!((status, content.as_str()), (200, "{\"taken\":\"verdict.toml\",\"routes\":3,\"warnings\":null}\n"));
    assert!(head(&running, "/c").starts_with("HTTP/1.1 200 "));
    fs::write(&config, format!("lisen = 1\n{CONFIG}")).expect("a file");
    let (status, content) = reload(&socket);
    assert_eq!(status, 409);
    assert!(content.contains("reason config-refused") && content.contains("did you mean `listen`?"), "{content}");
    assert!(head(&running, "/c").starts_with("HTTP/1.1 200 "), "the config from before stays");
    // What was counted is counted on.
    let (_, metrics) = get(&socket, "/metrics").expect("an answer");
    assert!(metrics.contains("{route=\"/c\",status=\"200\",reason=\"configured-answer\"} 2\n"), "{metrics}");
    // The console moves with its config, and leaves nothing behind.
    fs::write(&config, CONFIG.replace("./state", "./other")).expect("a file");
    assert_eq!(reload(&socket).0, 200);
    let moved = running.folder.path().join("other/console.sock");
    wait_for("the console has moved", || {
        get(&moved, "/healthz") == Some((200, "alive\n".to_owned())) && !socket.exists()
    });
}

#[test]
fn a_second_server_does_not_take_the_socket_and_one_that_was_killed_leaves_it() {
    let mut running = server(CONFIG);
    let second = Command::new(env!("CARGO_BIN_EXE_verdict")).arg("run").current_dir(running.folder.path()).output();
    let second = second.expect("the command starts");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another server answers on the console's socket"), "{said}");
    assert_eq!(get(&socket(&running), "/readyz"), Some((200, "ready\n".to_owned())));
    running.child.kill().expect("it is there");
    running.child.wait().expect("it ends");
    assert!(socket(&running).exists());
    let mut third = Command::new(env!("CARGO_BIN_EXE_verdict")).arg("run").current_dir(running.folder.path()).spawn();
    wait_for("it answers", || get(&socket(&running), "/readyz").is_some());
    let third = third.as_mut().expect("the command starts");
    signal(third.id(), "TERM");
    ends(third);
}

#[test]
fn a_hand_over_leaves_the_console_to_the_new_process() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        free.local_addr().expect("an address").port()
    };
    let console = format!("console = {{ listen = \"127.0.0.1:{port}\", token = \"correct-horse-battery\" }}\n");
    let mut running = server(&format!("{console}{CONFIG}"));
    let socket = socket(&running);
    let old = running.child.id();
    signal(old, "USR2");
    let line = running.said.until("answers now");
    let new: u32 = line.split(' ').nth(2).and_then(|word| word.parse().ok()).expect("its number");
    running.ends();
    assert_eq!(get(&socket, "/healthz"), Some((200, "alive\n".to_owned())));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    signal(new, "TERM");
    wait_for("the new process ends", || !lives(new));
    assert!(!socket.exists());
}
