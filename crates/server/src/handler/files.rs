//! `files`: a folder. From a path to a representation, and which one of several.
//!
//! Rule: what was matched is what is used. The path was decoded once; here it is only split.

pub mod listing;
mod look_up;
pub mod media_type;
pub mod multipart;
pub(crate) mod upload;

use crate::config;
use crate::disk::{Root, Wait};
use crate::named::Named;
use crate::representation::Representation;
use crate::request::Request;
use look_up::{Disk, Known};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use upload::{TEMPORARY, Turns, Uploads};
use verdict_core::cause::{Absent, Done};
use verdict_core::field::accept_encoding::{AcceptEncoding, Coding};
use verdict_wire::Name;

/// A route's folder, as one worker sees it.
pub(crate) struct Files {
    root: Arc<Root>,
    index: Vec<String>,
    listing: bool,
    dotfiles: bool,
    precompressed: bool,
    cache_control: Option<Box<str>>,
    /// Relative to the root.
    fallback: Option<String>,
    named: Arc<Named>,
    known: RefCell<FxHashMap<Box<str>, Known>>,
    /// How many listings are being made.
    listings: Cell<usize>,
    /// What of the folder is being changed by a route that may, and how often this worker knows of that it was.
    turns: Option<Arc<Turns>>,
    seen: Cell<u64>,
    /// What this route may change.
    pub(crate) uploads: Option<Uploads>,
}

/// A file with the codings that it is there in.
pub(crate) struct Resource {
    plain: Rc<Representation>,
    coded: Vec<(Coding, Rc<Representation>)>,
}

/// What a look-up found.
pub(crate) enum Looked {
    File(Rc<Representation>),
    /// There is no such file; this is what the route serves instead.
    Fallback(Rc<Representation>),
    Listing(Rc<Representation>),
    /// A folder, asked for without its slash.
    SlashMissing,
    Absent(Absent),
}

impl Files {
    /// `turns` are those of a folder that some route may change, and `uploads` is there if it is this one.
    pub(crate) fn new(
        config: &config::Files,
        root: Arc<Root>,
        named: Arc<Named>,
        turns: Option<Arc<Turns>>,
        uploads: Option<Uploads>,
    ) -> Files {
        Files {
            root,
            index: config.index.clone(),
            listing: config.listing,
            dotfiles: config.dotfiles,
            precompressed: config.precompressed,
            cache_control: config.cache.map(|time| format!("max-age={}", time.as_secs()).into()),
            fallback: config.fallback.as_ref().map(|path| path.trim_start_matches('/').to_owned()),
            named,
            known: RefCell::default(),
            listings: Cell::new(0),
            turns,
            seen: Cell::new(0),
            uploads,
        }
    }

    /// What is at a path below the root, in the form that the request asks for. `name` has no leading slash.
    pub(crate) async fn look(&self, request: &Request<'_>, name: &str, now_ns: i64, wait: Wait) -> Looked {
        // A name that cannot be written without encoding a slash is nobody's, though it decodes to what is somebody's.
        if request.head.parts.encoded_slash {
            return Looked::Absent(Absent::EncodedSlash);
        }
        let changes = self.catch_up();
        // Most requests are for what another one asked for a moment ago.
        if let Some(found) = self.recall(name, now_ns, |resource| resource.choose(request))
            && found.content.is_current()
        {
            return Looked::File(found);
        }
        if let Some(absent) = self.refuse_name(name) {
            return Looked::Absent(absent);
        }
        let disk = Disk { now_ns, wait, changes };
        let looked = match self.look_up(request, name, disk).await {
            Looked::Absent(Absent::Nothing) => Looked::Absent(self.why_nothing(name, now_ns)),
            looked => looked,
        };
        match (looked, &self.fallback) {
            // A single-page application routes in the browser. What is there but must not be seen looks like what is not.
            (
                Looked::Absent(
                    Absent::Nothing | Absent::NoIndex | Absent::Outside | Absent::NotAFile | Absent::OfConfig,
                ),
                Some(fallback),
            ) => match self.look_up(request, fallback, disk).await {
                Looked::File(found) => Looked::Fallback(found),
                _ => Looked::Absent(Absent::Nothing),
            },
            (looked, _) => looked,
        }
    }

