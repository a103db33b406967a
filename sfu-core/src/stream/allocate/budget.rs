//! What one receiver's path can carry, as far as it can be relied on: what
//! keeps the picture calm while the figure jumps.
//!
//! Down at once: more than the present figure is never used. Up only on what
//! the path has carried for a while, less a margin; and if going up turns out
//! to have been wrong, the next time only after twice as long.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

/// The available bit rate of one receiver with its recent lows.
///
/// ```
/// use sfu_core::stream::allocate::Budget;
/// use sfu_ice::Time;
/// let mut budget = Budget::new();
/// budget.set_available(Some(1_150_000));
/// budget.review(Time::from_secs(1));
/// assert_eq!(budget.secure(Time::from_secs(1)), Some(1_000_000));
/// budget.set_available(Some(9_000_000));
/// budget.review(Time::from_secs(2));
/// assert_eq!(budget.secure(Time::from_secs(2)), Some(1_000_000), "not yet");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    available: Option<u64>,
    /// Least figure in each of the last buckets, in bit/s.
    lows: [u64; BUCKETS as usize],
    /// Number of the newest bucket since the origin of time.
    newest: u64,
    /// How long a figure must have held.
    hold: Duration,
    raised: Option<Time>,
    lowered: Option<Time>,
    /// When bits were last taken from one stream for another, or could have
    /// been, and what was asked for then.
    rearranged: Option<Time>,
    asked: u64,
}

const BUCKETS: u64 = 32;
const BUCKET: Duration = Duration::from_millis(1_250);
const HOLD: Duration = Duration::from_secs(8);
const MAX_HOLD: Duration = Duration::from_millis(38_750);
/// Going down so soon after going up means that going up was wrong.
const REGRET: Duration = Duration::from_secs(15);
/// After so long without going down, going up is tried earlier again.
const CALM: Duration = Duration::from_secs(60);
/// Bits move from one stream to another at most so often, unless something else
/// is asked for.
const REST: Duration = Duration::from_secs(10);
const NOTHING: u64 = u64::MAX;

impl Budget {
    /// Without a limit.
    pub const fn new() -> Self {
        Self {
            available: None,
            lows: [NOTHING; BUCKETS as usize],
            newest: 0,
            hold: HOLD,
            raised: None,
            lowered: None,
            rearranged: None,
            asked: 0,
        }
    }

    /// Sets what the path can carry, in bit/s; `None` is without limit.
    pub fn set_available(&mut self, available: Option<u64>) {
        if available.is_none() {
            *self = Self::new();
        }
        self.available = available;
    }

    /// What the path can carry, in bit/s.
    pub const fn available(&self) -> Option<u64> {
        self.available
    }

    /// Takes note of the present figure. To be called at each change and at
    /// least once a second.
    pub fn review(&mut self, now: Time) {
        let Some(available) = self.available else { return };
        let bucket = number_of(now);
        for stale in (self.newest + 1..=bucket).take(BUCKETS as usize) {
            if let Some(low) = self.lows.get_mut((stale % BUCKETS) as usize) {
                *low = NOTHING;
            }
        }
        self.newest = self.newest.max(bucket);
        if let Some(low) = self.lows.get_mut((self.newest % BUCKETS) as usize) {
            *low = available.min(*low);
        }
        if self.lowered.is_some_and(|lowered| now.since(lowered) > CALM) {
            // Not as early as on a path that was never wrong.
            self.hold = self.hold.min(HOLD * 2);
        }
    }

    /// Up to this sum of bit rates streams may be raised at `now`: the least
    /// figure since the hold began, divided by 1.15. `None` is without limit.
    pub fn secure(&self, now: Time) -> Option<u64> {
        let available = self.available?;
        let newest = number_of(now).min(self.newest);
        let since = number_of(Time::from_nanos(
            now.as_nanos().saturating_sub(u64::try_from(self.hold.as_nanos()).unwrap_or(u64::MAX)),
        ));
        let since = since.max(newest.saturating_sub(BUCKETS - 1));
        let lows = (since..=newest).filter_map(|at| self.lows.get((at % BUCKETS) as usize));
        let low = lows.fold(available, |low, bucket| low.min(*bucket));
        Some(low - low / 23 * 3)
    }

    /// Streams were raised.
    pub(super) fn raised(&mut self, now: Time) {
        self.raised = Some(now);
    }

    /// Whether bits may move from one stream to another, where `asked` stands
    /// for all that is asked for.
    pub(super) fn may_rearrange(&self, now: Time, asked: u64) -> bool {
        let last = self.rearranged.max(self.lowered).max(self.raised);
        asked != self.asked || last.is_none_or(|last| now.since(last) >= REST)
    }

    /// Bits moved from one stream to another, or need not.
    pub(super) fn rearranged(&mut self, now: Time, asked: u64, moved: bool) {
        self.asked = asked;
        if moved {
            self.rearranged = Some(now);
        }
    }

    /// Streams had to be lowered because the path carries less.
    pub(super) fn lowered(&mut self, now: Time) {
        if self.raised.take().is_some_and(|raised| now.since(raised) < REGRET) {
            self.hold = (self.hold * 2).min(MAX_HOLD);
        }
        self.lowered = Some(now);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

fn number_of(time: Time) -> u64 {
    time.as_nanos() / u64::try_from(BUCKET.as_nanos()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secure(budget: &mut Budget, now: Time, available: u64) -> u64 {
        budget.set_available(Some(available));
        budget.review(now);
        budget.secure(now).unwrap()
    }

    #[test]
    fn a_low_is_remembered_for_the_hold_and_then_forgotten() {
        let mut budget = Budget::new();
        let start = Time::from_secs(100);
        assert_eq!(secure(&mut budget, start, 1_150), 1_000);
        assert_eq!(secure(&mut budget, start, 460), 400, "a low counts at once");
        for tick in 1..=40 {
            let now = start + Duration::from_millis(200) * tick;
            assert_eq!(secure(&mut budget, now, 1_150), 400, "{tick}");
        }
        assert_eq!(secure(&mut budget, start + Duration::from_millis(9_500), 1_150), 1_000);
    }

    #[test]
    fn regret_doubles_the_hold_and_calm_shortens_it() {
        let mut budget = Budget::new();
        let mut now = Time::from_secs(100);
        for expected in [16, 32, 38, 38] {
            budget.raised(now);
            budget.lowered(now + Duration::from_secs(3));
            assert_eq!(budget.hold.as_secs(), expected);
            now += Duration::from_secs(4);
        }
        budget.lowered(now);
        assert_eq!(budget.hold.as_secs(), 38, "nothing was raised before");
        secure(&mut budget, now + Duration::from_secs(61), 900);
        assert_eq!(budget.hold, HOLD * 2);
    }

    #[test]
    fn a_long_silence_forgets_everything() {
        let mut budget = Budget::new();
        secure(&mut budget, Time::from_secs(100), 90);
        assert_eq!(secure(&mut budget, Time::from_secs(1_000), 1_150), 1_000);
        budget.set_available(None);
        assert_eq!(budget.secure(Time::from_secs(1_001)), None);
    }
}
