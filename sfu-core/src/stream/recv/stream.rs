//! One incoming RTP stream: sequence, loss, jitter, bitrate, and the sender's
//! clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::clock::{CaptureClock, ClockRate, RemoteClock, ntp_offset};
use super::jitter::Jitter;
use super::rate::{Activity, RateMeter};
use super::sequence::{Arrival, ArrivalKind, SeqTracker};
use crate::wire::rtcp::{NtpTime, ReportBlock, SenderInfo};
use crate::wire::{ExtSeq, RtpTime, SeqNo, Ssrc};

/// What we know of one incoming stream.
///
/// ```
/// use sfu_core::stream::recv::{ClockRate, RecvStream};
/// use sfu_core::wire::{RtpTime, SeqNo, Ssrc};
/// use sfu_ice::Time;
/// let mut stream = RecvStream::new(ClockRate::VIDEO);
/// for seq in [1, 2, 4] {
///     stream.push(Time::from_millis(seq.into()), SeqNo(seq), RtpTime(0), 1_000);
/// }
/// let report = stream.report_block(Time::from_millis(10), Ssrc(7)).unwrap();
/// assert_eq!((report.cumulative_lost, report.fraction_lost), (1, 64));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecvStream {
    rate: ClockRate,
    seqs: SeqTracker,
    jitter: Jitter,
    meter: RateMeter,
    activity: Activity,
    /// Newest timestamp, to tell the first packet of a frame.
    timestamp: Option<RtpTime>,
    bytes: u64,
    report: Option<SenderReport>,
}

/// The last sender report and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SenderReport {
    arrival: Time,
    info: SenderInfo,
}

impl RecvStream {
    /// A stream of which nothing was heard.
    pub const fn new(rate: ClockRate) -> Self {
        Self {
            rate,
            seqs: SeqTracker::new(),
            jitter: Jitter::new(rate),
            meter: RateMeter::new(),
            activity: Activity::new(),
            timestamp: None,
            bytes: 0,
            report: None,
        }
    }

    /// Takes in a packet of `bytes` bytes that came on the stream itself.
    pub fn push(&mut self, now: Time, seq: SeqNo, timestamp: RtpTime, bytes: usize) -> Arrival {
        let arrival = self.seqs.push(seq);
        if arrival.kind == ArrivalKind::Reset {
            self.jitter = Jitter::new(self.rate);
            self.timestamp = None;
            // The RTP clock restarted too: the old mapping is about another one.
            self.report = None;
        }
        if matches!(arrival.kind, ArrivalKind::InOrder | ArrivalKind::Reset) {
            self.jitter.push(now, timestamp);
            if self.timestamp != Some(timestamp) {
                self.timestamp = Some(timestamp);
                self.activity.push(now);
            }
        }
        self.count(now, arrival, bytes);
        arrival
    }

    /// Takes in a packet that was recovered by retransmission (RFC 4588),
    /// under its original number. It counts as lost in reports.
    pub fn push_recovered(&mut self, now: Time, seq: SeqNo, bytes: usize) -> Arrival {
        let arrival = self.seqs.push_recovered(seq);
        self.count(now, arrival, bytes);
        arrival
    }

    /// Takes in a sender report of this stream (RFC 3550 §6.4.1).
    pub fn handle_sender_report(&mut self, now: Time, info: &SenderInfo) {
        // An overtaken report would turn the clock back; a stepped clock may.
        let newer = self.report.map_or(1, |last| info.ntp.distance(last.info.ntp));
        if !(-OVERTAKEN..=0).contains(&newer) {
            self.report = Some(SenderReport { arrival: now, info: *info });
        }
    }

    /// The report block for this stream under its SSRC, and the start of a new
    /// interval for its loss; `None` before the first packet.
    pub fn report_block(&mut self, now: Time, ssrc: Ssrc) -> Option<ReportBlock> {
        let highest = self.seqs.highest()?;
        let loss = self.seqs.loss();
        let cumulative = loss.cumulative.clamp(-0x80_0000, 0x7f_ffff);
        let since = |report: SenderReport| NtpTime::to_short(now.since(report.arrival));
        Some(ReportBlock {
            ssrc,
            fraction_lost: loss.fraction,
            cumulative_lost: i32::try_from(cumulative).unwrap_or(0),
            // Extended numbers start one wrap up (see `ExtSeq`); reports start at none.
            highest_seq: (highest.0.saturating_sub(65_536) & 0xffff_ffff) as u32,
            jitter: self.jitter.ticks(),
            last_sr: self.report.map_or(0, |report| report.info.ntp.middle()),
            delay_since_last_sr: self.report.map_or(0, since),
        })
    }

    /// The publisher's wall clock when `timestamp` was captured; `None` before
    /// the first sender report.
    pub fn ntp_at(&self, timestamp: RtpTime) -> Option<NtpTime> {
        let report = self.report?;
        let ticks = i64::from(timestamp.distance(report.info.rtp));
        Some(ntp_offset(report.info.ntp, self.rate.nanos(ticks)))
    }

