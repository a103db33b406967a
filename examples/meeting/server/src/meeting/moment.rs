//! The time, as an argument.

use std::time::Instant;

use time::OffsetDateTime;

/// One reading of both clocks. A room is given moments and never reads a clock itself.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For deadlines and rates.
    pub instant: Instant,
    /// For time stamps that people see, in UTC, to the millisecond.
    pub utc: OffsetDateTime,
}

impl Moment {
    /// Reads the clocks.
    #[must_use]
    pub fn now() -> Self {
        let utc = OffsetDateTime::now_utc();
        Self {
            instant: Instant::now(),
            utc: utc.replace_millisecond(utc.millisecond()).unwrap_or(utc),
        }
    }

    /// Milliseconds since the Unix epoch; zero before it.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.utc.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
    }

    /// This moment and `span` more.
    #[must_use]
    pub fn after(self, span: std::time::Duration) -> Self {
        Self { instant: self.instant + span, utc: self.utc + span }
    }
}
