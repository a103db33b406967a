//! One remote end of a transport: what it publishes, what it receives, and how
//! its packets are protected.

use std::collections::VecDeque;
use std::time::Duration;

use sfu_core::wire::rtcp::{Compound, ReportBlock, RtcpPacket};
use sfu_core::wire::rtp::{self, ExtensionMap};
use sfu_core::wire::srtp::{Inbound, Outbound};
use sfu_core::wire::{SeqNo, Ssrc};
use sfu_core::{Time, TransportId, Tuple};
use sfu_ice::DtlsState;
use sfu_ice::demux::{PacketClass, classify};
use sfu_ice::dtls::{Session, SessionEvent};
use sfu_ice::ice::Checker;
use sfu_ice::sctp::{Association, SctpEvent};

use super::source::Outgoing;
use super::{Buffers, Link, Sink, Source};

/// How a peer reaches the engine.
pub enum Path {
    /// RTP without protection.
    Clear,
    /// SRTP with keys that were told.
    Srtp,
    /// ICE and DTLS first.
    WebRtc(Box<(Checker, Session)>),
}

pub struct Client {
    pub transport: TransportId,
    /// The path as the engine sees it.
    pub tuple: Tuple,
    /// Where RTCP goes, if it is not multiplexed.
    pub rtcp_tuple: Option<Tuple>,
    pub path: Path,
    pub srtp: Option<(Inbound, Outbound)>,
    pub up: Link,
    pub down: Link,
    pub sources: Vec<Source>,
    pub sinks: Vec<Sink>,
    pub ids: ExtensionMap,
    /// Difference of its wall clock to the true time, in nanoseconds, and
    /// the drift, in parts per million.
    pub clock: (u64, i64),
    /// What receiver reports said of its streams.
    pub reports: Vec<(Time, ReportBlock)>,
    /// What it sent under transport-wide numbers, one number after the other.
    pub twcc_sent: VecDeque<Numbered>,
    /// Transport-wide numbers that it received, in order of arrival.
    pub twcc_received: Vec<u16>,
    /// Datagrams that came, and those that did not authenticate.
    pub received: u64,
    pub refused: u64,
    pub rtcp_received: u64,
    /// Its data channels, if it has any.
    pub data: Option<Association>,
    /// What they told.
    pub data_seen: Vec<SctpEvent>,
    twcc_next: u16,
    outgoing: Vec<Outgoing>,
    pub outbox: Vec<Datagram>,
    pub buffers: Buffers,
    /// The next of the times at which receivers look for what is missing.
    tick: Option<Time>,
}

/// A packet with a transport-wide number.
#[derive(Clone, Copy, Debug)]
pub struct Numbered {
    pub number: u16,
    /// When it arrives at the engine, if it does.
    pub arrived: Option<Time>,
    /// What feedback told of it, if any did.
    pub told: Option<Option<Time>>,
}

/// A datagram of a client.
pub struct Datagram {
    pub bytes: Vec<u8>,
    pub rtcp: bool,
    pub twcc: Option<u16>,
}

/// How often a receiver looks for what is missing.
const TICK: Duration = Duration::from_millis(5);

impl Client {
    pub fn new(transport: TransportId, tuple: Tuple, path: Path) -> Self {
        Self {
            transport,
            tuple,
            rtcp_tuple: None,
            path,
            srtp: None,
            up: Link::default(),
            down: Link::default(),
            sources: Vec::new(),
            sinks: Vec::new(),
            ids: ExtensionMap::default(),
            clock: (0, 0),
            reports: Vec::new(),
            twcc_sent: VecDeque::new(),
            twcc_received: Vec::new(),
            received: 0,
            refused: 0,
            rtcp_received: 0,
            data: None,
            data_seen: Vec::new(),
            twcc_next: 65_500,
            outgoing: Vec::new(),
            outbox: Vec::new(),
            buffers: Buffers::default(),
            tick: None,
        }
    }

    /// Whether media can flow.
    pub fn is_ready(&self) -> bool {
        matches!(self.path, Path::Clear) || self.srtp.is_some()
    }

    /// When [`Self::poll`] has something to do; not before `from` if it is to
    /// look for what is missing.
    pub fn next(&self, from: Time) -> Time {
        let mut next = Time::MAX;
        if let Path::WebRtc(webrtc) = &self.path {
            next = webrtc.0.poll_timeout().min(webrtc.1.poll_timeout().unwrap_or(next));
            let data = self.data.as_ref().and_then(Association::poll_timeout);
            next = next.min(data.unwrap_or(next));
        }
        if self.is_ready() {
            next = self.sources.iter().map(Source::next).fold(next, Time::min);
            next = next.min(self.next_feedback(from));
        }
        next
    }

