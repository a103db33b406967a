//! RTCP compounds.

use sfu_core::wire::SeqNo;
use sfu_core::wire::rtcp::{Compound, Nack, RtcpPacket, RtcpWriter, TransportFeedback};
use sfu_ice::Time;

/// Lists have the lengths that their packets announce, and what we write again
/// of a packet reads back the same.
pub fn rtcp(data: &[u8]) -> bool {
    let Ok(compound) = Compound::parse(data) else { return false };
    let mut sound = 0;
    for packet in compound.packets().flatten() {
        sound += 1;
        let mut out = vec![0; data.len() + 4_096];
        let len = rewrite(&packet, &mut out);
        if len == 0 {
            continue;
        }
        let again = Compound::parse(&out[..len]).expect("what we write is RTCP");
        let first = again.packets().next().expect("one packet").expect("a sound packet");
        assert_same(&packet, &first);
    }
    assert!(compound.packets().count() <= data.len() / 4);
    sound != 0
}

/// Writes the packet again; zero for what we never write.
fn rewrite(packet: &RtcpPacket<'_>, out: &mut [u8]) -> usize {
    let mut writer = RtcpWriter::reduced_size(out);
    match packet {
        RtcpPacket::SenderReport(report) => {
            let blocks: Vec<_> = report.blocks().collect();
            writer.sender_report(report.ssrc, &report.info, &blocks).expect("at most 31 blocks");
        }
        RtcpPacket::ReceiverReport(report) => {
            let blocks: Vec<_> = report.blocks().collect();
            writer.receiver_report(report.ssrc, &blocks).expect("at most 31 blocks");
        }
        RtcpPacket::Bye(bye) => {
            let ssrcs: Vec<_> = bye.ssrcs().collect();
            writer.bye(&ssrcs).expect("at most 31 sources");
        }
        RtcpPacket::Nack(nack) => {
            let seqs: Vec<_> = nack.seqs().collect();
            writer.nack(nack.sender, nack.media, seqs).expect("no more pairs than before");
        }
        RtcpPacket::Pli(pli) => writer.pli(*pli).expect("there is room"),
        RtcpPacket::Fir(fir) => {
            let entries: Vec<_> = fir.entries().collect();
            writer.fir(fir.sender, &entries).expect("there is room");
        }
        RtcpPacket::Remb(remb) => {
            let ssrcs: Vec<_> = remb.ssrcs().collect();
            writer.remb(remb.sender, remb.bitrate, &ssrcs).expect("at most 255 streams");
        }
        RtcpPacket::Twcc(feedback) => {
            let Some(times) = arrival_times(feedback) else { return 0 };
            writer
                .twcc(
                    feedback.sender,
                    feedback.media,
                    feedback.feedback_count,
                    feedback.base,
                    times,
                )
                .expect("there is room for a status");
        }
        RtcpPacket::Sdes(sdes) => assert!(sdes.cnames().all(|(_, name)| name.len() <= 255)),
        RtcpPacket::Xr(report) => {
            for block in report.blocks() {
                let _ = block.dlrrs().count();
            }
        }
        _ => {}
    }
    writer.finish()
}

fn assert_same(before: &RtcpPacket<'_>, after: &RtcpPacket<'_>) {
    match (before, after) {
        (RtcpPacket::SenderReport(a), RtcpPacket::SenderReport(b)) => {
            assert_eq!((a.ssrc, a.info), (b.ssrc, b.info));
            assert!(a.blocks().eq(b.blocks()));
        }
        (RtcpPacket::ReceiverReport(a), RtcpPacket::ReceiverReport(b)) => {
            assert_eq!(a.ssrc, b.ssrc);
            assert!(a.blocks().eq(b.blocks()));
        }
        (RtcpPacket::Bye(a), RtcpPacket::Bye(b)) => assert!(a.ssrcs().eq(b.ssrcs())),
        (RtcpPacket::Nack(a), RtcpPacket::Nack(b)) => {
            assert_eq!((a.sender, a.media, missing(a)), (b.sender, b.media, missing(b)));
        }
        (RtcpPacket::Pli(a), RtcpPacket::Pli(b)) => assert_eq!(a, b),
        (RtcpPacket::Fir(a), RtcpPacket::Fir(b)) => assert!(a.entries().eq(b.entries())),
        (RtcpPacket::Remb(a), RtcpPacket::Remb(b)) => {
            // A number that 64 bits cannot hold was cut to one that 18 cannot.
            assert!(b.bitrate <= a.bitrate && a.bitrate - b.bitrate <= a.bitrate >> 17);
            assert!(a.ssrcs().eq(b.ssrcs()));
        }
        (RtcpPacket::Twcc(a), RtcpPacket::Twcc(b)) => {
            assert_eq!((a.base, a.feedback_count), (b.base, b.feedback_count));
            assert_eq!(b.arrivals().count(), usize::from(b.status_count));
            assert!(b.status_count <= a.status_count);
            assert!(absolute(a).take(usize::from(b.status_count)).eq(absolute(b)));
        }
        _ => panic!("{before:?} was written as {after:?}"),
    }
}

/// Sequence numbers and arrivals in units of 250 µs after the reporter's origin.
fn absolute(feedback: &TransportFeedback<'_>) -> impl Iterator<Item = (u16, Option<i64>)> {
    let origin = i64::from(feedback.reference_time) * 256;
    feedback.arrivals().map(move |(seq, at)| (seq, at.map(|ticks| ticks + origin)))
}

fn missing(nack: &Nack<'_>) -> Vec<SeqNo> {
    let mut seqs: Vec<_> = nack.seqs().collect();
    seqs.sort_by_key(|seq| seq.0);
    seqs.dedup();
    seqs
}

/// The arrivals on a clock that starts where the reporter's did; `None` if some
/// lie before that.
fn arrival_times(feedback: &TransportFeedback<'_>) -> Option<Vec<Option<Time>>> {
    absolute(feedback)
        .map(|(_, at)| match at {
            Some(ticks) => Some(Some(Time::from_micros(u64::try_from(ticks).ok()? * 250))),
            None => Some(None),
        })
        .collect()
}
