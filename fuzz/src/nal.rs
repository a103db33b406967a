//! H.264 and H.265 payloads.

use sfu_core::wire::codec::{Codec, FrameInfo, inspect};

/// A NAL unit says the same alone, in an aggregate of one, and at the start of a
/// fragment.
pub fn h264(data: &[u8]) -> bool {
    let Ok(info) = inspect(Codec::H264, data) else { return false };
    let kind = data[0] & 0x1f;
    if matches!(kind, 1..=23) {
        assert_same(&info, Codec::H264, &[&[0x60 | 24]], data);
        let fragment = [&[data[0] & 0xe0 | 28, 0x80 | kind], &data[1..]].concat();
        let first = inspect(Codec::H264, &fragment).expect("a fragment");
        assert_eq!(first, info);
    }
    true
}

/// As [`h264`], and the temporal layer is that of the packet's header.
pub fn h265(data: &[u8]) -> bool {
    let Ok(info) = inspect(Codec::H265, data) else { return false };
    assert_eq!(info.temporal_id, Some((data[1] & 7) - 1));
    let kind = data[0] >> 1 & 0x3f;
    if kind < 48 {
        let head = data[0] & 0x81;
        assert_same(&info, Codec::H265, &[&[head | 48 << 1, data[1]]], data);
        let fragment = [&[head | 49 << 1, data[1], 0x80 | kind], &data[2..]].concat();
        let first = inspect(Codec::H265, &fragment).expect("a fragment");
        assert_eq!(first, info);
    }
    true
}

fn assert_same(info: &FrameInfo, codec: Codec, head: &[&[u8]], unit: &[u8]) {
    let Ok(len) = u16::try_from(unit.len()) else { return };
    let aggregate = [&head.concat()[..], &len.to_be_bytes(), unit].concat();
    let whole = inspect(codec, &aggregate).expect("an aggregate");
    assert_eq!(whole, *info);
}
