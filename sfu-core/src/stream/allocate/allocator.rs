//! One receiver's streams and its bits: who gets which layers, and why.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::solve::{Item, Size, Solver, sum, value};
use super::{Budget, Demand, Ladder, LayersReason, Rung, Utility};
use crate::stream::select::Layers;

/// One stream of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Request {
    /// How it is shown; `None` if the receiver did not say.
    pub demand: Option<Demand>,
    /// The most that may be chosen.
    pub limit: Layers,
    /// What was chosen the last time; `None` if nothing was.
    pub present: Option<Layers>,
}

/// What was chosen for one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Choice {
    /// The layers; `None` if nothing shall be sent.
    pub layers: Option<Layers>,
    /// What they cost, in bit/s.
    pub bitrate: u64,
    /// The rule that chose them.
    pub reason: LayersReason,
}

/// Chooses layers for the video streams of one receiver at a time; its buffers
/// are used for one receiver after the other.
///
/// ```
/// use sfu_core::{Demand, Layers};
/// use sfu_core::stream::allocate::{Allocator, Budget, Ladder, LayersReason, Request, Rung};
/// use sfu_ice::Time;
///
/// let mut camera = Ladder::new();
/// for (spatial, width, height, bitrate) in [(0, 320, 180, 120_000), (1, 1_280, 720, 1_500_000)] {
///     let layers = Layers { spatial, temporal: u8::MAX };
///     camera.push(Rung { layers, bitrate, width, height, frame_rate: 30.0 });
/// }
/// let mut budget = Budget::new();
/// budget.set_available(Some(1_000_000));
///
/// let mut allocator = Allocator::new();
/// let demand = Some(Demand::shown(1_280, 720));
/// allocator.push(&Request { demand, limit: Layers::MAX, present: None }, &camera);
/// allocator.allocate(Time::from_secs(1), &mut budget, 40_000);
/// let choice = allocator.choice(0).unwrap();
/// assert_eq!(choice.layers.unwrap().spatial, 0);
/// assert_eq!(choice.reason, LayersReason::Bandwidth);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Allocator {
    solver: Solver,
    sizes: Vec<Size>,
    /// The layers of each size.
    layers: Vec<Option<Layers>>,
    items: Vec<Item>,
    streams: Vec<Stream>,
    /// A choice that is compared with another.
    kept: Vec<u32>,
    operations: u64,
    /// Stands for all that is asked for.
    asked: u64,
}

/// What is known of an item beside its sizes.
#[derive(Clone, Copy, Debug)]
struct Stream {
    first: u32,
    last: u32,
    /// The size that was chosen the last time.
    present: u32,
    /// Why it gets no more than the last size.
    ceiling: LayersReason,
    pinned: bool,
    reason: LayersReason,
}

/// A choice that takes from one stream to give to another must be better by
/// this much.
const WORTH_A_CHANGE: f64 = 1.03;

impl Allocator {
    /// An allocator without streams.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all streams: the next receiver's turn.
    pub fn clear(&mut self) {
        self.sizes.clear();
        self.layers.clear();
        self.items.clear();
        self.streams.clear();
        self.asked = 0;
    }

    /// Adds a stream; its number is the count of those before it.
    pub fn push(&mut self, request: &Request, ladder: &Ladder) {
        let first = self.push_size(Size { cost: 0, value: 0.0 }, None);
        self.asked = mix(self.asked, request);
        let hidden = request.demand.is_some_and(|demand| demand.is_hidden());
        let mut ceiling = if ladder.withheld || ladder.rungs().is_empty() {
            LayersReason::PublisherDoesNotSend
        } else {
            LayersReason::Best
        };
        if hidden {
            ceiling = LayersReason::NotShown;
        } else {
            ceiling = self.push_rungs(first, request, ladder, ceiling);
        }
        let last = self.sizes.len().saturating_sub(1) as u32;
        let present = request.present.map_or(first, |present| self.at_most(first, last, present));
        self.items.push(Item { least: first, most: last, chosen: present });
        let pinned = request.demand.is_some_and(|demand| demand.pinned);
        let reason = LayersReason::Empty;
        self.streams.push(Stream { first, last, present, ceiling, pinned, reason });
    }

