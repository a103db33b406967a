//! Phase two of a turn: for each transport with something to send, all its
//! packets, contiguously.
//!
//! Transport-major order is the point: one publisher's burst becomes one
//! segmented send per viewer, and the source payloads stay in the cache while
//! they are sealed again and again.

mod outlet;
mod packet;

use sfu_ice::Time;

use outlet::Outlet;

use super::config::PipeLink;
use super::event::Event;
use super::producer::{MAX_AGE, MAX_AGE_SCARCE, Producer, equalize};
use super::router::Router;
use super::speakers::Speech;
use super::transport::Way;
use crate::wire::MediaKind;
use crate::wire::buf::{EgressArena, Pool, Run};

/// Where an engine's packets go.
pub trait Sink {
    /// Sends a run of packets; called in the order of sending. What cannot be
    /// sent is lost, as in a network.
    fn transmit(&mut self, run: Run<'_>);

    /// Hands one packet to the other end of a link in this process. `build`
    /// writes it to the start of a buffer of at least `max_len` bytes and gives
    /// its length, or `None` to send nothing. Gives the length; `None` if
    /// nothing was sent, or if there is no room or no such link. By default
    /// there are no links.
    fn pipe(
        &mut self,
        link: PipeLink,
        max_len: usize,
        build: &mut dyn FnMut(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let _ = (link, max_len, build);
        None
    }
}

impl<F: FnMut(Run<'_>)> Sink for F {
    fn transmit(&mut self, run: Run<'_>) {
        self(run);
    }
}

/// The way out: packets are laid in the arena, and leave when it is full or
/// the turn ends.
pub(crate) struct Egress<'a> {
    pub(crate) arena: &'a mut EgressArena,
    pub(crate) sink: &'a mut dyn Sink,
}

impl Egress<'_> {
    /// Builds one packet of at most `max_len` bytes for `to` in place. `build`
    /// gives its length, or `None` to send nothing. Gives the length sent.
    pub(crate) fn packet(
        &mut self,
        to: impl Into<Way>,
        max_len: usize,
        build: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let to = match to.into() {
            Way::Path(path) => path,
            Way::Link(link) => {
                let mut build = Some(build);
                return self.sink.pipe(link, max_len, &mut |buf| build.take()?(buf));
            }
        };
        self.arena.begin(to);
        if self.arena.reserve(max_len).is_none() {
            self.flush();
            self.arena.begin(to);
        }
        let len = build(self.arena.reserve(max_len)?)?;
        self.arena.commit(len).then_some(len)
    }

    /// Hands everything to the sink.
    pub(crate) fn flush(&mut self) {
        for run in self.arena.runs() {
            self.sink.transmit(run);
        }
        self.arena.clear();
    }
}

impl Router {
    /// Forwards what came in since the last turn, and sends again what was
    /// asked for.
    pub(crate) fn forward(
        &mut self,
        now: Time,
        pool: &mut Pool,
        egress: &mut Egress<'_>,
        events: &mut Vec<Event>,
        equal_sizes: bool,
    ) {
        self.update_speakers(now, events);
        self.settle(now, events);
        self.mark_dirty(pool, now, equal_sizes);
        self.start_from_cache(now, pool, egress, events);
        let mut dirty = std::mem::take(&mut self.dirty_transports);
        for key in dirty.drain(..) {
            self.forward_to(now, key, pool, egress, events);
        }
        self.dirty_transports = dirty;
        while let Some(consumer) = self.reporting.pop() {
            self.send_sender_report(now, consumer, egress);
        }
        while let Some(producer) = self.dirty_producers.pop() {
            if let Some(producer) = self.producers.get_mut(producer as usize) {
                producer.fresh.retain(|packet| packet.waits);
            }
        }
    }

