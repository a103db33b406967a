//! What a peer may make the association hold, beyond the window in bytes that
//! SCTP itself keeps.
//!
//! Bytes bound neither the number of chunks, each of which costs memory and
//! time, nor how far ahead of a gap a peer may send. So packets are looked into
//! before the association sees them: what is too far ahead is dropped as if it
//! were lost, and a peer that has too many chunks held is cut off. What is
//! held follows from the acknowledgements that the association itself sends.

use std::time::Duration;

use crate::{SctpError, Time};

/// Transmission sequence numbers beyond the acknowledged one that are taken.
const MAX_AHEAD: u32 = 4096;
/// Chunks that may be held: those ahead of a gap, and as many again for
/// messages that wait for an earlier one.
const MAX_HELD: u32 = 2 * MAX_AHEAD;
/// Stream resets at once, and how long until one more is allowed.
const MAX_RESETS: u32 = 64;
const RESET_EVERY: Duration = Duration::from_millis(20);

const HEADER_LEN: usize = 12;
const CHUNK_HEADER_LEN: usize = 4;

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const RECONFIG: u8 = 130;

/// The state of the screen.
#[derive(Debug)]
pub(super) struct Screen {
    max_streams: u16,
    window: u32,
    /// The peer's last number that everything up to is here.
    acknowledged: Option<u32>,
    /// Chunks that the association may hold.
    held: u32,
    resets_left: u32,
    reset_refill: Time,
}

impl Screen {
    /// A screen for an association that advertises `window` bytes.
    pub(super) fn new(max_streams: u16, window: u32) -> Self {
        Self {
            max_streams,
            window,
            acknowledged: None,
            held: 0,
            resets_left: MAX_RESETS,
            reset_refill: Time::ZERO,
        }
    }

    /// The association begins with this number, for whatever anybody said
    /// before.
    pub(super) fn begin(&mut self, first: u32) {
        self.acknowledged = Some(first.wrapping_sub(1));
        self.held = 0;
    }

    /// Looks at a packet of the peer.
    ///
    /// # Errors
    /// [`SctpError::Malformed`] or [`SctpError::Overload`] if it must be
    /// dropped, [`SctpError::Violation`] if the association must end.
    pub(super) fn admit(&mut self, now: Time, packet: &[u8]) -> Result<(), SctpError> {
        let mut chunks = 0_u32;
        let mut resets = 0_u32;
        for chunk in Chunks::of(packet)? {
            let chunk = chunk?;
            match chunk.kind {
                DATA => {
                    let body = chunk.body.first_chunk::<12>().ok_or(SctpError::Malformed)?;
                    let &[t0, t1, t2, t3, s0, s1, ..] = body;
                    self.check_ahead(u32::from_be_bytes([t0, t1, t2, t3]))?;
                    if u16::from_be_bytes([s0, s1]) >= self.max_streams {
                        return Err(SctpError::Violation);
                    }
                    chunks += 1;
                }
                INIT | INIT_ACK if self.acknowledged.is_none() => {
                    let body = chunk.body.first_chunk::<16>().ok_or(SctpError::Malformed)?;
                    let &[.., n0, n1, n2, n3] = body;
                    let first = u32::from_be_bytes([n0, n1, n2, n3]);
                    self.acknowledged = Some(first.wrapping_sub(1));
                }
                RECONFIG => resets += 1,
                _ => {}
            }
        }
        self.check_resets(now, resets)?;
        self.held = self.held.saturating_add(chunks);
        if self.held > MAX_HELD { Err(SctpError::Violation) } else { Ok(()) }
    }

    /// Looks at a packet that the association sends.
    pub(super) fn observe(&mut self, packet: &[u8]) {
        let Ok(chunks) = Chunks::of(packet) else { return };
        for chunk in chunks.flatten().filter(|chunk| chunk.kind == SACK) {
            let Some(&[t0, t1, t2, t3, w0, w1, w2, w3]) = chunk.body.first_chunk() else { return };
            self.acknowledged = Some(u32::from_be_bytes([t0, t1, t2, t3]));
            // A chunk that is held has at least one byte.
            let bytes = self.window.saturating_sub(u32::from_be_bytes([w0, w1, w2, w3]));
            self.held = self.held.min(bytes);
        }
    }

    /// A message of so many chunks was handed to the application.
    pub(super) fn delivered(&mut self, chunks: usize) {
        self.held = self.held.saturating_sub(u32::try_from(chunks).unwrap_or(u32::MAX));
    }

    fn check_ahead(&self, number: u32) -> Result<(), SctpError> {
        let Some(acknowledged) = self.acknowledged else { return Err(SctpError::Overload) };
        let ahead = number.wrapping_sub(acknowledged);
        // The upper half of the circle is behind: a repetition.
        if ahead < u32::MAX / 2 && ahead > MAX_AHEAD { Err(SctpError::Overload) } else { Ok(()) }
    }

