//! A server as a process of its own, in a folder of its own. Nothing is waited for without end.

#![allow(dead_code, reason = "no test uses all of it")]

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a process writes, line by line.
pub struct Lines(Receiver<String>);

impl Lines {
    pub fn of(pipe: impl Read + Send + 'static) -> Lines {
        let (lines, read) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Lines(read)
    }

    /// The next line, waited for; none when all that held the pipe are gone.
    pub fn next(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line in {PATIENCE:?}"),
        }
    }

    /// Reads until a line has these words in it, and returns that line.
    pub fn until(&self, words: &str) -> String {
        let mut all = String::new();
        while let Some(line) = self.next() {
            if line.contains(words) {
                return line;
            }
            all.push_str(&line);
            all.push('\n');
        }
        panic!("it ended before it said {words:?}: {all}")
    }
}

/// A server at work.
pub struct Running {
    pub child: Child,
    /// What it writes to standard output: its log, where it has one.
    pub log: Lines,
    pub said: Lines,
    pub address: SocketAddr,
    pub folder: TempDir,
}

impl Running {
    /// Starts `verdict COMMAND` in a folder, and waits until it says where it listens.
    pub fn start(folder: TempDir, command: &str) -> Running {
        let mut process = Command::new(env!("CARGO_BIN_EXE_verdict"));
        process.arg(command);
        Running::started(folder, process)
    }

    /// Runs `verdict run` with these variables.
    pub fn with_environment(folder: TempDir, variables: &[(&str, &Path)]) -> Running {
        let mut process = Command::new(env!("CARGO_BIN_EXE_verdict"));
        process.arg("run").envs(variables.iter().copied());
        Running::started(folder, process)
    }

    /// Runs `verdict run` where a process may have so many descriptors.
    pub fn with_descriptors(folder: TempDir, most: u32) -> Running {
        let mut process = Command::new("sh");
        process.arg("-c").arg(format!("ulimit -n {most}; exec \"$0\" run")).arg(env!("CARGO_BIN_EXE_verdict"));
        Running::started(folder, process)
    }

    /// Runs `verdict run`, and leaves it to the caller to read what it writes to standard output.
    pub fn unread(folder: TempDir) -> (Running, ChildStdout) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_verdict"));
        process.arg("run");
        Running::spawned(folder, process)
    }

    fn started(folder: TempDir, process: Command) -> Running {
        let (mut running, output) = Running::spawned(folder, process);
        running.log = Lines::of(output);
        running
    }

    fn spawned(folder: TempDir, mut process: Command) -> (Running, ChildStdout) {
        process.current_dir(folder.path()).stdin(Stdio::null());
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let output = child.stdout.take().expect("it is piped");
        let said = Lines::of(child.stderr.take().expect("it is piped"));
        let line = said.until("http://");
        let address = line.rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?}"));
        (Running { child, log: Lines::of(io::empty()), said, address, folder }, output)
    }

    /// Waits until it has ended well.
    pub fn ends(&mut self) {
        ends(&mut self.child);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a process has ended well.
pub fn ends(child: &mut Child) {
    wait_for("it ends", || match child.try_wait().expect("its state") {
        Some(status) => {
            assert!(status.success(), "{status}");
            true
        }
        None => false,
    });
}

/// Sends a signal by the command that every system has.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name}");
}

/// Whether a process is still there.
pub fn lives(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
