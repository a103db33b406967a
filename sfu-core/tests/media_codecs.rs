//! A router whose codecs are replaced while it lives.
#![cfg(feature = "runtime")]

mod executor;

use executor::block_on;
use sfu_core::api::params::{
    RtpCapabilities, RtpCodecCapability, RtpParameters, default_codecs, ortc,
};
use sfu_core::{
    ConsumeOptions, ErrorKind, Event, MediaKind, ProduceOptions, RouterOptions, Sfu, SlotOptions,
};

fn sfu() -> Sfu {
    Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).build().unwrap()
}

/// The default ones with these names.
fn codecs(names: &[&str]) -> Vec<RtpCodecCapability> {
    let of = |name: &&str| default_codecs().into_iter().find(|it| it.mime_type == *name).unwrap();
    names.iter().map(of).collect()
}

fn names(capabilities: &RtpCapabilities) -> Vec<(&str, u8)> {
    let media = capabilities.codecs.iter().filter(|codec| !codec.is_rtx());
    media.map(|it| (it.mime_type.as_str(), it.preferred_payload_type.unwrap().0)).collect()
}

/// What a camera sends that does only what it must.
fn camera(codec: &RtpCodecCapability, ssrc: u32) -> RtpParameters {
    serde_json::from_value(serde_json::json!({
        "codecs": [{
            "mimeType": codec.mime_type, "payloadType": 96, "clockRate": 90_000,
            "parameters": codec.parameters,
        }],
        "encodings": [{ "ssrc": ssrc }],
    }))
    .unwrap()
}

/// The key frame of a very small VP8 picture.
fn vp8_packet(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0x80 | 96];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 3_000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0, 0]);
    packet
}

#[test]
fn all_handles_see_the_new_codecs_and_what_there_is_goes_on() {
    let sfu = sfu();
    block_on(async {
        let options = RouterOptions::default().codecs(codecs(&["audio/opus", "video/VP8"]));
        let room = sfu.create_router(options).await.unwrap();
        let mut events = room.events();
        let other_handle = room.clone();
        let transport = room.create_direct_transport().await.unwrap();
        let [vp8, h264] = <[_; 2]>::try_from(codecs(&["video/VP8", "video/H264"])).unwrap();
        let first = transport.produce(ProduceOptions::video(camera(&vp8, 7))).await.unwrap();
        let before = room.rtp_capabilities();
        let viewer =
            transport.consume(ConsumeOptions::new(first.id(), before.clone())).await.unwrap();
        let refused = transport.produce(ProduceOptions::video(camera(&h264, 8))).await;
        assert!(refused.unwrap_err().to_string().contains("video/H264"));

        let after = room.update_media_codecs(&codecs(&["video/H264", "audio/opus"])).unwrap();
        assert_eq!(names(&before), [("audio/opus", 96), ("video/VP8", 97)]);
        assert_eq!(names(&after), [("video/H264", 99), ("audio/opus", 96)]);
        assert_eq!(*other_handle.rtp_capabilities(), *after);

        // The transport was made before.
        let second = transport.produce(ProduceOptions::video(camera(&h264, 8))).await.unwrap();
        let third = transport.produce(ProduceOptions::video(camera(&vp8, 9))).await;
        let refused = third.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameters);
        assert!(refused.to_string().contains("video/VP8"), "{refused}");
        let slot = SlotOptions::new(MediaKind::Video, after.clone());
        let slot = transport.consume_slot(slot).await.unwrap();
        assert_eq!(slot.rtp_parameters().codecs[0].mime_type, "video/H264");

        // Who knows the codec can consume what was produced before, and after.
        assert!(room.can_consume(first.id(), &before).await.unwrap());
        assert!(!room.can_consume(first.id(), &after).await.unwrap());
        assert!(room.can_consume(second.id(), &after).await.unwrap());
        let late = ConsumeOptions::new(first.id(), before.clone());
        let late = transport.consume(late).await.unwrap();
        assert_eq!(late.rtp_parameters().codecs, viewer.rtp_parameters().codecs);

        // And packets go on, in the numbers of before.
        for seq in 1..=2 {
            transport.send_rtp(first.id(), vp8_packet(7, seq).into()).await.unwrap();
        }
        let mut heard = 0;
        while heard < 2 {
            if let Event::Rtp { consumer, packet, .. } = events.next().await.unwrap()
                && consumer == viewer.id()
            {
                assert_eq!(packet[1] & 0x7f, 97);
                heard += 1;
            }
        }
    });
}

#[test]
fn a_number_stays_with_its_codec_for_the_life_of_the_router() {
    let sfu = sfu();
    block_on(async {
        let options = RouterOptions::default().codecs(codecs(&["audio/opus", "video/VP8"]));
        let room = sfu.create_router(options).await.unwrap();
        room.update_media_codecs(&codecs(&["video/H264"])).unwrap();
        room.update_media_codecs(&codecs(&["video/AV1", "audio/opus"])).unwrap();
        let all = ["video/AV1", "video/H264", "video/VP8", "audio/opus"];
        let all = room.update_media_codecs(&codecs(&all)).unwrap();
        let expected =
            [("video/AV1", 101), ("video/H264", 99), ("video/VP8", 97), ("audio/opus", 96)];
        assert_eq!(names(&all), expected);
        ortc::validate_rtp_capabilities(&all).unwrap();
        let again = room.update_media_codecs(&codecs(&["audio/opus", "video/VP8"])).unwrap();
        assert_eq!(names(&again), [("audio/opus", 96), ("video/VP8", 97)]);
    });
}

#[test]
fn codecs_that_cannot_be_routed_change_nothing() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let before = room.rtp_capabilities();
        let mut wrong = codecs(&["video/VP8"]);
        wrong[0].mime_type = "video/theora".to_owned();
        let refused = room.update_media_codecs(&wrong).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameters);
        assert!(refused.to_string().contains("video/theora"), "{refused}");
        let twice = codecs(&["video/VP8", "video/VP8"]);
        assert!(room.update_media_codecs(&twice).is_err());
        assert_eq!(*room.rtp_capabilities(), *before);
        // Without any it takes in no media.
        let none = room.update_media_codecs(&[]).unwrap();
        assert!(none.codecs.is_empty());
        let transport = room.create_direct_transport().await.unwrap();
        let vp8 = camera(&codecs(&["video/VP8"])[0], 7);
        assert!(transport.produce(ProduceOptions::video(vp8)).await.is_err());
    });
}
