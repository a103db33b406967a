//! What happens in a router that somebody outside may want to know.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sfu_ice::{ChannelParameters, DtlsState, IceState, Message, SctpState, Tuple};

use super::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
};
use super::trace::Trace;
use crate::stream::allocate::LayersReason;
use crate::stream::select::Layers;

/// Something that happened, not asked for by a command of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A router is gone, with all in it.
    RouterClosed {
        /// The router.
        router: RouterId,
    },
    /// The ICE or the DTLS state of a WebRTC transport changed.
    TransportStateChanged {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// Its ICE state now.
        ice: IceState,
        /// Its DTLS state now.
        dtls: DtlsState,
    },
    /// Media now goes to this path of a transport: ICE chose it, or a plain
    /// transport learnt its peer's address.
    TransportTupleSelected {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// The path.
        tuple: Tuple,
    },
    /// A plain transport with a port of its own for RTCP learnt where its peer
    /// has that.
    TransportRtcpTupleSelected {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// The path.
        tuple: Tuple,
    },
    /// A transport is gone, with its producers and consumers.
    TransportClosed {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// Why.
        reason: CloseReason,
    },
    /// A producer is gone.
    ProducerClosed {
        /// Router of the producer.
        router: RouterId,
        /// The producer.
        producer: ProducerId,
        /// Why.
        reason: CloseReason,
    },
    /// A consumer is gone.
    ConsumerClosed {
        /// Router of the consumer.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// Why.
        reason: CloseReason,
    },
    /// What a consumer follows was closed; the slot is empty now.
    ConsumerProducerClosed {
        /// Router of the consumer.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// What it followed.
        producer: ProducerId,
    },
    /// What consumers want of a video producer, all together, has changed:
    /// what is beyond it need not be sent. More is told at once, before the
    /// publisher is asked for a key frame; less after half a second.
    ProducerDemandChanged {
        /// Router of the producer.
        router: RouterId,
        /// The producer.
        producer: ProducerId,
        /// The highest layers that anybody wants; lower ones should go on, to
        /// fall back on. None if nobody wants anything.
        demand: Option<Layers>,
    },
    /// A consumer now gets other layers, or none; or is to get others; or for
    /// another reason.
    ConsumerLayersChanged {
        /// Router of the consumer.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// What it gets.
        current: Option<Layers>,
        /// What it is to get, from the next key frame on if it is another
        /// picture size. None if nothing.
        target: Option<Layers>,
        /// Why it is to get just that.
        reason: LayersReason,
    },
    /// Who is forwarded to the slots that follow speakers changed. See
    /// [`SpeakerOptions`](super::SpeakerOptions).
    SpeakersChanged {
        /// The router.
        router: RouterId,
        /// Audio producers by rank; none is a rank that nobody has.
        speakers: Vec<Option<ProducerId>>,
    },
    /// Another became the dominant speaker.
    ActiveSpeaker {
        /// The router.
        router: RouterId,
        /// The observer that tells; none is the router, of all its producers.
        observer: Option<RtpObserverId>,
        /// The audio producer of who speaks.
        producer: ProducerId,
    },
    /// The loudest producers of the last interval, the loudest first.
    AudioLevels {
        /// Router of the observer.
        router: RouterId,
        /// The observer.
        observer: RtpObserverId,
        /// Who was how loud; not empty.
        volumes: Vec<AudioVolume>,
    },
    /// In the last interval nobody was as loud as the threshold, for the first
    /// time since somebody was.
    Silence {
        /// Router of the observer.
        router: RouterId,
        /// The observer.
        observer: RtpObserverId,
    },
    /// An RTP packet for a consumer of a direct transport.
    Rtp {
        /// Router of the consumer.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// The packet, in the clear.
        packet: Bytes,
    },
    /// An RTCP packet for whoever stands behind a direct transport: what a peer
    /// would be sent on what it publishes and is sent.
    Rtcp {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// The compound packet, in the clear.
        packet: Bytes,
    },
    /// A video publisher tells that its picture is to be turned otherwise (CVO,
    /// 3GPP TS 26.114 §7.4.5); also the first time that it tells it.
    ProducerVideoOrientationChanged {
        /// Router of the producer.
        router: RouterId,
        /// The producer.
        producer: ProducerId,
        /// The picture comes from the camera on the back of the device.
        back_camera: bool,
        /// The picture is mirrored horizontally.
        flip: bool,
        /// Degrees by which a receiver turns it clockwise: 0, 90, 180 or 270.
        rotation: u16,
    },
    /// Something that was to be traced of a transport, with
    /// [`TraceType::Bwe`](super::TraceType::Bwe).
    TransportTrace {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// When, in milliseconds since the UNIX epoch.
        timestamp_ms: u64,
        /// What.
        trace: Trace,
    },
    /// Something that was to be traced of a producer: packets and sender
    /// reports that came, and requests that we sent.
    ProducerTrace {
        /// Router of the producer.
        router: RouterId,
        /// The producer.
        producer: ProducerId,
        /// When, in milliseconds since the UNIX epoch.
        timestamp_ms: u64,
        /// What.
        trace: Trace,
    },
    /// Something that was to be traced of a consumer: packets that we sent, and
    /// requests that came.
    ConsumerTrace {
        /// Router of the consumer.
        router: RouterId,
        /// The consumer.
        consumer: ConsumerId,
        /// When, in milliseconds since the UNIX epoch.
        timestamp_ms: u64,
        /// What.
        trace: Trace,
    },
    /// The SCTP state of a WebRTC or plain transport or of a pipe changed. A pipe
    /// has an association for each direction, begun when the first data channel
    /// is opened in it; it is as far as the one that is further.
    SctpStateChanged {
        /// Router of the transport.
        router: RouterId,
        /// The transport.
        transport: TransportId,
        /// Its SCTP state now.
        state: SctpState,
    },
    /// A peer opened a data channel, which is a data producer now.
    DataChannelOpened {
        /// Router of the transport.
        router: RouterId,
        /// The peer's transport.
        transport: TransportId,
        /// The data producer.
        producer: DataProducerId,
        /// The channel's stream identifier, for answers over the same channel.
        stream: u16,
        /// What the peer opened it with.
        parameters: ChannelParameters,
    },
    /// A data producer is gone.
    DataProducerClosed {
        /// Router of the data producer.
        router: RouterId,
        /// The data producer.
        producer: DataProducerId,
        /// Why.
        reason: CloseReason,
    },
    /// A data consumer is gone.
    DataConsumerClosed {
        /// Router of the data consumer.
        router: RouterId,
        /// The data consumer.
        consumer: DataConsumerId,
        /// Why.
        reason: CloseReason,
    },
    /// What waits on a data consumer's channel fell to its threshold.
    DataBufferedAmountLow {
        /// Router of the data consumer.
        router: RouterId,
        /// The data consumer.
        consumer: DataConsumerId,
    },
    /// A message for a data consumer of a direct transport.
    Message {
        /// Router of the data consumer.
        router: RouterId,
        /// The data consumer.
        consumer: DataConsumerId,
        /// The message.
        message: Message,
    },
    /// Events were lost because nobody took them in time.
    Lagged(
        /// How many.
        u64,
    ),
}

