//! Redundant audio: passed on to receivers that have it, taken apart for those
//! that have Opus alone.

use bytes::Bytes;
use sfu_core::engine::{Command, Reply};
use sfu_core::wire::codec::Codec;
use sfu_core::wire::rtp::RtpView;
use sfu_core::wire::{PayloadType, Ssrc};
use sfu_core::{CodecConfig, ConsumerId, Event};

use super::sim::{Format, SourceRef, World};

fn audio(codec: Codec, payload_type: u8) -> CodecConfig {
    CodecConfig {
        payload_type: PayloadType(payload_type),
        rtx_payload_type: None,
        codec,
        clock_rate: 48_000,
        variant: 0,
        nack: false,
        pli: false,
        fir: false,
    }
}

/// What a consumer got: payload type, sequence number and payload.
fn received(world: &World, consumer: ConsumerId) -> Vec<(u8, u16, Vec<u8>)> {
    let mut out = Vec::new();
    for event in &world.events {
        if let Event::Rtp { consumer: of, packet, .. } = event
            && *of == consumer
        {
            let view = RtpView::parse(packet).unwrap();
            out.push((view.payload_type().0, view.seq().0, view.payload().to_vec()));
        }
    }
    out
}

#[test]
fn each_receiver_gets_what_it_negotiated() {
    let mut world = World::new(151);
    let Reply::Transport(transport) = world.ok(Command::CreateDirectTransport(world.router)) else {
        panic!()
    };
    let bob = world.plain();
    let model = world.publish(bob, Format::Opus, 1);
    let mut config = world.producer_config(model);
    world.clients[bob].sources[0].muted = true;
    let ssrc = world.source(model).layers[0].ssrc.0;
    config.codecs = vec![audio(Codec::Opus, 111), audio(Codec::Red, 63)];
    let Reply::Producer(producer) = world.ok(Command::Produce(transport, config)) else { panic!() };
    let mut consume = |ssrc: u32, codecs: Vec<CodecConfig>| {
        let source = SourceRef { producer, ..model };
        let mut config = world.slot(bob, &[Format::Opus], Some(source));
        config.codecs = codecs;
        config.ssrc = Ssrc(ssrc);
        let Reply::Consumer(consumer) = world.ok(Command::Consume(transport, config)) else {
            panic!()
        };
        consumer
    };
    let alike = consume(1, vec![audio(Codec::Opus, 111), audio(Codec::Red, 63)]);
    let other = consume(2, vec![audio(Codec::Opus, 96), audio(Codec::Red, 97)]);
    let plain = consume(3, vec![audio(Codec::Opus, 109)]);

    // Every packet repeats the one before it; every fifth is plain Opus, and
    // one holds what no receiver knows.
    let frame = |n: u16| vec![0xfc, n as u8, (n >> 8) as u8];
    let mut sent = Vec::new();
    for n in 0..100_u16 {
        let (payload_type, payload) = match n {
            50 => (63, vec![13, 0]),
            n if n % 5 == 0 => (111, frame(n)),
            n => {
                let mut red = vec![0xef, 0x0f, 0x00, 3, 0x6f];
                red.extend(frame(n - 1));
                red.extend(frame(n));
                (63, red)
            }
        };
        let mut packet = vec![0x80, payload_type];
        packet.extend((65_500_u16.wrapping_add(n)).to_be_bytes());
        packet.extend((u32::from(n) * 960).to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend(&payload);
        sent.push((payload_type, payload));
        world.ok(Command::SendRtp(transport, producer, Bytes::from(packet)));
        world.run_millis(20);
    }
    world.run_millis(100);

    let got = received(&world, alike);
    let same: Vec<_> = got.iter().map(|(pt, _, payload)| (*pt, payload.clone())).collect();
    assert_eq!(same, sent);

    let renumbered = received(&world, other);
    assert_eq!(renumbered.len(), 100);
    for (n, (pt, _, payload)) in renumbered.iter().enumerate() {
        let (was, original) = &sent[n];
        assert_eq!(*pt, if *was == 63 { 97 } else { 96 });
        let mut expected = original.clone();
        if *was == 63 && n != 50 {
            (expected[0], expected[4]) = (0x80 | 96, 96);
        }
        assert_eq!(payload, &expected);
    }

    let opus = received(&world, plain);
    assert_eq!(opus.len(), 99, "all but the one that is not Opus");
    let first = opus[0].1;
    for (pt, seq, payload) in &opus {
        let n = seq.wrapping_sub(first);
        assert_eq!((*pt, payload), (109, &frame(n)));
        assert_ne!(n, 50);
    }
}
