//! What a data producer and a data consumer are made of, in the engine's own
//! terms.

use serde::{Deserialize, Serialize};
use sfu_ice::{ChannelParameters, Reliability};

use crate::route::DataProducerId;

/// A data producer to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct DataProducerConfig {
    /// Stream of the peer's channel, which both sides know by signalling. None
    /// on a direct transport alone. Channels that a peer opens by DATA_CHANNEL_OPEN
    /// become data producers without being asked for.
    pub stream: Option<u16>,
    /// Label, protocol, order and reliability. Data consumers take them over.
    pub parameters: ChannelParameters,
    /// Whether it starts paused.
    pub paused: bool,
}

/// A data consumer to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct DataConsumerConfig {
    /// What it follows.
    pub producer: DataProducerId,
    /// Whether messages are delivered in order; none is as with the producer.
    pub ordered: Option<bool>,
    /// How long delivery is tried; none is as with the producer.
    pub reliability: Option<Reliability>,
    /// The channel to the peer; of no meaning on a direct transport.
    pub stream: DataStream,
    /// Whether it starts paused.
    pub paused: bool,
}

/// How a data consumer's channel to its peer comes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums)]
pub enum DataStream {
    /// Both sides know it by signalling; with this stream, or if that is none,
    /// the lowest free one that the peer does not open itself. On a plain
    /// transport, the next one in turn that nobody uses.
    Negotiated(Option<u16>),
    /// We open it by DATA_CHANNEL_OPEN (RFC 8832). Not on a plain transport.
    #[default]
    InBand,
    /// The channel of a data producer of the same transport: answers go where
    /// the questions came from.
    Existing(u16),
}
