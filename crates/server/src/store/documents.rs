//! Documents: what is at a collection and an id, and how it changes. One source of revisions, so a tag names one content.

use super::cache;
use super::declare::Collection;
use super::idempotency::{Remember, Repeated};
use super::index::{Key, Values};
use super::writer::{Change, Outcome, State};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result as Sqlite};
use std::sync::Arc;

/// A document as it is now. Cloning shares the content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Current {
    /// Of the last write, never 0; what a tag is made of and a [`Permit`](verdict_core::decide::Permit) is granted for.
    pub(crate) revision: u64,
    /// Milliseconds since 1970.
    pub(crate) modified: u64,
    /// Byte for byte as it was sent.
    pub(crate) content: Bytes,
}

/// What is at an id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// A document.
    Current(Current),
    /// One that was deleted, which is told until then: milliseconds since 1970.
    Deleted { until: u64 },
    /// Nothing that is known of.
    Nothing,
}

/// What must be there for a change to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expect {
    /// Whatever it is.
    Any,
    /// This revision of a document.
    Revision(u64),
    /// No document.
    Absent,
}

/// A document to put in its place.
pub(crate) struct Write {
    pub(crate) collection: Arc<Collection>,
    pub(crate) id: String,
    pub(crate) expect: Expect,
    pub(crate) content: Bytes,
    /// The declared members' values of the content, see [`Collection::values`].
    pub(crate) values: Values,
    /// How many bytes the contents of the collection may be together.
    pub(crate) quota: Option<u64>,
    /// The answer to keep for an Idempotency-Key.
    pub(crate) remember: Option<Remember>,
    /// Only look what would come of it.
    pub(crate) dry: bool,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// A document to delete.
pub(crate) struct Delete {
    pub(crate) collection: Arc<Collection>,
    pub(crate) id: String,
    pub(crate) expect: Expect,
    /// Until when to tell that there was one, in milliseconds since 1970; `None` forgets it at once.
    pub(crate) keep_until: Option<u64>,
    /// Only look what would come of it.
    pub(crate) dry: bool,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// A document that was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Written {
    /// What it is now.
    pub(crate) revision: u64,
    /// Whether there was none before.
    pub(crate) created: bool,
}

/// Why a change was not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// Something else is there than was expected: this revision, or no document.
    TooLate { current: Option<u64> },
    /// There is nothing to delete; until when a former deletion is told.
    NothingThere { deleted_until: Option<u64> },
    /// A unique member's value is that of another document.
    Duplicate { pointer: String, holder: String },
    /// The contents would be more than the quota, of which so much is used.
    Quota { used: u64, limit: u64 },
    /// The Idempotency-Key was used by another process meanwhile.
    Repeated(Repeated),
}

/// The row of a document or of a deleted one.
struct Row {
    key: i64,
    revision: u64,
    until: Option<u64>,
    bytes: u64,
}

/// What is at an id, by the primary key.
pub(super) fn get(connection: &Connection, collection: i64, id: &str, now: u64) -> Sqlite<Found> {
    let mut select = connection
        .prepare_cached("SELECT revision, modified, until, content FROM document WHERE collection = ? AND id = ?")?;
    let found = select.query_one((collection, id), |row| {
        Ok(match row.get(2)? {
            None => Found::Current(Current {
                revision: row.get(0)?,
                modified: row.get(1)?,
                content: Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?),
            }),
            Some(until) if until > now => Found::Deleted { until },
            Some(_) => Found::Nothing,
        })
    });
    Ok(found.optional()?.unwrap_or(Found::Nothing))
}

