import { describe, expect, it } from 'vitest';
import { arrange, LIVE_KEY, tileKey, type Scene } from './tiles';

function crowd(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

function scene(count: number, change: Partial<Scene> = {}): Scene {
  return {
    ids: crowd(count),
    count,
    selfId: 'p0',
    presenting: [],
    view: 'gallery',
    pinned: null,
    spotlight: null,
    speaker: null,
    page: 0,
    cells: 9,
    strip: 5,
    ...change,
  };
}

const keys = (one: Scene) => arrange(one).tiles.map(({ key }) => key);
const people = (one: Scene) => arrange(one).tiles.map(({ id }) => id);

describe('gallery', () => {
  it('shows everyone, oneself last', () => {
    expect(people(scene(4))).toEqual(['p1', 'p2', 'p3', 'p0']);
    expect(arrange(scene(4)).kind).toBe('grid');
    expect(arrange(scene(1)).kind).toBe('grid');
  });

  it('puts oneself in a corner when there are two', () => {
    expect(arrange(scene(2)).kind).toBe('duo');
    expect(arrange(scene(2, { presenting: ['p0'] })).kind).toBe('grid');
  });

  it('keeps the own screen among the tiles', () => {
    expect(keys(scene(2, { presenting: ['p0'] }))).toEqual(['p1/camera', 'p0/screen', 'p0/camera']);
  });

  it.each([9, 10, 20, 100, 1000])('pages a meeting of %i without losing anyone', (count) => {
    const { pages } = arrange(scene(count));
    const all = Array.from({ length: pages }, (_, page) => arrange(scene(count, { page })));
    const shown = all.flatMap(({ tiles }) => tiles.filter(({ self }) => !self).map(({ id }) => id));
    expect(shown).toEqual(crowd(count).slice(1));
    for (const { tiles, others } of all) {
      expect(tiles.length + (others > 0 ? 1 : 0)).toBeLessThanOrEqual(9);
      expect(tiles.at(-1)?.id).toBe('p0');
    }
  });

  it('says on the first page how many are on the others', () => {
    const { others, tiles } = arrange(scene(100));
    expect(others + tiles.length).toBe(100);
    expect(arrange(scene(100, { page: 3 })).others).toBe(0);
    expect(arrange(scene(9)).others).toBe(0);
  });

  it('stays on a page that there is', () => {
    expect(arrange(scene(20, { page: 99 })).page).toBe(arrange(scene(20)).pages - 1);
    expect(arrange(scene(20, { page: -1 })).page).toBe(0);
  });

  it('counts people it does not know yet', () => {
    const { pages } = arrange(scene(50, { count: 1000 }));
    expect(pages).toBe(arrange(scene(1000)).pages);
    expect(arrange(scene(50, { count: 1000, page: 100 })).tiles.map(({ id }) => id)).toEqual(['p0']);
  });
});

describe('stage', () => {
  it('gives a shared screen the stage in both views', () => {
    for (const view of ['gallery', 'speaker'] as const) {
      const { kind, featured, tiles } = arrange(scene(3, { presenting: ['p2'], view, speaker: 'p1' }));
      expect(kind).toBe('stage');
      expect(featured?.key).toBe(tileKey('p2', 'screen'));
      expect(tiles.map(({ key }) => key)).toEqual(['p1/camera', 'p2/camera', 'p0/camera']);
    }
  });

  it('lets a pin win over a screen, and forgets the pin of someone who left', () => {
    const pinned = tileKey('p1', 'camera');
    const { featured, tiles } = arrange(scene(3, { presenting: ['p2'], pinned, spotlight: 'p2' }));
    expect(featured?.key).toBe(pinned);
    expect(tiles.map(({ key }) => key)).toEqual(['p2/screen', 'p2/camera', 'p0/camera']);
    expect(arrange(scene(1, { pinned })).featured).toBeNull();
  });

  it('lets the spotlight win over the speaker, for whoever is in it too', () => {
    const lit = { view: 'speaker', speaker: 'p2', spotlight: 'p1' } as const;
    expect(arrange(scene(4, lit)).featured?.key).toBe('p1/camera');
    expect(arrange(scene(4, { spotlight: 'p0' })).featured).toMatchObject({ id: 'p0', self: true });
    expect(arrange(scene(4, { spotlight: 'gone' })).featured).toBeNull();
  });

  it('keeps one tile for whoever speaks, and shows nobody twice', () => {
    const first = arrange(scene(4, { view: 'speaker', speaker: 'p1' }));
    const second = arrange(scene(4, { view: 'speaker', speaker: 'p2' }));
    expect([first, second].map(({ featured }) => featured?.key)).toEqual([LIVE_KEY, LIVE_KEY]);
    expect(second.featured?.id).toBe('p2');
    expect(second.tiles.map(({ id }) => id)).toEqual(['p1', 'p3', 'p0']);
  });

  it('shows somebody before anybody has spoken, and a grid to whoever is alone', () => {
    expect(arrange(scene(4, { view: 'speaker' })).featured?.id).toBe('p1');
    expect(arrange(scene(1, { view: 'speaker' })).kind).toBe('grid');
  });

  it('names the number of those without a place in the strip', () => {
    const { featured, tiles, others } = arrange(scene(100, { view: 'speaker', speaker: 'p7' }));
    expect(tiles).toHaveLength(4);
    expect(tiles.at(-1)?.id).toBe('p0');
    expect(tiles.length + others + (featured ? 1 : 0)).toBe(100);
    const shared = arrange(scene(100, { presenting: ['p7'] }));
    expect(shared.tiles.length + shared.others).toBe(100);
  });

  it.each([1, 2, 3, 4, 5, 8])('never has more cells than a strip of %i', (strip) => {
    for (const count of [1, 2, 3, 4, 5, 6, 9, 40]) {
      for (const presenting of [[], ['p1'], ['p0'], ['p0', 'p1']]) {
        const { tiles, others } = arrange(scene(count, { strip, presenting, view: 'speaker', speaker: 'p1' }));
        if (count > 1) expect(tiles.length + (others > 0 ? 1 : 0)).toBeLessThanOrEqual(strip);
        expect(new Set(tiles.map(({ key }) => key)).size).toBe(tiles.length);
      }
    }
  });
});
