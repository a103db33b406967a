//! How good, how fast and how calm the choice of layers is: against the exact
//! optimum of random meetings, in microseconds, and under a figure that jumps.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use sfu_core::stream::allocate::{Allocator, Budget};
use sfu_core::{Layers, Time};

use crate::cpu;
use crate::meetings::{Meeting, Rng};
use crate::report::{Cell, Report, Sample, Table};

#[derive(Args)]
pub(crate) struct Options {
    /// Random meetings that are compared with their optimum.
    #[arg(long, default_value_t = 1_000)]
    meetings: usize,
    /// Seed of all random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Repetitions of each time measurement.
    #[arg(long, default_value_t = 200)]
    repetitions: usize,
    /// Minutes under noise, for each kind of noise.
    #[arg(long, default_value_t = 200)]
    minutes: u32,
}

/// What must hold: of the optimum, and microseconds for fifty streams.
const NEAR: f64 = 0.98;
const FAST: f64 = 50.0;

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    ensure!(options.meetings > 0 && options.repetitions > 0, "nothing to measure");
    let mut report = Report::new("allocator");
    let near = quality(options, &mut report)?;
    let fast = speed(options, &mut report)?;
    let calm = calm(options, &mut report);
    report.failed = !(near && fast && calm);
    report.notes = vec![
        format!("Seed {}. The optimum is exact: dynamic programming over every bit rate.", options.seed),
        "Afresh: as for a receiver that has just come. Steady: the choice of 200 ms before stands, as nearly always.".to_owned(),
        "Noise of a fifth: independent errors every 200 ms, or errors that persist (correlation 0.9). A flip is a picture that changes its size, or comes or goes; the first ten seconds are left out.".to_owned(),
        "Fails unless every meeting reaches 98 % of its optimum, fifty streams take at most 50 us in the median, and independent noise never flips one picture twice in ten seconds.".to_owned(),
    ];
    Ok(report)
}

/// The share of the optimum that is reached, by size of the meeting.
fn quality(options: &Options, report: &mut Report) -> anyhow::Result<bool> {
    let mut table = Table::new(
        format!("Utility against the exact optimum, {} random meetings", options.meetings),
        &["streams", "meetings", "mean", "worst", "at the optimum"],
    );
    let mut rng = Rng(options.seed);
    let mut ratios: Vec<(usize, f64)> = Vec::new();
    let mut allocator = Allocator::new();
    for _ in 0..options.meetings {
        let count = rng.within(1, 50) as usize;
        let meeting = Meeting::random(&mut rng, count);
        allocator.clear();
        meeting.push_to(&mut allocator, &[]);
        allocator.allocate_afresh(meeting.budget);
        let (cost, worth) = meeting.judge(&allocator);
        ensure!(cost <= meeting.budget, "{cost} bit/s of {}", meeting.budget);
        let optimum = meeting.optimum();
        ratios.push((count, if optimum > 0.0 { worth / optimum } else { 1.0 }));
    }
    let mut worst_of_all: f64 = 1.0;
    for (low, high) in [(1, 4), (5, 9), (10, 25), (26, 50), (1, 50)] {
        let within = ratios.iter().filter(|(count, _)| (low..=high).contains(count));
        let group: Vec<f64> = within.map(|(_, ratio)| *ratio).collect();
        if group.is_empty() {
            continue;
        }
        let worst = group.iter().copied().fold(1.0, f64::min);
        worst_of_all = worst_of_all.min(worst);
        let exact = group.iter().filter(|ratio| **ratio > 1.0 - 1e-9).count();
        table.rows.push(vec![
            Cell::Text(format!("{low}-{high}")),
            Cell::Number(group.len() as f64, 0),
            Cell::Number(group.iter().sum::<f64>() / group.len() as f64, 5),
            Cell::Number(worst, 5),
            Cell::Text(format!("{:.0} %", 100.0 * exact as f64 / group.len() as f64)),
        ]);
    }
    report.tables.push(table);
    Ok(worst_of_all >= NEAR)
}

