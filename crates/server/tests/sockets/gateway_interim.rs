//! What comes before an upstream's answer, and answers that come before the request has been sent.

use crate::site::{Plan, Site};
use crate::upstream::{Upstream, hear, hear_head, ok};
use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

fn gateway(member: &Upstream, options: &str, lines: &str) -> Site {
    let route = format!("proxy = {{ to = [{:?}]{options} }}\n{lines}", member.url());
    Plan::new().top("explain = \"header\"").limits("body = \"64MiB\"").route("/{path...}", &route).start()
}

const EXPECTING: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn the_invitation_is_the_upstreams() {
    let (heard, head) = channel();
    let member = Upstream::start(move |mut stream| {
        let mut input = Vec::new();
        let Some(head) = hear_head(&mut stream, &mut input) else { return };
        assert!(input.is_empty(), "content that nobody invited");
        heard.send(head).unwrap();
        thread::sleep(Duration::from_millis(100));
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut content = [0; 5];
        stream.read_exact(&mut content).unwrap();
        stream.write_all(&ok(content)).unwrap();
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send(EXPECTING);
    let head = head.recv_timeout(Duration::from_secs(10)).expect("it is asked before there is content");
    assert!(head.contains("\r\nExpect: 100-continue\r\n"), "{head}");
    let interim = client.head().unwrap();
    assert_eq!(interim.status, 100);
    client.send("hello");
    let answer = client.answer("POST");
    assert_eq!((answer.status(), answer.text()), (200, "hello"));
}

#[test]
fn an_upstream_that_refuses_instead_gets_no_content() {
    let (rest, sent) = channel();
    let member = Upstream::start(move |mut stream| {
        let Some(_) = hear_head(&mut stream, &mut Vec::new()) else { return };
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n").unwrap();
        let mut rest_of_it = Vec::new();
        let _ = stream.read_to_end(&mut rest_of_it);
        rest.send(rest_of_it).unwrap();
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send(EXPECTING);
    let answer = client.answer("POST");
    assert_eq!((answer.status(), answer.text(), answer.interim.len()), (413, "no\n", 0));
    drop(client);
    assert_eq!(sent.recv_timeout(Duration::from_secs(10)).unwrap(), b"");
}

#[test]
fn who_does_not_wait_for_an_invitation_is_served_without() {
    let member = Upstream::answering(|asked| ok(&asked.content));
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send(EXPECTING);
    thread::sleep(Duration::from_millis(200));
    client.send("hello");
    assert_eq!(client.answer("POST").text(), "hello");
    // And at once.
    client.send(format!("{EXPECTING}again"));
    assert_eq!(client.answer("POST").text(), "again");
}

#[test]
fn hints_are_for_those_who_know_what_they_are() {
    const HINTED: &[u8] =
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX: y\r\n\r\n\
                            HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let member = Upstream::answering(|_| HINTED.to_vec());
    let (some, all) = (gateway(&member, "", ""), gateway(&member, "", "hints-to = \"all\""));
    let navigates = "Sec-Fetch-Mode: navigate\r\n";
    for (site, request, hinted) in [
        (&some, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), false),
        (&some, format!("GET / HTTP/1.1\r\nHost: a\r\n{navigates}\r\n"), true),
        (&all, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), true),
        (&all, format!("GET / HTTP/1.0\r\n{navigates}\r\n"), false),
    ] {
        let answer = site.ask(&request);
        assert_eq!((answer.status(), answer.text()), (200, "ok"), "{request}");
        let told: Vec<_> = answer.interim.iter().map(|interim| (interim.status, &interim.fields[..])).collect();
        let link = [("link".to_owned(), "</a.css>; rel=preload".to_owned())];
        match hinted {
            true => assert_eq!(told.len(), 1, "{request}"),
            false => assert!(told.is_empty(), "{request}"),
        }
        for (status, fields) in told {
            assert_eq!(status, 103);
            assert!(fields.iter().all(|(name, value)| (name.to_lowercase(), value.clone()) == link[0]), "{fields:?}");
        }
    }
}

#[test]
fn an_upstream_may_be_too_slow_after_a_hint() {
    let member = Upstream::start(|mut stream| {
        hear(&mut stream, &mut Vec::new());
        stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 1]);
    });
    let site = gateway(&member, "", "hints-to = \"all\"\ntimeout = { first-byte = \"300ms\" }");
    let answer = site.get("/a");
    assert_eq!((answer.status(), &answer.reason()[..]), (504, "upstream-first-byte-slow"));
    assert_eq!(answer.interim.iter().map(|interim| interim.status).collect::<Vec<_>>(), [103]);
    assert_eq!(answer.get("proxy-status"), Some("verdict; error=http_response_timeout"));
}

#[test]
fn both_directions_stream_at_the_same_time() {
    // Says back each piece as soon as it has it.
    let member = Upstream::start(|mut stream| {
        let mut input = Vec::new();
        let Some(head) = hear_head(&mut stream, &mut input) else { return };
        assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let mut piece = [0; 4096];
        loop {
            // What comes is framed as what goes.
            let _ = stream.write_all(&input);
            if input.ends_with(b"0\r\n\r\n") {
                return;
            }
            let n = stream.read(&mut piece).unwrap_or(0);
            if n == 0 {
                return;
            }
            input = piece[..n].to_vec();
        }
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for i in 0..20 {
        let piece = format!("piece {i:02}!");
        client.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        if i == 0 {
            assert_eq!(client.head().unwrap().status, 200);
        }
        // It is back before the next is sent.
        let echoed = client.take(piece.len() + 5).unwrap();
        assert_eq!(String::from_utf8_lossy(&echoed), format!("{:x}\r\n{piece}\r\n", piece.len()));
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.take(5).unwrap(), b"0\r\n\r\n");
}

#[test]
fn an_answer_that_comes_early_ends_the_request() {
    let member = Upstream::start(|mut stream| {
        let Some(_) = hear_head(&mut stream, &mut Vec::new()) else { return };
        stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
        // It reads no more, and does not go.
        thread::sleep(Duration::from_secs(5));
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n");
    let mut sending = client.stream.try_clone().unwrap();
    let sender = thread::spawn(move || {
        let piece = vec![b'x'; 64 << 10];
        for _ in 0..30_000_000 / piece.len() {
            if sending.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let answer = client.answer("POST");
    assert_eq!((answer.status(), answer.text()), (403, "no\n"));
    assert!(answer.closes());
    drop(client);
    sender.join().unwrap();
}

#[test]
fn a_client_that_does_not_read_keeps_the_upstream_from_sending() {
    let (told, sent) = channel();
    let member = Upstream::start(move |mut stream| {
        hear(&mut stream, &mut Vec::new());
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut sent = 0;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        let piece = vec![b'x'; 64 << 10];
        while let Ok(n @ 1..) = stream.write(&piece) {
            sent += n;
        }
        told.send(sent).unwrap();
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    let sent = sent.recv_timeout(Duration::from_secs(30)).expect("it is kept from sending");
    // The buffers of four sockets.
    assert!(sent < 64 << 20, "{sent}");
}

#[test]
fn a_client_that_leaves_is_not_worked_for() {
    let (told, gone) = channel();
    let member = Upstream::start(move |mut stream| {
        hear(&mut stream, &mut Vec::new());
        let begun = Instant::now();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0, "nothing more comes");
        told.send(begun.elapsed()).unwrap();
    });
    let site = gateway(&member, "", "");
    let mut client = site.client();
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(200));
    drop(client);
    assert!(gone.recv_timeout(Duration::from_secs(10)).expect("it is told") < Duration::from_secs(5));
}
