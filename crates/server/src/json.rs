//! JSON to be written: for programs on one line, as `{}` shows it, and for people indented, as `{:#}` does (RFC 8259).

use std::fmt::{self, Display, Formatter, Write};
use verdict_core::explain::push_json;

/// A value; the members of an object keep their order.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object without members.
    pub const fn empty() -> Json {
        Json::Object(Vec::new())
    }

    /// An object of these members.
    pub fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A list of these values.
    pub fn list<V: Into<Json>>(values: impl IntoIterator<Item = V>) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
    }

    /// The object with one more member; any other value as it is.
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(members) = &mut self {
            members.push((name.to_owned(), value.into()));
        }
        self
    }

    /// The same, before the members that it has.
    pub(crate) fn preceded_by(mut self, name: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(members) = &mut self {
            members.insert(0, (name.to_owned(), value.into()));
        }
        self
    }

    /// On one line.
    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Flag(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(value) => {
                let _ = write!(out, "{value}");
            }
            Json::Text(text) => push_json(out, text),
            Json::List(values) => {
                out.push('[');
                for (i, value) in values.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    push_json(out, name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// With two spaces a level; a list of plain values stays on its line.
    fn write_indented(&self, out: &mut String, indent: usize) {
        match self {
            Json::List(values) if values.iter().all(Json::is_scalar) => {
                out.push('[');
                for (i, value) in values.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Json::List(values) => {
                write_lines(out, indent, ('[', ']'), values, |value, out, indent| value.write_indented(out, indent));
            }
            Json::Object(members) if !members.is_empty() => {
                write_lines(out, indent, ('{', '}'), members, |(name, value), out, indent| {
                    push_json(out, name);
                    out.push_str(": ");
                    value.write_indented(out, indent);
                });
            }
            plain => plain.write(out),
        }
    }

    const fn is_scalar(&self) -> bool {
        !matches!(self, Json::List(_) | Json::Object(_))
    }
}

/// Each item on a line of its own, between brackets that stand where the value stands.
fn write_lines<T>(
    out: &mut String,
    indent: usize,
    brackets: (char, char),
    items: &[T],
    write_item: impl Fn(&T, &mut String, usize),
) {
    let line = |out: &mut String, indent: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", indent));
    };
    out.push(brackets.0);
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i > 0 { "," } else { "" });
        line(out, indent + 1);
        write_item(item, out, indent + 1);
    }
    line(out, indent);
    out.push(brackets.1);
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Flag(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Json {
        Json::Number(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        match f.alternate() {
            true => self.write_indented(&mut out, 0),
            false => self.write(&mut out),
        }
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let value = Json::object([
            ("a\"b", Json::list(["§ \n\u{1b}\\", ""])),
            ("none", Json::Null),
            ("is", Json::Flag(true)),
            ("many", Json::List(vec![Json::Number(7), Json::Object(Vec::new())])),
        ]);
        let expected = serde_json::json!({"a\"b": ["§ \n\u{1b}\\", ""], "none": null, "is": true, "many": [7, {}]});
        for text in [format!("{value}"), format!("{value:#}")] {
            let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
            assert_eq!(read, expected);
        }
        assert!(!format!("{value}").contains('\n'), "programs read it line by line");
    }
}
