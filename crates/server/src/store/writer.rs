//! The one thread that writes, with group commit: whatever waits is done in one transaction, and becomes durable by one fsync.
//!
//! A savepoint for each costs a quarter of all that is done for a small document, and hardly ever is there anything to go back to.
//! So what can be done again is done without: should one of these fail, or be refused after it has changed something, the
//! transaction is begun anew with a savepoint for each. What can be done only once has one, and so has what comes after it.
//!
//! Rule: nobody is answered before COMMIT has returned, and whoever is refused has left nothing behind.

use super::Shared;
use super::checkpoint::Checkpoints;
use super::fault;
use super::idempotency::InFlight;
use rusqlite::{Connection, Error, Result as Sqlite};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::task::{Context, Poll};
use tokio::sync::{Notify, oneshot};
use verdict_core::cause::Failure;

use crate::log;

/// How many writes may wait.
pub(super) const WAITING: usize = 4096;

/// How many bytes may wait, of all of them; one alone may have more.
const WAITING_BYTES: usize = 64 << 20;

/// How many writes become durable together, and about how many bytes: beyond, the first of them waits for too many others.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 16 << 20;

/// What a write does within the transaction. The outer result is SQLite's.
pub(super) enum Outcome<T> {
    /// It has been done.
    Keep(T),
    /// It was refused, or asked for to see what would come of it: whatever it changed is taken back.
    Undo(T),
}

/// The transaction, as one write sees it.
pub(super) struct Change<'a> {
    pub(super) connection: &'a Connection,
    /// The last revision that was given.
    last: u64,
    /// Hashes of the documents that were changed.
    touched: &'a mut Vec<u64>,
    states: &'a mut States,
    held: &'a mut Vec<InFlight>,
    bells: &'a mut Vec<Arc<Notify>>,
}

impl Change<'_> {
    /// A revision for something that is changed at `now`, in milliseconds since 1970: greater than any before it.
    ///
    /// It is the microsecond, unless that has been given. So a store that was restored from a backup, or by any copy of its
    /// file, does not give a second time what the lost one gave after it, and no tag means two contents.
    pub(super) fn revision(&mut self, now: u64) -> u64 {
        self.last = (self.last + 1).max(now.saturating_mul(1000));
        self.last
    }

    /// Notes that the document with this hash is not what it was.
    pub(super) fn touch(&mut self, hash: u64) {
        self.touched.push(hash);
    }

    /// How it is with a collection, in this transaction.
    pub(super) fn state(&mut self, collection: i64) -> Sqlite<State> {
        if let Some(state) = self.states.of_all.iter().find(|state| state.collection == collection) {
            return Ok(*state);
        }
        let mut select =
            self.connection.prepare_cached("SELECT revision, bytes, declared FROM collection WHERE key = ?")?;
        let state = select.query_one([collection], |row| {
            Ok(State { collection, revision: row.get(0)?, bytes: row.get(1)?, declared: row.get(2)?, changed: false })
        })?;
        self.states.of_all.push(state);
        Ok(state)
    }

    /// Changes it: it is written once, with the last document of the transaction.
    pub(super) fn set_state(&mut self, state: State) {
        if let Some(place) = self.states.of_all.iter_mut().find(|known| known.collection == state.collection) {
            let before = std::mem::replace(place, State { changed: true, ..state });
            self.states.undo.push(before);
        }
    }

    /// Writes what is known of a collection, and knows it no longer: it is about to be changed in the database itself.
    pub(super) fn write_state(&mut self, collection: i64) -> Sqlite<()> {
        if let Some(at) = self.states.of_all.iter().position(|state| state.collection == collection) {
            self.states.of_all[at].write(self.connection)?;
            let before = self.states.of_all.remove(at);
            self.states.undo.push(before);
        }
        Ok(())
    }

    /// Has somebody woken once the transaction is durable.
    pub(super) fn ring(&mut self, bell: Arc<Notify>) {
        self.bells.push(bell);
    }

    /// Keeps a key in flight until the transaction has ended.
    pub(super) fn hold(&mut self, key: InFlight) {
        self.held.push(key);
    }
}

/// What all documents of a collection have together.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) collection: i64,
    pub(super) revision: u64,
    pub(super) bytes: u64,
    pub(super) declared: u64,
    /// Whether the database has something else.
    pub(super) changed: bool,
}

impl State {
    fn write(&self, connection: &Connection) -> Sqlite<()> {
        if !self.changed {
            return Ok(());
        }
        let mut update = connection.prepare_cached("UPDATE collection SET revision = ?, bytes = ? WHERE key = ?")?;
        update.execute((self.revision, self.bytes, self.collection)).map(drop)
    }
}

