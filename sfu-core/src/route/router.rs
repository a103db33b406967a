//! A router: who sends, who receives, and who gets what of whom.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;
use slab::Slab;

use super::cascade::Leg;
use super::config::ProducerConfig;
use super::consumer::Consumer;
use super::data::DataRoutes;
use super::error::CommandError;
use super::event::{CloseReason, Event};
use super::id::{ConsumerId, ProducerId, RouterId};
use super::producer::Producer;
use super::speakers::{Observers, Ranking, SpeakerOptions};
use super::transport::Transport;
use crate::stream::allocate::Allocator;
use crate::wire::buf::Pool;

/// All the state of one router. Keys are places in its slabs; what was closed
/// leaves no key behind.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) id: RouterId,
    pub(crate) transports: Slab<Transport>,
    pub(crate) producers: Slab<Producer>,
    pub(crate) consumers: Slab<Consumer>,
    /// Who sends and who gets messages.
    pub(crate) data: DataRoutes,
    /// Producers with fresh packets.
    pub(crate) dirty_producers: Vec<u32>,
    /// Transports with something to send.
    pub(crate) dirty_transports: Vec<u32>,
    /// Consumers that wait for a key frame, to be looked at in this turn.
    pub(crate) starting: Vec<u32>,
    /// Consumers that changed over in this turn: their receivers are told how
    /// their clock stands now.
    pub(crate) reporting: Vec<u32>,
    /// Transports whose deadline came nearer by what another one did.
    pub(crate) wakeups: Vec<u32>,
    /// Consumers for which something changed that may move others.
    pub(crate) unsettled: Vec<u32>,
    /// Chooses layers; between two choices only its buffers matter.
    pub(crate) allocator: Allocator,
    /// Who speaks.
    pub(crate) ranking: Ranking,
    pub(crate) observers: Observers,
    /// What is to be closed before the next forwarding.
    pub(crate) retired: Vec<Retired>,
    /// What was traced and is still to be told.
    pub(crate) traces: Vec<Event>,
    /// Serial of the next producer.
    pub(crate) next_serial: u32,
    /// Whether the engine has it in its list of routers to run.
    pub(crate) active: bool,
}

/// Something that ended with what it belongs to at the other end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retired {
    /// A producer that came by a pipe, by its key: its origin is gone.
    Producer(u32),
    /// A consumer that went into a pipe, by its key: its producer is gone.
    Consumer(u32),
}

/// Bounds of a router, from the engine's settings.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) transports: usize,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
}

impl Router {
    pub(crate) fn new(id: RouterId) -> Self {
        Self {
            id,
            transports: Slab::new(),
            producers: Slab::new(),
            consumers: Slab::new(),
            data: DataRoutes::default(),
            dirty_producers: Vec::new(),
            dirty_transports: Vec::new(),
            starting: Vec::new(),
            reporting: Vec::new(),
            wakeups: Vec::new(),
            unsettled: Vec::new(),
            allocator: Allocator::new(),
            ranking: Ranking::new(SpeakerOptions::default()),
            observers: Observers::default(),
            retired: Vec::new(),
            traces: Vec::new(),
            next_serial: 0,
            active: false,
        }
    }

    pub(crate) fn add_transport(
        &mut self,
        transport: Transport,
        limits: &Limits,
    ) -> Result<u32, CommandError> {
        if self.transports.len() >= limits.transports {
            let limit = limits.transports;
            return Err(CommandError::Limit { what: "transports in a router", limit });
        }
        Ok(self.transports.insert(transport) as u32)
    }

