//! Durations, counted in buckets whose width is 3 % of their value.

use std::time::Duration;

/// Buckets per doubling.
const STEPS: u64 = 32;
const BUCKETS: usize = 64 * STEPS as usize;

#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0 }
    }
}

impl Histogram {
    pub(crate) fn add(&mut self, value: Duration) {
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The value that `share` (0 to 1) of all values do not exceed, to 3 %;
    /// `None` if there are no values.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_nanos(upper(at)))
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < STEPS {
        return nanos as usize;
    }
    let doublings = u64::from(nanos.ilog2() - STEPS.ilog2());
    // The leading bit is that of the doubling.
    let step = (nanos >> doublings) - STEPS;
    ((doublings + 1) * STEPS + step) as usize
}

/// The highest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let (doublings, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    match doublings {
        0 => step,
        n => ((STEPS + step + 1) << (n - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_percent() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for micros in 1..=10_000 {
            histogram.add(Duration::from_micros(micros));
        }
        for (share, micros) in [(0.0, 1.0), (0.5, 5_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let found = histogram.quantile(share).unwrap().as_nanos() as f64 / 1e3;
            assert!(found >= micros && found <= micros * 1.04, "{share}: {found} for {micros}");
        }
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        let mut values: Vec<u64> = (0..1_000).collect();
        values.extend((0..58).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]));
        for nanos in values {
            let at = bucket(nanos);
            assert!(nanos <= upper(at), "{nanos}");
            assert!(at == 0 || nanos > upper(at - 1), "{nanos}");
        }
    }

    #[test]
    fn merged_histograms_are_one() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        a.add(Duration::from_millis(1));
        b.add(Duration::from_millis(9));
        a.merge(&b);
        assert_eq!(a.total(), 2);
        assert!(a.quantile(1.0).unwrap() >= Duration::from_millis(9));
    }
}
