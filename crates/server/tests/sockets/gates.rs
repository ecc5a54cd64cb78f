//! What stands before a route's handler, where it takes more than one request to see it: rates, room, guesses, what is hidden,
//! and what pages of other origins may read.

use crate::client::{Answer, Client};
use crate::site::{Plan, Site};
use std::fs;
use std::net::Shutdown;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// `ann` with `secret`, `bob` with `hunter2`; ann is an editor.
const USERS: &str = "ann:$2b$04$Er/o8ejexPShdrUmej8g2eNnV5H.Zk6XX/xYOrByUr.GKeK4txVGq:editor\n\
                     bob:$2b$04$CiyTX2MlIMCW3tRriKPOSeLAgVECNO.B08qDBjG8n3MQNavJ5M33C\n";
const ANN: &str = "Authorization: Basic YW5uOnNlY3JldA==\r\n";
const BOB: &str = "Authorization: Basic Ym9iOmh1bnRlcjI=\r\n";
const WRONG: &str = "Authorization: Basic YW5uOmh1bnRlcjI=\r\n";
const STRANGER: &str = "Authorization: Basic ZXZlOmh1bnRlcjI=\r\n";

/// A plan whose routes may say `auth = "staff"`.
fn guarded() -> Plan {
    let plan = Plan::new().file("page.txt", "page");
    fs::write(plan.public().join("../users.htpasswd"), USERS).expect("a file");
    plan.route("/pattern", "respond = { status = 410 }\nauth = \"none\"\n[auth.staff]\nbasic = \"users.htpasswd\"")
}

fn reasons(site: &Site, target: &str, fields: &str, count: usize) -> Vec<String> {
    (0..count).map(|_| site.get_with(target, fields).reason().to_owned()).collect()
}

#[test]
fn a_rate_lets_in_what_it_says_and_tells_the_rest_when_to_come_again() {
    let site = Plan::new().route("/{path...}", "files = \"public\"\nrate = \"3/h per client\"").start();
    for remaining in [2, 1, 0] {
        // Whatever came of it: it is requests that are counted.
        let answer = site.get("/nothing");
        assert_eq!(answer.status(), 404);
        let told = answer.get("ratelimit").expect("a field");
        assert!(told.starts_with(&format!("\"default\";r={remaining};t=")), "{told}");
        assert_eq!(answer.get("ratelimit-policy"), Some("\"default\";q=3;w=3600"));
        assert_eq!(answer.get("retry-after"), None);
    }
    for _ in 0..2 {
        let answer = site.get("/nothing");
        assert_eq!((answer.status(), &*answer.reason()), (429, "client-over-rate"));
        let wait: u64 = answer.get("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
        assert!((1190..=1200).contains(&wait), "{wait}");
        assert!(answer.get("ratelimit").is_some_and(|told| told.starts_with("\"default\";r=0;t=")), "{answer:?}");
    }
}

#[test]
fn a_request_is_counted_once_whether_or_not_it_has_to_wait() {
    // Content, and a look-up that is not in memory yet, are waited for.
    let site = Plan::new()
        .file("a.txt", "a")
        .file("b.txt", "b")
        .route("/{path...}", "files = \"public\"\nrate = \"4/h per client\"")
        .start();
    let mut client = site.client();
    let asked = [
        "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /b.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nwait",
        "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for (remaining, request) in [3, 2, 1, 0].into_iter().zip(asked) {
        let answer = client.ask(request);
        let told = answer.get("ratelimit").expect("a field");
        assert!(told.contains(&format!(";r={remaining};")), "{request}: {told}");
    }
    assert_eq!(client.ask(asked[0]).status(), 429);
}

#[test]
fn a_rate_counts_by_field_by_user_and_by_whom_a_trusted_proxy_speaks_for() {
    let served = |left: usize| (0..3).map(|i| if i < left { "served" } else { "over" }).collect::<Vec<_>>();
    let told = |reasons: Vec<String>| -> Vec<&'static str> {
        reasons.iter().map(|reason| if reason.ends_with("over-rate") { "over" } else { "served" }).collect()
    };
    let by_field = Plan::new()
        .file("page.txt", "page")
        .route("/{path...}", "files = \"public\"\nrate = \"2/h per field:X-Key\"")
        .start();
    assert_eq!(told(reasons(&by_field, "/page.txt", "X-Key: one\r\n", 3)), served(2));
    assert_eq!(told(reasons(&by_field, "/page.txt", "x-key: two\r\n", 3)), served(2));
    assert_eq!(told(reasons(&by_field, "/page.txt", "", 3)), served(2));
    assert_eq!(by_field.get_with("/page.txt", "X-Key: one\r\n").reason(), "field-over-rate");

    let by_user =
        guarded().route("/{path...}", "files = \"public\"\nauth = \"staff\"\nrate = \"2/h per user\"").start();
    assert_eq!(told(reasons(&by_user, "/page.txt", ANN, 3)), served(2));
    assert_eq!(told(reasons(&by_user, "/page.txt", BOB, 3)), served(2));
    assert_eq!(by_user.get_with("/page.txt", ANN).reason(), "user-over-rate");
    assert_eq!(by_user.get("/page.txt").reason(), "credentials-missing");

    let route = "files = \"public\"\nrate = \"2/h per client\"";
    let behind =
        Plan::new().file("page.txt", "page").top("trusted-proxies = [\"127.0.0.0/8\"]").route("/{path...}", route);
    let behind = behind.start();
    assert_eq!(told(reasons(&behind, "/page.txt", "X-Forwarded-For: 192.0.2.1\r\n", 3)), served(2));
    assert_eq!(told(reasons(&behind, "/page.txt", "Forwarded: for=192.0.2.2\r\n", 3)), served(2));
    // What stands before the address that the proxy saw, its client can have written.
    assert_eq!(told(reasons(&behind, "/page.txt", "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n", 1)), ["over"]);

    let alone = Plan::new().file("page.txt", "page").route("/{path...}", route).start();
    assert_eq!(told(reasons(&alone, "/page.txt", "X-Forwarded-For: 192.0.2.1\r\n", 2)), ["served", "served"]);
    assert_eq!(told(reasons(&alone, "/page.txt", "X-Forwarded-For: 192.0.2.2\r\n", 1)), ["over"]);
}

