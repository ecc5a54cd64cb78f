//! The top level of a config, and the checks that need all of it.

use super::auth::Guards;
use super::place::Place;
use super::read::{Entry, Reader, Table, Zero};
use super::report::Findings;
use super::{
    Config, Explain, Files, Kind, Limits, Listen, Log, Part, Report, Route, Scheme, Source, allow, auth, console,
    guards, jobs, limits, owned, proxies, proxy, syntax, tls, upload,
};
use crate::route::{Ambiguity, Found, Host, Pattern, Router, ambiguities};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// The most that a config can have.
const LARGEST: u64 = 4 << 20;

pub(super) fn load(path: &Path) -> Result<Config, Report> {
    let name = path.display().to_string();
    let fail = |message: String, help: &str| {
        let mut findings = Findings::default();
        findings.error_without_place(message).help(help);
        Report::new(&name, "", findings.diagnostics)
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(cause) = read {
        let help = match cause.kind() {
            std::io::ErrorKind::NotFound => "name another with `-c`, or serve a folder without one: `verdict serve .`",
            _ => "let the user who runs the server read it",
        };
        return Err(fail(format!("the config `{name}` cannot be read: {cause}"), help));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(fail(format!("the config `{name}` is larger than 4MiB"), "make it smaller"));
    }
    let text = String::from_utf8(bytes).map_err(|cause| {
        let at = cause.utf8_error().valid_up_to();
        fail(format!("the config `{name}` is not UTF-8 from byte {at}"), "save it as UTF-8")
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut config = parse(&text, &name, folder)?;
    config.named_files.extend(path.canonicalize());
    Ok(config)
}

pub(super) fn parse(text: &str, name: &str, folder: &Path) -> Result<Config, Report> {
    let mut reader = Reader { text, folder, findings: Findings::default(), named_files: Vec::new() };
    let (document, faults) = DeTable::parse_recoverable(text);
    syntax::tell(&mut reader.findings, text, &faults);
    // What could be made of a text that is not TOML would only give errors that follow from the first.
    let config = if faults.is_empty() { config(&mut reader, document.get_ref()) } else { None };
    let refused = reader.findings.has_errors();
    let report = Report::new(name, text, reader.findings.diagnostics);
    match config {
        Some(config) if !refused => {
            let source = Source { name: name.to_owned(), text: text.to_owned() };
            Ok(Config { warnings: report, named_files: reader.named_files, source, ..config })
        }
        _ => Err(report),
    }
}

pub(super) fn serve(folder: &Path, listen: Vec<Listen>) -> Result<Config, Report> {
    let fail = |message: String, help: &str| {
        let mut findings = Findings::default();
        findings.error_without_place(message).help(help);
        Report::new("", "", findings.diagnostics)
    };
    let shown = folder.display();
    let root = std::path::absolute(folder).and_then(|root| root.metadata().map(|metadata| (root, metadata)));
    let root = match root {
        Ok((root, metadata)) if metadata.is_dir() => root,
        Ok(_) => return Err(fail(format!("`{shown}` is not a folder"), "name the folder that it is in")),
        Err(cause) => return Err(fail(format!("`{shown}` cannot be served: {cause}"), "name a folder that exists")),
    };
    let pattern = Pattern::parse("/{path...}").map_err(|fault| fail(fault.message, &fault.help))?;
    let route = Route::new(pattern, Kind::Files(Files { listing: true, ..Files::new(root) }));
    let router = router(std::slice::from_ref(&route)).map_err(|_| fail("the pattern is ambiguous".to_owned(), ""))?;
    Ok(Config { listen, router, routes: vec![route], ..Config::default() })
}

/// Every setting at its default, and no route.
impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![Listen { scheme: Scheme::Http, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) }],
            workers: None,
            log: Log::default(),
            explain: Explain::default(),
            drain: Duration::from_secs(10),
            watch: false,
            console: None,
            user: None,
            trusted_proxies: Vec::new(),
            tls: None,
            h2c_upgrade: false,
            limits: Limits::default(),
            auth: Vec::new(),
            routes: Vec::new(),
            router: Router::default(),
            to_https: None,
            named_files: Vec::new(),
            warnings: Report::default(),
            source: Source::default(),
        }
    }
}

