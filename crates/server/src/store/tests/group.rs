//! Many writes in one transaction: each stands or falls alone, and all of them with the disk.

use super::super::writer::{Change, Outcome, WAITING};
use super::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Instant;

impl Place {
    /// Keeps the writer busy until the sender is dropped, and gives what it waits for then.
    pub(super) fn hold(&self) -> mpsc::Sender<()> {
        let (sender, receiver) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let held = self.store.queue.write(0, move |_| {
            began.send(()).unwrap();
            let _ = receiver.recv();
            Ok(Outcome::Undo(()))
        });
        begun.recv().unwrap();
        // It has begun, so it is not abandoned.
        drop(held);
        sender
    }
}

fn ids(place: &Place, collection: &Collection) -> Vec<String> {
    let page = place.reader().list(collection, &Query { limit: 1000, ..Query::default() }).unwrap();
    page.items.into_iter().map(|(id, _)| id).collect()
}

#[test]
fn who_is_refused_leaves_the_others_as_they_are() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!"]).unwrap();
    let held = place.hold();
    let store = &place.store;
    let good = store.write(put(&notes, "one", r#"{"a":1}"#));
    let taken = store.write(put(&notes, "two", r#"{"a":1}"#));
    let (collection, panics) = (notes.clone(), put(&notes, "four", "{}"));
    let panicked = store.queue.write_repeatable(0, move |change| {
        let written = change.write(&panics, None)?;
        assert_eq!(collection.members.len(), 7, "on purpose");
        Ok(written)
    });
    let wrong = put(&notes, "five", "{}");
    let failed = store.queue.write(0, move |change| {
        change.write(&wrong, None)?;
        change.connection.execute("INSERT INTO sequence VALUES (2, 2)", []).map(|_| Outcome::Keep(()))
    });
    let last = store.write(put(&notes, "six", r#"{"a":6}"#));
    drop(held);
    let good = place.wait(good).unwrap().unwrap();
    assert!(matches!(place.wait(taken), Ok(Err(Refused::Duplicate { .. }))));
    assert_eq!(place.wait(panicked).map(|_| ()), Err(Failure::Panicked));
    assert_eq!(place.wait(failed), Err(Failure::Corrupt));
    let last = place.wait(last).unwrap().unwrap();
    assert_eq!(last.revision, good.revision + 1, "no revision is lost to who was refused");
    assert_eq!(ids(&place, &notes), ["one", "six"]);
}

#[test]
fn what_can_be_done_again_is_done_anew_where_another_has_to_be_taken_back_and_only_there() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!"]).unwrap();
    // A write beside it, and how often the first is run.
    type Beside = fn(&mut Change<'_>, &Write) -> rusqlite::Result<Outcome<()>>;
    let cases: [(&str, Beside, usize); 4] = [
        ("kept", |change, write| change.write(write, None).map(|_| Outcome::Keep(())), 1),
        ("refused at once", |_, _| Ok(Outcome::Undo(())), 1),
        ("refused late", |change, write| change.write(write, None).map(|_| Outcome::Undo(())), 2),
        (
            "failed late",
            |change, write| {
                change.write(write, None)?;
                change.connection.execute("INSERT INTO sequence VALUES (2, 2)", []).map(|_| Outcome::Keep(()))
            },
            2,
        ),
    ];
    for (n, (what, beside, expected)) in cases.into_iter().enumerate() {
        let (first, other) = (put(&notes, &format!("first-{n}"), "{}"), put(&notes, &format!("other-{n}"), "{}"));
        let runs = Arc::new(AtomicUsize::new(0));
        let held = place.hold();
        let counted = runs.clone();
        let first = place.store.queue.write_repeatable(0, move |change| {
            counted.fetch_add(1, Relaxed);
            change.write(&first, None)
        });
        let beside = place.store.queue.write_repeatable(0, move |change| beside(change, &other));
        drop(held);
        assert!(place.wait(first).unwrap().is_ok(), "{what}");
        assert_eq!(place.wait(beside).is_err(), what == "failed late", "{what}");
        assert_eq!(runs.load(Relaxed), expected, "{what}");
    }
    let mut left = ids(&place, &notes);
    left.sort();
    assert_eq!(left, ["first-0", "first-1", "first-2", "first-3", "other-0"]);
}

#[test]
fn what_is_abandoned_before_its_turn_is_not_done() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let held = place.hold();
    let abandoned = place.store.write(put(&notes, "abandoned", "{}"));
    assert!(abandoned.abandon());
    drop(place.store.write(put(&notes, "dropped", "{}")));
    let kept = place.store.write(put(&notes, "kept", "{}"));
    drop(held);
    place.wait(kept).unwrap().unwrap();
    assert_eq!(ids(&place, &notes), ["kept"]);
    let done = place.store.write(put(&notes, "done", "{}"));
    place.write(put(&notes, "after", "{}")).unwrap().unwrap();
    assert!(!done.abandon(), "it may be durable already");
    assert!(place.wait(done).unwrap().is_ok());
}

#[test]
fn a_full_queue_refuses_at_once() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let held = place.hold();
    let mut pending: Vec<_> = (0..WAITING).map(|_| place.store.write(put(&notes, "x", "{}"))).collect();
    let refused = place.store.write(put(&notes, "x", "{}"));
    assert!(refused.abandon());
    assert_eq!(place.wait(refused), Err(Failure::StoreBusy));
    drop(held);
    assert!(place.wait(pending.remove(0)).unwrap().is_ok());
    drop(pending);
    let held = place.hold();
    let large = || Write { content: Bytes::from(vec![0; 40 << 20]), ..put(&notes, "x", "{}") };
    let one = place.store.write(large());
    assert_eq!(place.wait(place.store.write(large())), Err(Failure::StoreBusy), "80 MiB would wait");
    drop(held);
    assert!(place.wait(one).unwrap().is_ok());
}

#[test]
fn of_64_writers_of_one_revision_one_wins_and_each_loser_is_told() {
    const WRITERS: usize = 64;
    const REVISIONS: u64 = 20;
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let first = place.write(put(&notes, "x", "0")).unwrap().unwrap().revision;
    let (wins, losses) = (AtomicU64::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (place, notes, wins, losses) = (&place, &notes, &wins, &losses);
            scope.spawn(move || {
                let reader = place.reader();
                let tasks = tokio::task::LocalSet::new();
                let writer = async |_: usize| {
                    loop {
                        let Ok(Found::Current(current)) = reader.get(notes, "x", NOW) else { panic!("it is there") };
                        let count: u64 = std::str::from_utf8(&current.content).unwrap().parse().unwrap();
                        if count == REVISIONS {
                            return;
                        }
                        let expect = Expect::Revision(current.revision);
                        let write = Write { expect, ..put(notes, "x", &(count + 1).to_string()) };
                        match place.store.write(write).await.unwrap() {
                            Ok(_) => wins.fetch_add(1, Relaxed),
                            Err(Refused::TooLate { .. }) => losses.fetch_add(1, Relaxed) as u64,
                            Err(refused) => panic!("{refused:?}"),
                        };
                    }
                };
                let mut writers: Vec<_> = (0..WRITERS / 2).map(|n| Box::pin(writer(n + thread))).collect();
                let all = std::future::poll_fn(|context| {
                    writers.retain_mut(|writer| writer.as_mut().poll(context).is_pending());
                    if writers.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                });
                runtime().block_on(tasks.run_until(all));
            });
        }
    });
    assert_eq!(wins.load(Relaxed), REVISIONS, "one for each revision, and each counted on from the one before");
    assert!(losses.load(Relaxed) > 0, "nobody was ever too late: they did not meet");
    let Ok(Found::Current(current)) = place.reader().get(&notes, "x", NOW) else { panic!("it is there") };
    assert_eq!((&current.content[..], current.revision > first), (REVISIONS.to_string().as_bytes(), true));
}

#[test]
fn readers_of_all_threads_see_what_was_acknowledged() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let acknowledged = AtomicU64::new(place.write(put(&notes, "x", "0")).unwrap().unwrap().revision);
    let until = Instant::now() + std::time::Duration::from_millis(500);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let reader = place.reader();
                let mut last = 0;
                while Instant::now() < until {
                    let known = acknowledged.load(Relaxed);
                    let Ok(Found::Current(current)) = reader.get(&notes, "x", NOW) else { panic!("it is there") };
                    assert!(current.revision >= known.max(last), "{} after {known} and {last}", current.revision);
                    last = current.revision;
                }
            });
        }
        while Instant::now() < until {
            let written = place.write(put(&notes, "x", "1")).unwrap().unwrap();
            acknowledged.store(written.revision, Relaxed);
        }
    });
}
