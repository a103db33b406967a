//! The calls of a WebRTC transport.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Tells the transport the DTLS parameters of the browser (JSON: {role,
/// fingerprints}). Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_connect(
    sfu: *mut plenum_sfu,
    transport: u64,
    dtls_parameters: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.connect",
        sfu,
        transport,
        request,
        json("dtlsParameters", dtls_parameters)
    )
}

/// New ICE credentials, after which the browser starts ICE anew. Answer:
/// {iceParameters}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_restart_ice(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.restartIce", sfu, transport, request)
}

/// Lets data channels through, on a transport that was made without. Options:
/// maxMessageSize, remotePort, remoteMaxMessageSize. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_enable_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.enableData", sfu, transport, request, options("options", options))
}

/// Brings a track of the other side into the router. `kind` is "audio" or
/// "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
/// (false), speaker (id of the audio producer of the same person). Answer: {id,
/// router, transport, kind, rtpParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_produce(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_parameters: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.produce",
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
pub unsafe extern "C" fn plenum_webrtc_transport_consume(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.consume",
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
pub unsafe extern "C" fn plenum_webrtc_transport_consume_pipe(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.consumePipe",
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
pub unsafe extern "C" fn plenum_webrtc_transport_consume_slot(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.consumeSlot",
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
pub unsafe extern "C" fn plenum_webrtc_transport_set_available_outgoing_bitrate(
    sfu: *mut plenum_sfu,
    transport: u64,
    bitrate: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.setAvailableOutgoingBitrate",
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
pub unsafe extern "C" fn plenum_webrtc_transport_produce_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.produceData", sfu, transport, request, options("options", options))
}

/// Sends the messages of a data producer to the other side. Options: ordered,
/// maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
/// that the other side opened, to send back on), paused. Answer: {id, router,
/// transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_consume_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    data_producer: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.consumeData",
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
pub unsafe extern "C" fn plenum_webrtc_transport_set_max_incoming_bitrate(
    sfu: *mut plenum_sfu,
    transport: u64,
    bitrate: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "WebRtcTransport.setMaxIncomingBitrate",
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
pub unsafe extern "C" fn plenum_webrtc_transport_enable_trace_event(
    sfu: *mut plenum_sfu,
    transport: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.enableTraceEvent", sfu, transport, request, json("types", types))
}

/// Counters of the WebRTC transport. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_stats(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.stats", sfu, transport, request)
}

/// Closes the WebRTC transport, with its producers and consumers. Answer:
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_webrtc_transport_close(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("WebRtcTransport.close", sfu, transport, request)
}
