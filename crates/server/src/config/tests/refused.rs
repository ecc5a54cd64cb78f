//! What configs are refused: each with what is said, where it is underlined, and what helps.

mod proxy;
mod route;

use super::{fixture, parse, schema};

/// Message, line, underlined text, help (or its beginning, if it ends in an ellipsis).
pub(super) type Expected<'a> = (&'a str, usize, &'a str, &'a str);

/// What a schema does not see: the disk, two keys at once, sizes of numbers with units, grammars that no expression holds.
const UNSEEN: &[&str] = &[
    "there is no user",
    "there is no folder",
    "is not a folder",
    "there is no file",
    "is not a regular file",
    "is larger than",
    "is not UTF-8",
    "is too large",
    "is at most",
    "can only lower",
    "is listened on twice",
    "is set twice",
    "`https://` without a certificate",
    "`tls` without an address",
    "does not exist",
    "match the same requests",
    "both match",
    "has no name",
    "there is no `[auth.",
    "nobody in `",
    "no token of `",
    "takes what `",
    "there is no such file",
    "the password is",
    "is listed twice",
    "is said twice",
    "is every origin",
    "with every origin",
    "with `credentials`",
    "without `auth`",
    "without a place to keep",
    "has a port",
    "has no host",
    "there is nothing to strip",
    "does not begin with",
    "`authorities` without",
    "names no authorities",
    "has at most",
    "is no port",
    "is not an IPv6 address",
    "has a `*` in it",
];

#[track_caller]
pub(super) fn assert_refused(text: &str, expected: &[Expected<'_>]) {
    let folder = fixture();
    let report = match parse(text, folder.path()) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(report) => report,
    };
    let found: Vec<Expected<'_>> = report
        .diagnostics()
        .iter()
        .map(|found| {
            let span = found.span.clone().unwrap_or(0..0);
            let line = if found.span.is_some() { report.position(span.start).0 } else { 0 };
            (
                &*found.message,
                line,
                text.get(span).expect("on the borders of characters"),
                found.help.as_deref().unwrap_or(""),
            )
        })
        .collect();
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let help = match expected.3.strip_suffix('…') {
                Some(beginning) => found.3.starts_with(beginning),
                None => found.3 == expected.3,
            };
            (found.0, found.1, found.2) == (expected.0, expected.1, expected.2) && help
        });
    assert!(same, "{text}\nfound    {found:#?}\nexpected {expected:#?}");
    let unseen = expected.iter().all(|(message, ..)| UNSEEN.iter().any(|words| message.contains(words)));
    assert!(unseen || schema::valid(text) != Some(true), "the schema takes it:\n{text}");
    for color in [false, true] {
        assert!(report.render(color).contains(expected[0].0), "{text}");
    }
}

