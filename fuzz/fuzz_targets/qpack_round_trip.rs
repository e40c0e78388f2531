#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wirelace_fuzz::qpack::round_trip(data));
