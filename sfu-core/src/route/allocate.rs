//! Who gets which layers: what sources offer, what a receiver can take, and the
//! choice carried to the selectors.
//!
//! A transport is managed from the moment on at which somebody says how its
//! consumers are shown or what its path carries. Before, each consumer is to
//! get its preferred layers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::consumer::Consumer;
use super::event::Event;
use super::ladder::ladder;
use super::producer::Producer;
use super::router::Router;
use super::trace::{Trace, TraceType};
use crate::stream::allocate::{Allocator, Budget, Choice, Request};
use crate::wire::MediaKind;

/// How often a managed transport is looked at.
const INTERVAL: Duration = Duration::from_millis(200);
/// Bits per second that are kept free for each audio stream at least.
const AUDIO_RESERVE: u64 = 40_000;
/// What a transport's choice of layers needs to remember.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Allocation {
    pub(crate) budget: Budget,
    /// Whether layers are chosen for its consumers at all.
    pub(crate) managed: bool,
    pub(crate) due: Time,
    /// Bit rate that audio and consumers of all encodings were given, for
    /// whoever asks why.
    pub(crate) reserved: u64,
    /// Bit rate that video was given.
    pub(crate) used: u64,
}

impl Default for Allocation {
    fn default() -> Self {
        let budget = Budget::new();
        Self { budget, managed: false, due: Time::ZERO, reserved: 0, used: 0 }
    }
}

impl Allocation {
    /// When [`Router::review`] is to look at the transport.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.managed.then_some(self.due)
    }
}

impl Router {
    /// Has the next [`settle`](Self::settle) look at what changed for a
    /// consumer.
    pub(crate) fn unsettle(&mut self, consumer: u32) {
        self.unsettled.push(consumer);
    }

    /// Chooses anew for the receivers of consumers that were changed, and tells
    /// what came of it. To be called after each command, and before packets are
    /// forwarded.
    pub(crate) fn settle(&mut self, now: Time, events: &mut Vec<Event>) {
        if self.unsettled.is_empty() {
            return;
        }
        let mut unsettled = std::mem::take(&mut self.unsettled);
        unsettled.sort_unstable();
        unsettled.dedup();
        for &key in &unsettled {
            let Some(consumer) = self.consumers.get(key as usize) else { continue };
            let transport = consumer.transport;
            // One of several on the transport is enough.
            let first = unsettled.iter().find(|other| {
                let other = self.consumers.get(**other as usize);
                other.is_some_and(|other| other.transport == transport)
            });
            if first == Some(&key) {
                self.allocate(now, transport, events);
            }
        }
        for &key in &unsettled {
            let Some(consumer) = self.consumers.get_mut(key as usize) else { continue };
            consumer.tell_layers(self.id, events);
            if let Some(producer) = consumer.producer {
                self.review_demand(now, producer, events);
                self.note_demand(producer);
            }
        }
        unsettled.clear();
        self.unsettled = unsettled;
    }

    /// Sets what the path of a transport carries, in bit/s.
    pub(crate) fn set_available(
        &mut self,
        now: Time,
        key: u32,
        available: Option<u64>,
        events: &mut Vec<Event>,
    ) {
        if let Some(transport) = self.transports.get_mut(key as usize) {
            transport.allocation.budget.set_available(available);
        }
        self.allocate(now, key, events);
    }