impl Change<'_> {
    /// Puts a document in its place, if everything agrees.
    pub(super) fn write(
        &mut self,
        write: &Write,
        remember: Option<Remember>,
    ) -> Sqlite<Outcome<Result<Written, Refused>>> {
        Ok(match self.try_write(write, remember)? {
            Ok(written) if !write.dry => Outcome::Keep(Ok(written)),
            result => Outcome::Undo(result),
        })
    }

    fn try_write(&mut self, write: &Write, remember: Option<Remember>) -> Sqlite<Result<Written, Refused>> {
        let Write { collection, id, expect, content, values, quota, now, .. } = write;
        let now = *now;
        if let Some(remember) = &remember
            && let Some(repeated) = remember.repeated(self, now)?
        {
            return Ok(Err(Refused::Repeated(repeated)));
        }
        let row = self.row(collection.key, id)?;
        let current = row.as_ref().filter(|row| row.until.is_none());
        if !expect.holds(current.map(|row| row.revision)) {
            return Ok(Err(Refused::TooLate { current: current.map(|row| row.revision) }));
        }
        let State { bytes: used, declared, .. } = self.state(collection.key)?;
        let (before, bytes) = (current.map_or(0, |row| row.bytes), content.len() as u64);
        // Whoever makes a document smaller may, even where the quota has been lowered below what is used.
        if let Some(limit) = *quota
            && bytes > before
            && used.saturating_sub(before) + bytes > limit
        {
            return Ok(Err(Refused::Quota { used, limit }));
        }
        let anew = (declared != collection.declared).then(|| self.values_anew(collection, content)).transpose()?;
        let values = anew.as_ref().unwrap_or(values);
        if let Some(duplicate) = self.duplicate(values, current.map(|row| row.key))? {
            return Ok(Err(duplicate));
        }
        let revision = self.revision(now);
        let key = match current {
            Some(row) => {
                let mut update = self
                    .connection
                    .prepare_cached("UPDATE document SET revision = ?, modified = ?, content = ? WHERE key = ?")?;
                update.execute((revision, now, &content[..], row.key))?;
                row.key
            }
            None => self.insert(collection, id, row.as_ref(), revision, now, content)?,
        };
        self.enter(key, values, current.is_none())?;
        self.account(collection, id, revision, bytes, before)?;
        if let Some(remember) = remember {
            remember.keep(self, revision, now)?;
        }
        Ok(Ok(Written { revision, created: current.is_none() }))
    }

    /// Deletes a document. It gives the revision of the deletion, which is the collection's.
    pub(super) fn delete(&mut self, delete: &Delete) -> Sqlite<Outcome<Result<u64, Refused>>> {
        Ok(match self.try_delete(delete)? {
            Ok(revision) if !delete.dry => Outcome::Keep(Ok(revision)),
            result => Outcome::Undo(result),
        })
    }

    fn try_delete(&mut self, delete: &Delete) -> Sqlite<Result<u64, Refused>> {
        let Delete { collection, id, expect, keep_until, now, .. } = delete;
        let row = self.row(collection.key, id)?;
        let current = row.as_ref().filter(|row| row.until.is_none());
        if !expect.holds(current.map(|row| row.revision)) {
            return Ok(Err(Refused::TooLate { current: current.map(|row| row.revision) }));
        }
        let Some(current) = current else {
            let deleted_until = row.and_then(|row| row.until).filter(|until| until > now);
            return Ok(Err(Refused::NothingThere { deleted_until }));
        };
        let revision = self.revision(*now);
        match keep_until {
            Some(until) => {
                let mut update = self.connection.prepare_cached(
                    "UPDATE document SET revision = ?, modified = ?, until = ?, content = x'' WHERE key = ?",
                )?;
                update.execute((revision, *now, *until, current.key))?;
            }
            None => self.forget(current.key)?,
        }
        self.connection.prepare_cached("DELETE FROM entry WHERE document = ?")?.execute([current.key])?;
        self.account(collection, id, revision, 0, current.bytes)?;
        Ok(Ok(revision))
    }

    fn row(&self, collection: i64, id: &str) -> Sqlite<Option<Row>> {
        let mut select = self.connection.prepare_cached(
            "SELECT key, revision, until, length(content) FROM document WHERE collection = ? AND id = ?",
        )?;
        let row = select.query_one((collection, id), |row| {
            Ok(Row { key: row.get(0)?, revision: row.get(1)?, until: row.get(2)?, bytes: row.get(3)? })
        });
        row.optional()
    }

    /// A new document, in the place of the mark that an older one has left, if there is one: it is another document, with
    /// its own place in the order of creation.
    fn insert(
        &self,
        collection: &Collection,
        id: &str,
        mark: Option<&Row>,
        revision: u64,
        now: u64,
        content: &[u8],
    ) -> Sqlite<i64> {
        if let Some(mark) = mark {
            self.forget(mark.key)?;
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO document (key, collection, id, revision, modified, content) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute((revision, collection.key, id, revision, now, content))?;
        Ok(self.connection.last_insert_rowid())
    }

    fn forget(&self, key: i64) -> Sqlite<()> {
        self.connection.prepare_cached("DELETE FROM document WHERE key = ?")?.execute([key]).map(drop)
    }

    /// The collection's revision and sum, and that copies of the document are old.
    fn account(&mut self, collection: &Collection, id: &str, revision: u64, bytes: u64, before: u64) -> Sqlite<()> {
        let state = self.state(collection.key)?;
        self.set_state(State { revision, bytes: state.bytes.saturating_sub(before) + bytes, ..state });
        self.touch(cache::hash(collection.key, id));
        Ok(())
    }

    /// Who else has the value of a unique member.
    fn duplicate(&self, values: &Values, own: Option<i64>) -> Sqlite<Option<Refused>> {
        for valued in values.0.iter().filter(|valued| valued.unique) {
            if let Some((pointer, holder)) = self.holder(valued.member, &valued.value, own.unwrap_or(-1))? {
                return Ok(Some(Refused::Duplicate { pointer, holder }));
            }
        }
        Ok(None)
    }

    /// The pointer of a member, if it is unique, and the id of the document other than `own` that has this value of it.
    pub(super) fn holder(&self, member: i64, value: &Key, own: i64) -> Sqlite<Option<(String, String)>> {
        if value.is_null() {
            return Ok(None);
        }
        let mut select = self.connection.prepare_cached(
            "SELECT member.pointer, document.id FROM member
             JOIN entry ON entry.member = member.key AND entry.value = ?2 AND entry.document <> ?3
             JOIN document ON document.key = entry.document
             WHERE member.key = ?1 AND member.is_unique LIMIT 1",
        )?;
        select.query_one((member, value.as_bytes(), own), |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    /// Makes the entries of a document what its values are; most that were right stay.
    fn enter(&self, document: i64, values: &Values, new: bool) -> Sqlite<()> {
        let mut stays = vec![false; values.0.len()];
        if !new && !values.0.is_empty() {
            self.leave(document, values, &mut stays)?;
        }
        for (valued, _) in values.0.iter().zip(stays).filter(|(_, stays)| !stays) {
            self.enter_one(valued.member, &valued.value, document)?;
        }
        Ok(())
    }

    /// Removes the entries that are not of these values, and says which of the others stay.
    fn leave(&self, document: i64, values: &Values, stays: &mut [bool]) -> Sqlite<()> {
        let mut select = self.connection.prepare_cached("SELECT member, value FROM entry WHERE document = ?")?;
        let mut rows = select.query([document])?;
        let mut wrong = Vec::new();
        while let Some(row) = rows.next()? {
            let (member, value): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            match values.0.iter().position(|own| own.member == member && own.value.as_bytes() == value) {
                Some(at) => stays[at] = true,
                None => wrong.push((member, value)),
            }
        }
        for (member, value) in wrong {
            let mut delete =
                self.connection.prepare_cached("DELETE FROM entry WHERE member = ? AND value = ? AND document = ?")?;
            delete.execute((member, value, document))?;
        }
        Ok(())
    }

    /// One entry, which may be there already.
    pub(super) fn enter_one(&self, member: i64, value: &Key, document: i64) -> Sqlite<()> {
        let mut insert =
            self.connection.prepare_cached("INSERT OR IGNORE INTO entry (member, value, document) VALUES (?, ?, ?)")?;
        insert.execute((member, value.as_bytes(), document)).map(drop)
    }
}

impl Expect {
    /// Whether it is what is there.
    pub(super) fn holds(self, current: Option<u64>) -> bool {
        match self {
            Expect::Any => true,
            Expect::Revision(revision) => current == Some(revision),
            Expect::Absent => current.is_none(),
        }
    }
}
