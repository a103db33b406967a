//! A router: a room.

use std::sync::Arc;

use bytes::Bytes;
use sfu_ice::{ChannelParameters, Protocol, canonical};

use super::connection::Connection;
use super::data_producer::DataProducer;
use super::error::{Error, Result};
use super::events::Events;
use super::media_codecs::MediaCodecs;
use super::observer::{ActiveSpeakerObserver, AudioLevelObserver};
use super::options::{PlainTransportOptions, WebRtcTransportOptions};
use super::params::{
    DtlsParameters, DtlsRole, IceParameters, RtpCapabilities, RtpCodecCapability, SctpParameters,
    WebRtcTransportParameters,
};
use super::sfu::Shared;
use super::transport::{DirectTransport, PlainTransport, TransportHandle, WebRtcTransport};
use crate::engine::{Command, Reply};
use crate::host::PlainListen;
use crate::route::{
    ActiveSpeakerOptions, AudioLevelOptions, DataProducerId, PlainConfig, ProducerId, RouterDump,
    RouterId, SpeakerOptions, Speakers,
};

/// A room: transports bring producers into it, and consumers follow them.
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct Router {
    place: Place,
    codecs: Arc<MediaCodecs>,
}

/// Where a thing lives: its router and the shard of that.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: usize,
    pub(crate) router: RouterId,
}

impl Place {
    pub(crate) async fn call(&self, command: Command) -> Result<Reply> {
        self.client().submit(self.shard, command).await
    }

