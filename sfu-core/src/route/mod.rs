//! Who gets what: routers, their transports, producers and consumers.
//!
//! Sans-IO, driven by the engine: a turn's datagrams go in by `ingest` and
//! `feedback`, and come out transport by transport in `egress` and `report`.

mod allocate;
mod assembly;
mod cascade;
mod config;
mod connectivity;
mod consumer;
mod data;
mod demand;
mod description;
mod dump;
pub(crate) mod egress;
mod error;
mod event;
mod feedback;
mod id;
mod ingest;
mod inspect;
mod keyframe;
mod keyframe_cache;
mod ladder;
mod layering;
mod picture_end;
mod producer;
mod redundancy;
mod report;
mod router;
mod snapshot;
mod speakers;
mod stats;
mod trace;
pub(crate) mod transport;

pub use config::{
    CodecConfig, ConsumerConfig, DtlsRemote, EncodingConfig, PipeConfig, PipeLink, PlainConfig,
    PlainRemote, ProducerConfig, SrtpMaster,
};
pub use data::{
    DataConsumerConfig, DataConsumerStats, DataProducerConfig, DataProducerStats, DataStream,
};
pub use description::{
    ConsumerDescription, DataConsumerDescription, DataProducerDescription, ProducerDescription,
    RouterDescription, TransportAccess, TransportDescription,
};
pub use dump::{ObserverDump, RouterDump, TransportDump};
pub use egress::Sink;
pub use error::CommandError;
pub use event::{AudioVolume, CloseReason, Event};
pub use id::{
    ConsumerId, DataConsumerId, DataProducerId, ParseIdError, ProducerId, RouterId, RtpObserverId,
    TransportId,
};
pub(crate) use producer::AUDIO_HISTORY;
pub use speakers::{
    ActiveSpeakerOptions, AudioLevelOptions, ObserverScope, SpeakerOptions, SpeakerSlot, Speakers,
};
pub use stats::{
    ConsumerStats, Explanation, InboundRtpStats, LayerBitrate, ProducerStats, Refused,
    TransportStats,
};
pub use trace::{PacketTrace, Trace, TraceType, TraceTypes};

pub(crate) use consumer::Consumer;
pub(crate) use data::Delivered;
pub(crate) use router::{Limits, Retired, Router};
pub(crate) use snapshot::RouterSnapshot;
pub(crate) use speakers::Observer;
