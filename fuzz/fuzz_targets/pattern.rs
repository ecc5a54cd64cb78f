//! Any texts as the patterns of routes and the targets of redirects, and paths to look up.
#![no_main]

#[path = "../properties/pattern.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::pattern(input));
