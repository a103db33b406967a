//! The best sum of utilities for a number of bits: a knapsack in which each
//! item has several sizes.
//!
//! Greedy along the concave hull of each item, best gain per bit first; that is
//! optimal but for the last step that does not fit. How far it can be from the
//! optimum is known (the relaxed problem's value). While that is more than a
//! fifth of a percent, raises and exchanges of two items improve it, and then a search
//! that branches on the step that did not fit. The work is bounded, and the
//! buffers are kept from call to call.

/// One size of an item. Of one item both numbers grow from size to size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) cost: u64,
    pub(super) value: f64,
}

/// One item: a range of sizes, and which of them may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its smallest size that may be chosen, as an index into all sizes.
    pub(super) least: u32,
    /// Its largest size that may be chosen.
    pub(super) most: u32,
    /// The size that was chosen.
    pub(super) chosen: u32,
}

/// A solver with its buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Solver {
    steps: Vec<Step>,
    raises: Vec<Raise>,
    /// For each raise the two best of different items among those no dearer.
    best: Vec<[Option<u32>; 2]>,
    /// What the search lets each item have, what it tries, and the best so far.
    ranges: Vec<(u32, u32)>,
    trial: Vec<u32>,
    found: Vec<u32>,
    /// Elementary operations of the last call: what its time is made of.
    pub(super) operations: u64,
}

/// From one corner of an item's hull to the next.
#[derive(Clone, Copy, Debug)]
struct Step {
    gain_per_bit: f64,
    item: u32,
    from: u32,
    to: u32,
}

/// Where a climb ended.
#[derive(Clone, Copy, Debug)]
struct Node {
    budget: u64,
    left: u64,
    value: f64,
    /// No choice within the ranges is worth more, but for sizes off the hulls.
    bound: f64,
    /// The first step that did not fit.
    stuck: Option<usize>,
}

/// One item gets more, and perhaps another less.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    gain: f64,
    raise: Raise,
    /// Who gives way, and to which size.
    lower: Option<(usize, u32)>,
    /// Bits that this frees.
    freed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Raise {
    cost: u64,
    gain: f64,
    item: u32,
    to: u32,
}

/// Closer to the bound than this nothing is improved any more.
const CLOSE_ENOUGH: f64 = 0.002;
/// A gain that is more than rounding.
const GAIN: f64 = 1e-12;
/// Improvements in a row at most.
const MAX_IMPROVEMENTS: u32 = 16;
/// Operations that the search adds at most.
const SEARCH: u64 = 16_000;
/// Steps that the search decides at most, one within the other.
const DEPTH: u32 = 40;

impl Solver {
    /// Chooses a size of each item so that the costs sum up to `budget` at
    /// most. If the least sizes are dearer already, they are chosen.
    pub(super) fn solve(&mut self, sizes: &[Size], items: &mut [Item], budget: u64) {
        self.operations = 0;
        for item in items.iter_mut() {
            item.chosen = item.least;
        }
        let used = sum(sizes, items, |size| size.cost);
        let Some(left) = budget.checked_sub(used) else { return };
        let value: f64 = items.iter().map(|item| size(sizes, item.chosen).value).sum();
        self.find_ranges(sizes, items, left);
        self.find_steps(sizes);
        let root = Node { budget, ..self.climb(sizes, left, value) };
        for (item, chosen) in items.iter_mut().zip(&self.trial) {
            item.chosen = *chosen;
        }
        let mut value = self.improve(sizes, items, root.left, root.value, root.bound);
        if is_close(value, root.bound) {
            return;
        }
        self.found.clear();
        let limit = self.operations + SEARCH;
        if self.search(sizes, &root, &mut value, limit, DEPTH) {
            let mut left = budget;
            for (item, found) in items.iter_mut().zip(&self.found) {
                item.chosen = *found;
                left = left.saturating_sub(size(sizes, item.chosen).cost);
            }
            self.improve(sizes, items, left, value, root.bound);
        }
    }