/// Microseconds of one choice.
fn speed(options: &Options, report: &mut Report) -> anyhow::Result<bool> {
    let mut table = Table::new(
        format!(
            "Microseconds of CPU for one choice, median of {} meetings (range)",
            options.repetitions
        ),
        &["streams", "afresh", "steady", "operations afresh"],
    );
    let mut at_fifty = f64::INFINITY;
    for count in [9, 25, 50, 100] {
        let mut rng = Rng(options.seed);
        let mut allocator = Allocator::new();
        let (mut afresh, mut steady, mut operations) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.repetitions {
            let meeting = Meeting::random(&mut rng, count);
            afresh.push(micros(|| {
                allocator.clear();
                meeting.push_to(&mut allocator, &[]);
                allocator.allocate_afresh(meeting.budget);
            }));
            operations.push(allocator.operations() as f64);
            let now = Time::from_secs(1);
            let mut budget = Budget::new();
            budget.set_available(Some(meeting.budget));
            let mut present: Vec<Option<Layers>> = Vec::new();
            for round in 0..2 {
                allocator.clear();
                meeting.push_to(&mut allocator, &present);
                allocator.allocate(now + Duration::from_secs(round), &mut budget, 0);
                present = choices(&allocator, count);
            }
            steady.push(micros(|| {
                allocator.clear();
                meeting.push_to(&mut allocator, &present);
                let mut budget = budget.clone();
                allocator.allocate(now + Duration::from_secs(2), &mut budget, 0);
            }));
        }
        let (afresh, steady) = (Sample::of(&afresh)?, Sample::of(&steady)?);
        if count == 50 {
            at_fifty = afresh.median.max(steady.median);
        }
        table.rows.push(vec![
            Cell::Number(count as f64, 0),
            Cell::Sample(afresh),
            Cell::Sample(steady),
            Cell::Sample(Sample::of(&operations)?),
        ]);
    }
    report.tables.push(table);
    Ok(at_fifty <= FAST)
}

/// The mean of a few runs, so that reading the clock does not count.
fn micros(mut run: impl FnMut()) -> f64 {
    const RUNS: u32 = 16;
    run();
    let (time, ()) = cpu::of(|| {
        for _ in 0..RUNS {
            run();
        }
    });
    time.as_secs_f64() * 1e6 / f64::from(RUNS)
}

/// How often pictures change while the figure jumps by a fifth.
fn calm(options: &Options, report: &mut Report) -> bool {
    let mut table = Table::new(
        "Visible flips while the available bit rate is wrong by up to a fifth",
        &["noise", "streams", "minutes", "flips of a picture in 10 s", "twice within 10 s"],
    );
    let mut good = true;
    for persistent in [false, true] {
        for count in [1, 9, 25] {
            let mut rng = Rng(options.seed);
            let minutes = options.minutes.div_ceil(10).max(1);
            let (mut flips, mut close) = (0, 0);
            for _ in 0..minutes {
                let found = ten_minutes(&mut rng, count, persistent);
                flips += found.0;
                close += found.1;
            }
            good &= persistent || close == 0;
            let windows = f64::from(minutes) * 59.0 * count as f64;
            table.rows.push(vec![
                Cell::Text(if persistent { "persistent" } else { "independent" }.to_owned()),
                Cell::Number(count as f64, 0),
                Cell::Number(f64::from(minutes) * 10.0, 0),
                Cell::Number(f64::from(flips) / windows, 5),
                Cell::Number(f64::from(close), 0),
            ]);
        }
    }
    report.tables.push(table);
    good
}

/// Flips, and those that come within ten seconds after another of the same
/// picture.
fn ten_minutes(rng: &mut Rng, count: usize, persistent: bool) -> (u32, u32) {
    let meeting = Meeting::random(rng, count);
    let (mut allocator, mut budget) = (Allocator::new(), Budget::new());
    let mut now = Time::from_secs(1_000);
    let mut present: Vec<Option<Layers>> = vec![None; count];
    let mut last_flip: Vec<Option<Time>> = vec![None; count];
    let (mut level, mut flips, mut close): (f64, u32, u32) = (0.0, 0, 0);
    for tick in 0..5 * 600 {
        now += Duration::from_millis(200);
        let fresh = rng.unit() * 2.0 - 1.0;
        level = if persistent { (level * 0.9 + fresh * 0.3).clamp(-1.0, 1.0) } else { fresh };
        budget.set_available(Some((meeting.budget as f64 * (1.0 + level / 5.0)) as u64));
        allocator.clear();
        meeting.push_to(&mut allocator, &present);
        allocator.allocate(now, &mut budget, 0);
        let chosen = choices(&allocator, count);
        let size = |layers: Option<Layers>| layers.map(|layers| layers.spatial);
        for (at, last) in last_flip.iter_mut().enumerate() {
            if tick < 50 || size(present[at]) == size(chosen[at]) {
                continue;
            }
            flips += 1;
            close += u32::from(last.is_some_and(|last| now.since(last).as_secs() < 10));
            *last = Some(now);
        }
        present = chosen;
    }
    (flips, close)
}

fn choices(allocator: &Allocator, count: usize) -> Vec<Option<Layers>> {
    (0..count).map(|at| allocator.choice(at).and_then(|choice| choice.layers)).collect()
}
