//! Where a picture ends for those who get only its lower spatial layers.
//!
//! The last packet that a receiver gets of a picture has to have the marker, or
//! the receiver waits for the rest. The publisher marks the last packet of all
//! layers. Of the others, dependency descriptors tell where a layer's frame
//! ends, but not that it is the last for who gets, say, two of three layers:
//! encoders that exceed their bit rate leave out any layer of a picture, also
//! the second, and then it is the end of the first. Only the next frame tells.
//! So a frame's last packet waits for it, if the frame is not of the highest
//! layer. That costs nearly nothing: the rest of the picture follows at once.

use std::time::Duration;

use sfu_ice::Time;

use super::producer::{Fresh, IncomingStream, Producer};
use super::speakers::Speech;
use crate::stream::select::PacketMeta;
use crate::wire::ExtSeq;

/// So long a packet waits at most.
const PATIENCE: Duration = Duration::from_millis(100);
/// So many numbers after a packet the next frame is looked for.
const NEAR: u64 = 16;

/// Whether nothing is to be forwarded in this turn.
pub(crate) fn is_idle(fresh: &[Fresh]) -> bool {
    fresh.iter().all(|packet| packet.waits)
}

impl Producer {
    /// Has what waited in vain forwarded; whether there was such a packet.
    pub(crate) fn end_waiting(&mut self, now: Time) -> bool {
        let mut any = false;
        for (index, stream) in (0_u8..).zip(&mut self.streams) {
            let Some(seq) = stream.waiting else { continue };
            let entry = stream.ring.get(seq);
            if entry.is_none_or(|entry| now.since(entry.stored_at) > PATIENCE) {
                stream.release(&mut self.fresh, index);
                any = true;
            }
        }
        any
    }
}

impl IncomingStream {
    /// Has a packet that is in the ring forwarded: in this turn, or as soon as
    /// what follows it has come.
    pub(crate) fn offer(&mut self, fresh: &mut Vec<Fresh>, index: u8, seq: ExtSeq, speech: Speech) {
        if let Some(before) = self.waiting.filter(|before| *before < seq) {
            self.learn(before, seq);
            self.release(fresh, index);
        }
        let waits = self.awaits_next(seq);
        if waits {
            self.waiting = Some(seq);
        }
        fresh.push(Fresh { stream: index, seq, pad: 0, speech, waits });
    }

    /// Whether it has to be seen what follows packet `seq`. If that came before
    /// it, it is seen to here.
    fn awaits_next(&mut self, seq: ExtSeq) -> bool {
        let Some(entry) = self.ring.get(seq) else { return false };
        let PacketMeta { marker, frame_end, spatial_id, dependencies, .. } = entry.meta.meta;
        if marker || !frame_end || dependencies.is_none_or(|frame| frame.top() <= spatial_id) {
            return false;
        }
        let highest = self.ring.highest().unwrap_or(seq);
        let near = seq.0.saturating_add(1)..=highest.0.min(seq.0.saturating_add(NEAR));
        let is_read = |seq: &ExtSeq| self.ring.get(*seq).is_some_and(|next| !next.meta.unread);
        match near.map(ExtSeq).find(is_read) {
            Some(next) => {
                self.learn(seq, next);
                false
            }
            None => highest.0.saturating_sub(seq.0) <= NEAR,
        }
    }

    /// Notes what a packet tells of the one that ends the frame before.
    fn learn(&mut self, before: ExtSeq, next: ExtSeq) {
        let Some(next) = self.ring.get(next).map(|entry| entry.meta.meta) else { return };
        if let Some(stored) = self.ring.meta_mut(before)
            && let Some(skipped) = skipped(&stored.meta, &next)
            && let Some(frame) = &mut stored.meta.dependencies
        {
            frame.skipped = skipped;
        }
    }

    fn release(&mut self, fresh: &mut [Fresh], index: u8) {
        self.waiting = None;
        for packet in fresh.iter_mut().filter(|packet| packet.stream == index) {
            packet.waits = false;
        }
    }
}

