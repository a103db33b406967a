//! Pipes: routers joined into one room.

use std::net::SocketAddr;
use std::sync::Arc;

use sfu_ice::SrtpProfile;

use super::data_consumer::DataConsumer;
use super::data_options::{DataConsumeOptions, DataProduceOptions};
use super::data_producer::DataProducer;
use super::error::{Error, ErrorKind, Result};
use super::lower::consumer_config;
use super::options::{PipeTransportOptions, ProduceOptions};
use super::params::RtpParameters;
use super::params::ortc::pipe_parameters;
use super::producer::{Producer, consumable};
use super::router::{Place, Router};
use super::trace::{OF_CONSUMERS, traced};
use super::transport::{SrtpParameters, TransportHandle};
use crate::engine::{Command, Reply};
use crate::host::PipeListen;
use crate::route::{
    ConsumerId, ConsumerStats, PlainRemote, ProducerId, SrtpMaster, TraceType, TransportId,
    TransportStats,
};
use crate::wire::MediaKind;

/// One end of a pipe between two routers. What one end
/// [`consume`](Self::consume)s, the other [`produce`](Self::produce)s.
///
/// All encodings of a producer go through, but only the layers that somebody
/// beyond wants: nobody there costs nothing but a message each second. Between
/// two routers of one [`Sfu`](super::Sfu) use
/// [`Router::pipe_to_router`](super::Router::pipe_to_router), which does all
/// of this:
///
/// ```no_run
/// # async fn run(here: sfu_core::Router, camera: sfu_core::ProducerId,
/// #     signal: impl Fn(&str) -> (sfu_core::PlainRemote, sfu_core::Router)) -> sfu_core::Result<()> {
/// use sfu_core::{PipeTransportOptions, ProduceOptions, SrtpProfile};
/// let options = PipeTransportOptions::new("0.0.0.0:0".parse().unwrap())
///     .srtp(SrtpProfile::AeadAes256Gcm);
/// let near = here.create_pipe_transport(options).await?;
/// // On the other host another pipe was made; the two learn of each other.
/// let (remote, there) = signal("address and key of `near`");
/// near.connect(remote).await?;
/// let piped = near.consume(camera).await?;
/// // And there, with these parameters:
/// # let far = there.create_pipe_transport(PipeTransportOptions::new("0.0.0.0:0".parse().unwrap())).await?;
/// let options = ProduceOptions::new(piped.kind(), piped.rtp_parameters().clone());
/// let camera = far.produce(options).await?;
/// # Ok(()) }
/// ```
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct PipeTransport {
    handle: TransportHandle,
    local: Option<SocketAddr>,
    srtp: Option<Arc<SrtpParameters>>,
    /// Lost packets are asked for and sent again.
    repair: bool,
}

impl PipeTransport {
    fn new(
        handle: TransportHandle,
        local: Option<SocketAddr>,
        srtp: Option<(SrtpProfile, SrtpMaster)>,
        repair: bool,
    ) -> Self {
        let srtp = srtp.map(|(profile, master)| Arc::new(SrtpParameters { profile, master }));
        Self { handle, local, srtp, repair }
    }

    /// A handle of a pipe that was made before. Whether it was to have RTX is
    /// not known any more, and what it consumes from now on has it.
    pub(super) fn adopt(
        handle: TransportHandle,
        local: Option<SocketAddr>,
        srtp: Option<(SrtpProfile, SrtpMaster)>,
    ) -> Self {
        Self::new(handle, local, srtp, true)
    }

    pub(super) fn handle(&self) -> &TransportHandle {
        &self.handle
    }

    /// Its identity.
    pub fn id(&self) -> TransportId {
        self.handle.id
    }

    /// Where the peer sends to; `None` for a pipe inside the process.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The key that we protect with, if SRTP is on.
    pub fn srtp_parameters(&self) -> Option<&SrtpParameters> {
        self.srtp.as_deref()
    }

    /// Tells a pipe over UDP its peer's address and key; once.
    ///
    /// # Errors
    /// `InvalidParameters` without an address, if it was connected before, or
    /// if it is inside the process; `Crypto` if the key does not fit the
    /// profile; `NotFound` if the transport is closed.
    pub async fn connect(&self, remote: PlainRemote) -> Result<()> {
        self.handle.place.act(Command::ConnectPipeTransport(self.id(), remote)).await
    }

    /// Carries a producer of the router to the other end, with all its
    /// encodings.
    ///
    /// # Errors
    /// `NotFound` if the producer or the transport is closed; `Limit` if the
    /// transport has too many.
    pub async fn consume(&self, producer: ProducerId) -> Result<PipeConsumer> {
        let (kind, parameters) = self.offered(producer).await?;
        self.handle.consume_all(producer, kind, parameters, false).await
    }

