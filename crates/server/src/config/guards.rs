//! One route: its pattern, its one kind, and what holds for it whatever the kind.

use super::auth::Guards;
use super::place::Place;
use super::read::{Entry, Reader, Table, Value};
use super::{
    HintsTo, Kind, Limits, Part, Route, allow, concurrency, cors, documents, fields, jobs, kinds, limits, maintenance,
    proxy, rate, report, timeout, upload,
};
use crate::route::{Host, Pattern};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::DeValue;
use verdict_core::field::link::Link;
use verdict_core::status::Status;

/// The most that an error page can have: it is held in memory.
const LARGEST_PAGE: u64 = 1 << 20;

/// The keys that say what answers.
const KINDS: [&str; 6] = ["documents", "files", "jobs", "proxy", "redirect", "respond"];

/// A route's pattern, which stands at `span`.
pub(super) fn pattern(reader: &mut Reader<'_>, text: &str, span: Range<usize>) -> Option<Pattern> {
    match Pattern::parse(text) {
        Ok(pattern) => {
            if let Host::Exact(host) = pattern.host()
                && host != "localhost"
                && !host.contains(['.', ':'])
            {
                let slash = text.find('/').unwrap_or(text.len());
                let at = reader.within(span, text, 0..slash);
                let warning = reader.findings.warning(at, format!("`{host}` is read as a host"));
                warning.label("a pattern is `[host]/path`").help(format!("if it begins a path, write `/{text}`"));
            }
            Some(pattern)
        }
        Err(fault) => {
            let at = reader.within(span, text, fault.at);
            reader.findings.error(at, fault.message).help(fault.help);
            None
        }
    }
}

/// What stands below `[route."PATTERN"]`. Where the pattern is wrong, it is only read for other errors.
pub(super) fn route(
    reader: &mut Reader<'_>,
    pattern: Option<Pattern>,
    span: Range<usize>,
    value: &Value<'_>,
    defaults: Limits,
    guards: &Guards,
) -> Option<Route> {
    let DeValue::Table(entries) = value.get_ref() else {
        let error = reader.findings.error(value.span(), "a route is a table");
        error.help(
            "write `files`, `documents`, `jobs`, `proxy`, `redirect` or `respond` below a line `[route.\"PATTERN\"]`",
        );
        return None;
    };
    let mut table = Table::new(Place::Route, entries);
    let mut kind = kind(reader, &mut table, pattern.as_ref(), span.clone());
    if let Some(entry) = table.take("upload") {
        let uploads = upload::read(reader, &entry);
        upload::beside(reader, &entry, kind.as_ref());
        if let Some(Kind::Files(files)) = &mut kind {
            files.upload = uploads;
        }
    }
    if let Some(entry) = table.take("timeout") {
        timeout::beside(reader, &entry, kind.as_mut());
    }
    let defaults = match kind {
        Some(Kind::Document(_)) => Limits { body: defaults.body.min(documents::LARGEST), ..defaults },
        _ => defaults,
    };
    let limits = match table.take("limits") {
        Some(entry) => limits::route(reader, &entry, defaults),
        None => limits::OfRoute { limits: defaults, length_required: false, types: None },
    };
    let access = allow::read(reader, &mut table, guards);
    let cors_entry = table.take("cors");
    let cors = cors_entry.as_ref().and_then(|entry| cors::read(reader, entry));
    if let (true, Some(entry)) = (access.hide, &cors_entry) {
        let warning = reader.findings.warning(entry.key_span.clone(), "`cors` on a route that is hidden");
        warning.label("a preflight does not say who asks, so that it is told that nothing is there");
        warning.help("remove `hide`, or `cors`");
    }
    let rate = table.take("rate").and_then(|entry| rate::read(reader, &entry));
    if let Some((rate, span)) = &rate {
        rate::with_users(reader, rate, span.clone(), access.guarded);
    }
    let concurrency = table.take("concurrency").and_then(|entry| concurrency::read(reader, &entry));
    let maintenance = table.take("maintenance").and_then(|entry| maintenance::read(reader, &entry));
    let headers = match table.take("headers") {
        Some(entry) => headers(reader, &entry, kind.as_ref(), cors.is_some(), rate.is_some()),
        None => Vec::new(),
    };
    let pages = match table.take("pages") {
        Some(entry) => pages(reader, &entry),
        None => BTreeMap::new(),
    };
    let hints_entry = table.take("hints");
    let hints = hints_entry.as_ref().map_or_else(Vec::new, |entry| hints(reader, entry));
    let hints_to_entry = table.take("hints-to");
    let hints_to = hints_to_entry
        .as_ref()
        .and_then(|entry| reader.word(entry, &[("navigations", HintsTo::Navigations), ("all", HintsTo::All)]));
    // An upstream may give hints of its own, and who gets them is said here as well.
    if let (Some(entry), None, false) = (&hints_to_entry, &hints_entry, matches!(kind, None | Some(Kind::Proxy(_)))) {
        let error = reader.findings.error(entry.key_span.clone(), "`hints-to` without `hints`");
        error.help("add `hints = [\"</app.css>; rel=preload; as=style\"]`, or remove it");
    }
    table.finish(reader);
    Some(Route {
        pattern: pattern?,
        line: report::position(reader.text, span.start).0,
        kind: kind?,
        limits: limits.limits,
        length_required: limits.length_required,
        types: limits.types,
        auth: access.auth,
        open: access.open,
        allow: access.allow,
        hide: access.hide,
        cors,
        rate: rate.map(|(rate, _)| rate),
        concurrency,
        maintenance,
        headers,
        pages,
        hints,
        hints_to: hints_to.unwrap_or_default(),
    })
}

