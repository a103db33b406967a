//! Layers of a stream with dependency descriptors, whatever its codec and even
//! if its payload is encrypted: selection by decode target.
//!
//! The filter keeps, for the newest frames, which of them were forwarded, and
//! from that which decode targets the receiver could decode from here on. It
//! changes over only to one of those: up where the descriptor indicates a
//! switch and all that the frame refers to was sent, down as soon as a picture
//! starts. Knowing every sent frame makes the descriptor's chains redundant:
//! they are a summary of the same references.

use serde::{Deserialize, Serialize};

use super::{Dependencies, Layers, PacketMeta};
use crate::wire::RtpTime;

/// Which frames of a stream pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DependencyFilter {
    preferred: Layers,
    /// Cell of the decode target that passes, from frame `since` on; `before` of
    /// the one that passed until then.
    current: u8,
    before: u8,
    since: u16,
    /// Cells of the decode targets that the receiver could decode from here on.
    decodable: u16,
    /// Cells of those that the publisher sends.
    targets: u16,
    /// Number of the newest frame, and its picture.
    newest: u16,
    picture: RtpTime,
    /// The newest 64 frames, the newest in bit 0: which were decided upon, and
    /// which passed.
    seen: u64,
    passed: u64,
    /// Independent layers start one after the other in this key picture, and the
    /// wanted one is still to come.
    waiting: bool,
}

impl DependencyFilter {
    /// A filter that begins with this packet, if a receiver of `preferred` can
    /// start there.
    pub(super) fn begin(
        packet: &PacketMeta,
        frame: &Dependencies,
        preferred: Layers,
    ) -> Option<Self> {
        let wanted = best(frame.targets, preferred)?;
        let starts = packet.frame_start
            && frame.refers == 0
            && !frame.refers_far
            && frame.indication(wanted) == Dependencies::SWITCH;
        starts.then(|| Self {
            preferred,
            current: wanted,
            before: wanted,
            since: frame.frame_number,
            decodable: switches(frame),
            targets: frame.targets,
            newest: frame.frame_number,
            picture: packet.timestamp,
            seen: 1,
            passed: 1,
            waiting: false,
        })
    }

    pub(super) fn set_target(&mut self, preferred: Layers) {
        self.preferred = preferred;
    }

    pub(super) fn current(&self) -> Layers {
        layers(self.current)
    }

    /// The spatial layer whose frame ends the picture in progress.
    pub(super) fn top(&self) -> u8 {
        if self.waiting { self.target().spatial } else { self.current().spatial }
    }

    /// What shall pass, of what the publisher sends.
    pub(super) fn target(&self) -> Layers {
        layers(best(self.targets, self.preferred).unwrap_or(self.current))
    }

    /// The target cannot be reached but at a key frame, or what passes cannot be
    /// decoded.
    pub(super) fn needs_key_frame(&self) -> bool {
        best(self.targets, self.preferred).is_some_and(|wanted| {
            let reachable = self.decodable & bit(wanted) != 0;
            let shown = self.decodable & bit(self.current) != 0;
            !reachable
                && (!shown || wanted / Dependencies::LAYERS != self.current / Dependencies::LAYERS)
        })
    }

