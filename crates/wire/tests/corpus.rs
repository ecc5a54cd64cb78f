//! The fuzzers' corpora, on every run of the tests.

use std::path::Path;

mod property;

#[test]
fn every_input_of_the_corpora_keeps_the_properties() {
    type Property = fn(&[u8]);
    for (name, property) in [
        ("head", property::head as Property),
        ("target", property::target),
        ("body", property::body),
        ("response", property::response),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            property(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{} is empty", folder.display());
    }
}
