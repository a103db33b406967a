//! Plain transports: addresses given or learnt, RTCP beside RTP or on its own.

use std::net::SocketAddr;
use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    CommandError, Event, PlainConfig, PlainRemote, Refused, SrtpMaster, SrtpProfile,
    TransportStats, Tuple,
};
use sfu_ice::Protocol;

use super::sim::{Client, Format, Link, Path, World};

fn stats(world: &mut World, client: usize) -> TransportStats {
    let transport = world.transport(client);
    match world.ok(Command::TransportStats(transport)) {
        Reply::TransportStats(stats) => *stats,
        other => panic!("{other:?}"),
    }
}

/// A path that an event named.
#[derive(Debug, PartialEq)]
enum Told {
    Rtp(Tuple),
    Rtcp(Tuple),
}

fn told(world: &World, client: usize) -> Vec<Told> {
    let of = world.transport(client);
    let named = |event: &Event| match event {
        Event::TransportTupleSelected { transport, tuple, .. } if *transport == of => {
            Some(Told::Rtp(*tuple))
        }
        Event::TransportRtcpTupleSelected { transport, tuple, .. } if *transport == of => {
            Some(Told::Rtcp(*tuple))
        }
        _ => None,
    };
    world.events.iter().filter_map(named).collect()
}

fn refused(world: &mut World, client: usize) -> Refused {
    stats(world, client).refused
}

#[test]
fn an_address_is_learnt_from_the_first_authentic_packet() {
    let mut world = World::new(101);
    let ann = world.plain_with(Some(SrtpProfile::AeadAes128Gcm), true);
    let bob = world.plain_with(Some(SrtpProfile::AesCm128HmacSha1_80), true);
    let camera = world.publish(ann, Format::Vp8, 1);
    world.source(camera).muted = true;
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    let local = world.clients[ann].tuple.local;
    let stranger = Tuple::new(Protocol::Udp, local, ([10, 66, 6, 6], 666).into());
    let mut forged = vec![0x80, 96, 0, 1, 0, 0, 0, 1, 0, 1, 0x86, 0xa0];
    forged.resize(200, 7);
    world.inject(stranger, forged.clone());
    forged[1] = 201;
    world.inject(stranger, forged);
    assert_eq!(stats(&mut world, ann).tuple, None);
    world.source(camera).muted = false;
    world.run_millis(500);
    let learnt = world.clients[ann].tuple;
    assert_eq!(stats(&mut world, ann).tuple, Some(learnt));
    assert_eq!(told(&world, ann), [Told::Rtp(learnt)]);
    // Bob only listens: nothing is sent before he is heard, by RTCP.
    assert_eq!(world.clients[bob].received, 0);
    world.pli(sink);
    world.run_millis(1_000);
    assert!(world.sink(sink).assert_continuous(0) > 20);
    assert_eq!(told(&world, ann).len(), 1);
    assert_eq!(told(&world, bob), [Told::Rtp(world.clients[bob].tuple)]);
}

