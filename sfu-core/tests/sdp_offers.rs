//! SDP offers of real clients, and the answers to them.
//!
//! `tests/data/sdp/` holds offers as the clients wrote them (addresses
//! replaced; Safari's is composed) and the answers that we expect, byte for
//! byte. `UPDATE_GOLDEN=1` writes the answers anew, for a reviewer to read.
#![cfg(feature = "sdp")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sfu_core::SctpConfig;
use sfu_core::api::params::ortc::{EgressIds, router_capabilities};
use sfu_core::api::params::{
    CodecParameters, DtlsRole, Fingerprint, FingerprintAlgorithm, IceCandidate, IceParameters,
    MediaKind, Protocol, RtpCapabilities, RtpCodecCapability, RtpParameters, SctpParameters,
    default_codecs,
};
use sfu_core::api::sdp::{
    AnswerBuilder, Direction, LocalTransport, MediaSection, Negotiation, RemoteOffer,
    SessionDescription, Setup,
};
use sfu_core::wire::rtp::ExtensionKind;
use sfu_core::wire::{PayloadType, Ssrc};

#[test]
fn answers_are_as_reviewed() {
    let mut names = Vec::new();
    for path in corpus() {
        let golden = PathBuf::from(path.to_str().unwrap().replace(".offer.sdp", ".answer.sdp"));
        let offer = fs::read_to_string(&path).unwrap();
        let of_few = path.to_str().unwrap().contains("first-rejected");
        let answer = answer_with(&offer, &if of_few { narrow_router() } else { router() });
        let text = answer.replace("\r\n", "\n");
        assert_eq!(text.matches('\n').count(), answer.matches("\r\n").count());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&golden).unwrap(), "{}", golden.display());
        names.push(path);
    }
    assert!(names.len() >= 13, "the corpus is there: {names:?}");
}

#[test]
fn every_answer_obeys_the_rules_of_offer_and_answer() {
    for path in corpus() {
        let text = fs::read_to_string(&path).unwrap();
        check_answer(&text, &answer_to(&text));
        // The same with the line ending of the standard.
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(answer_to(&crlf), answer_to(&text));
    }
}

#[test]
fn a_meeting_client_sends_simulcast_and_receives_in_slots() {
    for client in ["chromium-meeting", "firefox-meeting"] {
        let (offer, negotiation) = negotiated(client);
        let kinds: Vec<_> = negotiation.producers.iter().map(|p| p.kind).collect();
        assert_eq!(
            kinds,
            [MediaKind::Audio, MediaKind::Video, MediaKind::Video, MediaKind::Audio],
            "{client}"
        );
        assert_eq!(negotiation.slots.len(), 6, "{client}");
        let camera = &negotiation.producers[1].parameters;
        assert_eq!(rids(camera), ["q", "h", "f"], "{client}");
        assert!(camera.extension_id(ExtensionKind::Rid).is_some(), "{client}");
        assert!(camera.extension_id(ExtensionKind::RepairedRid).is_some(), "{client}");
        assert!(camera.extension_id(ExtensionKind::TransportWideCc).is_some(), "{client}");
        let vp8 = &camera.codecs[0];
        assert_eq!(vp8.mime_type, "video/VP8", "{client}");
        assert!(vp8.has_feedback("transport-cc", "") && !vp8.has_feedback("goog-remb", ""));
        assert!(camera.rtx_codec(vp8.payload_type).is_some(), "{client}");
        assert_eq!(offer.remote_dtls().role, DtlsRole::Client, "{client}");
        assert!(!offer.remote_ice().ice_lite);
        let slot = negotiation.slots[1].parameters(&router(), ids(0)).unwrap();
        assert_eq!(slot.mid.as_deref(), Some(negotiation.slots[1].mid.as_str()));
        assert!(slot.extension_id(ExtensionKind::Mid).is_some(), "{client}");
    }
    let (_, chromium) = negotiated("chromium-meeting");
    let slot = chromium.slots[3].parameters(&router(), ids(0)).unwrap();
    let codecs: Vec<_> = slot.media_codecs().map(|c| c.mime_type.as_str()).collect();
    assert_eq!(codecs, ["video/VP8", "video/VP9", "video/H264", "video/AV1"]);
}

