//! `[auth.NAME]`, and what a route says of who may use it.

use super::form::{described, not_empty, of_type, one_or_list, table, text};
use crate::json::Json;

/// Each `[auth.NAME]`.
pub(super) fn guards() -> Json {
    let name = text("[0-9A-Za-z_-]+").with("not", Json::empty().with("enum", Json::list(["none"])));
    described(
        "Ways to know who asks, by name. A 401 challenges for each scheme that one has.",
        of_type("object").with("propertyNames", name).with("additionalProperties", guard()),
    )
}

fn guard() -> Json {
    let keys = vec![
        (
            "basic",
            described(
                "The file of users, a line each: `user:hash` or `user:hash:role,role`, by Argon2 or bcrypt; \
                 `verdict hash-password` makes them.",
                not_empty(),
            ),
        ),
        (
            "tokens",
            described(
                "The file of bearer tokens, a line each: `name:sha256` or `name:sha256:scope,scope`; `verdict hash-token` \
                 makes them.",
                not_empty(),
            ),
        ),
        ("jwt", jwt()),
    ];
    let least = ["basic", "tokens", "jwt"].map(|key| Json::empty().with("required", Json::list([key])));
    table(keys).with("anyOf", Json::List(least.into()))
}

fn jwt() -> Json {
    let keys = vec![
        ("keys", described("The file of the issuer's keys, a JWK set (RFC 7517).", not_empty())),
        ("issuer", described("The `iss` that a token must have.", not_empty())),
        (
            "audience",
            described("The names of this server, of which a token's `aud` must have one.", one_or_list(not_empty(), 1)),
        ),
    ];
    described(
        "Whose JSON Web Tokens are taken: signed by RS256, ES256, EdDSA or HS256, as the key says.",
        table(keys).with("required", Json::list(["keys", "issuer", "audience"])),
    )
}

/// The keys of a route.
pub(super) fn of_route() -> Vec<(&'static str, Json)> {
    let access = |words: &str| described(words, who());
    let lists = table(vec![
        ("read", access("Who may use GET, HEAD, OPTIONS and TRACE.")),
        ("write", access("Who may use every other method.")),
    ]);
    let lists = lists.with("required", Json::list(["read", "write"]));
    vec![
        (
            "auth",
            described(
                "The name of the `[auth.NAME]` by which the route knows who asks, or `none`, to open it below a route that is \
                 guarded. Unknown: 401.",
                text("[0-9A-Za-z_-]+"),
            ),
        ),
        (
            "allow",
            described(
                "Who of those who are known may use the route: `*`, users, `role:R`, `scope:S`. All of them unless set. \
                 Others: 403.",
                Json::empty().with("anyOf", Json::List(vec![who(), lists])),
            ),
        ),
        (
            "hide",
            described(
                "Whether those who are refused are told that nothing is there: 404.",
                of_type("boolean").with("default", false),
            ),
        ),
    ]
}

/// What else a route with one of these keys has: a guard, without which nobody is known.
pub(super) fn dependent() -> Json {
    let none = Json::empty().with("enum", Json::list(["none"]));
    let auth = Json::empty().with("auth", Json::empty().with("not", none));
    let guarded = Json::empty().with("required", Json::list(["auth"])).with("properties", auth);
    Json::empty().with("allow", guarded.clone()).with("hide", guarded)
}

fn who() -> Json {
    one_or_list(text("(?!role:$|scope:$).+"), 0)
}
