//! RFC 9110 §15: Status Codes. That each reason carries what its status demands is proved in `every_case`, over all of them.

use super::*;
use verdict_core::Status;
use verdict_core::interim;
use verdict_core::status::{Class, REGISTRY, Required};

/// §15: "a client MUST understand the class of any status code, as indicated by the first digit, and treat an unrecognized
/// status code as being equivalent to the x00 status code of that class."
#[test]
fn a_code_that_is_not_known_is_of_the_class_of_its_first_digit() {
    for (code, class) in [
        (199, Class::Informational),
        (299, Class::Successful),
        (399, Class::Redirection),
        (471, Class::ClientError),
        (499, Class::ClientError),
        (599, Class::ServerError),
    ] {
        let status = Status::from_wire(code).unwrap();
        assert_eq!(status.class(), class, "{code}");
        assert!(status.entry().is_none(), "{code}");
    }
}

/// §15: "A client that receives a response with an invalid status code SHOULD process the response as if it had a 5xx (Server
/// Error) status code."
#[test]
fn a_code_past_599_is_a_server_error() {
    for code in [600, 999] {
        assert_eq!(Status::from_wire(code).unwrap().class(), Class::ServerError);
    }
    for code in [0, 1, 99, 1000] {
        assert_eq!(Status::from_wire(code), None);
    }
}

/// §15.1: "Responses with status codes that are defined as heuristically cacheable (e.g., 200, 203, 204, 206, 300, 301, 308,
/// 404, 405, 410, 414, and 501 in this specification) can be reused by a cache with heuristic expiration"
#[test]
fn only_what_is_defined_so_is_heuristically_cacheable() {
    let ours = REGISTRY.iter().filter(|entry| entry.section.starts_with("RFC 9110 ") && entry.cacheable);
    let codes: Vec<u16> = ours.map(|entry| entry.status.code()).collect();
    assert_eq!(codes, [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);
}

/// §15.2: "Since HTTP/1.0 did not define any 1xx status codes, a server MUST NOT send a 1xx response to an HTTP/1.0 client."
#[test]
fn http_1_0_is_sent_no_interim_answer() {
    assert_eq!(interim::invite(false, true, false), None);
    assert_eq!(interim::hint(false, true, true), None);
    assert_eq!(interim::pass_hint(false, true, true), None);
    assert_eq!(interim::tunnel(false, true), None);
    assert_eq!(interim::http2(false, true, false), None);
}

/// §15.2: "A 1xx response is terminated by the end of the header section; it cannot contain content or trailers."
/// §15.3.5 and §15.4.5 say the same of 204 and 304.
/// §15.3.6: "a server MUST NOT generate content in a 205 response."
#[test]
fn what_ends_with_its_head_has_no_content() {
    for entry in REGISTRY {
        let code = entry.status.code();
        assert_eq!(entry.status.forbids_content(), matches!(code, 100..200 | 204 | 205 | 304), "{code}");
    }
}

/// §15.2.2: "The server MUST generate an Upgrade header field in the response that indicates which protocol(s) will be in
/// effect after this response."
/// §15.5.22: "The server MUST send an Upgrade header field in a 426 response to indicate the required protocol(s)"
#[test]
fn a_change_of_protocol_is_named() {
    for id in ["tunnel-accepted", "http2-accepted", "upgrade-missing"] {
        assert_eq!(respond(reason(id), Method::Get).required, [Required::Upgrade], "{id}");
    }
}

/// §15.3.7.1: "the server generating the 206 response MUST generate a Content-Range header field, describing what range of the
/// selected representation is enclosed"
#[test]
fn a_single_part_says_which_it_is() {
    assert_eq!(PAGE.respond("GET", &[("Range", "bytes=0-9")]).required, [Required::ContentRange]);
}

/// §15.3.7.2: "a server MUST NOT generate a Content-Range header field in the HTTP header section of a multiple part response
/// (this field will be sent in each part instead)."
#[test]
fn several_parts_have_no_content_range_in_the_head() {
    assert_eq!(PAGE.respond("GET", &[("Range", "bytes=0-9,500-509")]).required, []);
}

/// §15.3.7.2: "A server MUST NOT generate a multipart response to a request for a single range"
#[test]
fn one_range_is_never_answered_in_several_parts() {
    for range in ["bytes=0-9", "bytes=990-", "bytes=-10", "bytes=0-"] {
        assert_eq!(PAGE.decide("GET", &[("Range", range)]).reason.id(), "part-served", "{range}");
    }
    // Nor are two that become one.
    assert_eq!(PAGE.decide("GET", &[("Range", "bytes=0-9,10-19")]).reason.id(), "part-served");
}

/// §15.4.5: "The 304 (Not Modified) status code indicates that a conditional GET or HEAD request has been received and would
/// have resulted in a 200 (OK) response if it were not for the fact that the condition evaluated to false."
#[test]
fn only_get_and_head_are_answered_304() {
    let unchanged = [("If-None-Match", r#""v9""#)];
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
        assert_eq!(PAGE.status(method, &unchanged) == 304, ["GET", "HEAD"].contains(&method), "{method}");
    }
}

/// §15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field (Section 11.6.1) containing at least
/// one challenge applicable to the target resource."
#[test]
fn every_401_has_a_challenge() {
    for entry in CATALOGUE.iter().filter(|entry| entry.reason.status().code() == 401) {
        assert!(respond(entry.reason, Method::Get).required.contains(&Required::WwwAuthenticate), "{}", entry.id);
    }
}

/// §15.5.4: "An origin server that wishes to "hide" the current existence of a forbidden target resource MAY instead respond
/// with a status code of 404 (Not Found)."
#[test]
fn what_is_hidden_looks_like_what_is_not_there() {
    let nothing = reason("nothing-there");
    for id in ["hidden-from-stranger", "hidden-from-user"] {
        assert_eq!(reason(id).public(), nothing);
        for method in Method::KNOWN {
            assert_eq!(respond(reason(id), method), respond(nothing, method), "{id}");
        }
    }
}

/// §15.5.6: "The origin server MUST generate an Allow header field in a 405 response containing a list of the target resource's
/// currently supported methods."
#[test]
fn every_405_lists_what_is_allowed() {
    for method in ["CONNECT", "TRACE"] {
        assert_eq!(PAGE.status(method, &[]), 405);
        assert_eq!(PAGE.respond(method, &[]).required, [Required::Allow]);
    }
}

/// §15.5.9: "If the current connection is not usable (e.g., as it would be in HTTP/1.1 because request delimitation is lost), a
/// new connection will be used."
#[test]
fn every_408_ends_the_connection() {
    for entry in CATALOGUE.iter().filter(|entry| entry.reason.status().code() == 408) {
        assert!(respond(entry.reason, Method::Post).closes, "{}", entry.id);
    }
}
