//! The two clocks of a run.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sfu_ice::Time;

/// Time for protocols: never runs backwards, counts from the UNIX epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Time,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), epoch: Time::ZERO + since_epoch() }
    }

    pub(crate) fn now(&self) -> Time {
        self.epoch + self.started.elapsed()
    }
}

/// Nanoseconds since the UNIX epoch on the clock by which the kernel stamps
/// datagrams. Only differences within one run mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Stamp(pub(crate) u64);

impl Stamp {
    pub(crate) fn now() -> Self {
        Self::at(since_epoch())
    }

    pub(crate) fn at(since_epoch: Duration) -> Self {
        Self(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Time from `earlier` to `self`; zero if it was later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
