//! The allocator against optima that were found another way.

#[allow(unreachable_pub, dead_code)]
mod meetings;

use meetings::{Meeting, Rng};
use sfu_core::stream::allocate::Allocator;

const SEED: u64 = 11;
/// Any single meeting; the benchmark's thousand are all above 0.998.
const WORST: f64 = 0.98;

/// The share of the optimum that is reached.
fn ratio(meeting: &Meeting, optimum: f64) -> f64 {
    let mut allocator = Allocator::new();
    meeting.push_to(&mut allocator, &[]);
    allocator.allocate_afresh(meeting.budget);
    let (cost, worth) = meeting.judge(&allocator);
    assert!(cost <= meeting.budget, "{cost} of {}", meeting.budget);
    assert!(worth <= optimum * 1.000_001, "{worth} of {optimum}: the optimum is none");
    if optimum == 0.0 { 1.0 } else { worth / optimum }
}

fn assert_near_optimum(ratios: &[f64]) {
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let worst = ratios.iter().copied().fold(1.0, f64::min);
    assert!(mean >= 0.998, "mean {mean} over {} meetings of seed {SEED}", ratios.len());
    assert!(worst >= WORST, "worst {worst} over {} meetings of seed {SEED}", ratios.len());
}

#[test]
fn small_meetings_are_near_what_brute_force_finds() {
    let mut rng = Rng(SEED);
    let ratios: Vec<f64> = (0..300)
        .map(|_| {
            let count = rng.within(1, 4) as usize;
            let meeting = Meeting::random(&mut rng, count);
            let optimum = meeting.brute_force();
            assert!((optimum - meeting.optimum()).abs() < 1e-9, "the two judges agree");
            ratio(&meeting, optimum)
        })
        .collect();
    assert_near_optimum(&ratios);
}

#[test]
fn large_meetings_are_near_the_optimum() {
    let mut rng = Rng(SEED);
    let ratios: Vec<f64> = (0..40)
        .map(|_| {
            let count = rng.within(5, 30) as usize;
            let meeting = Meeting::random(&mut rng, count);
            ratio(&meeting, meeting.optimum())
        })
        .collect();
    assert_near_optimum(&ratios);
}
