//! `Accept-Encoding` against a literal reading of the rules of RFC 9110 §12.5.3, in floating point.

use proptest::prelude::*;
use verdict_core::field::accept_encoding::{AcceptEncoding, Coding};

/// The well-formed members, the first for each coding.
fn read(value: &str) -> Vec<(String, f64)> {
    let mut members: Vec<(String, f64)> = Vec::new();
    for member in value.split(',') {
        let mut parts = member.split(';').map(|part| part.trim_matches([' ', '\t']).to_lowercase());
        let name = parts.next().unwrap_or_default();
        let weight = match parts.collect::<Vec<_>>().as_slice() {
            [] => Some(1.0),
            [q] => q.strip_prefix("q=").filter(|q| is_qvalue(q)).and_then(|q| q.parse().ok()),
            _ => None,
        };
        let is_token = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "*-".contains(c));
        let name = if name == "x-gzip" { "gzip".to_owned() } else { name };
        if let Some(weight) = weight.filter(|_| is_token && members.iter().all(|(n, _)| *n != name)) {
            members.push((name, weight));
        }
    }
    members
}

fn is_qvalue(text: &str) -> bool {
    let digits = text.split_once('.').map_or("", |(_, digits)| digits);
    let is_number = text.parse::<f64>().is_ok_and(|q| (0.0..=1.0).contains(&q));
    is_number && digits.len() <= 3 && !text.starts_with(['+', '-']) && text.find('.').unwrap_or(text.len()) <= 1
}

/// What the client makes of a coding: `None` if it is not acceptable.
fn weight(members: &[(String, f64)], coding: Coding) -> Option<f64> {
    let of = |name: &str| members.iter().find(|(n, _)| n == name).map(|(_, weight)| *weight);
    let weight = match (of(coding.name()), of("*")) {
        (Some(weight), _) | (None, Some(weight)) => weight,
        // Rule 2: acceptable unless it is excluded. It is what is left when there is nothing else.
        (None, None) if coding == Coding::Identity => return Some(0.0),
        (None, None) => return None,
    };
    (weight > 0.0).then_some(weight)
}

fn best(members: &[(String, f64)], available: &[Coding]) -> Option<Coding> {
    let order = [Coding::Br, Coding::Zstd, Coding::Gzip, Coding::Identity];
    let mut candidates: Vec<_> = order
        .into_iter()
        .filter(|coding| *coding == Coding::Identity || available.contains(coding))
        .filter_map(|coding| Some((weight(members, coding)?, coding)))
        .collect();
    // Stable: of those that weigh the same the server's first.
    candidates.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    candidates.first().map(|(_, coding)| *coding)
}

fn value() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "br", "gzip", "x-gzip", "zstd", "identity", "*", "deflate", "GZip", "gz ip", "", "bro",
    ]);
    let weight = prop_oneof![
        3 => Just(String::new()),
        3 => prop::sample::select(vec!["0", "0.5", "1", "0.001", "1.000", "0.", "0.80", ".5", "Q"]).prop_map(|q| format!(";q={q}")),
        1 => "[; ]{1,2}[qQ]=[01]?\\.?[0-9]{0,4}",
        1 => ";[aq](=0\\.1)?(;q=1)?;?",
    ];
    let separator = prop::sample::select(vec![",", ", ", " , ", ",,"]);
    prop::collection::vec((name, weight, separator), 0..6).prop_map(|members| {
        members.into_iter().map(|(name, weight, separator)| format!("{name}{weight}{separator}")).collect()
    })
}

proptest! {
    #[test]
    fn it_chooses_what_the_rules_choose(value in value(), available in prop::sample::subsequence(Coding::ALL.to_vec(), 0..=4)) {
        let members = read(&value);
        let field = AcceptEncoding::parse(Some(value.as_bytes()));
        prop_assert_eq!(field.best(&available), best(&members, &available), "{:?} {:?}", &value, &members);
        for coding in Coding::ALL {
            let acceptable = weight(&members, coding).is_some();
            prop_assert_eq!(field.quality(coding) > 0, acceptable, "{:?} {:?}", &value, coding);
        }
    }
}
