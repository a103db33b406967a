//! Whether a peer still wants our packets (RFC 7675), seen from a lite agent.
//!
//! A lite agent sends no consent checks of its own: the full agent's checks
//! are the proof of life. The agent calls [`Consent::refresh`] for each
//! authenticated one and [`Consent::update`] when time passes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::IceState;
use crate::Time;

/// How long silence may last.
///
/// Browsers send a check at least every 2.5 to 6 s. The defaults survive one
/// lost check before `Disconnected` and follow RFC 7675 §5.1 (30 s) for
/// `Failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConsentConfig {
    /// Silence after which the peer is [`IceState::Disconnected`]. 8 s.
    pub disconnected_after: Duration,
    /// Silence after which the peer is [`IceState::Failed`]. 30 s.
    pub failed_after: Duration,
}

impl Default for ConsentConfig {
    fn default() -> Self {
        Self { disconnected_after: Duration::from_secs(8), failed_after: Duration::from_secs(30) }
    }
}

impl ConsentConfig {
    /// Silences after which a peer is disconnected and failed.
    pub fn new(disconnected_after: Duration, failed_after: Duration) -> Self {
        Self { disconnected_after, failed_after }
    }
}

/// Liveness of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Consent {
    state: IceState,
    last_check: Time,
}

impl Consent {
    pub(super) fn state(&self) -> IceState {
        self.state
    }

    pub(super) fn last_check(&self) -> Time {
        self.last_check
    }

    /// An authenticated check arrived. Returns the new state if it changed.
    pub(super) fn refresh(&mut self, now: Time) -> Option<IceState> {
        self.last_check = self.last_check.max(now);
        match self.state {
            IceState::Connected | IceState::Closed => None,
            _ => self.enter(IceState::Connected),
        }
    }

    /// Time passed. Returns the new state if it changed.
    pub(super) fn update(&mut self, now: Time, config: &ConsentConfig) -> Option<IceState> {
        let silence = now.since(self.last_check);
        match self.state {
            IceState::Connected | IceState::Disconnected if silence >= config.failed_after => {
                self.enter(IceState::Failed)
            }
            IceState::Connected if silence >= config.disconnected_after => {
                self.enter(IceState::Disconnected)
            }
            _ => None,
        }
    }

    /// Starts the period of silence anew, after time stood still.
    pub(super) fn rebase(&mut self, now: Time) {
        self.last_check = now;
    }

    pub(super) fn close(&mut self) -> Option<IceState> {
        (self.state != IceState::Closed).then(|| self.enter(IceState::Closed)).flatten()
    }

    /// When [`update`](Self::update) has something to say.
    pub(super) fn deadline(&self, config: &ConsentConfig) -> Option<Time> {
        match self.state {
            IceState::Connected => {
                let first = config.disconnected_after.min(config.failed_after);
                Some(self.last_check + first)
            }
            IceState::Disconnected => Some(self.last_check + config.failed_after),
            _ => None,
        }
    }

    fn enter(&mut self, state: IceState) -> Option<IceState> {
        self.state = state;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn silence_disconnects_then_fails_and_a_check_revives() {
        let config = ConsentConfig::default();
        let mut consent = Consent::default();
        assert_eq!(consent.deadline(&config), None);
        assert_eq!(consent.update(at(1000), &config), None);

        assert_eq!(consent.refresh(at(10)), Some(IceState::Connected));
        assert_eq!(consent.refresh(at(11)), None);
        assert_eq!(consent.deadline(&config), Some(at(19)));
        assert_eq!(consent.update(at(18), &config), None);
        assert_eq!(consent.update(at(19), &config), Some(IceState::Disconnected));
        assert_eq!(consent.deadline(&config), Some(at(41)));

        assert_eq!(consent.refresh(at(30)), Some(IceState::Connected));
        assert_eq!(consent.update(at(38), &config), Some(IceState::Disconnected));
        assert_eq!(consent.update(at(60), &config), Some(IceState::Failed));
        assert_eq!(consent.deadline(&config), None);
        assert_eq!(consent.refresh(at(90)), Some(IceState::Connected));
    }

    #[test]
    fn one_late_look_goes_straight_to_failed() {
        let config = ConsentConfig::default();
        let mut consent = Consent::default();
        consent.refresh(at(0));
        assert_eq!(consent.update(at(30), &config), Some(IceState::Failed));
    }

    #[test]
    fn closed_is_final() {
        let mut consent = Consent::default();
        assert_eq!(consent.close(), Some(IceState::Closed));
        assert_eq!(consent.close(), None);
        assert_eq!(consent.refresh(at(1)), None);
        assert_eq!(consent.state(), IceState::Closed);
    }
}
