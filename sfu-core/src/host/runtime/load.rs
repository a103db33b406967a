//! How busy a shard is, for whoever places the next router.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sfu_ice::Time;

/// Shortest span over which a share is taken.
const SPAN: Duration = Duration::from_millis(100);
/// A figure that is older fades: the shard sleeps.
const FADES: u64 = 1_000;

/// A shard's busy share, written by its thread and read by any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// Milliseconds of the clock in the upper half, thousandths in the lower.
    told: Arc<AtomicU64>,
}

/// The writing half.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    load: Load,
    since: Time,
    busy: Duration,
    /// Moving average, in thousandths.
    share: u64,
}

impl Load {
    /// The share of its time that the shard was busy lately, in thousandths.
    pub(crate) fn permille(&self, now: Time) -> u64 {
        let told = self.told.load(Ordering::Relaxed);
        let (at, share) = (told >> 32, told & 0xffff_ffff);
        let age = (now.as_millis() & 0xffff_ffff).saturating_sub(at);
        if age <= FADES { share } else { share * FADES / age }
    }
}

impl LoadMeter {
    pub(crate) fn new(now: Time) -> (Self, Load) {
        let load = Load::default();
        (Self { load: load.clone(), since: now, busy: Duration::ZERO, share: 0 }, load)
    }

    /// Takes in a turn that took `busy` and ended at `now`.
    pub(crate) fn push(&mut self, now: Time, busy: Duration) {
        self.busy += busy;
        let span = now.since(self.since);
        if span < SPAN {
            return;
        }
        let share = self.busy.as_micros().saturating_mul(1_000) / span.as_micros().max(1);
        let share = u64::try_from(share).unwrap_or(u64::MAX).min(1_000);
        // A long sleep counts as what it was.
        let weight = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, 1_000);
        self.share = (self.share * (1_000 - weight) + share * weight) / 1_000;
        (self.since, self.busy) = (now, Duration::ZERO);
        let told = ((now.as_millis() & 0xffff_ffff) << 32) | self.share;
        self.load.told.store(told, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_the_shard_does_and_fades_in_its_sleep() {
        let mut now = Time::from_secs(1_000);
        let (mut meter, load) = LoadMeter::new(now);
        assert_eq!(load.permille(now), 0);
        for _ in 0..500 {
            now += Duration::from_millis(10);
            meter.push(now, Duration::from_millis(4));
        }
        let busy = load.permille(now);
        assert!((350..=400).contains(&busy), "{busy}");
        now += Duration::from_secs(40);
        assert!(load.permille(now) <= 10);
        meter.push(now, Duration::ZERO);
        assert_eq!(load.permille(now), 0);
    }
}
