//! Clocks: the publisher's wall clock, a stream's RTP clock, and our own.
//!
//! Sender reports tie a stream's RTP timestamps to the publisher's wall clock;
//! [`RemoteClock`] ties that wall clock to ours, once per transport, so that
//! all streams of a publisher move together and lip-sync stays exact. The
//! result for one stream is a [`CaptureClock`]: it says when, on our clock, a
//! packet was captured. Our own wall clock in sender reports is [`ntp_at`].

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::RtpTime;
use crate::wire::rtcp::NtpTime;

/// Ticks per second of an RTP timestamp (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockRate(NonZeroU32);

impl ClockRate {
    /// 90 kHz: every video payload format in use.
    pub const VIDEO: Self = Self::constant(90_000);
    /// 48 kHz: Opus (RFC 7587 §4.1).
    pub const OPUS: Self = Self::constant(48_000);

    /// A rate in Hz; `None` for zero.
    pub const fn new(hz: u32) -> Option<Self> {
        match NonZeroU32::new(hz) {
            Some(hz) => Some(Self(hz)),
            None => None,
        }
    }

    /// The rate in Hz.
    pub const fn hz(self) -> u32 {
        self.0.get()
    }

    /// `nanos` nanoseconds in ticks, rounded to the nearest, saturating.
    pub fn ticks(self, nanos: i64) -> i64 {
        let scaled = i128::from(nanos) * i128::from(self.hz());
        let half = if scaled < 0 { -(NANOS / 2) } else { NANOS / 2 };
        clamp_i64((scaled + half) / NANOS)
    }

    /// `ticks` ticks in nanoseconds, saturating.
    pub fn nanos(self, ticks: i64) -> i64 {
        clamp_i64(i128::from(ticks) * NANOS / i128::from(self.hz()))
    }

    const fn constant(hz: u32) -> Self {
        match NonZeroU32::new(hz) {
            Some(hz) => Self(hz),
            None => Self(NonZeroU32::MIN),
        }
    }
}

/// What our wall clock shows in sender reports at `time`: the time since the
/// host's origin (RFC 3550 §4 allows any origin, receivers use differences).
pub fn ntp_at(time: Time) -> NtpTime {
    let nanos = u128::from(time.as_nanos());
    // At most 2^64 · 2^32 / 10^9 < 2^67: the era is cut off as NTP does.
    #[allow(clippy::cast_possible_truncation)]
    NtpTime(((nanos << 32) / 1_000_000_000) as u64)
}

/// Where a stream's RTP clock stood at one instant of our clock.
///
/// ```
/// use sfu_core::stream::recv::{CaptureClock, ClockRate};
/// use sfu_core::wire::RtpTime;
/// use sfu_ice::Time;
/// let clock = CaptureClock::new(Time::from_secs(10), RtpTime(90_000), ClockRate::VIDEO);
/// assert_eq!(clock.time_at(RtpTime(45_000)), Time::from_millis(9_500));
/// assert_eq!(clock.rtp_at(Time::from_secs(11)), RtpTime(180_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureClock {
    local: Time,
    rtp: RtpTime,
    rate: ClockRate,
}

impl CaptureClock {
    /// The clock that read `rtp` at `local`.
    pub const fn new(local: Time, rtp: RtpTime, rate: ClockRate) -> Self {
        Self { local, rtp, rate }
    }

    /// When the clock reads `rtp`, within half a wrap of the anchor.
    pub fn time_at(&self, rtp: RtpTime) -> Time {
        let nanos = self.rate.nanos(i64::from(rtp.distance(self.rtp)));
        Time::from_nanos(self.local.as_nanos().saturating_add_signed(nanos))
    }

    /// What the clock reads at `time`.
    pub fn rtp_at(&self, time: Time) -> RtpTime {
        self.rtp.offset(wrap_u32(self.rate.ticks(signed_nanos(time, self.local))))
    }

    /// The same clock after `ticks` were added to every timestamp.
    #[must_use]
    pub const fn shifted(self, ticks: u32) -> Self {
        Self { rtp: self.rtp.offset(ticks), ..self }
    }
}

/// Offset between a publisher's wall clock and ours, from the arrival times of
/// its sender reports.
///
/// A report arrives later than it was written, never earlier, so the smallest
/// difference of the last half minute is the best estimate. The estimate then
/// moves towards it by at most 1 % of the time that passed, so that drift is
/// followed and no stream jumps; only a step of the publisher's clock, more
/// than a second away from all estimates, is taken at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteClock {
    state: Option<Offset>,
}

