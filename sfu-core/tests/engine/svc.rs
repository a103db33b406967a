//! Spatial and temporal layers of VP9 in one stream.

use std::time::Duration;

use sfu_core::Layers;
use sfu_core::engine::Command;

use super::sim::{Format, Layout, Link, SinkRef, SourceRef, World};

fn call(seed: u64, key_only: bool) -> (World, SourceRef, SinkRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp9, 1);
    world.source(camera).layout = Layout::Svc { key_only };
    let sink = world.subscribe(bob, &[Format::Vp9], Some(camera));
    (world, camera, sink)
}

pub(crate) fn prefer(world: &mut World, sink: SinkRef, spatial: u8, temporal: u8) {
    world.ok(Command::SetPreferredLayers(sink.consumer, Layers { spatial, temporal }));
}

/// The highest spatial and temporal layer of the last half second.
pub(crate) fn shown(world: &World, sink: SinkRef) -> (u8, u8) {
    let since = world.now - Duration::from_millis(500);
    let recent = world.sink(sink).packets.values().filter(|packet| packet.at > since);
    let layers = recent.map(|packet| (packet.stamp.spatial, packet.stamp.temporal));
    layers.fold((0, 0), |high, layer| (high.0.max(layer.0), high.1.max(layer.1)))
}

#[test]
fn the_preferred_layers_are_what_comes() {
    for key_only in [false, true] {
        let (mut world, camera, sink) = call(111, key_only);
        world.run_millis(2_000);
        assert_eq!(shown(&world, sink), (2, 2));
        for (spatial, temporal) in [(0, 2), (2, 0), (1, 1), (2, 2), (0, 0), (1, 2)] {
            prefer(&mut world, sink, spatial, temporal);
            let changed = world.now;
            world.run_millis(1_500);
            assert_eq!(shown(&world, sink), (spatial, temporal), "k-SVC: {key_only}");
            let gap = world.sink(sink).longest_gap(changed);
            assert!(gap < Duration::from_millis(300), "{gap:?}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 200);
        assert!(world.asked(camera) <= 8, "{}", world.asked(camera));
    }
}

#[test]
fn full_svc_goes_down_without_a_key_frame() {
    let (mut world, camera, sink) = call(112, false);
    world.run_millis(2_000);
    let asked = world.asked(camera);
    prefer(&mut world, sink, 0, 2);
    world.run_millis(100);
    let before = world.now;
    world.run_millis(400);
    let packets = world.sink(sink).packets.values().filter(|packet| packet.at > before);
    assert!(packets.clone().count() > 8);
    assert!(packets.into_iter().all(|packet| packet.stamp.spatial == 0));
    assert_eq!(world.asked(camera), asked);
}

#[test]
fn layers_that_the_publisher_gives_up_and_takes_up_again() {
    for key_only in [false, true] {
        let (mut world, camera, sink) = call(113, key_only);
        world.run_millis(2_000);
        for active in [2, 3, 1, 3] {
            let source = world.source(camera);
            source.layers[0].want_key = active > source.layers[0].active;
            source.layers[0].active = active;
            let changed = world.now;
            world.run_millis(1_500);
            assert_eq!(shown(&world, sink).0, active - 1, "k-SVC: {key_only}");
            let gap = world.sink(sink).longest_gap(changed);
            assert!(gap < Duration::from_millis(400), "{gap:?} with {active}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 200);
    }
}

#[test]
fn loss_and_reordering_leave_nothing_undecodable() {
    for (seed, key_only) in [(114, false), (114, true), (276, false), (277, true)] {
        let (mut world, camera, sink) = call(seed, key_only);
        let rough = |loss| Link { reorder: 0.05, ..Link::lossy(20, loss) };
        world.links(camera.client, rough(0.05), Link::new(20));
        world.links(sink.client, Link::new(20), rough(0.05));
        for round in 0..20 {
            world.run_millis(700);
            prefer(&mut world, sink, [2, 0, 1][round % 3], [2, 2, 0, 1][round % 4]);
        }
        world.run_millis(2_000);
        assert!(world.sink(sink).assert_decodable(80, 20) > 200);
    }
}

#[test]
fn slots_change_between_svc_and_simulcast_publishers() {
    let (mut world, camera, sink) = call(115, false);
    let cem = world.plain();
    let other = world.publish(cem, Format::Vp9, 1);
    world.source(other).layout = Layout::Svc { key_only: true };
    for round in 0..12 {
        world.run_millis(700);
        world.switch(sink, Some([other, camera][round % 2]));
    }
    world.run_millis(1_000);
    assert!(world.sink(sink).assert_continuous(0) > 200);
    assert!(world.sink(sink).sources().len() >= 12);
}