/// One error each; the text stands at the top level.
#[test]
fn a_wrong_top_level_is_refused() {
    let cases: &[(&str, Expected<'_>)] = &[
        ("", ("the config has no route, so that every answer would be 404", 0, "", "add `[route.…")),
        ("lisen = []", ("unknown key `lisen`", 1, "lisen", "did you mean `listen`?")),
        ("Listen = []", ("unknown key `Listen`", 1, "Listen", "did you mean `listen`?")),
        ("\n\nroutes = {}", ("unknown key `routes`", 3, "routes", "did you mean `route`?")),
        ("listing = true", ("unknown key `listing`", 1, "listing", "`listing` belongs in `files`")),
        ("headers = {}", ("unknown key `headers`", 1, "headers", "`headers` belongs in a route")),
        ("\"/x\" = {}", ("unknown key `/x`", 1, "\"/x\"", "a route is written `[route.\"/x\"]`")),
        ("banana = 1", ("unknown key `banana`", 1, "banana", "the keys at the top level are `listen`, `workers`, …")),
        ("\"a\\u001b[2J\" = 1", ("unknown key `a\\u{1b}[2J`", 1, "\"a\\u001b[2J\"", "the keys at the top level are …")),
        (
            "state = 7",
            ("`state` takes a folder's path, not an integer", 1, "7", "write it as in `state = \"./state\"`"),
        ),
        (
            "log = \"jsn\"",
            ("`log` is one of `\"json\"`, `\"text\"`, `\"off\"`", 1, "\"jsn\"", "did you mean `\"json\"`?"),
        ),
        ("log = \"none\"", ("`log` is one of `\"json\"`, `\"text\"`, `\"off\"`", 1, "\"none\"", "")),
        (
            "log = false",
            (
                "`log` takes one of `\"json\"`, `\"text\"`, `\"off\"`, not a boolean",
                1,
                "false",
                "write it as in `log = \"json\"`",
            ),
        ),
        ("drain = 10", ("`drain` takes a duration, not an integer", 1, "10", "write it as in `drain = \"10s\"`")),
        ("workers = 0", ("`workers` is from 1 to 1024, not 0", 1, "0", "write it as in `workers = 2`")),
        ("workers = -1", ("`workers` is from 1 to 1024, not -1", 1, "-1", "write it as in `workers = 2`")),
        ("workers = \"2\"", ("`workers` takes an integer, not a string", 1, "\"2\"", "write it as in `workers = 2`")),
        ("workers = 2.5", ("`workers` takes an integer, not a float", 1, "2.5", "write it as in `workers = 2`")),
        ("user = \"\"", ("`` is not a user's name", 1, "\"\"", "write it as in `user = \"www-data\"`")),
        (
            "listen = []",
            ("there is nowhere to listen", 1, "[]", "write it as in `listen = [\"http://127.0.0.1:8080\"]`"),
        ),
        (
            "listen = 8080",
            (
                "`listen` takes a list, each an address, not an integer",
                1,
                "8080",
                "write it as in `listen = [\"http://127.0.0.1:8080\"]`",
            ),
        ),
        (
            "listen = [\"http://[::1]:1\", 8080]",
            (
                "`listen` takes an address, not an integer",
                1,
                "8080",
                "write it as in `listen = \"http://127.0.0.1:8080\"`",
            ),
        ),
        (
            "listen = [\"127.0.0.1:8080\"]",
            ("an address begins with `http://` or `https://`", 1, "\"127.0.0.1:8080\"", "write it as in `listen = …"),
        ),
        (
            "listen = [\"http://notes.example\"]",
            (
                "`notes.example` is neither an IP address nor localhost",
                1,
                "\"http://notes.example\"",
                "write it as in …",
            ),
        ),
        (
            "listen = [\"https://[::]:443\"]",
            (
                "`https://` without a certificate",
                1,
                "[\"https://[::]:443\"]",
                "add `tls = { certificate = \"cert.pem\", key = \"key.pem\" }`",
            ),
        ),
        (
            "listen = [\"http://127.0.0.1:1\", \"http://localhost:1\"]",
            ("127.0.0.1:1 is listened on twice", 1, "\"http://localhost:1\"", "keep one"),
        ),
        ("limits = 5", ("`limits` takes a table, not an integer", 1, "5", "write it as in `limits = { …")),
        ("route = []", ("`route` takes a table, not a list", 1, "[]", "write it as in `route = { …")),
        (
            "route.\"/x\" = \"./public\"",
            ("a route is a table", 1, "\"./public\"", "write `files`, `documents`, `jobs`, `proxy`, `redirect` or …"),
        ),
        ("log = \"off\"\nlog = \"off\"", ("duplicate key", 2, "log", "keep one of the two")),
        (
            "user = \"nobody-has-this-name\"",
            ("there is no user `nobody-has-this-name`", 1, "\"nobody-has-this-name\"", "create …"),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(text, &[*expected]);
    }
}

/// One error each; the text stands below `[limits]`.
#[test]
fn wrong_limits_are_refused() {
    let cases: &[(&str, Expected<'_>)] = &[
        (
            "head = \"10\"",
            ("`10` has no unit", 2, "10", "write it as in `\"10s\"`; the units are `ms`, `s`, `m`, `h`, `d`"),
        ),
        ("head = \"10sec\"", ("`sec` is not a unit of a duration", 2, "sec", "the units are `ms`, `s`, `m`, `h`, `d`")),
        ("head = \"10 S\"", ("` S` is not a unit of a duration", 2, " S", "did you mean `\"10s\"`?")),
        (
            "head = \"ten\"",
            ("`ten` is not a duration", 2, "ten", "write a whole number and a unit, as in `\"10s\"`; …"),
        ),
        ("head = \"0s\"", ("`head` cannot be zero", 2, "\"0s\"", "write it as in `head = \"10s\"`, or remove it …")),
        ("idle = \"36501d\"", ("`36501d` is too large", 2, "36501d", "the most is `\"36500d\"`")),
        ("idle = 75", ("`idle` takes a duration, not an integer", 2, "75", "write it as in `idle = \"10s\"`")),
        ("body = \"8kib\"", ("`kib` is not a unit of a size", 2, "kib", "did you mean `\"8KiB\"`?")),
        (
            "body = \"8K\"",
            ("`K` is not a unit of a size", 2, "K", "the units are `B`, `KB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`, `TiB`"),
        ),
        ("body = \"99999999TiB\"", ("`99999999TiB` is too large", 2, "99999999TiB", "the most is `\"1048576TiB\"`")),
        ("body = 1024", ("`body` takes a size, not an integer", 2, "1024", "write it as in `body = \"16MiB\"`")),
        // Where the text is written with escapes, all of it is underlined.
        ("body = \"8\\u004B\"", ("`K` is not a unit of a size", 2, "\"8\\u004B\"", "the units are `B`, …")),
        ("target = \"0B\"", ("`target` cannot be zero", 2, "\"0B\"", "write it as in `target = \"16MiB\"`, …")),
        ("fields = \"17MiB\"", ("`fields` is at most 16MiB", 2, "\"17MiB\"", "write it as in `fields = \"64KiB\"`")),
        (
            "min-rate = \"500B\"",
            ("`B` is not a unit of a rate", 2, "B", "the units are `B/s`, `KB/s`, `MB/s`, `KiB/s`, `MiB/s`"),
        ),
        ("min_rate = \"500B/s\"", ("unknown key `min_rate`", 2, "min_rate", "did you mean `min-rate`?")),
        (
            "connections = 0",
            ("`connections` is from 1 to 4294967295, not 0", 2, "0", "write it as in `connections = 10000`"),
        ),
        (
            "requests = \"many\"",
            ("`requests` takes an integer, not a string", 2, "\"many\"", "write it as in `requests = 1000`"),
        ),
        ("length = \"required\"", ("unknown key `length`", 2, "length", "`length` belongs in a route's `limits`")),
        ("head = { value = 1 }", ("`head` takes a duration, not a table", 2, "{ value = 1 }", "write it as in …")),
    ];
    for (text, expected) in cases {
        let text = format!("[limits]\n{text}\n[route.\"/\"]\nrespond = {{ status = 204 }}\n");
        assert_refused(&text, &[*expected]);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_text() {
    let text = "lisen = []\ndrain = 5\n[route.\"/z/{a}\"]\nfiles = \"nope\"\nhide = true\n\
                [route.\"/{b}/y\"]\nrespond = { status = 299, body = 1, headers = { Te = \"x\" } }\n\
                [limits]\nhead = \"1\"\nrequests = 0\n";
    assert_refused(
        text,
        &[
            ("unknown key `lisen`", 1, "lisen", "did you mean `listen`?"),
            ("`drain` takes a duration, not an integer", 2, "5", "write it as in `drain = \"10s\"`"),
            ("there is no folder `nope`", 4, "\"nope\"", "create it, …"),
            ("`hide` without `auth`", 5, "hide", "add `auth = \"staff\"`, or remove `hide`"),
            ("`/z/{a}` and `/{b}/y` both match `/z/y`", 6, "\"/{b}/y\"", "change one, …"),
            ("299 is not a registered status", 7, "299", "the nearest one is 300 Multiple Choices"),
            ("`body` takes a text, not an integer", 7, "1", "write it as in `body = \"closed for good\"`"),
            ("`Te` cannot be set here", 7, "Te", "remove it: it follows from what is sent"),
            ("`1` has no unit", 9, "1", "write it as in `\"1s\"`; …"),
            ("`requests` is from 1 to 4294967295, not 0", 10, "0", "write it as in `requests = 1000`"),
        ],
    );
}

#[test]
fn a_report_reads_as_a_compiler_s_does() {
    let folder = fixture();
    let text = "# A comment.\n\nlisen = [\"http://127.0.0.1:8080\"]\n[route.\"/{p...}\"]\nfiles = \"public\"\nredirect = \"/\"\n";
    let report = parse(text, folder.path()).unwrap_err();
    let expected = "\
error: unknown key `lisen`
 --> verdict.toml:3:1
  |
3 | lisen = [\"http://127.0.0.1:8080\"]
  | ^^^^^ not a key at the top level
  |
  = help: did you mean `listen`?

error: a route has one kind, and this has `files` and `redirect`
 --> verdict.toml:6:1
  |
5 | files = \"public\"
  | ----- this
6 | redirect = \"/\"
  | ^^^^^^^^ and this
  |
  = help: keep one, or give each a route of its own";
    assert_eq!(report.to_string(), expected);
    assert!(report.has_errors() && !report.is_empty());
    let colored = report.render(true);
    assert!(colored.contains("\u{1b}[") && !report.render(false).contains('\u{1b}'));
}

#[test]
fn control_bytes_of_a_config_do_not_reach_the_terminal() {
    let folder = fixture();
    let texts = [
        "log = \"\u{9b}31m\"\n",
        "\"\\u001b[2J\" = 1\n",
        "# \u{1b}[2J\nlog = 1\n",
        "log = \"\\u001b\"\n",
        "[route.\"/{p...}\"]\nfiles = \"\\rsite\"\n",
    ];
    for text in texts {
        let report = parse(text, folder.path()).unwrap_err().to_string();
        assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
    }
}
