//! The tables, version by version. A script that has been released is never changed: a later one changes what it made.
//!
//! Keys of documents and jobs are the revisions of their creation, so their order is that of creation. Times are milliseconds
//! since 1970.

use rusqlite::{Connection, Result, TransactionBehavior};

/// `Vdct`: what `file` and `PRAGMA application_id` say of our databases.
pub(super) const APPLICATION: i32 = 0x5664_6374;

/// The version that the scripts lead to.
pub(super) const VERSION: i32 = SCRIPTS.len() as i32;

const SCRIPTS: &[&str] = &[include_str!("tables.sql"), include_str!("queue.sql")];

/// Takes a database from the version that it has to [`VERSION`], each step whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    loop {
        // Two processes may start at once: the version is read under the lock that it is changed under.
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i32 = step.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let Some(script) = usize::try_from(version).ok().and_then(|version| SCRIPTS.get(version)) else {
            return Ok(());
        };
        step.execute_batch(script)?;
        step.pragma_update(None, "application_id", APPLICATION)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_lead_to_the_last_version_and_are_not_done_twice() {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            migrate(&mut connection).unwrap();
            let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(version, VERSION);
        }
    }

    #[test]
    fn jobs_that_wait_already_are_counted_and_so_is_what_becomes_of_them() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCRIPTS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let job = |connection: &Connection, key: i64, route: &str, state: i64| {
            let sql = "INSERT INTO job (key, id, route, state, attempts, due, until, type, content)
                       VALUES (?1, ?1, ?2, ?3, 0, 0, 0, '', x'')";
            connection.execute(sql, (key, route, state)).unwrap();
        };
        for (key, route, state) in [(1, "/a", 0), (2, "/a", 0), (3, "/a", 1), (4, "/b", 2)] {
            job(&connection, key, route, state);
        }
        migrate(&mut connection).unwrap();
        let waiting = |connection: &Connection| {
            let sql = "SELECT coalesce(group_concat(route || waiting, ' '), '') FROM queue";
            connection.query_one(sql, [], |row| row.get::<_, String>(0)).unwrap()
        };
        assert_eq!(waiting(&connection), "/a2");
        job(&connection, 5, "/b", 0);
        assert_eq!(waiting(&connection), "/a2 /b1");
        for (sql, counted) in [
            ("UPDATE job SET state = 1 WHERE key = 5", "/a2 /b0"),
            ("UPDATE job SET state = 0, due = 7 WHERE key IN (3, 5)", "/a3 /b1"),
            ("UPDATE job SET state = 0 WHERE key = 5", "/a3 /b1"),
            ("UPDATE job SET state = 4 WHERE key IN (1, 4)", "/a2 /b1"),
            ("DELETE FROM job", "/a0 /b0"),
        ] {
            connection.execute(sql, []).unwrap();
            assert_eq!(waiting(&connection), counted, "{sql}");
        }
    }
}
