//! `jobs`.

use super::super::jobs::{MOST_QUEUED, MOST_RETRIES, MOST_WORKERS};
use super::super::read::Zero;
use super::super::units::DURATION;
use super::form::{described, integer, one_of, quantity, table, text};
use crate::json::Json;

pub(super) fn jobs() -> Json {
    let count =
        |words: &str, least, most: u64, default: u64| described(words, integer(least, most).with("default", default));
    let keys = vec![
        (
            "to",
            described(
                "Who does them: the URL that each job is sent to with POST.",
                text("[Hh][Tt][Tt][Pp][Ss]?://[^#@]+"),
            ),
        ),
        ("workers", count("How many are done at once.", 1, MOST_WORKERS, 4)),
        ("queue", count("How many may wait. Beyond: 503.", 1, MOST_QUEUED, 1000)),
        ("retries", count("How often one is tried again when its target fails.", 0, MOST_RETRIES, 5)),
        (
            "keep",
            described(
                "For how long a result is kept. Then its job is 410 for as long again.",
                quantity(&DURATION, Zero::Refused).with("default", "1h"),
            ),
        ),
        (
            "mode",
            described(
                "Whether a POST is answered at once, with 202, or waits for the result unless the client prefers not to.",
                one_of(["always", "preferred"]).with("default", "always"),
            ),
        ),
    ];
    let words = "A queue of jobs, kept in `state`, each of which a target is asked to do. Each has a monitor and a result below \
                 the path of the queue.";
    described(words, table(keys).with("required", Json::list(["to"])))
}
