//! `files`: whether it has changed, and which part of it is wanted.

use crate::client::Answer;
use crate::site::{LAST_MODIFIED, Plan};
use std::fs;

const FILES: &str = "files = \"public\"";

/// What a file of so many bytes holds: no two stretches of it are alike.
fn bytes(length: usize) -> Vec<u8> {
    let mut x = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    std::iter::repeat_with(|| next().to_le_bytes()).flatten().take(length).collect()
}

/// A row of the conditions: what was sent besides GET, and what comes. `{tag}` and `{weak}` are the current one.
#[test]
fn conditions_are_evaluated_in_their_order() {
    let site = Plan::new().file("a.txt", "abcdefghij").route("/{path...}", FILES).start();
    let tag = site.get("/a.txt").get("etag").expect("a tag").to_owned();
    let (before, after) = ("Tue, 31 Dec 2019 23:59:59 GMT", "Thu, 02 Jan 2020 00:00:00 GMT");
    let rows: &[(&str, &str, u16)] = &[
        // If-None-Match is compared weakly (RFC 9110 §13.1.2), and is a list.
        ("/a.txt", "If-None-Match: {tag}\r\n", 304),
        ("/a.txt", "If-None-Match: W/{tag}\r\n", 304),
        ("/a.txt", "If-None-Match: \"a,b\", W/\"c\", {tag}\r\n", 304),
        ("/a.txt", "If-None-Match: \"a\"\r\nIf-None-Match: {tag}\r\n", 304),
        ("/a.txt", "If-None-Match: *\r\n", 304),
        ("/a.txt", "If-None-Match: \"other\"\r\n", 200),
        ("/nothing", "If-None-Match: *\r\n", 404),
        // If-Match strongly (§13.1.1).
        ("/a.txt", "If-Match: {tag}\r\n", 200),
        ("/a.txt", "If-Match: *\r\n", 200),
        ("/a.txt", "If-Match: \"other\", {tag}\r\n", 200),
        ("/a.txt", "If-Match: W/{tag}\r\n", 412),
        ("/a.txt", "If-Match: \"other\"\r\n", 412),
        ("/nothing", "If-Match: *\r\n", 404),
        ("/nothing", "If-Match: \"other\"\r\n", 404),
        // Dates, in three forms, the third of which is old, and the second of which has two digits for the year.
        ("/a.txt", "If-Modified-Since: {same}\r\n", 304),
        ("/a.txt", "If-Modified-Since: {after}\r\n", 304),
        ("/a.txt", "If-Modified-Since: {before}\r\n", 200),
        ("/a.txt", "If-Modified-Since: Wednesday, 01-Jan-20 00:00:00 GMT\r\n", 304),
        ("/a.txt", "If-Modified-Since: Wed Jan  1 00:00:00 2020\r\n", 304),
        ("/a.txt", "If-Modified-Since: soon\r\n", 200),
        ("/a.txt", "If-Modified-Since: {same}\r\nIf-Modified-Since: {same}\r\n", 200),
        ("/a.txt", "If-Unmodified-Since: {same}\r\n", 200),
        ("/a.txt", "If-Unmodified-Since: {before}\r\n", 412),
        ("/a.txt", "If-Unmodified-Since: soon\r\n", 200),
        // §13.2.2: one silences the other.
        ("/a.txt", "If-Match: *\r\nIf-Unmodified-Since: {before}\r\n", 200),
        ("/a.txt", "If-Match: \"other\"\r\nIf-None-Match: {tag}\r\n", 412),
        ("/a.txt", "If-None-Match: \"other\"\r\nIf-Modified-Since: {after}\r\n", 200),
        ("/a.txt", "If-None-Match: {tag}\r\nIf-Modified-Since: {before}\r\n", 304),
        ("/a.txt", "If-Match: {tag}\r\nIf-None-Match: {tag}\r\n", 304),
        ("/a.txt", "If-Unmodified-Since: {before}\r\nIf-None-Match: {tag}\r\n", 412),
        // Conditions come before the range (§13.2.2, step 5).
        ("/a.txt", "If-None-Match: {tag}\r\nRange: bytes=0-0\r\n", 304),
        ("/a.txt", "If-Match: \"other\"\r\nRange: bytes=0-0\r\n", 412),
        ("/a.txt", "If-Match: {tag}\r\nRange: bytes=0-0\r\n", 206),
        ("/a.txt", "If-Match: {tag}\r\nRange: bytes=99-\r\n", 416),
        // If-Range (§13.1.5).
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: {tag}\r\n", 206),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: {same}\r\n", 206),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: W/{tag}\r\n", 200),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: \"other\"\r\n", 200),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: {after}\r\n", 200),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: {before}\r\n", 200),
        ("/a.txt", "Range: bytes=0-0\r\nIf-Range: *\r\n", 200),
        ("/a.txt", "Range: bytes=99-\r\nIf-Range: \"other\"\r\n", 200),
        ("/a.txt", "Range: bytes=99-\r\nIf-Range: {tag}\r\n", 416),
        ("/a.txt", "If-Range: \"other\"\r\n", 200),
    ];
    for (target, fields, status) in rows {
        let fields = fields.replace("{tag}", &tag).replace("{same}", LAST_MODIFIED);
        let fields = fields.replace("{before}", before).replace("{after}", after);
        let answer = site.get_with(target, &fields);
        assert_eq!(answer.status(), *status, "{target} {fields}");
        if matches!(status, 200 | 206 | 304 | 412) {
            assert_eq!(answer.get("etag"), Some(&*tag), "{target} {fields}");
        }
        // A method that the target does not take is refused whatever the conditions say (§13.2.1).
        if *target == "/a.txt" {
            let answer = site.ask(format!("DELETE {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(answer.status(), 405, "{fields}");
            let answer = site.ask(format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(answer.status(), 204, "{fields}");
        }
        // HEAD with Range is HEAD.
        let head = site.ask(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(head.status(), if matches!(status, 206 | 416) { 200 } else { *status }, "{target} {fields}");
    }
}

#[test]
fn one_range_is_that_part_and_says_which() {
    for length in [1usize, 10, 20_000, 100_000, 200_000] {
        let content = bytes(length);
        let site = Plan::new().file("file.bin", &content).file("empty", "").route("/{path...}", FILES).start();
        let mut client = site.client();
        let end = length - 1;
        for (range, expected) in [
            ("bytes=0-0".to_owned(), Some((0, 0))),
            ("bytes=0-".to_owned(), Some((0, end))),
            (format!("bytes={end}-"), Some((end, end))),
            (format!("bytes={}-{}", end / 2, end), Some((end / 2, end))),
            ("bytes=0-99999999999999999999999".to_owned(), Some((0, end))),
            ("bytes=-1".to_owned(), Some((end, end))),
            ("bytes=-99999999".to_owned(), Some((0, end))),
            ("BYTES=0-0".to_owned(), Some((0, 0))),
            (format!("bytes= 0-0 , {length}-"), Some((0, 0))),
            (format!("bytes={length}-"), None),
            ("bytes=-0".to_owned(), None),
            ("bytes=99999999999999999999999-".to_owned(), None),
        ] {
            let answer = client.ask(format!("GET /file.bin HTTP/1.1\r\nHost: a\r\nRange: {range}\r\n\r\n"));
            match expected {
                Some((first, last)) => {
                    assert_eq!(answer.status(), 206, "{range} of {length}");
                    assert_eq!(
                        answer.get("content-range"),
                        Some(&*format!("bytes {first}-{last}/{length}")),
                        "{range}"
                    );
                    assert!(answer.content == content[first..=last], "{range} of {length}");
                }
                None => {
                    assert_eq!(answer.status(), 416, "{range} of {length}");
                    assert_eq!(answer.get("content-range"), Some(&*format!("bytes */{length}")), "{range}");
                }
            }
        }
        for range in [
            "bytes=5-4",
            "bytes=",
            "bytes",
            "bytes=a-b",
            "bytes=0-0,x",
            "bytes=--1",
            "bytes=0-0;1-1",
            "lines=0-0",
            "0-0",
            "bytes =0-0",
        ] {
            let answer = client.ask(format!("GET /file.bin HTTP/1.1\r\nHost: a\r\nRange: {range}\r\n\r\n"));
            assert!(answer.status() == 200 && answer.content == content, "{range} of {length}");
            assert_eq!(answer.get("content-range"), None, "{range}");
        }
        let empty = client.ask("GET /empty HTTP/1.1\r\nHost: a\r\nRange: bytes=0-\r\n\r\n");
        assert_eq!((empty.status(), empty.get("content-range")), (416, Some("bytes */0")));
    }
}

/// The parts of a `multipart/byteranges` answer, each with its place, read by RFC 2046 alone.
fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let media_type = answer.get("content-type").expect("a type");
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").unwrap_or_else(|| panic!("{media_type}"));
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let find =
        |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what).expect("a delimiter");
    let mut rest = answer.content.strip_prefix(&delimiter[2..]).expect("it begins with the delimiter");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let head_end = find(rest, b"\r\n\r\n");
        let head = std::str::from_utf8(&rest[2..head_end]).expect("ASCII");
        let range = head.lines().find_map(|line| line.strip_prefix("Content-Range: ")).expect("a range").to_owned();
        assert!(head.contains("Content-Type: application/octet-stream"), "{head}");
        rest = &rest[head_end + 4..];
        let end = find(rest, &delimiter);
        parts.push((range, rest[..end].to_vec()));
        rest = &rest[end + delimiter.len()..];
    }
    assert_eq!(rest, b"--\r\n");
    parts
}

