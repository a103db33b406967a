//! The calls of a consumer of all encodings of a producer, on a pipe or another
//! transport.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Pauses the pipe consumer: nothing passes it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_pause(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.pause", sfu, pipe_consumer, request)
}

/// Lets the pipe consumer go on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_resume(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.resume", sfu, pipe_consumer, request)
}

/// Asks the publisher for a key frame of each encoding. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_request_key_frame(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.requestKeyFrame", sfu, pipe_consumer, request)
}

/// Chooses what is traced, by PLENUM_EVENT_CONSUMER_TRACE: `types` is a JSON
/// array of "rtp", "keyframe", "nack", "pli" and "fir".
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_enable_trace_event(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.enableTraceEvent", sfu, pipe_consumer, request, json("types", types))
}

/// Counters of each stream of the pipe consumer. Answer: an array, to be read
/// by "/0/…".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_stats(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.stats", sfu, pipe_consumer, request)
}

/// Closes the pipe consumer, all its streams. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_consumer_close(
    sfu: *mut plenum_sfu,
    pipe_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeConsumer.close", sfu, pipe_consumer, request)
}
