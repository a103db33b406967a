//! The result of looking at a payload, the same for every codec.

use serde::{Deserialize, Serialize};

use super::kind::Codec;
use super::{av1, h264, h265, opus, vp8, vp9};
use crate::wire::rtp::red::{Red, RedError};

/// Why a payload could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Ends inside its payload descriptor or header.
    #[error("the payload ends inside its descriptor")]
    Truncated,
    /// Contradicts itself or uses a reserved value.
    #[error("the payload contradicts itself")]
    Malformed,
    /// Refers to a description of the stream that was not received.
    #[error("the description that the packet refers to was not received")]
    NoStructure,
    /// The buffer to write to is too short.
    #[error("the buffer is too short")]
    NoSpace,
}

/// Number of a picture in VP8 and VP9, with the width it has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PictureId {
    /// The number: 15 bits if `wide`, else 7.
    pub value: u16,
    /// It is written with 15 bits.
    pub wide: bool,
}

impl PictureId {
    /// Bits of the number that the wire carries.
    pub const fn mask(self) -> u16 {
        if self.wide { 0x7fff } else { 0x7f }
    }
}

/// What one packet's payload says about its frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FrameInfo {
    /// The payload shows that it belongs to a key frame. Packets of a key frame
    /// after its first do not show it in VP8 and AV1. In VP9 each spatial layer
    /// of a key picture is one: it refers to no earlier picture. Always true for
    /// audio.
    pub keyframe: bool,
    /// A frame starts in this packet, or may start: H.264, H.265 and AV1 tell
    /// where one cannot start, not where one does.
    pub frame_start: bool,
    /// The frame ends with this packet, if the payload says so; else the RTP
    /// marker does.
    pub frame_end: Option<bool>,
    /// Nothing refers to this frame (VP8 N bit, H.264 nal_ref_idc 0).
    pub discardable: bool,
    /// Spatial layer, 0 is the smallest.
    pub spatial_id: u8,
    /// The frame refers to the spatial layer below it in the same picture (VP9
    /// D bit).
    pub inter_layer_dependency: bool,
    /// No frame of a higher spatial layer refers to this one (VP9 Z bit).
    pub not_needed_above: bool,
    /// Temporal layer, 0 is the base, if the payload says so.
    pub temporal_id: Option<u8>,
    /// A subscriber of lower temporal layers can go up to this layer here (VP8 Y
    /// bit, H.265 TSA and STSA pictures). VP9's U bit says it of the layers above
    /// this one, from the next picture on (RFC 9628 §4.2).
    pub layer_sync: bool,
    /// Number of the picture.
    pub picture_id: Option<PictureId>,
    /// Running number of base layer frames (TL0PICIDX).
    pub tl0_pic_idx: Option<u8>,
    /// Width and height of the frame's spatial layer in pixels, if this packet
    /// says it: it comes with key frames.
    pub resolution: Option<(u16, u16)>,
}

impl FrameInfo {
    /// A key frame starts in this packet that needs no other frame: a subscriber
    /// can start here.
    pub const fn starts_keyframe(&self) -> bool {
        self.keyframe && self.frame_start && !self.inter_layer_dependency
    }
}

/// Looks at the payload of one packet, without RTP header and padding.
///
/// A payload of [`Codec::Other`] is taken as a frame of its own that anyone can
/// start at.
///
/// ```
/// use sfu_core::wire::codec::{Codec, inspect};
/// // A VP8 packet that starts a partition (S bit) of a key frame (P bit clear).
/// let info = inspect(Codec::Vp8, &[0x10, 0x00, 0, 0]).unwrap();
/// assert!(info.starts_keyframe());
/// ```
///
/// # Errors
/// [`CodecError`] if the payload is too short for its own descriptor or uses
/// reserved values. An empty payload is `Truncated`.
pub fn inspect(codec: Codec, payload: &[u8]) -> Result<FrameInfo, CodecError> {
    match codec {
        Codec::Opus => opus::inspect(payload),
        Codec::Red => red(payload),
        Codec::Vp8 => vp8::inspect(payload),
        Codec::Vp9 => vp9::inspect(payload),
        Codec::H264 => h264::inspect(payload),
        Codec::H265 => h265::inspect(payload),
        Codec::Av1 => av1::inspect(payload),
        Codec::Other => Ok(FrameInfo { keyframe: true, frame_start: true, ..Default::default() }),
    }
}

/// Every packet stands alone, as those of the codec inside do.
fn red(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    match Red::parse(payload) {
        Ok(_) => Ok(FrameInfo {
            keyframe: true,
            frame_start: true,
            frame_end: Some(true),
            ..Default::default()
        }),
        Err(RedError::Truncated) => Err(CodecError::Truncated),
        Err(RedError::TooManyBlocks) => Err(CodecError::Malformed),
    }
}

/// A picture size, if it is one: neither side is zero and both fit 16 bits.
pub(super) fn resolution(width: u32, height: u32) -> Option<(u16, u16)> {
    let side = |side: u32| u16::try_from(side).ok().filter(|side| *side > 0);
    Some((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests;
