//! Do it, and what came of it. The work is done by a handler; what its outcome is called is decided here.

use super::Permit;
use crate::cause::{Conflict, Done, Failure, Malformed, Rejected, Unarrived, Upstream};
use crate::path::{Path, Question, Questions};
use crate::reason::Reason;
use crate::status::Status;
use std::ops::ControlFlow;

/// What a handler reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is done.
    Done(Done),
    /// The route is one that answers everything with this status.
    Configured(Status),
    /// The upstream answered with this status.
    Answered(Status),
    /// The content did not arrive whole.
    Unarrived(Unarrived),
    /// The content's framing is broken.
    Malformed(Malformed),
    /// The content is not what it must be.
    Rejected(Rejected),
    /// The target's state disagrees.
    Conflict(Conflict),
    /// The upstream failed.
    Upstream(Upstream),
    /// The work failed.
    Failure(Failure),
}

/// Which work there is to do, and so which questions apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Nothing is read from the client and nothing is changed.
    Read,
    /// Content is read and the target changed.
    Write,
    /// The request is handed on to an upstream.
    Forward,
}

/// The facts of the work. The default stands for a representation that was served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// What there is to do.
    pub work: Work,
    /// What came of it.
    pub outcome: Outcome,
}

impl Default for Process {
    fn default() -> Self {
        Process { work: Work::Read, outcome: Outcome::Done(Done::Served) }
    }
}

impl Work {
    /// The questions that apply, in order.
    pub const fn questions(self) -> Questions {
        use Question::*;
        const READ: Questions = Questions::of(&[Worked]);
        const WRITE: Questions =
            Questions::of(&[ContentArrived, ContentSound, ContentValid, StateAgrees, RoomLeft, Worked]);
        const FORWARD: Questions = Questions::of(&[ContentArrived, ContentSound, UpstreamAnswered, Worked]);
        match self {
            Work::Read => READ,
            Work::Write => WRITE,
            Work::Forward => FORWARD,
        }
    }
}

impl Outcome {
    /// The question that the outcome answers with no, and the reason; or the reason of what was done.
    const fn told(self) -> Result<Reason, (Question, Reason)> {
        Err(match self {
            Outcome::Done(done) => return Ok(done.reason()),
            Outcome::Configured(status) => return Ok(Reason::ConfiguredAnswer(status)),
            Outcome::Answered(status) => return Ok(Reason::UpstreamAnswered(status)),
            Outcome::Unarrived(cause) => (cause.question(), cause.reason()),
            Outcome::Malformed(cause) => (Question::ContentSound, cause.reason()),
            Outcome::Rejected(cause) => (cause.question(), cause.reason()),
            Outcome::Conflict(cause) => (cause.question(), cause.reason()),
            Outcome::Upstream(cause) => (cause.question(), cause.reason()),
            Outcome::Failure(cause) => (cause.question(), cause.reason()),
        })
    }
}

/// 408 413 400 422 409 412 500 502 503 504 507 508, and 200 201 202 204 303 or what was configured or passed on.
#[inline]
pub fn process(path: &mut Path, f: &Process, _: Permit) -> ControlFlow<Reason, Reason> {
    path.settle(f.work.questions(), f.outcome.told())
}
