//! What an endpoint or a router can receive.

use serde::{Deserialize, Serialize};

use super::CodecParameters;
use crate::wire::{MediaKind, PayloadType};

/// What an endpoint, or a router, is able to receive: mediasoup's
/// `RtpCapabilities`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpCapabilities {
    /// Media and RTX codecs, in order of preference.
    #[serde(default)]
    pub codecs: Vec<RtpCodecCapability>,
    /// RTP header extensions.
    #[serde(default)]
    pub header_extensions: Vec<RtpHeaderExtension>,
}

/// One codec that can be received.
///
/// ```
/// use sfu_core::api::params::RtpCodecCapability;
/// let vp8: RtpCodecCapability = serde_json::from_value(serde_json::json!({
///     "kind": "video", "mimeType": "video/VP8", "clockRate": 90000,
///     "rtcpFeedback": [{ "type": "nack" }, { "type": "nack", "parameter": "pli" }],
/// })).unwrap();
/// assert_eq!(vp8.clock_rate, 90_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpCodecCapability {
    /// Audio or video.
    pub kind: MediaKind,
    /// `audio/opus`, `video/VP8`, `video/rtx`…; compared without regard to case.
    pub mime_type: String,
    /// The payload type that the endpoint would like for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_payload_type: Option<PayloadType>,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Channels, for audio; absent means 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Format-specific parameters (`a=fmtp`).
    #[serde(default)]
    pub parameters: CodecParameters,
    /// RTCP feedback messages that can be sent for it.
    #[serde(default)]
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

impl RtpCodecCapability {
    /// Whether this is the retransmission format (RFC 4588).
    pub fn is_rtx(&self) -> bool {
        is_rtx(&self.mime_type)
    }
}

/// One kind of RTCP feedback (RFC 4585 §4.2, `a=rtcp-fb`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct RtcpFeedback {
    /// `nack`, `ccm`, `transport-cc`…
    #[serde(rename = "type")]
    pub kind: String,
    /// `pli`, `fir`…; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parameter: String,
}

impl RtcpFeedback {
    /// The feedback of this type and parameter (empty for none).
    pub fn new(kind: &str, parameter: &str) -> Self {
        Self { kind: kind.to_owned(), parameter: parameter.to_owned() }
    }
}

/// One RTP header extension (RFC 8285) that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct RtpHeaderExtension {
    /// The media that it belongs to.
    pub kind: MediaKind,
    /// Its name, a URI.
    pub uri: String,
    /// The id that the endpoint would like for it, 1 to 255.
    pub preferred_id: u8,
    /// Whether it would like the value encrypted (RFC 6904).
    #[serde(default)]
    pub preferred_encrypt: bool,
    /// In which direction it can be used, seen from its owner.
    #[serde(default)]
    pub direction: ExtensionDirection,
}

/// In which direction a header extension can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum ExtensionDirection {
    /// Both.
    #[default]
    Sendrecv,
    /// Only in packets that the owner sends.
    Sendonly,
    /// Only in packets that the owner receives.
    Recvonly,
    /// In neither.
    Inactive,
}

impl ExtensionDirection {
    /// Whether the owner may put it into packets.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether the owner understands it in packets.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }
}

/// Whether a MIME type is that of the retransmission format (RFC 4588).
pub(super) fn is_rtx(mime_type: &str) -> bool {
    mime_type.rsplit_once('/').is_some_and(|(_, name)| name.eq_ignore_ascii_case("rtx"))
}
