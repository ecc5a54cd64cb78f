//! Can its content be taken and its answer be understood? All of it is known before a byte of content is read, so that
//! a client that waits for 100 is refused before it sends (RFC 9110 §10.1.1).

use crate::cause::Unplaceable;
use crate::path::{Path, Question};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Continue};

/// The facts of negotiation. The default stands for a request without content whose answer has one form.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Negotiate {
    /// The request has content, or its method wants some here.
    pub content: bool,
    /// The route demands a length, and there is none.
    pub length_missing: bool,
    /// The declared length is over the limit.
    pub too_large: bool,
    /// The media type is not taken.
    pub type_not_taken: bool,
    /// The content is in a coding that is not taken.
    pub coding_not_taken: bool,
    /// The client takes none of the forms that the answer has.
    pub not_acceptable: bool,
    /// The handler's last question before content.
    pub unplaceable: Option<Unplaceable>,
}

/// 411 413 415 406, then the handler's own 400 409 507 503.
#[inline]
pub fn negotiate(path: &mut Path, f: &Negotiate) -> ControlFlow<Reason> {
    if f.content {
        path.require(Question::LengthGiven, !f.length_missing, Reason::LengthMissing)?;
        path.require(Question::ContentFits, !f.too_large, Reason::ContentTooLarge)?;
        path.require(Question::TypeTaken, !f.type_not_taken, Reason::MediaTypeNotTaken)?;
        path.require(Question::CodingTaken, !f.coding_not_taken, Reason::CodingNotTaken)?;
    }
    path.require(Question::AnswerUnderstood, !f.not_acceptable, Reason::NotAcceptable)?;
    path.refuse(Question::ContentHasPlace, f.unplaceable.map(Unplaceable::reason))?;
    Continue(())
}
