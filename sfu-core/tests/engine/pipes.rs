//! Rooms on several routers: pipes carry what is wanted beyond, and nothing
//! else.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    CloseReason, CommandError, Event, Layers, ProducerId, ProducerStats, RouterId, SrtpProfile,
};

use super::sim::{Format, Layout, Link, PipeRef, Piped, SinkRef, SourceRef, World};

/// How the two routers of a call are joined.
#[derive(Clone, Copy, Debug)]
enum Joined {
    Linked,
    Udp(Option<SrtpProfile>),
}

const JOINED: [Joined; 3] =
    [Joined::Linked, Joined::Udp(None), Joined::Udp(Some(SrtpProfile::AeadAes256Gcm))];

/// Ann publishes in one router; whoever is made later is in another one.
struct Call {
    world: World,
    near: RouterId,
    pipe: PipeRef,
    camera: SourceRef,
    piped: Piped,
}

fn call(seed: u64, joined: Joined, format: Format, layers: usize) -> Call {
    let mut world = World::new(seed);
    let ann = world.plain();
    let camera = world.publish(ann, format, layers);
    let near = world.another_router();
    let far = world.router;
    let pipe = match joined {
        Joined::Linked => world.linked_pipe(near, far),
        Joined::Udp(srtp) => world.udp_pipe(near, far, srtp, true),
    };
    let piped = world.pipe(pipe, camera);
    Call { world, near, pipe, camera, piped }
}

fn prefer(world: &mut World, sink: SinkRef, spatial: u8) {
    let layers = Layers { spatial, temporal: u8::MAX };
    world.ok(Command::SetPreferredLayers(sink.consumer, layers));
}

/// The layer of the newest packet.
fn layer(world: &World, sink: SinkRef) -> u32 {
    (world.sink(sink).last().stamp.source % 1_000) / 10
}

fn producer_stats(world: &mut World, producer: ProducerId) -> ProducerStats {
    match world.ok(Command::ProducerStats(producer)) {
        Reply::ProducerStats(stats) => *stats,
        other => panic!("{other:?}"),
    }
}

/// Which layers cross now: those with more than a stray packet in a second.
fn crossing(world: &mut World, piped: &Piped) -> Vec<bool> {
    world.take_crossed(piped);
    world.run_millis(1_000);
    world.take_crossed(piped).iter().map(|bytes| *bytes > 2_000).collect()
}

#[test]
fn only_the_layers_that_somebody_beyond_wants_cross() {
    for joined in JOINED {
        let Call { mut world, piped, .. } = call(301, joined, Format::Vp8, 3);
        world.run_millis(2_000);
        assert_eq!(crossing(&mut world, &piped), [false; 3], "nobody is there: {joined:?}");
        let (bob, eve) = (world.plain(), world.plain());
        let first = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        let attached = world.now;
        world.run_millis(2_000);
        assert_eq!(layer(&world, first), 2);
        let waited = world.sink(first).packets.values().next().unwrap().at.since(attached);
        assert!(waited < Duration::from_millis(400), "{waited:?} with {joined:?}");
        assert_eq!(crossing(&mut world, &piped), [false, false, true], "{joined:?}");
        prefer(&mut world, first, 0);
        world.run_millis(1_500);
        assert_eq!(layer(&world, first), 0);
        assert_eq!(crossing(&mut world, &piped), [true, false, false], "{joined:?}");
        let second = world.subscribe(eve, &[Format::Vp8], Some(piped.source));
        world.run_millis(1_500);
        assert_eq!((layer(&world, first), layer(&world, second)), (0, 2));
        assert_eq!(crossing(&mut world, &piped), [true, false, true], "{joined:?}");
        world.ok(Command::PauseConsumer(first.consumer));
        world.switch(second, None);
        world.run_millis(1_000);
        assert_eq!(crossing(&mut world, &piped), [false; 3], "{joined:?}");
        world.ok(Command::ResumeConsumer(first.consumer));
        world.run_millis(1_000);
        assert_eq!(crossing(&mut world, &piped), [true, false, false], "{joined:?}");
        world.ok(Command::CloseConsumer(first.consumer));
        world.run_millis(1_000);
        assert_eq!(crossing(&mut world, &piped), [false; 3], "{joined:?}");
        assert!(world.sink(first).assert_continuous(0) > 150);
        assert!(world.sink(second).assert_continuous(0) > 60);
    }
}

