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
use super::producer::{IncomingStream, Producer};
use super::router::Router;
use crate::stream::allocate::{Allocator, Budget, Choice, Ladder, Request, Rung};
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// How often a managed transport is looked at.
const INTERVAL: Duration = Duration::from_millis(200);
/// Bits per second that are kept free for each audio stream at least.
const AUDIO_RESERVE: u64 = 40_000;
/// What is taken for the largest picture of a source that did not tell, and
/// for its frame rate.
const NOMINAL_SIZE: (u16, u16) = (1_280, 720);
const NOMINAL_FRAME_RATE: f32 = 30.0;
/// Bits for a pixel of a layer that was never seen.
const NOMINAL_BITS: f32 = 0.06;

/// What a transport's choice of layers needs to remember.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Allocation {
    pub(crate) budget: Budget,
    /// Whether layers are chosen for its consumers at all.
    pub(crate) managed: bool,
    pub(crate) due: Time,
    /// Bit rate that audio was given, for whoever asks why.
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
        for stream in &mut producer.streams {
            stream.layers.review(now);
        }
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
        }
        let mut number = 0;
        for at in 0..self.consumers_of(key) {
            let Some((consumer_key, consumer)) = self.consumer_at(key, at) else { break };
            if consumer.config.kind != MediaKind::Video {
                continue;
            }
            let choice = if managed && consumer.takes_part() {
                number += 1;
                allocator.choice(number - 1)
            } else {
                None
            };
            self.carry(now, consumer_key, choice, events);
        }
        self.allocator = allocator;
        if managed != was_managed {
            self.wake(key);
        }
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
            match consumer.config.kind {
                MediaKind::Audio => {
                    let rates = producer.streams.iter().map(|s| s.recv.bits_per_second(now));
                    let rate = rates.max().unwrap_or(0).max(AUDIO_RESERVE);
                    reserved = reserved.saturating_add(rate);
                }
                MediaKind::Video => allocator.push(&consumer.request(), &producer.ladder),
            }
        }
        allocator.allocate(now, &mut transport.allocation.budget, reserved);
        transport.allocation.reserved = reserved;
        transport.allocation.used = allocator.used();
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

impl Consumer {
    /// Whether bits are to be found for it.
    fn takes_part(&self) -> bool {
        self.producer.is_some() && !self.paused && !self.producer_paused
    }

    fn request(&self) -> Request {
        Request {
            demand: self.demand,
            limit: self.preferred,
            present: self.choice.and_then(|choice| choice.layers),
        }
    }
}

/// What a producer offers: what comes now, and what would come if it was asked
/// for.
pub(crate) fn ladder(producer: &Producer, now: Time) -> Ladder {
    let mut ladder = Ladder::new();
    let count = producer.streams.len();
    let active = producer.active_streams(now);
    for (index, stream) in (0..8u8).zip(&producer.streams) {
        let alive = active & (1 << index) != 0;
        let overdue = !alive && producer.demand.is_overdue(now, index);
        if overdue && active != 0 {
            ladder.withheld = true;
            continue;
        }
        // Of a source that is silent altogether no bits are to be kept, but it
        // keeps its place: it may be a screen that stands still.
        let cost = |rate: u32| if overdue { 1 } else { rate };
        if count > 1 {
            push_stream(&mut ladder, stream, (index, count), cost);
        } else {
            push_spatial_layers(&mut ladder, stream, cost);
        }
    }
    ladder
}

/// The temporal layers of one encoding of several.
fn push_stream(
    ladder: &mut Ladder,
    stream: &IncomingStream,
    (index, count): (u8, usize),
    cost: impl Fn(u32) -> u32,
) {
    let (width, height) = stream.size.unwrap_or_else(|| nominal_size(index, count));
    let top = stream.layers.top();
    for temporal in 0..=top.map_or(0, |(_, temporal)| temporal) {
        let layers = Layers { spatial: index, temporal };
        let (bitrate, frame_rate) = match top {
            Some(_) => {
                (stream.layers.bitrate(u8::MAX, temporal), stream.layers.frame_rate(temporal))
            }
            None => nominal_rate((width, height)),
        };
        ladder.push(Rung { layers, bitrate: cost(bitrate), width, height, frame_rate });
    }
}

/// The spatial and temporal layers of one stream.
fn push_spatial_layers(ladder: &mut Ladder, stream: &IncomingStream, cost: impl Fn(u32) -> u32) {
    let Some((top, fastest)) = stream.layers.top() else {
        let (width, height) = stream.size.unwrap_or(NOMINAL_SIZE);
        let (bitrate, frame_rate) = nominal_rate((width, height));
        let layers = Layers::MIN;
        ladder.push(Rung { layers, bitrate: cost(bitrate), width, height, frame_rate });
        return;
    };
    let full = stream.size.unwrap_or(NOMINAL_SIZE);
    for spatial in 0..=top {
        let (width, height) = halved(full, top - spatial);
        for temporal in 0..=fastest {
            let layers = Layers { spatial, temporal };
            let bitrate = cost(stream.layers.bitrate(spatial, temporal));
            let frame_rate = stream.layers.frame_rate(temporal);
            ladder.push(Rung { layers, bitrate, width, height, frame_rate });
        }
    }
}

/// Each encoding is taken for half as wide and high as the next, the last for
/// 720p.
fn nominal_size(index: u8, count: usize) -> (u16, u16) {
    let below = count.saturating_sub(usize::from(index) + 1).min(6);
    halved(NOMINAL_SIZE, below as u8)
}

fn halved((width, height): (u16, u16), times: u8) -> (u16, u16) {
    let half = |length: u16| (length >> times.min(15)).max(1);
    (half(width), half(height))
}

fn nominal_rate((width, height): (u16, u16)) -> (u32, f32) {
    let pixels = f32::from(width) * f32::from(height);
    // Saturates.
    ((pixels * NOMINAL_FRAME_RATE * NOMINAL_BITS) as u32, NOMINAL_FRAME_RATE)
}
