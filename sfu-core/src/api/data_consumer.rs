//! A data consumer: what one receiver gets of a data producer.

use std::sync::Arc;

use sfu_ice::{ChannelParameters, Message};

use super::error::{Error, Result};
use super::params::SctpStreamParameters;
use super::router::Place;
use crate::engine::{Command, Reply};
use crate::route::{DataConsumerId, DataConsumerStats, DataProducerId};

/// What one receiver gets of a data producer: a channel to a peer or, on a
/// direct transport, [`Event::Message`](crate::Event::Message).
///
/// What waits for a receiver is bounded. When there is no room left, messages
/// of a channel that may lose some are left out and counted; a reliable channel
/// is closed, and [`Event::DataConsumerClosed`](crate::Event::DataConsumerClosed)
/// tells [`SlowReceiver`](crate::CloseReason::SlowReceiver).
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct DataConsumer {
    place: Place,
    id: DataConsumerId,
    producer: DataProducerId,
    stream: Option<u16>,
    parameters: Arc<ChannelParameters>,
}

impl DataConsumer {
    pub(super) fn new(
        place: Place,
        id: DataConsumerId,
        producer: DataProducerId,
        stream: Option<u16>,
        parameters: ChannelParameters,
    ) -> Self {
        Self { place, id, producer, stream, parameters: Arc::new(parameters) }
    }

    /// Its identity.
    pub fn id(&self) -> DataConsumerId {
        self.id
    }

    /// What it follows.
    pub fn data_producer(&self) -> DataProducerId {
        self.producer
    }

    /// Its label.
    pub fn label(&self) -> &str {
        &self.parameters.label
    }

    /// Its subprotocol.
    pub fn protocol(&self) -> &str {
        &self.parameters.protocol
    }

    pub(super) fn parameters(&self) -> &ChannelParameters {
        &self.parameters
    }

    /// The channel to the peer, for its side of the negotiation; none on a
    /// direct transport.
    pub fn sctp_stream_parameters(&self) -> Option<SctpStreamParameters> {
        self.stream.map(|stream| SctpStreamParameters::new(stream, &self.parameters))
    }

    /// Sends a message to this receiver alone.
    ///
    /// # Errors
    /// `InvalidParameters` for a message of more than 262,144 bytes;
    /// `NotFound` if it is closed.
    pub async fn send(&self, message: Message) -> Result<()> {
        self.place.act(Command::SendMessageTo(self.id, message)).await
    }

    /// Has [`Event::DataBufferedAmountLow`](crate::Event::DataBufferedAmountLow)
    /// told whenever what waits to be sent falls to so many bytes; none is
    /// never.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn set_buffered_amount_low_threshold(&self, bytes: Option<u32>) -> Result<()> {
        self.place.act(Command::SetBufferedAmountLowThreshold(self.id, bytes)).await
    }

    /// Sends nothing until [`resume`](Self::resume). What comes meanwhile is
    /// not sent later.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn pause(&self) -> Result<()> {
        self.place.act(Command::PauseDataConsumer(self.id)).await
    }

    /// Sends again.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn resume(&self) -> Result<()> {
        self.place.act(Command::ResumeDataConsumer(self.id)).await
    }

    /// Its figures.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn stats(&self) -> Result<DataConsumerStats> {
        Self::stats_of(&self.place, self.id).await
    }

    pub(super) async fn stats_of(place: &Place, id: DataConsumerId) -> Result<DataConsumerStats> {
        match place.call(Command::DataConsumerStats(id)).await? {
            Reply::DataConsumerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Closes it, and its channel.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseDataConsumer(self.id)).await
    }
}

impl std::fmt::Debug for DataConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataConsumer")
            .field("id", &self.id)
            .field("label", &self.parameters.label)
            .finish_non_exhaustive()
    }
}
