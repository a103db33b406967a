//! What this SFU can route: codecs, their feedback, header extensions.

use super::{
    CodecParameters, ExtensionDirection, RtcpFeedback, RtpCapabilities, RtpCodecCapability,
    RtpHeaderExtension,
};
use crate::wire::MediaKind;
use crate::wire::rtp::ExtensionKind;

/// The codecs that a router is made with unless it is told otherwise: Opus,
/// VP8, H.264 Constrained Baseline with packetization mode 1, VP9 profile 0 and
/// AV1. Others are [supported](supported_capabilities) and have to be asked for.
pub fn default_codecs() -> Vec<RtpCodecCapability> {
    let h264 = CodecParameters::new()
        .with("level-asymmetry-allowed", 1)
        .with("packetization-mode", 1)
        .with("profile-level-id", "42e01f");
    vec![
        audio("opus", 48_000, Some(2), CodecParameters::parse("minptime=10;useinbandfec=1")),
        video("VP8", CodecParameters::new()),
        video("H264", h264),
        video("VP9", CodecParameters::new().with("profile-id", 0)),
        video("AV1", CodecParameters::new()),
    ]
}

/// All that a router can be configured with. A codec here is a pattern: a
/// configured codec must match one of them, and takes its RTCP feedback. VP9,
/// AV1 and H.265 are routed in any profile; one that is not the default has to be
/// configured with it (VP9 with `profile-id` 2, say).
///
/// Redundant audio (`audio/red`, RFC 2198) is passed through: it needs Opus
/// before it, and is negotiated with peers that have both.
pub fn supported_capabilities() -> RtpCapabilities {
    let h264 = |mode| CodecParameters::new().with("packetization-mode", mode);
    let codecs = vec![
        audio("opus", 48_000, Some(2), CodecParameters::new()),
        audio("red", 48_000, Some(2), CodecParameters::new()),
        audio("G722", 8_000, None, CodecParameters::new()),
        audio("PCMU", 8_000, None, CodecParameters::new()),
        audio("PCMA", 8_000, None, CodecParameters::new()),
        video("VP8", CodecParameters::new()),
        video("VP9", CodecParameters::new()),
        video("H264", h264(1)),
        video("H264", h264(0)),
        video("AV1", CodecParameters::new()),
        video("H265", CodecParameters::new()),
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
    use ExtensionKind as Ext;
    use MediaKind::{Audio, Video};
    const BOTH: &[MediaKind] = &[Audio, Video];
    // Stream ids and allocations are only received: what we send has one stream
    // per section.
    let all = [
        (Ext::Mid, 1, Sendrecv, BOTH),
        (Ext::Rid, 2, Recvonly, &[Video]),
        (Ext::RepairedRid, 3, Recvonly, &[Video]),
        (Ext::AbsSendTime, 4, Sendrecv, BOTH),
        (Ext::TransportWideCc, 5, Sendrecv, BOTH),
        (Ext::DependencyDescriptor, 8, Sendrecv, &[Video]),
        (Ext::VideoLayersAllocation, 9, Recvonly, &[Video]),
        (Ext::AudioLevel, 10, Sendrecv, &[Audio]),
        (Ext::VideoOrientation, 11, Sendrecv, &[Video]),
        (Ext::TransmissionOffset, 12, Sendrecv, &[Video]),
        (Ext::AbsCaptureTime, 13, Sendrecv, BOTH),
        (Ext::PlayoutDelay, 14, Sendrecv, &[Video]),
    ];
    BOTH.iter()
        .flat_map(|kind| all.iter().filter(|ext| ext.3.contains(kind)).map(move |ext| (kind, ext)))
        .map(|(kind, (ext, preferred_id, direction, _))| RtpHeaderExtension {
            kind: *kind,
            uri: ext.uri().to_owned(),
            preferred_id: *preferred_id,
            preferred_encrypt: false,
            direction: *direction,
        })
        .collect()
}
