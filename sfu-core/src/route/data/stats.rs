//! Figures of data producers and data consumers, with the names of the W3C's
//! WebRTC statistics.

use serde::{Deserialize, Serialize};

use crate::route::{DataConsumerId, DataProducerId, TransportId};

/// Figures of a data producer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataProducerStats {
    /// The data producer.
    pub id: DataProducerId,
    /// Its transport.
    pub transport: TransportId,
    /// Its label.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Messages that came in, those while it was paused included.
    pub messages_received: u64,
    /// Bytes of these messages.
    pub bytes_received: u64,
}

/// Figures of a data consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataConsumerStats {
    /// The data consumer.
    pub id: DataConsumerId,
    /// Its transport.
    pub transport: TransportId,
    /// What it follows.
    pub producer: DataProducerId,
    /// Its label.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Whether it is paused.
    pub paused: bool,
    /// Messages handed to the association or, on a direct transport, told.
    pub messages_sent: u64,
    /// Bytes of these messages.
    pub bytes_sent: u64,
    /// Messages that were not sent, because the receiver was too slow, takes
    /// none so long, or had not opened the channel yet.
    pub messages_dropped: u64,
    /// Bytes that wait to be sent or acknowledged.
    pub buffered_amount: u64,
}
