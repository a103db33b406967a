import { describe, expect, it } from 'vitest';
import { Seating } from './seating';

const ids = Array.from({ length: 20 }, (_, index) => `p${index}`);
const heard = (...names: string[]) => new Map(names.map((name, index) => [name, index + 1]));

describe('Seating', () => {
  it('keeps the order of arrival while nobody speaks', () => {
    expect(new Seating().order(ids, 8, new Map())).toEqual(ids);
  });

  it('brings whoever speaks to the front, in the place of a silent one, and moves nobody else', () => {
    const seating = new Seating();
    seating.order(ids, 4, new Map());
    const after = seating.order(ids, 4, heard('p1', 'p3', 'p15'));
    expect(after.slice(0, 4)).toEqual(['p0', 'p1', 'p15', 'p3']);
    expect(new Set(after).size).toBe(20);
    const later = seating.order(ids, 4, heard('p1', 'p3', 'p15', 'p16', 'p17'));
    expect(later.slice(0, 4)).toEqual(['p17', 'p16', 'p15', 'p3']);
  });

  it('gives a place back only when another one is needed', () => {
    const seating = new Seating();
    const times = heard('p15');
    seating.order(ids, 4, times);
    expect(seating.order(ids, 4, times).indexOf('p15')).toBe(3);
    expect(seating.order(ids, 4, times)).toEqual(seating.order(ids, 4, times));
  });

  it('closes the gap of someone who left and fills it from behind', () => {
    const seating = new Seating();
    seating.order(ids, 3, new Map());
    expect(seating.order(ids.filter((id) => id !== 'p1'), 3, new Map()).slice(0, 3)).toEqual(['p0', 'p2', 'p3']);
  });

  it('keeps those heard last when the front shrinks', () => {
    const seating = new Seating();
    seating.order(ids, 5, heard('p4', 'p1'));
    expect(seating.order(ids, 2, heard('p4', 'p1')).slice(0, 2)).toEqual(['p1', 'p4']);
    expect(seating.order(ids, 0, new Map())).toEqual(ids);
  });
});
