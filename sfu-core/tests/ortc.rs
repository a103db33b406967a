//! The parameters' JSON, and what ORTC matching makes of them.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sfu_core::api::params::ortc::{
    EgressCodec, EgressIds, OrtcError, can_consume, consumable_parameters, consumer_parameters,
    egress_codec, pipe_consumer_parameters, router_capabilities, slot_parameters,
    updated_router_capabilities, validate_rtp_capabilities, validate_rtp_parameters,
};
use sfu_core::api::params::{
    CodecParameters, DtlsParameters, DtlsRole, IceCandidate, IceParameters, MediaKind,
    RtcpFeedback, RtpCapabilities, RtpCodecCapability, RtpCodecParameters, RtpEncodingParameters,
    RtpParameters, default_codecs,
};
use sfu_core::wire::rtp::ExtensionKind;
use sfu_core::wire::{PayloadType, Ssrc};

#[test]
fn parameters_have_the_json_of_mediasoup() {
    let json = json!({
        "mid": "1",
        "codecs": [
            {
                "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000,
                "parameters": { "x-google-start-bitrate": 1000 },
                "rtcpFeedback": [
                    { "type": "nack" }, { "type": "nack", "parameter": "pli" },
                    { "type": "transport-cc" }
                ]
            },
            {
                "mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000,
                "parameters": { "apt": 96 }, "rtcpFeedback": []
            }
        ],
        "headerExtensions": [
            { "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4, "encrypt": false }
        ],
        "encodings": [
            { "rid": "q", "scalabilityMode": "L1T3", "maxBitrate": 150000, "dtx": false },
            { "ssrc": 4294967295_u32, "rtx": { "ssrc": 2 }, "codecPayloadType": 96, "dtx": false }
        ],
        "rtcp": { "cname": "c", "reducedSize": true }
    });
    let params: RtpParameters = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(params.codecs[1].apt(), Some(PayloadType(96)));
    assert_eq!(params.encodings[1].ssrc, Some(Ssrc(u32::MAX)));
    assert_eq!(serde_json::to_value(&params).unwrap(), json);

    let least: RtpParameters = serde_json::from_value(json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2 }]
    }))
    .unwrap();
    assert!(least.rtcp.reduced_size && least.mid.is_none());
}

#[test]
fn capabilities_of_a_browser_are_read() {
    // As mediasoup-client's device.rtpCapabilities writes them.
    let caps: RtpCapabilities = serde_json::from_value(json!({
        "codecs": [
            { "mimeType": "audio/opus", "kind": "audio", "preferredPayloadType": 100,
              "clockRate": 48000, "channels": 2, "parameters": { "minptime": 10, "useinbandfec": 1 },
              "rtcpFeedback": [{ "type": "transport-cc", "parameter": "" }] },
            { "mimeType": "video/H264", "kind": "video", "preferredPayloadType": 103,
              "clockRate": 90000,
              "parameters": { "packetization-mode": 1, "level-asymmetry-allowed": 1, "profile-level-id": "42e01f" },
              "rtcpFeedback": [] }
        ],
        "headerExtensions": [
            { "kind": "audio", "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "preferredId": 10,
              "preferredEncrypt": false, "direction": "sendrecv" }
        ]
    }))
    .unwrap();
    validate_rtp_capabilities(&caps).unwrap();
    assert_eq!(caps.codecs[0].rtcp_feedback, [RtcpFeedback::new("transport-cc", "")]);
    assert_eq!(caps.codecs[1].parameters.text("profile-level-id").unwrap(), "42e01f");
}

#[test]
fn transport_parameters_have_the_json_of_mediasoup() {
    let ice: IceParameters = serde_json::from_value(
        json!({ "usernameFragment": "abcd", "password": "p", "iceLite": true }),
    )
    .unwrap();
    assert!(ice.ice_lite);
    let value = ["AB"; 32].join(":");
    let dtls: DtlsParameters = serde_json::from_value(json!({
        "role": "client",
        "fingerprints": [{ "algorithm": "sha-256", "value": value }]
    }))
    .unwrap();
    assert_eq!(dtls.role, DtlsRole::Client);
    let candidate: IceCandidate = serde_json::from_value(json!({
        "foundation": "tcp", "priority": 1, "address": "192.0.2.1", "protocol": "tcp",
        "port": 40000, "type": "host", "tcpType": "passive"
    }))
    .unwrap();
    let json = serde_json::to_value(&candidate).unwrap();
    assert_eq!((&json["type"], &json["tcpType"]), (&json!("host"), &json!("passive")));
}