#[test]
fn browsers_get_scalable_codecs_and_the_descriptor_of_their_layers() {
    for client in ["chromium-meeting", "firefox-meeting"] {
        let (_, negotiation) = negotiated(client);
        let camera = &negotiation.producers[1].parameters;
        let names: Vec<_> = camera.media_codecs().map(|c| c.mime_type.as_str()).collect();
        assert!(names.contains(&"video/VP9") && names.contains(&"video/AV1"), "{client} {names:?}");
        let kind = ExtensionKind::DependencyDescriptor;
        assert!(camera.extension_id(kind).is_some(), "{client}");
        let answer = answer_to(&corpus_text(client));
        assert!(answer.contains(kind.uri()), "{client}");
    }
    let kind = ExtensionKind::DependencyDescriptor;
    let slot = |text: &str| {
        let negotiation = negotiate(text);
        let slot = negotiation.slots.iter().find(|slot| slot.kind == MediaKind::Video).unwrap();
        slot.parameters(&router(), ids(0)).unwrap().extension_id(kind)
    };
    let text = corpus_text("chromium-meeting");
    assert!(slot(&text).is_some());
    // A structure does not fit the one-byte form, so without the other it is
    // not for receivers.
    let strict = text.replace("a=extmap-allow-mixed\n", "");
    assert_eq!(slot(&strict), None);
    assert!(negotiate(&strict).producers[1].parameters.extension_id(kind).is_some());
}

#[test]
fn codecs_that_a_router_was_asked_for_are_negotiated() {
    let text = corpus_text("chromium-meeting");
    let wide = RemoteOffer::parse(&text).unwrap().negotiate(&wide_router());
    let microphone = &wide.producers[0].parameters;
    let found: Vec<_> =
        microphone.codecs.iter().map(|c| (c.mime_type.as_str(), c.payload_type.0)).collect();
    assert_eq!(found, [("audio/opus", 111), ("audio/red", 63)]);
    let profiles: Vec<_> = wide.producers[1]
        .parameters
        .codecs
        .iter()
        .filter(|codec| codec.mime_type == "video/VP9")
        .map(|codec| codec.parameters.number("profile-id"))
        .collect();
    assert_eq!(profiles, [Some(0), Some(2)]);
    // In the peer's own numbers, in both directions.
    let answer = answer_with(&text, &wide_router());
    assert!(answer.contains("a=fmtp:63 111/111\r\n"), "{answer}");
    let answered = SessionDescription::parse(&answer).unwrap();
    let offered = SessionDescription::parse(&text).unwrap();
    for (section, original) in answered.sections.iter().zip(&offered.sections) {
        let reds = |s: &MediaSection| s.codecs.iter().any(|c| c.mime_type == "audio/red");
        assert_eq!(reds(section), reds(original));
    }
    // Without Opus there is nothing to have inside, and the rest is by default
    // without it.
    let no_opus = text.replace("opus/48000/2", "x-opus/48000/2");
    let negotiation = RemoteOffer::parse(&no_opus).unwrap().negotiate(&wide_router());
    assert!(negotiation.producers.iter().all(|p| p.kind == MediaKind::Video));
    assert!(!answer_to(&text).contains(" red/"));
}

#[test]
fn layers_are_ordered_by_size_and_answered_in_the_offers_order() {
    let (_, negotiation) = negotiated("chromium-h264-simulcast");
    assert_eq!(rids(&negotiation.producers[0].parameters), ["q", "h", "f"]);
    let answer = answer_to(&corpus_text("chromium-h264-simulcast"));
    assert!(answer.contains("a=simulcast:recv f;h;q\r\n"), "{answer}");
    // Names that say nothing about size keep their order.
    let offer = minimal_offer("a=rid:b send\na=rid:a send\na=simulcast:send b;~a\n");
    assert_eq!(rids(&negotiate(&offer).producers[0].parameters), ["b", "a"]);
}

#[test]
fn one_section_in_both_directions_is_a_producer_and_a_slot() {
    for client in
        ["aiortc-datachannel", "gstreamer-sendrecv", "firefox-sendrecv", "safari-sendrecv"]
    {
        let (_, negotiation) = negotiated(client);
        assert_eq!(negotiation.producers.len(), 2, "{client}");
        assert_eq!(negotiation.slots.len(), 2, "{client}");
        for (producer, slot) in negotiation.producers.iter().zip(&negotiation.slots) {
            assert_eq!((producer.section, &producer.mid), (slot.section, &slot.mid), "{client}");
        }
        let answer = SessionDescription::parse(&answer_to(&corpus_text(client))).unwrap();
        let media: Vec<_> = answer.sections.iter().filter(|s| s.kind().is_some()).collect();
        assert!(media.iter().all(|s| s.direction == Direction::Sendrecv), "{client}");
    }
}

