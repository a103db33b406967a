//! Checks that what a slot carries goes on without a break.
//!
//! Packets come in order and with the truth about themselves in their markers;
//! what a decoder would go by (picture ids, TL0PICIDX, timestamps, key frames,
//! the marker bit) is held against it.

use std::time::Duration;

use sfu_core::wire::codec::vp8;

use super::camera;
use super::clock::Stamp;
use super::marker::Marker;
use super::measure::Received;
use super::reorder::Ordered;

/// Without a frame for longer, a picture stands still.
pub(crate) const FREEZE: Duration = Duration::from_millis(300);
/// A source that shows nothing for so long is a blank tile.
const BLANK: Duration = Duration::from_secs(1);

/// What is known of a video packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VideoPacket {
    /// `None` when only the header was looked at.
    inside: Option<Inside>,
    timestamp: u32,
    ends_frame: bool,
    arrived: Stamp,
}

#[derive(Clone, Copy, Debug)]
struct Inside {
    marker: Marker,
    key_frame_starts: bool,
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
    temporal_id: u8,
}

impl VideoPacket {
    /// A packet of which only the header was looked at, or that has no payload.
    pub(crate) fn outside(timestamp: u32, ends_frame: bool, arrived: Stamp) -> Self {
        Self { inside: None, timestamp, ends_frame, arrived }
    }

    /// A packet with its payload; `None` if that is none of ours.
    pub(crate) fn read(
        timestamp: u32,
        ends_frame: bool,
        arrived: Stamp,
        payload: &[u8],
    ) -> Option<(Marker, Self)> {
        let marker = Marker::read(payload.get(camera::MARKER_AT..)?)?;
        let info = vp8::inspect(payload).ok()?;
        let inside = Some(Inside {
            marker,
            key_frame_starts: info.starts_keyframe(),
            picture_id: info.picture_id.map(|id| id.value),
            tl0_pic_idx: info.tl0_pic_idx,
            temporal_id: info.temporal_id.unwrap_or(0),
        });
        Some((marker, Self { inside, timestamp, ends_frame, arrived }))
    }
}

/// One video slot.
#[derive(Debug, Default)]
pub(crate) struct VideoCheck {
    /// The frame that came last, whole or not.
    last: Option<LastFrame>,
    /// Publisher and layer.
    source: Option<(u32, u8)>,
    /// The frame that is coming in, and its next packet.
    open: Option<(u32, u8)>,
    /// Packets are missing since the last frame began.
    hole: bool,
    /// Everything since a key frame is there.
    decodable: bool,
    /// Since when a source is assigned.
    shown: Option<Stamp>,
    /// When the last frame that can be shown was complete.
    seen: Option<Stamp>,
    /// A key frame is needed to go on.
    pub(crate) wants_key_frame: bool,
}

#[derive(Clone, Copy, Debug)]
struct LastFrame {
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
    timestamp: u32,
}

impl VideoCheck {
    /// A source is assigned from now on, or none any more.
    pub(crate) fn set_shown(&mut self, shown: bool, now: Stamp) {
        if !shown {
            (self.shown, self.seen) = (None, None);
        } else if self.shown.is_none() {
            self.shown = Some(now);
        }
    }

    /// Counting starts anew; the stream goes on.
    pub(crate) fn begin(&mut self, now: Stamp) {
        self.shown = self.shown.map(|_| now);
        // A picture that stands still already is counted when it moves again.
        self.seen = self.seen.map(|_| now);
    }

    /// Counting ends.
    pub(crate) fn finish(&mut self, now: Stamp, count: &mut Received) {
        match (self.shown, self.seen) {
            (Some(_), Some(seen)) => freeze(now.since(seen), count),
            (Some(shown), None) if now.since(shown) > BLANK => count.blank += 1,
            _ => {}
        }
    }

    pub(crate) fn handle(&mut self, ordered: Ordered<VideoPacket>, count: &mut Received) {
        match ordered {
            Ordered::Lost(packets) => {
                count.lost += packets;
                (self.hole, self.open) = (true, None);
                self.wants_key_frame |= self.decodable;
                self.decodable = false;
            }
            Ordered::Packet(packet) => match packet.inside {
                Some(inside) => self.look(packet, inside, count),
                // All that a header can tell: a frame has come to its end.
                None if packet.ends_frame => self.show(packet.arrived, count),
                None => {}
            },
        }
    }

