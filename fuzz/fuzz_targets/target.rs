//! Any bytes as a request target.
#![no_main]

#[allow(dead_code)]
#[path = "../../crates/wire/tests/property/mod.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::target(input));
