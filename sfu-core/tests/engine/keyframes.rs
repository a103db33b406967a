//! Many receivers ask for a key frame, the publisher hears one question.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::wire::codec::Codec;
use sfu_core::{EncodingConfig, ProducerConfig};

use super::sim::{Format, Link, SinkRef, World};

#[test]
fn twenty_receivers_cost_one_request_per_half_second() {
    let mut world = World::new(21);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 1);
    let sinks: Vec<SinkRef> = (0..20)
        .map(|_| {
            let client = world.plain();
            world.subscribe(client, &[Format::Vp8], Some(camera))
        })
        .collect();
    world.run_millis(2_000);
    let before = world.asked(camera);
    for _ in 0..50 {
        for sink in &sinks {
            world.pli(*sink);
        }
        world.run_millis(100);
    }
    world.run_millis(1_000);
    let asked = world.asked(camera) - before;
    assert!((8..=11).contains(&asked), "{asked} requests in five seconds");
    let times = &world.source(camera).layers[0].asked;
    for pair in times.windows(2) {
        assert!(pair[1].since(pair[0]) >= Duration::from_millis(500));
    }
}

#[test]
fn a_late_joiner_gets_a_key_frame() {
    let mut world = World::new(22);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let camera = world.publish(ann, Format::H264, 1);
    world.subscribe(bob, &[Format::H264], Some(camera));
    // Too long for the last key frame to be of use.
    world.run_millis(4_000);
    let before = world.asked(camera);
    let joined = world.now;
    let late = world.subscribe(cem, &[Format::H264], Some(camera));
    world.run_millis(1_000);
    assert_eq!(world.asked(camera) - before, 1);
    let sink = world.sink(late);
    let first = sink.packets.values().next().unwrap();
    assert!(first.stamp.key);
    assert!(first.at.since(joined) < Duration::from_millis(150), "one round trip and a frame");
    assert!(sink.assert_continuous(0) > 20);
}

#[test]
fn an_unanswered_request_is_repeated_each_second() {
    let mut world = World::new(23);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.run_millis(4_000);
    // From now on nothing of the publisher comes through: no key frame answers.
    world.links(ann, Link::lossy(20, 1.0), Link::new(20));
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(5_050);
    let asked = world.asked(camera);
    assert!((5..=6).contains(&asked), "{asked} requests");
    assert!(world.sink(sink).packets.is_empty());
    world.links(ann, Link::new(20), Link::new(20));
    world.run_millis(1_500);
    assert!(world.sink(sink).assert_continuous(0) > 5);
}

#[test]
fn nobody_asks_for_what_nobody_receives() {
    let mut world = World::new(24);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.run_millis(4_000);
    world.links(ann, Link::lossy(20, 1.0), Link::new(20));
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(1_500);
    let before = world.asked(camera);
    assert!(before > 0);
    world.ok(Command::CloseConsumer(sink.consumer));
    world.run_millis(200);
    let after = world.asked(camera);
    world.run_millis(5_000);
    assert_eq!(world.asked(camera), after, "the only receiver has gone");
}

#[test]
fn a_request_that_is_open_when_its_producer_pauses_costs_nothing() {
    let mut world = World::new(25);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.run_millis(4_000);
    world.links(ann, Link::lossy(20, 1.0), Link::new(20));
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(300);
    world.ok(Command::PauseProducer(camera.producer));
    world.clients[ann].sources[0].muted = true;
    world.run_millis(100);
    let (asked, turns) = (world.asked(camera), world.turns);
    world.run_millis(10_000);
    assert_eq!(world.asked(camera), asked);
    assert!(world.turns - turns <= 260, "{} turns", world.turns - turns);
}

#[test]
fn a_publisher_without_pli_is_asked_by_fir() {
    let mut world = World::new(26);
    let (ann, bob) = (world.plain(), world.plain());
    // An encoding whose SSRC is not signalled: it is bound by its first packet.
    let mut codec = Format::H264.config(102);
    (codec.fir, codec.pli) = (true, false);
    assert_eq!(codec.codec, Codec::H264);
    let camera = world.publish(ann, Format::H264, 1);
    world.ok(Command::CloseProducer(camera.producer));
    let config = ProducerConfig {
        kind: Format::H264.kind(),
        mid: None,
        codecs: vec![codec],
        encodings: vec![EncodingConfig::default()],
        extensions: world.source(camera).extensions,
        paused: false,
        speaker: None,
        consumable: String::new(),
        parameters: String::new(),
    };
    let transport = world.transport(ann);
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    // The slot asks before the stream is known.
    let mut slot = world.slot(bob, &[Format::H264], None);
    slot.producer = Some(producer);
    let sink = world.subscribe_with(bob, &[Format::H264], slot);
    world.source(camera).muted = true;
    world.run_millis(500);
    world.source(camera).muted = false;
    world.run_millis(1_000);
    assert!(world.sink(sink).assert_continuous(0) > 20);
    world.pli(sink);
    world.run_millis(1_000);
    assert!(world.asked(camera) >= 1);
    assert!(world.sink(sink).packets.values().filter(|packet| packet.stamp.key).count() >= 4);
}