#[test]
fn a_snapshot_carries_parameters() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct State {
        #[serde(with = "sfu_core::api::params::as_json")]
        params: RtpParameters,
        after: u8,
    }
    let state = State { params: producer(&[vp8(96)]), after: 7 };
    let bytes = postcard::to_stdvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<State>(&bytes).unwrap(), state);
    let json = serde_json::to_value(&state).unwrap();
    assert!(json["params"]["codecs"].is_array());
    assert_eq!(serde_json::from_value::<State>(json).unwrap(), state);
}

#[test]
fn a_router_has_the_numbers_it_was_given_or_the_next_free_ones() {
    let caps = router();
    let numbers: Vec<_> = caps.codecs.iter().map(|c| c.preferred_payload_type.unwrap().0).collect();
    assert_eq!(numbers, [96, 97, 98, 99, 100, 101, 102, 103, 104]);
    assert_eq!(caps.codecs[2].parameters.number("apt"), Some(97));
    assert_eq!(caps, router(), "the same configuration, the same numbers");
    validate_rtp_capabilities(&caps).unwrap();

    let mut codecs = default_codecs();
    codecs[1].preferred_payload_type = Some(PayloadType(96));
    codecs.push(capability(MediaKind::Audio, "audio/pcmu", 8_000));
    let caps = router_capabilities(&codecs).unwrap();
    let numbers: Vec<_> = caps.codecs.iter().map(|c| c.preferred_payload_type.unwrap().0).collect();
    assert_eq!(numbers, [97, 96, 98, 99, 100, 101, 102, 103, 104, 0]);
    assert_eq!(caps.codecs[9].mime_type, "audio/PCMU");
}

#[test]
fn a_router_refuses_what_it_cannot_route() {
    let refused = |codecs: &[RtpCodecCapability]| router_capabilities(codecs).unwrap_err();
    let unsupported = capability(MediaKind::Video, "video/theora", 90_000);
    assert!(matches!(refused(&[unsupported]), OrtcError::UnsupportedCodec { .. }));
    let rtx = capability(MediaKind::Video, "video/rtx", 90_000);
    assert!(matches!(refused(&[rtx]), OrtcError::UnsupportedCodec { .. }));
    let wrong_rate = capability(MediaKind::Audio, "audio/opus", 16_000);
    assert!(matches!(refused(&[wrong_rate]), OrtcError::UnsupportedCodec { .. }));
    let vp8 = capability(MediaKind::Video, "video/VP8", 90_000);
    assert_eq!(
        refused(&[vp8.clone(), vp8.clone()]).to_string(),
        "codecs (entry 1): expected each codec once"
    );
    let mismatched = RtpCodecCapability { kind: MediaKind::Audio, ..vp8 };
    assert!(refused(&[mismatched]).to_string().contains("codecs[].mimeType"));
    // One codec with a number above those that there are.
    let vp9 = |profile: u32| RtpCodecCapability {
        parameters: CodecParameters::new().with("profile-id", profile),
        ..capability(MediaKind::Video, "video/VP9", 90_000)
    };
    let many: Vec<_> = (0..32).map(vp9).collect();
    assert!(matches!(refused(&many), OrtcError::NoPayloadType { .. }));
}

/// Names and numbers of codecs.
fn numbered(codecs: &[RtpCodecCapability]) -> Vec<(&str, u8)> {
    let number = |codec: &RtpCodecCapability| codec.preferred_payload_type.unwrap().0;
    codecs.iter().map(|codec| (codec.mime_type.as_str(), number(codec))).collect()
}

