//! The calls of a consumer.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Points the consumer at another producer of its kind, or at none, 0. The
/// other side sees one track that goes on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_switch(
    sfu: *mut plenum_sfu,
    consumer: u64,
    producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.switch", sfu, consumer, request, id_or_null("producer", producer))
}

/// Lets the consumer follow whoever has this rank among the speakers, 0 being
/// the first; all but `except`, an audio producer, or 0. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_follow_speaker(
    sfu: *mut plenum_sfu,
    consumer: u64,
    rank: u32,
    except: u64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Consumer.followSpeaker",
        sfu,
        consumer,
        request,
        number("rank", rank),
        id_or_none("except", except)
    )
}

/// The highest layers to forward: pictures of this size, and as many of them;
/// 255 is the highest there is. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_set_preferred_layers(
    sfu: *mut plenum_sfu,
    consumer: u64,
    spatial_layer: u32,
    temporal_layer: u32,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Consumer.setPreferredLayers",
        sfu,
        consumer,
        request,
        number("spatialLayer", spatial_layer),
        number("temporalLayer", temporal_layer)
    )
}

/// How large the picture is shown, in pixels: what is larger is not sent, and
/// bitrate is shared out by it. Options: priority, pinned, screen. Answer:
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_set_demand(
    sfu: *mut plenum_sfu,
    consumer: u64,
    width: u32,
    height: u32,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Consumer.setDemand",
        sfu,
        consumer,
        request,
        number("width", width),
        number("height", height),
        options("options", options)
    )
}

/// Pauses the consumer: nothing passes it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_pause(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.pause", sfu, consumer, request)
}

/// Lets the consumer go on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_resume(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.resume", sfu, consumer, request)
}

/// Asks the publisher for a picture that needs none before it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_request_key_frame(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.requestKeyFrame", sfu, consumer, request)
}

/// Chooses what is traced, by PLENUM_EVENT_CONSUMER_TRACE: `types` is a JSON
/// array of "rtp", "keyframe", "nack", "pli" and "fir".
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_enable_trace_event(
    sfu: *mut plenum_sfu,
    consumer: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.enableTraceEvent", sfu, consumer, request, json("types", types))
}

/// Counters of the consumer. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_stats(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.stats", sfu, consumer, request)
}

/// Why the consumer gets the layers that it gets. Answer: an object with the
/// inputs and the rule.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_explain(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.explain", sfu, consumer, request)
}

/// Closes the consumer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_consumer_close(
    sfu: *mut plenum_sfu,
    consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Consumer.close", sfu, consumer, request)
}
