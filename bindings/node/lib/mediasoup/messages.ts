// Messages of data channels, and the numbers that tell their kinds apart (RFC 8831 §8).

import { describe } from './app_data.js';

const TEXT = 51;
const BINARY = 53;
const EMPTY_TEXT = 56;
const EMPTY_BINARY = 57;

/** The bytes of a message, and whether they are text. A `ppid` goes before the type of the message. */
export function encodeMessage(message: unknown, ppid?: number): { text: boolean; payload: Buffer } {
  if (typeof message !== 'string' && !(message instanceof Uint8Array)) {
    throw new TypeError(`message: expected a string or a Buffer, got ${describe(message)}`);
  }
  if (ppid !== undefined && ![TEXT, BINARY, EMPTY_TEXT, EMPTY_BINARY].includes(ppid)) {
    throw new TypeError(`ppid: expected 51 or 56 (text), 53 or 57 (binary), got ${describe(ppid)}`);
  }
  const empty = ppid === EMPTY_TEXT || ppid === EMPTY_BINARY;
  // The caller may reuse its buffer. An empty message travels as one byte that means nothing.
  const payload = empty ? Buffer.alloc(0) : Buffer.from(message as string);
  const text = ppid === undefined ? typeof message === 'string' : ppid === TEXT || ppid === EMPTY_TEXT;
  return { text, payload };
}

/** The number of a message that arrived. */
export function ppidOf(text: boolean, payload: Buffer): number {
  if (payload.length === 0) return text ? EMPTY_TEXT : EMPTY_BINARY;
  return text ? TEXT : BINARY;
}

/** Refuses what is no list of subchannels. */
export function checkSubchannels(subchannels: unknown): asserts subchannels is number[] {
  if (!Array.isArray(subchannels)) throw new TypeError(`subchannels: expected an array, got ${describe(subchannels)}`);
  for (const each of subchannels) {
    if (!Number.isInteger(each) || each < 0 || each > 65535) {
      throw new TypeError(`subchannels: expected numbers from 0 to 65535, got ${describe(each)}`);
    }
  }
}
