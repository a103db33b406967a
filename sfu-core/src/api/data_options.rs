//! Options of `produce_data` and `consume_data`.

use sfu_ice::{ChannelParameters, Reliability};

use super::error::{Error, ErrorKind, Result};
use super::params::{SctpStreamParameters, reliability};
use crate::route::{DataConsumerConfig, DataProducerConfig, DataProducerId, DataStream};

/// Options of `produce_data`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DataProduceOptions {
    /// The peer's channel, which is known to both sides by signalling. None on
    /// a direct transport.
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Name of the channel, at most 1,024 bytes.
    pub label: String,
    /// Subprotocol, at most 1,024 bytes.
    pub protocol: String,
    /// Whether it starts paused.
    pub paused: bool,
}

impl DataProduceOptions {
    /// A data producer with this label, for a direct transport.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// The peer's channel: what mediasoup-client's `producedata` event tells.
    #[must_use]
    pub fn stream(mut self, parameters: SctpStreamParameters) -> Self {
        self.sctp_stream_parameters = Some(parameters);
        self
    }

    /// The subprotocol.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = protocol.into();
        self
    }

    /// Whether it starts paused.
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    pub(super) fn config(&self) -> Result<DataProducerConfig> {
        let stream = self.sctp_stream_parameters;
        let parameters = match stream {
            Some(stream) => stream.channel(&self.label, &self.protocol).ok_or_else(both)?,
            None => {
                let mut parameters = ChannelParameters::new(self.label.as_str());
                parameters.protocol.clone_from(&self.protocol);
                parameters
            }
        };
        let stream = stream.map(|stream| stream.stream_id);
        Ok(DataProducerConfig { stream, parameters, paused: self.paused })
    }
}

/// Options of `consume_data`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataConsumeOptions {
    /// What to follow.
    pub data_producer: DataProducerId,
    /// Whether messages are delivered in order; none is as with the producer.
    pub ordered: Option<bool>,
    /// For so many milliseconds delivery is tried.
    pub max_packet_life_time: Option<u16>,
    /// So often delivery is tried again. With neither bound it is as with the
    /// producer.
    pub max_retransmits: Option<u16>,
    /// How the channel to the peer comes about: opened by us, in the channel
    /// itself, by default.
    pub stream: DataStream,
    /// Whether it starts paused.
    pub paused: bool,
}

impl DataConsumeOptions {
    /// A data consumer of `data_producer`.
    pub fn new(data_producer: DataProducerId) -> Self {
        Self {
            data_producer,
            ordered: None,
            max_packet_life_time: None,
            max_retransmits: None,
            stream: DataStream::InBand,
            paused: false,
        }
    }

    /// The channel is told to the peer by signalling: by
    /// [`sctp_stream_parameters`](super::DataConsumer::sctp_stream_parameters),
    /// as mediasoup-client expects it.
    #[must_use]
    pub fn negotiated(mut self) -> Self {
        self.stream = DataStream::Negotiated(None);
        self
    }

    /// Answers over the channel of a data producer of the same transport.
    #[must_use]
    pub fn answer_on(mut self, stream: u16) -> Self {
        self.stream = DataStream::Existing(stream);
        self
    }

    /// Whether messages are delivered in order.
    #[must_use]
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = Some(ordered);
        self
    }

    /// Messages may be lost after so many retransmissions.
    #[must_use]
    pub fn max_retransmits(mut self, count: u16) -> Self {
        self.max_retransmits = Some(count);
        self
    }

    /// Messages may be lost after so many milliseconds.
    #[must_use]
    pub fn max_packet_life_time(mut self, millis: u16) -> Self {
        self.max_packet_life_time = Some(millis);
        self
    }

    /// Whether it starts paused.
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    pub(super) fn config(&self) -> Result<DataConsumerConfig> {
        let reliability =
            reliability(self.max_packet_life_time, self.max_retransmits).ok_or_else(both)?;
        Ok(DataConsumerConfig {
            producer: self.data_producer,
            ordered: self.ordered,
            reliability: (reliability != Reliability::Reliable).then_some(reliability),
            stream: self.stream,
            paused: self.paused,
        })
    }
}

fn both() -> Error {
    let message = "maxPacketLifeTime and maxRetransmits: expected one of them at most";
    Error::new(ErrorKind::InvalidParameters, message)
}
