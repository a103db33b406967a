//! What one participant receives: slots, their order, feedback to the server.

use std::time::Duration;

use sfu_core::stream::recv::{ArrivalKind, ClockRate, NackGenerator, RecvStream, TwccRecorder};
use sfu_core::wire::rtcp::{Compound, Pli, ReportBlock, RtcpPacket, RtcpWriter};
use sfu_core::wire::rtp::{RtpView, rtx};
use sfu_core::wire::srtp::Inbound;
use sfu_core::wire::{ExtSeq, MediaKind, PayloadType, SeqNo, Ssrc};
use sfu_ice::Time;

use super::clock::Stamp;
use super::continuity::{AudioCheck, AudioPacket, VideoCheck, VideoPacket};
use super::histogram::Histogram;
use super::marker::Marker;
use super::measure::Received;
use super::microphone;
use super::packet::extension;
use super::path::Path;
use super::reorder::Reorder;
use super::sdp::{AUDIO_PAYLOAD_TYPE, SentSection, SlotSpec, VIDEO_PAYLOAD_TYPE};

const REPORTS: Duration = Duration::from_secs(1);
/// Between two requests for a key frame of one slot.
const PLI_INTERVAL: Duration = Duration::from_millis(500);
/// How long a missing packet is waited for.
const VIDEO_PATIENCE: Duration = Duration::from_millis(500);
const AUDIO_PATIENCE: Duration = Duration::from_millis(200);
/// Round trips on loopback are shorter; the server may be busy.
const ROUND_TRIP: Duration = Duration::from_millis(50);
const CNAME: &str = "bench";
/// Tag of an AEAD (RFC 7714 §5.3), the only profiles that we accept.
const TAG: usize = 16;
/// Missing packets named at once.
const MAX_NACKS: usize = 64;

/// Residence times, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Residence {
    pub(crate) audio: Histogram,
    pub(crate) video: Histogram,
}

impl Residence {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.audio.merge(&other.audio);
        self.video.merge(&other.video);
    }
}

pub(crate) struct Receiver {
    streams: Vec<Stream>,
    /// Index into `streams` by SSRC, sorted; true for retransmissions.
    by_ssrc: Vec<(u32, usize, bool)>,
    inbound: Option<Inbound>,
    /// Look into payloads, which takes decryption.
    look_inside: bool,
    twcc: TwccRecorder,
    ssrc: Ssrc,
    reports_due: Time,
    pub(crate) count: Received,
}

struct Stream {
    mid: String,
    ssrc: Ssrc,
    recv: RecvStream,
    nack: NackGenerator,
    order: Order,
    pli_at: Time,
    /// Packets since the last report.
    fresh: bool,
}

enum Order {
    Audio(Reorder<AudioPacket>, AudioCheck),
    Video(Reorder<VideoPacket>, VideoCheck),
}

impl Receiver {
    pub(crate) fn new(
        specs: &[SlotSpec],
        sections: &[SentSection],
        ssrc: Ssrc,
        look_inside: bool,
    ) -> Self {
        let mut streams = Vec::new();
        let mut by_ssrc = Vec::new();
        for section in sections {
            let Some(spec) = specs.iter().find(|spec| spec.mid == section.mid) else { continue };
            by_ssrc.push((section.ssrc.0, streams.len(), false));
            by_ssrc.extend(section.rtx_ssrc.map(|rtx| (rtx.0, streams.len(), true)));
            streams.push(Stream::new(spec, section.ssrc));
        }
        by_ssrc.sort_unstable();
        Self {
            streams,
            by_ssrc,
            inbound: None,
            look_inside,
            twcc: TwccRecorder::new(),
            ssrc,
            reports_due: Time::MAX,
            count: Received::default(),
        }
    }

    /// Keys are there.
    pub(crate) fn begin(&mut self, now: Time, inbound: Inbound) {
        self.inbound = Some(inbound);
        self.reports_due = now + REPORTS;
    }

    /// Which slots carry somebody, by their mids.
    pub(crate) fn set_shown(&mut self, now: Stamp, shown: impl Fn(&str) -> bool) {
        for stream in &mut self.streams {
            if let Order::Video(_, check) = &mut stream.order {
                check.set_shown(shown(&stream.mid), now);
            }
        }
    }

    /// Counting starts anew.
    pub(crate) fn begin_counting(&mut self, now: Stamp) {
        self.count = Received::default();
        for stream in &mut self.streams {
            match &mut stream.order {
                Order::Video(order, check) => {
                    order.late = 0;
                    check.begin(now);
                }
                Order::Audio(order, _) => order.late = 0,
            }
        }
    }

    /// Counting ends.
    pub(crate) fn finish_counting(&mut self, now: Stamp) {
        for stream in &mut self.streams {
            match &mut stream.order {
                Order::Video(order, check) => {
                    self.count.late += order.late;
                    check.finish(now, &mut self.count);
                }
                Order::Audio(order, _) => self.count.late += order.late,
            }
        }
    }

