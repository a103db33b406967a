//! Layers told by dependency descriptors, of payloads that cannot be read.

use std::time::Duration;

use sfu_core::LayersReason;
use sfu_core::engine::{Command, Reply};
use sfu_core::wire::codec::dd::DdReader;
use sfu_core::wire::rtp::ExtensionKind;

use super::sim::{Format, Frugal, Layout, Link, SinkRef, SourceRef, World};
use super::svc::{prefer, shown};

fn call(seed: u64, mode: &str) -> (World, SourceRef, SinkRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Encrypted, 1);
    world.source(camera).layout = Layout::described(mode);
    let sink = world.subscribe(bob, &[Format::Encrypted], Some(camera));
    (world, camera, sink)
}

#[test]
fn the_preferred_layers_are_what_comes() {
    for mode in ["L1T3", "L3T1", "L3T3", "L3T3_KEY"] {
        let (mut world, camera, sink) = call(121, mode);
        let layout = world.source(camera).layout.clone();
        let highest = (layout.spatial_layers() - 1, if mode == "L3T1" { 0 } else { 2 });
        world.run_millis(2_000);
        assert_eq!(shown(&world, sink), highest, "{mode}");
        for (spatial, temporal) in [(0, 2), (2, 0), (1, 1), (2, 2), (0, 0), (1, 2)] {
            prefer(&mut world, sink, spatial, temporal);
            let changed = world.now;
            world.run_millis(1_500);
            let expected = (spatial.min(highest.0), temporal.min(highest.1));
            assert_eq!(shown(&world, sink), expected, "{mode}");
            let gap = world.sink(sink).longest_gap(changed);
            assert!(gap < Duration::from_millis(300), "{gap:?} in {mode}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 200);
        assert!(world.sink(sink).assert_described(0) > 200);
        assert!(world.asked(camera) <= 8, "{} in {mode}", world.asked(camera));
    }
}

/// The highest spatial layer of which the receiver was told that it is sent.
fn told(world: &World, sink: SinkRef) -> u8 {
    let mut reader = DdReader::default();
    let mut active = 0;
    for packet in world.sink(sink).packets.values() {
        let descriptor = packet.descriptor.as_ref().unwrap();
        active = reader.read(descriptor).unwrap().active_decode_targets;
    }
    let targets = (0..32).filter(|target| active & (1 << target) != 0);
    targets.map(|target| reader.layers_of_decode_target(target).unwrap().0).max().unwrap()
}

/// The structure comes with the lowest layer, of which a receiver of the
/// highest gets nothing.
#[test]
fn a_receiver_of_a_layer_without_structure_is_sent_it() {
    let (mut world, camera, sink) = call(122, "S3T3");
    world.run_millis(3_000);
    world.source(camera).layers[0].want_key = true;
    world.run_millis(3_000);
    assert_eq!(shown(&world, sink), (2, 2));
    let sink = world.sink(sink);
    assert!(sink.packets.values().all(|packet| packet.stamp.spatial == 2));
    assert!(sink.assert_described(0) > 150);
    assert!(sink.assert_continuous(0) > 150);
}

#[test]
fn what_is_sent_again_has_the_structure_again() {
    for (seed, mode) in [(123, "S3T3"), (124, "L3T3"), (125, "L3T3_KEY")] {
        let (mut world, camera, sink) = call(seed, mode);
        let rough = |loss| Link { reorder: 0.05, ..Link::lossy(20, loss) };
        world.links(camera.client, rough(0.05), Link::new(20));
        world.run_millis(500);
        world.links(sink.client, Link::new(20), rough(0.1));
        for round in 0..20 {
            world.run_millis(700);
            prefer(&mut world, sink, [2, 0, 1][round % 3], [2, 2, 0, 1][round % 4]);
            world.source(camera).layers[0].want_key |= round % 5 == 4;
        }
        world.run_millis(2_000);
        let sink = world.sink(sink);
        assert!(sink.repaired > 30);
        assert!(sink.assert_decodable(80, 20) > 200);
    }
}

#[test]
fn slots_change_between_publishers_with_other_structures() {
    let (mut world, camera, sink) = call(126, "L3T3");
    let others: Vec<SourceRef> = ["L1T3", "L3T3_KEY", "S3T3"]
        .map(|mode| {
            let client = world.plain();
            let source = world.publish(client, Format::Encrypted, 1);
            world.source(source).layout = Layout::described(mode);
            source
        })
        .into();
    for round in 0..20 {
        world.run_millis(150 + 97 * round % 600);
        let next = [others[0], camera, others[1], others[2]][round as usize % 4];
        world.switch(sink, Some(next));
    }
    world.run_millis(1_000);
    assert!(world.sink(sink).assert_described(0) > 150);
    assert!(world.sink(sink).assert_continuous(0) > 150);
    assert!(world.sink(sink).sources().len() >= 20);
}

#[test]
fn simulcast_of_described_streams() {
    let mut world = World::new(127);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    world.run_millis(1_000);
    let camera = world.publish(ann, Format::Encrypted, 3);
    world.source(camera).layout = Layout::described("L1T3");
    let sink = world.subscribe(bob, &[Format::Encrypted], Some(camera));
    for spatial in [2, 0, 1, 2, 1, 0] {
        prefer(&mut world, sink, spatial, 2);
        world.run_millis(2_000);
        let layer = world.sink(sink).last().stamp.source % 1_000 / 10;
        assert_eq!(layer, u32::from(spatial));
        assert_eq!(shown(&world, sink), (0, 2));
        prefer(&mut world, sink, spatial, 0);
        world.run_millis(1_000);
        assert_eq!(shown(&world, sink), (0, 0));
    }
    assert!(world.sink(sink).assert_described(0) > 200);
    assert!(world.sink(sink).assert_continuous(0) > 200);
}

/// The packet with the structure is lost, and comes again after those that
/// need it to be read.
#[test]
fn packets_that_overtake_their_structure_wait_for_it() {
    let (mut world, camera, sink) = call(128, "L3T3");
    world.links(camera.client, Link { reorder: 0.3, ..Link::lossy(20, 0.1) }, Link::new(20));
    world.run_millis(10_000);
    assert!(world.sink(sink).assert_decodable(80, 3) > 300);
}

/// Encoders leave out layer frames to keep their bit rate. Without the middle
/// layer the lowest one ends a picture for who gets two layers.
#[test]
fn pictures_whose_upper_layer_was_left_out_end_where_they_end() {
    for seed in 131..135 {
        let (mut world, camera, sink) = call(seed, "L3T3");
        world.source(camera).layers[0].frugal = Some(Frugal::new(seed, 20));
        world.run_millis(1_500);
        // Where a layer frame is missing, the next one may build on the one that was
        // in its place a cycle ago: temporal layers come back with a key frame only.
        for (spatial, temporal) in [(0, 2), (2, 2), (1, 2), (2, 2), (0, 1), (1, 2), (0, 0), (1, 2)]
        {
            prefer(&mut world, sink, spatial, temporal);
            let changed = world.now;
            world.run_millis(2_000);
            assert_eq!(shown(&world, sink), (spatial, temporal));
            assert_eq!(told(&world, sink), spatial);
            let gap = world.sink(sink).longest_gap(changed);
            assert!(gap < Duration::from_millis(400), "{gap:?} at {spatial} {temporal}");
        }
        let encoder = world.source(camera).layers[0].frugal.as_ref().unwrap();
        assert!(encoder.gaps > 50 && encoder.stale > 0, "{encoder:?}");
        assert!(world.sink(sink).assert_continuous(0) > 400);
        assert!(world.sink(sink).assert_described(0) > 400);
    }
}

#[test]
fn so_they_do_where_packets_are_lost_and_overtaken() {
    for seed in 141..145 {
        let (mut world, camera, sink) = call(seed, "L3T3");
        world.source(camera).layers[0].frugal = Some(Frugal::new(seed, 20));
        world.links(camera.client, Link { reorder: 0.05, ..Link::lossy(20, 0.03) }, Link::new(20));
        world.run_millis(500);
        world.links(sink.client, Link::new(20), Link { reorder: 0.05, ..Link::lossy(20, 0.03) });
        for round in 0..20 {
            world.run_millis(700);
            prefer(&mut world, sink, [2, 0, 1][round % 3], [2, 2, 0, 1][round % 4]);
            world.source(camera).layers[0].want_key |= round % 5 == 4;
        }
        prefer(&mut world, sink, 2, 2);
        world.run_millis(1_500);
        // Down, without a key frame that would tell it anew.
        prefer(&mut world, sink, 1, 2);
        world.run_millis(1_500);
        assert_eq!((shown(&world, sink), told(&world, sink)), ((1, 2), 1));
        let sink = world.sink(sink);
        assert!(sink.repaired > 10);
        assert!(sink.assert_decodable(80, 8) > 300);
    }
}

/// A call whose receiver takes no dependency descriptors, or does.
fn call_without(seed: u64, mode: &str, takes: bool) -> (World, SourceRef, [SinkRef; 2]) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Encrypted, 1);
    world.source(camera).layout = Layout::described(mode);
    let sinks = [0, 1].map(|_| {
        let mut config = world.slot(bob, &[Format::Encrypted], Some(camera));
        if !takes {
            config.extensions.remove(ExtensionKind::DependencyDescriptor);
        }
        world.subscribe_with(bob, &[Format::Encrypted], config)
    });
    (world, camera, sinks)
}