#[test]
fn a_codec_that_stays_keeps_its_number_and_a_new_one_gets_a_fresh_one() {
    let [opus, vp8, h264, _, _] = <[_; 5]>::try_from(default_codecs()).unwrap();
    let before = router_capabilities(&[opus.clone(), vp8.clone()]).unwrap();
    let had = [("audio/opus", 96), ("video/VP8", 97), ("video/rtx", 98)];
    assert_eq!(numbered(&before.codecs), had);
    let update = |codecs: &[RtpCodecCapability], earlier: &[RtpCodecCapability]| {
        let caps = updated_router_capabilities(codecs, earlier).unwrap();
        validate_rtp_capabilities(&caps).unwrap();
        caps
    };
    // Another order, and one more.
    let codecs = [h264.clone(), vp8.clone(), opus.clone()];
    let caps = update(&codecs, &before.codecs);
    let expected = [
        ("video/H264", 99),
        ("video/rtx", 100),
        ("video/VP8", 97),
        ("video/rtx", 98),
        ("audio/opus", 96),
    ];
    assert_eq!(numbered(&caps.codecs), expected);
    assert_eq!(caps.codecs[1].parameters.number("apt"), Some(99));
    assert_eq!(caps.codecs[3].parameters.number("apt"), Some(97));
    // In place of another.
    let caps = update(&[opus.clone(), h264.clone()], &before.codecs);
    let expected = [("audio/opus", 96), ("video/H264", 99), ("video/rtx", 100)];
    assert_eq!(numbered(&caps.codecs), expected);
    // What is preferred comes first, whosever it was.
    let prefer = |codec: &RtpCodecCapability, number| RtpCodecCapability {
        preferred_payload_type: Some(PayloadType(number)),
        ..codec.clone()
    };
    let caps = update(&[vp8.clone(), prefer(&h264, 97), prefer(&opus, 96)], &before.codecs);
    let expected = [
        ("video/VP8", 99),
        ("video/rtx", 100),
        ("video/H264", 97),
        ("video/rtx", 101),
        ("audio/opus", 96),
    ];
    assert_eq!(numbered(&caps.codecs), expected);
    // Another profile is another codec.
    let other = RtpCodecCapability {
        parameters: CodecParameters::parse("packetization-mode=1;profile-level-id=640c1f"),
        ..h264
    };
    let earlier = update(&codecs, &before.codecs).codecs;
    assert_eq!(numbered(&update(&[other], &earlier).codecs)[0], ("video/H264", 101));
}

#[test]
fn old_numbers_are_used_again_when_no_others_are_left() {
    let vp9 = |profile: u32| RtpCodecCapability {
        parameters: CodecParameters::new().with("profile-id", profile),
        ..capability(MediaKind::Video, "video/VP9", 90_000)
    };
    let many: Vec<_> = (0..30).map(vp9).collect();
    let before = router_capabilities(&many).unwrap();
    let vp8 = capability(MediaKind::Video, "video/VP8", 90_000);
    let caps = updated_router_capabilities(std::slice::from_ref(&vp8), &before.codecs).unwrap();
    let used: Vec<_> = numbered(&before.codecs).iter().map(|(_, number)| *number).collect();
    assert!(!used.contains(&numbered(&caps.codecs)[0].1), "there is one more");
    assert!(used.contains(&numbered(&caps.codecs)[1].1));
    let one_more: Vec<_> = (0..31).map(vp9).collect();
    let refused = updated_router_capabilities(&one_more, &before.codecs).unwrap_err();
    assert!(matches!(refused, OrtcError::NoPayloadType { .. }));
}

#[test]
fn a_producer_becomes_consumable_in_the_routers_numbers() {
    let mut sent = producer(&[h264(120, "42e01f", 1), vp8(96)]);
    sent.codecs.push(rtx(121, 120));
    let consumable = consumable_parameters(MediaKind::Video, &sent, &router()).unwrap();
    let found: Vec<_> =
        consumable.codecs.iter().map(|c| (c.mime_type.as_str(), c.payload_type.0)).collect();
    let expected = [("video/H264", 99), ("video/rtx", 100), ("video/VP8", 97), ("video/rtx", 98)];
    assert_eq!(found, expected);
    assert!(consumable.encodings.iter().all(|e| e.ssrc.is_none() && e.rid.is_none()));
    // Stream ids are not for consumers.
    assert_eq!(consumable.extension_id(ExtensionKind::Rid), None);
    assert_eq!(consumable.extension_id(ExtensionKind::Mid), Some(1));

    let strange = producer(&[h264(120, "640c1f", 1)]);
    let error = consumable_parameters(MediaKind::Video, &strange, &router()).unwrap_err();
    assert_eq!(error.to_string(), "video/H264 with payload type 120 is not a codec of the router");
}

