//! A disk that fails when it is to make something durable: what was acknowledged stays, what failed is told as a 500 whose cause
//! is in the log alone, and nothing of it is there by half. `failing_disk/fsync.c` is what fails; without a C compiler nothing is
//! tested, and said so.

mod running;

use running::{PATIENCE, Running};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const CONFIG: &str = "listen = [\"http://127.0.0.1:0\"]\nstate = \"./state\"\nworkers = 1\n\
    [route.\"/notes/{id}\"]\ndocuments = { unique = [\"/name\"] }\n\
    [route.\"/up/{path...}\"]\nfiles = \"./public\"\nupload = { quota = \"1MiB\" }\n\
    [route.\"/render\"]\njobs = { to = \"http://127.0.0.1:9/\", keep = \"1h\" }\n";

/// The log of the database, which each transaction makes durable.
const STORE: &str = "verdict.db-wal";

/// Files that are put; the database is elsewhere.
const FILES: &str = "/public/";

/// A server whose disk can be told to fail.
struct Failing {
    running: Running,
    object: PathBuf,
}

/// An answer: its status, its head and its content.
struct Answer {
    status: u16,
    head: String,
    content: String,
}

/// `None`: there is no C compiler.
fn failing() -> Option<Failing> {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failing_disk/fsync.c");
    let object = folder.path().join("fsync.so");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&object).arg(&source).status();
    match compiled {
        Ok(status) => assert!(status.success(), "{} does not compile", source.display()),
        Err(error) => {
            println!("SKIPPED: no disk is made to fail, since there is no C compiler `cc`: {error}");
            return None;
        }
    }
    fs::create_dir(folder.path().join("public")).expect("a folder");
    fs::write(folder.path().join("verdict.toml"), CONFIG).expect("a file");
    Some(Failing { running: start(folder, &object), object })
}

fn start(folder: TempDir, object: &Path) -> Running {
    let failing = folder.path().join("failing");
    Running::with_environment(folder, &[("LD_PRELOAD", object), ("FAILING", &failing)])
}

impl Failing {
    /// From now on what has this in its path is not made durable.
    fn fail(&self, path: &str) {
        fs::write(self.flag(), path).expect("a file");
    }

    fn recover(&self) {
        fs::remove_file(self.flag()).expect("it was there");
    }

    fn flag(&self) -> PathBuf {
        self.running.folder.path().join("failing")
    }

    /// Killed, as by a loss of power, and started with a disk that is well.
    fn again(&mut self) {
        let _ = fs::remove_file(self.flag());
        self.running.child.kill().expect("it is there");
        self.running.child.wait().expect("it ends");
        let folder = std::mem::replace(&mut self.running.folder, tempfile::tempdir().expect("a folder"));
        self.running = start(folder, &self.object);
    }

    fn ask(&self, method: &str, target: &str, content: &str) -> Answer {
        ask(self.running.address, method, target, content)
    }

    /// That something is not made durable, which says no more than that to who asked for it, and why to who runs the server.
    fn is_refused(&self, method: &str, target: &str, content: &str, log: &str) {
        let answer = self.ask(method, target, content);
        assert_eq!(answer.status, 500, "{method} {target}: {}", answer.content);
        assert!(answer.content.contains("urn:verdict:reason:disk-failed"), "{}", answer.content);
        for inside in ["fsync", "I/O", "os error", "SQL", "verdict.db", "public"] {
            assert!(!answer.content.contains(inside), "{inside}: {}", answer.content);
        }
        self.running.said.until(log);
    }

