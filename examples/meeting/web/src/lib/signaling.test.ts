import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServerMessage } from './protocol';
import { Signaling, type SignalingStatus } from './signaling';

class FakeSocket {
  readyState = 0;
  sent: { type: string; token?: string }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }

  close(): void {
    this.readyState = 3;
  }
}

const JOINED = {
  type: 'joined',
  participant_id: 'a',
  role: 'participant',
  resumed: false,
  meeting: { meeting_id: 'x', title: 'T' },
  participants: [],
  participant_count: 0,
  spotlight: null,
  speakers: null,
  chat: [],
  slots: [],
};

let sockets: FakeSocket[];
let statuses: SignalingStatus[];
let messages: ServerMessage[];
let lost: string[];
let closed: string[];
let refused: number[];
let signaling: Signaling;

function socket(index = sockets.length - 1): FakeSocket {
  const found = sockets.at(index);
  if (!found) throw new Error('no socket was opened');
  return found;
}

function join(): void {
  socket().open();
  socket().say(JOINED);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', { OPEN: 1 });
  sockets = [];
  statuses = [];
  messages = [];
  lost = [];
  closed = [];
  refused = [];
  signaling = new Signaling({
    url: '/signaling',
    token: 'secret',
    onMessage: (message) => messages.push(message),
    onStatus: (status) => statuses.push(status),
    onSeatLost: (code) => lost.push(code),
    onClosed: (reason) => closed.push(reason),
    onRefused: (failures) => refused.push(failures),
    openSocket: () => {
      const opened = new FakeSocket();
      sockets.push(opened);
      return opened as unknown as WebSocket;
    },
  });
  signaling.connect();
});

afterEach(() => {
  signaling.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('Signaling', () => {
  it('joins with its token and says nothing before it is in', () => {
    expect(signaling.send({ type: 'mute', muted: true })).toBe(false);
    socket().open();
    expect(socket().sent).toEqual([{ type: 'join', token: 'secret' }]);
    expect(signaling.send({ type: 'mute', muted: true })).toBe(false);
    socket().say(JOINED);
    expect(signaling.send({ type: 'mute', muted: true })).toBe(true);
    expect(statuses).toEqual(['connecting', 'joined']);
  });

  it('comes back with the same token, and waits longer each time', () => {
    join();
    socket().drop();
    expect(statuses.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(400);
    expect(sockets).toHaveLength(2);
    socket().drop();
    vi.advanceTimersByTime(479);
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(321);
    expect(sockets).toHaveLength(3);
    join();
    expect(socket().sent[0]).toEqual({ type: 'join', token: 'secret' });
    expect(statuses.at(-1)).toBe('joined');
    socket().drop();
    vi.advanceTimersByTime(400);
    expect(sockets).toHaveLength(4);
  });

  it('pings, and gives up on a socket that has gone silent', () => {
    join();
    vi.advanceTimersByTime(10_000);
    expect(socket().sent.at(-1)).toEqual({ type: 'ping' });
    socket().say({ type: 'pong' });
    vi.advanceTimersByTime(20_000);
    expect(statuses.at(-1)).toBe('joined');
    vi.advanceTimersByTime(10_000);
    expect(statuses.at(-1)).toBe('waiting');
  });

  it('tries again when nothing answers the join', () => {
    socket().open();
    vi.advanceTimersByTime(10_000 + 400);
    expect(sockets).toHaveLength(2);
  });

  it('does not come back after it was replaced, closed, or lost its seat', () => {
    join();
    socket().drop(4001);
    vi.advanceTimersByTime(60_000);
    expect([closed, sockets.length]).toEqual([['replaced'], 1]);

    signaling.connect();
    socket().open();
    socket().say({ type: 'error', code: 'unauthorized', detail: 'gone' });
    vi.advanceTimersByTime(60_000);
    expect([lost, sockets.length]).toEqual([['unauthorized'], 2]);

    signaling.connect();
    join();
    signaling.close();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(3);
  });

  it.each([
    [1000, 'over'],
    [4001, 'replaced'],
    [4003, 'refused'],
    [4005, 'refused'],
  ])('stays away after close code %i', (code, reason) => {
    join();
    socket().drop(code);
    vi.advanceTimersByTime(60_000);
    expect([closed, sockets.length, signaling.status]).toEqual([[reason], 1, 'closed']);
  });

  it('tells a socket that never opened from one that dropped', () => {
    join();
    socket().drop();
    expect(refused).toEqual([]);
    vi.advanceTimersByTime(400);
    socket().drop();
    vi.advanceTimersByTime(800);
    socket().drop();
    expect(refused).toEqual([2, 3]);
  });

  it.each([1001, 1006, 1009, 4002, 4004])('comes back after close code %i', (code) => {
    join();
    socket().drop(code);
    vi.advanceTimersByTime(400);
    expect([closed, sockets.length]).toEqual([[], 2]);
  });

  it('hears nothing from a socket it has left', () => {
    join();
    const old = socket();
    const handler = old.onmessage;
    old.drop();
    vi.advanceTimersByTime(400);
    const before = messages.length;
    handler?.({ data: JSON.stringify({ type: 'ended', reason: 'left' }) });
    expect(messages).toHaveLength(before);
  });

  it('skips the wait when the network is back', () => {
    join();
    socket().drop();
    signaling.retryNow();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(sockets).toHaveLength(2);
  });
});
