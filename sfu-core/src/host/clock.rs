//! The only clock reading in the crate.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sfu_ice::Time;

/// A monotonic clock that counts nanoseconds since the UNIX epoch.
///
/// The wall clock is read once, at start, so that time never runs backwards
/// and yet the times in a snapshot mean the same in another process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Time,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch: Time::ZERO + epoch }
    }

    pub(crate) fn now(&self) -> Time {
        self.epoch + self.started.elapsed()
    }
}
