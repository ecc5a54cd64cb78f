//! The guards that say how often, how much, and to whom answers are shown.

use super::super::read::Zero;
use super::super::units::DURATION;
use super::form::{self, described, integer, of_type, one_or_list, quantity, table};
use crate::json::Json;

/// The most requests that a rate, a burst, `max` and `queue` can have.
const MOST: u64 = 1_000_000;

pub(super) fn cors() -> Json {
    let keys = vec![
        (
            "origins",
            described(
                "The origins whose pages may read the answers, each as in `https://a.example`, or `*` for every one.",
                one_or_list(form::origin(), 1),
            ),
        ),
        (
            "credentials",
            described(
                "Whether with cookies and other credentials of the user; not with `*`.",
                of_type("boolean").with("default", false),
            ),
        ),
        (
            "methods",
            described("With which methods; those that the route takes unless set.", one_or_list(form::token(), 0)),
        ),
        ("headers", described("With which fields; whichever are asked for unless set.", one_or_list(form::token(), 0))),
        (
            "expose",
            described(
                "The fields of an answer that pages may read beside those that every page may; those that make a status \
                 useful unless set.",
                one_or_list(form::token(), 0),
            ),
        ),
        (
            "max-age",
            described(
                "For how long browsers may remember what they were told.",
                quantity(&DURATION, Zero::Taken).with("default", "10m"),
            ),
        ),
    ];
    described(
        "Pages of which other origins may read the answers. Preflights are answered before `auth`.",
        table(keys).with("required", Json::list(["origins"])),
    )
}

pub(super) fn rate() -> Json {
    let keys = vec![
        (
            "rate",
            described("Requests in a time, as in `100/min`; the units are `s`, `min`, `h` and `day`.", form::rate()),
        ),
        (
            "per",
            described(
                "Whose requests are counted: those of a `client`, a `user`, or with one value of a `field:NAME`.",
                form::per().with("default", "client"),
            ),
        ),
        ("burst", described("How many may come at once; as many as the rate has unless set.", integer(1, MOST))),
    ];
    let options = table(keys).with("required", Json::list(["rate"]));
    described(
        "How often the route can be asked, as in `100/min per client`. Beyond: 429.",
        Json::empty().with("anyOf", Json::List(vec![form::rate(), options])),
    )
}

pub(super) fn concurrency() -> Json {
    let keys = vec![
        ("max", described("Requests that are worked on at once.", integer(1, MOST))),
        ("queue", described("Requests that wait for one of them to end.", integer(0, MOST).with("default", 0_u64))),
        ("wait", described("For how long they wait.", quantity(&DURATION, Zero::Refused).with("default", "5s"))),
    ];
    described("How many requests at once. Beyond: 503.", table(keys))
        .with("required", Json::list(["max"]))
        .with("dependentRequired", Json::empty().with("wait", Json::list(["queue"])))
}

pub(super) fn maintenance() -> Json {
    let until = described("When it opens again, as in `2026-12-01T14:00:00Z`.", form::date_time());
    let options = table(vec![("until", until)]).with("required", Json::list(["until"]));
    described(
        "Whether the route is closed, or until when. While it is: 503.",
        Json::empty().with("anyOf", Json::List(vec![of_type("boolean").with("default", false), options])),
    )
}
