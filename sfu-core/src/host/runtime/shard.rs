//! The loop of one shard: the only thread that touches its sockets and its
//! engine.
//!
//! A turn reads the clock once, takes in at most a bounded number of datagrams
//! and messages, lets the engine run, and sends what it put out. An idle shard
//! sleeps in the poller; a loaded one finds more in each turn, so that runs
//! grow when the CPU is short.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hashbrown::HashMap;
use mio::{Events, Interest, Poll, Token};
use sfu_ice::demux::{PacketClass, classify};
use sfu_ice::{Protocol, SrtpProfile, Time, Tuple};

use super::super::clock::Clock;
use super::super::io::tcp::TcpPort;
use super::super::io::udp::{ReceiveArea, UdpCounters, UdpSocket};
use super::link::{Bell, LinkEnd, Links};
use super::load::{Load, LoadMeter};
use super::{Outbox, ShardStats};
use crate::engine::{Command, Completion, Engine, Output, Reply, RequestId, Sink};
use crate::route::{CommandError, PipeConfig, PipeLink, PlainConfig, RouterId};
use crate::wire::buf::Run;

/// Datagrams taken in before the engine runs.
const DATAGRAMS_PER_TURN: usize = 64;
/// Packets taken from other shards a turn.
const LINKED_PER_TURN: usize = 256;
/// Messages taken from the mailbox a turn.
const MESSAGES_PER_TURN: usize = 32;

const WAKER: Token = Token(0);
const FIRST_SOCKET: usize = 1;
const FIRST_CONNECTION: usize = 1 << 32;

/// What the API posts to a shard.
pub(crate) enum Message {
    /// A command for the engine.
    Command(RequestId, Box<Command>),
    /// A plain transport: the host opens its sockets on this address first.
    CreatePlainTransport { request: RequestId, router: RouterId, listen: Box<PlainListen> },
    /// A pipe over UDP: the host opens its socket first.
    CreatePipeTransport { request: RequestId, router: RouterId, listen: PipeListen },
    /// A pipe to a router of this process: the end of its link is here.
    CreateLinkedPipe { request: RequestId, router: RouterId, end: Box<LinkEnd> },
    /// Listens on one more address for WebRTC. It is in `into` when the request
    /// ends.
    Listen {
        request: RequestId,
        address: SocketAddr,
        protocol: Protocol,
        into: Arc<OnceLock<SocketAddr>>,
    },
    /// Undoes a `Listen`.
    Unlisten { request: RequestId, address: SocketAddr, protocol: Protocol },
    /// Asks for the shard's figures. They are in `into` when the request ends.
    Stats { request: RequestId, into: Arc<OnceLock<ShardStats>> },
    /// Ends the thread.
    Shutdown,
}

/// Where a plain transport is to listen. Port 0 is any free port.
pub(crate) struct PlainListen {
    pub(crate) address: SocketAddr,
    pub(crate) rtcp_mux: bool,
    pub(crate) config: PlainConfig,
}

/// Where a pipe is to listen. Port 0 is any free port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PipeListen {
    pub(crate) address: SocketAddr,
    pub(crate) srtp: Option<SrtpProfile>,
    pub(crate) demand: bool,
}

pub(crate) struct Shard {
    poll: Poll,
    clock: Clock,
    engine: Engine,
    mailbox: Receiver<Message>,
    outbox: Arc<dyn Outbox>,
    sockets: Sockets,
    area: ReceiveArea,
    bell: Arc<Bell>,
    meter: LoadMeter,
    turns: u64,
    turns_with_input: u64,
    busy: Duration,
}

/// Every way out of this shard.
struct Sockets {
    udp: HashMap<usize, UdpSocket>,
    by_local: HashMap<SocketAddr, usize>,
    /// Wildcard binds, which serve every local address of their port.
    by_port: HashMap<u16, usize>,
    tcp: Vec<TcpPort>,
    /// TCP ports that there have been: each has tokens of its own.
    tcp_ports: usize,
    /// What was asked for by `Listen`.
    added: Vec<(Protocol, SocketAddr)>,
    links: Links,
    next: usize,
    /// Sockets that have a backlog of which the poller does not know yet.
    stalled: Vec<usize>,
    /// What sockets counted that are closed by now.
    closed: UdpCounters,
    media_packets: u64,
    media_runs: u64,
}