/// How many spatial layers above that of the frame which `last` ends its picture
/// lacks, if `next` is of the very next frame. A picture has its layers in
/// ascending order, and frames are numbered without gaps: if another frame is
/// in between, it is taken to be of the layer above.
fn skipped(last: &PacketMeta, next: &PacketMeta) -> Option<u8> {
    let (frame, following) = (last.dependencies?, next.dependencies?);
    if following.frame_number.wrapping_sub(frame.frame_number) != 1 {
        return None;
    }
    if next.timestamp != last.timestamp {
        return Some(u8::MAX);
    }
    next.spatial_id.checked_sub(last.spatial_id.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::config::{EncodingConfig, ProducerConfig};
    use crate::route::id::ProducerId;
    use crate::route::producer::Stored;
    use crate::stream::select::Dependencies;
    use crate::wire::buf::{Pool, PoolOptions};
    use crate::wire::rtp::{ExtensionMap, RtpHeader};
    use crate::wire::{MediaKind, RtpTime};

    fn packet(picture: u32, number: u16, spatial_id: u8) -> PacketMeta {
        let frame = Dependencies {
            refers: 0,
            indications: 0,
            targets: 0x111,
            frame_number: number,
            refers_far: false,
            has_structure: false,
            refers_beyond_key: false,
            skipped: 0,
        };
        PacketMeta {
            dependencies: Some(frame),
            spatial_id,
            frame_end: true,
            ..PacketMeta::new(ExtSeq(70_000), RtpTime(picture), Time::ZERO)
        }
    }

    /// A producer of one stream, to which `push` adds packets that were read.
    struct Stream {
        pool: Pool,
        producer: Producer,
    }

    impl Stream {
        fn new() -> Self {
            let config = ProducerConfig {
                kind: MediaKind::Video,
                mid: None,
                codecs: Vec::new(),
                encodings: vec![EncodingConfig { ssrc: None, rtx_ssrc: None, rid: None }],
                extensions: ExtensionMap::default(),
                paused: false,
                speaker: None,
                consumable: String::new(),
                parameters: String::new(),
            };
            let producer = Producer::new(ProducerId::from_u64(1).unwrap(), 1, 0, config);
            Self { pool: Pool::new(PoolOptions::default()), producer }
        }

        fn push(&mut self, now: Time, seq: u64, meta: PacketMeta) {
            let packet = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
            let header = RtpHeader::parse(&packet).unwrap();
            let stored = Stored { meta, header, descriptor: None, unread: false };
            let slot = self.pool.store(&packet).unwrap();
            let Producer { streams, fresh, .. } = &mut self.producer;
            streams[0].ring.insert(&mut self.pool, ExtSeq(seq), slot, now, stored);
            streams[0].offer(fresh, 0, ExtSeq(seq), Speech::Heard);
        }

        /// Numbers of what is forwarded in this turn, with the layers above it
        /// that are known to be missing.
        fn turn(&mut self) -> Vec<(u64, u8)> {
            let Producer { streams, fresh, .. } = &mut self.producer;
            let skipped = |seq| streams[0].ring.get(seq).unwrap().meta.meta.dependencies.unwrap();
            let ready = fresh.iter().filter(|packet| !packet.waits);
            let ready = ready.map(|packet| (packet.seq.0, skipped(packet.seq).skipped)).collect();
            fresh.retain(|packet| packet.waits);
            ready
        }
    }

    #[test]
    fn the_last_packet_of_a_lower_layer_waits_for_the_next_frame() {
        let (mut stream, now) = (Stream::new(), Time::from_secs(9));
        let middle = PacketMeta { frame_end: false, ..packet(1, 10, 0) };
        stream.push(now, 100, middle);
        stream.push(now, 101, packet(1, 10, 0));
        assert_eq!(stream.turn(), [(100, 0)]);
        assert!(is_idle(&stream.producer.fresh));
        stream.push(now, 102, PacketMeta { marker: true, ..packet(1, 11, 2) });
        assert_eq!(stream.turn(), [(101, 1), (102, 0)], "the publisher's marker waits for nothing");

        // The next frame overtook it.
        stream.push(now, 104, PacketMeta { marker: true, ..packet(2, 13, 2) });
        stream.push(now, 103, packet(2, 12, 0));
        assert_eq!(stream.turn(), [(104, 0), (103, 1)]);
        // What comes late tells nothing.
        stream.push(now, 106, packet(3, 15, 1));
        stream.push(now, 105, packet(3, 14, 0));
        assert_eq!(stream.turn(), [(105, 0)]);
        stream.push(now, 107, PacketMeta { marker: true, ..packet(4, 16, 2) });
        assert_eq!(stream.turn(), [(106, u8::MAX), (107, 0)]);
    }

    #[test]
    fn nothing_waits_for_long() {
        let (mut stream, now) = (Stream::new(), Time::from_secs(9));
        stream.push(now, 100, packet(1, 10, 0));
        assert!(!stream.producer.end_waiting(now + PATIENCE));
        assert_eq!(stream.turn(), []);
        let late = now + PATIENCE + Duration::from_millis(1);
        assert!(stream.producer.end_waiting(late));
        assert_eq!(stream.turn(), [(100, 0)]);
        assert!(!stream.producer.end_waiting(late));
        // Not even for its place in the ring.
        stream.push(late, 101, packet(2, 12, 0));
        stream.producer.streams[0].ring.clear(&mut stream.pool);
        assert!(stream.producer.end_waiting(late));
    }

    #[test]
    fn the_next_frame_tells_which_layers_a_picture_lacks() {
        let last = packet(7, 65_535, 0);
        let after = |picture, number, spatial| skipped(&last, &packet(picture, number, spatial));
        assert_eq!(after(7, 0, 1), Some(0));
        assert_eq!(after(7, 0, 2), Some(1));
        assert_eq!(after(7, 0, 3), Some(2));
        assert_eq!(after(8, 0, 0), Some(u8::MAX), "the end of the picture without a marker");
        assert_eq!(after(7, 1, 2), None, "there is a frame in between");
        assert_eq!(after(8, 2, 0), None);
        assert_eq!(after(7, 0, 0), None, "two frames of one layer");
        let undescribed = PacketMeta { dependencies: None, ..packet(7, 0, 2) };
        assert_eq!(skipped(&last, &undescribed), None);
    }

    #[test]
    fn a_picture_ends_for_whom_nothing_more_of_it_comes() {
        let ends = |spatial, skipped: u8, top| {
            let mut packet = packet(7, 1, spatial);
            packet.dependencies.as_mut().unwrap().skipped = skipped;
            packet.ends_picture(top)
        };
        assert_eq!([0, 1, 2].map(|top| ends(0, 0, top)), [true, false, false]);
        assert_eq!([0, 1, 2].map(|top| ends(0, 1, top)), [true, true, false]);
        assert_eq!([0, 1, 2].map(|top| ends(1, 0, top)), [false, true, false]);
        assert_eq!([0, 1, 2].map(|top| ends(0, u8::MAX, top)), [true; 3]);
        let middle = PacketMeta { frame_end: false, ..packet(7, 1, 1) };
        assert!(!middle.ends_picture(1));
    }
}
