//! `headers`: fields that answers carry because the config says so.

use super::read::{Entry, Reader};
use std::ops::Range;
use toml::de::DeValue;
use verdict_core::status::Status;

/// The fields that frame a message or belong to a connection (RFC 9110 §7.6.1, RFC 9112 §6): two that disagree are an
/// attack, so only the writer sets them.
pub(super) const FRAMING: &[&str] = &[
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Proxy-Connection",
    "Upgrade",
];

/// The fields that say what the decision was: on every status alike they would be wrong on most.
pub(super) const DECIDED: &[&str] = &[
    "Accept-Ranges",
    "Allow",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Location",
    "Proxy-Authenticate",
    "Proxy-Status",
    "Retry-After",
    "WWW-Authenticate",
];

/// The fields that are the server's own on every answer.
pub(super) const OURS: &[&str] = &["Date", "Request-Id", "Verdict-Reason"];

/// A field, and where its name and its value stand.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) name_span: Range<usize>,
}

/// The fields of a route's `headers`.
pub(super) fn of_route(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<Field> {
    read(reader, entry, |name| {
        if is_one_of(name, DECIDED) {
            return Some((
                "depends on each answer",
                "give it in `respond = { headers = … }`, for one answer".to_owned(),
            ));
        }
        owned(name)
    })
}

/// The fields of a `respond` with this status.
pub(super) fn of_respond(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, status: Option<Status>) -> Vec<Field> {
    let required = status.and_then(Status::entry).map_or(&[][..], |entry| entry.required);
    read(reader, entry, |name| {
        if required.iter().any(|field| field.name().eq_ignore_ascii_case(name)) {
            return None;
        }
        if name.eq_ignore_ascii_case("Content-Type") {
            return Some(("has a key of its own", "write `respond = { type = … }`".to_owned()));
        }
        if name.eq_ignore_ascii_case("Content-Encoding") {
            return Some(("the body is sent as it is written", "remove it".to_owned()));
        }
        owned(name)
    })
}

/// Why nobody but the server sets a field, and what to do.
fn owned(name: &str) -> Option<(&'static str, String)> {
    if is_one_of(name, FRAMING) {
        return Some(("frames the message", "remove it: it follows from what is sent".to_owned()));
    }
    is_one_of(name, OURS).then(|| ("set on every answer", "remove it: the server sets it".to_owned()))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    refused: impl Fn(&str) -> Option<(&'static str, String)>,
) -> Vec<Field> {
    const EXAMPLE: &str = "{ \"X-Frame-Options\" = \"DENY\" }";
    let mut fields: Vec<Field> = Vec::new();
    let Some(entries) = reader.entries(entry, EXAMPLE) else { return fields };
    for (key, value) in entries.iter() {
        let name: &str = key.get_ref();
        if !is_token(name) {
            let message = format!("`{}` is not a field name", name.escape_debug());
            let error = reader.findings.error(key.span(), message);
            error.help("a field name is letters, digits and ``!#$%&'*+-.^_`|~`` (RFC 9110 §5.1)");
            continue;
        }
        if let Some((why, help)) = refused(name) {
            let error = reader.findings.error(key.span(), format!("`{name}` cannot be set here"));
            error.label(why).help(help);
            continue;
        }
        if let Some(earlier) = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)) {
            let error = reader.findings.error(key.span(), format!("`{name}` is set twice"));
            error.also(earlier.name_span.clone(), "first here").help("field names have no case: keep one");
            continue;
        }
        let DeValue::String(text) = value.get_ref() else {
            let error = reader.findings.error(value.span(), format!("the value of `{name}` is not a string"));
            error.help(format!("write it as in `headers = {EXAMPLE}`"));
            continue;
        };
        if let Some((message, help)) = wrong_value(text) {
            reader.findings.error(value.span(), format!("the value of `{name}` {message}")).help(help);
            continue;
        }
        fields.push(Field { name: name.to_owned(), value: text.to_string(), name_span: key.span() });
    }
    fields
}

/// What a field value cannot be (RFC 9110 §5.5), and what to do about it.
pub(super) fn wrong_value(value: &str) -> Option<(&'static str, &'static str)> {
    if value.contains(['\r', '\n']) {
        return Some(("has a line break", "a field is one line: whatever follows would be a field of its own"));
    }
    if value.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
        return Some(("has a control character", "remove it"));
    }
    if !value.is_ascii() {
        return Some(("is not ASCII", "recipients read other bytes differently: encode them as the field's rules say"));
    }
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Some(("begins or ends with white space", "remove it: recipients do"));
    }
    None
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