fn config(reader: &mut Reader<'_>, document: &DeTable<'_>) -> Option<Config> {
    let mut config = Config::default();
    let mut table = Table::new(Place::Top, document);
    let listen_entry = table.take("listen");
    if let Some(entry) = &listen_entry {
        config.listen = listen(reader, entry);
    }
    if let Some(entry) = table.take("workers") {
        config.workers = reader.integer(&entry, 1..1024, "2").map(|workers| workers as usize);
    }
    if let Some(entry) = table.take("log") {
        let words = [("json", Log::Json), ("text", Log::Text), ("off", Log::Off)];
        config.log = reader.word(&entry, &words).unwrap_or_default();
    }
    if let Some(entry) = table.take("explain") {
        let words = [("problem", Explain::Problem), ("header", Explain::Header), ("off", Explain::Off)];
        config.explain = reader.word(&entry, &words).unwrap_or_default();
    }
    if let Some(entry) = table.take("drain") {
        config.drain = reader.duration(&entry, Zero::Taken).unwrap_or(config.drain);
    }
    if let Some(entry) = table.take("watch") {
        config.watch = reader.boolean(&entry).unwrap_or(config.watch);
    }
    let (state, console) = (table.take("state"), table.take("console"));
    config.console = console::read(reader, state, console, &config.listen);
    if let Some(entry) = table.take("user") {
        config.user = user(reader, &entry);
    }
    if let Some(entry) = table.take("trusted-proxies") {
        config.trusted_proxies = proxies::read(reader, &entry);
    }
    let tls_entry = table.take("tls");
    if let Some(entry) = &tls_entry {
        config.tls = tls::read(reader, entry);
    }
    tls::check(reader, tls_entry.as_ref(), listen_entry.map(|entry| (&*config.listen, entry)));
    if let Some(entry) = table.take("h2c-upgrade") {
        config.h2c_upgrade = reader.boolean(&entry).unwrap_or(config.h2c_upgrade);
    }
    if let Some(entry) = table.take("limits") {
        config.limits = limits::top(reader, &entry);
    }
    let guards = table.take("auth").map_or_else(Guards::default, |entry| auth::read(reader, &entry));
    let route_entry = table.take("route");
    let (routes, spans) =
        route_entry.as_ref().map_or_else(Default::default, |entry| routes(reader, entry, config.limits, &guards));
    table.finish(reader);
    if reader.findings.has_errors() {
        return None;
    }
    if routes.is_empty() {
        let error = reader.findings.error_without_place("the config has no route, so that every answer would be 404");
        error.help("add `[route.\"/{path...}\"]` and below it `files = \"./public\"`");
    }
    allow::unguarded(reader, &routes, &spans, &guards);
    console::within_state(reader, config.state(), &routes, &spans);
    owned::check(reader, &config, &routes, &spans);
    upload::one_for_each_folder(reader, &routes, &spans);
    let router = router(&routes).ok()?;
    loops(reader, &routes, &spans, &router);
    proxy::asks_itself(reader, &config.listen, &routes, &spans);
    let mut config = Config { auth: guards.auths, routes, router, ..config };
    if config.tls.as_ref().is_some_and(|tls| tls.redirect_http) {
        tls::redirect_http(&mut config);
    }
    Some(config)
}

