import { describe, expect, it } from 'vitest';
import { arrivals, departures } from './comings';
import type { Explanation } from './protocol';
import { assess, bitrate, layerOf, resolution, why, type Look } from './quality';

const START: Look = {
  at: 1000,
  width: 640,
  height: 360,
  framesDecoded: 100,
  packetsReceived: 1000,
  packetsLost: 0,
  freezesDuration: 0,
  bytesReceived: 0,
};

const tile = (height: number) => ({ width: (height * 16) / 9, height });

function later(change: Partial<Look>): Look {
  return { ...START, at: 3000, framesDecoded: 150, packetsReceived: 1200, bytesReceived: 150_000, ...change };
}

describe('assess', () => {
  it('reads rates from the difference of two looks', () => {
    const quality = assess(START, later({ packetsLost: 50 }), tile(360), 'camera');
    expect(quality).toMatchObject({ rate: 25, loss: 0.2, bitrate: 600_000, width: 640, height: 360 });
  });

  it.each([
    ['a steady picture', {}, 360, 'camera', 'good'],
    ['a picture far smaller than its tile', {}, 1000, 'camera', 'fair'],
    ['a small picture in a small tile', { height: 90 }, 180, 'camera', 'good'],
    ['a halting picture', { framesDecoded: 112 }, 360, 'camera', 'fair'],
    ['a picture that stands', { framesDecoded: 101 }, 360, 'camera', 'poor'],
    ['a still screen', { framesDecoded: 100, packetsReceived: 1000 }, 720, 'screen', 'good'],
    ['some loss', { packetsLost: 10 }, 360, 'camera', 'fair'],
    ['much loss', { packetsLost: 60 }, 360, 'camera', 'poor'],
    ['a freeze', { freezesDuration: 1.2 }, 360, 'camera', 'poor'],
  ] as const)('%s', (_, change, shown, source, level) => {
    expect(assess(START, later(change), tile(shown), source).level).toBe(level);
  });

  it('judges a screen by the room that it fills', () => {
    const upright = { width: 750, height: 1300 };
    expect(assess(START, later({}), upright, 'screen').level).toBe('good');
    expect(assess(START, later({}), upright, 'camera').level).toBe('fair');
  });

  it('takes counters that begin anew for nothing', () => {
    const { rate, loss, bitrate: bits } = assess(later({}), { ...START, at: 5000 }, null, 'camera');
    expect([rate, loss, bits]).toEqual([0, 0, 0]);
  });
});

describe('words', () => {
  const explanation: Explanation = {
    type: 'explanation',
    mid: '4',
    participant_id: 'a',
    source: 'camera',
    reason: 'bandwidth',
    detail: 'more does not fit',
    wanted: null,
    target: { spatial: 1, temporal: 2 },
    current: { spatial: 0, temporal: 2 },
    awaits_key_frame: false,
    available_bitrate: 300_000,
  };

  it('says why in plain words, and in the server\'s where it knows none', () => {
    expect(why(explanation, null)).toMatch(/your connection/i);
    expect(why({ ...explanation, awaits_key_frame: true }, null)).toMatch(/on its way/);
    expect(why({ ...explanation, reason: 'new_rule' }, null)).toBe('more does not fit');
    expect(why(explanation, assess(START, later({ packetsLost: 50 }), null, 'camera'))).toMatch(/lost/);
    expect(why(null, null)).toMatch(/asking/i);
  });

  it('writes figures', () => {
    expect(resolution(null)).toBe('–');
    expect(resolution(assess(START, later({}), null, 'camera'))).toBe('640 × 360');
    expect(bitrate(340_400)).toBe('340 kbit/s');
    expect(bitrate(1_230_000)).toBe('1.2 Mbit/s');
    expect(layerOf(explanation)).toBe('Small');
    expect(layerOf({ ...explanation, current: null })).toBe('–');
  });

  it('names those who come while they are few', () => {
    const people = ['Ana', 'Ben', 'Cem'].map((name) => ({ display_name: name }));
    expect(arrivals(people.slice(0, 1), 5)).toBe('Ana joined');
    expect(departures(people.slice(0, 2), 5)).toBe('Ana and Ben left');
    expect(arrivals(people, 5)).toBe('3 people joined');
    expect(arrivals(people, 100)).toBeNull();
    expect(arrivals([], 5)).toBeNull();
  });
});
