//! Sealing what we send.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::header::{RTCP_CLEAR, RtpHeader, rtcp_ssrc};
#[cfg(test)]
use super::index::Place;
use super::index::{RTP_INDICES, StreamTable};
use super::suite::Suite;
use super::{MasterKey, SrtpError, SrtpKeyError, SrtpKeys, SrtpProfile};
#[cfg(test)]
use crate::wire::Ssrc;

/// The sending context of one transport, for all its SSRCs.
///
/// The rollover counter of each SSRC follows from the sequence numbers that
/// pass: a packet a little behind the highest one, sent late around a wrap, is
/// sealed under the counter of its own cycle. Let sequence numbers begin below
/// 2^15: a receiver that loses the packets before a wrap right at the start
/// cannot know that it happened (RFC 3711 §3.3.1).
///
/// Each index of an SSRC is sealed once. Sealing two different packets under
/// one index gives away plaintext, and with GCM the authentication key
/// (RFC 7714 §8.4 and §10): retransmit through RTX (RFC 4588), or use
/// [`protect_rtp_again`](Self::protect_rtp_again) for a packet that is the same
/// to the last bit.
///
/// SRTCP packets of all SSRCs take their index from one counter. To a receiver
/// the numbers in between look like loss; the bound on packets per key is exact,
/// and there is no state per SSRC.
///
/// See [`Inbound`](super::Inbound) for an example.
pub struct Outbound {
    master: MasterKey,
    suite: Suite,
    rtp: StreamTable,
    /// RTP packets sealed so far, of all SSRCs.
    sealed: u64,
    /// The next SRTCP index.
    rtcp_index: u32,
}

/// Everything an [`Outbound`] knows, keys included: plain data for a snapshot.
/// Guard it like the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboundSnapshot {
    master: MasterKey,
    rtp: StreamTable,
    sealed: u64,
    rtcp_index: u32,
}

impl Outbound {
    /// The most bytes that protection adds to a packet, under any profile.
    pub const MAX_OVERHEAD: usize = Suite::MAX_OVERHEAD;

    /// SRTCP packets that one key may protect (RFC 3711 §9.2).
    pub const RTCP_PACKETS: u32 = 1 << 31;

    /// SSRCs that may be live at once. They are ours to choose, so this is a
    /// bound on memory, not a defence; beyond it the rules of
    /// [`Inbound`](super::Inbound) apply.
    pub const MAX_SSRCS: usize = 1024;

    /// A context that seals packets with this master key.
    ///
    /// # Errors
    /// [`SrtpKeyError`] when key or salt do not have the profile's length.
    pub fn new(
        profile: SrtpProfile,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, SrtpKeyError> {
        let master = MasterKey::new(profile, master_key, master_salt)?;
        let suite = Suite::new(&master)?;
        Ok(Self { master, suite, rtp: StreamTable::default(), sealed: 0, rtcp_index: 0 })
    }

    /// The context for what this side sends, from the keys of a DTLS handshake.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn from_keys(keys: &SrtpKeys) -> Result<Self, SrtpKeyError> {
        Self::new(keys.profile, &keys.local_key, &keys.local_salt)
    }

