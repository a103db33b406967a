//! Key-frame requests of one stream: many receivers ask, the publisher hears
//! one question.
//!
//! The router asks on behalf of receivers; whoever writes RTCP to the publisher
//! polls. A request stays open until a key frame arrives.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

/// The shortest time between two requests for the same stream.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// An unanswered request is repeated after this time.
const REPEAT: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyFrameRequests {
    wanted: bool,
    /// A receiver asked after the publisher was.
    again: bool,
    last_sent: Option<Time>,
    /// How often the publisher was asked.
    pub(crate) sent: u64,
}

impl KeyFrameRequests {
    /// A receiver needs a key frame.
    pub(crate) fn request(&mut self) {
        self.wanted = true;
        self.again = true;
    }

    /// A key frame came, or nobody needs one any more.
    pub(crate) fn satisfied(&mut self) {
        self.wanted = false;
        self.again = false;
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Whether the publisher is to be asked now.
    pub(crate) fn poll(&mut self, now: Time, rtt: Duration) -> bool {
        if !self.wanted || self.deadline(rtt).is_none_or(|due| now < due) {
            return false;
        }
        self.last_sent = Some(now);
        self.again = false;
        self.sent = self.sent.saturating_add(1);
        true
    }

    /// When [`Self::poll`] will say yes; `None` if nothing is wanted.
    pub(crate) fn deadline(&self, rtt: Duration) -> Option<Time> {
        if !self.wanted {
            return None;
        }
        let Some(last) = self.last_sent else { return Some(Time::ZERO) };
        let interval = if self.again { MIN_INTERVAL } else { REPEAT };
        Some(last + interval.max(rtt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_receivers_cost_one_request() {
        let mut requests = KeyFrameRequests::default();
        let now = Time::from_secs(1);
        (0..100).for_each(|_| requests.request());
        assert!(requests.poll(now, Duration::ZERO));
        assert!(!requests.poll(now + Duration::from_millis(499), Duration::ZERO));
        requests.satisfied();
        assert!(!requests.poll(now + Duration::from_secs(9), Duration::ZERO));
    }

    #[test]
    fn an_unanswered_request_is_repeated() {
        let mut requests = KeyFrameRequests::default();
        let now = Time::from_secs(1);
        requests.request();
        assert!(requests.poll(now, Duration::ZERO));
        for _ in 0..9 {
            requests.request();
        }
        let soon = requests.deadline(Duration::ZERO).unwrap();
        assert_eq!(soon, now + MIN_INTERVAL, "somebody asked again");
        assert!(requests.poll(soon, Duration::ZERO));
        let due = requests.deadline(Duration::ZERO).unwrap();
        assert_eq!(due, soon + REPEAT, "nobody asked again, however many asked before");
        assert!(requests.poll(due, Duration::ZERO));
    }

    #[test]
    fn a_long_round_trip_spaces_requests() {
        let mut requests = KeyFrameRequests::default();
        let now = Time::from_secs(1);
        let rtt = Duration::from_secs(3);
        requests.request();
        assert!(requests.poll(now, rtt));
        requests.request();
        assert!(!requests.poll(now + Duration::from_secs(2), rtt));
        assert!(requests.poll(now + Duration::from_secs(3), rtt));
    }
}