impl RemoteClock {
    /// A clock that knows nothing yet.
    pub const fn new() -> Self {
        Self { state: None }
    }

    /// Takes in the wall clock of a sender report that arrived at `now`, of
    /// any stream of the transport.
    pub fn handle_sender_report(&mut self, now: Time, ntp: NtpTime) {
        match &mut self.state {
            Some(state) => state.update(now, ntp),
            None => self.state = Some(Offset::new(now, ntp)),
        }
    }

    /// Our time at which the publisher's wall clock shows `ntp`, network delay
    /// of the fastest report included; `None` before the first report.
    pub fn to_local(&self, ntp: NtpTime) -> Option<Time> {
        let state = self.state.as_ref()?;
        let nanos = ntp_nanos(ntp, state.anchor).saturating_add(state.offset);
        Some(Time::from_nanos(u64::try_from(nanos).unwrap_or(0)))
    }
}

/// Buckets of the minimum filter and the span of each: 8 × 4 s.
const BUCKETS: usize = 8;
const BUCKET_NANOS: i64 = 4_000_000_000;
/// Further away than this is a stepped clock, not delay or drift.
const STEP_NANOS: i64 = 1_000_000_000;
/// Reports in a row that must agree before a step forward in delay is believed.
const STEP_REPORTS: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Offset {
    /// Origin of remote time; differences from it never wrap in practice.
    anchor: NtpTime,
    /// Local minus remote time since `anchor`, in nanoseconds.
    offset: i64,
    minima: [i64; BUCKETS],
    bucket: u8,
    bucket_start: Time,
    updated: Time,
    high: u8,
}

impl Offset {
    fn new(now: Time, ntp: NtpTime) -> Self {
        let offset = local_nanos(now);
        Self {
            anchor: ntp,
            offset,
            minima: [offset; BUCKETS],
            bucket: 0,
            bucket_start: now,
            updated: now,
            high: 0,
        }
    }

    fn update(&mut self, now: Time, ntp: NtpTime) {
        let sample = local_nanos(now).saturating_sub(ntp_nanos(ntp, self.anchor));
        let error = sample.saturating_sub(self.offset);
        self.high = if error > STEP_NANOS { self.high.saturating_add(1) } else { 0 };
        if error < -STEP_NANOS || self.high >= STEP_REPORTS {
            *self = Self::new(now, ntp);
            return;
        }
        self.turn_buckets(now, sample);
        if let Some(minimum) = self.minima.get_mut(usize::from(self.bucket)) {
            *minimum = sample.min(*minimum);
        }
        let target = self.minima.iter().copied().min().unwrap_or(self.offset);
        let limit = signed_nanos(now, self.updated) / 100;
        let step = target.saturating_sub(self.offset).clamp(-limit.max(0), limit.max(0));
        self.offset = self.offset.saturating_add(step);
        self.updated = self.updated.max(now);
    }

    fn turn_buckets(&mut self, now: Time, sample: i64) {
        let turns = signed_nanos(now, self.bucket_start) / BUCKET_NANOS;
        for _ in 0..turns.min(BUCKETS as i64) {
            self.bucket = (self.bucket + 1) % BUCKETS as u8;
            if let Some(minimum) = self.minima.get_mut(usize::from(self.bucket)) {
                *minimum = sample;
            }
        }
        if turns > 0 {
            self.bucket_start = now;
        }
    }
}

const NANOS: i128 = 1_000_000_000;

/// `ntp` minus `anchor` in nanoseconds, correct across the era of 2036.
fn ntp_nanos(ntp: NtpTime, anchor: NtpTime) -> i64 {
    let difference = ntp.0.wrapping_sub(anchor.0).cast_signed();
    clamp_i64((i128::from(difference) * NANOS) >> 32)
}

/// `ntp` moved by `nanos` nanoseconds.
pub(super) fn ntp_offset(ntp: NtpTime, nanos: i64) -> NtpTime {
    let units = clamp_i64((i128::from(nanos) << 32) / NANOS);
    NtpTime(ntp.0.wrapping_add_signed(units))
}

fn local_nanos(time: Time) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// `to` minus `from` in nanoseconds.
pub(in crate::stream) fn signed_nanos(to: Time, from: Time) -> i64 {
    clamp_i64(i128::from(to.as_nanos()) - i128::from(from.as_nanos()))
}

/// The low 32 bits, as RTP timestamps wrap.
pub(in crate::stream) const fn wrap_u32(ticks: i64) -> u32 {
    (ticks & 0xffff_ffff) as u32
}

fn clamp_i64(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
