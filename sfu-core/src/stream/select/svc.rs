//! Spatial and temporal layers of VP9 in one stream (RFC 9628): full SVC, where
//! every picture builds its layers on one another, and k-SVC, where only key
//! pictures do.

use serde::{Deserialize, Serialize};

use super::temporal::TemporalFilter;
use super::{Layers, PacketMeta, References};
use crate::wire::RtpTime;

/// Which layer frames of a stream pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SvcFilter {
    preferred: u8,
    temporal: TemporalFilter,
    /// Highest spatial layer that passes.
    current: u8,
    /// What it was before `since`: for packets that come late.
    before: u8,
    since: RtpTime,
    picture: Picture,
    /// Highest spatial layer of the picture before.
    highest: u8,
    /// Layers build on one another in key pictures only, as far as was seen.
    key_only: bool,
    /// Pictures in a row that ended below `current`.
    cut: u8,
}

/// The picture in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Picture {
    timestamp: RtpTime,
    key: bool,
    /// Highest spatial layer that came.
    highest: u8,
    /// Lowest spatial layer of which something was dropped: it cannot be taken
    /// up in this picture any more.
    cut: u8,
}

/// A layer that so many pictures in a row lack is not sent any more.
const GONE: u8 = 3;

impl SvcFilter {
    /// A filter that begins with this packet, the first of a key picture.
    pub(super) fn begin(packet: &PacketMeta, preferred: Layers) -> Self {
        let mut temporal = TemporalFilter::new();
        temporal.set_target(preferred.temporal);
        temporal.restart(packet.timestamp);
        Self {
            preferred: preferred.spatial,
            temporal,
            current: preferred.spatial,
            before: preferred.spatial,
            since: packet.timestamp,
            picture: Picture::new(packet, true),
            highest: 0,
            key_only: false,
            cut: 0,
        }
    }

    pub(super) fn set_target(&mut self, preferred: Layers) {
        self.preferred = preferred.spatial;
        self.temporal.set_target(preferred.temporal);
    }

    pub(super) fn current(&self) -> Layers {
        let spatial = self.current.min(self.available());
        Layers { spatial, temporal: self.temporal.current() }
    }

    pub(super) fn target(&self) -> Layers {
        let spatial = self.preferred.min(self.available());
        Layers { spatial, temporal: self.temporal.target() }
    }

    /// The layer whose frame ends a picture for the receiver.
    pub(super) const fn top(&self) -> u8 {
        self.current
    }

    pub(super) fn needs_key_frame(&self) -> bool {
        let wanted = self.preferred.min(self.available());
        wanted > self.current || self.key_only && (wanted < self.current || self.cut >= GONE)
    }

    pub(super) fn passes(&mut self, packet: &PacketMeta) -> bool {
        let newer = packet.timestamp.distance(self.picture.timestamp);
        if newer < 0 {
            let is_before = packet.timestamp.distance(self.since) < 0;
            let spatial = if is_before { self.before } else { self.current };
            return packet.spatial_id <= spatial && self.temporal.passes(packet);
        }
        if newer > 0 {
            self.start_picture(packet);
        } else if is_key(packet) && !self.picture.key {
            // Its higher layers overtook it.
            self.picture.key = true;
            self.change(packet, self.preferred.min(self.picture.cut.saturating_sub(1)));
        }
        self.learn(packet);
        let temporal = self.temporal.passes(packet);
        let spatial = self.passes_spatially(packet, temporal);
        self.picture.highest = self.picture.highest.max(packet.spatial_id);
        if packet.marker {
            self.end_picture(packet.spatial_id);
        }
        temporal && spatial
    }

    fn start_picture(&mut self, packet: &PacketMeta) {
        self.highest = self.picture.highest;
        let Picture { key: was_key, .. } = self.picture;
        let key = is_key(packet);
        self.picture = Picture::new(packet, key);
        if key {
            self.change(packet, self.preferred);
        } else if was_key && self.highest < self.current {
            // The end of the key picture was lost: its highest layer counts.
            self.change(packet, self.highest);
        } else if !self.key_only && self.preferred < self.current {
            self.change(packet, self.preferred);
        }
    }

    /// The publisher's last packet of the picture was of layer `spatial`.
    fn end_picture(&mut self, spatial: u8) {
        if spatial >= self.current {
            self.cut = 0;
        } else if self.picture.key {
            // Higher layers are not sent.
            self.current = spatial;
            self.cut = 0;
        } else {
            self.cut = self.cut.saturating_add(1);
        }
    }

    /// Notes which kind of SVC it is.
    fn learn(&mut self, packet: &PacketMeta) {
        if packet.spatial_id > 0
            && packet.frame_start
            && packet.references.contains(References::PICTURE)
        {
            self.key_only = !packet.references.contains(References::LOWER_LAYER);
        }
    }

    fn passes_spatially(&mut self, packet: &PacketMeta, temporal: bool) -> bool {
        let refers = packet.references;
        if packet.spatial_id > self.current {
            // A layer frame that refers to nothing but the layer below: the
            // receiver can take that layer up here.
            let joins = temporal
                && packet.spatial_id == self.current.saturating_add(1)
                && packet.spatial_id <= self.preferred
                && packet.spatial_id < self.picture.cut
                && refers.contains(References::LOWER_LAYER)
                && !refers.contains(References::PICTURE);
            if joins {
                self.change(packet, packet.spatial_id);
            } else {
                self.picture.cut = self.picture.cut.min(packet.spatial_id);
            }
            return joins;
        }
        // In k-SVC nothing that the receiver gets refers to a lower layer.
        let unused = self.key_only
            && !self.picture.key
            && packet.spatial_id < self.current
            && refers.contains(References::NOT_FOR_UPPER);
        !unused
    }

    fn change(&mut self, packet: &PacketMeta, spatial: u8) {
        (self.before, self.since) = (self.current, packet.timestamp);
        self.current = spatial;
        self.cut = 0;
    }

    /// Highest spatial layer that the publisher sends.
    fn available(&self) -> u8 {
        self.picture.highest.max(self.highest)
    }
}

impl Picture {
    const fn new(packet: &PacketMeta, key: bool) -> Self {
        Self { timestamp: packet.timestamp, key, highest: packet.spatial_id, cut: u8::MAX }
    }
}

/// Whether it is of the lowest layer of a key picture.
const fn is_key(packet: &PacketMeta) -> bool {
    packet.keyframe_start
        || packet.spatial_id == 0 && !packet.references.contains(References::PICTURE)
}

#[cfg(test)]
mod tests;
