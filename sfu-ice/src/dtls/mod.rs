//! DTLS-SRTP (RFC 5763, RFC 5764): who the peer is and which keys media uses.
//!
//! [`Handshake`] is the shape of a sans-IO DTLS implementation; [`Session`]
//! drives one, checks the peer's certificate against the signalled
//! fingerprints before anything else, and sorts the exported keys. The peer
//! object owns a session; nothing here sees a media byte.

mod certificate;
mod client_hello;
mod dimpl;
mod fingerprint;
mod handshake;
mod session;
mod srtp;
#[cfg(feature = "dtls-webrtc")]
mod webrtc_dtls;

pub use certificate::Certificate;
pub use fingerprint::{Fingerprint, FingerprintAlgorithm};
pub use handshake::{
    DtlsBackend, DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Handshake, HandshakeEvent,
    KeyingMaterial,
};
pub use session::{Session, SessionEvent, SessionSnapshot};
pub use srtp::{SrtpKeys, SrtpProfile};