#[test]
fn layers_are_switched_as_if_there_were_no_pipe() {
    for joined in JOINED {
        let Call { mut world, camera, piped, .. } = call(302, joined, Format::Vp8, 3);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(3_000);
        for spatial in [0, 2, 1, 0, 1, 2] {
            prefer(&mut world, sink, spatial);
            world.run_millis(1_500);
            assert_eq!(layer(&world, sink), u32::from(spatial), "{joined:?}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 300);
        // One for each start and switch, and one to spare.
        assert!(world.asked(camera) <= 12, "{} with {joined:?}", world.asked(camera));
        // The publisher gives its layers up, and takes them up again.
        for (enabled, expected) in
            [([true, true, false], 1), ([true, false, false], 0), ([true, true, true], 2)]
        {
            for (layer, enabled) in world.source(camera).layers.iter_mut().zip(enabled) {
                layer.enabled = enabled;
            }
            world.run_millis(3_500);
            assert_eq!(layer(&world, sink), expected, "{enabled:?} with {joined:?}");
        }
        assert!(world.sink(sink).assert_continuous(0) > 500);
    }
}

#[test]
fn of_scalable_video_only_the_wanted_layers_cross() {
    let formats = [
        (Format::Vp9, Layout::Svc { key_only: false }),
        (Format::Encrypted, Layout::described("L3T3")),
    ];
    for (format, layout) in formats {
        for joined in JOINED {
            let told = format!("{format:?} {layout:?} {joined:?}");
            let Call { mut world, camera, piped, .. } = call(315, joined, format, 1);
            world.source(camera).layout = layout.clone();
            let bob = world.plain();
            let sink = world.subscribe(bob, &[format], Some(piped.source));
            world.run_millis(3_000);
            world.take_crossed(&piped);
            world.run_millis(2_000);
            let all = world.take_crossed(&piped)[0];
            for (spatial, temporal, share) in [(0, 2, 0.5), (0, 0, 0.3), (2, 2, 1.1)] {
                let layers = Layers { spatial, temporal };
                world.ok(Command::SetPreferredLayers(sink.consumer, layers));
                world.run_millis(1_500);
                world.take_crossed(&piped);
                world.run_millis(2_000);
                let crossed = world.take_crossed(&piped)[0] as f64 / all as f64;
                assert!(
                    crossed < share && crossed > share / 10.0,
                    "{crossed} at {layers:?}: {told}"
                );
            }
            // Both ends select, and what is left can be decoded without a gap.
            assert!(world.sink(sink).assert_continuous(0) > 100, "{told}");
        }
    }
}

#[test]
fn what_the_network_loses_is_sent_again() {
    for srtp in [None, Some(SrtpProfile::AeadAes256Gcm)] {
        let joined = Joined::Udp(srtp);
        let Call { mut world, piped, .. } = call(303, joined, Format::Vp8, 3);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(1_000);
        world.set_networks(&Link::lossy(20, 0.05));
        world.run_millis(15_000);
        world.set_networks(&Link::new(20));
        world.run_millis(500);
        let sink = world.sink(sink);
        assert!(sink.assert_decodable(40, 2) > 400);
        let stats = producer_stats(&mut world, piped.source.producer);
        let repaired = stats.encodings[2].retransmitted_packets_received;
        let nacked = stats.encodings[2].nack_count;
        assert!(repaired > 40, "{repaired} of {nacked}");
    }
}

#[test]
fn audio_crosses_as_soon_as_it_is_wanted_and_no_longer() {
    for joined in JOINED {
        let Call { mut world, piped, .. } = call(304, joined, Format::Opus, 1);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Opus], None);
        world.run_millis(1_000);
        assert_eq!(crossing(&mut world, &piped), [false]);
        world.switch(sink, Some(piped.source));
        let wanted = world.now;
        world.run_millis(2_000);
        let first = world.sink(sink).packets.values().next().unwrap().at.since(wanted);
        // There, back, to the receiver, and the next packet.
        let limit = match joined {
            Joined::Linked => 20 + 21,
            Joined::Udp(_) => 20 + 40 + 21,
        };
        assert!(first <= Duration::from_millis(limit), "{first:?} with {joined:?}");
        assert_eq!(crossing(&mut world, &piped), [true]);
        world.switch(sink, None);
        world.run_millis(1_000);
        assert_eq!(crossing(&mut world, &piped), [false]);
        assert!(world.sink(sink).assert_continuous(0) > 100);
    }
}

