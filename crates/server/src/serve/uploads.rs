//! Where routes that take files touch the stages: what is where one would be written, what a request does there, and what the
//! answer has of it.

use super::{Exchange, Subject, Target};
use crate::answer::Fields;
use crate::content::Content;
use crate::handler::Handler;
use crate::handler::files::Files;
use crate::handler::files::upload::{self, Asked, Place};
use crate::handler::wrote::{Details, Wrote};
use crate::representation::{There, preconditions};
use std::rc::Rc;
use verdict_core::decide::{Find, Negotiate, Precondition};
use verdict_core::method::Method;
use verdict_core::reason::Reason;

impl<'s> Exchange<'s, '_> {
    /// The folder of the route, if it takes files.
    fn files(&self) -> Option<&'s Files> {
        match &self.site.routes[self.route?].handler {
            Handler::Files(files) if files.uploads.is_some() => Some(files),
            _ => None,
        }
    }

    /// Looks at what is where a file would be put or deleted.
    pub(super) async fn look_to_write(&mut self, files: &Files, name: &str, there: &mut Find) {
        let place = files.look_to_write(self.request, name, self.wait).await;
        match &place {
            Place::There { .. } => {
                let found = place.representation(name, self.moment.clock.nanoseconds());
                self.target = found.map_or(Target::Nothing, |found| Target::Representation(Rc::new(found)));
            }
            Place::Fixed => there.method_not_taken = true,
            Place::Absent(absent) => there.absent = Some(*absent),
            Place::Free { .. } | Place::Impossible if self.request.head.method == Method::Delete => {
                there.absent = Some(files.why_nothing(name, self.moment.clock.nanoseconds()));
            }
            Place::Free { .. } | Place::Impossible => {}
        }
        let subject = upload::Subject { path: name.to_owned(), place, details: Details::default() };
        self.subject = Some(Subject::File(Box::new(subject)));
    }

    /// Whether what is at the target takes no more than reading, although its route takes more.
    pub(super) fn is_for_reading(&self) -> bool {
        match &self.subject {
            Some(Subject::File(subject)) => matches!(subject.place, Place::Fixed),
            Some(Subject::Document(_) | Subject::Job(_) | Subject::Upstream(_)) => false,
            // What answers a folder's own path is not known to be one without its slash.
            None => {
                self.request.head.method == Method::Options
                    && self.request.path.ends_with('/')
                    && self.files().is_some()
            }
        }
    }

    /// What uploads have to say of the content and its place.
    pub(super) fn negotiation_of_uploads(&mut self, common: Negotiate) -> Negotiate {
        let uploads = self.files().and_then(|files| files.uploads.as_ref());
        let (Some(uploads), Some(Subject::File(subject))) = (uploads, &mut self.subject) else { return common };
        let now = self.moment.clock.milliseconds();
        let (negotiate, details) = uploads.negotiation(self.request, subject, now, common);
        subject.details = details;
        negotiate
    }

    pub(super) fn conditions_of_uploads(&self) -> Precondition {
        let there = match &self.target {
            Target::Representation(found) => There::Representation(found),
            Target::Nothing | Target::Location(_) | Target::Fixed(_) => There::Nothing,
        };
        preconditions(self.request, there)
    }

    /// Does what the request asks for.
    pub(super) async fn work_of_uploads(&self, content: &mut Content<'_>) -> Option<Wrote> {
        let Some(Subject::File(subject)) = &self.subject else { return None };
        let files = self.files()?;
        let id = self.moment.random.id(self.moment.clock.milliseconds());
        let asked = Asked {
            request: self.request,
            subject,
            limits: self.site.limits(self.route),
            id: id.as_str(),
            now: self.moment.clock.milliseconds(),
            dry: self.moment.deadlines.is_none(),
            deadlines: self.moment.deadlines,
        };
        Some(files.change(files.uploads.as_ref()?, &asked, content).await)
    }

    /// The fields that say what could be sent.
    pub(super) fn fields_of_uploads(&self, reason: Reason) -> Fields<'s> {
        let types = self.files().and_then(|files| files.uploads.as_ref()?.types());
        match (reason, types) {
            (Reason::MediaTypeNotTaken { .. }, Some(types))
                if self.gates().is_none_or(|gates| gates.types.is_none()) =>
            {
                types.fields(self.request.head.method)
            }
            _ => Fields::new(),
        }
    }
}
