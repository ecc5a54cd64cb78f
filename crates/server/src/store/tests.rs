//! The store by what it promises: one file a subject.

mod alike;
mod checked;
mod cost;
mod documents;
mod durable;
mod group;
mod jobs;
mod listing;
mod uploads;

use super::*;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;

/// Some time: milliseconds since 1970.
const NOW: u64 = 1_700_000_000_000;

/// A store in a folder that goes with it.
struct Place {
    folder: tempfile::TempDir,
    store: Arc<Store>,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        Place { folder, store, runtime: runtime() }
    }

    fn database(&self) -> PathBuf {
        self.store.path().to_owned()
    }

    fn reader(&self) -> Reader {
        self.store.reader(1 << 20).unwrap()
    }

    /// `members` with `!` behind those that are unique.
    fn declare(&self, name: &str, members: &[&str]) -> Result<Arc<Collection>, Undeclared> {
        self.runtime.block_on(self.store.declare(name, declared(members), NOW)).map(Arc::new)
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn write(&self, write: Write) -> Result<Result<Written, Refused>, Failure> {
        self.wait(self.store.write(write))
    }

    /// Closes it and opens what is there then.
    fn reopened(self) -> Place {
        let Place { folder, store, runtime } = self;
        drop(Arc::into_inner(store).expect("every reader has gone"));
        let store = Arc::new(Store::open(folder.path()).unwrap());
        Place { folder, store, runtime }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn declared(members: &[&str]) -> Vec<Declared> {
    let declared =
        |member: &&str| Declared { pointer: member.trim_end_matches('!').to_owned(), unique: member.ends_with('!') };
    members.iter().map(declared).collect()
}

/// A write of this content, whatever is there.
fn put(collection: &Arc<Collection>, id: &str, content: &str) -> Write {
    Write {
        collection: collection.clone(),
        id: id.to_owned(),
        expect: Expect::Any,
        content: Bytes::copy_from_slice(content.as_bytes()),
        values: Values::parse(&collection.members, content.as_bytes()),
        quota: None,
        remember: None,
        dry: false,
        now: NOW,
    }
}

fn delete(collection: &Arc<Collection>, id: &str) -> Delete {
    Delete {
        collection: collection.clone(),
        id: id.to_owned(),
        expect: Expect::Any,
        keep_until: None,
        dry: false,
        now: NOW,
    }
}
