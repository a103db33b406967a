//! Settings of speakers, slots and observers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::route::error::CommandError;
use crate::route::id::ProducerId;

/// How many speakers are forwarded to the consumers that follow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpeakerOptions {
    /// How many are forwarded at a time, 0 to 16; 3 by default.
    pub places: u8,
    /// How long somebody who fell silent keeps the place, if nobody else needs
    /// it. 800 ms by default.
    pub hold: Duration,
}

impl SpeakerOptions {
    /// Places at most.
    pub const MAX_PLACES: u8 = 16;

    /// How many are forwarded at a time, 0 to 16.
    #[must_use]
    pub fn places(mut self, places: u8) -> Self {
        self.places = places;
        self
    }

    /// How long somebody who fell silent keeps the place.
    #[must_use]
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.places <= Self::MAX_PLACES {
            return Ok(());
        }
        Err(CommandError::InvalidParameters { what: "places of speakers", expected: "0 to 16" })
    }
}

impl Default for SpeakerOptions {
    fn default() -> Self {
        Self { places: 3, hold: Duration::from_millis(800) }
    }
}

/// Which of the speakers a consumer follows.
///
/// An audio consumer of rank r hears whoever has place r, from the packet with
/// which the spurt began. Who has a place keeps it while speaking, so that
/// nobody's voice jumps from slot to slot. A video consumer of rank 0 sees the
/// dominant speaker, of rank 1 the one before, and so on: those whose camera
/// is linked to their voice and not paused, and before enough people spoke the
/// others in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct SpeakerSlot {
    /// Place (audio) or order (video), from 0; for audio less than
    /// [`SpeakerOptions::places`], for video less than 16.
    pub rank: u8,
    /// The audio or the video producer of the receiver itself, who is never
    /// sent back to it: its place is silence, and its rank among the pictures
    /// goes to the next.
    pub except: Option<ProducerId>,
}

impl SpeakerSlot {
    /// The slot of this rank.
    pub const fn new(rank: u8) -> Self {
        Self { rank, except: None }
    }

    /// Never follows this producer (or the person whose voice or camera it is).
    #[must_use]
    pub const fn except(mut self, producer: ProducerId) -> Self {
        self.except = Some(producer);
        self
    }
}

/// Who speaks in a router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Speakers {
    /// The audio producers that are forwarded, by rank.
    pub places: Vec<Option<ProducerId>>,
    /// Dominant speakers, the present one first: audio producers.
    pub recent: Vec<ProducerId>,
}

/// What an observer listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ObserverScope {
    /// The producers that are added to it.
    #[default]
    Added,
    /// Every audio producer of the router.
    Router,
}

/// Options of an observer of dominant speakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActiveSpeakerOptions {
    /// Time between decisions; 300 ms by default, 100 ms at least.
    pub interval: Duration,
    /// What it listens to.
    pub scope: ObserverScope,
}

impl ActiveSpeakerOptions {
    /// Time between decisions.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// What it listens to.
    #[must_use]
    pub fn scope(mut self, scope: ObserverScope) -> Self {
        self.scope = scope;
        self
    }
}

impl Default for ActiveSpeakerOptions {
    fn default() -> Self {
        Self { interval: Duration::from_millis(300), scope: ObserverScope::default() }
    }
}

/// Options of an observer of loudness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioLevelOptions {
    /// Producers told at most; 1 by default.
    pub max_entries: u16,
    /// Mean level from which a producer is told, in dBov, −127 to 0; −80 by
    /// default.
    pub threshold: i8,
    /// Time between events; 1 s by default, 100 ms at least.
    pub interval: Duration,
    /// What it listens to.
    pub scope: ObserverScope,
}

impl AudioLevelOptions {
    /// Producers told at most.
    #[must_use]
    pub fn max_entries(mut self, max_entries: u16) -> Self {
        self.max_entries = max_entries;
        self
    }

    /// Mean level from which a producer is told, in dBov.
    #[must_use]
    pub fn threshold(mut self, threshold: i8) -> Self {
        self.threshold = threshold;
        self
    }

    /// Time between events.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// What it listens to.
    #[must_use]
    pub fn scope(mut self, scope: ObserverScope) -> Self {
        self.scope = scope;
        self
    }
}

impl Default for AudioLevelOptions {
    fn default() -> Self {
        Self {
            max_entries: 1,
            threshold: -80,
            interval: Duration::from_secs(1),
            scope: ObserverScope::default(),
        }
    }
}
