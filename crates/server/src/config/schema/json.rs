//! JSON to be written: members keep their order, and a human reads the result.

use std::fmt::{self, Display, Formatter, Write};
use verdict_core::explain::push_json;

/// A value.
#[derive(Clone)]
pub(super) enum Json {
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object without members.
    pub(super) const fn object() -> Json {
        Json::Object(Vec::new())
    }

    /// A schema for values of one type.
    pub(super) fn of(name: &str) -> Json {
        Json::object().with("type", name)
    }

    /// A list of these values.
    pub(super) fn list<V: Into<Json>>(values: impl IntoIterator<Item = V>) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
    }

    /// The object with one more member; any other value as it is.
    pub(super) fn with(mut self, name: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(members) = &mut self {
            members.push((name.to_owned(), value.into()));
        }
        self
    }

    /// The same, before the members that it has.
    pub(super) fn preceded_by(mut self, name: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(members) = &mut self {
            members.insert(0, (name.to_owned(), value.into()));
        }
        self
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Json::Flag(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(value) => {
                let _ = write!(out, "{value}");
            }
            Json::Text(text) => push_json(out, text),
            Json::List(values) if values.iter().all(Json::is_scalar) => {
                out.push('[');
                for (i, value) in values.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    value.write(out, indent);
                }
                out.push(']');
            }
            Json::List(values) => {
                write_lines(out, indent, ('[', ']'), values, |value, out, indent| value.write(out, indent));
            }
            Json::Object(members) if members.is_empty() => out.push_str("{}"),
            Json::Object(members) => {
                write_lines(out, indent, ('{', '}'), members, |(name, value), out, indent| {
                    push_json(out, name);
                    out.push_str(": ");
                    value.write(out, indent);
                });
            }
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

/// With two spaces a level (RFC 8259).
impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out, 0);
        f.write_str(&out)
    }
}
