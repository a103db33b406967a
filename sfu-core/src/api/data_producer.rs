//! A data producer: one source of messages in a router.

use std::sync::Arc;

use sfu_ice::{ChannelParameters, Message};

use super::error::{Error, Result};
use super::params::SctpStreamParameters;
use super::router::Place;
use crate::engine::{Command, Reply};
use crate::route::{DataProducerId, DataProducerStats};

/// One source of messages: a channel on which a peer sends, or this process.
///
/// A handle: cheap to clone, and dropping it closes nothing.
///
/// ```no_run
/// # async fn run(room: sfu_core::Router, peer: sfu_core::WebRtcTransport) -> sfu_core::Result<()> {
/// use sfu_core::{DataConsumeOptions, DataProduceOptions, Message};
/// let process = room.create_direct_transport().await?;
/// let news = process.produce_data(DataProduceOptions::new("news")).await?;
/// peer.consume_data(DataConsumeOptions::new(news.id())).await?;
/// news.send(Message::text("the recording has begun")).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct DataProducer {
    place: Place,
    id: DataProducerId,
    stream: Option<u16>,
    parameters: Arc<ChannelParameters>,
}

impl DataProducer {
    pub(super) fn new(
        place: Place,
        id: DataProducerId,
        stream: Option<u16>,
        parameters: ChannelParameters,
    ) -> Self {
        Self { place, id, stream, parameters: Arc::new(parameters) }
    }

    /// Its identity.
    pub fn id(&self) -> DataProducerId {
        self.id
    }

    /// Its label.
    pub fn label(&self) -> &str {
        &self.parameters.label
    }

    /// Its subprotocol.
    pub fn protocol(&self) -> &str {
        &self.parameters.protocol
    }

    /// The peer's channel; none on a direct transport.
    pub fn sctp_stream_parameters(&self) -> Option<SctpStreamParameters> {
        self.stream.map(|stream| SctpStreamParameters::new(stream, &self.parameters))
    }

    /// Sends a message to all who follow it. Only on direct transports.
    ///
    /// # Errors
    /// `InvalidParameters` for a message of more than 262,144 bytes or a data
    /// producer of another kind of transport; `NotFound` if it is closed.
    pub async fn send(&self, message: Message) -> Result<()> {
        self.place.act(Command::SendMessage(self.id, message)).await
    }

    /// Forwards nothing of it until [`resume`](Self::resume).
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn pause(&self) -> Result<()> {
        self.place.act(Command::PauseDataProducer(self.id)).await
    }

    /// Forwards again.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn resume(&self) -> Result<()> {
        self.place.act(Command::ResumeDataProducer(self.id)).await
    }

    /// Its figures.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn stats(&self) -> Result<DataProducerStats> {
        match self.place.call(Command::DataProducerStats(self.id)).await? {
            Reply::DataProducerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Closes it with its data consumers, and the peer's channel.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseDataProducer(self.id)).await
    }
}

impl std::fmt::Debug for DataProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataProducer")
            .field("id", &self.id)
            .field("label", &self.parameters.label)
            .finish_non_exhaustive()
    }
}
