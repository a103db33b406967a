//! What one turn sends, laid out for segmentation offload.

use std::ops::Range;

use sfu_ice::{Protocol, Tuple};

/// Packets that every Linux with UDP segmentation takes in one send.
pub const MAX_RUN_SEGMENTS: usize = 64;
/// Bytes that the kernel takes in one send: a UDP datagram with room for the
/// headers, rounded down.
pub const MAX_RUN_BYTES: usize = 65_000;

/// The egress buffer of one turn: packets one behind the other, in runs.
///
/// A [`Run`] is packets to one destination that lie contiguously, all of one
/// size but for the last, which may be shorter: what UDP generic segmentation
/// offload sends with one system call. The owner names a destination with
/// [`begin`](Self::begin) and then builds each packet in place, between
/// [`reserve`](Self::reserve) and [`commit`](Self::commit). When `reserve`
/// finds no room it sends [`runs`](Self::runs), calls [`clear`](Self::clear),
/// names the destination again and goes on.
///
/// A packet to a TCP destination is always a run of its own: RFC 4571 frames
/// each one.
///
/// ```
/// use sfu_core::wire::buf::EgressArena;
/// use sfu_ice::{Protocol, Tuple};
/// let to = Tuple::new(Protocol::Udp, "10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap());
/// let mut arena = EgressArena::new(4096, 16);
/// arena.begin(to);
/// for packet in [&b"four"[..], b"four", b"end"] {
///     arena.reserve(4).unwrap()[..packet.len()].copy_from_slice(packet);
///     arena.commit(packet.len());
/// }
/// let run = arena.runs().next().unwrap();
/// assert_eq!((run.bytes, run.segment_size, run.count), (&b"fourfourend"[..], 4, 3));
/// ```
#[derive(Debug)]
pub struct EgressArena {
    bytes: Box<[u8]>,
    /// End of the last committed packet.
    end: usize,
    /// Bytes behind `end` that are reserved.
    reserved: usize,
    destination: Option<Tuple>,
    runs: Vec<RunRecord>,
    max_runs: usize,
}

/// Packets to one destination, to be sent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run<'a> {
    /// Where they go.
    pub tuple: Tuple,
    /// The packets, one behind the other.
    pub bytes: &'a [u8],
    /// Size of every packet but the last, which may be shorter.
    pub segment_size: usize,
    /// Number of packets, 1 to [`MAX_RUN_SEGMENTS`].
    pub count: usize,
}

impl<'a> Run<'a> {
    /// The packets one by one.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.segment_size.max(1))
    }
}

#[derive(Clone, Debug)]
struct RunRecord {
    tuple: Tuple,
    range: Range<usize>,
    segment_size: usize,
    count: usize,
    /// The last packet is shorter than the others: nothing may follow it.
    closed: bool,
}

impl EgressArena {
    /// An arena for `capacity` bytes in at most `max_runs` runs. This is its
    /// only allocation.
    pub fn new(capacity: usize, max_runs: usize) -> Self {
        Self {
            bytes: vec![0; capacity].into_boxed_slice(),
            end: 0,
            reserved: 0,
            destination: None,
            runs: Vec::with_capacity(max_runs),
            max_runs,
        }
    }

    /// Names the destination of the packets that follow.
    pub fn begin(&mut self, destination: Tuple) {
        self.destination = Some(destination);
        self.reserved = 0;
    }

    /// Room for one packet of at most `max_len` bytes, holding whatever was
    /// there before. `None` if the arena is full or no destination is named. An
    /// earlier reservation that was not committed is dropped.
    pub fn reserve(&mut self, max_len: usize) -> Option<&mut [u8]> {
        self.reserved = 0;
        self.destination?;
        if self.runs.len() >= self.max_runs {
            // The packet might not fit the last run, and there is no other.
            return None;
        }
        let room = self.bytes.get_mut(self.end..self.end.checked_add(max_len)?)?;
        self.reserved = max_len;
        Some(room)
    }

    /// Makes the first `len` bytes of the reservation a packet. False, with
    /// nothing done, if `len` is zero or more than was reserved.
    pub fn commit(&mut self, len: usize) -> bool {
        let reserved = std::mem::take(&mut self.reserved);
        let Some(tuple) = self.destination else { return false };
        if len == 0 || len > reserved {
            return false;
        }
        let start = self.end;
        self.end += len;
        match self.runs.last_mut() {
            Some(run) if run.takes(tuple, len) => {
                run.range.end = self.end;
                run.count += 1;
                run.closed = len < run.segment_size;
            }
            _ => self.runs.push(RunRecord {
                tuple,
                range: start..self.end,
                segment_size: len,
                count: 1,
                closed: tuple.protocol == Protocol::Tcp,
            }),
        }
        true
    }

