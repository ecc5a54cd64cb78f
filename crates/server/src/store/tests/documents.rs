//! Documents, one by one.

use super::*;

fn revision(result: Result<Result<Written, Refused>, Failure>) -> u64 {
    result.unwrap().unwrap().revision
}

#[test]
fn a_document_is_what_was_sent_and_its_revision_is_what_was_told() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let reader = place.reader();
    let content = "{ \"a\" : 1 }\n";
    let written = place.write(put(&notes, "x", content)).unwrap().unwrap();
    assert!(written.created);
    for from in ["the database", "memory"] {
        let Ok(Found::Current(current)) = reader.get(&notes, "x", NOW) else { panic!("{from}") };
        assert_eq!((current.revision, &current.content[..]), (written.revision, content.as_bytes()), "{from}");
    }
    let again = place.write(put(&notes, "x", content)).unwrap().unwrap();
    assert!(!again.created && again.revision > written.revision, "the same bytes are another revision");
    assert_eq!(reader.get(&notes, "y", NOW), Ok(Found::Nothing));
}

#[test]
fn of_two_who_know_one_revision_the_second_is_too_late() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let first = revision(place.write(put(&notes, "x", "1")));
    let with = |expect, content| place.write(Write { expect, ..put(&notes, "x", content) });
    let second = revision(with(Expect::Revision(first), "2"));
    assert_eq!(with(Expect::Revision(first), "3"), Ok(Err(Refused::TooLate { current: Some(second) })));
    assert_eq!(with(Expect::Absent, "3"), Ok(Err(Refused::TooLate { current: Some(second) })));
    let gone = Delete { expect: Expect::Revision(second), ..delete(&notes, "x") };
    assert!(place.wait(place.store.delete(gone)).unwrap().is_ok());
    assert_eq!(with(Expect::Revision(second), "3"), Ok(Err(Refused::TooLate { current: None })));
    assert!(with(Expect::Absent, "3").unwrap().unwrap().created);
}

#[test]
fn a_document_that_is_made_again_has_no_revision_that_it_had() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let mut last = 0;
    for keep_until in [None, Some(NOW + 1000), None, Some(NOW + 1000)] {
        let made = revision(place.write(put(&notes, "x", "{}")));
        let gone = place.wait(place.store.delete(Delete { keep_until, ..delete(&notes, "x") })).unwrap().unwrap();
        assert!(last < made && made < gone, "{last} {made} {gone}");
        last = gone;
    }
}

