//! What a document of a route must be like: JSON Schema, draft 2020-12.
//!
//! A schema is its operator's, and is read once, when the server starts; documents are anybody's. So a schema refers to
//! nothing outside itself, its patterns are matched in linear time, and what is told of a document is bounded.

use super::{cut, strict};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// Failures that are told of one document.
pub const MOST_FAILURES: usize = 100;

/// Bytes of a schema's text.
const LARGEST: usize = 1 << 20;
/// Bytes of a compiled pattern.
const LARGEST_PATTERN: usize = 1 << 20;
/// Values of a document all of whose failures are looked for: the validator holds all of them, and there may be several for
/// each value. Of a larger one the first is told.
const MOST_VALUES: usize = 20_000;
/// Bytes of a value, a name or an alternative that are repeated in a sentence.
const SHOWN: usize = 200;
/// Bytes of a pointer that are told.
const SHOWN_POINTER: usize = 1024;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema to hold documents against.
#[derive(Debug)]
pub struct Schema {
    /// As it was read.
    text: Box<str>,
    validator: Validator,
    /// Whether it has `anyOf` or `oneOf`, whose one failure holds the failures of each branch.
    has_branches: bool,
}

/// One thing in which a document breaks a schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The JSON Pointer of the value in the document. Cut if it is very long.
    pub pointer: String,
    /// The JSON Pointer of the keyword in the schema.
    pub rule: String,
    /// What is wrong, as a part of a sentence.
    pub message: String,
}

impl Schema {
    /// Reads a schema. The error is a sentence for its operator.
    ///
    /// `$schema` may be left out, and is that of draft 2020-12 otherwise. `format` is asserted, and one that is not known is
    /// an error: a rule that is written down is kept.
    pub fn read(text: &[u8]) -> Result<Schema, String> {
        if text.len() > LARGEST {
            return Err(format!("the schema has {} bytes, and {LARGEST} is the most", text.len()));
        }
        let text = strict::check(text).map_err(|fault| format!("the schema is not JSON: {fault}"))?;
        let schema: Value = serde_json::from_str(text).map_err(|error| format!("the schema is not JSON: {error}"))?;
        if let Some(draft) = schema.get("$schema")
            && draft.as_str().is_none_or(|draft| draft.trim_end_matches('#') != DRAFT)
        {
            return Err(format!(
                "the schema's `$schema` is {}, and only `{DRAFT}` is read",
                cut(&draft.to_string(), SHOWN)
            ));
        }
        let options = jsonschema::draft202012::options()
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN));
        let validator = options.build(&schema).map_err(|error| {
            format!("the schema cannot be used: at `{}`, {}", error.instance_path(), cut(&error.to_string(), 2 * SHOWN))
        })?;
        Ok(Schema { text: text.into(), validator, has_branches: has_branches(&schema) })
    }

    /// The schema, as JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In what the document breaks the schema: nothing where it does not, else [`MOST_FAILURES`] at most.
    pub fn failures(&self, document: &Value) -> Vec<Failure> {
        if self.validator.is_valid(document) {
            return Vec::new();
        }
        if has_at_most(document, &mut MOST_VALUES.clone()) {
            return self.validator.iter_errors(document).take(MOST_FAILURES).map(|error| Failure::of(&error)).collect();
        }
        let first = if self.has_branches { None } else { self.validator.validate(document).err() };
        vec![first.map_or_else(Failure::somewhere, |error| Failure::of(&error))]
    }
}

impl Failure {
    fn of(error: &ValidationError<'_>) -> Failure {
        Failure {
            pointer: cut(error.instance_path().as_str(), SHOWN_POINTER),
            rule: cut(error.schema_path().as_str(), SHOWN_POINTER),
            message: message(error),
        }
    }

    fn somewhere() -> Failure {
        let message =
            format!("the document breaks the schema, and has too many values (over {MOST_VALUES}) to say where");
        Failure { pointer: String::new(), rule: String::new(), message }
    }
}

/// What the validator says, without the value that it is about unless that is short.
fn message(error: &ValidationError<'_>) -> String {
    let is_short = match error.instance().as_ref() {
        Value::String(text) => text.len() <= SHOWN,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    let said = if is_short { error.to_string() } else { error.masked_with("this").to_string() };
    cut(&said, 2 * SHOWN)
}

fn has_branches(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.iter().any(|(key, value)| key == "anyOf" || key == "oneOf" || has_branches(value))
        }
        Value::Array(items) => items.iter().any(has_branches),
        _ => false,
    }
}

