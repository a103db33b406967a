//! ICE restarts and moving peers: media goes on.

use std::net::SocketAddr;
use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{Event, Tuple};
use sfu_ice::{IceCredentials, Protocol};

use super::sim::{Format, Path, World};

fn restart(world: &mut World, client: usize) -> IceCredentials {
    let transport = world.transport(client);
    match world.ok(Command::RestartIce(transport)) {
        Reply::Ice(ice) => ice,
        other => panic!("{other:?}"),
    }
}

/// The client goes to another address, with these credentials.
fn move_to(world: &mut World, client: usize, remote: SocketAddr, ice: IceCredentials) {
    let old = world.clients[client].tuple;
    world.register(remote, client);
    world.clients[client].tuple = Tuple::new(Protocol::Udp, old.local, remote);
    let far = Tuple::new(Protocol::Udp, remote, old.local);
    let Path::WebRtc(webrtc) = &mut world.clients[client].path else { panic!() };
    webrtc.0.restart(far, ice);
}

#[test]
fn media_goes_on_through_a_restart_on_another_path() {
    let mut world = World::new(91);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    let camera = world.publish(ann, Format::Vp8, 3);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(3_000);
    let asked = world.asked(camera);
    for (round, client) in [bob, ann, bob].into_iter().enumerate() {
        let ice = restart(&mut world, client);
        let remote = SocketAddr::from(([10, 9, 9, 9], 7_000 + round as u16));
        move_to(&mut world, client, remote, ice);
        world.run_millis(2_000);
        let tuple = world.clients[client].tuple;
        let selected = world.events.iter().any(|event| {
            matches!(event, Event::TransportTupleSelected { tuple: to, .. } if *to == tuple)
        });
        assert!(selected);
    }
    world.run_millis(2_000);
    assert!(world.sink(sink).assert_decodable(5, 4) > 200);
    assert!(world.asked(camera) <= asked + 2);
    assert!(world.sink(sink).since(world.now - Duration::from_secs(1)) > 60);
}

#[test]
fn a_thousand_restarts_leave_one_user() {
    let mut world = World::new(92);
    let ann = world.webrtc();
    world.run_millis(1_000);
    let mut old = Vec::new();
    for _ in 0..1_000 {
        old.push(restart(&mut world, ann));
    }
    let newest = old.pop().unwrap();
    let stranger: Tuple =
        Tuple::new(Protocol::Udp, world.clients[ann].tuple.local, ([10, 8, 8, 8], 9).into());
    let check = |ice: &IceCredentials| {
        let mut builder = sfu_ice::stun::Builder::new(
            sfu_ice::stun::Class::Request,
            sfu_ice::stun::TransactionId::default(),
        );
        builder.username(&ice.ufrag, "none").ice_controlling(1).priority(1);
        builder.finish(Some(&ice.password)).unwrap().to_vec()
    };
    let before = world.engine.counters().unknown_user;
    for ice in old.iter().take(900) {
        world.inject(stranger, check(ice));
    }
    assert_eq!(world.engine.counters().unknown_user - before, 900);
    world.inject(stranger, check(&newest));
    assert_eq!(world.engine.counters().unknown_user - before, 900);
}

#[test]
fn a_path_can_go_over_to_another_peer() {
    let mut world = World::new(93);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(2_000);
    // The browser of bob reloads, behind a NAT that gives the same port again.
    let address = world.clients[bob].tuple.remote;
    let cem = world.webrtc();
    world.clients[bob].up.loss = 1.0;
    let tuple = world.clients[bob].tuple;
    world.register(address, cem);
    world.clients[cem].tuple = tuple;
    let sink = world.subscribe(cem, &[Format::Vp8], Some(camera));
    let gone = world.transport(bob);
    world.run_millis(500);
    world.ok(Command::CloseTransport(gone));
    world.run_millis(2_000);
    assert!(world.sink(sink).assert_continuous(0) > 30);
}