    /// Takes in what the other end sends: parameters are those of its
    /// [`PipeConsumer`]. The producer is paused while its origin is, and closed
    /// with it.
    ///
    /// # Errors
    /// `InvalidParameters` names the field that is wrong; `Incompatible` if
    /// this router does not have the codec; `NotFound` if the transport is
    /// closed; `Limit` if it has too many.
    pub async fn produce(&self, options: ProduceOptions) -> Result<Producer> {
        self.handle.produce(options).await
    }

    /// Carries the messages of a data producer of the router to the other end,
    /// which tells [`Event::DataChannelOpened`](crate::Event::DataChannelOpened)
    /// with a data producer of its own; or, if the channel is
    /// [`negotiated`](DataConsumeOptions::negotiated), takes it in by
    /// [`produce_data`](Self::produce_data). Either end's closing closes the
    /// other's.
    ///
    /// ```no_run
    /// # async fn run(here: sfu_core::PipeTransport, there: sfu_core::PipeTransport,
    /// #     chat: sfu_core::DataProducer) -> sfu_core::Result<()> {
    /// use sfu_core::{DataConsumeOptions, DataProduceOptions};
    /// let crossing = here.consume_data(DataConsumeOptions::new(chat.id()).negotiated()).await?;
    /// let stream = crossing.sctp_stream_parameters().expect("a pipe has streams");
    /// // What was told to the other end by signalling:
    /// let chat = there.produce_data(DataProduceOptions::new("chat").stream(stream)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the data producer or the transport is closed;
    /// `InvalidParameters` for a stream that is in use; `Limit` if it has too
    /// many.
    #[allow(clippy::needless_pass_by_value)]
    pub async fn consume_data(&self, options: DataConsumeOptions) -> Result<DataConsumer> {
        self.handle.consume_data(&options).await
    }

    /// Takes in a channel that the other end opened as
    /// [`negotiated`](DataConsumeOptions::negotiated).
    ///
    /// # Errors
    /// As [`consume_data`](Self::consume_data).
    #[allow(clippy::needless_pass_by_value)]
    pub async fn produce_data(&self, options: DataProduceOptions) -> Result<DataProducer> {
        self.handle.produce_data(&options).await
    }

    /// Has [`Event::TransportTrace`](crate::Event::TransportTrace) told of these
    /// types from now on: [`TraceType::Bwe`], or none.
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

    /// Closes it with its producers and consumers. Inside the process the other
    /// end is closed too.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.handle.close().await
    }

    /// Kind of a producer, and what would go through this pipe.
    async fn offered(&self, producer: ProducerId) -> Result<(MediaKind, RtpParameters)> {
        let (kind, consumable) = consumable(&self.handle.place, producer).await?;
        let shared = &self.handle.place.shared;
        let mut parameters = pipe_parameters(&consumable, self.repair, || shared.random_ssrc());
        let cname = &mut parameters.rtcp.cname;
        cname.get_or_insert_with(|| self.handle.cname().to_owned());
        Ok((kind, parameters))
    }
}

impl TransportHandle {
    /// Makes a consumer of each encoding of a producer.
    pub(super) async fn consume_all(
        &self,
        producer: ProducerId,
        kind: MediaKind,
        parameters: RtpParameters,
        paused: bool,
    ) -> Result<PipeConsumer> {
        let mut config = consumer_config(kind, &parameters, paused, None)?;
        config.producer = Some(producer);
        let legs = parameters.encodings.iter().map(|encoding| {
            let mut leg = config.clone();
            leg.ssrc = encoding.ssrc.unwrap_or(config.ssrc);
            leg.rtx_ssrc = encoding.rtx.map(|rtx| rtx.ssrc);
            // They are those of all legs: kept once.
            leg.parameters = std::mem::take(&mut config.parameters);
            leg
        });
        let command = Command::ConsumePipe(self.id, legs.collect());
        match self.place.call(command).await? {
            Reply::PipeConsumers(ids) => {
                let place = self.place.clone();
                Ok(PipeConsumer { place, ids: ids.into(), kind, parameters: Arc::new(parameters) })
            }
            _ => Err(Error::unexpected_reply()),
        }
    }
}

impl std::fmt::Debug for PipeTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipeTransport").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// A producer on its way through a pipe, or to a receiver that takes all its
/// encodings as they are. It is closed with the producer.
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct PipeConsumer {
    place: Place,
    ids: Arc<[ConsumerId]>,
    kind: MediaKind,
    parameters: Arc<RtpParameters>,
}

