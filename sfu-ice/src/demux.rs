//! Tells the protocols apart that share one port.
//!
//! Owns nothing: a pure function over the first bytes of a datagram. The host
//! calls it for every datagram; it never reads past the second byte and never
//! decides whether a packet is valid.

/// What a datagram looks like from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketClass {
    /// STUN (RFC 8489).
    Stun,
    /// A DTLS record (RFC 6347, RFC 9147).
    Dtls,
    /// RTP or SRTP (RFC 3550).
    Rtp,
    /// RTCP or SRTCP (RFC 3550).
    Rtcp,
    /// Anything else: ZRTP, TURN channel data, QUIC, noise, nothing.
    Unknown,
}

/// Classifies a datagram by its first byte (RFC 7983 §7) and, inside the RTP
/// range, by its second one (RFC 5761 §4: payload types 64–95 are RTCP).
///
/// ```
/// use sfu_ice::demux::{PacketClass, classify};
/// assert_eq!(classify(&[0x80, 111]), PacketClass::Rtp);
/// assert_eq!(classify(&[0x81, 201]), PacketClass::Rtcp);
/// assert_eq!(classify(&[]), PacketClass::Unknown);
/// ```
pub fn classify(datagram: &[u8]) -> PacketClass {
    match datagram {
        [0..=3, ..] => PacketClass::Stun,
        [20..=63, ..] => PacketClass::Dtls,
        [128..=191, second, ..] => {
            if (64..96).contains(&(second & 0x7f)) {
                PacketClass::Rtcp
            } else {
                PacketClass::Rtp
            }
        }
        _ => PacketClass::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_the_class_of_rfc_7983() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => PacketClass::Stun,
                20..=63 => PacketClass::Dtls,
                128..=191 => PacketClass::Rtp,
                _ => PacketClass::Unknown,
            };
            assert_eq!(classify(&[first, 0, 0, 0]), expected, "{first}");
        }
    }

    #[test]
    fn rtcp_types_are_found_with_and_without_marker() {
        for second in 0..=255u8 {
            let expected = match second & 0x7f {
                64..=95 => PacketClass::Rtcp,
                _ => PacketClass::Rtp,
            };
            assert_eq!(classify(&[0x80, second]), expected, "{second}");
        }
        // SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR.
        for packet_type in 200..=207u8 {
            assert_eq!(classify(&[0x80, packet_type]), PacketClass::Rtcp);
        }
    }

    #[test]
    fn a_lone_rtp_byte_is_unknown() {
        assert_eq!(classify(&[0x80]), PacketClass::Unknown);
    }
}
