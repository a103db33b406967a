//! Whatever comes, at whatever transport: no panic, bounded memory, and other
//! peers do not notice.

use sfu_core::engine::{Command, Reply};
use sfu_core::wire::srtp::Outbound;
use sfu_core::{Refused, SrtpProfile, Tuple};
use sfu_ice::Protocol;
use sfu_ice::stun::{Builder, Class, TransactionId};

use super::sim::{Format, Rng, SinkRef, World};

struct Siege {
    world: World,
    /// A plain, an SRTP and a WebRTC peer that are attacked.
    victims: [usize; 3],
    /// What a peer that is not attacked receives of another.
    calm: SinkRef,
    /// What that peer receives of the victims.
    views: Vec<SinkRef>,
}

impl Siege {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let victims = [world.plain_with(None, false), world.plain(), world.webrtc()];
        let (ann, bob) = (world.plain(), world.webrtc());
        let camera = world.publish(ann, Format::Vp8, 3);
        let calm = world.subscribe(bob, &[Format::Vp8], Some(camera));
        let mut views = Vec::new();
        for victim in victims {
            let source = world.publish(victim, Format::H264, 1);
            world.subscribe(victim, &[Format::Vp8], Some(camera));
            views.push(world.subscribe(bob, &[Format::H264], Some(source)));
        }
        world.run_millis(2_000);
        Self { world, victims, calm, views }
    }

    fn tuples(&self) -> Vec<Tuple> {
        let victims = self.victims.iter().map(|at| self.world.clients[*at].tuple);
        let local = self.world.clients[self.victims[2]].tuple.local;
        let stranger = Tuple::new(Protocol::Udp, local, ([10, 66, 6, 6], 666).into());
        victims.chain([stranger]).collect()
    }

    fn refused(&mut self, victim: usize) -> Refused {
        let transport = self.world.transport(self.victims[victim]);
        match self.world.ok(Command::TransportStats(transport)) {
            Reply::TransportStats(stats) => stats.refused,
            other => panic!("{other:?}"),
        }
    }

    /// Size of the router's whole state, but for the packets' bytes.
    fn state(&mut self) -> usize {
        for client in &mut self.world.clients {
            client.sources.iter_mut().for_each(|source| source.muted = true);
        }
        // Time enough for all packets to fall out of the history.
        self.world.run_millis(5_000);
        for client in &mut self.world.clients {
            client.sources.iter_mut().for_each(|source| source.muted = false);
        }
        self.world.run_millis(100);
        let Reply::Snapshot(bytes) = self.world.ok(Command::Snapshot(self.world.router)) else {
            panic!()
        };
        bytes.len()
    }

    /// The attack is over: nothing was contained, and who was not attacked saw
    /// nothing of it.
    fn assert_calm(mut self) {
        self.world.run_millis(1_500);
        assert_eq!(self.world.engine.counters().contained, 0);
        assert!(self.world.sink(self.calm).assert_continuous(0) > 60);
        assert_eq!(self.world.sink(self.calm).duplicates, 0);
    }
}

/// Random bytes that begin like something.
fn noise(rng: &mut Rng) -> Vec<u8> {
    let longest = if rng.chance(0.1) { 1_500 } else { 80 };
    let len = rng.below(longest) as usize;
    let mut bytes: Vec<u8> = (0..len).map(|_| rng.u64() as u8).collect();
    if let Some(first) = bytes.first_mut() {
        *first = match rng.below(4) {
            0 => 0x80 | (*first & 0x3f),
            1 => *first & 3,
            2 => 20 + *first % 44,
            _ => *first,
        };
    }
    if let Some(second) = bytes.get_mut(1).filter(|_| rng.chance(0.5)) {
        *second = [200, 201, 202, 203, 205, 206, 207, 102, 103][rng.below(9) as usize];
    }
    bytes
}

