//! Reads the RTP header (RFC 3550 §5.1) as offsets into the packet.
//!
//! [`RtpHeader`] is the parsed header without a borrow, for callers that go on
//! to change the packet; [`RtpView`] is the header together with the bytes.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ext::{Element, Elements};
use crate::wire::{PayloadType, RtpTime, SeqNo, Ssrc};

/// Length in bytes of an RTP header without CSRCs and extension.
pub const FIXED_HEADER_LEN: usize = 12;

const VERSION: u8 = 2;

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// Ends inside the header, the CSRC list or the extension block.
    #[error("the packet ends inside its header")]
    Truncated,
    /// Longer than a UDP datagram can be (65,535 bytes).
    #[error("the packet is longer than 65535 bytes")]
    TooLong,
    /// The version field is not 2.
    #[error("the RTP version is not 2")]
    Version,
    /// The P bit is set, and the padding length is zero or exceeds the payload.
    #[error("the padding length does not fit the payload")]
    Padding,
    /// A buffer that is written to has no room for the result.
    #[error("the output buffer is too small")]
    NoSpace,
}

/// Where the header extension of a packet lies (RFC 3550 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExtensionBlock {
    /// The 16 bits "defined by profile": `0xBEDE` or `0x100x` for RFC 8285.
    pub profile: u16,
    start: u16,
    end: u16,
}

impl ExtensionBlock {
    /// The byte range of the block in the packet, without its 4-byte header.
    pub fn range(&self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }
}

/// A parsed RTP header: fields by value, everything else as offsets.
///
/// It holds no borrow, so the packet may be changed after parsing; offsets stay
/// valid as long as the packet keeps its length and its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RtpHeader {
    /// The M bit.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: PayloadType,
    /// The sequence number.
    pub seq: SeqNo,
    /// The timestamp.
    pub timestamp: RtpTime,
    /// The synchronisation source.
    pub ssrc: Ssrc,
    /// Number of contributing sources, 0 to 15.
    pub csrc_count: u8,
    /// The header extension, if the X bit is set.
    pub extension: Option<ExtensionBlock>,
    payload_start: u16,
    payload_end: u16,
    padding: u8,
}

impl RtpHeader {
    /// Parses a whole, decrypted packet.
    ///
    /// A packet that holds nothing but padding is valid: its payload is empty.
    ///
    /// # Errors
    /// Any [`RtpError`] but `NoSpace`.
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        let len = u16::try_from(packet.len()).map_err(|_| RtpError::TooLong)?;
        let fixed = fixed(packet)?;
        let [b0, b1, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        let csrc_count = b0 & 0x0f;
        let extension = extension(packet, b0)?;
        let payload_start = match &extension {
            Some(block) => block.end,
            None => csrc_end(csrc_count),
        };
        if payload_start > len {
            return Err(RtpError::Truncated);
        }
        let padding = match (b0 & 0x20 != 0, packet.last()) {
            (true, Some(&n)) if n != 0 && u16::from(n) <= len - payload_start => n,
            (true, _) => return Err(RtpError::Padding),
            (false, _) => 0,
        };
        Ok(Self {
            marker: b1 & 0x80 != 0,
            payload_type: PayloadType(b1 & 0x7f),
            seq: SeqNo(u16::from_be_bytes([s0, s1])),
            timestamp: RtpTime(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: Ssrc(u32::from_be_bytes([i0, i1, i2, i3])),
            csrc_count,
            extension,
            payload_start,
            payload_end: len - u16::from(padding),
            padding,
        })
    }

    /// Length in bytes of everything before the payload.
    pub fn header_len(&self) -> usize {
        usize::from(self.payload_start)
    }

    /// The byte range of the payload in the packet, without padding.
    pub fn payload_range(&self) -> Range<usize> {
        usize::from(self.payload_start)..usize::from(self.payload_end)
    }

    /// Length in bytes of the payload, without padding.
    pub fn payload_len(&self) -> usize {
        usize::from(self.payload_end.saturating_sub(self.payload_start))
    }

    /// Number of padding bytes after the payload, its count byte included;
    /// zero without the P bit.
    pub fn padding_len(&self) -> usize {
        usize::from(self.padding)
    }

    /// The extension elements of `packet`, which must be the packet that this
    /// header was parsed from; none for another profile than RFC 8285.
    pub fn elements<'a>(&self, packet: &'a [u8]) -> Elements<'a> {
        self.extension
            .and_then(|block| Some(Elements::new(block.profile, packet.get(block.range())?)))
            .unwrap_or_default()
    }

    /// The payload of `packet`, which must be the packet that this header was
    /// parsed from; empty if it is shorter than that.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.payload_range()).unwrap_or_default()
    }
}

/// An RTP packet, parsed and borrowed.
///
/// ```
/// use sfu_core::wire::rtp::RtpView;
/// let packet = [0x80, 0xe0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 1, b'h', b'i'];
/// let view = RtpView::parse(&packet).unwrap();
/// assert_eq!(view.seq().0, 7);
/// assert!(view.marker());
/// assert_eq!(view.payload(), b"hi");
/// assert!(RtpView::parse(&packet[..11]).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RtpView<'a> {
    packet: &'a [u8],
    header: RtpHeader,
}

