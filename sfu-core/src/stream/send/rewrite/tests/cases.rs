//! Single cases that the long runs would not name.

use proptest::prelude::*;

use super::*;

const A: StreamKey = StreamKey(1);
const B: StreamKey = StreamKey(2);

fn rewriter() -> Rewriter {
    Rewriter::new(MediaKind::Video, ClockRate::VIDEO, SeqNo(100), RtpTime(5_000))
}

/// Packet `number`, captured and arrived `millis` after the start.
fn packet(number: u64, millis: u64, timestamp: u32) -> PacketMeta {
    PacketMeta::new(ExtSeq(70_000 + number), RtpTime(timestamp), Time::from_millis(1_000 + millis))
}

fn captured(meta: PacketMeta, millis: u64) -> PacketMeta {
    PacketMeta { capture: Some(CaptureTime::new(Time::from_millis(1_000 + millis))), ..meta }
}

#[test]
fn without_sender_reports_the_arrivals_count() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &packet(0, 0, 77)).unwrap();
    let sent = rewriter.switch(B, &packet(0, 40, 999_999)).unwrap();
    assert_eq!((sent.seq, sent.timestamp), (SeqNo(101), RtpTime(5_000 + 3_600)));
}

#[test]
fn wall_clock_that_contradicts_the_arrival_is_not_believed() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &captured(packet(0, 0, 77), 0)).unwrap();
    let sent = rewriter.switch(B, &captured(packet(0, 40, 999_999), 50_000)).unwrap();
    assert_eq!(sent.timestamp, RtpTime(5_000 + 3_600));
}

#[test]
fn switch_back_in_time_goes_one_tick_forward_and_is_paid_back() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &captured(packet(0, 100, 0), 100)).unwrap();
    let sent = rewriter.switch(B, &captured(packet(0, 110, 0), 60)).unwrap();
    assert_eq!(sent.timestamp, RtpTime(5_001));
    let sent = rewriter.switch(A, &captured(packet(9, 200, 0), 200)).unwrap();
    assert_eq!(sent.timestamp, RtpTime(5_000 + 9_000));
}

#[test]
fn slot_that_was_empty_for_a_day_goes_a_bounded_step() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &packet(0, 0, 0)).unwrap();
    let sent = rewriter.switch(B, &packet(0, 86_400_000, 0)).unwrap();
    assert_eq!(sent.timestamp, RtpTime(5_000 + (1 << 30)));
}

#[test]
fn packets_from_outside_of_the_stay_are_refused() {
    let mut rewriter = rewriter();
    assert_eq!(rewriter.forward(A, &packet(0, 0, 0)), Err(Refused::NotFollowed));
    assert_eq!(rewriter.skip(A, &packet(0, 0, 0)), Err(Refused::Skipped));
    rewriter.switch(A, &packet(5, 0, 0)).unwrap();
    rewriter.forward(A, &packet(7, 0, 0)).unwrap();
    assert_eq!(rewriter.forward(A, &packet(4, 0, 0)), Err(Refused::NotFollowed));
    assert_eq!(rewriter.forward(B, &packet(6, 0, 0)), Err(Refused::NotFollowed));
    rewriter.switch(B, &packet(50, 10, 0)).unwrap();
    assert_eq!(rewriter.forward(A, &packet(6, 12, 0)).unwrap().seq, SeqNo(101));
    assert_eq!(rewriter.forward(A, &packet(8, 12, 0)), Err(Refused::NotFollowed));
    assert_eq!(rewriter.highest_seq(), Some(SeqNo(103)));
}

#[test]
fn hole_inside_a_dropped_frame_is_dropped_with_it() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &packet(0, 0, 0)).unwrap();
    let _ = rewriter.skip(A, &packet(1, 33, 3_000));
    let _ = rewriter.skip(A, &packet(3, 33, 3_000));
    assert_eq!(rewriter.forward(A, &packet(4, 66, 6_000)).unwrap().seq, SeqNo(101));
    // The late one in between changes nothing any more.
    let _ = rewriter.skip(A, &packet(2, 70, 3_000));
    assert_eq!(rewriter.forward(A, &packet(5, 99, 9_000)).unwrap().seq, SeqNo(102));
    assert_eq!(rewriter.lookup(SeqNo(101)).unwrap().ext, ExtSeq(70_004));
}

