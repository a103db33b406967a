//! A router's whole state as plain data, and back.
//!
//! What is kept: connectivity (not the DTLS association), SRTP keys with their
//! rollover counters and replay windows, every stream's numbers, what was sent
//! as what, and the packets that may still be asked for again. Keys of the
//! slabs are kept, so that all references inside stay right.
//!
//! Associations of SCTP are not kept. A plain transport's data producers and data
//! consumers are, for the association that its peer is asked for instead.
//!
//! A pipe over UDP is kept as any transport. One to a router in this process
//! is not, nor what came or went by it: another process has no such router.
//! Slots that followed a producer from there are empty when they are restored.

use serde::{Deserialize, Serialize};
use sfu_ice::{DtlsState, IceState, Peer, PeerConfig, PeerSnapshot, Random, SrtpProfile, Time};
use slab::Slab;

use super::allocate::Allocation;
use super::cascade::Upstream;
use super::config::ProducerConfig;
use super::consumer::Consumer;
use super::data::{DataConsumer, DataProducer, DataRoutes};
use super::demand::ProducerDemand;
use super::id::{ProducerId, RouterId, TransportId};
use super::keyframe::KeyFrameRequests;
use super::keyframe_cache::KeyFrameCache;
use super::ladder::Sizes;
use super::layering::Layering;
use super::picture_end::is_idle;
use super::producer::{Fresh, IncomingStream, Producer, Stored, StreamCounters};
use super::router::Router;
use super::speakers::{Observers, Ranking, Speech, Voice};
use super::trace::TraceTypes;
use super::transport::{
    Pipe, PipeData, Plain, Security, SrtpPair, StreamTable, Transport, TransportCounters,
    TransportKind, WebRtc,
};
use crate::stream::allocate::Ladder;
use crate::stream::recv::{LayerMeter, NackGenerator, RecvStream, RemoteClock, TwccRecorder};
use crate::wire::buf::{PacketRing, Pool, StoredPacket};
use crate::wire::rtp::ExtensionMap;
use crate::wire::srtp::{Inbound, InboundSnapshot, Outbound, OutboundSnapshot};
use crate::wire::{ExtSeq, MediaKind, Rid, Ssrc};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RouterSnapshot {
    pub(crate) id: RouterId,
    next_serial: u32,
    transports: Vec<(u32, TransportSnapshot)>,
    producers: Vec<(u32, ProducerSnapshot)>,
    consumers: Vec<(u32, Consumer)>,
    ranking: Ranking,
    observers: Observers,
    data_producers: Vec<(u32, DataProducer)>,
    data_consumers: Vec<(u32, DataConsumer)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TransportSnapshot {
    id: TransportId,
    kind: KindSnapshot,
    pipe: Option<Box<Pipe>>,
    security: SecuritySnapshot,
    extensions: ExtensionMap,
    streams: StreamTable,
    producers: Vec<u32>,
    consumers: Vec<u32>,
    twcc_in: TwccRecorder,
    twcc_out: u16,
    clock: RemoteClock,
    feedback_ssrc: Ssrc,
    rtt: Option<std::time::Duration>,
    report_due: Time,
    tick_due: Time,
    counters: TransportCounters,
    allocation: Allocation,
    incoming_cap: Option<u64>,
    uncapped: u8,
}

#[derive(Debug, Serialize, Deserialize)]
enum KindSnapshot {
    WebRtc { peer: Box<PeerSnapshot>, ice: IceState, dtls: DtlsState, connected: bool },
    Plain(Box<Plain>),
    Direct,
}

#[derive(Debug, Serialize, Deserialize)]
enum SecuritySnapshot {
    Pending,
    Clear,
    Srtp(Box<SrtpSnapshot>),
}

#[derive(Debug, Serialize, Deserialize)]
struct SrtpSnapshot {
    profile: SrtpProfile,
    inbound: InboundSnapshot,
    outbound: OutboundSnapshot,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProducerSnapshot {
    id: ProducerId,
    serial: u32,
    transport: u32,
    config: ProducerConfig,
    held: bool,
    paused: bool,
    upstream: Option<Box<Upstream>>,
    streams: Vec<StreamSnapshot>,
    consumers: Vec<u32>,
    active: u8,
    ladder: Ladder,
    demand: ProducerDemand,
    /// Packets that came in and were not forwarded yet: stream, number, what they
    /// are to slots that follow speakers, and whether they wait for the next.
    fresh: Vec<(u8, ExtSeq, Speech, bool)>,
    voice: Option<Box<Voice>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StreamSnapshot {
    ssrc: Option<Ssrc>,
    rtx_ssrc: Option<Ssrc>,
    rid: Option<Rid>,
    codec: u8,
    recv: RecvStream,
    layers: LayerMeter,
    sizes: Sizes,
    nack: NackGenerator,
    key_frames: KeyFrameRequests,
    fir_seq: u8,
    ring_capacity: u32,
    packets: Vec<StoredPacket<Stored>>,
    cache: KeyFrameCache,
    layering: Layering,
    unread: bool,
    waiting: Option<ExtSeq>,
    counters: StreamCounters,
}

/// Why a snapshot cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error("a WebRTC transport in it cannot be restored: {0}")]
    Peer(#[from] sfu_ice::PeerError),
    #[error("an SRTP context in it cannot be restored: {0}")]
    Srtp(#[from] crate::wire::srtp::SrtpKeyError),
    #[error("it contradicts itself")]
    Inconsistent,
}

/// Keys beyond this are no router's: slabs grow to their largest key.
const MAX_KEY: u32 = 1 << 20;

impl Router {
    /// The state now. To be taken between turns.
    pub(crate) fn snapshot(&self, pool: &Pool) -> RouterSnapshot {
        let (mut ranking, mut observers) = (self.ranking.clone(), self.observers.clone());
        for (key, producer) in &self.producers {
            if self.is_linked(producer.transport) {
                ranking.forget(key as u32);
                observers.forget(key as u32);
            }
        }
        RouterSnapshot {
            id: self.id,
            next_serial: self.next_serial,
            transports: entries(&self.transports, transport_snapshot),
            producers: entries(&self.producers, |producer| {
                let stays = |key: &u32| {
                    self.consumers.get(*key as usize).is_some_and(|c| !self.is_linked(c.transport))
                };
                let mut saved = producer_snapshot(producer, pool);
                saved.consumers.retain(stays);
                (!self.is_linked(producer.transport)).then_some(saved)
            }),
            consumers: entries(&self.consumers, |consumer| {
                let mut saved = consumer.clone();
                let goes = |key: u32| {
                    self.producers.get(key as usize).is_some_and(|p| self.is_linked(p.transport))
                };
                if saved.producer.is_some_and(goes) {
                    saved.unfollow();
                }
                saved.previous = saved.previous.filter(|key| !goes(*key));
                (!self.is_linked(consumer.transport)).then_some(saved)
            }),
            ranking,
            observers,
            data_producers: entries(&self.data.producers, |data| {
                let mut saved = data.clone();
                saved.consumers.retain(|key| {
                    let consumer = self.data.consumers.get(*key as usize);
                    consumer.is_some_and(|consumer| !self.is_linked(consumer.transport))
                });
                (!self.is_linked(data.transport)).then_some(saved)
            }),
            data_consumers: entries(&self.data.consumers, |data| {
                // Those of a producer that came by such a pipe end with it.
                let producer = self.data.producers.get(data.producer as usize)?;
                let linked = self.is_linked(data.transport) || self.is_linked(producer.transport);
                (!linked).then(|| data.clone())
            }),
        }
    }

    /// Whether a transport is a pipe inside this process.
    fn is_linked(&self, transport: u32) -> bool {
        let transport = self.transports.get(transport as usize);
        transport.is_some_and(|transport| matches!(transport.kind, TransportKind::Local(_)))
    }

    /// The router of a snapshot. Timers are the engine's to give.
    pub(crate) fn restore(
        snapshot: RouterSnapshot,
        config: &PeerConfig,
        now: Time,
        pool: &mut Pool,
        random: &mut Random,
    ) -> Result<Self, RestoreError> {
        let keys = [
            snapshot.transports.iter().map(|(key, _)| *key).max(),
            snapshot.producers.iter().map(|(key, _)| *key).max(),
            snapshot.consumers.iter().map(|(key, _)| *key).max(),
            snapshot.data_producers.iter().map(|(key, _)| *key).max(),
            snapshot.data_consumers.iter().map(|(key, _)| *key).max(),
        ];
        if keys.into_iter().flatten().any(|key| key > MAX_KEY) {
            return Err(RestoreError::Inconsistent);
        }
        let mut router = Self::new(snapshot.id);
        router.next_serial = snapshot.next_serial;
        let mut transports = Vec::new();
        for (key, transport) in snapshot.transports {
            transports.push((key as usize, restore_transport(transport, config, now, random)?));
        }
        router.transports = transports.into_iter().collect();
        let producers = snapshot.producers.into_iter();
        router.producers = producers
            .map(|(key, producer)| (key as usize, restore_producer(producer, pool)))
            .collect();
        router.consumers =
            snapshot.consumers.into_iter().map(|(key, c)| (key as usize, c)).collect();
        router.data = DataRoutes {
            producers: snapshot
                .data_producers
                .into_iter()
                .map(|(key, producer)| (key as usize, producer))
                .collect(),
            consumers: snapshot
                .data_consumers
                .into_iter()
                .map(|(key, consumer)| (key as usize, consumer))
                .collect(),
        };
        let fresh = router.producers.iter().filter(|(_, producer)| !is_idle(&producer.fresh));
        router.dirty_producers = fresh.map(|(key, _)| key as u32).collect();
        router.ranking = snapshot.ranking;
        router.observers = snapshot.observers;
        if router.is_consistent() {
            router.restore_slots();
            return Ok(router);
        }
        for (_, producer) in &mut router.producers {
            producer.release(pool);
        }
        Err(RestoreError::Inconsistent)
    }

    /// Whether every key in it leads somewhere.
    fn is_consistent(&self) -> bool {
        let transport = |key: u32| self.transports.contains(key as usize);
        let producer = |key: u32| self.producers.contains(key as usize);
        let consumer = |key: u32| self.consumers.contains(key as usize);
        let voiced = |p: &Producer| p.voice.is_some() == (p.config.kind == MediaKind::Audio);
        self.producers.iter().all(|(_, p)| voiced(p))
            && self.ranking.is_consistent(&self.producers)
            && self.observers.is_consistent()
            && self.transports.iter().all(|(_, t)| {
                t.producers.iter().all(|key| producer(*key))
                    && t.consumers.iter().all(|key| consumer(*key))
            })
            && self.producers.iter().all(|(_, p)| {
                transport(p.transport) && p.consumers.iter().all(|key| consumer(*key))
            })
            && self
                .consumers
                .iter()
                .all(|(_, c)| transport(c.transport) && c.producer.is_none_or(producer))
            && self.data.is_consistent(transport)
    }
}

/// What is kept of a slab, with its keys.
fn entries<T, S>(slab: &Slab<T>, save: impl Fn(&T) -> Option<S>) -> Vec<(u32, S)> {
    slab.iter().filter_map(|(key, value)| Some((key as u32, save(value)?))).collect()
}

fn transport_snapshot(transport: &Transport) -> Option<TransportSnapshot> {
    let kind = match &transport.kind {
        TransportKind::WebRtc(webrtc) => KindSnapshot::WebRtc {
            peer: Box::new(webrtc.peer.snapshot()),
            ice: webrtc.ice,
            dtls: webrtc.dtls,
            connected: webrtc.connected,
        },
        TransportKind::Plain(plain) => KindSnapshot::Plain(plain.clone()),
        TransportKind::Direct => KindSnapshot::Direct,
        TransportKind::Local(_) => return None,
    };
    let security = match &transport.security {
        Security::Pending => SecuritySnapshot::Pending,
        Security::Clear => SecuritySnapshot::Clear,
        Security::Srtp(pair) => SecuritySnapshot::Srtp(Box::new(SrtpSnapshot {
            profile: pair.profile,
            inbound: pair.inbound.snapshot(),
            outbound: pair.outbound.snapshot(),
        })),
    };
    Some(TransportSnapshot {
        id: transport.id,
        kind,
        pipe: transport.pipe.clone(),
        security,
        extensions: transport.extensions,
        streams: transport.streams.clone(),
        producers: transport.producers.clone(),
        consumers: transport.consumers.clone(),
        twcc_in: transport.twcc_in.clone(),
        twcc_out: transport.twcc_out,
        clock: transport.clock.clone(),
        feedback_ssrc: transport.feedback_ssrc,
        rtt: transport.rtt,
        report_due: transport.report_due,
        tick_due: transport.tick_due,
        counters: transport.counters,
        allocation: transport.allocation.clone(),
        incoming_cap: transport.incoming_cap,
        uncapped: transport.uncapped,
    })
}

fn restore_transport(
    snapshot: TransportSnapshot,
    config: &PeerConfig,
    now: Time,
    random: &mut Random,
) -> Result<Transport, RestoreError> {
    let kind = match snapshot.kind {
        KindSnapshot::WebRtc { peer, ice, dtls, connected } => {
            let peer = Peer::restore(*peer, config.clone(), now, random)?;
            TransportKind::WebRtc(Box::new(WebRtc { peer, ice, dtls, connected }))
        }
        KindSnapshot::Plain(plain) => TransportKind::Plain(plain),
        KindSnapshot::Direct => TransportKind::Direct,
    };
    let security = match snapshot.security {
        SecuritySnapshot::Pending => Security::Pending,
        SecuritySnapshot::Clear => Security::Clear,
        SecuritySnapshot::Srtp(srtp) => Security::Srtp(Box::new(SrtpPair {
            profile: srtp.profile,
            inbound: Inbound::restore(srtp.inbound)?,
            outbound: Outbound::restore(srtp.outbound)?,
        })),
    };
    Ok(Transport {
        id: snapshot.id,
        timer: u32::MAX,
        kind,
        pipe: snapshot.pipe,
        data: PipeData::default(),
        sctp: None,
        security,
        extensions: snapshot.extensions,
        streams: snapshot.streams,
        producers: snapshot.producers,
        consumers: snapshot.consumers,
        dirty: Vec::new(),
        queued: false,
        resend: Vec::new(),
        twcc_in: snapshot.twcc_in,
        twcc_out: snapshot.twcc_out,
        clock: snapshot.clock,
        feedback_ssrc: snapshot.feedback_ssrc,
        rtt: snapshot.rtt,
        report_due: snapshot.report_due,
        tick_due: snapshot.tick_due,
        counters: snapshot.counters,
        allocation: snapshot.allocation,
        trace: TraceTypes::default(),
        incoming_cap: snapshot.incoming_cap,
        uncapped: snapshot.uncapped,
        told: Vec::new(),
        attention: false,
    })
}

fn producer_snapshot(producer: &Producer, pool: &Pool) -> ProducerSnapshot {
    let stream = |stream: &IncomingStream| StreamSnapshot {
        ssrc: stream.ssrc,
        rtx_ssrc: stream.rtx_ssrc,
        rid: stream.rid,
        codec: stream.codec,
        recv: stream.recv.clone(),
        layers: stream.layers.clone(),
        sizes: stream.sizes,
        nack: stream.nack.clone(),
        key_frames: stream.key_frames.clone(),
        fir_seq: stream.fir_seq,
        ring_capacity: stream.ring.capacity() as u32,
        packets: stream.ring.export(pool),
        cache: stream.cache,
        layering: stream.layering.clone(),
        unread: stream.unread,
        waiting: stream.waiting,
        counters: stream.counters,
    };
    ProducerSnapshot {
        id: producer.id,
        serial: producer.serial,
        transport: producer.transport,
        config: producer.config.clone(),
        held: producer.held,
        paused: producer.paused,
        upstream: producer.upstream.clone(),
        streams: producer.streams.iter().map(stream).collect(),
        consumers: producer.consumers.clone(),
        active: producer.active,
        ladder: producer.ladder,
        demand: producer.demand.clone(),
        fresh: producer.fresh.iter().map(|f| (f.stream, f.seq, f.speech, f.waits)).collect(),
        voice: producer.voice.clone(),
    }
}

fn restore_producer(snapshot: ProducerSnapshot, pool: &mut Pool) -> Producer {
    let mut producer =
        Producer::new(snapshot.id, snapshot.serial, snapshot.transport, snapshot.config);
    producer.held = snapshot.held;
    producer.paused = snapshot.paused;
    producer.upstream = snapshot.upstream;
    producer.consumers = snapshot.consumers;
    producer.active = snapshot.active;
    producer.ladder = snapshot.ladder;
    producer.demand = snapshot.demand;
    let fresh = snapshot.fresh.into_iter();
    producer.fresh.extend(fresh.map(|(stream, seq, speech, waits)| Fresh {
        stream,
        seq,
        pad: 0,
        speech,
        waits,
    }));
    producer.voice = snapshot.voice;
    let mut stream = |stream: StreamSnapshot| {
        let mut ring = PacketRing::new(stream.ring_capacity as usize);
        ring.import(pool, stream.packets);
        IncomingStream {
            ssrc: stream.ssrc,
            rtx_ssrc: stream.rtx_ssrc,
            rid: stream.rid,
            codec: stream.codec,
            recv: stream.recv,
            layers: stream.layers,
            sizes: stream.sizes,
            nack: stream.nack,
            key_frames: stream.key_frames,
            fir_seq: stream.fir_seq,
            ring,
            cache: stream.cache,
            layering: stream.layering,
            unread: stream.unread,
            waiting: stream.waiting,
            counters: stream.counters,
        }
    };
    producer.streams = snapshot.streams.into_iter().map(&mut stream).collect();
    producer
}
