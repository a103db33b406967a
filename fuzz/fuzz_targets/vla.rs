//! libFuzzer entry point of [`plenum_fuzz::vla`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::vla(data);
});
