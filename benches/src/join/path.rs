//! One participant's socket, and what it seals and sends through it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use sfu_core::wire::srtp::Outbound;
use sfu_ice::{PacketClass, classify};

use super::clock::Stamp;
use super::script::mix;

/// Room for one maximal GRO super-packet a message.
const MESSAGE_BYTES: usize = 65_536;
/// Messages read at once. A participant is sent a few packets per turn.
const MESSAGES: usize = 8;
/// Asked of the kernel for what arrives between two turns; it may give less.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The receive area of a thread, shared by its sockets.
pub(crate) struct ReceiveArea {
    bytes: Box<[u8]>,
    metas: [RecvMeta; MESSAGES],
}

impl ReceiveArea {
    pub(crate) fn new() -> Self {
        let bytes = vec![0; MESSAGES * MESSAGE_BYTES].into_boxed_slice();
        Self { bytes, metas: [RecvMeta::default(); MESSAGES] }
    }
}

pub(crate) struct Path {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    pub(crate) server: SocketAddr,
    /// There once DTLS is done.
    pub(crate) outbound: Option<Outbound>,
    /// The transport-wide number of the next packet.
    pub(crate) transport_seq: u16,
    pub(crate) sent: Sent,
    loss: Loss,
}

/// Loses packets on purpose, evenly and the same in every run.
#[derive(Clone, Copy, Debug)]
struct Loss {
    share: f64,
    packets: u64,
}

impl Loss {
    fn takes_next(&mut self) -> bool {
        if self.share == 0.0 {
            return false;
        }
        self.packets += 1;
        (mix(self.packets) >> 11) as f64 / ((1_u64 << 53) as f64) < self.share
    }
}

/// What the kernel took, and what it did not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) refused: u64,
}

impl Path {
    /// A path from any port of `local` to `server` that loses this share of the
    /// media, either way.
    pub(crate) fn new(local: IpAddr, server: SocketAddr, loss: f64) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(local, 0))?;
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // What it gives is good enough.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), RECEIVE_BUFFER);
        let local = socket.local_addr()?;
        let (outbound, sent) = (None, Sent::default());
        let loss = Loss { share: loss, packets: u64::from(local.port()) << 32 };
        Ok(Self { socket, state, local, server, outbound, transport_seq: 0, sent, loss })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Reads one batch and hands on each datagram with the time at which the
    /// kernel had it. Whether there may be more.
    pub(crate) fn receive(
        &mut self,
        area: &mut ReceiveArea,
        mut handle: impl FnMut(&mut Self, Stamp, &mut [u8]),
    ) -> bool {
        let mut chunks = area.bytes.chunks_exact_mut(MESSAGE_BYTES);
        let mut slices: [IoSliceMut<'_>; MESSAGES] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let socket = UdpSockRef::from(&self.socket);
        let received = match self.state.recv(socket, &mut slices, &mut area.metas) {
            Ok(received) => received,
            // An error other than "nothing there" is about an earlier send.
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        };
        for (slice, meta) in slices.iter_mut().zip(&area.metas).take(received) {
            let arrived = meta.timestamp.map_or_else(Stamp::now, Stamp::at);
            for datagram in slice[..meta.len].chunks_mut(meta.stride.max(1)) {
                if !(classify(datagram) == PacketClass::Rtp && self.loss.takes_next()) {
                    handle(self, arrived, datagram);
                }
            }
        }
        // A short batch says that the socket was empty; the poller tells of more.
        received == MESSAGES
    }

    /// Sends datagrams of `segment` bytes, the last one perhaps shorter. What
    /// the kernel has no room for is lost, as in a full network.
    pub(crate) fn send(&mut self, bytes: &[u8], segment: usize) {
        let count = bytes.len().div_ceil(segment.max(1)) as u64;
        let transmit = Transmit {
            destination: self.server,
            ecn: None,
            contents: bytes,
            segment_size: (bytes.len() > segment).then_some(segment),
            src_ip: None,
        };
        match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
            Ok(()) => {
                self.sent.datagrams += count;
                self.sent.bytes += bytes.len() as u64;
            }
            Err(_) => self.sent.refused += count,
        }
    }

    /// As [`send`](Self::send), for media, some of which may be lost on purpose.
    pub(crate) fn send_media(&mut self, bytes: &[u8], segment: usize) {
        if self.loss.share == 0.0 {
            self.send(bytes, segment);
            return;
        }
        for packet in bytes.chunks(segment.max(1)) {
            if !self.loss.takes_next() {
                self.send(packet, packet.len());
            }
        }
    }

    /// Seals the RTP packet in the first `len` bytes of `packet` in place.
    pub(crate) fn seal(&mut self, packet: &mut [u8], len: usize) -> Option<usize> {
        self.outbound.as_mut()?.protect_rtp(packet, len).ok()
    }

    /// Seals and sends the RTCP compound in the first `len` bytes of `packet`.
    pub(crate) fn send_rtcp(&mut self, packet: &mut [u8], len: usize) {
        let sealed = self.outbound.as_mut().map(|srtp| srtp.protect_rtcp(packet, len));
        if let Some(Ok(sealed)) = sealed {
            self.send(&packet[..sealed], sealed);
        }
    }

    pub(crate) fn next_transport_seq(&mut self) -> u16 {
        let seq = self.transport_seq;
        self.transport_seq = seq.wrapping_add(1);
        seq
    }
}
