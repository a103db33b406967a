//! The engine: one shard's whole state, driven from outside.

use std::panic::AssertUnwindSafe;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use sfu_ice::demux::{PacketClass, classify};
use sfu_ice::{DtlsState, IceState, PeerConfig, PeerEvent, Random, Time, Tuple, stun};
use slab::Slab;

use super::command::{Command, Completion, RequestId};
use super::data::DataIds;
use super::output::Output;
use super::peers::{Peers, TransportKey};
use super::timer::TimerWheel;
use crate::route::egress::Egress;
use crate::route::transport::{Security, Transport, TransportKind};
use crate::route::{
    CloseReason, CommandError, ConsumerId, Event, Limits, ProducerId, Router, RouterId,
    RtpObserverId, Sink, TransportId,
};
use crate::wire::buf::{EgressArena, LARGE_SLOT, Pool, PoolOptions, SMALL_SLOT};

/// Bytes of packets that one turn lays out before they are sent.
const ARENA_BYTES: usize = 256 << 10;
/// Runs in the arena.
const ARENA_RUNS: usize = 1024;

/// Settings of an engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Memory for packets kept for retransmission, in bytes.
    pub packet_memory: usize,
    /// Transports per router at most.
    pub max_transports: usize,
    /// Producers per transport at most.
    pub max_producers: usize,
    /// Consumers per transport at most.
    pub max_consumers: usize,
    /// Equalise the sizes of a video frame's packets by RTP padding of a few
    /// bytes, so that they can leave in one segmented send.
    pub equalize: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            packet_memory: 256 << 20,
            max_transports: 4096,
            max_producers: 64,
            max_consumers: 1024,
            equalize: true,
        }
    }
}

/// One shard's routers, transports and packets: a machine without clock,
/// sockets or threads. The same inputs give the same outputs.
///
/// The driver's turn: any number of [`handle_datagram`](Self::handle_datagram)
/// and [`handle_command`](Self::handle_command), then [`run`](Self::run), then
/// [`take_outputs`](Self::take_outputs); and again no later than
/// [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Engine {
    pub(super) config: EngineConfig,
    pub(super) peer: PeerConfig,
    pub(super) random: Random,
    pub(super) routers: Slab<Router>,
    pub(super) router_ids: HashMap<RouterId, u32>,
    pub(super) transport_ids: HashMap<TransportId, TransportKey>,
    pub(super) producer_ids: HashMap<ProducerId, (u32, u32)>,
    pub(super) consumer_ids: HashMap<ConsumerId, (u32, u32)>,
    pub(super) observer_ids: HashMap<RtpObserverId, (u32, u32)>,
    pub(super) data: DataIds,
    pub(super) peers: Peers,
    pub(super) timers: Slab<TransportKey>,
    pub(super) wheel: TimerWheel,
    pub(super) pool: Pool,
    pub(super) arena: EgressArena,
    pub(super) outputs: Vec<Output>,
    /// What routers tell, on its way to the outputs.
    pub(super) events: Vec<Event>,
    pub(super) next_id: u64,
    /// Transports to look after in the next run.
    attention: Vec<TransportKey>,
    /// Last words of closed transports.
    pub(super) farewells: Vec<(Tuple, Vec<u8>)>,
    /// Routers with something to do in the next run.
    active: Vec<u32>,
    pub(super) scratch: Vec<u8>,
    counters: EngineCounters,
}

/// What an engine refused before it reached a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EngineCounters {
    /// Datagrams that are none of STUN, DTLS, RTP and RTCP.
    pub unknown_class: u64,
    /// Datagrams on a path that no transport has.
    pub unknown_path: u64,
    /// STUN requests for a user that does not exist.
    pub unknown_user: u64,
    /// Bugs that were contained by closing one transport.
    pub contained: u64,
    /// Audio producers that were looked at to find out who speaks: those that
    /// were audible lately, however many are silent.
    pub speakers_examined: u64,
}

