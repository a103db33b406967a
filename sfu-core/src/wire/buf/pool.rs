//! Slots for packets, in two sizes, counted and reused.

/// Bytes of a small slot: audio and RTCP.
pub const SMALL_SLOT: usize = 256;
/// Bytes of a large slot: any packet that fits an Ethernet frame.
pub const LARGE_SLOT: usize = 2048;

/// Bytes that the pool asks the allocator for at once.
const SLAB: usize = 64 * 1024;
/// End of a free list.
const NIL: u32 = u32::MAX;

/// Upper bounds of a [`Pool`], in slots. Rounded up to whole slabs of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// Slots of [`SMALL_SLOT`] bytes.
    pub max_small: usize,
    /// Slots of [`LARGE_SLOT`] bytes.
    pub max_large: usize,
}

impl Default for PoolOptions {
    /// 65,536 small slots (16 MiB) and 131,072 large ones (256 MiB).
    fn default() -> Self {
        Self { max_small: 1 << 16, max_large: 1 << 17 }
    }
}

impl PoolOptions {
    /// These bounds.
    pub const fn new(max_small: usize, max_large: usize) -> Self {
        Self { max_small, max_large }
    }
}

/// Names one stored packet. A name outlives its packet harmlessly: once the
/// last reference is released it reads as empty, even if the slot holds another
/// packet by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotId {
    index: u32,
    generation: u32,
    size: Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Size {
    Small,
    Large,
}

/// How full a [`Pool`] is, in slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolUsage {
    /// Small slots in use.
    pub small_used: usize,
    /// Small slots that exist.
    pub small_slots: usize,
    /// Large slots in use.
    pub large_used: usize,
    /// Large slots that exist.
    pub large_slots: usize,
}

/// Packet slots of one shard.
///
/// Memory comes in slabs of 64 KiB, up to the bounds of [`PoolOptions`], and
/// stays: once traffic is steady nothing is allocated. References are counted
/// without atomics, since a pool belongs to one thread.
///
/// ```
/// use sfu_core::wire::buf::{Pool, PoolOptions};
/// let mut pool = Pool::new(PoolOptions::default());
/// let slot = pool.store(b"packet").expect("an empty pool has room");
/// pool.retain(slot);
/// pool.release(slot);
/// assert_eq!(pool.data(slot), b"packet");
/// pool.release(slot);
/// assert_eq!(pool.data(slot), b"");
/// ```
#[derive(Debug)]
pub struct Pool {
    small: Class,
    large: Class,
}

impl Pool {
    /// A pool that holds nothing yet.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            small: Class::new(SMALL_SLOT, options.max_small),
            large: Class::new(LARGE_SLOT, options.max_large),
        }
    }

    /// Copies `packet` into a slot with one reference. `None` if it is longer
    /// than [`LARGE_SLOT`] or the pool is full.
    pub fn store(&mut self, packet: &[u8]) -> Option<SlotId> {
        let slot = self.allocate(packet.len())?;
        self.data_mut(slot).copy_from_slice(packet);
        Some(slot)
    }

    /// A slot of `len` bytes with one reference, holding whatever was there
    /// before. `None` if `len` exceeds [`LARGE_SLOT`] or the pool is full.
    pub fn allocate(&mut self, len: usize) -> Option<SlotId> {
        let small = (len <= SMALL_SLOT).then(|| self.small.allocate(len, Size::Small)).flatten();
        // Small packets may fill large slots, so that neither bound alone
        // silences a stream.
        small.or_else(|| self.large.allocate(len, Size::Large))
    }

    /// The packet in `slot`; empty once it is released.
    pub fn data(&self, slot: SlotId) -> &[u8] {
        self.class(slot).data(slot).unwrap_or_default()
    }

    /// The packet in `slot`, to be written; empty once it is released.
    pub fn data_mut(&mut self, slot: SlotId) -> &mut [u8] {
        self.class_mut(slot).data_mut(slot).unwrap_or_default()
    }

    /// Adds a reference. False if the packet is released already.
    pub fn retain(&mut self, slot: SlotId) -> bool {
        let Some(header) = self.class_mut(slot).header_mut(slot) else { return false };
        header.references = header.references.saturating_add(1);
        true
    }

    /// Gives up a reference; with the last one the slot is free again. False if
    /// the packet is released already.
    pub fn release(&mut self, slot: SlotId) -> bool {
        self.class_mut(slot).release(slot)
    }

    /// How full the pool is.
    pub fn usage(&self) -> PoolUsage {
        PoolUsage {
            small_used: self.small.used,
            small_slots: self.small.headers.len(),
            large_used: self.large.used,
            large_slots: self.large.headers.len(),
        }
    }

    /// Whether more than three quarters of the large slots are in use: time to
    /// keep less.
    pub fn is_scarce(&self) -> bool {
        self.large.used.saturating_mul(4) > self.large.max_slots.saturating_mul(3)
    }

    fn class(&self, slot: SlotId) -> &Class {
        match slot.size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }

    fn class_mut(&mut self, slot: SlotId) -> &mut Class {
        match slot.size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }
}

