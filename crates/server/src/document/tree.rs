//! A document taken apart into the texts that it is made of, so that what is put together again is what it was: numbers and
//! strings as they were written, members in their order. Only the white space between them and escapes in keys are not kept.

use super::strict::{Fault, Scanner, Token, unquoted};
use indexmap::IndexMap;
use std::borrow::Cow;
use verdict_core::explain::push_json;

/// A document that was read strictly.
#[derive(Clone, Debug)]
pub struct Tree<'t>(pub(super) Node<'t>);

/// The members of an object, in their order.
pub(super) type Members<'t> = IndexMap<Cow<'t, str>, Node<'t>>;

/// Nowhere deeper than [`DEEPEST`](super::strict::DEEPEST), so that it may be walked by recursion.
#[derive(Clone, Debug)]
pub(super) enum Node<'t> {
    /// A number, a string in its quotes, `true`, `false` or `null`, as it is written.
    Plain(&'t str),
    Array(Vec<Node<'t>>),
    Object(Box<Members<'t>>),
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Measure {
    /// Values, each array and object included.
    pub(super) nodes: usize,
    /// Bytes of the text at least: what escapes add to keys is not counted.
    pub(super) bytes: usize,
    /// Arrays and objects within each other.
    pub(super) depth: usize,
}

impl<'t> Tree<'t> {
    /// Reads a document as [`check`](super::strict::check) does.
    pub fn read(content: &'t [u8]) -> Result<Tree<'t>, Fault> {
        let mut scanner = Scanner::new(content)?;
        let mut open: Vec<Node<'t>> = Vec::new();
        // The keys of the objects that are open whose values are not there yet.
        let mut keys: Vec<Cow<'t, str>> = Vec::new();
        let mut whole = Node::Plain("null");
        while let Some(token) = scanner.next()? {
            let done = match token {
                Token::ArrayBegins => {
                    open.push(Node::Array(Vec::new()));
                    continue;
                }
                Token::ObjectBegins => {
                    open.push(Node::Object(Box::default()));
                    continue;
                }
                Token::Key(key) => {
                    keys.push(key);
                    continue;
                }
                Token::Plain(text) => Some(Node::Plain(text)),
                Token::Ends => open.pop(),
            };
            let Some(done) = done else { continue };
            match open.last_mut() {
                Some(Node::Array(items)) => items.push(done),
                Some(Node::Object(members)) => drop(members.insert(keys.pop().unwrap_or_default(), done)),
                _ => whole = done,
            }
        }
        Ok(Tree(whole))
    }

    /// The text, without white space; `None` where it is longer than `most` bytes.
    pub fn write(&self, most: usize) -> Option<String> {
        let mut out = String::new();
        self.0.write(&mut out, most).then_some(out)
    }
}

impl<'t> Node<'t> {
    pub(super) fn empty_object() -> Node<'t> {
        Node::Object(Box::default())
    }

    /// What it says if it is a string.
    pub(super) fn text(&self) -> Option<Cow<'t, str>> {
        match self {
            Node::Plain(text) if text.starts_with('"') => Some(unquoted(text)),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Node::Plain("null"))
    }

    pub(super) fn measure(&self) -> Measure {
        let around = |children: Measure, marks: usize| Measure {
            nodes: children.nodes + 1,
            bytes: children.bytes + marks,
            depth: children.depth + 1,
        };
        match self {
            Node::Plain(text) => Measure { nodes: 1, bytes: text.len(), depth: 0 },
            Node::Array(items) => {
                let children = items.iter().map(Node::measure).fold(Measure::default(), Measure::beside);
                around(children, 2 + items.len().saturating_sub(1))
            }
            Node::Object(members) => {
                let children = members.iter().map(|(key, node)| {
                    let Measure { nodes, bytes, depth } = node.measure();
                    Measure { nodes, bytes: bytes + key.len() + 3, depth }
                });
                around(children.fold(Measure::default(), Measure::beside), 2 + members.len().saturating_sub(1))
            }
        }
    }

    /// `false` as soon as `out` has more than `most` bytes.
    fn write(&self, out: &mut String, most: usize) -> bool {
        match self {
            Node::Plain(text) => {
                if text.len() <= most {
                    out.push_str(text);
                } else {
                    return false;
                }
            }
            Node::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    if !item.write(out, most) {
                        return false;
                    }
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (i, (key, node)) in members.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    push_json(out, key);
                    out.push(':');
                    if !node.write(out, most) {
                        return false;
                    }
                }
                out.push('}');
            }
        }
        out.len() <= most
    }
}

impl Measure {
    fn beside(self, other: Measure) -> Measure {
        Measure { nodes: self.nodes + other.nodes, bytes: self.bytes + other.bytes, depth: self.depth.max(other.depth) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was_but_for_white_space() {
        for (text, written) in [
            (" 1.0 ", "1.0"),
            ("[1e2, 1E2, 1.10, -0, 12345678901234567890.5]", "[1e2,1E2,1.10,-0,12345678901234567890.5]"),
            (r#"{"z": 1, "a": {"y": [], "b": {}}}"#, r#"{"z":1,"a":{"y":[],"b":{}}}"#),
            (r#"["\u0061\/ b"]"#, r#"["\u0061\/ b"]"#),
            (r#"{"\u0061\n": null}"#, r#"{"a\n":null}"#),
        ] {
            let tree = Tree::read(text.as_bytes()).expect(text);
            assert_eq!(tree.write(usize::MAX).as_deref(), Some(written));
            assert_eq!(tree.write(written.len()).as_deref(), Some(written));
            assert_eq!(tree.write(written.len() - 1), None, "{text}");
        }
    }

    #[test]
    fn a_tree_knows_how_much_it_is() {
        for (text, nodes, depth) in [("1", 1, 0), ("[]", 1, 1), (r#"{"a":[1,2,{}],"b":"x"}"#, 6, 3)] {
            let measure = Tree::read(text.as_bytes()).expect(text).0.measure();
            assert_eq!(measure, Measure { nodes, bytes: text.len(), depth }, "{text}");
        }
    }
}
