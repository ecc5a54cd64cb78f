//! What can come of a PUT or a DELETE: the alternatives of the facts that the other files here look up.

use super::Uploads;
use verdict_core::cause::{Absent, Conflict, Done, Failure, Malformed, Unarrived, Unplaceable};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Find, Negotiate, Outcome, Process};
use verdict_core::method::Method;

impl Uploads {
    /// What the last look can find, of what a look-up of `files` can; `hidden` are the names that it refuses.
    pub(crate) fn may_find(&self, method: Method, dotfiles: bool, there: Find) -> Vec<Find> {
        let may_lack = |absent: &Absent| match absent {
            Absent::Failed
            | Absent::Exhausted
            | Absent::Nothing
            | Absent::EncodedSlash
            | Absent::Unreadable
            | Absent::NotAFile
            | Absent::OfConfig => true,
            Absent::Dotfile => !dotfiles,
            Absent::FileDeleted => method == Method::Delete && !self.config.keep_deleted.is_zero(),
            // A link is there, and is left alone.
            Absent::NoIndex | Absent::Outside | Absent::DocumentDeleted | Absent::ResultExpired => false,
        };
        let absent = Absent::ALL.iter().copied().filter(may_lack);
        let absent = absent.map(|absent| Find { absent: Some(absent), ..there });
        absent.chain([there, Find { method_not_taken: true, ..there }]).collect()
    }

    /// What else there may be to the content.
    pub(crate) fn may_negotiate(&self, method: Method) -> Vec<Negotiate> {
        if method != Method::Put {
            return Vec::new();
        }
        let content = Negotiate { content: true, ..Negotiate::default() };
        let unplaceable = |cause| Negotiate { unplaceable: Some(cause), ..content };
        let mut alternatives = vec![
            Negotiate { coding_not_taken: true, ..content },
            unplaceable(Unplaceable::ContentRange),
            unplaceable(Unplaceable::ParentMissing),
        ];
        if self.config.quota.is_some() {
            alternatives.push(unplaceable(Unplaceable::Quota));
        }
        if self.types.is_some() {
            alternatives.push(Negotiate { type_not_taken: true, ..content });
        }
        alternatives
    }

    /// What can come of the work.
    pub(crate) fn may_do(&self, method: Method) -> Vec<Process> {
        let mut outcomes: Vec<Outcome> = match method {
            Method::Put => [Done::Created, Done::Replaced].map(Outcome::Done).into(),
            _ => vec![Outcome::Done(Done::Deleted)],
        };
        let may_fail = |failure: &Failure| match failure {
            Failure::StoreBusy | Failure::DiskFull | Failure::Disk | Failure::Corrupt | Failure::Panicked => true,
            Failure::Quota => self.config.quota.is_some() && method == Method::Put,
            Failure::Queue => false,
        };
        outcomes.extend([Conflict::Write, Conflict::MatchedTooLate].map(Outcome::Conflict));
        outcomes.extend(Failure::ALL.iter().copied().filter(may_fail).map(Outcome::Failure));
        if method == Method::Put {
            const FRAMING: [Malformed; 4] =
                [Malformed::ChunkSize, Malformed::ChunkExtension, Malformed::ChunkEnd, Malformed::Trailer];
            outcomes.extend(FRAMING.map(Outcome::Malformed));
            outcomes.extend(Unarrived::ALL.iter().copied().map(Outcome::Unarrived));
        }
        outcomes.into_iter().map(|outcome| Process { work: Work::Write, outcome }).collect()
    }
}
