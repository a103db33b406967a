use proptest::prelude::*;

use super::*;
use crate::wire::rtcp::{FirEntry, ReportBlock, RtcpWriter, XrBlock};
use crate::wire::{SeqNo, Ssrc};

fn packets(bytes: &[u8]) -> Vec<Result<RtcpPacket<'_>, RtcpError>> {
    Compound::parse(bytes).unwrap().packets().collect()
}

#[test]
fn framing_is_checked_for_the_whole_compound() {
    let mut bytes = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    assert_eq!(packets(&bytes).len(), 2);
    for len in (0..bytes.len()).filter(|len| *len != 8) {
        assert_eq!(Compound::parse(&bytes[..len]).unwrap_err(), RtcpError::Truncated, "{len}");
    }
    bytes[8] = 0x41;
    assert_eq!(Compound::parse(&bytes).unwrap_err(), RtcpError::Version);
    bytes[8] = 0x81;
    bytes[11] = 3;
    assert_eq!(Compound::parse(&bytes).unwrap_err(), RtcpError::Truncated);
}

#[test]
fn one_bad_packet_does_not_hide_the_next() {
    // A receiver report that announces a block it does not have, then a PLI.
    let bytes = [0x81, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    let packets = packets(&bytes);
    assert_eq!(*packets[0].as_ref().unwrap_err(), RtcpError::Truncated);
    assert!(matches!(packets[1], Ok(RtcpPacket::Pli(Pli { media: Ssrc(2), .. }))));
}

#[test]
fn padding_is_removed_and_checked() {
    let with_padding = |last: u8| [0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, last];
    assert!(matches!(packets(&with_padding(4))[0], Ok(RtcpPacket::ReceiverReport(_))));
    for bad in [0, 9, 255] {
        assert_eq!(*packets(&with_padding(bad))[0].as_ref().unwrap_err(), RtcpError::Padding);
    }
    assert_eq!(*packets(&with_padding(8))[0].as_ref().unwrap_err(), RtcpError::Truncated);
    assert_eq!(*packets(&[0xa0, 201, 0, 0])[0].as_ref().unwrap_err(), RtcpError::Padding);
}

#[test]
fn unknown_types_are_skipped() {
    let bytes =
        [0x83, 209, 0, 1, 1, 2, 3, 4, 0x85, 205, 0, 0, 0x8f, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0];
    let kinds: Vec<_> = packets(&bytes)
        .into_iter()
        .map(|packet| match packet {
            Ok(RtcpPacket::Other { packet_type, count }) => (packet_type, count),
            other => panic!("{other:?}"),
        })
        .collect();
    // The last is application layer feedback without REMB's name.
    assert_eq!(kinds, [(209, 3), (205, 5), (206, 15)]);
}

#[test]
fn sdes_names_sources() {
    let mut body = vec![];
    body.extend_from_slice(&[0, 0, 0, 1, 1, 1, b'a', 0]); // One zero ends the list.
    body.extend_from_slice(&[0, 0, 0, 2, 2, 2, b'n', b'm', 0, 0, 0, 0]); // NAME only.
    body.extend_from_slice(&[0, 0, 0, 3, 2, 0, 1, 2, b'c', b'd', 0, 0]); // Empty NAME, CNAME.
    body.extend_from_slice(&[0, 0, 0, 4, 1, 9, b'x', 0]); // Longer than the packet.
    let sdes = Sdes::read(&body);
    let names: Vec<_> = sdes.cnames().collect();
    assert_eq!(names, [(Ssrc(1), &b"a"[..]), (Ssrc(3), b"cd")]);
}

#[test]
fn bye_has_sources_and_a_reason() {
    let bytes = [0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, b'b', b'y', b'e'];
    let Ok(RtcpPacket::Bye(bye)) = &packets(&bytes)[0] else { panic!() };
    assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
    assert_eq!(bye.reason(), b"bye");
    let short = [0x81, 203, 0, 2, 0, 0, 0, 1, 4, b'b', b'y', b'e'];
    assert_eq!(*packets(&short)[0].as_ref().unwrap_err(), RtcpError::Truncated);
}

#[test]
fn a_report_may_end_in_a_profile_extension() {
    let mut bytes = vec![0x81, 201, 0, 9, 0, 0, 0, 1];
    bytes.extend_from_slice(&[0, 0, 0, 2, 0x40, 0xff, 0xff, 0xff]);
    bytes.extend_from_slice(&[0; 24]);
    let Ok(RtcpPacket::ReceiverReport(report)) = &packets(&bytes)[0] else { panic!() };
    let blocks: Vec<_> = report.blocks().collect();
    assert_eq!(blocks.len(), 1);
    assert_eq!((blocks[0].fraction_lost, blocks[0].cumulative_lost), (0x40, -1));
}

#[test]
fn remb_bitrates_keep_18_bits() {
    let remb = |exponent: u8, mantissa: u32| {
        let [_, a, b, c] = mantissa.to_be_bytes();
        let mut bytes = vec![0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B'];
        bytes.extend_from_slice(&[1, exponent << 2 | a, b, c, 0, 0, 0, 9]);
        let Ok(RtcpPacket::Remb(remb)) = &packets(&bytes)[0] else { panic!() };
        assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [Ssrc(9)]);
        remb.bitrate
    };
    assert_eq!(remb(0, 0x3_ffff), 0x3_ffff);
    assert_eq!(remb(46, 0x3_ffff), 0x3_ffff << 46);
    assert_eq!(remb(47, 0x3_ffff), u64::MAX);
    assert_eq!(remb(63, 1), 1 << 63);
    assert_eq!(remb(63, 0), 0);
    let mut out = [0; 64];
    for bitrate in [0, 1, 0x3_ffff, 0x4_0000, 2_500_000, u64::MAX] {
        let mut writer = RtcpWriter::reduced_size(&mut out);
        writer.remb(Ssrc(1), bitrate, &[Ssrc(2)]).unwrap();
        let len = writer.finish();
        let Ok(RtcpPacket::Remb(remb)) = &packets(&out[..len])[0] else { panic!() };
        assert!(remb.bitrate <= bitrate && bitrate - remb.bitrate <= bitrate >> 17);
    }
    // Announces more streams than there are.
    let short = [0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0, 0, 0];
    assert_eq!(*packets(&short)[0].as_ref().unwrap_err(), RtcpError::Truncated);
}

#[test]
fn extended_reports_skip_other_blocks() {
    let mut bytes = vec![0x80, 207, 0, 10, 0, 0, 0, 1];
    bytes.extend_from_slice(&[4, 0, 0, 2, 0, 0, 0, 1, 0x80, 0, 0, 0]);
    bytes.extend_from_slice(&[7, 0, 0, 1, 9, 9, 9, 9]);
    bytes.extend_from_slice(&[5, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7]);
    let Ok(RtcpPacket::Xr(xr)) = &packets(&bytes)[0] else { panic!() };
    let blocks: Vec<_> = xr.blocks().collect();
    assert!(matches!(blocks[0], XrBlock::ReceiverReferenceTime(t) if t.0 == 0x1_8000_0000));
    assert!(matches!(blocks[1], XrBlock::Other(7)));
    let answers = blocks[2].dlrrs().map(|d| (d.ssrc.0, d.last_rr, d.delay_since_last_rr));
    assert_eq!(answers.collect::<Vec<_>>(), [(5, 6, 7)]);
    bytes[11] = 9;
    assert_eq!(*packets(&bytes)[0].as_ref().unwrap_err(), RtcpError::Truncated);
}

/// Reads everything that a packet holds.
fn exhaust(packet: &RtcpPacket<'_>) -> usize {
    match packet {
        RtcpPacket::SenderReport(report) => report.blocks().count(),
        RtcpPacket::ReceiverReport(report) => report.blocks().count(),
        RtcpPacket::Sdes(sdes) => sdes.cnames().count(),
        RtcpPacket::Bye(bye) => bye.ssrcs().count() + bye.reason().len(),
        RtcpPacket::Nack(nack) => nack.seqs().count(),
        RtcpPacket::Twcc(feedback) => {
            let count = feedback.arrivals().count();
            assert_eq!(count, usize::from(feedback.status_count));
            count
        }
        RtcpPacket::Fir(fir) => {
            fir.entries().map(|FirEntry { command, .. }| command as usize).sum()
        }
        RtcpPacket::Remb(remb) => remb.ssrcs().count(),
        RtcpPacket::Xr(xr) => xr.blocks().map(|block| block.dlrrs().count()).sum(),
        RtcpPacket::App(app) => match app.pipe_message() {
            Some(crate::wire::rtcp::PipeMessage::Demand(entries)) => entries.iter().count(),
            Some(crate::wire::rtcp::PipeMessage::State(entries)) => entries.iter().count(),
            Some(crate::wire::rtcp::PipeMessage::Sctp { packet, .. }) => packet.len(),
            None => app.data.len(),
        },
        RtcpPacket::Pli(_) | RtcpPacket::Other { .. } => 0,
    }
}

/// Well-framed packets with arbitrary content.
fn framed() -> impl Strategy<Value = Vec<u8>> {
    let types = (200_u8..=207, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..15));
    proptest::collection::vec(types, 1..5).prop_map(|packets| {
        let mut bytes = Vec::new();
        for (packet_type, count, content) in packets {
            let words = content.len() as u8;
            bytes.extend_from_slice(&[0x80 | count & 0x3f, packet_type, 0, words]);
            for byte in content {
                bytes.extend_from_slice(&[byte, byte & 0x0f, byte >> 4, byte & 3]);
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn reading_is_total(bytes in framed()) {
        let compound = Compound::parse(&bytes).unwrap();
        for packet in compound.packets().flatten() {
            exhaust(&packet);
        }
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(compound) = Compound::parse(&bytes) {
            compound.packets().flatten().for_each(|packet| {
                exhaust(&packet);
            });
        }
    }

    #[test]
    fn report_blocks_survive(
        ssrc: u32,
        fraction_lost: u8,
        cumulative_lost in -0x80_0000..=0x7f_ffff,
        words: [u32; 4],
    ) {
        let [highest_seq, jitter, last_sr, delay_since_last_sr] = words;
        let block = ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            cumulative_lost,
            highest_seq,
            jitter,
            last_sr,
            delay_since_last_sr,
        };
        let mut out = [0; 64];
        let mut writer = RtcpWriter::reduced_size(&mut out);
        writer.receiver_report(Ssrc(1), &[block]).unwrap();
        let len = writer.finish();
        let Ok(RtcpPacket::ReceiverReport(report)) = &packets(&out[..len])[0] else { panic!() };
        prop_assert_eq!(report.blocks().collect::<Vec<_>>(), [block]);
    }

    #[test]
    fn a_nack_survives(start: u16, gaps in proptest::collection::vec(1_u16..40, 1..200), space in 0_usize..300) {
        let seqs: Vec<_> = gaps
            .iter()
            .scan(start, |seq, gap| {
                *seq = seq.wrapping_add(*gap);
                Some(SeqNo(*seq))
            })
            .collect();
        let mut out = vec![0; space];
        let mut rest = &seqs[..];
        while !rest.is_empty() {
            let mut writer = RtcpWriter::reduced_size(&mut out);
            let Ok(written) = writer.nack(Ssrc(1), Ssrc(2), rest.iter().copied()) else {
                prop_assert!(space < 16);
                prop_assert!(writer.is_empty());
                return Ok(());
            };
            let len = writer.finish();
            let Ok(RtcpPacket::Nack(nack)) = &packets(&out[..len])[0] else { panic!() };
            prop_assert_eq!((nack.sender, nack.media), (Ssrc(1), Ssrc(2)));
            prop_assert_eq!(nack.seqs().collect::<Vec<_>>(), &rest[..written]);
            rest = &rest[written..];
        }
    }
}
