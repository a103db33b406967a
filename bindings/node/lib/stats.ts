/** Figures, with the names of the W3C's WebRTC statistics where there is one; and what `explain` and `dump` tell. */

import type { Id, Layers, MediaKind, SrtpProfile, Tuple } from './parameters.js';

/** State of ICE. */
export type IceState = 'new' | 'connected' | 'disconnected' | 'failed' | 'closed';
/** State of DTLS. */
export type DtlsState = 'new' | 'connecting' | 'connected' | 'failed' | 'closed';
/** State of SCTP. */
export type SctpState = 'new' | 'connecting' | 'connected' | 'failed' | 'closed';

/** Kind of a transport. */
export type TransportKind = 'webrtc' | 'plain' | 'pipe' | 'direct';

/** Figures of a transport. */
export interface TransportStats {
  id: Id;
  router: Id;
  kind: TransportKind;
  /** None without ICE. */
  iceState: IceState | null;
  /** None without DTLS. */
  dtlsState: DtlsState | null;
  /** None without data channels. */
  sctpState: SctpState | null;
  sctp: SctpStats | null;
  srtpProfile: SrtpProfile | null;
  /** Where media goes. */
  tuple: Tuple | null;
  /** Where RTCP goes, if it has a path of its own. */
  rtcpTuple: Tuple | null;
  /** Datagrams received. */
  packetsReceived: number;
  /** Bytes received, with SRTP overhead, without UDP and IP headers. */
  bytesReceived: number;
  packetsSent: number;
  bytesSent: number;
  /** Smoothed, in seconds, from RTCP. */
  roundTripTime: number | null;
  /** What the path to the peer carries, in bit/s; none is without limit. */
  availableOutgoingBitrate: number | null;
  /** The most that the peer was asked to send, in bit/s; none is without limit. */
  maxIncomingBitrate: number | null;
  /** Refused input by reason. */
  refused: Refused;
}

/** Input that a transport refused, by reason. */
export interface Refused {
  stun: number;
  dtls: number;
  noKeys: number;
  srtp: number;
  srtcp: number;
  rtp: number;
  rtcp: number;
  sctp: number;
  unknownStream: number;
  noMemory: number;
}

/** Figures of a transport's data channels. */
export interface SctpStats {
  packetsReceived: number;
  packetsSent: number;
  packetsRefused: number;
  messagesReceived: number;
  bytesReceived: number;
  messagesSent: number;
  bytesSent: number;
  messagesRefused: number;
  channelsOpened: number;
  channelsClosed: number;
}

/** Figures of one incoming RTP stream: one encoding of a producer. */
export interface InboundRtpStats {
  ssrc: number | null;
  rid: string | null;
  /** Whether packets arrive. */
  active: boolean;
  packetsReceived: number;
  packetsLost: number;
  bytesReceived: number;
  /** In seconds. */
  jitter: number;
  /** In bit/s. */
  bitrate: number;
  nackCount: number;
  retransmittedPacketsReceived: number;
  /** Packets that came twice, too late or out of all order. */
  packetsDiscarded: number;
  /** Key frames asked of the publisher, and of these, by FIR. */
  pliCount: number;
  firCount: number;
  /** Of video: what a receiver of each pair of layers is sent. */
  bitrateByLayer: LayerBitrate[];
  keyFramesReceived: number;
  cachedKeyFrames: number;
}

/** What layers of a stream cost, with those that they need, in bit/s. */
export interface LayerBitrate {
  spatialLayer: number;
  temporalLayer: number;
  bitrate: number;
}

/** Figures of a producer. */
export interface ProducerStats {
  id: Id;
  transport: Id;
  kind: MediaKind;
  paused: boolean;
  /** The smallest picture first. */
  encodings: InboundRtpStats[];
}

