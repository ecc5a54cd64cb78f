//! `verdict check`.

use crate::command::{command, folder, ran, verdict};

#[test]
fn a_config_that_is_right_is_one_line() {
    let cases = [
        (
            "[route.\"/{path...}\"]\nfiles = \"./public\"\n",
            "verdict.toml: 1 route, listening on http://127.0.0.1:8080\n",
        ),
        (
            "listen = [\"http://127.0.0.1:9000\", \"http://[::1]:9000\"]\n[route.\"/{path...}\"]\nfiles = \"./public\"\n\
             [route.\"/old\"]\nredirect = \"/new\"\n",
            "verdict.toml: 2 routes, listening on http://127.0.0.1:9000, http://[::1]:9000\n",
        ),
    ];
    for (config, line) in cases {
        let folder = folder(config);
        let ran = ran(command(&["check"]).current_dir(&folder).output().expect("the command starts"));
        assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, line, ""));
    }
}

#[test]
fn a_config_that_is_wrong_is_pointed_at() {
    let folder = folder("lisen = [\"http://127.0.0.1:8080\"]\n[route.\"/{path...}\"]\nfiles = \"./public\"\n");
    let path = folder.path().join("verdict.toml");
    let ran = verdict(&["check", "--config", path.to_str().expect("UTF-8")]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    for part in ["lisen", "verdict.toml:1:1", "listen", "^"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains('\x1b'));
}

#[test]
fn a_config_that_is_missing_sends_to_serve() {
    let empty = tempfile::tempdir().expect("a folder");
    for arguments in [&["check"][..], &["run"], &["check", "-c", "none.toml"], &["run", "-c", "none.toml"]] {
        let ran = ran(command(arguments).current_dir(&empty).output().expect("the command starts"));
        assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.stderr.contains("verdict serve"), "{arguments:?}: {}", ran.stderr);
    }
}