#[test]
fn a_pause_and_the_end_of_it_reach_the_other_side() {
    for joined in JOINED {
        let Call { mut world, camera, piped, .. } = call(305, joined, Format::Vp8, 2);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(1_500);
        let far = piped.source.producer;
        for _ in 0..3 {
            world.ok(Command::PauseProducer(camera.producer));
            world.run_millis(100);
            assert!(producer_stats(&mut world, far).paused, "{joined:?}");
            let paused = world.now;
            world.run_millis(1_500);
            assert_eq!(world.sink(sink).since(paused + Duration::from_millis(100)), 0);
            world.ok(Command::ResumeProducer(camera.producer));
            world.run_millis(700);
            assert!(!producer_stats(&mut world, far).paused);
            assert!(world.sink(sink).since(paused) > 5, "{joined:?}");
        }
        // A pause over there is theirs alone, and is not undone from here.
        world.ok(Command::PauseProducer(far));
        world.ok(Command::PauseProducer(camera.producer));
        world.run_millis(200);
        world.ok(Command::ResumeProducer(camera.producer));
        world.run_millis(2_000);
        assert!(producer_stats(&mut world, far).paused);
        world.ok(Command::ResumeProducer(far));
        world.run_millis(1_000);
        assert!(world.sink(sink).assert_continuous(0) > 60);
    }
}

#[test]
fn a_piped_producer_ends_with_its_origin() {
    for joined in JOINED {
        let Call { mut world, near, camera, piped, pipe } = call(306, joined, Format::Vp8, 3);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(1_000);
        // Goodbyes get lost; they are said again when the other end asks.
        world.set_networks(&Link::lossy(20, 1.0));
        world.ok(Command::CloseProducer(camera.producer));
        world.run_millis(3_500);
        world.set_networks(&Link::new(20));
        world.run_millis(1_500);
        let far = piped.source.producer;
        let closed = |event: &Event| {
            matches!(event, Event::ProducerClosed { producer, reason: CloseReason::OriginClosed, .. }
                if *producer == far)
        };
        assert!(world.events.iter().any(closed), "{joined:?}");
        let emptied = |event: &Event| {
            matches!(event, Event::ConsumerProducerClosed { consumer, .. }
                if *consumer == sink.consumer)
        };
        assert!(world.events.iter().any(emptied), "{joined:?}");
        let gone = world.command(Command::ProducerStats(far)).unwrap_err();
        assert_eq!(gone, CommandError::ProducerNotFound(far));
        for leg in &piped.legs {
            let gone = world.command(Command::ConsumerStats(*leg)).unwrap_err();
            assert_eq!(gone, CommandError::ConsumerNotFound(*leg));
        }
        // The pipe is there for others.
        let ann = camera.client;
        let far_router = std::mem::replace(&mut world.router, near);
        let microphone = world.publish(ann, Format::Opus, 1);
        world.router = far_router;
        let piped = world.pipe(pipe, microphone);
        let sink = world.subscribe(bob, &[Format::Opus], Some(piped.source));
        world.run_millis(1_000);
        assert!(world.sink(sink).assert_continuous(0) > 30);
    }
}

