//! RFC 9110 §13: Conditional Requests.

use super::*;

const V9: &str = r#""v9""#;
const V7: &str = r#""v7""#;

/// §13.1.1: "An origin server MUST use the strong comparison function when comparing entity tags for If-Match"
#[test]
fn if_match_compares_strongly() {
    assert_eq!(PAGE.status("PUT", &[("If-Match", V9)]), 204);
    assert_eq!(PAGE.status("PUT", &[("If-Match", r#"W/"v9""#)]), 412);
    assert_eq!(WEAK.status("PUT", &[("If-Match", V9)]), 412);
    assert_eq!(WEAK.status("PUT", &[("If-Match", r#"W/"v9""#)]), 412);
}

/// §13.1.1: "If the field value is "*", the condition is true if the origin server has a current representation for the
/// target resource."
#[test]
fn if_match_any_asks_for_something_to_be_there() {
    assert_eq!(PAGE.status("PUT", &[("If-Match", "*")]), 204);
    assert_eq!(UNTAGGED.status("DELETE", &[("If-Match", "*")]), 204);
    assert_eq!(NOTHING.status("PUT", &[("If-Match", "*")]), 412);
}

/// §13.1.1: "If the field value is a list of entity tags, the condition is true if any of the listed tags match the entity
/// tag of the selected representation."
#[test]
fn if_match_holds_if_any_of_its_tags_match() {
    assert_eq!(PAGE.status("PUT", &[("If-Match", r#""v7", "v8", "v9""#)]), 204);
    assert_eq!(PAGE.status("PUT", &[("If-Match", V7), ("If-Match", V9)]), 204);
    assert_eq!(PAGE.status("PUT", &[("If-Match", r#""v7", "v8""#)]), 412);
    assert_eq!(UNTAGGED.status("PUT", &[("If-Match", V9)]), 412);
}

/// §13.1.1: "Otherwise, the condition is false."
#[test]
fn if_match_that_cannot_be_read_fails() {
    for value in ["", "v9", r#""v9"#, r#"*, "v9""#, r#""v9" "v9""#] {
        assert_eq!(PAGE.status("PUT", &[("If-Match", value)]), 412, "{value}");
    }
}

/// §13.1.1: "An origin server that evaluates an If-Match condition MUST NOT perform the requested method if the condition
/// evaluates to false."
#[test]
fn a_failed_if_match_stops_every_method() {
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
        let verdict = PAGE.decide(method, &[("If-Match", V7)]);
        assert_eq!((verdict.status().code(), verdict.reason.id()), (412, "if-match-failed"), "{method}");
    }
}

/// §13.1.2: "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match"
#[test]
fn if_none_match_compares_weakly() {
    assert_eq!(PAGE.status("GET", &[("If-None-Match", r#"W/"v9""#)]), 304);
    assert_eq!(WEAK.status("GET", &[("If-None-Match", V9)]), 304);
    assert_eq!(WEAK.status("GET", &[("If-None-Match", r#"W/"v9""#)]), 304);
    assert_eq!(WEAK.status("GET", &[("If-None-Match", r#"W/"v7""#)]), 200);
}

/// §13.1.2: "If the field value is "*", the condition is false if the origin server has a current representation for the
/// target resource."
#[test]
fn if_none_match_any_asks_for_nothing_to_be_there() {
    assert_eq!(NOTHING.status("PUT", &[("If-None-Match", "*")]), 201);
    assert_eq!(PAGE.status("PUT", &[("If-None-Match", "*")]), 412);
    assert_eq!(UNTAGGED.status("PUT", &[("If-None-Match", "*")]), 412);
    assert_eq!(UNTAGGED.status("GET", &[("If-None-Match", "*")]), 304);
}

/// §13.1.2: "If the field value is a list of entity tags, the condition is false if one of the listed tags matches the entity
/// tag of the selected representation."
#[test]
fn if_none_match_fails_if_one_of_its_tags_matches() {
    assert_eq!(PAGE.status("GET", &[("If-None-Match", r#""v7", "v9""#)]), 304);
    assert_eq!(PAGE.status("GET", &[("If-None-Match", V7), ("If-None-Match", V9)]), 304);
    assert_eq!(PAGE.status("GET", &[("If-None-Match", r#""v7", "v8""#)]), 200);
}

/// §13.1.2: "Otherwise, the condition is true."
#[test]
fn if_none_match_of_a_target_without_a_tag_holds() {
    assert_eq!(UNTAGGED.status("GET", &[("If-None-Match", r#""v7", "v9""#)]), 200);
    assert_eq!(UNTAGGED.status("PUT", &[("If-None-Match", r#""v7", "v9""#)]), 204);
}

/// §13.1.2: "the origin server MUST respond with either a) the 304 (Not Modified) status code if the request method is GET or
/// HEAD or b) the 412 (Precondition Failed) status code for all other request methods."
#[test]
fn a_failed_if_none_match_is_304_to_get_and_head_and_412_to_the_others() {
    for (method, status) in [("GET", 304), ("HEAD", 304), ("POST", 412), ("PUT", 412), ("DELETE", 412), ("PATCH", 412)]
    {
        assert_eq!(PAGE.status(method, &[("If-None-Match", V9)]), status, "{method}");
    }
}

/// §13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field"
#[test]
fn an_if_none_match_that_does_not_match_skips_if_modified_since() {
    assert_eq!(PAGE.status("GET", &[("If-Modified-Since", MODIFIED)]), 304);
    assert_eq!(PAGE.status("GET", &[("If-None-Match", V7), ("If-Modified-Since", MODIFIED)]), 200);
    assert_eq!(PAGE.status("GET", &[("If-None-Match", V9), ("If-Modified-Since", BEFORE)]), 304);
    // Present is present, even if it cannot be read.
    assert_eq!(PAGE.status("GET", &[("If-None-Match", "v9"), ("If-Modified-Since", MODIFIED)]), 200);
}

/// §13.1.3: "A recipient MUST ignore the If-Modified-Since header field if the received field value is not a valid HTTP-date,
/// the field value has more than one member, or if the request method is neither GET nor HEAD."
#[test]
fn if_modified_since_is_ignored_unless_it_is_one_date_on_get_or_head() {
    for value in ["yesterday", "", "1700000000", "Tue, 14 Nov 2023 22:13:20 GMT, Tue, 14 Nov 2023 22:13:20 GMT"] {
        assert_eq!(PAGE.status("GET", &[("If-Modified-Since", value)]), 200, "{value}");
    }
    assert_eq!(PAGE.status("GET", &[("If-Modified-Since", MODIFIED), ("If-Modified-Since", MODIFIED)]), 200);
    assert_eq!(PAGE.status("HEAD", &[("If-Modified-Since", MODIFIED)]), 304);
    assert_eq!(PAGE.status("DELETE", &[("If-Modified-Since", MODIFIED)]), 204);
    assert_eq!(PAGE.status("PUT", &[("If-Modified-Since", MODIFIED)]), 204);
    assert_eq!(PAGE.status("POST", &[("If-Modified-Since", MODIFIED)]), 201);
}

/// §13.1.3: "A recipient MUST ignore the If-Modified-Since header field if the resource does not have a modification date
/// available."
#[test]
fn if_modified_since_of_a_target_without_a_date_is_ignored() {
    assert_eq!(UNDATED.status("GET", &[("If-Modified-Since", AFTER)]), 200);
}

/// §13.1.3: "If the selected representation's last modification date is earlier or equal to the date provided in the field
/// value, the condition is false."
#[test]
fn if_modified_since_fails_up_to_its_own_second() {
    for (since, status) in [(BEFORE, 200), (MODIFIED, 304), (AFTER, 304)] {
        assert_eq!(PAGE.status("GET", &[("If-Modified-Since", since)]), status, "{since}");
    }
}

/// §13.1.4: "A recipient MUST ignore If-Unmodified-Since if the request contains an If-Match header field"
#[test]
fn if_match_skips_if_unmodified_since() {
    assert_eq!(PAGE.status("PUT", &[("If-Unmodified-Since", BEFORE)]), 412);
    assert_eq!(PAGE.status("PUT", &[("If-Match", "*"), ("If-Unmodified-Since", BEFORE)]), 204);
    assert_eq!(PAGE.status("PUT", &[("If-Match", V9), ("If-Unmodified-Since", BEFORE)]), 204);
    assert_eq!(PAGE.decide("PUT", &[("If-Match", V7), ("If-Unmodified-Since", AFTER)]).reason.id(), "if-match-failed");
}

/// §13.1.4: "A recipient MUST ignore the If-Unmodified-Since header field if the received field value is not a valid HTTP-date
/// (including when the field value appears to be a list of dates)."
#[test]
fn if_unmodified_since_is_ignored_unless_it_is_one_date() {
    for value in ["yesterday", "", "Tue, 14 Nov 2023 22:13:19 GMT, Tue, 14 Nov 2023 22:13:19 GMT"] {
        assert_eq!(PAGE.status("PUT", &[("If-Unmodified-Since", value)]), 204, "{value}");
    }
    assert_eq!(PAGE.status("PUT", &[("If-Unmodified-Since", BEFORE), ("If-Unmodified-Since", BEFORE)]), 204);
}

/// §13.1.4: "A recipient MUST ignore the If-Unmodified-Since header field if the resource does not have a modification date
/// available."
#[test]
fn if_unmodified_since_of_a_target_without_a_date_is_ignored() {
    assert_eq!(UNDATED.status("PUT", &[("If-Unmodified-Since", BEFORE)]), 204);
}

/// §13.1.4: "If the selected representation's last modification date is earlier than or equal to the date provided in the
/// field value, the condition is true."
#[test]
fn if_unmodified_since_holds_from_its_own_second_on() {
    for (since, status) in [(BEFORE, 412), (MODIFIED, 204), (AFTER, 204)] {
        assert_eq!(PAGE.status("DELETE", &[("If-Unmodified-Since", since)]), status, "{since}");
    }
}

/// §13.1.5: "A server MUST ignore an If-Range header field received in a request that does not contain a Range header field."
#[test]
fn if_range_without_range_is_ignored() {
    for value in [V7, V9, BEFORE, "nonsense"] {
        assert_eq!(PAGE.status("GET", &[("If-Range", value)]), 200, "{value}");
    }
}

/// §13.1.5: "If the HTTP-date validator provided exactly matches the Last-Modified field value for the selected
/// representation, the condition is true."
#[test]
fn a_date_in_if_range_matches_exactly_or_not_at_all() {
    for (since, status) in [(BEFORE, 200), (MODIFIED, 206), (AFTER, 200)] {
        assert_eq!(PAGE.status("GET", &[("Range", "bytes=0-9"), ("If-Range", since)]), status, "{since}");
    }
    assert_eq!(UNDATED.status("GET", &[("Range", "bytes=0-9"), ("If-Range", MODIFIED)]), 200);
}

/// §13.1.5: "If the entity-tag validator provided exactly matches the ETag field value for the selected representation using
/// the strong comparison function (Section 8.8.3.2), the condition is true."
#[test]
fn a_tag_in_if_range_matches_strongly() {
    let part = |tag| [("Range", "bytes=0-9"), ("If-Range", tag)];
    assert_eq!(PAGE.status("GET", &part(V9)), 206);
    assert_eq!(PAGE.status("GET", &part(V7)), 200);
    assert_eq!(PAGE.status("GET", &part(r#"W/"v9""#)), 200);
    assert_eq!(WEAK.status("GET", &part(V9)), 200);
    assert_eq!(WEAK.status("GET", &part(r#"W/"v9""#)), 200);
    assert_eq!(UNTAGGED.status("GET", &part(V9)), 200);
}

/// §13.1.5: "A recipient of an If-Range header field MUST ignore the Range header field if the If-Range condition evaluates to
/// false."
#[test]
fn a_stale_if_range_is_answered_whole_even_if_the_range_is_beyond_the_end() {
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=5000-")]), 416);
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=5000-"), ("If-Range", V9)]), 416);
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=5000-"), ("If-Range", V7)]), 200);
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=0-9"), ("If-Range", V9), ("If-Range", V9)]), 200);
}

/// §13.2.1: "A server MUST ignore all received preconditions if its response to the same request without those conditions,
/// prior to processing the request content, would have been a status code other than a 2xx (Successful) or 412 (Precondition
/// Failed)."
#[test]
fn conditions_do_not_hide_an_error() {
    for fields in [&[("If-Match", V9)], &[("If-Match", "*")], &[("If-None-Match", "*")]] {
        assert_eq!(NOTHING.status("GET", fields), 404);
        assert_eq!(NOTHING.status("HEAD", fields), 404);
        assert_eq!(NOTHING.status("DELETE", fields), 404);
        assert_eq!(PAGE.status("BREW", fields), 501);
        assert_eq!(PAGE.status("GET", &[fields[0], ("Accept", "image/png")]), 406);
        assert_eq!(PAGE.status("PUT", &[fields[0], ("Content-Type", "image/png")]), 415);
        assert_eq!(PAGE.status("PUT", &[fields[0], ("Content-Range", "bytes 0-9/10")]), 400);
    }
    // To PUT, that nothing is there is no error: it makes what is not there, unless the condition says otherwise.
    assert_eq!(NOTHING.status("PUT", &[]), 201);
    assert_eq!(NOTHING.status("PUT", &[("If-Match", V9)]), 412);
}

/// §13.2.1: "a server MUST ignore the conditional request header fields defined by this specification when received with a
/// request method that does not involve the selection or modification of a selected representation, such as CONNECT, OPTIONS,
/// or TRACE."
#[test]
fn conditions_on_options_connect_and_trace_are_ignored() {
    for fields in
        [("If-Match", V7), ("If-None-Match", "*"), ("If-Unmodified-Since", BEFORE), ("If-Modified-Since", AFTER)]
    {
        assert_eq!(PAGE.status("OPTIONS", &[fields]), 204, "{fields:?}");
        assert_eq!(PAGE.status("CONNECT", &[fields]), 405, "{fields:?}");
        assert_eq!(PAGE.status("TRACE", &[fields]), 405, "{fields:?}");
    }
}

/// §13.2.1: "A server that is not the origin server for the target resource and cannot act as a cache for requests on the
/// target resource MUST NOT evaluate the conditional request header fields defined by this specification"
#[test]
fn a_gateway_leaves_conditions_to_the_origin() {
    let mut facts = PAGE.facts(Method::Put, &[("If-Match", V7)]);
    assert_eq!(decide(&facts).status().code(), 412);
    facts.precondition.exempt = true;
    assert_eq!(decide(&facts).status().code(), 204);
}

/// §13.2.2: "A recipient cache or origin server MUST evaluate the request preconditions defined by this specification in the
/// following order"
#[test]
fn the_first_condition_that_fails_decides() {
    let id = |method, fields: Fields<'_>| PAGE.decide(method, fields).reason.id();
    assert_eq!(id("GET", &[("If-Match", V7), ("If-None-Match", V9)]), "if-match-failed");
    assert_eq!(id("GET", &[("If-Unmodified-Since", BEFORE), ("If-None-Match", V9)]), "if-unmodified-since-failed");
    assert_eq!(id("GET", &[("If-Match", V9), ("If-None-Match", V9)]), "tag-unchanged");
    assert_eq!(id("GET", &[("If-Match", V9), ("If-Modified-Since", MODIFIED)]), "date-unchanged");
    assert_eq!(id("GET", &[("If-Unmodified-Since", MODIFIED), ("If-Modified-Since", MODIFIED)]), "date-unchanged");
    assert_eq!(id("GET", &[("If-None-Match", V9), ("Range", "bytes=5000-")]), "tag-unchanged");
    assert_eq!(id("GET", &[("If-Match", V9), ("Range", "bytes=0-9")]), "part-served");
}
