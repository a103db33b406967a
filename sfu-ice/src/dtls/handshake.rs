//! The shape of a sans-IO DTLS implementation and what it is configured with.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dimpl::DimplHandshake;
#[cfg(feature = "dtls-webrtc")]
use super::webrtc_dtls::WebrtcHandshake;
use super::{Certificate, SrtpProfile};
use crate::{DtlsError, PeerError, Time};

/// Who begins the handshake (RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DtlsRole {
    /// Not decided: `a=setup:actpass`.
    #[default]
    Auto,
    /// Sends the ClientHello: `a=setup:active`.
    Client,
    /// Waits for it: `a=setup:passive`.
    Server,
}

/// The state of a DTLS association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DtlsState {
    /// The remote fingerprint is not known yet.
    #[default]
    New,
    /// The handshake may run.
    Connecting,
    /// The peer is authenticated and the keys are exported.
    Connected,
    /// The handshake failed; no key was or will be exported.
    Failed,
    /// Closed by either side.
    Closed,
}

/// Which versions to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DtlsVersion {
    /// DTLS 1.2 only (RFC 6347), which every WebRTC peer speaks.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// DTLS 1.3 only (RFC 9147). As a server the order of SRTP profiles is
    /// then the client's.
    #[serde(rename = "1.3")]
    V1_3,
    /// As a server, DTLS 1.3 with peers that offer it, unless they would then
    /// get a worse SRTP profile: DTLS 1.2 with peers that offer AES-GCM but
    /// put AES-CM first, and with those whose ClientHello comes in fragments,
    /// which cannot be looked into. As a client, both are offered.
    #[serde(rename = "auto")]
    Auto,
}

/// Which DTLS implementation to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DtlsBackend {
    /// The sans-IO implementation `dimpl`.
    #[default]
    Dimpl,
    /// The crate `dtls` of webrtc-rs on a thread of its own. DTLS 1.2 only;
    /// needs the feature `dtls-webrtc`. Its timers run on the system clock,
    /// so a run with it cannot be repeated bit for bit.
    WebrtcDtls,
}

/// How DTLS is spoken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DtlsConfig {
    /// Our certificate.
    pub certificate: Certificate,
    /// Which implementation to use.
    pub backend: DtlsBackend,
    /// Versions to speak.
    pub version: DtlsVersion,
    /// SRTP profiles to accept, most preferred first. A peer that offers none
    /// of them connects for application data only.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// Longest datagram to send, in bytes of UDP payload. 1200.
    pub mtu: usize,
    /// First retransmission of an unanswered flight; it doubles each time. 150 ms.
    pub retransmit_after: Duration,
    /// The whole handshake may take this long. 30 s.
    pub timeout: Duration,
}

impl DtlsConfig {
    /// The defaults around a certificate.
    pub fn new(certificate: Certificate) -> Self {
        Self {
            certificate,
            backend: DtlsBackend::default(),
            version: DtlsVersion::default(),
            srtp_profiles: SrtpProfile::ALL.to_vec(),
            mtu: 1200,
            retransmit_after: Duration::from_millis(150),
            timeout: Duration::from_secs(30),
        }
    }

    /// Begins a handshake; as client if `client`. `seed` feeds the public
    /// randomness and the jitter of timers.
    pub(super) fn begin(
        &self,
        client: bool,
        seed: u64,
        now: Time,
    ) -> Result<Box<dyn Handshake>, PeerError> {
        match self.backend {
            DtlsBackend::Dimpl => Ok(Box::new(DimplHandshake::new(self, client, seed, now)?)),
            #[cfg(feature = "dtls-webrtc")]
            DtlsBackend::WebrtcDtls => Ok(Box::new(WebrtcHandshake::new(self, client, now)?)),
            #[cfg(not(feature = "dtls-webrtc"))]
            DtlsBackend::WebrtcDtls => Err(PeerError::BackendUnavailable),
        }
    }
}

/// A DTLS association as a state machine without sockets or clock.
///
/// After each `handle_*`, [`send`](Self::send) or [`close`](Self::close) the
/// caller polls until nothing is left.
pub trait Handshake: fmt::Debug + Send {
    /// Handles one datagram of the peer.
    fn handle_packet(&mut self, now: Time, datagram: &[u8]);
    /// Lets time pass. The first call of a client sends the ClientHello.
    fn handle_timeout(&mut self, now: Time);
    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    fn poll_timeout(&self) -> Option<Time>;
    /// Replaces `out` by the next datagram to send, if there is one.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;
    /// The next event, oldest first.
    fn poll_event(&mut self) -> Option<HandshakeEvent>;
    /// The version that is spoken, once it is decided. Never `Auto`.
    fn version(&self) -> Option<DtlsVersion>;
    /// Sends application data.
    ///
    /// # Errors
    /// [`DtlsError::NotConnected`] or [`DtlsError::Closed`].
    fn send(&mut self, now: Time, data: &[u8]) -> Result<(), DtlsError>;
    /// Sends close_notify, if connected, and ends the association.
    fn close(&mut self, now: Time);
}

/// What a [`Handshake`] tells.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeEvent {
    /// The peer's certificate in DER form. It comes before `Connected`; the
    /// caller must check it.
    PeerCertificate(Vec<u8>),
    /// Exported keys. They count only once `Connected` has come too.
    Keys(KeyingMaterial),
    /// The handshake is complete and the peer has proved to own its
    /// certificate.
    Connected,
    /// Decrypted application data.
    ApplicationData(Vec<u8>),
    /// The peer sent close_notify.
    Closed,
    /// The association is over.
    Failed(DtlsError),
}

impl fmt::Debug for HandshakeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerCertificate(der) => write!(f, "PeerCertificate({} bytes)", der.len()),
            Self::Keys(keys) => write!(f, "Keys({:?})", keys.profile),
            Self::Connected => f.write_str("Connected"),
            Self::ApplicationData(data) => write!(f, "ApplicationData({} bytes)", data.len()),
            Self::Closed => f.write_str("Closed"),
            Self::Failed(error) => write!(f, "Failed({error:?})"),
        }
    }
}

/// The output of the exporter of RFC 5764 §4.2.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct KeyingMaterial {
    /// The negotiated profile.
    pub profile: SrtpProfile,
    /// Client key, server key, client salt, server salt.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for KeyingMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyingMaterial").field("profile", &self.profile).finish_non_exhaustive()
    }
}
