//! RFC 9110 §9: Methods.

use super::*;
use verdict_core::status::Required;

/// §9.1: "All general-purpose servers MUST support the methods GET and HEAD."
#[test]
fn get_and_head_are_answered() {
    assert_eq!(PAGE.status("GET", &[]), 200);
    assert_eq!(PAGE.status("HEAD", &[]), 200);
}

/// §9.1: "The method token is case-sensitive"
#[test]
fn methods_are_case_sensitive() {
    for token in ["get", "Get", "GeT", "GET ", ""] {
        assert_eq!(Method::from_token(token.as_bytes()), Method::Other, "{token}");
    }
    assert_eq!(PAGE.status("get", &[]), 501);
}

/// §9.1: "An origin server that receives a request method that is unrecognized or not implemented SHOULD respond with the 501
/// (Not Implemented) status code."
#[test]
fn a_method_that_nobody_here_knows_is_501() {
    for method in ["BREW", "PROPFIND", "QUERY"] {
        assert_eq!(PAGE.status(method, &[]), 501, "{method}");
        assert_eq!(NOTHING.status(method, &[]), 501, "{method}");
    }
}

/// §9.1: "An origin server that receives a request method that is recognized and implemented, but not allowed for the target
/// resource, SHOULD respond with the 405 (Method Not Allowed) status code."
#[test]
fn a_known_method_that_the_target_does_not_take_is_405() {
    assert_eq!(PAGE.status("TRACE", &[]), 405);
    assert_eq!(PAGE.respond("TRACE", &[]).required, [Required::Allow]);
}

/// §9.2.1: "the GET, HEAD, OPTIONS, and TRACE methods are defined to be safe."
/// §9.2.2: "PUT, DELETE, and safe request methods are idempotent."
#[test]
fn methods_are_safe_or_idempotent_as_defined() {
    for method in Method::KNOWN {
        let safe = ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method.name());
        assert_eq!(method.is_safe(), safe, "{}", method.name());
        assert_eq!(method.is_idempotent(), safe || ["PUT", "DELETE"].contains(&method.name()), "{}", method.name());
    }
    assert!(!Method::Other.is_safe() && !Method::Other.is_idempotent());
}

/// §9.3.2: "The HEAD method is identical to GET except that the server MUST NOT send content in the response."
#[test]
fn head_is_get_without_content() {
    let conditions: [Fields<'_>; 5] = [
        &[],
        &[("If-None-Match", r#""v9""#)],
        &[("If-Match", r#""v7""#)],
        &[("If-Modified-Since", MODIFIED)],
        &[("Accept", "image/png")],
    ];
    for fields in conditions {
        for origin in [PAGE, NOTHING] {
            let [get, head] = ["GET", "HEAD"].map(|method| origin.decide(method, fields));
            assert_eq!(get, head, "{fields:?}");
            assert_eq!(origin.respond("GET", fields).required, origin.respond("HEAD", fields).required);
            assert!(!origin.respond("HEAD", fields).content, "{fields:?}");
        }
    }
}

/// §9.3.3: "almost all of the status codes defined by this specification could be received in a response to POST (the
/// exceptions being 206 (Partial Content), 304 (Not Modified), and 416 (Range Not Satisfiable))."
#[test]
fn post_is_never_answered_206_304_or_416() {
    let values =
        [("Range", "bytes=0-9"), ("Range", "bytes=5000-"), ("If-None-Match", "*"), ("If-Modified-Since", AFTER)];
    for a in values {
        for b in values {
            let status = PAGE.status("POST", &[a, b]);
            assert!(![206, 304, 416].contains(&status), "{a:?} {b:?}: {status}");
        }
    }
}

/// §9.3.4: "If the target resource does not have a current representation and the PUT successfully creates one, then the origin
/// server MUST inform the user agent by sending a 201 (Created) response."
#[test]
fn a_put_that_creates_is_201() {
    assert_eq!(NOTHING.status("PUT", &[]), 201);
}

/// §9.3.4: "If the target resource does have a current representation and that representation is successfully modified in
/// accordance with the state of the enclosed representation, then the origin server MUST send either a 200 (OK) or a 204 (No
/// Content) response to indicate successful completion of the request."
#[test]
fn a_put_that_replaces_is_204() {
    assert_eq!(PAGE.status("PUT", &[]), 204);
}

/// §9.3.6: "A server MUST NOT send any Transfer-Encoding or Content-Length header fields in a 2xx (Successful) response to
/// CONNECT."
#[test]
fn a_successful_connect_has_no_content() {
    assert!(!respond(reason("served"), Method::Connect).content);
    assert!(respond(reason("method-not-taken"), Method::Connect).content);
}

/// §9.3.7: "A server generating a successful response to OPTIONS SHOULD send any header that might indicate optional features
/// implemented by the server and applicable to the target resource (e.g., Allow)"
#[test]
fn options_is_answered_with_the_methods() {
    assert_eq!(PAGE.status("OPTIONS", &[]), 204);
    assert_eq!(PAGE.respond("OPTIONS", &[]).required, [Required::Allow]);
}
