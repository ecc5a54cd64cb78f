//! `cors`: which pages of other origins may read a route's answers (Fetch, "CORS protocol").

use super::place::Place;
use super::read::{Entry, Reader, Zero};
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;
use verdict_core::field::host::Authority;
use verdict_core::field::list::is_token;

const EXAMPLE: &str = "{ origins = [\"https://a.example\"] }";

/// The fields that pages may read unless the config says which: those that make a status useful, beside the ones that every
/// page may (Fetch, "CORS-safelisted response-header name").
const EXPOSED: &[&str] = &[
    "Accept-Patch",
    "Accept-Post",
    "Allow",
    "Content-Range",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Request-Id",
    "Retry-After",
    "Verdict-Reason",
    "WWW-Authenticate",
];

/// `cors`: what pages of other origins may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cors {
    /// `origins`: of which origins.
    pub origins: Origins,
    /// `credentials`: whether with cookies and other credentials of the user; never with [`Origins::Any`].
    pub credentials: bool,
    /// `methods`: with which methods; `None` is those that the route takes.
    pub methods: Option<Vec<String>>,
    /// `headers`: with which fields; `None` is whichever they ask for.
    pub headers: Option<Vec<String>>,
    /// `expose`: which fields of an answer they may read, beside those that every page may.
    pub expose: Vec<String>,
    /// `max-age`: for how long browsers may remember what they were told; 10 minutes unless set.
    pub max_age: Duration,
}

/// The origins of `cors`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origins {
    /// `*`.
    Any,
    /// These, each as browsers send it; none twice.
    Listed(Vec<String>),
}

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Cors> {
    let mut table = reader.table(entry, Place::Cors, EXAMPLE)?;
    let origins_entry = table.take("origins");
    let origins = match &origins_entry {
        Some(entry) => origins(reader, entry),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`cors` needs `origins`");
            error.help(format!("write it as in `cors = {EXAMPLE}`"));
            None
        }
    };
    let credentials_entry = table.take("credentials");
    let credentials = credentials_entry.as_ref().and_then(|entry| reader.boolean(entry)).unwrap_or(false);
    if let (Some(entry), Some(Origins::Any), true) = (&credentials_entry, &origins, credentials) {
        // Fetch, "CORS protocol and credentials": a browser takes `*` as no permission then; echoing every origin instead
        // would let every page of the web act as the user.
        let error = reader.findings.error(entry.key_span.clone(), "`credentials` with every origin");
        if let Some(origins) = &origins_entry {
            error.also(origins.span(), "every page of the web");
        }
        error.label("would let each act as the user").help("list the origins, or remove `credentials`");
    }
    let methods = table.take("methods").map(|entry| tokens(reader, &entry, "a method", "PUT", credentials));
    let headers = table.take("headers").map(|entry| tokens(reader, &entry, "a field name", "X-Token", credentials));
    let expose = match table.take("expose") {
        Some(entry) => tokens(reader, &entry, "a field name", "ETag", credentials),
        None => EXPOSED.iter().map(|name| (*name).to_owned()).collect(),
    };
    let max_age = match table.take("max-age") {
        Some(entry) => reader.duration(&entry, Zero::Taken),
        None => Some(Duration::from_secs(600)),
    };
    table.finish(reader);
    Some(Cors { origins: origins?, credentials, methods, headers, expose, max_age: max_age? })
}

fn origins(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Origins> {
    const EXAMPLE: &str = "https://a.example";
    let texts = reader.strings(entry, "an origin", EXAMPLE);
    if let DeValue::Array(values) = entry.value.get_ref()
        && values.is_empty()
    {
        let error = reader.findings.error(entry.span(), "`cors` without an origin allows nothing");
        error.help(format!("write it as in `origins = [\"{EXAMPLE}\"]`, or remove `cors`"));
        return None;
    }
    let mut listed: Vec<(&str, Range<usize>)> = Vec::new();
    let mut any = None;
    for (text, span) in texts {
        if text == "*" {
            any = Some(span);
        } else if let Some((message, help)) = wrong_origin(text) {
            let message = format!("`{}` {message}", text.escape_debug());
            reader.findings.error(span, message).help(help);
        } else if let Some((_, first)) = listed.iter().find(|(earlier, _)| *earlier == text) {
            let error = reader.findings.error(span, format!("`{text}` is listed twice"));
            error.also(first.clone(), "first here").help("keep one");
        } else {
            listed.push((text, span));
        }
    }
    if let (Some(any), Some((_, listed))) = (&any, listed.first()) {
        let error = reader.findings.error(any.clone(), "`*` is every origin");
        error.also(listed.clone(), "has no effect").help("keep `*` alone, or remove it");
    }
    match any {
        Some(_) => Some(Origins::Any),
        None if listed.is_empty() => None,
        None => Some(Origins::Listed(listed.into_iter().map(|(origin, _)| origin.to_owned()).collect())),
    }
}

/// Why a text is not an origin as browsers send it (RFC 6454 §6.2), and what to write.
fn wrong_origin(text: &str) -> Option<(&'static str, String)> {
    const EXAMPLE: &str = "write it as in `https://a.example`";
    if text == "null" {
        let help = "give the page an origin: any site can make one whose origin is `null`";
        return Some(("is the origin of every page that has none", help.to_owned()));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some(("has no scheme", format!("{EXAMPLE}: browsers send scheme, host and port")));
    };
    let starts_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts_well || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return Some(("has no scheme that could be one", EXAMPLE.to_owned()));
    }
    if let Some(end) = rest.find(['/', '?', '#']) {
        return Some((
            if &rest[end..] == "/" { "ends in a slash" } else { "has a path" },
            format!("write `{scheme}://{}`: an origin ends with its host or port", &rest[..end]),
        ));
    }
    if rest.contains('*') {
        return Some(("has a `*` in it", "list each origin, or write `*` alone for every one".to_owned()));
    }
    let Ok(authority) = Authority::parse(rest.as_bytes()) else {
        return Some(("has no host that could be one", EXAMPLE.to_owned()));
    };
    let lower = text.to_ascii_lowercase();
    if lower != text {
        return Some(("has a capital letter, which browsers never send", format!("write `{lower}`")));
    }
    let default = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let host = authority.host;
    if rest.ends_with(':') || authority.port.is_some() && authority.port == default {
        return Some(("has a port that browsers leave out", format!("write `{scheme}://{host}`")));
    }
    if authority.port.is_some_and(|port| !rest.ends_with(&format!(":{port}"))) {
        return Some(("has a port that no browser writes so", EXAMPLE.to_owned()));
    }
    None
}

/// Methods or names of fields. `*` is every one, but a name like any other where there are credentials (Fetch, "HTTP
/// responses" of the CORS protocol).
fn tokens(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, what: &str, example: &str, credentials: bool) -> Vec<String> {
    let mut tokens = Vec::new();
    for (text, span) in reader.strings(entry, what, example) {
        if !is_token(text.as_bytes()) {
            let error = reader.findings.error(span, format!("`{}` is not {what}", text.escape_debug()));
            error.help(format!("write it as in `{} = [\"{example}\"]`", entry.key));
        } else if text == "*" && credentials {
            let error = reader.findings.error(span, "`*` with `credentials`");
            error.label("is then a name and not every one").help("list them");
        } else {
            tokens.push(text.to_owned());
        }
    }
    tokens
}
