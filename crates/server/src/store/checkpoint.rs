//! Taking the log over into the database, beside the writer: SQLite lets both go on at once, so nobody who writes waits for it.
//!
//! Only the writer can begin the log anew, when all of it has been taken over, and while it writes there is always something
//! more. So the thread takes over what there is until little is left, and the writer does that little between two
//! transactions.

use super::fault;
use rusqlite::{Connection, Result as Sqlite};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// From so many pages on that the database has not, they are taken over: 64 MiB. A page that is written again and again is taken
/// over once.
const BEGIN: i64 = 16384;

/// So many pages are taken over in about the time of a transaction.
const LITTLE: i64 = 256;

/// How often the thread tries to leave little.
const TRIES: u32 = 8;

/// From so many pages on the writer takes over whatever there is, and who writes waits: 192 MiB. It comes to that where the
/// disk cannot keep up.
const LONGEST: i64 = 49152;

/// The log's pages after which SQLite takes over by itself within a COMMIT, and its bytes on the disk that are kept.
pub(super) const PRAGMAS: &str = "PRAGMA wal_autocheckpoint = 98304; PRAGMA journal_size_limit = 67108864;";

/// The thread that takes over.
pub(super) struct Checkpoints {
    sender: SyncSender<()>,
    thread: JoinHandle<()>,
    told: Arc<Told>,
}

/// What it tells the writer.
#[derive(Default)]
struct Told {
    /// Little is left.
    little: AtomicBool,
    /// The disk failed.
    failed: AtomicBool,
}

impl Checkpoints {
    /// `connection` is its own.
    pub(super) fn start(connection: Connection) -> std::io::Result<Checkpoints> {
        // One signal that waits stands for any number.
        let (sender, receiver) = sync_channel(1);
        let told = Arc::new(Told::default());
        let tells = told.clone();
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
            run(&connection, &receiver, &tells);
        })?;
        Ok(Checkpoints { sender, thread, told })
    }

    /// After a transaction, by the writer with its own connection.
    pub(super) fn after_commit(&self, writer: &Connection) -> Sqlite<()> {
        let log = Log::of(writer)?;
        if log.pages >= LONGEST || self.told.little.swap(false, Relaxed) {
            return take_over(writer);
        }
        if log.left() >= BEGIN {
            // Whether it is about to begin anyway does not matter.
            let _ = self.sender.try_send(());
        }
        Ok(())
    }

    /// Whether the disk failed.
    pub(super) fn failed(&self) -> bool {
        self.told.failed.load(Acquire)
    }

    /// Waits for what it is doing.
    pub(super) fn stop(self) {
        drop(self.sender);
        // It has nothing that panics.
        let _ = self.thread.join();
    }
}

fn run(connection: &Connection, signals: &Receiver<()>, told: &Told) {
    while signals.recv().is_ok() {
        match until_little_is_left(connection) {
            Ok(little) => told.little.store(little, Relaxed),
            Err(error) => {
                fault::told("the log could not be taken over", &error);
                if fault::leaves_doubt(&error) {
                    return told.failed.store(true, Release);
                }
            }
        }
    }
}

/// Whether it came to that: somebody who reads for long may keep it from it, and then the rest is for the next time.
fn until_little_is_left(connection: &Connection) -> Sqlite<bool> {
    for _ in 0..TRIES {
        take_over(connection)?;
        if Log::of(connection)?.left() <= LITTLE {
            return Ok(true);
        }
    }
    Ok(false)
}

/// As much as readers let it.
fn take_over(connection: &Connection) -> Sqlite<()> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_one([], |_| Ok(()))
}

/// How long the log is.
struct Log {
    pages: i64,
    /// Those of them that the database has.
    taken: i64,
}

impl Log {
    fn of(connection: &Connection) -> Sqlite<Log> {
        // NOOP only counts.
        let mut count = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        count.query_one([], |row| Ok(Log { pages: row.get(1)?, taken: row.get(2)? }))
    }

    fn left(&self) -> i64 {
        self.pages - self.taken
    }
}
