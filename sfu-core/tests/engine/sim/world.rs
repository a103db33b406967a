//! The world: an engine, its peers, and the time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sfu_core::engine::{Command, Completion, Engine, EngineConfig, Output, Reply, RequestId};
use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap};
use sfu_core::wire::srtp::{Inbound, Outbound};
use sfu_core::wire::{Mid, Rid, Ssrc};
use sfu_core::{
    CommandError, ConsumerConfig, ConsumerId, DtlsRemote, EncodingConfig, Event, Layers,
    PlainConfig, PlainRemote, ProducerConfig, ProducerId, RouterId, SrtpMaster, SrtpProfile, Time,
    TransportId, Tuple,
};
use sfu_ice::dtls::{DtlsConfig, Session};
use sfu_ice::ice::Checker;
use sfu_ice::{Certificate, DtlsRole, PeerConfig, Protocol, Random};

use super::network::{Network, Target};
use super::{Buffers, Client, Collected, Format, Layer, Link, Path, Pipes, Rng, Sink, Source};

pub struct World {
    pub seed: u64,
    pub now: Time,
    pub engine: Engine,
    pub router: RouterId,
    pub clients: Vec<Client>,
    pub events: Vec<Event>,
    /// What joins routers.
    pub pipes: Pipes,
    pub released: Vec<SocketAddr>,
    /// How often the engine ran.
    pub turns: u64,
    /// Sum of all packets that the engine sent, with their times and order.
    pub hash: u64,
    pub rng: Rng,
    /// Share of the clients' datagrams that come once more, damaged.
    pub damage: f64,
    /// Publishers send only what anybody wants, as the engine tells it; the
    /// news takes as long as a datagram. Else they send all that they have.
    pub saving: bool,
    config: EngineConfig,
    peer: PeerConfig,
    random: Random,
    addresses: HashMap<SocketAddr, usize>,
    /// Client and source of each producer.
    publishers: HashMap<ProducerId, (usize, usize)>,
    network: Network,
    buffers: Buffers,
    /// What the engine sends in a turn.
    sent: Collected,
    /// When each client has something to do, while time passes.
    due: Vec<Time>,
    requests: u64,
    completions: Vec<Completion>,
    turns_at: (Time, u32),
}

/// A publisher's source.
#[derive(Clone, Copy, Debug)]
pub struct SourceRef {
    pub client: usize,
    pub at: usize,
    pub producer: ProducerId,
}

/// A receiver's slot.
#[derive(Clone, Copy, Debug)]
pub struct SinkRef {
    pub client: usize,
    pub at: usize,
    pub consumer: ConsumerId,
}

/// What an engine takes in before it runs, as the host does it.
const DATAGRAMS_PER_TURN: usize = 64;
const LINKED_PER_TURN: usize = 256;

const RIDS: [&str; 3] = ["q", "h", "f"];

impl World {
    pub fn new(seed: u64) -> Self {
        Self::with_config(seed, |_| {})
    }

    pub fn with_config(seed: u64, adjust: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = EngineConfig::default();
        config.packet_memory = 64 << 20;
        adjust(&mut config);
        let now = Time::from_secs(1_000);
        let mut random = Random::from_seed([seed as u8; 32]);
        let peer = PeerConfig::new(Certificate::generate(&mut random).unwrap());
        let engine = Engine::new(config.clone(), peer.clone(), [seed as u8; 32], now);
        let buffers = Buffers::default();
        let sent = Collected { buffers: buffers.clone(), ..Collected::default() };
        let mut world = Self {
            seed,
            now,
            engine,
            router: RouterId::from_u64(1).unwrap(),
            clients: Vec::new(),
            events: Vec::new(),
            pipes: Pipes::default(),
            released: Vec::new(),
            turns: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            rng: Rng(seed),
            damage: 0.0,
            saving: false,
            config,
            peer,
            random,
            addresses: HashMap::new(),
            publishers: HashMap::new(),
            network: Network::default(),
            buffers,
            sent,
            due: Vec::new(),
            requests: 0,
            completions: Vec::new(),
            turns_at: (now, 0),
        };
        let Reply::Router(router) = world.ok(Command::CreateRouter) else { panic!() };
        world.router = router;
        world
    }

