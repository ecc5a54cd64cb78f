//! A database that is looked through, and one that is copied: for `verdict store`. Both may be done while a server writes.

use super::Unopened;
use super::open::{known, readable, unopened};
use rusqlite::{Connection, Result as Sqlite};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What must never be found, and how to say that it was: each statement gives names.
const RULES: &[(&str, &str)] = &[
    (
        "the number of its jobs that wait is not what is written down",
        "SELECT route FROM queue WHERE waiting <>
         (SELECT count(*) FROM job WHERE job.route = queue.route AND state = 0)",
    ),
    (
        "the bytes of its documents are not what is written down",
        "SELECT name FROM collection WHERE bytes <> (SELECT coalesce(sum(length(content)), 0) FROM document
         WHERE collection = collection.key AND until IS NULL)",
    ),
    (
        "the bytes of its files are not what is written down",
        "SELECT route FROM usage WHERE bytes <>
         (SELECT coalesce(sum(bytes), 0) FROM file WHERE file.route = usage.route AND until IS NULL)",
    ),
    (
        "its files have no sum",
        "SELECT DISTINCT route FROM file WHERE until IS NULL AND route NOT IN (SELECT route FROM usage)",
    ),
    ("a document without a collection", "SELECT id FROM document WHERE collection NOT IN (SELECT key FROM collection)"),
    (
        "a document has no entry in an index of its collection",
        "SELECT id || ' ' || pointer FROM document JOIN member USING (collection) WHERE until IS NULL AND ready
         AND NOT EXISTS (SELECT 1 FROM entry WHERE document = document.key AND member = member.key)",
    ),
    (
        "an entry of an index is of no document",
        "SELECT DISTINCT document FROM entry
         WHERE document NOT IN (SELECT key FROM document WHERE until IS NULL)",
    ),
    (
        "a unique member has one value twice",
        "SELECT pointer FROM member JOIN entry ON entry.member = member.key
         WHERE is_unique AND ready AND value <> x'10' GROUP BY member.key, value HAVING count(*) > 1",
    ),
    (
        "a revision is later than the last that was given",
        "SELECT id FROM document WHERE revision > (SELECT revision FROM sequence)",
    ),
];

/// How many findings of one kind are told.
const TOLD: usize = 20;

/// Looks through a database: whether SQLite finds it whole, and whether what is in it agrees. It gives what is wrong, in words,
/// and nothing if all is well.
pub(crate) fn check(path: &Path) -> Result<Vec<String>, Unopened> {
    let connection = readable(path)?;
    known(&connection, path)?;
    look(&connection).map_err(|error| unopened(path, error))
}

fn look(connection: &Connection) -> Sqlite<Vec<String>> {
    // One moment for all of it. It is rolled back when it is dropped, having changed nothing.
    let moment = connection.unchecked_transaction()?;
    let mut found = Vec::new();
    let mut pages = moment.prepare("PRAGMA integrity_check")?;
    for line in pages.query_map([], |row| row.get::<_, String>(0))? {
        found.extend(Some(line?).filter(|line| line != "ok"));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let version: i32 = moment.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A store that no server of this version has opened yet has no queue written down.
    for (sentence, sql) in RULES.iter().filter(|(_, sql)| version >= 2 || !sql.contains("FROM queue")) {
        let mut select = moment.prepare(sql)?;
        let mut rows = select.query([])?;
        let mut told = 0;
        while let Some(row) = rows.next()? {
            told += 1;
            if told > TOLD {
                found.push(format!("{sentence}: and more"));
                break;
            }
            let name = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(key) => key.to_string(),
                name => name.as_str()?.to_owned(),
            };
            found.push(format!("{sentence}: {name}"));
        }
    }
    Ok(found)
}

/// Copies a database, as it is at one moment, into a file that must not be there, for its owner only. What the copy gives as
/// revisions, once it is used, are later ones than any that the original has given by then.
pub(crate) fn backup(path: &Path, to: &Path) -> Result<(), Unopened> {
    let io = |error| Unopened::Io { path: to.to_owned(), error };
    let connection = readable(path)?;
    known(&connection, path)?;
    let copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io)?;
    let copied = (|| {
        let name = to.to_str().ok_or_else(|| io(std::io::Error::other("the name is not UTF-8")))?;
        connection.execute("VACUUM INTO ?", [name]).map_err(|error| unopened(path, error))?;
        copy.sync_all().map_err(io)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    })();
    if copied.is_err() {
        // Half a copy is none.
        let _ = std::fs::remove_file(to);
    }
    copied
}
