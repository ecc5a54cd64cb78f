//! `[auth.NAME]`, and a route's `auth`, `allow` and `hide`.

use super::super::*;
use super::refused::{Expected, assert_refused};
use super::{fixture, parse};

const STAFF: &str = "[auth.staff]\nbasic = \"users.htpasswd\"\ntokens = \"tokens.txt\"\n";
const ISSUED: &str =
    "[auth.issued]\njwt = { keys = \"jwks.json\", issuer = \"https://id.example\", audience = \"notes\" }\n";

fn accept(text: &str) -> Config {
    let folder = fixture();
    let config = parse(text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
    assert!(config.warnings.is_empty(), "{text}\n{}", config.warnings);
    config
}

fn list(texts: &[&str]) -> Vec<Who> {
    texts.iter().map(|text| Who::parse(text).unwrap()).collect()
}

#[test]
fn guards_are_read_and_their_files_are_never_served() {
    let folder = fixture();
    let route = "[route.\"/x\"]\nrespond = { status = 204 }\nauth = \"issued\"\n";
    let config = parse(&format!("{route}{STAFF}{ISSUED}"), folder.path()).unwrap_or_else(|report| panic!("{report}"));
    let path = |name: &str| folder.path().join(name);
    let jwt = Jwt { keys: path("jwks.json"), issuer: "https://id.example".into(), audience: vec!["notes".into()] };
    let (users, tokens) = (Some(path("users.htpasswd")), Some(path("tokens.txt")));
    let issued = Auth { name: "issued".into(), basic: None, tokens: None, jwt: Some(jwt) };
    let staff = Auth { name: "staff".into(), basic: users, tokens, jwt: None };
    assert_eq!(config.auth, [issued, staff]);
    assert_eq!(config.routes[0].auth, Some(0));
    for name in ["users.htpasswd", "tokens.txt", "jwks.json"] {
        assert!(config.named_files.contains(&path(name).canonicalize().unwrap()), "{name}");
    }
}

#[test]
fn who_may_use_a_route_is_read_in_each_form() {
    type Lists = (&'static [&'static str], &'static [&'static str]);
    let cases: &[(&str, Option<Lists>)] = &[
        ("", None),
        ("allow = \"*\"", Some((&["*"], &["*"]))),
        ("allow = [\"ann\", \"role:admin\"]", Some((&["ann", "role:admin"], &["ann", "role:admin"]))),
        ("allow = { read = \"*\", write = [\"role:editor\"] }", Some((&["*"], &["role:editor"]))),
        (
            "allow = { read = [\"robot\", \"scope:notes:read\"], write = [] }",
            Some((&["robot", "scope:notes:read"], &[])),
        ),
    ];
    for (text, allow) in cases {
        let route =
            format!("{STAFF}[route.\"/x\"]\nrespond = {{ status = 204 }}\nauth = \"staff\"\nhide = true\n{text}\n");
        let config = accept(&route);
        let route = &config.routes[0];
        assert_eq!((route.auth, route.open, route.hide), (Some(0), false, true));
        let expected = allow.map(|(read, write)| Allow { read: list(read), write: list(write) });
        assert_eq!(route.allow, expected, "{text}");
    }
    let config = accept("[route.\"/x\"]\nrespond = { status = 204 }\nauth = \"none\"\n");
    assert_eq!((config.routes[0].auth, config.routes[0].open), (None, true));
    // Whoever issues tokens may name anybody.
    let route = "[route.\"/x\"]\nrespond = { status = 204 }\nauth = \"issued\"\nallow = [\"eve\", \"role:x\"]\n";
    assert!(accept(&format!("{ISSUED}{route}")).routes[0].allow.is_some());
}

