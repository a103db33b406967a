//! What a producer, a consumer or a transport is made of, in the engine's own
//! terms. The API lowers its JSON-compatible parameters to these; nothing here
//! is negotiated.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use sfu_ice::{DtlsRole, Fingerprint, SrtpProfile};

use super::id::ProducerId;
use crate::stream::select::Layers;
use crate::wire::codec::Codec;
use crate::wire::rtp::ExtensionMap;
use crate::wire::{MediaKind, Mid, PayloadType, Rid, Ssrc};

/// One payload format of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct CodecConfig {
    /// Payload type on the wire.
    pub payload_type: PayloadType,
    /// Payload type of its retransmissions (RFC 4588), if negotiated.
    pub rtx_payload_type: Option<PayloadType>,
    /// The codec.
    pub codec: Codec,
    /// RTP clock rate in Hz.
    pub clock_rate: u32,
    /// Tells apart variants of a codec that cannot stand for one another
    /// (H.264 profile and packetization mode); 0 where there are none.
    pub variant: u32,
    /// Generic NACK (RFC 4585 §6.2.1).
    pub nack: bool,
    /// Picture loss indication (RFC 4585 §6.3.1).
    pub pli: bool,
    /// Full intra request (RFC 5104 §4.3.1).
    pub fir: bool,
}

/// One encoding (simulcast layer) of a producer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct EncodingConfig {
    /// SSRC, if it was signalled.
    pub ssrc: Option<Ssrc>,
    /// SSRC of its retransmissions, if it was signalled.
    pub rtx_ssrc: Option<Ssrc>,
    /// RID, if the encoding is told apart by it (RFC 8852).
    pub rid: Option<Rid>,
}

/// A producer to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct ProducerConfig {
    /// Audio or video.
    pub kind: MediaKind,
    /// MID of its packets, if they carry one.
    pub mid: Option<Mid>,
    /// Payload formats, the preferred one first.
    pub codecs: Vec<CodecConfig>,
    /// Encodings, the smallest picture first.
    pub encodings: Vec<EncodingConfig>,
    /// Header extension ids that the publisher uses.
    pub extensions: ExtensionMap,
    /// Whether it starts paused.
    pub paused: bool,
    /// The audio producer of the same person, for video that stands for who
    /// speaks.
    pub speaker: Option<ProducerId>,
    /// What consumers are made from, as the API's JSON; opaque to the engine.
    pub consumable: String,
    /// What was negotiated, as the API's JSON, for who asks later; opaque to
    /// the engine.
    pub parameters: String,
}

/// A consumer (receive slot) to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct ConsumerConfig {
    /// Audio or video.
    pub kind: MediaKind,
    /// MID that its packets carry, if any.
    pub mid: Option<Mid>,
    /// Payload formats that the receiver takes, with its payload types.
    pub codecs: Vec<CodecConfig>,
    /// Header extension ids that the receiver uses.
    pub extensions: ExtensionMap,
    /// SSRC that we send with.
    pub ssrc: Ssrc,
    /// SSRC of our retransmissions; none means that NACKs are answered by the
    /// original packet again.
    pub rtx_ssrc: Option<Ssrc>,
    /// CNAME in our sender reports.
    pub cname: String,
    /// What it follows at first; none is an empty slot.
    pub producer: Option<ProducerId>,
    /// Layers wanted at most; none is the best there is.
    pub preferred_layers: Option<Layers>,
    /// Whether it starts paused.
    pub paused: bool,
    /// What was negotiated, as the API's JSON, for who asks later; opaque to
    /// the engine.
    pub parameters: String,
}

/// A plain transport to be made: RTP or SRTP over UDP, without ICE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PlainConfig {
    /// Our address for RTP (and RTCP, if multiplexed).
    pub local: SocketAddr,
    /// Our address for RTCP, if it is not multiplexed (RFC 5761).
    pub local_rtcp: Option<SocketAddr>,
    /// The peer's address is learnt from the first valid packet.
    pub comedia: bool,
    /// SRTP with this profile; none is plain RTP.
    pub srtp: Option<SrtpProfile>,
}

/// Master key and salt of one direction of SRTP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct SrtpMaster {
    /// Master key.
    pub key: Vec<u8>,
    /// Master salt.
    pub salt: Vec<u8>,
}

impl std::fmt::Debug for SrtpMaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SrtpMaster(..)")
    }
}

/// One end of a link between two routers in this process. The host numbers
/// the ends on its shard; the engine only names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PipeLink(pub u32);

/// A pipe transport to be made: what joins two routers into one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PipeConfig {
    /// To a router elsewhere: RTP or SRTP over UDP, RTCP on the same port.
    Udp {
        /// Our address.
        local: SocketAddr,
        /// SRTP with this profile; none is plain RTP.
        srtp: Option<SrtpProfile>,
        /// Whether the peer states what it wants
        /// ([`PipeDemand`](crate::wire::rtcp::PipeDemand)); until it does,
        /// nothing is sent to it. A peer that does not is sent everything.
        demand: bool,
    },
    /// To a router in this process. Packets leave by
    /// [`Sink::pipe`](crate::engine::Sink::pipe) and come in by
    /// [`Engine::handle_pipe`](crate::engine::Engine::handle_pipe).
    Local(PipeLink),
}

/// What the peer of a plain transport told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PlainRemote {
    /// Where RTP goes; none with `comedia`.
    pub address: Option<SocketAddr>,
    /// Where RTCP goes, if it is not multiplexed; none with `comedia`.
    pub rtcp_address: Option<SocketAddr>,
    /// The key that the peer protects with, if SRTP is on.
    pub srtp: Option<SrtpMaster>,
}

/// What the peer of a WebRTC transport told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct DtlsRemote {
    /// The peer's DTLS role.
    pub role: DtlsRole,
    /// Fingerprints, one of which the peer's certificate must have.
    pub fingerprints: Vec<Fingerprint>,
}