    /// Makes a producer on transport `key`.
    pub(crate) fn produce(
        &mut self,
        key: u32,
        id: ProducerId,
        config: ProducerConfig,
        limits: &Limits,
    ) -> Result<u32, CommandError> {
        check_producer(&config)?;
        let Some(transport) = self.transports.get_mut(key as usize) else {
            return Err(CommandError::Contained);
        };
        // A pipe brings those of many peers.
        let limit = if transport.pipe.is_some() { MAX_PIPED } else { limits.producers };
        if transport.producers.len() >= limit {
            return Err(CommandError::Limit { what: "producers on a transport", limit });
        }
        let ssrcs = config.encodings.iter().flat_map(|e| [e.ssrc, e.rtx_ssrc]).flatten();
        for (at, ssrc) in ssrcs.clone().enumerate() {
            let twice = ssrcs.clone().take(at).any(|other| other == ssrc);
            if twice || transport.streams.find(ssrc).is_some() {
                return Err(CommandError::SsrcInUse(ssrc));
            }
        }
        if let Some(mid) = config.mid {
            let taken = |producer: &u32| {
                self.producers.get(*producer as usize).is_some_and(|p| p.config.mid == Some(mid))
            };
            if transport.producers.iter().any(taken) {
                return Err(CommandError::MidInUse(mid));
            }
        }
        for (kind, id) in config.extensions.iter() {
            // One id space for the bundle (RFC 8843 §9.1): a contradiction
            // would have been refused by the negotiation.
            let _ = transport.extensions.insert(kind, id);
        }
        self.ranking.camera_changed(&config);
        let serial = self.next_serial;
        self.next_serial = self.next_serial.wrapping_add(1);
        let producer = self.producers.insert(Producer::new(id, serial, key, config)) as u32;
        transport.producers.push(producer);
        let Some(made) = self.producers.get(producer as usize) else {
            return Err(CommandError::Contained);
        };
        for (index, stream) in made.streams.iter().enumerate() {
            let index = u8::try_from(index).unwrap_or(u8::MAX);
            transport.bind(stream.ssrc, producer, index, false);
            transport.bind(stream.rtx_ssrc, producer, index, true);
        }
        if transport.pipe.is_some() {
            if let Some(made) = self.producers.get_mut(producer as usize) {
                made.upstream = Some(Box::default());
            }
            self.note_demand(producer);
        }
        Ok(producer)
    }

    /// Takes in a consumer that was made for one of the transports.
    pub(crate) fn consume(
        &mut self,
        now: Time,
        consumer: Consumer,
        followed: Option<u32>,
        limits: &Limits,
    ) -> Result<u32, CommandError> {
        let (key, config) = (consumer.transport, &consumer.config);
        if config.codecs.is_empty() || config.codecs.len() > 64 {
            return Err(CommandError::InvalidParameters {
                what: "codecs of the consumer",
                expected: "1 to 64 payload formats",
            });
        }
        let Some(transport) = self.transports.get(key as usize) else {
            return Err(CommandError::Contained);
        };
        let limit = if transport.pipe.is_some() { MAX_PIPED } else { limits.consumers };
        if transport.consumers.len() >= limit {
            return Err(CommandError::Limit { what: "consumers on a transport", limit });
        }
        let used = |ssrc| {
            transport.consumers.iter().any(|&other| {
                let other = self.consumers.get(other as usize);
                other.is_some_and(|c| c.config.ssrc == ssrc || c.config.rtx_ssrc == Some(ssrc))
            })
        };
        let same = config.rtx_ssrc == Some(config.ssrc);
        for ssrc in [Some(config.ssrc), config.rtx_ssrc].into_iter().flatten() {
            if same || used(ssrc) {
                return Err(CommandError::SsrcInUse(ssrc));
            }
        }
        if let Some(producer) = followed.and_then(|key| self.producers.get(key as usize)) {
            consumer.check_can_follow(producer)?;
        }
        let consumer = self.consumers.insert(consumer) as u32;
        if let Some(transport) = self.transports.get_mut(key as usize) {
            transport.consumers.push(consumer);
        }
        self.follow(now, consumer, followed);
        Ok(consumer)
    }

    /// Takes in the consumers that carry a producer through a pipe, or to a
    /// receiver that takes all of it, one for each encoding; all or none.
    pub(crate) fn consume_pipe(
        &mut self,
        now: Time,
        legs: Vec<Consumer>,
        producer: u32,
        limits: &Limits,
    ) -> Result<Vec<u32>, CommandError> {
        let followed = self.producers.get(producer as usize).ok_or(CommandError::Contained)?;
        if legs.is_empty() || legs.len() != followed.streams.len() {
            return Err(CommandError::InvalidParameters {
                what: "consumers of all encodings",
                expected: "one for each encoding of the producer",
            });
        }
        let count = legs.len();
        let mut keys = Vec::with_capacity(count);
        for (stream, mut leg) in (0..8).zip(legs) {
            let transport = self.transports.get(leg.transport as usize);
            let pipe = transport.and_then(|transport| transport.pipe.as_ref());
            leg.leg = Some(Leg::new(stream, count, pipe.is_some_and(|pipe| pipe.demand)));
            match self.consume(now, leg, Some(producer), limits) {
                Ok(key) => keys.push(key),
                Err(error) => {
                    // Nobody was told of those made so far.
                    for key in keys {
                        self.close_consumer(key, CloseReason::Requested, &mut Vec::new());
                    }
                    return Err(error);
                }
            }
        }
        if let Some(key) = keys.first().and_then(|key| self.consumers.get(*key as usize)) {
            let transport = key.transport;
            self.hurry_pipe(transport);
        }
        Ok(keys)
    }

