//! What can come of a request to jobs: the alternatives of the facts that the other files look up one by one.

use super::Jobs;
use super::failed::asks_again;
use crate::config::Part;
use verdict_core::cause::{Absent, Conflict, Done, Failure, Malformed, Rejected, Unarrived, Unplaceable, Upstream};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Find, Negotiate, Outcome, Process};
use verdict_core::method::Method;
use verdict_core::status::REGISTRY;

impl Jobs {
    /// What a look-up can find.
    pub(crate) fn may_find(part: Part, there: Find) -> Vec<Find> {
        let absent: &[Absent] = match part {
            Part::Queue => &[],
            Part::Monitor | Part::Result => &[Absent::Failed, Absent::Nothing, Absent::ResultExpired],
        };
        let absent = absent.iter().map(|absent| Find { absent: Some(*absent), ..there });
        absent.chain([there]).collect()
    }

    /// What else there may be to the content.
    pub(crate) fn may_negotiate(part: Part, method: Method) -> Vec<Negotiate> {
        if part != Part::Queue || method != Method::Post {
            return Vec::new();
        }
        let content = Negotiate { content: true, ..Negotiate::default() };
        let full = Negotiate { unplaceable: Some(Unplaceable::Queue), ..content };
        let malformed = Negotiate { unplaceable: Some(Unplaceable::Key), ..content };
        vec![content, Negotiate { coding_not_taken: true, ..content }, malformed, full]
    }

    /// What can come of the work.
    pub(crate) fn may_do(part: Part, method: Method) -> Vec<Process> {
        let of = |work| move |outcome| Process { work, outcome };
        let statuses = || REGISTRY.iter().map(|entry| entry.status).filter(|status| status.code() >= 200);
        let answered = || statuses().map(Outcome::Answered);
        let refused = || statuses().filter(|status| asks_again(status.code())).map(Outcome::Answered);
        let failed = || Upstream::ALL.iter().copied().filter(|cause| may_fail_for(*cause)).map(Outcome::Upstream);
        match (part, method) {
            (_, Method::Options) => vec![of(Work::Read)(Outcome::Done(Done::OptionsAnswered))],
            (Part::Monitor, Method::Get | Method::Head) => {
                let told = [Done::JobReported, Done::JobDone].map(Outcome::Done).into_iter().chain(refused());
                told.chain([Failure::Corrupt, Failure::DiskFull].map(Outcome::Failure))
                    .map(of(Work::Read))
                    .chain(failed().map(of(Work::Forward)))
                    .collect()
            }
            (Part::Result, Method::Get | Method::Head) => answered().map(of(Work::Read)).collect(),
            (Part::Monitor, Method::Delete) => [Outcome::Done(Done::Deleted), Outcome::Conflict(Conflict::JobFinished)]
                .into_iter()
                .chain(broken().filter(|outcome| *outcome != Outcome::Failure(Failure::Queue)))
                .map(of(Work::Write))
                .collect(),
            (Part::Queue, Method::Post) => {
                const FRAMING: [Malformed; 4] =
                    [Malformed::ChunkSize, Malformed::ChunkExtension, Malformed::ChunkEnd, Malformed::Trailer];
                let done = [Done::JobQueued, Done::JobFinishedInTime].map(Outcome::Done);
                let rejected = [Outcome::Conflict(Conflict::KeyInFlight), Outcome::Rejected(Rejected::KeyReused)];
                let written = done.into_iter().chain(rejected).chain(broken()).chain(FRAMING.map(Outcome::Malformed));
                let written = written.chain(Unarrived::ALL.iter().copied().map(Outcome::Unarrived));
                let written = written.chain(answered()).map(of(Work::Write));
                written.chain(failed().map(of(Work::Forward))).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What can be wrong with the store.
fn broken() -> impl Iterator<Item = Outcome> {
    Failure::ALL.iter().copied().filter(|failure| *failure != Failure::Quota).map(Outcome::Failure)
}

/// Whether a target that is asked once can fail like this.
const fn may_fail_for(cause: Upstream) -> bool {
    !matches!(cause, Upstream::Loop | Upstream::NoMember | Upstream::PoolBusy)
}
