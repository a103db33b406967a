//! A receiver that takes all encodings of a producer gets each as it is, as
//! through a pipe, over a transport of any kind.

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    CloseReason, CommandError, Demand, Event, Explanation, Layers, LayersReason, SrtpProfile,
};

use super::sim::{Format, Link, SinkRef, SourceRef, World};

/// Ann publishes, and Bob takes all of it.
fn call(seed: u64, bob: impl FnOnce(&mut World) -> usize) -> (World, SourceRef, Vec<SinkRef>) {
    let mut world = World::new(seed);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 3);
    let bob = bob(&mut world);
    let sinks = world.subscribe_all(bob, camera);
    (world, camera, sinks)
}

/// The layers of which packets came.
fn layers(world: &World, sink: SinkRef) -> Vec<u32> {
    let sources = world.sink(sink).sources();
    sources.iter().map(|source| (source % 1_000) / 10).collect()
}

fn explain(world: &mut World, sink: SinkRef) -> Explanation {
    match world.ok(Command::Explain(sink.consumer)) {
        Reply::Explanation(explanation) => *explanation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_encoding_comes_as_it_is_under_an_ssrc_of_its_own() {
    let kinds: [fn(&mut World) -> usize; 3] = [
        World::plain,
        |world| world.plain_with(Some(SrtpProfile::AeadAes128Gcm), false),
        World::webrtc,
    ];
    for (at, bob) in (0..).zip(kinds) {
        let (mut world, camera, sinks) = call(511 + at, bob);
        assert_eq!(sinks.len(), 3);
        world.run_millis(4_000);
        for (layer, sink) in (0..).zip(&sinks) {
            assert_eq!(layers(&world, *sink), [layer], "transport {at}");
            assert!(world.sink(*sink).assert_continuous(0) > 80, "transport {at}");
        }
        // Nothing is ever switched, and so nothing is asked for but the start.
        assert!(world.asked(camera) <= 6, "{} on transport {at}", world.asked(camera));
        // One that the publisher gives up leaves the others alone.
        world.source(camera).layers[2].enabled = false;
        world.run_millis(2_000);
        let counts = |world: &World| [0, 1, 2].map(|at| world.sink(sinks[at]).packets.len());
        let before = counts(&world);
        world.run_millis(1_000);
        let after = counts(&world);
        assert!(after[0] > before[0] + 20 && after[1] > before[1] + 20, "{before:?} {after:?}");
        assert_eq!(after[2], before[2]);
    }
}

#[test]
fn what_gets_lost_is_sent_again_on_each() {
    let (mut world, camera, sinks) = call(521, World::plain);
    world.links(camera.client, Link::new(20), Link::new(20));
    world.links(sinks[0].client, Link::new(20), Link::lossy(20, 0.05));
    world.run_millis(6_000);
    world.links(sinks[0].client, Link::new(20), Link::new(20));
    world.run_millis(1_000);
    for sink in sinks {
        assert!(world.sink(sink).assert_continuous(0) > 120);
        assert!(world.sink(sink).repaired > 3, "{}", world.sink(sink).repaired);
    }
}

#[test]
fn a_key_frame_is_asked_of_the_encoding_that_needs_it() {
    let (mut world, camera, sinks) = call(522, World::plain);
    world.run_millis(3_000);
    let asked = |world: &mut World| {
        let layers = &world.source(camera).layers;
        [0, 1, 2].map(|at: usize| layers[at].asked.len())
    };
    let before = asked(&mut world);
    world.pli(sinks[1]);
    world.run_millis(500);
    let after = asked(&mut world);
    assert_eq!(after, [before[0], before[1] + 1, before[2]]);
    world.ok(Command::RequestKeyFrame(sinks[2].consumer));
    world.run_millis(500);
    assert_eq!(asked(&mut world), [after[0], after[1], after[2] + 1]);
}

#[test]
fn other_video_has_to_do_with_what_is_left() {
    let (mut world, _, sinks) = call(523, World::plain);
    let bob = sinks[0].client;
    let eve = world.plain();
    let second = world.publish(eve, Format::Vp8, 3);
    let view = world.subscribe(bob, &[Format::Vp8], Some(second));
    world.ok(Command::SetDemand(view.consumer, Demand::shown(1_280, 720)));
    world.run_millis(3_000);
    assert_eq!(layers(&world, view).last(), Some(&2), "without a limit");
    // The three layers need 1,085 kbit/s, and the view 155, 310 or 620.
    let transport = world.transport(bob);
    let limit = |world: &mut World, kbits: u64| {
        world.ok(Command::SetAvailableOutgoingBitrate(transport, Some(1_000 * kbits)));
        world.run_millis(1_000);
        let told = explain(world, view);
        (told.current, told.reason)
    };
    let scarce = LayersReason::Bandwidth.text().to_owned();
    assert_eq!(limit(&mut world, 1_600), (Some(1), scarce.clone()));
    assert_eq!(limit(&mut world, 1_330), (Some(0), scarce));
    let told = explain(&mut world, view);
    assert!((1_000_000..1_200_000).contains(&told.audio_bitrate), "{}", told.audio_bitrate);
    for (layer, sink) in (0..).zip(&sinks) {
        assert_eq!(layers(&world, *sink), [layer], "they are never chosen");
        assert!(world.sink(*sink).assert_continuous(0) > 100);
    }
    let told = world.events.iter().any(|event| match event {
        Event::ConsumerLayersChanged { consumer, .. } => {
            sinks.iter().any(|sink| sink.consumer == *consumer)
        }
        _ => false,
    });
    assert!(!told, "there is no choice to tell of");
}

#[test]
fn the_publisher_is_told_that_all_of_it_is_wanted() {
    let (mut world, camera, sinks) = call(524, World::plain);
    world.run_millis(1_500);
    let demand = |world: &World| {
        let mut events = world.events.iter().rev();
        events.find_map(|event| match event {
            Event::ProducerDemandChanged { producer, demand, .. }
                if *producer == camera.producer =>
            {
                Some(*demand)
            }
            _ => None,
        })
    };
    let all = Layers { spatial: 2, temporal: u8::MAX };
    assert_eq!(demand(&world), Some(Some(all)));
    for sink in &sinks {
        world.ok(Command::PauseConsumer(sink.consumer));
    }
    world.run_millis(1_500);
    assert_eq!(demand(&world), Some(None));
    let counts = |world: &World| [0, 1, 2].map(|at| world.sink(sinks[at]).packets.len());
    let before = counts(&world);
    world.run_millis(1_000);
    assert_eq!(counts(&world), before);
    for sink in &sinks {
        world.ok(Command::ResumeConsumer(sink.consumer));
    }
    world.run_millis(2_000);
    assert_eq!(demand(&world), Some(Some(all)));
    for sink in &sinks {
        assert!(world.sink(*sink).assert_continuous(0) > 60);
    }
}

#[test]
fn they_outlive_a_migration_and_end_with_their_producer() {
    let (mut world, camera, sinks) = call(525, World::webrtc);
    world.run_millis(2_000);
    world.migrate();
    let asked = world.asked(camera);
    world.run_millis(2_000);
    for (layer, sink) in (0..).zip(&sinks) {
        assert_eq!(layers(&world, *sink), [layer]);
        assert!(world.sink(*sink).assert_continuous(0) > 80);
    }
    assert_eq!(world.asked(camera), asked);
    let switched = world.command(Command::SwitchConsumer(sinks[1].consumer, None));
    assert!(matches!(switched, Err(CommandError::Piped(_))), "{switched:?}");
    world.ok(Command::CloseProducer(camera.producer));
    world.run_millis(100);
    let closed: Vec<_> = (world.events.iter())
        .filter_map(|event| match event {
            Event::ConsumerClosed { consumer, reason, .. } => Some((*consumer, *reason)),
            _ => None,
        })
        .collect();
    for sink in &sinks {
        assert!(closed.contains(&(sink.consumer, CloseReason::OriginClosed)), "{closed:?}");
    }
    assert_eq!(closed.len(), 3);
}