#[test]
fn without_srtp_only_rtp_teaches_an_address() {
    let mut world = World::new(102);
    let ann = world.plain_with(None, true);
    let camera = world.publish(ann, Format::Opus, 1);
    world.source(camera).muted = true;
    let local = world.clients[ann].tuple.local;
    let stranger = Tuple::new(Protocol::Udp, local, ([10, 66, 6, 6], 666).into());
    // Version 2, and then no header that fits the packet; RTCP that lies about
    // its length.
    world.inject(stranger, vec![0x8f, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    world.inject(stranger, vec![0x80, 201, 0, 9, 0, 0, 0, 1]);
    world.turn();
    assert_eq!(stats(&mut world, ann).tuple, None);
    world.source(camera).muted = false;
    world.run_millis(300);
    let (learnt, told) = (world.clients[ann].tuple, stats(&mut world, ann));
    assert_eq!(told.tuple, Some(learnt));
    assert_eq!((told.refused.rtp, told.refused.rtcp), (1, 1));
    // Later packets of others are refused.
    let before = refused(&mut world, ann).unknown_stream;
    let mut late = vec![0x80, 111, 0, 1, 0, 0, 0, 1, 0, 3, 0x0d, 0x40];
    late.resize(90, 0);
    world.inject(stranger, late);
    assert_eq!(refused(&mut world, ann).unknown_stream, before + 1);
}

/// A peer with RTCP on ports of its own.
fn apart(world: &mut World, comedia: bool) -> usize {
    let (local, remote) = world.next_addresses();
    let up = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + 5_000);
    let config = PlainConfig { local, local_rtcp: Some(up(local)), comedia, srtp: None };
    let reply = world.ok(Command::CreatePlainTransport(world.router, config));
    let Reply::PlainTransport { transport, local_rtcp, .. } = reply else { panic!() };
    assert_eq!(local_rtcp, Some(up(local)));
    let told = (!comedia).then_some(remote);
    let connect = PlainRemote { address: told, rtcp_address: told.map(up), srtp: None };
    world.ok(Command::ConnectPlainTransport(transport, connect));
    let tuple = Tuple::new(Protocol::Udp, local, remote);
    let mut client = Client::new(transport, tuple, Path::Clear);
    client.rtcp_tuple = Some(Tuple::new(Protocol::Udp, up(local), up(remote)));
    let client = world.add(client);
    world.register(up(remote), client);
    client
}

#[test]
fn rtcp_has_ports_of_its_own() {
    for comedia in [false, true] {
        let mut world = World::new(103);
        let (ann, bob) = (apart(&mut world, comedia), apart(&mut world, comedia));
        let camera = world.publish(ann, Format::Vp8, 1);
        world.publish(bob, Format::Opus, 1);
        let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
        world.run_millis(2_000);
        let mut named = told(&world, ann);
        named.sort_by_key(|it| matches!(it, Told::Rtcp(_)));
        let paths = [world.clients[ann].tuple, world.clients[ann].rtcp_tuple.unwrap()];
        let [rtp, rtcp] = paths;
        let expected = [Told::Rtp(rtp), Told::Rtcp(rtcp)];
        assert_eq!(named, if comedia { &expected[..] } else { &[] });
        assert_eq!(stats(&mut world, ann).rtcp_tuple, Some(rtcp));
        world.links(ann, Link::lossy(20, 0.05), Link::new(20));
        world.links(bob, Link::new(20), Link::lossy(20, 0.05));
        world.run_millis(6_000);
        assert!(world.sink(sink).assert_decodable(40, 2) > 150, "comedia: {comedia}");
        assert!(world.sink(sink).repaired > 3 && world.sink(sink).reports.len() > 3);
        assert!(!world.clients[ann].reports.is_empty());
        // RTP where RTCP belongs, and the other way round, is refused.
        let client = &world.clients[ann];
        let (rtp, rtcp) = (client.tuple, client.rtcp_tuple.unwrap());
        let crossed = Tuple::new(Protocol::Udp, rtcp.local, rtp.remote);
        let before = refused(&mut world, ann).unknown_stream;
        let mut packet = vec![0x80, 96, 0, 1, 0, 0, 0, 1, 0, 1, 0x86, 0xa0];
        packet.resize(100, 0);
        world.inject(crossed, packet);
        world.inject(
            Tuple::new(Protocol::Udp, rtp.local, rtcp.remote),
            vec![0x80, 201, 0, 1, 0, 0, 0, 1],
        );
        assert_eq!(refused(&mut world, ann).unknown_stream, before + 2);
    }
}

#[test]
fn a_peer_whose_rtcp_address_is_unknown_costs_no_turns() {
    let mut world = World::new(104);
    let ann = apart(&mut world, true);
    let camera = world.publish(ann, Format::Vp8, 1);
    let bob = world.plain();
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    // No RTCP of its comes through.
    world.clients[ann].rtcp_tuple =
        Some(Tuple::new(Protocol::Udp, ([10, 7, 7, 7], 7).into(), ([10, 7, 7, 7], 8).into()));
    world.run_millis(3_000);
    world.source(camera).muted = true;
    world.run_millis(1_000);
    let before = world.turns;
    world.run_for(Duration::from_secs(10));
    assert!(world.turns - before <= 300, "{} turns", world.turns - before);
}

#[test]
fn what_cannot_be_connected_is_told() {
    let mut world = World::new(105);
    let profile = SrtpProfile::AeadAes128Gcm;
    let (local, remote) = world.next_addresses();
    let secure = PlainConfig { local, local_rtcp: None, comedia: false, srtp: Some(profile) };
    let reply = world.ok(Command::CreatePlainTransport(world.router, secure.clone()));
    let Reply::PlainTransport { transport, srtp: Some(ours), .. } = reply else { panic!() };
    assert_eq!((ours.key.len(), ours.salt.len()), (profile.key_len(), profile.salt_len()));
    assert!(!format!("{ours:?}").contains(&format!("{:?}", ours.key)), "keys are not for logs");
    let address = Some(remote);
    let short = SrtpMaster { key: vec![1; 3], salt: vec![2; 12] };
    for (connect, is_key) in [
        (PlainRemote { address, rtcp_address: None, srtp: None }, true),
        (PlainRemote { address, rtcp_address: None, srtp: Some(short) }, true),
        (PlainRemote { address: None, rtcp_address: None, srtp: Some(ours.clone()) }, false),
    ] {
        let error = world.command(Command::ConnectPlainTransport(transport, connect)).unwrap_err();
        assert_eq!(matches!(error, CommandError::SrtpKey(_)), is_key, "{error}");
    }
    let good = PlainRemote { address, rtcp_address: None, srtp: Some(ours) };
    world.ok(Command::ConnectPlainTransport(transport, good.clone()));
    let error = world.command(Command::ConnectPlainTransport(transport, good)).unwrap_err();
    assert_eq!(error, CommandError::AlreadyConnected(transport));
    let error = world.command(Command::CreatePlainTransport(world.router, secure)).unwrap_err();
    assert_eq!(error, CommandError::AddressInUse(local));
    world.ok(Command::CloseTransport(transport));
    let clear = PlainConfig { local, local_rtcp: None, comedia: false, srtp: None };
    let reply = world.ok(Command::CreatePlainTransport(world.router, clear));
    let Reply::PlainTransport { transport, .. } = reply else { panic!() };
    let key = SrtpMaster { key: vec![1; 16], salt: vec![2; 12] };
    let connect = PlainRemote { address, rtcp_address: None, srtp: Some(key) };
    let error = world.command(Command::ConnectPlainTransport(transport, connect)).unwrap_err();
    assert!(matches!(error, CommandError::SrtpKey(_)));
}
