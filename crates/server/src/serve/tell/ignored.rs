//! Why a condition or a range that was sent counts for nothing: RFC 9110 has it ignored in more cases than one.
//!
//! Rule: nothing is decided here. A question that was asked is told with its answer; this is about fields whose question was
//! not asked although the decision came past it, and about ranges that were asked for in vain.

use super::super::{Exchange, Target};
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::TagList;
use verdict_core::field::list::elements;
use verdict_core::field::range::{MAX_PARTS, MAX_SPECS, Range, Resolved};
use verdict_core::method::Method;
use verdict_core::path::{Path, Question, Stage};
use verdict_core::status::Class;
use verdict_wire::Name;

/// The questions of preconditions, each with its field.
pub(super) const CONDITIONS: [(Question, Name); 4] = [
    (Question::IfMatch, Name::IfMatch),
    (Question::IfUnmodifiedSince, Name::IfUnmodifiedSince),
    (Question::IfNoneMatch, Name::IfNoneMatch),
    (Question::IfModifiedSince, Name::IfModifiedSince),
];

impl Exchange<'_, '_> {
    /// The fields that are ignored, each with the question that would have been asked and why it was not.
    pub(super) fn ignored(&self, path: Path) -> Vec<(Question, Name, String)> {
        let came_to = path.last().map_or(Stage::Arrive, Question::stage);
        if came_to < Stage::Precondition {
            return Vec::new();
        }
        let head = self.request.head;
        let unasked = |question| path.answer(question).is_none();
        let mut ignored = Vec::new();
        for (question, name) in CONDITIONS {
            if head.has(name) && unasked(question) {
                ignored.extend(self.why_no_condition(name).map(|why| (question, name, why)));
            }
        }
        // Only what was done has a part that could be sent.
        if path.answer(Question::Worked) == Some(true) {
            if head.has(Name::Range) && unasked(Question::WholeWanted) {
                ignored.extend(self.why_no_range().map(|why| (Question::WholeWanted, Name::Range, why)));
            }
            if head.has(Name::IfRange) && unasked(Question::RangeHolds) {
                let why = match head.has(Name::Range) {
                    true => "`Range` is ignored anyway (RFC 9110 §13.1.5)",
                    false => "there is no `Range` (RFC 9110 §13.1.5)",
                };
                ignored.push((Question::RangeHolds, Name::IfRange, why.to_owned()));
            }
        }
        ignored
    }

    /// `None` where the decision fell before it would have been asked.
    fn why_no_condition(&self, name: Name) -> Option<String> {
        let request = self.request;
        let method = request.head.method;
        if !method.is_conditional() {
            return Some(format!("{} takes no conditions (RFC 9110 §13.2.1)", method.name()));
        }
        if let Target::Fixed(fixed) = &self.target
            && fixed.status.class() != Class::Successful
        {
            return Some(format!("without it the answer is {} all the same (RFC 9110 §13.2.1)", fixed.status));
        }
        let (first, section) = match name {
            Name::IfUnmodifiedSince => (Name::IfMatch, "RFC 9110 §13.1.4"),
            Name::IfModifiedSince => (Name::IfNoneMatch, "RFC 9110 §13.1.3"),
            _ => return None,
        };
        if request.head.has(first) {
            return Some(format!("`{}` counts instead ({section})", super::spelling(first)));
        }
        if name == Name::IfModifiedSince && !method.reads() {
            return Some(format!("it is for GET and HEAD ({section})"));
        }
        let Some(value) = request.value(name) else {
            return Some(format!("it is given more than once ({section})"));
        };
        if HttpDate::parse(value, request.now).is_none() {
            return Some(format!("it is not an HTTP-date ({section}, §5.6.7)"));
        }
        let dated = matches!(&self.target, Target::Representation(found) if found.description.last_modified.is_some());
        (!dated).then(|| format!("the target has no modification date ({section})"))
    }

    /// Why `Range` does not count; `None` where it does.
    pub(super) fn why_no_range(&self) -> Option<String> {
        let request = self.request;
        if request.head.method != Method::Get {
            return Some("it is for GET alone (RFC 9110 §14.2)".to_owned());
        }
        let found = match &self.target {
            Target::Representation(found) if found.description.ranges => found,
            _ => return Some("this answer is served whole or not at all (RFC 9110 §14.2)".to_owned()),
        };
        let Some(value) = request.value(Name::Range) else {
            return Some("it is given more than once (RFC 9110 §14.2)".to_owned());
        };
        match Range::parse(value) {
            None => Some(why_no_set(value)),
            Some(range) => match range.resolve(found.content.size()) {
                Resolved::Ignored if found.content.size() == 0 => {
                    Some("there is no byte to send a part of (RFC 9110 §14.2)".to_owned())
                }
                Resolved::Ignored => Some(format!("it asks for more than {MAX_PARTS} parts (RFC 9110 §14.2)")),
                Resolved::Unsatisfiable | Resolved::One(_) | Resolved::Many(_) => None,
            },
        }
    }

    /// What is to be said of a list of tags that is none: it is asked, and nothing matches it.
    pub(super) fn malformed_tags(&self, name: Name) -> Option<&'static str> {
        if TagList::new(self.request.lines(name)).is_well_formed() {
            return None;
        }
        match name {
            Name::IfMatch => Some(", which is no list of quoted tags, so that it matches nothing (RFC 9110 §13.1.1)"),
            Name::IfNoneMatch => {
                Some(", which is no list of quoted tags, so that it matches nothing (RFC 9110 §13.1.2)")
            }
            _ => None,
        }
    }
}

/// Why a value of `Range` is no range set that is read.
fn why_no_set(value: &[u8]) -> String {
    let Some(equals) = value.iter().position(|byte| *byte == b'=') else {
        return "it has no unit, as in `bytes=0-99` (RFC 9110 §14.1.1)".to_owned();
    };
    let (unit, set) = (&value[..equals], &value[equals + 1..]);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return "its unit is not `bytes`, and no other is known (RFC 9110 §14.2)".to_owned();
    }
    match elements(Some(set)).count() > MAX_SPECS {
        true => format!("it has more than {MAX_SPECS} ranges (RFC 9110 §14.2)"),
        false => "it is not a list of ranges such as `0-99`, `100-` or `-100` (RFC 9110 §14.1.1)".to_owned(),
    }
}
