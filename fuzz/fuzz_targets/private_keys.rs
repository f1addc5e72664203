//! The target `private_keys`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchword_fuzz::run("private_keys", data));
