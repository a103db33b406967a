use proptest::prelude::*;
use sfu_ice::Time;

use super::*;
use crate::stream::select::{Decision, Selector};
use crate::wire::{ExtSeq, MediaKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Full,
    Key,
}

/// A publisher of three spatial and three temporal layers; every layer frame
/// has two packets.
struct Publisher {
    mode: Mode,
    active: u8,
    picture: u32,
    since_key: u32,
    ext: u64,
}

/// A packet, and the layer frames that its own refers to: picture and layer.
#[derive(Clone, Debug)]
struct Packet {
    meta: PacketMeta,
    frame: (u32, u8),
    needs: Vec<(u32, u8)>,
}

impl Publisher {
    const fn new(mode: Mode) -> Self {
        Self { mode, active: 3, picture: 0, since_key: 0, ext: 70_000 }
    }

    fn picture(&mut self, key: bool) -> Vec<Packet> {
        let key = key || self.picture == 0;
        self.since_key = if key { 0 } else { self.since_key + 1 };
        let (temporal, back) = match self.since_key % 4 {
            0 => (0, 4),
            2 => (1, 2),
            _ => (2, 1),
        };
        let mut packets = Vec::new();
        for spatial in 0..self.active {
            let mut needs = Vec::new();
            if !key {
                needs.push((self.picture - back, spatial));
            }
            let on_lower = spatial > 0 && (key || self.mode == Mode::Full);
            if on_lower {
                needs.push((self.picture, spatial - 1));
            }
            let mut references = References::LAYERED;
            if !key {
                references = references.and(References::PICTURE);
            }
            if on_lower {
                references = references.and(References::LOWER_LAYER);
            }
            let top = spatial + 1 == self.active;
            if top || !key && self.mode == Mode::Key {
                references = references.and(References::NOT_FOR_UPPER);
            }
            for index in 0..2 {
                let meta = PacketMeta {
                    references,
                    spatial_id: spatial,
                    temporal_id: Some(temporal),
                    // What follows refers to nothing above its layer from before it.
                    layer_sync: true,
                    keyframe_start: key && spatial == 0 && index == 0,
                    frame_start: index == 0,
                    frame_end: index == 1,
                    marker: top && index == 1,
                    ..PacketMeta::new(ExtSeq(self.ext), RtpTime(self.picture * 3_000), Time::ZERO)
                };
                self.ext += 1;
                packets.push(Packet { meta, frame: (self.picture, spatial), needs: needs.clone() });
            }
        }
        self.picture += 1;
        packets
    }
}

#[derive(Default)]
struct Receiver {
    decoded: Vec<(u32, u8)>,
    /// Highest layer of each picture, and whether its end was marked.
    shown: Vec<(u32, u8, bool)>,
}

impl Receiver {
    fn push(&mut self, packet: &Packet, top: Option<u8>) {
        for need in &packet.needs {
            assert!(self.decoded.contains(need), "{:?} needs {need:?}", packet.frame);
        }
        if !self.decoded.contains(&packet.frame) {
            self.decoded.push(packet.frame);
        }
        let meta = &packet.meta;
        let marked = meta.marker || meta.frame_end && top == Some(meta.spatial_id);
        let shown = (packet.frame.0, packet.frame.1, marked);
        match self.shown.last_mut() {
            Some(last) if last.0 == shown.0 => {
                assert!(!last.2, "after the marker of its picture: {:?}", packet.frame);
                *last = shown;
            }
            _ => self.shown.push(shown),
        }
    }

    /// Layers of the pictures from `first` on, all of which ended.
    fn layers_since(&self, first: u32) -> Vec<u8> {
        let shown = self.shown.iter().filter(|shown| shown.0 >= first);
        shown.inspect(|shown| assert!(shown.2, "no marker: {shown:?}")).map(|s| s.1).collect()
    }
}

struct Call {
    selector: Selector,
    publisher: Publisher,
    receiver: Receiver,
}

impl Call {
    fn new(mode: Mode) -> Self {
        let selector = Selector::plain(MediaKind::Video);
        Self { selector, publisher: Publisher::new(mode), receiver: Receiver::default() }
    }

    fn run(&mut self, pictures: u32, key: bool) {
        for picture in 0..pictures {
            for packet in self.publisher.picture(key && picture == 0) {
                if self.selector.decide(&packet.meta) != Decision::Drop {
                    self.receiver.push(&packet, self.selector.top());
                }
            }
        }
    }

    fn prefer(&mut self, spatial: u8, temporal: u8) {
        self.selector.set_preferred(Time::ZERO, Layers { spatial, temporal });
    }
}

#[test]
fn full_svc_goes_down_at_once_and_up_at_a_key_picture() {
    let mut call = Call::new(Mode::Full);
    call.run(6, false);
    assert_eq!(call.selector.current(), Some(Layers { spatial: 2, temporal: u8::MAX }));
    call.prefer(1, 9);
    assert_eq!(call.selector.needs_key_frame(), None);
    call.run(4, false);
    assert_eq!(call.receiver.layers_since(6), [1; 4]);
    call.prefer(2, 9);
    assert_eq!(call.selector.needs_key_frame(), Some(0));
    call.run(3, false);
    call.run(3, true);
    assert_eq!(call.receiver.layers_since(10), [1, 1, 1, 2, 2, 2]);
    assert_eq!(call.selector.needs_key_frame(), None);
}

