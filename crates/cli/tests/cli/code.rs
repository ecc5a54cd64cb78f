//! `verdict code`, as it is run.

use crate::command::{Ran, verdict};
use serde_json::Value;

fn json(arguments: &[&str]) -> Value {
    let ran = verdict(arguments);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// The answer to a question of a comparison, for each code in turn.
fn answers(codes: &str, question: &str) -> Vec<String> {
    let arguments: Vec<&str> = ["code", "--json"].into_iter().chain(codes.split(' ')).collect();
    let told = json(&arguments);
    let rows = told["questions"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["question"] == question).unwrap_or_else(|| panic!("{codes}: {question}"));
    codes.split(' ').map(|code| row["answers"][code].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn every_code_is_listed_under_its_class() {
    let ran = verdict(&["code"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let at = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    let order = [
        "1xx informational",
        "103 ",
        "2xx successful",
        "206 ",
        "3xx redirection",
        "4xx client error",
        "451 ",
        "5xx server",
        "511 ",
    ];
    assert!(order.map(at).is_sorted());
    assert_eq!(
        json(&["code", "--json"])["statuses"].as_array().map(Vec::len),
        Some(verdict_core::status::REGISTRY.len())
    );
}

#[test]
fn one_code_is_told_with_its_reasons_and_their_remedies() {
    let ran = verdict(&["code", "409"]);
    assert_eq!(ran.exit, 0);
    for part in [
        "409 Conflict",
        "RFC 9110 §15.5.10",
        "when",
        "when not",
        "the client",
        "unique-member-taken",
        "Remedy: Use another value",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(verdict(&["code", "401"]).stdout.contains("must carry  WWW-Authenticate"));
    assert!(verdict(&["code", "429"]).stdout.contains("Carries: Retry-After, RateLimit, RateLimit-Policy."));
}

#[test]
fn every_registered_code_can_be_asked_for() {
    for line in verdict_core::status::REGISTRY {
        let told = json(&["code", "--json", &line.status.to_string()]);
        assert_eq!(told["code"], line.status.code());
        for member in ["meaning", "when", "when_not", "next", "section", "class", "cacheable"] {
            assert!(told[member].as_str().is_some_and(|text| !text.is_empty()), "{} {member}", line.status);
        }
    }
}

#[test]
fn a_code_without_reasons_says_who_could_give_it() {
    assert!(verdict(&["code", "402"]).stdout.contains("only where a `respond` route says so"));
    assert!(verdict(&["code", "102"]).stdout.contains("never gives it"));
    assert_eq!(json(&["code", "402", "--json"])["reasons"], Value::Array(Vec::new()));
}

#[test]
fn the_four_redirects_are_told_apart() {
    let four = "301 302 307 308";
    assert_eq!(answers(four, "permanent?"), ["yes", "no", "no", "yes"]);
    assert_eq!(answers(four, "may POST become GET?"), ["yes", "yes", "no", "no"]);
    let shown = verdict(&["code", "301", "302", "307", "308"]).stdout;
    let row = shown.lines().find(|line| line.starts_with("permanent?")).expect("a row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["permanent?", "yes", "no", "no", "yes"]);
    assert!(shown.contains("in doubt, 308 and 307 are strictly right"));
}

#[test]
fn authenticating_again_helps_after_401_and_not_after_403() {
    assert_eq!(answers("401 403", "does authenticating again help?"), ["yes", "no"]);
    assert_eq!(answers("401 403", "in a word"), ["Who are you?", "I know you, but no."]);
}

#[test]
fn who_failed_is_told_of_the_server_errors() {
    let failed = answers("500 502 503 504", "who failed?");
    assert_eq!(failed, ["the application's own code", "the upstream server", "this server", "the upstream server"]);
}

#[test]
fn some_codes_of_a_comparison_are_compared_in_the_order_that_was_asked_for() {
    assert_eq!(answers("308 301", "may POST become GET?"), ["no", "yes"]);
    let shown = verdict(&["code", "308", "301", "308"]).stdout;
    let title: Vec<&str> = shown.lines().next().expect("a line").split_whitespace().collect();
    assert_eq!(title, ["308", "Permanent", "Redirect", "301", "Moved", "Permanently"]);
}

#[test]
fn any_other_codes_are_listed_side_by_side() {
    let told = json(&["code", "200", "404", "--json"]);
    assert_eq!(told["questions"], Value::Array(Vec::new()));
    assert_eq!(told["advice"], Value::Null);
    assert_eq!(told["statuses"][1]["name"], "Not Found");
    let shown = verdict(&["code", "200", "404"]).stdout;
    assert!(shown.contains("defined in") && shown.contains("404   Not Found"), "{shown}");
}

#[test]
fn a_class_and_a_range_are_the_registered_codes_in_them() {
    let codes = |argument: &str| -> Vec<u64> {
        let told = json(&["code", "--json", argument]);
        told["statuses"].as_array().expect("a list").iter().filter_map(|status| status["code"].as_u64()).collect()
    };
    assert_eq!(codes("1xx"), [100, 101, 102, 103]);
    assert_eq!(codes("417-423"), [417, 418, 421, 422, 423]);
}

#[test]
fn a_number_that_is_not_registered_is_wrong_and_its_neighbours_are_named() {
    let cases = [
        (
            "499",
            "499 is not a registered status code; the nearest are 451 Unavailable For Legal Reasons and 500 Internal Server Error. \
                 A client that does not know it treats it as 400.",
        ),
        (
            "999",
            "999 is not a registered status code; the nearest are 511 Network Authentication Required. \
                 A client treats any above 599 as a server error.",
        ),
        (
            "460-470",
            "no status code from 460 to 470 is registered; the nearest are 451 Unavailable For Legal Reasons and \
                     500 Internal Server Error. A client that does not know it treats it as 400.",
        ),
    ];
    for (argument, sentence) in cases {
        let Ran { exit, stdout, stderr } = verdict(&["code", argument]);
        assert_eq!(
            (exit, stdout.as_str(), stderr.as_str()),
            (2, "", format!("error: {sentence}\n\nFor more information, try '--help'.\n").as_str())
        );
    }
    assert_eq!(verdict(&["code", "404", "499"]).exit, 2);
}

#[test]
fn a_reason_is_told_with_its_remedy_and_who_is_at_fault() {
    let ran = verdict(&["code", "if-match-failed"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for part in [
        "412 Precondition Failed, decided in `precondition`, RFC 9110 §13.1.1",
        "`If-Match` names a version",
        "remedy      Fetch the current version",
        "at fault    the client",
        "the client  Sends it again once",
        "`verdict code 412`",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    // What the client is told instead, where it is not to learn the reason.
    assert!(verdict(&["code", "urn:verdict:reason:password-wrong"]).stdout.contains("told as     `user-unknown`"));
}

#[test]
fn every_reason_can_be_given_and_is_not_marked_otherwise() {
    const MARK: &str = "not given by this version";
    for entry in verdict_core::reason::CATALOGUE {
        assert!(!verdict(&["code", entry.id]).stdout.contains(MARK), "{}", entry.id);
    }
    assert_eq!(json(&["code", "--json", "if-match-failed"])["given"], true);
}

#[test]
fn every_reason_can_be_asked_for() {
    for entry in verdict_core::reason::CATALOGUE {
        let told = json(&["code", "--json", entry.id]);
        assert_eq!(told["id"], entry.id);
        assert_eq!(told["status"].as_u64(), entry.status.map(|status| u64::from(status.code())), "{}", entry.id);
        for member in ["stage", "section", "sentence", "fault", "retry", "told_as"] {
            assert!(told[member].as_str().is_some_and(|text| !text.is_empty()), "{} {member}", entry.id);
        }
    }
}

#[test]
fn reasons_are_asked_for_without_codes() {
    for arguments in [["code", "412", "if-match-failed"], ["code", "if-match-failed", "412"]] {
        let ran = verdict(&arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("ask for either"), "{}", ran.stderr);
    }
}

#[test]
fn several_reasons_are_told_one_below_the_other_each_once() {
    let arguments = ["code", "tag-unchanged", "if-match-failed", "tag-unchanged"];
    let alone: Vec<String> = arguments[1..3].iter().map(|id| verdict(&["code", id]).stdout).collect();
    let ran = verdict(&arguments);
    assert_eq!((ran.exit, ran.stdout), (0, alone.join("\n")));
    let told = json(&[&arguments[..], &["--json"]].concat());
    let ids: Vec<_> = told["reasons"].as_array().expect("a list").iter().map(|reason| &reason["id"]).collect();
    assert_eq!(ids, ["tag-unchanged", "if-match-failed"]);
}

#[test]
fn codes_that_are_taken_for_one_another_are_compared_in_one_call() {
    for codes in [
        "301 302 307 308",
        "401 403",
        "500 502 503 504",
        "404 410",
        "405 501",
        "409 412 428",
        "400 422",
        "429 503",
        "200 201 202 204",
    ] {
        let arguments: Vec<&str> = ["code", "--json"].into_iter().chain(codes.split(' ')).collect();
        let told = json(&arguments);
        // Those of the registry are there for any codes.
        assert!(told["questions"].as_array().is_some_and(|questions| questions.len() > 3), "{codes}");
        assert!(told["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{codes}");
    }
    assert!(verdict(&["code", "422"]).stdout.contains("compare     `verdict code 400 409 415 422`"));
}

#[test]
fn what_is_no_number_is_a_usage_error() {
    for argument in ["not-found", "if-match-fail", "42", "1000", "4x", "504-500", ""] {
        let ran = verdict(&["code", argument]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{argument}");
        assert!(ran.stderr.contains("invalid value"), "{argument}: {}", ran.stderr);
    }
    assert!(verdict(&["code", "teapot"]).stderr.contains("did you mean 418 (Unused)?"));
    assert!(verdict(&["code", "if-match-fail"]).stderr.contains("did you mean if-match-failed?"));
}

#[test]
fn without_a_terminal_there_is_no_colour_and_no_line_is_wider_than_a_hundred() {
    for arguments in [&["code"][..], &["code", "400"], &["code", "301", "302", "303", "307", "308"], &["code", "5xx"]] {
        let shown = verdict(arguments).stdout;
        assert!(!shown.contains('\x1b'));
        for line in shown.lines() {
            assert!(line.chars().count() <= 100 && !line.ends_with(' '), "{line:?}");
        }
    }
}
