//! A router that was restored: its handles know what those knew that made
//! everything in it.
#![cfg(feature = "runtime")]

mod executor;

use std::net::SocketAddr;

use executor::block_on;
use sfu_core::api::params::RtpParameters;
use sfu_core::{
    ActiveSpeakerOptions, AudioLevelOptions, ConsumeOptions, DataConsumeOptions,
    DataProduceOptions, MediaKind, PipeTransportOptions, PlainTransportOptions, ProduceOptions,
    Router, RouterOptions, Sfu, SlotOptions, SrtpProfile, WebRtcTransportOptions,
};
use sfu_ice::SctpConfig;

fn sfu() -> Sfu {
    Sfu::builder().listen(loopback()).build().unwrap()
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn parameters(json: serde_json::Value) -> RtpParameters {
    serde_json::from_value(json).unwrap()
}

fn opus(ssrc: u32) -> RtpParameters {
    parameters(serde_json::json!({
        "mid": "0",
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2,
            "parameters": { "useinbandfec": 1 },
        }],
        "encodings": [{ "ssrc": ssrc }],
        "rtcp": { "cname": "someone" },
    }))
}

/// Three encodings with RTX.
fn vp8() -> RtpParameters {
    parameters(serde_json::json!({
        "mid": "1",
        "codecs": [
            {
                "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000,
                "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }],
            },
            {
                "mimeType": "video/rtx", "payloadType": 97, "clockRate": 90_000,
                "parameters": { "apt": 96 },
            },
        ],
        "encodings": [{ "rid": "q" }, { "rid": "h" }, { "rid": "f" }],
        "rtcp": { "cname": "someone" },
    }))
}

/// Something of every kind, in this order of ids within each kind.
async fn furnished(sfu: &Sfu) -> Router {
    let room = sfu.create_router(RouterOptions::default()).await.unwrap();
    let capabilities = || room.rtp_capabilities().clone();
    let options = WebRtcTransportOptions::default().sctp(SctpConfig::default());
    let browser = room.create_webrtc_transport(options).await.unwrap();
    let microphone = browser.produce(ProduceOptions::audio(opus(7))).await.unwrap();
    let camera = browser.produce(ProduceOptions::video(vp8())).await.unwrap();
    camera.pause().await.unwrap();
    let options = PlainTransportOptions::new(loopback()).srtp(SrtpProfile::AeadAes128Gcm);
    let recorder = room.create_plain_transport(options.rtcp_mux(false)).await.unwrap();
    recorder.consume(ConsumeOptions::new(microphone.id(), capabilities())).await.unwrap();
    let slot = SlotOptions::new(MediaKind::Video, capabilities());
    let slot = recorder.consume_slot(slot).await.unwrap();
    slot.pause().await.unwrap();
    let options = PipeTransportOptions::new(loopback()).srtp(SrtpProfile::AeadAes256Gcm);
    let pipe = room.create_pipe_transport(options).await.unwrap();
    pipe.consume(microphone.id()).await.unwrap();
    pipe.consume(camera.id()).await.unwrap();
    let here = room.create_direct_transport().await.unwrap();
    let chat = here.produce_data(DataProduceOptions::new("chat").protocol("json")).await.unwrap();
    here.consume_data(DataConsumeOptions::new(chat.id())).await.unwrap();
    room.create_active_speaker_observer(ActiveSpeakerOptions::default()).await.unwrap();
    room.create_audio_level_observer(AudioLevelOptions::default()).await.unwrap();
    room
}

/// Everything that handles know by themselves, as text.
async fn known(room: &Router) -> Vec<String> {
    let contents = room.contents().await.unwrap();
    let mut all = Vec::new();
    for it in &contents.webrtc_transports {
        let parameters = it.parameters();
        let (ice, sctp) = (&parameters.ice_parameters, &parameters.sctp_parameters);
        let credentials = (&ice.username_fragment, &ice.password);
        all.push(format!("{} {credentials:?} {sctp:?}", parameters.id));
        // These are the other's own.
        assert!(!parameters.ice_candidates.is_empty());
        assert!(!parameters.dtls_parameters.fingerprints.is_empty());
    }
    for it in &contents.plain_transports {
        let srtp = it.srtp_parameters().map(|srtp| (srtp.profile, srtp.master.key.clone()));
        all.push(format!("{} {} {:?} {srtp:?}", it.id(), it.local_addr(), it.local_rtcp_addr()));
    }
    for it in &contents.pipe_transports {
        let srtp = it.srtp_parameters().map(|srtp| (srtp.profile, srtp.master.key.clone()));
        all.push(format!("{} {:?} {srtp:?}", it.id(), it.local_addr()));
    }
    all.extend(contents.direct_transports.iter().map(|it| it.id().to_string()));
    for it in &contents.producers {
        all.push(format!("{} {:?} {:?}", it.id(), it.kind(), it.rtp_parameters()));
    }
    for it in &contents.consumers {
        all.push(format!("{} {:?} {:?}", it.id(), it.kind(), it.rtp_parameters()));
    }
    for it in &contents.pipe_consumers {
        all.push(format!("{:?} {:?} {:?}", it.ids(), it.kind(), it.rtp_parameters()));
    }
    for it in &contents.data_producers {
        let channel = (it.label(), it.protocol(), it.sctp_stream_parameters());
        all.push(format!("{} {channel:?}", it.id()));
    }
    for it in &contents.data_consumers {
        let channel = (it.label(), it.protocol(), it.sctp_stream_parameters());
        all.push(format!("{} {} {channel:?}", it.id(), it.data_producer()));
    }
    let (speakers, levels) = (contents.active_speaker_observers, contents.audio_level_observers);
    all.extend(speakers.iter().map(|it| it.id().to_string()));
    all.extend(levels.iter().map(|it| it.id().to_string()));
    all
}

#[test]
fn handles_of_a_restored_router_know_what_was_negotiated() {
    let first = sfu();
    block_on(async {
        let room = furnished(&first).await;
        let before = known(&room).await;
        let snapshot = room.snapshot().await.unwrap();
        // Its ports are free once it has ended.
        drop((room, first));
        let second = sfu();
        let restored = second.restore_router(snapshot, RouterOptions::default()).await.unwrap();
        assert_eq!(known(&restored).await, before);
        assert_eq!(before.len(), 4 + 2 + 2 + 2 + 2 + 2, "{before:#?}");
    });
}

#[test]
fn what_is_made_after_a_restore_keeps_the_name_of_the_transport() {
    let first = sfu();
    block_on(async {
        let snapshot = furnished(&first).await.snapshot().await.unwrap();
        drop(first);
        let second = sfu();
        let room = second.restore_router(snapshot, RouterOptions::default()).await.unwrap();
        let contents = room.contents().await.unwrap();
        let before = &contents.consumers[0].rtp_parameters().rtcp.cname;
        assert!(before.is_some());
        let slot = SlotOptions::new(MediaKind::Video, room.rtp_capabilities().clone());
        let made = contents.plain_transports[0].consume_slot(slot).await.unwrap();
        assert_eq!(made.rtp_parameters().rtcp.cname, *before);
    });
}
