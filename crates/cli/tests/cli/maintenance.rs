//! `verdict maintenance`: what it says where there is nobody to tell. With a server, see `tests/console.rs`.

use crate::command::{command, folder, ran};

const ROUTE: &str = "[route.\"/a\"]\nrespond = { status = 200 }\n";

#[test]
fn it_says_what_is_missing() {
    // Config, arguments, exit code, what is said.
    let cases: [(&str, &[&str], i32, &[&str]); 8] = [
        (ROUTE, &["on"], 1, &["verdict.toml has no console", "state = \"./state\""]),
        ("state = \"./s\"\n", &["on"], 1, &["no server answers on", "s/console.sock", "verdict run"]),
        ("state = \"./s\"\n", &["off", "/a"], 1, &["no server answers on"]),
        ("state = \"./s\"\n", &["on", "--until", "teatime"], 2, &["--until teatime", "14:00"]),
        ("state = \"./s\"\n", &["on", "--until", "2020-01-01T00:00:00Z"], 1, &["it is past"]),
        ("state = \"./s\"\n", &["off", "--until", "14:00"], 2, &["`--until` is for `on`"]),
        ("state = \"./s\"\n", &["maybe"], 2, &["maybe"]),
        ("stat = \"./s\"\n", &["on"], 1, &["did you mean `state`?"]),
    ];
    for (config, arguments, exit, says) in cases {
        let config = if config == ROUTE { config.to_owned() } else { format!("{config}{ROUTE}") };
        let folder = folder(&config);
        let arguments = [&["maintenance"], arguments].concat();
        let ran = ran(command(&arguments).current_dir(&folder).output().expect("the command starts"));
        assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{arguments:?}: {}", ran.stderr);
        for part in says {
            assert!(ran.stderr.contains(part), "{arguments:?}: {part}: {}", ran.stderr);
        }
        assert!(!folder.path().join("s").exists(), "who only asks makes no folder");
    }
}
