//! JSON Patch (`application/json-patch+json`, RFC 6902).

use super::{Kind, Refusal, written};
use crate::document::cut;
use crate::document::pointer::{Pointer, index};
use crate::document::strict::DEEPEST;
use crate::document::tree::{Members, Node, Tree};
use std::borrow::Cow;

/// Operations of one patch.
pub const MOST_OPERATIONS: usize = 10_000;
/// Values that are copied or moved within arrays and objects, and bytes of numbers and strings that are compared, in one
/// patch: some tenths of a second.
const MOST_STEPS: usize = 1 << 22;
/// Bytes of a word of the patch that are repeated in a sentence.
const SHOWN: usize = 64;

/// Applies a JSON Patch and gives the text that comes of it, without white space.
///
/// Every operation is read before the first is applied, and `most` bounds the bytes of the document after each.
pub fn apply<'t>(document: Tree<'t>, patch: &Tree<'t>, most: usize) -> Result<String, Refusal> {
    let operations = operations(&patch.0)?;
    let bytes = document.0.measure().bytes;
    let mut target = Target { whole: document.0, bytes, most, steps: 0 };
    for (number, operation) in operations.into_iter().enumerate() {
        let Operation { path, action } = operation;
        let done = match action {
            Action::Add(value) => target.add(&path, value.clone()),
            Action::Remove => target.remove(&path).map(drop),
            Action::Replace(value) => target.replace(&path, value.clone()),
            Action::Move(from) => target.relocate(&from, &path),
            Action::Copy(from) => target.copy(&from, &path),
            Action::Test(value) => target.test(&path, value),
        };
        done.map_err(|Stop { kind, why }| Refusal::new(kind, Some(number), &path, why))?;
    }
    written(&Tree(target.whole), most)
}

/// RFC 6902 §4
struct Operation<'p, 't> {
    path: Pointer,
    action: Action<'p, 't>,
}

enum Action<'p, 't> {
    Add(&'p Node<'t>),
    Remove,
    Replace(&'p Node<'t>),
    Move(Pointer),
    Copy(Pointer),
    Test(&'p Node<'t>),
}

fn operations<'p, 't>(patch: &'p Node<'t>) -> Result<Vec<Operation<'p, 't>>, Refusal> {
    let Node::Array(operations) = patch else {
        return Err(not_a_patch(None, None, "a JSON Patch is an array of operations"));
    };
    if operations.len() > MOST_OPERATIONS {
        let why = format!("a patch has {MOST_OPERATIONS} operations at most, and this one {}", operations.len());
        return Err(Refusal::new(Kind::TooMuch, None, &Pointer::default(), why));
    }
    operations.iter().enumerate().map(|(number, node)| operation(number, node)).collect()
}

fn operation<'p, 't>(number: usize, node: &'p Node<'t>) -> Result<Operation<'p, 't>, Refusal> {
    let Node::Object(members) = node else { return Err(not_a_patch(Some(number), None, "an operation is an object")) };
    let wrong = |member, why: &str| not_a_patch(Some(number), Some(member), why);
    let text = |member| {
        let value =
            members.get(member).ok_or_else(|| wrong(member, &format!("an operation of its kind has `{member}`")))?;
        value.text().ok_or_else(|| wrong(member, &format!("`{member}` is a string")))
    };
    let pointer = |member| Pointer::parse(&text(member)?).map_err(|why| wrong(member, why));
    // RFC 6902 §4.1: `null` is a value, and none is not.
    let value = || members.get("value").ok_or_else(|| wrong("value", "an operation of its kind has `value`"));
    let action = match &*text("op")? {
        "add" => Action::Add(value()?),
        "remove" => Action::Remove,
        "replace" => Action::Replace(value()?),
        "move" => Action::Move(pointer("from")?),
        "copy" => Action::Copy(pointer("from")?),
        "test" => Action::Test(value()?),
        other => return Err(wrong("op", &format!("there is no operation `{}`", cut(other, SHOWN).escape_debug()))),
    };
    Ok(Operation { path: pointer("path")?, action })
}

fn not_a_patch(operation: Option<usize>, member: Option<&str>, why: &str) -> Refusal {
    let mut pointer = String::new();
    for segment in operation.map(|number| number.to_string()).iter().map(String::as_str).chain(member) {
        pointer.push('/');
        pointer.push_str(segment);
    }
    Refusal { kind: Kind::NotAPatch, operation, pointer, why: why.to_owned() }
}

