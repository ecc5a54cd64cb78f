//! What is refused of `proxy`.

use super::{Expected, assert_refused};

/// One error each; the text stands below `[route."/r/{path...}"]`.
#[test]
fn a_wrong_proxy_is_refused() {
    const MEMBER: &str = "write a member as in `http://127.0.0.1:3000`, or `unix:/run/app.sock` for a socket";
    let cases: &[(&str, Expected<'_>)] = &[
        // Members.
        (
            "proxy = 3000",
            (
                "`proxy` takes a list of URLs or a table, not an integer",
                2,
                "3000",
                "write it as in `proxy = [\"http://127.0.0.1:3000\"]`",
            ),
        ),
        (
            "proxy = [3000]",
            ("`proxy` takes a URL, not an integer", 2, "3000", "write it as in `proxy = \"http://127.0.0.1:3000\"`"),
        ),
        ("proxy = []", ("there is nobody to ask", 2, "[]", "write it as in `proxy = [\"http://127.0.0.1:3000\"]`")),
        (
            "proxy = { to = [] }",
            ("there is nobody to ask", 2, "[]", "write it as in `to = [\"http://127.0.0.1:3000\"]`"),
        ),
        (
            "proxy = {}",
            ("`proxy` needs `to`", 2, "proxy", "write it as in `proxy = { to = [\"http://127.0.0.1:3000\"] }`"),
        ),
        (
            "proxy = \"127.0.0.1:3000\"",
            (
                "`127.0.0.1:3000` names nobody to ask: a URL begins with `http://` or `https://`",
                2,
                "\"127.0.0.1:3000\"",
                MEMBER,
            ),
        ),
        (
            "proxy = \"ws://a/\"",
            ("`ws://a/` names nobody to ask: `ws` is neither `http` nor `https`", 2, "\"ws://a/\"", MEMBER),
        ),
        (
            "proxy = \"http://u:p@a/\"",
            (
                "`http://u:p@a/` names nobody to ask: a user and a password do not belong into a URL",
                2,
                "\"http://u:p@a/\"",
                MEMBER,
            ),
        ),
        (
            "proxy = \"http://a/#f\"",
            ("`http://a/#f` names nobody to ask: a fragment is not sent to a server", 2, "\"http://a/#f\"", MEMBER),
        ),
        (
            "proxy = \"http://a:0\"",
            ("`http://a:0` names nobody to ask: `0` is no port: 1 to 65535", 2, "\"http://a:0\"", MEMBER),
        ),
        (
            "proxy = \"unix:app.sock\"",
            (
                "`unix:app.sock` names nobody to ask: a socket is named by its absolute path, as in `unix:/run/app.sock`",
                2,
                "\"unix:app.sock\"",
                MEMBER,
            ),
        ),
        (
            "proxy = [\"http://b\", \"http://a:3000/app\"]",
            (
                "a member has no path",
                2,
                "/app",
                "write `http://a:3000`: what is asked for goes there, without what `strip` names; a `redirect` can …",
            ),
        ),
        ("proxy = { to = \"http://a?b\" }", ("a member has no query", 2, "?b", "write `http://a`: what is …")),
        (
            "proxy = [\"http://a:80\", \"http://b\", \"HTTP://A/\"]",
            ("`http://a` is listed twice", 2, "\"HTTP://A/\"", "keep one"),
        ),
        ("proxy = [\"unix:/a\", \"unix:/a\"]", ("`unix:/a` is listed twice", 2, "\"unix:/a\"", "keep one")),
        // Options.
        (
            "proxy = { to = \"http://a\", balanc = \"least\" }",
            ("unknown key `balanc`", 2, "balanc", "did you mean `balance`?"),
        ),
        (
            "proxy = { to = \"http://a\", path = \"/\" }",
            ("unknown key `path`", 2, "path", "the keys in `proxy` are `to`, …"),
        ),
        (
            "proxy = { to = \"http://a\", balance = \"lest\" }",
            ("members are not chosen by `lest`", 2, "\"lest\"", "did you mean `\"least\"`?"),
        ),
        (
            "proxy = { to = \"http://a\", balance = \"hash\" }",
            ("members are not chosen by `hash`", 2, "\"hash\"", "name the field, as in `balance = \"hash:Cookie\"`"),
        ),
        (
            "proxy = { to = \"http://a\", balance = \"random\" }",
            ("members are not chosen by `random`", 2, "\"random\"", "write `\"least\"`, or `\"hash:FIELD\"` for …"),
        ),
        (
            "proxy = { to = \"http://a\", balance = \"hash:a b\" }",
            ("`a b` is not a field name", 2, "a b", "write it as in `balance = \"hash:Cookie\"`"),
        ),
        (
            "proxy = { to = \"http://a\", health = true }",
            ("`health` takes a path or a table, not a boolean", 2, "true", "write it as in `health = \"/healthz\"`"),
        ),
        (
            "proxy = { to = \"http://a\", health = {} }",
            ("`health` needs `path`", 2, "health", "write it as in `health = { path = \"/healthz\", every = …"),
        ),
        (
            "proxy = { to = \"http://a\", health = \"healthz\" }",
            ("`healthz` is not a path", 2, "\"healthz\"", "write it as in `health = \"/healthz\"`"),
        ),
        (
            "proxy = { to = \"http://a\", health = { path = \"/a b\" } }",
            ("`/a b` is not a path", 2, "\"/a b\"", "write it as in `path = \"/healthz\"`"),
        ),
        (
            "proxy = { to = \"http://a\", health = \"/a#b\" }",
            ("`/a#b` is not a path", 2, "\"/a#b\"", "write it as in `health = \"/healthz\"`"),
        ),
        (
            "proxy = { to = \"http://a\", health = { path = \"/\", every = \"0s\" } }",
            ("`every` cannot be zero", 2, "\"0s\"", "write it as in `every = \"10s\"`, or remove it for the default"),
        ),
        (
            "proxy = { to = \"http://a\", health = { path = \"/\", status = 101 } }",
            ("`status` is from 200 to 599, not 101", 2, "101", "write it as in `status = 200`"),
        ),
        (
            "proxy = { to = \"http://a\", every = \"1s\" }",
            ("unknown key `every`", 2, "every", "`every` belongs in `health`"),
        ),
        (
            "proxy = { to = \"http://a\", host = \"a b\" }",
            (
                "`a b` is not a host",
                2,
                "\"a b\"",
                "write `\"client\"` for what the client said, `\"member\"` for the member's own, or a host",
            ),
        ),
        (
            "proxy = { to = \"http://a\", host = \"http://a\" }",
            ("`http://a` is not a host", 2, "\"http://a\"", "write `\"client\"` for what …"),
        ),
        (
            "proxy = { to = \"http://a\", strip = 1 }",
            ("`strip` takes a path or a boolean, not an integer", 2, "1", "write it as in `strip = true`"),
        ),
        (
            "proxy = { to = \"http://a\", strip = \"/x\" }",
            ("`/r/{path...}` does not begin with `/x`", 2, "\"/x\"", "write `strip = true`, which is `\"/r\"`"),
        ),
        (
            "proxy = { to = \"http://a\", strip = \"/r/x\" }",
            ("`/r/{path...}` does not begin with `/r/x`", 2, "\"/r/x\"", "write `strip = true`, which is `\"/r\"`"),
        ),
        (
            "proxy = { to = \"http://a\", strip = \"r\" }",
            (
                "`r` is not a path that could be stripped",
                2,
                "\"r\"",
                "write it as in `strip = \"/app\"`, or `strip = …",
            ),
        ),
        (
            "proxy = { to = \"http://a\", strip = \"/\" }",
            ("`/` is not a path that could be stripped", 2, "\"/\"", "write it as in `strip = \"/app\"`, or …"),
        ),
        (
            "proxy = { to = \"http://a\", strip = \"/r/{path...}\" }",
            ("`/r/{path...}` is not a path that could be stripped", 2, "\"/r/{path...}\"", "write it as in `strip …"),
        ),
        (
            "proxy = { to = \"http://a\", intercept = [502, 302] }",
            ("`intercept` is from 400 to 599, not 302", 2, "302", "write it as in `intercept = [502, 503]`"),
        ),
        ("proxy = { to = \"http://a\", intercept = [502, 502] }", ("502 is listed twice", 2, "502", "keep one")),
        (
            "proxy = { to = \"http://a\", show-upstream = 1 }",
            ("`show-upstream` takes a boolean, not an integer", 2, "1", "write it as in `show-upstream = true`"),
        ),
        (
            "proxy = { to = \"https://a\", authorities = \"nope.pem\" }",
            ("`nope.pem` names no authorities", 2, "\"nope.pem\"", "name a file of certificates in PEM: the path …"),
        ),
        (
            "proxy = { to = \"https://a\", authorities = \"404.html\" }",
            ("`404.html` names no authorities", 2, "\"404.html\"", "name a file of certificates in PEM: …"),
        ),
        (
            "proxy = { to = \"https://a\", authorities = \"public\" }",
            ("`public` names no authorities", 2, "\"public\"", "name a file of certificates in PEM: …"),
        ),
        (
            "proxy = { to = \"https://a\", authorities = \"\" }",
            ("`` is not a file's path", 2, "\"\"", "write it as in `authorities = \"ca.pem\"`"),
        ),
        // What stands beside.
        (
            "proxy = \"http://a\"\nupload = {}",
            ("`upload` on a `proxy` route", 3, "upload", "write `files = \"./uploads\"` beside it, or remove it"),
        ),
        (
            "proxy = \"http://a\"\ntimeout = { idle = \"0s\" }",
            ("`idle` cannot be zero", 3, "\"0s\"", "write it as in `idle = \"10s\"`, or remove it for the default"),
        ),
        (
            "respond = { status = 204 }\ntimeout = { idle = \"1s\" }",
            ("`timeout` on a `respond` route", 3, "timeout", "it is for `proxy` and `jobs`: remove it"),
        ),
        (
            "proxy = \"http://a\"\nbalance = \"least\"",
            ("unknown key `balance`", 3, "balance", "`balance` belongs in `proxy`"),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(&format!("[route.\"/r/{{path...}}\"]\n{text}\n"), &[*expected]);
    }
}

#[test]
fn nothing_is_stripped_of_a_pattern_that_begins_with_a_name() {
    for strip in ["true", "\"/app\""] {
        assert_refused(
            &format!("[route.\"/{{path...}}\"]\nproxy = {{ to = \"http://a\", strip = {strip} }}\n"),
            &[("there is nothing to strip", 2, strip, "remove it")],
        );
    }
}

#[test]
fn authorities_are_for_those_who_show_a_certificate() {
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/localhost.pem");
    assert_refused(
        &format!("[route.\"/{{path...}}\"]\nproxy = {{ to = \"http://a\", authorities = \"{certificate}\" }}\n"),
        &[("`authorities` without a member of `https://`", 2, "authorities", "write `https://` in `to`, or remove it")],
    );
}

#[test]
fn all_that_is_wrong_with_a_proxy_is_said_at_once() {
    assert_refused(
        "[route.\"/r\"]\nproxy = { to = [\"http://a\", \"x\"], balance = 1, host = \"\", strip = \"/q\" }\nhints-to = 1\n",
        &[
            (
                "`x` names nobody to ask: a URL begins with `http://` or `https://`",
                2,
                "\"x\"",
                "write a member as in `http://127.0.0.1:3000`, or …",
            ),
            ("`balance` takes how a member is chosen, not an integer", 2, "1", "write it as in `balance = \"least\"`"),
            ("`` is not a host", 2, "\"\"", "write `\"client\"` for …"),
            ("`/r` does not begin with `/q`", 2, "\"/q\"", "write `strip = true`, which is `\"/r\"`"),
            (
                "`hints-to` takes one of `\"navigations\"`, `\"all\"`, not an integer",
                3,
                "1",
                "write it as in `hints-to = \"navigations\"`",
            ),
        ],
    );
}
