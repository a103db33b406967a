//! Brings up the shards: binds their ports, pins their threads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use mio::{Poll, Token, Waker};
use sfu_ice::PeerConfig;

use super::super::clock::Clock;
use super::super::io::tcp::TcpPort;
use super::super::io::udp::UdpSocket;
use super::Outbox;
use super::link::{Bell, LinkEnd, link};
use super::load::Load;
use super::mailbox::Mailbox;
use super::shard::{Message, Shard};
use crate::engine::{Engine, EngineConfig};

/// What the host needs to know to start.
#[derive(Clone, Debug)]
pub(crate) struct HostConfig {
    /// UDP addresses; shard n listens on port + n.
    pub(crate) listen: Vec<SocketAddr>,
    /// Whether the same ports also take TCP.
    pub(crate) tcp: bool,
    pub(crate) shards: usize,
    /// Pin each shard's thread to a core.
    pub(crate) pin: bool,
    pub(crate) engine: EngineConfig,
    pub(crate) peer: PeerConfig,
}

/// Why the host did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {address} ({protocol})")]
    Bind { address: SocketAddr, protocol: &'static str, source: io::Error },
    #[error("the system gave no {what}")]
    System { what: &'static str, source: io::Error },
    #[error("port {0} plus the number of shards is beyond 65535")]
    PortRange(u16),
}

/// The running shards.
pub(crate) struct Runtime {
    clock: Clock,
    shards: Vec<RunningShard>,
}

struct RunningShard {
    mailbox: Mailbox<Message>,
    bell: Arc<Bell>,
    load: Load,
    addresses: Vec<SocketAddr>,
    thread: Option<JoinHandle<()>>,
}

impl Runtime {
    pub(crate) fn start(config: &HostConfig, outbox: &Arc<dyn Outbox>) -> Result<Self, StartError> {
        let clock = Clock::start();
        let cores = if config.pin { core_affinity::get_core_ids() } else { None };
        let cores = cores.unwrap_or_default();
        let mut runtime = Self { clock, shards: Vec::new() };
        for index in 0..config.shards.max(1) {
            let core = cores.get(index).copied().filter(|_| config.shards <= cores.len());
            let shard = start_shard(config, index, clock, outbox, core)?;
            runtime.shards.push(shard);
        }
        Ok(runtime)
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// The addresses that a shard is bound to.
    pub(crate) fn addresses(&self, shard: usize) -> &[SocketAddr] {
        self.shards.get(shard).map_or(&[], |shard| shard.addresses.as_slice())
    }

    /// The share of its time that a shard was busy lately, in thousandths.
    pub(crate) fn load(&self, shard: usize) -> u64 {
        let now = self.clock.now();
        self.shards.get(shard).map_or(1_000, |shard| shard.load.permille(now))
    }

    /// A link between two shards; `None` if one of them does not exist.
    pub(crate) fn link(&self, near: usize, far: usize) -> Option<(LinkEnd, LinkEnd)> {
        Some(link(&self.shards.get(near)?.bell, &self.shards.get(far)?.bell))
    }

    /// Posts to a shard; gives the message back when the shard is gone.
    pub(crate) fn post(&self, shard: usize, message: Message) -> Result<(), Message> {
        match self.shards.get(shard) {
            Some(shard) => shard.mailbox.post(message),
            None => Err(message),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        for shard in &mut self.shards {
            // A shard that is gone already needs no telling.
            let _ = shard.mailbox.post(Message::Shutdown);
        }
        for shard in &mut self.shards {
            let Some(thread) = shard.thread.take() else { continue };
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a shard's thread had panicked");
            }
        }
    }
}

fn start_shard(
    config: &HostConfig,
    index: usize,
    clock: Clock,
    outbox: &Arc<dyn Outbox>,
    core: Option<core_affinity::CoreId>,
) -> Result<RunningShard, StartError> {
    let system = |what| move |source| StartError::System { what, source };
    let poll = Poll::new().map_err(system("poller"))?;
    let waker = Waker::new(poll.registry(), Token(0)).map_err(system("waker"))?;
    let waker = Arc::new(waker);
    let bell = Bell::new(Arc::clone(&waker));
    let (mailbox, receiver) = Mailbox::new(waker);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| StartError::System {
        what: "random bytes",
        source: io::Error::other(error.to_string()),
    })?;
    let engine = Engine::new(config.engine.clone(), config.peer.clone(), seed, clock.now());
    let (mut shard, load) =
        Shard::new(poll, clock, engine, receiver, Arc::clone(outbox), Arc::clone(&bell));
    let mut addresses = Vec::new();
    for listen in &config.listen {
        let offset = u16::try_from(index).ok();
        let port = match (listen.port(), offset) {
            (0, _) => Some(0),
            (port, Some(offset)) => port.checked_add(offset),
            (_, None) => None,
        };
        let port = port.ok_or_else(|| StartError::PortRange(listen.port()))?;
        let address = SocketAddr::new(listen.ip(), port);
        let bind = |protocol| move |source| StartError::Bind { address, protocol, source };
        let (socket, port) = open_port(address, config.tcp)?;
        addresses.push(socket.local_addr());
        shard.add_socket(socket).map_err(bind("UDP"))?;
        if let Some(port) = port {
            shard.add_tcp(port).map_err(bind("TCP"))?;
        }
    }
    let thread = std::thread::Builder::new()
        .name(format!("sfu-shard-{index}"))
        .spawn(move || {
            if let Some(core) = core {
                // Pinning is an optimisation; a sandbox may forbid it.
                core_affinity::set_for_current(core);
            }
            shard.run();
        })
        .map_err(system("thread"))?;
    Ok(RunningShard { mailbox, bell, load, addresses, thread: Some(thread) })
}

/// Opens an address for UDP and, if wanted, the same one for TCP. A port that
/// the system chose for UDP may be somebody's TCP port; then it chooses again.
fn open_port(address: SocketAddr, tcp: bool) -> Result<(UdpSocket, Option<TcpPort>), StartError> {
    let bind = |protocol| move |source| StartError::Bind { address, protocol, source };
    let mut choices = if address.port() == 0 { 32 } else { 1 };
    loop {
        let socket = UdpSocket::bind(address).map_err(bind("UDP"))?;
        if !tcp {
            return Ok((socket, None));
        }
        choices -= 1;
        match TcpPort::bind(socket.local_addr()) {
            Ok(port) => return Ok((socket, Some(port))),
            Err(taken) if taken.kind() == io::ErrorKind::AddrInUse && choices > 0 => {}
            Err(source) => return Err(bind("TCP")(source)),
        }
    }
}
