//! Where `jobs` routes touch the stages: how it is with a job, what a request does to the queue, and what the answer has of it.

use super::{Exchange, Subject, Target};
use crate::answer::Fields;
use crate::config::Part;
use crate::content::Content;
use crate::disk::Wait;
use crate::handler::Handler;
use crate::handler::jobs::{self, Asked, Jobs, Looked, Shown, result_of};
use crate::handler::wrote::Wrote;
use crate::representation::{There, preconditions};
use crate::route::Match;
use std::borrow::Cow;
use std::future::pending;
use verdict_core::decide::process::Work;
use verdict_core::decide::{Find, Negotiate, Outcome, Precondition, Process, respond};
use verdict_core::reason::Reason;
use verdict_core::status::Required;

impl<'s> Exchange<'s, '_> {
    fn jobs(&self) -> Option<(&'s Jobs, &jobs::Subject)> {
        match (&self.site.routes[self.route?].handler, &self.subject) {
            (Handler::Jobs(jobs, _), Some(Subject::Job(subject))) => Some((jobs, subject)),
            _ => None,
        }
    }

    /// What is at the path of a queue, or of a job, once it has ended if that is waited for.
    pub(super) async fn look_at_jobs(&mut self, jobs: &Jobs, part: Part, matched: &Match, there: &mut Find) {
        let request = self.request;
        let id = match part {
            Part::Queue => None,
            Part::Monitor | Part::Result => Some(matched.capture(0, &request.path)),
        };
        let job = match id {
            None => Ok(None),
            Some(id) => {
                let patience = jobs.patience(request, part);
                if !patience.is_zero() && matches!(self.wait, Wait::No) {
                    return pending().await;
                }
                let user = self.passed.as_ref().and_then(|passed| passed.user());
                jobs.job(id, user, patience, &self.moment).await
            }
        };
        let Looked { subject, shown, absent } = jobs.look(part, id, job, self.moment.clock.milliseconds());
        there.absent = absent;
        self.target = match shown {
            Shown::Nothing => Target::Nothing,
            Shown::Representation(representation) => Target::Representation(representation),
            Shown::Result => Target::Location(result_of(request.raw_path)),
        };
        self.subject = Some(Subject::Job(Box::new(subject)));
    }

    /// What jobs have to say of the content.
    pub(super) fn negotiation_of_jobs(&self, common: Negotiate) -> Negotiate {
        match self.jobs() {
            Some((jobs, subject)) => {
                let user = self.passed.as_ref().and_then(|passed| passed.user());
                jobs.negotiation(self.request, user, subject.part, common, self.moment.clock.milliseconds())
            }
            None => common,
        }
    }

    pub(super) fn conditions_of_jobs(&self) -> Precondition {
        preconditions(self.request, There::Untagged)
    }

    /// What reading a monitor or a result gives.
    pub(super) fn reading_of_jobs(&self) -> Option<Process> {
        let (_, subject) = self.jobs()?;
        let work = if let Outcome::Upstream(_) = subject.outcome { Work::Forward } else { Work::Read };
        Some(Process { work, outcome: subject.outcome })
    }

    /// Does what the request asks for.
    pub(super) async fn work_of_jobs(&self, content: &mut Content<'_>) -> Option<Wrote> {
        let (jobs, subject) = self.jobs()?;
        let asked = Asked {
            request: self.request,
            subject,
            user: self.passed.as_ref().and_then(|passed| passed.user()),
            limits: self.site.limits(self.route),
            moment: self.moment,
        };
        Some(jobs.change(&asked, content).await)
    }

    /// The fields of an answer that tells how it is with a job.
    pub(super) fn fields_of_jobs(&self, reason: Reason) -> Fields<'_> {
        let Some((_, subject)) = self.jobs() else { return Fields::new() };
        let failed = || respond(reason, self.request.head.method).required.contains(&Required::ProxyStatus);
        match reason {
            Reason::JobReported { .. } => {}
            _ if failed() => {}
            _ => return Fields::new(),
        }
        subject.fields.iter().map(|(name, value)| (*name, Cow::Borrowed(value.as_str()))).collect()
    }
}
