/**
 * Where the tiles go: pure geometry, in CSS pixels. The gallery asks for the grid with the
 * largest tiles; the stage splits the space between one large picture and a strip.
 */

export interface Size {
  width: number;
  height: number;
}

export interface Rect extends Size {
  left: number;
  top: number;
}

export interface GridOptions {
  /** The space between two tiles. */
  gap: number;
  /** The narrowest allowed shape, width / height. */
  minAspect: number;
  /** The widest allowed shape, width / height. */
  maxAspect: number;
}

export interface Stage {
  featured: Rect;
  strip: Rect[];
  /** How many of the strip's tiles there was room for. */
  shown: number;
}

const WIDE = 16 / 9;

/** The shapes that suit this area: upright tiles on a phone held upright, else 16:9. */
export function tileShape(area: Size): Pick<GridOptions, 'minAspect' | 'maxAspect'> {
  return area.width < area.height * 0.8 && area.width < 700
    ? { minAspect: 3 / 4, maxAspect: WIDE }
    : { minAspect: WIDE, maxAspect: WIDE };
}

/** The most cells a page can have before tiles become too small to know a face, at least two. */
export function pageCells(area: Size, gap: number, most: number): number {
  const shape = tileShape(area);
  const least = area.width < 700 ? { width: 132, height: 110 } : { width: 196, height: 108 };
  let best = 2;
  for (let columns = 1; columns <= most; columns += 1) {
    for (let rows = 1; columns * rows <= most; rows += 1) {
      const tile = fitTile(
        (area.width - gap * (columns - 1)) / columns,
        (area.height - gap * (rows - 1)) / rows,
        { gap, ...shape },
      );
      const fits = tile && tile.width >= least.width && tile.height >= least.height;
      if (fits) best = Math.max(best, columns * rows);
    }
  }
  return best;
}

/** How many tiles the strip of a stage has room for. */
export function stripCells(area: Size, gap: number): number {
  return stageLayout(Number.MAX_SAFE_INTEGER, area, gap).shown;
}

/**
 * Lays `count` tiles out in `area` so that each is as large as it can be; rows are centred,
 * a short last row too. Returns one rectangle a tile, in order.
 */
export function gridLayout(count: number, area: Size, options: GridOptions): Rect[] {
  if (count <= 0 || area.width <= 0 || area.height <= 0) return [];
  let best: { columns: number; rows: number; tile: Size } | null = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = fitTile(
      (area.width - options.gap * (columns - 1)) / columns,
      (area.height - options.gap * (rows - 1)) / rows,
      options,
    );
    if (tile && (!best || tile.width * tile.height > best.tile.width * best.tile.height + 0.5)) {
      best = { columns, rows, tile };
    }
  }
  return best ? placeRows(count, best.columns, best.rows, best.tile, area, options.gap) : [];
}

/**
 * One large rectangle and `others` small ones: beside it where the area is wide, below it
 * where it is upright. The strip takes as many as fit without becoming unreadable.
 */
export function stageLayout(others: number, area: Size, gap: number): Stage {
  const whole = { left: 0, top: 0, width: area.width, height: area.height };
  if (others <= 0 || area.width <= 0 || area.height <= 0) {
    return { featured: whole, strip: [], shown: 0 };
  }
  return area.width >= area.height * 1.15
    ? stripBeside(others, area, gap)
    : stripBelow(others, area, gap);
}

function stripBeside(others: number, area: Size, gap: number): Stage {
  const wide = Math.round(clamp(area.width * 0.19, 132, 300));
  const fit = Math.max(1, Math.floor((area.height + gap) / (wide / WIDE + gap)));
  // One more, when it takes little from the others to have it.
  const closer = Math.floor(((area.height + gap) / (fit + 1) - gap) * WIDE);
  const narrower = others > fit && closer >= wide * 0.85;
  const width = narrower ? closer : wide;
  const shown = Math.min(others, narrower ? fit + 1 : fit);
  const height = width / WIDE;
  const used = shown * height + (shown - 1) * gap;
  const top = Math.max(0, (area.height - used) / 2);
  return {
    featured: { left: 0, top: 0, width: area.width - width - gap, height: area.height },
    strip: Array.from({ length: shown }, (_, index) => ({
      left: area.width - width,
      top: top + index * (height + gap),
      width,
      height,
    })),
    shown,
  };
}

function stripBelow(others: number, area: Size, gap: number): Stage {
  const height = Math.round(clamp(area.height * 0.2, 84, 190));
  const smallest = height * 0.8;
  const fit = Math.max(1, Math.floor((area.width + gap) / (smallest + gap)));
  const shown = Math.min(others, fit);
  const width = Math.min(height * WIDE, (area.width - gap * (shown - 1)) / shown);
  const used = shown * width + (shown - 1) * gap;
  const left = Math.max(0, (area.width - used) / 2);
  return {
    featured: { left: 0, top: 0, width: area.width, height: area.height - height - gap },
    strip: Array.from({ length: shown }, (_, index) => ({
      left: left + index * (width + gap),
      top: area.height - height,
      width,
      height,
    })),
    shown,
  };
}

function fitTile(width: number, height: number, options: GridOptions): Size | null {
  if (width <= 0 || height <= 0) return null;
  const aspect = clamp(width / height, options.minAspect, options.maxAspect);
  return width / height > aspect
    ? { width: height * aspect, height }
    : { width, height: width / aspect };
}

function placeRows(
  count: number,
  columns: number,
  rows: number,
  tile: Size,
  area: Size,
  gap: number,
): Rect[] {
  const top = (area.height - rows * tile.height - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (area.width - inRow * tile.width - (inRow - 1) * gap) / 2;
    return {
      left: left + (index % columns) * (tile.width + gap),
      top: top + row * (tile.height + gap),
      width: tile.width,
      height: tile.height,
    };
  });
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
