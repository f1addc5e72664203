//! The target `key_set`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchword_fuzz::run("key_set", data));
