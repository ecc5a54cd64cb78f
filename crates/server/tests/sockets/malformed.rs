//! Every way in which a message can be malformed: its own reason, the byte, and the end of the connection. Never a hang, a
//! panic or a silent close.

use crate::site::{Plan, Site};
use std::collections::BTreeSet;
use verdict_core::cause::Malformed;
use verdict_core::{Facts, decide};

/// What stands in front of a field line that is tried.
const START: &str = "GET / HTTP/1.1\r\nHost: a\r\n";

/// The message, or the field lines that follow [`START`]; the reason's id; the offset of the byte that is wrong, in the whole
/// message.
type Row = (&'static str, &'static str, usize);

#[rustfmt::skip]
const MESSAGES: &[Row] = &[
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "version-not-supported", 6),
    ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", "version-not-supported", 6),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "version-not-supported", 6),
    ("GET\r\n\r\n", "request-line-malformed", 3),
    ("GET /\r\n\r\n", "request-line-malformed", 5),
    ("GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", "request-line-malformed", 14),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request-line-malformed", 4),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "request-line-malformed", 8),
    ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "request-line-malformed", 8),
    ("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\nHost: a\r\n\r\n", "request-line-malformed", 64),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "method-malformed", 0),
    ("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "method-malformed", 2),
    // A TLS handshake.
    ("\u{16}\u{3}\u{1}\u{2}", "method-malformed", 0),
    ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", "target-byte-invalid", 5),
    ("GET /# HTTP/1.1\r\nHost: a\r\n\r\n", "target-byte-invalid", 5),
    ("GET /?\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", "target-byte-invalid", 6),
    ("GET /\\..\\x HTTP/1.1\r\nHost: a\r\n\r\n", "target-byte-invalid", 5),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 4),
    ("GET a.example:80 HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 4),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 4),
    ("GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 15),
    ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 8),
    ("CONNECT a.example HTTP/1.1\r\nHost: a\r\n\r\n", "target-form-wrong", 17),
    ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 7),
    ("GET /./b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 5),
    ("GET /%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 5),
    ("GET /.%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 5),
    ("GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 7),
    ("GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 6),
    ("GET /a%0d%0aX HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 6),
    ("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 6),
    ("GET /a% HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 6),
    ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 5),
    ("GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: a\r\n\r\n", "ambiguous-target", 5),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", "version-malformed", 6),
    ("GET / HTTP/1\r\nHost: a\r\n\r\n", "version-malformed", 6),
    ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", "version-malformed", 6),
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare-lf", 14),
    ("GET / HTTP/1.1\rHost: a\r\n\r\n", "bare-cr", 14),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs-fold", 16),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "nul-byte", 5),
    ("GET / HTTP/1.1\r\n\r\n", "host-missing", 16),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "host-invalid", 21),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "host-invalid", 23),
    ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "host-invalid", 26),
    ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "host-invalid", 28),
    ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-http10", 16),
];

#[rustfmt::skip]
const FIELDS: &[Row] = &[
    ("A: b\n\r\n", "bare-lf", 29),
    ("A: b\rc\r\n\r\n", "bare-cr", 29),
    ("A: b\r\n c\r\n\r\n", "obs-fold", 31),
    ("A: \0\r\n\r\n", "nul-byte", 28),
    ("A : b\r\n\r\n", "space-before-colon", 26),
    ("A\r\n\r\n", "colon-missing", 25),
    (": b\r\n\r\n", "field-name-invalid", 25),
    ("A@: b\r\n\r\n", "field-name-invalid", 26),
    ("A: \u{1}\r\n\r\n", "field-value-invalid", 28),
    ("A: b\u{7f}\r\n\r\n", "field-value-invalid", 29),
    ("Host: b\r\n\r\n", "host-repeated", 25),
    ("Host: a\r\n\r\n", "host-repeated", 25),
    ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "both-lengths", 44),
    ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "both-lengths", 53),
    ("Content-Length: -1\r\n\r\n", "content-length-invalid", 41),
    ("Content-Length: 3x\r\n\r\n", "content-length-invalid", 41),
    ("Content-Length: 0x3\r\n\r\n", "content-length-invalid", 41),
    ("Content-Length:\r\n\r\n", "content-length-invalid", 40),
    ("Content-Length: 9223372036854775808\r\n\r\n", "content-length-invalid", 41),
    ("Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "content-length-differs", 60),
    ("Content-Length: 3, 4\r\n\r\n", "content-length-differs", 44),
    ("Transfer-Encoding: ,chunked\r\n\r\n", "transfer-encoding-invalid", 44),
    ("Transfer-Encoding: chu nked\r\n\r\n", "transfer-encoding-invalid", 44),
    ("Transfer-Encoding: gzip\r\n\r\n", "chunked-not-last", 44),
    ("Transfer-Encoding: chunked, gzip\r\n\r\n", "chunked-not-last", 53),
    ("Transfer-Encoding: chunked, chunked\r\n\r\n", "chunked-repeated", 53),
    ("Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer-coding-unknown", 44),
    ("Connection: close, content-length\r\n\r\n", "connection-names-protected-field", 44),
    ("Connection: Authorization\r\n\r\n", "connection-names-protected-field", 37),
    ("Connection: host\r\n\r\n", "connection-names-protected-field", 37),
    ("Expect: the-unexpected\r\n\r\n", "expectation-unknown", 33),
    ("Expect: 100-continue, more\r\n\r\n", "expectation-unknown", 33),
];

/// Those that need more than a line: a limit, or time.
const ELSEWHERE: [&str; 5] = ["head-timeout", "head-cut-short", "target-too-long", "head-too-large", "too-many-fields"];

/// Those of content, which no route of this server reads: they are noticed in what has come with the head.
const OF_CONTENT: [&str; 4] = ["chunk-size-invalid", "chunk-extension-invalid", "chunk-end-missing", "trailer-invalid"];

/// Those of other protocols.
const OF_OTHERS: [&str; 2] = ["authority-differs", "plain-http-on-tls"];

fn site() -> Site {
    Plan::new()
        .file("index.html", "<p>home")
        .limits("head = \"1s\"\nidle = \"5s\"\ntarget = \"64B\"\nfields = \"1KiB\"")
        .route("/{path...}", "files = \"public\"")
        .start()
}

/// Each message, its reason and the byte.
fn messages() -> impl Iterator<Item = (String, &'static str, usize)> {
    let whole = MESSAGES.iter().map(|(message, reason, at)| (message.to_string(), *reason, *at));
    whole.chain(FIELDS.iter().map(|(lines, reason, at)| (format!("{START}{lines}"), *reason, *at)))
}

#[test]
fn each_fault_has_a_row_and_a_reason_of_its_own() {
    let of_fault = |fault| {
        let mut facts = Facts::default();
        facts.arrive.fault = Some(fault);
        decide(&facts).reason.id()
    };
    let known: BTreeSet<&str> = Malformed::ALL.into_iter().map(of_fault).collect();
    assert_eq!(known.len(), Malformed::ALL.len());
    let tried = messages().map(|(_, reason, _)| reason);
    let tried: BTreeSet<&str> = tried.chain(ELSEWHERE).chain(OF_CONTENT).chain(OF_OTHERS).collect();
    assert_eq!(tried, known);
}

#[test]
fn each_is_answered_with_its_reason_and_its_byte_and_the_connection_ends() {
    let site = site();
    for (message, reason, at) in messages() {
        let shown = message.escape_debug().to_string();
        let mut client = site.client();
        // `Accept` is heeded even here, wherever it stands: here it does after what is wrong.
        let asked = match message.strip_suffix("\r\n\r\n") {
            Some(start) => format!("{start}\r\nAccept: application/json\r\n\r\n"),
            None => message.clone(),
        };
        client.send(&asked);
        let answer = client.answer("GET");
        assert_eq!(answer.reason(), reason, "{shown}");
        assert!(answer.closes(), "{shown}");
        // What concerns the whole head is found at its end.
        let at = if reason == "host-missing" { asked.len() - 2 } else { at };
        match answer.problem() {
            Some(problem) => assert_eq!(problem["position"], at, "{shown}"),
            None => assert!(asked == message, "{shown}: {}", answer.text()),
        }
        client.end();
    }
}

#[test]
fn each_is_answered_alike_however_it_is_split() {
    let site = site();
    for (message, reason, at) in messages() {
        let shown = message.escape_debug().to_string();
        for size in [1, 7] {
            let mut client = site.client();
            client.send_in_pieces(&message, size);
            let answer = client.answer("GET");
            assert_eq!(answer.reason(), reason, "{shown}");
            assert!(answer.closes(), "{shown}");
            let places = [format!("(at byte {at})"), "{at|}".to_owned()];
            let tells = answer.text().contains(&places[0]) || !answer.text().contains("(at byte");
            assert!(tells && !answer.text().contains(&places[1]), "{shown}: {}", answer.text());
            client.end();
        }
    }
}

#[test]
fn nothing_behind_a_malformed_message_is_read_as_another() {
    let site = site();
    for (message, reason, _) in messages() {
        let mut client = site.client();
        client.send(format!("{message}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.answer("GET").reason(), reason, "{}", message.escape_debug());
        client.end();
    }
}

#[test]
fn requests_before_a_malformed_message_are_answered_first() {
    let site = site();
    for (message, reason, at) in messages() {
        let mut client = site.client();
        client.send(format!("{START}\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n{message}"));
        assert_eq!(client.answer("GET").status(), 200);
        assert_eq!(client.answer("HEAD").status(), 200);
        let answer = client.answer("GET");
        assert_eq!(answer.reason(), reason, "{}", message.escape_debug());
        // The byte is counted from the message's own first one.
        let counted = answer.text().contains(&format!("(at byte {at})"));
        assert!(counted || !answer.text().contains("(at byte"), "{}", answer.text());
        client.end();
    }
}

#[test]
fn a_limit_is_a_reason_with_its_size_and_its_byte() {
    let site = site();
    let rows = [
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n", "a".repeat(64)), "target-too-long", 64, 4 + 64),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {}\r\n", "c".repeat(1024)), "head-too-large", 1024, 16 + 1024),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "A:\r\n".repeat(100)), "too-many-fields", 100, 25 + 4 * 99),
    ];
    for (message, reason, limit, at) in rows {
        let mut client = site.client();
        let message = message.replacen("HTTP/1.1\r\n", "HTTP/1.1\r\nAccept: application/json\r\n", 1);
        let at = if reason == "target-too-long" { at } else { at + "Accept: application/json\r\n".len() };
        // One line of the hundred is `Accept`, and the section has its bytes.
        let at = match reason {
            "too-many-fields" => at - 4,
            "head-too-large" => at - "Accept: application/json\r\n".len(),
            _ => at,
        };
        client.send(format!("{message}\r\n"));
        let answer = client.answer("GET");
        assert_eq!(answer.reason(), reason);
        let problem = answer.problem().expect("a problem");
        assert_eq!((&problem["limit"], &problem["position"]), (&limit.into(), &at.into()), "{problem}");
        assert!(answer.closes());
        client.end();
    }
}

