//! One outgoing RTP stream: its counters, its sender reports, and what the
//! receiver reports of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::stream::recv::{CaptureClock, ClockRate, RateMeter, ntp_at};
use crate::wire::RtpTime;
use crate::wire::rtcp::{NtpTime, ReportBlock, SenderInfo};

/// What we know of one outgoing stream.
///
/// ```
/// use std::time::Duration;
/// use sfu_core::stream::recv::ClockRate;
/// use sfu_core::stream::send::SendStream;
/// use sfu_core::wire::rtcp::ReportBlock;
/// use sfu_core::wire::{RtpTime, Ssrc};
/// use sfu_ice::Time;
///
/// let mut stream = SendStream::new(ClockRate::VIDEO);
/// stream.push(Time::from_secs(1), RtpTime(0), 1_100);
/// let info = stream.sender_report(Time::from_secs(2), None).unwrap();
/// assert_eq!((info.packets, info.octets, info.rtp), (1, 1_100, RtpTime(90_000)));
///
/// // The receiver got the report after 30 ms and answers half a second later.
/// let report = ReportBlock {
///     ssrc: Ssrc(7),
///     fraction_lost: 0,
///     cumulative_lost: 0,
///     highest_seq: 1,
///     jitter: 0,
///     last_sr: info.ntp.middle(),
///     delay_since_last_sr: 0x8000,
/// };
/// stream.handle_report_block(Time::from_millis(2_560), &report);
/// assert!(stream.rtt().unwrap().as_micros().abs_diff(60_000) < 50);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendStream {
    rate: ClockRate,
    packets: u64,
    octets: u64,
    retransmitted: u64,
    meter: RateMeter,
    newest: Option<(Time, RtpTime)>,
    remote: Option<RemoteReport>,
    /// Smoothed.
    rtt: Option<Duration>,
}

/// What the receiver said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RemoteReport {
    /// When its report came.
    pub arrival: Time,
    /// Loss since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start.
    pub cumulative_lost: i32,
    /// Interarrival jitter, in clock ticks.
    pub jitter: u32,
}

/// A round trip longer than this is a broken report.
const RTT_MAX: Duration = Duration::from_secs(30);

impl SendStream {
    /// A stream of which nothing was sent.
    pub const fn new(rate: ClockRate) -> Self {
        Self {
            rate,
            packets: 0,
            octets: 0,
            retransmitted: 0,
            meter: RateMeter::new(),
            newest: None,
            remote: None,
            rtt: None,
        }
    }

    /// Counts a packet with `payload` octets of payload, padding not counted.
    pub fn push(&mut self, now: Time, timestamp: RtpTime, payload: usize) {
        self.packets += 1;
        self.octets = self.octets.saturating_add(payload as u64);
        self.meter.push(now, payload);
        if self.newest.is_none_or(|(_, newest)| timestamp.distance(newest) > 0) {
            self.newest = Some((now, timestamp));
        }
    }

    /// Counts a retransmission under this stream's own SSRC or under its RTX
    /// SSRC: it is no part of the sender report's counts of the media.
    pub fn push_retransmission(&mut self) {
        self.retransmitted += 1;
    }

    /// The values of a sender report at `now`; `None` before the first packet.
    ///
    /// `clock` is the egress clock from
    /// [`Rewriter::egress_clock`](super::Rewriter::egress_clock). Without it the
    /// newest packet counts as captured when it was sent, which differs from
    /// the truth by the publisher's jitter only: also [`RemoteClock`] counts
    /// the network delay as part of capture.
    ///
    /// [`RemoteClock`]: crate::stream::recv::RemoteClock
    pub fn sender_report(&self, now: Time, clock: Option<CaptureClock>) -> Option<SenderInfo> {
        let (sent, timestamp) = self.newest?;
        let clock = clock.unwrap_or_else(|| CaptureClock::new(sent, timestamp, self.rate));
        Some(SenderInfo {
            ntp: ntp_at(now),
            rtp: clock.rtp_at(now),
            packets: (self.packets & 0xffff_ffff) as u32,
            octets: (self.octets & 0xffff_ffff) as u32,
        })
    }

