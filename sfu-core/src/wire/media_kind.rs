//! Audio or video.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kind of a media stream, as WebRTC and mediasoup name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum MediaKind {
    /// Audio.
    Audio,
    /// Video, screen share included.
    Video,
}

impl MediaKind {
    /// `audio` or `video`, as in an SDP media line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
