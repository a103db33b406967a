//! SCTP beside RTP, without DTLS: data on plain transports.

use std::net::SocketAddr;
use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    ChannelParameters, CloseReason, CommandError, DataConsumerConfig, DataConsumerId,
    DataProducerConfig, DataProducerId, DataStream, Event, Message, PlainConfig, PlainRemote,
    RouterId, SctpConfig, SctpState, SrtpProfile, TransportId, TransportStats, Tuple,
};
use sfu_ice::Protocol;
use sfu_ice::sctp::Association;

use super::sim::{Link, World};

/// Two routers with a direct transport in each, and plain transports between
/// them.
struct Call {
    world: World,
    routers: [RouterId; 2],
    direct: [TransportId; 2],
    plain: [TransportId; 2],
    locals: [SocketAddr; 2],
}

fn sctp() -> SctpConfig {
    let mut config = SctpConfig::default();
    config.remote_max_message_size = config.max_message_size;
    config
}

/// The second one learns the first one's address if `comedia` says so.
fn call(seed: u64, srtp: Option<SrtpProfile>, comedia: bool) -> Call {
    let mut world = World::new(seed);
    let first = world.router;
    world.another_router();
    let routers = [first, world.router];
    let direct = routers.map(|router| match world.ok(Command::CreateDirectTransport(router)) {
        Reply::Transport(transport) => transport,
        other => panic!("{other:?}"),
    });
    let locals = [7_000, 7_001].map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
    let mut keys = Vec::new();
    let plain = [0, 1].map(|at| {
        world.pipes.networks.insert(locals[at], Link::new(20));
        let comedia = comedia && at == 1;
        let config = PlainConfig { local: locals[at], local_rtcp: None, comedia, srtp };
        match world.ok(Command::CreatePlainTransport(routers[at], config)) {
            Reply::PlainTransport { transport, srtp, .. } => {
                keys.push(srtp);
                world.ok(Command::EnableData(transport, sctp()));
                transport
            }
            other => panic!("{other:?}"),
        }
    });
    for at in 0..2 {
        let address = (at == 0 || !comedia).then_some(locals[1 - at]);
        let remote = PlainRemote { address, rtcp_address: None, srtp: keys[1 - at].clone() };
        if address.is_some() || remote.srtp.is_some() {
            world.ok(Command::ConnectPlainTransport(plain[at], remote));
        }
    }
    Call { world, routers, direct, plain, locals }
}

fn produce(
    world: &mut World,
    transport: TransportId,
    stream: Option<u16>,
) -> Result<DataProducerId, CommandError> {
    let parameters = ChannelParameters::new("chat");
    let config = DataProducerConfig { stream, parameters, paused: false };
    world.command(Command::ProduceData(transport, config)).map(|reply| match reply {
        Reply::DataProducer(producer) => producer,
        other => panic!("{other:?}"),
    })
}

fn consume(
    world: &mut World,
    transport: TransportId,
    producer: DataProducerId,
    stream: DataStream,
) -> Result<(DataConsumerId, Option<u16>), CommandError> {
    let config =
        DataConsumerConfig { producer, ordered: None, reliability: None, stream, paused: false };
    world.command(Command::ConsumeData(transport, config)).map(|reply| match reply {
        Reply::DataConsumer { consumer, stream, .. } => (consumer, stream),
        other => panic!("{other:?}"),
    })
}

/// A source of messages beside one plain transport, and where they come out
/// beside the other.
#[derive(Clone, Copy)]
struct Way {
    source: DataProducerId,
    crossing: DataConsumerId,
    stream: u16,
    beyond: DataProducerId,
    hears: DataConsumerId,
}

impl Call {
    /// Leads messages from one end to the other.
    fn way(&mut self, from: usize) -> Way {
        let Self { world, direct, plain, .. } = self;
        let source = produce(world, direct[from], None).unwrap();
        let negotiated = DataStream::Negotiated(None);
        let (crossing, stream) = consume(world, plain[from], source, negotiated).unwrap();
        let beyond = produce(world, plain[1 - from], stream).unwrap();
        let (hears, _) = consume(world, direct[1 - from], beyond, DataStream::InBand).unwrap();
        Way { source, crossing, stream: stream.unwrap(), beyond, hears }
    }

    fn send(&mut self, way: Way, message: &Message) {
        self.world.ok(Command::SendMessage(way.source, message.clone()));
    }

    fn told(&self, way: Way) -> Vec<Message> {
        let message = |event: &Event| match event {
            Event::Message { consumer, message, .. } if *consumer == way.hears => {
                Some(message.clone())
            }
            _ => None,
        };
        self.world.events.iter().filter_map(message).collect()
    }

