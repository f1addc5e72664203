//! The target `validate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchword_fuzz::run("validate", data));
