//! RFC 9110 §12: Content Negotiation.

use super::*;
use verdict_core::field::accept_encoding::Coding;
use verdict_core::status::Required;

fn quality(accept: &str, offer: &str) -> u16 {
    let offer = MediaType::parse(offer.as_bytes()).expect("a media type");
    Accept::new(Some(accept.as_bytes())).quality(offer)
}

fn coding(field: Option<&str>, available: &[Coding]) -> Option<Coding> {
    AcceptEncoding::parse(field.map(str::as_bytes)).best(available)
}

/// §12.4.2: "a value of 0 means "not acceptable". If no "q" parameter is present, the default weight is 1."
#[test]
fn weights_are_from_0_to_1_and_1_by_default() {
    for (accept, weight) in
        [("text/html", 1000), ("text/html;q=0.5", 500), ("text/html; q=0.123", 123), ("text/html;q=0", 0)]
    {
        assert_eq!(quality(accept, "text/html"), weight, "{accept}");
    }
    assert_eq!(PAGE.status("GET", &[("Accept", "text/html;q=0")]), 406);
}

/// §12.4.3: "If no wildcard is present, values that are not explicitly mentioned in the field are considered unacceptable."
#[test]
fn what_is_not_mentioned_is_not_acceptable() {
    assert_eq!(PAGE.status("GET", &[("Accept", "application/json")]), 406);
    assert_eq!(PAGE.status("GET", &[("Accept", "application/json, */*;q=0.1")]), 200);
    assert_eq!(PAGE.status("GET", &[("Accept", "text/*")]), 200);
    assert_eq!(PAGE.status("GET", &[("Accept", "application/json"), ("Accept", "text/html")]), 200);
    assert_eq!(PAGE.status("GET", &[]), 200);
}

/// §12.5.1: "If more than one media range applies to a given type, the most specific reference has precedence."
#[test]
fn the_most_specific_range_has_precedence() {
    let accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
    for (offer, weight) in [
        ("text/plain;format=flowed", 1000),
        ("text/plain", 700),
        ("text/html", 300),
        ("image/jpeg", 500),
        ("text/plain;format=fixed", 400),
    ] {
        assert_eq!(quality(accept, offer), weight, "{offer}");
    }
}

/// §12.5.3: "If no Accept-Encoding header field is in the request, any content coding is considered acceptable by the user agent."
/// Acceptable is not asked for: without the field nothing is coded, so that no client gets what it cannot read.
#[test]
fn without_accept_encoding_everything_is_acceptable() {
    let absent = AcceptEncoding::parse(None::<&[u8]>);
    assert!(Coding::ALL.into_iter().all(|coding| absent.quality(coding) > 0));
    assert_eq!(coding(None, &[Coding::Br, Coding::Gzip]), Some(Coding::Identity));
}

/// §12.5.3: "If the representation has no content coding, then it is acceptable by default unless specifically excluded by the
/// Accept-Encoding header field stating either "identity;q=0" or "*;q=0" without a more specific entry for "identity"."
#[test]
fn the_plain_form_is_acceptable_unless_it_is_excluded() {
    for (field, status) in [
        ("gzip", 200),
        ("", 200),
        ("*", 200),
        ("*;q=0, identity;q=0.1", 200),
        ("identity;q=0", 406),
        ("*;q=0", 406),
        ("gzip, *;q=0", 406),
    ] {
        assert_eq!(PAGE.status("GET", &[("Accept-Encoding", field)]), status, "{field}");
    }
}

/// §12.5.3: "If the representation's content coding is one of the content codings listed in the Accept-Encoding field value, then
/// it is acceptable unless it is accompanied by a qvalue of 0."
/// §12.5.3: "the acceptable content coding with the highest non-zero qvalue is preferred."
#[test]
fn the_acceptable_coding_of_most_weight_is_preferred() {
    let both = [Coding::Br, Coding::Gzip];
    assert_eq!(coding(Some("gzip"), &both), Some(Coding::Gzip));
    assert_eq!(coding(Some("gzip;q=1, br;q=0.5"), &both), Some(Coding::Gzip));
    assert_eq!(coding(Some("gzip;q=0.5, br;q=1.0"), &both), Some(Coding::Br));
    assert_eq!(coding(Some("gzip;q=0, br;q=0"), &both), Some(Coding::Identity));
    assert_eq!(coding(Some("GZIP"), &both), Some(Coding::Gzip));
}

/// §12.5.3: "Servers that fail a request due to an unsupported content coding ought to respond with a 415 (Unsupported Media
/// Type) status and include an Accept-Encoding header field in that response"
#[test]
fn a_coding_that_is_not_taken_is_415_with_accept_encoding() {
    let fields = [("Content-Encoding", "gzip")];
    assert_eq!(PAGE.status("PUT", &fields), 415);
    assert_eq!(PAGE.respond("PUT", &fields).required, [Required::AcceptEncoding]);
}

/// §12.5.3: "servers that fail a request with a 415 status for reasons unrelated to content codings MUST NOT include the
/// Accept-Encoding header field."
#[test]
fn a_media_type_that_is_not_taken_is_415_without_accept_encoding() {
    let fields = [("Content-Type", "image/png")];
    assert_eq!(PAGE.status("PUT", &fields), 415);
    assert!(!PAGE.respond("PUT", &fields).required.contains(&Required::AcceptEncoding));
}
