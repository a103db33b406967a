//! libFuzzer entry point of [`plenum_fuzz::av1`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::av1(data);
});