    /// Chooses for all streams. `reserved` bit/s of the budget are audio's.
    ///
    /// Without a limit each stream gets the cheapest rung of the greatest
    /// utility. With one, the sum of all choices and `reserved` never exceeds
    /// what is available now; streams go down at once, and up only as far as
    /// [`Budget::secure`] lets them.
    pub fn allocate(&mut self, now: Time, budget: &mut Budget, reserved: u64) {
        self.operations = 0;
        budget.review(now);
        let secure = budget.secure(now);
        let Some((available, secure)) = budget.available().zip(secure) else {
            self.choose_best();
            self.explain(None);
            return;
        };
        let room = available.saturating_sub(reserved);
        let used = self.used();
        if used > room {
            self.bound(|stream| (stream.first, stream.present));
            // A tenth stays free: a figure that falls hardly stops just here.
            self.solve(room - room / 10);
            budget.lowered(now);
        } else if self.raise(now, budget, used.max(secure.saturating_sub(reserved))) {
            budget.raised(now);
        }
        self.explain(Some(room));
    }

    /// Chooses as if no choice had been made before and `budget` bit/s were
    /// certain.
    pub fn allocate_afresh(&mut self, budget: u64) {
        self.operations = 0;
        self.bound(|stream| (stream.first, stream.last));
        self.solve(budget);
        self.explain(Some(budget));
    }

    /// What was chosen for a stream; `None` if there is no such stream.
    pub fn choice(&self, stream: usize) -> Option<Choice> {
        let item = self.items.get(stream)?;
        Some(Choice {
            layers: self.layers.get(item.chosen as usize).copied().flatten(),
            bitrate: self.sizes.get(item.chosen as usize)?.cost,
            reason: self.streams.get(stream)?.reason,
        })
    }

    /// Sum of the bit rates that were chosen.
    pub fn used(&self) -> u64 {
        sum(&self.sizes, &self.items, |size| size.cost)
    }

    /// Sum of the utilities that were chosen ([`Utility`]).
    pub fn utility(&self) -> f64 {
        value(&self.sizes, &self.items)
    }

    /// Elementary operations of the last choice: what its time is made of.
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    fn push_size(&mut self, size: Size, layers: Option<Layers>) -> u32 {
        self.sizes.push(size);
        self.layers.push(layers);
        self.sizes.len().saturating_sub(1) as u32
    }

    /// Adds the rungs that are worth more than every cheaper one. Gives why
    /// there are no better ones.
    fn push_rungs(
        &mut self,
        first: u32,
        request: &Request,
        ladder: &Ladder,
        mut ceiling: LayersReason,
    ) -> LayersReason {
        let rungs = ladder.rungs();
        let full = rungs.iter().map(Rung::pixels).max().unwrap_or(0);
        let utility = Utility::new(request.demand.as_ref(), full);
        // Of a source that sends nothing within the limit the lowest is taken,
        // as the selector does.
        let lowest = rungs.iter().map(|rung| rung.layers.spatial).min().unwrap_or(0);
        let limit = Layers { spatial: request.limit.spatial.max(lowest), ..request.limit };
        let within = |rung: &Rung| {
            rung.layers.spatial <= limit.spatial && rung.layers.temporal <= limit.temporal
        };
        for rung in rungs {
            if within(rung) {
                let size = Size { cost: u64::from(rung.bitrate).max(1), value: utility.of(rung) };
                self.push_size(size, Some(rung.layers));
            } else if ceiling == LayersReason::Best {
                ceiling = LayersReason::Preferred;
            }
        }
        self.keep_the_worthwhile(first);
        // The last size is the best that can be seen.
        let last = self.layers.last().copied().flatten();
        let best = last.and_then(|last| rungs.iter().find(|rung| rung.layers == last));
        let wasted = |rung: &Rung| within(rung) && utility.is_more_than_visible(rung);
        if let Some(best) = best
            && rungs.iter().any(|rung| rung.pixels() > best.pixels() && wasted(rung))
        {
            ceiling = LayersReason::Viewport;
        }
        ceiling
    }

    /// Sorts the sizes from `first` on, and leaves out those that are worth no
    /// more than a cheaper one.
    fn keep_the_worthwhile(&mut self, first: u32) {
        let start = first as usize + 1;
        let Some(sizes) = self.sizes.get_mut(start..) else { return };
        let Some(layers) = self.layers.get_mut(start..) else { return };
        // At most 32, nearly sorted: by insertion, both lists alike.
        for end in 1..sizes.len() {
            let mut at = end;
            while at > 0 && is_before(sizes, at, at - 1) {
                sizes.swap(at, at - 1);
                layers.swap(at, at - 1);
                at -= 1;
            }
        }
        let (mut kept, mut most) = (0, 0.0);
        for at in 0..sizes.len() {
            let Some(size) = sizes.get(at).copied() else { break };
            // A gain that cannot be seen is none.
            if size.value > most * 1.000_001 {
                most = size.value;
                sizes.swap(kept, at);
                layers.swap(kept, at);
                kept += 1;
            }
        }
        self.sizes.truncate(start + kept);
        self.layers.truncate(start + kept);
    }

