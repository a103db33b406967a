//! What each layer of one stream costs and how fast its pictures come.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::stream::select::{PacketMeta, References};

/// Bit rates of up to four spatial by four temporal layers of one stream, and
/// the frame rate of each temporal layer, smoothed: up within a second, down
/// over five, so that a quiet scene does not make a layer look cheap.
///
/// A layer costs what a receiver of it is sent: by the dependency descriptor
/// where there is one, else all layers below it, but those that VP9 says are
/// not needed above. Layers above the fourth count as the fourth. Counting a
/// packet is a few additions; rates are worked out in [`review`](Self::review).
///
/// ```
/// use sfu_core::stream::recv::LayerMeter;
/// use sfu_core::stream::select::PacketMeta;
/// use sfu_core::wire::{ExtSeq, RtpTime};
/// use sfu_ice::Time;
/// let mut meter = LayerMeter::new();
/// meter.review(Time::ZERO);
/// for picture in 0..30 {
///     let mut packet = PacketMeta::new(ExtSeq(picture), RtpTime(0), Time::ZERO);
///     packet.temporal_id = Some((picture % 2) as u8);
///     packet.marker = true;
///     meter.push(&packet, 2_000);
/// }
/// meter.review(Time::from_secs(1));
/// assert_eq!(meter.bitrate(0, 0), 240_000);
/// assert_eq!(meter.bitrate(0, 1), 480_000, "with the layer below");
/// assert_eq!((meter.frame_rate(0), meter.frame_rate(1)), (15.0, 30.0));
/// assert_eq!(meter.top(), Some((0, 1)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerMeter {
    /// Bytes since the last rate that a receiver of each pair of layers needs,
    /// by spatial, then temporal layer.
    bytes: [[u32; LAYERS]; LAYERS],
    pictures: [u32; LAYERS],
    /// Spatial layers that packets came of since the last rate, one bit each.
    heard: u8,
    since: Option<Time>,
    /// How many rates there were, up to eight: the first are averaged.
    samples: u8,
    /// Bits per second by spatial, then temporal layer.
    rates: [[f32; LAYERS]; LAYERS],
    frame_rates: [f32; LAYERS],
    /// Spatial layers that were ever seen, and those that come at present.
    seen: u8,
    active: u8,
}

const LAYERS: usize = 4;
/// Bytes are counted this long before they become a rate, in seconds.
const INTERVAL: f32 = 0.5;
const RISE: f32 = 0.5;
const FALL: f32 = 0.1;
const VANISH: f32 = 0.5;
/// Bits per second below which there is no layer any more.
const LEAST_BITRATE: f32 = 100.0;
/// Pictures per second below which there is no layer any more.
const LEAST_FRAME_RATE: f32 = 0.02;

impl LayerMeter {
    /// A meter of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a packet of `bytes` bytes.
    pub fn push(&mut self, packet: &PacketMeta, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let (spatial, temporal) =
            (index(packet.spatial_id), index(packet.temporal_id.unwrap_or(0)));
        let only_here = packet.references.contains(References::NOT_FOR_UPPER);
        for (row, counts) in self.bytes.iter_mut().enumerate() {
            for (column, count) in counts.iter_mut().enumerate() {
                let needed = match &packet.dependencies {
                    Some(frame) => frame.indication((row * LAYERS + column) as u8) != 0,
                    None if only_here => row == spatial && column >= temporal,
                    None => row >= spatial && column >= temporal,
                };
                if needed {
                    *count = count.saturating_add(bytes);
                }
            }
        }
        self.heard |= 1 << spatial;
        if packet.marker
            && let Some(count) = self.pictures.get_mut(temporal)
        {
            *count = count.saturating_add(1);
        }
    }

