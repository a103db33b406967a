//! A receiver gets what is worth most at the sizes at which it shows things,
//! within what its path carries; a publisher is told what nobody wants.
//!
//! The cameras here send 155, 310 and 620 kbit/s in their three layers, which
//! are taken for 180, 360 and 720 lines.

use sfu_core::engine::{Command, Reply};
use sfu_core::{Demand, Event, Explanation, Layers, LayersReason, Time};

use super::sim::{Format, Layout, Link, Rng, SinkRef, SourceRef, World};
use super::svc::{prefer, shown};

const FULL: Demand = Demand::shown(1_280, 720);
const THUMBNAIL: Demand = Demand::shown(320, 180);

fn call(seed: u64, cameras: usize) -> (World, Vec<SourceRef>, Vec<SinkRef>) {
    let mut world = World::new(seed);
    let sources: Vec<SourceRef> = (0..cameras)
        .map(|_| {
            let client = world.plain();
            world.publish(client, Format::Vp8, 3)
        })
        .collect();
    let viewer = world.plain();
    let sinks = sources
        .iter()
        .map(|source| world.subscribe(viewer, &[Format::Vp8], Some(*source)))
        .collect();
    (world, sources, sinks)
}

fn show(world: &mut World, sink: SinkRef, demand: Demand) {
    world.ok(Command::SetDemand(sink.consumer, demand));
}

fn carries(world: &mut World, sink: SinkRef, available: Option<u64>) {
    let transport = world.transport(sink.client);
    world.ok(Command::SetAvailableOutgoingBitrate(transport, available));
}

/// The layer of the newest packet.
fn layer(world: &World, sink: SinkRef) -> u32 {
    (world.sink(sink).last().stamp.source % 1_000) / 10
}

fn explain(world: &mut World, sink: SinkRef) -> Explanation {
    match world.ok(Command::Explain(sink.consumer)) {
        Reply::Explanation(explanation) => *explanation,
        other => panic!("{other:?}"),
    }
}

/// What was told last of a consumer's layers.
fn told(world: &World, sink: SinkRef) -> (Option<u8>, Option<u8>, LayersReason) {
    let mut events = world.events.iter().rev();
    let last = events.find_map(|event| match event {
        Event::ConsumerLayersChanged { consumer, current, target, reason, .. }
            if *consumer == sink.consumer =>
        {
            Some((current.map(|l| l.spatial), target.map(|l| l.spatial), *reason))
        }
        _ => None,
    });
    last.expect("something was told")
}

/// Bits per second that came in packets of the sinks since `since`.
fn rate(world: &World, sinks: &[SinkRef], since: Time) -> f64 {
    let packets: usize = sinks.iter().map(|sink| world.sink(*sink).since(since)).sum();
    // A payload of 600 bytes with its header.
    packets as f64 * 640.0 * 8.0 / world.now.since(since).as_secs_f64()
}

#[test]
fn the_bits_go_where_they_are_seen() {
    let (mut world, _, sinks) = call(61, 3);
    show(&mut world, sinks[0], FULL);
    show(&mut world, sinks[1], THUMBNAIL);
    show(&mut world, sinks[2], Demand::hidden());
    world.run_millis(3_000);
    assert_eq!((layer(&world, sinks[0]), layer(&world, sinks[1])), (2, 0));
    assert_eq!(told(&world, sinks[0]), (Some(2), Some(2), LayersReason::Best));
    assert_eq!(told(&world, sinks[1]), (Some(0), Some(0), LayersReason::Viewport));
    assert_eq!(told(&world, sinks[2]), (None, None, LayersReason::NotShown));
    assert!(world.sink(sinks[2]).packets.is_empty());

    carries(&mut world, sinks[0], Some(540_000));
    world.run_millis(500);
    let since = world.now;
    world.run_millis(8_000);
    assert_eq!((layer(&world, sinks[0]), layer(&world, sinks[1])), (1, 0));
    assert_eq!(told(&world, sinks[0]), (Some(1), Some(1), LayersReason::Bandwidth));
    let used = rate(&world, &sinks, since);
    assert!((400_000.0..540_000.0).contains(&used), "{used} bit/s");

    carries(&mut world, sinks[0], Some(200_000));
    world.run_millis(500);
    let since = world.now;
    world.run_millis(5_000);
    let used = rate(&world, &sinks, since);
    assert!((100_000.0..200_000.0).contains(&used), "{used} bit/s");

    carries(&mut world, sinks[0], Some(5_000_000));
    world.run_millis(6_000);
    assert_eq!(told(&world, sinks[0]).2, LayersReason::Hold);
    world.run_millis(6_000);
    assert_eq!((layer(&world, sinks[0]), layer(&world, sinks[1])), (2, 0));
    for sink in &sinks[..2] {
        assert!(world.sink(*sink).assert_continuous(0) > 100);
    }
}

