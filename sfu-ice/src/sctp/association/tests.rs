use std::collections::BinaryHeap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Random;

/// Two associations and a link that delays, loses and reorders.
struct Pair {
    now: Time,
    sides: [Association; 2],
    seen: [Vec<SctpEvent>; 2],
    loss: f64,
    delay: Duration,
    jitter: Duration,
    random: Random,
    link: BinaryHeap<std::cmp::Reverse<OnTheWay>>,
    sent: u64,
    longest: usize,
}

/// Time of arrival, number, receiver, packet.
type OnTheWay = (Time, u64, usize, Vec<u8>);

const BROWSER: usize = 0;
const SERVER: usize = 1;

fn active() -> SctpConfig {
    let mut config = SctpConfig { active: true, ..SctpConfig::default() };
    config.remote_max_message_size = 262_144;
    config
}

fn passive() -> SctpConfig {
    SctpConfig { remote_max_message_size: 262_144, ..SctpConfig::default() }
}

impl Pair {
    fn with(seed: u64, browser: SctpConfig, server: SctpConfig) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let now = Time::from_secs(10);
        let mut sides = [Association::new(browser), Association::new(server)];
        sides[BROWSER].start(now, true);
        sides[SERVER].start(now, false);
        Self {
            now,
            sides,
            seen: [Vec::new(), Vec::new()],
            loss: 0.0,
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            random: Random::from_seed(bytes),
            link: BinaryHeap::new(),
            sent: 0,
            longest: 0,
        }
    }

    fn new(seed: u64) -> Self {
        Self::with(seed, active(), passive())
    }

    /// A pair that is connected.
    fn connected(seed: u64) -> Self {
        let mut pair = Self::new(seed);
        pair.run(500);
        assert_eq!(pair.sides[BROWSER].state(), SctpState::Connected);
        assert_eq!(pair.sides[SERVER].state(), SctpState::Connected);
        pair
    }

    fn chance(&mut self, share: f64) -> bool {
        f64::from(self.random.u32()) < share * f64::from(u32::MAX)
    }

    fn flush(&mut self) {
        let mut packet = Vec::new();
        for from in [BROWSER, SERVER] {
            while self.sides[from].poll_transmit(self.now, &mut packet) {
                self.longest = self.longest.max(packet.len());
                self.sent += 1;
                if self.chance(self.loss) {
                    continue;
                }
                let jitter = u64::from(self.random.u32()) % (self.jitter.as_micros() as u64 + 1);
                let at = self.now + self.delay + Duration::from_micros(jitter);
                self.link.push(std::cmp::Reverse((at, self.sent, 1 - from, packet.clone())));
            }
            while let Some(event) = self.sides[from].poll_event() {
                self.seen[from].push(event);
            }
        }
    }

    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            self.flush();
            let timers = self.sides.iter().filter_map(Association::poll_timeout).min();
            let arrival = self.link.peek().map(|next| next.0.0);
            let next = [timers, arrival].into_iter().flatten().min().unwrap_or(Time::MAX);
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            while self.link.peek().is_some_and(|next| next.0.0 <= self.now) {
                let std::cmp::Reverse((_, _, to, packet)) = self.link.pop().unwrap();
                let _ = self.sides[to].handle_packet(self.now, &packet);
                self.flush();
            }
            for side in &mut self.sides {
                if side.poll_timeout().is_some_and(|at| at <= self.now) {
                    side.handle_timeout(self.now);
                }
            }
        }
    }

    fn open(&mut self, parameters: ChannelParameters) -> u16 {
        let stream = self.sides[BROWSER].open(None, parameters).unwrap();
        self.run(500);
        assert!(self.sides[SERVER].channel(stream).is_some());
        stream
    }

    fn messages(&self, side: usize, of: u16) -> Vec<Message> {
        let message = |event: &SctpEvent| match event {
            SctpEvent::Message { stream, message } if *stream == of => Some(message.clone()),
            _ => None,
        };
        self.seen[side].iter().filter_map(message).collect()
    }

    fn closed(&self, side: usize, of: u16) -> usize {
        let closed = |event: &&SctpEvent| **event == SctpEvent::ChannelClosed { stream: of };
        self.seen[side].iter().filter(closed).count()
    }
}

