use proptest::prelude::*;

use super::*;

fn fed(seqs: impl IntoIterator<Item = u16>) -> SeqTracker {
    let mut tracker = SeqTracker::new();
    for seq in seqs {
        tracker.push(SeqNo(seq));
    }
    tracker
}

#[test]
fn numbers_grow_over_many_wraps() {
    let mut tracker = SeqTracker::new();
    for number in 0..200_000_u64 {
        let arrival = tracker.push(SeqNo((60_000 + number) as u16));
        assert_eq!(arrival.ext.0, 65_536 + 60_000 + number);
        assert_eq!(arrival.kind, ArrivalKind::InOrder);
    }
    assert_eq!(tracker.loss(), Loss { fraction: 0, cumulative: 0 });
}

#[test]
fn packet_before_the_first_is_late_not_duplicate() {
    let mut tracker = fed([10]);
    assert_eq!(tracker.push(SeqNo(9)).kind, ArrivalKind::Late);
    assert_eq!(tracker.push(SeqNo(9)).kind, ArrivalKind::Duplicate);
    assert_eq!(tracker.loss().cumulative, 0);
}

#[test]
fn loss_is_per_interval_and_cumulative() {
    let mut tracker = fed((0..100).filter(|seq| seq % 4 != 1));
    assert_eq!(tracker.loss(), Loss { fraction: 64, cumulative: 25 });
    for seq in 100..200 {
        tracker.push(SeqNo(seq));
    }
    assert_eq!(tracker.loss(), Loss { fraction: 0, cumulative: 25 });
    assert_eq!(tracker.loss(), Loss { fraction: 0, cumulative: 25 });
}

#[test]
fn recovered_packet_stays_a_loss() {
    let mut tracker = fed([1, 2, 4]);
    let arrival = tracker.push_recovered(SeqNo(3));
    assert_eq!(arrival.kind, ArrivalKind::Late);
    assert_eq!(arrival.ext, ExtSeq::first(SeqNo(3)));
    assert_eq!(tracker.push(SeqNo(3)).kind, ArrivalKind::Duplicate);
    assert_eq!(tracker.loss().cumulative, 1);
    assert_eq!(tracker.push_recovered(SeqNo(20_000)).kind, ArrivalKind::Suspect);
    assert_eq!(SeqTracker::new().push_recovered(SeqNo(1)).kind, ArrivalKind::Suspect);
}

#[test]
fn one_stray_packet_does_not_restart_the_stream() {
    let mut tracker = fed([1, 2, 3]);
    assert_eq!(tracker.push(SeqNo(30_000)).kind, ArrivalKind::Suspect);
    assert_eq!(tracker.push(SeqNo(4)).kind, ArrivalKind::InOrder);
    assert_eq!(tracker.push(SeqNo(30_001)).kind, ArrivalKind::Suspect);
}

#[test]
fn restart_goes_on_upwards() {
    for start in [30_000_u16, 60_000, 3] {
        let mut tracker = fed([9_998, 9_999, 10_000]);
        let before = tracker.highest().unwrap();
        assert_eq!(tracker.push(SeqNo(start)).kind, ArrivalKind::Suspect);
        let arrival = tracker.push(SeqNo(start + 1));
        assert_eq!(arrival.kind, ArrivalKind::Reset);
        assert_eq!(arrival.ext.seq(), SeqNo(start + 1));
        assert!(arrival.ext > before && arrival.ext.0 - before.0 <= 65_536);
        let next = tracker.push(SeqNo(start + 2));
        assert_eq!((next.kind, next.ext.0), (ArrivalKind::InOrder, arrival.ext.0 + 1));
        assert_eq!(tracker.loss().cumulative, 0, "a restart is not a loss");
    }
}

#[test]
fn window_forgets_what_it_passed() {
    let mut tracker = fed([0]);
    // A jump by almost the window clears all bits in between.
    tracker.push(SeqNo(2_047));
    for seq in 1..2_047 {
        assert_eq!(tracker.push(SeqNo(seq)).kind, ArrivalKind::Late, "{seq}");
    }
    tracker.push(SeqNo(4_500));
    assert_eq!(tracker.push(SeqNo(4_500 - 2_047)).kind, ArrivalKind::Late);
    assert_eq!(tracker.push(SeqNo(4_500 - 2_048)).kind, ArrivalKind::Suspect);
}

proptest! {
    /// Any order within the window gives each number once and the truth about loss.
    #[test]
    fn reordered_stream_is_counted_exactly(
        start in any::<u16>(),
        jumps in prop::collection::vec((0..40_u64, any::<bool>(), any::<bool>()), 1..400),
    ) {
        let mut arrivals: Vec<(u64, u64)> = jumps
            .iter()
            .enumerate()
            .filter(|(_, (_, lost, _))| !*lost)
            .flat_map(|(number, (delay, _, twice))| {
                let number = number as u64;
                let copies = if *twice { 2 } else { 1 };
                (0..copies).map(move |copy| (number + delay + copy * 3, number))
            })
            .collect();
        arrivals.sort_unstable();
        let mut tracker = SeqTracker::new();
        let mut seen = std::collections::BTreeSet::new();
        for (_, number) in &arrivals {
            let arrival = tracker.push(SeqNo(start.wrapping_add(*number as u16)));
            prop_assert_eq!(arrival.kind.is_new(), seen.insert(*number));
        }
        if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
            let lost = (last - first + 1) as i64 - seen.len() as i64;
            prop_assert_eq!(tracker.loss().cumulative, lost);
        }
    }

    #[test]
    fn snapshot_goes_on_identically(
        seqs in prop::collection::vec(any::<u16>(), 1..200),
        cut in 0..200_usize,
    ) {
        let mut tracker = SeqTracker::new();
        let (before, after) = seqs.split_at(cut.min(seqs.len()));
        for seq in before {
            tracker.push(SeqNo(*seq));
        }
        let bytes = postcard::to_stdvec(&tracker).unwrap();
        let mut restored: SeqTracker = postcard::from_bytes(&bytes).unwrap();
        for seq in after {
            prop_assert_eq!(tracker.push(SeqNo(*seq)), restored.push(SeqNo(*seq)));
        }
        prop_assert_eq!(tracker.loss(), restored.loss());
    }
}
