use std::time::Duration;

use super::*;
use crate::sctp::Reliability;

/// Two associations, and what they told.
struct Pair {
    now: Time,
    ends: [Association; 2],
    told: [Vec<SctpEvent>; 2],
}

fn config() -> SctpConfig {
    SctpConfig { remote_max_message_size: 262_144, ..SctpConfig::default() }
}

fn plain(seed: u8) -> Association {
    Association::plain(config(), [seed; 32])
}

/// One that has the library's handshake, as over DTLS.
fn other(active: bool) -> Association {
    Association::new(SctpConfig { active, ..config() })
}

impl Pair {
    fn new(ends: [Association; 2]) -> Self {
        let mut pair = Self { now: Time::from_secs(10), ends, told: [Vec::new(), Vec::new()] };
        for end in &mut pair.ends {
            end.start(pair.now, false);
        }
        pair
    }

    /// Carries packets until both ends have nothing to say for a second.
    fn run(&mut self) {
        let end = self.now + Duration::from_secs(1);
        while self.now < end {
            let mut packets = [Vec::new(), Vec::new()];
            for (at, end) in self.ends.iter_mut().enumerate() {
                if end.poll_timeout().is_some_and(|due| due <= self.now) {
                    end.handle_timeout(self.now);
                }
                let mut packet = Vec::new();
                while end.poll_transmit(self.now, &mut packet) {
                    packets[1 - at].push(packet.clone());
                }
            }
            self.now += Duration::from_millis(5);
            for (at, packets) in packets.into_iter().enumerate() {
                for packet in packets {
                    // Answers to an association that has ended are refused.
                    let _ = self.ends[at].handle_packet(self.now, &packet);
                }
                let end = &mut self.ends[at];
                self.told[at].extend(std::iter::from_fn(|| end.poll_event()));
            }
        }
    }

    fn got(&mut self, end: usize) -> Vec<(u16, Message)> {
        let message = |event| match event {
            SctpEvent::Message { stream, message } => Some((stream, message)),
            _ => None,
        };
        std::mem::take(&mut self.told[end]).into_iter().filter_map(message).collect()
    }
}

/// Uses a stream in both directions.
fn open(association: &mut Association, stream: u16) {
    let parameters = ChannelParameters::new("x");
    association.expect(stream, parameters.clone()).unwrap();
    assert_eq!(association.open_negotiated(Some(stream), parameters), Ok(stream));
}

fn numbered(number: u32) -> Message {
    Message::binary(number.to_be_bytes().to_vec())
}

#[test]
fn both_directions_of_a_stream_are_used_with_any_peer() {
    for peer in [plain(2), other(true), other(false)] {
        let bare = peer.plain.is_none();
        let mut pair = Pair::new([plain(1), peer]);
        open(&mut pair.ends[0], 3);
        if bare {
            let parameters = ChannelParameters::new("x");
            pair.ends[1].open_negotiated(Some(3), parameters).unwrap();
        } else {
            open(&mut pair.ends[1], 3);
        }
        pair.run();
        for end in &mut pair.ends {
            assert_eq!(end.state(), SctpState::Connected);
            for number in 0..100 {
                end.send(3, &numbered(number)).unwrap();
            }
            end.send(3, &Message::binary(vec![1; 200_000])).unwrap();
            end.send(3, &Message::text("")).unwrap();
        }
        for _ in 0..5 {
            pair.run();
        }
        for end in 0..2 {
            let mut expected: Vec<_> = (0..100).map(|number| (3, numbered(number))).collect();
            expected.push((3, Message::binary(vec![1; 200_000])));
            expected.push((3, Message::text("")));
            assert!(pair.got(end) == expected);
        }
    }
}

#[test]
fn channels_outlive_a_peer_that_begins_anew() {
    let mut pair = Pair::new([plain(1), plain(2)]);
    pair.ends.iter_mut().for_each(|end| open(end, 0));
    pair.run();
    pair.ends[0].send(0, &numbered(0)).unwrap();
    pair.run();
    assert_eq!(pair.got(1), [(0, numbered(0))]);
    // Its program ends, and another one takes its address.
    pair.ends[1] = plain(3);
    open(&mut pair.ends[1], 0);
    pair.ends[1].start(pair.now, false);
    pair.run();
    pair.told = [Vec::new(), Vec::new()];
    for number in 1..4 {
        pair.ends.iter_mut().for_each(|end| end.send(0, &numbered(number)).unwrap());
    }
    pair.run();
    for end in 0..2 {
        assert_eq!(pair.got(end), [1, 2, 3].map(|number| (0, numbered(number))));
    }
}

