//! Files that are uploaded: how many bytes a route's files have, and what is about to be done to one of them. The files
//! themselves are elsewhere, and two things on a disk do not change at once: so what is about to happen is written down
//! before it does, and a process that starts looks what became of it.
//!
//! Rule: reserved bytes count as used until the intent is settled or abandoned.

use super::documents::Refused;
use super::writer::{Change, Outcome, Pending};
use super::{Reader, Store, fault};
use rusqlite::{Connection, OptionalExtension, Result as Sqlite, Row};
use verdict_core::cause::Failure;

/// Something to do to a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Intended {
    /// The pattern of its route.
    pub(crate) route: String,
    /// Its path beneath the route's folder.
    pub(crate) path: String,
    pub(crate) what: What,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// Put a file there that has another name until it is whole, and at most so many bytes.
    Put { temporary: String, bytes: u64 },
    /// Delete it, which is told until then: milliseconds since 1970.
    Delete { keep_until: Option<u64> },
}

/// What is written down of it. It stays until it is settled or abandoned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Intent {
    key: i64,
    pub(crate) intended: Intended,
}

/// What is known of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Known {
    /// It was uploaded, and has so many bytes.
    There {
        bytes: u64,
    },
    /// It was deleted, which is told until then.
    Deleted {
        until: u64,
    },
    Nothing,
}

impl Store {
    /// Writes down what is about to be done, and reserves its bytes. `quota` is of all files of the route; only
    /// [`Refused::Quota`] refuses. A file in the same place that is replaced does not count twice.
    pub(crate) fn intend(&self, intended: Intended, quota: Option<u64>) -> Pending<Result<Intent, Refused>> {
        let opening = self.opening;
        self.queue.write(0, move |change| {
            Ok(match change.intend(intended, quota, opening)? {
                Ok(intent) => Outcome::Keep(Ok(intent)),
                refused => Outcome::Undo(refused),
            })
        })
    }

    /// Reserves more for a file that grows: so many bytes in all.
    pub(crate) fn extend(&self, intent: &Intent, bytes: u64, quota: Option<u64>) -> Pending<Result<(), Refused>> {
        let intent = intent.clone();
        self.queue.write(0, move |change| {
            Ok(match change.extend(&intent, bytes, quota)? {
                Ok(()) => Outcome::Keep(Ok(())),
                refused => Outcome::Undo(refused),
            })
        })
    }

    /// It has been done, and the file has so many bytes (none, if it was deleted). Twice is once.
    pub(crate) fn settle(&self, intent: Intent, bytes: u64) -> Pending<()> {
        self.queue.write(0, move |change| change.settle(&intent, bytes))
    }

    /// It has not been done and will not be.
    pub(crate) fn abandon(&self, intent: Intent) -> Pending<()> {
        self.queue.write(0, move |change| change.take_back(&intent).map(|_| Outcome::Keep(())))
    }

    /// What a process that is gone was about to do, oldest first, to be settled or abandoned by what is found on the disk.
    /// Nothing while another process has the store open: it may be its.
    pub(crate) fn unfinished(&self) -> Pending<Vec<Intent>> {
        let (opening, shared) = (self.opening, self.shared.clone());
        self.queue.write(0, move |change| {
            let unfinished = if shared.lock.is_alone() { unfinished(change.connection, opening)? } else { Vec::new() };
            Ok(Outcome::Undo(unfinished))
        })
    }
}

impl Reader {
    /// What is known of a file.
    pub(crate) fn file(&self, route: &str, path: &str, now: u64) -> Result<Known, Failure> {
        let found = self
            .connection()
            .prepare_cached("SELECT bytes, until FROM file WHERE route = ? AND path = ?")
            .and_then(|mut select| select.query_one((route, path), |row| Ok((row.get(0)?, row.get(1)?))).optional());
        match found.map_err(|error| fault::told("what is known of a file could not be read", &error))? {
            Some((bytes, None)) => Ok(Known::There { bytes }),
            Some((_, Some(until))) if until > now => Ok(Known::Deleted { until }),
            _ => Ok(Known::Nothing),
        }
    }

    /// How many bytes a route's files have, with what is reserved.
    pub(crate) fn used(&self, route: &str) -> Result<u64, Failure> {
        used(self.connection(), route).map_err(|error| fault::told("what is used could not be read", &error))
    }
}

fn used(connection: &Connection, route: &str) -> Sqlite<u64> {
    let mut select = connection.prepare_cached(
        "SELECT coalesce((SELECT bytes FROM usage WHERE route = ?1), 0)
              + (SELECT coalesce(sum(bytes), 0) FROM intent WHERE route = ?1)",
    )?;
    select.query_one([route], |row| row.get(0))
}

