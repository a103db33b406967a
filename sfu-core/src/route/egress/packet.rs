//! How a packet is written: the header that its receiver negotiated, the
//! payload with rewritten numbers, and again if it got lost.

use super::outlet::Outlet;
use crate::route::consumer::{Consumer, Resend, stream_key, stream_of_key};
use crate::route::event::Event;
use crate::route::producer::{Producer, Stored};
use crate::route::trace::{PacketTrace, Trace, TraceType};
use crate::route::transport::{Security, Transport, TransportKind};
use crate::stream::select::{PacketMeta, References};
use crate::stream::send::{Refused, Rewritten, Sent, StreamKey};
use crate::wire::buf::SlotId;
use crate::wire::codec::{dd, vp8, vp9};
use crate::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, HeaderFields, Replaced, RtpHeader, add_padding, rtx,
};
use crate::wire::{ExtSeq, RtpTime, SeqNo};

/// Room for a header, an original sequence number and padding around a
/// payload, in bytes.
const HEADROOM: usize = 192;

impl Outlet<'_, '_> {
    pub(super) fn send(
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
    pub(super) fn resend(
        &mut self,
        consumer: &mut Consumer,
        producers: &slab::Slab<Producer>,
        seq: SeqNo,
    ) {
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
