//! What has expired is removed, a little at a time. Whoever reads does not wait for that: they look at the time.

use super::Store;
use super::jobs::{DONE, FAILED, GONE};
use super::writer::{Change, Outcome, Pending};
use rusqlite::Result as Sqlite;

/// How many rows of each table are removed in one transaction.
const STEP: usize = 500;

impl Store {
    /// Removes some of what has expired by `now`, in milliseconds since 1970; whether there may be more.
    pub(crate) fn sweep(&self, now: u64) -> Pending<bool> {
        self.queue.write(0, move |change| {
            let (removed, more) = change.sweep(now)?;
            Ok(if removed > 0 { Outcome::Keep(more) } else { Outcome::Undo(more) })
        })
    }
}

impl Change<'_> {
    fn sweep(&self, now: u64) -> Sqlite<(usize, bool)> {
        let (mut removed, mut more) = (0, false);
        for sql in [
            "DELETE FROM answer WHERE key IN (SELECT key FROM answer WHERE until <= ? LIMIT ?)",
            "DELETE FROM document WHERE key IN
             (SELECT key FROM document WHERE until IS NOT NULL AND until <= ? LIMIT ?)",
            "DELETE FROM file WHERE (route, path) IN
             (SELECT route, path FROM file WHERE until IS NOT NULL AND until <= ? LIMIT ?)",
        ] {
            let rows = self.connection.prepare_cached(sql)?.execute((now, STEP))?;
            (removed, more) = (removed + rows, more || rows == STEP);
        }
        let rows = self.sweep_jobs(now)?;
        Ok((removed + rows, more || rows >= STEP))
    }

    /// A result goes when its time is over; that there was one is told for as long again.
    fn sweep_jobs(&self, now: u64) -> Sqlite<usize> {
        let mut forget = self.connection.prepare_cached(
            "DELETE FROM job WHERE key IN (SELECT key FROM job WHERE state = ? AND until <= ? LIMIT ?)",
        )?;
        let forgotten = forget.execute((GONE, now, STEP))?;
        let mut empty = self.connection.prepare_cached(
            "UPDATE job SET state = ?, until = until + (until - due), status = NULL, result_type = NULL, result = NULL
             WHERE key IN (SELECT key FROM job WHERE state IN (?, ?) AND until <= ? LIMIT ?)",
        )?;
        Ok(forgotten + empty.execute((GONE, DONE, FAILED, now, STEP))?)
    }
}
