//! Links between shards: rings of packets from one thread to another.
//!
//! Each direction is a pair of single-producer single-consumer rings: one
//! carries filled slots, the other brings them back empty, so that a packet is
//! built in the place from which the other shard reads it, and a link that has
//! found its size allocates nothing. Nobody waits: without an empty slot a
//! packet is dropped and counted, as a full queue in a network would do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::route::PipeLink;

/// Bytes of a slot: any packet that fits an Ethernet frame.
const SLOT_BYTES: usize = 2048;
/// Slots of one direction; made as they are needed.
const SLOTS: usize = 2048;

/// How a shard is woken by another one. A shard that is awake looks at its
/// links in every turn and needs no waking.
#[derive(Debug)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    waker: Arc<mio::Waker>,
}

impl Bell {
    pub(crate) fn new(waker: Arc<mio::Waker>) -> Arc<Self> {
        Arc::new(Self { asleep: AtomicBool::new(false), waker })
    }

    /// Called by the shard before it looks at its links for the last time
    /// before it sleeps. Either it sees what was sent before, or the sender
    /// sees that it must ring.
    pub(crate) fn lie_down(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Called by the shard when it is awake again.
    pub(crate) fn get_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Wakes the shard if it sleeps; whether it did.
    fn ring(&self) -> bool {
        fence(Ordering::SeqCst);
        if !self.asleep.load(Ordering::SeqCst) || !self.asleep.swap(false, Ordering::SeqCst) {
            return false;
        }
        // A failed wake-up only delays the packets to the shard's next turn.
        let _: std::io::Result<()> = self.waker.wake();
        true
    }
}

/// One end of a link, owned by one shard.
#[derive(Debug)]
pub(crate) struct LinkEnd {
    out: Outward,
    back: Inward,
    /// Dropped last: the other shard then sees that this end is gone.
    knell: Knell,
}

/// A link between two shards, or from one to itself.
pub(crate) fn link(near: &Arc<Bell>, far: &Arc<Bell>) -> (LinkEnd, LinkEnd) {
    let (there, arriving) = direction();
    let (back, returning) = direction();
    let end = |out, back, other: &Arc<Bell>| LinkEnd { out, back, knell: Knell(Arc::clone(other)) };
    (end(there, returning, far), end(back, arriving, near))
}

fn direction() -> (Outward, Inward) {
    let (filled, arrived) = RingBuffer::new(SLOTS);
    let (used, empty) = RingBuffer::new(SLOTS);
    let out = Outward { filled, empty, spare: None, made: 0, unheard: false };
    (out, Inward { filled: arrived, empty: used })
}

#[derive(Debug)]
struct Slot {
    len: usize,
    bytes: Box<[u8]>,
}

#[derive(Debug)]
struct Outward {
    filled: Producer<Slot>,
    empty: Consumer<Slot>,
    /// A slot that was taken and not used.
    spare: Option<Slot>,
    /// Slots made so far.
    made: usize,
    /// Something was sent since the bell was rung.
    unheard: bool,
}

#[derive(Debug)]
struct Inward {
    filled: Consumer<Slot>,
    empty: Producer<Slot>,
}

#[derive(Debug)]
struct Knell(Arc<Bell>);

impl Drop for Knell {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl Outward {
    /// A slot to fill.
    fn slot(&mut self) -> Option<Slot> {
        if let Some(slot) = self.spare.take().or_else(|| self.empty.pop().ok()) {
            return Some(slot);
        }
        if self.made == SLOTS {
            return None;
        }
        self.made += 1;
        Some(Slot { len: 0, bytes: vec![0; SLOT_BYTES].into_boxed_slice() })
    }
}

/// All links of one shard, and what went over them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// By the number of the link.
    ends: Vec<Option<LinkEnd>>,
    /// The link that is looked at first in the next turn.
    first: usize,
    pub(crate) counters: LinkCounters,
}

/// What happened at a shard's links since start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkCounters {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) dropped: u64,
    pub(crate) wakeups: u64,
}

