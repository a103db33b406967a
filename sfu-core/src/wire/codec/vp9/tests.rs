use proptest::prelude::*;

use super::*;

#[test]
fn layers_and_ids() {
    // I, L, B; a wide picture id; TID 1, U, SID 0; TL0PICIDX 7.
    let info = inspect(&[0xa8, 0x81, 0x02, 0x30, 0x07]).unwrap();
    assert!(info.starts_keyframe() && info.layer_sync && !info.not_needed_above);
    assert_eq!(info.picture_id, Some(PictureId { value: 0x0102, wide: true }));
    assert_eq!((info.temporal_id, info.spatial_id), (Some(1), 0));
    assert_eq!((info.tl0_pic_idx, info.frame_end), (Some(7), Some(false)));
    // I, P, E: a seven bit id, the last packet of a frame that refers to others.
    let info = inspect(&[0xc4, 0x7f]).unwrap();
    assert!(!info.keyframe && !info.frame_start);
    assert_eq!(info.picture_id, Some(PictureId { value: 0x7f, wide: false }));
    assert_eq!((info.frame_end, info.temporal_id), (Some(true), None));
}

#[test]
fn upper_layers_of_a_key_picture() {
    // SID 1 with D: a key frame in that it needs no other picture, yet nobody
    // can start at it.
    let upper = inspect(&[0xa8, 0x81, 0x02, 0x33, 0x07]).unwrap();
    assert!(upper.keyframe && upper.inter_layer_dependency && !upper.starts_keyframe());
    // SID 1 without D stands alone, as in simulcast within one stream.
    let alone = inspect(&[0xa8, 0x81, 0x02, 0x32, 0x07]).unwrap();
    assert!(alone.starts_keyframe() && alone.spatial_id == 1);
    // SID 1 with P and D, and Z.
    let delta = inspect(&[0xe9, 0x81, 0x02, 0x33, 0x07]).unwrap();
    assert!(!delta.keyframe && delta.inter_layer_dependency && delta.not_needed_above);
    // The lowest layer cannot build on one below.
    let lying = inspect(&[0xa8, 0x81, 0x02, 0x31, 0x07]).unwrap();
    assert!(!lying.inter_layer_dependency && lying.starts_keyframe());
}

#[test]
fn flexible_mode_lists_references_in_place_of_the_index() {
    // I, P, L, F, B, E; id 5; TID 0, SID 0; P_DIFF 1 with N, P_DIFF 3 without.
    let payload = [0xfc, 0x05, 0x00, 0x03, 0x06];
    let info = inspect(&payload).unwrap();
    assert_eq!((info.tl0_pic_idx, info.picture_id.unwrap().value), (None, 5));
    assert_eq!(inspect(&payload[..4]), Err(CodecError::Truncated));
    assert_eq!(inspect(&[0xfc, 0x05, 0x00, 3, 3, 3, 2]), Err(CodecError::Malformed));
    // Without P there are none.
    assert!(inspect(&[0xbc, 0x05, 0x00]).is_ok());
}

#[test]
fn scalability_structure() {
    // I, L, F, B, V; id 1; TID 0, SID 1, D. Then N_S 2, Y, G; three sizes; two
    // pictures: TID 0 with one reference, TID 1 with U and two references.
    let mut payload = vec![0xba, 0x01, 0x03, 0x58];
    for side in [320_u16, 180, 640, 360, 1_280, 720] {
        payload.extend(side.to_be_bytes());
    }
    payload.extend([2, 0x04, 1, 0x38, 1, 2]);
    let info = inspect(&payload).unwrap();
    assert_eq!((info.spatial_id, info.resolution), (1, Some((640, 360))));
    let structure = scalability(&payload).unwrap().unwrap();
    assert_eq!((structure.spatial_layers, structure.pictures), (3, 2));
    assert_eq!(structure.resolution(2), Some((1_280, 720)));
    assert_eq!(structure.resolution(3), None);
    for len in 0..payload.len() {
        assert_eq!(inspect(&payload[..len]), Err(CodecError::Truncated), "{len}");
    }
    // Neither Y nor G.
    let bare = scalability(&[0x0a, 0x20]).unwrap().unwrap();
    assert_eq!((bare.spatial_layers, bare.resolution(0)), (2, None));
    assert_eq!(scalability(&[0x08]), Ok(None));
}

#[test]
fn a_cut_payload_is_left_alone() {
    let mut cut = [0xaa, 0x81, 0x02, 0x30, 0x07];
    assert_eq!(rewrite(&mut cut, 1, 1), Err(CodecError::Truncated));
    assert_eq!(cut, [0xaa, 0x81, 0x02, 0x30, 0x07]);
}

proptest! {
    #[test]
    fn rewriting_changes_two_fields_and_nothing_else(
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        picture_id: u16,
        tl0: u8,
    ) {
        let mut patched = payload.clone();
        let Ok(before) = inspect(&payload) else {
            prop_assert!(rewrite(&mut patched, picture_id, tl0).is_err());
            prop_assert_eq!(patched, payload);
            return Ok(());
        };
        rewrite(&mut patched, picture_id, tl0).unwrap();
        let after = inspect(&patched).unwrap();
        let expected = FrameInfo {
            picture_id: before
                .picture_id
                .map(|old| PictureId { value: picture_id & old.mask(), ..old }),
            tl0_pic_idx: before.tl0_pic_idx.map(|_| tl0),
            ..before
        };
        prop_assert_eq!(after, expected);
        prop_assert_eq!(scalability(&patched), scalability(&payload));
        let old = before.picture_id.map_or(0, |p| p.value);
        rewrite(&mut patched, old, before.tl0_pic_idx.unwrap_or(0)).unwrap();
        prop_assert_eq!(patched, payload);
    }
}