fn unfinished(connection: &Connection, opening: u64) -> Sqlite<Vec<Intent>> {
    let intent = |row: &Row<'_>| {
        let what = match row.get(3)? {
            Some(temporary) => What::Put { temporary, bytes: row.get(4)? },
            None => What::Delete { keep_until: row.get(5)? },
        };
        Ok(Intent { key: row.get(0)?, intended: Intended { route: row.get(1)?, path: row.get(2)?, what } })
    };
    let mut select = connection
        .prepare("SELECT key, route, path, temporary, bytes, until FROM intent WHERE opening <> ? ORDER BY key")?;
    select.query_map([opening], intent)?.collect()
}

impl Change<'_> {
    fn intend(&self, intended: Intended, quota: Option<u64>, opening: u64) -> Sqlite<Result<Intent, Refused>> {
        let Intended { route, path, what } = &intended;
        let (temporary, bytes, until) = match what {
            What::Put { temporary, bytes } => (Some(temporary), *bytes, None),
            What::Delete { keep_until } => (None, 0, *keep_until),
        };
        if let Some(refused) = self.room(route, path, None, bytes, quota)? {
            return Ok(Err(refused));
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO intent (opening, route, path, temporary, bytes, until) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute((opening, route, path, temporary, bytes, until))?;
        Ok(Ok(Intent { key: self.connection.last_insert_rowid(), intended }))
    }

    fn extend(&self, intent: &Intent, bytes: u64, quota: Option<u64>) -> Sqlite<Result<(), Refused>> {
        let Intended { route, path, .. } = &intent.intended;
        if let Some(refused) = self.room(route, path, Some(intent.key), bytes, quota)? {
            return Ok(Err(refused));
        }
        let mut update = self.connection.prepare_cached("UPDATE intent SET bytes = ? WHERE key = ?")?;
        update.execute((bytes, intent.key))?;
        Ok(Ok(()))
    }

    /// Why there is no room for so many bytes. `own` is an intent whose reservation they replace.
    fn room(
        &self,
        route: &str,
        path: &str,
        own: Option<i64>,
        bytes: u64,
        quota: Option<u64>,
    ) -> Sqlite<Option<Refused>> {
        let Some(limit) = quota.filter(|_| bytes > 0) else { return Ok(None) };
        let used = used(self.connection, route)?;
        let mut select = self.connection.prepare_cached("SELECT coalesce(max(bytes), 0) FROM intent WHERE key = ?")?;
        let reserved: u64 = select.query_one([own.unwrap_or(-1)], |row| row.get(0))?;
        // What is replaced, unless two are about to replace it: it goes once.
        let mut select = self.connection.prepare_cached(
            "SELECT coalesce(max(bytes), 0) FROM file WHERE route = ?1 AND path = ?2 AND until IS NULL
             AND NOT EXISTS (SELECT 1 FROM intent WHERE route = ?1 AND path = ?2 AND key <> ?3)",
        )?;
        let replaced: u64 = select.query_one((route, path, own.unwrap_or(-1)), |row| row.get(0))?;
        let fits = used.saturating_sub(reserved).saturating_sub(replaced).saturating_add(bytes) <= limit;
        Ok((!fits).then_some(Refused::Quota { used, limit }))
    }

    fn settle(&self, intent: &Intent, bytes: u64) -> Sqlite<Outcome<()>> {
        if !self.take_back(intent)? {
            return Ok(Outcome::Undo(()));
        }
        let Intended { route, path, what } = &intent.intended;
        let mut select =
            self.connection.prepare_cached("SELECT bytes FROM file WHERE route = ? AND path = ? AND until IS NULL")?;
        let before: u64 = select.query_one((route, path), |row| row.get(0)).optional()?.unwrap_or(0);
        let (after, until, stays) = match what {
            What::Put { .. } => (bytes, None, true),
            What::Delete { keep_until } => (0, *keep_until, keep_until.is_some()),
        };
        if stays {
            let mut replace = self
                .connection
                .prepare_cached("INSERT OR REPLACE INTO file (route, path, bytes, until) VALUES (?, ?, ?, ?)")?;
            replace.execute((route, path, after, until))?;
        } else {
            let mut delete = self.connection.prepare_cached("DELETE FROM file WHERE route = ? AND path = ?")?;
            delete.execute((route, path))?;
        }
        let mut usage = self.connection.prepare_cached(
            "INSERT INTO usage (route, bytes) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET bytes = bytes + ?2 - ?3",
        )?;
        usage.execute((route, after, before))?;
        Ok(Outcome::Keep(()))
    }

    /// Whether it was there.
    fn take_back(&self, intent: &Intent) -> Sqlite<bool> {
        Ok(self.connection.prepare_cached("DELETE FROM intent WHERE key = ?")?.execute([intent.key])? > 0)
    }
}
