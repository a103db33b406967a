//! What passes, packet by packet, told to whoever asks for it: to find out why
//! something does not come. Off by default; it costs nothing then.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::event::Event;
use super::id::{ProducerId, RouterId};
use super::transport::Transport;
use crate::stream::select::PacketMeta;
use crate::wire::rtcp::SenderInfo;
use crate::wire::rtp::RtpHeader;
use crate::wire::{SeqNo, Ssrc};

/// Numbers of a NACK that are told at most.
const MAX_NUMBERS: usize = 256;

/// What can be traced. Producers have all but `Bwe`, consumers all but `Sr` and
/// `Bwe`, and transports `Bwe` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TraceType {
    /// RTP packets: of the publisher, or to the receiver.
    Rtp,
    /// RTP packets with which a key frame begins. With [`TraceType::Rtp`] they
    /// are told once, as key frames.
    Keyframe,
    /// Requests for lost packets: to the publisher, or of the receiver.
    Nack,
    /// Requests for a key frame by PLI (RFC 4585 §6.3.1).
    Pli,
    /// Requests for a key frame by FIR (RFC 5104 §4.3.1).
    Fir,
    /// Sender reports of the publisher.
    Sr,
    /// What the path carries and what was made of it, each time that layers
    /// are chosen.
    Bwe,
}

/// A set of [`TraceType`]s.
///
/// ```
/// use sfu_core::{TraceType, TraceTypes};
/// let types: TraceTypes = [TraceType::Pli, TraceType::Fir].into_iter().collect();
/// assert!(types.contains(TraceType::Fir) && !types.contains(TraceType::Rtp));
/// assert!(TraceTypes::default().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceTypes(u8);

impl TraceTypes {
    /// Whether `of` is among them.
    pub const fn contains(self, of: TraceType) -> bool {
        self.0 & 1 << of as u8 != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The type as which a packet is to be told, if it is.
    pub(crate) fn packet(self, key_frame: bool) -> Option<TraceType> {
        let of = |one: TraceType| self.contains(one).then_some(one);
        key_frame.then(|| of(TraceType::Keyframe)).flatten().or_else(|| of(TraceType::Rtp))
    }
}

impl FromIterator<TraceType> for TraceTypes {
    fn from_iter<I: IntoIterator<Item = TraceType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |set, one| set | 1 << one as u8))
    }
}

/// Something that was traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Trace {
    /// An RTP packet.
    Rtp(PacketTrace),
    /// An RTP packet with which a key frame begins.
    Keyframe(PacketTrace),
    /// A request for lost packets.
    Nack {
        /// The stream that they are of.
        ssrc: Ssrc,
        /// Their sequence numbers, of a longer request the first 256.
        sequence_numbers: Vec<SeqNo>,
    },
    /// A picture loss indication.
    Pli {
        /// The stream whose key frame is wanted.
        ssrc: Ssrc,
    },
    /// A full intra request.
    Fir {
        /// The stream whose key frame is wanted.
        ssrc: Ssrc,
    },
    /// A sender report.
    Sr {
        /// The stream that it is of.
        ssrc: Ssrc,
        /// The publisher's clock: seconds since 1900, modulo 2^32.
        ntp_seconds: u32,
        /// The fraction of a second, in units of 2^-32 s.
        ntp_fraction: u32,
        /// The same moment on the stream's clock.
        rtp_timestamp: u32,
        /// Packets sent so far.
        packet_count: u32,
        /// Payload bytes sent so far.
        octet_count: u32,
    },
    /// Bit rates of a transport.
    Bwe {
        /// What its path carries, in bit/s; none is without limit.
        available_bitrate: Option<u64>,
        /// Of that, what is kept for audio, and for producers that go with all
        /// their encodings, in bit/s.
        audio_bitrate: u64,
        /// Of that, what video was given, in bit/s.
        video_bitrate: u64,
    },
}

/// An RTP packet as it came, or as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PacketTrace {
    /// Its stream.
    pub ssrc: Ssrc,
    /// Its payload type.
    pub payload_type: u8,
    /// Its sequence number.
    pub sequence_number: SeqNo,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its marker bit.
    pub marker: bool,
    /// Bytes of the packet, without SRTP.
    pub size: u32,
    /// Bytes of its payload, without padding.
    pub payload_size: u32,
    /// A key frame begins with it.
    pub key_frame: bool,
    /// Its spatial layer: for simulcast the index of the stream.
    pub spatial_layer: u8,
    /// Its temporal layer, if the codec says so.
    pub temporal_layer: Option<u8>,
    /// It came, or was sent, because it was asked for again. What came is told
    /// with the numbers of the packet that was lost.
    pub retransmission: bool,
}

impl PacketTrace {
    pub(crate) fn new(
        header: &RtpHeader,
        meta: &PacketMeta,
        size: usize,
        payload_size: usize,
        retransmission: bool,
    ) -> Self {
        let bytes = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        Self {
            ssrc: header.ssrc,
            payload_type: header.payload_type.0,
            sequence_number: header.seq,
            timestamp: header.timestamp.0,
            marker: header.marker,
            size: bytes(size),
            payload_size: bytes(payload_size),
            key_frame: meta.keyframe_start,
            spatial_layer: meta.stream.max(meta.spatial_id),
            temporal_layer: meta.temporal_id,
            retransmission,
        }
    }

    pub(crate) fn told_as(self, of: TraceType) -> Trace {
        match of {
            TraceType::Keyframe => Trace::Keyframe(self),
            _ => Trace::Rtp(self),
        }
    }
}

impl Trace {
    pub(crate) fn nack(ssrc: Ssrc, numbers: impl Iterator<Item = SeqNo>) -> Self {
        Self::Nack { ssrc, sequence_numbers: numbers.take(MAX_NUMBERS).collect() }
    }

    pub(crate) fn sender_report(ssrc: Ssrc, info: &SenderInfo) -> Self {
        Self::Sr {
            ssrc,
            ntp_seconds: (info.ntp.0 >> 32) as u32,
            ntp_fraction: info.ntp.0 as u32,
            rtp_timestamp: info.rtp.0,
            packet_count: info.packets,
            octet_count: info.octets,
        }
    }
}

/// Milliseconds since the UNIX epoch.
fn millis(now: Time) -> u64 {
    now.as_nanos() / 1_000_000
}

/// Something traced of a producer.
pub(crate) fn producer_trace(
    router: RouterId,
    producer: ProducerId,
    now: Time,
    trace: Trace,
) -> Event {
    Event::ProducerTrace { router, producer, timestamp_ms: millis(now), trace }
}

impl super::Consumer {
    pub(crate) fn traced(&self, router: RouterId, now: Time, trace: Trace) -> Event {
        Event::ConsumerTrace { router, consumer: self.id, timestamp_ms: millis(now), trace }
    }
}

impl Transport {
    pub(crate) fn traced(&self, router: RouterId, now: Time, trace: Trace) -> Event {
        Event::TransportTrace { router, transport: self.id, timestamp_ms: millis(now), trace }
    }
}
