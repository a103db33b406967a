//! What the two ends of a pipe tell each other, out and in.

use std::time::Duration;

use sfu_ice::Time;

use super::demand::wants;
use crate::route::consumer::Consumer;
use crate::route::egress::Egress;
use crate::route::router::{Retired, Router};
use crate::route::transport::{Side, Transport, TransportKind};
use crate::stream::select::Layers;
use crate::wire::Ssrc;
use crate::wire::rtcp::{PipeDemand, PipeMessage, PipeState};

/// Entries in one message.
const BATCH: usize = 64;
/// Goodbyes in one packet (its count field has five bits).
const MAX_GOODBYES: usize = 31;
/// Time between repetitions of a goodbye.
const GOODBYE_INTERVAL: Duration = Duration::from_secs(1);
/// A peer that repeats its demand each second and was not heard for this long
/// is gone.
const DEMAND_HOLDS: Duration = Duration::from_secs(10);

impl Router {
    /// Tells the other end of a pipe what changed, or with `all` everything.
    /// Without `ticked` only what is known to have changed is looked at.
    pub(crate) fn tell_pipe(
        &mut self,
        now: Time,
        key: u32,
        ticked: bool,
        all: bool,
        egress: &mut Egress<'_>,
    ) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let can_send = transport.can_send();
        let Some(pipe) = &mut transport.pipe else { return };
        let ended = pipe.ended_due.is_some_and(|due| due <= now);
        let urgent = std::mem::take(&mut pipe.urgent) || ended;
        if !can_send || !(urgent || ticked || all) {
            return;
        }
        if all {
            self.forget_silent_peer(now, key);
        }
        self.tell_demand(now, key, ticked || all, all, egress);
        self.tell_state(now, key, all, egress);
        if let Some(transport) = self.transports.get_mut(key as usize) {
            transport.tell_ended(now, egress);
        }
    }

    /// What is wanted of the producers that come by this pipe.
    fn tell_demand(
        &mut self,
        now: Time,
        key: u32,
        every: bool,
        again: bool,
        egress: &mut Egress<'_>,
    ) {
        let listening = self.ranking.has_followers() || self.observers.iter().next().is_some();
        let Self { transports, producers, consumers, .. } = self;
        let Some(transport) = transports.get_mut(key as usize) else { return };
        let mut batch = Batch::new(PipeDemand { ssrc: Ssrc(0), layers: None });
        for at in 0..transport.producers.len() {
            let Some(producer_key) = transport.producers.get(at).copied() else { break };
            let Some(producer) = producers.get(producer_key as usize) else { continue };
            if !producer.upstream.as_ref().is_some_and(|upstream| every || upstream.dirty) {
                continue;
            }
            let wants = wants(producer, consumers, listening);
            let Some(producer) = producers.get_mut(producer_key as usize) else { continue };
            let (streams, upstream) = (&producer.streams, &mut producer.upstream);
            let Some(upstream) = upstream else { continue };
            for (stream, told) in upstream.update(now, &wants, streams.len(), again) {
                let Some(ssrc) = streams.get(stream).and_then(|stream| stream.ssrc) else {
                    continue;
                };
                let layers = told.map(|layers| (layers.spatial, layers.temporal));
                if batch.push(PipeDemand { ssrc, layers }) {
                    transport.tell(egress, |writer, own| writer.pipe_demand(own, batch.take()));
                }
            }
        }
        transport.tell(egress, |writer, own| writer.pipe_demand(own, batch.take()));
    }

    /// How the encodings are that this pipe carries, or would carry.
    fn tell_state(&mut self, now: Time, key: u32, again: bool, egress: &mut Egress<'_>) {
        let Self { transports, producers, consumers, .. } = self;
        let Some(transport) = transports.get_mut(key as usize) else { return };
        let mut batch = Batch::new(PipeState { ssrc: Ssrc(0), alive: false, paused: false });
        for at in 0..transport.consumers.len() {
            let Some(consumer_key) = transport.consumers.get(at).copied() else { break };
            let Some(consumer) = consumers.get_mut(consumer_key as usize) else { continue };
            let Some(leg) = &mut consumer.leg else { continue };
            let producer = consumer.producer.and_then(|key| producers.get(key as usize));
            let Some(producer) = producer else { continue };
            let alive = producer.active_streams(now) & (1 << (leg.stream & 7)) != 0;
            let state = Some((alive, producer.paused || consumer.paused));
            if !again && leg.told == state {
                continue;
            }
            leg.told = state;
            let paused = producer.paused || consumer.paused;
            if batch.push(PipeState { ssrc: consumer.config.ssrc, alive, paused }) {
                transport.tell(egress, |writer, own| writer.pipe_state(own, batch.take()));
            }
        }
        transport.tell(egress, |writer, own| writer.pipe_state(own, batch.take()));
    }

    /// Takes in what the other end of a pipe tells.
    pub(crate) fn handle_pipe_message(&mut self, now: Time, key: u32, message: PipeMessage<'_>) {
        let transport = self.transports.get(key as usize);
        if transport.is_none_or(|transport| transport.pipe.is_none()) {
            return;
        }
        match message {
            PipeMessage::Sctp { begun_by_sender, packet } => {
                let side = if begun_by_sender { Side::Far } else { Side::Near };
                if let Some(transport) = self.transports.get_mut(key as usize)
                    && transport.data.handle_packet(now, side, packet).is_err()
                {
                    transport.counters.refused.rtcp += 1;
                }
            }
            PipeMessage::Demand(entries) => {
                entries.iter().for_each(|entry| self.handle_demand(now, key, entry));
            }
            PipeMessage::State(entries) => {
                let mut news = false;
                for entry in entries.iter() {
                    news |= self.handle_state(now, key, entry);
                }
                if news {
                    self.tick(now, key);
                }
            }
        }
    }

    fn handle_demand(&mut self, now: Time, key: u32, entry: PipeDemand) {
        let Some(place) = self.consumer_of_ssrc(key, entry.ssrc) else {
            // It ended, and that was not heard.
            if let Some(pipe) = self.transports.get_mut(key as usize).and_then(|t| t.pipe.as_mut())
            {
                pipe.end_again(entry.ssrc);
            }
            return;
        };
        let Some(consumer) = self.consumers.get_mut(place as usize) else { return };
        let Some(leg) = &mut consumer.leg else { return };
        let first = leg.heard.replace(now).is_none();
        let wanted = entry.layers.map(|(spatial, temporal)| Layers { spatial, temporal });
        let before = std::mem::replace(&mut leg.wanted, wanted);
        if first {
            // The other end has only now heard of the stream.
            leg.told = None;
            if let Some(pipe) = self.transports.get_mut(key as usize).and_then(|t| t.pipe.as_mut())
            {
                pipe.urgent = true;
            }
        }
        if before == wanted {
            return;
        }
        consumer.apply_layers(now);
        if before.is_some() != wanted.is_some() {
            consumer.apply_pause();
        }
        self.unsettle(place);
        self.ask_key_frame(place);
    }

    /// Whether what is heard is news for those who follow.
    fn handle_state(&mut self, now: Time, key: u32, entry: PipeState) -> bool {
        let transport = self.transports.get(key as usize);
        let stream = transport.and_then(|transport| transport.streams.find(entry.ssrc));
        let Some(stream) = stream.filter(|stream| !stream.repair) else { return false };
        let Some(producer) = self.producers.get_mut(stream.producer as usize) else { return false };
        let Some(upstream) = &mut producer.upstream else { return false };
        let news = upstream.hear(now, stream.stream, entry.alive);
        if upstream.paused != entry.paused {
            upstream.paused = entry.paused;
            self.apply_producer_pause(now, stream.producer);
        }
        news
    }

    /// Streams of the other end of a pipe ended: so do the producers that they
    /// were of.
    pub(crate) fn handle_goodbye(&mut self, key: u32, ssrcs: impl Iterator<Item = Ssrc>) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        if transport.pipe.is_none() {
            return;
        }
        for ssrc in ssrcs {
            if let Some(stream) = transport.streams.find(ssrc) {
                self.retired.push(Retired::Producer(stream.producer));
            }
        }
    }

    /// The other end of a pipe is told that a stream ended.
    pub(crate) fn end_leg(&mut self, consumer: &Consumer) {
        let transport = self.transports.get_mut(consumer.transport as usize);
        if let Some(pipe) = transport.and_then(|transport| transport.pipe.as_mut()) {
            pipe.end(consumer.config.ssrc);
            self.wake(consumer.transport);
        }
    }

    /// What is wanted of a producer may have changed; if it comes by a pipe,
    /// its origin is told in the next run.
    pub(crate) fn note_demand(&mut self, producer: u32) {
        let Some(producer) = self.producers.get_mut(producer as usize) else { return };
        let Some(upstream) = &mut producer.upstream else { return };
        upstream.dirty = true;
        let transport = producer.transport;
        self.hurry_pipe(transport);
    }

    /// Has a pipe tell what it has to in the next run.
    pub(crate) fn hurry_pipe(&mut self, transport: u32) {
        let state = self.transports.get_mut(transport as usize);
        if let Some(pipe) = state.and_then(|transport| transport.pipe.as_mut()) {
            pipe.urgent = true;
            self.wake(transport);
        }
    }

    /// Nothing more is sent to an end in the network that went silent.
    fn forget_silent_peer(&mut self, now: Time, key: u32) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        let states_demand = transport.pipe.as_ref().is_some_and(|pipe| pipe.demand);
        if !states_demand || matches!(transport.kind, TransportKind::Local(_)) {
            return;
        }
        for consumer in &transport.consumers {
            let Some(consumer) = self.consumers.get_mut(*consumer as usize) else { continue };
            let Some(leg) = &mut consumer.leg else { continue };
            let silent = leg.heard.is_some_and(|heard| now.since(heard) > DEMAND_HOLDS);
            if silent && leg.wanted.take().is_some() {
                leg.heard = None;
                consumer.apply_pause();
            }
        }
    }
}

