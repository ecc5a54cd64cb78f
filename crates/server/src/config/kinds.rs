//! What answers a route: `files`, `redirect`, `respond`.

use super::place::Place;
use super::read::{Entry, Reader, Zero};
use super::{Files, Redirect, Respond, fields};
use crate::route::{Pattern, Segment, Template};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::DeValue;
use verdict_core::cause::Elsewhere;
use verdict_core::field::media_type::MediaType;
use verdict_core::status::{REGISTRY, Status};

/// `files`. `pattern` is the route's, if it is one, with its place.
pub(super) fn files(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    pattern: Option<(&Pattern, Range<usize>)>,
) -> Option<Files> {
    if let Some((pattern, span)) = pattern
        && let Some(Segment::Literal(last)) = pattern.segments().last()
    {
        let error = reader.findings.error(span, "a `files` route needs a pattern that ends in a name");
        error.label("this is one path, and a folder has many").help(match pattern.as_str().rsplit_once('/') {
            Some((folder, _)) if last.contains('.') => {
                format!("a file is served with its folder: write `{folder}/{{path...}}`")
            }
            _ => format!("write `{pattern}{}{{path...}}`", if last.is_empty() { "" } else { "/" }),
        });
    }
    const EXAMPLE: &str = "./public";
    if let DeValue::String(root) = entry.value.get_ref() {
        return folder(reader, entry.span(), root).map(Files::new);
    }
    let DeValue::Table(_) = entry.value.get_ref() else {
        return reader.other_type(entry, "a folder or a table", &format!("\"{EXAMPLE}\""));
    };
    let mut table = reader.table(entry, Place::Files, "")?;
    let root = match table.take("root") {
        Some(entry) => {
            let text = reader.string(&entry, "a folder", EXAMPLE);
            text.and_then(|text| folder(reader, entry.span(), text))
        }
        None => missing(reader, entry, "root", "{ root = \"./public\" }"),
    };
    let mut files = Files::new(root.clone().unwrap_or_default());
    if let Some(entry) = table.take("index") {
        files.index = index(reader, &entry);
    }
    for (key, option) in [
        ("listing", &mut files.listing),
        ("dotfiles", &mut files.dotfiles),
        ("precompressed", &mut files.precompressed),
    ] {
        if let Some(entry) = table.take(key) {
            *option = reader.boolean(&entry).unwrap_or(*option);
        }
    }
    if let Some(entry) = table.take("cache") {
        files.cache = reader.duration(&entry, Zero::Taken);
    }
    if let Some(entry) = table.take("fallback") {
        files.fallback = fallback(reader, &entry, root.as_deref());
    }
    table.finish(reader);
    root.map(|_| files)
}

/// `redirect`. Without a pattern its names cannot be checked, and it is only read for other errors.
pub(super) fn redirect(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, pattern: Option<&Pattern>) -> Option<Redirect> {
    const EXAMPLE: &str = "{ to = \"/new/{path}\", status = 308 }";
    if let DeValue::String(text) = entry.value.get_ref() {
        let to = template(reader, entry.span(), text, pattern)?;
        return Some(Redirect { to, elsewhere: Elsewhere::ForNow, cache: None });
    }
    let mut table = reader.table(entry, Place::Redirect, EXAMPLE)?;
    let to = match table.take("to") {
        Some(entry) => {
            let text = reader.string(&entry, "a path or a URL", "/new/{path}");
            text.and_then(|text| template(reader, entry.span(), text, pattern))
        }
        None => missing(reader, entry, "to", EXAMPLE),
    };
    let elsewhere = match table.take("status") {
        Some(entry) => elsewhere(reader, &entry),
        None => Some(Elsewhere::ForNow),
    };
    let cache = table.take("cache").and_then(|entry| reader.duration(&entry, Zero::Taken));
    table.finish(reader);
    Some(Redirect { to: to?, elsewhere: elsewhere?, cache })
}

