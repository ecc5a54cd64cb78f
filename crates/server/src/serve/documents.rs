//! Where `documents` routes touch the stages: what is at their paths, what a request does there, and what the answer has of it.

use super::{Exchange, Target};
use crate::answer::Fields;
use crate::disk::Wait;
use crate::handler::Handler;
use crate::handler::documents::{Asked, Documents, Looked, Subject, takes};
use crate::refusal::Circumstances;
use crate::representation::{There, preconditions};
use crate::route::Match;
use std::borrow::Cow;
use std::future::pending;
use verdict_core::cause::Done;
use verdict_core::decide::process::Work;
use verdict_core::decide::{Find, Negotiate, Outcome, Permit, Precondition, Process};
use verdict_core::method::Method;
use verdict_core::reason::Reason;
use verdict_wire::Name;

impl<'s> Exchange<'s, '_> {
    fn documents(&self) -> Option<(&'s Documents, &Subject)> {
        let route = self.route.map(|i| &self.site.routes[i])?;
        match (&route.handler, &self.subject) {
            (Handler::Document(documents) | Handler::Collection(documents), Some(subject)) => {
                Some((documents, subject))
            }
            _ => None,
        }
    }

    /// What is at the path of a document, or of the collection where nothing `matched` is its id.
    pub(super) fn look_at_documents(&mut self, documents: &Documents, matched: Option<&Match>, there: &mut Find) {
        let request = self.request;
        let Looked { subject, representation, absent } = match matched {
            Some(matched) => {
                let id = matched.capture(0, &request.path);
                documents.look(id, request.head.method, self.moment.clock.milliseconds())
            }
            None => documents.look_at_collection(request),
        };
        there.absent = absent;
        if let Some(representation) = representation {
            self.target = Target::Representation(representation);
        }
        self.subject = Some(Box::new(subject));
    }

    /// What documents have to say of the content and the answer.
    pub(super) fn negotiation_of_documents(&self, common: Negotiate) -> Negotiate {
        match self.documents() {
            Some((documents, subject)) => documents.negotiation(self.request, subject, common),
            None => common,
        }
    }

    /// The conditions, and the revision that they were evaluated against.
    pub(super) fn conditions_of_documents(&self) -> Option<Precondition> {
        let (documents, subject) = self.documents()?;
        let there = match (&self.target, &subject.id) {
            (Target::Representation(found), _) => There::Representation(found),
            (_, Some(_)) => There::Nothing,
            // A change of the collection is not one of what it shows.
            (_, None) => There::Untagged,
        };
        Some(Precondition {
            demanded: documents.config.if_match_required && subject.id.is_some(),
            version: subject.current.as_ref().map_or(0, |current| current.revision),
            ..preconditions(self.request, there)
        })
    }

    /// Does what the request asks for, where that is to change something.
    pub(super) async fn work(&mut self, permit: &Permit) -> Process {
        let request = self.request;
        let method = request.head.method;
        if self.subject.is_none() || method.reads() || method == Method::Options {
            return Process { work: Work::Read, outcome: self.outcome() };
        }
        if matches!(self.wait, Wait::No) {
            return pending().await;
        }
        let (id, mut content) = (self.moment.random.id(self.moment.clock.milliseconds()), self.content.take());
        let wrote = match (self.documents(), &mut content) {
            (Some((documents, subject)), Some(content)) => {
                let asked = Asked {
                    request,
                    subject,
                    permit,
                    conditional: request.head.has(Name::IfMatch) || request.head.has(Name::IfNoneMatch),
                    user: self.passed.as_ref().and_then(|passed| passed.user()),
                    limits: self.site.limits(self.route),
                    new: id.as_str(),
                    now: self.moment.clock.milliseconds(),
                    dry: self.moment.deadlines.is_none(),
                    deadlines: self.moment.deadlines,
                };
                Some(documents.change(&asked, content).await)
            }
            _ => None,
        };
        self.content = content;
        // Whoever may wait has been given the content.
        let Some(mut wrote) = wrote else { return Process { work: Work::Read, outcome: self.outcome() } };
        let outcome = wrote.outcome;
        if let Outcome::Done(_) = outcome {
            self.target = wrote.representation.take().map_or(Target::Nothing, Target::Representation);
        }
        if let Some(subject) = &mut self.subject {
            subject.wrote = Some(wrote);
        }
        Process { work: Work::Write, outcome }
    }

    /// The fields that an answer has of what was done, or of what could be.
    pub(super) fn fields_of_documents(&self, reason: Reason) -> Fields<'_> {
        let mut fields = Fields::new();
        let Some((_, subject)) = self.documents() else { return fields };
        if let Some(wrote) = &subject.wrote {
            if let Some(location) = &wrote.location {
                fields.push(("Location", Cow::Borrowed(location)));
            }
            if let (Some(tag), Outcome::Done(Done::Created | Done::Replaced)) = (&wrote.tag, wrote.outcome) {
                fields.push(("ETag", Cow::Borrowed(tag)));
            }
            if wrote.minimal {
                fields.push(("Preference-Applied", Cow::Borrowed("return=minimal")));
            }
        }
        let takes = match (reason, &subject.id) {
            (Reason::OptionsAnswered { .. }, None) => takes(Method::Post),
            (Reason::OptionsAnswered { .. }, Some(_)) => takes(Method::Patch),
            (Reason::MediaTypeNotTaken { .. }, _) => takes(self.request.head.method),
            _ => &[],
        };
        let names: &[&str] = match (reason, self.request.head.method, &subject.id) {
            _ if takes.is_empty() => &[],
            (Reason::OptionsAnswered { .. }, _, None) => &["Accept-Post"],
            (Reason::OptionsAnswered { .. }, ..) => &["Accept-Patch"],
            (_, Method::Patch, _) => &["Accept", "Accept-Post", "Accept-Patch"],
            _ => &["Accept", "Accept-Post"],
        };
        fields.extend(names.iter().map(|name| (*name, Cow::Owned(takes.join(", ")))));
        fields
    }

    /// What is the matter with content, or with what is there, as a step of an explanation has it.
    pub(super) fn evidence_of_documents(&self) -> String {
        let unlisted = self.subject.as_ref().and_then(|subject| subject.unlisted.clone());
        let wrote = self.subject.as_ref().and_then(|subject| subject.wrote.as_ref());
        let told = wrote.map(|wrote| wrote.details.evidence());
        unlisted.or(told).unwrap_or_default()
    }

    /// What a refusal tells of the content and the store.
    pub(super) fn add_circumstances_of_documents<'a>(&'a self, circumstances: &mut Circumstances<'a>) {
        if let Some(subject) = &self.subject {
            circumstances.unlisted = subject.unlisted.as_deref();
        }
        let Some(wrote) = self.subject.as_ref().and_then(|subject| subject.wrote.as_ref()) else { return };
        circumstances.details = Some(&wrote.details);
        if let Some(tag) = &wrote.tag {
            circumstances.tag = Some(tag);
        }
    }
}
