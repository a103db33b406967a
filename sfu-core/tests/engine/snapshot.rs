//! A call goes over to another engine in its middle, and nobody notices.

use bytes::Bytes;
use sfu_core::engine::{Command, Output, Reply, RequestId};
use sfu_core::{CommandError, RouterId};

use super::sim::{Format, Link, SinkRef, SourceRef, World};

/// Two publishers with simulcast, two receivers.
fn call(seed: u64, loss: f64) -> (World, Vec<SourceRef>, Vec<SinkRef>) {
    let mut world = World::new(seed);
    let clients = [world.plain(), world.plain(), world.plain()];
    for at in clients {
        world.links(at, Link::lossy(25, loss), Link::lossy(25, loss));
    }
    let sources = vec![
        world.publish(clients[0], Format::Vp8, 3),
        world.publish(clients[0], Format::Opus, 1),
        world.publish(clients[1], Format::H264, 1),
    ];
    let sinks = vec![
        world.subscribe(clients[1], &[Format::Vp8], Some(sources[0])),
        world.subscribe(clients[2], &[Format::Vp8, Format::H264], Some(sources[0])),
        world.subscribe(clients[2], &[Format::Opus], Some(sources[1])),
        world.subscribe(clients[2], &[Format::Vp8, Format::H264], Some(sources[2])),
    ];
    (world, sources, sinks)
}

#[test]
fn a_call_goes_on_in_a_new_engine() {
    let (mut world, sources, sinks) = call(71, 0.0);
    world.run_millis(3_000);
    let asked: Vec<usize> = sources.iter().map(|source| world.asked(*source)).collect();
    for _ in 0..10 {
        world.migrate();
        world.run_millis(137);
    }
    world.run_millis(1_000);
    for sink in &sinks {
        assert!(world.sink(*sink).assert_continuous(0) > 120);
        assert_eq!(world.sink(*sink).repaired, 0, "nothing was lost on the way");
        assert_eq!(world.sink(*sink).duplicates, 0);
    }
    for (source, asked) in sources.iter().zip(asked) {
        assert_eq!(world.asked(*source), asked, "no key frame was needed");
    }
    assert!(world.clients.iter().all(|client| client.refused == 0));
    // Whatever one does in the new engine works on.
    world.switch(sinks[1], Some(sources[2]));
    world.ok(Command::CloseProducer(sources[1].producer));
    world.run_millis(1_000);
    assert!(world.sink(sinks[1]).assert_continuous(0) > 150);
    let transport = world.transport(1);
    world.ok(Command::CloseTransport(transport));
}

#[test]
fn what_was_lost_before_is_served_after() {
    let (mut world, sources, sinks) = call(72, 0.08);
    world.run_millis(2_000);
    let repaired = world.sink(sinks[0]).repaired;
    for _ in 0..40 {
        world.migrate();
        world.run_millis(100);
    }
    world.run_millis(2_000);
    for sink in [sinks[0], sinks[1], sinks[3]] {
        assert!(world.sink(sink).assert_decodable(60, 4) > 120);
    }
    assert!(world.sink(sinks[0]).repaired > repaired + 30);
    for source in sources {
        assert!(world.asked(source) <= 8);
    }
}

#[test]
fn a_packet_between_arrival_and_turn_is_not_lost() {
    let (mut world, _, sinks) = call(73, 0.0);
    world.run_millis(2_000);
    // The engine is given packets, but no turn, before its state is taken.
    let mut packets = 0;
    for _ in 0..20 {
        packets += world.deliver_without_turn(40);
        let request = RequestId(u64::MAX);
        let router = world.router;
        world.engine.handle_command(world.now, request, Command::Snapshot(router));
        let snapshot = world.engine.take_outputs().into_iter().find_map(|output| match output {
            Output::Completion(done) => match done.result {
                Ok(Reply::Snapshot(bytes)) => Some(bytes),
                other => panic!("{other:?}"),
            },
            _ => None,
        });
        world.engine = world.fresh_engine();
        world.ok(Command::Restore(snapshot.unwrap()));
        world.run_millis(60);
    }
    assert!(packets > 100);
    for sink in sinks {
        assert!(world.sink(sink).assert_continuous(0) > 100);
        assert_eq!(world.sink(sink).repaired, 0);
    }
}

#[test]
fn a_webrtc_peer_needs_no_new_handshake() {
    let mut world = World::new(74);
    let (ann, bob) = (world.webrtc(), world.webrtc());
    let camera = world.publish(ann, Format::Vp8, 3);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(4_000);
    assert!(world.sink(sink).packets.len() > 100);
    let asked = world.asked(camera);
    for _ in 0..5 {
        world.migrate();
        world.run_millis(3_000);
    }
    assert!(world.sink(sink).assert_continuous(0) > 500);
    assert_eq!(world.asked(camera), asked);
    assert_eq!(world.clients[bob].refused, 0);
    // Consent goes on: the peers are still there after the longest silence.
    world.run_millis(35_000);
    assert!(world.sink(sink).since(world.now - std::time::Duration::from_secs(1)) > 20);
}

#[test]
fn a_snapshot_of_a_restored_router_is_the_same() {
    let (mut world, ..) = call(75, 0.05);
    world.run_millis(1_500);
    let first = world.migrate();
    let Reply::Snapshot(second) = world.ok(Command::Snapshot(world.router)) else { panic!() };
    assert_eq!(first.len(), second.len());
}

#[test]
fn damaged_snapshots_are_refused_and_leave_nothing() {
    let (mut world, ..) = call(76, 0.0);
    world.run_millis(400);
    let Reply::Snapshot(good) = world.ok(Command::Snapshot(world.router)) else { panic!() };
    let again = world.command(Command::Restore(good.clone())).unwrap_err();
    assert!(matches!(again, CommandError::Snapshot(_)), "its ids are in use: {again}");
    let mut engine = world.fresh_engine();
    let mut refused = 0;
    for round in 0..300_u64 {
        let mut bytes = good.to_vec();
        if round % 2 == 0 {
            bytes.truncate(world.rng.below(good.len() as u64) as usize);
        } else {
            for _ in 0..1 + round % 4 {
                let at = world.rng.below(2_000.min(good.len() as u64)) as usize;
                bytes[at] = world.rng.u64() as u8;
            }
        }
        engine.handle_command(world.now, RequestId(round), Command::Restore(Bytes::from(bytes)));
        engine.run(world.now, &mut |_: sfu_core::engine::Run<'_>| {});
        for output in engine.take_outputs() {
            let Output::Completion(done) = output else { continue };
            match done.result {
                Err(CommandError::Snapshot(_)) => refused += 1,
                Err(other) => panic!("round {round}: {other}"),
                // The damage hit a value that may be anything. Clear the way.
                Ok(Reply::Router(router)) => close(&mut engine, &world, router),
                Ok(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(refused > 150);
    assert_eq!(engine.counters().contained, 0);
    let end = RequestId(999);
    engine.handle_command(world.now, end, Command::Restore(good));
    let restored = engine.take_outputs().into_iter().any(|output| {
        matches!(output, Output::Completion(done) if done.request == end && done.result.is_ok())
    });
    assert!(restored);
}

fn close(engine: &mut sfu_core::engine::Engine, world: &World, router: RouterId) {
    engine.handle_command(world.now, RequestId(u64::MAX), Command::CloseRouter(router));
    engine.run(world.now, &mut |_: sfu_core::engine::Run<'_>| {});
    engine.take_outputs();
}
