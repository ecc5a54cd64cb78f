//! `[tls]`: certificates and their keys.

use super::place::Place;
use super::read::{Entry, Reader};
use super::{Config, Kind, Listen, Redirect, Route, Scheme, Tls};
use crate::route::{MissingSlash, Pattern, Router, Template};
use crate::tls::{Certificate, Part};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use toml::de::DeValue;
use verdict_core::cause::Elsewhere;

const EXAMPLE: &str = "{ certificate = \"cert.pem\", key = \"key.pem\" }";

/// One certificate, or a list of them.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Tls> {
    let mut table = reader.table(entry, Place::Tls, EXAMPLE)?;
    let (certificate, key) = (table.take("certificate"), table.take("key"));
    let list = table.take("certificates");
    let mut redirect_http = false;
    if let Some(entry) = table.take("redirect-http") {
        redirect_http = reader.boolean(&entry).unwrap_or_default();
    }
    table.finish(reader);
    let certificates = match (&list, certificate.as_ref().or(key.as_ref())) {
        (Some(list), Some(one)) => {
            let error = reader.findings.error(list.key_span.clone(), format!("`{}` beside `certificates`", one.key));
            error.also(one.key_span.clone(), "this one is not in the list").help("put all of them into the list");
            return None;
        }
        (Some(list), None) => several(reader, list)?,
        (None, _) => vec![pair(reader, entry, certificate, key)?],
    };
    Some(Tls { certificates, redirect_http })
}

/// That what is listened on and `[tls]` belong together.
pub(super) fn check(
    reader: &mut Reader<'_>,
    entry: Option<&Entry<'_, '_>>,
    listen: Option<(&[Listen], Entry<'_, '_>)>,
) {
    let secure = listen.as_ref().is_some_and(|(listen, _)| listen.iter().any(|listen| listen.scheme == Scheme::Https));
    match (entry, listen) {
        (None, Some((_, listen))) if secure => {
            let error = reader.findings.error(listen.span(), "`https://` without a certificate");
            error.help(format!("add `tls = {EXAMPLE}`"));
        }
        (Some(entry), _) if !secure => {
            let error = reader.findings.error(entry.key_span.clone(), "`tls` without an address to use it on");
            error.help("write `https://` in `listen`, or remove it");
        }
        _ => {}
    }
}

/// Adds the route of everything that comes without TLS. It is no pattern's: what it is for is not told by a host or a path.
pub(super) fn redirect_http(config: &mut Config) {
    let port = config.listen.iter().find(|listen| listen.scheme == Scheme::Https).map(|listen| listen.address.port());
    let port = match port {
        // A port that the system chooses is not known yet.
        None | Some(0 | 443) => String::new(),
        Some(port) => format!(":{port}"),
    };
    let Ok(pattern) = Pattern::parse("/{path...}") else { unreachable!("it is one") };
    let Ok(to) = Template::parse(&format!("https://{{host}}{port}/{{path}}"), &pattern) else {
        unreachable!("its names are the pattern's and `host`")
    };
    let Ok(router) = Router::new([(pattern.clone(), MissingSlash::NotMine)]) else { unreachable!("there is one") };
    let kind = Kind::Redirect(Redirect { to, elsewhere: Elsewhere::ForGood, cache: None });
    config.to_https = Some((router, config.routes.len()));
    config.routes.push(Route { limits: config.limits, ..Route::new(pattern, kind) });
}

fn several(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Vec<Arc<Certificate>>> {
    let DeValue::Array(values) = entry.value.get_ref() else {
        return reader.other_type(entry, "a list, each a certificate and its key", &format!("[{EXAMPLE}]"));
    };
    if values.is_empty() {
        let error = reader.findings.error(entry.span(), "there is no certificate");
        error.help(format!("write it as in `certificates = [{EXAMPLE}]`"));
        return None;
    }
    let mut certificates = Vec::new();
    for value in values.iter() {
        let entry = Entry { value, ..entry.clone() };
        let Some(mut table) = reader.table(&entry, Place::Certificate, &format!("[{EXAMPLE}]")) else { continue };
        let (certificate, key) = (table.take("certificate"), table.take("key"));
        table.finish(reader);
        certificates.extend(pair(reader, &entry, certificate, key));
    }
    (certificates.len() == values.len()).then_some(certificates)
}

/// A certificate and its key, read and held against each other.
fn pair(
    reader: &mut Reader<'_>,
    whole: &Entry<'_, '_>,
    certificate: Option<Entry<'_, '_>>,
    key: Option<Entry<'_, '_>>,
) -> Option<Arc<Certificate>> {
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (certificate, _) => {
            let missing = if certificate.is_none() { "certificate" } else { "key" };
            let error = reader.findings.error(whole.span(), format!("`{missing}` is missing"));
            error.help(format!("write it as in `{EXAMPLE}`"));
            return None;
        }
    };
    let (certificate_path, key_path) = (path(reader, &certificate), path(reader, &key));
    let (certificate_path, key_path) = (certificate_path?, key_path?);
    let place = |part| match part {
        Part::Certificate => (certificate.span(), certificate_path.1.escape_debug()),
        Part::Key => (key.span(), key_path.1.escape_debug()),
    };
    match Certificate::load(&certificate_path.0, &key_path.0) {
        Ok(loaded) => {
            for (part, doubt, help) in loaded.doubts(SystemTime::now()) {
                let (span, path) = place(part);
                reader.findings.warning(span, format!("`{path}` {doubt}")).help(help);
            }
            Some(Arc::new(loaded))
        }
        Err(fault) => {
            let (span, path) = place(fault.part);
            reader.findings.error(span, format!("`{path}` {}", fault.message)).help(fault.help);
            None
        }
    }
}

/// The path of a file, which is never served, and how it was written.
fn path<'a>(reader: &mut Reader<'_>, entry: &Entry<'a, '_>) -> Option<(PathBuf, &'a str)> {
    let text = reader.string(entry, "a file's path", &format!("{}.pem", entry.key))?;
    if text.is_empty() || text.contains('\0') {
        let error = reader.findings.error(entry.span(), format!("`{}` is not a file's path", text.escape_debug()));
        error.help(format!("write it as in `{} = \"{}.pem\"`", entry.key, entry.key));
        return None;
    }
    let path = reader.folder.join(text);
    reader.named_files.extend(path.canonicalize());
    Some((path, text))
}
