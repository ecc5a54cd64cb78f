use super::*;
use proptest::prelude::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message))
}

fn router(patterns: &[&str]) -> Router {
    let routes = patterns.iter().map(|text| (pattern(text), MissingSlash::Redirect));
    Router::new(routes).unwrap_or_else(|ambiguities| panic!("{patterns:?}: {ambiguities:?}"))
}

/// The pattern found with its captures, or what was found instead.
fn found(router: &Router, host: &str, path: &str) -> String {
    match router.find(host, path) {
        Found::Nothing => "nothing".to_owned(),
        Found::SlashMissing { route } => format!("{} with a slash", router.patterns()[route]),
        Found::Match(found) => {
            let pattern = &router.patterns()[found.route];
            assert_eq!(pattern.names().count(), found.spans().len());
            let captures = pattern.names().enumerate().map(|(i, name)| format!(" {name}={}", found.capture(i, path)));
            captures.fold(pattern.to_string(), |text, capture| text + &capture)
        }
    }
}

#[test]
fn the_most_specific_pattern_wins_in_any_order() {
    let patterns = [
        "/{rest...}",
        "/{name}",
        "/notes/{id}",
        "/notes/new",
        "/notes/{id}/files/{path...}",
        "/notes/{id}/files/readme",
        "/docs/{path...}",
        "/docs/",
        "/a b/{x}",
        "notes.example/{path...}",
        "*.example/{path...}",
        "*.dev.example/{path...}",
        "[::1]/six",
    ];
    let cases = [
        ("", "/", "/{rest...} rest="),
        ("", "/x", "/{name} name=x"),
        ("", "/x/", "/{rest...} rest=x/"),
        ("", "//", "/{rest...} rest=/"),
        ("", "//x", "/{rest...} rest=/x"),
        ("", "/notes/7", "/notes/{id} id=7"),
        ("", "/notes/new", "/notes/new"),
        ("", "/notes/new/", "/{rest...} rest=notes/new/"),
        ("", "/notes/", "/{rest...} rest=notes/"),
        ("", "/notes", "/{name} name=notes"),
        ("", "/notes/7/files/", "/notes/{id}/files/{path...} id=7 path="),
        ("", "/notes/7/files/a/b", "/notes/{id}/files/{path...} id=7 path=a/b"),
        ("", "/notes/new/files/a", "/notes/{id}/files/{path...} id=new path=a"),
        ("", "/notes/7/files/readme", "/notes/{id}/files/readme id=7"),
        ("", "/notes/7/files", "/notes/{id}/files/{path...} with a slash"),
        // Within a tree that a name stands for, the literal next to it that leads nowhere is given up.
        ("", "/notes/new/files", "/notes/{id}/files/{path...} with a slash"),
        ("", "/docs", "/{name} name=docs"),
        ("", "/docs/", "/docs/"),
        ("", "/docs/x", "/docs/{path...} path=x"),
        ("", "/a b/%2F", "/a b/{x} x=%2F"),
        ("", "/NOTES/7", "/{rest...} rest=NOTES/7"),
        ("notes.example", "/notes/7", "notes.example/{path...} path=notes/7"),
        ("Notes.EXAMPLE.", "/", "notes.example/{path...} path="),
        ("a.example", "/x", "*.example/{path...} path=x"),
        ("a.b.example", "/x", "*.example/{path...} path=x"),
        ("a.dev.example", "/x", "*.dev.example/{path...} path=x"),
        ("example", "/x", "/{name} name=x"),
        (".example", "/x", "/{name} name=x"),
        ("[::1]", "/six", "[::1]/six"),
        ("[::1]", "/seven", "/{name} name=seven"),
        ("", "*", "nothing"),
        ("", "", "nothing"),
        ("", "x/y", "nothing"),
    ];
    let mut reversed = patterns;
    reversed.reverse();
    for patterns in [patterns, reversed] {
        let router = router(&patterns);
        for (host, path, expected) in cases {
            assert_eq!(found(&router, host, path), expected, "{host}{path}");
        }
    }
}

