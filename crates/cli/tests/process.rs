//! A server as a process: reloaded, handed over and stopped by signals, while clients ask all the time.

mod running;

use running::{Lines, PATIENCE, Running, ends, lives, signal, wait_for};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server at work, and those that took over from it.
struct Process {
    first: Running,
    address: SocketAddr,
    successors: Vec<u32>,
}

/// A config with one answer.
fn config(address: &str, answer: &str, more: &str) -> String {
    format!(
        "listen = [\"http://{address}\"]\nworkers = 2\n{more}\n[route.\"/\"]\n\
         respond = {{ status = 200, body = \"{answer}\" }}\n"
    )
}

impl Process {
    fn start(config: &str) -> Process {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
        Process::command(folder, "run")
    }

    fn command(folder: TempDir, name: &str) -> Process {
        let first = Running::start(folder, name);
        Process { address: first.address, first, successors: Vec::new() }
    }

    fn write(&self, config: &str) {
        // As a careful editor does: the file is never half there.
        let new = self.first.folder.path().join("new.toml");
        std::fs::write(&new, config).expect("a config");
        std::fs::rename(new, self.first.folder.path().join("verdict.toml")).expect("a rename");
    }

    fn signal(&self, name: &str) {
        signal(self.successors.last().copied().unwrap_or(self.first.child.id()), name);
    }

    /// Reads what it says until a line has these words in it, and returns that line.
    fn says(&self, words: &str) -> String {
        self.first.said.until(words)
    }

    /// Has a new process take over, and waits until the old one is gone.
    fn hand_over(&mut self) {
        self.signal("USR2");
        let line = self.says("answers now");
        let process = line.split(' ').find_map(|word| word.parse().ok()).expect("its number");
        match self.successors.last() {
            None => self.first.ends(),
            Some(old) => wait_for("the old process ends", || !lives(*old)),
        }
        self.successors.push(process);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for process in &self.successors {
            let _ = Command::new("kill").arg("-KILL").arg(process.to_string()).stderr(Stdio::null()).status();
        }
    }
}

/// A connection that is kept for as long as the server keeps it.
struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    fn new(address: SocketAddr) -> Client {
        Client { address, connection: None }
    }

    /// Asks, and returns the content of the answer. Nothing is asked twice.
    fn ask(&mut self) -> std::io::Result<String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                BufReader::new(stream)
            }
        };
        connection.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: process.test\r\n\r\n")?;
        let (mut length, mut keep) = (0, true);
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().expect("a number"),
                Some(("Connection", "close")) => keep = false,
                None if line == "\r\n" => break,
                _ => {}
            }
        }
        let mut content = vec![0; length];
        connection.read_exact(&mut content)?;
        self.connection = keep.then_some(connection);
        Ok(String::from_utf8(content).expect("UTF-8"))
    }
}

/// One at a time: otherwise each test would wait for the other's clients.
static LOAD: Mutex<()> = Mutex::new(());

/// Has 64 clients ask all the time while something is done. No request is lost.
fn under_load(address: SocketAddr, work: impl FnOnce()) {
    let _alone = LOAD.lock().unwrap_or_else(PoisonError::into_inner);
    let (stop, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut client = Client::new(address);
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = client.ask() {
                        stop.store(true, Ordering::Relaxed);
                        panic!("a request was lost: {error}");
                    }
                    answers.fetch_add(1, Ordering::Relaxed);
                    // It is the server that is asked a lot, and not this machine.
                    thread::sleep(Duration::from_millis(4));
                }
            });
        }
        wait_for("the load begins", || answers.load(Ordering::Relaxed) > 1000 || stop.load(Ordering::Relaxed));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|failed| std::panic::resume_unwind(failed));
    });
}

#[test]
fn a_reload_loses_no_request() {
    let process = Process::start(&config("127.0.0.1:0", "0", ""));
    let address = process.address;
    under_load(address, || {
        for i in 1..=10 {
            process.write(&config("127.0.0.1:0", &i.to_string(), ""));
            process.signal("HUP");
            process.says("is taken anew: 1 route");
            // Each worker has its turn to take it.
            wait_for("the new answer", || {
                (0..8).all(|_| Client::new(address).ask().expect("an answer") == i.to_string())
            });
        }
    });
}

