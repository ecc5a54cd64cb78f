//! `files`: from a name to the right bytes in the right form, and to nothing else.

use crate::site::{Plan, put};
use std::fs;
use std::os::unix::fs::symlink;

const FILES: &str = "files = \"public\"";

#[test]
fn a_path_leads_to_its_file_and_a_folder_to_its_index() {
    let site = Plan::new()
        .files([("index.html", "home"), ("page.html", "page"), ("sub/index.html", "sub"), ("sub/a b.txt", "space")])
        .files([
            ("sub/ünï.txt", "unicode"),
            ("sub/100%.txt", "percent"),
            ("second/two.html", "two"),
            ("plus+.txt", "plus"),
        ])
        .file("second/sub/index.html", "no index of the folder above")
        .route("/{path...}", FILES)
        .route("/deep/er/{path...}", FILES)
        .route("/two/{path...}", "files = { root = \"public/second\", index = [\"one.html\", \"two.html\"] }")
        .route("/none/{path...}", "files = { root = \"public\", index = [] }")
        .route("other.test/{path...}", "files = \"public/sub\"")
        .start();
    for (target, expected) in [
        ("/", Ok("home")),
        ("/index.html", Ok("home")),
        ("/page.html", Ok("page")),
        ("/page.html?query=../../x", Ok("page")),
        ("/%70age%2Ehtml", Ok("page")),
        ("/sub/", Ok("sub")),
        ("/sub/a%20b.txt", Ok("space")),
        ("/sub/%C3%BCn%c3%af.txt", Ok("unicode")),
        ("/sub/100%25.txt", Ok("percent")),
        ("/plus+.txt", Ok("plus")),
        ("/deep/er/page.html", Ok("page")),
        ("/deep/er/", Ok("home")),
        ("/two/", Ok("two")),
        ("/none/index.html", Ok("home")),
        ("http://other.test/a%20b.txt", Ok("space")),
        ("/none/", Err("folder-without-index")),
        ("/second/", Err("folder-without-index")),
        ("/PAGE.HTML", Err("nothing-there")),
        ("/page.html/", Err("nothing-there")),
        ("/page.html/x", Err("nothing-there")),
        ("/sub//a%20b.txt", Err("nothing-there")),
        ("//page.html", Err("nothing-there")),
        ("/sub/a+b.txt", Err("nothing-there")),
        ("/page.html%20", Err("nothing-there")),
        ("/page.html.", Err("nothing-there")),
    ] {
        let answer = site.get(target);
        match expected {
            Ok(content) => assert_eq!((answer.status(), answer.text()), (200, content), "{target}"),
            Err(reason) => assert_eq!((answer.status(), answer.reason().as_str()), (404, reason), "{target}"),
        }
    }
}

