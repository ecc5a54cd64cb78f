//! Which members a collection is indexed by, as the config has it now; documents that were there before are entered when
//! that changes.
//!
//! Rule: the database knows the members, not the process. A write that was made ready for other members (by a process that is
//! being replaced, or just before a reload) has its values taken anew within its transaction.

use super::Store;
use super::index::{Member, Valued, Values};
use super::writer::{Change, Outcome};
use rusqlite::{Connection, OptionalExtension, Result as Sqlite};
use verdict_core::cause::Failure;

/// How many documents, and about how many bytes of them, are entered in one transaction.
const STEP: usize = 500;
const STEP_BYTES: usize = 4 << 20;

/// A collection, with the members that it was declared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Collection {
    pub(super) key: i64,
    /// The revision of its declaration.
    pub(super) declared: u64,
    pub(crate) members: Vec<Member>,
}

impl Collection {
    /// The declared members' values of a document that has been parsed.
    pub(crate) fn values(&self, document: &serde_json::Value) -> Values {
        Values::of(&self.members, document)
    }
}

/// A member to declare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Declared {
    /// Its JSON Pointer (RFC 6901).
    pub(crate) pointer: String,
    pub(crate) unique: bool,
}

/// Why a collection cannot be as declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Undeclared {
    /// Two documents that were there before have one value of a member that is to be unique.
    Taken { pointer: String, one: String, other: String },
    /// The store failed.
    Failed(Failure),
}

impl Store {
    /// Makes a collection be indexed by these members, none of them twice, and by no others. It takes as long as it takes to
    /// read all its documents, if members are new; others may write meanwhile.
    pub(crate) async fn declare(&self, name: &str, members: Vec<Declared>, now: u64) -> Result<Collection, Undeclared> {
        let name = name.to_owned();
        let declared = self.queue.write(0, move |change| change.declare(&name, &members, now).map(Outcome::Keep));
        let (collection, new) = declared.await.map_err(Undeclared::Failed)?;
        let mut after = -1;
        while !new.is_empty() {
            let (key, members) = (collection.key, new.clone());
            let step = self.queue.write(0, move |change| change.enter_some(key, &members, after)).await;
            match step.map_err(Undeclared::Failed)? {
                Step::Until(last) => after = last,
                Step::Taken { pointer, one, other } => return Err(Undeclared::Taken { pointer, one, other }),
                Step::Done => break,
            }
        }
        let ready = self.queue.write(0, move |change| change.ready(&new));
        ready.await.map_err(Undeclared::Failed)?;
        while self
            .queue
            .write(0, |change| change.drop_entries().map(Outcome::Keep))
            .await
            .map_err(Undeclared::Failed)?
        {}
        Ok(collection)
    }
}

/// How far the entering of old documents has come.
enum Step {
    /// To the document with this key.
    Until(i64),
    Taken {
        pointer: String,
        one: String,
        other: String,
    },
    Done,
}

/// The members of a collection as the database has them.
pub(super) fn members(connection: &Connection, collection: i64) -> Sqlite<Vec<Member>> {
    let mut select =
        connection.prepare_cached("SELECT key, pointer, is_unique FROM member WHERE collection = ? ORDER BY key")?;
    let member = |row: &rusqlite::Row<'_>| Ok(Member { key: row.get(0)?, pointer: row.get(1)?, unique: row.get(2)? });
    select.query_map([collection], member)?.collect()
}

