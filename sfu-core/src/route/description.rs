//! What everything in a router was made with, copied out on request: for
//! programs that take up a router which they did not make.

use std::net::SocketAddr;

use sfu_ice::{ChannelParameters, Fingerprint, IceCredentials, SctpConfig, SrtpProfile};

use super::config::SrtpMaster;
use super::dump::RouterDump;
use super::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, TransportId};
use super::router::Router;
use super::transport::{Transport, TransportKind};
use crate::wire::MediaKind;

/// Everything in a router, with what it was made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterDescription {
    /// The same by ids, and observers.
    pub dump: RouterDump,
    /// Its transports.
    pub transports: Vec<TransportDescription>,
    /// Producers of all transports.
    pub producers: Vec<ProducerDescription>,
    /// Consumers of all transports in the order in which they were made, those
    /// of pipes one for each encoding.
    pub consumers: Vec<ConsumerDescription>,
    /// Data producers of all transports.
    pub data_producers: Vec<DataProducerDescription>,
    /// Data consumers of all transports.
    pub data_consumers: Vec<DataConsumerDescription>,
}

/// A transport.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransportDescription {
    /// The transport.
    pub id: TransportId,
    /// The name of the streams that it sends, if there are any (RFC 3550
    /// §6.5.1).
    pub cname: Option<String>,
    /// What its peer was told.
    pub access: TransportAccess,
}

/// How a peer comes by a transport.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransportAccess {
    /// By ICE and DTLS.
    WebRtc {
        /// Our ICE credentials.
        ice: IceCredentials,
        /// Fingerprints of our certificate.
        fingerprints: Vec<Fingerprint>,
        /// What data channels were enabled with.
        sctp: Option<SctpConfig>,
    },
    /// By RTP or SRTP over UDP.
    Plain {
        /// Our address for RTP.
        local: SocketAddr,
        /// Our address for RTCP, if it is not multiplexed.
        local_rtcp: Option<SocketAddr>,
        /// Profile, and the key that we protect with, if SRTP is on.
        srtp: Option<(SrtpProfile, SrtpMaster)>,
        /// What SCTP was enabled with.
        sctp: Option<SctpConfig>,
    },
    /// As the other end of a pipe.
    Pipe {
        /// Our address, if it is over UDP.
        local: Option<SocketAddr>,
        /// Profile, and the key that we protect with, if SRTP is on.
        srtp: Option<(SrtpProfile, SrtpMaster)>,
    },
    /// Not at all: it ends in this process.
    Direct,
}

/// A producer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProducerDescription {
    /// The producer.
    pub id: ProducerId,
    /// The transport that it comes by.
    pub transport: TransportId,
    /// Audio or video.
    pub kind: MediaKind,
    /// Whether it is paused.
    pub paused: bool,
    /// [`ProducerConfig::parameters`](super::ProducerConfig::parameters).
    pub parameters: String,
}

/// A consumer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumerDescription {
    /// The consumer.
    pub id: ConsumerId,
    /// The transport that it goes by.
    pub transport: TransportId,
    /// Audio or video.
    pub kind: MediaKind,
    /// What it follows, if anything.
    pub producer: Option<ProducerId>,
    /// Which of the producer's encodings it carries, from 0 on, if it is one of
    /// those that carry all.
    pub leg: Option<u8>,
    /// Whether it is paused itself.
    pub paused: bool,
    /// [`ConsumerConfig::parameters`](super::ConsumerConfig::parameters).
    pub parameters: String,
}

/// A data producer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataProducerDescription {
    /// The data producer.
    pub id: DataProducerId,
    /// The transport that it comes by.
    pub transport: TransportId,
    /// Its channel's stream identifier; none on a direct transport.
    pub stream: Option<u16>,
    /// Label, protocol, order and reliability of its channel.
    pub parameters: ChannelParameters,
    /// Whether it is paused.
    pub paused: bool,
}

