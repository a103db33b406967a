//! Options of the calls that make things. All have sensible defaults.

use std::net::SocketAddr;
use std::sync::Arc;

use sfu_ice::{SctpConfig, SrtpProfile};

use super::params::{RtpCapabilities, RtpCodecCapability, RtpParameters, default_codecs};
use crate::route::{ProducerId, SpeakerOptions};
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// Options of [`Sfu::create_router`](super::Sfu::create_router).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterOptions {
    /// Codecs that the router routes, the preferred one first. Opus, VP8 and
    /// H.264 by default.
    pub codecs: Vec<RtpCodecCapability>,
    /// Where it runs.
    pub placement: Placement,
    /// How many speakers are forwarded to the consumers that follow them.
    pub speakers: SpeakerOptions,
}

/// Which shard runs a router. It stays there for its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Placement {
    /// The shard that was least busy lately, and of those that were about
    /// equally busy the one with the fewest routers.
    #[default]
    LeastBusy,
    /// The shard with this number, from 0.
    Shard(usize),
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            codecs: default_codecs(),
            placement: Placement::LeastBusy,
            speakers: SpeakerOptions::default(),
        }
    }
}

impl RouterOptions {
    /// Routes these codecs instead of the default ones.
    #[must_use]
    pub fn codecs(mut self, codecs: Vec<RtpCodecCapability>) -> Self {
        self.codecs = codecs;
        self
    }

    /// Where it runs.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// Runs on this shard.
    #[must_use]
    pub fn shard(self, shard: usize) -> Self {
        self.placement(Placement::Shard(shard))
    }

    /// How many speakers are forwarded to the consumers that follow them. A
    /// restored router keeps what its snapshot says.
    #[must_use]
    pub fn speakers(mut self, speakers: SpeakerOptions) -> Self {
        self.speakers = speakers;
        self
    }
}

/// Options of [`Router::create_webrtc_transport`](super::Router::create_webrtc_transport).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebRtcTransportOptions {
    /// Tell the peer our UDP candidates.
    pub udp: bool,
    /// Tell the peer our TCP candidates, if the `Sfu` listens on TCP.
    pub tcp: bool,
    /// Data channels, if there are to be any.
    pub sctp: Option<SctpConfig>,
}

impl Default for WebRtcTransportOptions {
    fn default() -> Self {
        Self { udp: true, tcp: true, sctp: None }
    }
}

impl WebRtcTransportOptions {
    /// Whether UDP candidates are told.
    #[must_use]
    pub fn udp(mut self, udp: bool) -> Self {
        self.udp = udp;
        self
    }

    /// Whether TCP candidates are told.
    #[must_use]
    pub fn tcp(mut self, tcp: bool) -> Self {
        self.tcp = tcp;
        self
    }

    /// Enables data channels, for a peer that takes messages of up to 262,144
    /// bytes, as browsers do.
    #[must_use]
    pub fn data_channels(self) -> Self {
        let mut config = SctpConfig::default();
        config.remote_max_message_size = config.max_message_size;
        self.sctp(config)
    }

    /// Enables data channels with these settings.
    #[must_use]
    pub fn sctp(mut self, config: SctpConfig) -> Self {
        self.sctp = Some(config);
        self
    }
}

/// Options of [`Router::create_plain_transport`](super::Router::create_plain_transport).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlainTransportOptions {
    /// Address to listen on; port 0 is any free port.
    pub listen: SocketAddr,
    /// RTP and RTCP share the port (RFC 5761). Otherwise RTCP has the next
    /// port, or any free one if `listen` has port 0.
    pub rtcp_mux: bool,
    /// The peer's address is learnt from its first valid packet.
    pub comedia: bool,
    /// SRTP with this profile; none is plain RTP.
    pub srtp: Option<SrtpProfile>,
    /// SCTP (RFC 9260) beside RTP, if there is to be any.
    pub sctp: Option<SctpConfig>,
}

impl PlainTransportOptions {
    /// Plain RTP on this address, RTCP on the same port.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, rtcp_mux: true, comedia: false, srtp: None, sctp: None }
    }

    /// Enables data: SCTP packets go in UDP datagrams as they are, on the port of
    /// RTP, in the clear also with [`srtp`](Self::srtp), and with
    /// [`comedia`](Self::comedia) the peer's address may be learnt from them. Either
    /// end begins the association, or both do, whatever [`SctpConfig::active`]
    /// says. There is no DATA_CHANNEL_OPEN: both sides know streams by signalling.
    /// The peer's SCTP port is none of 32768 to 49151, whose packets would look
    /// like RTP.
    #[must_use]
    pub fn sctp(mut self, config: SctpConfig) -> Self {
        self.sctp = Some(config);
        self
    }

    /// Whether RTP and RTCP share the port.
    #[must_use]
    pub fn rtcp_mux(mut self, rtcp_mux: bool) -> Self {
        self.rtcp_mux = rtcp_mux;
        self
    }

    /// Whether the peer's address is learnt.
    #[must_use]
    pub fn comedia(mut self, comedia: bool) -> Self {
        self.comedia = comedia;
        self
    }

    /// Protects with SRTP.
    #[must_use]
    pub fn srtp(mut self, profile: SrtpProfile) -> Self {
        self.srtp = Some(profile);
        self
    }
}

