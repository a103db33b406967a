//! Payloads that a router takes for VP8, VP9, AV1, H.264 or Opus, and that tell the
//! receiver of a test exactly which piece of which frame they are.

use sfu_core::wire::PayloadType;
use sfu_core::wire::codec::{Codec, FrameInfo, inspect};
use sfu_core::{CodecConfig, MediaKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Vp8,
    Vp9,
    /// Its payload looks like noise: all is in the dependency descriptor.
    Encrypted,
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
            Self::Vp9 => Codec::Vp9,
            Self::Encrypted => Codec::Av1,
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
            Self::Vp9 => 100,
            Self::Encrypted => 106,
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
    /// Number of the frame in its stream.
    pub frame: u32,
    pub index: u8,
    pub count: u8,
    pub key: bool,
    /// True time of capture in nanoseconds.
    pub capture: u64,
    pub spatial: u8,
    pub temporal: u8,
    /// Frames of the same stream without which it cannot be decoded.
    pub needs: [Option<u32>; 2],
}

/// What a payload descriptor says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptor {
    /// Picture id.
    pub picture: u16,
    pub tl0: u8,
    /// Y bit of VP8, U bit of VP9.
    pub sync: bool,
    pub needs_lower: bool,
    pub needed_above: bool,
}

const STAMP_LEN: usize = 32;

impl Stamp {
    /// A frame of one packet that needs no other.
    pub fn alone(source: u32, frame: u32, capture: u64) -> Self {
        Self {
            source,
            frame,
            index: 0,
            count: 1,
            key: true,
            capture,
            spatial: 0,
            temporal: 0,
            needs: [None; 2],
        }
    }

    /// The payload of `len` bytes at least.
    pub fn payload(&self, format: Format, descriptor: Descriptor, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        self.write(format, descriptor, len, &mut out);
        out
    }

    /// As [`Self::payload`], at the end of `out`.
    pub fn write(&self, format: Format, descriptor: Descriptor, len: usize, out: &mut Vec<u8>) {
        let end = out.len() + len;
        let (first, last) = (self.index == 0, self.index + 1 == self.count);
        let [high, low] = (descriptor.picture & 0x7fff).to_be_bytes();
        match format {
            Format::Vp8 => {
                let start = if first { 0x90 } else { 0x80 };
                let layer = self.temporal << 6 | u8::from(descriptor.sync) << 5;
                let key = u8::from(!self.key);
                out.extend([start, 0xe0, 0x80 | high, low, descriptor.tl0, layer, key]);
            }
            Format::Vp9 => {
                let flags = [
                    (0x80 | 0x20, true),
                    (0x40, !self.key),
                    (0x08, first),
                    (0x04, last),
                    (0x01, !descriptor.needed_above),
                ];
                let flags = flags.iter().filter(|(_, set)| *set).fold(0, |all, (bit, _)| all | bit);
                let layer = self.temporal << 5
                    | u8::from(descriptor.sync) << 4
                    | self.spatial << 1
                    | u8::from(descriptor.needs_lower);
                out.extend([flags, 0x80 | high, low, layer, descriptor.tl0]);
            }
            Format::Encrypted => out.push(0xff),
            Format::H264 => {
                let kind = if self.key { 5 } else { 1 };
                let fragment = (u8::from(first) << 7) | (u8::from(last && !first) << 6) | kind;
                out.extend([0x7c, fragment, 0x80]);
            }
            Format::Opus => out.push(0x78),
        }
        out.extend(self.source.to_be_bytes());
        out.extend(self.frame.to_be_bytes());
        out.extend([self.index, self.count, u8::from(self.key), self.spatial << 4 | self.temporal]);
        out.extend(self.capture.to_be_bytes());
        for need in self.needs {
            out.extend(need.map_or(u32::MAX, |need| need).to_be_bytes());
        }
        out.extend([0; 4]);
        out.resize(out.len().max(end), 0x5a);
    }

    /// Reads it back, with the picture id and TL0PICIDX.
    pub fn read(format: Format, payload: &[u8]) -> (Self, Option<u16>, Option<u8>) {
        let at = match format {
            Format::Vp8 => 7,
            Format::Vp9 => 5,
            Format::H264 => 3,
            Format::Opus | Format::Encrypted => 1,
        };
        let stamp = &payload[at..at + STAMP_LEN];
        let word = |at: usize| u32::from_be_bytes(stamp[at..at + 4].try_into().unwrap());
        let info = match format {
            Format::Encrypted => FrameInfo::default(),
            _ => inspect(format.codec(), payload).unwrap(),
        };
        let need = |at| Some(word(at)).filter(|need| *need != u32::MAX);
        let stamp = Self {
            source: word(0),
            frame: word(4),
            index: stamp[8],
            count: stamp[9],
            key: stamp[10] == 1,
            capture: u64::from_be_bytes(stamp[12..20].try_into().unwrap()),
            spatial: stamp[11] >> 4,
            temporal: stamp[11] & 15,
            needs: [need(20), need(24)],
        };
        (stamp, info.picture_id.map(|id| id.value), info.tl0_pic_idx)
    }
}