#[test]
fn streams_without_rids_are_known_by_ssrc() {
    let (_, aiortc) = negotiated("aiortc-datachannel");
    let audio = &aiortc.producers[0].parameters.encodings;
    assert!(audio[0].ssrc.is_some() && audio[0].rtx.is_none());
    let video = &aiortc.producers[1].parameters;
    assert!(video.encodings[0].rtx.is_some());
    // No transport-cc there, so REMB it is.
    assert!(video.codecs[0].has_feedback("goog-remb", ""));

    let (offer, ffmpeg) = negotiated("ffmpeg-whip");
    assert_eq!(offer.remote_dtls().role, DtlsRole::Server);
    let video = &ffmpeg.producers[1].parameters;
    assert_eq!(video.codecs[0].payload_type, PayloadType(106));
    assert_eq!(video.rtx_codec(PayloadType(106)).unwrap().payload_type, PayloadType(105));
    assert!(video.header_extensions.is_empty() && video.rtcp.reduced_size);
    assert_eq!(video.rtcp.cname.as_deref(), Some("FFmpeg"));
}

#[test]
fn codecs_keep_the_numbers_of_the_offer() {
    let (_, safari) = negotiated("safari-sendrecv");
    let video = &safari.producers[1].parameters;
    let found: Vec<_> =
        video.codecs.iter().map(|c| (c.mime_type.as_str(), c.payload_type.0)).collect();
    // 96 is H.264 High, which the router does not have.
    let expected = [("video/H264", 98), ("video/rtx", 99), ("video/VP8", 100), ("video/rtx", 101)];
    assert_eq!(found, expected);
    assert_eq!(safari.slots[1].capabilities.codecs.len(), 4);
}

#[test]
fn data_channels_are_accepted_or_rejected_in_place() {
    for client in ["chromium-datachannel", "aiortc-datachannel"] {
        let text = corpus_text(client);
        let offer = RemoteOffer::parse(&text).unwrap();
        let data = offer.data().unwrap();
        assert_eq!((data.mid.as_str(), data.port, data.max_message_size), ("2", 5000, 262_144));
        let answer = SessionDescription::parse(&answer_to(&text)).unwrap();
        let accepted = &answer.sections[data.section];
        assert!(accepted.is_data() && !accepted.is_rejected(), "{client}");
        assert!(answer.bundle().unwrap().contains(&data.mid), "{client}");

        let router = router();
        let negotiation = offer.negotiate(&router);
        let mut builder = AnswerBuilder::new(&offer, &router);
        for producer in &negotiation.producers {
            builder.producer(producer.section, &producer.parameters).unwrap();
        }
        let answer = SessionDescription::parse(&builder.build(&transport(), 1)).unwrap();
        let rejected = &answer.sections[data.section];
        assert_eq!((rejected.media.as_str(), rejected.port), ("application", 0), "{client}");
        assert!(!answer.bundle().unwrap().contains(&data.mid), "{client}");
    }
}

const DATA_SECTION: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n\
    c=IN IP4 0.0.0.0\na=mid:0\na=ice-ufrag:ufrg\na=ice-pwd:abcdefghijklmnopqrstuvwx\n\
    a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:\
    AB:AB:AB:AB:AB:AB:AB:AB:AB\na=setup:actpass\n";

