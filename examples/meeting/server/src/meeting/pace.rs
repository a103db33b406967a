//! A token bucket whose time is an argument.

use std::time::Instant;

/// Allows a burst, then a steady rate.
///
/// ```
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// let mut pace = meeting_server::meeting::Pace::new(2, 1.0);
/// assert!(pace.take(start) && pace.take(start) && !pace.take(start));
/// assert!(pace.take(start + Duration::from_secs(1)));
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    burst: f64,
    per_second: f64,
    tokens: f64,
    refilled: Option<Instant>,
}

impl Pace {
    /// A full bucket of `burst` tokens that gains `per_second` tokens each second.
    #[must_use]
    pub fn new(burst: u32, per_second: f64) -> Self {
        let burst = f64::from(burst);
        Self { burst, per_second, tokens: burst, refilled: None }
    }

    /// Takes one token, or says that there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let since = self.refilled.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.refilled = Some(now);
        self.tokens = (self.tokens + since * self.per_second).min(self.burst);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}
