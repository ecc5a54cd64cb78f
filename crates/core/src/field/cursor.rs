//! A place in a field value, and the common rules of RFC 9110 §5.6 read from there.

use super::list::is_tchar;
use super::quoted::Value;

/// A field value and how far it has been read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// The offset of the next byte.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Reads that byte, if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += is_next as usize;
        is_next
    }

    /// Reads as many bytes as the predicate takes; it may be none.
    pub(crate) fn take_while(&mut self, takes: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&b| !takes(b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `OWS`, and `BWS` where a grammar has it (RFC 9110 §5.6.3).
    pub(crate) fn skip_space(&mut self) {
        self.take_while(|b| b == b' ' || b == b'\t');
    }

    /// `token` (RFC 9110 §5.6.2).
    pub(crate) fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_tchar);
        (!token.is_empty()).then_some(token)
    }

    /// `quoted-string` (RFC 9110 §5.6.4). Where there is none, the cursor rests on the byte that is wrong.
    pub(crate) fn quoted(&mut self) -> Option<Value<'a>> {
        if !self.eat(b'"') {
            return None;
        }
        let start = self.at;
        loop {
            self.take_while(is_qdtext);
            match self.peek()? {
                b'"' => break,
                b'\\' if self.text.get(self.at + 1).is_some_and(|&b| is_quotable(b)) => self.at += 2,
                _ => return None,
            }
        }
        let inner = &self.text[start..self.at];
        self.at += 1;
        Some(Value::quoted(inner))
    }

    /// `token / quoted-string`.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        if self.peek() == Some(b'"') { self.quoted() } else { self.token().map(Value::token) }
    }
}

/// `qdtext` (RFC 9110 §5.6.4).
fn is_qdtext(byte: u8) -> bool {
    matches!(byte, b'\t' | b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e | 0x80..)
}

/// What may follow the backslash of a `quoted-pair`.
fn is_quotable(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=0x7e | 0x80..)
}
