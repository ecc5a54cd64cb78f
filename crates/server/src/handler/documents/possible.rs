//! What can come of a request to documents: the alternatives of the facts that the other files look up one by one.

use super::{Documents, takes};
use verdict_core::cause::{Absent, Conflict, Done, Failure, Malformed, Rejected, Unarrived, Unplaceable};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Find, Negotiate, Outcome, Precondition, Process};
use verdict_core::method::Method;

impl Documents {
    /// What a look-up can find; `collection`: at the path of the collection.
    pub(crate) fn may_find(&self, collection: bool, method: Method, there: Find) -> Vec<Find> {
        let absent: &[Absent] = match (collection, method) {
            (true, method) if method.reads() => &[Absent::Failed],
            (true, _) => &[],
            // An id may be longer than any.
            (false, Method::Put) => &[Absent::Failed, Absent::EncodedSlash, Absent::Nothing],
            (false, _) => &[Absent::Failed, Absent::EncodedSlash, Absent::Nothing, Absent::DocumentDeleted],
        };
        let absent = absent.iter().map(|absent| Find { absent: Some(*absent), ..there });
        absent.chain([there]).collect()
    }

    /// What else there may be to the content and the answer.
    pub(crate) fn may_negotiate(&self, collection: bool, method: Method) -> Vec<Negotiate> {
        let content = Negotiate { content: true, ..Negotiate::default() };
        let mut alternatives = Vec::new();
        if !takes(method).is_empty() {
            alternatives.extend([
                content,
                Negotiate { type_not_taken: true, ..content },
                Negotiate { coding_not_taken: true, ..content },
            ]);
            if method == Method::Post {
                alternatives.push(Negotiate { unplaceable: Some(Unplaceable::Key), ..content });
            }
            if self.config.quota.is_some() {
                alternatives.push(Negotiate { unplaceable: Some(Unplaceable::Quota), ..content });
            }
        } else if method != Method::Options && method.reads() {
            alternatives.push(Negotiate { not_acceptable: true, ..Negotiate::default() });
            if collection {
                alternatives.push(Negotiate { unplaceable: Some(Unplaceable::Filter), ..Negotiate::default() });
            }
        }
        alternatives
    }

    /// The same conditions, and that there has to be one, where there has.
    pub(crate) fn may_demand(&self, collection: bool, conditions: Vec<Precondition>) -> Vec<Precondition> {
        let demanded = self.config.if_match_required && !collection;
        conditions.into_iter().map(|conditions| Precondition { demanded, ..conditions }).collect()
    }

    /// What can come of the work.
    pub(crate) fn may_do(&self, method: Method) -> Vec<Process> {
        let read = |done| vec![Process { work: Work::Read, outcome: Outcome::Done(done) }];
        let mut outcomes: Vec<Outcome> = match method {
            Method::Options => return read(Done::OptionsAnswered),
            Method::Get | Method::Head => return read(Done::Served),
            Method::Delete => vec![Outcome::Done(Done::Deleted)],
            Method::Post => [Done::Created, Done::FormTaken].map(Outcome::Done).into(),
            Method::Put => [Done::Created, Done::Replaced, Done::Updated].map(Outcome::Done).into(),
            Method::Patch => [Done::Replaced, Done::Updated].map(Outcome::Done).into(),
            _ => return Vec::new(),
        };
        let may_refuse = |rejected: &Rejected| match rejected {
            Rejected::Json | Rejected::JsonKeyRepeated | Rejected::JsonTooDeep | Rejected::JsonInteger => true,
            Rejected::Schema => self.config.schema.is_some(),
            Rejected::Patch => method == Method::Patch || self.config.version.is_some(),
            Rejected::KeyReused | Rejected::Form => method == Method::Post,
        };
        let may_disagree = |conflict: &Conflict| match conflict {
            Conflict::Unique => !self.config.unique.is_empty() && method != Method::Delete,
            Conflict::Version => self.config.version.is_some() && matches!(method, Method::Put | Method::Patch),
            Conflict::PatchTest => method == Method::Patch,
            Conflict::KeyInFlight => method == Method::Post,
            Conflict::Write => method == Method::Patch,
            Conflict::MatchedTooLate => method != Method::Post,
            Conflict::JobFinished | Conflict::Config => false,
        };
        let may_fail = |failure: &Failure| match failure {
            Failure::StoreBusy | Failure::DiskFull | Failure::Disk | Failure::Corrupt | Failure::Panicked => true,
            Failure::Quota => self.config.quota.is_some() && method != Method::Delete,
            Failure::Queue => false,
        };
        outcomes.extend(Conflict::ALL.iter().copied().filter(may_disagree).map(Outcome::Conflict));
        outcomes.extend(Failure::ALL.iter().copied().filter(may_fail).map(Outcome::Failure));
        if !takes(method).is_empty() {
            const FRAMING: [Malformed; 4] =
                [Malformed::ChunkSize, Malformed::ChunkExtension, Malformed::ChunkEnd, Malformed::Trailer];
            outcomes.extend(FRAMING.map(Outcome::Malformed));
            outcomes.extend(Unarrived::ALL.iter().copied().map(Outcome::Unarrived));
            outcomes.extend(Rejected::ALL.iter().copied().filter(may_refuse).map(Outcome::Rejected));
        }
        outcomes.into_iter().map(|outcome| Process { work: Work::Write, outcome }).collect()
    }
}
