//! What a decision costs, facts and verdict alone: `cargo bench -p verdict-core`. Each is to stay below 50 ns.

use divan::{Bencher, black_box};
use std::ops::ControlFlow::Break;
use verdict_core::cause::Absent;
use verdict_core::decide::{Find, Precondition, arrive, respond};
use verdict_core::field::entity_tag::{Current, EntityTag, if_none_match};
use verdict_core::{Facts, Method, Path, decide};

fn main() {
    divan::main();
}

fn measure(bencher: Bencher<'_, '_>, status: u16, facts: Facts) {
    assert_eq!(decide(&facts).status().code(), status);
    bencher.bench_local(|| decide(black_box(&facts)));
}

#[divan::bench]
fn plain_get_200(bencher: Bencher<'_, '_>) {
    measure(bencher, 200, Facts::default());
}

#[divan::bench]
fn unchanged_304(bencher: Bencher<'_, '_>) {
    let precondition = Precondition { if_none_match: Some(false), ..Precondition::default() };
    measure(bencher, 304, Facts { precondition, ..Facts::default() });
}

#[divan::bench]
fn if_match_failed_412(bencher: Bencher<'_, '_>) {
    let precondition = Precondition { method: Method::Put, if_match: Some(false), ..Precondition::default() };
    measure(bencher, 412, Facts { precondition, ..Facts::default() });
}

#[divan::bench]
fn nothing_there_404(bencher: Bencher<'_, '_>) {
    let find = Find { absent: Some(Absent::Nothing), ..Find::default() };
    measure(bencher, 404, Facts { find, ..Facts::default() });
}

#[divan::bench]
fn first_stage_alone(bencher: Bencher<'_, '_>) {
    let facts = Facts::default();
    bencher.bench_local(|| {
        let mut path = Path::new();
        let answer = arrive(&mut path, black_box(&facts.arrive));
        assert!(!matches!(answer, Break(_)));
        path
    });
}

/// What must go with the answer, as every answer asks.
#[divan::bench]
fn respond_to_get_200(bencher: Bencher<'_, '_>) {
    let reason = decide(&Facts::default()).reason;
    bencher.bench_local(|| respond(black_box(reason), black_box(Method::Get)));
}

/// From the text of the field to the verdict.
#[divan::bench]
fn from_if_none_match_to_304(bencher: Bencher<'_, '_>) {
    let tag = EntityTag { weak: false, opaque: b"5f3c-6a1b2c3d" };
    let field: &[u8] = br#""5f3c-6a1b2c3d""#;
    bencher.bench_local(|| {
        let holds = if_none_match(Some(black_box(field)), Current::Tagged(black_box(tag)));
        let precondition = Precondition { if_none_match: Some(holds), ..Precondition::default() };
        decide(&Facts { precondition, ..Facts::default() })
    });
}
