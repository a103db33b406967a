//! Who comes late starts at once, with the last key frame that we still have.

use std::time::Duration;

use sfu_core::ConsumerStats;
use sfu_core::engine::{Command, Reply};

use super::sim::{Format, Layout, Link, SinkRef, SourceRef, World};

fn stats(world: &mut World, sink: SinkRef) -> ConsumerStats {
    match world.ok(Command::ConsumerStats(sink.consumer)) {
        Reply::ConsumerStats(stats) => *stats,
        other => panic!("{other:?}"),
    }
}

fn hits(world: &mut World, source: SourceRef) -> u64 {
    match world.ok(Command::ProducerStats(source.producer)) {
        Reply::ProducerStats(stats) => stats.encodings.iter().map(|e| e.cached_key_frames).sum(),
        other => panic!("{other:?}"),
    }
}

/// A publisher whose last key frame was `age` milliseconds ago, and a receiver.
fn call(seed: u64, format: Format, layout: Layout, age: u64) -> (World, SourceRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, format, 1);
    world.source(camera).layout = layout;
    world.subscribe(bob, &[format], Some(camera));
    world.run_millis(4_000);
    world.source(camera).layers[0].want_key = true;
    world.run_millis(age);
    (world, camera)
}

fn formats() -> [(Format, Layout); 6] {
    [
        (Format::Vp8, Layout::Flat),
        (Format::Vp8, Layout::Temporal),
        (Format::H264, Layout::Flat),
        (Format::Vp9, Layout::Svc { key_only: false }),
        (Format::Encrypted, Layout::described("L1T3")),
        (Format::Encrypted, Layout::described("L3T3_KEY")),
    ]
}

#[test]
fn a_late_joiner_starts_at_once_and_asks_nothing() {
    for (format, layout) in formats() {
        let told = format!("{format:?} {layout:?}");
        let (mut world, camera) = call(151, format, layout, 1_500);
        let asked = world.asked(camera);
        let cem = world.plain();
        let joined = world.now;
        let late = world.subscribe(cem, &[format], Some(camera));
        world.run_millis(25);
        let sink = world.sink(late);
        let first = sink.packets.values().next().unwrap_or_else(|| panic!("nothing: {told}"));
        assert!(first.stamp.key && first.stamp.index == 0);
        assert!(first.at.since(joined) <= Duration::from_millis(20), "no more than the way");
        // It is in the present already.
        let newest = sink.packets.values().map(|packet| packet.stamp.capture).max().unwrap();
        assert!(joined.as_nanos() - newest < 200_000_000, "{told}");
        world.run_millis(2_000);
        assert_eq!(world.asked(camera), asked, "{told}");
        assert!(world.sink(late).assert_continuous(0) > 50);
        assert_eq!(stats(&mut world, late).cached_key_frames, 1);
        assert_eq!(hits(&mut world, camera), 1);
    }
}

#[test]
fn late_joiners_of_a_lossy_publisher() {
    for (seed, (format, layout)) in (170..).zip(formats()) {
        let (mut world, camera) = call(seed, format, layout, 100);
        let rough = Link { reorder: 0.1, ..Link::lossy(20, 0.05) };
        world.links(camera.client, rough, Link::new(20));
        let mut late = Vec::new();
        for _ in 0..30 {
            let pause = 40 + world.rng.below(150);
            world.run_millis(pause);
            let client = world.plain();
            late.push(world.subscribe(client, &[format], Some(camera)));
        }
        world.run_millis(4_000);
        for sink in late {
            assert!(world.sink(sink).assert_decodable(60, 3) > 30, "{format:?}");
        }
        let hits = hits(&mut world, camera);
        assert!(hits >= 25, "{hits} of 30 with {format:?}");
    }
}

#[test]
fn of_temporal_layers_only_the_base_is_caught_up_with() {
    for (format, layout) in
        [(Format::Vp8, Layout::Temporal), (Format::Encrypted, Layout::described("L1T3"))]
    {
        let (mut world, camera) = call(152, format, layout, 2_000);
        let cem = world.plain();
        let joined = world.now;
        let late = world.subscribe(cem, &[format], Some(camera));
        world.run_millis(1_000);
        let past = joined.as_nanos() - 60_000_000;
        let sink = world.sink(late);
        let caught = sink.packets.values().filter(|packet| packet.stamp.capture < past);
        assert!(caught.clone().count() <= 2 + 60 / 4, "{}", caught.count());
        let live = sink.packets.values().filter(|packet| packet.stamp.capture >= past);
        assert!(live.filter(|packet| packet.stamp.temporal == 2).count() > 10, "all layers again");
        assert!(sink.assert_continuous(0) > 30);
    }
}

#[test]
fn the_past_is_told_in_a_hurry() {
    let (mut world, camera) = call(153, Format::Vp8, Layout::Flat, 2_000);
    let cem = world.plain();
    let joined = world.now;
    let late = world.subscribe(cem, &[Format::Vp8], Some(camera));
    world.run_millis(1_000);
    let sink = world.sink(late);
    let mut packets = sink.packets.values();
    let first = packets.next().unwrap();
    let live = packets.find(|packet| packet.stamp.capture > joined.as_nanos()).unwrap();
    // Two seconds of pictures take no more time on the receiver's clock than
    // there is between the last of them and the next.
    let ticks = live.timestamp.distance(first.timestamp);
    assert!((0..90_000 / 10).contains(&ticks), "{ticks} ticks");
}