/// The one kind that a route has.
fn kind(
    reader: &mut Reader<'_>,
    table: &mut Table<'_, '_>,
    pattern: Option<&Pattern>,
    span: Range<usize>,
) -> Option<Kind> {
    let given = KINDS.map(|key| table.take(key));
    let mut given_spans = given.iter().flatten().map(|entry| (entry.key, entry.key_span.clone())).collect::<Vec<_>>();
    given_spans.sort_by_key(|(_, span)| span.start);
    match &given_spans[..] {
        [] => {
            let error = reader.findings.error(span, "this route does nothing");
            error
                .label("has no kind")
                .help("give it one of `documents`, `files`, `jobs`, `proxy`, `redirect`, `respond`");
            return None;
        }
        [_] => {}
        [(first, first_span), (second, second_span), ..] => {
            let message = format!("a route has one kind, and this has `{first}` and `{second}`");
            let error = reader.findings.error(second_span.clone(), message);
            error.label("and this").also(first_span.clone(), "this").help("keep one, or give each a route of its own");
        }
    }
    let [documents, files, jobs, proxy, redirect, respond] = given;
    let placed = || pattern.map(|pattern| (pattern, span.clone()));
    let documents = documents.and_then(|entry| documents::read(reader, &entry, placed()));
    let files = files.and_then(|entry| kinds::files(reader, &entry, placed()));
    let jobs = jobs.and_then(|entry| jobs::read(reader, &entry, placed()));
    let proxy = proxy.and_then(|entry| proxy::read(reader, &entry, placed()));
    let redirect = redirect.and_then(|entry| kinds::redirect(reader, &entry, pattern));
    let respond = respond.and_then(|entry| kinds::respond(reader, &entry));
    let documents = documents.map(|documents| Kind::Document(Arc::new(documents)));
    let jobs = jobs.map(|jobs| Kind::Jobs(Arc::new(jobs), Part::Queue));
    let proxy = proxy.map(|proxy| Kind::Proxy(Arc::new(proxy)));
    let others = proxy.or(redirect.map(Kind::Redirect)).or(respond.map(Kind::Respond));
    documents.or(files.map(Kind::Files)).or(jobs).or(others)
}

/// `cors` and `rate` say whether the route has those.
fn headers(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    kind: Option<&Kind>,
    cors: bool,
    rate: bool,
) -> Vec<(String, String)> {
    let fields = fields::of_route(reader, entry);
    for field in &fields {
        let set_by = match kind {
            Some(Kind::Files(files)) if files.cache.is_some() && is(&field.name, "Cache-Control") => Some("cache"),
            Some(Kind::Redirect(redirect)) if redirect.cache.is_some() && is(&field.name, "Cache-Control") => {
                Some("cache")
            }
            Some(Kind::Respond(respond)) if respond.headers.iter().any(|(name, _)| is(&field.name, name)) => {
                Some("respond")
            }
            _ if rate && (is(&field.name, "RateLimit") || is(&field.name, "RateLimit-Policy")) => Some("rate"),
            _ if cors && field.name.to_ascii_lowercase().starts_with("access-control-") => Some("cors"),
            _ => None,
        };
        if let Some(key) = set_by {
            let message = format!("`{}` is set twice", field.name);
            let error = reader.findings.error(field.name_span.clone(), message);
            error.label(format!("`{key}` sets it too")).help("keep one of the two");
        }
    }
    fields.into_iter().map(|field| (field.name, field.value)).collect()
}

fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

fn pages(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> BTreeMap<u16, PathBuf> {
    const EXAMPLE: &str = "{ 404 = \"404.html\" }";
    let mut pages = BTreeMap::new();
    let Some(entries) = reader.entries(entry, EXAMPLE) else { return pages };
    for (key, value) in entries.iter() {
        let name: &str = key.get_ref();
        let status = name.parse().ok().and_then(Status::from_wire).filter(|status| {
            // `+404` parses too.
            status.entry().is_some() && (400..600).contains(&status.code()) && name.len() == 3
        });
        let Some(status) = status else {
            let message = format!("`{}` is not a registered status from 400", name.escape_debug());
            let error = reader.findings.error(key.span(), message);
            error.help(format!("write it as in `pages = {EXAMPLE}`"));
            continue;
        };
        let DeValue::String(text) = value.get_ref() else {
            let error = reader.findings.error(value.span(), format!("the page for {status} is not a file's path"));
            error.help(format!("write it as in `pages = {EXAMPLE}`"));
            continue;
        };
        if let Some(page) = page(reader, value.span(), text) {
            pages.insert(status.code(), page);
        }
    }
    pages
}

/// A regular file of text that can be read and is small enough to be kept.
fn page(reader: &mut Reader<'_>, span: Range<usize>, text: &str) -> Option<PathBuf> {
    let (what, help) = match look_at_page(&reader.folder.join(text)) {
        Ok(path) => {
            reader.named_files.push(path.clone());
            return Some(path);
        }
        Err(NoPage::Unreadable(cause)) if cause.kind() == io::ErrorKind::NotFound => {
            let message = format!("there is no file `{}`", text.escape_debug());
            let help = "create it, or correct the path: it is relative to the config's folder";
            reader.findings.error(span, message).help(help);
            return None;
        }
        Err(NoPage::Unreadable(cause)) => {
            (format!("cannot be read: {cause}"), "let the user who runs the server read it")
        }
        Err(NoPage::NotRegular) => ("is not a regular file".to_owned(), "name the page's file"),
        Err(NoPage::TooLarge) => ("is larger than 1MiB".to_owned(), "error pages are held in memory: make it smaller"),
        Err(NoPage::NotUtf8) => ("is not UTF-8".to_owned(), "save it as UTF-8"),
    };
    reader.findings.error(span, format!("`{}` {what}", text.escape_debug())).help(help);
    None
}

/// Why a file cannot be an error page.
enum NoPage {
    Unreadable(io::Error),
    NotRegular,
    TooLarge,
    NotUtf8,
}

fn look_at_page(path: &Path) -> Result<PathBuf, NoPage> {
    let metadata = path.metadata().map_err(NoPage::Unreadable)?;
    // Asked before it is opened: opening a pipe waits.
    if !metadata.is_file() {
        return Err(NoPage::NotRegular);
    }
    if metadata.len() > LARGEST_PAGE {
        return Err(NoPage::TooLarge);
    }
    // Some files have a length of 0 and any amount of content.
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_PAGE + 1).read_to_end(&mut content));
    if read.map_err(NoPage::Unreadable)? as u64 > LARGEST_PAGE {
        return Err(NoPage::TooLarge);
    }
    if std::str::from_utf8(&content).is_err() {
        return Err(NoPage::NotUtf8);
    }
    path.canonicalize().map_err(NoPage::Unreadable)
}

/// `Link` values (RFC 8288 §3).
fn hints(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<String> {
    const EXAMPLE: &str = "</app.css>; rel=preload; as=style";
    let mut hints = Vec::new();
    for (text, span) in reader.strings(entry, "a `Link` value", EXAMPLE) {
        let wrong = match Link::parse(text.as_bytes()) {
            Ok(_) => fields::wrong_value(text).map(|(what, _)| (0..text.len(), format!("this {what}"))),
            Err(error) => {
                let byte = error.offset..error.offset + 1;
                let at = if text.get(byte.clone()).is_some() { byte } else { 0..text.len() };
                Some((at, error.to_string()))
            }
        };
        if let Some((at, why)) = wrong {
            let at = reader.within(span, text, at);
            let error = reader.findings.error(at, format!("`{}` is not a `Link` value", text.escape_debug()));
            error.label(why).help(format!("write it as in `hints = [\"{EXAMPLE}\"]`"));
        } else {
            hints.push(text.to_owned());
        }
    }
    hints
}