    /// Takes in a receiver's report block about this stream.
    pub fn handle_report_block(&mut self, now: Time, report: &ReportBlock) {
        self.remote = Some(RemoteReport {
            arrival: now,
            fraction_lost: report.fraction_lost,
            cumulative_lost: report.cumulative_lost,
            jitter: report.jitter,
        });
        if report.last_sr == 0 {
            return;
        }
        let since = ntp_at(now).middle().wrapping_sub(report.last_sr);
        let units = since.wrapping_sub(report.delay_since_last_sr);
        // Both ends round to 1/65536 s: on a fast path the sum may fall below zero.
        let units = if units.cast_signed() < 0 && units.cast_signed() > -64 { 0 } else { units };
        let sample = NtpTime::from_short(units);
        if sample > RTT_MAX {
            return;
        }
        self.rtt = Some(self.rtt.map_or(sample, |rtt| rtt - rtt / 8 + sample / 8));
    }

    /// Smoothed round-trip time; `None` until a report told.
    pub const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// What the receiver said last.
    pub const fn remote_report(&self) -> Option<&RemoteReport> {
        self.remote.as_ref()
    }

    /// Ticks of its clock, in seconds.
    pub fn seconds(&self, ticks: u32) -> f64 {
        f64::from(ticks) / f64::from(self.rate.hz())
    }

    /// Packets sent, without retransmissions.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload octets sent, without retransmissions.
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Retransmissions sent.
    pub const fn retransmitted(&self) -> u64 {
        self.retransmitted
    }

    /// Bits of payload per second over the last second, without retransmissions.
    pub fn bits_per_second(&self, now: Time) -> u64 {
        self.meter.bits_per_second(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ssrc;

    fn report(sent: Time, delay: u32) -> ReportBlock {
        ReportBlock {
            ssrc: Ssrc(7),
            fraction_lost: 12,
            cumulative_lost: 3,
            highest_seq: 9,
            jitter: 5,
            last_sr: ntp_at(sent).middle(),
            delay_since_last_sr: delay,
        }
    }

    #[test]
    fn report_gives_the_rtp_clock_at_the_same_instant() {
        let mut stream = SendStream::new(ClockRate::OPUS);
        assert_eq!(stream.sender_report(Time::from_secs(1), None), None);
        stream.push(Time::from_secs(9), RtpTime(u32::MAX), 100);
        let clock = CaptureClock::new(Time::from_millis(8_950), RtpTime(u32::MAX), ClockRate::OPUS);
        let info = stream.sender_report(Time::from_millis(9_500), Some(clock)).unwrap();
        assert_eq!(info.rtp, RtpTime(26_400 - 1));
        assert_eq!(info.ntp, ntp_at(Time::from_millis(9_500)));
    }

    #[test]
    fn round_trip_is_measured_across_the_wrap_and_nonsense_ignored() {
        let mut stream = SendStream::new(ClockRate::OPUS);
        // 65,536 s: the middle 32 bits wrap between report and answer.
        let block = report(Time::from_millis(65_535_990), 655);
        stream.handle_report_block(Time::from_millis(65_536_100), &block);
        let rtt = stream.rtt().unwrap();
        assert_eq!(rtt.as_millis(), 100);
        let forged = ReportBlock { last_sr: 1 << 31, ..block };
        stream.handle_report_block(Time::from_millis(65_536_200), &forged);
        let silent = ReportBlock { last_sr: 0, ..block };
        stream.handle_report_block(Time::from_millis(65_536_200), &silent);
        assert_eq!(stream.rtt(), Some(rtt));
        assert_eq!(stream.remote_report().unwrap().fraction_lost, 12);
    }

    #[test]
    fn rounding_on_a_fast_path_is_not_an_hour() {
        let mut stream = SendStream::new(ClockRate::OPUS);
        stream.handle_report_block(Time::from_secs(11), &report(Time::from_secs(10), 65_537));
        assert_eq!(stream.rtt(), Some(Duration::ZERO));
    }
}
