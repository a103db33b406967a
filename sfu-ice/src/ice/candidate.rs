//! Candidates and their `a=candidate` text (RFC 8839 §5.1, RFC 6544 §4.5).
//!
//! A lite agent has host candidates only; the other kinds are parsed so that
//! a remote description can be read, and are never created here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::credentials::is_ice_char;
use crate::{PeerError, Protocol};

/// One address at which an agent can be reached.
///
/// The JSON form is the one of mediasoup-client; `Display` writes the value of
/// an SDP `a=candidate` line and `FromStr` reads it.
///
/// ```
/// use sfu_ice::{Protocol, ice::Candidate};
/// let candidate = Candidate::host(Protocol::Udp, "203.0.113.7:40000".parse()?, 65535);
/// assert_eq!(candidate.to_string().parse(), Ok(candidate));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct Candidate {
    /// Equal for candidates of one kind, base address and protocol.
    pub foundation: String,
    /// The RTP component, 1. Other values come from peers without rtcp-mux.
    #[serde(default = "rtp_component")]
    pub component: u16,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Higher is better (RFC 8445 §5.1.2).
    pub priority: u32,
    /// The address.
    pub address: IpAddr,
    /// The port. 9 for an active TCP candidate.
    pub port: u16,
    /// How the address was found.
    #[serde(rename = "type")]
    pub kind: CandidateKind,
    /// Who opens the connection, for TCP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tcp_type: Option<TcpType>,
}

/// How a candidate's address was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CandidateKind {
    /// An address of the machine, or the one announced for it.
    Host,
    /// Seen by a STUN server.
    Srflx,
    /// Seen by the peer.
    Prflx,
    /// On a TURN server.
    Relay,
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TcpType {
    /// This side connects.
    Active,
    /// This side listens.
    Passive,
    /// Both connect at once.
    So,
}

impl Candidate {
    /// A host candidate for `address`, passive if the protocol is TCP.
    ///
    /// `local_preference` orders the addresses of one machine, 65535 first.
    /// TCP is always below UDP, as RFC 6544 §4.2 recommends.
    pub fn host(protocol: Protocol, address: SocketAddr, local_preference: u16) -> Self {
        let address = crate::canonical(address);
        // RFC 6544 §4.2: the direction (4 for passive) has the top three of the
        // local preference's 16 bits. 126 is the type preference of RFC 8445
        // §5.1.2.2, 90 what browsers use for TCP.
        let (type_preference, local_preference) = match protocol {
            Protocol::Udp => (126, u32::from(local_preference)),
            Protocol::Tcp => (90, (4 << 13) | u32::from(local_preference >> 3)),
        };
        Self {
            foundation: foundation(protocol, address.ip()),
            component: 1,
            protocol,
            priority: (type_preference << 24) | (local_preference << 8) | 255,
            address: address.ip(),
            port: address.port(),
            kind: CandidateKind::Host,
            tcp_type: (protocol == Protocol::Tcp).then_some(TcpType::Passive),
        }
    }

    /// Address and port.
    pub fn socket_addr(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {} typ {}",
            self.foundation,
            self.component,
            self.protocol.as_str(),
            self.priority,
            self.address,
            self.port,
            self.kind.as_str()
        )?;
        match self.tcp_type {
            Some(tcp_type) => write!(f, " tcptype {}", tcp_type.as_str()),
            None => Ok(()),
        }
    }
}

/// Reads the value of an `a=candidate` line, with or without `candidate:` in
/// front. Extensions that this crate does not know are skipped.
impl FromStr for Candidate {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        let bad = PeerError::BadCandidate;
        let text = text.strip_prefix("candidate:").unwrap_or(text);
        let mut words = text.split_ascii_whitespace();
        let mut word = || words.next().ok_or_else(|| bad("it ends too early"));
        let foundation = word()?;
        if foundation.len() > 32 || !foundation.bytes().all(is_ice_char) {
            return Err(bad("the foundation must be 1 to 32 ice-chars"));
        }
        let component = word()?.parse().map_err(|_| bad("the component must be a number"))?;
        let protocol =
            Protocol::from_word(word()?).ok_or_else(|| bad("the transport must be UDP or TCP"))?;
        let priority = word()?.parse().map_err(|_| bad("the priority must be a 32-bit number"))?;
        let address = word()?.parse().map_err(|_| bad("the address must be an IP address"))?;
        let port = word()?.parse().map_err(|_| bad("the port must be a 16-bit number"))?;
        if word()? != "typ" {
            return Err(bad("'typ' must follow the port"));
        }
        let kind = CandidateKind::from_word(word()?).ok_or_else(|| bad("the type is unknown"))?;
        let mut tcp_type = None;
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| bad("an extension has no value"))?;
            if name == "tcptype" {
                tcp_type =
                    Some(TcpType::from_word(value).ok_or_else(|| bad("the tcptype is unknown"))?);
            }
        }
        let foundation = foundation.to_owned();
        Ok(Self { foundation, component, protocol, priority, address, port, kind, tcp_type })
    }
}

