//! The whole or a part? RFC 9110 §14.2: a range is asked for with GET alone, and only of what would be a 200.

use crate::field::range::Resolved;
use crate::method::Method;
use crate::path::{Path, Question};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Break, Continue};

/// What the `Range` field asks for, held against the length of the representation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Wanted {
    /// No `Range`, one that cannot be parsed, of another unit, of too many parts, or with another method than GET.
    #[default]
    Whole,
    /// One part.
    Part,
    /// Several parts.
    Parts,
    /// Nothing that the representation has.
    Beyond,
}

impl Wanted {
    /// What a request with this method wants, its `Range` held against the representation; `None` without that field, or
    /// where it cannot be parsed.
    pub fn of(method: Method, resolved: Option<&Resolved>) -> Wanted {
        // §14.2: "GET is the only method for which range handling is defined."
        if method != Method::Get {
            return Wanted::Whole;
        }
        match resolved {
            None | Some(Resolved::Ignored) => Wanted::Whole,
            Some(Resolved::One(_)) => Wanted::Part,
            Some(Resolved::Many(_)) => Wanted::Parts,
            Some(Resolved::Unsatisfiable) => Wanted::Beyond,
        }
    }
}

/// The facts of the range. The default stands for a request for the whole.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Range {
    /// What is wanted.
    pub wanted: Wanted,
    /// Whether `If-Range` holds; `None` without that field.
    pub if_range: Option<bool>,
}

/// 206 416; otherwise what `process` says.
#[inline]
pub fn range(path: &mut Path, f: &Range, done: Reason) -> ControlFlow<Reason, Reason> {
    if !matches!(done, Reason::Served | Reason::FallbackServed) {
        return Continue(done);
    }
    if path.note(Question::WholeWanted, f.wanted == Wanted::Whole) {
        return Continue(done);
    }
    // §13.1.5: if the validator is stale, the range is ignored, whether or not it could be satisfied.
    if f.if_range.is_some_and(|holds| !path.note(Question::RangeHolds, holds)) {
        return Continue(done);
    }
    path.require(Question::RangeWithin, f.wanted != Wanted::Beyond, Reason::RangeBeyondEnd)?;
    if f.wanted == Wanted::Part { Break(Reason::PartServed) } else { Break(Reason::PartsServed) }
}
