//! A representation: content with the fields that describe it, its heads serialised in advance.

use crate::disk::Identity;
use crate::request::Request;
use crate::site::Common;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use verdict_core::decide::Precondition;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::{Current, EntityTag, if_match, if_none_match};
use verdict_core::field::modified_since::{if_modified_since, if_unmodified_since};
use verdict_core::method::Method;
use verdict_core::status::Status;
use verdict_wire::{Asked, HeadWriter, Name, Refused, Template, Version};

/// Content that can be sent, whole or in parts.
pub(crate) enum Content {
    Memory(Box<[u8]>),
    File { file: Arc<OwnedFd>, identity: Identity },
}

impl Content {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File { identity, .. } => identity.size,
        }
    }
}

/// Fields of an answer, in the order in which they are sent.
pub(crate) type Fields<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// What describes a representation; a [`Representation`] is made of it.
pub(crate) struct Description {
    pub(crate) media_type: Cow<'static, str>,
    /// The content coding, as its field says it.
    pub(crate) coding: Option<&'static str>,
    /// The entity tag as it is sent, with its quotes.
    pub(crate) tag: Option<Box<str>>,
    pub(crate) last_modified: Option<HttpDate>,
    pub(crate) cache_control: Option<Box<str>>,
    /// The request field that chose among this target's representations.
    pub(crate) vary: Option<&'static str>,
    /// Whether parts of it can be asked for.
    pub(crate) ranges: bool,
    /// What a page made by us may load.
    pub(crate) policy: Option<&'static str>,
}

/// Content, its description, and the two heads that nearly every answer has: of the content, and of its being unchanged,
/// as for a GET over HTTP/1.1 on a connection that goes on. Each is made when it is first needed.
pub(crate) struct Representation {
    pub(crate) content: Content,
    pub(crate) description: Description,
    whole: OnceCell<Template>,
    unchanged: OnceCell<Template>,
}

/// What is on every answer, in the order of a template's slots.
pub(crate) struct Stamp<'a> {
    pub(crate) date: &'a [u8; 29],
    pub(crate) id: &'a [u8; 36],
}

/// The form that a head serialised in advance is for.
const USUAL: Asked = Asked { method: Method::Get, version: Version::Http11, persist: true };

/// Whether a head serialised in advance is the right one: HEAD has the same fields as GET (RFC 9110 §9.3.2).
#[inline]
pub(crate) fn is_usual(asked: Asked) -> bool {
    asked.version == Version::Http11 && asked.persist && asked.method.reads()
}

/// A head with places for what differs from answer to answer.
pub(crate) fn template(status: Status, size: u64, fields: &Fields<'_>) -> Result<Template, Refused> {
    Template::build(status, USUAL, Some(size), |head| {
        head.slot("Date", 29)?;
        head.slot("Request-Id", 36)?;
        fields.iter().try_for_each(|(name, value)| head.field(name, value.as_bytes()))
    })
}

/// A head written from nothing. Fields that cannot be written are left out: config and encoders see to it that there are none.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    status: Status,
    asked: Asked,
    size: Option<u64>,
    stamp: &Stamp<'_>,
    fields: &Fields<'_>,
) {
    let mut head = HeadWriter::new(out, status);
    let mut put = |name: &str, value: &[u8]| {
        let written = head.field(name, value);
        debug_assert!(written.is_ok(), "{name} cannot be written: {written:?}");
    };
    put("Date", stamp.date);
    put("Request-Id", stamp.id);
    for (name, value) in fields {
        put(name, value.as_bytes());
    }
    head.finish(asked, size);
}

impl Description {
    /// The fields that a 200 has, the route's own included.
    fn fields<'a>(&'a self, common: &'a Common) -> Fields<'a> {
        let mut fields: Fields<'a> = Vec::with_capacity(12);
        fields.push(("Content-Type", Cow::Borrowed(&*self.media_type)));
        if let Some(coding) = self.coding {
            fields.push(("Content-Encoding", Cow::Borrowed(coding)));
        }
        if let Some(time) = self.last_modified {
            fields.push(("Last-Modified", Cow::Owned(time.to_string())));
        }
        if self.ranges {
            fields.push(("Accept-Ranges", Cow::Borrowed("bytes")));
        }
        if let Some(policy) = self.policy {
            fields.push(("Content-Security-Policy", Cow::Borrowed(policy)));
            fields.push(("X-Content-Type-Options", Cow::Borrowed("nosniff")));
        }
        self.lasting_fields(&mut fields);
        add_headers(&mut fields, common);
        fields
    }

    /// The fields that a 304 has too (RFC 9110 §15.4.5). `Last-Modified` is not among them where there is a tag.
    fn unchanged_fields<'a>(&'a self, common: &'a Common) -> Fields<'a> {
        let mut fields = Vec::with_capacity(8);
        if let (None, Some(time)) = (&self.tag, self.last_modified) {
            fields.push(("Last-Modified", Cow::Owned(time.to_string())));
        }
        self.lasting_fields(&mut fields);
        add_headers(&mut fields, common);
        fields
    }

    fn lasting_fields<'a>(&'a self, fields: &mut Fields<'a>) {
        if let Some(tag) = &self.tag {
            fields.push(("ETag", Cow::Borrowed(tag)));
        }
        if let Some(cache) = &self.cache_control {
            fields.push(("Cache-Control", Cow::Borrowed(cache)));
        }
        if let Some(vary) = self.vary {
            fields.push(("Vary", Cow::Borrowed(vary)));
        }
    }
}

