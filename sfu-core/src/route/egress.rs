//! Phase two of a turn: for each transport with something to send, all its
//! packets, contiguously.
//!
//! Transport-major order is the point: one publisher's burst becomes one
//! segmented send per viewer, and the source payloads stay in the cache while
//! they are sealed again and again.

use std::time::Duration;

use sfu_ice::Time;

use super::config::PipeLink;
use super::consumer::{Consumer, Resend, stream_key, stream_of_key};
use super::event::Event;
use super::keyframe_cache;
use super::producer::{IncomingStream, MAX_AGE, MAX_AGE_SCARCE, Producer, Stored, equalize};
use super::router::Router;
use super::speakers::Speech;
use super::trace::{PacketTrace, Trace, TraceType};
use super::transport::{Security, Transport, TransportKind, Way};
use crate::stream::select::{Decision, PacketMeta, References};
use crate::stream::send::{Refused, Rewritten, Sent, StreamKey};
use crate::wire::buf::{EgressArena, Pool, Run, SlotId};
use crate::wire::codec::{dd, vp8, vp9};
use crate::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, HeaderFields, Replaced, RtpHeader, add_padding, rtx,
};
use crate::wire::{ExtSeq, MediaKind, RtpTime, SeqNo};

/// Room for a header, an original sequence number and padding around a
/// payload, in bytes.
const HEADROOM: usize = 192;

/// A slot that lags as much makes up for it in the pauses of speech,
const LAG: Duration = Duration::from_millis(20);
/// and one that lags more than this takes no more of a word than it can.
const MAX_LAG: Duration = Duration::from_millis(400);

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

/// Sends one consumer's packets over one transport.
struct Outlet<'a, 'e> {
    now: Time,
    router: super::id::RouterId,
    transport: &'a mut Transport,
    pool: &'a Pool,
    egress: &'a mut Egress<'e>,
    events: &'a mut Vec<Event>,
}

impl Outlet<'_, '_> {
    /// Everything fresh of `producer`, as far as the selector lets it through.
    fn forward(&mut self, consumer: &mut Consumer, producer: &Producer) {
        let follows_speaker = consumer.speaker.is_some();
        if follows_speaker && self.follow_opening(consumer, producer) {
            return;
        }
        for fresh in &producer.fresh {
            if fresh.waits || !consumer.listens_to(fresh.stream) {
                continue;
            }
            let Some(stream) = producer.streams.get(usize::from(fresh.stream)) else { continue };
            let Some(entry) = stream.ring.get(fresh.seq) else { continue };
            let meta = &entry.meta.meta;
            let key = stream_key(producer, fresh.stream);
            if follows_speaker && fresh.speech != Speech::Heard {
                if fresh.speech == Speech::HeldBack {
                    let _ = consumer.rewriter.skip(key, meta);
                    continue;
                }
                if consumer.rewriter.lag() >= LAG {
                    consumer.rewriter.accept_overlap(key);
                    continue;
                }
            }
            let decision = consumer.selector.decide(meta);
            consumer.rewriter.set_top(consumer.selector.top());
            let rewritten = match decision {
                // The rewriter closes the gap; its answer is always "no".
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward => consumer.rewriter.forward(key, meta),
                Decision::Switch => {
                    let rewritten = consumer.rewriter.switch(key, meta);
                    self.send(consumer, producer, &entry.meta, entry.slot, rewritten, fresh.pad);
                    self.catch_up(consumer, producer, stream, fresh.stream, fresh.seq);
                    continue;
                }
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, fresh.pad);
        }
        consumer.tell_layers(self.router, self.events);
    }