impl Change<'_> {
    /// The values of a content whose writer knew other members.
    pub(super) fn values_anew(&self, collection: &Collection, content: &[u8]) -> Sqlite<Values> {
        Ok(Values::parse(&members(self.connection, collection.key)?, content))
    }

    /// The collection as declared, and those of its members that no old document is entered for yet.
    fn declare(&mut self, name: &str, declared: &[Declared], now: u64) -> Sqlite<(Collection, Vec<Member>)> {
        let connection = self.connection;
        let mut find = connection.prepare_cached("SELECT key, declared FROM collection WHERE name = ?")?;
        let found = find.query_one([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (key, mut version) = match found {
            Some(found) => found,
            None => {
                let revision = self.revision(now);
                let mut insert = connection
                    .prepare_cached("INSERT INTO collection (name, revision, bytes, declared) VALUES (?, ?, 0, ?)")?;
                insert.execute((name, revision, revision))?;
                (connection.last_insert_rowid(), revision)
            }
        };
        if self.change_members(key, declared)? {
            version = self.revision(now);
            self.write_state(key)?;
            let mut update = connection.prepare_cached("UPDATE collection SET declared = ? WHERE key = ?")?;
            update.execute((version, key))?;
        }
        let mut unready = connection.prepare_cached("SELECT key FROM member WHERE collection = ? AND ready = 0")?;
        let unready = unready.query_map([key], |row| row.get(0))?.collect::<Sqlite<Vec<i64>>>()?;
        let members = members(connection, key)?;
        let new = members.iter().filter(|member| unready.contains(&member.key)).cloned().collect();
        Ok((Collection { key, declared: version, members }, new))
    }

    /// Whether anything was not as declared. A member that becomes unique is a new one: its entries have to be looked through.
    fn change_members(&self, collection: i64, declared: &[Declared]) -> Sqlite<bool> {
        let mut changed = false;
        let present = members(self.connection, collection)?;
        for member in &present {
            match declared.iter().find(|declared| declared.pointer == member.pointer) {
                Some(declared) if declared.unique == member.unique => continue,
                Some(declared) if !declared.unique => {
                    self.connection.execute("UPDATE member SET is_unique = 0 WHERE key = ?", [member.key])?;
                }
                _ => {
                    self.connection.execute("DELETE FROM member WHERE key = ?", [member.key])?;
                }
            }
            changed = true;
        }
        for Declared { pointer, unique } in declared {
            let mut insert = self.connection.prepare_cached(
                "INSERT OR IGNORE INTO member (collection, pointer, is_unique, ready) VALUES (?, ?, ?, 0)",
            )?;
            changed |= insert.execute((collection, pointer, unique))? > 0;
        }
        Ok(changed)
    }

    /// Enters the next documents after the one with key `after`.
    fn enter_some(&self, collection: i64, new: &[Member], after: i64) -> Sqlite<Outcome<Step>> {
        let mut select = self.connection.prepare_cached(
            "SELECT key, id, content FROM document INDEXED BY document_order
             WHERE collection = ? AND until IS NULL AND key > ? ORDER BY key LIMIT ?",
        )?;
        let mut rows = select.query((collection, after, STEP))?;
        let (mut last, mut bytes) = (None, 0);
        while bytes < STEP_BYTES
            && let Some(row) = rows.next()?
        {
            let document = row.get(0)?;
            let content = row.get_ref(2)?.as_blob()?;
            for Valued { member, unique, value } in Values::parse(new, content).0 {
                if unique && let Some((pointer, one)) = self.holder(member, &value, document)? {
                    return Ok(Outcome::Undo(Step::Taken { pointer, one, other: row.get(1)? }));
                }
                self.enter_one(member, &value, document)?;
            }
            bytes += content.len();
            last = Some(document);
        }
        Ok(Outcome::Keep(last.map_or(Step::Done, Step::Until)))
    }

    fn ready(&self, new: &[Member]) -> Sqlite<Outcome<()>> {
        for member in new {
            self.connection.execute("UPDATE member SET ready = 1 WHERE key = ?", [member.key])?;
        }
        Ok(if new.is_empty() { Outcome::Undo(()) } else { Outcome::Keep(()) })
    }

    /// Removes some entries of members that there are no more; whether there may be others.
    fn drop_entries(&self) -> Sqlite<bool> {
        // From one member to the next by the primary key: there are few, and many entries of each.
        let mut next = self.connection.prepare_cached("SELECT min(member) FROM entry WHERE member > ?")?;
        let mut known = self.connection.prepare_cached("SELECT 1 FROM member WHERE key = ?")?;
        let mut member = -1;
        while let Some(found) = next.query_one([member], |row| row.get::<_, Option<i64>>(0))? {
            if known.query_one([found], |_| Ok(())).optional()?.is_none() {
                let deleted = self.connection.execute(
                    "DELETE FROM entry WHERE (member, value, document) IN
                     (SELECT member, value, document FROM entry WHERE member = ? LIMIT 5000)",
                    [found],
                )?;
                return Ok(deleted > 0);
            }
            member = found;
        }
        Ok(false)
    }
}
