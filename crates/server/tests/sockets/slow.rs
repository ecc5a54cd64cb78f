//! Clients that are slow on purpose: three hundred of them are let go in their time, and whoever else comes is served
//! meanwhile as if they were not there.

use crate::client::Client;
use crate::others::is_there;
use crate::site::{Plan, Site};
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 300;

/// Every limit that a slow client runs into.
const LIMIT: Duration = Duration::from_secs(3);

/// What the machine may add to a limit, at its slowest.
const GRACE: Duration = Duration::from_secs(4);

fn site() -> Site {
    Plan::new()
        .file("page.txt", "page")
        .file("large.bin", vec![b'l'; 32 << 20])
        .limits("head = \"3s\"\nbody-idle = \"3s\"\nsend-idle = \"3s\"\nidle = \"3s\"\nper-client = 1000")
        .route("/{path...}", "files = \"public\"")
        .start()
}

#[test]
fn each_of_many_slow_heads_is_a_408_in_its_time() {
    let site = site();
    let began = Instant::now();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| site.client()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        client.send(&b"GET /page.txt HTTP/1.1\r\nHost: a\r\nX-Slow: "[..1 + i % 40]);
    }
    let connected = began.elapsed();
    for client in &mut clients {
        let answer = client.answer("GET");
        assert_eq!((answer.status(), answer.reason().as_str(), answer.closes()), (408, "head-timeout", true));
        client.end();
    }
    let time = began.elapsed();
    assert!((LIMIT..connected + LIMIT + GRACE).contains(&(time + Duration::from_millis(100))), "{time:?}");
    drop(clients);
    assert_eq!(site.ask("GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n").status(), 200);
}

#[test]
fn slow_heads_are_let_go() {
    attack("-H", "/page.txt");
}

#[test]
fn slow_bodies_are_let_go() {
    attack("-B", "/page.txt");
}

#[test]
fn slow_readers_are_let_go() {
    attack("-X", "/large.bin");
}

/// `slowhttptest` in one of its modes, while a normal client goes on asking.
fn attack(mode: &str, target: &str) {
    if !is_there("slowhttptest", "slowhttptest") {
        return;
    }
    let site = site();
    let mut attacker = Attacker::start(mode, &site.url(target));
    let (mut most, mut full, mut freed) = (0, None, None);
    let began = Instant::now();
    let over = AtomicBool::new(false);
    let (asked, slowest) = std::thread::scope(|scope| {
        let normal = scope.spawn(|| serve_normally(&site, &over));
        // Until the attacker has no connection left, or its time is over.
        while !attacker.has_ended() && freed.is_none() && began.elapsed() < Duration::from_secs(40) {
            let there = connections(site.address);
            if there > most {
                (most, full) = (there, Some(Instant::now()));
            }
            // The normal client's own may be among them.
            if there <= 1 && began.elapsed() > Duration::from_secs(2) {
                freed = Some(Instant::now());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        over.store(true, Ordering::Relaxed);
        normal.join().expect("it is served throughout")
    });
    let freed = freed.unwrap_or_else(Instant::now);
    assert_eq!(connections(site.address), 0, "{mode}: connections that nobody let go");
    let time = full.map_or(Duration::ZERO, |full| freed.duration_since(full));
    assert!(time < LIMIT + GRACE, "{mode}: let go only after {time:?}");
    assert!(slowest < Duration::from_secs(1), "{mode}: a normal client waited {slowest:?}");
    let _ = writeln!(
        std::io::stderr(),
        "slowhttptest {mode}: at most {most} connections, let go {time:.1?} after; {asked} requests beside them, \
         the slowest in {slowest:.1?}"
    );
}

/// Asks again and again, each time on a connection of its own: how often, and how long the slowest answer took.
fn serve_normally(site: &Site, over: &AtomicBool) -> (u32, Duration) {
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    while !over.load(Ordering::Relaxed) {
        let asking = Instant::now();
        let answer = site.ask("GET /page.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(answer.text(), "page");
        (asked, slowest) = (asked + 1, slowest.max(asking.elapsed()));
        std::thread::sleep(Duration::from_millis(10));
    }
    (asked, slowest)
}

/// The connections of the server's port that the kernel holds with something left to do, but for one that is just ending.
fn connections(address: SocketAddr) -> usize {
    const ESTABLISHED: &str = "01";
    const FIN_WAIT_1: &str = "04";
    const CLOSE_WAIT: &str = "08";
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.filter(|line| line[1].ends_with(&port) && [ESTABLISHED, FIN_WAIT_1, CLOSE_WAIT].contains(&line[3])).count()
}

struct Attacker(Child);

impl Attacker {
    fn start(mode: &str, url: &str) -> Attacker {
        let mut command = Command::new("slowhttptest");
        command.args([mode, "-u", url, "-c", &CLIENTS.to_string(), "-r", &CLIENTS.to_string()]);
        // Something every second, for longer than the server lets it.
        command.args(["-i", "1", "-l", "12", "-v", "0"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Attacker(child.expect("slowhttptest starts"))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("our child").is_some()
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
