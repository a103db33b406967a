//! The calls of a pipe transport.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Tells the transport its other end. Options: address ("ip:port"),
/// srtpParameters {profile, keyBase64}. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_connect(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PipeTransport.connect", sfu, transport, request, options("options", options))
}

/// Brings a track of the other side into the router. `kind` is "audio" or
/// "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
/// (false), speaker (id of the audio producer of the same person). Answer: {id,
/// router, transport, kind, rtpParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_produce(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_parameters: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PipeTransport.produce",
        sfu,
        transport,
        request,
        text("kind", kind),
        json("rtpParameters", rtp_parameters),
        options("options", options)
    )
}

/// Sends a producer to the router at the other end. Options: none so far.
/// Answer: {id, ids, router, transport, kind, producer, rtpParameters}: with
/// these rtpParameters, and the same kind, the other end produces it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_consume(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PipeTransport.consume",
        sfu,
        transport,
        request,
        id("producer", producer),
        options("options", options)
    )
}

/// Brings messages of the other side into the router. Options: label, protocol,
/// sctpStreamParameters (what the other end told of its channel), paused. Answer: {id,
/// router, transport, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_produce_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PipeTransport.produceData", sfu, transport, request, options("options", options))
}

/// Sends the messages of a data producer to the other side. Options: ordered,
/// maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
/// that the other side opened, to send back on), paused. Answer: {id, router,
/// transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_consume_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    data_producer: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PipeTransport.consumeData",
        sfu,
        transport,
        request,
        id("dataProducer", data_producer),
        options("options", options)
    )
}

/// Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
/// array of "bwe", or an empty one.
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_enable_trace_event(
    sfu: *mut plenum_sfu,
    transport: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PipeTransport.enableTraceEvent", sfu, transport, request, json("types", types))
}

/// Counters of the pipe transport. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_stats(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeTransport.stats", sfu, transport, request)
}

/// Closes the pipe transport, with its producers and consumers. Answer:
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_pipe_transport_close(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PipeTransport.close", sfu, transport, request)
}
