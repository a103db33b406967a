import { describe, expect, it } from 'vitest';
import { rowsInSight } from './rows';

describe('rowsInSight', () => {
  it.each([0, 1, 55, 56, 57, 5000, 55_400, 56_000])('draws what is in sight at %i and little more', (scrolled) => {
    const { start, end } = rowsInSight(scrolled, 600, 56, 1000);
    expect(start * 56).toBeLessThanOrEqual(scrolled);
    expect(end * 56).toBeGreaterThanOrEqual(Math.min(scrolled + 600, 56_000));
    expect(end - start).toBeLessThanOrEqual(25);
  });

  it('draws a short list whole and an empty one not at all', () => {
    expect(rowsInSight(0, 600, 56, 3)).toEqual({ start: 0, end: 3 });
    expect(rowsInSight(0, 600, 56, 0)).toEqual({ start: 0, end: 0 });
    expect(rowsInSight(9999, 600, 56, 3)).toEqual({ start: 3, end: 3 });
    expect(rowsInSight(-80, 0, 56, 100).start).toBe(0);
  });
});
