//! The subscribers' ends: sockets that are read and forgotten.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, bail};

/// An address on loopback with any free port.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(crate) struct Receivers {
    sockets: Vec<UdpSocket>,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Receivers {
    pub(crate) fn new(count: usize) -> anyhow::Result<Self> {
        let bind = |_| {
            let socket = UdpSocket::bind(ANY)?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            Ok(socket)
        };
        let sockets = (0..count).map(bind).collect::<io::Result<Vec<_>>>()?;
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        Ok(Self { sockets, addresses })
    }

    /// Waits until each has got this many RTP packets, and takes them away.
    pub(crate) fn drain(&self, packets: usize) -> anyhow::Result<()> {
        let mut buf = [0; 2048];
        for socket in &self.sockets {
            let mut got = 0;
            while got < packets {
                let len = socket.recv(&mut buf).context("a packet was lost on loopback")?;
                let Some(&[_, second]) = buf.get(..2).filter(|_| len >= 12) else {
                    bail!("a subscriber got {len} bytes")
                };
                // RTCP has packet types 192 to 223 there (RFC 5761 §4).
                got += usize::from(!(192..224).contains(&second));
            }
        }
        Ok(())
    }
}