#[test]
fn data_channels_alone_are_enough() {
    let text = format!("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE 0\n{DATA_SECTION}");
    let offer = RemoteOffer::parse(&text).unwrap();
    let data = offer.data().unwrap();
    // RFC 8841 §6.1: without a number it is 64 KiB.
    assert_eq!((data.port, data.max_message_size), (5000, 65_536));
    let answer = answer_to(&text);
    check_answer(&text, &answer);
    assert!(answer.contains("m=application 40000 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    // It stands for the transport, so it stays even if nobody wants it.
    let idle = AnswerBuilder::new(&offer, &router()).build(&transport(), 1);
    let idle = SessionDescription::parse(&idle).unwrap();
    assert_eq!(idle.sections[0].direction, Direction::Inactive);
    assert!(!idle.sections[0].is_rejected());

    let max = |size: &str| format!("{text}a=sctp-port:6000\na=max-message-size:{size}\n");
    let offer = RemoteOffer::parse(&max("0")).unwrap();
    assert_eq!(offer.data().map(|data| (data.port, data.max_message_size)), Some((6000, 0)));
    let offer = RemoteOffer::parse(&max("1073741823000")).unwrap();
    assert_eq!(offer.data().map(|data| data.max_message_size), Some(u32::MAX));
    assert!(RemoteOffer::parse(&max("many")).is_err());
    assert!(RemoteOffer::parse(&format!("{text}a=sctp-port:0\n")).is_err());
    // Firefox before 63 and libraries of its time.
    let old = text.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5001");
    let old = format!("{old}a=sctpmap:5001 webrtc-datachannel 1024\n");
    assert_eq!(RemoteOffer::parse(&old).unwrap().data().map(|data| data.port), Some(5001));
}

#[test]
fn the_section_that_stands_for_the_transport_is_never_rejected() {
    let text = corpus_text("chromium-first-rejected");
    let router = narrow_router();
    let negotiation = RemoteOffer::parse(&text).unwrap().negotiate(&router);
    assert!(negotiation.producers.iter().all(|p| p.section != 0));
    let answer = SessionDescription::parse(&answer_with(&text, &router)).unwrap();
    assert_eq!(answer.sections[0].direction, Direction::Inactive);
    assert!(!answer.sections[0].is_rejected() && !answer.sections[0].candidates.is_empty());
    assert_eq!(answer.bundle().unwrap()[0], "0");
}

#[test]
fn what_is_not_accepted_is_rejected() {
    let text = corpus_text("chromium-meeting");
    let offer = RemoteOffer::parse(&text).unwrap();
    let router = router();
    let negotiation = offer.negotiate(&router);
    let mut builder = AnswerBuilder::new(&offer, &router);
    let microphone = &negotiation.producers[0];
    builder.producer(microphone.section, &microphone.parameters).unwrap();
    let answer = builder.build(&transport(), 1);
    let answer = SessionDescription::parse(&answer).unwrap();
    assert_eq!(answer.bundle().unwrap(), ["0"]);
    assert_eq!(answer.sections.iter().filter(|s| s.is_rejected()).count(), 9);
    // A section that is only sent on holds no slot, nor does one that is not there.
    let slot = negotiation.slots[0].parameters(&router, ids(0)).unwrap();
    assert!(builder.slot(0, &slot).is_err());
    assert!(builder.slot(99, &slot).is_err());
    assert!(builder.producer(negotiation.slots[0].section, &microphone.parameters).is_err());
}

#[test]
fn without_a_bundle_the_first_section_has_the_transport() {
    let text = minimal_offer("").replace("a=group:BUNDLE 0\n", "") + VIDEO_SECTION;
    let answer = answer_to(&text);
    assert!(!answer.contains("BUNDLE"));
    let answer = SessionDescription::parse(&answer).unwrap();
    assert_eq!(answer.sections.iter().map(|s| s.port).collect::<Vec<_>>(), [40_000, 0]);
}

#[test]
fn a_section_outside_the_bundle_is_rejected() {
    let text = minimal_offer("") + VIDEO_SECTION;
    let answer = SessionDescription::parse(&answer_to(&text)).unwrap();
    assert_eq!(answer.sections.iter().map(|s| s.port).collect::<Vec<_>>(), [40_000, 0]);
}

#[test]
fn transport_attributes_of_the_session_are_defaults() {
    let (offer, _) = negotiated("libdatachannel");
    assert_eq!(offer.remote_dtls().fingerprints.len(), 1);
    let text = minimal_offer("");
    let moved = text.lines().filter(|l| l.starts_with("a=ice-")).collect::<Vec<_>>().join("\n");
    let rest = text.lines().filter(|l| !l.starts_with("a=ice-")).collect::<Vec<_>>().join("\n");
    let text = rest.replace("t=0 0\n", &format!("t=0 0\n{moved}\n"));
    assert_eq!(RemoteOffer::parse(&text).unwrap().remote_ice().username_fragment, "ufrg");
}

#[test]
fn a_section_without_mid_is_answered_without() {
    let text = minimal_offer("").replace("a=group:BUNDLE 0\n", "").replace("a=mid:0\n", "");
    let negotiation = negotiate(&text);
    assert_eq!(negotiation.producers[0].mid, "0");
    assert_eq!(negotiation.producers[0].parameters.mid, None);
    assert!(!answer_to(&text).contains("a=mid"));
}

#[test]
fn the_dtls_role_follows_the_offer() {
    for (offered, remote, answered) in [
        ("actpass", DtlsRole::Client, "passive"),
        ("active", DtlsRole::Client, "passive"),
        ("passive", DtlsRole::Server, "active"),
    ] {
        let text = minimal_offer("").replace("actpass", offered);
        assert_eq!(RemoteOffer::parse(&text).unwrap().remote_dtls().role, remote);
        assert!(answer_to(&text).contains(&format!("a=setup:{answered}\r\n")));
    }
}

#[test]
fn large_extension_ids_need_mixed_headers() {
    let lines = "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid\n\
                 a=extmap:14 urn:3gpp:video-orientation\n";
    let id = |text: &str, kind| negotiate(text).producers[0].parameters.extension_id(kind);
    let plain = minimal_offer(lines);
    assert_eq!(id(&plain, ExtensionKind::Mid), None);
    assert_eq!(id(&plain, ExtensionKind::VideoOrientation), Some(14));
    let mixed = plain.replace("t=0 0\n", "t=0 0\na=extmap-allow-mixed\n");
    assert_eq!(id(&mixed, ExtensionKind::Mid), Some(15));
    assert!(answer_to(&mixed).contains("a=extmap-allow-mixed\r\n"));
    let in_section = minimal_offer(&format!("a=extmap-allow-mixed\n{lines}"));
    assert_eq!(id(&in_section, ExtensionKind::Mid), Some(15));
}

#[test]
fn extension_directions_are_turned_round() {
    let text = minimal_offer(
        "a=extmap:1/sendonly urn:3gpp:video-orientation\n\
         a=extmap:2/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n",
    );
    let negotiation = negotiate(&text);
    let sent = &negotiation.producers[0].parameters;
    assert_eq!(sent.extension_id(ExtensionKind::VideoOrientation), Some(1));
    assert_eq!(sent.extension_id(ExtensionKind::PlayoutDelay), None);
    let answer = answer_to(&text);
    assert!(answer.contains("a=extmap:1/recvonly urn:3gpp:video-orientation\r\n"), "{answer}");
    assert!(answer.contains("a=extmap:2/sendonly http://www.webrtc.org/"), "{answer}");
}

#[test]
fn feedback_for_all_payload_types_counts_for_each() {
    let text = minimal_offer("a=rtcp-fb:* nack pli\na=rtcp-fb:* ccm tmmbr\n");
    let codec = &negotiate(&text).producers[0].parameters.codecs[0];
    assert!(codec.has_feedback("nack", "pli") && !codec.has_feedback("ccm", "tmmbr"));
    assert!(answer_to(&text).contains("a=rtcp-fb:96 nack pli\r\n"));
}

#[test]
fn simulcast_can_be_named_by_an_ssrc_group() {
    let text = minimal_offer(
        "a=ssrc-group:SIM 11 12 13\na=ssrc-group:FID 11 21\na=ssrc-group:FID 12 22\n\
         a=ssrc:11 cname:c\na=ssrc:12 cname:c\na=ssrc:13 cname:c\na=ssrc:21 cname:c\n",
    )
    .replace(
        "a=rtpmap:96 VP8/90000\n",
        "a=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n",
    )
    .replace("SAVPF 96\n", "SAVPF 96 97\n");
    let encodings = &negotiate(&text).producers[0].parameters.encodings;
    let ssrcs: Vec<_> = encodings.iter().map(|e| (e.ssrc, e.rtx.map(|rtx| rtx.ssrc))).collect();
    let expected =
        [(11, Some(21)), (12, Some(22)), (13, None)].map(|(s, r)| (Some(Ssrc(s)), r.map(Ssrc)));
    assert_eq!(ssrcs, expected);
}

#[test]
fn rid_lines_alone_name_the_encodings() {
    let text = minimal_offer("a=rid:1 send\na=rid:2 send pt=96\n");
    assert_eq!(rids(&negotiate(&text).producers[0].parameters), ["1", "2"]);
    let answer = answer_to(&text);
    assert!(answer.contains("a=rid:2 recv\r\n") && !answer.contains("simulcast"), "{answer}");
}

#[test]
fn limits_of_a_receiver_are_not_sent_back_to_it() {
    let text = minimal_offer("a=fmtp:96 max-fs=12288;max-fr=60\n");
    assert!(!answer_to(&text).contains("max-fs"));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let cases = [
        ("", "line 1, v=: expected v=0"),
        (
            "v=0\r\n",
            "line 0, m=: expected audio or video over DTLS-SRTP with rtcp-mux, or data channels, in one bundle",
        ),
        ("v=0\nhello\n", "line 2, line: expected a letter and an equals sign"),
        ("v=0\ns=a\rb\n", "line 2, line: expected no control characters"),
        ("v=0\nm=audio x RTP 0\n", "line 2, m=: expected a port, 0 to 65535"),
    ];
    for (text, expected) in cases {
        assert_eq!(RemoteOffer::parse(text).unwrap_err().to_string(), expected, "{text:?}");
    }
    for (line, broken, expected) in [
        ("a=ice-ufrag:ufrg\n", "", "a=ice-ufrag: expected one, and a=ice-pwd"),
        ("a=ice-ufrag:ufrg\n", "a=ice-ufrag:a:b\n", "a=ice-ufrag: expected ICE characters"),
        ("a=setup:actpass\n", "a=setup:holdconn\n", "a=setup: expected active, passive or actpass"),
        ("a=setup:actpass\n", "a=setup:maybe\n", "a=setup: expected active, passive or actpass"),
        ("a=rtcp-mux\n", "", "m=: expected audio or video over DTLS-SRTP with rtcp-mux"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "m=: expected audio or video over DTLS-SRTP"),
        ("a=mid:0\n", "a=mid:0123456789abcdefg\n", "a=mid: expected 1 to 16 token characters"),
        ("a=mid:0\n", "a=mid:0\na=extmap:0 urn:x\n", "a=extmap: expected an id, 1 to 255"),
        ("a=mid:0\n", "a=mid:0\na=rid:a/b send\n", "a=rid: expected an id"),
        ("VP8/90000", "VP8", "a=rtpmap: expected payload type, name and clock rate"),
        ("sha-256 AB:", "sha-256 ", "a=fingerprint: expected as many hexadecimal bytes"),
        ("sha-256 ", "sha-1 ", "a=fingerprint: expected at least one"),
    ] {
        let offer = minimal_offer("");
        assert!(offer.contains(line), "{line}");
        let error = RemoteOffer::parse(&offer.replacen(line, broken, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{broken:?}: {error}");
    }
    let error = RemoteOffer::parse(&(minimal_offer("") + &minimal_section("0"))).unwrap_err();
    assert_eq!((error.what, error.expected), ("a=mid", "a name of its own"));
    assert_eq!(error.line, minimal_offer("").lines().count() + 1);
}

#[test]
fn there_is_a_limit_to_everything() {
    let whats = |text: &str| SessionDescription::parse(text).unwrap_err().what;
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\n";
    assert!(SessionDescription::parse(&format!("v=0\n{}", section.repeat(128))).is_ok());
    assert_eq!(whats(&format!("v=0\n{}", section.repeat(129))), "m=");
    let formats = |n: usize| format!("v=0\nm=audio 9 UDP/TLS/RTP/SAVPF{}\n", " 1".repeat(n));
    assert!(SessionDescription::parse(&formats(64)).is_ok());
    assert_eq!(whats(&formats(65)), "m=");
    assert_eq!(whats(&format!("v=0\ns={}\n", "x".repeat(4095))), "line");
    assert_eq!(whats(&format!("v=0\n{}", "s=x\n".repeat(70_000))), "description");
    let many = |line: fn(usize) -> String, n| {
        format!("v=0\n{section}{}", (1..=n).map(line).collect::<String>())
    };
    assert_eq!(whats(&many(|i| format!("a=ssrc:{i} cname:x\n"), 65)), "a=ssrc");
    assert_eq!(whats(&many(|i| format!("a=extmap:{i} urn:x:{i}\n"), 65)), "a=extmap");
    assert_eq!(whats(&many(|i| format!("a=rid:{i} send\n"), 17)), "a=rid");
    // A long list of addresses is cut, not refused.
    let text = many(|i| format!("a=candidate:1 1 udp 1 192.0.2.1 {i} typ host\n"), 1000);
    assert_eq!(SessionDescription::parse(&text).unwrap().sections[0].candidates.len(), 64);
}

#[test]
fn names_from_the_caller_cannot_add_lines() {
    let text = corpus_text("firefox-sendrecv");
    let offer = RemoteOffer::parse(&text).unwrap();
    let router = router();
    let slot = &offer.negotiate(&router).slots[0];
    let mut parameters = slot.parameters(&router, ids(0)).unwrap();
    parameters.msid = Some("a b\r\na=candidate:evil".to_owned());
    let mut builder = AnswerBuilder::new(&offer, &router);
    builder.slot(slot.section, &parameters).unwrap();
    let answer = builder.build(&transport(), 1);
    assert!(!answer.lines().any(|line| line.starts_with("a=candidate:evil")), "{answer}");
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,200}", lines in prop::collection::vec(any_line(), 0..60)) {
        let _ = RemoteOffer::parse(&text);
        let _ = SessionDescription::parse(&format!("v=0\n{}", lines.concat()));
    }

    #[test]
    fn damaged_offers_get_an_error_or_a_right_answer(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec(any_edit(), 1..12),
    ) {
        let corpus = corpus();
        let text = fs::read_to_string(which.get(&corpus)).unwrap();
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        for edit in &edits {
            edit.apply(&mut lines);
        }
        let text = lines.join("\n");
        if RemoteOffer::parse(&text).is_ok() {
            check_answer(&text, &answer_to(&text));
        }
    }
}

/// One way to damage an offer.
#[derive(Debug, Clone)]
enum Edit {
    Remove(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Replace(prop::sample::Index, String),
    Character(prop::sample::Index, prop::sample::Index, char),
}

impl Edit {
    fn apply(&self, lines: &mut Vec<String>) {
        if lines.is_empty() {
            return;
        }
        match self {
            Self::Remove(at) => drop(lines.remove(at.index(lines.len()))),
            Self::Repeat(from, to) => {
                let line = from.get(lines).clone();
                lines.insert(to.index(lines.len()), line);
            }
            Self::Swap(a, b) => {
                let (a, b) = (a.index(lines.len()), b.index(lines.len()));
                lines.swap(a, b);
            }
            Self::Replace(at, with) => {
                let at = at.index(lines.len());
                lines[at] = with.trim_end().to_owned();
            }
            Self::Character(at, column, with) => {
                let line = at.index(lines.len());
                let mut chars: Vec<char> = lines[line].chars().collect();
                if !chars.is_empty() {
                    let column = column.index(chars.len());
                    chars[column] = *with;
                }
                lines[line] = chars.into_iter().collect();
            }
        }
    }
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Edit::Remove),
        (at(), at()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        (at(), at()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (at(), any_line()).prop_map(|(a, line)| Edit::Replace(a, line)),
        (at(), at(), any::<char>()).prop_map(|(a, b, c)| Edit::Character(a, b, c)),
    ]
}

/// Lines that the parser knows, with values of the right alphabet.
fn any_line() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "m=audio ",
        "m=video ",
        "m=application ",
        "a=rtpmap:",
        "a=fmtp:",
        "a=rtcp-fb:",
        "a=extmap:",
        "a=mid:",
        "a=msid:",
        "a=ssrc:",
        "a=ssrc-group:",
        "a=rid:",
        "a=simulcast:",
        "a=candidate:",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=setup:",
        "a=fingerprint:",
        "a=group:",
        "a=sendrecv",
        "a=recvonly",
        "a=inactive",
        "a=rtcp-mux",
        "a=bundle-only",
        "c=",
        "x",
    ]);
    let word = prop_oneof![
        "[0-9]{1,5}",
        "[a-zA-Z]{1,8}",
        "[ -~]{0,12}",
        prop::sample::select(vec!["send", "recv", "96", "VP8/90000", "0", "UDP/TLS/RTP/SAVPF"])
            .prop_map(ToOwned::to_owned),
    ];
    (names, prop::collection::vec(word, 0..6))
        .prop_map(|(name, words)| format!("{name}{}\n", words.join(" ")))
}