    fn look(&mut self, packet: VideoPacket, inside: Inside, count: &mut Received) {
        let Inside { marker, key_frame_starts, .. } = inside;
        let source = (marker.publisher, marker.layer);
        if self.source != Some(source) {
            count.switches += u64::from(self.source.is_some());
            if !key_frame_starts {
                count.breaks.no_key_frame += u64::from(!self.hole);
                self.wants_key_frame = true;
                self.decodable = false;
            }
            self.source = Some(source);
        }
        if marker.place == 0 {
            self.begin_frame(packet, inside, count);
        } else if self.open != Some((marker.frame, marker.place)) {
            count.breaks.torn += u64::from(!self.hole);
            self.decodable = false;
            self.wants_key_frame = true;
            return;
        }
        self.open = Some((marker.frame, marker.place.wrapping_add(1)));
        if marker.place + 1 == marker.of {
            self.open = None;
            count.breaks.torn += u64::from(!packet.ends_frame);
            if self.decodable {
                self.show(packet.arrived, count);
            }
        }
    }

    fn begin_frame(&mut self, packet: VideoPacket, inside: Inside, count: &mut Received) {
        let breaks = &mut count.breaks;
        breaks.torn += u64::from(self.open.is_some());
        if inside.key_frame_starts {
            self.decodable = true;
            self.wants_key_frame = false;
        }
        if let Some(last) = self.last.filter(|_| !self.hole) {
            let next = |id: u16| (id + 1) & 0x7fff;
            breaks.picture_id += u64::from(inside.picture_id != last.picture_id.map(next));
            let step = u8::from(inside.temporal_id == 0);
            let expected = last.tl0_pic_idx.map(|idx| idx.wrapping_add(step));
            breaks.tl0_pic_idx += u64::from(inside.tl0_pic_idx != expected);
        }
        if let Some(last) = self.last {
            let forward = packet.timestamp.wrapping_sub(last.timestamp).cast_signed() > 0;
            breaks.timestamp += u64::from(!forward);
        }
        self.hole = false;
        self.last = Some(LastFrame {
            picture_id: inside.picture_id,
            tl0_pic_idx: inside.tl0_pic_idx,
            timestamp: packet.timestamp,
        });
    }

    fn show(&mut self, at: Stamp, count: &mut Received) {
        count.frames += 1;
        if self.shown.is_some() {
            if let Some(seen) = self.seen {
                freeze(at.since(seen), count);
            }
            self.seen = Some(at);
        }
    }
}

fn freeze(still: Duration, count: &mut Received) {
    if still > FREEZE {
        count.freezes += 1;
        count.frozen += still;
    }
}

/// What is known of an audio packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AudioPacket {
    /// `None` when only the header was looked at.
    pub(crate) publisher: Option<u32>,
    pub(crate) timestamp: u32,
}

/// One audio slot.
#[derive(Debug, Default)]
pub(crate) struct AudioCheck {
    publisher: Option<u32>,
    timestamp: Option<u32>,
}

