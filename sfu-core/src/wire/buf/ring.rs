//! The history of one stream: the newest packets, by extended sequence number.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::pool::{Pool, SlotId};
use crate::wire::ExtSeq;

/// The last packets of a producer's stream, shared by all its consumers: what
/// they forward and what they retransmit.
///
/// The ring covers the `capacity` sequence numbers up to the highest one
/// inserted. `M` is what the owner wants to know about a packet without reading
/// it. Packets live in a [`Pool`], which every method that may release one takes
/// as an argument; before a ring is dropped it must be
/// [`clear`](Self::clear)ed, or its slots stay occupied.
///
/// ```
/// use sfu_core::wire::buf::{Inserted, PacketRing, Pool, PoolOptions};
/// use sfu_core::wire::ExtSeq;
/// use sfu_ice::Time;
/// let mut pool = Pool::new(PoolOptions::default());
/// let mut ring = PacketRing::new(512);
/// let slot = pool.store(b"frame").unwrap();
/// assert_eq!(ring.insert(&mut pool, ExtSeq(70_000), slot, Time::ZERO, ()), Inserted::Stored);
/// let entry = ring.get(ExtSeq(70_000)).unwrap();
/// assert_eq!(pool.data(entry.slot), b"frame");
/// ring.clear(&mut pool);
/// ```
#[derive(Debug)]
pub struct PacketRing<M> {
    /// The entry of `seq` is at `seq % capacity`. Every entry is within
    /// `capacity` of `highest`.
    entries: Box<[Option<RingEntry<M>>]>,
    highest: Option<ExtSeq>,
    /// No entry is before this one.
    tail: ExtSeq,
    len: usize,
}

/// One packet of a [`PacketRing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingEntry<M> {
    /// Its extended sequence number.
    pub seq: ExtSeq,
    /// Its bytes. The reference belongs to the ring: retain it to keep it.
    pub slot: SlotId,
    /// When it was inserted.
    pub stored_at: Time,
    /// What the owner noted about it.
    pub meta: M,
}

/// What became of a packet given to [`PacketRing::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Inserted {
    /// It is in the ring.
    Stored,
    /// Its sequence number is in the ring already; the packet was released.
    Duplicate,
    /// It is older than everything the ring may hold; the packet was released.
    TooOld,
}

