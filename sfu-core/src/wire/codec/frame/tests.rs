use proptest::prelude::*;

use super::*;

const ALL: [Codec; 7] =
    [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::H265, Codec::Av1, Codec::Other];

fn starts(codec: Codec, payload: &[u8]) -> bool {
    inspect(codec, payload).unwrap().starts_keyframe()
}

#[test]
fn an_empty_payload_is_truncated() {
    for codec in ALL.into_iter().filter(|codec| *codec != Codec::Other) {
        assert_eq!(inspect(codec, &[]), Err(CodecError::Truncated), "{codec:?}");
    }
}

#[test]
fn media_types_name_codecs() {
    for codec in ALL {
        if let Some(mime_type) = codec.mime_type() {
            assert_eq!(Codec::from_mime_type(mime_type), codec);
            assert_eq!(Codec::from_mime_type(&mime_type.to_lowercase()), codec);
            assert_eq!(codec.has_key_frames(), mime_type.starts_with("video/"));
        }
    }
    assert_eq!(Codec::from_mime_type("video/rtx"), Codec::Other);
}

#[test]
fn audio_starts_anywhere() {
    assert!(starts(Codec::Opus, &[0xfc, 0xff, 0xfe]));
    assert!(starts(Codec::Other, &[]));
    assert!(opus::is_dtx(&[0xf8]) && opus::is_dtx(&[0xf8, 0xff]));
    assert!(!opus::is_dtx(&[0xf8, 0xff, 0xfe]) && !opus::is_dtx(&[0xf9]) && !opus::is_dtx(&[]));
}

#[test]
fn h264_single_units() {
    assert!(starts(Codec::H264, &[0x67, 0x42, 0xe0, 0x1f]));
    assert!(starts(Codec::H264, &[0x65, 0x88]));
    // The second slice of the same IDR picture.
    let second = inspect(Codec::H264, &[0x65, 0x40]).unwrap();
    assert!(second.keyframe && !second.frame_start);
    // A PPS and a slice of another picture start frames, not key frames.
    for payload in [[0x68, 0xce], [0x41, 0x9a]] {
        let info = inspect(Codec::H264, &payload).unwrap();
        assert!(info.frame_start && !info.keyframe && !info.discardable);
    }
    assert!(inspect(Codec::H264, &[0x01, 0x9a]).unwrap().discardable);
}

#[test]
fn h264_aggregates() {
    let parameter_sets = [0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce];
    assert!(starts(Codec::H264, &parameter_sets));
    let no_key = [0x78, 0, 2, 0x09, 0x30, 0, 2, 0x41, 0x9a];
    let info = inspect(Codec::H264, &no_key).unwrap();
    assert!(info.frame_start && !info.keyframe);
    for len in [1, 2, 4, 6, 8] {
        assert_eq!(inspect(Codec::H264, &parameter_sets[..len]), Err(CodecError::Truncated));
    }
    assert_eq!(inspect(Codec::H264, &[0x78, 0, 0]), Err(CodecError::Malformed));
}

#[test]
fn h264_fragments() {
    assert!(starts(Codec::H264, &[0x7c, 0x85, 0x88]));
    let middle = inspect(Codec::H264, &[0x7c, 0x05, 0x88]).unwrap();
    assert!(middle.keyframe && !middle.frame_start);
    assert!(!starts(Codec::H264, &[0x7c, 0x81, 0x9a]));
    assert_eq!(inspect(Codec::H264, &[0x7c]), Err(CodecError::Truncated));
    for undefined in [0x00, 0x1e, 0x1f, 0x19] {
        assert_eq!(inspect(Codec::H264, &[undefined, 0]), Err(CodecError::Malformed));
    }
}

#[test]
fn h265_units() {
    // VPS, an IDR slice, and an IDR fragment.
    assert!(starts(Codec::H265, &[0x40, 0x01, 0x0c]));
    assert!(starts(Codec::H265, &[0x26, 0x01, 0xaf]));
    assert!(starts(Codec::H265, &[0x62, 0x01, 0x93, 0xaf]));
    assert!(!starts(Codec::H265, &[0x62, 0x01, 0x13, 0xaf]));
    assert!(!starts(Codec::H265, &[0x02, 0x01, 0xd0]));
    // An aggregate of SPS and PPS.
    assert!(starts(Codec::H265, &[0x60, 0x01, 0, 3, 0x42, 0x01, 1, 0, 2, 0x44, 0x01]));
    assert_eq!(inspect(Codec::H265, &[0x02, 0x03, 0x80]).unwrap().temporal_id, Some(2));
    assert_eq!(inspect(Codec::H265, &[0x02, 0x00, 0x80]), Err(CodecError::Malformed));
    assert_eq!(inspect(Codec::H265, &[0x64, 0x01]), Err(CodecError::Malformed));
}

#[test]
fn vp9_layers() {
    // Picture id, layers, not flexible, start of frame: TID 1, U, SID 0.
    let info = inspect(Codec::Vp9, &[0xa8, 0x81, 0x02, 0x30, 0x07]).unwrap();
    assert!(info.starts_keyframe());
    assert_eq!(info.picture_id, Some(PictureId { value: 0x0102, wide: true }));
    assert_eq!((info.temporal_id, info.spatial_id, info.layer_sync), (Some(1), 0, true));
    assert_eq!((info.tl0_pic_idx, info.frame_end), (Some(7), Some(false)));
    // The second spatial layer of the same picture does not start it.
    assert!(!starts(Codec::Vp9, &[0xa8, 0x81, 0x02, 0x33, 0x07]));
    // Predicted from earlier pictures; a later packet of the frame.
    assert!(!starts(Codec::Vp9, &[0xe8, 0x01, 0x00, 0x07]));
    assert!(!starts(Codec::Vp9, &[0x84, 0x01]));
    // Flexible mode has no TL0PICIDX.
    let flexible = inspect(Codec::Vp9, &[0x3c, 0x00]).unwrap();
    assert_eq!((flexible.tl0_pic_idx, flexible.frame_end), (None, Some(true)));
    for len in 1..5 {
        let cut = &[0xa8, 0x81, 0x02, 0x30, 0x07][..len];
        assert_eq!(inspect(Codec::Vp9, cut), Err(CodecError::Truncated));
    }
}

#[test]
fn av1_sequences() {
    assert!(starts(Codec::Av1, &[0x18, 0x0a]));
    let rest = inspect(Codec::Av1, &[0x90, 0x00]).unwrap();
    assert!(!rest.keyframe && !rest.frame_start);
    assert_eq!(inspect(Codec::Av1, &[0x88]), Err(CodecError::Malformed));
}

proptest! {
    #[test]
    fn inspection_is_total(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
        for codec in ALL {
            if let Ok(info) = inspect(codec, &payload) {
                prop_assert!(info.picture_id.is_none_or(|id| id.value <= id.mask()));
                prop_assert!(info.temporal_id.is_none_or(|id| id < 8) && info.spatial_id < 8);
            }
        }
    }
}