    fn states(&self, end: usize) -> Vec<SctpState> {
        let state = |event: &Event| match event {
            Event::SctpStateChanged { transport, state, .. } if *transport == self.plain[end] => {
                Some(*state)
            }
            _ => None,
        };
        self.world.events.iter().filter_map(state).collect()
    }

    fn stats(&mut self, end: usize) -> TransportStats {
        match self.world.ok(Command::TransportStats(self.plain[end])) {
            Reply::TransportStats(stats) => *stats,
            other => panic!("{other:?}"),
        }
    }

    fn closed(&self, way: Way) -> [Option<CloseReason>; 2] {
        let consumer = self.world.events.iter().find_map(|event| match event {
            Event::DataConsumerClosed { consumer, reason, .. } if *consumer == way.crossing => {
                Some(*reason)
            }
            _ => None,
        });
        let producer = self.world.events.iter().find_map(|event| match event {
            Event::DataProducerClosed { producer, reason, .. } if *producer == way.beyond => {
                Some(*reason)
            }
            _ => None,
        });
        [consumer, producer]
    }
}

fn numbered(number: u32, len: usize) -> Message {
    let mut payload = vec![0; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    Message::binary(payload)
}

#[test]
fn messages_go_both_ways_on_one_stream_at_once() {
    for srtp in [None, Some(SrtpProfile::AeadAes128Gcm)] {
        for comedia in [false, true] {
            let mut call = call(901, srtp, comedia);
            // Both ends take the same stream, before either knows of the other's.
            let ways = [call.way(0), call.way(1)];
            call.world.run_millis(1_000);
            let connecting = [SctpState::Connecting, SctpState::Connected];
            assert_eq!([call.states(0), call.states(1)], [connecting, connecting]);
            let messages =
                [Message::text("why?"), Message::text(""), Message::binary(vec![7; 200_000])];
            for message in &messages {
                ways.iter().for_each(|way| call.send(*way, message));
            }
            call.world.run_millis(5_000);
            for (end, way) in ways.into_iter().enumerate() {
                assert_eq!(call.told(way), messages, "{srtp:?} {comedia}");
                let stats = call.stats(end);
                let sctp = stats.sctp.expect("figures of SCTP");
                assert_eq!((sctp.messages_sent, sctp.messages_received), (3, 3));
                assert_eq!(stats.sctp_state, Some(SctpState::Connected));
                assert_eq!(stats.refused.sctp, 0);
            }
            let learnt = Tuple::new(Protocol::Udp, call.locals[1], call.locals[0]);
            let told = |event: &Event| {
                matches!(event, Event::TransportTupleSelected { transport, tuple, .. }
                    if *transport == call.plain[1] && *tuple == learnt)
            };
            let count = call.world.events.iter().filter(|event| told(event)).count();
            assert_eq!(count, usize::from(comedia));
        }
    }
}

#[test]
fn both_ends_choose_the_same_stream_and_more_find_others() {
    let mut call = call(902, None, false);
    let source = produce(&mut call.world, call.direct[0], None).unwrap();
    let negotiated = DataStream::Negotiated(None);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let (_, stream) = consume(&mut call.world, call.plain[0], source, negotiated).unwrap();
        streams.push(stream.unwrap());
    }
    assert_eq!(streams, [0, 1, 2]);
    let way = call.way(1);
    assert_eq!(way.stream, 0);
    // Where the question came from, the answer goes.
    let answers = produce(&mut call.world, call.plain[0], Some(9)).unwrap();
    let existing = DataStream::Existing(9);
    let (_, stream) = consume(&mut call.world, call.plain[0], answers, existing).unwrap();
    assert_eq!(stream, Some(9));
    for stream in [existing, DataStream::Existing(10), DataStream::Negotiated(Some(9))] {
        let error = consume(&mut call.world, call.plain[0], answers, stream).unwrap_err();
        assert!(matches!(error, CommandError::Data { .. }), "{error}");
    }
}

#[test]
fn nothing_is_lost_or_reordered_where_packets_are() {
    for seed in 910..914 {
        let mut call = call(seed, None, false);
        let mut lossy = Link::lossy(20, 0.1);
        lossy.jitter = Duration::from_millis(15);
        (lossy.duplicate, lossy.reorder) = (0.05, 0.1);
        // From the first packet on, and with both ends beginning at once.
        call.world.set_networks(&lossy);
        let ways = [call.way(0), call.way(1)];
        call.world.run_millis(20_000);
        for number in 0..200 {
            for way in ways {
                call.send(way, &numbered(number, 4 + 7 * number as usize));
            }
            call.world.run_millis(25);
        }
        call.world.run_millis(60_000);
        let expected: Vec<Message> =
            (0..200).map(|number| numbered(number, 4 + 7 * number as usize)).collect();
        for way in ways {
            assert!(call.told(way) == expected, "seed {seed}");
        }
    }
}

