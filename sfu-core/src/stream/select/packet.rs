//! What selection and rewriting need to know of a packet.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::codec::{FrameInfo, PictureId};
use crate::wire::{ExtSeq, RtpTime};

/// One ingress packet, without its bytes. Copied per consumer, so small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PacketMeta {
    /// Extended number in the ingress stream.
    pub ext: ExtSeq,
    /// When it arrived.
    pub arrival: Time,
    /// When it was captured, on our clock
    /// ([`CaptureClock::time_at`](crate::stream::recv::CaptureClock::time_at));
    /// `None` until the stream's first sender report.
    pub capture: Option<Time>,
    /// Ingress timestamp.
    pub timestamp: RtpTime,
    /// Bytes of payload, without padding.
    pub payload_len: u16,
    /// Which of the producer's streams: 0 is the smallest spatial layer.
    pub stream: u8,
    /// Temporal layer, if the codec says so.
    pub temporal_id: Option<u8>,
    /// VP8 picture id (RFC 7741 §4.2).
    pub picture_id: Option<PictureId>,
    /// VP8 TL0PICIDX.
    pub tl0_pic_idx: Option<u8>,
    /// Marker bit: last packet of a frame, or start of a talk spurt.
    pub marker: bool,
    /// First packet of a key frame.
    pub keyframe_start: bool,
    /// The frame needs only lower temporal layers (VP8's Y bit): a place where
    /// a receiver may go up to its layer.
    pub layer_sync: bool,
    /// Nothing but padding: never forwarded.
    pub padding_only: bool,
}

impl PacketMeta {
    /// A packet of stream 0 with all the rest unset.
    pub const fn new(ext: ExtSeq, timestamp: RtpTime, arrival: Time) -> Self {
        Self {
            ext,
            arrival,
            capture: None,
            timestamp,
            payload_len: 0,
            stream: 0,
            temporal_id: None,
            picture_id: None,
            tl0_pic_idx: None,
            marker: false,
            keyframe_start: false,
            layer_sync: false,
            padding_only: false,
        }
    }

    /// The same packet with what its payload says about its frame.
    #[must_use]
    pub const fn with_frame(mut self, frame: &FrameInfo) -> Self {
        self.keyframe_start = frame.starts_keyframe();
        self.layer_sync = frame.layer_sync;
        self.temporal_id = frame.temporal_id;
        self.picture_id = frame.picture_id;
        self.tl0_pic_idx = frame.tl0_pic_idx;
        self
    }

    /// Whether a receiver of the temporal layers up to `highest` gets it.
    pub(super) fn is_within(&self, highest: u8) -> bool {
        self.temporal_id.is_none_or(|layer| layer <= highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_stays_within_a_cache_line() {
        assert!(size_of::<PacketMeta>() <= 64, "{} bytes", size_of::<PacketMeta>());
    }
}
