//! libFuzzer entry point of [`plenum_fuzz::sdp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::sdp(data);
});
