//! Dependency descriptors of one stream.

use sfu_core::wire::codec::dd::{
    Change, DdReader, Dependency, Dti, MAX_FRAME_DIFFS, MAX_LEN, Mandatory,
};

/// Descriptors, each behind a byte with its length, are read one after the
/// other. An error leaves the reader as it was, and what is written for a
/// receiver says the same of the frame.
pub fn av1_dd(mut data: &[u8]) -> bool {
    let mut reader = DdReader::default();
    let mut sound = false;
    while let Some((&len, rest)) = data.split_first() {
        let (descriptor, rest) = rest.split_at(rest.len().min(len.into()));
        data = rest;
        let before = reader.clone();
        match reader.read(descriptor) {
            Ok(dependency) => {
                sound = true;
                within_bounds(&dependency);
                survives_rewriting(&reader, &before, descriptor, &dependency);
            }
            Err(_) => {
                assert_eq!(reader, before);
                let change = Change { attach_structure: true, ..Change::default() };
                let _ = reader.rewrite(descriptor, &change, &mut [0; MAX_LEN]);
            }
        }
    }
    sound
}

fn within_bounds(dependency: &Dependency) {
    let count = dependency.decode_target_count;
    assert!((1..=32).contains(&count));
    assert!(dependency.spatial_id < 4 && dependency.temporal_id < 8 && dependency.template_id < 64);
    assert!(dependency.frame_diffs().len() <= MAX_FRAME_DIFFS);
    assert!(dependency.frame_diffs().iter().all(|diff| (1..=4_096).contains(diff)));
    assert!(dependency.chain_diffs().len() <= count.into());
    assert_eq!(dependency.dti(count), Dti::NotPresent);
    assert!(!dependency.is_active(count));
    let all = u32::MAX >> (32 - u32::from(count));
    assert_eq!(dependency.active_decode_targets & !all, 0);
    assert!(!dependency.keyframe || dependency.is_intra());
}

fn survives_rewriting(
    reader: &DdReader,
    before: &DdReader,
    descriptor: &[u8],
    dependency: &Dependency,
) {
    let mut out = [0xff; MAX_LEN];
    let frame_number = dependency.frame_number.wrapping_add(0x1234);
    let far = dependency.frame_diffs().iter().copied().max().unwrap_or(4).saturating_sub(1);
    let changes = [
        (None, false, None),
        (Some(1), false, None),
        (None, true, None),
        (Some(1), true, None),
        (None, false, Some(far)),
        (Some(1), true, Some(far)),
    ];
    for (active_decode_targets, attach_structure, max_frame_diff) in changes {
        let change =
            Change { frame_number, active_decode_targets, attach_structure, max_frame_diff };
        let Ok(len) = reader.rewrite(descriptor, &change, &mut out) else { continue };
        assert_eq!(Mandatory::read(&out[..len]).map(|m| m.frame_number), Ok(frame_number));
        // A late structure was read, and is not the one that would be attached.
        let attached = dependency.structure_attached || attach_structure;
        let mut receiver = if attached { DdReader::default() } else { before.clone() };
        let again = receiver.read(&out[..len]).expect("what we write is a descriptor");
        assert_eq!(
            (again.spatial_id, again.temporal_id),
            (dependency.spatial_id, dependency.temporal_id)
        );
        assert_eq!(
            (again.dtis, again.decode_target_count),
            (dependency.dtis, dependency.decode_target_count)
        );
        let max = max_frame_diff.filter(|_| !dependency.structure_attached).unwrap_or(u16::MAX);
        let mut kept = dependency.frame_diffs().iter().filter(|diff| **diff <= max);
        assert!(again.frame_diffs().iter().all(|diff| kept.next() == Some(diff)));
        assert_eq!(kept.next(), None);
        assert_eq!(again.chain_diffs(), dependency.chain_diffs());
        assert_eq!(again.resolution, dependency.resolution);
        let active = active_decode_targets.unwrap_or(dependency.active_decode_targets);
        assert_eq!(again.active_decode_targets, active);
    }
}
