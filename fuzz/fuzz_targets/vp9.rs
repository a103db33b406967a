//! libFuzzer entry point of [`plenum_fuzz::vp9`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::vp9(data);
});