#[test]
fn hostile_datagrams_cost_a_counter_and_teach_nothing() {
    let mut call = call(903, None, true);
    let [genuine, target] = [0, 1].map(|end| call.locals[end]);
    let stranger = Tuple::new(Protocol::Udp, target, ([10, 66, 6, 6], 666).into());
    let mut wrong_port = sctp();
    wrong_port.port = 5_001;
    let mut packets =
        vec![vec![0x13; 40], vec![0x13, 0x88, 0x13, 0x88], vec![0; 200], vec![22; 60]];
    let mut intact = Vec::new();
    for config in [sctp(), wrong_port] {
        let mut association = Association::plain(config, [9; 32]);
        association.start(call.world.now, false);
        assert!(association.poll_transmit(call.world.now, &mut intact));
        packets.push(intact.clone());
    }
    // The first of these two would be taken.
    let good = packets.remove(4);
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    packets.push(damaged);
    packets.push(good[..good.len() - 4].to_vec());
    for packet in &packets {
        call.world.inject(stranger, packet.clone());
        call.world.turn();
    }
    let before = call.stats(1);
    assert_eq!(before.refused.sctp, packets.len() as u64);
    assert_eq!((before.tuple, before.sctp_state), (None, Some(SctpState::New)));
    assert_eq!(before.packets_sent, 0);
    call.world.run_millis(1_000);
    let after = call.stats(1);
    assert_eq!(after.sctp_state, Some(SctpState::Connected));
    assert_eq!(after.tuple.map(|tuple| tuple.remote), Some(genuine));
    // From then on nobody else is heard, and what is sent with the peer's address
    // by somebody who does not receive there changes nothing.
    let refused = after.refused.sctp;
    let spoofed = Tuple::new(Protocol::Udp, target, genuine);
    for _ in 0..100 {
        call.world.inject(stranger, good.clone());
        call.world.inject(spoofed, good.clone());
        packets.iter().for_each(|packet| call.world.inject(spoofed, packet.clone()));
        call.world.turn();
    }
    assert_eq!(call.stats(1).refused.sctp, refused + 100 * (1 + packets.len() as u64));
    let ways = [call.way(0), call.way(1)];
    call.world.run_millis(1_000);
    ways.iter().for_each(|way| call.send(*way, &Message::text("still here")));
    call.world.run_millis(1_000);
    for way in ways {
        assert_eq!(call.told(way), [Message::text("still here")]);
    }
}

#[test]
fn without_the_option_nothing_has_changed() {
    let mut world = World::new(904);
    let client = world.plain_with(None, false);
    let (transport, tuple) = (world.transport(client), world.clients[client].tuple);
    let unknown = world.engine.counters().unknown_class;
    let mut association = Association::plain(sctp(), [1; 32]);
    association.start(world.now, false);
    let mut packet = Vec::new();
    assert!(association.poll_transmit(world.now, &mut packet));
    world.inject(tuple, packet);
    assert_eq!(world.engine.counters().unknown_class, unknown + 1);
    let error = produce(&mut world, transport, Some(0)).unwrap_err();
    assert!(matches!(error, CommandError::WrongTransportKind { is: "plain", .. }), "{error}");
    let Reply::Transport(direct) = world.ok(Command::CreateDirectTransport(world.router)) else {
        panic!()
    };
    let source = produce(&mut world, direct, None).unwrap();
    let negotiated = DataStream::Negotiated(None);
    let error = consume(&mut world, transport, source, negotiated).unwrap_err();
    assert!(matches!(error, CommandError::WrongTransportKind { is: "plain", .. }), "{error}");
    let Reply::TransportStats(stats) = world.ok(Command::TransportStats(transport)) else {
        panic!()
    };
    assert_eq!((stats.sctp_state, stats.sctp), (None, None));
}

#[test]
fn what_cannot_be_done_is_told() {
    let mut call = call(905, None, false);
    let [plain, direct] = [call.plain[0], call.direct[0]];
    let world = &mut call.world;
    let error = produce(world, plain, None).unwrap_err();
    assert!(matches!(error, CommandError::InvalidParameters { .. }), "{error}");
    let source = produce(world, direct, None).unwrap();
    let error = consume(world, plain, source, DataStream::InBand).unwrap_err();
    assert!(matches!(error, CommandError::InvalidParameters { .. }), "{error}");
    produce(world, plain, Some(5)).unwrap();
    for stream in [5, u16::MAX] {
        let error = produce(world, plain, Some(stream)).unwrap_err();
        assert!(matches!(error, CommandError::Data { .. }), "{error}");
    }
    // The same settings may be told again, others not.
    world.ok(Command::EnableData(plain, sctp()));
    let mut other = sctp();
    other.max_streams = 7;
    let error = world.command(Command::EnableData(plain, other)).unwrap_err();
    assert!(matches!(error, CommandError::Transport(_)), "{error}");
    let client = world.plain_with(None, false);
    let transport = world.transport(client);
    // From there SCTP would look like RTP.
    for remote_port in [0, 32_768, 49_151] {
        let mut config = sctp();
        config.remote_port = remote_port;
        let error = world.command(Command::EnableData(transport, config)).unwrap_err();
        assert!(matches!(error, CommandError::Transport(_)), "{remote_port}: {error}");
    }
    for remote_port in [1, 32_767, 49_152] {
        let client = world.plain_with(None, false);
        let mut config = sctp();
        config.remote_port = remote_port;
        world.ok(Command::EnableData(world.transport(client), config));
    }
}

