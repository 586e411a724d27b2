#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzzing::page_url(data));
