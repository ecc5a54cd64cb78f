//! `Link` (RFC 8288 §3): the hints of a route or of an upstream, read as strictly as the grammar is.

use super::cursor::Cursor;
use super::parameters::{self, BadParameter, Grammar, Parameter};
use super::quoted::Value;
use std::fmt;

/// One link: `</app.css>; rel=preload; as=style`.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What stands between the angle brackets: bytes of a URI reference (RFC 3986 §4.1), not resolved.
    pub target: &'a [u8],
    rel: Value<'a>,
    /// What follows, known to be well-formed.
    parameters: &'a [u8],
}

impl<'a> Link<'a> {
    /// A value that is exactly one link.
    pub fn parse(value: &'a [u8]) -> Result<Link<'a>, LinkError> {
        let mut links = links(value);
        let link = links.next().unwrap_or(Err(LinkError { offset: 0, problem: LinkProblem::Empty }))?;
        let offset = links.cursor.offset();
        match links.next() {
            None => Ok(link),
            Some(_) => Err(LinkError { offset, problem: LinkProblem::Several }),
        }
    }

    /// The relation types, with spaces between them.
    pub const fn rel(&self) -> Value<'a> {
        self.rel
    }

    /// Whether one of the relation types is this; they ignore case (RFC 8288 §2.1.1).
    pub fn has_rel(&self, relation: &str) -> bool {
        // RFC 8288 §3.3: relation types neither have spaces nor need backslashes.
        self.rel.raw().split(|&b| b == b' ').any(|r| r.eq_ignore_ascii_case(relation.as_bytes()))
    }

    /// The value of the first parameter of that name, such as `as`; names ignore case. `None`: there is none, or it has no
    /// value (`crossorigin`), which [`Link::has`] tells apart.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.find(name)?.value
    }

    /// Whether there is a parameter of that name, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Each parameter, `rel` among them.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a [u8], Option<Value<'a>>)> + Clone {
        let mut cursor = Cursor::new(self.parameters);
        std::iter::from_fn(move || parameters::next(&mut cursor, Grammar::Loose).ok()?).map(|p| (p.name, p.value))
    }

    fn find(&self, name: &str) -> Option<Parameter<'a>> {
        self.parameters()
            .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(name, value)| Parameter { name, value })
    }
}

/// Why a value is no link, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkError {
    /// The byte of the value, from 0; its length if something is missing at the end.
    pub offset: usize,
    /// What is wrong there.
    pub problem: LinkProblem,
}

/// What can be wrong with a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum LinkProblem {
    Empty,
    Several,
    TargetNotBracketed,
    TargetByte,
    TargetNotClosed,
    SeparatorMissing,
    ParameterName,
    ParameterValue,
    RelMissing,
    RelEmpty,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            LinkProblem::Empty => "there is no link",
            LinkProblem::Several => "there is more than one link",
            LinkProblem::TargetNotBracketed => "a link begins with its target in angle brackets",
            LinkProblem::TargetByte => "this byte cannot be part of a URI",
            LinkProblem::TargetNotClosed => "the target is not closed by `>`",
            LinkProblem::SeparatorMissing => "`;` or `,` is missing",
            LinkProblem::ParameterName => "the name of a parameter is missing",
            LinkProblem::ParameterValue => "the value of a parameter is missing, or its quotes are not closed",
            LinkProblem::RelMissing => "the link has no `rel`",
            LinkProblem::RelEmpty => "`rel` names no relation",
        };
        write!(f, "{problem} (byte {})", self.offset)
    }
}

impl std::error::Error for LinkError {}

/// The links of one line of `Link`, up to the first thing that is none.
pub const fn links(value: &[u8]) -> Links<'_> {
    Links { value, cursor: Cursor::new(value), is_over: false }
}

/// See [`links`]. It is not [`super::list::Elements`], since a URI may have a comma.
#[derive(Clone, Copy)]
pub struct Links<'a> {
    value: &'a [u8],
    cursor: Cursor<'a>,
    is_over: bool,
}

