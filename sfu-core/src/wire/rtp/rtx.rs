//! The retransmission payload format (RFC 4588 §4): the original sequence
//! number (OSN) in two bytes, then the original payload.

use super::view::{RtpError, RtpHeader};
use crate::wire::{PayloadType, SeqNo, Ssrc};

/// Length in bytes of the original sequence number before the payload.
pub const OSN_LEN: usize = 2;

/// A retransmission that has been turned back into the original packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwrapped {
    /// The original sequence number.
    pub seq: SeqNo,
    /// Where the original packet starts in the buffer; it ends where the
    /// retransmission ended.
    pub start: usize,
}

/// Turns the retransmission in `packet` into the original packet, in place:
/// `packet[unwrapped.start..]` parses as the packet that was lost, with the
/// given `ssrc` and `payload_type` of the original stream. Header extensions
/// and padding stay as they are on the retransmission.
///
/// Gives `None`, and leaves the bytes alone, if the payload is empty: senders
/// use such packets as padding.
///
/// # Errors
/// `Truncated` for a payload of one byte, else as [`RtpHeader::parse`].
pub fn unwrap(
    packet: &mut [u8],
    ssrc: Ssrc,
    payload_type: PayloadType,
) -> Result<Option<Unwrapped>, RtpError> {
    let header = RtpHeader::parse(packet)?;
    let osn = match header.payload(packet) {
        [] => return Ok(None),
        [a, b, ..] => [*a, *b],
        [_] => return Err(RtpError::Truncated),
    };
    // Moving the header over the OSN touches a few dozen bytes; moving the
    // payload would touch a thousand.
    packet.copy_within(..header.header_len(), OSN_LEN);
    let moved = packet.get_mut(OSN_LEN..).and_then(|p| p.first_chunk_mut::<12>());
    let [_, b1, s0, s1, _, _, _, _, ssrc_bytes @ ..] = moved.ok_or(RtpError::Truncated)?;
    *b1 = (*b1 & 0x80) | (payload_type.0 & 0x7f);
    [*s0, *s1] = osn;
    *ssrc_bytes = ssrc.0.to_be_bytes();
    Ok(Some(Unwrapped { seq: SeqNo(u16::from_be_bytes(osn)), start: OSN_LEN }))
}

/// Writes the payload of a retransmission of `payload`, which had the sequence
/// number `original`, to the start of `out`; gives its length.
///
/// # Errors
/// `NoSpace` if `out` is shorter than the payload and two bytes.
pub fn write_payload(out: &mut [u8], original: SeqNo, payload: &[u8]) -> Result<usize, RtpError> {
    let len = payload.len().checked_add(OSN_LEN).ok_or(RtpError::NoSpace)?;
    let out = out.get_mut(..len).ok_or(RtpError::NoSpace)?;
    let (osn, rest) = out.split_first_chunk_mut::<OSN_LEN>().ok_or(RtpError::NoSpace)?;
    *osn = original.0.to_be_bytes();
    rest.copy_from_slice(payload);
    Ok(len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::rtp::{RtpView, add_padding};

    const HEADER: [u8; 12] = [0x80, 0xe1, 0x11, 0x11, 0, 0, 0, 2, 0, 0, 0, 3];

    #[test]
    fn a_packet_without_payload_is_padding() {
        let mut buf = [0; 40];
        buf[..12].copy_from_slice(&HEADER);
        let len = add_padding(&mut buf, 12, 20).unwrap();
        assert_eq!(unwrap(&mut buf[..len], Ssrc(1), PayloadType(96)), Ok(None));
        assert_eq!(buf[1..12], HEADER[1..]);
    }

    #[test]
    fn one_byte_is_no_sequence_number() {
        let mut packet = HEADER.to_vec();
        packet.push(1);
        let error = unwrap(&mut packet, Ssrc(1), PayloadType(96));
        assert_eq!(error, Err(RtpError::Truncated));
        assert_eq!(write_payload(&mut packet[..4], SeqNo(1), &[0; 3]), Err(RtpError::NoSpace));
    }

    proptest! {
        #[test]
        fn wrap_then_unwrap_is_the_original(
            payload in proptest::collection::vec(any::<u8>(), 0..60),
            extension: bool,
            padding in 0_u8..9,
            seq: u16,
            ssrc: u32,
            pt in 0_u8..128,
        ) {
            let mut buf = [0; 128];
            buf[..12].copy_from_slice(&HEADER);
            let mut len = 12;
            if extension {
                buf[0] |= 0x10;
                buf[12..20].copy_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 7, 0, 0]);
                len = 20;
            }
            let header_len = len;
            len += write_payload(&mut buf[len..], SeqNo(seq), &payload).unwrap();
            len = add_padding(&mut buf, len, padding).unwrap();
            let before = buf;
            let got = unwrap(&mut buf[..len], Ssrc(ssrc), PayloadType(pt)).unwrap().unwrap();
            let view = RtpView::parse(&buf[got.start..len]).unwrap();
            prop_assert_eq!(got.seq, SeqNo(seq));
            prop_assert_eq!(view.seq(), SeqNo(seq));
            prop_assert_eq!(view.ssrc(), Ssrc(ssrc));
            prop_assert_eq!(view.payload_type(), PayloadType(pt));
            prop_assert!(view.marker());
            prop_assert_eq!(view.timestamp().0, 2);
            prop_assert_eq!(view.payload(), &payload[..]);
            prop_assert_eq!(view.header_len(), header_len);
            prop_assert_eq!(&view.packet()[12..header_len], &before[12..header_len]);
        }
    }
}
