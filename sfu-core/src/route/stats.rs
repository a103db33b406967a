//! Figures, with the names of the W3C's WebRTC statistics where there is one.
//!
//! Plain copies, made on request; nothing here is touched by the packet path.

use serde::{Deserialize, Serialize};
use sfu_ice::{DtlsState, IceState, SctpState, SctpStats, SrtpProfile, Tuple};

use super::id::{ConsumerId, ProducerId, RouterId, TransportId};
use super::speakers::SpeakerSlot;
use crate::stream::allocate::{Demand, LayersReason, Rung};
use crate::stream::select::Layers;
use crate::wire::{MediaKind, Rid, Ssrc};

/// Figures of a transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TransportStats {
    /// The transport.
    pub id: TransportId,
    /// Its router.
    pub router: RouterId,
    /// `webrtc`, `plain`, `pipe` or `direct`.
    pub kind: String,
    /// ICE state; none without ICE.
    pub ice_state: Option<IceState>,
    /// DTLS state; none without DTLS.
    pub dtls_state: Option<DtlsState>,
    /// SCTP state; none without data channels. Of a pipe, once there was one.
    pub sctp_state: Option<SctpState>,
    /// Figures of its data channels; of a pipe there are none.
    pub sctp: Option<SctpStats>,
    /// SRTP profile in use.
    pub srtp_profile: Option<SrtpProfile>,
    /// Where media goes.
    pub tuple: Option<Tuple>,
    /// Where RTCP goes, if it has a path of its own.
    pub rtcp_tuple: Option<Tuple>,
    /// Datagrams received.
    pub packets_received: u64,
    /// Bytes received, with SRTP overhead, without UDP and IP headers.
    pub bytes_received: u64,
    /// Datagrams sent.
    pub packets_sent: u64,
    /// Bytes sent, with SRTP overhead, without UDP and IP headers.
    pub bytes_sent: u64,
    /// Smoothed round-trip time in seconds, from RTCP.
    pub round_trip_time: Option<f64>,
    /// What the path to the peer carries, in bit/s; none is without limit.
    pub available_outgoing_bitrate: Option<u64>,
    /// The most that the peer was asked to send, in bit/s; none is without limit.
    pub max_incoming_bitrate: Option<u64>,
    /// Refused input by reason.
    pub refused: Refused,
}

/// Input that a transport refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Refused {
    /// STUN messages that were malformed or not authenticated.
    pub stun: u64,
    /// DTLS records outside of a validated path, or malformed.
    pub dtls: u64,
    /// SRTP or SRTCP packets before there were keys.
    pub no_keys: u64,
    /// SRTP packets that did not authenticate, or were replayed.
    pub srtp: u64,
    /// SRTCP packets that did not authenticate, or were replayed.
    pub srtcp: u64,
    /// RTP packets with a malformed header.
    pub rtp: u64,
    /// RTCP packets with a malformed structure.
    pub rtcp: u64,
    /// On a plain transport with SCTP, what is neither RTP nor RTCP and no SCTP
    /// packet of the peer either, or more than is held for it.
    pub sctp: u64,
    /// RTP packets that belong to no producer.
    pub unknown_stream: u64,
    /// Packets that came in but no memory was left to hold them.
    pub no_memory: u64,
}

/// Figures of one incoming RTP stream (one encoding of a producer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InboundRtpStats {
    /// SSRC, once known.
    pub ssrc: Option<Ssrc>,
    /// RID, if it has one.
    pub rid: Option<Rid>,
    /// Whether packets arrive.
    pub active: bool,
    /// Packets received.
    pub packets_received: u64,
    /// Packets lost so far (RFC 3550 §6.4.1); less than zero with duplicates.
    pub packets_lost: i64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// Interarrival jitter in seconds.
    pub jitter: f64,
    /// Bit rate over the last window, in bit/s.
    pub bitrate: u64,
    /// Packets that we asked for again.
    pub nack_count: u64,
    /// Packets that came by retransmission.
    pub retransmitted_packets_received: u64,
    /// Packets that came twice, too late or out of all order, and were dropped.
    pub packets_discarded: u64,
    /// Key frames asked of the publisher.
    pub pli_count: u64,
    /// Of these, by FIR.
    pub fir_count: u64,
    /// What a receiver of each pair of layers is sent, in bit/s; of video.
    pub bitrate_by_layer: Vec<LayerBitrate>,
    /// Key frames received.
    pub key_frames_received: u64,
    /// Receivers that started with a key frame which we still had, so that none
    /// was asked of the publisher.
    pub cached_key_frames: u64,
}

