//! Redundant audio (RFC 2198): several encodings of different times in one
//! payload, the newest, the primary one, last.
//!
//! A forwarder passes such payloads on, reads the primary block to know what
//! the packet carries, and adapts the payload types inside to those of the
//! receiver.

use std::iter::FusedIterator;

use crate::wire::PayloadType;

/// The most blocks of a payload that is accepted. Browsers send up to ten.
pub const MAX_BLOCKS: usize = 32;

/// Why a payload is not redundant audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RedError {
    /// Ends inside a header, or before the blocks do.
    #[error("the payload ends inside its blocks")]
    Truncated,
    /// More than [`MAX_BLOCKS`] blocks.
    #[error("the payload has too many blocks")]
    TooManyBlocks,
}

/// One encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Block<'a> {
    /// How it is coded.
    pub payload_type: PayloadType,
    /// How much earlier than the packet's timestamp it is, in clock ticks, 0 to
    /// 16,383; 0 for the primary block.
    pub timestamp_offset: u16,
    /// The coded audio; may be empty.
    pub data: &'a [u8],
}

/// A payload of redundant audio whose blocks are known to fit.
///
/// ```
/// use sfu_core::wire::rtp::red::Red;
/// // One redundant block, payload type 111, 960 ticks back, two bytes long.
/// let payload = [0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 7, 8, 9];
/// let red = Red::parse(&payload).unwrap();
/// assert_eq!(red.blocks().next().unwrap().timestamp_offset, 960);
/// assert_eq!(red.primary().data, [7, 8, 9]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red<'a> {
    payload: &'a [u8],
    primary: Block<'a>,
    headers_len: usize,
}

impl<'a> Red<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`RedError`] if the blocks do not fit, or are too many.
    pub fn parse(payload: &'a [u8]) -> Result<Self, RedError> {
        let mut at = 0_usize;
        let mut redundant = 0_usize;
        for _ in 0..MAX_BLOCKS {
            let rest = payload.get(at..).unwrap_or_default();
            match *rest {
                [last, ..] if last & 0x80 == 0 => {
                    let headers_len = at + 1;
                    let data = payload.get(headers_len + redundant..);
                    let primary = Block {
                        payload_type: PayloadType(last),
                        timestamp_offset: 0,
                        data: data.ok_or(RedError::Truncated)?,
                    };
                    return Ok(Self { payload, primary, headers_len });
                }
                [_, _, high, low, ..] => {
                    redundant += usize::from(u16::from_be_bytes([high & 0x03, low]));
                    at += 4;
                }
                _ => return Err(RedError::Truncated),
            }
        }
        Err(RedError::TooManyBlocks)
    }

    /// The newest encoding: that of the packet's timestamp.
    pub const fn primary(&self) -> Block<'a> {
        self.primary
    }

    /// All blocks, the oldest first as senders order them, the primary one last.
    pub fn blocks(&self) -> Blocks<'a> {
        let (headers, data) = self.payload.split_at_checked(self.headers_len).unwrap_or_default();
        Blocks { headers, data }
    }
}

/// The blocks of a [`Red`] payload.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    headers: &'a [u8],
    data: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let ([first, a, b, c], rest) = match self.headers.split_first_chunk::<4>() {
            Some((header, rest)) if header[0] & 0x80 != 0 => (*header, rest),
            _ => {
                let &last = self.headers.first()?;
                self.headers = &[];
                let data = std::mem::take(&mut self.data);
                return Some(Block { payload_type: PayloadType(last), timestamp_offset: 0, data });
            }
        };
        self.headers = rest;
        let (data, tail) = self.data.split_at_checked(u16::from_be_bytes([b & 0x03, c]).into())?;
        self.data = tail;
        Some(Block {
            payload_type: PayloadType(first & 0x7f),
            timestamp_offset: u16::from_be_bytes([a, b]) >> 2,
            data,
        })
    }
}

impl FusedIterator for Blocks<'_> {}

/// Gives the blocks of type `from` the type `to`: a receiver's number for the
/// codec that the publisher has another number for. Returns how many there
/// were.
///
/// # Errors
/// As [`Red::parse`]; the payload is unchanged then.
pub fn replace_payload_type(
    payload: &mut [u8],
    from: PayloadType,
    to: PayloadType,
) -> Result<usize, RedError> {
    let mut headers_len = Red::parse(payload)?.headers_len;
    let mut replaced = 0;
    let mut rest = payload;
    while headers_len > 0 {
        let step = headers_len.min(4);
        let Some((header, tail)) = rest.split_at_mut_checked(step) else { break };
        if let Some(byte) = header.first_mut().filter(|byte| **byte & 0x7f == from.0) {
            *byte = (*byte & 0x80) | (to.0 & 0x7f);
            replaced += 1;
        }
        rest = tail;
        headers_len -= step;
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests;