#[test]
fn several_ranges_are_parts_and_never_more_than_the_file() {
    for length in [2_000usize, 200_000] {
        let content = bytes(length);
        let site = Plan::new().file("file.bin", &content).route("/{path...}", FILES).start();
        let spread =
            |count: usize| (0..count).map(|i| format!("{}-{}", i * 100, i * 100)).collect::<Vec<_>>().join(",");
        // What is asked for, and the parts that come; one is sent as one, none is the whole file.
        type Parts = Option<Vec<(usize, usize)>>;
        let rows: Vec<(String, Parts)> = vec![
            ("0-1,500-501".into(), Some(vec![(0, 1), (500, 501)])),
            ("500-501,0-1".into(), Some(vec![(500, 501), (0, 1)])),
            (format!("0-9,{}-", length - 1), Some(vec![(0, 9), (length - 1, length - 1)])),
            ("0-9,-10".into(), Some(vec![(0, 9), (length - 10, length - 1)])),
            (format!("0-1,500-501,{}-", length), Some(vec![(0, 1), (500, 501)])),
            // Those that overlap, touch or nearly touch become one.
            ("0-99,50-149".into(), Some(vec![(0, 149)])),
            ("0-99,100-199".into(), Some(vec![(0, 199)])),
            ("0-0,50-50".into(), Some(vec![(0, 50)])),
            ("0-,0-,0-,0-".into(), Some(vec![(0, length - 1)])),
            ("500-,0-".into(), Some(vec![(0, length - 1)])),
            (spread(16), Some((0..16).map(|i| (i * 100, i * 100)).collect())),
            // More than anybody needs: the field is ignored.
            (spread(17), None),
            (vec!["0-"; 65].join(","), None),
        ];
        for (ranges, expected) in rows {
            let answer = site.get_with("/file.bin", &format!("Range: bytes={ranges}\r\n"));
            let Some(expected) = expected else {
                assert!(answer.status() == 200 && answer.content == content, "{ranges}");
                continue;
            };
            assert_eq!(answer.status(), 206, "{ranges}");
            if let [(first, last)] = expected[..] {
                assert_eq!(answer.get("content-range"), Some(&*format!("bytes {first}-{last}/{length}")), "{ranges}");
                assert!(answer.content == content[first..=last], "{ranges}");
                continue;
            }
            assert_eq!(answer.get("content-range"), None, "{ranges}");
            let parts = parts(&answer);
            let places: Vec<String> =
                expected.iter().map(|(first, last)| format!("bytes {first}-{last}/{length}")).collect();
            assert_eq!(parts.iter().map(|(range, _)| range.clone()).collect::<Vec<_>>(), places, "{ranges}");
            for ((_, part), (first, last)) in parts.iter().zip(&expected) {
                assert!(*part == content[*first..=*last], "{ranges}");
            }
            let sent: usize = parts.iter().map(|(_, part)| part.len()).sum();
            assert!(sent <= length, "{ranges}: {sent} bytes of {length}");
        }
    }
}

