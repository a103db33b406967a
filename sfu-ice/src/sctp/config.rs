//! How an association is spoken.

use serde::{Deserialize, Serialize};

/// Settings of an [`Association`](super::Association).
///
/// ```
/// use sfu_ice::SctpConfig;
/// let mut config = SctpConfig::default();
/// // What the peer's `a=max-message-size` says; 0 is no limit.
/// config.remote_max_message_size = 262_144;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SctpConfig {
    /// Our SCTP port. 5000.
    pub port: u16,
    /// The peer's SCTP port. 5000.
    pub remote_port: u16,
    /// Stream identifiers that may be used are 0 up to this number. 1024.
    pub max_streams: u16,
    /// Longest message that is received, in bytes. 262,144.
    pub max_message_size: u32,
    /// Longest message that the peer receives, in bytes; 0 is no limit. 65,536
    /// unless the peer says otherwise (RFC 8841 §6.1).
    pub remote_max_message_size: u32,
    /// Bytes of messages that may wait to be sent or acknowledged, all
    /// channels together, with 128 bytes more for each message. 1 MiB.
    pub send_buffer: u32,
    /// Bytes of incomplete or out-of-order messages that are held. 512 KiB, and
    /// always at least twice [`max_message_size`](Self::max_message_size).
    pub receive_buffer: u32,
    /// Begin the association, instead of waiting for the peer to do so.
    /// Browsers begin, whatever their role; so this is off for a server.
    pub active: bool,
}

impl Default for SctpConfig {
    fn default() -> Self {
        Self {
            port: 5000,
            remote_port: 5000,
            max_streams: 1024,
            max_message_size: 262_144,
            remote_max_message_size: 65_536,
            send_buffer: 1 << 20,
            receive_buffer: 512 << 10,
            active: false,
        }
    }
}