/// What layers of a stream cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayerBitrate {
    /// Spatial layer inside of the stream, with those that it needs.
    pub spatial_layer: u8,
    /// Temporal layer, with those below it.
    pub temporal_layer: u8,
    /// In bit/s, averaged.
    pub bitrate: u32,
}

/// Figures of a producer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProducerStats {
    /// The producer.
    pub id: ProducerId,
    /// Its transport.
    pub transport: TransportId,
    /// Audio or video.
    pub kind: MediaKind,
    /// Whether it is paused.
    pub paused: bool,
    /// Its encodings, the smallest picture first.
    pub encodings: Vec<InboundRtpStats>,
}

/// Figures of a consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsumerStats {
    /// The consumer.
    pub id: ConsumerId,
    /// Its transport.
    pub transport: TransportId,
    /// Audio or video.
    pub kind: MediaKind,
    /// What it follows.
    pub producer: Option<ProducerId>,
    /// Whether it is paused.
    pub paused: bool,
    /// SSRC that we send with.
    pub ssrc: Ssrc,
    /// Layers it gets now.
    pub current_layers: Option<Layers>,
    /// Packets sent, without retransmissions.
    pub packets_sent: u64,
    /// Payload bytes sent, without retransmissions.
    pub bytes_sent: u64,
    /// Packets sent again.
    pub retransmitted_packets_sent: u64,
    /// Packets that the receiver asked for again.
    pub nack_count: u64,
    /// Of these, packets that we no longer had.
    pub nack_missed: u64,
    /// Key frames that the receiver asked for (PLI and FIR).
    pub pli_count: u64,
    /// Of these, by FIR.
    pub fir_count: u64,
    /// Interarrival jitter in seconds, in the receiver's last report.
    pub jitter: f64,
    /// Times that it started with a key frame which we still had.
    pub cached_key_frames: u64,
    /// Loss in the receiver's last report, 0 to 1.
    pub fraction_lost: f64,
    /// Round-trip time in seconds.
    pub round_trip_time: Option<f64>,
}

/// Why a consumer gets what it gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The consumer.
    pub consumer: ConsumerId,
    /// What it follows.
    pub producer: Option<ProducerId>,
    /// Which of the speakers it follows, if it follows speakers.
    pub speaker: Option<SpeakerSlot>,
    /// Whether the consumer is paused.
    pub consumer_paused: bool,
    /// Whether what it follows is paused.
    pub producer_paused: bool,
    /// Layers wanted at most.
    pub preferred: Option<Layers>,
    /// Which encodings of the producer are active, the smallest picture first.
    pub active_encodings: Vec<bool>,
    /// The encoding that it is to get.
    pub target: Option<u8>,
    /// The encoding that it gets.
    pub current: Option<u8>,
    /// Whether it waits for a key frame of the target.
    pub awaits_key_frame: bool,
    /// How the receiver shows it, if it said so.
    pub demand: Option<Demand>,
    /// What the receiver's path carries, in bit/s; none is without limit.
    pub available_bitrate: Option<u64>,
    /// Of that, what is kept for audio, and for producers that the receiver gets
    /// with all their encodings, in bit/s. As the rest, 0 if nothing is chosen
    /// for this receiver, for want of a demand and a limit.
    pub audio_bitrate: u64,
    /// Of that, what all video of the receiver was given, in bit/s.
    pub video_bitrate: u64,
    /// Of that, what this consumer was given, in bit/s.
    pub share: u64,
    /// What the source offers, from which was chosen.
    pub ladder: Vec<Rung>,
    /// The rule that decided.
    pub rule: LayersReason,
    /// What decided, in words.
    pub reason: String,
}