/// A message that shows its number and whether it is whole.
fn numbered(number: u32, len: usize) -> Message {
    let mut payload = number.to_be_bytes().to_vec();
    payload.extend((payload.len()..len).map(|at| (at as u32 ^ number) as u8));
    Message::binary(payload)
}

fn number(message: &Message) -> u32 {
    let number = u32::from_be_bytes(*message.payload.first_chunk().unwrap());
    assert_eq!(*message, numbered(number, message.payload.len()));
    number
}

#[test]
fn text_bytes_and_empty_messages_go_both_ways() {
    let mut pair = Pair::connected(1);
    let mut parameters = ChannelParameters::new("chat");
    parameters.protocol = "json".to_owned();
    let chat = pair.open(parameters.clone());
    assert_eq!(chat, 0, "the DTLS client opens even streams");
    let opened = |by_peer| {
        let parameters = parameters.clone();
        SctpEvent::ChannelOpened { stream: chat, parameters, by_peer }
    };
    assert!(pair.seen[SERVER].contains(&opened(true)));
    assert!(pair.seen[BROWSER].contains(&opened(false)));
    let messages =
        [Message::text("hello"), Message::text(""), Message::binary(""), Message::binary(vec![7])];
    for message in &messages {
        for side in &mut pair.sides {
            side.send(chat, message).unwrap();
        }
    }
    pair.run(500);
    assert_eq!(pair.messages(SERVER, chat), messages);
    assert_eq!(pair.messages(BROWSER, chat), messages);
    assert_eq!(pair.sides[SERVER].stats().messages_received, 4);
    assert_eq!(pair.sides[SERVER].stats().bytes_received, 6);
    assert_eq!(pair.sides[SERVER].buffered_amount(chat), 0);
}

#[test]
fn channels_that_wait_are_opened_when_the_association_is() {
    let mut pair = Pair::new(2);
    let ours = pair.sides[SERVER].open(None, ChannelParameters::new("state")).unwrap();
    assert_eq!(ours, 1, "the DTLS server opens odd streams");
    for side in &mut pair.sides {
        side.open_negotiated(Some(6), ChannelParameters::new("agreed")).unwrap();
        assert_eq!(side.send(6, &Message::text("x")), Err(SctpError::NotOpen));
    }
    pair.run(500);
    pair.sides[SERVER].send(ours, &Message::text("a")).unwrap();
    pair.sides[SERVER].send(6, &Message::text("b")).unwrap();
    pair.run(200);
    assert_eq!(pair.messages(BROWSER, ours), [Message::text("a")]);
    assert_eq!(pair.messages(BROWSER, 6), [Message::text("b")]);
    assert_eq!(pair.sides[BROWSER].channel(ours).unwrap().label, "state");
}

#[test]
fn the_handshake_survives_loss_in_virtual_time() {
    for seed in 0..20 {
        let mut pair = Pair::new(seed);
        pair.loss = 0.3;
        pair.run(60_000);
        assert_eq!(pair.sides[BROWSER].state(), SctpState::Connected, "seed {seed}");
        assert_eq!(pair.sides[SERVER].state(), SctpState::Connected, "seed {seed}");
    }
}

#[test]
fn a_passive_side_waits_and_an_active_one_gives_up() {
    let mut pair = Pair::new(3);
    pair.loss = 1.0;
    pair.run(200_000);
    assert_eq!(pair.sides[SERVER].state(), SctpState::Connecting);
    assert_eq!(pair.sides[BROWSER].state(), SctpState::Failed);
    assert!(pair.sent <= MAX_CONTROL_RETRIES as u64 + 1);
    let error = pair.sides[BROWSER].open(None, ChannelParameters::new("x"));
    assert_eq!(error, Err(SctpError::Closed));
}