#[test]
fn a_hand_over_loses_no_request() {
    let mut process = Process::start(&config("127.0.0.1:0", "old", ""));
    let address = process.address;
    under_load(address, || {
        for answer in ["new", "newer", "newest"] {
            process.write(&config("127.0.0.1:0", answer, ""));
            process.hand_over();
            assert_eq!(Client::new(address).ask().expect("an answer"), answer);
        }
    });
    process.signal("TERM");
    let last = process.successors.last().copied().expect("one");
    wait_for("the last one ends", || !lives(last));
    assert!(TcpStream::connect(address).is_err(), "nobody listens any longer");
}

#[test]
fn a_new_process_may_have_more_workers_or_fewer() {
    let mut process = Process::start(&config("127.0.0.1:0", "2", ""));
    let address = process.address;
    under_load(address, || {
        for workers in ["1", "4", "3"] {
            process.write(&config("127.0.0.1:0", workers, "").replace("workers = 2", &format!("workers = {workers}")));
            process.hand_over();
            assert_eq!(Client::new(address).ask().expect("an answer"), workers);
        }
    });
}

#[test]
fn a_config_that_is_wrong_is_told_of_and_the_old_one_stays() {
    let process = Process::start(&config("127.0.0.1:0", "old", ""));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let elsewhere = taken.local_addr().expect("its address").to_string();
    let mut client = Client::new(process.address);
    for (wrong, why) in [
        (config("127.0.0.1:0", "new", "colour = 1"), "unknown key `colour`"),
        (config("127.0.0.1:0", "new", "[route.\"/f/{p...}\"]\nfiles = \"nowhere\""), "nowhere"),
        (config(&elsewhere, "new", ""), "is taken"),
        (String::from("["), "verdict.toml:1"),
    ] {
        process.write(&wrong);
        process.signal("HUP");
        let line = process.says("is not taken");
        if !line.contains(why) {
            process.says(why);
        }
        assert_eq!(client.ask().expect("an answer"), "old");
        assert_eq!(Client::new(process.address).ask().expect("an answer"), "old");
    }
    // A new process that cannot start changes nothing either.
    process.signal("USR2");
    process.says("the new process did not start");
    assert_eq!(client.ask().expect("an answer"), "old");
    process.write(&config("127.0.0.1:0", "new", ""));
    process.signal("HUP");
    process.says("is taken anew");
    wait_for("the new answer", || client.ask().expect("an answer") == "new");
}

#[test]
fn addresses_come_and_go_with_a_reload() {
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let (first, second) = (free(), free());
    let process = Process::start(&config(&first.to_string(), "one", ""));
    let mut kept = Client::new(first);
    assert_eq!(kept.ask().expect("an answer"), "one");
    process.write(&config(&format!("{first}\", \"http://{second}"), "both", ""));
    process.signal("HUP");
    process.says("is taken anew");
    wait_for("both answer", || {
        [first, second].iter().all(|at| Client::new(*at).ask().is_ok_and(|answer| answer == "both"))
    });
    process.write(&config(&second.to_string(), "second", ""));
    process.signal("HUP");
    process.says("is taken anew");
    wait_for("the first is closed", || TcpStream::connect(first).is_err());
    assert_eq!(kept.ask().expect("a connection stays when nobody listens any longer"), "second");
}

#[test]
fn a_change_of_the_file_is_taken_with_watch() {
    let process = Process::start(&config("127.0.0.1:0", "old", "watch = true"));
    let mut client = Client::new(process.address);
    assert_eq!(client.ask().expect("an answer"), "old");
    process.write(&config("127.0.0.1:0", "broken", "watch = 7"));
    process.says("is not taken");
    assert_eq!(client.ask().expect("an answer"), "old");
    process.write(&config("127.0.0.1:0", "new", "watch = true"));
    process.says("is taken anew");
    wait_for("the new answer", || client.ask().expect("an answer") == "new");
    // What a config wants may come after it.
    let page = "watch = true\n[route.\"/page\"]\nrespond = { status = 410 }\npages = { 410 = \"page.html\" }";
    process.write(&config("127.0.0.1:0", "newest", page));
    process.says("is not taken");
    std::fs::write(process.first.folder.path().join("page.html"), "<p>gone").expect("a page");
    process.says("is taken anew");
    wait_for("the newest answer", || client.ask().expect("an answer") == "newest");
}

