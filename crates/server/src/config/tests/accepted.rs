//! What configs are taken, and what comes out of them.

use super::super::*;
use super::{fixture, parse};
use crate::route::Found;
use std::net::SocketAddr;
use verdict_core::status::REGISTRY;

const ROUTE: &str = "[route.\"/\"]\nrespond = { status = 204 }\n";

fn accept(text: &str) -> Config {
    let folder = fixture();
    parse(text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"))
}

fn only_route(config: Config) -> Route {
    assert_eq!(config.routes.len(), 1);
    config.routes.into_iter().next().unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn every_example_is_accepted_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut count = 0;
    for file in folder.read_dir().unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let config = Config::load(&path).unwrap_or_else(|report| panic!("{report}"));
            let warnings = config.warnings.to_string();
            // The key of an example is everybody's, and comes to each checkout with the permissions of its other files.
            let expected =
                warnings.is_empty() || path.ends_with("https.toml") && warnings.contains("can be read by every user");
            assert!(expected && config.warnings.diagnostics().len() <= 1, "{warnings}");
            assert!(config.named_files.contains(&path.canonicalize().unwrap()));
            count += 1;
        }
    }
    assert!(count >= 4);
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = accept(ROUTE);
    assert_eq!(config.listen.iter().map(Listen::to_string).collect::<Vec<_>>(), ["http://127.0.0.1:8080"]);
    assert_eq!((config.workers, config.user), (None, None));
    assert_eq!((config.log, config.explain, config.drain), (Log::Text, Explain::Problem, secs(10)));
    let expected = Limits {
        head: secs(10),
        body_idle: secs(30),
        min_rate: 500,
        send_idle: secs(30),
        idle: secs(75),
        body: 16 * 1024 * 1024,
        target: 8192,
        fields: 65536,
        connections: 10000,
        per_client: 256,
        requests: 1000,
    };
    assert_eq!(config.limits, expected);
    let [route] = &config.routes[..] else { panic!() };
    assert_eq!(route.limits, expected);
    assert!(!route.length_required && route.headers.is_empty() && route.pages.is_empty() && route.hints.is_empty());
    assert_eq!(route.hints_to, HintsTo::Navigations);
    assert!(config.warnings.is_empty() && config.named_files.is_empty());
}

#[test]
fn top_level_keys_are_read() {
    let config = accept(&format!(
        "listen = [\"http://[::]:80\", \"http://localhost:0\", \"http://localhost:0\"]\nworkers = 4\nlog = \"json\"\n\
         explain = \"header\"\ndrain = \"0s\"\nuser = \"root\"\n{ROUTE}"
    ));
    let addresses: Vec<SocketAddr> = config.listen.iter().map(|listen| listen.address).collect();
    assert_eq!(addresses, ["[::]:80", "127.0.0.1:0", "127.0.0.1:0"].map(|text| text.parse().unwrap()));
    assert_eq!((config.workers, config.user.as_deref()), (Some(4), Some("root")));
    assert_eq!((config.log, config.explain, config.drain), (Log::Json, Explain::Header, secs(0)));
    assert_eq!(accept(&format!("listen = \"http://127.0.0.1:1\"\n{ROUTE}")).listen.len(), 1);
}

#[test]
fn every_limit_is_read() {
    let config = accept(&format!(
        "[limits]\nhead = \"1s\"\nbody-idle = \"2s\"\nmin-rate = \"1KB/s\"\nsend-idle = \"500ms\"\nidle = \"2m\"\n\
         body = \"0B\"\ntarget = \"1KiB\"\nfields = \"16MiB\"\nconnections = 1\nper-client = 2\nrequests = 3\n{ROUTE}"
    ));
    let expected = Limits {
        head: secs(1),
        body_idle: secs(2),
        min_rate: 1000,
        send_idle: Duration::from_millis(500),
        idle: secs(120),
        body: 0,
        target: 1024,
        fields: 16 << 20,
        connections: 1,
        per_client: 2,
        requests: 3,
    };
    assert_eq!(config.limits, expected);
}

#[test]
fn a_route_s_limits_are_over_those_of_the_server() {
    let config = accept(
        "[route.\"/\"]\nrespond = { status = 200 }\n\
         limits = { body = \"1GiB\", body-idle = \"1s\", send-idle = \"2s\", min-rate = \"0B/s\", target = \"100B\", \
         fields = \"1KB\", length = \"required\" }\n[limits]\nhead = \"1s\"\nbody = \"1B\"\n",
    );
    let expected = Limits {
        body: 1 << 30,
        body_idle: secs(1),
        send_idle: secs(2),
        min_rate: 0,
        target: 100,
        fields: 1000,
        ..config.limits
    };
    assert_eq!((config.limits.head, config.limits.body), (secs(1), 1));
    let route = only_route(config);
    assert_eq!(route.limits, expected);
    assert!(route.length_required);
}

