//! Receivers that take all encodings of a producer, over transports that are no
//! pipes.
#![cfg(feature = "runtime")]

mod executor;

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::time::Duration;

use executor::block_on;
use sfu_core::api::params::{RtpCapabilities, RtpParameters};
use sfu_core::{
    CloseReason, ConsumePipeOptions, ErrorKind, Event, PipeConsumer, PlainRemote,
    PlainTransportOptions, ProduceOptions, Router, RouterOptions, Sfu, WebRtcTransportOptions,
};

fn sfu() -> Sfu {
    Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).build().unwrap()
}

/// Three encodings of VP8, with these SSRCs.
fn camera(ssrcs: [u32; 3]) -> RtpParameters {
    serde_json::from_value(serde_json::json!({
        "codecs": [{
            "mimeType": "video/VP8", "payloadType": 120, "clockRate": 90_000,
            "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }],
        }],
        "encodings": ssrcs.map(|ssrc| serde_json::json!({ "ssrc": ssrc })),
    }))
    .unwrap()
}

/// The key frame of a very small picture.
fn packet(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0x80 | 120];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 3_000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0]);
    packet.push(ssrc as u8);
    packet
}

fn ssrcs(consumer: &PipeConsumer) -> Vec<u32> {
    let encodings = consumer.rtp_parameters().encodings.iter();
    encodings.map(|encoding| encoding.ssrc.unwrap().0).collect()
}

async fn room(sfu: &Sfu) -> Router {
    sfu.create_router(RouterOptions::default()).await.unwrap()
}

#[test]
fn every_transport_gives_the_parameters_of_all_encodings() {
    let sfu = sfu();
    block_on(async {
        let room = room(&sfu).await;
        let source = room.create_direct_transport().await.unwrap();
        let camera = source.produce(ProduceOptions::video(camera([1, 2, 3]))).await.unwrap();
        let options = || ConsumePipeOptions::new(camera.id(), room.rtp_capabilities());
        let browser = room.create_webrtc_transport(WebRtcTransportOptions::default()).await;
        let listen = "127.0.0.1:0".parse().unwrap();
        let plain = room.create_plain_transport(PlainTransportOptions::new(listen)).await;
        let made = [
            browser.unwrap().consume_pipe(options()).await.unwrap(),
            plain.unwrap().consume_pipe(options()).await.unwrap(),
            source.consume_pipe(options()).await.unwrap(),
        ];
        let mut all = BTreeSet::new();
        for consumer in &made {
            let parameters = consumer.rtp_parameters();
            assert_eq!((consumer.ids().len(), parameters.encodings.len()), (3, 3));
            // The numbers of the router, whatever the publisher has.
            let codecs: Vec<_> = parameters.codecs.iter().map(|it| it.payload_type.0).collect();
            assert_eq!(codecs, [97, 98]);
            assert!(parameters.mid.is_none() && parameters.rtcp.cname.is_some());
            for encoding in &parameters.encodings {
                all.extend([encoding.ssrc.unwrap().0, encoding.rtx.unwrap().ssrc.0]);
            }
        }
        assert_eq!(all.len(), 3 * 6, "none is used twice");

        let mut audio_only = RtpCapabilities::clone(&room.rtp_capabilities());
        audio_only.codecs.truncate(1);
        let refused = source.consume_pipe(ConsumePipeOptions::new(camera.id(), audio_only)).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Incompatible);
        let gone = camera.id();
        camera.close().await.unwrap();
        let refused =
            source.consume_pipe(ConsumePipeOptions::new(gone, room.rtp_capabilities())).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
        for consumer in &made {
            assert_eq!(consumer.stats().await.unwrap_err().kind(), ErrorKind::NotFound);
        }
    });
}

