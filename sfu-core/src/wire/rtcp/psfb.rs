//! Payload-specific feedback: PLI (RFC 4585 §6.3.1), FIR (RFC 5104 §4.3.1) and
//! REMB (draft-alvestrand-rmcat-remb-03).

use super::RtcpError;
use super::nack::feedback_header;
use super::report::read_ssrcs;
use crate::wire::Ssrc;

/// Format of application layer feedback, under which REMB goes.
pub(super) const APPLICATION_LAYER: u8 = 15;

/// Picture loss indication: asks for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Pli {
    /// Who asks.
    pub sender: Ssrc,
    /// The stream asked for.
    pub media: Ssrc,
}

impl Pli {
    pub(super) const FORMAT: u8 = 1;

    pub(super) fn read(body: &[u8]) -> Result<Self, RtcpError> {
        let (sender, media, _) = feedback_header(body)?;
        Ok(Self { sender, media })
    }
}

/// Full intra request: asks for a key frame of each named stream.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Fir<'a> {
    /// Who asks.
    pub sender: Ssrc,
    entries: &'a [u8],
}

/// One stream of a [`Fir`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct FirEntry {
    /// The stream asked for.
    pub ssrc: Ssrc,
    /// Counts commands; a repetition keeps its number (RFC 5104 §4.3.1.2).
    pub command: u8,
}

impl<'a> Fir<'a> {
    pub(super) const FORMAT: u8 = 4;

    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, _, entries) = feedback_header(body)?;
        if entries.is_empty() || !entries.len().is_multiple_of(8) {
            return Err(RtcpError::Truncated);
        }
        Ok(Self { sender, entries })
    }

    /// The streams asked for.
    pub fn entries(&self) -> impl Iterator<Item = FirEntry> + use<'a> {
        self.entries.as_chunks::<8>().0.iter().map(|&[a, b, c, d, command, ..]| FirEntry {
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            command,
        })
    }
}

/// Receiver estimated maximum bitrate.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Remb<'a> {
    /// Who estimates.
    pub sender: Ssrc,
    /// The estimate for all named streams together, in bits per second.
    pub bitrate: u64,
    ssrcs: &'a [u8],
}

impl<'a> Remb<'a> {
    const NAME: [u8; 4] = *b"REMB";
    const MANTISSA_BITS: u32 = 18;

    /// Whether the body of an application layer feedback is a REMB.
    pub(super) fn matches(body: &[u8]) -> bool {
        body.get(8..12) == Some(&Self::NAME)
    }

    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, _, rest) = feedback_header(body)?;
        let (name, rest) = rest.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let (&[count, a, b, c], rest) = rest.split_first_chunk().ok_or(RtcpError::Truncated)?;
        if *name != Self::NAME {
            return Err(RtcpError::Malformed);
        }
        let ssrcs = rest.get(..usize::from(count) * 4).ok_or(RtcpError::Truncated)?;
        let mantissa = u64::from(u32::from_be_bytes([0, a & 0x03, b, c]));
        let exponent = u32::from(a >> 2);
        // An estimate beyond 64 bits is "no limit".
        let bitrate = if mantissa.leading_zeros() >= exponent || mantissa == 0 {
            mantissa.checked_shl(exponent).unwrap_or(0)
        } else {
            u64::MAX
        };
        Ok(Self { sender, bitrate, ssrcs })
    }

    /// The streams that the estimate is about.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        read_ssrcs(self.ssrcs)
    }

    /// Name, count and bitrate; the bitrate loses what exceeds 18 significant
    /// bits.
    pub(super) fn head(bitrate: u64, count: u8) -> [u8; 8] {
        let bits = u64::BITS - bitrate.leading_zeros();
        let exponent = bits.saturating_sub(Self::MANTISSA_BITS);
        let mantissa = (bitrate >> exponent) as u32;
        let [_, a, b, c] = mantissa.to_be_bytes();
        let [n0, n1, n2, n3] = Self::NAME;
        [n0, n1, n2, n3, count, ((exponent as u8) << 2) | a, b, c]
    }
}
