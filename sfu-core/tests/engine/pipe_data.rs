//! Messages between routers: data channels through pipes.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    ChannelParameters, CloseReason, CommandError, DataConsumerConfig, DataConsumerId,
    DataProducerConfig, DataProducerId, DataStream, Event, Message, Reliability, RouterId,
    SctpState, SrtpProfile, TransportId,
};

use super::sim::{Link, PipeRef, World};

/// Two routers, joined, with a direct transport in each.
struct Call {
    world: World,
    pipe: PipeRef,
    routers: [RouterId; 2],
    near: TransportId,
    far: TransportId,
}

#[derive(Clone, Copy, Debug)]
enum Joined {
    Linked,
    Udp(Option<SrtpProfile>),
}

const JOINED: [Joined; 3] =
    [Joined::Linked, Joined::Udp(None), Joined::Udp(Some(SrtpProfile::AeadAes128Gcm))];

fn call(seed: u64, joined: Joined) -> Call {
    let mut world = World::new(seed);
    let near = direct(&mut world);
    let first = world.another_router();
    let second = world.router;
    let far = direct(&mut world);
    let pipe = match joined {
        Joined::Linked => world.linked_pipe(first, second),
        Joined::Udp(srtp) => world.udp_pipe(first, second, srtp, true),
    };
    Call { world, pipe, routers: [first, second], near, far }
}

fn direct(world: &mut World) -> TransportId {
    match world.ok(Command::CreateDirectTransport(world.router)) {
        Reply::Transport(transport) => transport,
        other => panic!("{other:?}"),
    }
}

fn produce(world: &mut World, transport: TransportId, label: &str) -> DataProducerId {
    let parameters = ChannelParameters::new(label);
    let config = DataProducerConfig { stream: None, parameters, paused: false };
    match world.ok(Command::ProduceData(transport, config)) {
        Reply::DataProducer(producer) => producer,
        other => panic!("{other:?}"),
    }
}

fn following(producer: DataProducerId) -> DataConsumerConfig {
    let stream = DataStream::InBand;
    DataConsumerConfig { producer, ordered: None, reliability: None, stream, paused: false }
}

fn consume(
    world: &mut World,
    transport: TransportId,
    config: DataConsumerConfig,
) -> (DataConsumerId, Option<u16>) {
    match world.ok(Command::ConsumeData(transport, config)) {
        Reply::DataConsumer { consumer, stream, .. } => (consumer, stream),
        other => panic!("{other:?}"),
    }
}

/// Has a data producer cross the pipe that begins at `from` and ends at `to`;
/// gives its way in, and the data producer beyond.
fn cross(
    world: &mut World,
    (from, to): (TransportId, TransportId),
    producer: DataProducerId,
) -> (DataConsumerId, DataProducerId) {
    let (consumer, _) = consume(world, from, following(producer));
    world.run_millis(2_000);
    let opened = world.events.iter().rev().find_map(|event| match event {
        Event::DataChannelOpened { transport, producer, .. } if *transport == to => Some(*producer),
        _ => None,
    });
    (consumer, opened.expect("the other end tells of the channel"))
}

fn told(world: &World, consumer: DataConsumerId) -> Vec<Message> {
    let message = |event: &Event| match event {
        Event::Message { consumer: of, message, .. } if *of == consumer => Some(message.clone()),
        _ => None,
    };
    world.events.iter().filter_map(message).collect()
}

fn consumer_closed(world: &World, consumer: DataConsumerId) -> Option<CloseReason> {
    world.events.iter().find_map(|event| match event {
        Event::DataConsumerClosed { consumer: of, reason, .. } if *of == consumer => Some(*reason),
        _ => None,
    })
}

fn producer_closed(world: &World, producer: DataProducerId) -> Option<CloseReason> {
    world.events.iter().find_map(|event| match event {
        Event::DataProducerClosed { producer: of, reason, .. } if *of == producer => Some(*reason),
        _ => None,
    })
}

