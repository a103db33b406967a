/** `window.__plenum`: what the end-to-end tests read. It changes nothing. */

import type { Meeting } from './meeting.svelte';
import type { Source } from './protocol';

export interface SourceStats {
  mid: string;
  packetsReceived: number;
  packetsLost: number;
  bytesReceived: number;
  framesDecoded: number;
  framesDropped: number;
  frameWidth: number;
  frameHeight: number;
  keyFramesDecoded: number;
  freezeCount: number;
  totalFreezesDuration: number;
  audioEnergy: number;
  audioLevel: number;
  concealedSamples: number;
  jitter: number;
}

/** One for each participant that is on a slot, with one entry a source. */
export type ParticipantStats = { participantId: string; displayName: string } & Partial<
  Record<Source, SourceStats>
>;

declare global {
  interface Window {
    __plenum?: {
      readonly state: Meeting;
      readonly pc: RTCPeerConnection | null;
      stats(): Promise<ParticipantStats[]>;
    };
  }
}

export function exposeForTests(meeting: Meeting | null): void {
  if (!meeting) {
    delete window.__plenum;
    return;
  }
  window.__plenum = {
    state: meeting,
    get pc() {
      return meeting.link.session?.pc ?? null;
    },
    stats: () => participantStats(meeting),
  };
}

async function participantStats(meeting: Meeting): Promise<ParticipantStats[]> {
  const byId = new Map<string, ParticipantStats>();
  for (const slot of meeting.link.assignments) {
    const { mid, source } = slot;
    const id = meeting.link.carried(slot);
    const receiver = meeting.link.session?.receiver(mid);
    if (id === null || !receiver) continue;
    const entry = byId.get(id) ?? { participantId: id, displayName: meeting.people.nameOf(id) };
    entry[source] = sourceStats(mid, await receiver.getStats());
    byId.set(id, entry);
  }
  return [...byId.values()];
}

function sourceStats(mid: string, report: RTCStatsReport): SourceStats {
  const entries = [...(report.values() as Iterable<Record<string, unknown>>)];
  const inbound = entries.find(({ type }) => type === 'inbound-rtp') ?? {};
  const number = (key: string) => (typeof inbound[key] === 'number' ? inbound[key] : 0);
  return {
    mid,
    packetsReceived: number('packetsReceived'),
    packetsLost: number('packetsLost'),
    bytesReceived: number('bytesReceived'),
    framesDecoded: number('framesDecoded'),
    framesDropped: number('framesDropped'),
    frameWidth: number('frameWidth'),
    frameHeight: number('frameHeight'),
    keyFramesDecoded: number('keyFramesDecoded'),
    freezeCount: number('freezeCount'),
    totalFreezesDuration: number('totalFreezesDuration'),
    audioEnergy: number('totalAudioEnergy'),
    audioLevel: number('audioLevel'),
    concealedSamples: number('concealedSamples'),
    jitter: number('jitter'),
  };
}
