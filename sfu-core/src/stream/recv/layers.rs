//! What each layer of one stream costs and how fast its pictures come.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

/// Bit rates of up to four spatial by four temporal layers of one stream, and
/// the frame rate of each temporal layer, smoothed: up within a second, down
/// over five, so that a quiet scene does not make a layer look cheap.
///
/// Counting a packet is two additions; rates are worked out in
/// [`review`](Self::review). Layers above the fourth count as the fourth.
///
/// ```
/// use sfu_core::stream::recv::LayerMeter;
/// use sfu_ice::Time;
/// let mut meter = LayerMeter::new();
/// meter.review(Time::ZERO);
/// for picture in 0..30 {
///     meter.push(0, picture % 2, 2_000, true);
/// }
/// meter.review(Time::from_secs(1));
/// assert_eq!(meter.bitrate(0, 0), 240_000);
/// assert_eq!(meter.bitrate(0, 1), 480_000, "with the layer below");
/// assert_eq!((meter.frame_rate(0), meter.frame_rate(1)), (15.0, 30.0));
/// assert_eq!(meter.top(), Some((0, 1)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerMeter {
    bytes: [[u32; LAYERS]; LAYERS],
    pictures: [u32; LAYERS],
    since: Option<Time>,
    /// How many rates there were, up to eight: the first are averaged.
    samples: u8,
    /// Bits per second by spatial, then temporal layer; 0 is never seen.
    rates: [[f32; LAYERS]; LAYERS],
    frame_rates: [f32; LAYERS],
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

    /// Counts a packet of `bytes` bytes; `last` if it is the last of a picture.
    pub fn push(&mut self, spatial: u8, temporal: u8, bytes: usize, last: bool) {
        let (spatial, temporal) = (index(spatial), index(temporal));
        if let Some(count) = self.bytes.get_mut(spatial).and_then(|row| row.get_mut(temporal)) {
            *count = count.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
        if let Some(count) = self.pictures.get_mut(temporal) {
            *count = count.saturating_add(u32::from(last));
        }
    }

    /// Turns what was counted into rates, twice a second at most; to be called
    /// more often than that. A silent stream keeps its rates.
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
        if bytes.iter().flatten().all(|count| *count == 0) {
            return;
        }
        self.samples = (self.samples + 1).min(8);
        let average = 1.0 / f32::from(self.samples);
        for (rate, count) in self.rates.iter_mut().flatten().zip(bytes.iter().flatten()) {
            smooth(rate, *count as f32 * 8.0 / seconds, average, LEAST_BITRATE);
        }
        for (rate, count) in self.frame_rates.iter_mut().zip(pictures) {
            smooth(rate, count as f32 / seconds, average, LEAST_FRAME_RATE);
        }
    }

    /// Bits per second of a layer with all the layers below it.
    pub fn bitrate(&self, spatial: u8, temporal: u8) -> u32 {
        let rows = self.rates.iter().take(index(spatial) + 1);
        let rate: f32 = rows.flat_map(|row| row.iter().take(index(temporal) + 1)).sum();
        // Saturates, and is never negative.
        rate.round() as u32
    }

    /// Pictures per second of a temporal layer with those below it.
    pub fn frame_rate(&self, temporal: u8) -> f32 {
        self.frame_rates.iter().take(index(temporal) + 1).sum()
    }

    /// The highest spatial and the highest temporal layer that were seen;
    /// `None` before the first rate.
    pub fn top(&self) -> Option<(u8, u8)> {
        let seen = |rate: &f32| *rate > 0.0;
        let spatial = self.rates.iter().rposition(|row| row.iter().any(seen))?;
        let temporal = (0..LAYERS)
            .rev()
            .find(|at| self.rates.iter().any(|row| row.get(*at).is_some_and(seen)))?;
        Some((u8::try_from(spatial).ok()?, u8::try_from(temporal).ok()?))
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

    fn run(meter: &mut LayerMeter, now: &mut Time, seconds: u32, bytes: usize) {
        for _ in 0..seconds * 10 {
            meter.push(0, 0, bytes / 10, true);
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
        meter.push(250, 250, 1_000, true);
        meter.review(Time::from_secs(1));
        assert_eq!(meter.top(), Some((3, 3)));
        assert_eq!(meter.bitrate(255, 255), 8_000);
    }
}
