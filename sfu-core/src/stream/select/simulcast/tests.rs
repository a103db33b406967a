use proptest::prelude::*;

use super::*;
use crate::stream::select::Selector;
use crate::wire::RtpTime;

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Packet `number` of `stream`, one each 10 ms, each a frame of its own.
fn packet(stream: u8, number: u64) -> PacketMeta {
    PacketMeta {
        stream,
        ..PacketMeta::new(ExtSeq(70_000 + number), RtpTime(number as u32 * 900), at(number * 10))
    }
}

fn key(stream: u8, number: u64) -> PacketMeta {
    PacketMeta { keyframe_start: true, ..packet(stream, number) }
}

/// Streams 0 to 2 alive since the origin, everything preferred up to `spatial`.
fn selector(spatial: u8) -> Selector {
    let mut selector = Selector::simulcast();
    selector.set_streams(at(0), ActiveStreams(0b111));
    selector.set_preferred(at(0), Layers { spatial, temporal: 2 });
    selector
}

fn spatial(layers: Option<Layers>) -> Option<u8> {
    layers.map(|layers| layers.spatial)
}

#[test]
fn first_target_is_the_preferred_stream_without_delay() {
    let mut selector = selector(1);
    assert_eq!((selector.needs_key_frame(), selector.reason()), (Some(1), Reason::Preferred));
    assert_eq!(selector.decide(&key(0, 1)), Decision::Drop);
    assert_eq!(selector.decide(&packet(1, 1)), Decision::Drop);
    assert_eq!(selector.decide(&key(1, 2)), Decision::Switch);
    assert_eq!(selector.decide(&packet(1, 3)), Decision::Forward);
    assert_eq!(selector.decide(&packet(1, 1)), Decision::Drop, "from before the key frame");
    assert_eq!(selector.decide(&packet(0, 3)), Decision::Drop);
    assert_eq!(spatial(selector.current()), Some(1));
}

#[test]
fn old_layer_goes_on_until_the_key_frame_of_the_new_one() {
    let mut selector = selector(0);
    selector.decide(&key(0, 1));
    selector.set_preferred(at(2_000), Layers { spatial: 2, temporal: 2 });
    assert_eq!(selector.needs_key_frame(), Some(2));
    assert_eq!(selector.decide(&packet(0, 201)), Decision::Forward);
    assert_eq!(selector.decide(&packet(2, 201)), Decision::Drop);
    assert_eq!(selector.decide(&key(2, 202)), Decision::Switch);
    assert_eq!(selector.needs_key_frame(), None);
    assert_eq!(selector.decide(&packet(0, 203)), Decision::Drop);
}

#[test]
fn packet_on_its_way_at_the_switch_is_still_sent() {
    let mut selector = selector(0);
    for packet in [key(0, 101), packet(0, 102), packet(0, 105)] {
        selector.decide(&packet);
    }
    selector.set_preferred(at(1_050), Layers { spatial: 1, temporal: 2 });
    assert_eq!(selector.decide(&key(1, 106)), Decision::Switch);
    let late = |number, arrival| PacketMeta { arrival: at(arrival), ..packet(0, number) };
    assert_eq!(selector.decide(&late(103, 1_070)), Decision::Forward);
    assert_eq!(selector.decide(&late(100, 1_070)), Decision::Drop, "before its key frame");
    assert_eq!(selector.decide(&late(106, 1_070)), Decision::Drop, "after the switch");
    assert_eq!(selector.decide(&late(104, 1_600)), Decision::Drop, "too late");
}

#[test]
fn silent_stream_is_left_at_once() {
    let mut selector = selector(2);
    selector.decide(&key(2, 1));
    selector.set_streams(at(1_000), ActiveStreams(0b011));
    assert_eq!((selector.needs_key_frame(), selector.reason()), (Some(1), Reason::HighestActive));
    assert_eq!(selector.decide(&key(1, 101)), Decision::Switch);
}

#[test]
fn stream_that_comes_back_must_prove_itself() {
    let mut selector = selector(2);
    selector.set_streams(at(0), ActiveStreams(0b011));
    selector.decide(&key(1, 1));
    selector.set_streams(at(1_000), ActiveStreams(0b111));
    assert_eq!((selector.needs_key_frame(), selector.reason()), (None, Reason::Stabilising));
    // It flaps: the time starts over.
    selector.set_streams(at(1_500), ActiveStreams(0b011));
    selector.set_streams(at(1_600), ActiveStreams(0b111));
    assert_eq!(selector.decide(&key(2, 200)), Decision::Drop);
    assert_eq!(selector.needs_key_frame(), None);
    assert_eq!(selector.decide(&packet(1, 235)), Decision::Forward);
    assert_eq!((selector.needs_key_frame(), selector.reason()), (Some(2), Reason::Preferred));
}

