//! An embeddable SFU (selective forwarding unit): the media server of a video
//! meeting.
//!
//! [`Sfu`] is the whole with threads and sockets. A [`Router`] is a room;
//! transports bring [`Producer`]s into it, and [`Consumer`]s follow them. The
//! nouns and parameters are mediasoup's. For a driver of one's own there is
//! the sans-IO [`engine`].
//!
//! ```no_run
//! # async fn run(offer: &str) -> sfu_core::Result<String> {
//! use sfu_core::{RouterOptions, SdpOptions, Sfu};
//!
//! let sfu = Sfu::builder().listen("0.0.0.0:40000".parse().unwrap()).build()?;
//! let room = sfu.create_router(RouterOptions::default()).await?;
//! let alice = room.accept_offer(offer, SdpOptions::default()).await?;
//! for slot in alice.slots() {
//!     let own = alice.producers().iter().find(|own| own.kind == slot.kind);
//!     slot.consumer.switch(own.map(|own| own.producer.id())).await?;
//! }
//! # Ok(alice.answer().to_owned()) }
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `crypto-aws-lc-rs` | yes | SRTP and DTLS on aws-lc-rs; needs a C compiler at build time |
//! | `crypto-rust` | no | SRTP and DTLS in pure Rust, used when `crypto-aws-lc-rs` is off |
//! | `runtime` | yes | threads, sockets and the asynchronous API |
//! | `sdp` | yes | SDP offers and answers on top of the parameters |
//! | `dtls-webrtc` | no | a second DTLS implementation behind the same trait |
#![forbid(unsafe_code)]

pub mod api;
pub mod engine;
#[cfg(feature = "runtime")]
mod host;
mod route;
pub mod stream;
pub mod wire;

#[cfg(feature = "runtime")]
pub use crate::host::ShardStats;
pub use crate::route::{
    ActiveSpeakerOptions, AudioLevelOptions, AudioVolume, CloseReason, CodecConfig, CommandError,
    ConsumerConfig, ConsumerId, ConsumerStats, DataConsumerConfig, DataConsumerId,
    DataConsumerStats, DataProducerConfig, DataProducerId, DataProducerStats, DataStream,
    DtlsRemote, EncodingConfig, Event, Explanation, InboundRtpStats, LayerBitrate, ObserverDump,
    ObserverScope, PacketTrace, ParseIdError, PipeConfig, PipeLink, PlainConfig, PlainRemote,
    ProducerConfig, ProducerId, ProducerStats, Refused, RouterDump, RouterId, RtpObserverId,
    SpeakerOptions, SpeakerSlot, Speakers, SrtpMaster, Trace, TraceType, TraceTypes, TransportDump,
    TransportId, TransportStats,
};
pub use crate::stream::allocate::{Demand, LayersReason};
pub use crate::stream::select::Layers;
pub use crate::wire::MediaKind;
#[cfg(feature = "runtime")]
pub use api::client;
#[cfg(feature = "runtime")]
pub use api::{
    ActiveSpeakerObserver, AudioLevelObserver, ConsumeOptions, ConsumePipeOptions, Consumer,
    DataConsumeOptions, DataConsumer, DataProduceOptions, DataProducer, DirectTransport, Error,
    ErrorKind, Events, PipeConsumer, PipeTransport, PipeTransportOptions, PipedDataProducer,
    PipedProducer, Placement, PlainTransport, PlainTransportOptions, ProduceOptions, Producer,
    Result, Router, RouterContents, RouterOptions, Sfu, SfuBuilder, SlotOptions, SrtpParameters,
    WebRtcTransport, WebRtcTransportOptions,
};
#[cfg(all(feature = "sdp", feature = "runtime"))]
pub use api::{SdpOptions, SdpProducer, SdpSession, SdpSlot};
pub use sfu_ice::{
    ChannelParameters, DtlsState, DtlsVersion, IceState, Message, MessageKind, Protocol,
    Reliability, SctpConfig, SctpState, SctpStats, SrtpProfile, Time, Tuple,
};
