//! One direction of a path.

use std::time::Duration;

use sfu_core::Time;

/// A small generator (SplitMix64): the same seed, the same run.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, but without, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.u64() % limit.max(1)
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.u64() >> 11) as f64) < probability * (1u64 << 53) as f64
    }
}

/// What happens to datagrams on their way.
#[derive(Clone, Debug)]
pub struct Link {
    pub delay: Duration,
    /// Up to this much is added; order is kept.
    pub jitter: Duration,
    /// Share of datagrams lost.
    pub loss: f64,
    /// Share of datagrams that come twice.
    pub duplicate: f64,
    /// Share of datagrams that are overtaken by those of the next 15 ms.
    pub reorder: f64,
    pub last: Time,
}

impl Default for Link {
    fn default() -> Self {
        Self::new(20)
    }
}

impl Link {
    /// A clean link with this delay in milliseconds.
    pub fn new(delay: u64) -> Self {
        Self {
            delay: Duration::from_millis(delay),
            jitter: Duration::ZERO,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            last: Time::ZERO,
        }
    }

    pub fn lossy(delay: u64, loss: f64) -> Self {
        Self { loss, ..Self::new(delay) }
    }

    /// When a datagram sent at `now` arrives: never, once, or twice.
    pub fn send(&mut self, now: Time, rng: &mut Rng) -> [Option<Time>; 2] {
        if rng.chance(self.loss) {
            return [None; 2];
        }
        let jitter = Duration::from_nanos(rng.below(self.jitter.as_nanos() as u64 + 1));
        let mut at = (now + self.delay + jitter).max(self.last);
        if rng.chance(self.reorder) {
            at += Duration::from_millis(15);
        } else {
            self.last = at;
        }
        let again = rng.chance(self.duplicate).then(|| at + Duration::from_millis(3));
        [Some(at), again]
    }
}
