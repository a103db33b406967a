//! VP8 (RFC 7741 §4): the payload descriptor, and rewriting its picture id and
//! TL0PICIDX in place.

use super::frame::{CodecError, FrameInfo, PictureId};

/// Looks at a VP8 payload.
///
/// # Errors
/// `Truncated` if the payload ends inside the descriptor, or right after it.
pub fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let descriptor = Descriptor::read(payload)?;
    let frame = payload.get(usize::from(descriptor.len)..).unwrap_or_default();
    let &first = frame.first().ok_or(CodecError::Truncated)?;
    // The VP8 frame header stands at the start of the first partition only.
    let frame_start = descriptor.starts_partition && descriptor.partition == 0;
    let keyframe = frame_start && first & 0x01 == 0;
    Ok(FrameInfo {
        keyframe,
        frame_start,
        discardable: descriptor.discardable,
        temporal_id: descriptor.temporal.map(|(id, _)| id),
        layer_sync: descriptor.temporal.is_some_and(|(_, sync)| sync),
        picture_id: descriptor.picture_id.map(|(_, id)| id),
        tl0_pic_idx: descriptor.tl0_pic_idx.map(|(_, idx)| idx),
        resolution: if keyframe { resolution(frame) } else { None },
        ..Default::default()
    })
}

/// Width and height from the header of a key frame (RFC 6386 §9.1): behind the
/// frame tag and the start code, 14 bits each and two of scale.
fn resolution(frame: &[u8]) -> Option<(u16, u16)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *frame else { return None };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    super::frame::resolution(side(w0, w1), side(h0, h1))
}

/// Writes `picture_id` and `tl0_pic_idx` over those in the payload. A field
/// that the payload lacks stays absent, and the picture id keeps its width of 7
/// or 15 bits: higher bits are cut off.
///
/// ```
/// use sfu_core::wire::codec::{vp8, FrameInfo};
/// let mut payload = [0x90, 0xc0, 0x80, 0x01, 0x05, 0x00];
/// vp8::rewrite(&mut payload, 0x7fff, 9).unwrap();
/// assert_eq!(payload, [0x90, 0xc0, 0xff, 0xff, 0x09, 0x00]);
/// ```
///
/// # Errors
/// `Truncated` if the payload ends inside the descriptor; it is unchanged then.
pub fn rewrite(payload: &mut [u8], picture_id: u16, tl0_pic_idx: u8) -> Result<(), CodecError> {
    let descriptor = Descriptor::read(payload)?;
    if let Some((at, old)) = descriptor.picture_id {
        let [high, low] = (picture_id & old.mask()).to_be_bytes();
        match (old.wide, payload.get_mut(usize::from(at)..)) {
            (true, Some([a, b, ..])) => [*a, *b] = [0x80 | high, low],
            (false, Some([a, ..])) => *a = low,
            _ => return Err(CodecError::Truncated),
        }
    }
    if let Some((at, _)) = descriptor.tl0_pic_idx {
        *payload.get_mut(usize::from(at)).ok_or(CodecError::Truncated)? = tl0_pic_idx;
    }
    Ok(())
}

/// The payload descriptor (§4.2), with offsets of what can be rewritten.
#[derive(Clone, Copy)]
struct Descriptor {
    len: u8,
    starts_partition: bool,
    partition: u8,
    discardable: bool,
    picture_id: Option<(u8, PictureId)>,
    tl0_pic_idx: Option<(u8, u8)>,
    /// Temporal id and its Y bit.
    temporal: Option<(u8, bool)>,
}

impl Descriptor {
    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        // At most 6 bytes are read, so `at` fits.
        let mut at = 0_u8;
        let mut byte = || {
            let byte = payload.get(usize::from(at)).copied().ok_or(CodecError::Truncated)?;
            at += 1;
            Ok::<_, CodecError>((at - 1, byte))
        };
        let (_, first) = byte()?;
        let mut descriptor = Self {
            len: 0,
            starts_partition: first & 0x10 != 0,
            partition: first & 0x07,
            discardable: first & 0x20 != 0,
            picture_id: None,
            tl0_pic_idx: None,
            temporal: None,
        };
        if first & 0x80 != 0 {
            let (_, present) = byte()?;
            if present & 0x80 != 0 {
                let (start, high) = byte()?;
                let wide = high & 0x80 != 0;
                let low = if wide { byte()?.1 } else { 0 };
                let high = u16::from(high & 0x7f);
                let value = if wide { (high << 8) | u16::from(low) } else { high };
                descriptor.picture_id = Some((start, PictureId { value, wide }));
            }
            if present & 0x40 != 0 {
                descriptor.tl0_pic_idx = Some(byte()?);
            }
            // One byte holds TID and KEYIDX, and is there if either is used.
            if present & 0x30 != 0 {
                let (_, layer) = byte()?;
                if present & 0x20 != 0 {
                    descriptor.temporal = Some((layer >> 6, layer & 0x20 != 0));
                }
            }
        }
        descriptor.len = at;
        Ok(descriptor)
    }
}

#[cfg(test)]
mod tests;
