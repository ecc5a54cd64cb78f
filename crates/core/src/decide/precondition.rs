//! Does it still hold? RFC 9110 §13.2.2, step by step.
//!
//! A condition is `None` where its field is absent, cannot be read, or has nothing to be compared with; otherwise it is
//! what `field` found: whether it holds for the current representation.

use super::Admitted;
use crate::method::Method;
use crate::path::{Path, Question};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Continue};

/// The facts of the preconditions. The default stands for a GET without conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Precondition {
    /// The method.
    pub method: Method,
    /// The answer without conditions would be neither a 2xx nor 412, or this server is not the origin: they are not for
    /// us to evaluate (RFC 9110 §13.2.1).
    pub exempt: bool,
    /// The route changes nothing without a condition.
    pub demanded: bool,
    /// Whether `If-Match` holds.
    pub if_match: Option<bool>,
    /// Whether `If-Unmodified-Since` holds.
    pub if_unmodified_since: Option<bool>,
    /// Whether `If-None-Match` holds.
    pub if_none_match: Option<bool>,
    /// Whether `If-Modified-Since` holds.
    pub if_modified_since: Option<bool>,
    /// The version that the conditions were evaluated against, in the store's own count; 0 where there is none.
    pub version: u64,
}

impl Default for Precondition {
    fn default() -> Self {
        Precondition {
            method: Method::Get,
            exempt: false,
            demanded: false,
            if_match: None,
            if_unmodified_since: None,
            if_none_match: None,
            if_modified_since: None,
            version: 0,
        }
    }
}

/// The proof that a request may act, on the version that it was granted for; only this file makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permit {
    version: u64,
}

impl Permit {
    /// The version that the conditions held for: what a store compares before it sets.
    pub const fn version(&self) -> u64 {
        self.version
    }
}

/// 428 412, and 304.
#[inline]
pub fn precondition(path: &mut Path, f: &Precondition, _: Admitted) -> ControlFlow<Reason, Permit> {
    let permit = Continue(Permit { version: f.version });
    // §13.2.1: ignored for CONNECT, OPTIONS and TRACE, and where they could not turn the answer into 412 or 304.
    if f.exempt || !f.method.is_conditional() {
        return permit;
    }
    // RFC 6585 §3: against lost updates, so not of what only reads. `If-None-Match: *` is the condition of a creation.
    if f.demanded && !f.method.reads() {
        let given = f.if_match.is_some() || f.if_unmodified_since.is_some() || f.if_none_match.is_some();
        path.require(Question::ConditionGiven, given, Reason::ConditionMissing)?;
    }
    if let Some(holds) = f.if_match {
        path.require(Question::IfMatch, holds, Reason::IfMatchFailed)?; // step 1
    } else if let Some(holds) = f.if_unmodified_since {
        path.require(Question::IfUnmodifiedSince, holds, Reason::IfUnmodifiedSinceFailed)?; // step 2
    }
    match (f.if_none_match, f.if_modified_since) {
        (Some(holds), _) => {
            let otherwise = if f.method.reads() { Reason::TagUnchanged } else { Reason::IfNoneMatchFailed };
            path.require(Question::IfNoneMatch, holds, otherwise)?; // step 3
        }
        (None, Some(holds)) if f.method.reads() => {
            path.require(Question::IfModifiedSince, holds, Reason::DateUnchanged)?; // step 4
        }
        _ => {}
    }
    permit
}