#[test]
fn there_is_no_way_out_of_the_folder() {
    let plan = Plan::new()
        .files([
            ("page.txt", "page"),
            ("sub/deep.txt", "deep"),
            (".hidden", "dot"),
            (".git/config", "git"),
            ("sub/.env", "env"),
        ])
        .files([
            (".well-known/security.txt", "contact"),
            ("sub/.well-known/x", "no"),
            ("404.html", "lost"),
            ("..dots", "two"),
        ])
        .route("/{path...}", "files = \"public\"\npages = { 404 = \"public/404.html\" }")
        .route("/above/{path...}", "files = \".\"")
        .route("/open/{path...}", "files = { root = \"public\", dotfiles = true }");
    let public = plan.public();
    for (to, link) in [
        ("/etc/passwd", "absolute"),
        ("../../../../../../etc/passwd", "relative"),
        ("..", "up"),
        ("sub/../../public/page.txt", "out-and-in"),
        ("/", "root"),
        ("nothing", "dangling"),
        ("loop", "loop"),
        ("sub/deep.txt", "within"),
        ("sub", "folder-within"),
        (".hidden", "to-hidden"),
        ("/proc/self/root/etc/passwd", "magic"),
    ] {
        symlink(to, public.join(link)).expect("a link");
    }
    let site = plan.start();
    for (target, expected) in [
        ("/within", Ok("deep")),
        ("/folder-within/deep.txt", Ok("deep")),
        // Who names it otherwise wants it to be seen.
        ("/to-hidden", Ok("dot")),
        ("/.well-known/security.txt", Ok("contact")),
        ("/open/.hidden", Ok("dot")),
        ("/open/.git/config", Ok("git")),
        ("/absolute", Err((404, "nothing-there"))),
        ("/relative", Err((404, "nothing-there"))),
        ("/up/public/page.txt", Err((404, "nothing-there"))),
        ("/up/", Err((404, "nothing-there"))),
        ("/out-and-in", Err((404, "nothing-there"))),
        ("/root/etc/passwd", Err((404, "nothing-there"))),
        ("/magic", Err((404, "nothing-there"))),
        ("/dangling", Err((404, "nothing-there"))),
        ("/loop", Err((404, "nothing-there"))),
        ("/.hidden", Err((404, "dotfile-hidden"))),
        ("/%2ehidden", Err((404, "dotfile-hidden"))),
        ("/.git/config", Err((404, "dotfile-hidden"))),
        ("/.git/", Err((404, "dotfile-hidden"))),
        ("/.git", Err((404, "dotfile-hidden"))),
        ("/..dots", Err((404, "dotfile-hidden"))),
        ("/.nothing", Err((404, "dotfile-hidden"))),
        ("/sub/.env", Err((404, "dotfile-hidden"))),
        ("/sub/.well-known/x", Err((404, "dotfile-hidden"))),
        ("/404.html", Err((404, "nothing-there"))),
        ("/open/404.html", Err((404, "nothing-there"))),
        ("/../etc/passwd", Err((400, "ambiguous-target"))),
        ("/sub/../page.txt", Err((400, "ambiguous-target"))),
        ("/sub/%2e%2e/page.txt", Err((400, "ambiguous-target"))),
        ("/sub/.%2E/page.txt", Err((400, "ambiguous-target"))),
        ("/./page.txt", Err((400, "ambiguous-target"))),
        ("/page.txt%00.html", Err((400, "ambiguous-target"))),
        ("/%c0%ae%c0%ae/etc/passwd", Err((400, "ambiguous-target"))),
        ("/sub/..\\page.txt", Err((400, "target-byte-invalid"))),
        ("/sub%2Fdeep.txt", Err((404, "encoded-slash"))),
        ("/..%2fetc%2fpasswd", Err((404, "encoded-slash"))),
        ("/sub%2F..%2F..%2Fetc/passwd", Err((404, "encoded-slash"))),
        ("/sub%5Cdeep.txt", Err((404, "nothing-there"))),
        ("/%252e%252e/etc/passwd", Err((404, "nothing-there"))),
    ] {
        let answer = site.get(target);
        match expected {
            Ok(content) => assert_eq!((answer.status(), answer.text()), (200, content), "{target}"),
            Err((status, reason)) => {
                assert_eq!((answer.status(), answer.reason().as_str()), (status, reason), "{target}");
                assert!(!answer.text().contains("root:"), "{target}");
            }
        }
    }
    // What is hidden is like what is not there, in every field.
    let (link, nothing) = (site.get("/absolute"), site.get("/nothing-at-all"));
    assert_eq!(link.lasting_fields(), nothing.lasting_fields());
}

#[test]
fn the_config_s_own_file_is_never_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("verdict.toml");
    let text = "listen = [\"http://127.0.0.1:0\"]\nworkers = 1\nlog = \"off\"\n[route.\"/{path...}\"]\nfiles = { root = \".\", listing = true }\n";
    fs::write(&file, text).expect("the config");
    fs::write(folder.path().join("page.txt"), "page").expect("a file");
    fs::hard_link(&file, folder.path().join("another-name.txt")).expect("a link");
    symlink("verdict.toml", folder.path().join("link.txt")).expect("a link");
    let config = verdict_server::config::Config::load(&file).unwrap_or_else(|report| panic!("{report}"));
    let server = verdict_server::Server::start(config).unwrap_or_else(|error| panic!("{error}"));
    let mut client = crate::client::Client::to(server.addresses()[0]);
    let mut get =
        |target: &str| client.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n"));
    for target in ["/verdict.toml", "/another-name.txt", "/link.txt"] {
        let answer = get(target);
        assert_eq!((answer.status(), answer.reason().as_str()), (404, "nothing-there"), "{target}");
    }
    let names: serde_json::Value = serde_json::from_slice(&get("/").content).expect("JSON");
    let names: Vec<_> =
        names.as_array().expect("a list").iter().map(|entry| entry["name"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["page.txt"]);
    drop(client);
    server.stop().expect("it ends");
}

