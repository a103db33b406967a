// Which codecs mean the same, and what consumers of a producer are made from: the rules of the SFU
// itself, here once more because `router.canConsume` has to answer at once.

import { UnsupportedError } from './errors.js';
import type {
  MediaKind,
  RtpCapabilities,
  RtpCodecCapability,
  RtpCodecParameters,
  RtpHeaderExtensionParameters,
  RtpParameters,
} from './rtp_parameters.js';
import { parseScalabilityMode } from './scalability_mode.js';

type Codec = Pick<RtpCodecCapability, 'mimeType' | 'clockRate' | 'channels' | 'parameters'>;

const isRtx = (codec: { mimeType: string }): boolean => /\/rtx$/i.test(codec.mimeType);
const isRed = (codec: { mimeType: string }): boolean => /^audio\/red$/i.test(codec.mimeType);

/** The value of a format parameter, whatever the case of its name, as text. */
function parameter(codec: Codec, name: string, otherwise: string): string {
  for (const [key, value] of Object.entries(codec.parameters ?? {})) {
    if (key.toLowerCase() === name) return String(value);
  }
  return otherwise;
}

/** Profile of H.264; several spellings of `profile-level-id` mean the same one (RFC 6184 §8.1). */
function h264Profile(codec: Codec): string | undefined {
  const id = parameter(codec, 'profile-level-id', '42e01f');
  if (!/^[0-9a-f]{6}$/i.test(id)) return undefined;
  const idc = id.slice(0, 2).toLowerCase();
  const constraints = Number.parseInt(id.slice(2, 4), 16);
  const set = (bit: number): boolean => (constraints & (0x80 >> bit)) !== 0;
  switch (idc) {
    case '42':
      return set(1) ? 'constrained baseline' : 'baseline';
    case '4d':
      return set(0) ? 'constrained baseline' : 'main';
    case '58':
      return set(0) ? (set(1) ? 'constrained baseline' : 'baseline') : undefined;
    case '64':
      return set(4) && set(5) ? 'constrained high' : 'high';
    case 'f4':
      return 'high 4:4:4';
    default:
      return undefined;
  }
}

function sameType(a: Codec, b: Codec): boolean {
  const type = a.mimeType.toLowerCase();
  if (type !== b.mimeType.toLowerCase() || a.clockRate !== b.clockRate) return false;
  if ((a.channels ?? 1) !== (b.channels ?? 1)) return false;
  return type !== 'video/h264' || same(a, b, 'packetization-mode', '0');
}

const same = (a: Codec, b: Codec, name: string, otherwise: string): boolean =>
  parameter(a, name, otherwise) === parameter(b, name, otherwise);

/** Whether a decoder of one takes streams of the other, by what the two say. */
function matches(a: Codec, b: Codec): boolean {
  if (!sameType(a, b)) return false;
  switch (a.mimeType.toLowerCase()) {
    case 'video/h264':
      return h264Profile(a) !== undefined && h264Profile(a) === h264Profile(b);
    case 'video/vp9':
      return same(a, b, 'profile-id', '0');
    case 'video/av1':
      return same(a, b, 'profile', '0');
    case 'video/h265':
      return same(a, b, 'profile-id', '1') && same(a, b, 'tier-flag', '0');
    default:
      return true;
  }
}

/** Decoders of constrained baseline take what encoders call baseline in practice. */
function compatible(a: Codec, b: Codec): boolean {
  const baseline = (codec: Codec): boolean => h264Profile(codec)?.endsWith('baseline') ?? false;
  return matches(a, b) || (/^video\/h264$/i.test(a.mimeType) && sameType(a, b) && baseline(a) && baseline(b));
}

function bestMatch<T extends Codec>(codec: Codec, candidates: T[]): T | undefined {
  return candidates.find((other) => matches(other, codec)) ?? candidates.find((other) => compatible(other, codec));
}

/**
 * The parameters of a producer in its router's numbers; consumers are made from them.
 * Throws an `UnsupportedError` for a codec that the router does not have.
 */
