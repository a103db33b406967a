//! Packet indices (RFC 3711 §3.3.1) and the table of SSRCs that have one.
//!
//! An SSRC enters the table only through [`StreamTable::commit`], which the
//! contexts call after a tag has verified (inbound) or been made (outbound).
//! The table is searched linearly with the last hit first: packets come in
//! bursts of one SSRC, and the keys of a full inbound table are four cache
//! lines.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::replay::ReplayWindow;
use super::{SrtpError, SrtpKeyError};
use crate::wire::{SeqNo, Ssrc};

/// Indices of SRTP are 48 bits: a 32-bit rollover counter and the sequence
/// number.
pub(super) const RTP_INDICES: u64 = 1 << 48;

/// SSRCs that gave their entry to another one and whose highest index is still
/// remembered.
const RETIRED: usize = 256;

/// Packets of other SSRCs that must pass before an entry counts as idle and
/// may be given to a new SSRC.
const IDLE_PACKETS: u64 = 1024;

/// The index of `seq` nearest to `highest`, as RFC 3711 §3.3.1 defines it.
///
/// While the rollover counter is zero nothing precedes it, so a sequence number
/// that looks like the previous cycle can only be ahead in this one.
pub(super) fn nearest(highest: u64, seq: SeqNo) -> u64 {
    const HALF: u64 = 1 << 15;
    const CYCLE: u64 = 1 << 16;
    let (cycle, last, seq) = (highest & !0xffff, highest & 0xffff, u64::from(seq.0));
    let same = cycle | seq;
    if last < HALF {
        if seq > last + HALF { same.checked_sub(CYCLE).unwrap_or(same) } else { same }
    } else if last - HALF > seq {
        same.saturating_add(CYCLE)
    } else {
        same
    }
}

/// Where a packet's SSRC stands in the table, before its tag is known to be
/// right.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// It has the entry of this number.
    Known(usize),
    /// It had an entry; this was its highest index.
    Retired(u64),
    /// Nothing is known of it.
    New,
}

/// The state of each SSRC under one key and direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamTable {
    ssrcs: Vec<Ssrc>,
    streams: Vec<Stream>,
    /// Oldest first. What an evicted SSRC leaves behind: its index goes on
    /// where it was, and nothing from before can be replayed.
    retired: VecDeque<(Ssrc, u64)>,
    /// Packets committed so far: the clock of idleness.
    packets: u64,
    /// Entry of the last packet.
    recent: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stream {
    window: ReplayWindow,
    /// [`StreamTable::packets`] at its last packet.
    last_used: u64,
}

impl StreamTable {
    /// Looks `ssrc` up.
    ///
    /// # Errors
    /// [`SrtpError::SsrcLimit`] when it is new, the table has `limit` entries
    /// and none of them is idle.
    pub(super) fn find(&self, ssrc: Ssrc, limit: usize) -> Result<Place, SrtpError> {
        if self.ssrcs.get(self.recent) == Some(&ssrc) {
            return Ok(Place::Known(self.recent));
        }
        if let Some(at) = self.ssrcs.iter().position(|&s| s == ssrc) {
            return Ok(Place::Known(at));
        }
        if self.ssrcs.len() >= limit && self.idlest().is_none() {
            return Err(SrtpError::SsrcLimit);
        }
        let retired = self.retired.iter().find(|(s, _)| *s == ssrc);
        Ok(retired.map_or(Place::New, |&(_, highest)| Place::Retired(highest)))
    }

    /// The index that `seq` most likely has.
    pub(super) fn estimate(&self, place: Place, seq: SeqNo) -> u64 {
        match place {
            Place::Known(at) => {
                self.streams.get(at).map_or(0, |stream| nearest(stream.window.highest(), seq))
            }
            Place::Retired(highest) => nearest(highest, seq),
            Place::New => u64::from(seq.0),
        }
    }

    /// Whether `index` may still be used.
    pub(super) fn check(&self, place: Place, index: u64) -> Result<(), SrtpError> {
        match place {
            Place::Known(at) => {
                self.streams.get(at).map_or(Ok(()), |stream| stream.window.check(index))
            }
            Place::Retired(highest) if index <= highest => Err(SrtpError::TooOld),
            Place::Retired(_) | Place::New => Ok(()),
        }
    }

    /// Uses `index`, which [`check`](Self::check) has let through, and admits
    /// `ssrc` if it has no entry.
    pub(super) fn commit(&mut self, place: Place, ssrc: Ssrc, index: u64, limit: usize) {
        self.packets = self.packets.saturating_add(1);
        let last_used = self.packets;
        let window = match place {
            Place::Known(at) => {
                self.recent = at;
                if let Some(stream) = self.streams.get_mut(at) {
                    stream.window.commit(index);
                    stream.last_used = last_used;
                }
                return;
            }
            Place::Retired(highest) => {
                self.retired.retain(|(s, _)| *s != ssrc);
                let mut window = ReplayWindow::closed_up_to(highest);
                window.commit(index);
                window
            }
            Place::New => ReplayWindow::starting_at(index),
        };
        if self.ssrcs.len() >= limit {
            self.retire_idlest();
        }
        self.recent = self.ssrcs.len();
        self.ssrcs.push(ssrc);
        self.streams.push(Stream { window, last_used });
    }

    /// Number of SSRCs with an entry.
    pub(super) fn len(&self) -> usize {
        self.ssrcs.len()
    }

    /// Checks what a snapshot brought.
    pub(super) fn verify(&self, limit: usize, indices: u64) -> Result<(), SrtpKeyError> {
        let wrong = |what| Err(SrtpKeyError::Snapshot { what });
        if self.ssrcs.len() != self.streams.len() {
            return wrong("SSRCs and their states differ in number");
        }
        if self.ssrcs.len() > limit || self.retired.len() > RETIRED {
            return wrong("more SSRCs than a context may have");
        }
        let highest = self.streams.iter().map(|stream| stream.window.highest());
        if highest.chain(self.retired.iter().map(|r| r.1)).any(|index| index >= indices) {
            return wrong("a packet index is out of range");
        }
        let mut all: Vec<Ssrc> = self.ssrcs.clone();
        all.extend(self.retired.iter().map(|r| r.0));
        all.sort_unstable();
        if all.windows(2).any(|pair| pair.first() == pair.last()) {
            return wrong("an SSRC occurs twice");
        }
        Ok(())
    }

    /// The entry that has been idle longest, if it has been idle long enough.
    fn idlest(&self) -> Option<usize> {
        let (at, stream) = self.streams.iter().enumerate().min_by_key(|(_, s)| s.last_used)?;
        (self.packets.saturating_sub(stream.last_used) >= IDLE_PACKETS).then_some(at)
    }

    fn retire_idlest(&mut self) {
        let Some(at) = self.idlest() else { return };
        let (ssrc, stream) = (self.ssrcs.swap_remove(at), self.streams.swap_remove(at));
        if self.retired.len() >= RETIRED {
            self.retired.pop_front();
        }
        self.retired.push_back((ssrc, stream.window.highest()));
    }
}

#[cfg(test)]
mod tests;
