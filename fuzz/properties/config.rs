//! What holds for any text as a config: it is read or refused; a refusal points into the text and can be shown on any
//! terminal; what is accepted is what `config.rs` promises to the server.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use verdict_core::field::host::Authority;
use verdict_core::field::link::Link;
use verdict_core::field::media_type::MediaType;
use verdict_server::config::{Balance, Config, HostPolicy, Kind, Limits, Part, Report, Route, Severity};
use verdict_server::route::{Found, Host, Pattern, Router, Segment};

/// Checks the text as a config in the folder of the examples, whose folders and pages are there to be named. What is not
/// UTF-8 is refused before that, by [`Config::load`].
pub(crate) fn config(input: &[u8], examples: &Path) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = |text: &str| Config::parse(text, "fuzz\u{9b}\u{1b}.toml", examples);
    match read(text) {
        Err(report) => {
            assert!(report.has_errors() && !report.is_empty());
            can_be_shown(&report, text);
        }
        Ok(config) => {
            assert!(!config.warnings.has_errors());
            can_be_shown(&config.warnings, text);
            is_as_promised(&config);
            // Nothing that follows from the text is decided by its end, or by a second look.
            let again = read(&format!("{text}\n# end")).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(format!("{:?}", again.routes), format!("{:?}", config.routes));
            assert_eq!((again.listen, again.limits), (config.listen, config.limits));
        }
    }
}

fn can_be_shown(report: &Report, text: &str) {
    let within = |span: &Range<usize>| {
        assert!(text.get(span.clone()).is_some(), "{span:?} is not within the text: {text:?}");
        let (line, column) = report.position(span.start);
        assert!(line >= 1 && line <= text.matches('\n').count() + 1 && column >= 1 && column <= text.len() + 1);
    };
    let errors = report.diagnostics().iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    for diagnostic in report.diagnostics() {
        assert!(!diagnostic.message.is_empty());
        match &diagnostic.span {
            Some(span) => within(span),
            // Only that there is no route has no place, and that is said when nothing else is wrong.
            None => assert_eq!(errors, 1, "{}", diagnostic.message),
        }
        diagnostic.also.iter().for_each(|(span, _)| within(span));
    }
    assert!(report.diagnostics().is_sorted_by_key(|diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.start)));
    let shown = report.render(false);
    assert_eq!(shown.is_empty(), report.is_empty());
    // Nothing that a terminal would obey.
    let obeyed = shown.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(obeyed, None, "in {shown:?}");
}

/// What the documentation of [`Config`] and its parts says.
fn is_as_promised(config: &Config) {
    assert!(!config.routes.is_empty() && !config.listen.is_empty());
    let mut addresses = HashSet::new();
    assert!(config.listen.iter().all(|listen| listen.address.port() == 0 || addresses.insert(listen.address)));
    assert!(config.workers.is_none_or(|workers| (1..=1024).contains(&workers)));
    assert!(config.limits.target <= Limits::HEAD_MAX && config.limits.fields <= Limits::HEAD_MAX);
    let written = config
        .routes
        .iter()
        .filter(|route| !matches!(route.kind, Kind::Collection(_) | Kind::Jobs(_, Part::Monitor | Part::Result)));
    assert!(written.is_sorted_by_key(|route| route.pattern.as_str()));
    assert!(config.trusted_proxies.iter().all(|network| network.to_string().parse() == Ok(*network)));
    for file in &config.named_files {
        assert!(file.canonicalize().is_ok_and(|path| path == *file), "{}", file.display());
    }
    for (index, route) in config.routes.iter().enumerate() {
        assert!(config.router.patterns()[index] == route.pattern);
        is_found(&config.router, index, &route.pattern);
        route_is_as_promised(route, config);
    }
}

/// A request for a path that only this pattern is meant for goes there, or to a pattern that is more specific.
fn is_found(router: &Router, index: usize, pattern: &Pattern) {
    let host = match pattern.host() {
        Host::Any => "nobody.example".to_owned(),
        Host::Exact(host) => host.to_ascii_uppercase(),
        Host::Below(suffix) => format!("x{suffix}"),
    };
    let segment = |segment: &Segment| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Name(_) => "\u{1F9ED}".to_owned(),
        Segment::Rest(_) => "\u{1F9ED}/\u{1F9ED}".to_owned(),
    };
    let path: String = pattern.segments().iter().map(|s| format!("/{}", segment(s))).collect();
    assert_eq!(pattern.first_mismatch(&host, &path), None, "{pattern} and {host}{path}");
    match router.find(&host, &path) {
        Found::Match(found) if found.route == index => assert_eq!(found.spans().len(), pattern.names().count()),
        Found::Match(found) => {
            let other = &router.patterns()[found.route];
            assert!(other.host() != pattern.host() || !other.covers(pattern), "{other} takes {path} from {pattern}");
        }
        found => panic!("{found:?} for {host}{path}, which {pattern} matches"),
    }
}

