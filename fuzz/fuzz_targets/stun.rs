//! libFuzzer entry point of [`plenum_fuzz::stun`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::stun(data);
});