    /// Carries out a command at once.
    pub fn command(&mut self, command: Command) -> Result<Reply, CommandError> {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.engine.handle_command(self.now, request, command);
        self.turn();
        let at = self.completions.iter().position(|done| done.request == request);
        self.completions.swap_remove(at.expect("a completion for each command")).result
    }

    /// Carries out a command that cannot be refused.
    pub fn ok(&mut self, command: Command) -> Reply {
        let told = format!("{command:?}");
        self.command(command).unwrap_or_else(|error| panic!("{told:.200}: {error}"))
    }

    /// A peer on a plain SRTP transport, with links of 20 ms each way.
    pub fn plain(&mut self) -> usize {
        self.plain_with(Some(SrtpProfile::AeadAes128Gcm), false)
    }

    /// A peer on a plain transport; with `comedia` its address is learnt.
    pub fn plain_with(&mut self, srtp: Option<SrtpProfile>, comedia: bool) -> usize {
        let (local, remote) = self.next_addresses();
        let config = PlainConfig { local, local_rtcp: None, comedia, srtp };
        let reply = self.ok(Command::CreatePlainTransport(self.router, config));
        let Reply::PlainTransport { transport, srtp: theirs, .. } = reply else { panic!() };
        let ours = srtp.map(|profile| self.master(profile));
        let address = (!comedia).then_some(remote);
        let connect = PlainRemote { address, rtcp_address: None, srtp: ours.clone() };
        self.ok(Command::ConnectPlainTransport(transport, connect));
        let path = if srtp.is_some() { Path::Srtp } else { Path::Clear };
        let tuple = Tuple::new(Protocol::Udp, local, remote);
        let mut client = Client::new(transport, tuple, path);
        client.srtp = srtp.zip(theirs).zip(ours).map(|((profile, theirs), ours)| {
            let inbound = Inbound::new(profile, &theirs.key, &theirs.salt).unwrap();
            (inbound, Outbound::new(profile, &ours.key, &ours.salt).unwrap())
        });
        self.add(client)
    }

    /// A peer that connects as a browser does.
    pub fn webrtc(&mut self) -> usize {
        let reply = self.ok(Command::CreateWebRtcTransport(self.router));
        let Reply::WebRtcTransport { transport, ice, fingerprints } = reply else { panic!() };
        let (_, remote) = self.next_addresses();
        let local = SocketAddr::from(([10, 0, 0, 1], 3_478));
        let tuple = Tuple::new(Protocol::Udp, local, remote);
        let far = Tuple::new(Protocol::Udp, remote, local);
        let checker = Checker::new(far, ice, &mut self.random);
        let certificate = Certificate::generate(&mut self.random).unwrap();
        let mine = certificate.fingerprints().to_vec();
        let mut dtls = Session::new(DtlsConfig::new(certificate), &mut self.random);
        dtls.set_remote(DtlsRole::Server, fingerprints).unwrap();
        let remote = DtlsRemote { role: DtlsRole::Client, fingerprints: mine };
        self.ok(Command::ConnectWebRtcTransport(transport, remote));
        let path = Path::WebRtc(Box::new((checker, dtls)));
        self.add(Client::new(transport, tuple, path))
    }

    pub fn add(&mut self, mut client: Client) -> usize {
        client.ids = extensions();
        client.buffers = self.buffers.clone();
        client.clock.0 = 1_000_000_000 * (1 + self.rng.below(1_000_000));
        let at = self.clients.len();
        self.addresses.insert(client.tuple.remote, at);
        self.clients.push(client);
        at
    }

    /// Addresses of the next transport: ours and the peer's.
    pub fn next_addresses(&self) -> (SocketAddr, SocketAddr) {
        let at = self.clients.len() as u16;
        (
            SocketAddr::from(([10, 0, 0, 1], 10_000 + at)),
            SocketAddr::from(([10, 0, 1, 1], 20_000 + at)),
        )
    }

