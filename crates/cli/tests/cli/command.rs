//! The command, run to its end.

use std::process::{Command, Output};
use tempfile::TempDir;

/// What it answered.
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) exit: i32,
    /// What it said.
    pub(crate) stdout: String,
    /// What it said of what went wrong.
    pub(crate) stderr: String,
}

/// The command with these arguments, not yet started.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

/// The command with these arguments, run to its end.
pub(crate) fn verdict(arguments: &[&str]) -> Ran {
    ran(command(arguments).output().expect("the command starts"))
}

/// What an ended command answered.
pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        exit: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("it speaks UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("it speaks UTF-8"),
    }
}

/// A folder with a config and a folder to serve.
pub(crate) fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("verdict.toml"), config).expect("a file");
    std::fs::create_dir(folder.path().join("public")).expect("a folder");
    folder
}
