//! RFC 9110 §8: Representation Data and Metadata.

use super::*;
use verdict_core::status::REGISTRY;

/// §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx (Informational) or 204
/// (No Content)."
#[test]
fn an_answer_that_cannot_have_content_has_no_length() {
    for entry in REGISTRY {
        let code = entry.status.code();
        assert_eq!(entry.status.forbids_length(), matches!(code, 100..200 | 204), "{code}");
    }
}

/// §8.8.2.2: a date is weak "unless it is possible to deduce that it is strong"
#[test]
fn a_date_of_this_very_second_is_weak() {
    for (now, holds) in [(MODIFIED, false), (AFTER, true)] {
        assert_eq!(if_range(MODIFIED.as_bytes(), None, Some(date(MODIFIED)), date(now)), holds, "{now}");
    }
}

/// §8.8.3: "the origin server MUST mark the entity tag as weak by prefixing its opaque value with "W/" (case-sensitive)."
#[test]
fn a_weak_tag_begins_with_a_capital_w() {
    assert!(EntityTag::parse(br#"W/"xyzzy""#).is_some_and(|tag| tag.weak && tag.opaque == b"xyzzy"));
    assert!(EntityTag::parse(br#""xyzzy""#).is_some_and(|tag| !tag.weak));
    assert!(EntityTag::parse(br#""""#).is_some_and(|tag| tag.opaque.is_empty()));
    assert!(EntityTag::parse(br#"w/"xyzzy""#).is_none());
    assert_eq!(EntityTag::parse(br#"W/"xyzzy""#).unwrap().to_string(), r#"W/"xyzzy""#);
}

/// §8.8.3.2, Table 3.
#[test]
fn tags_compare_as_in_the_table() {
    for (one, other, strongly, weakly) in [
        (r#"W/"1""#, r#"W/"1""#, false, true),
        (r#"W/"1""#, r#"W/"2""#, false, false),
        (r#"W/"1""#, r#""1""#, false, true),
        (r#""1""#, r#""1""#, true, true),
    ] {
        let [one, other] = [one, other].map(|tag| EntityTag::parse(tag.as_bytes()).expect("a tag"));
        assert_eq!((one.strong_eq(other), other.strong_eq(one)), (strongly, strongly), "{one} {other}");
        assert_eq!((one.weak_eq(other), other.weak_eq(one)), (weakly, weakly), "{one} {other}");
    }
}