export function consumableParameters(kind: MediaKind, producer: RtpParameters, router: RtpCapabilities): RtpParameters {
  const available = router.codecs ?? [];
  const codecs: RtpCodecParameters[] = [];
  for (const codec of producer.codecs.filter((each) => !isRtx(each))) {
    const ours = bestMatch(codec, available);
    if (!ours) {
      throw new UnsupportedError(`the router does not have the codec ${codec.mimeType} (payload type ${codec.payloadType})`);
    }
    if (codecs.some((other) => other.payloadType === ours.preferredPayloadType)) continue;
    codecs.push({
      ...codec,
      payloadType: ours.preferredPayloadType,
      parameters: { ...(isRed(codec) ? ours.parameters : codec.parameters) },
      rtcpFeedback: [...(ours.rtcpFeedback ?? [])],
    });
    const rtx = available.find((each) => isRtx(each) && Number(each.parameters?.['apt']) === ours.preferredPayloadType);
    if (rtx) {
      const { mimeType, preferredPayloadType: payloadType, clockRate, parameters } = rtx;
      codecs.push({ mimeType, payloadType, clockRate, parameters: { ...parameters }, rtcpFeedback: [] });
    }
  }
  const headerExtensions: RtpHeaderExtensionParameters[] = (router.headerExtensions ?? [])
    .filter((extension) => extension.kind === kind && /^send/.test(extension.direction ?? 'sendrecv'))
    .map(({ uri, preferredId: id }) => ({ uri, id, encrypt: false, parameters: {} }));
  const encodings = (producer.encodings ?? []).map(({ rid: _, ssrc: __, rtx: ___, codecPayloadType: ____, ...rest }) => rest);
  return { codecs, headerExtensions, encodings, rtcp: { ...producer.rtcp, reducedSize: true } };
}

/** Whether an endpoint with these capabilities has one of the codecs. */
export function canConsume(consumable: RtpParameters, capabilities: RtpCapabilities): boolean {
  const device = capabilities.codecs ?? [];
  return consumable.codecs.some((codec) => !isRtx(codec) && bestMatch(codec, device) !== undefined);
}

/** Capabilities of an endpoint that is to be sent nothing again. */
export function withoutRepair(capabilities: RtpCapabilities): RtpCapabilities {
  const codecs = (capabilities.codecs ?? [])
    .filter((codec) => !isRtx(codec))
    .map((codec) => ({
      ...codec,
      rtcpFeedback: (codec.rtcpFeedback ?? []).filter(({ type, parameter }) => type !== 'nack' || !!parameter),
    }));
  return { ...capabilities, codecs };
}

/** `simulcast` is several streams, `svc` one with layers inside. */
export function producerType({ encodings = [] }: RtpParameters): 'simple' | 'simulcast' | 'svc' {
  if (encodings.length > 1) return 'simulcast';
  const { spatialLayers, temporalLayers } = parseScalabilityMode(encodings[0]?.scalabilityMode);
  return spatialLayers > 1 || temporalLayers > 1 ? 'svc' : 'simple';
}

/** Number of layers of each kind that a producer can have. */
export function layerCounts({ encodings = [] }: RtpParameters): { spatial: number; temporal: number } {
  const modes = encodings.map((encoding) => parseScalabilityMode(encoding.scalabilityMode));
  return {
    spatial: encodings.length > 1 ? encodings.length : (modes[0]?.spatialLayers ?? 1),
    temporal: Math.max(1, ...modes.map((mode) => mode.temporalLayers)),
  };
}

/** Whether one of these has the name, clock rate and channels of a codec, whatever its profile. */
export function isAmong(codec: Codec, supported: Codec[]): boolean {
  const { mimeType, clockRate, channels = 1 } = codec;
  return supported.some((each) => {
    const sameName = each.mimeType.toLowerCase() === mimeType.toLowerCase();
    return sameName && each.clockRate === clockRate && (each.channels ?? 1) === channels;
  });
}
