//! `redirect`: to where the config says, with what the request brings, and never to anywhere that the request alone chose.

use crate::site::{Plan, Site};

fn site() -> Site {
    let mut plan = Plan::new()
        .route("/local/{path...}", "redirect = \"/{path}\"")
        .route("/far/{path...}", "redirect = { to = \"https://new.test/base/{path}\", status = 308 }")
        .route("/one/{name}/tail", "redirect = \"/of/{name}/end\"")
        .route("/two/{a}/{b...}", "redirect = \"/{b}/{a}\"")
        .route("/query/{name}", "redirect = \"/search?q={name}\"")
        .route("/fragment/{name}", "redirect = \"/page#{name}\"")
        .route(
            "/cached/{path...}",
            "redirect = { to = \"/{path}\", status = 302, cache = \"5m\" }\nheaders = { X-Own = \"own\" }",
        );
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!("redirect = {{ to = \"/new/{{path}}\", status = {status} }}");
        plan = plan.route(&format!("/{status}/{{path...}}"), &redirect);
    }
    plan.start()
}

#[test]
fn each_status_redirects_every_method_and_says_where_and_for_how_long() {
    let site = site();
    for (status, reason, cache) in [
        (301, "moved-permanently", Some("max-age=3600")),
        (302, "found-elsewhere", None),
        (303, "see-other", None),
        (307, "redirected-for-now", None),
        (308, "redirected-for-good", Some("max-age=3600")),
    ] {
        for (method, content) in [
            ("GET", ""),
            ("HEAD", ""),
            ("OPTIONS", ""),
            ("POST", "abc"),
            ("PUT", "abc"),
            ("PATCH", "abc"),
            ("DELETE", ""),
        ] {
            let length =
                if content.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", content.len()) };
            let mut client = site.client();
            let answer = client.ask(format!("{method} /{status}/a/b?c=d HTTP/1.1\r\nHost: a\r\n{length}\r\n{content}"));
            assert_eq!((answer.status(), answer.reason().as_str()), (status, reason), "{method}");
            assert_eq!(answer.get("location"), Some("/new/a/b?c=d"), "{method} {status}");
            assert_eq!(answer.get("cache-control"), cache, "{method} {status}");
            assert_eq!(answer.get("content-type"), Some("text/html; charset=utf-8"), "{method} {status}");
            assert_eq!(answer.text().is_empty(), method == "HEAD", "{method} {status}");
            assert!(client.goes_on(), "{method} {status}");
        }
        // Conditions cannot turn it into anything else (RFC 9110 §13.2.1), and there is nothing to take a part of.
        for fields in [
            "If-Match: \"x\"\r\n",
            "If-None-Match: *\r\n",
            "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n",
            "Range: bytes=0-0\r\n",
        ] {
            assert_eq!(site.get_with(&format!("/{status}/a"), fields).status(), status, "{fields}");
        }
        for (method, refused) in [("BREW", 501), ("TRACE", 405)] {
            assert_eq!(site.ask(format!("{method} /{status}/a HTTP/1.1\r\nHost: a\r\n\r\n")).status(), refused);
        }
    }
    let cached = site.get("/cached/a");
    assert_eq!((cached.get("cache-control"), cached.get("x-own")), (Some("max-age=300"), Some("own")));
}

#[test]
fn what_the_request_brings_is_put_in_its_place_as_it_was_sent() {
    let site = site();
    for (target, location) in [
        ("/local/a/b", "/a/b"),
        ("/local/", "/"),
        ("/local/a?x=1&y=%2F%20", "/a?x=1&y=%2F%20"),
        ("/local/a?", "/a"),
        ("/local/a%20b/%C3%A9", "/a%20b/%C3%A9"),
        ("/local/a%2Fb", "/a%2Fb"),
        ("/local/a%3Fb%23c", "/a%3Fb%23c"),
        ("/local/a%25b", "/a%25b"),
        ("/far/a/b?c", "https://new.test/base/a/b?c"),
        ("/far/", "https://new.test/base/"),
        ("/one/n/tail", "/of/n/end"),
        ("/two/x/y/z", "/y/z/x"),
        ("/query/a%26b=c", "/search?q=a%26b%3Dc"),
        ("/query/a?d=e", "/search?q=a&d=e"),
        ("/fragment/a?b", "/page?b#a"),
        ("http://other.test/local/a", "/a"),
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status() / 100, answer.get("location")), (3, Some(location)), "{target}");
    }
    assert_eq!(site.get("/one//tail").status(), 404, "a name stands for something");
}

