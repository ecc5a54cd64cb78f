//! `[limits]`, and a route's `limits` over them.

use super::Limits;
use super::later::Place;
use super::read::{Entry, Reader, Zero};
use crate::descriptors;
use std::time::Duration;

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

/// A route's limits, and whether it demands a length.
pub(super) fn route(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, defaults: Limits) -> (Limits, bool) {
    let mut limits = defaults;
    let mut length_required = false;
    let Some(mut table) = reader.table(entry, Place::RouteLimits, "{ body = \"50MiB\" }") else {
        return (limits, length_required);
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
    if let Some(entry) = table.take("length") {
        length_required = reader.word(&entry, &[("required", true)]).unwrap_or(false);
    }
    for key in ["head", "idle", "connections", "per-client", "requests"] {
        if let Some(entry) = table.take_refused(key) {
            let error = reader.findings.error(entry.key_span, format!("a route cannot set `{key}`"));
            error.label("holds before the route is known").help("set it in `[limits]`, for the whole server");
        }
    }
    table.finish(reader);
    (limits, length_required)
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
