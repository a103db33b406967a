//! What selection and rewriting need to know of a packet.

use std::num::NonZeroU64;

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
    pub capture: Option<CaptureTime>,
    /// Ingress timestamp.
    pub timestamp: RtpTime,
    /// What the dependency descriptor says of the packet's frame, if it has one.
    pub dependencies: Option<Dependencies>,
    /// Bytes of payload, without padding.
    pub payload_len: u16,
    /// Which of the producer's streams: 0 is the smallest spatial layer.
    pub stream: u8,
    /// Spatial layer inside of the stream (SVC); 0 without layers.
    pub spatial_id: u8,
    /// Temporal layer, if the codec says so.
    pub temporal_id: Option<u8>,
    /// Picture id of VP8 (RFC 7741 §4.2) or VP9 (RFC 9628 §4.2).
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX of VP8 or VP9.
    pub tl0_pic_idx: Option<u8>,
    /// Marker bit: last packet of a picture, or start of a talk spurt.
    pub marker: bool,
    /// First packet of a key frame.
    pub keyframe_start: bool,
    /// First packet of a frame, as far as the payload tells. Of a picture with
    /// spatial layers, each layer is a frame.
    pub frame_start: bool,
    /// Last packet of a frame.
    pub frame_end: bool,
    /// Nothing refers to the frame.
    pub discardable: bool,
    /// A place where a receiver may go up: the frame needs only lower temporal
    /// layers (VP8's Y bit), or what follows needs nothing above its layer from
    /// before it (VP9's U bit).
    pub layer_sync: bool,
    /// How the frame hangs together with others, as VP9's descriptor tells.
    pub references: References,
    /// Nothing but padding: never forwarded.
    pub padding_only: bool,
}

/// A time of capture on our clock, that takes no space when it is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaptureTime(NonZeroU64);

impl CaptureTime {
    /// This time; the origin itself counts as a nanosecond after it.
    pub const fn new(time: Time) -> Self {
        match NonZeroU64::new(time.as_nanos()) {
            Some(nanos) => Self(nanos),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// The time.
    pub const fn time(self) -> Time {
        Time::from_nanos(self.0.get())
    }
}

/// What a layer frame of VP9 refers to (RFC 9628 §4.2). Nothing is set for
/// other codecs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct References(u8);

impl References {
    /// It refers to an earlier picture (P bit).
    pub const PICTURE: Self = Self(1);
    /// It refers to the next lower spatial layer of its picture (D bit).
    pub const LOWER_LAYER: Self = Self(2);
    /// No higher spatial layer of its picture refers to it (Z bit).
    pub const NOT_FOR_UPPER: Self = Self(4);
    /// The payload format has spatial layers (VP9).
    pub const LAYERED: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The dependency descriptor of a packet, reduced to what selection asks.
///
/// Decode targets are named by a cell: four times the spatial layer plus the
/// temporal layer, each 0 to 3. A target of higher layers has no cell and is
/// never selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Dependencies {
    /// For each earlier frame that the frame refers to a bit: bit 0 is the
    /// frame before.
    pub refers: u32,
    /// Two bits for each cell: 0 the frame is not part of the decode target, 1
    /// discardable, 2 switch, 3 required.
    pub indications: u32,
    /// A bit for each cell whose decode target exists and is active.
    pub targets: u16,
    /// Number of the frame.
    pub frame_number: u16,
    /// The frame refers to one further back than `refers` can tell.
    pub refers_far: bool,
    /// The packet carries the template structure.
    pub has_structure: bool,
    /// The frame is said to refer to frames of before the last key frame, which
    /// no decoder has any more. They are not among `refers`.
    pub refers_beyond_key: bool,
    /// So many spatial layers right above the frame's are missing in its
    /// picture, as far as that is known: encoders leave out layer frames to keep
    /// their bit rate. Told of the frame's last packet; 255 if none follows.
    pub skipped: u8,
}

impl Dependencies {
    /// The frame is not part of the decode target.
    pub const NOT_PRESENT: u8 = 0;
    /// Nothing of the decode target refers to the frame.
    pub const DISCARDABLE: u8 = 1;
    /// If the frame can be decoded, so can all that follow in the target.
    pub const SWITCH: u8 = 2;
    /// The frame is part of the decode target.
    pub const REQUIRED: u8 = 3;
    /// Spatial and temporal layers that have a cell.
    pub const LAYERS: u8 = 4;

    /// The cell of a pair of layers; `None` if it has none.
    pub const fn cell(spatial: u8, temporal: u8) -> Option<u8> {
        if spatial < Self::LAYERS && temporal < Self::LAYERS {
            Some(spatial * Self::LAYERS + temporal)
        } else {
            None
        }
    }

    /// What the frame is to the decode target of a cell (0 to 15).
    pub const fn indication(&self, cell: u8) -> u8 {
        if cell < 16 { ((self.indications >> (2 * cell)) & 3) as u8 } else { Self::NOT_PRESENT }
    }

    /// The highest spatial layer of those decode targets that are active.
    pub const fn top(&self) -> u8 {
        match self.targets.checked_ilog2() {
            Some(cell) => cell as u8 / Self::LAYERS,
            None => 0,
        }
    }
}

impl PacketMeta {
    /// A packet of stream 0 with all the rest unset.
    pub const fn new(ext: ExtSeq, timestamp: RtpTime, arrival: Time) -> Self {
        Self {
            ext,
            arrival,
            capture: None,
            timestamp,
            dependencies: None,
            payload_len: 0,
            stream: 0,
            spatial_id: 0,
            temporal_id: None,
            picture_id: None,
            tl0_pic_idx: None,
            marker: false,
            keyframe_start: false,
            frame_start: false,
            frame_end: false,
            discardable: false,
            layer_sync: false,
            references: References(0),
            padding_only: false,
        }
    }

    /// The same packet with what its payload says about its frame. Where the
    /// payload does not say where frames end, the marker does.
    #[must_use]
    pub const fn with_frame(mut self, frame: &FrameInfo) -> Self {
        self.keyframe_start = frame.starts_keyframe();
        self.frame_start = frame.frame_start;
        self.frame_end = match frame.frame_end {
            Some(end) => end,
            None => self.marker,
        };
        self.discardable = frame.discardable;
        self.layer_sync = frame.layer_sync;
        self.spatial_id = frame.spatial_id;
        self.temporal_id = frame.temporal_id;
        self.picture_id = frame.picture_id;
        self.tl0_pic_idx = frame.tl0_pic_idx;
        self
    }

    /// The same packet of VP9 with what its payload says about its references.
    #[must_use]
    pub const fn with_references(mut self, frame: &FrameInfo) -> Self {
        let mut references = References::LAYERED;
        if !frame.keyframe {
            references = references.and(References::PICTURE);
        }
        if frame.inter_layer_dependency {
            references = references.and(References::LOWER_LAYER);
        }
        if frame.not_needed_above {
            references = references.and(References::NOT_FOR_UPPER);
        }
        self.references = references;
        // A receiver starts with the lowest layer of a key picture.
        self.keyframe_start &= frame.spatial_id == 0;
        self
    }

    /// Whether it is the last packet of its picture for a receiver of the spatial
    /// layers up to `top`, as far as that is known.
    pub(crate) fn ends_picture(&self, top: u8) -> bool {
        let skipped = self.dependencies.map_or(0, |frame| frame.skipped);
        let ends = self.spatial_id..=self.spatial_id.saturating_add(skipped);
        self.frame_end && ends.contains(&top)
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