impl<'a> RtpView<'a> {
    /// Parses a whole, decrypted packet; see [`RtpHeader::parse`].
    ///
    /// # Errors
    /// Any [`RtpError`] but `NoSpace`.
    pub fn parse(packet: &'a [u8]) -> Result<Self, RtpError> {
        Ok(Self { packet, header: RtpHeader::parse(packet)? })
    }

    /// The header without the borrow.
    pub fn header(&self) -> RtpHeader {
        self.header
    }

    /// The whole packet.
    pub fn packet(&self) -> &'a [u8] {
        self.packet
    }

    /// The M bit.
    pub fn marker(&self) -> bool {
        self.header.marker
    }

    /// The payload type.
    pub fn payload_type(&self) -> PayloadType {
        self.header.payload_type
    }

    /// The sequence number.
    pub fn seq(&self) -> SeqNo {
        self.header.seq
    }

    /// The timestamp.
    pub fn timestamp(&self) -> RtpTime {
        self.header.timestamp
    }

    /// The synchronisation source.
    pub fn ssrc(&self) -> Ssrc {
        self.header.ssrc
    }

    /// Number of contributing sources, 0 to 15.
    pub fn csrc_count(&self) -> u8 {
        self.header.csrc_count
    }

    /// The contributing sources (RFC 3550 §5.1).
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        let end = usize::from(csrc_end(self.header.csrc_count));
        let list = self.packet.get(FIXED_HEADER_LEN..end).unwrap_or_default();
        list.as_chunks::<4>().0.iter().map(|b| Ssrc(u32::from_be_bytes(*b)))
    }

    /// Where the header extension lies, if there is one.
    pub fn extension(&self) -> Option<ExtensionBlock> {
        self.header.extension
    }

    /// The extension elements; none for another profile than RFC 8285.
    pub fn elements(&self) -> Elements<'a> {
        self.header.elements(self.packet)
    }

    /// The first extension element with this id.
    pub fn element(&self, id: u8) -> Option<&'a [u8]> {
        self.elements().find(|e: &Element<'_>| e.id == id).map(|e| e.data)
    }

    /// Length in bytes of everything before the payload.
    pub fn header_len(&self) -> usize {
        self.header.header_len()
    }

    /// The byte range of the payload, without padding.
    pub fn payload_range(&self) -> Range<usize> {
        self.header.payload_range()
    }

    /// The payload without padding; empty for a packet of padding alone.
    pub fn payload(&self) -> &'a [u8] {
        self.header.payload(self.packet)
    }

    /// Number of padding bytes after the payload.
    pub fn padding_len(&self) -> usize {
        self.header.padding_len()
    }
}

/// Length in bytes of everything before the payload: fixed header, CSRC list
/// and extension block. Reads only what SRTP leaves in the clear (RFC 3711
/// §3.1), so it works on encrypted packets.
///
/// # Errors
/// `Version`, `Truncated` if the header does not end within `packet`, and
/// `TooLong`.
pub fn header_len(packet: &[u8]) -> Result<usize, RtpError> {
    let len = u16::try_from(packet.len()).map_err(|_| RtpError::TooLong)?;
    let b0 = fixed(packet)?[0];
    let end = match extension(packet, b0)? {
        Some(block) => block.end,
        None => csrc_end(b0 & 0x0f),
    };
    if end > len { Err(RtpError::Truncated) } else { Ok(usize::from(end)) }
}

/// The SSRC of a packet that may still be encrypted; `None` if it is shorter
/// than the fixed header.
pub fn ssrc(packet: &[u8]) -> Option<Ssrc> {
    let bytes = packet.get(8..)?.first_chunk::<4>()?;
    Some(Ssrc(u32::from_be_bytes(*bytes)))
}

/// The sequence number of a packet that may still be encrypted; `None` if it
/// is shorter than the fixed header.
pub fn seq(packet: &[u8]) -> Option<SeqNo> {
    let fixed = packet.first_chunk::<FIXED_HEADER_LEN>()?;
    Some(SeqNo(u16::from_be_bytes([fixed[2], fixed[3]])))
}

fn fixed(packet: &[u8]) -> Result<&[u8; FIXED_HEADER_LEN], RtpError> {
    let fixed = packet.first_chunk::<FIXED_HEADER_LEN>().ok_or(RtpError::Truncated)?;
    let [b0, ..] = *fixed;
    if b0 >> 6 == VERSION { Ok(fixed) } else { Err(RtpError::Version) }
}

/// At most 12 + 15 × 4 = 72.
fn csrc_end(csrc_count: u8) -> u16 {
    12 + 4 * u16::from(csrc_count & 0x0f)
}

fn extension(packet: &[u8], b0: u8) -> Result<Option<ExtensionBlock>, RtpError> {
    if b0 & 0x10 == 0 {
        return Ok(None);
    }
    let at = csrc_end(b0 & 0x0f);
    let head = packet.get(usize::from(at)..).and_then(<[u8]>::first_chunk::<4>);
    let [p0, p1, l0, l1] = *head.ok_or(RtpError::Truncated)?;
    let words = u16::from_be_bytes([l0, l1]);
    let start = at + 4;
    let end = words.checked_mul(4).and_then(|len| start.checked_add(len));
    match end {
        Some(end) if usize::from(end) <= packet.len() => {
            Ok(Some(ExtensionBlock { profile: u16::from_be_bytes([p0, p1]), start, end }))
        }
        _ => Err(RtpError::Truncated),
    }
}

#[cfg(test)]
mod tests;