/// `respond`.
pub(super) fn respond(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Respond> {
    const EXAMPLE: &str = "{ status = 410, body = \"closed for good\" }";
    let mut table = reader.table(entry, Place::Respond, EXAMPLE)?;
    let status_entry = table.take("status");
    let status = match &status_entry {
        Some(entry) => final_status(reader, entry),
        None => missing(reader, entry, "status", EXAMPLE),
    };
    let body_entry = table.take("body");
    let body = body_entry.as_ref().and_then(|entry| reader.string(entry, "a text", "closed for good"));
    if let (Some(entry), Some(status)) = (&body_entry, status)
        && status.forbids_content()
    {
        let error = reader.findings.error(entry.key_span.clone(), format!("{status:?} cannot have a body"));
        error.label("would never be sent").help("remove `body`, or give another status");
    }
    let type_entry = table.take("type");
    let media_type = match &type_entry {
        Some(entry) => media_type(reader, entry),
        None => Some("text/plain; charset=utf-8".to_owned()),
    };
    if let (Some(entry), None) = (&type_entry, &body_entry) {
        let error = reader.findings.error(entry.key_span.clone(), "`type` without a `body`");
        error.label("of what?").help("give the `body`, or remove `type`");
    }
    let headers_entry = table.take("headers");
    let headers = match &headers_entry {
        Some(entry) => fields::of_respond(reader, entry, status),
        None => Vec::new(),
    };
    table.finish(reader);
    let (status, status_entry) = (status?, status_entry?);
    for field in status.entry().map_or(&[][..], |entry| entry.required) {
        let name = field.name();
        if !headers.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
            let (article, example) = ("aeiouAEIOU".contains(&name[..1]), example(name, status));
            let article = if article { "an" } else { "a" };
            let message = format!("{status:?} needs {article} `{name}` field");
            let error = reader.findings.error(status_entry.span(), message);
            error.label("required by its definition");
            error.help(format!("add `headers = {{ \"{name}\" = \"{example}\" }}`"));
        }
    }
    if matches!(status.code(), 304..=306) {
        let message = format!("{status:?} is hardly an answer of its own");
        let error = reader.findings.warning(status_entry.span(), message);
        error.help(match status.code() {
            304 => "a client that has stored nothing can make nothing of it; `files` gives it when it is due",
            _ => "it is no longer used (RFC 9110 §15.4.6, §15.4.7): give another one",
        });
    }
    let headers = headers.into_iter().map(|field| (field.name, field.value)).collect();
    Some(Respond { status, body: body.map(str::to_owned), media_type: media_type?, headers })
}

/// A value of a required field that is of use as a start.
fn example(name: &str, status: Status) -> &'static str {
    match name {
        "Allow" => "GET, HEAD",
        // RFC 9110 §14.4: a part says which one it is; only 416 says the length alone.
        "Content-Range" if status.code() == 206 => "bytes 0-499/1234",
        "Content-Range" => "bytes */1234",
        "Location" => "/elsewhere",
        "Proxy-Authenticate" | "WWW-Authenticate" => "Basic realm=\\\"staff\\\"",
        "Retry-After" => "120",
        "Upgrade" => "websocket",
        _ => "…",
    }
}

fn missing<T>(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, key: &str, example: &str) -> Option<T> {
    let error = reader.findings.error(entry.key_span.clone(), format!("`{}` needs `{key}`", entry.key));
    error.help(format!("write it as in `{} = {example}`", entry.key));
    None
}

fn folder(reader: &mut Reader<'_>, span: Range<usize>, text: &str) -> Option<PathBuf> {
    let path = std::path::absolute(reader.folder.join(text)).ok().filter(|_| !text.is_empty());
    let Some(path) = path else {
        reader.findings.error(span, "an empty path names no folder").help("write `\".\"` for the config's own folder");
        return None;
    };
    let shown = text.escape_debug();
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Some(path),
        Ok(_) => {
            let error = reader.findings.error(span, format!("`{shown}` is not a folder"));
            error.label("a file").help("name the folder that it is in");
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let error = reader.findings.error(span, format!("there is no folder `{shown}`"));
            error.label(format!("{} does not exist", path.display()));
            error.help("create it, or correct the path: it is relative to the config's folder");
        }
        Err(cause) => {
            let error = reader.findings.error(span, format!("`{shown}` cannot be looked at: {cause}"));
            error.help("let the user who runs the server read it");
        }
    }
    None
}

