//! A page of a collection: `{ "documents": [ { "id", "etag", "href", "document" } ] }`, and a link to the next.
//!
//! The query says which: `status=open`, `priority.gte=3` for indexed members, `_sort=-priority`, `_limit=20`, `_after=…`.

use super::{Documents, described};
use crate::config::LARGEST_PAGE;
use crate::document::form;
use crate::representation::Representation;
use crate::request::Request;
use crate::route::push_uri;
use crate::store::{self, Cursor, Documents as _, Filter, Is, Key, Query, Unlisted};
use std::fmt::Write;
use verdict_core::cause::Failure;
use verdict_core::explain::push_json;

/// Filters of one query, at most.
const MOST_FILTERS: usize = 16;

/// Why there is no page.
pub(super) enum Wrong {
    /// What the query asks for cannot be done, in words.
    Query(String),
    Failed(Failure),
}

/// The page that a request asks for.
pub(super) fn page(documents: &Documents, request: &Request<'_>) -> Result<Representation, Wrong> {
    let text = request.query().unwrap_or("");
    let query = query(documents, text).map_err(Wrong::Query)?;
    let page = documents.reader.list(&documents.collection, &query).map_err(|unlisted| match unlisted {
        Unlisted::NotIndexed(member) => Wrong::Query(format!("`{member}` is not indexed")),
        Unlisted::Cursor => Wrong::Query("`_after` is of another query".to_owned()),
        Unlisted::Failed(failure) => Wrong::Failed(failure),
    })?;
    let path = request.raw_path;
    let mut out = String::from("{\"documents\":[");
    for (i, (id, current)) in page.items.iter().enumerate() {
        out.push_str(if i == 0 { "{\"id\":" } else { ",{\"id\":" });
        push_json(&mut out, id);
        out.push_str(",\"etag\":");
        push_json(&mut out, &store::tag(current.revision));
        out.push_str(",\"href\":");
        push_json(&mut out, &href(path, id));
        out.push_str(",\"document\":");
        // Only what is JSON in UTF-8 was ever stored.
        out.push_str(std::str::from_utf8(&current.content).unwrap_or("null").trim());
        out.push('}');
    }
    out.push(']');
    let next = page.next.map(|cursor| next(path, text, &cursor.to_text()));
    if let Some(next) = &next {
        out.push_str(",\"next\":");
        push_json(&mut out, next);
    }
    out.push_str("}\n");
    // A page is what it is by its collection, by the query, which is part of the URL, and by how many documents it may have,
    // which the config says where the query does not (RFC 9110 §8.8.3).
    let tag = format!("\"{:x}-{}\"", page.revision, query.limit);
    let mut representation = described(out.into_bytes().into(), Some(tag));
    representation.description.link = next.map(|next| format!("<{next}>; rel=\"next\"").into());
    Ok(representation)
}

/// Where a document of a collection is.
pub(super) fn href(collection: &str, id: &str) -> String {
    let mut out = String::new();
    push_uri(collection.trim_end_matches('/'), &mut out);
    out.push('/');
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// The same query, from another place on.
fn next(path: &str, query: &str, cursor: &str) -> String {
    let mut out = String::new();
    push_uri(path, &mut out);
    let mut before = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("_after=")) {
        out.push(before);
        push_uri(pair, &mut out);
        before = '&';
    }
    let _ = write!(out, "{before}_after={cursor}");
    out
}

fn query(documents: &Documents, text: &str) -> Result<Query, String> {
    let mut query = Query { limit: documents.config.page as usize, ..Query::default() };
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        match &*name {
            "_limit" => {
                let most = LARGEST_PAGE as usize;
                let limit = value.parse().ok().filter(|limit| (1..=most).contains(limit));
                query.limit = limit.ok_or_else(|| format!("`_limit` is a number from 1 to {most}"))?;
            }
            "_after" => query.after = Some(Cursor::parse(&value).ok_or("`_after` is not one that a page gave")?),
            "_sort" => {
                let (member, descending) = value.strip_prefix('-').map_or((&*value, false), |member| (member, true));
                (query.sort, query.descending) = (Some(pointer(member)), descending);
            }
            _ if name.starts_with('_') => return Err(format!("`{name}` is not `_after`, `_limit` or `_sort`")),
            _ if query.filters.len() == MOST_FILTERS => {
                return Err(format!("there are more than {MOST_FILTERS} filters"));
            }
            _ => {
                let (member, is) = comparison(&name);
                query.filters.push(Filter { pointer: pointer(member), is, value: key(&value) });
            }
        }
    }
    Ok(query)
}

/// A member by its name, or by its JSON Pointer.
fn pointer(member: &str) -> String {
    if member.starts_with('/') { member.to_owned() } else { format!("/{}", member.replace('.', "/")) }
}

fn comparison(name: &str) -> (&str, Is) {
    const ALL: [(&str, Is); 5] = [
        (".gte", Is::GreaterOrEqual),
        (".gt", Is::Greater),
        (".lte", Is::LessOrEqual),
        (".lt", Is::Less),
        (".ne", Is::NotEqual),
    ];
    let found = ALL.iter().find_map(|(suffix, is)| Some((name.strip_suffix(suffix)?, *is)));
    found.unwrap_or((name, Is::Equal))
}

/// A value of the query: JSON where it is a number, `true`, `false`, `null` or a string in quotes, and else a text.
fn key(value: &str) -> Key {
    match serde_json::from_str(value) {
        Ok(json @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_) | serde_json::Value::Null)) => {
            Key::of(&json)
        }
        Ok(serde_json::Value::String(text)) => Key::text(&text),
        _ => Key::text(value),
    }
}

/// A part of a query, with its percent-encoding and `+` decoded.
fn decoded(text: &str) -> Result<String, String> {
    form::decoded(text.as_bytes(), 0).map_err(|fault| format!("the query: {}", fault.what))
}
