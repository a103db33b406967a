//! RTCP out: to publishers NACK, PLI or FIR, transport-wide feedback and
//! receiver reports; to receivers sender reports. Everything that a transport
//! does because time passes is here.

use std::time::Duration;

use sfu_ice::Time;

use super::consumer::stream_of_key;
use super::egress::Egress;
use super::router::Router;
use super::trace::{Trace, TraceType, TraceTypes, producer_trace};
use super::transport::{Security, Transport, TransportKind, Way};
use crate::wire::rtcp::{FirEntry, Pli, ReportBlock, RtcpWriter};
use crate::wire::{MediaKind, SeqNo, Ssrc};

/// Time between reports on each stream.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How often activity is looked at and selectors are told.
const TICK: Duration = Duration::from_millis(100);
/// Largest compound that we send, before protection.
const MAX_COMPOUND: usize = 1_200;
/// Numbers in one NACK at most.
const MAX_NACKED: usize = 128;
/// Used before a round-trip time is known.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
const EMPTY_BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0),
    fraction_lost: 0,
    cumulative_lost: 0,
    highest_seq: 0,
    jitter: 0,
    last_sr: 0,
    delay_since_last_sr: 0,
};
/// Streams that a bound on what a peer sends is told of at most.
const MAX_CAPPED: usize = 255;
/// A bit rate that nobody reaches: undoes a bound.
const UNCAPPED: u64 = 10_000_000_000;
/// Names us in feedback that is about no stream of ours.
const CNAME: &str = "plenum";
/// Blocks in one report (its count field has five bits).
const MAX_BLOCKS: usize = 31;

impl Router {
    /// Does what is due on a transport at `now`.
    pub(crate) fn report(&mut self, now: Time, key: u32, egress: &mut Egress<'_>) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let (ticked, reports) = (now >= transport.tick_due, now >= transport.report_due);
        let is_pipe = transport.pipe.is_some();
        if ticked {
            transport.tick_due = now + TICK;
            self.tick(now, key);
        }
        if is_pipe {
            self.tell_pipe(now, key, ticked, reports, egress);
        }
        self.send_feedback(now, key, egress);
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        if now >= transport.report_due {
            transport.report_due = now + REPORT_INTERVAL;
            self.send_reports(now, key, egress);
        }
    }

    /// When [`report`](Self::report) has something to do for a transport, or
    /// its connectivity has.
    pub(crate) fn deadline(&self, key: u32) -> Option<Time> {
        let transport = self.transports.get(key as usize)?;
        let mut deadline = match &transport.kind {
            TransportKind::WebRtc(webrtc) => webrtc.peer.poll_timeout(),
            _ => None,
        };
        let mut sooner = |time: Option<Time>| {
            deadline = [deadline, time].into_iter().flatten().min();
        };
        sooner(transport.sctp.as_ref().and_then(|sctp| sctp.poll_timeout()));
        if let Some(pipe) = &transport.pipe {
            sooner(pipe.urgent.then_some(Time::ZERO));
            if transport.can_send() {
                sooner(pipe.ended_due);
                sooner(transport.data.poll_timeout());
            }
        }
        if transport.producers.is_empty() && transport.consumers.is_empty() {
            return deadline;
        }
        if !transport.security.is_ready() {
            return deadline;
        }
        sooner(Some(transport.report_due));
        if !transport.producers.is_empty() || transport.pipe.is_some() {
            sooner(Some(transport.tick_due));
        }
        sooner(transport.allocation.deadline());
        // Without a way for feedback there is no time for it either.
        if transport.takes_rtcp() {
            sooner(transport.twcc_in.next_deadline());
            let rtt = transport.rtt.unwrap_or(DEFAULT_RTT);
            for producer in &transport.producers {
                let Some(producer) = self.producers.get(*producer as usize) else { continue };
                for stream in &producer.streams {
                    if stream.ssrc.is_none() {
                        continue;
                    }
                    sooner(stream.nack.next_deadline());
                    if !producer.paused {
                        sooner(stream.key_frames.deadline(rtt));
                    }
                }
            }
        }
        deadline
    }

