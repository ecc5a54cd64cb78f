//! Jobs: a queue for each route, what became of each job, and for how long that is known.
//!
//! Rule: a job is leased, not taken. Who leased it and was too slow, or was killed, has another do it; what they say of it
//! after that is not heard, since the attempt is another.

use super::idempotency::{Remember, Repeated};
use super::writer::{Change, Outcome, Pending};
use super::{Reader, Store, fault};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result as Sqlite, Row};
use verdict_core::cause::Failure;

/// As the column `state` has it.
pub(super) const WAITING: i64 = 0;
pub(super) const RUNNING: i64 = 1;
pub(super) const DONE: i64 = 2;
pub(super) const FAILED: i64 = 3;
pub(super) const GONE: i64 = 4;

/// How many are counted that wait before a job: it costs time for each, and from there on it says enough.
const COUNTED: u64 = 1000;

/// A job to do.
pub(crate) struct Enqueue {
    /// The pattern of its route.
    pub(crate) route: String,
    /// Its name, which no other job has.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: Option<String>,
    pub(crate) content_type: String,
    pub(crate) content: Bytes,
    /// How many jobs may wait on the route.
    pub(crate) limit: u64,
    /// The answer to keep for an Idempotency-Key.
    pub(crate) remember: Option<Remember>,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// Why a job was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unqueued {
    /// As many wait as may.
    Full,
    /// The Idempotency-Key was used by another process meanwhile.
    Repeated(Repeated),
}

/// One attempt at a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lease {
    key: i64,
    /// From 1.
    pub(crate) attempt: u32,
}

/// What there is to do next on a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// This, until the lease ends.
    Job {
        lease: Lease,
        id: String,
        content_type: String,
        content: Bytes,
    },
    /// Nothing before then: milliseconds since 1970.
    At(u64),
    Nothing,
}

/// What came of an attempt. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Attempted {
    /// It is done; the result is kept until then.
    Done { status: u16, content_type: Option<String>, content: Bytes, until: u64 },
    /// It is given up, for this reason, which is kept until then.
    Failed { why: String, until: u64 },
    /// It is to be done again, not before.
    Again { at: u64 },
    /// It goes on; the lease is longer.
    Running { until: u64 },
}

/// A job, as its owner may know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Job {
    pub(crate) owner: Option<String>,
    pub(crate) state: State,
    /// Of the last one that was begun; 0 before the first.
    pub(crate) attempt: u32,
}

/// How it is with a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// So many are before it; [`COUNTED`] stands for any number from there on.
    Waiting {
        position: u64,
    },
    Running,
    /// Its result is kept until then.
    Done {
        until: u64,
    },
    Failed {
        why: String,
        until: u64,
    },
    /// It was cancelled, or its result's time is over; that is told for as long as the result was kept.
    Gone,
}

/// A result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outcomes {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Bytes,
}

/// Whether a job was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cancelled {
    /// It was, and what comes of an attempt that runs is not heard.
    Yes,
    /// It had finished.
    Finished,
    /// It was gone before.
    Gone,
    /// There is no such job.
    Unknown,
}

impl Store {
    /// Puts a job into its route's queue, durably. It gives its revision.
    pub(crate) fn enqueue(&self, enqueue: Enqueue) -> Pending<Result<u64, Unqueued>> {
        // Whoever asked may have left by the time that it is durable; it is heard of all the same.
        let bell = self.bell.of_queue(&enqueue.route);
        self.queue.write(enqueue.content.len(), move |change| {
            Ok(match change.enqueue(enqueue)? {
                Ok(revision) => {
                    change.ring(bell);
                    Outcome::Keep(Ok(revision))
                }
                refused => Outcome::Undo(refused),
            })
        })
    }

    /// Leases the next job of a route until then.
    pub(crate) fn lease(&self, route: &str, until: u64, now: u64) -> Pending<Next> {
        let route = route.to_owned();
        self.queue.write(0, move |change| {
            Ok(match change.lease(&route, until, now)? {
                next @ Next::Job { .. } => Outcome::Keep(next),
                next => Outcome::Undo(next),
            })
        })
    }

    /// Says what came of an attempt: false if nobody wants to know any more.
    pub(crate) fn attempted(&self, lease: Lease, attempted: Attempted, now: u64) -> Pending<bool> {
        let bytes = if let Attempted::Done { content, .. } = &attempted { content.len() } else { 0 };
        self.queue.write(bytes, move |change| {
            let heard = change.attempted(lease, attempted, now)?;
            Ok(if heard { Outcome::Keep(true) } else { Outcome::Undo(false) })
        })
    }

