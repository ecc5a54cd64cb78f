//! Each file of `examples/` runs as it stands, and answers as its comments say.

use crate::client::Client;
use std::path::{Path, PathBuf};
use verdict_server::Server;
use verdict_server::config::Config;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

#[test]
fn every_example_runs_and_answers_as_it_says() {
    let cases = [
        ("static.toml", "GET", "/", 200),
        ("static.toml", "GET", "/style.css", 200),
        ("static.toml", "GET", "/nothing", 404),
        ("static.toml", "GET", "/docs/", 200),
        ("static.toml", "GET", "/docs", 308),
        ("spa.toml", "GET", "/any/place", 200),
        ("spa.toml", "GET", "/assets/nothing.js", 404),
        ("redirects.toml", "GET", "/old/x?y=1", 308),
        ("redirects.toml", "GET", "/blog/2026/first", 301),
        ("redirects.toml", "GET", "/latest", 307),
        ("redirects.toml", "GET", "/login", 302),
        ("redirects.toml", "POST", "/submit", 303),
        ("statuses.toml", "GET", "/health", 204),
        ("statuses.toml", "GET", "/staff/x", 401),
        ("statuses.toml", "GET", "/paid", 402),
        ("statuses.toml", "GET", "/fixed", 405),
        ("statuses.toml", "GET", "/closed/x", 410),
        ("statuses.toml", "GET", "/chat", 426),
        ("statuses.toml", "GET", "/banned", 451),
        ("statuses.toml", "GET", "/pause", 503),
        // By the address without TLS.
        ("https.toml", "GET", "/style.css", 308),
        ("notes.toml", "GET", "/notes", 200),
        ("notes.toml", "GET", "/notes/none", 404),
        ("notes.toml", "DELETE", "/notes", 405),
        ("jobs.toml", "GET", "/render", 405),
        ("jobs.toml", "GET", "/render/none", 404),
        ("gateway.toml", "GET", "/style.css", 200),
        ("gateway.toml", "TRACE", "/app/x", 405),
        ("gateway.toml", "TRACE", "/chat", 405),
        ("uploads.toml", "GET", "/up/", 200),
        ("uploads.toml", "PUT", "/up/", 405),
        ("uploads.toml", "DELETE", "/up/none.png", 404),
        ("guards.toml", "GET", "/api/x", 200),
        ("guards.toml", "GET", "/search", 200),
        ("guards.toml", "GET", "/shop/x", 503),
    ];
    let mut examples = 0;
    for entry in std::fs::read_dir(folder()).expect("examples/") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        examples += 1;
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let mut config = Config::load(&path).unwrap_or_else(|report| panic!("{report}"));
        // But for the port, which other tests may have.
        for listen in &mut config.listen {
            listen.address.set_port(0);
        }
        // And for what is kept, which is nobody else's.
        let state = tempfile::tempdir().expect("a folder");
        if let Some(console) = &mut config.console {
            console.socket = state.path().join("console.sock");
        }
        let server = Server::start(config).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut asked = 0;
        for (_, method, target, status) in cases.iter().filter(|(example, ..)| *example == name) {
            let mut client = Client::to(server.addresses()[0]);
            let answer = client.ask(format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
            assert_eq!(answer.head.status, *status, "{name}: {method} {target}");
            asked += 1;
        }
        assert!(asked > 0, "{name} is not in the table");
        server.stop().expect("it stops");
    }
    assert_eq!(examples, 10, "an example was added: add its answers too");
}
