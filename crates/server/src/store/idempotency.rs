//! Idempotency-Key: the answer to a request is kept with what the request did, in one transaction, and given again to
//! whoever repeats it.
//!
//! Rule: which keys are in flight is known in memory only, so a process that dies leaves none behind. Should two processes
//! have one key in flight during a hand-over, the transaction of the second finds the answer of the first.

use super::writer::Change;
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, OptionalExtension, Result as Sqlite};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long an answer is kept, in milliseconds: 24 h.
const KEPT: u64 = 24 * 60 * 60 * 1000;

/// An answer to keep, in the caller's own form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// A longer one is not kept.
    const LONGEST: usize = 64 << 10;

    /// `None`: it is longer than 64 KiB.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Answer> {
        (bytes.len() <= Answer::LONGEST).then_some(Answer(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An Idempotency-Key, and whose it is. Both are any bytes of any length; what is kept of them is a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Scoped([u8; 32]);

impl Scoped {
    /// `scope` is the user and the route.
    pub(crate) fn new(scope: &[&[u8]], key: &[u8]) -> Scoped {
        let mut context = Context::new(&SHA256);
        for part in scope.iter().copied().chain([key]) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Scoped(digest)
    }
}

/// A digest of what was asked for: the same key with another one is a mistake.
pub(crate) type Fingerprint = [u8; 32];

/// Whether a request with a key is to be done.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is, and the key is in flight until this is dropped.
    Fresh(InFlight),
    /// It is being done.
    InFlight,
    /// It was done.
    Repeated(Repeated),
}

/// What is known of a key that was used before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Repeated {
    /// The same request, and how it was answered.
    Replay(Answer),
    /// Another request.
    Reused,
}

/// The keys that are in flight, each with its fingerprint.
#[derive(Clone, Default, Debug)]
pub(super) struct Keys(Arc<Mutex<HashMap<Scoped, Fingerprint>>>);

/// A key in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    keys: Keys,
    key: Scoped,
    fingerprint: Fingerprint,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Keys {
    /// Whether a key is in flight, or was used.
    pub(super) fn knows(&self, key: Scoped, connection: &Connection, now: u64) -> Sqlite<bool> {
        let in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
        Ok(in_flight || look_up(connection, key, [0; 32], now)?.is_some())
    }

    /// Takes a key, then looks whether it was used before: in this order, whatever finishes in between is found.
    pub(super) fn begin(
        &self,
        key: Scoped,
        fingerprint: Fingerprint,
        connection: &Connection,
        now: u64,
    ) -> Sqlite<Begun> {
        {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(other) = keys.get(&key) {
                let same = *other == fingerprint;
                return Ok(if same { Begun::InFlight } else { Begun::Repeated(Repeated::Reused) });
            }
            keys.insert(key, fingerprint);
        }
        let taken = InFlight { keys: self.clone(), key, fingerprint };
        Ok(match look_up(connection, key, fingerprint, now)? {
            Some(repeated) => Begun::Repeated(repeated),
            None => Begun::Fresh(taken),
        })
    }
}

/// What to keep of a write: its key, and how it will be answered, given its revision; `None` keeps nothing. The key is in
/// flight until the write is durable or refused.
pub(crate) struct Remember {
    pub(crate) key: InFlight,
    pub(crate) answer: Box<dyn FnOnce(u64) -> Option<Answer> + Send>,
}

impl Remember {
    /// What the key was used for before, by another process.
    pub(super) fn repeated(&self, change: &Change<'_>, now: u64) -> Sqlite<Option<Repeated>> {
        look_up(change.connection, self.key.key, self.key.fingerprint, now)
    }

    /// Keeps the answer to what became this revision.
    pub(super) fn keep(self, change: &mut Change<'_>, revision: u64, now: u64) -> Sqlite<()> {
        if let Some(answer) = (self.answer)(revision) {
            let mut insert = change.connection.prepare_cached(
                "INSERT OR REPLACE INTO answer (key, fingerprint, until, answer) VALUES (?, ?, ?, ?)",
            )?;
            insert.execute((self.key.key.0, self.key.fingerprint, now.saturating_add(KEPT), answer.0))?;
        }
        change.hold(self.key);
        Ok(())
    }
}

fn look_up(connection: &Connection, key: Scoped, fingerprint: Fingerprint, now: u64) -> Sqlite<Option<Repeated>> {
    let mut select = connection.prepare_cached("SELECT fingerprint, answer FROM answer WHERE key = ? AND until > ?")?;
    let found = select.query_one((key.0, now), |row| Ok((row.get::<_, Fingerprint>(0)?, row.get(1)?))).optional()?;
    Ok(found.map(
        |(kept, answer)| {
            if kept == fingerprint { Repeated::Replay(Answer(answer)) } else { Repeated::Reused }
        },
    ))
}
