use super::super::bits::BitWriter;
use super::*;

fn starts(payload: &[u8]) -> bool {
    inspect(payload).unwrap().starts_keyframe()
}

#[test]
fn units() {
    // VPS, an IDR slice, and an IDR fragment.
    assert!(starts(&[0x40, 0x01, 0x0c]));
    assert!(starts(&[0x26, 0x01, 0xaf]));
    assert!(starts(&[0x62, 0x01, 0x93, 0xaf]));
    assert!(!starts(&[0x62, 0x01, 0x13, 0xaf]));
    assert!(!starts(&[0x02, 0x01, 0xd0]));
    // An aggregate of SPS and PPS.
    assert!(starts(&[0x60, 0x01, 0, 3, 0x42, 0x01, 1, 0, 2, 0x44, 0x01]));
    assert_eq!(inspect(&[0x02, 0x03, 0x80]).unwrap().temporal_id, Some(2));
    assert_eq!(inspect(&[0x02, 0x00, 0x80]), Err(CodecError::Malformed));
    assert_eq!(inspect(&[0x64, 0x01]), Err(CodecError::Malformed));
}

#[test]
fn places_to_go_up() {
    // TSA_R (3) and STSA_N (4) of temporal layer 1; TRAIL_R (1) of it.
    for (kind, sync) in [(3, true), (4, true), (1, false)] {
        let info = inspect(&[kind << 1, 0x02, 0x80]).unwrap();
        assert_eq!((info.layer_sync, info.temporal_id), (sync, Some(1)), "{kind}");
    }
    // CRA (21) and BLA (16) are random access points as IDR is.
    assert!(starts(&[21 << 1, 0x01, 0x80]) && starts(&[16 << 1, 0x01, 0x80]));
}

#[test]
fn sizes_of_parameter_sets() {
    // Main profile, one sub-layer, 1280 × 720 without a conformance window.
    let main = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16, 0x59,
    ];
    assert_eq!(inspect(&main).unwrap().resolution, Some((1_280, 720)));
    let mut aggregate = vec![0x60, 0x01, 0, main.len() as u8];
    aggregate.extend(main);
    aggregate.extend([0, 2, 0x44, 0x01]);
    let info = inspect(&aggregate).unwrap();
    assert_eq!((info.keyframe, info.resolution), (true, Some((1_280, 720))));
    for len in 2..20 {
        assert_eq!(inspect(&main[..len]).unwrap().resolution, None, "{len}");
    }
}

#[test]
fn sub_layers_and_cropping() {
    let mut raw = [0; 64];
    let mut out = BitWriter::new(&mut raw);
    // sps_video_parameter_set_id, sps_max_sub_layers_minus1 2, nesting.
    out.bits(8, 0b0000_0101).unwrap();
    for _ in 0..12 {
        out.bits(8, 0xff).unwrap();
    }
    // Sub-layer 0 has profile and level, 1 the level; six reserved pairs.
    out.bits(16, 0b1101_0000_0000_0000).unwrap();
    for _ in 0..11 + 1 + 1 {
        out.bits(8, 0xff).unwrap();
    }
    // sps_seq_parameter_set_id 0, chroma_format_idc 1.
    out.bits(4, 0b1010).unwrap();
    // 1920 is code 1921, 1088 code 1089: 10 zeros and 11 bits each.
    out.bits(21, 1_921).unwrap();
    out.bits(21, 1_089).unwrap();
    // A window: 0, 0, 0, 4 in units of two lines.
    out.bits(1, 1).unwrap();
    out.bits(3, 0b111).unwrap();
    out.bits(5, 0b00101).unwrap();
    let len = out.len();
    let mut unit = vec![0x42, 0x01];
    unit.extend(&raw[..len]);
    assert_eq!(inspect(&unit).unwrap().resolution, Some((1_920, 1_080)));
}
