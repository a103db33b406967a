//! Sequence numbers of one incoming stream: extension, reordering, duplicates,
//! restarts and loss (RFC 3550 A.1, A.3).

use serde::{Deserialize, Serialize};

use crate::wire::{ExtSeq, SeqNo};

/// Where a packet stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Arrival {
    /// Extended number. It only ever grows over the life of the stream, also
    /// across a restart. For [`ArrivalKind::Suspect`] it has no meaning.
    pub ext: ExtSeq,
    /// What the number says.
    pub kind: ArrivalKind,
}

/// What the number of a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArrivalKind {
    /// New highest number: forward it.
    InOrder,
    /// Fills a hole below the highest number: forward it.
    Late,
    /// Seen before, or too old to tell: drop it.
    Duplicate,
    /// Far from all that was expected: drop it. If the next packet follows on
    /// it, the stream has restarted.
    Suspect,
    /// The stream restarted here. Forward it and forget what was missing.
    Reset,
}

impl ArrivalKind {
    /// Whether the packet is new and belongs to the stream.
    pub const fn is_new(self) -> bool {
        matches!(self, Self::InOrder | Self::Late | Self::Reset)
    }
}

/// Follows the numbers of one stream.
///
/// ```
/// use sfu_core::stream::recv::{ArrivalKind, SeqTracker};
/// use sfu_core::wire::SeqNo;
/// let mut seqs = SeqTracker::new();
/// assert_eq!(seqs.push(SeqNo(65_535)).kind, ArrivalKind::InOrder);
/// assert_eq!(seqs.push(SeqNo(1)).kind, ArrivalKind::InOrder);
/// assert_eq!(seqs.push(SeqNo(0)).kind, ArrivalKind::Late);
/// assert_eq!(seqs.push(SeqNo(0)).kind, ArrivalKind::Duplicate);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeqTracker {
    run: Option<Run>,
    received: u64,
    /// Packets expected in the runs before the last restart.
    expected_before: u64,
    expected_prior: u64,
    received_prior: u64,
}

/// Packets that an interval or a stream lost (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loss {
    /// In 1/256 of the packets expected since the last call.
    pub(super) fraction: u8,
    /// Since the start; negative if duplicates were counted.
    pub(super) cumulative: i64,
}

/// Forward distance that is a loss, not a restart (RFC 3550 A.1).
const MAX_DROPOUT: i16 = 3_000;
/// Backward distance that is reordering, and the reach of duplicate detection.
const WINDOW: u64 = 2_048;
const WORDS: usize = 32;

impl SeqTracker {
    /// A stream of which nothing was heard.
    pub const fn new() -> Self {
        Self { run: None, received: 0, expected_before: 0, expected_prior: 0, received_prior: 0 }
    }

    /// Takes in a packet that came on the stream itself.
    pub fn push(&mut self, seq: SeqNo) -> Arrival {
        let arrival = self.place(seq);
        if arrival.kind.is_new() {
            self.received += 1;
        }
        arrival
    }

    /// Takes in a packet that was recovered by retransmission: it fills its
    /// hole but stays a loss in reports.
    pub fn push_recovered(&mut self, seq: SeqNo) -> Arrival {
        match &mut self.run {
            Some(run) => run.recovered(seq),
            // Nothing to recover: the packet of a stream that is not known yet.
            None => Arrival { ext: ExtSeq::first(seq), kind: ArrivalKind::Suspect },
        }
    }

    /// Highest number so far.
    pub fn highest(&self) -> Option<ExtSeq> {
        self.run.as_ref().map(|run| run.highest)
    }

    /// Packets received, duplicates and recovered ones not counted.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Loss since the start and since the last call.
    pub(super) fn loss(&mut self) -> Loss {
        let expected = self.expected();
        let interval = expected.saturating_sub(self.expected_prior);
        let received = self.received.saturating_sub(self.received_prior);
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost = interval.saturating_sub(received);
        let fraction = (lost * 256).checked_div(interval).unwrap_or(0);
        Loss {
            fraction: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative: expected.cast_signed().saturating_sub(self.received.cast_signed()),
        }
    }

