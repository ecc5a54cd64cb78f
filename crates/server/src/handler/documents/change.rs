//! A document is put, patched, posted or deleted: its content is read and looked at, and the store compares and sets.

use super::page::href;
use super::{Documents, FORM, JSON_PATCH, Subject, described};
use crate::config::{self, Limits};
use crate::content::{self, Held};
use crate::deadline::Deadlines;
use crate::document::form;
use crate::document::patch::{self, apply, merge};
use crate::document::schema::Schema;
use crate::document::strict;
use crate::document::tree::Tree;
use crate::handler::idempotency;
use crate::handler::wrote::{Details, PATIENCE, Tried, Wrote, failed, patiently, refused};
use crate::request::Request;
use crate::store::{
    self, Answer, Begun, Collection, Delete, Documents as _, Expect, Found, Refused, Remember, Repeated, Values, Write,
};
use bytes::Bytes;
use serde_json::Value;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use verdict_core::cause::{Conflict, Done, Failure, Rejected};
use verdict_core::decide::{Outcome, Permit};
use verdict_core::field::list::elements;
use verdict_core::field::media_type::MediaType;
use verdict_core::method::Method;
use verdict_wire::Name;

/// How often a change that has no condition is tried anew when another came before it.
const TRIES: u32 = 16;

/// How many documents are looked at beside the workers, in the whole process: more at once would only hold more memory, which
/// is many times what was sent while it is looked at.
static PLACES: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(available_parallelism().map_or(2, NonZero::get))));

/// A document of up to this size is looked at on the worker's own thread.
const SMALL: usize = 16 << 10;

/// What is asked for, by whom it was admitted.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) subject: &'a Subject,
    pub(crate) permit: &'a Permit,
    /// Whether there was a condition that held.
    pub(crate) conditional: bool,
    pub(crate) user: Option<&'a str>,
    pub(crate) limits: &'a Limits,
    /// The id of a document that has none yet.
    pub(crate) new: &'a str,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    /// Only look what would come of it.
    pub(crate) dry: bool,
    /// What bounds waiting for the store.
    pub(crate) deadlines: Option<&'a Rc<Deadlines>>,
}

impl Documents {
    /// Does what a request asks for.
    pub(crate) async fn change(&self, asked: &Asked<'_>, content: &mut content::Content<'_>) -> Wrote {
        let done = match asked.request.head.method {
            Method::Delete => self.delete(asked).await,
            Method::Post => self.create(asked, content).await,
            _ => self.put(asked, content).await,
        };
        done.unwrap_or_else(|refused| *refused)
    }

    async fn delete(&self, asked: &Asked<'_>) -> Tried<Wrote> {
        let kept = self.config.keep_deleted.as_millis() as u64;
        let deletion = Delete {
            collection: self.collection.clone(),
            id: asked.subject.id.clone().unwrap_or_default(),
            expect: expected(asked),
            keep_until: (kept > 0).then(|| asked.now.saturating_add(kept)),
            dry: asked.dry,
            now: asked.now,
        };
        match patiently(self.reader.store().delete(deletion), asked.deadlines).await? {
            // Somebody else was faster, and it is as it was to be.
            Ok(_) | Err(Refused::NothingThere { .. }) => Ok(Wrote::done(Done::Deleted)),
            Err(refusal) => Err(self.refusal(refusal, asked)),
        }
    }

    async fn create(&self, asked: &Asked<'_>, content: &mut content::Content<'_>) -> Tried<Wrote> {
        let (sent, _held) = self.content(asked, content).await?;
        let route = self.config.collection.as_str();
        let begun = idempotency::begin(&self.reader, asked.request, asked.user, route, &sent, asked.now);
        let remember = match begun.transpose().map_err(failed)? {
            None => None,
            Some(Begun::Fresh(key)) => Some(key),
            Some(Begun::InFlight) => return Err(refused(Outcome::Conflict(Conflict::KeyInFlight), Details::default())),
            Some(Begun::Repeated(repeated)) => return self.repeated(asked, repeated),
        };
        let location = href(asked.request.raw_path, asked.new);
        let tagged = self.config.version.is_none();
        let remember = remember.filter(|_| !asked.dry).map(|key| {
            let location = location.clone();
            let answer = move |revision| Answer::new(format!("{revision}\n{location}").into_bytes());
            Remember { key, answer: Box::new(answer) }
        });
        let written_as = if is(asked, FORM) { WrittenAs::Form } else { WrittenAs::Document };
        let Ready { content, values } = self.draft(asked, sent, written_as, None).ready(asked).await?;
        let write = Write { remember, ..self.write(asked, asked.new.to_owned(), Expect::Absent, content, values) };
        match patiently(self.reader.store().write(write), asked.deadlines).await? {
            Ok(written) => Ok(made(asked, written.revision, location, tagged)),
            Err(Refused::Repeated(repeated)) => self.repeated(asked, repeated),
            Err(refusal) => Err(self.refusal(refusal, asked)),
        }
    }

