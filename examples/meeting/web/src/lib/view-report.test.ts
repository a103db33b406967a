import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ViewTile } from './protocol';
import { ViewReport } from './view-report';

const tile = (height: number): ViewTile => ({ participant_id: 'a', source: 'camera', width: 320, height });

let sent: number[];
let open: boolean;
let report: ViewReport;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  open = true;
  report = new ViewReport((tiles) => {
    if (open) sent.push(tiles[0]?.height ?? 0);
    return open;
  });
});

afterEach(() => {
  report.close();
  vi.useRealTimers();
});

describe('ViewReport', () => {
  it('tells what changes within a moment together, and nothing twice', () => {
    for (const height of [1, 2, 3]) report.set([tile(height)]);
    vi.advanceTimersByTime(1000);
    report.set([tile(3)]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([3]);
  });

  it('tells of a page that never comes to rest', () => {
    for (let height = 0; height < 50; height += 1) {
      report.set([tile(height)]);
      vi.advanceTimersByTime(50);
    }
    expect(sent.length).toBeGreaterThan(5);
  });

  it('says again what could not be sent, once it can', () => {
    open = false;
    report.set([tile(7)]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([]);
    open = true;
    report.repeat();
    expect(sent).toEqual([7]);
    report.repeat();
    expect(sent).toEqual([7, 7]);
    expect(report.sizeOf({ participant_id: 'a', source: 'camera' })?.height).toBe(7);
    expect(report.sizeOf({ participant_id: 'a', source: 'screen' })).toBeNull();
  });
});
