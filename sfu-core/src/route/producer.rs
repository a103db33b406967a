//! A media source of a router: one publisher's stream, in one or several
//! encodings, each with the packets it may have to send again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::cascade::Upstream;
use super::config::{CodecConfig, ProducerConfig};
use super::demand::ProducerDemand;
use super::event::Event;
use super::id::{ProducerId, RouterId};
use super::keyframe::KeyFrameRequests;
use super::keyframe_cache::KeyFrameCache;
use super::ladder::{Sizes, ladder};
use super::layering::Layering;
use super::speakers::{Speech, Voice};
use super::trace::TraceTypes;
use crate::stream::allocate::Ladder;
use crate::stream::recv::{ClockRate, LayerMeter, NackGenerator, RecvStream};
use crate::stream::select::PacketMeta;
use crate::wire::buf::{PacketRing, Pool};
use crate::wire::rtp::{ElementRange, RtpHeader, VideoOrientation};
use crate::wire::{ExtSeq, MediaKind, PayloadType, Rid, Ssrc};

/// Packets kept of a video encoding: about a second at several Mbit/s.
const VIDEO_HISTORY: usize = 512;
/// Packets kept of an audio stream, and so the most that can be fed at once
/// (`Command::MAX_BATCH` of the engine).
pub(crate) const AUDIO_HISTORY: usize = 64;
/// How long a packet may be asked for again, or be sent to who comes late: a
/// second longer than a cached key frame is of use.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(4_000);
/// The same while memory is scarce: enough for retransmissions.
pub(crate) const MAX_AGE_SCARCE: Duration = Duration::from_millis(1_000);
/// Packets of one producer in one turn; the engine runs before there are more.
const FRESH: usize = 256;

#[derive(Debug)]
pub(crate) struct Producer {
    pub(crate) id: ProducerId,
    /// Unique for the life of the router, unlike its key.
    pub(crate) serial: u32,
    /// Key of its transport in the router.
    pub(crate) transport: u32,
    pub(crate) config: ProducerConfig,
    /// Paused by its owner or, if it comes by a pipe, at its origin.
    pub(crate) paused: bool,
    /// Paused by its owner.
    pub(crate) held: bool,
    /// The other end of the pipe that it comes by, if it does.
    pub(crate) upstream: Option<Box<Upstream>>,
    pub(crate) streams: Vec<IncomingStream>,
    /// Keys of the consumers that follow it.
    pub(crate) consumers: Vec<u32>,
    /// What came in this turn, in order of arrival.
    pub(crate) fresh: Vec<Fresh>,
    /// Which encodings are active, one bit each, as consumers were last told.
    pub(crate) active: u8,
    /// What it offers, as it was last measured.
    pub(crate) ladder: Ladder,
    pub(crate) demand: ProducerDemand,
    /// What is traced of it.
    pub(crate) trace: TraceTypes,
    /// How its picture is to be turned, as was told last.
    pub(crate) orientation: Option<VideoOrientation>,
    /// Of an audio producer: what it says, and whether slots hear it.
    pub(crate) voice: Option<Box<Voice>>,
}

/// A packet to be forwarded in this turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    pub(crate) stream: u8,
    pub(crate) seq: ExtSeq,
    /// Padding that makes it as long as its neighbours in the frame.
    pub(crate) pad: u8,
    /// What it is to slots that follow speakers.
    pub(crate) speech: Speech,
    /// Not in this turn: what comes after it decides about its marker.
    pub(crate) waits: bool,
}

/// One encoding of a producer.
#[derive(Debug)]
pub(crate) struct IncomingStream {
    pub(crate) ssrc: Option<Ssrc>,
    pub(crate) rtx_ssrc: Option<Ssrc>,
    pub(crate) rid: Option<Rid>,
    /// The codec of the last packet, as an index into the producer's list.
    pub(crate) codec: u8,
    pub(crate) recv: RecvStream,
    /// What its layers cost.
    pub(crate) layers: LayerMeter,
    pub(crate) sizes: Sizes,
    pub(crate) nack: NackGenerator,
    pub(crate) key_frames: KeyFrameRequests,
    pub(crate) fir_seq: u8,
    pub(crate) ring: PacketRing<Stored>,
    pub(crate) cache: KeyFrameCache,
    pub(crate) layering: Layering,
    /// The ring holds packets whose descriptors could not be read yet.
    pub(crate) unread: bool,
    /// The packet that waits for the next one.
    pub(crate) waiting: Option<ExtSeq>,
    pub(crate) counters: StreamCounters,
}

