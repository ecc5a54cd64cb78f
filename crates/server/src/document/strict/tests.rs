//! The language that is taken: by hand where it ends, and beside `serde_json` where it does not matter where.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

#[test]
fn what_every_reader_reads_alike_is_taken() {
    let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
    for text in [
        "null",
        " \t\r\n[ ] ",
        "{}",
        r#"{"a":[1,-0,0.50,1e2,-1E+2,1e-999,true,false],"b":{"a":""}}"#,
        r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"]"#,
        "9007199254740991",
        "-9007199254740991",
        "9007199254740993.0",
        "12345678901234567890.5",
        "1.7976931348623157e308",
        "\"\u{7f}\u{feff}\"",
        &deepest,
    ] {
        assert_eq!(check(text.as_bytes()), Ok(text));
    }
}

#[test]
fn a_fault_has_its_place_and_says_what_is_wrong() {
    let deep = format!("{}\n{}", "[".repeat(64), "[]");
    for (text, kind, line, column, what) in [
        ("", Kind::Malformed, 1, 1, "a value is expected here, and not the end"),
        ("\u{feff}{}", Kind::Malformed, 1, 1, "a byte order mark is no part of JSON"),
        ("{} x", Kind::Malformed, 1, 4, "nothing more is expected here, and not `x`"),
        ("[1,]", Kind::Malformed, 1, 4, "a value is expected here, and not `]`"),
        ("[1 2]", Kind::Malformed, 1, 4, "`,` or `]` is expected here, and not `2`"),
        ("[1}", Kind::Malformed, 1, 3, "`,` or `]` is expected here, and not `}`"),
        ("[}", Kind::Malformed, 1, 2, "a value is expected here, and not `}`"),
        ("{]", Kind::Malformed, 1, 2, "a key in quotes or `}` is expected here, and not `]`"),
        ("{\"a\":1,}", Kind::Malformed, 1, 8, "a key in quotes is expected here, and not `}`"),
        ("{\"a\" 1}", Kind::Malformed, 1, 6, "`:` is expected here, and not `1`"),
        ("{\"a\":1\r\n\t\"é\" 2}", Kind::Malformed, 2, 2, "`,` or `}` is expected here, and not `\"`"),
        ("[\"é\",\u{a0}1]", Kind::Malformed, 1, 6, "a value is expected here, and not `\\u{a0}`"),
        ("[\n\n  tru]", Kind::Malformed, 3, 3, "a value is expected here, and not `t`"),
        ("[nan]", Kind::Malformed, 1, 2, "a value is expected here, and not `n`"),
        ("'a'", Kind::Malformed, 1, 1, "a value is expected here, and not `'`"),
        ("\"a", Kind::Malformed, 1, 3, "`\"` is expected here, and not the end"),
        ("\"a\nb\"", Kind::Malformed, 1, 3, "a control character in a string has to be escaped"),
        ("\"\\x\"", Kind::Malformed, 1, 2, "`\\` is followed by one of `\"\\/bfnrtu`"),
        ("\"\\u12g4\"", Kind::Malformed, 1, 2, "`\\u` wants four hexadecimal digits"),
        ("\"\\u+123\"", Kind::Malformed, 1, 2, "`\\u` wants four hexadecimal digits"),
        ("\"\\ud800\"", Kind::Malformed, 1, 2, "half of a surrogate pair is no character"),
        ("\"\\ud800\\ud800\"", Kind::Malformed, 1, 2, "half of a surrogate pair is no character"),
        ("\"é\\udc00\"", Kind::Malformed, 1, 3, "half of a surrogate pair is no character"),
        ("-", Kind::Malformed, 1, 2, "a digit is expected here, and not the end"),
        ("+1", Kind::Malformed, 1, 1, "a value is expected here, and not `+`"),
        ("-01", Kind::Malformed, 1, 2, "a number does not begin with a zero that says nothing"),
        ("1.", Kind::Malformed, 1, 3, "a digit is expected here, and not the end"),
        (".5", Kind::Malformed, 1, 1, "a value is expected here, and not `.`"),
        ("1e+", Kind::Malformed, 1, 4, "a digit is expected here, and not the end"),
        ("{\"a\":1,\n \"a\":2}", Kind::KeyRepeated, 2, 2, "the key `a` is there for the second time"),
        ("{\"a\":1,\"\\u0061\":2}", Kind::KeyRepeated, 1, 8, "the key `a` is there for the second time"),
        ("[{\"a\":{\"a\":1},\"a\":2}]", Kind::KeyRepeated, 1, 15, "the key `a` is there for the second time"),
        (&deep, Kind::TooDeep, 2, 1, "this is nested 65 deep, and 64 is the most"),
        (
            "[9007199254740992]",
            Kind::NumberTooLarge,
            1,
            2,
            "an integer beyond ±(2^53 - 1) is not held exactly by every reader",
        ),
        (
            "-123456789012345678901234567890",
            Kind::NumberTooLarge,
            1,
            1,
            "an integer beyond ±(2^53 - 1) is not held exactly by every reader",
        ),
        ("[0, -1e400]", Kind::NumberTooLarge, 1, 5, "the number is beyond what a double holds"),
    ] {
        let fault = check(text.as_bytes()).expect_err(text);
        assert_eq!((fault.kind, fault.line, fault.column, &*fault.what), (kind, line, column, what), "{text}");
    }
}

