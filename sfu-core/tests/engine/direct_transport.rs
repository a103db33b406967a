//! Direct transports: media from and to the process itself.

use bytes::Bytes;
use sfu_core::engine::{Command, Reply};
use sfu_core::wire::Ssrc;
use sfu_core::wire::rtcp::{Compound, Pli, RtcpPacket, RtcpWriter};
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
        world.ok(Command::SendRtp(transport, producer, Bytes::from(packet)));
        world.run_millis(20);
    }
    world.run_millis(100);
    assert!(world.sink(sink).assert_continuous(0) >= 198);

    let long = Command::SendRtp(transport, producer, Bytes::from(vec![0x80; 1_601]));
    let error = world.command(long).unwrap_err();
    assert!(matches!(error, CommandError::InvalidParameters { .. }));
    let other = direct(&mut world);
    let packet = Bytes::from_static(&[0x80; 20]);
    for (on, of) in [(transport, model.producer), (other, producer)] {
        let wrong = world.command(Command::SendRtp(on, of, packet.clone())).unwrap_err();
        assert_eq!(wrong, CommandError::WrongTransport { transport: on, producer: of });
    }
    let plain = world.transport(bob);
    for wrong in [
        Command::SendRtp(plain, model.producer, packet.clone()),
        Command::SendRtcp(plain, packet.clone()),
    ] {
        assert!(matches!(
            world.command(wrong).unwrap_err(),
            CommandError::WrongTransportKind { is: "plain", needs: "direct", .. }
        ));
    }
    for garbage in [&b""[..], b"\x80", &[0x9f; 40], &[0xff; 1_600]] {
        world.ok(Command::SendRtp(transport, producer, Bytes::copy_from_slice(garbage)));
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

/// The RTCP that was told of a transport, packet by packet.
fn told_rtcp(world: &World, of: TransportId, each: &mut dyn FnMut(&RtcpPacket<'_>)) {
    for event in &world.events {
        if let Event::Rtcp { transport, packet, .. } = event
            && *transport == of
        {
            Compound::parse(packet).unwrap().packets().for_each(|it| each(&it.unwrap()));
        }
    }
}

#[test]
fn the_process_is_asked_and_reported_to_like_a_peer() {
    let mut world = World::new(113);
    let transport = direct(&mut world);
    let bob = world.plain();
    let model = world.publish(bob, Format::Vp8, 1);
    world.clients[bob].sources[0].muted = true;
    let config = world.producer_config(model);
    let payload_type = config.codecs[0].payload_type;
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    let ssrc = world.source(model).layers[0].ssrc;
    world.subscribe(bob, &[Format::Vp8], Some(SourceRef { producer, ..model }));
    // An ordinary picture, one that is lost, and another.
    for seq in [1_u16, 3] {
        let mut packet = vec![0x80, payload_type.0];
        packet.extend(seq.to_be_bytes());
        packet.extend((u32::from(seq) * 3_000).to_be_bytes());
        packet.extend(ssrc.0.to_be_bytes());
        packet.extend([0x10, 0x01, 0, 0]);
        world.ok(Command::SendRtp(transport, producer, Bytes::from(packet)));
        world.run_millis(30);
    }
    world.run_millis(2_500);
    let (mut plis, mut missing, mut reports) = (0, Vec::new(), 0);
    told_rtcp(&world, transport, &mut |packet| match packet {
        RtcpPacket::Pli(pli) => plis += usize::from(pli.media == ssrc),
        RtcpPacket::Nack(nack) => missing.extend(nack.seqs().map(|seq| seq.0)),
        RtcpPacket::ReceiverReport(report) => {
            reports += report.blocks().filter(|block| block.ssrc == ssrc).count();
        }
        _ => {}
    });
    assert!(plis >= 2, "it is asked again: {plis}");
    assert!(!missing.is_empty() && missing.iter().all(|seq| *seq == 2), "{missing:?}");
    assert!((2..=3).contains(&reports), "{reports}");
}

#[test]
fn the_process_asks_and_is_answered_like_a_peer() {
    let mut world = World::new(114);
    let transport = direct(&mut world);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 1);
    let config = world.slot(ann, &[Format::Vp8], Some(camera));
    let ssrc = config.ssrc;
    let Reply::Consumer(consumer) = world.ok(Command::Consume(transport, config)) else { panic!() };
    world.run_millis(2_000);
    let rtp = |world: &World| {
        let of = |event: &Event| match event {
            Event::Rtp { packet, .. } => Some(RtpView::parse(packet).unwrap().seq()),
            _ => None,
        };
        world.events.iter().filter_map(of).collect::<Vec<_>>()
    };
    let (got, before) = (rtp(&world), world.asked(camera));
    let mut reports = 0;
    told_rtcp(&world, transport, &mut |packet| {
        reports +=
            usize::from(matches!(packet, RtcpPacket::SenderReport(report) if report.ssrc == ssrc));
    });
    assert!(reports >= 1);
    world.events.clear();
    let mut buf = [0; 200];
    let mut writer = RtcpWriter::reduced_size(&mut buf);
    writer.pli(Pli { sender: Ssrc(1), media: ssrc }).unwrap();
    writer.nack(Ssrc(1), ssrc, [*got.last().unwrap()]).unwrap();
    let len = writer.finish();
    world.ok(Command::SendRtcp(transport, Bytes::copy_from_slice(&buf[..len])));
    world.run_millis(1_500);
    let Reply::ConsumerStats(stats) = world.ok(Command::ConsumerStats(consumer)) else { panic!() };
    assert_eq!((stats.pli_count, stats.fir_count, stats.nack_count), (1, 0, 1));
    assert!(world.asked(camera) > before, "the publisher is asked");
    let again = Command::SendRtcp(transport, Bytes::from_static(&[0x80, 200, 0, 9]));
    world.ok(again);
    let Reply::TransportStats(stats) = world.ok(Command::TransportStats(transport)) else {
        panic!()
    };
    assert_eq!(stats.refused.rtcp, 1);
    let long = Command::SendRtcp(transport, Bytes::from(vec![0x80; 1_601]));
    assert!(matches!(world.command(long), Err(CommandError::InvalidParameters { .. })));
}