    /// Takes in one SRTP packet.
    pub(crate) fn handle_rtp(
        &mut self,
        now: Time,
        arrived: Stamp,
        packet: &mut [u8],
        residence: &mut Residence,
    ) {
        let Some(len) = self.open(packet) else {
            self.count.rejected += 1;
            return;
        };
        if self.receive(now, arrived, &mut packet[..len], residence).is_none() {
            self.count.rejected += 1;
        }
    }

    /// Takes in one SRTCP packet; `tell` gets what concerns what we send.
    pub(crate) fn handle_rtcp(
        &mut self,
        now: Time,
        packet: &mut [u8],
        mut tell: impl FnMut(&RtcpPacket<'_>),
    ) {
        let Some(inbound) = &mut self.inbound else { return };
        let Ok(len) = inbound.unprotect_rtcp(packet) else {
            self.count.rejected += 1;
            return;
        };
        let Ok(compound) = Compound::parse(&packet[..len]) else {
            self.count.rejected += 1;
            return;
        };
        for packet in compound.packets().flatten() {
            if let RtcpPacket::SenderReport(report) = &packet {
                let at = self.streams.iter_mut().find(|stream| stream.ssrc == report.ssrc);
                if let Some(stream) = at {
                    stream.recv.handle_sender_report(now, &report.info);
                }
            }
            tell(&packet);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self) -> Time {
        let streams = self.streams.iter().filter_map(Stream::deadline);
        let feedback = streams.chain(self.twcc.next_deadline()).min().unwrap_or(Time::MAX);
        self.reports_due.min(feedback)
    }

    /// Sends the feedback that is due and gives up what did not come.
    pub(crate) fn handle_timeout(&mut self, now: Time, path: &mut Path, scratch: &mut [u8]) {
        self.ask(now, path, scratch);
        while let Some(window) = self.twcc.poll(now) {
            let (media, count, base) = (window.media, window.feedback_count, window.base);
            let mut writer = RtcpWriter::reduced_size(&mut scratch[..1_200]);
            let _ = writer.twcc(self.ssrc, media, count, base, window.arrivals());
            let len = writer.finish();
            path.send_rtcp(scratch, len);
        }
        if now >= self.reports_due {
            self.reports_due = now + REPORTS;
            self.report(now, path, scratch);
        }
    }

    /// Authenticates and decrypts; the length of what is inside.
    fn open(&mut self, packet: &mut [u8]) -> Option<usize> {
        if !self.look_inside {
            return packet.len().checked_sub(TAG);
        }
        self.inbound.as_mut()?.unprotect_rtp(packet).ok()
    }

    /// `None` if the packet is not as it should be.
    fn receive(
        &mut self,
        now: Time,
        arrived: Stamp,
        packet: &mut [u8],
        residence: &mut Residence,
    ) -> Option<()> {
        let view = RtpView::parse(packet).ok()?;
        let ssrc = view.ssrc();
        if let Some(&[a, b]) = view.element(extension::TRANSPORT_CC).and_then(<[u8]>::first_chunk) {
            self.twcc.arrived(now, u16::from_be_bytes([a, b]), ssrc);
        }
        let at = self.by_ssrc.binary_search_by_key(&ssrc.0, |entry| entry.0).ok()?;
        let (_, index, is_repair) = self.by_ssrc[at];
        let stream = &mut self.streams[index];
        if !is_repair {
            stream.receive(now, arrived, packet, false, &mut self.count, residence)?;
        } else if self.look_inside {
            // Whose payload is empty is padding.
            if let Some(original) = rtx::unwrap(packet, stream.ssrc, stream.payload_type()).ok()? {
                let packet = &packet[original.start..];
                self.count.repaired += 1;
                stream.receive(now, arrived, packet, true, &mut self.count, residence)?;
            }
        }
        Some(())
    }

    /// NACKs and PLIs.
    fn ask(&mut self, now: Time, path: &mut Path, scratch: &mut [u8]) {
        let Self { streams, count, ssrc, .. } = self;
        for stream in streams {
            match &mut stream.order {
                Order::Audio(order, check) => {
                    order.expire(now, |ordered| check.handle(ordered, count));
                }
                Order::Video(order, check) => {
                    order.expire(now, |ordered| check.handle(ordered, count));
                    let mut missing = [SeqNo(0); MAX_NACKS];
                    let mut asked = 0;
                    stream.nack.poll(now, ROUND_TRIP, |seq| {
                        if let Some(place) = missing.get_mut(asked) {
                            *place = seq;
                            asked += 1;
                        }
                    });
                    let pli = check.wants_key_frame && now >= stream.pli_at;
                    if asked == 0 && !pli {
                        continue;
                    }
                    let mut writer = RtcpWriter::compound(&mut scratch[..1_200], *ssrc, CNAME);
                    // Both fit.
                    let _ = writer.nack(*ssrc, stream.ssrc, missing[..asked].iter().copied());
                    if pli {
                        let _ = writer.pli(Pli { sender: *ssrc, media: stream.ssrc });
                        stream.pli_at = now + PLI_INTERVAL;
                    }
                    count.nacks += asked as u64;
                    count.plis += u64::from(pli);
                    let len = writer.finish();
                    path.send_rtcp(scratch, len);
                }
            }
        }
    }

    fn report(&mut self, now: Time, path: &mut Path, scratch: &mut [u8]) {
        const NONE: ReportBlock = ReportBlock {
            ssrc: Ssrc(0),
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_seq: 0,
            jitter: 0,
            last_sr: 0,
            delay_since_last_sr: 0,
        };
        let mut blocks = [NONE; 31];
        let fresh = self.streams.iter_mut().filter_map(|stream| {
            let fresh = std::mem::take(&mut stream.fresh);
            fresh.then(|| stream.recv.report_block(now, stream.ssrc)).flatten()
        });
        let mut count = 0;
        for (place, block) in blocks.iter_mut().zip(fresh) {
            *place = block;
            count += 1;
        }
        let mut writer = RtcpWriter::compound(&mut scratch[..1_200], self.ssrc, CNAME);
        let _ = writer.receiver_report(self.ssrc, &blocks[..count]);
        let len = writer.finish();
        path.send_rtcp(scratch, len);
    }
}

impl Stream {
    fn new(spec: &SlotSpec, ssrc: Ssrc) -> Self {
        let (rate, order) = match spec.kind {
            MediaKind::Audio => {
                let order = Reorder::new(AUDIO_PATIENCE);
                (ClockRate::OPUS, Order::Audio(order, AudioCheck::default()))
            }
            MediaKind::Video => {
                let order = Reorder::new(VIDEO_PATIENCE);
                (ClockRate::VIDEO, Order::Video(order, VideoCheck::default()))
            }
        };
        Self {
            mid: spec.mid.clone(),
            ssrc,
            recv: RecvStream::new(rate),
            nack: NackGenerator::new(spec.kind),
            order,
            pli_at: Time::ZERO,
            fresh: false,
        }
    }

    fn payload_type(&self) -> PayloadType {
        PayloadType(match self.order {
            Order::Audio(..) => AUDIO_PAYLOAD_TYPE,
            Order::Video(..) => VIDEO_PAYLOAD_TYPE,
        })
    }

    fn deadline(&self) -> Option<Time> {
        match &self.order {
            Order::Audio(order, _) => order.deadline(),
            Order::Video(order, check) => {
                let pli = check.wants_key_frame.then_some(self.pli_at);
                let nack = self.nack.next_deadline();
                order.deadline().into_iter().chain(nack).chain(pli).min()
            }
        }
    }

    fn receive(
        &mut self,
        now: Time,
        arrived: Stamp,
        packet: &[u8],
        repaired: bool,
        count: &mut Received,
        residence: &mut Residence,
    ) -> Option<()> {
        let view = RtpView::parse(packet).ok()?;
        let (seq, timestamp) = (view.seq(), view.timestamp());
        self.fresh = true;
        let ext = if repaired {
            self.recv.push_recovered(now, seq, packet.len()).ext
        } else {
            let arrival = self.recv.push(now, seq, timestamp, packet.len());
            if arrival.kind == ArrivalKind::Suspect {
                // The server never restarts a stream; the reordering will see it.
                ExtSeq::first(seq)
            } else {
                arrival.ext
            }
        };
        count.packets += 1;
        match &mut self.order {
            Order::Audio(order, check) => {
                count.audio_packets += 1;
                let marker = view.payload().get(microphone::MARKER_AT..).and_then(Marker::read);
                if let Some(marker) = marker {
                    residence.audio.add(arrived.since(marker.sent));
                }
                let publisher = marker.map(|marker| marker.publisher);
                let packet = AudioPacket { publisher, timestamp: timestamp.0 };
                order.push(now, seq.0, packet, |ordered| check.handle(ordered, count));
            }
            Order::Video(order, check) => {
                count.video_packets += 1;
                count.video_bytes += view.payload().len() as u64;
                self.nack.push(now, ext, repaired, Duration::ZERO);
                let (timestamp, ends) = (timestamp.0, view.marker());
                let packet = match VideoPacket::read(timestamp, ends, arrived, view.payload()) {
                    Some((marker, packet)) => {
                        if !repaired {
                            residence.video.add(arrived.since(marker.sent));
                        }
                        packet
                    }
                    None => VideoPacket::outside(timestamp, ends, arrived),
                };
                order.push(now, seq.0, packet, |ordered| check.handle(ordered, count));
            }
        }
        Some(())
    }
}
