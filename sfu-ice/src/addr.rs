//! Where a datagram came from and where one goes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The transport protocol of a [`Tuple`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP with the framing of RFC 4571.
    Tcp,
}

impl Protocol {
    /// The word in an `a=candidate` line: `udp` or `tcp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp].into_iter().find(|p| word.eq_ignore_ascii_case(p.as_str()))
    }
}

/// Protocol, local address and remote address of one path.
///
/// A v4-mapped IPv6 address is the same as the IPv4 address in it: a
/// dual-stack socket reports one, a candidate names the other.
///
/// ```
/// use sfu_ice::{Protocol, Tuple};
/// use std::net::SocketAddr;
/// let local = "[::ffff:10.0.0.1]:1".parse().unwrap();
/// let remote = "10.0.0.2:2".parse().unwrap();
/// let tuple = Tuple::new(Protocol::Udp, local, remote);
/// assert_eq!(tuple.local, SocketAddr::from(([10, 0, 0, 1], 1)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Tuple {
    /// Protocol of the path.
    pub protocol: Protocol,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

impl Tuple {
    /// A tuple with both addresses in canonical form.
    pub fn new(protocol: Protocol, local: SocketAddr, remote: SocketAddr) -> Self {
        Self { protocol, local: canonical(local), remote: canonical(remote) }
    }
}

impl Hash for Tuple {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.remote.hash(state);
        self.local.port().hash(state);
        self.protocol.hash(state);
    }
}

/// The address with a v4-mapped IPv6 address turned into IPv4 and without
/// flow label.
pub fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(_) => addr,
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => {
                SocketAddr::V6(std::net::SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()))
            }
        },
    }
}

impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} <- {}", self.protocol, self.local, self.remote)
    }
}
