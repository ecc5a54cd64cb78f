//! What a client of HTTP/2 may hold, and for how long: streams, memory and the connection itself.

use crate::client::Client;
use crate::http2::plan;
use crate::http2_frames::{
    DATA, GOAWAY, HEADERS, NO_ERROR, RST_STREAM, Raw, SETTINGS, STREAMS, WHOLE, WINDOW, WINDOW_UPDATE, code, frame,
    get, nth, setting,
};
use crate::site::Plan;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// RFC 9113 §7.
const CANCEL: u32 = 8;

/// RFC 9113 §6.9.1.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// A client that makes no room keeps its streams for as long as one that does not read, and no longer.
#[test]
fn a_stream_without_room_for_its_answer_is_given_up() {
    let site = plan().limits("send-idle = \"1s\"").start();
    let mut raw = Raw::to(&site);
    raw.send(setting(WINDOW, 0));
    let begun = Instant::now();
    raw.send(frame(HEADERS, WHOLE, 1, &get("/", &[])));
    let (mut answered, mut given_up) = (false, false);
    while let Some((kind, _, stream, _)) = raw.next() {
        answered |= kind == HEADERS && stream == 1;
        assert_ne!(kind, DATA);
        if kind == RST_STREAM && stream == 1 {
            given_up = true;
            break;
        }
    }
    assert!(answered && given_up && begun.elapsed() > Duration::from_secs(1), "{answered} {given_up}");
}

/// Room for a byte every now and then would hold an answer for years.
#[test]
fn a_stream_that_is_given_less_room_than_the_minimum_rate_is_given_up() {
    const TIME: Duration = Duration::from_secs(5);
    for (rate, is_given_up) in [("1000B/s", true), ("1B/s", false)] {
        let site = plan().limits(&format!("send-idle = \"1s\"\nmin-rate = \"{rate}\"")).start();
        let mut raw = Raw::to(&site);
        raw.send(setting(WINDOW, 0));
        raw.send(frame(HEADERS, WHOLE, 1, &get("/large.bin", &[])));
        raw.socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let begun = Instant::now();
        let mut reset = None;
        while begun.elapsed() < TIME && reset.is_none() {
            raw.send(frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]));
            // Frames are small, and come whole.
            while let Some((kind, _, stream, content)) = raw.next() {
                assert_ne!(kind, GOAWAY);
                if (kind, stream) == (RST_STREAM, 1) {
                    reset = Some(code(&content));
                }
            }
        }
        assert_eq!(reset, is_given_up.then_some(CANCEL), "{rate}: {:?}", begun.elapsed());
        assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    }
}

/// The same where it is the socket that takes little: all streams wait for it.
#[test]
fn a_connection_that_takes_less_than_the_minimum_rate_is_ended() {
    const TIME: Duration = Duration::from_secs(7);
    for (rate, is_ended) in [("16MiB/s", true), ("1B/s", false)] {
        let plan = plan().file("huge.bin", vec![b'h'; 32 << 20]);
        let site = plan.limits(&format!("send-idle = \"3s\"\nmin-rate = \"{rate}\"")).start();
        let mut client = Client::with_small_buffer(site.address, 64 << 10);
        let mut raw = Raw::over(client.stream.try_clone().expect("the same socket"));
        raw.send(asking_for(8, "/huge.bin"));
        let begun = Instant::now();
        let mut ended = false;
        while begun.elapsed() < TIME && !ended {
            // About 3 MiB/s, at the most.
            ended = client.take(64 << 10).is_err();
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(ended, is_ended, "{rate}: {:?}", begun.elapsed());
        assert!(begun.elapsed() > Duration::from_millis(2900), "{:?}", begun.elapsed());
    }
}

#[test]
fn an_idle_connection_is_told_and_ended() {
    let site = plan().limits("idle = \"1s\"").start();
    let mut raw = Raw::to(&site);
    let begun = Instant::now();
    let mut told = None;
    while let Some((kind, _, _, content)) = raw.next() {
        if kind == GOAWAY {
            told = Some(code(&content[4..]));
        }
    }
    assert_eq!(told, Some(NO_ERROR));
    assert!((Duration::from_millis(900)..Duration::from_secs(5)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

/// So many requests, and all the room that there can be for their answers.
fn asking_for(streams: u32, path: &str) -> Vec<u8> {
    let mut bytes = setting(WINDOW, LARGEST_WINDOW);
    bytes.extend(frame(WINDOW_UPDATE, 0, 0, &(LARGEST_WINDOW - 65_535).to_be_bytes()));
    (0..streams).for_each(|i| bytes.extend(frame(HEADERS, WHOLE, nth(i), &get(path, &[]))));
    bytes
}

/// What a client that takes nothing makes the server hold does not grow with what it asks for: neither where its streams have no
/// room, nor where they have all that there is and the socket is not read.
#[test]
fn a_client_that_takes_nothing_holds_little_memory() {
    const CONNECTIONS: usize = 4;
    // The streams' own, beside a few hundred KiB of content.
    const MOST: u64 = 2 << 20;
    let without_room = {
        let mut bytes = setting(WINDOW, 0);
        (0..STREAMS).for_each(|i| bytes.extend(frame(HEADERS, WHOLE, nth(i), &get("/huge.bin", &[]))));
        bytes
    };
    for (what, bytes) in [("no room", without_room), ("nothing read", asking_for(100, "/huge.bin"))] {
        let server = Elsewhere::start();
        // What the first of all costs, all of them share.
        let mut first = Raw::over(TcpStream::connect(server.address).expect("the server accepts"));
        first.send([frame(SETTINGS, 0, 0, &[]), frame(HEADERS, WHOLE, 1, &get("/page.txt", &[]))].concat());
        while first.next().expect("an answer").0 != DATA {}
        let before = server.memory();
        let held: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut raw = Raw::over(TcpStream::connect(server.address).expect("the server accepts"));
                raw.send(&bytes);
                raw
            })
            .collect();
        let mut most = before;
        let mut changed = Instant::now();
        while changed.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(50));
            if server.memory() > most {
                (most, changed) = (server.memory(), Instant::now());
            }
        }
        let each = (most - before) / CONNECTIONS as u64;
        assert!(each < MOST, "{what}: {each} bytes for each connection");
        // They were there all the time.
        for mut raw in held {
            assert!(raw.next().is_some(), "{what}");
        }
    }
}

/// A server in a process whose memory is its own.
struct Elsewhere {
    process: Child,
    /// Kept, as it writes more than is read.
    _output: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

const ELSEWHERE: &str = "VERDICT_TEST_SERVES_ANOTHER_PROCESS";

impl Elsewhere {
    fn start() -> Elsewhere {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["http2_held::serves_another_process", "--exact", "--ignored", "--nocapture"]).env(ELSEWHERE, "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let told = output.by_ref().map_while(Result::ok).find_map(|line| line.split("serves ").nth(1)?.parse().ok());
        Elsewhere { process, _output: output, address: told.expect("an address") }
    }

    /// Bytes that are resident, and neither files' nor the kernel's (proc_pid_status(5)).
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a figure") << 10
    }
}

impl Drop for Elsewhere {
    /// It ends with its input.
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "is started by another test, in a process of its own"]
fn serves_another_process() {
    if std::env::var_os(ELSEWHERE).is_none() {
        return;
    }
    let plan = Plan::new().file("page.txt", "page").route("/{path...}", "files = \"public\"");
    File::create(plan.public().join("huge.bin")).and_then(|file| file.set_len(64 << 20)).expect("a file");
    let site = plan.start();
    println!("serves {}", site.address);
    let _ = std::io::stdin().read(&mut [0]);
}
