//! VP9 (RFC 9628 §4.2): the payload descriptor up to the layer indices.

use super::frame::{CodecError, FrameInfo, PictureId};

pub(super) fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let mut rest = payload.iter().copied();
    let mut byte = || rest.next().ok_or(CodecError::Truncated);
    let first = byte()?;
    let [has_id, inter, layers, flexible] =
        [0x80, 0x40, 0x20, 0x10].map(|bit: u8| first & bit != 0);
    let mut info = FrameInfo {
        frame_start: first & 0x08 != 0,
        frame_end: Some(first & 0x04 != 0),
        ..Default::default()
    };
    if has_id {
        let high = byte()?;
        let wide = high & 0x80 != 0;
        let value = if wide { u16::from_be_bytes([high & 0x7f, byte()?]) } else { u16::from(high) };
        info.picture_id = Some(PictureId { value, wide });
    }
    if layers {
        let layer = byte()?;
        info.temporal_id = Some(layer >> 5);
        info.layer_sync = layer & 0x10 != 0;
        info.spatial_id = layer >> 1 & 0x07;
        if !flexible {
            info.tl0_pic_idx = Some(byte()?);
        }
    }
    // Higher spatial layers of a key picture have P clear too, and build on the
    // lowest one.
    info.keyframe = !inter && info.spatial_id == 0;
    Ok(info)
}
