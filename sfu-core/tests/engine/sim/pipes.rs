//! What joins routers: pipes over simulated networks, and links in the process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use sfu_core::engine::{Command, Reply, Run, Sink};
use sfu_core::wire::Ssrc;
use sfu_core::wire::rtp;
use sfu_core::{
    CodecConfig, ConsumerConfig, ConsumerId, EncodingConfig, PipeConfig, PipeLink, PlainRemote,
    RouterId, SrtpProfile, TransportId, Tuple,
};

use super::world::extensions;
use super::{Buffers, Link, SourceRef, World};

/// The two ends of a pipe.
#[derive(Clone, Copy, Debug)]
pub struct PipeRef {
    pub near: TransportId,
    pub far: TransportId,
    /// Lost packets are asked for.
    repair: bool,
}

/// A source that crosses a pipe.
#[derive(Clone, Debug)]
pub struct Piped {
    /// The producer at the far end.
    pub source: SourceRef,
    /// The consumers at the near end, one for each layer.
    pub legs: Vec<ConsumerId>,
    /// SSRCs of the layers in the pipe.
    pub ssrcs: Vec<u32>,
}

/// The wires between routers.
#[derive(Default)]
pub struct Pipes {
    /// By the address of the receiving end.
    pub networks: HashMap<SocketAddr, Link>,
    /// The other end of each link.
    links: HashMap<PipeLink, PipeLink>,
    /// Packets on links that were not handed over yet.
    pub waiting: VecDeque<(PipeLink, Vec<u8>)>,
    /// Bytes that crossed, by SSRC of the media.
    pub crossed: BTreeMap<u32, u64>,
    next: u32,
}

/// What an engine sent in one turn.
#[derive(Default)]
pub struct Collected {
    pub packets: Vec<(Tuple, Vec<u8>)>,
    pub linked: Vec<(PipeLink, Vec<u8>)>,
    pub buffers: Buffers,
}

impl Sink for Collected {
    fn transmit(&mut self, run: Run<'_>) {
        let Self { packets, buffers, .. } = self;
        packets.extend(run.packets().map(|packet| (run.tuple, buffers.copy(packet))));
    }

    fn pipe(
        &mut self,
        link: PipeLink,
        max_len: usize,
        build: &mut dyn FnMut(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let mut packet = vec![0xee; max_len];
        let len = build(&mut packet)?;
        packet.truncate(len);
        self.linked.push((link, packet));
        Some(len)
    }
}

impl Pipes {
    /// The other end of a link, if it is up.
    pub fn other(&self, link: PipeLink) -> Option<PipeLink> {
        self.links.get(&link).copied()
    }

    /// A link went down; gives its other end.
    pub fn release(&mut self, link: PipeLink) -> Option<PipeLink> {
        let other = self.links.remove(&link)?;
        self.links.remove(&other);
        Some(other)
    }

    pub fn count(&mut self, packet: &[u8]) {
        let is_rtcp = (192..=223).contains(&packet[1]);
        if let Some(ssrc) = rtp::ssrc(packet).filter(|_| !is_rtcp) {
            *self.crossed.entry(ssrc.0).or_default() += packet.len() as u64;
        }
    }
}

impl World {
    /// Another router, in which peers are made from now on; gives the one
    /// before.
    pub fn another_router(&mut self) -> RouterId {
        let Reply::Router(router) = self.ok(Command::CreateRouter) else { panic!() };
        std::mem::replace(&mut self.router, router)
    }

    /// A pipe inside the process.
    pub fn linked_pipe(&mut self, near: RouterId, far: RouterId) -> PipeRef {
        let first = self.pipes.next;
        self.pipes.next += 2;
        let (a, b) = (PipeLink(first), PipeLink(first + 1));
        self.pipes.links.extend([(a, b), (b, a)]);
        let mut make = |router, link| match self
            .ok(Command::CreatePipeTransport(router, PipeConfig::Local(link)))
        {
            Reply::PipeTransport { transport, .. } => transport,
            other => panic!("{other:?}"),
        };
        let (near, far) = (make(near, a), make(far, b));
        PipeRef { near, far, repair: false }
    }