/// A site whose one place is taken by a client that does not read its answer.
fn taken(queue: &str) -> (Site, Client) {
    let concurrency = format!("files = \"public\"\nconcurrency = {{ max = 1, {queue} }}");
    let site = Plan::new().file("large.bin", vec![b'x'; 32 << 20]).file("page.txt", "page");
    let site = site.route("/{path...}", &concurrency).start();
    let mut holder = Client::with_small_buffer(site.address, 4096);
    holder.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    holder.head().expect("it has begun");
    (site, holder)
}

#[test]
fn beyond_its_room_a_route_refuses_at_once() {
    let (site, holder) = taken("queue = 0");
    let begun = Instant::now();
    let answer = site.get("/page.txt");
    assert_eq!((answer.status(), &*answer.reason()), (503, "route-queue-full"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let wait: u64 = answer.get("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((1..=4).contains(&wait), "{wait}");
    // A place is free when its client is gone.
    drop(holder);
    let begun = Instant::now();
    while site.get("/page.txt").status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the place is never given back");
        std::thread::yield_now();
    }
}

#[test]
fn who_waits_for_room_gets_it_in_time_or_is_told() {
    let (site, holder) = taken("queue = 1, wait = \"300ms\"");
    let begun = Instant::now();
    let answer = site.get("/page.txt");
    assert_eq!((answer.status(), &*answer.reason()), (503, "route-wait-over"));
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    drop((site, holder));

    let (site, holder) = taken("queue = 1, wait = \"20s\"");
    let mut waiting = site.client();
    waiting.send("GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    // One waits, and the next finds the queue full.
    let begun = Instant::now();
    while site.get("/page.txt").reason() != "route-queue-full" {
        assert!(begun.elapsed() < Duration::from_secs(19), "nobody waits");
    }
    drop(holder);
    assert_eq!(waiting.answer("GET").status(), 200);
}

/// A client that ends its side may have gone: its place is given up, and if it still reads, it is told.
#[test]
fn who_leaves_while_it_waits_for_room_gives_its_place_up() {
    let (site, _holder) = taken("queue = 1, wait = \"60s\"");
    let begun = Instant::now();
    let waits = || loop {
        let mut client = site.client();
        client.send("GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        client.stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
        if client.stream.peek(&mut [0]).is_err() {
            client.stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
            return client;
        }
        assert_eq!(client.answer("GET").reason(), "route-queue-full");
        assert!(begun.elapsed() < Duration::from_secs(20), "the place is never given up");
    };
    drop(waits());
    let mut ends = waits();
    assert_eq!(site.get("/page.txt").reason(), "route-queue-full");
    ends.stream.shutdown(Shutdown::Write).expect("it is open");
    let answer = ends.answer("GET");
    assert_eq!((answer.status(), &*answer.reason()), (503, "route-wait-over"));
    drop(waits());
}

/// What may differ between two answers that tell the same.
fn told(answer: &Answer) -> (Vec<(String, String)>, String) {
    let id = answer.get("request-id").unwrap_or_default();
    let content = String::from_utf8_lossy(&answer.content).replace(id, "ID");
    (answer.lasting_fields(), content)
}

/// A route that is hidden, with everything that could give it away.
const HIDDEN: &str = "files = \"public\"\nauth = \"staff\"\nallow = [\"ann\"]\nhide = true\nrate = \"9/h per client\"\n\
                      maintenance = { until = 2001-01-01T00:00:00Z }\nconcurrency = { max = 1 }\npages = { 404 = \"404.html\" }\n\
                      headers = { X-Secret = \"1\", Cache-Control = \"no-store\" }\ncors = { origins = [\"https://a.example\"] }\n\
                      limits = { target = \"64B\", fields = \"1KiB\", body = \"9B\" }";

const EVERY_METHOD: [&str; 9] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"];

const PREFLIGHT: &str = "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n";

/// Asks both targets for the same, and compares what is told.
fn same(site: &Site, method: &str, (one, other): (&str, &str), fields: &str) -> Answer {
    let ask = |target: &str| {
        let message = format!("{method} {target} HTTP/1.1\r\nHost: site.test\r\n{fields}\r\n");
        site.ask(message)
    };
    let (one, other) = (ask(one), ask(other));
    assert_eq!(told(&one), told(&other), "{method} {fields}");
    assert_eq!((one.status(), one.closes()), (other.status(), other.closes()), "{method} {fields}");
    one
}

#[test]
fn what_is_hidden_cannot_be_told_from_a_target_of_no_route() {
    let site = guarded();
    fs::write(site.public().join("../404.html"), "<p>ours").expect("a file");
    let site = site.file("secret/page.txt", "secret").route("/secret/{path...}", HIDDEN).start();
    // Whose password is remembered is not locked out by the guesses of others.
    assert_eq!(site.get_with("/secret/page.txt", ANN).status(), 200);
    let long = format!("X-Long: {}\r\n", "x".repeat(2000));
    for accept in ["", "Accept: application/json\r\n", "Accept: text/html\r\n"] {
        for who in ["", BOB, WRONG, STRANGER, "Authorization: Bearer x\r\n"] {
            // Guesses are counted, and so that there are few of them most are made in one way.
            let guesses = who == WRONG || who == STRANGER;
            let extras =
                ["", PREFLIGHT, "Origin: https://a.example\r\n", &long, "If-None-Match: *\r\nRange: bytes=0-1\r\n"];
            for extra in if guesses { &extras[..1] } else { &extras[..] } {
                for method in if guesses { &EVERY_METHOD[..2] } else { &EVERY_METHOD[..] } {
                    let answer =
                        same(&site, method, ("/secret/page.txt", "/nowhere"), &format!("{accept}{who}{extra}"));
                    assert_eq!(answer.status(), if *method == "BREW" { 501 } else { 404 }, "{method}");
                }
            }
            if !guesses {
                same(&site, "GET", ("/secret", "/nowhere"), &format!("{accept}{who}"));
                same(&site, "GET", (&format!("/secret/{}", "x".repeat(99)), "/nowhere"), &format!("{accept}{who}"));
                let content = "Content-Length: 10\r\n\r\n0123456789\r\n";
                same(&site, "POST", ("/secret/page.txt", "/nowhere"), &format!("{accept}{who}{content}"));
            }
        }
    }
    // It is there all the same, with what is its own, and none of those requests took anything from its rate.
    let answer = site.get_with("/secret/page.txt", &format!("{ANN}Origin: https://a.example\r\n"));
    assert_eq!((answer.status(), answer.get("x-secret")), (200, Some("1")));
    assert!(answer.get("ratelimit").is_some_and(|told| told.starts_with("\"default\";r=7;")), "{answer:?}");
    assert_eq!(answer.get("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(site.ask(format!("POST /secret/page.txt HTTP/1.1\r\nHost: a\r\n{ANN}\r\n")).status(), 405);
    (0..6).for_each(|_| assert_eq!(site.get_with("/secret/page.txt", ANN).status(), 200));
    assert_eq!(site.get_with("/secret/page.txt", ANN).reason(), "client-over-rate");
    same(&site, "GET", ("/secret/page.txt", "/nowhere"), "");
}

#[test]
fn what_is_hidden_beneath_another_route_is_what_that_one_does_not_have() {
    let outer = "files = \"public\"\nauth = \"none\"\nrate = \"200/h per client\"\nheaders = { X-Outer = \"1\" }\n\
                 cors = { origins = [\"https://a.example\"] }\npages = { 404 = \"outer.html\" }";
    let site = guarded();
    fs::write(site.public().join("../404.html"), "<p>ours").expect("a file");
    fs::write(site.public().join("../outer.html"), "<p>theirs").expect("a file");
    let site = site.route("/{path...}", outer).route("/secret/{path...}", HIDDEN);
    let site = site.file("secret/page.txt", "secret").file("page.txt.gz", "").start();
    let rate_left = |answer: &Answer| {
        let told = answer.get("ratelimit").and_then(|told| told.split("r=").nth(1)).expect("a field");
        told.split(';').next().and_then(|left| left.parse::<u32>().ok()).expect("a number")
    };
    for accept in ["", "Accept: application/json\r\n", "Accept: text/html\r\n"] {
        for who in ["", BOB] {
            for (method, extra, status) in [
                ("GET", "", 404),
                ("HEAD", "", 404),
                ("GET", "Origin: https://a.example\r\n", 404),
                ("OPTIONS", PREFLIGHT, 204),
                ("BREW", "", 501),
            ] {
                let ask = |target: &str| {
                    let fields = format!("{accept}{who}{extra}");
                    let message = format!("{method} {target} HTTP/1.1\r\nHost: site.test\r\n{fields}\r\n");
                    site.ask(message)
                };
                // The file lies in the other route's folder too.
                let (hidden, absent) = (ask("/secret/page.txt"), ask("/nothing/page.txt"));
                assert_eq!((hidden.status(), absent.status()), (status, status), "{method} {who}");
                // Each counts.
                assert_eq!(rate_left(&hidden), rate_left(&absent) + 1, "{method} {who}");
                let without_rate = |answer: &Answer| {
                    let (mut fields, content) = told(answer);
                    fields.retain(|(name, _)| name != "ratelimit");
                    (fields, content)
                };
                assert_eq!(without_rate(&hidden), without_rate(&absent), "{method} {who}");
            }
            // It refuses each method alike.
            for method in ["POST", "OPTIONS", "PUT", "TRACE"] {
                let answer = site.ask(format!("{method} /secret/page.txt HTTP/1.1\r\nHost: a\r\n{accept}{who}\r\n"));
                assert_eq!((answer.status(), &*answer.reason()), (404, "nothing-there"), "{method}");
                assert_eq!(answer.get("allow"), None, "{method}");
            }
        }
    }
    assert_eq!(site.get_with("/secret/page.txt", ANN).status(), 200);
}

#[test]
fn a_wrong_password_counts_once_whether_or_not_what_is_hidden_is_looked_for() {
    // The route beneath which it is hidden looks a name up that is not in memory yet, so that each request is begun twice.
    let site = guarded().route("/{path...}", "files = \"public\"\nauth = \"none\"");
    let site = site.route("/secret/{path...}", "files = \"public\"\nauth = \"staff\"\nhide = true");
    let site = site.route("/told/{path...}", "files = \"public\"\nauth = \"staff\"").start();
    // Ten are too many, and each after them is six seconds more.
    for i in 0..20 {
        assert_eq!(site.get_with(&format!("/secret/{i}"), STRANGER).status(), 404);
    }
    let answer = site.get_with("/told/page", STRANGER);
    assert_eq!((answer.status(), &*answer.reason()), (429, "too-many-failures"));
    let wait: u64 = answer.get("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    // 20 failures are 120 seconds of debt, of which 54 are allowed; the one that asks is counted after it is answered, or before.
    assert!((60..=72).contains(&wait), "{wait}");
}

#[test]
fn nobody_learns_which_users_there_are() {
    let site = guarded().route("/{path...}", "files = \"public\"\nauth = \"staff\"").start();
    for accept in ["", "Accept: application/json\r\n", "Accept: text/html\r\n"] {
        let wrong = site.get_with("/page.txt", &format!("{accept}{WRONG}"));
        let stranger = site.get_with("/page.txt", &format!("{accept}{STRANGER}"));
        assert_eq!(wrong.status(), 401);
        assert_eq!(wrong.get("www-authenticate"), Some("Basic realm=\"staff\", charset=\"UTF-8\""));
        assert_eq!(told(&wrong), told(&stranger));
    }
}

#[test]
fn who_guesses_too_often_has_to_wait_and_who_is_known_has_not() {
    let site = guarded().route("/{path...}", "files = \"public\"\nauth = \"staff\"").start();
    assert_eq!(site.get_with("/page.txt", ANN).status(), 200);
    let reasons = reasons(&site, "/page.txt", STRANGER, 12);
    assert!(reasons.starts_with(&["user-unknown".to_owned()]), "{reasons:?}");
    let answer = site.get_with("/page.txt", STRANGER);
    assert_eq!((answer.status(), &*answer.reason()), (429, "too-many-failures"));
    assert!(answer.get("retry-after").and_then(|wait| wait.parse::<u64>().ok()).is_some_and(|wait| wait >= 1));
    // Whoever shares the guesser's address and is remembered is not locked out.
    assert_eq!(site.get_with("/page.txt", ANN).status(), 200);
}

/// Whether this process runs no other test. If it does, the test of that name is run by one that does not, and passes there.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "VERDICT_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut alone = std::process::Command::new(std::env::current_exe().expect("this program"));
    let ran = alone.args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// A hash of some tens of milliseconds at least; no password that is sent here has it.
const COSTLY: &str = "ann:$2b$09$Er/o8ejexPShdrUmej8g2eNnV5H.Zk6XX/xYOrByUr.GKeK4txVGq\n";

#[test]
fn more_passwords_than_can_wait_are_refused_and_hold_up_nothing_else() {
    // What verifies passwords is the process's, and other tests want theirs verified.
    if !is_alone("gates::more_passwords_than_can_wait_are_refused_and_hold_up_nothing_else") {
        return;
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let console = free.local_addr().expect("an address");
    drop(free);
    let site = guarded().file("page.txt", "page");
    fs::write(site.public().join("../costly.htpasswd"), COSTLY).expect("a file");
    let top = format!(
        "trusted-proxies = [\"127.0.0.0/8\"]\nconsole = {{ listen = \"{console}\", token = \"correct-horse-battery\" }}"
    );
    let site = site
        .top(&top)
        .route("/open/{path...}", "files = \"public\"\nauth = \"none\"")
        .route("/{path...}", "files = \"public\"\nauth = \"costly\"\n[auth.costly]\nbasic = \"costly.htpasswd\"")
        .start();
    // Half of the cores hash, and 64 wait for them.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = (cores / 2).max(1) + 64;
    // Each guess is of another client, since one that fails is soon refused for that.
    let mut clients: Vec<Client> = (0..most + 32).map(|_| site.client()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        let from = format!("X-Forwarded-For: 198.51.{}.{}\r\n", i / 250, i % 250);
        client.send(format!("GET /page.txt HTTP/1.1\r\nHost: a\r\n{from}{WRONG}\r\n"));
    }
    // Nobody else waits for them.
    assert_eq!(site.get("/open/page.txt").status(), 200);
    let mut asked = Client::to(console);
    assert_eq!(asked.ask("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status(), 200);
    let (mut wrong, mut busy) = (0, 0);
    for client in &mut clients {
        let answer = client.answer("GET");
        match (answer.status(), &*answer.reason()) {
            (401, "user-unknown") => wrong += 1,
            (503, "verifier-busy") => {
                let wait: u64 = answer.get("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
                assert!((1..=4).contains(&wait) && !answer.closes(), "{answer:?}");
                busy += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    // One that has just been taken out of the queue has left a place there, or not yet.
    assert!(busy > 0 && wrong >= 64, "{busy} of {} were refused", most + 32);
    // There is room again, and the connection of one that was refused is as good as any.
    let wrong = format!("X-Forwarded-For: 203.0.113.1\r\n{WRONG}");
    let last = clients.last_mut().expect("a client");
    assert_eq!(last.ask(format!("GET /page.txt HTTP/1.1\r\nHost: a\r\n{wrong}\r\n")).status(), 401);
}

#[test]
fn users_change_with_their_file() {
    let site = guarded().route("/{path...}", "files = \"public\"\nauth = \"staff\"").start();
    assert_eq!(site.get_with("/page.txt", ANN).status(), 200);
    let bob = USERS.lines().nth(1).expect("bob");
    fs::write(site.path("../users.htpasswd"), bob).expect("a file");
    let begun = Instant::now();
    while site.get_with("/page.txt", ANN).status() == 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "who was taken out of the file is remembered");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(site.get_with("/page.txt", BOB).status(), 200);
    // A file that cannot be used changes nothing.
    fs::write(site.path("../users.htpasswd"), "no hash").expect("a file");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(site.get_with("/page.txt", BOB).status(), 200);
}

#[test]
fn content_is_not_asked_for_from_whom_it_is_not_taken() {
    let site = guarded().route("/{path...}", "files = \"public\"\nauth = \"staff\"").start();
    let mut client = site.client();
    client.send(format!(
        "PUT /page.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 104857600\r\n{WRONG}\r\n"
    ));
    let answer = client.answer("PUT");
    assert_eq!((answer.status(), answer.interim.len()), (401, 0));
    assert!(answer.closes(), "whether the content comes is not known: {answer:?}");
}

#[test]
fn a_page_of_an_allowed_origin_reads_every_status() {
    let cors = "cors = { origins = [\"https://a.example\"] }\n";
    let site = guarded()
        .route("/{path...}", &format!("files = \"public\"\n{cors}"))
        .route("/guarded/{path...}", &format!("files = \"public\"\nauth = \"staff\"\nallow = [\"ann\"]\n{cors}"))
        .route("/rated", &format!("respond = {{ status = 200 }}\nrate = \"1/h\"\n{cors}"))
        .route("/closed", &format!("respond = {{ status = 200 }}\nmaintenance = true\n{cors}"))
        .route("/moved", &format!("redirect = \"/\"\n{cors}"))
        .start();
    site.get("/rated");
    let tag = site.get("/page.txt").get("etag").expect("a tag").to_owned();
    for (status, target, fields) in [
        (200, "/page.txt", String::new()),
        (206, "/page.txt", "Range: bytes=0-1\r\n".to_owned()),
        (304, "/page.txt", format!("If-None-Match: {tag}\r\n")),
        (307, "/moved", String::new()),
        (401, "/guarded/page.txt", String::new()),
        (403, "/guarded/page.txt", BOB.to_owned()),
        (404, "/nothing", String::new()),
        (412, "/page.txt", "If-Match: \"x\"\r\n".to_owned()),
        (416, "/page.txt", "Range: bytes=9-\r\n".to_owned()),
        (429, "/rated", String::new()),
        (503, "/closed", String::new()),
    ] {
        let allowed = site.get_with(target, &format!("Origin: https://a.example\r\n{fields}"));
        let others = site.get_with(target, &format!("Origin: https://b.example\r\n{fields}"));
        let none = site.get_with(target, &fields);
        for (answer, origin) in [(&allowed, Some("https://a.example")), (&others, None), (&none, None)] {
            assert_eq!(answer.status(), status, "{target}");
            assert_eq!(answer.get("access-control-allow-origin"), origin, "{target} {answer:?}");
            let varies = answer.head.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
            assert!(varies.into_iter().any(|(_, value)| value.contains("Origin")), "{target} {answer:?}");
        }
    }
}

#[test]
fn a_route_that_is_closed_says_for_how_long() {
    let until = std::time::SystemTime::now() + Duration::from_secs(3600);
    let until = verdict_core::field::date::HttpDate::from_unix(
        until.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs().cast_signed(),
    );
    // TOML has RFC 3339: the day and the time stand in the date of HTTP too.
    let text = until.to_string();
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| *month == words[2]).expect("a month") + 1;
    let until = format!("{}-{month:02}-{}T{}Z", words[3], words[1], words[4]);
    let route = format!("respond = {{ status = 200 }}\nmaintenance = {{ until = {until} }}");
    let site = Plan::new().route("/", &route).start();
    let answer = site.get("/");
    assert_eq!((answer.status(), &*answer.reason()), (503, "maintenance"));
    let left: u64 = answer.get("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    // The server's clock is some milliseconds behind, perhaps in the second before.
    assert!((3590..=3601).contains(&left), "{left}");
}
