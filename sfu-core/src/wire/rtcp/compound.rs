//! Splits a compound packet (RFC 3550 §6.1, RFC 5506) into its packets.
//!
//! The framing of the whole compound is checked once; what a single packet
//! holds is checked when it is reached, so that one bad packet does not hide
//! the others.

use super::app::App;
use super::nack::Nack;
use super::psfb::{self, Fir, Pli, Remb};
use super::report::{Bye, ReceiverReport, Sdes, SenderReport};
use super::twcc::TransportFeedback;
use super::xr::ExtendedReport;
use super::{APP, BYE, PSFB, RR, RTPFB, SDES, SR, XR};

/// Why bytes are not RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// A packet, or something in it, ends before it is complete.
    #[error("the packet is too short for what it announces")]
    Truncated,
    /// The version field is not 2.
    #[error("the RTCP version is not 2")]
    Version,
    /// The P bit is set, and the padding length is zero or exceeds the packet.
    #[error("the padding does not fit the packet")]
    Padding,
    /// Contradicts itself, such as a REMB without its name.
    #[error("the packet contradicts itself")]
    Malformed,
}

/// A compound packet whose framing is sound: every length lies within the
/// bytes, and the lengths add up to all of them.
///
/// ```
/// use sfu_core::wire::rtcp::{Compound, RtcpPacket};
/// let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
/// let compound = Compound::parse(&pli)?;
/// let Some(Ok(RtcpPacket::Pli(pli))) = compound.packets().next() else { panic!() };
/// assert_eq!(pli.media.0, 2);
/// assert!(Compound::parse(&[0x81, 206, 0, 2, 0, 0, 0, 1]).is_err());
/// # Ok::<(), sfu_core::wire::rtcp::RtcpError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks the framing of `bytes`, which holds one packet or more.
    ///
    /// Reduced-size RTCP (RFC 5506) is accepted, so the first packet need not
    /// be a report.
    ///
    /// # Errors
    /// `Truncated` (also for no bytes at all) and `Version`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = bytes;
        loop {
            let (_, tail) = frame(rest)?;
            if tail.is_empty() {
                return Ok(Self { bytes });
            }
            rest = tail;
        }
    }

    /// The packets in order.
    pub fn packets(&self) -> Packets<'a> {
        Packets { rest: self.bytes }
    }
}

impl<'a> IntoIterator for Compound<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;
    type IntoIter = Packets<'a>;

    fn into_iter(self) -> Packets<'a> {
        self.packets()
    }
}

/// Iterator over the packets of a [`Compound`]. An error is about one packet;
/// those after it still come.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let framed = frame(self.rest);
        self.rest = framed.as_ref().map_or(&[], |(_, tail)| tail);
        Some(framed.and_then(|(frame, _)| RtcpPacket::read(&frame)))
    }
}

/// One packet of a compound.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RtcpPacket<'a> {
    /// Sender report.
    SenderReport(SenderReport<'a>),
    /// Receiver report.
    ReceiverReport(ReceiverReport<'a>),
    /// Source description.
    Sdes(Sdes<'a>),
    /// Goodbye.
    Bye(Bye<'a>),
    /// Application-defined packet.
    App(App<'a>),
    /// Generic negative acknowledgement.
    Nack(Nack<'a>),
    /// Transport-wide congestion control feedback.
    Twcc(TransportFeedback<'a>),
    /// Picture loss indication.
    Pli(Pli),
    /// Full intra request.
    Fir(Fir<'a>),
    /// Receiver estimated maximum bitrate.
    Remb(Remb<'a>),
    /// Extended report.
    Xr(ExtendedReport<'a>),
    /// A packet that is not interpreted.
    Other {
        /// Its packet type.
        packet_type: u8,
        /// Its count or format field, 0 to 31.
        count: u8,
    },
}

impl<'a> RtcpPacket<'a> {
    fn read(frame: &Frame<'a>) -> Result<Self, RtcpError> {
        let &Frame { packet_type, count, padded, .. } = frame;
        // Its counts say where the content ends, so the padding, which is one to
        // three bytes here and no whole word, has nothing to add.
        if (packet_type, count) == (RTPFB, TransportFeedback::FORMAT) {
            return TransportFeedback::read(padded).map(Self::Twcc);
        }
        let body = frame.body()?;
        Ok(match (packet_type, count) {
            (SR, _) => Self::SenderReport(SenderReport::read(count, body)?),
            (RR, _) => Self::ReceiverReport(ReceiverReport::read(count, body)?),
            (SDES, _) => Self::Sdes(Sdes::read(body)),
            (BYE, _) => Self::Bye(Bye::read(count, body)?),
            (APP, subtype) => Self::App(App::read(subtype, body)?),
            (RTPFB, Nack::FORMAT) => Self::Nack(Nack::read(body)?),
            (PSFB, Pli::FORMAT) => Self::Pli(Pli::read(body)?),
            (PSFB, Fir::FORMAT) => Self::Fir(Fir::read(body)?),
            (PSFB, psfb::APPLICATION_LAYER) if Remb::matches(body) => Self::Remb(Remb::read(body)?),
            (XR, _) => Self::Xr(ExtendedReport::read(body)?),
            _ => Self::Other { packet_type, count },
        })
    }
}

/// One packet without its 4-byte header.
struct Frame<'a> {
    packet_type: u8,
    count: u8,
    has_padding: bool,
    padded: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The content without padding.
    fn body(&self) -> Result<&'a [u8], RtcpError> {
        if !self.has_padding {
            return Ok(self.padded);
        }
        let &padding = self.padded.last().filter(|n| **n != 0).ok_or(RtcpError::Padding)?;
        let kept = self.padded.len().checked_sub(padding.into()).ok_or(RtcpError::Padding)?;
        self.padded.get(..kept).ok_or(RtcpError::Padding)
    }
}

/// The first packet of `bytes`, and the bytes after it.
fn frame(bytes: &[u8]) -> Result<(Frame<'_>, &[u8]), RtcpError> {
    let (&[b0, packet_type, l0, l1], rest) =
        bytes.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
    if b0 >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let len = usize::from(u16::from_be_bytes([l0, l1])) * 4;
    let (padded, tail) = rest.split_at_checked(len).ok_or(RtcpError::Truncated)?;
    let has_padding = b0 & 0x20 != 0;
    Ok((Frame { packet_type, count: b0 & 0x1f, has_padding, padded }, tail))
}

#[cfg(test)]
mod tests;
