//! Our RTCP parser and writer against an independent implementation, the `rtcp`
//! crate: compounds written by one are read by the other, and on arbitrary
//! content that both accept they agree.

use std::panic::catch_unwind;

use bytes::Bytes;
use proptest::prelude::*;
use rtcp::extended_report::{
    DLRRReport, DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock,
};
use rtcp::goodbye::Goodbye;
use rtcp::packet::Packet;
use rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, StatusVectorChunk,
    SymbolSizeTypeTcc, SymbolTypeTcc, TransportLayerCc,
};
use rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use sfu_core::wire::rtcp::{
    self as ours, Compound, Dlrr, NtpTime, Pli, ReportBlock, RtcpPacket, RtcpWriter, SenderInfo,
    XrBlock,
};
use sfu_core::wire::{RtpTime, SeqNo, Ssrc};
use sfu_ice::Time;

type Theirs = Box<dyn Packet + Send + Sync>;

fn marshal(packets: &[Theirs]) -> Bytes {
    rtcp::packet::marshal(packets).unwrap()
}

fn unmarshal(wire: &[u8]) -> Option<Vec<Theirs>> {
    catch_unwind(|| rtcp::packet::unmarshal(&mut &wire[..]).ok()).ok().flatten()
}

fn cast<T: 'static>(packet: &Theirs) -> &T {
    packet.as_any().downcast_ref().unwrap()
}

fn symbol(symbol: u8) -> SymbolTypeTcc {
    match symbol {
        0 => SymbolTypeTcc::PacketNotReceived,
        1 => SymbolTypeTcc::PacketReceivedSmallDelta,
        _ => SymbolTypeTcc::PacketReceivedLargeDelta,
    }
}

/// The announced statuses, in the order of the packet.
fn their_symbols(packet: &TransportLayerCc) -> Vec<SymbolTypeTcc> {
    let mut symbols = Vec::new();
    for chunk in &packet.packet_chunks {
        match chunk {
            PacketStatusChunk::RunLengthChunk(run) => {
                symbols.extend(vec![run.packet_status_symbol; run.run_length.into()]);
            }
            PacketStatusChunk::StatusVectorChunk(vector) => {
                symbols.extend_from_slice(&vector.symbol_list);
            }
        }
    }
    symbols.truncate(packet.packet_status_count.into());
    symbols
}

/// The delta in microseconds of each status that has one.
fn their_deltas(packet: &TransportLayerCc) -> Vec<Option<i64>> {
    let mut deltas = packet.recv_deltas.iter().map(|d| d.delta);
    their_symbols(packet)
        .into_iter()
        .map(|symbol| (symbol != SymbolTypeTcc::PacketNotReceived).then(|| deltas.next().unwrap()))
        .collect()
}

fn our_deltas(packet: &ours::TransportFeedback<'_>) -> Vec<Option<i64>> {
    let mut before = 0;
    packet
        .arrivals()
        .map(|(_, at)| {
            at.map(|at| {
                let delta = (at - before) * 250;
                before = at;
                delta
            })
        })
        .collect()
}

fn assert_same_block(ours: &ReportBlock, theirs: &ReceptionReport) {
    assert_eq!(ours.ssrc.0, theirs.ssrc);
    assert_eq!(ours.fraction_lost, theirs.fraction_lost);
    assert_eq!(ours.cumulative_lost.cast_unsigned() & 0xff_ffff, theirs.total_lost);
    assert_eq!(ours.highest_seq, theirs.last_sequence_number);
    assert_eq!(ours.jitter, theirs.jitter);
    assert_eq!(ours.last_sr, theirs.last_sender_report);
    assert_eq!(ours.delay_since_last_sr, theirs.delay);
}

fn assert_same_blocks(ours: impl Iterator<Item = ReportBlock>, theirs: &[ReceptionReport]) {
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).for_each(|(ours, theirs)| assert_same_block(ours, theirs));
}

