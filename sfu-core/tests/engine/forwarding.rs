//! Media goes from each publisher to each receiver, whole and in order, and
//! the same run gives the same packets.

use super::sim::{Format, Link, SinkRef, SourceRef, World};
use sfu_core::SrtpProfile;

/// Everyone publishes camera and microphone and receives everyone else's.
fn meeting(world: &mut World, peers: usize) -> (Vec<SourceRef>, Vec<SinkRef>) {
    let clients: Vec<usize> = (0..peers).map(|_| world.plain()).collect();
    let mut sources = Vec::new();
    let mut sinks = Vec::new();
    for (at, &client) in clients.iter().enumerate() {
        let format = if at % 2 == 0 { Format::Vp8 } else { Format::H264 };
        sources.push(world.publish(client, format, 1));
        sources.push(world.publish(client, Format::Opus, 1));
    }
    for &client in &clients {
        for source in &sources {
            if source.client != client {
                let format = world.source(*source).format;
                sinks.push(world.subscribe(client, &[format], Some(*source)));
            }
        }
    }
    (sources, sinks)
}

#[test]
fn two_peers_see_and_hear_each_other() {
    let mut world = World::new(1);
    let (_, sinks) = meeting(&mut world, 2);
    world.run_millis(5_000);
    for sink in sinks {
        let frames = world.sink(sink).assert_continuous(0);
        assert!(frames > 140, "{frames} frames in five seconds");
        assert_eq!(world.sink(sink).duplicates, 0);
    }
}

#[test]
fn three_peers_over_links_that_jitter_reorder_and_repeat() {
    let mut world = World::new(2);
    let (_, sinks) = meeting(&mut world, 3);
    for client in 0..3 {
        let rough = Link {
            jitter: std::time::Duration::from_millis(12),
            reorder: 0.02,
            duplicate: 0.02,
            ..Link::new(30)
        };
        world.links(client, rough.clone(), rough);
    }
    world.run_millis(8_000);
    for sink in sinks {
        assert!(world.sink(sink).assert_continuous(12) > 200);
    }
}

#[test]
fn every_srtp_profile_and_none() {
    for profile in SrtpProfile::ALL.into_iter().map(Some).chain([None]) {
        let mut world = World::new(3);
        let ann = world.plain_with(profile, false);
        let bob = world.plain_with(profile, false);
        let camera = world.publish(ann, Format::Vp8, 1);
        let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
        world.run_millis(1_000);
        assert!(world.sink(sink).assert_continuous(0) > 20, "{profile:?}");
        assert_eq!(world.clients[bob].refused, 0);
    }
}

#[test]
fn packets_of_a_frame_are_padded_to_one_size() {
    let mut world = World::new(4);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.source(camera).burst = 4;
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(2_000);
    let sink = world.sink(sink);
    assert!(sink.assert_continuous(0) > 40);
    for packet in sink.packets.values().filter(|packet| !packet.repaired) {
        assert_eq!(packet.padding, usize::from(packet.stamp.index % 2 == 0));
    }
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let run = |seed| {
        let mut world = World::new(seed);
        let (_, sinks) = meeting(&mut world, 3);
        for client in 0..3 {
            let rough = Link { reorder: 0.02, ..Link::lossy(25, 0.05) };
            world.links(client, rough.clone(), rough);
        }
        world.run_millis(3_000);
        assert!(world.sink(sinks[0]).packets.len() > 80);
        world.hash
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn an_idle_call_costs_few_turns() {
    let mut world = World::new(7);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 3);
    let microphone = world.publish(ann, Format::Opus, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.subscribe(bob, &[Format::Opus], Some(microphone));
    world.run_millis(1_000);
    world.source(camera).muted = true;
    world.source(microphone).muted = true;
    world.run_millis(3_000);
    assert!(world.sink(sink).packets.len() > 20);
    // Without traffic: what the engine does by itself.
    for client in &mut world.clients {
        client.sources.clear();
        client.up = Link::lossy(20, 1.0);
    }
    let before = world.turns;
    world.run_millis(10_000);
    let turns = world.turns - before;
    assert!(turns <= 150, "{turns} turns in ten seconds of silence");
}
