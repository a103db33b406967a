use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::wire::buf::PoolOptions;

fn pool() -> Pool {
    Pool::new(PoolOptions::default())
}

fn used(pool: &Pool) -> usize {
    pool.usage().small_used + pool.usage().large_used
}

fn put(ring: &mut PacketRing<u64>, pool: &mut Pool, seq: u64, now: Time) -> Inserted {
    let slot = pool.store(&seq.to_be_bytes()).unwrap();
    ring.insert(pool, ExtSeq(seq), slot, now, seq)
}

#[test]
fn a_late_packet_finds_its_place_and_an_ancient_one_does_not() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(8));
    for seq in [100, 101, 105, 103] {
        assert_eq!(put(&mut ring, &mut pool, seq, Time::ZERO), Inserted::Stored);
    }
    assert_eq!(put(&mut ring, &mut pool, 103, Time::ZERO), Inserted::Duplicate);
    assert_eq!(put(&mut ring, &mut pool, 98, Time::ZERO), Inserted::Stored);
    assert_eq!(put(&mut ring, &mut pool, 97, Time::ZERO), Inserted::TooOld);
    let order: Vec<u64> = ring.iter().map(|entry| entry.seq.0).collect();
    assert_eq!(order, [98, 100, 101, 103, 105]);
    assert!(ring.get(ExtSeq(102)).is_none());
    assert_eq!(used(&pool), 5);
}

#[test]
fn a_jump_releases_everything_it_passes() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(8));
    for seq in 0..8 {
        put(&mut ring, &mut pool, seq, Time::ZERO);
    }
    put(&mut ring, &mut pool, 10, Time::ZERO);
    assert_eq!((ring.len(), used(&pool)), (6, 6));
    put(&mut ring, &mut pool, 1 << 40, Time::ZERO);
    assert_eq!((ring.len(), used(&pool)), (1, 1));
    put(&mut ring, &mut pool, u64::MAX, Time::ZERO);
    assert_eq!((ring.len(), used(&pool)), (1, 1));
    assert_eq!(ring.expire(&mut pool, Time::MAX), 1);
    assert!(ring.is_empty());
}

#[test]
fn expiry_takes_the_oldest_and_stops_at_the_first_young_one() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(64));
    for seq in 0..20 {
        if seq % 3 != 0 {
            put(&mut ring, &mut pool, seq, Time::from_millis(seq));
        }
    }
    assert_eq!(ring.expire(&mut pool, Time::from_millis(10)), 6);
    assert_eq!(ring.iter().next().unwrap().seq, ExtSeq(10));
    assert_eq!(ring.expire(&mut pool, Time::from_millis(10)), 0);
    assert_eq!(ring.expire(&mut pool, Time::MAX), 7);
    assert_eq!((ring.len(), used(&pool)), (0, 0));
    // An emptied ring still knows where the stream is.
    assert_eq!(put(&mut ring, &mut pool, 15, Time::MAX), Inserted::Stored);
    assert_eq!(ring.highest(), Some(ExtSeq(19)));
}

#[test]
fn a_packet_that_a_consumer_retained_outlives_the_ring() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(8));
    put(&mut ring, &mut pool, 5, Time::ZERO);
    let slot = ring.get(ExtSeq(5)).unwrap().slot;
    pool.retain(slot);
    ring.clear(&mut pool);
    assert_eq!(pool.data(slot), 5u64.to_be_bytes());
    pool.release(slot);
    assert_eq!(used(&pool), 0);
}

#[test]
fn metadata_can_be_changed_in_place() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(8));
    put(&mut ring, &mut pool, 5, Time::ZERO);
    *ring.meta_mut(ExtSeq(5)).unwrap() = 77;
    assert_eq!(ring.get(ExtSeq(5)).unwrap().meta, 77);
    assert!(ring.meta_mut(ExtSeq(13)).is_none(), "same place, other number");
}

#[test]
fn an_exported_ring_comes_back_whole() {
    let (mut pool, mut ring) = (pool(), PacketRing::new(64));
    for seq in [70_000, 70_001, 70_005, 70_003] {
        put(&mut ring, &mut pool, seq, Time::from_millis(seq));
    }
    let bytes = postcard::to_stdvec(&ring.export(&pool)).unwrap();
    let packets: Vec<StoredPacket<u64>> = postcard::from_bytes(&bytes).unwrap();

    let (mut other_pool, mut other) = (self::pool(), PacketRing::new(64));
    assert_eq!(other.import(&mut other_pool, packets), 4);
    assert_eq!(other.export(&other_pool), ring.export(&pool));
    assert_eq!(other.highest(), ring.highest());
}

proptest! {
    /// Against a map without bounds: the ring holds exactly the packets within
    /// its reach, and no slot leaks.
    #[test]
    fn agrees_with_a_map(
        start in prop_oneof![0u64..10, 1u64 << 33..1 << 34],
        steps in prop::collection::vec(
            prop_oneof![10 => 1i64..3, 4 => -20i64..20, 1 => 0i64..200],
            1..300,
        ),
        log in 0u32..7,
    ) {
        let capacity = 1usize << log;
        let (mut pool, mut ring) = (pool(), PacketRing::new(capacity));
        let mut model: BTreeMap<u64, Time> = BTreeMap::new();
        let mut highest = start;
        for (clock, step) in steps.into_iter().enumerate() {
            let now = Time::from_millis(clock as u64);
            let seq = highest.saturating_add_signed(step);
            let first = model.is_empty() && ring.highest().is_none();
            let expected = if !first && seq + (capacity as u64) <= highest {
                Inserted::TooOld
            } else if model.contains_key(&seq) {
                Inserted::Duplicate
            } else {
                Inserted::Stored
            };
            prop_assert_eq!(put(&mut ring, &mut pool, seq, now), expected);
            highest = if first { seq } else { highest.max(seq) };
            if expected == Inserted::Stored {
                model.insert(seq, now);
                model.retain(|s, _| s + capacity as u64 > highest);
            }
            if clock % 50 == 49 {
                let deadline = Time::from_millis(clock as u64 - 20);
                ring.expire(&mut pool, deadline);
                while model.first_key_value().is_some_and(|(_, at)| *at < deadline) {
                    model.pop_first();
                }
            }
            let held: Vec<u64> = ring.iter().map(|entry| entry.seq.0).collect();
            let wanted: Vec<u64> = model.keys().copied().collect();
            prop_assert_eq!(held, wanted);
            prop_assert_eq!(ring.len(), model.len());
            prop_assert_eq!(used(&pool), model.len());
        }
        for entry in ring.iter() {
            prop_assert_eq!(pool.data(entry.slot), entry.seq.0.to_be_bytes());
            prop_assert_eq!(entry.meta, entry.seq.0);
        }
        ring.clear(&mut pool);
        prop_assert_eq!(used(&pool), 0);
    }
}