#[test]
fn a_stream_is_closed_and_used_again_without_a_word() {
    let mut pair = Pair::new([plain(1), plain(2)]);
    pair.ends.iter_mut().for_each(|end| open(end, 0));
    pair.run();
    for number in 0..3 {
        pair.ends[0].send(0, &numbered(number)).unwrap();
        pair.run();
        assert_eq!(pair.got(1), [(0, numbered(number))]);
        pair.ends[0].close_channel(0).unwrap();
        assert_eq!(pair.ends[0].send(0, &numbered(9)), Err(SctpError::NotOpen));
        pair.ends[1].stop_expecting(0).unwrap();
        // The other direction is as it was.
        pair.ends[1].send(0, &numbered(number)).unwrap();
        pair.run();
        assert_eq!(pair.got(0), [(0, numbered(number))]);
        let parameters = ChannelParameters::new("again");
        pair.ends[0].open_negotiated(Some(0), parameters.clone()).unwrap();
        // What nobody expects is refused, and does no harm.
        pair.ends[0].send(0, &numbered(8)).unwrap();
        pair.run();
        assert_eq!(pair.got(1), []);
        assert_eq!(pair.ends[1].stats().messages_refused, u64::from(number) + 1);
        pair.ends[1].expect(0, parameters).unwrap();
    }
}

#[test]
fn free_streams_are_taken_in_turn() {
    let mut end = Association::plain(SctpConfig { max_streams: 4, ..config() }, [1; 32]);
    let parameters = || ChannelParameters::new("x");
    end.expect(1, parameters()).unwrap();
    assert_eq!(end.open_negotiated(None, parameters()), Ok(0));
    assert_eq!(end.open_negotiated(None, parameters()), Ok(2));
    end.close_channel(0).unwrap();
    assert_eq!(end.open_negotiated(None, parameters()), Ok(3));
    assert_eq!(end.open_negotiated(None, parameters()), Ok(0));
    // The last one is that on which the peer sends.
    assert_eq!(end.open_negotiated(None, parameters()), Ok(1));
    assert_eq!(end.open_negotiated(None, parameters()), Err(SctpError::NoStreamLeft));
    assert_eq!(end.expect(1, parameters()), Err(SctpError::StreamInUse));
    assert_eq!(end.expect(4, parameters()), Err(SctpError::NoStreamLeft));
}

#[test]
fn a_peer_with_fewer_streams_is_sent_nothing_beyond_them() {
    let few = Association::plain(SctpConfig { max_streams: 2, ..config() }, [2; 32]);
    let mut pair = Pair::new([plain(1), few]);
    pair.ends[0].open_negotiated(Some(2), ChannelParameters::new("x")).unwrap();
    pair.run();
    assert!(pair.told[0].contains(&SctpEvent::ChannelClosed { stream: 2 }));
    let beyond = pair.ends[0].open_negotiated(Some(2), ChannelParameters::new("x"));
    assert_eq!(beyond, Err(SctpError::NoStreamLeft));
}

#[test]
fn a_reset_by_the_peer_ends_one_direction_and_holds_the_other() {
    let mut pair = Pair::new([plain(1), other(true)]);
    open(&mut pair.ends[0], 0);
    pair.ends[1].open_negotiated(Some(0), ChannelParameters::new("x")).unwrap();
    pair.run();
    pair.ends[0].send(0, &numbered(0)).unwrap();
    pair.run();
    assert_eq!(pair.got(1), [(0, numbered(0))]);
    pair.ends[1].close_channel(0).unwrap();
    // Up to where the peer's reset has come, and ours has not been answered.
    let mut packet = Vec::new();
    while pair.ends[1].poll_transmit(pair.now, &mut packet) {
        pair.ends[0].handle_packet(pair.now, &packet).unwrap();
    }
    let told: Vec<_> = std::iter::from_fn(|| pair.ends[0].poll_event()).collect();
    assert!(told.contains(&SctpEvent::IncomingClosed { stream: 0 }), "{told:?}");
    for number in 1..4 {
        pair.ends[0].send(0, &numbered(number)).unwrap();
    }
    assert!(pair.ends[0].held_cost() > 0);
    pair.run();
    assert_eq!(pair.ends[0].held_cost(), 0);
    // The peer, which knows channels alone, has closed its own for good: what it
    // refuses came all the same.
    assert_eq!(pair.ends[1].stats().messages_refused, 3);
    assert!(!pair.told[0].contains(&SctpEvent::ChannelClosed { stream: 0 }));
}

