//! What holds for every command: help, usage errors, an output that is closed or full.

use crate::command::{command, ran, verdict};
use std::process::Stdio;

#[test]
fn a_command_that_is_asked_for_wrongly_is_a_usage_error() {
    let cases = [
        &[][..],
        &["sevre"],
        &["serve", "--port", "x"],
        &["serve", "-p", "x"],
        &["serve", "--listen", "example.com"],
        &["serve", "--listen", "127.0.0.1:1", "--port", "2"],
        &["check", "-x"],
        &["run", "a", "b"],
    ];
    for arguments in cases {
        let ran = verdict(arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains("--help"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn help_shows_examples_and_the_version_is_told() {
    let help = verdict(&["--help"]);
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
    assert!(
        help.stdout.contains("Examples:") && help.stdout.contains("verdict code 301 302 307 308"),
        "{}",
        help.stdout
    );
    let version = verdict(&["--version"]);
    assert_eq!((version.exit, version.stdout), (0, concat!("verdict ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
}

#[test]
fn a_reader_that_has_read_enough_is_not_an_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let child = command(&["code"]).stdout(writer).stderr(Stdio::piped()).spawn().expect("the command starts");
    let ran = ran(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let child = command(&["code", "404"]).stdout(full).stderr(Stdio::piped()).spawn().expect("the command starts");
    let ran = ran(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.exit, 1);
    assert!(ran.stderr.starts_with("error: standard output cannot be written"), "{}", ran.stderr);
}
