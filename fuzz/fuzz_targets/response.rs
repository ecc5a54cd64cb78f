//! Any bytes as a response's head, whatever was asked.
#![no_main]

#[allow(dead_code)]
#[path = "../../crates/wire/tests/property/mod.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::response(input));
