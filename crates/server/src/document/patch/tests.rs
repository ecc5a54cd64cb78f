//! The examples of both RFCs in full, and what they leave open.

use super::*;
use serde_json::Value;

const ROOMY: usize = 1 << 20;
/// Bytes of a number that is compared no more.
const MOST_COMPARED: usize = 1 << 25;

fn tree(text: &str) -> Tree<'_> {
    Tree::read(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

/// RFC 7396 Appendix A
#[test]
fn each_merge_of_the_rfc_comes_to_what_it_says() {
    for (original, patch, result) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, r#"null"#, r#"null"#),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        // RFC 7396 §3
        (
            r#"{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"This will be unchanged"}"#,
            r#"{"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]}"#,
            r#"{"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"This will be unchanged","phoneNumber":"+01-123-456-7890"}"#,
        ),
    ] {
        assert_eq!(merge(tree(original), tree(patch), ROOMY).as_deref(), Ok(result), "{patch}");
    }
}

#[test]
fn what_no_patch_touches_stays_as_it_was_written() {
    let document = r#"{"z": 1.0, "y": 1e2, "x": 12345678901234567890.50, "w": "\u0061\/", "v": [1.10], "a": 0}"#;
    let kept = r#"{"z":1.0,"y":1e2,"x":12345678901234567890.50,"w":"\u0061\/","v":[1.10],"a":7}"#;
    assert_eq!(merge(tree(document), tree(r#"{"a":7}"#), ROOMY).as_deref(), Ok(kept));
    let patch = r#"[{"op":"replace","path":"/a","value":7}]"#;
    assert_eq!(apply(tree(document), &tree(patch), ROOMY).as_deref(), Ok(kept));
    let patch = r#"[{"op":"remove","path":"/a"},{"op":"move","from":"/z","path":"/v/0"},{"op":"copy","from":"/y","path":"/b"}]"#;
    let moved = r#"{"y":1e2,"x":12345678901234567890.50,"w":"\u0061\/","v":[1.0,1.10],"b":1e2}"#;
    assert_eq!(apply(tree(document), &tree(patch), ROOMY).as_deref(), Ok(moved));
}

/// RFC 6902 Appendix A; A.13, an operation with `op` twice, is no JSON that is read.
#[test]
fn each_patch_of_the_rfc_comes_to_what_it_says() {
    for (example, document, patch, result) in [
        (
            "A.1",
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
            Ok(r#"{"foo":"bar","baz":"qux"}"#),
        ),
        (
            "A.2",
            r#"{"foo":["bar","baz"]}"#,
            r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
            Ok(r#"{"foo":["bar","qux","baz"]}"#),
        ),
        ("A.3", r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"remove","path":"/baz"}]"#, Ok(r#"{"foo":"bar"}"#)),
        (
            "A.4",
            r#"{"foo":["bar","qux","baz"]}"#,
            r#"[{"op":"remove","path":"/foo/1"}]"#,
            Ok(r#"{"foo":["bar","baz"]}"#),
        ),
        (
            "A.5",
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
            Ok(r#"{"baz":"boo","foo":"bar"}"#),
        ),
        (
            "A.6",
            r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
            r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            Ok(r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#),
        ),
        (
            "A.7",
            r#"{"foo":["all","grass","cows","eat"]}"#,
            r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
            Ok(r#"{"foo":["all","cows","eat","grass"]}"#),
        ),
        (
            "A.8",
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
            r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
            Ok(r#"{"baz":"qux","foo":["a",2,"c"]}"#),
        ),
        ("A.9", r#"{"baz":"qux"}"#, r#"[{"op":"test","path":"/baz","value":"bar"}]"#, Err(Kind::TestFailed)),
        (
            "A.10",
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            Ok(r#"{"foo":"bar","child":{"grandchild":{}}}"#),
        ),
        (
            "A.11",
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
            Ok(r#"{"foo":"bar","baz":"qux"}"#),
        ),
        ("A.12", r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, Err(Kind::NotApplicable)),
        ("A.14", r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":10}]"#, Ok(r#"{"/":9,"~1":10}"#)),
        ("A.15", r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":"10"}]"#, Err(Kind::TestFailed)),
        (
            "A.16",
            r#"{"foo":["bar"]}"#,
            r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
            Ok(r#"{"foo":["bar",["abc","def"]]}"#),
        ),
    ] {
        let found = apply(tree(document), &tree(patch), ROOMY);
        assert_eq!(found.as_deref().map_err(|refusal| refusal.kind), result, "{example}");
    }
    let twice = r#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#;
    let fault = Tree::read(twice.as_bytes()).expect_err("A.13");
    assert_eq!(fault.kind.cause(), Rejected::JsonKeyRepeated);
}

#[test]
fn each_operation_does_what_it_is_for_at_the_ends_too() {
    for (document, patch, result) in [
        (r#"[1]"#, r#"[]"#, r#"[1]"#),
        (r#"[1]"#, r#"[{"op":"add","path":"","value":{"a":null}}]"#, r#"{"a":null}"#),
        (r#"[1]"#, r#"[{"op":"replace","path":"","value":2}]"#, r#"2"#),
        (r#"[1]"#, r#"[{"op":"add","path":"/1","value":2}]"#, r#"[1,2]"#),
        (r#"[1]"#, r#"[{"op":"add","path":"/0","value":null}]"#, r#"[null,1]"#),
        (r#"{"a":1,"b":2}"#, r#"[{"op":"add","path":"/a","value":3}]"#, r#"{"a":3,"b":2}"#),
        (r#"{"a":1}"#, r#"[{"op":"add","path":"/","value":3}]"#, r#"{"a":1,"":3}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, r#"{"a":[1]}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"move","from":"/a/0","path":"/a"}]"#, r#"{"a":1}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"move","from":"/a","path":""}]"#, r#"[1]"#),
        (r#"{"a":[1]}"#, r#"[{"op":"copy","from":"","path":"/a/-"}]"#, r#"{"a":[1,{"a":[1]}]}"#),
        (r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/a~1b"}]"#, r#"{"a":1,"a/b":1}"#),
        (r#"[1]"#, r#"[{"\u006fp":"\u0061dd","path":"\/-","value":2}]"#, r#"[1,2]"#),
    ] {
        let found = apply(tree(document), &tree(patch), ROOMY);
        assert_eq!(found.as_deref(), Ok(result), "{patch}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_its_operation_and_its_place() {
    for (document, patch, kind, operation, pointer, why) in [
        (r#"{}"#, r#"{}"#, Kind::NotAPatch, None, "", "a JSON Patch is an array of operations"),
        (r#"{}"#, r#"[1]"#, Kind::NotAPatch, Some(0), "/0", "an operation is an object"),
        (r#"{}"#, r#"[{}]"#, Kind::NotAPatch, Some(0), "/0/op", "an operation of its kind has `op`"),
        (r#"{}"#, r#"[{"op":1}]"#, Kind::NotAPatch, Some(0), "/0/op", "`op` is a string"),
        (r#"{}"#, r#"[{"op":"Add","path":""}]"#, Kind::NotAPatch, Some(0), "/0/op", "there is no operation `Add`"),
        (
            r#"{}"#,
            r#"[{"op":"add","path":"/a"}]"#,
            Kind::NotAPatch,
            Some(0),
            "/0/value",
            "an operation of its kind has `value`",
        ),
        (r#"{}"#, r#"[{"op":"remove"}]"#, Kind::NotAPatch, Some(0), "/0/path", "an operation of its kind has `path`"),
        (
            r#"{}"#,
            r#"[{"op":"copy","path":"/a"}]"#,
            Kind::NotAPatch,
            Some(0),
            "/0/from",
            "an operation of its kind has `from`",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":2},{"op":"remove","path":"a"}]"#,
            Kind::NotAPatch,
            Some(1),
            "/1/path",
            "a JSON Pointer begins with `/`, or is empty for the whole document",
        ),
        (r#"{}"#, r#"[{"op":"remove","path":"/a"}]"#, Kind::NotApplicable, Some(0), "/a", "there is no member `a`"),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":1},{"op":"replace","path":"/b","value":1}]"#,
            Kind::NotApplicable,
            Some(1),
            "/b",
            "there is no member `b`",
        ),
        (
            r#"[1]"#,
            r#"[{"op":"add","path":"/2","value":1}]"#,
            Kind::NotApplicable,
            Some(0),
            "/2",
            "an array of 1 has no place `2`",
        ),
        (
            r#"[1]"#,
            r#"[{"op":"add","path":"/01","value":1}]"#,
            Kind::NotApplicable,
            Some(0),
            "/01",
            "an array of 1 has no place `01`",
        ),
        (
            r#"[1]"#,
            r#"[{"op":"remove","path":"/-"}]"#,
            Kind::NotApplicable,
            Some(0),
            "/-",
            "an array of 1 has no place `-`",
        ),
        (
            r#"[1]"#,
            r#"[{"op":"add","path":"/0/a","value":1}]"#,
            Kind::NotApplicable,
            Some(0),
            "/0/a",
            "`a` is within what is neither array nor object",
        ),
        (
            r#"[1]"#,
            r#"[{"op":"remove","path":""}]"#,
            Kind::NotApplicable,
            Some(0),
            "",
            "the whole document cannot be removed by a patch",
        ),
        (
            r#"{"a":{}}"#,
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            Kind::NotApplicable,
            Some(0),
            "/a/b",
            "a value cannot be moved into itself",
        ),
        (
            r#"{}"#,
            r#"[{"op":"move","from":"/a","path":"/a"}]"#,
            Kind::NotApplicable,
            Some(0),
            "/a",
            "there is no member `a`",
        ),
        (
            r#"{}"#,
            r#"[{"op":"test","path":"/a","value":null}]"#,
            Kind::TestFailed,
            Some(0),
            "/a",
            "there is no member `a`",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/a","value":2}]"#,
            Kind::TestFailed,
            Some(0),
            "/a",
            "another value is there",
        ),
    ] {
        let refusal = apply(tree(document), &tree(patch), ROOMY).expect_err(patch);
        let found = (refusal.kind, refusal.operation, refusal.pointer.as_str(), refusal.why.as_str());
        assert_eq!(found, (kind, operation, pointer, why), "{patch}");
    }
}

#[test]
fn a_test_compares_what_is_meant_and_not_how_it_is_written() {
    for (a, b, equal) in [
        ("1", "1.0", true),
        ("100", "1e2", true),
        ("-0", "0.00", true),
        ("0e5", "0", true),
        ("0.01", "1E-2", true),
        ("12345678901234567890.5", "12345678901234567890.6", false),
        ("1", "-1", false),
        ("10", "1", false),
        ("1e-5", "1e5", false),
        (r#""\u0061""#, r#""a""#, true),
        (r#""1""#, "1", false),
        ("[1,2]", "[2,1]", false),
        ("[1]", "[1,1]", false),
        (r#"{"a":1,"b":[2.0]}"#, r#"{"b":[2],"a":1.0}"#, true),
        (r#"{"a":1}"#, r#"{"b":1}"#, false),
        (r#"{"a":null}"#, r#"{}"#, false),
        ("true", "false", false),
        ("null", "null", true),
        ("[]", "{}", false),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            let patch = format!(r#"[{{"op":"test","path":"","value":{b}}}]"#);
            assert_eq!(apply(tree(a), &tree(&patch), ROOMY).is_ok(), equal, "{a} {b}");
        }
    }
}

#[test]
fn what_a_patch_may_cost_is_bounded() {
    let doubling = format!("[{}]", vec![r#"{"op":"copy","from":"","path":"/-"}"#; 40].join(","));
    let refusal = apply(tree("[0]"), &tree(&doubling), 4096).expect_err("it doubles each time");
    assert_eq!((refusal.kind, refusal.operation), (Kind::TooLarge, Some(10)), "{refusal}");

    let deepest = |brackets: usize| format!("{}{}", "[".repeat(brackets), "]".repeat(brackets));
    for (document, kind) in [(deepest(63), None), (deepest(64), Some(Kind::NotApplicable))] {
        let bottom = "/0".repeat(document.len() / 2 - 1);
        let nesting = format!(r#"[{{"op":"add","path":"{bottom}/0","value":[]}}]"#);
        assert_eq!(apply(tree(&document), &tree(&nesting), ROOMY).err().map(|refusal| refusal.kind), kind);
    }

    let many = format!("[{}]", vec![r#"{"op":"test","path":"","value":0}"#; MOST_OPERATIONS + 1].join(","));
    assert_eq!(apply(tree("0"), &tree(&many), ROOMY).map_err(|r| r.kind), Err(Kind::TooMuch));

    let zeros = format!("[{}0]", "0,".repeat(100_000));
    let shifting = format!("[{}]", vec![r#"{"op":"add","path":"/0","value":0}"#; 1000].join(","));
    assert_eq!(apply(tree(&zeros), &tree(&shifting), ROOMY).map_err(|r| r.kind), Err(Kind::TooMuch));
    let long = format!("0.{}", "1".repeat(MOST_COMPARED));
    let comparing = format!("[{}]", [r#"{"op":"test","path":"","value":0.1}"#; 2].join(","));
    assert_eq!(apply(tree(&long), &tree(&comparing), usize::MAX).map_err(|r| r.kind), Err(Kind::TooMuch));
}

#[test]
fn the_result_of_a_patch_has_the_size_that_is_asked_for_at_most() {
    for (document, patch, result) in [
        (r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":22}]"#, r#"{"a":1,"b":22}"#),
        (r#"{"a":"xxxxxxxxxxxx"}"#, r#"[{"op":"replace","path":"","value":"xxxxxxxxxxxx"}]"#, r#""xxxxxxxxxxxx""#),
    ] {
        assert_eq!(apply(tree(document), &tree(patch), result.len()).as_deref(), Ok(result));
        assert_eq!(apply(tree(document), &tree(patch), result.len() - 1).map_err(|r| r.kind), Err(Kind::TooLarge));
    }
    let (document, patch, result) = (r#"{"a":1}"#, r#"{"b":22}"#, r#"{"a":1,"b":22}"#);
    assert_eq!(merge(tree(document), tree(patch), result.len()).as_deref(), Ok(result));
    assert_eq!(merge(tree(document), tree(patch), result.len() - 1).map_err(|r| r.kind), Err(Kind::TooLarge));
}

#[test]
fn a_failed_test_is_a_conflict_and_everything_else_is_the_patchs_fault() {
    for kind in [Kind::NotAPatch, Kind::NotApplicable, Kind::TooLarge, Kind::TooMuch] {
        assert_eq!(kind.outcome(), Outcome::Rejected(Rejected::Patch));
    }
    assert_eq!(Kind::TestFailed.outcome(), Outcome::Conflict(Conflict::PatchTest));
}

#[test]
fn patches_agree_with_the_plainest_reading_of_the_rfc() {
    // RFC 7396 §2 over values, as it stands there.
    fn literal(target: Value, patch: Value) -> Value {
        let Value::Object(patch) = patch else { return patch };
        let mut target = if let Value::Object(members) = target { members } else { serde_json::Map::new() };
        for (name, value) in patch {
            if value.is_null() {
                target.remove(&name);
            } else {
                let before = target.remove(&name).unwrap_or(Value::Null);
                target.insert(name, literal(before, value));
            }
        }
        Value::Object(target)
    }
    let texts = [
        "null",
        "1",
        "[]",
        r#"{}"#,
        r#"{"a":null}"#,
        r#"{"a":{"b":null,"c":1}}"#,
        r#"{"a":{"b":2}}"#,
        r#"{"a":[null]}"#,
        r#"{"b":{"a":{"a":null}},"a":1}"#,
    ];
    for document in texts {
        for patch in texts {
            let merged = merge(tree(document), tree(patch), ROOMY).expect("it is small");
            assert_eq!(value(&merged), literal(value(document), value(patch)), "{document} {patch}");
        }
    }
}
