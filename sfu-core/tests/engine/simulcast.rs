//! A slot gets one layer of a simulcast publisher, and changes only at key
//! frames.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{Event, Explanation, Layers};

use super::sim::{Format, Link, SinkRef, SourceRef, World};

fn call(seed: u64, format: Format) -> (World, SourceRef, SinkRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, format, 3);
    let sink = world.subscribe(bob, &[format], Some(camera));
    (world, camera, sink)
}

fn prefer(world: &mut World, sink: SinkRef, spatial: u8) {
    let layers = Layers { spatial, temporal: u8::MAX };
    world.ok(Command::SetPreferredLayers(sink.consumer, layers));
}

fn explain(world: &mut World, sink: SinkRef) -> Explanation {
    match world.ok(Command::Explain(sink.consumer)) {
        Reply::Explanation(explanation) => *explanation,
        other => panic!("{other:?}"),
    }
}

/// The layer of the newest packet.
fn layer(world: &World, sink: SinkRef) -> u32 {
    (world.sink(sink).last().stamp.source % 1_000) / 10
}

#[test]
fn the_preferred_layer_is_what_comes() {
    for format in [Format::Vp8, Format::H264] {
        let (mut world, camera, sink) = call(41, format);
        world.run_millis(3_000);
        assert_eq!(layer(&world, sink), 2);
        for spatial in [0, 2, 1, 0, 1, 2] {
            prefer(&mut world, sink, spatial);
            world.run_millis(1_500);
            assert_eq!(layer(&world, sink), u32::from(spatial));
        }
        assert!(world.sink(sink).assert_continuous(0) > 300);
        assert!(world.asked(camera) <= 10);
        let told = world.events.iter().filter_map(|event| match event {
            Event::ConsumerLayersChanged { current, .. } => current.map(|layers| layers.spatial),
            _ => None,
        });
        // Each change is told twice: as the target, and when it has come.
        let mut told: Vec<u8> = told.collect();
        told.dedup();
        assert!(told.ends_with(&[2, 0, 2, 1, 0, 1, 2]), "{told:?}");
    }
}

#[test]
fn it_falls_and_rises_with_what_the_publisher_sends() {
    let (mut world, camera, sink) = call(42, Format::Vp8);
    world.run_millis(3_000);
    for (enabled, expected) in [
        ([true, true, false], 1),
        ([true, false, false], 0),
        ([true, true, false], 1),
        ([true, true, true], 2),
        ([false, true, false], 1),
        ([false, false, true], 2),
    ] {
        for (layer, enabled) in world.source(camera).layers.iter_mut().zip(enabled) {
            layer.enabled = enabled;
        }
        let changed = world.now;
        world.run_millis(2_500);
        assert_eq!(layer(&world, sink), expected, "with {enabled:?}");
        let gap = world.sink(sink).packets.values().filter(|packet| packet.at > changed);
        let times: Vec<_> = gap.map(|packet| packet.at).collect();
        let longest = times.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
        assert!(longest < Duration::from_millis(900), "a gap of {longest:?} with {enabled:?}");
    }
    assert!(world.sink(sink).assert_continuous(0) > 300);
}

#[test]
fn switches_under_loss_leave_nothing_undecodable() {
    let (mut world, camera, sink) = call(43, Format::Vp8);
    world.links(camera.client, Link::lossy(20, 0.08), Link::new(20));
    world.links(sink.client, Link::new(20), Link::lossy(20, 0.08));
    for round in 0..30 {
        world.run_millis(700);
        prefer(&mut world, sink, [2, 0, 1][round % 3]);
    }
    world.run_millis(2_000);
    assert!(world.sink(sink).assert_decodable(120, 30) > 300);
    assert!(world.sink(sink).sources().len() > 10);
}

#[test]
fn the_choice_can_be_explained() {
    let (mut world, camera, sink) = call(44, Format::Vp8);
    world.run_millis(3_000);
    let explanation = explain(&mut world, sink);
    assert_eq!(explanation.active_encodings, [true, true, true]);
    assert_eq!((explanation.target, explanation.current), (Some(2), Some(2)));
    world.source(camera).layers[2].enabled = false;
    world.run_millis(2_000);
    let explanation = explain(&mut world, sink);
    assert_eq!(explanation.active_encodings, [true, true, false]);
    assert_eq!((explanation.target, explanation.current), (Some(1), Some(1)));
    assert!(!explanation.awaits_key_frame);
    world.ok(Command::PauseConsumer(sink.consumer));
    let explanation = explain(&mut world, sink);
    assert_eq!(explanation.reason, "the consumer is paused");
    world.switch(sink, None);
    assert_eq!(explain(&mut world, sink).reason, "the slot is empty");
}
