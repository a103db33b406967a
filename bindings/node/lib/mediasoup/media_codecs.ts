// Checks on the codecs that a router is to have.

import { describe } from './app_data.js';
import { isAmong } from './codecs.js';
import { UnsupportedError } from './errors.js';
import type { RouterRtpCodecCapability } from './rtp_parameters.js';
import { getSupportedRtpCapabilities } from './supported.js';

/** Refuses what are no codecs. */
export function checkMediaCodecs(codecs: unknown): asserts codecs is RouterRtpCodecCapability[] {
  if (!Array.isArray(codecs)) throw new TypeError(`mediaCodecs: expected an array, got ${describe(codecs)}`);
  const payloadTypes = new Set<number>();
  for (const codec of codecs as Partial<RouterRtpCodecCapability>[]) {
    const { kind, mimeType, clockRate, preferredPayloadType } = codec ?? {};
    if (preferredPayloadType !== undefined) {
      if (payloadTypes.has(preferredPayloadType)) {
        throw new TypeError(`mediaCodecs[].preferredPayloadType: expected each number once, got ${preferredPayloadType} twice`);
      }
      payloadTypes.add(preferredPayloadType);
    }
    if (kind !== 'audio' && kind !== 'video') throw new TypeError(`mediaCodecs[].kind: expected "audio" or "video", got ${describe(kind)}`);
    if (typeof mimeType !== 'string' || !mimeType.toLowerCase().startsWith(`${kind}/`)) {
      throw new TypeError(`mediaCodecs[].mimeType: expected ${kind}/…, got ${describe(mimeType)}`);
    }
    if (!Number.isInteger(clockRate)) throw new TypeError(`mediaCodecs[].clockRate: expected Hz, got ${describe(clockRate)}`);
  }
}

/** Refuses codecs that no router can have. */
export function checkRoutable(codecs: RouterRtpCodecCapability[]): void {
  const { codecs: supported = [] } = getSupportedRtpCapabilities();
  for (const codec of codecs) {
    if (!isAmong(codec, supported)) {
      throw new UnsupportedError(`mediaCodecs[]: ${codec.mimeType} at ${codec.clockRate} Hz cannot be routed`);
    }
  }
}