fn assert_same(ours: &RtcpPacket<'_>, theirs: &Theirs) {
    match ours {
        RtcpPacket::SenderReport(ours) => {
            let theirs: &SenderReport = cast(theirs);
            assert_eq!(ours.ssrc.0, theirs.ssrc);
            assert_eq!(ours.info.ntp.0, theirs.ntp_time);
            assert_eq!(ours.info.rtp.0, theirs.rtp_time);
            assert_eq!(ours.info.packets, theirs.packet_count);
            assert_eq!(ours.info.octets, theirs.octet_count);
            assert_same_blocks(ours.blocks(), &theirs.reports);
        }
        RtcpPacket::ReceiverReport(ours) => {
            let theirs: &ReceiverReport = cast(theirs);
            assert_eq!(ours.ssrc.0, theirs.ssrc);
            assert_same_blocks(ours.blocks(), &theirs.reports);
        }
        RtcpPacket::Sdes(ours) => {
            let theirs: &SourceDescription = cast(theirs);
            let cnames = theirs.chunks.iter().filter_map(|chunk| {
                let cname = chunk.items.iter().rfind(|i| i.sdes_type == SdesType::SdesCname)?;
                Some((Ssrc(chunk.source), &cname.text[..]))
            });
            assert!(ours.cnames().eq(cnames));
        }
        RtcpPacket::Bye(ours) => {
            let theirs: &Goodbye = cast(theirs);
            assert_eq!(ours.ssrcs().map(|s| s.0).collect::<Vec<_>>(), theirs.sources);
            assert_eq!(ours.reason(), &theirs.reason[..]);
        }
        RtcpPacket::Nack(ours) => {
            let theirs: &TransportLayerNack = cast(theirs);
            assert_eq!((ours.sender.0, ours.media.0), (theirs.sender_ssrc, theirs.media_ssrc));
            let seqs = theirs.nacks.iter().flat_map(NackPair::packet_list);
            assert!(ours.seqs().map(|s| s.0).eq(seqs));
        }
        RtcpPacket::Twcc(ours) => {
            let theirs: &TransportLayerCc = cast(theirs);
            assert_eq!((ours.sender.0, ours.media.0), (theirs.sender_ssrc, theirs.media_ssrc));
            assert_eq!(ours.base, theirs.base_sequence_number);
            assert_eq!(ours.status_count, theirs.packet_status_count);
            assert_eq!(ours.feedback_count, theirs.fb_pkt_count);
            assert_eq!(ours.reference_time.cast_unsigned() & 0xff_ffff, theirs.reference_time);
            assert_eq!(our_deltas(ours), their_deltas(theirs));
        }
        RtcpPacket::Pli(ours) => {
            let theirs: &PictureLossIndication = cast(theirs);
            assert_eq!((ours.sender.0, ours.media.0), (theirs.sender_ssrc, theirs.media_ssrc));
        }
        RtcpPacket::Fir(ours) => {
            let theirs: &FullIntraRequest = cast(theirs);
            assert_eq!(ours.sender.0, theirs.sender_ssrc);
            let entries = theirs.fir.iter().map(|e| (e.ssrc, e.sequence_number));
            assert!(ours.entries().map(|e| (e.ssrc.0, e.command)).eq(entries));
        }
        RtcpPacket::Remb(ours) => {
            let theirs: &ReceiverEstimatedMaximumBitrate = cast(theirs);
            assert_eq!(ours.sender.0, theirs.sender_ssrc);
            assert_eq!(ours.ssrcs().map(|s| s.0).collect::<Vec<_>>(), theirs.ssrcs);
            assert_eq!(ours.bitrate as f32, theirs.bitrate);
        }
        RtcpPacket::Xr(ours) => {
            let theirs: &ExtendedReport = cast(theirs);
            assert_eq!(ours.sender.0, theirs.sender_ssrc);
            for (ours, theirs) in ours.blocks().zip(&theirs.reports) {
                match ours {
                    XrBlock::ReceiverReferenceTime(ntp) => {
                        let theirs: &ReceiverReferenceTimeReportBlock = cast(theirs);
                        assert_eq!(ntp.0, theirs.ntp_timestamp);
                    }
                    XrBlock::Dlrr(_) => {
                        let theirs: &DLRRReportBlock = cast(theirs);
                        let reports = theirs.reports.iter().map(|r| (r.ssrc, r.last_rr, r.dlrr));
                        let answers =
                            ours.dlrrs().map(|d| (d.ssrc.0, d.last_rr, d.delay_since_last_rr));
                        assert!(answers.eq(reports));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

fn assert_all_same(wire: &[u8], theirs: &[Theirs]) {
    let ours: Vec<_> = Compound::parse(wire).unwrap().packets().map(Result::unwrap).collect();
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).for_each(|(ours, theirs)| assert_same(ours, theirs));
}

prop_compose! {
    fn reception()(words in any::<[u32; 5]>(), fraction_lost: u8, total_lost in 0_u32..1 << 24)
        -> ReceptionReport
    {
        ReceptionReport {
            ssrc: words[0],
            fraction_lost,
            total_lost,
            last_sequence_number: words[1],
            jitter: words[2],
            last_sender_report: words[3],
            delay: words[4],
        }
    }
}

prop_compose! {
    /// Chunks of every form, with deltas for each received status.
    fn transport_cc()(
        (sender_ssrc, media_ssrc, base_sequence_number, fb_pkt_count)
            in any::<(u32, u32, u16, u8)>(),
        reference_time in 0_u32..1 << 24,
        forms in proptest::collection::vec((0_u8..3, 1_u16..600, any::<[u8; 14]>()), 1..6),
        values in proptest::collection::vec(any::<i16>(), 3_600),
    ) -> TransportLayerCc {
        let (mut packet_chunks, mut symbols) = (Vec::new(), Vec::new());
        for (form, run_length, kinds) in forms {
            if form == 0 {
                let kind = symbol(kinds[0] % 3);
                symbols.extend(vec![kind; run_length.into()]);
                packet_chunks.push(PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                    type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                    packet_status_symbol: kind,
                    run_length,
                }));
                continue;
            }
            let (symbol_size, kinds, count) = match form {
                1 => (SymbolSizeTypeTcc::OneBit, &kinds[..], 2),
                _ => (SymbolSizeTypeTcc::TwoBit, &kinds[..7], 3),
            };
            let symbol_list: Vec<_> = kinds.iter().map(|kind| symbol(kind % count)).collect();
            symbols.extend_from_slice(&symbol_list);
            packet_chunks.push(PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
                type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
                symbol_size,
                symbol_list,
            }));
        }
        let received = symbols.iter().filter(|s| **s != SymbolTypeTcc::PacketNotReceived);
        let recv_deltas = received
            .zip(&values)
            .map(|(kind, value)| {
                let small = *kind == SymbolTypeTcc::PacketReceivedSmallDelta;
                let ticks = if small { i64::from(*value) & 0xff } else { i64::from(*value) };
                RecvDelta { type_tcc_packet: *kind, delta: ticks * 250 }
            })
            .collect();
        TransportLayerCc {
            sender_ssrc,
            media_ssrc,
            base_sequence_number,
            packet_status_count: symbols.len() as u16,
            reference_time,
            fb_pkt_count,
            packet_chunks,
            recv_deltas,
        }
    }
}

fn their_packet() -> impl Strategy<Value = Theirs> {
    let receptions = || proptest::collection::vec(reception(), 0..5);
    let ssrcs = || proptest::collection::vec(any::<u32>(), 0..6);
    let two = any::<(u32, u32)>;
    prop_oneof![
        (any::<(u32, u64, u32, u32, u32)>(), receptions()).prop_map(|(w, reports)| {
            Box::new(SenderReport {
                ssrc: w.0,
                ntp_time: w.1,
                rtp_time: w.2,
                packet_count: w.3,
                octet_count: w.4,
                reports,
                profile_extensions: Bytes::new(),
            }) as Theirs
        }),
        (any::<u32>(), receptions()).prop_map(|(ssrc, reports)| Box::new(ReceiverReport {
            ssrc,
            reports,
            profile_extensions: Bytes::new()
        }) as Theirs),
        proptest::collection::vec((any::<u32>(), "[a-z]{0,20}", "[A-Z]{0,9}"), 1..4).prop_map(
            |sources| {
                let item = |sdes_type, text: String| SourceDescriptionItem {
                    sdes_type,
                    text: text.into(),
                };
                let chunks = sources.into_iter().map(|(source, cname, tool)| {
                    let items =
                        vec![item(SdesType::SdesTool, tool), item(SdesType::SdesCname, cname)];
                    SourceDescriptionChunk { source, items }
                });
                Box::new(SourceDescription { chunks: chunks.collect() }) as Theirs
            }
        ),
        (ssrcs(), "[a-z]{0,30}").prop_map(|(sources, reason)| {
            Box::new(Goodbye { sources, reason: reason.into() }) as Theirs
        }),
        (two(), proptest::collection::vec(any::<(u16, u16)>(), 1..20)).prop_map(|(w, pairs)| {
            let nacks = pairs
                .into_iter()
                .map(|(packet_id, lost_packets)| NackPair { packet_id, lost_packets });
            Box::new(TransportLayerNack {
                sender_ssrc: w.0,
                media_ssrc: w.1,
                nacks: nacks.collect(),
            }) as Theirs
        }),
        two().prop_map(|(sender_ssrc, media_ssrc)| {
            Box::new(PictureLossIndication { sender_ssrc, media_ssrc }) as Theirs
        }),
        (two(), proptest::collection::vec(any::<(u32, u8)>(), 1..8)).prop_map(|(w, entries)| {
            let fir = entries
                .into_iter()
                .map(|(ssrc, sequence_number)| FirEntry { ssrc, sequence_number });
            Box::new(FullIntraRequest { sender_ssrc: w.0, media_ssrc: w.1, fir: fir.collect() })
                as Theirs
        }),
        (any::<u32>(), 0_u32..1 << 18, 0_u32..20, ssrcs()).prop_map(
            |(sender_ssrc, m, e, ssrcs)| {
                let bitrate = (u64::from(m) << e) as f32;
                Box::new(ReceiverEstimatedMaximumBitrate { sender_ssrc, bitrate, ssrcs }) as Theirs
            }
        ),
        (any::<(u32, u64)>(), proptest::collection::vec(any::<(u32, u32, u32)>(), 1..4)).prop_map(
            |((sender_ssrc, ntp_timestamp), answers)| {
                let reports = answers.into_iter().map(|(ssrc, last_rr, dlrr)| DLRRReport {
                    ssrc,
                    last_rr,
                    dlrr,
                });
                let reports: Vec<Theirs> = vec![
                    Box::new(ReceiverReferenceTimeReportBlock { ntp_timestamp }),
                    Box::new(DLRRReportBlock { reports: reports.collect() }),
                ];
                Box::new(ExtendedReport { sender_ssrc, reports }) as Theirs
            }
        ),
        transport_cc().prop_map(|packet| Box::new(packet) as Theirs),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn we_read_what_they_write(packets in proptest::collection::vec(their_packet(), 1..6)) {
        let wire = marshal(&packets);
        assert_all_same(&wire, &packets);
    }

    #[test]
    fn they_read_what_we_write(
        words in any::<(u32, u32, u64, u32, u32, u32)>(),
        blocks in proptest::collection::vec(any::<([u32; 5], u8, i16)>(), 0..31),
        cname in "[a-zA-Z0-9]{1,40}",
        seqs in proptest::collection::btree_set(any::<u16>(), 1..60),
        firs in proptest::collection::vec(any::<(u32, u8)>(), 1..5),
        ssrcs in proptest::collection::vec(any::<u32>().prop_map(Ssrc), 1..10),
        bitrate in 0_u64..1 << 40,
        reduced_size: bool,
    ) {
        let (sender, media) = (Ssrc(words.0), Ssrc(words.1));
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|(w, fraction_lost, lost)| ReportBlock {
                ssrc: Ssrc(w[0]),
                fraction_lost,
                cumulative_lost: lost.into(),
                highest_seq: w[1],
                jitter: w[2],
                last_sr: w[3],
                delay_since_last_sr: w[4],
            })
            .collect();
        let ntp = NtpTime(words.2);
        let info = SenderInfo { ntp, rtp: RtpTime(words.3), packets: words.4, octets: words.5 };
        let firs: Vec<_> = firs
            .into_iter()
            .map(|(ssrc, command)| ours::FirEntry { ssrc: Ssrc(ssrc), command })
            .collect();
        let mut out = [0; 4_000];
        let mut writer = if reduced_size {
            RtcpWriter::reduced_size(&mut out)
        } else {
            RtcpWriter::compound(&mut out, sender, &cname)
        };
        writer.sender_report(sender, &info, &blocks).unwrap();
        writer.receiver_report(sender, &blocks).unwrap();
        writer.cname(media, &cname).unwrap();
        let nacked = writer.nack(sender, media, seqs.iter().map(|s| SeqNo(*s))).unwrap();
        prop_assert_eq!(nacked, seqs.len());
        writer.pli(Pli { sender, media }).unwrap();
        writer.fir(sender, &firs).unwrap();
        writer.remb(sender, bitrate, &ssrcs).unwrap();
        writer.rrtr(sender, ntp).unwrap();
        let answer = Dlrr { ssrc: media, last_rr: words.3, delay_since_last_rr: words.4 };
        writer.dlrr(sender, &[answer; 3]).unwrap();
        writer.bye(&ssrcs).unwrap();
        let len = writer.finish();
        let theirs = rtcp::packet::unmarshal(&mut &out[..len]).unwrap();
        prop_assert_eq!(theirs.len(), if reduced_size { 10 } else { 11 });
        assert_all_same(&out[..len], &theirs);
    }

    #[test]
    fn they_read_our_transport_feedback(
        base: u16,
        count: u8,
        steps in proptest::collection::vec(proptest::option::weighted(0.8, -20_000_i64..90_000), 1..400),
    ) {
        let mut micros = 5_000_000_000_i64;
        let arrivals: Vec<_> = steps
            .iter()
            .map(|step| step.map(|step| {
                micros += step;
                Time::from_micros(micros as u64)
            }))
            .collect();
        prop_assume!(arrivals.iter().any(Option::is_some));
        let mut out = [0; 2_000];
        let mut writer = RtcpWriter::reduced_size(&mut out);
        let written = writer.twcc(Ssrc(1), Ssrc(2), count, base, arrivals.iter().copied()).unwrap();
        prop_assert_eq!(usize::from(written), arrivals.len());
        let len = writer.finish();
        let theirs = rtcp::packet::unmarshal(&mut &out[..len]).unwrap();
        assert_all_same(&out[..len], &theirs);
        let theirs: &TransportLayerCc = cast(&theirs[0]);
        let mut ticks = i64::from(theirs.reference_time) * 256;
        for (arrival, delta) in arrivals.iter().zip(their_deltas(theirs)) {
            ticks += delta.unwrap_or(0) / 250;
            prop_assert_eq!(arrival.map(|at| (at.as_micros() / 250) as i64), delta.map(|_| ticks));
        }
    }

    #[test]
    fn on_arbitrary_transport_feedback_both_agree(
        count in 0_u16..40,
        head in any::<[u8; 14]>(),
        chunks in proptest::collection::vec(any::<[u8; 2]>(), 1..6),
        run in 0_u8..20,
        content in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut wire = vec![0x8f, 205, 0, 0];
        wire.extend_from_slice(&head[..10]);
        wire.extend_from_slice(&count.to_be_bytes());
        wire.extend_from_slice(&head[10..]);
        for [high, low] in chunks {
            // Runs of thousands would leave no room for anything else.
            let long = high & 0x80 == 0;
            wire.extend_from_slice(&if long { [high & 0x60, run] } else { [high, low] });
        }
        wire.extend_from_slice(&content);
        wire.resize(wire.len().next_multiple_of(4), 0);
        wire[3] = (wire.len() / 4 - 1) as u8;
        let ours = Compound::parse(&wire).unwrap().packets().next().unwrap();
        let Some(theirs) = unmarshal(&wire) else { return Ok(()) };
        match ours {
            Ok(ours) => assert_same(&ours, &theirs[0]),
            // We refuse feedback about nothing, reserved statuses, and deltas that
            // end outside the packet.
            Err(error) => {
                let theirs: &TransportLayerCc = cast(&theirs[0]);
                let symbols = their_symbols(theirs);
                let deltas: usize = symbols.iter().map(|symbol| match symbol {
                    SymbolTypeTcc::PacketReceivedSmallDelta => 1,
                    SymbolTypeTcc::PacketReceivedLargeDelta => 2,
                    _ => 0,
                }).sum();
                let end = 20 + 2 * theirs.packet_chunks.len() + deltas;
                let reserved = symbols.contains(&SymbolTypeTcc::PacketReceivedWithoutDelta);
                match error {
                    ours::RtcpError::Truncated => prop_assert!(end > wire.len()),
                    _ => prop_assert!(count == 0 || reserved),
                }
            }
        }
    }

    #[test]
    fn on_arbitrary_content_both_agree(
        kind in proptest::sample::select(vec![
            (200, 0..3_u8), (201, 0..4), (203, 0..5), (205, 1..2), (206, 1..2), (206, 4..5),
        ]),
        count in any::<proptest::sample::Index>(),
        content in proptest::collection::vec(any::<[u8; 4]>(), 0..40),
    ) {
        let (packet_type, counts) = kind;
        let count = counts.start + count.index(counts.len()) as u8;
        let mut wire = vec![0x80 | count, packet_type, 0, content.len() as u8];
        wire.extend(content.into_iter().flatten());
        let ours = Compound::parse(&wire).unwrap().packets().next().unwrap();
        let theirs = unmarshal(&wire);
        if let (Ok(ours), Some(theirs)) = (&ours, &theirs) {
            assert_same(ours, &theirs[0]);
        }
        // We refuse feedback about nothing.
        if let (Err(error), Some(theirs)) = (&ours, &theirs) {
            let empty = content_is_empty(&theirs[0]);
            prop_assert!(empty, "{error:?}: {theirs:?}");
        }
    }
}

fn content_is_empty(packet: &Theirs) -> bool {
    let packet = packet.as_any();
    packet.downcast_ref::<TransportLayerNack>().is_some_and(|nack| nack.nacks.is_empty())
        || packet.downcast_ref::<FullIntraRequest>().is_some_and(|fir| fir.fir.is_empty())
}
