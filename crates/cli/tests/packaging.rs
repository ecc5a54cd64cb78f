//! What wraps the command for containers and for systemd names only what there is: commands, flags, files, ports, folders.

mod running;

use running::Running;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn verdict(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_verdict")).args(arguments).output().expect("the command starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether the command line is one that the command has: with a config that is not there it fails for that, and for nothing else.
fn is_a_command(words: &[&str]) {
    let known = ["/etc/verdict/verdict.toml", "/var/lib/verdict"];
    let arguments: Vec<_> = words.iter().map(|word| if known.contains(word) { "/nowhere" } else { word }).collect();
    assert!(arguments.contains(&"/nowhere"), "{words:?}");
    let ran = verdict(&arguments);
    assert_eq!(ran.status.code(), Some(1), "{words:?}: {}", said(&ran));
    assert!(said(&ran).contains("/nowhere"), "{words:?}: {}", said(&ran));
}

/// The instructions of the Containerfile, each on a line of its own, and what they say.
fn instructions() -> Vec<(String, String)> {
    let text = read("Containerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let pairs = lines.map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}")));
    pairs.map(|(name, rest)| (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

/// The only instruction of that name.
fn only<'a>(all: &'a [(String, String)], name: &str) -> &'a str {
    let found: Vec<_> = all.iter().filter(|(known, _)| known == name).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    &found[0].1
}

fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

const CONFIG: &str = "examples/container/verdict.toml";

#[test]
fn the_container_starts_and_asks_what_there_is() {
    let all = instructions();
    assert_eq!(list(only(&all, "ENTRYPOINT")), ["/verdict"]);
    let command = list(only(&all, "CMD"));
    assert_eq!(command, ["run", "-c", "/etc/verdict/verdict.toml"]);
    is_a_command(&command.iter().map(String::as_str).collect::<Vec<_>>());
    let health = only(&all, "HEALTHCHECK").split_once("CMD ").expect("a command").1;
    let health = list(health);
    assert_eq!((&*health[0], &*health[1], &*health[2]), ("/verdict", "ready", "--state"));
    is_a_command(&health[1..].iter().map(String::as_str).collect::<Vec<_>>());
    // What it listens on and where it keeps its state are the config's.
    let config = read(CONFIG);
    assert!(config.contains(&format!("state  = \"{}\"", only(&all, "VOLUME"))), "{config}");
    assert!(config.contains(&format!("listen = [\"http://0.0.0.0:{}\"]", only(&all, "EXPOSE"))), "{config}");
    assert_eq!(health[3], only(&all, "VOLUME"));
    // Somebody without a name, and without rights.
    assert!(only(&all, "USER").split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 1000)));
    let version = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(only(&all, "LABEL").contains(&version), "{version}");
}

#[test]
fn the_container_is_built_of_what_there_is() {
    let all = instructions();
    let toolchain = format!("rust:{}-alpine AS build", env!("CARGO_PKG_RUST_VERSION"));
    assert!(all[0].1.ends_with(&toolchain), "{:?} is not {toolchain}", all[0]);
    let runs: Vec<_> = all.iter().filter(|(name, _)| name == "RUN").map(|(_, run)| &**run).collect();
    assert!(runs.contains(&"cargo build --release --locked -p verdict"), "{runs:?}");
    assert!(runs.iter().any(|run| run.contains(&format!("cp {CONFIG} /image/etc/verdict/"))), "{runs:?}");
    // What is kept out of the build is not missing there.
    for line in read(".dockerignore").lines().filter(|line| !line.starts_with('#')) {
        assert!(![".", "Cargo.toml", "Cargo.lock", "crates", "docs", "examples", "xtask"].contains(&line), "{line}");
    }
}

#[test]
fn the_containers_config_serves_its_folder_and_is_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    fs::create_dir(place("srv")).expect("a folder");
    fs::write(place("srv/a.txt"), "a").expect("a file");
    let config = read(CONFIG).replace("\"/srv\"", &format!("{:?}", place("srv")));
    let config = config.replace("\"/var/lib/verdict\"", &format!("{:?}", place("state")));
    fs::write(place("verdict.toml"), config.replace("0.0.0.0:8080", "127.0.0.1:0")).expect("a file");
    let checked = verdict(&["check", "-c", &place("verdict.toml")]);
    assert!(checked.status.success() && !said(&checked).contains("warning"), "{}", said(&checked));
    let state = place("state");
    let running = Running::start(folder, "run");
    let ready = verdict(&["ready", "--state", &state]);
    assert!(ready.status.success(), "{}", said(&ready));
    let mut stream = TcpStream::connect(running.address).expect("the server accepts");
    stream.write_all(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\na"), "{answer}");
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = read("examples/verdict.service");
    let value = |name: &str| {
        let values: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values[0]
    };
    let words: Vec<_> = value("ExecStart").split(' ').collect();
    assert_eq!(words[0], "/usr/bin/verdict");
    is_a_command(&words[1..]);
    // The folder that it may write is the one that it says is its state.
    assert!(unit.contains(&format!("`state = \"/var/lib/{}\"`", value("StateDirectory"))), "{unit}");
    assert!(unit.contains(&format!("verdict check -c {}`", words[words.len() - 1])), "{unit}");
}

/// Each section and key is one that systemd knows, where there is one to be asked.
#[test]
fn systemd_knows_every_line_of_the_units() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["verdict.service", "verdict.socket"].map(|name| {
        let unit = read(&format!("examples/{name}")).replace("/usr/bin/verdict", env!("CARGO_BIN_EXE_verdict"));
        let path = folder.path().join(name);
        fs::write(&path, unit).expect("a file");
        path
    });
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").args(&names).output() else {
        eprintln!("there is no systemd-analyze to ask");
        return;
    };
    let about: Vec<_> = said(&verified).lines().filter(|line| line.contains("verdict.")).map(str::to_owned).collect();
    assert!(about.is_empty(), "{about:#?}");
}

/// In a root without `/proc` it cannot be told which files are the config's, and no folder is served.
#[test]
fn without_proc_no_folder_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("files.toml"), "[route.\"/{path...}\"]\nfiles = \".\"\n").expect("a file");
    let hidden = |command: &str| {
        let mut unshare = Command::new("unshare");
        let within = format!("mount -t tmpfs none /proc && {command}");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &within]).current_dir(&folder);
        unshare.output().ok()
    };
    if !hidden("true").is_some_and(|ran| ran.status.success()) {
        eprintln!("nothing can be unshared here");
        return;
    }
    let ran = hidden(&format!("exec timeout 10 {} run -c files.toml", env!("CARGO_BIN_EXE_verdict"))).expect("it runs");
    assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
    assert!(said(&ran).contains("cannot open /proc/self/fd: without /proc"), "{}", said(&ran));
}
