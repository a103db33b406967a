use proptest::prelude::*;

use super::*;
use crate::wire::RtpTime;
use crate::wire::rtcp::{Compound, RtcpPacket, XrBlock};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(9),
    fraction_lost: 1,
    cumulative_lost: 2,
    highest_seq: 3,
    jitter: 4,
    last_sr: 5,
    delay_since_last_sr: 6,
};

const INFO: SenderInfo =
    SenderInfo { ntp: NtpTime(0x0102_0304_0506_0708), rtp: RtpTime(9), packets: 10, octets: 11 };

fn kinds(bytes: &[u8]) -> String {
    let packets = Compound::parse(bytes).unwrap().packets();
    packets
        .map(|packet| match packet.unwrap() {
            RtcpPacket::App(_) => "app",
            RtcpPacket::SenderReport(_) => "sr ",
            RtcpPacket::ReceiverReport(_) => "rr ",
            RtcpPacket::Sdes(_) => "sdes ",
            RtcpPacket::Bye(_) => "bye ",
            RtcpPacket::Nack(_) => "nack ",
            RtcpPacket::Twcc(_) => "twcc ",
            RtcpPacket::Pli(_) => "pli ",
            RtcpPacket::Fir(_) => "fir ",
            RtcpPacket::Remb(_) => "remb ",
            RtcpPacket::Xr(_) => "xr ",
            RtcpPacket::Other { .. } => "other ",
        })
        .collect()
}

/// One packet of every kind.
fn write_all(writer: &mut RtcpWriter<'_>) -> Result<(), RtcpWriteError> {
    let (a, b) = (Ssrc(1), Ssrc(2));
    writer.pli(Pli { sender: a, media: b })?;
    writer.sender_report(a, &INFO, &[BLOCK])?;
    writer.receiver_report(a, &[BLOCK, BLOCK])?;
    writer.cname(b, "other")?;
    writer.nack(a, b, [SeqNo(1), SeqNo(2)])?;
    writer.twcc(a, b, 3, 4, [Some(Time::from_millis(1)), None])?;
    writer.fir(a, &[FirEntry { ssrc: b, command: 7 }])?;
    writer.remb(a, 1_000_000, &[b])?;
    writer.rrtr(a, NtpTime(1))?;
    writer.dlrr(a, &[Dlrr { ssrc: b, last_rr: 1, delay_since_last_rr: 2 }])?;
    writer.bye(&[a, b])
}

#[test]
fn a_compound_starts_with_a_report_and_a_name() {
    let mut out = [0; 1_200];
    let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "name");
    write_all(&mut writer).unwrap();
    let len = writer.finish();
    let expected = "rr sdes pli sr rr sdes nack twcc fir remb xr xr bye ";
    assert_eq!(kinds(&out[..len]), expected);

    let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "name");
    writer.sender_report(Ssrc(1), &INFO, &[]).unwrap();
    writer.pli(Pli { sender: Ssrc(1), media: Ssrc(2) }).unwrap();
    let len = writer.finish();
    assert_eq!(kinds(&out[..len]), "sr sdes pli ");
    let mut packets = Compound::parse(&out[..len]).unwrap().packets();
    let Some(Ok(RtcpPacket::SenderReport(report))) = packets.next() else { panic!() };
    assert_eq!((report.ssrc, report.info, report.blocks().count()), (Ssrc(1), INFO, 0));
    let Some(Ok(RtcpPacket::Sdes(sdes))) = packets.next() else { panic!() };
    assert_eq!(sdes.cnames().collect::<Vec<_>>(), [(Ssrc(1), &b"name"[..])]);
}

#[test]
fn reduced_size_adds_nothing() {
    let mut out = [0; 1_200];
    let mut writer = RtcpWriter::reduced_size(&mut out);
    write_all(&mut writer).unwrap();
    let len = writer.finish();
    assert_eq!(kinds(&out[..len]), "pli sr rr sdes nack twcc fir remb xr xr bye ");
    let packets: Vec<_> = Compound::parse(&out[..len]).unwrap().packets().flatten().collect();
    let RtcpPacket::Fir(fir) = &packets[6] else { panic!() };
    assert_eq!(fir.entries().collect::<Vec<_>>(), [FirEntry { ssrc: Ssrc(2), command: 7 }]);
    let (RtcpPacket::Xr(rrtr), RtcpPacket::Xr(dlrr)) = (&packets[8], &packets[9]) else { panic!() };
    let Some(XrBlock::ReceiverReferenceTime(NtpTime(1))) = rrtr.blocks().next() else { panic!() };
    assert_eq!(dlrr.blocks().flat_map(|b| b.dlrrs()).next().unwrap().delay_since_last_rr, 2);
    let RtcpPacket::Bye(bye) = &packets[10] else { panic!() };
    assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
}

#[test]
fn nothing_to_say_writes_nothing() {
    let mut out = [0; 100];
    let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "name");
    assert_eq!(writer.nack(Ssrc(1), Ssrc(2), []), Ok(0));
    assert_eq!(writer.twcc(Ssrc(1), Ssrc(2), 0, 0, []), Ok(0));
    assert_eq!(writer.fir(Ssrc(1), &[]), Ok(()));
    assert_eq!(writer.dlrr(Ssrc(1), &[]), Ok(()));
    assert!(writer.is_empty());
    assert_eq!(writer.finish(), 0);
}

#[test]
fn limits_are_refused() {
    let mut out = [0; 4_000];
    let long = "x".repeat(256);
    let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), &long);
    assert_eq!(writer.receiver_report(Ssrc(1), &[]), Err(RtcpWriteError::Cname));
    assert!(writer.is_empty());
    let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), &long[1..]);
    assert_eq!(writer.receiver_report(Ssrc(1), &[BLOCK; 32]), Err(RtcpWriteError::TooMany));
    assert_eq!(writer.bye(&[Ssrc(1); 32]), Err(RtcpWriteError::TooMany));
    assert_eq!(writer.remb(Ssrc(1), 1, &[Ssrc(1); 256]), Err(RtcpWriteError::TooMany));
    assert_eq!(writer.receiver_report(Ssrc(1), &[BLOCK; 31]), Ok(()));
    let len = writer.finish();
    assert_eq!(kinds(&out[..len]), "rr sdes ");
}

proptest! {
    #[test]
    fn what_does_not_fit_leaves_no_trace(space in 0_usize..400, compound: bool, cname in "[a-z]{0,9}") {
        let mut out = vec![0xaa; space + 8];
        let mut writer = if compound {
            RtcpWriter::compound(&mut out[..space], Ssrc(1), &cname)
        } else {
            RtcpWriter::reduced_size(&mut out[..space])
        };
        let fits = write_all(&mut writer);
        prop_assert!(fits.is_ok() || fits == Err(RtcpWriteError::NoSpace));
        let len = writer.finish();
        prop_assert!(len <= space);
        prop_assert!(out[space..].iter().all(|&b| b == 0xaa));
        if len > 0 {
            let kinds = kinds(&out[..len]);
            prop_assert!(!compound || kinds.starts_with("rr sdes "));
        }
    }
}