/// A router with Opus and redundant audio.
fn router_with_red() -> RtpCapabilities {
    let mut codecs = default_codecs();
    codecs.truncate(1);
    codecs.push(RtpCodecCapability {
        channels: Some(2),
        ..capability(MediaKind::Audio, "audio/RED", 48_000)
    });
    router_capabilities(&codecs).unwrap()
}

fn audio(name: &str, payload_type: u8, fmtp: &str) -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: format!("audio/{name}"),
        payload_type: PayloadType(payload_type),
        clock_rate: 48_000,
        channels: Some(2),
        parameters: CodecParameters::parse(fmtp),
        rtcp_feedback: Vec::new(),
    }
}

#[test]
fn redundant_audio_is_numbered_like_the_codec_inside() {
    let router = router_with_red();
    let red = &router.codecs[1];
    assert_eq!(
        (red.mime_type.as_str(), red.preferred_payload_type),
        ("audio/red", Some(PayloadType(97)))
    );
    assert_eq!(red.parameters.to_string(), "96/96");
    let alone = [capability(MediaKind::Audio, "audio/red", 48_000)]
        .map(|codec| RtpCodecCapability { channels: Some(2), ..codec });
    let error = router_capabilities(&alone).unwrap_err();
    assert_eq!(error.to_string(), "codecs (entry 0): expected audio/opus before audio/red");

    let sent = producer(&[audio("opus", 111, "useinbandfec=1"), audio("red", 63, "111/111")]);
    let consumable = consumable_parameters(MediaKind::Audio, &sent, &router).unwrap();
    let found: Vec<_> =
        consumable.codecs.iter().map(|c| (c.payload_type.0, c.parameters.to_string())).collect();
    assert_eq!(found, [(96, "useinbandfec=1".to_owned()), (97, "96/96".to_owned())]);
    let params = consumer_parameters(MediaKind::Audio, &consumable, &router, ids()).unwrap();
    assert_eq!(params.codecs.len(), 2);

    // A device that has one of the two.
    let with = |name: &str| {
        let mut device = router.clone();
        device.codecs.retain(|codec| codec.mime_type == name);
        consumer_parameters(MediaKind::Audio, &consumable, &device, ids())
    };
    assert_eq!(with("audio/opus").unwrap().codecs.len(), 1);
    assert_eq!(with("audio/red"), Err(OrtcError::NoCommonCodec { kind: MediaKind::Audio }));
}

#[test]
fn profiles_of_one_codec_are_codecs_of_their_own() {
    let profile = |name: &str, parameter: &str, value: u32| RtpCodecCapability {
        parameters: CodecParameters::new().with(parameter, value),
        ..capability(MediaKind::Video, name, 90_000)
    };
    let router = router_capabilities(&[
        profile("video/VP9", "profile-id", 0),
        profile("video/VP9", "profile-id", 2),
        profile("video/H265", "profile-id", 1),
        capability(MediaKind::Video, "video/AV1", 90_000),
    ])
    .unwrap();
    let sent = |name: &str, fmtp: &str| RtpCodecParameters {
        mime_type: name.to_owned(),
        parameters: CodecParameters::parse(fmtp),
        ..vp8(120)
    };
    let number = |codec| {
        let consumable = consumable_parameters(MediaKind::Video, &producer(&[codec]), &router);
        consumable.map(|c| c.codecs[0].payload_type.0).ok()
    };
    assert_eq!(number(sent("video/VP9", "")), Some(96));
    assert_eq!(number(sent("video/VP9", "profile-id=2")), Some(98));
    assert_eq!(number(sent("video/VP9", "profile-id=1")), None);
    assert_eq!(number(sent("video/H265", "level-id=93;tier-flag=0;tx-mode=SRST")), Some(100));
    assert_eq!(number(sent("video/H265", "profile-id=2")), None);
    assert_eq!(number(sent("video/AV1", "level-idx=5;profile=0;tier=0")), Some(102));
    assert_eq!(number(sent("video/AV1", "profile=1")), None);
}

