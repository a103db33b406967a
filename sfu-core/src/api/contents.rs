//! Handles of everything in a router, for who has none: after a restore.

use super::consumer::Consumer;
use super::data_consumer::DataConsumer;
use super::data_producer::DataProducer;
use super::error::{Error, ErrorKind, Result};
use super::observer::{ActiveSpeakerObserver, AudioLevelObserver};
use super::params::{
    DtlsParameters, DtlsRole, IceParameters, RtpParameters, SctpParameters,
    WebRtcTransportParameters,
};
use super::pipe::{PipeConsumer, PipeTransport};
use super::producer::Producer;
use super::router::{Place, Router};
use super::transport::{DirectTransport, PlainTransport, WebRtcTransport};
use crate::engine::{Command, Reply};
use crate::route::{
    ConsumerDescription, DataConsumerDescription, DataProducerDescription, ObserverDump,
    ProducerDescription, RouterDescription, RouterDump, TransportAccess, TransportDescription,
};

/// Handles of everything in a router, as [`Router::contents`] gives them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterContents {
    /// The same by ids, and what is on which transport.
    pub dump: RouterDump,
    /// Transports for WebRTC endpoints.
    pub webrtc_transports: Vec<WebRtcTransport>,
    /// Transports for RTP without ICE.
    pub plain_transports: Vec<PlainTransport>,
    /// Transports to other routers.
    pub pipe_transports: Vec<PipeTransport>,
    /// Transports that end in this process.
    pub direct_transports: Vec<DirectTransport>,
    /// Producers of all transports.
    pub producers: Vec<Producer>,
    /// Consumers of all transports but pipes.
    pub consumers: Vec<Consumer>,
    /// Consumers of pipes.
    pub pipe_consumers: Vec<PipeConsumer>,
    /// Data producers of all transports.
    pub data_producers: Vec<DataProducer>,
    /// Data consumers of all transports.
    pub data_consumers: Vec<DataConsumer>,
    /// Observers of dominant speakers.
    pub active_speaker_observers: Vec<ActiveSpeakerObserver>,
    /// Observers of loudness.
    pub audio_level_observers: Vec<AudioLevelObserver>,
}

impl Router {
    /// Handles of everything in it, for a program that took up a router by
    /// [`Sfu::restore_router`](super::Sfu::restore_router) or that lost track.
    /// They carry what was negotiated, as those did that made the things.
    /// Candidates and fingerprints of WebRTC transports are those of this
    /// `Sfu`.
    ///
    /// ```no_run
    /// # async fn run(sfu: sfu_core::Sfu, snapshot: bytes::Bytes) -> sfu_core::Result<()> {
    /// let room = sfu.restore_router(snapshot, sfu_core::RouterOptions::default()).await?;
    /// for consumer in room.contents().await?.consumers {
    ///     println!("{}: {}", consumer.rtp_parameters().codecs[0].mime_type, consumer.id());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the router is closed.
    pub async fn contents(&self) -> Result<RouterContents> {
        let description = self.description().await?;
        let mut contents = RouterContents {
            webrtc_transports: Vec::new(),
            plain_transports: Vec::new(),
            pipe_transports: Vec::new(),
            direct_transports: Vec::new(),
            producers: each(&description.producers, |it| self.known_producer(it))?,
            consumers: Vec::new(),
            pipe_consumers: Vec::new(),
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
            active_speaker_observers: Vec::new(),
            audio_level_observers: Vec::new(),
            dump: description.dump.clone(),
        };
        for it in &description.transports {
            match self.known_transport(it) {
                Known::WebRtc(transport) => contents.webrtc_transports.push(transport),
                Known::Plain(transport) => contents.plain_transports.push(transport),
                Known::Pipe(transport) => contents.pipe_transports.push(transport),
                Known::Direct(transport) => contents.direct_transports.push(transport),
            }
        }
        let (piped, own) = description.consumers();
        contents.consumers = each(own, |it| self.known_consumer(it))?;
        contents.pipe_consumers = each(piped, |legs| self.known_pipe_consumer(&legs))?;
        let data_producers = description.data_producers.iter();
        contents.data_producers = data_producers.map(|it| self.known_data_producer(it)).collect();
        let data_consumers = description.data_consumers.iter();
        contents.data_consumers = data_consumers.map(|it| self.known_data_consumer(it)).collect();
        for it in &description.dump.observers {
            match self.known_observer(it) {
                KnownObserver::ActiveSpeaker(it) => contents.active_speaker_observers.push(it),
                KnownObserver::AudioLevel(it) => contents.audio_level_observers.push(it),
            }
        }
        Ok(contents)
    }

