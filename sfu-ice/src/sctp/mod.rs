//! Data channels: SCTP over DTLS (RFC 8261, RFC 8831) and the protocol that
//! opens channels in it (RFC 8832); and SCTP as it is, without them.
//!
//! [`Association`] is the state machine for one peer: packets, calls and time
//! go in, and the caller polls for packets and events. The peer object owns one
//! when data channels were negotiated, and protects its packets by DTLS.
//! Nothing here knows addresses, and what one peer can make it hold is bounded.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod association;
mod channel;
mod clock;
mod config;
mod dcep;
mod event;
mod handshake;
mod packet;
mod screen;

pub use association::Association;
pub use config::SctpConfig;
pub use dcep::{ChannelParameters, Dcep, DcepError, MAX_LABEL, Reliability};
pub use event::{Message, MessageKind, SctpEvent, SctpState, SctpStats};
