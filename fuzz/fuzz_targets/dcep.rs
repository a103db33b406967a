//! libFuzzer entry point of [`plenum_fuzz::dcep`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    plenum_fuzz::dcep(data);
});
