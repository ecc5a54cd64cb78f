//! What a store of documents is, said as plainly as can be: maps in memory, every look-up a search. The real one is compared
//! with it.

use super::declare::Collection;
use super::documents::{Current, Delete, Expect, Found, Refused, Write, Written};
use super::list::{Filter, Is, Page, Query, Unlisted};
use super::{Documents, Key};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use verdict_core::cause::Failure;

/// A store of one collection.
pub(super) struct Model {
    documents: RefCell<BTreeMap<String, Entry>>,
    revision: Cell<u64>,
    changed: Cell<u64>,
}

#[derive(Clone)]
enum Entry {
    Document { created: u64, current: Current },
    Deleted { until: u64 },
}

impl Model {
    /// An empty collection in a store that has given revisions up to this one; the last is the collection's.
    pub(super) fn new(revision: u64) -> Model {
        Model { documents: RefCell::default(), revision: Cell::new(revision), changed: Cell::new(revision) }
    }

    /// Revisions are given to something else than documents.
    pub(super) fn skip(&self, revisions: u64) {
        self.revision.set(self.revision.get() + revisions);
    }

    fn next(&self, now: u64) -> u64 {
        (self.revision.get() + 1).max(now * 1000)
    }

    fn give(&self, revision: u64) {
        self.revision.set(revision);
        self.changed.set(revision);
    }

    fn current(&self, id: &str) -> Option<Current> {
        match self.documents.borrow().get(id) {
            Some(Entry::Document { current, .. }) => Some(current.clone()),
            _ => None,
        }
    }

    fn others(&self, id: &str) -> Vec<(String, Value, u64)> {
        let documents = self.documents.borrow();
        let document = |(id, entry): (&String, &Entry)| match entry {
            Entry::Document { created, current } => Some((id.clone(), parse(&current.content), *created)),
            Entry::Deleted { .. } => None,
        };
        documents.iter().filter(|(other, _)| *other != id).filter_map(document).collect()
    }
}

impl Documents for Model {
    fn get(&self, _: &Collection, id: &str, now: u64) -> Result<Found, Failure> {
        Ok(match self.documents.borrow().get(id) {
            Some(Entry::Document { current, .. }) => Found::Current(current.clone()),
            Some(Entry::Deleted { until }) if *until > now => Found::Deleted { until: *until },
            _ => Found::Nothing,
        })
    }

    async fn write(&self, write: Write) -> Result<Result<Written, Refused>, Failure> {
        let current = self.current(&write.id);
        if !expected(write.expect, current.as_ref()) {
            return Ok(Err(Refused::TooLate { current: current.map(|current| current.revision) }));
        }
        let used = self.documents.borrow().values().map(size).sum::<u64>();
        let before = current.as_ref().map_or(0, |current| current.content.len() as u64);
        let after = write.content.len() as u64;
        if let Some(limit) = write.quota
            && after > before
            && used - before + after > limit
        {
            return Ok(Err(Refused::Quota { used, limit }));
        }
        let content = parse(&write.content);
        for member in write.collection.members.iter().filter(|member| member.unique) {
            let value = content.pointer(&member.pointer).unwrap_or(&Value::Null);
            let taken = |(_, other, _): &(String, Value, u64)| {
                !value.is_null() && other.pointer(&member.pointer) == Some(value)
            };
            if let Some((holder, ..)) = self.others(&write.id).into_iter().find(taken) {
                return Ok(Err(Refused::Duplicate { pointer: member.pointer.clone(), holder }));
            }
        }
        let revision = self.next(write.now);
        let written = Written { revision, created: current.is_none() };
        if !write.dry {
            self.give(revision);
            let mut documents = self.documents.borrow_mut();
            let created = match documents.get(&write.id) {
                Some(Entry::Document { created, .. }) => *created,
                _ => revision,
            };
            let current = Current { revision, modified: write.now, content: write.content };
            documents.insert(write.id, Entry::Document { created, current });
        }
        Ok(Ok(written))
    }