#[test]
fn files_are_read_in_both_forms() {
    let folder = fixture();
    let kind = |value: &str| {
        let config = parse(&format!("[route.\"/{{path...}}\"]\nfiles = {value}\n"), folder.path());
        match only_route(config.unwrap_or_else(|report| panic!("{report}"))).kind {
            Kind::Files(files) => files,
            kind => panic!("{}", kind.name()),
        }
    };
    let public = folder.path().join("public");
    assert_eq!(kind("\"./public\""), Files::new(public.clone()));
    assert_eq!(kind("{ root = \"public\" }"), Files::new(public.clone()));
    assert_eq!(kind(&format!("{:?}", public)), Files::new(public.clone()));
    let all = "{ root = \"public\", index = [\"a.html\", \"b.html\"], listing = true, dotfiles = true, \
               precompressed = false, cache = \"1h\", fallback = \"/sub/index.html\" }";
    let expected = Files {
        root: public.clone(),
        index: vec!["a.html".to_owned(), "b.html".to_owned()],
        listing: true,
        dotfiles: true,
        precompressed: false,
        cache: Some(secs(3600)),
        fallback: Some("/sub/index.html".to_owned()),
        upload: None,
    };
    assert_eq!(kind(all), expected);
    assert_eq!(kind("{ root = \"public\", index = [] }").index, Vec::<String>::new());
}

#[test]
fn redirects_are_read_in_both_forms() {
    let redirect = |value: &str| {
        let config = accept(&format!("[route.\"/old/{{path...}}\"]\nredirect = {value}\n"));
        match only_route(config).kind {
            Kind::Redirect(redirect) => redirect,
            kind => panic!("{}", kind.name()),
        }
    };
    for (value, to, code, cache) in [
        ("\"/{path}\"", "/{path}", 307, None),
        ("{ to = \"https://new.example/{path}\" }", "https://new.example/{path}", 307, None),
        ("{ to = \"/\", status = 301, cache = \"1d\" }", "/", 301, Some(secs(86400))),
        ("{ to = \"/\", status = 302 }", "/", 302, None),
        ("{ to = \"/\", status = 303 }", "/", 303, None),
        ("{ to = \"/\", status = 308 }", "/", 308, None),
    ] {
        let redirect = redirect(value);
        assert_eq!(
            (redirect.to.as_str(), redirect.elsewhere.status().code(), redirect.cache),
            (to, code, cache),
            "{value}"
        );
    }
}

#[test]
fn each_status_can_be_responded_with_its_required_fields() {
    for entry in REGISTRY.iter().filter(|entry| entry.status.code() >= 200) {
        let fields: Vec<_> = entry.required.iter().map(|field| format!("{} = \"x\"", field.name())).collect();
        let headers = format!("{{ {} }}", fields.join(", "));
        let text = format!("[route.\"/\"]\nrespond = {{ status = {}, headers = {headers} }}\n", entry.status);
        let Kind::Respond(respond) = only_route(accept(&text)).kind else { panic!("{text}") };
        assert_eq!(respond.status, entry.status);
        assert_eq!(respond.headers.len(), entry.required.len());
        assert_eq!((respond.body, &*respond.media_type), (None, "text/plain; charset=utf-8"));
    }
}

#[test]
fn a_response_keeps_its_body_and_type() {
    let text = "[route.\"/\"]\nrespond = { status = 410, body = \"<p>gone é\", type = \"text/html\" }\n";
    let Kind::Respond(respond) = only_route(accept(text)).kind else { panic!() };
    assert_eq!((respond.body.as_deref(), &*respond.media_type), (Some("<p>gone é"), "text/html"));
}

