//! `verdict serve` and `verdict run`: up to the line that says where the server is, or why there is none.

use crate::command::{command, folder, verdict};
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A server at work; it ends with this.
struct Server {
    child: Child,
    /// The line that says where it listens.
    line: String,
}

impl Server {
    /// Starts one that says on standard error where it listens.
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let line = told(child.stderr.take().expect("it is piped"));
        Server { child, line }
    }

    /// The address in its line.
    fn address(&self) -> SocketAddr {
        let (_, url) = self.line.rsplit_once(' ').unwrap_or_else(|| panic!("no address: {:?}", self.line));
        url.strip_prefix("http://").and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{url}"))
    }
}

/// The first line with an address: one before it may warn of running as root.
fn told(stream: impl Read) -> String {
    let lines = BufReader::new(stream).lines().map(|line| line.expect("it speaks UTF-8"));
    lines.into_iter().find(|line| line.contains(" on http://")).expect("it says where it listens")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_says_where_it_listens_once_it_does() {
    let folder = folder("");
    let server = Server::start(command(&["serve", "public", "--port", "0"]).current_dir(&folder));
    let address = server.address();
    assert_eq!(server.line, format!("serving public on http://127.0.0.1:{}", address.port()));
    assert!(address.port() != 0 && TcpStream::connect(address).is_ok(), "{address}");
}

#[test]
fn serve_takes_the_next_free_port_where_none_is_given() {
    let folder = folder("");
    // Whoever holds it, it is taken.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let server = Server::start(command(&["serve"]).current_dir(folder.path().join("public")));
    assert!((8081..=8099).contains(&server.address().port()), "{}", server.line);
    assert!(server.line.starts_with("serving . on http://127.0.0.1:"), "{}", server.line);
}

#[test]
fn run_says_how_many_routes_it_has_and_where_it_listens() {
    let config = "listen = [\"http://127.0.0.1:0\"]\n[route.\"/{path...}\"]\nfiles = \"./public\"\n";
    let folder = folder(config);
    let server = Server::start(command(&["run"]).current_dir(&folder));
    let address = server.address();
    assert_eq!(server.line, format!("verdict.toml: 1 route, listening on http://{address}"));
    assert!(address.port() != 0 && TcpStream::connect(address).is_ok(), "{address}");
}

#[test]
fn a_folder_that_cannot_be_served_is_one_sentence() {
    let place = folder("");
    let file = place.path().join("verdict.toml");
    let none = place.path().join("none");
    let cases = [(&none, "name one that exists"), (&file, "name the one that it is in")];
    for (path, words) in cases {
        let ran = verdict(&["serve", path.to_str().expect("UTF-8")]);
        assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.lines().count()), (1, "", 1), "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let closed = place.path().join("public");
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).expect("permissions");
    // The superuser may read it all the same, and would go on to serve it.
    if std::fs::read_dir(&closed).is_err() {
        let ran = verdict(&["serve", closed.to_str().expect("UTF-8")]);
        assert_eq!((ran.exit, ran.stderr.lines().count()), (1, 1), "{}", ran.stderr);
        assert!(ran.stderr.contains("may not be read by this user"), "{}", ran.stderr);
    }
}

#[test]
fn a_port_that_is_taken_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let place =
        folder(&format!("listen = [\"http://127.0.0.1:{port}\"]\n[route.\"/{{path...}}\"]\nfiles = \"./public\"\n"));
    let (config, public) = (place.path().join("verdict.toml"), place.path().join("public"));
    let (config, public) = (config.to_str().expect("UTF-8"), public.to_str().expect("UTF-8"));
    for arguments in [&["serve", public, "--port", &port][..], &["run", "-c", config]] {
        let ran = verdict(arguments);
        assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.lines().count()), (1, "", 1), "{}", ran.stderr);
        for part in ["error: ", &port, "is taken", "choose another port"] {
            assert!(ran.stderr.contains(part), "{arguments:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn an_address_that_is_not_ours_is_one_sentence() {
    // RFC 5737 §3: an address that nobody has.
    for arguments in [&["serve", "--listen", "192.0.2.1"][..], &["serve", "--listen", "192.0.2.1:8080"]] {
        let ran = verdict(arguments);
        assert_eq!(ran.exit, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("no such address; choose one of its own"), "{}", ran.stderr);
    }
}
