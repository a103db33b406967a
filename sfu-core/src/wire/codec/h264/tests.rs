use proptest::prelude::*;

use super::super::bits::BitWriter;
use super::*;

fn starts(payload: &[u8]) -> bool {
    inspect(payload).unwrap().starts_keyframe()
}

#[test]
fn single_units() {
    assert!(starts(&[0x67, 0x42, 0xe0, 0x1f]));
    assert!(starts(&[0x65, 0x88]));
    // The second slice of the same IDR picture.
    let second = inspect(&[0x65, 0x40]).unwrap();
    assert!(second.keyframe && !second.frame_start);
    // A PPS and a slice of another picture start frames, not key frames.
    for payload in [[0x68, 0xce], [0x41, 0x9a]] {
        let info = inspect(&payload).unwrap();
        assert!(info.frame_start && !info.keyframe && !info.discardable);
    }
    assert!(inspect(&[0x01, 0x9a]).unwrap().discardable);
}

#[test]
fn aggregates() {
    let parameter_sets = [0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce];
    assert!(starts(&parameter_sets));
    let no_key = [0x78, 0, 2, 0x09, 0x30, 0, 2, 0x41, 0x9a];
    let info = inspect(&no_key).unwrap();
    assert!(info.frame_start && !info.keyframe);
    for len in [1, 2, 4, 6, 8] {
        assert_eq!(inspect(&parameter_sets[..len]), Err(CodecError::Truncated));
    }
    assert_eq!(inspect(&[0x78, 0, 0]), Err(CodecError::Malformed));
}

#[test]
fn fragments() {
    assert!(starts(&[0x7c, 0x85, 0x88]));
    let middle = inspect(&[0x7c, 0x05, 0x88]).unwrap();
    assert!(middle.keyframe && !middle.frame_start);
    assert!(!starts(&[0x7c, 0x81, 0x9a]));
    assert_eq!(inspect(&[0x7c]), Err(CodecError::Truncated));
    for undefined in [0x00, 0x1e, 0x1f, 0x19] {
        assert_eq!(inspect(&[undefined, 0]), Err(CodecError::Malformed));
    }
}

#[test]
fn temporal_layers_of_prefix_units() {
    // Prefix NAL unit: svc_extension_flag; temporal id 2 in the third byte.
    let prefix = [0x0e, 0x80, 0x00, 0x47];
    assert_eq!(inspect(&prefix).unwrap().temporal_id, Some(2));
    let mut aggregate = vec![0x78, 0, 4];
    aggregate.extend(prefix);
    aggregate.extend([0, 2, 0x01, 0x9a]);
    let info = inspect(&aggregate).unwrap();
    assert_eq!((info.temporal_id, info.discardable), (Some(2), true));
    // Without the flag it is an extension of another kind, and slices say nothing.
    assert_eq!(inspect(&[0x0e, 0x00, 0x00, 0x47]).unwrap().temporal_id, None);
    assert_eq!(inspect(&[0x41, 0x9a, 0x00, 0x47]).unwrap().temporal_id, None);
}

#[test]
fn sizes_of_parameter_sets() {
    // Constrained Baseline, 8 × 6 macroblocks, no cropping.
    let sqcif = [0x67, 0x42, 0x00, 0x0a, 0xf8, 0x41, 0xa2];
    assert_eq!(inspect(&sqcif).unwrap().resolution, Some((128, 96)));
    // High profile, 40 × 23 macroblocks, eight lines cropped, and emulation
    // prevention behind.
    let high = [
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x61, 0x00, 0x00, 0x03, 0x00,
        0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x8f, 0x16, 0x2d, 0x96,
    ];
    assert_eq!(inspect(&high).unwrap().resolution, Some((640, 360)));
    let mut aggregate = vec![0x78, 0, 7];
    aggregate.extend(sqcif);
    aggregate.extend([0, 2, 0x68, 0xce]);
    assert_eq!(inspect(&aggregate).unwrap().resolution, Some((128, 96)));
    // A set that is cut is still a parameter set.
    let cut = inspect(&sqcif[..5]).unwrap();
    assert!(cut.keyframe && cut.resolution.is_none());
}

fn exp_golomb(out: &mut BitWriter<'_>, value: u32) {
    let code = value + 1;
    let width = 32 - code.leading_zeros();
    out.bits(width - 1, 0).unwrap();
    out.bits(width, code).unwrap();
}

/// Writes a set field by field in the order of §7.3.2.1.1.
fn parameter_set(
    (width, height): (u32, u32),
    interlaced: bool,
    poc_type: u32,
    chroma_format: Option<u32>,
    crop: (u32, u32, u32, u32),
) -> Vec<u8> {
    let mut raw = [0; 64];
    let mut out = BitWriter::new(&mut raw);
    out.bits(8, if chroma_format.is_some() { 100 } else { 66 }).unwrap();
    out.bits(16, 0xc01f).unwrap();
    exp_golomb(&mut out, 0);
    if let Some(format) = chroma_format {
        for value in [format, 0, 0] {
            exp_golomb(&mut out, value);
        }
        out.bits(2, 0).unwrap();
    }
    exp_golomb(&mut out, 4);
    exp_golomb(&mut out, poc_type);
    match poc_type {
        0 => exp_golomb(&mut out, 2),
        1 => {
            out.bits(1, 0).unwrap();
            for value in [3, 4, 2, 7, 8] {
                exp_golomb(&mut out, value);
            }
        }
        _ => {}
    }
    exp_golomb(&mut out, 1);
    out.bits(1, 0).unwrap();
    exp_golomb(&mut out, width - 1);
    exp_golomb(&mut out, height - 1);
    out.flag(!interlaced).unwrap();
    if interlaced {
        out.bits(1, 0).unwrap();
    }
    out.bits(1, 1).unwrap();
    out.flag(crop != (0, 0, 0, 0)).unwrap();
    if crop != (0, 0, 0, 0) {
        for value in [crop.0, crop.1, crop.2, crop.3] {
            exp_golomb(&mut out, value);
        }
    }
    out.bits(2, 0b01).unwrap();
    let len = out.len();
    let mut unit = vec![0x67];
    let mut zeros = 0;
    for byte in &raw[..len] {
        if zeros >= 2 && *byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        unit.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    unit
}

proptest! {
    #[test]
    fn any_size_is_read(
        size in (1_u32..400, 1_u32..400),
        interlaced: bool,
        poc_type in 0_u32..3,
        chroma in proptest::option::of(0_u32..3),
        crop in (0_u32..4, 0_u32..4, 0_u32..2, 0_u32..2),
    ) {
        let unit = parameter_set(size, interlaced, poc_type, chroma, crop);
        let fields = u32::from(interlaced) + 1;
        // CropUnitX and CropUnitY (7-19 to 7-22).
        let (x, y) = match chroma.unwrap_or(1) {
            0 => (1, fields),
            1 => (2, 2 * fields),
            _ => (2, fields),
        };
        let width = (size.0 * 16).saturating_sub((crop.0 + crop.1) * x);
        let height = (size.1 * 16 * fields).saturating_sub((crop.2 + crop.3) * y);
        let expected = (width > 0 && height > 0).then_some((width as u16, height as u16));
        prop_assert_eq!(inspect(&unit).unwrap().resolution, expected);
    }
}
