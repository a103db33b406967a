//! Sans-IO connectivity and key agreement for SFUs: STUN, ICE-lite, DTLS-SRTP,
//! and the data channels on top of DTLS.
//!
//! The crate answers one question: over which address, and with which keys,
//! does this server talk to that browser? [`Peer`] is the whole answer for one
//! remote; [`stun`], [`ice`], [`dtls`] and [`sctp`] are its parts and can be used alone.
//! Nothing here opens a socket, reads a clock or sees a media byte: datagrams,
//! [`Time`] and [`Random`] come in as arguments, and the caller polls for what
//! to send, when to wake and what happened.
//!
//! ```text
//!             classify ──▶ Stun ──▶ Peer::handle_stun ─┐
//! datagram ──▶           ──▶ Dtls ──▶ Peer::handle_dtls ─┼─▶ poll_transmit, poll_event, poll_timeout
//!                      ──▶ Rtp, Rtcp: sfu-core          ┘      (SrtpKeys, TupleSelected, …)
//! ```
//!
//! # Features
//! | feature | meaning |
//! |---|---|
//! | `crypto-aws-lc-rs` (default) | HMAC, certificates and DTLS on aws-lc-rs |
//! | `crypto-rust` | the same in pure Rust, used when the former is off |
//! | `dtls-webrtc` | a second DTLS implementation, [`dtls::DtlsBackend::WebrtcDtls`] |
#![forbid(unsafe_code)]

mod addr;
mod crypto;
pub mod demux;
pub mod dtls;
mod error;
pub mod ice;
mod peer;
mod random;
pub mod sctp;
pub mod stun;
mod time;

pub use addr::{Protocol, Tuple, canonical};
pub use demux::{PacketClass, classify};
pub use dtls::{
    Certificate, DtlsBackend, DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Fingerprint,
    FingerprintAlgorithm, SrtpKeys, SrtpProfile,
};
pub use error::{DtlsError, PeerError, SctpError, StunError};
pub use ice::{Candidate, CandidateKind, ConsentConfig, IceCredentials, IceState, TcpType};
pub use peer::{Peer, PeerConfig, PeerEvent, PeerSnapshot, PeerStats};
pub use random::Random;
pub use sctp::{
    ChannelParameters, Message, MessageKind, Reliability, SctpConfig, SctpEvent, SctpState,
    SctpStats,
};
pub use time::Time;
