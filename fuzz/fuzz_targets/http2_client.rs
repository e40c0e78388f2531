#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelace_fuzz::http2::client(data));
