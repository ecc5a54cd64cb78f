//! What it costs, in release: `cargo test --release -p verdict-server store::tests::cost -- --ignored --nocapture`.

use super::*;
use rusqlite::Connection;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const DOCUMENT: usize = 1024;
const TASKS: usize = 64;

/// One fsync for each write, as a loop does it that knows nothing of the others.
fn plain(writes: usize) -> (f64, Duration) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let connection = Connection::open(folder.path().join("plain.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE document (id TEXT PRIMARY KEY, revision INTEGER, content BLOB);",
        )
        .unwrap();
    let content = vec![b'x'; DOCUMENT];
    let begun = Instant::now();
    for n in 0..writes {
        let mut insert = connection
            .prepare_cached("INSERT OR REPLACE INTO document (id, revision, content) VALUES (?, ?, ?)")
            .unwrap();
        insert.execute((n.to_string(), n as i64, &content)).unwrap();
    }
    let took = begun.elapsed();
    (writes as f64 / took.as_secs_f64(), took / writes as u32)
}

/// The same by 64 tasks that each wait for their answer; and the time that all but one in a hundred took.
fn grouped(writes: usize) -> (f64, Duration) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let runtime = runtime();
    let notes = Arc::new(runtime.block_on(store.declare("/notes", Vec::new(), NOW)).unwrap());
    let content = "x".repeat(DOCUMENT);
    let begun = Instant::now();
    let tasks = LocalSet::new();
    let tasks_of_all: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, notes, content) = (store.clone(), notes.clone(), content.clone());
            tasks.spawn_local(async move {
                let mut times = Vec::new();
                for n in 0..writes / TASKS {
                    let begun = Instant::now();
                    store.write(put(&notes, &(n * TASKS + task).to_string(), &content)).await.unwrap().unwrap();
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    runtime.block_on(tasks.run_until(async {
        for task in tasks_of_all {
            times.extend(task.await.unwrap());
        }
    }));
    let took = begun.elapsed();
    times.sort_unstable();
    (times.len() as f64 / took.as_secs_f64(), times[times.len() * 99 / 100])
}

#[test]
#[ignore = "a benchmark; in release"]
fn writes_of_64_tasks_are_ten_times_those_of_one_fsync_each() {
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let (alone, each) = plain(5000);
        let (together, p99) = grouped(64_000);
        ratios.push(together / alone);
        println!(
            "one fsync each: {alone:.0}/s, {each:?}; grouped: {together:.0}/s, p99 {p99:?}; ratio {:.1}, p99 {:.1} fsyncs",
            together / alone,
            p99.as_secs_f64() / each.as_secs_f64()
        );
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[2] >= 10.0, "{ratios:?}");
}

#[test]
#[ignore = "a benchmark; in release"]
fn a_document_is_read_from_memory_and_from_the_database() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let ids: Vec<_> = (0..1000).map(|n| format!("document-{n}")).collect();
    for id in &ids {
        std::mem::forget(place.store.write(put(&notes, id, &"x".repeat(DOCUMENT))));
    }
    place.write(put(&notes, "last", "x")).unwrap().unwrap();
    for (name, bytes) in [("memory", 16 << 20), ("database", 0)] {
        let reader = place.store.reader(bytes).unwrap();
        let rounds = if bytes > 0 { 2000 } else { 100 };
        let begun = Instant::now();
        for _ in 0..rounds {
            for id in &ids {
                let _ = black_box(reader.get(&notes, black_box(id), NOW));
            }
        }
        println!("from {name}: {:?} each", begun.elapsed() / (rounds * 1000));
    }
}