#[test]
fn noise_of_every_kind_at_every_transport() {
    let mut siege = Siege::new(121);
    let before = siege.state();
    let tuples = siege.tuples();
    let mut rng = Rng(121);
    for _ in 0..300 {
        for tuple in &tuples {
            for _ in 0..25 {
                siege.world.inject(*tuple, noise(&mut rng));
            }
        }
        siege.world.run_millis(5);
    }
    let after = siege.state();
    assert!(after < before + 60_000, "the state grew from {before} to {after} bytes");
    for victim in 1..3 {
        let refused = siege.refused(victim);
        assert!(refused.srtp > 100 && refused.srtcp > 100, "{refused:?}");
    }
    assert!(siege.refused(2).dtls + siege.refused(2).stun > 100);
    // Authenticated peers lose nothing by noise on their own path.
    for view in &siege.views[1..] {
        assert!(siege.world.sink(*view).assert_continuous(0) > 60);
    }
    siege.assert_calm();
}

#[test]
fn real_packets_with_damage() {
    let mut siege = Siege::new(122);
    let before = siege.state();
    // Without SRTP what is damaged cannot be told from what is not.
    siege.world.ok(Command::CloseConsumer(siege.views[0].consumer));
    siege.world.damage = 0.8;
    siege.world.run_millis(6_000);
    siege.world.damage = 0.0;
    let after = siege.state();
    assert!(after < before + 60_000, "the state grew from {before} to {after} bytes");
    for view in &siege.views[1..] {
        assert!(siege.world.sink(*view).assert_continuous(0) > 60);
    }
    siege.assert_calm();
}

#[test]
fn forged_srtp_leaves_no_state() {
    let mut siege = Siege::new(123);
    let before = siege.state();
    let counted = siege.refused(1).srtp;
    let profile = SrtpProfile::AeadAes128Gcm;
    let (key, salt) = (vec![9; profile.key_len()], vec![9; profile.salt_len()]);
    let mut forger = Outbound::new(profile, &key, &salt).unwrap();
    let tuple = siege.world.clients[siege.victims[1]].tuple;
    for ssrc in 0..1_000_u32 {
        let mut packet = vec![0x80, 102, 0, 1, 0, 0, 0, 1];
        packet.extend((0x0bad_0000 + ssrc).to_be_bytes());
        packet.resize(100 + Outbound::MAX_OVERHEAD, 0);
        let len = forger.protect_rtp(&mut packet, 100).unwrap();
        siege.world.inject(tuple, packet[..len].to_vec());
    }
    assert_eq!(siege.refused(1).srtp - counted, 1_000);
    let after = siege.state();
    assert!(after < before + 8_000, "the state grew from {before} to {after} bytes");
    siege.assert_calm();
}

#[test]
fn a_thousand_ssrcs_of_a_peer_with_keys() {
    let mut siege = Siege::new(124);
    let before = siege.state();
    for round in 0..1_000_u32 {
        for victim in siege.victims {
            let mut packet = vec![0x80, 102, 0, 1, 0, 0, 0, 1];
            packet.extend((0x0bad_0000 + round).to_be_bytes());
            packet.extend([0x65, 0x80, 0, 0]);
            packet.resize(90, 0);
            siege.world.clients[victim].send_rtp(packet, None);
            siege.world.flush(victim);
        }
        if round % 50 == 0 {
            siege.world.run_millis(10);
        }
    }
    let after = siege.state();
    assert!(after < before + 400_000, "the state grew from {before} to {after} bytes");
    siege.assert_calm();
}