    /// Whether a look-up can end so.
    pub(crate) fn may_lack(&self, absent: Absent) -> bool {
        match absent {
            // Where the fallback is missing as well, there is nothing.
            Absent::Failed | Absent::Exhausted | Absent::Nothing | Absent::EncodedSlash | Absent::Unreadable => true,
            Absent::Dotfile => !self.dotfiles,
            Absent::NoIndex => !self.listing && self.fallback.is_none(),
            Absent::Outside | Absent::NotAFile | Absent::OfConfig => self.fallback.is_none(),
            Absent::FileDeleted => self.uploads.as_ref().is_some_and(|uploads| !uploads.config.keep_deleted.is_zero()),
            // There are no documents and no jobs.
            Absent::DocumentDeleted | Absent::ResultExpired => false,
        }
    }

    /// Whether serving what a look-up found can be called so.
    pub(crate) fn may_do(&self, done: Done) -> bool {
        match done {
            Done::Served => true,
            Done::FallbackServed => self.fallback.is_some(),
            Done::FolderListed => self.listing,
            // Asked for by its own method, and answered before the content is looked at.
            Done::OptionsAnswered => false,
            Done::Updated
            | Done::JobFinishedInTime
            | Done::JobReported
            | Done::Created
            | Done::JobQueued
            | Done::Replaced
            | Done::Deleted
            | Done::FormTaken
            | Done::JobDone => false,
        }
    }

    /// Takes what is remembered for old if anything was changed since, and says how often something was. Hot.
    #[inline]
    fn catch_up(&self) -> u64 {
        let Some(turns) = &self.turns else { return 0 };
        let changes = turns.changes();
        if changes != self.seen.replace(changes) {
            self.distrust();
        }
        changes
    }

    /// Why nothing is at a path: something may have been deleted there.
    pub(crate) fn why_nothing(&self, name: &str, now_ns: i64) -> Absent {
        let milliseconds = u64::try_from(now_ns / 1_000_000).unwrap_or(0);
        self.uploads.as_ref().map_or(Absent::Nothing, |uploads| uploads.why_nothing(name, milliseconds))
    }

    /// Whether names that begin with a dot are served.
    pub(crate) fn shows_dotfiles(&self) -> bool {
        self.dotfiles
    }

    /// The names that are refused whatever the disk holds.
    fn refuse_name(&self, name: &str) -> Option<Absent> {
        let mut segments = name.split('/').peekable();
        let mut first = true;
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            if segment.is_empty() && !last {
                return Some(Absent::Nothing);
            }
            // RFC 8615: `.well-known` is meant to be asked for.
            let well_known = first && segment == ".well-known";
            // What is not whole yet is nobody's, whatever the config says.
            if self.dotfiles && segment.starts_with(TEMPORARY) {
                return Some(Absent::Nothing);
            }
            if segment.starts_with('.') && !self.dotfiles && !well_known {
                return Some(Absent::Dotfile);
            }
            first = false;
        }
        None
    }
}

impl Resource {
    /// The representation that the client likes best (RFC 9110 §12.5.3). Where it refuses them all, identity: §12.5.3 lets
    /// a server disregard the field, and files ignore what they cannot satisfy.
    fn choose(&self, request: &Request<'_>) -> Rc<Representation> {
        if self.coded.is_empty() || !request.head.has(Name::AcceptEncoding) {
            return self.plain.clone();
        }
        let available: [Coding; 3] = std::array::from_fn(|i| self.coded.get(i).map_or(Coding::Identity, |(c, _)| *c));
        let accepted = AcceptEncoding::parse(request.lines(Name::AcceptEncoding));
        let best = accepted.best(&available[..self.coded.len()]);
        let found = self.coded.iter().find(|(coding, _)| Some(*coding) == best);
        found.map_or_else(|| self.plain.clone(), |(_, representation)| representation.clone())
    }
}