#[test]
fn a_missing_slash_is_told_apart() {
    let router = Router::new([
        (pattern("/{all...}"), MissingSlash::Redirect),
        (pattern("/docs/{path...}"), MissingSlash::Redirect),
        (pattern("/docs/old/{path...}"), MissingSlash::NotMine),
        (pattern("/exact/{path...}"), MissingSlash::Redirect),
        (pattern("/exact"), MissingSlash::Redirect),
        (pattern("/end/"), MissingSlash::Redirect),
        (pattern("/deep/{x}/er/{path...}"), MissingSlash::Redirect),
        (pattern("here.example/{a}/{path...}"), MissingSlash::Redirect),
    ]);
    let router = router.unwrap();
    let cases = [
        ("", "/docs", "/docs/{path...} with a slash"),
        ("", "/docs/old", "/docs/{path...} path=old"),
        ("", "/docs/new", "/docs/{path...} path=new"),
        ("", "/exact", "/exact"),
        ("", "/end", "/end/ with a slash"),
        ("", "/deep/y/er", "/deep/{x}/er/{path...} with a slash"),
        ("", "/other", "/{all...} all=other"),
        ("here.example", "/docs", "here.example/{a}/{path...} with a slash"),
        ("here.example", "/", "/{all...} all="),
    ];
    for (host, path, expected) in cases {
        assert_eq!(found(&router, host, path), expected, "{host}{path}");
    }
}

#[test]
fn what_was_sent_is_found_again() {
    let router = router(&["/{a}/x/{rest...}", "/{b}"]);
    let cases = [
        ("/é/x/b c/%2F/", "/%C3%A9/x/b%20c/%2F/", &["%C3%A9", "b%20c/%2F/"][..]),
        ("/é/x/", "/%C3%A9/x/", &["%C3%A9", ""]),
        ("/é", "/%C3%A9", &["%C3%A9"]),
        ("/a/x//b", "/%61/x//b", &["%61", "/b"]),
    ];
    for (path, raw, expected) in cases {
        let Found::Match(found) = router.find("", path) else { panic!("{path}") };
        let captures: Vec<_> = (0..expected.len()).map(|name| found.raw_capture(name, path, raw)).collect();
        assert_eq!(captures, expected, "{path}");
        assert_eq!(found.raw_capture(expected.len(), path, raw), "");
        assert_eq!(found.capture(expected.len(), path), "");
    }
}

#[test]
fn patterns_that_share_a_path_without_order_are_refused() {
    let cases = [
        ("/a/{x}", "/{y}/b", Some(("/a/b", false))),
        ("/{a}/b", "/a/{rest...}", Some(("/a/b", false))),
        ("/{a}/{rest...}", "/x/{y}", None),
        ("/{a}/x/{rest...}", "/{b}/{c}", None),
        ("/{a}/x/{rest...}", "/{a}/{c}/", Some(("/a/x/", false))),
        ("/{a}/{b}/x", "/{a}/y/{rest...}", Some(("/a/y/x", false))),
        ("/{a}", "/{a}", Some(("/a", true))),
        ("/x/{a}", "/x/{b}", Some(("", true))),
        ("/{a...}", "/{b...}", Some(("/", true))),
        ("/x", "/%78", Some(("/x", true))),
        ("/a/", "/a/{x...}", None),
        ("/a/", "/{x}/{y...}", None),
        ("/a", "/a/", None),
        ("/{a}", "/", None),
        ("A.example/x", "a.example/x", Some(("/x", true))),
        ("a.example/{x}", "b.example/{x}", None),
        ("a.example/{x}", "/{x}", None),
        ("*.example/x/{y}", "a.example/{z}/b", None),
    ];
    for (a, b, expected) in cases {
        for (a, b) in [(a, b), (b, a)] {
            let routes = [(pattern(a), MissingSlash::NotMine), (pattern(b), MissingSlash::NotMine)];
            let ambiguities = Router::new(routes).err().unwrap_or_default();
            match (&ambiguities[..], expected) {
                ([], None) => {}
                ([ambiguity], Some((example, same))) => {
                    assert_eq!((ambiguity.first, ambiguity.second, ambiguity.same), (0, 1, same), "{a} {b}");
                    // Where only the names differ, the example has those of the first.
                    if !example.is_empty() {
                        assert_eq!(ambiguity.example, example, "{a} {b}");
                    }
                    for text in [a, b] {
                        let pattern = pattern(text);
                        let host = if let Host::Exact(host) = pattern.host() { host.as_str() } else { "" };
                        assert_eq!(pattern.first_mismatch(host, &ambiguity.example), None, "{text}");
                    }
                }
                (found, expected) => panic!("{a} {b}: {found:?}, not {expected:?}"),
            }
        }
    }
}

