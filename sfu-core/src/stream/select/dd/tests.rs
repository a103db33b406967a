use proptest::prelude::*;
use sfu_ice::Time;

use super::*;
use crate::stream::select::{Decision, Selector};
use crate::wire::codec::dd::ScalableStructure;
use crate::wire::{ExtSeq, MediaKind};

/// A publisher that encodes by a scalability mode: which template each frame
/// uses follows from where it stands in the cycle of four pictures.
struct Publisher {
    structure: ScalableStructure,
    spatial_layers: u8,
    temporal: bool,
    /// Spatial layers that are sent now.
    active: u8,
    picture: u32,
    frame: u16,
    ext: u64,
    /// Pictures since the last key picture.
    since_key: u32,
}

/// A frame with what it really needs, by number.
#[derive(Clone, Debug)]
struct Frame {
    meta: PacketMeta,
    needs: Vec<u16>,
}

impl Publisher {
    fn new(mode: &str, first_frame: u16) -> Self {
        Self {
            structure: ScalableStructure::of_mode(mode).unwrap(),
            spatial_layers: if mode.contains('3') && !mode.starts_with("L1") { 3 } else { 1 },
            temporal: mode.contains("T3"),
            active: 3,
            picture: 0,
            frame: first_frame,
            ext: 70_000,
            since_key: 0,
        }
    }

    /// All frames of the next picture.
    fn picture(&mut self, key: bool) -> Vec<Frame> {
        let key = key || self.picture == 0;
        self.since_key = if key { 0 } else { self.since_key + 1 };
        let step = self.since_key % 4;
        let temporal = match step {
            _ if !self.temporal => 0,
            0 => 0,
            2 => 1,
            _ => 2,
        };
        let first = self.frame;
        let mut frames = Vec::new();
        for spatial in 0..self.spatial_layers {
            let number = first.wrapping_add(spatial.into());
            if spatial >= self.active && spatial > 0 {
                continue;
            }
            // Frames of key pictures need nothing of earlier ones, others do; the
            // last picture of the cycle has a template of its own, if any.
            let fits: Vec<_> = (self.structure.templates.iter())
                .filter(|t| (t.spatial_id, t.temporal_id) == (spatial, temporal))
                .filter(|t| t.frame_diffs.iter().any(|diff| *diff > spatial) != key)
                .collect();
            let template = fits[usize::from(step == 3).min(fits.len() - 1)].clone();
            let mut digest = Dependencies {
                refers: 0,
                indications: 0,
                targets: 0,
                frame_number: number,
                refers_far: false,
                has_structure: key && spatial == 0,
                refers_beyond_key: false,
                skipped: 0,
            };
            for diff in &template.frame_diffs {
                digest.refers |= 1 << (diff - 1);
            }
            let temporals = if self.temporal { 3 } else { 1 };
            for (target, dti) in template.dtis.iter().enumerate() {
                let (s, t) = (target as u8 / temporals, target as u8 % temporals);
                let cell = Dependencies::cell(s, t).unwrap();
                digest.indications |= (*dti as u32) << (2 * cell);
                if s < self.active {
                    digest.targets |= 1 << cell;
                }
            }
            let meta = PacketMeta {
                dependencies: Some(digest),
                spatial_id: spatial,
                temporal_id: Some(temporal),
                keyframe_start: key && spatial == 0,
                frame_start: true,
                frame_end: true,
                ..PacketMeta::new(ExtSeq(self.ext), RtpTime(self.picture * 3_000), Time::ZERO)
            };
            self.ext += 1;
            let needs =
                template.frame_diffs.iter().map(|d| number.wrapping_sub((*d).into())).collect();
            frames.push(Frame { meta, needs });
        }
        self.frame = self.frame.wrapping_add(self.spatial_layers.into());
        self.picture += 1;
        frames
    }
}

/// What came through, and whether a receiver could decode all of it.
#[derive(Default)]
struct Receiver {
    decoded: Vec<u16>,
    /// Layers of the highest frame of each picture that passed, by timestamp.
    shown: Vec<(u32, u8, u8)>,
}

