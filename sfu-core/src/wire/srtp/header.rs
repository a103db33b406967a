//! The few header fields that protection needs.
//!
//! The whole header is parsed by `wire::rtp` after the tag has verified; here
//! only its length, the sequence number and the SSRC are read.

use super::SrtpError;
use crate::wire::{SeqNo, Ssrc};

/// Fixed part of an RTP header in bytes (RFC 3550 §5.1).
const RTP_FIXED: usize = 12;
/// Part of an SRTCP packet that is never encrypted, in bytes (RFC 3711 §3.4).
pub(super) const RTCP_CLEAR: usize = 8;

/// What the head of an RTP packet says.
#[derive(Clone, Copy, Debug)]
pub(super) struct RtpHeader {
    pub(super) seq: SeqNo,
    pub(super) ssrc: Ssrc,
    /// Bytes before the payload: fixed header, CSRCs, header extension.
    pub(super) len: usize,
}

impl RtpHeader {
    /// Reads the header of `packet`, which must not include the tag: a header
    /// that reaches into the tag is malformed.
    pub(super) fn read(packet: &[u8]) -> Result<Self, SrtpError> {
        let (fixed, rest) = packet.split_first_chunk::<RTP_FIXED>().ok_or(SrtpError::TooShort)?;
        let [flags, _, s0, s1, _, _, _, _, c0, c1, c2, c3] = *fixed;
        if flags >> 6 != 2 {
            return Err(SrtpError::Malformed);
        }
        let csrcs = usize::from(flags & 0x0f) * 4;
        let rest = rest.get(csrcs..).ok_or(SrtpError::Malformed)?;
        let mut len = RTP_FIXED + csrcs;
        if flags & 0x10 != 0 {
            let ([_, _, w0, w1], rest) =
                rest.split_first_chunk::<4>().ok_or(SrtpError::Malformed)?;
            let words = usize::from(u16::from_be_bytes([*w0, *w1]));
            if rest.len() < words * 4 {
                return Err(SrtpError::Malformed);
            }
            len += 4 + words * 4;
        }
        Ok(Self {
            seq: SeqNo(u16::from_be_bytes([s0, s1])),
            ssrc: Ssrc(u32::from_be_bytes([c0, c1, c2, c3])),
            len,
        })
    }
}

/// The sender's SSRC of an RTCP packet: bytes 4 to 8.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Result<Ssrc, SrtpError> {
    let ([flags, _, _, _, c0, c1, c2, c3], _) =
        packet.split_first_chunk::<RTCP_CLEAR>().ok_or(SrtpError::TooShort)?;
    if flags >> 6 != 2 {
        return Err(SrtpError::Malformed);
    }
    Ok(Ssrc(u32::from_be_bytes([*c0, *c1, *c2, *c3])))
}