/// The rules that an answer must keep whatever was offered.
fn check_answer(offer: &str, answer: &str) {
    assert!(answer.ends_with("\r\n") && !answer.replace("\r\n", "").contains(['\r', '\n']));
    let offer = SessionDescription::parse(offer).unwrap();
    let answer = SessionDescription::parse(answer).unwrap_or_else(|e| panic!("{e}\n{answer}"));
    assert!(answer.ice_lite);
    assert_eq!(offer.sections.len(), answer.sections.len());
    let accepted = |s: &&MediaSection| !s.is_rejected();
    let mids: Vec<_> =
        answer.sections.iter().filter(accepted).filter_map(|s| s.mid.clone()).collect();
    if let Some(offered) = offer.bundle() {
        let bundle = answer.bundle().unwrap_or_default();
        assert_eq!(bundle, mids);
        assert!(bundle.iter().all(|mid| offered.contains(mid)));
    } else {
        assert!(answer.groups.is_empty());
    }
    let first = answer.sections.iter().find(accepted).expect("one section has the transport");
    assert!(!first.candidates.is_empty());
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        check_section(offered, answered);
    }
}

fn check_section(offered: &MediaSection, answered: &MediaSection) {
    assert_eq!((&offered.media, &offered.mid), (&answered.media, &answered.mid));
    assert_eq!(offered.protocol, answered.protocol);
    assert!(matches!(answered.transport.setup, Some(Setup::Active | Setup::Passive)));
    assert!(answered.formats.iter().all(|format| offered.formats.contains(format)));
    if answered.is_rejected() {
        return;
    }
    if answered.is_data() {
        assert_eq!((answered.sctp_port, answered.max_message_size), (Some(5000), Some(262_144)));
        assert!(offered.is_data() && !answered.rtcp_mux);
        return;
    }
    assert!(answered.rtcp_mux && !answered.bundle_only);
    assert!(offered.rtcp_rsize || !answered.rtcp_rsize);
    assert!(!answered.direction.sends() || offered.direction.receives());
    assert!(!answered.direction.receives() || offered.direction.sends());
    assert_eq!(answered.direction.sends(), !answered.sources.is_empty());
    for codec in &answered.codecs {
        let theirs = offered.codecs.iter().find(|c| c.payload_type == codec.payload_type).unwrap();
        assert!(codec.mime_type.eq_ignore_ascii_case(&theirs.mime_type));
        assert_eq!((codec.clock_rate, codec.channels), (theirs.clock_rate, theirs.channels));
        for feedback in &codec.rtcp_feedback {
            assert!(theirs.rtcp_feedback.contains(feedback), "{feedback:?}");
        }
        assert!(
            !(codec.has_feedback("transport-cc", "") && codec.has_feedback("goog-remb", "")),
            "one congestion control"
        );
        if let Some(apt) = codec.apt() {
            assert!(answered.codecs.iter().any(|c| c.payload_type == apt), "{apt:?}");
        }
    }
    for ext in &answered.extensions {
        assert!(offered.extensions.iter().any(|o| (o.id, &o.uri) == (ext.id, &ext.uri)));
    }
    assert!(answered.send_rids.is_empty());
    assert!(answered.recv_rids.iter().all(|rid| offered.send_rids.contains(rid)));
    assert!(offered.simulcast || !answered.simulcast);
}