    /// The first tick from `from` on at which a sink has something to ask for or to report.
    fn next_feedback(&self, from: Time) -> Time {
        let due = self.sinks.iter().map(|sink| sink.next_feedback(from));
        match (due.min(), self.tick) {
            (None, _) => Time::MAX,
            // Ticks count from here on.
            (Some(_), None) => from,
            (Some(Time::MAX), Some(_)) => Time::MAX,
            (Some(due), Some(tick)) => {
                let ticks = due.max(from).since(tick).as_nanos().div_ceil(TICK.as_nanos());
                tick + TICK * ticks as u32
            }
        }
    }

    /// Puts what is due into the outbox.
    pub fn poll(&mut self, now: Time) {
        self.poll_webrtc(now);
        if !self.is_ready() {
            return;
        }
        for at in 0..self.sources.len() {
            self.sources[at].clock = self.clock;
            self.sources[at].frames(now, &mut self.outgoing);
            for report in self.sources[at].reports(now) {
                self.send_rtcp(report);
            }
        }
        self.send_outgoing(now);
        if now >= self.next_feedback(now) {
            self.tick = Some(now + TICK);
            for at in 0..self.sinks.len() {
                if let Some(feedback) = self.sinks[at].feedback(now) {
                    self.send_rtcp(feedback);
                }
            }
        }
    }

    pub fn send_rtcp(&mut self, mut bytes: Vec<u8>) {
        let len = bytes.len();
        if let Some((_, outbound)) = &mut self.srtp {
            bytes.resize(len + Outbound::MAX_OVERHEAD, 0);
            let len = outbound.protect_rtcp(&mut bytes, len).unwrap();
            bytes.truncate(len);
        }
        self.outbox.push(Datagram { bytes, rtcp: true, twcc: None });
    }

    pub fn send_rtp(&mut self, mut bytes: Vec<u8>, twcc: Option<u16>) {
        let len = bytes.len();
        if let Some((_, outbound)) = &mut self.srtp {
            bytes.resize(len + Outbound::MAX_OVERHEAD, 0);
            let len = outbound.protect_rtp(&mut bytes, len).unwrap();
            bytes.truncate(len);
        }
        self.outbox.push(Datagram { bytes, rtcp: false, twcc });
    }

    /// Sends bytes in the place of a packet of its data channels.
    pub fn send_data(&mut self, now: Time, bytes: &[u8]) {
        if let Path::WebRtc(webrtc) = &mut self.path {
            webrtc.1.send(now, bytes).unwrap();
        }
        self.poll_webrtc(now);
    }

    fn send_outgoing(&mut self, now: Time) {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        for packet in outgoing.drain(..) {
            let twcc = self.twcc_next;
            self.twcc_next = twcc.wrapping_add(1);
            let mut bytes = self.buffers.take();
            packet.write(now, twcc, &mut bytes);
            self.send_rtp(bytes, Some(twcc));
        }
        self.outgoing = outgoing;
    }

    /// Takes in a datagram of the engine. Whether [`Self::next`] may be sooner
    /// because of it.
    pub fn receive(&mut self, now: Time, mut datagram: Vec<u8>) -> bool {
        self.received += 1;
        let mut sooner = true;
        match classify(&datagram) {
            PacketClass::Rtp => sooner = self.receive_rtp(now, &mut datagram),
            PacketClass::Rtcp => self.receive_rtcp(now, &mut datagram),
            PacketClass::Stun => {
                if let Path::WebRtc(webrtc) = &mut self.path {
                    let _ = webrtc.0.handle_datagram(now, &datagram);
                }
            }
            PacketClass::Dtls => {
                if let Path::WebRtc(webrtc) = &mut self.path {
                    let _ = webrtc.1.handle_packet(now, &datagram);
                }
            }
            other => panic!("the engine sent {other:?}"),
        }
        self.buffers.give(datagram);
        self.poll_webrtc(now);
        sooner || matches!(self.path, Path::WebRtc(_))
    }

    fn receive_rtp(&mut self, now: Time, datagram: &mut [u8]) -> bool {
        if !self.is_ready() {
            self.refused += 1;
            return false;
        }
        let mut len = datagram.len();
        if let Some((inbound, _)) = &mut self.srtp {
            let Ok(opened) = inbound.unprotect_rtp(datagram) else {
                self.refused += 1;
                return false;
            };
            len = opened;
        }
        let packet = &mut datagram[..len];
        let ssrc = rtp::ssrc(packet).unwrap();
        let sink = self.sinks.iter_mut().find(|sink| sink.owns(ssrc)).expect("a known SSRC");
        let began = sink.highest().is_some();
        if let Some(twcc) = sink.push(now, packet, &self.ids) {
            self.twcc_received.push(twcc);
        }
        !began || sink.lacks_some()
    }

