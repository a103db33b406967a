//! Appends RTP padding (RFC 3550 §5.1), which makes packets of a run equal in
//! size or makes a packet of padding alone.

use super::view::RtpError;

/// Appends `count` bytes of padding to the packet in `buf[..len]`, sets its P
/// bit and returns the new length. A `count` of zero changes nothing.
///
/// # Errors
/// `Truncated` if `buf[..len]` is no packet, `Padding` if it has the P bit
/// already, `NoSpace` if `buf` cannot hold the result.
///
/// ```
/// use sfu_core::wire::rtp::{RtpView, add_padding};
/// let mut buf = [0u8; 20];
/// buf[0] = 0x80;
/// let len = add_padding(&mut buf, 15, 4).unwrap();
/// let view = RtpView::parse(&buf[..len]).unwrap();
/// assert_eq!((len, view.payload().len(), view.padding_len()), (19, 3, 4));
/// ```
pub fn add_padding(buf: &mut [u8], len: usize, count: u8) -> Result<usize, RtpError> {
    if count == 0 {
        return Ok(len);
    }
    if len < super::FIXED_HEADER_LEN || len > buf.len() {
        return Err(RtpError::Truncated);
    }
    let end = len.checked_add(usize::from(count)).ok_or(RtpError::NoSpace)?;
    if buf.len() < end {
        return Err(RtpError::NoSpace);
    }
    match buf.first_mut() {
        Some(first) if *first & 0x20 == 0 => *first |= 0x20,
        _ => return Err(RtpError::Padding),
    }
    if let Some([zeros @ .., last]) = buf.get_mut(len..end) {
        zeros.fill(0);
        *last = count;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rtp::RtpView;

    #[test]
    fn every_count_reads_back() {
        for count in 1..=255_u8 {
            let mut buf = [0xff; 300];
            buf[..12].copy_from_slice(&[0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
            let len = add_padding(&mut buf, 12, count).unwrap();
            let view = RtpView::parse(&buf[..len]).unwrap();
            assert_eq!(view.padding_len(), usize::from(count));
            assert!(view.payload().is_empty());
            assert!(buf[12..len - 1].iter().all(|&b| b == 0));
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let mut buf = [0; 16];
        buf[0] = 0x80;
        assert_eq!(add_padding(&mut buf, 12, 0), Ok(12));
        assert_eq!(add_padding(&mut buf, 12, 5), Err(RtpError::NoSpace));
        assert_eq!(add_padding(&mut buf, 17, 1), Err(RtpError::Truncated));
        assert_eq!(add_padding(&mut buf, 11, 1), Err(RtpError::Truncated));
        assert_eq!(buf[0], 0x80);
        assert_eq!(add_padding(&mut buf, 12, 2), Ok(14));
        assert_eq!(add_padding(&mut buf, 14, 2), Err(RtpError::Padding));
    }
}
