//! RFC 9110 §5: Fields.

use super::*;
use verdict_core::field::list::{elements, trim};
use verdict_core::field::parameters::Parameters;

/// §5.4: "A server that receives a request header field line, field value, or set of fields larger than it wishes to process
/// MUST respond with an appropriate 4xx (Client Error) status code."
#[test]
fn fields_that_are_too_large_are_refused() {
    for fault in [Malformed::HeadTooLarge, Malformed::TooManyFields] {
        let facts = Facts { arrive: Arrive { fault: Some(fault), ..Arrive::default() }, ..Facts::default() };
        assert_eq!(decide(&facts).status().code(), 431);
    }
}

/// §5.5: "A field value does not include leading or trailing whitespace."
#[test]
fn white_space_around_a_value_is_not_the_value() {
    for text in ["v", " v", "v ", "\t v \t"] {
        assert_eq!(trim(text.as_bytes()), b"v");
    }
}

/// §5.5: "a recipient of CR, LF, or NUL within a field value MUST either reject the message or replace each of those characters
/// with SP before further processing or forwarding of that message."
#[test]
fn cr_lf_and_nul_are_refused() {
    for fault in [Malformed::BareCr, Malformed::BareLf, Malformed::NulByte] {
        let facts = Facts { arrive: Arrive { fault: Some(fault), ..Arrive::default() }, ..Facts::default() };
        assert_eq!(decide(&facts).status().code(), 400);
    }
}

/// §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list elements"
#[test]
fn empty_elements_of_a_list_are_ignored() {
    for value in ["foo,bar", "foo ,bar,", "foo , ,bar,charlie"] {
        let found: Vec<&[u8]> = elements(Some(value.as_bytes())).take(2).collect();
        assert_eq!(found, [b"foo", b"bar"], "{value}");
    }
    assert_eq!(elements(Some(&b" , ,,"[..])).count(), 0);
    assert_eq!(PAGE.status("GET", &[("If-None-Match", r#",, "v7",, "v9" ,"#)]), 304);
}

/// §5.6.4: "Recipients that process the value of a quoted-string MUST handle a quoted-pair as if it were replaced by the octet
/// following the backslash."
#[test]
fn a_quoted_pair_is_the_octet_after_the_backslash() {
    let parameters = Parameters::parse(br#";name="a\"b\c""#).expect("parameters");
    assert!(parameters.get("name").expect("a value").is("a\"bc"));
}

/// §5.6.7: "A recipient that parses a timestamp value in an HTTP field MUST accept all three HTTP-date formats."
#[test]
fn all_three_formats_of_a_date_are_read() {
    for text in ["Tue, 14 Nov 2023 22:13:20 GMT", "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"] {
        assert_eq!(date(text), date(MODIFIED), "{text}");
        assert_eq!(PAGE.status("GET", &[("If-Modified-Since", text)]), 304, "{text}");
    }
}

/// §5.6.7: "When a sender generates a field that contains one or more timestamps defined as HTTP-date, the sender MUST generate
/// those timestamps in the IMF-fixdate format."
#[test]
fn a_date_is_written_as_imf_fixdate() {
    assert_eq!(date("Tuesday, 14-Nov-23 22:13:20 GMT").to_imf_fixdate(), MODIFIED.as_bytes());
}

/// §5.6.7: "Recipients of a timestamp value in rfc850-date format, which uses a two-digit year, MUST interpret a timestamp that
/// appears to be more than 50 years in the future as representing the most recent year in the past that had the same last two
/// digits."
#[test]
fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
    // It is June 2025.
    let in_2075 = date("Sunday, 06-Jan-75 08:49:37 GMT");
    assert_eq!(in_2075, date("Sun, 06 Jan 2075 08:49:37 GMT"));
    let in_1976 = date("Tuesday, 06-Jan-76 08:49:37 GMT");
    assert_eq!(in_1976, date("Tue, 06 Jan 1976 08:49:37 GMT"));
}
