//! Temporal layers of one stream: drops whole frames above a layer, goes up
//! only where the codec allows it.

use serde::{Deserialize, Serialize};

use super::{PacketMeta, References};
use crate::wire::RtpTime;

/// Which temporal layers pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TemporalFilter {
    /// Highest layer that passes now.
    current: u8,
    /// Highest layer that shall pass.
    target: u8,
    /// The frame in progress and whether it passes: a frame is never cut.
    frame: Option<(RtpTime, bool)>,
    /// VP9: the last frame passed, and what follows refers to nothing before it
    /// that is above its layer (U bit).
    open: bool,
}

impl TemporalFilter {
    pub(super) const fn new() -> Self {
        Self { current: u8::MAX, target: u8::MAX, frame: None, open: false }
    }

    pub(super) fn set_target(&mut self, target: u8) {
        self.target = target;
    }

    pub(super) const fn target(&self) -> u8 {
        self.target
    }

    pub(super) const fn current(&self) -> u8 {
        self.current
    }

    /// Starts over at a key frame, which is in layer 0.
    pub(super) fn restart(&mut self, key_frame: RtpTime) {
        self.current = self.target;
        self.frame = Some((key_frame, true));
        self.open = false;
    }

    pub(super) fn passes(&mut self, packet: &PacketMeta) -> bool {
        match self.frame {
            Some((timestamp, passes)) if timestamp == packet.timestamp => return passes,
            // A late packet of an earlier frame: by its layer, without a new frame.
            Some((timestamp, _)) if packet.timestamp.distance(timestamp) < 0 => {
                return packet.is_within(self.current);
            }
            _ => {}
        }
        let is_vp9 = packet.references.contains(References::LAYERED);
        if packet.keyframe_start || self.target < self.current {
            self.current = self.target;
        } else if is_vp9 {
            // VP8's bit is about the frame itself, VP9's about those after it.
            self.current = if self.open { self.target } else { self.current };
        } else if packet.layer_sync && packet.is_within(self.target) {
            self.current = self.current.max(packet.temporal_id.unwrap_or(0));
        }
        let passes = packet.is_within(self.current);
        self.frame = Some((packet.timestamp, passes));
        self.open = is_vp9 && passes && packet.layer_sync;
        passes
    }
}

#[cfg(test)]
mod tests {
    use sfu_ice::Time;

    use super::*;
    use crate::wire::ExtSeq;

    fn packet(frame: u32, temporal_id: u8, layer_sync: bool) -> PacketMeta {
        PacketMeta {
            temporal_id: Some(temporal_id),
            layer_sync,
            ..PacketMeta::new(ExtSeq(70_000), RtpTime(frame * 3_000), Time::ZERO)
        }
    }

    #[test]
    fn goes_down_at_the_next_frame_and_up_at_a_sync_point() {
        let mut filter = TemporalFilter::new();
        filter.restart(RtpTime(0));
        assert!(filter.passes(&packet(1, 2, true)));
        filter.set_target(0);
        assert!(filter.passes(&packet(1, 2, true)), "a frame is never cut");
        assert!(!filter.passes(&packet(2, 1, false)));
        assert!(filter.passes(&packet(3, 0, false)));
        filter.set_target(2);
        assert!(!filter.passes(&packet(4, 2, false)));
        assert!(filter.passes(&packet(5, 0, false)));
        assert!(filter.passes(&packet(6, 1, true)));
        assert!(!filter.passes(&packet(7, 2, false)), "up to the synchronised layer only");
        assert!(filter.passes(&packet(8, 2, true)));
        assert!(!packet(8, 2, true).keyframe_start);
    }

    #[test]
    fn key_frame_opens_all_layers() {
        let mut filter = TemporalFilter::new();
        filter.set_target(0);
        assert!(!filter.passes(&packet(1, 1, false)));
        filter.set_target(3);
        assert!(filter.passes(&PacketMeta { keyframe_start: true, ..packet(2, 0, false) }));
        assert!(filter.passes(&packet(3, 2, false)));
    }

    #[test]
    fn late_packet_goes_by_its_layer() {
        let mut filter = TemporalFilter::new();
        filter.set_target(0);
        assert!(filter.passes(&packet(5, 0, false)));
        assert!(!filter.passes(&packet(4, 1, false)));
        assert!(filter.passes(&packet(3, 0, false)));
        assert!(filter.passes(&packet(5, 0, false)));
    }
}
