//! Is there such a target, for this method?

use crate::cause::{Absent, Elsewhere};
use crate::path::{Path, Question, Questions};
use crate::reason::Reason;
use std::ops::ControlFlow;

/// The facts of the look-up. The default stands for a target that is there and takes the method.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Find {
    /// No kind of route implements the method.
    pub method_unknown: bool,
    /// No route matches.
    pub no_route: bool,
    /// The target does not take the method.
    pub method_not_taken: bool,
    /// The target speaks another protocol, and the request does not ask to change to it.
    pub upgrade_missing: bool,
    /// The target is in another place.
    pub elsewhere: Option<Elsewhere>,
    /// Why the target cannot be served; `None` also where the method makes what is not there.
    pub absent: Option<Absent>,
}

/// The questions that a look-up answers.
const LOOK_UP: Questions =
    Questions::of(&[Question::LookUpWorked, Question::Exists, Question::Kept, Question::Readable]);

/// 501 404 405 426, redirects, 500 503 404 410 403.
#[inline]
pub fn find(path: &mut Path, f: &Find) -> ControlFlow<Reason> {
    // RFC 9110 §9.1: 501 for a method that nobody here knows, 405 for one that this target does not take. That comes
    // first because it holds for every target, so that it tells nothing about which there are.
    path.require(Question::MethodKnown, !f.method_unknown, Reason::MethodUnknown)?;
    path.require(Question::RouteFound, !f.no_route, Reason::NoRoute)?;
    path.require(Question::MethodTaken, !f.method_not_taken, Reason::MethodNotTaken)?;
    path.require(Question::UpgradeAsked, !f.upgrade_missing, Reason::UpgradeMissing)?;
    path.refuse(Question::StaysHere, f.elsewhere.map(Elsewhere::reason))?;
    path.settle(LOOK_UP, f.absent.map_or(Ok(()), |cause| Err((cause.question(), cause.reason()))))
}
