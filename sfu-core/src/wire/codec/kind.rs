//! The codecs that the project can look into.

use serde::{Deserialize, Serialize};

/// A codec, as far as payload inspection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// Redundant audio (RFC 2198), in calls with Opus inside.
    Red,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264,
    /// H.265 (RFC 7798).
    H265,
    /// AV1 (AOMedia's RTP payload format).
    Av1,
    /// A codec that is forwarded without a look inside.
    Other,
}

impl Codec {
    const NAMED: [Self; 7] =
        [Self::Opus, Self::Red, Self::Vp8, Self::Vp9, Self::H264, Self::H265, Self::Av1];

    /// The media type, such as `video/VP8`; `None` for `Other`.
    pub const fn mime_type(self) -> Option<&'static str> {
        match self {
            Self::Opus => Some("audio/opus"),
            Self::Red => Some("audio/red"),
            Self::Vp8 => Some("video/VP8"),
            Self::Vp9 => Some("video/VP9"),
            Self::H264 => Some("video/H264"),
            Self::H265 => Some("video/H265"),
            Self::Av1 => Some("video/AV1"),
            Self::Other => None,
        }
    }

    /// The codec with this media type, in any case (RFC 6838 §4.2); `Other` if
    /// it is not known.
    ///
    /// ```
    /// use sfu_core::wire::codec::Codec;
    /// assert_eq!(Codec::from_mime_type("video/vp8"), Codec::Vp8);
    /// assert_eq!(Codec::from_mime_type("audio/PCMU"), Codec::Other);
    /// ```
    pub fn from_mime_type(mime_type: &str) -> Self {
        let same = |codec: &Self| {
            codec.mime_type().is_some_and(|known| known.eq_ignore_ascii_case(mime_type))
        };
        Self::NAMED.into_iter().find(same).unwrap_or(Self::Other)
    }

    /// Whether subscribers have to start at a key frame.
    pub const fn has_key_frames(self) -> bool {
        matches!(self, Self::Vp8 | Self::Vp9 | Self::H264 | Self::H265 | Self::Av1)
    }
}