    async fn delete(&self, delete: Delete) -> Result<Result<u64, Refused>, Failure> {
        let current = self.current(&delete.id);
        if !expected(delete.expect, current.as_ref()) {
            return Ok(Err(Refused::TooLate { current: current.map(|current| current.revision) }));
        }
        if current.is_none() {
            let deleted_until = match self.documents.borrow().get(&delete.id) {
                Some(Entry::Deleted { until }) if *until > delete.now => Some(*until),
                _ => None,
            };
            return Ok(Err(Refused::NothingThere { deleted_until }));
        }
        let revision = self.next(delete.now);
        if !delete.dry {
            self.give(revision);
            let mut documents = self.documents.borrow_mut();
            match delete.keep_until {
                Some(until) => documents.insert(delete.id, Entry::Deleted { until }),
                None => documents.remove(&delete.id),
            };
        }
        Ok(Ok(revision))
    }

    /// All of it on one page.
    fn list(&self, _: &Collection, query: &Query) -> Result<Page, Unlisted> {
        let by = query.sort.clone().or_else(|| {
            let range = |filter: &&Filter| !matches!(filter.is, Is::Equal | Is::NotEqual);
            let one = query.filters.iter().any(|filter| filter.is == Is::Equal);
            if one { None } else { query.filters.iter().find(range).map(|filter| filter.pointer.clone()) }
        });
        let mut found: Vec<_> =
            self.others("").into_iter().filter(|(_, value, _)| passes(value, &query.filters)).collect();
        let at = |value: &Value| by.as_ref().map(|by| value.pointer(by).cloned().unwrap_or(Value::Null));
        found.sort_by(|(_, a, first), (_, b, second)| {
            let values = at(a).zip(at(b)).map_or(std::cmp::Ordering::Equal, |(a, b)| order(&a, &b));
            values.then(first.cmp(second))
        });
        if query.descending {
            found.reverse();
        }
        let items = found.into_iter().filter_map(|(id, ..)| self.current(&id).map(|current| (id, current))).collect();
        Ok(Page { items, next: None, revision: self.changed.get() })
    }
}

fn parse(content: &[u8]) -> Value {
    serde_json::from_slice(content).unwrap_or(Value::Null)
}

fn size(entry: &Entry) -> u64 {
    match entry {
        Entry::Document { current, .. } => current.content.len() as u64,
        Entry::Deleted { .. } => 0,
    }
}

fn expected(expect: Expect, current: Option<&Current>) -> bool {
    match expect {
        Expect::Any => true,
        Expect::Absent => current.is_none(),
        Expect::Revision(revision) => current.is_some_and(|current| current.revision == revision),
    }
}

fn passes(document: &Value, filters: &[Filter]) -> bool {
    filters.iter().all(|filter| {
        let value = document.pointer(&filter.pointer).cloned().unwrap_or(Value::Null);
        let wanted = wanted(&filter.value);
        let comparable = std::mem::discriminant(&value) == std::mem::discriminant(&wanted);
        match filter.is {
            Is::Equal => value == wanted,
            Is::NotEqual => value != wanted,
            Is::Less => comparable && order(&value, &wanted).is_lt(),
            Is::LessOrEqual => comparable && order(&value, &wanted).is_le(),
            Is::Greater => comparable && order(&value, &wanted).is_gt(),
            Is::GreaterOrEqual => comparable && order(&value, &wanted).is_ge(),
        }
    })
}

/// The values that the test asks for.
pub(super) const WANTED: [&str; 6] = ["null", "1", "2", "3", "\"a\"", "\"b\""];

fn wanted(key: &Key) -> Value {
    let value = |text: &&str| serde_json::from_str(text).ok().filter(|value| Key::of(value) == *key);
    WANTED.iter().find_map(value).expect("one of those that are asked for")
}

fn order(a: &Value, b: &Value) -> std::cmp::Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        _ => 4,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().partial_cmp(&b.as_f64()).expect("numbers of JSON are ordered")
        }
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}
