//! `documents`: a collection of JSON documents in the store, each at its id.
//!
//! What a client sent is what it gets back, byte for byte: id and revision are in the URL, the tag and the entries of lists, and
//! nowhere in a document. The tag is the store's revision, so what is compared when something is asked and what is compared when
//! it is written are one thing.

mod change;
mod page;
mod possible;

pub(crate) use change::Asked;

use crate::config;
use crate::handler::idempotency;
use crate::representation::{Content, Description, Representation};
use crate::request::Request;
use crate::store::{self, Collection, Current, Documents as _, Found, Reader};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use verdict_core::cause::{Absent, Failure, Unplaceable};
use verdict_core::decide::Negotiate;
use verdict_core::field::accept::Accept;
use verdict_core::field::media_type::MediaType;
use verdict_core::method::{Method, MethodSet};
use verdict_wire::{Framing, Name};

/// What a document is, what makes one of a page, and what changes one.
pub(crate) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// The longest id, in bytes. Ids are not counted by a quota.
const LONGEST_ID: usize = 255;

/// Bytes of documents whose answers are kept ready, with what each takes beside its own, and the largest of them.
const MOST_READY: usize = 4 << 20;
const BESIDE_READY: usize = 512;
const READY_SIZE: usize = 64 << 10;

/// What a document takes, and what its collection.
pub(crate) const OF_DOCUMENT: MethodSet =
    MethodSet::of(&[Method::Get, Method::Head, Method::Put, Method::Patch, Method::Delete, Method::Options]);
pub(crate) const OF_COLLECTION: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Post, Method::Options]);

/// One collection, as a worker has it.
pub(crate) struct Documents {
    pub(crate) config: Arc<config::Documents>,
    collection: Arc<Collection>,
    reader: Rc<Reader>,
    /// By revision, which is of one document alone.
    ready: RefCell<Ready>,
}

/// Answers that are kept ready.
#[derive(Default)]
struct Ready {
    of: HashMap<u64, Rc<Representation>>,
    bytes: usize,
}

/// What a request is about.
pub(crate) struct Subject {
    /// The document's id; `None`: the collection.
    pub(crate) id: Option<String>,
    /// What is there.
    pub(crate) current: Option<Current>,
    /// A filter or an order of the query that cannot be used, in words.
    pub(crate) unlisted: Option<String>,
}

/// What the look-up found.
pub(crate) struct Looked {
    pub(crate) subject: Subject,
    pub(crate) representation: Option<Rc<Representation>>,
    pub(crate) absent: Option<Absent>,
}

impl Documents {
    pub(crate) fn new(config: Arc<config::Documents>, collection: Arc<Collection>, reader: Rc<Reader>) -> Documents {
        Documents { config, collection, reader, ready: RefCell::default() }
    }

    /// What is at a document's path. `now`: milliseconds since 1970. Hot.
    pub(crate) fn look(&self, id: &str, method: Method, now: u64) -> Looked {
        let mut subject = Subject { id: Some(id.to_owned()), current: None, unlisted: None };
        let creates = method == Method::Put;
        let absent = match self.reader.get(&self.collection, id, now) {
            _ if id.len() > LONGEST_ID => Some(Absent::Nothing),
            // A slash in an id would be another path once it is decoded.
            _ if id.contains("%2F") || id.contains("%2f") => Some(Absent::EncodedSlash),
            Ok(Found::Current(current)) => {
                subject.current = Some(current);
                None
            }
            Ok(Found::Deleted { .. } | Found::Nothing) if creates => None,
            Ok(Found::Deleted { .. }) => Some(Absent::DocumentDeleted),
            Ok(Found::Nothing) => Some(Absent::Nothing),
            Err(failure) => Some(of_look_up(failure)),
        };
        let representation = subject.current.as_ref().map(|current| self.representation(current));
        Looked { subject, representation, absent }
    }

