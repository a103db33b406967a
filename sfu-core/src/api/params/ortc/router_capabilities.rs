//! From the codecs that a router is configured with to its capabilities.

use super::codec_match::is_red;
use super::{CodecDescription, OrtcError, validate_rtp_capabilities};
use crate::api::params::{
    CodecParameters, RtpCapabilities, RtpCodecCapability, supported_capabilities,
};
use crate::wire::{MediaKind, PayloadType};

/// The capabilities of a router with these codecs: each gets the feedback that
/// we support for it and a payload type (the preferred one, or the next free
/// one from 96 on), and each video codec is followed by its RTX. The same
/// configuration always gives the same numbers.
///
/// ```
/// use sfu_core::api::params::{default_codecs, ortc::router_capabilities};
/// let caps = router_capabilities(&default_codecs()).unwrap();
/// let names: Vec<_> = caps.codecs.iter().map(|c| c.mime_type.as_str()).collect();
/// assert_eq!(names[..4], ["audio/opus", "video/VP8", "video/rtx", "video/H264"]);
/// ```
///
/// # Errors
///
/// [`OrtcError::UnsupportedCodec`] for a codec that cannot be routed,
/// [`OrtcError::Invalid`] for fields that are wrong or payload types used
/// twice, [`OrtcError::NoPayloadType`] if there are too many codecs.
pub fn router_capabilities(codecs: &[RtpCodecCapability]) -> Result<RtpCapabilities, OrtcError> {
    let supported = supported_capabilities();
    let configured = RtpCapabilities { codecs: codecs.to_vec(), header_extensions: Vec::new() };
    validate_rtp_capabilities(&configured)?;
    let mut taken: Vec<PayloadType> =
        codecs.iter().filter_map(|codec| codec.preferred_payload_type).collect();
    let mut caps = RtpCapabilities {
        codecs: Vec::with_capacity(codecs.len() * 2),
        header_extensions: supported.header_extensions,
    };
    for (i, codec) in codecs.iter().enumerate() {
        let pattern = supported
            .codecs
            .iter()
            .find(|s| CodecDescription::from(*s).is_of_type(&codec.into()))
            .filter(|_| !codec.is_rtx())
            .ok_or_else(|| OrtcError::UnsupportedCodec { mime_type: codec.mime_type.clone() })?;
        let earlier = codecs.iter().take(i);
        if earlier.into_iter().any(|e| CodecDescription::from(e).matches(&codec.into())) {
            return Err(OrtcError::invalid("codecs", i, "each codec once"));
        }
        let payload_type = match (codec.preferred_payload_type, static_payload_type(codec)) {
            (Some(preferred), _) => preferred,
            (None, Some(fixed)) if !taken.contains(&fixed) => fixed,
            (None, _) => free_payload_type(&taken, codec)?,
        };
        taken.push(payload_type);
        let mut parameters = codec.parameters.clone();
        if is_red(&codec.mime_type) {
            let opus = caps.codecs.iter().find(|c| c.mime_type.eq_ignore_ascii_case("audio/opus"));
            let opus = opus.and_then(|opus| opus.preferred_payload_type);
            let expected = "audio/opus before audio/red";
            parameters = red_of(opus.ok_or_else(|| OrtcError::invalid("codecs", i, expected))?);
        }
        caps.codecs.push(RtpCodecCapability {
            mime_type: pattern.mime_type.clone(),
            preferred_payload_type: Some(payload_type),
            rtcp_feedback: pattern.rtcp_feedback.clone(),
            parameters,
            ..codec.clone()
        });
        if codec.kind == MediaKind::Video {
            let rtx = free_payload_type(&taken, codec)?;
            taken.push(rtx);
            caps.codecs.push(RtpCodecCapability {
                kind: codec.kind,
                mime_type: "video/rtx".to_owned(),
                preferred_payload_type: Some(rtx),
                clock_rate: codec.clock_rate,
                channels: None,
                parameters: CodecParameters::new().with("apt", u32::from(payload_type.0)),
                rtcp_feedback: Vec::new(),
            });
        }
    }
    Ok(caps)
}

/// The parameters of redundant audio whose blocks have this payload type
/// (RFC 2198 §5).
fn red_of(payload_type: PayloadType) -> CodecParameters {
    let number = payload_type.0;
    CodecParameters::new().with("", format!("{number}/{number}").as_str())
}

/// Payload types that RFC 3551 gives to a codec.
fn static_payload_type(codec: &RtpCodecCapability) -> Option<PayloadType> {
    let all = [("audio/PCMU", 0), ("audio/PCMA", 8), ("audio/G722", 9)];
    let (_, pt) = all.into_iter().find(|(name, _)| codec.mime_type.eq_ignore_ascii_case(name))?;
    Some(PayloadType(pt))
}

fn free_payload_type(
    taken: &[PayloadType],
    codec: &RtpCodecCapability,
) -> Result<PayloadType, OrtcError> {
    // 64 to 95 would look like RTCP (RFC 5761 §4).
    (96..=127)
        .chain(35..=63)
        .map(PayloadType)
        .find(|pt| !taken.contains(pt))
        .ok_or_else(|| OrtcError::NoPayloadType { mime_type: codec.mime_type.clone() })
}
