//! Jobs: their queue, their attempts, and how long they are known.

use super::super::writer::Outcome;
use super::*;
use std::sync::mpsc;
use std::task::{Context, Waker};

const RENDER: &str = "/render";

fn enqueue(id: &str, limit: u64) -> Enqueue {
    Enqueue {
        route: RENDER.to_owned(),
        id: id.to_owned(),
        owner: Some("ann".to_owned()),
        content_type: "text/plain".to_owned(),
        content: Bytes::copy_from_slice(id.as_bytes()),
        limit,
        remember: None,
        now: NOW,
    }
}

impl Place {
    fn enqueue(&self, id: &str, limit: u64) -> Result<u64, Unqueued> {
        self.wait(self.store.enqueue(enqueue(id, limit))).unwrap()
    }

    /// The id of the job that is leased for ten seconds from `now` on.
    fn lease(&self, now: u64) -> Result<(String, Lease), Next> {
        match self.wait(self.store.lease(RENDER, now + 10_000, now)).unwrap() {
            Next::Job { lease, id, content_type, content } => {
                assert_eq!((&content_type[..], &content[..]), ("text/plain", id.as_bytes()));
                Ok((id, lease))
            }
            next => Err(next),
        }
    }

    fn attempted(&self, lease: Lease, attempted: Attempted) -> bool {
        self.wait(self.store.attempted(lease, attempted, NOW)).unwrap()
    }

    fn state(&self, id: &str, now: u64) -> Option<State> {
        self.reader().job(RENDER, id, now).unwrap().map(|job| job.state)
    }
}

fn done(until: u64) -> Attempted {
    Attempted::Done { status: 200, content_type: Some("image/png".to_owned()), content: Bytes::from("png"), until }
}