/// The document between two operations.
struct Target<'t> {
    whole: Node<'t>,
    /// Of its text, at least.
    bytes: usize,
    most: usize,
    steps: usize,
}

/// Why an operation cannot be done.
struct Stop {
    kind: Kind,
    why: String,
}

impl Stop {
    fn not_applicable(why: impl Into<String>) -> Stop {
        Stop { kind: Kind::NotApplicable, why: why.into() }
    }
}

impl<'t> Target<'t> {
    /// RFC 6902 §4.1
    fn add(&mut self, path: &Pointer, value: Node<'t>) -> Result<(), Stop> {
        self.takes(path, &value)?;
        let Some((last, above)) = path.segments().split_last() else {
            self.bytes = value.measure().bytes;
            self.whole = value;
            return Ok(());
        };
        let replaced = match at_mut(&mut self.whole, above)? {
            Node::Array(items) => {
                let to = if last == "-" { Some(items.len()) } else { index(last) };
                let Some(to) = to.filter(|to| *to <= items.len()) else { return Err(no_index(last, items.len())) };
                spend(&mut self.steps, items.len() - to)?;
                items.insert(to, value);
                None
            }
            Node::Object(members) => members.insert(Cow::Owned(last.clone()), value),
            Node::Plain(_) => return Err(no_container(last)),
        };
        self.release(replaced.as_ref())
    }

    /// RFC 6902 §4.2
    fn remove(&mut self, path: &Pointer) -> Result<Node<'t>, Stop> {
        let Some((last, above)) = path.segments().split_last() else {
            return Err(Stop::not_applicable("the whole document cannot be removed by a patch"));
        };
        let removed = match at_mut(&mut self.whole, above)? {
            Node::Array(items) => {
                let Some(from) = index(last).filter(|from| *from < items.len()) else {
                    return Err(no_index(last, items.len()));
                };
                spend(&mut self.steps, items.len() - from)?;
                items.remove(from)
            }
            Node::Object(members) => {
                spend(&mut self.steps, behind(members, last))?;
                members.shift_remove(last.as_str()).ok_or_else(|| no_member(last))?
            }
            Node::Plain(_) => return Err(no_container(last)),
        };
        self.release(Some(&removed))?;
        Ok(removed)
    }

    /// RFC 6902 §4.3
    fn replace(&mut self, path: &Pointer, value: Node<'t>) -> Result<(), Stop> {
        self.takes(path, &value)?;
        let replaced = std::mem::replace(at_mut(&mut self.whole, path.segments())?, value);
        self.release(Some(&replaced))
    }

    /// RFC 6902 §4.4
    fn relocate(&mut self, from: &Pointer, path: &Pointer) -> Result<(), Stop> {
        if from.is_above(path) {
            return Err(Stop::not_applicable("a value cannot be moved into itself"));
        }
        if from == path {
            return at(&self.whole, from.segments()).map(drop);
        }
        let value = self.remove(from)?;
        self.add(path, value)
    }

    /// RFC 6902 §4.5
    fn copy(&mut self, from: &Pointer, path: &Pointer) -> Result<(), Stop> {
        let value = at(&self.whole, from.segments())?;
        let measure = value.measure();
        spend(&mut self.steps, measure.nodes)?;
        if measure.bytes > self.most {
            return Err(self.too_large());
        }
        let value = value.clone();
        self.add(path, value)
    }

    /// RFC 6902 §4.6: what is not there is not equal.
    fn test(&mut self, path: &Pointer, value: &Node<'t>) -> Result<(), Stop> {
        let failed = |why: String| Stop { kind: Kind::TestFailed, why };
        let found = at(&self.whole, path.segments()).map_err(|stop| failed(stop.why))?;
        if is_equal(found, value, &mut self.steps)? { Ok(()) } else { Err(failed("another value is there".to_owned())) }
    }

    /// Whether there is room for the value; counts it.
    fn takes(&mut self, path: &Pointer, value: &Node<'t>) -> Result<(), Stop> {
        let measure = value.measure();
        spend(&mut self.steps, measure.nodes)?;
        if path.segments().len() + measure.depth > DEEPEST {
            return Err(Stop::not_applicable(format!("the document would be nested more than {DEEPEST} deep")));
        }
        self.bytes = self.bytes.saturating_add(measure.bytes);
        let is_within = self.bytes <= self.most || path.segments().is_empty() && measure.bytes <= self.most;
        if is_within { Ok(()) } else { Err(self.too_large()) }
    }

    /// Counts what is no longer in the document.
    fn release(&mut self, node: Option<&Node<'t>>) -> Result<(), Stop> {
        let Some(measure) = node.map(Node::measure) else { return Ok(()) };
        self.bytes = self.bytes.saturating_sub(measure.bytes);
        spend(&mut self.steps, measure.nodes)
    }

    fn too_large(&self) -> Stop {
        Stop { kind: Kind::TooLarge, why: format!("the document would be larger than {} bytes", self.most) }
    }
}

