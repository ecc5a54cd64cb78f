//! What an upstream, or a client by its means, could make of another client's answer: it makes nothing of it.

use crate::client::Client;
use crate::site::{Plan, Site};
use crate::upstream::{Asked, Upstream, hear, ok};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn gateway(members: &[&Upstream], options: &str) -> Site {
    let to: Vec<_> = members.iter().map(|member| format!("{:?}", member.url())).collect();
    let route = format!("proxy = {{ to = [{}]{options} }}", to.join(", "));
    Plan::new().top("explain = \"header\"\nworkers = 1").route("/{path...}", &route).start()
}

/// Bytes that look like an answer.
const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON";

fn upstream(answer: impl Fn(&Asked) -> Option<String> + Send + Sync + 'static) -> Upstream {
    Upstream::answering(move |asked| answer(asked).map_or_else(|| ok("own"), String::into_bytes))
}

#[test]
fn content_of_a_status_that_has_none_is_never_the_next_answer() {
    let length = FORGED.len();
    for content in [
        format!("Content-Length: {length}\r\n\r\n{FORGED}"),
        format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{FORGED}\r\n0\r\n\r\n"),
        format!("Connection: close\r\n\r\n{FORGED}"),
    ] {
        for status in ["205 Reset Content", "204 No Content", "304 Not Modified"] {
            let forged = format!("HTTP/1.1 {status}\r\n{content}");
            let forging = upstream(move |asked| asked.head.starts_with("GET /forged").then(|| forged.clone()));
            let site = gateway(&[&forging], "");
            let mut client = site.client();
            client.send("GET /forged HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
            let first = client.answer("GET");
            // What stands right behind a 204 and a 304 makes nonsense of both; a 205 may say that there is something.
            let said = status[..3].parse::<u16>().unwrap();
            assert!(first.status() == said || said != 205 && first.status() == 502, "{first:?}");
            assert!(first.status() == 502 || first.content.is_empty(), "{first:?}");
            let next = client.answer("GET");
            assert_eq!((next.status(), next.text()), (200, "own"), "behind {status} {content:?}");
        }
    }
}

#[test]
fn what_stands_behind_an_answer_is_nobodys_however_long_the_answer_is() {
    // As long as what is read at once, so that what follows is in the kernel still, and a little less and more.
    for size in [16_383, 16_384, 16_385, 32_768, 65_536] {
        for method in ["HEAD", "GET"] {
            let long = upstream(move |asked| {
                let content = if method == "GET" { "hello" } else { "" };
                asked.head.contains(" /long ").then(|| {
                    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Fill: ";
                    let fill = "x".repeat(size - head.len() - 4 - content.len());
                    format!("{head}{fill}\r\n\r\n{content}{FORGED}")
                })
            });
            let site = gateway(&[&long], "");
            let attacker = site.ask(format!("{method} /long HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert!([200, 502].contains(&attacker.status()), "{attacker:?}");
            for _ in 0..3 {
                let other = site.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
                assert_eq!((other.status(), other.text()), (200, "own"), "after {method} of {size} bytes");
            }
        }
    }
}

#[test]
fn only_a_protocol_that_was_offered_is_changed_to() {
    let asked = Arc::new(Mutex::new(Vec::<Asked>::new()));
    let notes = asked.clone();
    let switching = Upstream::start(move |mut stream| {
        let Some(heard) = hear(&mut stream, &mut Vec::new()) else { return };
        let upgrade = match heard.head.split(' ').nth(1) {
            Some("/another") => "Upgrade: another\r\n",
            Some("/none") => "",
            _ => "Upgrade: websocket\r\n",
        };
        notes.lock().unwrap().push(heard);
        let _ = stream.write_all(format!("HTTP/1.1 101 Changed\r\nConnection: upgrade\r\n{upgrade}\r\n").as_bytes());
        let _ = stream.read(&mut [0; 64]);
    });
    let site = gateway(&[&switching], "");
    let only = gateway(&[&switching], ", upgrade = \"websocket\"");
    let ask = |site: &Site, target: &str, fields: &str| {
        asked.lock().unwrap().clear();
        let mut client = TcpStream::connect(site.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n{fields}\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
        let mut line = [0; 12];
        client.read_exact(&mut line).unwrap();
        let offered = asked.lock().unwrap().first().map(|asked| asked.all("upgrade").join("|"));
        (String::from_utf8_lossy(&line)[9..].parse().unwrap_or(0), offered.unwrap_or_default())
    };
    let framing = 502_u16;
    for (site, target, fields, status, offered) in [
        (&site, "/another", "Upgrade: websocket", framing, "websocket"),
        (&site, "/none", "Upgrade: websocket", framing, "websocket"),
        // HTTP/2 within a tunnel would be a way past every rule.
        (&site, "/", "Upgrade: h2c", framing, ""),
        (&site, "/", "Upgrade: h2c, x", framing, "x"),
        (&site, "/", "Upgrade: HTTP/2.0", framing, ""),
        (&site, "/", "Upgrade:", framing, ""),
        (&site, "/", "Upgrade: websocket\r\nContent-Length: 0", framing, ""),
        (&site, "/", "Upgrade: websocket", 101, "websocket"),
        (&only, "/", "Upgrade: h2c, websocket", 101, "websocket"),
        (&only, "/", "Upgrade: other", 426, ""),
    ] {
        assert_eq!(ask(site, target, fields), (status, offered.to_owned()), "{target} {fields}");
    }
    // A request with content is not changed: what follows it would be in the middle of its content.
    let mut client = site.client();
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.answer("POST").status(), 502);
}

#[test]
fn a_field_in_another_spelling_is_not_taken_for_the_word_of_a_proxy() {
    let seen = Arc::new(Mutex::new(String::new()));
    let notes = seen.clone();
    let noting = upstream(move |asked| {
        *notes.lock().unwrap() = asked.head.to_ascii_lowercase();
        None
    });
    let site = gateway(&[&noting], "");
    let lines = "X_Forwarded_For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Port: 6\r\nX-Forwarded-Prefix: /6\r\n\
                 Content_Length: 66\r\nTransfer_Encoding: chunked\r\nX_Real_Ip: 6.6.6.6\r\nx_FORWARDED-proto: 6\r\n\
                 X_Kept: yes\r\nX-Kept: yes\r\n";
    assert_eq!(site.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).status(), 200);
    let head = seen.lock().unwrap().clone();
    assert!(head.contains("\r\nx_kept: yes\r\nx-kept: yes\r\n"), "{head}");
    for forged in ["6.6", ": 6", "/6", "chunked"] {
        assert!(!head.contains(forged), "{head}");
    }
    // Who is trusted may say it, in its own spelling.
    let plan = Plan::new().top("trusted-proxies = [\"127.0.0.1\"]");
    let site = plan.route("/{path...}", &format!("proxy = [{:?}]", noting.url())).start();
    assert_eq!(site.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 1.2.3.4\r\nX_Real_IP: 6.6.6.6\r\n\r\n").status(), 200);
    let head = seen.lock().unwrap().clone();
    assert!(head.contains("\r\nx-real-ip: 1.2.3.4\r\n") && !head.contains("6.6"), "{head}");
}

#[test]
fn a_member_that_breaks_its_answers_off_is_not_asked_for_a_while() {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let breaking = Upstream::start(move |mut stream| {
        if hear(&mut stream, &mut Vec::new()).is_some() {
            count.fetch_add(1, SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc");
        }
    });
    let good = upstream(|_| None);
    let site = gateway(&[&breaking, &good], "");
    let mut broken = 0;
    for _ in 0..60 {
        let mut client = site.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        broken += u64::from(client.try_answer("GET").is_err());
    }
    assert!(broken >= 3 && asked.load(SeqCst) == broken, "{broken} of {}", asked.load(SeqCst));
    assert!(broken <= 12, "it was asked {broken} times of 60");
}

/// All that comes on a connection, until it ends.
fn all(client: &mut TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(n @ 1..) = client.read(&mut piece) {
        came.extend_from_slice(&piece[..n]);
    }
    came
}

#[test]
fn an_answer_that_breaks_off_at_once_is_seen_to_break_off() {
    let breaking = Upstream::start(|mut stream| {
        if hear(&mut stream, &mut Vec::new()).is_some() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc");
        }
    });
    let site = gateway(&[&breaking], "");
    let mut client = TcpStream::connect(site.address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let came = String::from_utf8(all(&mut client)).unwrap();
    assert!(came.starts_with("HTTP/1.1 200 OK\r\n") && came.ends_with("\r\n\r\nabc"), "{came}");
}

#[test]
fn who_leaves_while_a_short_answer_stands_still_is_not_waited_for() {
    let (gone, heard) = std::sync::mpsc::channel();
    let gone = Mutex::new(gone);
    let stalling = Upstream::start(move |mut stream| {
        if hear(&mut stream, &mut Vec::new()).is_some() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
            let _ = stream.read(&mut [0; 16]);
            let _ = gone.lock().unwrap().send(());
        }
    });
    let site = gateway(&[&stalling], "");
    // What has come is passed on before long, and who leaves ends it.
    let mut client = Client::to(site.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut head = [0; 15];
    client.stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    drop(client);
    heard.recv_timeout(Duration::from_secs(10)).expect("the upstream is let go");
    let mut client = Client::to(site.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    drop(client);
    heard.recv_timeout(Duration::from_secs(10)).expect("the upstream is let go");
}

#[test]
fn who_sends_all_before_it_reads_is_served_by_who_answers_before_it_reads() {
    const SENT: usize = 24 << 20;
    const ANSWERED: usize = 12 << 20;
    let duplex = Upstream::start(|mut stream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        let mut reading = stream.try_clone().expect("a descriptor");
        let reader = std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            let mut left = SENT;
            while left > 0 {
                match reading.read(&mut piece) {
                    Ok(n @ 1..) => left -= n,
                    _ => break,
                }
            }
            left
        });
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {ANSWERED}\r\n\r\n").as_bytes());
        let _ = stream.write_all(&vec![b'y'; ANSWERED]);
        let _ = reader.join();
    });
    let route = format!("proxy = [{:?}]\nlimits = {{ body = \"64MiB\" }}", duplex.url());
    let site = Plan::new().route("/{path...}", &route).start();
    let began = Instant::now();
    let mut client = TcpStream::connect(site.address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    client.write_all(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SENT}\r\n\r\n").as_bytes()).unwrap();
    client.write_all(&vec![b'x'; SENT]).expect("all of it is taken while nothing is read");
    let mut came = 0;
    let mut piece = vec![0; 1 << 16];
    while came < ANSWERED {
        match client.read(&mut piece) {
            Ok(n @ 1..) => came += n,
            end => panic!("{end:?} after {came} bytes and {:?}", began.elapsed()),
        }
    }
}

#[test]
fn an_application_below_a_path_is_found_without_its_slash() {
    let own = upstream(|_| None);
    let route = format!("proxy = [{:?}]", own.url());
    let site = Plan::new().top("explain = \"header\"").route("/app/{path...}", &route).start();
    for method in ["GET", "POST", "PROPFIND"] {
        let answer = site.ask(format!("{method} /app?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"));
        assert_eq!((answer.status(), answer.get("location")), (308, Some("/app/?a=b")), "{method}");
        assert_eq!(answer.reason(), "slash-missing");
    }
    assert_eq!(site.ask("GET /apple HTTP/1.1\r\nHost: a\r\n\r\n").status(), 404);
    assert_eq!(site.ask("GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n").text(), "own");
}
