//! SRTP and SRTCP (RFC 3711, RFC 6188 derivation, RFC 7714) in place.
//!
//! One [`Inbound`] and one [`Outbound`] context belong to each transport. They
//! own the session keys, the rollover counters and the replay windows of every
//! SSRC, and work inside the caller's buffer: no allocation once an SSRC is
//! known. The router calls them for each datagram; they never see a socket, a
//! clock, or anything behind the RTP header. No state exists for an SSRC before
//! a tag under the transport's key has verified.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod cm;
mod error;
mod gcm;
mod header;
#[cfg(test)]
mod hex;
mod inbound;
mod index;
mod kdf;
mod keys;
mod outbound;
mod provider;
mod replay;
mod suite;
#[cfg(test)]
mod tests;

pub use error::{SrtpError, SrtpKeyError};
pub use inbound::{Inbound, InboundSnapshot};
use keys::MasterKey;
pub use outbound::{Outbound, OutboundSnapshot};
pub use replay::WINDOW_PACKETS;
pub use sfu_ice::{SrtpKeys, SrtpProfile};