fn index(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, span) in reader.strings(entry, "a file name", "index.html") {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            let error = reader.findings.error(span, format!("`{}` is not a file name", name.escape_debug()));
            error.help("write it as in `index = [\"index.html\"]`, without folders");
        } else {
            names.push(name.to_owned());
        }
    }
    names
}

fn fallback(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, root: Option<&Path>) -> Option<String> {
    let text = reader.string(entry, "a file's path", "/index.html")?;
    let relative = text.strip_prefix('/').filter(|path| {
        path.split('/')
            .all(|segment| !segment.is_empty() && segment != "." && segment != ".." && !segment.contains('\0'))
    });
    let Some(relative) = relative else {
        let message = format!("`{}` is not a path from the root of the folder to a file", text.escape_debug());
        reader.findings.error(entry.span(), message).help("write it as in `fallback = \"/index.html\"`");
        return None;
    };
    let file = root?.join(relative);
    if !file.is_file() {
        let error =
            reader.findings.error(entry.span(), format!("there is no file `{}` in the folder", text.escape_debug()));
        error.label(format!("{} is not a file", file.display())).help("create it, or correct the path");
        return None;
    }
    Some(text.to_owned())
}

fn template(reader: &mut Reader<'_>, span: Range<usize>, text: &str, pattern: Option<&Pattern>) -> Option<Template> {
    match Template::parse(text, pattern?) {
        Ok(template) => Some(template),
        Err(fault) => {
            let at = reader.within(span, text, fault.at);
            reader.findings.error(at, fault.message).help(fault.help);
            None
        }
    }
}

fn elsewhere(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Elsewhere> {
    let code = reader.integer(entry, 100..999, "308")?;
    let elsewhere = u16::try_from(code).ok().and_then(Elsewhere::of_code);
    if elsewhere.is_none() {
        let error = reader.findings.error(entry.span(), format!("{code} is not a redirect to one target"));
        error.help(
            "301 or 308 for good, 302 or 307 for now; 307 and 308 keep the method; 303 to see the result of a POST with GET",
        );
    }
    elsewhere
}

/// A registered status that can end an exchange.
fn final_status(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Status> {
    let code = reader.integer(entry, 100..999, "410")?;
    let status = u16::try_from(code).ok().and_then(Status::from_wire)?;
    if code < 200 {
        let error = reader.findings.error(entry.span(), format!("{code} cannot be a final answer"));
        error.label("1xx is interim").help("a client would go on waiting: give a status from 200");
        return None;
    }
    if status.entry().is_none() {
        let finals = REGISTRY.iter().map(|entry| entry.status).filter(|status| status.code() >= 200);
        let nearest = finals.min_by_key(|known| known.code().abs_diff(status.code()));
        let error = reader.findings.error(entry.span(), format!("{code} is not a registered status"));
        if let Some(nearest) = nearest {
            error.help(format!("the nearest one is {nearest:?}"));
        }
        return None;
    }
    Some(status)
}

fn media_type(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<String> {
    const EXAMPLE: &str = "text/html; charset=utf-8";
    let text = reader.string(entry, "a media type", EXAMPLE)?;
    if MediaType::parse(text.as_bytes()).is_none() || fields::wrong_value(text).is_some() {
        let error = reader.findings.error(entry.span(), format!("`{}` is not a media type", text.escape_debug()));
        error.help(format!("write it as in `type = \"{EXAMPLE}\"`"));
        return None;
    }
    Some(text.to_owned())
}