#[test]
fn the_end_is_told_and_is_the_end() {
    for quiet in [0, 1] {
        let mut pair = Pair::new([plain(1), plain(2)]);
        pair.ends.iter_mut().for_each(|end| open(end, 0));
        pair.run();
        pair.ends[quiet].close();
        pair.run();
        for end in &mut pair.ends {
            assert_eq!(end.state(), SctpState::Closed);
            assert_eq!(end.poll_timeout(), None);
            assert_eq!(end.send(0, &numbered(0)), Err(SctpError::UnknownStream));
            assert_eq!(end.expect(1, ChannelParameters::new("x")), Err(SctpError::Closed));
        }
    }
}

#[test]
fn a_peer_that_falls_silent_is_given_up() {
    let mut pair = Pair::new([plain(1), plain(2)]);
    pair.ends.iter_mut().for_each(|end| open(end, 0));
    pair.run();
    let end = &mut pair.ends[0];
    let begin = pair.now;
    let mut packet = Vec::new();
    while let Some(due) = end.poll_timeout() {
        end.handle_timeout(due);
        while end.poll_transmit(due, &mut packet) {}
        assert!(due.since(begin) < Duration::from_secs(100));
    }
    assert_eq!(end.state(), SctpState::Failed);
}

#[test]
fn channels_are_not_opened_in_themselves() {
    let mut pair = Pair::new([plain(1), other(true)]);
    pair.ends[1].open(Some(0), ChannelParameters::new("x")).unwrap();
    pair.run();
    pair.ends[1].send(0, &numbered(0)).unwrap();
    pair.run();
    let opened = |event: &SctpEvent| matches!(event, SctpEvent::ChannelOpened { .. });
    assert!(!pair.told[0].iter().any(opened));
    assert_eq!(pair.ends[0].stats().messages_refused, 2);
    assert_eq!(pair.ends[0].state(), SctpState::Connected);
}

#[test]
fn what_waits_is_bounded_and_outlives_its_channel() {
    let small = SctpConfig { send_buffer: 100_000, ..config() };
    let mut pair = Pair::new([Association::plain(small, [1; 32]), plain(2)]);
    pair.ends.iter_mut().for_each(|end| open(end, 0));
    pair.run();
    let message = Message::binary(vec![7; 40_000]);
    let end = &mut pair.ends[0];
    assert_eq!(end.send(0, &message), Ok(()));
    assert_eq!(end.send(0, &message), Ok(()));
    assert_eq!(end.send(0, &message), Err(SctpError::BufferFull));
    end.close_channel(0).unwrap();
    let mut parameters = ChannelParameters::new("y");
    parameters.reliability = Reliability::MaxRetransmits(0);
    end.open_negotiated(Some(1), parameters).unwrap();
    assert_eq!(end.send(1, &message), Err(SctpError::BufferFull));
    for _ in 0..3 {
        pair.run();
    }
    assert_eq!(pair.got(1), [(0, message.clone()), (0, message.clone())]);
    assert_eq!(pair.ends[0].send(1, &message), Ok(()));
}

#[test]
fn nothing_but_sctp_of_the_peer_is_recognized() {
    let mut pair = Pair::new([plain(1), plain(2)]);
    let mut packet = Vec::new();
    assert!(pair.ends[1].poll_transmit(pair.now, &mut packet));
    let end = &mut pair.ends[0];
    assert!(end.recognizes(&packet));
    let refused = end.stats().packets_refused;
    for len in 0..packet.len() {
        assert!(!end.recognizes(&packet[..len]));
        assert_eq!(end.handle_packet(pair.now, &packet[..len]), Err(SctpError::Malformed));
    }
    assert_eq!(end.stats().packets_refused, refused + packet.len() as u64);
    assert!(!other(true).recognizes(&packet), "over DTLS it is not asked");
}
