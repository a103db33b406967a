//! Arrival times of a transport's packets, for the publisher's congestion
//! control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! The ingest path calls [`TwccRecorder::arrived`]; a timer at
//! [`TwccRecorder::next_deadline`] takes [`TwccWindow`]s and writes them as
//! feedback. A window that was reported is reported again from a packet on that
//! came after all, as receivers of the feedback expect.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::{ExtSeq, SeqNo, Ssrc};

/// Records one transport.
///
/// ```
/// use sfu_core::stream::recv::TwccRecorder;
/// use sfu_core::wire::Ssrc;
/// use sfu_ice::Time;
/// let mut recorder = TwccRecorder::new();
/// let at = Time::from_millis;
/// recorder.arrived(at(1), 7, Ssrc(1));
/// recorder.arrived(at(3), 9, Ssrc(1));
/// assert!(recorder.poll(at(50)).is_none());
/// let window = recorder.poll(at(101)).unwrap();
/// assert_eq!((window.base, window.feedback_count), (7, 0));
/// assert!(window.arrivals().eq([Some(at(1)), None, Some(at(3))]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwccRecorder {
    /// Arrival of each number of the window at `number % WINDOW`;
    /// [`NOT_ARRIVED`] if it did not come. Empty before the first packet.
    arrivals: Vec<Time>,
    highest: Option<ExtSeq>,
    /// First number of the next report.
    next: ExtSeq,
    /// Packets since the last report.
    fresh: u32,
    first_fresh: Time,
    feedback_count: u8,
    media: Option<Ssrc>,
}

/// One report: the packets `base`, `base + 1`, … .
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TwccWindow<'a> {
    /// Number of the first packet.
    pub base: u16,
    /// Running number of the report.
    pub feedback_count: u8,
    /// Some stream of the transport, which the feedback has to name.
    pub media: Ssrc,
    arrivals: &'a [Time],
    first: u64,
    end: u64,
}

const WINDOW: u64 = 1_024;
const NOT_ARRIVED: Time = Time::MAX;
/// A report per 100 ms, or sooner, but at most one per 50 ms, once it has this
/// many packets: about 5 % of the media's rate.
const INTERVAL: Duration = Duration::from_millis(100);
const INTERVAL_MIN: Duration = Duration::from_millis(50);
const PACKETS: u32 = 12;
/// Statuses of one report: it fits a packet even if all deltas take two bytes.
/// Half of them may be losses before the first packet that came.
const MAX_STATUSES: u64 = 400;
/// Deltas are 16 bits of 250 µs: 8.19 s.
const MAX_DELTA: Duration = Duration::from_secs(8);

impl TwccRecorder {
    /// Nothing arrived.
    pub const fn new() -> Self {
        Self {
            arrivals: Vec::new(),
            highest: None,
            next: ExtSeq(0),
            fresh: 0,
            first_fresh: Time::ZERO,
            feedback_count: 0,
            media: None,
        }
    }

    /// Notes that the packet with transport-wide number `seq` of stream `ssrc`
    /// arrived.
    pub fn arrived(&mut self, now: Time, seq: u16, ssrc: Ssrc) {
        let ext = match self.highest {
            None => ExtSeq::first(SeqNo(seq)),
            Some(highest) => highest.nearest(SeqNo(seq)),
        };
        let highest = self.highest.unwrap_or(ext);
        if ext > highest || self.highest.is_none() {
            self.advance(highest, ext);
        } else if ext.0 + WINDOW <= highest.0 {
            return;
        }
        let Some(arrival) = self.arrivals.get_mut((ext.0 % WINDOW) as usize) else { return };
        if *arrival != NOT_ARRIVED {
            return;
        }
        *arrival = now.min(Time::from_nanos(NOT_ARRIVED.as_nanos() - 1));
        self.next = self.next.min(ext);
        self.media = Some(ssrc);
        if self.fresh == 0 {
            self.first_fresh = now;
        }
        self.fresh = self.fresh.saturating_add(1);
    }

    /// The report that is due at `now`. After a burst there may be more than
    /// one: call until `None`.
    pub fn poll(&mut self, now: Time) -> Option<TwccWindow<'_>> {
        if self.next_deadline().is_none_or(|due| now < due) {
            return None;
        }
        let highest = self.highest?;
        let oldest = self.next.0.max((highest.0 + 1).saturating_sub(WINDOW));
        let arrived = |number: &u64| arrival(&self.arrivals, *number).is_some();
        let arrived = (oldest..=highest.0).find(arrived)?;
        let first = oldest.max(arrived.saturating_sub(MAX_STATUSES / 2));
        let (end, counted) = self.end(first, highest.0 + 1);
        self.next = ExtSeq(end);
        // What is left is due at once.
        self.fresh = if end > highest.0 { 0 } else { self.fresh.saturating_sub(counted).max(1) };
        let feedback_count = self.feedback_count;
        self.feedback_count = feedback_count.wrapping_add(1);
        Some(TwccWindow {
            base: ExtSeq(first).seq().0,
            feedback_count,
            media: self.media?,
            arrivals: &self.arrivals,
            first,
            end,
        })
    }

    /// When the next report is due; `None` if nothing arrived since the last.
    pub fn next_deadline(&self) -> Option<Time> {
        let interval = if self.fresh >= PACKETS { INTERVAL_MIN } else { INTERVAL };
        (self.fresh > 0).then(|| self.first_fresh + interval)
    }

    /// Where a report that begins with `first` must end, and how many packets
    /// of it arrived.
    fn end(&self, first: u64, limit: u64) -> (u64, u32) {
        let mut last: Option<Time> = None;
        let mut counted = 0;
        let mut end = first;
        for number in first..limit.min(first + MAX_STATUSES) {
            let Some(arrival) = arrival(&self.arrivals, number) else { continue };
            let far = |last: Time| arrival - last > MAX_DELTA || last - arrival > MAX_DELTA;
            if last.is_some_and(far) {
                break;
            }
            last = Some(arrival);
            counted += 1;
            end = number + 1;
        }
        (end, counted)
    }

    fn advance(&mut self, highest: ExtSeq, ext: ExtSeq) {
        if self.arrivals.is_empty() {
            self.arrivals.resize(WINDOW as usize, NOT_ARRIVED);
            self.next = ext;
        }
        for number in (highest.0 + 1..=ext.0).rev().take(WINDOW as usize) {
            if let Some(arrival) = self.arrivals.get_mut((number % WINDOW) as usize) {
                *arrival = NOT_ARRIVED;
            }
        }
        self.highest = Some(ext);
    }
}

impl<'a> TwccWindow<'a> {
    /// The arrival of each packet, `None` for those that did not come.
    pub fn arrivals(&self) -> impl Iterator<Item = Option<Time>> + Clone + use<'a> {
        let arrivals = self.arrivals;
        (self.first..self.end).map(move |number| arrival(arrivals, number))
    }
}

fn arrival(arrivals: &[Time], number: u64) -> Option<Time> {
    let arrival = arrivals.get((number % WINDOW) as usize).copied();
    arrival.filter(|arrival| *arrival != NOT_ARRIVED)
}

#[cfg(test)]
mod tests;