    /// Turns what was counted into rates, twice a second at most; to be called
    /// more often than that. A silent stream keeps its rates, and so does a
    /// silent spatial layer.
    pub fn review(&mut self, now: Time) {
        let Some(since) = self.since else {
            self.since = Some(now);
            return;
        };
        let seconds = now.since(since).as_secs_f32();
        if seconds < INTERVAL {
            return;
        }
        self.since = Some(now);
        let bytes = std::mem::take(&mut self.bytes);
        let pictures = std::mem::take(&mut self.pictures);
        self.active = std::mem::take(&mut self.heard);
        if self.active == 0 {
            return;
        }
        self.seen |= self.active;
        self.samples = (self.samples + 1).min(8);
        let average = 1.0 / f32::from(self.samples);
        for (row, (rates, counts)) in self.rates.iter_mut().zip(bytes).enumerate() {
            if self.active & (1 << row) == 0 {
                continue;
            }
            for (rate, count) in rates.iter_mut().zip(counts) {
                smooth(rate, count as f32 * 8.0 / seconds, average, LEAST_BITRATE);
            }
        }
        for (rate, count) in self.frame_rates.iter_mut().zip(pictures) {
            smooth(rate, count as f32 / seconds, average, LEAST_FRAME_RATE);
        }
    }

    /// Bits per second that a receiver of these layers is sent. Layers above
    /// the highest are the highest.
    pub fn bitrate(&self, spatial: u8, temporal: u8) -> u32 {
        let Some((top, fastest)) = self.top() else { return 0 };
        let row = self.rates.get(usize::from(spatial.min(top)));
        let rate = row.and_then(|row| row.get(usize::from(temporal.min(fastest))));
        // Saturates, and is never negative.
        rate.map_or(0, |rate| rate.round() as u32)
    }

    /// Pictures per second of a temporal layer with those below it.
    pub fn frame_rate(&self, temporal: u8) -> f32 {
        self.frame_rates.iter().take(index(temporal) + 1).sum()
    }

    /// The highest spatial layer that was ever seen, and the highest temporal
    /// one that comes; `None` before the first rate.
    pub fn top(&self) -> Option<(u8, u8)> {
        let spatial = u8::try_from(self.seen.checked_ilog2()?).ok()?;
        let temporal = self.frame_rates.iter().rposition(|rate| *rate > 0.0).unwrap_or(0);
        Some((spatial, u8::try_from(temporal).ok()?))
    }

    /// The spatial layers that came lately, one bit each.
    pub const fn active(&self) -> u8 {
        self.active
    }
}

fn index(layer: u8) -> usize {
    usize::from(layer).min(LAYERS - 1)
}

