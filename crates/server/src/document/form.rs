//! A form (`application/x-www-form-urlencoded`) as a JSON object of strings.

use indexmap::IndexMap;
use std::fmt::{self, Display, Formatter};
use verdict_core::explain::push_json;

/// The text of an object with a member for each name, in the order in which they come first. A value is a string; a name
/// that comes again has an array of them.
///
/// URL Standard §5.1, without its leniency: what is not percent-encoded as it must be, or does not decode to UTF-8, is a
/// fault and not a guess.
pub fn read(content: &[u8]) -> Result<String, Fault> {
    let mut members: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut at = 0;
    for pair in content.split(|b| *b == b'&') {
        if !pair.is_empty() {
            let equals = memchr::memchr(b'=', pair);
            let name = decoded(&pair[..equals.unwrap_or(pair.len())], at)?;
            let value = equals.map_or(Ok(String::new()), |equals| decoded(&pair[equals + 1..], at + equals + 1))?;
            members.entry(name).or_default().push(value);
        }
        at += pair.len() + 1;
    }
    Ok(written(&members))
}

/// The first thing that is wrong with a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The byte of it, from 0.
    pub offset: usize,
    /// What is wrong there, as a part of a sentence.
    pub what: &'static str,
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.what)
    }
}

/// A name or a value, which begins at the byte `from` of the content. A query's are written the same way.
pub(crate) fn decoded(part: &[u8], from: usize) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut at = 0;
    while let Some(&byte) = part.get(at) {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair = part.get(at + 1..).and_then(hex_pair);
                let what = "`%` is not followed by two hexadecimal digits";
                bytes.push(pair.ok_or(Fault { offset: from + at, what })?);
                at += 2;
            }
            other => bytes.push(other),
        }
        at += 1;
    }
    String::from_utf8(bytes).map_err(|_| Fault { offset: from, what: "what begins here does not decode to UTF-8" })
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |i: usize| char::from(*bytes.get(i)?).to_digit(16);
    Some((digit(0)? << 4 | digit(1)?) as u8)
}

fn written(members: &IndexMap<String, Vec<String>>) -> String {
    let mut out = String::from("{");
    for (i, (name, values)) in members.iter().enumerate() {
        out.push_str(if i > 0 { "," } else { "" });
        push_json(&mut out, name);
        out.push(':');
        match &values[..] {
            [value] => push_json(&mut out, value),
            values => {
                for (i, value) in values.iter().enumerate() {
                    out.push(if i > 0 { ',' } else { '[' });
                    push_json(&mut out, value);
                }
                out.push(']');
            }
        }
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_an_object_of_strings() {
        for (form, object) in [
            ("", "{}"),
            ("&&", "{}"),
            ("a=1", r#"{"a":"1"}"#),
            ("b=2&a=1", r#"{"b":"2","a":"1"}"#),
            ("a", r#"{"a":""}"#),
            ("=", r#"{"":""}"#),
            ("a==b&", r#"{"a":"=b"}"#),
            ("a+b=%2B+%26%3d", r#"{"a b":"+ &="}"#),
            ("n=%C3%A9\u{e9}", r#"{"n":"éé"}"#),
            ("t=%22%0A%00\\", r#"{"t":"\"\n\u0000\\"}"#),
            ("a=1&b=2&a=3&%61=", r#"{"a":["1","3",""],"b":"2"}"#),
        ] {
            assert_eq!(read(form.as_bytes()).as_deref(), Ok(object), "{form}");
            super::super::strict::check(object.as_bytes()).expect(object);
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_refused_where_it_stands() {
        for (form, offset) in
            [(&b"a=%"[..], 2), (b"a=1&b%4=2", 5), (b"a=%zz", 2), (b"a=%+1", 2), (b"x&a=b%ff", 4), (b"\xff=1", 0)]
        {
            assert_eq!(read(form).map_err(|fault| fault.offset), Err(offset), "{}", form.escape_ascii());
        }
    }
}
