//! What a client does next: each registered status with each method, and everything else that is finite, against a second, literal
//! transcription that shares nothing with the first. What is not finite is tried with random numbers.

use proptest::prelude::*;
use std::collections::BTreeSet;
use verdict_core::client::{Content, Credentials, Facts, Kept, Limits, Location, Next, Validator, Why, next};
use verdict_core::field::content_range::ContentRange;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::EntityTag;
use verdict_core::field::range::ByteRange;
use verdict_core::field::retry_after::RetryAfter;
use verdict_core::status::REGISTRY;
use verdict_core::{Method, Status};

const METHODS: [Method; 10] = [
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

const OURS: EntityTag<'static> = EntityTag { weak: false, opaque: b"v7" };
const OTHER: EntityTag<'static> = EntityTag { weak: false, opaque: b"v8" };
const WEAK: EntityTag<'static> = EntityTag { weak: true, opaque: b"v7" };
const THEN: HttpDate = HttpDate::from_unix(1_700_000_000);

/// What is done, without its data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Does {
    Reads,
    Sends,
    Switches,
    Done,
    Copy,
    Appends,
    Replaces,
    Complete,
    Anew,
    /// By this method, with content.
    Follows(&'static str, bool),
    Waits,
    Authenticates,
    Length,
    NoExpect,
    Handshake,
    Elsewhere,
    Stops,
}

fn does(next: Next) -> Does {
    match next {
        Next::ReadOn => Does::Reads,
        Next::SendContent => Does::Sends,
        Next::Switch => Does::Switches,
        Next::Done => Does::Done,
        Next::UseCopy => Does::Copy,
        Next::Append { .. } => Does::Appends,
        Next::Replace => Does::Replaces,
        Next::Complete => Does::Complete,
        Next::StartAnew => Does::Anew,
        Next::Follow { method, content, .. } => Does::Follows(method.name(), content),
        Next::Wait { .. } => Does::Waits,
        Next::Authenticate => Does::Authenticates,
        Next::SendLength => Does::Length,
        Next::WithoutExpectation => Does::NoExpect,
        Next::AfterHandshake => Does::Handshake,
        Next::OtherConnection => Does::Elsewhere,
        Next::GiveUp(_) => Does::Stops,
    }
}

/// The second transcription, in the order of the numbers. It knows what the first one is not asked to: nothing of why.
fn oracle(f: &Facts<'_>) -> Does {
    let code = f.status.code();
    let name = f.method.name();
    let can_repeat = f.content != Content::Spent && f.retries < f.limits.retries;
    let short = match f.retry_after {
        Some(RetryAfter::Seconds(seconds)) => seconds <= f.limits.wait,
        Some(RetryAfter::At(date)) => date.unix() - f.now.unix() <= f.limits.wait as i64,
        None => true,
    };
    let if_repeatable = |does| if can_repeat { does } else { Does::Stops };
    let wait = if can_repeat && short { Does::Waits } else { Does::Stops };
    let twice_is_once = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].contains(&name);
    let leads = f.location.is_some_and(|l| !l.seen) && f.redirects < f.limits.redirects;
    let reading = if name == "HEAD" { "HEAD" } else { "GET" };
    if code < 200 {
        return match code {
            100 if f.expects => Does::Sends,
            101 if f.upgrade => Does::Switches,
            101 => Does::Stops,
            _ => Does::Reads,
        };
    }
    if let (200 | 206 | 416, Some(kept)) = (code, f.kept) {
        let other = match kept.validator {
            Validator::Tag(tag) => f.tag.is_some_and(|now| now != tag || now.weak),
            Validator::Date(date) => f.modified.is_some_and(|now| now != date),
        };
        let unsaid = matches!(kept.validator, Validator::Tag(_)) && f.tag.is_none();
        return match (code, f.content_range) {
            (200, _) => Does::Replaces,
            (206, Some(ContentRange::Part { range, complete })) => {
                let length = match (complete, kept.complete) {
                    (Some(a), Some(b)) => a == b,
                    _ => true,
                };
                if range.first == kept.size && length && !other && !unsaid { Does::Appends } else { Does::Anew }
            }
            (416, Some(ContentRange::Unsatisfied { complete }))
                if complete == kept.size && kept.complete.unwrap_or(complete) == complete && !other =>
            {
                Does::Complete
            }
            _ => Does::Anew,
        };
    }
    match code {
        200..=299 => Does::Done,
        301 | 302 if name == "POST" && leads => Does::Follows("GET", false),
        303 if leads => Does::Follows(reading, false),
        301 | 302 | 307 | 308 if leads && f.content == Content::Nothing => Does::Follows(name, false),
        301 | 302 | 307 | 308 if leads && f.content == Content::Repeatable => Does::Follows(name, true),
        304 if f.conditional && reading == name => Does::Copy,
        401 if f.credentials == Credentials::AtHand => if_repeatable(Does::Authenticates),
        408 | 502 | 504 if twice_is_once => wait,
        411 if !f.length => if_repeatable(Does::Length),
        413 if f.retry_after.is_some() => wait,
        417 if f.expects => if_repeatable(Does::NoExpect),
        421 => if_repeatable(Does::Elsewhere),
        425 if f.early => if_repeatable(Does::Handshake),
        425 | 429 => wait,
        503 if f.retry_after.is_some() || twice_is_once => wait,
        _ => Does::Stops,
    }
}

