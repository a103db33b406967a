//! Payloads that a router takes for VP8, H.264 or Opus, and that tell the
//! receiver of a test exactly which piece of which frame they are.

use sfu_core::wire::PayloadType;
use sfu_core::wire::codec::{Codec, inspect};
use sfu_core::{CodecConfig, MediaKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Vp8,
    H264,
    Opus,
}

impl Format {
    pub fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            _ => MediaKind::Video,
        }
    }

    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            _ => 90_000,
        }
    }

    pub fn codec(self) -> Codec {
        match self {
            Self::Vp8 => Codec::Vp8,
            Self::H264 => Codec::H264,
            Self::Opus => Codec::Opus,
        }
    }

    /// The format's description with the payload types of one side.
    pub fn config(self, payload_type: u8) -> CodecConfig {
        let video = self.kind() == MediaKind::Video;
        CodecConfig {
            payload_type: PayloadType(payload_type),
            rtx_payload_type: video.then_some(PayloadType(payload_type + 1)),
            codec: self.codec(),
            clock_rate: self.clock_rate(),
            variant: if self == Self::H264 { 0x42_e0_01 } else { 0 },
            nack: video,
            pli: video,
            fir: false,
        }
    }

    /// Payload types of publishers and of receivers differ on purpose.
    pub fn receiver_config(self) -> CodecConfig {
        self.config(match self {
            Self::Vp8 => 98,
            Self::H264 => 104,
            Self::Opus => 109,
        })
    }
}

/// Which piece of what a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// SSRC of the publisher's stream.
    pub source: u32,
    /// Number of the frame in its stream; a frame that is no key frame needs
    /// the one before.
    pub frame: u32,
    pub index: u8,
    pub count: u8,
    pub key: bool,
    /// True time of capture in nanoseconds.
    pub capture: u64,
}

const STAMP_LEN: usize = 20;

impl Stamp {
    /// The payload of `len` bytes at least; `picture` and `tl0` are VP8's.
    pub fn payload(&self, format: Format, picture: u16, tl0: u8, len: usize) -> Vec<u8> {
        let first = self.index == 0;
        let mut out = match format {
            Format::Vp8 => {
                let [high, low] = (picture & 0x7fff).to_be_bytes();
                let start = if first { 0x90 } else { 0x80 };
                vec![start, 0xe0, 0x80 | high, low, tl0, 0x00, u8::from(!self.key)]
            }
            Format::H264 => {
                let kind = if self.key { 5 } else { 1 };
                let last = self.index + 1 == self.count;
                let fragment = (u8::from(first) << 7) | (u8::from(last && !first) << 6) | kind;
                vec![0x7c, fragment, 0x80]
            }
            Format::Opus => vec![0x78],
        };
        out.extend(self.source.to_be_bytes());
        out.extend(self.frame.to_be_bytes());
        out.extend([self.index, self.count, u8::from(self.key), 0]);
        out.extend(self.capture.to_be_bytes());
        out.resize(out.len().max(len), 0x5a);
        out
    }

    /// Reads it back, with VP8's picture id and TL0PICIDX.
    pub fn read(format: Format, payload: &[u8]) -> (Self, Option<u16>, Option<u8>) {
        let at = match format {
            Format::Vp8 => 7,
            Format::H264 => 3,
            Format::Opus => 1,
        };
        let stamp = &payload[at..at + STAMP_LEN];
        let word = |at: usize| u32::from_be_bytes(stamp[at..at + 4].try_into().unwrap());
        let info = inspect(format.codec(), payload).unwrap();
        let stamp = Self {
            source: word(0),
            frame: word(4),
            index: stamp[8],
            count: stamp[9],
            key: stamp[10] == 1,
            capture: u64::from_be_bytes(stamp[12..20].try_into().unwrap()),
        };
        (stamp, info.picture_id.map(|id| id.value), info.tl0_pic_idx)
    }
}
