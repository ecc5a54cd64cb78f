//! Every value of each stage's facts.

use verdict_core::Method;
use verdict_core::cause::{
    Absent, Busy, Closed, Conflict, Crowded, Denied, Done, Elsewhere, Failure, Malformed, OverRate, Rejected,
    Unarrived, Unidentified, Unplaceable, Upstream,
};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Arrive, Authorize, Find, Negotiate, Outcome, Precondition, Process, Range, Wanted};
use verdict_core::status::{REGISTRY, Status};

/// Each method that has a name, and one that has none.
pub(crate) const METHODS: [Method; 10] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Connect,
    Method::Options,
    Method::Trace,
    Method::Patch,
    Method::Other,
];

pub(crate) const WORK: [Work; 3] = [Work::Read, Work::Write, Work::Forward];

const CONDITIONS: [Option<bool>; 3] = [None, Some(true), Some(false)];

/// Nothing, and each of these.
fn maybe<T: Copy>(each: &[T]) -> impl Iterator<Item = Option<T>> {
    std::iter::once(None).chain(each.iter().copied().map(Some))
}

/// Every combination of so many yes or no.
fn flags<const N: usize>() -> impl Iterator<Item = [bool; N]> {
    (0..1_u32 << N).map(|bits| std::array::from_fn(|i| bits >> i & 1 == 1))
}

pub(crate) fn arrive(mut each: impl FnMut(Arrive)) {
    for fault in maybe(&Malformed::ALL) {
        for crowded in maybe(Crowded::ALL) {
            for closed in maybe(Closed::ALL) {
                for over_rate in maybe(OverRate::ALL) {
                    for [misdirected, replayable, full, preflight] in flags() {
                        each(Arrive { fault, misdirected, replayable, crowded, closed, full, over_rate, preflight });
                    }
                }
            }
        }
    }
}

pub(crate) fn authorize(mut each: impl FnMut(Authorize)) {
    for unidentified in maybe(Unidentified::ALL) {
        for denied in maybe(Denied::ALL) {
            for busy in maybe(Busy::ALL) {
                for [guarded, hide, over_rate] in flags() {
                    each(Authorize { guarded, unidentified, denied, hide, over_rate, busy });
                }
            }
        }
    }
}

pub(crate) fn find(mut each: impl FnMut(Find)) {
    for elsewhere in maybe(Elsewhere::ALL) {
        for absent in maybe(Absent::ALL) {
            for [method_unknown, no_route, method_not_taken, upgrade_missing] in flags() {
                each(Find { method_unknown, no_route, method_not_taken, upgrade_missing, elsewhere, absent });
            }
        }
    }
}

pub(crate) fn negotiate(mut each: impl FnMut(Negotiate)) {
    for unplaceable in maybe(Unplaceable::ALL) {
        for [content, length_missing, too_large, type_not_taken, coding_not_taken, not_acceptable] in flags() {
            each(Negotiate {
                content,
                length_missing,
                too_large,
                type_not_taken,
                coding_not_taken,
                not_acceptable,
                unplaceable,
            });
        }
    }
}

pub(crate) fn precondition(mut each: impl FnMut(Precondition)) {
    for method in METHODS {
        for [exempt, demanded, stored] in flags() {
            for if_match in CONDITIONS {
                for if_unmodified_since in CONDITIONS {
                    for if_none_match in CONDITIONS {
                        for if_modified_since in CONDITIONS {
                            each(Precondition {
                                method,
                                exempt,
                                demanded,
                                if_match,
                                if_unmodified_since,
                                if_none_match,
                                if_modified_since,
                                version: if stored { 9 } else { 0 },
                            });
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn outcomes() -> Vec<Outcome> {
    fn of<T: Copy>(each: &[T], outcome: fn(T) -> Outcome) -> impl Iterator<Item = Outcome> {
        each.iter().map(move |&cause| outcome(cause))
    }
    let registered: Vec<Status> = REGISTRY.iter().map(|entry| entry.status).collect();
    let from_wire: Vec<Status> = (100..=999).filter_map(Status::from_wire).collect();
    let mut all = Vec::new();
    all.extend(of(Done::ALL, Outcome::Done));
    all.extend(of(&registered, Outcome::Configured));
    all.extend(of(&from_wire, Outcome::Answered));
    all.extend(of(Unarrived::ALL, Outcome::Unarrived));
    all.extend(of(&Malformed::ALL, Outcome::Malformed));
    all.extend(of(Rejected::ALL, Outcome::Rejected));
    all.extend(of(Conflict::ALL, Outcome::Conflict));
    all.extend(of(Upstream::ALL, Outcome::Upstream));
    all.extend(of(Failure::ALL, Outcome::Failure));
    all
}

pub(crate) fn process(mut each: impl FnMut(Process)) {
    for outcome in outcomes() {
        for work in WORK {
            each(Process { work, outcome });
        }
    }
}

pub(crate) fn range(mut each: impl FnMut(Range)) {
    for wanted in [Wanted::Whole, Wanted::Part, Wanted::Parts, Wanted::Beyond] {
        for if_range in CONDITIONS {
            each(Range { wanted, if_range });
        }
    }
}