#[test]
fn layers_are_described_in_header_extensions() {
    let consumable =
        consumable_parameters(MediaKind::Video, &producer(&[vp8(96)]), &router()).unwrap();
    assert!(consumable.extension_id(ExtensionKind::DependencyDescriptor).is_some());
    // What a publisher allots is for us alone.
    assert_eq!(consumable.extension_id(ExtensionKind::VideoLayersAllocation), None);
    let received = router();
    let vla = received
        .header_extensions
        .iter()
        .find(|ext| ext.uri == ExtensionKind::VideoLayersAllocation.uri());
    assert!(vla.unwrap().direction.receives());
}

#[test]
fn a_device_consumes_what_it_has_a_codec_for() {
    let consumable =
        consumable_parameters(MediaKind::Video, &producer(&[vp8(120)]), &router()).unwrap();
    let mut device = router();
    assert!(can_consume(&consumable, &device));
    let params = consumer_parameters(MediaKind::Video, &consumable, &device, ids()).unwrap();
    let numbers: Vec<_> = params.codecs.iter().map(|c| c.payload_type.0).collect();
    assert_eq!(numbers, [97, 98]);
    assert_eq!(params.encodings.len(), 1);
    assert_eq!(params.encodings[0].ssrc, Some(Ssrc(7)));
    assert_eq!(params.encodings[0].rtx.map(|rtx| rtx.ssrc), Some(Ssrc(8)));
    assert_eq!(params.rtcp.cname.as_deref(), Some("cname"));

    device.codecs.retain(|codec| codec.mime_type != "video/VP8");
    assert!(!can_consume(&consumable, &device));
    let error = consumer_parameters(MediaKind::Video, &consumable, &device, ids()).unwrap_err();
    assert_eq!(error, OrtcError::NoCommonCodec { kind: MediaKind::Video });

    let mut without_rtx = router();
    without_rtx.codecs.retain(|codec| !codec.is_rtx());
    let params = consumer_parameters(MediaKind::Video, &consumable, &without_rtx, ids()).unwrap();
    assert!(params.codecs.len() == 1 && params.encodings[0].rtx.is_none());
}

#[test]
fn simulcast_is_consumed_as_one_stream_with_spatial_layers() {
    let mut sent = producer(&[vp8(96)]);
    let layer = |rid: &str| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        scalability_mode: Some("L1T3".to_owned()),
        ..RtpEncodingParameters::default()
    };
    sent.encodings = ["q", "h", "f"].map(layer).into();
    let consumable = consumable_parameters(MediaKind::Video, &sent, &router()).unwrap();
    let params = consumer_parameters(MediaKind::Video, &consumable, &router(), ids()).unwrap();
    assert_eq!(params.encodings[0].scalability_mode.as_deref(), Some("S3T3"));
}