/// One packet of a ring with its bytes: plain data for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPacket<M> {
    /// Its extended sequence number.
    pub seq: ExtSeq,
    /// When it was inserted.
    pub stored_at: Time,
    /// What the owner noted about it.
    pub meta: M,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl<M: Copy> PacketRing<M> {
    /// A ring over `capacity` sequence numbers, rounded up to a power of two
    /// between 1 and 32,768.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, 1 << 15).next_power_of_two();
        Self {
            entries: vec![None; capacity].into_boxed_slice(),
            highest: None,
            tail: ExtSeq(0),
            len: 0,
        }
    }

    /// Takes over one reference to `slot`. Whatever falls out of the ring, or
    /// does not get in, is released in `pool`.
    pub fn insert(
        &mut self,
        pool: &mut Pool,
        seq: ExtSeq,
        slot: SlotId,
        now: Time,
        meta: M,
    ) -> Inserted {
        match self.highest {
            None => {
                self.highest = Some(seq);
                self.tail = seq;
            }
            Some(highest) if seq > highest => self.advance(pool, highest, seq),
            Some(highest) if highest.0 - seq.0 >= self.entries.len() as u64 => {
                pool.release(slot);
                return Inserted::TooOld;
            }
            Some(_) => self.tail = self.tail.min(seq),
        }
        let at = self.at(seq);
        match self.entries.get_mut(at) {
            Some(entry @ None) => {
                *entry = Some(RingEntry { seq, slot, stored_at: now, meta });
                self.len += 1;
                Inserted::Stored
            }
            _ => {
                pool.release(slot);
                Inserted::Duplicate
            }
        }
    }

    /// The packet with exactly this sequence number.
    pub fn get(&self, seq: ExtSeq) -> Option<&RingEntry<M>> {
        self.entries.get(self.at(seq))?.as_ref().filter(|entry| entry.seq == seq)
    }

    /// The metadata of the packet with exactly this sequence number.
    pub fn meta_mut(&mut self, seq: ExtSeq) -> Option<&mut M> {
        let at = self.at(seq);
        let entry = self.entries.get_mut(at)?.as_mut().filter(|entry| entry.seq == seq)?;
        Some(&mut entry.meta)
    }

    /// Releases packets from the oldest on, up to the first that was inserted
    /// at `deadline` or later. Returns how many.
    pub fn expire(&mut self, pool: &mut Pool, deadline: Time) -> usize {
        let Some(highest) = self.highest else { return 0 };
        let before = self.len;
        while self.len > 0 && self.tail <= highest {
            if self.get(self.tail).is_some_and(|entry| entry.stored_at >= deadline) {
                break;
            }
            self.evict(pool, self.tail);
            self.tail = ExtSeq(self.tail.0.saturating_add(1));
        }
        before - self.len
    }

    /// Releases all packets and forgets the highest sequence number.
    pub fn clear(&mut self, pool: &mut Pool) {
        for entry in self.entries.iter_mut().filter_map(Option::take) {
            pool.release(entry.slot);
        }
        self.highest = None;
        self.len = 0;
    }

    /// The packets, oldest sequence number first.
    pub fn iter(&self) -> impl Iterator<Item = &RingEntry<M>> {
        let numbers = self.highest.map(|highest| self.tail.0..=highest.0);
        numbers.into_iter().flatten().filter_map(|seq| self.get(ExtSeq(seq)))
    }

    /// The highest sequence number ever inserted.
    pub fn highest(&self) -> Option<ExtSeq> {
        self.highest
    }

    /// Number of packets.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is no packet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sequence numbers that the ring covers.
    pub fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// The packets with their bytes, oldest first.
    pub fn export(&self, pool: &Pool) -> Vec<StoredPacket<M>> {
        self.iter()
            .map(|entry| StoredPacket {
                seq: entry.seq,
                stored_at: entry.stored_at,
                meta: entry.meta,
                bytes: pool.data(entry.slot).to_vec(),
            })
            .collect()
    }

    /// Puts exported packets back, and returns how many found a place. A full
    /// pool leaves packets out: a history may have holes.
    pub fn import(
        &mut self,
        pool: &mut Pool,
        packets: impl IntoIterator<Item = StoredPacket<M>>,
    ) -> usize {
        let mut stored = 0;
        for packet in packets {
            let Some(slot) = pool.store(&packet.bytes) else { continue };
            let inserted = self.insert(pool, packet.seq, slot, packet.stored_at, packet.meta);
            stored += usize::from(inserted == Inserted::Stored);
        }
        stored
    }

    /// Moves the end of the ring from `highest` to `seq`, releasing what the
    /// numbers in between displace.
    fn advance(&mut self, pool: &mut Pool, highest: ExtSeq, seq: ExtSeq) {
        let capacity = self.entries.len() as u64;
        let passed = (seq.0 - highest.0).min(capacity);
        for back in 0..passed {
            // A number's place is also that of the number a whole ring before.
            self.evict_at(pool, self.at(ExtSeq(seq.0 - back)));
        }
        self.highest = Some(seq);
        let first = ExtSeq(seq.0.saturating_add(1).saturating_sub(capacity));
        self.tail = if self.len == 0 { seq } else { self.tail.max(first) };
    }

    fn evict(&mut self, pool: &mut Pool, seq: ExtSeq) {
        if self.get(seq).is_some() {
            self.evict_at(pool, self.at(seq));
        }
    }

    fn evict_at(&mut self, pool: &mut Pool, at: usize) {
        if let Some(entry) = self.entries.get_mut(at).and_then(Option::take) {
            pool.release(entry.slot);
            self.len -= 1;
        }
    }

    fn at(&self, seq: ExtSeq) -> usize {
        // The capacity is a power of two.
        (seq.0 & (self.entries.len() as u64 - 1)) as usize
    }
}

#[cfg(test)]
mod tests;
