//! STUN (RFC 8489) as far as ICE needs it: Binding requests and responses.
//!
//! Owns the wire format, nothing else: [`Message`] is a checked view of a
//! datagram, [`Builder`] writes into a caller's buffer, and the integrity
//! functions compare in constant time. The ICE agent calls these; nothing
//! here keeps state or allocates.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod build;
mod integrity;
mod message;

pub use build::{BuildError, Builder, MAX_MESSAGE};
pub use message::{Attribute, Attributes, Class, ErrorCode, Message, TransactionId, username};

#[cfg(test)]
mod tests;
