//! `verdict check`.

use crate::command::{command, folder, ran, verdict};
use serde_json::{Value, json};

#[test]
fn a_config_that_is_right_is_one_line_and_its_routes() {
    let cases = [
        (
            "[route.\"/{path...}\"]\nfiles = \"./public\"\n",
            "verdict.toml: 1 route, listening on http://127.0.0.1:8080\n\n\
             \x20 pattern     kind   place\n\
             \x20 /{path...}  files  verdict.toml:1\n",
        ),
        (
            "listen = [\"http://127.0.0.1:9000\", \"http://[::1]:9000\"]\n[route.\"/{path...}\"]\nfiles = \"./public\"\n\
             [route.\"/old\"]\nredirect = \"/new\"\n",
            "verdict.toml: 2 routes, listening on http://127.0.0.1:9000, http://[::1]:9000\n\n\
             \x20 pattern     kind      place\n\
             \x20 /old        redirect  verdict.toml:4\n\
             \x20 /{path...}  files     verdict.toml:2\n",
        ),
    ];
    for (config, told) in cases {
        let folder = folder(config);
        let ran = ran(command(&["check"]).current_dir(&folder).output().expect("the command starts"));
        assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, told, ""));
    }
}

#[test]
fn a_warning_is_told_and_the_config_is_right_all_the_same() {
    let folder = folder("[route.\"old/{path...}\"]\nfiles = \"./public\"\n");
    let ran = ran(command(&["check"]).current_dir(&folder).output().expect("the command starts"));
    assert_eq!(ran.exit, 0);
    for part in ["warning: `old` is read as a host", "verdict.toml:1:9", "write `/old/{path...}`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn json_says_what_a_program_wants_to_know() {
    let checked = |config: &str| {
        let folder = folder(config);
        let ran = ran(command(&["check", "--json"]).current_dir(&folder).output().expect("the command starts"));
        assert_eq!(ran.stderr, "");
        (ran.exit, serde_json::from_str::<Value>(&ran.stdout).expect("JSON"))
    };
    let (exit, right) = checked("[route.\"old/{path...}\"]\nfiles = \"./public\"\n");
    assert_eq!(exit, 0);
    assert_eq!(right["valid"], true);
    assert_eq!(right["listen"], json!(["http://127.0.0.1:8080"]));
    assert_eq!(right["routes"], json!([{ "pattern": "old/{path...}", "kind": "files", "line": 1 }]));
    assert_eq!(right["diagnostics"][0]["severity"], "warning");

    let (exit, wrong) =
        checked("\nlisten = [\"http://127.0.0.1:8080\"\n[route.\"/{path...}\"]\nfiles = \"./public\"\n");
    assert_eq!(exit, 1);
    assert_eq!((&wrong["valid"], &wrong["config"]), (&json!(false), &json!("verdict.toml")));
    let expected = json!([{
        "severity": "error", "message": "this list is not closed", "line": 2, "column": 10, "label": null,
        "help": "close it with `]`",
    }]);
    assert_eq!(wrong["diagnostics"], expected);
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
