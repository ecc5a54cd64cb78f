//! What can come of a request that is passed on.

use verdict_core::cause::{Malformed, Unarrived, Upstream};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Outcome, Process};
use verdict_core::status::REGISTRY;

/// What can come of asking an upstream: any answer, any failure, and content of the client's that does not come whole.
pub(crate) fn may_do() -> Vec<Process> {
    const FRAMING: [Malformed; 4] =
        [Malformed::ChunkSize, Malformed::ChunkExtension, Malformed::ChunkEnd, Malformed::Trailer];
    let statuses = REGISTRY.iter().map(|entry| entry.status).filter(|status| !is_interim(status.code()));
    let answered = statuses.map(Outcome::Answered);
    let failed = Upstream::ALL.iter().copied().filter(|cause| may_fail_for(*cause)).map(Outcome::Upstream);
    let unarrived = Unarrived::ALL.iter().copied().map(Outcome::Unarrived);
    let all = answered.chain(failed).chain(unarrived).chain(FRAMING.map(Outcome::Malformed));
    all.map(|outcome| Process { work: Work::Forward, outcome }).collect()
}

/// 1xx but for 101, which ends what HTTP has to say.
const fn is_interim(code: u16) -> bool {
    code < 200 && code != 101
}

/// Whether asking can fail like this: content is passed on whatever its size.
const fn may_fail_for(cause: Upstream) -> bool {
    !matches!(cause, Upstream::ContentTooLarge)
}