/** Figures of a consumer. */
export interface ConsumerStats {
  id: Id;
  transport: Id;
  kind: MediaKind;
  /** What it follows. */
  producer: Id | null;
  paused: boolean;
  ssrc: number;
  /** Layers it gets now. */
  currentLayers: Layers | null;
  packetsSent: number;
  bytesSent: number;
  retransmittedPacketsSent: number;
  nackCount: number;
  nackMissed: number;
  /** Key frames that the receiver asked for, and of these, by FIR. */
  pliCount: number;
  firCount: number;
  /** In seconds, in the receiver's last report. */
  jitter: number;
  cachedKeyFrames: number;
  /** 0 to 1, in the receiver's last report. */
  fractionLost: number;
  /** In seconds. */
  roundTripTime: number | null;
}

/** Figures of a data producer. */
export interface DataProducerStats {
  id: Id;
  transport: Id;
  label: string;
  protocol: string;
  paused: boolean;
  messagesReceived: number;
  bytesReceived: number;
}

/** Figures of a data consumer. */
export interface DataConsumerStats {
  id: Id;
  transport: Id;
  /** What it follows. */
  producer: Id;
  label: string;
  protocol: string;
  paused: boolean;
  messagesSent: number;
  bytesSent: number;
  /** Messages that were not sent, because the receiver was too slow, or had not opened the channel yet. */
  messagesDropped: number;
  /** Bytes that wait to be sent or acknowledged. */
  bufferedAmount: number;
}

/** Operational figures of a shard since it started. */
export interface ShardStats {
  /** Turns of the shard's loop. */
  turns: number;
  turnsWithInput: number;
  /** Time spent in turns, in milliseconds. */
  busyMs: number;
  receivedDatagrams: number;
  receivedBytes: number;
  sentDatagrams: number;
  sentBytes: number;
  /** System calls that sent them. */
  sendCalls: number;
  sendErrors: number;
  droppedDatagrams: number;
  /** RTP packets that the engine put out. */
  mediaPackets: number;
  /** Runs in which it put them out. */
  mediaRuns: number;
  linkPacketsSent: number;
  linkPacketsReceived: number;
  linkPacketsDropped: number;
  linkWakeups: number;
  /** What the engine refused before it reached a transport, by reason. */
  engine: Record<string, number>;
}

/** Why a consumer gets what it gets. */
export interface Explanation {
  consumer: Id;
  producer: Id | null;
  /** Which of the speakers it follows, if it follows speakers. */
  speaker: { rank: number; except: Id | null } | null;
  consumerPaused: boolean;
  producerPaused: boolean;
  preferred: Layers | null;
  /** Which encodings of the producer are active, the smallest picture first. */
  activeEncodings: boolean[];
  target: number | null;
  current: number | null;
  awaitsKeyFrame: boolean;
  demand: { width: number; height: number; priority: number; pinned: boolean; screen: boolean } | null;
  /** In bit/s; none is without limit. */
  availableBitrate: number | null;
  audioBitrate: number;
  videoBitrate: number;
  share: number;
  ladder: Rung[];
  /** The rule that decided. */
  rule: LayersReason;
  /** What decided, in words. */
  reason: string;
}

/** One of the layers that a source offers. */
export interface Rung {
  layers: Layers;
  /** In bit/s. */
  bitrate: number;
  width: number;
  height: number;
  frameRate: number;
}

/** The rule that chose a consumer's layers. */
export type LayersReason =
  | 'empty'
  | 'consumer_paused'
  | 'producer_paused'
  | 'not_shown'
  | 'bandwidth'
  | 'viewport'
  | 'publisher_does_not_send'
  | 'hold'
  | 'preferred'
  | 'no_descriptor'
  | 'pinned'
  | 'best';

/** Who speaks, and who spoke before. */
export interface Speakers {
  /** The audio producers that are forwarded, by rank. */
  places: (Id | null)[];
  /** Dominant speakers, the present one first: audio producers. */
  recent: Id[];
}

/** What is in a router. */
export interface RouterDump {
  id: Id;
  transports: TransportDump[];
  observers: ObserverDump[];
}

/** An observer of a router. */
export interface ObserverDump {
  id: Id;
  kind: 'active-speaker' | 'audio-level';
}

/** What is on a transport. */
export interface TransportDump {
  id: Id;
  kind: TransportKind;
  producers: Id[];
  consumers: Id[];
  dataProducers: Id[];
  dataConsumers: Id[];
}