/// Of the collections that a transaction has to do with.
#[derive(Default)]
struct States {
    of_all: Vec<State>,
    /// What the write that is at work has changed or written, as it was.
    undo: Vec<State>,
}

impl States {
    fn undo(&mut self) {
        while let Some(before) = self.undo.pop() {
            match self.of_all.iter_mut().find(|state| state.collection == before.collection) {
                Some(place) => *place = before,
                None => self.of_all.push(before),
            }
        }
    }
}

/// A write that waits for its turn, and then for COMMIT.
trait Item: Send {
    /// Whether anybody still wants it; from then on it cannot be abandoned.
    fn claim(&self) -> bool;
    /// Whether it may be run more than once.
    fn repeats(&self) -> bool;
    fn run(&mut self, change: &mut Change<'_>) -> Sqlite<bool>;
    fn panicked(&mut self);
    fn answer(self: Box<Self>, committed: Result<(), Failure>);
    fn bytes(&self) -> usize;
}

struct Queued<T, F> {
    work: Option<F>,
    repeats: bool,
    result: Option<Result<T, Failure>>,
    reply: oneshot::Sender<Result<T, Failure>>,
    claimed: Arc<AtomicBool>,
    bytes: usize,
}

impl<T, F> Item for Queued<T, F>
where
    T: Send,
    F: FnMut(&mut Change<'_>) -> Sqlite<Outcome<T>> + Send,
{
    fn claim(&self) -> bool {
        !self.claimed.swap(true, AcqRel)
    }

    fn repeats(&self) -> bool {
        self.repeats
    }

    fn run(&mut self, change: &mut Change<'_>) -> Sqlite<bool> {
        let Some(work) = &mut self.work else { return Ok(false) };
        match work(change) {
            Ok(Outcome::Keep(value)) => {
                self.result = Some(Ok(value));
                Ok(true)
            }
            Ok(Outcome::Undo(value)) => {
                self.result = Some(Ok(value));
                Ok(false)
            }
            Err(error) => {
                self.result = Some(Err(fault::failure(&error)));
                Err(error)
            }
        }
    }

    fn panicked(&mut self) {
        self.result = Some(Err(Failure::Panicked));
    }

    fn answer(self: Box<Self>, committed: Result<(), Failure>) {
        let Queued { work, result, reply, .. } = *self;
        // What it holds is free for whoever acts upon the answer.
        drop(work);
        // Whoever asked may be gone.
        let _ = reply.send(committed.and_then(|()| result.unwrap_or(Err(Failure::Panicked))));
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Where writes are handed over to the thread.
pub(super) struct Queue {
    sender: SyncSender<Box<dyn Item>>,
    bytes: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new() -> (Queue, Waiting) {
        let (sender, receiver) = std::sync::mpsc::sync_channel(WAITING);
        let bytes = Arc::new(AtomicUsize::new(0));
        (Queue { sender, bytes: bytes.clone() }, Waiting { receiver, bytes })
    }

    /// Hands a write over, whose content has so many bytes. It fails with [`Failure::StoreBusy`] at once when too much waits.
    pub(super) fn write<T, F>(&self, bytes: usize, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Change<'_>) -> Sqlite<Outcome<T>> + Send + 'static,
    {
        let mut work = Some(work);
        let once = move |change: &mut Change<'_>| match work.take() {
            Some(work) => work(change),
            // It does not say that it repeats.
            None => Err(Error::InvalidQuery),
        };
        self.hand_over(bytes, false, once)
    }

    /// The same for what gives the same however often it is run, after whatever it has changed was taken back.
    pub(super) fn write_repeatable<T, F>(&self, bytes: usize, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Change<'_>) -> Sqlite<Outcome<T>> + Send + 'static,
    {
        self.hand_over(bytes, true, work)
    }

    fn hand_over<T, F>(&self, bytes: usize, repeats: bool, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Change<'_>) -> Sqlite<Outcome<T>> + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let claimed = Arc::new(AtomicBool::new(false));
        let mut pending = Pending { receiver, claimed: claimed.clone(), failed: None };
        let waiting = self.bytes.fetch_add(bytes, Relaxed);
        let item = Queued { work: Some(work), repeats, result: None, reply, claimed, bytes };
        if waiting > 0 && waiting + bytes > WAITING_BYTES {
            self.bytes.fetch_sub(bytes, Relaxed);
            pending.failed = Some(Failure::StoreBusy);
            return pending;
        }
        if let Err(error) = self.sender.try_send(Box::new(item)) {
            self.bytes.fetch_sub(bytes, Relaxed);
            let gone = matches!(error, TrySendError::Disconnected(_));
            pending.failed = Some(if gone { Failure::Disk } else { Failure::StoreBusy });
        }
        pending
    }
}

/// A write on its way. What comes of it is known when it is durable. Dropped, it is abandoned.
pub(crate) struct Pending<T> {
    receiver: oneshot::Receiver<Result<T, Failure>>,
    claimed: Arc<AtomicBool>,
    failed: Option<Failure>,
}

impl<T> Pending<T> {
    /// Takes the write back: true when it had not begun, and then never does. A caller whose patience ends answers
    /// [`Failure::StoreBusy`] after that; otherwise it waits on, since the write may become durable at any moment.
    pub(crate) fn abandon(&self) -> bool {
        self.failed.is_some() || !self.claimed.swap(true, AcqRel)
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(failure) = self.failed {
            return Poll::Ready(Err(failure));
        }
        // The thread is gone without an answer only if it panicked beside a write.
        Pin::new(&mut self.receiver).poll(context).map(|answer| answer.unwrap_or(Err(Failure::Panicked)))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.claimed.swap(true, AcqRel);
    }
}

/// The thread's end of the queue.
pub(super) struct Waiting {
    receiver: Receiver<Box<dyn Item>>,
    bytes: Arc<AtomicUsize>,
}

impl Waiting {
    /// What waits now, after having waited for the first; nothing once the store is closed.
    fn batch(&self) -> Vec<Box<dyn Item>> {
        let mut batch: Vec<Box<dyn Item>> = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let next = if batch.is_empty() { self.receiver.recv().ok() } else { self.receiver.try_recv().ok() };
            let Some(item) = next else { break };
            self.bytes.fetch_sub(item.bytes(), Relaxed);
            if item.claim() {
                bytes += item.bytes();
                batch.push(item);
            }
        }
        batch
    }
}

/// The thread.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) checkpoints: Checkpoints,
    pub(super) waiting: Waiting,
    pub(super) shared: Arc<Shared>,
    /// The folder of the database.
    pub(super) folder: PathBuf,
    /// Why nothing is written any more.
    pub(super) broken: Option<Failure>,
}

/// What came of a transaction's items.
struct Done {
    changed: bool,
    last: u64,
    touched: Vec<u64>,
    states: States,
    held: Vec<InFlight>,
    bells: Vec<Arc<Notify>>,
}

impl Done {
    /// Nothing yet, after this revision.
    fn after(last: u64) -> Done {
        let (states, held, bells) = (States::default(), Vec::new(), Vec::new());
        Done { changed: false, last, touched: Vec::new(), states, held, bells }
    }

    /// How much is noted, to go back to.
    fn noted(&self) -> (usize, usize) {
        (self.touched.len(), self.bells.len())
    }

    /// Forgets what the last write has noted.
    fn forget(&mut self, (touched, bells): (usize, usize)) {
        self.touched.truncate(touched);
        self.bells.truncate(bells);
        self.states.undo();
    }
}

impl Writer {
    pub(super) fn serve(mut self) {
        loop {
            let mut batch = self.waiting.batch();
            if batch.is_empty() {
                return self.close();
            }
            let committed = match self.broken {
                Some(failure) => Err(failure),
                None => self.transaction(&mut batch),
            };
            for item in batch {
                item.answer(committed);
            }
            self.checkpoint();
        }
    }

    /// One transaction; an error is everybody's.
    fn transaction(&mut self, batch: &mut [Box<dyn Item>]) -> Result<(), Failure> {
        // What is done only once is not done before something for which all would be begun anew.
        let repeatable = batch.iter().take_while(|item| item.repeats()).count();
        let (repeatable, others) = batch.split_at_mut(repeatable);
        let committed = self.begin().and_then(|last| {
            let mut done = match self.bare(repeatable, last)? {
                Some(done) => done,
                None => {
                    self.connection.prepare_cached("ROLLBACK")?.execute([])?;
                    let mut done = Done::after(self.begin()?);
                    self.items(repeatable, &mut done)?;
                    done
                }
            };
            self.items(others, &mut done)?;
            if done.changed { self.commit(&done) } else { self.connection.execute_batch("ROLLBACK") }
        });
        committed.map_err(|error| {
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            let failure = fault::told("a transaction failed", &error);
            if fault::leaves_doubt(&error) { self.doubt(&error, failure) } else { failure }
        })
    }

    fn begin(&self) -> Sqlite<u64> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.connection.prepare_cached("SELECT revision FROM sequence")?.query_one([], |row| row.get(0))
    }

    /// Writes without a way back; `None`: one of them needs it.
    fn bare(&self, batch: &mut [Box<dyn Item>], last: u64) -> Sqlite<Option<Done>> {
        let mut done = Done::after(last);
        for item in batch {
            let (before, noted) = (self.connection.total_changes(), done.noted());
            let (ran, given) = self.run(item.as_mut(), &mut done);
            match ran {
                Ok(Ok(true)) => {
                    done.last = given;
                    done.changed = true;
                }
                Ok(Ok(false)) if self.connection.total_changes() == before => done.forget(noted),
                Ok(Err(error)) if self.is_over(&error) => return Err(error),
                Ok(_) | Err(_) => return Ok(None),
            }
        }
        Ok(Some(done))
    }

    fn items(&self, batch: &mut [Box<dyn Item>], done: &mut Done) -> Sqlite<()> {
        for item in batch {
            let kept = self.item(item.as_mut(), done)?;
            done.changed |= kept;
        }
        Ok(())
    }

    /// What comes of a write, or its panic, and the last revision that it was given.
    fn run(&self, item: &mut dyn Item, done: &mut Done) -> (std::thread::Result<Sqlite<bool>>, u64) {
        let Done { last, touched, states, held, bells, .. } = done;
        states.undo.clear();
        let mut change = Change { connection: &self.connection, last: *last, touched, states, held, bells };
        let ran = catch_unwind(AssertUnwindSafe(|| item.run(&mut change)));
        (ran, change.last)
    }

    /// Whether the whole transaction is gone with an error.
    fn is_over(&self, error: &Error) -> bool {
        self.connection.is_autocommit() || fault::leaves_doubt(error)
    }

    /// One write. Its own failure is its own, unless the whole transaction is gone with it.
    fn item(&self, item: &mut dyn Item, done: &mut Done) -> Sqlite<bool> {
        let noted = done.noted();
        self.connection.prepare_cached("SAVEPOINT one")?.execute([])?;
        let (ran, given) = self.run(item, done);
        match ran {
            Ok(Ok(true)) => {
                done.last = given;
                self.connection.prepare_cached("RELEASE one")?.execute([])?;
                return Ok(true);
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) if self.is_over(&error) => return Err(error),
            Ok(Err(error)) => drop(fault::told("a write failed", &error)),
            Err(panic) => {
                log::operation(format_args!("store: a write panicked: {}", words(panic.as_ref())));
                item.panicked();
            }
        }
        done.forget(noted);
        self.connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
        self.connection.prepare_cached("RELEASE one")?.execute([])?;
        Ok(false)
    }

    fn commit(&self, done: &Done) -> Sqlite<()> {
        self.connection.prepare_cached("UPDATE sequence SET revision = ?")?.execute([done.last])?;
        done.states.of_all.iter().try_for_each(|state| state.write(&self.connection))?;
        // While it is not known whether a change can be seen, copies of what it changed are not used.
        self.shared.changes.begin(&done.touched);
        let committed = self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        self.shared.changes.end(&done.touched);
        committed?;
        done.bells.iter().for_each(|bell| bell.notify_one());
        Ok(())
    }

    /// After an error of the system. A write that a quota of the file system does not allow is refused, and the next is tried;
    /// anything else ends writing until the store is opened anew.
    fn doubt(&mut self, error: &Error, failure: Failure) -> Failure {
        if !fault::is_failed_fsync(error) && no_room(&self.folder) {
            return Failure::DiskFull;
        }
        self.end(failure)
    }

    fn end(&mut self, failure: Failure) -> Failure {
        log::operation(format_args!("store: nothing is written any more until the server is started again"));
        self.broken = Some(failure);
        failure
    }

    /// What follows a transaction, when everybody has been answered.
    fn checkpoint(&mut self) {
        if self.broken.is_some() {
            return;
        }
        if self.checkpoints.failed() {
            self.end(Failure::Disk);
        } else if let Err(error) = self.checkpoints.after_commit(&self.connection) {
            let failure = fault::told("the log could not be taken over", &error);
            if fault::leaves_doubt(&error) {
                self.doubt(&error, failure);
            }
        }
    }

    /// The last connection that closes takes the log over and removes it.
    fn close(self) {
        self.checkpoints.stop();
        if let Err((_, error)) = self.connection.close() {
            fault::told("the store could not be closed", &error);
        }
    }
}

/// Whether the folder has no room for one more file: SQLite does not tell a quota that is used up (EDQUOT) from a broken disk.
fn no_room(folder: &std::path::Path) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let probe = folder.join(".room");
    let written = std::fs::write(&probe, [0; 64 << 10]);
    let _ = std::fs::remove_file(&probe);
    written.is_err_and(|error| matches!(error.kind(), QuotaExceeded | StorageFull))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
