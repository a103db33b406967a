//! The narrow waist, inward: what can be asked of an engine, and the answers.

use std::net::SocketAddr;

use bytes::Bytes;
use sfu_ice::{ChannelParameters, Fingerprint, IceCredentials, Message, SctpConfig};

use crate::route::{
    ActiveSpeakerOptions, AudioLevelOptions, CommandError, ConsumerConfig, ConsumerId,
    ConsumerStats, DataConsumerConfig, DataConsumerId, DataConsumerStats, DataProducerConfig,
    DataProducerId, DataProducerStats, DtlsRemote, Explanation, PipeConfig, PlainConfig,
    PlainRemote, ProducerConfig, ProducerId, ProducerStats, RouterDescription, RouterDump,
    RouterId, RtpObserverId, SpeakerOptions, SpeakerSlot, Speakers, SrtpMaster, TraceTypes,
    TransportId, TransportStats,
};
use crate::stream::allocate::Demand;
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// Pairs a completion with its command; chosen by whoever submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs)]
pub struct RequestId(pub u64);

/// Something asked of an engine. Each command is answered by exactly one
/// completion, a [`Reply`] or an [`CommandError`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Makes a router. Answered by [`Reply::Router`].
    CreateRouter,
    /// Closes a router and all in it.
    CloseRouter(RouterId),
    /// Makes a WebRTC transport. Answered by [`Reply::WebRtcTransport`].
    CreateWebRtcTransport(RouterId),
    /// Tells a WebRTC transport its peer's DTLS parameters; once.
    ConnectWebRtcTransport(TransportId, DtlsRemote),
    /// New ICE credentials (RFC 8445 §2.4). Answered by [`Reply::Ice`].
    RestartIce(TransportId),
    /// Makes a plain transport. Answered by [`Reply::PlainTransport`].
    CreatePlainTransport(RouterId, PlainConfig),
    /// Tells a plain transport its peer's address and key; once.
    ConnectPlainTransport(TransportId, PlainRemote),
    /// Makes a pipe transport. Answered by [`Reply::PipeTransport`].
    CreatePipeTransport(RouterId, PipeConfig),
    /// Tells a pipe transport over UDP its peer's address and key; once.
    ConnectPipeTransport(TransportId, PlainRemote),
    /// Makes a direct transport. Answered by [`Reply::Transport`].
    CreateDirectTransport(RouterId),
    /// Closes a transport with its producers and consumers.
    CloseTransport(TransportId),
    /// Makes a producer. Answered by [`Reply::Producer`].
    Produce(TransportId, ProducerConfig),
    /// Closes a producer; its consumers become empty slots.
    CloseProducer(ProducerId),
    /// Forwards nothing of a producer until it is resumed.
    PauseProducer(ProducerId),
    /// Undoes a pause.
    ResumeProducer(ProducerId),
    /// Makes a consumer. Answered by [`Reply::Consumer`].
    Consume(TransportId, ConsumerConfig),
    /// Makes the consumers that carry a producer through a pipe, or to a
    /// receiver that takes all of it: one for each of its encodings, the
    /// smallest first, all of the same producer. They stay with it, and are
    /// closed with it. Answered by
    /// [`Reply::PipeConsumers`].
    ConsumePipe(TransportId, Vec<ConsumerConfig>),
    /// Closes a consumer.
    CloseConsumer(ConsumerId),
    /// Forwards nothing to a consumer until it is resumed.
    PauseConsumer(ConsumerId),
    /// Undoes a pause.
    ResumeConsumer(ConsumerId),
    /// Re-points a consumer at another producer of the router, or at none.
    SwitchConsumer(ConsumerId, Option<ProducerId>),
    /// The most that a consumer wants of a simulcast producer.
    SetPreferredLayers(ConsumerId, Layers),
    /// How the receiver shows what a consumer brings. From then on layers are
    /// chosen for all video of its transport.
    SetDemand(ConsumerId, Demand),
    /// What the path to a transport's peer carries, in bit/s; none is without
    /// limit. Video is chosen to fit into it, after audio.
    SetAvailableOutgoingBitrate(TransportId, Option<u64>),
    /// Asks the publisher of what a consumer follows for a key frame.
    RequestKeyFrame(ConsumerId),
    /// Has a consumer follow whoever speaks, from now on. See [`SpeakerSlot`].
    FollowSpeaker(ConsumerId, SpeakerSlot),
    /// Says whose voice belongs to a video producer; none unlinks it.
    SetProducerSpeaker(ProducerId, Option<ProducerId>),
    /// How many speakers are forwarded to the slots that follow them, and for
    /// how long.
    SetSpeakerOptions(RouterId, SpeakerOptions),
    /// Who speaks. Answered by [`Reply::Speakers`].
    Speakers(RouterId),
    /// Makes an observer of dominant speakers. Answered by
    /// [`Reply::RtpObserver`].
    CreateActiveSpeakerObserver(RouterId, ActiveSpeakerOptions),
    /// Makes an observer of loudness. Answered by [`Reply::RtpObserver`].
    CreateAudioLevelObserver(RouterId, AudioLevelOptions),
    /// Adds an audio producer to what an observer listens to.
    ObserveProducer(RtpObserverId, ProducerId),
    /// Undoes [`Command::ObserveProducer`].
    UnobserveProducer(RtpObserverId, ProducerId),
    /// An observer tells nothing until it is resumed.
    PauseRtpObserver(RtpObserverId),
    /// Undoes a pause.
    ResumeRtpObserver(RtpObserverId),
    /// Closes an observer.
    CloseRtpObserver(RtpObserverId),
    /// Feeds one RTP packet to a producer of a direct transport.
    SendRtp(TransportId, ProducerId, Bytes),
    /// Feeds several, in their order, at most [`Command::MAX_BATCH`]; then the
    /// engine has to run before there are more. The answer is the first refusal;
    /// the other packets are taken all the same.
    SendRtpBatch(TransportId, ProducerId, Vec<Bytes>),
    /// Takes in a compound RTCP packet of whoever stands behind a direct
    /// transport.
    SendRtcp(TransportId, Bytes),
    /// The most that a transport's peer is to send, in bit/s; none is without
    /// limit. Told to the peer by REMB, once a second.
    SetMaxIncomingBitrate(TransportId, Option<u64>),
    /// What is traced of a transport from now on.
    TraceTransport(TransportId, TraceTypes),
    /// What is traced of a producer from now on.
    TraceProducer(ProducerId, TraceTypes),
    /// What is traced of a consumer from now on.
    TraceConsumer(ConsumerId, TraceTypes),
    /// Lets a WebRTC transport carry data channels, or a plain one SCTP beside RTP.
    /// To be asked for before the peer can use them.
    EnableData(TransportId, SctpConfig),
    /// Makes a data producer of a direct transport, or of a channel that a peer
    /// told by signalling. Answered by [`Reply::DataProducer`].
    ProduceData(TransportId, DataProducerConfig),
    /// Closes a data producer with its data consumers.
    CloseDataProducer(DataProducerId),
    /// Forwards no message of a data producer until it is resumed.
    PauseDataProducer(DataProducerId),
    /// Undoes a pause.
    ResumeDataProducer(DataProducerId),
    /// Makes a data consumer. Answered by [`Reply::DataConsumer`].
    ConsumeData(TransportId, DataConsumerConfig),
    /// Closes a data consumer.
    CloseDataConsumer(DataConsumerId),
    /// Forwards no message to a data consumer until it is resumed.
    PauseDataConsumer(DataConsumerId),
    /// Undoes a pause.
    ResumeDataConsumer(DataConsumerId),
    /// Sends a message by a data producer of a direct transport.
    SendMessage(DataProducerId, Message),
    /// Sends a message to one data consumer alone.
    SendMessageTo(DataConsumerId, Message),
    /// Has [`Event::DataBufferedAmountLow`](crate::Event::DataBufferedAmountLow)
    /// told when what waits for a data consumer falls to so many bytes; none is
    /// never.
    SetBufferedAmountLowThreshold(DataConsumerId, Option<u32>),
    /// What is in a router. Answered by [`Reply::RouterDump`].
    DumpRouter(RouterId),
    /// The same, with what everything was made with. Answered by
    /// [`Reply::RouterDescription`].
    DescribeRouter(RouterId),
    /// Figures of a data producer. Answered by [`Reply::DataProducerStats`].
    DataProducerStats(DataProducerId),
    /// Figures of a data consumer. Answered by [`Reply::DataConsumerStats`].
    DataConsumerStats(DataConsumerId),
    /// What consumers of a producer are made from. Answered by
    /// [`Reply::ProducerParameters`].
    ProducerParameters(ProducerId),
    /// Figures of a transport. Answered by [`Reply::TransportStats`].
    TransportStats(TransportId),
    /// Figures of a producer. Answered by [`Reply::ProducerStats`].
    ProducerStats(ProducerId),
    /// Figures of a consumer. Answered by [`Reply::ConsumerStats`].
    ConsumerStats(ConsumerId),
    /// Why a consumer gets what it gets. Answered by [`Reply::Explanation`].
    Explain(ConsumerId),
    /// The whole state of a router. Answered by [`Reply::Snapshot`].
    ///
    /// The engine goes on with the router. If another one is to restore it,
    /// this one must send nothing more for it, or two would seal packets with
    /// the same keys and numbers: end it without closing the router, whose
    /// peers would be told that it is over.
    Snapshot(RouterId),
    /// Takes up a router where its snapshot left off, with the same ids.
    /// Peers of WebRTC transports go on sending to the addresses they know, so
    /// the host must listen there. Answered by [`Reply::Router`].
    Restore(Bytes),
}