#[test]
fn what_is_too_old_or_too_much_is_asked_for_once() {
    let (mut world, camera) = call(154, Format::Vp8, Layout::Flat, 3_500);
    let asked = world.asked(camera);
    let sinks: Vec<SinkRef> = (0..5)
        .map(|_| {
            let client = world.plain();
            world.subscribe(client, &[Format::Vp8], Some(camera))
        })
        .collect();
    world.run_millis(1_000);
    assert_eq!(world.asked(camera), asked + 1, "too old");
    assert_eq!(hits(&mut world, camera), 0);
    for sink in sinks {
        assert!(world.sink(sink).assert_continuous(0) > 20);
    }
    // 30 packets a picture: a second is 900, more than is kept.
    let (mut world, camera) = call(155, Format::Vp8, Layout::Flat, 10);
    world.source(camera).burst = 30;
    world.run_millis(1_500);
    let asked = world.asked(camera);
    let client = world.plain();
    let sink = world.subscribe(client, &[Format::Vp8], Some(camera));
    world.run_millis(1_000);
    assert_eq!((world.asked(camera), hits(&mut world, camera)), (asked + 1, 0), "too much");
    assert!(world.sink(sink).assert_continuous(0) > 20);
}

#[test]
fn a_slot_that_changes_over_starts_at_once_too() {
    let (mut world, camera) = call(156, Format::Vp8, Layout::Flat, 0);
    let cem = world.plain();
    let other = world.publish(cem, Format::Vp8, 1);
    let viewer = world.plain();
    let slot = world.subscribe(viewer, &[Format::Vp8], Some(other));
    world.run_millis(1_000);
    let asked = world.asked(camera) + world.asked(other);
    for round in 0..10 {
        world.switch(slot, Some([camera, other][round % 2]));
        let changed = world.now;
        world.run_millis(130);
        assert!(world.sink(slot).longest_gap(changed - Duration::from_millis(70)).as_millis() < 80);
    }
    world.run_millis(500);
    assert_eq!(world.asked(camera) + world.asked(other), asked);
    assert!(world.sink(slot).assert_continuous(0) > 60);
    assert_eq!(world.sink(slot).sources().len(), 11);
}

#[test]
fn two_hundred_receivers_cost_the_publisher_one_key_frame() {
    let (mut world, camera) = call(157, Format::Vp8, Layout::Flat, 3_500);
    let asked = world.asked(camera);
    let sinks: Vec<SinkRef> = (0..200)
        .map(|_| {
            let client = world.plain();
            world.clients[client].down = Link::new(20);
            world.subscribe(client, &[Format::Vp8], Some(camera))
        })
        .collect();
    world.run_millis(1_000);
    assert_eq!(world.asked(camera), asked + 1);
    // All of them want one, again and again.
    for _ in 0..20 {
        for sink in &sinks {
            world.pli(*sink);
        }
        world.run_millis(100);
    }
    let asked = world.asked(camera) - asked - 1;
    assert!((3..=5).contains(&asked), "{asked} requests in two seconds");
    for sink in &sinks {
        assert!(world.sink(*sink).assert_continuous(0) > 60);
    }
}

#[test]
fn the_cache_goes_over_to_another_engine() {
    let (mut world, camera) = call(158, Format::Encrypted, Layout::described("L3T3"), 1_000);
    let asked = world.asked(camera);
    world.migrate();
    let cem = world.plain();
    let late = world.subscribe(cem, &[Format::Encrypted], Some(camera));
    world.run_millis(25);
    assert!(world.sink(late).packets.values().next().unwrap().stamp.key);
    world.run_millis(1_000);
    assert_eq!(world.asked(camera), asked);
    assert!(world.sink(late).assert_continuous(0) > 50);
    assert!(world.sink(late).assert_described(0) > 50);
}

#[test]
fn a_pause_ends_what_is_known_of_the_last_key_frame() {
    let mut world = World::new(159);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(1_000);
    for _ in 0..3 {
        world.ok(Command::PauseProducer(camera.producer));
        world.run_millis(700);
        world.ok(Command::ResumeProducer(camera.producer));
        world.run_millis(700);
    }
    assert!(world.sink(sink).assert_continuous(0) > 60);
}

/// The past comes in one burst. What a buffer on the way had no room for is
/// told again at once, though that is far more than a share of the media.
#[test]
fn a_burst_that_was_cut_is_told_again() {
    let (mut world, camera) = call(157, Format::Vp8, Layout::Flat, 2_000);
    let (dan, cem) = (world.plain(), world.plain());
    let other = world.publish(dan, Format::Vp8, 1);
    let slot = world.subscribe(cem, &[Format::Vp8], Some(other));
    world.run_millis(500);
    let before = stats(&mut world, slot).bytes_sent;
    world.links(cem, Link::new(20), Link::lossy(20, 0.9));
    world.switch(slot, Some(camera));
    world.run_millis(10);
    world.links(cem, Link::new(20), Link::new(20));
    let burst = stats(&mut world, slot).bytes_sent - before;
    assert!(burst > 30_000, "{burst}");
    world.run_millis(200);
    world.sink(slot).assert_continuous(0);
}