/// Adds the route's own fields. One that we have already is replaced, but for `Vary`, which only ever grows.
pub(crate) fn add_headers<'a>(fields: &mut Fields<'a>, common: &'a Common) {
    fields.retain(|(name, _)| *name == "Vary" || !common.sets(name));
    for (name, value) in &common.headers {
        // What describes content that is not sent is not sent either.
        fields.push((name, Cow::Borrowed(value)));
    }
}

impl Representation {
    pub(crate) fn new(content: Content, description: Description) -> Representation {
        Representation { content, description, whole: OnceCell::new(), unchanged: OnceCell::new() }
    }

    /// Writes the head of an answer that has the content or, if the status forbids that, tells that it is unchanged.
    #[inline]
    pub(crate) fn put_head(
        &self,
        out: &mut Vec<u8>,
        status: Status,
        asked: Asked,
        stamp: &Stamp<'_>,
        common: &Common,
        more: &Fields<'_>,
    ) {
        let known = if status.forbids_content() { &self.unchanged } else { &self.whole };
        if is_usual(asked) && more.is_empty() {
            if let Some(template) = known.get() {
                if template.write(out, &[stamp.date, stamp.id]).is_ok() {
                    return;
                }
            }
        }
        self.put_head_slowly(out, status, asked, stamp, common, more);
    }

    #[cold]
    fn put_head_slowly(
        &self,
        out: &mut Vec<u8>,
        status: Status,
        asked: Asked,
        stamp: &Stamp<'_>,
        common: &Common,
        more: &Fields<'_>,
    ) {
        let unchanged = status.forbids_content();
        let mut fields =
            if unchanged { self.description.unchanged_fields(common) } else { self.description.fields(common) };
        if is_usual(asked) && more.is_empty() {
            if let Ok(template) = template(status, self.content.size(), &fields) {
                let known = if unchanged { &self.unchanged } else { &self.whole };
                let _ = known.set(template);
            }
        }
        fields.extend(more.iter().cloned());
        write_head(out, status, asked, Some(self.content.size()), stamp, &fields);
    }

    /// Writes the head of a 206 (RFC 9110 §15.3.7), for content of this type and size.
    pub(crate) fn put_part_head(
        &self,
        out: &mut Vec<u8>,
        status: Status,
        asked: Asked,
        stamp: &Stamp<'_>,
        common: &Common,
        part: Part<'_>,
        more: &Fields<'_>,
    ) {
        let mut fields = self.description.fields(common);
        if let Some(media_type) = part.media_type {
            fields.retain(|(name, _)| *name != "Content-Type");
            fields.push(("Content-Type", Cow::Borrowed(media_type)));
        }
        if let Some(range) = part.content_range {
            fields.push(("Content-Range", Cow::Borrowed(range)));
        }
        fields.extend(more.iter().cloned());
        write_head(out, status, asked, Some(part.size), stamp, &fields);
    }

    fn tag(&self) -> Option<EntityTag<'_>> {
        EntityTag::parse(self.description.tag.as_deref()?.as_bytes())
    }

    /// The tag and the date that a condition is evaluated against, if there are any.
    pub(crate) fn validators(&self) -> (Option<EntityTag<'_>>, Option<HttpDate>) {
        (self.tag(), self.description.last_modified)
    }
}

/// What differs between a 206 and the 200 of the same representation.
pub(crate) struct Part<'a> {
    /// `multipart/byteranges; boundary=…`, for several parts.
    pub(crate) media_type: Option<&'a str>,
    /// `bytes 0-499/1234`, for one part.
    pub(crate) content_range: Option<&'a str>,
    /// Bytes of content.
    pub(crate) size: u64,
}

/// What is at a target when conditions are evaluated.
#[derive(Clone, Copy)]
pub(crate) enum There<'a> {
    Representation(&'a Representation),
    /// One without validators.
    Untagged,
}

/// The preconditions of a request, evaluated against what is there (RFC 9110 §13.1).
#[inline]
pub(crate) fn preconditions(request: &Request<'_>, there: There<'_>) -> Precondition {
    let head = request.head;
    let mut facts = Precondition { method: head.method, ..Precondition::default() };
    let conditional = [Name::IfMatch, Name::IfNoneMatch, Name::IfModifiedSince, Name::IfUnmodifiedSince];
    if !conditional.iter().any(|name| head.has(*name)) {
        return facts;
    }
    let (tag, last_modified) = match there {
        There::Representation(found) => found.validators(),
        There::Untagged => (None, None),
    };
    let current = tag.map_or(Current::Untagged, Current::Tagged);
    if head.has(Name::IfMatch) {
        facts.if_match = Some(if_match(request.lines(Name::IfMatch), current));
    }
    if head.has(Name::IfNoneMatch) {
        facts.if_none_match = Some(if_none_match(request.lines(Name::IfNoneMatch), current));
    }
    if let Some(time) = last_modified {
        facts.if_modified_since =
            request.value(Name::IfModifiedSince).and_then(|value| if_modified_since(value, time, request.now));
        facts.if_unmodified_since =
            request.value(Name::IfUnmodifiedSince).and_then(|value| if_unmodified_since(value, time, request.now));
    }
    facts
}
