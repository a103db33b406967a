//! Closing anything closes what is in it; what is refused changes nothing.

use std::collections::HashSet;

use sfu_core::engine::{Command, Reply};
use sfu_core::wire::{Mid, Ssrc};
use sfu_core::{
    CloseReason, CommandError, ConsumerId, DtlsRemote, Event, MediaKind, PlainConfig, PlainRemote,
    ProducerId, RouterId, TransportId,
};
use sfu_ice::DtlsRole;

use super::sim::{Format, World};

#[test]
fn closing_a_transport_closes_what_is_on_it() {
    let mut world = World::new(61);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 3);
    let microphone = world.publish(bob, Format::Opus, 1);
    let view = world.subscribe(bob, &[Format::Vp8], Some(camera));
    let ear = world.subscribe(ann, &[Format::Opus], Some(microphone));
    world.run_millis(1_000);
    let transport = world.transport(ann);
    world.events.clear();
    world.ok(Command::CloseTransport(transport));
    let router = world.router;
    let (producer, consumer) = (camera.producer, ear.consumer);
    let reason = CloseReason::ParentClosed;
    for expected in [
        Event::ProducerClosed { router, producer, reason },
        Event::ConsumerClosed { router, consumer, reason },
        Event::ConsumerProducerClosed { router, consumer: view.consumer, producer },
        Event::TransportClosed { router, transport, reason: CloseReason::Requested },
    ] {
        assert_eq!(world.events.iter().filter(|event| **event == expected).count(), 1);
    }
    assert_eq!(world.released.len(), 1);
    for refused in [
        Command::CloseTransport(transport),
        Command::TransportStats(transport),
        Command::CloseProducer(camera.producer),
        Command::ProducerStats(camera.producer),
        Command::CloseConsumer(ear.consumer),
        Command::Explain(ear.consumer),
        Command::SwitchConsumer(view.consumer, Some(camera.producer)),
    ] {
        assert!(world.command(refused).is_err());
    }
    // The publisher goes on sending: its path leads nowhere now.
    world.run_millis(1_000);
    assert!(world.engine.counters().unknown_path > 30);
    world.ok(Command::ConsumerStats(view.consumer));
}

#[test]
fn closing_a_router_leaves_nothing_and_others_alone() {
    let mut world = World::new(62);
    let first = world.router;
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 1);
    let Reply::Router(second) = world.ok(Command::CreateRouter) else { panic!() };
    world.router = second;
    let (bob, cem) = (world.plain(), world.plain());
    let other = world.publish(bob, Format::Vp8, 1);
    let sink = world.subscribe(cem, &[Format::Vp8], Some(other));
    let refused = world.command(Command::SwitchConsumer(sink.consumer, Some(camera.producer)));
    assert_eq!(refused.unwrap_err(), CommandError::ProducerNotFound(camera.producer));
    world.run_millis(500);
    world.ok(Command::CloseRouter(first));
    assert!(world.events.contains(&Event::RouterClosed { router: first }));
    assert_eq!(
        world.command(Command::CloseRouter(first)).unwrap_err(),
        CommandError::RouterNotFound(first)
    );
    world.run_millis(500);
    assert!(world.sink(sink).assert_continuous(0) > 20);
}

#[test]
fn joining_and_leaving_for_ever_reuses_every_place() {
    let mut world = World::with_config(63, |config| config.max_transports = 4);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 1);
    let mut ids = HashSet::new();
    for round in 0..2_000 {
        let (local, _) = world.next_addresses();
        let config = PlainConfig { local, local_rtcp: None, comedia: true, srtp: None };
        let reply = world.ok(Command::CreatePlainTransport(world.router, config));
        let Reply::PlainTransport { transport, .. } = reply else { panic!() };
        let mut slot = world.slot(ann, &[Format::Vp8], Some(camera));
        for ssrc in 1..=4 {
            (slot.ssrc, slot.rtx_ssrc) = (Ssrc(2 * ssrc), Some(Ssrc(2 * ssrc + 1)));
            let reply = world.ok(Command::Consume(transport, slot.clone()));
            let Reply::Consumer(consumer) = reply else { panic!() };
            assert!(ids.insert(consumer), "an id twice");
        }
        if round % 100 == 0 {
            world.run_millis(40);
        }
        world.ok(Command::CloseTransport(transport));
    }
    let stats = world.ok(Command::ProducerStats(camera.producer));
    assert!(matches!(stats, Reply::ProducerStats(_)));
    world.run_millis(200);
}