#[test]
fn guards_are_read() {
    let folder = fixture();
    let text = "[route.\"/{path...}\"]\nfiles = \"public\"\npages = { 404 = \"404.html\", 503 = \"404.html\" }\n\
                headers = { X-Frame-Options = \"DENY\", \"Cache-Control\" = \"no-store\" }\n\
                hints = [\"</a.css>; rel=preload\"]\nhints-to = \"all\"\n";
    let config = parse(text, folder.path()).unwrap();
    let page = folder.path().join("404.html").canonicalize().unwrap();
    assert_eq!(config.named_files, [page.clone(), page.clone()]);
    let route = only_route(config);
    assert_eq!(route.pages, BTreeMap::from([(404, page.clone()), (503, page)]));
    let headers = [("Cache-Control", "no-store"), ("X-Frame-Options", "DENY")];
    assert_eq!(route.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!((route.hints, route.hints_to), (vec!["</a.css>; rel=preload".to_owned()], HintsTo::All));
}

#[test]
fn routes_are_found_by_their_index_and_know_their_line() {
    let config = accept(
        "\n[route.\"/z\"]\nrespond = { status = 204 }\n\n[route.\"/docs/{path...}\"]\nfiles = \"public\"\n\
         [route.\"/old/{path...}\"]\nredirect = \"/z\"\n",
    );
    let at = |path: &str| match config.router.find("", path) {
        Found::Match(found) => (config.routes[found.route].line, "match"),
        Found::SlashMissing { route } => (config.routes[route].line, "slash"),
        Found::Nothing => (0, "nothing"),
    };
    assert_eq!(at("/z"), (2, "match"));
    assert_eq!(at("/docs/x"), (5, "match"));
    assert_eq!(at("/docs"), (5, "slash"));
    assert_eq!(at("/old/x"), (7, "match"));
    // Only a folder is asked for with a slash.
    assert_eq!(at("/old"), (0, "nothing"));
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let cases = [
        ("[route.\"/{p...}\"]\nredirect = \"/new/{p}\"\n", "`/{p...}` redirects to itself", "\"/{p...}\""),
        ("[route.\"/a/{p}\"]\nredirect = \"/a/b?c#d\"\n", "`/a/{p}` redirects to itself", "\"/a/{p}\""),
        ("[route.\"a.example/{p}\"]\nredirect = \"/b\"\n", "`a.example/{p}` redirects to itself", "\"a.example/{p}\""),
        ("[route.\"*.example/{p}\"]\nredirect = \"/b\"\n", "`*.example/{p}` redirects to itself", "\"*.example/{p}\""),
        ("[route.\"/\"]\nrespond = { status = 304 }\n", "304 Not Modified is hardly an answer of its own", "304"),
        ("[route.\"old/{p...}\"]\nrespond = { status = 204 }\n", "`old` is read as a host", "old"),
        (
            "[route.\"/app/\"]\nproxy = \"http://127.0.0.1:3000\"\n",
            "`/app/` is one path, and not what is below it",
            "\"/app/\"",
        ),
        ("[route.\"/\"]\nrespond = { status = 305 }\n", "305 Use Proxy is hardly an answer of its own", "305"),
    ];
    for (text, message, underlined) in cases {
        let config = accept(text);
        let [warning] = config.warnings.diagnostics() else { panic!("{text}\n{}", config.warnings) };
        assert_eq!((warning.severity, &*warning.message), (Severity::Warning, message));
        assert_eq!(&text[warning.span.clone().unwrap()], underlined);
        assert!(!config.warnings.has_errors());
    }
}

#[test]
fn a_host_that_looks_like_one_is_not_warned_of() {
    for host in ["", "localhost", "a.example", "*.example", "127.0.0.1", "[::1]"] {
        let config = accept(&format!("[route.\"{host}/x\"]\nrespond = {{ status = 204 }}\n"));
        assert!(config.warnings.is_empty(), "{host}\n{}", config.warnings);
    }
}

#[test]
fn a_redirect_that_ends_is_not_warned_of() {
    let cases = [
        "[route.\"/{p...}\"]\nredirect = \"/new/{p}\"\n[route.\"/new/{p...}\"]\nrespond = { status = 200 }\n",
        "[route.\"/{p...}\"]\nredirect = \"https://new.example/{p}\"\n",
        "[route.\"/old/{p...}\"]\nredirect = \"/{p}\"\n",
    ];
    for text in cases {
        let config = accept(text);
        assert!(config.warnings.is_empty(), "{text}\n{}", config.warnings);
    }
}

#[test]
fn a_folder_is_served_without_a_config() {
    let folder = fixture();
    let listen: Listen = "http://127.0.0.1:0".parse().unwrap();
    let config = Config::serve(folder.path(), vec![listen]).unwrap();
    assert_eq!(config.listen, [listen]);
    assert!(matches!(config.router.find("any", "/a/b"), Found::Match(found) if found.capture(0, "/a/b") == "a/b"));
    let Kind::Files(files) = only_route(config).kind else { panic!() };
    assert!(files.listing && files.root == folder.path() && !files.dotfiles);

    for (path, message) in [("404.html", "is not a folder"), ("nope", "cannot be served: No such file")] {
        let report = Config::serve(&folder.path().join(path), vec![listen]).unwrap_err();
        assert!(report.to_string().contains(message), "{report}");
    }
}

#[test]
fn a_config_file_is_read_and_its_folder_is_where_paths_begin() {
    let folder = fixture();
    let path = folder.path().join("verdict.toml");
    std::fs::write(&path, "[route.\"/{path...}\"]\nfiles = \"public\"\npages = { 404 = \"404.html\" }\n").unwrap();
    let config = Config::load(&path).unwrap();
    let named = ["404.html", "verdict.toml"].map(|name| folder.path().join(name).canonicalize().unwrap());
    assert_eq!(config.named_files, named);

    std::fs::write(&path, b"log = \"\xFF\"").unwrap();
    let message = Config::load(&path).unwrap_err().to_string();
    assert!(message.contains("is not UTF-8 from byte 7"), "{message}");
    let message = Config::load(&folder.path().join("nope.toml")).unwrap_err().to_string();
    assert!(message.contains("nope.toml` cannot be read: No such file"), "{message}");
    assert!(
        message.contains("help: name another with `-c`, or serve a folder without one: `verdict serve .`"),
        "{message}"
    );
    let message = Config::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("cannot be read: Is a directory"), "{message}");
}