    fn receive_rtcp(&mut self, now: Time, datagram: &mut [u8]) {
        self.rtcp_received += 1;
        if !self.is_ready() {
            self.refused += 1;
            return;
        }
        let mut len = datagram.len();
        if let Some((inbound, _)) = &mut self.srtp {
            let Ok(opened) = inbound.unprotect_rtcp(datagram) else {
                self.refused += 1;
                return;
            };
            len = opened;
        }
        let compound = Compound::parse(&datagram[..len]).unwrap();
        for packet in compound.packets() {
            match packet.unwrap() {
                RtcpPacket::SenderReport(report) => {
                    let sink = self.sinks.iter_mut().find(|sink| sink.owns(report.ssrc));
                    sink.expect("a known SSRC").handle_sender_report(now, report.info);
                }
                RtcpPacket::ReceiverReport(report) => {
                    self.reports.extend(report.blocks().map(|block| (now, block)));
                }
                RtcpPacket::Nack(nack) => {
                    for seq in nack.seqs() {
                        self.resend(now, nack.media, seq);
                    }
                }
                RtcpPacket::Pli(pli) => self.key_frame(now, pli.media),
                RtcpPacket::Fir(fir) => {
                    fir.entries().for_each(|entry| self.key_frame(now, entry.ssrc));
                }
                RtcpPacket::Twcc(feedback) => {
                    for (seq, ticks) in feedback.arrivals() {
                        let told = ticks.map(|ticks| {
                            let origin = i64::from(feedback.reference_time) * 64_000;
                            let micros = origin + ticks * 250;
                            Time::from_micros(u64::try_from(micros).unwrap())
                        });
                        if let Some(sent) = self.sent(seq) {
                            sent.told = Some(sent.told.flatten().or(told));
                        }
                    }
                }
                _ => {}
            }
        }
        self.send_outgoing(now);
    }

    /// Takes note of what it sent under the next number.
    pub fn number(&mut self, number: u16, arrived: Option<Time>) {
        if self.twcc_sent.len() > usize::from(u16::MAX) {
            self.twcc_sent.pop_front();
        }
        self.twcc_sent.push_back(Numbered { number, arrived, told: None });
    }

    fn sent(&mut self, number: u16) -> Option<&mut Numbered> {
        let first = self.twcc_sent.front()?.number;
        let sent = self.twcc_sent.get_mut(usize::from(number.wrapping_sub(first)))?;
        assert_eq!(sent.number, number, "numbers were left out");
        Some(sent)
    }

    fn resend(&mut self, now: Time, media: Ssrc, seq: SeqNo) {
        for source in &mut self.sources {
            if let Some(layer) = source.layer_of(media) {
                layer.nacked.push((now, seq));
                self.outgoing.extend(source.resend(media, seq));
            }
        }
    }

    fn key_frame(&mut self, now: Time, media: Ssrc) {
        for source in &mut self.sources {
            if let Some(layer) = source.layer_of(media) {
                layer.asked.push(now);
                layer.want_key = true;
            }
        }
    }

    fn poll_webrtc(&mut self, now: Time) {
        let Path::WebRtc(webrtc) = &mut self.path else { return };
        let (checker, dtls) = &mut **webrtc;
        let mut packet = Vec::new();
        let mut packets = Vec::new();
        if checker.poll_transmit(now, &mut packet) {
            packets.push(packet.clone());
        }
        if checker.is_connected(now) {
            dtls.begin(now).unwrap();
        }
        if dtls.poll_timeout().is_some_and(|due| due <= now) {
            dtls.handle_timeout(now);
        }
        while dtls.poll_transmit(&mut packet) {
            packets.push(packet.clone());
        }
        while let Some(event) = dtls.poll_event() {
            match event {
                SessionEvent::SrtpKeys(keys) => {
                    let inbound = Inbound::from_keys(&keys).unwrap();
                    self.srtp = Some((inbound, Outbound::from_keys(&keys).unwrap()));
                }
                SessionEvent::StateChanged(DtlsState::Connected) => {
                    if let Some(data) = &mut self.data {
                        data.start(now, true);
                    }
                }
                SessionEvent::ApplicationData(bytes) => {
                    let data = self.data.as_mut().expect("data channels");
                    data.handle_packet(now, &bytes).unwrap();
                }
                _ => {}
            }
        }
        if let Some(data) = &mut self.data {
            if data.poll_timeout().is_some_and(|due| due <= now) {
                data.handle_timeout(now);
            }
            while data.poll_transmit(now, &mut packet) {
                dtls.send(now, &packet).unwrap();
                while dtls.poll_transmit(&mut packet) {
                    packets.push(packet.clone());
                }
            }
            self.data_seen.extend(std::iter::from_fn(|| data.poll_event()));
        }
        let datagrams = packets.into_iter();
        self.outbox.extend(datagrams.map(|bytes| Datagram { bytes, rtcp: false, twcc: None }));
    }
}
