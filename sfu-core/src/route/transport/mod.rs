//! The kinds of transport behind one type: what differs is who authenticates
//! and where bytes go.

mod pipe;
mod pipe_data;
mod plain;
mod security;
mod stream_table;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sfu_ice::sctp::Association;
use sfu_ice::{DtlsState, IceState, Peer, Protocol, Random, Time, Tuple};

pub(crate) use pipe::Pipe;
pub(crate) use pipe_data::{PipeData, Side};
pub(crate) use plain::{Plain, carries_media};
pub(crate) use security::{Security, SecurityError, SrtpPair};
pub(crate) use stream_table::{StreamRef, StreamTable, match_stream};

use super::allocate::Allocation;
use super::config::PipeLink;
use super::id::TransportId;
use super::stats::Refused;
use super::trace::TraceTypes;
use crate::stream::recv::{RemoteClock, TwccRecorder};
use crate::wire::rtp::ExtensionMap;
use crate::wire::{SeqNo, Ssrc};

/// One peer's connection.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) id: TransportId,
    /// Its place in the engine's timers.
    pub(crate) timer: u32,
    pub(crate) kind: TransportKind,
    /// What makes it a pipe, if it is one.
    pub(crate) pipe: Option<Box<Pipe>>,
    /// Its data channels, if it is a pipe.
    pub(crate) data: PipeData,
    /// SCTP beside RTP, if it is a plain transport that has it. Does not survive a
    /// snapshot: another association takes its place.
    pub(crate) sctp: Option<Box<Association>>,
    pub(crate) security: Security,
    /// Header extension ids of what the peer sends (one space for the bundle).
    pub(crate) extensions: ExtensionMap,
    pub(crate) streams: StreamTable,
    pub(crate) producers: Vec<u32>,
    pub(crate) consumers: Vec<u32>,
    /// Consumers with something to forward in this turn.
    pub(crate) dirty: Vec<u32>,
    /// Whether the router has it in its list of transports to send to.
    pub(crate) queued: bool,
    /// NACKed packets to be sent again in this turn: consumer, egress number.
    pub(crate) resend: Vec<(u32, SeqNo)>,
    pub(crate) twcc_in: TwccRecorder,
    pub(crate) twcc_out: u16,
    pub(crate) clock: RemoteClock,
    /// SSRC of our feedback.
    pub(crate) feedback_ssrc: Ssrc,
    pub(crate) rtt: Option<Duration>,
    pub(crate) report_due: Time,
    pub(crate) tick_due: Time,
    pub(crate) counters: TransportCounters,
    /// What its path carries, and what was chosen for that.
    pub(crate) allocation: Allocation,
    /// What is traced of it.
    pub(crate) trace: TraceTypes,
    /// The most that the peer is to send, in bit/s.
    pub(crate) incoming_cap: Option<u64>,
    /// How often the peer is still told that it may send as much as it likes.
    pub(crate) uncapped: u8,
    /// RTCP for whoever stands behind a direct transport.
    pub(crate) told: Vec<Bytes>,
    /// Whether it is in the engine's list of transports to look after.
    pub(crate) attention: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct TransportCounters {
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) refused: Refused,
}

impl TransportCounters {
    pub(crate) fn count_sent(&mut self, sent: Option<usize>) {
        if let Some(len) = sent {
            self.packets_sent += 1;
            self.bytes_sent += len as u64;
        }
    }
}

#[derive(Debug)]
pub(crate) enum TransportKind {
    WebRtc(Box<WebRtc>),
    Plain(Box<Plain>),
    /// A pipe to a router in this process.
    Local(PipeLink),
    Direct,
}

/// Where the packets of a transport go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into a network.
    Path(Tuple),
    /// To the other end of a link in this process.
    Link(PipeLink),
}

impl From<Tuple> for Way {
    fn from(path: Tuple) -> Self {
        Self::Path(path)
    }
}

/// ICE and DTLS of a peer.
#[derive(Debug)]
pub(crate) struct WebRtc {
    pub(crate) peer: Peer,
    pub(crate) ice: IceState,
    pub(crate) dtls: DtlsState,
    pub(crate) connected: bool,
}