    async fn put(&self, asked: &Asked<'_>, content: &mut content::Content<'_>) -> Tried<Wrote> {
        let (sent, _held) = self.content(asked, content).await?;
        let id = asked.subject.id.clone().unwrap_or_default();
        let patches = asked.request.head.method == Method::Patch;
        let mut current = asked.subject.current.clone();
        let tagged = self.config.version.is_none();
        for _ in 0..TRIES {
            let expect = match (&current, asked.conditional || patches || !tagged) {
                _ if asked.conditional => expected(asked),
                (_, false) => Expect::Any,
                (Some(current), true) => Expect::Revision(current.revision),
                (None, true) => Expect::Absent,
            };
            let before = current.as_ref().map(|current| current.content.clone());
            let written_as = match patches {
                false => WrittenAs::Document,
                true if is(asked, JSON_PATCH) => WrittenAs::JsonPatch,
                true => WrittenAs::MergePatch,
            };
            let Ready { content, values } = self.draft(asked, sent.clone(), written_as, before).ready(asked).await?;
            let write = self.write(asked, id.clone(), expect, content.clone(), values);
            let written = match patiently(self.reader.store().write(write), asked.deadlines).await? {
                Ok(written) => written,
                Err(Refused::TooLate { .. }) if !asked.conditional && patches => {
                    current = match self.reader.get(&self.collection, &id, asked.now).map_err(failed)? {
                        Found::Current(current) => Some(current),
                        // It was there, and is no more.
                        Found::Deleted { .. } | Found::Nothing => {
                            return Err(refused(Outcome::Conflict(Conflict::Write), Details::default()));
                        }
                    };
                    continue;
                }
                Err(refusal) => return Err(self.refusal(refusal, asked)),
            };
            if written.created {
                return Ok(created(written.revision, asked.request.raw_path.to_owned(), tagged));
            }
            // RFC 9110 §9.3.4: no validator where what is stored is not what was sent.
            let tag = tagged.then(|| store::tag(written.revision));
            let minimal = prefers_minimal(asked.request);
            let done = if minimal { Done::Replaced } else { Done::Updated };
            let representation = (!minimal).then(|| Rc::new(described(content, tag.clone())));
            return Ok(Wrote { tag, minimal, representation, ..Wrote::done(done) });
        }
        Err(refused(Outcome::Conflict(Conflict::Write), Details::default()))
    }

    /// What was sent, and the room that it takes until it is written.
    async fn content(&self, asked: &Asked<'_>, content: &mut content::Content<'_>) -> Tried<(Bytes, Held)> {
        let read = content.all(asked.limits).await;
        read.map(|(sent, held)| (sent.into(), held)).map_err(|outcome| refused(outcome, Details::default()))
    }

    fn draft(&self, asked: &Asked<'_>, sent: Bytes, written_as: WrittenAs, before: Option<Bytes>) -> Draft {
        let (config, collection) = (self.config.clone(), self.collection.clone());
        let most = usize::try_from(asked.limits.body).unwrap_or(usize::MAX).min(LARGEST_PATCHED);
        Draft { sent, written_as, before, most, config, collection }
    }

    fn write(&self, asked: &Asked<'_>, id: String, expect: Expect, content: Bytes, values: Values) -> Write {
        Write {
            collection: self.collection.clone(),
            id,
            expect,
            content,
            values,
            quota: self.config.quota,
            remember: None,
            dry: asked.dry,
            now: asked.now,
        }
    }

    fn repeated(&self, asked: &Asked<'_>, repeated: Repeated) -> Tried<Wrote> {
        match repeated {
            Repeated::Reused => Err(refused(Outcome::Rejected(Rejected::KeyReused), Details::default())),
            Repeated::Replay(answer) => {
                let text = String::from_utf8_lossy(answer.as_bytes()).into_owned();
                let (revision, location) = text.split_once('\n').unwrap_or(("0", &text));
                let revision = revision.parse().unwrap_or_default();
                Ok(made(asked, revision, location.to_owned(), self.config.version.is_none()))
            }
        }
    }

