//! Any bytes as the value of every structured field.
#![no_main]

#[path = "../properties/field.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::field(input));
