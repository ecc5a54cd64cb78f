//! The values of declared members, as bytes that order as the values do: `null`, `false`, `true`, numbers, texts.

use ring::digest::{SHA256, digest};
use serde_json::Value;

/// Of a longer text, so many bytes are for its order, and a digest of the whole for its identity.
const TEXT: usize = 192;

/// What a value is; also the first byte of its key, so kinds never mix in an order.
const NULL: u8 = 0x10;
const FALSE: u8 = 0x20;
const TRUE: u8 = 0x21;
const NUMBER: u8 = 0x30;
const STRING: u8 = 0x40;
const OTHER: u8 = 0x50;

/// A value in an index: at most 225 bytes. Numbers are the double that JSON's number is nearest to (RFC 8259 §6).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Of a value of a document. An array or an object is only equal or not, and has no order worth knowing.
    pub(crate) fn of(value: &Value) -> Key {
        match value {
            Value::Null => Key::null(),
            Value::Bool(bool) => Key::bool(*bool),
            Value::Number(number) => Key::number(number.as_f64().unwrap_or(f64::MAX)),
            Value::String(text) => Key::text(text),
            Value::Array(_) | Value::Object(_) => {
                let mut key = vec![OTHER];
                key.extend_from_slice(digest(&SHA256, value.to_string().as_bytes()).as_ref());
                Key(key)
            }
        }
    }

    /// Of `null`, and of a member that is not there.
    pub(crate) fn null() -> Key {
        Key(vec![NULL])
    }

    /// Of `false` or `true`.
    pub(crate) fn bool(bool: bool) -> Key {
        Key(vec![if bool { TRUE } else { FALSE }])
    }

    /// Of a number; 0 and -0 are one.
    pub(crate) fn number(number: f64) -> Key {
        let bits = (number + 0.0).to_bits();
        // Negative numbers order backwards by their bits.
        let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        let mut key = vec![NUMBER];
        key.extend_from_slice(&ordered.to_be_bytes());
        Key(key)
    }

    /// Of a text, ordered by its UTF-8.
    pub(crate) fn text(text: &str) -> Key {
        let mut key = vec![STRING];
        if text.len() <= TEXT {
            key.extend_from_slice(text.as_bytes());
        } else {
            key.extend_from_slice(&text.as_bytes()[..TEXT]);
            key.extend_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        }
        Key(key)
    }

    /// Whether a unique member may have it more than once.
    pub(super) fn is_null(&self) -> bool {
        self.0 == [NULL]
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first bytes of this kind, and the first beyond it: `< 3` asks for numbers, not for everything before them.
    pub(super) fn kind(&self) -> (Vec<u8>, Vec<u8>) {
        let kind = self.0.first().copied().unwrap_or(NULL);
        (vec![kind], vec![kind + 1])
    }

    /// The bytes that come next: nothing is between them and this.
    pub(super) fn after(&self) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.push(0);
        bytes
    }
}

/// A member that a collection is indexed by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(super) key: i64,
    /// Its JSON Pointer (RFC 6901).
    pub(crate) pointer: String,
    /// Whether no two documents may have the same value of it; `null` and no value at all do not count.
    pub(crate) unique: bool,
}

/// The declared members' values of one document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Values(pub(super) Vec<Valued>);

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Valued {
    pub(super) member: i64,
    pub(super) unique: bool,
    pub(super) value: Key,
}

impl Values {
    /// Of a document that has been parsed.
    pub(crate) fn of(members: &[Member], document: &Value) -> Values {
        let valued = |member: &Member| {
            let value = document.pointer(&member.pointer).map_or(Key::null(), Key::of);
            Valued { member: member.key, unique: member.unique, value }
        };
        Values(members.iter().map(valued).collect())
    }

    /// Of a document as it is stored. What is not JSON has no members.
    pub(super) fn parse(members: &[Member], content: &[u8]) -> Values {
        if members.is_empty() {
            return Values(Vec::new());
        }
        Values::of(members, &serde_json::from_slice(content).unwrap_or(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_order_as_values_do() {
        let long = |end: &str| format!("{}{end}", "m".repeat(300));
        let ordered = [
            json!(null),
            json!(false),
            json!(true),
            json!(-9_007_199_254_740_992_i64),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.1),
            json!(1),
            json!(2),
            json!(10),
            json!(9_007_199_254_740_992_i64),
            json!(""),
            json!("a"),
            json!("a\0"),
            json!("aa"),
            json!(long("")),
            json!("z"),
            json!("\u{e4}"),
        ];
        for pair in ordered.windows(2) {
            assert!(Key::of(&pair[0]) < Key::of(&pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(Key::of(&json!(1)), Key::of(&json!(1.0)));
        assert_eq!(Key::of(&json!(0)), Key::of(&json!(-0.0)));
        assert_ne!(
            Key::of(&json!(long("a"))),
            Key::of(&json!(long("b"))),
            "long texts differ by what is not in the key"
        );
        assert_ne!(Key::of(&json!([1])), Key::of(&json!([2])));
    }

    #[test]
    fn what_is_not_there_is_null() {
        let member = |key, pointer: &str| Member { key, pointer: pointer.to_owned(), unique: false };
        let members = [member(1, "/a/b"), member(2, "/c"), member(3, "/~0~1")];
        let values = Values::parse(&members, br#"{"a": {"b": 3}, "~/": "t"}"#);
        let keys =
            |values: Values| values.0.into_iter().map(|valued| (valued.member, valued.value)).collect::<Vec<_>>();
        assert_eq!(keys(values), [(1, Key::number(3.0)), (2, Key::null()), (3, Key::text("t"))]);
        let none = keys(Values::parse(&members, b"{"));
        assert_eq!(none, [(1, Key::null()), (2, Key::null()), (3, Key::null())]);
    }
}
