//! What two endpoints tell each other to connect: ICE and DTLS.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Everything that a client needs to connect to a WebRTC transport: what
/// mediasoup servers send and `device.createSendTransport()` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct WebRtcTransportParameters {
    /// The transport's id.
    pub id: String,
    /// ICE credentials.
    pub ice_parameters: IceParameters,
    /// Addresses to reach it at, the preferred one first.
    pub ice_candidates: Vec<IceCandidate>,
    /// DTLS role and certificate fingerprints.
    pub dtls_parameters: DtlsParameters,
}

/// ICE credentials of one side (RFC 8839 §5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct IceParameters {
    /// `a=ice-ufrag`, 4 to 256 characters.
    pub username_fragment: String,
    /// `a=ice-pwd`, 22 to 256 characters.
    pub password: String,
    /// Whether this side is a lite agent (RFC 8445 §2.5).
    #[serde(default)]
    pub ice_lite: bool,
}

/// One address at which a transport can be reached (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct IceCandidate {
    /// Equal for candidates of the same type, base and protocol.
    pub foundation: String,
    /// Higher is preferred.
    pub priority: u32,
    /// The address. Read from `ip` as well, which older servers send.
    #[serde(alias = "ip")]
    pub address: IpAddr,
    /// UDP or TCP.
    pub protocol: TransportProtocol,
    /// The port.
    pub port: u16,
    /// Where the address comes from; always `host` for a server.
    #[serde(rename = "type")]
    pub kind: CandidateKind,
    /// For TCP: who connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_type: Option<TcpKind>,
}

/// Transport protocol of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum TransportProtocol {
    /// UDP.
    Udp,
    /// TCP (RFC 6544).
    Tcp,
}

/// Type of a candidate (RFC 8445 §5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CandidateKind {
    /// An address of the host itself.
    Host,
    /// Learned from a STUN server.
    Srflx,
    /// Learned from a connectivity check.
    Prflx,
    /// An address of a TURN server.
    Relay,
}

/// Who opens the connection of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TcpKind {
    /// The other side.
    Passive,
    /// This side.
    Active,
    /// Both at once (simultaneous open).
    So,
}

/// DTLS role and certificate fingerprints of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct DtlsParameters {
    /// The role of the side that these parameters describe.
    #[serde(default)]
    pub role: DtlsRole,
    /// Digests of its certificate; one that matches is enough.
    pub fingerprints: Vec<Fingerprint>,
}

/// Who starts the DTLS handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums)]
pub enum DtlsRole {
    /// Either (`a=setup:actpass`).
    #[default]
    Auto,
    /// This side (`a=setup:active`).
    Client,
    /// The other side (`a=setup:passive`).
    Server,
}

/// Digest of a certificate (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Fingerprint {
    /// Hash function: `sha-256`, `sha-384`, `sha-512`.
    pub algorithm: String,
    /// Upper-case hexadecimal bytes with colons between them.
    pub value: String,
}
