//! The calls of a direct transport.

use std::ffi::c_char;

use crate::call::call;
use crate::event::plenum_bytes;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Sends RTP packets into the router, as if they came from the other side: many
/// in one call, which costs little more than one. The bytes are copied. Answer:
/// nothing, when the router has them all. It fails for the first packet that is
/// longer than 1,600 bytes, and takes the others all the same; what is no RTP is
/// dropped and counted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_send_rtp(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    packets: *const plenum_bytes,
    packet_count: usize,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.sendRtp",
        sfu,
        transport,
        request,
        id("producer", producer),
        packets("packets", packets, packet_count)
    )
}

/// Takes in a compound RTCP packet, as if it came from the other side: requests
/// for lost packets and key frames, and reports. What the other side would be
/// sent comes by PLENUM_EVENT_RTCP. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_send_rtcp(
    sfu: *mut plenum_sfu,
    transport: u64,
    packet: *const u8,
    packet_len: usize,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.sendRtcp",
        sfu,
        transport,
        request,
        payload("packet", packet, packet_len)
    )
}

/// Brings a track of the other side into the router. `kind` is "audio" or
/// "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
/// (false), speaker (id of the audio producer of the same person). Answer: {id,
/// router, transport, kind, rtpParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_produce(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_parameters: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.produce",
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
pub unsafe extern "C" fn plenum_direct_transport_consume(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.consume",
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
pub unsafe extern "C" fn plenum_direct_transport_consume_pipe(
    sfu: *mut plenum_sfu,
    transport: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.consumePipe",
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
pub unsafe extern "C" fn plenum_direct_transport_consume_slot(
    sfu: *mut plenum_sfu,
    transport: u64,
    kind: *const c_char,
    rtp_capabilities: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.consumeSlot",
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
pub unsafe extern "C" fn plenum_direct_transport_set_available_outgoing_bitrate(
    sfu: *mut plenum_sfu,
    transport: u64,
    bitrate: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.setAvailableOutgoingBitrate",
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
pub unsafe extern "C" fn plenum_direct_transport_produce_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("DirectTransport.produceData", sfu, transport, request, options("options", options))
}

/// Sends the messages of a data producer to the other side. Options: ordered,
/// maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
/// that the other side opened, to send back on), paused. Answer: {id, router,
/// transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_consume_data(
    sfu: *mut plenum_sfu,
    transport: u64,
    data_producer: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DirectTransport.consumeData",
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
pub unsafe extern "C" fn plenum_direct_transport_enable_trace_event(
    sfu: *mut plenum_sfu,
    transport: u64,
    types: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("DirectTransport.enableTraceEvent", sfu, transport, request, json("types", types))
}

/// Counters of the direct transport. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_stats(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DirectTransport.stats", sfu, transport, request)
}

/// Closes the direct transport, with its producers and consumers. Answer:
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_direct_transport_close(
    sfu: *mut plenum_sfu,
    transport: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DirectTransport.close", sfu, transport, request)
}
