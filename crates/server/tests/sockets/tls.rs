//! TLS: certificates by name, over a reload, and what is told to whom is not served by one.

use crate::certificates::{Issued, connect, issue, issue_as, trusting};
use crate::client::Client;
use crate::others::is_there;
use crate::site::{Plan, Site};
use rustls::{ClientConfig, HandshakeKind};
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use verdict_server::config::Config;

fn plan() -> Plan {
    Plan::new()
        .file("page.txt", "page")
        .file("large.bin", vec![b'l'; 3 << 20])
        .route("/{path...}", "files = \"public\"")
        .route("/fixed", "respond = { status = 200, body = \"fixed\" }")
}

/// A site with a certificate for each of these lists of names.
fn site(names: &[&[&str]]) -> (Site, Vec<Issued>) {
    let issued: Vec<_> = names.iter().map(|names| issue(names)).collect();
    (plan().secure(&issued).start(), issued)
}

/// The status, the fields and the content of one answer.
fn ask(config: &Arc<ClientConfig>, site: &Site, name: &str, request: &str) -> std::io::Result<String> {
    let mut connection = connect(config, site.address, name)?;
    connection.write_all(request.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

fn get(host: &str, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[test]
fn curl_reads_a_page_and_a_large_file_over_each_version_of_http() {
    if !is_there("curl", "curl") {
        return;
    }
    let (site, _) = site(&[&["localhost"]]);
    let port = site.address.port();
    for version in ["--http1.1", "--http2"] {
        for (target, length) in [("/page.txt", 4), ("/large.bin", 3 << 20), ("/fixed", 5)] {
            let mut curl = Command::new("curl");
            curl.args(["-sSk", version, "--noproxy", "*", "--max-time", "20", "--resolve"]);
            curl.arg(format!("localhost:{port}:127.0.0.1"));
            curl.args(["-o", "/dev/null", "-w", "%{http_code} %{http_version} %{size_download}"]);
            let output = curl.arg(format!("https://localhost:{port}{target}")).output().expect("curl starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let expected = format!("200 {} {length}", version.trim_start_matches("--http"));
            assert_eq!(told, expected, "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn each_name_has_its_certificate_and_any_other_the_first() {
    let (site, issued) = site(&[&["a.test", "127.0.0.1"], &["*.b.test"], &["c.test"]]);
    for (name, of) in [("a.test", 0), ("x.b.test", 1), ("c.test", 2), ("127.0.0.1", 0)] {
        let answer = ask(&trusting(&[&issued[of]], &[]), &site, name, &get(name, "/page.txt")).expect(name);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\npage"), "{answer}");
        let others: Vec<_> = issued.iter().enumerate().filter(|(i, _)| *i != of).map(|(_, other)| other).collect();
        assert!(connect(&trusting(&others, &[]), site.address, name).is_err(), "{name}");
    }
}

#[test]
fn an_authority_that_the_certificate_does_not_serve_is_misdirected() {
    let (site, issued) = site(&[&["a.test", "also-a.test"], &["b.test"]]);
    let client = trusting(&[&issued[0]], &[]);
    for (host, status) in [
        ("a.test", "200"),
        ("A.TEST:443", "200"),
        ("also-a.test", "200"),
        ("b.test", "421"),
        ("127.0.0.1", "421"),
        ("c.test", "421"),
    ] {
        let answer = ask(&client, &site, "a.test", &get(host, "/page.txt")).expect("an answer");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
        assert_eq!(answer.contains("Verdict-Reason: not-this-authority;"), status == "421", "{answer}");
    }
}

#[test]
fn plain_http_is_told_to_use_tls_and_whatever_is_neither_is_not_answered() {
    let (site, _) = site(&[&["localhost"]]);
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nGET /", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut client = Client::to(site.address);
        client.send(request);
        let answer = client.answer("GET");
        assert_eq!((answer.status(), answer.reason().as_str()), (400, "plain-http-on-tls"), "{request:?}");
        assert!(answer.closes() && answer.text().contains("https://"), "{}", answer.text());
        client.end();
    }
    for garbage in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x80\x2e\x01", b"\x00\x00"] {
        let mut client = Client::to(site.address);
        client.send(garbage);
        client.finish();
        client.end_in_any_way();
    }
}

#[test]
fn a_session_is_resumed_by_any_worker_and_after_a_reload() {
    let issued = [issue(&["a.test"])];
    let plan = plan().secure(&issued).top("workers = 4");
    let mut site = plan.start();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let config = of_version(&issued[0], version);
        let mut resumed = 0;
        for i in 0..20 {
            if i == 10 {
                site.reload(|text| text);
            }
            let mut connection = connect(&config, site.address, "a.test").expect("a handshake");
            connection.write_all(get("a.test", "/page.txt").as_bytes()).expect("a request");
            let mut answer = String::new();
            connection.read_to_string(&mut answer).expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            resumed += usize::from(connection.conn.handshake_kind() == Some(HandshakeKind::Resumed));
        }
        assert_eq!(resumed, 19, "{version:?}");
    }
}

fn of_version(issued: &Issued, version: &'static rustls::SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(issued.der.clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_protocol_versions(&[version]).expect("a version");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

#[test]
fn a_new_certificate_is_taken_by_a_reload_and_no_request_is_lost() {
    let old = issue(&["a.test"]);
    let new = issue(&["a.test"]);
    let mut site = plan().secure(std::slice::from_ref(&old)).start();
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = site.address;
    let both = trusting(&[&old, &new], &[]);
    std::thread::scope(|scope| {
        for keeps in [true, false, false] {
            let (over, asked, both) = (&over, &asked, &both);
            scope.spawn(move || {
                let mut connection = connect(both, address, "a.test").expect("a handshake");
                while !over.load(Ordering::Relaxed) {
                    if !keeps {
                        connection = connect(both, address, "a.test").expect("a handshake");
                    }
                    connection.write_all(b"GET /fixed HTTP/1.1\r\nHost: a.test\r\n\r\n").expect("a request");
                    let mut answer = Vec::new();
                    while !answer.ends_with(b"\r\n\r\nfixed") {
                        let mut some = [0; 1024];
                        let n = connection.read(&mut some).expect("an answer");
                        assert!(n > 0, "{}", answer.escape_ascii());
                        answer.extend_from_slice(&some[..n]);
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let more = |count: usize| {
            let before = asked.load(Ordering::Relaxed);
            while asked.load(Ordering::Relaxed) < before + count {
                std::thread::yield_now();
            }
        };
        more(20);
        new.put(&site.folder(), "0");
        site.reload(|text| text);
        more(20);
        assert!(connect(&trusting(&[&old], &[]), address, "a.test").is_err());
        assert!(connect(&trusting(&[&new], &[]), address, "a.test").is_ok());
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn plain_requests_are_redirected_to_the_same_place_with_tls() {
    let issued = issue(&["a.test"]);
    let plan = Plan::new().route("/fixed", "respond = { status = 200, body = \"fixed\" }");
    let plan = plan.secure(std::slice::from_ref(&issued)).top("tls.redirect-http = true");
    let site = plan.listening("[\"http://127.0.0.1:0\", \"https://127.0.0.2:0\"]").start();
    for (request, status, location) in [
        ("GET /fixed?a=b HTTP/1.1\r\nHost: a.test:8080\r\n\r\n", 308, Some("https://a.test/fixed?a=b")),
        ("POST /nothing/%2F HTTP/1.1\r\nHost: other.test\r\n\r\n", 308, Some("https://other.test/nothing/%2F")),
        ("GET //evil.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 308, Some("https://a.test//evil.test/")),
        ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 308, Some("https://[::1]/")),
        ("GET / HTTP/1.0\r\n\r\n", 400, None),
        ("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 204, None),
    ] {
        let answer = site.ask(request);
        assert_eq!((answer.status(), answer.get("location")), (status, location), "{request}");
    }
    let mut secure = connect(&trusting(&[&issued], &[]), site.addresses()[1], "a.test").expect("a handshake");
    secure.write_all(get("a.test", "/fixed").as_bytes()).expect("a request");
    let mut answer = String::new();
    secure.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// What is wrong with a certificate or a key is told before anything listens, where it is named.
#[test]
fn files_that_cannot_be_used_are_refused_with_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (issue(&["a.test"]), issue(&["b.test"]));
    one.put(folder.path(), "one");
    other.put(folder.path(), "other");
    std::fs::write(folder.path().join("empty"), "").expect("a file");
    for (certificate, key, at, message) in [
        ("missing", "one.key", "\"missing\"", "does not exist"),
        ("one.pem", "missing", "\"missing\"", "does not exist"),
        ("empty", "one.key", "\"empty\"", "holds no certificate in PEM"),
        ("one.key", "one.key", "\"one.key\"", "holds no certificate in PEM"),
        ("one.pem", "empty", "\"empty\"", "holds no private key in PEM"),
        ("one.pem", "other.key", "\"other.key\"", "is not the key of the certificate"),
        (".", "one.key", "\".\"", "is not a regular file"),
    ] {
        let text = format!(
            "listen = \"https://127.0.0.1:0\"\ntls = {{ certificate = \"{certificate}\", key = \"{key}\" }}\n\
             [route.\"/\"]\nrespond = {{ status = 204 }}\n"
        );
        let report = Config::parse(&text, "test.toml", folder.path()).expect_err(message);
        let [found] = report.diagnostics() else { panic!("{report}") };
        assert!(found.message.ends_with(message), "{report}");
        assert_eq!(&text[found.span.clone().expect("a place")], at, "{report}");
    }
}

#[test]
fn what_clients_will_not_like_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    issue_as(&["a.test"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)).put(folder.path(), "old");
    issue_as(&["a.test"], |params| params.not_before = rcgen::date_time_ymd(2200, 1, 1)).put(folder.path(), "new");
    issue(&[]).put(folder.path(), "nobody");
    issue(&["a.test"]).put(folder.path(), "open");
    let everybody = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("open.key"), everybody).expect("its permissions");
    for (name, message) in [
        ("old", "old.pem` has expired"),
        ("new", "new.pem` does not hold yet"),
        ("nobody", "nobody.pem` names no host"),
        ("open", "open.key` can be read by every user"),
    ] {
        let text = format!(
            "listen = \"https://127.0.0.1:0\"\ntls = {{ certificate = \"{name}.pem\", key = \"{name}.key\" }}\n\
             [route.\"/\"]\nrespond = {{ status = 204 }}\n"
        );
        let config = Config::parse(&text, "test.toml", folder.path()).unwrap_or_else(|report| panic!("{report}"));
        let warnings: Vec<_> = config.warnings.diagnostics().iter().map(|found| found.message.as_str()).collect();
        assert!(matches!(warnings[..], [one] if one.ends_with(message)), "{name}: {warnings:?}");
    }
}