    pub(super) fn passes(&mut self, packet: &PacketMeta, frame: &Dependencies) -> bool {
        let ahead = frame.frame_number.wrapping_sub(self.newest);
        let back = ahead.wrapping_neg();
        if u32::from(back) < u64::BITS {
            let place = 1 << back;
            if self.seen & place == 0 {
                // A late first packet: what came after it was decided without it.
                self.seen |= place;
                let earlier = frame.frame_number.wrapping_sub(self.since).cast_signed() < 0;
                let cell = if earlier { self.before } else { self.current };
                if frame.indication(cell) != Dependencies::NOT_PRESENT {
                    self.passed |= place;
                } else {
                    self.decodable &= !needing(frame);
                }
            }
            return self.passed & place != 0;
        }
        let restarts = packet.keyframe_start;
        if !restarts && ahead.cast_signed() < 0 {
            return false;
        }
        self.advance(ahead, restarts);
        self.newest = frame.frame_number;
        let new_picture = packet.timestamp != self.picture;
        self.picture = packet.timestamp;
        self.targets = frame.targets;
        // A target that comes back later starts anew.
        self.decodable &= frame.targets;

        let gained = if self.has_references(frame) { switches(frame) } else { 0 };
        let reachable = self.decodable | gained;
        let wanted = best(self.targets, self.preferred);
        let to_come = wanted.is_some_and(|wanted| {
            wanted / Dependencies::LAYERS > packet.spatial_id
                && frame.indication(wanted) == Dependencies::NOT_PRESENT
        });
        self.waiting = to_come && (restarts || self.waiting && !new_picture);
        if !self.waiting {
            self.choose(reachable, new_picture);
        }
        let passes = frame.indication(self.current) != Dependencies::NOT_PRESENT;
        if passes {
            self.passed |= 1;
            self.decodable |= gained;
        } else {
            self.decodable &= !needing(frame);
        }
        passes
    }

    fn advance(&mut self, ahead: u16, restarts: bool) {
        if restarts {
            (self.seen, self.passed, self.decodable) = (0, 0, 0);
        } else {
            self.seen = self.seen.checked_shl(ahead.into()).unwrap_or(0);
            self.passed = self.passed.checked_shl(ahead.into()).unwrap_or(0);
            if ahead > 1 {
                // Of what the missing frames are, only that is known which is
                // being repaired: the target that passes.
                self.decodable &= bit(self.current);
            }
        }
        self.seen |= 1;
    }

    /// Whether all that the newest frame refers to was sent.
    fn has_references(&self, frame: &Dependencies) -> bool {
        let sent = ((self.passed >> 1) & u64::from(u32::MAX)) as u32;
        !frame.refers_far && frame.refers & !sent == 0
    }

    /// Goes over to the best of the decode targets in `reachable`. In the
    /// middle of a picture only upwards: the lower layers of it were sent.
    fn choose(&mut self, reachable: u16, new_picture: bool) {
        let Some(best) = best(reachable & self.targets, self.preferred) else { return };
        let gone = self.targets & bit(self.current) == 0;
        if best != self.current && (new_picture || gone || best > self.current) {
            (self.before, self.since) = (self.current, self.newest);
            self.current = best;
        }
    }
}

const fn bit(cell: u8) -> u16 {
    if cell < 16 { 1 << cell } else { 0 }
}

const fn layers(cell: u8) -> Layers {
    Layers { spatial: cell / Dependencies::LAYERS, temporal: cell % Dependencies::LAYERS }
}

/// Of these cells the highest that `preferred` allows, spatial layers first; or
/// else the lowest of all.
fn best(cells: u16, preferred: Layers) -> Option<u8> {
    let mut cells_within = (0..16_u8).rev().filter(|cell| cells & bit(*cell) != 0);
    let within = cells_within.find(|cell| {
        let Layers { spatial, temporal } = layers(*cell);
        spatial <= preferred.spatial && temporal <= preferred.temporal
    });
    within.or_else(|| (0..16).find(|cell| cells & bit(*cell) != 0))
}

/// Cells of the decode targets that can be gone over to at this frame.
fn switches(frame: &Dependencies) -> u16 {
    cells_where(frame, |indication| indication == Dependencies::SWITCH)
}

/// Cells of the decode targets that break without this frame.
fn needing(frame: &Dependencies) -> u16 {
    cells_where(frame, |indication| indication >= Dependencies::SWITCH)
}

fn cells_where(frame: &Dependencies, is: impl Fn(u8) -> bool) -> u16 {
    (0..16).filter(|cell| is(frame.indication(*cell))).fold(0, |cells, cell| cells | bit(cell))
}

#[cfg(test)]
mod tests;