/// All slots of one size.
struct Class {
    slot_size: usize,
    max_slots: usize,
    slabs: Vec<Box<[u8]>>,
    headers: Vec<Header>,
    /// First free slot; the others follow through [`Header::next_free`].
    free: u32,
    used: usize,
}

#[derive(Clone, Copy)]
struct Header {
    /// Zero while the slot is free.
    references: u32,
    /// Distinguishes the packets that have been in the slot.
    generation: u32,
    len: u32,
    next_free: u32,
}

impl Class {
    fn new(slot_size: usize, max_slots: usize) -> Self {
        let max_slots = max_slots.min(NIL as usize);
        Self { slot_size, max_slots, slabs: Vec::new(), headers: Vec::new(), free: NIL, used: 0 }
    }

    fn allocate(&mut self, len: usize, size: Size) -> Option<SlotId> {
        if len > self.slot_size {
            return None;
        }
        if self.free == NIL {
            self.grow()?;
        }
        let index = self.free;
        let header = self.headers.get_mut(index as usize)?;
        self.free = header.next_free;
        header.references = 1;
        header.generation = header.generation.wrapping_add(1);
        header.len = u32::try_from(len).ok()?;
        self.used += 1;
        Some(SlotId { index, generation: header.generation, size })
    }

    fn grow(&mut self) -> Option<()> {
        let first = self.headers.len();
        if first >= self.max_slots {
            return None;
        }
        let last = first + SLAB / self.slot_size - 1;
        self.slabs.push(vec![0; SLAB].into_boxed_slice());
        for index in first..=last {
            let next = if index == last { NIL } else { u32::try_from(index + 1).ok()? };
            self.headers.push(Header { references: 0, generation: 0, len: 0, next_free: next });
        }
        self.free = u32::try_from(first).ok()?;
        Some(())
    }

    fn release(&mut self, slot: SlotId) -> bool {
        let free = self.free;
        let Some(header) = self.header_mut(slot) else { return false };
        header.references -= 1;
        if header.references == 0 {
            header.next_free = free;
            self.free = slot.index;
            self.used -= 1;
        }
        true
    }

    fn header(&self, slot: SlotId) -> Option<&Header> {
        let header = self.headers.get(slot.index as usize)?;
        (header.references > 0 && header.generation == slot.generation).then_some(header)
    }

    fn header_mut(&mut self, slot: SlotId) -> Option<&mut Header> {
        let header = self.headers.get_mut(slot.index as usize)?;
        (header.references > 0 && header.generation == slot.generation).then_some(header)
    }

    fn data(&self, slot: SlotId) -> Option<&[u8]> {
        let len = self.header(slot)?.len as usize;
        let (slab, start) = self.place(slot);
        self.slabs.get(slab)?.get(start..start + len)
    }