/// Every combination of these, one field after the other.
fn every<'a>(cases: Vec<Facts<'a>>, ways: &[&dyn Fn(Facts<'a>) -> Facts<'a>]) -> Vec<Facts<'a>> {
    cases.iter().flat_map(|case| ways.iter().map(|way| way(*case))).collect()
}

#[test]
fn each_status_and_method_is_answered_as_the_second_transcription_has_it() {
    let mut whys = BTreeSet::new();
    let registered = REGISTRY.iter().map(|entry| entry.status);
    let statuses = registered.chain([199, 299, 399, 499, 599, 999].into_iter().filter_map(Status::from_wire));
    for status in statuses {
        for method in METHODS {
            let mut cases = vec![Facts::new(method, status)];
            cases = every(
                cases,
                &[&|f| f, &|f| Facts { content: Content::Repeatable, ..f }, &|f| Facts {
                    content: Content::Spent,
                    ..f
                }],
            );
            cases = every(
                cases,
                &[
                    &|f| f,
                    &|f| Facts { location: Some(Location { other_origin: false, seen: false }), ..f },
                    &|f| Facts { location: Some(Location { other_origin: true, seen: false }), ..f },
                    &|f| Facts { location: Some(Location { other_origin: true, seen: true }), ..f },
                ],
            );
            cases = every(
                cases,
                &[
                    &|f| f,
                    &|f| Facts { retry_after: Some(RetryAfter::Seconds(300)), ..f },
                    &|f| Facts { retry_after: Some(RetryAfter::Seconds(301)), ..f },
                    &|f| Facts { retry_after: Some(RetryAfter::At(HttpDate::from_unix(9))), ..f },
                ],
            );
            cases = every(
                cases,
                &[&|f| f, &|f| Facts {
                    expects: true,
                    early: true,
                    upgrade: true,
                    conditional: true,
                    length: false,
                    ..f
                }],
            );
            cases = every(
                cases,
                &[&|f| f, &|f| Facts { credentials: Credentials::AtHand, ..f }, &|f| Facts {
                    credentials: Credentials::Sent,
                    ..f
                }],
            );
            cases = every(cases, &[&|f| f, &|f| Facts { retries: 3, ..f }, &|f| Facts { redirects: 10, ..f }]);
            for facts in cases {
                let decision = next(&facts);
                assert_eq!(does(decision.next), oracle(&facts), "{decision:?} of {facts:?}");
                assert!(decision.section().starts_with("RFC "), "{decision:?}");
                if let Next::Follow { credentials, permanent, .. } = decision.next {
                    assert_eq!(credentials, facts.location.is_some_and(|location| !location.other_origin), "{facts:?}");
                    assert_eq!(permanent, [301, 308].contains(&status.code()), "{facts:?}");
                }
                whys.insert(decision.why);
            }
        }
    }
    for facts in continued() {
        let decision = next(&facts);
        assert_eq!(does(decision.next), oracle(&facts), "{decision:?} of {facts:?}");
        whys.insert(decision.why);
    }
    let never: Vec<_> = Why::ALL.iter().filter(|why| !whys.contains(why)).collect();
    assert!(never.is_empty(), "no case leads to {never:?}");
}