    /// What is at the collection's path: for a method that reads, the page that the query asks for.
    pub(crate) fn look_at_collection(&self, request: &Request<'_>) -> Looked {
        let mut subject = Subject { id: None, current: None, unlisted: None };
        if !request.head.method.reads() {
            return Looked { subject, representation: None, absent: None };
        }
        match page::page(self, request) {
            Ok(representation) => Looked { subject, representation: Some(Rc::new(representation)), absent: None },
            Err(page::Wrong::Query(words)) => {
                subject.unlisted = Some(words);
                Looked { subject, representation: None, absent: None }
            }
            Err(page::Wrong::Failed(failure)) => {
                Looked { subject, representation: None, absent: Some(of_look_up(failure)) }
            }
        }
    }

    fn representation(&self, current: &Current) -> Rc<Representation> {
        let mut ready = self.ready.borrow_mut();
        if let Some(known) = ready.of.get(&current.revision) {
            return known.clone();
        }
        let made = Rc::new(described(current.content.clone(), Some(store::tag(current.revision))));
        if current.content.len() <= READY_SIZE {
            let bytes = current.content.len() + BESIDE_READY;
            if ready.bytes + bytes > MOST_READY {
                *ready = Ready::default();
            }
            ready.bytes += bytes;
            ready.of.insert(current.revision, made.clone());
        }
        made
    }

    /// Whether the content and the answer are ones that documents have.
    pub(crate) fn negotiation(&self, request: &Request<'_>, subject: &Subject, common: Negotiate) -> Negotiate {
        let method = request.head.method;
        let taken = takes(method);
        let declared = match request.head.framing {
            Framing::Length(length) => Some(length),
            Framing::None | Framing::Chunked => None,
        };
        let content_type = request.value(Name::ContentType).and_then(MediaType::parse);
        let takes_type = content_type.is_some_and(|found| taken.iter().any(|media_type| found.matches(media_type)));
        let writes = !taken.is_empty();
        let over_quota = declared.zip(self.config.quota).is_some_and(|(declared, quota)| writes && declared > quota);
        let unplaceable = if subject.unlisted.is_some() {
            Some(Unplaceable::Filter)
        } else if method == Method::Post && idempotency::is_malformed(request) {
            Some(Unplaceable::Key)
        } else {
            over_quota.then_some(Unplaceable::Quota)
        };
        let json = MediaType::parse(JSON.as_bytes());
        let accepted = json.is_some_and(|json| Accept::new(request.lines(Name::Accept)).quality(json) > 0);
        Negotiate {
            content: common.content || writes,
            // Content that the method has no use for may be of any kind.
            type_not_taken: common.type_not_taken || writes && !takes_type,
            coding_not_taken: common.coding_not_taken
                || writes && crate::content_type::is_coded(request.lines(Name::ContentEncoding)),
            not_acceptable: method.reads() && method != Method::Options && !accepted,
            unplaceable,
            ..common
        }
    }
}

/// The media types that content for a method may have.
pub(crate) fn takes(method: Method) -> &'static [&'static str] {
    match method {
        Method::Put => &[JSON],
        Method::Post => &[JSON, FORM],
        Method::Patch => &[MERGE_PATCH, JSON_PATCH],
        _ => &[],
    }
}

/// JSON in memory.
fn described(content: bytes::Bytes, tag: Option<String>) -> Representation {
    let description = Description {
        media_type: Cow::Borrowed(JSON),
        coding: None,
        tag: tag.map(Into::into),
        last_modified: None,
        cache_control: None,
        vary: None,
        ranges: false,
        link: None,
        policy: None,
    };
    Representation::new(Content::Memory(content), description)
}

fn of_look_up(failure: Failure) -> Absent {
    match failure {
        Failure::Corrupt | Failure::Disk | Failure::DiskFull | Failure::Quota | Failure::Panicked => Absent::Failed,
        Failure::StoreBusy | Failure::Queue => Absent::Exhausted,
    }
}