impl Event {
    /// The router that the event is about; none for [`Event::Lagged`].
    pub fn router(&self) -> Option<RouterId> {
        match *self {
            Self::RouterClosed { router }
            | Self::TransportStateChanged { router, .. }
            | Self::TransportTupleSelected { router, .. }
            | Self::TransportRtcpTupleSelected { router, .. }
            | Self::TransportClosed { router, .. }
            | Self::ProducerClosed { router, .. }
            | Self::ConsumerClosed { router, .. }
            | Self::ConsumerProducerClosed { router, .. }
            | Self::ProducerDemandChanged { router, .. }
            | Self::ConsumerLayersChanged { router, .. }
            | Self::SpeakersChanged { router, .. }
            | Self::ActiveSpeaker { router, .. }
            | Self::AudioLevels { router, .. }
            | Self::Silence { router, .. }
            | Self::SctpStateChanged { router, .. }
            | Self::DataChannelOpened { router, .. }
            | Self::DataProducerClosed { router, .. }
            | Self::DataConsumerClosed { router, .. }
            | Self::DataBufferedAmountLow { router, .. }
            | Self::Message { router, .. }
            | Self::Rtcp { router, .. }
            | Self::ProducerVideoOrientationChanged { router, .. }
            | Self::TransportTrace { router, .. }
            | Self::ProducerTrace { router, .. }
            | Self::ConsumerTrace { router, .. }
            | Self::Rtp { router, .. } => Some(router),
            Self::Lagged(_) => None,
        }
    }

