// Scores of streams, from 0 (nothing arrives) to 10, measured while somebody wants to know.

import type { InboundRtpStats } from '../stats.js';
import type { ProducerScore } from './producer.js';
import { Ticker } from './ticker.js';

/** How often they are measured. */
export const SCORES_MS = 1_000;

/** 10 without loss, 1 when hardly anything arrives; `loss` is 0 to 1. */
export const scoreOf = (loss: number): number => Math.max(1, Math.round(10 * (1 - Math.min(1, Math.max(0, loss))) ** 3));

/** Scores of the streams of one producer. */
export class Scores extends Ticker {
  readonly #counted = new Map<number, { received: number; lost: number }>();
  #current: ProducerScore[] = [];

  constructor(measure: () => Promise<void>) {
    super(SCORES_MS, measure);
  }

  /** The last ones. */
  get current(): ProducerScore[] {
    return this.#current;
  }

  /** Takes in new figures of the streams with these names; whether a score has changed. */
  update(encodings: InboundRtpStats[], rids: (string | undefined)[]): boolean {
    const scores = encodings.flatMap((encoding, encodingIdx): ProducerScore[] => {
      const rid = rids[encodingIdx];
      const { ssrc, active, packetsReceived: received, packetsLost: lost } = encoding;
      if (ssrc === null) return [];
      const before = this.#counted.get(encodingIdx) ?? { received: 0, lost: 0 };
      this.#counted.set(encodingIdx, { received, lost });
      const missing = Math.max(0, lost - before.lost);
      const expected = Math.max(1, received - before.received + missing);
      const score = active ? scoreOf(missing / expected) : 0;
      return [{ encodingIdx, ssrc, ...(rid === undefined ? {} : { rid }), score }];
    });
    const text = JSON.stringify(scores);
    if (text === JSON.stringify(this.#current)) return false;
    this.#current = scores;
    return true;
  }
}
