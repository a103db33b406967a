//! What is traced when somebody asks for it, and that nothing is when nobody
//! does; and the orientation of pictures.

use bytes::Bytes;
use sfu_core::engine::{Command, Reply};
use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap, VideoOrientation};
use sfu_core::wire::{SeqNo, Ssrc};
use sfu_core::{Event, Trace, TraceType, TraceTypes};

use super::sim::{Format, Link, World};

fn types(of: &[TraceType]) -> TraceTypes {
    of.iter().copied().collect()
}

/// What was traced of whatever has this id, with the time.
fn traces(world: &World, of: u64) -> Vec<(u64, Trace)> {
    let found = |event: &Event| {
        let (id, at, trace) = match event {
            Event::TransportTrace { transport, timestamp_ms, trace, .. } => {
                (transport.as_u64(), timestamp_ms, trace)
            }
            Event::ProducerTrace { producer, timestamp_ms, trace, .. } => {
                (producer.as_u64(), timestamp_ms, trace)
            }
            Event::ConsumerTrace { consumer, timestamp_ms, trace, .. } => {
                (consumer.as_u64(), timestamp_ms, trace)
            }
            _ => return None,
        };
        (id == of).then(|| (*at, trace.clone()))
    };
    world.events.iter().filter_map(found).collect()
}

fn count(of: &[(u64, Trace)], like: impl Fn(&Trace) -> bool) -> usize {
    of.iter().filter(|(_, trace)| like(trace)).count()
}

const ALL: [TraceType; 6] = [
    TraceType::Rtp,
    TraceType::Keyframe,
    TraceType::Nack,
    TraceType::Pli,
    TraceType::Fir,
    TraceType::Sr,
];

#[test]
fn packets_and_requests_are_told_of_both_ways() {
    let mut world = World::new(701);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.links(ann, Link::lossy(20, 0.05), Link::new(20));
    world.links(bob, Link::new(20), Link::lossy(20, 0.05));
    world.run_millis(2_000);
    let quiet = |world: &World| {
        [camera.producer.as_u64(), sink.consumer.as_u64()].map(|id| traces(world, id).len())
    };
    assert_eq!(quiet(&world), [0, 0]);

    let begun = world.now.as_nanos() / 1_000_000;
    world.ok(Command::TraceProducer(camera.producer, types(&ALL)));
    world.ok(Command::TraceConsumer(sink.consumer, types(&ALL)));
    for _ in 0..5 {
        world.pli(sink);
        world.run_millis(1_000);
    }
    let (came, went) =
        (traces(&world, camera.producer.as_u64()), traces(&world, sink.consumer.as_u64()));
    for told in [&came, &went] {
        assert!(told.is_sorted_by_key(|(at, _)| *at));
        assert!(told.first().is_some_and(|(at, _)| *at >= begun && *at < begun + 5_000));
        assert!(count(told, |it| matches!(it, Trace::Rtp(_))) > 100, "{}", told.len());
        assert!(count(told, |it| matches!(it, Trace::Keyframe(_))) >= 4);
        assert!(count(told, |it| matches!(it, Trace::Nack { .. })) > 2);
        assert!(count(told, |it| matches!(it, Trace::Pli { .. })) >= 4);
        let again = |it: &Trace| matches!(it, Trace::Rtp(packet) if packet.retransmission);
        assert!(count(told, again) > 2);
        for (_, trace) in told {
            match trace {
                Trace::Rtp(packet) => assert!(!packet.key_frame && packet.size > 12),
                Trace::Keyframe(packet) => {
                    assert!(packet.key_frame && packet.payload_size < packet.size);
                }
                _ => {}
            }
        }
    }
    let ssrc = world.source(camera).layers[0].ssrc;
    let reports = |it: &Trace| matches!(it, Trace::Sr { ssrc: of, packet_count, .. } if *of == ssrc && *packet_count > 10);
    assert!(count(&came, reports) >= 3);
    assert_eq!(count(&went, |it| matches!(it, Trace::Sr { .. })), 0);
    assert!(count(&came, |it| matches!(it, Trace::Pli { ssrc: of } if *of == ssrc)) > 0);
    let sent = world.sink(sink).config.ssrc;
    assert!(count(&went, |it| matches!(it, Trace::Rtp(packet) if packet.ssrc == sent)) > 100);

    // None of them again is none.
    world.ok(Command::TraceProducer(camera.producer, TraceTypes::default()));
    world.ok(Command::TraceConsumer(sink.consumer, types(&[TraceType::Keyframe])));
    world.events.clear();
    world.pli(sink);
    world.run_millis(1_000);
    assert!(traces(&world, camera.producer.as_u64()).is_empty());
    let told = traces(&world, sink.consumer.as_u64());
    assert!(!told.is_empty());
    assert_eq!(count(&told, |it| matches!(it, Trace::Keyframe(_))), told.len());
}