impl Receiver {
    fn push(&mut self, frame: &Frame) {
        let number = frame.meta.dependencies.unwrap().frame_number;
        for need in &frame.needs {
            assert!(self.decoded.contains(need), "{number} needs {need}: {frame:?}");
        }
        self.decoded.push(number);
        let layer =
            (frame.meta.timestamp.0, frame.meta.spatial_id, frame.meta.temporal_id.unwrap());
        match self.shown.last_mut() {
            Some(last) if last.0 == layer.0 => *last = layer,
            _ => self.shown.push(layer),
        }
    }
}

fn run(
    selector: &mut Selector,
    publisher: &mut Publisher,
    receiver: &mut Receiver,
    pictures: u32,
    key: bool,
) {
    for picture in 0..pictures {
        for frame in publisher.picture(key && picture == 0) {
            if selector.decide(&frame.meta) != Decision::Drop {
                receiver.push(&frame);
            }
        }
    }
}

fn prefer(selector: &mut Selector, spatial: u8, temporal: u8) {
    selector.set_preferred(Time::ZERO, Layers { spatial, temporal });
}

const MODES: [&str; 5] = ["L1T3", "L3T1", "L3T3", "L3T3_KEY", "S3T3"];

#[test]
fn every_mode_shows_the_layers_asked_for_from_its_key_frame_on() {
    for mode in MODES {
        let mut publisher = Publisher::new(mode, 65_500);
        for (spatial, temporal) in [(0, 0), (2, 2), (1, 0), (0, 2), (2, 1)] {
            let (mut selector, mut receiver) =
                (Selector::plain(MediaKind::Video), Receiver::default());
            prefer(&mut selector, spatial, temporal);
            run(&mut selector, &mut publisher, &mut receiver, 3, false);
            if publisher.picture > 3 {
                assert_eq!(selector.needs_key_frame(), Some(0), "{mode}");
            }
            let before = receiver.shown.len();
            run(&mut selector, &mut publisher, &mut receiver, 40, true);
            let spatial = spatial.min(publisher.spatial_layers - 1);
            let temporal = if publisher.temporal { temporal } else { 0 };
            let current = Layers { spatial, temporal };
            assert_eq!(selector.current(), Some(current), "{mode}");
            assert_eq!(selector.needs_key_frame(), None);
            let shown = &receiver.shown[before..];
            assert!(shown.iter().all(|shown| shown.1 == spatial), "{mode}: {shown:?}");
            assert_eq!(shown.iter().map(|shown| shown.2).max(), Some(temporal), "{mode}");
            let rate = if publisher.temporal { [10, 20, 40][usize::from(temporal)] } else { 40 };
            assert_eq!(shown.len(), rate, "{mode}: of 40 pictures");
        }
    }
}

#[test]
fn down_at_the_next_picture_where_layers_build_on_one_another() {
    let (mut selector, mut receiver) = (Selector::plain(MediaKind::Video), Receiver::default());
    let mut publisher = Publisher::new("L3T3", 0);
    run(&mut selector, &mut publisher, &mut receiver, 7, false);
    prefer(&mut selector, 0, 2);
    assert_eq!(selector.needs_key_frame(), None, "all lower layers were sent");
    run(&mut selector, &mut publisher, &mut receiver, 4, false);
    assert!(receiver.shown[7..].iter().all(|shown| shown.1 == 0));
    assert_eq!(receiver.shown.len(), 11);
    prefer(&mut selector, 2, 2);
    assert_eq!(selector.needs_key_frame(), Some(0), "up needs one");
}

#[test]
fn k_svc_goes_down_at_a_key_frame_only() {
    let (mut selector, mut receiver) = (Selector::plain(MediaKind::Video), Receiver::default());
    let mut publisher = Publisher::new("L3T3_KEY", 0);
    run(&mut selector, &mut publisher, &mut receiver, 7, false);
    prefer(&mut selector, 0, 2);
    assert_eq!(selector.needs_key_frame(), Some(0));
    run(&mut selector, &mut publisher, &mut receiver, 4, false);
    assert!(receiver.shown[7..].iter().all(|shown| shown.1 == 2), "the old layer goes on");
    run(&mut selector, &mut publisher, &mut receiver, 4, true);
    assert!(receiver.shown[11..].iter().all(|shown| shown.1 == 0));
    assert_eq!(selector.needs_key_frame(), None);
}

