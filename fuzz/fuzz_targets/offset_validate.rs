#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fastqa_fuzz::offset_validate::check(data));