#[test]
fn rtcp_that_lies_from_a_peer_with_keys() {
    let mut siege = Siege::new(125);
    let before = siege.state();
    let mut rng = Rng(125);
    let outgoing = siege.world.clients[siege.victims[1]].sinks[0].config.ssrc.0.to_be_bytes();
    for round in 0..6_000 {
        // A header that claims some length, count and type, and then anything,
        // with SSRCs that exist.
        let mut packet = vec![0x80 | rng.below(32) as u8, 200 + rng.below(8) as u8];
        let len = 4 * (2 + rng.below(20) as usize);
        let claimed = if rng.chance(0.5) { len / 4 - 1 } else { rng.below(40) as usize };
        packet.extend((claimed as u16).to_be_bytes());
        while packet.len() < len {
            match rng.below(3) {
                0 => packet.extend(outgoing),
                _ => packet.extend(rng.u64().to_be_bytes()),
            }
        }
        let victim = siege.victims[round % 3];
        siege.world.clients[victim].send_rtcp(packet);
        siege.world.flush(victim);
        if round % 60 == 0 {
            siege.world.run_millis(10);
        }
    }
    siege.world.run_millis(100);
    assert!(siege.refused(1).rtcp > 100);
    let after = siege.state();
    assert!(after < before + 100_000, "the state grew from {before} to {after} bytes");
    siege.assert_calm();
}

#[test]
fn a_flood_of_nacks_is_answered_within_a_budget() {
    let mut siege = Siege::new(126);
    let victim = siege.victims[1];
    let sent = |siege: &mut Siege| {
        let transport = siege.world.transport(siege.victims[1]);
        match siege.world.ok(Command::TransportStats(transport)) {
            Reply::TransportStats(stats) => stats.bytes_sent,
            other => panic!("{other:?}"),
        }
    };
    let before = sent(&mut siege);
    siege.world.run_millis(2_000);
    let quiet = sent(&mut siege) - before;
    let media = siege.world.clients[victim].sinks[0].config.ssrc;
    for _ in 0..200 {
        for _ in 0..5 {
            let highest = siege.world.clients[victim].sinks[0].packets.last_key_value();
            let highest = *highest.unwrap().0;
            let mut out = vec![0; 1_400];
            let mut writer = sfu_core::wire::rtcp::RtcpWriter::compound(&mut out, media, "flood");
            let seqs: Vec<_> =
                (highest - 300..highest).map(|ext| sfu_core::wire::ExtSeq(ext).seq()).collect();
            writer.nack(media, media, seqs).unwrap();
            let len = writer.finish();
            out.truncate(len);
            siege.world.clients[victim].send_rtcp(out);
        }
        siege.world.flush(victim);
        siege.world.run_millis(10);
    }
    let flooded = sent(&mut siege) - before - quiet;
    assert!(flooded < quiet * 2, "{flooded} bytes against {quiet}");
    siege.assert_calm();
}

#[test]
fn floods_of_stun() {
    let mut siege = Siege::new(127);
    let tuple = siege.world.clients[siege.victims[2]].tuple;
    let before = siege.world.engine.counters().unknown_user;
    let mut rng = Rng(127);
    for round in 0..5_000_u16 {
        let from = Tuple::new(
            Protocol::Udp,
            tuple.local,
            ([10, 6, (round >> 8) as u8, round as u8], 6_000).into(),
        );
        let mut id = TransactionId::default();
        id.0[..8].copy_from_slice(&rng.u64().to_be_bytes());
        let mut builder = Builder::new(Class::Request, id);
        builder.username(&format!("user{round}"), "x").ice_controlling(1).priority(1);
        let packet = builder.finish(Some("a password of enough length")).unwrap().to_vec();
        siege.world.inject(from, packet);
    }
    assert_eq!(siege.world.engine.counters().unknown_user - before, 5_000);
    siege.assert_calm();
}

#[test]
fn replays_are_refused() {
    let mut siege = Siege::new(128);
    siege.world.clients[siege.victims[1]].up.duplicate = 1.0;
    siege.world.clients[siege.victims[2]].up.duplicate = 1.0;
    siege.world.run_millis(2_000);
    for (victim, view) in [(1, siege.views[1]), (2, siege.views[2])] {
        assert!(siege.refused(victim).srtp > 50);
        assert_eq!(siege.world.sink(view).duplicates, 0);
        assert!(siege.world.sink(view).assert_continuous(0) > 60);
    }
    siege.assert_calm();
}
