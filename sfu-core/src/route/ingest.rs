//! Phase one of a turn for one RTP packet: from protected bytes to a packet in
//! its producer's history, marked to be forwarded.
//!
//! A packet whose dependency descriptor names a structure that has not come yet
//! waits in the history, marked as unread, until the structure comes.

use sfu_ice::{Time, Tuple};

use super::picture_end::is_idle;
use super::producer::{Stored, orientation_changed};
use super::router::Router;
use super::speakers::Speech;
use super::trace::{PacketTrace, producer_trace};
use super::transport::{SecurityError, StreamRef, Transport, TransportKind, match_stream};
use crate::stream::recv::{ArrivalKind, ntp_at};
use crate::stream::select::{CaptureTime, PacketMeta};
use crate::wire::ExtSeq;
use crate::wire::buf::Pool;
use crate::wire::codec::{self, Codec, CodecError};
use crate::wire::rtcp::NtpTime;
use crate::wire::rtp::vla::VideoLayersAllocation;
use crate::wire::rtp::{self, Elements, Extensions, RtpHeader, RtpView, read_extensions};

impl Router {
    /// Takes in one RTP packet of a transport; decrypts it in place.
    pub(crate) fn handle_rtp(
        &mut self,
        now: Time,
        key: u32,
        tuple: Tuple,
        datagram: &mut [u8],
        pool: &mut Pool,
    ) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        if !transport.admits(&tuple, false) {
            transport.counters.refused.unknown_stream += 1;
            return;
        }
        transport.counters.packets_received += 1;
        transport.counters.bytes_received += datagram.len() as u64;
        let len = match transport.security.unprotect_rtp(datagram) {
            Ok(len) => len,
            Err(SecurityError::NoKeys) => {
                transport.counters.refused.no_keys += 1;
                return;
            }
            Err(SecurityError::Srtp(_)) => {
                transport.counters.refused.srtp += 1;
                return;
            }
        };
        let Some(packet) = datagram.get_mut(..len) else { return };
        // Without SRTP any bytes come this far: those that are no RTP packet
        // teach no address.
        if let TransportKind::Plain(plain) = &mut transport.kind
            && RtpHeader::parse(packet).is_ok()
            && plain.learn_rtp(tuple)
        {
            self.transport_ready(now, key);
        }
        self.ingest(now, key, packet, pool);
    }

    /// Takes in one packet in the clear.
    pub(crate) fn ingest(&mut self, now: Time, key: u32, packet: &mut [u8], pool: &mut Pool) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let Ok(view) = RtpView::parse(packet) else {
            transport.counters.refused.rtp += 1;
            return;
        };
        let header = view.header();
        let extensions = read_extensions(&view, &transport.extensions);
        if let Some(seq) = extensions.twcc {
            transport.twcc_in.arrived(now, seq, header.ssrc);
        }
        let Some(stream) = self.stream_of(key, &header, &extensions) else {
            if let Some(transport) = self.transports.get_mut(key as usize) {
                transport.counters.refused.unknown_stream += 1;
            }
            return;
        };
        if stream.repair {
            self.ingest_repair(now, key, stream, &header, &extensions, packet, pool);
        } else {
            self.ingest_media(now, key, stream, &extensions, packet, false, pool);
        }
    }

    /// The stream of this SSRC; binds it at first sight.
    fn stream_of(
        &mut self,
        key: u32,
        header: &RtpHeader,
        extensions: &Extensions,
    ) -> Option<StreamRef> {
        let transport = self.transports.get_mut(key as usize)?;
        if let Some(stream) = transport.streams.find(header.ssrc) {
            return Some(stream);
        }
        let producers = &self.producers;
        let stream = transport.producers.iter().find_map(|&producer| {
            let config = &producers.get(producer as usize)?.config;
            match_stream(producer, config, header.payload_type, extensions)
        })?;
        transport.streams.bind(header.ssrc, stream);
        let producer = self.producers.get_mut(stream.producer as usize)?;
        let incoming = producer.streams.get_mut(usize::from(stream.stream))?;
        if stream.repair {
            incoming.rtx_ssrc = Some(header.ssrc);
        } else {
            incoming.ssrc = Some(header.ssrc);
        }
        Some(stream)
    }

    /// A retransmission: turned back into the packet that was lost. Its header
    /// keeps its layout, so extensions stay where they were found.
    #[allow(clippy::too_many_arguments)]
    fn ingest_repair(
        &mut self,
        now: Time,
        key: u32,
        stream: StreamRef,
        header: &RtpHeader,
        extensions: &Extensions,
        packet: &mut [u8],
        pool: &mut Pool,
    ) {
        let Some(producer) = self.producers.get_mut(stream.producer as usize) else { return };
        let original = producer.repaired_by(header.payload_type);
        let Some(incoming) = producer.streams.get_mut(usize::from(stream.stream)) else { return };
        let (Some(payload_type), Some(ssrc)) = (original, incoming.ssrc) else { return };
        // An empty one is padding that probes for bandwidth.
        let Ok(Some(unwrapped)) = rtp::rtx::unwrap(packet, ssrc, payload_type) else { return };
        incoming.counters.recovered += 1;
        let Some(packet) = packet.get_mut(unwrapped.start..) else { return };
        self.ingest_media(now, key, stream, extensions, packet, true, pool);
    }

    #[allow(clippy::too_many_arguments)]
    fn ingest_media(
        &mut self,
        now: Time,
        key: u32,
        stream: StreamRef,
        extensions: &Extensions,
        packet: &mut [u8],
        recovered: bool,
        pool: &mut Pool,
    ) {
        let Ok(header) = RtpHeader::parse(packet) else { return };
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let Some(producer) = self.producers.get_mut(stream.producer as usize) else { return };
        let Some((codec_index, codec)) = producer.codec(header.payload_type) else {
            transport.counters.refused.unknown_stream += 1;
            return;
        };
        let (codec, wants_nack) = (codec.codec, codec.nack);
        let full = producer.is_full();
        let paused = producer.paused;
        if !recovered && let Some(told) = extensions.video_layers_allocation {
            // One that cannot be read says nothing.
            if let Ok(told) = VideoLayersAllocation::read(told.of(packet)) {
                producer.handle_allocation(&told);
            }
        }
        let Some(incoming) = producer.streams.get_mut(usize::from(stream.stream)) else { return };

        let arrival = if recovered {
            incoming.recv.push_recovered(now, header.seq, packet.len())
        } else {
            incoming.recv.push(now, header.seq, header.timestamp, packet.len())
        };
        if !arrival.kind.is_new() {
            incoming.counters.discarded += 1;
            return;
        }
        incoming.codec = codec_index;
        incoming.counters.packets += 1;
        incoming.counters.bytes += header.payload_len() as u64;
        let capture = incoming.recv.capture_clock(&transport.clock);
        let mut meta = packet_meta(now, stream.stream, arrival.ext, &header, codec, packet);
        meta.capture = capture.map(|clock| CaptureTime::new(clock.time_at(header.timestamp)));
        transport.localize_capture_time(&header, extensions, packet);
        let descriptor = extensions.dependency_descriptor;
        let read = descriptor.map(|place| incoming.layering.read(place.of(packet), &mut meta));
        let unread = read == Some(Err(CodecError::NoStructure));
        let brings_structure = read == Some(Ok(true));
        if !meta.padding_only {
            incoming.layers.push(&meta, packet.len());
        }
        // Only key frames tell how large their pictures are.
        let unknown = meta.frame_start && incoming.sizes.of(meta.spatial_id).is_none();
        if (meta.keyframe_start || unknown)
            && let Ok(frame) = codec::inspect(codec, header.payload(packet))
        {
            incoming.sizes.set(frame.spatial_id, frame.resolution);
        }
        if descriptor.is_some() && meta.frame_start {
            incoming.sizes.set(meta.spatial_id, incoming.layering.resolution());
        }
        if wants_nack {
            if arrival.kind == ArrivalKind::Reset {
                incoming.nack.reset();
            }
            incoming.nack.push(now, arrival.ext, recovered, incoming.recv.jitter());
            if meta.keyframe_start {
                incoming.nack.handle_key_frame(arrival.ext);
            }
        }
        if meta.keyframe_start {
            incoming.counters.key_frames += 1;
            incoming.key_frames.satisfied();
        }
        if let Some(told) = producer.trace.packet(meta.keyframe_start) {
            let trace =
                PacketTrace::new(&header, &meta, packet.len(), header.payload_len(), recovered);
            self.traces.push(producer_trace(self.id, producer.id, now, trace.told_as(told)));
        }
        if let Some(told) = extensions.video_orientation
            && producer.orientation.replace(told) != Some(told)
        {
            self.traces.push(orientation_changed(self.id, producer.id, told));
        }
        if paused || full {
            return;
        }
        let Some(slot) = pool.store(packet) else {
            transport.counters.refused.no_memory += 1;
            return;
        };
        let stored = Stored { meta, header, descriptor, unread };
        incoming.ring.insert(pool, arrival.ext, slot, now, stored);
        if meta.keyframe_start {
            incoming.cache.start(now, arrival.ext, header.timestamp);
        }
        if unread {
            incoming.unread = true;
            return;
        }
        let was_idle = is_idle(&producer.fresh);
        let speech = producer.voice.as_deref_mut().map_or(Speech::Heard, |voice| {
            let Self { ranking, observers, .. } = self;
            ranking.hear(observers, now, stream.producer, voice, &meta, extensions.audio_level)
        });
        incoming.offer(&mut producer.fresh, stream.stream, arrival.ext, speech);
        if brings_structure && incoming.unread {
            incoming.unread = false;
            producer.read_again(stream.stream, arrival.ext, pool);
        }
        if was_idle && !is_idle(&producer.fresh) {
            self.dirty_producers.push(stream.producer);
        }
    }
}