#[test]
fn all_ambiguities_are_found() {
    let routes = ["/{a}", "/x", "/{b}", "/{c}"].map(|text| (pattern(text), MissingSlash::NotMine));
    let pairs: Vec<_> = Router::new(routes).unwrap_err().iter().map(|found| (found.first, found.second)).collect();
    assert_eq!(pairs, [(0, 2), (0, 3), (2, 3)]);
}

#[test]
fn a_wrong_pattern_is_refused_where_it_is_wrong() {
    let cases = [
        ("", "", "a pattern is `[host]/path`, and this has no slash"),
        ("docs", "docs", "a pattern is `[host]/path`, and this has no slash"),
        ("/a//b", "//", "a pattern cannot have an empty segment"),
        ("//", "//", "a pattern cannot have an empty segment"),
        ("/{a}/{a}", "{a}", "the name `a` is given twice"),
        ("/{a}/{a...}", "{a...}", "the name `a` is given twice"),
        ("/{a...}/b", "{a...}", "`{a...}` takes the whole rest of the path, so nothing can follow it"),
        ("/{}", "{}", "a name is a letter followed by letters, digits, `_` or `-`"),
        ("/{...}", "{...}", "a name is a letter followed by letters, digits, `_` or `-`"),
        ("/{1}", "{1}", "a name is a letter followed by letters, digits, `_` or `-`"),
        ("/{a b}", "{a b}", "a name is a letter followed by letters, digits, `_` or `-`"),
        ("/x{a}", "{", "a name is a whole segment"),
        ("/{a}.html", "{", "a name is a whole segment"),
        ("/a}", "}", "a name is a whole segment"),
        ("/{a", "{", "a name is a whole segment"),
        ("/a/./b", ".", "a dot segment never matches"),
        ("/a/..", "..", "a dot segment never matches"),
        ("/a/%2e%2E", "%2e%2E", "a dot segment never matches"),
        ("/a%2fb", "%2f", "an encoded slash never equals a literal"),
        ("/a%00", "%00", "a pattern cannot have control characters"),
        ("/a\u{7}", "\u{7}", "a pattern cannot have control characters"),
        ("/a%", "%", "`%` is not followed by two hexadecimal digits"),
        ("/a%4", "%", "`%` is not followed by two hexadecimal digits"),
        ("/a%+4/b", "%", "`%` is not followed by two hexadecimal digits"),
        ("/a%é/b", "%", "`%` is not followed by two hexadecimal digits"),
        ("/%FF", "%FF", "this does not decode to UTF-8"),
        ("/a?b=c", "?b=c", "a pattern is a path, without query and fragment"),
        ("/a#b", "#b", "a pattern is a path, without query and fragment"),
        ("/a\\b", "\\", "`\\` cannot stand in a path"),
        ("http://a.example/", ":", "a pattern's host has neither scheme nor port"),
        ("a.example:80/", ":80", "a pattern's host has neither scheme nor port"),
        ("/a/*", "*", "`*` stands for nothing in a path"),
        ("a.*.example/", "*", "`*` can only stand for the whole left part of a host"),
        ("*/", "*", "`*` can only stand for the whole left part of a host"),
        ("*.*.example/", "*", "`*` can only stand for the whole left part of a host"),
        ("*./", "*.", "this is not a host"),
        ("a..example/", "a..example", "this is not a host"),
        ("a example/", "a example", "this is not a host"),
        ("é.example/", "é.example", "this is not a host"),
        ("[::g]/", "[::g]", "this is not an IPv6 address"),
        (
            "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
            "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
            "a pattern has at most 8 names and 64 segments",
        ),
    ];
    for (text, wrong, message) in cases {
        let fault = Pattern::parse(text).expect_err(text);
        assert_eq!((text.get(fault.at), &*fault.message), (Some(wrong), message), "{text}");
        assert!(!fault.help.is_empty(), "{text}");
    }
}

