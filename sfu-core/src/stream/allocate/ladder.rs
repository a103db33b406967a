//! The layers that a source offers, with their cost and what they look like.

use serde::{Deserialize, Serialize};

use crate::stream::select::Layers;

/// One choice of layers of a source.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct Rung {
    /// The layers.
    pub layers: Layers,
    /// What it costs, in bit/s, with all layers that it needs.
    pub bitrate: u32,
    /// Width of its pictures.
    pub width: u16,
    /// Height of its pictures.
    pub height: u16,
    /// Pictures per second.
    pub frame_rate: f32,
}

impl Rung {
    /// Pixels of one picture.
    pub const fn pixels(&self) -> u32 {
        self.width as u32 * self.height as u32
    }
}

/// Up to 32 rungs of one source, in any order.
///
/// ```
/// use sfu_core::Layers;
/// use sfu_core::stream::allocate::{Ladder, Rung};
/// let mut ladder = Ladder::new();
/// let layers = Layers { spatial: 0, temporal: 0 };
/// ladder.push(Rung { layers, bitrate: 90_000, width: 320, height: 180, frame_rate: 15.0 });
/// assert_eq!(ladder.rungs().len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    len: u8,
    /// The source has better layers than these, but does not send them though
    /// it was asked to.
    pub withheld: bool,
    rungs: [Rung; Self::CAPACITY],
}

const EMPTY: Rung = Rung { layers: Layers::MIN, bitrate: 0, width: 0, height: 0, frame_rate: 0.0 };

impl Ladder {
    /// Rungs that one can hold: eight spatial by four temporal layers.
    pub const CAPACITY: usize = 32;

    /// A ladder without rungs.
    pub const fn new() -> Self {
        Self { len: 0, withheld: false, rungs: [EMPTY; Self::CAPACITY] }
    }

    /// Adds a rung; whether there was room.
    pub fn push(&mut self, rung: Rung) -> bool {
        let Some(place) = self.rungs.get_mut(usize::from(self.len)) else { return false };
        *place = rung;
        self.len += 1;
        true
    }

    /// The highest temporal layer that a spatial layer has here.
    pub fn top_temporal(&self, spatial: u8) -> Option<u8> {
        let of = self.rungs().iter().filter(|rung| rung.layers.spatial == spatial);
        of.map(|rung| rung.layers.temporal).max()
    }

    /// The rungs, in the order in which they were added.
    pub fn rungs(&self) -> &[Rung] {
        self.rungs.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new()
    }
}
