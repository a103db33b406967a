//! AV1 (AOMedia's "RTP Payload Format For AV1" §4): the aggregation header, and
//! the headers of the OBUs behind it. All about layers is in the dependency
//! descriptor too, which is there even if the payload is encrypted.

use super::frame::{CodecError, FrameInfo};

const SEQUENCE_HEADER: u8 = 1;

pub(super) fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let (&header, mut rest) = payload.split_first().ok_or(CodecError::Truncated)?;
    let [continues, continued, new_sequence] = [0x80, 0x40, 0x08].map(|bit: u8| header & bit != 0);
    // "If N is 1, Z MUST be 0": a coded video sequence starts with a whole OBU.
    if continues && new_sequence {
        return Err(CodecError::Malformed);
    }
    let mut info = FrameInfo {
        frame_start: !continues,
        // The marker bit tells where a picture ends; where an OBU goes on in the
        // next packet, nothing can.
        frame_end: continued.then_some(false),
        ..Default::default()
    };
    // W: how many elements there are, the last of them without a length. With
    // zero all have one.
    let count = header >> 4 & 0x03;
    let mut index = 0_u8;
    while !rest.is_empty() {
        index = index.saturating_add(1);
        let element = if index == count {
            std::mem::take(&mut rest)
        } else {
            let (len, tail) = leb128(rest)?;
            let len = usize::try_from(len).map_err(|_| CodecError::Truncated)?;
            let (element, tail) = tail.split_at_checked(len).ok_or(CodecError::Truncated)?;
            rest = tail;
            element
        };
        // The first may be the rest of an OBU, which has no header.
        if index > 1 || !continues {
            obu(element, new_sequence, &mut info)?;
        }
    }
    if index < count || index == 0 {
        return Err(CodecError::Truncated);
    }
    Ok(info)
}

/// Takes what an OBU's header tells (AV1 specification §5.3.2).
fn obu(element: &[u8], new_sequence: bool, info: &mut FrameInfo) -> Result<(), CodecError> {
    // Elements may be empty (§4.3), and say nothing then.
    let Some((&header, rest)) = element.split_first() else { return Ok(()) };
    if header & 0x80 != 0 {
        return Err(CodecError::Malformed);
    }
    if new_sequence && header >> 3 & 0x0f == SEQUENCE_HEADER {
        info.keyframe = true;
    }
    if header & 0x04 != 0 {
        let &extension = rest.first().ok_or(CodecError::Truncated)?;
        // All OBUs of a packet are of one frame's layer (§4.5).
        info.temporal_id = Some(extension >> 5);
        info.spatial_id = extension >> 3 & 0x03;
    }
    Ok(())
}

/// A little-endian number in groups of seven bits (§4.10.5), at most 32 bits.
fn leb128(bytes: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (at * 7);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| CodecError::Malformed)?;
            return Ok((value, bytes.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(if bytes.len() < 8 { CodecError::Truncated } else { CodecError::Malformed })
}

#[cfg(test)]
mod tests;
