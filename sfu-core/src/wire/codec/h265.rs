//! H.265 (RFC 7798 §4.4): key frames through single NAL units, aggregation
//! packets and fragmentation units, without DONL fields. Temporal layers are in
//! every NAL header, picture sizes in the sequence parameter set.

use super::bits::BitReader;
use super::frame::{CodecError, FrameInfo};
use super::rbsp::Rbsp;

const SPS: u8 = 33;
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
        keyframe: matches!(kind, 16..=23 | 32 | SPS),
        frame_start,
        // Access to this temporal layer, for TSA (2, 3) and STSA (4, 5)
        // pictures (H.265 §7.4.2.2).
        layer_sync: matches!(kind, 2..=5),
        resolution: if kind == SPS && starts { resolution(rest).ok().flatten() } else { None },
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
        info.layer_sync |= one.layer_sync;
        info.resolution = info.resolution.or(one.resolution);
        if tail.is_empty() {
            return Ok(info);
        }
        rest = tail;
    }
}

/// Width and height of the cropped picture of a sequence parameter set
/// (§7.3.2.2.1), without its NAL header; `None` if they do not fit 16 bits.
fn resolution(sps: &[u8]) -> Result<Option<(u16, u16)>, CodecError> {
    let rbsp = Rbsp::new(sps);
    let mut bits = BitReader::new(rbsp.bytes());
    bits.skip(4)?;
    let sub_layers = bits.byte(3)?;
    bits.skip(1)?;
    profile_tier_level(&mut bits, sub_layers)?;
    bits.exp_golomb()?;
    let chroma_format = match bits.exp_golomb()? {
        3 if bits.flag()? => 0,
        format @ 0..=3 => format,
        _ => return Err(CodecError::Malformed),
    };
    let (width, height) = (bits.exp_golomb()?, bits.exp_golomb()?);
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
        crop_y = sum()?.saturating_mul(unit_y);
    }
    Ok(super::frame::resolution(width.saturating_sub(crop_x), height.saturating_sub(crop_y)))
}

/// `profile_tier_level(1, sub_layers)` (§7.3.3): passed over.
fn profile_tier_level(bits: &mut BitReader<'_>, sub_layers: u8) -> Result<(), CodecError> {
    bits.skip(96)?;
    if sub_layers == 0 {
        return Ok(());
    }
    let mut present = [(false, false); 8];
    for (at, flags) in present.iter_mut().enumerate() {
        // Those of the layers, then two reserved bits for each one up to eight.
        let pair = (bits.flag()?, bits.flag()?);
        if at < usize::from(sub_layers) {
            *flags = pair;
        }
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
