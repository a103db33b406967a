//! How much a stream carries, and whether it is alive.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

/// Bitrate over the last second, in ten buckets of 100 ms.
///
/// ```
/// use sfu_core::stream::recv::RateMeter;
/// use sfu_ice::Time;
/// let mut meter = RateMeter::new();
/// for packet in 0..100 {
///     meter.push(Time::from_millis(packet * 10), 1_250);
/// }
/// assert_eq!(meter.bits_per_second(Time::from_millis(990)), 1_000_000);
/// assert_eq!(meter.bits_per_second(Time::from_secs(5)), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateMeter {
    buckets: [u32; BUCKETS as usize],
    /// Number of the newest bucket since the origin of time.
    newest: u64,
}

const BUCKETS: u64 = 10;
const BUCKET_MILLIS: u64 = 100;

impl RateMeter {
    /// A meter that reads zero.
    pub const fn new() -> Self {
        Self { buckets: [0; BUCKETS as usize], newest: 0 }
    }

    /// Counts `bytes` bytes at `now`.
    pub fn push(&mut self, now: Time, bytes: usize) {
        let bucket = now.as_millis() / BUCKET_MILLIS;
        for stale in (self.newest + 1..=bucket).take(BUCKETS as usize) {
            // Which of the ten are cleared matters, not in which order; a longer
            // silence clears them all.
            if let Some(count) = self.buckets.get_mut((stale % BUCKETS) as usize) {
                *count = 0;
            }
        }
        self.newest = self.newest.max(bucket);
        if let Some(count) = self.buckets.get_mut((self.newest % BUCKETS) as usize) {
            *count = count.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
    }

    /// Bits per second over the second that ends at `now`.
    pub fn bits_per_second(&self, now: Time) -> u64 {
        let oldest = (now.as_millis() / BUCKET_MILLIS).saturating_sub(BUCKETS - 1);
        (oldest.max(self.newest.saturating_sub(BUCKETS - 1))..=self.newest)
            .filter_map(|bucket| self.buckets.get((bucket % BUCKETS) as usize))
            .map(|bytes| u64::from(*bytes) * 8)
            .sum()
    }
}

/// Whether a stream is alive, judged by its own rhythm: silent for four times
/// its usual frame interval, but at least 500 ms and at most 5 s, is dead.
///
/// A camera layer that the publisher switched off is seen after half a second,
/// a still screen at one frame per second is not mistaken for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    last: Option<Time>,
    /// Average interval of frames, in nanoseconds.
    interval: u64,
}

const SILENCE_MIN: Duration = Duration::from_millis(500);
const SILENCE_MAX: Duration = Duration::from_secs(5);

impl Activity {
    /// A stream of which nothing was heard.
    pub const fn new() -> Self {
        Self { last: None, interval: 0 }
    }

    /// Notes the first packet of a frame.
    pub fn push(&mut self, now: Time) {
        if let Some(last) = self.last {
            let gap = u64::try_from(now.since(last).as_nanos()).unwrap_or(u64::MAX);
            // After a death the gap says nothing about the rhythm.
            if Duration::from_nanos(gap) < SILENCE_MAX {
                self.interval = match self.interval {
                    0 => gap,
                    interval => interval - interval / 8 + gap / 8,
                };
            }
        }
        self.last = self.last.max(Some(now));
    }

    /// Whether the stream lives at `now`.
    pub fn is_active(&self, now: Time) -> bool {
        self.last.is_some_and(|last| now.since(last) < self.patience())
    }

    fn patience(&self) -> Duration {
        Duration::from_nanos(self.interval.saturating_mul(4)).clamp(SILENCE_MIN, SILENCE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meter_forgets_after_a_second() {
        let mut meter = RateMeter::new();
        meter.push(Time::from_millis(50), 1_000);
        assert_eq!(meter.bits_per_second(Time::from_millis(50)), 8_000);
        assert_eq!(meter.bits_per_second(Time::from_millis(999)), 8_000);
        assert_eq!(meter.bits_per_second(Time::from_millis(1_000)), 0);
        meter.push(Time::from_secs(3_600), 500);
        assert_eq!(meter.bits_per_second(Time::from_secs(3_600)), 4_000);
    }

    #[test]
    fn meter_survives_time_that_goes_back() {
        let mut meter = RateMeter::new();
        meter.push(Time::from_secs(10), 1_000);
        meter.push(Time::from_secs(9), 1_000);
        assert_eq!(meter.bits_per_second(Time::from_secs(10)), 16_000);
    }

    #[test]
    fn fast_stream_dies_after_half_a_second() {
        let mut activity = Activity::new();
        assert!(!activity.is_active(Time::ZERO));
        for frame in 0..90 {
            activity.push(Time::from_millis(frame * 33));
        }
        let last = Time::from_millis(89 * 33);
        assert!(activity.is_active(last + Duration::from_millis(499)));
        assert!(!activity.is_active(last + Duration::from_millis(500)));
    }

    #[test]
    fn slow_stream_gets_more_patience() {
        let mut activity = Activity::new();
        for frame in 0..20 {
            activity.push(Time::from_secs(frame));
        }
        assert!(activity.is_active(Time::from_secs(22)));
        assert!(!activity.is_active(Time::from_secs(24)));
    }
}
