//! RFC 9110 §10: Message Context.

use super::*;
use verdict_core::field::retry_after::RetryAfter;
use verdict_core::interim;

/// §10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation."
#[test]
fn an_expectation_in_http_1_0_is_ignored() {
    assert_eq!(interim::invite(false, true, false), None);
}

/// §10.1.1: "A server that receives an Expect field value containing a member other than 100-continue MAY respond with a 417
/// (Expectation Failed) status code"
#[test]
fn another_expectation_is_417() {
    assert_eq!(PAGE.status("PUT", &[("Expect", "100-continue")]), 204);
    assert_eq!(PAGE.status("PUT", &[("Expect", "100-Continue")]), 204);
    assert_eq!(PAGE.status("PUT", &[("Expect", "a-miracle")]), 417);
    assert_eq!(PAGE.status("PUT", &[("Expect", "100-continue"), ("Expect", "a-miracle")]), 417);
}

/// §10.1.1: "an origin server MUST send either: an immediate response with a final status code, if that status can be
/// determined by examining just the method, target URI, and header fields, or an immediate 100 (Continue) response to
/// encourage the client to send the request content."
#[test]
fn who_waits_to_send_is_refused_before_or_invited() {
    let waits = ("Expect", "100-continue");
    for (fields, status) in [
        ([waits, ("Content-Type", "image/png")], 415),
        ([waits, ("Content-Range", "bytes 0-9/10")], 400),
        ([waits, ("If-Match", r#""v7""#)], 412),
    ] {
        let verdict = PAGE.decide("PUT", &fields);
        assert_eq!(verdict.status().code(), status);
        // Nothing was asked that only the content could answer.
        assert!(verdict.path.last().is_some_and(|question| question.stage() < verdict_core::Stage::Process));
    }
    assert!(interim::invite(true, true, false).is_some_and(|answer| answer.status().code() == 100));
}

/// §10.1.1: "A server MAY omit sending a 100 (Continue) response if it has already received some or all of the content for the
/// corresponding request, or if the framing indicates that there is no content."
#[test]
fn who_has_begun_to_send_is_not_invited() {
    assert_eq!(interim::invite(true, true, true), None);
    assert_eq!(interim::invite(true, false, false), None);
}

/// §10.2.1: "An origin server MUST generate an Allow header field in a 405 (Method Not Allowed) response"
#[test]
fn allow_is_written_as_a_list() {
    let set = verdict_core::method::MethodSet::of(&[Method::Put, Method::Get, Method::Head]);
    assert_eq!(set.to_string(), "GET, HEAD, PUT");
    assert_eq!(verdict_core::method::MethodSet::default().to_string(), "");
}

/// §10.2.3: "The Retry-After field value can be either an HTTP-date or a number of seconds to delay after receiving the
/// response."
#[test]
fn retry_after_is_a_date_or_seconds() {
    assert_eq!(RetryAfter::parse(b"120", NOW), Some(RetryAfter::Seconds(120)));
    assert_eq!(RetryAfter::parse(MODIFIED.as_bytes(), NOW), Some(RetryAfter::At(date(MODIFIED))));
    assert_eq!(RetryAfter::parse(b"soon", NOW), None);
    assert_eq!(RetryAfter::parse(b"-1", NOW), None);
}
