//! Data channels: messages between peers, to this process and back.

use std::collections::BTreeSet;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    ChannelParameters, CloseReason, CommandError, DataConsumerConfig, DataConsumerId,
    DataProducerConfig, DataProducerId, DataStream, Event, Message, Reliability, SctpConfig,
    SctpState, TransportId,
};
use sfu_ice::sctp::{Association, SctpEvent};

use super::sim::{Format, Link, World};

/// A browser with data channels.
fn browser(world: &mut World) -> usize {
    let at = world.webrtc();
    let mut config = SctpConfig::default();
    config.remote_max_message_size = 262_144;
    world.ok(Command::EnableData(world.transport(at), config));
    config.active = true;
    world.clients[at].data = Some(Association::new(config));
    at
}

fn direct(world: &mut World) -> TransportId {
    match world.ok(Command::CreateDirectTransport(world.router)) {
        Reply::Transport(transport) => transport,
        other => panic!("{other:?}"),
    }
}

/// Has a client do something with its channels, and send what comes of it.
fn with_data<T>(world: &mut World, client: usize, act: impl FnOnce(&mut Association) -> T) -> T {
    let done = act(world.clients[client].data.as_mut().unwrap());
    let now = world.now;
    world.clients[client].poll(now);
    world.flush(client);
    done
}

fn send(world: &mut World, client: usize, stream: u16, message: &Message) {
    with_data(world, client, |data| data.send(stream, message).unwrap());
}

/// A client opens a channel; gives its stream and the data producer.
fn open(world: &mut World, client: usize, parameters: ChannelParameters) -> (u16, DataProducerId) {
    let stream = with_data(world, client, |data| data.open(None, parameters).unwrap());
    world.run_millis(2_000);
    let transport = world.transport(client);
    let opened = world.events.iter().rev().find_map(|event| match event {
        Event::DataChannelOpened { transport: on, producer, stream: of, .. }
            if *on == transport && *of == stream =>
        {
            Some(*producer)
        }
        _ => None,
    });
    (stream, opened.expect("the channel is told"))
}