/// Accepts everything that can be accepted.
fn answer_to(text: &str) -> String {
    answer_with(text, &router())
}

fn answer_with(text: &str, router: &RtpCapabilities) -> String {
    let offer = RemoteOffer::parse(text).unwrap();
    let negotiation = offer.negotiate(router);
    let slots: Vec<(usize, RtpParameters)> = negotiation
        .slots
        .iter()
        .enumerate()
        .map(|(i, slot)| (slot.section, slot.parameters(router, ids(i)).unwrap()))
        .collect();
    let mut builder = AnswerBuilder::new(&offer, router);
    for producer in &negotiation.producers {
        builder.producer(producer.section, &producer.parameters).unwrap();
    }
    for (section, parameters) in &slots {
        builder.slot(*section, parameters).unwrap();
    }
    if offer.data().is_some() {
        builder.data(SctpParameters::from(&SctpConfig::default()));
    }
    builder.build(&transport(), 0x1234_5678)
}

fn transport() -> LocalTransport {
    let candidate = |protocol| IceCandidate::host(protocol, "192.0.2.10:40000".parse().unwrap(), 1);
    LocalTransport {
        ice: IceParameters {
            username_fragment: "plenumplenum".to_owned(),
            password: "abcdefghijklmnopqrstuvwx".to_owned(),
            ice_lite: true,
        },
        candidates: vec![candidate(Protocol::Udp), candidate(Protocol::Tcp)],
        fingerprints: vec![Fingerprint {
            algorithm: FingerprintAlgorithm::Sha256,
            value: ["AB"; 32].join(":"),
        }],
    }
}

