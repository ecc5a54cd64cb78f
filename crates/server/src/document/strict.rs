//! What is taken for JSON: RFC 8259 without what readers disagree on. A key that an object has twice, an integer that a
//! double does not hold exactly, a number beyond every double, half a surrogate pair, a byte order mark and deep nesting are
//! refused.
//!
//! It reads text and makes none of it anew: numbers and strings stay as they are written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use verdict_core::cause::Rejected;

/// How many arrays and objects may be open at once.
pub const DEEPEST: usize = 64;
/// The largest magnitude of an integer, 2^53 - 1: within it "implementations will agree exactly" (RFC 8259 §6), and 2^53 is
/// also what a reader makes of 2^53 + 1.
pub const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// Bytes of a key that are repeated in a sentence.
const SHOWN: usize = 64;

/// The text, if it is one that is taken. Takes time and memory linear in the content's length.
pub fn check(content: &[u8]) -> Result<&str, Fault> {
    let mut scanner = Scanner::new(content)?;
    while scanner.next()?.is_some() {}
    Ok(scanner.text)
}

/// The first thing that is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which rule it breaks.
    pub kind: Kind,
    /// The byte at which it was noticed, from 0; the content's length where it ends too early.
    pub offset: usize,
    /// The line, from 1; a line ends with LF.
    pub line: usize,
    /// The column, from 1, in characters (Unicode scalar values).
    pub column: usize,
    /// What is wrong there, as a part of a sentence.
    pub what: Cow<'static, str>,
}

/// The rules that a text can break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is not JSON in UTF-8.
    Malformed,
    /// An object has a key twice.
    KeyRepeated,
    /// More than [`DEEPEST`] arrays and objects are open.
    TooDeep,
    /// An integer beyond ±[`LARGEST_INTEGER`], or a number beyond every double.
    NumberTooLarge,
}