impl<'a> Iterator for Links<'a> {
    type Item = Result<Link<'a>, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        // RFC 9110 §5.6.1.2: empty members are ignored.
        self.cursor.take_while(|b| matches!(b, b',' | b' ' | b'\t'));
        if self.is_over || self.cursor.is_done() {
            return None;
        }
        let link = self.link();
        self.is_over = link.is_err();
        Some(link)
    }
}

impl<'a> Links<'a> {
    /// `link-value`, and the comma or the end behind it.
    fn link(&mut self) -> Result<Link<'a>, LinkError> {
        let target = self.target()?;
        let start = self.cursor.offset();
        let mut rel = None;
        let end = loop {
            let end = self.cursor.offset();
            self.cursor.skip_space();
            if matches!(self.cursor.peek(), None | Some(b',')) {
                break end;
            }
            self.refuse_empty_parameter()?;
            match parameters::next(&mut self.cursor, Grammar::Loose) {
                // RFC 8288 §3.3: occurrences of rel after the first are ignored.
                Ok(Some(p)) if p.name.eq_ignore_ascii_case(b"rel") => rel = rel.or(Some(p.value)),
                Ok(Some(_)) => {}
                Ok(None) => break end,
                Err(BadParameter::Separator) => return Err(self.error(LinkProblem::SeparatorMissing)),
                Err(BadParameter::Name) => return Err(self.error(LinkProblem::ParameterName)),
                Err(BadParameter::Equals | BadParameter::Value) => {
                    return Err(self.error(LinkProblem::ParameterValue));
                }
            }
        };
        // RFC 8288 §3.3: rel MUST be present.
        let rel = rel.ok_or(self.error(LinkProblem::RelMissing))?;
        // What a quoted-pair says counts, not its backslash.
        let names_one = |rel: &Value<'a>| rel.bytes().any(|b| !b.is_ascii_whitespace());
        let rel = rel.filter(names_one).ok_or(self.error(LinkProblem::RelEmpty))?;
        Ok(Link { target, rel, parameters: &self.value[start..end] })
    }

    /// RFC 8288 §3, unlike RFC 9110 §5.6.6, has no `;` without a parameter behind it.
    fn refuse_empty_parameter(&self) -> Result<(), LinkError> {
        let mut ahead = *self;
        let is_separator = ahead.cursor.eat(b';');
        ahead.cursor.skip_space();
        match ahead.cursor.peek() {
            None | Some(b';' | b',') if is_separator => Err(ahead.error(LinkProblem::ParameterName)),
            _ => Ok(()),
        }
    }

    /// `"<" URI-Reference ">"`, byte by byte (RFC 3986 §2).
    fn target(&mut self) -> Result<&'a [u8], LinkError> {
        if !self.cursor.eat(b'<') {
            return Err(self.error(LinkProblem::TargetNotBracketed));
        }
        let start = self.cursor.offset();
        loop {
            self.cursor.take_while(is_uri_byte);
            match self.cursor.rest() {
                [] => return Err(self.error(LinkProblem::TargetNotClosed)),
                [b'>', ..] => break,
                [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => self.cursor.eat(b'%'),
                _ => return Err(self.error(LinkProblem::TargetByte)),
            };
        }
        let target = &self.value[start..self.cursor.offset()];
        self.cursor.eat(b'>');
        Ok(target)
    }

    fn error(&self, problem: LinkProblem) -> LinkError {
        LinkError { offset: self.cursor.offset(), problem }
    }
}

