//! The calls of a router.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Makes a transport for a browser. Options: udp (true), tcp (true),
/// dataChannels (false), maxMessageSize. Answer: {id, router, kind,
/// iceParameters, iceCandidates, dtlsParameters, sctpParameters}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_webrtc_transport(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createWebRtcTransport", sfu, router, request, options("options", options))
}

/// Makes a transport for RTP without ICE and DTLS, in the clear or by SRTP with
/// keys given by hand. Options: listen ("ip:port", required), rtcpMux (true),
/// comedia (false: if true, the other side's address is learnt from its first
/// packet), srtpProfile, dataChannels (false: if true, with SCTP beside RTP, in
/// the clear, on streams that both sides know by signalling), maxMessageSize.
/// Answer: {id, router, kind, localAddress, localRtcpAddress, srtpParameters,
/// sctpParameters}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_plain_transport(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createPlainTransport", sfu, router, request, options("options", options))
}

/// Makes a transport to a router on another host. Options: listen ("ip:port",
/// required), srtpProfile, rtx (true), demand (true). Answer: {id, router,
/// kind, localAddress, srtpParameters}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_pipe_transport(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createPipeTransport", sfu, router, request, options("options", options))
}

/// Makes a transport whose other end is this program: RTP packets and messages
/// go in and out by calls and events. Options: none so far. Answer: {id,
/// router, kind}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_direct_transport(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createDirectTransport", sfu, router, request, options("options", options))
}

/// Makes an observer that tells who speaks, by PLENUM_EVENT_ACTIVE_SPEAKER.
/// Options: intervalMs, scope ("added": producers that were added; "router":
/// all). Answer: {id, router}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_active_speaker_observer(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createActiveSpeakerObserver", sfu, router, request, options("options", options))
}

/// Makes an observer that tells who is how loud, by PLENUM_EVENT_AUDIO_LEVELS
/// and PLENUM_EVENT_SILENCE. Options: maxEntries, threshold (dBov), intervalMs,
/// scope ("added" or "router"). Answer: {id, router}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_create_audio_level_observer(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.createAudioLevelObserver", sfu, router, request, options("options", options))
}

/// Lets a producer of this router be consumed in another router of the same SFU
/// too. Answer: {pipeConsumer, producer}: the producer there is what to
/// consume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_pipe_to_router(
    sfu: *mut plenum_sfu,
    router: u64,
    producer: u64,
    other_router: u64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Router.pipeToRouter",
        sfu,
        router,
        request,
        id("producer", producer),
        id("router", other_router)
    )
}

/// The same for a data producer of this router. Answer: {dataConsumer,
/// dataProducer}: the data producer there is what to consume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_pipe_data_to_router(
    sfu: *mut plenum_sfu,
    router: u64,
    data_producer: u64,
    other_router: u64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Router.pipeDataToRouter",
        sfu,
        router,
        request,
        id("dataProducer", data_producer),
        id("router", other_router)
    )
}

/// Whether somebody with these RTP capabilities (JSON) can consume this
/// producer. Answer: {canConsume}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_can_consume(
    sfu: *mut plenum_sfu,
    router: u64,
    producer: u64,
    rtp_capabilities: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Router.canConsume",
        sfu,
        router,
        request,
        id("producer", producer),
        json("rtpCapabilities", rtp_capabilities)
    )
}

/// Has the router route other codecs from now on (JSON array, the preferred one
/// first). What was made with others goes on, and a codec that the router had
/// before has the payload type that it had then. Answer: {rtpCapabilities}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_update_media_codecs(
    sfu: *mut plenum_sfu,
    router: u64,
    codecs: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.updateMediaCodecs", sfu, router, request, json("codecs", codecs))
}

/// Who is forwarded to the slots that follow speakers. Answer: {places: [id or
/// null, …], recent: [id, …]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_speakers(
    sfu: *mut plenum_sfu,
    router: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Router.speakers", sfu, router, request)
}

/// Changes how speakers are followed. Options: places, holdMs. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_set_speaker_options(
    sfu: *mut plenum_sfu,
    router: u64,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Router.setSpeakerOptions", sfu, router, request, options("options", options))
}

/// Takes the SDP offer of a browser: makes its transport, a producer for each
/// track that it sends and a slot for each that it would receive. `offer` is
/// SDP, not JSON. Options: paused, data (true). Answer: {transport, producers:
/// [{mid, producer}], slots: [{mid, consumer}], data, answer}: "answer" is the
/// SDP to send back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_accept_offer(
    sfu: *mut plenum_sfu,
    router: u64,
    offer: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Router.acceptOffer",
        sfu,
        router,
        request,
        text("offer", offer),
        options("options", options)
    )
}

/// The whole state of the router, for `plenum_sfu_restore_router`. Answer: the
/// snapshot in `payload`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_snapshot(
    sfu: *mut plenum_sfu,
    router: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Router.snapshot", sfu, router, request)
}

/// Everything in the router, described as the calls did that made it. Answer:
/// {transports, producers, consumers, pipeConsumers, dataProducers,
/// dataConsumers, observers}, lists of objects; those of transports and
/// observers have a kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_contents(
    sfu: *mut plenum_sfu,
    router: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Router.contents", sfu, router, request)
}

/// What is in the router, by ids. Answer: {id, shard, transports, observers}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_dump(
    sfu: *mut plenum_sfu,
    router: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Router.dump", sfu, router, request)
}

/// Closes the router, with all in it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_router_close(
    sfu: *mut plenum_sfu,
    router: u64,
    request: *mut u64,
) -> plenum_result {
    call!("Router.close", sfu, router, request)
}