#[test]
fn a_limit_is_told_as_soon_as_it_is_passed_and_not_when_the_head_ends() {
    let site = site();
    let endless = [format!("GET /{}", "a".repeat(64)), format!("GET / HTTP/1.1\r\nCookie: {}", "c".repeat(1024))];
    for (head, reason) in endless.iter().zip(["target-too-long", "head-too-large"]) {
        let mut client = site.client();
        client.send(head);
        assert_eq!(client.answer("GET").reason(), reason);
        client.end();
    }
}

#[test]
fn content_whose_framing_is_broken_ends_the_connection_and_is_never_a_request() {
    let site = site();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let long_extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(300));
    for content in [
        "x\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        &long_extension,
        "0\r\nA b: c\r\n\r\n",
        "0\r\nA: \0\r\n\r\n",
    ] {
        for method in ["GET", "POST"] {
            let mut client = site.client();
            let head = format!("{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            client.send(format!("{head}{content}{smuggled}"));
            let answer = client.answer("GET");
            assert!(matches!(answer.status(), 200 | 400 | 405), "{}", content.escape_debug());
            client.end();
        }
    }
}

#[test]
fn random_bytes_are_always_answered() {
    use proptest::prelude::*;
    let site = site();
    let token = prop::sample::select(vec![
        "GET",
        " ",
        "/",
        "HTTP/1.1",
        "\r\n",
        "\r",
        "\n",
        "Host: a",
        "\r\n\r\n",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        ":",
        "\t",
        "\0",
        "*",
        "%",
        "%2e",
        "..",
        "0",
        "5",
        "hello",
        "Connection: close",
        "\u{7f}",
        "\u{e9}",
        "Expect: x",
    ]);
    let soup = prop::collection::vec(token, 1..24).prop_map(|tokens| tokens.concat().into_bytes());
    let bytes = prop_oneof![soup, prop::collection::vec(any::<u8>(), 1..64)];
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in bytes)| {
        let mut client = site.client();
        client.send(&bytes);
        client.finish();
        // Whatever it was: answers that are answers, and then the end, without a reset and long before any timeout.
        let began = std::time::Instant::now();
        loop {
            match client.try_answer("GET") {
                Ok(answer) => prop_assert!(answer.status() != 500, "{}", bytes.escape_ascii()),
                Err(broken) => {
                    prop_assert_eq!(broken, crate::client::Broken::Silent, "{}", bytes.escape_ascii());
                    break;
                }
            }
        }
        prop_assert!(began.elapsed().as_secs_f32() < 0.9, "{}", bytes.escape_ascii());
    });
    assert_eq!(site.get("/").status(), 200);
}