/// `unreserved / reserved` (RFC 3986 §2.2, §2.3).
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Link<'_>, LinkError> {
        Link::parse(value.as_bytes())
    }

    #[test]
    fn a_hint_is_read() {
        let link = parse("</app.css>; rel=preload; as=style; crossorigin; title=\"a, b\"").unwrap();
        assert_eq!(link.target, b"/app.css");
        assert!(link.rel().is("preload") && link.has_rel("Preload") && !link.has_rel("load"));
        assert!(link.get("AS").unwrap().is("style") && link.get("title").unwrap().is("a, b"));
        assert!(link.has("crossorigin") && link.get("crossorigin").is_none() && !link.has("type"));
        assert_eq!(link.parameters().count(), 4);
    }

    /// The examples of RFC 8288 §3.5.
    #[test]
    fn the_examples_of_the_rfc_are_links() {
        let value = concat!(
            "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, ",
            "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
        );
        let links: Vec<_> = links(value.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(links.iter().map(|l| l.target).collect::<Vec<_>>(), [b"/TheBook/chapter2", b"/TheBook/chapter4"]);
        assert!(links[0].has_rel("previous") && links[1].has_rel("next"));
        for value in [
            "<http://example.com/TheBook/chapter2>; rel=\"previous\"; title=\"previous chapter\"",
            "</>; rel=\"http://example.net/foo\"",
            "</terms>; rel=\"copyright\"; anchor=\"#foo\"",
        ] {
            assert!(parse(value).is_ok(), "{value}");
        }
        let two = parse("<http://example.org/>; rel=\"start http://example.net/relation/other\"").unwrap();
        assert!(two.has_rel("start") && two.has_rel("http://example.net/relation/other"));
    }

    #[test]
    fn space_and_repetition_are_read_as_defined() {
        for (value, rel) in [
            ("<>;rel=a", "a"),
            ("<a> ; rel = \"a\"\t,", "a"),
            ("<a>;rel=a;rel=b", "a"),
            ("<a>;rel=a,", "a"),
            (" , <a,b>;rel=a , ", "a"),
        ] {
            assert!(parse(value).unwrap_or_else(|e| panic!("{value}: {e}")).rel().is(rel), "{value}");
        }
    }

    #[test]
    fn an_error_says_where() {
        use LinkProblem::*;
        for (value, offset, problem) in [
            ("", 0, Empty),
            (" , ", 0, Empty),
            ("/app.css", 0, TargetNotBracketed),
            ("</app.css", 9, TargetNotClosed),
            ("</a b>; rel=x", 3, TargetByte),
            ("</a%2>; rel=x", 3, TargetByte),
            ("</\u{e9}>; rel=x", 2, TargetByte),
            ("</a>", 4, RelMissing),
            ("</a>; as=style", 14, RelMissing),
            ("</a>; rel", 9, RelEmpty),
            ("</a>; rel=\"\"", 12, RelEmpty),
            ("</a>; rel=\" \"", 13, RelEmpty),
            ("</a>; rel=\"\\ \"", 14, RelEmpty),
            ("</a>; rel=", 10, ParameterValue),
            ("</a>; rel=\"x", 12, ParameterValue),
            ("</a>; =x", 6, ParameterName),
            ("</a>;;rel=x", 5, ParameterName),
            ("</a>; rel=x;", 12, ParameterName),
            ("</a>; rel=x; , </b>; rel=y", 13, ParameterName),
            ("</a> rel=x", 5, SeparatorMissing),
            ("</a>; rel=x as=y", 12, SeparatorMissing),
            ("</a>; rel=x, </b>; rel=y", 11, Several),
            ("</a>; rel=x, b", 11, Several),
        ] {
            assert_eq!(parse(value).map(|l| l.target), Err(LinkError { offset, problem }), "{value:?}");
        }
        assert_eq!(parse("</a>").unwrap_err().to_string(), "the link has no `rel` (byte 4)");
    }

    #[test]
    fn nothing_follows_what_is_no_link() {
        let read: Vec<_> = links(b"</a>;rel=x, b, </c>;rel=y").map(|l| l.is_ok()).collect();
        assert_eq!(read, [true, false]);
    }
}
