import { describe, expect, it } from 'vitest';
import { gridLayout, pageCells, stageLayout, stripCells, tileShape, type Rect, type Size } from './layout';

const AREAS: Size[] = [
  { width: 1248, height: 700 },
  { width: 1888, height: 980 },
  { width: 880, height: 700 },
  { width: 374, height: 690 },
  { width: 344, height: 500 },
  { width: 828, height: 270 },
];
const GAP = 12;

function inside(rect: Rect, area: Size): boolean {
  const slack = 0.01;
  return (
    rect.left >= -slack &&
    rect.top >= -slack &&
    rect.left + rect.width <= area.width + slack &&
    rect.top + rect.height <= area.height + slack
  );
}

function overlap(a: Rect, b: Rect): boolean {
  return (
    a.left < b.left + b.width - 0.01 &&
    b.left < a.left + a.width - 0.01 &&
    a.top < b.top + b.height - 0.01 &&
    b.top < a.top + a.height - 0.01
  );
}

function disjoint(rects: Rect[]): boolean {
  return rects.every((a, index) => rects.slice(index + 1).every((b) => !overlap(a, b)));
}

describe('gridLayout', () => {
  for (const area of AREAS) {
    for (let count = 1; count <= 12; count += 1) {
      it(`places ${count} tiles in ${area.width}×${area.height}`, () => {
        const rects = gridLayout(count, area, { gap: GAP, ...tileShape(area) });
        expect(rects).toHaveLength(count);
        expect(rects.every((rect) => inside(rect, area))).toBe(true);
        expect(disjoint(rects)).toBe(true);
      });

      it(`finds the largest of all grids for ${count} in ${area.width}×${area.height}`, () => {
        const shape = { minAspect: 16 / 9, maxAspect: 16 / 9 };
        const [tile] = gridLayout(count, area, { gap: GAP, ...shape });
        let largest = 0;
        for (let columns = 1; columns <= count; columns += 1) {
          const rows = Math.ceil(count / columns);
          const width = (area.width - GAP * (columns - 1)) / columns;
          const height = (area.height - GAP * (rows - 1)) / rows;
          largest = Math.max(largest, Math.min(width, (height * 16) / 9));
        }
        expect(tile?.width).toBeCloseTo(largest, 6);
      });
    }
  }

  it('centres a short last row', () => {
    const rects = gridLayout(3, { width: 1248, height: 700 }, { gap: GAP, ...tileShape({ width: 1248, height: 700 }) });
    const [first, second, third] = rects;
    expect(first?.top).toBe(second?.top);
    expect((third?.left ?? 0) + (third?.width ?? 0) / 2).toBeCloseTo(624, 6);
  });

  it('makes upright tiles on a phone held upright', () => {
    const area = { width: 374, height: 690 };
    const rects = gridLayout(6, area, { gap: 8, ...tileShape(area) });
    expect(rects.every(({ width, height }) => height > width)).toBe(true);
  });

  it('places nothing in no space', () => {
    const shape = { gap: GAP, minAspect: 1, maxAspect: 2 };
    expect(gridLayout(4, { width: 0, height: 300 }, shape)).toEqual([]);
    expect(gridLayout(0, { width: 300, height: 300 }, shape)).toEqual([]);
    expect(gridLayout(3, { width: 10, height: 10 }, { ...shape, gap: 40 })).toEqual([]);
  });
});

describe('stageLayout', () => {
  for (const area of AREAS) {
    for (let others = 0; others <= 10; others += 1) {
      it(`keeps ${others} tiles beside the stage in ${area.width}×${area.height}`, () => {
        const { featured, strip, shown } = stageLayout(others, area, GAP);
        expect(strip).toHaveLength(shown);
        expect(shown).toBeLessThanOrEqual(others);
        expect(others === 0 || shown > 0).toBe(true);
        const rects = [featured, ...strip];
        expect(rects.every((rect) => inside(rect, area))).toBe(true);
        expect(disjoint(rects)).toBe(true);
        expect(featured.width * featured.height).toBeGreaterThan(0.5 * area.width * area.height);
      });
    }
  }

  it('puts the strip beside on a wide page and below on an upright one', () => {
    const beside = stageLayout(3, { width: 1200, height: 700 }, GAP);
    const below = stageLayout(3, { width: 374, height: 690 }, GAP);
    expect(beside.featured.height).toBe(700);
    expect(below.featured.width).toBe(374);
  });
});

describe('how much fits', () => {
  it.each([
    [{ width: 1248, height: 690 }, 18, 18],
    [{ width: 374, height: 640 }, 8, 10],
    [{ width: 700, height: 300 }, 4, 8],
    [{ width: 1900, height: 950 }, 18, 18],
    [{ width: 0, height: 0 }, 2, 2],
  ])('a page of %o has from %i to %i cells', (area, least, most) => {
    const cells = pageCells(area, 12, 18);
    expect(cells).toBeGreaterThanOrEqual(least);
    expect(cells).toBeLessThanOrEqual(most);
  });

  it('counts the cells of the strip as the stage lays them out', () => {
    const area = { width: 1200, height: 700 };
    expect(stageLayout(99, area, 12).strip).toHaveLength(stripCells(area, 12));
    expect(stripCells({ width: 0, height: 0 }, 12)).toBe(0);
  });
});
