//! Peers that connect as browsers do: ICE, DTLS, SRTP, all in virtual time.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{CloseReason, DtlsState, Event, IceState};

use super::sim::{Format, Link, World};

#[test]
fn three_peers_meet() {
    let mut world = World::new(81);
    let clients = [world.webrtc(), world.webrtc(), world.webrtc()];
    let sources = clients.map(|at| world.publish(at, Format::Vp8, 3));
    let mut sinks = Vec::new();
    for client in clients {
        for source in sources.iter().filter(|source| source.client != client) {
            sinks.push(world.subscribe(client, &[Format::Vp8], Some(*source)));
        }
    }
    let started = world.now;
    world.run_millis(6_000);
    for sink in sinks {
        let sink = world.sink(sink);
        assert!(sink.assert_continuous(0) > 140);
        let first = sink.packets.values().next().unwrap().at;
        assert!(first.since(started) < Duration::from_millis(600));
        assert_eq!(sink.last().stamp.source % 1_000, 20, "the best layer, known by its RID");
    }
}

#[test]
fn they_meet_over_lossy_links() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        let (ann, bob) = (world.webrtc(), world.webrtc());
        for at in [ann, bob] {
            world.links(at, Link::lossy(20, 0.1), Link::lossy(20, 0.1));
        }
        let camera = world.publish(ann, Format::Vp8, 3);
        let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
        world.run_millis(8_000);
        assert!(world.sink(sink).assert_decodable(150, 6) > 100, "seed {seed}");
        assert!(world.sink(sink).repaired > 20);
    }
}

#[test]
fn states_are_told_and_silence_ends_the_transport() {
    let mut world = World::new(82);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(2_000);
    let transport = world.transport(bob);
    let states = |world: &World| -> Vec<(IceState, DtlsState)> {
        let told = world.events.iter().filter_map(|event| match event {
            Event::TransportStateChanged { transport: of, ice, dtls, .. } if *of == transport => {
                Some((*ice, *dtls))
            }
            _ => None,
        });
        told.collect()
    };
    assert_eq!(states(&world).last(), Some(&(IceState::Connected, DtlsState::Connected)));
    let Reply::TransportStats(stats) = world.ok(Command::TransportStats(transport)) else {
        panic!()
    };
    assert_eq!(stats.tuple, Some(world.clients[bob].tuple));
    assert!(stats.srtp_profile.is_some_and(|profile| profile.is_aead()));

    world.links(bob, Link::lossy(20, 1.0), Link::new(20));
    world.run_millis(15_000);
    assert_eq!(states(&world).last(), Some(&(IceState::Disconnected, DtlsState::Connected)));
    world.links(bob, Link::new(20), Link::new(20));
    world.run_millis(4_000);
    assert_eq!(states(&world).last(), Some(&(IceState::Connected, DtlsState::Connected)));
    assert!(world.sink(sink).since(world.now - Duration::from_secs(1)) > 20);

    world.links(bob, Link::lossy(20, 1.0), Link::new(20));
    world.run_millis(40_000);
    let closed = Event::TransportClosed {
        router: world.router,
        transport,
        reason: CloseReason::ConsentLost,
    };
    assert!(world.events.contains(&closed));
    assert!(world.command(Command::ConsumerStats(sink.consumer)).is_err());
}

#[test]
fn an_idle_peer_costs_few_turns() {
    let mut world = World::new(83);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    let camera = world.publish(ann, Format::Vp8, 3);
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(2_000);
    world.source(camera).muted = true;
    world.clients[bob].sinks[0].nack = false;
    world.run_millis(3_000);
    let before = world.turns;
    world.run_millis(10_000);
    let turns = world.turns - before;
    assert!(turns <= 300, "{turns} turns in ten seconds for two peers that say nothing");
}
