use super::*;

const RTT: Duration = Duration::from_millis(100);

fn ext(number: u64) -> ExtSeq {
    ExtSeq(65_536 + number)
}

fn fed(kind: MediaKind, numbers: impl IntoIterator<Item = u64>) -> NackGenerator {
    let mut nack = NackGenerator::new(kind);
    for number in numbers {
        nack.push(Time::ZERO, ext(number), false, Duration::ZERO);
    }
    nack
}

fn asked(nack: &mut NackGenerator, millis: u64) -> Vec<u16> {
    let mut asked = Vec::new();
    nack.poll(Time::from_millis(millis), RTT, |seq| asked.push(seq.0));
    asked
}

#[test]
fn late_packet_is_not_asked_for() {
    let mut nack = fed(MediaKind::Video, [1, 2, 4, 5]);
    assert!(asked(&mut nack, 9).is_empty());
    nack.push(Time::from_millis(9), ext(3), false, Duration::ZERO);
    assert_eq!((asked(&mut nack, 50), nack.next_deadline()), (vec![], None));
}

#[test]
fn wait_follows_the_jitter_within_limits() {
    for (jitter, wait) in [(0, 10), (15, 15), (200, 20)] {
        let mut nack = NackGenerator::new(MediaKind::Video);
        for number in [1, 3] {
            nack.push(Time::ZERO, ext(number), false, Duration::from_millis(jitter));
        }
        assert_eq!(nack.next_deadline(), Some(Time::from_millis(wait)));
    }
}

#[test]
fn asks_ten_times_once_per_round_trip_then_wants_a_key_frame() {
    let mut nack = fed(MediaKind::Video, [1, 3]);
    let mut times = Vec::new();
    let mut key_frames = 0;
    for millis in 0..3_000 {
        let outcome = nack.poll(Time::from_millis(millis), RTT, |_| times.push(millis));
        key_frames += u32::from(outcome.needs_key_frame);
    }
    assert_eq!(times, (0..10).map(|round| 10 + round * 100).collect::<Vec<u64>>());
    assert_eq!((key_frames, nack.missing()), (1, 0));
}

#[test]
fn old_packet_is_given_up_before_its_tenth_time() {
    let mut nack = fed(MediaKind::Video, [1, 3]);
    let slow = Duration::from_millis(400);
    let mut times = 0;
    for millis in 0..3_000 {
        nack.poll(Time::from_millis(millis), slow, |_| times += 1);
    }
    assert_eq!(times, 4);
}

#[test]
fn audio_never_wants_a_key_frame() {
    let mut nack = fed(MediaKind::Audio, [1, 3]);
    for millis in 0..3_000 {
        let outcome = nack.poll(Time::from_millis(millis), RTT, |_| ());
        assert!(!outcome.needs_key_frame);
    }
    assert_eq!((nack.missing(), nack.next_deadline()), (0, None));
}

#[test]
fn key_frame_ends_the_search_for_what_was_before() {
    let mut nack = fed(MediaKind::Video, [1, 3, 5, 8]);
    nack.handle_key_frame(ext(5));
    assert_eq!(asked(&mut nack, 10), [6, 7]);
}

#[test]
fn huge_gap_is_bounded_and_wants_a_key_frame() {
    let mut nack = fed(MediaKind::Video, [1, 10, 2_000]);
    assert_eq!(nack.missing(), 500);
    assert_eq!(nack.next_deadline(), Some(Time::ZERO));
    let outcome = nack.poll(Time::from_millis(5), RTT, |_| panic!("too early"));
    assert!(outcome.needs_key_frame);
    assert_eq!(asked(&mut nack, 10), (1_500..2_000).collect::<Vec<u16>>());
}

#[test]
fn many_small_gaps_are_bounded() {
    let mut nack = fed(MediaKind::Video, (0..4_000).step_by(2));
    assert_eq!(nack.missing(), 500);
    nack.reset();
    assert_eq!((nack.missing(), nack.next_deadline()), (0, None));
}

#[test]
fn numbers_wrap_on_the_wire() {
    let mut nack = fed(MediaKind::Video, [65_534, 65_538]);
    assert_eq!(asked(&mut nack, 10), [65_535, 0, 1]);
}

#[test]
fn snapshot_goes_on_identically() {
    let mut nack = fed(MediaKind::Video, [1, 4, 9]);
    asked(&mut nack, 10);
    nack.push(Time::from_millis(12), ext(12), false, Duration::ZERO);
    let mut restored: NackGenerator =
        postcard::from_bytes(&postcard::to_stdvec(&nack).unwrap()).unwrap();
    for millis in 12..2_000 {
        assert_eq!(asked(&mut nack, millis), asked(&mut restored, millis));
        assert_eq!(nack.next_deadline(), restored.next_deadline());
    }
}