    fn expected(&self) -> u64 {
        let run = self.run.as_ref().map_or(0, Run::expected);
        self.expected_before.saturating_add(run)
    }

    fn place(&mut self, seq: SeqNo) -> Arrival {
        let Some(run) = &mut self.run else {
            let run = Run::new(ExtSeq::first(seq));
            let ext = run.highest;
            self.run = Some(run);
            return Arrival { ext, kind: ArrivalKind::InOrder };
        };
        let arrival = run.place(seq);
        if arrival.kind == ArrivalKind::Reset {
            self.expected_before = self.expected_before.saturating_add(run.expected());
            *run = Run::new(arrival.ext);
        }
        arrival
    }
}

/// Numbers from one start of a stream to its next restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first: ExtSeq,
    highest: ExtSeq,
    /// The number that would confirm a restart.
    restart: Option<SeqNo>,
    /// One bit per number of the window, at `number % WINDOW`.
    seen: [u64; WORDS],
}

impl Run {
    const fn new(first: ExtSeq) -> Self {
        let mut run = Self { first, highest: first, restart: None, seen: [0; WORDS] };
        run.seen[(first.0 % WINDOW / 64) as usize] = 1 << (first.0 % 64);
        run
    }

    const fn expected(&self) -> u64 {
        self.highest.0.saturating_sub(self.first.0) + 1
    }

    fn place(&mut self, seq: SeqNo) -> Arrival {
        let ext = self.highest.nearest(seq);
        let distance = seq.distance(self.highest.seq());
        if distance > 0 && distance < MAX_DROPOUT {
            self.restart = None;
            self.advance(ext);
            return Arrival { ext, kind: ArrivalKind::InOrder };
        }
        if distance <= 0 && u64::from(distance.unsigned_abs()) < WINDOW {
            self.restart = None;
            return Arrival { ext, kind: self.fill(ext) };
        }
        if self.restart == Some(seq) {
            // The next number above the highest with these low bits.
            let next = self.highest.0 + 1;
            let ext = ExtSeq(next + u64::from(seq.0.wrapping_sub(ExtSeq(next).seq().0)));
            return Arrival { ext, kind: ArrivalKind::Reset };
        }
        self.restart = Some(seq.next());
        Arrival { ext, kind: ArrivalKind::Suspect }
    }

    fn recovered(&mut self, seq: SeqNo) -> Arrival {
        let ext = self.highest.nearest(seq);
        let distance = seq.distance(self.highest.seq());
        let kind = if distance > 0 && distance < MAX_DROPOUT {
            self.advance(ext);
            ArrivalKind::InOrder
        } else if distance <= 0 && u64::from(distance.unsigned_abs()) < WINDOW {
            self.fill(ext)
        } else {
            ArrivalKind::Suspect
        };
        Arrival { ext, kind }
    }

    fn advance(&mut self, ext: ExtSeq) {
        for number in (self.highest.0 + 1..ext.0).rev().take(WINDOW as usize) {
            self.set(number, false);
        }
        self.set(ext.0, true);
        self.highest = ext;
    }

    fn fill(&mut self, ext: ExtSeq) -> ArrivalKind {
        let word = self.seen.get((ext.0 % WINDOW / 64) as usize).copied().unwrap_or(u64::MAX);
        if word & 1 << (ext.0 % 64) != 0 {
            return ArrivalKind::Duplicate;
        }
        // Before the first packet: the stream started earlier than we knew.
        self.first = self.first.min(ext);
        self.set(ext.0, true);
        ArrivalKind::Late
    }

    fn set(&mut self, number: u64, seen: bool) {
        if let Some(word) = self.seen.get_mut((number % WINDOW / 64) as usize) {
            let bit = 1 << (number % 64);
            *word = if seen { *word | bit } else { *word & !bit };
        }
    }
}

#[cfg(test)]
mod tests;
