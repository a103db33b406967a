use proptest::prelude::*;

use super::*;

const ALL: [Codec; 8] = [
    Codec::Opus,
    Codec::Red,
    Codec::Vp8,
    Codec::Vp9,
    Codec::H264,
    Codec::H265,
    Codec::Av1,
    Codec::Other,
];

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
    assert!(starts(Codec::Red, &[0xef, 0x0f, 0x00, 0x01, 0x6f, 0xfc, 0xfc]));
    assert_eq!(inspect(Codec::Red, &[0xef, 0x0f, 0x00]), Err(CodecError::Truncated));
    assert!(opus::is_dtx(&[0xf8]) && opus::is_dtx(&[0xf8, 0xff]));
    assert!(!opus::is_dtx(&[0xf8, 0xff, 0xfe]) && !opus::is_dtx(&[0xf9]) && !opus::is_dtx(&[]));
}

proptest! {
    #[test]
    fn inspection_is_total(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
        for codec in ALL {
            if let Ok(info) = inspect(codec, &payload) {
                prop_assert!(info.picture_id.is_none_or(|id| id.value <= id.mask()));
                prop_assert!(info.temporal_id.is_none_or(|id| id < 8) && info.spatial_id < 8);
                prop_assert!(info.resolution.is_none_or(|_| info.keyframe || codec == Codec::Vp9));
            }
        }
    }
}
