//! JSON values to be written, for `--json`.

use std::fmt::{self, Display, Formatter};
use verdict_core::explain::push_json;

/// A value; the members of an object keep their order.
pub(crate) enum Json {
    Null,
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object of these members.
    pub(crate) fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A list of these values.
    pub(crate) fn list<V: Into<Json>>(values: impl IntoIterator<Item = V>) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
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

/// On one line (RFC 8259).
impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Flag(value) => write!(f, "{value}"),
            Json::Number(value) => write!(f, "{value}"),
            Json::Text(text) => write_text(f, text),
            Json::List(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Json::Object(members) => {
                f.write_str("{")?;
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    write_text(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_json(&mut quoted, text);
    f.write_str(&quoted)
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
        let read: serde_json::Value = serde_json::from_str(&value.to_string()).expect("it is JSON");
        let expected = serde_json::json!({"a\"b": ["§ \n\u{1b}\\", ""], "none": null, "is": true, "many": [7, {}]});
        assert_eq!(read, expected);
    }
}
