//! An audio slot that goes from speaker to speaker.

use super::*;

const PACKET: u32 = 960;

/// Speaks 20 ms packets whose captures are `phase` after the full 20 ms.
struct Speaker {
    key: StreamKey,
    phase: Duration,
    timestamp: u32,
}

impl Speaker {
    fn packet(&self, number: u64) -> PacketMeta {
        let captured = Time::from_millis(1_000 + number * 20) + self.phase;
        let timestamp = RtpTime(self.timestamp).offset(number as u32 * PACKET);
        PacketMeta {
            capture: Some(CaptureTime::new(captured)),
            ..PacketMeta::new(
                ExtSeq(70_000 + number),
                timestamp,
                captured + Duration::from_millis(2),
            )
        }
    }
}

fn rewriter() -> Rewriter {
    Rewriter::new(MediaKind::Audio, ClockRate::OPUS, SeqNo(65_530), RtpTime(u32::MAX - 5_000))
}

#[test]
fn speakers_follow_each_other_without_overlap_or_drift() {
    let mut random = Random::from_seed([5; 32]);
    let mut rewriter = rewriter();
    let speakers: Vec<Speaker> = (0..4)
        .map(|number| Speaker {
            key: StreamKey(number),
            phase: Duration::from_micros(u64::from(random.u32() % 20_000)),
            timestamp: random.u32(),
        })
        .collect();
    let (mut speaking, mut refused) = (0, 0);
    let mut sent: Vec<(Rewritten, Time)> = Vec::new();
    for number in 0..5_000 {
        let switches = number == 0 || random.u32().is_multiple_of(20);
        if switches {
            speaking = (speaking + 1 + random.u32() as usize % 3) % 4;
        }
        let speaker = &speakers[speaking];
        let packet = speaker.packet(number);
        let result = match switches {
            true => rewriter.switch(speaker.key, &packet),
            false => rewriter.forward(speaker.key, &packet),
        };
        match result {
            Ok(rewritten) => sent.push((rewritten, packet.capture.unwrap().time())),
            Err(reason) => {
                assert_eq!(reason, Refused::Overlap);
                refused += 1;
            }
        }
    }
    assert!(refused < 200, "{refused} refused");
    let (first, start) = sent[0];
    for pair in sent.windows(2) {
        let [(last, _), (this, captured)] = pair else { unreachable!() };
        assert_eq!(this.seq, last.seq.next());
        let step = this.timestamp.distance(last.timestamp);
        assert!(step >= PACKET as i32, "overlap: a step of {step}");
        let told = ClockRate::OPUS.nanos(i64::from(this.timestamp.distance(first.timestamp)));
        let error = told - signed_nanos(*captured, start);
        assert!(error.abs() <= 5_100_000, "off by {error} ns");
    }
}

#[test]
fn speaker_far_behind_loses_three_packets_at_most() {
    let speaker = |key, phase| Speaker { key: StreamKey(key), phase, timestamp: 0 };
    let early = speaker(1, Duration::from_millis(500));
    let late = speaker(2, Duration::ZERO);
    let mut rewriter = rewriter();
    rewriter.switch(early.key, &early.packet(0)).unwrap();
    let results = [
        rewriter.switch(late.key, &late.packet(1)),
        rewriter.forward(late.key, &late.packet(2)),
        rewriter.forward(late.key, &late.packet(3)),
    ];
    assert_eq!(results, [Err(Refused::Overlap); 3]);
    let clock = CaptureClock::new(Time::ZERO, RtpTime(0), ClockRate::OPUS);
    assert_eq!(rewriter.egress_clock(clock), None, "nothing of the new stream was sent");
    let sent = rewriter.forward(late.key, &late.packet(4)).unwrap();
    assert_eq!((sent.seq, sent.timestamp), (SeqNo(65_531), RtpTime(u32::MAX - 5_000 + PACKET)));
}

#[test]
fn a_word_out_of_a_history_is_whole_and_its_lag_is_paid_back_in_a_pause() {
    let speaker =
        |key, timestamp| Speaker { key: StreamKey(key), phase: Duration::ZERO, timestamp };
    let (ann, bob) = (speaker(1, 99), speaker(2, 7_000_000));
    let mut rewriter = rewriter();
    rewriter.accept_overlap(ann.key);
    let mut last = rewriter.switch(ann.key, &ann.packet(0)).unwrap();
    let mut take = |sent: Rewritten, steps: u32| {
        assert_eq!(
            (sent.seq, sent.timestamp),
            (last.seq.next(), last.timestamp.offset(steps * PACKET))
        );
        last = sent;
    };
    for number in 1..20 {
        take(rewriter.forward(ann.key, &ann.packet(number)).unwrap(), 1);
    }
    assert_eq!(rewriter.lag(), Duration::ZERO);
    // Bob began ten packets ago.
    rewriter.accept_overlap(bob.key);
    take(rewriter.switch(bob.key, &bob.packet(10)).unwrap(), 1);
    for number in 11..30 {
        take(rewriter.forward(bob.key, &bob.packet(number)).unwrap(), 1);
    }
    assert_eq!(rewriter.lag(), Duration::from_millis(200));
    // Two packets of his pause are left out, and later all the rest at once.
    rewriter.accept_overlap(bob.key);
    take(rewriter.forward(bob.key, &bob.packet(32)).unwrap(), 1);
    assert_eq!(rewriter.lag(), Duration::from_millis(160));
    rewriter.accept_overlap(bob.key);
    take(rewriter.forward(bob.key, &bob.packet(50)).unwrap(), 10);
    assert_eq!(rewriter.lag(), Duration::ZERO);
    assert_eq!(rewriter.lookup(SeqNo(65_530_u16.wrapping_add(20))).unwrap().ext, ExtSeq(70_010));
}
