//! The list of frames that a frame refers to, where it differs from that of the
//! template: each as how far back it lies, in groups of four bits (A.8.3).

use super::super::bits::{BitReader, BitWriter};
use super::super::frame::CodecError;

/// The next of the list; `None` at its end.
pub(super) fn next(bits: &mut BitReader<'_>) -> Result<Option<u16>, CodecError> {
    match bits.bits(2)? {
        0 => Ok(None),
        // At most twelve bits.
        groups => Ok(Some(bits.bits(4 * groups)? as u16 + 1)),
    }
}

/// Writes the whole list; each distance is 1 to 4096.
pub(super) fn write(
    out: &mut BitWriter<'_>,
    diffs: impl Iterator<Item = u16>,
) -> Result<(), CodecError> {
    for diff in diffs {
        let diff = u32::from(diff).saturating_sub(1);
        let groups = (32 - diff.leading_zeros()).div_ceil(4).max(1);
        out.bits(2, groups)?;
        out.bits(4 * groups, diff)?;
    }
    out.bits(2, 0)
}
