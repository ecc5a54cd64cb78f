//! What routes and patterns are refused.

use super::{Expected, assert_refused};

/// One error each; the text stands below `[route."/r/{path...}"]`.
#[test]
fn a_wrong_route_is_refused() {
    const R: &str = "\"/r/{path...}\"";
    let cases: &[(&str, Expected<'_>)] = &[
        // Kinds.
        ("", ("this route does nothing", 1, R, "give it one of `documents`, `files`, `jobs`, `proxy`, …")),
        ("headers = {}", ("this route does nothing", 1, R, "give it one of `documents`, `files`, `jobs`, `proxy`, …")),
        (
            "redirect = \"/\"\nfiles = \"public\"",
            ("a route has one kind, and this has `redirect` and `files`", 3, "files", "keep one, or give each a …"),
        ),
        (
            "files = \"public\"\nupload = {}",
            (
                "an `upload` route without a place to keep count of them",
                1,
                "\"/r/{path...}\"",
                "add `state = \"./state\"` at the top of the config",
            ),
        ),
        ("files = \"public\"\nrates = 1", ("unknown key `rates`", 3, "rates", "did you mean `rate`?")),
        ("files = \"public\"\nhint = []", ("unknown key `hint`", 3, "hint", "did you mean `hints`?")),
        ("files = \"public\"\nlisting = true", ("unknown key `listing`", 3, "listing", "`listing` belongs in `files`")),
        // Files.
        (
            "files = \"nope\"",
            ("there is no folder `nope`", 2, "\"nope\"", "create it, or correct the path: it is relative to …"),
        ),
        ("files = \"404.html\"", ("`404.html` is not a folder", 2, "\"404.html\"", "name the folder that it is in")),
        ("files = \"\"", ("an empty path names no folder", 2, "\"\"", "write `\".\"` for the config's own folder")),
        (
            "files = true",
            ("`files` takes a folder or a table, not a boolean", 2, "true", "write it as in `files = \"./public\"`"),
        ),
        ("files = {}", ("`files` needs `root`", 2, "files", "write it as in `files = { root = \"./public\" }`")),
        (
            "files = { root = 1 }",
            ("`root` takes a folder, not an integer", 2, "1", "write it as in `root = \"./public\"`"),
        ),
        (
            "files = { root = \"public\", listin = true }",
            ("unknown key `listin`", 2, "listin", "did you mean `listing`?"),
        ),
        (
            "files = { root = \"public\", listing = \"yes\" }",
            ("`listing` takes a boolean, not a string", 2, "\"yes\"", "write it as in `listing = true`"),
        ),
        (
            "files = { root = \"public\", index = [\"sub/index.html\"] }",
            ("`sub/index.html` is not a file name", 2, "\"sub/index.html\"", "write it as in `index = …"),
        ),
        (
            "files = { root = \"public\", fallback = \"index.html\" }",
            (
                "`index.html` is not a path from the root of the folder to a file",
                2,
                "\"index.html\"",
                "write it as in `fallback = \"/index.html\"`",
            ),
        ),
        (
            "files = { root = \"public\", fallback = \"/../404.html\" }",
            (
                "`/../404.html` is not a path from the root of the folder to a file",
                2,
                "\"/../404.html\"",
                "write it as in `fallback = \"/index.html\"`",
            ),
        ),
        (
            "files = { root = \"public\", fallback = \"/sub\" }",
            ("there is no file `/sub` in the folder", 2, "\"/sub\"", "create it, or correct the path"),
        ),
        (
            "files = { root = \"public\", cache = 3600 }",
            ("`cache` takes a duration, not an integer", 2, "3600", "write it as in `cache = \"10s\"`"),
        ),
        // Redirects.
        ("redirect = {}", ("`redirect` needs `to`", 2, "redirect", "write it as in `redirect = { to = …")),
        (
            "redirect = \"/{pth}\"",
            ("the pattern `/r/{path...}` has no name `pth`", 2, "{pth}", "did you mean `{path}`?"),
        ),
        (
            "redirect = { to = \"https://{path}/\" }",
            ("a request could choose the host", 2, "{path}", "write the host out, …"),
        ),
        (
            "redirect = { to = \"//evil.example\" }",
            ("a target that begins with two slashes names a host", 2, "//", "write a …"),
        ),
        (
            "redirect = { to = \"/\", status = 304 }",
            ("304 is not a redirect to one target", 2, "304", "301 or 308 for good, 302 or 307 for now; …"),
        ),
        (
            "redirect = { to = \"/\", status = \"301\" }",
            ("`status` takes an integer, not a string", 2, "\"301\"", "write it as in `status = 308`"),
        ),
        // Responses.
        ("respond = 410", ("`respond` takes a table, not an integer", 2, "410", "write it as in `respond = { …")),
        ("respond = {}", ("`respond` needs `status`", 2, "respond", "write it as in `respond = { status = 410, …")),
        (
            "respond = { status = 401 }",
            (
                "401 Unauthorized needs a `WWW-Authenticate` field",
                2,
                "401",
                "add `headers = { \"WWW-Authenticate\" = \"Basic realm=\\\"staff\\\"\" }`",
            ),
        ),
        (
            "respond = { status = 405 }",
            (
                "405 Method Not Allowed needs an `Allow` field",
                2,
                "405",
                "add `headers = { \"Allow\" = \"GET, HEAD\" }`",
            ),
        ),
        (
            "respond = { status = 301, headers = { X = \"y\" } }",
            (
                "301 Moved Permanently needs a `Location` field",
                2,
                "301",
                "add `headers = { \"Location\" = \"/elsewhere\" }`",
            ),
        ),
        (
            "respond = { status = 206 }",
            ("206 Partial Content needs a `Content-Range` field", 2, "206", "add `headers = { \"Content-Range\" = …"),
        ),
        (
            "respond = { status = 416 }",
            (
                "416 Range Not Satisfiable needs a `Content-Range` field",
                2,
                "416",
                "add `headers = { \"Content-Range\" = …",
            ),
        ),
        (
            "respond = { status = 426 }",
            (
                "426 Upgrade Required needs an `Upgrade` field",
                2,
                "426",
                "add `headers = { \"Upgrade\" = \"websocket\" }`",
            ),
        ),
        (
            "respond = { status = 407 }",
            (
                "407 Proxy Authentication Required needs a `Proxy-Authenticate` field",
                2,
                "407",
                "add `headers = { \"Proxy-Authenticate\" = …",
            ),
        ),
        (
            "respond = { status = 103 }",
            ("103 cannot be a final answer", 2, "103", "a client would go on waiting: give a status from 200"),
        ),
        (
            "respond = { status = 499 }",
            ("499 is not a registered status", 2, "499", "the nearest one is 500 Internal Server Error"),
        ),
        (
            "respond = { status = 99 }",
            ("`status` is from 100 to 999, not 99", 2, "99", "write it as in `status = 410`"),
        ),
        (
            "respond = { status = 204, body = \"x\" }",
            ("204 No Content cannot have a body", 2, "body", "remove `body`, or give another status"),
        ),
        (
            "respond = { status = 205, body = \"x\" }",
            ("205 Reset Content cannot have a body", 2, "body", "remove `body`, or give another status"),
        ),
        (
            "respond = { status = 410, type = \"text/html\" }",
            ("`type` without a `body`", 2, "type", "give the `body`, or remove `type`"),
        ),
        (
            "respond = { status = 410, body = \"x\", type = \"html\" }",
            ("`html` is not a media type", 2, "\"html\"", "write it as in `type = \"text/html; charset=utf-8\"`"),
        ),
        (
            "respond = { status = 200, headers = { Content-Length = \"5\" } }",
            ("`Content-Length` cannot be set here", 2, "Content-Length", "remove it: it follows from what is sent"),
        ),
        (
            "respond = { status = 200, headers = { upgrade = \"x\" } }",
            ("`upgrade` cannot be set here", 2, "upgrade", "remove it: it follows from what is sent"),
        ),
        (
            "respond = { status = 200, headers = { Content-Type = \"text/html\" } }",
            ("`Content-Type` cannot be set here", 2, "Content-Type", "write `respond = { type = … }`"),
        ),
        // Guards.
        (
            "files = \"public\"\nheaders = { \"X Y\" = \"z\" }",
            ("`X Y` is not a field name", 3, "\"X Y\"", "a field name is letters, digits and …"),
        ),
        (
            "files = \"public\"\nheaders = { X = \"a\\r\\nSet-Cookie: b\" }",
            ("the value of `X` has a line break", 3, "\"a\\r\\nSet-Cookie: b\"", "a field is one line: …"),
        ),
        (
            "files = \"public\"\nheaders = { X = \"a\\u0000\" }",
            ("the value of `X` has a control character", 3, "\"a\\u0000\"", "remove it"),
        ),
        ("files = \"public\"\nheaders = { X = \"é\" }", ("the value of `X` is not ASCII", 3, "\"é\"", "recipients …")),
        (
            "files = \"public\"\nheaders = { X = \" a\" }",
            ("the value of `X` begins or ends with white space", 3, "\" a\"", "remove it: recipients do"),
        ),
        (
            "files = \"public\"\nheaders = { X = 1 }",
            ("the value of `X` is not a string", 3, "1", "write it as in `headers = { …"),
        ),
        (
            "files = \"public\"\nheaders = { Date = \"now\" }",
            ("`Date` cannot be set here", 3, "Date", "remove it: the server sets it"),
        ),
        (
            "files = \"public\"\nheaders = { ETag = \"1\" }",
            ("`ETag` cannot be set here", 3, "ETag", "give it in `respond = { headers = … }`, for one answer"),
        ),
        (
            "files = \"public\"\nheaders = { X-A = \"1\", x-a = \"2\" }",
            ("`x-a` is set twice", 3, "x-a", "field names have no case: keep one"),
        ),
        (
            "files = { root = \"public\", cache = \"1h\" }\nheaders = { cache-control = \"no-store\" }",
            ("`cache-control` is set twice", 3, "cache-control", "keep one of the two"),
        ),
        (
            "respond = { status = 200, headers = { X = \"1\" } }\nheaders = { x = \"2\" }",
            ("`x` is set twice", 3, "x", "keep one of the two"),
        ),
        (
            "files = \"public\"\npages = { 404 = \"nope.html\" }",
            ("there is no file `nope.html`", 3, "\"nope.html\"", "create it, or correct the path: it is relative …"),
        ),
        (
            "files = \"public\"\npages = { 404 = \"public\" }",
            ("`public` is not a regular file", 3, "\"public\"", "name the page's file"),
        ),
        (
            "files = \"public\"\npages = { 404 = \"large.html\" }",
            (
                "`large.html` is larger than 1MiB",
                3,
                "\"large.html\"",
                "error pages are held in memory: make it smaller",
            ),
        ),
        (
            "files = \"public\"\npages = { 404 = \"latin.html\" }",
            ("`latin.html` is not UTF-8", 3, "\"latin.html\"", "save it as UTF-8"),
        ),
        (
            "files = \"public\"\npages = { 200 = \"404.html\" }",
            ("`200` is not a registered status from 400", 3, "200", "write it as in `pages = { 404 = \"404.html\" }`"),
        ),
        (
            "files = \"public\"\npages = { \"4xx\" = \"404.html\" }",
            ("`4xx` is not a registered status from 400", 3, "\"4xx\"", "write it as in `pages = { 404 = …"),
        ),
        (
            "files = \"public\"\nhints = [\"/app.css\"]",
            ("`/app.css` is not a `Link` value", 3, "/", "write it as in `hints = [\"</app.css>; rel=preload; …"),
        ),
        (
            "files = \"public\"\nhints = [\"</app.css>; as=style\"]",
            ("`</app.css>; as=style` is not a `Link` value", 3, "</app.css>; as=style", "write it as in `hints = …"),
        ),
        (
            "files = \"public\"\nhints = \"</a>; rel=preload\"\nhints-to = \"browsers\"",
            ("`hints-to` is one of `\"navigations\"`, `\"all\"`", 4, "\"browsers\"", ""),
        ),
        ("files = \"public\"\nhints-to = \"all\"", ("`hints-to` without `hints`", 3, "hints-to", "add `hints = …")),
        (
            "files = \"public\"\nlimits = { requests = 5 }",
            ("a route cannot set `requests`", 3, "requests", "set it in `[limits]`, for the whole server"),
        ),
        (
            "files = \"public\"\nlimits = { target = \"9KiB\" }",
            ("a route can only lower `target`, here from 8192 bytes", 3, "\"9KiB\"", "raise `target` in `[limits]`"),
        ),
        (
            "files = \"public\"\nlimits = { types = [\"image\"] }",
            ("`image` is not a media type", 3, "\"image\"", "write it as in `types = …"),
        ),
        (
            "files = \"public\"\nlimits = { length = \"demanded\" }",
            ("`length` is one of `\"required\"`", 3, "\"demanded\"", ""),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(&format!("[route.{R}]\n{text}\n"), &[*expected]);
    }
}

#[test]
fn wrong_patterns_are_refused() {
    let cases: &[(&str, &[Expected<'_>])] = &[
        ("[route.docs]\n", &[("a pattern is `[host]/path`, and this has no slash", 1, "docs", "write `/docs`, or …")]),
        ("[route.\"/a//b\"]\n", &[("a pattern cannot have an empty segment", 1, "//", "write one slash")]),
        (
            "[route.\"/x/{a...}/b\"]\n",
            &[("`{a...}` takes the whole rest of the path, so nothing can follow it", 1, "{a...}", "write `{a}` …")],
        ),
        (
            "[route.\"/old/*\"]\n",
            &[(
                "`*` stands for nothing in a path",
                1,
                "*",
                "write `{name}` for one segment, `{name...}` for the rest, …",
            )],
        ),
        ("[route.\"/old/*.html\"]\n", &[("`*` stands for nothing in a path", 1, "*", "write `{name}` …")]),
        (
            "[route.\"/x\"]\n[route.\"/%78\"]\n",
            &[("`/x` and `/%78` match the same requests", 3, "\"/%78\"", "remove one of them")],
        ),
        (
            "[route.\"/{y}/b\"]\n[route.\"/a/{x}\"]\n",
            &[("`/{y}/b` and `/a/{x}` both match `/a/b`", 3, "\"/a/{x}\"", "change one, so that …")],
        ),
    ];
    for (text, expected) in cases {
        let text = text.replace("]\n", "]\nrespond = { status = 204 }\n");
        assert_refused(&text, expected);
    }
    assert_refused(
        "[route.\"/\"]\nfiles = \"public\"\n[route.\"/docs\"]\nfiles = \"public\"\n",
        &[
            ("a `files` route needs a pattern that ends in a name", 1, "\"/\"", "write `/{path...}`"),
            ("a `files` route needs a pattern that ends in a name", 3, "\"/docs\"", "write `/docs/{path...}`"),
        ],
    );
    assert_refused(
        "[route.\"/docs/README.md\"]\nfiles = \"public\"\n",
        &[(
            "a `files` route needs a pattern that ends in a name",
            1,
            "\"/docs/README.md\"",
            "a file is served with its folder: write `/docs/{path...}`",
        )],
    );
}