impl Sink for Sockets {
    fn transmit(&mut self, run: Run<'_>) {
        // A report to the same destination may be the last of a run of media.
        let media = run.packets().filter(|packet| classify(packet) == PacketClass::Rtp).count();
        self.media_packets += media as u64;
        self.media_runs += u64::from(media > 0);
        match run.tuple.protocol {
            Protocol::Udp => {
                let local = run.tuple.local;
                let key = self.by_local.get(&local).or_else(|| self.by_port.get(&local.port()));
                if let Some(&key) = key
                    && let Some(socket) = self.udp.get_mut(&key)
                {
                    socket.send(&run);
                    if socket.has_backlog() && !socket.awaits_writable {
                        socket.awaits_writable = true;
                        self.stalled.push(key);
                    }
                }
            }
            Protocol::Tcp => {
                for port in &mut self.tcp {
                    if port.send(&run) {
                        return;
                    }
                }
            }
        }
    }

    fn pipe(
        &mut self,
        link: PipeLink,
        max_len: usize,
        build: &mut dyn FnMut(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        self.links.send(link, max_len, build)
    }
}

impl Shard {
    /// A shard that others wake by `bell`.
    pub(crate) fn new(
        poll: Poll,
        clock: Clock,
        engine: Engine,
        mailbox: Receiver<Message>,
        outbox: Arc<dyn Outbox>,
        bell: Arc<Bell>,
    ) -> (Self, Load) {
        let sockets = Sockets {
            udp: HashMap::new(),
            by_local: HashMap::new(),
            by_port: HashMap::new(),
            tcp: Vec::new(),
            tcp_ports: 0,
            added: Vec::new(),
            links: Links::default(),
            next: FIRST_SOCKET,
            stalled: Vec::new(),
            closed: UdpCounters::default(),
            media_packets: 0,
            media_runs: 0,
        };
        let (meter, load) = LoadMeter::new(clock.now());
        let shard = Self {
            poll,
            clock,
            engine,
            mailbox,
            outbox,
            sockets,
            area: ReceiveArea::new(),
            bell,
            meter,
            turns: 0,
            turns_with_input: 0,
            busy: Duration::ZERO,
        };
        (shard, load)
    }

    /// Adds a socket for WebRTC transports.
    pub(crate) fn add_socket(&mut self, socket: UdpSocket) -> std::io::Result<()> {
        self.register(socket).map(drop)
    }

    /// Adds a TCP port for WebRTC transports.
    pub(crate) fn add_tcp(&mut self, mut port: TcpPort) -> std::io::Result<()> {
        let token = self.sockets.next;
        self.sockets.next += 1;
        self.sockets.tcp_ports += 1;
        let first = FIRST_CONNECTION * self.sockets.tcp_ports;
        port.register(self.poll.registry(), token, first)?;
        self.sockets.tcp.push(port);
        Ok(())
    }

    fn register(&mut self, mut socket: UdpSocket) -> std::io::Result<usize> {
        let key = self.sockets.next;
        self.poll.registry().register(socket.source(), Token(key), Interest::READABLE)?;
        self.sockets.next += 1;
        let local = socket.local_addr();
        self.sockets.by_local.insert(local, key);
        if local.ip().is_unspecified() {
            self.sockets.by_port.insert(local.port(), key);
        }
        self.sockets.udp.insert(key, socket);
        Ok(key)
    }

