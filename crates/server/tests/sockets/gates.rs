//! What stands before a route's handler, where it takes more than one request to see it: rates, room, guesses, what is hidden,
//! and what pages of other origins may read.

use crate::client::{Answer, Client};
use crate::site::{Plan, Site};
use std::fs;
use std::net::Shutdown;
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

#[test]
fn what_is_hidden_cannot_be_told_from_what_is_not_there() {
    let route = "files = \"public\"\nauth = \"staff\"\nallow = [\"ann\"]\nhide = true";
    let site = guarded().route("/{path...}", route).start();
    for accept in ["", "Accept: application/json\r\n", "Accept: text/html\r\n"] {
        let with = |fields: &str| format!("{accept}{fields}");
        // Who may look finds nothing.
        let nothing = site.get_with("/page.txt.gz", &with(ANN));
        assert_eq!((nothing.status(), &*nothing.reason()), (404, "nothing-there"));
        for fields in ["", BOB, WRONG, STRANGER] {
            // Whoever guesses too often is refused for that.
            let guesses = fields == WRONG || fields == STRANGER;
            let methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"];
            for &method in if guesses { &methods[..2] } else { &methods[..] } {
                let ask = |target: &str| {
                    let fields = with(fields);
                    site.ask(format!("{method} {target} HTTP/1.1\r\nHost: site.test\r\n{fields}\r\n"))
                };
                let (there, not) = (ask("/page.txt"), ask("/page.txt.gz"));
                assert_eq!(told(&there), told(&not), "{method} {fields}");
                assert_eq!(there.status(), 404);
                assert_eq!(there.lasting_fields(), nothing.lasting_fields(), "{method} {fields}");
                if method != "HEAD" {
                    assert_eq!(told(&there), told(&nothing), "{method} {fields}");
                }
            }
        }
    }
    assert_eq!(site.get_with("/page.txt", ANN).status(), 200);
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
    assert!((3590..=3600).contains(&left), "{left}");
}
