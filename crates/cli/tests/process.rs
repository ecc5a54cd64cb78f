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
        Process::of(Running::start(folder, name))
    }

    /// The same as [`Process::start`], with so many descriptors at most.
    fn with_descriptors(most: u32, config: &str) -> Process {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
        Process::of(Running::with_descriptors(folder, most))
    }

    fn of(first: Running) -> Process {
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

/// Whether any socket listens on a port of 127.0.0.1. That a client is refused does not tell: it is also when the one of
/// several sockets that it came to is just being closed.
fn listens(address: SocketAddr) -> bool {
    // As proc_net_tcp(5) has it: the address in the machine's order of bytes, the port, and 0A for a socket that listens.
    let socket = format!(" 0100007F:{:04X} 00000000:0000 0A ", address.port());
    std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table").contains(&socket)
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
}

/// Clients that have asked, each on a connection of its own, whether it is accepted already or waits in a queue.
fn asked(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let asked = (0..count).map(|_| {
        let mut stream = TcpStream::connect(address).expect("a place in the queue");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: process.test\r\n\r\n").expect("the kernel takes it");
        stream
    });
    asked.collect()
}

/// The status code of the answer that comes next; `None` if the connection ends or breaks without one.
fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut line = [0; 12];
    stream.read_exact(&mut line).ok()?;
    std::str::from_utf8(&line).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

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
    assert!(!listens(address), "nobody listens any longer");
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
fn a_reload_goes_on_with_what_routes_own() {
    let owned = |answer: &str| {
        config("127.0.0.1:0", answer, "state = \"state\"")
            + "[route.\"/notes/{id}\"]\ndocuments = { index = [\"/a\"] }\n\
               [route.\"/up/{path...}\"]\nfiles = \"uploads\"\nupload = { quota = \"1MiB\" }\n\
               [route.\"/render\"]\njobs = { to = \"http://127.0.0.1:9/\" }\n\
               [route.\"/app/{path...}\"]\nproxy = { to = [\"http://127.0.0.1:9\"], health = \"/\" }\n"
    };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("uploads")).expect("a folder");
    std::fs::write(folder.path().join("verdict.toml"), owned("0")).expect("a config");
    let process = Process::command(folder, "run");
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(process.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    const FIELDS: &str = "Host: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 7";
    assert!(ask(&format!("PUT /notes/1 HTTP/1.1\r\n{FIELDS}\r\n\r\n{{\"a\":1}}")).starts_with("HTTP/1.1 201 "));
    assert!(ask(&format!("PUT /up/b HTTP/1.1\r\n{FIELDS}\r\n\r\n{{\"a\":1}}")).starts_with("HTTP/1.1 201 "));
    for i in 1..=4 {
        process.write(&owned(&i.to_string()));
        if i % 2 == 0 {
            process.signal("HUP");
        } else {
            let socket = process.first.folder.path().join("state/console.sock");
            let mut console = std::os::unix::net::UnixStream::connect(socket).expect("the console");
            let order = "POST /reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
                         Content-Length: 2\r\n\r\n{}";
            console.write_all(order.as_bytes()).expect("it reads");
            let mut answer = String::new();
            console.read_to_string(&mut answer).expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        wait_for("the new answer", || Client::new(process.address).ask().is_ok_and(|answer| answer == i.to_string()));
        for path in ["/notes/1", "/notes", "/up/b"] {
            let answer = ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("{\"a\":1}"), "{path}: {answer}");
        }
    }
    // Nobody does the jobs of a route that is gone, which is told.
    assert!(ask(&format!("POST /render HTTP/1.1\r\n{FIELDS}\r\n\r\n{{\"a\":1}}")).starts_with("HTTP/1.1 202 "));
    process.write(&owned("5").replace("/render", "/other"));
    process.signal("HUP");
    process.says("1 jobs of `/render` are not done, and no route with `jobs` has that pattern");
}

#[test]
fn addresses_come_and_go_with_a_reload() {
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
    wait_for("the first is closed", || !listens(first));
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

/// What has begun is the last that is asked on its connection, and new ones are refused.
#[test]
fn a_server_that_stops_answers_what_has_begun_and_is_gone() {
    let mut process = Process::start(&config("127.0.0.1:0", "here", ""));
    let (mut busy, mut idle) = (Client::new(process.address), Client::new(process.address));
    idle.ask().expect("an answer");
    busy.ask().expect("an answer");
    let connection = busy.connection.as_mut().expect("it is kept");
    connection.get_mut().write_all(b"GET / HTTP/1.1\r\nX-Begun: ").expect("a buffer");
    process.signal("TERM");
    wait_for("nobody listens", || !listens(process.address));
    let begun = Instant::now();
    // The rest of it is a field's value.
    assert_eq!(busy.ask().expect("what has begun is answered"), "here");
    assert!(busy.connection.is_none(), "and told that the connection ends");
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

/// The server has as many connections as it takes, so what comes waits in the queues of its sockets.
#[test]
fn who_waits_at_an_address_that_is_dropped_is_answered() {
    for order in ["HUP", "USR2"] {
        let (dropped, kept) = (free(), free());
        let first = config(&format!("{dropped}\", \"http://{kept}"), "old", "[limits]\nconnections = 1\n");
        let mut process = Process::start(&first);
        let mut busy = Client::new(kept);
        assert_eq!(busy.ask().expect("an answer"), "old");
        // Those that are let in only to be told that there is no room say nothing for as long as they may.
        let _silent: Vec<_> = (0..64).map(|_| TcpStream::connect(kept).expect("it accepts")).collect();
        thread::sleep(Duration::from_millis(200));
        let mut waiting = asked(dropped, 32);
        process.write(&config(&kept.to_string(), "new", ""));
        process.signal(order);
        match order {
            "HUP" => drop(process.says("is taken anew")),
            _ => {
                let line = process.says("answers now");
                process.successors.push(line.split(' ').find_map(|word| word.parse().ok()).expect("its number"));
            }
        }
        for stream in &mut waiting {
            assert!(matches!(status(stream), Some(200 | 503)), "{order}: a client that waited is answered");
        }
        wait_for("the address is closed", || !listens(dropped));
    }
}

#[test]
fn an_address_becomes_wider_and_narrower_without_losing_a_request() {
    let narrow = free();
    let wide = SocketAddr::from(([0, 0, 0, 0], narrow.port()));
    let other = SocketAddr::from(([127, 0, 0, 2], narrow.port()));
    for order in ["HUP", "USR2"] {
        let mut process = Process::start(&config(&narrow.to_string(), "0", ""));
        under_load(narrow, || {
            for (listen, answer, reached) in [(wide, "wide", true), (narrow, "narrow", false), (wide, "wide", true)] {
                process.write(&config(&listen.to_string(), answer, ""));
                match order {
                    "HUP" => {
                        process.signal("HUP");
                        process.says("is taken anew");
                    }
                    _ => process.hand_over(),
                }
                wait_for("the new answer", || {
                    Client::new(narrow).ask().is_ok_and(|got| got == answer)
                        && Client::new(other).ask().is_ok_and(|got| got == answer) == reached
                });
            }
        });
    }
}

#[test]
fn two_addresses_of_which_one_is_part_of_the_other_are_told_of() {
    let narrow = free();
    let wide = SocketAddr::from(([0, 0, 0, 0], narrow.port()));
    let process = Process::start(&config(&narrow.to_string(), "old", ""));
    process.write(&config(&format!("{narrow}\", \"http://{wide}"), "new", ""));
    process.signal("HUP");
    let line = process.says("is not taken");
    assert!(line.contains(&format!("`listen` names {narrow} too")), "{line}");
    assert_eq!(Client::new(narrow).ask().expect("an answer"), "old");
}

/// Sockets are shared with those of the same user alone.
#[test]
fn sockets_of_another_user_in_the_way_are_told_of() {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    // Nobody else becomes another user.
    if !is_root {
        return;
    }
    let narrow = free();
    let wide = SocketAddr::from(([0, 0, 0, 0], narrow.port()));
    let process = Process::start(&config(&narrow.to_string(), "old", "user = \"nobody\""));
    std::fs::set_permissions(process.first.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("its permissions");
    process.write(&config(&wide.to_string(), "new", "user = \"nobody\""));
    process.signal("HUP");
    let line = process.says("is not taken");
    assert!(line.contains(&format!("this server's own sockets of {narrow}")), "{line}");
    assert_eq!(Client::new(narrow).ask().expect("an answer"), "old");
}

/// A config that has most of 64 descriptors for itself: each folder is one.
fn greedy(address: &str) -> String {
    let folders = (0..36).map(|i| format!("[route.\"/{i}/{{path...}}\"]\nfiles = \".\"\n"));
    config(address, "here", "").replace("workers = 2", "workers = 1") + &folders.collect::<String>()
}

#[test]
fn a_server_without_descriptors_answers_whom_it_has_and_takes_others_when_some_go() {
    let process = Process::with_descriptors(64, &greedy("127.0.0.1:0"));
    let mut kept = Client::new(process.address);
    assert_eq!(kept.ask().expect("an answer"), "here");
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(process.address).expect("a queue")).collect();
    process.says("a connection could not be accepted");
    let before = processor_time(process.first.child.id());
    for _ in 0..20 {
        assert_eq!(kept.ask().expect("who is connected is answered"), "here");
        thread::sleep(Duration::from_millis(50));
    }
    let spent = processor_time(process.first.child.id()) - before;
    assert!(spent < Duration::from_millis(300), "{spent:?} of a second is spent on what cannot be done");
    let mut waiting = asked(process.address, 1).remove(0);
    drop(silent);
    assert_eq!(status(&mut waiting), Some(200), "who waited");
    assert_eq!(Client::new(process.address).ask().expect("who comes now"), "here");
}

#[test]
fn who_waits_for_a_descriptor_is_answered_by_a_server_that_stops() {
    let mut process = Process::with_descriptors(64, &greedy("127.0.0.1:0"));
    let mut kept = Client::new(process.address);
    assert_eq!(kept.ask().expect("an answer"), "here");
    let silent: Vec<_> = (0..16).map(|_| TcpStream::connect(process.address).expect("a queue")).collect();
    process.says("a connection could not be accepted");
    let mut waiting = asked(process.address, 4);
    process.signal("TERM");
    for stream in &mut waiting {
        assert!(matches!(status(stream), Some(200 | 503)), "a client that waited is answered");
    }
    drop(silent);
    process.first.ends();
}

#[test]
fn a_config_that_there_is_no_descriptor_for_is_told_of_and_the_old_one_stays() {
    let process = Process::with_descriptors(64, &greedy("127.0.0.1:0"));
    let mut kept = Client::new(process.address);
    assert_eq!(kept.ask().expect("an answer"), "here");
    // There is room to read the file, and not for its folders beside those of the config before.
    process.write(&greedy("127.0.0.1:0").replace("here", "new"));
    process.signal("HUP");
    let line = process.says("is not taken");
    assert!(line.contains("no descriptor is left"), "{line}");
    assert_eq!(kept.ask().expect("an answer"), "here");
}

#[test]
fn connections_that_cannot_fit_are_told_of_and_those_beyond_get_a_503() {
    for (limits, place) in [("", "verdict: "), ("[limits]\nconnections = 5000", "warning: ")] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config("127.0.0.1:0", "here", limits);
        std::fs::write(folder.path().join("verdict.toml"), config).expect("a config");
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -n 64; exec \"$0\" run", env!("CARGO_BIN_EXE_verdict")])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let said = Lines::of(child.stderr.take().expect("it is piped"));
        let line = said.until("64 descriptors");
        assert!(line.contains(place), "{line}");
        let line = said.until("http://");
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.parse().ok()).expect("an address");
        let mut statuses: Vec<_> = asked(address, 20).iter_mut().map(status).collect();
        statuses.sort();
        assert_eq!((statuses[0], statuses[19]), (Some(200), Some(503)));
        signal(child.id(), "TERM");
        ends(&mut child);
    }
}

/// Of all threads of a process, in user space and in the kernel.
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    // The name, in parentheses, may have blanks in it. Hundredths of a second on every Linux (proc(5)).
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let hundredths: u64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(10 * hundredths)
}