impl Command {
    /// Packets of a [`SendRtpBatch`](Self::SendRtpBatch) at most.
    pub const MAX_BATCH: usize = crate::route::AUDIO_HISTORY;
}

/// The answer to a command that succeeded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// A router was made or restored.
    Router(RouterId),
    /// A WebRTC transport was made.
    WebRtcTransport {
        /// Its identity.
        transport: TransportId,
        /// Our ICE credentials.
        ice: IceCredentials,
        /// Fingerprints of our certificate.
        fingerprints: Vec<Fingerprint>,
    },
    /// A plain transport was made.
    PlainTransport {
        /// Its identity.
        transport: TransportId,
        /// Our address for RTP.
        local: SocketAddr,
        /// Our address for RTCP, if it is not multiplexed.
        local_rtcp: Option<SocketAddr>,
        /// The key that we protect with, if SRTP is on.
        srtp: Option<SrtpMaster>,
    },
    /// A pipe transport was made.
    PipeTransport {
        /// Its identity.
        transport: TransportId,
        /// Our address, if it is over UDP.
        local: Option<SocketAddr>,
        /// The key that we protect with, if SRTP is on.
        srtp: Option<SrtpMaster>,
    },
    /// A direct transport was made.
    Transport(TransportId),
    /// New ICE credentials.
    Ice(IceCredentials),
    /// A producer was made.
    Producer(ProducerId),
    /// Kind of a producer, and its [`ProducerConfig::consumable`].
    ProducerParameters(MediaKind, String),
    /// A consumer was made.
    Consumer(ConsumerId),
    /// Who speaks.
    Speakers(Box<Speakers>),
    /// An observer was made.
    RtpObserver(RtpObserverId),
    /// A data producer was made.
    DataProducer(DataProducerId),
    /// A data consumer was made.
    DataConsumer {
        /// Its identity.
        consumer: DataConsumerId,
        /// Its channel's stream identifier; none on a direct transport.
        stream: Option<u16>,
        /// Label, protocol, order and reliability of its channel.
        parameters: ChannelParameters,
    },
    /// What is in a router.
    RouterDump(Box<RouterDump>),
    /// What is in a router, and what it was made with.
    RouterDescription(Box<RouterDescription>),
    /// Figures of a data producer.
    DataProducerStats(Box<DataProducerStats>),
    /// Figures of a data consumer.
    DataConsumerStats(Box<DataConsumerStats>),
    /// The consumers of a pipe were made, one for each encoding.
    PipeConsumers(Vec<ConsumerId>),
    /// Figures of a transport.
    TransportStats(Box<TransportStats>),
    /// Figures of a producer.
    ProducerStats(Box<ProducerStats>),
    /// Figures of a consumer.
    ConsumerStats(Box<ConsumerStats>),
    /// Inputs and rule of a consumer's layer choice.
    Explanation(Box<Explanation>),
    /// The state of a router.
    Snapshot(Bytes),
}

/// The end of one command.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct Completion {
    /// The command's number.
    pub request: RequestId,
    /// How it went.
    pub result: Result<Reply, CommandError>,
}