#[test]
fn restart_of_the_stream_is_smooth() {
    let mut rewriter = rewriter();
    rewriter.switch(A, &packet(0, 0, 0)).unwrap();
    rewriter.forward(A, &packet(1, 33, 3_000)).unwrap();
    // The encoder starts over: other numbers, another clock.
    let sent = rewriter.forward(A, &packet(40_000, 66, 3_000_000_000)).unwrap();
    assert_eq!((sent.seq, sent.timestamp), (SeqNo(102), RtpTime(5_000 + 3_000 + 2_970)));
    // A new clock with the numbers going on.
    let sent = rewriter.forward(A, &packet(40_001, 99, 5)).unwrap();
    assert_eq!((sent.seq, sent.timestamp), (SeqNo(103), RtpTime(5_000 + 5_970 + 2_970)));
    // A real pause of a minute is none.
    let sent = rewriter.forward(A, &packet(40_002, 60_099, 5 + 60 * 90_000)).unwrap();
    assert_eq!(sent.timestamp, RtpTime(5_000 + 8_940 + 60 * 90_000));
}

#[test]
fn picture_ids_go_on_between_encoders_of_different_width() {
    let with = |meta, value, wide, tl0| PacketMeta {
        picture_id: Some(PictureId { value, wide }),
        tl0_pic_idx: Some(tl0),
        ..meta
    };
    let ids = |sent: Rewritten| (sent.picture_id.unwrap(), sent.tl0_pic_idx.unwrap());
    let mut rewriter = rewriter();
    let sent = rewriter.switch(A, &with(packet(0, 0, 0), 0x7fff, true, 255)).unwrap();
    assert_eq!(ids(sent), (PictureId { value: 0x7fff, wide: true }, 255));
    let sent = rewriter.switch(B, &with(packet(0, 33, 0), 99, false, 7)).unwrap();
    assert_eq!(ids(sent), (PictureId { value: 0, wide: false }, 0));
    let sent = rewriter.forward(B, &with(packet(1, 66, 3_000), 100, false, 7)).unwrap();
    assert_eq!(ids(sent), (PictureId { value: 1, wide: false }, 0));
    let sent = rewriter.switch(A, &with(packet(90, 99, 9_000), 50, true, 30)).unwrap();
    assert_eq!(ids(sent), (PictureId { value: 2, wide: true }, 1));
    // A codec without ids in between.
    let sent = rewriter.switch(B, &packet(90, 132, 9_000)).unwrap();
    assert_eq!((sent.picture_id, sent.tl0_pic_idx), (None, None));
    let sent = rewriter.switch(A, &with(packet(95, 165, 12_000), 80, true, 33)).unwrap();
    assert_eq!(ids(sent), (PictureId { value: 3, wide: true }, 2));
}

proptest! {
    /// Whatever is offered in whatever order: no number is given twice, each
    /// number leads back to its packet, and a snapshot goes on identically.
    #[test]
    fn any_order_of_events_keeps_the_numbers_unique(
        steps in prop::collection::vec((0..12_u8, 0..2_u32, 0..30_u64, any::<u8>()), 1..200),
        audio: bool,
    ) {
        let kind = if audio { MediaKind::Audio } else { MediaKind::Video };
        let mut rewriter =
            Rewriter::new(kind, ClockRate::VIDEO, SeqNo(65_530), RtpTime(u32::MAX - 9_000));
        let mut offered = BTreeSet::new();
        let mut sent: Vec<(Rewritten, StreamKey, PacketMeta)> = Vec::new();
        for (step, (action, source, number, value)) in (0_u64..).zip(steps) {
            // Packets come about in order, up to 30 early or late.
            let ext = 70_000 + step + number;
            if !offered.insert((source, ext)) {
                continue;
            }
            let source = StreamKey(source);
            let meta = PacketMeta {
                ext: ExtSeq(ext),
                timestamp: RtpTime((ext / 3) as u32 * 3_000),
                picture_id: Some(PictureId { value: (ext / 3) as u16 & 0x7fff, wide: true }),
                tl0_pic_idx: Some(value),
                ..packet(0, step * 11, 0)
            };
            let bytes = postcard::to_stdvec(&rewriter).unwrap();
            let mut restored: Rewriter = postcard::from_bytes(&bytes).unwrap();
            let decide = |rewriter: &mut Rewriter| match action {
                0 => rewriter.switch(source, &meta),
                1..=4 => rewriter.skip(source, &meta),
                _ => rewriter.forward(source, &meta),
            };
            let result = decide(&mut rewriter);
            prop_assert_eq!(decide(&mut restored), result);
            prop_assert_eq!(&restored, &rewriter);
            if let Ok(rewritten) = result {
                prop_assert!(sent.iter().all(|(other, ..)| other.seq != rewritten.seq));
                sent.push((rewritten, source, meta));
            }
            for (rewritten, source, meta) in &sent {
                let found = rewriter.lookup(rewritten.seq);
                // Each drop may start a segment, and those are limited.
                if found.is_none() && sent.len() > 60 {
                    continue;
                }
                let found = found.expect("sent, so it is found");
                prop_assert_eq!((found.source, found.ext), (*source, meta.ext));
                prop_assert_eq!(found.rewrite(meta), *rewritten);
            }
        }
    }
}