    /// From producers with fresh packets to the transports that want them.
    fn mark_dirty(&mut self, pool: &mut Pool, now: Time, equal_sizes: bool) {
        for &key in &self.dirty_producers {
            let Some(producer) = self.producers.get_mut(key as usize) else { continue };
            let Producer { fresh, streams, config, consumers, voice, .. } = producer;
            if equal_sizes && config.kind == MediaKind::Video {
                equalize(fresh, |packet| {
                    let stream = streams.get(usize::from(packet.stream))?;
                    let stored = stream.ring.get(packet.seq)?;
                    let padded = stored.meta.header.padding_len() > 0;
                    let len = usize::from(stored.meta.meta.payload_len);
                    (!padded).then_some((stored.meta.meta.timestamp.0, len))
                });
            }
            for stream in streams.iter_mut() {
                let age = if pool.is_scarce() { MAX_AGE_SCARCE } else { MAX_AGE };
                stream.ring.expire(pool, now - age);
            }
            // Nobody who follows speakers has to be woken for silence.
            let opening = voice.as_ref().is_some_and(|voice| voice.is_opening(now));
            let silent = !opening && fresh.iter().all(|packet| packet.speech == Speech::HeldBack);
            for &consumer in consumers.iter() {
                let Some(place) = self.consumers.get(consumer as usize) else { continue };
                if silent && place.speaker.is_some() {
                    continue;
                }
                let transport = place.transport;
                let Some(transport_state) = self.transports.get_mut(transport as usize) else {
                    continue;
                };
                if !std::mem::replace(&mut transport_state.queued, true) {
                    self.dirty_transports.push(transport);
                }
                transport_state.dirty.push(consumer);
            }
        }
    }

    /// Has the consumers that wait for a key frame start with the last one, if
    /// that is kept and will do; else asks the publisher.
    fn start_from_cache(
        &mut self,
        now: Time,
        pool: &Pool,
        egress: &mut Egress<'_>,
        events: &mut Vec<Event>,
    ) {
        let mut starting = std::mem::take(&mut self.starting);
        for key in starting.drain(..) {
            let Some(consumer) = self.consumers.get_mut(key as usize) else { continue };
            let (Some(producer_key), Some(index)) =
                (consumer.producer, consumer.awaits_key_frame())
            else {
                continue;
            };
            let transport = self.transports.get_mut(consumer.transport as usize);
            let producer = self.producers.get_mut(producer_key as usize);
            let (Some(transport), Some(producer)) = (transport, producer) else { continue };
            if !transport.can_send() || producer.paused {
                continue;
            }
            let mut out = Outlet { now, router: self.id, transport, pool, egress, events };
            if out.start_from_cache(consumer, producer, index) {
                consumer.counters.cached_key_frames += 1;
                self.reporting.push(key);
                if let Some(stream) = producer.streams.get_mut(usize::from(index)) {
                    stream.cache.hits += 1;
                }
            }
            // Also when only a part of what it waits for could be had.
            if let Some(index) = consumer.awaits_key_frame() {
                self.request_key_frame(producer_key, index);
            }
        }
        self.starting = starting;
    }

    fn forward_to(
        &mut self,
        now: Time,
        key: u32,
        pool: &Pool,
        egress: &mut Egress<'_>,
        events: &mut Vec<Event>,
    ) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        transport.queued = false;
        let mut dirty = std::mem::take(&mut transport.dirty);
        let mut resend = std::mem::take(&mut transport.resend);
        if transport.can_send() {
            let mut out = Outlet { now, router: self.id, transport, pool, egress, events };
            for (consumer, seq) in resend.drain(..) {
                if let Some(consumer) = self.consumers.get_mut(consumer as usize) {
                    out.resend(consumer, &self.producers, seq);
                }
            }
            for &consumer_key in &dirty {
                let Some(consumer) = self.consumers.get_mut(consumer_key as usize) else {
                    continue;
                };
                let Some(producer) = consumer.producer else { continue };
                let Some(producer) = self.producers.get(producer as usize) else { continue };
                let clock = consumer.rewriter.clock_offset();
                out.forward(consumer, producer);
                if consumer.rewriter.clock_offset() != clock {
                    self.reporting.push(consumer_key);
                }
            }
        }
        dirty.clear();
        resend.clear();
        if let Some(transport) = self.transports.get_mut(key as usize) {
            transport.dirty = dirty;
            transport.resend = resend;
        }
    }
}