    fn refusal(&self, refused_for: Refused, asked: &Asked<'_>) -> Box<Wrote> {
        let late = match (asked.conditional, &self.config.version) {
            (true, _) => Conflict::MatchedTooLate,
            (false, Some(_)) => Conflict::Version,
            (false, None) => Conflict::Write,
        };
        match refused_for {
            Refused::TooLate { current } => {
                let tag = current.map(store::tag);
                Box::new(Wrote { tag, ..Wrote::of(Outcome::Conflict(late)) })
            }
            Refused::NothingThere { .. } => refused(Outcome::Conflict(late), Details::default()),
            Refused::Duplicate { pointer, holder } => {
                let holder = match &asked.subject.id {
                    None => href(asked.request.raw_path, &holder),
                    Some(_) => href(asked.request.raw_path.rsplit_once('/').map_or("", |(above, _)| above), &holder),
                };
                let details = Details { member: Some(pointer), holder: Some(holder), ..Details::default() };
                refused(Outcome::Conflict(Conflict::Unique), details)
            }
            Refused::Quota { used, limit } => {
                let details = Details { used: Some((used, limit)), ..Details::default() };
                refused(Outcome::Failure(Failure::Quota), details)
            }
            Refused::Repeated(_) => refused(Outcome::Conflict(Conflict::KeyInFlight), Details::default()),
        }
    }
}

fn created(revision: u64, location: String, tagged: bool) -> Wrote {
    let tag = tagged.then(|| store::tag(revision));
    Wrote { location: Some(location), tag, ..Wrote::done(Done::Created) }
}

/// A document that a POST made. A page is led to it, so that a reload does not send the form again (RFC 9110 §15.4.4).
fn made(asked: &Asked<'_>, revision: u64, location: String, tagged: bool) -> Wrote {
    match is(asked, FORM) {
        true => Wrote { location: Some(location), ..Wrote::done(Done::FormTaken) },
        false => created(revision, location, tagged),
    }
}

/// What a permit was granted for.
fn expected(asked: &Asked<'_>) -> Expect {
    match (asked.conditional, asked.permit.version()) {
        (false, _) => Expect::Any,
        (true, 0) => Expect::Absent,
        (true, revision) => Expect::Revision(revision),
    }
}

/// RFC 7240 §4.2
fn prefers_minimal(request: &Request<'_>) -> bool {
    elements(request.lines(Name::Prefer)).any(|preference| {
        let preference = preference.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        preference.eq_ignore_ascii_case(b"return=minimal")
    })
}

/// Whether the content is of this type.
fn is(asked: &Asked<'_>, media_type: &str) -> bool {
    asked.request.value(Name::ContentType).and_then(MediaType::parse).is_some_and(|found| found.matches(media_type))
}

/// How what was sent says which document is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WrittenAs {
    Document,
    Form,
    JsonPatch,
    MergePatch,
}

/// A document that is to be.
struct Draft {
    sent: Bytes,
    written_as: WrittenAs,
    /// What is there.
    before: Option<Bytes>,
    /// Bytes that a patch may make of it: as many as could be sent, and it may stay as large as it is.
    most: usize,
    config: Arc<config::Documents>,
    collection: Arc<Collection>,
}

/// One that may be written.
struct Ready {
    content: Bytes,
    values: Values,
}

impl Draft {
    /// Looks at it, on another thread where that may take long: what a JSON Patch costs is not to be seen from its length.
    async fn ready(self, asked: &Asked<'_>) -> Tried<Ready> {
        let size = self.sent.len() + self.before.as_ref().map_or(0, Bytes::len);
        let looked = if size <= SMALL && self.written_as != WrittenAs::JsonPatch {
            self.look()
        } else {
            // Who leaves gives its place up, whether it waits or is looked at: then the place is free when that is over.
            let place = match asked.deadlines {
                None => PLACES.clone().acquire_owned().await.ok(),
                Some(deadlines) => {
                    let deadline = deadlines.enroll();
                    let place = deadline.until(deadline.after(PATIENCE), PLACES.clone().acquire_owned()).await;
                    place.and_then(Result::ok)
                }
            };
            let Some(place) = place else { return Err(failed(Failure::StoreBusy)) };
            let looking = spawn_blocking(move || {
                let looked = self.look();
                drop(place);
                looked
            });
            looking.await.map_err(|_| failed(Failure::Panicked))?
        };
        looked.map_err(|(outcome, details)| refused(outcome, *details))
    }

