//! The fuzzer's corpus of field values, on every run of the tests.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/properties/field.rs"]
mod property;

#[test]
fn every_input_of_the_corpus_keeps_the_property() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/field");
    let inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs.iter().for_each(|input| property::field(input));
}
