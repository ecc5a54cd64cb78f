//! What `verdict store` does, and what is removed with time.

use super::*;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;

fn filled() -> Place {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!", "/b"]).unwrap();
    for n in 0..10 {
        place.write(put(&notes, &n.to_string(), &format!(r#"{{"a":{n}}}"#))).unwrap().unwrap();
    }
    let keep_until = Some(NOW + 1000);
    place.wait(place.store.delete(Delete { keep_until, ..delete(&notes, "3") })).unwrap().unwrap();
    place
}

#[test]
fn a_sound_store_has_no_findings_open_or_closed() {
    let place = filled();
    assert_eq!(check(place.store.path()).unwrap(), [""; 0]);
    let path = place.database();
    let Place { folder, store, .. } = place;
    drop(Arc::into_inner(store).unwrap());
    assert_eq!(check(&path).unwrap(), [""; 0]);
    drop(folder);
}

#[test]
fn each_thing_that_does_not_agree_is_found() {
    for (harm, finding) in [
        ("UPDATE collection SET bytes = bytes + 1", "the bytes of its documents are not what is written down: /notes"),
        ("INSERT INTO usage VALUES ('/up', 7)", "the bytes of its files are not what is written down: /up"),
        ("INSERT INTO file VALUES ('/up', 'f', 7, NULL)", "its files have no sum: /up"),
        ("UPDATE document SET collection = 9 WHERE id = '5'", "a document without a collection: 5"),
        (
            "DELETE FROM entry WHERE member = 2 AND document IN (SELECT key FROM document WHERE id = '5')",
            "a document has no entry in an index of its collection: 5 /b",
        ),
        ("INSERT INTO entry VALUES (2, x'10', 77)", "an entry of an index is of no document: 77"),
        (
            "UPDATE entry SET value = x'3000' WHERE member = 1 AND document IN (SELECT key FROM document LIMIT 2)",
            "a unique member has one value twice: /a",
        ),
        ("UPDATE sequence SET revision = 1", "a revision is later than the last that was given: 0"),
    ] {
        let place = filled();
        Connection::open(place.database()).unwrap().execute_batch(harm).unwrap();
        let found = check(place.store.path()).unwrap();
        assert!(found.iter().any(|found| found == finding), "{harm}: {found:?}");
    }
}

#[test]
fn a_backup_is_a_store_and_only_its_owner_may_read_it() {
    let place = filled();
    let to = place.folder.path().join("backup.db");
    backup(place.store.path(), &to).unwrap();
    assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(backup(place.store.path(), &to).is_err(), "what is there stays");
    assert_eq!(check(&to).unwrap(), [""; 0]);
    let restored = tempfile::tempdir().unwrap();
    std::fs::copy(&to, restored.path().join("verdict.db")).unwrap();
    let store = Arc::new(Store::open(restored.path()).unwrap());
    let notes = place.wait(store.declare("/notes", declared(&["/a!", "/b"]), NOW)).unwrap();
    let (there, here) = (store.reader(0).unwrap(), place.reader());
    for id in ["1", "3", "9"] {
        assert_eq!(there.get(&notes, id, NOW), here.get(&notes, id, NOW), "{id}");
    }
}

#[test]
fn what_is_no_store_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    assert!(check(&path).is_err());
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(check(&path), Err(Unopened::Foreign { .. })));
    assert!(matches!(backup(&path, &folder.path().join("y.db")), Err(Unopened::Foreign { .. })));
    assert!(!folder.path().join("y.db").exists());
}

#[test]
fn only_what_has_expired_is_swept() {
    let place = filled();
    let sweep = |now| while place.wait(place.store.sweep(now)).unwrap() {};
    let rows = || {
        let connection = Connection::open(place.database()).unwrap();
        connection.query_row("SELECT count(*) FROM document", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    sweep(NOW + 999);
    assert_eq!(rows(), 10);
    sweep(NOW + 1000);
    assert_eq!(rows(), 9);
    assert_eq!(check(place.store.path()).unwrap(), [""; 0]);
}
