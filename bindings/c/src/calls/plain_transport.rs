//! The calls of a plain transport.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Tells the transport where to send, and how. Options: address ("ip:port"),
/// rtcpAddress, srtpParameters {profile, keyBase64}. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_connect(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PlainTransport.connect", sfu, transport, request, options("options", options))
}

/// Brings a track of the other side into the router. `kind` is "audio" or
/// "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
/// (false), speaker (id of the audio producer of the same person). Answer: {id,
/// router, transport, kind, rtpParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_produce(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_parameters: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.produce",
        sfu,
        transport,
        request,
        text("kind", kind),
        json("rtpParameters", rtp_parameters),
        options("options", options)
    )
}

/// Sends a producer to the other side, whose RTP capabilities are given (JSON).
/// Options: paused (false), preferredLayers {spatialLayer, temporalLayer}, mid.
/// Answer: {id, router, transport, kind, producer, rtpParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_consume(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.consume",
        sfu,
        transport,
        request,
        id("producer", producer),
        json("rtpCapabilities", rtp_capabilities),
        options("options", options)
    )
}

/// Sends all encodings of a producer to the other side, each as it is, whatever
/// the path carries; its RTP capabilities are given (JSON). Options: paused
/// (false). Answer: {id, ids, router, transport, kind, producer, rtpParameters,
/// paused}: a pipe consumer, with the id of each encoding in "ids".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_consume_pipe(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.consumePipe",
        sfu,
        transport,
        request,
        id("producer", producer),
        json("rtpCapabilities", rtp_capabilities),
        options("options", options)
    )
}

/// Makes a consumer that follows nobody yet: `plenum_consumer_switch` points it
/// at one producer after the other, which the other side sees as one track.
/// Options: mid, msid. Answer: as of consume, with "producer" null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_consume_slot(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.consumeSlot",
        sfu,
        transport,
        request,
        text("kind", kind),
        json("rtpCapabilities", rtp_capabilities),
        options("options", options)
    )
}

/// Sets the bitrate (bit/s) to the other side, instead of what is measured; a
/// negative one goes back to measuring. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_set_available_outgoing_bitrate(
    sfu: *mut plenum_sfu,
    transport: u64,
    bitrate: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.setAvailableOutgoingBitrate",
        sfu,
        transport,
        request,
        number_or_null("bitrate", bitrate)
    )
}

/// Brings messages of the other side into the router. Options: label, protocol,
/// sctpStreamParameters (not on a direct transport), paused. Answer: {id,
/// router, transport, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_produce_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PlainTransport.produceData", sfu, transport, request, options("options", options))
}

/// Sends the messages of a data producer to the other side. Options: ordered,
/// maxPacketLifeTime, maxRetransmits, paused, and either negotiated (true: the
/// stream of the answer is told to the other side by signalling) or answerOn (a
/// stream on which it sends, to send back on). Answer: {id, router, transport,
/// dataProducer, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_consume_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    data_producer: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.consumeData",
        sfu,
        transport,
        request,
        id("dataProducer", data_producer),
        options("options", options)
    )
}

/// Asks the other side to send no more than `bitrate` (bit/s) in all, at least
/// 10,000; a negative one is without limit. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_set_max_incoming_bitrate(
    sfu: *mut plenum_sfu,
    transport: u64,
    bitrate: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "PlainTransport.setMaxIncomingBitrate",
        sfu,
        transport,
        request,
        number_or_null("bitrate", bitrate)
    )
}

/// Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
/// array of "bwe", or an empty one.
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_enable_trace_event(
    sfu: *mut plenum_sfu,
    transport: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("PlainTransport.enableTraceEvent", sfu, transport, request, json("types", types))
}

/// Counters of the plain transport. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_stats(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PlainTransport.stats", sfu, transport, request)
}

/// Closes the plain transport, with its producers and consumers. Answer:
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_plain_transport_close(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("PlainTransport.close", sfu, transport, request)
}