    /// A call that has nothing to answer but that it is done.
    pub(crate) async fn act(&self, command: Command) -> Result<()> {
        match self.call(command).await? {
            Reply::Done => Ok(()),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(crate) fn client(&self) -> &Connection {
        &self.shared.client
    }
}

impl Router {
    pub(super) fn new(
        shared: Arc<Shared>,
        shard: usize,
        router: RouterId,
        capabilities: RtpCapabilities,
    ) -> Self {
        let codecs = Arc::new(MediaCodecs::new(capabilities));
        Self { place: Place { shared, shard, router }, codecs }
    }

    /// Its identity.
    pub fn id(&self) -> RouterId {
        self.place.router
    }

    /// The shard that runs it.
    pub fn shard(&self) -> usize {
        self.place.shard
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// What it can route now, with its own payload types and extension ids.
    pub fn rtp_capabilities(&self) -> Arc<RtpCapabilities> {
        self.codecs.capabilities()
    }

    /// Has it route these codecs from now on, the preferred one first, in place
    /// of those that it had; all its handles see it, and those of its
    /// transports. Gives the new capabilities.
    ///
    /// Whatever there is goes on as it is: producers of codecs that it routes no
    /// longer can still be consumed, and consumers stay. A codec that it ever had
    /// has the payload type that it had then, if these codecs do not prefer
    /// others, and no other codec gets that while there are free ones. So peers
    /// that were told of the former capabilities can use theirs with what stays.
    ///
    /// ```no_run
    /// # async fn run(room: sfu_core::Router) -> sfu_core::Result<()> {
    /// use sfu_core::api::params::default_codecs;
    /// let codecs = default_codecs().into_iter().filter(|codec| codec.mime_type != "video/AV1");
    /// let before = room.rtp_capabilities();
    /// let after = room.update_media_codecs(&codecs.collect::<Vec<_>>())?;
    /// assert!(after.codecs.iter().all(|codec| before.codecs.contains(codec)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidParameters` for codecs that cannot be routed; it keeps those that
    /// it has.
    pub fn update_media_codecs(
        &self,
        codecs: &[RtpCodecCapability],
    ) -> Result<Arc<RtpCapabilities>> {
        self.codecs.update(codecs)
    }

    /// A transport for a browser or another WebRTC endpoint.
    ///
    /// # Errors
    /// `NotFound` if the router is closed; `Limit` if it is full.
    pub async fn create_webrtc_transport(
        &self,
        options: WebRtcTransportOptions,
    ) -> Result<WebRtcTransport> {
        let reply = self.place.call(Command::CreateWebRtcTransport(self.id())).await?;
        let Reply::WebRtcTransport { transport, ice, fingerprints } = reply else {
            return Err(Error::unexpected_reply());
        };
        if let Some(sctp) = options.sctp {
            self.place.act(Command::EnableData(transport, sctp)).await?;
        }
        let mut ice_candidates = self.place.shared.candidates(self.place.shard);
        ice_candidates.retain(|candidate| match candidate.protocol {
            Protocol::Udp => options.udp,
            Protocol::Tcp => options.tcp,
        });
        let parameters = WebRtcTransportParameters {
            id: transport.to_string(),
            ice_parameters: IceParameters::lite(&ice),
            ice_candidates,
            dtls_parameters: DtlsParameters { role: DtlsRole::Auto, fingerprints },
            sctp_parameters: options.sctp.as_ref().map(SctpParameters::from),
        };
        Ok(WebRtcTransport::new(self.handle(transport), parameters))
    }

    /// A transport for RTP or SRTP over UDP without ICE, such as GStreamer or
    /// FFmpeg speak.
    ///
    /// # Errors
    /// `Io` if the address cannot be bound; `InvalidParameters` for SCTP ports that
    /// cannot be told from RTP; otherwise as
    /// [`create_webrtc_transport`](Self::create_webrtc_transport).
    pub async fn create_plain_transport(
        &self,
        options: PlainTransportOptions,
    ) -> Result<PlainTransport> {
        let config = PlainConfig {
            local: canonical(options.listen),
            local_rtcp: None,
            comedia: options.comedia,
            srtp: options.srtp,
        };
        let listen = PlainListen { address: options.listen, rtcp_mux: options.rtcp_mux, config };
        let Place { shard, router, .. } = self.place;
        let reply = self.place.client().submit_plain(shard, router, listen).await?;
        match reply {
            Reply::PlainTransport { transport, local, local_rtcp, srtp } => {
                let handle = self.handle(transport);
                let srtp = options.srtp.zip(srtp);
                let made = PlainTransport::new(handle, local, local_rtcp, srtp, options.sctp);
                if let Some(sctp) = options.sctp
                    && let Err(error) = self.place.act(Command::EnableData(transport, sctp)).await
                {
                    made.close().await?;
                    return Err(error);
                }
                Ok(made)
            }
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// A transport that ends in this process: RTP in and out as bytes.
    ///
    /// # Errors
    /// As [`create_webrtc_transport`](Self::create_webrtc_transport).
    pub async fn create_direct_transport(&self) -> Result<DirectTransport> {
        match self.place.call(Command::CreateDirectTransport(self.id())).await? {
            Reply::Transport(transport) => Ok(DirectTransport::new(self.handle(transport))),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// An observer that tells who of its producers is the dominant speaker.
    ///
    /// # Errors
    /// `NotFound` if the router is closed; `Limit` if it has too many.
    pub async fn create_active_speaker_observer(
        &self,
        options: ActiveSpeakerOptions,
    ) -> Result<ActiveSpeakerObserver> {
        let command = Command::CreateActiveSpeakerObserver(self.id(), options);
        match self.place.call(command).await? {
            Reply::RtpObserver(id) => Ok(ActiveSpeakerObserver::new(self.place.clone(), id)),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// An observer that tells how loud its producers are.
    ///
    /// # Errors
    /// As [`create_active_speaker_observer`](Self::create_active_speaker_observer).
    pub async fn create_audio_level_observer(
        &self,
        options: AudioLevelOptions,
    ) -> Result<AudioLevelObserver> {
        let command = Command::CreateAudioLevelObserver(self.id(), options);
        match self.place.call(command).await? {
            Reply::RtpObserver(id) => Ok(AudioLevelObserver::new(self.place.clone(), id)),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Who speaks now, and who spoke before. Changes are told by
    /// [`Event::SpeakersChanged`](crate::Event::SpeakersChanged) and
    /// [`Event::ActiveSpeaker`](crate::Event::ActiveSpeaker).
    ///
    /// # Errors
    /// `NotFound` if the router is closed.
    pub async fn speakers(&self) -> Result<Speakers> {
        match self.place.call(Command::Speakers(self.id())).await? {
            Reply::Speakers(speakers) => Ok(*speakers),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// How many speakers are forwarded to the consumers that follow them.
    ///
    /// # Errors
    /// `NotFound` if the router is closed; `InvalidParameters` for too many.
    pub async fn set_speaker_options(&self, options: SpeakerOptions) -> Result<()> {
        self.place.act(Command::SetSpeakerOptions(self.id(), options)).await
    }

    pub(super) fn handle(&self, id: crate::route::TransportId) -> TransportHandle {
        TransportHandle::new(self.place.clone(), Arc::clone(&self.codecs), id)
    }

    /// Whether a receiver with these capabilities can consume this producer.
    ///
    /// # Errors
    /// `NotFound` if there is no such producer in this router.
    pub async fn can_consume(
        &self,
        producer: ProducerId,
        capabilities: &RtpCapabilities,
    ) -> Result<bool> {
        let (_, consumable) = super::producer::consumable(&self.place, producer).await?;
        Ok(super::params::ortc::can_consume(&consumable, capabilities))
    }

    /// A handle of a data producer that a peer made by opening a channel, from
    /// what [`Event::DataChannelOpened`](crate::Event::DataChannelOpened) told.
    pub fn data_producer(
        &self,
        producer: DataProducerId,
        stream: u16,
        parameters: ChannelParameters,
    ) -> DataProducer {
        DataProducer::new(self.place.clone(), producer, Some(stream), parameters)
    }

    /// What happens in this router; see [`Events::only`] for large ones.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.place.shared), Some(self.id()))
    }

    /// What is in it, by its ids: transports, and their producers, consumers
    /// and data channels, and observers.
    ///
    /// # Errors
    /// `NotFound` if the router is closed.
    pub async fn dump(&self) -> Result<RouterDump> {
        match self.place.call(Command::DumpRouter(self.id())).await? {
            Reply::RouterDump(dump) => Ok(*dump),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// The whole state: transports with their keys, streams, slots, and the
    /// packets that may still be asked for. See
    /// [`Sfu::restore_router`](super::Sfu::restore_router). The bytes hold
    /// secrets.
    ///
    /// # Errors
    /// `NotFound` if the router is closed.
    pub async fn snapshot(&self) -> Result<Bytes> {
        match self.place.call(Command::Snapshot(self.id())).await? {
            Reply::Snapshot(bytes) => Ok(bytes),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Closes the router with all in it.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseRouter(self.id())).await?;
        self.place.shared.router_closed(self.place.shard);
        Ok(())
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("id", &self.id()).finish_non_exhaustive()
    }
}
