use super::*;

const CAMERA: StreamKey = StreamKey(1);
const SCREEN: StreamKey = StreamKey(2);

fn ext(number: u64) -> ExtSeq {
    ExtSeq(70_000 + number)
}

fn out(number: u64) -> ExtSeq {
    ExtSeq(ExtSeq::first(SeqNo(65_530)).0 + number)
}

fn map() -> SeqMap {
    let mut map = SeqMap::new(SeqNo(65_530));
    map.start(CAMERA, ext(0), Offsets::default());
    map
}

fn forward(map: &mut SeqMap, number: u64) -> u64 {
    map.forward(ext(number)).unwrap().egress.0 - out(0).0
}

fn late(map: &SeqMap, source: StreamKey, number: u64) -> Option<u64> {
    map.late(source, ext(number)).map(|mapped| mapped.egress.0 - out(0).0)
}

fn hide(map: &mut SeqMap, number: u64) {
    map.hide(ext(number), ext(number), Offsets::default());
}

#[test]
fn numbers_are_kept_for_packets_that_are_missing() {
    let mut map = map();
    assert_eq!([0, 1, 4].map(|number| forward(&mut map, number)), [0, 1, 4]);
    assert_eq!(late(&map, CAMERA, 2), Some(2));
    assert_eq!(late(&map, SCREEN, 2), None);
}

#[test]
fn dropped_packets_leave_no_gap_and_late_ones_around_find_their_place() {
    let mut map = map();
    forward(&mut map, 0);
    // 1 and 3 are late, 2 is dropped.
    hide(&mut map, 2);
    assert_eq!(forward(&mut map, 4), 3);
    assert_eq!((late(&map, CAMERA, 1), late(&map, CAMERA, 3)), (Some(1), Some(2)));
    assert_eq!(late(&map, CAMERA, 2), None, "it has no number");
}

#[test]
fn run_of_drops_is_one_segment() {
    let mut map = map();
    forward(&mut map, 0);
    (1..50).for_each(|number| hide(&mut map, number));
    assert_eq!(forward(&mut map, 50), 1);
    assert_eq!(map.segments.len(), 2);
}

#[test]
fn switch_takes_the_numbers_that_were_kept_behind_the_last_packet() {
    let mut map = map();
    forward(&mut map, 0);
    forward(&mut map, 2);
    hide(&mut map, 5);
    map.start(SCREEN, ext(900), Offsets::default());
    assert_eq!(forward(&mut map, 900), 3);
    assert_eq!(late(&map, CAMERA, 1), Some(1));
    assert_eq!(late(&map, CAMERA, 3), None, "came after its stream was left");
    map.start(CAMERA, ext(10), Offsets::default());
    assert_eq!(forward(&mut map, 10), 4);
    assert_eq!(late(&map, CAMERA, 7), None, "came while its stream was not followed");
    assert_eq!(late(&map, CAMERA, 1), Some(1), "kept from the first stay");
}

#[test]
fn lookup_finds_the_packet_and_its_offsets() {
    let mut map = map();
    (0..10).for_each(|number| _ = forward(&mut map, number));
    hide(&mut map, 10);
    forward(&mut map, 11);
    let offsets =
        Offsets { timestamp: 7, picture_id: 8, tl0_pic_idx: 9, frame_number: 10, top: None };
    map.start(SCREEN, ext(900), offsets);
    forward(&mut map, 900);
    let found = |number| map.lookup(out(number).seq()).map(|m| (m.source, m.ingress));
    assert_eq!(found(0), Some((CAMERA, ext(0))));
    assert_eq!(found(9), Some((CAMERA, ext(9))));
    assert_eq!(found(10), Some((CAMERA, ext(11))));
    assert_eq!(found(11), Some((SCREEN, ext(900))));
    assert_eq!(found(12), None, "never given out");
    assert_eq!(map.lookup(SeqNo(65_529)), None, "before the first");
    assert_eq!(map.lookup(out(11).seq()).unwrap().offsets, offsets);
}

#[test]
fn abandoned_number_is_not_looked_up() {
    let mut map = map();
    forward(&mut map, 0);
    forward(&mut map, 2);
    map.hide_late(CAMERA, ext(1));
    assert_eq!(map.lookup(out(1).seq()), None);
    assert!(map.lookup(out(2).seq()).is_some());
}

#[test]
fn late_drop_leaves_no_gap_while_nothing_above_it_is_sent() {
    // Packets 1 to 4 are dropped in every order; 5 must follow on 0.
    let orders: [[u64; 4]; 6] =
        [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [3, 1, 4, 2], [2, 1, 4, 3], [4, 1, 3, 2]];
    for order in orders {
        let mut map = map();
        forward(&mut map, 0);
        let mut highest = 0;
        for number in order {
            if number > highest {
                highest = number;
                hide(&mut map, number);
            } else {
                map.hide_late(CAMERA, ext(number));
            }
        }
        assert_eq!(forward(&mut map, 5), 1, "{order:?}");
        assert_eq!(map.lookup(out(1).seq()).unwrap().ingress, ext(5));
    }
}

#[test]
fn memory_is_bounded_and_the_newest_stays() {
    let mut map = map();
    for number in 0..100_000 {
        if number % 2 == 0 {
            forward(&mut map, number);
        } else {
            hide(&mut map, number);
        }
    }
    assert!(map.segments.len() <= MAX_SEGMENTS);
    for back in 0..(MAX_SEGMENTS as u64 - 2) {
        let egress = ExtSeq(map.highest().0 - back);
        assert_eq!(map.lookup(egress.seq()).unwrap().ingress, ext(99_998 - back * 2));
    }
    let oldest = ExtSeq(map.highest().0 - WINDOW);
    assert_eq!(map.lookup(oldest.seq()), None);
}

#[test]
fn holes_are_bounded() {
    let mut map = map();
    for number in (2..10_000).step_by(2) {
        forward(&mut map, number);
        map.hide_late(CAMERA, ext(number - 1));
    }
    assert_eq!((map.segments.len(), map.holes.len()), (1, MAX_HOLES));
    assert_eq!(map.lookup(out(9_997).seq()), None);
    assert!(map.lookup(out(9_998).seq()).is_some());
}

#[test]
fn segments_outside_of_the_window_go() {
    let mut map = map();
    for number in 0..20_000 {
        if number % 1_000 == 999 {
            hide(&mut map, number);
        } else {
            forward(&mut map, number);
        }
    }
    assert!(map.segments.len() <= 4, "{}", map.segments.len());
    let oldest = ExtSeq(map.highest().0 - WINDOW + 1);
    assert!(map.lookup(oldest.seq()).is_some());
}
