// Checks on the arguments of a transport's methods.

import { describe } from './app_data.js';
import type { RouterBook } from './router_book.js';
import type { MediaKind, RtpParameters } from './rtp_parameters.js';
import type { SctpStreamParameters } from './sctp_parameters.js';

/** Refuses what is no bit rate. */
export function checkBitrate(bitrate: unknown): void {
  if (typeof bitrate !== 'number' || !Number.isFinite(bitrate) || bitrate < 0) {
    throw new TypeError(`bitrate: expected bit/s from 0, got ${describe(bitrate)}`);
  }
}

/** Refuses an id that somebody has. */
export function checkNewId(id: unknown, book: RouterBook, noun: string): void {
  if (id === undefined) return;
  if (typeof id !== 'string' || id === '') throw new TypeError(`id: expected a text that is not empty, got ${describe(id)}`);
  if (book.has(id)) throw new TypeError(`id: the router has a ${noun} ${id} already`);
}

/** Refuses parameters that do not have the form. What they say is for the SFU to judge. */
export function checkRtpParameters(parameters: unknown, kind: MediaKind): asserts parameters is RtpParameters {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new TypeError(`rtpParameters: expected an object, got ${describe(parameters)}`);
  }
  const { codecs, encodings, headerExtensions } = parameters as Partial<RtpParameters>;
  for (const [name, list] of Object.entries({ codecs, encodings, headerExtensions })) {
    if (name !== 'codecs' && list === undefined) continue;
    if (!Array.isArray(list)) throw new TypeError(`rtpParameters.${name}: expected an array, got ${describe(list)}`);
  }
  for (const codec of codecs ?? []) {
    const { mimeType } = codec ?? {};
    if (typeof mimeType !== 'string' || !mimeType.toLowerCase().startsWith(`${kind}/`)) {
      throw new TypeError(`rtpParameters.codecs[].mimeType: expected ${kind}/…, got ${describe(mimeType)}`);
    }
  }
}

/** Refuses what describes no channel. */
export function checkSctpStreamParameters(parameters: unknown): asserts parameters is SctpStreamParameters {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new TypeError(`sctpStreamParameters: expected an object with streamId, got ${describe(parameters)}`);
  }
  const { streamId, ...rest } = parameters as SctpStreamParameters;
  if (!Number.isInteger(streamId) || streamId < 0 || streamId > 65534) {
    throw new TypeError(`sctpStreamParameters.streamId: expected 0 to 65534, got ${describe(streamId)}`);
  }
  checkReliability(rest);
}

/** How a channel delivers. */
type Reliability = { ordered?: unknown; maxPacketLifeTime?: unknown; maxRetransmits?: unknown };

/** Refuses bounds that are wrong, or contradict each other. */
export function checkReliability({ ordered, maxPacketLifeTime, maxRetransmits }: Reliability): void {
  for (const [name, value] of Object.entries({ maxPacketLifeTime, maxRetransmits })) {
    if (value !== undefined && (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 65535)) {
      throw new TypeError(`${name}: expected 0 to 65535, got ${describe(value)}`);
    }
  }
  if (ordered !== undefined && typeof ordered !== 'boolean') throw new TypeError(`ordered: expected true or false, got ${describe(ordered)}`);
  if (maxPacketLifeTime !== undefined && maxRetransmits !== undefined) {
    throw new TypeError('maxPacketLifeTime, maxRetransmits: expected only one of them');
  }
  if (ordered === true && (maxPacketLifeTime !== undefined || maxRetransmits !== undefined)) {
    throw new TypeError('ordered: expected false where messages may be lost');
  }
}
