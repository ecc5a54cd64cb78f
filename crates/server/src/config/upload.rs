//! `upload`: a `files` route whose files clients may put and delete.

use super::limits;
use super::place::Place;
use super::read::{Entry, Reader, Zero};
use super::{Kind, Route};
use std::ops::Range;
use std::time::Duration;

/// `upload`: what clients may do to a route's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// `quota`: bytes of all files that were uploaded to the route.
    pub quota: Option<u64>,
    /// `types`: the media types that a file may have, as it is sent and by its name; `None` is any.
    pub types: Option<Vec<String>>,
    /// `delete`: whether files can be deleted.
    pub delete: bool,
    /// `keep-deleted`: for how long it is known that a file was deleted.
    pub keep_deleted: Duration,
    /// `create-folders`: whether the folders above a new file are made where they are missing.
    pub create_folders: bool,
}

impl Default for Upload {
    fn default() -> Upload {
        Upload {
            quota: None,
            types: None,
            delete: true,
            keep_deleted: Duration::from_secs(24 * 3600),
            create_folders: false,
        }
    }
}

const EXAMPLE: &str = "{ quota = \"2GiB\", types = [\"image/*\"] }";

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Upload> {
    let mut table = reader.table(entry, Place::Upload, EXAMPLE)?;
    let mut upload = Upload {
        quota: table.take("quota").and_then(|entry| reader.size(&entry, Zero::Refused)),
        types: table.take("types").map(|entry| limits::types(reader, &entry)),
        ..Upload::default()
    };
    for (key, option) in [("delete", &mut upload.delete), ("create-folders", &mut upload.create_folders)] {
        if let Some(entry) = table.take(key) {
            *option = reader.boolean(&entry).unwrap_or(*option);
        }
    }
    if let Some(entry) = table.take("keep-deleted") {
        upload.keep_deleted = reader.duration(&entry, Zero::Taken).unwrap_or(upload.keep_deleted);
    }
    table.finish(reader);
    Some(upload)
}

/// `upload` stands beside `files`, and `kind` is what the route is.
pub(super) fn beside(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, kind: Option<&Kind>) {
    if let Some(kind) = kind.filter(|kind| !matches!(kind, Kind::Files(_))) {
        let message = format!("`upload` on a `{}` route", kind.name());
        let error = reader.findings.error(entry.key_span.clone(), message);
        error.label("is for the files of a folder").help("write `files = \"./uploads\"` beside it, or remove it");
    }
}

/// One folder is one route's to write: each counts what it has taken, and no other.
pub(super) fn one_for_each_folder(reader: &mut Reader<'_>, routes: &[Route], spans: &[Range<usize>]) {
    let folder = |route: &Route| match &route.kind {
        Kind::Files(files) if files.upload.is_some() => files.root.canonicalize().ok(),
        _ => None,
    };
    let folders: Vec<_> = routes.iter().map(folder).collect();
    for (i, span) in spans.iter().enumerate() {
        let Some(one) = &folders[i] else { continue };
        let nested = |other: &Option<std::path::PathBuf>| {
            other.as_ref().is_some_and(|other| other.starts_with(one) || one.starts_with(other))
        };
        if let Some(other) = folders[..i].iter().position(nested) {
            let error = reader.findings.error(span.clone(), "two `upload` routes for one folder");
            error.label("writes there too").also(spans[other].clone(), "this one");
            error.help("give each a folder of its own, or let one of them only read");
        }
    }
}
