//! A representation: content with the fields that describe it, its heads serialised in advance.

use crate::answer::{Fields, Writing, add_headers, drop_description, template};
use crate::disk::Identity;
use crate::request::Request;
use crate::site::Common;
use bytes::Bytes;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use verdict_core::decide::Precondition;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::{Current, EntityTag, if_match, if_none_match};
use verdict_core::field::modified_since::{if_modified_since, if_unmodified_since};
use verdict_wire::{Name, Template};

/// Content that can be sent, whole or in parts.
pub(crate) enum Content {
    Memory(Bytes),
    File {
        file: Arc<OwnedFd>,
        identity: Identity,
    },
    /// What was there once, of which only the size is known: for telling of an answer that was given.
    Gone {
        size: u64,
    },
}

impl Content {
    /// Whether it is still what it was when it was described. What is in memory always is; a file that is kept open may
    /// have been written since, or may have another one in its place.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        match self {
            Content::Memory(_) | Content::Gone { .. } => true,
            Content::File { file, identity } => Identity::of(file.as_fd()).is_ok_and(|now| now == *identity),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File { identity, .. } => identity.size,
            Content::Gone { size } => *size,
        }
    }
}

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
    /// `Link`.
    pub(crate) link: Option<Box<str>>,
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
        if let Some(link) = &self.link {
            fields.push(("Link", Cow::Borrowed(link)));
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
        drop_description(&mut fields);
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

impl Representation {
    pub(crate) fn new(content: Content, description: Description) -> Representation {
        Representation { content, description, whole: OnceCell::new(), unchanged: OnceCell::new() }
    }

    /// The fields that a 200 has, the route's own included.
    pub(crate) fn fields<'a>(&'a self, common: &'a Common) -> Fields<'a> {
        self.description.fields(common)
    }

    /// Writes the head of an answer that has the content or, if the status forbids that, tells that it is unchanged.
    #[inline]
    pub(crate) fn put_head(&self, out: &mut Vec<u8>, writing: &Writing<'_, '_>) {
        let known = if writing.status.forbids_content() { &self.unchanged } else { &self.whole };
        match known.get() {
            Some(template) if writing.is_usual() => {
                let written = template.write(out, &[writing.stamp.date, writing.stamp.id]);
                debug_assert!(written.is_ok(), "a stamp's parts have the lengths of their slots");
            }
            _ => self.put_first_head(out, writing),
        }
    }

    #[cold]
    fn put_first_head(&self, out: &mut Vec<u8>, writing: &Writing<'_, '_>) {
        let unchanged = writing.status.forbids_content();
        let fields = match unchanged {
            true => self.description.unchanged_fields(writing.common),
            false => self.description.fields(writing.common),
        };
        let size = self.content.size();
        if writing.is_usual()
            && let Ok(template) = template(writing.status, size, &fields)
        {
            let _ = if unchanged { self.unchanged.set(template) } else { self.whole.set(template) };
        }
        writing.head(&fields, Some(size), out);
    }

    fn tag(&self) -> Option<EntityTag<'_>> {
        EntityTag::parse(self.description.tag.as_deref()?.as_bytes())
    }

    /// The tag and the date that a condition is evaluated against, if there are any.
    pub(crate) fn validators(&self) -> (Option<EntityTag<'_>>, Option<HttpDate>) {
        (self.tag(), self.description.last_modified)
    }
}

/// What is at a target when conditions are evaluated.
#[derive(Clone, Copy)]
pub(crate) enum There<'a> {
    Representation(&'a Representation),
    /// One without validators.
    Untagged,
    /// None.
    Nothing,
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
    // What nearly every revalidation sends: the tag that it was given, and nothing else to weigh. One tag that is ours byte
    // for byte matches, however tags are compared (RFC 9110 §13.1.2), and dates do not count beside it (§13.2.2).
    if let There::Representation(found) = there
        && !head.has(Name::IfMatch)
        && !head.has(Name::IfUnmodifiedSince)
        && let (Some(ours), Some(theirs)) = (&found.description.tag, request.value(Name::IfNoneMatch))
        && theirs == ours.as_bytes()
    {
        facts.if_none_match = Some(false);
        return facts;
    }
    let (tag, last_modified) = match there {
        There::Representation(found) => found.validators(),
        There::Untagged | There::Nothing => (None, None),
    };
    let current = match there {
        There::Nothing => Current::Absent,
        _ => tag.map_or(Current::Untagged, Current::Tagged),
    };
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
