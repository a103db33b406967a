//! The subscribers' ends: sockets that are read and forgotten.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::bail;

/// An address on loopback with any free port.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A packet that has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(100);

pub(crate) struct Receivers {
    sockets: Vec<UdpSocket>,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Receivers {
    pub(crate) fn new(count: usize) -> anyhow::Result<Self> {
        let bind = |_| {
            let socket = UdpSocket::bind(ANY)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let sockets = (0..count).map(bind).collect::<io::Result<Vec<_>>>()?;
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        Ok(Self { sockets, addresses })
    }

    /// Waits until each has got this many RTP packets, and takes them away.
    ///
    /// It looks now and then instead of blocking: a thread that blocks in `recv`
    /// would have to be woken by whoever sends, at the sender's expense.
    pub(crate) fn drain(&self, packets: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for socket in &self.sockets {
            let mut got = 0;
            while got < packets {
                match receive(socket)? {
                    Some(media) => got += usize::from(media),
                    None if Instant::now() > deadline => bail!("a packet was lost on loopback"),
                    None => std::thread::sleep(PAUSE),
                }
            }
        }
        Ok(())
    }
}

/// Takes one datagram: whether it is RTP, or none if there is no datagram.
fn receive(socket: &UdpSocket) -> anyhow::Result<Option<bool>> {
    let mut buf = [0; 2048];
    match socket.recv(&mut buf) {
        // RTCP has packet types 192 to 223 there (RFC 5761 §4).
        Ok(len) => Ok(Some(len >= 12 && !(192..224).contains(&buf[1]))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}
