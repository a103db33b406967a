//! What users hold: nouns, options, errors, parameters.

#[cfg(feature = "runtime")]
mod certificate;
#[cfg(feature = "runtime")]
pub mod client;
#[cfg(feature = "runtime")]
mod connection;
#[cfg(feature = "runtime")]
mod consumer;
#[cfg(feature = "runtime")]
mod contents;
#[cfg(feature = "runtime")]
mod data_consumer;
#[cfg(feature = "runtime")]
mod data_options;
#[cfg(feature = "runtime")]
mod data_producer;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "runtime")]
mod events;
#[cfg(feature = "runtime")]
mod lower;
#[cfg(feature = "runtime")]
mod media_codecs;
#[cfg(feature = "runtime")]
mod observer;
#[cfg(feature = "runtime")]
mod options;
pub mod params;
#[cfg(feature = "runtime")]
mod pipe;
#[cfg(feature = "runtime")]
mod piped_data;
#[cfg(feature = "runtime")]
mod producer;
#[cfg(feature = "runtime")]
mod router;
#[cfg(feature = "sdp")]
pub mod sdp;
#[cfg(all(feature = "sdp", feature = "runtime"))]
mod sdp_session;
#[cfg(feature = "runtime")]
mod sfu;
#[cfg(feature = "runtime")]
mod trace;
#[cfg(feature = "runtime")]
mod transport;

#[cfg(feature = "runtime")]
pub use self::{
    consumer::Consumer,
    contents::RouterContents,
    data_consumer::DataConsumer,
    data_options::{DataConsumeOptions, DataProduceOptions},
    data_producer::DataProducer,
    error::{Error, ErrorKind, Result},
    events::Events,
    observer::{ActiveSpeakerObserver, AudioLevelObserver},
    options::{
        ConsumeOptions, ConsumePipeOptions, PipeTransportOptions, Placement, PlainTransportOptions,
        ProduceOptions, RouterOptions, SlotOptions, WebRtcTransportOptions,
    },
    pipe::{PipeConsumer, PipeTransport, PipedProducer},
    piped_data::PipedDataProducer,
    producer::Producer,
    router::Router,
    sfu::{Sfu, SfuBuilder},
    transport::{DirectTransport, PlainTransport, SrtpParameters, WebRtcTransport},
};
#[cfg(all(feature = "sdp", feature = "runtime"))]
pub use sdp_session::{SdpOptions, SdpProducer, SdpSession, SdpSlot};