    /// Follows both ways to settle the step that did not fit, as long as there
    /// may be something better. Whether something was found.
    fn search(
        &mut self,
        sizes: &[Size],
        node: &Node,
        best: &mut f64,
        limit: u64,
        depth: u32,
    ) -> bool {
        let Some(step) = node.stuck.and_then(|at| self.steps.get(at)).copied() else {
            return false;
        };
        let at = step.item as usize;
        let Some(&(least, most)) = self.ranges.get(at) else { return false };
        let mut better = false;
        // With the step; without it; and with each size between, which is on no
        // hull.
        let ends = [(step.to, most), (least, step.from)];
        let between = (step.from + 1..step.to).rev().map(|size| (size, size));
        for range in ends.into_iter().chain(between) {
            if self.operations >= limit || depth == 0 {
                break;
            }
            if let Some(place) = self.ranges.get_mut(at) {
                *place = range;
            }
            let (cost, value) =
                self.ranges.iter().fold((0u64, 0.0), |(cost, value), (least, _)| {
                    let size = size(sizes, *least);
                    (cost.saturating_add(size.cost), value + size.value)
                });
            let Some(left) = node.budget.checked_sub(cost) else { continue };
            let child = self.climb(sizes, left, value);
            let child = Node { budget: node.budget, ..child };
            if child.value > *best + GAIN {
                *best = child.value;
                self.found.clear();
                self.found.extend_from_slice(&self.trial);
                better = true;
            }
            if !is_close(*best, child.bound) {
                better |= self.search(sizes, &child, best, limit, depth - 1);
            }
        }
        if let Some(place) = self.ranges.get_mut(at) {
            *place = (least, most);
        }
        better
    }

    /// Raises and exchanges while that helps. Gives the value.
    fn improve(
        &mut self,
        sizes: &[Size],
        items: &mut [Item],
        mut left: u64,
        mut value: f64,
        bound: f64,
    ) -> f64 {
        for _ in 0..MAX_IMPROVEMENTS {
            if is_close(value, bound) {
                break;
            }
            let Some((saved, cost, gain)) = self.exchange(sizes, items, left) else { break };
            left = left.saturating_add(saved).saturating_sub(cost);
            value += gain;
        }
        value
    }

    /// What each item can have if no other has more than its least.
    fn find_ranges(&mut self, sizes: &[Size], items: &[Item], left: u64) {
        self.ranges.clear();
        for item in items {
            let most = left.saturating_add(size(sizes, item.least).cost);
            let fits = |at: &u32| size(sizes, *at).cost <= most;
            let most = (item.least..=item.most).rev().find(fits).unwrap_or(item.least);
            self.ranges.push((item.least, most));
        }
    }

    /// The corners of all hulls, best gain per bit first.
    fn find_steps(&mut self, sizes: &[Size]) {
        self.steps.clear();
        for (number, &(least, most)) in (0..).zip(&self.ranges) {
            let mut from = least;
            while from < most {
                let base = size(sizes, from);
                let mut corner = (f64::NEG_INFINITY, from);
                for to in from + 1..=most {
                    self.operations += 1;
                    let slope = gain_per_bit(base, size(sizes, to));
                    if slope >= corner.0 {
                        corner = (slope, to);
                    }
                }
                let (gain_per_bit, to) = corner;
                self.steps.push(Step { gain_per_bit, item: number, from, to });
                from = to;
            }
        }
        self.steps.sort_unstable_by(|a, b| {
            let by_gain = b.gain_per_bit.total_cmp(&a.gain_per_bit);
            by_gain.then(a.item.cmp(&b.item)).then(a.from.cmp(&b.from))
        });
        let steps = self.steps.len() as u64;
        self.operations += steps * u64::from(steps.max(2).ilog2());
    }

    /// From the least sizes of the ranges, of which `value` and `left` are
    /// given, takes every step that fits and whose item stands before it.
    fn climb(&mut self, sizes: &[Size], left: u64, value: f64) -> Node {
        self.trial.clear();
        self.trial.extend(self.ranges.iter().map(|(least, _)| *least));
        let (mut rest, mut worth) = (left, value);
        let (mut bound, mut stuck) = (None, None);
        self.operations += (self.trial.len() + self.steps.len()) as u64;
        for (number, step) in self.steps.iter().enumerate() {
            let Some(place) = self.trial.get_mut(step.item as usize) else { continue };
            let range = self.ranges.get(step.item as usize);
            if *place != step.from || range.is_none_or(|(_, most)| *most < step.to) {
                continue;
            }
            let (from, to) = (size(sizes, step.from), size(sizes, step.to));
            match rest.checked_sub(to.cost.saturating_sub(from.cost)) {
                Some(less) => {
                    rest = less;
                    worth += to.value - from.value;
                    *place = step.to;
                }
                // The relaxed problem takes as much of this step as fits.
                None if stuck.is_none() => {
                    bound = Some(worth + step.gain_per_bit * rest as f64);
                    stuck = Some(number);
                }
                None => {}
            }
        }
        // Between the corners there may be a size that fits.
        if let Some(step) = stuck.and_then(|at| self.steps.get(at))
            && let Some(place) = self.trial.get_mut(step.item as usize)
            && *place == step.from
        {
            let from = size(sizes, step.from);
            for between in (step.from + 1..step.to).rev() {
                let between_size = size(sizes, between);
                if let Some(less) = rest.checked_sub(between_size.cost.saturating_sub(from.cost)) {
                    rest = less;
                    worth += between_size.value - from.value;
                    *place = between;
                    break;
                }
            }
        }
        Node { budget: 0, left: rest, value: worth, bound: bound.unwrap_or(worth), stuck }
    }

