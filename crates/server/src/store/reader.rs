//! What one worker reads with: its own connection, which sees the last transaction as a whole, and its own copies.
//!
//! A document by its name is read on the worker's own thread: it is a look-up of some ten microseconds in pages that are in
//! memory, which costs less than to hand it to another thread. A list may take longer, see `list.rs`.

use super::cache::{self, Cache};
use super::documents::{self, Current, Delete, Found, Refused, Write, Written};
use super::idempotency::{Begun, Fingerprint, Scoped};
use super::list::{self, Page, Query, Unlisted};
use super::{Collection, Documents, Store, fault};
use rusqlite::Connection;
use std::sync::Arc;
use verdict_core::cause::Failure;

/// A worker's end of the store.
pub(crate) struct Reader {
    store: Arc<Store>,
    connection: Connection,
    cache: Cache,
}

impl Reader {
    pub(super) fn new(store: Arc<Store>, connection: Connection, cache_bytes: usize) -> Reader {
        Reader { store, connection, cache: Cache::new(cache_bytes) }
    }

    /// Whether a request with an Idempotency-Key is to be done, is being done, or was.
    pub(crate) fn begin(&self, key: Scoped, fingerprint: Fingerprint, now: u64) -> Result<Begun, Failure> {
        let begun = self.store.keys.begin(key, fingerprint, &self.connection, now);
        begun.map_err(|error| fault::told("an answer could not be read", &error))
    }

    /// Whether a request with that Idempotency-Key is being done, or was.
    pub(crate) fn knows(&self, key: Scoped, now: u64) -> Result<bool, Failure> {
        let known = self.store.keys.knows(key, &self.connection, now);
        known.map_err(|error| fault::told("an answer could not be read", &error))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where it writes.
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// From memory, if it is there and as new as the store. Hot.
    #[inline]
    fn copy(&self, hash: u64, collection: i64, id: &str) -> Option<Current> {
        let seen = self.store.shared.changes.seen(hash)?;
        if !self.store.is_alone() {
            return None;
        }
        self.cache.get(hash, collection, id, seen)
    }
}

impl Documents for Reader {
    /// Hot: what is in memory is neither allocated nor looked up.
    fn get(&self, collection: &Collection, id: &str, now: u64) -> Result<Found, Failure> {
        let hash = cache::hash(collection.key, id);
        if let Some(current) = self.copy(hash, collection.key, id) {
            return Ok(Found::Current(current));
        }
        // Before the look-up: what changes during it is not taken for known.
        let seen = self.store.shared.changes.seen(hash).filter(|_| self.store.is_alone());
        let found = documents::get(&self.connection, collection.key, id, now)
            .map_err(|error| fault::told("a document could not be read", &error))?;
        if let (Found::Current(current), Some(seen)) = (&found, seen) {
            self.cache.put(hash, collection.key, id, seen, current);
        }
        Ok(found)
    }

    async fn write(&self, write: Write) -> Result<Result<Written, Refused>, Failure> {
        self.store.write(write).await
    }

    async fn delete(&self, delete: Delete) -> Result<Result<u64, Refused>, Failure> {
        self.store.delete(delete).await
    }

    fn list(&self, collection: &Collection, query: &Query) -> Result<Page, Unlisted> {
        let failed = |error| Unlisted::Failed(fault::told("a list could not be read", &error));
        // One moment for everything on the page. It is rolled back when it is dropped, having changed nothing.
        let moment = self.connection.unchecked_transaction().map_err(failed)?;
        list::list(&moment, collection, query)
    }
}
