use proptest::prelude::*;

use super::*;
use crate::wire::codec::CodecError;

const MODES: [&str; 7] = ["L1T1", "L1T2", "L1T3", "L3T1", "L3T3", "L3T3_KEY", "S3T3"];

/// Bits written as text, in fields as the syntax tables have them.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text
        .lines()
        .flat_map(|line| line.split("//").next().unwrap().chars())
        .fold(Vec::new(), |mut bits, c| {
            bits.extend(c.to_digit(2).map(|bit| bit as u8));
            bits
        });
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | bit << (7 - at)))
        .collect()
}

/// A key frame's descriptor with two temporal layers, composed by hand from the
/// tables of §A.4.1.
fn l1t2_by_hand() -> Vec<u8> {
    bits(
        "1 1 000101            // start_of_frame, end_of_frame, template id 5
         0000000100000010      // frame_number 258
         1 0 0 0 0             // structure, no mask, no custom dtis, fdiffs, chains
         000101                // template_id_offset 5
         00001                 // dtis_cnt_minus_one: two decode targets
         00 01 11              // next_layer_idc: same, next temporal, no more
         10 10                 // template 0: S S
         10 10                 // template 1: S S
         00 01                 // template 2: - D
         0                     // template 0: no fdiff
         1 0001 0              // template 1: fdiff 2
         1 0000 0              // template 2: fdiff 1
         10                    // chains_cnt, ns(3): w = 2, m = 1, so 1 is 10
         0 0                   // protected by chain 0, ns(2) is one bit
         0000 0010 0001        // chain diffs 0, 2, 1
         1                     // resolutions_present_flag
         0000001001111111      // width 640
         0000000101100111      // height 360",
    )
}

#[test]
fn a_structure_composed_by_hand() {
    let mut reader = DdReader::default();
    let key = reader.read(&l1t2_by_hand()).unwrap();
    assert!(key.keyframe && key.structure_attached && key.is_intra());
    assert!(key.start_of_frame && key.end_of_frame);
    assert_eq!((key.frame_number, key.template_id), (258, 5));
    assert_eq!((key.spatial_id, key.temporal_id), (0, 0));
    assert_eq!(key.resolution, Some((640, 360)));
    assert_eq!((key.decode_target_count, key.active_decode_targets), (2, 0b11));
    assert_eq!([key.dti(0), key.dti(1), key.dti(2)], [Dti::Switch, Dti::Switch, Dti::NotPresent]);
    assert_eq!(key.chain_diffs(), [0]);

    let structure = reader.structure().unwrap();
    assert_eq!((structure.template_count(), structure.chain_count()), (3, 1));
    assert_eq!(structure.layers_of_decode_target(0), Some((0, 0)));
    assert_eq!(structure.layers_of_decode_target(1), Some((0, 1)));
    assert_eq!(structure.layers_of_decode_target(2), None);
    assert_eq!([structure.chain_of(0), structure.chain_of(1)], [Some(0), Some(0)]);

    // Three bytes: template 7, frame 259.
    let upper = reader.read(&[0xc7, 0x01, 0x03]).unwrap();
    assert_eq!(
        (upper.temporal_id, upper.frame_diffs(), upper.chain_diffs()),
        (1, &[1][..], &[1][..])
    );
    assert_eq!([upper.dti(0), upper.dti(1)], [Dti::NotPresent, Dti::Discardable]);
    assert!(upper.is_discardable() && !key.is_discardable() && !upper.keyframe);
}

