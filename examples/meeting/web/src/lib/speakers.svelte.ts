/**
 * Who is speaking, as this client hears it: the levels of the packets on the audio slots, and
 * the own microphone. The tiles' rings follow it, and the order of a large meeting; whoever is
 * large follows what the server hears, and this where the server does not tell.
 */

import { SvelteSet } from 'svelte/reactivity';
import type { MicMonitor } from './mic-monitor';
import type { Assignment } from './protocol';
import type { MediaSession } from './media';
import { SpeakingDetector } from './speaking';

const INTERVAL_MS = 120;
/** Where packets carry no level, statistics do; they cost more, so they are read less often. */
const STATS_EVERY = 3;
/** A short word does not make somebody large. */
const HOLD_MS = 1500;

export interface SpeakerSources {
  session: () => MediaSession | null;
  assignments: () => Assignment[];
  carried: (assignment: Assignment) => string | null;
  monitor: MicMonitor;
  selfId: () => string;
  muted: () => boolean;
}

export class Speakers {
  /** The ids of those who speak now. Who asks for one is not woken by another. */
  readonly active = new SvelteSet<string>();
  /** Of the others who speak, the one to look at; stays when nobody does. */
  dominant: string | null = $state(null);
  /** Grows whenever somebody who was silent speaks. */
  turns = $state(0);
  /** This person speaks and the microphone is muted. */
  selfWhileMuted = $state(false);
  /** When each was last heard, in milliseconds of the page's clock. */
  readonly lastHeard = new Map<string, number>();

  readonly #sources: SpeakerSources;
  readonly #detectors = new Map<string, SpeakingDetector>();
  readonly #statLevels = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #round = 0;
  /** When the dominant one became so. */
  #since = -Infinity;

  constructor(sources: SpeakerSources) {
    this.#sources = sources;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#measure(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.active.clear();
  }

  /** The server heard these. */
  heard(ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) this.lastHeard.set(id, now);
    if (ids.length > 0) this.turns += 1;
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.active.delete(id);
      this.lastHeard.delete(id);
      this.#detectors.delete(id);
      this.#statLevels.delete(id);
      if (this.dominant === id) this.dominant = null;
    }
  }

  #measure(): void {
    const now = performance.now();
    const speaking = new Set<string>();
    this.#round += 1;
    for (const assignment of this.#sources.assignments()) {
      if (assignment.source !== 'microphone') continue;
      const id = this.#sources.carried(assignment);
      if (id === null) continue;
      const receiver = this.#sources.session()?.receiver(assignment.mid);
      if (receiver && this.#detector(id).update(this.#levelOf(id, receiver), now)) speaking.add(id);
    }
    const selfId = this.#sources.selfId();
    const self = this.#detector(selfId).update(this.#sources.monitor.level(), now);
    const muted = this.#sources.muted();
    if (self && !muted) speaking.add(selfId);
    this.selfWhileMuted = self && muted;
    for (const id of speaking) this.lastHeard.set(id, now);
    for (const id of [...this.active]) if (!speaking.has(id)) this.active.delete(id);
    const began = [...speaking].filter((id) => !this.active.has(id));
    for (const id of began) this.active.add(id);
    if (began.length > 0) this.turns += 1;
    if (this.dominant === null || !speaking.has(this.dominant)) {
      const next = [...speaking].find((id) => id !== selfId);
      if (next !== undefined && now - this.#since > HOLD_MS) {
        this.dominant = next;
        this.#since = now;
      }
    }
  }

  #levelOf(id: string, receiver: RTCRtpReceiver): number {
    const level = receiver.getSynchronizationSources()[0]?.audioLevel;
    if (level !== undefined) return level;
    if (this.#round % STATS_EVERY === 0) {
      void receiver.getStats().then((report) => {
        for (const entry of report.values() as Iterable<{ type: string; audioLevel?: number }>) {
          if (entry.type === 'inbound-rtp') this.#statLevels.set(id, entry.audioLevel ?? 0);
        }
      });
    }
    return this.#statLevels.get(id) ?? 0;
  }

  #detector(id: string): SpeakingDetector {
    let detector = this.#detectors.get(id);
    if (!detector) this.#detectors.set(id, (detector = new SpeakingDetector()));
    return detector;
  }
}