    /// This stream's RTP clock on our clock; `None` before the first sender
    /// report.
    pub fn capture_clock(&self, remote: &RemoteClock) -> Option<CaptureClock> {
        let SenderReport { info, .. } = self.report?;
        Some(CaptureClock::new(remote.to_local(info.ntp)?, info.rtp, self.rate))
    }

    /// What the sender said last; `None` before its first report.
    pub fn sender_info(&self) -> Option<&SenderInfo> {
        self.report.as_ref().map(|report| &report.info)
    }

    /// Highest number so far.
    pub fn highest(&self) -> Option<ExtSeq> {
        self.seqs.highest()
    }

    /// Packets received, without duplicates and retransmissions.
    pub const fn packets(&self) -> u64 {
        self.seqs.received()
    }

    /// Bytes received, without duplicates.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Interarrival jitter as time.
    pub fn jitter(&self) -> Duration {
        self.jitter.duration()
    }

    /// Bits per second over the last second.
    pub fn bits_per_second(&self, now: Time) -> u64 {
        self.meter.bits_per_second(now)
    }

    /// Whether frames still come at about their usual rate.
    pub fn is_active(&self, now: Time) -> bool {
        self.activity.is_active(now)
    }

    /// Ticks per second of the stream's timestamps.
    pub const fn clock_rate(&self) -> ClockRate {
        self.rate
    }

    fn count(&mut self, now: Time, arrival: Arrival, bytes: usize) {
        if arrival.kind.is_new() {
            self.bytes = self.bytes.saturating_add(bytes as u64);
            self.meter.push(now, bytes);
        }
    }
}

/// Sender reports at most this much older than the newest are ignored: 10 s in
/// units of 2^-32 s.
const OVERTAKEN: i64 = 10 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: Ssrc = Ssrc(7);

    fn info(ntp: u64, rtp: u32, packets: u32) -> SenderInfo {
        SenderInfo { ntp: NtpTime(ntp), rtp: RtpTime(rtp), packets, octets: 9 }
    }

    fn stream_with_report() -> RecvStream {
        let mut stream = RecvStream::new(ClockRate::VIDEO);
        stream.push(Time::from_secs(1), SeqNo(1), RtpTime(u32::MAX - 10), 1_000);
        let report = info(0x1234_5678_9abc_def0, u32::MAX, 7);
        stream.handle_sender_report(Time::from_secs(2), &report);
        stream
    }

    #[test]
    fn report_names_the_last_sender_report() {
        let mut stream = stream_with_report();
        let report = stream.report_block(Time::from_millis(2_500), SSRC).unwrap();
        assert_eq!((report.ssrc, report.highest_seq), (SSRC, 1));
        assert_eq!((report.last_sr, report.delay_since_last_sr), (0x5678_9abc, 0x8000));
    }

    #[test]
    fn overtaken_sender_report_is_ignored() {
        let mut stream = stream_with_report();
        let packets = |stream: &RecvStream| stream.sender_info().unwrap().packets;
        stream.handle_sender_report(Time::from_secs(3), &info(0x1234_5677_9abc_def0, 0, 1));
        assert_eq!(packets(&stream), 7);
        stream.handle_sender_report(Time::from_secs(3), &info(0x1234_0000_0000_0000, 0, 8));
        assert_eq!(packets(&stream), 8, "a clock that was set back is believed");
    }

    #[test]
    fn timestamps_map_to_the_publishers_clock() {
        let stream = stream_with_report();
        let at = stream.ntp_at(RtpTime(45_000 - 1)).unwrap();
        assert_eq!(at.0 - 0x1234_5678_9abc_def0, 0x8000_0000);
        let before = stream.ntp_at(RtpTime(u32::MAX - 90_000)).unwrap();
        assert_eq!(0x1234_5678_9abc_def0 - before.0, 1 << 32);
    }

    #[test]
    fn restart_forgets_the_old_clock() {
        let mut stream = stream_with_report();
        stream.push(Time::from_secs(3), SeqNo(40_000), RtpTime(5), 10);
        stream.push(Time::from_secs(3), SeqNo(40_001), RtpTime(5), 10);
        assert_eq!(stream.ntp_at(RtpTime(5)), None);
        assert_eq!(stream.report_block(Time::from_secs(3), SSRC).unwrap().last_sr, 0);
    }

    #[test]
    fn duplicates_are_not_counted() {
        let mut stream = RecvStream::new(ClockRate::OPUS);
        assert_eq!(stream.report_block(Time::ZERO, SSRC), None);
        for _ in 0..2 {
            stream.push(Time::from_secs(1), SeqNo(1), RtpTime(0), 100);
        }
        assert_eq!((stream.packets(), stream.bytes()), (1, 100));
        assert_eq!(stream.bits_per_second(Time::from_secs(1)), 800);
        assert!(stream.is_active(Time::from_millis(1_400)));
        assert!(!stream.is_active(Time::from_millis(1_600)));
    }
}
