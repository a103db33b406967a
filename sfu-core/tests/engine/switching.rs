//! Changing over, between layers and between publishers: without a freeze,
//! without a request that is not needed, and in step with the sound.

use std::time::Duration;

use sfu_core::Time;
use sfu_core::wire::rtcp::NtpTime;

use super::sim::{Format, Link, Received, Sink, SinkRef, SourceRef, World};
use super::svc::prefer;

fn call(seed: u64) -> (World, SourceRef, SinkRef) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 3);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    (world, camera, sink)
}

#[test]
fn a_fresh_key_frame_of_the_target_is_used_again() {
    let (mut world, camera, sink) = call(131);
    prefer(&mut world, sink, 0, 9);
    world.run_millis(4_000);
    // The target's key frame comes before the target changes.
    world.source(camera).layers[2].want_key = true;
    world.run_millis(200);
    let asked = world.asked(camera);
    prefer(&mut world, sink, 2, 9);
    world.run_millis(50);
    assert_eq!(world.sink(sink).last().stamp.source % 1_000, 20, "at once");
    world.run_millis(1_000);
    assert_eq!(world.asked(camera), asked);
    assert!(world.sink(sink).assert_continuous(0) > 100);
    // An old one is not: what came since would be too much.
    prefer(&mut world, sink, 0, 9);
    world.run_millis(2_000);
    let asked = world.asked(camera);
    prefer(&mut world, sink, 2, 9);
    world.run_millis(1_000);
    assert_eq!(world.asked(camera), asked + 1);
}

#[test]
fn loss_and_reordering_do_not_freeze_a_switch() {
    for seed in 132..136 {
        let (mut world, camera, sink) = call(seed);
        let rough = Link { reorder: 0.1, ..Link::lossy(20, 0.03) };
        world.links(camera.client, rough.clone(), Link::new(20));
        world.run_millis(2_000);
        let (start, asked) = (world.now, world.asked(camera));
        for round in 0..20 {
            prefer(&mut world, sink, [0, 2, 1][round % 3], 9);
            world.run_millis(900);
        }
        world.run_millis(500);
        let sink = world.sink(sink);
        assert!(sink.assert_decodable(60, 6) > 400, "seed {seed}");
        let gap = sink.longest_gap(start);
        assert!(gap < Duration::from_millis(300), "{gap:?} with seed {seed}");
        let asked = world.asked(camera) - asked;
        assert!(asked <= 40, "{asked} requests for 20 switches with seed {seed}");
    }
}

/// When a packet was captured, in nanoseconds, as its slot's reports tell: by
/// the last one before it, or else the first.
fn told(sink: &Sink, packet: &Received, rate: i128) -> Option<i128> {
    let before = sink.reports.iter().rev().find(|(at, _)| *at <= packet.at);
    let (_, report) = before.or_else(|| sink.reports.first())?;
    let ntp = nanos(report.ntp);
    let ticks = i128::from(packet.timestamp.distance(report.rtp));
    Some(ntp + ticks * 1_000_000_000 / rate)
}

fn nanos(ntp: NtpTime) -> i128 {
    (i128::from(ntp.0) * 1_000_000_000) >> 32
}

/// Distances of what a slot's reports tell from the truth, per packet.
fn errors(sink: &Sink, rate: i128, from: Time, hurried: impl Fn(&Received) -> bool) -> Vec<i128> {
    let packets = sink.packets.values().filter(|packet| packet.at >= from && !hurried(packet));
    let told = packets
        .filter_map(|packet| Some(told(sink, packet, rate)? - i128::from(packet.stamp.capture)));
    told.collect()
}

fn spread(errors: &[i128]) -> i128 {
    errors.iter().max().unwrap() - errors.iter().min().unwrap()
}

/// Sound and picture of publishers whose clocks have nothing to do with each
/// other, through a hundred switches between layers and between publishers:
/// whatever the receiver plays together was captured together, to 5 ms.
#[test]
fn lip_sync() {
    for seed in 141..144 {
        let mut world = World::new(seed);
        let publishers = [world.plain(), world.plain(), world.plain()];
        let viewer = world.plain();
        let mut cameras = Vec::new();
        let mut microphones = Vec::new();
        for (at, ppm) in publishers.into_iter().zip([100, -100, 37]) {
            let link = Link { jitter: Duration::from_millis(4), ..Link::new(20) };
            world.links(at, link, Link::new(20));
            world.clients[at].clock.1 = ppm;
            cameras.push(world.publish(at, Format::Vp8, 3));
            microphones.push(world.publish(at, Format::Opus, 1));
            for source in &mut world.clients[at].sources {
                source.capture_times = true;
            }
        }
        let video = world.subscribe(viewer, &[Format::Vp8], None);
        let audio = world.subscribe(viewer, &[Format::Opus], None);
        // Time enough for the publishers' first reports.
        world.run_millis(3_000);
        let start = world.now;
        for round in 0..100 {
            if round % 2 == 0 {
                let next = world.rng.below(3) as usize;
                world.switch(video, Some(cameras[next]));
                world.switch(audio, Some(microphones[next]));
            } else {
                let layer = world.rng.below(3) as u8;
                prefer(&mut world, video, layer, 9);
            }
            let pause = 200 + world.rng.below(500);
            world.run_millis(pause);
        }
        let begun = start + Duration::from_secs(2);
        // What is told in a hurry to catch up is of the past.
        let hurried = |packet: &Received| packet.at.as_nanos() - packet.stamp.capture > 60_000_000;
        let picture = errors(world.sink(video), 90_000, begun, hurried);
        let sound = errors(world.sink(audio), 48_000, begun, hurried);
        assert!(picture.len() > 1_000 && sound.len() > 1_000);
        for (what, errors) in [("picture", &picture), ("sound", &sound)] {
            let spread = spread(errors);
            assert!(spread <= 10_000_000, "{what}: {spread} ns with seed {seed}");
        }
        // Around their common middle each is within 5 ms.
        let all: Vec<i128> = picture.iter().chain(&sound).copied().collect();
        assert!(spread(&all) <= 10_000_000, "{} ns with seed {seed}", spread(&all));

        // The times of capture that packets tell are of the clock of the reports.
        for (sink, rate) in [(video, 90_000), (audio, 48_000)] {
            let sink = world.sink(sink);
            let packets = sink.packets.values().filter(|p| p.at >= begun && !hurried(p));
            let mut compared = 0;
            for packet in packets {
                let Some(capture) = packet.capture else { continue };
                let error = nanos(capture) - told(sink, packet, rate).unwrap();
                assert!(error.abs() <= 10_000_000, "{error} ns with seed {seed}");
                compared += 1;
            }
            assert!(compared > 1_000);
        }
    }
}
