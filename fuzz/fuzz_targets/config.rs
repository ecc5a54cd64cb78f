//! Any text as a config.
#![no_main]

use std::path::Path;

#[path = "../properties/config.rs"]
mod property;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::config(input, Path::new(EXAMPLES)));
