//! Packet memory: where packets rest, how a stream's history is kept, and
//! where a turn's output is built.
//!
//! [`Pool`] owns the bytes of stored packets, [`PacketRing`] is one stream's
//! history in it, and [`EgressArena`] collects what one turn sends, grouped by
//! destination so that the kernel can segment it. A shard owns one pool and one
//! arena. Nothing here allocates per packet, locks, or knows what a packet
//! means.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod arena;
mod pool;
mod ring;

pub use arena::{EgressArena, MAX_RUN_BYTES, MAX_RUN_SEGMENTS, Run};
pub use pool::{LARGE_SLOT, Pool, PoolOptions, PoolUsage, SMALL_SLOT, SlotId};
pub use ring::{Inserted, PacketRing, RingEntry, StoredPacket};
