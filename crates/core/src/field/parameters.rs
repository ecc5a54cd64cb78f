//! Parameters: `*( OWS ";" OWS [ parameter ] )` (RFC 9110 §5.6.6), and the looser ones of RFC 7240 §2 and RFC 8288 §3.

use super::cursor::Cursor;
use super::quoted::Value;

/// The parameters behind a media type or another item; known to be well-formed.
#[derive(Clone, Copy, Default)]
pub struct Parameters<'a> {
    text: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// No parameters.
    pub const NONE: Parameters<'static> = Parameters { text: &[] };

    /// What follows an item, from the first `;` or the space before it. `None`: it is not parameters to its end.
    pub fn parse(text: &'a [u8]) -> Option<Parameters<'a>> {
        let mut cursor = Cursor::new(text);
        loop {
            match next(&mut cursor, Grammar::Http) {
                Ok(Some(_)) => {}
                Ok(None) => return Some(Parameters { text }),
                Err(_) => return None,
            }
        }
    }

    /// Each name, as it is written, and its value.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + Clone {
        let mut cursor = Cursor::new(self.text);
        std::iter::from_fn(move || {
            let parameter = next(&mut cursor, Grammar::Http).ok()??;
            Some((parameter.name, parameter.value?))
        })
    }

    /// The value of the first parameter of that name; names ignore case (RFC 9110 §5.6.6).
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl std::fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name.escape_ascii().to_string(), value))).finish()
    }
}

/// Which parameters a field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// `token "=" ( token / quoted-string )`, with no space at all around `=` (RFC 9110 §5.6.6).
    Http,
    /// `token [ BWS "=" BWS ( token / quoted-string ) ]` (RFC 7240 §2, RFC 8288 §3).
    Loose,
}

/// One parameter. `Http` ones always have a value.
#[derive(Clone, Copy)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Option<Value<'a>>,
}

/// Where parameters are not what they should be; the cursor rests on the byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BadParameter {
    /// Neither `;` nor the end.
    Separator,
    /// A name that is no token.
    Name,
    /// A name without `=`.
    Equals,
    /// Neither token nor quoted string, or a quoted string that does not end.
    Value,
}

/// Reads `*( OWS ";" OWS ) parameter`: the next parameter, or `None` at the end.
pub(crate) fn next<'a>(cursor: &mut Cursor<'a>, grammar: Grammar) -> Result<Option<Parameter<'a>>, BadParameter> {
    let mut separated = false;
    let name = loop {
        cursor.skip_space();
        if cursor.eat(b';') {
            separated = true;
        } else if cursor.is_done() {
            return Ok(None);
        } else if separated {
            break cursor.token().ok_or(BadParameter::Name)?;
        } else {
            return Err(BadParameter::Separator);
        }
    };
    let mut ahead = *cursor;
    if grammar == Grammar::Loose {
        ahead.skip_space();
    }
    if !ahead.eat(b'=') {
        return match grammar {
            Grammar::Http => Err(BadParameter::Equals),
            Grammar::Loose => Ok(Some(Parameter { name, value: None })),
        };
    }
    *cursor = ahead;
    if grammar == Grammar::Loose {
        cursor.skip_space();
    }
    let value = Some(cursor.value().ok_or(BadParameter::Value)?);
    Ok(Some(Parameter { name, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_kept() {
        for (text, want) in [
            ("", Some(0)),
            (";a=b", Some(1)),
            (" ; a=b ;c=\"d;e\"", Some(2)),
            (";;a=b;", Some(1)),
            (" ", Some(0)),
            ("a=b", None),
            (";a", None),
            (";a=", None),
            (";a =b", None),
            (";a= b", None),
            (";=b", None),
            (";a=b c=d", None),
            (";a=\"b", None),
            (";a=\"b\"c", None),
            (";a=b,c", None),
        ] {
            let count = Parameters::parse(text.as_bytes()).map(|p| p.iter().count());
            assert_eq!(count, want, "{text:?}");
        }
    }

    #[test]
    fn names_ignore_case_and_the_first_one_counts() {
        let parameters = Parameters::parse(b"; Charset=\"utf-8\"; charset=latin1").unwrap();
        assert!(parameters.get("charset").unwrap().is("utf-8"));
        assert!(parameters.get("boundary").is_none());
        assert!(!parameters.is_empty() && Parameters::NONE.is_empty());
    }
}