#[test]
fn nothing_in_the_folder_state_is_served_however_it_is_come_by() {
    let route = |root: &str| format!("files = {{ root = \"{root}\", listing = true, dotfiles = true }}");
    let site = Plan::new().file("page.txt", "page").file("states/page.txt", "page").file("kept/page.txt", "page");
    let site = site.top("state = \"public/kept/state\"").route("/{path...}", &route("public"));
    let site = site.route("/again/{path...}", &route("public/kept")).start();
    // The server has made the folder; what is put into it later is in it too.
    let state = site.path("kept/state");
    assert!(state.join("console.sock").exists());
    fs::create_dir_all(state.join("deep/er")).expect("a folder");
    for (name, at) in [("file.txt", "file.txt"), ("style.css.gz", "style.css.gz"), ("index.html", "deep/er/index.html")]
    {
        fs::write(state.join(at), name).expect("a file");
    }
    symlink("kept/state", site.path("folder-link")).expect("a link");
    symlink("kept/state/file.txt", site.path("link.txt")).expect("a link");
    fs::write(site.path("style.css"), "plain").expect("a file");
    symlink("kept/state/style.css.gz", site.path("style.css.gz")).expect("a link");
    for below in [
        "kept/state",
        "kept/state/",
        "kept/state/file.txt",
        "kept/state/deep",
        "kept/state/deep/er/",
        "kept/state/deep/er/index.html",
        "kept/state/console.sock",
        "kept/state/none",
        "again/state/file.txt",
        "again/state/deep/er/",
        "folder-link",
        "folder-link/",
        "folder-link/file.txt",
        "link.txt",
    ] {
        for method in ["GET", "HEAD"] {
            let answer = site.ask(format!("{method} /{below} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!((answer.status(), answer.reason().as_str()), (404, "nothing-there"), "{below}");
        }
    }
    let coded = site.get_with("/style.css", "Accept-Encoding: gzip\r\n");
    assert_eq!((coded.status(), coded.get("content-encoding"), coded.text()), (200, None, "plain"));
    let names = |target: &str| -> Vec<String> {
        let answer = site.get_with(target, "Accept: application/json\r\n");
        let names: serde_json::Value = serde_json::from_slice(&answer.content).expect("JSON");
        let names = names.as_array().expect("a list").iter();
        names.map(|entry| entry["name"].as_str().unwrap_or("").to_owned()).collect()
    };
    assert_eq!((names("/kept/"), names("/again/")), (vec!["page.txt".to_owned()], vec!["page.txt".to_owned()]));
    assert!(!names("/").contains(&"folder-link".to_owned()), "{:?}", names("/"));
    // What only begins alike is another folder.
    assert_eq!(site.get("/states/page.txt").status(), 200);
    assert_eq!(site.get("/page.txt").status(), 200);
}

#[test]
fn content_types_have_a_charset_where_they_are_text() {
    let types = [
        ("a.html", "text/html; charset=utf-8"),
        ("a.HTML", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard-of", "application/octet-stream"),
        ("without", "application/octet-stream"),
    ];
    let site =
        types.iter().fold(Plan::new(), |plan, (name, _)| plan.file(name, "x")).route("/{path...}", FILES).start();
    for (name, media_type) in types {
        assert_eq!(site.get(&format!("/{name}")).get("content-type"), Some(media_type), "{name}");
    }
}

#[test]
fn a_fallback_is_served_for_what_is_not_there_and_for_nothing_else() {
    let site = Plan::new()
        .files([("index.html", "app"), ("real.txt", "real"), (".env", "secret"), ("empty/x", "x")])
        .route("/{path...}", "files = { root = \"public\", fallback = \"/index.html\" }")
        .start();
    for (target, status, reason, content) in [
        ("/real.txt", 200, "served", Some("real")),
        ("/", 200, "served", Some("app")),
        ("/any/where", 200, "fallback-served", Some("app")),
        ("/real.txt/", 200, "fallback-served", Some("app")),
        ("/empty/", 200, "fallback-served", Some("app")),
        ("/.env", 404, "dotfile-hidden", None),
        ("/any%2Fwhere", 404, "encoded-slash", None),
        ("/../x", 400, "ambiguous-target", None),
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status(), answer.reason().as_str()), (status, reason), "{target}");
        assert!(content.is_none_or(|content| answer.text() == content), "{target}");
    }
    let partial = site.get_with("/any/where", "Range: bytes=0-0\r\n");
    assert_eq!((partial.status(), partial.text()), (206, "a"));
    let tag = site.get("/any/where").get("etag").expect("a tag").to_owned();
    assert_eq!(site.get_with("/any/where", &format!("If-None-Match: {tag}\r\n")).status(), 304);
}

#[test]
fn a_folder_without_its_slash_is_elsewhere_and_keeps_its_query() {
    let site = Plan::new()
        .files([("sub/index.html", "sub"), ("a b/index.html", "space"), ("sub/deep/x", "x")])
        .route("/{path...}", FILES)
        .route("/files/{path...}", FILES)
        .start();
    for (target, location) in [
        ("/sub", "/sub/"),
        ("/sub?a=b&c=%2F", "/sub/?a=b&c=%2F"),
        ("/sub?", "/sub/?"),
        ("/sub/deep", "/sub/deep/"),
        ("/a%20b", "/a%20b/"),
        ("/%73ub", "/%73ub/"),
        ("/files", "/files/"),
        ("/files?x", "/files/?x"),
        ("/files/sub", "/files/sub/"),
        ("http://any.test/sub", "/sub/"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = site.ask(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!((answer.status(), answer.reason().as_str()), (308, "slash-missing"), "{target}");
            assert_eq!(answer.get("location"), Some(location), "{target}");
        }
        assert!(site.get(target).text().contains(&format!("href=\"{}\"", location.replace('&', "&amp;"))), "{target}");
    }
    assert_eq!(site.get("/sub/").text(), "sub");
    // It is one host's folder, and not the host of that name.
    for target in ["//sub", "///sub"] {
        let answer = site.get(target);
        assert!(answer.status() == 404 || answer.get("location").is_some_and(|to| !to.starts_with("//")), "{target}");
    }
}

#[test]
fn a_listing_is_a_page_or_json() {
    let site = Plan::new()
        .files([
            ("list/b.txt", "bb"),
            ("list/a&<b>.txt", "a"),
            ("list/sub/x", "x"),
            ("list/.hidden", "h"),
            ("list/é.txt", "é"),
        ])
        .files([("index/index.html", "index"), ("empty/sub/x", "x")])
        .route("/{path...}", "files = { root = \"public\", listing = true, cache = \"1h\" }")
        .start();
    fs::remove_dir_all(site.path("empty/sub")).expect("an empty folder");
    symlink("/etc/passwd", site.path("list/out")).expect("a link");

    let page = site.get_with("/list/", "Accept: text/html\r\n");
    assert_eq!((page.status(), page.reason().as_str()), (200, "folder-listed"));
    assert_eq!(page.get("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!((page.get("vary"), page.get("accept-ranges")), (Some("Accept"), None));
    assert_eq!(page.get("cache-control"), Some("no-cache"), "it has no stamp that tells of changes");
    assert!(page.get("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert_eq!(page.get("x-content-type-options"), Some("nosniff"));
    for part in ["a&amp;&lt;b&gt;.txt", "./a%26%3Cb%3E.txt", "./sub/", "%C3%A9.txt", "../"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    for part in ["<b>.txt", ".hidden", "out", "passwd"] {
        assert!(!page.text().contains(part), "{part}: {}", page.text());
    }

    let json = site.get_with("/list/", "Accept: application/json\r\n");
    assert_eq!((json.get("content-type"), json.get("vary")), (Some("application/json"), Some("Accept")));
    let list: serde_json::Value = serde_json::from_slice(&json.content).expect("JSON");
    let names: Vec<_> =
        list.as_array().expect("a list").iter().map(|entry| entry["name"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["sub", "a&<b>.txt", "b.txt", "é.txt"]);
    assert_eq!((&list[0]["type"], &list[2]["type"]), (&"folder".into(), &"file".into()));
    assert_eq!((&list[2]["size"], &list[2]["modified"]), (&2.into(), &"2020-01-01T00:00:00Z".into()));

    assert_ne!(page.get("etag"), json.get("etag"), "each form has a tag of its own");
    for (form, answer) in [("text/html", &page), ("application/json", &json)] {
        let tag = answer.get("etag").expect("a tag");
        let again = site.get_with("/list/", &format!("Accept: {form}\r\nIf-None-Match: {tag}\r\n"));
        assert_eq!((again.status(), again.get("vary"), again.get("etag")), (304, Some("Accept"), Some(tag)));
        assert_eq!(site.get_with("/list/", &format!("Accept: {form}\r\nRange: bytes=0-0\r\n")).status(), 200);
    }
    assert_eq!(site.get("/index/").text(), "index", "an index comes before a listing");
    assert_eq!(site.get("/list").get("location"), Some("/list/"));
    assert_eq!(
        site.get_with("/empty/", "Accept: application/json\r\n").text().split_whitespace().collect::<String>(),
        "[]"
    );
    put(&site.path("list/new.txt"), b"new");
    assert!(site.get("/list/").text().contains("new.txt"), "a listing is made anew each time");
}

#[test]
fn precompressed_forms_are_chosen_by_accept_encoding() {
    let site = Plan::new()
        .files([("app.js", "plain"), ("app.js.br", "brotli"), ("app.js.zst", "zstandard"), ("app.js.gz", "gzipped")])
        .files([
            ("only.js", "plain"),
            ("only.js.gz", "gzipped"),
            ("none.js", "plain"),
            ("photo.png", "png"),
            ("photo.png.gz", "gz"),
        ])
        .route("/{path...}", "files = { root = \"public\", cache = \"1h\" }")
        .route("/plain/{path...}", "files = { root = \"public\", precompressed = false }")
        .start();
    for (target, accepted, coding, content) in [
        ("/app.js", None, None, "plain"),
        ("/app.js", Some("gzip, deflate, br, zstd"), Some("br"), "brotli"),
        ("/app.js", Some("gzip, zstd"), Some("zstd"), "zstandard"),
        ("/app.js", Some("gzip"), Some("gzip"), "gzipped"),
        ("/app.js", Some("x-gzip"), Some("gzip"), "gzipped"),
        ("/app.js", Some("GZIP"), Some("gzip"), "gzipped"),
        ("/app.js", Some("br;q=0.1, gzip;q=0.9"), Some("gzip"), "gzipped"),
        ("/app.js", Some("br;q=0, *"), Some("zstd"), "zstandard"),
        ("/app.js", Some("*"), Some("br"), "brotli"),
        ("/app.js", Some("identity"), None, "plain"),
        ("/app.js", Some("deflate"), None, "plain"),
        ("/app.js", Some("br;q=0.5, identity;q=0.9"), None, "plain"),
        ("/app.js", Some("gzip;q=0.5, identity;q=0"), Some("gzip"), "gzipped"),
        ("/app.js", Some("identity;q=0, br"), Some("br"), "brotli"),
        // Nothing that it takes is there; RFC 9110 §12.5.3 lets the field be disregarded.
        ("/app.js", Some("identity;q=0, deflate"), None, "plain"),
        ("/app.js", Some("*;q=0"), None, "plain"),
        ("/app.js", Some(""), None, "plain"),
        ("/only.js", Some("br, gzip"), Some("gzip"), "gzipped"),
        ("/only.js", Some("br"), None, "plain"),
        ("/none.js", Some("br, gzip"), None, "plain"),
        ("/photo.png", Some("gzip"), None, "png"),
        ("/plain/app.js", Some("br"), None, "plain"),
    ] {
        let field = accepted.map_or(String::new(), |accepted| format!("Accept-Encoding: {accepted}\r\n"));
        let answer = site.get_with(target, &field);
        assert_eq!(
            (answer.status(), answer.get("content-encoding"), answer.text()),
            (200, coding, content),
            "{target} {accepted:?}"
        );
        assert_eq!(answer.get("content-length"), Some(&*content.len().to_string()), "{target} {accepted:?}");
        let media_type = if target.ends_with("png") { "image/png" } else { "text/javascript; charset=utf-8" };
        assert_eq!(answer.get("content-type"), Some(media_type), "{target} {accepted:?}");
        let varies = ["/app.js", "/only.js"].contains(&target).then_some("Accept-Encoding");
        assert_eq!(answer.get("vary"), varies, "{target} {accepted:?}");
    }

    let forms = ["identity", "gzip", "zstd", "br"]
        .map(|coding| site.get_with("/app.js", &format!("Accept-Encoding: {coding}\r\n")));
    let tags: Vec<&str> = forms.iter().map(|answer| answer.get("etag").expect("a tag")).collect();
    for (i, tag) in tags.iter().enumerate() {
        assert!(!tag.starts_with("W/") && tags.iter().filter(|other| *other == tag).count() == 1, "{tags:?}");
        let coding = ["identity", "gzip", "zstd", "br"][i];
        let again = site.get_with("/app.js", &format!("Accept-Encoding: {coding}\r\nIf-None-Match: {tag}\r\n"));
        assert_eq!((again.status(), again.get("vary"), again.get("etag")), (304, Some("Accept-Encoding"), Some(*tag)));
        assert_eq!(again.get("cache-control"), Some("max-age=3600"));
        // The tag of one form says nothing of another.
        let other =
            site.get_with("/app.js", &format!("Accept-Encoding: {coding}\r\nIf-None-Match: {}\r\n", tags[(i + 1) % 4]));
        assert_eq!(other.status(), 200);
        // A part is of the form that was chosen.
        let part =
            site.get_with("/app.js", &format!("Accept-Encoding: {coding}\r\nRange: bytes=0-1\r\nIf-Range: {tag}\r\n"));
        assert_eq!((part.status(), part.content.as_slice()), (206, &forms[i].content[..2]));
        assert_eq!(part.get("content-encoding"), forms[i].get("content-encoding"));
    }
    assert_eq!(site.get("/app.js.gz").get("content-encoding"), None, "asked for by its own name it is what it is");
}

#[test]
fn caches_are_told_what_the_config_says() {
    let site = Plan::new()
        .files([("a.txt", "a"), ("gone.html", "gone")])
        .route("/none/{path...}", FILES)
        .route("/zero/{path...}", "files = { root = \"public\", cache = \"0s\" }")
        .route("/day/{path...}", "files = { root = \"public\", cache = \"1d\" }")
        .route("/own/{path...}", "files = \"public\"\nheaders = { Cache-Control = \"no-store\", Vary = \"Origin\" }")
        .start();
    for (target, cache) in [
        ("/none/a.txt", None),
        ("/zero/a.txt", Some("max-age=0")),
        ("/day/a.txt", Some("max-age=86400")),
        ("/own/a.txt", Some("no-store")),
    ] {
        let answer = site.get(target);
        assert_eq!(
            (answer.get("cache-control"), answer.head.all("cache-control").count()),
            (cache, usize::from(cache.is_some())),
            "{target}"
        );
        let unchanged = site.get_with(target, "If-None-Match: *\r\n");
        assert_eq!((unchanged.status(), unchanged.get("cache-control")), (304, cache), "{target}");
    }
    // `headers` are on every status.
    for (target, status) in [("/own/a.txt", 200), ("/own/nothing", 404), ("/own", 308)] {
        let answer = site.get(target);
        assert_eq!((answer.status(), answer.get("cache-control")), (status, Some("no-store")), "{target}");
        assert!(answer.head.all("vary").any(|value| value.contains("Origin")), "{target}");
    }
    assert_eq!(site.get("/day/nothing").get("cache-control"), None, "what is not there is not kept for a day");
}

#[test]
fn http_1_0_is_answered_in_its_own_way() {
    let site = Plan::new()
        .file("a.txt", "abc")
        .route("/{path...}", FILES)
        .route("/hinted/{path...}", "files = \"public\"\nhints = [\"</a>; rel=preload\"]\nhints-to = \"all\"")
        .start();
    for (target, fields, status, content) in [
        ("/a.txt", "", 200, "abc"),
        ("/a.txt", "Host: a\r\n", 200, "abc"),
        ("/a.txt", "Range: bytes=1-\r\n", 206, "bc"),
        ("/hinted/a.txt", "Sec-Fetch-Mode: navigate\r\n", 200, "abc"),
        ("/a.txt", "Expect: 100-continue\r\n", 200, "abc"),
    ] {
        let mut client = site.client();
        let answer = client.ask(format!("GET {target} HTTP/1.0\r\n{fields}\r\n"));
        assert_eq!((answer.status(), answer.text(), answer.interim.len()), (status, content, 0), "{target} {fields}");
        assert!(answer.closes(), "{target} {fields}");
        client.end();
    }
}

#[test]
fn an_empty_file_is_a_200_without_content() {
    let site = Plan::new().file("empty.txt", "").route("/{path...}", FILES).start();
    let mut client = site.client();
    for _ in 0..2 {
        let answer = client.ask("GET /empty.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((answer.status(), answer.get("content-length"), answer.text()), (200, Some("0"), ""));
        assert!(answer.get("etag").is_some());
    }
}

#[test]
fn many_names_are_no_burden() {
    let site = (0..40)
        .fold(Plan::new(), |plan, i| plan.file(&format!("{i}.txt"), i.to_string()))
        .route("/{path...}", FILES)
        .start();
    let mut client = site.client();
    // More names than are remembered, most of which lead to nothing.
    for i in 0..3000 {
        let answer = client.ask(format!("GET /{i}.txt HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), if i < 40 { 200 } else { 404 });
    }
    assert_eq!(client.ask("GET /7.txt HTTP/1.1\r\nHost: a\r\n\r\n").text(), "7");
}

#[test]
fn custom_pages_are_for_browsers_and_their_files_are_not_served() {
    let site = Plan::new()
        .files([("a.txt", "a"), ("pages/404.html", "<h1>lost"), ("pages/405.html", "<h1>no")])
        .route("/{path...}", "files = \"public\"\npages = { 404 = \"public/pages/404.html\", 405 = \"public/pages/405.html\" }\nheaders = { X-Own = \"own\" }")
        .start();
    let browser = "Accept: text/html,*/*;q=0.8\r\n";
    let lost = site.get_with("/nothing", browser);
    assert_eq!(
        (lost.status(), lost.text(), lost.get("content-type")),
        (404, "<h1>lost", Some("text/html; charset=utf-8"))
    );
    assert_eq!((lost.get("x-own"), lost.get("vary")), (Some("own"), Some("Accept")));
    let refused = site.ask(format!("DELETE /a.txt HTTP/1.1\r\nHost: a\r\n{browser}\r\n"));
    assert_eq!((refused.status(), refused.text()), (405, "<h1>no"));
    assert!(site.get_with("/nothing", "Accept: application/json\r\n").problem().is_some());
    assert!(site.get_with("/nothing", "Accept: */*\r\n").text().starts_with("404 Not Found"));
    for name in ["404", "405"] {
        assert_eq!(site.get(&format!("/pages/{name}.html")).status(), 404);
    }
}
