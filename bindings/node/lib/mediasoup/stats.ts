// Figures of the SFU, in the form that `getStats()` has.

import type { ConsumerStats, InboundRtpStats, TransportStats } from '../stats.js';
import type { RtpCodecParameters, RtpParameters } from './rtp_parameters.js';
import type { SctpState } from './sctp_parameters.js';

/** Figures of a transport, whatever its kind. */
export type BaseTransportStats = {
  transportId: string;
  timestamp: number;
  sctpState?: SctpState;
  bytesReceived: number;
  recvBitrate: number;
  bytesSent: number;
  sendBitrate: number;
  rtpBytesReceived: number;
  rtpRecvBitrate: number;
  rtpBytesSent: number;
  rtpSendBitrate: number;
  rtxBytesReceived: number;
  rtxRecvBitrate: number;
  rtxBytesSent: number;
  rtxSendBitrate: number;
  probationBytesSent: number;
  probationSendBitrate: number;
  availableOutgoingBitrate?: number;
  availableIncomingBitrate?: number;
  maxIncomingBitrate?: number;
  maxOutgoingBitrate?: number;
  minOutgoingBitrate?: number;
  rtpPacketLossReceived?: number;
  rtpPacketLossSent?: number;
};

/** Figures of a stream in either direction. */
export type BaseRtpStreamStats = {
  timestamp: number;
  ssrc: number;
  rtxSsrc?: number;
  rid?: string;
  kind: string;
  mimeType: string;
  packetsLost: number;
  fractionLost: number;
  /** In units of the clock rate. */
  jitter: number;
  packetsDiscarded: number;
  packetsRetransmitted: number;
  packetsRepaired: number;
  nackCount: number;
  nackPacketCount: number;
  pliCount: number;
  firCount: number;
  score: number;
  roundTripTime?: number;
  rtxPacketsDiscarded?: number;
};

/** Bit rates in bit/s by the name of the layer. */
export type BitrateByLayer = { [key: string]: number };

/** Figures of a stream that arrives. */
export type RtpStreamRecvStats = BaseRtpStreamStats & {
  type: string;
  packetCount: number;
  byteCount: number;
  bitrate: number;
  bitrateByLayer: BitrateByLayer;
};

/** Figures of a stream that is sent. */
export type RtpStreamSendStats = BaseRtpStreamStats & {
  type: string;
  packetCount: number;
  byteCount: number;
  bitrate: number;
};

/** Bit rates of counters of bytes, from one question to the next. */
export class RateMeter {
  readonly #last = new Map<string, { bytes: number; at: number; rate: number }>();

  /** The rate in bit/s since `name` was asked for last; 0 the first time. */
  rate(name: string, bytes: number, now: number): number {
    const last = this.#last.get(name);
    const elapsed = last ? now - last.at : 0;
    // Two questions in the same moment have the same answer.
    if (last && elapsed < 1) return last.rate;
    const rate = last ? Math.max(0, Math.round(((bytes - last.bytes) * 8000) / elapsed)) : 0;
    this.#last.set(name, { bytes, at: now, rate });
    return rate;
  }
}

/** The part of a transport's figures that all kinds have. */
export function transportStats(
  transportId: string,
  stats: TransportStats,
  limits: { maxIncomingBitrate?: number; maxOutgoingBitrate?: number; minOutgoingBitrate?: number },
  meter: RateMeter,
): BaseTransportStats {
  const now = Date.now();
  const { bytesReceived: rtpBytesReceived, bytesSent: rtpBytesSent, availableOutgoingBitrate, sctp } = stats;
  const bytesReceived = rtpBytesReceived + (sctp?.bytesReceived ?? 0);
  const bytesSent = rtpBytesSent + (sctp?.bytesSent ?? 0);
  return {
    transportId,
    timestamp: now,
    ...(stats.sctpState ? { sctpState: stats.sctpState } : {}),
    bytesReceived,
    recvBitrate: meter.rate('received', bytesReceived, now),
    bytesSent,
    sendBitrate: meter.rate('sent', bytesSent, now),
    // Retransmissions and RTCP included: the SFU counts what is on the wire.
    rtpBytesReceived,
    rtpRecvBitrate: meter.rate('RTP received', rtpBytesReceived, now),
    rtpBytesSent,
    rtpSendBitrate: meter.rate('RTP sent', rtpBytesSent, now),
    rtxBytesReceived: 0,
    rtxRecvBitrate: 0,
    rtxBytesSent: 0,
    rtxSendBitrate: 0,
    probationBytesSent: 0,
    probationSendBitrate: 0,
    ...(availableOutgoingBitrate === null ? {} : { availableOutgoingBitrate }),
    ...limits,
  };
}

