/**
 * What happens, not asked for by a call of its own: values of one union, told apart by `type`.
 *
 * `sfu.events()` and `router.events()` give them as they are. Each noun emits its own under the type without the
 * noun's name: `transport-state-changed` is `'state-changed'` of the transport.
 */

import type { Id, Layers, Tuple } from './parameters.js';
import type { DtlsState, IceState, LayersReason, SctpState } from './stats.js';

/** Why something was closed. */
export type CloseReason =
  /** Somebody called `close`. */
  | 'requested'
  /** What it belongs to was closed. */
  | 'parent-closed'
  /** The peer ended the DTLS association. */
  | 'peer-closed'
  /** Consent to send was lost for too long (RFC 7675). */
  | 'consent-lost'
  /** The DTLS handshake or the fingerprint check failed. */
  | 'dtls-failed'
  /** The SCTP association has ended. */
  | 'association-lost'
  /** The receiver of a reliable data channel took messages too slowly. */
  | 'slow-receiver'
  /** What it stands for at the other end of a pipe was closed, or that end itself. */
  | 'origin-closed'
  /** A bug in the library was contained. */
  | 'internal';

/** A router is gone, with all in it. */
export interface RouterClosedEvent {
  type: 'router-closed';
  router: Id;
}

/** The ICE or the DTLS state of a WebRTC transport changed. */
export interface TransportStateChangedEvent {
  type: 'transport-state-changed';
  router: Id;
  transport: Id;
  ice: IceState;
  dtls: DtlsState;
}

/** Media now goes to this path of a transport: ICE chose it, or a plain transport learnt its peer's address. */
export interface TransportTupleSelectedEvent {
  type: 'transport-tuple-selected';
  router: Id;
  transport: Id;
  tuple: Tuple;
}

/** A plain transport with a port of its own for RTCP learnt where its peer has that. */
export interface TransportRtcpTupleSelectedEvent {
  type: 'transport-rtcp-tuple-selected';
  router: Id;
  transport: Id;
  tuple: Tuple;
}

/** A transport is gone, with its producers and consumers. */
export interface TransportClosedEvent {
  type: 'transport-closed';
  router: Id;
  transport: Id;
  reason: CloseReason;
}

/** A producer is gone. */
export interface ProducerClosedEvent {
  type: 'producer-closed';
  router: Id;
  producer: Id;
  reason: CloseReason;
}

/** A consumer is gone. */
export interface ConsumerClosedEvent {
  type: 'consumer-closed';
  router: Id;
  consumer: Id;
  reason: CloseReason;
}

/** What a consumer follows was closed; the slot is empty now. */
export interface ConsumerProducerClosedEvent {
  type: 'consumer-producer-closed';
  router: Id;
  consumer: Id;
  producer: Id;
}

/** What consumers want of a video producer, all together, has changed. What is beyond it need not be sent. */
export interface ProducerDemandChangedEvent {
  type: 'producer-demand-changed';
  router: Id;
  producer: Id;
  /** The highest layers that anybody wants; none if nobody wants anything. */
  demand: Layers | null;
}

/** A consumer now gets other layers, or none; or is to get others; or for another reason. */
export interface ConsumerLayersChangedEvent {
  type: 'consumer-layers-changed';
  router: Id;
  consumer: Id;
  current: Layers | null;
  target: Layers | null;
  reason: LayersReason;
}

/** Who is forwarded to the slots that follow speakers changed. */
export interface SpeakersChangedEvent {
  type: 'speakers-changed';
  router: Id;
  /** Audio producers by rank. */
  speakers: (Id | null)[];
}

/** Another became the dominant speaker. */
export interface ActiveSpeakerEvent {
  type: 'active-speaker';
  router: Id;
  /** The observer that tells; none is the router, of all its producers. */
  observer: Id | null;
  producer: Id;
}

/** The loudest producers of the last interval, the loudest first. */
export interface AudioLevelsEvent {
  type: 'audio-levels';
  router: Id;
  observer: Id;
  volumes: AudioVolume[];
}

/** How loud a producer was. */
export interface AudioVolume {
  producer: Id;
  /** Mean level in dBov, −127 (silence) to 0. */
  volume: number;
}

/** In the last interval nobody was as loud as the threshold, for the first time since somebody was. */
export interface SilenceEvent {
  type: 'silence';
  router: Id;
  observer: Id;
}

/** The SCTP state of a WebRTC or plain transport or of a pipe changed. */
export interface SctpStateChangedEvent {
  type: 'sctp-state-changed';
  router: Id;
  transport: Id;
  state: SctpState;
}

/** A peer opened a data channel, which is a data producer now. */
export interface DataChannelOpenedEvent {
  type: 'data-channel-opened';
  router: Id;
  transport: Id;
  /** The data producer. */
  producer: Id;
  /** The channel's stream identifier, for answers over the same channel. */
  stream: number;
  /** What the peer opened it with. */
  parameters: ChannelParameters;
}

