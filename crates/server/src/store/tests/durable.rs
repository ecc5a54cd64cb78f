//! What was acknowledged is there, whatever happens to the process or to the disk.

use super::*;
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Tells this test's own binary that it is the process to be killed, and in which folder.
const VICTIM: &str = "VERDICT_STORE_TEST_VICTIM";

fn sound(place: &Place) {
    let connection = Connection::open(place.database()).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let wrong: i64 = connection
        .query_row(
            "SELECT count(*) FROM collection WHERE bytes <> (SELECT coalesce(sum(length(content)), 0) FROM document
             WHERE collection = collection.key AND until IS NULL)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(wrong, 0, "quota sums");
}

#[test]
fn a_store_that_was_closed_is_as_it_was() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!"]).unwrap();
    let written = place.write(put(&notes, "x", r#"{"a":1}"#)).unwrap().unwrap();
    let place = place.reopened();
    let again = place.declare("/notes", &["/a!"]).unwrap();
    assert_eq!(again, notes);
    let Ok(Found::Current(current)) = place.reader().get(&again, "x", NOW) else { panic!("it is there") };
    assert_eq!(current.revision, written.revision);
    assert!(place.write(put(&again, "x", "{}")).unwrap().unwrap().revision > written.revision);
    sound(&place);
}

/// Not a test of its own: what is killed. It writes, 16 at a time, and says what was acknowledged.
#[test]
#[ignore = "it is run by `what_was_acknowledged_outlives_kill_9`, and killed"]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let store = Store::open(folder.as_ref()).unwrap();
    let runtime = runtime();
    let notes = Arc::new(runtime.block_on(store.declare("/notes", declared(&["/n!", "/m"]), NOW)).unwrap());
    let begin = std::process::id() as usize * 1_000_000;
    for n in (begin..).step_by(16) {
        let content = |n: usize| format!(r#"{{"n":{n},"m":{}}}"#, n % 7);
        let pending: Vec<_> = (n..n + 16).map(|n| (n, store.write(put(&notes, &n.to_string(), &content(n))))).collect();
        for (n, pending) in pending {
            runtime.block_on(pending).unwrap().unwrap();
            println!("\n#{n}");
        }
    }
}

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let mut place = Place::new();
    let mut acknowledged = Vec::new();
    for round in 0..20 {
        let Place { folder, store, runtime } = place;
        drop(Arc::into_inner(store).unwrap());
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::durable::victim", "--ignored", "--nocapture"])
            .env(VICTIM, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut left = 40 + round * 13;
        for line in lines {
            acknowledged.extend(line.strip_prefix('#').map(str::to_owned));
            // What it still says after that it has acknowledged before it died.
            left -= 1;
            if left == 0 {
                victim.kill().unwrap();
            }
        }
        victim.wait().unwrap();
        place = Place { store: Arc::new(Store::open(folder.path()).unwrap()), folder, runtime };
        sound(&place);
    }
    let notes = place.declare("/notes", &["/n!", "/m"]).unwrap();
    let reader = place.reader();
    assert!(acknowledged.len() > 20 * 16, "{}", acknowledged.len());
    for id in acknowledged {
        assert!(matches!(reader.get(&notes, &id, NOW), Ok(Found::Current(_))), "{id} was acknowledged");
    }
}

#[test]
fn a_full_disk_refuses_what_has_no_room_and_keeps_the_rest() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let small = |id: &str| place.write(put(&notes, id, "{}"));
    small("before").unwrap().unwrap();
    let limit = place.store.queue.write(0, |change| {
        let pages: i64 = change.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        // SQLite's own full disk.
        change.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 8), [], |_| Ok(()))?;
        Ok(super::super::writer::Outcome::Undo(()))
    });
    place.wait(limit).unwrap();
    let full = place.write(put(&notes, "large", &"x".repeat(1 << 20)));
    assert_eq!(full, Err(Failure::DiskFull));
    small("after").unwrap().unwrap();
    assert_eq!(place.reader().get(&notes, "large", NOW), Ok(Found::Nothing));
    sound(&place);
}

/// Not a test of its own: a process whose files may not grow, so that the kernel refuses to write.
#[test]
#[ignore = "it is run by `a_disk_that_fails_ends_writing_and_loses_nothing`"]
fn stunted() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let store = Arc::new(Store::open(folder.as_ref()).unwrap());
    let runtime = runtime();
    let notes = Arc::new(runtime.block_on(store.declare("/notes", Vec::new(), NOW)).unwrap());
    let reader = store.reader(0).unwrap();
    let large = "x".repeat(64 << 10);
    for n in 0.. {
        match runtime.block_on(store.write(put(&notes, &n.to_string(), &large))) {
            Ok(written) => {
                written.unwrap();
                println!("\n#{n}");
            }
            Err(failure) => {
                assert_eq!(failure, Failure::Disk);
                break;
            }
        }
    }
    assert_eq!(
        runtime.block_on(store.write(put(&notes, "s", "{}"))),
        Err(Failure::Disk),
        "nothing is written after it"
    );
    assert!(matches!(reader.get(&notes, "0", NOW), Ok(Found::Current(_))), "and all can be read");
    println!("\ndone");
}

#[test]
fn a_disk_that_fails_ends_writing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // EFBIG instead of a signal, at 2 MiB.
    let script =
        "trap '' XFSZ; ulimit -f 2048; exec \"$0\" --exact store::tests::durable::stunted --ignored --nocapture";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(VICTIM, folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().any(|line| line == "done"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let place = Place { store: Arc::new(Store::open(folder.path()).unwrap()), folder, runtime: runtime() };
    let notes = place.declare("/notes", &[]).unwrap();
    let reader = place.reader();
    let acknowledged: Vec<_> = said.lines().filter_map(|line| line.strip_prefix('#')).collect();
    assert!(acknowledged.len() > 5, "{acknowledged:?}");
    for id in acknowledged {
        assert!(matches!(reader.get(&notes, id, NOW), Ok(Found::Current(_))), "{id}");
    }
    place.write(put(&notes, "after", "{}")).unwrap().unwrap();
    sound(&place);
}