#[test]
fn all_encodings_are_consumed_with_what_the_device_takes() {
    let mut sent = producer(&[vp8(96)]);
    let layer = |rid: &str, bitrate| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        scalability_mode: Some("L1T3".to_owned()),
        max_bitrate: Some(bitrate),
        ..RtpEncodingParameters::default()
    };
    sent.encodings = vec![layer("q", 1), layer("h", 2), layer("f", 3)];
    let kind = MediaKind::Video;
    let consumable = consumable_parameters(kind, &sent, &router()).unwrap();
    let consume = |device: &RtpCapabilities| {
        let mut last = 0;
        pipe_consumer_parameters(kind, &consumable, device, "cname", || {
            last += 1;
            Ssrc(last)
        })
    };
    let one = consumer_parameters(kind, &consumable, &router(), ids()).unwrap();
    let all = consume(&router()).unwrap();
    validate_rtp_parameters(kind, &all).unwrap();
    assert_eq!((&all.codecs, &all.header_extensions), (&one.codecs, &one.header_extensions));
    assert_eq!((all.mid.as_deref(), all.rtcp.cname.as_deref()), (None, Some("cname")));
    let encodings = |all: &RtpParameters| -> Vec<_> {
        let each = all.encodings.iter();
        each.map(|it| (it.ssrc.unwrap().0, it.rtx.map(|rtx| rtx.ssrc.0), it.max_bitrate)).collect()
    };
    let expected = [(1, Some(2), Some(1)), (3, Some(4), Some(2)), (5, Some(6), Some(3))];
    assert_eq!(encodings(&all), expected);
    assert!(all.encodings.iter().all(|it| it.scalability_mode.as_deref() == Some("L1T3")));
    assert!(all.encodings.iter().all(|it| it.rid.is_none()));

    // A device that takes less.
    let mut device = router();
    device.codecs.retain(|codec| !codec.is_rtx());
    device.header_extensions.retain(|ext| ext.uri == ExtensionKind::AbsSendTime.uri());
    let all = consume(&device).unwrap();
    let less = [(1, None, Some(1)), (2, None, Some(2)), (3, None, Some(3))];
    assert_eq!(encodings(&all), less);
    assert_eq!((all.codecs.len(), all.header_extensions.len()), (1, 1));
    assert!(all.codecs[0].has_feedback("goog-remb", ""));
    device.codecs.retain(|codec| codec.mime_type != "video/VP8");
    assert_eq!(consume(&device), Err(OrtcError::NoCommonCodec { kind }));
}

#[test]
fn congestion_control_is_transport_cc_or_else_remb() {
    let feedback = |device: &RtpCapabilities| {
        let consumable =
            consumable_parameters(MediaKind::Video, &producer(&[vp8(96)]), &router()).unwrap();
        let params = consumer_parameters(MediaKind::Video, &consumable, device, ids()).unwrap();
        let codec = &params.codecs[0];
        (codec.has_feedback("transport-cc", ""), codec.has_feedback("goog-remb", ""))
    };
    let without = |kinds: &[ExtensionKind]| {
        let mut device = router();
        device.header_extensions.retain(|ext| !kinds.iter().any(|kind| kind.uri() == ext.uri));
        device
    };
    let (twcc, abs) = (ExtensionKind::TransportWideCc, ExtensionKind::AbsSendTime);
    assert_eq!(feedback(&without(&[])), (true, false));
    assert_eq!(feedback(&without(&[twcc])), (false, true));
    assert_eq!(feedback(&without(&[twcc, abs])), (false, false));
}

#[test]
fn a_slot_carries_every_common_codec_in_the_receivers_numbers() {
    let mut receiver = RtpCapabilities::default();
    for (number, name, parameters) in [
        (35, "video/theora", ""),
        (45, "video/H264", "packetization-mode=1;profile-level-id=42e01f"),
        (46, "video/rtx", "apt=45"),
        (47, "video/vp8", ""),
    ] {
        receiver.codecs.push(RtpCodecCapability {
            preferred_payload_type: Some(PayloadType(number)),
            parameters: CodecParameters::parse(parameters),
            rtcp_feedback: vec![RtcpFeedback::new("nack", ""), RtcpFeedback::new("x", "")],
            ..capability(MediaKind::Video, name, 90_000)
        });
    }
    let slot = slot_parameters(MediaKind::Video, &receiver, &router(), ids()).unwrap();
    let numbers: Vec<_> = slot.codecs.iter().map(|c| c.payload_type.0).collect();
    assert_eq!(numbers, [45, 46, 47]);
    assert_eq!(slot.codecs[0].rtcp_feedback, [RtcpFeedback::new("nack", "")]);
    assert_eq!(slot.encodings[0].rtx.map(|rtx| rtx.ssrc), Some(Ssrc(8)));

    let egress = |codec: &RtpCodecParameters| egress_codec(&slot, codec);
    assert_eq!(
        egress(&vp8(120)),
        Some(EgressCodec { payload_type: PayloadType(47), rtx_payload_type: None })
    );
    let with_rtx = Some(EgressCodec {
        payload_type: PayloadType(45),
        rtx_payload_type: Some(PayloadType(46)),
    });
    assert_eq!(egress(&h264(120, "42c01e", 1)), with_rtx);
    // Baseline goes where Constrained Baseline goes; High does not.
    assert_eq!(egress(&h264(120, "42001f", 1)), with_rtx);
    assert_eq!(egress(&h264(120, "64001f", 1)), None);
    assert_eq!(egress(&h264(120, "42e01f", 0)), None);

    let audio = slot_parameters(MediaKind::Audio, &receiver, &router(), ids());
    assert_eq!(audio, Err(OrtcError::NoCommonCodec { kind: MediaKind::Audio }));
}

