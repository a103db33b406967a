//! Receive slots: one continuous stream, whatever it follows.

use sfu_core::engine::{Command, Reply};
use sfu_core::{ConsumerStats, Event};

use super::sim::{Format, Link, SinkRef, World};

fn stats(world: &mut World, sink: SinkRef) -> ConsumerStats {
    match world.ok(Command::ConsumerStats(sink.consumer)) {
        Reply::ConsumerStats(stats) => *stats,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_switches_leave_no_trace() {
    let mut world = World::new(51);
    let publishers = [world.plain(), world.plain(), world.plain()];
    let cem = world.plain();
    let cameras = publishers.map(|at| world.publish(at, Format::Vp8, 1));
    let microphones = publishers.map(|at| world.publish(at, Format::Opus, 1));
    let video = world.subscribe(cem, &[Format::Vp8], None);
    let audio = world.subscribe(cem, &[Format::Opus], None);
    for round in 0..100 {
        world.switch(video, Some(cameras[round % 3]));
        world.switch(audio, Some(microphones[round % 3]));
        world.run_millis(150 + (round as u64 * 37) % 200);
    }
    world.run_millis(1_000);
    assert!(world.sink(video).assert_continuous(0) > 500);
    assert!(world.sink(audio).assert_continuous(0) > 1_000);
    assert!(world.sink(video).sources().len() >= 90);
    assert!(world.sink(audio).sources().len() >= 90);
    let stats = stats(&mut world, video);
    assert_eq!(stats.packets_sent as usize, world.sink(video).packets.len());
}

#[test]
fn codecs_alternate_in_one_slot() {
    let mut world = World::new(52);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let vp8 = world.publish(ann, Format::Vp8, 3);
    let h264 = world.publish(bob, Format::H264, 1);
    // What one publisher calls 96 is not what the other means by it.
    world.ok(Command::CloseProducer(h264.producer));
    let mut config = world.producer_config(h264);
    config.codecs = vec![Format::H264.config(96)];
    let transport = world.transport(bob);
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    world.source(h264).payload_type = 96;
    let h264 = super::sim::SourceRef { producer, ..h264 };
    let slot = world.subscribe(cem, &[Format::Vp8, Format::H264], Some(vp8));
    for round in 0..20 {
        world.run_millis(700);
        world.switch(slot, Some(if round % 2 == 0 { h264 } else { vp8 }));
    }
    world.run_millis(1_000);
    let sink = world.sink(slot);
    assert!(sink.assert_continuous(0) > 300);
    for packet in sink.packets.values() {
        let from_ann = packet.stamp.source < 200_000;
        assert_eq!(packet.format == Format::Vp8, from_ann);
    }
    assert!(sink.sources().len() >= 20);
}

#[test]
fn what_was_lost_before_a_switch_comes_after_it() {
    let mut world = World::new(53);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let cameras = [ann, bob].map(|at| world.publish(at, Format::Vp8, 1));
    let slot = world.subscribe(cem, &[Format::Vp8], Some(cameras[0]));
    world.links(cem, Link::new(60), Link::lossy(60, 0.15));
    for round in 0..40 {
        world.run_millis(400);
        world.switch(slot, Some(cameras[round % 2]));
    }
    world.run_millis(2_000);
    assert!(world.sink(slot).assert_continuous(40) > 250);
    assert_eq!(stats(&mut world, slot).nack_missed, 0);
}

#[test]
fn an_emptied_slot_is_silent_and_says_nothing_of_a_stream() {
    let mut world = World::new(54);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let slot = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(2_000);
    world.switch(slot, None);
    world.run_millis(100);
    let (packets, reports) = (world.sink(slot).packets.len(), world.sink(slot).reports.len());
    world.run_millis(5_000);
    assert_eq!(world.sink(slot).packets.len(), packets);
    assert_eq!(world.sink(slot).reports.len(), reports, "reports on an empty slot");
    let stats = stats(&mut world, slot);
    assert_eq!((stats.producer, stats.current_layers), (None, None));
    world.switch(slot, Some(camera));
    world.run_millis(1_000);
    assert!(world.sink(slot).packets.len() > packets + 20);
    assert!(world.sink(slot).assert_continuous(0) > 80);
}

#[test]
fn pauses_of_either_side_stop_the_stream_and_nothing_else() {
    for of_producer in [true, false] {
        let mut world = World::new(55);
        let (ann, bob) = (world.plain(), world.plain());
        let camera = world.publish(ann, Format::Vp8, 3);
        let microphone = world.publish(ann, Format::Opus, 1);
        let video = world.subscribe(bob, &[Format::Vp8], Some(camera));
        let audio = world.subscribe(bob, &[Format::Opus], Some(microphone));
        world.run_millis(1_000);
        let commands = if of_producer {
            [
                [Command::PauseProducer(camera.producer), Command::ResumeProducer(camera.producer)],
                [
                    Command::PauseProducer(microphone.producer),
                    Command::ResumeProducer(microphone.producer),
                ],
            ]
        } else {
            [video, audio].map(|sink| {
                [Command::PauseConsumer(sink.consumer), Command::ResumeConsumer(sink.consumer)]
            })
        };
        for _ in 0..5 {
            for [pause, _] in &commands {
                world.ok(pause.clone());
            }
            world.run_millis(100);
            let paused = world.now;
            world.run_millis(2_000);
            assert_eq!(world.sink(video).since(paused), 0);
            assert_eq!(world.sink(audio).since(paused), 0);
            for [_, resume] in &commands {
                world.ok(resume.clone());
            }
            let resumed = world.now;
            world.run_millis(1_000);
            assert!(world.sink(video).since(resumed) > 20);
            assert!(world.sink(audio).since(resumed) > 40);
        }
        assert!(world.sink(video).assert_continuous(0) > 150);
        assert!(world.sink(audio).assert_continuous(0) > 250);
    }
}

#[test]
fn a_slot_survives_its_publisher() {
    let mut world = World::new(56);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let first = world.publish(ann, Format::Vp8, 1);
    let slot = world.subscribe(cem, &[Format::Vp8], Some(first));
    world.run_millis(1_000);
    world.ok(Command::CloseProducer(first.producer));
    world.source(first).muted = true;
    // The new producer takes the old one's place in the router's tables.
    let second = world.publish(bob, Format::Vp8, 1);
    let told = world.events.iter().any(|event| {
        matches!(event, Event::ConsumerProducerClosed { consumer, producer, .. }
            if *consumer == slot.consumer && *producer == first.producer)
    });
    assert!(told);
    let before = world.now;
    world.run_millis(500);
    assert_eq!(world.sink(slot).packets.values().filter(|p| p.stamp.source >= 200_000).count(), 0);
    assert!(world.sink(slot).since(before) < 3);
    world.switch(slot, Some(second));
    world.run_millis(1_000);
    assert!(world.sink(slot).assert_continuous(0) > 50);
    assert_eq!(world.sink(slot).sources(), [100_000, 200_000]);
}
