//! Opening the database: it is made if there is none, and brought to the present version if it is older.

use super::bell::Bell;
use super::changes::Changes;
use super::checkpoint::{self, Checkpoints};
use super::idempotency::Keys;
use super::lock::Lock;
use super::migrate::{APPLICATION, VERSION, migrate};
use super::writer::{Queue, Writer};
use super::{Reader, Shared, Store, jobs};
use crate::id::Random;
use crate::jobs::Counts;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// The database, and the file that says who has it open, in the folder `state`.
const NAME: &str = "verdict.db";
const LOCK: &str = "verdict.lock";

/// How long the writer waits for another process that writes: its transactions are short.
const BUSY: Duration = Duration::from_secs(5);

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 64;

/// Why a store cannot be opened.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// A folder or a file cannot be made, opened or locked.
    Io { path: PathBuf, error: io::Error },
    /// Another process has it open.
    InUse { path: PathBuf },
    /// It is a database of something else.
    Foreign { path: PathBuf },
    /// A later version of this program made it.
    Newer { path: PathBuf, version: i32 },
    /// It is no database, or a damaged one.
    Corrupt { path: PathBuf, error: Error },
    /// The file system cannot keep a log beside it.
    NoLog { path: PathBuf },
    /// SQLite failed otherwise.
    Failed { path: PathBuf, error: Error },
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unopened::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Unopened::InUse { path } => write!(
                f,
                "{} is in use by another verdict: stop that one, or set `state` to a folder of its own",
                path.display()
            ),
            Unopened::Foreign { path } => {
                write!(f, "{} is not a database of verdict's: set `state` to another folder", path.display())
            }
            Unopened::Newer { path, version } => write!(
                f,
                "{} is of version {version}, and this verdict knows versions up to {VERSION}: run the verdict that made it, \
                 or restore the backup from before",
                path.display()
            ),
            Unopened::Corrupt { path, error } => {
                write!(f, "{} is damaged ({error}): `verdict store check` says where; restore a backup", path.display())
            }
            Unopened::NoLog { path } => write!(
                f,
                "{} is on a file system without shared memory, such as one of a network: set `state` to a folder of a disk",
                path.display()
            ),
            Unopened::Failed { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Unopened {}

/// Where the database of a folder is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl Store {
    /// Opens the store of a folder, which is made if it is missing; only its owner may enter it.
    pub(crate) fn open(folder: &Path) -> Result<Store, Unopened> {
        let io = |path: &Path| {
            let path = path.to_owned();
            |error| Unopened::Io { path, error }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))?;
        let path = folder.join(NAME);
        let lock = Lock::take(folder, LOCK).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Unopened::InUse { path: path.clone() },
            _ => io(&folder.join(LOCK))(error),
        })?;
        // SQLite gives the files beside it the same permissions.
        let made = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        made.map_err(io(&path))?;
        // A file is there after a power loss when its name is on the disk too.
        for folder in [Some(folder), folder.parent()].into_iter().flatten().filter(|path| !path.as_os_str().is_empty())
        {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))?;
        }
        let connection = writable(&path)?;
        if lock.is_alone() {
            recover(&connection).map_err(|error| unopened(&path, error))?;
        }
        let checkpoints = Checkpoints::start(writable(&path)?).map_err(io(&path))?;
        let (queue, waiting) = Queue::new();
        let shared = Arc::new(Shared { changes: Changes::new(), lock });
        let folder = folder.to_owned();
        let writer = Writer { connection, checkpoints, waiting, shared: shared.clone(), folder, broken: None };
        // As SQLite's integers have no more than 63 bits.
        let opening = (Random::unforeseen() >> 65) as u64;
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || writer.serve());
        let thread = thread.map_err(io(&path))?;
        Ok(Store {
            queue,
            shared,
            keys: Keys::default(),
            bell: Bell::default(),
            attempts: Counts::default(),
            path,
            opening,
            thread: Some(thread),
        })
    }

    /// A worker's own way of reading, with copies of at most so many bytes.
    pub(crate) fn reader(self: &Arc<Store>, cache_bytes: usize) -> Result<Reader, Unopened> {
        let connection = readable(self.path())?;
        Ok(Reader::new(self.clone(), connection, cache_bytes))
    }
}

/// A connection that reads, of a database that has been opened before.
pub(super) fn readable(path: &Path) -> Result<Connection, Unopened> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A reader waits for nobody but a process that recovers the log of one that was killed.
        connection.busy_timeout(Duration::from_millis(100))?;
        connection
            .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096;")?;
        Ok(connection)
    });
    opened.map_err(|error| unopened(path, error))
}

/// The connection that writes, to a database of the present version.
fn writable(path: &Path) -> Result<Connection, Unopened> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| unopened(path, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    known(&connection, path)?;
    let prepared = connection.busy_timeout(BUSY).and_then(|()| {
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -32768;",
        )?;
        connection.execute_batch(checkpoint::PRAGMAS)?;
        migrate(&mut connection)
    });
    prepared.map_err(|error| unopened(path, error))?;
    let journal = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    if journal.map_err(|error| unopened(path, error))? != "wal" {
        return Err(Unopened::NoLog { path: path.to_owned() });
    }
    Ok(connection)
}

/// What nobody does any more, since nobody else has the store open, is done again.
fn recover(connection: &Connection) -> Result<(), Error> {
    let sql = "UPDATE job SET state = ?, due = 0 WHERE state = ?";
    connection.execute(sql, (jobs::WAITING, jobs::RUNNING)).map(drop)
}

/// Whether the database is one of ours, or an empty one, and of a version that this program knows. Nothing is changed.
pub(super) fn known(connection: &Connection, path: &Path) -> Result<(), Unopened> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let read = number("application_id").and_then(|application: i32| {
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok((application, number("user_version")?, tables))
    });
    match read.map_err(|error| unopened(path, error))? {
        (APPLICATION, version, _) if version > VERSION => Err(Unopened::Newer { path: path.to_owned(), version }),
        (APPLICATION, ..) | (0, 0, 0) => Ok(()),
        _ => Err(Unopened::Foreign { path: path.to_owned() }),
    }
}

pub(super) fn unopened(path: &Path, error: Error) -> Unopened {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Unopened::Corrupt { path, error },
        _ => Unopened::Failed { path, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_may_read_what_is_made() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("state");
        let store = Store::open(&folder).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for name in [NAME, LOCK, "verdict.db-wal", "verdict.db-shm"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
        }
        assert!(matches!(Store::open(&folder), Err(Unopened::InUse { .. })), "a second server on the same folder");
        store.share().unwrap();
        drop(Store::open(&folder).expect("a server that takes over"));
        drop(store);
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_as_it_is() {
        let open = |make: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(NAME);
            make(&path);
            let before = std::fs::read(&path).unwrap();
            let refused = Store::open(folder.path()).err().expect("it is refused").to_string();
            assert_eq!(std::fs::read(&path).unwrap(), before);
            refused
        };
        let newer = open(&|path| {
            let connection = Connection::open(path).unwrap();
            connection.pragma_update(None, "application_id", APPLICATION).unwrap();
            connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
        });
        assert!(newer.contains(&format!("is of version {}", VERSION + 1)), "{newer}");
        let foreign = open(&|path| Connection::open(path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap());
        assert!(foreign.contains("not a database of verdict's"), "{foreign}");
        let damaged = open(&|path| std::fs::write(path, "no database at all, but long enough ".repeat(100)).unwrap());
        assert!(damaged.contains("damaged"), "{damaged}");
    }
}