#[test]
fn limits_are_typed_and_change_nothing() {
    let mut world = World::with_config(64, |config| {
        (config.max_transports, config.max_producers, config.max_consumers) = (2, 2, 2);
    });
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let microphone = world.publish(ann, Format::Opus, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.subscribe(bob, &[Format::Opus], Some(microphone));
    world.run_millis(300);

    let (local, _) = world.next_addresses();
    let config = PlainConfig { local, local_rtcp: None, comedia: true, srtp: None };
    let transports = CommandError::Limit { what: "transports in a router", limit: 2 };
    let router = world.router;
    for command in [
        Command::CreatePlainTransport(router, config),
        Command::CreateWebRtcTransport(router),
        Command::CreateDirectTransport(router),
    ] {
        assert_eq!(world.command(command).unwrap_err(), transports);
    }
    assert_eq!(world.released, [local], "the socket of the refused transport");

    let mut third = world.producer_config(camera);
    third.encodings[0].ssrc = Some(Ssrc(3));
    third.encodings[0].rtx_ssrc = None;
    third.mid = Mid::new("third");
    let producers = CommandError::Limit { what: "producers on a transport", limit: 2 };
    let transport = world.transport(ann);
    assert_eq!(world.command(Command::Produce(transport, third)).unwrap_err(), producers);
    let slot = world.slot(bob, &[Format::Vp8], Some(camera));
    let consumers = CommandError::Limit { what: "consumers on a transport", limit: 2 };
    let transport = world.transport(bob);
    assert_eq!(world.command(Command::Consume(transport, slot)).unwrap_err(), consumers);

    world.run_millis(1_000);
    assert!(world.sink(sink).assert_continuous(0) > 30);
    let (ann, bob) = (world.transport(ann), world.transport(bob));
    world.ok(Command::CloseTransport(ann));
    world.ok(Command::CloseTransport(bob));
    world.plain();
    world.plain();
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let mut world = World::new(65);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 2);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    let good = world.producer_config(camera);
    let (ann_id, bob_id) = (world.transport(ann), world.transport(bob));
    let ssrc = good.encodings[0].ssrc.unwrap();
    let mut refused = |change: &dyn Fn(&mut sfu_core::ProducerConfig), transport| {
        let mut config = good.clone();
        config.mid = Mid::new("other");
        change(&mut config);
        world.command(Command::Produce(transport, config)).unwrap_err()
    };
    assert_eq!(refused(&|_| {}, ann_id), CommandError::SsrcInUse(ssrc));
    let same = |config: &mut sfu_core::ProducerConfig| config.encodings[1].ssrc = Some(ssrc);
    assert_eq!(refused(&same, bob_id), CommandError::SsrcInUse(ssrc));
    let mid = |config: &mut sfu_core::ProducerConfig| {
        config.mid = good.mid;
        config.encodings.iter_mut().for_each(|e| (e.ssrc, e.rtx_ssrc) = (None, None));
        config.encodings.truncate(1);
    };
    assert_eq!(refused(&mid, ann_id), CommandError::MidInUse(good.mid.unwrap()));
    for change in [
        |config: &mut sfu_core::ProducerConfig| config.codecs.clear(),
        |config: &mut sfu_core::ProducerConfig| config.encodings.clear(),
        |config: &mut sfu_core::ProducerConfig| config.codecs[0].clock_rate = 0,
        |config: &mut sfu_core::ProducerConfig| {
            config.encodings = vec![config.encodings[0].clone(); 9];
        },
        |config: &mut sfu_core::ProducerConfig| config.encodings[1].ssrc = None,
    ] {
        let error = refused(&change, bob_id);
        assert!(matches!(error, CommandError::InvalidParameters { .. }), "{error}");
    }

    let slot = world.slot(bob, &[Format::Vp8], Some(camera));
    let mut taken = slot.clone();
    taken.rtx_ssrc = Some(world.sink(sink).config.ssrc);
    let error = world.command(Command::Consume(bob_id, taken.clone())).unwrap_err();
    assert_eq!(error, CommandError::SsrcInUse(taken.rtx_ssrc.unwrap()));
    let mut same = slot.clone();
    same.rtx_ssrc = Some(same.ssrc);
    assert!(matches!(
        world.command(Command::Consume(bob_id, same)).unwrap_err(),
        CommandError::SsrcInUse(_)
    ));
    let h264 = world.slot(bob, &[Format::H264], Some(camera));
    assert_eq!(
        world.command(Command::Consume(bob_id, h264)).unwrap_err(),
        CommandError::Incompatible(camera.producer)
    );
    let audio = world.slot(bob, &[Format::Opus], Some(camera));
    assert_eq!(
        world.command(Command::Consume(bob_id, audio)).unwrap_err(),
        CommandError::KindMismatch { consumer: MediaKind::Audio, producer: MediaKind::Video }
    );
    let reply = world.ok(Command::ConsumerStats(sink.consumer));
    let Reply::ConsumerStats(stats) = reply else { panic!() };
    assert_eq!(stats.producer, Some(camera.producer));
}

#[test]
fn what_does_not_exist_or_is_of_another_kind_is_told() {
    let mut world = World::new(66);
    let ann = world.plain();
    let (plain, router) = (world.transport(ann), world.router);
    let Reply::Transport(direct) = world.ok(Command::CreateDirectTransport(router)) else {
        panic!()
    };
    let none = u64::MAX;
    let (transport, producer) =
        (TransportId::from_u64(none).unwrap(), ProducerId::from_u64(none).unwrap());
    let (consumer, router) =
        (ConsumerId::from_u64(none).unwrap(), RouterId::from_u64(none).unwrap());
    let dtls = DtlsRemote { role: DtlsRole::Client, fingerprints: Vec::new() };
    let wrong = |is, transport, needs| CommandError::WrongTransportKind { transport, is, needs };
    for (command, error) in [
        (Command::CreateWebRtcTransport(router), CommandError::RouterNotFound(router)),
        (Command::Snapshot(router), CommandError::RouterNotFound(router)),
        (Command::CloseTransport(transport), CommandError::TransportNotFound(transport)),
        (Command::PauseProducer(producer), CommandError::ProducerNotFound(producer)),
        (Command::PauseConsumer(consumer), CommandError::ConsumerNotFound(consumer)),
        (Command::RestartIce(plain), wrong("plain", plain, "webrtc")),
        (Command::ConnectWebRtcTransport(direct, dtls), wrong("direct", direct, "webrtc")),
        (
            Command::ConnectPlainTransport(direct, PlainRemote::default()),
            wrong("direct", direct, "plain"),
        ),
        (
            Command::ConnectPlainTransport(plain, PlainRemote::default()),
            CommandError::AlreadyConnected(plain),
        ),
    ] {
        assert_eq!(world.command(command).unwrap_err(), error);
    }
}
