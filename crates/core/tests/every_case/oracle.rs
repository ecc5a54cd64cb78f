//! What is right, written down a second time: RFC 9110 §13.2.1, §13.2.2 and §14.2 sentence by sentence, and the table of order for
//! what the RFC leaves open. Nothing here shares code, or the shape of code, with what it judges.

use verdict_core::Method;
use verdict_core::cause::{
    Absent, Conflict, Done, Elsewhere, Failure, Malformed, Rejected, Unarrived, Unidentified, Unplaceable, Upstream,
};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Arrive, Authorize, Find, Negotiate, Outcome, Precondition, Process, Range, Wanted};
use verdict_core::path::Question::{self, *};

/// What a stage has to say: the questions that it asks with their answers, and the code if it decides.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) asked: Vec<(Question, bool)>,
    pub(crate) code: Option<u16>,
}

/// A table of order: each row a question and the code of its "no", if that is the answer. The first "no" decides.
fn first(rows: impl IntoIterator<Item = (Question, Option<u16>)>) -> Told {
    let mut asked = Vec::new();
    for (question, code) in rows {
        asked.push((question, code.is_none()));
        if code.is_some() {
            return Told { asked, code };
        }
    }
    Told { asked, code: None }
}

/// The code, if it is so.
fn when(it_is_so: bool, code: u16) -> Option<u16> {
    it_is_so.then_some(code)
}

// 408, 414, 431, 505, 400, 501 and 417 are noticed by the wire one at a time.
pub(crate) fn arrive(f: &Arrive) -> Told {
    let wire = |code| f.fault.filter(|fault| !is_of_content(*fault) && malformed(*fault) == code).map(|_| code);
    let head = [
        (HeadInTime, wire(408)),
        (TargetFits, wire(414)),
        (HeadFits, wire(431)),
        (VersionSpoken, wire(505)),
        (MessageSound, wire(400)),
        (CodingKnown, wire(501)),
        (ExpectationKnown, wire(417)),
    ];
    // A fault of content has no place here, and is not overlooked for that.
    let astray = f.fault.filter(|fault| is_of_content(*fault)).map(|_| (ContentSound, Some(400)));
    let rest = [
        (AuthorityServed, when(f.misdirected, 421)),
        (ReplaySafe, when(f.replayable, 425)),
        (ConnectionsFree, when(f.crowded.is_some(), 503)),
        (InService, when(f.closed.is_some(), 503)),
        (RequestsFree, when(f.full, 503)),
        (ClientUnderRate, when(f.over_rate.is_some(), 429)),
        (NotPreflight, when(f.preflight, 204)),
    ];
    first(head.into_iter().chain(astray).chain(rest))
}

/// RFC 9112 gives 400 for what is malformed; these have codes of their own.
pub(crate) fn malformed(fault: Malformed) -> u16 {
    match fault {
        Malformed::HeadTimeout => 408,                             // RFC 9110 §15.5.9
        Malformed::TargetTooLong => 414,                           // RFC 9112 §3
        Malformed::HeadTooLarge | Malformed::TooManyFields => 431, // RFC 6585 §5
        Malformed::VersionNotSupported => 505,                     // RFC 9110 §15.6.6
        Malformed::TransferCodingUnknown => 501,                   // RFC 9112 §6.1
        Malformed::ExpectationUnknown => 417,                      // RFC 9110 §10.1.1
        _ => 400,
    }
}

/// Whether it is noticed only after the head (RFC 9112 §7.1).
pub(crate) fn is_of_content(fault: Malformed) -> bool {
    [Malformed::ChunkSize, Malformed::ChunkExtension, Malformed::ChunkEnd, Malformed::Trailer].contains(&fault)
}

// 401, 403 (404 when hidden), 429 per user, 503.
pub(crate) fn authorize(f: &Authorize) -> Told {
    let hidden_or = |code| if f.hide { 404 } else { code };
    let identified = f.unidentified.map(|cause| match cause {
        Unidentified::TooManyFailures => hidden_or(429),
        Unidentified::Busy => hidden_or(503),
        _ => hidden_or(401),
    });
    let guard = [
        (Identified, identified),
        (Allowed, f.denied.map(|_| hidden_or(403))),
        (UserUnderRate, when(f.over_rate, 429)),
    ];
    // A page of another site is refused on a route without guards too.
    let guards = guard.into_iter().filter(|(question, no)| f.guarded || *question == Allowed && no.is_some());
    first(guards.chain([(RouteFree, when(f.busy.is_some(), 503))]))
}