    /// The best size of an item that needs no layer above `present`.
    fn at_most(&self, first: u32, last: u32, present: Layers) -> u32 {
        let fits = |at: &u32| match self.layers.get(*at as usize) {
            Some(Some(layers)) => {
                layers.spatial < present.spatial
                    || (layers.spatial == present.spatial && layers.temporal <= present.temporal)
            }
            _ => true,
        };
        (first..=last).rev().find(fits).unwrap_or(first)
    }

    fn bound(&mut self, range: impl Fn(&Stream) -> (u32, u32)) {
        for (item, stream) in self.items.iter_mut().zip(&self.streams) {
            (item.least, item.most) = range(stream);
        }
    }

    fn solve(&mut self, budget: u64) {
        self.solver.solve(&self.sizes, &mut self.items, budget);
        self.operations += self.solver.operations;
    }

    fn choose_best(&mut self) {
        for (item, stream) in self.items.iter_mut().zip(&self.streams) {
            item.chosen = stream.last;
        }
    }

    /// Gives more to whom it can without taking from anybody, or chooses anew
    /// where that is clearly better. Whether anybody got more.
    fn raise(&mut self, now: Time, budget: &mut Budget, room: u64) -> bool {
        self.bound(|stream| (stream.present, stream.last));
        self.solve(room);
        let short = self.items.iter().any(|item| item.chosen < item.most);
        let mut better = false;
        if short && budget.may_rearrange(now, self.asked) {
            self.kept.clear();
            self.kept.extend(self.items.iter().map(|item| item.chosen));
            let (worth, lit) = (self.utility(), self.lit());
            self.bound(|stream| (stream.first, stream.last));
            self.solve(room);
            better = self.utility() > worth * WORTH_A_CHANGE || self.lit() > lit;
            if !better {
                for (item, kept) in self.items.iter_mut().zip(&self.kept) {
                    item.chosen = *kept;
                }
            }
        }
        budget.rearranged(now, self.asked, better);
        let mut both = self.items.iter().zip(&self.streams);
        both.any(|(item, stream)| item.chosen > stream.present)
    }

    /// How many streams are sent at all.
    fn lit(&self) -> usize {
        let both = self.items.iter().zip(&self.streams);
        both.filter(|(item, stream)| item.chosen > stream.first).count()
    }

    /// Gives each stream its reason.
    fn explain(&mut self, room: Option<u64>) {
        let used = self.used();
        let left = room.unwrap_or(u64::MAX).saturating_sub(used);
        let both = self.items.iter().zip(&self.streams);
        let short = both.clone().any(|(item, stream)| item.chosen < stream.last);
        for (item, stream) in self.items.iter().zip(&mut self.streams) {
            let cost = |at: u32| self.sizes.get(at as usize).map_or(0, |size| size.cost);
            stream.reason = if item.chosen < stream.last {
                let more = cost(item.chosen + 1).saturating_sub(cost(item.chosen));
                if more <= left { LayersReason::Hold } else { LayersReason::Bandwidth }
            } else if stream.pinned && short && stream.last > stream.first {
                LayersReason::Pinned
            } else {
                stream.ceiling
            };
        }
    }
}

/// Takes one more request into what stands for all of them (FNV-1a by words).
fn mix(asked: u64, request: &Request) -> u64 {
    let demand = request.demand.map_or(u64::MAX, |demand| {
        let flags = u64::from(demand.pinned) | (u64::from(demand.screen) << 1);
        u64::from(demand.width)
            | (u64::from(demand.height) << 16)
            | (u64::from(demand.priority) << 32)
            | (flags << 40)
    });
    let limit = u64::from(request.limit.spatial) | (u64::from(request.limit.temporal) << 8);
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x100_0000_01b3);
    mix(mix(asked ^ 0xcbf2_9ce4_8422_2325, demand), limit)
}

fn is_before(sizes: &[Size], a: usize, b: usize) -> bool {
    let (Some(a), Some(b)) = (sizes.get(a), sizes.get(b)) else { return false };
    a.cost < b.cost || (a.cost == b.cost && a.value > b.value)
}

#[cfg(test)]
mod tests;
