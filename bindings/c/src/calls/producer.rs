//! The calls of a producer.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Pauses the producer: nothing passes it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_pause(
    sfu: *mut plenum_sfu,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.pause", sfu, producer, request)
}

/// Lets the producer go on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_resume(
    sfu: *mut plenum_sfu,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.resume", sfu, producer, request)
}

/// Says whose voice goes with a video producer: an audio producer, or 0 for
/// nobody's. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_set_speaker(
    sfu: *mut plenum_sfu,
    producer: u64,
    speaker: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.setSpeaker", sfu, producer, request, id_or_null("speaker", speaker))
}

/// Chooses what is traced, by PLENUM_EVENT_PRODUCER_TRACE: `types` is a JSON
/// array of "rtp", "keyframe", "nack", "pli", "fir" and "sr".
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_enable_trace_event(
    sfu: *mut plenum_sfu,
    producer: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.enableTraceEvent", sfu, producer, request, json("types", types))
}

/// Counters of the producer. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_stats(
    sfu: *mut plenum_sfu,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.stats", sfu, producer, request)
}

/// Closes the producer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_producer_close(
    sfu: *mut plenum_sfu,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Producer.close", sfu, producer, request)
}