    pub fn register(&mut self, address: SocketAddr, client: usize) {
        self.addresses.insert(address, client);
    }

    pub fn master(&mut self, profile: SrtpProfile) -> SrtpMaster {
        let mut master =
            SrtpMaster { key: vec![0; profile.key_len()], salt: vec![0; profile.salt_len()] };
        self.random.fill(&mut master.key);
        self.random.fill(&mut master.salt);
        master
    }

    pub fn links(&mut self, client: usize, up: Link, down: Link) {
        self.clients[client].up = up;
        self.clients[client].down = down;
    }

    /// A new source with `layers` encodings, known by their SSRCs, or with
    /// WebRTC by MID and RIDs.
    pub fn publish(&mut self, client: usize, format: Format, layers: usize) -> SourceRef {
        let at = self.clients[client].sources.len();
        let by_rid = matches!(self.clients[client].path, Path::WebRtc(_));
        let first = 100_000 * (client as u32 + 1) + 1_000 * at as u32;
        let layers: Vec<Layer> = (0..layers)
            .map(|at| {
                let rid = (by_rid && layers > 1).then(|| Rid::new(RIDS[at]).unwrap());
                Layer::new(first + 10 * at as u32, rid)
            })
            .collect();
        let mut source = Source::new(self.now, format, layers, extensions());
        source.mid = Mid::new(at.to_string());
        self.clients[client].sources.push(source);
        let unknown = ProducerId::from_u64(u64::MAX).unwrap();
        let config = self.producer_config(SourceRef { client, at, producer: unknown });
        let transport = self.clients[client].transport;
        let Reply::Producer(producer) = self.ok(Command::Produce(transport, config)) else {
            panic!()
        };
        self.publishers.insert(producer, (client, at));
        SourceRef { client, at, producer }
    }

    /// The configuration of a source's producer.
    pub fn producer_config(&mut self, source: SourceRef) -> ProducerConfig {
        let by_rid = matches!(self.clients[source.client].path, Path::WebRtc(_));
        let source = self.source(source);
        let encodings = source.layers.iter().map(|layer| EncodingConfig {
            ssrc: (!by_rid).then_some(layer.ssrc),
            rtx_ssrc: (!by_rid && source.format != Format::Opus).then_some(layer.rtx_ssrc),
            rid: layer.rid,
        });
        ProducerConfig {
            kind: source.format.kind(),
            mid: source.mid,
            codecs: vec![source.format.config(source.payload_type)],
            encodings: encodings.collect(),
            extensions: source.extensions,
            paused: false,
            speaker: None,
            consumable: String::new(),
            parameters: String::new(),
        }
    }

    /// A new slot that takes these formats.
    pub fn subscribe(
        &mut self,
        client: usize,
        formats: &[Format],
        producer: Option<SourceRef>,
    ) -> SinkRef {
        let config = self.slot(client, formats, producer);
        self.subscribe_with(client, formats, config)
    }

    /// The configuration that [`Self::subscribe`] uses.
    pub fn slot(
        &self,
        client: usize,
        formats: &[Format],
        producer: Option<SourceRef>,
    ) -> ConsumerConfig {
        let at = self.clients[client].sinks.len() as u32;
        let ssrc = 50_000_000 + 100_000 * client as u32 + 10 * at;
        let video = formats[0] != Format::Opus;
        ConsumerConfig {
            kind: formats[0].kind(),
            mid: Mid::new(format!("s{at}")),
            codecs: formats.iter().map(|format| format.receiver_config()).collect(),
            extensions: extensions(),
            ssrc: Ssrc(ssrc),
            rtx_ssrc: video.then_some(Ssrc(ssrc + 1)),
            cname: "slot".to_owned(),
            producer: producer.map(|source| source.producer),
            preferred_layers: None,
            paused: false,
            parameters: String::new(),
        }
    }

