//! Generic negative acknowledgements (RFC 4585 §6.2.1).

use super::RtcpError;
use crate::wire::{SeqNo, Ssrc};

/// Packets that a receiver misses.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Nack<'a> {
    /// Who misses them.
    pub sender: Ssrc,
    /// The stream that they belong to.
    pub media: Ssrc,
    pairs: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) const FORMAT: u8 = 1;

    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, media, pairs) = feedback_header(body)?;
        if pairs.is_empty() || !pairs.len().is_multiple_of(4) {
            return Err(RtcpError::Truncated);
        }
        Ok(Self { sender, media, pairs })
    }

    /// The pairs as they are on the wire.
    pub fn pairs(&self) -> impl Iterator<Item = NackPair> + use<'a> {
        self.pairs.as_chunks::<4>().0.iter().map(|&[p0, p1, b0, b1]| NackPair {
            first: SeqNo(u16::from_be_bytes([p0, p1])),
            following: u16::from_be_bytes([b0, b1]),
        })
    }

    /// Every missing sequence number, in the order of the packet.
    pub fn seqs(&self) -> impl Iterator<Item = SeqNo> + use<'a> {
        self.pairs().flat_map(NackPair::seqs)
    }
}

/// A missing packet and those missing among the 16 after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct NackPair {
    /// The first missing packet (PID).
    pub first: SeqNo,
    /// Bit `i`, from the lowest, says that `first + i + 1` is missing (BLP).
    pub following: u16,
}

impl NackPair {
    /// The missing sequence numbers, from `first` on.
    pub fn seqs(self) -> impl Iterator<Item = SeqNo> {
        let following = (0..16_u16)
            .filter(move |bit| self.following >> bit & 1 == 1)
            .map(move |bit| SeqNo(self.first.0.wrapping_add(bit + 1)));
        std::iter::once(self.first).chain(following)
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        let [p0, p1] = self.first.0.to_be_bytes();
        let [b0, b1] = self.following.to_be_bytes();
        [p0, p1, b0, b1]
    }
}

/// Packs sequence numbers into as few pairs as their order allows: ascending
/// input, which may wrap, gives the fewest.
///
/// ```
/// use sfu_core::wire::SeqNo;
/// use sfu_core::wire::rtcp::{NackPair, NackPairs};
/// let missing = [65_535, 0, 2, 40].map(SeqNo);
/// let pairs: Vec<_> = NackPairs::new(missing).collect();
/// assert_eq!(pairs[0], NackPair { first: SeqNo(65_535), following: 0b101 });
/// assert_eq!(pairs[1], NackPair { first: SeqNo(40), following: 0 });
/// ```
#[derive(Clone, Debug)]
pub struct NackPairs<I: Iterator<Item = SeqNo>> {
    seqs: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = SeqNo>> NackPairs<I> {
    /// Packs `seqs`.
    pub fn new(seqs: impl IntoIterator<IntoIter = I>) -> Self {
        Self { seqs: seqs.into_iter().peekable() }
    }
}

impl<I: Iterator<Item = SeqNo>> Iterator for NackPairs<I> {
    type Item = NackPair;

    fn next(&mut self) -> Option<NackPair> {
        let first = self.seqs.next()?;
        let mut following = 0;
        while let Some(seq) = self.seqs.next_if(|seq| (0..=16).contains(&seq.distance(first))) {
            // A repetition of the first has no bit and needs none.
            if let Ok(bit) = u32::try_from(i32::from(seq.distance(first)) - 1) {
                following |= 1_u16 << bit;
            }
        }
        Some(NackPair { first, following })
    }
}

/// Sender SSRC, media SSRC and the rest of a feedback packet (RFC 4585 §6.1).
pub(super) fn feedback_header(body: &[u8]) -> Result<(Ssrc, Ssrc, &[u8]), RtcpError> {
    let (sender, rest) = body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
    let (media, rest) = rest.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
    Ok((Ssrc(u32::from_be_bytes(*sender)), Ssrc(u32::from_be_bytes(*media)), rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_keeps_every_number_and_no_other(
            start: u16,
            offsets in proptest::collection::btree_set(0_u16..400, 1..80),
        ) {
            let missing: Vec<_> = offsets.iter().map(|o| SeqNo(start.wrapping_add(*o))).collect();
            let pairs: Vec<_> = NackPairs::new(missing.iter().copied()).collect();
            let unpacked: Vec<_> = pairs.iter().copied().flat_map(NackPair::seqs).collect();
            prop_assert_eq!(unpacked, missing);
            for two in pairs.windows(2) {
                prop_assert!(two[1].first.distance(two[0].first) > 16);
            }
        }

        #[test]
        fn any_order_loses_nothing(seqs in proptest::collection::vec(any::<u16>(), 0..40)) {
            let packed: BTreeSet<_> = NackPairs::new(seqs.iter().map(|s| SeqNo(*s)))
                .flat_map(NackPair::seqs)
                .map(|s| s.0)
                .collect();
            prop_assert_eq!(packed, seqs.into_iter().collect::<BTreeSet<_>>());
        }
    }
}