/// Options of [`Router::create_pipe_transport`](super::Router::create_pipe_transport).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipeTransportOptions {
    /// Address to listen on, for RTP and RTCP; port 0 is any free port.
    pub listen: SocketAddr,
    /// SRTP with this profile; none is plain RTP, for networks that nobody else
    /// reads. With SRTP a pipe carries up to 1,024 streams.
    pub srtp: Option<SrtpProfile>,
    /// Ask for lost packets, and send them again on streams of their own
    /// (RFC 4588). On by default.
    pub rtx: bool,
    /// The peer states what it wants, and is sent nothing until it does. On by
    /// default; off for a peer that is another SFU, which gets everything.
    pub demand: bool,
}

impl PipeTransportOptions {
    /// Plain RTP on this address, with retransmission, to another Plenum.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, srtp: None, rtx: true, demand: true }
    }

    /// Protects with SRTP.
    #[must_use]
    pub fn srtp(mut self, profile: SrtpProfile) -> Self {
        self.srtp = Some(profile);
        self
    }

    /// Whether lost packets are sent again.
    #[must_use]
    pub fn rtx(mut self, rtx: bool) -> Self {
        self.rtx = rtx;
        self
    }

    /// Whether the peer states what it wants.
    #[must_use]
    pub fn demand(mut self, demand: bool) -> Self {
        self.demand = demand;
        self
    }
}

/// Options of `produce`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProduceOptions {
    /// Audio or video.
    pub kind: MediaKind,
    /// What the publisher sends.
    pub parameters: RtpParameters,
    /// Whether it starts paused.
    pub paused: bool,
    /// Of a video producer: the audio producer of the same person, for slots
    /// that follow speakers.
    pub speaker: Option<ProducerId>,
}

impl ProduceOptions {
    /// A producer of this kind.
    pub fn new(kind: MediaKind, parameters: RtpParameters) -> Self {
        Self { kind, parameters, paused: false, speaker: None }
    }

    /// An audio producer.
    pub fn audio(parameters: RtpParameters) -> Self {
        Self::new(MediaKind::Audio, parameters)
    }

    /// A video producer.
    pub fn video(parameters: RtpParameters) -> Self {
        Self::new(MediaKind::Video, parameters)
    }

    /// Whether it starts paused.
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    /// The voice that belongs to the picture.
    #[must_use]
    pub fn speaker(mut self, speaker: ProducerId) -> Self {
        self.speaker = Some(speaker);
        self
    }
}

/// Options of `consume`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumeOptions {
    /// What to follow.
    pub producer: ProducerId,
    /// What the receiver takes, in the router's numbers (mediasoup-client's
    /// `rtpCapabilities`).
    pub capabilities: Arc<RtpCapabilities>,
    /// Whether it starts paused.
    pub paused: bool,
    /// Layers wanted at most; none is the best there is.
    pub preferred_layers: Option<Layers>,
    /// The MID that its packets carry until the receiver has reported on them,
    /// where it takes that header extension: 1 to 16 printable ASCII
    /// characters. Streams that have NACK without RTX carry none, as what is sent
    /// again must not differ. None by default.
    pub mid: Option<String>,
}

impl ConsumeOptions {
    /// A consumer of `producer`, for a receiver with these capabilities.
    pub fn new(producer: ProducerId, capabilities: impl Into<Arc<RtpCapabilities>>) -> Self {
        let capabilities = capabilities.into();
        Self { producer, capabilities, paused: false, preferred_layers: None, mid: None }
    }

    /// Whether it starts paused.
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    /// Layers wanted at most.
    #[must_use]
    pub fn preferred_layers(mut self, layers: Layers) -> Self {
        self.preferred_layers = Some(layers);
        self
    }

    /// The MID that its packets carry.
    #[must_use]
    pub fn mid(mut self, mid: impl Into<String>) -> Self {
        self.mid = Some(mid.into());
        self
    }
}

/// Options of `consume_pipe`: all encodings of a producer, as they are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumePipeOptions {
    /// What to follow.
    pub producer: ProducerId,
    /// What the receiver takes, in the router's numbers.
    pub capabilities: Arc<RtpCapabilities>,
    /// Whether it starts paused.
    pub paused: bool,
}

impl ConsumePipeOptions {
    /// All of `producer`, for a receiver with these capabilities.
    pub fn new(producer: ProducerId, capabilities: impl Into<Arc<RtpCapabilities>>) -> Self {
        Self { producer, capabilities: capabilities.into(), paused: false }
    }

    /// Whether it starts paused.
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }
}

/// Options of `consume_slot`: a consumer that may follow any producer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlotOptions {
    /// Audio or video.
    pub kind: MediaKind,
    /// What the receiver takes, with its payload types and extension ids.
    pub capabilities: Arc<RtpCapabilities>,
    /// The MID that its packets carry.
    pub mid: Option<String>,
    /// Stream id and track id of the slot, with a space between them.
    pub msid: Option<String>,
}

impl SlotOptions {
    /// An empty slot for a receiver with these capabilities.
    pub fn new(kind: MediaKind, capabilities: impl Into<Arc<RtpCapabilities>>) -> Self {
        Self { kind, capabilities: capabilities.into(), mid: None, msid: None }
    }

    /// The MID that its packets carry.
    #[must_use]
    pub fn mid(mut self, mid: impl Into<String>) -> Self {
        self.mid = Some(mid.into());
        self
    }

    /// Stream id and track id of the slot.
    #[must_use]
    pub fn msid(mut self, msid: impl Into<String>) -> Self {
        self.msid = Some(msid.into());
        self
    }
}
