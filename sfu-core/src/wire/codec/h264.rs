//! H.264 (RFC 6184): key frames through single NAL units, STAP-A and FU-A, the
//! packet types of packetization modes 0 and 1.

use super::frame::{CodecError, FrameInfo};

const SLICE: u8 = 1;
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A key frame starts in a packet with an SPS, or with the first slice of an
/// IDR picture: encoders send the parameter sets before every IDR picture, in
/// the same packet or in one before.
pub(super) fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let (&head, rest) = payload.split_first().ok_or(CodecError::Truncated)?;
    match head & 0x1f {
        kind @ 1..=23 => Ok(nal(head, kind, rest, true)),
        STAP_A => stap_a(rest),
        FU_A => {
            let (&fu, rest) = rest.split_first().ok_or(CodecError::Truncated)?;
            Ok(nal(head, fu & 0x1f, rest, fu & 0x80 != 0))
        }
        // Interleaved mode (25 to 27, 29) is not negotiated; 0, 30 and 31 are
        // undefined.
        _ => Err(CodecError::Malformed),
    }
}

/// A NAL unit, or the fragment of one, without its header.
fn nal(head: u8, kind: u8, rest: &[u8], starts: bool) -> FrameInfo {
    // `first_mb_in_slice` is an Exp-Golomb code: a leading one bit is zero.
    let first_slice = rest.first().is_some_and(|byte| byte & 0x80 != 0);
    let frame_start = starts
        && match kind {
            SLICE..=IDR => first_slice,
            // SEI, parameter sets, delimiter, prefix NAL unit: all precede the
            // slices (H.264 §7.4.1.2.3).
            6..=9 | 14..=18 => true,
            _ => false,
        };
    FrameInfo {
        keyframe: matches!(kind, IDR | SPS),
        frame_start,
        discardable: head & 0x60 == 0,
        ..Default::default()
    }
}

fn stap_a(mut rest: &[u8]) -> Result<FrameInfo, CodecError> {
    let mut info = FrameInfo { discardable: true, ..Default::default() };
    loop {
        let (len, tail) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (unit, tail) = tail.split_at_checked(len).ok_or(CodecError::Truncated)?;
        let (&head, content) = unit.split_first().ok_or(CodecError::Malformed)?;
        let one = nal(head, head & 0x1f, content, true);
        info.keyframe |= one.keyframe;
        info.frame_start |= one.frame_start;
        info.discardable &= one.discardable;
        if tail.is_empty() {
            return Ok(info);
        }
        rest = tail;
    }
}
