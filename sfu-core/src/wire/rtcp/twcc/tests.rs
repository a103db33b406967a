use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::rtcp::{Compound, RtcpPacket, RtcpWriter};

fn read(bytes: &[u8]) -> Result<TransportFeedback<'_>, RtcpError> {
    match Compound::parse(bytes)?.packets().next() {
        Some(Ok(RtcpPacket::Twcc(feedback))) => Ok(feedback),
        Some(Err(error)) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// Deltas in microseconds of the packets that arrived.
fn deltas(feedback: &TransportFeedback<'_>) -> Vec<i64> {
    let ticks: Vec<_> = feedback.arrivals().filter_map(|(_, arrival)| arrival).collect();
    let before = std::iter::once(0).chain(ticks.iter().copied());
    ticks.iter().zip(before).map(|(now, before)| (now - before) * 250).collect()
}

/// Packets of browsers, as they are published with the parsers of this format.
const ONE: [u8; 24] = [
    0xaf, 0xcd, 0x00, 0x05, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0x00, 0x99, 0x00, 0x01,
    0x3d, 0xe8, 0x02, 0x17, 0x20, 0x01, 0x94, 0x01,
];
const SEVEN_SMALL: [u8; 32] = [
    0xaf, 0xcd, 0x00, 0x07, 0xfa, 0x17, 0xfa, 0x17, 0x19, 0x3d, 0xd8, 0xbb, 0x00, 0x04, 0x00, 0x07,
    0x10, 0x63, 0x6e, 0x01, 0x20, 0x07, 0x4c, 0x24, 0x24, 0x10, 0x0c, 0x0c, 0x10, 0x00, 0x00, 0x03,
];
const ONE_BIT: [u8; 28] = [
    0xaf, 0xcd, 0x00, 0x06, 0xfa, 0x17, 0xfa, 0x17, 0x19, 0x3d, 0xd8, 0xbb, 0x00, 0x01, 0x00, 0x0e,
    0x10, 0x63, 0x6d, 0x00, 0xba, 0x00, 0x10, 0x0c, 0x0c, 0x10, 0x00, 0x02,
];
const TWO_RUNS: [u8; 32] = [
    0xaf, 0xcd, 0x00, 0x07, 0xfa, 0x17, 0xfa, 0x17, 0x19, 0x3d, 0xd8, 0xbb, 0x01, 0x74, 0x00, 0x06,
    0x45, 0xb1, 0x5a, 0x40, 0x40, 0x02, 0x20, 0x04, 0x1f, 0xfe, 0x1f, 0x9a, 0xd0, 0x00, 0xd0, 0x00,
];
const TWO_BIT: [u8; 32] = [
    0xaf, 0xcd, 0x00, 0x07, 0x9b, 0x74, 0xf6, 0x1f, 0x93, 0x71, 0xdc, 0xbc, 0x85, 0x3c, 0x00, 0x09,
    0x63, 0xf9, 0x16, 0xb3, 0xd5, 0x52, 0x00, 0x30, 0x9b, 0xaa, 0x6a, 0xaa, 0x7b, 0x01, 0x09, 0x01,
];

#[test]
fn published_packets_read_as_published() {
    let one = read(&ONE).unwrap();
    assert_eq!((one.sender, one.media), (Ssrc(4_195_875_351), Ssrc(1_124_282_272)));
    assert_eq!((one.base, one.status_count), (153, 1));
    assert_eq!((one.reference_time, one.feedback_count), (4_057_090, 23));
    assert_eq!(deltas(&one), [37_000]);

    let seven = read(&SEVEN_SMALL).unwrap();
    assert_eq!((seven.base, seven.reference_time, seven.feedback_count), (4, 1_074_030, 1));
    assert_eq!(deltas(&seven), [19_000, 9_000, 9_000, 4_000, 3_000, 3_000, 4_000]);

    let one_bit = read(&ONE_BIT).unwrap();
    assert_eq!((one_bit.base, one_bit.status_count), (1, 14));
    assert_eq!(deltas(&one_bit), [4_000, 3_000, 3_000, 4_000]);
    let received: Vec<_> =
        one_bit.arrivals().filter(|(_, at)| at.is_some()).map(|(seq, _)| seq).collect();
    assert_eq!(received, [1, 2, 3, 5]);

    let two_bit = read(&TWO_BIT).unwrap();
    assert_eq!((two_bit.base, two_bit.status_count, two_bit.feedback_count), (34_108, 9, 179));
    assert_eq!(deltas(&two_bit), [38_750, 42_500, 26_500, 42_500, 30_750, 66_250]);
    let seqs: Vec<_> = two_bit.arrivals().collect();
    assert_eq!(seqs.len(), 9);
    assert_eq!((seqs[5], seqs[6].1.is_some()), ((34_113, None), true));
    assert_eq!(seqs[8], (34_116, None));
}

#[test]
fn padding_is_not_what_ends_the_deltas() {
    // The P bit is set, and the last byte belongs to a delta.
    let two_runs = read(&TWO_RUNS).unwrap();
    assert_eq!(deltas(&two_runs), [2_047_500, 2_022_500, 52_000, 0, 52_000, 0]);
    let mut too_much = ONE_BIT;
    too_much[27] = 3;
    assert_eq!(deltas(&read(&too_much).unwrap()), [4_000, 3_000, 3_000, 4_000]);
}

#[test]
fn missing_deltas_and_chunks_are_truncated() {
    let mut three = ONE;
    (three[15], three[21]) = (3, 3);
    assert_eq!(read(&three).unwrap_err(), RtcpError::Truncated);
    let mut large = ONE;
    (large[15], large[20], large[21]) = (2, 0x40, 2);
    assert_eq!(read(&large).unwrap_err(), RtcpError::Truncated);
    let mut run_too_short = ONE;
    run_too_short[15] = 200;
    assert_eq!(read(&run_too_short).unwrap_err(), RtcpError::Truncated);
}

#[test]
fn reserved_and_empty_are_malformed() {
    let mut reserved = ONE;
    reserved[20] = 0x60;
    assert_eq!(read(&reserved).unwrap_err(), RtcpError::Malformed);
    let mut empty = ONE;
    empty[15] = 0;
    assert_eq!(read(&empty).unwrap_err(), RtcpError::Malformed);
}

#[test]
fn the_reference_time_is_signed() {
    let mut negative = ONE;
    negative[16..19].copy_from_slice(&[0xff, 0xff, 0xfe]);
    assert_eq!(read(&negative).unwrap().reference_time, -2);
}

/// A packet with this base and these arrivals, as raw deltas in ticks after the
/// reference time.
fn write(base: u16, reference: u64, deltas: &[Option<i64>], out: &mut [u8]) -> usize {
    let mut ticks = (reference * 256) as i64;
    let arrivals: Vec<_> = deltas
        .iter()
        .map(|delta| {
            delta.map(|delta| {
                ticks += delta;
                Time::from_micros(ticks as u64 * 250)
            })
        })
        .collect();
    let mut writer = RtcpWriter::reduced_size(out);
    let statuses =
        writer.twcc(Ssrc(0xfa17_fa17), Ssrc(0x4303_2fa0), 0, base, arrivals.iter().copied());
    assert_eq!(usize::from(statuses.unwrap()), deltas.len());
    writer.finish()
}

#[test]
fn published_packets_are_written_as_published() {
    let mut out = [0; 100];
    let some = |deltas: &[i64]| deltas.iter().map(|d| Some(d / 250)).collect::<Vec<_>>();

    let len =
        write(4, 1_074_030, &some(&[19_000, 9_000, 9_000, 4_000, 3_000, 3_000, 4_000]), &mut out);
    assert_eq!(len, SEVEN_SMALL.len());
    assert_eq!(out[12..19], SEVEN_SMALL[12..19]);
    assert_eq!(out[20..29], SEVEN_SMALL[20..29]);

    let mut deltas = some(&[48_250, 15_750, 14_750, 15_750, 20_750, 36_000, 14_750]);
    deltas.insert(5, None);
    deltas.extend([None; 4]);
    let len = write(39_956, 7_701_536, &deltas, &mut out);
    let published = [
        0x8f, 0xcd, 0x00, 0x07, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0x9c, 0x14, 0x00,
        0x0c, 0x75, 0x84, 0x20, 0x00, 0xbe, 0xc0, 0xc1, 0x3f, 0x3b, 0x3f, 0x53, 0x90, 0x3b, 0, 0,
        0,
    ];
    assert_eq!(out[..len], published);
}

/// The chunks of the packet that holds these symbols: 0, 1 or 2.
fn chunks(symbols: &[u8]) -> Vec<u16> {
    let deltas: Vec<_> =
        symbols.iter().map(|s| [None, Some(1), Some(300)][usize::from(*s)]).collect();
    // A first packet makes the reference; its delta is small.
    let mut out = vec![0; 70_000];
    let len = write(0, 5, &deltas, &mut out);
    let feedback = read(&out[..len]).unwrap();
    let chunks = feedback.chunks.as_chunks::<2>().0.iter();
    chunks.map(|c| u16::from_be_bytes(*c)).collect()
}

#[test]
fn each_chunk_takes_the_form_that_holds_most() {
    assert_eq!(chunks(&[1]), [0x2001]);
    assert_eq!(chunks(&[1; 8_191]), [0x3fff]);
    assert_eq!(chunks(&[1; 8_192]), [0x3fff, 0x2001]);
    assert_eq!(chunks(&[0; 5]), [0x0005]);
    assert_eq!(chunks(&[0, 1]), [0xc400]);
    assert_eq!(chunks(&[0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0]), [0x9f1c]);
    assert_eq!(chunks(&[1, 2, 0, 0, 0, 0, 0]), [0xd800]);
    // Eight small, then a large: two bits for seven of them.
    assert_eq!(chunks(&[1, 0, 1, 0, 1, 0, 1, 0, 2]), [0xd111, 0xc800]);
    // A long run, then something else.
    let mut symbols = vec![1; 20];
    symbols.push(2);
    assert_eq!(chunks(&symbols), [0x2014, 0x4001]);
}

#[test]
fn a_delta_beyond_16_bits_starts_another_packet() {
    let start = Time::from_secs(10);
    let far = start + Duration::from_millis(8_192);
    let mut out = [0; 200];
    for second in [far, Time::from_millis(1_800)] {
        let arrivals = [Some(start), None, Some(second)];
        let mut writer = RtcpWriter::reduced_size(&mut out);
        assert_eq!(writer.twcc(Ssrc(1), Ssrc(2), 0, 0, arrivals), Ok(2));
        assert_eq!(writer.twcc(Ssrc(1), Ssrc(2), 1, 2, arrivals[2..].iter().copied()), Ok(1));
    }
    let near = start + Duration::from_micros(32_767 * 250);
    let mut writer = RtcpWriter::reduced_size(&mut out);
    assert_eq!(writer.twcc(Ssrc(1), Ssrc(2), 0, 0, [Some(start), Some(near)]), Ok(2));
}

#[test]
fn the_reference_time_wraps() {
    // 2^24 × 64 ms are about 12 days.
    let mut out = [0; 60];
    let time = Time::from_nanos((64_000_000 << 24) + 64_000_000 * 7 + 250_000);
    let mut writer = RtcpWriter::reduced_size(&mut out);
    writer.twcc(Ssrc(1), Ssrc(2), 0, 0, [Some(time)]).unwrap();
    let len = writer.finish();
    let feedback = read(&out[..len]).unwrap();
    assert_eq!((feedback.reference_time, deltas(&feedback)), (7, vec![250]));
}

/// Absolute arrivals in ticks, from one packet that was written.
fn arrivals_of(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
    let feedback = read(bytes).unwrap();
    let origin = i64::from(feedback.reference_time) * TICKS_PER_REFERENCE;
    feedback.arrivals().map(|(seq, at)| (seq, at.map(|at| origin + at))).collect()
}

proptest! {
    #[test]
    fn every_arrival_comes_back_however_small_the_packets(
        base: u16,
        start in 0_u64..3_600_000_000,
        steps in proptest::collection::vec(
            prop_oneof![
                3 => Just(None),
                6 => (0_i64..3_000).prop_map(Some),
                2 => (-40_000_i64..200_000).prop_map(Some),
                1 => (-9_000_000_i64..9_000_000).prop_map(Some),
            ],
            1..300,
        ),
        runs in 1_usize..40,
        space in 0_usize..400,
    ) {
        let mut micros = start as i64 + 10_000_000_000;
        let arrivals: Vec<_> = steps
            .iter()
            .flat_map(|step| std::iter::repeat_n(*step, if step.is_none() { runs } else { 1 }))
            .map(|step| step.map(|step| {
                micros = (micros + step).max(0);
                Time::from_micros(micros as u64)
            }))
            .collect();
        let mut out = vec![0xaa; space + 1];
        let (mut done, mut count) = (0, 0_u8);
        while done < arrivals.len() {
            let mut writer = RtcpWriter::reduced_size(&mut out[..space]);
            let seq = base.wrapping_add(done as u16);
            let rest = arrivals[done..].iter().copied();
            let Ok(statuses) = writer.twcc(Ssrc(1), Ssrc(2), count, seq, rest) else {
                prop_assert!(space < 28);
                return Ok(());
            };
            let len = writer.finish();
            prop_assert_eq!(out[space], 0xaa);
            prop_assert!(statuses > 0);
            let read = arrivals_of(&out[..len]);
            prop_assert_eq!(read.len(), usize::from(statuses));
            for (i, (seq, at)) in read.into_iter().enumerate() {
                prop_assert_eq!(seq, base.wrapping_add((done + i) as u16));
                let expected = arrivals[done + i].map(|at| (at.as_micros() / 250) as i64);
                prop_assert_eq!(at, expected);
            }
            done += usize::from(statuses);
            count = count.wrapping_add(1);
        }
    }
}
