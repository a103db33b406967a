//! The three kinds of transport that peers come by.

use std::net::SocketAddr;
use std::sync::Arc;

use sfu_ice::{SctpConfig, SrtpProfile};

use super::consumer::Consumer;
use super::data_consumer::DataConsumer;
use super::data_options::{DataConsumeOptions, DataProduceOptions};
use super::data_producer::DataProducer;
use super::error::{Error, Result};
use super::lower::{as_json, consumer_config, producer_config};
use super::media_codecs::MediaCodecs;
use super::options::{ConsumeOptions, ConsumePipeOptions, ProduceOptions, SlotOptions};
use super::params::ortc::{
    EgressIds, consumable_parameters, consumer_parameters, pipe_consumer_parameters,
    slot_parameters, validate_rtp_capabilities, validate_rtp_parameters,
};
use super::params::{
    DtlsParameters, IceParameters, RtpCapabilities, RtpParameters, SctpParameters,
    WebRtcTransportParameters,
};
use super::pipe::PipeConsumer;
use super::producer::{Producer, consumable};
use super::router::Place;
use super::trace::traced;
use crate::engine::{Command, Reply};
use crate::route::{
    ConsumerConfig, DtlsRemote, PlainRemote, ProducerId, SrtpMaster, TraceType, TransportId,
    TransportStats,
};

/// What every kind of transport can do.
#[derive(Clone)]
pub(crate) struct TransportHandle {
    pub(super) place: Place,
    codecs: Arc<MediaCodecs>,
    pub(super) id: TransportId,
    /// Names all streams that we send over this transport (RFC 3550 §6.5.1).
    cname: Arc<str>,
}

impl TransportHandle {
    pub(super) fn new(place: Place, codecs: Arc<MediaCodecs>, id: TransportId) -> Self {
        let cname = format!("{:016x}", place.shared.random()).into();
        Self { place, codecs, id, cname }
    }

