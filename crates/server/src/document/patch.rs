//! What changes a document: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902), both as a whole or not at all.
//!
//! What a patch does not touch stays as it was written. What a patch may cost is bounded before it costs it: the operations,
//! the size of what comes of them, and the work on the way there.

mod json_patch;

use super::cut;
use super::pointer::Pointer;
use super::tree::{Node, Tree};
use std::fmt::{self, Display, Formatter};
use verdict_core::cause::{Conflict, Rejected};
use verdict_core::decide::Outcome;

pub use json_patch::{MOST_OPERATIONS, apply};

/// Bytes of a pointer that are told.
const SHOWN: usize = 1024;

/// Applies a JSON Merge Patch (`application/merge-patch+json`) and gives the text that comes of it, without white space.
///
/// Any JSON is such a patch. Refused is only what would be longer than `most` bytes.
pub fn merge<'t>(document: Tree<'t>, patch: Tree<'t>, most: usize) -> Result<String, Refusal> {
    written(&Tree(merged(document.0, patch.0)), most)
}

/// RFC 7396 §2, `MergePatch(Target, Patch)`; no deeper than the deeper of the two.
fn merged<'t>(target: Node<'t>, patch: Node<'t>) -> Node<'t> {
    let Node::Object(patch) = patch else { return patch };
    let mut members = match target {
        Node::Object(members) => members,
        _ => Box::default(),
    };
    // All at once: taking them out one by one would move the rest each time.
    members.retain(|key, _| !patch.get(key).is_some_and(Node::is_null));
    for (key, change) in *patch {
        if change.is_null() {
            continue;
        }
        match members.get_mut(&key) {
            Some(member) => {
                let before = std::mem::replace(member, Node::Plain("null"));
                *member = merged(before, change);
            }
            None => drop(members.insert(key, merged(Node::empty_object(), change))),
        }
    }
    Node::Object(members)
}

fn written(tree: &Tree<'_>, most: usize) -> Result<String, Refusal> {
    tree.write(most).ok_or_else(|| Refusal::too_large(None, &Pointer::default(), most))
}

/// Why a patch was not applied, all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is the matter.
    pub kind: Kind,
    /// The operation of a JSON Patch, from 0.
    pub operation: Option<usize>,
    /// The place that it is about: in the patch where the patch is none, else in the document. Cut if it is very long.
    pub pointer: String,
    /// What is wrong, as a part of a sentence.
    pub why: String,
}

/// What can be the matter with a patch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is JSON and no JSON Patch.
    NotAPatch,
    /// It does not fit this document.
    NotApplicable,
    /// A `test` does not hold.
    TestFailed,
    /// What comes of it is too large.
    TooLarge,
    /// It has too many operations, or they take too much work.
    TooMuch,
}

impl Kind {
    /// What the handler reports. RFC 5789 §2.2 has 422 for what cannot be processed and 409 for a state that it does not fit.
    pub const fn outcome(self) -> Outcome {
        match self {
            Kind::TestFailed => Outcome::Conflict(Conflict::PatchTest),
            Kind::NotAPatch | Kind::NotApplicable | Kind::TooLarge | Kind::TooMuch => {
                Outcome::Rejected(Rejected::Patch)
            }
        }
    }
}

impl Refusal {
    fn new(kind: Kind, operation: Option<usize>, pointer: &Pointer, why: impl Into<String>) -> Refusal {
        Refusal { kind, operation, pointer: cut(&pointer.to_string(), SHOWN), why: why.into() }
    }

    fn too_large(operation: Option<usize>, pointer: &Pointer, most: usize) -> Refusal {
        Refusal::new(Kind::TooLarge, operation, pointer, format!("the document would be larger than {most} bytes"))
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "operation {operation}: ")?;
        }
        f.write_str(&self.why)
    }
}

#[cfg(test)]
mod tests;
