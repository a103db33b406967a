//! SCTP packets of a peer that DTLS has let in, to an association with it; and
//! the same without DTLS, where they may begin it anew.
//!
//! The input is a script of records: one byte that says how much later than
//! the record before, a length of two bytes, and chunks. Header, checksum and
//! the upper half of transmission sequence numbers are made right, so that the
//! chunks are looked at.

use std::time::Duration;

use sfu_ice::sctp::Association;
use sfu_ice::{ChannelParameters, Message, SctpConfig, SctpEvent, SctpState, Time};

const MAX_RECORDS: usize = 128;
const HEADER_LEN: usize = 12;
const BUFFER: usize = 1 << 20;

/// Whatever comes, what is held and sent is bounded, time goes forward, and
/// messages are no longer than was agreed.
pub fn sctp(data: &[u8]) -> bool {
    let taken = [World::connected(), World::plain()].map(|world| run(world, data));
    taken.contains(&true)
}

fn run(mut world: World, data: &[u8]) -> bool {
    let mut taken = 0;
    let mut rest = data;
    for _ in 0..MAX_RECORDS {
        let Some((&[later, l0, l1], tail)) = rest.split_first_chunk() else { break };
        let len = usize::from(u16::from_be_bytes([l0, l1])).min(tail.len()).min(1_200);
        let (chunks, tail) = tail.split_at(len);
        rest = tail;
        world.pass(u64::from(later));
        taken += u64::from(world.packet(chunks));
    }
    world.pass(60_000);
    taken != 0
}

/// A server's association, and what its browser would put into its packets.
struct World {
    now: Time,
    server: Association,
    /// Ports and verification tag of the browser's packets.
    head: [u8; 8],
    /// Its latest transmission sequence number.
    number: u32,
    chat: u16,
    plain: bool,
}

impl World {
    fn connected() -> Self {
        let server = Association::new(SctpConfig::default());
        let mut browser = browser();
        let chat = browser.open(None, ChannelParameters::new("chat")).expect("a first channel");
        Self::joined(server, browser, chat, false)
    }

    fn plain() -> Self {
        let mut server = Association::plain(SctpConfig::default(), [7; 32]);
        let mut browser = browser();
        let parameters = || ChannelParameters::new("chat");
        let chat = browser.open_negotiated(Some(0), parameters()).expect("a first channel");
        server.expect(chat, parameters()).expect("a stream");
        server.open_negotiated(Some(chat), parameters()).expect("a stream");
        Self::joined(server, browser, chat, true)
    }

    fn joined(mut server: Association, mut browser: Association, chat: u16, plain: bool) -> Self {
        let now = Time::from_secs(1);
        server.start(now, false);
        browser.start(now, true);
        let (mut packet, mut last) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            while browser.poll_transmit(now, &mut packet) {
                server.handle_packet(now, &packet).expect("a sound packet");
                last.clone_from(&packet);
            }
            while server.poll_transmit(now, &mut packet) {
                // Without DTLS both begin, of which this one knows nothing.
                assert!(browser.handle_packet(now, &packet).is_ok() || plain);
            }
        }
        assert_eq!(server.state(), SctpState::Connected);
        let _ = server.send(chat, &Message::binary(vec![1; 3_000]));
        // The number does not matter beyond the half that is made right.
        browser.send(chat, &Message::text("x")).expect("an open channel");
        assert!(browser.poll_transmit(now, &mut last), "a packet with data");
        let head = *last.first_chunk().expect("a header");
        let number = last.get(16..20).and_then(|n| n.try_into().ok()).map(u32::from_be_bytes);
        Self { now, server, head, number: number.expect("a chunk of data"), chat, plain }
    }

    fn packet(&mut self, chunks: &[u8]) -> bool {
        let mut packet = self.head.to_vec();
        if self.plain && chunks.first() == Some(&1) {
            // INIT has no tag.
            packet[4..].fill(0);
        }
        packet.extend([0; 4]);
        packet.extend(chunks);
        self.set_numbers(&mut packet);
        let sum = checksum(&packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        let taken = self.server.handle_packet(self.now, &packet).is_ok();
        let _ = self.server.send(self.chat, &Message::text("answer"));
        self.poll();
        taken
    }

    /// Lets the numbers of data count from the browser's own.
    fn set_numbers(&self, packet: &mut [u8]) {
        let mut at = HEADER_LEN;
        while let Some(&[kind, _, l0, l1]) = packet.get(at..).and_then(<[u8]>::first_chunk) {
            // DATA, SACK and FORWARD-TSN begin with one.
            if matches!(kind, 0 | 192)
                && let Some(number) = packet.get_mut(at + 4..at + 8)
            {
                let ahead = u32::from(u16::from_be_bytes([number[2], number[3]]));
                number.copy_from_slice(&self.number.wrapping_add(ahead).to_be_bytes());
            }
            at += usize::from(u16::from_be_bytes([l0, l1])).next_multiple_of(4).max(4);
        }
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        for _ in 0..64 {
            self.poll();
            match self.server.poll_timeout() {
                Some(due) if due <= end => self.now = self.now.max(due),
                _ => break,
            }
            self.server.handle_timeout(self.now);
        }
        self.now = end;
        self.server.handle_timeout(self.now);
        self.poll();
        assert!(self.server.poll_timeout().is_none_or(|due| due > self.now));
    }

    fn poll(&mut self) {
        let mut packet = Vec::new();
        for sent in 0.. {
            if !self.server.poll_transmit(self.now, &mut packet) {
                break;
            }
            assert!(packet.len() <= 1_400, "a packet of {} bytes", packet.len());
            assert!(sent < 2_000, "it never ends");
        }
        while let Some(event) = self.server.poll_event() {
            if let SctpEvent::Message { message, .. } = event {
                assert!(message.payload.len() <= 262_144);
            }
        }
        assert!(self.server.buffered_amount(self.chat) <= BUFFER);
    }
}

fn browser() -> Association {
    let mut config = SctpConfig::default();
    config.active = true;
    Association::new(config)
}

/// CRC-32c (RFC 9260 §6.8) of a packet whose checksum field is zero.
fn checksum(packet: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in packet {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
