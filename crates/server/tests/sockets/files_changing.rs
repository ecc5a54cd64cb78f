//! Files that change. Between two requests: the second sees it. While a slow client downloads one: the old bytes, all of
//! them, or a broken connection; never an answer that is well-formed and is neither the old file nor the new one.

use crate::client::{Broken, Client, Head};
use crate::site::{Plan, Site, date, put, settle};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

/// More than the kernel takes from the server for a client that does not read.
const LENGTH: usize = 32 << 20;

/// What is done to the file, meanwhile.
type Change = fn(&mut File);

#[rustfmt::skip]
const CHANGES: [(&str, Change); 7] = [
    ("cut to nothing", |file| file.set_len(0).expect("cut")),
    ("cut in the middle", |file| file.set_len(LENGTH as u64 / 2 + 1).expect("cut")),
    ("cut by a byte", |file| file.set_len(LENGTH as u64 - 1).expect("cut")),
    ("made longer", |file| {
        file.seek(SeekFrom::End(0)).expect("the end");
        file.write_all(&[b'n'; 100]).expect("more");
    }),
    ("written over", |file| file.write_all(&vec![b'n'; LENGTH]).expect("other bytes")),
    ("written over at its end", |file| {
        file.seek(SeekFrom::End(-100_000)).expect("near the end");
        file.write_all(&[b'n'; 10]).expect("other bytes");
    }),
    ("cut and written anew", |file| {
        file.set_len(0).expect("cut");
        file.write_all(&vec![b'n'; LENGTH]).expect("other bytes");
    }),
];

fn site() -> Site {
    Plan::new().file("file.bin", vec![b'o'; LENGTH]).route("/{path...}", "files = \"public\"").start()
}

/// Begins a download that the server cannot finish before the client reads on.
fn begin(site: &Site, fields: &str) -> (Client, Head, usize) {
    let mut client = Client::with_small_buffer(site.address, 64 << 10);
    client.send(format!("GET /file.bin HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let head = client.head().expect("a head");
    let length = head.get("content-length").expect("a length").parse().expect("a number");
    (client, head, length)
}

#[test]
fn what_comes_of_a_file_that_changes_is_the_old_one_or_a_broken_connection() {
    for (name, change) in CHANGES {
        let site = site();
        let (mut client, head, length) = begin(&site, "");
        assert_eq!((head.status, length), (200, LENGTH), "{name}");
        let mut file = File::options().write(true).open(site.path("file.bin")).expect("a file");
        change(&mut file);
        match client.take(length) {
            Ok(content) => assert!(content.iter().all(|byte| *byte == b'o'), "{name}: a well-formed lie"),
            Err(broken) => assert!(matches!(broken, Broken::Short | Broken::Reset), "{name}: {broken:?}"),
        }
        // Whoever asks next gets what is there now.
        let now = fs::read(site.path("file.bin")).expect("a file");
        let mut client = site.client();
        client.send("GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n");
        let again = client.try_answer("GET").unwrap_or_else(|broken| panic!("{name}: asked anew: {broken:?}"));
        assert_ne!(again.get("etag"), head.get("etag"), "{name}");
        assert!(again.content == now, "{name}");
    }
}

#[test]
fn parts_of_a_file_that_changes_are_the_old_ones_or_a_broken_connection() {
    for (name, change) in CHANGES {
        for range in [format!("bytes=0-{}", LENGTH - 2), format!("bytes=0-{},{}-", LENGTH / 2, LENGTH / 2 + 1000)] {
            let site = site();
            let (mut client, head, length) = begin(&site, &format!("Range: {range}\r\n"));
            assert_eq!(head.status, 206, "{name}");
            let mut file = File::options().write(true).open(site.path("file.bin")).expect("a file");
            change(&mut file);
            match client.take(length) {
                Ok(content) => assert!(!content.windows(10).any(|bytes| bytes == b"nnnnnnnnnn"), "{name}: a lie"),
                Err(broken) => assert!(matches!(broken, Broken::Short | Broken::Reset), "{name}: {broken:?}"),
            }
        }
    }
}

/// The server may have handed on all of it, while the client has read next to nothing. Pages that were handed on without a
/// copy are the file's own, and change with it.
#[test]
fn a_file_that_changes_when_all_of_it_is_on_its_way_is_the_old_one_or_a_broken_connection() {
    let changes: [(&str, Change); 2] = [
        ("written over", |file| file.write_all(&[b'n'; 30_000]).expect("other bytes")),
        ("cut", |file| file.set_len(20_000).expect("cut")),
    ];
    for (name, change) in changes {
        for size in [40_000, 70_000, 200_000, 400_000, 1_000_000] {
            let site = Plan::new().file("file.bin", vec![b'o'; size]).route("/{path...}", "files = \"public\"").start();
            let mut client = Client::with_small_buffer(site.address, 8 << 10);
            client.send("GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(client.head().expect("a head").status, 200);
            // The server may go on until it is asked something else.
            assert_eq!(site.get("/nothing").status(), 404);
            change(&mut File::options().write(true).open(site.path("file.bin")).expect("a file"));
            match client.take(size) {
                Ok(content) => {
                    let others = content.iter().filter(|byte| **byte != b'o').count();
                    assert_eq!(others, 0, "{name}: {others} bytes of {size} are not those of the old file");
                }
                Err(broken) => assert!(matches!(broken, Broken::Short | Broken::Reset), "{name}: {broken:?}"),
            }
        }
    }
}

#[test]
fn a_file_that_is_replaced_or_removed_is_sent_to_its_old_end() {
    for remove in [false, true] {
        let site = site();
        let (mut client, _, length) = begin(&site, "");
        if remove {
            fs::remove_file(site.path("file.bin")).expect("a file");
        } else {
            fs::write(site.path("other"), vec![b'n'; LENGTH]).expect("a file");
            fs::rename(site.path("other"), site.path("file.bin")).expect("a rename");
        }
        let content = client.take(length).expect("all of it");
        assert!(content.iter().all(|byte| *byte == b'o'), "removed: {remove}");
        assert!(client.goes_on());
    }
}

/// While somebody writes a file over and over, each answer has as many bytes as it says, and a tag that is right.
#[test]
fn a_file_that_is_written_all_the_time_is_served_whole_and_its_tag_does_not_vouch_for_a_mix() {
    for size in [10usize, 5_000, 60_000] {
        let site = Plan::new().file("file.bin", vec![b'a'; size]).route("/{path...}", "files = \"public\"").start();
        let path = site.path("file.bin");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = File::options().write(true).open(&path).expect("a file");
                for letter in (b'a'..=b'z').cycle() {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    file.rewind().expect("its start");
                    file.write_all(&vec![letter; size]).expect("another version");
                    std::thread::sleep(Duration::from_micros(300));
                }
            });
            let ask = || {
                let mut client = site.client();
                for _ in 0..300 {
                    let answer = client.ask("GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n");
                    // Too busy to be read is a failure that says so.
                    if answer.status() == 500 {
                        continue;
                    }
                    assert_eq!((answer.status(), answer.content.len()), (200, size), "{:?}", answer.head);
                    // The kernel stamps a write when it begins and lets others read meanwhile, so that nobody can tell a file
                    // in which a write was interrupted from one that is whole. But its tag does not vouch for its bytes.
                    if answer.content.iter().any(|byte| *byte != answer.content[0]) {
                        assert!(answer.head.get("ETag").is_some_and(|tag| tag.starts_with("W/")), "{:?}", answer.head);
                    }
                }
            };
            let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            asked.unwrap_or_else(|failed| std::panic::resume_unwind(failed));
        });
    }
}