#[test]
fn closing_an_end_of_a_link_closes_the_other() {
    for near_end in [true, false] {
        let Call { mut world, pipe, camera, piped, .. } = call(307, Joined::Linked, Format::Vp8, 3);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(1_000);
        let (closed, follows) =
            if near_end { (pipe.near, pipe.far) } else { (pipe.far, pipe.near) };
        world.ok(Command::CloseTransport(closed));
        world.run_millis(200);
        let gone = world.command(Command::TransportStats(follows)).unwrap_err();
        assert_eq!(gone, CommandError::TransportNotFound(follows));
        let reason = world.events.iter().find_map(|event| match event {
            Event::TransportClosed { transport, reason, .. } if *transport == follows => {
                Some(*reason)
            }
            _ => None,
        });
        assert_eq!(reason, Some(CloseReason::OriginClosed));
        // The publisher and the slot are still there.
        assert!(!producer_stats(&mut world, camera.producer).paused);
        world.switch(sink, None);
    }
}

#[test]
fn many_receivers_beyond_cost_one_key_frame() {
    for joined in JOINED {
        let Call { mut world, camera, piped, .. } = call(308, joined, Format::Vp8, 3);
        let bob = world.plain();
        let sinks: Vec<SinkRef> =
            (0..40).map(|_| world.subscribe(bob, &[Format::Vp8], Some(piped.source))).collect();
        world.run_millis(2_000);
        assert!(world.asked(camera) <= 2, "{} with {joined:?}", world.asked(camera));
        for sink in &sinks {
            assert!(world.sink(*sink).assert_continuous(0) > 30);
            world.pli(*sink);
        }
        let before = world.asked(camera);
        world.run_millis(1_000);
        assert!(world.asked(camera) - before <= 2, "{joined:?}");
        assert!(world.asked(camera) > before);
    }
}

#[test]
fn a_room_may_span_more_than_two_routers() {
    let Call { mut world, piped, camera, .. } = call(309, Joined::Linked, Format::Vp8, 3);
    let middle = world.another_router();
    let next = world.udp_pipe(middle, world.router, None, true);
    let beyond = world.pipe(next, piped.source);
    let carl = world.plain();
    world.run_millis(1_000);
    assert_eq!(crossing(&mut world, &piped), [false; 3]);
    let sink = world.subscribe(carl, &[Format::Vp8], Some(beyond.source));
    prefer(&mut world, sink, 1);
    world.run_millis(3_000);
    assert_eq!(layer(&world, sink), 1);
    world.take_crossed(&beyond);
    assert_eq!(crossing(&mut world, &piped), [false, true, false]);
    assert!(world.take_crossed(&beyond)[1] > 2_000);
    world.ok(Command::PauseProducer(camera.producer));
    world.run_millis(300);
    assert!(producer_stats(&mut world, beyond.source.producer).paused);
    world.ok(Command::ResumeProducer(camera.producer));
    world.run_millis(1_000);
    world.ok(Command::CloseProducer(camera.producer));
    world.run_millis(300);
    let far = beyond.source.producer;
    assert!(world.command(Command::ProducerStats(far)).is_err());
    assert!(world.sink(sink).assert_continuous(0) > 90);
}

#[test]
fn a_peer_without_demand_gets_everything() {
    let mut world = World::new(310);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 3);
    let near = world.another_router();
    let pipe = world.udp_pipe(near, world.router, None, false);
    let piped = world.pipe(pipe, camera);
    // Its messages are lost: it is another SFU, which has none.
    world.run_millis(30);
    assert_eq!(crossing_blind(&mut world, &piped), [true; 3]);
}

/// As [`crossing`], while nothing comes back from the far end.
fn crossing_blind(world: &mut World, piped: &Piped) -> Vec<bool> {
    world.set_networks(&Link::lossy(20, 1.0));
    crossing(world, piped)
}

