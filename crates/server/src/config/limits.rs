//! `[limits]`, and a route's `limits` over them.

use super::Limits;
use super::place::Place;
use super::read::{Entry, Reader, Zero};
use crate::descriptors;
use std::time::Duration;
use toml::de::DeValue;
use verdict_core::field::media_type::MediaType;

/// The limits of the whole server.
pub(super) fn top(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut table) = reader.table(entry, Place::Limits, "{ head = \"10s\", body = \"16MiB\" }") else {
        return limits;
    };
    let mut time = |key, limit: &mut Duration| {
        if let Some(entry) = table.take(key) {
            *limit = reader.duration(&entry, Zero::Refused).unwrap_or(*limit);
        }
    };
    time("head", &mut limits.head);
    time("body-idle", &mut limits.body_idle);
    time("send-idle", &mut limits.send_idle);
    time("idle", &mut limits.idle);
    if let Some(entry) = table.take("connections") {
        limits.connections = connections(reader, &entry).unwrap_or(limits.connections);
    }
    let mut count = |key, limit: &mut u64| {
        if let Some(entry) = table.take(key) {
            *limit = count_of(reader, &entry, *limit).unwrap_or(*limit);
        }
    };
    count("per-client", &mut limits.per_client);
    count("requests", &mut limits.requests);
    if let Some(entry) = table.take("min-rate") {
        limits.min_rate = reader.rate(&entry).unwrap_or(limits.min_rate);
    }
    if let Some(entry) = table.take("body") {
        limits.body = reader.size(&entry, Zero::Taken).unwrap_or(limits.body);
    }
    if let Some(entry) = table.take("target") {
        limits.target = head_size(reader, &entry).unwrap_or(limits.target);
    }
    if let Some(entry) = table.take("fields") {
        limits.fields = head_size(reader, &entry).unwrap_or(limits.fields);
    }
    table.finish(reader);
    limits
}

fn count_of(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, default: u64) -> Option<u64> {
    reader.integer(entry, 1..u64::from(u32::MAX), &default.to_string())
}

/// As many connections as the process can have descriptors for, however many were asked for.
fn connections(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<u64> {
    let asked = count_of(reader, entry, Limits::default().connections)?;
    let most = descriptors::most();
    if asked > descriptors::room(most) {
        let warning = reader.findings.warning(entry.span(), descriptors::too_many(asked, most));
        warning.label("each is a descriptor").help(descriptors::remedy(most));
    }
    Some(asked.min(descriptors::room(most)))
}

/// What a route's `limits` say.
pub(super) struct OfRoute {
    pub(super) limits: Limits,
    /// It demands a length.
    pub(super) length_required: bool,
    /// The media types that it takes; `None` is any.
    pub(super) types: Option<Vec<String>>,
}

/// A route's limits over those of the server.
pub(super) fn route(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, defaults: Limits) -> OfRoute {
    let mut limits = defaults;
    let Some(mut table) = reader.table(entry, Place::RouteLimits, "{ body = \"50MiB\" }") else {
        return OfRoute { limits, length_required: false, types: None };
    };
    if let Some(entry) = table.take("body-idle") {
        limits.body_idle = reader.duration(&entry, Zero::Refused).unwrap_or(limits.body_idle);
    }
    if let Some(entry) = table.take("send-idle") {
        limits.send_idle = reader.duration(&entry, Zero::Refused).unwrap_or(limits.send_idle);
    }
    if let Some(entry) = table.take("min-rate") {
        limits.min_rate = reader.rate(&entry).unwrap_or(limits.min_rate);
    }
    if let Some(entry) = table.take("body") {
        limits.body = reader.size(&entry, Zero::Taken).unwrap_or(limits.body);
    }
    if let Some(entry) = table.take("target") {
        limits.target = lower(reader, &entry, limits.target).unwrap_or(limits.target);
    }
    if let Some(entry) = table.take("fields") {
        limits.fields = lower(reader, &entry, limits.fields).unwrap_or(limits.fields);
    }
    let length = table.take("length").and_then(|entry| reader.word(&entry, &[("required", true)]));
    let types = table.take("types").map(|entry| types(reader, &entry));
    for key in ["head", "idle", "connections", "per-client", "requests"] {
        if let Some(entry) = table.take_refused(key) {
            let error = reader.findings.error(entry.key_span, format!("a route cannot set `{key}`"));
            error.label("holds before the route is known").help("set it in `[limits]`, for the whole server");
        }
    }
    table.finish(reader);
    OfRoute { limits, length_required: length.unwrap_or(false), types }
}

/// `type/subtype`, `type/*` or `*/*` (RFC 9110 §12.5.1, without parameters).
pub(super) fn types(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<String> {
    const EXAMPLE: &str = "application/json";
    let mut types = Vec::new();
    if let DeValue::Array(values) = entry.value.get_ref()
        && values.is_empty()
    {
        let error = reader.findings.error(entry.span(), "a route without a media type takes no content");
        error.help(format!("write it as in `types = [\"{EXAMPLE}\", \"image/*\"]`, or remove it"));
    }
    for (text, span) in reader.strings(entry, "a media type", EXAMPLE) {
        let (what, help) = match MediaType::parse(text.as_bytes()) {
            Some(media_type) if !media_type.parameters.is_empty() || text.contains(';') => (
                "has parameters, which do not count",
                format!("write `{}`", text.split(';').next().unwrap_or("").trim()),
            ),
            Some(MediaType { kind: b"*", subtype, .. }) if subtype != b"*" => {
                ("is not a media type", "write one, or `*/*` for any".to_owned())
            }
            Some(_) => {
                types.push(text.to_owned());
                continue;
            }
            None => ("is not a media type", format!("write it as in `types = [\"{EXAMPLE}\", \"image/*\"]`")),
        };
        reader.findings.error(span, format!("`{}` {what}", text.escape_debug())).help(help);
    }
    types
}

fn head_size(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<u64> {
    let size = reader.size(entry, Zero::Refused)?;
    if size > Limits::HEAD_MAX {
        let error = reader.findings.error(entry.span(), format!("`{}` is at most 16MiB", entry.key));
        error.label("held in memory for each request").help(format!("write it as in `{} = \"64KiB\"`", entry.key));
        return None;
    }
    Some(size)
}

/// The head has been read in the limits of the whole server by the time that the route is known.
fn lower(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, default: u64) -> Option<u64> {
    let size = head_size(reader, entry)?;
    if size > default {
        let message = format!("a route can only lower `{}`, here from {default} bytes", entry.key);
        reader.findings.error(entry.span(), message).help(format!("raise `{}` in `[limits]`", entry.key));
        return None;
    }
    Some(size)
}