#[test]
fn k_svc_gets_its_layer_only_and_changes_at_key_pictures() {
    let mut call = Call::new(Mode::Key);
    call.prefer(1, 9);
    call.run(4, false);
    let packets = call.receiver.decoded.len();
    call.run(4, false);
    assert_eq!(call.receiver.decoded.len() - packets, 4, "one layer frame a picture");
    assert_eq!(call.receiver.layers_since(4), [1; 4]);
    for (spatial, first) in [(0, 8), (2, 18)] {
        call.prefer(spatial, 9);
        call.run(1, false);
        assert_eq!(call.selector.needs_key_frame(), Some(0));
        call.run(4, false);
        call.run(5, true);
        assert_eq!(call.receiver.layers_since(first + 5), [spatial; 5]);
        assert_eq!(call.selector.needs_key_frame(), None);
    }
}

#[test]
fn a_layer_that_is_not_sent_any_more_is_left() {
    for mode in [Mode::Full, Mode::Key] {
        let mut call = Call::new(mode);
        call.run(5, false);
        call.publisher.active = 2;
        call.run(4, false);
        let wants = call.selector.needs_key_frame();
        assert_eq!(wants, (mode == Mode::Key).then_some(0), "full SVC just shows what is left");
        call.run(5, true);
        assert_eq!(call.receiver.layers_since(9), [1; 5]);
        assert_eq!(call.selector.needs_key_frame(), None);
        assert_eq!(call.selector.current().unwrap().spatial, 1);
    }
}

#[test]
fn a_layer_that_builds_on_the_one_below_only_is_taken_up_at_once() {
    let mut call = Call::new(Mode::Full);
    call.publisher.active = 2;
    call.run(5, false);
    call.publisher.active = 3;
    for (mut packet, spatial) in call.publisher.picture(false).into_iter().zip([0, 0, 1, 1, 2, 2]) {
        if spatial == 2 {
            // Its first frame refers to the lower layer alone.
            packet.needs.retain(|(picture, _)| *picture == packet.frame.0);
            packet.meta.references = References::LAYERED.and(References::LOWER_LAYER);
        }
        assert_ne!(call.selector.decide(&packet.meta), Decision::Drop);
        call.receiver.push(&packet, Some(2).filter(|_| spatial == 2));
    }
    assert_eq!(call.selector.current().unwrap().spatial, 2);
    call.run(0, false);
}

#[test]
fn temporal_layers_go_down_and_up_between_pictures() {
    let mut call = Call::new(Mode::Full);
    call.run(5, false);
    call.prefer(2, 0);
    call.run(8, false);
    assert_eq!(call.receiver.layers_since(5).len(), 2);
    call.prefer(2, 2);
    call.run(8, false);
    assert!(call.receiver.layers_since(13).len() >= 4, "from the next base picture on");
    assert_eq!(call.selector.needs_key_frame(), None);
}

proptest! {
    #[test]
    fn what_passes_can_be_decoded(
        full: bool,
        steps in prop::collection::vec((0..4_u8, 0..4_u8, 1..4_u8, 0..9_u32, any::<bool>()), 1..40),
    ) {
        let mut call = Call::new(if full { Mode::Full } else { Mode::Key });
        for (spatial, temporal, active, pictures, key) in steps {
            call.prefer(spatial, temporal);
            let key = key || active > call.publisher.active;
            call.publisher.active = active;
            call.run(pictures.max(u32::from(key)), key);
        }
        call.prefer(3, 3);
        call.run(1, true);
        let first = call.publisher.picture;
        call.run(8, false);
        prop_assert_eq!(call.selector.needs_key_frame(), None);
        let highest = call.publisher.active - 1;
        prop_assert_eq!(call.receiver.layers_since(first), vec![highest; 8]);
    }

    /// Layers that lie break nothing but the picture.
    #[test]
    fn lies_are_survived(
        packets in prop::collection::vec((any::<u8>(), any::<u8>(), any::<[bool; 4]>(), 0..9_u32), 1..200),
    ) {
        let mut selector = Selector::plain(MediaKind::Video);
        let mut timestamp = 0_u32;
        for (at, (spatial, bits, [key, start, end, sync], step)) in (0..).zip(packets) {
            timestamp = timestamp.wrapping_add(if step == 8 { 1 << 31 } else { step * 1_000 });
            let all = [References::PICTURE, References::LOWER_LAYER, References::NOT_FOR_UPPER];
            let chosen = all.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
            let references = chosen.fold(References::LAYERED, |all, (_, one)| all.and(one));
            let meta = PacketMeta {
                spatial_id: spatial,
                temporal_id: Some(bits >> 5),
                keyframe_start: key,
                frame_start: start,
                frame_end: end,
                marker: end && sync,
                layer_sync: sync,
                references,
                ..PacketMeta::new(ExtSeq(70_000 + at), RtpTime(timestamp), Time::ZERO)
            };
            selector.decide(&meta);
        }
    }
}
