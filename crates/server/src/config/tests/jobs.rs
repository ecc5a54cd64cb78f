//! `jobs`, its `timeout`, and what they need of the rest of a config.

use super::super::*;
use super::{fixture, parse};
use std::time::Duration;

fn parsed(text: &str) -> Result<Config, Vec<String>> {
    let folder = fixture();
    let report = |report: Report| report.diagnostics().iter().map(|found| found.message.clone()).collect();
    parse(text, folder.path()).map_err(report)
}

fn of(options: &str, more: &str) -> Config {
    let text =
        format!("state = \"s\"\n[route.\"/render\"]\njobs = {{ to = \"http://127.0.0.1:3000/x\"{options} }}\n{more}");
    parsed(&text).unwrap()
}

fn jobs(config: &Config) -> &Jobs {
    match &config.routes[0].kind {
        Kind::Jobs(jobs, Part::Queue) => jobs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_option_is_read_and_has_its_default() {
    let config = of("", "");
    let found = jobs(&config);
    assert_eq!(found.to.to_string(), "http://127.0.0.1:3000/x");
    assert_eq!((found.workers, found.queue, found.retries, found.preferred), (4, 1000, 5, false));
    assert_eq!((found.keep, found.timeout), (Duration::from_secs(3600), Timeout::OF_JOBS));
    let config = of(
        ", workers = 2, queue = 7, keep = \"1d\", retries = 0, mode = \"preferred\"",
        "timeout = { connect = \"1s\", total = \"30s\" }\n",
    );
    let found = jobs(&config);
    assert_eq!((found.workers, found.queue, found.retries, found.preferred), (2, 7, 0, true));
    let s = Duration::from_secs;
    assert_eq!(
        (found.keep, found.timeout),
        (s(86400), Timeout { connect: s(1), first_byte: s(30), idle: s(30), total: s(30) })
    );
}

#[test]
fn a_queue_is_three_routes_of_one_config() {
    for (pattern, below) in [("/render", "/render"), ("a.example/render/", "a.example/render")] {
        let text = format!(
            "state = \"s\"\n[route.\"{pattern}\"]\njobs = {{ to = \"http://[::1]/\" }}\ntimeout = {{ total = \"9s\" }}\n"
        );
        let config = parsed(&text).unwrap();
        let found: Vec<_> = config.routes.iter().map(|route| route.pattern.as_str().to_owned()).collect();
        assert_eq!(found, [pattern.to_owned(), format!("{below}/{{job}}"), format!("{below}/{{job}}/result")]);
        for route in &config.routes {
            let Kind::Jobs(jobs, _) = &route.kind else { panic!("{route:?}") };
            assert_eq!((route.kind.name(), jobs.timeout.total), ("jobs", Duration::from_secs(9)));
        }
    }
}

#[test]
fn what_cannot_be_a_queue_is_refused_with_a_sentence() {
    let route = |pattern: &str, lines: &str| format!("state = \"s\"\n[route.\"{pattern}\"]\n{lines}\n");
    for (text, message) in [
        (
            route("/x/{id}", "jobs = { to = \"http://a/\" }"),
            "a `jobs` route has one queue, and so a pattern without names",
        ),
        (route("/x", "jobs = {}"), "`jobs` needs `to`"),
        (
            route("/x", "jobs = { to = \"a/b\" }"),
            "`a/b` names nobody to ask: a URL begins with `http://` or `https://`",
        ),
        (route("/x", "jobs = { to = \"http://a/\", mode = \"never\" }"), "`never` is neither"),
        (route("/x", "respond = { status = 200 }\ntimeout = { total = \"1s\" }"), "`timeout` on a `respond` route"),
        (route("/x", "jobs = { to = \"http://a/\" }\ntimeout = { idle = \"0s\" }"), "`idle` cannot be zero"),
        ("[route.\"/x\"]\njobs = { to = \"http://a/\" }\n".to_owned(), "a `jobs` route without a place to keep them"),
        (
            "listen = \"http://0.0.0.0:80\"\nstate = \"s\"\n[route.\"/x\"]\njobs = { to = \"http://a/\" }\n".to_owned(),
            "`/x` can be written by anybody who reaches 0.0.0.0:80",
        ),
    ] {
        let messages = parsed(&text).expect_err(&text);
        assert!(messages[0].starts_with(message) || message.ends_with("neither"), "{messages:?}");
    }
}