/// Whether there are no more than `left` values; takes them off.
fn has_at_most(value: &Value, left: &mut usize) -> bool {
    let Some(fewer) = left.checked_sub(1) else { return false };
    *left = fewer;
    match value {
        Value::Array(items) => items.iter().all(|item| has_at_most(item, left)),
        Value::Object(members) => members.values().all(|value| has_at_most(value, left)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(text: &str) -> Schema {
        Schema::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn each_failure_has_its_place_and_its_rule() {
        let note = schema(
            r##"{
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object", "required": ["title"], "additionalProperties": false,
                "properties": {
                    "title": {"type": "string", "maxLength": 5},
                    "tags/all": {"items": {"$ref": "#/$defs/tag"}},
                    "day": {"format": "date"}
                },
                "$defs": {"tag": {"pattern": "^[a-z]+$"}}
            }"##,
        );
        for (document, failures) in [
            (json!({"title": "x", "tags/all": ["a", 1], "day": "2026-12-01"}), vec![]),
            (json!([]), vec![("", "/type", "[] is not of type \"object\"")]),
            (json!({}), vec![("", "/required", "\"title\" is a required property")]),
            (
                json!({"title": "longer", "tags/all": ["a", "B"], "day": "2026-02-30"}),
                vec![
                    ("/title", "/properties/title/maxLength", "\"longer\" is longer than 5 characters"),
                    ("/tags~1all/1", "/$defs/tag/pattern", "\"B\" does not match \"^[a-z]+$\""),
                    ("/day", "/properties/day/format", "\"2026-02-30\" is not a \"date\""),
                ],
            ),
            (
                json!({"title": "x", "more": 1}),
                vec![("", "/additionalProperties", "Additional properties are not allowed ('more' was unexpected)")],
            ),
        ] {
            let mut found = note.failures(&document);
            let mut failures = failures;
            found.sort_by(|a, b| a.pointer.cmp(&b.pointer));
            failures.sort();
            let found: Vec<_> = found.iter().map(|f| (&*f.pointer, &*f.rule, &*f.message)).collect();
            assert_eq!(found, failures, "{document}");
        }
    }

    #[test]
    fn a_schema_that_cannot_be_kept_is_refused_with_a_sentence() {
        for (text, part) in [
            ("{", "the schema is not JSON: line 1, column 2"),
            (r#"{"type":"string","type":"number"}"#, "the key `type` is there for the second time"),
            (
                r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
                "only `https://json-schema.org/draft/2020-12/schema`",
            ),
            (r#"{"$schema":1}"#, "`$schema` is 1"),
            (r#"{"type":"text"}"#, "at `/type`"),
            ("[]", "the schema cannot be used"),
            (r#"{"$ref":"https://a.example/other.json"}"#, "https://a.example/other.json"),
            (r#"{"$ref":"other.json"}"#, "other.json"),
            (r##"{"$ref":"#/$defs/none"}"##, "none"),
            (r#"{"format":"telephone"}"#, "telephone"),
            (r#"{"pattern":"("}"#, "at `/pattern`"),
            (r#"{"pattern":"(a)\\1"}"#, "at `/pattern`"),
            (r#"{"pattern":"(?=a)b"}"#, "at `/pattern`"),
            (r#"{"patternProperties":{"((a{100}){100}){100}":true}}"#, "patternProperties"),
        ] {
            let error = Schema::read(text.as_bytes()).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
            assert!(error.len() < 1024, "{error}");
        }
        assert!(Schema::read(" ".repeat(LARGEST + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        let tree = schema(r##"{"properties":{"left":{"$ref":"#"},"value":{"type":"integer"}}}"##);
        assert_eq!(tree.failures(&json!({"left": {"left": {"value": "x"}}}))[0].pointer, "/left/left/value");
        schema(r##"{"$ref":"#"}"##).failures(&json!(1));
        schema(r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}"##)
            .failures(&json!([1]));
    }

    #[test]
    fn what_is_told_of_a_document_is_bounded() {
        let numbers = schema(r#"{"items":{"type":"number"}}"#);
        let texts = |count: usize, text: &str| Value::from(vec![text; count]);
        assert_eq!(numbers.failures(&texts(1000, "x")).len(), MOST_FAILURES);
        for failure in numbers.failures(&texts(2, &"é".repeat(10_000))) {
            assert_eq!(failure.message, "this is not of type \"number\"");
        }
        let large = numbers.failures(&texts(MOST_VALUES, "x"));
        assert_eq!((large.len(), &*large[0].pointer), (1, "/0"), "of a large one, the first");

        let branches = schema(r#"{"anyOf":[{"items":{"type":"number"}},{"items":{"type":"null"}}]}"#);
        let large = branches.failures(&texts(MOST_VALUES, "x"));
        assert_eq!((large.len(), &*large[0].pointer), (1, ""));

        let closed = schema(r#"{"additionalProperties":false}"#);
        let members = (0..1000).map(|i| (format!("member{i}"), Value::Null)).collect();
        let failures = closed.failures(&Value::Object(members));
        assert!(failures.len() == 1 && failures[0].message.len() <= 2 * SHOWN + 3, "{failures:?}");
    }
}
