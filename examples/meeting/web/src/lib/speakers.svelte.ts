/**
 * Who is speaking, as this client hears it: the levels of the packets on the audio slots, and
 * the own microphone. The tiles' rings and the order of a large meeting follow it.
 */

import type { MicMonitor } from './mic-monitor';
import type { Assignment } from './protocol';
import type { MediaSession } from './media';
import { SpeakingDetector } from './speaking';

const INTERVAL_MS = 120;
/** Where packets carry no level, statistics do; they cost more, so they are read less often. */
const STATS_EVERY = 3;

export interface SpeakerSources {
  session: () => MediaSession | null;
  assignments: () => Assignment[];
  monitor: MicMonitor;
  selfId: () => string;
  muted: () => boolean;
}

export class Speakers {
  /** The ids of those who speak now. */
  active: ReadonlySet<string> = $state.raw(new Set());
  /** This person speaks and the microphone is muted. */
  selfWhileMuted = $state(false);
  /** When each was last heard, in milliseconds of the page's clock. */
  readonly lastHeard = new Map<string, number>();

  readonly #sources: SpeakerSources;
  readonly #detectors = new Map<string, SpeakingDetector>();
  readonly #statLevels = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #round = 0;

  constructor(sources: SpeakerSources) {
    this.#sources = sources;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#measure(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.active = new Set();
  }

  #measure(): void {
    const now = performance.now();
    const speaking = new Set<string>();
    this.#round += 1;
    for (const { mid, participant_id: id, source } of this.#sources.assignments()) {
      if (id === null || source !== 'microphone') continue;
      const receiver = this.#sources.session()?.receiver(mid);
      if (receiver && this.#detector(id).update(this.#levelOf(id, receiver), now)) speaking.add(id);
    }
    const selfId = this.#sources.selfId();
    const self = this.#detector(selfId).update(this.#sources.monitor.level(), now);
    const muted = this.#sources.muted();
    if (self && !muted) speaking.add(selfId);
    this.selfWhileMuted = self && muted;
    for (const id of speaking) this.lastHeard.set(id, now);
    if (!sameMembers(speaking, this.active)) this.active = speaking;
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

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((member) => b.has(member));
}