    /// Bytes of payload that it holds.
    pub fn payload_len(&self) -> usize {
        match self {
            Self::Rtp { packet, .. } | Self::Rtcp { packet, .. } => packet.len(),
            Self::Message { message, .. } => message.payload.len(),
            _ => 0,
        }
    }

    /// Whether `newer` makes this event not worth telling: the same kind of
    /// state of the same thing.
    pub fn is_superseded_by(&self, newer: &Self) -> bool {
        match (self, newer) {
            (
                Self::TransportStateChanged { transport: a, .. },
                Self::TransportStateChanged { transport: b, .. },
            )
            | (
                Self::TransportTupleSelected { transport: a, .. },
                Self::TransportTupleSelected { transport: b, .. },
            )
            | (
                Self::TransportRtcpTupleSelected { transport: a, .. },
                Self::TransportRtcpTupleSelected { transport: b, .. },
            )
            | (
                Self::SctpStateChanged { transport: a, .. },
                Self::SctpStateChanged { transport: b, .. },
            ) => a == b,
            (
                Self::ConsumerLayersChanged { consumer: a, .. },
                Self::ConsumerLayersChanged { consumer: b, .. },
            ) => a == b,
            (
                Self::ProducerVideoOrientationChanged { producer: a, .. },
                Self::ProducerVideoOrientationChanged { producer: b, .. },
            )
            | (
                Self::ProducerDemandChanged { producer: a, .. },
                Self::ProducerDemandChanged { producer: b, .. },
            ) => a == b,
            (Self::SpeakersChanged { router: a, .. }, Self::SpeakersChanged { router: b, .. }) => {
                a == b
            }
            (
                Self::ActiveSpeaker { router: a, observer: of_a, .. },
                Self::ActiveSpeaker { router: b, observer: of_b, .. },
            ) => (a, of_a) == (b, of_b),
            (
                Self::AudioLevels { observer: a, .. } | Self::Silence { observer: a, .. },
                Self::AudioLevels { observer: b, .. } | Self::Silence { observer: b, .. },
            ) => a == b,
            _ => false,
        }
    }
}

/// How loud a producer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct AudioVolume {
    /// The audio producer.
    pub producer: ProducerId,
    /// Mean level over the interval in dBov, −127 (silence) to 0.
    pub volume: i8,
}

/// Why something was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CloseReason {
    /// Somebody called `close`.
    Requested,
    /// What it belongs to was closed.
    ParentClosed,
    /// The peer ended the DTLS association.
    PeerClosed,
    /// Consent to send was lost for too long (RFC 7675).
    ConsentLost,
    /// The DTLS handshake or the fingerprint check failed.
    DtlsFailed,
    /// The SCTP association, on which data channels are, has ended.
    AssociationLost,
    /// The receiver of a reliable data channel took messages too slowly, and
    /// none may be left out.
    SlowReceiver,
    /// What it stands for at the other end of a pipe was closed, or that end
    /// itself.
    OriginClosed,
    /// A bug in the library was contained.
    Internal,
}
