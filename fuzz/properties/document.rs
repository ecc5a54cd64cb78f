//! What holds for any bytes as a document: it is taken if `serde_json` takes it and it breaks none of the rules on top; what
//! is written of it says the same; and patches come to what the plainest reading of their RFCs comes to.
//!
//! The input is a document and, behind a zero byte, a patch of it. The whole is a form, too.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt::{self, Formatter};
use verdict_server::document::strict::{DEEPEST, Fault, Kind, LARGEST_INTEGER, check};
use verdict_server::document::tree::Tree;
use verdict_server::document::{form, patch};

/// Bytes of what comes of a patch.
const MOST: usize = 1 << 14;

/// Reads the document and the patch, applies it both ways, and compares.
pub(crate) fn document(input: &[u8]) {
    match form::read(input) {
        Ok(object) => is_read_as(&object, &serde_json::from_str(&object).expect("what is written is JSON")),
        Err(fault) => assert!(fault.offset < input.len() && !fault.what.is_empty(), "{fault:?}"),
    }
    let (content, patch) = match input.iter().position(|b| *b == 0) {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &input[..0]),
    };
    let Some(value) = read(content) else { return };
    let Some(change) = read(patch) else { return };
    let tree = |content| Tree::read(content).expect("it was taken");
    match patch::merge(tree(content), tree(patch), MOST) {
        Ok(text) => is_read_as(&text, &merged(value.clone(), change.clone())),
        Err(refusal) => assert_eq!(refusal.kind, patch::Kind::TooLarge),
    }
    match patch::apply(tree(content), &tree(patch), MOST) {
        Ok(text) => {
            assert!(text.len() <= MOST);
            is_read_as(&text, &patched(value, &change).expect("it was applied"));
        }
        Err(refusal) => {
            assert!(!refusal.why.is_empty() && refusal.why.len() < 1024, "{refusal:?}");
            assert!(refusal.pointer.is_empty() || refusal.pointer.starts_with('/'), "{refusal:?}");
            let operations = change.as_array().map_or(0, Vec::len);
            assert!(refusal.operation.is_none_or(|number| number < operations), "{refusal:?}");
        }
    }
}

/// The document, by `serde_json`, if it is one that is taken.
fn read(content: &[u8]) -> Option<Value> {
    let model = serde_json::from_slice::<Model>(content);
    let fault = match check(content) {
        Ok(text) => {
            let model = model.unwrap_or_else(|error| panic!("{text} is taken, and not by serde_json: {error}"));
            assert!(!model.repeated && !model.too_large && model.depth <= DEEPEST, "{text}");
            let value: Value = serde_json::from_str(text).expect("it is JSON");
            let written = Tree::read(content).expect("it was taken").write(usize::MAX).expect("it has no end");
            is_read_as(&written, &value);
            return Some(value);
        }
        Err(fault) => fault,
    };
    is_within(&fault, content);
    // Behind the fault it may be anything.
    if let Ok(model) = model {
        let is_so = match fault.kind {
            Kind::Malformed => false,
            Kind::KeyRepeated => model.repeated,
            Kind::TooDeep => model.depth > DEEPEST,
            Kind::NumberTooLarge => model.too_large || model.is_other,
        };
        assert!(is_so, "{fault}: {}", content.escape_ascii());
    }
    None
}

fn is_within(fault: &Fault, content: &[u8]) {
    let before = std::str::from_utf8(&content[..fault.offset]).expect("a fault stands between characters");
    assert_eq!(fault.line, before.split('\n').count(), "{fault:?}");
    assert_eq!(fault.column, before.split('\n').next_back().map_or(0, |line| line.chars().count()) + 1, "{fault:?}");
    assert!(!fault.what.is_empty() && fault.what.len() < 1024, "{fault:?}");
}

/// What is written is taken, and says what is expected.
fn is_read_as(text: &str, expected: &Value) {
    assert_eq!(check(text.as_bytes()), Ok(text));
    assert_eq!(&serde_json::from_str::<Value>(text).expect("it is JSON"), expected, "{text}");
}

