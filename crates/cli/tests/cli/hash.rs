//! `verdict hash-password` and `verdict hash-token`.

use crate::command::{Ran, command, ran, verdict};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

/// Run with this on standard input, which is no terminal.
fn given(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // A command that does not read what is given to it closes the pipe.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    ran(child.wait_with_output().expect("it ends"))
}

#[test]
fn a_password_is_hashed_and_shown_nowhere() {
    let cases = [
        (&["hash-password"][..], "$argon2id$v=19$m=19456,t=2,p=1$", ""),
        (&["hash-password", "--user", "ann"], "ann:$argon2id$v=19$m=19456,t=2,p=1$", ""),
        (
            &["hash-password", "-u", "ann", "-r", "editor", "--role", "notes:admin"],
            "ann:$argon2id$v=19$",
            ":editor,notes:admin",
        ),
    ];
    for (arguments, begin, end) in cases {
        let ran = given(arguments, b"open sesame\r\n");
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        let line = ran.stdout.strip_suffix('\n').expect("a line");
        assert!(line.starts_with(begin) && line.ends_with(end) && !line.contains("sesame"), "{line}");
    }
}

#[test]
fn a_line_that_was_written_is_one_that_a_config_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
    write("users", given(&["hash-password", "-u", "ann", "-r", "editor"], b"secret").stdout);
    write("tokens", verdict(&["hash-token", "ci", "-s", "notes:read"]).stdout);
    let config = "[auth.staff]\nbasic = \"users\"\ntokens = \"tokens\"\n[route.\"/x\"]\nrespond = { status = 204 }\n\
                  auth = \"staff\"\nallow = { read = [\"scope:notes:read\"], write = [\"ann\", \"role:editor\", \"ci\"] }\n";
    write("verdict.toml", config.to_owned());
    let ran = ran(command(&["check"]).current_dir(&folder).output().expect("the command starts"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[test]
fn what_cannot_be_a_password_or_a_name_is_refused() {
    let long = "x".repeat(5000);
    let cases: &[(&[&str], &[u8], &str)] = &[
        (&["hash-password"], b"", "the password cannot be used: it is empty"),
        (&["hash-password"], b"\n", "the password cannot be used: it is empty"),
        (&["hash-password"], b"one\ntwo\n", "the password cannot be used: it has a control character"),
        (&["hash-password"], b"\xff", "what was given is not UTF-8"),
        (&["hash-password"], long.as_bytes(), "what was given is longer than 4096 bytes"),
        (&["hash-password", "-u", "a:b"], b"x", "the user's name or a role cannot be used: it has a colon"),
        (&["hash-password", "-u", "a", "-r", "b,c"], b"x", "the user's name or a role cannot be used: it has a comma"),
        (&["hash-token", ""], b"", "the name or a scope cannot be used: it is empty"),
        (&["hash-token", "ci", "--stdin"], b"short", "the token cannot be used: a token of less than 22"),
        (&["hash-token", "ci", "--stdin"], b"with a space in the middle", "the token cannot be used: a token has"),
    ];
    for (arguments, input, told) in cases {
        let ran = given(arguments, input);
        assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with(&format!("error: {told}")), "{}", ran.stderr);
    }
    for arguments in [&["hash-token"][..], &["hash-password", "-r", "editor"], &["hash-password", "secret"]] {
        assert_eq!(verdict(arguments).exit, 2, "{arguments:?}");
    }
}

#[test]
fn a_token_is_shown_once_and_its_line_has_only_its_hash() {
    let ran = verdict(&["hash-token", "ci", "--scope", "notes:read", "-s", "notes:write"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let token = ran.stderr.strip_prefix("token of ci, shown only now:\n").expect("the token").trim_end();
    assert!(token.len() == 43 && !ran.stdout.contains(token), "{} {}", ran.stdout, ran.stderr);
    // The same line comes of the same token.
    let again = given(&["hash-token", "ci", "-s", "notes:read", "-s", "notes:write", "--stdin"], token.as_bytes());
    assert_eq!((again.exit, again.stderr.as_str(), again.stdout.as_str()), (0, "", ran.stdout.as_str()));
    let hash = ran.stdout.strip_prefix("ci:").and_then(|line| line.strip_suffix(":notes:read,notes:write\n"));
    assert!(hash.is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())), "{}", ran.stdout);
    assert_ne!(verdict(&["hash-token", "ci"]).stderr, ran.stderr);
}

/// From FIPS 180-4: the message of 448 bits.
#[test]
fn the_hash_is_sha_256() {
    let token = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\n";
    let line = "ci:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1\n";
    assert_eq!(given(&["hash-token", "ci", "--stdin"], token).stdout, line);
}

/// What is typed at a terminal, each answer once it is asked for; whether the terminal shows what is typed before and after.
fn typed(answers: &[&[u8]]) -> (Ran, bool) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("its other end");
    let name = ptsname(&keyboard, Vec::new()).expect("its name");
    let open = || File::options().read(true).write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let terminal = open().expect("it opens");
    let mut command = command(&["hash-password"]);
    command.stdin(open().expect("it opens")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut asked = child.stderr.take().expect("it is piped");
    let mut told = String::new();
    for answer in answers {
        while !told.ends_with(": ") {
            let mut byte = [0];
            asked.read_exact(&mut byte).expect("it asks");
            told.push(char::from(byte[0]));
        }
        told.push('|');
        rustix::io::write(&keyboard, answer).expect("somebody types");
    }
    asked.read_to_string(&mut told).expect("it ends");
    let mut ran = ran(child.wait_with_output().expect("it ends"));
    ran.stderr = told;
    (ran, tcgetattr(&terminal).expect("its modes").local_modes.contains(LocalModes::ECHO | LocalModes::ISIG))
}

#[test]
fn a_terminal_is_asked_twice_and_shows_what_is_typed_again_afterwards() {
    let cases: &[(&[&[u8]], i32, &str)] = &[
        (&[b"secret\r", b"sekret\x7f\x7f\x7f\x7fcret\r"], 0, "Password: |\nOnce more: |\n"),
        (&[b"secret\r", b"other\r"], 1, "Password: |\nOnce more: |\nerror: the two passwords differ\n"),
        (&[b"sec\x03"], 1, "Password: |\nerror: stopped\n"),
    ];
    for (answers, exit, told) in cases {
        let (ran, shows) = typed(answers);
        assert_eq!((ran.exit, ran.stderr.as_str(), shows), (*exit, *told, true), "{answers:?}");
        assert_eq!(ran.stdout.starts_with("$argon2id$"), *exit == 0, "{}", ran.stdout);
    }
}