    /// Tells the consumers of this transport's producers which encodings are
    /// alive, and has those that wait for a key frame ask for it.
    pub(crate) fn tick(&mut self, now: Time, key: u32) {
        let Some(transport) = self.transports.get(key as usize) else { return };
        for at in 0..transport.producers.len() {
            let producer_key = self.transports.get(key as usize).and_then(|t| t.producers.get(at));
            let Some(&producer_key) = producer_key else { return };
            let Some(producer) = self.producers.get_mut(producer_key as usize) else { continue };
            producer.active = producer.active_streams(now);
            if producer.consumers.is_empty() {
                producer.streams.iter_mut().for_each(|stream| stream.key_frames.satisfied());
            }
            for at in 0..producer.consumers.len() {
                let Some(producer) = self.producers.get(producer_key as usize) else { break };
                let Some(&consumer_key) = producer.consumers.get(at) else { break };
                let Some(consumer) = self.consumers.get_mut(consumer_key as usize) else {
                    continue;
                };
                let before = consumer.awaits_key_frame();
                consumer.update_streams(now, producer);
                let awaits = consumer.awaits_key_frame();
                let open = awaits
                    .and_then(|stream| producer.streams.get(usize::from(stream)))
                    .is_some_and(|stream| stream.key_frames.is_wanted());
                if awaits.is_some() && (awaits != before || !open) {
                    self.ask_key_frame(consumer_key);
                }
            }
        }
    }

    /// NACK, PLI, FIR and transport-wide feedback to a publisher.
    fn send_feedback(&mut self, now: Time, key: u32, egress: &mut Egress<'_>) {
        let Self { transports, producers, traces, id, .. } = self;
        let Some(transport) = transports.get_mut(key as usize) else { return };
        if !transport.security.is_ready() || !transport.takes_rtcp() {
            return;
        }
        let sender = transport.feedback_ssrc;
        let rtt = transport.rtt.unwrap_or(DEFAULT_RTT);
        for at in 0..transport.producers.len() {
            let Some(producer) = transport.producers.get(at) else { break };
            let Some(producer) = producers.get_mut(*producer as usize) else { continue };
            let (paused, traced) = (producer.paused, producer.trace);
            let mut requests = Requests::default();
            for stream in &mut producer.streams {
                let Some(media) = stream.ssrc else { continue };
                let mut missing = [SeqNo(0); MAX_NACKED];
                let mut count = 0;
                let outcome = stream.nack.poll(now, rtt, |seq| {
                    // What finds no place is asked for in the next round.
                    if let Some(place) = missing.get_mut(count) {
                        *place = seq;
                        count += 1;
                    }
                });
                if outcome.needs_key_frame && !paused && producer.config.kind == MediaKind::Video {
                    stream.key_frames.request();
                }
                let missing = missing.get(..count).unwrap_or_default();
                let pli = !paused && stream.key_frames.poll(now, rtt);
                if missing.is_empty() && !pli {
                    continue;
                }
                stream.counters.nacked += missing.len() as u64;
                let codec = producer.config.codecs.get(usize::from(stream.codec));
                let fir = codec.is_some_and(|codec| codec.fir && !codec.pli);
                if pli && fir {
                    stream.fir_seq = stream.fir_seq.wrapping_add(1);
                    stream.counters.firs += 1;
                }
                if !traced.is_empty() {
                    requests.note(traced, media, missing, pli, fir);
                }
                let entry = FirEntry { ssrc: media, command: stream.fir_seq };
                transport.send_compound(egress, |writer| {
                    // What does not fit is asked for again in the next round.
                    let _ = writer.nack(sender, media, missing.iter().copied());
                    if pli {
                        let _ = match fir {
                            true => writer.fir(sender, &[entry]),
                            false => writer.pli(Pli { sender, media }),
                        };
                    }
                });
            }
            traces.extend(
                requests.0.into_iter().map(|trace| producer_trace(*id, producer.id, now, trace)),
            );
        }
        transport.send_twcc(now, egress);
    }

