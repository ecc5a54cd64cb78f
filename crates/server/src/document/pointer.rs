//! JSON Pointer (RFC 6901): where in a document.

use serde_json::Value;
use std::fmt::{self, Display, Formatter};

/// The names and indexes that lead from the whole document to a place in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Pointer {
    segments: Vec<String>,
}

impl Pointer {
    /// Reads a pointer; it need not lead anywhere. The error is a sentence.
    pub fn parse(text: &str) -> Result<Pointer, &'static str> {
        // RFC 6901 §3
        let mut parts = text.split('/');
        if parts.next() != Some("") {
            return Err("a JSON Pointer begins with `/`, or is empty for the whole document");
        }
        let segments =
            parts.map(|part| unescaped(part).ok_or("in a JSON Pointer `~` is written `~0`, and `/` in a name `~1`"));
        Ok(Pointer { segments: segments.collect::<Result<_, _>>()? })
    }

    /// Unescaped, from the outermost; empty for the whole document.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// What is at this place, if there is anything.
    pub fn find<'v>(&self, whole: &'v Value) -> Option<&'v Value> {
        self.segments.iter().try_fold(whole, |value, segment| match value {
            Value::Object(members) => members.get(segment),
            Value::Array(items) => items.get(index(segment)?),
            _ => None,
        })
    }

    /// Whether the other place is within this one and not the same.
    pub fn is_above(&self, other: &Pointer) -> bool {
        other.segments.len() > self.segments.len() && other.segments.starts_with(&self.segments)
    }
}

/// Escaped (RFC 6901 §3).
impl Display for Pointer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|segment| write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1")))
    }
}

/// RFC 6901 §4: `~1` first, and then `~0`, so that `~01` is `~1`.
fn unescaped(part: &str) -> Option<String> {
    let is_sound = part.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    is_sound.then(|| part.replace("~1", "/").replace("~0", "~"))
}

/// The index that a segment is (RFC 6901 §4): digits, without leading zeros.
pub(super) fn index(segment: &str) -> Option<usize> {
    let is_sound = segment.bytes().all(|b| b.is_ascii_digit()) && (segment == "0" || !segment.starts_with('0'));
    if is_sound { segment.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 6901 §5
    #[test]
    fn each_example_of_the_rfc_leads_where_it_says() {
        let whole = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
        });
        for (text, expected) in [
            ("", whole.clone()),
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            let pointer = Pointer::parse(text).expect(text);
            assert_eq!(pointer.find(&whole), Some(&expected), "{text}");
            assert_eq!(pointer.to_string(), text);
        }
    }

    #[test]
    fn what_leads_nowhere_finds_nothing() {
        let whole = json!({"a": [1, 2], "b": "text", "~1": 1, "/": 2});
        for text in ["/c", "/a/2", "/a/-", "/a/01", "/a/+1", "/a/", "/a/18446744073709551616", "/b/0", "/a/0/0"] {
            assert_eq!(Pointer::parse(text).expect(text).find(&whole), None, "{text}");
        }
        assert_eq!(Pointer::parse("/~01").expect("sound").find(&whole), Some(&json!(1)), "`~01` is `~1`, not `/`");
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["a", "#/a", " /a", "/~", "/a~", "/~2", "/~~0", "/a/~a"] {
            assert!(Pointer::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_is_above_what_is_within_it() {
        let pointer = |text| Pointer::parse(text).expect(text);
        for (above, below, expected) in
            [("", "/a", true), ("/a", "/a/b", true), ("/a", "/a", false), ("/a", "/ab", false), ("/a/b", "/a", false)]
        {
            assert_eq!(pointer(above).is_above(&pointer(below)), expected, "{above} {below}");
        }
    }
}
