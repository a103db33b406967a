//! Packets of one stream in the order of their numbers.
//!
//! What comes early waits for what is missing, as long as a retransmission may
//! still help. What is reported lost was not there in time; nothing else is.

use std::time::Duration;

use sfu_ice::Time;

/// Numbers that may wait behind a gap. More at once is a loss without hope.
const WINDOW: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordered<T> {
    /// The next packet.
    Packet(T),
    /// This many packets will not come.
    Lost(u64),
}

#[derive(Debug)]
pub(crate) struct Reorder<T> {
    patience: Duration,
    next: Option<u64>,
    highest: u64,
    /// Waiting packets by number modulo [`WINDOW`]; made at the first gap.
    ring: Vec<Option<T>>,
    waiting: usize,
    /// When the packet that is missing now was first known to be missing.
    gap_since: Time,
    /// Packets that came twice, or after they were given up.
    pub(crate) late: u64,
}

impl<T: Copy> Reorder<T> {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            next: None,
            highest: 0,
            ring: Vec::new(),
            waiting: 0,
            gap_since: Time::ZERO,
            late: 0,
        }
    }

    /// Takes in packet `seq` and tells what is in order now.
    pub(crate) fn push(
        &mut self,
        now: Time,
        seq: u16,
        packet: T,
        mut tell: impl FnMut(Ordered<T>),
    ) {
        let Some(next) = self.next else {
            // Room below, so that differences stay positive.
            let first = (1 << 32) + u64::from(seq);
            self.next = Some(first + 1);
            self.highest = first;
            tell(Ordered::Packet(packet));
            return;
        };
        let number = extend(self.highest, seq);
        self.highest = self.highest.max(number);
        if number < next {
            self.late += 1;
            return;
        }
        if number == next {
            self.next = Some(next + 1);
            tell(Ordered::Packet(packet));
            self.release(now, &mut tell);
            return;
        }
        if number - next >= WINDOW as u64 {
            self.give_up(number - WINDOW as u64 + 1, &mut tell);
        }
        if self.ring.is_empty() {
            self.ring = vec![None; WINDOW];
        }
        if self.waiting == 0 {
            self.gap_since = now;
        }
        let place = &mut self.ring[number as usize % WINDOW];
        if place.is_some() {
            self.late += 1;
        } else {
            *place = Some(packet);
            self.waiting += 1;
        }
        self.release(now, &mut tell);
    }

    /// Gives up what has been missing for too long.
    pub(crate) fn expire(&mut self, now: Time, mut tell: impl FnMut(Ordered<T>)) {
        while self.deadline().is_some_and(|due| due <= now) {
            let Some(next) = self.next else { return };
            let first = (next..=self.highest).find(|number| self.holds(*number));
            self.give_up(first.unwrap_or(next + 1), &mut tell);
            // Those behind the next gap have waited as long as those before it.
            self.release(now, &mut tell);
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        (self.waiting > 0).then(|| self.gap_since + self.patience)
    }

    fn holds(&self, number: u64) -> bool {
        self.ring.get(number as usize % WINDOW).is_some_and(Option::is_some)
    }

    /// Tells what follows without a gap.
    fn release(&mut self, now: Time, tell: &mut impl FnMut(Ordered<T>)) {
        let Some(mut next) = self.next else { return };
        let before = next;
        while self.waiting > 0
            && let Some(packet) = self.ring[next as usize % WINDOW].take()
        {
            self.waiting -= 1;
            next += 1;
            tell(Ordered::Packet(packet));
        }
        if next != before {
            self.gap_since = now;
        }
        self.next = Some(next);
    }

    /// Goes on at `number`: what is there below is told, the rest is lost.
    fn give_up(&mut self, number: u64, tell: &mut impl FnMut(Ordered<T>)) {
        let Some(next) = self.next else { return };
        let mut lost = 0;
        // Below the highest number plus one window, the ring holds nothing.
        for old in next..number.min(next + WINDOW as u64) {
            match self.ring.get_mut(old as usize % WINDOW).and_then(Option::take) {
                Some(packet) => {
                    self.waiting -= 1;
                    if lost > 0 {
                        tell(Ordered::Lost(lost));
                        lost = 0;
                    }
                    tell(Ordered::Packet(packet));
                }
                None => lost += 1,
            }
        }
        lost += number.saturating_sub(next + WINDOW as u64);
        if lost > 0 {
            tell(Ordered::Lost(lost));
        }
        self.next = Some(number);
    }
}