// 501, 404, 405, 426, redirects, then what the look-up found.
pub(crate) fn find(f: &Find) -> Told {
    let elsewhere = f.elsewhere.map(|place| match place {
        Elsewhere::MovedPermanently => 301,
        Elsewhere::Found => 302,
        Elsewhere::SeeOther => 303,
        Elsewhere::ForNow => 307,
        Elsewhere::ForGood | Elsewhere::SlashMissing => 308,
    });
    let look_up = |question| {
        let (asked, code) = match f.absent? {
            Absent::Failed => (LookUpWorked, 500),
            Absent::Exhausted => (LookUpWorked, 503),
            Absent::FileDeleted | Absent::DocumentDeleted | Absent::ResultExpired => (Kept, 410),
            Absent::Unreadable => (Readable, 403),
            _ => (Exists, 404),
        };
        when(asked == question, code)
    };
    first([
        (MethodKnown, when(f.method_unknown, 501)),
        (RouteFound, when(f.no_route, 404)),
        (MethodTaken, when(f.method_not_taken, 405)),
        (UpgradeAsked, when(f.upgrade_missing, 426)),
        (StaysHere, elsewhere),
        (LookUpWorked, look_up(LookUpWorked)),
        (Exists, look_up(Exists)),
        (Kept, look_up(Kept)),
        (Readable, look_up(Readable)),
    ])
}

// 411, 413, 415 of content; 406; then the handler's last question: 400, 409, 507, 503.
pub(crate) fn negotiate(f: &Negotiate) -> Told {
    let of_content = [
        (LengthGiven, when(f.length_missing, 411)),
        (ContentFits, when(f.too_large, 413)),
        (TypeTaken, when(f.type_not_taken, 415)),
        (CodingTaken, when(f.coding_not_taken, 415)),
    ];
    let unplaceable = f.unplaceable.map(|cause| match cause {
        Unplaceable::ContentRange | Unplaceable::Filter | Unplaceable::Key => 400,
        Unplaceable::ParentMissing => 409,
        Unplaceable::Quota => 507,
        Unplaceable::Queue => 503,
    });
    let of_answer = [(AnswerUnderstood, when(f.not_acceptable, 406)), (ContentHasPlace, unplaceable)];
    first(of_content.into_iter().filter(|_| f.content).chain(of_answer))
}

/// RFC 9110 §13.2.1 and §13.2.2, and RFC 6585 §3 between them.
pub(crate) fn precondition(f: &Precondition) -> Told {
    let mut asked = Vec::new();

    // §13.2.1: "A server MUST ignore all received preconditions if its response to the same request without those
    // conditions, prior to processing the request content, would have been a status code other than a 2xx (Successful) or
    // 412 (Precondition Failed)."
    // §13.2.1: "A server that is not the origin server for the target resource and cannot act as a cache for requests on
    // the target resource MUST NOT evaluate the conditional request header fields".
    if f.exempt {
        return Told { asked, code: None };
    }
    // §13.2.1: "Likewise, a server MUST ignore the conditional request header fields defined by this specification when
    // received with a request method that does not involve the selection or modification of a selected representation,
    // such as CONNECT, OPTIONS, or TRACE."
    if f.method == Method::Connect || f.method == Method::Options || f.method == Method::Trace {
        return Told { asked, code: None };
    }
    let get_or_head = f.method == Method::Get || f.method == Method::Head;

    // RFC 6585 §3: "Its typical use is to avoid the "lost update" problem": what loses none needs no condition.
    if f.demanded && !get_or_head {
        let conditions = [f.if_match, f.if_unmodified_since, f.if_none_match];
        let none = conditions == [None, None, None];
        asked.push((ConditionGiven, !none));
        if none {
            return Told { asked, code: Some(428) };
        }
    }

    let mut step = 1;
    loop {
        match step {
            // "1. When recipient is the origin server and If-Match is present, evaluate the If-Match precondition:"
            1 => match f.if_match {
                Some(true) => {
                    asked.push((IfMatch, true));
                    step = 3; // "if true, continue to step 3"
                }
                Some(false) => {
                    asked.push((IfMatch, false));
                    return Told { asked, code: Some(412) }; // "if false, respond 412 (Precondition Failed)"
                }
                None => step = 2,
            },
            // "2. When recipient is the origin server, If-Match is not present, and If-Unmodified-Since is present, evaluate the
            // If-Unmodified-Since precondition:"
            2 => match f.if_unmodified_since {
                Some(true) => {
                    asked.push((IfUnmodifiedSince, true));
                    step = 3; // "if true, continue to step 3"
                }
                Some(false) => {
                    asked.push((IfUnmodifiedSince, false));
                    return Told { asked, code: Some(412) }; // "if false, respond 412 (Precondition Failed)"
                }
                None => step = 3,
            },
            // "3. When If-None-Match is present, evaluate the If-None-Match precondition:"
            3 => match f.if_none_match {
                Some(true) => {
                    asked.push((IfNoneMatch, true));
                    step = 5; // "if true, continue to step 5"
                }
                Some(false) => {
                    asked.push((IfNoneMatch, false));
                    // "if false for GET/HEAD, respond 304 (Not Modified)"
                    // "if false for other methods, respond 412 (Precondition Failed)"
                    return Told { asked, code: Some(if get_or_head { 304 } else { 412 }) };
                }
                None => step = 4,
            },
            // "4. When the method is GET or HEAD, If-None-Match is not present, and If-Modified-Since is present, evaluate the
            // If-Modified-Since precondition:"
            4 => match f.if_modified_since {
                Some(true) if get_or_head => {
                    asked.push((IfModifiedSince, true));
                    step = 5; // "if true, continue to step 5"
                }
                Some(false) if get_or_head => {
                    asked.push((IfModifiedSince, false));
                    return Told { asked, code: Some(304) }; // "if false, respond 304 (Not Modified)"
                }
                _ => step = 5,
            },
            // Step 5 is the range's, and step 6 is "perform the requested method".
            _ => return Told { asked, code: None },
        }
    }
}

