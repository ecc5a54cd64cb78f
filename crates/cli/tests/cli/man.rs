//! `verdict man`.

use crate::command::verdict;

#[test]
fn one_page_has_all_commands_with_their_arguments_and_examples() {
    let ran = verdict(&["man"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for part in [
        ".TH VERDICT 1",
        ".SH NAME\nverdict \\- ",
        ".SH \"verdict serve\"",
        ".SH \"verdict code\"",
        "\\-c, \\-\\-config <FILE>",
        "[default: verdict.toml]",
        "verdict serve site \\-\\-port 9000",
        ".SH \"EXIT STATUS\"",
        ".SH ENVIRONMENT",
        ".SH FILES",
        ".SH SIGNALS",
        "SIGUSR2",
        "SIGTERM, SIGINT",
        "NO_COLOR",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let help = verdict(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in listed.filter_map(|line| line.split_whitespace().next()) {
        assert!(ran.stdout.contains(&format!(".SH \"verdict {command}\"")), "{command}");
    }
}

#[test]
fn a_command_has_a_page_of_its_own() {
    let ran = verdict(&["man", "serve"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout.contains(".TH VERDICT\\-SERVE 1") || ran.stdout.contains(".TH VERDICT-SERVE 1"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("verdict serve [OPTIONS] [DIR]") && !ran.stdout.contains("verdict check"));
}

#[test]
fn a_page_says_of_signals_and_files_what_is_so_of_its_command() {
    let cases = [
        ("run", &["SIGHUP", "SIGTERM", "verdict.toml", "EXIT STATUS"][..], &[][..]),
        ("serve", &["SIGUSR2", "LISTEN_FDS"], &["SIGHUP", "FILES"]),
        ("code", &["NO_COLOR", "EXIT STATUS"], &["SIGNALS", "FILES", "NOTIFY_SOCKET"]),
    ];
    for (command, has, lacks) in cases {
        let page = verdict(&["man", command]).stdout;
        for part in has {
            assert!(page.contains(part), "{command}: {part}: {page}");
        }
        for part in lacks {
            assert!(!page.contains(part), "{command}: {part}: {page}");
        }
    }
}

#[test]
fn a_command_that_is_unknown_has_no_page() {
    let ran = verdict(&["man", "srve"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("did you mean `serve`?"), "{}", ran.stderr);
}
