//! libFuzzer entry point of [`plenum_fuzz::h265`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::h265(data);
});