    /// A pipe over a network of 20 ms each way.
    pub fn udp_pipe(
        &mut self,
        near: RouterId,
        far: RouterId,
        srtp: Option<SrtpProfile>,
        demand: bool,
    ) -> PipeRef {
        let first = 30_000 + self.pipes.next as u16;
        self.pipes.next += 2;
        let locals = [first, first + 1].map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
        let mut ends = Vec::new();
        for (router, local) in [near, far].into_iter().zip(locals) {
            self.pipes.networks.insert(local, Link::new(20));
            let config = PipeConfig::Udp { local, srtp, demand };
            let reply = self.ok(Command::CreatePipeTransport(router, config));
            let Reply::PipeTransport { transport, srtp, .. } = reply else { panic!() };
            ends.push((transport, srtp));
        }
        for (at, (transport, _)) in ends.iter().enumerate() {
            let (address, srtp) = (Some(locals[1 - at]), ends[1 - at].1.clone());
            let remote = PlainRemote { address, rtcp_address: None, srtp };
            self.ok(Command::ConnectPipeTransport(*transport, remote));
        }
        PipeRef { near: ends[0].0, far: ends[1].0, repair: true }
    }

    /// Sets the networks that pipes use, in both directions.
    pub fn set_networks(&mut self, link: &Link) {
        self.pipes.networks.values_mut().for_each(|network| *network = link.clone());
    }

    /// Has a source cross a pipe, from its near end to its far one.
    pub fn pipe(&mut self, pipe: PipeRef, source: SourceRef) -> Piped {
        let layers = self.source(source).layers.len() as u32;
        let format = self.source(source).format;
        let mut codec = format.config(120);
        if !pipe.repair {
            codec = CodecConfig { rtx_payload_type: None, nack: false, ..codec };
        }
        let first = 70_000_000 + 1_000 * self.pipes.next;
        self.pipes.next += 1;
        let rtx = |ssrc: u32| codec.rtx_payload_type.map(|_| Ssrc(ssrc + 1));
        let ssrcs: Vec<u32> = (0..layers).map(|layer| first + 10 * layer).collect();
        let mut leg = self.slot(source.client, &[format], Some(source));
        leg.mid = None;
        leg.codecs = vec![codec.clone()];
        leg.extensions = extensions_in_pipes();
        let legs: Vec<ConsumerConfig> = (ssrcs.iter())
            .map(|ssrc| ConsumerConfig { ssrc: Ssrc(*ssrc), rtx_ssrc: rtx(*ssrc), ..leg.clone() })
            .collect();
        let mut config = self.producer_config(source);
        config.mid = None;
        config.codecs = vec![codec.clone()];
        config.extensions = extensions_in_pipes();
        config.encodings = (legs.iter())
            .map(|leg| EncodingConfig {
                ssrc: Some(leg.ssrc),
                rtx_ssrc: leg.rtx_ssrc,
                ..EncodingConfig::default()
            })
            .collect();
        let Reply::PipeConsumers(legs) = self.ok(Command::ConsumePipe(pipe.near, legs)) else {
            panic!()
        };
        let Reply::Producer(producer) = self.ok(Command::Produce(pipe.far, config)) else {
            panic!()
        };
        Piped { source: SourceRef { producer, ..source }, legs, ssrcs }
    }

    /// Bytes of media that crossed pipes since the last call, by layer of
    /// `piped`, retransmissions included.
    pub fn take_crossed(&mut self, piped: &Piped) -> Vec<u64> {
        let crossed = &mut self.pipes.crossed;
        let mut take = |ssrc: u32| {
            crossed.remove(&ssrc).unwrap_or(0) + crossed.remove(&(ssrc + 1)).unwrap_or(0)
        };
        piped.ssrcs.iter().map(|ssrc| take(*ssrc)).collect()
    }
}

/// Header extensions that describe media, not hops.
fn extensions_in_pipes() -> rtp::ExtensionMap {
    use rtp::ExtensionKind as Ext;
    let mut map = extensions();
    for kind in [Ext::Mid, Ext::Rid, Ext::RepairedRid, Ext::AbsSendTime, Ext::TransportWideCc] {
        map.remove(kind);
    }
    map
}