#[test]
fn a_stream_is_used_again_after_what_was_on_it() {
    let mut call = call(906, None, false);
    let first = call.way(0);
    call.world.run_millis(1_000);
    call.send(first, &Message::text("one"));
    call.world.run_millis(1_000);
    assert_eq!(call.told(first), [Message::text("one")]);
    call.world.ok(Command::CloseDataConsumer(first.crossing));
    call.world.ok(Command::CloseDataProducer(first.beyond));
    call.world.run_millis(1_000);
    let Call { world, direct, plain, .. } = &mut call;
    let negotiated = DataStream::Negotiated(Some(first.stream));
    let (crossing, _) = consume(world, plain[0], first.source, negotiated).unwrap();
    let beyond = produce(world, plain[1], Some(first.stream)).unwrap();
    let (hears, _) = consume(world, direct[1], beyond, DataStream::InBand).unwrap();
    let again = Way { crossing, beyond, hears, ..first };
    call.send(again, &Message::text("two"));
    call.world.run_millis(1_000);
    assert_eq!(call.told(again), [Message::text("two")]);
    assert_eq!(call.told(first), [Message::text("one")]);
}

#[test]
fn the_end_of_a_transport_is_told_to_the_other() {
    let mut call = call(907, None, false);
    let ways = [call.way(0), call.way(1)];
    call.world.run_millis(1_000);
    call.world.ok(Command::CloseTransport(call.plain[0]));
    call.world.run_millis(100);
    assert_eq!(call.states(1).last(), Some(&SctpState::Closed));
    assert_eq!(call.closed(ways[0])[1], Some(CloseReason::AssociationLost));
    assert_eq!(call.closed(ways[1])[0], Some(CloseReason::AssociationLost));
    // The transport itself lives, as its RTP does.
    assert_eq!(call.stats(1).sctp_state, Some(SctpState::Closed));
}

#[test]
fn a_peer_that_is_gone_without_a_word_is_noticed() {
    let mut call = call(908, None, false);
    let ways = [call.way(0), call.way(1)];
    call.world.run_millis(1_000);
    call.world.run_millis(600_000);
    assert_eq!(call.states(0).last(), Some(&SctpState::Connected), "an idle peer is no lost one");
    call.world.set_networks(&Link::lossy(20, 1.0));
    call.world.run_millis(120_000);
    for end in 0..2 {
        assert_eq!(call.states(end).last(), Some(&SctpState::Failed));
    }
    assert_eq!(call.closed(ways[0]), [Some(CloseReason::AssociationLost); 2]);
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut call = call(909, None, false);
    call.world.set_networks(&Link::lossy(20, 1.0));
    call.world.run_millis(300_000);
    assert_eq!(call.states(0), [SctpState::Connecting, SctpState::Failed]);
}

#[test]
fn channels_are_kept_by_a_snapshot_and_the_association_is_made_anew() {
    let mut call = call(920, None, false);
    let ways = [call.way(0), call.way(1)];
    call.world.run_millis(1_000);
    ways.iter().for_each(|way| call.send(*way, &Message::text("before")));
    call.world.run_millis(1_000);
    let routers = call.routers;
    call.world.migrate_all(&routers);
    call.world.run_millis(2_000);
    ways.iter().for_each(|way| call.send(*way, &Message::text("after")));
    call.world.run_millis(1_000);
    for way in ways {
        assert_eq!(call.told(way), [Message::text("before"), Message::text("after")]);
        assert_eq!(call.closed(way), [None; 2]);
    }
}

#[test]
fn a_busy_association_needs_no_more_turns_than_it_has_to_say() {
    let mut call = call(921, None, false);
    let way = call.way(0);
    call.world.run_millis(2_000);
    let before = call.world.turns;
    call.world.run_millis(60_000);
    assert!(call.world.turns - before < 60, "{}", call.world.turns - before);
    call.send(way, &Message::text("x"));
    call.world.run_millis(1_000);
    assert_eq!(call.told(way).len(), 1);
}