    /// Cancels a job that has not finished; that is told until then.
    pub(crate) fn cancel(&self, route: &str, id: &str, keep_until: u64, now: u64) -> Pending<Cancelled> {
        let (route, id) = (route.to_owned(), id.to_owned());
        self.queue.write(0, move |change| {
            let cancelled = change.cancel(&route, &id, keep_until, now)?;
            Ok(if cancelled == Cancelled::Yes { Outcome::Keep(cancelled) } else { Outcome::Undo(cancelled) })
        })
    }
}

impl Reader {
    /// How it is with a job, if there is one.
    pub(crate) fn job(&self, route: &str, id: &str, now: u64) -> Result<Option<Job>, Failure> {
        job(self.connection(), route, id, now).map_err(|error| fault::told("a job could not be read", &error))
    }

    /// Its result, if it is done and the result is kept still.
    pub(crate) fn result(&self, route: &str, id: &str, now: u64) -> Result<Option<Outcomes>, Failure> {
        result(self.connection(), route, id, now).map_err(|error| fault::told("a result could not be read", &error))
    }

    /// The routes that have jobs which are not done, and how many.
    pub(crate) fn undone(&self) -> Result<Vec<(String, u64)>, Failure> {
        let read = || {
            let sql = "SELECT route, count(*) FROM job WHERE state IN (0, 1) GROUP BY route";
            let mut select = self.connection().prepare_cached(sql)?;
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Sqlite<Vec<_>>>()
        };
        read().map_err(|error| fault::told("the queues could not be read", &error))
    }

    /// How many jobs wait on a route.
    pub(crate) fn waiting(&self, route: &str) -> Result<u64, Failure> {
        waiting(self.connection(), route).map_err(|error| fault::told("a queue could not be read", &error))
    }

    /// The same, and how many are at work.
    pub(crate) fn depth(&self, route: &str) -> Result<(u64, u64), Failure> {
        let read = waiting(self.connection(), route).and_then(|waiting| {
            let mut select =
                self.connection().prepare_cached("SELECT count(*) FROM job WHERE route = ? AND state = ?")?;
            Ok((waiting, select.query_one((route, RUNNING), |row| row.get(0))?))
        });
        read.map_err(|error| fault::told("a queue could not be read", &error))
    }
}