impl Engine {
    /// An empty engine. All its random choices follow from `seed`, except the
    /// keys of DTLS handshakes.
    pub fn new(config: EngineConfig, peer: PeerConfig, seed: [u8; 32], now: Time) -> Self {
        let mut random = Random::from_seed(seed);
        // Ids start at a random place: a router that is restored from another
        // process will hardly meet its own ids in use.
        let next_id = (random.u64() >> 16) | 1;
        let memory = config.packet_memory / 2;
        let pool = PoolOptions::new(memory / SMALL_SLOT, memory / LARGE_SLOT);
        Self {
            config,
            peer,
            random,
            routers: Slab::new(),
            router_ids: HashMap::new(),
            transport_ids: HashMap::new(),
            producer_ids: HashMap::new(),
            consumer_ids: HashMap::new(),
            observer_ids: HashMap::new(),
            data: DataIds::default(),
            peers: Peers::default(),
            timers: Slab::new(),
            wheel: TimerWheel::new(now),
            pool: Pool::new(pool),
            arena: EgressArena::new(ARENA_BYTES, ARENA_RUNS),
            outputs: Vec::new(),
            events: Vec::new(),
            next_id,
            attention: Vec::new(),
            farewells: Vec::new(),
            active: Vec::new(),
            scratch: Vec::with_capacity(2048),
            counters: EngineCounters::default(),
        }
    }