/// Step 5 of RFC 9110 §13.2.2, and §14.2. `served`: the result in absence of `Range` is a representation of known length.
pub(crate) fn range(f: &Range, served: bool) -> Told {
    let mut asked = Vec::new();
    // §14.2: "only if the result in absence of the Range header field would be a 200 (OK) response."
    if !served {
        return Told { asked, code: None };
    }
    // §13.1.5: "A server MUST ignore an If-Range header field received in a request that does not contain a Range header
    // field."
    asked.push((WholeWanted, f.wanted == Wanted::Whole));
    if f.wanted == Wanted::Whole {
        return Told { asked, code: None };
    }
    // "5. When the method is GET and both Range and If-Range are present, evaluate the If-Range precondition:"
    if f.if_range == Some(false) {
        asked.push((RangeHolds, false));
        return Told { asked, code: None }; // "otherwise, ignore the Range header field and respond 200 (OK)"
    }
    if f.if_range == Some(true) {
        asked.push((RangeHolds, true)); // §13.1.5: "Otherwise, the recipient SHOULD process the Range header field as requested."
    }
    // §14.2: "and either the range-unit is not supported for that target resource or the ranges-specifier is unsatisfiable with
    // respect to the selected representation, the server SHOULD send a 416 (Range Not Satisfiable) response."
    if f.wanted == Wanted::Beyond {
        asked.push((RangeWithin, false));
        return Told { asked, code: Some(416) };
    }
    // "if true and the Range is applicable to the selected representation, respond 206 (Partial Content)"
    asked.push((RangeWithin, true));
    Told { asked, code: Some(206) }
}

/// What came of the work: the question that it failed, if it did, and the code.
pub(crate) fn outcome(outcome: Outcome) -> (Option<Question>, u16) {
    match outcome {
        Outcome::Configured(status) | Outcome::Answered(status) => (None, status.code()),
        Outcome::Done(done) => (None, self::done(done)),
        Outcome::Unarrived(cause) => (
            Some(ContentArrived),
            match cause {
                Unarrived::Stalled | Unarrived::TooSlow => 408,
                Unarrived::TooLarge => 413,
                Unarrived::CutShort | Unarrived::LengthWrong => 400,
            },
        ),
        Outcome::Malformed(fault) => (Some(ContentSound), malformed(fault)),
        Outcome::Rejected(Rejected::Schema | Rejected::Patch | Rejected::KeyReused) => (Some(ContentValid), 422),
        Outcome::Rejected(_) => (Some(ContentSound), 400),
        Outcome::Conflict(Conflict::MatchedTooLate) => (Some(StateAgrees), 412),
        Outcome::Conflict(_) => (Some(StateAgrees), 409),
        Outcome::Upstream(cause) => (
            Some(UpstreamAnswered),
            match cause {
                Upstream::Loop => 508,
                // Nobody was asked, so there is no gateway to blame.
                Upstream::NoMember | Upstream::PoolBusy => 503,
                Upstream::ConnectSlow | Upstream::TlsSlow | Upstream::FirstByteSlow | Upstream::TotalSlow => 504,
                _ => 502,
            },
        ),
        Outcome::Failure(Failure::StoreBusy | Failure::Queue) => (Some(RoomLeft), 503),
        Outcome::Failure(Failure::Quota | Failure::DiskFull) => (Some(RoomLeft), 507),
        Outcome::Failure(_) => (Some(Worked), 500),
    }
}

fn done(done: Done) -> u16 {
    match done {
        Done::Created => 201,
        Done::JobQueued => 202,
        Done::Replaced | Done::Deleted | Done::OptionsAnswered => 204,
        Done::FormTaken | Done::JobDone => 303,
        _ => 200,
    }
}

/// The work's questions up to the one that failed; that one is asked even of work that does not have it.
pub(crate) fn process(f: &Process) -> Told {
    let (failed, code) = outcome(f.outcome);
    let has = |question| match f.work {
        Work::Read => question == Worked,
        Work::Write => question != UpstreamAnswered,
        Work::Forward => [ContentArrived, ContentSound, UpstreamAnswered, Worked].contains(&question),
    };
    let order = [ContentArrived, ContentSound, ContentValid, StateAgrees, UpstreamAnswered, RoomLeft, Worked];
    let rows = order.into_iter().filter(|&question| has(question) || Some(question) == failed);
    first(rows.map(|question| (question, when(Some(question) == failed, code))))
}
