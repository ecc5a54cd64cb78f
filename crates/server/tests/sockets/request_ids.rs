//! The id of a request: ours, unless a proxy that the config trusts gave it one.

use crate::site::{Plan, Site};
use std::io::{Read, Write};
use std::net::TcpStream;

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn site(trusted: &str) -> Site {
    Plan::new()
        .top(&format!("trusted-proxies = {trusted}"))
        .file("page.txt", "0123456789")
        .route("/{path...}", "files = \"public\"")
        .route("/fixed", "respond = { status = 200, body = \"fixed\" }")
        .start()
}

/// The whole answer as text; it may have an id that no other test's client would take.
fn ask(site: &Site, target: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(site.address).expect("the server accepts");
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

/// The values of `Request-Id`.
fn ids(answer: &str) -> Vec<&str> {
    answer.lines().filter_map(|line| line.strip_prefix("Request-Id: ")).collect()
}

#[test]
fn a_trusted_proxy_names_the_request_on_every_kind_of_answer() {
    let site = site("[\"127.0.0.0/8\"]");
    // The second time a head that was serialised in advance is used.
    for target in ["/page.txt", "/page.txt", "/fixed", "/fixed", "/nothing", "/%zz"] {
        let answer = site.get_with(target, &format!("Request-Id: {UUID}\r\nAccept: application/json\r\n"));
        match target {
            // A message that is malformed is believed in nothing.
            "/%zz" => assert_ne!(answer.get("request-id"), Some(UUID)),
            _ => assert_eq!(answer.get("request-id"), Some(UUID), "{target}"),
        }
    }
}

#[test]
fn any_visible_token_of_at_most_128_characters_is_an_id() {
    let site = site("[\"127.0.0.1\"]");
    let longest = "x".repeat(128);
    for id in ["1", "edge-7/\"<a>\\", &longest] {
        for target in ["/page.txt", "/fixed", "/nothing"] {
            let answer = ask(&site, target, &format!("Request-Id: {id}\r\n"));
            assert_eq!(ids(&answer), [id], "{target}");
        }
    }
    let problem = ask(&site, "/nothing", "Request-Id: edge-7/\"<a>\r\nAccept: application/json\r\n");
    assert!(problem.contains("\"instance\":\"urn:verdict:request:edge-7%2F%22%3Ca%3E\""), "{problem}");
    let page = ask(&site, "/nothing", "Request-Id: <b>\r\nAccept: text/html\r\n");
    assert!(page.contains("request &lt;b&gt;"), "{page}");
}

#[test]
fn what_is_no_id_is_as_if_it_was_not_there() {
    let site = site("[\"127.0.0.1\"]");
    let too_long = format!("Request-Id: {}\r\n", "x".repeat(129));
    for fields in ["Request-Id: two words\r\n", "Request-Id:\r\n", "Request-Id: a\r\nRequest-Id: a\r\n", &too_long] {
        let answer = ask(&site, "/page.txt", fields);
        let id = ids(&answer)[0];
        assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "{fields}: {id}");
    }
}

#[test]
fn nobody_else_names_a_request() {
    for trusted in ["[]", "[\"10.0.0.0/8\", \"::1\"]"] {
        let site = site(trusted);
        for target in ["/page.txt", "/fixed", "/nothing"] {
            let answer = site.get_with(target, &format!("Request-Id: {UUID}\r\n"));
            assert_ne!(answer.get("request-id"), Some(UUID), "{target} {trusted}");
        }
    }
}
