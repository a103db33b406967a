//! The calls of an audio level observer.

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Lets the observer listen to an audio producer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_audio_level_observer_add_producer(
    sfu: *mut plenum_sfu,
    observer: u64,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("AudioLevelObserver.addProducer", sfu, observer, request, id("producer", producer))
}

/// Lets the observer listen to an audio producer no longer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_audio_level_observer_remove_producer(
    sfu: *mut plenum_sfu,
    observer: u64,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("AudioLevelObserver.removeProducer", sfu, observer, request, id("producer", producer))
}

/// Lets the observer tell nothing. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_audio_level_observer_pause(
    sfu: *mut plenum_sfu,
    observer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("AudioLevelObserver.pause", sfu, observer, request)
}

/// Lets the observer tell again. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_audio_level_observer_resume(
    sfu: *mut plenum_sfu,
    observer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("AudioLevelObserver.resume", sfu, observer, request)
}

/// Closes the observer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_audio_level_observer_close(
    sfu: *mut plenum_sfu,
    observer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("AudioLevelObserver.close", sfu, observer, request)
}