    /// The best of all single raises, and of all pairs in which one item gives
    /// way to another. Gives what it saved, cost and gained.
    fn exchange(
        &mut self,
        sizes: &[Size],
        items: &mut [Item],
        left: u64,
    ) -> Option<(u64, u64, f64)> {
        self.find_raises(sizes, items);
        let mut best = None;
        let better = |gain: f64, best: &Option<Exchange>| {
            gain > best.as_ref().map_or(GAIN, |best| best.gain + GAIN)
        };
        if let Some(raise) = self.best_raise(left, None)
            && better(raise.gain, &best)
        {
            best = Some(Exchange { gain: raise.gain, raise, lower: None, freed: 0 });
        }
        for (at, item) in items.iter().enumerate() {
            let now = size(sizes, item.chosen);
            for lower in item.least..item.chosen {
                self.operations += u64::from((self.raises.len() as u64).max(2).ilog2());
                let given = size(sizes, lower);
                let freed = now.cost.saturating_sub(given.cost);
                let raise = self.best_raise(left.saturating_add(freed), Some(at as u32));
                let Some(raise) = raise else { continue };
                let gain = raise.gain - (now.value - given.value);
                if better(gain, &best) {
                    best = Some(Exchange { gain, raise, lower: Some((at, lower)), freed });
                }
            }
        }
        let Exchange { gain, raise, lower, freed } = best?;
        if let Some((at, to)) = lower {
            items.get_mut(at)?.chosen = to;
        }
        items.get_mut(raise.item as usize)?.chosen = raise.to;
        Some((freed, raise.cost, gain))
    }

    fn find_raises(&mut self, sizes: &[Size], items: &[Item]) {
        self.raises.clear();
        for (number, item) in (0..).zip(items) {
            let now = size(sizes, item.chosen);
            for to in item.chosen + 1..=item.most {
                let size = size(sizes, to);
                let (cost, gain) = (size.cost.saturating_sub(now.cost), size.value - now.value);
                self.raises.push(Raise { cost, gain, item: number, to });
            }
        }
        let order = |raise: &Raise| (raise.cost, raise.item, raise.to);
        self.raises.sort_unstable_by_key(order);
        self.operations += self.raises.len() as u64 * 8;
        self.best.clear();
        let mut best: [Option<u32>; 2] = [None; 2];
        for (number, raise) in (0..).zip(&self.raises) {
            let of = |place: Option<u32>| place.and_then(|at| self.raises.get(at as usize));
            let gain = |place| of(place).map_or(f64::NEG_INFINITY, |raise: &Raise| raise.gain);
            let same = |place| of(place).is_some_and(|other: &Raise| other.item == raise.item);
            if raise.gain > gain(best[0]) {
                if !same(best[0]) {
                    best[1] = best[0];
                }
                best[0] = Some(number);
            } else if raise.gain > gain(best[1]) && !same(best[0]) {
                best[1] = Some(number);
            }
            self.best.push(best);
        }
    }

    /// The raise of the greatest gain that costs `left` at most and is not of
    /// the item `but`.
    fn best_raise(&self, left: u64, but: Option<u32>) -> Option<Raise> {
        let affordable = self.raises.partition_point(|raise| raise.cost <= left);
        let best = self.best.get(affordable.checked_sub(1)?)?;
        best.iter().flatten().find_map(|&number| {
            let raise = *self.raises.get(number as usize)?;
            (Some(raise.item) != but).then_some(raise)
        })
    }
}

fn is_close(value: f64, bound: f64) -> bool {
    bound - value <= bound * CLOSE_ENOUGH
}

fn gain_per_bit(from: Size, to: Size) -> f64 {
    // Sizes of one cost do not occur; a bit is the least that one can cost.
    (to.value - from.value) / to.cost.saturating_sub(from.cost).max(1) as f64
}

fn size(sizes: &[Size], at: u32) -> Size {
    sizes.get(at as usize).copied().unwrap_or(Size { cost: u64::MAX, value: 0.0 })
}

pub(super) fn sum(sizes: &[Size], items: &[Item], of: impl Fn(Size) -> u64) -> u64 {
    items.iter().fold(0, |sum: u64, item| sum.saturating_add(of(size(sizes, item.chosen))))
}

pub(super) fn value(sizes: &[Size], items: &[Item]) -> f64 {
    items.iter().map(|item| size(sizes, item.chosen).value).sum()
}