impl PipeConsumer {
    /// A handle of a consumer that was made before.
    pub(super) fn adopt(
        place: Place,
        ids: Arc<[ConsumerId]>,
        kind: MediaKind,
        parameters: RtpParameters,
    ) -> Self {
        Self { place, ids, kind, parameters: Arc::new(parameters) }
    }

    /// The consumers that carry it, one for each encoding, the smallest first.
    pub fn ids(&self) -> &[ConsumerId] {
        &self.ids
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// What is sent: at the other end of a pipe, what to
    /// [`produce`](PipeTransport::produce).
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.parameters
    }

    /// Sends nothing until [`resume`](Self::resume); the producer at the other
    /// end of a pipe is paused meanwhile.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn pause(&self) -> Result<()> {
        self.each(Command::PauseConsumer).await
    }

    /// Sends again; video from the next key frame on, which is asked for.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn resume(&self) -> Result<()> {
        self.each(Command::ResumeConsumer).await
    }

    /// Asks the publisher for a key frame of each encoding. Requests for the
    /// same stream are coalesced.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn request_key_frame(&self) -> Result<()> {
        self.each(Command::RequestKeyFrame).await
    }

    /// Has [`Event::ConsumerTrace`](crate::Event::ConsumerTrace) told of these types
    /// from now on; none of them is none. For debugging: each packet is an
    /// event, and who reads too slowly loses some.
    ///
    /// # Errors
    /// `InvalidParameters` for a type that consumers do not have; `NotFound` if it
    /// is closed.
    pub async fn enable_trace_event(&self, types: &[TraceType]) -> Result<()> {
        let types = traced(types, OF_CONSUMERS)?;
        self.each(|id| Command::TraceConsumer(id, types)).await
    }

    /// Figures of each encoding, the smallest first.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn stats(&self) -> Result<Vec<ConsumerStats>> {
        let mut all = Vec::with_capacity(self.ids.len());
        for id in self.ids.iter() {
            match self.place.call(Command::ConsumerStats(*id)).await? {
                Reply::ConsumerStats(stats) => all.push(*stats),
                _ => return Err(Error::unexpected_reply()),
            }
        }
        Ok(all)
    }

    /// Closes it, and with it the producer at the other end of a pipe.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.each(Command::CloseConsumer).await
    }

    async fn each(&self, command: impl Fn(ConsumerId) -> Command) -> Result<()> {
        for id in self.ids.iter() {
            self.place.act(command(*id)).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for PipeConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipeConsumer")
            .field("ids", &self.ids)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A producer and its like in another router of the same `Sfu`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipedProducer {
    /// The way into the pipe, in the router where the producer is.
    pub consumer: PipeConsumer,
    /// The producer at the other end.
    pub producer: Producer,
}

impl Router {
    /// A transport to a router elsewhere: on another host, or in another
    /// process.
    ///
    /// # Errors
    /// `Io` if the address cannot be bound; otherwise as
    /// [`create_webrtc_transport`](Self::create_webrtc_transport).
    pub async fn create_pipe_transport(
        &self,
        options: PipeTransportOptions,
    ) -> Result<PipeTransport> {
        let PipeTransportOptions { listen, srtp, rtx, demand } = options;
        let listen = PipeListen { address: listen, srtp, demand };
        let Place { shard, router, .. } = *self.place();
        match self.place().client().submit_pipe(shard, router, listen).await? {
            Reply::PipeTransport { transport, local, srtp: master } => {
                let handle = self.handle(transport);
                Ok(PipeTransport::new(handle, local, srtp.zip(master), rtx))
            }
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Makes a producer of this router available in another router of the same
    /// `Sfu`, on whichever shard that is: the way to spread a room over several
    /// cores. Put a receiver's transport on the other router, and have it
    /// consume the producer that this gives.
    ///
    /// Media crosses only while somebody there wants it, and only the layers
    /// that are wanted. Two routers share one pipe, whatever crosses it in
    /// either direction; asked again for the same producer, this gives the same
    /// again. For routers of two processes see [`PipeTransport`].
    ///
    /// ```no_run
    /// # async fn run(sfu: sfu_core::Sfu, here: sfu_core::Router, camera: sfu_core::Producer,
    /// #     receiver: sfu_core::api::params::RtpCapabilities) -> sfu_core::Result<()> {
    /// use sfu_core::{ConsumeOptions, RouterOptions, WebRtcTransportOptions};
    /// let there = sfu.create_router(RouterOptions::default()).await?;
    /// let piped = here.pipe_to_router(camera.id(), &there).await?;
    /// let viewer = there.create_webrtc_transport(WebRtcTransportOptions::default()).await?;
    /// let view = viewer.consume(ConsumeOptions::new(piped.producer.id(), receiver)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidParameters` if it is the same router or one of another `Sfu`;
    /// `Incompatible` if the other router does not have the codec; `NotFound`
    /// if the producer or one of the routers is closed.
    pub async fn pipe_to_router(&self, producer: ProducerId, to: &Self) -> Result<PipedProducer> {
        self.check_other(to)?;
        let (book, key) = (self.place().client().pipes(), (producer, to.id()));
        if let Some(known) = book.piped(key) {
            let piped = self.restore_piped(&known, to);
            // One end closes before the other has heard of it.
            if !is_closed(piped.consumer.stats().await) && !is_closed(piped.producer.stats().await)
            {
                return Ok(piped);
            }
            book.forget_piped(key);
        }
        let (near, far) = self.pipe_to(to).await?;
        let (kind, parameters) = near.offered(producer).await?;
        // The near end first: a producer there without one would be closed.
        let consumer = near.handle.consume_all(producer, kind, parameters.clone(), false).await?;
        let made = match far.produce(ProduceOptions::new(kind, parameters)).await {
            Ok(made) => made,
            Err(error) => {
                // The first error is the one to tell.
                let _ = consumer.close().await;
                return Err(error);
            }
        };
        let known = Piped {
            consumers: Arc::clone(&consumer.ids),
            producer: made.id(),
            kind,
            parameters: Arc::clone(&consumer.parameters),
        };
        let winner = book.add_piped(key, known);
        if winner.producer != made.id() {
            // Somebody else piped the same meanwhile. This end takes the other
            // with it; either may be gone already.
            let _ = consumer.close().await;
            return Ok(self.restore_piped(&winner, to));
        }
        Ok(PipedProducer { consumer, producer: made })
    }

    /// Refuses routers between which there can be no pipe.
    pub(super) fn check_other(&self, to: &Self) -> Result<()> {
        if !Arc::ptr_eq(&self.place().shared, &to.place().shared) || self.id() == to.id() {
            let expected = "router: expected another one of the same Sfu";
            return Err(Error::new(ErrorKind::InvalidParameters, expected));
        }
        Ok(())
    }

    fn restore_piped(&self, known: &Piped, to: &Self) -> PipedProducer {
        let Piped { consumers, producer, kind, parameters } = known.clone();
        let place = self.place().clone();
        let handle = Producer::new(to.place().clone(), producer, kind, (*parameters).clone());
        let consumer = PipeConsumer { place, ids: consumers, kind, parameters };
        PipedProducer { consumer, producer: handle }
    }

    /// The two ends of the pipe to another router: that which is there, or a
    /// new one.
    pub(super) async fn pipe_to(&self, to: &Self) -> Result<(PipeTransport, PipeTransport)> {
        let client = self.place().client();
        let book = client.pipes();
        let ends = |(near, far)| {
            let near = PipeTransport::new(self.handle(near), None, None, false);
            (near, PipeTransport::new(to.handle(far), None, None, false))
        };
        if let Some(pair) = book.pair(self.id(), to.id()) {
            return Ok(ends(pair));
        }
        let (here, there) = (self.place(), to.place());
        let (near, far) = client.link(here.shard, there.shard)?;
        let near = linked(&client.submit_link(here.shard, here.router, near).await?)?;
        // If this fails, the other end of the link is gone, and the near pipe
        // with it.
        let far = linked(&client.submit_link(there.shard, there.router, far).await?)?;
        let winner = book.add_pair((self.id(), to.id()), (near, far));
        let made = ends((near, far));
        if winner != (near, far) {
            // Its other end follows.
            let _ = made.0.close().await;
        }
        Ok(ends(winner))
    }
}

fn linked(reply: &Reply) -> Result<TransportId> {
    match reply {
        Reply::PipeTransport { transport, .. } => Ok(*transport),
        _ => Err(Error::unexpected_reply()),
    }
}

/// What was piped from one router to another.
#[derive(Clone, Debug)]
pub(crate) struct Piped {
    consumers: Arc<[ConsumerId]>,
    producer: ProducerId,
    kind: MediaKind,
    parameters: Arc<RtpParameters>,
}

impl Piped {
    /// The producer at the other end.
    pub(super) fn producer(&self) -> ProducerId {
        self.producer
    }
}

/// Whether something is closed, by what it answers.
pub(super) fn is_closed<T>(answer: Result<T>) -> bool {
    matches!(answer, Err(error) if error.kind() == ErrorKind::NotFound)
}
