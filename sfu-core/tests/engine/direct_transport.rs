//! Direct transports: media from and to the process itself.

use bytes::Bytes;
use sfu_core::engine::{Command, Reply};
use sfu_core::wire::rtp::RtpView;
use sfu_core::{CommandError, Event, TransportId};

use super::sim::{Descriptor, Format, Sink, SourceRef, Stamp, World};

fn direct(world: &mut World) -> TransportId {
    match world.ok(Command::CreateDirectTransport(world.router)) {
        Reply::Transport(transport) => transport,
        other => panic!("{other:?}"),
    }
}

#[test]
fn packets_of_the_process_reach_a_peer() {
    let mut world = World::new(111);
    let transport = direct(&mut world);
    let bob = world.plain();
    // A source that is driven by hand.
    let model = world.publish(bob, Format::Opus, 1);
    let config = world.producer_config(model);
    world.clients[bob].sources[0].muted = true;
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    let sink = world.subscribe(bob, &[Format::Opus], Some(SourceRef { producer, ..model }));
    for frame in 0..200_u32 {
        let stamp = Stamp::alone(1, frame, world.now.as_nanos());
        let ssrc = world.source(model).layers[0].ssrc.0;
        let mut packet = vec![0x80, 111];
        packet.extend((65_500_u16.wrapping_add(frame as u16)).to_be_bytes());
        packet.extend((frame * 960).to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend(stamp.payload(Format::Opus, Descriptor::default(), 80));
        world.ok(Command::SendRtp(producer, Bytes::from(packet)));
        world.run_millis(20);
    }
    world.run_millis(100);
    assert!(world.sink(sink).assert_continuous(0) >= 198);

    let long = Command::SendRtp(producer, Bytes::from(vec![0x80; 1_601]));
    let error = world.command(long).unwrap_err();
    assert!(matches!(error, CommandError::InvalidParameters { .. }));
    let wrong = Command::SendRtp(model.producer, Bytes::from_static(&[0x80; 20]));
    assert!(matches!(
        world.command(wrong).unwrap_err(),
        CommandError::WrongTransportKind { is: "plain", needs: "direct", .. }
    ));
    for garbage in [&b""[..], b"\x80", &[0x9f; 40], &[0xff; 1_600]] {
        world.ok(Command::SendRtp(producer, Bytes::copy_from_slice(garbage)));
    }
    let Reply::TransportStats(stats) = world.ok(Command::TransportStats(transport)) else {
        panic!()
    };
    assert!(stats.refused.rtp + stats.refused.unknown_stream >= 4);
}

#[test]
fn packets_of_a_peer_reach_the_process() {
    let mut world = World::new(112);
    let transport = direct(&mut world);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 3);
    let config = world.slot(ann, &[Format::Vp8], Some(camera));
    let Reply::Consumer(consumer) = world.ok(Command::Consume(transport, config.clone())) else {
        panic!()
    };
    world.run_millis(3_000);
    let mut sink = Sink::new(world.now, config, vec![Format::Vp8]);
    let ids = world.source(camera).extensions;
    for event in &world.events {
        if let Event::Rtp { consumer: of, packet, .. } = event {
            assert_eq!(*of, consumer);
            assert_eq!(RtpView::parse(packet).unwrap().padding_len(), 0);
            sink.push(world.now, &mut packet.to_vec(), &ids);
        }
    }
    assert!(sink.assert_continuous(0) > 70);
    assert_eq!(sink.last().stamp.source % 1_000, 20);
    world.ok(Command::CloseTransport(transport));
    world.events.clear();
    world.run_millis(500);
    assert!(!world.events.iter().any(|event| matches!(event, Event::Rtp { .. })));
}
