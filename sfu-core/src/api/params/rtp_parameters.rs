//! What one producer sends, or one consumer receives.

use serde::{Deserialize, Serialize};

use super::capabilities::is_rtx;
use super::{CodecParameters, RtcpFeedback};
use crate::wire::rtp::ExtensionKind;
use crate::wire::{PayloadType, Ssrc};

/// The RTP of one producer or consumer: mediasoup's `RtpParameters`.
///
/// For a producer these are the values that the peer puts into its packets;
/// for a consumer, those that the router puts into the packets it sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpParameters {
    /// Media identification (RFC 9143), as in the MID header extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// Media and RTX codecs, the preferred one first.
    pub codecs: Vec<RtpCodecParameters>,
    /// RTP header extensions in use.
    #[serde(default)]
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// The streams: one for each simulcast layer, smallest first.
    #[serde(default)]
    pub encodings: Vec<RtpEncodingParameters>,
    /// RTCP settings.
    #[serde(default)]
    pub rtcp: RtcpParameters,
    /// `a=msid` (RFC 8830): stream id and track id, with a space between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msid: Option<String>,
}

impl RtpParameters {
    /// The codecs other than retransmission.
    pub fn media_codecs(&self) -> impl Iterator<Item = &RtpCodecParameters> {
        self.codecs.iter().filter(|codec| !codec.is_rtx())
    }

    /// The codec with this payload type.
    pub fn codec(&self, payload_type: PayloadType) -> Option<&RtpCodecParameters> {
        self.codecs.iter().find(|codec| codec.payload_type == payload_type)
    }

    /// The retransmission codec of the media codec with this payload type.
    pub fn rtx_codec(&self, payload_type: PayloadType) -> Option<&RtpCodecParameters> {
        self.codecs.iter().find(|codec| codec.apt() == Some(payload_type))
    }

    /// The id of this header extension.
    pub fn extension_id(&self, kind: ExtensionKind) -> Option<u8> {
        self.header_extensions.iter().find(|ext| ext.uri == kind.uri()).map(|ext| ext.id)
    }
}

/// One codec in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpCodecParameters {
    /// `audio/opus`, `video/VP8`, `video/rtx`…; compared without regard to case.
    pub mime_type: String,
    /// RTP payload type, 0 to 127.
    pub payload_type: PayloadType,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Channels, for audio; absent means 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Format-specific parameters (`a=fmtp`).
    #[serde(default)]
    pub parameters: CodecParameters,
    /// RTCP feedback in use.
    #[serde(default)]
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

impl RtpCodecParameters {
    /// Whether this is the retransmission format (RFC 4588).
    pub fn is_rtx(&self) -> bool {
        is_rtx(&self.mime_type)
    }

    /// For the retransmission format: the payload type that it repeats.
    pub fn apt(&self) -> Option<PayloadType> {
        let apt = self.is_rtx().then(|| self.parameters.number("apt"))??;
        u8::try_from(apt).ok().map(PayloadType)
    }

    /// Whether this feedback is in use.
    pub fn has_feedback(&self, kind: &str, parameter: &str) -> bool {
        self.rtcp_feedback.iter().any(|fb| fb.kind == kind && fb.parameter == parameter)
    }
}

/// One header extension in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpHeaderExtensionParameters {
    /// Its name, a URI.
    pub uri: String,
    /// The id in the packets, 1 to 255 (above 14: two-byte headers, RFC 8285 §4.3).
    pub id: u8,
    /// Whether the value is encrypted (RFC 6904).
    #[serde(default)]
    pub encrypt: bool,
}

/// One stream, or one simulcast layer of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpEncodingParameters {
    /// The SSRC, where it is signalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<Ssrc>,
    /// The restriction identifier (RFC 8851), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// The media codec of this encoding; absent means any of the parameters' codecs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec_payload_type: Option<PayloadType>,
    /// The retransmission stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtx: Option<RtxParameters>,
    /// Whether discontinuous transmission is used.
    #[serde(default)]
    pub dtx: bool,
    /// Spatial and temporal layers inside the stream (see [`ScalabilityMode`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scalability_mode: Option<String>,
    /// The highest bitrate in bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u32>,
}

/// The retransmission stream of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct RtxParameters {
    /// Its SSRC.
    pub ssrc: Ssrc,
}

/// RTCP settings of a producer or consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtcpParameters {
    /// Canonical name (RFC 3550 §6.5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// Whether reduced-size RTCP (RFC 5506) is used.
    #[serde(default = "yes")]
    pub reduced_size: bool,
}

impl Default for RtcpParameters {
    fn default() -> Self {
        Self { cname: None, reduced_size: true }
    }
}

/// A scalability mode: `L1T3`, `L3T3_KEY`, `S3T3`…
///
/// ```
/// use sfu_core::api::params::ScalabilityMode;
/// let mode = ScalabilityMode::parse("L3T2_KEY").unwrap();
/// assert_eq!((mode.spatial_layers, mode.temporal_layers, mode.key), (3, 2, true));
/// assert_eq!(ScalabilityMode::parse("L0T1"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct ScalabilityMode {
    /// Number of spatial layers, 1 to 9.
    pub spatial_layers: u8,
    /// Number of temporal layers, 1 to 9.
    pub temporal_layers: u8,
    /// Whether spatial layers depend on each other in key frames only.
    pub key: bool,
}

impl ScalabilityMode {
    /// The mode of this name; `None` if the name is not of the form `LxTy` or `SxTy`.
    pub fn parse(name: &str) -> Option<Self> {
        let digit = |c: &u8| c.is_ascii_digit().then(|| c - b'0').filter(|n| *n > 0);
        let [b'L' | b'S', spatial, b'T', temporal, rest @ ..] = name.as_bytes() else {
            return None;
        };
        if rest.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        Some(Self {
            spatial_layers: digit(spatial)?,
            temporal_layers: digit(temporal)?,
            key: rest.starts_with(b"_KEY"),
        })
    }
}

const fn yes() -> bool {
    true
}
