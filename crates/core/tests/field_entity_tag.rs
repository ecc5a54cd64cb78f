//! `If-Match` and `If-None-Match` against a literal reading of RFC 9110 §13.1.1 and §13.1.2.

use proptest::prelude::*;
use verdict_core::field::entity_tag::{Current, EntityTag, if_match, if_none_match};

/// A tag: whether it is weak, and what it says.
type Tag = (bool, String);

/// The value is `*`, or a list of tags, or neither.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Any,
    List(Vec<Tag>),
    Malformed,
}

fn read(lines: &[String]) -> Value {
    let (mut tags, mut stars) = (Vec::new(), 0);
    for line in lines {
        let mut rest = line.trim_start_matches([',', ' ', '\t']);
        while !rest.is_empty() {
            let after = match rest.strip_prefix('*') {
                Some(after) => {
                    stars += 1;
                    after
                }
                None => match read_tag(rest) {
                    Some((tag, after)) => {
                        tags.push(tag);
                        after
                    }
                    None => return Value::Malformed,
                },
            };
            let after = after.trim_start_matches([' ', '\t']);
            if !after.is_empty() && !after.starts_with(',') {
                return Value::Malformed;
            }
            rest = after.trim_start_matches([',', ' ', '\t']);
        }
    }
    match (stars, tags.is_empty()) {
        (0, _) => Value::List(tags),
        (1, true) => Value::Any,
        _ => Value::Malformed,
    }
}

fn read_tag(text: &str) -> Option<(Tag, &str)> {
    let weak = text.starts_with("W/");
    let quoted = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"')?;
    let (opaque, after) = quoted.split_once('"')?;
    (!opaque.contains([' ', '\t'])).then(|| ((weak, opaque.to_owned()), after))
}

/// What If-Match and If-None-Match say of a target that exists or not, and has a tag or none.
fn conditions(value: &Value, exists: bool, tag: Option<Tag>) -> (bool, bool) {
    match value {
        Value::Any => (exists, !exists),
        Value::List(tags) => {
            let has = |is_it: &dyn Fn(&Tag, &Tag) -> bool| {
                tag.iter().any(|ours| tags.iter().any(|theirs| is_it(ours, theirs)))
            };
            (has(&|ours, theirs| !ours.0 && ours == theirs), !has(&|ours, theirs| ours.1 == theirs.1))
        }
        Value::Malformed => (false, true),
    }
}

fn line() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        8 => "(W/)?\"[ab,\\\\]{0,2}\"",
        1 => Just("*".to_owned()),
        1 => "[a\"W/* ]{0,3}",
    ];
    let separator = prop_oneof![6 => Just(","), 3 => Just(" ,\t"), 1 => Just(",,"), 1 => Just(" "), 1 => Just("")];
    prop::collection::vec((member, separator), 0..4)
        .prop_map(|members| members.into_iter().map(|(member, separator)| member + separator).collect())
}

proptest! {
    #[test]
    fn each_value_means_what_the_rfc_says(
        lines in prop::collection::vec(line(), 1..3), weak: bool, opaque in "[ab,\\\\]{0,2}"
    ) {
        let value = read(&lines);
        let bytes = || lines.iter().map(|line| line.as_bytes());
        let tag = EntityTag { weak, opaque: opaque.as_bytes() };
        for (current, exists, tag) in [
            (Current::Absent, false, None),
            (Current::Untagged, true, None),
            (Current::Tagged(tag), true, Some((weak, opaque.clone()))),
        ] {
            let got = (if_match(bytes(), current), if_none_match(bytes(), current));
            prop_assert_eq!(got, conditions(&value, exists, tag), "{:?} {:?} {:?}", &lines, &value, current);
        }
    }

    #[test]
    fn a_tag_is_read_back_as_it_was_written(weak: bool, opaque in prop::collection::vec(any::<u8>(), 0..12)) {
        let tag = EntityTag { weak, opaque: &opaque };
        let mut written = Vec::new();
        tag.write_to(&mut written);
        // RFC 9110 §8.8.3: etagc.
        let is_tag = opaque.iter().all(|b| matches!(b, 0x21 | 0x23..=0x7e | 0x80..=0xff));
        prop_assert_eq!(EntityTag::parse(&written), is_tag.then_some(tag));
    }
}