#[test]
fn a_recorder_gets_every_encoding_by_rtp() {
    let sfu = sfu();
    block_on(async {
        let room = room(&sfu).await;
        let source = room.create_direct_transport().await.unwrap();
        let camera = source.produce(ProduceOptions::video(camera([1, 2, 3]))).await.unwrap();
        let recorder = UdpSocket::bind("127.0.0.1:0").unwrap();
        recorder.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let plain = room.create_plain_transport(PlainTransportOptions::new(listen)).await.unwrap();
        let address = Some(recorder.local_addr().unwrap());
        plain.connect(PlainRemote { address, ..PlainRemote::default() }).await.unwrap();
        let options = ConsumePipeOptions::new(camera.id(), room.rtp_capabilities());
        let consumer = plain.consume_pipe(options).await.unwrap();
        for seq in 1..=2 {
            for ssrc in [1, 2, 3] {
                source.send_rtp(camera.id(), packet(ssrc, seq).into()).await.unwrap();
            }
        }
        let mut heard: BTreeMap<u32, Vec<(u8, u8)>> = BTreeMap::new();
        let mut buffer = [0; 1_500];
        while heard.values().map(Vec::len).sum::<usize>() < 6 {
            let len = recorder.recv(&mut buffer).expect("RTP comes in time");
            if (192..=223).contains(&buffer[1]) {
                continue;
            }
            let ssrc = u32::from_be_bytes(buffer[8..12].try_into().unwrap());
            heard.entry(ssrc).or_default().push((buffer[1] & 0x7f, buffer[len - 1]));
        }
        for (own, ssrc) in (1..).zip(ssrcs(&consumer)) {
            assert_eq!(heard[&ssrc], [(97, own); 2]);
        }
        let sent: Vec<_> = consumer.stats().await.unwrap();
        assert!(sent.iter().all(|stats| stats.packets_sent == 2), "{sent:?}");
    });
}

#[test]
fn one_that_starts_paused_sends_when_it_is_resumed() {
    let sfu = sfu();
    block_on(async {
        let room = room(&sfu).await;
        let mut events = room.events();
        let source = room.create_direct_transport().await.unwrap();
        let camera = source.produce(ProduceOptions::video(camera([1, 2, 3]))).await.unwrap();
        let options = ConsumePipeOptions::new(camera.id(), room.rtp_capabilities()).paused(true);
        let consumer = source.consume_pipe(options).await.unwrap();
        let send = |seq| {
            let (source, camera) = (&source, camera.id());
            async move {
                for ssrc in [1, 2, 3] {
                    source.send_rtp(camera, packet(ssrc, seq).into()).await.unwrap();
                }
            }
        };
        send(1).await;
        let stats = consumer.stats().await.unwrap();
        assert!(stats.iter().all(|stats| stats.paused && stats.packets_sent == 0), "{stats:?}");
        consumer.resume().await.unwrap();
        send(2).await;
        let mut heard = BTreeSet::new();
        while heard.len() < 3 {
            if let Event::Rtp { consumer, packet, .. } = events.next().await.unwrap() {
                heard.insert((consumer, packet[packet.len() - 1]));
            }
        }
        let expected: BTreeSet<_> = consumer.ids().iter().copied().zip(1..).collect();
        assert_eq!(heard, expected);
        consumer.request_key_frame().await.unwrap();
        camera.close().await.unwrap();
        let mut closed = BTreeSet::new();
        while closed.len() < 3 {
            if let Event::ConsumerClosed { consumer, reason, .. } = events.next().await.unwrap() {
                assert_eq!(reason, CloseReason::OriginClosed);
                closed.insert(consumer);
            }
        }
        assert!(consumer.ids().iter().all(|id| closed.contains(id)));
    });
}

#[test]
fn a_restored_router_knows_them_as_one() {
    let first = sfu();
    block_on(async {
        let room = room(&first).await;
        let source = room.create_direct_transport().await.unwrap();
        let camera = source.produce(ProduceOptions::video(camera([1, 2, 3]))).await.unwrap();
        let options = || ConsumePipeOptions::new(camera.id(), room.rtp_capabilities());
        let made = [
            source.consume_pipe(options()).await.unwrap(),
            source.consume_pipe(options()).await.unwrap(),
        ];
        let second = sfu();
        let snapshot = room.snapshot().await.unwrap();
        let restored = second.restore_router(snapshot, RouterOptions::default()).await.unwrap();
        for room in [&room, &restored] {
            let contents = room.contents().await.unwrap();
            assert!(contents.consumers.is_empty());
            assert_eq!(contents.pipe_consumers.len(), 2);
            for (known, made) in contents.pipe_consumers.iter().zip(&made) {
                assert_eq!(known.ids(), made.ids());
                assert_eq!(known.rtp_parameters(), made.rtp_parameters());
            }
        }
    });
}