#[test]
fn a_guard_that_cannot_be_used_is_refused() {
    let cases: &[(&str, Expected<'_>)] = &[
        (
            "[auth.none]\nbasic = \"users.htpasswd\"",
            (
                "`none` is what a route says that wants to know nobody",
                1,
                "none",
                "give it another name, as in `[auth.staff]`",
            ),
        ),
        (
            "[auth.\"a b\"]\nbasic = \"users.htpasswd\"",
            ("`a b` is not a name of letters, digits, `-` and `_`", 1, "\"a b\"", "write it as in `[auth.staff]`"),
        ),
        (
            "[auth.a]",
            ("this takes no credentials, so that nobody could pass", 1, "a", "give it one of `basic`, `tokens`, `jwt`"),
        ),
        (
            "[auth]\na = \"users.htpasswd\"",
            (
                "`a` is not a table",
                2,
                "\"users.htpasswd\"",
                "write `basic`, `tokens` or `jwt` below a line `[auth.NAME]`",
            ),
        ),
        ("[auth.a]\nbasi = \"x\"\ntokens = \"tokens.txt\"", ("unknown key `basi`", 2, "basi", "did you mean `basic`?")),
        (
            "[auth.a]\nbasic = \"\"",
            ("an empty path names no file", 2, "\"\"", "write it as in `basic = \"users.htpasswd\"`"),
        ),
        (
            "[auth.a]\nbasic = \"none.htpasswd\"",
            ("`none.htpasswd`: there is no such file", 2, "\"none.htpasswd\"", "create it, or correct the path"),
        ),
        ("[auth.a]\nbasic = \"public\"", ("`public`: is not a regular file", 2, "\"public\"", "name the file itself")),
        (
            "[auth.a]\nbasic = \"plain.htpasswd\"",
            (
                "`plain.htpasswd:2`: the password is not hashed, or with crypt(3)'s DES",
                2,
                "\"plain.htpasswd\"",
                "make another with `verdict hash-password`",
            ),
        ),
        (
            "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"i\" }",
            ("`jwt` needs `audience`", 2, "jwt", "write it as in `jwt = { keys = …"),
        ),
        (
            "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"\", audience = \"a\" }",
            ("`issuer` is empty", 2, "\"\"", "write what the tokens say, exactly"),
        ),
        (
            "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"i\", audience = [] }",
            ("no audience is meant", 2, "[]", "write it as in `audience = \"notes\"`"),
        ),
        (
            "[auth.a]\njwt = \"jwks.json\"",
            ("`jwt` takes a table, not a string", 2, "\"jwks.json\"", "write it as in `jwt = { keys = …"),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(&format!("{text}\n[route.\"/x\"]\nrespond = {{ status = 204 }}\n"), &[*expected]);
    }
}

#[test]
fn a_route_that_asks_for_nobody_is_refused() {
    let cases: &[(&str, Expected<'_>)] = &[
        ("auth = \"staf\"", ("there is no `[auth.staf]`", 6, "\"staf\"", "did you mean `staff`?")),
        ("auth = \"nono\"", ("there is no `[auth.nono]`", 6, "\"nono\"", "did you mean `none`?")),
        (
            "auth = \"customers\"",
            ("there is no `[auth.customers]`", 6, "\"customers\"", "add `[auth.staff]` and below it …"),
        ),
        (
            "auth = true",
            (
                "`auth` takes a name of `[auth.NAME]` or `\"none\"`, not a boolean",
                6,
                "true",
                "write it as in `auth = \"staff\"`",
            ),
        ),
        ("allow = \"*\"", ("`allow` without `auth`", 6, "allow", "add `auth = \"staff\"`, or remove `allow`")),
        ("hide = true", ("`hide` without `auth`", 6, "hide", "add `auth = \"staff\"`, or remove `hide`")),
        (
            "auth = \"none\"\nhide = false",
            ("`hide` without `auth`", 7, "hide", "add `auth = \"staff\"`, or remove `hide`"),
        ),
        (
            "auth = \"staff\"\nhide = 1",
            ("`hide` takes a boolean, not an integer", 7, "1", "write it as in `hide = true`"),
        ),
        (
            "auth = \"staff\"\nallow = { write = [] }",
            (
                "`allow` needs `read`",
                7,
                "allow",
                "write `read = [\"*\"]` for all who are known, or `read = []` for nobody",
            ),
        ),
        (
            "auth = \"staff\"\nallow = [\"role:\"]",
            ("`role:` names nobody", 7, "\"role:\"", "write `*`, a user's name, `role:R` or `scope:S`"),
        ),
        (
            "auth = \"staff\"\nallow = \"anna\"",
            ("nobody in `staff` is called `anna`", 7, "\"anna\"", "did you mean `ann`?"),
        ),
        (
            "auth = \"staff\"\nallow = \"editor\"",
            ("nobody in `staff` is called `editor`", 7, "\"editor\"", "did you mean `role:editor`?"),
        ),
        (
            "auth = \"staff\"\nallow = [\"role:editr\"]",
            ("nobody in `staff` has the role `editr`", 7, "\"role:editr\"", "did you mean `role:editor`?"),
        ),
        (
            "auth = \"staff\"\nallow = [\"scope:write\"]",
            ("no token of `staff` has the scope `write`", 7, "\"scope:write\"", "add it to the file, or remove it"),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(&format!("{STAFF}[route.\"/x\"]\nrespond = {{ status = 204 }}\n{text}\n"), &[*expected]);
    }
}

#[test]
fn a_route_below_a_guarded_one_says_who_may_use_it() {
    let config = |specific: &str, general: &str, more: &str| {
        format!(
            "{STAFF}[route.\"{general}\"]\nrespond = {{ status = 204 }}\nauth = \"staff\"\n\
             [route.\"{specific}\"]\nrespond = {{ status = 204 }}\n{more}\n"
        )
    };
    let cases = [
        ("/a", "/{p...}", true),
        ("/a/{x}", "/a/{p...}", true),
        ("/b", "/a/{p...}", false),
        // The more general one is open, and does not get what is guarded.
        ("/{p...}", "/a/{p...}", false),
        ("a.example/{x}", "/{p...}", true),
        // Whatever its path, a pattern of a host goes before those of any host.
        ("a.example/{p...}", "/admin/{x}", true),
        ("a.example/b/{p...}", "/admin/{x}", false),
        ("a.example/{p...}", "*.example/a", true),
        ("*.b.example/{p...}", "*.example/a", true),
        ("*.example/{p...}", "*.b.example/a", false),
        ("a.example/{p...}", "b.example/a", false),
        ("/{p...}", "a.example/a", false),
    ];
    for (specific, general, taken) in cases {
        let folder = fixture();
        let text = config(specific, general, "");
        match parse(&text, folder.path()) {
            Ok(_) => assert!(!taken, "{specific} {general}"),
            Err(report) => {
                let [found] = report.diagnostics() else { panic!("{report}") };
                assert!(taken, "{specific} {general}: {report}");
                assert_eq!(found.message, format!("`{specific}` is open, and takes what `{general}` guards"));
                assert_eq!(&text[found.span.clone().unwrap()], format!("\"{specific}\""));
                let help = "add `auth = \"staff\"`, or `auth = \"none\"` to open it on purpose";
                assert_eq!(found.help.as_deref(), Some(help));
            }
        }
        for more in ["auth = \"none\"", "auth = \"staff\""] {
            accept(&config(specific, general, more));
        }
    }
}
