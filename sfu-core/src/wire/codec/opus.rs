//! Opus (RFC 7587): every packet stands alone.

use super::frame::{CodecError, FrameInfo};

/// Looks at an Opus packet: any packet with a TOC byte can be started at.
///
/// # Errors
/// `Truncated` for an empty payload.
pub fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    if payload.is_empty() {
        return Err(CodecError::Truncated);
    }
    Ok(FrameInfo { keyframe: true, frame_start: true, frame_end: Some(true), ..Default::default() })
}

/// Whether the packet carries no coded audio: the TOC byte announces one frame,
/// and that frame is empty or one byte (RFC 6716 §3.1; sent in
/// discontinuous transmission).
pub fn is_dtx(payload: &[u8]) -> bool {
    matches!(payload, [toc] | [toc, _] if toc & 0x03 == 0)
}