    /// Nothing is wrong in the database.
    fn is_sound(&self) {
        let mut check = Command::new(env!("CARGO_BIN_EXE_verdict"));
        let checked = check.args(["store", "check"]).current_dir(self.running.folder.path()).output();
        let checked = checked.expect("the command starts");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

fn ask(address: SocketAddr, method: &str, target: &str, content: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let message = format!(
        "{method} {target} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    );
    stream.write_all(message.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, content) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), content: content.to_owned() }
}

impl Answer {
    fn location(&self) -> &str {
        self.head.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a location")
    }
}

#[test]
fn a_document_whose_fsync_fails_is_refused_and_those_before_it_stay() {
    let Some(mut server) = failing() else { return };
    let note = |n| format!("{{\"name\":\"{n}\"}}");
    for n in 0..20 {
        assert_eq!(server.ask("PUT", &format!("/notes/{n}"), &note(n)).status, 201);
    }
    server.fail(STORE);
    server.is_refused("PUT", "/notes/20", &note(20), "store: a transaction failed");
    server.running.said.until("nothing is written any more until the server is started again");
    // The kernel may take for written what it has lost: a disk that is well again is no reason to go on.
    server.recover();
    for (method, target) in [("PUT", "/notes/21"), ("DELETE", "/notes/1"), ("PUT", "/notes/1")] {
        assert_eq!(server.ask(method, target, &note(21)).status, 500, "{method} {target}");
    }
    assert_eq!(server.ask("POST", "/render", "x").status, 500);
    let stay = |server: &Failing| {
        for n in 0..20 {
            let answer = server.ask("GET", &format!("/notes/{n}"), "");
            assert_eq!((answer.status, answer.content), (200, note(n)), "{n}");
        }
    };
    stay(&server);
    assert_eq!(server.ask("GET", "/notes/20", "").status, 404);
    server.again();
    stay(&server);
    // It was never acknowledged, so either is right; but not half of it.
    let answer = server.ask("GET", "/notes/20", "");
    assert!(answer.status == 404 || answer.status == 200 && answer.content == note(20), "{}", answer.content);
    let taken = server.ask("POST", "/notes", &note(20)).status;
    assert_eq!(taken, if answer.status == 200 { 409 } else { 201 }, "its name goes with it");
    for n in 21..24 {
        assert_eq!(server.ask("GET", &format!("/notes/{n}"), "").status, 404);
        assert_eq!(server.ask("PUT", &format!("/notes/{n}"), &note(n)).status, 201);
    }
    server.is_sound();
}

#[test]
fn a_job_whose_fsync_fails_is_refused_and_those_before_it_stay() {
    let Some(mut server) = failing() else { return };
    let queued: Vec<_> = (0..5).map(|n| server.ask("POST", "/render", &n.to_string())).collect();
    assert!(queued.iter().all(|answer| answer.status == 202));
    server.fail(STORE);
    // An attempt at one of those may be what meets the disk first, and then nothing is written any more.
    let answer = server.ask("POST", "/render", "5");
    assert!(answer.status == 500 && answer.content.contains("disk-failed"), "{}", answer.content);
    server.running.said.until("nothing is written any more until the server is started again");
    let known = |server: &Failing| {
        for answer in &queued {
            // Nobody listens where they are done, so they wait for the next attempt, or have failed for good.
            let status = server.ask("GET", answer.location(), "").status;
            assert!(matches!(status, 200 | 502), "{status}");
        }
    };
    known(&server);
    server.again();
    known(&server);
    assert_eq!(server.ask("POST", "/render", "6").status, 202);
    server.is_sound();
}

#[test]
fn a_file_whose_fsync_fails_is_not_there_and_others_can_be_put() {
    let Some(mut server) = failing() else { return };
    assert_eq!(server.ask("PUT", "/up/one.txt", "one").status, 201);
    let listed = |server: &Failing| {
        let read = fs::read_dir(server.running.folder.path().join("public")).expect("a folder");
        let mut names: Vec<_> = read.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names.into_iter().map(|name| name.into_string().expect("UTF-8")).collect::<Vec<_>>()
    };
    // The file's own.
    server.fail(FILES);
    server.is_refused("PUT", "/up/two.txt", "two", "the file `two.txt` could not be written");
    server.is_refused("PUT", "/up/one.txt", "another", "the file `one.txt` could not be written");
    assert_eq!(listed(&server), ["one.txt"]);
    let one = server.ask("GET", "/up/one.txt", "");
    assert_eq!((one.status, one.content.as_str()), (200, "one"));
    server.recover();
    // Nothing of the store is in doubt, and no room is lost: all of the quota but for three bytes.
    let rest = "x".repeat((1 << 20) - 3);
    assert_eq!(server.ask("PUT", "/up/rest.txt", &rest).status, 201);
    assert_eq!(server.ask("PUT", "/up/more.txt", "x").status, 507);
    assert_eq!(server.ask("DELETE", "/up/rest.txt", "").status, 204);
    // That of what is intended.
    server.fail(STORE);
    server.is_refused("PUT", "/up/two.txt", "two", "store: a transaction failed");
    server.recover();
    assert_eq!(server.ask("PUT", "/up/two.txt", "two").status, 500);
    assert_eq!(server.ask("DELETE", "/up/one.txt", "").status, 500);
    assert_eq!(listed(&server), ["one.txt"]);
    server.again();
    assert_eq!(listed(&server), ["one.txt"]);
    let one = server.ask("GET", "/up/one.txt", "");
    assert_eq!((one.status, one.content.as_str()), (200, "one"));
    assert_eq!(server.ask("PUT", "/up/rest.txt", &rest).status, 201);
    assert_eq!(server.ask("PUT", "/up/more.txt", "x").status, 507);
    server.is_sound();
}