impl Transport {
    /// Whether packets of this path may come in.
    pub(crate) fn admits(&self, tuple: &Tuple, rtcp: bool) -> bool {
        match &self.kind {
            TransportKind::WebRtc(webrtc) => webrtc.peer.is_valid_tuple(tuple),
            TransportKind::Plain(plain) => plain.admits(tuple, rtcp),
            TransportKind::Local(_) | TransportKind::Direct => false,
        }
    }

    /// Turns the time of capture that a packet tells into our clock's, which is
    /// that of our sender reports, so that it stays consistent whatever a slot
    /// follows. While the publisher's clock is not known the element becomes
    /// padding.
    fn localize_capture_time(
        &self,
        header: &RtpHeader,
        extensions: &Extensions,
        packet: &mut [u8],
    ) {
        // What comes from inside of the process is on our clock.
        if matches!(self.kind, TransportKind::Direct) {
            return;
        }
        let Some((told, place)) =
            extensions.abs_capture_time.zip(extensions.abs_capture_time_place)
        else {
            return;
        };
        // The publisher's clock is that of the capturing system less the offset.
        let offset = told.clock_offset.unwrap_or(0);
        let sent = NtpTime(told.capture.0.wrapping_sub_signed(offset));
        let start = usize::from(place.start);
        let value = start..start + usize::from(place.len);
        if let Some(local) = self.clock.to_local(sent)
            && let Some(value) = packet.get_mut(value.clone())
            && let Some((capture, rest)) = value.split_first_chunk_mut()
        {
            *capture = ntp_at(local).0.to_be_bytes();
            rest.fill(0);
            return;
        }
        let one_byte = header.extension.is_some_and(|block| block.profile == Elements::ONE_BYTE);
        let head = if one_byte { 1 } else { 2 };
        if let Some(element) = packet.get_mut(start.saturating_sub(head)..value.end) {
            element.fill(0);
        }
    }
}

fn packet_meta(
    now: Time,
    stream: u8,
    ext: ExtSeq,
    header: &RtpHeader,
    codec: Codec,
    packet: &[u8],
) -> PacketMeta {
    let payload = header.payload(packet);
    let mut meta = PacketMeta::new(ext, header.timestamp, now);
    meta.stream = stream;
    meta.marker = header.marker;
    meta.padding_only = payload.is_empty();
    meta.payload_len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    // An unreadable descriptor (an encrypted payload, perhaps) says nothing:
    // the packet is forwarded as part of whatever goes on.
    if let Ok(frame) = codec::inspect(codec, payload) {
        meta = meta.with_frame(&frame);
        if codec == Codec::Vp9 {
            meta = meta.with_references(&frame);
        }
    }
    // No other payload has them where they could be rewritten.
    if !matches!(codec, Codec::Vp8 | Codec::Vp9) {
        meta.picture_id = None;
        meta.tl0_pic_idx = None;
    }
    meta
}