#[test]
fn custom_fields_composed_by_hand() {
    let mut reader = DdReader::default();
    reader.read(&l1t2_by_hand()).unwrap();
    let custom = bits(
        "1 0 000110 0000000100000011   // first packet, template 6, frame 259
         0 1 1 1 1                     // no structure; mask, dtis, fdiffs, chains
         01                            // only decode target 0 is active
         11 01                         // R D
         01 0010                       // one nibble: fdiff 3
         11 111111111111               // three nibbles: fdiff 4096
         00                            // no more
         11111111                      // chain diff 255",
    );
    let frame = reader.read(&custom).unwrap();
    assert_eq!([frame.dti(0), frame.dti(1)], [Dti::Required, Dti::Discardable]);
    assert_eq!((frame.frame_diffs(), frame.chain_diffs()), (&[3, 4096][..], &[255][..]));
    assert_eq!((frame.active_decode_targets, frame.active_decode_targets_present), (1, true));
    assert!(frame.is_active(0) && !frame.is_active(1) && !frame.is_active(40));
    // The mask stays in force until a packet says otherwise.
    let next = reader.read(&[0xc7, 0x01, 0x04]).unwrap();
    assert_eq!((next.active_decode_targets, next.active_decode_targets_present), (1, false));
    for len in 0..custom.len() {
        let cut = reader.read(&custom[..len]);
        // Three bytes are a whole descriptor of their own.
        assert_eq!(cut.is_ok(), len == 3, "{len}");
    }
}

#[test]
fn templates_that_nobody_announced_are_an_error() {
    let mut reader = DdReader::default();
    assert_eq!(reader.read(&[0xc5, 0, 1]), Err(CodecError::NoStructure));
    assert_eq!(reader.read(&[0xc5, 0, 1, 0x40, 0]), Err(CodecError::NoStructure));
    reader.read(&l1t2_by_hand()).unwrap();
    // Templates 5, 6 and 7 exist.
    for (id, known) in [(4, false), (5, true), (7, true), (8, false)] {
        assert_eq!(reader.read(&[0xc0 | id, 1, 3]).is_ok(), known, "{id}");
    }
    assert_eq!(reader.read(&[0xc5, 0]), Err(CodecError::Truncated));
    assert_eq!(reader.read(&[0; 256]), Err(CodecError::Malformed));
}

/// What a structure says, next to what happens in a stream that is coded that
/// way.
struct Frame {
    layer: (u8, u8),
    number: u16,
    intra_picture: bool,
}

/// Three pictures of each spatial layer for each of two periods of four
/// pictures, after a key picture.
fn frames(mode: &str) -> Vec<Frame> {
    let spatial: u8 = mode[1..2].parse().unwrap();
    let temporal: u8 = mode[3..4].parse().unwrap();
    let pattern: &[u8] = match temporal {
        1 => &[0, 0, 0, 0],
        2 => &[0, 1, 0, 1],
        _ => &[0, 2, 1, 2],
    };
    let mut out = Vec::new();
    for picture in 0..13_u16 {
        for sid in 0..spatial {
            let tid = pattern[usize::from(picture) % 4];
            let number = 65_530_u16.wrapping_add(picture * u16::from(spatial) + u16::from(sid));
            out.push(Frame { layer: (sid, tid), number, intra_picture: picture == 0 });
        }
    }
    out
}

/// Frames that the `at`th one refers to, by the rules of the mode: the last
/// frame of the same spatial layer and a lower temporal layer (or its own, for
/// the base), and, with inter-layer prediction, the layer below.
fn references(mode: &str, frames: &[Frame], at: usize) -> Vec<u16> {
    let frame = &frames[at];
    let (sid, tid) = frame.layer;
    let mut out = Vec::new();
    let earlier = frames[..at].iter().rev();
    if !frame.intra_picture {
        let same = earlier
            .clone()
            .find(|f| f.layer.0 == sid && if tid == 0 { f.layer.1 == 0 } else { f.layer.1 < tid });
        out.extend(same.map(|f| f.number));
    }
    let below = match mode {
        "S3T3" => false,
        "L3T3_KEY" => frame.intra_picture,
        _ => true,
    };
    if sid > 0 && below {
        out.extend(frames[..at].last().map(|f| f.number));
    }
    out
}

/// The frames of the chain of spatial layer `chain`: all without which that
/// layer's base does not decode.
fn in_chain(mode: &str, frame: &Frame, chain: u8) -> bool {
    let (sid, tid) = frame.layer;
    let below = match mode {
        "S3T3" => false,
        "L3T3_KEY" => frame.intra_picture,
        _ => true,
    };
    tid == 0 && (sid == chain || (sid < chain && below))
}