#[test]
fn what_is_shown_again_comes_at_once() {
    let (mut world, _, sinks) = call(62, 1);
    show(&mut world, sinks[0], THUMBNAIL);
    world.run_millis(2_000);
    show(&mut world, sinks[0], Demand::hidden());
    assert_eq!(told(&world, sinks[0]), (None, None, LayersReason::NotShown));
    // What is on its way still comes.
    world.run_millis(30);
    let hidden = world.now;
    world.run_millis(2_000);
    assert_eq!(world.sink(sinks[0]).since(hidden), 0);
    show(&mut world, sinks[0], FULL);
    world.run_millis(250);
    assert!(world.sink(sinks[0]).since(hidden) > 0, "a round trip and a frame later");
    world.run_millis(2_000);
    assert_eq!(layer(&world, sinks[0]), 2);
    assert!(world.sink(sinks[0]).assert_continuous(0) > 100);
}

#[test]
fn audio_comes_before_any_picture() {
    let (mut world, sources, sinks) = call(63, 1);
    let microphone = world.publish(sources[0].client, Format::Opus, 1);
    let ear = world.subscribe(sinks[0].client, &[Format::Opus], Some(microphone));
    carries(&mut world, ear, Some(150_000));
    world.run_millis(3_000);
    let since = world.now;
    world.run_millis(4_000);
    assert_eq!(world.sink(sinks[0]).since(since), 0);
    assert_eq!(told(&world, sinks[0]), (None, None, LayersReason::Bandwidth));
    assert!(world.sink(ear).since(since) >= 195);
    let explanation = explain(&mut world, sinks[0]);
    assert!((40_000..60_000).contains(&explanation.audio_bitrate), "{explanation:?}");
    carries(&mut world, ear, Some(0));
    world.run_millis(1_000);
    let since = world.now;
    world.run_millis(1_000);
    assert!(world.sink(ear).since(since) >= 45, "whatever the path is said to carry");
}

#[test]
fn preferred_layers_stay_the_most_that_is_sent() {
    let (mut world, _, sinks) = call(64, 1);
    show(&mut world, sinks[0], FULL);
    let layers = Layers { spatial: 1, temporal: u8::MAX };
    world.ok(Command::SetPreferredLayers(sinks[0].consumer, layers));
    world.run_millis(3_000);
    assert_eq!(layer(&world, sinks[0]), 1);
    assert_eq!(told(&world, sinks[0]), (Some(1), Some(1), LayersReason::Preferred));
    world.ok(Command::SetPreferredLayers(sinks[0].consumer, Layers::MAX));
    world.run_millis(1_500);
    assert_eq!(layer(&world, sinks[0]), 2);
}