    /// The runs, in the order in which they were committed.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = Run<'_>> + DoubleEndedIterator {
        self.runs.iter().map(|run| Run {
            tuple: run.tuple,
            bytes: self.bytes.get(run.range.clone()).unwrap_or_default(),
            segment_size: run.segment_size,
            count: run.count,
        })
    }

    /// Forgets all packets and the destination.
    pub fn clear(&mut self) {
        self.end = 0;
        self.reserved = 0;
        self.destination = None;
        self.runs.clear();
    }

    /// Bytes committed.
    pub fn len(&self) -> usize {
        self.end
    }

    /// True if nothing is committed.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Bytes that fit.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl RunRecord {
    /// Whether a packet of `len` bytes to `tuple` may extend this run.
    fn takes(&self, tuple: Tuple, len: usize) -> bool {
        !self.closed
            && self.tuple == tuple
            && len <= self.segment_size
            && self.count < MAX_RUN_SEGMENTS
            && self.range.len() + len <= MAX_RUN_BYTES
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tuple(protocol: Protocol, port: u16) -> Tuple {
        let local = "192.0.2.1:40000".parse().unwrap();
        Tuple::new(protocol, local, ([192, 0, 2, 2], port).into())
    }

    fn push(arena: &mut EgressArena, packet: &[u8]) -> bool {
        let Some(room) = arena.reserve(packet.len() + 20) else { return false };
        room[..packet.len()].copy_from_slice(packet);
        arena.commit(packet.len())
    }

    fn shapes(arena: &EgressArena) -> Vec<(usize, usize)> {
        arena.runs().map(|run| (run.segment_size, run.count)).collect()
    }

    #[test]
    fn equal_packets_share_a_run_and_a_shorter_one_closes_it() {
        let mut arena = EgressArena::new(100_000, 100);
        arena.begin(tuple(Protocol::Udp, 1));
        for len in [100, 100, 60, 60, 100, 101] {
            assert!(push(&mut arena, &vec![0; len]));
        }
        assert_eq!(shapes(&arena), [(100, 3), (60, 1), (100, 1), (101, 1)]);
    }

    #[test]
    fn destinations_do_not_mix_and_naming_one_again_goes_on_with_its_run() {
        let mut arena = EgressArena::new(100_000, 100);
        for port in [1, 1, 2, 1] {
            arena.begin(tuple(Protocol::Udp, port));
            assert!(push(&mut arena, &[0; 50]));
        }
        assert_eq!(shapes(&arena), [(50, 2), (50, 1), (50, 1)]);
    }

    #[test]
    fn a_run_ends_at_64_packets_and_at_the_size_of_a_datagram() {
        let mut arena = EgressArena::new(1 << 20, 100);
        arena.begin(tuple(Protocol::Udp, 1));
        for _ in 0..65 {
            assert!(push(&mut arena, &[0; 10]));
        }
        for _ in 0..44 {
            assert!(push(&mut arena, &[0; 1500]));
        }
        assert_eq!(shapes(&arena), [(10, 64), (10, 1), (1500, 43), (1500, 1)]);
    }

    #[test]
    fn tcp_packets_stay_alone() {
        let mut arena = EgressArena::new(1000, 100);
        arena.begin(tuple(Protocol::Tcp, 1));
        for _ in 0..3 {
            assert!(push(&mut arena, &[0; 10]));
        }
        assert_eq!(shapes(&arena), [(10, 1); 3]);
    }

    #[test]
    fn a_full_arena_says_so_and_is_empty_after_clear() {
        let mut arena = EgressArena::new(100, 2);
        assert!(arena.reserve(1).is_none(), "no destination");
        arena.begin(tuple(Protocol::Udp, 1));
        assert!(arena.reserve(101).is_none());
        assert!(arena.reserve(usize::MAX).is_none());
        assert!(arena.reserve(100).is_some());
        assert!(!arena.commit(101));
        assert!(!arena.commit(1), "the reservation is used up");
        assert!(arena.reserve(100).is_some());
        assert!(!arena.commit(0));
        assert!(push(&mut arena, &[1; 10]));
        assert!(push(&mut arena, &[2; 11]));
        assert!(arena.reserve(1).is_none(), "both runs are taken");
        arena.clear();
        assert!(arena.is_empty() && arena.runs().len() == 0);
        assert!(arena.reserve(1).is_none(), "the destination is forgotten");
        arena.begin(tuple(Protocol::Udp, 1));
        assert!(push(&mut arena, &[3; 80]));
    }

    proptest! {
        /// Every packet comes back once, to its destination, in order, and every
        /// run is one that the kernel takes.
        #[test]
        fn runs_are_exactly_what_was_committed(
            packets in prop::collection::vec(
                (any::<bool>(), 0u16..3, prop_oneof![Just(1200usize), 1usize..1400]),
                0..400,
            ),
            dropped in any::<u8>(),
        ) {
            let mut arena = EgressArena::new(1 << 20, 1000);
            let mut sent: Vec<(Tuple, Vec<u8>)> = Vec::new();
            for (number, (tcp, port, len)) in packets.into_iter().enumerate() {
                let to = tuple(if tcp && port == 0 { Protocol::Tcp } else { Protocol::Udp }, port);
                arena.begin(to);
                let packet: Vec<u8> = (0..len).map(|i| (number * 31 + i) as u8).collect();
                let room = arena.reserve(len + 20).unwrap();
                room[..len].copy_from_slice(&packet);
                // A packet that could not be sealed is left uncommitted.
                if number % 256 != usize::from(dropped) {
                    prop_assert!(arena.commit(len));
                    sent.push((to, packet));
                }
            }
            let mut received = Vec::new();
            for run in arena.runs() {
                prop_assert!(run.count <= MAX_RUN_SEGMENTS && run.bytes.len() <= MAX_RUN_BYTES);
                prop_assert!(run.tuple.protocol == Protocol::Udp || run.count == 1);
                prop_assert_eq!(run.packets().len(), run.count);
                for packet in run.packets() {
                    received.push((run.tuple, packet.to_vec()));
                }
            }
            prop_assert_eq!(received, sent);
        }
    }
}
