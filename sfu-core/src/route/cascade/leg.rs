//! The sending end of a pipe: one consumer for each encoding of a producer.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::stream::select::Layers;

/// What makes a consumer carry one encoding of a producer through a pipe.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Leg {
    /// Index of the encoding.
    pub(crate) stream: u8,
    /// The producer has no other.
    alone: bool,
    /// What somebody beyond wants of it; none if nobody wants anything.
    pub(crate) wanted: Option<Layers>,
    /// When the other end said so last.
    pub(crate) heard: Option<Time>,
    /// What the other end was told of the encoding: whether it is alive, and
    /// whether its producer is paused.
    pub(crate) told: Option<(bool, bool)>,
}

impl Leg {
    /// A leg of encoding `stream` of `count`. One to a peer that states its
    /// demand waits for it, another carries everything.
    pub(crate) fn new(stream: u8, count: usize, demand: bool) -> Self {
        let wanted = (!demand).then_some(Layers::MAX);
        Self { stream, alone: count == 1, wanted, heard: None, told: None }
    }

    /// What it wants of the producer: of one of several encodings, that.
    pub(crate) fn wants(&self) -> Option<Layers> {
        let wanted = self.wanted?;
        Some(if self.alone { wanted } else { Layers { spatial: self.stream, ..wanted } })
    }
}