    /// Does what is due on a transport: measures what its producers send, looks
    /// at what is wanted of them, and chooses for its consumers.
    pub(crate) fn review(&mut self, now: Time, key: u32, events: &mut Vec<Event>) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        if now >= transport.tick_due {
            for at in 0..transport.producers.len() {
                let producer = self.transports.get(key as usize).and_then(|t| t.producers.get(at));
                let Some(&producer) = producer else { break };
                self.review_producer(now, producer, events);
            }
        }
        let Some(transport) = self.transports.get(key as usize) else { return };
        if transport.allocation.deadline().is_some_and(|due| now >= due) {
            self.allocate(now, key, events);
        }
    }

    fn review_producer(&mut self, now: Time, key: u32, events: &mut Vec<Event>) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        if producer.config.kind != MediaKind::Video {
            return;
        }
        if producer.end_waiting(now) && !self.dirty_producers.contains(&key) {
            self.dirty_producers.push(key);
        }
        for stream in &mut producer.streams {
            stream.layers.review(now);
        }
        let active = producer.active_spatial(now);
        producer.demand.review(now, active);
        producer.ladder = ladder(producer, now);
        for &consumer in &producer.consumers {
            if let Some(consumer) = self.consumers.get_mut(consumer as usize) {
                consumer.tell_layers(self.id, events);
            }
        }
        self.review_demand(now, key, events);
    }

    /// Chooses layers for the video consumers of a transport.
    fn allocate(&mut self, now: Time, key: u32, events: &mut Vec<Event>) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let was_managed = transport.allocation.managed;
        let managed = transport.allocation.budget.available().is_some()
            || transport.consumers.iter().any(|consumer| {
                self.consumers.get(*consumer as usize).is_some_and(|c| c.demand.is_some())
            });
        transport.allocation.managed = managed;
        transport.allocation.due = now + INTERVAL;
        if !managed && !was_managed {
            return;
        }
        let mut allocator = std::mem::take(&mut self.allocator);
        if managed {
            self.choose(now, key, &mut allocator);
            self.trace_choice(now, key, events);
        }
        let mut number = 0;
        for at in 0..self.consumers_of(key) {
            let Some((consumer_key, consumer)) = self.consumer_at(key, at) else { break };
            if consumer.config.kind != MediaKind::Video || consumer.leg.is_some() {
                continue;
            }
            let mut choice = None;
            if managed && consumer.takes_part() {
                choice = allocator.choice(number).map(|choice| self.open_upward(consumer, choice));
                number += 1;
            }
            self.carry(now, consumer_key, choice, events);
        }
        self.allocator = allocator;
        if managed != was_managed {
            self.wake(key);
        }
    }

    /// Who gets the highest temporal layer gets also those that may be added.
    fn open_upward(&self, consumer: &Consumer, mut choice: Choice) -> Choice {
        let producer = consumer.producer.and_then(|key| self.producers.get(key as usize));
        if let (Some(producer), Some(layers)) = (producer, &mut choice.layers)
            && producer.ladder.top_temporal(layers.spatial) == Some(layers.temporal)
        {
            layers.temporal = u8::MAX;
        }
        choice
    }

    fn choose(&mut self, now: Time, key: u32, allocator: &mut Allocator) {
        let Self { transports, producers, consumers, .. } = self;
        let Some(transport) = transports.get_mut(key as usize) else { return };
        allocator.clear();
        let mut reserved: u64 = 0;
        for &consumer in &transport.consumers {
            let Some(consumer) = consumers.get(consumer as usize) else { continue };
            let producer = consumer.producer.and_then(|key| producers.get(key as usize));
            let Some(producer) = producer.filter(|_| consumer.takes_part()) else { continue };
            let rate = match (consumer.config.kind, &consumer.leg) {
                (MediaKind::Audio, _) => {
                    let rates = producer.streams.iter().map(|s| s.recv.bits_per_second(now));
                    rates.max().unwrap_or(0).max(AUDIO_RESERVE)
                }
                // It gets its encoding, whatever that needs.
                (MediaKind::Video, Some(leg)) => producer.encoding_rate(now, leg.stream),
                (MediaKind::Video, None) => {
                    allocator.push(&consumer.request(), &producer.ladder);
                    continue;
                }
            };
            reserved = reserved.saturating_add(rate);
        }
        allocator.allocate(now, &mut transport.allocation.budget, reserved);
        transport.allocation.reserved = reserved;
        transport.allocation.used = allocator.used();
    }

    fn trace_choice(&self, now: Time, key: u32, events: &mut Vec<Event>) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        if transport.trace.contains(TraceType::Bwe) {
            let trace = Trace::Bwe {
                available_bitrate: transport.allocation.budget.available(),
                audio_bitrate: transport.allocation.reserved,
                video_bitrate: transport.allocation.used,
            };
            events.push(transport.traced(self.id, now, trace));
        }
    }

    /// Makes a choice a consumer's target.
    fn carry(&mut self, now: Time, key: u32, choice: Option<Choice>, events: &mut Vec<Event>) {
        let Some(consumer) = self.consumers.get_mut(key as usize) else { return };
        let (wanted, awaited) = (consumer.wants(), consumer.awaits_key_frame());
        consumer.set_choice(now, choice);
        let (wants, awaits) = (consumer.wants(), consumer.awaits_key_frame());
        consumer.tell_layers(self.id, events);
        if wants != wanted
            && let Some(producer) = consumer.producer
        {
            self.review_demand(now, producer, events);
            self.note_demand(producer);
        }
        if awaits.is_some() && awaits != awaited {
            self.ask_key_frame(key);
        }
    }

    fn consumers_of(&self, key: u32) -> usize {
        self.transports.get(key as usize).map_or(0, |transport| transport.consumers.len())
    }

    fn consumer_at(&self, key: u32, at: usize) -> Option<(u32, &Consumer)> {
        let consumer = *self.transports.get(key as usize)?.consumers.get(at)?;
        Some((consumer, self.consumers.get(consumer as usize)?))
    }
}

impl Producer {
    /// Bit rate of an encoding of video, nothing while it does not come.
    fn encoding_rate(&self, now: Time, encoding: u8) -> u64 {
        let alive = self.active_streams(now) & (1 << (encoding & 7)) != 0;
        let stream = self.streams.get(usize::from(encoding)).filter(|_| alive);
        stream.map_or(0, |stream| stream.layers.bitrate(u8::MAX, u8::MAX).into())
    }
}

impl Consumer {
    /// Whether bits are to be found for it.
    fn takes_part(&self) -> bool {
        self.producer.is_some() && !self.paused && !self.producer_paused
    }

    fn request(&self) -> Request {
        Request {
            demand: self.demand,
            limit: self.limit(),
            present: self.choice.and_then(|choice| choice.layers),
        }
    }
}
