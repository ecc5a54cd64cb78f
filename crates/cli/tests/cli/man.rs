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
fn a_command_that_is_unknown_has_no_page() {
    let ran = verdict(&["man", "srve"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("did you mean `serve`?"), "{}", ran.stderr);
}