/// Asks for a key frame with each picture, as a receiver does that cannot decode.
fn complain(world: &mut World, sink: SinkRef, times: u32) {
    for _ in 0..times {
        world.pli(sink);
        world.run_millis(90);
    }
}

fn rule(world: &mut World, sink: SinkRef) -> LayersReason {
    let reply = world.ok(Command::Explain(sink.consumer));
    let Reply::Explanation(explanation) = reply else { panic!("{reply:?}") };
    if explanation.rule == LayersReason::NoDescriptor {
        assert_eq!(explanation.reason, LayersReason::NoDescriptor.text());
    }
    explanation.rule
}

#[test]
fn a_receiver_that_decodes_without_descriptors_gets_all_layers() {
    for (seed, mode) in [(151, "L3T3"), (152, "L3T3_KEY")] {
        let (mut world, _, [sink, _]) = call_without(seed, mode, false);
        world.run_millis(2_000);
        // Now and then a key frame is lost, for a second even.
        for _ in 0..5 {
            complain(&mut world, sink, 5);
            world.run_millis(700);
        }
        for (spatial, temporal) in [(0, 2), (2, 2), (1, 2), (2, 0), (2, 2)] {
            prefer(&mut world, sink, spatial, temporal);
            world.run_millis(1_500);
            assert_eq!(shown(&world, sink), (spatial, temporal), "{mode}");
        }
        assert!(world.sink(sink).packets.values().all(|packet| packet.descriptor.is_none()));
        assert!(world.sink(sink).assert_continuous(0) > 200);
    }
}

