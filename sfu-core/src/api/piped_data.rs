//! Data producers in other routers of the same `Sfu`.

use sfu_ice::ChannelParameters;

use super::data_consumer::DataConsumer;
use super::data_options::{DataConsumeOptions, DataProduceOptions};
use super::data_producer::DataProducer;
use super::error::{Error, Result};
use super::pipe::is_closed;
use super::router::Router;
use crate::route::{DataConsumerId, DataProducerId};

/// A data producer and its like in another router of the same `Sfu`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipedDataProducer {
    /// The way into the pipe, in the router where the data producer is.
    pub consumer: DataConsumer,
    /// The data producer at the other end.
    pub producer: DataProducer,
}

impl Router {
    /// As [`pipe_to_router`](Self::pipe_to_router), for messages: they go
    /// through the same pipe as media, and none that is sent after this is lost
    /// on the way. Closing either end closes the other.
    ///
    /// ```no_run
    /// # async fn run(here: sfu_core::Router, there: sfu_core::Router,
    /// #     chat: sfu_core::DataProducer) -> sfu_core::Result<()> {
    /// use sfu_core::DataConsumeOptions;
    /// let piped = here.pipe_data_to_router(chat.id(), &there).await?;
    /// let reader = there.create_direct_transport().await?;
    /// reader.consume_data(DataConsumeOptions::new(piped.producer.id())).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidParameters` if it is the same router or one of another `Sfu`;
    /// `NotFound` if the data producer or one of the routers is closed;
    /// `Limit` if the pipe carries too many.
    pub async fn pipe_data_to_router(
        &self,
        producer: DataProducerId,
        to: &Self,
    ) -> Result<PipedDataProducer> {
        self.check_other(to)?;
        let (book, key) = (self.place().client().pipes(), (producer, to.id()));
        if let Some(known) = book.piped_data(key) {
            let piped = self.restore_piped_data(producer, &known, to);
            if !is_closed(piped.consumer.stats().await) && !is_closed(piped.producer.stats().await)
            {
                return Ok(piped);
            }
            book.forget_piped_data(key);
        }
        let (near, far) = self.pipe_to(to).await?;
        // Paused until the other end knows of the channel.
        let options = DataConsumeOptions::new(producer).negotiated().paused(true);
        let consumer = near.consume_data(options).await?;
        match produce(&consumer, &far).await {
            Ok(made) => {
                let known = PipedData {
                    consumer: consumer.id(),
                    producer: made.id(),
                    stream: consumer.sctp_stream_parameters().map(|it| it.stream_id),
                    parameters: consumer.parameters().clone(),
                };
                let winner = book.add_piped_data(key, known);
                if winner.producer == made.id() {
                    return Ok(PipedDataProducer { consumer, producer: made });
                }
                // Somebody else piped the same meanwhile. This end takes the
                // other with it; either may be gone already.
                let _ = consumer.close().await;
                Ok(self.restore_piped_data(producer, &winner, to))
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = consumer.close().await;
                Err(error)
            }
        }
    }

    fn restore_piped_data(
        &self,
        origin: DataProducerId,
        known: &PipedData,
        to: &Self,
    ) -> PipedDataProducer {
        let PipedData { consumer, producer, stream, parameters } = known.clone();
        let (here, there) = (self.place().clone(), to.place().clone());
        PipedDataProducer {
            consumer: DataConsumer::new(here, consumer, origin, stream, parameters.clone()),
            producer: DataProducer::new(there, producer, stream, parameters),
        }
    }
}

/// The other end of the channel that a pipe's data consumer opened; then
/// messages may come.
async fn produce(
    consumer: &DataConsumer,
    far: &super::pipe::PipeTransport,
) -> Result<DataProducer> {
    let stream = consumer.sctp_stream_parameters().ok_or_else(Error::unexpected_reply)?;
    let options = DataProduceOptions::new(consumer.label()).protocol(consumer.protocol());
    let made = far.produce_data(options.stream(stream)).await?;
    consumer.resume().await?;
    Ok(made)
}

/// What was piped from one router to another.
#[derive(Clone, Debug)]
pub(crate) struct PipedData {
    consumer: DataConsumerId,
    producer: DataProducerId,
    stream: Option<u16>,
    parameters: ChannelParameters,
}

impl PipedData {
    /// The data producer at the other end.
    pub(super) fn producer(&self) -> DataProducerId {
        self.producer
    }
}
