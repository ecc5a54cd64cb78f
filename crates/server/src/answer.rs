//! How an answer is written: heads serialised in advance where they can be, content that is small right behind them.

use crate::handler::files::multipart::Multipart;
use crate::handler::proxy::{Framed, Relay};
use crate::handler::respond::Fixed;
use crate::id::{Id, Random};
use crate::refusal::redirect_page;
use crate::representation::{Content, Representation};
use crate::site::Common;
use std::borrow::Cow;
use std::rc::Rc;
use verdict_core::field::content_range::ContentRange;
use verdict_core::field::range::{ByteRange, Parts};
use verdict_core::method::{Method, MethodSet};
use verdict_core::status::Status;
use verdict_wire::{Asked, HeadWriter, Refused, Template, Version};

/// Fields of an answer, in the order in which they are sent.
pub(crate) type Fields<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// Leaves out what describes content, for an answer that has none because it is unchanged (RFC 9110 §15.4.5).
pub(crate) fn drop_description(fields: &mut Fields<'_>) {
    let describes = |name: &str| name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
    fields.retain(|(name, _)| !describes(name) || name.eq_ignore_ascii_case("Content-Location"));
}

/// Content up to this size is copied behind its head, so that one call writes both.
const COPIED: u64 = 16 << 10;

/// Content that is sent after the head.
pub(crate) enum Rest {
    Nothing,
    Part(Rc<Representation>, ByteRange),
    Parts(Rc<Representation>, Box<Multipart>),
    /// What an upstream still sends.
    Relay(Box<Relay>, Framed),
    /// Another protocol, between the client and an upstream.
    Tunnel(Box<Relay>),
}

/// What is on every answer, in the order of a template's slots.
pub(crate) struct Stamp<'a> {
    pub(crate) date: &'a [u8; 29],
    /// The request's: one of ours, or what a trusted proxy gave it.
    pub(crate) id: &'a [u8],
}

/// The form that a head serialised in advance is for.
const USUAL: Asked = Asked { method: Method::Get, version: Version::Http11, persist: true };

/// A head with places for what differs from answer to answer.
pub(crate) fn template(status: Status, size: u64, fields: &Fields<'_>) -> Result<Template, Refused> {
    Template::build(status, USUAL, Some(size), |head| {
        head.slot("Date", 29)?;
        head.slot("Request-Id", Id::LENGTH)?;
        fields.iter().try_for_each(|(name, value)| head.field(name, value.as_bytes()))
    })
}

/// Adds the route's own fields. One that we have already is replaced, but for `Vary`, which only ever grows.
pub(crate) fn add_headers<'a>(fields: &mut Fields<'a>, common: &'a Common) {
    fields.retain(|(name, _)| *name == "Vary" || !common.sets(name));
    for (name, value) in &common.headers {
        fields.push((name, Cow::Borrowed(value)));
    }
}

/// How an answer is to be written.
pub(crate) struct Writing<'a, 's> {
    pub(crate) status: Status,
    pub(crate) asked: Asked,
    pub(crate) stamp: &'a Stamp<'a>,
    pub(crate) common: &'s Common,
    /// Fields beside those of what is sent.
    pub(crate) more: Fields<'a>,
}

impl Writing<'_, '_> {
    #[inline]
    pub(crate) fn whole(&self, found: &Rc<Representation>, out: &mut Vec<u8>) -> (Rest, u64) {
        found.put_head(out, self);
        match found.content.size() {
            0 => (Rest::Nothing, 0),
            size => self.content(found, ByteRange { first: 0, last: size - 1 }, out),
        }
    }

    pub(crate) fn part(&self, found: &Rc<Representation>, part: ByteRange, out: &mut Vec<u8>) -> (Rest, u64) {
        let content_range = ContentRange::Part { range: part, complete: Some(found.content.size()) }.to_string();
        let mut fields = found.fields(self.common);
        fields.push(("Content-Range", Cow::Owned(content_range)));
        self.head(&fields, Some(part.size()), out);
        self.content(found, part, out)
    }

    /// RFC 9110 §15.3.7.2: several parts are told apart by their own heads, within the content.
    pub(crate) fn parts(&self, found: &Rc<Representation>, parts: &Parts, out: &mut Vec<u8>) -> (Rest, u64) {
        let ranges: Vec<_> = parts.iter().map(|part| (part.first, part.last)).collect();
        let seed = Random::unforeseen();
        let media_type = Some(&*found.description.media_type);
        let Some(framed) = Multipart::new(found.content.size(), media_type, &ranges, seed) else {
            // Every part lies within the content, and there are at most 16.
            unreachable!("parts that were resolved against the content can be framed")
        };
        let size = framed.content_length();
        let mut fields = found.fields(self.common);
        fields.retain(|(name, _)| *name != "Content-Type");
        fields.push(("Content-Type", Cow::Owned(framed.content_type())));
        self.head(&fields, Some(size), out);
        match self.has_content() {
            true => (Rest::Parts(found.clone(), Box::new(framed)), size),
            false => (Rest::Nothing, 0),
        }
    }