    pub fn subscribe_with(
        &mut self,
        client: usize,
        formats: &[Format],
        config: ConsumerConfig,
    ) -> SinkRef {
        let transport = self.clients[client].transport;
        let Reply::Consumer(consumer) = self.ok(Command::Consume(transport, config.clone())) else {
            panic!()
        };
        let at = self.clients[client].sinks.len();
        self.clients[client].sinks.push(Sink::new(self.now, config, formats.to_vec()));
        SinkRef { client, at, consumer }
    }

    /// All layers of a source, a slot for each.
    pub fn subscribe_all(&mut self, client: usize, source: SourceRef) -> Vec<SinkRef> {
        let layers = self.source(source).layers.len() as u32;
        let format = self.source(source).format;
        let first = self.slot(client, &[format], Some(source));
        let numbered = |ssrc: Ssrc, layer: u32| Ssrc(ssrc.0 + 10 * layer);
        let configs: Vec<ConsumerConfig> = (0..layers)
            .map(|layer| ConsumerConfig {
                mid: None,
                ssrc: numbered(first.ssrc, layer),
                rtx_ssrc: first.rtx_ssrc.map(|rtx| numbered(rtx, layer)),
                ..first.clone()
            })
            .collect();
        let transport = self.clients[client].transport;
        let command = Command::ConsumePipe(transport, configs.clone());
        let Reply::PipeConsumers(consumers) = self.ok(command) else { panic!() };
        let sinks = consumers.into_iter().zip(configs).map(|(consumer, config)| {
            let at = self.clients[client].sinks.len();
            self.clients[client].sinks.push(Sink::new(self.now, config, vec![format]));
            SinkRef { client, at, consumer }
        });
        sinks.collect()
    }

    pub fn switch(&mut self, sink: SinkRef, source: Option<SourceRef>) {
        let producer = source.map(|source| source.producer);
        self.ok(Command::SwitchConsumer(sink.consumer, producer));
    }

    pub fn sink(&self, sink: SinkRef) -> &Sink {
        &self.clients[sink.client].sinks[sink.at]
    }

    pub fn source(&mut self, source: SourceRef) -> &mut Source {
        &mut self.clients[source.client].sources[source.at]
    }

    /// Key frames that the publisher was asked for, all layers together.
    pub fn asked(&mut self, source: SourceRef) -> usize {
        self.source(source).layers.iter().map(|layer| layer.asked.len()).sum()
    }

    /// Sends a PLI for this slot.
    pub fn pli(&mut self, sink: SinkRef) {
        let pli = self.sink(sink).pli();
        self.clients[sink.client].send_rtcp(pli);
        self.flush(sink.client);
    }

    /// Gives the engine a datagram now.
    pub fn inject(&mut self, tuple: Tuple, mut bytes: Vec<u8>) {
        self.engine.handle_datagram(self.now, tuple, &mut bytes);
    }

    /// Takes a snapshot and goes on with a new engine that restored it.
    pub fn migrate(&mut self) -> Bytes {
        let Reply::Snapshot(bytes) = self.ok(Command::Snapshot(self.router)) else { panic!() };
        self.engine = Engine::new(self.config.clone(), self.peer.clone(), [0xa5; 32], self.now);
        let Reply::Router(router) = self.ok(Command::Restore(bytes.clone())) else { panic!() };
        assert_eq!(router, self.router);
        bytes
    }

    /// As [`Self::migrate`], with several routers.
    pub fn migrate_all(&mut self, routers: &[RouterId]) {
        let snapshots: Vec<Bytes> = (routers.iter())
            .map(|router| match self.ok(Command::Snapshot(*router)) {
                Reply::Snapshot(bytes) => bytes,
                other => panic!("{other:?}"),
            })
            .collect();
        self.engine = Engine::new(self.config.clone(), self.peer.clone(), [0xa5; 32], self.now);
        for bytes in snapshots {
            self.ok(Command::Restore(bytes));
        }
    }

    /// Another engine of the same settings.
    pub fn fresh_engine(&self) -> Engine {
        Engine::new(self.config.clone(), self.peer.clone(), [0x5a; 32], self.now)
    }

