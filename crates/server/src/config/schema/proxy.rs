//! `proxy`, and the `timeout` of those who are asked.

use super::super::Health;
use super::super::Timeout;
use super::super::read::Zero;
use super::super::units::DURATION;
use super::form::{self, described, integer, not_empty, of_type, one_or_list, quantity, table};
use crate::json::Json;
use std::time::Duration;

pub(super) fn proxy() -> Json {
    let flag = |words: &str| described(words, of_type("boolean").with("default", false));
    let keys = vec![
        (
            "to",
            described(
                "The members, of which one is asked for each request: `http://host:port`, `https://host:port`, or \
                 `unix:/path` for a socket of this machine.",
                one_or_list(form::member(), 1),
            ),
        ),
        (
            "balance",
            described(
                "Which member is asked: `least` for that with fewer requests under way, of two that are drawn, or \
                 `hash:FIELD` for always the same for the same value of a field.",
                form::balance().with("default", "least"),
            ),
        ),
        ("health", health()),
        (
            "host",
            described(
                "What a member is told that was asked for: what the client said, the member's own, or a host.",
                form::host().with("default", "client"),
            ),
        ),
        (
            "strip",
            described(
                "What a path begins with and is not passed on, as in `/app`; or whether all that the pattern has before \
                 its first name is.",
                any_of([of_type("boolean").with("default", false), form::stripped()]),
            ),
        ),
        (
            "intercept",
            described(
                "The statuses of members, from 400, whose content is replaced by what this server says of such a status.",
                any_of([
                    integer(400, 599),
                    of_type("array").with("items", integer(400, 599)).with("uniqueItems", true),
                ]),
            ),
        ),
        (
            "upgrade",
            described(
                "The protocol that is spoken here and nothing else, as in `websocket`: 426 for whoever does not ask for it.",
                form::protocol(),
            ),
        ),
        ("show-upstream", flag("Whether clients are told, in `Proxy-Status`, which member was asked.")),
        (
            "authorities",
            described(
                "A file of certificates in PEM by whom those of members are to be signed, and not by the system's.",
                not_empty(),
            ),
        ),
    ];
    let list = of_type("array").with("items", form::member()).with("minItems", 1);
    described(
        "Upstream applications, one of which is asked: 101, 502, 503, 504, or whatever it answers. Its URL, a list of \
         those of several, or a table with options.",
        any_of([form::member(), list, table(keys).with("required", Json::list(["to"]))]),
    )
}

fn health() -> Json {
    let keys = vec![
        ("path", described("What is asked for, with GET.", form::asked_path())),
        ("every", described("How often.", quantity(&DURATION, Zero::Refused).with("default", written(Health::EVERY)))),
        ("status", described("What a member answers that works.", integer(200, 599).with("default", 200))),
    ];
    described(
        "What each member is asked for every now and then; one that fails twice in a row is asked for nothing else until it \
         works again. A path, or a table with options.",
        any_of([form::asked_path(), table(keys).with("required", Json::list(["path"]))]),
    )
}

/// `timeout`, which stands beside `proxy` or `jobs`.
pub(super) fn timeout() -> Json {
    let time = |words: &str| described(words, quantity(&DURATION, Zero::Refused));
    let keys = vec![
        (
            "connect",
            time("Looking the name up and connecting, and then TLS once more. Beyond: 504.")
                .with("default", written(Timeout::OF_PROXY.connect)),
        ),
        (
            "first-byte",
            time(
                "From then to the first byte of the answer; of `proxy` 1m unless set, of `jobs` as long as `total`. \
                  Beyond: 504.",
            ),
        ),
        (
            "idle",
            time(
                "The longest pause within the answer or a tunnel; of `proxy` 5m unless set, of `jobs` as long as \
                  `total`. Beyond, the answer is cut.",
            ),
        ),
        ("total", time("All of it; of `proxy` without an end unless set, of `jobs` 10m. Beyond: 504.")),
    ];
    described("How long who is asked may take.", table(keys))
}

fn any_of<const N: usize>(forms: [Json; N]) -> Json {
    Json::empty().with("anyOf", Json::List(forms.into()))
}

fn written(time: Duration) -> String {
    DURATION.write(time.as_millis() as u64)
}