fn following(producer: DataProducerId, stream: DataStream) -> DataConsumerConfig {
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

/// As [`consume`], for a client.
fn consume_at(
    world: &mut World,
    client: usize,
    config: DataConsumerConfig,
) -> (DataConsumerId, Option<u16>) {
    let transport = world.transport(client);
    consume(world, transport, config)
}

/// What a client got on a channel.
fn got(world: &World, client: usize, stream: u16) -> Vec<Message> {
    let message = |event: &SctpEvent| match event {
        SctpEvent::Message { stream: of, message } if *of == stream => Some(message.clone()),
        _ => None,
    };
    world.clients[client].data_seen.iter().filter_map(message).collect()
}

/// What this process got by a data consumer.
fn told(world: &World, consumer: DataConsumerId) -> Vec<Message> {
    let message = |event: &Event| match event {
        Event::Message { consumer: of, message, .. } if *of == consumer => Some(message.clone()),
        _ => None,
    };
    world.events.iter().filter_map(message).collect()
}

fn closed(world: &World, consumer: DataConsumerId) -> Option<CloseReason> {
    world.events.iter().find_map(|event| match event {
        Event::DataConsumerClosed { consumer: of, reason, .. } if *of == consumer => Some(*reason),
        _ => None,
    })
}

fn dropped(world: &mut World, consumer: DataConsumerId) -> u64 {
    match world.ok(Command::DataConsumerStats(consumer)) {
        Reply::DataConsumerStats(stats) => stats.messages_dropped,
        other => panic!("{other:?}"),
    }
}

/// A message that shows its number and whether it is whole.
fn numbered(number: u32, len: usize) -> Message {
    let mut payload = number.to_be_bytes().to_vec();
    payload.extend((4..len).map(|at| (at as u32).wrapping_mul(number | 1) as u8));
    Message::binary(payload)
}

fn numbers(messages: &[Message]) -> Vec<u32> {
    let number = |message: &Message| {
        let number = u32::from_be_bytes(*message.payload.first_chunk().unwrap());
        assert_eq!(*message, numbered(number, message.payload.len()), "a damaged message");
        number
    };
    messages.iter().map(number).collect()
}

#[test]
fn a_peers_messages_reach_a_peer_and_this_process_and_answers_come_back() {
    let mut world = World::new(301);
    let (ann, bob) = (browser(&mut world), browser(&mut world));
    let process = direct(&mut world);
    let mut parameters = ChannelParameters::new("chat");
    parameters.protocol = "json".to_owned();
    let (stream, chat) = open(&mut world, ann, parameters.clone());
    let (to_bob, at_bob) = consume_at(&mut world, bob, following(chat, DataStream::InBand));
    let at_bob = at_bob.unwrap();
    let (to_process, none) = consume(&mut world, process, following(chat, DataStream::InBand));
    assert_eq!(none, None);
    // Answers go over the channel on which the questions came.
    let config = DataProducerConfig {
        stream: None,
        parameters: ChannelParameters::new("bot"),
        paused: false,
    };
    let Reply::DataProducer(bot) = world.ok(Command::ProduceData(process, config)) else {
        panic!()
    };
    let (to_ann, on) = consume_at(&mut world, ann, following(bot, DataStream::Existing(stream)));
    assert_eq!(on, Some(stream));
    world.run_millis(500);
    let opened = SctpEvent::ChannelOpened { stream: at_bob, parameters, by_peer: true };
    assert!(world.clients[bob].data_seen.contains(&opened));

    let messages = [Message::text("hello"), Message::text(""), Message::binary(vec![0; 5_000])];
    for message in &messages {
        send(&mut world, ann, stream, message);
    }
    world.ok(Command::SendMessage(bot, Message::text("welcome")));
    world.ok(Command::SendMessageTo(to_bob, Message::text("for you")));
    world.run_millis(500);
    assert_eq!(told(&world, to_process), messages);
    let mut expected = vec![Message::text("for you")];
    expected.extend(messages);
    assert_eq!(got(&world, bob, at_bob), expected);
    assert_eq!(got(&world, ann, stream), [Message::text("welcome")]);

    let Reply::DataProducerStats(stats) = world.ok(Command::DataProducerStats(chat)) else {
        panic!()
    };
    assert_eq!((stats.messages_received, stats.bytes_received), (3, 5_005));
    assert_eq!((stats.label.as_str(), stats.protocol.as_str()), ("chat", "json"));
    let Reply::DataConsumerStats(stats) = world.ok(Command::DataConsumerStats(to_ann)) else {
        panic!()
    };
    assert_eq!((stats.messages_sent, stats.bytes_sent, stats.buffered_amount), (1, 7, 0));
    let Reply::TransportStats(stats) = world.ok(Command::TransportStats(world.transport(ann)))
    else {
        panic!()
    };
    assert_eq!(stats.sctp_state, Some(SctpState::Connected));
    assert_eq!(stats.sctp.unwrap().messages_received, 3);
    assert_eq!(stats.refused.dtls, 0);
}

#[test]
fn nothing_is_lost_or_reordered_over_lossy_links() {
    for seed in 0..6 {
        let mut world = World::new(seed);
        let (ann, bob) = (browser(&mut world), browser(&mut world));
        for at in [ann, bob] {
            world.links(at, Link::lossy(20, 0.1), Link::lossy(20, 0.1));
        }
        let (stream, chat) = {
            world.run_millis(5_000);
            open(&mut world, ann, ChannelParameters::new("chat"))
        };
        let (_, at_bob) = consume_at(&mut world, bob, following(chat, DataStream::InBand));
        world.run_millis(3_000);
        for number in 0..300 {
            let len = if number == 100 { 200_000 } else { 4 + 37 * number as usize % 900 };
            send(&mut world, ann, stream, &numbered(number, len));
            world.run_millis(20);
        }
        world.run_millis(60_000);
        let got = numbers(&got(&world, bob, at_bob.unwrap()));
        assert_eq!(got, (0..300).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn a_consumer_may_ask_for_less_than_the_producer_gives() {
    let mut world = World::new(302);
    let (ann, bob, cem) = (browser(&mut world), browser(&mut world), browser(&mut world));
    let (stream, chat) = open(&mut world, ann, ChannelParameters::new("cursor"));
    let mut config = following(chat, DataStream::InBand);
    config.reliability = Some(Reliability::MaxRetransmits(0));
    let (_, lossy) = consume_at(&mut world, bob, config);
    let whole = following(chat, DataStream::InBand);
    let (_, whole) = consume_at(&mut world, cem, whole);
    world.run_millis(500);
    for at in [bob, cem] {
        world.links(at, Link::lossy(20, 0.15), Link::lossy(20, 0.15));
    }
    for number in 0..400 {
        send(&mut world, ann, stream, &numbered(number, 40));
        world.run_millis(30);
    }
    world.run_millis(30_000);
    let lossy = numbers(&got(&world, bob, lossy.unwrap()));
    assert!(lossy.is_sorted_by(|a, b| a < b), "in order");
    assert!((250..400).contains(&lossy.len()), "{} of 400", lossy.len());
    assert_eq!(numbers(&got(&world, cem, whole.unwrap())), (0..400).collect::<Vec<_>>());
}

#[test]
fn a_slow_receiver_of_a_reliable_channel_is_closed_and_costs_nobody_else() {
    let mut world = World::new(303);
    let (ann, bob, cem) = (browser(&mut world), browser(&mut world), browser(&mut world));
    let (stream, files) = open(&mut world, ann, ChannelParameters::new("files"));
    let (slow, _) = consume_at(&mut world, bob, following(files, DataStream::InBand));
    let (_, fast) = consume_at(&mut world, cem, following(files, DataStream::InBand));
    world.run_millis(500);
    // Checks and their answers still pass now and then, so ICE stays alive.
    world.links(bob, Link::new(20), Link::lossy(20, 0.97));
    let mut most = 0;
    for number in 0..60 {
        send(&mut world, ann, stream, &numbered(number, 100_000));
        world.run_millis(500);
        if let Ok(Reply::DataConsumerStats(stats)) = world.command(Command::DataConsumerStats(slow))
        {
            most = most.max(stats.buffered_amount);
        }
    }
    assert_eq!(closed(&world, slow), Some(CloseReason::SlowReceiver));
    assert!((900_000..=1 << 20).contains(&most), "{most}");
    let error = world.command(Command::DataConsumerStats(slow)).unwrap_err();
    assert!(matches!(error, CommandError::DataConsumerNotFound(id) if id == slow));
    world.run_millis(5_000);
    assert_eq!(numbers(&got(&world, cem, fast.unwrap())), (0..60).collect::<Vec<_>>());
}

#[test]
fn a_slow_receiver_of_an_unreliable_channel_misses_messages_and_catches_up() {
    let mut world = World::new(304);
    let (ann, bob) = (browser(&mut world), browser(&mut world));
    let (stream, files) = open(&mut world, ann, ChannelParameters::new("files"));
    let mut config = following(files, DataStream::InBand);
    config.reliability = Some(Reliability::MaxRetransmits(1_000));
    let (slow, at_bob) = consume_at(&mut world, bob, config);
    world.ok(Command::SetBufferedAmountLowThreshold(slow, Some(50_000)));
    world.run_millis(500);
    world.links(bob, Link::new(20), Link::lossy(20, 0.97));
    for number in 0..40 {
        send(&mut world, ann, stream, &numbered(number, 100_000));
        world.run_millis(200);
    }
    assert_eq!(closed(&world, slow), None);
    let missed = dropped(&mut world, slow);
    assert!(missed > 10, "{missed}");
    let low = Event::DataBufferedAmountLow { router: world.router, consumer: slow };
    assert!(!world.events.contains(&low));
    world.links(bob, Link::new(20), Link::new(20));
    world.run_millis(60_000);
    assert!(world.events.contains(&low));
    send(&mut world, ann, stream, &numbered(40, 100_000));
    world.run_millis(5_000);
    let got = numbers(&got(&world, bob, at_bob.unwrap()));
    assert!(got.is_sorted_by(|a, b| a < b));
    assert_eq!(got.last(), Some(&40));
    assert_eq!(got.len() as u64 + missed, 41);
}

#[test]
fn channels_can_be_agreed_upon_by_signalling() {
    let mut world = World::new(305);
    let (ann, bob) = (browser(&mut world), browser(&mut world));
    let parameters = ChannelParameters::new("agreed");
    let config =
        DataProducerConfig { stream: Some(0), parameters: parameters.clone(), paused: false };
    let produce = Command::ProduceData(world.transport(ann), config.clone());
    let Reply::DataProducer(producer) = world.ok(produce.clone()) else { panic!() };
    let error = world.command(produce).unwrap_err();
    assert!(matches!(error, CommandError::Data { .. }), "{error}");
    let negotiated = DataStream::Negotiated(None);
    let (_, at_bob) = consume_at(&mut world, bob, following(producer, negotiated));
    let at_bob = at_bob.unwrap();
    with_data(&mut world, ann, |data| data.open_negotiated(Some(0), parameters.clone()).unwrap());
    with_data(&mut world, bob, |data| data.open_negotiated(Some(at_bob), parameters).unwrap());
    world.run_millis(2_000);
    send(&mut world, ann, 0, &Message::text("x"));
    world.run_millis(500);
    assert_eq!(got(&world, bob, at_bob), [Message::text("x")]);
    assert!(!world.events.iter().any(|event| matches!(event, Event::DataChannelOpened { .. })));
    // Nothing was said about it in the channel itself.
    assert_eq!(world.clients[bob].data.as_ref().unwrap().stats().messages_received, 1);
}

#[test]
fn closing_goes_from_the_producer_to_all_who_follow_it() {
    let mut world = World::new(306);
    let (ann, bob) = (browser(&mut world), browser(&mut world));
    let (first, producer) = open(&mut world, ann, ChannelParameters::new("first"));
    let following = following(producer, DataStream::InBand);
    let (consumer, at_bob) = consume_at(&mut world, bob, following.clone());
    world.run_millis(500);
    with_data(&mut world, ann, |data| data.close_channel(first).unwrap());
    world.run_millis(1_000);
    let producer_closed = |world: &World, id, reason| {
        let router = world.router;
        let event = Event::DataProducerClosed { router, producer: id, reason };
        world.events.contains(&event)
    };
    assert!(producer_closed(&world, producer, CloseReason::PeerClosed));
    assert_eq!(closed(&world, consumer), Some(CloseReason::ParentClosed));
    let gone = |stream| SctpEvent::ChannelClosed { stream };
    assert!(world.clients[bob].data_seen.contains(&gone(at_bob.unwrap())));
    assert!(world.clients[ann].data_seen.contains(&gone(first)));
    let error = world.command(Command::ConsumeData(world.transport(bob), following)).unwrap_err();
    assert!(matches!(error, CommandError::DataProducerNotFound(id) if id == producer));

    // The receiver closes its own channel only.
    let (second, producer) = open(&mut world, ann, ChannelParameters::new("second"));
    let following = super::data::following(producer, DataStream::InBand);
    let (consumer, at_bob) = consume_at(&mut world, bob, following.clone());
    world.run_millis(500);
    with_data(&mut world, bob, |data| data.close_channel(at_bob.unwrap()).unwrap());
    world.run_millis(1_000);
    assert_eq!(closed(&world, consumer), Some(CloseReason::PeerClosed));
    assert!(!producer_closed(&world, producer, CloseReason::PeerClosed));

    // By command, and with the transport.
    let (consumer, _) = consume_at(&mut world, bob, following.clone());
    world.ok(Command::CloseDataConsumer(consumer));
    assert_eq!(closed(&world, consumer), Some(CloseReason::Requested));
    let (consumer, _) = consume_at(&mut world, bob, following);
    world.ok(Command::CloseDataProducer(producer));
    assert_eq!(closed(&world, consumer), Some(CloseReason::ParentClosed));
    world.run_millis(1_000);
    assert!(world.clients[ann].data_seen.contains(&gone(second)));
    let (_, third) = open(&mut world, ann, ChannelParameters::new("third"));
    world.ok(Command::CloseTransport(world.transport(ann)));
    assert!(producer_closed(&world, third, CloseReason::ParentClosed));
}

#[test]
fn what_is_paused_passes_nothing_on() {
    let mut world = World::new(307);
    let ann = browser(&mut world);
    let process = direct(&mut world);
    let (stream, producer) = open(&mut world, ann, ChannelParameters::new("x"));
    let mut config = following(producer, DataStream::InBand);
    config.paused = true;
    let (consumer, _) = consume(&mut world, process, config);
    let mut number = 0;
    let mut say = |world: &mut World| {
        number += 1;
        send(world, ann, stream, &numbered(number, 8));
        world.run_millis(200);
    };
    say(&mut world);
    world.ok(Command::ResumeDataConsumer(consumer));
    say(&mut world);
    world.ok(Command::PauseDataProducer(producer));
    say(&mut world);
    world.ok(Command::ResumeDataProducer(producer));
    say(&mut world);
    world.ok(Command::PauseDataConsumer(consumer));
    say(&mut world);
    assert_eq!(numbers(&told(&world, consumer)), [2, 4]);
    assert_eq!(dropped(&mut world, consumer), 0, "paused is not too slow");
}

#[test]
fn calls_that_cannot_be_right_are_refused() {
    let mut world = World::new(308);
    let (ann, plain) = (browser(&mut world), world.plain());
    let process = direct(&mut world);
    let config = |stream| {
        let parameters = ChannelParameters::new("x");
        DataProducerConfig { stream, parameters, paused: false }
    };
    let mut refused = |command| world.command(command).unwrap_err();
    let wrong = refused(Command::ProduceData(process, config(Some(1))));
    assert!(matches!(wrong, CommandError::InvalidParameters { .. }));
    let (ann, plain) = (world.transport(ann), world.transport(plain));
    let mut refused = |command| world.command(command).unwrap_err();
    let wrong = refused(Command::ProduceData(ann, config(None)));
    assert!(matches!(wrong, CommandError::InvalidParameters { .. }));
    let wrong = refused(Command::ProduceData(plain, config(Some(1))));
    assert!(matches!(wrong, CommandError::WrongTransportKind { is: "plain", .. }));
    let wrong = refused(Command::EnableData(process, SctpConfig::default()));
    assert!(matches!(wrong, CommandError::WrongTransportKind { needs: "webrtc or plain", .. }));
    let mut other = SctpConfig::default();
    other.port = 1;
    assert!(matches!(refused(Command::EnableData(ann, other)), CommandError::Transport(_)));
    let Reply::DataProducer(bot) = world.ok(Command::ProduceData(process, config(None))) else {
        panic!()
    };
    let Reply::DataProducer(of_ann) = world.ok(Command::ProduceData(ann, config(Some(2)))) else {
        panic!()
    };
    let mut refused = |command| world.command(command).unwrap_err();
    let wrong = refused(Command::SendMessage(of_ann, Message::text("x")));
    assert!(matches!(wrong, CommandError::WrongTransportKind { needs: "direct", .. }));
    let wrong = refused(Command::SendMessage(bot, Message::binary(vec![0; 262_145])));
    assert!(matches!(wrong, CommandError::InvalidParameters { .. }));
    let wrong = refused(Command::ConsumeData(ann, following(bot, DataStream::Existing(4))));
    assert!(matches!(wrong, CommandError::Data { .. }));
    let wrong = refused(Command::ConsumeData(plain, following(bot, DataStream::InBand)));
    assert!(matches!(wrong, CommandError::WrongTransportKind { .. }));
    let unknown = DataProducerId::from_u64(1).unwrap();
    let wrong = refused(Command::ConsumeData(ann, following(unknown, DataStream::InBand)));
    assert!(matches!(wrong, CommandError::DataProducerNotFound(_)));
}

#[test]
fn a_hostile_peer_costs_only_itself() {
    for seed in 0..4 {
        let mut world = World::new(310 + seed);
        let (ann, bob, eve) = (browser(&mut world), browser(&mut world), browser(&mut world));
        let camera = world.publish(ann, Format::Vp8, 1);
        let view = world.subscribe(bob, &[Format::Vp8], Some(camera));
        let (stream, chat) = open(&mut world, ann, ChannelParameters::new("chat"));
        let chat = following(chat, DataStream::InBand);
        let (_, at_bob) = consume_at(&mut world, bob, chat.clone());
        let (to_eve, _) = consume_at(&mut world, eve, chat);
        world.run_millis(500);
        // As many channels as there are streams.
        with_data(&mut world, eve, |data| {
            while data.open(None, ChannelParameters::new("flood")).is_ok() {}
        });
        world.run_millis(5_000);
        let transport = world.transport(eve);
        let opened: BTreeSet<DataProducerId> = world
            .events
            .iter()
            .filter_map(|event| match event {
                Event::DataChannelOpened { transport: on, producer, .. } if *on == transport => {
                    Some(*producer)
                }
                _ => None,
            })
            .collect();
        assert_eq!(opened.len(), 64, "the bound for producers on a transport");
        // Packets of SCTP that are none, or damaged.
        for round in 0..400_u32 {
            let number = round / 10;
            if round % 10 == 0 {
                send(&mut world, ann, stream, &numbered(number, 50));
            }
            let len = 1 + world.rng.below(1_200) as usize;
            let mut packet: Vec<u8> = (0..len).map(|_| world.rng.u64() as u8).collect();
            if round % 2 == 0 && len > 30 {
                // A chunk of data on a known association, as far as that can
                // be guessed.
                packet[..4].copy_from_slice(&[0x13, 0x88, 0x13, 0x88]);
                packet[12..16].copy_from_slice(&[0, 3, 0, 18]);
            }
            let now = world.now;
            world.clients[eve].send_data(now, &packet);
            world.flush(eve);
            world.run_millis(10);
        }
        // It may have lost the channel by what it sent.
        let _ = world.command(Command::CloseDataConsumer(to_eve));
        world.run_millis(2_000);
        assert_eq!(numbers(&got(&world, bob, at_bob.unwrap())), (0..40).collect::<Vec<_>>());
        assert!(world.sink(view).assert_continuous(0) > 150);
        assert_eq!(world.engine.counters().contained, 0, "seed {seed}");
    }
}

#[test]
fn a_snapshot_keeps_what_does_not_need_the_association() {
    let mut world = World::new(309);
    let process = direct(&mut world);
    let parameters = ChannelParameters::new("bot");
    let config = DataProducerConfig { stream: None, parameters, paused: false };
    let Reply::DataProducer(bot) = world.ok(Command::ProduceData(process, config)) else {
        panic!()
    };
    let (to_process, _) = consume(&mut world, process, following(bot, DataStream::InBand));
    // Bob has not connected yet: his channel is opened in the new engine.
    let (ann, bob) = (browser(&mut world), browser(&mut world));
    world.links(bob, Link::lossy(20, 1.0), Link::lossy(20, 1.0));
    let (_, at_bob) = consume_at(&mut world, bob, following(bot, DataStream::InBand));
    let (of_ann, _) = {
        let (_, chat) = open(&mut world, ann, ChannelParameters::new("chat"));
        consume(&mut world, process, following(chat, DataStream::InBand))
    };
    world.migrate();
    assert_eq!(closed(&world, of_ann), Some(CloseReason::ParentClosed));
    assert!(world.events.iter().any(|event| matches!(
        event,
        Event::DataProducerClosed { reason: CloseReason::AssociationLost, .. }
    )));
    world.links(bob, Link::new(20), Link::new(20));
    world.run_millis(5_000);
    world.ok(Command::SendMessage(bot, Message::text("still here")));
    world.run_millis(500);
    assert_eq!(told(&world, to_process), [Message::text("still here")]);
    assert_eq!(got(&world, bob, at_bob.unwrap()), [Message::text("still here")]);
}