impl AudioCheck {
    pub(crate) fn handle(&mut self, ordered: Ordered<AudioPacket>, count: &mut Received) {
        match ordered {
            Ordered::Lost(packets) => count.lost += packets,
            Ordered::Packet(packet) => {
                if packet.publisher != self.publisher {
                    count.switches += u64::from(self.publisher.is_some());
                    self.publisher = packet.publisher;
                }
                if let Some(last) = self.timestamp.replace(packet.timestamp) {
                    let forward = packet.timestamp.wrapping_sub(last).cast_signed() > 0;
                    count.breaks.timestamp += u64::from(!forward);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::measure::Breaks;

    /// A stream of frames of two packets each, as a server should send it.
    struct Source {
        publisher: u32,
        frame: u32,
        picture_id: u16,
        tl0_pic_idx: u8,
        timestamp: u32,
        at: u64,
    }

    impl Source {
        fn new() -> Self {
            let (frame, picture_id, tl0_pic_idx) = (0, 0x7ffe, 254);
            Self { publisher: 1, frame, picture_id, tl0_pic_idx, timestamp: u32::MAX, at: 1 << 40 }
        }

        fn frame(&mut self, key: bool) -> [VideoPacket; 2] {
            self.frame = if key { 0 } else { self.frame + 1 };
            self.picture_id = (self.picture_id + 1) & 0x7fff;
            self.tl0_pic_idx = self.tl0_pic_idx.wrapping_add(1);
            self.timestamp = self.timestamp.wrapping_add(3_000);
            self.at += 33_000_000;
            let packet = |place| {
                let marker = Marker {
                    sent: Stamp(0),
                    publisher: self.publisher,
                    frame: self.frame,
                    layer: 0,
                    place,
                    of: 2,
                };
                let inside = Inside {
                    marker,
                    key_frame_starts: key && place == 0,
                    picture_id: Some(self.picture_id),
                    tl0_pic_idx: Some(self.tl0_pic_idx),
                    temporal_id: 0,
                };
                let (timestamp, arrived) = (self.timestamp, Stamp(self.at));
                VideoPacket { inside: Some(inside), timestamp, ends_frame: place == 1, arrived }
            };
            [packet(0), packet(1)]
        }
    }

    fn shown() -> (VideoCheck, Received, Source) {
        let (mut check, source) = (VideoCheck::default(), Source::new());
        check.set_shown(true, Stamp(source.at));
        (check, Received::default(), source)
    }

    fn feed(check: &mut VideoCheck, packets: [VideoPacket; 2], count: &mut Received) {
        for packet in packets {
            check.handle(Ordered::Packet(packet), count);
        }
    }

    #[test]
    fn a_whole_stream_has_no_break() {
        let (mut check, mut count, mut source) = shown();
        for number in 0..100 {
            feed(&mut check, source.frame(number % 30 == 0), &mut count);
        }
        assert_eq!((count.frames, count.freezes, count.switches), (100, 0, 0));
        assert_eq!(count.breaks, Breaks::default());
    }

    #[test]
    fn each_kind_of_break_is_counted() {
        type Spoil = fn(&mut [VideoPacket; 2]);
        let spoil: [(Spoil, Breaks); 4] = [
            (
                |frame| frame.iter_mut().for_each(|packet| packet.timestamp -= 6_000),
                Breaks { timestamp: 1, ..Breaks::default() },
            ),
            (
                |frame| frame[0].inside.as_mut().unwrap().picture_id = Some(9),
                Breaks { picture_id: 2, ..Breaks::default() },
            ),
            (
                |frame| frame[0].inside.as_mut().unwrap().tl0_pic_idx = Some(9),
                Breaks { tl0_pic_idx: 2, ..Breaks::default() },
            ),
            (|frame| frame[1].ends_frame = false, Breaks { torn: 1, ..Breaks::default() }),
        ];
        for (spoil, expected) in spoil {
            let (mut check, mut count, mut source) = shown();
            for number in 0..5 {
                let mut frame = source.frame(number == 0);
                if number == 2 {
                    spoil(&mut frame);
                }
                feed(&mut check, frame, &mut count);
            }
            assert_eq!(count.breaks, expected);
        }
    }

    #[test]
    fn a_switch_without_a_key_frame_shows_nothing_until_there_is_one() {
        let (mut check, mut count, mut source) = shown();
        feed(&mut check, source.frame(true), &mut count);
        source.publisher = 2;
        feed(&mut check, source.frame(false), &mut count);
        assert_eq!((count.switches, count.breaks.no_key_frame, count.frames), (1, 1, 1));
        assert!(check.wants_key_frame);
        feed(&mut check, source.frame(true), &mut count);
        assert_eq!((count.frames, check.wants_key_frame), (2, false));
        assert_eq!(count.breaks.total(), 1);
    }

    #[test]
    fn after_a_loss_ids_may_leap_and_a_key_frame_is_wanted() {
        let (mut check, mut count, mut source) = shown();
        feed(&mut check, source.frame(true), &mut count);
        let _ = source.frame(false);
        let [_, lost] = source.frame(false);
        check.handle(Ordered::Lost(3), &mut count);
        check.handle(Ordered::Packet(lost), &mut count);
        feed(&mut check, source.frame(false), &mut count);
        assert_eq!((count.lost, count.frames, count.breaks.total()), (3, 1, 0));
        assert!(check.wants_key_frame);
    }

    #[test]
    fn freezes_count_only_while_a_source_is_assigned() {
        let (mut check, mut count, mut source) = shown();
        feed(&mut check, source.frame(true), &mut count);
        source.at += 400_000_000;
        feed(&mut check, source.frame(false), &mut count);
        assert_eq!((count.freezes, count.frozen), (1, Duration::from_millis(433)));
        check.set_shown(false, Stamp(source.at));
        source.at += 9_000_000_000;
        check.set_shown(true, Stamp(source.at));
        feed(&mut check, source.frame(false), &mut count);
        assert_eq!(count.freezes, 1);
        check.finish(Stamp(source.at + 299_000_000), &mut count);
        assert_eq!(count.freezes, 1);
        check.finish(Stamp(source.at + 301_000_000), &mut count);
        assert_eq!(count.freezes, 2);
    }

    #[test]
    fn a_source_that_never_shows_is_blank() {
        let (mut check, mut count, source) = shown();
        check.finish(Stamp(source.at + 2_000_000_000), &mut count);
        assert_eq!((count.blank, count.freezes), (1, 0));
    }
}