/// A data consumer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataConsumerDescription {
    /// The data consumer.
    pub id: DataConsumerId,
    /// The transport that it goes by.
    pub transport: TransportId,
    /// What it follows.
    pub producer: DataProducerId,
    /// Its channel's stream identifier; none on a direct transport.
    pub stream: Option<u16>,
    /// Label, protocol, order and reliability of its channel.
    pub parameters: ChannelParameters,
    /// Whether it is paused.
    pub paused: bool,
}

impl Router {
    /// `fingerprints` are those of the engine's certificate.
    pub(crate) fn description(&self, fingerprints: &[Fingerprint]) -> RouterDescription {
        let transport = |key: u32| Some(self.transports.get(key as usize)?.id);
        let transports = self.transports.iter().map(|(_, transport)| TransportDescription {
            id: transport.id,
            cname: self.cname(transport),
            access: access(transport, fingerprints),
        });
        let producers = self.producers.iter().filter_map(|(_, producer)| {
            Some(ProducerDescription {
                id: producer.id,
                transport: transport(producer.transport)?,
                kind: producer.config.kind,
                paused: producer.paused,
                parameters: producer.config.parameters.clone(),
            })
        });
        let consumers = self.consumers.iter().filter_map(|(_, consumer)| {
            let producer = consumer.producer.and_then(|key| self.producers.get(key as usize));
            Some(ConsumerDescription {
                id: consumer.id,
                transport: transport(consumer.transport)?,
                kind: consumer.config.kind,
                producer: producer.map(|producer| producer.id),
                leg: consumer.leg.map(|leg| leg.stream),
                paused: consumer.paused,
                parameters: consumer.config.parameters.clone(),
            })
        });
        let data_producers = self.data.producers.iter().filter_map(|(_, producer)| {
            Some(DataProducerDescription {
                id: producer.id,
                transport: transport(producer.transport)?,
                stream: producer.config.stream,
                parameters: producer.config.parameters.clone(),
                paused: producer.config.paused,
            })
        });
        let data_consumers = self.data.consumers.iter().filter_map(|(_, consumer)| {
            Some(DataConsumerDescription {
                id: consumer.id,
                transport: transport(consumer.transport)?,
                producer: self.data.producers.get(consumer.producer as usize)?.id,
                stream: consumer.stream,
                parameters: consumer.parameters.clone(),
                paused: consumer.paused,
            })
        });
        let mut description = RouterDescription {
            dump: self.dump(),
            transports: transports.collect(),
            producers: producers.collect(),
            consumers: consumers.collect(),
            data_producers: data_producers.collect(),
            data_consumers: data_consumers.collect(),
        };
        // Ids count up, places in a slab are used again.
        description.consumers.sort_unstable_by_key(|consumer| consumer.id);
        description
    }

    /// The name that all streams of a transport's peer share. A pipe carries
    /// streams of many, which keep their own.
    fn cname(&self, transport: &Transport) -> Option<String> {
        let first = transport.consumers.first().filter(|_| transport.pipe.is_none())?;
        Some(self.consumers.get(*first as usize)?.config.cname.clone())
    }
}

fn access(transport: &Transport, fingerprints: &[Fingerprint]) -> TransportAccess {
    match &transport.kind {
        TransportKind::WebRtc(webrtc) => TransportAccess::WebRtc {
            ice: webrtc.peer.credentials().clone(),
            fingerprints: fingerprints.to_vec(),
            sctp: webrtc.peer.sctp_config(),
        },
        TransportKind::Plain(plain) => {
            let srtp = plain.config.srtp.zip(plain.local.clone());
            let local = plain.config.local;
            if transport.pipe.is_some() {
                TransportAccess::Pipe { local: Some(local), srtp }
            } else {
                let (local_rtcp, sctp) = (plain.config.local_rtcp, plain.sctp);
                TransportAccess::Plain { local, local_rtcp, srtp, sctp }
            }
        }
        TransportKind::Local(_) => TransportAccess::Pipe { local: None, srtp: None },
        TransportKind::Direct => TransportAccess::Direct,
    }
}
