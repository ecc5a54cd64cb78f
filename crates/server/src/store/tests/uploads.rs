//! Uploads: what is reserved, what is there, and what was about to be done.

use super::*;

const UP: &str = "/up/{path...}";

fn put_file(path: &str, bytes: u64) -> Intended {
    let what = What::Put { temporary: format!(".{path}.part"), bytes };
    Intended { route: UP.to_owned(), path: path.to_owned(), what }
}

fn delete_file(path: &str, keep_until: Option<u64>) -> Intended {
    Intended { route: UP.to_owned(), path: path.to_owned(), what: What::Delete { keep_until } }
}

impl Place {
    fn intend(&self, intended: Intended, quota: u64) -> Result<Intent, Refused> {
        self.wait(self.store.intend(intended, Some(quota))).unwrap()
    }

    fn settle(&self, intent: Intent, bytes: u64) {
        self.wait(self.store.settle(intent, bytes)).unwrap();
    }

    fn used(&self) -> u64 {
        self.reader().used(UP).unwrap()
    }

    fn known(&self, path: &str, now: u64) -> Known {
        self.reader().file(UP, path, now).unwrap()
    }
}

#[test]
fn what_is_reserved_is_used_until_it_is_settled_or_abandoned() {
    let place = Place::new();
    let a = place.intend(put_file("a", 60), 100).unwrap();
    assert_eq!(place.intend(put_file("b", 41), 100), Err(Refused::Quota { used: 60, limit: 100 }));
    let b = place.intend(put_file("b", 40), 100).unwrap();
    assert_eq!(place.used(), 100);
    place.settle(a.clone(), 50);
    assert_eq!((place.used(), place.known("a", NOW)), (90, Known::There { bytes: 50 }));
    place.settle(a, 50);
    assert_eq!(place.used(), 90, "twice is once");
    place.wait(place.store.abandon(b)).unwrap();
    assert_eq!((place.used(), place.known("b", NOW)), (50, Known::Nothing));
}

#[test]
fn a_file_that_grows_reserves_more() {
    let place = Place::new();
    let intent = place.intend(put_file("a", 10), 100).unwrap();
    let extend = |bytes| place.wait(place.store.extend(&intent, bytes, Some(100))).unwrap();
    assert_eq!(extend(100), Ok(()));
    assert_eq!(extend(101), Err(Refused::Quota { used: 100, limit: 100 }));
    place.settle(intent.clone(), 100);
    assert_eq!(place.used(), 100);
}

#[test]
fn a_file_that_is_replaced_counts_once() {
    let place = Place::new();
    let first = place.intend(put_file("a", 80), 100).unwrap();
    place.settle(first, 80);
    let second = place.intend(put_file("a", 100), 100).unwrap();
    let third = place.intend(put_file("a", 10), 100);
    assert_eq!(third, Err(Refused::Quota { used: 180, limit: 100 }), "it goes once, and not for each");
    place.settle(second, 90);
    assert_eq!((place.used(), place.known("a", NOW)), (90, Known::There { bytes: 90 }));
}

#[test]
fn a_deletion_is_told_for_its_time_and_gives_the_bytes_back() {
    let place = Place::new();
    for (keep_until, after) in [(None, Known::Nothing), (Some(NOW + 10), Known::Deleted { until: NOW + 10 })] {
        let intent = place.intend(put_file("a", 80), 100).unwrap();
        place.settle(intent, 80);
        let intent = place.intend(delete_file("a", keep_until), 0).unwrap();
        assert_eq!(place.known("a", NOW), Known::There { bytes: 80 }, "not yet");
        place.settle(intent, 0);
        assert_eq!((place.known("a", NOW), place.used()), (after, 0));
        assert_eq!(place.known("a", NOW + 10), Known::Nothing);
    }
    while place.wait(place.store.sweep(NOW + 10)).unwrap() {}
    assert!(check(place.store.path()).unwrap().is_empty());
}

#[test]
fn what_a_process_was_about_to_do_that_is_gone_is_listed() {
    let place = Place::new();
    let put = place.intend(put_file("a", 80), 100).unwrap();
    let deletion = place.intend(delete_file("b", Some(NOW)), 100).unwrap();
    assert_eq!(place.wait(place.store.unfinished()), Ok(Vec::new()), "its own go on");
    let place = place.reopened();
    assert_eq!(place.wait(place.store.unfinished()), Ok(vec![put.clone(), deletion.clone()]));
    assert_eq!(place.used(), 80);
    place.store.share().unwrap();
    assert_eq!(place.wait(place.store.unfinished()), Ok(Vec::new()), "they may be another's");
    place.store.tick();
    place.settle(put, 77);
    place.wait(place.store.abandon(deletion)).unwrap();
    assert_eq!((place.wait(place.store.unfinished()), place.used()), (Ok(Vec::new()), 77));
}
