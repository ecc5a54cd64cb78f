//! Where `documents` routes touch the stages: what is at their paths, what a request does there, and what the answer has of it.

use super::{Exchange, Subject, Target};
use crate::answer::Fields;
use crate::content::Content;
use crate::handler::Handler;
use crate::handler::documents::{self, Asked, Documents, Looked, takes};
use crate::handler::wrote::Wrote;
use crate::representation::{There, preconditions};
use crate::route::Match;
use std::borrow::Cow;
use verdict_core::decide::{Find, Negotiate, Permit, Precondition};
use verdict_core::method::Method;
use verdict_core::reason::Reason;
use verdict_wire::Name;

impl<'s> Exchange<'s, '_> {
    fn documents(&self) -> Option<(&'s Documents, &documents::Subject)> {
        let route = self.route.map(|i| &self.site.routes[i])?;
        match (&route.handler, &self.subject) {
            (Handler::Document(documents) | Handler::Collection(documents), Some(Subject::Document(subject))) => {
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
        self.subject = Some(Subject::Document(Box::new(subject)));
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

    /// Does what the request asks for.
    pub(super) async fn work_of_documents(&self, permit: &Permit, content: &mut Content<'_>) -> Option<Wrote> {
        let request = self.request;
        let (documents, subject) = self.documents()?;
        let new = self.moment.random.id(self.moment.clock.milliseconds());
        let asked = Asked {
            request,
            subject,
            permit,
            conditional: request.head.has(Name::IfMatch) || request.head.has(Name::IfNoneMatch),
            user: self.passed.as_ref().and_then(|passed| passed.user()),
            limits: self.site.limits(self.route),
            new: new.as_str(),
            now: self.moment.clock.milliseconds(),
            dry: self.moment.deadlines.is_none(),
            deadlines: self.moment.deadlines,
        };
        Some(documents.change(&asked, content).await)
    }

    /// The fields that say what could be sent.
    pub(super) fn fields_of_documents(&self, reason: Reason) -> Fields<'_> {
        let mut fields = Fields::new();
        let Some((_, subject)) = self.documents() else { return fields };
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
}