/// Everything that can come of a download that is continued.
fn continued() -> Vec<Facts<'static>> {
    let mut cases: Vec<_> = [200, 206, 416, 204, 404]
        .into_iter()
        .filter_map(Status::from_wire)
        .map(|status| Facts::new(Method::Get, status))
        .collect();
    let kept = |validator, complete| Some(Kept { size: 600, complete, validator });
    let part = |first, complete| Some(ContentRange::Part { range: ByteRange { first, last: 999 }, complete });
    let unsatisfied = |complete| Some(ContentRange::Unsatisfied { complete });
    cases = every(
        cases,
        &[
            &|f| f,
            &|f| Facts { kept: kept(Validator::Tag(OURS), None), ..f },
            &|f| Facts { kept: kept(Validator::Tag(WEAK), None), ..f },
            &|f| Facts { kept: kept(Validator::Date(THEN), None), ..f },
            &|f| Facts { kept: kept(Validator::Tag(OURS), Some(1000)), ..f },
            &|f| Facts { kept: kept(Validator::Date(THEN), Some(600)), ..f },
        ],
    );
    cases = every(
        cases,
        &[
            &|f| f,
            &|f| Facts { content_range: part(600, None), ..f },
            &|f| Facts { content_range: part(600, Some(1000)), ..f },
            &|f| Facts { content_range: part(600, Some(1001)), ..f },
            &|f| Facts { content_range: part(599, Some(1000)), ..f },
            &|f| Facts { content_range: part(601, Some(1000)), ..f },
            &|f| Facts { content_range: unsatisfied(600), ..f },
            &|f| Facts { content_range: unsatisfied(599), ..f },
        ],
    );
    cases = every(
        cases,
        &[&|f| f, &|f| Facts { tag: Some(OURS), ..f }, &|f| Facts { tag: Some(OTHER), ..f }, &|f| Facts {
            tag: Some(WEAK),
            ..f
        }],
    );
    every(
        cases,
        &[&|f| f, &|f| Facts { modified: Some(THEN), ..f }, &|f| Facts { modified: Some(HttpDate::from_unix(0)), ..f }],
    )
}

#[test]
fn an_id_is_kebab_case_and_given_once() {
    let ids: BTreeSet<_> = Why::ALL.iter().map(|why| why.id()).collect();
    assert_eq!(ids.len(), Why::ALL.len());
    for why in Why::ALL {
        assert!(why.id().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{why:?}");
        assert!(why.sentence().ends_with('.') && why.sentence().len() > 10, "{why:?}");
    }
}

#[test]
fn a_wait_without_a_word_doubles_and_ends() {
    let status = Status::from_wire(503).unwrap();
    let limits = Limits { retries: 100, ..Limits::default() };
    for (retries, seconds) in [(0, 1), (1, 2), (2, 4), (8, 256), (9, 300), (63, 300), (64, 300), (99, 300)] {
        let facts = Facts { retries, limits, ..Facts::new(Method::Get, status) };
        assert_eq!(next(&facts).next, Next::Wait { seconds }, "{retries}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_client_ends(
        code in 100u16..=999,
        method in 0usize..10,
        seconds in prop::option::of(any::<u64>()),
        seen in prop::option::of(any::<bool>()),
        limits in (0u32..5, 0u32..5, any::<u64>()),
    ) {
        let limits = Limits { redirects: limits.0, retries: limits.1, wait: limits.2 };
        let mut facts = Facts {
            retry_after: seconds.map(RetryAfter::Seconds),
            location: seen.map(|seen| Location { other_origin: false, seen }),
            credentials: Credentials::AtHand,
            expects: true,
            early: true,
            length: false,
            limits,
            ..Facts::new(METHODS[method], Status::from_wire(code).unwrap())
        };
        for _ in 0..=limits.redirects + limits.retries {
            match next(&facts).next {
                Next::Follow { .. } => facts.redirects += 1,
                Next::Wait { seconds } => {
                    prop_assert!(seconds <= limits.wait);
                    facts.retries += 1;
                }
                Next::Authenticate | Next::SendLength | Next::WithoutExpectation | Next::AfterHandshake
                | Next::OtherConnection => facts.retries += 1,
                _ => return Ok(()),
            }
        }
        prop_assert!(false, "it goes on: {facts:?}");
    }

    #[test]
    fn only_what_fits_to_the_byte_is_appended(
        size in any::<u64>(), first in 0u64..u64::MAX - 1, length in 0u64..1000, whole in any::<u64>(), same in any::<bool>(),
    ) {
        let last = first.saturating_add(length).min(u64::MAX - 1);
        let facts = Facts {
            kept: Some(Kept { size: if same { first } else { size }, complete: None, validator: Validator::Tag(OURS) }),
            content_range: Some(ContentRange::Part { range: ByteRange { first, last }, complete: Some(whole) }),
            tag: Some(OURS),
            ..Facts::new(Method::Get, Status::from_wire(206).unwrap())
        };
        let appended = matches!(next(&facts).next, Next::Append { at, .. } if at == first);
        prop_assert_eq!(appended, same || size == first);
    }
}
