//! Which NACKed packets of one consumer are sent again, and under which RTX
//! number (RFC 4588).
//!
//! A packet goes out again at most once per round trip, and all of them within
//! a share of the media's own rate: a receiver with a broken path, or a hostile
//! one, cannot multiply its traffic.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::SeqNo;

/// Answers NACKs of one consumer.
///
/// ```
/// use std::time::Duration;
/// use sfu_core::stream::send::{NackResponder, RtxRefused};
/// use sfu_core::wire::SeqNo;
/// use sfu_ice::Time;
/// let mut responder = NackResponder::new(SeqNo(1));
/// let rtt = Duration::from_millis(80);
/// assert_eq!(responder.allow(Time::ZERO, SeqNo(7), 1_200, rtt, 0), Ok(()));
/// assert_eq!(responder.next_seq(), SeqNo(1));
/// let again = responder.allow(Time::from_millis(79), SeqNo(7), 1_200, rtt, 0);
/// assert_eq!(again, Err(RtxRefused::JustSent));
///
/// responder.grant(80_000); // bytes of history that went out all at once
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NackResponder {
    next: SeqNo,
    /// When a packet was last sent again, at `seq % RECENT`; empty until the
    /// first NACK, as most consumers never send one.
    recent: Vec<Option<Recent>>,
    /// Bytes that may be sent now.
    credit: u64,
    /// Bytes that may be sent beyond that, as the media came all at once.
    granted: u64,
    refilled: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    seq: SeqNo,
    at: Time,
}

/// Why a packet is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RtxRefused {
    /// It was, less than a round trip ago.
    #[error("sent again less than a round trip ago")]
    JustSent,
    /// Retransmissions have used up their share of the bitrate.
    #[error("retransmission budget used up")]
    Budget,
}

const RECENT: usize = 256;
const SPACING_MIN: Duration = Duration::from_millis(10);
/// Retransmissions may take a quarter of the media rate and 160 kbit/s.
const SHARE: u64 = 4;
const FLOOR_BYTES_PER_SECOND: u64 = 20_000;
/// Credit saved up at most: one second's worth of the floor and the share.
const BURST: Duration = Duration::from_secs(1);

impl NackResponder {
    /// A responder whose RTX stream begins with `first` (random).
    pub const fn new(first: SeqNo) -> Self {
        Self { next: first, recent: Vec::new(), credit: 0, granted: 0, refilled: None }
    }

    /// So many bytes were sent in a burst, far above the media's rate. Whatever
    /// of them did not fit into a buffer on the way may be sent once again.
    pub fn grant(&mut self, bytes: u64) {
        self.granted = bytes;
    }

    /// Asks to send egress packet `seq` of `bytes` bytes again, the media being
    /// sent at `media_rate` bits per second. If it is allowed it counts as sent.
    ///
    /// # Errors
    /// [`RtxRefused`] if the packet must not be sent now.
    pub fn allow(
        &mut self,
        now: Time,
        seq: SeqNo,
        bytes: usize,
        rtt: Duration,
        media_rate: u64,
    ) -> Result<(), RtxRefused> {
        let spacing = rtt.max(SPACING_MIN);
        let slot = usize::from(seq.0) % RECENT;
        let recent = self.recent.get(slot).copied().flatten();
        if recent.is_some_and(|recent| recent.seq == seq && now.since(recent.at) < spacing) {
            return Err(RtxRefused::JustSent);
        }
        self.refill(now, media_rate);
        let bytes = bytes as u64;
        let from = if self.credit >= bytes { &mut self.credit } else { &mut self.granted };
        *from = from.checked_sub(bytes).ok_or(RtxRefused::Budget)?;
        if self.recent.is_empty() {
            self.recent.resize(RECENT, None);
        }
        if let Some(recent) = self.recent.get_mut(slot) {
            *recent = Some(Recent { seq, at: now });
        }
        Ok(())
    }

    /// Takes the next number of the RTX stream, for a retransmission or for
    /// padding.
    pub fn next_seq(&mut self) -> SeqNo {
        let seq = self.next;
        self.next = seq.next();
        seq
    }

    fn refill(&mut self, now: Time, media_rate: u64) {
        let per_second = FLOOR_BYTES_PER_SECOND.saturating_add(media_rate / 8 / SHARE);
        let earned = match self.refilled {
            None => BURST,
            Some(refilled) => now.since(refilled).min(BURST),
        };
        let bytes = u128::from(per_second) * earned.as_nanos() / BURST.as_nanos();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes == 0 {
            // Less than a byte: let it add up.
            return;
        }
        self.credit = self.credit.saturating_add(bytes).min(per_second);
        self.refilled = self.refilled.max(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    #[test]
    fn once_per_round_trip_each() {
        let mut responder = NackResponder::new(SeqNo(65_535));
        let mut at = |millis, rtt, seq| {
            let allowed = responder.allow(Time::from_millis(millis), SeqNo(seq), 100, rtt, 0);
            allowed.map(|()| responder.next_seq())
        };
        assert_eq!(at(0, RTT, 1), Ok(SeqNo(65_535)));
        assert_eq!(at(1, RTT, 2), Ok(SeqNo(0)));
        assert_eq!(at(49, RTT, 1), Err(RtxRefused::JustSent));
        assert_eq!(at(50, RTT, 1), Ok(SeqNo(1)));
        let fast = Duration::from_micros(200);
        assert_eq!(at(59, fast, 1), Err(RtxRefused::JustSent));
        assert_eq!(at(60, fast, 1), Ok(SeqNo(2)));
    }

    #[test]
    fn flood_of_nacks_gets_a_share_of_the_media_rate() {
        let mut responder = NackResponder::new(SeqNo(0));
        let media_rate = 2_000_000;
        let mut sent = 0;
        for millis in 0..10_000_u64 {
            for packet in 0..10 {
                let seq = SeqNo((millis * 10 + packet) as u16);
                let now = Time::from_millis(millis);
                sent += u64::from(responder.allow(now, seq, 1_200, RTT, media_rate).is_ok());
            }
        }
        let per_second = FLOOR_BYTES_PER_SECOND + media_rate / 8 / SHARE;
        let limit = per_second * 11 / 1_200;
        assert!(sent <= limit && sent > limit * 9 / 10, "{sent} of {limit}");
    }

    #[test]
    fn a_burst_may_be_sent_once_again() {
        let mut responder = NackResponder::new(SeqNo(0));
        responder.grant(60_000);
        let mut again = |round: u64| {
            let now = Time::from_millis(60 * round);
            (0..100).filter(|seq| responder.allow(now, SeqNo(*seq), 1_000, RTT, 0).is_ok()).count()
        };
        // The floor of one second, and what was granted.
        assert_eq!(again(0), 20 + 60);
        assert_eq!(again(1), 1);
    }

    #[test]
    fn snapshot_goes_on_identically() {
        let mut responder = NackResponder::new(SeqNo(9));
        for seq in 0..40 {
            let _ = responder.allow(Time::from_millis(seq.into()), SeqNo(seq), 1_200, RTT, 0);
        }
        let bytes = postcard::to_stdvec(&responder).unwrap();
        let mut restored: NackResponder = postcard::from_bytes(&bytes).unwrap();
        for seq in 0..80 {
            let now = Time::from_millis(60);
            let expected = responder.allow(now, SeqNo(seq), 1_200, RTT, 0);
            assert_eq!(restored.allow(now, SeqNo(seq), 1_200, RTT, 0), expected);
        }
    }
}
