//! libFuzzer entry point of [`plenum_fuzz::red`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::red(data);
});
