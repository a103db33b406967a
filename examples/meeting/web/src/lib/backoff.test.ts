import { describe, expect, it } from 'vitest';
import { backoffDelay, RECONNECT } from './backoff';

describe('backoffDelay', () => {
  it('starts at once and doubles up to the limit', () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => backoffDelay(failures, 0));
    expect(waits).toEqual([0, 400, 800, 1600, 3200, 6400, 8000, 8000]);
  });

  it('takes off no more than the jitter', () => {
    for (let failures = 1; failures < 40; failures += 1) {
      const full = backoffDelay(failures, 0);
      const least = backoffDelay(failures, 0.999999);
      expect(least).toBeGreaterThanOrEqual(Math.floor(full * (1 - RECONNECT.jitter)));
      expect(least).toBeLessThan(full);
    }
  });
});