#[test]
fn the_longest_message_arrives_and_a_longer_one_is_refused() {
    let mut pair = Pair::connected(4);
    let stream = pair.open(ChannelParameters::new("files"));
    let longest = numbered(1, 262_144);
    pair.sides[BROWSER].send(stream, &longest).unwrap();
    let longer = Message::binary(vec![0; 262_145]);
    assert_eq!(pair.sides[BROWSER].send(stream, &longer), Err(SctpError::MessageTooLong));
    pair.run(5_000);
    assert_eq!(pair.messages(SERVER, stream), [longest]);
}

#[test]
fn a_peer_that_sends_more_than_was_agreed_is_cut_off() {
    let mut unbound = active();
    unbound.remote_max_message_size = 0;
    let mut pair = Pair::with(5, unbound, passive());
    pair.run(500);
    let stream = pair.open(ChannelParameters::new("x"));
    pair.sides[BROWSER].send(stream, &numbered(1, 262_145)).unwrap();
    pair.run(10_000);
    assert_eq!(pair.sides[SERVER].state(), SctpState::Failed);
    assert!(pair.messages(SERVER, stream).is_empty());
    assert_eq!(pair.sides[SERVER].handle_packet(pair.now, &[0; 40]), Err(SctpError::Closed));
}

#[test]
fn either_side_closes_a_channel_and_its_stream_can_be_used_again() {
    for closer in [BROWSER, SERVER] {
        let mut pair = Pair::connected(6);
        let first = pair.open(ChannelParameters::new("first"));
        let other = pair.open(ChannelParameters::new("other"));
        pair.sides[closer].send(first, &Message::text("last words")).unwrap();
        pair.sides[closer].close_channel(first).unwrap();
        assert_eq!(pair.sides[closer].send(first, &Message::text("x")), Err(SctpError::NotOpen));
        pair.run(2_000);
        assert_eq!(pair.messages(1 - closer, first), [Message::text("last words")]);
        assert_eq!((pair.closed(BROWSER, first), pair.closed(SERVER, first)), (1, 1));
        assert!(pair.sides[SERVER].channel(first).is_none());
        let again = pair.open(ChannelParameters::new("again"));
        assert_eq!(again, first);
        pair.sides[BROWSER].send(again, &Message::text("new")).unwrap();
        pair.sides[BROWSER].send(other, &Message::text("still")).unwrap();
        pair.run(500);
        assert_eq!(pair.messages(SERVER, again).last(), Some(&Message::text("new")));
        assert_eq!(pair.messages(SERVER, other), [Message::text("still")]);
    }
}

#[test]
fn channels_are_closed_and_opened_many_times_over_a_lossy_link() {
    let mut pair = Pair::connected(7);
    pair.loss = 0.1;
    for round in 0..30 {
        let stream = pair.sides[BROWSER].open(None, ChannelParameters::new("x")).unwrap();
        pair.run(3_000);
        pair.sides[SERVER].send(stream, &numbered(round, 4)).unwrap();
        pair.sides[BROWSER].close_channel(stream).unwrap();
        pair.run(10_000);
        assert!(pair.sides[SERVER].channel(stream).is_none(), "round {round}");
    }
    assert_eq!(pair.sides[SERVER].stats().channels_opened, 30);
    assert_eq!(pair.sides[SERVER].stats().channels_closed, 30);
    assert_eq!(pair.sides[SERVER].open_resets, 0);
}

#[test]
fn a_slow_peer_is_given_no_more_than_the_buffer_holds() {
    let mut pair = Pair::connected(8);
    let stream = pair.open(ChannelParameters::new("x"));
    pair.sides[SERVER].set_buffered_amount_low_threshold(stream, Some(100_000)).unwrap();
    pair.loss = 1.0;
    let mut taken = 0_u32;
    while pair.sides[SERVER].send(stream, &numbered(taken, 1_000)).is_ok() {
        taken += 1;
    }
    assert_eq!(pair.sides[SERVER].send(stream, &numbered(0, 1_000)), Err(SctpError::BufferFull));
    assert_eq!(pair.sides[SERVER].buffered_amount(stream), taken as usize * 1_000);
    assert_eq!(taken, (1 << 20) / (1_000 + MESSAGE_COST as u32));
    pair.run(2_000);
    assert!(pair.messages(BROWSER, stream).is_empty());
    let low = SctpEvent::BufferedAmountLow { stream };
    assert!(!pair.seen[SERVER].contains(&low));
    pair.loss = 0.0;
    pair.run(60_000);
    let numbers: Vec<u32> = pair.messages(BROWSER, stream).iter().map(number).collect();
    assert_eq!(numbers, (0..taken).collect::<Vec<_>>());
    assert_eq!(pair.seen[SERVER].iter().filter(|event| **event == low).count(), 1);
    assert_eq!(pair.sides[SERVER].cost, 0);
}

