//! What a producer offers, as far as it was measured, told by the publisher, or
//! must be supposed.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::producer::{IncomingStream, Producer};
use crate::stream::allocate::{Ladder, Rung};
use crate::stream::select::Layers;
use crate::wire::rtp::vla::VideoLayersAllocation;

/// What is taken for the largest picture of a source that did not tell, and
/// for its frame rate.
const NOMINAL_SIZE: (u16, u16) = (1_280, 720);
const NOMINAL_FRAME_RATE: f32 = 30.0;
/// Bits for a pixel of a layer that was never seen.
const NOMINAL_BITS: f32 = 0.06;

/// Width and height of the pictures of one stream's spatial layers, as key
/// frames or the publisher's layer allocation told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes([Option<(u16, u16)>; 4]);

impl Sizes {
    pub(crate) fn set(&mut self, spatial: u8, size: Option<(u16, u16)>) {
        if let Some(place) = self.0.get_mut(usize::from(spatial)) {
            *place = size.or(*place);
        }
    }

    pub(crate) fn of(&self, spatial: u8) -> Option<(u16, u16)> {
        self.0.get(usize::from(spatial)).copied().flatten()
    }

    fn largest(&self) -> Option<(u16, u16)> {
        self.0.iter().rev().find_map(|size| *size)
    }

    /// The size of a layer, if need be by the nearest one that is known: each
    /// is taken for twice as wide and high as the one below it.
    fn estimate(&self, spatial: u8) -> Option<(u16, u16)> {
        let known = (0u8..).zip(&self.0).filter_map(|(layer, size)| Some((layer, (*size)?)));
        let (layer, size) = known.min_by_key(|(layer, _)| layer.abs_diff(spatial))?;
        let away = layer.abs_diff(spatial);
        Some(if layer > spatial { halved(size, away) } else { doubled(size, away) })
    }
}

impl Producer {
    /// Takes in what the publisher says it sends.
    pub(crate) fn handle_allocation(&mut self, allocation: &VideoLayersAllocation) {
        for layer in allocation.layers() {
            if let Some(stream) = self.streams.get_mut(usize::from(layer.stream)) {
                let size = layer.size.map(|size| (size.width, size.height));
                stream.sizes.set(layer.spatial_id, size);
            }
        }
    }
}

/// What a producer offers: what comes now, and what would come if it was asked
/// for.
pub(crate) fn ladder(producer: &Producer, now: Time) -> Ladder {
    let mut ladder = Ladder::new();
    let count = producer.streams.len();
    let active = producer.active_streams(now);
    for (index, stream) in (0..8u8).zip(&producer.streams) {
        let alive = active & (1 << index) != 0;
        let missing = !alive && producer.demand.is_missing(index);
        if missing && active != 0 {
            ladder.withheld = true;
            continue;
        }
        // Of a source that is silent altogether no bits are to be kept, but it
        // keeps its place: it may be a screen that stands still.
        let cost = |rate: u32| if missing { 1 } else { rate };
        if count > 1 {
            push_stream(&mut ladder, stream, (index, count), cost);
        } else {
            let missing = |spatial| alive && producer.demand.is_missing(spatial);
            push_spatial_layers(&mut ladder, stream, cost, missing);
        }
    }
    ladder
}

/// The temporal layers of one encoding of several.
fn push_stream(
    ladder: &mut Ladder,
    stream: &IncomingStream,
    (index, count): (u8, usize),
    cost: impl Fn(u32) -> u32,
) {
    let (width, height) = stream.sizes.largest().unwrap_or_else(|| nominal_size(index, count));
    let top = stream.layers.top();
    for temporal in 0..=top.map_or(0, |(_, temporal)| temporal) {
        let layers = Layers { spatial: index, temporal };
        let (bitrate, frame_rate) = match top {
            Some(_) => {
                (stream.layers.bitrate(u8::MAX, temporal), stream.layers.frame_rate(temporal))
            }
            None => nominal_rate((width, height)),
        };
        ladder.push(Rung { layers, bitrate: cost(bitrate), width, height, frame_rate });
    }
}

/// The spatial and temporal layers of one stream.
fn push_spatial_layers(
    ladder: &mut Ladder,
    stream: &IncomingStream,
    cost: impl Fn(u32) -> u32,
    missing: impl Fn(u8) -> bool,
) {
    let Some((top, fastest)) = stream.layers.top() else {
        let (width, height) = stream.sizes.largest().unwrap_or(NOMINAL_SIZE);
        let (bitrate, frame_rate) = nominal_rate((width, height));
        let layers = Layers::MIN;
        ladder.push(Rung { layers, bitrate: cost(bitrate), width, height, frame_rate });
        return;
    };
    // A better picture that happens to be cheaper for a moment is no reason to
    // have the publisher send it.
    let mut least = [0; 4];
    for spatial in 0..=top {
        if missing(spatial) {
            ladder.withheld = true;
            continue;
        }
        let size = stream.sizes.estimate(spatial);
        let (width, height) = size.unwrap_or_else(|| halved(NOMINAL_SIZE, top - spatial));
        for (temporal, least) in (0..=fastest).zip(&mut least) {
            let layers = Layers { spatial, temporal };
            *least = stream.layers.bitrate(spatial, temporal).max(*least);
            let bitrate = cost(*least);
            let frame_rate = stream.layers.frame_rate(temporal);
            ladder.push(Rung { layers, bitrate, width, height, frame_rate });
        }
    }
}

/// Each encoding is taken for half as wide and high as the next, the last for
/// 720p.
fn nominal_size(index: u8, count: usize) -> (u16, u16) {
    let below = count.saturating_sub(usize::from(index) + 1).min(6);
    halved(NOMINAL_SIZE, below as u8)
}

fn halved((width, height): (u16, u16), times: u8) -> (u16, u16) {
    let half = |length: u16| (length >> times.min(15)).max(1);
    (half(width), half(height))
}

fn doubled((width, height): (u16, u16), times: u8) -> (u16, u16) {
    let double =
        |length: u16| u16::try_from(u64::from(length) << times.min(15)).unwrap_or(u16::MAX);
    (double(width), double(height))
}

fn nominal_rate((width, height): (u16, u16)) -> (u32, f32) {
    let pixels = f32::from(width) * f32::from(height);
    // Saturates.
    ((pixels * NOMINAL_FRAME_RATE * NOMINAL_BITS) as u32, NOMINAL_FRAME_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_the_nearest_that_is_known() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.estimate(1), None);
        sizes.set(0, Some((320, 180)));
        assert_eq!(
            [0, 1, 2].map(|s| sizes.estimate(s)),
            [(320, 180), (640, 360), (1_280, 720)].map(Some)
        );
        sizes.set(2, Some((960, 540)));
        assert_eq!(sizes.estimate(3), Some((1_920, 1_080)));
        sizes.set(0, None);
        assert_eq!(sizes.of(0), Some((320, 180)), "silence says nothing");
        sizes.set(200, Some((1, 1)));
        assert_eq!(sizes.estimate(250), Some((u16::MAX, u16::MAX)));
    }
}
