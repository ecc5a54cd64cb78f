//! Random writes, some of them together, and what can be read in between: the store and the model do the same.

use super::super::model::{Model, WANTED};
use super::*;
use proptest::prelude::*;

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const MEMBERS: [&str; 3] = ["/title!", "/status", "/priority"];
const POINTERS: [&str; 3] = ["/title", "/status", "/priority"];

#[derive(Clone, Debug)]
enum Step {
    /// Handed over together.
    Writes(Vec<Change>),
    List(Query),
    /// Milliseconds go by.
    Time(u64),
    /// Other members, then these again.
    Declare,
}

#[derive(Clone, Debug)]
struct Change {
    id: usize,
    /// `None` deletes.
    content: Option<String>,
    expect: Expected,
    quota: Option<u64>,
    keep: Option<u64>,
    dry: bool,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Any,
    Absent,
    Current,
    Another,
}

fn content() -> impl Strategy<Value = String> {
    let member = |name: &'static str| {
        prop::option::of(prop::sample::select(&WANTED[..]))
            .prop_map(move |value| value.map(|value| format!("\"{name}\":{value}")))
    };
    (member("title"), member("status"), member("priority"), 0_usize..40).prop_map(|(a, b, c, blanks)| {
        let members: Vec<_> = [a, b, c].into_iter().flatten().collect();
        format!("{{{}{}}}", members.join(","), " ".repeat(blanks))
    })
}

fn change() -> impl Strategy<Value = Change> {
    let expect = prop_oneof![
        3 => Just(Expected::Any),
        1 => Just(Expected::Absent),
        2 => Just(Expected::Current),
        1 => Just(Expected::Another)
    ];
    let quota = prop::option::weighted(0.3, 0_u64..150);
    let keep = prop::option::of(0_u64..3000);
    (0..IDS.len(), prop::option::weighted(0.8, content()), expect, quota, keep, prop::bool::weighted(0.1))
        .prop_map(|(id, content, expect, quota, keep, dry)| Change { id, content, expect, quota, keep, dry })
}

fn query() -> impl Strategy<Value = Query> {
    let is =
        prop::sample::select(vec![Is::Equal, Is::NotEqual, Is::Less, Is::LessOrEqual, Is::Greater, Is::GreaterOrEqual]);
    let filter = (prop::sample::select(&POINTERS[..]), is, prop::sample::select(&WANTED[..])).prop_map(
        |(pointer, is, value)| Filter {
            pointer: pointer.to_owned(),
            is,
            value: Key::of(&serde_json::from_str(value).unwrap()),
        },
    );
    let sort = prop::option::of(prop::sample::select(&POINTERS[..]));
    (prop::collection::vec(filter, 0..3), sort, any::<bool>(), 1_usize..4).prop_map(
        |(filters, sort, descending, limit)| Query {
            filters,
            sort: sort.map(str::to_owned),
            descending,
            limit,
            after: None,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec(change(), 1..6).prop_map(Step::Writes),
        4 => query().prop_map(Step::List),
        1 => (0_u64..2000).prop_map(Step::Time),
        1 => Just(Step::Declare),
    ];
    prop::collection::vec(step, 1..25)
}

/// Both, side by side.
struct Both<'a> {
    place: &'a Place,
    reader: &'a Reader,
    model: Model,
    collection: Arc<Collection>,
    now: u64,
}

impl Both<'_> {
    fn step(&mut self, step: Step) {
        match step {
            Step::Writes(changes) => self.writes(changes),
            Step::List(query) => self.list(query),
            Step::Time(milliseconds) => self.now += milliseconds,
            Step::Declare => {
                // Whoever still has the old collection writes by it, and is understood.
                let declare = |members: &[&str]| self.place.declare("/notes", members).unwrap();
                declare(&["/title!"]);
                declare(&MEMBERS);
                self.model.skip(2);
            }
        }
    }

    fn writes(&self, changes: Vec<Change>) {
        let place = self.place;
        let (mut writes, mut deletes) = (Vec::new(), Vec::new());
        for change in changes {
            let id = IDS[change.id];
            let current = match self.model.get(&self.collection, id, self.now) {
                Ok(Found::Current(current)) => current.revision,
                _ => 7,
            };
            let expect = match change.expect {
                Expected::Any => Expect::Any,
                Expected::Absent => Expect::Absent,
                Expected::Current => Expect::Revision(current),
                Expected::Another => Expect::Revision(current - 1),
            };
            match change.content {
                Some(content) => {
                    let write = || Write {
                        expect,
                        quota: change.quota,
                        dry: change.dry,
                        now: self.now,
                        ..put(&self.collection, id, &content)
                    };
                    writes.push((place.store.write(write()), place.wait(self.model.write(write()))));
                }
                None => {
                    let keep_until = change.keep.map(|keep| self.now + keep);
                    let delete = || Delete {
                        expect,
                        keep_until,
                        dry: change.dry,
                        now: self.now,
                        ..delete(&self.collection, id)
                    };
                    deletes.push((place.store.delete(delete()), place.wait(self.model.delete(delete()))));
                }
            }
        }
        for (pending, expected) in writes {
            assert_eq!(place.wait(pending), expected);
        }
        for (pending, expected) in deletes {
            assert_eq!(place.wait(pending), expected);
        }
        // Twice: from the database and from memory.
        for id in IDS.iter().chain(&IDS) {
            let found = self.reader.get(&self.collection, id, self.now);
            assert_eq!(found, self.model.get(&self.collection, id, self.now), "{id}");
        }
    }

    fn list(&self, mut query: Query) {
        let expected = self.model.list(&self.collection, &query).unwrap();
        let mut items = Vec::new();
        loop {
            let page = self.reader.list(&self.collection, &query).unwrap();
            assert_eq!(page.revision, expected.revision);
            assert!(page.items.len() <= query.limit);
            items.extend(page.items);
            let Some(next) = page.next else { break };
            query.after = Some(Cursor::parse(&next.to_text()).expect("a cursor that was given"));
        }
        assert_eq!(items, expected.items, "{query:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(steps in steps()) {
        let place = Place::new();
        let collection = place.declare("/notes", &MEMBERS).unwrap();
        // Both revisions of the declaration: that of the collection and that of its members.
        let model = Model::new(NOW * 1000 + 1);
        let reader = place.reader();
        let mut both = Both { place: &place, reader: &reader, model, collection, now: NOW + 10_000 };
        let (first, rest) = steps.split_first().unwrap();
        // The collection's own revision is that of its making until something is written.
        let content = Some("{}".to_owned());
        both.step(Step::Writes(vec![Change { id: 0, content, expect: Expected::Any, quota: None, keep: None, dry: false }]));
        both.step(first.clone());
        for step in rest {
            both.step(step.clone());
        }
    }
}
