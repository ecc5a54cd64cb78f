//! `Range` against a model that marks each byte of the representation by itself.

use proptest::prelude::*;
use verdict_core::field::range::{MAX_PARTS, MAX_SPECS, MIN_GAP, Range, Resolved};

/// First and last position, either of which may be missing, but not both: as they are written.
type Spec = (Option<u128>, Option<u128>);

/// RFC 9110 §14.1.1 and §14.1.2, in words of `str`. `None`: no valid range set of bytes.
fn read(value: &str) -> Option<Vec<Spec>> {
    let (unit, set) = value.split_once('=')?;
    if unit.to_lowercase() != "bytes" {
        return None;
    }
    let number = |text: &str| match text {
        "" => Some(None),
        _ if text.chars().all(|c| c.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    };
    let mut specs = Vec::new();
    for member in set.split(',').map(|m| m.trim_matches([' ', '\t'])).filter(|m| !m.is_empty()) {
        let (first, last) = member.split_once('-')?;
        let spec = (number(first)?, number(last)?);
        if spec == (None, None) || matches!(spec, (Some(first), Some(last)) if first > last) {
            return None;
        }
        specs.push(spec);
    }
    (1..=MAX_SPECS).contains(&specs.len()).then_some(specs)
}

/// The parts that a representation of so many bytes is sent in, in order. `None`: the field is ignored.
fn resolve(specs: &[Spec], length: usize) -> Option<Vec<(u64, u64)>> {
    if length == 0 {
        let has_suffix = specs.iter().any(|&(first, last)| first.is_none() && last != Some(0));
        return if has_suffix { None } else { Some(Vec::new()) };
    }
    // For each byte, the first spec that asks for it.
    let mut asked = vec![None; length];
    for (i, &(first, last)) in specs.iter().enumerate() {
        let whole = length as u128;
        let range = match (first, last) {
            (Some(first), last) => first..last.map_or(whole, |last| last + 1).min(whole),
            (None, suffix) => whole.saturating_sub(suffix.unwrap_or(0))..whole,
        };
        for position in range {
            asked[position as usize].get_or_insert(i);
        }
    }
    // Runs of bytes that are asked for, over gaps that are too small.
    let mut runs: Vec<(usize, u64, u64)> = Vec::new();
    for (position, spec) in asked.iter().enumerate().filter_map(|(p, spec)| Some((p as u64, (*spec)?))) {
        match runs.last_mut() {
            Some((first_spec, _, last)) if position - *last - 1 < MIN_GAP => {
                *last = position;
                *first_spec = spec.min(*first_spec);
            }
            _ => runs.push((spec, position, position)),
        }
    }
    runs.sort_by_key(|&(first_spec, ..)| first_spec);
    (runs.len() <= MAX_PARTS).then(|| runs.into_iter().map(|(_, first, last)| (first, last)).collect())
}

fn specs() -> impl Strategy<Value = String> {
    let position = prop_oneof![4 => 0u64..3000, 1 => 0u64..20, 1 => any::<u64>()];
    let spec = prop_oneof![
        6 => (position.clone(), 0u64..120).prop_map(|(first, more)| format!("{first}-{}", first.saturating_add(more))),
        1 => position.clone().prop_map(|first| format!("{first}-")),
        1 => (0u64..200).prop_map(|suffix| format!("-{suffix}")),
        1 => position.prop_map(|first| format!("{first}-99999999999999999999999999")),
    ];
    let separator = prop_oneof![4 => Just(","), 2 => Just(", "), 1 => Just(" ,\t"), 1 => Just(",, ,")];
    prop::collection::vec((spec, separator), 1..24)
        .prop_map(|specs| specs.into_iter().map(|(spec, separator)| spec + separator).collect())
}

proptest! {
    #[test]
    fn it_selects_the_bytes_that_are_marked(specs in specs(), length in 0usize..3000) {
        let value = format!("bytes={specs}");
        let want = read(&value).and_then(|specs| resolve(&specs, length));
        let got = match Range::parse(value.as_bytes()).map_or(Resolved::Ignored, |range| range.resolve(length as u64)) {
            Resolved::Ignored => None,
            Resolved::Unsatisfiable => Some(Vec::new()),
            Resolved::One(range) => Some(vec![(range.first, range.last)]),
            Resolved::Many(parts) => {
                prop_assert!(parts.len() > 1);
                prop_assert!(parts.iter().map(|part| part.size()).sum::<u64>() <= length as u64);
                Some(parts.iter().map(|part| (part.first, part.last)).collect())
            }
        };
        prop_assert_eq!(got, want, "{} of {}", value, length);
    }

    #[test]
    fn it_takes_the_sets_that_the_grammar_has(value in "(bytes|Bytes|byte|bytes )=[0-9,\\- \t]{0,12}|bytes=[0-9\\-,a ]{1,8}") {
        prop_assert_eq!(Range::parse(value.as_bytes()).is_some(), read(&value).is_some(), "{:?}", value);
    }

    #[test]
    fn no_number_is_too_large(specs in specs(), length: u64) {
        let value = format!("bytes={specs}");
        if let Some(range) = Range::parse(value.as_bytes()) {
            match range.resolve(length) {
                Resolved::One(range) => prop_assert!(range.first <= range.last && range.last < length),
                Resolved::Many(parts) => {
                    for part in parts.iter() {
                        prop_assert!(part.first <= part.last && part.last < length);
                    }
                }
                Resolved::Ignored | Resolved::Unsatisfiable => {}
            }
        }
    }
}