#[test]
fn many_small_messages_stay_within_a_datagram() {
    let mut pair = Pair::connected(9);
    let stream = pair.open(ChannelParameters::new("x"));
    for at in 0..2_000 {
        pair.sides[BROWSER].send(stream, &Message::binary(vec![at as u8])).unwrap();
    }
    pair.run(20_000);
    assert_eq!(pair.messages(SERVER, stream).len(), 2_000);
    assert!(pair.longest <= 1_400, "{}", pair.longest);
}

#[test]
fn the_wrong_side_cannot_open_a_stream_nor_take_over_a_channel() {
    let mut pair = Pair::connected(10);
    // The browser takes one of the server's streams.
    pair.sides[BROWSER].open(Some(3), ChannelParameters::new("mine")).unwrap();
    pair.run(1_000);
    assert!(pair.sides[SERVER].channel(3).is_none());
    assert_eq!(pair.sides[SERVER].stats().messages_refused, 1);
    // A second opening of the same stream does not change the first.
    let chat = pair.open(ChannelParameters::new("chat"));
    let second = Dcep::Open(ChannelParameters::new("other")).write();
    pair.sides[BROWSER].write(chat, &second.into(), Ppid::Dcep);
    pair.run(1_000);
    assert_eq!(pair.sides[SERVER].channel(chat).unwrap().label, "chat");
    // Messages on a stream that is no channel go nowhere.
    pair.sides[BROWSER].open_negotiated(Some(8), ChannelParameters::new("secret")).unwrap();
    pair.sides[BROWSER].send(8, &Message::text("x")).unwrap();
    pair.run(1_000);
    assert!(pair.messages(SERVER, 8).is_empty());
    assert_eq!(pair.sides[SERVER].state(), SctpState::Connected);
}

#[test]
fn calls_that_cannot_be_right_are_refused() {
    let mut pair = Pair::connected(11);
    let server = &mut pair.sides[SERVER];
    let channel = || ChannelParameters::new("x");
    assert_eq!(server.open(Some(1024), channel()), Err(SctpError::NoStreamLeft));
    server.open(Some(5), channel()).unwrap();
    assert_eq!(server.open(Some(5), channel()), Err(SctpError::StreamInUse));
    let long = ChannelParameters::new("x".repeat(1025));
    assert_eq!(server.open(None, long), Err(SctpError::LabelTooLong));
    assert_eq!(server.send(9, &Message::text("x")), Err(SctpError::UnknownStream));
    assert_eq!(server.close_channel(9), Err(SctpError::UnknownStream));
    for _ in 0..511 {
        server.open(None, channel()).unwrap();
    }
    assert_eq!(server.open(None, channel()), Err(SctpError::NoStreamLeft));
    server.close();
    assert_eq!(server.state(), SctpState::Closed);
    assert_eq!(server.send(5, &Message::text("x")), Err(SctpError::UnknownStream));
    assert_eq!(server.open(None, channel()), Err(SctpError::Closed));
}