#[test]
fn the_first_condition_that_failed_is_known() {
    let id = Segment::Name("id".to_owned());
    let notes = Segment::Literal("notes".to_owned());
    let end = Segment::Literal(String::new());
    let host = Host::Exact("a.example".to_owned());
    let cases = [
        ("/notes/{id}", "/notes/7", None),
        ("/notes/{id}", "/notes/", Some(Mismatch::Segment { index: 1, wanted: &id, found: "" })),
        ("/notes/{id}", "/note/7", Some(Mismatch::Segment { index: 0, wanted: &notes, found: "note" })),
        ("/notes/{id}", "/notes", Some(Mismatch::TooShort { wanted: &id })),
        ("/notes/{id}", "/notes/7/", Some(Mismatch::TooLong { rest: "/" })),
        ("/notes/{id}", "/notes/7/x/y", Some(Mismatch::TooLong { rest: "/x/y" })),
        ("/notes/", "/notes", Some(Mismatch::TooShort { wanted: &end })),
        ("/notes/{rest...}", "/notes/", None),
        ("a.example/notes", "/notes", Some(Mismatch::Host { wanted: &host })),
    ];
    for (text, path, expected) in cases {
        assert_eq!(pattern(text).first_mismatch("b.example", path), expected, "{text} {path}");
    }
}

#[test]
fn a_template_is_expanded() {
    let cases = [
        // template, captures of `/{a}/{rest...}`, query, expected
        ("/{rest}", ["x", "y/z"], None, "/y/z"),
        ("/{rest}", ["x", ""], None, "/"),
        ("/{rest}", ["x", "/evil.example"], None, "/evil.example"),
        ("/{rest}", ["x", "///evil.example//a"], None, "/evil.example//a"),
        ("/{rest}", ["x", "\\evil.example"], None, "/%5Cevil.example"),
        ("/new/{rest}", ["x", "/y"], None, "/new//y"),
        ("/{rest}", ["x", "y"], Some("q=1&r=%20"), "/y?q=1&r=%20"),
        ("/{rest}", ["x", "y"], Some(""), "/y"),
        ("/{rest}?v=2", ["x", "y"], Some("q=1"), "/y?v=2&q=1"),
        ("/{rest}?v=2#top", ["x", "y"], Some("q=1"), "/y?v=2&q=1#top"),
        ("/{rest}#{a}", ["x", "y"], Some("q=1"), "/y?q=1#x"),
        ("/{rest}", ["x", "y"], Some("a b\r\nc#d"), "/y?a%20b%0D%0Ac%23d"),
        ("/find?in={a}&for={rest}", ["x&y=z", "a+b/c"], None, "/find?in=x%26y%3Dz&for=a%2Bb/c"),
        ("/{a}-{rest}", ["x", "y"], None, "/x-y"),
        ("/{rest}", ["x", "a%20b%2F%zz%"], None, "/a%20b%2F%25zz%25"),
        ("/{rest}", ["x", "a?b#c[\r\n\"<é"], None, "/a%3Fb%23c%5B%0D%0A%22%3C%C3%A9"),
        ("/ü b/{a}", ["x", ""], None, "/%C3%BC%20b/x"),
        ("https://new.example/{rest}", ["x", "/y"], None, "https://new.example//y"),
        ("https://new.example", ["x", "y"], Some("q"), "https://new.example?q"),
        ("http://new.example:8080?a={a}", ["x", "y"], None, "http://new.example:8080?a=x"),
        ("http://[::1]:8080/%7Ba%7D", ["x", "y"], None, "http://[::1]:8080/%7Ba%7D"),
    ];
    let pattern = pattern("/{a}/{rest...}");
    for (text, captures, query, expected) in cases {
        let template = Template::parse(text, &pattern).unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
        let mut out = "Location: ".to_owned();
        template.expand("own.example", |name| captures[name], query, &mut out);
        assert_eq!(out, format!("Location: {expected}"), "{text}");
        assert_eq!(template.is_local(), text.starts_with('/'));
    }
}