#[test]
fn nothing_is_sent_to_an_end_that_went_silent() {
    let Call { mut world, piped, .. } = call(311, Joined::Udp(None), Format::Vp8, 3);
    let bob = world.plain();
    let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
    prefer(&mut world, sink, 0);
    world.run_millis(2_000);
    assert_eq!(crossing(&mut world, &piped), [true, false, false]);
    assert_eq!(crossing_blind(&mut world, &piped), [true, false, false]);
    world.run_millis(12_000);
    assert_eq!(crossing(&mut world, &piped), [false; 3]);
    world.set_networks(&Link::new(20));
    world.run_millis(2_500);
    assert_eq!(crossing(&mut world, &piped), [true, false, false]);
}

#[test]
fn a_pipe_in_a_network_outlives_its_process() {
    for (joined, kept) in [(JOINED[2], true), (Joined::Linked, false)] {
        let Call { mut world, piped, .. } = call(312, joined, Format::Vp8, 3);
        let bob = world.plain();
        let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
        world.run_millis(2_000);
        let Reply::Snapshot(bytes) = world.ok(Command::Snapshot(world.router)) else { panic!() };
        let mut engine = world.fresh_engine();
        engine.handle_command(world.now, sfu_core::engine::RequestId(1), Command::Restore(bytes));
        let stats = Command::ProducerStats(piped.source.producer);
        engine.handle_command(world.now, sfu_core::engine::RequestId(2), stats);
        let explain = Command::Explain(sink.consumer);
        engine.handle_command(world.now, sfu_core::engine::RequestId(3), explain);
        let done: Vec<_> = engine
            .take_outputs()
            .into_iter()
            .filter_map(|output| match output {
                sfu_core::engine::Output::Completion(done) => Some(done.result),
                _ => None,
            })
            .collect();
        assert!(done[0].is_ok());
        assert_eq!(done[1].is_ok(), kept, "{joined:?}");
        let Ok(Reply::Explanation(explanation)) = &done[2] else { panic!("{:?}", done[2]) };
        assert_eq!(explanation.producer.is_some(), kept);
    }
}

#[test]
fn a_router_with_a_pipe_moves_without_a_gap() {
    let Call { mut world, near, camera, piped, .. } = call(313, JOINED[2], Format::Vp8, 3);
    let bob = world.plain();
    let sink = world.subscribe(bob, &[Format::Vp8], Some(piped.source));
    world.run_millis(2_000);
    let asked = world.asked(camera);
    world.migrate_all(&[near, world.router]);
    world.run_millis(2_000);
    assert_eq!(world.asked(camera), asked, "no key frame is needed");
    assert!(world.sink(sink).assert_continuous(0) > 100);
    prefer(&mut world, sink, 0);
    world.run_millis(1_500);
    assert_eq!(crossing(&mut world, &piped), [true, false, false]);
}

#[test]
fn what_cannot_be_piped_is_refused() {
    let Call { mut world, pipe, camera, piped, .. } = call(314, Joined::Linked, Format::Vp8, 3);
    let bob = world.plain();
    let sink = world.subscribe(bob, &[Format::Vp8], None);
    let slot = world.slot(bob, &[Format::Vp8], Some(camera));
    let wrong = [
        (pipe.near, vec![]),
        (world.transport(bob), vec![]),
        // One for three encodings.
        (pipe.near, vec![slot.clone()]),
        // Without a producer.
        (pipe.near, vec![world.slot(bob, &[Format::Vp8], None); 3]),
        // Of another router.
        (pipe.far, vec![slot.clone(); 3]),
        // Three times the same SSRC.
        (pipe.near, vec![slot; 3]),
    ];
    for (transport, legs) in wrong {
        let refused = world.command(Command::ConsumePipe(transport, legs));
        assert!(refused.is_err(), "{refused:?}");
    }
    // A leg stays with its producer.
    let moved = world.command(Command::SwitchConsumer(piped.legs[0], None)).unwrap_err();
    assert_eq!(moved, CommandError::Piped(piped.legs[0]));
    world.switch(sink, Some(piped.source));
    world.run_millis(1_000);
    assert!(world.sink(sink).assert_continuous(0) > 20);
}