#[test]
fn a_message_whose_life_is_over_is_not_delivered() {
    let mut pair = Pair::connected(12);
    let mut parameters = ChannelParameters::new("cursor");
    parameters.reliability = Reliability::MaxPacketLifeTime(300);
    let stream = pair.open(parameters);
    pair.loss = 1.0;
    pair.sides[SERVER].send(stream, &numbered(1, 100)).unwrap();
    pair.run(2_000);
    pair.loss = 0.0;
    pair.sides[SERVER].send(stream, &numbered(2, 100)).unwrap();
    pair.run(10_000);
    let numbers: Vec<u32> = pair.messages(BROWSER, stream).iter().map(number).collect();
    assert_eq!(numbers, [2]);
    assert_eq!(pair.sides[SERVER].buffered_amount(stream), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_reliable_channel_delivers_everything(
        seed in any::<u64>(),
        ordered in any::<bool>(),
        loss in 0.0..0.2,
        lens in prop::collection::vec(4usize..5_000, 1..120),
    ) {
        let mut pair = Pair::connected(seed);
        (pair.loss, pair.jitter) = (loss, Duration::from_millis(15));
        let mut parameters = ChannelParameters::new("x");
        parameters.ordered = ordered;
        let stream = pair.sides[BROWSER].open(None, parameters).unwrap();
        for (at, len) in lens.iter().enumerate() {
            pair.sides[BROWSER].send(stream, &numbered(at as u32, *len)).unwrap();
            pair.run(5);
        }
        pair.run(120_000);
        let mut numbers: Vec<u32> = pair.messages(SERVER, stream).iter().map(number).collect();
        if !ordered {
            numbers.sort_unstable();
        }
        prop_assert_eq!(numbers, (0..lens.len() as u32).collect::<Vec<_>>());
        prop_assert_eq!(pair.sides[BROWSER].buffered_amount(stream), 0);
    }

    #[test]
    fn an_unreliable_ordered_channel_loses_but_does_not_reorder_or_stall(
        seed in any::<u64>(),
        loss in 0.0..0.3,
        len in 4usize..4_000,
    ) {
        let mut pair = Pair::connected(seed);
        let mut parameters = ChannelParameters::new("x");
        parameters.reliability = Reliability::MaxRetransmits(0);
        let stream = pair.open(parameters);
        (pair.loss, pair.jitter) = (loss, Duration::from_millis(15));
        for at in 0..200 {
            pair.sides[BROWSER].send(stream, &numbered(at, len)).unwrap();
            pair.run(20);
        }
        pair.loss = 0.0;
        pair.run(10_000);
        pair.sides[BROWSER].send(stream, &numbered(200, len)).unwrap();
        pair.run(10_000);
        let numbers: Vec<u32> = pair.messages(SERVER, stream).iter().map(number).collect();
        prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{:?}", numbers);
        prop_assert_eq!(numbers.last(), Some(&200));
        prop_assert_eq!(pair.sides[BROWSER].buffered_amount(stream), 0);
    }

    /// Packets that are damaged but carry a right checksum again.
    #[test]
    fn damaged_packets_cost_only_the_association(
        seed in any::<u64>(),
        damage in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
        share in 0.01..0.5,
    ) {
        let mut pair = Pair::connected(seed);
        let stream = pair.open(ChannelParameters::new("x"));
        let mut packet = Vec::new();
        for at in 0..60_u32 {
            let _ = pair.sides[BROWSER].send(stream, &numbered(at, 40 * at as usize + 4));
            while pair.sides[BROWSER].poll_transmit(pair.now, &mut packet) {
                if pair.chance(share) {
                    for (place, value) in &damage {
                        let place = 12 + usize::from(*place) % (packet.len() - 12).min(60);
                        packet[place] = *value;
                    }
                    checksum(&mut packet);
                }
                let _ = pair.sides[SERVER].handle_packet(pair.now, &packet);
            }
            pair.run(30);
        }
        pair.run(5_000);
        prop_assert!(pair.sides[SERVER].poll_timeout().is_none_or(|at| at > pair.now));
        prop_assert!(pair.sides[SERVER].cost <= 1 << 20);
    }
}

/// Writes the CRC-32c (RFC 9260 §6.8) of a packet into it.
fn checksum(packet: &mut [u8]) {
    packet[8..12].fill(0);
    let mut crc = u32::MAX;
    for byte in packet.iter() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    packet[8..12].copy_from_slice(&(!crc).to_le_bytes());
}
