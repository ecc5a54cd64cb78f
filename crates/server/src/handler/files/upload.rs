//! `upload`: files of the folder are put and deleted.
//!
//! Rules: a file is whole or is not there. What was begun is written down before it is (`store/uploads.rs`), content goes into
//! a file of another name in the same folder, and that is on the disk before it gets the name. From the last look at the
//! conditions to that moment nobody else in this process changes the path (`turn.rs`); of two processes during a hand-over
//! either may come last. What GET hides cannot be put: a name that begins with a dot, files of the config, `state`. Folders and
//! symbolic links take no PUT and no DELETE, and no link leads to where something is written.

mod change;
mod place;
mod possible;
mod start;
mod turn;

pub(crate) use change::Asked;
pub(crate) use place::Place;
pub(crate) use start::reconcile;
pub(crate) use turn::Turns;

use super::Files;
use crate::config;
use crate::content_type::{Types, is_coded};
use crate::disk::Wait;
use crate::handler::wrote::Details;
use crate::request::Request;
use crate::store::{Known, Reader};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use verdict_core::cause::{Absent, Failure, Unplaceable};
use verdict_core::decide::Negotiate;
use verdict_core::method::{Method, MethodSet};
use verdict_wire::{Framing, Name};

/// What the name of a file begins with that is not whole. No request reaches one, whatever the config says.
pub(super) const TEMPORARY: &str = ".verdict-upload-";

/// The longest name of a file system that is in use, and the longest path of the kernel, less what a temporary name takes.
const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 4096 - 64;

/// A folder that takes files, as a worker has it.
pub(crate) struct Uploads {
    pub(crate) config: config::Upload,
    /// The route's pattern, under which the store has its files.
    route: String,
    types: Option<Types>,
    reader: Rc<Reader>,
    turns: Arc<Turns>,
}

/// What a request is about that changes something.
pub(crate) struct Subject {
    /// Beneath the root.
    pub(crate) path: String,
    pub(crate) place: Place,
    /// What a refusal tells of it.
    pub(crate) details: Details,
}

impl Uploads {
    pub(crate) fn new(config: config::Upload, route: &str, reader: Rc<Reader>, turns: Arc<Turns>) -> Uploads {
        let types = config.types.as_deref().map(Types::new);
        Uploads { config, route: route.to_owned(), types, reader, turns }
    }

    /// What a file takes.
    pub(crate) fn allow(&self) -> MethodSet {
        const WRITING: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Put, Method::Options]);
        const DELETING: MethodSet =
            MethodSet::of(&[Method::Get, Method::Head, Method::Put, Method::Delete, Method::Options]);
        if self.config.delete { DELETING } else { WRITING }
    }

    /// Why nothing is at a path where nothing is. `now`: milliseconds since 1970.
    pub(super) fn why_nothing(&self, path: &str, now: u64) -> Absent {
        match self.reader.file(&self.route, path, now) {
            Ok(Known::Deleted { .. }) => Absent::FileDeleted,
            Ok(Known::There { .. } | Known::Nothing) => Absent::Nothing,
            Err(Failure::StoreBusy) => Absent::Exhausted,
            Err(_) => Absent::Failed,
        }
    }

    /// Why there is no room for a file of so many bytes, in numbers: what is used, and the quota.
    fn lack(&self, path: &str, bytes: u64, now: u64) -> Option<(u64, u64)> {
        let limit = self.config.quota?;
        // What cannot be read is told when it is to be written.
        let used = self.reader.used(&self.route).ok()?;
        let replaced = match self.reader.file(&self.route, path, now) {
            Ok(Known::There { bytes }) => bytes,
            _ => 0,
        };
        (used.saturating_sub(replaced).saturating_add(bytes) > limit).then_some((used, limit))
    }

    /// Whether the content and its place are ones that the route has, and what is the matter if not.
    pub(crate) fn negotiation(
        &self,
        request: &Request<'_>,
        subject: &Subject,
        now: u64,
        common: Negotiate,
    ) -> (Negotiate, Details) {
        let mut details = Details::default();
        if request.head.method != Method::Put {
            return (common, details);
        }
        // GET tells the type by the name: it has to be one that is taken too, or any page could be sent as an image.
        let type_not_taken = self.types.as_ref().is_some_and(|types| {
            !types.take(request.value(Name::ContentType))
                || !types.take(Some(super::media_type::of(&subject.path).as_bytes()))
        });
        let unplaceable = if request.head.has(Name::ContentRange) {
            // RFC 9110 §14.5
            Some(Unplaceable::ContentRange)
        } else if !self.has_parent(&subject.place) {
            Some(Unplaceable::ParentMissing)
        } else if let Framing::Length(length) = request.head.framing
            && let Some(lack) = self.lack(&subject.path, length, now)
        {
            details.used = Some(lack);
            Some(Unplaceable::Quota)
        } else {
            None
        };
        let negotiate = Negotiate {
            content: true,
            type_not_taken: common.type_not_taken || type_not_taken,
            // Nothing is decoded, and GET would not tell that it is coded.
            coding_not_taken: common.coding_not_taken || is_coded(request.lines(Name::ContentEncoding)),
            unplaceable,
            ..common
        };
        (negotiate, details)
    }

    fn has_parent(&self, place: &Place) -> bool {
        match place {
            Place::Free { missing } => *missing == 0 || self.config.create_folders,
            Place::Impossible => false,
            Place::There { .. } | Place::Fixed | Place::Absent(_) => true,
        }
    }

    /// The types that are taken, for a 415.
    pub(crate) fn types(&self) -> Option<&Types> {
        self.types.as_ref()
    }
}

impl Files {
    /// What is where a request would write. `name` is below the root and has no leading slash.
    pub(crate) async fn look_to_write(&self, request: &Request<'_>, name: &str, wait: Wait) -> Place {
        if request.head.parts.encoded_slash {
            return Place::Absent(Absent::EncodedSlash);
        }
        // A folder is not put, and neither is it deleted: RFC 4918 is another protocol.
        if name.is_empty() || name.ends_with('/') {
            return Place::Fixed;
        }
        if let Some(absent) = self.refuse_name(name) {
            return Place::Absent(absent);
        }
        let spelt = |name: &str| name.len() <= LONGEST_NAME && !name.bytes().any(|byte| byte.is_ascii_control());
        if name.len() > LONGEST_PATH || !name.split('/').all(spelt) {
            return Place::Absent(Absent::Nothing);
        }
        if wait == Wait::No {
            return pending().await;
        }
        let (root, named, path) = (self.root.clone(), self.named.clone(), name.to_owned());
        let looked = spawn_blocking(move || place::look(&root, &named, &path)).await;
        looked.unwrap_or(Place::Absent(Absent::Failed))
    }
}
