/**
 * The native half: finds the binary for this platform, and says what it offers.
 *
 * The layout is that of napi-rs: `plenum-sfu.<platform>.node` beside `dist/`, or a package
 * `plenum-sfu-<platform>` of its own, which npm installs as an optional dependency.
 */

import { join } from 'node:path';
import { platformName, PLATFORMS } from './platforms.js';

/** What the native half delivers: a batch in JSON, its short payloads one after the other, and its long ones. */
export type Deliver = (batch: string, short: Buffer | null, long: Buffer[]) => void;

/** The native class. All blocking work is done on a thread of its own. */
export interface NativeClient {
  /** Posts a call, and gives the number that its completion will carry. `target` is an id, or '' for the `Sfu`. */
  submit(method: string, target: string, parameters: string, payloads: Uint8Array[]): number;
  /** Replaces a router's codecs at once, JSON in and out. */
  updateMediaCodecs(router: string, codecs: string): string;
  /** Says that a delivered batch is dealt with, so that another may come. */
  ready(): void;
  /** Begins to end everything; the last batch says so. */
  close(): void;
  /** Lets go of what is left after the last batch. */
  finish(): void;
}

/** The native module. */
export interface Native {
  Client: new (options: string, deliver: Deliver) => NativeClient;
  supportedRtpCapabilities(): string;
  /** `Noun.method` of each method. */
  methods(): string[];
  /** Each value of an event's `type`. */
  eventTypes(): string[];
  /** Each kind of error, with its number. */
  errorKinds(): { kind: string; code: number }[];
  version(): string;
}

/** Payloads of at least so many bytes have a buffer of their own. */
export const LONG_PAYLOAD = 16_384;

let loaded: Native | undefined;

/** The native module, loaded at the first use. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const name = platformName();
  const explicit = process.env['NAPI_RS_NATIVE_LIBRARY_PATH'];
  const places = explicit
    ? [explicit]
    : [join(__dirname, '..', `plenum-sfu.${name}.node`), `plenum-sfu-${name}`];
  const failures: string[] = [];
  for (const place of places) {
    try {
      return require(place) as Native;
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
      failures.push(`  ${place}: ${reason}`);
    }
  }
  const advice = PLATFORMS.some((platform) => platform.name === name)
    ? `Install the package plenum-sfu-${name}; npm leaves it out with --omit=optional or a lock file from another platform.`
    : `There is no binary for this platform; build one from source with Rust: cargo build -p plenum-node.`;
  throw new Error(`plenum-sfu has no native binary for ${name} that loads. ${advice}\n${failures.join('\n')}`);
}