#[test]
fn temporal_layers_come_back_without_a_key_frame() {
    let (mut selector, mut receiver) = (Selector::plain(MediaKind::Video), Receiver::default());
    let mut publisher = Publisher::new("L3T3", 9);
    run(&mut selector, &mut publisher, &mut receiver, 5, false);
    prefer(&mut selector, 1, 0);
    run(&mut selector, &mut publisher, &mut receiver, 8, false);
    assert_eq!(selector.current(), Some(Layers { spatial: 1, temporal: 0 }));
    prefer(&mut selector, 1, 2);
    assert_eq!(selector.needs_key_frame(), None);
    run(&mut selector, &mut publisher, &mut receiver, 5, false);
    assert_eq!(selector.current(), Some(Layers { spatial: 1, temporal: 2 }));
}

#[test]
fn a_layer_that_the_publisher_drops_is_left() {
    let (mut selector, mut receiver) = (Selector::plain(MediaKind::Video), Receiver::default());
    let mut publisher = Publisher::new("L3T3", 9);
    run(&mut selector, &mut publisher, &mut receiver, 5, false);
    publisher.active = 2;
    run(&mut selector, &mut publisher, &mut receiver, 5, false);
    assert_eq!(selector.current(), Some(Layers { spatial: 1, temporal: 2 }));
    assert_eq!((selector.needs_key_frame(), selector.top()), (None, Some(1)));
    publisher.active = 3;
    run(&mut selector, &mut publisher, &mut receiver, 1, false);
    assert_eq!(selector.needs_key_frame(), Some(0));
}

proptest! {
    /// Whatever is asked for and when: each frame that passes can be decoded,
    /// and once wishes rest, a key frame brings exactly what was wished.
    #[test]
    fn what_passes_can_be_decoded(
        mode in prop::sample::select(&MODES[..]),
        first in any::<u16>(),
        steps in prop::collection::vec((0..4_u8, 0..4_u8, 1..4_u8, 0..9_u32, any::<bool>()), 1..40),
    ) {
        let (mut selector, mut receiver) = (Selector::plain(MediaKind::Video), Receiver::default());
        let mut publisher = Publisher::new(mode, first);
        for (spatial, temporal, active, pictures, key) in steps {
            prefer(&mut selector, spatial, temporal);
            // A publisher takes up a layer again with a key picture.
            let key = key || active > publisher.active;
            publisher.active = active;
            run(&mut selector, &mut publisher, &mut receiver, pictures.max(u32::from(key)), key);
            let bytes = postcard::to_stdvec(&selector).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Selector>(&bytes).unwrap(), &selector);
        }
        prefer(&mut selector, 3, 3);
        run(&mut selector, &mut publisher, &mut receiver, 12, true);
        prop_assert_eq!(selector.needs_key_frame(), None);
        let highest = publisher.active.min(publisher.spatial_layers) - 1;
        let temporal = if publisher.temporal { 2 } else { 0 };
        prop_assert_eq!(selector.current(), Some(Layers { spatial: highest, temporal }));
    }

    /// Descriptors that lie break nothing but the picture.
    #[test]
    fn lies_are_survived(
        frames in prop::collection::vec(
            (any::<u16>(), any::<u32>(), any::<u32>(), any::<u16>(), any::<[bool; 3]>()),
            1..200,
        ),
    ) {
        let mut selector = Selector::plain(MediaKind::Video);
        for (at, (number, refers, indications, targets, [far, key, start])) in
            (0..).zip(frames)
        {
            let frame = Dependencies {
                refers: if key { 0 } else { refers },
                indications,
                targets,
                frame_number: number,
                refers_far: far,
                has_structure: key,
                refers_beyond_key: false,
                skipped: 0,
            };
            let meta = PacketMeta {
                dependencies: Some(frame),
                keyframe_start: key,
                frame_start: start,
                ..PacketMeta::new(ExtSeq(70_000 + at), RtpTime(at as u32 * 90), Time::ZERO)
            };
            selector.decide(&meta);
            prop_assert!(selector.current().is_none_or(|now| now.spatial < 4 && now.temporal < 4));
        }
    }
}
