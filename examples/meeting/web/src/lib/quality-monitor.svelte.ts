/** Looks at the pictures that arrive, every two seconds, and says how good each slot's is. */

import { SvelteMap } from 'svelte/reactivity';
import type { Size } from './layout';
import type { MediaLink } from './media-link.svelte';
import { SPEAKER, type ViewTile } from './protocol';
import { assess, type Look, type Quality } from './quality';

const INTERVAL_MS = 2000;
type Shown = Pick<ViewTile, 'participant_id' | 'source'>;

export class QualityMonitor {
  /** By slot; only what carries a picture is in here. */
  readonly slots = new SvelteMap<string, Quality>();

  readonly #link: MediaLink;
  readonly #sizeOf: (tile: Shown) => Size | null;
  /** With whom it was seen: a slot that was given to another begins anew. */
  readonly #looks = new Map<string, { look: Look; of: string }>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(link: MediaLink, sizeOf: (tile: Shown) => Size | null) {
    this.#link = link;
    this.#sizeOf = sizeOf;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const { session } = this.#link;
    if (!session || document.hidden) return;
    const report = await session.pc.getStats().catch(() => null);
    if (!report || session !== this.#link.session) return;
    const inbound = new Map<unknown, Record<string, unknown>>();
    for (const entry of report.values() as Iterable<Record<string, unknown>>) {
      if (entry['type'] === 'inbound-rtp' && entry['kind'] === 'video') inbound.set(entry['mid'], entry);
    }
    const at = performance.now();
    const seen = new Set<string>();
    for (const slot of this.#link.assignments) {
      const { mid, source, speaker } = slot;
      const entry = inbound.get(mid);
      const id = this.#link.carried(slot);
      if (!entry || id === null || (source !== 'camera' && source !== 'screen')) continue;
      seen.add(mid);
      const look = read(entry, at);
      const before = this.#looks.get(mid);
      this.#looks.set(mid, { look, of: id });
      if (before?.of !== id) {
        this.slots.delete(mid);
        continue;
      }
      const shown = this.#sizeOf({ participant_id: speaker === undefined ? id : SPEAKER, source });
      this.slots.set(mid, assess(before.look, look, shown, source));
    }
    for (const mid of [...this.slots.keys()]) if (!seen.has(mid)) this.slots.delete(mid);
    for (const mid of [...this.#looks.keys()]) if (!seen.has(mid)) this.#looks.delete(mid);
  }
}

function read(entry: Record<string, unknown>, at: number): Look {
  const number = (key: string) => (typeof entry[key] === 'number' ? entry[key] : 0);
  return {
    at,
    width: number('frameWidth'),
    height: number('frameHeight'),
    framesDecoded: number('framesDecoded'),
    packetsReceived: number('packetsReceived'),
    packetsLost: number('packetsLost'),
    freezesDuration: number('totalFreezesDuration'),
    bytesReceived: number('bytesReceived'),
  };
}
