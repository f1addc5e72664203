//! The target `check_request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| watchword_fuzz::run("check_request", data));
