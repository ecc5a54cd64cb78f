//! What the console can answer: the alternatives of the facts that `answer.rs` finds one by one.

use crate::serve::is_noticed;
use std::collections::BTreeSet;
use verdict_core::cause::{
    Absent, Closed, Conflict, Denied, Done, Failure, Malformed, Rejected, Unarrived, Unidentified, Unplaceable,
};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Arrive, Authorize, Find, Negotiate, Outcome, Process};
use verdict_core::possible::Alternatives;
use verdict_core::reason::Reason;

/// The reasons that it can give.
pub(crate) fn reasons() -> BTreeSet<Reason> {
    let faults = Malformed::ALL.into_iter().filter(|fault| is_noticed(*fault, false));
    let faults = faults.map(|fault| Arrive { fault: Some(fault), ..Arrive::default() });
    let arrive = [
        Arrive::default(),
        Arrive { misdirected: true, ..Arrive::default() },
        Arrive { closed: Some(Closed::Draining), ..Arrive::default() },
    ];
    let known = Authorize { guarded: true, ..Authorize::default() };
    let unidentified = [Unidentified::Missing, Unidentified::Malformed, Unidentified::Scheme, Unidentified::Token]
        .map(|cause| Authorize { unidentified: Some(cause), ..known });
    let content = Negotiate { content: true, ..Negotiate::default() };
    let outcomes = [
        Outcome::Done(Done::Updated),
        Outcome::Unarrived(Unarrived::Stalled),
        Outcome::Unarrived(Unarrived::CutShort),
        Outcome::Rejected(Rejected::Json),
        Outcome::Rejected(Rejected::Schema),
        Outcome::Conflict(Conflict::Config),
        Outcome::Failure(Failure::Disk),
        Outcome::Failure(Failure::Panicked),
    ];
    let alternatives = Alternatives {
        arrive: faults.chain(arrive).collect(),
        authorize: unidentified
            .into_iter()
            .chain([known, Authorize { denied: Some(Denied::CrossSite), ..known }])
            .collect(),
        find: vec![
            Find::default(),
            Find { method_unknown: true, ..Find::default() },
            Find { no_route: true, ..Find::default() },
            Find { method_not_taken: true, ..Find::default() },
            Find { absent: Some(Absent::Nothing), ..Find::default() },
        ],
        negotiate: vec![
            content,
            Negotiate { length_missing: true, ..content },
            Negotiate { too_large: true, ..content },
            Negotiate { type_not_taken: true, ..content },
            Negotiate { coding_not_taken: true, ..content },
            Negotiate { unplaceable: Some(Unplaceable::Filter), ..Negotiate::default() },
        ],
        process: [Process { work: Work::Read, outcome: Outcome::Done(Done::Served) }]
            .into_iter()
            .chain(outcomes.map(|outcome| Process { work: Work::Write, outcome }))
            .collect(),
        ..Alternatives::default()
    };
    alternatives.reasons()
}
