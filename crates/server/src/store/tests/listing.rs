//! Pages: that they are cheap wherever they are. What is on them, `alike.rs` compares with the model.

use super::*;
use std::time::Instant;

fn filter(pointer: &str, is: Is, value: Key) -> Filter {
    Filter { pointer: pointer.to_owned(), is, value }
}

#[test]
fn a_cursor_of_another_order_or_of_nobody_is_refused() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a"]).unwrap();
    for n in 0..3 {
        place.write(put(&notes, &n.to_string(), &format!(r#"{{"a":{n}}}"#))).unwrap().unwrap();
    }
    let reader = place.reader();
    let by_a = Query { sort: Some("/a".to_owned()), limit: 1, ..Query::default() };
    let next = reader.list(&notes, &by_a).unwrap().next;
    let other = Query { after: next, limit: 1, ..Query::default() };
    assert_eq!(reader.list(&notes, &other), Err(Unlisted::Cursor));
    for text in ["", "x", "AAAA", "!", &"A".repeat(401), "AAAAAAAAAAAAAAAAAAAAAAA="] {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}

#[test]
fn a_page_ends_after_its_bytes() {
    let place = Place::new();
    let notes = place.declare("/notes", &[]).unwrap();
    for id in ["a", "b", "c"] {
        place.write(put(&notes, id, &"x".repeat(5 << 20))).unwrap().unwrap();
    }
    let reader = place.reader();
    let mut query = Query { limit: 50, ..Query::default() };
    let first = reader.list(&notes, &query).unwrap();
    assert_eq!(first.items.len(), 2);
    query.after = first.next;
    assert_eq!(reader.list(&notes, &query).unwrap().items[0].0, "c");
}

#[test]
fn a_look_that_finds_little_is_broken_off_and_goes_on_where_it_was() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/a", "/b"]).unwrap();
    // Both filters let many pass, and hardly anything passes both.
    let pending: Vec<_> = (0..25_000)
        .map(|n| {
            let both = n == 24_000;
            let content = format!(r#"{{"a":{},"b":{}}}"#, u8::from(both || n % 2 == 0), u8::from(both || n % 2 == 1));
            let write = place.store.write(put(&notes, &n.to_string(), &content));
            if n % 1000 == 999 {
                place.wait(write).unwrap().unwrap();
                None
            } else {
                Some(write)
            }
        })
        .collect();
    drop(pending);
    let one = |pointer| filter(pointer, Is::Equal, Key::number(1.0));
    let mut query = Query { filters: vec![one("/a"), one("/b")], limit: 50, ..Query::default() };
    let reader = place.reader();
    let (mut pages, mut found) = (0, Vec::new());
    loop {
        let page = reader.list(&notes, &query).unwrap();
        pages += 1;
        found.extend(page.items.into_iter().map(|(id, _)| id));
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert_eq!((pages, found), (2, vec!["24000".to_owned()]));
}

#[test]
fn each_member_that_is_looked_at_counts() {
    let place = Place::new();
    let members: Vec<String> = (b'a'..b'q').map(|name| format!("/{}", char::from(name))).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let notes = place.declare("/notes", &members).unwrap();
    let values: Vec<String> = members.iter().map(|pointer| format!("\"{}\":1", &pointer[1..])).collect();
    let content = format!("{{{}}}", values.join(","));
    let pending: Vec<_> = (0..3000).map(|n| place.store.write(put(&notes, &n.to_string(), &content))).collect();
    for write in pending {
        place.wait(write).unwrap().unwrap();
    }
    let at_least = |pointer: &&str| filter(pointer, Is::GreaterOrEqual, Key::number(0.0));
    let mut filters: Vec<Filter> = members.iter().map(at_least).collect();
    // What nothing passes is looked at last.
    filters[14] = filter("/o", Is::NotEqual, Key::number(1.0));
    let mut query = Query { filters, limit: 50, ..Query::default() };
    let reader = place.reader();
    let mut pages = 0;
    loop {
        let page = reader.list(&notes, &query).unwrap();
        pages += 1;
        assert!(page.items.is_empty());
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert!(pages > 1, "3,000 documents were looked at in 16 members each at once");
}

/// The database of a million documents is made by SQL, which takes seconds instead of minutes.
fn million(place: &Place, collection: &Collection) {
    let [status, priority, title] = &collection.members[..] else { panic!("three members") };
    let connection = rusqlite::Connection::open(place.database()).unwrap();
    connection
        .execute_batch(&format!(
            "BEGIN;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
             INSERT INTO document (key, collection, id, revision, modified, content)
             SELECT n, {c}, 'document-' || n, n, 0, CAST('{{\"n\":' || n || ',\"text\":\"' || hex(zeroblob(100)) || '\"}}' AS BLOB)
             FROM n;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
             INSERT INTO entry SELECT {s}, CAST('@' || CASE n % 3 WHEN 0 THEN 'open' ELSE 'closed' END AS BLOB), n FROM n;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
             INSERT INTO entry SELECT {p}, CAST(printf('0%08d', n * 7919 % 1000) AS BLOB), n FROM n;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
             INSERT INTO entry SELECT {t}, CAST('@title ' || n AS BLOB), n FROM n;
             COMMIT;",
            c = collection.key,
            s = status.key,
            p = priority.key,
            t = title.key,
        ))
        .unwrap();
}

#[test]
#[ignore = "a million documents; in release"]
fn a_page_of_a_million_takes_under_5_milliseconds() {
    let place = Place::new();
    let notes = place.declare("/notes", &["/status", "/priority", "/title"]).unwrap();
    million(&place, &notes);
    let reader = place.reader();
    let open = || filter("/status", Is::Equal, Key::text("open"));
    let rare = || filter("/title", Is::Equal, Key::text("title 300000"));
    let sort = |pointer: &str| Some(pointer.to_owned());
    let queries = [
        ("all", Query::default()),
        ("status=open", Query { filters: vec![open()], ..Query::default() }),
        ("status=open, last first", Query { filters: vec![open()], descending: true, ..Query::default() }),
        ("by priority", Query { sort: sort("/priority"), ..Query::default() }),
        ("status=open by priority", Query { filters: vec![open()], sort: sort("/priority"), ..Query::default() }),
        (
            "title>=title 5",
            Query { filters: vec![filter("/title", Is::GreaterOrEqual, Key::text("title 5"))], ..Query::default() },
        ),
        (
            "status=open, one title",
            Query { filters: vec![open(), rare()], sort: sort("/priority"), ..Query::default() },
        ),
    ];
    for (name, query) in queries {
        let mut query = Query { limit: 50, ..query };
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..400 {
            let begun = Instant::now();
            let page = reader.list(&notes, &query).unwrap();
            times.push(begun.elapsed());
            found += page.items.len();
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        times.sort_unstable();
        let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{name}: {found} found, a page {middle:?}, at most {worst:?}");
        assert!(middle.as_millis() < 5, "{name}: {middle:?}");
    }
}