    fn check_resets(&mut self, now: Time, resets: u32) -> Result<(), SctpError> {
        if resets == 0 {
            return Ok(());
        }
        let since = now.since(self.reset_refill).as_nanos() / RESET_EVERY.as_nanos();
        if since > 0 {
            let more = u32::try_from(since).unwrap_or(u32::MAX);
            self.resets_left = self.resets_left.saturating_add(more).min(MAX_RESETS);
            self.reset_refill = now;
        }
        self.resets_left = self.resets_left.checked_sub(resets).ok_or(SctpError::Overload)?;
        Ok(())
    }
}

/// One chunk of a packet.
struct RawChunk<'a> {
    kind: u8,
    body: &'a [u8],
}

/// The chunks of a packet, in order; ends at the first that is malformed.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    fn of(packet: &'a [u8]) -> Result<Self, SctpError> {
        packet.get(HEADER_LEN..).map(Self).ok_or(SctpError::Malformed)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<RawChunk<'a>, SctpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.0);
        let Some((&[kind, _, l0, l1], _)) = rest.split_first_chunk() else {
            return Some(Err(SctpError::Malformed));
        };
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let Some(body) = rest.get(CHUNK_HEADER_LEN..len) else {
            return Some(Err(SctpError::Malformed));
        };
        // The last chunk's padding may be missing.
        self.0 = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(RawChunk { kind, body }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time::from_secs(1);

    fn packet(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut packet = vec![0; HEADER_LEN];
        for (kind, body) in chunks {
            packet.extend([*kind, 3]);
            packet.extend((body.len() as u16 + 4).to_be_bytes());
            packet.extend(body);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        packet
    }

    fn init(first: u32) -> (u8, Vec<u8>) {
        let mut body = vec![0; 12];
        body.extend(first.to_be_bytes());
        (INIT, body)
    }

    fn data(number: u32, stream: u16) -> (u8, Vec<u8>) {
        let mut body = number.to_be_bytes().to_vec();
        body.extend(stream.to_be_bytes());
        body.extend([0; 7]);
        (DATA, body)
    }

    fn sack(number: u32, window: u32) -> Vec<u8> {
        let mut body = number.to_be_bytes().to_vec();
        body.extend(window.to_be_bytes());
        body.extend([0; 4]);
        packet(&[(SACK, body)])
    }

    fn screen(first: u32) -> Screen {
        let mut screen = Screen::new(16, 1 << 20);
        assert_eq!(screen.admit(NOW, &packet(&[init(first)])), Ok(()));
        screen
    }

    #[test]
    fn what_is_too_far_ahead_is_dropped() {
        let mut screen = screen(u32::MAX - 1);
        let last = (u32::MAX - 2).wrapping_add(MAX_AHEAD);
        assert_eq!(screen.admit(NOW, &packet(&[data(last, 0)])), Ok(()));
        let beyond = packet(&[data(last.wrapping_add(1), 0)]);
        assert_eq!(screen.admit(NOW, &beyond), Err(SctpError::Overload));
        // A repetition is behind, not ahead.
        assert_eq!(screen.admit(NOW, &packet(&[data(u32::MAX - 9, 0)])), Ok(()));
        screen.observe(&sack(u32::MAX - 1, 1 << 20));
        assert_eq!(screen.admit(NOW, &beyond), Ok(()));
    }

    #[test]
    fn data_before_the_handshake_and_on_streams_that_do_not_exist_is_refused() {
        let mut fresh = Screen::new(16, 1 << 20);
        assert_eq!(fresh.admit(NOW, &packet(&[data(1, 0)])), Err(SctpError::Overload));
        let mut screen = screen(1);
        assert_eq!(screen.admit(NOW, &packet(&[data(1, 16)])), Err(SctpError::Violation));
        // A second INIT does not move the window.
        screen.observe(&sack(10_000, 1 << 20));
        assert_eq!(screen.admit(NOW, &packet(&[init(1), data(10_001, 0)])), Ok(()));
    }

    #[test]
    fn held_chunks_are_bounded_and_acknowledgements_show_what_is_held() {
        let mut screen = screen(1);
        let mut number = 0;
        let mut send = |screen: &mut Screen| {
            number += 1;
            screen.observe(&sack(number - 1, 0));
            screen.admit(NOW, &packet(&[data(number, 0)]))
        };
        for _ in 0..MAX_HELD {
            assert_eq!(send(&mut screen), Ok(()));
        }
        assert_eq!(send(&mut screen), Err(SctpError::Violation));
        // 100 bytes are held, so at most 100 chunks are.
        screen.observe(&sack(number, (1 << 20) - 100));
        assert_eq!(screen.held, 100);
        screen.delivered(60);
        assert_eq!(screen.held, 40);
    }

    #[test]
    fn resets_come_at_a_bounded_rate() {
        let mut screen = screen(1);
        let reset = packet(&[(RECONFIG, vec![0; 12])]);
        for _ in 0..MAX_RESETS {
            assert_eq!(screen.admit(NOW, &reset), Ok(()));
        }
        assert_eq!(screen.admit(NOW, &reset), Err(SctpError::Overload));
        assert_eq!(screen.admit(NOW + RESET_EVERY, &reset), Ok(()));
        assert_eq!(screen.admit(NOW + RESET_EVERY, &reset), Err(SctpError::Overload));
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut screen = screen(7);
            let _ = screen.admit(NOW, &bytes);
            screen.observe(&bytes);
        }
    }
}
