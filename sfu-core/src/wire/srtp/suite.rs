//! The transform of one direction, by profile.

use super::cm::{CM_TAG, Cm};
use super::gcm::Gcm;
use super::header::RtpHeader;
use super::{MasterKey, SrtpError, SrtpKeyError, SrtpProfile};
use crate::wire::Ssrc;

/// The flag "this SRTCP packet is encrypted" in the index word (RFC 3711 §3.4).
pub(super) const E_BIT: u32 = 1 << 31;
/// Length of the E flag and SRTCP index in bytes.
pub(super) const RTCP_WORD: usize = 4;

/// Session keys, by transform.
pub(super) enum Suite {
    /// RFC 7714.
    Gcm(Box<Gcm>),
    /// RFC 3711.
    Cm(Box<Cm>),
}

impl Suite {
    /// The most bytes that any transform adds to a packet.
    pub(super) const MAX_OVERHEAD: usize = Gcm::RTCP_OVERHEAD;

    pub(super) fn new(master: &MasterKey) -> Result<Self, SrtpKeyError> {
        master.check()?;
        match master.profile() {
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                Gcm::new(master).map(|gcm| Self::Gcm(Box::new(gcm)))
            }
            SrtpProfile::AesCm128HmacSha1_80 => Cm::new(master).map(|cm| Self::Cm(Box::new(cm))),
            other => Err(SrtpKeyError::Profile(other)),
        }
    }

    pub(super) fn rtp_overhead(&self) -> usize {
        match self {
            Self::Gcm(_) => Gcm::RTP_OVERHEAD,
            Self::Cm(_) => Cm::RTP_OVERHEAD,
        }
    }

    pub(super) fn rtcp_overhead(&self) -> usize {
        match self {
            Self::Gcm(_) => Gcm::RTCP_OVERHEAD,
            Self::Cm(_) => Cm::RTCP_OVERHEAD,
        }
    }

    /// Bytes between the end of the packet and the end of the index word.
    fn behind_rtcp_word(&self) -> usize {
        match self {
            Self::Gcm(_) => 0,
            Self::Cm(_) => CM_TAG,
        }
    }

    /// The SRTCP index of a protected packet.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Result<u32, SrtpError> {
        let end = packet.len().checked_sub(self.behind_rtcp_word()).ok_or(SrtpError::TooShort)?;
        let word = packet.get(..end).and_then(|p| p.last_chunk()).ok_or(SrtpError::TooShort)?;
        Ok(u32::from_be_bytes(*word) & !E_BIT)
    }

    pub(super) fn seal_rtp(
        &self,
        header: RtpHeader,
        index: u64,
        packet: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp(header, index, packet, len),
            Self::Cm(cm) => cm.seal_rtp(header, index, packet, len),
        }
    }

    pub(super) fn open_rtp(
        &self,
        header: RtpHeader,
        index: u64,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(header, index, packet),
            Self::Cm(cm) => cm.open_rtp(header, index, packet),
        }
    }

    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        packet: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtcp(ssrc, index, packet, len),
            Self::Cm(cm) => cm.seal_rtcp(ssrc, index, packet, len),
        }
    }

    pub(super) fn open_rtcp(&self, ssrc: Ssrc, packet: &mut [u8]) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(ssrc, packet),
            Self::Cm(cm) => cm.open_rtcp(ssrc, packet),
        }
    }
}