impl CandidateKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::Prflx => "prflx",
            Self::Relay => "relay",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Host, Self::Srflx, Self::Prflx, Self::Relay].into_iter().find(|k| k.as_str() == word)
    }
}

impl TcpType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::So => "so",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::So].into_iter().find(|t| t.as_str() == word)
    }
}

fn rtp_component() -> u16 {
    1
}

fn foundation(protocol: Protocol, address: IpAddr) -> String {
    let mut hash = crc32fast::Hasher::new();
    hash.update(protocol.as_str().as_bytes());
    match address {
        IpAddr::V4(ip) => hash.update(&ip.octets()),
        IpAddr::V6(ip) => hash.update(&ip.octets()),
    }
    hash.finalize().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_udp_host_candidate_has_the_priority_of_rfc_8445() {
        let candidate = Candidate::host(Protocol::Udp, "192.0.2.1:5000".parse().unwrap(), 65535);
        assert_eq!(candidate.priority, 2_130_706_431);
        assert_eq!(candidate.tcp_type, None);
    }

    #[test]
    fn tcp_is_passive_and_below_every_udp_candidate() {
        let addr = "192.0.2.1:5000".parse().unwrap();
        let tcp = Candidate::host(Protocol::Tcp, addr, 65535);
        let udp = Candidate::host(Protocol::Udp, addr, 0);
        assert_eq!(tcp.tcp_type, Some(TcpType::Passive));
        assert!(tcp.priority < udp.priority);
        assert!(tcp.to_string().ends_with(" 192.0.2.1 5000 typ host tcptype passive"));
        assert_ne!(tcp.foundation, udp.foundation);
    }

    #[test]
    fn a_browser_candidate_is_read_and_its_extensions_skipped() {
        let text = "candidate:842163049 1 udp 1677729535 198.51.100.9 46154 typ srflx \
                    raddr 10.0.0.1 rport 46154 generation 0 ufrag EEtu network-cost 999";
        let candidate: Candidate = text.parse().unwrap();
        assert_eq!(candidate.kind, CandidateKind::Srflx);
        assert_eq!(candidate.socket_addr(), SocketAddr::from(([198, 51, 100, 9], 46154)));
        assert_eq!(candidate.priority, 1_677_729_535);
    }

    #[test]
    fn broken_lines_say_what_is_wrong() {
        for (text, word) in [
            ("", "early"),
            ("1 1 udp 1 192.0.2.1", "early"),
            ("1 1 sctp 1 192.0.2.1 1 typ host", "transport"),
            ("1 1 udp 1 a.local 1 typ host", "IP address"),
            ("1 1 udp 1 192.0.2.1 1 host typ", "'typ'"),
            ("1 1 udp 4294967296 192.0.2.1 1 typ host", "priority"),
            ("1 1 udp 1 192.0.2.1 1 typ host generation", "no value"),
        ] {
            let error = text.parse::<Candidate>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn v4_mapped_addresses_are_announced_as_ipv4() {
        let addr = "[::ffff:192.0.2.1]:9".parse().unwrap();
        let candidate = Candidate::host(Protocol::Udp, addr, 1);
        assert_eq!(candidate.address, "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    proptest! {
        #[test]
        fn text_makes_the_round_trip(ip: IpAddr, port: u16, preference: u16, tcp: bool) {
            let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
            let candidate = Candidate::host(protocol, SocketAddr::new(ip, port), preference);
            prop_assert_eq!(candidate.to_string().parse::<Candidate>(), Ok(candidate));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,120}") {
            let _ = text.parse::<Candidate>();
        }
    }
}