    /// Runs until told to shut down, or until nobody can tell it anything.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut busy = false;
        loop {
            let timeout = if busy { Some(Duration::ZERO) } else { self.idle_time() };
            let polled = self.poll.poll(&mut events, timeout);
            self.bell.get_up();
            if let Err(error) = polled
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the poller failed; the shard stops");
                break;
            }
            for event in &events {
                self.note_readiness(event);
            }
            match self.turn() {
                Some(more) => busy = more,
                None => break,
            }
        }
        self.outbox.stopped();
    }

    /// How long it may sleep; none is until it is woken.
    fn idle_time(&self) -> Option<Duration> {
        self.bell.lie_down();
        if self.sockets.links.has_waiting() {
            return Some(Duration::ZERO);
        }
        let due = self.engine.poll_timeout()?;
        // The poller rounds down to milliseconds: one more avoids a busy turn.
        Some(due.since(self.clock.now()) + Duration::from_micros(500))
    }

    fn note_readiness(&mut self, event: &mio::event::Event) {
        let Token(token) = event.token();
        if event.token() == WAKER {
            return;
        }
        if let Some(socket) = self.sockets.udp.get_mut(&token) {
            socket.readable |= event.is_readable() || event.is_error();
            if event.is_writable() {
                socket.flush_backlog();
            }
            if socket.awaits_writable && !socket.has_backlog() {
                socket.awaits_writable = false;
                self.watch(token, Interest::READABLE);
            }
            return;
        }
        for port in &mut self.sockets.tcp {
            port.note_readiness(token, event.is_readable(), event.is_writable());
        }
    }

    /// Has the poller tell when sockets with a backlog can send again.
    fn watch_stalled(&mut self) {
        while let Some(key) = self.sockets.stalled.pop() {
            self.watch(key, Interest::READABLE | Interest::WRITABLE);
        }
    }

    fn watch(&mut self, key: usize, interest: Interest) {
        let Some(socket) = self.sockets.udp.get_mut(&key) else { return };
        if let Err(error) = self.poll.registry().reregister(socket.source(), Token(key), interest) {
            tracing::error!(%error, "the poller refused a socket; its backlog may wait");
        }
    }

    /// One turn; `None` ends the shard, otherwise whether more waits already.
    fn turn(&mut self) -> Option<bool> {
        let now = self.clock.now();
        self.turns += 1;
        let mut more = self.receive(now);
        more |= self.take_messages(now)?;
        self.engine.run(now, &mut self.sockets);
        self.watch_stalled();
        self.put_out();
        self.sockets.links.ring();
        let end = self.clock.now();
        let busy = end.since(now);
        self.busy += busy;
        self.meter.push(end, busy);
        Some(more)
    }

    fn receive(&mut self, now: Time) -> bool {
        let mut more = false;
        let mut any = false;
        let Self { sockets, area, engine, poll, .. } = self;
        for socket in sockets.udp.values_mut() {
            let mut budget = DATAGRAMS_PER_TURN;
            while socket.readable && budget > 0 {
                let got =
                    socket.receive(area, |tuple, bytes| engine.handle_datagram(now, tuple, bytes));
                budget = budget.saturating_sub(got.max(1));
                any |= got > 0;
            }
            more |= socket.readable;
        }
        for port in &mut sockets.tcp {
            more |= port.receive(now, poll.registry(), |tuple: Tuple, bytes: &mut [u8]| {
                any = true;
                engine.handle_datagram(now, tuple, bytes);
            });
        }
        more |= sockets.links.receive(LINKED_PER_TURN, |link, packet| {
            any = true;
            engine.handle_pipe(now, link, packet);
        });
        while let Some(link) = sockets.links.closed() {
            engine.handle_link_closed(now, link);
            sockets.links.remove(link);
        }
        self.turns_with_input += u64::from(any);
        more
    }

    fn take_messages(&mut self, now: Time) -> Option<bool> {
        for _ in 0..MESSAGES_PER_TURN {
            match self.mailbox.try_recv() {
                Ok(Message::Command(request, command)) => {
                    // The engine forwards a batch before it can take another.
                    let last = matches!(*command, Command::SendRtpBatch(..));
                    self.engine.handle_command(now, request, *command);
                    if last {
                        return Some(true);
                    }
                }
                Ok(Message::CreatePlainTransport { request, router, listen }) => {
                    self.create_plain_transport(now, request, router, &listen);
                }
                Ok(Message::CreatePipeTransport { request, router, listen }) => {
                    self.create_pipe_transport(now, request, router, listen);
                }
                Ok(Message::CreateLinkedPipe { request, router, end }) => {
                    let link = self.sockets.links.add(*end);
                    let command = Command::CreatePipeTransport(router, PipeConfig::Local(link));
                    self.engine.handle_command(now, request, command);
                }
                Ok(Message::Listen { request, address, protocol, into }) => {
                    match self.listen(address, protocol) {
                        Ok(local) => {
                            // Whoever asks hands in an empty place.
                            let _ = into.set(local);
                            self.complete(request, Ok(Reply::Done));
                        }
                        Err(error) => self.outbox.refuse(request, address, &error),
                    }
                }
                Ok(Message::Unlisten { request, address, protocol }) => {
                    let result = self.unlisten(address, protocol);
                    self.complete(request, result);
                }
                Ok(Message::Stats { request, into }) => {
                    // Whoever asks hands in an empty place.
                    let _ = into.set(self.stats());
                    self.complete(request, Ok(Reply::Done));
                }
                Ok(Message::Shutdown) | Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    return None;
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => return Some(false),
            }
        }
        Some(true)
    }

    fn complete(&self, request: RequestId, result: Result<Reply, CommandError>) {
        self.outbox.deliver(vec![Output::Completion(Completion { request, result })]);
    }

    fn listen(&mut self, address: SocketAddr, protocol: Protocol) -> std::io::Result<SocketAddr> {
        let local = match protocol {
            Protocol::Udp => {
                let socket = UdpSocket::bind(address)?;
                let local = socket.local_addr();
                self.register(socket)?;
                local
            }
            Protocol::Tcp => {
                let port = TcpPort::bind(address)?;
                let local = port.local_addr();
                self.add_tcp(port)?;
                local
            }
        };
        self.sockets.added.push((protocol, local));
        Ok(local)
    }

    fn unlisten(&mut self, address: SocketAddr, protocol: Protocol) -> Result<Reply, CommandError> {
        let Some(at) = self.sockets.added.iter().position(|known| *known == (protocol, address))
        else {
            let expected = "one that was added by `listen`";
            return Err(CommandError::InvalidParameters { what: "address", expected });
        };
        self.sockets.added.swap_remove(at);
        match protocol {
            Protocol::Udp => self.close_udp(&address),
            Protocol::Tcp => self.sockets.tcp.retain_mut(|port| {
                let stays = port.local_addr() != address;
                if !stays {
                    port.close(self.poll.registry());
                }
                stays
            }),
        }
        Ok(Reply::Done)
    }

    fn close_udp(&mut self, local: &SocketAddr) {
        self.sockets.by_port.retain(|_, key| self.sockets.by_local.get(local) != Some(key));
        if let Some(key) = self.sockets.by_local.remove(local)
            && let Some(mut socket) = self.sockets.udp.remove(&key)
        {
            self.sockets.closed = self.sockets.closed + socket.counters;
            // Dropping the socket closes it; that cannot fail usefully.
            let _ = self.poll.registry().deregister(socket.source());
        }
    }

    fn stats(&self) -> ShardStats {
        let open = self.sockets.udp.values().map(|socket| socket.counters);
        let udp = open.fold(self.sockets.closed, |sum, socket| sum + socket);
        ShardStats {
            turns: self.turns,
            turns_with_input: self.turns_with_input,
            busy: self.busy,
            received_datagrams: udp.received_datagrams,
            received_bytes: udp.received_bytes,
            sent_datagrams: udp.sent_datagrams,
            sent_bytes: udp.sent_bytes,
            send_calls: udp.send_calls,
            send_errors: udp.send_errors,
            dropped_datagrams: udp.dropped,
            media_packets: self.sockets.media_packets,
            media_runs: self.sockets.media_runs,
            link_packets_sent: self.sockets.links.counters.sent,
            link_packets_received: self.sockets.links.counters.received,
            link_packets_dropped: self.sockets.links.counters.dropped,
            link_wakeups: self.sockets.links.counters.wakeups,
            engine: self.engine.counters(),
        }
    }

    fn create_plain_transport(
        &mut self,
        now: Time,
        request: RequestId,
        router: RouterId,
        listen: &PlainListen,
    ) {
        let opened = self.open_plain(listen.address, listen.rtcp_mux);
        match opened {
            Ok((local, local_rtcp)) => {
                let config = PlainConfig { local, local_rtcp, ..listen.config.clone() };
                let command = Command::CreatePlainTransport(router, config);
                self.engine.handle_command(now, request, command);
            }
            Err(error) => self.outbox.refuse(request, listen.address, &error),
        }
    }

    fn create_pipe_transport(
        &mut self,
        now: Time,
        request: RequestId,
        router: RouterId,
        listen: PipeListen,
    ) {
        match self.open_plain(listen.address, true) {
            Ok((local, _)) => {
                let PipeListen { srtp, demand, .. } = listen;
                let config = PipeConfig::Udp { local, srtp, demand };
                let command = Command::CreatePipeTransport(router, config);
                self.engine.handle_command(now, request, command);
            }
            Err(error) => self.outbox.refuse(request, listen.address, &error),
        }
    }

    fn open_plain(
        &mut self,
        address: SocketAddr,
        rtcp_mux: bool,
    ) -> std::io::Result<(SocketAddr, Option<SocketAddr>)> {
        let rtp = UdpSocket::bind(address)?;
        let rtcp = if rtcp_mux {
            None
        } else {
            let port = if address.port() == 0 { 0 } else { address.port().saturating_add(1) };
            Some(UdpSocket::bind(SocketAddr::new(address.ip(), port))?)
        };
        let local = rtp.local_addr();
        let local_rtcp = rtcp.as_ref().map(UdpSocket::local_addr);
        self.register(rtp)?;
        if let Some(rtcp) = rtcp {
            self.register(rtcp)?;
        }
        Ok((local, local_rtcp))
    }

    fn put_out(&mut self) {
        let mut outputs = self.engine.take_outputs();
        outputs.retain(|output| match output {
            Output::SocketNeeded(local) => {
                let opened = UdpSocket::bind(*local).and_then(|socket| self.register(socket));
                if let Err(error) = opened {
                    tracing::warn!(%local, %error, "a restored plain transport has no socket");
                }
                false
            }
            Output::SocketReleased(local) => {
                self.close_udp(local);
                false
            }
            Output::LinkReleased(link) => {
                self.sockets.links.remove(*link);
                false
            }
            Output::ConnectionReleased(tuple) => {
                for port in &mut self.sockets.tcp {
                    port.release(self.poll.registry(), tuple);
                }
                false
            }
            _ => true,
        });
        if !outputs.is_empty() {
            self.outbox.deliver(outputs);
        }
    }
}