    /// Re-points a consumer.
    pub(crate) fn switch(
        &mut self,
        now: Time,
        key: u32,
        to: Option<u32>,
    ) -> Result<(), CommandError> {
        let Some(consumer) = self.consumers.get(key as usize) else {
            return Err(CommandError::Contained);
        };
        if consumer.leg.is_some() {
            return Err(CommandError::Piped(consumer.id));
        }
        if let Some(producer) = to.and_then(|to| self.producers.get(to as usize)) {
            consumer.check_can_follow(producer)?;
        }
        let follows = consumer.producer;
        self.unfollow_speaker(key);
        if follows == to {
            return Ok(());
        }
        self.follow(now, key, to);
        Ok(())
    }

    fn follow(&mut self, now: Time, key: u32, to: Option<u32>) {
        let Some(consumer) = self.consumers.get_mut(key as usize) else { return };
        let old = consumer.producer;
        consumer.unfollow();
        if let Some(old) = old
            && let Some(producer) = self.producers.get_mut(old as usize)
        {
            producer.consumers.retain(|consumer| *consumer != key);
        }
        if let Some(to) = to
            && let Some(producer) = self.producers.get_mut(to as usize)
        {
            producer.consumers.push(key);
            producer.active = producer.active_streams(now);
            consumer.follow(now, to, producer);
        }
        self.unsettle(key);
        self.ask_key_frame(key);
    }

    /// Gets a consumer the key frame that it waits for, if it waits for one and
    /// could get it: from the cache, or else from the publisher. It happens when
    /// this turn forwards.
    pub(crate) fn ask_key_frame(&mut self, key: u32) {
        let Some(consumer) = self.consumers.get(key as usize) else { return };
        if consumer.producer.is_none() || consumer.awaits_key_frame().is_none() {
            return;
        }
        let ready = self.transports.get(consumer.transport as usize);
        if ready.is_some_and(Transport::can_send) {
            self.starting.push(key);
        }
    }

