// `trace` events: which are wanted, and how the SFU's are told.

import type { Trace } from '../events.js';

/** Refuses what is no list of names, and returns those of `known`. */
export function checkTraceTypes<T extends string>(types: unknown, known: readonly T[]): T[] {
  if (!Array.isArray(types)) throw new TypeError('types: expected an array of strings');
  for (const type of types) {
    if (typeof type !== 'string') throw new TypeError(`types: expected strings, got ${String(type)}`);
  }
  return known.filter((type) => types.includes(type));
}

/** Whether something comes from an endpoint or goes to it. */
export type TraceDirection = 'in' | 'out';

/** What is told of something traced. */
export type TraceData<T extends string> = {
  type: T;
  timestamp: number;
  direction: TraceDirection;
  info: Record<string, unknown>;
};

/** Something traced, in the form that the API has. */
export function traceData<T extends string>(trace: Trace, timestamp: number, direction: TraceDirection): TraceData<T> {
  return { type: trace.type as T, timestamp, direction, info: infoOf(trace) };
}

function infoOf(trace: Trace): Record<string, unknown> {
  switch (trace.type) {
    case 'rtp':
    case 'keyframe': {
      const { type: _, keyFrame: isKeyFrame, retransmission: isRtx, temporalLayer, ...packet } = trace;
      return { rtpPacket: { ...packet, isKeyFrame, temporalLayer: temporalLayer ?? 0 }, isRtx };
    }
    case 'sr': {
      const { ssrc, ntpSeconds: ntpSec, ntpFraction: ntpFrac, rtpTimestamp: rtpTs, packetCount, octetCount } = trace;
      return { ssrc, ntpSec, ntpFrac, rtpTs, packetCount, octetCount };
    }
    case 'bwe': {
      const { availableBitrate, audioBitrate, videoBitrate } = trace;
      const desiredBitrate = audioBitrate + videoBitrate;
      return { desiredBitrate, effectiveDesiredBitrate: desiredBitrate, ...(availableBitrate === null ? {} : { availableBitrate }) };
    }
    default: {
      const { type: _, ...info } = trace;
      return info;
    }
  }
}