/// Finds the template by layer and differences, sends the stream through
/// writer and reader, and compares with the truth about who refers to whom.
#[test]
fn structures_of_browsers_describe_what_their_encoders_do() {
    for mode in MODES {
        let structure = ScalableStructure::of_mode(mode).unwrap();
        let frames = frames(mode);
        let mut reader = DdReader::default();
        let mut seen = std::collections::BTreeSet::new();
        for (at, frame) in frames.iter().enumerate() {
            let back = |number: u16| frame.number.wrapping_sub(number);
            let diffs: Vec<u16> = references(mode, &frames, at).into_iter().map(back).collect();
            let chains = structure.templates[0].chain_diffs.len() as u8;
            let chain_diffs: Vec<u8> = (0..chains)
                .map(|chain| {
                    let last = frames[..at].iter().rev().find(|f| in_chain(mode, f, chain));
                    last.map_or(0, |f| back(f.number) as u8)
                })
                .collect();
            let template = structure
                .templates
                .iter()
                .position(|t| {
                    let layer = (t.spatial_id, t.temporal_id);
                    let same =
                        t.frame_diffs.iter().map(|d| u16::from(*d)).eq(diffs.iter().copied());
                    layer == frame.layer && same && t.chain_diffs == chain_diffs
                })
                .unwrap_or_else(|| panic!("{mode}: {:?} {diffs:?} {chain_diffs:?}", frame.layer));
            seen.insert(template);
            let announce = (at == 0).then_some(&structure);
            let description = FrameDescription {
                structure: announce,
                ..FrameDescription::new(template as u8, frame.number)
            };
            let mut out = [0; MAX_LEN];
            let len = compose(&description, &structure, &mut out).unwrap();
            assert!(at == 0 || len == 3);
            let read = reader.read(&out[..len]).unwrap();
            assert_eq!((read.spatial_id, read.temporal_id), frame.layer);
            assert_eq!((read.frame_diffs(), read.chain_diffs()), (&diffs[..], &chain_diffs[..]));
            assert_eq!(read.keyframe, at == 0);
        }
        assert_eq!(seen.len(), structure.templates.len(), "{mode}: templates without a use");
    }
}

/// A frame is in a decode target exactly if its layers are within the target's
/// or another frame of the target needs it.
#[test]
fn decode_targets_are_closed_under_references() {
    for mode in MODES {
        let structure = ScalableStructure::of_mode(mode).unwrap();
        let mut out = [0; MAX_LEN];
        let key = FrameDescription { structure: Some(&structure), ..FrameDescription::new(0, 0) };
        let len = compose(&key, &structure, &mut out).unwrap();
        let mut reader = DdReader::default();
        reader.read(&out[..len]).unwrap();
        let read = reader.structure().unwrap();
        let temporal = structure.templates.iter().map(|t| t.temporal_id).max().unwrap() + 1;
        assert_eq!(read.decode_target_count(), read.spatial_layer_count() * temporal, "{mode}");
        for target in 0..read.decode_target_count() {
            let layers = (target / temporal, target % temporal);
            assert_eq!(read.layers_of_decode_target(target), Some(layers), "{mode} {target}");
            let chain = structure.protected_by[usize::from(target)];
            assert_eq!(read.chain_of(target), Some(chain));
            assert_eq!(chain, layers.0);
            // A stream without the frames that are not present still decodes.
            let stream = frames(mode);
            let mut there = Vec::new();
            for (at, frame) in stream.iter().enumerate() {
                let needs = references(mode, &stream, at);
                let template = structure.templates.iter().find(|t| {
                    (t.spatial_id, t.temporal_id) == frame.layer
                        && t.frame_diffs.len() == needs.len()
                        && t.frame_diffs.iter().zip(&needs).all(|(diff, number)| {
                            frame.number.wrapping_sub(*number) == u16::from(*diff)
                        })
                });
                if template.unwrap().dtis[usize::from(target)].is_present() {
                    assert!(needs.iter().all(|n| there.contains(n)), "{mode} {target} {at}");
                    there.push(frame.number);
                }
            }
        }
    }
}