impl Kind {
    /// The one cause for it.
    pub const fn cause(self) -> Rejected {
        match self {
            Kind::Malformed => Rejected::Json,
            Kind::KeyRepeated => Rejected::JsonKeyRepeated,
            Kind::TooDeep => Rejected::JsonTooDeep,
            Kind::NumberTooLarge => Rejected::JsonInteger,
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

/// What a text is made of; colons and commas are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token<'t> {
    ArrayBegins,
    ObjectBegins,
    /// The end of what was begun last.
    Ends,
    /// A member's name, unescaped; its value comes next.
    Key(Cow<'t, str>),
    /// A number, a string in its quotes, `true`, `false` or `null`, as it is written.
    Plain(&'t str),
}

/// Reads a text one token at a time.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    open: Vec<Open<'t>>,
    next: Next,
}

/// What is open, and of an object the keys so far.
enum Open<'t> {
    Array,
    Object(HashSet<Cow<'t, str>>),
}

/// Where the scanner stands.
#[derive(Clone, Copy)]
enum Next {
    /// Before a value.
    Value,
    /// Behind `[`.
    ItemOrEnd,
    /// Behind `{`.
    KeyOrEnd,
    /// Behind a value.
    Rest,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(content: &'t [u8]) -> Result<Scanner<'t>, Fault> {
        // RFC 8259 §8.1
        let text = std::str::from_utf8(content).map_err(|error| {
            let (valid, _) = content.split_at(error.valid_up_to());
            fault(Kind::Malformed, std::str::from_utf8(valid).unwrap_or(""), "this is not UTF-8")
        })?;
        let scanner = Scanner { text, at: 0, open: Vec::new(), next: Next::Value };
        // RFC 8259 §8.1: a parser may ignore it, so another may not.
        if text.starts_with('\u{feff}') {
            Err(scanner.malformed("a byte order mark is no part of JSON"))
        } else {
            Ok(scanner)
        }
    }

    /// The next token, or `None` where the text is complete and nothing follows it.
    pub(super) fn next(&mut self) -> Result<Option<Token<'t>>, Fault> {
        self.skip_space();
        let token = match (self.next, self.open.last(), self.peek()) {
            (Next::ItemOrEnd, _, Some(b']')) | (Next::KeyOrEnd, _, Some(b'}')) => self.end(),
            (Next::Rest, Some(Open::Array), Some(b']')) | (Next::Rest, Some(Open::Object(_)), Some(b'}')) => self.end(),
            (Next::Value | Next::ItemOrEnd, ..) => self.value()?,
            (Next::KeyOrEnd, ..) => self.key("a key in quotes or `}`")?,
            (Next::Rest, Some(Open::Array), Some(b',')) => {
                self.at += 1;
                self.skip_space();
                self.value()?
            }
            (Next::Rest, Some(Open::Object(_)), Some(b',')) => {
                self.at += 1;
                self.skip_space();
                self.key("a key in quotes")?
            }
            (Next::Rest, Some(Open::Array), _) => return Err(self.expected("`,` or `]`")),
            (Next::Rest, Some(Open::Object(_)), _) => return Err(self.expected("`,` or `}`")),
            (Next::Rest, None, Some(_)) => return Err(self.expected("nothing more")),
            (Next::Rest, None, None) => return Ok(None),
        };
        Ok(Some(token))
    }

    fn end(&mut self) -> Token<'t> {
        self.at += 1;
        self.open.pop();
        self.next = Next::Rest;
        Token::Ends
    }

    fn value(&mut self) -> Result<Token<'t>, Fault> {
        let start = self.at;
        match self.peek() {
            Some(b'[') => return self.begin(Open::Array, Next::ItemOrEnd, Token::ArrayBegins),
            Some(b'{') => return self.begin(Open::Object(HashSet::new()), Next::KeyOrEnd, Token::ObjectBegins),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            // RFC 8259 §3: in lower case, and there are no others.
            _ => match ["true", "false", "null"].iter().find(|name| self.text[start..].starts_with(**name)) {
                Some(name) => self.at += name.len(),
                None => return Err(self.expected("a value")),
            },
        }
        self.next = Next::Rest;
        Ok(Token::Plain(&self.text[start..self.at]))
    }

    fn begin(&mut self, open: Open<'t>, next: Next, token: Token<'t>) -> Result<Token<'t>, Fault> {
        // RFC 8259 §9: "An implementation may set limits on the maximum depth of nesting."
        if self.open.len() == DEEPEST {
            return Err(
                self.fault(Kind::TooDeep, format!("this is nested {} deep, and {DEEPEST} is the most", DEEPEST + 1))
            );
        }
        self.at += 1;
        self.open.push(open);
        self.next = next;
        Ok(token)
    }

