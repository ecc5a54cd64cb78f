//! `verdict completions`.

use crate::command::verdict;
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn every_shell_gets_every_command() {
    let help = verdict(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"completions"), "{help}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = verdict(&["completions", shell]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{shell}");
        for command in &commands {
            assert!(ran.stdout.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn a_shell_that_is_here_can_read_its_own() {
    for shell in ["bash", "zsh", "fish"] {
        let mut command = Command::new(shell);
        command.arg("-n").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else { continue };
        let script = verdict(&["completions", shell]).stdout;
        // Dropped once it is written, so that the shell finds the end.
        child.stdin.take().expect("it is piped").write_all(script.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_shell_that_is_unknown_is_a_usage_error() {
    let ran = verdict(&["completions", "tcsh"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("possible values: bash"), "{}", ran.stderr);
}