/** Codec and retransmission stream of an encoding. */
function stream(parameters: RtpParameters, index: number): { codec: RtpCodecParameters | undefined; rtxSsrc?: number } {
  const encoding = parameters.encodings?.[index];
  const codec = parameters.codecs.find((each) => each.payloadType === encoding?.codecPayloadType) ?? parameters.codecs[0];
  return { codec, ...(encoding?.rtx ? { rtxSsrc: encoding.rtx.ssrc } : {}) };
}

/** Bit rates by `spatial.temporal` layer, of a stream with layers inside. */
function bitrateByLayer({ active, bitrateByLayer: all }: InboundRtpStats): BitrateByLayer {
  if (!active || all.length < 2) return {};
  return Object.fromEntries(all.map(({ spatialLayer, temporalLayer, bitrate }) => [`${spatialLayer}.${temporalLayer}`, bitrate]));
}

/** Figures of an encoding that arrives; none before it has begun. */
export function receiveStats(
  kind: string,
  parameters: RtpParameters,
  encoding: InboundRtpStats,
  index: number,
  score: number,
): RtpStreamRecvStats | undefined {
  if (encoding.ssrc === null) return undefined;
  const { codec, rtxSsrc } = stream(parameters, index);
  const { packetsReceived, packetsLost } = encoding;
  const rid = parameters.encodings?.[index]?.rid;
  const expected = packetsReceived + Math.max(0, packetsLost);
  return {
    type: 'inbound-rtp',
    timestamp: Date.now(),
    ssrc: encoding.ssrc,
    ...(rtxSsrc === undefined ? {} : { rtxSsrc }),
    ...(rid === undefined ? {} : { rid }),
    kind,
    mimeType: codec?.mimeType ?? '',
    packetsLost,
    // In 256ths, as in a receiver report (RFC 3550 §6.4.1).
    fractionLost: expected === 0 ? 0 : Math.round((Math.max(0, packetsLost) / expected) * 255),
    packetsDiscarded: encoding.packetsDiscarded,
    packetsRetransmitted: encoding.retransmittedPacketsReceived,
    packetsRepaired: encoding.retransmittedPacketsReceived,
    nackCount: encoding.nackCount,
    nackPacketCount: encoding.nackCount,
    pliCount: encoding.pliCount - encoding.firCount,
    firCount: encoding.firCount,
    score,
    jitter: Math.round(encoding.jitter * (codec?.clockRate ?? 1000)),
    packetCount: packetsReceived,
    byteCount: encoding.bytesReceived,
    bitrate: encoding.active ? encoding.bitrate : 0,
    bitrateByLayer: bitrateByLayer(encoding),
  };
}

/** Figures of a stream that is sent. */
export function sendStats(
  kind: string,
  parameters: RtpParameters,
  stats: ConsumerStats,
  index: number,
  score: number,
  meter: RateMeter,
): RtpStreamSendStats {
  const { codec, rtxSsrc } = stream(parameters, index);
  const timestamp = Date.now();
  return {
    type: 'outbound-rtp',
    timestamp,
    ssrc: stats.ssrc,
    ...(rtxSsrc === undefined ? {} : { rtxSsrc }),
    kind,
    mimeType: codec?.mimeType ?? '',
    packetsLost: Math.round(stats.fractionLost * stats.packetsSent),
    fractionLost: Math.round(stats.fractionLost * 255),
    jitter: Math.round(stats.jitter * (codec?.clockRate ?? 1000)),
    packetsDiscarded: 0,
    packetsRetransmitted: stats.retransmittedPacketsSent,
    packetsRepaired: stats.retransmittedPacketsSent,
    nackCount: stats.nackCount,
    nackPacketCount: stats.nackCount,
    pliCount: stats.pliCount - stats.firCount,
    firCount: stats.firCount,
    score,
    ...(stats.roundTripTime === null ? {} : { roundTripTime: stats.roundTripTime * 1000 }),
    packetCount: stats.packetsSent,
    byteCount: stats.bytesSent,
    bitrate: meter.rate(String(stats.ssrc), stats.bytesSent, timestamp),
  };
}