#[test]
fn a_deletion_is_told_for_its_time_and_then_forgotten() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!"]).unwrap();
    let reader = place.reader();
    revision(place.write(put(&notes, "x", r#"{"a":1}"#)));
    let until = NOW + 1000;
    let gone = || Delete { keep_until: Some(until), ..delete(&notes, "x") };
    place.wait(place.store.delete(gone())).unwrap().unwrap();
    assert_eq!(reader.get(&notes, "x", until - 1), Ok(Found::Deleted { until }));
    assert_eq!(reader.get(&notes, "x", until), Ok(Found::Nothing));
    assert_eq!(place.wait(place.store.delete(gone())), Ok(Err(Refused::NothingThere { deleted_until: Some(until) })));
    assert!(place.write(put(&notes, "y", r#"{"a":1}"#)).unwrap().is_ok(), "its unique value is free");
}

#[test]
fn a_unique_value_has_one_holder_who_is_named() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!"]).unwrap();
    let other = place.declare("/others", &["/a!"]).unwrap();
    revision(place.write(put(&notes, "x", r#"{"a":"v"}"#)));
    let taken = Refused::Duplicate { pointer: "/a".to_owned(), holder: "x".to_owned() };
    for (collection, id, content, expected) in [
        (&notes, "y", r#"{"a":"v"}"#, Some(&taken)),
        (&notes, "y", r#"{"a":"w"}"#, None),
        (&notes, "x", r#"{"a":"v", "b":1}"#, None),
        (&notes, "n", r#"{"a":null}"#, None),
        (&notes, "m", "{}", None),
        (&other, "y", r#"{"a":"v"}"#, None),
    ] {
        let refused = place.write(put(collection, id, content)).unwrap().err();
        assert_eq!(refused.as_ref(), expected, "{id} {content}");
    }
}

#[test]
fn the_quota_is_of_all_contents_and_what_shrinks_is_let_through() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let with = |id, bytes, limit| {
        place.write(Write { quota: Some(limit), ..put(&notes, id, &"x".repeat(bytes)) }).unwrap().err()
    };
    assert_eq!(with("a", 60, 100), None);
    assert_eq!(with("b", 41, 100), Some(Refused::Quota { used: 60, limit: 100 }));
    assert_eq!(with("b", 40, 100), None);
    assert_eq!(with("a", 59, 10), None, "smaller than it was");
    assert_eq!(with("a", 61, 100), Some(Refused::Quota { used: 99, limit: 100 }));
    place.wait(place.store.delete(delete(&notes, "b"))).unwrap().unwrap();
    assert_eq!(with("a", 100, 100), None);
}

#[test]
fn a_revision_is_later_than_any_of_a_store_that_was_lost() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let copied = revision(place.write(put(&notes, "x", "kept")));
    let copy = tempfile::tempdir().unwrap();
    let to = copy.path().join("verdict.db");
    rusqlite::Connection::open(place.database()).unwrap().execute("VACUUM INTO ?", [to.to_str()]).unwrap();
    let lost: Vec<_> = (0..100).map(|n| revision(place.write(put(&notes, "x", &n.to_string())))).collect();
    let restored = Store::open(copy.path()).unwrap();
    let write = Write { now: NOW + 1000, ..put(&notes, "x", "another") };
    let written = place.wait(restored.write(write)).unwrap().unwrap().revision;
    assert!(written > copied && !lost.contains(&written), "{written} was given before: {lost:?}");
    drop(restored);
}

#[test]
fn tags_are_strong_and_differ_as_revisions_do() {
    assert_eq!(tag(0x0006_0a24_18f8_efe8), "\"60a2418f8efe8\"");
    assert!(tag(u64::MAX).len() <= 18);
}

/// What a dump would say of each table.
fn contents(place: &Place) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.database()).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let mut select = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = select.column_count();
        let mut found = select.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let row: Vec<rusqlite::types::Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            rows.push(format!("{table} {row:?}"));
        }
    }
    rows
}

#[test]
fn a_dry_run_says_what_would_come_and_changes_nothing() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a!", "/b"]).unwrap();
    revision(place.write(put(&notes, "x", r#"{"a":1}"#)));
    let wal = || std::fs::read(place.folder.path().join("verdict.db-wal")).unwrap();
    for (id, content) in [("x", r#"{"a":2}"#), ("y", r#"{"a":1}"#), ("y", r#"{"a":3}"#)] {
        let (before, log) = (contents(&place), wal());
        let dry = place.write(Write { dry: true, ..put(&notes, id, content) });
        assert!(contents(&place) == before && wal() == log, "{id} {content}");
        assert_eq!(place.write(put(&notes, id, content)), dry, "{id} {content}");
    }
    let before = contents(&place);
    let dry = place.wait(place.store.delete(Delete { dry: true, ..delete(&notes, "x") }));
    assert_eq!(contents(&place), before);
    assert_eq!(place.wait(place.store.delete(delete(&notes, "x"))), dry);
}

#[test]
fn members_that_are_declared_later_are_entered_for_what_is_there() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    for n in 0..1200 {
        let content = format!(r#"{{"n":{},"u":{n}}}"#, n % 3);
        std::mem::forget(place.store.write(put(&notes, &n.to_string(), &content)));
    }
    let query = Query {
        filters: vec![Filter { pointer: "/n".to_owned(), is: Is::Equal, value: Key::number(1.0) }],
        limit: 1000,
        ..Query::default()
    };
    let reader = place.reader();
    assert_eq!(reader.list(&notes, &query), Err(Unlisted::NotIndexed("/n".to_owned())));
    let declared = place.declare("/notes", &["/n", "/u!"]).unwrap();
    assert_eq!(reader.list(&declared, &query).unwrap().items.len(), 400);
    // As an old process does that is being replaced.
    assert!(place.write(put(&notes, "new", r#"{"n":1}"#)).unwrap().is_ok());
    assert_eq!(reader.list(&declared, &query).unwrap().items.len(), 401);
    let taken = place.write(put(&notes, "newer", r#"{"u":7}"#)).unwrap();
    assert_eq!(taken, Err(Refused::Duplicate { pointer: "/u".to_owned(), holder: "7".to_owned() }));
    place.declare("/notes", &["/u"]).unwrap();
    assert_eq!(reader.list(&declared, &query), Err(Unlisted::NotIndexed("/n".to_owned())));
    let connection = rusqlite::Connection::open(place.database()).unwrap();
    let entries: i64 = connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 1201, "none of a member that is no more");
}

#[test]
fn two_documents_that_cannot_both_be_there_are_named_when_the_member_becomes_unique() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a"]).unwrap();
    for id in ["x", "y"] {
        revision(place.write(put(&notes, id, r#"{"a":1}"#)));
    }
    let refused = place.declare("/notes", &["/a!"]).unwrap_err();
    let (one, other) = ("x".to_owned(), "y".to_owned());
    let named = |one, other| Undeclared::Taken { pointer: "/a".to_owned(), one, other };
    assert!(refused == named(one.clone(), other.clone()) || refused == named(other, one), "{refused:?}");
    let place = place.reopened();
    place.declare("/notes", &["/a"]).expect("as before");
}

#[test]
fn an_answer_is_given_again_to_the_same_request_only_and_for_a_day() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let reader = place.reader();
    let key = Scoped::new(&[b"user", b"/notes"], b"k");
    let Ok(Begun::Fresh(flight)) = reader.begin(key, [1; 32], NOW) else { panic!("it is new") };
    assert!(matches!(reader.begin(key, [1; 32], NOW), Ok(Begun::InFlight)));
    assert!(matches!(reader.begin(key, [2; 32], NOW), Ok(Begun::Repeated(Repeated::Reused))));
    let answer = |revision: u64| Answer::new(revision.to_string().into_bytes());
    let remember = Some(Remember { key: flight, answer: Box::new(answer) });
    let made = revision(place.write(Write { remember, ..put(&notes, "x", "{}") }));
    let day = 24 * 60 * 60 * 1000;
    for (fingerprint, now, expected) in [
        ([1; 32], NOW, Some(Repeated::Replay(answer(made).unwrap()))),
        ([2; 32], NOW, Some(Repeated::Reused)),
        ([1; 32], NOW + day - 1, Some(Repeated::Replay(answer(made).unwrap()))),
        ([1; 32], NOW + day, None),
    ] {
        let begun = reader.begin(key, fingerprint, now).unwrap();
        let repeated = if let Begun::Repeated(repeated) = begun { Some(repeated) } else { None };
        assert_eq!(repeated, expected, "{fingerprint:?} {now}");
    }
    let another = Scoped::new(&[b"user", b"/note"], b"sk");
    assert!(matches!(reader.begin(another, [1; 32], NOW), Ok(Begun::Fresh(_))), "another route");
}

#[test]
fn a_key_is_free_again_when_the_write_was_refused() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let reader = place.reader();
    let key = Scoped::new(&[], b"k");
    for dry in [true, false] {
        let Ok(Begun::Fresh(flight)) = reader.begin(key, [1; 32], NOW) else { panic!("it is free") };
        let remember = Some(Remember { key: flight, answer: Box::new(|_| Answer::new(Vec::new())) });
        let expect = if dry { Expect::Any } else { Expect::Revision(1) };
        let _ = place.write(Write { remember, dry, expect, ..put(&notes, "x", "{}") });
    }
    assert!(matches!(reader.begin(key, [1; 32], NOW), Ok(Begun::Fresh(_))));
}

#[test]
fn of_two_processes_with_one_key_the_second_finds_the_answer_of_the_first() {
    let place = Place::new();
    place.store.share().unwrap();
    let other = Arc::new(Store::open(place.folder.path()).unwrap());
    let notes = place.declare("/notes", &[]).unwrap();
    let key = Scoped::new(&[], b"k");
    let begin = |reader: Reader| match reader.begin(key, [1; 32], NOW) {
        Ok(Begun::Fresh(key)) => Some(Remember { key, answer: Box::new(|_| Answer::new(vec![7])) }),
        begun => panic!("{begun:?}"),
    };
    let (one, two) = (begin(place.reader()), begin(other.reader(0).unwrap()));
    place.write(Write { remember: one, ..put(&notes, "x", "{}") }).unwrap().unwrap();
    let second = place.wait(other.write(Write { remember: two, ..put(&notes, "y", "{}") })).unwrap();
    let expected = Refused::Repeated(Repeated::Replay(Answer::new(vec![7]).unwrap()));
    assert_eq!(second, Err(expected));
}

#[test]
fn what_another_process_writes_is_seen_at_once() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    let reader = place.reader();
    revision(place.write(put(&notes, "x", "old")));
    let read = |expected: &str| match reader.get(&notes, "x", NOW) {
        Ok(Found::Current(current)) => assert_eq!(current.content, expected.as_bytes()),
        found => panic!("{found:?}"),
    };
    read("old");
    place.store.share().unwrap();
    let other = Store::open(place.folder.path()).unwrap();
    place.wait(other.write(put(&notes, "x", "new"))).unwrap().unwrap();
    read("new");
    place.store.tick();
    assert!(!place.store.is_alone());
    place.wait(other.write(put(&notes, "x", "newer"))).unwrap().unwrap();
    drop(other);
    place.store.tick();
    assert!(place.store.is_alone());
    read("newer");
}