fn smooth(rate: &mut f32, sample: f32, average: f32, least: f32) {
    let step = match *rate {
        0.0 => 1.0,
        rate if sample > rate => RISE,
        // A layer that has gone is forgotten faster than one that is quiet.
        _ if sample == 0.0 => VANISH,
        _ => FALL.max(average),
    };
    *rate += (sample - *rate) * step;
    if *rate < least {
        *rate = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stream::select::Dependencies;
    use crate::wire::{ExtSeq, RtpTime};

    fn packet(spatial_id: u8, temporal_id: u8) -> PacketMeta {
        PacketMeta {
            spatial_id,
            temporal_id: Some(temporal_id),
            marker: true,
            ..PacketMeta::new(ExtSeq(70_000), RtpTime(0), Time::ZERO)
        }
    }

    /// A second of one packet of 1,000 bytes for each of these.
    fn second(meter: &mut LayerMeter, now: &mut Time, packets: &[PacketMeta]) {
        meter.review(*now);
        packets.iter().for_each(|packet| meter.push(packet, 1_000));
        *now += Duration::from_secs(1);
        meter.review(*now);
    }

    fn run(meter: &mut LayerMeter, now: &mut Time, seconds: u32, bytes: usize) {
        for _ in 0..seconds * 10 {
            if bytes > 0 {
                meter.push(&packet(0, 0), bytes / 10);
            }
            *now += Duration::from_millis(100);
            meter.review(*now);
        }
    }

    #[test]
    fn a_rate_rises_fast_and_falls_slowly() {
        let (mut meter, mut now) = (LayerMeter::new(), Time::from_secs(9));
        meter.review(now);
        run(&mut meter, &mut now, 5, 10_000);
        assert_eq!(meter.bitrate(0, 0), 80_000);
        run(&mut meter, &mut now, 2, 100_000);
        assert!(meter.bitrate(0, 0) > 740_000);
        run(&mut meter, &mut now, 2, 10_000);
        assert!(meter.bitrate(0, 0) > 450_000);
        run(&mut meter, &mut now, 20, 10_000);
        assert!(meter.bitrate(0, 0) < 100_000);
    }

    #[test]
    fn a_silent_stream_is_remembered() {
        let (mut meter, mut now) = (LayerMeter::new(), Time::from_secs(9));
        meter.review(now);
        assert_eq!(meter.top(), None);
        run(&mut meter, &mut now, 1, 10_000);
        run(&mut meter, &mut now, 60, 0);
        assert_eq!((meter.bitrate(0, 0), meter.top()), (80_000, Some((0, 0))));
    }

    #[test]
    fn layers_that_do_not_exist_are_the_highest_ones() {
        let mut meter = LayerMeter::new();
        meter.review(Time::ZERO);
        meter.push(&packet(250, 250), 1_000);
        meter.review(Time::from_secs(1));
        assert_eq!(meter.top(), Some((3, 3)));
        assert_eq!(meter.bitrate(255, 255), 8_000);
    }

    #[test]
    fn a_receiver_of_a_layer_costs_what_it_is_sent() {
        let (mut meter, mut now) = (LayerMeter::new(), Time::from_secs(9));
        second(&mut meter, &mut now, &[packet(0, 0), packet(1, 0), packet(2, 0)]);
        assert_eq!([0, 1, 2].map(|s| meter.bitrate(s, 0)), [8_000, 16_000, 24_000]);

        let apart = |spatial| {
            let references = References::LAYERED.and(References::NOT_FOR_UPPER);
            PacketMeta { references, ..packet(spatial, 0) }
        };
        let mut meter = LayerMeter::new();
        second(&mut meter, &mut now, &[apart(0), apart(1), apart(2)]);
        assert_eq!([0, 1, 2].map(|s| meter.bitrate(s, 0)), [8_000; 3]);

        // Each of two spatial layers is for itself, as the descriptor says.
        let described = |spatial: u8| {
            let cell = Dependencies::cell(spatial, 0).unwrap();
            let frame = Dependencies {
                refers: 0,
                indications: u32::from(Dependencies::REQUIRED) << (2 * cell),
                targets: 0b1_0001,
                frame_number: 1,
                refers_far: false,
                has_structure: false,
                refers_beyond_key: false,
                skipped: 0,
            };
            PacketMeta { dependencies: Some(frame), ..packet(spatial, 0) }
        };
        let mut meter = LayerMeter::new();
        second(&mut meter, &mut now, &[described(0), described(1), described(1)]);
        assert_eq!([0, 1].map(|s| meter.bitrate(s, 0)), [8_000, 16_000]);
    }

    #[test]
    fn a_spatial_layer_that_rests_is_remembered_and_a_temporal_one_is_not() {
        let (mut meter, mut now) = (LayerMeter::new(), Time::from_secs(9));
        second(&mut meter, &mut now, &[packet(0, 0), packet(1, 0), packet(0, 1)]);
        assert_eq!((meter.top(), meter.active()), (Some((1, 1)), 0b11));
        for _ in 0..30 {
            second(&mut meter, &mut now, &[packet(0, 0)]);
        }
        assert_eq!((meter.top(), meter.active()), (Some((1, 0)), 0b01));
        assert_eq!([0, 1].map(|s| meter.bitrate(s, 0)), [8_000, 16_000]);
    }
}
