//! The timer wheel of one engine.
//!
//! Each entity (a transport) owns one entry, the earliest of its own
//! deadlines. Arming, moving and cancelling are O(1) and allocate nothing once
//! the entity has its place; a deadline beyond the wheel's horizon waits in the
//! last slot and is armed again when that comes round. Resolution is 1 ms:
//! an entry never fires early, and at most one tick late.

use sfu_ice::Time;

const SLOTS: usize = 2048;
const WORDS: usize = SLOTS / 64;
const TICK_NANOS: u64 = 1_000_000;
const NONE: u32 = u32::MAX;

/// Doubly linked lists of entries in a ring of one-millisecond slots.
#[derive(Debug)]
pub(crate) struct TimerWheel {
    heads: Box<[u32]>,
    occupied: [u64; WORDS],
    nodes: Vec<Node>,
    /// Every tick up to this one has fired.
    tick: u64,
    armed: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    deadline: Time,
    slot: u32,
    prev: u32,
    next: u32,
}

const IDLE: Node = Node { deadline: Time::MAX, slot: NONE, prev: NONE, next: NONE };

impl TimerWheel {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            heads: vec![NONE; SLOTS].into_boxed_slice(),
            occupied: [0; WORDS],
            nodes: Vec::new(),
            tick: now.as_nanos() / TICK_NANOS,
            armed: 0,
        }
    }

    /// Makes `deadline` the only deadline of entity `key`.
    pub(crate) fn arm(&mut self, key: u32, deadline: Time) {
        let index = key as usize;
        if index >= self.nodes.len() {
            self.nodes.resize(index + 1, IDLE);
        }
        let Some(node) = self.nodes.get(index) else { return };
        if node.slot != NONE && node.deadline == deadline {
            return;
        }
        self.cancel(key);
        if deadline == Time::MAX {
            return;
        }
        let due = deadline.as_nanos().div_ceil(TICK_NANOS).max(self.tick + 1);
        let due = due.min(self.tick + SLOTS as u64 - 1);
        self.link(key, deadline, (due % SLOTS as u64) as u32);
    }

    /// Removes the deadline of entity `key`, if it has one.
    pub(crate) fn cancel(&mut self, key: u32) {
        let Some(node) = self.nodes.get(key as usize).copied() else { return };
        if node.slot == NONE {
            return;
        }
        match self.nodes.get_mut(node.prev as usize) {
            Some(prev) => prev.next = node.next,
            None => self.set_head(node.slot, node.next),
        }
        if let Some(next) = self.nodes.get_mut(node.next as usize) {
            next.prev = node.prev;
        }
        if let Some(node) = self.nodes.get_mut(key as usize) {
            *node = IDLE;
        }
        self.armed -= 1;
    }

    /// When [`Self::pop_due`] should be called next; `None` when nothing is
    /// armed. May be earlier than the earliest deadline, never later by more
    /// than one tick.
    pub(crate) fn next(&self) -> Option<Time> {
        if self.armed == 0 {
            return None;
        }
        let start = (self.tick + 1) % SLOTS as u64;
        let ahead = self.distance_to_occupied(start as usize)?;
        Some(Time::from_nanos((self.tick + 1 + ahead as u64).saturating_mul(TICK_NANOS)))
    }

    /// Takes out one entity whose deadline has passed at `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<u32> {
        let until = now.as_nanos() / TICK_NANOS;
        loop {
            if self.armed == 0 {
                self.tick = self.tick.max(until);
                return None;
            }
            let slot = ((self.tick + 1) % SLOTS as u64) as u32;
            if self.tick >= until {
                return None;
            }
            let head = *self.heads.get(slot as usize)?;
            let Some(node) = self.nodes.get(head as usize).copied() else {
                let ahead = self.distance_to_occupied(slot as usize).unwrap_or(0) as u64;
                self.tick = (self.tick + ahead.max(1)).min(until);
                continue;
            };
            self.cancel(head);
            if node.deadline.as_nanos().div_ceil(TICK_NANOS) <= until {
                return Some(head);
            }
            // It waited here only because its deadline is beyond the horizon.
            let due = node.deadline.as_nanos().div_ceil(TICK_NANOS).min(self.tick + SLOTS as u64);
            self.link(head, node.deadline, (due % SLOTS as u64) as u32);
        }
    }

    fn link(&mut self, key: u32, deadline: Time, slot: u32) {
        let next = self.heads.get(slot as usize).copied().unwrap_or(NONE);
        if let Some(node) = self.nodes.get_mut(key as usize) {
            *node = Node { deadline, slot, prev: NONE, next };
        }
        if let Some(next) = self.nodes.get_mut(next as usize) {
            next.prev = key;
        }
        self.set_head(slot, key);
        self.armed += 1;
    }

    fn set_head(&mut self, slot: u32, head: u32) {
        if let Some(place) = self.heads.get_mut(slot as usize) {
            *place = head;
        }
        if let Some(word) = self.occupied.get_mut(slot as usize / 64) {
            let bit = 1 << (slot % 64);
            if head == NONE { *word &= !bit } else { *word |= bit }
        }
    }

    /// Slots from `start` (inclusive, cyclic) to the first occupied one.
    fn distance_to_occupied(&self, start: usize) -> Option<usize> {
        for step in 0..=WORDS {
            let index = (start / 64 + step) % WORDS;
            let mut word = self.occupied.get(index).copied().unwrap_or(0);
            if step == 0 {
                word &= u64::MAX << (start % 64);
            }
            if step == WORDS {
                word &= !(u64::MAX << (start % 64));
            }
            if word != 0 {
                let slot = index * 64 + word.trailing_zeros() as usize;
                return Some((slot + SLOTS - start) % SLOTS);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(wheel: &mut TimerWheel, now: Time) -> Vec<u32> {
        std::iter::from_fn(|| wheel.pop_due(now)).collect()
    }

    #[test]
    fn fires_once_and_not_early() {
        let mut wheel = TimerWheel::new(Time::ZERO);
        wheel.arm(3, Time::from_micros(2_500));
        assert!(drain(&mut wheel, Time::from_millis(2)).is_empty());
        assert_eq!(drain(&mut wheel, Time::from_millis(3)), [3]);
        assert!(drain(&mut wheel, Time::from_millis(90)).is_empty());
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_later_arm_replaces_an_earlier_one() {
        let mut wheel = TimerWheel::new(Time::ZERO);
        wheel.arm(0, Time::from_millis(5));
        wheel.arm(0, Time::from_millis(50));
        assert!(drain(&mut wheel, Time::from_millis(49)).is_empty());
        assert_eq!(drain(&mut wheel, Time::from_millis(50)), [0]);
    }

    #[test]
    fn a_deadline_beyond_the_horizon_is_kept() {
        let mut wheel = TimerWheel::new(Time::from_secs(7));
        wheel.arm(0, Time::from_secs(60));
        assert!(drain(&mut wheel, Time::from_secs(59)).is_empty());
        assert_eq!(drain(&mut wheel, Time::from_secs(60)), [0]);
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(
            ops in prop::collection::vec((0u32..20, 0u64..10_000, 0u64..3_000), 1..200)
        ) {
            let mut wheel = TimerWheel::new(Time::ZERO);
            let mut model = std::collections::BTreeMap::new();
            let mut now = Time::ZERO;
            for (key, delay, step) in ops {
                let deadline = now + std::time::Duration::from_millis(delay);
                wheel.arm(key, deadline);
                model.insert(key, deadline.max(now + std::time::Duration::from_millis(1)));
                now += std::time::Duration::from_millis(step);
                let mut fired = drain(&mut wheel, now);
                fired.sort_unstable();
                let due: Vec<u32> =
                    model.iter().filter(|(_, at)| **at <= now).map(|(key, _)| *key).collect();
                model.retain(|_, at| *at > now);
                prop_assert_eq!(&fired, &due);
                let earliest = model.values().min().copied();
                match (wheel.next(), earliest) {
                    (None, None) => {}
                    (Some(next), Some(earliest)) => {
                        prop_assert!(next <= earliest + std::time::Duration::from_millis(1));
                        prop_assert!(next > now);
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}
