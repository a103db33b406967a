import { describe, expect, it } from 'vitest';
import type { Participant } from './protocol';
import { arrange, tileKey } from './tiles';

function people(count: number): Participant[] {
  return Array.from({ length: count }, (_, index) => ({
    participant_id: `p${index}`,
    display_name: `P ${index}`,
    role: 'participant',
    audio_enabled: true,
    video_enabled: true,
    screen_sharing: false,
    connected: true,
    joined_at: '',
  }));
}

function sharing(list: Participant[], id: string): Participant[] {
  return list.map((one) => (one.participant_id === id ? { ...one, screen_sharing: true } : one));
}

const OPTIONS = { selfId: 'p0', pinned: null, page: 0, pageSize: 9, lastHeard: new Map<string, number>() };
const ids = (list: Participant[], options = OPTIONS) =>
  arrange(list, options).tiles.map(({ participant }) => participant.participant_id);

describe('arrange', () => {
  it('shows everyone, oneself last', () => {
    expect(ids(people(4))).toEqual(['p1', 'p2', 'p3', 'p0']);
    expect(arrange(people(4), OPTIONS).kind).toBe('grid');
    expect(arrange(people(1), OPTIONS).kind).toBe('grid');
  });

  it('puts oneself in a corner when there are two', () => {
    expect(arrange(people(2), OPTIONS).kind).toBe('duo');
  });

  it('gives a shared screen the stage', () => {
    const { kind, featured, tiles } = arrange(sharing(people(3), 'p2'), OPTIONS);
    expect(kind).toBe('stage');
    expect(featured?.key).toBe(tileKey('p2', 'screen'));
    expect(tiles.map(({ key }) => key)).toEqual(['p1/camera', 'p2/camera', 'p0/camera']);
  });

  it('keeps the own screen among the tiles', () => {
    const { kind, tiles } = arrange(sharing(people(2), 'p0'), OPTIONS);
    expect(kind).toBe('grid');
    expect(tiles.map(({ key }) => key)).toEqual(['p1/camera', 'p0/screen', 'p0/camera']);
  });

  it('lets a pin win over a screen, and forgets the pin of someone who left', () => {
    const pinned = { ...OPTIONS, pinned: tileKey('p1', 'camera') };
    const { featured, tiles } = arrange(sharing(people(3), 'p2'), pinned);
    expect(featured?.key).toBe('p1/camera');
    expect(tiles.map(({ key }) => key)).toEqual(['p2/screen', 'p2/camera', 'p0/camera']);
    expect(arrange(people(1), pinned).featured).toBeNull();
  });

  it('pages a large meeting without losing anyone', () => {
    const list = people(20);
    const pages = [0, 1, 2].map((page) => ids(list, { ...OPTIONS, page }));
    expect(pages.map(({ length }) => length)).toEqual([9, 9, 4]);
    expect(new Set(pages.flat()).size).toBe(20);
    expect(arrange(list, { ...OPTIONS, page: 99 }).page).toBe(2);
  });

  it('brings whoever speaks to the first page, in the place of a silent one', () => {
    const lastHeard = new Map([
      ['p15', 900],
      ['p1', 800],
    ]);
    const first = ids(people(20), { ...OPTIONS, lastHeard });
    expect(first).toContain('p15');
    expect(first[0]).toBe('p1');
    expect(new Set(first).size).toBe(9);
  });
});