#[test]
fn a_request_never_chooses_the_host() {
    let site = site();
    for target in [
        "/local//evil.test",
        "/local///evil.test/x",
        "/local//evil.test%2F..",
        "/local/%2Fevil.test",
        "/local/%2F%2Fevil.test",
        "/local//%2Fevil.test",
        "/local/%5Cevil.test",
        "/local//%5Cevil.test",
        "/local/%5C%5Cevil.test",
        "/local/https://evil.test",
        "/local/javascript:alert(1)",
        "/local/@evil.test",
        "/local//user:pw@evil.test",
        "/local/%09/evil.test",
        "/local/?//evil.test",
        "/two/evil.test//",
        "/two/evil.test/",
        "/two/evil.test/%2F",
        "/far/@evil.test",
        "/far//evil.test",
        "/far/.evil.test",
        "//local//evil.test",
        "/301//evil.test",
    ] {
        let answer = site.get(target);
        let Some(location) = answer.get("location") else {
            assert!(matches!(answer.status(), 400 | 404), "{target}: {}", answer.status());
            continue;
        };
        let local = location.starts_with('/') && !location.starts_with("//") && !location.contains('\\');
        assert!(local || location.starts_with("https://new.test/base/"), "{target}: {location}");
        assert!(!location.chars().any(|c| c.is_control() || c == ' '), "{target}: {location}");
    }
    // What browsers read as a slash cannot be written raw.
    assert_eq!(site.get("/local/\\evil.test").status(), 400);
}

#[test]
fn a_request_never_adds_a_field_nor_an_answer() {
    let site = site();
    for target in [
        "/local/a%0d%0aX-Evil:%20yes",
        "/local/a%0aX-Evil:yes",
        "/local/a%0dX",
        "/local/a%0D%0A%0D%0A<script>",
        "/local/%E5%98%8A%E5%98%8DX-Evil:yes",
        "/local/a%00b",
        "/local/a?b=%0d%0aX-Evil:%20yes",
        "/query/a%0d%0aX-Evil:yes",
        "/local/a%C2%85X-Evil:yes",
    ] {
        let mut client = site.client();
        let answer = client.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.get("x-evil"), None, "{target}");
        match answer.status() {
            // In a query it stays what it was: encoded.
            307 => assert!(
                answer.get("location").is_some_and(|to| to.bytes().all(|byte| byte.is_ascii_graphic())),
                "{target}"
            ),
            status => assert_eq!(status, 400, "{target}"),
        }
    }
}

#[test]
fn the_page_shows_the_target_as_text() {
    let site = site();
    for target in [
        "/local/a?x=\"><script>alert(1)</script>",
        "/local/a?'onmouseover='x&y",
        "/local/%3Cscript%3E",
        "/local/a?&lt;b&gt;",
        "/far/a?<!--",
    ] {
        let answer = site.get(target);
        let location = answer.get("location").unwrap_or_else(|| panic!("{target}"));
        let shown = location.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown = shown.replace('"', "&quot;").replace('\'', "&#39;");
        assert!(
            answer.text().contains(&format!("<p><a href=\"{shown}\">{shown}</a></p>")),
            "{target}: {}",
            answer.text()
        );
        assert_eq!(answer.get("x-content-type-options"), Some("nosniff"));
    }
}