fn numbered(number: u32, len: usize) -> Message {
    let mut payload = vec![0; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    Message::binary(payload)
}

#[test]
fn messages_cross_in_both_directions_at_once() {
    for joined in JOINED {
        let Call { mut world, pipe, near, far, .. } = call(601, joined);
        let (question, answer) =
            (produce(&mut world, near, "questions"), produce(&mut world, far, "answers"));
        // Both ends begin in the same moment.
        let (to_far, _) = consume(&mut world, pipe.near, following(question));
        let (to_near, _) = consume(&mut world, pipe.far, following(answer));
        world.run_millis(2_000);
        let opened = |on: TransportId| {
            let mut events = world.events.iter();
            let found = events.find_map(|event| match event {
                Event::DataChannelOpened { transport, producer, parameters, .. }
                    if *transport == on =>
                {
                    Some((*producer, parameters.label.clone()))
                }
                _ => None,
            });
            found.expect("a channel")
        };
        let (asked, answered) = (opened(pipe.far), opened(pipe.near));
        assert_eq!((asked.1.as_str(), answered.1.as_str()), ("questions", "answers"));
        let (hears, _) = consume(&mut world, far, following(asked.0));
        let (learns, _) = consume(&mut world, near, following(answered.0));
        let messages =
            [Message::text("why?"), Message::text(""), Message::binary(vec![7; 200_000])];
        for message in &messages {
            world.ok(Command::SendMessage(question, message.clone()));
            world.ok(Command::SendMessage(answer, message.clone()));
        }
        world.run_millis(5_000);
        assert_eq!(told(&world, hears), messages, "{joined:?}");
        assert_eq!(told(&world, learns), messages, "{joined:?}");
        for consumer in [to_far, to_near] {
            let Reply::DataConsumerStats(stats) = world.ok(Command::DataConsumerStats(consumer))
            else {
                panic!()
            };
            assert_eq!((stats.messages_sent, stats.bytes_sent), (3, 200_004));
            assert_eq!((stats.messages_dropped, stats.buffered_amount), (0, 0));
        }
    }
}

#[test]
fn nothing_is_lost_or_reordered_where_packets_are() {
    for seed in 610..613 {
        let Call { mut world, pipe, near, far, .. } =
            call(seed, Joined::Udp(Some(SrtpProfile::AeadAes128Gcm)));
        let chat = produce(&mut world, near, "chat");
        let (_, beyond) = cross(&mut world, (pipe.near, pipe.far), chat);
        let (hears, _) = consume(&mut world, far, following(beyond));
        let mut lossy = Link::lossy(20, 0.1);
        lossy.jitter = Duration::from_millis(15);
        world.set_networks(&lossy);
        for number in 0..200 {
            world.ok(Command::SendMessage(chat, numbered(number, 4 + 7 * number as usize)));
            world.run_millis(25);
        }
        world.run_millis(60_000);
        let expected: Vec<Message> =
            (0..200).map(|number| numbered(number, 4 + 7 * number as usize)).collect();
        assert!(told(&world, hears) == expected, "seed {seed}");
    }
}

#[test]
fn a_channel_can_be_agreed_upon_by_signalling() {
    for joined in JOINED {
        let Call { mut world, pipe, near, far, .. } = call(602, joined);
        let chat = produce(&mut world, near, "chat");
        let mut config = following(chat);
        config.stream = DataStream::Negotiated(None);
        config.reliability = Some(Reliability::MaxRetransmits(3));
        let (_, stream) = consume(&mut world, pipe.near, config.clone());
        let parameters = ChannelParameters::new("chat");
        let producer = DataProducerConfig { stream, parameters, paused: false };
        let Reply::DataProducer(beyond) =
            world.ok(Command::ProduceData(pipe.far, producer.clone()))
        else {
            panic!()
        };
        let taken = world.command(Command::ProduceData(pipe.far, producer.clone())).unwrap_err();
        assert!(matches!(taken, CommandError::Data { .. }), "{taken}");
        let none = DataProducerConfig { stream: None, ..producer };
        let none = world.command(Command::ProduceData(pipe.far, none)).unwrap_err();
        assert!(matches!(none, CommandError::InvalidParameters { .. }), "{none}");
        config.stream = DataStream::Existing(stream.unwrap());
        world.command(Command::ConsumeData(pipe.near, config)).unwrap_err();
        let (hears, _) = consume(&mut world, far, following(beyond));
        world.run_millis(1_000);
        world.ok(Command::SendMessage(chat, Message::text("hello")));
        world.run_millis(1_000);
        assert_eq!(told(&world, hears), [Message::text("hello")], "{joined:?}");
        let opened = |event: &Event| matches!(event, Event::DataChannelOpened { .. });
        assert!(!world.events.iter().any(opened));
    }
}

#[test]
fn nothing_is_lost_while_the_association_is_made() {
    for joined in JOINED {
        let Call { mut world, pipe, near, far, .. } = call(606, joined);
        let chat = produce(&mut world, near, "chat");
        let mut config = following(chat);
        config.stream = DataStream::Negotiated(None);
        let (crossing, stream) = consume(&mut world, pipe.near, config);
        let parameters = ChannelParameters::new("chat");
        let producer = DataProducerConfig { stream, parameters, paused: false };
        let Reply::DataProducer(beyond) = world.ok(Command::ProduceData(pipe.far, producer)) else {
            panic!()
        };
        let (hears, _) = consume(&mut world, far, following(beyond));
        let sent: Vec<Message> = (0..50).map(|number| numbered(number, 2_000)).collect();
        for message in &sent {
            world.ok(Command::SendMessage(chat, message.clone()));
        }
        world.run_millis(3_000);
        assert!(told(&world, hears) == sent, "{joined:?}");
        let states = |of: TransportId| -> Vec<SctpState> {
            let state = |event: &Event| match event {
                Event::SctpStateChanged { transport, state, .. } if *transport == of => {
                    Some(*state)
                }
                _ => None,
            };
            world.events.iter().filter_map(state).collect()
        };
        for end in [pipe.near, pipe.far] {
            assert_eq!(states(end).last(), Some(&SctpState::Connected), "{joined:?}");
        }
        assert!(consumer_closed(&world, crossing).is_none());
    }
}

#[test]
fn what_waits_for_the_association_is_bounded() {
    let Call { mut world, pipe, near, .. } = call(607, Joined::Udp(None));
    world.set_networks(&Link::lossy(20, 1.0));
    let (strict, loose) = (produce(&mut world, near, "strict"), produce(&mut world, near, "loose"));
    let (all, _) = consume(&mut world, pipe.near, following(strict));
    let mut config = following(loose);
    config.reliability = Some(Reliability::MaxRetransmits(0));
    let (some, _) = consume(&mut world, pipe.near, config);
    for number in 0..10 {
        world.ok(Command::SendMessage(loose, numbered(number, 100_000)));
    }
    let Reply::DataConsumerStats(stats) = world.ok(Command::DataConsumerStats(some)) else {
        panic!()
    };
    assert_eq!((stats.messages_sent, stats.messages_dropped), (5, 5));
    assert_eq!(stats.buffered_amount, 500_000);
    world.ok(Command::SendMessage(strict, numbered(0, 100_000)));
    world.run_millis(100);
    assert_eq!(consumer_closed(&world, all), Some(CloseReason::SlowReceiver));
    // Nobody answers: it ends with the attempt.
    world.run_millis(120_000);
    assert_eq!(consumer_closed(&world, some), Some(CloseReason::AssociationLost));
}

#[test]
fn the_end_of_either_side_is_the_end_of_the_other() {
    for joined in JOINED {
        let Call { mut world, pipe, near, .. } = call(603, joined);
        let ways = (pipe.near, pipe.far);
        let chat = produce(&mut world, near, "chat");
        let (first, beyond) = cross(&mut world, ways, chat);
        world.ok(Command::CloseDataConsumer(first));
        world.run_millis(2_000);
        assert_eq!(producer_closed(&world, beyond), Some(CloseReason::OriginClosed), "{joined:?}");
        let (second, beyond) = cross(&mut world, ways, chat);
        world.ok(Command::CloseDataProducer(beyond));
        world.run_millis(2_000);
        assert_eq!(consumer_closed(&world, second), Some(CloseReason::OriginClosed), "{joined:?}");
        let (third, beyond) = cross(&mut world, ways, chat);
        world.ok(Command::CloseDataProducer(chat));
        world.run_millis(2_000);
        assert_eq!(consumer_closed(&world, third), Some(CloseReason::ParentClosed), "{joined:?}");
        assert_eq!(producer_closed(&world, beyond), Some(CloseReason::OriginClosed), "{joined:?}");
    }
}

#[test]
fn channels_end_with_their_process_and_others_can_be_opened() {
    for joined in JOINED {
        let Call { mut world, pipe, routers, near, far } = call(604, joined);
        let chat = produce(&mut world, near, "chat");
        let (consumer, beyond) = cross(&mut world, (pipe.near, pipe.far), chat);
        let (hears, _) = consume(&mut world, far, following(beyond));
        world.migrate_all(&routers);
        world.run_millis(1_000);
        for gone in [Command::DataConsumerStats(consumer), Command::DataConsumerStats(hears)] {
            let error = world.command(gone).unwrap_err();
            assert!(matches!(error, CommandError::DataConsumerNotFound(_)), "{error}");
        }
        let error = world.command(Command::DataProducerStats(beyond)).unwrap_err();
        assert!(matches!(error, CommandError::DataProducerNotFound(_)), "{error}");
        // A pipe inside the process went, too. One over UDP serves again.
        if let Joined::Udp(_) = joined {
            let (_, beyond) = cross(&mut world, (pipe.near, pipe.far), chat);
            let (hears, _) = consume(&mut world, far, following(beyond));
            world.ok(Command::SendMessage(chat, Message::text("again")));
            world.run_millis(1_000);
            assert_eq!(told(&world, hears), [Message::text("again")], "{joined:?}");
        }
    }
}

#[test]
fn without_messages_a_pipe_is_as_quiet_as_before() {
    let turns = [false, true].map(|used| {
        let Call { mut world, pipe, near, .. } = call(605, Joined::Udp(None));
        if used {
            let chat = produce(&mut world, near, "chat");
            let (consumer, _) = cross(&mut world, (pipe.near, pipe.far), chat);
            world.ok(Command::CloseDataConsumer(consumer));
        }
        world.run_millis(5_000);
        let before = world.turns;
        world.run_millis(30_000);
        world.turns - before
    });
    // Reports each second at most, and the association's heartbeats.
    assert!(turns[0] < 70 && turns[1] < 140, "{turns:?}");
}
