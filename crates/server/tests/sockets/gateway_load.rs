//! The gateway while members come and go: what may be asked again is, and nothing is asked twice that may not be.

use crate::site::{Plan, Site};
use crate::upstream::{Upstream, hear, ok};
use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn gateway(members: &[&Upstream], options: &str) -> Site {
    let to: Vec<_> = members.iter().map(|member| format!("{:?}", member.url())).collect();
    let route = format!("proxy = {{ to = [{}]{options} }}", to.join(", "));
    Plan::new().top("explain = \"header\"").route("/{path...}", &route).start()
}

#[test]
fn a_request_that_changes_nothing_twice_is_answered_by_another_member() {
    // Hears each request and goes without a word.
    let mute = Upstream::start(|mut stream| drop(hear(&mut stream, &mut Vec::new())));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let good = Upstream::answering(move |asked| {
        told.lock().unwrap().push((asked.method().to_owned(), asked.content.clone()));
        ok(if asked.method() == "HEAD" { "" } else { asked.method() })
    });
    let site = gateway(&[&mute, &good], "");
    let content = "x".repeat(60_000);
    for _ in 0..8 {
        for (method, content) in [("GET", ""), ("HEAD", ""), ("OPTIONS", ""), ("PUT", &content), ("DELETE", "")] {
            let length = content.len();
            let request = format!("{method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}");
            let answer = site.ask(&request);
            assert_eq!(answer.status(), 200, "{method}: {}", answer.text());
            let (known, got) = heard.lock().unwrap().pop().expect("it was asked");
            assert_eq!((&known[..], got.len()), (method, content.len()));
        }
        assert!(heard.lock().unwrap().is_empty(), "once each");
    }
}