impl Links {
    pub(crate) fn add(&mut self, end: LinkEnd) -> PipeLink {
        let at = self.ends.iter().position(Option::is_none).unwrap_or_else(|| {
            self.ends.push(None);
            self.ends.len() - 1
        });
        if let Some(place) = self.ends.get_mut(at) {
            *place = Some(end);
        }
        PipeLink(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Takes a link down; the other end learns of it.
    pub(crate) fn remove(&mut self, link: PipeLink) {
        if let Some(end) = self.ends.get_mut(link.0 as usize) {
            *end = None;
        }
    }

    /// Has `build` write a packet of at most `max_len` bytes into a slot, and
    /// sends it. Gives its length.
    pub(crate) fn send(
        &mut self,
        link: PipeLink,
        max_len: usize,
        build: &mut dyn FnMut(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let out = &mut self.ends.get_mut(link.0 as usize)?.as_mut()?.out;
        let slot = if max_len > SLOT_BYTES { None } else { out.slot() };
        let Some(mut slot) = slot else {
            self.counters.dropped += 1;
            return None;
        };
        let Some(len) = build(&mut slot.bytes).filter(|len| *len <= SLOT_BYTES) else {
            out.spare = Some(slot);
            return None;
        };
        slot.len = len;
        // There are no more slots than the ring holds.
        out.filled.push(slot).ok()?;
        out.unheard = true;
        self.counters.sent += 1;
        Some(len)
    }

    /// Wakes the shards that sleep and were sent something.
    pub(crate) fn ring(&mut self) {
        for end in self.ends.iter_mut().flatten() {
            if std::mem::take(&mut end.out.unheard) {
                self.counters.wakeups += u64::from(end.knell.0.ring());
            }
        }
    }

    /// Hands at most `budget` packets to `handle`, from each link in turn;
    /// whether more may wait.
    pub(crate) fn receive(
        &mut self,
        budget: usize,
        mut handle: impl FnMut(PipeLink, &mut [u8]),
    ) -> bool {
        let count = self.ends.len();
        let mut left = budget;
        for step in 0..count {
            let at = (self.first + step) % count;
            let Some(Some(end)) = self.ends.get_mut(at) else { continue };
            let link = PipeLink(u32::try_from(at).unwrap_or(u32::MAX));
            while left > 0
                && let Ok(mut slot) = end.back.filled.pop()
            {
                left -= 1;
                if let Some(packet) = slot.bytes.get_mut(..slot.len) {
                    handle(link, packet);
                }
                // There are no more slots than the ring holds.
                let _ = end.back.empty.push(slot);
            }
            if left == 0 {
                // The one after it comes first next time.
                self.first = at + 1;
                break;
            }
        }
        self.counters.received += (budget - left) as u64;
        left == 0
    }

    /// The first link whose other end is gone and has nothing more to say.
    pub(crate) fn closed(&self) -> Option<PipeLink> {
        let gone = |end: &Option<LinkEnd>| {
            end.as_ref().is_some_and(|end| {
                // In this order: what was sent before it went is seen.
                end.back.filled.is_abandoned() && end.back.filled.is_empty()
            })
        };
        let at = self.ends.iter().position(gone)?;
        Some(PipeLink(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// Whether there is something to do without being woken.
    pub(crate) fn has_waiting(&self) -> bool {
        self.ends
            .iter()
            .flatten()
            .any(|end| !end.back.filled.is_empty() || end.back.filled.is_abandoned())
    }
}

#[cfg(test)]
mod tests {
    use mio::{Events, Poll, Token, Waker};

    use super::*;

    fn shard() -> (Poll, Arc<Bell>) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (poll, Bell::new(waker))
    }

    fn send(links: &mut Links, number: u32) -> bool {
        let mut build = |buf: &mut [u8]| {
            buf[..4].copy_from_slice(&number.to_be_bytes());
            Some(4)
        };
        links.send(PipeLink(0), 4, &mut build).is_some()
    }

    fn number(packet: &[u8]) -> u32 {
        u32::from_be_bytes(packet.try_into().unwrap())
    }

    fn pair() -> (Links, Links) {
        let (_, bell) = shard();
        let (a, b) = link(&bell, &bell);
        let (mut near, mut far) = (Links::default(), Links::default());
        assert_eq!((near.add(a), far.add(b)), (PipeLink(0), PipeLink(0)));
        (near, far)
    }

    #[test]
    fn a_full_ring_drops_and_goes_on() {
        let (mut near, mut far) = pair();
        let sent = (0..SLOTS as u32 + 10).filter(|number| send(&mut near, *number)).count();
        assert_eq!((sent, near.counters.dropped), (SLOTS, 10));
        let mut seen = Vec::new();
        assert!(far.receive(256, |_, packet| seen.push(number(packet))));
        assert_eq!(seen, (0..256).collect::<Vec<_>>());
        assert!((0..256).all(|number| send(&mut near, number)));
        assert!(!send(&mut near, 0));
        while far.receive(256, |_, _| {}) {}
        assert!(!far.has_waiting());
    }

    #[test]
    fn a_packet_that_is_not_built_costs_nothing() {
        let (mut near, mut far) = pair();
        for _ in 0..2 * SLOTS {
            assert_eq!(near.send(PipeLink(0), 4, &mut |_| None), None);
        }
        assert_eq!(near.send(PipeLink(0), SLOT_BYTES + 1, &mut |_| panic!()), None);
        assert_eq!(near.send(PipeLink(9), 4, &mut |_| panic!()), None);
        assert!(send(&mut near, 1));
        assert!(!far.receive(256, |_, packet| assert_eq!(number(packet), 1)));
        assert_eq!(near.counters.dropped, 1);
    }

    #[test]
    fn no_link_starves_another() {
        let (_, bell) = shard();
        let (mut near, mut far) = (Links::default(), Links::default());
        for _ in 0..3 {
            let (a, b) = link(&bell, &bell);
            near.add(a);
            far.add(b);
        }
        for _ in 0..100 {
            for at in 0..3 {
                near.send(PipeLink(at), 1, &mut |_| Some(1)).unwrap();
            }
        }
        let mut seen = [0; 3];
        for _ in 0..3 {
            assert!(far.receive(60, |link, _| seen[link.0 as usize] += 1));
        }
        assert_eq!(seen, [60; 3]);
    }

    #[test]
    fn an_end_that_is_gone_is_noticed_after_its_last_words() {
        let (mut near, mut far) = pair();
        assert!(send(&mut near, 7));
        near.remove(PipeLink(0));
        assert!(far.has_waiting());
        assert_eq!(far.closed(), None);
        let mut heard = 0;
        far.receive(256, |_, packet| heard = number(packet));
        assert_eq!((heard, far.closed()), (7, Some(PipeLink(0))));
        far.remove(PipeLink(0));
        assert_eq!(far.closed(), None);
        assert!(!far.has_waiting());
    }

    #[test]
    fn a_sleeping_shard_misses_nothing() {
        const PACKETS: u32 = 20_000;
        let (mut poll, bell) = shard();
        let (_, other) = shard();
        let (a, b) = link(&other, &bell);
        let mut near = Links::default();
        near.add(a);
        let sleeper = std::thread::spawn(move || {
            let mut far = Links::default();
            far.add(b);
            let mut events = Events::with_capacity(8);
            let mut expected = 0;
            while far.closed().is_none() {
                far.receive(256, |_, packet| {
                    assert_eq!(number(packet), expected);
                    expected += 1;
                });
                bell.lie_down();
                if !far.has_waiting() {
                    // Without a timeout: a lost wake-up would hang the test.
                    poll.poll(&mut events, None).unwrap();
                }
                bell.get_up();
            }
            expected
        });
        let mut next = 0;
        while next < PACKETS {
            // Bursts of many sizes, with and without a pause.
            for _ in 0..=next % 7 {
                while !send(&mut near, next) {
                    std::thread::yield_now();
                }
                next += 1;
            }
            near.ring();
            if next % 5 == 0 {
                std::thread::yield_now();
            }
        }
        drop(near);
        assert_eq!(sleeper.join().unwrap(), next);
    }
}
