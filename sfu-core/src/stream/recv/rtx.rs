//! Which RTX stream repairs which media stream (RFC 4588).
//!
//! Signalling names the pair (`a=ssrc-group:FID`), or with simulcast the
//! packets do: the media stream carries its RID, the RTX stream the same value
//! as repaired RID (RFC 8852), in either order of arrival.

use serde::{Deserialize, Serialize};

use crate::wire::{Mid, Rid, Ssrc};

/// The pairs of one transport.
///
/// ```
/// use sfu_core::stream::recv::RtxPairs;
/// use sfu_core::wire::{Mid, Rid, Ssrc};
/// let (mid, high) = (Mid::new("0"), Rid::new("h").unwrap());
/// let mut pairs = RtxPairs::new();
/// pairs.repairs(Ssrc(20), mid, high)?;
/// assert_eq!(pairs.media_of(Ssrc(20)), None);
/// pairs.media(Ssrc(10), mid, high)?;
/// assert_eq!(pairs.media_of(Ssrc(20)), Some(Ssrc(10)));
/// # Ok::<(), sfu_core::stream::recv::RtxPairsFull>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtxPairs {
    pairs: Vec<Pair>,
}

/// The transport has as many pairs as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("more than {MAX_PAIRS} streams with retransmission on one transport")]
#[non_exhaustive]
pub struct RtxPairsFull;

const MAX_PAIRS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    /// Names the encoding; `None` if signalling named the SSRCs.
    encoding: Option<(Option<Mid>, Rid)>,
    media: Option<Ssrc>,
    rtx: Option<Ssrc>,
}

impl RtxPairs {
    /// No pairs.
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Signalling: `rtx` repairs `media`.
    ///
    /// # Errors
    /// [`RtxPairsFull`] beyond 64 pairs.
    pub fn pair(&mut self, media: Ssrc, rtx: Ssrc) -> Result<(), RtxPairsFull> {
        self.forget(media);
        self.forget(rtx);
        self.add(Pair { encoding: None, media: Some(media), rtx: Some(rtx) })
    }

    /// A packet: `media` carries encoding `rid` of m-section `mid`.
    ///
    /// # Errors
    /// [`RtxPairsFull`] beyond 64 pairs.
    pub fn media(&mut self, media: Ssrc, mid: Option<Mid>, rid: Rid) -> Result<(), RtxPairsFull> {
        let encoding = Some((mid, rid));
        match self.pairs.iter_mut().find(|pair| pair.encoding == encoding) {
            Some(pair) => pair.media = Some(media),
            None => self.add(Pair { encoding, media: Some(media), rtx: None })?,
        }
        Ok(())
    }

    /// A packet: `rtx` repairs encoding `rid` of m-section `mid`.
    ///
    /// # Errors
    /// [`RtxPairsFull`] beyond 64 pairs.
    pub fn repairs(&mut self, rtx: Ssrc, mid: Option<Mid>, rid: Rid) -> Result<(), RtxPairsFull> {
        let encoding = Some((mid, rid));
        match self.pairs.iter_mut().find(|pair| pair.encoding == encoding) {
            Some(pair) => pair.rtx = Some(rtx),
            None => self.add(Pair { encoding, media: None, rtx: Some(rtx) })?,
        }
        Ok(())
    }

    /// The media stream that `rtx` repairs.
    pub fn media_of(&self, rtx: Ssrc) -> Option<Ssrc> {
        self.pairs.iter().find(|pair| pair.rtx == Some(rtx))?.media
    }

    /// The stream that repairs `media`.
    pub fn rtx_of(&self, media: Ssrc) -> Option<Ssrc> {
        self.pairs.iter().find(|pair| pair.media == Some(media))?.rtx
    }

    /// Forgets the pair that `ssrc` is in: its stream ended.
    pub fn forget(&mut self, ssrc: Ssrc) {
        self.pairs.retain(|pair| pair.media != Some(ssrc) && pair.rtx != Some(ssrc));
    }

    fn add(&mut self, pair: Pair) -> Result<(), RtxPairsFull> {
        if self.pairs.len() >= MAX_PAIRS {
            return Err(RtxPairsFull);
        }
        self.pairs.push(pair);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signalled_pairs_work_both_ways_and_replace_each_other() {
        let mut pairs = RtxPairs::new();
        pairs.pair(Ssrc(1), Ssrc(2)).unwrap();
        assert_eq!(
            (pairs.media_of(Ssrc(2)), pairs.rtx_of(Ssrc(1))),
            (Some(Ssrc(1)), Some(Ssrc(2)))
        );
        pairs.pair(Ssrc(1), Ssrc(3)).unwrap();
        assert_eq!((pairs.media_of(Ssrc(2)), pairs.rtx_of(Ssrc(1))), (None, Some(Ssrc(3))));
        pairs.forget(Ssrc(1));
        assert_eq!(pairs, RtxPairs::new());
    }

    #[test]
    fn the_same_rid_in_two_sections_is_two_encodings() {
        let rid = Rid::new("q").unwrap();
        let mut pairs = RtxPairs::new();
        for (mid, media, rtx) in [("0", 1, 2), ("1", 3, 4)] {
            pairs.media(Ssrc(media), Mid::new(mid), rid).unwrap();
            pairs.repairs(Ssrc(rtx), Mid::new(mid), rid).unwrap();
        }
        assert_eq!(
            (pairs.media_of(Ssrc(2)), pairs.media_of(Ssrc(4))),
            (Some(Ssrc(1)), Some(Ssrc(3)))
        );
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        let mut pairs = RtxPairs::new();
        for ssrc in 0..64 {
            pairs.pair(Ssrc(ssrc * 2), Ssrc(ssrc * 2 + 1)).unwrap();
        }
        assert_eq!(pairs.pair(Ssrc(1_000), Ssrc(1_001)), Err(RtxPairsFull));
        assert_eq!(pairs.pair(Ssrc(0), Ssrc(1_001)), Ok(()));
    }
}