#[test]
fn every_change_is_told_with_its_reason() {
    let (mut world, sources, sinks) = call(65, 1);
    let sink = sinks[0];
    show(&mut world, sink, FULL);
    world.run_millis(2_000);
    world.ok(Command::PauseConsumer(sink.consumer));
    assert_eq!(told(&world, sink), (None, None, LayersReason::ConsumerPaused));
    world.ok(Command::ResumeConsumer(sink.consumer));
    world.run_millis(500);
    assert_eq!(told(&world, sink), (Some(2), Some(2), LayersReason::Best));
    world.ok(Command::PauseProducer(sources[0].producer));
    assert_eq!(told(&world, sink), (None, None, LayersReason::ProducerPaused));
    world.ok(Command::ResumeProducer(sources[0].producer));
    world.run_millis(500);
    assert_eq!(told(&world, sink).0, Some(2));
    world.switch(sink, None);
    assert_eq!(told(&world, sink), (None, None, LayersReason::Empty));
    world.switch(sink, Some(sources[0]));
    world.run_millis(500);
    assert_eq!(told(&world, sink).0, Some(2));
    world.ok(Command::CloseProducer(sources[0].producer));
    assert_eq!(told(&world, sink), (None, None, LayersReason::Empty));
}

#[test]
fn a_layer_that_does_not_come_is_not_waited_for() {
    let (mut world, sources, sinks) = call(66, 2);
    show(&mut world, sinks[0], FULL);
    show(&mut world, sinks[1], FULL);
    // Room for both in full but for a little.
    carries(&mut world, sinks[0], Some(1_150_000));
    world.run_millis(8_000);
    let top = |world: &World| [layer(world, sinks[0]), layer(world, sinks[1])];
    let mut layers = top(&world);
    layers.sort_unstable();
    assert_eq!(layers, [1, 2], "the room is for one in full");
    let full = usize::from(top(&world)[1] == 2);
    world.source(sources[full]).layers[2].enabled = false;
    world.run_millis(10_000);
    assert_eq!(layer(&world, sinks[full]), 1);
    assert_eq!(told(&world, sinks[full]).2, LayersReason::PublisherDoesNotSend);
    assert_eq!(layer(&world, sinks[1 - full]), 2, "the other has its bits");
    let explanation = explain(&mut world, sinks[full]);
    assert!(explanation.ladder.iter().all(|rung| rung.layers.spatial < 2));
}

#[test]
fn the_explanation_names_what_went_into_the_choice() {
    let (mut world, _, sinks) = call(67, 2);
    show(&mut world, sinks[0], FULL);
    show(&mut world, sinks[1], THUMBNAIL);
    world.run_millis(5_000);
    carries(&mut world, sinks[0], Some(540_000));
    world.run_millis(5_000);
    let explanation = explain(&mut world, sinks[0]);
    assert_eq!(explanation.demand, Some(FULL));
    assert_eq!(explanation.available_bitrate, Some(540_000));
    assert_eq!(explanation.audio_bitrate, 0);
    let truth = 155_000.0;
    let spatial: Vec<u8> = explanation.ladder.iter().map(|rung| rung.layers.spatial).collect();
    assert_eq!(spatial, [0, 1, 2]);
    for rung in &explanation.ladder {
        let expected = truth * f64::from(1 << rung.layers.spatial);
        let ratio = f64::from(rung.bitrate) / expected;
        assert!((0.9..1.15).contains(&ratio), "{rung:?}");
        assert!((27.0..33.0).contains(&rung.frame_rate), "{rung:?}");
    }
    let other = explain(&mut world, sinks[1]);
    assert_eq!(explanation.share + other.share, explanation.video_bitrate);
    assert_eq!(explanation.share, u64::from(explanation.ladder[1].bitrate));
    assert_eq!((explanation.rule, other.rule), (LayersReason::Bandwidth, LayersReason::Viewport));
    assert_eq!(explanation.reason, LayersReason::Bandwidth.text());
}