    pub fn run_millis(&mut self, millis: u64) {
        self.run_for(Duration::from_millis(millis));
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.look_after_clients();
        loop {
            let clients = self.due.iter().copied().min();
            let queue = self.network.next();
            let linked = (!self.pipes.waiting.is_empty()).then_some(self.now);
            let next = [clients, queue, linked, self.engine.poll_timeout()];
            let next = next.into_iter().flatten().min();
            let next = next.unwrap_or(Time::MAX).max(self.now);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = next;
            self.step();
        }
    }

    /// Lets time pass for everyone but the engine, which takes datagrams in and
    /// gets no turn. Gives their number.
    pub fn deliver_without_turn(&mut self, millis: u64) -> usize {
        let end = self.now + Duration::from_millis(millis);
        let mut delivered = 0;
        self.look_after_clients();
        loop {
            let clients = self.due.iter().copied().min();
            let queue = self.network.next();
            let next = [clients, queue].into_iter().flatten().min().unwrap_or(Time::MAX);
            if next.max(self.now) >= end {
                self.now = end;
                return delivered;
            }
            self.now = next.max(self.now);
            delivered += self.exchange();
        }
    }

    /// Tests may have changed any of them since time last passed.
    fn look_after_clients(&mut self) {
        self.due.clear();
        let now = self.now;
        self.due.extend(self.clients.iter().map(|client| client.next(now)));
    }

    fn step(&mut self) {
        let touched = self.exchange() > 0;
        if touched || self.engine.poll_timeout().is_some_and(|due| due <= self.now) {
            self.turn();
        }
    }

    /// What is due of the clients and the links; the number of datagrams for
    /// the engine.
    fn exchange(&mut self) -> usize {
        // Clients look for what is missing before anything comes, and once.
        let after = self.now + Duration::from_nanos(1);
        for at in 0..self.due.len() {
            if self.due[at] <= self.now {
                self.clients[at].poll(self.now);
                self.flush(at);
                self.due[at] = self.clients[at].next(after);
            }
        }
        let mut delivered = 0;
        let linked = self.pipes.waiting.len().min(LINKED_PER_TURN);
        for (link, mut packet) in self.pipes.waiting.drain(..linked) {
            self.engine.handle_pipe(self.now, link, &mut packet);
            delivered += 1;
        }
        while delivered < DATAGRAMS_PER_TURN {
            let Some((target, mut bytes)) = self.network.receive(self.now) else { break };
            match target {
                Target::Engine(tuple) => {
                    self.engine.handle_datagram(self.now, tuple, &mut bytes);
                    self.buffers.give(bytes);
                    delivered += 1;
                }
                Target::Client(at) => {
                    if self.clients[at].receive(self.now, bytes) {
                        self.flush(at);
                        self.due[at] = self.clients[at].next(after);
                    }
                }
                Target::Publisher { client, source, demand } => {
                    self.clients[client].sources[source].limit(demand);
                }
            }
        }
        delivered
    }

    /// One turn of the engine.
    pub fn turn(&mut self) {
        self.turns += 1;
        self.turns_at = match self.turns_at {
            (at, count) if at == self.now => (at, count + 1),
            _ => (self.now, 1),
        };
        assert!(self.turns_at.1 < 10_000, "the engine wants to run for ever at {:?}", self.now);
        let mut sent = std::mem::take(&mut self.sent);
        self.engine.run(self.now, &mut sent);
        for (link, packet) in sent.linked.drain(..) {
            self.digest(&packet);
            self.pipes.count(&packet);
            if let Some(other) = self.pipes.other(link) {
                self.pipes.waiting.push_back((other, packet));
            }
        }
        for (tuple, packet) in sent.packets.drain(..) {
            self.digest(&packet);
            if let Some(network) = self.pipes.networks.get_mut(&tuple.remote) {
                let times = network.send(self.now, &mut self.rng);
                self.pipes.count(&packet);
                let arriving = Tuple::new(tuple.protocol, tuple.remote, tuple.local);
                self.network.send_all(times, Target::Engine(arriving), packet);
                continue;
            }
            let Some(&at) = self.addresses.get(&tuple.remote) else { continue };
            let times = self.clients[at].down.send(self.now, &mut self.rng);
            self.network.send_all(times, Target::Client(at), packet);
        }
        self.sent = sent;
        for output in self.engine.take_outputs() {
            match output {
                Output::Completion(completion) => self.completions.push(completion),
                Output::Event(event) => {
                    if let Event::ProducerDemandChanged { producer, demand, .. } = event {
                        self.tell_publisher(producer, demand);
                    }
                    self.events.push(event);
                }
                Output::SocketReleased(local) => self.released.push(local),
                Output::LinkReleased(link) => {
                    if let Some(other) = self.pipes.release(link) {
                        self.engine.handle_link_closed(self.now, other);
                    }
                }
                _ => {}
            }
        }
    }

