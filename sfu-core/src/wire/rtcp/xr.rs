//! Extended reports (RFC 3611): the two blocks by which a receiver that sends
//! nothing measures the round trip, RRTR (§4.4) and DLRR (§4.5).

use super::RtcpError;
use super::ntp::NtpTime;
use crate::wire::Ssrc;

/// An extended report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExtendedReport<'a> {
    /// Who reports.
    pub sender: Ssrc,
    blocks: &'a [u8],
}

/// One block of an [`ExtendedReport`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum XrBlock<'a> {
    /// Receiver reference time (RRTR): the reporter's clock.
    ReceiverReferenceTime(NtpTime),
    /// Answers to RRTRs (DLRR), one per receiver; see [`XrBlock::dlrrs`].
    Dlrr(&'a [u8]),
    /// A block of a type that is not interpreted.
    Other(u8),
}

impl<'a> XrBlock<'a> {
    /// The answers of a DLRR block; none for another block.
    pub fn dlrrs(&self) -> impl Iterator<Item = Dlrr> + use<'a> {
        let bytes = match *self {
            Self::Dlrr(bytes) => bytes,
            _ => &[],
        };
        bytes.as_chunks::<{ Dlrr::LEN }>().0.iter().map(Dlrr::read)
    }
}

/// The answer to one receiver's RRTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Dlrr {
    /// The receiver that is answered.
    pub ssrc: Ssrc,
    /// [`NtpTime::middle`] of its last RRTR; zero if there was none.
    pub last_rr: u32,
    /// Time since then, in 1/65536 s.
    pub delay_since_last_rr: u32,
}

impl Dlrr {
    pub(super) const LEN: usize = 12;

    fn read(bytes: &[u8; Self::LEN]) -> Self {
        let [s0, s1, s2, s3, l0, l1, l2, l3, d0, d1, d2, d3] = *bytes;
        Self {
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            last_rr: u32::from_be_bytes([l0, l1, l2, l3]),
            delay_since_last_rr: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }
}

impl<'a> ExtendedReport<'a> {
    pub(super) const RRTR: u8 = 4;
    pub(super) const DLRR: u8 = 5;

    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, blocks) = body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let mut rest = blocks;
        while !rest.is_empty() {
            (_, rest) = Self::block(rest).ok_or(RtcpError::Truncated)?;
        }
        Ok(Self { sender: Ssrc(u32::from_be_bytes(*sender)), blocks })
    }

    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = XrBlock<'a>> + use<'a> {
        let mut rest = self.blocks;
        std::iter::from_fn(move || {
            let (block, tail) = Self::block(rest)?;
            rest = tail;
            Some(block)
        })
    }

    fn block(bytes: &'a [u8]) -> Option<(XrBlock<'a>, &'a [u8])> {
        let (&[kind, _, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let (content, rest) = rest.split_at_checked(len)?;
        let block = match (kind, content.first_chunk::<8>()) {
            (Self::RRTR, Some(ntp)) => {
                XrBlock::ReceiverReferenceTime(NtpTime(u64::from_be_bytes(*ntp)))
            }
            (Self::DLRR, _) if len.is_multiple_of(Dlrr::LEN) => XrBlock::Dlrr(content),
            _ => XrBlock::Other(kind),
        };
        Some((block, rest))
    }
}
