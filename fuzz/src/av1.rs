//! AV1 payloads.

use sfu_core::wire::codec::{Codec, inspect};

/// Layers are in their ranges, a key frame starts in the packet that says so,
/// and a single element means the same with a length before it.
pub fn av1(data: &[u8]) -> bool {
    let Ok(info) = inspect(Codec::Av1, data) else { return false };
    assert!(info.spatial_id < 4 && info.temporal_id.is_none_or(|id| id < 8));
    assert!(!info.keyframe || info.frame_start);
    let (header, rest) = (data[0], &data[1..]);
    if header & 0x30 == 0x10 && rest.len() < 1 << 14 {
        let mut counted = vec![header & !0x30];
        counted.push(0x80 | (rest.len() & 0x7f) as u8);
        counted.push((rest.len() >> 7) as u8);
        counted.extend(rest);
        assert_eq!(inspect(Codec::Av1, &counted), Ok(info));
    }
    true
}