#[test]
fn a_large_file_is_exact_and_so_is_each_part_of_it() {
    const LENGTH: usize = 64 << 20;
    let content = bytes(LENGTH);
    let site = Plan::new().file("large.bin", &content).route("/{path...}", FILES).start();
    let mut client = site.client();
    let answer = client.ask("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.status() == 200 && answer.content == content);
    for (first, last) in
        [(0, 0), (1, (1 << 20) + 1), (LENGTH / 2 - 1, LENGTH / 2 + (3 << 20)), (LENGTH - (1 << 20) - 7, LENGTH - 1)]
    {
        let answer = client.ask(format!("GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes={first}-{last}\r\n\r\n"));
        assert!(answer.status() == 206 && answer.content == content[first..=last], "{first}-{last}");
    }
    let ranges = format!("{}-{},0-99999", 40 << 20, (42 << 20) + 1);
    let answer = client.ask(format!("GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes={ranges}\r\n\r\n"));
    let parts = parts(&answer);
    assert!(parts.len() == 2 && parts[0].1 == content[40 << 20..=(42 << 20) + 1] && parts[1].1 == content[..100_000]);
    // Pages that are not in memory are read by others than the worker, and are the same bytes.
    let file = fs::File::open(site.path("large.bin")).expect("a file");
    file.sync_all().expect("on the disk");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("out of memory");
    let answer = client.ask("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.status() == 200 && answer.content == content);
}
