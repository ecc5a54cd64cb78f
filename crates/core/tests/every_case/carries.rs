//! What must go with an answer, from the text of the RFCs.

use std::collections::BTreeSet;
use verdict_core::decide::{Respond, respond};
use verdict_core::status::Required;
use verdict_core::{Method, Reason};

/// Fields by status: what the RFC demands with MUST, and with SHOULD where this server makes it a rule.
const BY_STATUS: &[(u16, Required)] = &[
    (101, Required::Upgrade), // RFC 9110 §15.2.2: "The server MUST generate an Upgrade header field in the response"
    (103, Required::Link),    // RFC 8297 §2: a hint without `Link` hints at nothing
    (201, Required::Location), // RFC 9110 §9.3.3: "containing a Location header field that provides an identifier"
    (301, Required::Location), // RFC 9110 §15.4.2: "The server SHOULD generate a Location header field"
    (302, Required::Location), // RFC 9110 §15.4.3: the same
    (303, Required::Location), // RFC 9110 §15.4.4: "as indicated by a URI in the Location header field"
    (307, Required::Location), // RFC 9110 §15.4.8: "The server SHOULD generate a Location header field"
    (308, Required::Location), // RFC 9110 §15.4.9: the same
    (401, Required::WwwAuthenticate), // RFC 9110 §15.5.2: "MUST send a WWW-Authenticate header field"
    (405, Required::Allow),   // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field"
    (407, Required::ProxyAuthenticate), // RFC 9110 §15.5.8: "The proxy MUST send a Proxy-Authenticate header field"
    (416, Required::ContentRange), // RFC 9110 §15.5.17: "SHOULD generate a Content-Range header field"
    (426, Required::Upgrade), // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response"
];

/// Fields by the status that we give for reasons of our own, which a status that is configured does not have.
const BY_OUR_STATUS: &[(u16, Required)] = &[
    (202, Required::Location), // RFC 9110 §15.3.3: "ought to […] point to (or embed) a status monitor"
    (202, Required::RetryAfter), // RFC 9110 §10.2.3
    (429, Required::RetryAfter), // RFC 6585 §4: "MAY include a Retry-After header"
    (502, Required::ProxyStatus), // RFC 9209 §2
    (503, Required::RetryAfter), // RFC 9110 §15.6.4: "MAY send a Retry-After header field"
    (504, Required::ProxyStatus), // RFC 9209 §2
    (508, Required::ProxyStatus), // RFC 9209 §2
];

/// Fields by reason.
const BY_REASON: &[(&str, Required)] = &[
    ("part-served", Required::ContentRange), // RFC 9110 §15.3.7.1: "MUST generate a Content-Range header field"
    ("options-answered", Required::Allow),   // RFC 9110 §9.3.7: "(e.g., Allow)"
    ("coding-not-taken", Required::AcceptEncoding), // RFC 9110 §12.5.3: "and include an Accept-Encoding header field"
    ("media-type-not-taken", Required::AcceptPost), // RFC 9110 §15.5.16; RFC 5789 §2.2
    ("client-over-rate", Required::RateLimit),
    ("client-over-rate", Required::RateLimitPolicy),
    ("field-over-rate", Required::RateLimit),
    ("field-over-rate", Required::RateLimitPolicy),
    ("user-over-rate", Required::RateLimit),
    ("user-over-rate", Required::RateLimitPolicy),
];

/// Fields that would be wrong.
const NOT: &[(&str, Required)] = &[
    // RFC 9110 §15.3.7.2: "a server MUST NOT generate a Content-Range header field in the HTTP header section of a multiple
    // part response".
    ("parts-served", Required::ContentRange),
    // RFC 9110 §12.5.3: "servers that fail a request with a 415 status for reasons unrelated to content codings MUST NOT
    // include the Accept-Encoding header field."
    ("media-type-not-taken", Required::AcceptEncoding),
    // RFC 9110 §15.5.4: what is hidden looks like what is not there.
    ("hidden-from-stranger", Required::WwwAuthenticate),
];

/// Asserts that the answer carries what it must. `faults`: the reasons of what is wrong with a head.
pub(crate) fn assert_carries(reason: Reason, method: Method, faults: &BTreeSet<&str>) {
    let answer = respond(reason, method);
    assert_fields(reason, &answer);
    assert_eq!(answer.content, may_have_content(reason.status().code(), method), "{reason} to {}", method.name());
    assert_eq!(answer.closes, ends_the_connection(reason, faults), "{reason}");
}

fn assert_fields(reason: Reason, answer: &Respond) {
    let (id, code) = (reason.id(), reason.status().code());
    let has = |field: &Required| answer.required.contains(field);
    // What is passed on is the upstream's, and what it lacks is not ours to make up.
    if id == "upstream-answered" {
        assert!(answer.required.is_empty());
        return;
    }
    let ours = id != "configured-answer";
    for (_, field) in BY_STATUS.iter().filter(|(status, _)| *status == code) {
        assert!(has(field), "{reason} ({code}) lacks {field:?}");
    }
    for (_, field) in BY_OUR_STATUS.iter().filter(|(status, _)| ours && *status == code) {
        assert!(has(field), "{reason} ({code}) lacks {field:?}");
    }
    for (_, field) in BY_REASON.iter().filter(|(known, _)| *known == id) {
        assert!(has(field), "{reason} lacks {field:?}");
    }
    for (_, field) in NOT.iter().filter(|(known, _)| *known == id) {
        assert!(!has(field), "{reason} has {field:?}");
    }
}

fn may_have_content(code: u16, method: Method) -> bool {
    match (method, code) {
        (Method::Head, _) => false, // RFC 9110 §9.3.2: "the server MUST NOT send content in the response"
        (_, 100..=199) => false,    // RFC 9110 §15.2: "it cannot contain content or trailers"
        (_, 204) => false,          // RFC 9110 §15.3.5: "it cannot contain content or trailers"
        (_, 205) => false,          // RFC 9110 §15.3.6: "a server MUST NOT generate content in a 205 response"
        (_, 304) => false,          // RFC 9110 §15.4.5: "it cannot contain content or trailers"
        (Method::Connect, 200..=299) => false, // RFC 9112 §6.3: "the connection will become a tunnel"
        _ => true,
    }
}

fn ends_the_connection(reason: Reason, faults: &BTreeSet<&str>) -> bool {
    // Where the next message begins is unknown (RFC 9112 §9.3, §9.6) …
    const UNKNOWN_END: [&str; 6] = [
        "chunk-size-invalid",
        "chunk-extension-invalid",
        "chunk-end-missing",
        "trailer-invalid",
        "content-cut-short",
        "content-length-wrong",
    ];
    // … or we have no place for this client, or no time.
    const SENT_AWAY: [&str; 3] = ["too-many-connections", "too-many-connections-of-client", "draining"];
    let id = reason.id();
    // RFC 9110 §15.5.9: "not usable (e.g., as it would be in HTTP/1.1 because request delimitation is lost)".
    let timeout = reason.status().code() == 408 && id != "upstream-answered";
    faults.contains(id) || timeout || UNKNOWN_END.contains(&id) || SENT_AWAY.contains(&id)
}
