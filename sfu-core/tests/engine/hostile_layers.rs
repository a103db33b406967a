//! Publishers that lie about layers, pictures and streams: only who watches
//! them sees it.

use sfu_core::engine::{Command, Reply};
use sfu_core::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, HeaderFields, HeaderTemplate, PassThrough,
};
use sfu_core::wire::{PayloadType, RtpTime, SeqNo, Ssrc};

use super::sim::{Format, Layout, SinkRef, SourceRef, World};

struct Siege {
    world: World,
    liar: SourceRef,
    /// What a receiver gets of the liar, and of somebody else.
    view: SinkRef,
    calm: SinkRef,
}

impl Siege {
    fn new(seed: u64, format: Format, layout: Layout) -> Self {
        let mut world = World::new(seed);
        let (mallory, ann, bob) = (world.plain(), world.plain(), world.plain());
        let liar = world.publish(mallory, format, 1);
        world.source(liar).layout = layout;
        let camera = world.publish(ann, Format::Vp8, 3);
        let view = world.subscribe(bob, &[format], Some(liar));
        let calm = world.subscribe(bob, &[Format::Vp8], Some(camera));
        world.run_millis(2_000);
        Self { world, liar, view, calm }
    }

    /// Sends a packet of the liar's with this payload and dependency descriptor.
    fn send(&mut self, seq: u16, timestamp: u32, payload: &[u8], descriptor: &[u8]) {
        let ssrc = self.world.source(self.liar).layers[0].ssrc;
        self.send_as(ssrc, seq, timestamp, payload, descriptor);
    }

    fn send_as(&mut self, ssrc: Ssrc, seq: u16, timestamp: u32, payload: &[u8], told: &[u8]) {
        let source = self.world.source(self.liar);
        let (ids, format) = (source.extensions, source.payload_type);
        let template = HeaderTemplate::new(ssrc, PayloadType(format), &ids).allow_mixed();
        let fields = HeaderFields {
            marker: seq.is_multiple_of(3),
            seq: SeqNo(seq),
            timestamp: RtpTime(timestamp),
            twcc: seq,
            abs_send_time: AbsSendTime(0),
            identity: false,
        };
        let mut block = vec![ids.id_of(ExtensionKind::DependencyDescriptor).unwrap()];
        block.push(told.len() as u8);
        block.extend(told);
        let elements = if told.is_empty() {
            Elements::default()
        } else {
            Elements::new(Elements::TWO_BYTE, &block)
        };
        let mut packet = vec![0; 600 + payload.len()];
        let pass = PassThrough::new(&ids, &ids);
        let written = template.write(&mut packet, &fields, elements, &pass).unwrap();
        packet.truncate(written.len);
        packet.extend(payload);
        let client = self.liar.client;
        self.world.clients[client].send_rtp(packet, None);
        self.world.flush(client);
    }

    /// The liar's view may show what it will; nobody else's does, and the engine
    /// closed nothing.
    fn assert_calm(&mut self) {
        self.world.source(self.liar).muted = true;
        self.world.run_millis(1_000);
        assert!(self.world.sink(self.calm).assert_continuous(0) > 60);
        for client in 0..3 {
            let transport = self.world.transport(client);
            let Reply::TransportStats(_) = self.world.ok(Command::TransportStats(transport)) else {
                panic!()
            };
        }
        assert_eq!(self.world.engine.counters().contained, 0);
        assert!(self.world.command(Command::ConsumerStats(self.view.consumer)).is_ok());
    }
}

#[test]
fn lying_layers_and_pictures_that_jump() {
    for (format, layout) in [
        (Format::Vp8, Layout::Temporal),
        (Format::Vp9, Layout::Svc { key_only: false }),
        (Format::Encrypted, Layout::described("L3T3")),
    ] {
        let mut siege = Siege::new(161, format, layout);
        let real = siege.world.sink(siege.view).last().clone();
        siege.world.source(siege.liar).muted = true;
        let view = siege.view;
        siege.world.clients[view.client].sinks[view.at].blind = true;
        let base = 20_000_u16;
        for round in 0..2_000_u32 {
            // A real payload with a descriptor of noise: layers, picture ids and
            // flags change at will.
            let descriptor = super::sim::Descriptor {
                picture: siege.world.rng.u64() as u16,
                tl0: siege.world.rng.u64() as u8,
                sync: siege.world.rng.chance(0.5),
                needs_lower: siege.world.rng.chance(0.5),
                needed_above: siege.world.rng.chance(0.5),
            };
            let stamp = super::sim::Stamp {
                spatial: siege.world.rng.below(8) as u8,
                temporal: siege.world.rng.below(if format == Format::Vp9 { 8 } else { 4 }) as u8,
                key: siege.world.rng.chance(0.1),
                index: siege.world.rng.below(2) as u8,
                ..real.stamp
            };
            let payload = stamp.payload(format, descriptor, 300);
            let told: Vec<u8> = match format {
                Format::Encrypted => {
                    let len = siege.world.rng.below(60);
                    (0..len).map(|_| siege.world.rng.u64() as u8).collect()
                }
                _ => Vec::new(),
            };
            let seq = base.wrapping_add(round as u16);
            let timestamp = round * 3_000 + siege.world.rng.below(9_000) as u32;
            siege.send(seq, timestamp, &payload, &told);
            if round % 8 == 0 {
                siege.world.run_millis(5);
            }
        }
        siege.assert_calm();
    }
}

#[test]
fn a_thousand_streams() {
    let mut siege = Siege::new(162, Format::Vp8, Layout::Flat);
    let view = siege.view;
    siege.world.clients[view.client].sinks[view.at].blind = true;
    let pool = siege.world.engine.counters();
    for round in 0..1_000_u32 {
        siege.send_as(Ssrc(7_000_000 + round), round as u16, round, &[0x10, 0, 0, 0], &[]);
        if round % 50 == 0 {
            siege.world.run_millis(5);
        }
    }
    siege.world.run_millis(100);
    let transport = siege.world.transport(siege.liar.client);
    let Reply::TransportStats(stats) = siege.world.ok(Command::TransportStats(transport)) else {
        panic!()
    };
    assert!(stats.refused.unknown_stream + stats.refused.srtp >= 900, "{:?}", stats.refused);
    assert_eq!(siege.world.engine.counters().contained, pool.contained);
    siege.assert_calm();
}