    fn look(self) -> Result<Ready, (Outcome, Box<Details>)> {
        let content = match self.written_as {
            WrittenAs::Document => self.sent.clone(),
            WrittenAs::Form => form::read(&self.sent).map_err(|fault| no_form(&fault))?.into(),
            WrittenAs::JsonPatch | WrittenAs::MergePatch => self.patched()?.into(),
        };
        let text = checked(&content)?;
        if self.config.schema.is_none() && self.config.version.is_none() && self.collection.members.is_empty() {
            return Ok(Ready { values: self.collection.values(&Value::Null), content });
        }
        let mut value = parsed(text)?;
        let content = match &self.config.version {
            None => content,
            Some(_) => {
                let content = Bytes::from(self.versioned(&content, &value)?);
                value = parsed(checked(&content)?)?;
                content
            }
        };
        let broken = self.config.schema.as_deref().map_or_else(Vec::new, |schema: &Schema| schema.failures(&value));
        if !broken.is_empty() {
            let details = Details { broken, ..Details::default() };
            return Err((Outcome::Rejected(Rejected::Schema), Box::new(details)));
        }
        Ok(Ready { values: self.collection.values(&value), content })
    }

    fn patched(&self) -> Result<String, (Outcome, Box<Details>)> {
        let patch = Tree::read(&self.sent).map_err(|fault| unread(&fault))?;
        let before = self.before.as_deref().unwrap_or(b"null");
        // What is stored was read before.
        let document = Tree::read(before).map_err(|_| (Outcome::Failure(Failure::Corrupt), Box::default()))?;
        let most = self.most.max(before.len());
        let patched = match self.written_as {
            WrittenAs::JsonPatch => apply(document, &patch, most),
            _ => merge(document, patch, most),
        };
        patched.map_err(|patch::Refusal { kind, operation, pointer, why }| {
            let operation = operation.map_or(String::new(), |operation| format!("operation {operation}: "));
            let why = Some(format!("{operation}{why}"));
            (kind.outcome(), Box::new(Details { member: Some(pointer), why, ..Details::default() }))
        })
    }

    /// The document with the next version in it, if the one that it has is the current one.
    fn versioned(&self, content: &[u8], value: &Value) -> Result<String, (Outcome, Box<Details>)> {
        let Some(pointer) = &self.config.version else { return Ok(String::new()) };
        let before = self.before.as_deref().map(|before| serde_json::from_slice::<Value>(before).unwrap_or_default());
        let current = before.as_ref().map(|before| pointer.find(before).and_then(Value::as_u64).unwrap_or_default());
        let theirs = pointer.find(value).and_then(Value::as_u64);
        if let Some(current) = current
            && theirs != Some(current)
        {
            let why = Some(format!("the current one is {current}"));
            let details = Details { member: Some(pointer.to_string()), why, ..Details::default() };
            return Err((Outcome::Conflict(Conflict::Version), Box::new(details)));
        }
        let next = current.map_or(1, |current| current.saturating_add(1));
        let patch = format!("[{{\"op\":\"add\",\"path\":{},\"value\":{next}}}]", Value::from(pointer.to_string()));
        let set = Tree::read(content).ok().zip(Tree::read(patch.as_bytes()).ok());
        let set = set.and_then(|(document, patch)| apply(document, &patch, content.len() + 64).ok());
        // Only an object has members.
        set.ok_or_else(|| {
            let why = Some("it is no object, and has no place for its version".to_owned());
            (Outcome::Rejected(Rejected::Patch), Box::new(Details { why, ..Details::default() }))
        })
    }
}

/// The most that a patch may make of a document that is smaller, whatever could be sent.
const LARGEST_PATCHED: usize = 16 << 20;

/// The text of a document, read strictly.
fn checked(content: &[u8]) -> Result<&str, (Outcome, Box<Details>)> {
    strict::check(content).map_err(|fault| unread(&fault))
}

/// A document as its members are asked for.
fn parsed(text: &str) -> Result<Value, (Outcome, Box<Details>)> {
    serde_json::from_str(text).map_err(|_| (Outcome::Rejected(Rejected::Json), Box::default()))
}

fn unread(fault: &strict::Fault) -> (Outcome, Box<Details>) {
    let place = Some((fault.line, fault.column, fault.what.to_string()));
    (Outcome::Rejected(fault.kind.cause()), Box::new(Details { place, ..Details::default() }))
}

fn no_form(fault: &form::Fault) -> (Outcome, Box<Details>) {
    (Outcome::Rejected(Rejected::Form), Box::new(Details { why: Some(fault.to_string()), ..Details::default() }))
}
