//! RTCP in: what publishers report about what they send, and receivers about
//! what they get.

use sfu_ice::demux::{PacketClass, classify};
use sfu_ice::{Time, Tuple};

use super::router::Router;
use super::trace::{Trace, TraceType, producer_trace};
use super::transport::{SecurityError, TransportKind};
use crate::wire::Ssrc;
use crate::wire::buf::Pool;
use crate::wire::rtcp::{Compound, Nack, ReportBlock, RtcpPacket, SenderReport};

/// NACKed packets that wait for one transport at most.
const MAX_RESEND: usize = 1024;

impl Router {
    /// Takes in one compound RTCP packet of a transport.
    pub(crate) fn handle_rtcp(&mut self, now: Time, key: u32, tuple: Tuple, datagram: &mut [u8]) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        if !transport.admits(&tuple, true) {
            transport.counters.refused.unknown_stream += 1;
            return;
        }
        transport.counters.packets_received += 1;
        transport.counters.bytes_received += datagram.len() as u64;
        let len = match transport.security.unprotect_rtcp(datagram) {
            Ok(len) => len,
            Err(SecurityError::NoKeys) => {
                transport.counters.refused.no_keys += 1;
                return;
            }
            Err(SecurityError::Srtp(_)) => {
                transport.counters.refused.srtcp += 1;
                return;
            }
        };
        self.handle_compound(now, key, Some(tuple), datagram.get(..len).unwrap_or_default());
    }

    /// Takes in a compound packet of whoever stands behind a direct transport.
    pub(crate) fn handle_told_rtcp(&mut self, now: Time, key: u32, packet: &[u8]) {
        if let Some(transport) = self.transports.get_mut(key as usize) {
            transport.counters.packets_received += 1;
            transport.counters.bytes_received += packet.len() as u64;
        }
        self.handle_compound(now, key, None, packet);
    }

    fn handle_compound(&mut self, now: Time, key: u32, from: Option<Tuple>, bytes: &[u8]) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let compound = Compound::parse(bytes);
        let Ok(compound) = compound else {
            transport.counters.refused.rtcp += 1;
            return;
        };
        if let TransportKind::Plain(plain) = &mut transport.kind
            && let Some(tuple) = from
            && plain.learn_rtcp(tuple)
        {
            self.transport_ready(now, key);
        }
        for packet in compound.packets() {
            match packet {
                Ok(packet) => self.handle_rtcp_packet(now, key, &packet),
                Err(_) => {
                    if let Some(transport) = self.transports.get_mut(key as usize) {
                        transport.counters.refused.rtcp += 1;
                    }
                }
            }
        }
    }

    /// Takes in one packet that came by a link in this process.
    pub(crate) fn handle_linked(
        &mut self,
        now: Time,
        key: u32,
        packet: &mut [u8],
        pool: &mut Pool,
    ) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        transport.counters.packets_received += 1;
        transport.counters.bytes_received += packet.len() as u64;
        match classify(packet) {
            PacketClass::Rtp => self.ingest(now, key, packet, pool),
            PacketClass::Rtcp => self.handle_compound(now, key, None, packet),
            _ => transport.counters.refused.rtp += 1,
        }
    }

    fn handle_rtcp_packet(&mut self, now: Time, key: u32, packet: &RtcpPacket<'_>) {
        match packet {
            RtcpPacket::SenderReport(report) => {
                self.handle_sender_report(now, key, report);
                for block in report.blocks() {
                    self.handle_report_block(now, key, &block);
                }
            }
            RtcpPacket::ReceiverReport(report) => {
                for block in report.blocks() {
                    self.handle_report_block(now, key, &block);
                }
            }
            RtcpPacket::Nack(nack) => self.handle_nack(now, key, nack),
            RtcpPacket::Pli(pli) => self.handle_key_frame_request(now, key, pli.media, false),
            RtcpPacket::Fir(fir) => {
                for entry in fir.entries() {
                    self.handle_key_frame_request(now, key, entry.ssrc, true);
                }
            }
            RtcpPacket::Bye(bye) => self.handle_goodbye(key, bye.ssrcs()),
            RtcpPacket::App(app) => {
                if let Some(message) = app.pipe_message() {
                    self.handle_pipe_message(now, key, message);
                }
            }
            // Estimates of the path are not used yet.
            _ => {}
        }
    }

    fn handle_sender_report(&mut self, now: Time, key: u32, report: &SenderReport<'_>) {
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        let Some(stream) = transport.streams.find(report.ssrc) else { return };
        if stream.repair {
            return;
        }
        transport.clock.handle_sender_report(now, report.info.ntp);
        let Some(producer) = self.producers.get_mut(stream.producer as usize) else { return };
        if producer.trace.contains(TraceType::Sr) {
            let trace = Trace::sender_report(report.ssrc, &report.info);
            self.traces.push(producer_trace(self.id, producer.id, now, trace));
        }
        if let Some(stream) = producer.streams.get_mut(usize::from(stream.stream)) {
            stream.recv.handle_sender_report(now, &report.info);
        }
    }

    fn handle_report_block(&mut self, now: Time, key: u32, block: &ReportBlock) {
        let Some(consumer) = self.consumer_of_ssrc(key, block.ssrc) else { return };
        let Some(consumer) = self.consumers.get_mut(consumer as usize) else { return };
        if consumer.config.ssrc != block.ssrc {
            // On the retransmissions: says nothing about the media.
            return;
        }
        consumer.send.handle_report_block(now, block);
        // The receiver knows the stream by its SSRC now.
        consumer.identity = false;
        if let Some(rtt) = consumer.send.rtt()
            && let Some(transport) = self.transports.get_mut(key as usize)
        {
            transport.rtt = Some(rtt);
        }
    }

    fn handle_nack(&mut self, now: Time, key: u32, nack: &Nack<'_>) {
        let Some(consumer) = self.consumer_of_ssrc(key, nack.media) else { return };
        if let Some(consumer) = self.consumers.get(consumer as usize)
            && consumer.trace.contains(TraceType::Nack)
        {
            let trace = Trace::nack(nack.media, nack.seqs());
            self.traces.push(consumer.traced(self.id, now, trace));
        }
        let Some(transport) = self.transports.get_mut(key as usize) else { return };
        if !std::mem::replace(&mut transport.queued, true) {
            self.dirty_transports.push(key);
        }
        let room = MAX_RESEND.saturating_sub(transport.resend.len());
        transport.resend.extend(nack.seqs().take(room).map(|seq| (consumer, seq)));
    }

    fn handle_key_frame_request(&mut self, now: Time, key: u32, media: Ssrc, fir: bool) {
        let Some(key) = self.consumer_of_ssrc(key, media) else { return };
        let Some(consumer) = self.consumers.get_mut(key as usize) else { return };
        consumer.counters.key_frames_asked += 1;
        consumer.counters.firs += u64::from(fir);
        let (asked, trace) = match fir {
            true => (TraceType::Fir, Trace::Fir { ssrc: media }),
            false => (TraceType::Pli, Trace::Pli { ssrc: media }),
        };
        if consumer.trace.contains(asked) {
            self.traces.push(consumer.traced(self.id, now, trace));
        }
        self.judge_assembly(now, key);
        self.ask_current_key_frame(key);
    }

    /// Asks for a key frame of what a consumer gets now, or waits for.
    pub(crate) fn ask_current_key_frame(&mut self, key: u32) {
        let Some(consumer) = self.consumers.get(key as usize) else { return };
        let current = consumer.selector.current();
        let current = current.map(|layers| consumer.encoding(layers.spatial));
        let stream = consumer.awaits_key_frame().or(current);
        if let (Some(producer), Some(stream)) = (consumer.producer, stream) {
            self.request_key_frame(producer, stream);
        }
    }

    /// The consumer that sends with this SSRC on this transport, be it media or
    /// retransmissions.
    pub(crate) fn consumer_of_ssrc(&self, key: u32, ssrc: Ssrc) -> Option<u32> {
        let transport = self.transports.get(key as usize)?;
        transport.consumers.iter().copied().find(|&consumer| {
            let consumer = self.consumers.get(consumer as usize);
            consumer.is_some_and(|c| c.config.ssrc == ssrc || c.config.rtx_ssrc == Some(ssrc))
        })
    }
}