#[test]
fn a_stable_layer_in_between_is_taken_while_the_best_one_stabilises() {
    let mut selector = selector(0);
    selector.set_streams(at(0), ActiveStreams(0b011));
    selector.decide(&key(0, 1));
    selector.set_streams(at(2_000), ActiveStreams(0b111));
    selector.set_preferred(at(2_000), Layers { spatial: 2, temporal: 2 });
    assert_eq!((selector.needs_key_frame(), selector.reason()), (Some(1), Reason::Stabilising));
}

#[test]
fn without_a_stream_below_the_preferred_the_lowest_above_serves() {
    let mut selector = selector(0);
    selector.set_streams(at(10), ActiveStreams(0b110));
    assert_eq!((selector.needs_key_frame(), selector.reason()), (Some(1), Reason::LowestActive));
}

#[test]
fn nothing_alive_keeps_what_there_is() {
    let mut selector = selector(1);
    selector.decide(&key(1, 1));
    selector.set_streams(at(500), ActiveStreams::NONE);
    assert_eq!((spatial(selector.target()), selector.reason()), (Some(1), Reason::NoActiveStream));
    assert_eq!(selector.needs_key_frame(), None);
    assert_eq!(selector.decide(&packet(1, 51)), Decision::Forward);
    assert_eq!(Selector::simulcast().needs_key_frame(), None);
}

#[test]
fn reset_and_resume_start_with_a_key_frame() {
    let mut selector = selector(1);
    selector.decide(&key(1, 1));
    selector.pause();
    assert_eq!((selector.current(), selector.needs_key_frame()), (None, None));
    assert_eq!(selector.decide(&key(1, 2)), Decision::Drop);
    selector.resume();
    assert_eq!(selector.needs_key_frame(), Some(1));
    assert_eq!(selector.decide(&packet(1, 3)), Decision::Drop);
    assert_eq!(selector.decide(&key(1, 4)), Decision::Switch);
    selector.reset();
    assert_eq!((selector.current(), selector.needs_key_frame()), (None, None));
    selector.set_streams(at(50), ActiveStreams(0b001));
    assert_eq!(selector.needs_key_frame(), Some(0));
    assert_eq!(selector.decide(&packet(0, 5)), Decision::Drop);
    assert_eq!(selector.decide(&key(0, 6)), Decision::Switch);
}

#[test]
fn temporal_layers_above_the_preferred_are_dropped() {
    let mut selector = selector(1);
    selector.decide(&key(1, 1));
    selector.set_preferred(at(20), Layers { spatial: 1, temporal: 0 });
    let layer = |number, temporal| PacketMeta { temporal_id: Some(temporal), ..packet(1, number) };
    assert_eq!(selector.decide(&layer(3, 2)), Decision::Drop);
    assert_eq!(selector.decide(&layer(4, 0)), Decision::Forward);
    assert_eq!(selector.current(), Some(Layers { spatial: 1, temporal: 0 }));
}

proptest! {
    /// Whatever happens: only the followed stream passes, from its key frame on;
    /// a switch is to the target; and a snapshot decides the same.
    #[test]
    fn decisions_keep_their_promises(
        steps in prop::collection::vec((0..10_u8, 0..4_u8, any::<bool>(), any::<u8>()), 1..300),
    ) {
        let mut selector = Selector::simulcast();
        let mut following = None;
        for (number, (action, stream, keyframe_start, value)) in (0..).zip(steps) {
            let now = at(number * 10);
            match action {
                0 => selector.set_streams(now, ActiveStreams(value)),
                1 => selector.set_preferred(now, Layers { spatial: value % 4, temporal: value % 3 }),
                2 if value < 20 => {
                    selector.reset();
                    following = None;
                }
                3 if value < 20 => {
                    selector.pause();
                    selector.resume();
                    following = None;
                }
                _ => {}
            }
            let packet = PacketMeta { keyframe_start, ..packet(stream, number) };
            let bytes = postcard::to_stdvec(&selector).unwrap();
            let mut restored: Selector = postcard::from_bytes(&bytes).unwrap();
            let decision = selector.decide(&packet);
            prop_assert_eq!(restored.decide(&packet), decision);
            prop_assert_eq!(&restored, &selector);
            match decision {
                Decision::Switch => {
                    prop_assert!(keyframe_start);
                    prop_assert_eq!(spatial(selector.target()), Some(stream));
                    prop_assert_eq!(selector.needs_key_frame(), None);
                    following = Some(stream);
                }
                Decision::Forward => prop_assert_eq!(following, Some(stream)),
                Decision::Drop => {}
            }
            prop_assert_eq!(spatial(selector.current()), following);
        }
    }
}