    /// Receiver reports on what a transport sends us, sender reports on what we
    /// send to it.
    fn send_reports(&mut self, now: Time, key: u32, egress: &mut Egress<'_>) {
        let Self { transports, producers, .. } = self;
        let Some(transport) = transports.get_mut(key as usize) else { return };
        if !transport.security.is_ready() {
            return;
        }
        let mut blocks = [EMPTY_BLOCK; MAX_BLOCKS];
        let mut count = 0;
        for at in 0..transport.producers.len() {
            let Some(producer) = transport.producers.get(at) else { break };
            let Some(producer) = producers.get_mut(*producer as usize) else { continue };
            for stream in &mut producer.streams {
                let Some(ssrc) = stream.ssrc else { continue };
                let Some(report) = stream.recv.report_block(now, ssrc) else { continue };
                stream.counters.lost = report.cumulative_lost;
                if count == MAX_BLOCKS {
                    transport.send_receiver_report(egress, &blocks);
                    count = 0;
                }
                if let Some(block) = blocks.get_mut(count) {
                    *block = report;
                    count += 1;
                }
            }
        }
        transport.send_receiver_report(egress, blocks.get(..count).unwrap_or_default());
        if transport.incoming_cap.is_some() || transport.uncapped > 0 {
            let ssrcs = transport.producers.iter().filter_map(|key| producers.get(*key as usize));
            let ssrcs = ssrcs.flat_map(|producer| producer.streams.iter().filter_map(|s| s.ssrc));
            let ssrcs: Vec<Ssrc> = ssrcs.take(MAX_CAPPED).collect();
            transport.send_cap(egress, &ssrcs);
        }
        if !transport.can_send() {
            return;
        }
        let count = transport.consumers.len();
        for at in 0..count {
            let consumer = self.transports.get(key as usize).and_then(|t| t.consumers.get(at));
            let Some(&consumer) = consumer else { return };
            self.send_sender_report(now, consumer, egress);
        }
    }

    /// Tells a receiver how the clock of one of its streams stands.
    pub(crate) fn send_sender_report(&mut self, now: Time, key: u32, egress: &mut Egress<'_>) {
        let Self { transports, producers, consumers, .. } = self;
        let Some(consumer) = consumers.get(key as usize) else { return };
        // An idle slot has nothing to report.
        if consumer.selector.current().is_none() {
            return;
        }
        let clock = consumer.producer.and_then(|producer| {
            let producer = producers.get(producer as usize)?;
            let stream = stream_of_key(producer, consumer.rewriter.source()?)?;
            Some((producer.transport, &producer.streams.get(usize::from(stream))?.recv))
        });
        let clock = clock.and_then(|(publisher, recv)| {
            let remote = &transports.get(publisher as usize)?.clock;
            consumer.rewriter.egress_clock(recv.capture_clock(remote)?)
        });
        let Some(info) = consumer.send.sender_report(now, clock) else { return };
        let (ssrc, cname) = (consumer.config.ssrc, &consumer.config.cname);
        let Some(transport) = transports.get_mut(consumer.transport as usize) else { return };
        transport.send_compound_as(egress, ssrc, cname, |writer| {
            let _ = writer.sender_report(ssrc, &info, &[]);
        });
    }
}

/// What a publisher is asked for, as it is told of.
#[derive(Default)]
struct Requests(Vec<Trace>);

impl Requests {
    fn note(&mut self, of: TraceTypes, ssrc: Ssrc, missing: &[SeqNo], asked: bool, fir: bool) {
        if !missing.is_empty() && of.contains(TraceType::Nack) {
            self.0.push(Trace::nack(ssrc, missing.iter().copied()));
        }
        match (asked, fir) {
            (true, true) if of.contains(TraceType::Fir) => self.0.push(Trace::Fir { ssrc }),
            (true, false) if of.contains(TraceType::Pli) => self.0.push(Trace::Pli { ssrc }),
            _ => {}
        }
    }
}

