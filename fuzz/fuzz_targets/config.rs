//! The target `config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchword_fuzz::run("config", data));