    /// A key and the colon behind it.
    fn key(&mut self, expected: &str) -> Result<Token<'t>, Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.expected(expected));
        }
        self.string()?;
        let key = unquoted(&self.text[start..self.at]);
        // RFC 8259 §4: what readers do with a name that is not unique differs. Names are compared unescaped (§8.3).
        if let Some(Open::Object(keys)) = self.open.last_mut()
            && !keys.insert(key.clone())
        {
            self.at = start;
            let what = format!("the key `{}` is there for the second time", super::cut(&key, SHOWN).escape_debug());
            return Err(self.fault(Kind::KeyRepeated, what));
        }
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        self.next = Next::Value;
        Ok(Token::Key(key))
    }

    /// A string with its quotes (RFC 8259 §7).
    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            // The least of all first, which the compiler finds many bytes at a time: hardly ever is there one.
            let least = rest[..plain].iter().fold(u8::MAX, |least, byte| least.min(*byte));
            if least < 0x20 {
                self.at += rest.iter().position(|byte| *byte < 0x20).unwrap_or(0);
                return Err(self.malformed("a control character in a string has to be escaped"));
            }
            self.at += plain;
            match rest.get(plain) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.escape()?,
                None => return Err(self.expected("`\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += match rest.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match (unit(rest), rest.get(6..).and_then(unit)) {
                (None, _) => return Err(self.malformed("`\\u` wants four hexadecimal digits")),
                (Some(HIGH_FIRST..=HIGH_LAST), Some(LOW_FIRST..=LOW_LAST)) => 12,
                // RFC 8259 §8.2: what readers do with one differs, and UTF-8 has no place for it.
                (Some(HIGH_FIRST..=LOW_LAST), _) => {
                    return Err(self.malformed("half of a surrogate pair is no character"));
                }
                (Some(_), _) => 6,
            },
            _ => return Err(self.malformed("`\\` is followed by one of `\"\\/bfnrtu`")),
        };
        Ok(())
    }

    /// A number (RFC 8259 §6).
    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let digits = self.at;
        self.digits()?;
        let integer = &self.text[digits..self.at];
        if integer.len() > 1 && integer.starts_with('0') {
            self.at = digits;
            return Err(self.malformed("a number does not begin with a zero that says nothing"));
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            whole = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let what = if whole {
            let held = integer.parse().is_ok_and(|magnitude: u64| magnitude <= LARGEST_INTEGER);
            (!held).then_some("an integer beyond ±(2^53 - 1) is not held exactly by every reader")
        } else {
            let held = self.text[start..self.at].parse().is_ok_and(f64::is_finite);
            (!held).then_some("the number is beyond what a double holds")
        };
        let Some(what) = what else { return Ok(()) };
        self.at = start;
        Err(self.fault(Kind::NumberTooLarge, what))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Fault> {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// RFC 8259 §2
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expected(&self, what: &str) -> Fault {
        // A string is read byte by byte, and stops at ASCII only.
        match self.text[self.at..].chars().next() {
            Some(quote @ ('"' | '\'')) => self.malformed(format!("{what} is expected here, and not `{quote}`")),
            Some(found) => self.malformed(format!("{what} is expected here, and not `{}`", found.escape_debug())),
            None => self.malformed(format!("{what} is expected here, and not the end")),
        }
    }

    fn malformed(&self, what: impl Into<Cow<'static, str>>) -> Fault {
        self.fault(Kind::Malformed, what)
    }

    fn fault(&self, kind: Kind, what: impl Into<Cow<'static, str>>) -> Fault {
        fault(kind, &self.text[..self.at], what)
    }
}

/// A fault behind the text `before`.
fn fault(kind: Kind, before: &str, what: impl Into<Cow<'static, str>>) -> Fault {
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    Fault {
        kind,
        offset: before.len(),
        line: memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1,
        column: before[line..].chars().count() + 1,
        what: what.into(),
    }
}

const HIGH_FIRST: u16 = 0xd800;
const HIGH_LAST: u16 = 0xdbff;
const LOW_FIRST: u16 = 0xdc00;
const LOW_LAST: u16 = 0xdfff;

/// The UTF-16 code unit that a `\uXXXX` at the start of `bytes` stands for.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)? as u16))
}

/// What a string says whose quotes and escapes the scanner has passed.
pub(super) fn unquoted(string: &str) -> Cow<'_, str> {
    let inner = string.get(1..string.len() - 1).unwrap_or("");
    let mut parts = inner.split('\\');
    let (Some(first), true) = (parts.next(), inner.contains('\\')) else { return Cow::Borrowed(inner) };
    let mut text = String::with_capacity(inner.len());
    text.push_str(first);
    let mut high = None;
    while let Some(part) = parts.next() {
        // Two backslashes have nothing between them.
        let Some(letter) = part.chars().next() else {
            text.push('\\');
            text.push_str(parts.next().unwrap_or(""));
            continue;
        };
        let mut rest = 1;
        match letter {
            'u' => {
                rest = 5;
                let unit = u16::from_str_radix(part.get(1..rest).unwrap_or(""), 16).unwrap_or_default();
                if let HIGH_FIRST..=HIGH_LAST = unit {
                    high = Some(unit);
                } else {
                    text.extend(char::decode_utf16(high.take().into_iter().chain([unit])).flatten());
                }
            }
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            itself => text.push(itself),
        }
        text.push_str(part.get(rest..).unwrap_or(""));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
