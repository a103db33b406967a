//! libFuzzer entry point of [`plenum_fuzz::av1_dd`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::av1_dd(data);
});
