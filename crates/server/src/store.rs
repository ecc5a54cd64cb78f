//! What outlives the process: documents, answers to repeat, uploads and jobs, in one SQLite database.
//!
//! Rules: whatever is acknowledged is on the disk. A revision is given once, whatever becomes of the file: restored from a
//! backup or from any copy, the store goes on from the present and not from where the copy was made, so no tag of what was
//! lost is given again. Time comes in as an argument, in milliseconds since 1970.
//!
//! One thread writes (`writer.rs`); each worker reads for itself (`reader.rs`), from memory where it can (`cache.rs`).

mod bell;
mod cache;
mod changes;
mod check;
mod checkpoint;
mod declare;
mod documents;
mod fault;
mod idempotency;
mod index;
mod jobs;
mod list;
mod lock;
mod migrate;
mod open;
mod reader;
mod sweep;
mod uploads;
mod writer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub(crate) use check::{backup, check};
pub(crate) use declare::{Collection, Declared, Undeclared};
pub(crate) use documents::{Current, Delete, Expect, Found, Refused, Write, Written};
pub(crate) use idempotency::{Answer, Begun, Remember, Repeated, Scoped};
pub(crate) use index::{Key, Values};
pub(crate) use jobs::{Attempted, Cancelled, Enqueue, Job, Lease, Next, Outcomes, State, Unqueued};
pub(crate) use list::{Cursor, Filter, Is, Page, Query, Unlisted};
pub(crate) use open::{Unopened, path};
pub(crate) use reader::Reader;
pub(crate) use uploads::{Intended, Intent, Known, What};
pub(crate) use writer::Pending;

use crate::jobs::Counts;
use bell::Bell;
use changes::Changes;
use idempotency::Keys;
use lock::Lock;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use verdict_core::cause::Failure;
use writer::Queue;

/// What a store of documents does, in few words; [`Reader`] and the model that it is tested against.
pub(crate) trait Documents {
    /// What is at an id.
    fn get(&self, collection: &Collection, id: &str, now: u64) -> Result<Found, Failure>;

    /// Puts a document in its place, durably.
    #[cfg_attr(not(test), expect(dead_code, reason = "a route hands over to the writer, so that it can take it back"))]
    fn write(&self, write: Write) -> impl Future<Output = Result<Result<Written, Refused>, Failure>>;

    /// Deletes a document, durably. It gives the revision of the deletion.
    #[cfg_attr(not(test), expect(dead_code, reason = "a route hands over to the writer, so that it can take it back"))]
    fn delete(&self, delete: Delete) -> impl Future<Output = Result<Result<u64, Refused>, Failure>>;

    /// A page of the collection.
    fn list(&self, collection: &Collection, query: &Query) -> Result<Page, Unlisted>;
}

/// The entity tag of a revision, as its field has it (RFC 9110 §8.8.3): a strong one, of at most 16 digits.
pub(crate) fn tag(revision: u64) -> String {
    format!("\"{revision:x}\"")
}

/// A store that is open. It belongs to all workers; each has its [`Reader`].
pub(crate) struct Store {
    queue: Queue,
    shared: Arc<Shared>,
    keys: Keys,
    bell: Bell,
    attempts: Counts,
    path: PathBuf,
    /// What tells its own intents from those of a process that is gone.
    opening: u64,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the readers know of each other.
struct Shared {
    changes: Changes,
    lock: Lock,
}

impl Store {
    /// The database.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who is woken when something happens to jobs.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// How attempts at jobs have ended.
    pub(crate) fn attempts(&self) -> &Counts {
        &self.attempts
    }

    /// Writes a document; see [`Documents::write`].
    pub(crate) fn write(&self, write: Write) -> Pending<Result<Written, Refused>> {
        let bytes = write.content.len();
        match write {
            // A key is kept once, and what is tried is taken back.
            Write { remember: Some(_), .. } | Write { dry: true, .. } => self.queue.write(bytes, move |change| {
                let mut write = write;
                let remember = write.remember.take();
                change.write(&write, remember)
            }),
            write => self.queue.write_repeatable(bytes, move |change| change.write(&write, None)),
        }
    }

    /// Deletes a document; see [`Documents::delete`].
    pub(crate) fn delete(&self, delete: Delete) -> Pending<Result<u64, Refused>> {
        match delete.dry {
            true => self.queue.write(0, move |change| change.delete(&delete)),
            false => self.queue.write_repeatable(0, move |change| change.delete(&delete)),
        }
    }

    /// Whether no other process has the store open: not so while one process takes over from another.
    pub(crate) fn is_alone(&self) -> bool {
        self.shared.lock.is_alone()
    }

    /// Lets another process open the store, until this one ends or [`Store::tick`] finds itself alone again. Before a
    /// hand-over.
    pub(crate) fn share(&self) -> std::io::Result<()> {
        self.shared.lock.share()
    }

    /// Once in a while: finds out whether another process that had the store open has gone.
    pub(crate) fn tick(&self) {
        self.shared.lock.alone_again(|| self.shared.changes.all());
    }
}

/// Waits for what has been handed over, and closes the database.
impl Drop for Store {
    fn drop(&mut self) {
        // The thread ends when nobody is left who could hand anything over.
        self.queue = Queue::new().0;
        if let Some(thread) = self.thread.take() {
            // It catches what panics.
            let _ = thread.join();
        }
    }
}