fn key(structure: &ScalableStructure, number: u16) -> Vec<u8> {
    let key = FrameDescription { structure: Some(structure), ..FrameDescription::new(0, number) };
    composed(&key, structure)
}

fn composed(frame: &FrameDescription<'_>, structure: &ScalableStructure) -> Vec<u8> {
    let mut out = [0; MAX_LEN];
    let len = compose(frame, structure, &mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn a_structure_that_was_overtaken_does_not_come_back() {
    let old = ScalableStructure::of_mode("L1T2").unwrap();
    let new =
        ScalableStructure { template_id_offset: 20, ..ScalableStructure::of_mode("L1T3").unwrap() };
    let mut reader = DdReader::default();
    reader.read(&key(&new, 100)).unwrap();
    let late = reader.read(&key(&old, 40)).unwrap();
    assert!(late.keyframe);
    assert_eq!(late.decode_target_count, 2);
    assert_eq!(reader.structure().unwrap().decode_target_count(), 3);
    assert!(reader.read(&composed(&FrameDescription::new(2, 101), &new)).is_ok());
    // A publisher that counts anew is no late packet.
    reader.read(&key(&old, 30_000)).unwrap();
    assert_eq!(reader.structure().unwrap().decode_target_count(), 2);
}

#[test]
fn an_unsound_structure_leaves_the_reader_as_it_was() {
    let mut reader = DdReader::default();
    let sound = l1t2_by_hand();
    reader.read(&sound).unwrap();
    let before = reader.clone();
    for len in 4..sound.len() {
        assert_eq!(reader.read(&sound[..len]), Err(CodecError::Truncated), "{len}");
        assert_eq!(reader, before);
    }
    // next_layer_idc 2 four times: spatial layer 4 does not exist.
    let deep = bits("11000000 0000000000000001 10000 000000 00000 10 10 10 10 11 0000000000000000");
    assert_eq!(reader.read(&deep), Err(CodecError::Malformed));
    // Sixty-five templates of one layer.
    let many = bits(&format!("11000000 0000000000000001 10000 000000 00000 {}", "00 ".repeat(200)));
    assert_eq!(reader.read(&many), Err(CodecError::Malformed));
    // Seventeen frame differences.
    let diffs = "1 0000 ".repeat(17);
    let many = bits(&format!("11000000 0000000000000001 10000 000000 00000 11 10 {diffs} 0 0 0 0"));
    assert_eq!(reader.read(&many), Err(CodecError::Malformed));
    assert_eq!(reader, before);
}

#[test]
fn a_late_joiner_gets_the_structure_with_any_packet() {
    let structure = ScalableStructure {
        resolutions: vec![(320, 180), (640, 360), (1_280, 720)],
        ..ScalableStructure::of_mode("L3T3").unwrap()
    };
    let mut reader = DdReader::default();
    reader.read(&key(&structure, 10)).unwrap();
    let packet = composed(&FrameDescription::new(7, 17), &structure);
    let mut out = [0; MAX_LEN];
    let change = Change {
        frame_number: 900,
        active_decode_targets: Some(0b111),
        attach_structure: true,
        ..Change::default()
    };
    let len = reader.rewrite(&packet, &change, &mut out).unwrap();
    let mut joiner = DdReader::default();
    let read = joiner.read(&out[..len]).unwrap();
    let there = reader.read(&packet).unwrap();
    assert!(read.structure_attached && !read.keyframe);
    assert_eq!((read.frame_number, read.active_decode_targets), (900, 0b111));
    assert_eq!((read.dtis, read.frame_diffs()), (there.dtis, there.frame_diffs()));
    assert_eq!(joiner.structure(), reader.structure());
    assert_eq!(read.resolution, Some((640, 360)));
    // A mask that the publisher set comes along.
    let masked =
        FrameDescription { active_decode_targets: Some(0b11_1111), ..FrameDescription::new(1, 22) };
    reader.read(&composed(&masked, &structure)).unwrap();
    let change = Change { frame_number: 901, attach_structure: true, ..Change::default() };
    let len = reader.rewrite(&packet, &change, &mut out).unwrap();
    assert_eq!(DdReader::default().read(&out[..len]).unwrap().active_decode_targets, 0b11_1111);
    assert_eq!(
        DdReader::default().rewrite(&packet, &change, &mut out),
        Err(CodecError::NoStructure)
    );
    assert_eq!(reader.rewrite(&packet, &change, &mut [0; 9]), Err(CodecError::NoSpace));
}

#[test]
fn a_reader_survives_serialization() {
    let mut reader = DdReader::default();
    reader.read(&l1t2_by_hand()).unwrap();
    let json = serde_json::to_string(&reader).unwrap();
    let mut restored: DdReader = serde_json::from_str(&json).unwrap();
    assert_eq!(restored, reader);
    assert_eq!(restored.read(&[0xc7, 1, 3]), reader.read(&[0xc7, 1, 3]));
}

fn any_dti() -> impl Strategy<Value = Dti> {
    (0_u64..4).prop_map(Dti::from_bits)
}

prop_compose! {
    fn any_template(targets: usize, chains: usize)(
        dtis in proptest::collection::vec(any_dti(), targets),
        frame_diffs in proptest::collection::vec(1_u8..=16, 0..4),
        chain_diffs in proptest::collection::vec(0_u8..16, chains),
        step in 0_u8..3,
    ) -> (u8, TemplateDescription) {
        (step, TemplateDescription { spatial_id: 0, temporal_id: 0, dtis, frame_diffs, chain_diffs })
    }
}

prop_compose! {
    fn any_structure()((targets, chains) in (1_usize..10, 0_usize..4))(
        targets in Just(targets),
        template_id_offset in 0_u8..64,
        templates in proptest::collection::vec(any_template(targets, chains.min(targets)), 1..10),
        protected_by in proptest::collection::vec(
            0..=chains.min(targets) as u8,
            if chains > 0 { targets } else { 0 },
        ),
        resolution in proptest::option::of((1_u16.., 1_u16..)),
    ) -> ScalableStructure {
        let mut layer = (0, 0);
        let mut placed = Vec::new();
        for (step, template) in templates {
            if !placed.is_empty() {
                layer = match step {
                    1 if layer.1 < 7 => (layer.0, layer.1 + 1),
                    2 if layer.0 < 3 => (layer.0 + 1, 0),
                    _ => layer,
                };
            }
            placed.push(TemplateDescription { spatial_id: layer.0, temporal_id: layer.1, ..template });
        }
        ScalableStructure {
            template_id_offset,
            decode_target_count: targets as u8,
            templates: placed,
            protected_by,
            resolutions: resolution.map_or(vec![], |r| vec![r; usize::from(layer.0) + 1]),
        }
    }
}

proptest! {
    #[test]
    fn what_is_composed_is_read_and_rewritten(
        structure in any_structure(),
        choice: prop::sample::Index,
        frame_number: u16,
        new_number: u16,
        start: bool,
        end: bool,
        attached: bool,
        attach_structure: bool,
        mask in proptest::option::of(any::<u32>()),
        new_mask in proptest::option::of(any::<u32>()),
        max_frame_diff in proptest::option::of(0_u16..4_100),
        custom in proptest::option::of((
            proptest::collection::vec(any_dti(), 9),
            proptest::collection::vec(1_u16..=4_096, 0..=MAX_FRAME_DIFFS),
            proptest::collection::vec(any::<u8>(), 3),
        )),
    ) {
        let template = choice.index(structure.templates.len());
        let (targets, expected) = (structure.decode_target_count, &structure.templates[template]);
        let custom = custom.map(|(dtis, diffs, chains)| {
            (dtis[..targets.into()].to_vec(), diffs, chains[..expected.chain_diffs.len()].to_vec())
        });
        let all = (1_u32 << targets) - 1;
        let (mask, new_mask) = (mask.map(|m| m & all), new_mask.map(|m| m & all));
        let frame = FrameDescription {
            start_of_frame: start,
            end_of_frame: end,
            structure: attached.then_some(&structure),
            active_decode_targets: mask,
            dtis: custom.as_ref().map(|c| &c.0[..]),
            frame_diffs: custom.as_ref().map(|c| &c.1[..]),
            chain_diffs: custom.as_ref().map(|c| &c.2[..]),
            ..FrameDescription::new(template as u8, frame_number)
        };
        let mut reader = DdReader::default();
        reader.read(&key(&structure, frame_number.wrapping_sub(1))).unwrap();
        let bytes = composed(&frame, &structure);
        let read = reader.read(&bytes).unwrap();

        prop_assert_eq!((read.start_of_frame, read.end_of_frame), (start, end));
        prop_assert_eq!((read.frame_number, read.structure_attached), (frame_number, attached));
        prop_assert_eq!((read.spatial_id, read.temporal_id), (expected.spatial_id, expected.temporal_id));
        prop_assert_eq!(read.active_decode_targets, mask.unwrap_or(all));
        let inherited = || {
            let diffs = expected.frame_diffs.iter().map(|d| u16::from(*d)).collect();
            (expected.dtis.clone(), diffs, expected.chain_diffs.clone())
        };
        let (dtis, diffs, chains) = custom.clone().unwrap_or_else(inherited);
        prop_assert_eq!((0..targets).map(|t| read.dti(t)).collect::<Vec<_>>(), dtis);
        prop_assert_eq!((read.frame_diffs(), read.chain_diffs()), (&diffs[..], &chains[..]));
        prop_assert_eq!(read.resolution, structure.resolutions.first().copied());
        for target in 0..targets {
            let chain = structure.protected_by.get(usize::from(target)).copied();
            let chain = chain.filter(|c| usize::from(*c) < expected.chain_diffs.len());
            prop_assert_eq!(reader.structure().unwrap().chain_of(target), chain);
        }

        let change = Change {
            frame_number: new_number,
            active_decode_targets: new_mask,
            attach_structure,
            max_frame_diff,
        };
        let mut out = [0xff; MAX_LEN];
        let len = reader.rewrite(&bytes, &change, &mut out).unwrap();
        prop_assert_eq!(Mandatory::read(&out[..len]).unwrap().frame_number, new_number);
        // A receiver that has nothing reads it if the structure is there.
        let mut receiver = if attached || attach_structure { DdReader::default() } else { reader.clone() };
        let again = receiver.read(&out[..len]).unwrap();
        let kept = |diff: &&u16| attached || max_frame_diff.is_none_or(|max| **diff <= max);
        let kept: Vec<u16> = diffs.iter().filter(kept).copied().collect();
        prop_assert_eq!(again.frame_diffs(), &kept[..]);
        let same = Dependency {
            frame_number,
            frame_diffs: read.frame_diffs,
            frame_diff_count: read.frame_diff_count,
            structure_attached: attached,
            keyframe: read.keyframe,
            active_decode_targets: read.active_decode_targets,
            active_decode_targets_present: read.active_decode_targets_present,
            ..again
        };
        prop_assert_eq!(same, read);
        prop_assert_eq!(again.structure_attached, attached || attach_structure);
        prop_assert_eq!(again.active_decode_targets, new_mask.unwrap_or(read.active_decode_targets));
    }

    #[test]
    fn reading_is_total(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..260), 1..5),
        structure in any_structure(),
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        change: (u16, Option<u32>, bool, Option<u16>),
    ) {
        let mut reader = DdReader::default();
        let mut hurt = key(&structure, 1);
        for flip in flips {
            let at = flip.index(hurt.len() * 8);
            hurt[at / 8] ^= 1 << (at % 8);
        }
        for packet in packets.iter().chain([&hurt]) {
            let before = reader.clone();
            match reader.read(packet) {
                Ok(read) => prop_assert!(read.decode_target_count > 0 && read.spatial_id < 4),
                Err(_) => prop_assert_eq!(&reader, &before),
            }
            let (frame_number, active_decode_targets, attach_structure, max_frame_diff) = change;
            let change =
                Change { frame_number, active_decode_targets, attach_structure, max_frame_diff };
            if let Ok(len) = reader.rewrite(packet, &change, &mut [0; 300]) {
                prop_assert!((3..=MAX_LEN).contains(&len));
            }
        }
    }
}