    fn data_mut(&mut self, slot: SlotId) -> Option<&mut [u8]> {
        let len = self.header(slot)?.len as usize;
        let (slab, start) = self.place(slot);
        self.slabs.get_mut(slab)?.get_mut(start..start + len)
    }

    /// Slab number and offset of a slot.
    fn place(&self, slot: SlotId) -> (usize, usize) {
        let per_slab = SLAB / self.slot_size;
        let index = slot.index as usize;
        (index / per_slab, index % per_slab * self.slot_size)
    }
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} × {} B", self.used, self.headers.len(), self.slot_size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_go_to_the_smallest_slot_that_holds_them() {
        let mut pool = Pool::new(PoolOptions::default());
        assert!(pool.store(&[1; SMALL_SLOT]).is_some());
        assert_eq!((pool.usage().small_used, pool.usage().large_used), (1, 0));
        assert!(pool.store(&[2; SMALL_SLOT + 1]).is_some());
        assert!(pool.store(&[3; LARGE_SLOT]).is_some());
        assert_eq!((pool.usage().small_used, pool.usage().large_used), (1, 2));
        assert!(pool.store(&[4; LARGE_SLOT + 1]).is_none());
    }

    #[test]
    fn a_full_small_class_overflows_into_the_large_one_and_then_stops() {
        let mut pool = Pool::new(PoolOptions::new(1, 1));
        let slots: Vec<_> = std::iter::from_fn(|| pool.store(b"x")).collect();
        assert_eq!(slots.len(), SLAB / SMALL_SLOT + SLAB / LARGE_SLOT);
        assert!(pool.release(slots[0]));
        assert!(pool.store(b"y").is_some());
        assert!(pool.store(b"z").is_none());
    }

    #[test]
    fn it_is_scarce_before_it_is_full() {
        let mut pool = Pool::new(PoolOptions::new(0, 32));
        let packet = [0; LARGE_SLOT];
        for _ in 0..24 {
            pool.store(&packet).unwrap();
        }
        assert!(!pool.is_scarce());
        let slot = pool.store(&packet).unwrap();
        assert!(pool.is_scarce());
        pool.release(slot);
        assert!(!pool.is_scarce());
    }

    #[test]
    fn a_released_name_reads_as_empty_after_the_slot_is_reused() {
        let mut pool = Pool::new(PoolOptions::default());
        let old = pool.store(b"old").unwrap();
        assert!(pool.release(old));
        let new = pool.store(b"new").unwrap();
        assert_eq!(new.index, old.index);
        assert_eq!(pool.data(old), b"");
        assert!(pool.data_mut(old).is_empty());
        assert!(!pool.retain(old));
        assert!(!pool.release(old));
        assert_eq!(pool.data(new), b"new");
    }

    proptest! {
        /// Against a plain map: what is stored reads back until it is
        /// released as often as it was retained, and nothing leaks.
        #[test]
        fn agrees_with_a_map(
            steps in prop::collection::vec((0u8..4, 0usize..LARGE_SLOT, any::<u8>()), 1..300),
        ) {
            let mut pool = Pool::new(PoolOptions::default());
            let mut model: Vec<(SlotId, u32, Vec<u8>)> = Vec::new();
            for (what, len, fill) in steps {
                let pick = if model.is_empty() { 0 } else { len % model.len() };
                match what {
                    1 if !model.is_empty() => {
                        prop_assert!(pool.retain(model[pick].0));
                        model[pick].1 += 1;
                    }
                    2 | 3 if !model.is_empty() => {
                        prop_assert!(pool.release(model[pick].0));
                        model[pick].1 -= 1;
                        if model[pick].1 == 0 {
                            model.swap_remove(pick);
                        }
                    }
                    _ => {
                        let packet = vec![fill; len];
                        model.push((pool.store(&packet).unwrap(), 1, packet));
                    }
                }
                for (slot, _, packet) in &model {
                    prop_assert_eq!(pool.data(*slot), &packet[..]);
                }
                let usage = pool.usage();
                prop_assert_eq!(usage.small_used + usage.large_used, model.len());
            }
        }
    }
}
