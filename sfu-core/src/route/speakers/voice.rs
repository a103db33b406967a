//! One audio producer's part in who speaks: its levels, and the gate before
//! the slots that follow speakers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::stream::observe::{Heard, LevelMeter, SpeechActivity, Spurt};
use crate::stream::select::PacketMeta;
use crate::wire::ExtSeq;

/// Packets before the first audible one that go with it: a word may begin
/// softly.
const PRE_ROLL: u64 = 2;
/// A spurt that began longer ago is joined in its middle.
const MAX_BACKLOG: Duration = Duration::from_millis(300);
/// Packets of silence that are forwarded in a row, for the receiver to fade to
/// its comfort noise.
const COMFORT_RUN: u8 = 3;
/// Shorter gaps are part of a word.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Slots that could not send when the gate opened join in the middle.
const OPENING: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Voice {
    pub(super) meter: LevelMeter,
    pub(super) activity: SpeechActivity,
    /// The place whose followers point here.
    pub(super) place: Option<u8>,
    /// Among those looked at in each tick.
    pub(super) listed: bool,
    /// Among those looked at in this turn.
    pub(super) candidate: bool,
    /// Observers that it was added to, one bit each.
    pub(super) watched_by: u64,
    open: bool,
    opening: Opening,
    /// Newest packet that went through the gate.
    passed: Option<ExtSeq>,
    /// Packets of silence since the last one that was none.
    silent_run: u8,
}

/// What a packet is to slots that follow speakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Speech {
    /// To be forwarded.
    Heard,
    /// To be forwarded, but nobody speaks in it: a slot that lags can do
    /// without.
    Pause,
    /// Not to be forwarded: silence, or of who has no place.
    HeldBack,
}

/// The gate opened.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// How often it did.
    pub(crate) count: u32,
    /// The first packet that slots get.
    pub(crate) from: ExtSeq,
    at: Time,
}

impl Voice {
    pub(crate) fn new() -> Self {
        Self {
            meter: LevelMeter::new(),
            activity: SpeechActivity::new(),
            place: None,
            listed: false,
            candidate: false,
            watched_by: 0,
            open: false,
            opening: Opening { count: 0, from: ExtSeq(0), at: Time::ZERO },
            passed: None,
            silent_run: 0,
        }
    }

    /// Whether slots get what it says.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The opening that slots have to follow from its first packet, if the
    /// gate opened just now.
    pub(crate) fn opening(&self) -> Opening {
        self.opening
    }

    /// Whether slots still start at the first packet of the last opening.
    pub(crate) fn is_opening(&self, now: Time) -> bool {
        self.open && now.since(self.opening.at) <= OPENING
    }

    /// Slots get it, from the first packet of its spurt on.
    pub(super) fn open(&mut self, now: Time, spurt: Spurt) {
        let newest = self.meter.newest().unwrap_or(spurt.first);
        let first = if now.since(spurt.since) <= MAX_BACKLOG {
            ExtSeq(spurt.first.0.saturating_sub(PRE_ROLL))
        } else {
            newest
        };
        let unheard = self.passed.map_or(first, |passed| ExtSeq(passed.0.saturating_add(1)));
        self.open = true;
        self.opening = Opening {
            count: self.opening.count.wrapping_add(1),
            from: first.max(unheard),
            at: now,
        };
        self.passed = Some(newest);
        self.silent_run = 0;
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Forgets that it spoke: it was muted.
    pub(super) fn interrupt(&mut self) {
        self.meter.interrupt();
        self.activity.clear();
        self.open = false;
    }

    /// What a packet is to slots.
    pub(super) fn judge(&mut self, now: Time, meta: &PacketMeta, heard: &Heard) -> Speech {
        self.silent_run = if heard.silent { self.silent_run.saturating_add(1) } else { 0 };
        if !self.open || self.silent_run > COMFORT_RUN {
            return Speech::HeldBack;
        }
        self.passed = self.passed.max(Some(meta.ext));
        let pause = self.meter.quiet_for(now).is_none_or(|quiet| quiet >= MIN_PAUSE);
        if pause { Speech::Pause } else { Speech::Heard }
    }
}
