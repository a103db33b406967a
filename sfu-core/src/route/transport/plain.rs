//! RTP or SRTP over UDP without ICE: mediasoup's PlainTransport. SCTP may go
//! beside it, which is never protected.

use serde::{Deserialize, Serialize};
use sfu_ice::{Protocol, SctpConfig, Tuple};

use crate::route::config::{PlainConfig, PlainRemote};

/// Addresses of a plain transport.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plain {
    pub(crate) config: PlainConfig,
    /// `connect` was called, or the peer's address was learnt.
    pub(crate) connected: bool,
    pub(crate) rtp: Option<Tuple>,
    pub(crate) rtcp: Option<Tuple>,
    /// Addresses that were learnt and are still to be told.
    #[serde(skip)]
    pub(crate) learnt: Learnt,
    /// The key that the peer was told to expect from us.
    pub(crate) local: Option<crate::route::config::SrtpMaster>,
    /// How SCTP is spoken, if it is.
    pub(crate) sctp: Option<SctpConfig>,
}

/// Whether SCTP from this port would look like RTP or RTCP, whose first two bits
/// are a version of 2 (RFC 7983).
pub(crate) fn carries_media(port: u16) -> bool {
    port >> 14 == 2
}

/// Of which of its addresses a transport has learnt news.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Learnt {
    pub(crate) rtp: bool,
    pub(crate) rtcp: bool,
}

impl Plain {
    pub(crate) fn new(
        config: PlainConfig,
        local: Option<crate::route::config::SrtpMaster>,
    ) -> Self {
        let (rtp, rtcp, learnt) = (None, None, Learnt::default());
        Self { config, connected: false, rtp, rtcp, learnt, local, sctp: None }
    }

    pub(crate) fn connect(&mut self, remote: &PlainRemote) {
        self.connected = true;
        let tuple = |local, remote| Tuple::new(Protocol::Udp, local, remote);
        if let Some(address) = remote.address {
            self.rtp = Some(tuple(self.config.local, address));
        }
        if let (Some(local), Some(address)) = (self.config.local_rtcp, remote.rtcp_address) {
            self.rtcp = Some(tuple(local, address));
        }
    }

    /// Whether packets of this path may come in: from the peer's address, or
    /// from anywhere while that is to be learnt.
    pub(crate) fn admits(&self, tuple: &Tuple, rtcp: bool) -> bool {
        let (local, known) = match self.config.local_rtcp {
            Some(local) if rtcp => (local, self.rtcp),
            _ => (self.config.local, self.rtp),
        };
        // The address may be a wildcard; the port is this transport's own.
        if tuple.local.port() != local.port() {
            return false;
        }
        match known {
            Some(known) => known.remote == tuple.remote,
            None => self.config.comedia,
        }
    }

    /// Learns the peer's address from an authenticated RTP packet, or from one of
    /// SCTP; whether it was news.
    pub(crate) fn learn_rtp(&mut self, tuple: Tuple) -> bool {
        if self.rtp.is_some() || !self.config.comedia {
            return false;
        }
        self.rtp = Some(tuple);
        self.connected = true;
        self.learnt.rtp = true;
        true
    }

    /// Learns where RTCP goes from an authenticated RTCP packet; whether RTP
    /// can flow since.
    pub(crate) fn learn_rtcp(&mut self, tuple: Tuple) -> bool {
        if self.config.comedia && self.config.local_rtcp.is_some() {
            if self.rtcp.is_none() {
                self.rtcp = Some(tuple);
                self.learnt.rtcp = true;
            }
            return false;
        }
        self.learn_rtp(tuple)
    }
}
