//! The fuzzers' corpora of configs, of documents and of patterns, on every run of the tests.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/properties/config.rs"]
mod config;
#[path = "../../../fuzz/properties/document.rs"]
mod document;
#[path = "../../../fuzz/properties/pattern.rs"]
mod pattern;

#[test]
fn every_input_of_the_corpora_keeps_the_properties() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = |input: &[u8]| config::config(input, &workspace.join("examples"));
    for (name, property) in
        [("config", &config as &dyn Fn(&[u8])), ("document", &document::document), ("pattern", &pattern::pattern)]
    {
        let folder = workspace.join("fuzz/corpus").join(name);
        let mut inputs = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            property(&fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{} is empty", folder.display());
    }
}
