//! A viewer that switches all the time, on all kinds of networks.

use super::*;

const PERFECT: Network = Network { jitter_micros: 0, lost_percent: 0 };
const REORDERING: Network = Network { jitter_micros: 4_000, lost_percent: 0 };
const LOSSY: Network = Network { jitter_micros: 4_000, lost_percent: 3 };

/// Timestamps go up with the captures, at most 5 ms off.
fn assert_timestamps_true(viewer: &Viewer) {
    let first = viewer.sent.values().next().unwrap();
    let mut last: Option<&Egress> = None;
    for egress in viewer.sent.values() {
        let ticks = egress.rewritten.timestamp.distance(first.rewritten.timestamp);
        let told = ClockRate::VIDEO.nanos(i64::from(ticks));
        let error = told - signed_nanos(egress.captured, first.captured);
        assert!(error.abs() <= 5_000_000, "off by {error} ns");
        if let Some(last) = last {
            let step = egress.rewritten.timestamp.distance(last.rewritten.timestamp);
            let same_frame = (last.source, last.frame) == (egress.source, egress.frame);
            assert!(if same_frame { step == 0 } else { step > 0 }, "step of {step}");
        }
        last = Some(egress);
    }
}

/// Each picture has an id of its own and they follow each other.
fn assert_pictures_continuous(viewer: &Viewer, lossless: bool) {
    let mut last: Option<&Egress> = None;
    for egress in viewer.sent.values() {
        if let Some(last) = last {
            let ids = [egress, last].map(|e| e.rewritten.picture_id.unwrap());
            let step = picture_distance(ids[0], ids[1]);
            let same_frame = (last.source, last.frame) == (egress.source, egress.frame);
            let tl0 = [egress, last].map(|e| e.rewritten.tl0_pic_idx.unwrap());
            let tl0_step = tl0[0].wrapping_sub(tl0[1]);
            let base = egress.meta.temporal_id == Some(0);
            if same_frame {
                assert_eq!((step, tl0_step), (0, 0));
            } else if lossless || last.source != egress.source {
                assert_eq!((step, tl0_step), (1, u8::from(base)));
            } else {
                let frames = (egress.frame - last.frame) as i16;
                assert!((1..=frames).contains(&step), "{step} for {frames} frames");
            }
        }
        last = Some(egress);
    }
}

#[test]
fn perfect_network_gives_one_unbroken_stream() {
    for seed in 0..6 {
        let viewer = watch(seed, 850, PERFECT, true);
        assert!(viewer.switches >= 50, "{} switches", viewer.switches);
        let first = *viewer.sent.keys().next().unwrap();
        assert!(viewer.sent.keys().copied().eq(first..first + viewer.sent.len() as u64));
        assert_timestamps_true(&viewer);
        assert_pictures_continuous(&viewer, true);
    }
}

#[test]
fn a_hundred_switches_with_reordering_and_loss() {
    for seed in 10..16 {
        for (network, temporal) in [(REORDERING, false), (LOSSY, false), (LOSSY, true)] {
            let viewer = watch(seed, 600, network, temporal);
            assert!(viewer.switches >= 60, "{} switches", viewer.switches);
            assert_timestamps_true(&viewer);
            assert_pictures_continuous(&viewer, false);
        }
    }
}

#[test]
fn gaps_are_real_losses() {
    for seed in 30..34 {
        for (network, temporal) in [(REORDERING, false), (LOSSY, true)] {
            let viewer = watch(seed, 700, network, temporal);
            let first = *viewer.sent.keys().next().unwrap();
            let last = viewer.rewriter.map.highest().0;
            let missing = (first..=last).filter(|number| !viewer.sent.contains_key(number));
            let missing: Vec<u64> = missing.collect();
            for number in &missing {
                let sent = viewer.kept.get(number).expect("passed over without a packet");
                let packet = (sent.source, sent.ext.seq().0);
                assert!(viewer.excused.contains(&packet), "{number} is missing, {packet:?} came");
            }
            let share = missing.len() as f64 / (last - first) as f64;
            let limit = f64::from(network.lost_percent) / 100.0 * 1.5 + 0.01;
            assert!(share <= limit, "{share} missing with {} % lost", network.lost_percent);
        }
    }
}
