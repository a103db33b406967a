use super::*;

const SSRC: Ssrc = Ssrc(1);

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Base, count and arrivals in milliseconds of each report that is due.
fn reports(recorder: &mut TwccRecorder, now: Time) -> Vec<(u16, u8, Vec<Option<u64>>)> {
    let mut reports = Vec::new();
    while let Some(window) = recorder.poll(now) {
        let arrivals = window.arrivals().map(|arrival| arrival.map(|time| time.as_millis()));
        reports.push((window.base, window.feedback_count, arrivals.collect()));
    }
    reports
}

#[test]
fn slow_streams_are_reported_each_100_ms_and_fast_ones_each_50() {
    let mut recorder = TwccRecorder::new();
    assert_eq!(recorder.next_deadline(), None);
    recorder.arrived(at(7), 1, SSRC);
    assert_eq!(recorder.next_deadline(), Some(at(107)));
    for seq in 2..=12 {
        recorder.arrived(at(20), seq, SSRC);
    }
    assert_eq!(recorder.next_deadline(), Some(at(57)));
    assert_eq!(reports(&mut recorder, at(56)), []);
    assert_eq!(reports(&mut recorder, at(57)).len(), 1);
    assert_eq!(recorder.next_deadline(), None, "nothing new, nothing to report");
}

#[test]
fn reports_are_contiguous_across_the_wrap() {
    let mut recorder = TwccRecorder::new();
    recorder.arrived(at(0), 65_534, SSRC);
    recorder.arrived(at(1), 0, SSRC);
    assert_eq!(reports(&mut recorder, at(100)), [(65_534, 0, vec![Some(0), None, Some(1)])]);
    recorder.arrived(at(110), 3, SSRC);
    assert_eq!(reports(&mut recorder, at(300)), [(1, 1, vec![None, None, Some(110)])]);
}

#[test]
fn late_packet_is_reported_again_with_what_follows() {
    let mut recorder = TwccRecorder::new();
    for seq in [10, 11, 13] {
        recorder.arrived(at(seq), seq as u16, SSRC);
    }
    reports(&mut recorder, at(200));
    recorder.arrived(at(210), 12, SSRC);
    recorder.arrived(at(211), 14, SSRC);
    let expected = vec![Some(210), Some(13), Some(211)];
    assert_eq!(reports(&mut recorder, at(400)), [(12, 1, expected)]);
}

#[test]
fn duplicates_and_ancient_packets_are_ignored() {
    let mut recorder = TwccRecorder::new();
    recorder.arrived(at(1), 5_000, SSRC);
    recorder.arrived(at(2), 5_000, SSRC);
    recorder.arrived(at(3), 5_000 - 1_024, SSRC);
    assert_eq!(reports(&mut recorder, at(500)), [(5_000, 0, vec![Some(1)])]);
}

#[test]
fn burst_is_split_into_reports_that_fit() {
    let mut recorder = TwccRecorder::new();
    for seq in 0..1_000_u16 {
        recorder.arrived(at(u64::from(seq) / 100), seq, SSRC);
    }
    let reports = reports(&mut recorder, at(60));
    let shape: Vec<_> =
        reports.iter().map(|(base, count, all)| (*base, *count, all.len())).collect();
    assert_eq!(shape, [(0, 0, 400), (400, 1, 400), (800, 2, 200)]);
}

#[test]
fn jump_of_the_numbers_is_bounded() {
    let mut recorder = TwccRecorder::new();
    recorder.arrived(at(0), 0, SSRC);
    reports(&mut recorder, at(200));
    recorder.arrived(at(210), 30_000, SSRC);
    let reports = reports(&mut recorder, at(400));
    assert_eq!(reports.len(), 1);
    let (base, _, arrivals) = &reports[0];
    assert_eq!(usize::from(30_000 - base) + 1, arrivals.len());
    assert!(arrivals.len() <= 400);
    assert_eq!(arrivals.last(), Some(&Some(210)));
}

#[test]
fn pause_longer_than_a_delta_starts_a_new_report() {
    let mut recorder = TwccRecorder::new();
    recorder.arrived(at(0), 0, SSRC);
    recorder.arrived(at(9_000), 1, SSRC);
    let reports = reports(&mut recorder, at(9_100));
    assert_eq!(reports, [(0, 0, vec![Some(0)]), (1, 1, vec![Some(9_000)])]);
}

#[test]
fn snapshot_goes_on_identically() {
    let mut recorder = TwccRecorder::new();
    for seq in (0..500_u16).filter(|seq| seq % 7 != 0) {
        recorder.arrived(at(u64::from(seq)), seq.wrapping_sub(200), SSRC);
    }
    reports(&mut recorder, at(300));
    let mut restored: TwccRecorder =
        postcard::from_bytes(&postcard::to_stdvec(&recorder).unwrap()).unwrap();
    for seq in [7, 500, 501] {
        recorder.arrived(at(520), seq, SSRC);
        restored.arrived(at(520), seq, SSRC);
    }
    assert_eq!(reports(&mut recorder, at(900)), reports(&mut restored, at(900)));
}
