//! Egress sequence number ↔ ingress packet, both ways, without a record per
//! packet.
//!
//! The numbers of a consumer are a chain of segments. Within one segment all
//! packets come from the same ingress stream and every offset (sequence,
//! timestamp, picture id) is constant; a drop or a switch starts the next. So
//! a late packet gets the number that was kept for it, and a NACK finds the
//! packet and the offsets that it was sent with.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::wire::codec::PictureId;
use crate::wire::{ExtSeq, RtpTime, SeqNo};

/// Names one ingress stream towards a rewriter. The caller gives each stream a
/// key of its own and does not use it again for another one within the reach
/// of NACKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct StreamKey(pub u32);

/// What is added to the fields of an ingress packet, each wrapping in its own
/// width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Offsets {
    /// For the RTP timestamp, in ticks.
    pub timestamp: u32,
    /// For the picture id of VP8 or VP9.
    pub picture_id: u16,
    /// For TL0PICIDX of VP8 or VP9.
    pub tl0_pic_idx: u8,
    /// For the frame number of the dependency descriptor.
    pub frame_number: u16,
    /// Not an offset: the spatial layer whose frames end a picture; `None` if
    /// the publisher's marker does.
    pub top: Option<u8>,
}

impl Offsets {
    /// The egress timestamp.
    pub const fn timestamp(self, ingress: RtpTime) -> RtpTime {
        ingress.offset(self.timestamp)
    }

    /// The egress picture id, in the width of the ingress one.
    pub const fn picture_id(self, ingress: PictureId) -> PictureId {
        let value = ingress.value.wrapping_add(self.picture_id) & ingress.mask();
        PictureId { value, ..ingress }
    }

    /// The egress TL0PICIDX.
    pub const fn tl0_pic_idx(self, ingress: u8) -> u8 {
        ingress.wrapping_add(self.tl0_pic_idx)
    }
}

/// The chain of segments of one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeqMap {
    /// Oldest first; `first_out` never falls. The last one is in use.
    segments: VecDeque<Segment>,
    /// Highest number given out.
    highest: ExtSeq,
    /// Numbers kept for packets that came late and were then not wanted.
    holes: VecDeque<ExtSeq>,
}

/// A place in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) source: StreamKey,
    pub(super) ingress: ExtSeq,
    pub(super) egress: ExtSeq,
    pub(super) offsets: Offsets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    source: StreamKey,
    first_in: ExtSeq,
    first_out: ExtSeq,
    offsets: Offsets,
}

/// How far back a late packet or a NACK may reach, in egress packets.
pub(super) const WINDOW: u64 = 2_048;
/// With half of all frames dropped at 30 frames per second: 25 seconds. A past
/// that is caught up with takes one for each frame.
const MAX_SEGMENTS: usize = 384;
const MAX_HOLES: usize = 256;

impl SeqMap {
    /// A map whose first egress number will be `first`.
    pub(super) fn new(first: SeqNo) -> Self {
        Self {
            segments: VecDeque::new(),
            highest: ExtSeq(ExtSeq::first(first).0 - 1),
            holes: VecDeque::new(),
        }
    }

    /// Follows `source` from `ingress` on, right after the highest number.
    pub(super) fn start(&mut self, source: StreamKey, ingress: ExtSeq, offsets: Offsets) {
        let first_out = ExtSeq(self.highest.0 + 1);
        while self.segments.back().is_some_and(|last| last.first_out >= first_out) {
            self.segments.pop_back();
        }
        self.holes.retain(|hole| *hole < first_out);
        self.append(Segment { source, first_in: ingress, first_out, offsets });
    }

    /// The offsets in use.
    pub(super) fn offsets(&self) -> Option<Offsets> {
        self.segments.back().map(|last| last.offsets)
    }

    /// The number of `ingress`, at or above the segment in use.
    pub(super) fn forward(&mut self, ingress: ExtSeq) -> Option<Mapped> {
        let mapped = self.segments.back()?.map(ingress)?;
        self.highest = self.highest.max(mapped.egress);
        Some(mapped)
    }

    /// Has packets of the stream in use get `offsets` from `ingress` on, which is
    /// above all that were forwarded or left out.
    pub(super) fn renew(&mut self, ingress: ExtSeq, offsets: Offsets) {
        let Some(last) = self.segments.back_mut() else { return };
        if ingress <= last.first_in {
            last.offsets = offsets;
            return;
        }
        let Some(mapped) = last.map(ingress) else { return };
        let next =
            Segment { first_in: ingress, first_out: mapped.egress, offsets, source: last.source };
        self.append(next);
    }

