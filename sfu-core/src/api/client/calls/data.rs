//! Calls of data producers and data consumers.

use serde::Deserialize;
use sfu_ice::{Message, MessageKind};

use super::media::{act, tell};
use super::{Scope, answer, done, target};
use crate::api::client::describe::value;
use crate::api::client::incoming::Answer;
use crate::api::data_options::{DataConsumeOptions, DataProduceOptions};
use crate::api::error::{Error, ErrorKind, Result};
use crate::api::params::SctpStreamParameters;
use crate::route::DataProducerId;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProduceData {
    #[serde(default)]
    label: String,
    #[serde(default)]
    protocol: String,
    sctp_stream_parameters: Option<SctpStreamParameters>,
    #[serde(default)]
    paused: bool,
}

pub(in super::super) async fn produce_data(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let settings: ProduceData = scope.parameters()?;
    let mut options =
        DataProduceOptions::new(settings.label).protocol(settings.protocol).paused(settings.paused);
    options.sctp_stream_parameters = settings.sctp_stream_parameters;
    let producer = transport.produce_data(&options).await?;
    answer(scope.registry().admit_data_producer(transport.here(), producer, options.paused)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConsumeData {
    data_producer: DataProducerId,
    ordered: Option<bool>,
    max_packet_life_time: Option<u16>,
    max_retransmits: Option<u16>,
    #[serde(default)]
    negotiated: bool,
    answer_on: Option<u16>,
    #[serde(default)]
    paused: bool,
}

pub(in super::super) async fn consume_data(mut scope: Scope) -> Result<Answer> {
    let transport = scope.transport()?;
    let settings: ConsumeData = scope.parameters()?;
    let mut options = DataConsumeOptions::new(settings.data_producer).paused(settings.paused);
    options.ordered = settings.ordered;
    options.max_packet_life_time = settings.max_packet_life_time;
    options.max_retransmits = settings.max_retransmits;
    options = match (settings.negotiated, settings.answer_on) {
        (false, None) => options,
        (true, None) => options.negotiated(),
        (false, Some(stream)) => options.answer_on(stream),
        (true, Some(_)) => {
            let message = "negotiated, answerOn: expected one of them at most";
            return Err(Error::new(ErrorKind::InvalidParameters, message));
        }
    };
    let consumer = transport.consume_data(&options).await?;
    answer(scope.registry().admit_data_consumer(transport.here(), consumer, options.paused)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    #[serde(default)]
    text: bool,
}

impl Scope {
    fn message(&mut self) -> Result<Message> {
        let Kind { text } = self.parameters()?;
        let payload = self.payload()?;
        if text && std::str::from_utf8(&payload).is_err() {
            let message = format!("{:?}: expected text in UTF-8", self.method);
            return Err(Error::new(ErrorKind::InvalidParameters, message));
        }
        let kind = if text { MessageKind::String } else { MessageKind::Binary };
        Ok(Message { kind, payload })
    }
}

pub(in super::super) async fn send(mut scope: Scope) -> Result<Answer> {
    let producer = target!(scope, DataProducer);
    producer.send(scope.message()?).await?;
    done()
}

pub(in super::super) async fn send_to(mut scope: Scope) -> Result<Answer> {
    let consumer = target!(scope, DataConsumer);
    consumer.send(scope.message()?).await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    bytes: Option<u32>,
}

pub(in super::super) async fn set_buffered_amount_low_threshold(
    mut scope: Scope,
) -> Result<Answer> {
    let consumer = target!(scope, DataConsumer);
    let Threshold { bytes } = scope.parameters()?;
    consumer.set_buffered_amount_low_threshold(bytes).await?;
    done()
}

act! {
    pause_producer = DataProducer.pause,
    resume_producer = DataProducer.resume,
    close_producer = DataProducer.close,
    pause_consumer = DataConsumer.pause,
    resume_consumer = DataConsumer.resume,
    close_consumer = DataConsumer.close,
}

tell! {
    producer_stats = DataProducer.stats,
    consumer_stats = DataConsumer.stats,
}
