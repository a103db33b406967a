//! Time for a library that counts in the operating system's clock values.

use std::time::{Duration, Instant};

use crate::Time;

/// Maps [`Time`] to the library's clock values and back. The clock is read
/// once for each association, because its values have no other constructor;
/// only differences to that reading are used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
    at: Time,
}

impl Clock {
    /// A clock whose origin is `now`. The library itself reads the time when
    /// an association is begun actively, so this comes right after that.
    pub(super) fn starting(now: Time) -> Self {
        Self { origin: Instant::now(), at: now }
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.origin.checked_add(time.since(self.at)).unwrap_or(self.origin)
    }

    /// The time of a deadline, rounded up to a millisecond, so that what the
    /// library read of the clock does not show.
    pub(super) fn deadline(&self, instant: Instant) -> Time {
        let since = instant.saturating_duration_since(self.origin);
        let millis = since.as_nanos().div_ceil(1_000_000);
        self.at + Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}