    /// Leaves the numbers from `from` to `to` of the stream in use out; what
    /// follows gets `offsets`. Numbers below `from` stay kept.
    pub(super) fn hide(&mut self, from: ExtSeq, to: ExtSeq, offsets: Offsets) {
        let Some(last) = self.segments.back_mut() else { return };
        let first_in = ExtSeq(to.0 + 1);
        if from <= last.first_in {
            *last = Segment { first_in, offsets, ..*last };
            return;
        }
        let Some(mapped) = last.map(from) else { return };
        let next = Segment { first_in, first_out: mapped.egress, offsets, ..*last };
        self.append(next);
    }

    /// The number that was kept for a late packet; `None` if none was.
    pub(super) fn late(&self, source: StreamKey, ingress: ExtSeq) -> Option<Mapped> {
        let mut limit = ExtSeq(self.highest.0 + 1);
        for segment in self.segments.iter().rev() {
            if segment.source == source && segment.first_in <= ingress {
                return segment
                    .map(ingress)
                    .filter(|mapped| mapped.egress < limit && self.is_recent(mapped.egress));
            }
            limit = limit.min(segment.first_out);
        }
        None
    }

    /// Leaves the number out that was kept for a late packet, if nothing above
    /// it was given out yet; else a hole stays that no lookup finds, and is told.
    pub(super) fn hide_late(&mut self, source: StreamKey, ingress: ExtSeq) -> Option<Mapped> {
        let Some(mapped) = self.late(source, ingress) else {
            self.hide_unsent(source, ingress);
            return None;
        };
        self.abandon(mapped.egress).then_some(mapped)
    }

    /// The packet that has or would have had this number.
    pub(super) fn lookup(&self, egress: SeqNo) -> Option<Mapped> {
        let egress = self.highest.nearest(egress);
        if egress > self.highest || !self.is_recent(egress) || self.holes.contains(&egress) {
            return None;
        }
        let end = self.segments.partition_point(|segment| segment.first_out <= egress);
        let segment = self.segments.get(end.checked_sub(1)?)?;
        let ingress = segment.first_in.0 + (egress.0 - segment.first_out.0);
        Some(Mapped {
            source: segment.source,
            ingress: ExtSeq(ingress),
            egress,
            offsets: segment.offsets,
        })
    }

    /// Highest number given out, or the one before the first.
    pub(super) const fn highest(&self) -> ExtSeq {
        self.highest
    }

    /// Whether it was not abandoned before.
    fn abandon(&mut self, egress: ExtSeq) -> bool {
        if self.holes.contains(&egress) {
            return false;
        }
        if self.holes.len() >= MAX_HOLES {
            self.holes.pop_front();
        }
        self.holes.push_back(egress);
        true
    }

    fn hide_unsent(&mut self, source: StreamKey, ingress: ExtSeq) {
        let holds = |segment: &Segment| segment.source == source && segment.first_in <= ingress;
        let Some(index) = self.segments.iter().rposition(holds) else { return };
        let next = self.segments.get(index + 1).map(|next| (next.first_in, next.first_out));
        let Some(segment) = self.segments.get_mut(index) else { return };
        let Some(Mapped { egress, .. }) = segment.map(ingress) else { return };
        if egress <= self.highest || next.is_some_and(|(_, first_out)| egress >= first_out) {
            return;
        }
        let after = ExtSeq(ingress.0 + 1);
        let shifted = if segment.first_in == ingress {
            segment.first_in = after;
            index + 1
        } else if next.is_some_and(|(first_in, _)| first_in <= after) {
            index + 1
        } else {
            let rest = Segment { first_in: after, first_out: egress, ..*segment };
            self.segments.insert(index + 1, rest);
            index + 2
        };
        for segment in self.segments.iter_mut().skip(shifted) {
            segment.first_out = ExtSeq(segment.first_out.0.saturating_sub(1));
        }
    }

    fn is_recent(&self, egress: ExtSeq) -> bool {
        egress.0 + WINDOW > self.highest.0
    }

    fn append(&mut self, segment: Segment) {
        // All but one of those that lie outside the window are of no more use.
        while self.segments.len() >= MAX_SEGMENTS
            || self.segments.get(1).is_some_and(|second| !self.is_recent(second.first_out))
        {
            self.segments.pop_front();
        }
        self.segments.push_back(segment);
    }
}

impl Segment {
    fn map(&self, ingress: ExtSeq) -> Option<Mapped> {
        let distance = ingress.0.checked_sub(self.first_in.0)?;
        Some(Mapped {
            source: self.source,
            ingress,
            egress: ExtSeq(self.first_out.0.checked_add(distance)?),
            offsets: self.offsets,
        })
    }
}

#[cfg(test)]
mod tests;