/// The connection is told with its answer, and new ones are refused.
#[test]
fn a_server_that_stops_answers_what_has_begun_and_is_gone() {
    let mut process = Process::start(&config("127.0.0.1:0", "here", ""));
    let mut busy = Client::new(process.address);
    busy.ask().expect("an answer");
    process.signal("TERM");
    wait_for("nobody listens", || TcpStream::connect(process.address).is_err());
    assert_eq!(busy.ask().expect("a client that has just asked is answered once more"), "here");
    assert!(busy.connection.is_none(), "and told that the connection ends");
    let begun = Instant::now();
    process.first.ends();
    assert!(begun.elapsed() < Duration::from_secs(5), "an idle connection is not waited for");
}

/// `verdict serve` takes the first port that is free, and to its successor that of the old process is not.
#[test]
fn a_folder_that_is_served_keeps_its_port_over_a_hand_over() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("index.html"), "here").expect("a page");
    let config = config("127.0.0.1:0", "port", "");
    std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
    let mut process = Process::command(folder, "serve");
    let address = process.address;
    process.hand_over();
    assert_eq!(Client::new(address).ask().expect("the successor answers there"), "here");
}

/// More than what sockets hold between a server and a client that does not read.
const LARGE: usize = 64 << 20;

#[test]
fn a_download_outlives_a_hand_over_until_the_old_process_is_told_to_stop() {
    let more = "drain = \"1s\"\n[route.\"/files/{path...}\"]\nfiles = \"public\"";
    let mut process = Process::start(&config("127.0.0.1:0", "here", "drain = \"1s\""));
    let public = process.first.folder.path().join("public");
    std::fs::create_dir(&public).expect("a folder");
    std::fs::write(public.join("large.bin"), vec![b'x'; LARGE]).expect("a file");
    process.write(&config("127.0.0.1:0", "here", more));
    process.signal("HUP");
    process.says("is taken anew");
    let download = || {
        let mut stream = TcpStream::connect(process.address).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(b"GET /files/large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        stream.read_exact(&mut [0; 1000]).expect("its beginning");
        stream
    };
    let (mut whole, mut cut) = (download(), download());
    process.signal("USR2");
    let line = process.says("answers now");
    process.successors.push(line.split(' ').find_map(|word| word.parse().ok()).expect("its number"));
    // Longer than `drain`.
    thread::sleep(Duration::from_millis(1500));
    let mut rest = Vec::new();
    whole.read_to_end(&mut rest).expect("it goes on");
    assert!(rest.len() > LARGE - 1000, "{} bytes", rest.len());
    assert!(process.first.child.try_wait().expect("its state").is_none(), "the other download goes on");
    signal(process.first.child.id(), "TERM");
    process.says("1 connection was cut");
    process.first.ends();
    let ended = cut.read_to_end(&mut rest);
    assert!(ended.is_err() || rest.len() < 2 * LARGE - 2000, "what is cut does not look whole");
}

/// As systemd.socket(5) and sd_notify(3) have it.
#[test]
fn a_socket_of_systemd_is_taken_over_and_it_is_told() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("its address");
    let folder = tempfile::tempdir().expect("a folder");
    let notify = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    notify.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let start = |config: &str| {
        std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
        let mut command = Command::new("sh");
        // The number of a process is known only to itself.
        command.arg("-c").arg("exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" run");
        command.arg(env!("CARGO_BIN_EXE_verdict")).current_dir(folder.path());
        command.env("NOTIFY_SOCKET", folder.path().join("notify"));
        command.stdin(OwnedFd::from(socket.try_clone().expect("a copy"))).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("sh starts")
    };
    let told = || {
        let mut message = [0; 256];
        let n = notify.recv(&mut message).expect("a word");
        String::from_utf8(message[..n].to_vec()).expect("UTF-8")
    };
    // A client that comes first waits in the socket's queue.
    let mut early = Client { address, connection: Some(BufReader::new(TcpStream::connect(address).expect("a queue"))) };
    let mut child = start(&config(&address.to_string(), "activated", ""));
    assert_eq!(told(), "READY=1");
    assert_eq!(early.ask().expect("an answer"), "activated");
    signal(child.id(), "HUP");
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(told().starts_with("READY=1\nSTATUS=took "));
    signal(child.id(), "TERM");
    assert_eq!(told(), "STOPPING=1");
    ends(&mut child);

    let mut child = start(&config("127.0.0.1:0", "elsewhere", ""));
    Lines::of(child.stderr.take().expect("it is piped")).until(&format!("systemd listens on {address}"));
    let mut ended = None;
    wait_for("it ends", || {
        ended = child.try_wait().expect("its state");
        ended.is_some()
    });
    assert!(!ended.expect("it ended").success());
}