#[test]
fn one_that_does_not_gets_the_lowest_layer() {
    for (seed, mode) in [(153, "L3T3"), (154, "L3T3_KEY")] {
        let (mut world, camera, [sink, other]) = call_without(seed, mode, false);
        world.run_millis(2_000);
        complain(&mut world, sink, 8);
        world.run_millis(1_000);
        let asked = world.asked(camera);
        for sink in [sink, other] {
            assert_eq!(shown(&world, sink), (0, 2), "{mode}: they have one decoder");
            assert_eq!(rule(&mut world, sink), LayersReason::NoDescriptor);
            prefer(&mut world, sink, 2, 1);
            world.run_millis(1_000);
            assert_eq!(shown(&world, sink), (0, 1), "{mode}");
            prefer(&mut world, sink, 0, 2);
            world.run_millis(500);
            assert_eq!(rule(&mut world, sink), LayersReason::Preferred, "it has what it wants");
        }
        assert_eq!(world.asked(camera), asked, "nobody needs key frames");
        assert!(world.sink(sink).assert_continuous(0) > 150);

        // With descriptors it is not for the lack of them.
        let (mut world, _, [sink, _]) = call_without(seed, mode, true);
        world.run_millis(2_000);
        complain(&mut world, sink, 20);
        world.run_millis(500);
        assert_eq!(shown(&world, sink), (2, 2), "{mode}");
    }
}
