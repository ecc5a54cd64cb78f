//! Any bytes as a document, as patches of it and as a form.
#![no_main]

#[path = "../properties/document.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|input: &[u8]| property::document(input));