    pub(super) async fn description(&self) -> Result<RouterDescription> {
        match self.place().call(Command::DescribeRouter(self.id())).await? {
            Reply::RouterDescription(description) => Ok(*description),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) fn known_transport(&self, it: &TransportDescription) -> Known {
        let mut handle = self.handle(it.id);
        if let Some(cname) = &it.cname {
            handle.set_cname(cname);
        }
        match &it.access {
            TransportAccess::WebRtc { ice, fingerprints, sctp } => {
                let Place { shared, shard, .. } = self.place();
                let parameters = WebRtcTransportParameters {
                    id: it.id.to_string(),
                    ice_parameters: IceParameters::lite(ice),
                    ice_candidates: shared.candidates(*shard),
                    dtls_parameters: DtlsParameters {
                        role: DtlsRole::Auto,
                        fingerprints: fingerprints.clone(),
                    },
                    sctp_parameters: sctp.as_ref().map(SctpParameters::from),
                };
                Known::WebRtc(WebRtcTransport::new(handle, parameters))
            }
            TransportAccess::Plain { local, local_rtcp, srtp, sctp } => {
                let (local, local_rtcp, srtp) = (*local, *local_rtcp, srtp.clone());
                Known::Plain(PlainTransport::new(handle, local, local_rtcp, srtp, *sctp))
            }
            TransportAccess::Pipe { local, srtp } => {
                Known::Pipe(PipeTransport::adopt(handle, *local, srtp.clone()))
            }
            TransportAccess::Direct => Known::Direct(DirectTransport::new(handle)),
        }
    }

    pub(super) fn known_producer(&self, it: &ProducerDescription) -> Result<Producer> {
        let parameters = negotiated(&it.parameters)?;
        Ok(Producer::new(self.place().clone(), it.id, it.kind, parameters))
    }

    pub(super) fn known_consumer(&self, it: &ConsumerDescription) -> Result<Consumer> {
        let parameters = negotiated(&it.parameters)?;
        Ok(Consumer::new(self.place().clone(), it.id, it.kind, parameters))
    }

    /// The first leg has the parameters of all.
    pub(super) fn known_pipe_consumer(&self, legs: &Legs<'_>) -> Result<PipeConsumer> {
        let parameters = negotiated(&legs.first.parameters)?;
        let ids = legs.all.iter().map(|leg| leg.id).collect();
        Ok(PipeConsumer::adopt(self.place().clone(), ids, legs.first.kind, parameters))
    }

    pub(super) fn known_data_producer(&self, it: &DataProducerDescription) -> DataProducer {
        DataProducer::new(self.place().clone(), it.id, it.stream, it.parameters.clone())
    }

    pub(super) fn known_data_consumer(&self, it: &DataConsumerDescription) -> DataConsumer {
        let place = self.place().clone();
        DataConsumer::new(place, it.id, it.producer, it.stream, it.parameters.clone())
    }

    pub(super) fn known_observer(&self, it: &ObserverDump) -> KnownObserver {
        let place = self.place().clone();
        if it.kind == "active-speaker" {
            KnownObserver::ActiveSpeaker(ActiveSpeakerObserver::new(place, it.id))
        } else {
            KnownObserver::AudioLevel(AudioLevelObserver::new(place, it.id))
        }
    }
}

/// A transport of any kind.
pub(super) enum Known {
    WebRtc(WebRtcTransport),
    Plain(PlainTransport),
    Pipe(PipeTransport),
    Direct(DirectTransport),
}

/// An observer of either kind.
pub(super) enum KnownObserver {
    ActiveSpeaker(ActiveSpeakerObserver),
    AudioLevel(AudioLevelObserver),
}

/// The consumers that carry one producer, one for each of its encodings.
pub(super) struct Legs<'a> {
    pub(super) first: &'a ConsumerDescription,
    pub(super) all: Vec<&'a ConsumerDescription>,
}

impl RouterDescription {
    /// Consumers that carry all encodings of a producer, together what belongs
    /// together, and the others.
    pub(super) fn consumers(&self) -> (Vec<Legs<'_>>, Vec<&ConsumerDescription>) {
        let (mut piped, mut own) = (Vec::<Legs<'_>>::new(), Vec::new());
        for it in &self.consumers {
            match it.leg {
                None => own.push(it),
                Some(0) => piped.push(Legs { first: it, all: vec![it] }),
                // They were made one after the other.
                Some(_) => piped.last_mut().into_iter().for_each(|legs| legs.all.push(it)),
            }
        }
        (piped, own)
    }
}

/// Handles of all of these.
fn each<I: IntoIterator, T>(of: I, known: impl Fn(I::Item) -> Result<T>) -> Result<Vec<T>> {
    of.into_iter().map(known).collect()
}

/// What [`as_json`](super::lower::as_json) kept.
fn negotiated(json: &str) -> Result<RtpParameters> {
    serde_json::from_str(json).map_err(|error| Error::caused(ErrorKind::Internal, error))
}