    /// Encrypts and signs the RTP packet in the first `len` bytes of `packet`,
    /// in place, and returns the length of the SRTP packet. The buffer must
    /// have room for [`rtp_overhead`](Self::rtp_overhead) bytes behind it.
    ///
    /// # Errors
    /// [`SrtpError`]: [`Replayed`](SrtpError::Replayed) or
    /// [`TooOld`](SrtpError::TooOld) when the index of this sequence number was
    /// sealed before or may have been, [`NoRoom`](SrtpError::NoRoom),
    /// [`Malformed`](SrtpError::Malformed) and [`TooShort`](SrtpError::TooShort)
    /// for what is not an RTP packet, [`SsrcLimit`](SrtpError::SsrcLimit),
    /// [`KeyExhausted`](SrtpError::KeyExhausted). The packet was not sealed
    /// then and must not be sent.
    pub fn protect_rtp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        self.seal_rtp(packet, len, Repeat::Refused)
    }

    /// Like [`protect_rtp`](Self::protect_rtp) for a packet that may have been
    /// sealed before: a retransmission to a peer without RTX.
    ///
    /// The caller vouches that **every byte**, header extensions included, is
    /// what was sealed under this sequence number the first time. A
    /// retransmission that carries a new transport-wide sequence number or send
    /// time is not the same packet.
    ///
    /// # Errors
    /// As for [`protect_rtp`](Self::protect_rtp), without
    /// [`Replayed`](SrtpError::Replayed).
    pub fn protect_rtp_again(&mut self, packet: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        self.seal_rtp(packet, len, Repeat::Identical)
    }

    /// Encrypts and signs the RTCP compound packet in the first `len` bytes of
    /// `packet`, in place, and returns the length of the SRTCP packet. The
    /// buffer must have room for [`rtcp_overhead`](Self::rtcp_overhead) bytes
    /// behind it.
    ///
    /// # Errors
    /// [`SrtpError::NoRoom`], [`SrtpError::TooShort`],
    /// [`SrtpError::Malformed`] and [`SrtpError::KeyExhausted`].
    pub fn protect_rtcp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let body = self.body(packet, len, self.suite.rtcp_overhead())?;
        if body.len() < RTCP_CLEAR {
            return Err(SrtpError::TooShort);
        }
        let ssrc = rtcp_ssrc(body)?;
        let index = self.rtcp_index;
        if index >= Self::RTCP_PACKETS {
            return Err(SrtpError::KeyExhausted);
        }
        let len = self.suite.seal_rtcp(ssrc, index, packet, len)?;
        self.rtcp_index = index + 1;
        Ok(len)
    }

    /// Bytes that this profile adds to an RTP packet.
    pub fn rtp_overhead(&self) -> usize {
        self.suite.rtp_overhead()
    }

    /// Bytes that this profile adds to an RTCP packet.
    pub fn rtcp_overhead(&self) -> usize {
        self.suite.rtcp_overhead()
    }

    /// The profile in use.
    pub fn profile(&self) -> SrtpProfile {
        self.master.profile()
    }

    /// The whole state as plain data.
    pub fn snapshot(&self) -> OutboundSnapshot {
        OutboundSnapshot {
            master: self.master.clone(),
            rtp: self.rtp.clone(),
            sealed: self.sealed,
            rtcp_index: self.rtcp_index,
        }
    }

    /// The context that `snapshot` was taken of.
    ///
    /// Only one context may go on from a snapshot, and only if the original
    /// sealed nothing after it: two that do would seal different packets under
    /// the same index.
    ///
    /// # Errors
    /// [`SrtpKeyError`] when the data cannot have come from
    /// [`snapshot`](Self::snapshot).
    pub fn restore(snapshot: OutboundSnapshot) -> Result<Self, SrtpKeyError> {
        let OutboundSnapshot { master, rtp, sealed, rtcp_index } = snapshot;
        rtp.verify(Self::MAX_SSRCS, RTP_INDICES)?;
        let suite = Suite::new(&master)?;
        Ok(Self { master, suite, rtp, sealed, rtcp_index })
    }

    fn seal_rtp(
        &mut self,
        packet: &mut [u8],
        len: usize,
        repeat: Repeat,
    ) -> Result<usize, SrtpError> {
        let header = RtpHeader::read(self.body(packet, len, self.suite.rtp_overhead())?)?;
        let place = self.rtp.find(header.ssrc, Self::MAX_SSRCS)?;
        let index = self.rtp.estimate(place, header.seq);
        if index >= RTP_INDICES || self.sealed >= RTP_INDICES {
            return Err(SrtpError::KeyExhausted);
        }
        match (self.rtp.check(place, index), repeat) {
            (Ok(()), _) => {}
            (Err(SrtpError::Replayed), Repeat::Identical) => {}
            (Err(error), _) => return Err(error),
        }
        let len = self.suite.seal_rtp(header, index, packet, len)?;
        self.rtp.commit(place, header.ssrc, index, Self::MAX_SSRCS);
        self.sealed += 1;
        Ok(len)
    }

    /// The first `len` bytes of `packet`, if `overhead` bytes fit behind them.
    fn body<'p>(
        &self,
        packet: &'p [u8],
        len: usize,
        overhead: usize,
    ) -> Result<&'p [u8], SrtpError> {
        let (body, room) = packet.split_at_checked(len).ok_or(SrtpError::NoRoom)?;
        if room.len() < overhead { Err(SrtpError::NoRoom) } else { Ok(body) }
    }
}

#[cfg(test)]
impl Outbound {
    pub(super) fn skip_rtcp_to(&mut self, index: u32) {
        self.rtcp_index = index;
    }

    pub(super) fn place_rtp_at(&mut self, ssrc: Ssrc, index: u64) {
        self.rtp.commit(Place::New, ssrc, index, Self::MAX_SSRCS);
    }
}

/// What to do with an index that was sealed before.
#[derive(Clone, Copy)]
enum Repeat {
    Refused,
    Identical,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("master", &self.master)
            .field("rtp_ssrcs", &self.rtp.len())
            .field("sealed", &self.sealed)
            .finish_non_exhaustive()
    }
}