impl Transport {
    /// Sends one message, unless `write` writes nothing.
    fn tell<E>(
        &mut self,
        egress: &mut Egress<'_>,
        write: impl FnOnce(&mut crate::wire::rtcp::RtcpWriter<'_>, Ssrc) -> Result<(), E>,
    ) {
        let own = self.feedback_ssrc;
        self.send_compound(egress, |writer| {
            // A batch always fits, and everything is told again in a second.
            let _ = write(writer, own);
        });
    }

    /// Tells which streams ended, as often as one packet and another may get
    /// lost.
    fn tell_ended(&mut self, now: Time, egress: &mut Egress<'_>) {
        let Some(pipe) = &mut self.pipe else { return };
        if pipe.ended_due.is_none_or(|due| now < due) {
            return;
        }
        let mut ended = std::mem::take(&mut pipe.ended);
        for chunk in ended.chunks(MAX_GOODBYES) {
            let mut ssrcs = [Ssrc(0); MAX_GOODBYES];
            for (place, (ssrc, _)) in ssrcs.iter_mut().zip(chunk) {
                *place = *ssrc;
            }
            let ssrcs = ssrcs.get(..chunk.len()).unwrap_or_default();
            self.tell(egress, |writer, _| writer.bye(ssrcs));
        }
        ended.retain_mut(|(_, left)| {
            *left = left.saturating_sub(1);
            *left > 0
        });
        if let Some(pipe) = &mut self.pipe {
            pipe.ended_due = (!ended.is_empty()).then_some(now + GOODBYE_INTERVAL);
            pipe.ended = ended;
        }
    }
}

/// Entries that wait to be sent together.
struct Batch<T> {
    entries: [T; BATCH],
    len: usize,
}

impl<T: Copy> Batch<T> {
    fn new(empty: T) -> Self {
        Self { entries: [empty; BATCH], len: 0 }
    }

    /// Adds an entry; whether the batch is full now.
    fn push(&mut self, entry: T) -> bool {
        if let Some(place) = self.entries.get_mut(self.len) {
            *place = entry;
            self.len += 1;
        }
        self.len == BATCH
    }

    /// The entries; the next one starts a new batch.
    fn take(&mut self) -> &[T] {
        let len = std::mem::take(&mut self.len);
        self.entries.get(..len).unwrap_or_default()
    }
}
