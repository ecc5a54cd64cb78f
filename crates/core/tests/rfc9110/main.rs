//! RFC 9110, obligation by obligation: what concerns the core, from the text of fields to the status. A file is a section, a
//! test's name is the obligation, and its comment is the sentence.
//!
//! Most go through `Origin`: a small server of one page that makes facts of a request as any server does.

mod s05;
mod s07;
mod s08;
mod s09;
mod s10;
mod s11;
mod s12;
mod s13;
mod s14;
mod s15;

use verdict_core::cause::{Absent, Done, Malformed, Unplaceable};
use verdict_core::decide::{
    Arrive, Find, Negotiate, Outcome, Precondition, Process, Range as RangeFacts, Respond, Wanted, respond,
};
use verdict_core::field::accept::Accept;
use verdict_core::field::accept_encoding::AcceptEncoding;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::{Current, EntityTag, if_match, if_none_match};
use verdict_core::field::expect::{Expectation, expectation};
use verdict_core::field::if_range::if_range;
use verdict_core::field::media_type::MediaType;
use verdict_core::field::modified_since::{if_modified_since, if_unmodified_since};
use verdict_core::field::range::{Range, Resolved};
use verdict_core::reason::CATALOGUE;
use verdict_core::{Facts, Method, Reason, Verdict, decide};

/// When the page was last modified, the second before and the second after.
const MODIFIED: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
const AFTER: &str = "Tue, 14 Nov 2023 22:13:21 GMT";

/// A year and a half later.
const NOW: HttpDate = HttpDate::from_unix(1_750_000_000);

type Fields<'a> = &'a [(&'a str, &'a str)];

/// A server of one target. It has a page of text/html at it, or nothing.
#[derive(Clone, Copy)]
struct Origin {
    exists: bool,
    tag: Option<&'static str>,
    modified: Option<&'static str>,
    length: u64,
}

/// A page of 1000 bytes, with both validators.
const PAGE: Origin = Origin { exists: true, tag: Some(r#""v9""#), modified: Some(MODIFIED), length: 1000 };
const WEAK: Origin = Origin { tag: Some(r#"W/"v9""#), ..PAGE };
const UNTAGGED: Origin = Origin { tag: None, ..PAGE };
const UNDATED: Origin = Origin { modified: None, ..PAGE };
const NOTHING: Origin = Origin { exists: false, tag: None, modified: None, length: 0 };

impl Origin {
    fn status(&self, method: &str, fields: Fields<'_>) -> u16 {
        self.decide(method, fields).status().code()
    }

    fn decide(&self, method: &str, fields: Fields<'_>) -> Verdict {
        decide(&self.facts(Method::from_token(method.as_bytes()), fields))
    }

    /// What goes with the answer.
    fn respond(&self, method: &str, fields: Fields<'_>) -> Respond {
        respond(self.decide(method, fields).reason, Method::from_token(method.as_bytes()))
    }

    fn facts(&self, method: Method, fields: Fields<'_>) -> Facts {
        let makes = matches!(method, Method::Put | Method::Post);
        Facts {
            arrive: Arrive {
                fault: (expectation(lines(fields, "Expect")) == Some(Expectation::Unknown))
                    .then_some(Malformed::ExpectationUnknown),
                ..Arrive::default()
            },
            find: Find {
                method_unknown: method == Method::Other,
                method_not_taken: matches!(method, Method::Connect | Method::Trace),
                absent: (!self.exists && !makes && method != Method::Options).then_some(Absent::Nothing),
                ..Find::default()
            },
            negotiate: self.negotiate(method, fields),
            precondition: self.precondition(method, fields),
            process: Process {
                outcome: Outcome::Done(match method {
                    Method::Put if self.exists => Done::Replaced,
                    Method::Put | Method::Post => Done::Created,
                    Method::Patch => Done::Updated,
                    Method::Delete => Done::Deleted,
                    Method::Options => Done::OptionsAnswered,
                    _ => Done::Served,
                }),
                ..Process::default()
            },
            range: self.range(method, fields),
            ..Facts::default()
        }
    }

    fn negotiate(&self, method: Method, fields: Fields<'_>) -> Negotiate {
        let is_page = |value: &[u8]| MediaType::parse(value).is_some_and(|kind| kind.is("text/html"));
        Negotiate {
            content: matches!(method, Method::Put | Method::Post | Method::Patch),
            type_not_taken: one(fields, "Content-Type").is_some_and(|value| !is_page(value)),
            coding_not_taken: one(fields, "Content-Encoding").is_some(),
            not_acceptable: has(fields, "Accept")
                && Accept::new(lines(fields, "Accept")).best(&["text/html"]).is_none()
                || AcceptEncoding::parse(lines(fields, "Accept-Encoding")).best(&[]).is_none(),
            unplaceable: (method == Method::Put && has(fields, "Content-Range")).then_some(Unplaceable::ContentRange),
            ..Negotiate::default()
        }
    }

    fn precondition(&self, method: Method, fields: Fields<'_>) -> Precondition {
        let current = match self.tag() {
            _ if !self.exists => Current::Absent,
            None => Current::Untagged,
            Some(tag) => Current::Tagged(tag),
        };
        let since = |name, holds: fn(&[u8], HttpDate, HttpDate) -> Option<bool>| {
            one(fields, name).zip(self.modified()).and_then(|(value, modified)| holds(value, modified, NOW))
        };
        Precondition {
            method,
            if_match: has(fields, "If-Match").then(|| if_match(lines(fields, "If-Match"), current)),
            if_unmodified_since: since("If-Unmodified-Since", if_unmodified_since),
            if_none_match: has(fields, "If-None-Match").then(|| if_none_match(lines(fields, "If-None-Match"), current)),
            if_modified_since: since("If-Modified-Since", if_modified_since),
            ..Precondition::default()
        }
    }

    fn range(&self, method: Method, fields: Fields<'_>) -> RangeFacts {
        RangeFacts {
            wanted: Wanted::of(method, self.resolve(fields).as_ref()),
            // Repeated, it is no validator, and does not hold.
            if_range: has(fields, "If-Range").then(|| {
                one(fields, "If-Range").is_some_and(|value| if_range(value, self.tag(), self.modified(), NOW))
            }),
        }
    }

    fn resolve(&self, fields: Fields<'_>) -> Option<Resolved> {
        one(fields, "Range").and_then(Range::parse).map(|range| range.resolve(self.length))
    }

    fn tag(&self) -> Option<EntityTag<'static>> {
        self.tag.map(|tag| EntityTag::parse(tag.as_bytes()).expect("a tag"))
    }

    fn modified(&self) -> Option<HttpDate> {
        self.modified.map(date)
    }
}

fn date(text: &str) -> HttpDate {
    HttpDate::parse(text.as_bytes(), NOW).expect("a date")
}

/// The lines of a field.
fn lines<'a>(fields: Fields<'a>, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
    fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_bytes())
}

fn has(fields: Fields<'_>, name: &str) -> bool {
    lines(fields, name).next().is_some()
}

/// The value of a field that is no list; `None` if it is absent or repeated.
fn one<'a>(fields: Fields<'a>, name: &str) -> Option<&'a [u8]> {
    let mut lines = lines(fields, name);
    lines.next().filter(|_| lines.next().is_none())
}

/// A reason of the catalogue.
fn reason(id: &str) -> Reason {
    CATALOGUE.iter().find(|entry| entry.id == id).unwrap_or_else(|| panic!("no reason {id}")).reason
}