/// Tells how a producer's picture is to be turned now.
pub(crate) fn orientation_changed(
    router: RouterId,
    producer: ProducerId,
    orientation: VideoOrientation,
) -> Event {
    let VideoOrientation { back_camera, flip, quarter_turns } = orientation;
    let rotation = u16::from(quarter_turns & 3) * 90;
    Event::ProducerVideoOrientationChanged { router, producer, back_camera, flip, rotation }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamCounters {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) nacked: u64,
    pub(crate) recovered: u64,
    pub(crate) key_frames: u64,
    /// Packets that were repeated, or out of all order.
    pub(crate) discarded: u64,
    /// Of the requests for key frames, those by FIR.
    pub(crate) firs: u64,
    /// As told in the last receiver report.
    pub(crate) lost: i32,
}

/// What is known of a stored packet.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) meta: PacketMeta,
    pub(crate) header: RtpHeader,
    /// Where its dependency descriptor is.
    pub(crate) descriptor: Option<ElementRange>,
    /// Nobody was offered it: the structure that its descriptor names has not
    /// come yet.
    pub(crate) unread: bool,
}

impl Producer {
    pub(crate) fn new(id: ProducerId, serial: u32, transport: u32, config: ProducerConfig) -> Self {
        let clock_rate = config.codecs.first().and_then(|codec| ClockRate::new(codec.clock_rate));
        let clock_rate = clock_rate.unwrap_or(ClockRate::VIDEO);
        let history = match config.kind {
            MediaKind::Audio => AUDIO_HISTORY,
            MediaKind::Video => VIDEO_HISTORY,
        };
        let stream = |encoding: &super::config::EncodingConfig| IncomingStream {
            ssrc: encoding.ssrc,
            rtx_ssrc: encoding.rtx_ssrc,
            rid: encoding.rid,
            codec: 0,
            recv: RecvStream::new(clock_rate),
            layers: LayerMeter::new(),
            sizes: Sizes::default(),
            nack: NackGenerator::new(config.kind),
            key_frames: KeyFrameRequests::default(),
            fir_seq: 0,
            ring: PacketRing::new(history),
            cache: KeyFrameCache::default(),
            layering: Layering::default(),
            unread: false,
            waiting: None,
            counters: StreamCounters::default(),
        };
        let mut producer = Self {
            id,
            serial,
            transport,
            paused: config.paused,
            held: config.paused,
            upstream: None,
            streams: config.encodings.iter().map(stream).collect(),
            consumers: Vec::new(),
            fresh: Vec::with_capacity(FRESH + config.encodings.len()),
            active: 0,
            ladder: Ladder::new(),
            demand: ProducerDemand::default(),
            trace: TraceTypes::default(),
            orientation: None,
            voice: (config.kind == MediaKind::Audio).then(|| Box::new(Voice::new())),
            config,
        };
        producer.ladder = ladder(&producer, Time::ZERO);
        producer
    }

    /// Which spatial layers come at `now`, one bit each: its encodings, or the
    /// layers of its one encoding.
    pub(crate) fn active_spatial(&self, now: Time) -> u8 {
        match self.streams.as_slice() {
            [only] if only.recv.is_active(now) => only.layers.active().max(1),
            _ => self.active_streams(now),
        }
    }

    /// The highest spatial layer that it has, as far as that is known.
    pub(crate) fn top_spatial(&self) -> u8 {
        match self.streams.as_slice() {
            [only] => only.layers.top().map_or(0, |(spatial, _)| spatial),
            streams => u8::try_from(streams.len().saturating_sub(1)).unwrap_or(u8::MAX),
        }
    }

    /// The codec with this media payload type, and its index.
    pub(crate) fn codec(&self, payload_type: PayloadType) -> Option<(u8, &CodecConfig)> {
        let position = self.config.codecs.iter().position(|c| c.payload_type == payload_type)?;
        Some((u8::try_from(position).ok()?, self.config.codecs.get(position)?))
    }