    pub(crate) fn fixed(&self, fixed: &Fixed, out: &mut Vec<u8>) -> (Rest, u64) {
        fixed.put_head(out, self);
        let content = fixed.content().filter(|_| self.has_content()).unwrap_or_default();
        out.extend_from_slice(content);
        (Rest::Nothing, content.len() as u64)
    }

    /// An answer that is always the same is unchanged.
    pub(crate) fn unchanged(&self, fixed: &Fixed, out: &mut Vec<u8>) -> (Rest, u64) {
        let mut fields = fixed.fields();
        drop_description(&mut fields);
        self.head(&fields, None, out);
        (Rest::Nothing, 0)
    }

    pub(crate) fn redirect(&self, location: &str, cache: Option<u64>, out: &mut Vec<u8>) -> (Rest, u64) {
        let page = redirect_page(self.status, location);
        let mut fields: Fields<'_> = vec![
            ("Location", Cow::Borrowed(location)),
            ("Content-Type", Cow::Borrowed("text/html; charset=utf-8")),
            ("X-Content-Type-Options", Cow::Borrowed("nosniff")),
            ("Content-Security-Policy", Cow::Borrowed("default-src 'none'")),
        ];
        fields.extend(cache.map(|seconds| ("Cache-Control", Cow::Owned(format!("max-age={seconds}")))));
        add_headers(&mut fields, self.common);
        self.head(&fields, Some(page.len() as u64), out);
        if !self.has_content() {
            return (Rest::Nothing, 0);
        }
        out.extend_from_slice(page.as_bytes());
        (Rest::Nothing, page.len() as u64)
    }

    /// An answer without content.
    pub(crate) fn empty(&self, out: &mut Vec<u8>) -> (Rest, u64) {
        let mut fields = Fields::new();
        add_headers(&mut fields, self.common);
        self.head(&fields, (!self.status.forbids_content()).then_some(0), out);
        (Rest::Nothing, 0)
    }

    pub(crate) fn options(&self, allow: MethodSet, out: &mut Vec<u8>) -> (Rest, u64) {
        let mut fields: Fields<'_> = vec![("Allow", Cow::Owned(allow.to_string()))];
        add_headers(&mut fields, self.common);
        self.head(&fields, None, out);
        (Rest::Nothing, 0)
    }

    /// A head written from nothing. Fields that cannot be written are left out: config and encoders see to it that there are
    /// none.
    pub(crate) fn head(&self, fields: &Fields<'_>, size: Option<u64>, out: &mut Vec<u8>) {
        let mut head = HeadWriter::new(out, self.status);
        let mut put = |name: &str, value: &[u8]| {
            let written = head.field(name, value);
            debug_assert!(written.is_ok(), "{name} cannot be written: {written:?}");
        };
        put("Date", self.stamp.date);
        put("Request-Id", self.stamp.id);
        for (name, value) in fields.iter().chain(&self.more) {
            put(name, value.as_bytes());
        }
        head.finish(self.asked, size);
    }

    /// Whether a head serialised in advance is the right one.
    #[inline]
    pub(crate) fn is_usual(&self) -> bool {
        // HEAD has the same fields as GET (RFC 9110 §9.3.2).
        let asked = self.asked;
        asked.version != Version::Http10
            && asked.persist
            && asked.method.reads()
            && self.more.is_empty()
            && self.stamp.id.len() == Id::LENGTH
    }

    #[inline]
    fn has_content(&self) -> bool {
        self.asked.method != Method::Head && !self.status.forbids_content()
    }

    /// Copies small content behind its head, and leaves the rest to be sent.
    #[inline]
    fn content(&self, found: &Rc<Representation>, part: ByteRange, out: &mut Vec<u8>) -> (Rest, u64) {
        if !self.has_content() {
            return (Rest::Nothing, 0);
        }
        let size = part.size();
        match &found.content {
            Content::Memory(bytes) if size <= COPIED => {
                out.extend_from_slice(&bytes[part.first as usize..=part.last as usize]);
                (Rest::Nothing, size)
            }
            _ => (Rest::Part(found.clone(), part), size),
        }
    }
}