/// How many jobs wait on a route.
fn waiting(connection: &Connection, route: &str) -> Sqlite<u64> {
    let mut select = connection.prepare_cached("SELECT waiting FROM queue WHERE route = ?")?;
    Ok(select.query_one([route], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// How many of them wait before the one with this key, at most [`COUNTED`].
fn before(connection: &Connection, route: &str, key: i64) -> Sqlite<u64> {
    let mut select = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM job WHERE route = ? AND state = ? AND key < ? LIMIT ?)")?;
    select.query_one((route, WAITING, key, COUNTED), |row| row.get(0))
}

fn job(connection: &Connection, route: &str, id: &str, now: u64) -> Sqlite<Option<Job>> {
    let mut select = connection.prepare_cached(
        "SELECT key, owner, state, attempts, due, until, iif(state = ?3, CAST(result AS TEXT), NULL) FROM job
         WHERE id = ?1 AND route = ?2",
    )?;
    let mut rows = select.query((id, route, FAILED))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let until: u64 = row.get(5)?;
    let state = match row.get::<_, i64>(2)? {
        WAITING => State::Waiting { position: before(connection, route, row.get(0)?)? },
        RUNNING => State::Running,
        DONE if until > now => State::Done { until },
        FAILED if until > now => State::Failed { why: row.get::<_, Option<String>>(6)?.unwrap_or_default(), until },
        GONE if until > now => State::Gone,
        // Not swept yet: it is gone for as long again as it was kept.
        DONE | FAILED if gone_until(row.get(4)?, until) > now => State::Gone,
        _ => return Ok(None),
    };
    Ok(Some(Job { owner: row.get(1)?, state, attempt: row.get(3)? }))
}

/// Until when it is told of a job that it is gone, which finished at `finished` and was kept until `until`.
fn gone_until(finished: u64, until: u64) -> u64 {
    until.saturating_add(until.saturating_sub(finished))
}

fn result(connection: &Connection, route: &str, id: &str, now: u64) -> Sqlite<Option<Outcomes>> {
    let mut select = connection.prepare_cached(
        "SELECT status, result_type, result FROM job WHERE id = ? AND route = ? AND state = ? AND until > ?",
    )?;
    let outcomes = |row: &Row<'_>| {
        let content = Bytes::copy_from_slice(row.get_ref(2)?.as_blob()?);
        Ok(Outcomes { status: row.get(0)?, content_type: row.get(1)?, content })
    };
    select.query_one((id, route, DONE, now), outcomes).optional()
}

impl Change<'_> {
    fn enqueue(&mut self, enqueue: Enqueue) -> Sqlite<Result<u64, Unqueued>> {
        let Enqueue { route, id, owner, content_type, content, limit, remember, now } = enqueue;
        if let Some(remember) = &remember
            && let Some(repeated) = remember.repeated(self, now)?
        {
            return Ok(Err(Unqueued::Repeated(repeated)));
        }
        if waiting(self.connection, &route)? >= limit {
            return Ok(Err(Unqueued::Full));
        }
        let revision = self.revision(now);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO job (key, id, route, owner, state, attempts, due, until, type, content)
             VALUES (?, ?, ?, ?, ?, 0, ?, 0, ?, ?)",
        )?;
        insert.execute((revision, id, route, owner, WAITING, now, content_type, &content[..]))?;
        if let Some(remember) = remember {
            remember.keep(self, revision, now)?;
        }
        Ok(Ok(revision))
    }

    fn lease(&self, route: &str, until: u64, now: u64) -> Sqlite<Next> {
        // A lease that has ended comes first: its job has waited longest.
        for state in [RUNNING, WAITING] {
            let mut select = self.connection.prepare_cached(
                "SELECT key, id, attempts, type, content FROM job INDEXED BY job_due
                 WHERE route = ? AND state = ? AND due <= ? ORDER BY due, key LIMIT 1",
            )?;
            let found = select.query_one((route, state, now), |row| {
                let lease = Lease { key: row.get(0)?, attempt: row.get::<_, u32>(2)?.saturating_add(1) };
                let content = Bytes::copy_from_slice(row.get_ref(4)?.as_blob()?);
                Ok((lease, row.get(1)?, row.get(3)?, content))
            });
            if let Some((lease, id, content_type, content)) = found.optional()? {
                let mut update =
                    self.connection.prepare_cached("UPDATE job SET state = ?, attempts = ?, due = ? WHERE key = ?")?;
                update.execute((RUNNING, lease.attempt, until, lease.key))?;
                return Ok(Next::Job { lease, id, content_type, content });
            }
        }
        let mut select = self
            .connection
            .prepare_cached("SELECT min(due) FROM job INDEXED BY job_due WHERE route = ? AND state = ?")?;
        let mut due = |state| select.query_one((route, state), |row| row.get::<_, Option<u64>>(0));
        let due = [due(RUNNING)?, due(WAITING)?].into_iter().flatten().min();
        Ok(due.map_or(Next::Nothing, Next::At))
    }

    fn attempted(&self, lease: Lease, attempted: Attempted, now: u64) -> Sqlite<bool> {
        let Lease { key, attempt } = lease;
        let changed = match attempted {
            Attempted::Running { until } => {
                let sql = "UPDATE job SET due = ? WHERE key = ? AND attempts = ? AND state = ?";
                self.connection.prepare_cached(sql)?.execute((until, key, attempt, RUNNING))?
            }
            Attempted::Again { at } => {
                let sql = "UPDATE job SET state = ?, due = ? WHERE key = ? AND attempts = ? AND state = ?";
                self.connection.prepare_cached(sql)?.execute((WAITING, at, key, attempt, RUNNING))?
            }
            Attempted::Done { status, content_type, content, until } => {
                let result = (Some(status), content_type, &content[..]);
                self.finish(lease, DONE, result, until, now)?
            }
            Attempted::Failed { why, until } => self.finish(lease, FAILED, (None, None, why.as_bytes()), until, now)?,
        };
        Ok(changed > 0)
    }

    /// What was sent is no longer needed.
    fn finish(
        &self,
        lease: Lease,
        state: i64,
        (status, content_type, result): (Option<u16>, Option<String>, &[u8]),
        until: u64,
        now: u64,
    ) -> Sqlite<usize> {
        let mut update = self.connection.prepare_cached(
            "UPDATE job SET state = ?, due = ?, until = ?, content = x'', status = ?, result_type = ?, result = ?
             WHERE key = ? AND attempts = ? AND state = ?",
        )?;
        update.execute((state, now, until, status, content_type, result, lease.key, lease.attempt, RUNNING))
    }

    fn cancel(&self, route: &str, id: &str, keep_until: u64, now: u64) -> Sqlite<Cancelled> {
        Ok(match job(self.connection, route, id, now)?.map(|job| job.state) {
            None => Cancelled::Unknown,
            Some(State::Done { .. } | State::Failed { .. }) => Cancelled::Finished,
            Some(State::Gone) => Cancelled::Gone,
            Some(State::Waiting { .. } | State::Running) => {
                let mut update = self
                    .connection
                    .prepare_cached("UPDATE job SET state = ?, until = ?, content = x'' WHERE id = ? AND route = ?")?;
                update.execute((GONE, keep_until, id, route))?;
                Cancelled::Yes
            }
        })
    }
}
