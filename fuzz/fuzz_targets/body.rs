//! Any bytes as content, with a length and in chunks.
#![no_main]

#[allow(dead_code)]
#[path = "../../crates/wire/tests/property/mod.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::body(input));