#[test]
fn what_is_not_utf8_is_found_where_it_is() {
    for (content, offset, column) in [(&b"\"\xc3\xa9\xff\""[..], 3, 3), (b"\xff", 0, 1), (b"\"\xed\xa0\x80\"", 1, 2)] {
        let fault = check(content).expect_err("not UTF-8");
        assert_eq!((fault.kind, fault.offset, fault.line, fault.column), (Kind::Malformed, offset, 1, column));
    }
}

#[test]
fn a_long_key_is_cut_in_the_sentence() {
    let key = "é".repeat(1000);
    let fault = check(format!("{{\"{key}\":1,\"{key}\":2}}").as_bytes()).expect_err("twice");
    assert!(fault.what.len() < 128, "{fault}");
}

#[test]
fn a_string_says_what_serde_json_says_that_it_says() {
    for string in [
        r#""""#,
        r#""plain""#,
        r#""\\\\n\n""#,
        r#""\\""#,
        r#""a\u0041\ud83d\ude00z""#,
        r#""\/\"\b\f\r\t""#,
        r#""\\u0041""#,
    ] {
        check(string.as_bytes()).expect(string);
        assert_eq!(unquoted(string), serde_json::from_str::<String>(string).unwrap(), "{string}");
    }
}

proptest! {
    /// Parts that matter put together anyhow: what is taken, `serde_json` takes; what is malformed, it does not.
    #[test]
    fn the_language_is_that_of_serde_json_but_for_the_rules_on_top(parts in prop::collection::vec(select(PARTS), 0..12)) {
        let text = parts.concat();
        let read = serde_json::from_str::<Value>(&text);
        match check(text.as_bytes()) {
            Ok(_) => prop_assert!(read.is_ok(), "{text}"),
            Err(fault) if fault.kind == Kind::Malformed => prop_assert!(read.is_err(), "{text}: {fault}"),
            Err(_) => {}
        }
    }

    #[test]
    fn what_serde_json_writes_is_taken(keys in prop::collection::vec(".*", 0..8), number in -1e300..1e300_f64) {
        let object = keys.iter().map(|key| (key.clone(), Value::from(vec![Value::from(key.as_str()), Value::from(number)])));
        let text = Value::Object(object.collect()).to_string();
        prop_assert_eq!(check(text.as_bytes()), Ok(text.as_str()));
    }
}

const PARTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "{\"a\":",
    "\"a\"",
    "\"b\"",
    "\"\\u0061\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\",
    "\"",
    "1",
    "-",
    "0",
    ".5",
    "e5",
    "E-7",
    "9007199254740992",
    "true",
    "null",
    " ",
    "\n",
    "é",
    "\u{feff}",
    "\t",
];
