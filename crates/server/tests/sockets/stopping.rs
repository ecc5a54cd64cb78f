//! How a server ends: what has begun is finished, what does not end is cut, and nobody waits for longer than that.

use crate::client::Client;
use crate::connection::{PAGE, plan};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_server_that_stops_finishes_what_it_has_begun() {
    let mut site = plan().file("huge.bin", vec![b'h'; 32 << 20]).top("drain = \"20s\"").start();
    let (mut busy, mut idle, mut fresh) =
        (Client::with_small_buffer(site.address, 64 << 10), site.client(), site.client());
    assert_eq!(idle.ask(PAGE).status(), 200);
    busy.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(busy.head().expect("a head").status, 200);
    let address = site.address;
    let began = Instant::now();
    let stopping = std::thread::spawn(move || {
        site.stop();
        site
    });
    idle.end();
    assert!(began.elapsed() < Duration::from_secs(5), "an idle connection waited {:?}", began.elapsed());
    // The listener is gone by the time that idle connections end.
    assert!(TcpStream::connect(address).is_err());
    assert!(!stopping.is_finished());
    let content = busy.take(32 << 20).expect("all of it");
    assert!(content.iter().all(|byte| *byte == b'h'));
    busy.end();
    fresh.end_in_any_way();
    stopping.join().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_request_that_is_there_when_the_server_stops_is_answered_and_is_the_last() {
    let mut site = plan().file("huge.bin", vec![b'h'; 32 << 20]).top("drain = \"20s\"").start();
    let mut client = Client::with_small_buffer(site.address, 64 << 10);
    client.send(format!("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n{PAGE}{PAGE}"));
    assert_eq!(client.head().expect("a head").status, 200);
    let mut idle = site.client();
    assert_eq!(idle.ask(PAGE).status(), 200);
    let stopping = std::thread::spawn(move || site.stop());
    idle.end();
    client.take(32 << 20).expect("all of it");
    let answer = client.answer("GET");
    assert!(answer.closes() && matches!(answer.status(), 200 | 503), "{:?}", answer.head);
    client.end();
    stopping.join().expect("it ends");
}

#[test]
fn what_does_not_end_is_cut_when_the_time_to_drain_is_over() {
    let mut site = plan().file("huge.bin", vec![b'h'; 32 << 20]).top("drain = \"1s\"").start();
    let mut client = Client::with_small_buffer(site.address, 8 << 10);
    client.send("GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head().expect("a head");
    let began = Instant::now();
    site.stop();
    assert!((0.9..5.0).contains(&began.elapsed().as_secs_f32()), "{:?}", began.elapsed());
    assert!(client.take(32 << 20).is_err());
}

/// Clients that are told that there is no room, and go on sending, keep the acceptor from accepting and not from ending.
#[test]
fn a_server_that_is_full_ends_in_its_time() {
    let mut site = plan().limits("connections = 1\n").start();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut clients: Vec<_> = (0..80).map(|_| TcpStream::connect(site.address).expect("a queue")).collect();
        for client in &mut clients {
            let head = b"POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n";
            client.write_all(head).expect("a buffer");
        }
        clients[5].read_exact(&mut [0; 12]).expect("it is told that there is no room");
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                clients.iter_mut().for_each(|client| drop(client.write_all(b"x")));
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let begun = Instant::now();
        site.stop();
        over.store(true, Ordering::Relaxed);
        assert!(begun.elapsed() < Duration::from_secs(8), "`drain` is 2 s, and it took {:?}", begun.elapsed());
    });
}