    /// As an application does that passes on what is wanted.
    fn tell_publisher(&mut self, producer: ProducerId, demand: Option<Layers>) {
        let Some(&(client, source)) = self.publishers.get(&producer) else { return };
        if self.saving {
            let at = self.now + self.clients[client].down.delay;
            let target = Target::Publisher { client, source, demand };
            self.network.send(at, target, Vec::new());
        }
    }

    /// Sends what a client has in its outbox.
    pub fn flush(&mut self, at: usize) {
        let mut outbox = std::mem::take(&mut self.clients[at].outbox);
        for datagram in outbox.drain(..) {
            let client = &mut self.clients[at];
            let tuple = match client.rtcp_tuple {
                Some(tuple) if datagram.rtcp => tuple,
                _ => client.tuple,
            };
            let times = client.up.send(self.now, &mut self.rng);
            if let Some(twcc) = datagram.twcc {
                client.number(twcc, times[0]);
            }
            if self.damage > 0.0 {
                for time in times.iter().flatten() {
                    if self.rng.chance(self.damage) {
                        let damaged = self.damaged(&datagram.bytes);
                        self.network.send(*time, Target::Engine(tuple), damaged);
                    }
                }
            }
            self.network.send_all(times, Target::Engine(tuple), datagram.bytes);
        }
        self.clients[at].outbox = outbox;
    }

    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..1 + self.rng.below(4) {
            let at = self.rng.below(40.min(bytes.len() as u64)) as usize;
            bytes[at] = self.rng.u64() as u8;
        }
        if self.rng.chance(0.3) {
            bytes.truncate(1 + self.rng.below(bytes.len() as u64) as usize);
        }
        bytes
    }

    /// A sum over everything that the engine sends, and when: as FNV-1a, but of
    /// eight bytes at a time, in four rows that go on side by side.
    fn digest(&mut self, packet: &[u8]) {
        let add = |sum: &mut u64, word: u64| {
            *sum = (*sum ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(29);
        };
        add(&mut self.hash, self.now.as_nanos());
        add(&mut self.hash, packet.len() as u64);
        let mut rows = [0; 4];
        let (words, rest) = packet.as_chunks::<8>();
        let (blocks, words) = words.as_chunks::<4>();
        for block in blocks {
            for (sum, word) in rows.iter_mut().zip(block) {
                add(sum, u64::from_le_bytes(*word));
            }
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for word in words.iter().chain([&last]) {
            add(&mut self.hash, u64::from_le_bytes(*word));
        }
        rows.iter().for_each(|sum| add(&mut self.hash, *sum));
    }

    pub fn transport(&self, client: usize) -> TransportId {
        self.clients[client].transport
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the world's seed was {}, its time {:?}", self.seed, self.now);
        }
    }
}

/// The header extensions of every peer.
pub fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::default();
    let kinds = [
        (ExtensionKind::Mid, 1),
        (ExtensionKind::Rid, 2),
        (ExtensionKind::RepairedRid, 3),
        (ExtensionKind::AbsSendTime, 4),
        (ExtensionKind::TransportWideCc, 5),
        (ExtensionKind::AudioLevel, 6),
        (ExtensionKind::DependencyDescriptor, 7),
        (ExtensionKind::AbsCaptureTime, 8),
    ];
    for (kind, id) in kinds {
        map.insert(kind, id).unwrap();
    }
    map
}