#[test]
fn a_file_that_was_changed_just_now_has_a_weak_tag_until_the_tick_is_over() {
    let site = Plan::new().file("seed.txt", "seed").route("/{path...}", "files = \"public\"").start();
    let mut client = site.client();
    // The first look at each is within the tick, unless this thread was kept from running: then another one is tried.
    let weak = (0..50).any(|i| {
        let name = format!("new-{i}.txt");
        fs::write(site.path(&name), "new").expect("a file");
        let answer = client.ask(format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let tag = answer.get("etag").expect("a tag").to_owned();
        // A weak one is none to resume with (RFC 9110 §13.1.5), nor to change with (§13.1.1).
        let resumed =
            client.ask(format!("GET /{name} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\nIf-Range: {tag}\r\n\r\n"));
        if tag.starts_with("W/\"") && resumed.get("etag") == Some(&*tag) {
            assert_eq!(resumed.status(), 200);
            return true;
        }
        false
    });
    assert!(weak);
    let strong = || site.get("/new-0.txt").get("etag").is_some_and(|tag| tag.starts_with('"'));
    assert!(eventually(Duration::from_secs(5), strong));
}

#[test]
fn a_file_that_is_replaced_removed_or_made_is_seen_within_about_a_second() {
    let site = Plan::new()
        .files([("replaced.txt", "old"), ("removed.txt", "old"), ("coded.js", "plain")])
        .route("/{path...}", "files = \"public\"")
        .start();
    let text = |target: &str, fields: &str| site.get_with(target, fields).content;
    assert_eq!(text("/replaced.txt", ""), b"old");
    assert_eq!(text("/removed.txt", ""), b"old");
    assert_eq!(site.get("/made.txt").status(), 404);
    assert_eq!(text("/coded.js", "Accept-Encoding: br\r\n"), b"plain");
    put(&site.path("other.txt"), b"new");
    fs::rename(site.path("other.txt"), site.path("replaced.txt")).expect("a rename");
    fs::remove_file(site.path("removed.txt")).expect("a file");
    put(&site.path("made.txt"), b"made");
    put(&site.path("coded.js.br"), b"brotli");
    let began = Instant::now();
    assert!(eventually(Duration::from_secs(5), || text("/replaced.txt", "") == b"new"));
    assert!(eventually(Duration::from_secs(5), || site.get("/removed.txt").status() == 404));
    assert!(eventually(Duration::from_secs(5), || text("/made.txt", "") == b"made"));
    assert!(eventually(Duration::from_secs(5), || text("/coded.js", "Accept-Encoding: br\r\n") == b"brotli"));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_replacement_of_the_same_size_and_date_is_told_apart() {
    let site = Plan::new().file("a.txt", "old!").route("/{path...}", "files = \"public\"").start();
    let before = site.get("/a.txt");
    for (content, rename) in [("new1", true), ("new2", false), ("new3", true)] {
        if rename {
            put(&site.path("b.txt"), content.as_bytes());
            fs::rename(site.path("b.txt"), site.path("a.txt")).expect("a rename");
        } else {
            fs::write(site.path("a.txt"), content).expect("a file");
            date(&site.path("a.txt"));
        }
        settle(&site.path(""));
        assert!(eventually(Duration::from_secs(5), || site.get("/a.txt").text() == content), "{content}");
        let after = site.get("/a.txt");
        assert_eq!(after.get("last-modified"), before.get("last-modified"));
        assert_ne!(after.get("etag"), before.get("etag"));
        let tag = before.get("etag").expect("a tag");
        assert_eq!(site.get_with("/a.txt", &format!("If-None-Match: {tag}\r\n")).text(), content);
    }
}

/// Whether it comes to be so in time.
fn eventually(time: Duration, so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if so() {
            return true;
        }
        if began.elapsed() > time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