impl Transport {
    pub(crate) fn new(
        now: Time,
        id: TransportId,
        timer: u32,
        kind: TransportKind,
        security: Security,
        random: &mut Random,
    ) -> Self {
        // Reports of many transports spread over the interval.
        let phase = Duration::from_micros(u64::from(random.u32() % 1_000_000));
        Self {
            id,
            timer,
            kind,
            pipe: None,
            data: PipeData::default(),
            sctp: None,
            security,
            extensions: ExtensionMap::default(),
            streams: StreamTable::default(),
            producers: Vec::new(),
            consumers: Vec::new(),
            dirty: Vec::new(),
            queued: false,
            resend: Vec::new(),
            twcc_in: TwccRecorder::new(),
            twcc_out: 1,
            clock: RemoteClock::new(),
            feedback_ssrc: Ssrc(random.u32().max(1)),
            rtt: None,
            report_due: now + phase,
            tick_due: now,
            counters: TransportCounters::default(),
            allocation: Allocation::default(),
            trace: TraceTypes::default(),
            incoming_cap: None,
            uncapped: 0,
            told: Vec::new(),
            attention: false,
        }
    }

    /// Has it join two routers, with the streams of many peers.
    pub(crate) fn make_pipe(&mut self, pipe: Pipe) {
        self.pipe = Some(Box::new(pipe));
        self.streams = StreamTable::piped();
    }

    /// Binds an SSRC that was signalled.
    pub(crate) fn bind(&mut self, ssrc: Option<Ssrc>, producer: u32, stream: u8, repair: bool) {
        if let Some(ssrc) = ssrc {
            self.streams.bind(ssrc, StreamRef { producer, stream, repair });
        }
    }

    /// Where RTP goes, once that is known.
    pub(crate) fn rtp_path(&self) -> Option<Tuple> {
        match &self.kind {
            TransportKind::WebRtc(webrtc) => webrtc.peer.selected_tuple(),
            TransportKind::Plain(plain) => plain.rtp,
            TransportKind::Local(_) | TransportKind::Direct => None,
        }
    }

    /// As [`Self::rtp_path`], inside the process too.
    pub(crate) fn rtp_way(&self) -> Option<Way> {
        match &self.kind {
            TransportKind::Local(link) => Some(Way::Link(*link)),
            _ => self.rtp_path().map(Way::Path),
        }
    }

    /// Where RTCP goes, once that is known.
    pub(crate) fn rtcp_way(&self) -> Option<Way> {
        match &self.kind {
            TransportKind::Plain(plain) if plain.config.local_rtcp.is_some() => {
                plain.rtcp.map(Way::Path)
            }
            _ => self.rtp_way(),
        }
    }

    /// Whether anybody can be sent RTCP.
    pub(crate) fn takes_rtcp(&self) -> bool {
        matches!(self.kind, TransportKind::Direct) || self.rtcp_way().is_some()
    }

    /// Whether media can be sent now.
    pub(crate) fn can_send(&self) -> bool {
        match &self.kind {
            TransportKind::Local(_) | TransportKind::Direct => true,
            TransportKind::WebRtc(webrtc) => {
                webrtc.ice == IceState::Connected && self.security.is_ready()
            }
            TransportKind::Plain(_) => self.security.is_ready() && self.rtp_path().is_some(),
        }
    }

    /// Whether the peer has something to tell.
    pub(crate) fn has_event(&mut self) -> bool {
        matches!(&self.kind, TransportKind::WebRtc(webrtc) if webrtc.peer.has_event())
    }

    /// Whether packets of one size can leave in one send.
    pub(crate) fn is_segmented(&self) -> bool {
        self.rtp_path().is_some_and(|path| path.protocol == Protocol::Udp)
    }

    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            TransportKind::WebRtc(_) => "webrtc",
            TransportKind::Local(_) => "pipe",
            TransportKind::Plain(_) if self.pipe.is_some() => "pipe",
            TransportKind::Plain(_) => "plain",
            TransportKind::Direct => "direct",
        }
    }
}
