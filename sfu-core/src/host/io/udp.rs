//! One UDP socket: batched receive (`recvmmsg`, GRO) and segmented send (GSO)
//! through quinn-udp.
//!
//! The shard owns it and is the only thread that touches it. When the kernel
//! takes no more, what is left waits in a bounded backlog; when that is full,
//! packets are dropped and counted, as a full queue in the network would do.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::ops::Add;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use sfu_ice::{Protocol, Tuple, canonical};
use socket2::{Domain, Protocol as SocketProtocol, Socket, Type};

use crate::wire::buf::Run;

/// Asked of the kernel for either direction; it may give less.
const SOCKET_BUFFER: usize = 4 << 20;
/// Room for one maximal GRO super-packet a message.
const MESSAGE_BYTES: usize = 65_536;
const BACKLOG_BYTES: usize = 1 << 20;

/// The receive area of a shard, shared by its sockets.
pub(crate) struct ReceiveArea {
    bytes: Box<[u8]>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl ReceiveArea {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_SIZE * MESSAGE_BYTES].into_boxed_slice(),
            metas: [RecvMeta::default(); BATCH_SIZE],
        }
    }
}

pub(crate) struct UdpSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// The kernel may hold more to read.
    pub(crate) readable: bool,
    backlog: VecDeque<Waiting>,
    backlog_bytes: usize,
    /// The poller tells when the kernel takes packets again. Only while a
    /// backlog waits: otherwise each send that empties the kernel's queue would
    /// wake the shard for nothing.
    pub(crate) awaits_writable: bool,
    pub(crate) counters: UdpCounters,
}

/// What happened at a socket since start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UdpCounters {
    pub(crate) received_datagrams: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_datagrams: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) send_calls: u64,
    pub(crate) send_errors: u64,
    pub(crate) dropped: u64,
}

impl Add for UdpCounters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received_datagrams: self.received_datagrams + other.received_datagrams,
            received_bytes: self.received_bytes + other.received_bytes,
            sent_datagrams: self.sent_datagrams + other.sent_datagrams,
            sent_bytes: self.sent_bytes + other.sent_bytes,
            send_calls: self.send_calls + other.send_calls,
            send_errors: self.send_errors + other.send_errors,
            dropped: self.dropped + other.dropped,
        }
    }
}

struct Waiting {
    tuple: Tuple,
    bytes: Box<[u8]>,
    sent: usize,
    segment: usize,
}

impl UdpSocket {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket =
            Socket::new(Domain::for_address(addr), Type::DGRAM, Some(SocketProtocol::UDP))?;
        if addr.is_ipv6() {
            // IPv4 has a socket of its own, so that both can have the same port.
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        // The kernel's limit may be lower; what it grants is good enough.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        let socket = mio::net::UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let local = canonical(socket.local_addr()?);
        Ok(Self {
            socket,
            state,
            local,
            readable: true,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            awaits_writable: false,
            counters: UdpCounters::default(),
        })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Whether packets wait for the kernel.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Reads one batch and hands each datagram to `handle`. Returns how many
    /// there were; zero when the kernel has no more.
    pub(crate) fn receive(
        &mut self,
        area: &mut ReceiveArea,
        mut handle: impl FnMut(Tuple, &mut [u8]),
    ) -> usize {
        let mut chunks = area.bytes.chunks_exact_mut(MESSAGE_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let received =
            match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut area.metas) {
                Ok(received) => received,
                Err(error) => {
                    // Any other error is about an earlier send (ICMP) and
                    // says nothing of what waits to be read.
                    self.readable = error.kind() != io::ErrorKind::WouldBlock;
                    return 0;
                }
            };
        let mut datagrams = 0;
        for (slice, meta) in slices.iter_mut().zip(&area.metas).take(received) {
            let local_ip = meta.dst_ip.unwrap_or_else(|| self.local.ip());
            let local = SocketAddr::new(local_ip, self.local.port());
            let tuple = Tuple::new(Protocol::Udp, local, meta.addr);
            let Some(bytes) = slice.get_mut(..meta.len) else { continue };
            self.counters.received_bytes += meta.len as u64;
            for datagram in bytes.chunks_mut(meta.stride.max(1)) {
                datagrams += 1;
                handle(tuple, datagram);
            }
        }
        self.counters.received_datagrams += datagrams as u64;
        datagrams
    }

    /// Sends a run of equal segments to one destination.
    pub(crate) fn send(&mut self, run: &Run<'_>) {
        let sent = if self.backlog.is_empty() {
            self.send_segments(run.tuple, run.bytes, run.segment_size)
        } else {
            0
        };
        let rest = run.bytes.get(sent..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        if self.backlog_bytes + rest.len() > BACKLOG_BYTES {
            self.counters.dropped += rest.len().div_ceil(run.segment_size.max(1)) as u64;
            return;
        }
        self.backlog_bytes += rest.len();
        let segment = run.segment_size;
        self.backlog.push_back(Waiting { tuple: run.tuple, bytes: rest.into(), sent: 0, segment });
    }

    /// Sends what waited for the kernel.
    pub(crate) fn flush_backlog(&mut self) {
        while let Some(mut waiting) = self.backlog.pop_front() {
            let rest = waiting.bytes.get(waiting.sent..).unwrap_or_default();
            waiting.sent += self.send_segments(waiting.tuple, rest, waiting.segment);
            if waiting.sent < waiting.bytes.len() {
                self.backlog.push_front(waiting);
                return;
            }
            self.backlog_bytes -= waiting.bytes.len();
        }
    }

    /// Sends until the kernel takes no more; returns how many bytes are done
    /// with. A packet that the kernel refuses for good counts as done.
    fn send_segments(&mut self, tuple: Tuple, bytes: &[u8], segment: usize) -> usize {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let batch = self.state.max_gso_segments().max(1).saturating_mul(segment.max(1));
            let now = rest.get(..batch).unwrap_or(rest);
            match self.transmit(tuple, now, segment) {
                Ok(()) => done += now.len(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return done,
                // The kernel refused segmentation: quinn-udp has turned it off
                // for good, and the loop goes on packet by packet.
                Err(_) if now.len() > segment && self.state.max_gso_segments() == 1 => {}
                Err(_) => {
                    self.counters.send_errors += 1;
                    done += now.len();
                }
            }
        }
        done
    }

    fn transmit(&mut self, tuple: Tuple, bytes: &[u8], segment: usize) -> io::Result<()> {
        let source = tuple.local.ip();
        let transmit = Transmit {
            destination: tuple.remote,
            ecn: None,
            contents: bytes,
            segment_size: (bytes.len() > segment).then_some(segment),
            src_ip: (self.local.ip().is_unspecified() && !source.is_unspecified())
                .then_some(source),
        };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)?;
        self.counters.send_calls += 1;
        self.counters.sent_datagrams += bytes.len().div_ceil(segment.max(1)) as u64;
        self.counters.sent_bytes += bytes.len() as u64;
        Ok(())
    }
}
