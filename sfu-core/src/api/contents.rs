//! Handles of everything in a router, for who has none: after a restore.

use std::collections::BTreeMap;

use super::consumer::Consumer;
use super::data_consumer::DataConsumer;
use super::data_producer::DataProducer;
use super::error::Result;
use super::observer::{ActiveSpeakerObserver, AudioLevelObserver};
use super::params::{
    DtlsParameters, DtlsRole, IceParameters, RtpParameters, WebRtcTransportParameters,
};
use super::pipe::{PipeConsumer, PipeTransport};
use super::producer::Producer;
use super::router::Router;
use super::transport::{DirectTransport, PlainTransport, WebRtcTransport};
use crate::route::RouterDump;
use sfu_ice::ChannelParameters;

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
    ///
    /// What was negotiated is not told again: the parameters that these handles
    /// carry (RTP, ICE, SRTP, SCTP streams) are empty.
    ///
    /// ```no_run
    /// # async fn run(sfu: sfu_core::Sfu, snapshot: bytes::Bytes) -> sfu_core::Result<()> {
    /// let room = sfu.restore_router(snapshot, sfu_core::RouterOptions::default()).await?;
    /// for consumer in room.contents().await?.consumers {
    ///     println!("{}: {}", consumer.id(), consumer.explain().await?.reason);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if the router is closed, or something in it meanwhile.
    pub async fn contents(&self) -> Result<RouterContents> {
        let dump = self.dump().await?;
        let mut contents = RouterContents {
            webrtc_transports: Vec::new(),
            plain_transports: Vec::new(),
            pipe_transports: Vec::new(),
            direct_transports: Vec::new(),
            producers: Vec::new(),
            consumers: Vec::new(),
            pipe_consumers: Vec::new(),
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
            active_speaker_observers: Vec::new(),
            audio_level_observers: Vec::new(),
            dump,
        };
        let (place, empty) = (self.place(), RtpParameters::default);
        let transports = contents.dump.transports.clone();
        for transport in transports {
            let handle = self.handle(transport.id);
            let piped = transport.kind == "pipe";
            match transport.kind.as_str() {
                "webrtc" => {
                    let unknown = IceParameters {
                        username_fragment: String::new(),
                        password: String::new(),
                        ice_lite: true,
                    };
                    let parameters = WebRtcTransportParameters {
                        id: transport.id.to_string(),
                        ice_parameters: unknown,
                        ice_candidates: Vec::new(),
                        dtls_parameters: DtlsParameters {
                            role: DtlsRole::Auto,
                            fingerprints: Vec::new(),
                        },
                        sctp_parameters: None,
                    };
                    contents.webrtc_transports.push(WebRtcTransport::new(handle, parameters));
                }
                "plain" => {
                    let tuple = handle.stats().await?.tuple;
                    let unknown = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
                    let local = tuple.map_or(unknown, |tuple| tuple.local);
                    let transport = PlainTransport::new(handle, local, None, None, None);
                    contents.plain_transports.push(transport);
                }
                "pipe" => contents.pipe_transports.push(PipeTransport::adopt(handle)),
                _ => contents.direct_transports.push(DirectTransport::new(handle)),
            }
            for id in transport.producers {
                let kind = Producer::new(place.clone(), id, crate::wire::MediaKind::Audio, empty());
                let kind = kind.stats().await?.kind;
                contents.producers.push(Producer::new(place.clone(), id, kind, empty()));
            }
            let mut carried: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for id in transport.consumers {
                let unknown =
                    Consumer::new(place.clone(), id, crate::wire::MediaKind::Audio, empty());
                let stats = unknown.stats().await?;
                if piped {
                    carried.entry((stats.producer, stats.kind.as_str())).or_default().push(stats);
                } else {
                    let consumer = Consumer::new(place.clone(), id, stats.kind, empty());
                    contents.consumers.push(consumer);
                }
            }
            for legs in carried.into_values() {
                let Some(kind) = legs.first().map(|leg| leg.kind) else { continue };
                let ids = legs.iter().map(|leg| leg.id).collect();
                contents.pipe_consumers.push(PipeConsumer::adopt(place.clone(), ids, kind));
            }
            for id in transport.data_producers {
                let unknown =
                    DataProducer::new(place.clone(), id, None, ChannelParameters::new(""));
                let stats = unknown.stats().await?;
                let mut channel = ChannelParameters::new(stats.label);
                channel.protocol = stats.protocol;
                contents.data_producers.push(DataProducer::new(place.clone(), id, None, channel));
            }
            for id in transport.data_consumers {
                let stats = DataConsumer::stats_of(place, id).await?;
                let mut channel = ChannelParameters::new(stats.label);
                channel.protocol = stats.protocol;
                let consumer = DataConsumer::new(place.clone(), id, stats.producer, None, channel);
                contents.data_consumers.push(consumer);
            }
        }
        for observer in &contents.dump.observers {
            match observer.kind.as_str() {
                "active-speaker" => contents
                    .active_speaker_observers
                    .push(ActiveSpeakerObserver::new(place.clone(), observer.id)),
                _ => contents
                    .audio_level_observers
                    .push(AudioLevelObserver::new(place.clone(), observer.id)),
            }
        }
        Ok(contents)
    }
}