#[test]
fn the_choice_goes_on_in_a_new_engine() {
    let (mut world, _, sinks) = call(68, 2);
    show(&mut world, sinks[0], FULL);
    show(&mut world, sinks[1], THUMBNAIL);
    world.run_millis(5_000);
    carries(&mut world, sinks[0], Some(540_000));
    world.run_millis(5_000);
    let before = world.events.len();
    world.migrate();
    world.run_millis(5_000);
    let layers = world.events[before..].iter().filter(|event| {
        matches!(event, Event::ConsumerLayersChanged { .. } | Event::ProducerDemandChanged { .. })
    });
    assert_eq!(layers.count(), 0, "nothing changed");
    assert_eq!((layer(&world, sinks[0]), layer(&world, sinks[1])), (1, 0));
    carries(&mut world, sinks[0], None);
    world.run_millis(2_000);
    assert_eq!(layer(&world, sinks[0]), 2);
}

#[test]
fn an_estimate_that_jumps_by_a_fifth_does_not_show() {
    for seed in [71, 72, 73] {
        let (mut world, _, sinks) = call(seed, 3);
        world.links(sinks[0].client, Link::new(20), Link::new(20));
        show(&mut world, sinks[0], FULL);
        for sink in &sinks[1..] {
            show(&mut world, *sink, Demand::shown(640, 360));
        }
        let mut noise = Rng(seed);
        let mut run = |world: &mut World, seconds: u64| {
            for _ in 0..seconds * 5 {
                let jump = 80 + noise.below(41);
                carries(world, sinks[0], Some(9_000 * jump));
                world.run_millis(200);
            }
        };
        run(&mut world, 15);
        let before: Vec<usize> = sinks.iter().map(|s| world.sink(*s).sources().len()).collect();
        run(&mut world, 60);
        for (sink, before) in sinks.iter().zip(before) {
            let flips = world.sink(*sink).sources().len() - before;
            assert!(flips <= 1, "{flips} changes of a picture in a minute, seed {seed}");
        }
    }
}

/// What a publisher was told since there were `seen` events: the highest layer
/// that anybody wants.
fn wanted(world: &World, camera: SourceRef, seen: usize) -> Vec<Option<u8>> {
    let events = world.events[seen..].iter().filter_map(|event| match event {
        Event::ProducerDemandChanged { producer, demand, .. } if *producer == camera.producer => {
            Some(demand.map(|layers| layers.spatial))
        }
        _ => None,
    });
    events.collect()
}

fn enabled(world: &mut World, camera: SourceRef) -> Vec<bool> {
    world.source(camera).layers.iter().map(|layer| layer.enabled).collect()
}

#[test]
fn nobody_wants_it_and_then_somebody_does() {
    let mut world = World::new(74);
    world.saving = true;
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 3);
    world.run_millis(1_000);
    assert_eq!(wanted(&world, camera, 0), [None]);
    assert_eq!(enabled(&mut world, camera), [false; 3]);
    world.run_millis(3_000);

    let asked = world.asked(camera);
    let (joined, seen) = (world.now, world.events.len());
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    show(&mut world, sink, THUMBNAIL);
    let told = wanted(&world, camera, seen);
    assert!(told.last().unwrap().is_some(), "told with the command, before any time passes");
    assert_eq!(world.asked(camera), asked, "the publisher has not been asked yet");
    world.run_millis(400);
    assert!(world.sink(sink).since(joined) > 0, "the first viewer sees something");
    world.run_millis(1_000);
    assert_eq!(enabled(&mut world, camera), [true, false, false]);

    show(&mut world, sink, FULL);
    world.run_millis(3_000);
    assert_eq!(layer(&world, sink), 2, "the ladder holds what is not sent at present");
    show(&mut world, sink, THUMBNAIL);
    world.run_millis(1_000);
    assert_eq!(enabled(&mut world, camera), [true, false, false], "within a second");
    let before = world.source(camera).layers.iter().map(|layer| layer.packets).sum::<u32>();
    world.ok(Command::CloseConsumer(sink.consumer));
    world.run_millis(1_000);
    assert_eq!(wanted(&world, camera, seen).last(), Some(&None));
    assert_eq!(enabled(&mut world, camera), [false; 3]);
    let sent = world.source(camera).layers.iter().map(|layer| layer.packets).sum::<u32>();
    assert!(sent - before < 25, "it rests within a second: {}", sent - before);
    assert!(world.sink(sink).assert_continuous(0) > 60);
}