    pub(super) async fn produce(&self, options: ProduceOptions) -> Result<Producer> {
        let ProduceOptions { kind, parameters, paused, speaker } = options;
        validate_rtp_parameters(kind, &parameters)?;
        let consumable = consumable_parameters(kind, &parameters, &self.capabilities())?;
        let mut config = producer_config(kind, &parameters, paused)?;
        config.speaker = speaker;
        config.consumable = as_json(&consumable)?;
        match self.place.call(Command::Produce(self.id, config)).await? {
            Reply::Producer(id) => Ok(Producer::new(self.place.clone(), id, kind, parameters)),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) async fn consume(&self, options: ConsumeOptions) -> Result<Consumer> {
        validate_rtp_capabilities(&options.capabilities)?;
        let (kind, consumable) = consumable(&self.place, options.producer).await?;
        let ids = self.egress_ids(options.mid, None);
        let parameters = consumer_parameters(kind, &consumable, &options.capabilities, ids)?;
        let layers = options.preferred_layers;
        let mut config = consumer_config(kind, &parameters, options.paused, layers)?;
        config.producer = Some(options.producer);
        self.add_consumer(config, parameters).await
    }

    pub(super) async fn consume_pipe(&self, options: ConsumePipeOptions) -> Result<PipeConsumer> {
        let ConsumePipeOptions { producer, capabilities, paused } = options;
        validate_rtp_capabilities(&capabilities)?;
        let (kind, consumable) = consumable(&self.place, producer).await?;
        let ssrc = || self.place.shared.random_ssrc();
        let parameters =
            pipe_consumer_parameters(kind, &consumable, &capabilities, &self.cname, ssrc)?;
        self.consume_all(producer, kind, parameters, paused).await
    }

    pub(super) async fn consume_slot(&self, options: SlotOptions) -> Result<Consumer> {
        validate_rtp_capabilities(&options.capabilities)?;
        let ids = self.egress_ids(options.mid, options.msid);
        let kind = options.kind;
        let parameters = slot_parameters(kind, &options.capabilities, &self.capabilities(), ids)?;
        let config = consumer_config(kind, &parameters, false, None)?;
        self.add_consumer(config, parameters).await
    }

    async fn add_consumer(
        &self,
        config: ConsumerConfig,
        parameters: RtpParameters,
    ) -> Result<Consumer> {
        let kind = config.kind;
        match self.place.call(Command::Consume(self.id, config)).await? {
            Reply::Consumer(id) => Ok(Consumer::new(self.place.clone(), id, kind, parameters)),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(crate) fn egress_ids(&self, mid: Option<String>, msid: Option<String>) -> EgressIds {
        EgressIds {
            mid,
            ssrc: self.place.shared.random_ssrc(),
            rtx_ssrc: Some(self.place.shared.random_ssrc()),
            cname: self.cname.to_string(),
            msid,
        }
    }

    /// Goes on with the name of a transport that was made before.
    pub(super) fn set_cname(&mut self, cname: &str) {
        self.cname = cname.into();
    }

    pub(super) fn cname(&self) -> &str {
        &self.cname
    }

    fn capabilities(&self) -> Arc<RtpCapabilities> {
        self.codecs.capabilities()
    }

    pub(crate) async fn consume_with(
        &self,
        kind: crate::wire::MediaKind,
        parameters: RtpParameters,
    ) -> Result<Consumer> {
        let config = consumer_config(kind, &parameters, false, None)?;
        self.add_consumer(config, parameters).await
    }

    pub(crate) fn random(&self) -> u64 {
        self.place.shared.random()
    }

    pub(super) async fn produce_data(&self, options: &DataProduceOptions) -> Result<DataProducer> {
        let config = options.config()?;
        let (stream, parameters) = (config.stream, config.parameters.clone());
        match self.place.call(Command::ProduceData(self.id, config)).await? {
            Reply::DataProducer(id) => {
                Ok(DataProducer::new(self.place.clone(), id, stream, parameters))
            }
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) async fn consume_data(&self, options: &DataConsumeOptions) -> Result<DataConsumer> {
        let config = options.config()?;
        let producer = config.producer;
        match self.place.call(Command::ConsumeData(self.id, config)).await? {
            Reply::DataConsumer { consumer, stream, parameters } => {
                let place = self.place.clone();
                Ok(DataConsumer::new(place, consumer, producer, stream, parameters))
            }
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) async fn stats(&self) -> Result<TransportStats> {
        match self.place.call(Command::TransportStats(self.id)).await? {
            Reply::TransportStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) async fn set_available_outgoing_bitrate(
        &self,
        available: Option<u64>,
    ) -> Result<()> {
        self.place.act(Command::SetAvailableOutgoingBitrate(self.id, available)).await
    }

    pub(super) async fn set_max_incoming_bitrate(&self, max: Option<u64>) -> Result<()> {
        self.place.act(Command::SetMaxIncomingBitrate(self.id, max)).await
    }

    pub(super) async fn enable_trace_event(&self, types: &[TraceType]) -> Result<()> {
        let types = traced(types, &[TraceType::Bwe])?;
        self.place.act(Command::TraceTransport(self.id, types)).await
    }

    pub(super) async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseTransport(self.id)).await
    }
}

/// The calls that all transports share, as methods of each.
macro_rules! transport {
    ($name:ident) => {
        impl $name {
            pub(super) fn handle(&self) -> &TransportHandle {
                &self.handle
            }

            /// Its identity.
            pub fn id(&self) -> TransportId {
                self.handle.id
            }

            /// Takes in what the peer sends.
            ///
            /// # Errors
            /// `InvalidParameters` names the field that is wrong; `NotFound`
            /// if the transport is closed; `Limit` if it has too many.
            pub async fn produce(&self, options: ProduceOptions) -> Result<Producer> {
                self.handle.produce(options).await
            }

            /// Sends a producer of the router to the peer.
            ///
            /// # Errors
            /// `Incompatible` if the peer takes none of its codecs; `NotFound`
            /// if the producer or the transport is closed; `Limit` if the
            /// transport has too many.
            pub async fn consume(&self, options: ConsumeOptions) -> Result<Consumer> {
                self.handle.consume(options).await
            }

            /// Sends all encodings of a producer of the router to the peer, each
            /// as it is and under its own SSRC, whatever the path carries: for
            /// recorders and other SFUs. Layers of other video are chosen from
            /// what is left. Between two Plenum a
            /// [`PipeTransport`](crate::PipeTransport) does better.
            ///
            /// # Errors
            /// As [`consume`](Self::consume). Each encoding counts as a consumer.
            pub async fn consume_pipe(&self, options: ConsumePipeOptions) -> Result<PipeConsumer> {
                self.handle.consume_pipe(options).await
            }

            /// Makes an empty receive slot: a consumer that can be pointed at
            /// any producer, and re-pointed, with one continuous stream.
            ///
            /// # Errors
            /// As [`consume`](Self::consume).
            pub async fn consume_slot(&self, options: SlotOptions) -> Result<Consumer> {
                self.handle.consume_slot(options).await
            }

            /// Says what the path to the peer carries, in bit/s of RTP packets;
            /// `None` (as at first) is without limit. Layers of video are
            /// chosen to fit into it, after audio: lower ones at once, higher
            /// ones when the path has carried 15 % more than they need for eight
            /// seconds.
            ///
            /// # Errors
            /// `NotFound` if it is closed.
            pub async fn set_available_outgoing_bitrate(
                &self,
                available: Option<u64>,
            ) -> Result<()> {
                self.handle.set_available_outgoing_bitrate(available).await
            }

            /// Takes in messages: of a channel of the peer that is known by
            /// signalling, or of this process. Channels that a peer opens itself
            /// become data producers without being asked for; see
            /// [`Event::DataChannelOpened`](crate::Event::DataChannelOpened).
            ///
            /// # Errors
            /// `InvalidParameters` on a plain transport without SCTP, for a stream
            /// that is in use, or without data channels; `NotFound` if the
            /// transport is closed; `Limit` if it has too many.
            #[allow(clippy::needless_pass_by_value)]
            pub async fn produce_data(&self, options: DataProduceOptions) -> Result<DataProducer> {
                self.handle.produce_data(&options).await
            }

            /// Sends the messages of a data producer of the router to the peer or,
            /// on a direct transport, tells them as
            /// [`Event::Message`](crate::Event::Message).
            ///
            /// # Errors
            /// `NotFound` if the data producer or the transport is closed;
            /// otherwise as [`produce_data`](Self::produce_data).
            #[allow(clippy::needless_pass_by_value)]
            pub async fn consume_data(&self, options: DataConsumeOptions) -> Result<DataConsumer> {
                self.handle.consume_data(&options).await
            }

            /// Has [`Event::TransportTrace`](crate::Event::TransportTrace) told
            /// of these types from now on: [`TraceType::Bwe`], or none.
            ///
            /// # Errors
            /// `InvalidParameters` for another type; `NotFound` if it is closed.
            pub async fn enable_trace_event(&self, types: &[TraceType]) -> Result<()> {
                self.handle.enable_trace_event(types).await
            }

            /// Its figures.
            ///
            /// # Errors
            /// `NotFound` if it is closed.
            pub async fn stats(&self) -> Result<TransportStats> {
                self.handle.stats().await
            }

            /// Closes it with its producers and consumers.
            ///
            /// # Errors
            /// `NotFound` if it is closed already.
            pub async fn close(&self) -> Result<()> {
                self.handle.close().await
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id()).finish_non_exhaustive()
            }
        }
    };
}

/// What only transports with a peer beyond a network can do.
macro_rules! bounded {
    ($name:ident) => {
        impl $name {
            /// Asks the peer to send no more than so many bit/s in all, by REMB
            /// once a second; `None` (as at first) is without limit. Browsers
            /// heed it whichever feedback is negotiated.
            ///
            /// # Errors
            /// `InvalidParameters` for less than 10,000; `NotFound` if it is
            /// closed.
            pub async fn set_max_incoming_bitrate(&self, max: Option<u64>) -> Result<()> {
                self.handle.set_max_incoming_bitrate(max).await
            }
        }
    };
}

bounded!(WebRtcTransport);
bounded!(PlainTransport);

/// A transport for browsers: ICE-lite, DTLS, SRTP.
#[derive(Clone)]
pub struct WebRtcTransport {
    pub(crate) handle: TransportHandle,
    parameters: Arc<WebRtcTransportParameters>,
}

transport!(WebRtcTransport);

impl WebRtcTransport {
    pub(super) fn new(handle: TransportHandle, parameters: WebRtcTransportParameters) -> Self {
        Self { handle, parameters: Arc::new(parameters) }
    }

    /// What the peer needs to know to connect.
    pub fn parameters(&self) -> &WebRtcTransportParameters {
        &self.parameters
    }

    /// Tells the transport the peer's DTLS parameters; once.
    ///
    /// # Errors
    /// `InvalidParameters` if they cannot be used or were told before;
    /// `NotFound` if the transport is closed.
    pub async fn connect(&self, dtls: DtlsParameters) -> Result<()> {
        let remote = DtlsRemote { role: dtls.role, fingerprints: dtls.fingerprints };
        let command = Command::ConnectWebRtcTransport(self.id(), remote);
        self.handle.place.act(command).await
    }

    /// Lets data channels be used, if the options did not do so. To be called
    /// before [`connect`](Self::connect).
    ///
    /// # Errors
    /// `InvalidParameters` if they are enabled with other settings; `NotFound`
    /// if the transport is closed.
    pub async fn enable_data(&self, config: SctpConfig) -> Result<()> {
        self.handle.place.act(Command::EnableData(self.id(), config)).await
    }

    /// New ICE credentials, for a peer whose network changed. Media goes on
    /// over the old path until the peer has checked the new one.
    ///
    /// # Errors
    /// `NotFound` if the transport is closed.
    pub async fn restart_ice(&self) -> Result<IceParameters> {
        match self.handle.place.call(Command::RestartIce(self.id())).await? {
            Reply::Ice(credentials) => Ok(IceParameters::lite(&credentials)),
            _ => Err(Error::unexpected_reply()),
        }
    }
}

/// A transport for RTP or SRTP over UDP without ICE.
#[derive(Clone)]
pub struct PlainTransport {
    handle: TransportHandle,
    local: SocketAddr,
    local_rtcp: Option<SocketAddr>,
    srtp: Option<Arc<SrtpParameters>>,
    sctp: Option<SctpParameters>,
}

transport!(PlainTransport);

/// Profile and key of one direction of SRTP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct SrtpParameters {
    /// The profile.
    pub profile: SrtpProfile,
    /// Master key and salt.
    pub master: SrtpMaster,
}

impl PlainTransport {
    pub(super) fn new(
        handle: TransportHandle,
        local: SocketAddr,
        local_rtcp: Option<SocketAddr>,
        srtp: Option<(SrtpProfile, SrtpMaster)>,
        sctp: Option<SctpConfig>,
    ) -> Self {
        let srtp = srtp.map(|(profile, master)| Arc::new(SrtpParameters { profile, master }));
        let sctp = sctp.as_ref().map(SctpParameters::from);
        Self { handle, local, local_rtcp, srtp, sctp }
    }

    /// Where the peer sends RTP to (and RTCP, if multiplexed).
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where the peer sends RTCP to, if it is not multiplexed.
    pub fn local_rtcp_addr(&self) -> Option<SocketAddr> {
        self.local_rtcp
    }

    /// The key that we protect with, if SRTP is on.
    pub fn srtp_parameters(&self) -> Option<&SrtpParameters> {
        self.srtp.as_deref()
    }

    /// What the peer needs to know of our SCTP, if the options enabled it.
    pub fn sctp_parameters(&self) -> Option<&SctpParameters> {
        self.sctp.as_ref()
    }

    /// Tells the transport its peer's address and key; once.
    ///
    /// # Errors
    /// `InvalidParameters` without an address where `comedia` is off, or if it
    /// was connected before; `Crypto` if the key does not fit the profile;
    /// `NotFound` if the transport is closed.
    pub async fn connect(&self, remote: PlainRemote) -> Result<()> {
        self.handle.place.act(Command::ConnectPlainTransport(self.id(), remote)).await
    }
}

/// A transport that ends in this process. What its consumers get comes as
/// [`Event::Rtp`](crate::Event::Rtp).
#[derive(Clone)]
pub struct DirectTransport {
    handle: TransportHandle,
}

transport!(DirectTransport);

impl DirectTransport {
    pub(super) fn new(handle: TransportHandle) -> Self {
        Self { handle }
    }

    /// Feeds one RTP packet, in the clear, to a producer of this transport.
    ///
    /// # Errors
    /// `NotFound` if there is no such producer; `InvalidParameters` if it is
    /// of another transport or the packet is longer than 1,600 bytes.
    pub async fn send_rtp(&self, producer: ProducerId, packet: bytes::Bytes) -> Result<()> {
        self.handle.place.act(Command::SendRtp(self.id(), producer, packet)).await
    }

    /// Takes in a compound RTCP packet, in the clear: what a peer would send.
    /// Requests for lost packets and key frames of consumers of this transport
    /// are heeded, and so are reports. What a peer would be sent comes by
    /// [`Event::Rtcp`](crate::Event::Rtcp).
    ///
    /// # Errors
    /// `NotFound` if it is closed; `InvalidParameters` if the packet is longer
    /// than 1,600 bytes.
    pub async fn send_rtcp(&self, packet: bytes::Bytes) -> Result<()> {
        self.handle.place.act(Command::SendRtcp(self.id(), packet)).await
    }

    /// Feeds several packets, in their order: cheaper than one by one.
    ///
    /// # Errors
    /// As [`send_rtp`](Self::send_rtp), for the first packet that is refused;
    /// the others are taken all the same.
    pub async fn send_rtp_batch(
        &self,
        producer: ProducerId,
        mut packets: Vec<bytes::Bytes>,
    ) -> Result<()> {
        let place = &self.handle.place;
        let mut posted = Vec::with_capacity(packets.len().div_ceil(Command::MAX_BATCH));
        // All are on their way before the first is waited for, so that other
        // calls cannot come between them.
        while !packets.is_empty() {
            let rest = packets.split_off(packets.len().min(Command::MAX_BATCH));
            let batch =
                Command::SendRtpBatch(self.id(), producer, std::mem::replace(&mut packets, rest));
            posted.push(place.client().submit(place.shard, batch));
        }
        let mut outcome = Ok(());
        for pending in posted {
            let ended = pending.await.map(|_| ());
            outcome = outcome.and(ended);
        }
        outcome
    }
}
