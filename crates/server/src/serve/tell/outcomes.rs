//! What can come of work that a dry run does not do, or takes back.
//!
//! Rule: nothing is listed here. What a route can make of a method is said beside its handler (`possible.rs`), and what of that
//! cannot come of this request, since it is known already, is left out.

use super::super::Exchange;
use crate::config::Part;
use crate::handler::Handler;
use crate::serve::change::Subject;
use verdict_core::cause::{Conflict, Done, Rejected, Unarrived};
use verdict_core::decide::{Outcome, Process};
use verdict_core::method::Method;
use verdict_core::path::{Question, Stage};
use verdict_core::possible::Alternatives;
use verdict_core::reason::Reason;
use verdict_wire::{Framing, Name};

impl Exchange<'_, '_> {
    /// What can come of the work, in the order of the catalogue: none where there is none to be done, and where what is known
    /// without doing it refuses it already.
    pub(super) fn outcomes(&self) -> Vec<Reason> {
        let method = self.request.head.method;
        if let Some(Subject::Upstream(_)) = self.subject {
            // Nobody is asked by who only wants to know.
            let Some(_) = self.onward else { return Vec::new() };
            let content = self.request.head.framing != Framing::None;
            let mut process = self.site.alternatives(self.route, method).process;
            process
                .retain(|process| content || !matches!(process.outcome, Outcome::Unarrived(_) | Outcome::Malformed(_)));
            return Alternatives { process, ..Alternatives::default() }.reasons().into_iter().collect();
        }
        let goes_on = self.wrote.as_ref().is_some_and(|wrote| {
            // What is wanted may be as it is to be without anything done, and may have been answered before.
            matches!(wrote.outcome, Outcome::Done(_) | Outcome::Answered(_))
        });
        if !goes_on {
            return Vec::new();
        }
        let possible = self.site.alternatives(self.route, method).process;
        let process: Vec<Process> = possible.into_iter().filter(|process| self.may_come(process.outcome)).collect();
        Alternatives { process, ..Alternatives::default() }.reasons().into_iter().collect()
    }

    /// Whether the work was done, in a transaction that was taken back.
    pub(super) fn is_tried(&self) -> bool {
        self.wrote.is_some() && matches!(self.subject, Some(Subject::Document(_)))
    }

    /// Whether that can still come of a request whose content has been looked at, in the state that there is.
    fn may_come(&self, outcome: Outcome) -> bool {
        let head = self.request.head;
        let patches = head.method == Method::Patch;
        match outcome {
            // It is framed as it is, and no larger than it is; but of a client that sends it, it may not come whole.
            Outcome::Malformed(_) | Outcome::Unarrived(Unarrived::TooLarge | Unarrived::LengthWrong) => false,
            Outcome::Unarrived(Unarrived::Stalled | Unarrived::TooSlow | Unarrived::CutShort) => true,
            Outcome::Conflict(Conflict::KeyInFlight) | Outcome::Rejected(Rejected::KeyReused) => {
                head.has(Name::IdempotencyKey)
            }
            // What a patch makes depends on what is there by then.
            Outcome::Rejected(Rejected::Schema | Rejected::Patch) => patches,
            Outcome::Rejected(_) => false,
            Outcome::Conflict(Conflict::MatchedTooLate) => {
                head.has(Name::IfMatch) || head.has(Name::IfNoneMatch) || head.has(Name::IfUnmodifiedSince)
            }
            // Whoever does not wait for a job does not learn what came of it.
            Outcome::Done(Done::JobFinishedInTime) | Outcome::Answered(_) | Outcome::Upstream(_) => {
                self.waits_for_a_job()
            }
            // Pages are led on, and nobody else.
            Outcome::Done(done @ (Done::Created | Done::FormTaken)) if head.method == Method::Post => {
                self.wrote.as_ref().is_some_and(|wrote| wrote.outcome == Outcome::Done(done))
            }
            Outcome::Done(_) | Outcome::Conflict(_) | Outcome::Configured(_) | Outcome::Failure(_) => true,
        }
    }

    fn waits_for_a_job(&self) -> bool {
        match self.route.map(|route| &self.site.routes[route].handler) {
            Some(Handler::Jobs(jobs, Part::Queue)) => jobs.is_waited_for(self.request),
            _ => false,
        }
    }
}

/// Whether the answer to a question stands, where what comes of the work is open: what content says by itself does.
pub(super) fn stands(question: Question) -> bool {
    question.stage() < Stage::Process || matches!(question, Question::ContentSound | Question::ContentValid)
}
