//! libFuzzer entry point of [`plenum_fuzz::srtp_unprotect`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::srtp_unprotect(data);
});
