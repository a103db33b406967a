//! What this SFU can route: codecs, their feedback, header extensions.

use super::{
    CodecParameters, ExtensionDirection, RtcpFeedback, RtpCapabilities, RtpCodecCapability,
    RtpHeaderExtension,
};
use crate::wire::MediaKind;

/// The codecs that a router is made with unless it is told otherwise: Opus,
/// VP8, and H.264 Constrained Baseline with packetization mode 1.
pub fn default_codecs() -> Vec<RtpCodecCapability> {
    let h264 = CodecParameters::new()
        .with("level-asymmetry-allowed", 1)
        .with("packetization-mode", 1)
        .with("profile-level-id", "42e01f");
    vec![
        audio("opus", 48_000, Some(2), CodecParameters::parse("minptime=10;useinbandfec=1")),
        video("VP8", CodecParameters::new()),
        video("H264", h264),
    ]
}

/// All that a router can be configured with. A codec here is a pattern: a
/// configured codec must match one of them, and takes its RTCP feedback.
pub fn supported_capabilities() -> RtpCapabilities {
    let h264 = |mode| CodecParameters::new().with("packetization-mode", mode);
    let codecs = vec![
        audio("opus", 48_000, Some(2), CodecParameters::new()),
        audio("G722", 8_000, None, CodecParameters::new()),
        audio("PCMU", 8_000, None, CodecParameters::new()),
        audio("PCMA", 8_000, None, CodecParameters::new()),
        video("VP8", CodecParameters::new()),
        video("VP9", CodecParameters::new()),
        video("H264", h264(1)),
        video("H264", h264(0)),
        video("AV1", CodecParameters::new()),
    ];
    RtpCapabilities { codecs, header_extensions: header_extensions() }
}

fn audio(
    name: &str,
    clock_rate: u32,
    channels: Option<u8>,
    parameters: CodecParameters,
) -> RtpCodecCapability {
    RtpCodecCapability {
        kind: MediaKind::Audio,
        mime_type: format!("audio/{name}"),
        preferred_payload_type: None,
        clock_rate,
        channels,
        parameters,
        rtcp_feedback: [("nack", ""), ("transport-cc", "")].map(feedback).into(),
    }
}

fn video(name: &str, parameters: CodecParameters) -> RtpCodecCapability {
    let all =
        [("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""), ("transport-cc", "")];
    RtpCodecCapability {
        kind: MediaKind::Video,
        mime_type: format!("video/{name}"),
        preferred_payload_type: None,
        clock_rate: 90_000,
        channels: None,
        parameters,
        rtcp_feedback: all.map(feedback).into(),
    }
}

fn feedback((kind, parameter): (&str, &str)) -> RtcpFeedback {
    RtcpFeedback::new(kind, parameter)
}

fn header_extensions() -> Vec<RtpHeaderExtension> {
    use ExtensionDirection::{Recvonly, Sendrecv};
    use MediaKind::{Audio, Video};
    // Stream ids are only received: what we send has one stream per section.
    let all: [(&str, u8, ExtensionDirection, &[MediaKind]); 10] = [
        ("urn:ietf:params:rtp-hdrext:sdes:mid", 1, Sendrecv, &[Audio, Video]),
        ("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", 2, Recvonly, &[Video]),
        ("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", 3, Recvonly, &[Video]),
        (
            "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            4,
            Sendrecv,
            &[Audio, Video],
        ),
        (
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            5,
            Sendrecv,
            &[Audio, Video],
        ),
        ("urn:ietf:params:rtp-hdrext:ssrc-audio-level", 10, Sendrecv, &[Audio]),
        ("urn:3gpp:video-orientation", 11, Sendrecv, &[Video]),
        ("urn:ietf:params:rtp-hdrext:toffset", 12, Sendrecv, &[Video]),
        (
            "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            13,
            Sendrecv,
            &[Audio, Video],
        ),
        ("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", 14, Sendrecv, &[Video]),
    ];
    let one = |kind, &(uri, preferred_id, direction, _): &(&str, _, _, _)| RtpHeaderExtension {
        kind,
        uri: uri.to_owned(),
        preferred_id,
        preferred_encrypt: false,
        direction,
    };
    [Audio, Video]
        .into_iter()
        .flat_map(|kind| {
            all.iter().filter(move |ext| ext.3.contains(&kind)).map(move |ext| one(kind, ext))
        })
        .collect()
}