#[test]
fn the_closest_profile_is_taken() {
    let mut consumer = producer(&[h264(102, "42001f", 1), h264(108, "42e01f", 1)]);
    let number = |consumer: &RtpParameters, id| {
        egress_codec(consumer, &h264(120, id, 1)).map(|codec| codec.payload_type.0)
    };
    assert_eq!(number(&consumer, "42e01f"), Some(108));
    assert_eq!(number(&consumer, "42001f"), Some(102));
    consumer.codecs.truncate(1);
    assert_eq!(number(&consumer, "42e01f"), Some(102));
}

#[test]
fn codecs_match_by_what_a_decoder_needs() {
    let matches = |a: &str, b: &str, name: &str| {
        let codec = |fmtp: &str| codec(96, name, fmtp);
        egress_codec(&producer(&[codec(a)]), &codec(b)).is_some()
    };
    assert!(matches("", "profile-id=0", "video/VP9"));
    assert!(!matches("profile-id=2", "", "video/VP9"));
    assert!(matches("profile=0;tier=0", "level-idx=5", "video/AV1"));
    assert!(!matches("profile=1", "", "video/AV1"));
    assert!(matches("", "profile-level-id=42e01f", "video/H264"));
    assert!(matches("packetization-mode=0", "", "video/H264"));
    assert!(!matches("packetization-mode=1", "", "video/H264"));
    assert!(!matches("profile-level-id=nonsense", "profile-level-id=nonsense", "video/H264"));
    assert!(matches("max-fs=1", "", "video/VP8"));
    let upper = codec(96, "VIDEO/vp8", "");
    assert!(egress_codec(&producer(&[upper]), &vp8(97)).is_some());
}