fn ids(n: usize) -> EgressIds {
    let ssrc = 1000 + 2 * u32::try_from(n).unwrap();
    EgressIds {
        mid: None,
        ssrc: Ssrc(ssrc),
        rtx_ssrc: Some(Ssrc(ssrc + 1)),
        cname: "plenum".to_owned(),
        msid: Some(format!("slot{n} track{n}")),
    }
}

fn router() -> RtpCapabilities {
    router_capabilities(&default_codecs()).unwrap()
}

/// Opus, VP8 and H.264 alone.
fn narrow_router() -> RtpCapabilities {
    router_capabilities(&default_codecs()[..3]).unwrap()
}

/// With all that has to be asked for.
fn wide_router() -> RtpCapabilities {
    let audio = |name: &str| RtpCodecCapability {
        kind: MediaKind::Audio,
        mime_type: format!("audio/{name}"),
        preferred_payload_type: None,
        clock_rate: 48_000,
        channels: Some(2),
        parameters: CodecParameters::new(),
        rtcp_feedback: Vec::new(),
    };
    let video = |name: &str, fmtp: &str| RtpCodecCapability {
        kind: MediaKind::Video,
        clock_rate: 90_000,
        channels: None,
        parameters: CodecParameters::parse(fmtp),
        mime_type: format!("video/{name}"),
        ..audio(name)
    };
    let mut codecs = default_codecs();
    codecs.extend([audio("red"), video("VP9", "profile-id=2"), video("H265", "")]);
    router_capabilities(&codecs).unwrap()
}

