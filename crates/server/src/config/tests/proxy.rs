//! `proxy` and its `timeout`: each form that is taken, and what comes out of it.

use super::super::*;
use super::{fixture, parse};
use verdict_core::status::Status;

const CERTIFICATE: &str = include_str!("../../../../../examples/localhost.pem");

fn accepted(pattern: &str, proxy: &str, more: &str) -> (Arc<Proxy>, Config) {
    let folder = fixture();
    std::fs::write(folder.path().join("ca.pem"), CERTIFICATE).unwrap();
    let text = format!("[route.\"{pattern}\"]\nproxy = {proxy}\n{more}\n");
    let config = parse(&text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
    let Kind::Proxy(proxy) = &config.routes[0].kind else { panic!("{:?}", config.routes[0]) };
    (Arc::clone(proxy), config)
}

fn of(options: &str) -> Arc<Proxy> {
    accepted("/app/v1/{path...}", &format!("{{ to = \"http://127.0.0.1:3000\"{options} }}"), "").0
}

fn status(code: u16) -> Status {
    Status::from_wire(code).unwrap()
}

#[test]
fn members_are_read_in_each_form() {
    for (text, members) in [
        ("\"http://127.0.0.1:3000\"", &["http://127.0.0.1:3000"][..]),
        ("[\"http://127.0.0.1:3000/\"]", &["http://127.0.0.1:3000"]),
        ("{ to = \"http://a.example:80\" }", &["http://a.example"]),
        (
            "[\"HTTP://A.example\", \"https://a.example\", \"http://a.example:81\", \"http://[::1]:3000\"]",
            &["http://a.example", "https://a.example", "http://a.example:81", "http://[::1]:3000"],
        ),
        ("{ to = [\"unix:/run/app.sock\", \"unix:/run/b.sock\"] }", &["unix:/run/app.sock", "unix:/run/b.sock"]),
    ] {
        let (proxy, config) = accepted("/{path...}", text, "");
        let found: Vec<_> = proxy.to.iter().map(ToString::to_string).collect();
        assert_eq!(found, members, "{text}");
        assert!(config.warnings.is_empty(), "{}", config.warnings);
    }
}

#[test]
fn what_is_not_set_is_as_the_documentation_says() {
    let proxy = of("");
    assert_eq!((&proxy.balance, &proxy.health, &proxy.host), (&Balance::Least, &None, &HostPolicy::Client));
    assert_eq!((proxy.strip, &proxy.intercept[..], proxy.show_upstream), (0, &[][..], false));
    let s = Duration::from_secs;
    let timeout = Timeout { connect: s(5), first_byte: s(60), idle: s(300), total: Duration::MAX };
    assert_eq!(proxy.timeout, timeout);
    assert_eq!(proxy.to[0].roots(), None);
}

#[test]
fn each_option_is_read() {
    assert_eq!(of(", balance = \"least\"").balance, Balance::Least);
    assert_eq!(of(", balance = \"hash:X-Key\"").balance, Balance::Hash("X-Key".to_owned()));

    let health = |path: &str, every, code| {
        Some(Health { path: path.to_owned(), every: Duration::from_millis(every), status: status(code) })
    };
    for (text, expected) in [
        ("\"/healthz\"", health("/healthz", 5000, 200)),
        ("{ path = \"/h?deep=1\" }", health("/h?deep=1", 5000, 200)),
        ("{ path = \"/\", every = \"250ms\", status = 204 }", health("/", 250, 204)),
    ] {
        assert_eq!(of(&format!(", health = {text}")).health, expected, "{text}");
    }

    for (text, expected) in [
        ("client", HostPolicy::Client),
        ("member", HostPolicy::Member),
        ("some.host", HostPolicy::Own("some.host".to_owned())),
        ("[::1]:8080", HostPolicy::Own("[::1]:8080".to_owned())),
    ] {
        assert_eq!(of(&format!(", host = \"{text}\"")).host, expected, "{text}");
    }

    for (text, expected) in [("502", &[502][..]), ("[]", &[]), ("[502, 503, 418]", &[502, 503, 418])] {
        let found: Vec<_> = of(&format!(", intercept = {text}")).intercept.iter().map(|status| status.code()).collect();
        assert_eq!(found, expected, "{text}");
    }
    assert!(of(", show-upstream = true").show_upstream);
    assert_eq!(of("").upgrade, None);
    for protocol in ["websocket", "HTTP/2.0"] {
        assert_eq!(of(&format!(", upgrade = \"{protocol}\"")).upgrade.as_deref(), Some(protocol));
    }
}

#[test]
fn segments_that_a_pattern_begins_with_are_stripped() {
    for (pattern, strip, expected) in [
        ("/app/v1/{path...}", "false", 0),
        ("/app/v1/{path...}", "true", 2),
        ("/app/v1/{path...}", "\"/app\"", 1),
        ("/app/v1/{path...}", "\"/app/\"", 1),
        ("/app/v1/{path...}", "\"/app/v1\"", 2),
        ("/app/{id}/v1", "true", 1),
        ("a.example/app/", "true", 1),
        ("/a%20b/{path...}", "\"/a b\"", 1),
        ("/app", "\"/app\"", 1),
    ] {
        let (proxy, _) = accepted(pattern, &format!("{{ to = \"http://a/\", strip = {strip} }}"), "");
        assert_eq!(proxy.strip, expected, "{pattern} {strip}");
    }
}

#[test]
fn authorities_are_believed_of_those_who_show_a_certificate_and_are_not_served() {
    let to = "{ to = [\"https://a/\", \"http://a/\"], authorities = \"ca.pem\" }";
    let ((first, config), (again, _)) = (accepted("/{path...}", to, ""), accepted("/{path...}", to, ""));
    assert!(first.to[0].roots().is_some() && first.to[1].roots().is_none());
    // A file that says the same is no other one after a reload.
    assert_eq!(first.to, again.to);
    assert!(config.named_files.iter().any(|file| file.ends_with("ca.pem")), "{:?}", config.named_files);
    let (system, _) = accepted("/{path...}", "[\"https://a/\", \"http://a/\"]", "");
    assert_ne!(first.to, system.to);
}

#[test]
fn a_timeout_is_of_the_step_and_no_longer_than_all_of_it() {
    let s = Duration::from_secs;
    for (text, connect, first_byte, idle, total) in [
        ("{}", s(5), s(60), s(300), Duration::MAX),
        ("{ connect = \"1s\", first-byte = \"2s\", idle = \"3s\", total = \"4s\" }", s(1), s(2), s(3), s(4)),
        ("{ idle = \"1h\" }", s(5), s(60), s(3600), Duration::MAX),
        ("{ total = \"30s\" }", s(5), s(30), s(30), s(30)),
        ("{ total = \"2s\", idle = \"9s\" }", s(2), s(2), s(2), s(2)),
        ("{ total = \"2m\" }", s(5), s(60), s(120), s(120)),
    ] {
        let (proxy, _) = accepted("/{path...}", "\"http://a/\"", &format!("timeout = {text}"));
        assert_eq!(proxy.timeout, Timeout { connect, first_byte, idle, total }, "{text}");
    }
}

#[test]
fn hints_of_an_upstream_go_to_whom_the_route_says() {
    let (_, config) = accepted("/{path...}", "\"http://a/\"", "hints-to = \"all\"\npages = { 502 = \"404.html\" }");
    assert_eq!(config.routes[0].hints_to, HintsTo::All);
    assert!(config.routes[0].hints.is_empty() && config.routes[0].pages.contains_key(&502));
}

#[test]
fn a_member_that_is_this_server_is_warned_of() {
    for (listen, member, warned) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", true),
        ("http://127.0.0.1:8080", "http://localhost:8080", true),
        ("http://127.0.0.1:8080", "http://0.0.0.0:8080", true),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080", true),
        ("http://0.0.0.0:8080", "http://127.0.0.9:8080", true),
        ("http://[::]:8080", "http://[::1]:8080", true),
        ("http://127.0.0.1", "http://127.0.0.1", true),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080", true),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", false),
        ("http://127.0.0.1:8080", "http://127.0.0.2:8080", false),
        ("http://127.0.0.1:8080", "http://[::1]:8080", false),
        ("http://[::]:8080", "http://127.0.0.1:8080", false),
        ("http://0.0.0.0:8080", "http://10.0.0.1:8080", false),
        ("http://127.0.0.1:8080", "http://a.example:8080", false),
        ("http://127.0.0.1:0", "unix:/run/app.sock", false),
    ] {
        let folder = fixture();
        let text = format!(
            "listen = \"{listen}\"\n[route.\"/app/{{path...}}\"]\nproxy = [\"http://b.example\", \"{member}\"]\n"
        );
        let config = parse(&text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
        let found: Vec<_> = config.warnings.diagnostics().iter().map(|found| &*found.message).collect();
        let expected: &[&str] = if warned { &["`/app/{path...}` asks this server itself"] } else { &[] };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_queue_that_would_do_its_own_jobs_is_warned_of() {
    for (to, warned) in [
        ("http://127.0.0.1:8080/render", true),
        ("http://localhost:8080/render?again", true),
        ("http://127.0.0.1:8080/worker", false),
        ("http://127.0.0.1:8081/render", false),
    ] {
        let folder = fixture();
        let text = format!(
            "listen = \"http://127.0.0.1:8080\"\nstate = \"state\"\n[route.\"/render\"]\njobs = {{ to = \"{to}\" }}\n"
        );
        let config = parse(&text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
        let found: Vec<_> = config.warnings.diagnostics().iter().map(|found| &*found.message).collect();
        let expected: &[&str] = if warned { &["the jobs of `/render` are queued there again"] } else { &[] };
        assert_eq!(found, expected, "{text}");
    }
}