#[test]
fn a_request_that_may_have_changed_something_is_not_sent_again() {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let mute = Upstream::start(move |mut stream| {
        if hear(&mut stream, &mut Vec::new()).is_some() {
            count.fetch_add(1, SeqCst);
        }
    });
    let good = Upstream::answering(|asked| ok(&asked.content));
    let site = gateway(&[&mute, &good], "");
    let mut failed = 0;
    for _ in 0..8 {
        let answer = site.ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        match answer.status() {
            200 => assert_eq!(answer.text(), "hi"),
            502 => {
                assert_eq!(answer.reason(), "upstream-reset");
                failed += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(failed > 0);
    assert_eq!(asked.load(SeqCst), failed, "each that it heard was told as failed");
}

#[test]
fn a_member_that_is_not_there_costs_nobody_an_answer() {
    let gone = Upstream::answering(|_| ok("never"));
    gone.kill();
    thread::sleep(Duration::from_millis(50));
    let good = Upstream::answering(|asked| ok(&asked.content));
    let site = gateway(&[&gone, &good], "");
    for i in 0..50 {
        // Nothing was sent, so that any method may go elsewhere, with all its content.
        let content = "y".repeat(i * 4001);
        let length = content.len();
        let answer = site.ask(format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}"));
        assert_eq!((answer.status(), answer.text().len()), (200, length), "{i}");
    }
}

#[test]
fn a_connection_that_the_member_has_closed_meanwhile_loses_nothing() {
    // Answers once on each connection, and closes it after a moment without having said so.
    let member = Upstream::start(|mut stream| {
        if hear(&mut stream, &mut Vec::new()).is_some() {
            let _ = stream.write_all(&ok("once"));
            thread::sleep(Duration::from_micros(200));
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    let site = gateway(&[&member], "");
    let mut client = site.client();
    for i in 0..500 {
        let answer = client.ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((answer.status(), answer.text()), (200, "once"), "{i}");
    }
}

#[test]
fn retries_are_at_most_a_fifth_of_the_requests() {
    const REQUESTS: u64 = 400;
    let asked = Arc::new(AtomicU64::new(0));
    let members: Vec<_> = (0..4)
        .map(|_| {
            let count = asked.clone();
            Upstream::start(move |mut stream| {
                if hear(&mut stream, &mut Vec::new()).is_some() {
                    count.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    let site = gateway(&members.iter().collect::<Vec<_>>(), "");
    for _ in 0..REQUESTS {
        assert_eq!(site.get("/a").reason(), "upstream-reset");
    }
    let asked = asked.load(SeqCst);
    assert!(asked > REQUESTS, "some were asked of another");
    assert!(asked <= REQUESTS + REQUESTS / 5 + 100, "{asked} for {REQUESTS}");
}

/// Asks from several connections until told to stop; how many answers there were, and what went wrong.
fn under_load(site: &Site, meanwhile: impl FnOnce()) -> (u64, Vec<String>) {
    let (over, answers, wrong) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = site.client();
                while !over.load(SeqCst) {
                    let answer = client.ask("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
                    answers.fetch_add(1, SeqCst);
                    if answer.status() != 200 || answer.text() != "x".repeat(1024) {
                        wrong.lock().unwrap().push(format!("{} {}", answer.status(), answer.reason()));
                    }
                }
            });
        }
        meanwhile();
        over.store(true, SeqCst);
    });
    (answers.load(SeqCst), wrong.into_inner().unwrap())
}

#[test]
fn killing_a_member_under_load_loses_no_request_that_may_be_repeated() {
    let members = [(); 2].map(|()| Upstream::answering(|_| ok("x".repeat(1024))));
    let site = gateway(&[&members[0], &members[1]], "");
    let (answers, wrong) = under_load(&site, || {
        thread::sleep(Duration::from_millis(500));
        members[0].kill();
        thread::sleep(Duration::from_millis(1000));
    });
    assert!(answers > 100 && wrong.is_empty(), "{answers} answers, of which {wrong:?}");
}

#[test]
fn restarting_one_member_after_the_other_under_load_loses_none() {
    let start = |address| Upstream::answering_at(address, |_| ok("x".repeat(1024)));
    let mut members = [(); 2].map(|()| start("127.0.0.1:0".parse().unwrap()));
    let site = gateway(&[&members[0], &members[1]], "");
    let (answers, wrong) = under_load(&site, || {
        for _ in 0..2 {
            for member in &mut members {
                thread::sleep(Duration::from_millis(300));
                member.kill();
                thread::sleep(Duration::from_millis(300));
                let before = Instant::now();
                let again = start(member.address);
                // One that was ejected is asked again within seconds, and the next is not stopped before.
                while again.connections() == 0 && before.elapsed() < Duration::from_secs(10) {
                    thread::sleep(Duration::from_millis(20));
                }
                assert!(again.connections() > 0, "it is asked again");
                *member = again;
            }
        }
    });
    assert!(answers > 100 && wrong.is_empty(), "{answers} answers, of which {wrong:?}");
}

#[test]
fn the_same_key_is_asked_of_the_same_member() {
    let members = ["one", "two", "three"].map(|name| Upstream::answering(move |_| ok(name)));
    let site = gateway(&[&members[0], &members[1], &members[2]], ", balance = \"hash:X-Key\"");
    let mut used = std::collections::BTreeSet::new();
    for key in 0..30 {
        let ask = || site.get_with("/a", &format!("X-Key: {key}\r\n")).text().to_owned();
        let first = ask();
        assert!((0..3).all(|_| ask() == first), "{key}");
        used.insert(first);
    }
    assert_eq!(used.len(), 3);
    let kept: Vec<_> = (0..30).map(|key| site.get_with("/a", &format!("X-Key: {key}\r\n")).text().to_owned()).collect();
    members[0].kill();
    for (key, before) in kept.iter().enumerate() {
        let now = site.get_with("/a", &format!("X-Key: {key}\r\n")).text().to_owned();
        assert!(now == *before || before == "one", "{key}: {before} became {now}");
    }
}
