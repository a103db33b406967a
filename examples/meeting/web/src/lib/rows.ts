/** Which rows of a long list are drawn: those in sight and a few around them. */

export interface Rows {
  /** The first row that is drawn. */
  start: number;
  /** The row after the last one that is drawn. */
  end: number;
}

const AROUND = 6;

/** `height` is that of the list's window, `row` that of a row, all in pixels. */
export function rowsInSight(scrolled: number, height: number, row: number, count: number): Rows {
  const first = Math.floor(Math.max(0, scrolled) / row);
  const last = Math.ceil((Math.max(0, scrolled) + Math.max(0, height)) / row);
  const end = Math.min(count, last + AROUND);
  return { start: Math.max(0, Math.min(first - AROUND, end)), end };
}
