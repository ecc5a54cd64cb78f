//! RFC 9110 §14: Range Requests.

use super::*;
use verdict_core::field::content_range::ContentRange;
use verdict_core::status::Required;

fn resolved(range: &str, length: u64) -> Resolved {
    Range::parse(range.as_bytes()).expect(range).resolve(length)
}

fn part(range: &str, length: u64) -> (u64, u64) {
    match resolved(range, length) {
        Resolved::One(part) => (part.first, part.last),
        other => panic!("{range}: {other:?}"),
    }
}

/// §14.1.1: "An int-range is invalid if the last-pos value is present and less than the first-pos."
/// §14.1.1: "A ranges-specifier is invalid if it contains any range-spec that is invalid or undefined for the indicated
/// range-unit."
#[test]
fn a_range_that_is_invalid_in_any_part_is_no_range() {
    for range in
        ["bytes=9-0", "bytes=0-9,9-0", "bytes=a-b", "bytes=-", "bytes=", "bytes=0-9,x", "bytes 0-9", "bytes=1.2-4.3"]
    {
        assert!(Range::parse(range.as_bytes()).is_none(), "{range}");
        assert_eq!(PAGE.status("GET", &[("Range", range)]), 200, "{range}");
    }
}

/// §14.1.1: "A valid ranges-specifier is satisfiable if it contains at least one range-spec that is satisfiable"
#[test]
fn one_satisfiable_range_is_enough() {
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=5000-6000,0-9")]), 206);
    assert_eq!(PAGE.status("GET", &[("Range", "bytes=5000-6000,7000-")]), 416);
}

/// §14.1.2: "the byte positions specified are inclusive. Byte offsets start at zero."
#[test]
fn positions_are_inclusive_and_count_from_zero() {
    assert_eq!(part("bytes=0-499", 10_000), (0, 499));
    assert_eq!(part("bytes=500-999", 10_000), (500, 999));
    assert_eq!(part("bytes=0-0", 10_000), (0, 0));
}

/// §14.1.2: "If the last-pos value is absent, or if the value is greater than or equal to the current length of the
/// representation data, the byte range is interpreted as the remainder of the representation"
#[test]
fn a_range_past_the_end_is_the_remainder() {
    assert_eq!(part("bytes=9500-", 10_000), (9500, 9999));
    assert_eq!(part("bytes=9500-10000", 10_000), (9500, 9999));
    assert_eq!(part("bytes=9500-99999", 10_000), (9500, 9999));
}

/// §14.1.2: "If the selected representation is shorter than the specified suffix-length, the entire representation is used."
#[test]
fn a_suffix_that_is_too_long_is_everything() {
    assert_eq!(part("bytes=-500", 10_000), (9500, 9999));
    assert_eq!(part("bytes=-20000", 10_000), (0, 9999));
}

/// §14.1.2: "a valid bytes range-spec is satisfiable if it is either: an int-range with a first-pos that is less than the
/// current length of the selected representation or a suffix-range with a non-zero suffix-length."
#[test]
fn a_range_is_satisfiable_if_something_of_it_is_there() {
    for (range, status) in [("999-", 206), ("1000-", 416), ("1000-1000", 416), ("-1", 206), ("-0", 416)] {
        assert_eq!(PAGE.status("GET", &[("Range", &format!("bytes={range}"))]), status, "{range}");
    }
}

/// §14.1.2: "recipients MUST anticipate potentially large decimal numerals and prevent parsing errors due to integer
/// conversion overflows."
#[test]
fn a_number_of_any_length_is_a_number() {
    let huge = "9".repeat(100);
    assert_eq!(part(&format!("bytes=0-{huge}"), 10_000), (0, 9999));
    assert_eq!(part(&format!("bytes=-{huge}"), 10_000), (0, 9999));
    assert_eq!(resolved(&format!("bytes={huge}-"), 10_000), Resolved::Unsatisfiable);
    assert_eq!(resolved("bytes=18446744073709551616-18446744073709551617", 10_000), Resolved::Unsatisfiable);
}