/** What a data channel was opened with. */
export interface ChannelParameters {
  label: string;
  protocol: string;
  ordered: boolean;
  reliability: unknown;
}

/** A data producer is gone. */
export interface DataProducerClosedEvent {
  type: 'data-producer-closed';
  router: Id;
  producer: Id;
  reason: CloseReason;
}

/** A data consumer is gone. */
export interface DataConsumerClosedEvent {
  type: 'data-consumer-closed';
  router: Id;
  consumer: Id;
  reason: CloseReason;
}

/** What waits on a data consumer's channel fell to its threshold. */
export interface DataBufferedAmountLowEvent {
  type: 'data-buffered-amount-low';
  router: Id;
  consumer: Id;
}

/** A message for a data consumer of a direct transport. */
export interface MessageEvent {
  type: 'message';
  router: Id;
  consumer: Id;
  data: string | Buffer;
}

/** An RTCP packet for whoever stands behind a direct transport: what a peer would be sent. */
export interface RtcpEvent {
  type: 'rtcp';
  router: Id;
  transport: Id;
  /** The compound packet, in the clear. */
  packet: Buffer;
}

/** A video publisher tells that its picture is to be turned otherwise, or tells it first. */
export interface ProducerVideoOrientationChangedEvent {
  type: 'producer-video-orientation-changed';
  router: Id;
  producer: Id;
  /** The picture comes from the camera on the back of the device. */
  backCamera: boolean;
  /** The picture is mirrored horizontally. */
  flip: boolean;
  /** Degrees by which a receiver turns it clockwise: 0, 90, 180 or 270. */
  rotation: number;
}

/**
 * What can be traced: of producers all but `bwe`, of consumers all but `sr` and `bwe`, of transports `bwe` alone.
 * `keyframe` is an RTP packet with which a key frame begins.
 */
export type TraceType = 'rtp' | 'keyframe' | 'nack' | 'pli' | 'fir' | 'sr' | 'bwe';

/** Something that was traced. */
export type Trace =
  | PacketTrace
  | { type: 'nack'; ssrc: number; /** Of a longer request the first 256. */ sequenceNumbers: number[] }
  | { type: 'pli' | 'fir'; ssrc: number }
  | {
      type: 'sr';
      ssrc: number;
      ntpSeconds: number;
      ntpFraction: number;
      rtpTimestamp: number;
      packetCount: number;
      octetCount: number;
    }
  | { type: 'bwe'; availableBitrate: number | null; audioBitrate: number; videoBitrate: number };

/** An RTP packet as it came, or as it was sent. */
export interface PacketTrace {
  type: 'rtp' | 'keyframe';
  ssrc: number;
  payloadType: number;
  sequenceNumber: number;
  timestamp: number;
  marker: boolean;
  /** Bytes, without SRTP. */
  size: number;
  payloadSize: number;
  keyFrame: boolean;
  spatialLayer: number;
  temporalLayer: number | null;
  /** It was asked for again. */
  retransmission: boolean;
}

/** Something that was to be traced of a transport. */
export interface TransportTraceEvent {
  type: 'transport-trace';
  router: Id;
  transport: Id;
  /** Milliseconds since the UNIX epoch. */
  timestampMs: number;
  trace: Trace;
}

/** Something that was to be traced of a producer: packets that came, requests that were sent. */
export interface ProducerTraceEvent {
  type: 'producer-trace';
  router: Id;
  producer: Id;
  /** Milliseconds since the UNIX epoch. */
  timestampMs: number;
  trace: Trace;
}

/** Something that was to be traced of a consumer: packets that were sent, requests that came. */
export interface ConsumerTraceEvent {
  type: 'consumer-trace';
  router: Id;
  consumer: Id;
  /** Milliseconds since the UNIX epoch. */
  timestampMs: number;
  trace: Trace;
}

/** Events were lost because nobody took them in time. */
export interface LaggedEvent {
  type: 'lagged';
  /** How many. */
  count: number;
}

/** Everything that can happen in a router; RTP packets come by {@link Consumer.packets}. */
export type RouterEvent =
  | RouterClosedEvent
  | TransportStateChangedEvent
  | TransportTupleSelectedEvent
  | TransportRtcpTupleSelectedEvent
  | TransportClosedEvent
  | ProducerClosedEvent
  | ConsumerClosedEvent
  | ConsumerProducerClosedEvent
  | ProducerDemandChangedEvent
  | ConsumerLayersChangedEvent
  | SpeakersChangedEvent
  | ActiveSpeakerEvent
  | AudioLevelsEvent
  | SilenceEvent
  | SctpStateChangedEvent
  | DataChannelOpenedEvent
  | DataProducerClosedEvent
  | DataConsumerClosedEvent
  | DataBufferedAmountLowEvent
  | MessageEvent
  | RtcpEvent
  | ProducerVideoOrientationChangedEvent
  | TransportTraceEvent
  | ProducerTraceEvent
  | ConsumerTraceEvent
  | LaggedEvent;

/** Everything that can happen. */
export type SfuEvent = RouterEvent;