/// The number nearest to `highest` that ends in `seq`.
fn extend(highest: u64, seq: u16) -> u64 {
    let distance = seq.wrapping_sub(highest as u16).cast_signed();
    highest.wrapping_add_signed(distance.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    fn at(millis: u64) -> Time {
        Time::from_millis(1_000 + millis)
    }

    #[test]
    fn late_packets_are_put_in_order_and_hopeless_ones_are_lost() {
        let mut reorder = Reorder::new(PATIENCE);
        let mut told = Vec::new();
        for (millis, seq) in [(0, 65_534_u16), (1, 65_535), (2, 1), (3, 0), (4, 3), (5, 4), (6, 7)]
        {
            reorder.push(at(millis), seq, seq, |ordered| told.push(ordered));
        }
        assert_eq!(told, [65_534, 65_535, 0, 1].map(Ordered::Packet));
        told.clear();
        reorder.expire(at(503), |ordered| told.push(ordered));
        assert!(told.is_empty(), "it is not time yet");
        reorder.expire(at(2_000), |ordered| told.push(ordered));
        let [a, b, c] = [3, 4, 7].map(Ordered::Packet);
        assert_eq!(told[..3], [Ordered::Lost(1), a, b]);
        told.clear();
        reorder.expire(at(4_000), |ordered| told.push(ordered));
        assert_eq!(told, [Ordered::Lost(2), c]);
        assert_eq!(reorder.deadline(), None);
        reorder.push(at(4_001), 5, 5, |_| panic!("it was given up"));
        assert_eq!(reorder.late, 1);
    }

    #[test]
    fn a_leap_is_a_loss() {
        let mut reorder = Reorder::new(PATIENCE);
        let mut lost = 0;
        let mut packets = 0;
        for seq in [0_u16, 5_000, 5_001] {
            reorder.push(at(0), seq, (), |ordered| match ordered {
                Ordered::Lost(more) => lost += more,
                Ordered::Packet(()) => packets += 1,
            });
        }
        reorder.expire(at(600), |ordered| match ordered {
            Ordered::Lost(more) => lost += more,
            Ordered::Packet(()) => packets += 1,
        });
        assert_eq!((packets, lost), (3, 4_999));
    }

    proptest! {
        /// Whatever is lost, doubled or moved by less than the window: each
        /// packet that came is told once, in order, and the rest is lost.
        #[test]
        fn every_number_is_told_or_lost(
            start: u16,
            fates in proptest::collection::vec((0_u8..20, 0_usize..40), 2..600),
        ) {
            let mut sent: Vec<(usize, u64)> = Vec::new();
            for (number, (fate, delay)) in fates.iter().enumerate() {
                // The first and the last come, so that all between them counts.
                let edge = number == 0 || number + 1 == fates.len();
                let delay = if edge { if number == 0 { 0 } else { 100 } } else { *delay };
                if edge || *fate > 1 {
                    sent.push((number + delay, number as u64));
                }
                if *fate == 2 && !edge {
                    sent.push((number + delay + 3, number as u64));
                }
            }
            sent.sort_by_key(|(when, number)| (*when, *number));
            // The first packet stands for the start of the stream.
            let first = sent.iter().position(|(_, number)| *number == 0).unwrap();
            sent.swap(0, first);

            let mut reorder = Reorder::new(PATIENCE);
            let mut expected = 0;
            let mut came: std::collections::BTreeSet<u64> = sent.iter().map(|s| s.1).collect();
            let mut tell = |ordered: Ordered<u64>| match ordered {
                Ordered::Lost(count) => expected += count,
                Ordered::Packet(number) => {
                    assert_eq!(number, expected);
                    assert!(came.remove(&number));
                    expected += 1;
                }
            };
            for (_, number) in &sent {
                let seq = start.wrapping_add(*number as u16);
                reorder.push(at(0), seq, *number, &mut tell);
            }
            for round in 1..1_000 {
                reorder.expire(at(round * 501), &mut tell);
            }
            prop_assert_eq!(expected, fates.len() as u64);
            prop_assert!(came.is_empty());
        }
    }
}