    pub(crate) fn request_key_frame(&mut self, key: u32, stream: u8) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        if producer.paused {
            return;
        }
        let transport = producer.transport;
        if let Some(stream) = producer.streams.get_mut(usize::from(stream)) {
            stream.key_frames.request();
            self.wake(transport);
        }
    }

    /// Has the engine look at a transport's deadline again.
    pub(crate) fn wake(&mut self, transport: u32) {
        // Many slots that turn to one camera ask one after the other.
        if self.wakeups.last() != Some(&transport) {
            self.wakeups.push(transport);
        }
    }

    /// Media can flow on this transport now, or no longer: its consumers start
    /// with key frames.
    pub(crate) fn transport_ready(&mut self, now: Time, key: u32) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        if !transport.can_send() {
            return;
        }
        for consumer in transport.consumers.clone() {
            if let Some(consumer) = self.consumers.get_mut(consumer as usize)
                && let Some(producer) = consumer.producer
                && let Some(producer) = self.producers.get(producer as usize)
            {
                consumer.update_streams(now, producer);
            }
            self.ask_key_frame(consumer);
        }
    }

    /// Closes a producer: its consumers become empty slots.
    pub(crate) fn close_producer(
        &mut self,
        key: u32,
        reason: CloseReason,
        pool: &mut Pool,
        events: &mut Vec<Event>,
    ) -> Option<ProducerId> {
        let mut producer = self.producers.try_remove(key as usize)?;
        producer.release(pool);
        self.dirty_producers.retain(|dirty| *dirty != key);
        self.ranking.forget(key);
        self.ranking.camera_changed(&producer.config);
        self.observers.forget(key);
        if let Some(transport) = self.transports.get_mut(producer.transport as usize) {
            transport.producers.retain(|other| *other != key);
            transport.streams.remove_producer(key);
        }
        let router = self.id;
        events.push(Event::ProducerClosed { router, producer: producer.id, reason });
        for key in producer.consumers {
            if let Some(consumer) = self.consumers.get_mut(key as usize) {
                consumer.unfollow();
                // A pipe's goes with it; who follows speakers is pointed at the
                // next one anyway.
                if consumer.leg.is_some() {
                    self.retired.push(Retired::Consumer(key));
                } else if consumer.speaker.is_none() {
                    let (consumer, producer) = (consumer.id, producer.id);
                    events.push(Event::ConsumerProducerClosed { router, consumer, producer });
                }
            }
            self.unsettle(key);
        }
        Some(producer.id)
    }

    pub(crate) fn close_consumer(
        &mut self,
        key: u32,
        reason: CloseReason,
        events: &mut Vec<Event>,
    ) -> Option<ConsumerId> {
        self.unfollow_speaker(key);
        let consumer = self.consumers.try_remove(key as usize)?;
        if let Some(transport) = self.transports.get_mut(consumer.transport as usize) {
            transport.consumers.retain(|other| *other != key);
            transport.dirty.retain(|other| *other != key);
            transport.resend.retain(|(other, _)| *other != key);
        }
        if let Some(producer) = consumer.producer
            && let Some(producer) = self.producers.get_mut(producer as usize)
        {
            producer.consumers.retain(|other| *other != key);
        }
        if consumer.leg.is_some() {
            self.end_leg(&consumer);
        }
        events.push(Event::ConsumerClosed { router: self.id, consumer: consumer.id, reason });
        Some(consumer.id)
    }

    pub(crate) fn set_producer_paused(&mut self, now: Time, key: u32, paused: bool) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        producer.held = paused;
        self.apply_producer_pause(now, key);
    }

    /// Tells the consumers of a producer if it is paused now or no longer.
    pub(crate) fn apply_producer_pause(&mut self, now: Time, key: u32) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        let far = producer.upstream.as_ref().is_some_and(|upstream| upstream.paused);
        let paused = producer.held || far;
        if producer.paused == paused {
            return;
        }
        producer.paused = paused;
        producer.streams.iter_mut().for_each(|stream| stream.cache.forget());
        self.speaker_paused(now, key);
        let Some(producer) = self.producers.get(key as usize) else { return };
        for consumer in producer.consumers.clone() {
            if let Some(state) = self.consumers.get_mut(consumer as usize)
                && let Some(producer) = self.producers.get(key as usize)
            {
                state.set_producer_paused(now, producer);
                if state.leg.is_some() {
                    let transport = state.transport;
                    self.hurry_pipe(transport);
                }
            }
            self.unsettle(consumer);
            self.ask_key_frame(consumer);
        }
    }

    pub(crate) fn set_consumer_paused(&mut self, key: u32, paused: bool) {
        if let Some(consumer) = self.consumers.get_mut(key as usize) {
            consumer.set_paused(paused);
            if consumer.leg.is_some() {
                let transport = consumer.transport;
                self.hurry_pipe(transport);
            }
        }
        self.unsettle(key);
        self.ask_key_frame(key);
    }
}

/// Producers and consumers on one pipe at most.
const MAX_PIPED: usize = 4_096;

fn check_producer(config: &ProducerConfig) -> Result<(), CommandError> {
    let invalid = |what, expected| Err(CommandError::InvalidParameters { what, expected });
    if config.codecs.is_empty() || config.codecs.len() > 64 {
        return invalid("codecs of the producer", "1 to 64 payload formats");
    }
    if config.encodings.is_empty() || config.encodings.len() > 8 {
        return invalid("encodings of the producer", "1 to 8 encodings");
    }
    if config.codecs.iter().any(|codec| codec.clock_rate == 0) {
        return invalid("clock rate of a codec", "a positive number of Hz");
    }
    if config.encodings.len() > 1
        && config.encodings.iter().any(|e| e.ssrc.is_none() && e.rid.is_none())
    {
        return invalid(
            "encodings of the producer",
            "an SSRC or a RID in each of several encodings",
        );
    }
    Ok(())
}
