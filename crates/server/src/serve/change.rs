//! Where the routes that own something touch the stages: what each kind of them says is in a file of its own.

use super::{Exchange, Target};
use crate::answer::Fields;
use crate::disk::Wait;
use crate::handler::files::upload;
use crate::handler::proxy::Proxy;
use crate::handler::{documents, jobs};
use crate::refusal::Circumstances;
use std::borrow::Cow;
use std::future::pending;
use std::rc::Rc;
use verdict_core::cause::Done;
use verdict_core::decide::process::Work;
use verdict_core::decide::{Negotiate, Outcome, Permit, Precondition, Process};
use verdict_core::method::Method;
use verdict_core::reason::Reason;

/// What a request is about where something can be changed.
pub(super) enum Subject {
    /// A document, or the collection.
    Document(Box<documents::Subject>),
    /// A file that is to be put or deleted.
    File(Box<upload::Subject>),
    /// A job, or the queue.
    Job(Box<jobs::Subject>),
    /// Whatever an upstream makes of it.
    Upstream(Rc<Proxy>),
}

impl Exchange<'_, '_> {
    /// What the route has to say of the content and the answer.
    pub(super) fn negotiation_of_change(&mut self, common: Negotiate) -> Negotiate {
        match &self.subject {
            Some(Subject::Document(_)) => self.negotiation_of_documents(common),
            Some(Subject::File(_)) => self.negotiation_of_uploads(common),
            Some(Subject::Job(_)) => self.negotiation_of_jobs(common),
            Some(Subject::Upstream(_)) | None => common,
        }
    }

    /// The conditions, and the revision that they were evaluated against.
    pub(super) fn conditions_of_change(&self) -> Option<Precondition> {
        match &self.subject {
            Some(Subject::Document(_)) => self.conditions_of_documents(),
            Some(Subject::File(_)) => Some(self.conditions_of_uploads()),
            Some(Subject::Job(_)) => Some(self.conditions_of_jobs()),
            // RFC 9110 §13.2.1: they are the upstream's to judge.
            Some(Subject::Upstream(_)) => {
                Some(Precondition { method: self.request.head.method, exempt: true, ..Precondition::default() })
            }
            None => None,
        }
    }

    /// Does what the request asks for, where that is to change something.
    pub(super) async fn work(&mut self, permit: &Permit) -> Process {
        let method = self.request.head.method;
        if let (Some(Subject::Job(_)), Method::Get | Method::Head) = (&self.subject, method)
            && let Some(read) = self.reading_of_jobs()
        {
            return read;
        }
        if self.subject.is_none() || method.reads() || method == Method::Options {
            return Process { work: Work::Read, outcome: self.outcome() };
        }
        if matches!(self.wait, Wait::No) {
            return pending().await;
        }
        let mut content = self.content.take();
        let wrote = match (&self.subject, &mut content) {
            (Some(Subject::Document(_)), Some(content)) => self.work_of_documents(permit, content).await,
            (Some(Subject::File(_)), Some(content)) => self.work_of_uploads(content).await,
            (Some(Subject::Job(_)), Some(content)) => self.work_of_jobs(content).await,
            _ => None,
        };
        self.content = content;
        // Whoever may wait has been given the content.
        let Some(mut wrote) = wrote else { return Process { work: Work::Read, outcome: self.outcome() } };
        let outcome = wrote.outcome;
        if let Outcome::Done(done) = outcome {
            self.target = match (done, wrote.representation.take()) {
                (Done::FormTaken, _) => wrote.location.take().map_or(Target::Nothing, Target::Location),
                (_, Some(representation)) => Target::Representation(representation),
                (_, None) => Target::Nothing,
            };
        }
        if let Outcome::Answered(_) = outcome {
            self.target = wrote.representation.take().map_or(Target::Nothing, Target::Representation);
        }
        self.wrote = Some(Box::new(wrote));
        // Only what is handed on can fail there.
        let work = if let Outcome::Upstream(_) = outcome { Work::Forward } else { Work::Write };
        Process { work, outcome }
    }

    /// The fields that an answer has of what was done, or of what could be.
    pub(super) fn fields_of_change(&self, reason: Reason) -> Fields<'_> {
        let mut fields = Fields::new();
        if let Some(wrote) = &self.wrote {
            if let Some(location) = &wrote.location {
                fields.push(("Location", Cow::Borrowed(location)));
            }
            if let (Some(tag), Outcome::Done(Done::Created | Done::Replaced)) = (&wrote.tag, wrote.outcome) {
                fields.push(("ETag", Cow::Borrowed(tag)));
            }
            fields.extend(wrote.fields.iter().map(|(name, value)| (*name, Cow::Borrowed(value.as_str()))));
            if wrote.minimal {
                fields.push(("Preference-Applied", Cow::Borrowed("return=minimal")));
            }
        }
        match &self.subject {
            Some(Subject::Document(_)) => fields.extend(self.fields_of_documents(reason)),
            Some(Subject::File(_)) => fields.extend(self.fields_of_uploads(reason)),
            Some(Subject::Job(_)) => fields.extend(self.fields_of_jobs(reason)),
            Some(Subject::Upstream(_)) => fields.extend(self.fields_of_upstreams(reason)),
            None => {}
        }
        fields
    }

    /// What is the matter with content, or with what is there, as a step of an explanation has it.
    pub(super) fn evidence_of_change(&self) -> String {
        let unlisted = match &self.subject {
            Some(Subject::Document(subject)) => subject.unlisted.clone(),
            Some(Subject::File(subject)) => Some(subject.details.evidence()).filter(|evidence| !evidence.is_empty()),
            Some(Subject::Job(subject)) => Some(subject.details.evidence()).filter(|evidence| !evidence.is_empty()),
            Some(Subject::Upstream(_)) | None => None,
        };
        unlisted.or(self.wrote.as_ref().map(|wrote| wrote.details.evidence())).unwrap_or_default()
    }

    /// What a refusal tells of the content and of what is there.
    pub(super) fn add_circumstances_of_change<'a>(&'a self, circumstances: &mut Circumstances<'a>) {
        match &self.subject {
            Some(Subject::Document(subject)) => circumstances.unlisted = subject.unlisted.as_deref(),
            Some(Subject::File(subject)) => circumstances.details = Some(&subject.details),
            Some(Subject::Job(subject)) => circumstances.details = Some(&subject.details),
            Some(Subject::Upstream(_)) | None => {}
        }
        let Some(wrote) = &self.wrote else { return };
        circumstances.details = Some(&wrote.details);
        if let Some(tag) = &wrote.tag {
            circumstances.tag = Some(tag);
        }
    }
}