    /// Takes in one datagram; its bytes are decrypted in place.
    ///
    /// Whatever it holds, the worst that comes of it is that its own transport
    /// is closed.
    pub fn handle_datagram(&mut self, now: Time, tuple: Tuple, datagram: &mut [u8]) {
        let key = self.peers.by_tuple(&tuple);
        let handled = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.dispatch(now, tuple, key, datagram);
        }));
        if handled.is_err() {
            self.contain(now, key);
        }
    }

    fn dispatch(
        &mut self,
        now: Time,
        tuple: Tuple,
        key: Option<TransportKey>,
        datagram: &mut [u8],
    ) {
        let class = classify(datagram);
        // A check is for whom it names, also on a path that was another's: a NAT
        // gives ports away again.
        let named = (class == PacketClass::Stun)
            .then(|| stun::username(datagram).and_then(|(local, _)| self.peers.by_ufrag(local)))
            .flatten();
        if named.is_none()
            && let Some(key) = key.filter(|key| self.is_plain_sctp(class, *key))
        {
            if let Some(router) = self.routers.get_mut(key.router as usize) {
                router.handle_sctp(now, key.transport, tuple, datagram);
            }
            self.attend(key);
            return;
        }
        let key = match (class, named.or(key)) {
            (PacketClass::Unknown, _) => {
                self.counters.unknown_class += 1;
                return;
            }
            (_, Some(key)) => key,
            (PacketClass::Stun, None) => {
                self.counters.unknown_user += 1;
                return;
            }
            (_, None) => {
                self.counters.unknown_path += 1;
                return;
            }
        };
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        match class {
            PacketClass::Rtp => {
                router.handle_rtp(now, key.transport, tuple, datagram, &mut self.pool);
            }
            PacketClass::Rtcp => router.handle_rtcp(now, key.transport, tuple, datagram),
            PacketClass::Stun => router.handle_stun(now, key.transport, tuple, datagram),
            PacketClass::Dtls => router.handle_dtls(now, key.transport, tuple, datagram),
            _ => {}
        }
        self.attend(key);
    }

    /// Whether a datagram is for the association of a plain transport. It may
    /// begin with any byte that RTP and RTCP do not begin with: that is the peer's
    /// SCTP port.
    fn is_plain_sctp(&self, class: PacketClass, key: TransportKey) -> bool {
        !matches!(class, PacketClass::Rtp | PacketClass::Rtcp)
            && self
                .routers
                .get(key.router as usize)
                .is_some_and(|router| router.has_plain_sctp(key.transport))
    }

    /// Carries out one command; its completion is among the next outputs.
    pub fn handle_command(&mut self, now: Time, request: RequestId, command: Command) {
        let executed = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let reply = self.execute(now, command)?;
            self.settle(now);
            Ok(reply)
        }));
        let result = executed.unwrap_or_else(|_| {
            self.counters.contained += 1;
            Err(CommandError::Contained)
        });
        self.outputs.push(Output::Completion(Completion { request, result }));
    }

    /// Does all that is due at `now`: forwards what came in, answers, reports,
    /// repeats. Packets go to `sink`.
    pub fn run(&mut self, now: Time, sink: &mut dyn Sink) {
        while let Some(timer) = self.wheel.pop_due(now) {
            if let Some(key) = self.timers.get(timer as usize).copied() {
                self.attend(key);
            }
        }
        let mut attention = std::mem::take(&mut self.attention);
        for &key in &attention {
            let tended = std::panic::catch_unwind(AssertUnwindSafe(|| self.tend(now, key, sink)));
            if tended.is_err() {
                self.contain(now, Some(key));
            }
        }
        let mut active = std::mem::take(&mut self.active);
        for index in active.drain(..) {
            let forwarded =
                std::panic::catch_unwind(AssertUnwindSafe(|| self.forward(now, index, sink)));
            if forwarded.is_err() {
                // Which transport it was is not known: the router goes.
                self.counters.contained += 1;
                self.close_router_at(now, index);
            }
        }
        let mut egress = Egress { arena: &mut self.arena, sink };
        for (tuple, datagram) in self.farewells.drain(..) {
            egress.packet(tuple, datagram.len(), |out| {
                out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
                Some(datagram.len())
            });
        }
        egress.flush();
        for &key in &attention {
            self.rearm(key);
        }
        attention.clear();
        // What asked for attention meanwhile stays for the next run.
        attention.append(&mut self.attention);
        self.attention = attention;
        active.append(&mut self.active);
        self.active = active;
        self.outputs.extend(self.events.drain(..).map(Output::Event));
    }

    /// What a command changed for one consumer may move others. It is told
    /// before anything is sent because of it.
    fn settle(&mut self, now: Time) {
        for &index in &self.active {
            if let Some(router) = self.routers.get_mut(index as usize) {
                router.settle(now, &mut self.events);
            }
        }
    }

    fn forward(&mut self, now: Time, index: u32, sink: &mut dyn Sink) {
        self.retire(index);
        let Some(router) = self.routers.get_mut(index as usize) else { return };
        router.active = false;
        self.events.append(&mut router.traces);
        let mut egress = Egress { arena: &mut self.arena, sink };
        let equalize = self.config.equalize;
        router.forward(now, &mut self.pool, &mut egress, &mut self.events, equalize);
        self.counters.speakers_examined += std::mem::take(&mut router.ranking.examined);
        while let Some(router) = self.routers.get_mut(index as usize)
            && let Some(transport) = router.wakeups.pop()
        {
            let timer = router.transports.get(transport as usize).map(|transport| transport.timer);
            if let Some(key) = timer.and_then(|timer| self.timers.get(timer as usize)).copied() {
                self.rearm(key);
            }
        }
    }

    /// Looks after one transport: its connectivity, its feedback, its timers.
    fn tend(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) {
        if let Some(transport) = self.transport_mut(key) {
            transport.attention = false;
            if let TransportKind::WebRtc(webrtc) = &mut transport.kind
                && webrtc.peer.poll_timeout().is_some_and(|due| due <= now)
            {
                webrtc.peer.handle_timeout(now);
            }
        }
        self.tell_learnt(key);
        self.pump(now, key, sink);
        self.tend_pipe_data(now, key, sink);
        self.tend_plain_data(now, key, sink);
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        router.review(now, key.transport, &mut self.events);
        let mut egress = Egress { arena: &mut self.arena, sink };
        router.report(now, key.transport, &mut egress);
        self.collect_told(key);
        self.activate(key.router);
    }

    /// Tells the addresses that a plain transport has learnt.
    fn tell_learnt(&mut self, key: TransportKey) {
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let id = router.id;
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        let (router, transport, kind) = (id, transport.id, &mut transport.kind);
        let TransportKind::Plain(plain) = kind else { return };
        let learnt = std::mem::take(&mut plain.learnt);
        if let Some(tuple) = plain.rtp.filter(|_| learnt.rtp) {
            self.events.push(Event::TransportTupleSelected { router, transport, tuple });
        }
        if let Some(tuple) = plain.rtcp.filter(|_| learnt.rtcp) {
            self.events.push(Event::TransportRtcpTupleSelected { router, transport, tuple });
        }
    }

    /// Carries the peer's events into the tables and its packets to the sink.
    fn pump(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) {
        let mut close = None;
        let mut told = true;
        // What is sent can have consequences, too.
        while std::mem::take(&mut told) {
            while let Some(event) = self.peer_event(key) {
                let reason = self.handle_peer_event(now, key, event);
                close = close.or(reason);
            }
            self.transmit_peer(key, sink);
            told = self.transport_mut(key).is_some_and(Transport::has_event);
        }
        if let Some(reason) = close {
            self.close_transport(now, key, reason);
        }
    }

    fn peer_event(&mut self, key: TransportKey) -> Option<PeerEvent> {
        match &mut self.transport_mut(key)?.kind {
            TransportKind::WebRtc(webrtc) => webrtc.peer.poll_event(),
            _ => None,
        }
    }

    /// Takes note of what a peer tells; gives a reason to close the transport.
    fn handle_peer_event(
        &mut self,
        now: Time,
        key: TransportKey,
        event: PeerEvent,
    ) -> Option<CloseReason> {
        match event {
            PeerEvent::TupleAdded(tuple) => self.peers.add_tuple(tuple, key),
            PeerEvent::TupleRemoved(tuple) => {
                self.peers.remove_tuple(&tuple, key);
                self.outputs.push(Output::ConnectionReleased(tuple));
            }
            PeerEvent::TupleSelected(tuple) => {
                let router = self.routers.get(key.router as usize)?.id;
                let transport = self.transport_mut(key)?.id;
                self.events.push(Event::TransportTupleSelected { router, transport, tuple });
            }
            PeerEvent::IceStateChanged(ice) => {
                self.set_peer_state(key, |state, _| *state = ice);
                self.routers.get_mut(key.router as usize)?.transport_ready(now, key.transport);
                if ice == IceState::Failed {
                    return Some(CloseReason::ConsentLost);
                }
            }
            PeerEvent::DtlsStateChanged(dtls) => {
                self.set_peer_state(key, |_, state| *state = dtls);
                match dtls {
                    DtlsState::Failed => return Some(CloseReason::DtlsFailed),
                    DtlsState::Closed => return Some(CloseReason::PeerClosed),
                    _ => {}
                }
            }
            PeerEvent::SrtpKeys(keys) => match Security::from_keys(&keys) {
                Ok(security) => {
                    self.transport_mut(key)?.security = security;
                    self.routers.get_mut(key.router as usize)?.transport_ready(now, key.transport);
                }
                Err(_) => return Some(CloseReason::DtlsFailed),
            },
            PeerEvent::Sctp(event) => self.handle_sctp_event(now, key, event),
            _ => {}
        }
        None
    }

    fn set_peer_state(
        &mut self,
        key: TransportKey,
        set: impl FnOnce(&mut IceState, &mut DtlsState),
    ) {
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        let TransportKind::WebRtc(webrtc) = &mut transport.kind else { return };
        set(&mut webrtc.ice, &mut webrtc.dtls);
        let (router, transport) = (router.id, transport.id);
        let (ice, dtls) = (webrtc.ice, webrtc.dtls);
        self.events.push(Event::TransportStateChanged { router, transport, ice, dtls });
    }

    /// Sends what ICE and DTLS have to say.
    pub(super) fn transmit_peer(&mut self, key: TransportKey, sink: &mut dyn Sink) {
        let mut scratch = std::mem::take(&mut self.scratch);
        while let Some(transport) = self.transport_mut(key)
            && let TransportKind::WebRtc(webrtc) = &mut transport.kind
            && let Some(tuple) = webrtc.peer.poll_transmit(&mut scratch)
        {
            let mut egress = Egress { arena: &mut self.arena, sink };
            egress.packet(tuple, scratch.len(), |out| {
                out.get_mut(..scratch.len())?.copy_from_slice(&scratch);
                Some(scratch.len())
            });
        }
        self.scratch = scratch;
    }

    /// The latest time at which [`run`](Self::run) must be called again; none
    /// while nothing is due ever.
    pub fn poll_timeout(&self) -> Option<Time> {
        let idle = self.attention.is_empty() && self.active.is_empty() && self.farewells.is_empty();
        if idle { self.wheel.next() } else { Some(Time::ZERO) }
    }

    /// Takes what the engine has to tell since the last call.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// What was refused before it reached a transport.
    pub fn counters(&self) -> EngineCounters {
        self.counters
    }

    pub(super) fn transport_mut(&mut self, key: TransportKey) -> Option<&mut Transport> {
        self.routers.get_mut(key.router as usize)?.transports.get_mut(key.transport as usize)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            transports: self.config.max_transports,
            producers: self.config.max_producers,
            consumers: self.config.max_consumers,
        }
    }

    /// Has the next run look after this transport, and its router forward.
    pub(super) fn attend(&mut self, key: TransportKey) {
        self.activate(key.router);
        if let Some(transport) = self.transport_mut(key)
            && !transport.attention
        {
            transport.attention = true;
            self.attention.push(key);
        }
    }

    /// Has the next run forward what a router holds.
    pub(super) fn activate(&mut self, index: u32) {
        if let Some(router) = self.routers.get_mut(index as usize)
            && !router.active
        {
            router.active = true;
            self.active.push(index);
        }
    }

    fn rearm(&mut self, key: TransportKey) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        if self.timers.get(key.timer as usize) != Some(&key) {
            return;
        }
        match router.deadline(key.transport) {
            Some(deadline) => self.wheel.arm(key.timer, deadline),
            None => self.wheel.cancel(key.timer),
        }
    }

    /// A bug showed itself while a transport was served: that transport goes,
    /// everything else stays.
    pub(super) fn contain(&mut self, now: Time, key: Option<TransportKey>) {
        self.counters.contained += 1;
        if let Some(key) = key {
            self.close_transport(now, key, CloseReason::Internal);
        }
    }
}
