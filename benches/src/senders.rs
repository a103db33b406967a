//! Two ways to hand the engine's packets to the kernel.

use std::io;
use std::net::UdpSocket;

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use sfu_core::engine::{Run, Sink};
use sfu_ice::{PacketClass, classify};

use crate::receivers::ANY;

/// One `sendto` a packet, as servers without segmentation offload do.
pub(crate) struct SendTo(UdpSocket);

impl SendTo {
    pub(crate) fn new() -> io::Result<Self> {
        UdpSocket::bind(ANY).map(Self)
    }
}

impl Sink for SendTo {
    fn transmit(&mut self, run: Run<'_>) {
        if classify(run.bytes) != PacketClass::Rtp {
            return;
        }
        for packet in run.packets() {
            // A loss shows where the packets are counted: at the receivers.
            let _ = self.0.send_to(packet, run.tuple.remote);
        }
    }
}

/// One `sendmsg` with `UDP_SEGMENT` a run, as the server does.
pub(crate) struct Segmented {
    socket: UdpSocket,
    state: UdpSocketState,
}

impl Segmented {
    pub(crate) fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind(ANY)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { socket, state })
    }

    pub(crate) fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends `bytes` in datagrams of `segment` bytes, all at once.
    pub(crate) fn send(
        &self,
        to: std::net::SocketAddr,
        bytes: &[u8],
        segment: usize,
    ) -> io::Result<()> {
        let segment_size = (bytes.len() > segment).then_some(segment);
        let transmit =
            Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip: None };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }
}

impl Sink for Segmented {
    fn transmit(&mut self, run: Run<'_>) {
        if classify(run.bytes) == PacketClass::Rtp {
            // As above.
            let _ = self.send(run.tuple.remote, run.bytes, run.segment_size);
        }
    }
}
