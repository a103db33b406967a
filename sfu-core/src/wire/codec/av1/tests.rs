use proptest::prelude::*;

use super::*;

#[test]
fn a_sequence_starts_with_its_header() {
    // W 1, N; a sequence header OBU.
    assert!(inspect(&[0x18, 0x0a, 0x0b]).unwrap().starts_keyframe());
    // W 2, N: a sequence header of two bytes, and a frame OBU that goes on.
    let key = inspect(&[0x68, 0x02, 0x08, 0x00, 0x32, 0x10]).unwrap();
    assert!(key.starts_keyframe());
    assert_eq!((key.frame_end, key.temporal_id), (Some(false), None));
    // N without that header, and that header without N.
    assert!(!inspect(&[0x18, 0x32, 0x10]).unwrap().keyframe);
    assert!(!inspect(&[0x10, 0x0a, 0x0b]).unwrap().keyframe);
    assert_eq!(inspect(&[0x88, 0x00]), Err(CodecError::Malformed));
}

#[test]
fn a_fragment_has_no_header() {
    // Z, W 1: what would be a header with an extension is data.
    let rest = inspect(&[0x90, 0x36, 0x48]).unwrap();
    assert!(!rest.keyframe && !rest.frame_start);
    assert_eq!((rest.temporal_id, rest.frame_end), (None, None));
    // Z, W 2: the second element has one: TID 2, SID 1.
    let next = inspect(&[0xa0, 0x01, 0xff, 0x36, 0x48]).unwrap();
    assert_eq!((next.temporal_id, next.spatial_id), (Some(2), 1));
}

#[test]
fn layers_of_the_extension() {
    // W 0: every element has a length. A frame OBU (6) with extension: TID 1,
    // SID 2.
    let info = inspect(&[0x00, 0x03, 0x34, 0x30, 0x00, 0x00]).unwrap();
    assert_eq!((info.temporal_id, info.spatial_id), (Some(1), 2));
    assert!(info.frame_start);
    for cut in
        [&[0x00_u8, 0x03, 0x34, 0x30][..], &[0x00, 0x83], &[0x20, 0x00], &[0x10, 0x34], &[0x10]]
    {
        assert_eq!(inspect(cut), Err(CodecError::Truncated), "{cut:?}");
    }
    // The forbidden bit, and a length beyond 32 bits.
    assert_eq!(inspect(&[0x10, 0xb2]), Err(CodecError::Malformed));
    assert_eq!(inspect(&[0x00, 255, 255, 255, 255, 255, 0]), Err(CodecError::Malformed));
    assert_eq!(
        inspect(&[0x00, 128, 128, 128, 128, 128, 128, 128, 128]),
        Err(CodecError::Malformed)
    );
}

#[test]
fn little_endian_groups_of_seven() {
    assert_eq!(leb128(&[0xe5, 0x8e, 0x26, 9]), Ok((624_485, &[9][..])));
    assert_eq!(leb128(&[]), Err(CodecError::Truncated));
}

proptest! {
    /// Packs OBUs as a sender does and finds their layers again.
    #[test]
    fn aggregated_units_are_found(
        units in proptest::collection::vec((2_u8..16, 0_u8..8, 0_u8..4, 0_usize..300), 1..4),
        counted: bool,
        with_sequence_header: bool,
    ) {
        let mut elements: Vec<Vec<u8>> = units
            .iter()
            .map(|(kind, tid, sid, len)| {
                let mut unit = vec![kind << 3 | 0x04, tid << 5 | sid << 3];
                unit.resize(2 + len, 0xff);
                unit
            })
            .collect();
        if with_sequence_header {
            elements.insert(0, vec![0x08, 1, 2, 3]);
        }
        let count = if counted && elements.len() < 4 { elements.len() } else { 0 };
        let mut payload = vec![(count as u8) << 4 | u8::from(with_sequence_header) << 3];
        for (at, element) in elements.iter().enumerate() {
            if at + 1 != count {
                if element.len() > 127 {
                    payload.push(0x80 | (element.len() & 0x7f) as u8);
                    payload.push((element.len() >> 7) as u8);
                } else {
                    payload.push(element.len() as u8);
                }
            }
            payload.extend(element);
        }
        let info = inspect(&payload).unwrap();
        let (_, tid, sid, _) = units[units.len() - 1];
        prop_assert_eq!((info.temporal_id, info.spatial_id), (Some(tid), sid));
        prop_assert_eq!(info.starts_keyframe(), with_sequence_header);
    }
}