impl Transport {
    /// Tells the peer how much it may send, all streams together (REMB). Senders
    /// heed it also where transport-wide feedback is in use.
    fn send_cap(&mut self, egress: &mut Egress<'_>, ssrcs: &[Ssrc]) {
        if ssrcs.is_empty() {
            return;
        }
        let (sender, cap) = (self.feedback_ssrc, self.incoming_cap.unwrap_or(UNCAPPED));
        self.uncapped = self.uncapped.saturating_sub(1);
        self.send_compound(egress, |writer| {
            let _ = writer.remb(sender, cap, ssrcs);
        });
    }

    fn send_twcc(&mut self, now: Time, egress: &mut Egress<'_>) {
        let sender = self.feedback_ssrc;
        let Some(to) = self.rtcp_way() else { return };
        // After a burst there may be more than one report.
        while let Some(window) = self.twcc_in.poll(now) {
            let (media, count, base) = (window.media, window.feedback_count, window.base);
            let sent = send_compound(&mut self.security, to, egress, sender, CNAME, |writer| {
                let _ = writer.twcc(sender, media, count, base, window.arrivals());
            });
            self.counters.count_sent(sent);
        }
    }

    fn send_receiver_report(&mut self, egress: &mut Egress<'_>, blocks: &[ReportBlock]) {
        if blocks.is_empty() {
            return;
        }
        let sender = self.feedback_ssrc;
        self.send_compound(egress, |writer| {
            let _ = writer.receiver_report(sender, blocks);
        });
    }

    pub(crate) fn send_compound(
        &mut self,
        egress: &mut Egress<'_>,
        write: impl FnOnce(&mut RtcpWriter<'_>),
    ) -> Option<usize> {
        let ssrc = self.feedback_ssrc;
        self.send_compound_as(egress, ssrc, CNAME, write)
    }

    /// Sends an SCTP packet through a pipe.
    pub(crate) fn send_pipe_data(&mut self, egress: &mut Egress<'_>, begun: bool, packet: &[u8]) {
        let (sender, Some(to)) = (self.feedback_ssrc, self.rtcp_way()) else { return };
        let security = &mut self.security;
        // Without a report in front of it: a packet fills the path.
        let sent = egress.packet(to, MAX_COMPOUND + Security::MAX_OVERHEAD, |buf| {
            let mut writer = RtcpWriter::reduced_size(buf.get_mut(..MAX_COMPOUND)?);
            writer.pipe_sctp(sender, begun, packet).ok()?;
            let len = writer.finish();
            security.protect_rtcp(buf, len)
        });
        self.counters.count_sent(sent);
    }

    fn send_compound_as(
        &mut self,
        egress: &mut Egress<'_>,
        ssrc: Ssrc,
        cname: &str,
        write: impl FnOnce(&mut RtcpWriter<'_>),
    ) -> Option<usize> {
        if matches!(self.kind, TransportKind::Direct) {
            let mut packet = vec![0; MAX_COMPOUND];
            let mut writer = RtcpWriter::compound(&mut packet, ssrc, cname);
            write(&mut writer);
            let len = writer.finish();
            packet.truncate(len);
            if len > 0 {
                self.told.push(packet.into());
                self.counters.count_sent(Some(len));
            }
            return (len > 0).then_some(len);
        }
        let to = self.rtcp_way()?;
        let sent = send_compound(&mut self.security, to, egress, ssrc, cname, write);
        self.counters.count_sent(sent);
        sent
    }
}

fn send_compound(
    security: &mut Security,
    to: Way,
    egress: &mut Egress<'_>,
    ssrc: Ssrc,
    cname: &str,
    write: impl FnOnce(&mut RtcpWriter<'_>),
) -> Option<usize> {
    egress.packet(to, MAX_COMPOUND + Security::MAX_OVERHEAD, |buf| {
        let mut writer = RtcpWriter::compound(buf.get_mut(..MAX_COMPOUND)?, ssrc, cname);
        write(&mut writer);
        let len = writer.finish();
        if len == 0 { None } else { security.protect_rtcp(buf, len) }
    })
}
