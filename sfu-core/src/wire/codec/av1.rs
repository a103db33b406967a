//! AV1 (AOMedia RTP payload format §4.4): the aggregation header. Layers are in
//! the dependency descriptor, a header extension.

use super::frame::{CodecError, FrameInfo};

pub(super) fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let &header = payload.first().ok_or(CodecError::Truncated)?;
    let continues = header & 0x80 != 0;
    let new_sequence = header & 0x08 != 0;
    // "If N is 1, Z MUST be 0": a coded video sequence starts with a whole OBU.
    if continues && new_sequence {
        return Err(CodecError::Malformed);
    }
    Ok(FrameInfo { keyframe: new_sequence, frame_start: !continues, ..Default::default() })
}