fn listen(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<Listen> {
    const EXAMPLE: &str = "http://127.0.0.1:8080";
    let texts = reader.strings(entry, "an address", EXAMPLE);
    if let DeValue::Array(values) = entry.value.get_ref()
        && values.is_empty()
    {
        let error = reader.findings.error(entry.span(), "there is nowhere to listen");
        error.help(format!("write it as in `listen = [\"{EXAMPLE}\"]`"));
    }
    let mut found: Vec<(Listen, Range<usize>)> = Vec::new();
    for (text, span) in texts {
        match text.parse::<Listen>() {
            Err(message) => {
                reader.findings.error(span, message).help(format!("write it as in `listen = [\"{EXAMPLE}\"]`"));
            }
            Ok(listen) => {
                // Port 0 is a free one each time.
                let same =
                    found.iter().find(|(earlier, _)| earlier.address == listen.address && listen.address.port() != 0);
                if let Some((_, earlier)) = same {
                    let error = reader.findings.error(span, format!("{} is listened on twice", listen.address));
                    error.also(earlier.clone(), "first here").help("keep one");
                } else {
                    found.push((listen, span));
                }
            }
        }
    }
    found.into_iter().map(|(listen, _)| listen).collect()
}

fn user(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<String> {
    let name = reader.string(entry, "a user's name", "www-data")?;
    if name.is_empty() || name.contains(['\0', ':', '/']) {
        let error = reader.findings.error(entry.span(), format!("`{}` is not a user's name", name.escape_debug()));
        error.help("write it as in `user = \"www-data\"`");
        return None;
    }
    // Where the list cannot be read, becoming the user says why.
    if let Ok(false) = crate::user::exists(name) {
        let error = reader.findings.error(entry.span(), format!("there is no user `{}`", name.escape_debug()));
        error.label("not in /etc/passwd").help("create the user, or name one that there is");
        return None;
    }
    Some(name.to_owned())
}

/// The routes without errors, and where the pattern of each stands.
fn routes(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    limits: Limits,
    guards: &Guards,
) -> (Vec<Route>, Vec<Range<usize>>) {
    let Some(entries) = reader.entries(entry, "{ \"/{path...}\" = { files = \"./public\" } }") else {
        return Default::default();
    };
    let (mut routes, mut route_spans) = (Vec::new(), Vec::new());
    let (mut patterns, mut pattern_spans) = (Vec::new(), Vec::new());
    for (key, value) in entries.iter() {
        let pattern = guards::pattern(reader, key.get_ref(), key.span());
        if let Some(pattern) = &pattern {
            patterns.push(pattern.clone());
            pattern_spans.push(key.span());
        }
        let Some(route) = guards::route(reader, pattern, key.span(), value, limits, guards) else { continue };
        let collection = match &route.kind {
            Kind::Document(documents) => Some(Route {
                pattern: documents.collection.clone(),
                kind: Kind::Collection(documents.clone()),
                ..route.clone()
            }),
            _ => None,
        };
        let below = jobs::below(&route);
        for route in [route].into_iter().chain(collection).chain(below) {
            if let Kind::Collection(_) | Kind::Jobs(_, Part::Monitor | Part::Result) = route.kind {
                patterns.push(route.pattern.clone());
                pattern_spans.push(key.span());
            }
            routes.push(route);
            route_spans.push(key.span());
        }
    }
    for ambiguity in ambiguities(&patterns) {
        ambiguous(reader, &ambiguity, &patterns, &pattern_spans);
    }
    (routes, route_spans)
}

fn router(routes: &[Route]) -> Result<Router, Vec<Ambiguity>> {
    Router::new(routes.iter().map(|route| (route.pattern.clone(), route.kind.missing_slash())))
}

fn ambiguous(reader: &mut Reader<'_>, ambiguity: &Ambiguity, patterns: &[Pattern], spans: &[Range<usize>]) {
    let (mut first, mut second) = (ambiguity.first, ambiguity.second);
    if spans[first].start > spans[second].start {
        (first, second) = (second, first);
    }
    let (one, other) = (&patterns[first], &patterns[second]);
    let (message, label, help) = if ambiguity.same {
        (format!("`{one}` and `{other}` match the same requests"), "this one too", "remove one of them".to_owned())
    } else {
        let message = format!("`{one}` and `{other}` both match `{}`", ambiguity.example);
        let help = "change one, so that no path is in both or all of its paths are in the other".to_owned();
        (message, "neither is more specific", help)
    };
    let error = reader.findings.error(spans[second].clone(), message);
    error.label(label).also(spans[first].clone(), "this one").help(help);
}

/// Warns of redirects that lead to the route that they come from: the client would go round until it gives up.
fn loops(reader: &mut Reader<'_>, routes: &[Route], spans: &[Range<usize>], router: &Router) {
    for (index, (route, span)) in routes.iter().zip(spans).enumerate() {
        let Kind::Redirect(redirect) = &route.kind else { continue };
        if !redirect.to.is_local() {
            continue;
        }
        let mut target = String::new();
        redirect.to.expand("", |_| "x", None, &mut target);
        let path = target.split(['?', '#']).next().unwrap_or("");
        let host = match route.pattern.host() {
            Host::Any => "".to_owned(),
            Host::Exact(host) => host.clone(),
            Host::Below(suffix) => format!("x{suffix}"),
        };
        // An encoded target would have to be decoded first, as a request's is; it is no example worth that.
        if let Found::Match(found) = router.find(&host, path)
            && found.route == index
        {
            let warning = reader.findings.warning(span.clone(), format!("`{}` redirects to itself", route.pattern));
            warning.label(format!("`{path}` comes here again"));
            warning.help("redirect to a path that another route takes");
        }
    }
}
