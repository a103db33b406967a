//! H.264 (RFC 6184): key frames through single NAL units, STAP-A and FU-A, the
//! packet types of packetization modes 0 and 1. Temporal layers are read from
//! the prefix NAL units of RFC 6190 where an encoder writes them, picture sizes
//! from the sequence parameter set.

use super::bits::BitReader;
use super::frame::{CodecError, FrameInfo};
use super::rbsp::Rbsp;

const SLICE: u8 = 1;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PREFIX: u8 = 14;
const SLICE_EXTENSION: u8 = 20;
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
        temporal_id: temporal_id(kind, rest).filter(|_| starts),
        resolution: if kind == SPS && starts { resolution(rest).ok().flatten() } else { None },
        ..Default::default()
    }
}

/// The `nal_unit_header_svc_extension` (RFC 6190 §1.1.3): three bytes, the
/// temporal id on top of the last.
fn temporal_id(kind: u8, rest: &[u8]) -> Option<u8> {
    match rest {
        [flags, _, last, ..] if matches!(kind, PREFIX | SLICE_EXTENSION) && flags & 0x80 != 0 => {
            Some(last >> 5)
        }
        _ => None,
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
        info.temporal_id = info.temporal_id.or(one.temporal_id);
        info.resolution = info.resolution.or(one.resolution);
        if tail.is_empty() {
            return Ok(info);
        }
        rest = tail;
    }
}

/// Width and height of the cropped picture of a sequence parameter set
/// (§7.3.2.1.1), without its NAL header; `None` if they do not fit 16 bits.
fn resolution(sps: &[u8]) -> Result<Option<(u16, u16)>, CodecError> {
    let rbsp = Rbsp::new(sps);
    let mut bits = BitReader::new(rbsp.bytes());
    let profile = bits.byte(8)?;
    // Constraint flags and level.
    bits.skip(16)?;
    bits.exp_golomb()?;
    let mut chroma_format = 1;
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        chroma_format = bits.exp_golomb()?;
        if chroma_format > 3 {
            return Err(CodecError::Malformed);
        }
        if chroma_format == 3 && bits.flag()? {
            // Separate colour planes are cropped like monochrome.
            chroma_format = 0;
        }
        bits.exp_golomb()?;
        bits.exp_golomb()?;
        bits.skip(1)?;
        if bits.flag()? {
            // Scaling lists: never seen in calls, and not worth their parser.
            return Ok(None);
        }
    }
    bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?;
        }
        1 => {
            bits.skip(1)?;
            bits.signed_exp_golomb()?;
            bits.signed_exp_golomb()?;
            let frames = bits.exp_golomb()?;
            if frames > 255 {
                return Err(CodecError::Malformed);
            }
            for _ in 0..frames {
                bits.signed_exp_golomb()?;
            }
        }
        2 => {}
        _ => return Err(CodecError::Malformed),
    }
    bits.exp_golomb()?;
    bits.skip(1)?;
    let width = bits.exp_golomb()?.saturating_add(1).saturating_mul(16);
    let map_units = bits.exp_golomb()?.saturating_add(1);
    let frame_only = bits.flag()?;
    let fields = if frame_only { 1 } else { 2 };
    let height = map_units.saturating_mul(16).saturating_mul(fields);
    if !frame_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let (mut crop_x, mut crop_y) = (0_u32, 0_u32);
    if bits.flag()? {
        let mut sum = || Ok(bits.exp_golomb()?.saturating_add(bits.exp_golomb()?));
        // Table 6-1: 4:2:0 halves both sides, 4:2:2 the width.
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        crop_x = sum()?.saturating_mul(unit_x);
        crop_y = sum()?.saturating_mul(unit_y).saturating_mul(fields);
    }
    Ok(super::frame::resolution(width.saturating_sub(crop_x), height.saturating_sub(crop_y)))
}

#[cfg(test)]
mod tests;
