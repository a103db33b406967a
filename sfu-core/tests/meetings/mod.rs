//! Random meetings as one receiver sees them, and the best that can be chosen
//! for each, found without the allocator's help. Also used by the benchmark.

use sfu_core::stream::allocate::{Allocator, Ladder, Request, Rung, Utility};
use sfu_core::{Demand, Layers};

/// A small generator (SplitMix64): the same seed, the same meetings.
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

    /// From `low` up to and with `high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.u64() % (high - low + 1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.within(1, 100) <= percent
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One receiver: how it shows whom, and what its path carries.
#[derive(Clone, Debug)]
pub struct Meeting {
    pub budget: u64,
    pub streams: Vec<(Demand, Ladder)>,
}

/// Bit rates are multiples of this, so that the optimum can be computed.
pub const UNIT: u64 = 1_000;

impl Meeting {
    /// A meeting of `count` streams: a gallery, a speaker with thumbnails, a
    /// screen with a strip of them, or a mixture of all.
    pub fn random(rng: &mut Rng, count: usize) -> Self {
        let view = rng.within(0, 3);
        let tiles: Vec<Demand> = (0..count).map(|at| tile(rng, view, at, count)).collect();
        let streams: Vec<(Demand, Ladder)> =
            tiles.into_iter().map(|tile| (tile, source(rng, tile.screen))).collect();
        let all: u64 = streams.iter().map(|(_, ladder)| dearest(ladder)).sum();
        // From a phone at the edge of its cell to more than can be used.
        let share = rng.unit() * rng.unit() * 1.2;
        Self { budget: (all as f64 * share) as u64 / UNIT * UNIT, streams }
    }

    /// Hands all streams to an allocator that was cleared.
    pub fn push_to(&self, allocator: &mut Allocator, present: &[Option<Layers>]) {
        for (at, (demand, ladder)) in self.streams.iter().enumerate() {
            let present = present.get(at).copied().flatten();
            let demand = Some(*demand);
            allocator.push(&Request { demand, limit: Layers::MAX, present }, ladder);
        }
    }

    /// What an allocator's choice costs and is worth, by the ladders.
    pub fn judge(&self, allocator: &Allocator) -> (u64, f64) {
        let (mut cost, mut worth) = (0, 0.0);
        for (at, (demand, ladder)) in self.streams.iter().enumerate() {
            let Some(layers) = allocator.choice(at).expect("a choice for each").layers else {
                continue;
            };
            let rung = ladder.rungs().iter().find(|rung| rung.layers == layers);
            let rung = rung.expect("a rung of the ladder");
            cost += u64::from(rung.bitrate);
            worth += Utility::new(Some(demand), 0).of(rung);
        }
        (cost, worth)
    }

    /// The most that can be had for the budget: exactly, by dynamic programming
    /// over every bit rate.
    pub fn optimum(&self) -> f64 {
        let all: u64 = self.streams.iter().map(|(_, ladder)| dearest(ladder)).sum();
        let units = (self.budget.min(all) / UNIT) as usize;
        let mut best = vec![0.0f64; units + 1];
        let mut next = best.clone();
        for (demand, ladder) in &self.streams {
            let utility = Utility::new(Some(demand), 0);
            next.copy_from_slice(&best);
            for rung in ladder.rungs() {
                let (cost, worth) = ((u64::from(rung.bitrate) / UNIT) as usize, utility.of(rung));
                if worth > 0.0 && cost <= units {
                    for (sum, before) in next[cost..].iter_mut().zip(&best) {
                        *sum = sum.max(before + worth);
                    }
                }
            }
            std::mem::swap(&mut best, &mut next);
        }
        best.iter().copied().fold(0.0, f64::max)
    }

    /// The same by trying everything; for a few streams.
    pub fn brute_force(&self) -> f64 {
        fn best(streams: &[(Demand, Ladder)], left: u64) -> f64 {
            let Some(((demand, ladder), rest)) = streams.split_first() else { return 0.0 };
            let utility = Utility::new(Some(demand), 0);
            let rungs = ladder.rungs().iter().filter(|rung| u64::from(rung.bitrate) <= left);
            let with =
                rungs.map(|rung| utility.of(rung) + best(rest, left - u64::from(rung.bitrate)));
            with.fold(best(rest, left), f64::max)
        }
        best(&self.streams, self.budget)
    }
}

fn tile(rng: &mut Rng, view: u64, at: usize, count: usize) -> Demand {
    let demand = match (view, at) {
        (1 | 2, 0) => Demand::shown(1_280, 720).screen(view == 2),
        (1 | 2, _) => Demand::shown(240, 135),
        (3, _) => {
            let width = rng.within(80, 1_920) as u16;
            Demand::shown(width, width / 16 * 9).screen(rng.chance(10))
        }
        _ => {
            let columns = (count as f64).sqrt().ceil() as u16;
            Demand::shown(1_920 / columns, 1_080 / columns)
        }
    };
    let hidden = rng.chance(5) && at > 0;
    let demand = if hidden { Demand::hidden() } else { demand };
    let priority = if rng.chance(20) { rng.within(1, 4) as u8 } else { 1 };
    demand.priority(priority).pinned(rng.chance(4))
}

/// Simulcast or SVC with one to three sizes and one to three frame rates.
fn source(rng: &mut Rng, screen: bool) -> Ladder {
    let sizes = rng.within(1, 3) as u8;
    let rates = rng.within(1, 3) as u8;
    let (width, height) = [(640, 360), (1_280, 720), (1_920, 1_080)][rng.within(0, 2) as usize];
    let scalable = rng.chance(30);
    let full = f64::from(width * height) * 1.8 * (0.4 + 1.2 * rng.unit());
    let fastest = if screen { 15.0 } else { 30.0 };
    let mut ladder = Ladder::new();
    let mut below = 0.0;
    for spatial in 0..sizes {
        let shift = sizes - 1 - spatial;
        let own = full / 3.2f64.powi(i32::from(shift)) * (0.8 + 0.4 * rng.unit());
        for temporal in 0..rates {
            let share = [1.0, 0.8, 0.6][usize::from(rates - 1 - temporal)];
            let bitrate = (own + below) * share;
            ladder.push(Rung {
                layers: Layers { spatial, temporal },
                bitrate: ((bitrate as u64 / UNIT).max(8) * UNIT) as u32,
                width: (width >> shift) as u16,
                height: (height >> shift) as u16,
                frame_rate: fastest / f32::from(1u8 << (rates - 1 - temporal)),
            });
        }
        if scalable {
            below += own * 0.7;
        }
    }
    ladder
}

fn dearest(ladder: &Ladder) -> u64 {
    ladder.rungs().iter().map(|rung| u64::from(rung.bitrate)).max().unwrap_or(0)
}