    /// The media payload type whose retransmissions have this payload type.
    pub(crate) fn repaired_by(&self, payload_type: PayloadType) -> Option<PayloadType> {
        let codecs = &self.config.codecs;
        let codec = codecs.iter().find(|codec| codec.rtx_payload_type == Some(payload_type))?;
        Some(codec.payload_type)
    }

    /// Which encodings bring packets at `now`, one bit each; of a pipe those
    /// that would if somebody wanted them.
    pub(crate) fn active_streams(&self, now: Time) -> u8 {
        if let Some(alive) = self.upstream.as_ref().and_then(|upstream| upstream.alive(now)) {
            return alive;
        }
        let mut active = 0;
        for (index, stream) in self.streams.iter().enumerate().take(8) {
            if stream.recv.is_active(now) {
                active |= 1 << index;
            }
        }
        active
    }

    /// Reads the packets of a stream that came before their structure, which
    /// packet `after` brought, and has them forwarded.
    pub(crate) fn read_again(&mut self, index: u8, after: ExtSeq, pool: &Pool) {
        let Some(stream) = self.streams.get_mut(usize::from(index)) else { return };
        let Some(highest) = stream.ring.highest() else { return };
        for seq in (after.0.saturating_add(1)..=highest.0).map(ExtSeq) {
            let Some(entry) = stream.ring.get(seq).filter(|entry| entry.meta.unread) else {
                continue;
            };
            let Stored { mut meta, descriptor: Some(place), .. } = entry.meta else { continue };
            let read = stream.layering.read(place.of(pool.data(entry.slot)), &mut meta);
            if read.is_err() || self.fresh.len() >= FRESH {
                continue;
            }
            if let Some(stored) = stream.ring.meta_mut(seq) {
                *stored = Stored { meta, unread: false, ..*stored };
            }
            stream.offer(&mut self.fresh, index, seq, Speech::Heard);
        }
    }

    /// No more packets fit into this turn.
    pub(crate) fn is_full(&self) -> bool {
        // Of each stream one may wait.
        self.fresh.len() >= FRESH + self.streams.len()
    }

    /// Gives all packets back to the pool.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        for stream in &mut self.streams {
            stream.ring.clear(pool);
        }
        self.fresh.clear();
    }
}

/// Pads the packets of a frame that are a few bytes shorter than its longest
/// (senders split a frame into sizes n and n + 1), so that they can leave in
/// one segmented send. The last packet of a run may be shorter anyway.
pub(crate) fn equalize(fresh: &mut [Fresh], payload_len: impl Fn(&Fresh) -> Option<(u32, usize)>) {
    /// More than this is not worth the bytes.
    const MAX_PAD: usize = 4;
    let mut start = 0;
    while let Some(first) = fresh.get(start) {
        let Some((frame, mut longest)) = payload_len(first) else {
            start += 1;
            continue;
        };
        let stream = first.stream;
        let mut end = start + 1;
        while let Some((next_frame, len)) =
            fresh.get(end).filter(|next| next.stream == stream).and_then(&payload_len)
            && next_frame == frame
        {
            longest = longest.max(len);
            end += 1;
        }
        if end - start > 1 {
            for packet in fresh.get_mut(start..end).unwrap_or_default() {
                let len = payload_len(packet).map_or(longest, |(_, len)| len);
                let missing = longest - len.min(longest);
                packet.pad = if missing <= MAX_PAD { missing as u8 } else { 0 };
            }
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(sizes: &[(u32, usize)]) -> Vec<u8> {
        let mut fresh: Vec<Fresh> = (0..sizes.len())
            .map(|at| Fresh {
                stream: 0,
                seq: ExtSeq(at as u64),
                pad: 0,
                speech: Speech::Heard,
                waits: false,
            })
            .collect();
        equalize(&mut fresh, |packet| sizes.get(packet.seq.0 as usize).copied());
        fresh.iter().map(|packet| packet.pad).collect()
    }

    #[test]
    fn packets_of_a_frame_become_equally_long() {
        assert_eq!(padded(&[(1, 1100), (1, 1101), (1, 1100)]), [1, 0, 1]);
    }

    #[test]
    fn frames_are_not_mixed_and_short_tails_stay_short() {
        assert_eq!(padded(&[(1, 1100), (2, 1101), (2, 300)]), [0, 0, 0]);
        assert_eq!(padded(&[(1, 900), (1, 1100)]), [0, 0]);
    }
}