/// RFC 7396 §2, over values.
fn merged(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut target = if let Value::Object(members) = target { members } else { Map::new() };
    for (name, value) in patch {
        let before = target.remove(&name).unwrap_or(Value::Null);
        if !value.is_null() {
            target.insert(name, merged(before, value));
        }
    }
    Value::Object(target)
}

/// RFC 6902 §4, over values; `None` where it cannot be applied.
fn patched(mut whole: Value, patch: &Value) -> Option<Value> {
    for operation in patch.as_array()? {
        let path = operation["path"].as_str()?;
        let value = || operation.get("value").cloned();
        match operation["op"].as_str()? {
            "add" => add(&mut whole, path, value()?)?,
            "remove" => drop(remove(&mut whole, path)?),
            "replace" => *whole.pointer_mut(path)? = value()?,
            "move" => {
                let from = operation["from"].as_str()?;
                let moved = if from == path { whole.pointer(from)?.clone() } else { remove(&mut whole, from)? };
                if from != path {
                    add(&mut whole, path, moved)?;
                }
            }
            "copy" => {
                let copied = whole.pointer(operation["from"].as_str()?)?.clone();
                add(&mut whole, path, copied)?;
            }
            "test" => assert!(is_alike(whole.pointer(path)?, &value()?), "{operation}"),
            _ => return None,
        }
    }
    Some(whole)
}

/// Equal, but for how a number is written: two that are the same are the same double.
fn is_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_alike(a, b)))
        }
        _ => a == b,
    }
}

fn add(whole: &mut Value, path: &str, value: Value) -> Option<()> {
    let Some((above, last)) = path.rsplit_once('/') else {
        *whole = value;
        return Some(());
    };
    match whole.pointer_mut(above)? {
        Value::Array(items) => {
            let at = if last == "-" { items.len() } else { last.parse().ok()? };
            items.insert(at, value);
        }
        Value::Object(members) => drop(members.insert(last.replace("~1", "/").replace("~0", "~"), value)),
        _ => return None,
    }
    Some(())
}

fn remove(whole: &mut Value, path: &str) -> Option<Value> {
    let (above, last) = path.rsplit_once('/')?;
    match whole.pointer_mut(above)? {
        Value::Array(items) => Some(items.remove(last.parse().ok()?)),
        Value::Object(members) => members.remove(&last.replace("~1", "/").replace("~0", "~")),
        _ => None,
    }
}

/// What of a document the rules on top are about.
#[derive(Default)]
struct Model {
    depth: usize,
    repeated: bool,
    /// An integer beyond ±(2^53 - 1) that an integer's type takes.
    too_large: bool,
    /// A number that no integer's type takes: a fraction, an exponent, or more digits.
    is_other: bool,
}

impl Model {
    fn number(magnitude: u64) -> Model {
        Model { too_large: magnitude > LARGEST_INTEGER, ..Model::default() }
    }

    fn beside(self, other: &Model) -> Model {
        Model {
            depth: self.depth.max(other.depth),
            repeated: self.repeated | other.repeated,
            too_large: self.too_large | other.too_large,
            is_other: self.is_other | other.is_other,
        }
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Model, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Model;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Model, E> {
        Ok(Model::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Model, E> {
        Ok(Model::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Model, E> {
        Ok(Model::default())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Model, E> {
        Ok(Model::number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Model, E> {
        Ok(Model::number(value.unsigned_abs()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Model, E> {
        Ok(Model { is_other: true, ..Model::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Model, A::Error> {
        let mut all = Model::default();
        while let Some(item) = items.next_element()? {
            all = all.beside(&item);
        }
        Ok(Model { depth: all.depth + 1, ..all })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Model, A::Error> {
        let (mut all, mut keys) = (Model::default(), HashSet::new());
        while let Some((key, value)) = members.next_entry::<String, Model>()? {
            all = all.beside(&value);
            all.repeated |= !keys.insert(key);
        }
        Ok(Model { depth: all.depth + 1, ..all })
    }
}
