//! libFuzzer entry point of [`plenum_fuzz::rtp_extensions`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::rtp_extensions(data);
});
