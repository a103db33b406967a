//! How a transport's packets are protected.

use sfu_ice::{SrtpKeys, SrtpProfile};

use crate::route::config::SrtpMaster;
use crate::wire::srtp::{Inbound, Outbound, SrtpError, SrtpKeyError};

/// Protection of one transport, in both directions.
#[derive(Debug)]
pub(crate) enum Security {
    /// No keys yet: nothing may come in or go out.
    Pending,
    /// Plain RTP, or a transport inside the process.
    Clear,
    /// SRTP.
    Srtp(Box<SrtpPair>),
}

#[derive(Debug)]
pub(crate) struct SrtpPair {
    pub(crate) profile: SrtpProfile,
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
}

/// Why a packet did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecurityError {
    NoKeys,
    Srtp(SrtpError),
}

impl Security {
    /// SRTP with the keys of a DTLS handshake.
    pub(crate) fn from_keys(keys: &SrtpKeys) -> Result<Self, SrtpKeyError> {
        Ok(Self::Srtp(Box::new(SrtpPair {
            profile: keys.profile,
            inbound: Inbound::new(keys.profile, &keys.remote_key, &keys.remote_salt)?,
            outbound: Outbound::new(keys.profile, &keys.local_key, &keys.local_salt)?,
        })))
    }

    pub(crate) fn is_ready(&self) -> bool {
        !matches!(self, Self::Pending)
    }

    pub(crate) fn profile(&self) -> Option<SrtpProfile> {
        match self {
            Self::Srtp(pair) => Some(pair.profile),
            Self::Pending | Self::Clear => None,
        }
    }

    /// SRTP with keys that were signalled.
    pub(crate) fn from_masters(
        profile: SrtpProfile,
        local: &SrtpMaster,
        remote: &SrtpMaster,
    ) -> Result<Self, SrtpKeyError> {
        Ok(Self::Srtp(Box::new(SrtpPair {
            profile,
            inbound: Inbound::new(profile, &remote.key, &remote.salt)?,
            outbound: Outbound::new(profile, &local.key, &local.salt)?,
        })))
    }

    /// Lets the peer bring more streams at once than a browser does.
    pub(crate) fn allow_many_streams(self) -> Self {
        match self {
            Self::Srtp(pair) => {
                let SrtpPair { profile, inbound, outbound } = *pair;
                let inbound = inbound.with_max_ssrcs(Outbound::MAX_SSRCS);
                Self::Srtp(Box::new(SrtpPair { profile, inbound, outbound }))
            }
            other => other,
        }
    }

    /// Room that protection may add to a packet, in bytes.
    pub(crate) const MAX_OVERHEAD: usize = Outbound::MAX_OVERHEAD;

    pub(crate) fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SecurityError> {
        match self {
            Self::Pending => Err(SecurityError::NoKeys),
            Self::Clear => Ok(packet.len()),
            Self::Srtp(pair) => pair.inbound.unprotect_rtp(packet).map_err(SecurityError::Srtp),
        }
    }

    pub(crate) fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SecurityError> {
        match self {
            Self::Pending => Err(SecurityError::NoKeys),
            Self::Clear => Ok(packet.len()),
            Self::Srtp(pair) => pair.inbound.unprotect_rtcp(packet).map_err(SecurityError::Srtp),
        }
    }

    /// Protects the first `len` bytes of `buf` in place; gives the new length,
    /// or `None` if the packet cannot go out.
    pub(crate) fn protect_rtp(&mut self, buf: &mut [u8], len: usize) -> Option<usize> {
        match self {
            Self::Pending => None,
            Self::Clear => Some(len),
            Self::Srtp(pair) => pair.outbound.protect_rtp(buf, len).ok(),
        }
    }

    /// As [`Self::protect_rtp`], for a packet that went out before.
    pub(crate) fn protect_rtp_again(&mut self, buf: &mut [u8], len: usize) -> Option<usize> {
        match self {
            Self::Pending => None,
            Self::Clear => Some(len),
            Self::Srtp(pair) => pair.outbound.protect_rtp_again(buf, len).ok(),
        }
    }

    /// As [`Self::protect_rtp`], for a compound RTCP packet.
    pub(crate) fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Option<usize> {
        match self {
            Self::Pending => None,
            Self::Clear => Some(len),
            Self::Srtp(pair) => pair.outbound.protect_rtcp(buf, len).ok(),
        }
    }
}
