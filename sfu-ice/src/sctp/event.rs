//! What an association tells, and what flows over it.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ChannelParameters;

/// The state of an SCTP association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SctpState {
    /// DTLS is not connected yet, or the peer's address not known.
    #[default]
    New,
    /// The handshake may run.
    Connecting,
    /// Messages can flow.
    Connected,
    /// The association was lost or never came about.
    Failed,
    /// Ended by either side.
    Closed,
}

/// Text or bytes (RFC 8831 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum MessageKind {
    /// Text, in UTF-8. It is passed on as it came, without a check.
    String,
    /// Bytes.
    Binary,
}

/// One message of a data channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Message {
    /// Text or bytes.
    pub kind: MessageKind,
    /// The message. May be empty.
    pub payload: Bytes,
}

impl Message {
    /// A message of bytes.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self { kind: MessageKind::Binary, payload: payload.into() }
    }

    /// A message of text.
    ///
    /// ```
    /// let message = sfu_ice::Message::text("hello");
    /// assert_eq!(message.payload, "hello");
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: MessageKind::String, payload: Bytes::from(text.into()) }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({:?}, {} bytes)", self.kind, self.payload.len())
    }
}

/// What an [`Association`](super::Association) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SctpEvent {
    /// The state changed.
    StateChanged(SctpState),
    /// A channel can be used by both sides.
    ChannelOpened {
        /// Its stream identifier.
        stream: u16,
        /// What the side that opened it asked for.
        parameters: ChannelParameters,
        /// Whether the peer opened it.
        by_peer: bool,
    },
    /// A channel is gone. Comes for those that either side closed while the
    /// association lived; [`SctpEvent::StateChanged`] ends all the others.
    ChannelClosed {
        /// Its stream identifier.
        stream: u16,
    },
    /// A message came.
    Message {
        /// The channel's stream identifier.
        stream: u16,
        /// The message.
        message: Message,
    },
    /// The peer has ended what it sent on a stream. Comes without DTLS only,
    /// where the two directions of a stream have nothing to do with each other.
    IncomingClosed {
        /// The stream identifier.
        stream: u16,
    },
    /// What waits on a channel fell to its threshold.
    BufferedAmountLow {
        /// The channel's stream identifier.
        stream: u16,
    },
}

/// Counters of an [`Association`](super::Association).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SctpStats {
    /// SCTP packets received.
    pub packets_received: u64,
    /// SCTP packets sent.
    pub packets_sent: u64,
    /// Packets that were malformed, or dropped because the peer sent more than
    /// is held for it.
    pub packets_refused: u64,
    /// Messages received.
    pub messages_received: u64,
    /// Bytes of these messages.
    pub bytes_received: u64,
    /// Messages sent.
    pub messages_sent: u64,
    /// Bytes of these messages.
    pub bytes_sent: u64,
    /// Messages without a channel, of an unknown kind, or malformed.
    pub messages_refused: u64,
    /// Channels opened by either side.
    pub channels_opened: u64,
    /// Channels closed by either side.
    pub channels_closed: u64,
}
