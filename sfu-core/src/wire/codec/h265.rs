//! H.265 (RFC 7798 §4.4): key frames through single NAL units, aggregation
//! packets and fragmentation units, without DONL fields.

use super::frame::{CodecError, FrameInfo};

const AP: u8 = 48;
const FU: u8 = 49;

pub(super) fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let (head, rest) = payload.split_first_chunk::<2>().ok_or(CodecError::Truncated)?;
    let mut info = match kind(*head) {
        AP => aggregation(rest)?,
        FU => {
            let (&fu, rest) = rest.split_first().ok_or(CodecError::Truncated)?;
            nal(fu & 0x3f, rest, fu & 0x80 != 0)
        }
        kind @ 0..AP => nal(kind, rest, true),
        // PACI (50) is not negotiated; the others are undefined.
        _ => return Err(CodecError::Malformed),
    };
    // Of an aggregation packet it is the lowest of its units.
    let [_, low] = *head;
    info.temporal_id = Some((low & 0x07).checked_sub(1).ok_or(CodecError::Malformed)?);
    Ok(info)
}

fn kind([high, _]: [u8; 2]) -> u8 {
    high >> 1 & 0x3f
}

fn nal(kind: u8, rest: &[u8], starts: bool) -> FrameInfo {
    // `first_slice_segment_in_pic_flag` is the first bit of a slice.
    let first_slice = rest.first().is_some_and(|byte| byte & 0x80 != 0);
    let frame_start = starts
        && match kind {
            0..=31 => first_slice,
            // Parameter sets, delimiter and prefix SEI precede the slices.
            32..=35 | 39 => true,
            _ => false,
        };
    FrameInfo {
        // Pictures that are random access points, VPS and SPS.
        keyframe: matches!(kind, 16..=23 | 32 | 33),
        frame_start,
        ..Default::default()
    }
}

fn aggregation(mut rest: &[u8]) -> Result<FrameInfo, CodecError> {
    let mut info = FrameInfo::default();
    loop {
        let (len, tail) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (unit, tail) = tail.split_at_checked(len).ok_or(CodecError::Truncated)?;
        let (head, content) = unit.split_first_chunk().ok_or(CodecError::Malformed)?;
        let one = nal(kind(*head), content, true);
        info.keyframe |= one.keyframe;
        info.frame_start |= one.frame_start;
        if tail.is_empty() {
            return Ok(info);
        }
        rest = tail;
    }
}