#[test]
fn fir_is_told_as_such_and_a_long_request_is_cut() {
    let mut world = World::new(702);
    let (ann, bob) = (world.plain_with(None, false), world.plain_with(None, false));
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(1_000);
    world.ok(Command::TraceConsumer(sink.consumer, types(&ALL)));
    let (media, tuple) = (world.sink(sink).config.ssrc, world.clients[bob].tuple);
    let mut buf = [0; 1_400];
    let mut writer = sfu_core::wire::rtcp::RtcpWriter::reduced_size(&mut buf);
    let entry = sfu_core::wire::rtcp::FirEntry { ssrc: media, command: 1 };
    writer.fir(Ssrc(5), &[entry]).unwrap();
    writer.nack(Ssrc(5), media, (0..1_000).map(SeqNo)).unwrap();
    let len = writer.finish();
    world.inject(tuple, buf[..len].to_vec());
    world.turn();
    let told = traces(&world, sink.consumer.as_u64());
    assert_eq!(count(&told, |it| *it == Trace::Fir { ssrc: media }), 1);
    let numbers = told.iter().find_map(|(_, trace)| match trace {
        Trace::Nack { sequence_numbers, .. } => Some(sequence_numbers.len()),
        _ => None,
    });
    assert_eq!(numbers, Some(256));
    let Reply::ConsumerStats(stats) = world.ok(Command::ConsumerStats(sink.consumer)) else {
        panic!()
    };
    assert_eq!((stats.pli_count, stats.fir_count), (1, 1));
}

#[test]
fn bit_rates_are_told_when_layers_are_chosen() {
    let mut world = World::new(703);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 3);
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    let transport = world.transport(bob);
    world.ok(Command::TraceTransport(transport, types(&[TraceType::Bwe])));
    world.run_millis(1_000);
    assert!(traces(&world, transport.as_u64()).is_empty(), "nothing is chosen yet");
    world.ok(Command::SetAvailableOutgoingBitrate(transport, Some(500_000)));
    world.run_millis(1_000);
    let told = traces(&world, transport.as_u64());
    assert!((4..=8).contains(&told.len()), "{}", told.len());
    let Some((_, Trace::Bwe { available_bitrate, video_bitrate, .. })) = told.last() else {
        panic!()
    };
    assert_eq!(*available_bitrate, Some(500_000));
    assert!((1..=500_000).contains(video_bitrate), "{video_bitrate}");
}

#[test]
fn a_turned_picture_is_told_once() {
    let mut world = World::new(704);
    let Reply::Transport(transport) = world.ok(Command::CreateDirectTransport(world.router)) else {
        panic!()
    };
    let bob = world.plain();
    let model = world.publish(bob, Format::Vp8, 1);
    world.clients[bob].sources[0].muted = true;
    let mut config = world.producer_config(model);
    config.extensions = ExtensionMap::default();
    config.extensions.insert(ExtensionKind::VideoOrientation, 3).unwrap();
    let (payload_type, ssrc) = (config.codecs[0].payload_type, world.source(model).layers[0].ssrc);
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    let turned = |quarter_turns, flip| VideoOrientation { back_camera: flip, flip, quarter_turns };
    // As browsers do it, only some packets tell.
    let told = [Some(turned(0, false)), None, Some(turned(0, false)), Some(turned(1, false))];
    let told = told.into_iter().chain([None, Some(turned(3, true)), Some(turned(3, true))]);
    for (seq, orientation) in (1_u16..).zip(told) {
        let first = if orientation.is_some() { 0x90 } else { 0x80 };
        let mut packet = vec![first, payload_type.0];
        packet.extend(seq.to_be_bytes());
        packet.extend((u32::from(seq) * 3_000).to_be_bytes());
        packet.extend(ssrc.0.to_be_bytes());
        if let Some(orientation) = orientation {
            packet.extend([0xbe, 0xde, 0, 1, 0x30, orientation.to_byte(), 0, 0]);
        }
        packet.extend([0x10, 0x01, 0, 0]);
        world.ok(Command::SendRtp(transport, producer, Bytes::from(packet)));
        world.run_millis(30);
    }
    let changed = |event: &Event| match event {
        Event::ProducerVideoOrientationChanged {
            producer: of,
            back_camera,
            flip,
            rotation,
            ..
        } if *of == producer => Some((*back_camera, *flip, *rotation)),
        _ => None,
    };
    let changes: Vec<_> = world.events.iter().filter_map(changed).collect();
    assert_eq!(changes, [(false, false, 0), (false, false, 90), (true, true, 270)]);
}
