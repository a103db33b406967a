import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MediaStatus } from './media';
import type { ClientMessage, Source } from './protocol';

class FakeSession {
  closed = false;
  readonly layers: [Source, number | null][] = [];

  constructor(
    _iceServers: RTCIceServer[],
    readonly tell: (status: MediaStatus) => void,
  ) {
    sessions.push(this);
  }

  audioTracks(): MediaStreamTrack[] {
    return [];
  }

  offer(): Promise<object> {
    return Promise.resolve({ sdp: 'v=0', tracks: [], slots: [] });
  }

  accept(): Promise<void> {
    return Promise.resolve();
  }

  setTrack(): Promise<void> {
    return Promise.resolve();
  }

  /** How often the browser still refuses. */
  refusals = 0;

  setLayers(source: Source, max: number | null): Promise<void> {
    if (this.refusals > 0) {
      this.refusals -= 1;
      return Promise.reject(new Error('busy'));
    }
    this.layers.push([source, max]);
    return Promise.resolve();
  }

  receiver(mid: string): object {
    return { track: mid };
  }

  close(): void {
    this.closed = true;
  }
}

class SilentOutput {
  play(): void {}
  stop(): void {}
  resume(): Promise<void> {
    return Promise.resolve();
  }
}

const sessions: FakeSession[] = [];

vi.mock('./media', () => ({ MediaSession: FakeSession }));
vi.mock('./audio-output.svelte', () => ({ AudioOutput: SilentOutput }));
const { MediaLink } = await import('./media-link.svelte');

const A_MINUTE = 60_000;

let sent: ClientMessage[];
let joined: boolean;
let link: InstanceType<typeof MediaLink>;

function last(): FakeSession {
  const session = sessions.at(-1);
  if (!session) throw new Error('no session was made');
  return session;
}

async function connected(): Promise<void> {
  await link.connect([]);
  await link.answered(sent.length, 'v=0');
  last().tell('connected');
}

beforeEach(() => {
  vi.useFakeTimers();
  sessions.length = 0;
  sent = [];
  joined = true;
  link = new MediaLink(
    (message) => {
      if (joined) sent.push(message);
      return joined;
    },
    () => joined,
    () => 'self',
  );
});

afterEach(() => {
  link.close();
  vi.useRealTimers();
});

describe('a media link', () => {
  it('offers once and stays with a connection that works', async () => {
    await connected();
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(sessions).toHaveLength(1);
    expect(sent.map((message) => message.type)).toEqual(['offer']);
    expect(link.healthy).toBe(true);
  });

  it('makes a new connection when one failed', async () => {
    await connected();
    const first = last();
    first.tell('failed');
    expect(link.healthy).toBe(false);
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(first.closed).toBe(true);
    expect(sessions.length).toBeGreaterThan(1);
    expect(sent.length).toBe(sessions.length);
  });

  it('offers again when no answer comes', async () => {
    await link.connect([]);
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(sent.length).toBeGreaterThan(1);
  });

  it('leaves an interrupted connection the time to recover', async () => {
    await connected();
    last().tell('interrupted');
    await vi.advanceTimersByTimeAsync(3_000);
    last().tell('connected');
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(sessions).toHaveLength(1);
  });

  it('keeps what may recover while it cannot offer, and offers when it can', async () => {
    await connected();
    const first = last();
    joined = false;
    first.tell('failed');
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(sessions).toHaveLength(1);
    expect(first.closed).toBe(false);

    joined = true;
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(first.closed).toBe(true);
    expect(sent.length).toBeGreaterThan(1);
  });

  it('does nothing more once it is closed', async () => {
    await connected();
    last().tell('failed');
    link.close();
    await vi.advanceTimersByTimeAsync(A_MINUTE);
    expect(sessions).toHaveLength(1);
    expect(link.status).toBe('closed');
  });
});

describe('layers', () => {
  it('encodes what the server says is watched, and everything in a new session', async () => {
    await connected();
    link.limitLayers('camera', null);
    link.limitLayers('camera', 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(last().layers.at(-1)).toEqual(['camera', 1]);
    await link.connect([]);
    // The answer has not come: this is about the session that is gone.
    link.limitLayers('camera', null);
    await vi.advanceTimersByTimeAsync(0);
    expect(last().layers).toEqual([]);
  });
});

describe('a busy sender', () => {
  it('is asked again, for the latest', async () => {
    await connected();
    last().refusals = 2;
    link.limitLayers('camera', null);
    await vi.advanceTimersByTimeAsync(50);
    link.limitLayers('camera', 2);
    await vi.advanceTimersByTimeAsync(2000);
    expect(last().layers[0]).toEqual(['camera', 2]);
  });
});

describe('who is on a slot', () => {
  const slot = (mid: string, source: Source, participant_id: string | null, speaker?: number) => ({
    mid,
    source,
    participant_id,
    ...(speaker === undefined ? {} : { speaker }),
  });

  it('is told by the assignment, or by who speaks', async () => {
    await connected();
    link.assignments = [slot('1', 'camera', 'a'), slot('2', 'camera', null, 0), slot('3', 'microphone', null, 1)];
    expect(link.slotOf('b', 'camera')).toBeNull();
    link.speaking = { participant_id: 'b', previous_id: 'a', speakers: ['b', 'c', null] };
    expect(link.slotOf('b', 'camera')?.mid).toBe('2');
    expect(link.slotOf('c', 'microphone')?.mid).toBe('3');
    expect(link.speakerSlot?.mid).toBe('2');
    expect(link.track(link.speakerSlot)).toBe('2');
    link.speaking = { participant_id: 'self', previous_id: 'a', speakers: [] };
    expect(link.assignments.map((one) => link.carried(one))).toEqual(['a', 'a', null]);
    expect(link.slotOf('a', 'camera')?.mid).toBe('1');
  });
});