fn route_is_as_promised(route: &Route, config: &Config) {
    let fields = |headers: &[(String, String)]| {
        for (name, value) in headers {
            assert!(verdict_core::field::list::is_token(name.as_bytes()), "{name:?}");
            assert!(value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)), "{value:?}");
            assert_eq!(value.trim(), value);
        }
    };
    fields(&route.headers);
    assert!(route.line >= 1);
    assert!(route.limits.target <= config.limits.target && route.limits.fields <= config.limits.fields);
    assert!(route.hints.iter().all(|hint| Link::parse(hint.as_bytes()).is_ok()), "{:?}", route.hints);
    for (status, page) in &route.pages {
        assert!((400..600).contains(status) && page.is_absolute());
        assert!(fs::read_to_string(page).is_ok(), "{} cannot be opened", page.display());
    }
    match &route.kind {
        Kind::Files(files) => {
            assert!(files.root.is_absolute() && files.root.is_dir());
            assert!(files.index.iter().all(|name| !name.is_empty() && !name.contains('/')));
            if let Some(fallback) = &files.fallback {
                assert!(fallback.starts_with('/') && files.root.join(&fallback[1..]).is_file(), "{fallback}");
            }
            assert!(!matches!(route.pattern.segments().last(), Some(Segment::Literal(_))), "{}", route.pattern);
        }
        Kind::Document(documents) => {
            assert!(matches!(route.pattern.segments().last(), Some(Segment::Name(_))), "{}", route.pattern);
            assert!(config.console.is_some() && documents.page >= 1);
        }
        Kind::Collection(documents) => {
            assert_eq!(route.pattern, documents.collection);
            let of =
                config.routes.iter().filter(|of| matches!(&of.kind, Kind::Document(of) if Arc::ptr_eq(of, documents)));
            assert_eq!(of.count(), 1, "{}", route.pattern);
        }
        Kind::Jobs(jobs, part) => {
            let names = usize::from(*part != Part::Queue);
            assert_eq!(route.pattern.names().count(), names, "{}", route.pattern);
            assert!(config.console.is_some() && jobs.workers >= 1 && jobs.queue >= 1 && !jobs.keep.is_zero());
            let of = config.routes.iter().filter(|of| matches!(&of.kind, Kind::Jobs(of, _) if Arc::ptr_eq(of, jobs)));
            assert_eq!(of.count(), 3, "{}", route.pattern);
        }
        Kind::Proxy(proxy) => {
            assert!(proxy.members() >= 1);
            let literal = |segment: &&Segment| matches!(segment, Segment::Literal(text) if !text.is_empty());
            let leading = route.pattern.segments().iter().take_while(literal).count();
            assert!(proxy.strip <= leading, "{} of {}", proxy.strip, route.pattern);
            assert!(proxy.intercept.iter().all(|status| (400..600).contains(&status.code())));
            if let Some(health) = &proxy.health {
                assert!(health.path.starts_with('/') && !health.path.contains(['#', ' ']), "{:?}", health.path);
                assert!(!health.every.is_zero() && (200..600).contains(&health.status.code()));
            }
            if let Balance::Hash(name) = &proxy.balance {
                assert!(verdict_core::field::list::is_token(name.as_bytes()), "{name:?}");
            }
            if let HostPolicy::Own(host) = &proxy.host {
                assert!(Authority::parse(host.as_bytes()).is_ok(), "{host:?}");
            }
            let timeout = &proxy.timeout;
            let steps = [timeout.connect, timeout.first_byte, timeout.idle];
            assert!(steps.iter().all(|step| !step.is_zero() && *step <= timeout.total), "{timeout:?}");
        }
        Kind::Redirect(redirect) => {
            let mut to = String::new();
            redirect.to.expand("own.example", |_| "x", Some("y"), &mut to);
            assert!(to.bytes().all(|b| b.is_ascii_graphic()) && !to.starts_with("//"), "{to:?}");
            assert_eq!(redirect.to.is_local(), to.starts_with('/'), "{to}");
        }
        Kind::Respond(respond) => {
            fields(&respond.headers);
            let entry = respond.status.entry().expect("a registered status");
            assert!(respond.status.code() >= 200);
            assert!(respond.body.is_none() || !respond.status.forbids_content());
            assert!(MediaType::parse(respond.media_type.as_bytes()).is_some(), "{:?}", respond.media_type);
            for field in entry.required {
                assert!(respond.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(field.name())));
            }
        }
    }
}