/// Members behind this one, which move up when it goes.
fn behind(members: &Members<'_>, key: &str) -> usize {
    members.get_index_of(key).map_or(0, |at| members.len() - at)
}

fn spend(steps: &mut usize, more: usize) -> Result<(), Stop> {
    *steps = steps.saturating_add(more);
    if *steps <= MOST_STEPS {
        return Ok(());
    }
    Err(Stop { kind: Kind::TooMuch, why: "the operations up to this one move and compare too much".to_owned() })
}

fn at<'n, 't>(whole: &'n Node<'t>, segments: &[String]) -> Result<&'n Node<'t>, Stop> {
    segments.iter().try_fold(whole, |node, segment| match node {
        Node::Array(items) => index(segment).and_then(|at| items.get(at)).ok_or_else(|| no_index(segment, items.len())),
        Node::Object(members) => members.get(segment.as_str()).ok_or_else(|| no_member(segment)),
        Node::Plain(_) => Err(no_container(segment)),
    })
}

fn at_mut<'n, 't>(whole: &'n mut Node<'t>, segments: &[String]) -> Result<&'n mut Node<'t>, Stop> {
    segments.iter().try_fold(whole, |node, segment| match node {
        Node::Array(items) => {
            let length = items.len();
            index(segment).and_then(|at| items.get_mut(at)).ok_or_else(|| no_index(segment, length))
        }
        Node::Object(members) => members.get_mut(segment.as_str()).ok_or_else(|| no_member(segment)),
        Node::Plain(_) => Err(no_container(segment)),
    })
}

fn no_index(segment: &str, length: usize) -> Stop {
    Stop::not_applicable(format!("an array of {length} has no place `{}`", cut(segment, SHOWN).escape_debug()))
}

fn no_member(segment: &str) -> Stop {
    Stop::not_applicable(format!("there is no member `{}`", cut(segment, SHOWN).escape_debug()))
}

fn no_container(segment: &str) -> Stop {
    let segment = cut(segment, SHOWN);
    Stop::not_applicable(format!("`{}` is within what is neither array nor object", segment.escape_debug()))
}

/// RFC 6902 §4.6: strings by what they say, numbers by what they are worth, members in any order.
fn is_equal(a: &Node<'_>, b: &Node<'_>, steps: &mut usize) -> Result<bool, Stop> {
    match (a, b) {
        (Node::Plain(a), Node::Plain(b)) => {
            spend(steps, a.len().saturating_add(b.len()))?;
            Ok(a == b || is_same_text(a, b) || is_same_number(a, b))
        }
        (Node::Array(a), Node::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).try_fold(true, |equal, (a, b)| Ok(equal && is_equal(a, b, steps)?))
        }
        (Node::Object(a), Node::Object(b)) if a.len() == b.len() => {
            a.iter().try_fold(true, |equal, (key, a)| match b.get(key) {
                Some(b) if equal => is_equal(a, b, steps),
                _ => Ok(false),
            })
        }
        _ => Ok(false),
    }
}

fn is_same_text(a: &str, b: &str) -> bool {
    let text = |plain| Node::Plain(plain).text();
    matches!((text(a), text(b)), (Some(a), Some(b)) if a == b)
}

fn is_same_number(a: &str, b: &str) -> bool {
    matches!((decimal(a), decimal(b)), (Some(a), Some(b)) if a == b)
}

/// A number without what writes the same in another way: whether it is below zero, its digits without zeros at either end,
/// and the exponent of ten that they are multiplied by. `None` for what is no number. Exponents beyond an `i64` are its ends.
fn decimal(plain: &str) -> Option<(bool, String, i64)> {
    let magnitude = plain.strip_prefix('-').unwrap_or(plain);
    if !magnitude.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let written = [integer, fraction].concat();
    let digits = written.trim_end_matches('0');
    let zeros = (written.len() - digits.len()) as i64;
    let exponent = exponent.saturating_sub(fraction.len() as i64).saturating_add(zeros);
    match digits.trim_start_matches('0') {
        "" => Some((false, String::new(), 0)),
        digits => Some((plain.starts_with('-'), digits.to_owned(), exponent)),
    }
}