#[test]
fn demand_is_the_union_of_all_receivers() {
    let (mut world, sources, sinks) = call(75, 1);
    world.saving = true;
    let (camera, first) = (sources[0], sinks[0]);
    let carol = world.plain();
    let second = world.subscribe(carol, &[Format::Vp8], Some(camera));
    let seen = world.events.len();
    show(&mut world, first, THUMBNAIL);
    show(&mut world, second, FULL);
    world.run_millis(2_000);
    assert_eq!(wanted(&world, camera, seen), [], "the highest was told when the first came");
    let last = |world: &World| *wanted(world, camera, seen).last().unwrap();
    carries(&mut world, second, Some(400_000));
    world.run_millis(1_000);
    assert_eq!(last(&world), Some(1), "for want of bandwidth");
    world.ok(Command::PauseConsumer(second.consumer));
    world.run_millis(1_000);
    assert_eq!(last(&world), Some(0));
    show(&mut world, first, Demand::hidden());
    world.run_millis(1_000);
    assert_eq!(last(&world), None);
    world.ok(Command::ResumeConsumer(second.consumer));
    world.run_millis(100);
    assert_eq!(last(&world), Some(1));
}

#[test]
fn turning_pages_costs_no_pauses() {
    let (mut world, sources, sinks) = call(76, 1);
    world.saving = true;
    show(&mut world, sinks[0], THUMBNAIL);
    world.run_millis(2_000);
    let seen = world.events.len();
    for _ in 0..10 {
        show(&mut world, sinks[0], Demand::hidden());
        world.run_millis(300);
        show(&mut world, sinks[0], THUMBNAIL);
        world.run_millis(300);
    }
    assert_eq!(wanted(&world, sources[0], seen), []);
}

fn layered(seed: u64, format: Format, layout: Layout) -> (World, SourceRef, SinkRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, format, 1);
    world.source(camera).layout = layout;
    let sink = world.subscribe(bob, &[format], Some(camera));
    (world, camera, sink)
}

fn layouts() -> [(Format, Layout); 4] {
    [
        (Format::Vp9, Layout::Svc { key_only: false }),
        (Format::Vp9, Layout::Svc { key_only: true }),
        (Format::Encrypted, Layout::described("L3T3")),
        (Format::Encrypted, Layout::described("L3T3_KEY")),
    ]
}

#[test]
fn each_layer_is_charged_with_what_its_receiver_is_sent() {
    for (format, layout) in layouts() {
        let (mut world, _, sink) = layered(77, format, layout.clone());
        world.run_millis(15_000);
        let ladder = explain(&mut world, sink).ladder;
        assert_eq!(ladder.len(), 9, "{layout:?}");
        for rung in ladder {
            prefer(&mut world, sink, rung.layers.spatial, rung.layers.temporal);
            world.run_millis(1_000);
            assert_eq!(shown(&world, sink), (rung.layers.spatial, rung.layers.temporal));
            let since = world.now;
            world.run_millis(3_000);
            let ratio = f64::from(rung.bitrate) / rate(&world, &[sink], since);
            assert!((0.85..1.2).contains(&ratio), "{ratio} for {rung:?} of {layout:?}");
        }
    }
}

#[test]
fn layers_of_one_stream_rest_and_come_back() {
    for (format, layout) in layouts() {
        let (mut world, camera, sink) = layered(78, format, layout.clone());
        world.saving = true;
        world.run_millis(3_000);
        for (demand, expected) in [(THUMBNAIL, 0), (FULL, 2), (Demand::shown(640, 360), 1)] {
            show(&mut world, sink, demand);
            world.run_millis(12_000);
            assert_eq!(world.source(camera).layers[0].active, expected + 1, "{layout:?}");
            assert_eq!(shown(&world, sink).0, expected, "{layout:?}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 500);
    }
}
