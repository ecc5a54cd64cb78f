//! Taking the log over into the database, beside the writer: SQLite lets both go on at once, so nobody who writes waits for it.

use super::fault;
use rusqlite::{Connection, Result as Sqlite};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// From so many pages on that the database has not, they are taken over: 32 MiB. A page that is written again and again is taken
/// over once.
const BEGIN: i64 = 8192;

/// A log of so many pages is begun anew, which only the writer can: while it writes, the log never ends. 64 MiB.
const LONGEST: i64 = 16384;

/// The thread that takes over.
pub(super) struct Checkpoints {
    sender: SyncSender<()>,
    thread: JoinHandle<()>,
    failed: Arc<AtomicBool>,
}

impl Checkpoints {
    /// `connection` is its own.
    pub(super) fn start(connection: Connection) -> std::io::Result<Checkpoints> {
        // One signal that waits stands for any number.
        let (sender, receiver) = sync_channel(1);
        let failed = Arc::new(AtomicBool::new(false));
        let failing = failed.clone();
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
            run(&connection, &receiver, &failing);
        })?;
        Ok(Checkpoints { sender, thread, failed })
    }

    /// After a transaction, by the writer with its own connection.
    pub(super) fn after_commit(&self, writer: &Connection) -> Sqlite<()> {
        // NOOP only counts: pages of the log, and those of them that the database has.
        let mut count = writer.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let (pages, taken): (i64, i64) = count.query_one([], |row| Ok((row.get(1)?, row.get(2)?)))?;
        if pages >= LONGEST {
            return take_over(writer);
        }
        if pages - taken >= BEGIN {
            // Whether it is about to begin anyway does not matter.
            let _ = self.sender.try_send(());
        }
        Ok(())
    }

    /// Whether the disk failed.
    pub(super) fn failed(&self) -> bool {
        self.failed.load(Acquire)
    }

    /// Waits for what it is doing.
    pub(super) fn stop(self) {
        drop(self.sender);
        // It has nothing that panics.
        let _ = self.thread.join();
    }
}

fn run(connection: &Connection, signals: &Receiver<()>, failed: &AtomicBool) {
    while signals.recv().is_ok() {
        if let Err(error) = take_over(connection) {
            fault::told("the log could not be taken over", &error);
            if fault::leaves_doubt(&error) {
                return failed.store(true, Release);
            }
        }
    }
}

/// As much as readers let it; the rest is for the next time.
fn take_over(connection: &Connection) -> Sqlite<()> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_one([], |_| Ok(()))
}
