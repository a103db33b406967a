//! Opening what a peer sealed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::header::{RTCP_CLEAR, RtpHeader, rtcp_ssrc};
#[cfg(test)]
use super::index::Place;
use super::index::{RTP_INDICES, StreamTable};
use super::suite::Suite;
use super::{MasterKey, Outbound, SrtpError, SrtpKeyError, SrtpKeys, SrtpProfile};
#[cfg(test)]
use crate::wire::Ssrc;

/// Indices of SRTCP are 31 bits (RFC 3711 §3.4).
const RTCP_INDICES: u64 = 1 << 31;

/// The receiving context of one transport, for all its SSRCs.
///
/// A packet is checked against the replay window, opened in place, and only
/// when its tag is right do the window, the rollover counter and, for a new
/// SSRC, an entry in the table come into being. A forged packet leaves no
/// trace.
///
/// At most [`MAX_SSRCS`](Self::MAX_SSRCS) SSRCs have an entry, or as many as
/// [`with_max_ssrcs`](Self::with_max_ssrcs) says. When a new one
/// authenticates beyond that, the SSRC that has been silent longest gives up
/// its entry, provided that 1024 packets of others have passed since; its
/// highest index is remembered (for the last 256 such SSRCs), so that it goes
/// on where it was and its old packets stay refused. If every SSRC is live the
/// packet gets [`SrtpError::SsrcLimit`].
///
/// The rollover counter of an SSRC that was never heard is taken to be zero
/// (RFC 3711 §3.3.1), which holds for DTLS-SRTP, where keys and streams begin
/// together.
///
/// ```
/// use sfu_core::wire::srtp::{Inbound, Outbound, SrtpProfile};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (key, salt) = ([7; 16], [9; 12]);
/// let mut sender = Outbound::new(SrtpProfile::AeadAes128Gcm, &key, &salt)?;
/// let mut receiver = Inbound::new(SrtpProfile::AeadAes128Gcm, &key, &salt)?;
///
/// let rtp = *b"\x80\x60\x00\x01\x00\x00\x00\x00\xca\xfe\xba\xbehello";
/// let mut packet = [0; 17 + Outbound::MAX_OVERHEAD];
/// packet[..rtp.len()].copy_from_slice(&rtp);
/// let sealed = sender.protect_rtp(&mut packet, rtp.len())?;
/// let opened = receiver.unprotect_rtp(&mut packet[..sealed])?;
/// assert_eq!(packet[..opened], rtp);
/// # Ok(())
/// # }
/// ```
pub struct Inbound {
    master: MasterKey,
    suite: Suite,
    rtp: StreamTable,
    rtcp: StreamTable,
    max_ssrcs: usize,
}

/// Everything an [`Inbound`] knows, keys included: plain data for a snapshot.
/// Guard it like the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundSnapshot {
    master: MasterKey,
    rtp: StreamTable,
    rtcp: StreamTable,
    max_ssrcs: usize,
}

impl Inbound {
    /// SSRCs that may be live at once, for RTP and for RTCP separately.
    pub const MAX_SSRCS: usize = 64;

    /// A context for packets that the peer seals with this master key.
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
        let (rtp, rtcp) = (StreamTable::default(), StreamTable::default());
        Ok(Self { master, suite, rtp, rtcp, max_ssrcs: Self::MAX_SSRCS })
    }

    /// Lets so many SSRCs be live at once, 1 to 1,024: for a peer that brings
    /// the streams of many, such as another SFU.
    #[must_use]
    pub fn with_max_ssrcs(mut self, max_ssrcs: usize) -> Self {
        self.max_ssrcs = max_ssrcs.clamp(1, Outbound::MAX_SSRCS);
        self
    }

    /// The context for what the peer sends, from the keys of a DTLS handshake.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn from_keys(keys: &SrtpKeys) -> Result<Self, SrtpKeyError> {
        Self::new(keys.profile, &keys.remote_key, &keys.remote_salt)
    }

    /// Verifies and decrypts the SRTP packet that fills `packet`, in place, and
    /// returns the length of the RTP packet at its front.
    ///
    /// # Errors
    /// [`SrtpError`]; the state is then as before and the bytes of the packet
    /// are unspecified.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let body = packet.len().checked_sub(self.suite.rtp_overhead());
        let body = body.and_then(|len| packet.get(..len)).ok_or(SrtpError::TooShort)?;
        let header = RtpHeader::read(body)?;
        let place = self.rtp.find(header.ssrc, self.max_ssrcs)?;
        let index = self.rtp.estimate(place, header.seq);
        if index >= RTP_INDICES {
            return Err(SrtpError::KeyExhausted);
        }
        self.rtp.check(place, index)?;
        let len = self.suite.open_rtp(header, index, packet)?;
        self.rtp.commit(place, header.ssrc, index, self.max_ssrcs);
        Ok(len)
    }

    /// Verifies and decrypts the SRTCP packet that fills `packet`, in place,
    /// and returns the length of the RTCP compound packet at its front.
    ///
    /// A packet whose E flag says that it is not encrypted is authenticated
    /// like every other one.
    ///
    /// # Errors
    /// [`SrtpError`]; the state is then as before and the bytes of the packet
    /// are unspecified.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        if packet.len() < RTCP_CLEAR + self.suite.rtcp_overhead() {
            return Err(SrtpError::TooShort);
        }
        let ssrc = rtcp_ssrc(packet)?;
        let index = u64::from(self.suite.rtcp_index(packet)?);
        let place = self.rtcp.find(ssrc, self.max_ssrcs)?;
        self.rtcp.check(place, index)?;
        let len = self.suite.open_rtcp(ssrc, packet)?;
        self.rtcp.commit(place, ssrc, index, self.max_ssrcs);
        Ok(len)
    }

    /// The profile in use.
    pub fn profile(&self) -> SrtpProfile {
        self.master.profile()
    }

    /// How many SSRCs have authenticated an RTP packet and still have an entry.
    pub fn ssrc_count(&self) -> usize {
        self.rtp.len()
    }

    /// The whole state as plain data.
    pub fn snapshot(&self) -> InboundSnapshot {
        InboundSnapshot {
            master: self.master.clone(),
            rtp: self.rtp.clone(),
            rtcp: self.rtcp.clone(),
            max_ssrcs: self.max_ssrcs,
        }
    }

    /// The context that `snapshot` was taken of.
    ///
    /// # Errors
    /// [`SrtpKeyError`] when the data cannot have come from
    /// [`snapshot`](Self::snapshot).
    pub fn restore(snapshot: InboundSnapshot) -> Result<Self, SrtpKeyError> {
        let InboundSnapshot { master, rtp, rtcp, max_ssrcs } = snapshot;
        let max_ssrcs = max_ssrcs.clamp(1, Outbound::MAX_SSRCS);
        rtp.verify(max_ssrcs, RTP_INDICES)?;
        rtcp.verify(max_ssrcs, RTCP_INDICES)?;
        let suite = Suite::new(&master)?;
        Ok(Self { master, suite, rtp, rtcp, max_ssrcs })
    }
}

#[cfg(test)]
impl Inbound {
    pub(super) fn place_rtp_at(&mut self, ssrc: Ssrc, index: u64) {
        self.rtp.commit(Place::New, ssrc, index, self.max_ssrcs);
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("master", &self.master)
            .field("rtp_ssrcs", &self.rtp.len())
            .field("rtcp_ssrcs", &self.rtcp.len())
            .finish_non_exhaustive()
    }
}
