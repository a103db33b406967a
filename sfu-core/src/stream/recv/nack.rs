//! Asks the publisher for packets that did not come (RFC 4585 §6.2.1).
//!
//! The ingest path calls [`NackGenerator::push`] for each new packet; a timer
//! at [`NackGenerator::next_deadline`] calls [`NackGenerator::poll`] and writes
//! the NACK. A packet is given time to be merely late, is asked for once per
//! round trip, and is given up after ten times or when it is too old to help;
//! then only a key frame does.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::{ExtSeq, MediaKind, SeqNo};

/// The packets of one stream that are missing.
///
/// ```
/// use std::time::Duration;
/// use sfu_core::stream::recv::NackGenerator;
/// use sfu_core::wire::{ExtSeq, MediaKind, SeqNo};
/// use sfu_ice::Time;
/// let mut nack = NackGenerator::new(MediaKind::Video);
/// for number in [1, 2, 5] {
///     nack.push(Time::ZERO, ExtSeq::first(SeqNo(number)), false, Duration::ZERO);
/// }
/// let due = nack.next_deadline().unwrap();
/// let mut asked = Vec::new();
/// nack.poll(due, Duration::from_millis(40), |seq| asked.push(seq));
/// assert_eq!(asked, [SeqNo(3), SeqNo(4)]);
/// assert_eq!(nack.next_deadline(), Some(due + Duration::from_millis(40)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NackGenerator {
    kind: MediaKind,
    highest: Option<ExtSeq>,
    /// In ascending order of number, at most [`MAX_MISSING`].
    missing: VecDeque<Missing>,
    /// Not later than the first due time of all missing packets.
    deadline: Time,
    /// Packets were given up that a decoder needs.
    given_up: bool,
}

/// What a poll did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NackOutcome {
    /// Numbers that were asked for.
    pub requested: usize,
    /// Packets were given up since the last poll: ask for a key frame. Never
    /// set for audio.
    pub needs_key_frame: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Missing {
    ext: ExtSeq,
    since: Time,
    due: Time,
    tries: u8,
}

const MAX_MISSING: usize = 500;
const MAX_TRIES: u8 = 10;
/// How long a packet may be late before it counts as missing.
const REORDER_MIN: Duration = Duration::from_millis(10);
const REORDER_MAX: Duration = Duration::from_millis(20);
/// Least distance of two requests for one packet.
const RETRY_MIN: Duration = Duration::from_millis(20);
/// Older packets come too late to be played.
const VIDEO_AGE: Duration = Duration::from_millis(1_500);
const AUDIO_AGE: Duration = Duration::from_millis(300);

impl NackGenerator {
    /// Nothing is missing.
    pub const fn new(kind: MediaKind) -> Self {
        Self { kind, highest: None, missing: VecDeque::new(), deadline: Time::MAX, given_up: false }
    }

    /// Takes in the number of a new packet, no duplicate. `recovered` says that
    /// it came as a retransmission, `jitter` how late the stream's packets
    /// usually are.
    pub fn push(&mut self, now: Time, ext: ExtSeq, recovered: bool, jitter: Duration) {
        let Some(highest) = self.highest else {
            self.highest = Some(ext);
            return;
        };
        if ext <= highest {
            self.remove(ext);
            return;
        }
        self.highest = Some(ext);
        let gap = ext.0 - highest.0 - 1;
        if gap == 0 {
            return;
        }
        // A retransmission that runs ahead says that the tail of a burst is lost:
        // nothing more of it is on its way.
        let wait = if recovered { Duration::ZERO } else { jitter.clamp(REORDER_MIN, REORDER_MAX) };
        let first = ext.0 - gap.min(MAX_MISSING as u64);
        self.give_up_oldest(gap.saturating_sub(MAX_MISSING as u64), ext.0 - first);
        let due = now + wait;
        for number in first..ext.0 {
            self.missing.push_back(Missing { ext: ExtSeq(number), since: now, due, tries: 0 });
        }
        self.deadline = self.deadline.min(due);
    }

    /// A key frame starts with packet `ext`: what was before is needed no more.
    pub fn handle_key_frame(&mut self, ext: ExtSeq) {
        let older = self.missing.partition_point(|missing| missing.ext < ext);
        self.missing.drain(..older);
        self.given_up = false;
        self.settle();
    }

    /// Forgets all: the stream restarted.
    pub fn reset(&mut self) {
        *self = Self::new(self.kind);
    }

    /// Calls `request` with each number, in ascending order, that must be asked
    /// for at `now`.
    pub fn poll(
        &mut self,
        now: Time,
        rtt: Duration,
        mut request: impl FnMut(SeqNo),
    ) -> NackOutcome {
        let mut outcome = NackOutcome::default();
        if now >= self.deadline {
            let limit = match self.kind {
                MediaKind::Video => VIDEO_AGE,
                MediaKind::Audio => AUDIO_AGE,
            };
            let before = self.missing.len();
            self.missing.retain_mut(|missing| {
                if missing.due > now {
                    return true;
                }
                if missing.tries >= MAX_TRIES || now.since(missing.since) >= limit {
                    return false;
                }
                missing.tries += 1;
                missing.due = now + rtt.max(RETRY_MIN);
                outcome.requested += 1;
                request(missing.ext.seq());
                true
            });
            self.given_up |= self.missing.len() < before;
            self.deadline = self.missing.iter().map(|m| m.due).min().unwrap_or(Time::MAX);
        }
        outcome.needs_key_frame = self.given_up && self.kind == MediaKind::Video;
        self.given_up = false;
        outcome
    }

    /// When [`poll`](Self::poll) may have something to do; `None` if nothing is
    /// missing. It may be early, never late.
    pub fn next_deadline(&self) -> Option<Time> {
        if self.given_up && self.kind == MediaKind::Video {
            return Some(Time::ZERO);
        }
        (self.deadline < Time::MAX).then_some(self.deadline)
    }

    /// How many packets are missing now.
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    fn remove(&mut self, ext: ExtSeq) {
        if let Ok(index) = self.missing.binary_search_by_key(&ext, |missing| missing.ext) {
            self.missing.remove(index);
            self.settle();
        }
    }

    /// Makes room for `wanted` entries; `beyond` more did not even fit.
    fn give_up_oldest(&mut self, beyond: u64, wanted: u64) {
        let room = MAX_MISSING.saturating_sub(usize::try_from(wanted).unwrap_or(MAX_MISSING));
        let excess = self.missing.len().saturating_sub(room);
        self.missing.drain(..excess);
        self.given_up |= excess > 0 || beyond > 0;
    }

    fn settle(&mut self) {
        if self.missing.is_empty() {
            self.deadline = Time::MAX;
        }
    }
}

#[cfg(test)]
mod tests;