/// Whether the bell of the queue has been rung since this was last asked.
fn rung(place: &Place) -> bool {
    let bell = place.store.bell().of_queue(RENDER);
    let mut heard = Box::pin(bell.notified());
    heard.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_job_is_heard_of_when_it_is_durable_although_whoever_queued_it_has_left() {
    let place = Place::new();
    let held = place.hold();
    let (began, begun) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let beside = place.store.queue.write(0, move |_| {
        began.send(()).unwrap();
        let _ = gone.recv();
        Ok(Outcome::Undo(()))
    });
    let leaving = place.store.enqueue(enqueue("a", 1));
    drop(held);
    // The transaction that both are in has begun, so it is done; and nobody waits for it any more.
    begun.recv().unwrap();
    drop(leaving);
    assert!(!rung(&place), "it is not durable yet");
    drop(go);
    place.wait(beside).unwrap();
    assert!(rung(&place));
    assert_eq!(place.lease(NOW).unwrap().0, "a");
    // What is refused rings for nobody.
    place.enqueue("b", 1).unwrap();
    assert!(rung(&place));
    assert_eq!(place.enqueue("c", 1), Err(Unqueued::Full));
    assert!(!rung(&place));
}

#[test]
fn jobs_are_done_in_their_order_and_their_place_is_known() {
    let place = Place::new();
    for id in ["a", "b", "c"] {
        place.enqueue(id, 3).unwrap();
    }
    assert_eq!(place.enqueue("d", 3), Err(Unqueued::Full));
    assert_eq!(place.state("c", NOW), Some(State::Waiting { position: 2 }));
    let (id, lease) = place.lease(NOW).unwrap();
    assert_eq!((&id[..], lease.attempt), ("a", 1));
    assert_eq!(place.state("a", NOW), Some(State::Running));
    assert_eq!(place.state("c", NOW), Some(State::Waiting { position: 1 }));
    assert!(place.enqueue("d", 3).is_ok(), "one waits no longer");
    assert_eq!(place.lease(NOW).unwrap().0, "b");
    assert_eq!(place.reader().job(RENDER, "c", NOW).unwrap().unwrap().owner.as_deref(), Some("ann"));
    assert_eq!(place.reader().job("/other", "c", NOW), Ok(None));
    assert_eq!(place.reader().waiting(RENDER), Ok(2));
}

#[test]
fn who_lost_the_lease_is_not_heard() {
    let place = Place::new();
    place.enqueue("a", 1).unwrap();
    let (_, first) = place.lease(NOW).unwrap();
    assert_eq!(place.lease(NOW + 9_999), Err(Next::At(NOW + 10_000)));
    let (_, second) = place.lease(NOW + 10_000).unwrap();
    assert_eq!(second.attempt, 2);
    assert!(!place.attempted(first, done(NOW + 1000)));
    assert!(!place.attempted(first, Attempted::Again { at: 0 }));
    assert!(place.attempted(second, Attempted::Running { until: NOW + 60_000 }));
    assert_eq!(place.lease(NOW + 59_999), Err(Next::At(NOW + 60_000)));
    assert!(place.attempted(second, done(NOW + 1000)));
    assert!(!place.attempted(second, done(NOW + 1000)), "it has finished");
    assert_eq!(place.lease(NOW + 90_000), Err(Next::Nothing));
}

#[test]
fn a_job_that_is_to_be_done_again_waits_until_then_and_does_not_hold_up_others() {
    let place = Place::new();
    place.enqueue("a", 9).unwrap();
    let (_, lease) = place.lease(NOW).unwrap();
    assert!(place.attempted(lease, Attempted::Again { at: NOW + 500 }));
    assert_eq!(place.lease(NOW), Err(Next::At(NOW + 500)));
    place.enqueue("b", 9).unwrap();
    assert_eq!(place.lease(NOW).unwrap().0, "b");
    let (id, lease) = place.lease(NOW + 500).unwrap();
    assert_eq!((&id[..], lease.attempt), ("a", 2));
    assert!(place.attempted(lease, Attempted::Failed { why: "502".to_owned(), until: NOW + 1000 }));
    assert_eq!(place.state("a", NOW), Some(State::Failed { why: "502".to_owned(), until: NOW + 1000 }));
    assert_eq!(place.reader().result(RENDER, "a", NOW), Ok(None));
}

#[test]
fn a_result_is_kept_then_told_to_be_gone_then_forgotten() {
    for swept in [false, true] {
        let place = Place::new();
        place.enqueue("a", 1).unwrap();
        let (_, lease) = place.lease(NOW).unwrap();
        assert!(place.attempted(lease, done(NOW + 1000)));
        for (now, state) in [
            (NOW + 999, Some(State::Done { until: NOW + 1000 })),
            (NOW + 1000, Some(State::Gone)),
            (NOW + 1999, Some(State::Gone)),
            (NOW + 2000, None),
        ] {
            if swept {
                while place.wait(place.store.sweep(now)).unwrap() {}
            }
            assert_eq!(place.state("a", now), state, "{now} {swept}");
            let result = place.reader().result(RENDER, "a", now).unwrap();
            assert_eq!(result.is_some(), now < NOW + 1000);
            assert!(result.is_none_or(|result| result.status == 200 && result.content == "png"));
        }
    }
}

#[test]
fn only_what_has_not_finished_can_be_cancelled() {
    let place = Place::new();
    let cancel = |id: &str| place.wait(place.store.cancel(RENDER, id, NOW + 1000, NOW)).unwrap();
    for id in ["running", "done", "waiting"] {
        place.enqueue(id, 9).unwrap();
    }
    let (running, finished) = (place.lease(NOW).unwrap().1, place.lease(NOW).unwrap().1);
    assert!(place.attempted(finished, done(NOW + 1000)));
    for (id, expected) in [
        ("waiting", Cancelled::Yes),
        ("waiting", Cancelled::Gone),
        ("running", Cancelled::Yes),
        ("done", Cancelled::Finished),
        ("nothing", Cancelled::Unknown),
    ] {
        assert_eq!(cancel(id), expected, "{id}");
    }
    assert!(!place.attempted(running, done(NOW + 1000)), "nobody wants to know");
    assert_eq!(place.state("running", NOW), Some(State::Gone));
    assert_eq!(place.lease(NOW), Err(Next::Nothing));
}

#[test]
fn what_a_process_was_doing_that_is_gone_is_done_again_at_once() {
    let place = Place::new();
    place.enqueue("a", 1).unwrap();
    let (_, lost) = place.lease(NOW).unwrap();
    let place = place.reopened();
    let (id, lease) = place.lease(NOW).unwrap();
    assert_eq!((&id[..], lease.attempt), ("a", 2));
    assert!(!place.attempted(lost, done(NOW + 1000)));
    place.store.share().unwrap();
    drop(Store::open(place.folder.path()).unwrap());
    assert!(place.attempted(lease, done(NOW + 1000)), "another process that opens the store leaves it alone");
}
