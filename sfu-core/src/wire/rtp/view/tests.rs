use proptest::prelude::*;

use super::*;

const FIXED: [u8; 12] = [0x80, 0x60, 0x12, 0x34, 0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef];

fn with(b0: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = FIXED.to_vec();
    packet[0] = b0;
    packet.extend_from_slice(rest);
    packet
}

#[test]
fn a_bare_header_is_a_packet() {
    let view = RtpView::parse(&FIXED).unwrap();
    assert_eq!(view.payload_type(), PayloadType(0x60));
    assert_eq!(view.seq(), SeqNo(0x1234));
    assert_eq!(view.timestamp(), RtpTime(9));
    assert_eq!(view.ssrc(), Ssrc(0xdead_beef));
    assert_eq!((view.marker(), view.csrc_count(), view.header_len()), (false, 0, 12));
    assert!(view.payload().is_empty() && view.extension().is_none());
    assert_eq!(ssrc(&FIXED), Some(Ssrc(0xdead_beef)));
    assert_eq!(seq(&FIXED), Some(SeqNo(0x1234)));
}

#[test]
fn every_shorter_length_is_truncated() {
    for len in 0..12 {
        assert_eq!(RtpView::parse(&FIXED[..len]).unwrap_err(), RtpError::Truncated);
        assert_eq!(header_len(&FIXED[..len]), Err(RtpError::Truncated));
        assert_eq!((ssrc(&FIXED[..len]), seq(&FIXED[..len])), (None, None));
    }
}

#[test]
fn only_version_two_is_rtp() {
    for version in [0x00, 0x40, 0xc0] {
        assert_eq!(RtpView::parse(&with(version, &[])).unwrap_err(), RtpError::Version);
        assert_eq!(header_len(&with(version, &[])), Err(RtpError::Version));
    }
}

#[test]
fn csrcs_and_extension_precede_the_payload() {
    let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0, b'p'];
    let packet = with(0x92, &rest);
    let view = RtpView::parse(&packet).unwrap();
    assert_eq!(view.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
    assert_eq!(view.extension().unwrap().range(), 24..28);
    assert_eq!(view.extension().unwrap().profile, 0xbede);
    assert_eq!(view.element(1), Some(&[0xaa][..]));
    assert_eq!(view.element(2), None);
    assert_eq!(view.payload(), b"p");
    assert_eq!(header_len(&packet), Ok(28));
    for len in 12..28 {
        assert_eq!(RtpView::parse(&packet[..len]).unwrap_err(), RtpError::Truncated, "{len}");
        assert_eq!(header_len(&packet[..len]), Err(RtpError::Truncated), "{len}");
    }
}

#[test]
fn csrcs_alone_are_bounded_too() {
    assert_eq!(RtpView::parse(&with(0x8f, &[0; 59])).unwrap_err(), RtpError::Truncated);
    assert_eq!(header_len(&with(0x8f, &[0; 60])), Ok(72));
}

#[test]
fn padding_is_removed_and_checked() {
    let packet = with(0xa0, &[1, 2, 0, 0, 3]);
    let view = RtpView::parse(&packet).unwrap();
    assert_eq!((view.payload(), view.padding_len()), (&[1, 2][..], 3));
    let only = with(0xa0, &[0, 2]);
    assert!(RtpView::parse(&only).unwrap().payload().is_empty());
    for bad in [&[][..], &[0], &[2], &[1, 0], &[0, 0, 4]] {
        assert_eq!(RtpView::parse(&with(0xa0, bad)).unwrap_err(), RtpError::Padding);
    }
    // Padding cannot reach into the header: 8 is more than the payload.
    let packet = with(0xb0, &[0, 0, 0, 1, 9, 9, 9, 9, 8]);
    assert_eq!(RtpView::parse(&packet).unwrap_err(), RtpError::Padding);
}

#[test]
fn the_header_length_ignores_what_is_encrypted() {
    // A padding byte that makes no sense: SRTP has not decrypted it yet.
    assert_eq!(header_len(&with(0xa0, &[0xff])), Ok(12));
}

#[test]
fn more_than_a_datagram_is_too_long() {
    let mut packet = with(0x80, &[]);
    packet.resize(65_535, 0);
    assert_eq!(RtpView::parse(&packet).unwrap().payload().len(), 65_523);
    packet.push(0);
    assert_eq!(RtpView::parse(&packet).unwrap_err(), RtpError::TooLong);
    assert_eq!(header_len(&packet), Err(RtpError::TooLong));
}

#[test]
fn an_extension_of_maximal_length_does_not_overflow() {
    let mut packet = with(0x9f, &[0; 60]);
    packet.extend_from_slice(&[0x10, 0, 0xff, 0xff]);
    packet.resize(65_535, 0);
    assert_eq!(RtpView::parse(&packet).unwrap_err(), RtpError::Truncated);
}

fn likely_rtp() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200), any::<bool>(), 0_u8..12).prop_map(
        |(b0, mut packet, bede, words)| {
            if let Some(first) = packet.first_mut() {
                *first = 0x80 | b0 & 0x3f;
            }
            let at = 12 + 4 * usize::from(b0 & 0x0f);
            if let Some(head) = packet.get_mut(at..at + 4) {
                let profile = if bede { [0xbe, 0xde] } else { [0x10, 0x00] };
                head.copy_from_slice(&[profile[0], profile[1], 0, words]);
            }
            packet
        },
    )
}

proptest! {
    #[test]
    fn parsing_is_total_and_parts_tile_the_packet(packet in likely_rtp()) {
        let Ok(view) = RtpView::parse(&packet) else { return Ok(()) };
        let payload = view.payload_range();
        prop_assert_eq!(view.header_len(), payload.start);
        prop_assert_eq!(payload.end + view.padding_len(), packet.len());
        prop_assert_eq!(view.payload().len(), view.header().payload_len());
        prop_assert_eq!(header_len(&packet), Ok(payload.start));
        prop_assert_eq!(ssrc(&packet), Some(view.ssrc()));
        prop_assert_eq!(view.csrcs().count(), usize::from(view.csrc_count()));
        if let Some(block) = view.extension() {
            prop_assert_eq!(block.range().end, payload.start);
            let held: usize = view.elements().map(|e| e.data.len() + 1).sum();
            prop_assert!(held <= block.range().len());
        }
    }

    #[test]
    fn random_bytes_do_no_harm(packet in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(view) = RtpView::parse(&packet) {
            let _ = view.elements().count();
            prop_assert_eq!(packet[0] >> 6, 2);
        }
    }
}
