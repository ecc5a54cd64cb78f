//! The store as the config wants it: opened once for all workers, with a reader for each, and its collections declared.

use crate::config::{Config, Kind, Part};
use crate::disk::Root;
use crate::handler::files::upload::reconcile;
use crate::id::Random;
use crate::site::Unopened;
use crate::store::{self, Collection, Declared, Reader, Store, Undeclared};
use std::fs::DirBuilder;
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, SystemTime};

/// Copies of documents that each worker keeps in memory: so many bytes.
const CACHE: usize = 16 << 20;

/// Where the database of a config is, or will be; `None` where it has no `state`.
pub fn database(config: &Config) -> Option<PathBuf> {
    config.state().map(store::path)
}

/// Looks through a database while it is in use or not, and gives what is wrong with it: nothing if all is well. The error is a
/// sentence.
pub fn check(path: &Path) -> Result<Vec<String>, String> {
    store::check(path).map_err(|error| error.to_string())
}

/// Copies a database, as it is at one moment, into a file that must not be there. The error is a sentence.
pub fn backup(path: &Path, to: &Path) -> Result<(), String> {
    store::backup(path, to).map_err(|error| error.to_string())
}

/// Waits for the store, which works in a thread of its own. There may be a runtime around this, which takes a config anew, and a
/// second one cannot run within it.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Waiting(Thread);
    impl Wake for Waiting {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Waiting(thread::current())));
    let (mut context, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// What the store is opened for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// To be written by so many workers.
    Serve { workers: usize },
    /// To be looked at: what is done to it is done to a copy, which is gone with who asked.
    DryRun,
}

/// What a config's routes keep.
pub(crate) struct Kept {
    store: Arc<Store>,
    folder: PathBuf,
    /// One for each worker that has not come for its own yet.
    readers: Mutex<Vec<Reader>>,
    /// By route.
    collections: Vec<Option<Arc<Collection>>>,
}

impl Kept {
    /// Opens the store if any route needs it, or goes on with the one that is open.
    /// `roots` are the folders of the routes, by route.
    pub(crate) fn open(
        config: &Config,
        roots: &[Option<Arc<Root>>],
        before: Option<&Kept>,
        purpose: Purpose,
    ) -> Result<Option<Kept>, Unopened> {
        let keeps = |kind: &Kind| match kind {
            Kind::Document(_) | Kind::Jobs(_, Part::Queue) => true,
            Kind::Files(files) => files.upload.is_some(),
            Kind::Collection(_)
            | Kind::Jobs(_, Part::Monitor | Part::Result)
            | Kind::Redirect(_)
            | Kind::Respond(_)
            | Kind::Proxy(_) => false,
        };
        let needed = config.routes.iter().any(|route| keeps(&route.kind));
        let Some(folder) = config.state().filter(|_| needed) else { return Ok(None) };
        let unopened = |path: &Path, error: String| Unopened { path: path.to_owned(), error: io::Error::other(error) };
        let copy = match purpose {
            Purpose::Serve { .. } => None,
            Purpose::DryRun => Some(Copy::of(folder)?),
        };
        let workers = match purpose {
            Purpose::Serve { workers } => workers,
            Purpose::DryRun => 1,
        };
        let store = match before.filter(|before| before.folder == folder) {
            Some(before) => before.store.clone(),
            None => {
                let place = copy.as_ref().map_or(folder, |copy| &copy.0);
                Arc::new(Store::open(place).map_err(|error| unopened(folder, error.to_string()))?)
            }
        };
        // A dry run has a copy of what others are about to do.
        if let Purpose::Serve { .. } = purpose {
            wait(reconcile(&store, config, roots)).map_err(|_| {
                unopened(store.path(), "what was being uploaded cannot be looked at; the log says why".to_owned())
            })?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let mut collections = Vec::new();
        for route in &config.routes {
            let Kind::Document(documents) = &route.kind else {
                collections.push(None);
                continue;
            };
            let declared = |unique| move |pointer: &_| Declared { pointer: format!("{pointer}"), unique };
            let index = documents.index.iter().filter(|pointer| !documents.unique.contains(pointer));
            let unique = documents.unique.iter().map(declared(true));
            let members: Vec<_> = unique.chain(index.map(declared(false))).collect();
            let declared = store.declare(documents.collection.as_str(), members, now.as_millis() as u64);
            let collection = wait(declared).map_err(|undeclared| match undeclared {
                Undeclared::Taken { pointer, one, other } => unopened(
                    store.path(),
                    format!(
                        "the documents `{one}` and `{other}` of `{}` have the same `{pointer}`, which is to be unique; change \
                         one of them first, or remove it from `unique`",
                        route.pattern
                    ),
                ),
                Undeclared::Failed(_) => unopened(store.path(), "the store does not take it; the log says why".to_owned()),
            })?;
            collections.push(Some(Arc::new(collection)));
        }
        let readers: Result<Vec<_>, _> = (0..workers).map(|_| store.reader(CACHE)).collect();
        let readers = readers.map_err(|error| unopened(store.path(), error.to_string()))?;
        Ok(Some(Kept { store, folder: folder.to_owned(), readers: Mutex::new(readers), collections }))
    }

    /// A worker's own reader.
    pub(crate) fn for_worker(&self) -> Option<Rc<Reader>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop().map(Rc::new)
    }

    /// A reader for whoever looks once, which copies nothing.
    pub(crate) fn for_looking(&self) -> io::Result<Rc<Reader>> {
        self.store.reader(0).map(Rc::new).map_err(|error| io::Error::other(error.to_string()))
    }

    /// The collection of a route.
    pub(crate) fn collection(&self, route: usize) -> Option<Arc<Collection>> {
        self.collections[route].clone()
    }

    /// Where all of it is written.
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Lets a process that takes over open the store too.
    pub(crate) fn share(&self) -> io::Result<()> {
        self.store.share()
    }

    /// Once a second: whether another process that had the store open has gone.
    pub(crate) fn tick(&self) {
        self.store.tick();
    }

    /// Removes what has expired, some of it; to be done now and then. Whether there may be more.
    pub(crate) async fn sweep(&self, now: u64) -> bool {
        // What failed is in the log, and is tried again.
        self.store.sweep(now).await.unwrap_or(false)
    }
}

/// A folder with a copy of a store. It is removed once everything in it is open.
struct Copy(PathBuf);

impl Copy {
    fn of(folder: &Path) -> Result<Copy, Unopened> {
        let place = std::env::temp_dir().join(format!("verdict-{:x}", Random::unforeseen()));
        let failed = |error| Unopened { path: place.clone(), error };
        DirBuilder::new().mode(0o700).create(&place).map_err(failed)?;
        let copy = Copy(place.clone());
        let (from, to) = (store::path(folder), store::path(&place));
        if from.exists() {
            store::backup(&from, &to)
                .map_err(|error| Unopened { path: from, error: io::Error::other(error.to_string()) })?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left of a dry run in a folder for what is temporary does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