fn negotiated(client: &str) -> (RemoteOffer, Negotiation) {
    let offer = RemoteOffer::parse(&corpus_text(client)).unwrap();
    let negotiation = offer.negotiate(&router());
    (offer, negotiation)
}

fn negotiate(text: &str) -> Negotiation {
    RemoteOffer::parse(text).unwrap().negotiate(&router())
}

fn rids(parameters: &RtpParameters) -> Vec<&str> {
    parameters.encodings.iter().filter_map(|encoding| encoding.rid.as_deref()).collect()
}

fn corpus_text(client: &str) -> String {
    fs::read_to_string(data().join(format!("{client}.offer.sdp"))).unwrap()
}

fn corpus() -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(".offer.sdp")))
        .collect();
    paths.sort();
    paths
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sdp")
}

const VIDEO_SECTION: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\na=rtcp-mux\n\
                             a=rtpmap:96 VP8/90000\na=sendonly\n";

/// A video section in both directions, with `lines` at its end.
fn minimal_offer(lines: &str) -> String {
    let section = minimal_section("0");
    format!("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE 0\n{section}{lines}")
}

fn minimal_section(mid: &str) -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:{mid}\na=ice-ufrag:ufrg\n\
         a=ice-pwd:passwordpasswordpassword\na=fingerprint:sha-256 {fingerprint}\n\
         a=setup:actpass\na=rtcp-mux\na=rtpmap:96 VP8/90000\n"
    )
}