#[test]
fn a_wrong_template_is_refused_where_it_is_wrong() {
    let cases = [
        ("", "", "this is neither a path nor an http(s) URL", "write a path"),
        ("new", "new", "this is neither a path nor an http(s) URL", "write a path"),
        ("{path}", "{path}", "this is neither a path nor an http(s) URL", "write a path"),
        ("javascript:alert(1)", "javascript:alert(1)", "this is neither a path nor an http(s) URL", "write a path"),
        ("//new.example/", "//", "a target that begins with two slashes names a host", "write a path"),
        ("/\\new.example/", "/\\", "a target that begins with two slashes names a host", "write a path"),
        ("https:///x", "https:///x", "this URL has no host", "write a path"),
        ("https://u:p@new.example/", "u:p@", "a redirect cannot carry credentials", "remove them"),
        ("https://{path}/", "{path}", "a request could choose the host", "write the host out"),
        ("https://{path}.example/", "{path}", "a request could choose the host", "write the host out"),
        ("https://new.example{path}", "{path}", "a request could choose the host", "write the host out"),
        ("https://new.example:{path}/", "{path}", "a request could choose the host", "write the host out"),
        ("https://nöw.example/", "ö", "`ö` cannot stand in a host", "letters"),
        ("https://new.example\\.evil/", "\\", "`\\` cannot stand in a host", "letters"),
        ("/{pth}", "{pth}", "the pattern `/{path...}` has no name `pth`", "did you mean `{path}`?"),
        ("/{id}", "{id}", "the pattern `/{path...}` has no name `id`", "the pattern has `{path}`"),
        ("/{path...}", "{path...}", "the dots belong to the pattern only", "write `{path}`"),
        ("/{path", "{", "this brace is not closed", "write a name"),
        ("/path}", "}", "this brace closes nothing", "write `%7D`"),
        ("/a\\b", "\\", "`\\` cannot stand in a URL", "write `/`"),
        ("/a\r\nSet-Cookie: x", "\r", "a URL cannot have control characters", "remove it"),
        ("/100%", "%", "`%` is not followed by two hexadecimal digits", "write `%25`"),
    ];
    let pattern = pattern("/{path...}");
    for (text, wrong, message, help) in cases {
        let fault = Template::parse(text, &pattern).expect_err(text);
        assert_eq!((text.get(fault.at), &*fault.message), (Some(wrong), message), "{text}");
        assert!(fault.help.starts_with(help), "{text}: {}", fault.help);
    }
}

/// The rule of `route.rs` without a tree: all that match, and of them the one that the others cover.
fn naive(patterns: &[Pattern], host: &str, path: &str) -> Option<usize> {
    let matching = (0..patterns.len()).filter(|&i| patterns[i].first_mismatch(host, path).is_none());
    matching.min_by(|&a, &b| {
        let (a, b) = (&patterns[a], &patterns[b]);
        a.host().precedence().cmp(&b.host().precedence()).then_with(|| a.covers(b).cmp(&b.covers(a)))
    })
}

fn some_pattern() -> impl Strategy<Value = String> {
    let host = prop_oneof![4 => Just(""), 1 => Just("a.x"), 1 => Just("*.x"), 1 => Just("*.b.x")];
    let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 3 => Just("{}")];
    let end = prop_oneof![3 => Just(""), 1 => Just("/"), 2 => Just("/{...}")];
    (host, prop::collection::vec(segment, 0..4), end).prop_map(|(host, segments, end)| {
        let mut text = host.to_owned();
        for (i, segment) in segments.iter().enumerate() {
            text.push('/');
            text.push_str(&segment.replace("{}", &format!("{{n{i}}}")));
        }
        text.push_str(&end.replace("{...}", "{rest...}"));
        if segments.is_empty() && end.is_empty() {
            text.push('/');
        }
        text
    })
}

