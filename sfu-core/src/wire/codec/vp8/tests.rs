use proptest::prelude::*;

use super::*;

#[test]
fn minimal_descriptor() {
    let key = inspect(&[0x10, 0x00]).unwrap();
    assert!(key.starts_keyframe());
    assert_eq!((key.picture_id, key.tl0_pic_idx, key.temporal_id), (None, None, None));
    assert!(!inspect(&[0x10, 0x01]).unwrap().keyframe);
    assert!(inspect(&[0x30, 0x01]).unwrap().discardable);
}

#[test]
fn only_the_start_of_the_first_partition_shows_a_key_frame() {
    // Continuation (no S bit), and the start of the second partition.
    for first in [0x00, 0x11] {
        let info = inspect(&[first, 0x00]).unwrap();
        assert!(!info.keyframe && !info.frame_start);
    }
}

#[test]
fn full_descriptor() {
    let info = inspect(&[0x90, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x00]).unwrap();
    assert_eq!(info.picture_id, Some(PictureId { value: 0x1234, wide: true }));
    assert_eq!(info.tl0_pic_idx, Some(0x56));
    assert_eq!((info.temporal_id, info.layer_sync), (Some(2), true));
    assert!(info.starts_keyframe());
}

#[test]
fn key_index_alone_is_no_temporal_layer() {
    let info = inspect(&[0x90, 0x10, 0xff, 0x01]).unwrap();
    assert_eq!((info.temporal_id, info.layer_sync), (None, false));
}

#[test]
fn every_cut_is_truncated() {
    let whole = [0x90, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x00];
    for len in 0..whole.len() {
        assert_eq!(inspect(&whole[..len]), Err(CodecError::Truncated), "{len}");
    }
    let mut cut = [0x90, 0xf0, 0x92, 0x34, 0x56];
    assert_eq!(rewrite(&mut cut, 1, 1), Err(CodecError::Truncated));
    assert_eq!(cut, [0x90, 0xf0, 0x92, 0x34, 0x56]);
}

#[test]
fn rewriting_keeps_the_width() {
    let mut narrow = [0x90, 0xa0, 0x7f, 0x40, 0x01];
    rewrite(&mut narrow, 0x0180, 9).unwrap();
    assert_eq!(narrow, [0x90, 0xa0, 0x00, 0x40, 0x01]);
    let mut absent = [0x10, 0x01];
    rewrite(&mut absent, 5, 5).unwrap();
    assert_eq!(absent, [0x10, 0x01]);
}

#[test]
fn key_frames_have_a_size() {
    // 640 is 0x280 and 360 is 0x168, little-endian; the top two bits scale.
    let key = [0x10, 0x50, 0x42, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81];
    assert_eq!(inspect(&key).unwrap().resolution, Some((640, 360)));
    assert_eq!(inspect(&key[..10]).unwrap().resolution, None);
    let mut delta = key;
    delta[1] |= 1;
    assert_eq!(inspect(&delta).unwrap().resolution, None);
    let mut other_code = key;
    other_code[4] = 0;
    assert_eq!(inspect(&other_code).unwrap().resolution, None);
}

proptest! {
    #[test]
    fn rewriting_changes_two_fields_and_nothing_else(
        payload in proptest::collection::vec(any::<u8>(), 0..12),
        picture_id: u16,
        tl0: u8,
    ) {
        let mut patched = payload.clone();
        let Ok(before) = inspect(&payload) else {
            let _ = rewrite(&mut patched, picture_id, tl0);
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
        let old = before.picture_id.map_or(0, |p| p.value);
        rewrite(&mut patched, old, before.tl0_pic_idx.unwrap_or(0)).unwrap();
        prop_assert_eq!(patched, payload);
    }
}