    /// If a speaker's gate opened just now: sends everything since the spurt
    /// began, and whether it did.
    fn follow_opening(&mut self, consumer: &mut Consumer, producer: &Producer) -> bool {
        let Some(voice) = producer.voice.as_deref() else { return false };
        let opening = voice.opening();
        if consumer.opening.replace(opening.count) == Some(opening.count)
            || !voice.is_opening(self.now)
        {
            return false;
        }
        let Some(stream) = producer.streams.first() else { return false };
        let Some(highest) = stream.ring.highest() else { return false };
        let key = stream_key(producer, 0);
        consumer.selector.reset();
        if consumer.rewriter.lag() <= MAX_LAG {
            consumer.rewriter.accept_overlap(key);
        }
        // Numbers that jump may be far apart.
        let oldest = highest.0.saturating_sub(stream.ring.capacity() as u64);
        for seq in opening.from.0.max(oldest)..=highest.0 {
            let Some(entry) = stream.ring.get(ExtSeq(seq)) else { continue };
            let meta = &entry.meta.meta;
            let rewritten = match consumer.selector.decide(meta) {
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward => consumer.rewriter.forward(key, meta),
                Decision::Switch => consumer.rewriter.switch(key, meta),
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
        true
    }

    /// Sends the last key frame of a stream and what followed it, so that the
    /// receiver catches up with the present at once. Whether it could be done.
    fn start_from_cache(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        index: u8,
    ) -> bool {
        let current = consumer.selector.current();
        let max_age = match current {
            None => keyframe_cache::MAX_AGE,
            Some(current)
                if producer.streams.len() > 1 && consumer.encoding(current.spatial) != index =>
            {
                keyframe_cache::MAX_AGE_SHOWN
            }
            // It follows the stream already: its past would come twice.
            Some(_) => return false,
        };
        let Some(stream) = producer.streams.get(usize::from(index)) else { return false };
        let Some(mut history) = stream.cache.history(self.now, max_age, &stream.ring) else {
            return false;
        };
        // What came in this turn is of the present.
        let fresh = producer.fresh.iter().filter(|fresh| fresh.stream == index);
        if let Some(first) = fresh.map(|fresh| fresh.seq).min() {
            history.last = history.last.min(ExtSeq(first.0.saturating_sub(1)));
        }
        let Some(live) = stream.ring.get(history.last).filter(|_| history.first <= history.last)
        else {
            return false;
        };
        let brief = history.brief && current.is_none();
        if brief {
            consumer.selector.begin_history();
        }
        let key = stream_key(producer, index);
        let started = self.send_history(consumer, producer, stream, key, &history, &live.meta.meta);
        consumer.selector.end_history();
        if started {
            self.catch_up(consumer, producer, stream, index, history.last);
            consumer.tell_layers(self.router, self.events);
        }
        started
    }

    fn send_history(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        stream: &IncomingStream,
        key: StreamKey,
        history: &keyframe_cache::History,
        live: &PacketMeta,
    ) -> bool {
        let mut timeline = None;
        let mut burst = 0;
        for seq in (history.first.0..=history.last.0).map(ExtSeq) {
            let Some(entry) = stream.ring.get(seq) else { continue };
            let meta = &entry.meta.meta;
            let decision = consumer.selector.decide(meta);
            consumer.rewriter.set_top(consumer.selector.top());
            let rewritten = match (decision, &timeline) {
                (Decision::Switch, _) => {
                    let pictures = history.pictures;
                    let (begun, rewritten) =
                        consumer.rewriter.switch_to_history(key, meta, live, pictures);
                    timeline = Some(begun);
                    rewritten
                }
                (Decision::Forward, Some(timeline)) => {
                    consumer.rewriter.forward_history(key, meta, timeline)
                }
                (Decision::Drop, Some(_)) => consumer.rewriter.skip(key, meta),
                // Of a stream that was left.
                (_, None) => continue,
            };
            if rewritten.is_ok() {
                burst += u64::from(meta.payload_len);
            }
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
        if let Some(timeline) = &timeline {
            consumer.rewriter.end_history(key, live, timeline);
            consumer.responder.grant(burst);
        }
        timeline.is_some()
    }

    /// After a switch: packets that overtook the first of the key frame were
    /// held back, and follow now.
    fn catch_up(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        stream: &IncomingStream,
        index: u8,
        after: ExtSeq,
    ) {
        let Some(highest) = stream.ring.highest() else { return };
        let key = stream_key(producer, index);
        for seq in after.0.saturating_add(1)..=highest.0 {
            let seq = ExtSeq(seq);
            let still_to_come = producer.fresh.iter().any(|f| f.stream == index && f.seq == seq);
            let Some(entry) =
                stream.ring.get(seq).filter(|entry| !still_to_come && !entry.meta.unread)
            else {
                continue;
            };
            let meta = &entry.meta.meta;
            let decision = consumer.selector.decide(meta);
            consumer.rewriter.set_top(consumer.selector.top());
            let rewritten = match decision {
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward | Decision::Switch => consumer.rewriter.forward(key, meta),
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
    }

    fn send(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        stored: &Stored,
        slot: SlotId,
        rewritten: Result<Rewritten, Refused>,
        pad: u8,
    ) {
        let rewritten = match rewritten {
            Ok(rewritten) => rewritten,
            Err(Refused::Hole { seq, timestamp }) => {
                self.fill(consumer, seq, timestamp);
                return;
            }
            Err(_) => return,
        };
        let source = stored.header.payload_type;
        if !consumer.prepare(producer, source) {
            return;
        }
        let packet = self.pool.data(slot);
        let redundancy = consumer.headers.redundancy;
        let Some(payload) = redundancy.pick(stored.header.payload(packet)) else { return };
        let fields = self.fields(consumer, &rewritten);
        let mut descriptor = [0; dd::MAX_LEN];
        let attach = Attach::IfNeeded;
        let replaced =
            described(consumer, producer, stored, packet, &rewritten, attach, &mut descriptor);
        let headers = &consumer.headers;
        let pad = if matches!(headers.resend, Resend::Again) || !self.transport.is_segmented() {
            0
        } else {
            pad
        };
        let now = self.now;
        let mut numbered = false;
        let traced = consumer.trace.packet(stored.meta.keyframe_start);
        let mut trace = None;
        let build = |security: &mut Security, buf: &mut [u8]| {
            let elements = stored.header.elements(packet);
            let header =
                headers.media.write_with(buf, &fields, elements, &headers.pass, replaced).ok()?;
            numbered = header.has_twcc();
            let mut len = header.len.checked_add(payload.len())?;
            let body = buf.get_mut(header.len..len)?;
            body.copy_from_slice(payload);
            rewrite_payload(body, &stored.meta, &rewritten);
            redundancy.write(body);
            if pad > 0 {
                len = add_padding(buf, len, pad).ok()?;
            }
            trace = traced.and_then(|told| traced_packet(told, buf, len, &stored.meta, false));
            security.protect_rtp(buf, len)
        };
        let headroom = HEADROOM + replaced.and_then(|r| r.value).map_or(0, <[u8]>::len);
        let max_len = headroom + payload.len() + usize::from(pad) + Security::MAX_OVERHEAD;
        if self.put(consumer, max_len, build) {
            self.count_number(numbered);
            consumer.send.push(now, rewritten.timestamp, payload.len());
            self.tell(consumer, trace);
        }
    }

    fn tell(&mut self, consumer: &Consumer, trace: Option<Trace>) {
        if let Some(trace) = trace {
            self.events.push(consumer.traced(self.router, self.now, trace));
        }
    }

    /// An empty packet in place of one that is not for the receiver.
    fn fill(&mut self, consumer: &mut Consumer, seq: SeqNo, timestamp: RtpTime) {
        let fields = HeaderFields {
            marker: false,
            seq,
            timestamp,
            twcc: self.transport.twcc_out,
            abs_send_time: AbsSendTime::at(self.now),
            identity: false,
        };
        let headers = &consumer.headers;
        if matches!(headers.resend, Resend::Again) {
            // Sent again it would have to be the same to the byte.
            return;
        }
        let mut numbered = false;
        let build = |security: &mut Security, buf: &mut [u8]| {
            let elements = Elements::default();
            let header = headers.media.write(buf, &fields, elements, &headers.pass).ok()?;
            numbered = header.has_twcc();
            let len = add_padding(buf, header.len, 1).ok()?;
            security.protect_rtp(buf, len)
        };
        if self.put(consumer, HEADROOM + Security::MAX_OVERHEAD, build) {
            self.count_number(numbered);
            consumer.send.push(self.now, timestamp, 0);
        }
    }

    /// One packet that the receiver asked for again.
    fn resend(&mut self, consumer: &mut Consumer, producers: &slab::Slab<Producer>, seq: SeqNo) {
        consumer.counters.nacked += 1;
        let found = find_sent(consumer, producers, seq);
        let Some((sent, producer, stored, slot)) = found else {
            consumer.counters.nack_missed += 1;
            return;
        };
        let rtt = self.transport.rtt.unwrap_or_default();
        let packet = self.pool.data(slot);
        let payload = stored.header.payload(packet);
        let rate = consumer.send.bits_per_second(self.now);
        let admitted = consumer.responder.allow(self.now, seq, payload.len(), rtt, rate);
        if admitted.is_err() {
            return;
        }
        if !consumer.prepare(producer, stored.header.payload_type) {
            return;
        }
        let redundancy = consumer.headers.redundancy;
        let Some(payload) = redundancy.pick(payload) else { return };
        let rewritten = sent.rewrite(&stored.meta);
        let mut fields = self.fields(consumer, &rewritten);
        let attach = Attach::IfBefore(sent.source, sent.ext);
        let mut descriptor = [0; dd::MAX_LEN];
        let replaced =
            described(consumer, producer, stored, packet, &rewritten, attach, &mut descriptor);
        let headroom = HEADROOM + replaced.and_then(|r| r.value).map_or(0, <[u8]>::len);
        let max_len = headroom + payload.len() + Security::MAX_OVERHEAD;
        let rtx_seq = consumer.responder.next_seq();
        let headers = &consumer.headers;
        let mut numbered = false;
        let traced = consumer.trace.packet(stored.meta.keyframe_start);
        let mut trace = None;
        let build = |security: &mut Security, buf: &mut [u8]| {
            let elements = stored.header.elements(packet);
            let (template, again) = match &headers.resend {
                Resend::Rtx(template) => {
                    fields.seq = rtx_seq;
                    (template, false)
                }
                Resend::Again => (&headers.media, true),
                Resend::Never => return None,
            };
            let header =
                template.write_with(buf, &fields, elements, &headers.pass, replaced).ok()?;
            numbered = header.has_twcc();
            let mut at = header.len;
            if !again {
                at = at.checked_add(rtx::OSN_LEN)?;
                buf.get_mut(header.len..at)?.copy_from_slice(&sent.seq.0.to_be_bytes());
            }
            let len = at.checked_add(payload.len())?;
            let body = buf.get_mut(at..len)?;
            body.copy_from_slice(payload);
            rewrite_payload(body, &stored.meta, &rewritten);
            redundancy.write(body);
            trace = traced.and_then(|told| traced_packet(told, buf, len, &stored.meta, true));
            if again {
                security.protect_rtp_again(buf, len)
            } else {
                security.protect_rtp(buf, len)
            }
        };
        if self.put(consumer, max_len, build) {
            self.count_number(numbered);
            consumer.counters.resent += 1;
            self.tell(consumer, trace);
        }
    }

    fn fields(&self, consumer: &Consumer, rewritten: &Rewritten) -> HeaderFields {
        HeaderFields {
            marker: rewritten.marker,
            seq: rewritten.seq,
            timestamp: rewritten.timestamp,
            twcc: self.transport.twcc_out,
            abs_send_time: AbsSendTime::at(self.now),
            identity: consumer.identity,
        }
    }

    /// Only a packet that carries its transport-wide number uses it up: one that
    /// does not would show as lost.
    fn count_number(&mut self, numbered: bool) {
        let next = self.transport.twcc_out.wrapping_add(u16::from(numbered));
        self.transport.twcc_out = next;
    }

    /// Builds a packet into the arena, or into an event if the transport ends
    /// inside the process. Whether it went out.
    fn put(
        &mut self,
        consumer: &Consumer,
        max_len: usize,
        build: impl FnOnce(&mut Security, &mut [u8]) -> Option<usize>,
    ) -> bool {
        let Transport { kind, security, .. } = &mut *self.transport;
        let sent = if matches!(kind, TransportKind::Direct) {
            let mut packet = vec![0; max_len];
            let len = build(security, &mut packet);
            if let Some(len) = len {
                packet.truncate(len);
                let (router, consumer) = (self.router, consumer.id);
                self.events.push(Event::Rtp { router, consumer, packet: packet.into() });
            }
            len
        } else {
            let Some(to) = self.transport.rtp_way() else { return false };
            let security = &mut self.transport.security;
            self.egress.packet(to, max_len, |buf| build(security, buf))
        };
        let Some(len) = sent else { return false };
        let transport = &mut self.transport;
        transport.counters.packets_sent += 1;
        transport.counters.bytes_sent += len as u64;
        true
    }
}

/// A packet that goes out, as it is told of.
fn traced_packet(
    told: TraceType,
    buf: &[u8],
    len: usize,
    meta: &PacketMeta,
    retransmission: bool,
) -> Option<Trace> {
    let header = RtpHeader::parse(buf.get(..len)?).ok()?;
    let trace = PacketTrace::new(&header, meta, len, header.payload_len(), retransmission);
    Some(trace.told_as(told))
}

/// What was sent under this egress number, as far as it is still kept.
fn find_sent<'p>(
    consumer: &Consumer,
    producers: &'p slab::Slab<Producer>,
    seq: SeqNo,
) -> Option<(Sent, &'p Producer, &'p Stored, SlotId)> {
    let sent = consumer.rewriter.lookup(seq)?;
    for key in [consumer.producer, consumer.previous].into_iter().flatten() {
        let Some(producer) = producers.get(key as usize) else { continue };
        let Some(stream) = stream_of_key(producer, sent.source) else { continue };
        // What came in this very turn is still to be forwarded, or not to be.
        if producer.fresh.iter().any(|new| new.stream == stream && new.seq == sent.ext) {
            return None;
        }
        let entry = producer.streams.get(usize::from(stream))?.ring.get(sent.ext)?;
        return Some((sent, producer, &entry.meta, entry.slot));
    }
    None
}

fn rewrite_payload(payload: &mut [u8], meta: &PacketMeta, rewritten: &Rewritten) {
    // A payload that was read at ingest can be written here; if it could not,
    // the picture would be one the decoder skips.
    if let Some(picture_id) = rewritten.picture_id {
        let tl0 = rewritten.tl0_pic_idx.unwrap_or(0);
        if meta.references.contains(References::LAYERED) {
            let _ = vp9::rewrite(payload, picture_id.value, tl0);
        } else {
            let _ = vp8::rewrite(payload, picture_id.value, tl0);
        }
    }
}

/// When a descriptor gets the structure that its packet lacks.
#[derive(Clone, Copy)]
enum Attach {
    /// If the receiver has not got the one in force.
    IfNeeded,
    /// If the packet of this stream and number was sent with it before.
    IfBefore(StreamKey, ExtSeq),
}

/// The packet's dependency descriptor as the receiver gets it; `None` if it has
/// none, or the receiver takes none.
fn described<'d>(
    consumer: &mut Consumer,
    producer: &Producer,
    stored: &Stored,
    packet: &[u8],
    rewritten: &Rewritten,
    attach: Attach,
    out: &'d mut [u8],
) -> Option<Replaced<'d>> {
    let place = stored.descriptor?;
    let id = producer.config.extensions.id_of(ExtensionKind::DependencyDescriptor)?;
    consumer.headers.pass.target(id)?;
    let index = stored.meta.stream;
    let layering = &producer.streams.get(usize::from(index))?.layering;
    let attach = match attach {
        Attach::IfNeeded => {
            consumer.needs_structure(stream_key(producer, index), layering, &stored.meta)
        }
        Attach::IfBefore(key, ext) => consumer.attached.contains(&Some((key, ext))),
    };
    let written = layering.write(place.of(packet), &stored.meta, rewritten, attach, out);
    // One that cannot be written would mislead.
    let value = written.ok().and_then(move |len| out.get(..len));
    Some(Replaced { id, value })
}