fn some_path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 1 => Just("c"), 1 => Just("")];
    prop::collection::vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_finds_what_the_rule_says(
        texts in prop::collection::vec(some_pattern(), 1..12),
        paths in prop::collection::vec((prop::sample::select(vec!["", "a.x", "b.x", "c.b.x"]), some_path()), 1..20),
    ) {
        // Only routers that can be built are asked: a pattern that is ambiguous with an earlier one is left out.
        let mut patterns: Vec<Pattern> = Vec::new();
        for text in &texts {
            patterns.push(pattern(text));
            if Router::new(patterns.iter().map(|p| (p.clone(), MissingSlash::NotMine))).is_err() {
                patterns.pop();
            }
        }
        let strict = Router::new(patterns.iter().map(|p| (p.clone(), MissingSlash::NotMine))).unwrap();
        let lenient = Router::new(patterns.iter().map(|p| (p.clone(), MissingSlash::Redirect))).unwrap();
        for (host, path) in &paths {
            let expected = naive(&patterns, host, path);
            match strict.find(host, path) {
                Found::Match(found) => {
                    prop_assert_eq!(Some(found.route), expected);
                    // Put back in their places, the captures give the path again.
                    let mut names = 0;
                    let mut rebuilt = String::new();
                    for segment in patterns[found.route].segments() {
                        rebuilt.push('/');
                        rebuilt.push_str(match segment {
                            Segment::Literal(text) => text,
                            _ => { names += 1; found.capture(names - 1, path) }
                        });
                    }
                    prop_assert_eq!(&rebuilt, path);
                    prop_assert_eq!(found.raw_capture(0, path, path), found.capture(0, path));
                }
                Found::Nothing => prop_assert_eq!(expected, None),
                Found::SlashMissing { .. } => prop_assert!(false, "no route wants to be asked"),
            }
            // A slash is missing only where no pattern of fixed length matches, and the one that is found would match
            // with the slash; where none is missing, nothing else changes.
            match lenient.find(host, path) {
                Found::SlashMissing { route } => {
                    let slashed = format!("{path}/");
                    prop_assert!(patterns[route].first_mismatch(host, &slashed).is_none());
                    prop_assert!(patterns[route].first_mismatch(host, path).is_some());
                    if let Some(other) = expected {
                        let rest = matches!(patterns[other].segments().last(), Some(Segment::Rest(_)));
                        let host_wins = patterns[route].host().precedence() < patterns[other].host().precedence();
                        prop_assert!(rest || host_wins);
                    }
                    let slashed_wins = naive(&patterns, host, &slashed);
                    prop_assert_eq!(Some(route), slashed_wins);
                }
                found => prop_assert_eq!(found, strict.find(host, path)),
            }
        }
    }

    #[test]
    fn no_request_chooses_the_host(rest in "[/\\\\.%a-f0-9@: \r\n]{0,12}", query in "[a-z%&#\r\n ]{0,6}") {
        let pattern = pattern("/{rest...}");
        for text in ["/{rest}", "/{rest}?a=b", "/x/{rest}", "https://new.example/{rest}"] {
            let mut out = String::new();
            Template::parse(text, &pattern).unwrap().expand("", |_| &rest, Some(&query), &mut out);
            prop_assert!(!out.starts_with("//") && !out.starts_with("/\\"));
            prop_assert!(text.starts_with('/') == out.starts_with('/'));
            prop_assert!(out.starts_with('/') || out.starts_with("https://new.example/"));
            prop_assert!(out.bytes().all(|b| b.is_ascii_graphic()));
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "[/{}.a%2eF\\[\\]*:é?#\\\\]{0,16}") {
        if let Err(fault) = Pattern::parse(&text) {
            prop_assert!(text.get(fault.at).is_some());
        }
        let pattern = pattern("/{a}/{e...}");
        for text in [text.clone(), format!("/{text}"), format!("https://{text}")] {
            match Template::parse(&text, &pattern) {
                Err(fault) => prop_assert!(text.get(fault.at).is_some()),
                Ok(template) => template.expand("", |_| "x", None, &mut String::new()),
            }
        }
    }
}
