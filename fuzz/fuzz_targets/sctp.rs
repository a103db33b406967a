//! libFuzzer entry point of [`plenum_fuzz::sctp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::sctp(data);
});