#[test]
fn wrong_parameters_are_named() {
    type Change = fn(&mut RtpParameters);
    let cases: [(Change, &str); 14] = [
        (|p| p.codecs.clear(), "codecs (entry 0): expected at least one media codec"),
        (
            |p| p.codecs[0].payload_type = PayloadType(128),
            "codecs[].payloadType (entry 0): expected 0 to 127",
        ),
        (
            |p| p.codecs[1].payload_type = PayloadType(96),
            "codecs[].payloadType (entry 1): expected a number of its own",
        ),
        (|p| p.codecs[0].mime_type = "audio/VP8".into(), "codecs[].mimeType (entry 0)"),
        (|p| p.codecs[0].mime_type = "video/".into(), "codecs[].mimeType (entry 0)"),
        (|p| p.codecs[0].clock_rate = 0, "codecs[].clockRate (entry 0)"),
        (|p| p.codecs[1].parameters.insert("apt", 5), "codecs[].parameters.apt (entry 1)"),
        (|p| p.encodings.clear(), "encodings (entry 0): expected at least one"),
        (|p| p.encodings = vec![RtpEncodingParameters::default(); 2], "encodings[].rid (entry 0)"),
        (|p| p.encodings = vec![p.encodings[0].clone(); 2], "encodings[].ssrc (entry 1)"),
        (
            |p| p.encodings[0].codec_payload_type = Some(PayloadType(97)),
            "encodings[].codecPayloadType",
        ),
        (|p| p.header_extensions[0].id = 0, "headerExtensions[].id (entry 0): expected 1 to 255"),
        (|p| p.mid = Some("seventeen letters".into()), "mid (entry 0)"),
        (|p| p.rtcp.cname = Some("a\nb".into()), "rtcp.cname (entry 0)"),
    ];
    let mut right = producer(&[vp8(96)]);
    right.codecs.push(rtx(97, 96));
    right.header_extensions =
        consumable_parameters(MediaKind::Video, &right, &router()).unwrap().header_extensions;
    validate_rtp_parameters(MediaKind::Video, &right).unwrap();
    for (change, expected) in cases {
        let mut params = right.clone();
        change(&mut params);
        let error = validate_rtp_parameters(MediaKind::Video, &params).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

proptest! {
    #[test]
    fn fmtp_makes_the_round_trip(
        pairs in prop::collection::btree_map("[a-z][a-z-]{0,15}", "[0-9a-z]{1,10}", 0..8),
    ) {
        let text = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(";");
        let parameters = CodecParameters::parse(&text);
        prop_assert_eq!(parameters.to_string(), text);
        for (name, value) in &pairs {
            let kept = parameters.text(name);
            prop_assert_eq!(kept.as_ref(), Some(value));
        }
        let json = serde_json::to_string(&parameters).unwrap();
        prop_assert_eq!(serde_json::from_str::<CodecParameters>(&json).unwrap(), parameters);
    }

    #[test]
    fn what_a_slot_carries_is_consumable(which in prop::sample::subsequence(vec![0, 1, 2, 3], 1..=4)) {
        let all = [vp8(120), h264(121, "42e01f", 1), h264(122, "42c015", 1), vp8(123)];
        let sent = producer(&which.iter().map(|i| all[*i].clone()).collect::<Vec<_>>());
        let router = router();
        let consumable = consumable_parameters(MediaKind::Video, &sent, &router).unwrap();
        prop_assert!(can_consume(&consumable, &router));
        let params = consumer_parameters(MediaKind::Video, &consumable, &router, ids()).unwrap();
        prop_assert!(validate_rtp_parameters(MediaKind::Video, &params).is_ok());
        let slot = slot_parameters(MediaKind::Video, &router, &router, ids()).unwrap();
        prop_assert!(validate_rtp_parameters(MediaKind::Video, &slot).is_ok());
        for codec in &sent.codecs {
            prop_assert!(egress_codec(&params, codec).is_some());
            prop_assert!(egress_codec(&slot, codec).is_some());
        }
    }
}

fn router() -> RtpCapabilities {
    router_capabilities(&default_codecs()).unwrap()
}

fn ids() -> EgressIds {
    EgressIds {
        mid: Some("0".to_owned()),
        ssrc: Ssrc(7),
        rtx_ssrc: Some(Ssrc(8)),
        cname: "cname".to_owned(),
        msid: None,
    }
}

fn producer(codecs: &[RtpCodecParameters]) -> RtpParameters {
    RtpParameters {
        codecs: codecs.to_vec(),
        encodings: vec![RtpEncodingParameters {
            ssrc: Some(Ssrc(1)),
            ..RtpEncodingParameters::default()
        }],
        ..RtpParameters::default()
    }
}

fn vp8(payload_type: u8) -> RtpCodecParameters {
    codec(payload_type, "video/VP8", "")
}

fn h264(payload_type: u8, profile_level_id: &str, mode: u32) -> RtpCodecParameters {
    let fmtp = format!("packetization-mode={mode};profile-level-id={profile_level_id}");
    codec(payload_type, "video/H264", &fmtp)
}

fn rtx(payload_type: u8, apt: u8) -> RtpCodecParameters {
    codec(payload_type, "video/rtx", &format!("apt={apt}"))
}

fn codec(payload_type: u8, mime_type: &str, fmtp: &str) -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: mime_type.to_owned(),
        payload_type: PayloadType(payload_type),
        clock_rate: 90_000,
        channels: None,
        parameters: CodecParameters::parse(fmtp),
        rtcp_feedback: Vec::new(),
    }
}

fn capability(kind: MediaKind, mime_type: &str, clock_rate: u32) -> RtpCodecCapability {
    RtpCodecCapability {
        kind,
        mime_type: mime_type.to_owned(),
        preferred_payload_type: None,
        clock_rate,
        channels: None,
        parameters: CodecParameters::new(),
        rtcp_feedback: Vec::new(),
    }
}