/// §14.2: "A server MUST ignore a Range header field received with a request method that is unrecognized or for which range
/// handling is not defined. For this specification, GET is the only method for which range handling is defined."
#[test]
fn range_is_for_get_alone() {
    for range in ["bytes=0-9", "bytes=0-9,500-509", "bytes=5000-"] {
        assert_eq!(PAGE.status("HEAD", &[("Range", range)]), 200, "{range}");
        assert_eq!(PAGE.status("POST", &[("Range", range)]), 201, "{range}");
        assert_eq!(PAGE.status("PUT", &[("Range", range)]), 204, "{range}");
        assert_eq!(PAGE.status("DELETE", &[("Range", range)]), 204, "{range}");
        assert_eq!(PAGE.status("BREW", &[("Range", range)]), 501, "{range}");
    }
}

/// §14.2: "An origin server MUST ignore a Range header field that contains a range unit it does not understand."
#[test]
fn a_unit_that_is_not_known_is_ignored() {
    for range in ["seconds=0-9", "items=5000-", "byte=0-9", "=0-9"] {
        assert_eq!(PAGE.status("GET", &[("Range", range)]), 200, "{range}");
    }
    // §14.1: "Range unit names are case-insensitive".
    assert_eq!(PAGE.status("GET", &[("Range", "Bytes=0-9")]), 206);
}

/// §14.2: "The Range header field is evaluated after evaluating the precondition header fields defined in Section 13.1, and
/// only if the result in absence of the Range header field would be a 200 (OK) response."
#[test]
fn range_is_of_what_would_be_200() {
    let beyond = ("Range", "bytes=5000-");
    assert_eq!(PAGE.status("GET", &[beyond, ("If-None-Match", r#""v9""#)]), 304);
    assert_eq!(PAGE.status("GET", &[beyond, ("If-Match", r#""v7""#)]), 412);
    assert_eq!(NOTHING.status("GET", &[beyond]), 404);
}

/// §14.2: "that ranges-specifier is satisfiable with respect to the selected representation, the server SHOULD send a 206
/// (Partial Content) response"
#[test]
fn a_satisfiable_range_is_206() {
    assert_eq!(PAGE.decide("GET", &[("Range", "bytes=0-9")]).reason.id(), "part-served");
    assert_eq!(PAGE.decide("GET", &[("Range", "bytes=0-9,500-509")]).reason.id(), "parts-served");
}

/// §14.2: "the ranges-specifier is unsatisfiable with respect to the selected representation, the server SHOULD send a 416
/// (Range Not Satisfiable) response."
#[test]
fn an_unsatisfiable_range_is_416_with_the_length() {
    let fields = [("Range", "bytes=5000-")];
    assert_eq!(PAGE.status("GET", &fields), 416);
    assert_eq!(PAGE.respond("GET", &fields).required, [Required::ContentRange]);
    let field = ContentRange::Unsatisfied { complete: 1000 }.to_string();
    assert_eq!(field, "bytes */1000");
}

/// §14.4: "A Content-Range field value is invalid if it contains a range-resp that has a last-pos value less than its first-pos
/// value, or a complete-length value less than or equal to its last-pos value."
#[test]
fn a_content_range_that_contradicts_itself_is_invalid() {
    for value in ["bytes 9-0/10", "bytes 0-9/9", "bytes 0-10/10", "bytes 0-9", "bytes */*"] {
        assert_eq!(ContentRange::parse(value.as_bytes()), None, "{value}");
    }
    for value in ["bytes 0-9/10", "bytes 42-1233/1234", "bytes 42-1233/*", "bytes */1234"] {
        let parsed = ContentRange::parse(value.as_bytes()).expect(value);
        assert_eq!(parsed.to_string(), value);
    }
}

/// §14.4: "A server MUST ignore a Content-Range header field received in a request with a method for which Content-Range
/// support is not defined."
#[test]
fn content_range_means_nothing_to_get_post_or_delete() {
    for (method, status) in [("GET", 200), ("HEAD", 200), ("POST", 201), ("DELETE", 204)] {
        assert_eq!(PAGE.status(method, &[("Content-Range", "bytes 0-9/10")]), status, "{method}");
    }
}

/// §14.5: "An origin server SHOULD respond with a 400 (Bad Request) status code if it receives Content-Range on a PUT for a
/// target resource that does not support partial PUT requests."
#[test]
fn content_range_on_put_is_400() {
    let verdict = PAGE.decide("PUT", &[("Content-Range", "bytes 0-9/10")]);
    assert_eq!((verdict.status().code(), verdict.reason.id()), (400, "content-range-on-put"));
}
